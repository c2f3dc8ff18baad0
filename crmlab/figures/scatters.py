"""Figures of categories by two numbers, such as importance against performance."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import crmlab.layout as layout
from crmlab.figures.canvas import DARK, GREY, PAPER, as_shown, canvas, directed
from crmlab.locale import language

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from crmlab.locale import Language

#: Where a name may stand beside its dot, the best place first.
PLACES = {
    (0, 8): {"ha": "center", "va": "bottom"},
    (0, -8): {"ha": "center", "va": "top"},
    (9, 0): {"ha": "left", "va": "center"},
    (-9, 0): {"ha": "right", "va": "center"},
}


def scatter(
    frame: pd.DataFrame,
    label: str,
    x: str,
    y: str,
    *,
    title: str,
    x_name: str,
    y_name: str,
    unit: str = "",
    source: str = "",
    n: int | None = None,
    x_cut: float | None = None,
    y_cut: float | None = None,
    corners: tuple[str, ...] = (),
    show_x: Callable[[float], str] | None = None,
    show_y: Callable[[float], str] | None = None,
    code: str = "en",
) -> Figure:
    """A dot with its name per category, by two numbers, and lines that part them into four fields.

    Parameters
    ----------
    frame
        One row per category; where dots crowd, the first ones are named.
    label, x, y
        Columns with the names and the numbers.
    x_name, y_name
        What the axes measure.
    x_cut, y_cut
        Where the lines stand; none if not given.
    corners
        Names of the fields: many of y and little of x, many of both, little of both, little of y and
        many of x.
    show_x, show_y
        Texts at the axes; thousands separators if not given.
    """
    tongue = language(code)
    show_x, show_y = (as_shown(show or tongue.number, tongue) for show in (show_x, show_y))
    with canvas(4.6, title, unit, source, n, tongue) as (figure, axes):
        axes.plot(frame[x], frame[y], "o", color=DARK, markersize=7)
        sides = ((frame[x], x_cut, axes.set_xlim, 0.18), (frame[y], y_cut, axes.set_ylim, 0.28))
        for ends, cut, limits, share in sides:
            known = [*ends.dropna(), *([cut] if cut is not None else [])] or [0, 1]
            room = (max(known) - min(known) or abs(max(known)) or 1) * share
            limits(min(known) - room, max(known) + room)
        line = {"color": GREY, "linewidth": 1, "linestyle": (0, (4, 3)), "zorder": 1}
        if x_cut is not None:
            axes.axvline(x_cut, **line)
        if y_cut is not None:
            axes.axhline(y_cut, **line)
        axes.xaxis.set_inverted(tongue.right_to_left)
        left, right = (1, 0) if tongue.right_to_left else (0, 1)
        for text, (across, up) in zip(corners, ((left, 1), (right, 1), (left, 0), (right, 0)), strict=False):
            axes.annotate(directed(text, tongue), (across, up), (-5 if across else 5, -5 if up else 5),
                          xycoords="axes fraction", textcoords="offset points", fontsize=8.5, color=GREY,
                          style="italic" if not tongue.right_to_left else "normal",
                          ha="right" if across else "left", va="top" if up else "bottom")  # fmt: skip
        axes.set_xlabel(directed(x_name, tongue))
        axes.set_ylabel(directed(y_name, tongue))
        axes.yaxis.set_label_position("right" if tongue.right_to_left else "left")
        axes.xaxis.set_major_formatter(layout.short(show_x))
        axes.yaxis.set_major_formatter(layout.short(show_y))
        axes.locator_params(axis="x", steps=[1, 2, 5, 10])
        _name_dots(figure, axes, frame[[label, x, y]], tongue)
    return figure


def _name_dots(figure: Figure, axes: Axes, dots: pd.DataFrame, tongue: Language) -> None:
    """Write names above, below or beside their dots; those for which there is no room are left out.

    The first rows choose first.
    """
    from matplotlib.transforms import Bbox

    figure.draw_without_rendering()
    points = axes.transData.transform(dots.iloc[:, 1:].to_numpy(dtype=float))
    taken = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in points]
    taken += [text.get_window_extent() for text in axes.texts]
    for name, (x, y), across, up in zip(dots.iloc[:, 0], points, *dots.iloc[:, 1:].T.to_numpy(), strict=True):
        if not (x == x and y == y):
            continue
        own = Bbox.from_bounds(x - 5, y - 5, 10, 10)
        for shift, sides in PLACES.items():
            text = axes.annotate(directed(name, tongue), (across, up), shift, textcoords="offset points",
                                 fontsize=9, bbox=PAPER, zorder=1.5, **sides)  # fmt: skip
            box = text.get_window_extent()
            inside = axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1
            if inside and not any(box.overlaps(other) for other in taken if other.bounds != own.bounds):
                taken.append(box)
                break
            text.remove()
