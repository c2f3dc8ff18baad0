"""Requests and complaints from their log: the statuses of each in order, and one row per ticket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.engine import as_table, collect, need_columns, need_times
from crmlab.errors import ParameterError, TableError, did_you_mean, listed
from crmlab.mining.methods.business_hours import BusinessHours, business_hours_between
from crmlab.tables import table as contract_table

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

#: The statuses of the contract, in which order those of one moment are taken.
STATUSES = tuple(contract_table("tickets")["status"].allowed)
DONE = ("resolved", "closed")
_ANSWERS = ("answered", *DONE)
#: What is told of a ticket: the first value given, or the last.
_FIRST = ("customer_id", "kind", "topic", "channel")
_LAST = ("priority", "department", "staff_id")

#: What may be wrong with a log, and whether rows or tickets are left out for it.
FAULTS = {
    "no ticket": True,
    "no time": True,
    "unknown status": True,
    "ends with an unknown status": True,
    "closed before opened": True,
    "no opened row": False,
    "rows before it was opened": False,
}


def ticket_faults(tickets: Log, until: Day | None = None) -> pd.DataFrame:
    """What is wrong with the log of tickets: each fault of each ticket.

    Rows without a ticket, a time or a known status are left out of every figure, and so are tickets
    closed or resolved before they were opened. A ticket without an opened row counts from its first
    row, one with rows before that from its opened row. One that ends with an unknown status keeps the
    status before: it may be open here and closed in truth.

    Parameters
    ----------
    tickets
        One row per status that a ticket took, as in the contract: `ticket_id`, `time`, `status`.
    until
        First day that counts no more.

    Returns
    -------
    DataFrame
        `ticket_id`, `fault` (``"no ticket"``, ``"no time"``, ``"unknown status"``, ``"ends with an
        unknown status"``, ``"closed before opened"``, ``"no opened row"``, ``"rows before it was
        opened"``), `rows` (how many have it), `left_out` (whether these rows, or the ticket, are left
        out).

    Examples
    --------
    >>> log = pd.DataFrame({"ticket_id": ["a", "a", "b"], "status": ["opened", "closed", "lost"],
    ...     "time": pd.to_datetime(["2024-01-02", "2024-01-01", "2024-01-01"])})
    >>> ticket_faults(log)[["ticket_id", "fault"]].values.tolist()
    [['a', 'closed before opened'], ['b', 'unknown status']]
    """
    rows = _rows(tickets, until)
    of = rows["ticket_id"].notnull()
    timed, known = of & rows["time"].notnull(), rows["status"].isin(STATUSES).fill_null(False)
    good = timed & known
    is_opened = good & (rows["status"] == "opened")
    is_done = good & rows["status"].isin(DONE)
    marked = rows.select("ticket_id", "time", good=good, is_opened=is_opened, is_done=is_done,
                         untimed=of & ~timed, odd=timed & ~known)  # fmt: skip
    opened = marked["time"].min(where=marked["is_opened"])
    known = marked["time"].max(where=marked["good"])
    marked = marked.mutate(opened=opened.over(_by_ticket()), known=known.over(_by_ticket()))
    after = (marked["odd"] & (marked["time"] > marked["known"])).fill_null(False)
    early = (marked["time"] < marked["opened"]).fill_null(False)
    each = marked.group_by("ticket_id").agg(
        rows=marked.count(), good=marked["good"].sum(), untimed=marked["untimed"].sum(),
        odd=marked["odd"].sum(), after=after.sum(), begins=marked["is_opened"].any(),
        ends_early=(marked["is_done"] & early).any(), early=(marked["good"] & early).sum(),
    )  # fmt: skip
    sound = (each["good"] == each["rows"]) & each["begins"] & (each["early"] == 0)
    each = collect(each.filter(~sound | each["ticket_id"].isnull()), key="ticket_id")
    lost = each["ticket_id"].isna()
    begins, ends_early = (each[flag].astype(bool) for flag in ("begins", "ends_early"))
    good = each["good"].astype(int)
    counts = {
        "no ticket": each["rows"].where(lost, 0),
        "no time": each["untimed"],
        "unknown status": each["odd"],
        "ends with an unknown status": each["after"].where(~ends_early, 0),
        "closed before opened": good.where(ends_early, 0),
        "no opened row": good.where(~begins, 0),
        "rows before it was opened": each["early"].where(~ends_early, 0),
    }
    parts = [
        pd.DataFrame({"ticket_id": each["ticket_id"], "fault": fault, "rows": number.astype("int64"),
                      "left_out": FAULTS[fault]})[number > 0]
        for fault, number in counts.items()
    ]  # fmt: skip
    return pd.concat(parts).sort_values("ticket_id", kind="stable", ignore_index=True)


def _by_ticket(**bounds: object) -> object:
    import ibis

    return ibis.window(group_by="ticket_id", **bounds)


def _rows(tickets: Log, until: Day | None) -> ibis.Table:
    """The log before a day; rows without a time stay, for they have to be counted."""
    table = as_table(tickets)
    need_columns(table, ("ticket_id", "time", "status"), "Tickets", "tickets")
    need_times(table, "time", "Tickets", "tickets")
    table = table.mutate(time=table["time"].cast("timestamp"))
    if until is not None:
        end = pd.Timestamp(as_day(until, "until"))
        table = table.filter(table["time"].isnull() | (table["time"] < end))
    return table


def status_rows(tickets: Log, until: Day | None = None, columns: Sequence[str] = ()) -> ibis.Table:
    """The rows that count, each ticket's in order of time, those of one moment in order of `STATUSES`.

    Parameters
    ----------
    columns
        Further columns to keep.

    Returns
    -------
    ibis.Table
        `ticket_id`, `time`, `status`, `place` (from 0), `before` (the status before, missing for the
        first), `next_time`, `done` and `was_done` (resolved or closed, now and before), `for_good`
        (whether it stays so), `begun` (when the ticket was opened), `unopened` (whether nothing says
        so), `moved` (whether the staff member or the department, where these are among the columns,
        is another than before), and `columns`.
    """
    rows = ordered_rows(tickets, until, columns)
    return rows.filter(~rows["backwards"])


def ordered_rows(tickets: Log, until: Day | None = None, columns: Sequence[str] = ()) -> ibis.Table:
    """As `status_rows`, with the rows of tickets that end before they begin, marked `backwards`."""
    import ibis

    rows = _rows(tickets, until)
    need_columns(rows, columns, "Tickets", "tickets")
    rows = rows.filter(rows["ticket_id"].notnull(), rows["time"].notnull(), rows["status"].isin(STATUSES))
    rows = rows.select("ticket_id", "time", "status", *dict.fromkeys(columns))
    status, time, done = rows["status"], rows["time"], rows["status"].isin(DONE)
    # Equal rows are told apart by what else they say, so that each run counts alike. All that looks
    # along a ticket does so in one order, for which the engine sorts once.
    rank = status.cases(*((name, place) for place, name in enumerate(STATUSES)))
    order = [time, rank, *(rows[name] for name in dict.fromkeys(columns))]
    along = _by_ticket(order_by=order)
    earlier = _by_ticket(order_by=order, preceding=(None, 1))
    later = _by_ticket(order_by=order, following=(0, None))
    moved = [(rows[name].last().over(earlier) != rows[name]).fill_null(False)
             for name in ("staff_id", "department") if name in columns]  # fmt: skip
    opened, ended = time.min(where=status == "opened").over(along), time.min(where=done).over(along)
    before = status.lag().over(along)
    return rows.select(
        "ticket_id", "time", "status", *dict.fromkeys(columns), done=done,
        begun=opened.fill_null(time.min().over(along)), unopened=opened.isnull(),
        backwards=(ended < opened).fill_null(False),
        place=ibis.row_number().over(along), next_time=time.lead().over(along),
        before=before, was_done=before.isin(DONE).fill_null(False),
        for_good=~(~done).any().over(later), moved=reduce(or_, moved, ibis.literal(False)),
    )  # fmt: skip


def ticket_summary(
    tickets: Log,
    until: Day | None = None,
    calendar: BusinessHours | None = None,
    ended_by: Sequence[str] = DONE,
    keep: Sequence[str] | Mapping[str, Literal["first", "last"]] = (),
    watched: Literal["log", "ticket"] = "log",
) -> pd.DataFrame:
    """One row per request or complaint: when it was opened, answered, resolved, and how often it came back.

    Rows may be in any order. What is wrong with them is counted (see `ticket_faults`).

    Parameters
    ----------
    tickets
        One row per status that a ticket took, as in the contract.
    until
        First day that counts no more; what is not resolved by then is open. The last moment of the
        log if not given.
    calendar
        Count hours of work only; hours of the clock if not given.
    ended_by
        Statuses that resolve a ticket, ``("resolved", "closed")`` or one of them.
    keep
        Further columns of the log, of which each ticket keeps the last value given, or as said:
        ``{"severity": "first"}``.
    watched
        Until when a ticket that is still open is known to be so: the end of the log (``"log"``), or
        its own last row (``"ticket"``), for logs from which tickets drop out without a word.

    Returns
    -------
    DataFrame
        Sorted by `ticket_id`. Of the contract's columns those that the log has: `customer_id`, `kind`,
        `topic`, `channel` as first given, `priority`, `department`, `staff_id` as last given. `status`
        (the last), `opened_at`, `resolved_at` (first). In hours: `first_response` (until it was first
        answered, resolved or closed), `resolution` (until it was first resolved), `resolution_for_good`
        (until it was resolved without coming back), `waiting` (spent waiting), `age` (until the end of
        watching); missing where it has not come to that. `resolved` (whether it ever was), `open`
        (whether its last status is none of resolved and closed), `reopened` (times it came back from
        these, or was said to be reopened), `reassigned` (times it went to another staff member or
        department). ``.attrs``: `unit` (``"hours"`` or ``"business hours"``), `until`, and `faults`,
        numbers of tickets by fault, as far as there are any. Rows of an unknown status are left out: a
        ticket that ends with one keeps the status before, and is open if that is; ``"ends with an
        unknown status"`` counts such tickets.

    Raises
    ------
    TableError
        If a column is missing, times are no time stamps, or no status is known.

    Examples
    --------
    >>> log = pd.DataFrame({"ticket_id": ["a", "a", "b"], "status": ["opened", "resolved", "opened"],
    ...     "time": pd.to_datetime(["2024-01-01 08:00", "2024-01-01 14:00", "2024-01-02 08:00"])})
    >>> ticket_summary(log)[["resolution", "age", "resolved"]].values.tolist()
    [[6.0, 24.0, True], [nan, 0.0, False]]
    """
    odd = set(ended_by) - set(STATUSES)
    if isinstance(ended_by, str) or odd or not ended_by:
        given = ended_by if isinstance(ended_by, str) else next(iter(odd), "")
        raise ParameterError(f"ended_by is a list of statuses, not {given!r}{did_you_mean(given, STATUSES)}")
    if not isinstance(keep, Mapping):
        keep = dict.fromkeys([keep] if isinstance(keep, str) else keep, "last")
    if not set(keep.values()) <= {"first", "last"}:
        raise ParameterError("keep says 'first' or 'last' of each column.")
    if watched not in ("log", "ticket"):
        raise ParameterError(f"watched is 'log' or 'ticket', not {watched!r}.")
    table = as_table(tickets)
    given = [name for name in (*_FIRST, *_LAST) if name in table.columns]
    rows = ordered_rows(table, until, (*given, *keep))
    each = collect(_summarise(rows, ended_by, keep), key="ticket_id")
    faults = _count_faults(_rows(table, until), each)
    summary = each[~each["backwards"]].reset_index(drop=True)
    end = pd.Timestamp(as_day(until, "until")) if until is not None else summary["last_at"].max()
    moments = {"first_response": "answered_at", "resolution": "resolved_at",
               "resolution_for_good": "for_good_at"}  # fmt: skip
    for name, moment in moments.items():
        summary[name] = _hours(summary["opened_at"], summary[moment], calendar)
    if calendar is not None:
        rows = rows.filter(rows["status"] == "waiting", rows["next_time"].notnull())
        spells = collect(rows.select("ticket_id", "time", "next_time"), key=["ticket_id", "time"])
        hours = pd.Series(_hours(spells["time"], spells["next_time"], calendar))
        summary["waiting"] = summary["ticket_id"].map(hours.groupby(spells["ticket_id"]).sum()).fillna(0.0)
    last = summary["last_at"] if watched == "ticket" else end
    # Who waits at the end has been waiting since the last row.
    still = _hours(summary["last_at"], last, calendar)
    summary["waiting"] = summary.pop("waiting") + np.where(summary["status"] == "waiting", still, 0.0)
    summary["age"] = _hours(summary["opened_at"], last, calendar)
    summary["resolved"] = summary["resolved_at"].notna()
    summary["open"] = ~summary["status"].isin(DONE)
    for name in ("reopened", "reassigned"):
        summary[name] = summary.pop(name).astype("int64")
    summary.attrs |= _attrs(end, calendar, faults)
    return summary.drop(columns=["last_at", "answered_at", "for_good_at", "backwards", "unopened", "early"])


def _summarise(rows: ibis.Table, ended_by: Sequence[str], keep: Mapping[str, str]) -> ibis.Table:
    """What can be told of each ticket where its rows are."""
    status, time, place = rows["status"], rows["time"], rows["place"]
    ends = status.isin(ended_by)
    answers = status.isin(_ANSWERS) & (time >= rows["begun"])
    came_back = (status == "reopened") | (rows["was_done"] & ~rows["done"])
    spell = rows["next_time"].epoch_seconds() - time.epoch_seconds()
    which = {**dict.fromkeys(_FIRST, "first"), **dict.fromkeys(_LAST, "last"), **keep}
    told = {}
    for name in [name for name in which if name in rows.columns]:
        pick = rows[name].argmin if which[name] == "first" else rows[name].argmax
        told[name] = pick(place, where=rows[name].notnull())
    return rows.group_by("ticket_id").agg(
        **told,
        status=status.argmax(place), opened_at=rows["begun"].min(), last_at=time.max(),
        answered_at=time.min(where=answers), resolved_at=time.min(where=ends),
        for_good_at=time.min(where=ends & rows["for_good"]),
        waiting=spell.sum(where=status == "waiting").fill_null(0) / 3600,
        reopened=came_back.sum(), reassigned=rows["moved"].sum(), backwards=rows["backwards"].any(),
        unopened=rows["unopened"].any(), early=(time < rows["begun"]).any(),
    )  # fmt: skip


def _count_faults(rows: ibis.Table, each: pd.DataFrame) -> dict[str, int]:
    """Tickets by fault (rows of no ticket), those that have any; a log without a known status is refused."""
    of, known = rows["ticket_id"].notnull(), rows["status"].isin(STATUSES).fill_null(False)
    timed = rows["time"].notnull()
    found = rows.agg(**{
        "no ticket": (~of).sum(), "no time": rows["ticket_id"].nunique(where=~timed),
        "unknown status": rows["ticket_id"].nunique(where=timed & ~known),
    })  # fmt: skip
    counts = collect(found).fillna(0).iloc[0].to_dict()
    if not len(each) and counts["unknown status"]:
        said = collect(rows.select("status").distinct())["status"].dropna()
        raise TableError(
            f"No status of the tickets is known: {listed(said, 200) or 'all are missing'}. Known are: "
            f"{listed(STATUSES)}.",
            "tickets", "status", "allowed values",
        )  # fmt: skip
    backwards = each["backwards"]
    if counts["unknown status"]:
        last = rows.filter(of, timed).group_by("ticket_id").agg(
            known=rows["time"].max(where=known), odd=rows["time"].max(where=~known)
        )  # fmt: skip
        ends = collect(last.filter(last["odd"] > last["known"]).select("ticket_id"))["ticket_id"]
        kept = ends.isin(each["ticket_id"][~backwards].tolist())
        counts["ends with an unknown status"] = kept.sum()
    counts |= {"closed before opened": backwards.sum(), "no opened row": each["unopened"].sum(),
               "rows before it was opened": (each["early"] & ~backwards).sum()}  # fmt: skip
    return {fault: int(number) for fault, number in counts.items() if number}


def _attrs(end: pd.Timestamp, calendar: BusinessHours | None, faults: dict[str, int]) -> dict[str, object]:
    return {"unit": "hours" if calendar is None else "business hours", "until": end, "faults": faults}


def _hours(start: pd.Series, end: pd.Series | pd.Timestamp, calendar: BusinessHours | None) -> np.ndarray:
    if calendar is not None:
        return business_hours_between(start, end, calendar)
    return ((end - start) / np.timedelta64(1, "h")).to_numpy(dtype=float, na_value=np.nan)


def summary_from_times(
    tickets: pd.DataFrame,
    opened: str = "opened_at",
    resolved: str = "resolved_at",
    until: Day | None = None,
    calendar: BusinessHours | None = None,
) -> pd.DataFrame:
    """The same durations for a table that has one row per ticket with its times in columns.

    Parameters
    ----------
    tickets
        One row per ticket.
    opened, resolved
        Names of its columns of time stamps; one that is not resolved has no second one.
    until, calendar
        As `ticket_summary` takes them; the last moment in the columns if no day is given.

    Returns
    -------
    DataFrame
        The rows of `tickets` with `opened_at`, `resolved_at`, `resolution`, `age` and `resolved` as
        `ticket_summary` has them. Those without a time of opening, or resolved before it, are left out;
        ``.attrs["faults"]`` has their numbers.

    Examples
    --------
    >>> each = pd.DataFrame({"opened_at": pd.to_datetime(["2024-01-01", "2024-01-02"]),
    ...     "resolved_at": pd.to_datetime(["2024-01-03", None])})
    >>> summary_from_times(each)["resolution"].tolist()
    [48.0, nan]
    """
    need_columns(tickets, (opened, resolved), "Tickets")
    for name in (opened, resolved):
        if not pd.api.types.is_datetime64_any_dtype(tickets[name]):
            raise TableError(
                f"Tickets need time stamps in {name}; read them with pandas.to_datetime.", "", name, "type"
            )
    begun, ended = tickets[opened], tickets[resolved]
    if until is not None:
        end = pd.Timestamp(as_day(until, "until"))
        ended = ended.where(ended < end)
    else:
        end = max(begun.max(), ended.max()) if ended.notna().any() else begun.max()
    backwards, unopened = ended < begun, begun.isna()
    keep = ~(backwards | unopened | (begun > end))
    begun, ended = begun[keep], ended[keep]
    summary = tickets[keep].assign(
        opened_at=begun, resolved_at=ended, resolution=_hours(begun, ended, calendar),
        age=_hours(begun, end, calendar), resolved=ended.notna(),
    )  # fmt: skip
    counts = {"closed before opened": int(backwards.sum()), "no time": int(unopened.sum())}
    summary.attrs |= _attrs(end, calendar, {fault: n for fault, n in counts.items() if n})
    return summary
