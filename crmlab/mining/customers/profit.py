"""What is left of what customers pay: revenue less goods, service and campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmlab.calendars import Day, as_day
from crmlab.engine import as_table, like, need_columns, need_numbers
from crmlab.errors import ParameterError
from crmlab.mining.customers.purchases import need_lines, purchase_lines

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log


def customer_profit(
    orders: Log,
    products: Log | None = None,
    tickets: Log | None = None,
    campaign_events: Log | None = None,
    campaigns: Log | None = None,
    cost_per_ticket: int = 0,
    until: Day | None = None,
) -> Log:
    """Profit per customer: revenue less the cost of goods, of service and of campaigns.

    Parameters
    ----------
    orders
        Order lines as in the contract (see `purchase_lines`).
    products
        For the cost of goods: `product_id` and `unit_cost`. A return takes its cost off again.
    tickets, cost_per_ticket
        For the cost of service: tickets with `ticket_id`, `customer_id` and `time`, and what one
        costs, in the unit of the orders.
    campaign_events, campaigns
        For the cost of campaigns: each event ``"sent"`` costs its campaign's `cost_per_contact`.
    until
        First day that does not count; all days count if not given. Undated events count.

    Returns
    -------
    Frame or table, as given
        Sorted by `customer_id`, a row per customer with an order line: `revenue` (returns taken
        off), `cost_of_goods`, `cost_of_service`, `cost_of_campaigns`, `profit`, all in the unit of
        the orders, and `lines_without_cost`, the order lines whose cost is not known and counts as
        nothing: where there are many, profit is too high. Costs of those who never ordered are not
        in it.

    Raises
    ------
    TableError
        If a needed column is missing, or holds no numbers where money or pieces are meant; if there
        are no order lines.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["a", "a"], "product_id": ["x", "y"], "quantity": [2, 1],
    ...     "amount": [900, 300], "time": pd.to_datetime(["2024-01-05", "2024-03-01"])})
    >>> products = pd.DataFrame({"product_id": ["x"], "unit_cost": [200]})
    >>> customer_profit(orders, products)[["revenue", "cost_of_goods", "profit", "lines_without_cost"]].values
    array([[1200,  400,  800,    1]])
    """
    import ibis

    if (campaign_events is None) != (campaigns is None):
        raise ParameterError("The cost of campaigns needs both campaign_events and campaigns.")
    need_lines(orders, until)
    day = None if until is None else as_day(until, "until")
    goods = products is not None
    if goods:
        need_columns(as_table(orders), ("product_id", "quantity"), "Order lines", "orders")
    lines = _before(purchase_lines(orders, ("product_id", "quantity") if goods else ()), "day", day)
    lines = _with_cost(lines, products) if goods else lines.mutate(cost=ibis.null("int64"))
    found = lines.group_by("customer_id").agg(
        revenue=lines["amount"].sum(),
        cost_of_goods=lines["cost"].sum().fill_null(0),
        lines_without_cost=lines["cost"].isnull().sum(),
    )
    service = None if tickets is None else _service(tickets, cost_per_ticket, day)
    contacts = None if campaigns is None else _contacts(campaign_events, campaigns, day)
    for name, costs in (("cost_of_service", service), ("cost_of_campaigns", contacts)):
        if costs is None:
            found = found.mutate(**{name: ibis.literal(0, "int64")})
            continue
        joined = found.left_join(costs, "customer_id")
        found = joined.select(*found.columns, **{name: joined["cost"].fill_null(0)})
    costs = found["cost_of_goods"] + found["cost_of_service"] + found["cost_of_campaigns"]
    profit = found.mutate(profit=found["revenue"] - costs)
    columns = ("customer_id", "revenue", "cost_of_goods", "cost_of_service", "cost_of_campaigns", "profit",
               "lines_without_cost")  # fmt: skip
    return like(orders, profit.select(*columns), key="customer_id")


def _before(table: ibis.Table, column: str, day) -> ibis.Table:
    """Rows of days before one, and those without a day."""
    if day is None or column not in table.columns:
        return table
    when = table[column]
    when = when.date() if when.type().is_timestamp() else when
    return table.filter((when < day) | table[column].isnull())


def _with_cost(lines: ibis.Table, products: Log) -> ibis.Table:
    known = as_table(products)
    need_columns(known, ("product_id", "unit_cost"), "Products", "products")
    need_numbers(known, ("unit_cost",), "the products", "products")
    # A product that is listed twice would count its lines twice.
    known = known.group_by("product_id").agg(unit_cost=known["unit_cost"].max())
    joined = lines.left_join(known, "product_id")
    return joined.select(*lines.columns, cost=joined["quantity"] * joined["unit_cost"])


def _service(tickets: Log, cost_per_ticket: int, day) -> ibis.Table:
    """A ticket has a row per status: it costs once, when it is opened."""
    rows = as_table(tickets)
    need_columns(rows, ("ticket_id", "customer_id", "time"), "Tickets", "tickets")
    opened = rows.group_by("customer_id", "ticket_id").agg(time=rows["time"].min())
    opened = _before(opened.filter(opened["customer_id"].notnull()), "time", day)
    return opened.group_by("customer_id").agg(cost=opened.count() * cost_per_ticket)


def _contacts(events: Log, campaigns: Log, day) -> ibis.Table:
    sent, costs = as_table(events), as_table(campaigns)
    need_columns(sent, ("campaign_id", "customer_id", "event"), "Campaign events", "campaign_events")
    need_columns(costs, ("campaign_id", "cost_per_contact"), "Campaigns", "campaigns")
    need_numbers(costs, ("cost_per_contact",), "the campaigns", "campaigns")
    sent = _before(sent.filter(sent["event"] == "sent"), "time", day)
    costs = costs.select("campaign_id", cost=costs["cost_per_contact"].fill_null(0))
    joined = sent.inner_join(costs, "campaign_id")
    return joined.group_by("customer_id").agg(cost=joined["cost"].sum())
