"""The way of requests and complaints: how many come in and go out, by what ways, and how often at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd

from crmlab.calendars import Day, as_day, period_starts
from crmlab.engine import add_period, as_table, collect, need_columns
from crmlab.errors import ParameterError
from crmlab.mining.methods.intervals import Estimate, poisson
from crmlab.mining.satisfaction.tickets import status_rows

if TYPE_CHECKING:
    from crmlab.engine import Log

#: What a customer is told of each status.
CUSTOMER_STATUS = {
    "opened": "received",
    "assigned": "being worked on",
    "waiting": "on hold",
    "answered": "answered",
    "resolved": "solved",
    "reopened": "being worked on again",
    "closed": "closed",
}
#: Between the statuses of a way.
ARROW = " > "


class StatusPaths(NamedTuple):
    """Which ways tickets take; see `status_paths`."""

    transitions: pd.DataFrame
    paths: pd.DataFrame


def backlog(
    tickets: Log,
    period: Literal["W", "M", "Q", "Y"] = "M",
    calendar: str = "gregorian",
    until: Day | None = None,
) -> pd.DataFrame:
    """Tickets opened, resolved, come back, and open at the end, by period.

    Parameters
    ----------
    tickets
        One row per status that a ticket took, as in the contract.
    period
        ``"W"``, ``"M"``, ``"Q"`` or ``"Y"``.
    calendar
        Whose periods: ``"gregorian"`` or ``"jalali"``.
    until
        First day that counts no more.

    Returns
    -------
    DataFrame
        `period` (its first day), `opened`, `reopened` (went from resolved or closed to another status),
        `resolved` (went to resolved or closed, each time), `open` (at the end of the period, or of the
        log). Every period from the first to the last row has its row; no rows, no periods.

    Examples
    --------
    >>> log = pd.DataFrame({"ticket_id": ["a", "a", "b"], "status": ["opened", "closed", "opened"],
    ...     "time": pd.to_datetime(["2024-01-09", "2024-02-01", "2024-02-05"])})
    >>> backlog(log)[["opened", "resolved", "open"]].values.tolist()
    [[1, 0, 1], [1, 1, 1]]
    """
    rows = status_rows(tickets, until)
    rows = rows.mutate(
        _day=rows["time"].date(), opened=rows["place"] == 0, reopened=rows["was_done"] & ~rows["done"],
        resolved=rows["done"] & ~rows["was_done"],
    )  # fmt: skip
    rows = add_period(rows, "_day", period, calendar)
    counts = ("opened", "reopened", "resolved")
    each = collect(rows.group_by("period").agg(**{name: rows[name].sum() for name in counts}), key="period")
    if len(each):
        days = (each["period"].iloc[0].date(), each["period"].iloc[-1].date())
        starts = pd.DatetimeIndex(np.unique(period_starts(*days, period, calendar)[1]))
        each = each.set_index("period").reindex(starts.astype(each["period"].dtype), fill_value=0)
        each = each.rename_axis("period").reset_index()
    each = each.astype(dict.fromkeys(counts, "int64"))
    return each.assign(open=(each["opened"] + each["reopened"] - each["resolved"]).cumsum())


def status_paths(tickets: Log, until: Day | None = None) -> StatusPaths:
    """From which status tickets go to which, how long that takes, and the whole ways they take.

    Parameters
    ----------
    tickets
        One row per status that a ticket took, as in the contract. A status repeated at once counts
        as one.
    until
        First day that counts no more.

    Returns
    -------
    StatusPaths
        `transitions`: `status`, `next`, `count`, `share` (of those that left `status`), `median_hours`
        (from taking the one to taking the other), the most frequent first. `paths`: `path` (the
        statuses in order, with `` > `` between), `tickets`, `share` (of all), `median_hours` (from the
        first status to the last, 0 for one), the most frequent first.

    Examples
    --------
    >>> log = pd.DataFrame({"ticket_id": ["a", "a", "b"], "status": ["opened", "closed", "opened"],
    ...     "time": pd.to_datetime(["2024-01-09", "2024-01-10", "2024-02-05"])})
    >>> status_paths(log).transitions.values.tolist()
    [['opened', 'closed', 1, 1.0, 24.0]]
    """
    import ibis

    rows = status_rows(tickets, until)
    changes = rows.filter(rows["before"].isnull() | (rows["before"] != rows["status"]))
    along = ibis.window(group_by="ticket_id", order_by=changes["place"])
    steps = changes.select(
        "ticket_id", "time", "status", "place", next=changes["status"].lead().over(along),
        next_time=changes["time"].lead().over(along),
    )  # fmt: skip
    gone = steps.filter(steps["next"].notnull())
    hours = (gone["next_time"].epoch_seconds() - gone["time"].epoch_seconds()) / 3600
    found = collect(gone.group_by("status", "next").agg(count=gone.count(), median_hours=hours.median()))
    share = found["count"] / found.groupby("status")["count"].transform("sum")
    found.insert(3, "share", share.astype(float))
    found = found.sort_values(["count", "status", "next"], ascending=[False, True, True], ignore_index=True)
    each = steps.group_by("ticket_id").agg(
        path=steps["status"].group_concat(ARROW, order_by=steps["place"]),
        hours=(steps["time"].max().epoch_seconds() - steps["time"].min().epoch_seconds()) / 3600,
    )  # fmt: skip
    paths = collect(each.group_by("path").agg(tickets=each.count(), median_hours=each["hours"].median()))
    paths.insert(2, "share", (paths["tickets"] / max(paths["tickets"].sum(), 1)).astype(float))
    paths = paths.sort_values(["tickets", "path"], ascending=[False, True], ignore_index=True)
    return StatusPaths(found[["status", "next", "count", "share", "median_hours"]], paths)


def status_for_customer(tickets: Log, ticket_id: str | None = None, until: Day | None = None) -> pd.DataFrame:
    """What each customer would see as the status of the request: no names of staff or departments.

    Parameters
    ----------
    tickets
        One row per status that a ticket took, as in the contract.
    ticket_id
        One ticket; all of them if not given.
    until
        First day that counts no more: what would have been seen at its beginning.

    Returns
    -------
    DataFrame
        Sorted by `ticket_id`: `received` (when it was opened), `status` (``"received"``, ``"being
        worked on"``, ``"on hold"``, ``"answered"``, ``"solved"``, ``"being worked on again"``,
        ``"closed"``), `since`. A ticket that came back and is worked on is so again.

    Raises
    ------
    ParameterError
        If there is no ticket of this id that can be read.

    Examples
    --------
    >>> log = pd.DataFrame({"ticket_id": ["a", "a"], "status": ["opened", "resolved"],
    ...     "time": pd.to_datetime(["2024-01-09", "2024-01-10"])})
    >>> status_for_customer(log, "a")["status"].tolist()
    ['solved']
    """
    table = as_table(tickets)
    if ticket_id is not None:
        need_columns(table, ("ticket_id",), "Tickets", "tickets")
        table = table.filter(table["ticket_id"] == ticket_id)
    rows = status_rows(table, until)
    # Repeated statuses have been taken since the first of them.
    new = rows["before"].isnull() | (rows["before"] != rows["status"])
    each = rows.group_by("ticket_id").agg(
        received=rows["begun"].min(), status=rows["status"].argmax(rows["place"]),
        since=rows["time"].max(where=new), again=rows["was_done"].any(),
    )  # fmt: skip
    each = collect(each, key="ticket_id")
    if ticket_id is not None and each.empty:
        raise ParameterError(f"There is no ticket {ticket_id!r} in the log that can be read.")
    again = each.pop("again").astype(bool) & (each["status"] == "assigned")
    status = each["status"].map(CUSTOMER_STATUS).mask(again, CUSTOMER_STATUS["reopened"])
    return each.assign(status=status.astype("str"))


def complaint_rate(
    tickets: Log,
    services: Log | int | Mapping[str, int],
    by: str | None = None,
    since: Day | None = None,
    until: Day | None = None,
    level: float = 0.95,
) -> Estimate | pd.DataFrame:
    """Complaints per hundred services.

    Parameters
    ----------
    tickets
        One row per status that a ticket took; those of kind ``"complaint"`` count once, when they were
        opened.
    services
        What was done for customers: a number, numbers by group, or a table of which each `order_id`
        (each row, if it has none) is one, such as order lines.
    by
        Column to group by, which both tables have, such as ``"channel"``.
    since, until
        First day that counts and first day that counts no more, of tickets and of tables of services.

    Returns
    -------
    Estimate or DataFrame
        Complaints per hundred services with the exact interval of a Poisson count (see
        `crmlab.mining.methods.poisson`); `n` is the number of services. With `by`: a row for each of its
        values, the highest rate first: `complaints`, `services`, `rate`, `low`, `high`, which are missing
        where there are no services. ``.attrs["left_out"]``: complaints without a value of `by`.

    Raises
    ------
    ParameterError
        If there are no services, or their numbers do not fit `by`.

    Examples
    --------
    >>> log = pd.DataFrame({"ticket_id": ["a"], "status": ["opened"], "kind": ["complaint"],
    ...     "time": pd.to_datetime(["2024-01-09"])})
    >>> print(complaint_rate(log, 50))
    2 (95% interval 0.05064 to 11.14, n=50)
    """
    counted = hasattr(services, "columns")
    wanted = Mapping if by else int | float | np.number
    if not (counted or isinstance(services, wanted)):
        raise ParameterError("services is a number, numbers by group (with by=), or a table.")
    rows = status_rows(tickets, until, ("kind", *([by] if by else [])))
    if since is not None:
        rows = rows.filter(rows["begun"].date() >= as_day(since, "since"))
    rows = rows.filter((rows["kind"] == "complaint").fill_null(False))
    group = {by: rows[by].argmin(rows["place"], where=rows[by].notnull())} if by else {}
    each = rows.group_by("ticket_id").agg(n=rows.count(), **group)
    if by is None:
        complaints = int(each.count().to_pyarrow().as_py())
        number = int(_count(services, since, until).sum()) if counted else services
        if not number > 0:
            raise ParameterError("There are no services to set the complaints against.")
        rate, low, high = (100 * float(part) / number for part in (complaints, *poisson(complaints, level)))
        return Estimate(rate, low, high, int(number), level)
    complaints = collect(each.group_by(by).agg(complaints=each.count())).set_index(by)["complaints"]
    number = _count(services, since, until, by) if counted else pd.Series(services, name="services")
    table = pd.concat([complaints[complaints.index.notna()], number[number.index.notna()]], axis=1)
    table = table.fillna(0).astype("int64")
    if not table["services"].any():
        raise ParameterError("There are no services to set the complaints against.")
    number = table["services"].where(table["services"] > 0).astype(float)
    low, high = poisson(table["complaints"], level)
    table = table.assign(rate=100 * table["complaints"] / number, low=100 * low / number,
                         high=100 * high / number).rename_axis(by).reset_index()  # fmt: skip
    table = table.sort_values(["rate", by], ascending=[False, True], ignore_index=True)
    table.attrs["left_out"] = int(complaints[complaints.index.isna()].sum())
    return table


def _count(services: Log, since: Day | None, until: Day | None, by: str | None = None) -> pd.Series:
    """Services in a table, counted where it is."""
    table = as_table(services)
    dated = since is not None or until is not None
    need_columns(table, [*([by] if by else []), *(["time"] if dated else [])], "Services")
    if since is not None:
        table = table.filter(table["time"].date() >= as_day(since, "since"))
    if until is not None:
        table = table.filter(table["time"].date() < as_day(until, "until"))
    count = table["order_id"].nunique() if "order_id" in table.columns else table.count()
    if by is None:
        return collect(table.agg(services=count))["services"]
    return collect(table.group_by(by).agg(services=count)).set_index(by)["services"]
