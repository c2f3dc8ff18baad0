"""A public report shows no group of fewer than k and nobody in person, in whatever file it leaves."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from small_notebooks import PARAMETERS, write_notebook

import crmlab as crm
from crmlab.cli import main
from crmlab.errors import ParameterError
from crmlab.reporting import Report, run_report, verify
from crmlab.reporting.plan import find_notebook, open_clean, plan_report, report_names
from crmlab.reporting.public import PUBLIC_TYPE
from crmlab.reporting.run import run_plans
from crmlab.tables import IDENTIFIERS

#: Columns of the reports' tables that count persons or their answers, and orders of at least as many.
COUNTS = {"n", "control_n", "customers", "assigned", "responses", "new", "orders"}
#: Columns of the report on who leaves that do: customers learnt from, held out, and to be decided on.
COUNTS |= {"learnt", "held_out", "candidates"}
#: Columns of the report on quality that count rows, cells or persons.
COUNTS |= {"n_before", "rows", "rows_in", "clean", "set_aside", "merged", "cells", "records", "persons"}
#: Tables that leave their counts to another one.
COUNTED_IN = {"segments": "segment_actions", "effects": "effects_in_numbers"}
PUBLIC = PARAMETERS + "\npublic: int = None  # [2..1000000] smallest group"
GROUPS = pd.DataFrame({"city": ["York", "Hull", "Leeds"], "customers": [80, 3, 12], "secret": [1, 2, 3]})


@pytest.fixture(scope="module")
def runs(sample_folder, tmp_path_factory):
    """The folders of all reports on the sample: plain, and public with groups of 10 and of 40."""
    out, opened = tmp_path_factory.mktemp("public"), open_clean(sample_folder)
    wanted = [(name, *kind) for kind in ((None, "en"), (10, "en"), (40, "fa")) for name in report_names()]
    plans = [
        plan_report(name, opened, {"public": k} if k else {}, language, out) for name, k, language in wanted
    ]
    made = dict(run_plans(plans))
    return {(name, k): made[place].folder for place, (name, k, _) in enumerate(wanted)}


def small_counts(run: Path, k: int) -> list[str]:
    """Places of counts of a few persons in the tables of a run, and in the grid of customers."""
    found = []
    for path in sorted(run.glob("tables/*.csv")):
        table = pd.read_csv(path)
        grid = {name for name in table if path.stem == "recency_frequency" and name != "f_score"}
        shares = {"customers"} if path.stem == "concentration" else set()
        for name in set(table) & (COUNTS | grid) - shares:
            if ((table[name] > 0) & (table[name] < k)).any():
                found.append(f"{path.stem}.{name}")
    return found


@pytest.mark.parametrize("k", [10, 40])
@pytest.mark.parametrize("name", report_names())
def test_no_table_of_a_public_report_counts_a_few(runs, name, k):
    assert small_counts(runs[name, k], k) == []
    # Touch points and months of fewer than 30 answers, and leaves of fewer than 20, are left out anyway.
    if name != "satisfaction" and (name, k) != ("response_tree", 10):
        assert small_counts(runs[name, None], k)


def test_every_table_of_a_public_report_has_a_count(runs):
    for (_, k), run in runs.items():
        for path in run.glob("tables/*.csv") if k else ():
            if path.stem in COUNTED_IN:
                groups, counted = pd.read_csv(path), pd.read_csv(path.with_stem(COUNTED_IN[path.stem]))
                assert COUNTS & set(counted), path
                assert set(groups.iloc[:, 0]) <= set(counted.iloc[:, 0]), path
            elif path.stem not in ("headline_figures", "concentration", "recency_frequency"):
                assert COUNTS & set(pd.read_csv(path)), path


@pytest.mark.parametrize("k", [10, 40])
def test_what_is_held_back_cannot_be_found_by_taking_away(runs, sample_folder, k):
    orders = crm.open_workspace(sample_folder).orders
    everyone = crm.mining.customers.totals(orders).customers
    tables, plain = (runs["segmentation", kind] / "tables" for kind in (k, None))
    shown = pd.read_csv(tables / "segment_actions.csv")
    small = pd.read_csv(plain / "segment_actions.csv")["customers"] < k
    assert small.any()
    assert everyone - shown["customers"].sum() >= k
    # The value of who is held back follows from the whole: it is of at least as many.
    assert 0 < 1 - pd.read_csv(tables / "segments.csv")["value_share"].sum() < 1


@pytest.mark.parametrize("metric", ["nps", "csat", "ces"])
def test_months_left_out_for_few_answers_cannot_be_found_either(sample_folder, metric):
    ws = crm.open_workspace(sample_folder)
    satisfaction = crm.mining.satisfaction
    whole = satisfaction.headline(ws.surveys).set_index("metric")["n"][metric]
    for minimum in (1, 5, 30):
        months = satisfaction.over_time(ws.surveys, metric, minimum, period="M")
        assert months.attrs["left_out"] == whole - months["n"].sum()
        for k in (2, 10, 40, 150):
            shown = Report(ws, public=k).publishable(months, "n")
            rest = whole - shown["n"].sum()
            assert rest == 0 or rest >= k or shown.empty


def test_touch_points_left_out_for_few_answers_cannot_be_found_either(sample_folder):
    ws = crm.open_workspace(sample_folder)
    every = crm.mining.satisfaction.by_touch_point(ws.surveys, "csat")
    assert every.attrs["left_out"] == 0
    fewest = int(every["n"].min())
    some = crm.mining.satisfaction.by_touch_point(ws.surveys, "csat", fewest + 1)
    assert some.attrs["left_out"] == fewest
    # What was left out before is a group of its own: of too few, it takes another one with it.
    assert len(Report(ws, public=fewest).publishable(some, "n")) == len(some)
    assert len(Report(ws, public=fewest + 1).publishable(some, "n")) == len(some) - 1


def test_the_curve_of_a_public_report_steps_over_enough_customers(runs, sample_folder):
    everyone = crm.mining.customers.totals(crm.open_workspace(sample_folder).orders).customers
    for k in (10, 40):
        curve = pd.read_csv(runs["segmentation", k] / "tables" / "concentration.csv")
        assert (curve["customers"].diff().dropna() * everyone).min() >= k - 1e-6


@pytest.mark.parametrize("k", [10, 40])
def test_a_public_report_says_what_is_left_out(runs, k):
    page = (runs["segmentation", k] / "report.html").read_text(encoding="utf-8")
    table = (runs["segmentation", k] / "report.ipynb").read_text(encoding="utf-8")
    if k == 10:
        assert "Left out of this public report: it may be about a group of fewer than 10." in page
        assert re.search(r"\d of 10 rows (is|are) held back: groups of fewer than 10, or others", table)
    else:
        assert "از این گزارش عمومی کنار گذاشته شد: ممکن است دربارهٔ گروهی کوچک‌تر از ۴۰ باشد." in page
    plain = (runs["segmentation", None] / "report.html").read_text(encoding="utf-8")
    assert "public report" not in re.sub(r'<pre class="code".*?</pre>', "", plain, flags=re.DOTALL)


def texts_of(run: Path) -> str:
    """All that stands in the files of a run, without pictures and fonts."""
    files = [path.read_text(encoding="utf-8") for path in run.rglob("*") if path.is_file()]
    return re.sub(r"[A-Za-z0-9+/=]{200,}", "", "\n".join(files))


def persons(workspace) -> set[str]:
    """All values by which a customer or lead is known."""
    found = set()
    for table in ("customers", "leads"):
        frame = getattr(workspace, table)
        for name in ({"customer_id"} | IDENTIFIERS) & set(frame):
            found |= set(frame[name].dropna())
    return {value for value in found if len(value) > 2}


def named(known: set[str], text: str) -> set[str]:
    """Those of the known values that stand in a text, as words of their own."""
    return {v for v in known if v in text and re.search(rf"(?<!\w){re.escape(v)}(?!\w)", text)}


def test_nobody_stands_in_a_public_report(runs, sample_folder):
    known = persons(crm.open_workspace(sample_folder))
    assert len(known) > 2000
    for (name, k), run in runs.items():
        if k:
            # Authors whom the notebook itself cites may have the name of a customer.
            cited = named(known, find_notebook(name).read_text(encoding="utf-8"))
            assert len(cited) < 5
            assert named(known - cited, texts_of(run)) == set(), run


def test_the_report_on_quality_names_nobody_even_if_it_is_not_public(runs, sample_folder):
    assert named(persons(crm.open_workspace(sample_folder)), texts_of(runs["quality", None])) == set()


LIST = """import crmlab as crm
ws = crm.open_workspace(workspace)
report = crm.reporting.Report(ws, language, identifiers=["email"], public=public)
best = crm.collect(crm.mining.customers.rfm(ws.orders)).nlargest(5, "monetary_value")
best = best.merge(ws.customers[["customer_id", "email"]], on="customer_id")"""
SHOWS = {
    "a list": 'report.table("best", best, {"customer_id": "Customer", "email": "E-mail"}, title="The best")',
    "bars": 'report.bars("best", best, "email", {"frequency": "orders"}, title="The best")',
    "a list said to be fine": 'report.table("best", report.publishable(best, 99), {"email": "E"}, title="T")',
    "a frame": "best",
    "a text": "print(best)",
    "a warning": "import sys\nprint(best, file=sys.stderr)",
    "a sentence": 'report.say("{who} is the best.", who=best.email[0])',
    "a headline": 'report.headline({"Best": best.email[0]})',
    "markdown": "from IPython.display import Markdown\nMarkdown(best.to_csv())",
}


@pytest.fixture(scope="module")
def lists(sample_folder, tmp_path_factory):
    """The folders of a notebook that shows persons in many ways: plain, public, and not told that it is."""
    folder = tmp_path_factory.mktemp("lists")
    careless = LIST.replace(", public=public", "")
    plans = []
    for name, first, given in (
        ("list", LIST, {}),
        ("list", LIST, {"public": 10}),
        ("care", careless, {"public": 10}),
    ):
        path = write_notebook(folder / f"{name}.ipynb", first, *SHOWS.values(), parameters=PUBLIC,
                              tables=("orders", "customers"))  # fmt: skip
        plans.append(plan_report(str(path), sample_folder, given, out=folder / "reports"))
    return [run.folder for _, run in sorted(run_plans(plans), key=lambda result: result[0])]


def outputs(run: Path) -> list[str]:
    """What each of the cells that show persons put out."""
    cells = json.loads((run / "report.ipynb").read_text(encoding="utf-8"))["cells"]
    return [json.dumps(cell["outputs"]) for cell in cells[-len(SHOWS) :]]


@pytest.mark.parametrize("place", range(len(SHOWS)), ids=list(SHOWS))
def test_persons_are_left_out_whatever_shows_them(lists, place):
    plain, public, careless = (outputs(run)[place] for run in lists)
    assert "@example" in plain
    for output in (public, careless):
        assert "@example" not in output
        assert "Left out of this public report: it may be about a group of fewer than 10." in output


def test_persons_are_left_out_of_all_files(lists):
    plain, *others = lists
    assert "@example" in texts_of(plain)
    for run in others:
        assert "@example" not in texts_of(run)
        assert not any((run / "tables").iterdir())


def test_a_notebook_that_does_not_know_of_it_is_refused(shop, tmp_path):
    notebook = write_notebook(tmp_path / "small.ipynb", "1")
    with pytest.raises(ParameterError, match="small cannot be made public: declare `public: int = None`"):
        run_report(str(notebook), shop, {"public": 10}, out=tmp_path)


def test_the_command_makes_all_reports_public(sample_folder, tmp_path):
    arguments = ["report", "all", "-w", str(sample_folder), "--out", str(tmp_path), "--public", "10"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    made = [json.loads(path.read_text()) for path in tmp_path.glob("*/*/manifest.json")]
    assert [manifest["parameters"]["public"] for manifest in made] == [10] * len(report_names())
    (run,) = (tmp_path / "segmentation").iterdir()
    assert verify(run).same
    page = (run / "report.html").read_text(encoding="utf-8")
    assert re.search(r"<dt>public</dt><dd>10</dd>", page)
    assert CliRunner().invoke(main, [*arguments[:-1], "1"]).exit_code == 2


@pytest.fixture
def report(shop):
    return Report(crm.open_workspace(shop), public=10)


def shown(exhibit) -> str:
    data, _ = exhibit._repr_mimebundle_()
    assert data[PUBLIC_TYPE] == 10
    return str(data)


def test_only_what_is_shown_and_counted_goes_beside_the_page(report):
    groups = report.publishable(GROUPS, "customers")
    exhibit = report.table("groups", groups, {"city": "City"}, title="Groups")
    assert exhibit.frame.to_dict("list") == {"city": ["York"], "customers": [80]}
    assert "2 of 3 rows are held back" in shown(exhibit)
    bars = report.bars("groups", groups, "city", {"customers": "customers"}, title="Groups", n=95)
    assert list(bars.frame) == ["city", "customers"]
    assert report.bars("g", groups, "city", {"customers": "c"}, title="Groups", n=9).frame is None


def test_a_plain_report_shows_what_it_is_given(shop):
    report = Report(crm.open_workspace(shop))
    assert report.publishable(GROUPS, "customers") is GROUPS
    assert report.table("groups", GROUPS, {"city": "City"}, title="Groups").frame is GROUPS


def test_what_was_not_checked_is_left_out(report):
    def table(frame):
        return report.table("t", frame, {"city": "City"}, title="Title")

    checked = report.publishable(GROUPS, "customers", groups="separate")
    assert "York" in shown(table(checked[checked["customers"] > 12].sort_values("city")))
    for frame in (
        GROUPS,
        GROUPS.merge(checked, on=["city", "customers"]),
        checked.assign(customers=[80, 3]),
        report.publishable(GROUPS, 9),
        report.publishable(GROUPS.assign(city=GROUPS["city"].iloc[0]).set_index("customers"), 80)
        .rename_axis("customer_id"),
    ):  # fmt: skip
        assert "York" not in shown(table(frame))
        assert "Left out of this public report" in shown(table(frame))


def test_sentences_and_figures_need_their_counts(report):
    assert "7 of them" not in shown(report.say("{n} of them", n=7))
    assert "7 of them" not in shown(report.say("{n} of them", counts=7, n=7))
    assert "7 of them" not in shown(report.say("{n} of them", counts=[70, 7], n=7))
    assert "7 of them" not in shown(report.say("{n} of them", counts=pd.Series([70, None]), n=7))
    assert "7 of them" not in shown(report.say("{n} of them", counts=pd.Series([], dtype="int64"), n=7))
    assert "70 of them" in shown(report.say("{n} of them", counts=[70, 10], n=70))
    assert "Nothing to count" in shown(report.say("Nothing to count"))
    figures = {"First": "111", "Second": "222", "Third": "333"}
    found = report.headline(figures, counts={"First": 10, "Second": 9})
    assert found.frame.to_dict("list") == {"figure": ["First"], "value": ["111"], "unit": [""]}
    assert "Second · Third" in shown(found)
    assert "222" not in shown(found)
    assert report.headline(figures).frame is None


@pytest.mark.parametrize("wrong", [1, 0, -5, True, "10", 2.5])
def test_groups_have_at_least_two_members(shop, wrong):
    with pytest.raises(ParameterError, match="public is the size that groups have at least, from 2"):
        Report(crm.open_workspace(shop), public=wrong)
