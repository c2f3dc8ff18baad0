"""A run leaves page, tables and manifest; the same run is found again; a failure is kept apart."""

import hashlib
import json

import pandas as pd
import pytest
from small_notebooks import write_notebook

from crmlab.errors import ParameterError, ReportError, WorkspaceError
from crmlab.reporting import run_report
from crmlab.reporting.plan import plan_report

SHOW = """import crmlab as crm
ws = crm.open_workspace(workspace)
report = crm.reporting.Report(ws, language)
months = crm.mining.customers.activity(ws.orders)"""
FIGURE = 'report.trend("by_month", months, "orders", time="month", title="Orders by month", n=3)'
TABLE = """report.table(
    "the_months", months, {"month": "Month", "amount": "Value"}, title="Months", formats={"amount": "money"}
)"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    return write_notebook(
        tmp_path_factory.mktemp("notebooks") / "small.ipynb", SHOW, FIGURE, TABLE, 'print("done")'
    )


@pytest.fixture(scope="module")
def run(notebook, shop, tmp_path_factory):
    return run_report(str(notebook), shop, {"bins": "3"}, out=tmp_path_factory.mktemp("reports"))


def test_a_run_leaves_notebook_page_tables_and_manifest(run):
    assert run.made
    left = sorted(str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file())
    assert left == [
        "manifest.json",
        "report.html",
        "report.ipynb",
        "tables/by_month.csv",
        "tables/the_months.csv",
    ]
    assert [path.name for path in run.folder.parent.iterdir()] == [run.folder.name]


def test_the_tables_are_the_frames_behind_the_figures(run):
    found = pd.read_csv(run.folder / "tables" / "by_month.csv")
    assert found["orders"].tolist() == [1, 1, 1]
    assert found["amount"].tolist() == [1250, 700, 100]


def test_the_manifest_says_what_the_run_was_made_from(run, shop):
    manifest = json.loads((run.folder / "manifest.json").read_text())
    assert manifest["status"] == "done"
    assert manifest["parameters"]["bins"] == 3
    assert manifest["seed"] is None
    assert manifest["versions"]["pandas"] == pd.__version__
    assert manifest["seconds"] > 0
    clean = shop / "clean" / "orders.parquet"
    assert manifest["inputs"] == {"orders": hashlib.sha256(clean.read_bytes()).hexdigest()}
    page = hashlib.sha256((run.folder / "report.html").read_bytes()).hexdigest()
    assert manifest["outputs"]["report.html"] == page


def test_the_page_needs_nothing_but_itself(run):
    page = run.page.read_text(encoding="utf-8")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert 'class="code" dir="ltr"' in page
    assert "data:image/png;base64," in page
    assert "Orders by month (month, customers, new, orders, amount, complete): 2024-01-01" in page
    assert "12.50 EUR" in page


def test_the_parameters_stand_in_the_executed_notebook(run):
    cells = json.loads((run.folder / "report.ipynb").read_text())["cells"]
    injected = next(cell for cell in cells if "injected-parameters" in cell["metadata"].get("tags", []))
    assert "bins = 3" in "".join(injected["source"])


def test_an_unchanged_run_is_found_again(run, notebook, shop):
    again = run_report(str(notebook), shop, {"bins": "3"}, out=run.folder.parent.parent)
    assert again.folder == run.folder
    assert not again.made


def test_a_run_with_a_harmed_file_is_made_anew(notebook, shop, tmp_path):
    first = run_report(str(notebook), shop, out=tmp_path)
    first.page.write_text("scribble")
    assert run_report(str(notebook), shop, out=tmp_path).made
    assert "scribble" not in first.page.read_text(encoding="utf-8")


def test_the_same_run_gives_the_same_bytes(run, notebook, shop, tmp_path):
    other = run_report(str(notebook), shop, {"bins": "3"}, out=tmp_path)
    assert other.made
    for name in ("report.ipynb", "report.html", "tables/by_month.csv"):
        assert (other.folder / name).read_bytes() == (run.folder / name).read_bytes(), name


@pytest.mark.parametrize("change", ["parameter", "language", "data", "notebook"])
def test_whatever_changes_the_content_changes_the_folder(run, notebook, shop, tmp_path, change):
    parameters, language, workspace, path = {"bins": 3}, None, shop, notebook
    if change == "parameter":
        parameters = {"bins": 4}
    elif change == "language":
        language = "fa"
    elif change == "notebook":
        path = write_notebook(tmp_path / "small.ipynb", SHOW, FIGURE, TABLE, 'print("other")')
    else:
        workspace = tmp_path
        (tmp_path / "crmlab.toml").write_text((shop / "crmlab.toml").read_text())
        (tmp_path / "orders.csv").write_text((shop / "orders.csv").read_text() + "4,c,2024-03-09,1\n")
    plan = plan_report(str(path), workspace, parameters, language, run.folder.parent.parent)
    assert plan.folder.name != run.folder.name


def test_progress_counts_the_cells(notebook, shop, tmp_path):
    seen = []
    run_report(str(notebook), shop, out=tmp_path, progress=lambda *step: seen.append(step))
    assert seen == [(0, cell, 6) for cell in range(1, 7)]


@pytest.fixture(scope="module")
def failure(shop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("failing")
    notebook = write_notebook(folder / "broken.ipynb", 'print("so far so good")', "1 / 0", 'print("never")')
    with pytest.raises(ReportError) as error:
        run_report(str(notebook), shop, out=folder / "reports")
    (run,) = (folder / "reports" / "broken").iterdir()
    return run, str(error.value)


def test_a_failing_notebook_leaves_the_cell_its_error_and_the_log(failure):
    folder, message = failure
    assert "broken failed in code cell 4: ZeroDivisionError: division by zero" in message
    assert "1 / 0" in (folder / "error.txt").read_text()
    assert "so far so good" in (folder / "log.txt").read_text()
    assert "ZeroDivisionError" in (folder / "log.txt").read_text()
    outputs = [cell.get("outputs") for cell in json.loads((folder / "report.ipynb").read_text())["cells"]]
    assert any(output and output[-1].get("ename") == "ZeroDivisionError" for output in outputs)


def test_a_failing_notebook_is_not_taken_for_a_report(failure):
    folder, _ = failure
    assert not (folder / "report.html").exists()
    assert json.loads((folder / "manifest.json").read_text())["status"] == "failed"
    index = (folder.parent.parent / "index.html").read_text()
    assert "failed" in index
    assert "error.txt" in index


def test_a_wrong_call_is_refused_before_anything_is_written(notebook, shop, tmp_path):
    out = tmp_path / "reports"
    with pytest.raises(ParameterError, match="did you mean 'bins'"):
        run_report(str(notebook), shop, {"bin": 3}, out=out)
    with pytest.raises(ParameterError, match="lies outside the data"):
        run_report(str(notebook), shop, {"as_of": "2031-01-01"}, out=out)
    with pytest.raises(ParameterError, match="no report 'segmentatoin'; did you mean 'segmentation'"):
        run_report("segmentatoin", shop, out=out)
    with pytest.raises(ParameterError, match="needs campaigns, campaign_events, which the workspace"):
        run_report("campaign", shop, out=out)
    with pytest.raises(ParameterError, match="Reports can be had in en, fa, not in 'de'"):
        run_report(str(notebook), shop, language="de", out=out)
    with pytest.raises(ParameterError, match="workspace is not given as a parameter"):
        run_report(str(notebook), shop, {"workspace": "x"}, out=out)
    with pytest.raises(WorkspaceError, match="is not a workspace"):
        run_report("segmentation", tmp_path / "nowhere", out=out)
    assert not out.exists()


def test_a_folder_that_cannot_be_written_is_said(notebook, shop, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match="cannot be written: Not a directory. Choose another"):
        run_report(str(notebook), shop, out=tmp_path / "file" / "reports")


def test_the_index_lists_all_runs(run):
    index = (run.folder.parent.parent / "index.html").read_text(encoding="utf-8")
    assert f'href="small/{run.folder.name}/report.html"' in index
    assert "bins = 3" in index


def test_a_campaign_without_a_control_group_is_reported_on(sample_folder, tmp_path):
    run = run_report("campaign", sample_folder, {"campaign_id": "M002"}, out=tmp_path)
    page = run.page.read_text(encoding="utf-8")
    assert "There was no group without contact" in page
    assert "There are no data for this." not in page
