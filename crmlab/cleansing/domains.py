"""Domains of values: what a column may hold."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crmlab.cleansing.text import normalize_text


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
    # The values themselves first: one may be another's spelling.
    known = [(str(value), value) for value in allowed]
    known += [(spelling, value) for value, others in allowed.items() for spelling in others]
    spellings: dict[str, object] = {}
    for spelling, (_, value) in zip(_folded(pd.Series([text for text, _ in known])), known, strict=True):
        spellings.setdefault(spelling, value)
    distinct = pd.Series(pd.Series(values).dropna().unique(), dtype="str")
    found = dict(zip(distinct, _folded(distinct).map(spellings), strict=True))
    return values.map(found)


def _folded(values: pd.Series) -> pd.Series:
    return normalize_text(values).str.lower().str.replace(r"[\s_\u200c-]+", "", regex=True)


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
