"""Figures with a row per category: bars, and estimates with their intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import crmlab.layout as layout
from crmlab.figures.canvas import DARK, GREY, LIGHT, PAPER, as_shown, canvas, directed
from crmlab.locale import language

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from crmlab.locale import Language


def bars(
    frame: pd.DataFrame,
    label: str,
    values: dict[str, str],
    *,
    title: str,
    unit: str = "",
    source: str = "",
    n: int | None = None,
    show: Callable[[float], str] | None = None,
    code: str = "en",
) -> Figure:
    """Horizontal bars, one group per row, first row on top.

    Parameters
    ----------
    frame
        One row per category.
    label
        Column with the categories' names.
    values
        One or two columns of numbers, each with the name of its series.
    title, unit, source, n
        Heading, what the bars measure, where the data come from, number of cases.
    show
        Text at the end of a bar; thousands separators if not given.
    code
        Language, ``"en"`` or ``"fa"``.
    """
    tongue = language(code)
    show = as_shown(show or tongue.number, tongue)
    columns = list(values)
    thickness = 0.72 / len(columns)
    height = 1.35 + 0.31 * max(len(frame), 1) * (1 + 0.35 * (len(columns) - 1))
    with canvas(height, title, unit, source, n, tongue) as (figure, axes):
        axes.xaxis.set_inverted(tongue.right_to_left)
        for place, (column, colour) in enumerate(zip(columns, (DARK, LIGHT), strict=False)):
            positions = [row + (place - (len(columns) - 1) / 2) * thickness for row in range(len(frame))]
            series = directed(values[column], tongue)
            axes.barh(positions, frame[column], thickness * 0.92, color=colour, label=series)
            gap, side = (-4, "right") if tongue.right_to_left else (4, "left")
            for position, value in zip(positions, frame[column], strict=True):
                if value == value:
                    # Beside the end of its bar; a bar below zero ends at the names, so beside its foot.
                    axes.annotate(show(value), (max(value, 0), position), (gap, 0), va="center", ha=side,
                                  textcoords="offset points", fontsize=8.5)  # fmt: skip
        axes.set_yticks(range(len(frame)), [directed(name, tongue) for name in frame[label]])
        axes.invert_yaxis()
        axes.xaxis.set_visible(False)
        axes.spines[["bottom", "left"]].set_visible(False)
        low, high = min(frame[columns].min().min(), 0), max(frame[columns].max().max(), 0)
        if low < 0:
            axes.axvline(0, color=GREY, linewidth=0.8)
        ends = (low - (high - low) * 0.02 if low < 0 else 0, high + (high - low) * 0.12 or 1e-9)
        axes.set_xlim(*(ends[::-1] if tongue.right_to_left else ends))
        if len(columns) > 1:
            _legend(axes, tongue)
    return figure


def intervals(
    frame: pd.DataFrame,
    label: str,
    *,
    title: str,
    unit: str = "",
    source: str = "",
    n: int | None = None,
    value: str = "value",
    reference: float | None = None,
    reference_name: str = "",
    beside: str | None = None,
    names: dict[str, str] | None = None,
    show: Callable[[float], str] | None = None,
    code: str = "en",
) -> Figure:
    """Estimates as dots with their confidence intervals as lines, one row per category.

    Parameters
    ----------
    frame
        Columns `value` (or what is named so), `low` and `high` besides `label`.
    reference, reference_name
        A value to compare with, drawn as a dashed line with its name.
    beside, names
        A column to compare each estimate with, drawn as an upright stroke in its row; and what it and
        `value` are called.
    """
    tongue = language(code)
    show = as_shown(show or (lambda value: tongue.number(value, 1)), tongue)
    with canvas(1.5 + 0.36 * max(len(frame), 1), title, unit, source, n, tongue) as (figure, axes):
        rows = range(len(frame))
        axes.hlines(rows, frame["low"], frame["high"], color=DARK, linewidth=2, alpha=0.45)
        named = {column: directed(name, tongue) for column, name in (names or {}).items()}
        axes.plot(frame[value], rows, "o", color=DARK, markersize=6, zorder=3, label=named.get(value))
        if beside:
            axes.plot(frame[beside], rows, "|", color=LIGHT, markersize=10, markeredgewidth=3, zorder=2,
                      label=named.get(beside))  # fmt: skip
        for row, number in zip(rows, frame[value], strict=True):
            axes.annotate(show(number), (number, row), (0, 6), textcoords="offset points", ha="center",
                          fontsize=8.5, bbox=PAPER, zorder=1.5)  # fmt: skip
        if reference is not None and reference == reference:
            axes.axvline(reference, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
            axes.annotate(directed(reference_name, tongue), (reference, -0.62), (3, 0),
                          textcoords="offset points", fontsize=8, color=GREY, va="center")  # fmt: skip
        axes.set_yticks(rows, [directed(name, tongue) for name in frame[label]])
        axes.set_ylim(len(frame) - 0.45, -0.85)
        axes.xaxis.set_major_formatter(layout.short(show))
        longest = max((len(show(number)) for number in axes.get_xlim()), default=0)
        if (steps := 95 // (longest + 3)) < 9:
            axes.locator_params(axis="x", nbins=max(steps, 2))
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)
        axes.margins(x=0.06)
        axes.xaxis.set_inverted(tongue.right_to_left)
        if named:
            _legend(axes, tongue)
    return figure


def _legend(axes: Axes, tongue: Language) -> None:
    """The names of two series, above the axes at the far end of a line of text."""
    side = "lower left" if tongue.right_to_left else "lower right"
    axes.legend(loc=side, bbox_to_anchor=(0 if tongue.right_to_left else 1, 1.0), ncols=2,
                markerfirst=not tongue.right_to_left, frameon=False, fontsize=9,
                borderaxespad=0.2)  # fmt: skip
