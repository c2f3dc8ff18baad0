"""The call of a report, checked: notebook, workspace, parameters, and the folder that follows from them.

The folder's name holds a key made of all that decides the content, so an unchanged report is
found, not run again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from crmlab.errors import ParameterError, ReportError, did_you_mean
from crmlab.locale import Language, language
from crmlab.reporting.manifest import ingredients, key_of
from crmlab.reporting.parameters import check_parameters, read_notebook, read_parameters
from crmlab.workspace import Workspace, open_workspace

_PACKAGE = Path(__file__).parent.parent
#: Where the reports that come with crmlab are: beside the package in a checkout, in it if installed.
_SHELVES = (_PACKAGE.parent / "notebooks" / "reports", _PACKAGE / "notebooks" / "reports")
#: Parameters that every report has and `plan_report` fills in itself.
GIVEN = ("workspace", "language")


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


def tables_of(notebook: Path, which: str = "tables") -> list[str]:
    """Tables the notebook says it reads; ``"further_tables"`` are those it reads where there are any."""
    return list(read_notebook(notebook).get("metadata", {}).get("crmlab", {}).get(which, []))


def missing_tables(notebook: Path, known: Collection[str]) -> list[str]:
    """What the notebook cannot do without and is not among the `known` tables.

    Of its ``"one_of"`` it needs one, whichever it is.
    """
    missing = [table for table in tables_of(notebook) if table not in known]
    choice = tables_of(notebook, "one_of")
    if choice and not set(choice) & set(known):
        missing.append(" or ".join(choice))
    return missing


@dataclass(frozen=True)
class Plan:
    """A report whose call has been checked and that can be run."""

    notebook: Path
    workspace: Workspace
    tongue: Language
    values: dict[str, Any]
    made_from: dict[str, Any]
    folder: Path

    @property
    def name(self) -> str:
        """By which `find_notebook` finds the notebook again."""
        return self.notebook.stem if self.notebook.parent in _SHELVES else str(self.notebook)


class Opened(NamedTuple):
    """A workspace whose clean tables are up to date, and what is known of them."""

    workspace: Workspace
    state: dict[str, Any]


def open_clean(path: str | Path, cleaning: Callable[[str], None] | None = None) -> Opened:
    """Open a workspace and clean it if need be."""
    workspace = open_workspace(path)
    workspace.ensure_clean(cleaning)
    return Opened(workspace, workspace.state)


def plan_report(
    name: str,
    workspace: str | Path | Opened,
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
    if "public" in given and "public" not in declared:
        raise ParameterError(
            f"The report {notebook.stem} cannot be made public: declare `public: int = None` in its "
            "parameters cell, and hand it on with Report(ws, language, public=public)."
        )
    own = {key: value for key, value in declared.items() if key not in GIVEN}
    check_parameters(own, given)
    source = workspace.workspace if isinstance(workspace, Opened) else open_workspace(workspace)
    if missing := missing_tables(notebook, source.tables):
        raise ParameterError(
            f"The report {notebook.stem} needs {', '.join(missing)}, which the workspace {source.name!r} "
            f"does not have; it has: {', '.join(source.tables) or 'no tables'}."
        )
    tongue = language(language_code or source.settings.language)
    state = workspace.state if isinstance(workspace, Opened) else open_clean(source.path, cleaning).state
    further = [*tables_of(notebook, "one_of"), *tables_of(notebook, "further_tables")]
    read = [*tables_of(notebook), *(table for table in further if table in state["tables"])]
    for table in read:
        counts = state["tables"][table]
        if not counts["clean"] and table not in further:
            raise ReportError(
                f"The report {notebook.stem} needs {table}, but none of its {counts['rows_in']:,} rows is "
                f"clean; see what is wrong with: crmlab clean {source.path} --rows 20"
            )
    values = check_parameters(own, given, _domains(source, state, own, given))
    made_from = ingredients(notebook, values, tongue.code, read, source, state, tables_of(notebook, "files"))
    folder = Path(out) / notebook.stem / f"{tongue.code}-{key_of(made_from)}"
    return Plan(notebook, source, tongue, values, made_from, folder)


def _domains(
    source: Workspace, state: dict[str, Any], declared: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """What the columns hold that given parameters refer to."""
    found: dict[str, Any] = {}
    for parameter in declared.values():
        if parameter.name not in given:
            continue
        table, _, column = parameter.column.partition(".")
        if not table or table not in source.tables:
            continue
        if parameter.type == "date":
            found[parameter.column] = state["tables"][table]["ranges"].get(column)
        else:
            found[parameter.column] = source.values(table, column)
    return found
