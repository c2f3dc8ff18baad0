"""Figures of a course: over time, or one share against another."""

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


def trend(
    frame: pd.DataFrame,
    value: str,
    *,
    title: str,
    unit: str = "",
    source: str = "",
    n: int | None = None,
    time: str = "period",
    period: str = "M",
    show: Callable[[float], str] | None = None,
    code: str = "en",
    zero: bool = False,
    names: dict[str, str] | None = None,
    since: object = None,
) -> Figure:
    """A line over periods, earliest on the left in every language, with its band if there is one.

    Parameters
    ----------
    frame
        Columns `time` (first days of the periods) and `value`; `low` and `high` draw a band. Where
        `complete` is false, a period is not to be compared with others: the line to it is dashed and
        its mark hollow.
    period
        How long the periods are: ``"W"`` weeks, ``"M"`` months, ``"Q"`` quarters or ``"Y"`` years.
    zero
        Begin the scale at zero.
    names, since
        Column to name, of the line and of another one to lay beside it, dashed; and a day to mark.
    """
    tongue = language(code)
    show = as_shown(show or tongue.number, tongue)
    if tongue.right_to_left:
        unit = "، ".join(part for part in (unit, tongue("time runs from left to right")) if part)
    with canvas(3.6, title, unit, source, n, tongue) as (figure, axes):
        days = [stamp.date() for stamp in frame[time]]
        if {"low", "high"} <= set(frame.columns):
            axes.fill_between(days, frame["low"], frame["high"], color=DARK, alpha=0.16, linewidth=0)
        cut = ~frame["complete"].astype(bool) if "complete" in frame else frame[value].isna() & False
        solid = frame[value].mask(cut)
        axes.plot(days, solid, color=DARK, linewidth=2, marker="o" * (len(days) < 60), markersize=4)
        if cut.any():
            near = cut | cut.shift(fill_value=False) | cut.shift(-1, fill_value=False)
            axes.plot(
                days, frame[value].where(near), color=DARK, linewidth=1.4, linestyle=(0, (2, 2)), zorder=1.9
            )
            axes.plot(days, frame[value].where(cut), "o", color=DARK, markersize=5, markerfacecolor="white")
        for column, name in (names or {}).items():
            style_of = {"color": DARK} if column == value else {"color": LIGHT, "linestyle": (0, (4, 2))}
            layout.name_line(
                axes, days, frame[column], directed(name, tongue), frame[list(names)], **style_of
            )
        if since is not None:
            axes.axvline(since, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_xticks(*layout.time_ticks(days, lambda day: tongue.period(day, period)))
        axes.yaxis.set_major_formatter(layout.short(show))
        axes.grid(axis="y")
        axes.spines["left"].set_visible(False)
        if zero:
            axes.set_ylim(0, axes.get_ylim()[1] * 1.05)
        if frame[value].dtype.kind in "iu":
            layout.whole_ticks(axes)
        if not names:
            layout.name_ends(axes, days, frame[value], show)
    return figure


def curve(
    frame: pd.DataFrame,
    x: str,
    y: str,
    *,
    title: str,
    x_name: str,
    unit: str = "",
    source: str = "",
    n: int | None = None,
    mark: float | None = None,
    mark_text: str = "{x}: {y}",
    code: str = "en",
) -> Figure:
    """A curve of two shares from 0 to 1, with one point marked.

    Parameters
    ----------
    mark, mark_text
        The share `x` to mark, and what to write there with ``{x}`` and ``{y}`` in it.
    """
    tongue = language(code)
    with canvas(3.8, title, unit, source, n, tongue) as (figure, axes):
        axes.plot(frame[x], frame[y], color=DARK, linewidth=2)
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (4, 3)))
        if mark is not None and len(frame):
            nearest = frame.iloc[(frame[x] - mark).abs().argmin()]
            axes.plot([nearest[x]], [nearest[y]], "o", color=LIGHT, markersize=8)
            text = mark_text.format(x=tongue.percent(nearest[x], 0), y=tongue.percent(nearest[y], 0))
            _write_beside(axes, directed(text, tongue), nearest[x], nearest[y], tongue.right_to_left)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda share, _: tongue.percent(share, 0))
        axes.set_xlim(*((1, 0) if tongue.right_to_left else (0, 1)))
        low, high = (frame[y].min(), frame[y].max()) if len(frame) else (0, 1)
        axes.set_ylim(min(0, low), max(1, high) * 1.03)
        axes.set_xlabel(directed(x_name, tongue))
        axes.grid()
    return figure


def _write_beside(axes: Axes, text: str, x: float, y: float, right_to_left: bool) -> None:
    """A text at a point of a curve above the diagonal, where neither of the two lines runs through it."""
    later = x >= 0.5
    if later:  # before the point and above it, where the curve has not risen yet
        place, across, up = (x, y), -8, 8
    elif y - x > 0.6:  # between the curve and the diagonal, which are far apart
        place, across, up = (x, y), 10, -14
    else:  # below the diagonal
        place, across, up = (max(x, 0.15),) * 2, 16, -10
    side = "right" if later != right_to_left else "left"
    axes.annotate(text, place, (-across if right_to_left else across, up), textcoords="offset points",
                  fontsize=10, fontweight="bold", ha=side, va="baseline", bbox=PAPER, zorder=1.5)  # fmt: skip
