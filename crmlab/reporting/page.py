"""The executed notebook as one page that needs nothing but itself."""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path
from typing import Any

from crmlab.locale import Language
from crmlab.reporting.sections import without_empty_sections

_HERE = Path(__file__).parent
_FONTS = _HERE.parent / "fonts"
#: The characters a browser takes from each file of a weight, the last one first; `.ci/subset_fonts.py`
#: makes the files.
_SCRIPTS = {
    "latin": "U+0-5FF, U+1E00-200B, U+2010-22FF",
    "arabic": "U+20-2F, U+3A, U+AB, U+BB, U+600-6FF, U+200C-200F",
}
_WEIGHTS = {"Regular": 400, "Bold": 700}
_HEADING = re.compile(r"<h([1-6])\b([^>]*)>(.*?)</h\1>", re.DOTALL)
#: A letter of Arabic script.
ARABIC = re.compile("[\u0600-\u06ff]")
_ID = re.compile(r'\bid="([^"]*)"')
_TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)


def to_page(notebook: Any, title: str, subtitle: str, tongue: Language, facts: dict[str, str]) -> str:
    """HTML of an executed notebook: code folded away, styles, fonts and pictures inside.

    The page asks nothing of the network, and tells the browser to hold it to that. Its contents are
    made of the second-level headings; sections that have nothing to show are named at the end. Equal
    notebooks give equal pages.

    Parameters
    ----------
    notebook : NotebookNode
        As executed.
    title, subtitle
        Title of the page, which is its heading too if the notebook has none, and the line above it.
    tongue
        Language of the page; right-to-left languages get a right-to-left page.
    facts
        What stands in the foot of the page, such as the parameters, by name.

    Returns
    -------
    str
        The page. Everything costly about it is made at the first call in a process and used again.

    Examples
    --------
    >>> import nbformat
    >>> from crmlab.locale import language
    >>> cells = [nbformat.v4.new_markdown_cell("# Sales"), nbformat.v4.new_code_cell("1 + 1")]
    >>> page = to_page(nbformat.v4.new_notebook(cells=cells), "Sales", "Shop", language("en"), {})
    >>> "<h1" in page, "http://" in page, len(page) < 80_000
    (True, False, True)
    """
    page = {
        "title": title,
        "subtitle": subtitle,
        "lang": tongue.code,
        "dir": "rtl" if tongue.right_to_left else "ltr",
        "contents_label": tongue("Contents"),
        "code_label": tongue("Show the code"),
        "figure_label": tongue("Figure"),
        "facts_label": tongue("How this report was made"),
        "facts": facts,
    }
    notebook = without_empty_sections(notebook, tongue)
    body, _ = _exporter().from_notebook_node(notebook, resources={"crmlab": page})
    return body.replace("/* style */", style(tongue.right_to_left or bool(ARABIC.search(body))), 1)


@cache
def _exporter() -> Any:
    """The exporter with its templates; to build it takes longer than to use it."""
    from nbconvert import HTMLExporter
    from nbconvert.exporters.html import WidgetsDataTypeFilter

    class PageExporter(HTMLExporter):
        def from_notebook_node(self, nb: Any, resources: Any = None, **options: Any) -> Any:
            # HTMLExporter reads the page it wrote once more, to add alternative texts that ours has.
            resources = self._init_resources(resources)
            widgets = WidgetsDataTypeFilter(self._nb_metadata, parent=self, resources=resources)
            self.register_filter("filter_data_type", widgets)
            return super(HTMLExporter, self).from_notebook_node(nb, resources, **options)

    exporter = PageExporter(
        template_name="template",
        extra_template_basedirs=[str(_HERE)],
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    exporter.register_filter("outline", outline)
    exporter.register_filter("highlight_code", lambda code, **_: code)
    return exporter


@cache
def style(arabic: bool) -> str:
    """Style sheet of all pages, with the font in it, for Arabic script too if asked for."""
    faces = _faces("latin") + (_faces("arabic") if arabic else "")
    return faces + (_HERE / "page.css").read_text(encoding="utf-8")


@cache
def _faces(script: str) -> str:
    """The font of one script in both weights, as CSS with the files in it."""
    faces = []
    for name, weight in _WEIGHTS.items():
        content = base64.b64encode((_FONTS / f"Vazirmatn-{name}.{script}.woff2").read_bytes()).decode()
        faces.append(
            f"@font-face {{ font-family: Vazirmatn; font-weight: {weight}; unicode-range: {_SCRIPTS[script]};"
            f' src: url(data:font/woff2;base64,{content}) format("woff2"); }}\n'
        )
    return "".join(faces)


def outline(content: str) -> dict[str, Any]:
    """Put the headings and tables of a page in order, so that it can be read by ear as well as by eye.

    Parameters
    ----------
    content
        HTML of all cells.

    Returns
    -------
    dict
        ``heading``, the first first-level heading, taken out of the content; ``contents``, pairs of
        id and text of the second-level headings; ``body``, the rest: any further first-level
        heading is a second-level one, no level is left out, every id is there once, and every
        heading of a table's row or column says so.

    Examples
    --------
    >>> page = outline('<h1 id="a">Title</h1><h2 id="b">One</h2><h4 id="b">Two</h4>')
    >>> page["heading"], page["contents"]
    ('Title', [('b', 'One')])
    >>> page["body"]
    '<h2 id="b">One</h2><h3 id="b-2">Two</h3>'
    """
    heading = ""
    contents: list[tuple[str, str]] = []
    seen: dict[str, int] = {}
    above = 1

    def put_in_order(found: re.Match[str]) -> str:
        nonlocal heading, above
        level, attributes, text = int(found[1]), found[2], found[3]
        if level == 1 and not heading:
            heading = text
            return ""
        level = above = min(max(level, 2), above + 1)
        name = _ID.search(attributes)
        anchor = name[1] if name else f"section-{len(seen) + 1}"
        seen[anchor] = seen.get(anchor, 0) + 1
        if seen[anchor] > 1:
            anchor = f"{anchor}-{seen[anchor]}"
        if level == 2:
            contents.append((anchor, re.sub(r"<[^>]*>", "", text)))
        rest = _ID.sub("", attributes).rstrip()
        return f'<h{level} id="{anchor}"{rest}>{text}</h{level}>'

    body = _HEADING.sub(put_in_order, content)
    return {"heading": heading, "contents": contents, "body": _TABLE.sub(_scoped, body)}


def _scoped(table: re.Match[str]) -> str:
    """A table whose headings say whether they stand over a column or before a row."""
    head, end, rows = table[0].partition("</thead>")
    if not end:
        return table[0]
    for part, scope in ((head, "col"), (rows, "row")):
        scoped = re.sub(r"<th(?=[\s>])(?![^>]*\bscope=)", f'<th scope="{scope}"', part)
        head, rows = (scoped, rows) if scope == "col" else (head, scoped)
    return head + end + rows
