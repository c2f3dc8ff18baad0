"""Requests and complaints: their topics, words and ways through the departments."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.loaders.sample.chance import DAYS, choose, conform, moments, numbered
from crmlab.loaders.sample.contacts import staff_of
from crmlab.loaders.sample.records import filed_under
from crmlab.loaders.sample.words import Words

#: The department planted as the bad one: most complaints, slowest to resolve them.
BAD_DEPARTMENT = "delivery"
_SLOWER = 4.0

#: Complaint topic to its share and the department that has it.
_TOPICS = {
    "late delivery": (0.30, "delivery"), "damaged goods": (0.18, "delivery"),
    "wrong invoice": (0.13, "billing"), "website errors": (0.15, "online"),
    "long waiting": (0.10, "support"), "faulty product": (0.14, "store"),
}  # fmt: skip
_KINDS = {"complaint": 0.42, "request": 0.28, "question": 0.24, "praise": 0.06}
_DEPARTMENTS = {"request": ("support", "billing", "sales"), "question": ("support", "store", "online"),
                "praise": ("store", "support")}  # fmt: skip
_CHANNELS = {"phone": 5, "web": 4, "email": 4, "app": 2, "in_person": 2, "social": 1, "post": 0.3, "fax": 0.2}
_PRIORITIES = {"low": 3, "normal": 8, "high": 3, "urgent": 1}

#: Mean days from one status to the next, in the order in which they come.
_STEPS = {"assigned": 0.3, "answered": 0.8, "waiting": 1.0, "resolved": 1.2, "reopened": 4.0, "closed": 3.0}
_SLOW_STEPS = ("answered", "waiting", "resolved")
_PER_ORDER, _ANONYMOUS = 0.12, 0.06
_MINUTE = 1 / 780


def tickets(
    generator: np.random.Generator,
    orders: pd.DataFrame,
    records: pd.DataFrame,
    staff: pd.DataFrame,
    words: Words,
) -> pd.DataFrame:
    """One row per ticket, some days after an order; strangers have person -1.

    Returns
    -------
    DataFrame
        `ticket_id`, `person`, `customer_id`, `kind`, `subject` (complaint topic planted, missing
        for others), `topic` (product group), `department` (key), `channel`, `priority`,
        `staff_id`, `comment` and the `day` of each status; NaN for those it never takes.
    """
    about = orders[generator.random(len(orders)) < _PER_ORDER]
    day = about["day"].to_numpy() + generator.exponential(5, len(about))
    person = about["person"].to_numpy()[day < DAYS]
    count = len(person) + 2
    person = np.append(person, [-1, -1])
    day = np.append(day[day < DAYS], generator.uniform(0, DAYS, 2))
    person = np.where(generator.random(count) < _ANONYMOUS, -1, person)
    kind = choose(generator, list(_KINDS), count, list(_KINDS.values()))
    shares, responsible = zip(*_TOPICS.values(), strict=True)
    subject = np.where(kind == "complaint", choose(generator, list(_TOPICS), count, shares), None)
    department = pd.Series(subject).map(dict(zip(_TOPICS, responsible, strict=True))).to_numpy(dtype=object)
    for one, departments in _DEPARTMENTS.items():
        rows = kind == one
        department[rows] = choose(generator, departments, rows.sum())
    handler = np.empty(count, dtype=object)
    for one in words.departments:
        rows = department == one
        handler[rows] = choose(generator, staff_of(staff, words, one), rows.sum())
    customer = filed_under(generator, records, np.maximum(person, 0), day)
    frame = pd.DataFrame(
        {
            "person": person,
            "customer_id": np.where(person >= 0, customer, None),
            "kind": kind,
            "subject": subject,
            "topic": choose(generator, list(words.categories.values()), count),
            "department": department,
            "channel": choose(generator, list(_CHANNELS), count, list(_CHANNELS.values())),
            "priority": choose(generator, list(_PRIORITIES), count, list(_PRIORITIES.values())),
            "staff_id": handler,
            "comment": comments(generator, kind, subject, words),
            "day": day,
        }
    )
    frame = pd.concat([frame, _steps(generator, frame)], axis=1).sort_values("day", kind="stable")
    return frame.reset_index(drop=True).assign(ticket_id=numbered("T", count))


def comments(
    generator: np.random.Generator, kind: np.ndarray, subject: np.ndarray, words: Words
) -> np.ndarray:
    """Words of customers: two phrases of the topic of a complaint, one of the kind of others."""
    text = np.empty(len(kind), dtype=object)
    for topic, phrases in words.topics.items():
        rows = np.flatnonzero(subject == topic)
        # Two different places among the phrases.
        first = generator.integers(0, len(phrases), len(rows))
        second = (first + generator.integers(1, len(phrases), len(rows))) % len(phrases)
        opening = choose(generator, words.openings, len(rows))
        closing = np.where(
            generator.random(len(rows)) < 0.5, choose(generator, words.closings, len(rows)), ""
        )
        join = words.joint
        for row, start, one, other, end in zip(rows, opening, first, second, closing, strict=True):
            text[row] = f"{start} {phrases[one]}{join}{phrases[other]}. {end}".rstrip()
    for one, phrases in words.phrases.items():
        rows = kind == one
        text[rows] = choose(generator, phrases, rows.sum())
    return text


def _steps(generator: np.random.Generator, tickets: pd.DataFrame) -> pd.DataFrame:
    """Day of each status; what would happen after the end of the history has not happened yet."""
    count = len(tickets)
    takes = {
        "answered": generator.random(count) < 0.8,
        "waiting": generator.random(count) < 0.25,
        "reopened": generator.random(count) < 0.07,
    }
    slow = np.where(tickets["department"] == BAD_DEPARTMENT, _SLOWER, 1.0)
    speed = tickets["priority"].map({"low": 1.3, "normal": 1.0, "high": 0.7, "urgent": 0.4}).to_numpy()
    now = tickets["day"].to_numpy()
    days = {}
    for status, mean in _STEPS.items():
        scale = mean * speed * (slow if status in _SLOW_STEPS else 1.0)
        later = now + _MINUTE + generator.gamma(1.5, scale / 1.5)
        happens = takes.get(status, np.ones(count, dtype=bool))
        now = np.where(happens, later, now)
        days[status] = np.where(happens & (later < DAYS), later, np.nan)
    # A reopened ticket is resolved once more before it is closed.
    again = (days["reopened"] + days["closed"]) / 2
    days["resolved again"] = again
    return pd.DataFrame(days)


def log_of(tickets: pd.DataFrame, words: Words) -> pd.DataFrame:
    """The contract's tickets: one row per status taken, in the order of time."""
    statuses = ["day", *_STEPS, "resolved again"]
    kept = [name for name in tickets if name not in statuses]
    long = tickets.melt(id_vars=kept, value_vars=statuses, var_name="status", value_name="at")
    long = long.dropna(subset="at").sort_values(["at", "ticket_id"], kind="stable")
    opened = long["status"] == "day"
    frame = long.assign(
        status=long["status"].replace({"day": "opened", "resolved again": "resolved"}),
        time=moments(long["at"].to_numpy()),
        department=long["department"].map(words.departments),
        staff_id=long["staff_id"].where(~opened),
        comment=long["comment"].where(opened),
    )
    return conform(frame, "tickets")


def truth(tickets: pd.DataFrame, words: Words) -> dict[str, pd.DataFrame]:
    """What was planted: the topic of each complaint, and each department's burden and speed.

    `days_to_resolution` are days of opening hours, missing for tickets still open at the end.
    """
    names = tickets["department"].map(words.departments)
    each = pd.DataFrame(
        {
            "ticket_id": tickets["ticket_id"],
            "topic": tickets["subject"],
            "department": names,
            "days_to_resolution": (tickets["resolved"] - tickets["day"]).round(4),
        }
    )
    by_department = each.groupby("department", sort=False)
    departments = pd.DataFrame(
        {
            "department": list(words.departments.values()),
            "bad": [key == BAD_DEPARTMENT for key in words.departments],
        }
    )
    departments["complaints"] = (
        departments["department"].map(by_department["topic"].count()).fillna(0).astype("int64")
    )
    departments["median_days_to_resolution"] = departments["department"].map(
        by_department["days_to_resolution"].median().round(4)
    )
    complaints = each[each["topic"].notna()]
    return {"tickets": complaints[["ticket_id", "topic"]].reset_index(drop=True), "departments": departments}
