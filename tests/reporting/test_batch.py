"""Plans of many reports, what they make, and making them again to compare."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from small_notebooks import write_notebook

import crmlab as crm
from crmlab.cli import main
from crmlab.errors import ParameterError
from crmlab.reporting.adhoc import copy_of_run
from crmlab.reporting.batch import plan_batch, read_batch
from crmlab.reporting.run import run_report

SHOW = (
    "import crmlab as crm\nws = crm.open_workspace(workspace)\nreport = crm.reporting.Report(ws, language)\n"
    "months = crm.mining.customers.activity(ws.orders)\n"
    "report.headline({'Orders': months.orders.sum(), 'Value': months.amount.sum(), 'Share': bins / 8},\n"
    "                formats={'Value': 'money', 'Share': 'percent'})",
    "report.table('months', months, {'month': 'Month', 'orders': 'Orders, mean'}, title='Months')",
    "if bins == 7: raise ValueError('seven')",
)


@pytest.fixture
def plan(shop, tmp_path):
    write_notebook(tmp_path / "small.ipynb", *SHOW)

    def write(text: str):
        path = tmp_path / "plan.toml"
        path.write_text(f"notebook = 'small.ipynb'\nworkspace = {str(shop)!r}\n{text}", encoding="utf-8")
        return path

    return write


def calls(path):
    return [(call.language, call.parameters) for call in read_batch(path)]


def test_a_grid_is_multiplied_out(plan):
    path = plan(
        "language = ['en', 'fa']\n[parameters]\nnote = 'n'\n[grid]\nbins = [3, 4]\narm = ['a', 'b']\n"
    )
    found = calls(path)
    assert len(found) == 8
    assert found[0] == ("en", {"note": "n", "bins": 3, "arm": "a"})
    assert found[-1] == ("fa", {"note": "n", "bins": 4, "arm": "b"})


def test_single_runs_are_added_to_what_stands_above(plan):
    path = plan("[parameters]\nnote = 'n'\n[[run]]\nbins = 3\n[[run]]\nbins = [4, 5]\nlanguage = 'fa'\n")
    assert calls(path) == [
        (None, {"note": "n", "bins": 3}), ("fa", {"note": "n", "bins": 4}), ("fa", {"note": "n", "bins": 5}),
    ]  # fmt: skip


def test_the_plans_of_the_readme_can_be_read(tmp_path):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    plans = [block for block in re.findall(r"```toml\n(.*?)```", readme, re.S) if "notebook" in block]
    found = []
    for number, text in enumerate(plans):
        (tmp_path / f"{number}.toml").write_text(text, encoding="utf-8")
        found.append([call._replace(workspace="") for call in read_batch(tmp_path / f"{number}.toml")])
    days = ("2024-06-30", "2024-12-31")
    assert found == [
        [("segmentation", "", None, {"top_share": 0.1, "as_of": day}) for day in days],
        [
            ("campaign", "", "en", {"campaign_id": "M001"}), ("campaign", "", "fa", {"campaign_id": "M001"}),
            ("satisfaction", "", "fa", {}),
        ],
    ]  # fmt: skip


def test_every_run_needs_a_notebook(tmp_path):
    (tmp_path / "plan.toml").write_text("[[run]]\nnotebook = 'campaign'\n[[run]]\nlanguage = 'fa'\n")
    with pytest.raises(ParameterError, match="names no notebook"):
        read_batch(tmp_path / "plan.toml")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("grids = 1", "there is no entry 'grids'; did you mean 'grid'?"),
        ("grid = 1", "grid is a part that begins with [grid]"),
        ("run = 1", "each single run begins with [[run]]"),
        ("bins = ", "is not valid TOML"),
    ],
)
def test_a_wrong_plan_is_one_sentence(plan, text, sentence):
    with pytest.raises(ParameterError) as error:
        read_batch(plan(text))
    assert sentence in str(error.value)


def test_a_run_that_does_not_fit_is_named_before_any_is_started(plan, tmp_path):
    with pytest.raises(ParameterError, match=r"run 2 of 2: bins is a number from 2 to 10, not 11"):
        plan_batch(plan("[grid]\nbins = [3, 11]\n"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_batch_makes_its_runs_goes_on_and_sums_up(plan, tmp_path):
    out = tmp_path / "out"

    def batch(text):
        return CliRunner().invoke(main, ["batch", str(plan(text)), "--out", str(out), "--jobs", "2"])

    first = batch("[grid]\nbins = [3, 7]\n")
    assert first.exit_code == 1
    assert "2 runs: 1 made, 0 unchanged, 1 failed" in first.output
    assert "failed in code cell 5: ValueError: seven" in first.output
    second = batch("[grid]\nbins = [3, 4]\n")
    assert (second.exit_code, "2 runs: 1 made, 1 unchanged, 0 failed" in second.output) == (0, True)
    table = pd.read_csv(out / "summary.csv")
    assert table[["bins", "status", "Orders"]].to_numpy().tolist() == [[3, "unchanged", 3], [4, "made", 3]]
    third = batch("[grid]\nbins = [3, 4]\n")
    assert (third.exit_code, "0 made, 2 unchanged" in third.output) == (0, True)


def test_the_summary_is_that_of_the_last_batch(plan, tmp_path):
    out = tmp_path / "out"

    def batch(text):
        done = CliRunner().invoke(main, ["batch", str(plan(text)), "--out", str(out)])
        assert f"{out / 'summary.csv'}" in done.output.splitlines()
        return pd.read_csv(out / "summary.csv")[["bins", "status"]].to_numpy().tolist()

    first, second = "[grid]\nbins = [3, 4]\n", "[grid]\nbins = [5, 6]\n"
    assert batch(first) == [[3, "made"], [4, "made"]]
    assert batch(second) == [[5, "made"], [6, "made"]]
    assert batch(first) == [[3, "unchanged"], [4, "unchanged"]]


def test_the_summary_holds_plain_numbers_in_every_language(plan, tmp_path):
    out = tmp_path / "out"
    text = "language = ['fa', 'en']\n[grid]\nbins = [2, 7]\n"
    CliRunner().invoke(main, ["batch", str(plan(text)), "--out", str(out)])
    heads, *rows = [line.split(",") for line in (out / "summary.csv").read_text("utf-8").splitlines()]
    assert heads == ["report", "language", "bins", "status", "seconds", "Orders", "Value", "Share", "page"]
    # The run with seven fails and has no figures; money is in cents.
    assert [row[5:8] for row in rows] == [["3", "2050", "0.25"], ["", "", ""]] * 2
    (persian,) = (out / "small").glob("fa-*/report.html")
    assert "۲۰٫۵۰ یورو" in persian.read_text(encoding="utf-8")
    (figures,) = (out / "small").glob("fa-*/tables/headline_figures.csv")
    assert figures.read_text() == "figure,value,unit\nOrders,3,\nValue,2050,0.01 EUR\nShare,0.25,share\n"


def test_an_unchanged_batch_loads_no_pandas(plan, tmp_path):
    path, out = plan("[grid]\nbins = [3, 4]\n"), str(tmp_path / "out")
    CliRunner().invoke(main, ["batch", str(path), "--out", out])
    script = (
        "import sys; from crmlab.cli import main\n"
        f"main(['batch', {str(path)!r}, '--out', {out!r}], standalone_mode=False)\n"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "0 made, 2 unchanged" in done.stdout
    assert done.stdout.splitlines()[-1] == "False"


def test_verifying_says_what_differs_and_why(plan, shop, tmp_path):
    own = shutil.copytree(shop, tmp_path / "own")
    run = run_report(str(tmp_path / "small.ipynb"), own, {"bins": 3}, out=tmp_path / "out")
    assert crm.verify(run.folder).same
    manifest = json.loads((run.folder / "manifest.json").read_text())
    changed = manifest | {"versions": manifest["versions"] | {"numpy": "1.0"}}
    (run.folder / "manifest.json").write_text(json.dumps(changed))
    verdict = crm.verify(run.folder)
    assert verdict.same
    assert str(verdict).startswith("The same, byte for byte, although these have changed: numpy (1.0, now ")
    assert "the manifest itself" in str(verdict)
    changed = manifest | {"parameters": manifest["parameters"] | {"bins": 4}}
    (run.folder / "manifest.json").write_text(json.dumps(changed))
    verdict = crm.verify(run.folder)
    assert "report.ipynb" in verdict.files
    assert verdict.causes == ["the manifest itself, which is not the one the folder is named after"]
    (run.folder / "manifest.json").write_text(json.dumps(manifest))
    orders = (own / "orders.csv").read_text().splitlines()
    (own / "orders.csv").write_text("\n".join([*orders, orders[1].replace("1,", "99,", 1)]) + "\n")
    verdict = crm.verify(run.folder)
    assert not verdict.same
    assert "tables/months.csv" in verdict.files
    assert "the table orders" in verdict.causes
    result = CliRunner().invoke(main, ["verify", str(run.folder)])
    assert (result.exit_code, "Changed since: the table orders" in result.output) == (1, True)


def test_a_harmed_run_is_told_from_one_whose_sources_changed(plan, shop, tmp_path):
    run = run_report(str(tmp_path / "small.ipynb"), shop, out=tmp_path / "out")
    (run.folder / "tables" / "months.csv").write_text("harmed")
    verdict = crm.verify(run.folder)
    assert (verdict.files, verdict.causes) == (
        ["tables/months.csv"], ["files of the run itself (tables/months.csv)"],
    )  # fmt: skip
    with pytest.raises(ParameterError, match="holds no finished report"):
        crm.verify(tmp_path)


def test_a_copy_to_go_on_from_knows_its_workspace(plan, shop, tmp_path):
    run = run_report(str(tmp_path / "small.ipynb"), shop, {"bins": 4}, out=tmp_path / "out")
    copy = copy_of_run(run.folder)
    injected = [
        "".join(cell["source"]) for cell in json.loads(copy.read_text())["cells"]
        if "injected-parameters" in cell["metadata"].get("tags", [])
    ]  # fmt: skip
    values = {}
    exec(injected[0], values)
    assert values["bins"] == 4
    assert (copy.parent / values["workspace"]).resolve() == shop.resolve()
    with pytest.raises(ParameterError, match="is there already"):
        copy_of_run(run.folder)


def test_the_help_of_a_report_lists_its_parameters():
    result = CliRunner().invoke(main, ["report", "campaign", "--help"])
    assert result.exit_code == 0
    assert "Parameters of campaign" in result.output
    assert "opened | clicked | visited | converted" in result.output
    assert CliRunner().invoke(main, ["report", "capmaign", "--help"]).exit_code == 2
