"""The way of a campaign's customers from assignment to conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmlab.engine import as_table, collect, like, need_columns
from crmlab.errors import ParameterError, did_you_mean
from crmlab.tables import TABLES

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crmlab.engine import Log

#: Events in the order in which they happen.
STEPS: tuple[str, ...] = tuple(TABLES["campaign_events"]["event"].allowed or ())


#: Events that are no step on the way but a way out of it.
LOSSES = ("bounced", "unsubscribed")


def campaign_of(events: Log, campaign_id: str | None = None) -> ibis.Table:
    """Events of one campaign; `campaign_id` may be left out if there is only one.

    Raises
    ------
    ParameterError
        If the campaign does not occur, or several do and none is named.
    """
    table = as_table(events)
    need_columns(table, ("customer_id", "event", "arm"), "Campaign events", "campaign_events")
    if "campaign_id" not in table.columns:
        return table
    known = collect(table.select("campaign_id").distinct())["campaign_id"].tolist()
    if campaign_id is None:
        if len(known) != 1:
            raise ParameterError(f"Name one campaign; there are: {', '.join(known) or 'none'}.")
        return table
    if campaign_id not in known:
        raise ParameterError(
            f"There are no events of a campaign {campaign_id!r}" + did_you_mean(campaign_id, known)
        )
    return table.filter(table["campaign_id"] == campaign_id)


def choose_campaign(campaigns: pd.DataFrame, events: Log, campaign_id: str | None = None) -> pd.Series:
    """One campaign's row of the campaigns table: the one named, else the one with most customers.

    Raises
    ------
    ParameterError
        If it has no events, or there are none at all.
    """
    table = as_table(events)
    sizes = collect(
        table.group_by("campaign_id").agg(customers=table["customer_id"].nunique()), key="campaign_id"
    )
    if campaign_id is None:
        if sizes.empty:
            raise ParameterError("There are no campaign events.")
        campaign_id = sizes.loc[sizes["customers"].idxmax(), "campaign_id"]
    elif campaign_id not in set(sizes["campaign_id"]):
        known = sizes["campaign_id"].tolist()
        raise ParameterError(
            f"There are no events of a campaign {campaign_id!r}" + did_you_mean(campaign_id, known)
        )
    row = campaigns[campaigns["campaign_id"] == campaign_id]
    if row.empty:
        raise ParameterError(f"The campaigns table has no row for {campaign_id!r}, which has events.")
    return row.iloc[0]


def funnel(events: Log, campaign_id: str | None = None) -> pd.DataFrame:
    """How many customers of each arm reached each step.

    A customer counts once per step, however often the event occurred.

    Returns
    -------
    DataFrame
        `arm`, `event`, `customers`, `assigned` (customers of the arm; all that have events if
        none is recorded as assigned) and `share` of them (0 to 1), in the order of the steps.
    """
    table = campaign_of(events, campaign_id)
    reached = collect(
        table.group_by("arm", "event").agg(customers=table["customer_id"].nunique()), key=["arm", "event"]
    )
    everyone = collect(table.group_by("arm").agg(all=table["customer_id"].nunique()), key="arm")
    assigned = reached[reached["event"] == "assigned"].set_index("arm")["customers"]
    base = everyone.set_index("arm")["all"]
    base.update(assigned)
    reached["assigned"] = reached["arm"].map(base)
    reached["share"] = reached["customers"] / reached["assigned"]
    place = reached["event"].map({step: n for n, step in enumerate(STEPS)})
    return (
        reached.assign(place=place).sort_values(["arm", "place"]).drop(columns="place").reset_index(drop=True)
    )


def outcomes(events: Log, campaign_id: str | None = None, response: str = "converted") -> Log:
    """One row per customer of a campaign: arm, whether they responded, and their revenue.

    Parameters
    ----------
    response
        The event that counts as a response, such as ``"converted"`` or ``"visited"``.

    Returns
    -------
    Frame or table, as given
        `customer_id`, `arm`, `responded` (0 or 1) and `value` (sum of the events' values, in the
        unit they came in; 0 if there are none), sorted by customer.

    Raises
    ------
    ParameterError
        If the campaign or the event does not occur, or a customer is in two arms.
    """
    if response not in STEPS:
        raise ParameterError(f"There is no event {response!r}" + did_you_mean(response, STEPS))
    table = campaign_of(events, campaign_id)
    value = table["value"].sum().fill_null(0) if "value" in table.columns else table.count() * 0
    per_customer = table.group_by("customer_id").agg(
        arm=table["arm"].min(),
        other=table["arm"].max(),
        responded=(table["event"] == response).max().cast("int64"),
        value=value,
    )
    torn = per_customer.filter(per_customer["arm"] != per_customer["other"]).count().to_pyarrow().as_py()
    if torn:
        raise ParameterError(
            f"{torn:,} {'customer is' if torn == 1 else 'customers are'} in two arms of the campaign, so the "
            "arms cannot be compared; "
            "correct the column arm of campaign_events."
        )
    return like(events, per_customer.drop("other"), key="customer_id")
