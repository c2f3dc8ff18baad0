"""What models of customer lifetime are fitted to: how often, how lately, since when each customer bought."""

from __future__ import annotations

import uuid
import warnings
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.engine import like
from crmlab.errors import ParameterError
from crmlab.mining.customers.purchases import last_day, purchase_lines

if TYPE_CHECKING:
    import datetime

    import ibis

    from crmlab.engine import Log

#: Days of a period; a month and a year are those of the Gregorian calendar on average.
DAYS = {"D": 1.0, "W": 7.0, "M": 365.2425 / 12, "Y": 365.2425}


def purchase_summary(
    orders: Log,
    period: str = "W",
    end: Day | None = None,
    calibration_end: Day | None = None,
    net: bool = True,
) -> Log:
    """Repeat purchases, recency, age and mean spend of each customer, and what the holdout shows.

    All purchases of a customer on one day are one purchase; a day with nothing but returns is none.
    Customers with nothing but returns do not appear.

    Parameters
    ----------
    orders
        Order lines as in the contract (see `purchase_lines`).
    period
        The unit of time: ``"D"`` days, ``"W"`` weeks of exactly 7 days, ``"M"`` months of 30.436875
        and ``"Y"`` years of 365.2425 days.
    end
        Last day that counts; the day of the last order line if not given.
    calibration_end
        Last day of the calibration period; the days after it, up to `end`, are the holdout. The
        whole time is calibration if not given.
    net
        Whether returns are taken off what was spent: off the holdout if they are booked there, else
        off the spend of repeat purchases, unless they are booked on the first day of purchase, which
        does not count. A mean may then be zero or less, which models of spend cannot take. If not, it
        is the mean of what was bought, whatever came back.

    Returns
    -------
    Frame or table, as given
        One row per customer who bought until the end of the calibration, sorted by `customer_id`:

        - `frequency`: days with a purchase after the first such day.
        - `recency`: time from the first purchase to the last, 0 if there is but one (t_x in the papers).
        - `T`: time from the first purchase to the end of the calibration.
        - `monetary_value`: mean spend per repeat purchase, so the first does not count, in the unit of
          the orders; missing without a repeat purchase. A line without an amount adds nothing.

        With `calibration_end` also:

        - `frequency_holdout`: days with a purchase in the holdout.
        - `monetary_value_holdout`: mean spend per such day; missing where there is none.
        - `duration_holdout`: length of the holdout.

        ``.attrs`` of a frame holds the `period` and, as `left_out`, the number of customers who first
        bought in the holdout.

    Raises
    ------
    ParameterError
        If the period is unknown, or the days leave no calibration or no holdout.

    Warns
    -----
    UserWarning
        If customers first bought in the holdout: nothing is known of them at the end of the
        calibration, so they have no row, and their purchases are in none.

    Notes
    -----
    An engine holds one group per customer and day. Where its memory is too small for them, summaries of
    parts of the customers, put below one another, are the summary of all, with `end` given.

    For customers who bought again, the net amount of the first day of purchase and frequency x
    monetary_value add up to what `rfm` calls monetary_value.

    References
    ----------
    P. S. Fader and B. G. S. Hardie (2005), A note on deriving the Pareto/NBD model and related
    expressions; P. S. Fader, B. G. S. Hardie and K. L. Lee (2005), RFM and CLV: using iso-value
    curves for customer base analysis, Journal of Marketing Research 42, 415-430.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "a", "b"], "amount": [500, 700, 900, 300],
    ...     "time": pd.to_datetime(["2024-01-01", "2024-01-08", "2024-01-22", "2024-01-15"])})
    >>> purchase_summary(orders, end="2024-01-29").set_index("customer_id").loc["a"].tolist()
    [2.0, 3.0, 4.0, 800.0]
    """
    import ibis

    if period not in DAYS:
        raise ParameterError(f"period is 'D', 'W', 'M' or 'Y', not {period!r}.")
    lines = purchase_lines(orders)
    last = as_day(end, "end") if end is not None else last_day(orders)
    cut = as_day(calibration_end, "calibration_end") if calibration_end is not None else last
    if calibration_end is not None and cut >= last:
        raise ParameterError(
            f"The calibration ends on {cut}, which leaves no holdout before the end, {last}; "
            "calibration_end is a day before it."
        )
    if not net:
        lines = lines.filter(~lines["is_return"])
    lines = lines.filter(lines["day"] <= last)
    unit = DAYS[period]  # the cast below keeps engines from dividing in decimals
    customers, left_out = _count(lines), 0
    if calibration_end is not None:
        # Kept for both the count and the summary; under a name of its own, or a later call would find
        # what was kept before the orders changed.
        customers = _count(lines, cut).mutate(kept_as=ibis.literal(uuid.uuid4().hex)).cache()
        left_out = _count_later(customers, cut)
    customers = customers.filter(customers["days"] > 0)
    holdout = {}
    if calibration_end is not None:
        holdout = {
            "frequency_holdout": customers["days_holdout"],
            "monetary_value_holdout": customers["spent_holdout"] / customers["days_holdout"].nullif(0),
            "duration_holdout": ibis.literal((last - cut).days).cast("float64") / unit,
        }
    summary = customers.select(
        "customer_id",
        frequency=customers["days"] - 1,
        recency=customers["last"].delta(customers["first"], unit="day").cast("float64") / unit,
        T=(-customers["first"].delta(cut, unit="day")).cast("float64") / unit,  # no zero with a sign
        monetary_value=(customers["spent"] - customers["spent_first"]) / (customers["days"] - 1).nullif(0),
        **holdout,
    )
    if left_out:
        warnings.warn(
            f"Left out: {left_out:,} customer{'s' * (left_out > 1)} who first bought after {cut}, "
            "the end of the calibration.",
            stacklevel=2,
        )
    found = like(orders, summary, key="customer_id")
    if isinstance(found, pd.DataFrame):
        found.attrs |= {"period": period, "left_out": left_out}
    return found


def _count_later(customers: ibis.Table, cut: datetime.date) -> int:
    """Number of customers who first bought after a day; some must have bought until then."""
    known = customers["days"] > 0
    later = ~known & (customers["days_holdout"] > 0)
    found = customers.aggregate(later=later.sum().fill_null(0), known=known.sum().fill_null(0))
    counts = found.to_pyarrow().to_pylist()[0]
    if not counts["known"]:
        raise ParameterError(
            f"No customer had bought by {cut}; calibration_end is a day after the first order."
        )
    return counts["later"]


def _count(lines: ibis.Table, cut: datetime.date | None = None) -> ibis.Table:
    """Days of purchase and money spent by each customer until a day and after it, or in all."""
    days = lines.group_by("customer_id", "day").agg(
        bought=(~lines["is_return"]).any(), amount=lines["amount"].sum().fill_null(0)
    )
    bought, known = days["bought"], None
    holdout = {}
    if cut is not None:
        known = days["day"] <= cut
        later = days["bought"] & ~known
        holdout = {"days_holdout": later.sum(), "spent_holdout": days["amount"].sum(where=~known)}
        bought = days["bought"] & known
    return days.group_by("customer_id").agg(
        first=days["day"].min(where=bought),
        last=days["day"].max(where=bought),
        days=bought.sum(),
        spent=days["amount"].sum(where=known),
        spent_first=days["amount"].argmin(days["day"], where=bought),
        **holdout,
    )
