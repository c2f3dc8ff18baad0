"""Writing and drawing in inches from the side where a line begins, with texts that keep to their room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crmlab.figures.canvas import directed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from crmlab.locale import Language

_INK = "#222222"


class Pen:
    """What writes and draws on axes whose unit is an inch, from the right in Persian.

    Parameters
    ----------
    axes
        Their horizontal axis is to be turned by the caller.
    tongue
        The language.
    """

    def __init__(self, axes: Axes, tongue: Language) -> None:
        self.axes, self.tongue = axes, tongue
        self._sides = ("right", "left") if tongue.right_to_left else ("left", "right")
        self._widths: dict[tuple[str, float, bool], float] = {}

    def width(self, text: str, size: float, bold: bool = False) -> float:
        """How wide a text is in inches, in points of `size`."""
        if (text, size, bold) not in self._widths:
            figure = self.axes.figure
            weight = "bold" if bold else "normal"
            # Ten times as large: the dots of the screen do not widen it.
            probe = figure.text(0, 0, directed(text, self.tongue), fontsize=10 * size, weight=weight,
                                parse_math=False)  # fmt: skip
            width = probe.get_window_extent().width / figure.dpi / 10
            self._widths[text, size, bold] = 1.02 * width if text else 0.0
            probe.remove()
        return self._widths[text, size, bold]

    def fitted(self, texts: Sequence[str], inches: float, size: float, bold: bool = False) -> str:
        """The first of some texts that fits into a width; if none does, as much of the last as does."""
        for text in texts:
            if self.width(text, size, bold) <= inches:
                return text
        whole = texts[-1]
        few, many = 0, len(whole)
        while many - few > 1:
            middle = (few + many) // 2
            if self.width(f"{whole[:middle].rstrip()}…", size, bold) <= inches:
                few = middle
            else:
                many = middle
        return f"{whole[:few].rstrip()}…"

    def write(
        self, x: float, y: float, text: str, size: float, colour: str = _INK, side: str = "start",
        bold: bool = False,
    ) -> None:  # fmt: skip
        """A text that begins or ends at a point, its letters on the height of the point."""
        # Half of a capital letter above the point, half below.
        down, side, weight = size * 0.0049, self._sides[side == "end"], "bold" if bold else "normal"
        self.axes.text(x, y + down, directed(text, self.tongue), ha=side, va="baseline", fontsize=size,
                       color=colour, weight=weight, zorder=3, parse_math=False)  # fmt: skip

    def bar(self, x: float, y: float, width: float, height: float, colour: str, hatch: str = "") -> None:
        """A bar that begins at a point, with the point at half its height."""
        from matplotlib.patches import Rectangle

        if width > 0:
            looks = {"facecolor": colour, "hatch": hatch or None, "edgecolor": "white", "linewidth": 0.3}
            self.axes.add_patch(Rectangle((x, y - height / 2), width, height, zorder=2, **looks))

    def stroke(self, x: float, y: float, height: float) -> None:
        """An upright stroke through a point."""
        self.axes.plot([x, x], [y - height / 2, y + height / 2], color=_INK, linewidth=1, zorder=2.5)

    def way(self, start: tuple[float, float], end: tuple[float, float], points: float, colour: str) -> None:
        """A line from one point to another that leaves and comes level."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        middle = (start[0] + end[0]) / 2
        bend = Path([start, (middle, start[1]), (middle, end[1]), end], [Path.MOVETO, *[Path.CURVE4] * 3])
        self.axes.add_patch(PathPatch(bend, facecolor="none", edgecolor=colour, linewidth=points, zorder=1))

    def leader(self, x: float, to: float, y: float) -> None:
        """A dotted line that leads the eye along a row."""
        if to > x:
            self.axes.plot([x, to], [y, y], color="#b4bac2", linewidth=0.8, linestyle=(0, (1, 3)), zorder=1)
