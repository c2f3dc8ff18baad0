"""What a campaign earned: incremental revenue against its cost, return on investment, and payback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.engine import collect, need_columns
from crmlab.errors import ParameterError, TableError, did_you_mean
from crmlab.mining.campaigns.effect import control_among
from crmlab.mining.campaigns.funnel import campaign_of
from crmlab.mining.methods.apportionment import apportion
from crmlab.mining.methods.comparison import compare
from crmlab.mining.methods.moments import Moments, group_moments

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

#: The event that costs: a contact is paid for when it is sent, whether or not it arrives.
_CONTACT = "sent"
_COLUMNS = ["customers", "contacts", "revenue", "cost", "incremental_revenue", "low", "high",
            "incremental_margin", "margin_low", "margin_high", "profit", "profit_low", "profit_high",
            "return_on_investment", "return_low", "return_high", "payback_days", "observed_days"]  # fmt: skip


def campaign_return(
    events: Log,
    control: str,
    cost_per_contact: int | Mapping[str | tuple[str, str], int],
    fixed_cost: int = 0,
    margin: float = 1.0,
    by: Literal["arm", "channel", "campaign"] = "arm",
    campaign_id: str | None = None,
    started_at: Day | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Revenue, cost, profit and return on investment of a campaign, against its control group.

    Incremental revenue is what would not have come without the campaign: the mean of an arm less that of
    the control group, times the customers of the arm, whether or not they could be reached.
    Costs are known, so that the intervals are those of the incremental revenue, moved and stretched.

    Parameters
    ----------
    events
        Campaign events with `customer_id`, `event`, `arm` and `value` (minor units), and `channel` and `time`
        if there are. Every customer of an arm has an event, such as ``"assigned"``.
    control
        Name of the arm that was not contacted.
    cost_per_contact
        Minor units per event ``"sent"``: one number, or one per arm, or one per channel. A pair of an arm
        and a channel says what the arm's contacts through that channel cost, where they differ from its
        own, as `Campaign.contact_costs` does.
    fixed_cost
        Minor units that the campaign costs besides; shared among the contacted arms by customers.
    margin
        Share of revenue that is left after what the goods cost, 0 to 1.
    by
        ``"arm"``; ``"channel"``: arms that were contacted through the same channels together, arms of
        several channels under both names, such as ``"email + post"``, as no comparison tells these
        apart; ``"campaign"``: all contacted arms together.
    campaign_id
        Which campaign, if there are several.
    started_at
        First day of the campaign, from which days are counted; the day of the first event if not given.
    level
        Confidence level of the intervals.

    Returns
    -------
    DataFrame
        One row per arm (channel, campaign) but the control, sorted by its name in the first column. All money
        in minor units: `customers`, `contacts` (sent), `revenue` (of all its customers), `cost`;
        `incremental_revenue` with `low` and `high` (Welch); `incremental_margin` (times `margin`) with
        `margin_low`, `margin_high`; `profit` (less cost) with its interval; `return_on_investment`
        (profit / cost; NaN without cost) with `return_low`, `return_high`; `payback_days`: the first day,
        counted from 0, from which on the incremental margin covers the cost to the end, missing if it
        does not within `observed_days`, the days from the start to the last event. See
        `payback_sentences`.

    Raises
    ------
    ParameterError
        If there is no such arm, a cost is missing, unknown or negative, or `margin` is not a share.
    TableError
        If a column is missing, or the control group was contacted.

    Examples
    --------
    >>> events = pd.DataFrame([("1", "sent", "mail", 0, 0), ("1", "converted", "mail", 900, 2),
    ...     ("2", "sent", "mail", 0, 0), ("2", "converted", "mail", 700, 5), ("3", "assigned", "none", 0, 0),
    ...     ("3", "converted", "none", 100, 1), ("4", "assigned", "none", 0, 0)],
    ...     columns=["customer_id", "event", "arm", "value", "day"])
    >>> events["time"] = pd.Timestamp("2024-05-01") + pd.to_timedelta(events["day"], unit="D")
    >>> found = campaign_return(events, "none", cost_per_contact=150, margin=0.5)
    >>> found[["revenue", "cost", "incremental_revenue", "profit", "payback_days"]].values.tolist()
    [[1600, 300, 1500.0, 450.0, 2]]
    >>> payback_sentences(found)["mail"]
    'paid back from day 2'
    """
    if by not in ("arm", "channel", "campaign"):
        raise ParameterError(f"by is 'arm', 'channel' or 'campaign', not {by!r}.")
    if not 0 <= margin <= 1:
        raise ParameterError(f"margin is the share of revenue that is left, 0 to 1, not {margin!r}.")
    table = campaign_of(events, campaign_id)
    need_columns(table, ("customer_id", "event", "arm", "value"), "Campaign events", "campaign_events")
    arms = _arms(table, control, cost_per_contact, fixed_cost)
    names = {
        "arm": arms["arm"],
        "channel": arms["channels"],
        "campaign": pd.Series("all contacted", arms.index),
    }
    arms["group"] = names[by].where(arms["arm"] != control)
    group_of = dict(zip(arms["arm"], arms["group"].fillna(control), strict=True))
    if by != "arm" and control in set(arms["group"]):
        raise ParameterError(f"The control group cannot have the name of a channel, {control!r}.")
    grouped = table.mutate(arm=table["arm"].substitute(group_of))
    moments = group_moments(_per_customer(grouped), ["arm"], ["value"], "Campaign events")
    found = _earned(moments, control, level)
    costs = arms.dropna(subset="group").groupby("group")[["contacts", "cost"]].sum()
    found = found.join(costs).astype({"contacts": "int64", "cost": "int64"})
    for end, (gain, profit, back) in _ENDS.items():
        found[gain] = margin * found[end]
        found[profit] = found[gain] - found["cost"]
        found[back] = (found[profit] / found["cost"].where(found["cost"] > 0)).astype(float)
    curve = _curve(grouped, control, margin, started_at, level)
    return found.join(_paid_back(curve, found["cost"])).rename_axis(by)[_COLUMNS].reset_index()


#: Ends of the incremental revenue, and what is made of each.
_ENDS = {
    "incremental_revenue": ("incremental_margin", "profit", "return_on_investment"),
    "low": ("margin_low", "profit_low", "return_low"),
    "high": ("margin_high", "profit_high", "return_high"),
}


def payback_curve(
    events: Log,
    control: str,
    margin: float = 1.0,
    campaign_id: str | None = None,
    started_at: Day | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Incremental margin of each arm up to each day of a campaign, to lay beside its cost.

    Parameters
    ----------
    events, control, margin, campaign_id, started_at, level
        As `campaign_return` takes them. Events without time are left out.

    Returns
    -------
    DataFrame
        One row per arm but the control and day: `arm`, `day` (from 0), `incremental_margin`, `low` and
        `high` (of that day alone), in minor units. Empty without times.

    Examples
    --------
    >>> events = pd.DataFrame([("1", "sent", "mail", 0), ("1", "converted", "mail", 900),
    ...     ("2", "assigned", "none", 0), ("2", "converted", "none", 100)],
    ...     columns=["customer_id", "event", "arm", "value"])
    >>> events["time"] = pd.to_datetime(["2024-05-01", "2024-05-03", "2024-05-01", "2024-05-02"])
    >>> payback_curve(events, "none")["incremental_margin"].tolist()
    [0.0, -100.0, 800.0]
    """
    table = campaign_of(events, campaign_id)
    need_columns(table, ("value", "time"), "Campaign events", "campaign_events")
    return _curve(table, control, margin, started_at, level)


def payback_sentences(returns: pd.DataFrame) -> pd.Series:
    """What the payback of each row of `campaign_return` says.

    Returns
    -------
    Series of text
        Indexed by the first column.
    """
    said = [
        f"paid back from day {days}" if pd.notna(days)
        else "no times are recorded" if pd.isna(observed)
        else f"not paid back within {observed} days"
        for days, observed in zip(returns["payback_days"], returns["observed_days"], strict=True)
    ]  # fmt: skip
    return pd.Series(said, index=pd.Index(returns.iloc[:, 0]), name="payback", dtype="str")


def _arms(
    table: ibis.Table,
    control: str,
    cost_per_contact: int | Mapping[str | tuple[str, str], int],
    fixed_cost: int,
) -> pd.DataFrame:
    """Customers, contacts, their channels and cost of each arm."""
    sent = table["event"] == _CONTACT
    channel = (
        table["channel"].cast("string") if "channel" in table.columns else table["arm"].nullif(table["arm"])
    )
    customers = collect(table.group_by("arm").agg(customers=table["customer_id"].nunique()), key="arm")
    base = control_among(customers["arm"], control)
    contacts = collect(
        table.filter(sent).group_by("arm", channel=channel.fill_null("")).agg(contacts=lambda t: t.count()),
        key=["arm", "channel"],
    )
    contacts["cost"] = contacts["contacts"] * _rates(contacts, customers["arm"], cost_per_contact)
    of_arm = contacts.groupby("arm").agg(
        contacts=("contacts", "sum"), cost=("cost", "sum"), channels=("channel", " + ".join)
    )
    if control in of_arm.index:
        raise TableError(
            f"The control group {control!r} has {of_arm.loc[control, 'contacts']:,} events {_CONTACT!r}; "
            "what a campaign earned shows only against customers who were not contacted.",
            "campaign_events", "arm", "control was contacted",
        )  # fmt: skip
    arms = customers.join(of_arm, on="arm").fillna({"contacts": 0, "cost": 0, "channels": ""})
    arms["channels"] = arms["channels"].where(arms["channels"] != "", "no channel")
    if not (isinstance(fixed_cost, int | np.integer) and fixed_cost >= 0):
        raise ParameterError(f"fixed_cost is a whole number of minor units from 0, not {fixed_cost!r}.")
    shares = arms["customers"].where(arms.index != base, 0).tolist()
    arms["cost"] += apportion(int(fixed_cost), shares) if any(shares) else 0
    return arms


def _rates(
    contacts: pd.DataFrame, arms: pd.Series, cost: int | Mapping[str | tuple[str, str], int]
) -> pd.Series:
    """Cost of one contact, for each arm and channel."""
    if not isinstance(cost, Mapping):
        cost = dict.fromkeys(arms, cost)
    for name, rate in cost.items():
        if not (isinstance(rate, int | np.integer) and rate >= 0):
            raise ParameterError(
                f"The cost per contact of {name!r} is a whole number of minor units from 0, not {rate!r}."
            )
    known = {*arms, *contacts["channel"]} - {""}
    for name in cost:
        # Through a channel of a pair nothing may have been sent yet.
        name = name[0] if isinstance(name, tuple) else name
        if name not in known:
            raise ParameterError(
                f"There is no arm or channel {name!r}, which has a cost" + did_you_mean(name, known)
            )
    # A pair's rate goes before the arm's own, and that before the channel's.
    ways = zip(contacts["arm"], contacts["channel"], strict=True)
    rates = [cost.get((arm, channel), cost.get(arm, cost.get(channel))) for arm, channel in ways]
    rates = pd.Series(rates, contacts.index, dtype="Int64")
    lacking = contacts[rates.isna()]
    if len(lacking):
        raise ParameterError(
            f"Contacts of the arm {lacking['arm'].iloc[0]!r} have no cost; give one for it or its channel."
        )
    return rates.astype("int64")


def _per_customer(table: ibis.Table) -> ibis.Table:
    value = table["value"].sum().fill_null(0)
    return table.group_by("customer_id", "arm").agg(value=value)


def _earned(moments: Moments, control: str, level: float) -> pd.DataFrame:
    """Customers, revenue and incremental revenue of each group but the control."""
    names = moments.groups["arm"]
    base, treated = control_among(names, control), np.flatnonzero(names != control)
    mean, variance, n = moments.mean[:, 0], moments.covariance[:, 0, 0], moments.n
    found = compare(
        mean[treated], variance[treated], n[treated], mean[base], variance[base], n[base], level=level
    )
    ends = found[["difference", "low", "high"]].mul(n[treated], axis=0)
    return ends.rename(columns={"difference": "incremental_revenue"}).assign(
        customers=n[treated], revenue=np.rint(moments.total[treated, 0]).astype("int64")
    ).set_index(pd.Index(names.iloc[treated]))  # fmt: skip


def _curve(
    table: ibis.Table, control: str, margin: float, started_at: Day | None, level: float
) -> pd.DataFrame:
    """Incremental margin up to each day, from sums of values and of their squares by customer and day."""
    import ibis

    kinds = {"arm": "str", "day": "int64", "incremental_margin": "float", "low": "float", "high": "float"}
    kinds = {"arm": "str", "day": "int64", "incremental_margin": "float", "low": "float", "high": "float"}
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
    if "time" not in table.columns:
        return empty
    date = table["time"].cast("timestamp").date()
    ends = collect(table.aggregate(first=date.min(), last=date.max())).iloc[0]
    if pd.isna(ends["first"]):
        return empty
    start = as_day(started_at) if started_at is not None else ends["first"].date()
    sizes = collect(table.group_by("arm").agg(n=table["customer_id"].nunique()), key="arm").set_index("arm")[
        "n"
    ]
    control_among(pd.Series(sizes.index), control)
    values = table.mutate(day=date).filter(lambda t: t["day"].notnull() & t["value"].notnull())
    daily = values.group_by("customer_id", "arm", "day").agg(value=values["value"].sum())
    so_far = ibis.window(group_by=["customer_id", "arm"], order_by="day", preceding=(None, 1))
    before = daily["value"].sum().over(so_far).fill_null(0)
    daily = daily.mutate(
        added=_decimal(daily["value"]),
        squares=_decimal(daily["value"]) * _decimal(2 * before + daily["value"]),
    )
    sums = collect(
        daily.group_by("arm", "day").agg(added=daily["added"].sum(), squares=daily["squares"].sum()),
        key=["arm", "day"],
    )
    days = pd.date_range(pd.Timestamp(start), max(ends["last"], pd.Timestamp(start)))
    # What came before the first day counts on it.
    sums["day"] = sums["day"].clip(lower=days[0])
    grid = pd.MultiIndex.from_product([sizes.index, days], names=["arm", "day"])
    sums = sums.astype({"added": float, "squares": float}).groupby(["arm", "day"]).sum()
    sums = sums.reindex(grid, fill_value=0.0).groupby("arm").cumsum()
    added, squares = (sums[name].unstack("day").loc[sizes.index].to_numpy() for name in ("added", "squares"))
    n = sizes.to_numpy(dtype=float)[:, None]
    mean = added / n
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.maximum(squares - n * mean**2, 0) / (n - 1)
    base = sizes.index.get_loc(control)
    treated = np.flatnonzero(sizes.index != control)
    found = [
        compare(mean[row], variance[row], n[row], mean[base], variance[base], n[base], level=level)[
            ["difference", "low", "high"]
        ].mul(margin * n[row, 0]).assign(arm=sizes.index[row], day=np.arange(len(days)))
        for row in treated
    ]  # fmt: skip
    curve = pd.concat(found, ignore_index=True).rename(columns={"difference": "incremental_margin"})
    return curve[empty.columns]


def _decimal(column: ibis.Column) -> ibis.Column:
    """Whole numbers whose products are summed exactly; others as they are."""
    return (
        column.cast("int64").cast("decimal(19, 0)") if column.type().is_integer() else column.cast("float64")
    )


def _paid_back(curve: pd.DataFrame, costs: pd.Series) -> pd.DataFrame:
    """First day from which on the margin covers the cost, and the number of days that were seen."""
    rows = {}
    for name, cost in costs.items():
        gained = curve.loc[curve["arm"] == name, "incremental_margin"].to_numpy()
        short = np.flatnonzero(gained < cost)
        first = 0 if not len(short) else int(short[-1]) + 1
        rows[name] = (first if first < len(gained) else None, len(gained) - 1 if len(gained) else None)
    found = pd.DataFrame.from_dict(rows, orient="index", columns=["payback_days", "observed_days"])
    return found.astype("Int64")
