"""Lines of text as they come out of the four formats: glyphs from SVG and PDF, pictures from PNG and HTML."""

import io
import itertools
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import nbformat.v4 as notebooks
import numpy as np
import pandas as pd
import pypdf
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline
from matplotlib.text import Text
from persian_line import STRANGE, font, outlines_of
from persian_pictures import ink_of
from PIL import Image
from playwright.sync_api import Page

import crmlab as crm
from crmlab.locale import language
from crmlab.reporting.page import to_page

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_CODES = {"M": Outline.MOVETO, "L": Outline.LINETO, "Q": Outline.CURVE3, "C": Outline.CURVE4}


@dataclass(frozen=True)
class Line:
    """A line of a figure: glyphs of its SVG from left to right, their outlines in em; its picture in PNG."""

    glyphs: list[int]
    outlines: list[Outline]
    picture: np.ndarray


def _fifties(values: list) -> Iterator[list]:
    """As many rows at a time as a picture may hold."""
    return (values[start : start + 50] for start in range(0, len(values), 50))


def sheet_lines(lines: list[str]) -> list[Line]:
    """The lines as texts in the package's style, each with the mark by which charts give them direction."""
    found = []
    for rows in _fifties(lines):
        with crm.figures.style():
            figure = Figure(figsize=(7, 0.3 * len(rows)), layout="none")
            for number, row in enumerate(rows):
                place = 1 - (number + 0.5) / len(rows)
                figure.text(
                    0.99, place, f"\u200f{row}", horizontalalignment="right", verticalalignment="center"
                )
        found += _lines(figure, figure.texts, "text_")
    return found


def chart_lines(lines: list[str]) -> list[Line]:
    """The lines as names of bars in the package's charts."""
    found = []
    for rows in _fifties(lines):
        frame = pd.DataFrame({"name": rows, "value": 1.0})
        figure = crm.figures.bars(frame, "name", {"value": "تعداد"}, title="نمونه", code="fa")
        found += _lines(figure, figure.axes[0].get_yticklabels(), "ytick_")
    return found


def title_line(line: str) -> Line:
    """The line as the title of a chart, which is set in bold."""
    frame = pd.DataFrame({"name": ["نام"], "value": [1.0]})
    figure = crm.figures.bars(frame, "name", {"value": "تعداد"}, title=line, code="fa")
    (title,) = [text for text in figure.texts if text.get_text().endswith(line)]
    title.set_gid("title")
    return _lines(figure, [title], "title")[0]


def _lines(figure: Figure, texts: list[Text], group: str) -> list[Line]:
    """Texts of a figure from its PNG, and from its SVG, where their groups' names begin with `group`."""
    picture = Image.open(io.BytesIO(crm.figures.to_png(figure)))
    pictures = []
    for text in texts:
        box = text.get_window_extent(dpi=200).padded(4)
        sides = (box.x0, picture.height - box.y1, box.x1, picture.height - box.y0)
        pictures.append(ink_of(picture.crop(sides)))
    figure.set_layout_engine("none")  # it has been laid out for the PNG
    found = _svg_texts(figure, group)
    return [Line(*line, shown) for line, shown in zip(found, pictures, strict=True)]


def _svg_texts(figure: Figure, group: str) -> list[tuple[list[int], list[Outline]]]:
    """Glyphs and outlines of each text."""
    content = io.StringIO()
    with crm.figures.style():
        figure.savefig(content, format="svg")
    root = ElementTree.fromstring(content.getvalue())
    outlines = {
        path.get("id"): _outline(path.get("d"))
        for path in root.iter(f"{_SVG}path")
        if path.get("id") and path.get("d")
    }
    groups = [found for found in root.iter(f"{_SVG}g") if found.get("id", "").startswith(group)]
    return [_svg_text([*found.iter(f"{_SVG}use")], outlines) for found in groups]


def _svg_text(uses: list, outlines: dict[str, Outline]) -> tuple[list[int], list[Outline]]:
    glyphs, placed = [], []
    for use in uses:
        name = use.get(_LINK)[1:]
        numbers = re.search(r"translate\((\S+?)[ ,]+(\S+?)\)", use.get("transform", ""))
        x, y = (float(number) for number in numbers.groups()) if numbers else (0.0, 0.0)
        ours = name.startswith("Vazirmatn")
        glyphs.append((x, int(name.rsplit("-", 1)[1], 16) if ours else STRANGE))
        if name in outlines:
            outline = outlines[name]
            placed.append(Outline((outline.vertices + (x, y)) / 100, outline.codes))
    return [glyph for _, glyph in sorted(glyphs, key=lambda pair: pair[0])], placed


def _outline(d: str) -> Outline:
    """A path of an SVG's glyph, which is 100 units per em in sixty-fourths."""
    points, codes = [], []
    for letter, numbers in re.findall(r"([MLQCz])([^MLQCz]*)", d):
        pairs = np.array(numbers.split(), dtype=float).reshape(-1, 2)
        points += [*pairs] if letter != "z" else [np.zeros(2)]
        codes += [_CODES[letter]] * len(pairs) if letter != "z" else [Outline.CLOSEPOLY]
    return Outline(np.array(points) / 64, codes)


#: One line for each paragraph, close together, and no page numbers.
_CLOSE = """p { margin: .4em 0 !important; white-space: nowrap }
@media print { body { page: bare !important } }
@page bare { @bottom-center { content: "" } }"""


def page_of(lines: list[str], css: str = "") -> str:
    """The lines as paragraphs of a report's page, after `css` is added to its style."""
    cell = notebooks.new_markdown_cell("\n\n".join(lines))
    page = to_page(notebooks.new_notebook(cells=[cell]), "نمونه", "", language("fa"), {})
    return page.replace("</style>", f"{css} {_CLOSE}</style>", 1)


#: Runs in the page: takes away all but the paragraphs of the lines; gives the text and the box of each,
#: and from where to where each of its characters reaches.
_PARAGRAPHS = """(lines) => {
    const paragraphs = [...document.querySelectorAll('p')].filter(p => lines.includes(p.textContent));
    for (const other of document.body.querySelectorAll('*'))
        if (!paragraphs.some(p => other.contains(p) || p.contains(other))) other.remove();
    return paragraphs.map(paragraph => {
        const text = paragraph.firstChild, range = document.createRange();
        const box = () => range.getBoundingClientRect();
        range.selectNodeContents(paragraph);
        const { left, top, right, bottom } = box();
        const spans = Array.from(text.data, (_, place) => {
            range.setStart(text, place);
            range.setEnd(text, place + 1);
            return [box().left, box().right];
        });
        return { text: paragraph.textContent, box: [left, top, right, bottom], spans };
    });
}"""


@dataclass(frozen=True)
class Paragraph:
    """A line on an open page: its text, where its characters stand, and its picture."""

    text: str
    spans: list[tuple[float, float]]
    picture: np.ndarray


def html_paragraphs(page: Page, lines: list[str]) -> list[Paragraph]:
    """The lines on an open page, which is stripped of everything else."""
    found = page.evaluate(_PARAGRAPHS, lines)
    paragraphs = []
    for some in _fifties(found):
        top, bottom = some[0]["box"][1] - 4, some[-1]["box"][3] + 4
        start, end = (pick(line["box"][side] for line in some) for pick, side in ((min, 0), (max, 2)))
        area = {"x": start - 4, "y": top, "width": end - start + 8, "height": bottom - top}
        shot = Image.open(io.BytesIO(page.screenshot(clip=area, full_page=True)))
        for line in some:
            left, upper, right, lower = line["box"]
            box = (left - start, upper - top, right - start + 8, lower - top)
            picture = shot.crop([2 * side for side in box])
            paragraphs.append(Paragraph(line["text"], line["spans"], ink_of(picture)))
    return paragraphs


def pdf_lines(content: bytes) -> list[list[int]]:
    """Glyphs of each line of a PDF by Chromium, from left to right, lines from top to bottom.

    They are those of the package's regular font, as its `plain` gives them.
    """
    return [
        [glyph for *_, glyph in sorted(glyphs)]
        for page in pypdf.PdfReader(io.BytesIO(content)).pages
        for _, glyphs in sorted(_pdf_page(page).items())
    ]


def _pdf_page(page: pypdf.PageObject) -> dict[float, list[tuple[float, int, int]]]:
    """Height of each line to its glyphs: where their text begins, number in the page, glyph."""
    fonts = {name: _pdf_glyphs(found.get_object()) for name, found in page["/Resources"]["/Font"].items()}
    lines: dict[float, list[tuple[float, int, int]]] = {}
    glyphs, x, y, count = [], 0.0, 0.0, itertools.count()
    for values, operator in page.get_contents().operations:
        if operator == b"Tf":
            glyphs = fonts[values[0]]
        elif operator == b"Tm":
            x, y = float(values[4]), float(values[5])
        elif operator == b"Td":
            x, y = x + float(values[0]), y - float(values[1])
        elif operator == b"Tj":
            codes = values[0] if isinstance(values[0], bytes) else values[0].original_bytes
            drawn_here = [glyphs[high * 256 + low] for high, low in zip(codes[::2], codes[1::2], strict=True)]
            for glyph in font().plain(drawn_here):
                lines.setdefault(round(y, 1), []).append((x, next(count), glyph))
        elif operator == b"TJ":
            raise AssertionError("Text with kerning in it: teach `_pdf_page` to read it.")
    return lines


def _pdf_glyphs(embedded: pypdf.generic.DictionaryObject) -> list[int]:
    """Number of each glyph of an embedded font in the package's regular one."""
    descriptor = embedded["/DescendantFonts"][0].get_object()["/FontDescriptor"]
    return _recognised(descriptor["/FontFile2"].get_data())


@cache
def _recognised(content: bytes) -> list[int]:
    return [font().find(outline) for outline in outlines_of(TTFont(io.BytesIO(content)))]
