"""A batch on an engine that is there already: Dask, MPI, or any other `concurrent.futures` executor.

Every machine needs the same crmlab, and sees the plan's workspaces and the folder for reports under
the same paths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, as_completed
from pathlib import Path

from crmlab.errors import ReportError
from crmlab.reporting.batch import Call
from crmlab.reporting.index import write_index
from crmlab.reporting.plan import open_clean, plan_report
from crmlab.reporting.run import Run, run_plans


def run_calls(
    calls: list[Call], out: str, engine: str | None = None, limit: int | None = None
) -> list[Run | ReportError]:
    """Make the reports of some calls here, one after the other; what came of each, in their order."""
    opened = {call.workspace: open_clean(call.workspace) for call in calls}
    plans = [
        plan_report(call.notebook, opened[call.workspace], call.parameters, call.language, out)
        for call in calls
    ]
    return [result for _, result in sorted(run_plans(plans, 1, None, engine, limit), key=lambda r: r[0])]


def run_elsewhere(
    calls: Sequence[Call],
    executor: Executor,
    out: str | Path = "reports",
    engine: str | None = None,
    limit: int | None = None,
    pieces: int = 32,
) -> Iterator[tuple[int, Run | ReportError]]:
    """Make the reports of a batch by an executor.

    Parameters
    ----------
    calls
        As `read_batch` gives them; check them first with `plan_batch`, which cleans the workspaces
        too, so that no two machines do.
    executor
        Such as ``dask.distributed.Client(...).get_executor()``.
    out
        Folder for all reports, on a disk that all machines see.
    pieces
        Number of tasks to make of the calls, at most: what a task costs beside its reports is
        paid once for each.

    Yields
    ------
    int, Run or ReportError
        Place of the call and what came of it, as each task is finished. A task that is lost is a
        failure of its reports and stops no other.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor(2) as executor:
    ...     list(run_elsewhere([], executor))
    []
    """
    out = Path(out).resolve()
    calls = [call._replace(workspace=str(Path(call.workspace).resolve()), notebook=_there(call.notebook))
             for call in calls]  # fmt: skip
    places = [range(len(calls))[first::pieces] for first in range(min(pieces, len(calls)))]
    tasks = {
        executor.submit(run_calls, [calls[place] for place in piece], str(out), engine, limit): piece
        for piece in places
    }
    for task in as_completed(tasks):
        try:
            results = task.result()
        except Exception as error:  # whatever a machine elsewhere dies of
            lost = ReportError(f"The report failed elsewhere: {type(error).__name__}: {error}")
            results = [lost] * len(tasks[task])
        yield from zip(tasks[task], results, strict=True)
    if tasks:
        write_index(out)


def _there(notebook: str) -> str:
    """A notebook's path as it is found from any folder; the name of a report stays as it is."""
    return str(Path(notebook).resolve()) if notebook.endswith(".ipynb") else notebook
