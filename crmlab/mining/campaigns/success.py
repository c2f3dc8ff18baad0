"""Whether a campaign reached what it was to reach: its success indicators against their targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.engine import as_table, collect, need_columns
from crmlab.mining.campaigns.funnel import campaign_of
from crmlab.mining.methods.intervals import mean_interval, wilson

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log
    from crmlab.mining.campaigns.definition import Campaign, Indicator

#: What an interval says of a target: it lies wholly at or above it, below it, or on both sides.
REACHED = ("reached", "not reached", "cannot be told yet")


def success(events: Log, campaign: Campaign, level: float = 0.95) -> pd.DataFrame:
    """The success indicators of a campaign, arm by arm, against their targets.

    Parameters
    ----------
    events
        Campaign events as in the contract.
    campaign
        Its definition. An indicator is a share of customers with an event, or an amount per customer,
        within so many days of the customer's assignment; where times are not recorded all events count.

    Returns
    -------
    DataFrame
        One row per indicator and arm, the control group left out, in the order of the definition: `name`,
        `arm`, `value`, `low`, `high` (Wilson's interval of a share, Student's of an amount; amounts in
        minor units), `target`, `n` (customers), `is_amount` and `verdict`, one of `REACHED`. Costs are
        reached when they stay at or below their target.

    Raises
    ------
    TableError
        If a column is missing.
    ParameterError
        If there are no events of the campaign.

    Examples
    --------
    >>> import datetime
    >>> from crmlab.mining.campaigns import Arm, Campaign, Indicator
    >>> spring = Campaign("M1", "Spring", "", "all", datetime.date(2025, 4, 15), datetime.date(2025, 5, 12),
    ...     "EUR", 2, (Arm("offer", "email", 0.5),), "control", 0.5,
    ...     indicators=(Indicator("orders", 0.1, 14, event="converted"),))
    >>> log = pd.DataFrame({"customer_id": ["a", "a", "b"], "event": ["assigned", "converted", "assigned"],
    ...     "arm": "offer", "time": pd.to_datetime(["2025-04-15", "2025-04-20", "2025-04-15"])})
    >>> success(log, spring)[["name", "value", "n", "verdict"]].values.tolist()
    [['orders', 0.5, 2, 'cannot be told yet']]
    """
    table = campaign_of(as_table(events), campaign.campaign_id)
    need_columns(table, ("customer_id", "event", "arm", "time"), "Campaign events", "campaign_events")
    parts = [
        _measured(table, campaign, indicator, level).assign(name=indicator.name, target=indicator.target)
        for indicator in campaign.indicators
    ]
    columns = ["name", "arm", "value", "low", "high", "target", "n", "is_amount", "verdict"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)[columns]


def _measured(table: ibis.Table, campaign: Campaign, indicator: Indicator, level: float) -> pd.DataFrame:
    assigned = table.filter(table["event"] == "assigned")
    start = assigned.group_by("customer_id").agg(began=assigned["time"].min())
    joined = table.left_join(start, "customer_id")
    days = (joined["time"].date().delta(joined["began"].date(), unit="day")).fill_null(0)
    joined = joined.mutate(counts=(days >= 0) & (days < indicator.horizon))
    sums = {
        "hit": ((joined["event"] == (indicator.event or "converted")) & joined["counts"]).any(),
        "spent": _price(joined, campaign).sum(where=(joined["event"] == "sent") & joined["counts"]),
    }
    if "value" in table.columns:
        sums["revenue"] = joined["value"].fill_null(0).sum(where=joined["counts"])
    each = collect(joined.group_by("customer_id", "arm").agg(**sums), key=["customer_id", "arm"])
    rows = []
    for arm in campaign.arms:
        own = each[each["arm"] == arm.name]
        value, low, high = _value(own, indicator, level)
        below = indicator.measure == "cost"
        done, missed = (high <= indicator.target, low > indicator.target) if below else (
            low >= indicator.target, high < indicator.target)  # fmt: skip
        rows.append({
            "arm": arm.name, "value": value, "low": low, "high": high, "n": len(own),
            "is_amount": bool(indicator.measure), "verdict": REACHED[0 if done else 1 if missed else 2],
        })  # fmt: skip
    return pd.DataFrame(rows)


def _price(table: ibis.Table, campaign: Campaign) -> ibis.Value:
    """What a contact costs, by its arm and channel."""
    import ibis

    own = {arm.name: arm.cost_per_contact for arm in campaign.arms}
    ways = []
    if "channel" in table.columns:
        pairs = ((name, cost) for name, cost in campaign.contact_costs.items() if isinstance(name, tuple))
        ways = [
            ((table["arm"] == arm) & (table["channel"] == channel), cost) for (arm, channel), cost in pairs
        ]
    return ibis.cases(*ways, *((table["arm"] == arm, cost) for arm, cost in own.items()), else_=0)


def _value(own: pd.DataFrame, indicator: Indicator, level: float) -> tuple[float, float, float]:
    """The measure of the customers of one arm with its interval."""
    n = len(own)
    if indicator.event:
        hits = int(own["hit"].astype(bool).sum())
        low, high = wilson(hits, n, level)
        return (hits / n if n else np.nan), float(low), float(high)
    revenue = own["revenue"].astype(float) if "revenue" in own else pd.Series(0.0, own.index)
    spent = own["spent"].fillna(0).astype(float)
    values = {"revenue": revenue, "cost": spent, "profit": revenue - spent}[indicator.measure]
    mean = float(values.mean()) if n else np.nan
    low, high = mean_interval(mean, values.var() if n > 1 else np.nan, n, level)
    return mean, float(low), float(high)
