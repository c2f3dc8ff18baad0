"""How a model foretells: the holdout customer by customer, and all purchases period by period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.engine import collect, need_columns
from crmlab.errors import ParameterError
from crmlab.mining.customers.purchases import last_day, purchase_lines
from crmlab.mining.customers.summary import DAYS
from crmlab.mining.methods.intervals import mean_interval

if TYPE_CHECKING:
    from crmlab.engine import Log
    from crmlab.mining.customers.lifetime.base import LifetimeModel


def tracking(
    model: LifetimeModel,
    orders: Log,
    period: str = "W",
    calibration_end: Day | None = None,
    end: Day | None = None,
) -> pd.DataFrame:
    """Repeat purchases of all customers over time, as they were and as the model expects them.

    Parameters
    ----------
    model
        Fitted to a `purchase_summary` of these orders with the same period.
    orders
        Order lines as for `purchase_summary`.
    period
        Unit of time of the model, and step of the table: ``"D"``, ``"W"``, ``"M"`` or ``"Y"``.
    calibration_end
        Last day of the data that the model was fitted to: customers are those who had bought by
        then. `end` if not given.
    end
        Last day to look at; the day of the last order line if not given.

    Returns
    -------
    DataFrame
        One row per whole period since the first day of purchase of all:

        - `period`: its number, from 1.
        - `ends`: its last day.
        - `holdout`: whether it ends after the calibration.
        - `actual`, `expected`: repeat purchases (days with a purchase after a customer's first) in
          the period.
        - `actual_cumulative`, `expected_cumulative`: those until its end.

    Examples
    --------
    >>> from crmlab.mining.customers import BGNBD
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "b"], "amount": [500, 700, 300],
    ...     "time": pd.to_datetime(["2024-01-01", "2024-01-08", "2024-01-15"])})
    >>> model = BGNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> tracking(model, orders, end="2024-01-29")[["period", "actual", "expected"]].round(3)
       period  actual  expected
    0       1       0     0.053
    1       2       1     0.050
    2       3       0     0.101
    3       4       0     0.095
    """
    if period not in DAYS:
        raise ParameterError(f"period is 'D', 'W', 'M' or 'Y', not {period!r}.")
    last = as_day(end, "end") if end is not None else last_day(orders)
    cut = as_day(calibration_end, "calibration_end") if calibration_end is not None else last
    lines = purchase_lines(orders)
    days = lines.filter(~lines["is_return"] & (lines["day"] <= last)).select("customer_id", "day").distinct()
    firsts = days.group_by("customer_id").agg(first=days["day"].min())
    firsts = firsts.filter(firsts["first"] <= cut)
    bought = days.inner_join(firsts, "customer_id")
    by_day = collect(
        bought.group_by("day").agg(
            new=(bought["day"] == bought["first"]).sum(), repeat=(bought["day"] > bought["first"]).sum()
        ),
        key="day",
    )
    if by_day.empty:
        raise ParameterError(
            f"No customer had bought by {cut}; calibration_end is a day after the first order."
        )
    since = (by_day["day"] - by_day["day"].iloc[0]).dt.days.to_numpy()
    unit = DAYS[period]
    start = by_day["day"].iloc[0]
    # The first period begins with the first day and holds all of it.
    number = np.arange(1, int((pd.Timestamp(last) - start).days + 1 + 1e-9) // unit + 1).astype(int)
    actual = np.append(0, by_day["repeat"].cumsum())[np.searchsorted(since, number * unit - 1e-9)]
    # Each day's new customers have been so for a time of their own at the end of each period.
    ages = np.maximum(number[:, None] - since / unit, 0)
    distinct, place = np.unique(ages, return_inverse=True)
    expected = model.expected_purchases(distinct)[place.reshape(ages.shape)] @ by_day["new"].to_numpy(float)
    ends = start + pd.to_timedelta(np.ceil(number * unit - 1e-9) - 1, unit="D")
    return pd.DataFrame({
        "period": number,
        "ends": ends,
        "holdout": ends > pd.Timestamp(cut),
        "actual": np.diff(actual, prepend=0),
        "expected": np.diff(expected, prepend=0),
        "actual_cumulative": actual,
        "expected_cumulative": expected,
    })  # fmt: skip


def holdout(model: LifetimeModel, summary: pd.DataFrame, most: int = 7, level: float = 0.95) -> pd.DataFrame:
    """Purchases in the holdout by the number of repeat purchases before, foretold and made.

    Parameters
    ----------
    model
        Fitted to the calibration part of `summary`.
    summary
        `purchase_summary` with a `calibration_end`.
    most
        Customers with this many repeat purchases or more stand in one row.
    level
        Confidence level of the interval of the actual mean.

    Returns
    -------
    DataFrame
        Indexed by repeat purchases in the calibration, `customers`, the mean of holdout purchases
        per customer `actual` with its interval `low` and `high`, and as `expected` by the model.
        The sums over all customers are ``customers @ actual`` and ``customers @ expected``.

    Examples
    --------
    >>> from crmlab.mining.customers import BGNBD
    >>> model = BGNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> summary = pd.DataFrame({"frequency": [0, 0, 2], "recency": [0, 0, 30.0], "T": [38.0, 39.0, 39.0],
    ...     "frequency_holdout": [0, 1, 1], "duration_holdout": 39.0})
    >>> holdout(model, summary).reset_index()[["frequency", "customers", "actual", "expected"]].round(3)
       frequency  customers  actual  expected
    0          0          2     0.5     0.197
    1          2          1     1.0     1.211
    """
    need_columns(
        summary, ["frequency", "frequency_holdout", "duration_holdout"], "Summaries with a holdout",
        way_out="purchase_summary(orders, calibration_end=...) makes them.",
    )  # fmt: skip
    length = summary["duration_holdout"].unique()
    if len(length) != 1:
        raise ParameterError("The holdout is of one length for all customers of a summary.")
    expected = model.expected_purchases(float(length[0]), summary)
    groups = pd.DataFrame({
        "frequency": summary["frequency"].clip(upper=most),
        "actual": summary["frequency_holdout"].astype(float),
        "expected": expected,
    }).groupby("frequency")  # fmt: skip
    found = groups.agg(
        customers=("actual", "size"), actual=("actual", "mean"), variance=("actual", "var"),
        expected=("expected", "mean"),
    )  # fmt: skip
    low, high = mean_interval(found["actual"], found["variance"], found["customers"], level)
    return found.assign(low=np.maximum(low, 0), high=high)[["customers", "actual", "low", "high", "expected"]]
