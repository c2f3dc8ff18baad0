"""Run a report: check, execute, and lay page, tables and manifest into a folder of their own.

reports/<name>/<language>-<key>/
    report.ipynb  report.html  tables/*.csv  manifest.json
    error.txt  log.txt            only if it failed

The key is made of all that decides the content, so an unchanged report is found, not run again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crmlab.errors import ParameterError, ReportError, did_you_mean
from crmlab.folders import check_writable, sha256
from crmlab.locale import Language, language
from crmlab.reporting.canonical import canonical
from crmlab.reporting.exhibits import TABLE_TYPE
from crmlab.reporting.index import write_index
from crmlab.reporting.manifest import ingredients, read_manifest, write_manifest
from crmlab.reporting.page import to_page
from crmlab.reporting.parameters import check_parameters, read_notebook, read_parameters
from crmlab.workspace import Workspace, open_workspace

Progress = Callable[[str, int, int], None]

_PACKAGE = Path(__file__).parent.parent
#: Where the reports that come with crmlab are: beside the package in a checkout, in it if installed.
_SHELVES = (_PACKAGE.parent / "notebooks" / "reports", _PACKAGE / "notebooks" / "reports")
KERNEL = "python3"
#: Parameters that every report has and `run_report` fills in itself.
GIVEN = ("workspace", "language")


@dataclass(frozen=True)
class Run:
    """A report that was made.

    Attributes
    ----------
    folder, page : Path
        Where it is, and its HTML.
    made : bool
        False if an unchanged run was found.
    seconds : float
        How long it took.
    """

    name: str
    folder: Path
    made: bool
    seconds: float

    @property
    def page(self) -> Path:
        """The HTML page."""
        return self.folder / "report.html"


def report_names() -> list[str]:
    """Names of the reports that come with crmlab."""
    return sorted({path.stem for shelf in _SHELVES for path in shelf.glob("*.ipynb")})


def find_notebook(name: str) -> Path:
    """The notebook of a report: one that comes with crmlab by its name, any other by its path.

    Raises
    ------
    ParameterError
        If there is none.
    """
    for shelf in _SHELVES:
        if (shelf / f"{name}.ipynb").is_file():
            return shelf / f"{name}.ipynb"
    if name.endswith(".ipynb"):
        if not Path(name).is_file():
            raise ParameterError(f"There is no file {name}.")
        return Path(name)
    raise ParameterError(f"There is no report {name!r}" + did_you_mean(name, report_names()))


def tables_of(notebook: Path) -> list[str]:
    """Tables the notebook says it reads."""
    return list(read_notebook(notebook).get("metadata", {}).get("crmlab", {}).get("tables", []))


@dataclass(frozen=True)
class Plan:
    """A report whose call has been checked and that can be run."""

    notebook: Path
    workspace: Workspace
    tongue: Language
    values: dict[str, Any]
    made_from: dict[str, Any]
    folder: Path


def plan_report(
    name: str,
    workspace: str | Path,
    parameters: Mapping[str, Any] | None = None,
    language_code: str | None = None,
    out: str | Path = "reports",
    cleaning: Callable[[str], None] | None = None,
) -> Plan:
    """Check a call of a report without running it; see `run_report`.

    Parameters
    ----------
    cleaning
        Called with the name of each table that has to be cleaned first.
    """
    notebook = find_notebook(name)
    declared = read_parameters(notebook)
    given = dict(parameters or {})
    for fixed in GIVEN:
        if fixed in given:
            raise ParameterError(
                f"{fixed} is not given as a parameter; name it with --{fixed[:9]} or {fixed}=."
            )
    own = {key: value for key, value in declared.items() if key not in GIVEN}
    check_parameters(own, given)
    source = open_workspace(workspace)
    needed = tables_of(notebook)
    missing = [table for table in needed if table not in source.tables]
    if missing:
        raise ParameterError(
            f"The report {notebook.stem} needs {', '.join(missing)}, which the workspace {source.name!r} "
            f"does not have; it has: {', '.join(source.tables) or 'no tables'}."
        )
    tongue = language(language_code or source.settings.language)
    source.ensure_clean(cleaning)
    for table in needed:
        counts = source.state["tables"][table]
        if not counts["clean"]:
            raise ReportError(
                f"The report {notebook.stem} needs {table}, but none of its {counts['rows_in']:,} rows is "
                f"clean; see what is wrong with: crmlab clean {source.path}"
            )
    values = check_parameters(own, given, _domains(source, own))
    made_from = ingredients(notebook, values, tongue.code, needed, source)
    key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:12]
    return Plan(
        notebook, source, tongue, values, made_from, Path(out) / notebook.stem / f"{tongue.code}-{key}"
    )


def _domains(source: Workspace, declared: Mapping[str, Any]) -> dict[str, Any]:
    """What the columns hold that parameters refer to."""
    found: dict[str, Any] = {}
    for parameter in declared.values():
        table, _, column = parameter.column.partition(".")
        if not table or table not in source.tables:
            continue
        if parameter.type == "date":
            found[parameter.column] = source.state["tables"][table]["ranges"].get(column)
        else:
            found[parameter.column] = source.values(table, column)
    return found


def run_report(
    name: str,
    workspace: str | Path = "data/sample",
    parameters: Mapping[str, Any] | None = None,
    language: str | None = None,
    out: str | Path = "reports",
    progress: Progress | None = None,
) -> Run:
    """Run one report.

    Parameters
    ----------
    name
        A report that comes with crmlab, or the path of a notebook with a ``parameters`` cell.
    workspace
        Folder of the workspace.
    parameters
        Values for the notebook's parameters; the others stay at their defaults.
    language
        ``"en"`` or ``"fa"``; the workspace's own if not given.
    out
        Folder for all reports; ``index.html`` there lists them.
    progress
        Called with the report's name, the number of code cells done, and of all.

    Returns
    -------
    Run
        An unchanged report is found again and not run.

    Raises
    ------
    ParameterError
        Before anything runs, if name, parameters or workspace do not fit.
    ReportError
        If the notebook fails; its folder then holds the executed notebook up to the failing
        cell, ``error.txt`` and ``log.txt``.

    Examples
    --------
    >>> run_report("segmentation", "data/sample", {"as_of": "2024-07-01"})  # doctest: +SKIP
    """
    return run_plan(plan_report(name, workspace, parameters, language, out), progress)


def run_plan(plan: Plan, progress: Progress | None = None) -> Run:
    """Run a report whose call has been checked, unless an unchanged run is there."""
    started, name = time.perf_counter(), plan.notebook.stem
    check_writable(plan.folder.parent)
    if is_done(plan.folder):
        return Run(name, plan.folder, False, time.perf_counter() - started)
    began = datetime.now(UTC)
    part = plan.folder.with_name(f".{plan.folder.name}.part-{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        error = _execute(plan, part, progress)
        seconds = time.perf_counter() - started
        write_manifest(part, {
            **plan.made_from,
            "status": "failed" if error else "done",
            "started_at": began.isoformat(timespec="seconds"),
            "seconds": round(seconds, 2),
            "outputs": {path.relative_to(part).as_posix(): sha256(path) for path in _files(part)},
        })  # fmt: skip
        shutil.rmtree(plan.folder, ignore_errors=True)
        part.rename(plan.folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    write_index(plan.folder.parent.parent)
    if error:
        raise ReportError(f"The report {name} failed {error} See {plan.folder / 'error.txt'}.")
    return Run(name, plan.folder, True, seconds)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def is_done(folder: Path) -> bool:
    """Whether a finished, unharmed report lies in `folder`."""
    manifest = read_manifest(folder)
    if not manifest or manifest.get("status") != "done":
        return False
    return all(
        (folder / path).is_file() and sha256(folder / path) == checksum
        for path, checksum in manifest["outputs"].items()
    )


def _execute(plan: Plan, part: Path, progress: Progress | None) -> str:
    """Execute the notebook into `part`; returns what went wrong, empty if nothing did."""
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    notebook = nbformat.read(plan.notebook, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell["source"] = plan.tongue(cell["source"])
    steps = {"done": 0, "all": sum(cell.cell_type == "code" for cell in notebook.cells) + 1}

    def one_more(cell: Any, **_: Any) -> None:
        steps["done"] += 1
        if progress:
            progress(plan.notebook.stem, min(steps["done"], steps["all"]), steps["all"])

    if progress:
        progress(plan.notebook.stem, 0, steps["all"])
    output, error, kernel_log = part / "report.ipynb", "", ""
    given = {"workspace": str(plan.workspace.path), "language": plan.tongue.code}
    declared = read_parameters(plan.notebook)
    given = {name: value for name, value in given.items() if name in declared} | plan.values
    sockets = tempfile.mkdtemp(prefix="crmlab-")
    try:
        papermill.execute_notebook(
            notebook, output, given, kernel_name=KERNEL, progress_bar=False, on_cell_executed=one_more,
            kernel_manager_class=_kernel_manager(sockets),
        )  # fmt: skip
    except PapermillExecutionError as failure:
        error = f"in code cell {failure.exec_count}: {failure.ename}: {failure.evalue}".rstrip(".") + "."
        (part / "error.txt").write_text(
            f"Code cell {failure.exec_count}:\n\n{failure.source}\n\n{failure.ename}: {failure.evalue}\n",
            encoding="utf-8",
        )
    except Exception as failure:  # a kernel that dies or does not start has many names
        error = f"while it ran: {type(failure).__name__}: {failure}".rstrip(".") + "."
        (part / "error.txt").write_text(error + "\n", encoding="utf-8")
    finally:
        kernel_log = _read_text(Path(sockets, "kernel.log"))
        shutil.rmtree(sockets, ignore_errors=True)
    executed = canonical(nbformat.read(output, as_version=4)) if output.exists() else notebook
    nbformat.write(executed, output)
    if error:
        (part / "log.txt").write_text(_log(executed) + kernel_log, encoding="utf-8")
        return error
    _write_tables(executed, part / "tables")
    facts = _facts(plan)
    subtitle = plan.tongue("Workspace: {name}", name=plan.workspace.name)
    page = to_page(executed, _title(executed), subtitle, plan.tongue, facts)
    (part / "report.html").write_text(page, encoding="utf-8")
    return ""


def _kernel_manager(folder: str) -> type:
    """Kernels on sockets in `folder`, which only this user can open, rather than on open ports."""
    from jupyter_client import AsyncKernelManager
    from traitlets import default

    class PrivateKernelManager(AsyncKernelManager):
        @default("transport")
        def _transport(self) -> str:
            return "ipc" if os.name == "posix" else "tcp"

        @default("ip")
        def _ip(self) -> str:
            return f"{folder}/kernel" if os.name == "posix" else "127.0.0.1"

        async def _async_start_kernel(self, **options: Any) -> None:
            # What the kernel itself says belongs into the log of a failed run, not on the screen.
            with open(f"{folder}/kernel.log", "ab") as log:
                await super()._async_start_kernel(**options, stdout=log, stderr=log)

        start_kernel = _async_start_kernel

    return PrivateKernelManager


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _facts(plan: Plan) -> dict[str, str]:
    """What the foot of the page says."""
    tongue, versions = plan.tongue, plan.made_from["versions"]
    shown = {name: "–" if value is None else str(value) for name, value in plan.values.items()}
    digests = {
        tongue("Table {name}, SHA-256", name=name): digest[:12]
        for name, digest in plan.made_from["inputs"].items()
    }
    return shown | digests | {
        "crmlab": versions["crmlab"],
        "Python": versions["python"],
        "pandas": versions["pandas"],
    }  # fmt: skip


def _title(notebook: Any) -> str:
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (heading := re.search(r"^# +(.+)$", cell.source, re.MULTILINE)):
            return heading[1].strip()
    return "Report"


def _write_tables(notebook: Any, folder: Path) -> None:
    """Write the tables that the exhibits carry, one CSV each."""
    folder.mkdir()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            table = output.get("data", {}).get(TABLE_TYPE)
            if table:
                (folder / f"{table['name']}.csv").write_text(table["csv"], encoding="utf-8", newline="")


def _log(notebook: Any) -> str:
    """Everything the cells printed, and the traceback of the one that failed."""
    lines = []
    for number, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        for output in cell.outputs:
            if output.output_type == "stream":
                lines.append(f"[cell {number}] {output.text.rstrip()}")
            if output.output_type == "error":
                traceback = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output.traceback))
                lines.append(f"[cell {number}] {traceback}")
    return "\n".join(lines) + "\n"
