"""Figures of ways: what leads to what, step by step."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from crmlab.figures.canvas import DARK, GREY, WIDTH, canvas, directed
from crmlab.locale import language

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PALE = "#e3ecf5"
#: Inches: between steps without labels, a line of text, and what a box and a row have besides.
_GAP, _LINE, _IN_BOX, _IN_ROW = 0.55, 0.19, 0.24, 0.18
#: Signs in an inch of a box and of a label, and how wide boxes are.
_SIGNS, _SMALL_SIGNS, _NARROW, _WIDE = 12, 14, 0.9, 2.0


def ways(
    frame: pd.DataFrame,
    steps: Sequence[str],
    *,
    title: str,
    wait: str = "",
    ends: Collection[str] = (),
    unit: str = "",
    source: str = "",
    n: int | None = None,
    code: str = "en",
) -> Figure:
    """Ways from a first step to a last one, a row each, in boxes with arrows between them.

    Parameters
    ----------
    frame
        One row per way, first row on top.
    steps
        Columns with the texts of the boxes, two or three, in the order in which they are gone. Ways with
        the same first text stand together and share its box.
    wait
        Column with what stands on the last arrow, a line of it for each line; "" for nothing.
    ends
        Texts of the last step after which nothing more happens: their boxes are not filled.
    """
    tongue = language(code)
    together = frame[steps[0]].drop_duplicates().tolist()
    frame = frame.sort_values(steps[0], key=lambda texts: texts.map(together.index), kind="stable")
    widths = [_width(frame[step]) for step in steps]
    last_gap = max(WIDTH - 0.3 - sum(widths) - _GAP * (len(steps) - 2), _GAP)
    gaps = [_GAP] * (len(steps) - 2) + [last_gap]
    starts = [sum(widths[:place]) + sum(gaps[:place]) for place in range(len(steps))]
    texts = {step: [_wrapped(str(text), width, _SIGNS) for text in frame[step]]
             for step, width in zip(steps, widths, strict=True)}  # fmt: skip
    said = [
        "\n".join(_wrapped(line, last_gap - 0.5, _SMALL_SIGNS) for line in str(text).splitlines())
        for text in (frame[wait] if wait else [""] * len(frame))
    ]
    lines = max((text.count("\n") for column in [said, *texts.values()] for text in column), default=0) + 1
    box, row = _IN_BOX + _LINE * lines, _IN_BOX + _LINE * lines + _IN_ROW
    height = max(len(frame), 1) * row
    plain = {_wrapped(text, widths[-1], _SIGNS) for text in ends}
    with canvas(height + 0.9, title, unit, source, n, tongue) as (figure, axes):
        last = len(steps) - 1
        rows = [(place + 0.5) * row for place in range(len(frame))]
        places = [_middles(texts[steps[0]], row), *[rows] * last]
        for place, step in enumerate(steps):
            for text, y in dict.fromkeys(zip(texts[step], places[place], strict=True)):
                fill = "white" if text in plain and place == last else DARK if place == last else _PALE
                _box(axes, (starts[place], y), (widths[place], box), _directed_lines(text, code), fill)
        for place in range(last):
            ends_of_arrows = zip(places[place], places[place + 1], strict=True)
            for y, to_y in dict.fromkeys(ends_of_arrows):
                _arrow(axes, (starts[place] + widths[place], y), (starts[place + 1], to_y))
        for text, y in zip(said, rows, strict=True):
            if text:
                # Nearer to where the arrow begins than to its point.
                across = starts[last] - last_gap * 0.54
                axes.text(across, y, _directed_lines(text, code), ha="center", va="center", fontsize=8.5,
                          color="#444444", linespacing=1.05, zorder=3,
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # fmt: skip
        sides = (-0.05, starts[last] + widths[last] + 0.05)
        axes.set_xlim(*(sides[::-1] if tongue.right_to_left else sides))
        axes.set_ylim(height, 0)
        axes.set_axis_off()
    return figure


def _directed_lines(text: str, code: str) -> str:
    """Each line of a text in the direction of the language."""
    return "\n".join(directed(line, language(code)) for line in text.split("\n"))


def _width(texts: pd.Series) -> float:
    """How wide a step's boxes are: as its longest text, on two lines if it is very long."""
    longest = max((len(str(text)) for text in texts), default=1)
    return min(max(_NARROW, longest / _SIGNS + 0.3), _WIDE)


def _middles(texts: list[str], row: float) -> list[float]:
    """Height of the box of each row, in the middle of the rows that share it and stand together."""
    of_text: dict[str, list[float]] = {}
    for place, text in enumerate(texts):
        of_text.setdefault(text, []).append((place + 0.5) * row)
    return [sum(of_text[text]) / len(of_text[text]) for text in texts]


def _wrapped(text: str, inches: float, signs: int) -> str:
    """A text in as many lines as it needs in a width."""
    return "\n".join(textwrap.wrap(text, max(int(inches * signs), 8), break_long_words=False)) or text


def _box(axes: Axes, left: tuple[float, float], size: tuple[float, float], text: str, fill: str) -> None:
    """A box whose left or right side, where the text begins, has its middle at a point."""
    from matplotlib.patches import FancyBboxPatch

    (x, y), (width, height) = left, size
    axes.add_patch(FancyBboxPatch(
        (x, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.06", facecolor=fill,
        edgecolor=DARK, linewidth=1.8 if fill == "white" else 0.8, zorder=2,
    ))  # fmt: skip
    axes.text(x + width / 2, y, text, ha="center", va="center", fontsize=9.5, linespacing=1.05, zorder=3,
              color="white" if fill == DARK else "#222222")  # fmt: skip


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    shape = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0,
             "mutation_scale": 11}  # fmt: skip
    axes.annotate("", end, start, zorder=1, arrowprops=shape)
