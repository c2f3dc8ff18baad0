"""The commands about reports: report, batch, verify, open."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmlab.cli.show import FINDING, Bars, print_table, working
from crmlab.errors import CrmlabError, ParameterError, ReportError

if TYPE_CHECKING:
    from crmlab.reporting.batch import Call
    from crmlab.reporting.plan import Plan
    from crmlab.reporting.run import Run
    from crmlab.workspace import Workspace

WORKSPACE = click.option(
    "--workspace", "-w", metavar="DIR", default="data/sample", show_default=True,
    type=click.Path(path_type=Path), help="Folder of the workspace.",
)  # fmt: skip
_PARAMETERS = click.option(
    "-p", "parameters", metavar="NAME=VALUE", multiple=True, help="A parameter of the report; repeatable."
)
LANG = click.option(
    "--lang", type=click.Choice(["en", "fa"]), default=None,
    help="Language; the workspace's own if not given.",
)  # fmt: skip
_ENGINE = click.option(
    "--engine", type=click.Choice(["fork", "papermill"]), default=None,
    help="How notebooks are executed; fork (Linux) is the faster one and the default there.",
)  # fmt: skip
_LIMIT = click.option("--limit", metavar="SECONDS", type=click.IntRange(1), help="Time a cell may take.")
_PUBLIC = click.option(
    "--public", metavar="K", type=click.IntRange(2), default=None,
    help="A report to publish: no group of fewer than K, and nobody in person.",
)  # fmt: skip
_OUT = click.option(
    "--out", metavar="DIR", default="reports", show_default=True, type=click.Path(path_type=Path),
    help="Folder for all reports and their index.",
)  # fmt: skip
_JOBS = click.option(
    "--jobs", metavar="N", type=click.IntRange(1), default=None,
    help="Reports to make at a time; as many as there are processors if not given.",
)  # fmt: skip
_PDF = click.option("--pdf", is_flag=True, help="Print each report to report.pdf as well; needs Chromium.")


def report_options(command: Callable) -> Callable:
    """The options of a report, in the order in which help lists them."""
    options = (WORKSPACE, _PARAMETERS, LANG, _PUBLIC, _OUT, _JOBS, _PDF, _ENGINE, _LIMIT)
    return reduce(lambda made, option: option(made), reversed(options), command)


class _Report(click.Command):
    """The command whose help, behind the name of a report, lists that report's parameters."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        names = [argument for argument in args if not argument.startswith("-")]
        if {"-h", "--help"} & set(args) and names and names[0] != "all":
            click.echo(self.get_help(context))
            _print_parameters(names[0])
            context.exit()
        return super().parse_args(context, args)


@click.command(cls=_Report)
@click.argument("name", metavar="NAME|all")
@report_options
def report(
    name: str, workspace: Path, parameters: tuple[str, ...], lang: str | None, public: int | None, out: Path,
    jobs: int | None, pdf: bool, engine: str | None, limit: int | None,
) -> None:  # fmt: skip
    """Run the report NAME, or all that the workspace has data for.

    NAME is segmentation, satisfaction, campaign, quality or response_tree, or the path of a notebook with
    a cell tagged "parameters"; `crmlab report NAME --help` lists its parameters. An unchanged report is not
    run again. Exit status 1 if a report failed; the other reports are finished.
    """
    from crmlab.reporting.plan import plan_report

    given, cleaned = _pairs(parameters), set()
    if public:
        given["public"] = str(public)
    with working("cleaning") as show:

        def say(table: str) -> None:
            cleaned.add(table)
            show(table)

        if name == "all":
            plans, failures = _plan_all(workspace, given, lang, out, say)
        else:
            plans, failures = [plan_report(name, workspace, given, lang, out, say)], []
    if cleaned and plans:
        _say_what_was_set_aside(plans[0].workspace)
    results = _make(plans, jobs, engine, limit, pdf)
    _end(out, failures + [result for result in results if isinstance(result, CrmlabError)])


@click.command()
@click.argument("plan", metavar="PLAN.toml", type=click.Path(path_type=Path))
@_OUT
@_JOBS
@_PDF
@_ENGINE
@_LIMIT
@click.option(
    "--scheduler", metavar="ADDRESS",
    help="Make the reports on a Dask cluster: tcp://host:8786, say; needs crmlab[cluster].",
)  # fmt: skip
def batch(
    plan: Path, out: Path, jobs: int | None, pdf: bool, engine: str | None, limit: int | None,
    scheduler: str | None,
) -> None:  # fmt: skip
    """Make many reports by a plan: a grid or a table of parameters.

    All runs are checked before any is started. Unchanged ones are found and not run again, so an
    interrupted batch goes on where it was. A summary over all runs is written to summary.csv.

    \b
    notebook = "segmentation"       # or a list
    workspace = "data/sample"
    [parameters]                    # the same for all
    [grid]                          # lists, multiplied out
    as_of = ["2024-06-30", "2024-12-31"]
    [[run]]                         # or single runs
    """  # noqa: D301 - the mark keeps the lines of the example apart
    from crmlab.reporting.batch import plan_batch, write_summary

    with working("cleaning") as say:
        calls, plans = plan_batch(plan, out, say)
    if scheduler:
        results = _make_elsewhere(calls, scheduler, out, engine, limit, pdf)
    else:
        results = _make(plans, jobs, engine, limit, pdf, each=len(plans) <= 24)
    failures = [result for result in results if isinstance(result, CrmlabError)]
    made = sum(not isinstance(result, CrmlabError) and result.made for result in results)
    unchanged = len(plans) - made - len(failures)
    runs = f"{len(plans)} run{'s' * (len(plans) != 1)}"
    click.echo(f"{runs}: {made} made, {unchanged} unchanged, {len(failures)} failed")
    click.echo(f"{write_summary(plans, results, out)}")
    _end(out, failures)


@click.command("verify")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--workspace", "-w", metavar="DIR", type=click.Path(path_type=Path),
              help="Folder of the workspace, if it is elsewhere now.")  # fmt: skip
@_ENGINE
def verify_run(run: Path, workspace: Path | None, engine: str | None) -> None:
    """Make the finished report in the folder RUN again and compare it byte for byte.

    Says which files differ and what has changed since: data, parameters, code or versions. Exit
    status 1 if they differ.
    """
    from crmlab.reporting.verify import verify

    with working("making") as say:
        say(str(run))
        verdict = verify(run, workspace, engine)
    click.echo(str(verdict))
    if not verdict.same:
        sys.exit(FINDING)


@click.command("open")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--copy", "target", metavar="FILE", type=click.Path(path_type=Path),
              help="Write the notebook there and do not start JupyterLab.")  # fmt: skip
def open_run(run: Path, target: Path | None) -> None:
    """Open the notebook of the finished report in the folder RUN in JupyterLab, to go on from there.

    What opens is a copy with the run's parameters and workspace; the run stays as it is.
    """
    from crmlab.reporting.adhoc import copy_of_run

    notebook = copy_of_run(run, target)
    click.echo(f"{notebook}")
    if target is None:
        lab = [sys.executable, "-m", "jupyterlab", str(notebook)]
        os.execv(sys.executable, [*lab, *(["--allow-root"] if os.geteuid() == 0 else [])])


@click.command("live")
@click.argument("name", metavar="NAME")
@WORKSPACE
@_PARAMETERS
@LANG
@click.option("--every", metavar="SECONDS", type=click.IntRange(5),
              help="An open page computes itself anew after so long.")  # fmt: skip
@click.option("--port", type=click.IntRange(1, 65535),
              help="Port of the page; 8866 or the next free one if not given.")  # fmt: skip
@click.option("--browser/--no-browser", default=True, help="Open the page in a browser.")
def live_report(
    name: str, workspace: Path, parameters: tuple[str, ...], lang: str | None, every: int | None,
    port: int | None, browser: bool,
) -> None:  # fmt: skip
    """Serve the report NAME as a page that is computed anew whenever it is opened.

    The page is for this machine alone, and there until the command is interrupted. Needs Voila
    (crmlab[live]).
    """
    import tempfile

    from crmlab.reporting.live import free_port, live_notebook, serve
    from crmlab.reporting.plan import plan_report

    port = free_port(port)
    with working("cleaning") as say:
        plan = plan_report(name, workspace, _pairs(parameters), lang, cleaning=say)
    with tempfile.TemporaryDirectory(prefix="crmlab-live-") as folder:
        notebook = live_notebook(plan, Path(folder), every)
        sys.exit(serve(notebook, port, browser, lambda address: click.echo(f"{address} until Ctrl-C")))


def _print_parameters(name: str) -> None:
    """The parameters of a report as a table."""
    from crmlab.reporting.parameters import read_parameters
    from crmlab.reporting.plan import GIVEN, find_notebook

    rows = []
    for parameter in read_parameters(find_notebook(name)).values():
        if parameter.name in GIVEN:
            continue
        low, high = parameter.minimum, parameter.maximum
        bounds = f"{low:,.12g} to {high:,.12g}" if low is not None else ""
        allowed = " | ".join(parameter.choices) or bounds or parameter.column
        default = (
            "required" if parameter.required else "-" if parameter.default is None else parameter.default
        )
        rows.append([parameter.name, parameter.type, str(default), allowed, parameter.meaning])
    click.echo()
    print_table(f"Parameters of {name}", rows, ["Name", "Type", "Default", "Allowed", "Meaning"])


def _say_what_was_set_aside(workspace: Workspace) -> None:
    aside = {name: counts["set_aside"] for name, counts in workspace.state["tables"].items()}
    if sum(aside.values()):
        rows = ", ".join(f"{count:,} of {name}" for name, count in aside.items() if count)
        click.echo(
            f"Rows set aside: {rows}. See them with: crmlab clean {workspace.path} --rows 20", err=True
        )


def _pairs(parameters: tuple[str, ...]) -> dict[str, str]:
    for parameter in parameters:
        if "=" not in parameter:
            raise ParameterError(f"A parameter is given as -p name=value, not -p {parameter}.")
    pairs = [parameter.split("=", 1) for parameter in parameters]
    for name, given in Counter(name for name, _ in pairs).items():
        if given > 1:
            values = ", ".join(value for one, value in pairs if one == name)
            raise ParameterError(
                f"The parameter {name} is given {given} times ({values}); a report takes one value, "
                "`crmlab batch` makes it for several."
            )
    return dict(pairs)


def _plan_all(
    workspace: Path, given: dict[str, str], lang: str | None, out: Path, say: Any
) -> tuple[list[Plan], list[CrmlabError]]:
    """Plans of all reports the workspace has tables for, and why others cannot be made.

    Each report gets the parameters it declares.
    """
    from crmlab.reporting.parameters import read_parameters
    from crmlab.reporting.plan import find_notebook, missing_tables, open_clean, plan_report, report_names
    from crmlab.workspace import open_workspace

    declared = {name: read_parameters(find_notebook(name)) for name in report_names()}
    for parameter in given:
        if not any(parameter in own for own in declared.values()):
            raise ParameterError(f"No report has a parameter {parameter!r}.")
    known, plans, failures = open_workspace(workspace).tables, [], []
    opened = open_clean(workspace, say)
    for name in declared:
        if missing := missing_tables(find_notebook(name), known):
            click.echo(f"{name} is left out: the workspace has no {', '.join(missing)}.")
            continue
        # Which of them are to be public is no matter of what they declare.
        own = {key: value for key, value in given.items() if key in declared[name] or key == "public"}
        try:
            plans.append(plan_report(name, opened, own, lang, out))
        except ReportError as failure:
            failures.append(failure)
    made = [plan.notebook.stem for plan in plans]
    for parameter in given:
        if without := [name for name in made if parameter not in declared[name]]:
            click.echo(f"{parameter} is no parameter of {', '.join(without)}: made without it.")
    return plans, failures


def _make(
    plans: Sequence[Plan], jobs: int | None, engine: str | None, limit: int | None, pdf: bool,
    each: bool = True,
) -> list[Run | CrmlabError]:  # fmt: skip
    """Run the plans, some at a time, showing how far they are; what came of each, in their order.

    Parameters
    ----------
    each
        A line and a bar for each report; else one bar for all.
    """
    from crmlab.reporting.run import choose_engine, run_plans

    if choose_engine(engine) == "papermill" and engine is None:
        click.echo("Reports run in Jupyter kernels here; the faster engine needs Linux.", err=True)
    results: dict[int, Run | CrmlabError] = {}
    with ExitStack() as stack:
        bars = Bars(plans, each, stack)
        for place, result in run_plans(plans, jobs or os.cpu_count() or 1, bars.begun, engine, limit):
            results[place] = result
            bars.finished(len(results), result)
    if pdf:
        _print_pdfs(results)
    return [results[place] for place in range(len(plans))]


def _make_elsewhere(
    calls: Sequence[Call], scheduler: str, out: Path, engine: str | None, limit: int | None, pdf: bool
) -> list[Run | CrmlabError]:
    """Run the calls on a Dask cluster; what came of each, in their order."""
    from crmlab.reporting.elsewhere import run_elsewhere

    try:
        from dask.distributed import Client
    except ModuleNotFoundError:
        raise ParameterError("A cluster needs Dask; install it with: pip install crmlab[cluster]") from None
    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise ParameterError(f"There is no Dask scheduler at {scheduler}: {error}.") from None
    results: dict[int, Run | CrmlabError] = {}
    with client, working("made elsewhere:") as say:
        for place, result in run_elsewhere(calls, client.get_executor(), out, engine, limit):
            results[place] = result
            say(f"{len(results)} of {len(calls)}")
    if pdf:
        _print_pdfs(results)
    return [results[place] for place in range(len(calls))]


def _print_pdfs(results: dict[int, Run | CrmlabError]) -> None:
    from crmlab.reporting.index import write_index
    from crmlab.reporting.pdf import to_pdf

    printed = []
    with working("printing") as say:
        for result in results.values():
            if not isinstance(result, CrmlabError):
                say(str(result.page))
                printed.append(to_pdf(result.page, result.page.with_suffix(".pdf")))
    for pdf in printed:
        click.echo(f"{pdf}")
    for out in {pdf.parents[2] for pdf in printed}:
        write_index(out)  # which links to them


def _end(out: Path, failures: list[CrmlabError]) -> None:
    for failure in failures:
        click.echo(f"crmlab: {failure}", err=True)
    click.echo(f"{out / 'index.html'}")
    if failures:
        sys.exit(FINDING)
