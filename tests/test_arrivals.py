"""Event files that other systems write while they are read."""

import gzip
import json
import os
import time

import pandas as pd
import pytest

from crmlab.arrivals import Arrivals
from crmlab.cleansing.clean import Conventions
from crmlab.errors import SourceError
from crmlab.mining.campaigns import Monitor

HEAD = "campaign_id,customer_id,time,event,arm,channel,value\n"
HAPPENED = (("assigned", ""), ("clicked", ""), ("converted", "12.50"))
LINES = [
    f"M1,{n},2026-03-0{1 + n % 9} 10:00:00,{event},{'mail' if n % 2 else 'none'},email,{value}\n"
    for n in range(12)
    for event, value in HAPPENED
]


def watch_of(folder):
    return Monitor(folder / ".state", "M1", {"mail": 1, "none": 1}, "none")


def old(path):
    """The file as it would be if nothing had been written for long."""
    os.utime(path, (1, 1))


@pytest.fixture
def all_of_it(tmp_path_factory):
    folder = tmp_path_factory.mktemp("all")
    (folder / "all.csv").write_text(HEAD + "".join(LINES))
    found = watch_of(folder).refresh(Arrivals(folder), now="2026-04-01")
    assert found.counts["events"] == len(LINES)
    assert found.arms["revenue"].tolist() == [6 * 1250, 6 * 1250]
    return found


def same(found, expected):
    pd.testing.assert_frame_equal(found.arms, expected.arms)
    pd.testing.assert_frame_equal(found.funnel, expected.funnel)
    assert found.counts == expected.counts


@pytest.mark.parametrize("step", [23, 211, 400])
def test_a_file_that_grows_by_bytes_is_read_by_lines(tmp_path, all_of_it, step):
    content = (HEAD + "".join(LINES)).encode()
    watch, arrivals = watch_of(tmp_path), Arrivals(tmp_path)
    # With steps of a few bytes nearly every look finds half a line.
    for end in [*range(1, len(content), step * (1 if step > 23 else 9)), len(content)]:
        (tmp_path / "log.csv").write_bytes(content[:end])
        found = watch.refresh(arrivals, now="2026-04-01")
    same(found, all_of_it)
    assert arrivals.waiting == []


def test_only_what_was_added_is_read(tmp_path, monkeypatch):
    read, original = [], Arrivals._events

    def noted(self, path, whole):
        read.append(path.read_text())
        return original(self, path, whole)

    monkeypatch.setattr(Arrivals, "_events", noted)
    watch, arrivals, path = watch_of(tmp_path), Arrivals(tmp_path), tmp_path / "log.csv"
    path.write_text(HEAD + "".join(LINES[:20]))
    watch.refresh(arrivals)
    watch.refresh(arrivals)
    with path.open("a") as log:
        log.write(LINES[20] + LINES[21][:9])
    watch.refresh(arrivals)
    assert read == [HEAD + "".join(LINES[:20]), HEAD + LINES[20]]
    assert arrivals.waiting == ["log.csv"]
    # Another file of the same name is read from its beginning.
    path.write_text(HEAD + "".join(LINES[::-1]))
    watch.refresh(arrivals)
    assert read[-1] == HEAD + "".join(LINES[::-1])
    assert watch.snapshot().counts["events"] == len(LINES)


def test_formats_and_files_that_come_twice(tmp_path, all_of_it):
    frame = pd.DataFrame([line.strip().split(",") for line in LINES], columns=HEAD.strip().split(","))
    records = "".join(json.dumps(row) + "\n" for row in frame.to_dict("records"))
    (tmp_path / "a.jsonl").write_text(records[: len(records) // 2])
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress((HEAD + "".join(LINES[:18])).encode()))
    frame.iloc[10:].to_parquet(tmp_path / "c.parquet")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.csv").write_text((HEAD + "".join(LINES[5:9])).replace(",", ";"))
    found = watch_of(tmp_path).refresh(Arrivals(tmp_path), now="2026-04-01")
    pd.testing.assert_frame_equal(found.arms, all_of_it.arms)
    assert found.counts["events"] == len(LINES)
    assert found.counts["duplicates"] == found.sources["events"].sum() - len(LINES)
    assert found.counts["duplicates"] > len(LINES) / 2


def test_a_half_written_file_is_waited_for_and_a_broken_one_set_aside(tmp_path):
    frame = pd.DataFrame({"customer_id": ["1"], "event": ["assigned"], "arm": ["mail"]})
    frame.to_parquet(tmp_path / "whole.parquet")
    content = (tmp_path / "whole.parquet").read_bytes()
    watch, arrivals, path = watch_of(tmp_path), Arrivals(tmp_path), tmp_path / "half.parquet"
    path.write_bytes(content[:-9])
    (tmp_path / "other.csv").write_text("name,city\nAnn,York\n")
    (tmp_path / "still.csv.part").write_text("customer_id,event\n9,clicked\n")
    found = watch.refresh(arrivals)
    assert arrivals.waiting == ["half.parquet"]
    reasons = found.sources.set_index("source")["reason"]
    assert reasons["other.csv"] == "other.csv has no column for customer_id; it has: name, city."
    assert reasons.index.tolist() == ["other.csv", "whole.parquet"]
    old(path)
    found = watch.refresh(arrivals)
    assert arrivals.waiting == []
    assert (
        "half.parquet cannot be read as Parquet"
        in found.sources.set_index("source")["reason"]["half.parquet"]
    )
    assert found.counts["events"] == 1
    # Whoever sends it again, whole, is heard.
    path.write_bytes(content)
    found = watch.refresh(arrivals)
    assert found.sources.set_index("source")["reason"]["half.parquet"] == ""
    assert (found.counts["events"], found.counts["duplicates"]) == (1, 1)


def test_a_last_line_without_its_end_is_taken_after_a_while_and_read_again_if_it_goes_on(tmp_path):
    watch, arrivals, path = watch_of(tmp_path), Arrivals(tmp_path), tmp_path / "log.csv"
    path.write_text("customer_id,event,arm\n1,assigned,mail\n2,assigned,none")
    assert watch.refresh(arrivals).counts["events"] == 1
    old(path)
    assert watch.refresh(arrivals).counts["events"] == 2
    with path.open("a") as log:
        log.write("\n3,assigned,mail\n")
    found = watch.refresh(arrivals)
    assert (found.counts["events"], found.counts["duplicates"]) == (3, 0)


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl"])
def test_a_last_line_that_goes_on_counts_once_and_is_not_lost(tmp_path, name):
    def line(customer, event, arm="", value=""):
        row = {"customer_id": customer, "event": event, "arm": arm, "value": value}
        return ",".join(row.values()) if name.endswith("csv") else json.dumps(row)

    head = "customer_id,event,arm,value\n" if name.endswith("csv") else ""
    watch, arrivals, path = watch_of(tmp_path), Arrivals(tmp_path), tmp_path / name
    lines = [line("1", "assigned", "mail"), line("2", "assigned", "none"),
             line("1", "converted", "", "1250.5"),
             line("2", "converted", "", "3")]  # fmt: skip
    whole = head + "\n".join(lines) + "\n"
    seen = []
    ends = {len(head + "\n".join(lines[:3])) - 2, len(head + "\n".join(lines[:3])), len(whole) - 1}
    for end in sorted({*range(len(head) + 1, len(whole), 17), *ends, len(whole)}):
        path.write_text(whole[:end])
        old(path)
        found = watch.refresh(arrivals)
        # Read again by somebody else, who has seen none of it, it says the same.
        other = watch_of(tmp_path / f"other {end}")
        expected = other.refresh(Arrivals(tmp_path), found.at)
        pd.testing.assert_frame_equal(found.arms, expected.arms)
        assert (found.counts["duplicates"], arrivals.waiting) == (0, [])
        assert found.counts["events"] == expected.counts["events"]
        seen.append(found.counts["events"])
    assert seen[-2:] == [4, 4]
    assert found.arms["revenue"].tolist() == [125050, 300]
    assert (found.counts["set_aside"], *found.sources["reason"].unique()) == (0, "")


def test_what_another_file_says_stays_when_a_last_line_goes_on(tmp_path):
    watch, arrivals, path = watch_of(tmp_path), Arrivals(tmp_path), tmp_path / "log.csv"
    path.write_text("customer_id,event,arm,value\n1,assigned,mail,\n1,converted,mail,12")
    old(path)
    assert watch.refresh(arrivals).arms["revenue"].sum() == 1200
    (tmp_path / "other.csv").write_text("customer_id,event,arm,value\n1,converted,mail,12\n")
    watch.refresh(arrivals)
    with path.open("a") as log:
        log.write("0\n")
    found = watch.refresh(arrivals)
    assert (found.arms["revenue"].sum(), found.counts["events"]) == (13200, 3)


def test_a_file_that_comes_back_longer_takes_its_last_line_back(tmp_path):
    watch, arrivals, path = watch_of(tmp_path), Arrivals(tmp_path), tmp_path / "log.csv"
    text = "customer_id,event,arm,value\n1,assigned,mail,\n1,converted,mail,12"
    path.write_text(text)
    old(path)
    watch.refresh(arrivals)
    path.unlink()
    assert watch.refresh(arrivals).arms["revenue"].sum() == 1200
    path.write_text(text + "0\n")
    found = watch.refresh(arrivals)
    assert (found.arms["revenue"].sum(), found.counts["events"]) == (12000, 2)


def test_a_file_stamped_ahead_of_the_clock_is_not_waited_for_without_end(tmp_path):
    watch, arrivals = watch_of(tmp_path), Arrivals(tmp_path, patience=0)
    (tmp_path / "log.csv").write_text("customer_id,event,arm\n1,assigned,mail")
    (tmp_path / "broken.xlsx").write_bytes(b"PK no workbook")
    (tmp_path / "binary.csv").write_bytes(b"\x00\x01" * 50)
    for path in tmp_path.glob("*.*"):
        if path.is_file():
            os.utime(path, (time.time() + 9000, time.time() + 9000))
    found = watch.refresh(arrivals)
    assert (found.counts["events"], arrivals.waiting) == (1, [])
    reasons = found.sources.set_index("source")["reason"]
    assert "not a text file" in reasons["binary.csv"]
    assert "not a workbook that can be read" in reasons["broken.xlsx"]
    # What was taken away is not complained about any more.
    (tmp_path / "binary.csv").unlink()
    (tmp_path / "broken.xlsx").unlink()
    assert set(watch.refresh(arrivals).sources["reason"]) == {""}
    assert list(arrivals(watch.store.marks)) == []


def test_records_that_cannot_be_read_are_counted_and_the_first_is_named(tmp_path):
    (tmp_path / "log.csv").write_text(
        "customer_id,event,time,arm\n1,assigned,2026-03-01,mail\n2,yelled,,\n,clicked,,\n"
    )
    found = watch_of(tmp_path).refresh(Arrivals(tmp_path))
    assert (found.counts["events"], found.counts["set_aside"]) == (1, 2)
    assert found.sources["reason"].tolist() == ["record 2: event: value not allowed"]


def test_a_value_that_is_no_number_is_no_purchase_but_who_leaves_is_heard(tmp_path):
    (tmp_path / "log.csv").write_text(
        "customer_id,event,time,arm,value\n1,assigned,2026-03-01,mail,\n1,converted,2026-03-02,,abc\n"
        ",clicked,,,\n1,unsubscribed,2026-03-02,,x\n1,converted,2026-03-03,,12.5\n"
    )
    watch = watch_of(tmp_path)
    found = watch.refresh(Arrivals(tmp_path), now="2026-04-01")
    assert (found.counts["events"], found.counts["set_aside"]) == (3, 2)
    assert found.sources["reason"].tolist() == ["record 2: value: not a number of at most 15 digits"]
    assert watch.store.events()["event"].tolist() == ["assigned", "converted", "unsubscribed"]
    assert found.arms["revenue"].tolist() == [1250, 0]


def test_an_arm_may_be_called_none_and_lines_within_quotes_end_no_record(tmp_path):
    (tmp_path / "log.csv").write_text(
        'customer_id,event,arm,time\n1,assigned,none,2026-03-01\n2,assigned,"none'
    )
    watch, arrivals = watch_of(tmp_path), Arrivals(tmp_path)
    assert watch.refresh(arrivals).arms["customers"].tolist() == [0, 1]
    with (tmp_path / "log.csv").open("a") as log:
        log.write('\n",2026-03-01\n')
    assert watch.refresh(arrivals).arms["customers"].tolist() == [0, 2]


def test_headings_and_conventions_can_be_named(tmp_path):
    (tmp_path / "log.csv").write_text("who;what;when;id\n7;clicked;03/04/2026;x\n7;clicked;03/04/2026;y\n")
    named = {"customer_id": "who", "event": "what", "time": "when", "event_id": "id"}
    watch = watch_of(tmp_path)
    found = watch.refresh(Arrivals(tmp_path, named, Conventions(day_first=True)), now="2026-05-01")
    assert found.counts["events"] == 2
    assert watch.store.events()["time"].dt.month.tolist() == [4, 4]


def test_what_cannot_be_watched_is_named(tmp_path):
    with pytest.raises(SourceError, match="There is no folder .* to watch"):
        Arrivals(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="no column 'custmer_id'; did you mean 'customer_id'"):
        Arrivals(tmp_path, {"custmer_id": "who"})
