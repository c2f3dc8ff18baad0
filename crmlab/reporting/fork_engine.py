"""The engine ``fork`` for papermill itself: ``papermill --engine fork IN.ipynb OUT.ipynb``."""

from __future__ import annotations

import shutil
import signal
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from crmlab.reporting.engines import can_fork
from crmlab.reporting.pool import run_forked
from crmlab.reporting.render import Job, write_notebook


def __getattr__(name: str) -> Any:
    # Papermill loads its engines while it is being imported, so that the class is made when asked for.
    if name == "ForkEngine":
        return _fork_engine()
    raise AttributeError(name)


@cache
def _fork_engine() -> type:
    from papermill.engines import Engine, NBClientEngine
    from papermill.log import logger

    class ForkEngine(Engine):
        """Executes a notebook in a child forked from a process that has loaded everything; Linux only.

        Elsewhere papermill's own engine takes its place, and says so.
        """

        @classmethod
        def execute_managed_notebook(
            cls, nb_man: Any, kernel_name: str, execution_timeout: int | None = None, **options: Any
        ) -> Any:
            """Execute the manager's notebook in place.

            Raises
            ------
            DeadKernelError
                If the child was ended from outside, by the time limit of a cell, say.
            """
            if not can_fork():
                logger.warning("The engine fork needs Linux; the notebook runs in a Jupyter kernel instead.")
                return NBClientEngine.execute_managed_notebook(
                    nb_man, kernel_name, execution_timeout=execution_timeout, **options
                )
            folder = Path(tempfile.mkdtemp(prefix="crmlab-"))
            try:
                return _execute(nb_man, folder, execution_timeout)
            finally:
                shutil.rmtree(folder)

    return ForkEngine


def _execute(nb_man: Any, folder: Path, limit: int | None) -> None:
    from nbclient.exceptions import DeadKernelError

    given, done = folder / "given.ipynb", folder / "done"
    write_notebook(nb_man.nb, given)
    done.mkdir()
    cells = [(place, cell) for place, cell in enumerate(nb_man.nb.cells) if cell.cell_type == "code"]
    running, passed = None, 0
    for event in run_forked([Job(str(given), str(done), {}, "en", "", {}, limit)], workers=1):
        if running:
            _take_over(nb_man, done)
            place, cell = running
            (nb_man.cell_exception if _failed(cell) else nb_man.cell_complete)(cell, place)
        running = cells[event["cell"] - 1] if "cell" in event else None
        if running:
            place, cell = running
            _pass_text(nb_man, passed, place)
            passed = place + 1
            nb_man.cell_start(cell, place)
        if "signal" in event:
            name = signal.Signals(event["signal"]).name if event["signal"] > 0 else "itself"
            raise DeadKernelError(f"The process of the notebook was ended by {name}.")
    _take_over(nb_man, done)
    if not any(map(_failed, nb_man.nb.cells)):
        _pass_text(nb_man, passed, len(nb_man.nb.cells))


def _pass_text(nb_man: Any, first: int, end: int) -> None:
    """Tell the manager that the cells of text between two places are done: its bar counts all cells."""
    for place, cell in list(enumerate(nb_man.nb.cells))[first:end]:
        nb_man.cell_start(cell, place)
        nb_man.cell_complete(cell, place)


def _take_over(nb_man: Any, folder: Path) -> None:
    """Put the outputs written so far into the manager's notebook."""
    import nbformat

    if not (folder / "report.ipynb").exists():
        return
    executed = nbformat.read(folder / "report.ipynb", as_version=4)
    for cell, ran in zip(nb_man.nb.cells, executed.cells, strict=True):
        if cell.cell_type == "code":
            cell["outputs"], cell["execution_count"] = ran.outputs, ran.execution_count


def _failed(cell: Any) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", ()))
