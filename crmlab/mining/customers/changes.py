"""What changed from one day to another: new customers, and who moved to which segment."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.engine import collect
from crmlab.errors import ParameterError
from crmlab.mining.customers.drift import moves_between
from crmlab.mining.customers.purchases import last_day
from crmlab.mining.customers.rfm import RFM_SEGMENTS, Segment, name_segments, rfm

if TYPE_CHECKING:
    from crmlab.engine import Log


@dataclass(frozen=True, eq=False)
class Changes:
    """What changed between two days; `changed_since` makes it.

    Attributes
    ----------
    since, until : date
        First days that do not count, of then and of now.
    new : int
        Customers who first bought between them.
    up, down : int
        Customers of both days who are now in a segment of higher, or of lower, value per customer.
    gained : float
        What the value of all customers rose by.
    segments : DataFrame
        In the order of the segments: `segment`, `customers_before`, `customers`.
    moves : DataFrame
        Customers of both days by segment then (rows) and now (columns).
    """

    since: datetime.date
    until: datetime.date
    new: int
    up: int
    down: int
    gained: float
    segments: pd.DataFrame
    moves: pd.DataFrame


def changed_since(
    orders: Log,
    since: Day | None = None,
    as_of: Day | None = None,
    segments: tuple[Segment, ...] = RFM_SEGMENTS,
) -> Changes:
    """Compare customers by their segments of recency, frequency and monetary value on two days.

    Parameters
    ----------
    orders
        Order lines as in the contract.
    since
        The earlier day, such as that of the last run: the first that did not count then; 30 days
        before `as_of` if not given.
    as_of
        The first day that does not count now; the day after the last order line if not given.
    segments
        As `name_segments` takes them.

    Returns
    -------
    Changes
        Segments are ranked by the mean value of their customers now; who moved between segments that
        rank alike, or one of which nobody is in, moved neither up nor down.

    Raises
    ------
    ParameterError
        If `since` is not before `as_of`.

    Examples
    --------
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "b"], "amount": [500, 700, 300],
    ...     "time": pd.to_datetime(["2024-01-05", "2024-03-01", "2024-03-02"])})
    >>> found = changed_since(orders, "2024-02-01")
    >>> found.new, found.gained
    (1, 1000.0)
    """
    one_day = datetime.timedelta(days=1)
    until = last_day(orders) + one_day if as_of is None else as_day(as_of, "as_of")
    then = until - 30 * one_day if since is None else as_day(since, "since")
    if then >= until:
        raise ParameterError(f"since is a day before {until}, the day from which one looks back, not {then}.")
    before, now = (_on(orders, day, segments) for day in (then, until))
    worth = now.groupby("segment")["monetary_value"].mean()
    both = before[["segment"]].add_suffix("_before").join(now[["segment"]], how="inner")
    step = both["segment"].map(worth) - both["segment_before"].map(worth)
    names = [segment.name for segment in segments]
    counts = [part["segment"].value_counts().reindex(names, fill_value=0) for part in (before, now)]
    return Changes(
        since=then, until=until, new=len(now.index.difference(before.index)),
        up=int((step > 0).sum()), down=int((step < 0).sum()),
        gained=float(now["monetary_value"].sum() - before["monetary_value"].sum()),
        segments=pd.DataFrame({"segment": names, "customers_before": counts[0].to_numpy(),
                               "customers": counts[1].to_numpy()}),
        moves=moves_between(before["segment"], now["segment"], names),
    )  # fmt: skip


def _on(orders: Log, day: datetime.date, segments: tuple[Segment, ...]) -> pd.DataFrame:
    """Customers with their segment and value before a day."""
    scored = name_segments(rfm(orders, as_of=day), segments)
    return collect(scored, key="customer_id").set_index("customer_id")[["segment", "monetary_value"]]
