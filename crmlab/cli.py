"""The command `crmlab`.

Exit status: 0 fine, 1 a finding (rows set aside, a report that failed, a file not understood),
2 a wrong call. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmlab.errors import CrmlabError, ParameterError, ReportError

if TYPE_CHECKING:
    from crmlab.reporting.run import Plan, Run
    from crmlab.workspace import Workspace

FINDING, WRONG_CALL = 1, 2
_LANGUAGE = click.Choice(["en", "fa"])


class _Sentences(click.Group):
    """A group of commands that says what is wrong in one sentence, without a traceback."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except CrmlabError as error:
            click.echo(f"crmlab: {error}", err=True)
            context.exit(FINDING if isinstance(error, ReportError) else WRONG_CALL)


@click.group(cls=_Sentences, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="crmlab")
def main() -> None:
    """A workbench for customer relationship data: describe your files, clean them, report on them.

    Exit status: 0 fine, 1 a finding, 2 a wrong call.
    """


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a crmlab.toml that is there.")
def init(folder: Path, files: tuple[Path, ...], force: bool) -> None:
    """Describe your own files in DIR/crmlab.toml.

    Looks at each FILE, proposes which table it is and which of its columns is what, and says what
    could not be told. The files stay where they are. Exit status 1 if something is left for you to
    fill in.
    """
    from crmlab.describe import describe_files, write_description

    found = describe_files(files)
    target = write_description(folder, found, force)
    for file in found:
        if file.rows:
            _print_table(file.heading, file.rows, ["Column of the table", "Heading in the file"])
        else:
            click.echo(file.heading)
        for remark in file.remarks:
            click.echo(f"  {remark}")
        click.echo()
    click.echo(f"Written: {target}. Look it over, then: crmlab clean {folder}")
    if not any(file.proposal.table for file in found):
        click.echo("Nothing was recognised: fill in a [[source]] there first.")
    if any(file.open_questions for file in found):
        sys.exit(FINDING)


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def clean(folder: Path) -> None:
    """Load and clean the workspace in DIR; print what was repaired, set aside and left.

    Exit status 1 if rows were set aside. They are kept with their reasons in
    DIR/clean/quarantine.parquet, every change in DIR/clean/ledger.parquet.
    """
    from crmlab.cleansing.ledger import summarise
    from crmlab.workspace import open_workspace

    workspace = open_workspace(folder)
    with _working("cleaning") as say:
        counts = workspace.clean(progress=say)
    rows = [
        [name, *(f"{number:,}" for number in row)]
        for name, row in zip(counts.index, counts.values, strict=True)
    ]
    _print_table("Rows", rows, ["Table", "In", "Clean", "Set aside", "Merged"], right=(1, 2, 3, 4))
    done = summarise(workspace.ledger)
    rows = [
        [row.table, row.action, row.column, row.rule, f"{row.cells:,}"]
        for row in done[done["action"] != "read"].itertuples()
    ]
    _print_table("What was done", rows, ["Table", "Action", "Column", "What", "Cells"], right=(4,))
    for name, state in workspace.state["tables"].items():
        if state["unused_columns"]:
            click.echo(f"Columns of {name} that are not used: {', '.join(state['unused_columns'])}")
    if counts["set_aside"].sum():
        sys.exit(FINDING)


@main.command()
@click.argument("name", metavar="NAME|all")
@click.option("--workspace", "-w", metavar="DIR", default="data/sample", show_default=True,
              type=click.Path(path_type=Path), help="Folder of the workspace.")  # fmt: skip
@click.option(
    "-p", "parameters", metavar="NAME=VALUE", multiple=True, help="A parameter of the report; repeatable."
)
@click.option("--lang", type=_LANGUAGE, default=None, help="Language; the workspace's own if not given.")
@click.option("--out", metavar="DIR", default="reports", show_default=True, type=click.Path(path_type=Path),
              help="Folder for all reports and their index.")  # fmt: skip
@click.option("--jobs", metavar="N", type=click.IntRange(1), default=None,
              help="Reports to run at a time; as many as there are processors if not given.")  # fmt: skip
def report(
    name: str, workspace: Path, parameters: tuple[str, ...], lang: str | None, out: Path, jobs: int | None
) -> None:
    """Run the report NAME, or all that the workspace has data for.

    NAME is segmentation, satisfaction or campaign, or the path of a notebook with a cell tagged
    "parameters". An unchanged report is not run again. Exit status 1 if a report failed; the other
    reports are finished.
    """
    from crmlab.reporting.run import plan_report

    given, cleaned = _pairs(parameters), set()
    with _working("cleaning") as show:

        def say(table: str) -> None:
            cleaned.add(table)
            show(table)

        if name == "all":
            plans, failures = _plan_all(workspace, given, lang, out, say)
        else:
            plans, failures = [plan_report(name, workspace, given, lang, out, say)], []
    if cleaned and plans:
        _say_what_was_set_aside(plans[0].workspace)
    failures += _run_all(plans, jobs or os.cpu_count() or 1)
    for failure in failures:
        click.echo(f"crmlab: {failure}", err=True)
    click.echo(f"{out / 'index.html'}")
    if failures:
        sys.exit(FINDING)


def _say_what_was_set_aside(workspace: Workspace) -> None:
    aside = {name: counts["set_aside"] for name, counts in workspace.state["tables"].items()}
    if sum(aside.values()):
        rows = ", ".join(f"{count:,} of {name}" for name, count in aside.items() if count)
        click.echo(f"Rows set aside: {rows}. See them with: crmlab clean {workspace.path}", err=True)


def _pairs(parameters: tuple[str, ...]) -> dict[str, str]:
    for parameter in parameters:
        if "=" not in parameter:
            raise ParameterError(f"A parameter is given as -p name=value, not -p {parameter}.")
    return dict(parameter.split("=", 1) for parameter in parameters)


def _plan_all(
    workspace: Path, given: dict[str, str], lang: str | None, out: Path, say: Any
) -> tuple[list[Plan], list[ReportError]]:
    """Plans of all reports the workspace has tables for, and why others cannot be made.

    Each report gets the parameters it declares.
    """
    from crmlab.reporting.parameters import read_parameters
    from crmlab.reporting.run import find_notebook, plan_report, report_names, tables_of
    from crmlab.workspace import open_workspace

    declared = {name: read_parameters(find_notebook(name)) for name in report_names()}
    for parameter in given:
        if not any(parameter in own for own in declared.values()):
            raise ParameterError(f"No report has a parameter {parameter!r}.")
    known, plans, failures = open_workspace(workspace).tables, [], []
    for name in declared:
        missing = [table for table in tables_of(find_notebook(name)) if table not in known]
        if missing:
            click.echo(f"{name} is left out: the workspace has no {', '.join(missing)}.")
            continue
        own = {key: value for key, value in given.items() if key in declared[name]}
        try:
            plans.append(plan_report(name, workspace, own, lang, out, say))
        except ReportError as failure:
            failures.append(failure)
    if not plans and not failures:
        raise ParameterError(f"The workspace {workspace} has no data for any report.")
    return plans, failures


def _run_all(plans: list[Plan], jobs: int) -> list[ReportError]:
    """Run the plans, some at a time, and return the failures."""
    if not plans:
        return []
    from concurrent.futures import ThreadPoolExecutor

    from jupyter_core.utils import ensure_event_loop
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from crmlab.reporting.run import run_plan

    shown = TextColumn("{task.description}"), BarColumn(), TextColumn("cell {task.completed} of {task.total}")
    failures: list[ReportError] = []
    with Progress(*shown, TimeElapsedColumn(), console=Console(stderr=True)) as bars:
        tasks = {plan.folder: bars.add_task(plan.notebook.stem, total=None, visible=False) for plan in plans}

        def one(plan: Plan) -> Run | ReportError:
            def progress(_: str, done: int, total: int) -> None:
                bars.update(tasks[plan.folder], completed=done, total=total, visible=True)

            try:
                return run_plan(plan, progress)
            except ReportError as failure:
                return failure
            finally:
                # Running a notebook opens an event loop for this thread and leaves closing it to us.
                ensure_event_loop().close()

        with ThreadPoolExecutor(min(jobs, len(plans))) as pool:
            for result in pool.map(one, plans):
                if isinstance(result, ReportError):
                    failures.append(result)
                else:
                    state = f"{result.seconds:.1f} s" if result.made else "unchanged"
                    bars.console.print(
                        f"{result.name}: {result.page} ({state})", highlight=False, soft_wrap=True
                    )
    return failures


@main.group()
def data() -> None:
    """Public data sets, and a sample history with known truth."""


@data.command("list")
def list_sets() -> None:
    """List the public data sets."""
    from crmlab.loaders.public import PUBLIC_SETS

    rows = [[name, item.title, ", ".join(item.tables), item.licence] for name, item in PUBLIC_SETS.items()]
    _print_table("Public data sets", rows, ["Name", "What", "Tables", "Licence"])


@data.command()
@click.argument("name")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
def get(name: str, folder: Path | None) -> None:
    """Fetch the public data set NAME and make it a workspace in DIR (data/NAME if not given).

    Nothing is fetched if the folder that the environment variable CRMLAB_DATA names has a copy.
    """
    from crmlab.describe import write_public_workspace

    folder = folder or Path("data") / name
    with _working("fetching") as say:
        say(name)
        write_public_workspace(name, folder)
    click.echo(f"Written: {folder}. Next: crmlab report all --workspace {folder}")


@data.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--customers", default=2000, show_default=True, help="Number of persons.")
@click.option("--seed", default=1, show_default=True, help="Equal seeds give equal files.")
@click.option(
    "--lang", type=_LANGUAGE, default="en", show_default=True, help="Language of names, texts and dates."
)
@click.option("--kind", type=click.Choice(["shop", "library"]), default="shop", show_default=True,
              help="A shop's whole history, or a library's circulation.")  # fmt: skip
def sample(folder: Path, customers: int, seed: int, lang: str, kind: str) -> None:
    """Write a made-up customer history with its known truth as a workspace in DIR."""
    from crmlab.loaders.sample import write_sample

    with _working("writing") as say:
        write_sample(folder, customers=customers, seed=seed, language=lang, kind=kind, progress=say)
    click.echo(f"Written: {folder}. Next: crmlab report all --workspace {folder}")


@contextmanager
def _working(what: str) -> Iterator[Any]:
    """A line that shows what is being worked on; it goes when the work is done."""
    from rich.console import Console

    with Console(stderr=True).status(f"{what} ...") as status:
        yield lambda item: status.update(f"{what} {item} ...")


def _print_table(title: str, rows: list[list[str]], heads: list[str], right: tuple[int, ...] = ()) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    # A pipe has no width: tables are then as wide as they need to be.
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 160)
    console.print(table)
