"""Figures with shaded cells: a table of numbers, and which values are missing together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import crmlab.layout as layout
from crmlab.figures.canvas import WIDTH, canvas, directed
from crmlab.locale import language

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def heatmap(
    grid: pd.DataFrame,
    *,
    title: str,
    rows: str,
    columns: str,
    unit: str = "",
    source: str = "",
    n: int | None = None,
    period: str = "M",
    show: Callable[[float], str] | None = None,
    code: str = "en",
) -> Figure:
    """A table of numbers shaded by size; first row on top. A missing number leaves its cell empty.

    Parameters
    ----------
    rows, columns
        What the rows and the columns stand for.
    period
        How long the periods are, as `trend` takes it, where rows or columns are their first days.
    """
    import numpy as np

    tongue = language(code)
    show = show or tongue.number
    # The name of the rows stands upright beside them, however few they are.
    height = 1.6 + max(min(0.46 * len(grid), 2.9 + 0.22 * len(grid)), 0.4 + 0.07 * len(rows))
    with canvas(height, title, unit, source, n, tongue) as (figure, axes):
        cells = grid.to_numpy(dtype=float)
        largest = np.nanmax(cells, initial=0)
        axes.imshow(cells, cmap="Blues", aspect="auto", vmin=0, vmax=max(largest * 1.25, 1e-9))
        texts = {place: show(cell) for place, cell in np.ndenumerate(cells) if cell == cell}
        size = layout.fitting(texts.values(), WIDTH * 0.88 / len(grid.columns))
        for (row, column), text in texts.items():
            axes.text(column, row, text, ha="center", va="center", fontsize=size,
                      color="white" if cells[row, column] > largest * 0.85 else "#222222")  # fmt: skip
        axes.set_xticks(range(len(grid.columns)), layout.tick_names(grid.columns, period, tongue))
        axes.set_yticks(range(len(grid)), layout.tick_names(grid.index, period, tongue))
        axes.set_xlabel(directed(columns, tongue))
        axes.set_ylabel(directed(rows, tongue))
        axes.spines[:].set_visible(False)
        axes.xaxis.set_inverted(tongue.right_to_left)
        axes.yaxis.set_label_position("right" if tongue.right_to_left else "left")
    return figure


def gaps(
    patterns: pd.DataFrame,
    columns: pd.DataFrame,
    *,
    title: str,
    source: str = "",
    top: int = 10,
    code: str = "en",
) -> Figure:
    """Which values are missing together: columns of the table downwards, patterns across.

    Parameters
    ----------
    patterns, columns, top
        As `crmlab.cleansing.missing_pattern` gives them, and how many patterns are shown, the most
        frequent first. Columns without a gap are left out.
    """
    import pandas as pd

    tongue = language(code)
    named = columns["share"][columns["rows"] > 0].sort_values(ascending=False, kind="stable")
    named = columns["share"] if named.empty else named
    shown, rest = patterns.head(top), patterns["rows"].iloc[top:]
    unit = tongue("share of rows; a cross marks what is missing")
    if len(rest):
        unit += " · " + tongue("rarer patterns left out: {n:,}, rows: {rows:,}", n=len(rest), rows=sum(rest))
    # The mark keeps a name in the other script on its side of the colon.
    mark = "\u200f" * tongue.right_to_left
    grid = pd.DataFrame(
        [[name in together for together in shown["missing"]] for name in named.index],
        index=[f"{mark}{tongue(str(name))}{mark}: {tongue.percent(share)}" for name, share in named.items()],
        columns=[tongue.percent(share) for share in shown["share"]],
    )
    return heatmap(grid, title=title, rows="", columns=tongue("rows with this pattern"), unit=unit,
                   source=source, n=int(patterns["rows"].sum()), show=lambda cell: "×" if cell else "",
                   code=code)  # fmt: skip
