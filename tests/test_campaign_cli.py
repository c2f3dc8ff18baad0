"""The commands about campaigns, from a definition to its report, and what they say to mistakes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from crmlab.cli import main
from crmlab.mining.campaigns import Campaign
from crmlab.workspace import open_workspace

#: Long after the campaign's last day.
NOW = "2025-03-01"


def crmlab(*arguments: object):
    result = CliRunner().invoke(main, ["campaign", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def shop(sample_folder: Path, tmp_path: Path) -> Path:
    """A sample workspace of one's own."""
    return shutil.copytree(sample_folder, tmp_path / "shop", copy_function=shutil.copy2)


@pytest.fixture(scope="module")
def drawn(sample_folder: Path, tmp_path_factory) -> Path:
    """A sample workspace with a campaign whose audience is drawn: copy it to change it."""
    folder = shutil.copytree(
        sample_folder, tmp_path_factory.mktemp("drawn") / "shop", copy_function=shutil.copy2
    )
    assert crmlab("new", "spring", "-w", folder).exit_code == 0
    assert crmlab("audience", "spring", "-w", folder).exit_code == 0
    return folder


@pytest.fixture
def spring(drawn: Path, tmp_path: Path) -> Path:
    """A sample workspace of one's own with a campaign whose audience is drawn."""
    return shutil.copytree(drawn, tmp_path / "shop", copy_function=shutil.copy2)


def change(folder: Path, *pairs: tuple[str, str], name: str = "spring") -> None:
    path = folder / "campaigns" / f"{name}.toml"
    text = path.read_text(encoding="utf-8")
    for old, other in pairs:
        assert old in text
        text = text.replace(old, other)
    path.write_text(text, encoding="utf-8")


def assigned(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "campaigns" / "spring" / "events" / "assigned.csv", dtype=str)


def drop(folder: Path, file: str, rows: pd.DataFrame) -> None:
    """Let a file of events arrive, as another system writes them: without the arm."""
    columns = [name for name in ("campaign_id", "customer_id", "time", "event", "channel", "value", "link")
               if name in rows]  # fmt: skip
    rows[columns].to_csv(folder / "campaigns" / "spring" / "events" / file, index=False)


def refused(folder: Path, channel: str = "email") -> set[str]:
    """Customers whose last word on this channel, or on all, was a refusal."""
    consents = open_workspace(folder).consents
    about = consents["channel"].isna() | (consents["channel"] == channel)
    consents = consents[consents["customer_id"].notna() & about]
    last = consents.sort_values("time").groupby("customer_id")["given"].last()
    return set(last.index[~last.astype(bool)])


def counted(output: str) -> str:
    """What was printed from the number of customers on, without when it was."""
    return output[output.index("Arm ") :]


def test_from_definition_to_report(spring, tmp_path):
    told = crmlab("list", "-w", spring)
    assert told.exit_code == 0
    (line,) = [line for line in told.output.splitlines() if "spring.toml" in line]
    assert line.split()[:5] == ["spring", "spring", "2025-01-01", "to", "2025-01-28"]
    assert "planned" in line
    assert "M001" in told.output  # of the tables, without a definition

    people = assigned(spring)
    contacted = people[people["arm"] != "control"]
    lists = sorted((spring / "campaigns" / "spring" / "lists").glob("*.csv"))
    written = pd.concat([pd.read_csv(path, dtype=str) for path in lists])
    assert sorted(written["customer_id"]) == sorted(contacted["customer_id"])
    assert not {*people["customer_id"]} & refused(spring)
    assert refused(spring)

    drop(spring, "sent.csv", contacted.assign(event="sent", time="2025-01-02 09:00"))
    clicked = contacted.head(40).assign(event="clicked", time="2025-01-02 12:00", link="B")
    drop(spring, "clicks.csv", clicked)
    bought = people.groupby("arm").head(6).assign(event="converted", time="2025-01-04 10:00", value="24.50")
    drop(spring, "orders.csv", bought)
    left = contacted.head(2).assign(event="unsubscribed", time="2025-01-02 13:00")
    drop(spring, "left.csv", left)
    before = {path: path.read_bytes() for path in (spring / "campaigns" / "spring" / "events").iterdir()}
    due = tmp_path / "due.csv"
    first = crmlab("watch", "spring", "-w", spring, "--once", "--as-of", NOW, "--actions", due)
    again = crmlab("watch", "spring", "-w", spring, "--once", "--as-of", NOW, "--actions", due)
    assert first.exit_code == again.exit_code == 0, first.output
    assert counted(first.output) == counted(again.output)
    assert {path: path.read_bytes() for path in before} == before
    assert re.search(r"converted +6 \(.*%\) +6 \(.*%\) +6 \(", first.output)
    assert "147.00 EUR" in first.output  # six times 24.50 in each arm

    def due_of(action: str) -> int:
        (line,) = [line for line in first.output.splitlines() if f" {action} " in line and "->" in line]
        return int(line.split()[-2])

    # Who clicked is called, but for those who bought and the two that left.
    called = {*clicked["customer_id"]} - {*bought["customer_id"]} - {*left["customer_id"]}
    assert (due_of("phone"), due_of("stop")) == (len(called), 2)
    actions = pd.read_csv(due, dtype=str, encoding="utf-8-sig").set_index("customer_id")
    assert not {*actions.index} & {*left["customer_id"]}
    for action in ("phone", "sms"):
        assert not {*actions.index[actions["action"] == action]} & refused(spring, action)
    assert due_of("sms") > (actions["action"] == "sms").sum() > 0
    assert re.search(r"due\.csv \(\d+ contacts, \d+ left out: opted out", first.output)

    # The next audience leaves out who left this one, though no table has it yet.
    shutil.copy2(spring / "campaigns" / "spring.toml", spring / "campaigns" / "summer.toml")
    change(spring, ('campaign_id = "spring"', 'campaign_id = "summer"'), name="summer")
    out = tmp_path / "summer"
    assert crmlab("audience", "summer", "-w", spring, "--out", out).exit_code == 0
    summer = pd.read_csv(out / "events" / "assigned.csv", dtype=str)
    assert not {*summer["customer_id"]} & {*left["customer_id"]}

    without = crmlab("report", "spring", "-w", spring, "--out", tmp_path / "reports")
    assert without.exit_code == 2
    assert (
        "have no events of 'spring' yet; add what was counted with: crmlab campaign watch" in without.output
    )
    for added in (2, 0):  # the second time they are there
        kept = crmlab("watch", "spring", "-w", spring, "--once", "--as-of", NOW, "--record")
        assert kept.exit_code == 0
        assert kept.output.count("Added to the sources") == added
    workspace = open_workspace(spring)
    events = workspace.campaign_events.filter(workspace.campaign_events["campaign_id"] == "spring").execute()
    assert len(events) == len(people) + len(contacted) + 40 + len(bought) + 2
    assert events["value"].sum() == 2450 * len(bought)
    made = crmlab("report", "spring", "-w", spring, "--out", tmp_path / "reports")
    assert made.exit_code == 0, made.output
    (page,) = (tmp_path / "reports" / "campaign").glob("*/report.html")
    assert "spring" in page.read_text(encoding="utf-8")
    state = [line for line in crmlab("list", "-w", spring).output.splitlines() if "spring.toml" in line]
    assert "running" in state[0]


def test_only_what_counts_is_recorded(spring, tmp_path):
    people = assigned(spring)
    contacted = people[people["arm"] != "control"]
    drop(spring, "sent.csv", contacted.assign(event="sent", time="2025-01-02 09:00"))
    wrong = pd.concat([
        contacted.iloc[:1].assign(event="assigned", arm="control", time="2025-01-03 09:00"),
        contacted.iloc[1:2].assign(event="clicked", arm="offer x", time="2025-01-03 09:00"),
        contacted.iloc[2:3].assign(event="clicked", arm="control", time="2025-01-03 09:00"),
        contacted.iloc[3:4].assign(event="clicked", customer_id="nobody", time="2025-01-03 09:00"),
    ])  # fmt: skip
    wrong.to_csv(spring / "campaigns" / "spring" / "events" / "wrong.csv", index=False)
    kept = crmlab("watch", "spring", "-w", spring, "--once", "--as-of", NOW, "--record")
    assert "Left out of the tables: 3 events that do not count." in kept.output
    events = open_workspace(spring).campaign_events.execute()
    events = events[events["campaign_id"] == "spring"]
    assert events.groupby("customer_id")["arm"].nunique().eq(1).all()
    assert len(events) == len(people) + len(contacted) + 1
    # What names another arm than the customer's counts for that of the assignment.
    (clicked,) = events[events["event"] == "clicked"].itertuples()
    assert (clicked.customer_id, clicked.arm) == tuple(contacted.iloc[2][["customer_id", "arm"]])
    assert crmlab("audience", "spring", "-w", spring, "--dry-run").exit_code == 0
    made = crmlab("report", "spring", "-w", spring, "--out", tmp_path / "reports")
    assert made.exit_code == 0, made.output


def test_new_begins_after_the_data_and_replaces_nothing_unasked(shop):
    made = crmlab("new", "Herbst & Winter/25", "-w", shop, "--lang", "fa")
    assert made.exit_code == 0
    path = shop / "campaigns" / "Herbst-Winter-25.toml"
    read = Campaign.read(path)
    assert (read.name, f"{read.started_at}", read.currency) == ("Herbst & Winter/25", "2025-01-01", "EUR")
    assert f'crmlab campaign audience "Herbst-Winter-25" -w {shop} --dry-run' in made.output
    path.write_text("kept", encoding="utf-8")
    again = crmlab("new", "Herbst & Winter/25", "-w", shop)
    assert again.exit_code == 2
    assert "is there already; take another name, or replace it with --force." in again.output
    assert path.read_text(encoding="utf-8") == "kept"
    assert crmlab("new", "Herbst & Winter/25", "-w", shop, "--force").exit_code == 0
    assert Campaign.read(path).campaign_id == "Herbst & Winter/25"
    assert crmlab("new", "///", "-w", shop).exit_code == 2


def test_a_definition_that_cannot_be_read_is_a_line_of_the_list(spring):
    (spring / "campaigns" / "odd.toml").write_text("[campaign", encoding="utf-8")
    shutil.copy2(spring / "campaigns" / "spring.toml", spring / "campaigns" / "twin.toml")
    told = crmlab("list", "-w", spring)
    assert told.exit_code == 1
    assert "odd.toml is not valid TOML" in told.output
    assert "twin.toml: the campaign_id 'spring' is that of" in told.output
    assert "spring.toml" in told.output


def test_a_dry_run_writes_nothing_and_says_all(shop):
    crmlab("new", "spring", "-w", shop)
    told = crmlab("audience", "spring", "-w", shop, "--dry-run", "--base", 0.02, "--strata", "gender",
                  "--as-of", "2025-01-05")  # fmt: skip
    assert told.exit_code == 0, told.output
    for part in ("customers on 2025-01-05", "not in the segment", "opted out", "offer a", "not contacted",
                 "show 6.0 % against 2.0 %", "Largest standardised difference", "Nothing is"):  # fmt: skip
        assert part in told.output
    assert [path.name for path in (shop / "campaigns").iterdir()] == ["spring.toml"]
    plain = crmlab("audience", "spring", "-w", shop, "--dry-run")
    assert "responded in the control group of M001" in plain.output


def test_who_was_drawn_stays_drawn(spring):
    before = assigned(spring)
    assert crmlab("audience", "spring", "-w", spring).exit_code == 0
    change(spring, ("seed = 1 ", "seed = 2 "))
    again = crmlab("audience", "spring", "-w", spring)
    assert again.exit_code == 2
    assert "assigned.csv assigns other customers: who was drawn once stays in the arm." in again.output
    assert assigned(spring).equals(before)
    assert crmlab("audience", "spring", "-w", spring, "--force").exit_code == 0
    assert not assigned(spring).equals(before)


@pytest.mark.parametrize(
    ("old", "other", "sentence"),
    [
        ('"recency > 60 ', '"recensy > 60 ', "the profile has no column 'recensy'; did you mean 'recency'?"),
        ('action = "post"', 'action = "email"', "rules loop without end in the arm 'offer a': 'bounced"),
        ("share = 0.4", "share = 0.5", "the shares are to add up to 1, not to 1.2, so that arms overlap"),
        ("share = 0.2 ", "share = 0 ", "[control]: share is a number between 0 and 1, not 0.0; without a"),
        ('currency = "EUR"', "", "[campaign] needs the entry currency"),
        ('currency = "EUR"', 'currency = "USD"', "currency is USD with 2 digits after the decimal mark, but"),
    ],
)  # fmt: skip
def test_a_wrong_definition_is_one_sentence(spring, old, other, sentence):
    change(spring, (old, other))
    for command in (("audience", "spring"), ("watch", "spring", "--once", "--as-of", NOW)):
        if command[0] == "watch" and "recensy" in other:
            continue  # events are counted without the profile
        told = crmlab(*command, "-w", spring)
        assert told.exit_code == 2
        assert sentence in told.output
        assert told.output.startswith("crmlab: ")
        assert told.output.count("\n") == 1


def test_events_that_cannot_be_right_are_told(spring):
    people = assigned(spring)
    first = people[people["arm"] != "control"].iloc[:3]
    early = first.iloc[:1].assign(event="clicked", time="2024-12-01 09:00")
    late = first.iloc[1:2].assign(event="visited", time="2099-01-01 09:00")
    twice = first.iloc[2:].assign(event="opened", time="2025-01-02 09:00")
    drop(spring, "odd.csv", pd.concat([early, late, twice, twice]))
    told = crmlab("watch", "spring", "-w", spring, "--once")
    assert told.exit_code == 1
    assert "visited" not in told.output  # its time has not come
    said = " ".join(told.output.split())
    assert "Look into it: 1 event lies before the assignment of its customer and does not count." in said
    assert (
        "Look into it: 1 event is stamped later than now and is set aside until then: check the clocks."
        in said
    )
    assert "1 event arrived again and was counted once." in said
    assert "'clicked link B but not converted within 3 days -> phone after 4 hours' waits for a link" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("audience", "sprin"), "There is no campaign 'sprin'"),
        (("audience", "spring", "--strata", "gendre"), "did you mean 'gender'?"),
        (("audience", "spring", "--as-of", "some day"), "--as-of"),
        (("audience", "spring", "--base", "2"), "--base"),
        (("watch", "spring", "--record"), "give --once as well."),
        (("watch", "spring", "--once", "--events", "nowhere"), "There is no folder nowhere to watch"),
        (("watch", "spring", "--events", "nowhere"), "There is no folder nowhere to watch"),
        (("watch", "spring", "--once", "--as-of", "2025-01-01T00:00+01:00"), "without a time zone"),
        (("report", "M0001"), "There is no campaign 'M0001'"),
        (("audience", "M001"), "The campaign 'M001' is in the tables but has no definition"),
        (("watch", "M001", "--once"), 'crmlab campaign new "M001" -w '),
    ],
)
def test_a_wrong_call_is_one_sentence(drawn, arguments, sentence):
    told = crmlab(*arguments, "-w", drawn)
    assert told.exit_code == 2
    assert sentence in told.output
    assert "Traceback" not in told.output


def test_report_on_a_campaign_of_the_tables(drawn, tmp_path):
    made = crmlab("report", "M001", "-w", drawn, "--out", tmp_path, "-p", "response=visited")
    assert made.exit_code == 0, made.output
    assert len(list((tmp_path / "campaign").glob("*/report.html"))) == 1


def test_events_of_the_tables_are_not_added_again(spring):
    change(spring, ('campaign_id = "spring"', 'campaign_id = "M001"'))
    settings = (spring / "crmlab.toml").read_bytes()
    told = crmlab("watch", "spring", "-w", spring, "--once", "--as-of", NOW, "--record")
    assert told.exit_code == 2
    assert "The tables have events of 'M001' from another source" in told.output
    assert (spring / "crmlab.toml").read_bytes() == settings


def test_the_page_watches_what_one_look_watches(spring, monkeypatch):
    shown = []

    def serve(notebook, port, browser, ready):
        import nbformat

        ready(f"http://127.0.0.1:{port}/")
        (code,) = [cell.source for cell in nbformat.read(notebook, 4).cells if cell.cell_type == "code"]
        lines = code.splitlines()
        names: dict = {}
        exec("\n".join([*lines[:-1], f"watch = {lines[-1]}"]), names)
        names["watch"].refresh()
        shown.append(names["watch"].snapshot)
        return 0

    monkeypatch.setattr("crmlab.reporting.live.serve", serve)
    told = crmlab("watch", "spring", "-w", spring, "--no-browser", "--lang", "fa", "--every", 3)
    assert told.exit_code == 0, told.output
    assert "until Ctrl-C" in told.output
    assert shown[0].arms["customers"].sum() == len(assigned(spring))
    assert shown[0].counts["duplicates"] == 0


def test_help_loads_nothing_heavy():
    script = (
        "import sys; sys.argv = ['crmlab', 'campaign', '--help']\n"
        "from crmlab.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(*sorted(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"pandas", "numpy", "ibis", "rich"} & {*loaded.stdout.split()}
