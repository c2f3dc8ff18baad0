"""The command `crmlab`.

Exit status: 0 fine, 1 a finding (rows set aside, a report that failed, a file not understood),
2 a wrong call. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmlab.cli.show import FINDING, INTERRUPTED, WRONG_CALL, print_table, working
from crmlab.errors import CrmlabError, ReportError, listed

if TYPE_CHECKING:
    from crmlab.workspace import Workspace

#: Commands that are in modules of their own: the module, and the function that is the command.
ELSEWHERE = {
    "report": ("reports", "report"), "batch": ("reports", "batch"), "verify": ("reports", "verify_run"),
    "open": ("reports", "open_run"), "live": ("reports", "live_report"),
    "campaign": ("campaigns", "campaign"),
}  # fmt: skip


class _Sentences(click.Group):
    """A group of commands that says what is wrong in one sentence, without a traceback.

    The commands about reports and campaigns are in modules of their own, loaded when asked for.
    """

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted([*super().list_commands(context), *(ELSEWHERE if self.name == "main" else ())])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if self.name == "main" and name in ELSEWHERE:
            module, function = ELSEWHERE[name]
            return getattr(import_module(f"crmlab.cli.{module}"), function)
        return super().get_command(context, name)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except CrmlabError as error:
            click.echo(f"crmlab: {error}", err=True)
            context.exit(FINDING if isinstance(error, ReportError) else WRONG_CALL)
        except KeyboardInterrupt:
            click.echo("crmlab: interrupted; what is finished stays.", err=True)
            context.exit(INTERRUPTED)


@click.group(name="main", cls=_Sentences, context_settings={"help_option_names": ["-h", "--help"]})
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
    could not be told. The files stay where they are. Exit status 1 if the table of a file or a
    column it needs could not be told.
    """
    from crmlab.describe import assumptions, describe_files, write_description

    found = describe_files(files)
    target = write_description(folder, found, force)
    for file in found:
        if file.rows:
            print_table(file.heading, file.rows, ["Column of the table", "Heading in the file"])
        else:
            click.echo(file.heading)
        for remark in file.remarks:
            click.echo(f"  {remark}")
        click.echo()
    assumed = assumptions(found)
    said = ", ".join(f"{name} {value}" if value else f"no {name}" for name, value in assumed.items())
    click.echo(f"Assumed: {said}. Correct it in [workspace].")
    if not assumed["phone_region"]:
        click.echo("Without phone_region, telephone numbers without their country code are left as they are.")
    click.echo(f"Written: {target}. Look it over, then: crmlab clean {folder}")
    if not any(file.proposal.table for file in found):
        click.echo("Nothing was recognised: fill in a [[source]] there first.")
    if any(file.open_questions for file in found):
        sys.exit(FINDING)


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--rows", metavar="N", type=click.IntRange(0), default=0,
              help="List the first N rows set aside: where they are and why.")  # fmt: skip
def clean(folder: Path, rows: int) -> None:
    """Load and clean the workspace in DIR; print what was repaired, set aside and left.

    Exit status 1 if rows were set aside. They are kept with their reasons and as they came in
    DIR/clean/quarantine.parquet, every change in DIR/clean/ledger.parquet, every row that breaks a
    rule in DIR/clean/violations.parquet; --rows lists what was set aside by source and row, without
    what it holds.
    """
    from crmlab.cleansing.ledger import summarise
    from crmlab.sources import tables_of
    from crmlab.workspace import open_workspace

    workspace = open_workspace(folder)
    with working("cleaning") as say:
        counts = workspace.clean(progress=say)
    lines = [
        [name, *(f"{number:,}" for number in row)]
        for name, row in zip(counts.index, counts.values, strict=True)
    ]
    print_table("Rows", lines, ["Table", "In", "Clean", "Set aside", "Merged"], right=(1, 2, 3, 4))
    _say_persons(workspace)
    done = summarise(workspace.in_engine("ledger"))
    lines = [
        [row.table, row.action, row.column, row.rule, f"{row.cells:,}"]
        for row in done[done["action"] != "read"].itertuples()
    ]
    print_table("What was done", lines, ["Table", "Action", "Column", "What", "Cells"], right=(4,))
    lines = [
        [rule.rule, rule.table, rule.level, f"{rule.rows:,}", f"{rule.violations:,}", f"{rule.share:.1%}",
         rule.first]
        for rule in workspace.rules.itertuples()
    ]  # fmt: skip
    if lines:
        heads = ["Rule", "Table", "Level", "Rows", "Broken by", "Share", "First"]
        print_table("Rules", lines, heads, right=(3, 4, 5))
    for name, state in workspace.state["tables"].items():
        if not state["rows_in"]:
            sources = listed(
                source.label for source in workspace.settings.sources if name in tables_of(source)
            )
            click.echo(f"The table {name} has no rows: there are none in {sources}.")
        if state["unused_columns"]:
            click.echo(f"Columns of {name} that are not used: {listed(state['unused_columns'])}")
    if aside := counts["set_aside"].sum():
        if rows:
            _list_rows_set_aside(workspace, rows, aside)
        click.echo(f"Rows set aside, with their reasons: {workspace.clean_folder / 'quarantine.parquet'}")
        if not rows:
            click.echo(f"To see where they are: crmlab clean {folder} --rows 20")
        sys.exit(FINDING)


def _say_persons(workspace: Workspace) -> None:
    """How many customers are one person, and what can be done about it."""
    _say_strangers(workspace)
    several = workspace.persons["person_id"].value_counts()
    if several.empty:
        return
    found = f"{several.sum():,} customers are {len(several):,} persons"
    book = workspace.clean_folder / "persons.parquet"
    if workspace.settings.customers == "merge":
        click.echo(f"{found}: one record each is left. Who and why: {book}\n")
    else:
        click.echo(f"{found}. Who and why: {book}")
        click.echo('With customers = "merge" in [duplicates], one record of each is made.\n')


def _say_strangers(workspace: Workspace) -> None:
    """How many decisions name a customer whom no record ever had: a slip of the pen, or another file."""
    found = workspace.decisions_on_strangers()
    if len(found):
        some = "1 decision names" if len(found) == 1 else f"{len(found):,} decisions name"
        said = f"{some} a customer number that no record has or had; the first is in line {found.index[0]}."
        click.echo(f"{workspace.decisions_file}: {said}\n")


def _list_rows_set_aside(workspace: Workspace, rows: int, aside: int) -> None:
    """Where the first rows set aside are, and why; not what they hold, which may be personal."""
    shown = workspace.quarantine.head(rows)
    lines = [[row.table, row.source, f"{row.row}", row.reasons] for row in shown.itertuples()]
    title = f"Set aside: the first {len(shown):,} of {aside:,}" if len(shown) < aside else "Set aside"
    print_table(title, lines, ["Table", "Source", "Row below the headings", "Why"], right=(2,))


@main.command()
@click.argument("tables", metavar="[TABLE]...", nargs=-1)
@click.option("--workspace", "-w", metavar="DIR", type=click.Path(path_type=Path),
              help="A workspace whose country, currency and language the page follows.")  # fmt: skip
@click.option("--lang", type=click.Choice(["en", "fa"]), default=None,
              help="Language of the page; the workspace's own if not given, else English.")  # fmt: skip
@click.option("--out", metavar="FILE", default="standard.html", show_default=True,
              type=click.Path(path_type=Path, dir_okay=False), help="Where the page goes.")  # fmt: skip
def standard(tables: tuple[str, ...], workspace: Path | None, lang: str | None, out: Path) -> None:
    """Write how records are to be entered: a page with each column of each TABLE.

    For every column its meaning, its form, the values allowed, a right value, and what it means that
    there is none. All tables if none is named.
    """
    from crmlab.reporting.standard import write_standard

    conventions = None
    if workspace is not None:
        from crmlab.workspace import open_workspace

        opened = open_workspace(workspace)
        conventions, lang = opened.conventions, lang or opened.settings.language
    click.echo(f"Written: {write_standard(out, tables, lang or 'en', conventions)}")


@main.group()
def data() -> None:
    """Public data sets, and a sample history with known truth."""


@data.command("list")
def list_sets() -> None:
    """List the public data sets."""
    from crmlab.loaders.public import PUBLIC_SETS

    rows = [[name, item.title, ", ".join(item.tables), item.licence] for name, item in PUBLIC_SETS.items()]
    print_table("Public data sets", rows, ["Name", "What", "Tables", "Licence"])


@data.command()
@click.argument("name")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
def get(name: str, folder: Path | None) -> None:
    """Fetch the public data set NAME and make it a workspace in DIR (data/NAME if not given).

    Nothing is fetched if the folder that the environment variable CRMLAB_DATA names has a copy.
    """
    from crmlab.describe import write_public_workspace

    folder = folder or Path("data") / name
    with working("fetching") as say:
        say(name)
        write_public_workspace(name, folder)
    _say_what_next(folder)


def _say_what_next(folder: Path) -> None:
    """The reports that a new workspace allows: that on its quality at least."""
    from crmlab.reporting.plan import find_notebook, missing_tables, report_names
    from crmlab.workspace import open_workspace

    tables = open_workspace(folder).tables
    allowed = [name for name in report_names() if not missing_tables(find_notebook(name), tables)]
    click.echo(f"Written: {folder}, with {', '.join(tables)}.")
    name = allowed[0] if len(allowed) == 1 else "all"
    click.echo(f"Next: crmlab report {name} --workspace {folder}")


@data.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--customers", default=2000, show_default=True, help="Number of persons.")
@click.option("--seed", default=1, show_default=True, help="Equal seeds give equal files.")
@click.option(
    "--lang",
    type=click.Choice(["en", "fa"]),
    default="en",
    show_default=True,
    help="Language of names, texts and dates.",
)
@click.option("--kind", type=click.Choice(["shop", "library"]), default="shop", show_default=True,
              help="A shop's whole history, or a library's circulation.")  # fmt: skip
def sample(folder: Path, customers: int, seed: int, lang: str, kind: str) -> None:
    """Write a made-up customer history with its known truth as a workspace in DIR."""
    from crmlab.loaders.sample import write_sample

    with working("writing") as say:
        write_sample(folder, customers=customers, seed=seed, language=lang, kind=kind, progress=say)
    _say_what_next(folder)
