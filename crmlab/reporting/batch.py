"""Many reports by a plan: a grid or a table of parameters over one or several notebooks.

A plan is a TOML file::

    notebook = "segmentation"            # or a list; a report's name or a notebook's path
    workspace = "data/sample"            # from the current folder or, if it is not there, the plan's
    language = "en"                      # or a list
    [parameters]                         # the same for all
    top_share = 0.1
    [grid]                               # lists, multiplied out
    as_of = ["2024-06-30", "2024-12-31"]
    [[run]]                              # or single runs, each added to what stands above
    as_of = "2023-12-31"
"""

from __future__ import annotations

import csv
import io
import itertools
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crmlab.errors import CrmlabError, ParameterError, did_you_mean
from crmlab.folders import write_whole

if TYPE_CHECKING:
    from crmlab.reporting.plan import Plan
    from crmlab.reporting.run import Run

#: What each run has besides its parameters; all may be lists at the top of a plan.
_PLACE = ("notebook", "workspace", "language")
_PARTS = (*_PLACE, "parameters", "grid", "run")


class Call(NamedTuple):
    """One report of a batch, as the plan asks for it."""

    notebook: str
    workspace: str
    language: str | None
    parameters: dict[str, Any]


def read_batch(path: Path) -> list[Call]:
    r"""The runs a plan asks for, in its order, each once.

    Raises
    ------
    ParameterError
        If the plan cannot be read, or an entry of it is not known.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "plan.toml")
    >>> _ = path.write_text("notebook = 'segmentation'\n[grid]\nbins = [4, 5]\n")
    >>> [call.parameters for call in read_batch(path)]
    [{'bins': 4}, {'bins': 5}]
    """
    try:
        plan = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ParameterError(f"The plan {path} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ParameterError(f"The plan {path} is not valid TOML: {error}.") from None
    for name in plan:
        if name not in _PARTS:
            raise ParameterError(f"{path}: there is no entry {name!r}" + did_you_mean(name, _PARTS))
    for part in ("parameters", "grid"):
        if not isinstance(plan.get(part, {}), dict):
            raise ParameterError(f"{path}: {part} is a part that begins with [{part}].")
    runs = plan.get("run", [{}])
    if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
        raise ParameterError(f"{path}: each single run begins with [[run]], in two pairs of brackets.")
    if not all("notebook" in {**plan, **run} for run in runs):
        raise ParameterError(f'{path} names no notebook; write notebook = "segmentation", say.')
    calls = []
    for run in runs:
        for chosen in _multiplied({**{name: plan[name] for name in _PLACE if name in plan}, **run}):
            for grid in _multiplied(plan.get("grid", {})):
                calls.append(_call(path, {**plan.get("parameters", {}), **grid, **chosen}))
    return [call for place, call in enumerate(calls) if call not in calls[:place]]


def _multiplied(lists: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All combinations of the values of lists; what is no list has one value."""
    values = [value if isinstance(value, list) else [value] for value in lists.values()]
    for combination in itertools.product(*values):
        yield dict(zip(lists, combination, strict=True))


def _call(path: Path, entries: dict[str, Any]) -> Call:
    notebook = str(entries.pop("notebook"))
    if notebook.endswith(".ipynb"):
        notebook = _beside(path, notebook)
    workspace = _beside(path, str(entries.pop("workspace", "data/sample")))
    return Call(notebook, workspace, entries.pop("language", None), entries)


def _beside(path: Path, name: str) -> str:
    """A path as it stands, or beside the plan if it is only there."""
    beside = path.parent / name
    return str(beside) if not Path(name).exists() and beside.exists() else name


def plan_batch(
    path: Path, out: str | Path = "reports", cleaning: Callable[[str], None] | None = None
) -> tuple[list[Call], list[Plan]]:
    """Check all runs of a plan before any is started.

    Raises
    ------
    CrmlabError
        Naming the first run that does not fit.
    """
    from crmlab.reporting.plan import Opened, open_clean, plan_report

    calls, plans = read_batch(path), []
    opened: dict[str, Opened] = {}
    for number, (notebook, workspace, language, parameters) in enumerate(calls, start=1):
        try:
            if workspace not in opened:
                opened[workspace] = open_clean(workspace, cleaning)
            plans.append(plan_report(notebook, opened[workspace], parameters, language, out))
        except CrmlabError as error:
            error.args = (f"{path}, run {number} of {len(calls)}: {error}",)
            raise
    return calls, plans


def write_summary(plans: list[Plan], results: list[Run | CrmlabError], out: Path) -> Path:
    """Write ``summary.csv``: one row per run of a batch, what was asked and what came of it.

    Its columns are `report`, `workspace`, `language` and the parameters as far as they differ between
    runs, `status` (made, unchanged or failed), `seconds`, the headline figures under their English
    names as plain numbers (money in minor units, shares from 0 to 1), and `page`.

    Returns
    -------
    Path
        Of ``summary.csv`` in the folder `out`.
    """
    rows: list[dict[str, Any]] = []
    for plan, result in zip(plans, results, strict=True):
        failed = isinstance(result, CrmlabError)
        rows.append({
            "report": plan.notebook.stem, "workspace": plan.workspace.name, "language": plan.tongue.code,
            **{f"parameter {name}": value for name, value in plan.values.items()},
            "status": "failed" if failed else "made" if result.made else "unchanged",
            "seconds": None if failed else round(result.seconds, 2),
            **({} if failed else result.headline),
            "page": (plan.folder / ("error.txt" if failed else "report.html")).as_posix(),
        })  # fmt: skip
    # Headline figures that only later runs have come before the page as well.
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if name != "page"]
    same = {name for name in names if len({str(row.get(name, "")) for row in rows}) <= 1}
    dull = {name for name in same if name.startswith("parameter ")}
    dull |= same & {"workspace", "language"} if len(rows) > 1 else set()
    shown = [*(name for name in names if name not in dull), "page"]
    # pandas would take longer to load than an unchanged batch takes.
    content = io.StringIO()
    lines = csv.writer(content, lineterminator="\n")
    lines.writerow(name.removeprefix("parameter ") for name in shown)
    lines.writerows([row.get(name) for name in shown] for row in rows)
    write_whole(out / "summary.csv", content.getvalue())
    return out / "summary.csv"
