"""The house style: a figure with its title, unit line and foot, and how it becomes a picture."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import crmlab.layout as layout
from crmlab.errors import ParameterError
from crmlab.locale import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DARK, LIGHT, GREY = "#1f5a91", "#e0912f", "#6b7079"
WIDTH = 8.6
#: Behind a number that stands on a line.
PAPER = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}

_HERE = Path(__file__).parents[1]


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
def canvas(
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
            figure.text(place, 1, directed(title, tongue), ha=side, va="top", size=12.5, weight="bold"),
            figure.text(place, 1, directed(unit, tongue), ha=side, va="bottom", size=9, color="#555555"),
            figure.text(place, 0, directed(" · ".join(foot), tongue), ha=side, size=8, color=GREY),
        )
        figure.set_layout_engine(layout.stacked()(*parts))
        yield figure, axes


def directed(text: object, tongue: Language) -> str:
    """`text` so that it runs in the language's direction even if it begins with another script."""
    return f"\u200f{text}" if tongue.right_to_left and text else str(text)


def as_shown(show: Callable[[float], str], tongue: Language) -> Callable[[float], str]:
    """`show` for numbers that stand alone, a sign and a unit in the order of the language."""
    return lambda value: directed(show(value), tongue)


def to_png(figure: Figure) -> bytes:
    """The figure as PNG at twice the resolution of the screen; equal figures give equal bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if not hasattr(figure, "savefig"):
        raise ParameterError(f"Expected a matplotlib figure, got {type(figure).__name__}.")
    with style():
        drawn = FigureCanvasAgg(figure)
        figure.set_dpi(200)
        drawn.draw()
    return layout.small_png(drawn)


def to_svg(figure: Figure) -> bytes:
    """The figure as SVG with outlines for letters; equal figures give equal bytes.

    Its title is the first text of the figure, its description the figure's label (`figure.get_label()`).
    """
    if not hasattr(figure, "savefig"):
        raise ParameterError(f"Expected a matplotlib figure, got {type(figure).__name__}.")
    content = io.StringIO()
    with style():
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    title = next((text.get_text().strip("\u200f") for text in figure.texts if text.get_text()), "")
    said = "".join(
        f"<{name}>{html.escape(text)}</{name}>"
        for name, text in (("title", title), ("desc", str(figure.get_label())))
        if text
    )
    start = re.compile(r"(<svg\b[^>]*)>")
    return start.sub(lambda found: f'{found[1]} role="img">{said}', content.getvalue(), count=1).encode()
