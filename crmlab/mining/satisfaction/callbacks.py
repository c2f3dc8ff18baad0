"""Customers to call back: who waits for an answer, and who lately said that something went wrong."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.engine import as_table, collect, need_columns, need_numbers, need_times
from crmlab.errors import ParameterError
from crmlab.mining.satisfaction.counts import unhappy
from crmlab.mining.satisfaction.tickets import ticket_summary

if TYPE_CHECKING:
    from crmlab.engine import Log

#: Why somebody is called, the most pressing first.
REASONS = ("open complaint", "open request", "detractor", "dissatisfied", "hard to get done")


def call_back(
    surveys: Log | None, tickets: Log | None = None, until: Day | None = None, days: int = 30
) -> pd.DataFrame:
    """Known customers whom somebody should call, the most pressing first.

    Whoever has a complaint or request that is still open, and whoever in the last days gave an unhappy
    answer: detractors (0 to 6 of 10), the two lowest boxes of a satisfaction question (the lowest of
    fewer than five), less than the middle of an effort question.

    Parameters
    ----------
    surveys, tickets
        As in the contract; either may be None. Anonymous answers and tickets call nobody.
    until
        First day that does not count; the day after the last answer or ticket if not given.
    days
        How many days an answer is called lately. Open tickets count however old they are.

    Returns
    -------
    DataFrame
        One row per customer: `customer_id`, `reason` (the most pressing of theirs, see `REASONS`),
        `since` (when it was said or asked for; the earliest where there are several of the kind),
        `about` (touch point or topic; missing if not known), `others` (further reasons). Sorted by
        reason, those who wait longest first. ``.attrs["known"]`` is the number of dated answers and of
        tickets of known customers, of which the list is made. Whether they may be contacted is for the
        caller to check.

    Raises
    ------
    ParameterError
        If there are neither answers nor tickets, or the number of days is below 1.
    TableError
        If a column is missing, times are no time stamps, or scores are no numbers.

    Examples
    --------
    >>> answers = pd.DataFrame({"customer_id": ["a", "b"], "metric": "nps", "score": [2.0, 9.0],
    ...     "scale_low": 0.0, "scale_high": 10.0, "touch_point": None,
    ...     "time": pd.to_datetime(["2024-05-02", "2024-05-03"])})
    >>> call_back(answers)[["customer_id", "reason"]].values.tolist()
    [['a', 'detractor']]
    """
    if surveys is None and tickets is None:
        raise ParameterError("A list to call back takes survey answers, tickets, or both.")
    if days < 1:
        raise ParameterError(f"days is a number of days from 1 on, not {days!r}.")
    logs = {"Survey answers": (surveys, "surveys"), "Tickets": (tickets, "tickets")}
    for what, (log, where) in logs.items():
        if log is not None:
            need_times(as_table(log), "time", what, where)
    end = as_day(until, "until") if until is not None else _day_after(surveys, tickets)
    found = []
    if surveys is not None:
        found.append(_unhappy(surveys, end, days))
    if tickets is not None:
        found.append(_waiting(tickets, end))
    known = sum(part.attrs["known"] for part in found)
    table = pd.concat(found, ignore_index=True)
    table["rank"] = table["reason"].map(REASONS.index)
    table = table.sort_values(["rank", "since", "customer_id"], kind="stable")
    kinds = table.groupby("customer_id")["reason"].nunique()
    table = table.drop_duplicates("customer_id")
    table["others"] = table["customer_id"].map(kinds).astype("int64") - 1
    table = table[["customer_id", "reason", "since", "about", "others"]].reset_index(drop=True)
    table.attrs = {"known": known}
    return table


def _day_after(*logs: Log | None) -> datetime.date:
    tables = [as_table(log) for log in logs if log is not None]
    last = [table["time"].cast("date").max().to_pyarrow().as_py() for table in tables]
    known = [day for day in last if day is not None]
    return max(known, default=datetime.date.min) + datetime.timedelta(days=1)


def _unhappy(surveys: Log, end: datetime.date, days: int) -> pd.DataFrame:
    table = as_table(surveys)
    need_columns(table, ("customer_id", "metric", "score", "scale_low", "scale_high", "time"),
                 "Survey answers", "surveys")  # fmt: skip
    need_numbers(table, ("score", "scale_low", "scale_high"), "the surveys", "surveys")
    start = end - datetime.timedelta(days=days) if end > datetime.date.min + datetime.timedelta(days) else end
    day = table["time"].cast("date")
    said = table.filter(table["customer_id"].notnull() & table["score"].notnull() & (day < end))
    lately = said.filter(said["time"].cast("date") >= start)
    if "respondent" in table.columns:
        lately = lately.filter(lately["respondent"].fill_null("external") != "internal")
    about = [name for name in ("touch_point",) if name in table.columns]
    columns = ["customer_id", "metric", "score", "scale_low", "scale_high", "time", *about]
    answers = collect(lately.select(*columns), key=columns)
    answers["reason"] = unhappy(answers)
    told = answers[answers["reason"].notna()].rename(columns={"time": "since"})
    told["about"] = told["touch_point"] if about else None
    told = told[["customer_id", "reason", "since", "about"]]
    told.attrs = {"known": said.count().to_pyarrow().as_py()}
    return told


def _waiting(tickets: Log, end: datetime.date) -> pd.DataFrame:
    summary = ticket_summary(tickets, until=end)
    waiting = summary[summary["open"].astype(bool) & summary["customer_id"].notna()]
    kind = waiting["kind"] if "kind" in waiting else pd.Series("request", index=waiting.index)
    kept = kind.fillna("request").isin(["complaint", "request", "question"])
    waiting, kind = waiting[kept], kind[kept]
    reason = np.where(kind == "complaint", "open complaint", "open request")
    about = waiting.get("topic")
    table = pd.DataFrame({"customer_id": waiting["customer_id"], "reason": reason,
                          "since": waiting["opened_at"], "about": about})  # fmt: skip
    table.attrs = {"known": int(summary["customer_id"].notna().sum())}
    return table
