"""Product affinity: what is bought by the same customers, and what each of them may want next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmlab.engine import as_table, like, need_columns
from crmlab.errors import ParameterError, TableError, did_you_mean
from crmlab.mining.customers.purchases import last_day, numbered, purchase_lines
from crmlab.mining.methods.intervals import normal_quantile

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

#: By which measure of `product_affinity` products may be offered.
_MEASURES = ("low", "confidence", "lift_low", "lift")


def product_affinity(
    orders: Log,
    level: str = "product_id",
    within: str = "customer_id",
    at_least: int = 5,
    confidence_level: float = 0.95,
) -> Log:
    """Pairs of products that the same customers bought, and how much more often than by chance.

    Parameters
    ----------
    orders
        Order lines as in the contract, with `level`; returns and lines without a product are left out.
    level
        Column with what is bought: a product, or its category or brand if the orders have one. The
        work grows with the square of the number of products per customer.
    within
        Bought by the same customer (``"customer_id"``) at any time, or in one order (``"order_id"``).
    at_least
        Pairs that fewer customers (or orders) have in common are left out.
    confidence_level
        Of the intervals, for each pair by itself: of many pairs, some will look related by chance.

    Returns
    -------
    Frame or table, as given
        Two rows per pair, one for each direction, sorted: `product`, `other`; numbers of customers (or
        orders) with the product, `n_product`, with the other, `n_other`, and with `both`; `support`, the
        share of all that have both; `confidence`, the share of those with the product that have the
        other, with its Wilson interval `low` and `high`; `lift`, confidence over the share of all that
        have the other, with its interval `lift_low` and `lift_high` by the delta method on the
        logarithm; `leverage`, support less what it would be were both independent.

    Raises
    ------
    ParameterError
        If `within`, `at_least`, `level` or `confidence_level` make no sense.
    TableError
        If a column is missing, there are no order lines, or none of them says what was bought.

    References
    ----------
    R. Agrawal, T. Imielinski, A. Swami (1993), Mining association rules between sets of items in
    large databases, SIGMOD, 207-216. G. Piatetsky-Shapiro (1991), Discovery, analysis, and
    presentation of strong rules, in Knowledge Discovery in Databases, 229-248 (leverage).

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "b", "b", "c", "d"], "amount": 5,
    ...     "product_id": ["tea", "pot", "tea", "pot", "tea", "cup"], "time": pd.Timestamp("2024-01-05")})
    >>> found = product_affinity(orders, at_least=2)
    >>> found[["product", "other", "both", "confidence", "lift"]].round(2).values.tolist()
    [['pot', 'tea', 2, 1.0, 1.33], ['tea', 'pot', 2, 0.67, 1.33]]
    """
    import ibis

    if within not in ("customer_id", "order_id"):
        raise ParameterError(f"within is 'customer_id' or 'order_id', not {within!r}.")
    if isinstance(at_least, bool) or not isinstance(at_least, int) or at_least < 1:
        raise ParameterError(f"at_least is a number of customers or orders from 1 on, not {at_least!r}.")
    z = normal_quantile(confidence_level)
    bought = _bought(orders, level, within)
    counts = bought.group_by("product").agg(n=bought.count())
    # Who has both has each: no pair of a rarer product can be among those wanted.
    frequent = bought.semi_join(counts.filter(counts["n"] >= at_least), "product")
    left, right = frequent, frequent.view()
    joined = left.inner_join(right, [left["buyer"] == right["buyer"], left["product"] < right["product"]])
    pairs = joined.select(product=left["product"], other=right["product"])
    pairs = pairs.group_by("product", "other").agg(both=pairs.count())
    pairs = pairs.filter(pairs["both"] >= at_least)
    pairs = pairs.union(pairs.select(product=pairs["other"], other=pairs["product"], both=pairs["both"]))
    pairs = pairs.inner_join(counts.rename(n_product="n"), "product")
    pairs = pairs.inner_join(counts.rename(other="product", n_other="n"), "other")
    pairs = pairs.cross_join(bought.aggregate(everybody=bought["buyer"].nunique()))
    both, n, other, everybody = (
        pairs[name].cast("float64") for name in ("both", "n_product", "n_other", "everybody")
    )
    share, lift = both / n, both * everybody / (n * other)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * (share * (1 - share) / n + z**2 / (4 * n * n)).sqrt() / (1 + z**2 / n)
    # The variance of log(lift) where the four cells of the pair are multinomial.
    spread = z * ibis.greatest(1 / both - 1 / n - 1 / other + (2 * lift - 1) / everybody, 0.0).sqrt()
    found = pairs.select(
        "product", "other", "n_product", "n_other", "both",
        support=both / everybody,
        confidence=share, low=middle - half, high=ibis.least(middle + half, 1.0),
        lift=lift, lift_low=lift * (-spread).exp(), lift_high=lift * spread.exp(),
        leverage=both / everybody - n * other / (everybody * everybody),
    )  # fmt: skip
    return like(orders, found, key=["product", "other"])


def affinity_scores(
    orders: Log, affinity: Log, level: str = "product_id", top: int = 3, by: str = "low"
) -> Log:
    """For each customer the products not bought yet that go best with those bought.

    A product's score is the best that any product of the customer gives it. Only pairs that are bought
    together more often than by chance count: whose `lift_low` is above 1.

    Parameters
    ----------
    orders, level
        As `product_affinity` takes them: what each customer bought.
    affinity
        As `product_affinity` returns it, from these orders or others.
    top
        Number of products per customer.
    by
        The measure that is the score: ``"low"``, the lower end of `confidence`, which favours what many
        buy and is sure of little data; ``"confidence"``; ``"lift_low"`` or ``"lift"``, which favour what
        is particular to buyers of the product.

    Returns
    -------
    Frame or table, as given
        One row per customer who bought anything, sorted by `customer_id`: `product_1`, `score_1`,
        `because_1` (the product bought that gives the score), `product_2`, ...; missing where there is
        no further product. Of equal scores, the product that is first in order comes first.

    Raises
    ------
    ParameterError
        If `top` or `by` make no sense.
    TableError
        If a column is missing, there are no order lines, or none of them says what was bought.

    References
    ----------
    G. Linden, B. Smith, J. York (2003), Amazon.com recommendations: item-to-item collaborative
    filtering, IEEE Internet Computing 7(1), 76-80.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "b"], "product_id": ["tea", "pot", "tea"],
    ...     "amount": 5, "time": pd.Timestamp("2024-01-05")})
    >>> affinity = pd.DataFrame({"product": ["tea"], "other": ["pot"], "low": [0.2], "lift_low": [1.1]})
    >>> affinity_scores(orders, affinity, top=1).loc[1, ["product_1", "because_1"]].tolist()
    ['pot', 'tea']
    """
    import ibis

    if isinstance(top, bool) or not isinstance(top, int) or not 1 <= top <= 100:
        raise ParameterError(f"top is a whole number from 1 to 100, not {top!r}.")
    if by not in _MEASURES:
        raise ParameterError(f"by is a measure of the affinity, not {by!r}" + did_you_mean(by, _MEASURES))
    pairs = as_table(affinity)
    need_columns(pairs, ("product", "other", "lift_low", by), "Pairs of products")
    bought = _bought(orders, level, "customer_id")
    pairs = pairs.filter(pairs["lift_low"] > 1).select(because="product", product="other", score=by)
    offered = bought.inner_join(pairs, bought["product"] == pairs["because"])
    offered = offered.select("buyer", product=pairs["product"], score="score", because="because")
    offered = offered.anti_join(bought, ["buyer", "product"])
    best = ibis.window(group_by=["buyer", "product"], order_by=[ibis.desc("score"), "because"])
    offered = offered.mutate(place=ibis.row_number().over(best))
    offered = offered.filter(offered["place"] == 0)
    order = ibis.window(group_by="buyer", order_by=[ibis.desc("score"), "product"])
    offered = offered.mutate(place=ibis.row_number().over(order))
    wide = {
        f"{name}_{place + 1}": offered[name].max(where=offered["place"] == place)
        for place in range(top)
        for name in ("product", "score", "because")
    }
    wide = offered.filter(offered["place"] < top).group_by("buyer").agg(**wide)
    everybody = bought.select("buyer").distinct()
    found = everybody.left_join(wide, "buyer").select("buyer", *wide.columns[1:])
    return like(orders, found.rename(customer_id="buyer"), key="customer_id")


def _bought(orders: Log, level: str, within: str) -> ibis.Table:
    """Each buyer, a customer or an order, with each product once."""
    table = as_table(orders)
    need_columns(table, (level,), "Order lines", "orders")
    if level in ("customer_id", "order_id", "day", "amount", "is_return"):
        raise ParameterError(f"level is a column with what is bought, such as 'product_id', not {level!r}.")
    lines = purchase_lines(table, [level])
    if not lines[level].count().to_pyarrow().as_py():
        last_day(table)  # says so if there are no lines at all
        raise TableError(
            f"No order line says what was bought: the column {level} is empty in all of them.",
            "orders", level, "empty",
        )  # fmt: skip
    if within == "order_id":
        lines = numbered(lines)
    lines = lines.filter(~lines["is_return"] & lines[level].notnull())
    return lines.select(buyer=lines[within], product=lines[level]).distinct()
