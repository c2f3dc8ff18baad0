"""What sets segments apart from all customers, as numbers and in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from crmlab.errors import ParameterError
from crmlab.mining.customers.clustering import as_numbers
from crmlab.mining.customers.profile_columns import MONEY, PROFILE_COLUMNS, column_called
from crmlab.tables import CHANNELS

#: Standard deviations by which a segment's mean must differ for a column to be told.
TOLD = 0.2


def describe_segments(profile: pd.DataFrame, labels: pd.Series, top: int = 5) -> pd.DataFrame:
    """The columns in which each segment differs most from all customers.

    Parameters
    ----------
    profile
        One row per customer; all its columns of numbers are looked at.
    labels
        The segment of each customer, indexed like the profile.
    top
        Number of columns per segment, at most; those that differ by less than a fifth of a standard
        deviation are left out.

    Returns
    -------
    DataFrame
        Sorted by segment, the greatest difference first: `segment`, `customers`, `share` (0 to 1),
        `column`, `value` and `all` (the same statistic of the segment and of all), `measure` (which it
        is, the same for a column in all segments: ``"median"``, or ``"mean"`` where the median of a
        segment is that of all and would tell nothing), `difference` (of the means, in standard
        deviations of ranks, so that single great values do not count for more). A segment that
        differs in nothing has one row without a column.

    Examples
    --------
    >>> profile = pd.DataFrame({"recency": [1, 2, 3, 90, 91, 92]})
    >>> told = describe_segments(profile, pd.Series([1, 1, 1, 2, 2, 2]))
    >>> told[["segment", "column", "value", "all"]].values.tolist()
    [[1, 'recency', 2.0, 46.5], [2, 'recency', 91.0, 46.5]]
    """
    if not labels.index.equals(profile.index):
        raise ParameterError("The labels are not indexed like the profile.")
    numeric = [name for name in profile if pd.api.types.is_numeric_dtype(profile[name])]
    numeric = [name for name in numeric if profile[name].nunique() > 1]
    x = pd.DataFrame(as_numbers(profile, numeric) if numeric else None, index=profile.index, columns=numeric)
    ranks = x.rank()
    standard = (ranks - ranks.mean()) / ranks.std(ddof=0)
    members = labels.groupby(labels).groups
    differences = {number: standard.loc[who].mean().fillna(0) for number, who in members.items()}
    told = {number: _told(difference, top) for number, difference in differences.items()}
    measures = dict.fromkeys(numeric, "median")
    for number, who in members.items():
        measures |= {name: "mean" for name in told[number] if x.loc[who, name].median() == x[name].median()}
    rows = []
    for number, who in members.items():
        size = {"segment": number, "customers": len(who), "share": len(who) / len(labels)}
        for name in told[number]:
            value, every = (part[name].agg(measures[name]) for part in (x.loc[who], x))
            rows.append(size | {
                "column": name, "value": value, "all": every, "measure": measures[name],
                "difference": differences[number][name],
            })  # fmt: skip
        rows += [] if told[number] else [size | {"column": None}]
    columns = ["segment", "customers", "share", "column", "value", "all", "measure", "difference"]
    return pd.DataFrame(rows, columns=columns).astype({"column": "str", "measure": "str"})


def _told(difference: pd.Series, top: int) -> list[str]:
    """The columns with the greatest differences, those that are too small left out."""
    order = difference.abs().sort_values(ascending=False, kind="stable").index
    return [name for name in order if abs(difference[name]) >= TOLD][:top]


def word_segments(
    description: pd.DataFrame, tongue: Any, money: Callable[[float], str] | None = None
) -> pd.Series:
    """Each segment in one sentence, in the language of a report.

    Parameters
    ----------
    description
        As `describe_segments` returns it, or the `description` of a segmentation.
    tongue
        The language: ``report.tongue``, or what ``crmlab.locale.language`` gives.
    money
        How amounts are written, such as ``report.money``; as plain numbers if not given.

    Returns
    -------
    Series
        Indexed by `segment`. Columns that the profile does not know keep their names.

    Examples
    --------
    >>> from crmlab.locale import language
    >>> profile = pd.DataFrame({"recency": [1, 2, 3, 90, 91, 92]})
    >>> told = describe_segments(profile, pd.Series([1, 1, 1, 2, 2, 2]))
    >>> word_segments(told, language("en"))[1]
    '3 customers, 50.0% of all. Median, theirs against that of all: recency 2.0 days against 46.5.'
    """
    said = {}
    for number, rows in description.groupby("segment"):
        first = rows.iloc[0]
        size = {"n": int(first["customers"]), "share": tongue.percent(first["share"])}
        told = rows.dropna(subset="column")
        medians, means = (
            tongue("; ").join(_trait(row, tongue, money) for row in part.itertuples())
            for part in (told[told["measure"] == measure] for measure in ("median", "mean"))
        )
        said[number] = " ".join([
            tongue("{n:,} {n:customer|customers}, {share} of all.", **size)
            if len(told)
            else tongue("{n:,} {n:customer|customers}, {share} of all, whom nothing sets apart.", **size),
            *([tongue("Median, theirs against that of all: {traits}.", traits=medians)] if medians else []),
            *([tongue("Mean, theirs against that of all: {traits}.", traits=means)] if means else []),
        ])  # fmt: skip
    return pd.Series(said, name="sentence", dtype="str").rename_axis("segment")


def word_columns(columns: Iterable[str], tongue: Any) -> list[str]:
    """Columns of a profile by the words of a language; those that it does not know keep their names.

    Examples
    --------
    >>> from crmlab.locale import language
    >>> word_columns(["monetary_value", "shoe_size"], language("en"))
    ['monetary value', 'shoe_size']
    """
    return [_name(column, tongue) for column in columns]


def _trait(row: Any, tongue: Any, money: Callable[[float], str] | None) -> str:
    unit = column_called(row.column).unit
    if unit == "share":
        value, other, unit = tongue.percent(row.value), tongue.percent(row.all), ""
    elif unit == MONEY:
        write = money or (lambda amount: tongue.number(amount))
        value, other, unit = write(row.value), write(row.all), ""
    else:
        decimals = max(_decimals(row.value), _decimals(row.all))
        value, other = (tongue.number(number, decimals) for number in (row.value, row.all))
    name = _name(row.column, tongue)
    if unit not in ("days", "years"):  # the others only say again what is counted
        return tongue("{column} {value} against {other}", column=name, value=value, other=other)
    return tongue(
        "{column} {value} {unit} against {other}", column=name, value=value, unit=tongue(unit), other=other
    )


def _name(column: str, tongue: Any) -> str:
    """The column by the words of the language, with the channel if it is of one."""
    for known in PROFILE_COLUMNS:
        channel = column.removeprefix(known.start)
        if known.name == column:
            return tongue(column.replace("_", " "))
        if "{" in known.name and known.holds(column) and channel in CHANNELS:
            return tongue("{x} ({y})", x=tongue(known.start.rstrip("_").replace("_", " ")), y=tongue(channel))
    return {"recent_orders": tongue("recent orders"), "recent_value": tongue("recent value")}.get(
        column, column
    )


def _decimals(number: float) -> int:
    """As many as tell small numbers apart; none of whole ones."""
    return 0 if number == round(number) or abs(number) >= 100 else 1 if abs(number) >= 1 else 2
