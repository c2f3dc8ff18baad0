"""Persons kept out of sight: pseudonyms in place of their numbers, and no group too small to hide in.

Pseudonyms can be undone by whoever has the key, and groups say something about everybody in them: what
these functions return is less personal, not anonymous in the sense of the law.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import pandas as pd

from crmlab.cleansing.identity import customer_code
from crmlab.errors import ParameterError, did_you_mean
from crmlab.tables import IDENTIFIERS

#: How the groups of a table belong together, see `suppress_small_groups`.
Groups = Literal["parts", "separate", "together"]
_GROUPS = ("parts", "separate", "together")


def pseudonymize(
    frame: pd.DataFrame,
    key: str,
    columns: str | Iterable[str] = "customer_id",
    drop: Iterable[str] | None = None,
    blank: bool = False,
) -> pd.DataFrame:
    """Replace the numbers of persons by pseudonyms, and take out what says who they are.

    A value has the same pseudonym in every table and column for which the same key is used, so
    tables can be joined as before. Text such as comments is left as it is: name it in `drop` if
    persons may be named in it.

    Parameters
    ----------
    frame
        One of several tables about the same persons.
    key
        Secret of the house (at least 16 signs), to be kept apart from the data: whoever has it can
        make the pseudonym of every number, and so find out whose it is.
    columns
        Columns whose values are replaced. Missing values stay missing.
    drop
        Columns to take out; the direct identifiers (`crmlab.tables.IDENTIFIERS`) that are not among
        `columns` if not given.
    blank
        Keep the columns of `drop`, without a value in them, so that the table has all its columns.

    Returns
    -------
    DataFrame
        Indexed like `frame`. Pseudonyms are those of `customer_code`: 64 bits of HMAC-SHA256, of
        which two in 10 million differing values are the same with a chance of 3 in a million.

    Raises
    ------
    ParameterError
        If there is no such column, an identifier stands in the index, or the key is too short.

    Examples
    --------
    >>> people = pd.DataFrame({"customer_id": ["7", "8"], "email": ["a@b.com", None], "city": "York"})
    >>> orders = pd.DataFrame({"customer_id": [8, 7, 8]})
    >>> people = pseudonymize(people, "a key of the house")
    >>> people.columns.tolist()
    ['customer_id', 'city']
    >>> codes = pseudonymize(orders, "a key of the house")["customer_id"]
    >>> codes.map(people.reset_index().set_index("customer_id")["index"]).tolist()
    [1, 0, 1]
    """
    if not isinstance(frame, pd.DataFrame):
        raise ParameterError(
            "Pseudonyms are given in a DataFrame; a table of a workspace becomes one with .to_pandas()."
        )
    replaced = _columns(frame, columns)
    in_index = sorted(IDENTIFIERS & {*map(str, frame.index.names)})
    if in_index:
        raise ParameterError(
            f"{', '.join(in_index)} in the index says who a person is; make it a column first, with "
            "frame.reset_index()."
        )
    if drop is None:
        taken = [name for name in frame if name in IDENTIFIERS and name not in replaced]
    else:
        taken = _columns(frame, drop)
    result = frame.assign(**{name: customer_code(key, frame[name]) for name in replaced})
    if blank:
        return result.assign(**{name: _no_value(frame[name]) for name in taken})
    return result.drop(columns=taken)


def group_sizes(frame: pd.DataFrame, quasi_identifiers: str | Iterable[str]) -> pd.Series:
    """How many rows share each row's values of the quasi-identifiers: the size of its group.

    Parameters
    ----------
    frame
        One row per person.
    quasi_identifiers
        Columns by which somebody who knows a person could find the row: city, gender and year of
        birth, say. Missing values are alike.

    Returns
    -------
    Series of int
        `group_size`, indexed like `frame`; 1 is a person with nobody alike. Rows below k are
        ``frame[group_sizes(frame, columns) < k]``.

    Raises
    ------
    ParameterError
        If there is no such column, or none is named.

    Examples
    --------
    >>> people = pd.DataFrame({"city": ["York", "York", "Leeds"], "gender": ["f", "f", None]})
    >>> group_sizes(people, ["city", "gender"]).tolist()
    [2, 2, 1]
    """
    names = _columns(frame, quasi_identifiers)
    if not names:
        raise ParameterError("Groups are made by at least one column.")
    alike = frame.groupby(names, dropna=False, sort=False, observed=True).ngroup().to_numpy()
    return pd.Series(np.bincount(alike)[alike], index=frame.index, name="group_size", dtype="int64")


def k_anonymity(frame: pd.DataFrame, quasi_identifiers: str | Iterable[str]) -> int:
    """The k for which a table is k-anonymous: the size of its smallest group.

    Parameters
    ----------
    frame, quasi_identifiers
        As `group_sizes` takes them.

    Returns
    -------
    int
        Each row is like at least k - 1 others in the quasi-identifiers; 0 for a table without rows.

    References
    ----------
    L. Sweeney (2002), k-anonymity: a model for protecting privacy, International Journal on
    Uncertainty, Fuzziness and Knowledge-based Systems 10(5), 557-570.

    Examples
    --------
    >>> people = pd.DataFrame({"city": ["York", "York", "Leeds", "Leeds"], "gender": list("ffmm")})
    >>> k_anonymity(people, ["city", "gender"])
    2
    """
    sizes = group_sizes(frame, quasi_identifiers)
    return int(sizes.min()) if len(sizes) else 0


def suppress_small_groups(
    frame: pd.DataFrame,
    counts: str | list[Any] | Any,
    k: int,
    groups: Groups = "parts",
    left_out: int = 0,
) -> pd.DataFrame:
    """A table of groups without those of fewer than k members, nor any that would give them away.

    A group is small if it has members, but fewer than k; a count of nobody is no group. A missing
    count is taken for a small one.

    Parameters
    ----------
    frame
        One row per group.
    counts
        What counts members: a column, or a list of several, of each of which no small count may be
        shown. Instead of a column's name, its values may be given (a series or an array), or one
        number for all rows. A count of those left over (members less those who answered) is one to
        give as well: it follows from the other two.
    k
        Members a group has at least.
    groups
        ``"parts"``: they are parts of a whole whose size may be known, so that what is
        suppressed could be found by taking away what is shown. If it comes to fewer than k, the
        next smallest group goes too (complementary suppression). ``"separate"``: each is judged by
        itself. ``"together"``: all are shown, or none.
    left_out
        Members, by the first of `counts`, of parts of the same whole that are not in the table.

    Returns
    -------
    DataFrame
        The rows that may be shown, with their index. Tables that divide the same persons in
        another way are not looked at: what one of them tells can be taken away from another.

    Raises
    ------
    ParameterError
        If there is no such column, a count is no number or negative, or k or `groups` is impossible.

    References
    ----------
    A. Hundepool et al. (2012), Statistical Disclosure Control, Wiley, chapters 4 and 5: the minimum
    frequency rule, and secondary suppression.

    Examples
    --------
    >>> groups = pd.DataFrame({"city": ["York", "Leeds", "Hull"], "customers": [80, 12, 3]})
    >>> suppress_small_groups(groups, "customers", 10)["city"].tolist()
    ['York']
    >>> suppress_small_groups(groups, "customers", 10, groups="separate")["city"].tolist()
    ['York', 'Leeds']
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ParameterError(f"k is a whole number from 1, not {k!r}.")
    if groups not in _GROUPS:
        raise ParameterError(f"groups is one of {', '.join(_GROUPS)}, not {groups!r}.")
    several = isinstance(counts, list | tuple)
    members = [_count(frame, count) for count in (counts if several else [counts])]
    if not members:
        raise ParameterError("Small groups are told by at least one count.")
    shown = np.ones(len(frame), dtype=bool)
    for count in members:
        shown &= (count == 0) | (count >= k)
    if groups == "together" and not shown.all():
        shown[:] = False
    if groups == "parts":
        for count, before in zip(members, [left_out, *[0] * len(members)], strict=False):
            # A missing count is of somebody at least.
            held_back = before + np.nan_to_num(count, nan=1.0)[~shown].sum()
            others = np.flatnonzero(shown & (count > 0))
            if 0 < held_back < k and len(others):
                shown[others[count[others].argmin()]] = False
    return frame[shown]


def _count(frame: pd.DataFrame, count: str | Any) -> np.ndarray:
    """A count as floats, one for each row."""
    if isinstance(count, str):
        values = frame[_columns(frame, count)[0]]
    else:
        values = pd.Series([count] * len(frame) if np.ndim(count) == 0 else count, dtype="object")
    try:
        # A share of a whole number, times that number, is a whole number but for rounding.
        members = pd.to_numeric(values).to_numpy("float64", na_value=np.nan).round(6)
    except (ValueError, TypeError):
        members = np.array([-1.0])
    if len(members) != len(frame) or (members < 0).any():
        where = f"; the column {count} holds others" if isinstance(count, str) else ""
        raise ParameterError(f"Members of groups are counted by a number from 0 for each row{where}.")
    return members


def _columns(frame: pd.DataFrame, names: str | Iterable[str]) -> list[str]:
    """Names of columns that are there."""
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in frame.columns:
            raise ParameterError(
                f"There is no column {name!r}" + did_you_mean(str(name), map(str, frame.columns))
            )
    return wanted


def _no_value(values: pd.Series) -> pd.Series:
    """A column like `values` with nothing in it."""
    return pd.Series(index=values.index, dtype=values.dtype)
