"""Retention and revenue of customers by the period in which they first bought."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.calendars import Day, as_day, period_starts
from crmlab.engine import add_period, as_table, collect, need_columns
from crmlab.errors import ParameterError
from crmlab.mining.customers.purchases import last_day, purchase_lines, purchases

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

BITS = 62  # periods in one integer
VALUES = ("customers", "retention", "orders", "amount")


def cohorts(
    orders: Log, period: str = "M", calendar: str = "gregorian", until: Day | None = None
) -> pd.DataFrame:
    """Who comes back and what they bring, by the period of the first purchase and the periods since.

    Parameters
    ----------
    orders
        Order lines as in the contract (see `purchase_lines`); orders are those of `purchases`: a
        return is taken off the order it is booked under, and one that holds nothing but returns is
        no purchase.
    period
        ``"W"`` weeks, ``"M"`` months, ``"Q"`` quarters or ``"Y"`` years.
    calendar
        Whose periods: ``"gregorian"`` (weeks from Monday) or ``"jalali"`` (weeks from Saturday).
    until
        First day that does not count; the day after the last order line if not given.

    Returns
    -------
    DataFrame
        One row per cohort and each period from its own to the last one before `until`, sorted:

        - `cohort`: first day of the period of the first purchase.
        - `age`: periods since, 0 in the first.
        - `customers`: who bought in that period; at age 0 the size of the cohort.
        - `retention`: `customers` as a share of the cohort, 0 to 1.
        - `orders`: number of orders.
        - `amount`: sum of amounts with returns taken off, in the unit of the orders.
        - `complete`: whether the period had ended by `until`. The last one may be cut short, and
          then shows fewer customers than it will have.

        Periods without purchases are rows of zeros, periods that lie ahead have no row, and a period
        in which nobody bought for the first time is no cohort. Customers with nothing but returns do
        not appear, nor does what was given back before the first purchase. ``.attrs["period"]`` is
        the length of the periods.

    Raises
    ------
    ParameterError
        If the period, the calendar or the day is unknown.
    TableError
        If a column is missing or there are no order lines.

    Notes
    -----
    The first cohort holds whoever had bought before the log began and bought again in its first
    period; read it with care unless the log goes back to the first order of all.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "b", "b", "c"], "amount": [500, 700, 300, 100, 200],
    ...     "time": pd.to_datetime(["2024-01-05", "2024-02-01", "2024-01-08", "2024-03-31", "2024-02-09"])})
    >>> cohort_triangle(cohorts(orders)).values.tolist()
    [[1.0, 0.5, 0.5], [1.0, 0.0, nan]]
    """
    end = as_day(until, "until") if until is not None else last_day(orders) + datetime.timedelta(days=1)
    given = as_table(orders)
    made = purchases(given) if "order_id" in given.columns else purchase_lines(given)
    made = add_period(made.filter(made["day"] < end), "day", period, calendar)
    found = _by_mask(made) if _has_masks(given) else _by_cohort(made)
    if found.empty:
        empty = pd.DataFrame(columns=["cohort", "age", *VALUES, "complete"])
        return empty.astype({"cohort": "datetime64[us]", "complete": bool})
    starts = np.unique(period_starts(found["cohort"][0].date(), end, period, calendar)[1])
    # The period in which `end` lies is cut short; if it begins there, nothing of it counts.
    whole = len(starts) - 1
    starts = starts[:whole] if starts[whole] == np.datetime64(end, "D") else starts
    cohort, now = (np.searchsorted(starts, found.pop(name).to_numpy()) for name in ("cohort", "period"))
    reached = [(first, age) for first in np.unique(cohort) for age in range(len(starts) - first)]
    every = pd.MultiIndex.from_tuples(reached, names=["cohort", "age"])
    table = found.set_axis([cohort, now - cohort]).reindex(every, fill_value=0).reset_index()
    size = table["customers"].where(table["age"] == 0).ffill()
    table.insert(3, "retention", table["customers"] / size)
    table["complete"] = table["cohort"] + table["age"] < whole
    table["cohort"] = starts.astype("datetime64[us]")[table["cohort"]]
    table.attrs["period"] = period
    return table


def _by_cohort(orders: ibis.Table) -> pd.DataFrame:
    """Customers, orders and amount by the period of the first purchase and the period."""
    bought = ~orders["is_return"]
    each = orders.group_by("customer_id", "period").agg(orders=bought.sum(), amount=orders["amount"].sum())
    first = each.filter(each["orders"] > 0)
    first = first.group_by("customer_id").agg(cohort=first["period"].min())
    joined = each.inner_join(first, "customer_id")
    joined = joined.filter(joined["period"] >= joined["cohort"])
    found = joined.group_by("cohort", "period").agg(
        customers=(joined["orders"] > 0).sum(), orders=joined["orders"].sum(), amount=joined["amount"].sum()
    )
    return collect(found, key=["cohort", "period"])


def _has_masks(orders: ibis.Table) -> bool:
    """Whether each line is an order, and the engine puts bits together."""
    import ibis

    known = ibis.get_backend(orders).has_operation(ibis.expr.operations.BitOr)
    return known and "order_id" not in orders.columns


def _by_mask(orders: ibis.Table) -> pd.DataFrame:
    """The same with one bit per customer and period instead of a row.

    It reads the orders twice, which is only cheap if they need not be put together from lines.
    """
    periods = collect(orders.select("period").distinct())
    place = np.arange(len(periods))
    bits = {f"mask_{word}": np.where(place // BITS == word, 1 << place % BITS, 0)
            for word in range(place.max(initial=0) // BITS + 1)}  # fmt: skip
    known = as_table(periods.assign(**bits))
    placed = orders.inner_join(known.mutate(period=known["period"].date()), "period")
    bought = placed.filter(~placed["is_return"])
    each = bought.group_by("customer_id").agg(
        cohort=bought["period"].min(), **{word: bought[word].bit_or() for word in bits}
    )
    each = each.cache()
    size = each.group_by("cohort").agg(**{
        str(n): ((each[f"mask_{n // BITS}"] & (1 << n % BITS)) != 0).sum() for n in place.tolist()
    })  # fmt: skip
    size = collect(size, key="cohort").set_index("cohort").set_axis(periods["period"], axis=1)
    joined = orders.inner_join(each.select("customer_id", "cohort"), "customer_id")
    joined = joined.filter(joined["period"] >= joined["cohort"])
    found = joined.group_by("cohort", "period").agg(
        orders=(~joined["is_return"]).sum(), amount=joined["amount"].sum()
    )
    found = collect(found, key=["cohort", "period"])
    customers = size.stack().rename("customers").reset_index()
    return customers.merge(found, on=["cohort", "period"])


def cohort_triangle(found: pd.DataFrame, value: str = "retention", complete: bool = True) -> pd.DataFrame:
    """Cohorts as a table, one row per cohort and one column per age.

    Parameters
    ----------
    found
        As `cohorts` returns it.
    value
        ``"retention"``, ``"customers"``, ``"orders"`` or ``"amount"``.
    complete
        Leave out the period that had not ended.

    Returns
    -------
    DataFrame of float
        Rows: `cohort`, earliest first; columns: `age`. Cells that lie ahead are missing, and so are
        those of a period that had not ended, unless asked for. ``.attrs["period"]`` is the length of
        the periods. Drawn by `crmlab.figures.heatmap`; without the column 0, where all retention
        is 1, its shades tell more.

    Raises
    ------
    ParameterError
        If there is no such value.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "b"], "amount": [500, 700, 300],
    ...     "time": pd.to_datetime(["2024-01-05", "2024-02-01", "2024-02-29"])})
    >>> cohort_triangle(cohorts(orders), "amount").values.tolist()
    [[500.0, 700.0], [300.0, nan]]
    """
    if value not in VALUES:
        raise ParameterError(
            f"value is {', '.join(map(repr, VALUES[:-1]))} or {VALUES[-1]!r}, not {value!r}."
        )
    need_columns(found, ("cohort", "age", value, "complete"), "Cohorts")
    shown = found[found["complete"]] if complete else found
    triangle = shown.pivot(index="cohort", columns="age", values=value).astype("float64")
    triangle.attrs["period"] = found.attrs.get("period", "M")
    return triangle
