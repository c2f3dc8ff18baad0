"""How the parts of a figure share its area: title and unit line above, foot below, axes between.

And what stands at the ends of lines and at the ticks of axes.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import LayoutEngine
    from matplotlib.text import Text

    from crmlab.locale import Language

#: Points between the parts and around them.
_GAP = 4.0
#: Marks of direction take no room.
_MARKS = re.compile("[\u200e\u200f]")


@cache
def stacked() -> type[LayoutEngine]:
    """A layout for figures with one axes, which measures everything once.

    Matplotlib's own constrained layout serves any grid of axes, and measures twice for it; half of
    the time a chart takes goes there.
    """
    from matplotlib.layout_engine import LayoutEngine

    class Stacked(LayoutEngine):
        _adjust_compatible = True
        _colorbar_gridspec = False

        def __init__(self, title: Text, line: Text, foot: Text) -> None:
            super().__init__()
            self._title, self._line, self._foot = title, line, foot

        def execute(self, fig: Figure) -> None:
            """Put the parts in their places."""
            (axes,) = fig.axes
            width, height = fig.bbox.size
            gap = _GAP * fig.dpi / 72
            for axis in (axes.xaxis, axes.yaxis):
                if not axis.get_label_text():
                    # Else the place of a name that is not there is sought among the ticks, time and again.
                    axis.set_label_coords(0, 0)
            needed, area = axes.get_tightbbox(for_layout_only=True), axes.bbox
            title, line, foot = (
                part.get_window_extent().height + gap if part.get_text() else 0
                for part in (self._title, self._line, self._foot)
            )
            # A legend shares its height with the unit line.
            between = max(line, needed.y1 - area.y1) + gap
            top = height - gap - title - between
            self._title.set_y(1 - gap / height)
            self._line.set_y((top + 2 * gap) / height)
            self._foot.set_y(gap / height)
            fig.subplots_adjust(
                left=(area.x0 - needed.x0 + gap) / width,
                right=1 - (needed.x1 - area.x1 + gap) / width,
                bottom=(area.y0 - needed.y0 + 2 * gap + foot) / height,
                top=top / height,
            )

    return Stacked


def time_ticks(
    days: Sequence[datetime.date], name: Callable[[datetime.date], str]
) -> tuple[list[datetime.date], list[str]]:
    """At most eight of the days on which periods begin, and the names of the periods."""
    step = max(1, -(-len(days) // 8))
    # Counted from the end, so that the last one has its name.
    chosen = list(days[::-step])[::-1]
    return chosen, [name(day) for day in chosen]


def tick_names(labels: Iterable, period: str, tongue: Language) -> list[str]:
    """Labels as the language writes them, first days of periods by the names of the periods."""
    return [
        tongue.period(label, period) if hasattr(label, "date") else tongue.digits(str(label))
        for label in labels
    ]


def name_ends(axes: Axes, days: Sequence, values: pd.Series, show: Callable[[float], str]) -> None:
    """Write the first, highest, lowest and last value at their points."""
    values = values.reset_index(drop=True)
    if values.empty:
        return
    named = {0, len(values) - 1, int(values.argmax()), int(values.argmin())}
    for place in sorted(named):
        beside = [values[other] for other in (place - 1, place + 1) if 0 <= other < len(values)]
        below = bool(beside) and values[place] < sum(beside) / len(beside)
        bottom, top = axes.get_ylim()
        below &= values[place] > bottom + 0.1 * (top - bottom)
        axes.annotate(show(values[place]), (days[place], values[place]), (0, -14 if below else 8),
                      textcoords="offset points", ha="center", fontsize=8.5)  # fmt: skip


def whole_ticks(axes: Axes) -> None:
    """Ticks at whole numbers only, at least two of them."""
    axes.locator_params(axis="y", integer=True)
    bottom, top = axes.get_ylim()
    if top - bottom < 1:
        axes.set_ylim(math.floor(bottom), math.ceil(top))


def fitting(texts: Iterable[str], inches: float) -> float:
    """Size in points, 9 at most, at which each of some short texts fits into a width."""
    longest = max((len(_MARKS.sub("", text)) for text in texts), default=1)
    return min(9, inches * 72 / (0.62 * max(longest, 1)))


def short(show: Callable[[float], str]) -> Callable[[float, object], str]:
    """`show` for the ticks of an axis: without zeros after the decimal mark."""

    def tick(value: float, _: object = None) -> str:
        text = re.sub(r"(?<=[.٫])(\d*?)[0۰]+(?!\d)", r"\1", show(value))
        return re.sub(r"[.٫](?!\d)", "", text)

    return tick


def name_line(
    axes: Axes, days: Sequence, values: pd.Series, name: str, others: pd.DataFrame, color: str,
    linestyle: Any = "-",
) -> None:  # fmt: skip
    """A line with its name at four fifths of its length, on the side where the other lines are not."""
    axes.plot(days, values, color=color, linewidth=2, linestyle=linestyle)
    place = len(days) * 4 // 5
    if place >= len(days):
        return
    above = values.iloc[place] >= others.iloc[place].max()
    axes.annotate(
        name, (days[place], values.iloc[place]), (-6, 12) if above else (6, -12), textcoords="offset points",
        ha="right" if above else "left", va="center", fontsize=10, fontweight="bold", color=color,
    )  # fmt: skip


def small_png(canvas: FigureCanvasAgg) -> bytes:
    """A drawn canvas as PNG of few colours, which keep charts sharp at a third of the bytes."""
    import numpy as np
    from PIL import Image

    drawn = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")
    picture = drawn.quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    # Averaging colours leaves the paper a shade too dark.
    palette = np.array(picture.getpalette(), dtype="uint8").reshape(-1, 3)
    palette[(palette >= 245).all(axis=1)] = 255
    picture.putpalette(palette.ravel().tolist())
    content = io.BytesIO()
    picture.save(content, format="png", compress_level=6)
    return content.getvalue()
