"""The report on who leaves or responds: in both languages, alone with its root, public, built by hand."""

import json
import re
import shutil
from urllib.parse import unquote

import duckdb
import numpy as np
import pandas as pd
import pytest

import crmlab as crm
from crmlab.describe import write_public_workspace
from crmlab.mining.methods import trees
from crmlab.reporting import run_report, verify

NAME = "response_tree"
EVENTS = '[[source]]\ntable = "campaign_events"\nfile = "../events.csv"'
PEOPLE = """[[source]]
table = "customers"
file = "../people.csv"
[source.columns]
customer_id = "customer_id"
visits = "visits"
branch = "branch"
"""


@pytest.fixture(scope="module")
def runs(sample_folder, tmp_path_factory):
    """Folders of the report on the sample, made once for each call."""
    out, made = tmp_path_factory.mktemp("trees"), {}

    def run(language="en", workspace=sample_folder, **parameters):
        call = (language, workspace, *sorted(parameters.items()))
        if call not in made:
            made[call] = run_report(NAME, workspace, parameters, language, out).folder
        return made[call]

    return run


def page_of(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


def text_of(folder):
    page = re.sub(r"<(style|details)\b.*?</\1>", " ", page_of(folder), flags=re.S)
    return re.sub(
        r"\s+", " ", re.sub(r"<[^>]+>", "", re.sub(r'<pre class="code".*?</pre>', "", page, flags=re.S))
    )


def table_of(folder, name):
    return pd.read_csv(folder / "tables" / f"{name}.csv")


def test_the_tree_tells_who_leaves_and_is_judged_by_a_later_time(runs, sample_folder):
    folder = runs()
    cases = crm.mining.customers.churn_cases(crm.open_workspace(sample_folder))
    rules, figures = table_of(folder, "rules"), table_of(folder, "headline_figures").set_index("figure").value
    assert figures["Customers"] == len(cases.y) == rules["learnt"].sum()
    assert rules["held_out"].sum() == len(cases.y_held_out)
    assert rules["candidates"].sum() == len(cases.candidates)
    assert figures["Base rate"] == cases.rate
    assert (rules["learnt"] * rules["rate"]).sum() == pytest.approx((cases.y == "churned").sum())
    assert cases.judged - cases.learnt == cases.decided - cases.judged == pd.Timedelta(days=90)
    assert figures["AUC"] > 0.6
    assert rules["probability"].is_monotonic_decreasing
    assert table_of(folder, "tree").iloc[0][["node", "n"]].tolist() == ["1", len(cases.y)]
    gains = table_of(folder, "gains")
    assert gains.iloc[[0, -1], :2].values.tolist() == [[0, 0], [1, 1]]
    assert set(table_of(folder, "importance")["column"]) <= set(cases.X)


def test_both_languages_tell_the_same_and_nothing_is_left_in_english(runs):
    english, persian = runs("en"), runs("fa")
    for name in ("tree", "gains", "contact_list", "headline_figures"):
        assert table_of(english, name).equals(table_of(persian, name))
    assert (english / "files" / "rules.sql").read_bytes() == (persian / "files" / "rules.sql").read_bytes()
    said = re.sub(r"crm(lab)?[\w.]*|\b[A-Z]\d+|SHA-256|[a-z_]+: |«[^»]*»", "", text_of(persian))
    body = said.partition("این گزارش چگونه ساخته شد")[0]
    known = {"AUC", "SQL", "CSV", "DuckDB", "log-loss", "profile", "CompactTreeClassifier", "trees"}
    assert set(re.findall(r"[A-Za-z][A-Za-z-]+", body)) - known - {"tree", "log", "Sample", "shop"} == set()
    assert 'dir="rtl"' in page_of(persian)


def test_the_same_call_gives_the_same_bytes(runs):
    for folder in (runs(), runs("fa", event="opened")):
        assert verify(folder).same


def test_the_sql_scores_customers_as_the_list_does(runs, sample_folder):
    folder = runs()
    cases = crm.mining.customers.churn_cases(crm.open_workspace(sample_folder))
    profile = cases.candidates.reset_index()  # noqa: F841
    sql = (folder / "files" / "rules.sql").read_text(encoding="utf-8")
    scored = duckdb.sql(sql).df().set_index("customer_id")["probability"]
    listed = table_of(folder, "contact_list").set_index("customer_id")["probability"]
    assert len(listed) > 20
    assert np.allclose(scored[listed.index], listed, rtol=1e-12)
    link = re.search(r'href="data:text/plain;charset=utf-8,([^"]*)" download="rules.sql"', page_of(folder))
    assert unquote(link[1]) == sql


def test_nobody_who_refused_is_on_the_list_and_all_others_who_fit_are(runs, sample_folder):
    ws = crm.open_workspace(sample_folder)
    register = crm.cleansing.consent_register(ws.consents, ws.customers)
    rules = table_of(runs(), "rules")
    fit = int(rules.loc[rules["lift"] >= 1.2, "candidates"].sum())
    sizes = {}
    for channel in ("email", "phone"):
        listed = table_of(runs(channel=channel), "contact_list")
        people = listed[["customer_id"]].merge(ws.customers[["customer_id", "email", "phone"]])
        assert crm.cleansing.check_consent(people, register, channel).allowed.all()
        assert listed["customer_id"].is_unique
        sizes[channel] = len(listed)
    assert max(sizes.values()) < fit
    assert len(set(sizes.values())) == 2
    assert len(table_of(runs(least_lift=0.0), "contact_list")) > max(sizes.values())
    assert re.search(r"\d+ more rows in the CSV file", text_of(runs()))


@pytest.mark.parametrize("language", ["en", "fa"])
def test_where_nothing_tells_the_tree_is_its_root_and_says_so(runs, language):
    folder = runs(language, event="opened")
    assert len(table_of(folder, "tree")) == 1
    assert not (folder / "files").exists()
    assert not {"rules", "gains", "contact_list"} & {path.stem for path in (folder / "tables").iterdir()}
    text = text_of(folder)
    if language == "en":
        assert (
            "Nothing that is known of these customers tells those apart whom the question is about." in text
        )
        assert "Whom to contact? The tree is its root alone: there is no list." in text
        assert "Do not choose customers by what is known of them so far." in text
    assert "nan" not in text


def test_a_list_of_nobody_is_empty_and_nobody_is_to_be_contacted(runs):
    folder = runs(least_lift=100.0)
    assert not (folder / "tables" / "contact_list.csv").exists()
    text = text_of(folder)
    assert "No customer fits a rule of which at least 100.00 times as much is expected" in text
    assert "Nobody is on the list, so there is nobody to contact for this reason" in text
    assert "Contact the customers on the list" not in text


@pytest.mark.parametrize("language", ["en", "fa"])
def test_a_tree_kept_at_its_root_is_no_finding_about_the_customers(runs, language):
    text = text_of(runs(language, complexity=100.0))
    assert "nan" not in text
    if language == "en":
        assert "The tree is its root alone because it was asked to be" in text
        assert "Let the tree ask: with a lower complexity" in text
        assert "Nothing that is known" not in text
        assert "Do not choose customers" not in text


def test_units_and_the_horizon_are_said(runs):
    folder = runs()
    asked = set(table_of(folder, "tree")["column"].dropna())
    told = table_of(folder, "meanings").set_index("column")
    assert set(told.index) == asked
    assert told.loc["recency", "meaning"] == "time since the last purchase"
    assert "did not buy for 90 days" in text_of(folder)
    assert "recency (days) is" in text_of(folder)


def small(folder, *sources):
    folder.mkdir()
    (folder / "crmlab.toml").write_text("\n".join(sources), encoding="utf-8")
    return folder


def test_no_campaign_too_few_customers_and_a_short_time_are_told(shop, runs, tmp_path):
    assert "The orders do not reach back two horizons." in text_of(runs(workspace=shop))
    assert "nan" not in text_of(runs("fa", workspace=shop))
    rows = ["customer_id,campaign_id,event,arm"] + [f"{n},x,{event},a" for n in range(30) for event in
            ["assigned"] + ["converted"] * (n < 3)]  # fmt: skip
    (tmp_path / "events.csv").write_text("\n".join(rows))
    folder = small(tmp_path / "few", EVENTS)
    assert "Nothing is known of the customers that the campaign contacted." in text_of(runs(workspace=folder))
    people = ["customer_id,visits,branch"] + [f"{n},{n},x" for n in range(30)]
    (tmp_path / "people.csv").write_text("\n".join(people))
    folder = small(tmp_path / "known", EVENTS, PEOPLE)
    assert "Too few of those contacted responded, or too few did not, to learn from." in text_of(
        runs(workspace=folder)
    )


@pytest.mark.parametrize("k", [30, 300])
def test_a_public_report_shows_a_tree_only_if_all_its_groups_are_large(runs, k):
    folder = runs(public=k)
    tables = {path.stem for path in (folder / "tables").iterdir()}
    assert "contact_list" not in tables
    tree = table_of(folder, "tree")
    assert tree["n"].min() >= k
    for name in tables & {"rules", "calibration"}:
        assert table_of(folder, name)[["learnt", "held_out", "candidates"]].min().min() >= k
    assert not re.search(r"\bC\d{5}\b", page_of(folder))


def test_values_that_few_have_are_pooled_before_a_public_tree_is_learnt(sample_folder):
    cases = crm.mining.customers.churn_cases(crm.open_workspace(sample_folder)).pooled(25)
    sizes = pd.concat([cases.X[name].value_counts() for name in cases.X.select_dtypes("str")])
    assert sizes.drop("other values").min() >= 25
    assert set(cases.candidates["city"].dropna()) <= set(cases.X["city"]) | {"other values"}


def test_what_is_known_only_afterwards_is_left_out(sample_folder):
    ws = crm.open_workspace(sample_folder)
    tables = {name: getattr(ws, name) for name in ("orders", "customers")}
    plain = crm.mining.customers.churn_cases(tables)
    told = dict.fromkeys(plain.y.index[plain.y == "churned"], "gone")
    people = ws.customers.assign(reason=ws.customers["customer_id"].map(told).fillna("none"), shoe_size=42)
    cases = crm.mining.customers.churn_cases(tables | {"customers": people})
    assert cases.in_doubt.index.tolist() == ["reason"]
    assert "reason" not in cases.X
    assert "shoe_size" in cases.X
    assert cases.X.drop(columns="shoe_size").equals(plain.X)


def test_responses_are_told_by_what_was_known_before_the_campaign(sample_folder):
    ws = crm.open_workspace(sample_folder)
    cases = crm.mining.campaigns.response_cases(ws, "M001")
    began = pd.Timestamp(cases.learnt)
    assert began <= ws.campaigns.set_index("campaign_id").loc["M001", "started_at"]
    before = crm.mining.customers.profile(ws, as_of=began)
    assert cases.X["recency"].equals(before["recency"].reindex(cases.X.index))
    outcome = crm.collect(crm.mining.campaigns.outcomes(ws.campaign_events, "M001")).set_index("customer_id")
    both = pd.concat([cases.y, cases.y_held_out])
    assert sorted(both.index) == sorted(outcome.index[outcome["arm"] != "control"])
    assert ((both == "responder") == outcome["responded"].reindex(both.index).astype(bool)).all()
    assert cases.rate == pytest.approx(cases.held_out_rate, abs=0.01)


def test_a_planted_response_is_found_and_holds(tmp_path, runs):
    random = np.random.default_rng(3)
    visits, city = random.integers(0, 20, 3000), random.choice(["York", "Hull", "Leeds"], 3000)
    chance = np.where(visits > 11, np.where(city == "Hull", 0.6, 0.3), 0.05)
    who = np.flatnonzero(random.random(3000) < chance)
    people = pd.DataFrame({"customer_id": [f"K{n}" for n in range(3000)], "visits": visits, "branch": city})
    people.to_csv(tmp_path / "people.csv", index=False)
    sent, bought = (people[["customer_id"]].assign(event=event) for event in ("sent", "converted"))
    events = pd.concat([sent, bought.iloc[who]])
    events.assign(campaign_id="x", arm="a").to_csv(tmp_path / "events.csv", index=False)
    folder = runs(workspace=small(tmp_path / "planted", EVENTS, PEOPLE))
    rules = table_of(folder, "rules")
    assert rules.iloc[0]["who"].startswith("visits is above 11.5 and branch is")
    assert "Hull" in rules.iloc[0]["who"]
    assert rules["rate"].round(1).tolist() == [0.6, 0.3, 0.0] or len(rules) == 3
    assert (
        (rules["low"] - 0.03 <= rules["probability"]) & (rules["probability"] <= rules["high"] + 0.03)
    ).all()


def test_visits_of_hillstrom_from_raw_file_to_page(public_data, tmp_path, runs):
    write_public_workspace("hillstrom", tmp_path / "hillstrom")
    folder = runs(workspace=tmp_path / "hillstrom", event="visited")
    rules = table_of(folder, "rules")
    # 42,694 got an e-mail, of whom 7,132 came.
    assert rules["learnt"].sum() + rules["held_out"].sum() == 42_694
    came = (rules["learnt"] * rules["rate"] + rules["held_out"] * rules["held_out_rate"]).sum()
    assert came == pytest.approx(3_894 + 3_238)
    figures = table_of(folder, "headline_figures").set_index("figure").value
    assert 0.57 < figures["AUC"] < 0.65
    assert table_of(folder, "contact_list")["customer_id"].is_unique


@pytest.mark.skipif("TreeDraft" not in trees.__all__, reason="there is no TreeDraft yet")
def test_a_tree_built_by_hand_is_shown_from_its_log(sample_folder, tmp_path, runs):
    workspace = tmp_path / "mine"
    shutil.copytree(sample_folder, workspace)
    cases = crm.mining.customers.churn_cases(crm.open_workspace(workspace))
    draft = trees.TreeDraft(cases.X, cases.y, held_out=(cases.X_held_out, cases.y_held_out))
    draft.split("1", "recency", [60, 180])
    draft.split("1.1", "frequency", [4])
    draft.undo()
    draft.split("1.2", "recent_orders", [0.5])
    (workspace / "trees").mkdir()
    draft.save(workspace / "trees" / "mine.json")
    folder = runs(workspace=workspace, tree_log="mine.json")
    tree = table_of(folder, "tree")
    assert tree["condition"].str.contains("180").any()
    assert tree.loc[tree["leaves"] == 1, "n"].tolist() == [leaf.weight for leaf in draft.tree.leaves]
    assert "This tree was built by hand; its log is mine.json" in text_of(folder)
    assert verify(folder).same
    manifest = json.loads((folder / "manifest.json").read_text())
    assert "trees/mine.json" in manifest["inputs"]
    told = table_of(folder, "meanings").set_index("column")["meaning"]
    assert told["recent_orders"] == "orders of the last 90 days"
    assert not re.search("tree is learnt|is learnt from", text_of(folder))
    draft.prune("1")
    draft.save(workspace / "trees" / "mine.json")
    folder = run_report(NAME, workspace, {"tree_log": "mine.json"}, "en", tmp_path).folder
    assert len(table_of(folder, "tree")) == 1
    assert "The tree is its root alone because it was asked to be" in text_of(folder)
