"""From raw file to HTML on public data: the figures in the reports are the published ones."""

import re
from pathlib import Path

import pandas as pd
import pytest

from crmlab.describe import write_public_workspace
from crmlab.reporting import run_report
from crmlab.workspace import open_workspace


@pytest.fixture(scope="module")
def real(public_data, tmp_path_factory):
    """Run a report on a public data set, from its raw file."""
    folder = tmp_path_factory.mktemp("real")

    def run(dataset: str, name: str, **parameters: object) -> Path:
        if not (folder / dataset).exists():
            write_public_workspace(dataset, folder / dataset)
        return run_report(name, folder / dataset, parameters, language="en", out=folder / "reports").folder

    run.folder = folder
    return run


def workspace_of(folder: Path, *sources: str) -> Path:
    """A workspace as its owner writes it down."""
    folder.mkdir()
    (folder / "crmlab.toml").write_text("\n".join(['[workspace]\nname = "Raw"', *sources]), encoding="utf-8")
    return folder


def text_of(folder: Path) -> str:
    """Words of the page without its marks."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    page = re.sub(r"<(style|details).*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


def table_of(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "tables" / f"{name}.csv")


def test_segmentation_of_cdnow_has_the_exact_totals(real):
    folder = real("cdnow", "segmentation")
    text = text_of(folder)
    assert "23,570 customers placed 69,659 orders worth 2,500,316 USD from 1997-01-01 to 1998-06-30" in text
    segments = table_of(folder, "segment_actions")
    assert segments["customers"].sum() == 23_570
    assert segments["value"].sum() == 250_031_563
    assert table_of(folder, "orders_by_month")["orders"].sum() == 69_659
    assert table_of(folder, "customers_by_month")["new"].sum() == 23_570


def test_campaign_of_hillstrom_has_the_published_visit_rates(real):
    folder = real("hillstrom", "campaign", response="visited")
    text = text_of(folder)
    assert "addressed 64,000 customers (arms: 3)" in text
    arms = table_of(folder, "response_by_arm").set_index("arm")
    assert (100 * arms["value"]).round(3).to_dict() == {
        "Mens E-Mail": 18.276, "Womens E-Mail": 15.140, "No E-Mail": 10.617,
    }  # fmt: skip
    effects = table_of(folder, "effects_in_numbers").set_index("arm")
    assert effects["difference"].round(8).to_dict() == {
        "Mens E-Mail": 0.07658956,
        "Womens E-Mail": 0.04523311,
    }
    assert (effects["low"] > 0).all()
    figures = table_of(folder, "headline_figures").set_index("figure")["value"]
    # Of the 42,694 who got an e-mail, not of the 21,306 who got none as well.
    assert figures["Contacted"] == 42_694
    assert figures["Response rate of the contacted"] == (3_894 + 3_238) / 42_694
    assert "Mens E-Mail, changed the response rate by 7.66 percentage points against no contact" in text
    assert "(7.00 to 8.32" in text


def test_satisfaction_of_the_airline_passengers(real):
    folder = real("airline_satisfaction", "satisfaction")
    headline = table_of(folder, "headline").set_index("metric")
    # 56,428 of 129,880 passengers were satisfied.
    assert headline.loc["csat", "value"] == pytest.approx(100 * 56_428 / 129_880)
    assert headline.loc["csat", "n"] == 129_880
    points = table_of(folder, "csat_by_touch_point")
    assert len(points) == 14
    raw = pd.read_csv(
        open_workspace(real.folder / "airline_satisfaction").path / "airline_passenger_satisfaction.csv.gz"
    )
    wifi = raw["In-flight Wifi Service"]
    expected = (wifi >= 4).sum() / (wifi > 0).sum()
    assert points.set_index("touch_point").loc["In-flight Wifi Service", "value"] == pytest.approx(expected)
    text = text_of(folder)
    assert "In-flight Wifi Service falls farthest behind" in text
    # Nobody was asked for NPS and CES: a line each at the end, no empty sections.
    assert "What is not in this report Would customers recommend us? There are no answers to this" in text
    assert "Was it easy for them? There are no answers to this question." in text
    assert text.count("Was it easy for them?") == 1
    assert "There are no data for this." not in text_of(folder)
    assert table_of(folder, "headline")["metric"].tolist() == ["csat"]
    assert not list((folder / "tables").glob("nps_*"))


def test_segmentation_of_online_retail_sets_anonymous_lines_aside(real):
    folder = real("online_retail", "segmentation")
    counts = open_workspace(real.folder / "online_retail").state["tables"]["orders"]
    assert (counts["rows_in"], counts["set_aside"]) == (525_461, 107_927)
    assert counts["rows_in"] == counts["clean"] + counts["set_aside"] + counts["merged"]
    raw = pd.read_parquet(real.folder / "online_retail" / "online_retail_2009_2010.parquet")
    bought = raw[raw["Customer ID"].notna() & (raw["Quantity"] > 0)]
    assert (
        f"{bought['Customer ID'].nunique():,} customers placed {bought['Invoice'].nunique():,} orders"
        in text_of(folder)
    )


@pytest.mark.parametrize("language", ["en", "fa"])
def test_satisfaction_of_oddjob_with_its_codes_and_its_gaps(public_data, tmp_path, language):
    file = public_data / "oddjob_airline" / "oddjob_airline.csv.gz"

    def asked(metric: str, low: int, high: int, answers: dict[str, str]) -> str:
        named = "\n".join(f'{heading} = "{point}"' for heading, point in answers.items())
        return (
            f'[[source]]\nfile = "{file}"\ntable = "surveys"\n[source.constants]\nmetric = "{metric}"\n'
            f"scale_low = {low}\nscale_high = {high}\n[source.answers]\n{named}"
        )

    folder = workspace_of(
        tmp_path / "oddjob",
        asked("nps", 1, 11, {"nps": ""}),
        asked("csat", 1, 7, {"overall_sat": ""}),
        asked("item", 1, 100, {f"s{n}": f"item {n}" for n in range(1, 24)}),
        asked("expectation", 1, 100, {f"e{n}": f"item {n}" for n in range(1, 24)}),
    )
    run = run_report("satisfaction", folder, language=language, out=tmp_path / "reports").folder
    headline = table_of(run, "headline").set_index("metric")
    assert headline.loc["nps", "value"] == pytest.approx(-18.1221, abs=5e-5)
    gaps = table_of(run, "gaps")
    assert len(gaps) == 23
    # On 0 to 100, where the answers are on 1 to 100.
    assert gaps["name"].iloc[[0, -1]].tolist() == ["item 4", "item 12"]
    assert 0.99 * gaps["gap"].iloc[0] == pytest.approx(-30.214, abs=5e-4)
    drivers = table_of(run, "drivers")
    assert drivers.loc[0, ["driver", "n"]].tolist() == ["item 23", 793]
    assert drivers.loc[0, "share"] == pytest.approx(0.3714, abs=5e-5)


@pytest.mark.parametrize("language", ["en", "fa"])
def test_satisfaction_from_nothing_but_the_incident_log(public_data, tmp_path, language):
    file = public_data / "incident_log" / "incident_event_log.csv.gz"
    columns = {
        "ticket_id": "number", "time": "sys_updated_at", "status": "ident_state",
        "department": "assignment_group", "priority": "priority",
    }  # fmt: skip
    named = "\n".join(f'{column} = "{heading}"' for column, heading in columns.items())
    folder = workspace_of(
        tmp_path / "incidents", f'[[source]]\nfile = "{file}"\ntable = "tickets"\n[source.columns]\n{named}'
    )
    run = run_report("satisfaction", folder, language=language, out=tmp_path / "reports").folder
    levels = table_of(run, "levels_by_department")
    assert len(levels) == 15
    assert table_of(run, "backlog")["opened"].sum() == 24_918
    # Five rows have the unknown state -100; others tell of one status twice within a minute.
    reasons = open_workspace(folder).quarantine["reasons"]
    assert reasons.str.contains("status: value not allowed").sum() == 5
    assert reasons.str.contains("status: value not allowed|taken by an earlier row").all()
    if language == "en":
        assert "of 24,918 requests and complaints were resolved within 72 hours" in text_of(run)
