"""House style of every figure: title, unit, values at the marks, source and number of cases.

Each function takes a frame and returns a matplotlib figure. Colours differ in lightness, so they
can be told apart in grey and by colour-blind readers. In Persian, categories are read from the
right; time keeps its direction.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from crmlab.errors import ParameterError
from crmlab.layout import name_ends, short, stacked, time_ticks
from crmlab.locale import Language, language

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DARK, LIGHT, GREY = "#1f5a91", "#e0912f", "#6b7079"
WIDTH = 8.6
#: Behind a number that stands on a line.
_PAPER = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}

_HERE = Path(__file__).parent


@cache
def _register_fonts() -> None:
    from matplotlib import font_manager

    for font in sorted((_HERE / "fonts").glob("*.ttf")):
        font_manager.fontManager.addfont(font)


@contextmanager
def style() -> Iterator[None]:
    """The house style, for figures made inside the ``with`` block."""
    import matplotlib.style

    _register_fonts()
    with matplotlib.style.context(_HERE / "crmlab.mplstyle"):
        yield


@cache
def _picture() -> type[Figure]:
    """A figure that notebooks show as `to_png` writes it, without matplotlib's notebook mode."""
    from matplotlib.figure import Figure

    class Picture(Figure):
        def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
            return to_png(self), {"width": round(WIDTH * 100)}

    return Picture


@contextmanager
def _canvas(
    height: float, title: str, unit: str, source: str, n: int | None, tongue: Language
) -> Iterator[tuple[Figure, Axes]]:
    """A figure with its title, unit line and foot; the caller draws on the axes."""
    with style():
        figure = _picture()(figsize=(WIDTH, height))
        axes = figure.subplots()
        if tongue.right_to_left:
            axes.yaxis.tick_right()
        side, place = ("right", 0.995) if tongue.right_to_left else ("left", 0.005)
        foot = [tongue("Source: {source}", source=source)] if source else []
        if n is not None:
            foot.append(tongue("n = {n:,}", n=n))
        parts = (
            figure.text(place, 1, _directed(title, tongue), ha=side, va="top", size=12.5, weight="bold"),
            figure.text(place, 1, _directed(unit, tongue), ha=side, va="bottom", size=9, color="#555555"),
            figure.text(place, 0, _directed(" · ".join(foot), tongue), ha=side, size=8, color=GREY),
        )
        figure.set_layout_engine(stacked()(*parts))
        yield figure, axes


def _directed(text: object, tongue: Language) -> str:
    """`text` so that it runs in the language's direction even if it begins with another script."""
    return f"\u200f{text}" if tongue.right_to_left and text else str(text)


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
    show = _shown(show or tongue.number, tongue)
    columns = list(values)
    thickness = 0.72 / len(columns)
    height = 1.35 + 0.31 * max(len(frame), 1) * (1 + 0.35 * (len(columns) - 1))
    with _canvas(height, title, unit, source, n, tongue) as (figure, axes):
        axes.xaxis.set_inverted(tongue.right_to_left)
        for place, (column, colour) in enumerate(zip(columns, (DARK, LIGHT), strict=False)):
            offset = (place - (len(columns) - 1) / 2) * thickness
            positions = [row + offset for row in range(len(frame))]
            series = _directed(values[column], tongue)
            axes.barh(positions, frame[column], thickness * 0.92, color=colour, label=series)
            gap, side = (-4, "right") if tongue.right_to_left else (4, "left")
            for position, value in zip(positions, frame[column], strict=True):
                if value == value:
                    # Beside the end of its bar; a bar below zero ends at the names, so beside its foot.
                    axes.annotate(show(value), (max(value, 0), position), (gap, 0), va="center", ha=side,
                                  textcoords="offset points", fontsize=8.5)  # fmt: skip
        axes.set_yticks(range(len(frame)), [_directed(name, tongue) for name in frame[label]])
        axes.invert_yaxis()
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        axes.spines["left"].set_visible(False)
        low, high = min(frame[columns].min().min(), 0), max(frame[columns].max().max(), 0)
        if low < 0:
            axes.axvline(0, color=GREY, linewidth=0.8)
        ends = (low - (high - low) * 0.02 if low < 0 else 0, high + (high - low) * 0.12 or 1e-9)
        axes.set_xlim(*(ends[::-1] if tongue.right_to_left else ends))
        if len(columns) > 1:
            side = "lower left" if tongue.right_to_left else "lower right"
            axes.legend(loc=side, bbox_to_anchor=(0 if tongue.right_to_left else 1, 1.0), ncols=2,
                        markerfirst=not tongue.right_to_left, frameon=False, fontsize=9,
                        borderaxespad=0.2)  # fmt: skip
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
    """
    tongue = language(code)
    show = _shown(show or (lambda value: tongue.number(value, 1)), tongue)
    with _canvas(1.5 + 0.36 * max(len(frame), 1), title, unit, source, n, tongue) as (figure, axes):
        rows = range(len(frame))
        axes.hlines(rows, frame["low"], frame["high"], color=DARK, linewidth=2, alpha=0.45)
        axes.plot(frame[value], rows, "o", color=DARK, markersize=6, zorder=3)
        for row, number in zip(rows, frame[value], strict=True):
            axes.annotate(show(number), (number, row), (0, 6), textcoords="offset points", ha="center",
                          fontsize=8.5, bbox=_PAPER, zorder=1.5)  # fmt: skip
        if reference is not None and reference == reference:
            axes.axvline(reference, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
            axes.annotate(_directed(reference_name, tongue), (reference, -0.62), (3, 0),
                          textcoords="offset points", fontsize=8, color=GREY, va="center")  # fmt: skip
        axes.set_yticks(rows, [_directed(name, tongue) for name in frame[label]])
        axes.set_ylim(len(frame) - 0.45, -0.85)
        axes.xaxis.set_major_formatter(short(show))
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)
        axes.margins(x=0.06)
        axes.xaxis.set_inverted(tongue.right_to_left)
    return figure


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
) -> Figure:
    """A line over periods, earliest on the left in every language, with its band if there is one.

    Parameters
    ----------
    frame
        Columns `time` (first days of the periods) and `value`; `low` and `high` draw a band.
    period
        How long the periods are: months ``"M"``, quarters ``"Q"`` or years ``"Y"``.
    zero
        Begin the scale at zero.
    """
    tongue = language(code)
    show = _shown(show or tongue.number, tongue)
    if tongue.right_to_left:
        unit = "، ".join(part for part in (unit, tongue("time runs from left to right")) if part)
    with _canvas(3.6, title, unit, source, n, tongue) as (figure, axes):
        days = [stamp.date() for stamp in frame[time]]
        if {"low", "high"} <= set(frame.columns):
            axes.fill_between(days, frame["low"], frame["high"], color=DARK, alpha=0.16, linewidth=0)
        axes.plot(days, frame[value], color=DARK, linewidth=2, marker="o", markersize=4)
        axes.set_xticks(*time_ticks(days, lambda day: tongue.period(day, period)))
        axes.yaxis.set_major_formatter(short(show))
        axes.grid(axis="y")
        axes.spines["left"].set_visible(False)
        if zero:
            axes.set_ylim(0, axes.get_ylim()[1] * 1.05)
        if frame[value].dtype.kind in "iu":
            axes.locator_params(axis="y", integer=True)
            bottom, top = axes.get_ylim()
            axes.set_ylim(*((bottom, top) if top - bottom >= 1 else (math.floor(bottom), math.ceil(top))))
        name_ends(axes, days, frame[value], show)
    return figure


def heatmap(
    grid: pd.DataFrame,
    *,
    title: str,
    rows: str,
    columns: str,
    unit: str = "",
    source: str = "",
    n: int | None = None,
    show: Callable[[float], str] | None = None,
    code: str = "en",
) -> Figure:
    """A table of numbers shaded by size; first row on top.

    Parameters
    ----------
    rows, columns
        What the rows and the columns stand for.
    """
    import numpy as np

    tongue = language(code)
    show = show or tongue.number
    with _canvas(1.6 + 0.46 * len(grid), title, unit, source, n, tongue) as (figure, axes):
        cells = grid.to_numpy(dtype=float)
        axes.imshow(cells, cmap="Blues", aspect="auto", vmin=0, vmax=max(cells.max() * 1.25, 1e-9))
        for (row, column), cell in np.ndenumerate(cells):
            dark = cell > cells.max() * 0.6
            axes.text(column, row, show(cell), ha="center", va="center", fontsize=9,
                      color="white" if dark else "#222222")  # fmt: skip
        axes.set_xticks(range(len(grid.columns)), [tongue.digits(str(name)) for name in grid.columns])
        axes.set_yticks(range(len(grid)), [tongue.digits(str(name)) for name in grid.index])
        axes.set_xlabel(_directed(columns, tongue))
        axes.set_ylabel(_directed(rows, tongue))
        for spine in axes.spines.values():
            spine.set_visible(False)
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
    with _canvas(3.8, title, unit, source, n, tongue) as (figure, axes):
        axes.plot(frame[x], frame[y], color=DARK, linewidth=2)
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (4, 3)))
        if mark is not None and len(frame):
            nearest = frame.iloc[(frame[x] - mark).abs().argmin()]
            axes.plot([nearest[x]], [nearest[y]], "o", color=LIGHT, markersize=8)
            text = mark_text.format(x=tongue.percent(nearest[x], 0), y=tongue.percent(nearest[y], 0))
            axes.annotate(_directed(text, tongue), (nearest[x], nearest[y]),
                          (-10 if tongue.right_to_left else 10, -14), textcoords="offset points", fontsize=10,
                          fontweight="bold", ha="right" if tongue.right_to_left else "left",
                          bbox=_PAPER, zorder=1.5)  # fmt: skip
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda share, _: tongue.percent(share, 0))
        axes.set_xlim(*((1, 0) if tongue.right_to_left else (0, 1)))
        axes.set_ylim(
            min(0, frame[y].min() if len(frame) else 0), max(1, frame[y].max() if len(frame) else 1) * 1.03
        )
        axes.set_xlabel(_directed(x_name, tongue))
        axes.grid()
    return figure


def to_png(figure: Figure) -> bytes:
    """The figure as PNG at twice the resolution of the screen; equal figures give equal bytes."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    if not hasattr(figure, "savefig"):
        raise ParameterError(f"Expected a matplotlib figure, got {type(figure).__name__}.")
    with style():
        canvas = FigureCanvasAgg(figure)
        figure.set_dpi(200)
        canvas.draw()
    drawn = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")
    # Few colours keep charts sharp at a third of the bytes; averaging them leaves the paper a shade too dark.
    picture = drawn.quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette = np.array(picture.getpalette(), dtype="uint8").reshape(-1, 3)
    palette[(palette >= 245).all(axis=1)] = 255
    picture.putpalette(palette.ravel().tolist())
    content = io.BytesIO()
    picture.save(content, format="png", compress_level=6)
    return content.getvalue()


def _shown(show: Callable[[float], str], tongue: Language) -> Callable[[float], str]:
    """`show` for numbers that stand alone, a sign and a unit in the order of the language."""
    return lambda value: _directed(show(value), tongue)
