"""A campaign while it runs: each event counts once, in whatever order and pieces they come."""

import datetime
import sqlite3
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmlab as crm
from crmlab.errors import ParameterError, SourceError, TableError, WorkspaceError
from crmlab.mining.campaigns import (
    Arm,
    Campaign,
    CompletionRule,
    Monitor,
    check_events,
    effect,
    funnel,
    outcomes,
)
from crmlab.mining.campaigns.event_store import Piece

ARMS = {"offer a": 1, "offer b": 1, "control": 1}


@pytest.fixture(scope="module")
def events():
    """The events of the sample's randomised campaign."""
    everything = crm.sample(customers=300, seed=4)["campaign_events"]
    return everything[everything["campaign_id"] == "M001"].reset_index(drop=True)


def monitor(folder, **options):
    return Monitor(folder, "M001", ARMS, "control", **{"costs": {"offer a": 5, "offer b": 5}, **options})


def same(one, other):
    for name in ("arms", "funnel", "responses", "revenue"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    assert one.unknown_arms == other.unknown_arms
    assert one.last_event == other.last_event
    assert {k: v for k, v in one.counts.items() if k != "duplicates"} == {
        k: v for k, v in other.counts.items() if k != "duplicates"
    }


def test_it_says_what_the_functions_for_a_whole_log_say(events, tmp_path):
    found = monitor(tmp_path).refresh([events])
    reached = found.funnel[found.funnel["channel"] == ""].drop(columns="channel")
    expected = funnel(events, "M001")
    pd.testing.assert_frame_equal(
        reached.sort_values(["arm", "event"], ignore_index=True),
        expected[reached.columns].sort_values(["arm", "event"], ignore_index=True),
        check_dtype=False,
    )
    whole = effect(outcomes(events, "M001"), "control").set_index("arm")
    assert found.responses.set_index("arm")["difference"].tolist() == pytest.approx(
        whole["difference"].tolist()
    )
    value = effect(outcomes(events, "M001"), "control", "value").set_index("arm")
    assert found.revenue.set_index("arm")["difference"].tolist() == pytest.approx(
        value["difference"].tolist()
    )
    sent = events[events["event"] == "sent"].groupby("arm").size()
    assert found.arms.set_index("arm")["cost"].to_dict() == {
        "offer a": 5 * sent["offer a"], "offer b": 5 * sent["offer b"], "control": 0,
    }  # fmt: skip
    assert found.arms["revenue"].sum() == events["value"].sum()
    assert found.last_event == events["time"].max()
    assert found.counts["events"] == len(events.drop_duplicates())
    assert found.sample_ratio.p_value > 0.001


@settings(max_examples=6)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_order_pieces_and_repetition_make_no_difference(events, tmp_path_factory, seed, pieces):
    """Events in any order, cut anywhere, some of them twice, with the monitor opened anew each time."""
    random = np.random.default_rng(seed)
    some = events.sample(400, random_state=1)
    mixed = some.iloc[random.permutation(len(some))]
    cuts = np.sort(random.integers(0, len(some), pieces - 1))
    folder, now = tmp_path_factory.mktemp("monitor"), "2026-01-01"
    for part in np.split(np.arange(len(mixed)), cuts):
        again = random.choice(len(mixed), 30)
        found = monitor(folder).refresh([mixed.iloc[[*part, *again]]], now=now)
    same(found, monitor(tmp_path_factory.mktemp("once")).refresh([some], now=now))


def test_events_before_their_assignment_arrives_wait_for_it(tmp_path):
    watch = monitor(tmp_path)
    late = pd.DataFrame({"customer_id": ["1"], "event": ["converted"], "value": [700]})
    found = watch.refresh([late])
    assert (found.counts["unassigned"], found.arms["responses"].sum()) == (1, 0)
    found = watch.refresh([pd.DataFrame({"customer_id": ["1"], "event": ["assigned"], "arm": ["offer a"]})])
    assert (found.counts["unassigned"], found.arms["responses"].tolist()) == (0, [1, 0, 0])
    assert found.arms["revenue"].tolist() == [700, 0, 0]


STRANGE = [
    ("1", "assigned", "2026-03-01 10:00", "offer a", None),
    ("2", "assigned", "2026-03-01 10:00", "control", None),
    ("1", "clicked", "2026-02-01 10:00", "offer a", None),  # before the assignment
    ("1", "opened", "2026-03-01 09:57", "offer a", None),  # clocks may differ by minutes
    ("1", "converted", "2026-03-09 10:00", "offer a", 500),  # not yet
    ("3", "clicked", "2026-03-01 11:00", "offer a", None),  # nobody knows of
    ("2", "clicked", "2026-03-01 11:00", "offer x", None),  # no such arm
    ("2", "visited", "2026-03-01 11:00", "offer b", None),  # of another arm than the customer's
    ("2", "assigned", "2026-03-01 12:00", "offer b", None),  # a second time
]
COLUMNS = ["customer_id", "event", "time", "arm", "value"]


def test_what_is_wrong_with_events_is_counted(tmp_path):
    frame = pd.DataFrame(STRANGE, columns=COLUMNS).astype({"time": "datetime64[us]", "value": "Int64"})
    frame = pd.concat([frame, frame.head(2), frame.head(1).assign(event="yelled")], ignore_index=True)
    frame["campaign_id"] = ["M001"] * (len(frame) - 1) + ["M001"]
    frame = pd.concat([frame, frame.head(1).assign(campaign_id="M7")], ignore_index=True)
    found = monitor(tmp_path).refresh([frame], now="2026-03-02")
    assert found.counts == {
        "events": 9, "duplicates": 2, "set_aside": 1, "early": 1, "future": 1, "unassigned": 1, "two_arms": 1,
        "other_arm": 1, "no_time": 0, "elsewhere": 1,
    }  # fmt: skip
    assert found.unknown_arms == {"offer x": 1}
    assert found.sources["reason"].tolist() == ["no known event: 'yelled'"]
    reached = found.funnel.set_index(["arm", "event"])["customers"].to_dict()
    assert reached == {("offer a", "assigned"): 1, ("offer a", "opened"): 1,
                       ("control", "assigned"): 1, ("control", "visited"): 1}  # fmt: skip
    assert found.last_event == pd.Timestamp("2026-03-01 12:00")


def test_what_is_stamped_in_the_future_waits_for_its_time(tmp_path):
    frame = pd.DataFrame(STRANGE, columns=COLUMNS).astype({"time": "datetime64[us]", "value": "Int64"})
    early, late = monitor(tmp_path), "2026-03-10"
    assert early.refresh([frame, frame], now="2026-03-02").arms["responses"].sum() == 0
    assert early.events()["event"].tolist() == ["assigned", "opened", "assigned", "visited"]
    assert len(early.store.events()) == len(frame)
    found = early.refresh(now=late)
    assert (found.counts["future"], found.arms["responses"].sum()) == (0, 1)
    assert found.last_event == pd.Timestamp("2026-03-09 10:00")
    same(found, monitor(tmp_path / "once").refresh([frame], now=late))
    # It is known again, even where clocks go back.
    assert early.refresh([frame], now="2026-03-02").counts["events"] == len(frame)


def test_events_without_a_time_count_and_are_counted(tmp_path):
    frame = pd.DataFrame(
        {"customer_id": ["1", "1", "1", "2"], "event": ["assigned", "clicked", "opened", "assigned"],
         "arm": ["offer a"] * 3 + ["control"],
         "time": pd.to_datetime(["2026-03-01", None, "2026-03-02", None])}
    )  # fmt: skip
    found = monitor(tmp_path).refresh([frame], now="2026-04-01")
    reached = funnel(frame).set_index(["arm", "event"])["customers"].to_dict()
    assert found.funnel.set_index(["arm", "event"])["customers"].to_dict() == reached
    fates = check_events(frame, None, "2026-04-01").set_index("fate")["rows"]
    assert found.counts["no_time"] == fates["no time"] == 2


def test_an_id_makes_an_event_and_without_one_all_that_it_says(tmp_path):
    frame = pd.DataFrame({"customer_id": ["1", "1", "1"], "event": "clicked", "event_id": ["x", "y", "x"],
                          "value": [1, 1, 2]})  # fmt: skip
    assert monitor(tmp_path).refresh([frame]).counts["events"] == 2
    assert monitor(tmp_path).refresh([frame.drop(columns="event_id")]).counts["events"] == 4


def test_only_what_happens_within_the_horizon_is_a_response(tmp_path):
    frame = pd.DataFrame(
        {"customer_id": ["1", "1", "2", "2"], "arm": ["offer a"] * 2 + ["control"] * 2, "value": [0, 5, 0, 7],
         "event": ["assigned", "converted"] * 2,
         "time": pd.to_datetime(["2026-01-01", "2026-01-10", "2026-01-01", "2026-01-20"])}
    )  # fmt: skip
    found = monitor(tmp_path / "short", horizon=14).refresh([frame]).arms.set_index("arm")
    assert (found["responses"].to_dict(), found["revenue"].sum()) == (
        {"offer a": 1, "offer b": 0, "control": 0},
        5,
    )
    # With another plan all is counted anew, from the events that are kept.
    monitor(tmp_path / "two", horizon=14).refresh([frame])
    assert monitor(tmp_path / "two").snapshot().arms["responses"].sum() == 2


def test_follow_ups_cost_what_their_rule_says(tmp_path):
    day = datetime.date(2026, 1, 1)
    rules = (
        CompletionRule("clicked", "sms", arm="offer b", cost_per_contact=7),
        CompletionRule("clicked", "phone", cost_per_contact=300),
        CompletionRule("bounced", "phone", cost_per_contact=400),
        CompletionRule("visited", "email", cost_per_contact=50),
    )
    arms = (Arm("offer a", "email", 0.4, cost_per_contact=1), Arm("offer b", "sms", 0.4, cost_per_contact=5))
    campaign = Campaign("M001", "Spring", "", "all", day, day, "EUR", 2, arms, "control", 0.2, rules=rules)
    frame = pd.DataFrame(
        [("1", "assigned", None), ("1", "sent", "email"), ("1", "sent", "phone"), ("1", "sent", "sms"),
         ("1", "sent", None), ("2", "assigned", None), ("2", "sent", "sms"), ("2", "sent", "email")],
        columns=["customer_id", "event", "channel"],
    )  # fmt: skip
    frame["arm"] = frame["customer_id"].map({"1": "offer a", "2": "offer b"})
    found = Monitor.of(campaign, tmp_path).refresh([frame]).arms.set_index("arm")
    assert found["contacts"].to_dict() == {"offer a": 4, "offer b": 2, "control": 0}
    # No rule of the first arm sends a text message: it costs what its mails cost.
    assert found["cost"].to_dict() == {"offer a": 1 + 300 + 1 + 1, "offer b": 5 + 50, "control": 0}


def test_a_table_that_grows_is_fetched_by_its_days(events, tmp_path):
    watch, table = monitor(tmp_path), crm.as_table(events)
    days = events["time"].dt.date.nunique()
    assert watch.refresh(table.limit(0)).counts["events"] == 0
    first = watch.refresh(events.head(300))
    assert first.counts["events"] == len(events.head(300).drop_duplicates())
    found = watch.refresh(table)
    assert len(found.sources) == days + events["time"].isna().any()
    same(found, monitor(tmp_path / "once").refresh([events]))
    assert found.counts["duplicates"] == len(events) - len(events.drop_duplicates())
    assert list(watch._pieces(table)) == []


def test_looks_are_kept_hour_by_hour(events, tmp_path):
    watch = monitor(tmp_path, planned=20)
    mixed = events.sample(frac=1, random_state=1)
    for hour, part in enumerate(np.array_split(np.arange(len(events)), 3)):
        for minute in (5, 40):
            found = watch.refresh(
                [mixed.iloc[part[: len(part) * minute // 40]]], now=f"2025-01-01 0{hour}:{minute}"
            )
    seen = found.history[found.history["outcome"] == "responses"]
    assert seen["at"].dt.hour.unique().tolist() == [0, 1, 2]
    last = seen[seen["at"].dt.hour == 2].set_index("arm")[["difference", "low", "high", "p_value"]]
    now = found.responses.set_index("arm")[last.columns].sort_index()
    pd.testing.assert_frame_equal(last, now)


def test_what_was_taken_in_can_be_had_again(events, tmp_path):
    watch = monitor(tmp_path)
    watch.refresh([events])
    kept = watch.store.events()
    assert len(kept) == len(events.drop_duplicates())
    assert kept["value"].sum() == events["value"].sum()
    assert set(kept["arm"]) == set(events["arm"])


KILLED = """
import os, signal, sys, pandas as pd
from crmlab.mining.campaigns import Monitor, event_store
from crmlab.mining.campaigns.event_store import Piece
events, add, left = pd.read_parquet(sys.argv[2]), event_store._add, int(sys.argv[3])
parts = [events.iloc[k : k + 60] for k in range(0, len(events), 60)]

def dies(*given):
    global left
    left -= 1
    add(*given) if sys.argv[4] == "late" or left else None
    left or os.kill(os.getpid(), signal.SIGKILL)

watch = Monitor(sys.argv[1], "M001", {"offer a": 1, "offer b": 1, "control": 1}, "control")
event_store._add = dies
pieces = (Piece(f"f{k}", "1", part) for k, part in enumerate(parts) if f"f{k}" not in watch.store.marks)
print(len(watch.store.marks), flush=True)
watch.refresh(lambda _: pieces, now="2026-01-01")
print("done", flush=True)
"""


def test_killed_in_the_middle_and_started_again_it_loses_nothing_and_counts_nothing_twice(events, tmp_path):
    """Killed while events are in and totals are not, while both are in, and between two pieces."""
    events.to_parquet(tmp_path / "events.parquet")
    began = []
    for place, when in ((3, "early"), (2, "late"), (-1, "never")):
        command = [sys.executable, "-c", KILLED, tmp_path / "state", tmp_path / "events.parquet"]
        ended = subprocess.run([*command, str(place), when], capture_output=True, text=True)
        first, *rest = ended.stdout.split()
        began.append(int(first))
    # Of the piece in which it was killed nothing is there; those before it are.
    assert began == [0, 2, 3]
    assert rest == ["done"]
    found = monitor(tmp_path / "state", costs={}).snapshot()
    same(found, monitor(tmp_path / "once", costs={}).refresh([events], now="2026-01-01"))
    assert found.counts["duplicates"] == len(events) - len(events.drop_duplicates())


def test_two_that_watch_the_same_count_each_piece_once(events, tmp_path):
    piece = Piece("a.csv", "1", events.drop_duplicates().head(50))
    one, other = monitor(tmp_path), monitor(tmp_path)
    one.refresh(lambda _: [piece])
    assert other.refresh(lambda _: [piece]).counts["duplicates"] == 50 - len(
        events.head(50).drop_duplicates()
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"control": "nobody"}, "no arm 'nobody'"),
        ({"arms": {"control": 1}}, "two arms"),
        ({"arms": {"a": 0, "control": 1}}, "share above 0"),
        ({"response": "bought"}, "no event 'bought'"),
        ({"planned": 0}, "planned is a number"),
        ({"skew": "soon"}, "skew is a length"),
        ({"time_zone": "Mars/Base"}, "time_zone a name"),
    ],
)
def test_parameters_that_make_no_sense_are_named(tmp_path, change, said):
    with pytest.raises(ParameterError, match=said):
        Monitor(**{"folder": tmp_path, "campaign_id": "M001", "arms": ARMS, "control": "control", **change})


def test_a_folder_is_one_campaigns_and_a_damaged_file_is_named(events, tmp_path):
    monitor(tmp_path)
    with pytest.raises(ParameterError, match="holds the events of the campaign 'M001', not of 'M2'"):
        Monitor(tmp_path, "M2", ARMS, "control")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "monitor.sqlite").write_text("this is no such file, nor was it ever")
    with pytest.raises(SourceError, match=r"monitor\.sqlite is damaged .* move it away"):
        monitor(tmp_path / "bad")
    with pytest.raises(WorkspaceError, match="cannot be made"):
        monitor(tmp_path / "bad" / "monitor.sqlite" / "below")
    with pytest.raises(TableError, match="need a column event"):
        monitor(tmp_path).refresh([events.drop(columns="event")])


def test_a_piece_that_fails_leaves_nothing_behind(events, tmp_path, monkeypatch):
    """The transaction ends with the connection: neither the events nor the mark are there."""
    watch = monitor(tmp_path)
    watch.refresh([events.head(100)], now="2026-01-01")
    before = watch.snapshot("2026-01-01")

    def fail(*_):
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr("crmlab.mining.campaigns.event_store._add", fail)
    with pytest.raises(WorkspaceError, match="disk full"):
        watch.refresh([events.tail(100)], now="2026-01-01")
    monkeypatch.undo()
    after = watch.snapshot("2026-01-01")
    same(before, after)
    assert before.counts == after.counts
