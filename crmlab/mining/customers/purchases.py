"""Order lines as purchases: what every view of customers' buying starts from."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING

from crmlab.calendars import Day, as_day, period_starts
from crmlab.engine import add_period, as_table, collect, like, need_columns, need_numbers
from crmlab.errors import TableError

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crmlab.engine import Log


def purchase_lines(orders: Log, further: Iterable[str] = ()) -> ibis.Table:
    """Order lines with what all views need: customer, order, day, amount, and whether a return.

    Parameters
    ----------
    orders
        Order lines as in the contract. `customer_id` and `time` are needed; without `order_id`
        each line is an order, without `amount` it is quantity x unit price - discount.
    further
        Columns of the order lines to keep besides.

    Returns
    -------
    ibis.Table
        `customer_id`, `order_id` (where the orders have one), `day`, `amount` (in the unit it came
        in), `is_return` (a negative quantity or a negative amount).

    Raises
    ------
    TableError
        If a needed column is missing, or amounts, prices or quantities are no numbers.
    """
    lines = as_table(orders)
    need_columns(lines, ("customer_id", "time"), "Order lines", "orders")
    if not (lines["time"].type().is_timestamp() or lines["time"].type().is_date()):
        raise TableError(
            f"The column time of the orders holds {lines['time'].type()}, not time stamps; "
            "crmlab.cleansing.to_gregorian reads dates in text.",
            "orders", "time", "not a time stamp",
        )  # fmt: skip
    priced = ("unit_price", "discount") if "amount" not in lines.columns else ("amount",)
    need_numbers(lines, (*priced, "quantity"), "the orders", "orders")
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
    # Lines without one are not numbered here: an engine counts rows on one core.
    order = {"order_id": lines["order_id"]} if "order_id" in lines.columns else {}
    time = lines["time"]
    return lines.select(
        customer_id=lines["customer_id"],
        **order,
        day=time.date() if time.type().is_timestamp() else time,
        amount=amount,
        is_return=returned,
        **{name: lines[name] for name in further},
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
    if "order_id" in lines.columns:
        made = lines.group_by("customer_id", "order_id").agg(
            day=lines["day"].min(), amount=lines["amount"].sum(), is_return=lines["is_return"].all()
        )
    else:
        made = numbered(lines).select("customer_id", "order_id", "day", "amount", "is_return")
    return like(orders, made, key=["customer_id", "day", "order_id"])


def numbered(lines: ibis.Table) -> ibis.Table:
    """Lines of `purchase_lines` with an `order_id` each, their own where the orders have none."""
    import ibis

    if "order_id" in lines.columns:
        return lines
    return lines.mutate(order_id=ibis.row_number().cast("string"))


def count_orders(lines: ibis.Table, where: ibis.expr.types.BooleanValue) -> ibis.expr.types.IntegerScalar:
    """Number of orders among some lines of `purchase_lines`."""
    return lines["order_id"].nunique(where=where) if "order_id" in lines.columns else where.sum()


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


def need_lines(orders: Log, until: Day | None) -> None:
    """Refuse order lines of which there are none, as there is nothing to tell of them.

    Of the time before a day there is: that nobody had bought by then.
    """
    if until is None:
        last_day(orders)


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
        `returns` (lines), `amount` (returns taken off), all 0 if there are no order lines;
        `first_day`, `last_day`, None then.
    """
    import pandas as pd

    lines = purchase_lines(orders)
    if until is not None:
        lines = lines.filter(lines["day"] < as_day(until, "until"))
    bought = ~lines["is_return"]
    found = lines.aggregate(
        customers=lines["customer_id"].nunique(where=bought),
        orders=count_orders(lines, bought),
        lines=lines.count(),
        returns=lines["is_return"].sum().fill_null(0),
        amount=lines["amount"].sum().fill_null(0),
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
        `orders`, `amount` (returns taken off), `complete`, sorted by month. The first month is
        complete if the log begins on its first day, the last if it ends on its last day, or before
        `until`: months of which a part is not known are lower than their neighbours for that alone.
        No row if `until` comes before all.

    Raises
    ------
    TableError
        If there are no order lines.
    """
    import pandas as pd

    need_lines(orders, until)
    lines = purchase_lines(orders)
    if until is not None:
        lines = lines.filter(lines["day"] < as_day(until, "until"))
    ends = lines.aggregate(first=lines["day"].min(), last=lines["day"].max()).to_pyarrow().to_pylist()[0]
    lines = add_period(lines, "day", "M", calendar).rename(month="period")
    bought = ~lines["is_return"]
    monthly = lines.group_by("month").agg(
        customers=lines["customer_id"].nunique(where=bought),
        orders=count_orders(lines, bought),
        amount=lines["amount"].sum(),
    )
    first = lines.filter(bought).group_by("customer_id").agg(month=lambda t: t["month"].min())
    new = first.group_by("month").agg(new=first.count())
    joined = monthly.left_join(new, "month").select("month", "customers", "new", "orders", "amount")
    found = _without_gaps(collect(joined.mutate(new=joined["new"].fill_null(0)), key="month"), calendar)
    if found.empty:
        return found.assign(complete=pd.Series(dtype=bool))
    end = as_day(until, "until") if until is not None else ends["last"] + datetime.timedelta(days=1)
    following = period_starts(ends["last"], end, "M", calendar)[1]
    found["complete"] = True
    found.loc[found.index[0], "complete"] &= found["month"].iloc[0].date() == ends["first"]
    found.loc[found.index[-1], "complete"] &= following[-1] > following[0]
    return found


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
