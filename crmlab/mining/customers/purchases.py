"""Order lines as purchases: what every view of customers' buying starts from."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from crmlab.calendars import Day, as_day, period_starts
from crmlab.engine import add_period, as_table, collect, like, need_columns
from crmlab.errors import TableError

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crmlab.engine import Log


def purchase_lines(orders: Log) -> ibis.Table:
    """Order lines with what all views need: customer, order, day, amount, and whether a return.

    Parameters
    ----------
    orders
        Order lines as in the contract. `customer_id` and `time` are needed; without `order_id`
        each line is an order, without `amount` it is quantity x unit price - discount.

    Returns
    -------
    ibis.Table
        `customer_id`, `order_id`, `day`, `amount` (in the unit it came in), `is_return` (a negative
        quantity or a negative amount).

    Raises
    ------
    TableError
        If a needed column is missing.
    """
    import ibis

    lines = as_table(orders)
    need_columns(lines, ("customer_id", "time"), "Order lines", "orders")
    if not (lines["time"].type().is_timestamp() or lines["time"].type().is_date()):
        raise TableError(
            f"The column time of the orders holds {lines['time'].type()}, not time stamps; "
            "crmlab.cleansing.to_gregorian reads dates in text.",
            "orders", "time", "not a time stamp",
        )  # fmt: skip
    if "amount" in lines.columns:
        amount = lines["amount"]
    elif {"quantity", "unit_price"} <= set(lines.columns):
        discount = lines["discount"].fill_null(0) if "discount" in lines.columns else 0
        amount = lines["quantity"] * lines["unit_price"] - discount
    else:
        raise TableError(
            "Order lines need an amount, or a quantity and a unit_price; "
            f"there are: {', '.join(lines.columns)}.",
            "orders", "amount", "the column is missing",
        )  # fmt: skip
    # Systems book a return under a negative quantity, or a negative amount and no quantity at all.
    returned = (amount < 0).fill_null(False)
    if "quantity" in lines.columns:
        returned |= (lines["quantity"] < 0).fill_null(False)
    order = lines["order_id"] if "order_id" in lines.columns else ibis.row_number().cast("string")
    time = lines["time"]
    return lines.select(
        customer_id=lines["customer_id"],
        order_id=order,
        day=time.date() if time.type().is_timestamp() else time,
        amount=amount,
        is_return=returned,
    ).filter(lambda t: t["customer_id"].notnull() & t["day"].notnull())


def purchases(orders: Log) -> Log:
    """One row per order: customer, day and amount.

    Returns
    -------
    Frame or table, as given
        `customer_id`, `order_id`, `day` (of its first line), `amount` (returns are taken off the
        order they are booked under) and `is_return`, true if it holds nothing but returns.
    """
    lines = purchase_lines(orders)
    grouped = lines.group_by("customer_id", "order_id").agg(
        day=lines["day"].min(), amount=lines["amount"].sum(), is_return=lines["is_return"].all()
    )
    return like(orders, grouped, key=["customer_id", "day", "order_id"])


def last_day(orders: Log) -> datetime.date:
    """Day of the last order line.

    Raises
    ------
    TableError
        If there are no order lines.
    """
    day = purchase_lines(orders)["day"].max().to_pyarrow().as_py()
    if day is None:
        raise TableError("There are no order lines.", "orders", "time", "empty")
    return day


def totals(orders: Log, until: Day | None = None) -> pd.Series:
    """The whole log in a few numbers.

    Parameters
    ----------
    until
        First day that does not count; all days count if not given.

    Returns
    -------
    Series
        `customers`, `orders` (both without those that hold nothing but returns), `lines`,
        `returns` (lines), `amount` (returns taken off),
        `first_day`, `last_day`.
    """
    import pandas as pd

    lines = purchase_lines(orders)
    if until is not None:
        lines = lines.filter(lines["day"] < as_day(until, "until"))
    bought = ~lines["is_return"]
    found = lines.aggregate(
        customers=lines["customer_id"].nunique(where=bought),
        orders=lines["order_id"].nunique(where=bought),
        lines=lines.count(),
        returns=lines["is_return"].sum(),
        amount=lines["amount"].sum(),
        first_day=lines["day"].min(),
        last_day=lines["day"].max(),
    )
    return pd.Series(found.to_pyarrow().to_pylist()[0], dtype="object")


def activity(orders: Log, until: Day | None = None, calendar: str = "gregorian") -> pd.DataFrame:
    """Buying month by month.

    Parameters
    ----------
    until
        First day that does not count; all days count if not given.
    calendar
        Whose months: ``"gregorian"`` or ``"jalali"``.

    Returns
    -------
    DataFrame
        One row per month from the first order line to the last, zeros in a month without any:
        `month` (its first day), `customers` (who bought), `new` (of them for the first time),
        `orders`, `amount` (returns taken off), sorted by month.
    """
    lines = purchase_lines(orders)
    if until is not None:
        lines = lines.filter(lines["day"] < as_day(until, "until"))
    lines = add_period(lines, "day", "M", calendar).rename(month="period")
    bought = ~lines["is_return"]
    monthly = lines.group_by("month").agg(
        customers=lines["customer_id"].nunique(where=bought),
        orders=lines["order_id"].nunique(where=bought),
        amount=lines["amount"].sum(),
    )
    first = lines.filter(bought).group_by("customer_id").agg(month=lambda t: t["month"].min())
    new = first.group_by("month").agg(new=first.count())
    joined = monthly.left_join(new, "month").select("month", "customers", "new", "orders", "amount")
    return _without_gaps(collect(joined.mutate(new=joined["new"].fill_null(0)), key="month"), calendar)


def _without_gaps(monthly: pd.DataFrame, calendar: str) -> pd.DataFrame:
    """Counts by month with a row of zeros for each month that is not there."""
    import numpy as np
    import pandas as pd

    if monthly.empty:
        return monthly
    first, last = monthly["month"].iloc[[0, -1]].dt.date
    starts = np.unique(period_starts(first, last, "M", calendar)[1])
    months = pd.Index(starts.astype("datetime64[us]"), name="month")
    return monthly.set_index("month").reindex(months, fill_value=0).reset_index()
