"""Domains of values: what a column may hold."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.cleansing.text import arrow, normalize_text, unify


def match_allowed(values: pd.Series, allowed: Mapping[object, tuple[str, ...]]) -> pd.Series:
    """Each value as the allowed value it is a spelling of, missing where it is none.

    Case, spaces, hyphens and letter variants do not count.

    Parameters
    ----------
    allowed
        Allowed values, each with its other spellings.

    Examples
    --------
    >>> match_allowed(pd.Series(["E-Mail", "fax"]), {"email": ("e-mail",)}).tolist()
    ['email', nan]
    """
    spellings = _spellings(tuple(allowed.items()))
    distinct = pd.Series(pd.Series(values).dropna().unique(), dtype="str")
    folded = _folded(arrow(normalize_text(distinct))).to_pylist()
    found = {text: spellings.get(key) for text, key in zip(distinct, folded, strict=True)}
    return values.map(found)


def match_one(text: str, allowed: Mapping[object, tuple[str, ...]]) -> object:
    """One text as the allowed value that `match_allowed` takes it for, None if it is none.

    Examples
    --------
    >>> match_one("E-Mail", {"email": ("e-mail",)})
    'email'
    """
    folded = _folded(pa.array([unify(text)], pa.large_string()))[0].as_py()
    return _spellings(tuple(allowed.items())).get(folded)


@cache
def _spellings(allowed: tuple[tuple[object, tuple[str, ...]], ...]) -> dict[str, object]:
    """Allowed value by each of its spellings, folded."""
    # The values themselves first: one may be another's spelling.
    known = [(str(value), value) for value, _ in allowed]
    known += [(spelling, value) for value, others in allowed for spelling in others]
    texts = normalize_text(pd.Series([text for text, _ in known], dtype="str"))
    spellings: dict[str, object] = {}
    for spelling, (_, value) in zip(_folded(arrow(texts)).to_pylist(), known, strict=True):
        spellings.setdefault(spelling, value)
    return spellings


def _folded(unified: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.utf8_lower(unified), r"[\s_\x{200c}-]+", "")


def out_of_range(values: pd.Series, minimum: float | None = None, maximum: float | None = None) -> pd.Series:
    """True where a number lies outside its range; missing values do not.

    Examples
    --------
    >>> out_of_range(pd.Series([-1, 5, None]), minimum=0).tolist()
    [True, False, False]
    """
    outside = pd.Series(False, index=values.index)
    if minimum is not None:
        outside |= (values < minimum).fillna(False).astype(bool)
    if maximum is not None:
        outside |= (values > maximum).fillna(False).astype(bool)
    return outside
