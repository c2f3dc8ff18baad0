"""What the commands print: tables, and lines that show progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from crmlab.errors import CrmlabError

if TYPE_CHECKING:
    from crmlab.reporting.plan import Plan
    from crmlab.reporting.run import Run

#: Exit statuses besides 0; the last is what shells expect of an interrupted command.
FINDING, WRONG_CALL, INTERRUPTED = 1, 2, 130


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """A function that shows what is being worked on; the line goes when the work is done."""
    with ExitStack() as stack:
        lines = []

        def say(item: str) -> None:
            if not lines:
                from rich.console import Console

                lines.append(stack.enter_context(Console(stderr=True).status(f"{what} ...")))
            lines[0].update(f"{what} {item} ...")

        yield say


def print_table(title: str, rows: list[list[str]], heads: list[str], right: tuple[int, ...] = ()) -> None:
    """Print a table; columns named in `right` are set to the right."""
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


class Bars:
    """Bars that appear when the first cell runs: where nothing is to be made, there are none."""

    def __init__(self, plans: Sequence[Plan], each: bool, stack: ExitStack) -> None:
        self._plans, self._each, self._stack = plans, each, stack
        self._progress: Any = None

    def begun(self, place: int, cell: int, cells: int) -> None:
        """A cell of the report in this place begins."""
        if self._progress is None:
            self._start()
        self._progress.update(self._tasks[place], completed=cell, total=cells, visible=self._each)

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        count = TextColumn(f"{'cell' if self._each else 'report'} {{task.completed}} of {{task.total}}")
        shown = (
            TextColumn("{task.description}"),
            BarColumn(),
            count,
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._progress = self._stack.enter_context(Progress(*shown, console=Console(stderr=True)))
        self._whole = self._progress.add_task("all", total=len(self._plans), visible=not self._each)
        names = [plan.notebook.stem for plan in self._plans]
        self._tasks = [self._progress.add_task(name, total=None, visible=False) for name in names]

    def finished(self, so_far: int, result: Run | CrmlabError) -> None:
        """So many reports are done, this one the last of them."""
        if self._progress is not None:
            self._progress.update(self._whole, completed=so_far)
        if not self._each or isinstance(result, CrmlabError):
            return
        line = f"{result.name}: {result.page} ({f'{result.seconds:.1f} s' if result.made else 'unchanged'})"
        if self._progress is None:
            click.echo(line)
        else:
            self._progress.console.print(line, highlight=False, soft_wrap=True)
