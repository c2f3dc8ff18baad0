"""House style of every figure: title, unit, values at the marks, source and number of cases.

Each function takes a frame and returns a matplotlib figure. Colours differ in lightness, so they
can be told apart in grey and by colour-blind readers. In Persian, categories are read from the
right; time keeps its direction.
"""

from crmlab.figures.canvas import DARK, GREY, LIGHT, WIDTH, style, to_png, to_svg
from crmlab.figures.courses import curve, trend
from crmlab.figures.flows import ways
from crmlab.figures.grids import gaps, heatmap
from crmlab.figures.rows import bars, intervals
from crmlab.figures.scatters import scatter
from crmlab.figures.tree_words import tree_table
from crmlab.figures.trees import tree

__all__ = [
    "DARK",
    "GREY",
    "LIGHT",
    "WIDTH",
    "bars",
    "curve",
    "gaps",
    "heatmap",
    "intervals",
    "scatter",
    "style",
    "to_png",
    "to_svg",
    "tree",
    "tree_table",
    "trend",
    "ways",
]
