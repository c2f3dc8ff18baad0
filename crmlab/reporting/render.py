"""One report into a folder: execute the notebook, then write notebook, page and tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmlab.folders import write_whole

if TYPE_CHECKING:
    from crmlab.reporting.engines import Executed

#: Output types under which exhibits carry their table and the headline figures.
TABLE_TYPE = "application/vnd.crmlab.table+json"
HEADLINE_TYPE = "application/vnd.crmlab.headline+json"
#: Output type of a text that is to lie beside the page as a file.
FILE_TYPE = "application/vnd.crmlab.file+json"

#: Takes a notebook and its parameters and returns an `Executed`.
Execute = Callable[[Any, dict[str, Any]], Any]


@dataclass(frozen=True)
class Job:
    """All that is needed to make one report, in plain data.

    Attributes
    ----------
    notebook, folder
        Paths: what is run, and where its files go.
    parameters
        For the notebook, its workspace and language among them.
    language, subtitle, facts
        Of the page.
    limit
        Seconds a cell may take; None for no limit.
    """

    notebook: str
    folder: str
    parameters: dict[str, Any]
    language: str
    subtitle: str
    facts: dict[str, str]
    limit: int | None = None

    def plain(self) -> dict[str, Any]:
        """As a dictionary."""
        return asdict(self)


@dataclass(frozen=True)
class Outcome:
    """What came of a job: what went wrong (empty if nothing did), and its headline figures.

    A figure is a dictionary of its `name` (English), `label` and `text` (as shown), `value` (plain)
    and `unit`.
    """

    error: str
    headline: list[dict[str, Any]]


def read_for(job: Job) -> Any:
    """The job's notebook with its text cells translated."""
    import nbformat

    from crmlab.locale import language

    tongue = language(job.language)
    notebook = nbformat.read(job.notebook, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell["source"] = tongue(cell["source"])
    return notebook


def render(job: Job, execute: Execute) -> Outcome:
    """Make one report in the job's folder, which exists and is empty.

    If the notebook fails, the folder holds the executed notebook up to the failing cell,
    ``error.txt`` and ``log.txt``. Whatever else goes wrong, a full disk, say, is an outcome too:
    it concerns this report alone.
    """
    try:
        return _render(job, execute)
    except Exception as failure:
        said = f"while it was written: {type(failure).__name__}: {failure}"
        return Outcome(said.rstrip(".") + ".", [])


def _render(job: Job, execute: Execute) -> Outcome:
    from crmlab.reporting.canonical import canonical

    executed: Executed = execute(read_for(job), job.parameters)
    notebook = canonical(executed.notebook)
    if public := job.parameters.get("public"):
        from crmlab.locale import language
        from crmlab.reporting.public import without_unchecked

        notebook = without_unchecked(notebook, language(job.language), public)
    folder = Path(job.folder)
    write_notebook(notebook, folder / "report.ipynb")
    if executed.error:
        error = executed.error.rstrip(".") + "."
        write_failure(folder, error, executed.source, log_of(notebook) + executed.log)
        return Outcome(error, [])
    _write_tables(notebook, folder / "tables")
    _write_files(notebook, folder / "files")
    (folder / "report.html").write_text(_page(job, notebook), encoding="utf-8")
    return Outcome("", _headline(notebook))


def write_notebook(notebook: Any, path: Path) -> None:
    """Write an executed notebook; equal notebooks give equal bytes."""
    import nbformat

    # While a notebook runs, others read what is there of it.
    write_whole(path, nbformat.writes(notebook, version=4) + "\n")


def write_failure(folder: Path, error: str, source: str, log: str) -> None:
    """Write what went wrong, in which cell, and everything that was said on the way."""
    cell = f"{source}\n\n" if source else ""
    (folder / "error.txt").write_text(f"{cell}{error}\n", encoding="utf-8")
    (folder / "log.txt").write_text(log, encoding="utf-8")


def log_of(notebook: Any) -> str:
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


def _page(job: Job, notebook: Any) -> str:
    from crmlab.locale import language
    from crmlab.reporting.page import to_page

    return to_page(notebook, title_of(notebook), job.subtitle, language(job.language), job.facts)


def title_of(notebook: Any) -> str:
    """The first first-level heading of a notebook."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (heading := re.search(r"^# +(.+)$", cell.source, re.MULTILINE)):
            return heading[1].strip()
    return "Report"


def _data(notebook: Any, kind: str) -> list[Any]:
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]


def _write_tables(notebook: Any, folder: Path) -> None:
    """Write the tables that the exhibits carry, one CSV each."""
    folder.mkdir()
    for table in _data(notebook, TABLE_TYPE):
        (folder / f"{table['name']}.csv").write_text(table["csv"], encoding="utf-8", newline="")


def _write_files(notebook: Any, folder: Path) -> None:
    """Write the texts to be taken along, if there are any."""
    for file in _data(notebook, FILE_TYPE):
        folder.mkdir(exist_ok=True)
        (folder / file["name"]).write_text(file["content"], encoding="utf-8", newline="")


def _headline(notebook: Any) -> list[dict[str, Any]]:
    return [figure for figures in _data(notebook, HEADLINE_TYPE) for figure in figures]
