"""Completion rules at work: a log of events in, the next action of each customer out.

What a customer's events call for depends on which events there are, not on the order in which they
are read nor on how often one is seen: of each kind of event the first or last time counts, and
times may be taken in any order, in pieces and twice.
"""

from __future__ import annotations

import datetime
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from crmlab.calendars import Day, as_day
from crmlab.engine import as_table, collect, like, need_columns
from crmlab.errors import ParameterError, TableError
from crmlab.mining.campaigns.completion_rule import STOP, CompletionRule
from crmlab.mining.campaigns.definition import Campaign
from crmlab.mining.campaigns.funnel import campaign_of

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crmlab.engine import Log

#: What becomes of an event, the first that applies: why it is set aside, or that it counts.
FATES = (
    "seen before", "no customer", "no time", "after the day", "never assigned", "in two arms",
    "in another arm", "before the assignment", "counts",
)  # fmt: skip
_NEVER = datetime.datetime(9999, 12, 31)
_NO_RULE = CompletionRule("assigned", STOP)
_COLUMNS = ("customer_id", "time", "event", "arm", "channel", "link")


def next_actions(
    events: Log | Sequence[Log],
    rules: Campaign | Iterable[CompletionRule],
    as_of: Day | datetime.datetime,
    control: str | None = None,
) -> Log:
    """What is to be done next with each customer of a campaign.

    Parameters
    ----------
    events
        Campaign events (one row per thing that happened to a customer in a campaign): `customer_id`,
        `time`, `event`, `arm`, and `channel` and `link` if rules name them; or several such logs, the
        pieces of one, in any order, which may overlap.
    rules
        A campaign, or rules alone.
    as_of
        The moment at which one looks, a day being its first; what is stamped later is set aside.
    control
        Of rules alone: the arm that is not contacted.

    Returns
    -------
    Frame or table, as given
        One row per customer for whom there is something to do, sorted by customer: `customer_id`,
        `arm`, `action` (a channel or ``"stop"``), `due` (a time before `as_of` is overdue), `rule`
        (its number from 1), `why` (the rule in words), `event` and `event_time` (what it follows).

    Raises
    ------
    ParameterError
        If `as_of` is no time, or there are several campaigns and none is named.
    TableError
        If a column is missing, or `time` holds no times.

    Notes
    -----
    An event counts if its customer was assigned to its arm, then or earlier, and it is not stamped
    after `as_of`; `check_events` tells how many do not. Each rule applies once per customer:

    - `after` E: decided at the first E (of the arm, channel and link that the rule names); with
      `within` w, if it is at most w after the first ``sent``, or after the assignment if nothing was sent.
    - `after` E `unless` F `within` w: decided w after the first E, if no F has happened until then.

    The action is due `delay` after that. It is done, and not told any more, once something was sent
    through its channel at that moment or later. Of several actions the one due first comes next, then
    the first rule.

    A stop ends every action that is due then or later, and once it is due all of them. So that nobody
    is contacted who has asked not to be, a stop without `within` follows on events that are set aside
    as well; those without a time or from the future stop at `as_of`. The control group is
    not contacted, and neither is who was assigned to two arms; only stops are told of them.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame({"customer_id": ["a", "a"], "event": ["assigned", "clicked"], "arm": "offer",
    ...                     "time": pd.to_datetime(["2025-04-15 09:00", "2025-04-16 10:00"])})
    >>> call = CompletionRule("clicked", "phone", delay=datetime.timedelta(hours=4))
    >>> next_actions(log, [call], "2025-04-17")[["action", "due"]].astype(str).values.tolist()
    [['phone', '2025-04-16 14:00:00']]
    """
    now, chosen = _moment(as_of), list(rules.rules if isinstance(rules, Campaign) else rules)
    campaign_id = rules.campaign_id if isinstance(rules, Campaign) else None
    table = _log(events, campaign_id, chosen)
    control = rules.control if isinstance(rules, Campaign) else control
    channels = {arm.name: arm.channel for arm in rules.arms} if isinstance(rules, Campaign) else {}
    # What no rule asks for is left out once it is known who was assigned.
    wanted = {"sent"}.union(*({rule.after, rule.unless} for rule in chosen)) - {""}
    rows = _with_assignments(table.filter(table["customer_id"].notnull()), now)
    rows = rows.filter(rows["event"].isin(sorted(wanted)))
    firsts = {f"after{n}": _first_time(rule, rows, now, channels) for n, rule in enumerate(chosen)}
    firsts |= {
        f"unless {event}": rows["time"].min(where=rows["counts"] & (rows["event"] == event))
        for event in sorted({rule.unless for rule in chosen} - {""})
    }
    sent = rows["counts"] & (rows["event"] == "sent")
    firsts |= {
        f"done {action}": rows["time"].max(where=sent & (rows["channel"] == action))
        for action in sorted({rule.action for rule in chosen} - {STOP})
    }
    # A customer's rows all say the same of the assignment.
    found = rows.group_by("customer_id").agg(
        arm=rows["assigned_arm"].arbitrary(), begun=rows["time"].min(where=sent),
        assigned_at=rows["assigned_at"].arbitrary(), **firsts,
    )  # fmt: skip
    found = found.mutate(begun=found["begun"].coalesce(found["assigned_at"]))
    dues = {n: _due(n, rule, found, now, control) for n, rule in enumerate(chosen)}
    found = found.mutate(**{f"due{n}": due for n, due in dues.items()})
    stops = [found[f"due{n}"] for n, rule in enumerate(chosen) if rule.action == STOP]
    found = found.mutate(stopped=_least([*stops, _never()]))
    ended = {
        f"due{n}": ((found["stopped"] > now) & (found[f"due{n}"] < found["stopped"])).ifelse(
            found[f"due{n}"], _never()
        )
        for n, rule in enumerate(chosen)
        if rule.action != STOP
    }
    found = found.mutate(**ended)
    found = found.mutate(due=_least([_never(), *(found[f"due{n}"] for n in dues)]))
    return like(_first(events), _told(found, chosen), key="customer_id")


def _first(events: Log | Sequence[Log]) -> Log:
    return events[0] if isinstance(events, list | tuple) else events


def _never() -> ibis.Value:
    """A time that does not come, for what is not to be done."""
    import ibis

    return ibis.literal(_NEVER, "timestamp(6)")


def _least(times: list[ibis.Value]) -> ibis.Value:
    import ibis

    return ibis.least(*times)


def _moment(as_of: Day | datetime.datetime) -> datetime.datetime:
    """A moment given as a day, a time or the text of one, without a time zone."""
    found = as_of
    if isinstance(found, str):
        try:
            found = datetime.datetime.fromisoformat(found)
        except ValueError:
            found = as_day(found)
        else:
            # A year such as 1404 is of the other calendar.
            found = as_day(as_of) if found.year < 1800 else found
    if not isinstance(found, datetime.datetime) or found != found:
        found = datetime.datetime.combine(as_day(found), datetime.time())
    if found.tzinfo is not None:
        raise ParameterError("as_of is a time without a time zone, as those of the events are.")
    return datetime.datetime.combine(found.date(), found.time())


def _log(
    events: Log | Sequence[Log], campaign_id: str | None, chosen: Sequence[CompletionRule] = ()
) -> ibis.Table:
    """The events of one campaign, of all pieces, with the columns that rules read."""
    pieces = [as_table(piece) for piece in (events if isinstance(events, list | tuple) else [events])]
    if not pieces:
        raise ParameterError("There are no events: give a log, or a list of the pieces of one.")
    several = any("campaign_id" in piece.columns for piece in pieces)
    needed = [*_COLUMNS[:4], *(["campaign_id"] if several else [])]
    for piece in pieces:
        need_columns(piece, needed, "Campaign events", "campaign_events")
        for rule in chosen:
            asks = f"The rule {rule.title!r} asks for it."
            need_columns(piece, rule.which.keys() - {"arm"}, "Campaign events", "campaign_events", asks)
    table = reduce(lambda one, other: one.union(other), [_columns(piece, needed) for piece in pieces])
    if campaign_id is None:
        return campaign_of(table)
    return table.filter(table["campaign_id"] == campaign_id) if several else table


def _columns(piece: ibis.Table, needed: list[str]) -> ibis.Table:
    """The columns of a log in one order and of one type, whether a piece has them or not."""
    import ibis

    kind = piece["time"].type()
    # A piece without rows may have columns of no type.
    if not (kind.is_null() or kind.is_date() or (kind.is_timestamp() and kind.timezone is None)):
        said = "times without a time zone" if kind.is_timestamp() else "times; crmlab.load reads them"
        raise TableError(
            f"The column time of the campaign events is to hold {said}.",
            "campaign_events",
            "time",
            "no times",
        )
    texts = {
        name: piece[name].cast("string") if name in piece.columns else ibis.null("string")
        for name in dict.fromkeys([*needed, *_COLUMNS])
        if name != "time"
    }
    return piece.select(**texts, time=piece["time"].cast("timestamp(6)"))


def _with_assignments(table: ibis.Table, now: datetime.datetime) -> ibis.Table:
    """Each event with its customer's assignment, and whether it counts."""
    made = table.filter((table["event"] == "assigned") & (table["time"] <= now))
    people = made.group_by("customer_id").agg(
        assigned_at=made["time"].min(), assigned_arm=made["arm"].min(), other_arm=made["arm"].max()
    )
    # Who is in two arms is in none that anybody could tell.
    people = people.mutate(
        two_arms=people["assigned_arm"] != people["other_arm"],
    ).rename(who="customer_id")
    rows = table.left_join(people, table["customer_id"] == people["who"]).drop("who", "other_arm")
    counts = (
        (rows["time"] <= now)
        & (rows["time"] >= rows["assigned_at"])
        & (rows["arm"] == rows["assigned_arm"])
        & ~rows["two_arms"]
    )
    return rows.mutate(counts=counts.fill_null(False))


def _first_time(
    rule: CompletionRule, rows: ibis.Table, now: datetime.datetime, channels: Mapping[str, str]
) -> ibis.Value:
    """When the event of a rule first happened to each customer."""
    import ibis

    meant = rows["event"] == rule.after
    if rule.arm:
        meant &= rows["arm"] == rule.arm
    if rule.link:
        meant &= rows["link"] == rule.link
    if rule.channel:
        meant &= rows["channel"] == rule.channel
    elif rule.of_sending and channels:
        own = ibis.cases(*((rows["arm"] == arm, channel) for arm, channel in channels.items()))
        meant &= (rows["channel"] == own) | rows["channel"].isnull()
    if _at_once(rule):
        time = rows["time"].coalesce(now)
        return (time < now).ifelse(time, now).min(where=meant)
    return rows["time"].min(where=meant & rows["counts"])


def _at_once(rule: CompletionRule) -> bool:
    """Whether it ends contact whatever is wrong with the event that asks for it."""
    return rule.action == STOP and rule.within is None


def _due(
    n: int, rule: CompletionRule, found: ibis.Table, now: datetime.datetime, control: str | None
) -> ibis.Value:
    """When the action of a rule is due, `_never` if it is not to be done; stops end it elsewhere."""
    import ibis

    within = ibis.interval(seconds=round(rule.within.total_seconds())) if rule.within else None
    decided = found[f"after{n}"]
    if rule.unless:
        decided = decided + within
        holds = (decided <= now) & (found[f"unless {rule.unless}"].coalesce(_never()) > decided)
    elif within is not None:
        holds = decided <= found["begun"] + within
    else:
        holds = decided.notnull()
    if rule.action != STOP:
        # What follows on a sending is not done by that same sending.
        later = operator.gt if rule.after == "sent" and not rule.unless else operator.ge
        holds &= ~later(found[f"done {rule.action}"], decided).fill_null(False)
        if control is not None:
            holds &= found["arm"] != control
    due = decided + ibis.interval(seconds=round(rule.delay.total_seconds()))
    return holds.fill_null(False).ifelse(due, _never())


def _told(found: ibis.Table, chosen: list[CompletionRule]) -> ibis.Table:
    """The rows with something to do, and the rule that says so: of those due at that time the first."""
    import ibis

    found = found.filter(found["due"] < _never())

    def of_rule(what: Callable[[int, CompletionRule], Any]) -> ibis.Value:
        said = ((found[f"due{n}"] == found["due"], what(n, rule)) for n, rule in enumerate(chosen))
        # Without a rule there is no row.
        return ibis.cases((found["due"] < found["due"], what(0, _NO_RULE)), *said)

    return found.select(
        "customer_id",
        "arm",
        action=of_rule(lambda n, rule: rule.action),
        due="due",
        rule=of_rule(lambda n, rule: n + 1).cast("int64"),
        why=of_rule(lambda n, rule: rule.title),
        event=of_rule(lambda n, rule: rule.after),
        event_time=of_rule(lambda n, rule: found[f"after{n}"] if chosen else found["due"]),
    )


def check_events(
    events: Log | Sequence[Log], campaign: Campaign | str | None, as_of: Day | datetime.datetime
) -> pd.DataFrame:
    """How many rows of a log count, and why the others are set aside: none is lost.

    Parameters
    ----------
    events, as_of
        As `next_actions` takes them.
    campaign
        The campaign or its id; None if the log has but one.

    Returns
    -------
    DataFrame
        One row for each of `FATES`, in their order: `fate`, `rows` and `customers` (who have such a
        row). Each row of the log has one of them, the first that applies. Rows are the same
        event if all columns that rules read are equal. What has no time is set aside by rules alone, which
        ask for times: the funnel and the monitor count it.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame({"customer_id": "a", "event": ["assigned", "clicked", "clicked"], "arm": "offer",
    ...                     "time": pd.to_datetime(["2025-04-15", "2025-04-16", "2025-04-16"])})
    >>> found = check_events(log, None, "2025-04-17")
    >>> found[found["rows"] > 0].values.tolist()
    [['seen before', 1, 1], ['counts', 2, 1]]
    """
    import ibis
    import pandas as pd

    now = _moment(as_of)
    campaign_id = campaign.campaign_id if isinstance(campaign, Campaign) else campaign
    table = _log(events, campaign_id)
    # The same event is one row, which knows how often it was seen.
    rows = _with_assignments(table.group_by(*_COLUMNS).agg(seen=table.count()), now)
    why = (
        rows["customer_id"].isnull(), rows["time"].isnull(), rows["time"] > now, rows["assigned_at"].isnull(),
        rows["two_arms"], ~rows["arm"].identical_to(rows["assigned_arm"]), rows["time"] < rows["assigned_at"],
    )  # fmt: skip
    rows = rows.mutate(fate=ibis.cases(*zip(why, FATES[1:-1], strict=True), else_=FATES[-1]))
    again = rows.filter(rows["seen"] > 1)
    once = rows.group_by("fate").agg(rows=rows.count(), customers=rows["customer_id"].nunique())
    more = again.aggregate(
        rows=(again["seen"] - 1).sum().fill_null(0), customers=again["customer_id"].nunique()
    )
    counted = collect(
        once.union(more.select(fate=ibis.literal(FATES[0]), rows="rows", customers="customers"))
    )
    counted = counted.set_index("fate").reindex(FATES, fill_value=0)
    return pd.DataFrame(counted).astype("int64").rename_axis("fate").reset_index()
