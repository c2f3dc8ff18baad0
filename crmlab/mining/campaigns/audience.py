"""The audience of a campaign: who is contacted, who is not and why, and who is in the control group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.engine import as_table, collect, need_columns
from crmlab.errors import ParameterError, TableError, did_you_mean
from crmlab.mining.campaigns.segment import meets
from crmlab.mining.methods.randomisation import randomise, strata_of

if TYPE_CHECKING:
    import datetime

    from crmlab.engine import Log
    from crmlab.mining.campaigns.definition import Campaign

#: Why customers are in an audience or not. Of several reasons, the first counts.
REASONS = ("in the segment", "not in the segment", "opted out", "no permission given", "no contact known",
           "contacted too often", "excluded by a condition", "same contact as another customer")  # fmt: skip
#: Channels on which one contact is one person: a house has one address for all who live in it.
_PERSONAL = ("email", "phone", "sms", "fax")


def audience(
    profile: pd.DataFrame,
    campaign: Campaign,
    customers: Log,
    consents: pd.DataFrame | None,
    events: Log | None = None,
    *,
    as_of: Day | None = None,
    strata: Sequence[str] = (),
    region: str = "",
    ask_first: bool = False,
) -> pd.DataFrame:
    """Who is in a campaign, in which arm, and why the others are not.

    Whoever cannot be contacted through the channel of each arm is in no arm and not in the control group
    either: otherwise the groups would not be alike. Of several customers with the same e-mail address or
    number the first is in. Who gets into which group depends on the seed, the campaign and the customer
    number alone (see `crmlab.mining.methods.randomise`), not on the order of rows.

    Parameters
    ----------
    profile
        One row per customer, indexed by `customer_id`, as `crmlab.mining.customers.profile` returns it.
    campaign
        As `Campaign.read` returns it.
    customers
        The table of customers: `customer_id` and the contacts, `email`, `phone`, `address`.
    consents
        The table of permissions given and withdrawn; None if there is none. A refusal counts under
        whatever spelling or customer number the contact comes, and whenever it was said.
    events
        The table ``campaign_events`` of all campaigns: who unsubscribed, and who was sent something lately.
        May be left out if the campaign does not limit the contacts.
    as_of
        First day of the campaign, from which contact pressure looks back; `campaign.started_at` if not
        given.
    strata
        Columns of the profile in which the groups are to be alike: each combination of values is split
        in the campaign's proportions. Numbers of many values are cut at their quartiles.
    region
        Two-letter country of telephone numbers without a country code.
    ask_first
        Only who gave a permission may be contacted, not everybody who did not refuse.

    Returns
    -------
    DataFrame
        Every customer of the profile once, indexed and sorted by `customer_id`: `included`; `reason`, one
        of `REASONS`; `detail`, which condition, channel or number of contacts; and of those included `arm`,
        `channel` and `offer` (both missing in the control group) and `stratum`.

    Raises
    ------
    ParameterError
        If a condition or stratum names no column of the profile, contact pressure is limited and there
        are no events, or nobody is left in a group.
    TableError
        If the profile or the customers are not one row per customer, or a column is missing.

    Examples
    --------
    >>> import datetime
    >>> from crmlab.mining.campaigns import Arm, Campaign
    >>> spring = Campaign("M1", "Spring", "", "recency > 60", datetime.date(2025, 4, 15),
    ...     datetime.date(2025, 5, 12), "EUR", 2, (Arm("offer", "email", 0.5),), "control", 0.5)
    >>> names = ["a", "b", "c", "d"]
    >>> profile = pd.DataFrame({"recency": [90, 90, 10, 90]}, index=pd.Index(names, name="customer_id"))
    >>> customers = pd.DataFrame({"customer_id": names, "email": [f"{name}@b.com" for name in names]})
    >>> said = pd.DataFrame({"contact": ["D@b.com"], "given": [False], "time": pd.Timestamp("2025-01-02")})
    >>> audience(profile, spring, customers, said)["reason"].tolist()
    ['in the segment', 'in the segment', 'not in the segment', 'opted out']
    """
    from crmlab.cleansing.consent import CONTACT_OF

    _one_row_each(profile.index, "The profile")
    day = as_day(as_of if as_of is not None else campaign.started_at, "as_of")
    profile = profile.sort_index().rename_axis("customer_id")
    for name in strata:
        if name not in profile:
            raise ParameterError(
                f"The profile has no column {name!r} for a stratum" + did_you_mean(name, map(str, profile))
            )
    everybody = collect(as_table(customers))
    need_columns(everybody, ("customer_id",), "Customers", "customers")
    _one_row_each(pd.Index(everybody["customer_id"]), "The table of customers")
    contacts = everybody.set_index("customer_id").reindex(profile.index)
    channels = list(dict.fromkeys(arm.channel for arm in campaign.arms))

    why = pd.DataFrame({"reason": None, "detail": None}, index=profile.index, dtype="str")
    met = meets(profile, campaign.segment, campaign.decimals)
    _leave_out(why, met.isna(), "not in the segment", f"not known, as a value is missing: {campaign.segment}")
    _leave_out(why, ~met.fillna(False), "not in the segment", f"not met: {campaign.segment}")
    _leave_out_refused(why, contacts, everybody, consents, events, channels, region, ask_first)
    for channel in channels:
        if column := CONTACT_OF.get(channel):
            known = contacts[column] if column in contacts else pd.Series(None, why.index, dtype="str")
            unknown = known.isna() | (known.astype("str").str.strip() == "")
            _leave_out(why, unknown, "no contact known", f"{channel}: no {column}")
    if campaign.exclusions.at_most is not None:
        _leave_out_pressed(why, campaign, events, day)
    for condition in campaign.exclusions.conditions:
        hit = meets(profile, condition, campaign.decimals)
        _leave_out(why, hit.fillna(False), "excluded by a condition", condition)
    for channel in channels:
        if channel in _PERSONAL:
            _leave_out_twins(why, contacts[CONTACT_OF[channel]], channel, region)
    return _grouped(why, profile, campaign, strata, day)


def reason_counts(people: pd.DataFrame) -> pd.DataFrame:
    """How many customers are in an audience or not, by reason.

    Parameters
    ----------
    people
        As `audience` returns it.

    Returns
    -------
    DataFrame
        Indexed by `reason`, in the order of `REASONS`, those that occur: `customers` and `share` (0 to 1)
        of all.
    """
    need_columns(people, ("reason",), "Audiences", way_out="audience(...) makes one.")
    counts = people["reason"].value_counts()
    counts = counts.reindex([reason for reason in REASONS if reason in counts.index])
    found = pd.DataFrame({"customers": counts.astype("int64"), "share": counts / max(len(people), 1)})
    return found.rename_axis("reason")


def assigned(people: pd.DataFrame, campaign: Campaign, as_of: Day | None = None) -> pd.DataFrame:
    """The first events of a campaign: who was put into which arm.

    Parameters
    ----------
    people
        As `audience` returns it.
    as_of
        The moment is the beginning of this day; `campaign.started_at` if not given.

    Returns
    -------
    DataFrame
        Rows for the table ``campaign_events``, sorted by customer, the control group among them.
    """
    need_columns(people, ("included", "arm", "channel"), "Audiences", way_out="audience(...) makes one.")
    chosen = people[people["included"]]
    day = as_day(as_of if as_of is not None else campaign.started_at, "as_of")
    return pd.DataFrame({
        "campaign_id": pd.Series(campaign.campaign_id, chosen.index, dtype="str"),
        "customer_id": chosen.index.astype("str"),
        "time": pd.Timestamp(day).as_unit("us"),
        "event": pd.Series("assigned", chosen.index, dtype="str"),
        "arm": chosen["arm"], "channel": chosen["channel"],
        "value": pd.Series(pd.NA, chosen.index, dtype="Int64"),
    }).reset_index(drop=True)  # fmt: skip


def _one_row_each(customers: pd.Index, what: str) -> None:
    wrong = customers.isna() | customers.duplicated(keep=False)
    if wrong.any():
        raise TableError(
            f"{what} has one row per customer; {int(wrong.sum()):,} rows have no customer_id or share "
            "it with another.", column="customer_id", rule="not unique", rows=list(wrong.nonzero()[0]),
        )  # fmt: skip


def _leave_out(why: pd.DataFrame, rows: pd.Series, reason: str, detail: str | pd.Series) -> None:
    """Give a reason to those of the rows who have none yet."""
    rows = rows.astype(bool) & why["reason"].isna()
    why.loc[rows, "reason"] = reason
    why.loc[rows, "detail"] = detail if isinstance(detail, str) else detail[rows]


def _leave_out_refused(
    why: pd.DataFrame, contacts: pd.DataFrame, customers: pd.DataFrame, consents: pd.DataFrame | None,
    events: Log | None, channels: list[str], region: str, ask_first: bool,
) -> None:  # fmt: skip
    from crmlab.cleansing.consent import check_consent, consent_register

    nothing = pd.DataFrame({"given": pd.Series(dtype="boolean"), "time": pd.Series(dtype="datetime64[us]")})
    said = nothing if consents is None else consents
    need_columns(said, ("given", "time"), "Consents", "consents")
    if pd.api.types.is_string_dtype(customers["customer_id"]):
        # Where nobody is named, the numbers are of no kind.
        said = said.assign(customer_id=said.get("customer_id", pd.Series(None, said.index)).astype("str"))
    register = consent_register(said, customers, _unsubscribed(events), region)
    people = contacts[[name for name in ("email", "phone", "address") if name in contacts]].reset_index()
    for channel in channels:
        consent = check_consent(people, register, channel, region, ask_first).set_index(why.index)
        silent = (consent["reason"] == "no permission given").fillna(False)
        told = f"{channel}: " + consent["reason"].fillna("")
        _leave_out(why, ~consent["allowed"] & ~silent, "opted out", told)
        _leave_out(why, silent, "no permission given", channel)


def _unsubscribed(events: Log | None) -> pd.DataFrame | None:
    """Who left a mailing; where the event names no channel, they left all."""
    if events is None:
        return None
    table = as_table(events)
    need_columns(table, ("customer_id", "event", "time"), "Campaign events", "campaign_events")
    names = [name for name in ("customer_id", "channel", "time") if name in table.columns]
    return collect(table.filter(table["event"] == "unsubscribed").select(*names), key=names)


def _leave_out_pressed(why: pd.DataFrame, campaign: Campaign, events: Log | None, day: datetime.date) -> None:
    """Leave out who was sent as much as allowed by other campaigns within the days before."""
    limit, days = campaign.exclusions.at_most, campaign.exclusions.days
    if events is None:
        raise ParameterError(
            f"The campaign allows at most {limit} contacts in {days} days: give the events of all campaigns, "
            "events=ws.campaign_events, by which they are counted."
        )
    table = as_table(events)
    need_columns(table, ("customer_id", "campaign_id", "event", "time"), "Campaign events", "campaign_events")
    since = pd.Timestamp(day) - pd.Timedelta(days=days)
    when = table["time"].date() if table["time"].type().is_timestamp() else table["time"]
    sent = table.filter(
        (table["event"] == "sent") & (table["campaign_id"] != campaign.campaign_id)
        & (when >= since.date()) & (when < day)
    )  # fmt: skip
    # The same event twice is one contact.
    each = [name for name in ("customer_id", "campaign_id", "channel", "time") if name in table.columns]
    sent = sent.select(*each).distinct()
    counts = collect(sent.group_by("customer_id").agg(n=sent.count()), key="customer_id")
    had = counts.set_index("customer_id")["n"].reindex(why.index).fillna(0).astype("int64")
    _leave_out(why, had >= limit, "contacted too often", had.astype("str") + f" of {limit} in {days} days")


def _leave_out_twins(why: pd.DataFrame, contacts: pd.Series, channel: str, region: str) -> None:
    """Of those who are still in and have the same contact, leave in the first."""
    from crmlab.cleansing.consent import contact_key

    key = contact_key(contacts[why["reason"].isna()], region)
    first = key.index.to_series().groupby(key).transform("first")
    again = (first != key.index.to_series()) & key.notna()
    rows = again.reindex(why.index, fill_value=False)
    _leave_out(why, rows, "same contact as another customer", f"{channel}: as " + first.reindex(why.index))


def _grouped(
    why: pd.DataFrame, profile: pd.DataFrame, campaign: Campaign, strata: Sequence[str], day: datetime.date
) -> pd.DataFrame:
    """The audience, with those who have no reason to be out drawn into groups."""
    inside = why["reason"].isna()
    people = pd.DataFrame({"included": inside}).join(why)
    if not inside.any():
        counts = reason_counts(people)["customers"]
        said = ", ".join(f"{reason} {number:,}" for reason, number in counts.items())
        raise ParameterError(
            f"Nobody is in the audience of {campaign.campaign_id}: {said or 'no customers'}."
        )
    people.loc[inside, "reason"], people.loc[inside, "detail"] = REASONS[0], f"met: {campaign.segment}"
    chosen = people.index[inside]
    cells = strata_of(profile.loc[chosen], strata)
    shares = {campaign.control: campaign.control_share} | {arm.name: arm.share for arm in campaign.arms}
    group = randomise(chosen, shares, f"{campaign.campaign_id} {campaign.seed}", cells)
    for name, share in shares.items():
        if name not in set(group):
            raise ParameterError(
                f"The arm {name!r} has nobody: an audience of {len(chosen):,} is too small for a share of "
                f"{share:.1%}."
            )
    arms = {arm.name: arm for arm in campaign.arms}
    columns = {
        "arm": group,
        "channel": group.map({name: arm.channel for name, arm in arms.items()}),
        "offer": group.map({name: arm.offer for name, arm in arms.items()}),
        "stratum": cells,
    }
    for name, values in columns.items():
        people[name] = values.reindex(people.index).astype("str")
    people.attrs = {"campaign_id": campaign.campaign_id, "as_of": day.isoformat()}
    return people
