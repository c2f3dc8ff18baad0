"""What the commands print: tables, and lines that show progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

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
