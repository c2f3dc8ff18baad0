"""Loyalty: who buys again without being given a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmlab.calendars import Day, as_day
from crmlab.engine import as_table, collect, like, need_columns
from crmlab.mining.customers.purchases import need_lines, numbered, purchase_lines
from crmlab.mining.methods.intervals import wilson

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.engine import Log

MEASURES = ("bought again", "bought again unprompted", "unprompted orders")


def repurchases(orders: Log, until: Day | None = None) -> Log:
    """Orders after the first, per customer, and how many of them no promotion prompted.

    Parameters
    ----------
    orders
        Order lines as in the contract, with `promotion`. An order with a promotion on any of its
        lines was prompted; orders that hold nothing but returns do not count. Of orders on a
        customer's first day, one is the first.
    until
        First day that does not count; all days count if not given.

    Returns
    -------
    Frame or table, as given
        Sorted by `customer_id`: `orders`, `repurchases` (orders less the first) and
        `unprompted` (of these, without a promotion).

    Raises
    ------
    TableError
        If there are no order lines, or they have no column for promotions.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "a"], "order_id": ["1", "2", "3"], "amount": 5,
    ...     "promotion": ["spring sale", None, "spring sale"],
    ...     "time": pd.to_datetime(["2024-01-05", "2024-02-05", "2024-03-01"])})
    >>> repurchases(orders)[["repurchases", "unprompted"]].values.tolist()
    [[2, 1]]
    """
    import ibis

    need_columns(as_table(orders), ("promotion",), "Order lines", "orders")
    need_lines(orders, until)
    lines = numbered(purchase_lines(orders, ("promotion",)))
    if until is not None:
        lines = lines.filter(lines["day"] < as_day(until, "until"))
    made = lines.group_by("customer_id", "order_id").agg(
        day=lines["day"].min(),
        prompted=lines["promotion"].notnull().any(),
        is_return=lines["is_return"].all(),
    )
    made = made.filter(~made["is_return"])
    # Of several orders on the first day, one that was prompted is taken for the first.
    first = made.group_by("customer_id").order_by("day", ibis.desc("prompted"), "order_id")
    made = first.mutate(place=ibis.row_number())
    again = made["place"] > 0
    found = made.group_by("customer_id").agg(
        orders=made.count(), repurchases=again.sum(), unprompted=(again & ~made["prompted"]).sum()
    )
    return like(orders, found, key="customer_id")


def loyalty(orders: Log, until: Day | None = None, level: float = 0.95) -> pd.DataFrame:
    """Buying again without an incentive, set against all buying again.

    Parameters
    ----------
    orders, until
        As `repurchases` takes them.
    level
        Confidence level of the intervals (Wilson 1927). Orders of one customer are not
        independent, so that the interval of `unprompted orders` is somewhat too narrow.

    Returns
    -------
    DataFrame
        Indexed by `measure`, with `value`, `low`, `high` (shares) and `n`: ``bought again`` and
        ``bought again unprompted``, of all customers; ``unprompted orders``, of all repurchases. Of
        none, the share is missing. The latter two are missing if no order line has a promotion: then
        promotions are not recorded, rather than without effect.

    Raises
    ------
    TableError
        If there are no order lines, or they have no column for promotions.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "b"], "amount": 5, "promotion": [None, None, "sale"],
    ...     "time": pd.to_datetime(["2024-01-05", "2024-02-05", "2024-03-01"])})
    >>> loyalty(orders)["value"].to_dict()
    {'bought again': 0.5, 'bought again unprompted': 0.5, 'unprompted orders': 1.0}
    """
    import numpy as np
    import pandas as pd

    lines = as_table(orders)
    per_customer = as_table(repurchases(lines, until))
    recorded = collect(lines.aggregate(any=lines["promotion"].notnull().any().fill_null(False)))["any"].iloc[
        0
    ]
    counts = collect(
        per_customer.aggregate(
            customers=per_customer.count(),
            again=(per_customer["repurchases"] > 0).sum().fill_null(0),
            unprompted=(per_customer["unprompted"] > 0).sum().fill_null(0),
            orders=per_customer["repurchases"].sum().fill_null(0),
            unprompted_orders=per_customer["unprompted"].sum().fill_null(0),
        )
    ).iloc[0]
    successes = counts[["again", "unprompted", "unprompted_orders"]].to_numpy(dtype=float)
    n = counts[["customers", "customers", "orders"]].to_numpy(dtype=float)
    low, high = wilson(successes, n, level)
    value = np.divide(successes, n, out=np.full(3, np.nan), where=n > 0)
    known = np.array([True, recorded, recorded])
    value, low, high = (np.where(known, part, np.nan) for part in (value, low, high))
    measures = pd.Index(MEASURES, name="measure")
    return pd.DataFrame({"value": value, "low": low, "high": high, "n": n.astype("int64")}, measures)
