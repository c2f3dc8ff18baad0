"""Recency, frequency and monetary value: scores by quantiles, and segments with names."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

from crmlab.calendars import Day, as_day
from crmlab.engine import as_table, collect, like, need_columns
from crmlab.errors import ParameterError, did_you_mean
from crmlab.mining.customers.purchases import last_day, purchase_lines

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crmlab.engine import Log

SCORES = ("r_score", "f_score", "m_score")
_SCORE_OF = dict(zip(("recency", "frequency", "monetary_value"), SCORES, strict=True))


@dataclass(frozen=True)
class Segment:
    """A named block of the recency-frequency grid, with fifths from 1 (worst) to 5 (best)."""

    name: str
    recency: tuple[int, int]
    frequency: tuple[int, int]
    meaning: str
    action: str


RFM_SEGMENTS: tuple[Segment, ...] = (
    Segment("Champions", (5, 5), (4, 5), "bought lately, buy often",
            "Reward them, ask for referrals, show them new things first."),
    Segment("Loyal customers", (3, 4), (4, 5), "buy often",
            "Offer the next better product; ask for reviews."),
    Segment("Potential loyalists", (4, 5), (2, 3), "bought lately, more than once",
            "Offer membership; recommend what goes with their last order."),
    Segment("New customers", (5, 5), (1, 1), "bought lately for the first time",
            "Welcome them and help with the first use."),
    Segment("Promising", (4, 4), (1, 1), "bought once, not long ago",
            "Give a reason for the second purchase."),
    Segment("Need attention", (3, 3), (3, 3), "average buyers who begin to stay away",
            "Make an offer for a limited time, based on past orders."),
    Segment("About to sleep", (3, 3), (1, 2), "few orders, a while ago",
            "Share something useful; offer what is popular."),
    Segment("At risk", (1, 2), (3, 4), "bought often, but long ago",
            "Write personally; find out what went wrong."),
    Segment("Cannot lose them", (1, 2), (5, 5), "bought very often, but long ago",
            "Call them; win them back before a competitor does."),
    Segment("Hibernating", (1, 2), (1, 2), "few orders, long ago",
            "Keep in the newsletter; spend nothing more."),
)  # fmt: skip


def rfm(
    orders: Log,
    as_of: Day | None = None,
    bins: int = 5,
    cuts: Mapping[str, Sequence[float]] | None = None,
) -> Log:
    """Recency, frequency, monetary value and their quantile scores, one row per customer.

    A score counts the quantile cut points that lie below the customer's value, so equal values
    get equal scores; where many customers share a value the classes are unequal.
    With n customers and b of them below the value, score = 1 + floor(bins x b / n).

    Parameters
    ----------
    orders
        Order lines as in the contract (see `purchase_lines`); a return has a negative quantity or
        amount.
    as_of
        The day from which one looks back; later orders do not count. The day after the last
        order if not given.
    bins
        Number of score classes, 2 to 10.
    cuts
        Thresholds of one's own by value, instead of quantiles: ``{"recency": (30, 90, 180, 365)}`` gives
        5 to who bought at most 30 days ago and 1 to who did more than 365 days ago; one more point of
        `frequency` or `monetary_value` for each threshold that is reached. Ascending, one fewer than
        `bins`; values that are not named have quantiles.

    Returns
    -------
    Frame or table, as given
        Sorted by `customer_id`: `recency` (days since the last purchase), `frequency` (number of
        orders), `monetary_value` (sum of amounts with returns taken off, in the unit of the
        orders), `r_score`, `f_score`, `m_score` (1 worst to `bins` best). Customers with nothing
        but returns do not appear, nor does anybody if `as_of` comes before all orders.

    Raises
    ------
    ParameterError
        If the number of classes, the day or the thresholds are impossible.
    TableError
        If a needed column is missing, or there are no order lines to tell the day by.

    See Also
    --------
    rfm_thresholds : Between which values each score lies.

    References
    ----------
    A. M. Hughes (1994), Strategic Database Marketing.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "b"], "amount": [500, 700, 300],
    ...     "time": pd.to_datetime(["2024-01-05", "2024-03-01", "2024-02-01"])})
    >>> rfm(orders, as_of="2024-03-11")[["recency", "frequency", "monetary_value"]].values.tolist()
    [[10, 2, 1200], [39, 1, 300]]
    """
    import ibis

    if not (isinstance(bins, int) and 2 <= bins <= 10):
        raise ParameterError(f"bins is a whole number from 2 to 10, not {bins!r}.")
    cuts = _checked(cuts or {}, bins)
    lines = purchase_lines(orders)
    day = as_day(as_of) if as_of is not None else last_day(orders) + datetime.timedelta(days=1)
    lines = lines.filter(lines["day"] < day)
    bought = ~lines["is_return"]
    if "order_id" in lines.columns:
        orders_made = lines.group_by("customer_id", "order_id").agg(
            last=lines["day"].max(where=bought), bought=bought.any(), amount=lines["amount"].sum()
        )
    else:  # each line is an order
        last = bought.ifelse(lines["day"], ibis.null("date"))
        orders_made = lines.select("customer_id", "amount", last=last, bought=bought)
    summary = orders_made.group_by("customer_id").agg(
        last=orders_made["last"].max(),
        frequency=orders_made["bought"].sum(),
        monetary_value=orders_made["amount"].sum(),
    )
    summary = summary.filter(summary["frequency"] > 0)
    summary = summary.select(
        "customer_id",
        recency=-summary["last"].delta(day, unit="day"),
        frequency=summary["frequency"],
        monetary_value=summary["monetary_value"],
    )
    for value, score in _SCORE_OF.items():
        best_is_least = value == "recency"
        if value in cuts:
            reached = [
                (summary[value] <= cut if best_is_least else summary[value] >= cut).cast("int64")
                for cut in cuts[value]
            ]
            summary = summary.mutate(**{score: sum(reached, start=1)})
        else:
            summary = _score(summary, value, score, bins, descending=best_is_least)
    return like(orders, summary, key="customer_id")


def _checked(cuts: Mapping[str, Sequence[float]], bins: int) -> dict[str, list[float]]:
    """Thresholds as lists of plain numbers, if they are what `rfm` takes."""
    import numpy as np

    found = {}
    for value, given in cuts.items():
        if value not in _SCORE_OF:
            raise ParameterError(f"cuts has no {value!r}{did_you_mean(str(value), _SCORE_OF)}")
        numbers = np.ravel(given).tolist()
        plain = all(isinstance(cut, int | float) and not isinstance(cut, bool) for cut in numbers)
        if not plain or len(numbers) != bins - 1 or not all(a < b for a, b in pairwise([*numbers, inf])):
            raise ParameterError(
                f"The cuts of {value} are {bins - 1} ascending numbers, one fewer than bins={bins}, "
                f"not {given!r}."
            )
        found[value] = numbers
    return found


def _score(table: ibis.Table, value: str, score: str, bins: int, descending: bool = False) -> ibis.Table:
    """Add quantile scores computed from the histogram of distinct values."""
    import ibis

    histogram = table.group_by(value).agg(n=table.count())
    order = ibis.desc(value) if descending else ibis.asc(value)
    below = histogram["n"].sum().over(ibis.cumulative_window(order_by=order)) - histogram["n"]
    scores = histogram.mutate(below=below, total=histogram["n"].sum().over(ibis.window()))
    scores = scores.select(value, **{score: (1 + (scores["below"] * bins) // scores["total"]).cast("int64")})
    joined = table.inner_join(scores, value)
    return joined.select(*table.columns, score)


def rfm_thresholds(scored: Log) -> pd.DataFrame:
    """Between which values each score lies, and how many customers have it.

    Parameters
    ----------
    scored
        As `rfm` returns it.

    Returns
    -------
    DataFrame
        `value` (``"recency"``, ``"frequency"``, ``"monetary_value"``), `score`, lowest first,
        `customers`, `low` and `high`: the least and the greatest value with this score. Scores that
        nobody has are not there: equal values are never torn apart.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "b"], "amount": [500, 700, 300],
    ...     "time": pd.to_datetime(["2024-01-05", "2024-03-01", "2024-02-01"])})
    >>> found = rfm_thresholds(rfm(orders, as_of="2024-03-11", bins=2))
    >>> found[found["value"] == "recency"].values.tolist()
    [['recency', 1, 1, 39, 39], ['recency', 2, 1, 10, 10]]
    """
    import pandas as pd

    table = as_table(scored)
    need_columns(table, [*_SCORE_OF, *SCORES], "RFM scores")
    parts = []
    for value, score in _SCORE_OF.items():
        counted = table.group_by(score=table[score]).agg(
            customers=table.count(), low=table[value].min(), high=table[value].max()
        )
        part = collect(counted, key="score")
        part.insert(0, "value", value)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def name_segments(scored: Log, segments: tuple[Segment, ...] = RFM_SEGMENTS) -> Log:
    """Add to RFM scores in fifths the name of each customer's segment.

    Parameters
    ----------
    scored
        As `rfm` returns it with five bins.
    segments
        Blocks of the grid; they must cover it without overlap.

    Returns
    -------
    Frame or table, as given
        With a column `segment`.

    Raises
    ------
    ParameterError
        If the segments overlap or leave a cell of the grid without a name.
    """
    import ibis

    _check_cover(segments)
    table = as_table(scored)
    need_columns(table, SCORES[:2], "RFM scores")
    branches = [
        (
            table["r_score"].between(*segment.recency) & table["f_score"].between(*segment.frequency),
            segment.name,
        )
        for segment in segments
    ]
    return like(scored, table.mutate(segment=ibis.cases(*branches)), key="customer_id")


def _check_cover(segments: tuple[Segment, ...]) -> None:
    for recency in range(1, 6):
        for frequency in range(1, 6):
            names = [
                segment.name
                for segment in segments
                if segment.recency[0] <= recency <= segment.recency[1]
                and segment.frequency[0] <= frequency <= segment.frequency[1]
            ]
            if len(names) != 1:
                fault = f"lies in {' and '.join(names)}" if names else "has no segment"
                raise ParameterError(
                    f"Recency {recency} with frequency {frequency} {fault}; give each cell of the "
                    "five-by-five grid exactly one segment."
                )


def segment_summary(named: Log, segments: tuple[Segment, ...] = RFM_SEGMENTS) -> pd.DataFrame:
    """Size and value of each segment, in the order of `segments`; empty ones are left out.

    Returns
    -------
    DataFrame
        `segment`, `customers`, `share` (of customers, 0 to 1), `value` (sum of monetary value),
        `value_share` (0 to 1), `recency` (mean days), `frequency` (mean orders), `action`.
    """
    table = as_table(named)
    found = collect(
        table.group_by("segment").agg(
            customers=table.count(),
            value=table["monetary_value"].sum(),
            recency=table["recency"].mean(),
            frequency=table["frequency"].mean(),
        ),
        key="segment",
    )
    found["share"] = found["customers"] / found["customers"].sum()
    found["value_share"] = found["value"] / found["value"].sum()
    found["action"] = found["segment"].map({segment.name: segment.action for segment in segments})
    place = found["segment"].map({segment.name: n for n, segment in enumerate(segments)})
    columns = ["segment", "customers", "share", "value", "value_share", "recency", "frequency", "action"]
    return found.iloc[place.argsort(kind="stable")][columns].reset_index(drop=True)


def segment_grid(scored: Log, value: str = "customers") -> pd.DataFrame:
    """Number of customers, or their monetary value, per recency and frequency score.

    Parameters
    ----------
    value
        ``"customers"`` or ``"monetary_value"``.

    Returns
    -------
    DataFrame
        Rows: frequency scores, highest first; columns: recency scores, lowest first.
    """
    if value not in ("customers", "monetary_value"):
        raise ParameterError(f"value is 'customers' or 'monetary_value', not {value!r}.")
    table = as_table(scored)
    cell = table.count() if value == "customers" else table["monetary_value"].sum()
    counts = collect(table.group_by("f_score", "r_score").agg(cell=cell), key=["f_score", "r_score"])
    grid = counts.pivot(index="f_score", columns="r_score", values="cell")
    scores = range(1, max(5, int(counts[["f_score", "r_score"]].max().max())) + 1)
    return grid.reindex(index=scores[::-1], columns=scores).fillna(0).astype("int64")
