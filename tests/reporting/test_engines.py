"""Both engines give the same bytes; what goes wrong in a cell is a failed run and nothing else."""

import json

import pytest
from small_notebooks import write_notebook

from crmlab.errors import ParameterError, ReportError
from crmlab.reporting.engines import Executed, can_fork
from crmlab.reporting.plan import plan_report
from crmlab.reporting.render import Job, render
from crmlab.reporting.run import choose_engine, run_plans, run_report

ENGINES = ["papermill", pytest.param("fork", marks=pytest.mark.skipif(not can_fork(), reason="needs Linux"))]
#: What notebooks show in all ways: results, displays, updates, streams, pictures, errors that are meant.
SHOWN = (
    "import sys, warnings\nprint('one'); print('two', file=sys.stderr); print('three')\n'a result'",
    "from IPython.display import HTML, display\nhandle = display('first', display_id=True)\n"
    "display(HTML('<b>bold</b>'))\nhandle.update('changed')",
    "import pandas as pd\npd.DataFrame({'a': [1, 2]})",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3]); plt.title('drawn'); plt.show()",
    "import crmlab as crm\nws = crm.open_workspace(workspace)\nreport = crm.reporting.Report(ws, language)\n"
    "report.headline({'Orders': '3'})",
    "months = crm.mining.customers.activity(ws.orders)\n"
    "report.trend('m', months, 'orders', time='month', title='Orders by month')",
    "print(len({'a', 'b', 'c'}), list({'x', 'y', 'z'}))",
    "x = 5;",
    "",
    "await __import__('asyncio').sleep(0)\n_",
)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    return write_notebook(tmp_path_factory.mktemp("notebooks") / "shown.ipynb", *SHOWN)


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


@pytest.mark.skipif(not can_fork(), reason="needs Linux")
def test_both_engines_give_the_same_bytes(notebook, shop, tmp_path):
    made = [
        run_report(str(notebook), shop, out=tmp_path / name, engine=name) for name in ("papermill", "fork")
    ]
    first, second = (files(run.folder) for run in made)
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []
    assert made[0].headline == made[1].headline == {"Orders": "3"}
    outputs = [cell["outputs"] for cell in json.loads(first["report.ipynb"])["cells"] if "outputs" in cell]
    kinds = {output["output_type"] for cell in outputs for output in cell}
    assert kinds == {"stream", "execute_result", "display_data"}
    assert "changed" in str(outputs[3][0])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_failing_cell_leaves_its_source_its_error_and_what_was_said(shop, tmp_path, engine):
    broken = write_notebook(tmp_path / "broken.ipynb", 'print("so far")', "1 / 0", 'print("never")')
    with pytest.raises(ReportError, match="failed in code cell 4: ZeroDivisionError: division by zero"):
        run_report(str(broken), shop, out=tmp_path / "reports", engine=engine)
    (folder,) = (tmp_path / "reports" / "broken").iterdir()
    assert "1 / 0" in (folder / "error.txt").read_text()
    log = (folder / "log.txt").read_text()
    assert "so far" in log
    assert "ZeroDivisionError" in log
    assert not (folder / "report.html").exists()
    assert json.loads((folder / "manifest.json").read_text())["status"] == "failed"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_process_that_dies_is_a_failed_run(shop, tmp_path, engine):
    dying = write_notebook(
        tmp_path / "dying.ipynb", "import faulthandler; faulthandler.enable()", "faulthandler._sigsegv()"
    )
    with pytest.raises(ReportError, match="DeadKernelError|in code cell 4: the process was ended by SIGSEGV"):
        run_report(str(dying), shop, out=tmp_path / "reports", engine=engine)
    (folder,) = (tmp_path / "reports" / "dying").iterdir()
    assert (folder / "error.txt").exists()
    assert "Segmentation fault" in (folder / "log.txt").read_text()
    assert not (folder / "process.log").exists()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_cell_past_its_time_is_a_failed_run(shop, tmp_path, engine):
    slow = write_notebook(tmp_path / "slow.ipynb", "import time", "time.sleep(60)")
    with pytest.raises(ReportError, match="CellTimeoutError|in code cell 4: it took longer than 1 seconds"):
        run_report(str(slow), shop, out=tmp_path / "reports", engine=engine, limit=1)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_others_go_on_when_some_fail(notebook, shop, tmp_path, engine):
    cells = {"broken": "1 / 0", "killed": "import os; os.kill(os.getpid(), 9)"}
    plans = [
        plan_report(str(write_notebook(tmp_path / f"{name}.ipynb", cell)), shop, out=tmp_path / "reports")
        for name, cell in cells.items()
    ]
    good = write_notebook(tmp_path / "good.ipynb", "print('fine')")
    plans.append(plan_report(str(good), shop, out=tmp_path / "reports"))
    done = {}
    for place, result in run_plans(plans, 2, engine=engine):
        done[place] = result
    assert [isinstance(done[place], ReportError) for place in range(3)] == [True, True, False]
    assert not list((tmp_path / "reports").rglob(".*part*"))
    assert done[2].page.exists()


def test_an_engine_there_is_not_is_refused():
    with pytest.raises(ParameterError, match="The engine is one of fork, papermill, not 'spark'"):
        choose_engine("spark")


def test_where_forking_is_not_safe_kernels_are_used(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    assert choose_engine(None) == "papermill"
    with pytest.raises(ParameterError, match="The engine fork needs Linux"):
        choose_engine("fork")


def test_what_cannot_be_written_is_the_failure_of_that_report_alone(notebook, tmp_path):
    (tmp_path / "report.ipynb").mkdir()
    job = Job(str(notebook), str(tmp_path), {}, "en", "", {})
    outcome = render(job, lambda notebook, _: Executed(notebook))
    assert outcome.error.startswith("while it was written: IsADirectoryError: ")
    assert not (tmp_path / "report.html").exists()
