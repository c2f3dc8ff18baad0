"""Requests and complaints: public logs, planted departments, a slow second opinion, and bad logs."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.methods import BusinessHours, business_hours_between, poisson
from crmlab.mining.satisfaction import (
    backlog,
    breaches,
    complaint_rate,
    performance,
    service_levels,
    status_for_customer,
    status_paths,
    summary_from_times,
    ticket_faults,
    ticket_summary,
    time_to_resolution,
)
from crmlab.mining.satisfaction.tickets import DONE, STATUSES

TARGETS = {"urgent": 12, "high": 24, "normal": 72, "low": 120}
HOUR = pd.Timedelta(hours=1)


@pytest.fixture(scope="module")
def sample() -> dict:
    return crm.sample(customers=300, seed=5)


@pytest.fixture(scope="module")
def summary(sample) -> pd.DataFrame:
    return ticket_summary(sample["tickets"])


@pytest.fixture(scope="module")
def incidents(public_data) -> pd.DataFrame:
    """The log of 141,712 rows with the contract's names; its own columns beside."""
    log = pd.read_csv(
        public_data / "incident_log" / "incident_event_log.csv.gz", dtype="str", na_values=["?"],
        usecols=["number", "ident_state", "sys_updated_at", "opened_at", "resolved_at", "priority",
                 "made_sla", "reopen_count", "reassignment_count"],
    )  # fmt: skip
    for name in ("sys_updated_at", "opened_at", "resolved_at"):
        log[name] = pd.to_datetime(log[name], format="%d/%m/%Y %H:%M")
    states = {"New": "opened", "Active": "assigned", "Resolved": "resolved", "Closed": "closed"}
    log["status"] = log["ident_state"].map(states).fillna("waiting")
    log["made_sla"] = log["made_sla"] == "true"
    counts = ["reopen_count", "reassignment_count"]
    log[counts] = log[counts].astype("int64")
    return log.rename(columns={"number": "ticket_id", "sys_updated_at": "time"})


def log_of(*rows: tuple, **more: list) -> pd.DataFrame:
    """A log of (ticket, status, hours after the first of 2024)."""
    frame = pd.DataFrame(rows, columns=["ticket_id", "status", "time"])
    hours = pd.to_timedelta(frame["time"].astype(float), unit="h")
    return frame.assign(time=pd.Timestamp("2024-01-01") + hours, **more)


def test_the_incident_log_has_the_service_levels_it_says(incidents):
    own = ["made_sla", "reopen_count", "reassignment_count", "opened_at", "resolved_at"]
    each = ticket_summary(incidents.drop(columns=["ident_state"]), keep=own[:3])
    assert len(each) == 24_918
    whole = service_levels(each, "made_sla", by=None).iloc[0]
    assert (whole["n"], round(whole["share"], 6)) == (24_918, 0.634200)
    found = service_levels(each, "made_sla").set_index("priority")
    assert found["share"].round(6).to_dict() == {
        "1": 0.018519, "2": 0.004902, "3": 0.645402, "4": 0.841085}  # fmt: skip
    assert (each["reopen_count"] > 0).mean() == pytest.approx(0.011036, abs=5e-7)
    assert (each["reassignment_count"] > 0).mean() == pytest.approx(0.456257, abs=5e-7)
    # Of two rows of one minute the log does not say which came first: one incident more came back.
    assert (each["reopened"] > 0).sum() == 276
    assert each.attrs["faults"] == {"no opened row": 8521}


def test_the_incident_log_has_the_times_it_says_and_nothing_open_is_dropped(incidents):
    last = incidents.sort_values("time", kind="stable").groupby("ticket_id").last().reset_index()
    each = summary_from_times(last)
    found = time_to_resolution(each)
    whole = found.groups.iloc[0]
    assert (whole["n"], whole["still_open"]) == (24_918, 1_556)
    assert [whole["ended_median"], whole["ended_mean"], whole["ended_p90"]] == pytest.approx(
        [22.10, 178.1716, 381.5483], abs=5e-5
    )
    # What is still open has its say: half of all take longer than half of those resolved.
    assert whole["median"] > whole["ended_median"]
    assert time_to_resolution(each, "priority").test.p_value < 1e-4


def test_the_italian_help_desk_from_its_log(public_data):
    log = pd.read_csv(public_data / "helpdesk_italian" / "finale.csv.gz")
    statuses = {"Assign seriousness": "opened", "Insert ticket": "opened", "Resolve ticket": "resolved",
                "Wait": "waiting", "Closed": "closed"}  # fmt: skip
    log = pd.DataFrame({
        "ticket_id": log["Case ID"], "time": pd.to_datetime(log["Complete Timestamp"]),
        "status": log["Activity"].map(statuses).fillna("assigned"), "seriousness": log["seriousness_2"],
    })  # fmt: skip
    each = ticket_summary(log, ended_by=["resolved"], keep={"seriousness": "first"}, watched="ticket")
    assert (len(each), each["resolved"].sum()) == (4580, 4569)
    whole = time_to_resolution(each).groups.iloc[0]
    assert [whole[name] / 24 for name in ("median", "low", "high")] == pytest.approx(
        [5.998218, 5.702951, 6.696192], abs=5e-7
    )
    assert time_to_resolution(each, "seriousness").test.statistic == pytest.approx(145.8442, abs=5e-5)
    resolves = (log["status"] == "resolved").groupby(log["ticket_id"]).sum()
    assert (resolves > 1).sum() == 386


def test_the_planted_bad_department_is_named_first(sample, summary):
    bad = sample["truth"]["departments"].query("bad")["department"].item()
    found = performance(summary)
    assert found["department"].iloc[0] == bad
    assert found["verdict"].tolist()[0] == "slower"
    assert "slower" not in found["verdict"].tolist()[1:]
    assert found["pace_high"].iloc[0] < 1
    hours = ticket_summary(sample["tickets"], calendar=BusinessHours.western("08:00-21:00"))
    assert performance(hours)["department"].iloc[0] == bad
    slowest = performance(summary, "staff_id", minimum=10)["staff_id"].iloc[0]
    staff = sample["staff"].set_index("staff_id")["department"]
    assert staff[slowest] == bad


def test_the_pace_of_all_together_is_one(summary):
    found = performance(summary)
    assert found["ended"].sum() == summary["resolved"].sum()
    assert (found["ended"] / found["pace"]).sum() == pytest.approx(found["ended"].sum())
    assert (found["pace_low"] < found["pace"]).all()
    assert (found["pace"] < found["pace_high"]).all()


def test_groups_of_one_pace_are_rarely_called_slow_and_small_ones_never():
    random = np.random.default_rng(4)
    hours = random.exponential(10, 4000)
    tickets = pd.DataFrame({
        "resolution": np.where(hours < 15, hours, np.nan), "age": 15.0,
        "staff_id": random.integers(0, 40, 4000).astype(str),
    })  # fmt: skip
    tickets.loc[:2, "staff_id"] = "new"
    tickets.loc[3:9, "staff_id"] = None
    found = performance(tickets, "staff_id")
    assert (found["verdict"] == "as the others").sum() >= 37
    assert found.iloc[-1][["staff_id", "verdict"]].tolist() == ["new", "too few"]
    assert found.attrs["left_out"] == 7
    with pytest.raises(ParameterError, match="No ticket has a staff_id"):
        performance(tickets.assign(staff_id=None), "staff_id")


def test_urgent_tickets_do_not_make_their_department_look_fast():
    random = np.random.default_rng(5)
    urgent = random.random(4000) < 0.5
    desk = np.where(random.random(4000) < np.where(urgent, 0.9, 0.1), "night", "day")
    hours = random.exponential(np.where(urgent, 2, 20))
    tickets = pd.DataFrame({"resolution": hours, "age": 500.0, "department": desk})
    assert performance(tickets)["verdict"].tolist() == ["slower", "faster"]
    fair = performance(tickets.assign(priority=np.where(urgent, "urgent", "low")))
    assert fair["verdict"].tolist() == ["as the others"] * 2


def slowly(log: pd.DataFrame, end: pd.Timestamp) -> dict[str, dict]:
    """The summary by its definition, ticket by ticket."""
    found = {}
    for ticket, rows in log.groupby("ticket_id"):
        rows = rows.assign(rank=rows["status"].map(STATUSES.index)).sort_values(["time", "rank"])
        opened = rows.loc[rows["status"] == "opened", "time"]
        done = rows.loc[rows["status"].isin(DONE), "time"]
        if len(opened) and len(done) and done.min() < opened.min():
            continue
        begun = opened.min() if len(opened) else rows["time"].min()
        statuses, times = rows["status"].tolist(), rows["time"].tolist()
        answers = [t for s, t in zip(statuses, times, strict=True)
                   if s in ("answered", *DONE) and t >= begun]  # fmt: skip
        pairs = list(zip([None, *statuses], statuses, strict=False))
        tail = [k for k in range(len(rows)) if all(s in DONE for s in statuses[k:])]
        following = [*times[1:], end]
        found[ticket] = {
            "status": statuses[-1],
            "first_response": (min(answers) - begun) / HOUR if answers else np.nan,
            "resolution": (done.min() - begun) / HOUR if len(done) else np.nan,
            "resolution_for_good": (times[tail[0]] - begun) / HOUR if tail else np.nan,
            "waiting": sum((later - t) / HOUR for s, t, later in zip(statuses, times, following, strict=True)
                           if s == "waiting"),
            "age": (end - begun) / HOUR,
            "reopened": sum(now == "reopened" or (was in DONE and now not in DONE) for was, now in pairs),
        }  # fmt: skip
    return found


LOGS = st.lists(
    st.tuples(st.sampled_from("abcdefghij"), st.sampled_from(STATUSES), st.integers(0, 30)),
    min_size=1,
    max_size=60,
).map(lambda rows: log_of(*rows))


@settings(max_examples=8)
@given(LOGS)
def test_the_summary_is_its_definition_and_agrees_with_the_backlog(log):
    found = ticket_summary(log)
    expected = slowly(log, found.attrs["until"])
    assert found["ticket_id"].tolist() == sorted(expected)
    for row in found.to_dict("records"):
        for name, value in expected[row["ticket_id"]].items():
            assert row[name] == pytest.approx(value, nan_ok=True), (row["ticket_id"], name)
    flow = backlog(log, "Y")
    assert (flow["open"].iloc[-1] if len(flow) else 0) == found["open"].sum()
    assert flow["opened"].sum() == len(found)
    faults = ticket_faults(log)
    assert faults["fault"].value_counts().to_dict() == found.attrs["faults"]
    assert faults["left_out"].sum() == log["ticket_id"].nunique() - len(found)


def test_a_frame_in_any_order_and_a_table_give_the_same(sample, summary):
    log = sample["tickets"]
    shuffled = log.sample(frac=1, random_state=1)
    rate = complaint_rate(log, sample["orders"])
    for given_as in (shuffled, crm.as_table(shuffled)):
        pd.testing.assert_frame_equal(ticket_summary(given_as), summary)
        pd.testing.assert_frame_equal(backlog(given_as, "Q", "jalali"), backlog(log, "Q", "jalali"))
        for one, other in zip(status_paths(given_as), status_paths(log), strict=True):
            pd.testing.assert_frame_equal(one, other)
        assert complaint_rate(given_as, crm.as_table(sample["orders"])) == rate


def test_hours_of_work_count_where_a_calendar_is_given(sample, summary):
    shop = BusinessHours.iranian("08:00-21:00", holidays=["1403/01/22"])
    found = ticket_summary(sample["tickets"], calendar=shop)
    assert (found.attrs["unit"], summary.attrs["unit"]) == ("business hours", "hours")
    expected = business_hours_between(summary["opened_at"], summary["resolved_at"], shop)
    np.testing.assert_allclose(found["resolution"], expected)
    assert (found["waiting"] <= summary["waiting"] + 1e-9).all()
    assert 0 < found["waiting"].sum() < summary["waiting"].sum()
    late = log_of(("a", "opened", 0), ("a", "waiting", 10), ("a", "assigned", 34), ("b", "opened", 40))
    # Monday the first of 2024, 10:00, to Tuesday 10:00.
    assert ticket_summary(late, calendar=BusinessHours.western())["waiting"].tolist() == [8.0, 0.0]


def test_handovers_are_counted_where_staff_or_department_change():
    log = log_of(
        ("a", "opened", 0), ("a", "assigned", 1), ("a", "assigned", 2), ("a", "waiting", 3),
        ("a", "resolved", 4),
        staff_id=[None, "s", "t", None, "t"], department=["x", "x", "y", "y", "x"],
    )  # fmt: skip
    found = ticket_summary(log).iloc[0]
    assert found["reassigned"] == 2
    assert (found["staff_id"], found["department"]) == ("t", "x")


def test_what_happens_later_has_not_happened_yet():
    log = log_of(("a", "opened", 0), ("a", "resolved", 30), ("b", "opened", 40))
    found = ticket_summary(log, until="2024-01-02")
    assert found["ticket_id"].tolist() == ["a"]
    assert (found["age"].item(), found["resolved"].item(), found["open"].item()) == (24.0, False, True)
    assert status_for_customer(log, "a", until="2024-01-02")["status"].item() == "received"
    assert backlog(log, "W", until="2024-01-02")["open"].tolist() == [1]
    each = pd.DataFrame({"opened_at": log["time"][:1], "resolved_at": log["time"][1:2].to_numpy()})
    assert summary_from_times(each, until="2024-01-02")["resolved"].tolist() == [False]


def test_what_is_wrong_with_a_log_is_counted_and_left_out():
    log = log_of(
        ("good", "opened", 1), ("good", "resolved", 5), ("back", "opened", 9), ("back", "closed", 3),
        ("early", "assigned", 1), ("early", "opened", 2), ("early", "resolved", 4),
        ("bare", "assigned", 1), ("odd", "opened", 1), ("odd", "lost", 2), ("odd", None, 3),
        ("late", "opened", None), ("late", "closed", 5), (None, "opened", 2), (None, "closed", 3),
    )  # fmt: skip
    found = ticket_faults(log)
    rows = found.set_index([found["ticket_id"].fillna("-"), "fault"])["rows"].to_dict()
    assert rows == {
        ("back", "closed before opened"): 2, ("early", "rows before it was opened"): 1,
        ("bare", "no opened row"): 1, ("late", "no opened row"): 1, ("late", "no time"): 1,
        ("odd", "unknown status"): 2, ("odd", "ends with an unknown status"): 2, ("-", "no ticket"): 2,
    }  # fmt: skip
    each = ticket_summary(log).set_index("ticket_id")
    assert sorted(each.index) == ["bare", "early", "good", "late", "odd"]
    assert each.attrs["faults"] == {
        "no ticket": 2, "no time": 1, "unknown status": 1, "ends with an unknown status": 1,
        "closed before opened": 1, "no opened row": 2,
        "rows before it was opened": 1}  # fmt: skip
    assert each.loc["early", "resolution"] == 2
    assert each.loc["late", "resolution"] == 0


def test_a_ticket_that_ends_with_an_unknown_status_is_told():
    log = log_of(
        ("a", "opened", 1), ("a", "done", 2), ("b", "opened", 1), ("b", "odd", 2), ("b", "closed", 3),
        ("c", "opened", 3), ("c", "closed", 1), ("c", "done", 5), ("d", "done", 1),
    )  # fmt: skip
    each = ticket_summary(log).set_index("ticket_id")
    assert each["open"].to_dict() == {"a": True, "b": False}
    assert ticket_faults(log)["fault"].value_counts().to_dict() == each.attrs["faults"]
    assert each.attrs["faults"] == {
        "unknown status": 4, "ends with an unknown status": 1, "closed before opened": 1
    }  # fmt: skip


def test_logs_that_cannot_be_read_are_one_sentence():
    log = log_of(("a", "opened", 0), ("a", "closed", 1))
    with pytest.raises(TableError, match="No status of the tickets is known: ABIERTO. Known are: opened,"):
        ticket_summary(log.assign(status="ABIERTO"))
    with pytest.raises(TableError, match="all are missing"):
        ticket_summary(log.assign(status=pd.Series([None, None], dtype="str")))
    with pytest.raises(TableError, match="Tickets need a column status; there are: ticket_id, time"):
        ticket_summary(log.drop(columns="status"))
    with pytest.raises(TableError, match="Tickets need time stamps in time, not string"):
        backlog(log.assign(time=log["time"].astype("str")))
    with pytest.raises(ParameterError, match="ended_by is a list of statuses, not 'solved'; did you mean"):
        ticket_summary(log, ended_by=["solved"])
    with pytest.raises(ParameterError, match="ended_by is a list of statuses, not 'closed'"):
        ticket_summary(log, ended_by="closed")
    with pytest.raises(ParameterError, match="keep says 'first' or 'last'"):
        ticket_summary(log, keep={"status": "middle"})
    with pytest.raises(ParameterError, match="watched is 'log' or 'ticket'"):
        ticket_summary(log, watched="agent")
    with pytest.raises(TableError, match="need a column severity"):
        ticket_summary(log, keep=["severity"])


def test_no_tickets_are_no_rows(sample):
    none = sample["tickets"].iloc[:0]
    empty = ticket_summary(none)
    assert len(empty) == len(backlog(none)) == len(status_for_customer(none)) == len(ticket_faults(none)) == 0
    assert [len(part) for part in status_paths(none)] == [0, 0]
    assert service_levels(empty, 24, by=None)["n"].tolist() == [0]
    with pytest.raises(ParameterError, match="no durations"):
        time_to_resolution(empty)


def test_times_in_columns_that_cannot_be_are_counted():
    each = pd.DataFrame({
        "opened_at": pd.to_datetime(["2024-01-02", "2024-01-02", None]),
        "resolved_at": pd.to_datetime(["2024-01-03", "2024-01-01", "2024-01-04"]),
    })  # fmt: skip
    found = summary_from_times(each)
    assert found["resolution"].tolist() == [24.0]
    assert found.attrs["faults"] == {"closed before opened": 1, "no time": 1}
    with pytest.raises(TableError, match="need time stamps in opened_at"):
        summary_from_times(each.astype("str"))


def test_service_levels_count_every_ticket_once(summary):
    found = service_levels(summary, TARGETS)
    assert found["priority"].tolist() == ["low", "normal", "high", "urgent"]
    assert (found["n"] + found["undecided"] + found["no_target"]).sum() == len(summary)
    assert (found["within"] + found["breached"]).tolist() == found["n"].tolist()
    late = breaches(summary, TARGETS)
    assert len(late) == found["breached"].sum()
    assert late["over"].is_monotonic_decreasing
    assert (late["over"] > 0).all()
    both = service_levels(summary, TARGETS, by=["department", "priority"])
    assert both["breached"].sum() == found["breached"].sum()
    assert (
        service_levels(summary, {"urgent": 12})["no_target"].sum() == (summary["priority"] != "urgent").sum()
    )


def test_an_open_ticket_is_a_breach_once_its_time_is_up():
    tickets = pd.DataFrame({"resolution": [1.0, None, None], "age": [50.0, 49.0, 2.0]})
    found = service_levels(tickets, 8, by=None).iloc[0]
    assert found[["n", "within", "breached", "undecided"]].tolist() == [2, 1, 1, 1]
    assert breaches(tickets, 8)["over"].tolist() == [41.0]


def test_wrong_targets_are_refused(summary):
    with pytest.raises(ParameterError, match="No ticket has the priority 'urgnt'; did you mean 'urgent'"):
        service_levels(summary, {"urgnt": 4})
    with pytest.raises(ParameterError, match="hours above 0"):
        service_levels(summary, 0)
    with pytest.raises(TableError, match="need a column made_sla"):
        service_levels(summary, "made_sla")
    with pytest.raises(ParameterError, match="by true or false"):
        service_levels(summary, "channel")
    with pytest.raises(ParameterError, match="no measure 'reply'"):
        service_levels(summary, 4, measure="reply")


def test_first_responses_have_levels_and_curves_too(summary):
    found = time_to_resolution(summary, measure="first_response").groups.iloc[0]
    assert found["median"] < time_to_resolution(summary).groups["median"].item()
    assert service_levels(summary, 4, by=None, measure="first_response")["n"].item() <= len(summary)


def test_tickets_without_a_group_are_a_group(summary):
    known = summary.assign(department=summary["department"].mask(summary.index < 30))
    found = time_to_resolution(known, "department")
    assert found.groups["n"].sum() == len(summary)
    assert found.groups.loc[found.groups["department"].isna(), "n"].item() == 30
    assert found.groups["ended"].sum() == summary["resolved"].sum()
    assert "department" in found.curve


def test_ways_add_up(sample, summary):
    transitions, paths = status_paths(sample["tickets"])
    assert paths["tickets"].sum() == len(summary)
    assert paths["share"].sum() == pytest.approx(1)
    assert transitions.groupby("status")["share"].sum().tolist() == pytest.approx([1] * 6)
    # The sample resolves a ticket that came back before it closes it.
    assert transitions.set_index(["status", "next"]).loc[("reopened", "resolved"), "share"] == 1
    log = log_of(("a", "opened", 0), ("a", "assigned", 1), ("a", "assigned", 2), ("a", "closed", 5))
    found = status_paths(log)
    assert found.paths.values.tolist() == [["opened > assigned > closed", 1, 1.0, 5.0]]
    assert found.transitions["median_hours"].tolist() == [4.0, 1.0]


def test_customers_see_plain_words_and_nothing_of_the_house(sample):
    found = status_for_customer(sample["tickets"])
    assert found.columns.tolist() == ["ticket_id", "received", "status", "since"]
    assert set(found["status"]) <= {"received", "being worked on", "on hold", "answered", "solved",
                                    "being worked on again", "closed"}  # fmt: skip
    log = log_of(("a", "opened", 0), ("a", "resolved", 1), ("a", "reopened", 3), ("a", "assigned", 4),
                 ("a", "assigned", 6), ("b", "opened", 2))  # fmt: skip
    one = status_for_customer(log, "a").iloc[0]
    assert one["status"] == "being worked on again"
    assert one["since"] == pd.Timestamp("2024-01-01 04:00")
    with pytest.raises(ParameterError, match="no ticket 'z'"):
        status_for_customer(log, "z")


def test_complaints_per_hundred_services(sample):
    log, orders = sample["tickets"], sample["orders"]
    found = complaint_rate(log, orders)
    complaints = log.loc[log["kind"] == "complaint", "ticket_id"].nunique()
    assert found.n == orders["order_id"].nunique()
    assert found.value == pytest.approx(100 * complaints / found.n)
    assert found.low == pytest.approx(100 * poisson(complaints)[0] / found.n)
    assert complaint_rate(log, found.n) == found
    by = complaint_rate(log, orders, by="channel").set_index("channel")
    assert by["complaints"].sum() == complaints
    assert by["rate"].dropna().is_monotonic_decreasing
    assert by.loc[by["services"] == 0, "rate"].isna().all()
    named = complaint_rate(log, by["services"].to_dict(), by="channel").set_index("channel")
    pd.testing.assert_frame_equal(named, by)
    parts = [complaint_rate(log, 100, until="2024-06-01"), complaint_rate(log, 100, since="2024-06-01")]
    assert sum(part.value for part in parts) == pytest.approx(complaints)
    with pytest.raises(ParameterError, match="no services"):
        complaint_rate(log, 0)
    with pytest.raises(ParameterError, match="services is a number"):
        complaint_rate(log, 100, by="channel")
    with pytest.raises(ParameterError, match="services is a number"):
        complaint_rate(log, None)


def test_a_backlog_has_a_row_for_every_period_of_either_calendar():
    log = log_of(("a", "opened", 0), ("a", "closed", 24 * 100), ("a", "reopened", 24 * 109))
    months = backlog(log)
    assert months["period"].dt.month.tolist() == [1, 2, 3, 4]
    assert months["open"].tolist() == [1, 1, 1, 1]
    assert months["reopened"].tolist() == [0, 0, 0, 1]
    jalali = backlog(log, "M", "jalali")
    assert jalali["period"].dt.date.tolist() == [
        datetime.date(2023, 12, 22), datetime.date(2024, 1, 21), datetime.date(2024, 2, 20),
        datetime.date(2024, 3, 20)]  # fmt: skip
    with pytest.raises(ParameterError, match="period is"):
        backlog(log, "D")


def test_the_exact_interval_of_a_count():
    # Garwood (1936), table of 95 % limits.
    assert [round(float(end), 3) for end in poisson(10)] == [4.795, 18.390]
    assert [round(float(end), 3) for end in poisson(0)] == [0.0, 3.689]
    assert np.isnan(poisson(np.nan)).all()
