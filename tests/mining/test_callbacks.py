"""Whom to call back: by hand, and on the sample."""

import pandas as pd
import pytest

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.satisfaction import call_back, ticket_summary
from crmlab.mining.satisfaction.callbacks import REASONS

ANSWERS = pd.DataFrame(
    [("a", "nps", 6, 0, 10, "2024-05-01"), ("b", "nps", 7, 0, 10, "2024-05-02"),
     ("c", "csat", 2, 1, 5, "2024-05-02"), ("d", "csat", 3, 1, 5, "2024-05-02"),
     ("e", "ces", 3, 1, 7, "2024-05-02"), ("f", "ces", 4, 1, 7, "2024-05-02"),
     ("g", "csat", 0, 0, 1, "2024-05-02"), ("h", "nps", 0, 0, 10, "2024-04-01"),
     (None, "nps", 0, 0, 10, "2024-05-02"), ("c", "nps", 1, 0, 10, "2024-05-03")],
    columns=["customer_id", "metric", "score", "scale_low", "scale_high", "time"],
).assign(time=lambda t: pd.to_datetime(t["time"]), respondent="external")  # fmt: skip
TICKETS = pd.DataFrame(
    [("1", "z", "2024-01-01", "opened", "complaint"), ("2", "y", "2024-05-01", "opened", "request"),
     ("3", "x", "2024-05-01", "opened", "complaint"), ("3", "x", "2024-05-02", "resolved", "complaint"),
     ("4", "w", "2024-05-01", "opened", "praise"), ("5", None, "2024-05-01", "opened", "complaint"),
     ("6", "a", "2024-05-02", "opened", "complaint")],
    columns=["ticket_id", "customer_id", "time", "status", "kind"],
).assign(time=lambda t: pd.to_datetime(t["time"]))  # fmt: skip


def test_who_is_called_and_why_by_hand():
    found = call_back(ANSWERS, TICKETS).set_index("customer_id")
    assert found["reason"].to_dict() == {
        "z": "open complaint", "a": "open complaint", "y": "open request", "c": "detractor",
        "g": "dissatisfied", "e": "hard to get done",
    }  # fmt: skip
    assert found.index.tolist() == ["z", "a", "y", "c", "g", "e"]  # who waits longest first
    assert found["others"].to_dict() == {"z": 0, "a": 1, "y": 0, "c": 1, "g": 0, "e": 0}


def test_one_of_both_tables_will_do():
    assert call_back(ANSWERS).customer_id.tolist() == ["a", "c", "g", "e"]
    assert call_back(None, TICKETS).customer_id.tolist() == ["z", "a", "y"]
    assert call_back(ANSWERS, until="2024-05-02", days=31).customer_id.tolist() == ["h", "a"]
    assert call_back(ANSWERS.assign(respondent="internal")).empty


@pytest.mark.parametrize("call", [lambda: call_back(None), lambda: call_back(ANSWERS, days=0)])
def test_wrong_calls_are_one_sentence(call):
    with pytest.raises(ParameterError, match="takes survey answers, tickets, or both|from 1 on"):
        call()


@pytest.mark.parametrize(
    ("answers", "tickets", "said"),
    [
        (ANSWERS.drop(columns="time"), None, "Survey answers need a column time; there are: customer_id"),
        (None, TICKETS.drop(columns="time"), "Tickets need a column time; there are: ticket_id"),
        (ANSWERS.assign(time="2024-05-01"), None, "Survey answers need time stamps in time, not string"),
        (ANSWERS.assign(score="6"), None, "The column score of the surveys holds text, not numbers"),
    ],
)
def test_tables_that_cannot_be_read_are_one_sentence(answers, tickets, said):
    for until in (None, "2024-05-02"):
        with pytest.raises(TableError, match=said):
            call_back(answers, tickets, until=until)


def test_days_will_do_as_times():
    days = ANSWERS.assign(time=ANSWERS["time"].dt.date)
    assert call_back(days).customer_id.tolist() == ["a", "c", "g", "e"]


def test_everybody_who_waits_in_the_sample_is_called_once():
    sample = crm.sample(customers=400, seed=2, language="fa")
    found = call_back(sample["surveys"], sample["tickets"])
    assert found["customer_id"].is_unique
    assert found["reason"].map(REASONS.index).is_monotonic_increasing
    summary = ticket_summary(sample["tickets"])
    waiting = summary[summary["open"] & summary["kind"].ne("praise")]["customer_id"].dropna()
    assert set(waiting) <= set(found["customer_id"])
