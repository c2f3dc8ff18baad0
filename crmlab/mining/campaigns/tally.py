"""Totals of a campaign's events: whoever adds some customers' totals to others' has those of all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pandas as pd

#: Columns of an event; a text that is missing is empty, a number that is missing is `MISSING`.
COLUMNS = ("customer", "event", "time", "channel", "value", "event_id", "arm")
MISSING = -(2**63)
#: What stands for all channels together.
ANY = ""
#: Totals by what is counted, arm, event and channel.
Totals = Counter[tuple[str, str, str, str]]

_IDENTITY = ["customer", "event", "time", "channel", "value", "event_id"]
_FAR = 2**63 - 1


@dataclass(frozen=True)
class Rules:
    """What counts.

    Attributes
    ----------
    arms
        The campaign's arms, the control group among them.
    response
        Event that counts as a response.
    skew
        Microseconds by which an event may lie before its customer's assignment.
    within
        Microseconds after the assignment within which responses and revenue count; all if None.
    """

    arms: tuple[str, ...]
    response: str
    skew: int
    within: int | None


def tally(events: pd.DataFrame, rules: Rules) -> Totals:
    """Totals of the events of some customers, all of them given.

    Parameters
    ----------
    events
        Columns `COLUMNS`, one row per event, in any order.

    Returns
    -------
    Counter
        By arm: ``"customers"``, ``"reached"`` by event and channel (`ANY` for all together),
        ``"contacts"`` and ``"responded"`` by event, ``"contacts through"`` by event and channel (empty
        if it is missing), ``"revenue"`` and ``"squares"`` (of customers'
        revenue), ``"unknown arm"`` (events); and, without an arm, customers in ``"two_arms"`` or
        ``"unassigned"`` and events of an ``"other_arm"``, ``"early"`` or with ``"no_time"``. See `Snapshot`.
    """
    found: Totals = Counter()
    ours = events["arm"].isin(rules.arms)
    for arm, count in Counter(events.loc[~ours & (events["arm"] != ""), "arm"].tolist()).items():
        found["unknown arm", arm, "", ""] = count
    assigned = events[ours & (events["event"] == "assigned")]
    different = assigned.drop_duplicates(["customer", "arm"])["customer"]
    found["two_arms", "", "", ""] = int(different[different.duplicated()].nunique())
    first = _first(assigned)
    for arm, count in Counter(first["arm"].tolist()).items():
        found["customers", arm, "", ""] = count
    there = events["customer"].isin(first.index)
    found["unassigned", "", "", ""] = int(events.loc[~there, "customer"].nunique())
    rest = _rest(events, first, rules)
    found["other_arm", "", "", ""] = int(((rest["named"] != "") & (rest["named"] != rest["arm"])).sum())
    found["early", "", "", ""] = int(rest["early"].sum())
    rest = rest[~rest["early"]].drop_duplicates(_IDENTITY)
    found["no_time", "", "", ""] = int((first["time"] == MISSING).sum() + (rest["time"] == MISSING).sum())
    _count(found, "reached", rest.drop_duplicates(["customer", "event"]).assign(channel=ANY))
    named = rest[rest["channel"] != ""]
    _count(found, "reached", named.drop_duplicates(["customer", "event", "channel"]))
    _count(found, "contacts", rest[rest["event"] == "sent"].assign(channel=ANY))
    _count(found, "contacts through", rest[rest["event"] == "sent"])
    if rules.within is not None:
        rest = rest[~rest["timed"] | (rest["time"] <= rest["since"] + rules.within)]
    answered = rest[rest["event"] == rules.response].drop_duplicates("customer")
    _count(found, "responded", answered.assign(channel=ANY))
    paid = rest[~rest["value"].isin([MISSING, 0])].groupby(["arm", "customer"])["value"].sum()
    for (arm, _), value in zip(paid.index, paid.tolist(), strict=True):
        # Python's whole numbers have no end.
        found["revenue", arm, "", ""] += value
        found["squares", arm, "", ""] += value * value
    return found


def counted(events: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """The events that count: of each customer the first assignment, and the others under its arm.

    Parameters
    ----------
    events, rules
        As `tally` takes them.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, sorted by customer, event and time.
    """
    first = _first(events[events["arm"].isin(rules.arms) & (events["event"] == "assigned")])
    rest = _rest(events, first, rules)
    rest = rest[~rest["early"]].drop_duplicates(_IDENTITY)
    every = pd.concat([first.reset_index()[list(COLUMNS)], rest[list(COLUMNS)]])
    return every.sort_values(_IDENTITY, ignore_index=True)


def _first(assigned: pd.DataFrame) -> pd.DataFrame:
    """The first assignment of each customer, by customer."""
    known_last = assigned["time"].where(assigned["time"] != MISSING, _FAR)
    first = assigned.assign(since=known_last).sort_values(["since", "arm"]).drop_duplicates("customer")
    return first.set_index("customer")


def _rest(events: pd.DataFrame, first: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """The other events of customers with an assignment, under its arm; whether they lie before it."""
    ours = events["arm"].isin(["", *rules.arms]) & (events["event"] != "assigned")
    rest = events[ours & events["customer"].isin(first.index)]
    own = first["arm"].reindex(rest["customer"]).to_numpy()
    since = first["time"].reindex(rest["customer"]).to_numpy()
    timed = (rest["time"] != MISSING) & (since != MISSING)
    early = timed & (rest["time"] < since - rules.skew)
    return rest.assign(named=rest["arm"], arm=own, since=since, timed=timed, early=early)


def _count(found: Totals, what: str, rows: pd.DataFrame) -> None:
    """Add the number of rows of each arm, event and channel."""
    keys = zip(*(rows[name].tolist() for name in ("arm", "event", "channel")), strict=True)
    for key, count in Counter(keys).items():
        found[(what, *key)] += count


def to_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Events of the contract's `campaign_events` with the columns `COLUMNS`; those that lack are missing."""
    rows = pd.DataFrame(index=frame.index)
    for column in COLUMNS:
        name = "customer_id" if column == "customer" else column
        if name not in frame:
            rows[column] = MISSING if column in ("time", "value") else ""
        elif column == "time":
            stamps = pd.to_datetime(frame[name]).astype("datetime64[us]")
            rows[column] = stamps.astype("int64").where(stamps.notna(), MISSING)
        elif column == "value":
            rows[column] = frame[name].astype("Int64").fillna(MISSING).astype("int64")
        else:
            rows[column] = frame[name].astype("str").where(frame[name].notna(), "")
    return rows


def to_events(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with the columns `COLUMNS` as the contract's `campaign_events` has them."""
    time, value = rows["time"] != MISSING, rows["value"] != MISSING
    return pd.DataFrame(
        {
            "customer_id": rows["customer"].astype("str"),
            "time": pd.to_datetime(rows["time"].where(time), unit="us").astype("datetime64[us]"),
            "event": rows["event"].astype("str"),
            **{name: rows[name].where(rows[name] != "").astype("str") for name in ("arm", "channel")},
            "value": rows["value"].astype("Int64").where(value),
        }
    )
