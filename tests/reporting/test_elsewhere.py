"""A batch on engines that are there already: worker processes of Dask, threads, papermill's own command."""

import hashlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from small_notebooks import write_notebook

from crmlab.cli import main
from crmlab.errors import ReportError
from crmlab.reporting.batch import plan_batch, read_batch
from crmlab.reporting.elsewhere import run_elsewhere
from crmlab.reporting.engines import can_fork

SHOW = (
    "import crmlab as crm, os\nws = crm.open_workspace(workspace)\n"
    "report = crm.reporting.Report(ws, language)\nreport.headline({'Bins': str(bins)})",
    "if bins == 7: raise ValueError('seven')",
)


@pytest.fixture
def plan(shop, tmp_path):
    write_notebook(tmp_path / "small.ipynb", *SHOW)
    path = tmp_path / "plan.toml"
    path.write_text(f"notebook = 'small.ipynb'\nworkspace = {str(shop)!r}\n[grid]\nbins = [3, 4, 7]\n")
    return path


def pages(out: Path) -> dict[str, str]:
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.glob("*/*/*")
        if path.name in ("report.html", "report.ipynb")
    }


@pytest.mark.filterwarnings("ignore")
def test_two_dask_workers_make_the_same_bytes_as_this_machine(plan, tmp_path):
    from dask.distributed import LocalCluster

    runner = CliRunner()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster:
        call = [
            "batch",
            str(plan),
            "--out",
            str(tmp_path / "there"),
            "--scheduler",
            cluster.scheduler_address,
        ]
        there = runner.invoke(main, call)
    here = runner.invoke(main, ["batch", str(plan), "--out", str(tmp_path / "here")])
    assert there.exit_code == here.exit_code == 1
    for said in (there.output, here.output):
        assert "3 runs: 2 made, 0 unchanged, 1 failed" in said
        assert "ValueError: seven" in said
    assert len(pages(tmp_path / "here")) == 5
    assert pages(tmp_path / "here") == pages(tmp_path / "there")
    assert (tmp_path / "there" / "index.html").read_text(encoding="utf-8").count('role="row" class="') == 3


def test_a_lost_task_fails_its_reports_alone(plan, tmp_path):
    class Losing(ThreadPoolExecutor):
        def submit(self, run, calls, *rest):
            return super().submit(lambda: 1 / 0 if calls[0].parameters["bins"] == 4 else run(calls, *rest))

    calls, plans = plan_batch(plan, tmp_path / "out")
    with Losing(2) as executor:
        results = dict(run_elsewhere(calls, executor, tmp_path / "out"))
    assert results[0].folder.resolve() == plans[0].folder.resolve()
    assert results[0].headline == {"Bins": "3"}
    assert isinstance(results[1], ReportError)
    assert "failed elsewhere: ZeroDivisionError" in str(results[1])
    assert "ValueError: seven" in str(results[2])


def test_more_calls_than_tasks_are_shared_out(plan, tmp_path):
    calls = [call for call in read_batch(plan) if call.parameters["bins"] != 7]
    with ThreadPoolExecutor(1) as executor:
        results = dict(run_elsewhere(calls, executor, tmp_path / "out", pieces=1))
    assert [results[place].headline["Bins"] for place in range(2)] == ["3", "4"]


def test_no_scheduler_is_one_sentence(plan, tmp_path):
    call = ["batch", str(plan), "--out", str(tmp_path), "--scheduler", "nonsense://here:1"]
    done = CliRunner().invoke(main, call)
    assert done.exit_code == 2
    assert "There is no Dask scheduler at nonsense://here:1" in done.output


@pytest.mark.skipif(not can_fork(), reason="needs Linux")
def test_papermills_own_command_has_the_engine_fork(tmp_path):
    given = write_notebook(tmp_path / "in.ipynb", "print(bins)", "bins * 2")
    command = [Path(sys.executable).with_name("papermill"), "--engine", "fork", given, tmp_path / "out.ipynb"]
    done = subprocess.run([*command, "-p", "bins", "6"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    notebook = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert outputs[2][0].text == "6\n"
    assert outputs[3][0].data["text/plain"] == "12"
    assert notebook.metadata.papermill.exception is None
    assert {cell.metadata.papermill.status for cell in notebook.cells} == {"completed"}
    assert "100%" in done.stderr


@pytest.mark.skipif(not can_fork(), reason="needs Linux")
def test_the_command_for_papermill_in_the_readme_works_from_any_folder(tmp_path, shop):
    root = Path(__file__).parents[2]
    (command,) = re.findall(r"`(papermill --engine fork .*?)`", (root / "README.md").read_text("utf-8"), re.S)
    given = command.replace("notebooks/", f"{root}/notebooks/").split()
    shutil.copytree(shop, tmp_path / given[given.index("workspace") + 1])
    papermill = Path(sys.executable).with_name("papermill")
    done = subprocess.run([papermill, *given[1:]], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / given[4]).is_file()


@pytest.mark.skipif(not can_fork(), reason="needs Linux")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("last", "said"), [("1 / 0", "ZeroDivisionError"), ("import os; os.kill(os.getpid(), 9)", "SIGKILL")]
)
def test_what_goes_wrong_is_told_to_papermill(tmp_path, last, said):
    import papermill

    given = write_notebook(tmp_path / "in.ipynb", "print(bins)", last)
    with pytest.raises(Exception, match=said):
        papermill.execute_notebook(given, tmp_path / "out.ipynb", engine_name="fork", progress_bar=False)
    assert (tmp_path / "out.ipynb").is_file()
