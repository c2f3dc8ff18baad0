"""Completion rules against a row-by-row reference, in any order, in pieces, with repetitions."""

import datetime
import os
import subprocess
import sys

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_rules import plain_actions

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.campaigns import FATES, Arm, Campaign, CompletionRule, check_events, next_actions

DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)
START = datetime.datetime(2025, 4, 15, 9)
AS_OF = datetime.datetime(2025, 4, 25)
CALL = CompletionRule("clicked", "phone", 3 * DAY, link="B", delay=4 * HOUR)
POST = CompletionRule("bounced", "post")
REMIND = CompletionRule("sent", "sms", 3 * DAY, unless="opened")
STOP = CompletionRule("unsubscribed", "stop")
RULES = (CALL, POST, REMIND, STOP)


def campaign(*rules) -> Campaign:
    return Campaign(
        "M1", "Spring", "", "all", datetime.date(2025, 4, 15), datetime.date(2025, 5, 12), "EUR", 2,
        (Arm("a", "email", 0.4), Arm("b", "app", 0.4)), "control", 0.2, rules=rules,
    )  # fmt: skip


def log(*rows, customer="c1", arm="a") -> pd.DataFrame:
    """Events as (name, hours after the start, further columns)."""
    columns = {"campaign_id": "M1", "customer_id": customer, "arm": arm, "channel": None, "link": None}
    cells = [{"event": event, "time": None if hours is None else START + hours * HOUR} | dict(*rest)
             for event, hours, *rest in rows]  # fmt: skip
    frame = pd.DataFrame([columns | row for row in cells])
    texts = dict.fromkeys(["campaign_id", "customer_id", "arm", "channel", "link", "event"], "str")
    return frame.astype(texts | {"time": "datetime64[us]"})


ASSIGNED = ("assigned", 0)
SENT = ("sent", 1, {"channel": "email"})
CLICK = ("clicked", 5, {"link": "B", "channel": "email"})


def told(frame: pd.DataFrame) -> list[tuple]:
    return list(frame.itertuples(index=False, name=None))


def one(frame, rules=RULES, as_of=AS_OF):
    """Action, hours until it is due and number of the rule of the only customer."""
    found = next_actions(frame, campaign(*rules), as_of)
    assert len(found) <= 1
    return [(row.action, (row.due - START) / HOUR, row.rule) for row in found.itertuples()]


# What rules mean, case by case.


def test_what_is_told_of_an_action():
    found = next_actions(log(ASSIGNED, SENT, CLICK), campaign(*RULES), AS_OF)
    assert found.to_dict("records") == [{
        "customer_id": "c1", "arm": "a", "action": "phone", "due": pd.Timestamp(START + 9 * HOUR), "rule": 1,
        "why": "clicked link B within 3 days -> phone after 4 hours", "event": "clicked",
        "event_time": pd.Timestamp(START + 5 * HOUR),
    }]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "rules", "found"),
    [
        ([CLICK], [CALL], [("phone", 9, 1)]),
        ([("clicked", 5, {"link": "A"})], [CALL], []),
        # The window begins with the sending, and with the assignment where nothing was sent.
        ([SENT, ("clicked", 73, {"link": "B"})], [CALL], [("phone", 77, 1)]),
        ([SENT, ("clicked", 73.01, {"link": "B"})], [CALL], []),
        ([("clicked", 72, {"link": "B"})], [CALL], [("phone", 76, 1)]),
        ([("clicked", 72.01, {"link": "B"})], [CALL], []),
        # Waiting for what does not come.
        ([SENT], [REMIND], [("sms", 73, 1)]),
        ([SENT, ("opened", 73)], [REMIND], []),
        ([SENT, ("opened", 73.01)], [REMIND], [("sms", 73, 1)]),
        ([("opened", 0.5), SENT], [REMIND], []),
        # Not decided yet.
        ([("sent", 200, {"channel": "email"})], [REMIND], []),
        # What is done is not told again; the sending that a rule follows on is not its answer.
        ([CLICK, ("sent", 8, {"channel": "phone"})], [CALL], []),
        ([("sent", 4, {"channel": "phone"}), CLICK], [CALL], [("phone", 9, 1)]),
        ([SENT], [CompletionRule("sent", "email", channel="email", delay=DAY)], "loop"),
        ([SENT, ("sent", 80, {"channel": "sms"})], [REMIND], []),
        # Only what bounced through the arm's own channel, or through one that is not recorded.
        ([("bounced", 2, {"channel": "email"})], [POST], [("post", 2, 1)]),
        ([("bounced", 2)], [POST], [("post", 2, 1)]),
        ([("bounced", 2, {"channel": "post"})], [POST], []),
        # Due first comes first, then the first rule.
        ([CLICK, ("bounced", 9)], [CALL, POST], [("phone", 9, 1)]),
        ([CLICK, ("bounced", 9)], [POST, CALL], [("post", 9, 1)]),
        ([CLICK, ("bounced", 8)], [CALL, POST], [("post", 8, 2)]),
        # Stops.
        ([CLICK, ("unsubscribed", 1)], [CALL, STOP], [("stop", 1, 2)]),
        ([CLICK, ("unsubscribed", 50)], [CALL, STOP], [("stop", 50, 2)]),
        ([CLICK], [CALL, CompletionRule("clicked", "stop", delay=100 * DAY)], [("phone", 9, 1)]),
        ([CLICK], [CALL, CompletionRule("clicked", "stop", delay=3 * HOUR)], [("stop", 8, 2)]),
        ([SENT], [POST, CompletionRule("sent", "stop", 5 * DAY, unless="clicked")], [("stop", 121, 2)]),
        # No rules, nothing to do.
        ([CLICK], [], []),
    ],
)
def test_meaning_of_rules(rows, rules, found):
    if found == "loop":
        with pytest.raises(ParameterError, match="loop without end"):
            campaign(*rules)
        return
    assert one(log(ASSIGNED, *rows), rules) == found


def test_the_first_sending_is_not_its_own_answer():
    again = CompletionRule("sent", "sms", delay=DAY)
    assert [row.action for row in next_actions(
        log(ASSIGNED, ("sent", 1, {"channel": "sms"})), [again], AS_OF).itertuples()] == ["sms"]  # fmt: skip
    twice = log(ASSIGNED, ("sent", 1, {"channel": "sms"}), ("sent", 2, {"channel": "sms"}))
    assert next_actions(twice, [again], AS_OF).empty


def test_the_control_group_is_not_contacted_but_may_leave():
    frame = log(ASSIGNED, CLICK, arm="control")
    assert one(frame) == []
    assert len(next_actions(frame, RULES, AS_OF)) == 1
    assert next_actions(frame, RULES, AS_OF, control="control").empty
    assert one(log(ASSIGNED, ("unsubscribed", 2), arm="control")) == [("stop", 2, 4)]


def test_rules_of_one_arm():
    rule = CompletionRule("clicked", "phone", arm="b")
    both = pd.concat([log(ASSIGNED, CLICK), log(ASSIGNED, CLICK, customer="c2", arm="b")])
    assert next_actions(both, campaign(rule), AS_OF)["customer_id"].tolist() == ["c2"]


@pytest.mark.parametrize(
    ("rows", "fate"),
    [
        ([("clicked", 5, {"link": "B", "customer_id": None})], "no customer"),
        ([("clicked", None, {"link": "B"})], "no time"),
        ([("clicked", 1000, {"link": "B"})], "after the day"),
        ([("clicked", 5, {"link": "B", "customer_id": "c9"})], "never assigned"),
        ([("clicked", 5, {"link": "B", "arm": "b"})], "in another arm"),
        ([("clicked", -1, {"link": "B"})], "before the assignment"),
    ],
)
def test_what_is_set_aside_is_counted_and_begins_no_contact(rows, fate):
    frame = log(ASSIGNED, *rows)
    assert one(frame) == []
    counted = check_events(frame, "M1", AS_OF).set_index("fate")["rows"]
    assert counted[counted > 0].to_dict() == {"counts": 1, fate: 1}


def test_who_is_in_two_arms_is_not_contacted():
    frame = pd.concat([log(ASSIGNED, CLICK), log(("assigned", 1), arm="b")])
    assert one(frame) == []
    assert check_events(frame, None, AS_OF).set_index("fate")["rows"]["in two arms"] == 3


@pytest.mark.parametrize(
    ("row", "hours"),
    [(("unsubscribed", -5), -5), (("unsubscribed", 1000), 231), (("unsubscribed", None), 231),
     (("unsubscribed", 3, {"arm": "b"}), 3)],
)  # fmt: skip
def test_who_wants_to_leave_leaves_whatever_the_stamp(row, hours):
    assert one(log(ASSIGNED, CLICK, row)) == [("stop", hours, 4)]


def test_an_event_seen_twice_counts_once_and_is_counted():
    frame = log(ASSIGNED, SENT, SENT, SENT, CLICK, CLICK)
    assert told(next_actions(frame, campaign(*RULES), AS_OF)) == told(
        next_actions(log(ASSIGNED, SENT, CLICK), campaign(*RULES), AS_OF)
    )
    found = check_events(frame, campaign(), AS_OF)
    assert found[found["rows"] > 0].to_dict("list") == {
        "fate": ["seen before", "counts"], "rows": [3, 3], "customers": [1, 1],
    }  # fmt: skip


# Against the reference.

_CELLS = st.fixed_dictionaries({
    "customer_id": st.integers(1, 12).map("c{:02}".format),
    "event": st.sampled_from(["assigned", "assigned", "sent", "bounced", "opened", "clicked", "converted",
                              "unsubscribed"]),
    "hours": st.one_of(st.none(), st.integers(-3, 12), st.sampled_from([24, 72, 73, 96, 300])),
    "arm": st.sampled_from(["a", "a", "a", "b", "control"]),
    "channel": st.sampled_from(["email", "sms", "phone", None]),
    "link": st.sampled_from(["A", "B", None]),
})  # fmt: skip
_MADE = st.builds(
    CompletionRule,
    st.sampled_from(["sent", "bounced", "opened", "clicked", "unsubscribed"]),
    st.sampled_from(["phone", "sms", "email", "stop"]),
    within=st.sampled_from([DAY, 3 * DAY, 5 * HOUR]),
    unless=st.sampled_from(["", "converted"]),
    arm=st.sampled_from(["", "", "a"]),
    channel=st.sampled_from(["", "", "email"]),
    link=st.sampled_from(["", "", "B"]),
    delay=st.sampled_from([0 * DAY, DAY]),
)
_KNOWN = [*RULES, CompletionRule("clicked", "email"), CompletionRule("opened", "stop", delay=9 * DAY)]
_EVENTS = st.lists(_CELLS, min_size=20, max_size=70)
_RULES = st.lists(_MADE | st.sampled_from(_KNOWN), min_size=1, max_size=4)


def as_log(rows: list[dict]) -> pd.DataFrame:
    kinds = ("customer_id", "event", "arm", "channel", "link")
    times = [pd.NaT if row["hours"] is None else START + row["hours"] * HOUR for row in rows]
    frame = pd.DataFrame(rows).drop(columns="hours").astype(dict.fromkeys(kinds, "str"))
    return frame.assign(time=pd.Series(times, dtype="datetime64[us]"), campaign_id="M1")


@given(_EVENTS, _RULES, st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_any_log_gives_what_the_reference_gives_in_any_order_in_pieces_and_twice(rows, rules, random):
    frame = as_log(rows)
    records = [{name: None if pd.isna(value) else value for name, value in row.items()}
               for row in frame.to_dict("records")]  # fmt: skip
    expected = plain_actions(records, rules, AS_OF, control="control")
    found = next_actions(frame, rules, AS_OF, control="control")
    cells = [{name: None if pd.isna(value) else value for name, value in row.items()}
             for row in found.to_dict("records")]  # fmt: skip
    assert cells == expected
    again = pd.concat([frame, frame.sample(len(rows), replace=True, random_state=random.randrange(99))])
    shuffled = again.sample(frac=1, random_state=random.randrange(99))
    cut = random.randrange(len(shuffled) + 1)
    pieces = [shuffled.iloc[:cut], shuffled.iloc[max(cut - 2, 0) :]]
    pd.testing.assert_frame_equal(next_actions(pieces, rules, AS_OF, control="control"), found)
    fates = check_events(shuffled, "M1", AS_OF)
    once = check_events(frame, "M1", AS_OF)
    assert fates["rows"].sum() == len(shuffled)
    assert fates["fate"].tolist() == list(FATES)
    pd.testing.assert_frame_equal(fates.iloc[1:], once.iloc[1:])


def test_the_sample_agrees_with_the_reference():
    events = crm.sample(customers=400, seed=3)["campaign_events"]
    plan = Campaign(
        "M001", "Spring", "", "all", datetime.date(2024, 4, 15), datetime.date(2024, 5, 12), "EUR", 2,
        (Arm("offer a", "email", 0.4), Arm("offer b", "email", 0.4)), "control", 0.2,
        rules=(CompletionRule("bounced", "post"), CompletionRule("clicked", "phone", 3 * DAY, delay=DAY),
               CompletionRule("assigned", "sms", 6 * DAY, unless="opened"), STOP),
    )  # fmt: skip
    day = datetime.datetime(2024, 5, 1)
    found = next_actions(events, plan, day)
    ours = events[events["campaign_id"] == "M001"]
    channels = {"offer a": "email", "offer b": "email"}
    expected = plain_actions(ours.to_dict("records"), plan.rules, day, "control", channels)
    assert set(found["action"]) == {"post", "phone", "sms", "stop"}
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected), check_dtype=False)


def test_pieces_may_be_empty_and_of_several_kinds():
    frame = log(ASSIGNED, CLICK, ("unsubscribed", 3, {"customer_id": None}))
    empty = pd.DataFrame(columns=frame.columns)
    for pieces in ([empty, frame], [frame, empty], [crm.as_table(frame.iloc[1:]), frame.iloc[:1]]):
        found = crm.collect(next_actions(pieces, campaign(*RULES), AS_OF))
        assert found["action"].tolist() == ["phone"]
    assert next_actions(empty, campaign(*RULES), AS_OF).empty


def test_a_table_comes_back_as_a_table():
    frame = log(ASSIGNED, CLICK)
    found = next_actions(crm.as_table(frame), campaign(*RULES), AS_OF)
    assert not isinstance(found, pd.DataFrame)
    assert told(crm.collect(found)) == told(next_actions(frame, campaign(*RULES), AS_OF))


def test_the_query_is_the_same_in_every_process():
    """It stands in manifests, so it must not hang on the order in which a set gives its members."""
    script = (
        "import pandas as pd, crmlab as crm; from datetime import timedelta as T;"
        "from crmlab.mining.campaigns import CompletionRule as R, next_actions;"
        "rules = [R('sent', c, T(1), unless=u) for c in ('sms', 'post') for u in ('opened', 'visited')];"
        "log = pd.DataFrame({'customer_id': ['a'], 'time': pd.to_datetime(['2025-01-01']), 'event': 'sent',"
        " 'arm': 'x'}); print(next_actions(log, rules, '2025-02-01').attrs['query']['sha256'])"
    )
    seeds = [os.environ | {"PYTHONHASHSEED": seed} for seed in ("1", "2")]
    said = {subprocess.check_output([sys.executable, "-c", script], env=seed, text=True) for seed in seeds}
    assert len(said) == 1


@pytest.mark.parametrize("as_of", ["2025-04-25", "1404/02/05", "2025-04-25 00:00", datetime.date(2025, 4, 25),
                                   pd.Timestamp("2025-04-25")])  # fmt: skip
def test_ways_to_say_when(as_of):
    assert one(log(ASSIGNED, CLICK), as_of=as_of) == [("phone", 9, 1)]
    assert one(log(ASSIGNED, CLICK), as_of=START) == []


# What cannot be done.


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda frame: frame.drop(columns="arm"), "Campaign events need a column arm; there are:"),
        (lambda frame: frame.drop(columns="link"), "The rule 'clicked link B .*' asks for it"),
        (lambda frame: frame.assign(time="soon"), "is to hold times; crmlab.load reads them"),
        (lambda frame: frame.assign(time=frame["time"].dt.tz_localize("UTC")), "times without a time zone"),
    ],
)
def test_logs_that_cannot_be_read(change, sentence):
    with pytest.raises(TableError, match=sentence):
        next_actions(change(log(ASSIGNED, CLICK)), RULES, AS_OF)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda frame: next_actions([], RULES, AS_OF), "There are no events"),
        (lambda frame: next_actions(frame, RULES, "next week"), "as_of is a day such as"),
        (lambda frame: next_actions(frame, RULES, None), "as_of is a day such as"),
        (lambda frame: next_actions(frame, RULES, pd.NaT), "as_of is a day such as"),
        (lambda frame: next_actions(frame, RULES, pd.Timestamp(AS_OF, tz="UTC")), "without a time zone"),
        (lambda frame: next_actions(pd.concat([frame, frame.assign(campaign_id="M2")]), RULES, AS_OF),
         "Name one campaign; there are: M1, M2"),
    ],
)  # fmt: skip
def test_calls_that_cannot_be_answered(call, sentence):
    with pytest.raises(ParameterError, match=sentence):
        call(log(ASSIGNED, CLICK))


def test_a_campaign_of_which_nothing_is_there_yet_has_nothing_to_do():
    assert next_actions(log(ASSIGNED, CLICK).assign(campaign_id="M2"), campaign(*RULES), AS_OF).empty
