"""Run a report: check, execute, and lay page, tables and manifest into a folder of their own.

reports/<name>/<language>-<key>/
    report.ipynb  report.html  tables/*.csv  files/*  manifest.json
    error.txt  log.txt            only if it failed

The key is made of all that decides the content, so an unchanged report is found, not run again.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crmlab.errors import ParameterError, ReportError
from crmlab.folders import check_writable, sha256
from crmlab.reporting.index import write_index
from crmlab.reporting.manifest import read_manifest, write_manifest
from crmlab.reporting.parameters import read_notebook, read_parameters
from crmlab.reporting.plan import Plan, plan_report
from crmlab.reporting.render import Job

#: Called with the number of a plan, the code cells begun and the number of all of them.
Progress = Callable[[int, int, int], None]

#: Ways to execute a notebook, see `crmlab.reporting.engines`.
ENGINES = ("fork", "papermill")


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
    headline : dict
        Headline figures by their English names: plain numbers, money in minor units, shares from
        0 to 1.
    """

    name: str
    folder: Path
    made: bool
    seconds: float
    headline: dict[str, Any] = field(default_factory=dict)

    @property
    def page(self) -> Path:
        """The HTML page."""
        return self.folder / "report.html"


def run_report(
    name: str,
    workspace: str | Path = "data/sample",
    parameters: Mapping[str, Any] | None = None,
    language: str | None = None,
    out: str | Path = "reports",
    progress: Progress | None = None,
    engine: str | None = None,
    limit: int | None = None,
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
        Called with 0, the number of code cells begun, and of all.
    engine
        ``"papermill"`` (a Jupyter kernel) or ``"fork"`` (faster, Linux only, the default there).
    limit
        Seconds a cell may take.

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
    plan = plan_report(name, workspace, parameters, language, out)
    (result,) = (result for _, result in run_plans([plan], 1, progress, engine, limit))
    if isinstance(result, ReportError):
        raise result
    return result


def choose_engine(engine: str | None) -> str:
    """The engine asked for, else the fastest this system has.

    Raises
    ------
    ParameterError
        If there is no such engine, or not on this system.
    """
    from crmlab.reporting.engines import can_fork

    if engine is None:
        return "fork" if can_fork() else "papermill"
    if engine not in ENGINES:
        raise ParameterError(f"The engine is one of {', '.join(ENGINES)}, not {engine!r}.")
    if engine == "fork" and not can_fork():
        raise ParameterError("The engine fork needs Linux; leave it out, or take papermill.")
    return engine


def run_plans(
    plans: Sequence[Plan],
    workers: int = 1,
    progress: Progress | None = None,
    engine: str | None = None,
    limit: int | None = None,
) -> Iterator[tuple[int, Run | ReportError]]:
    """Run reports whose calls have been checked, some at a time; unchanged ones are found.

    Yields
    ------
    int, Run or ReportError
        Place of the plan and what came of it, as each is finished. A failure does not stop the
        others.
    """
    engine = choose_engine(engine)
    outs, todo = dict.fromkeys(plan.folder.parent.parent for plan in plans), {}
    for place, plan in enumerate(plans):
        started = time.perf_counter()
        manifest = done_manifest(plan.folder)
        if manifest:
            seconds = time.perf_counter() - started
            figures = _by_name(manifest["headline"])
            yield place, Run(plan.notebook.stem, plan.folder, False, seconds, figures)
        else:
            check_writable(plan.folder.parent)
            todo[place] = plan
    if not todo:
        return
    makers = {"fork": _forked, "papermill": _in_kernels}
    began = {place: (datetime.now(UTC), time.perf_counter()) for place in todo}
    parts = {
        place: plan.folder.with_name(f".{plan.folder.name}.part-{os.getpid()}")
        for place, plan in todo.items()
    }
    try:
        jobs = {place: job_of(plan, parts[place], limit) for place, plan in todo.items()}
        for part in parts.values():
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
        for place, event in makers[engine](jobs, workers):
            if "cell" in event:
                if event["cell"] == 1:
                    began[place] = (datetime.now(UTC), time.perf_counter())
                if progress:
                    progress(place, event["cell"], event["of"])
                continue
            yield place, _finish(todo[place], parts[place], event, began[place], engine)
    finally:
        for part in parts.values():
            shutil.rmtree(part, ignore_errors=True)
        for out in outs:
            write_index(out)


def job_of(plan: Plan, part: Path, limit: int | None = None) -> Job:
    """What makes the report of a plan in the folder `part`."""
    tongue = plan.tongue
    given = {"workspace": str(plan.workspace.path), "language": tongue.code}
    declared = read_parameters(plan.notebook)
    given = {name: value for name, value in given.items() if name in declared} | plan.values
    subtitle = tongue("Workspace: {name}", name=plan.workspace.name)
    return Job(str(plan.notebook), str(part), given, tongue.code, subtitle, _facts(plan), limit)


def _forked(jobs: dict[int, Job], workers: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Events of the jobs, made by the pool; the death of a child is told as an error."""
    from crmlab.reporting.pool import run_forked

    places, cells = list(jobs), dict.fromkeys(jobs, 0)
    for event in run_forked(list(jobs.values()), workers):
        place = places[event["job"]]
        cells[place] = event.get("cell", cells[place])
        if "signal" in event:
            event = {"error": _died(event["signal"], cells[place], jobs[place]), "headline": []}
        yield place, event


def _died(number: int, cell: int, job: Job) -> str:
    from crmlab.reporting.render import write_failure

    what = f"the process was ended by {signal.Signals(number).name}" if number > 0 else "the process ended"
    if number == signal.SIGALRM:
        what = f"it took longer than {job.limit} seconds"
    error, folder = f"in code cell {cell}: {what}.", Path(job.folder)
    with suppress(OSError):
        log = folder / "process.log"
        said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        for left in (log, *folder.glob(".*")):  # it may have died while it was writing
            left.unlink(missing_ok=True)
        sources = [
            c["source"] for c in read_notebook(Path(job.notebook))["cells"] if c["cell_type"] == "code"
        ]
        # papermill's own cell stands behind the parameters, so cells are numbered one higher from there.
        source = "".join(sources[max(cell - 2, 0)]) if sources else ""
        write_failure(folder, error, source, said)
    return error


def _in_kernels(jobs: dict[int, Job], workers: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Events of the jobs, each made in a thread that drives a Jupyter kernel."""
    import queue
    from concurrent.futures import ThreadPoolExecutor

    from jupyter_core.utils import ensure_event_loop

    from crmlab.reporting.engines import with_papermill
    from crmlab.reporting.render import render

    events: queue.Queue[tuple[int, dict[str, Any]]] = queue.Queue()

    def make(place: int, job: Job) -> None:
        def execute(notebook: Any, parameters: dict[str, Any]) -> Any:
            cells = sum(cell.cell_type == "code" for cell in notebook.cells) + 1
            events.put((place, {"cell": 1, "of": cells}))
            done = lambda n: events.put((place, {"cell": min(n + 1, cells), "of": cells}))  # noqa: E731
            return with_papermill(notebook, parameters, done, job.limit)

        try:
            outcome = render(job, execute)
            events.put((place, {"error": outcome.error, "headline": outcome.headline}))
        finally:
            # Running a notebook opens an event loop for this thread and leaves closing it to us.
            ensure_event_loop().close()

    with ThreadPoolExecutor(workers) as pool:
        for place, job in jobs.items():
            pool.submit(make, place, job)
        left = len(jobs)
        while left:
            place, event = events.get()
            left -= "error" in event
            yield place, event


def _finish(
    plan: Plan, part: Path, event: dict[str, Any], began: tuple[datetime, float], engine: str
) -> Run | ReportError:
    """Give a report that was made its manifest and its place."""
    name, error, seconds = plan.notebook.stem, event["error"], time.perf_counter() - began[1]
    try:
        write_manifest(part, {
            **plan.made_from,
            "workspace_path": str(plan.workspace.path),
            "notebook": plan.name,
            "engine": engine,
            "status": "failed" if error else "done",
            "started_at": began[0].isoformat(timespec="seconds"),
            "seconds": round(seconds, 2),
            "headline": event["headline"],
            "outputs": {path.relative_to(part).as_posix(): sha256(path) for path in _files(part)},
        })  # fmt: skip
        shutil.rmtree(plan.folder, ignore_errors=True)
        part.rename(plan.folder)
    except OSError as failure:
        return ReportError(f"The report {name} cannot be written: {failure.strerror or failure}.")
    if error:
        return ReportError(f"The report {name} failed {error} See {plan.folder / 'error.txt'}.")
    return Run(name, plan.folder, True, seconds, _by_name(event["headline"]))


def _by_name(figures: list[dict[str, Any]]) -> dict[str, Any]:
    return {figure["name"]: figure["value"] for figure in figures}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def done_manifest(folder: Path) -> dict[str, Any] | None:
    """Manifest of a finished, unharmed report in `folder`, or None if there is none."""
    manifest = read_manifest(folder)
    if not manifest or manifest.get("status") != "done":
        return None
    unharmed = all(
        (folder / path).is_file() and sha256(folder / path) == checksum
        for path, checksum in manifest["outputs"].items()
    )
    return manifest if unharmed else None


def _facts(plan: Plan) -> dict[str, str]:
    """What the foot of the page says."""
    tongue, versions = plan.tongue, plan.made_from["versions"]
    shown = {
        name: tongue("not given") if value is None else str(value)
        for name, value in plan.values.items()
        if name != "public" or value is not None
    }
    digests = {
        tongue("Table {name}, SHA-256", name=name): digest[:12]
        for name, digest in plan.made_from["inputs"].items()
    }
    return shown | digests | {
        "crmlab": versions["crmlab"],
        "Python": versions["python"],
        "pandas": versions["pandas"],
    }  # fmt: skip
