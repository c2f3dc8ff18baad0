"""The entry standard as one page: how each column of each table is to be written."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import pandas as pd

from crmlab.cleansing.clean import Conventions
from crmlab.cleansing.standard import entry_standard
from crmlab.folders import check_writable, write_whole
from crmlab.locale import Language, language
from crmlab.reporting.page import to_page
from crmlab.tables import TABLES, table

_STYLE = Path(__file__).with_suffix(".css")


def standard_page(
    tables: Sequence[str] = (), code: str = "en", conventions: Conventions | None = None
) -> str:
    """HTML of the entry standard of some tables.

    Parameters
    ----------
    tables
        Names of the contract's tables; all of them if none is named.
    code
        Language of the page: ``"en"`` or ``"fa"``.
    conventions
        Those of a workspace, ``workspace.conventions``. If not given, a page in Persian is about
        Iran, one in English about no country.

    Raises
    ------
    ParameterError
        If there is no such table or language.

    Examples
    --------
    >>> page = standard_page(["products"])
    >>> "<h1" in page, "unit price" in page, "http://" in page
    (True, True, False)
    """
    import nbformat

    tongue = language(code)
    conventions = conventions or Conventions(region="IR" if tongue.right_to_left else "")
    title = tongue("How records are written")
    legend = tongue("A star marks what no record can do without.")
    if tongue.right_to_left or conventions.region == "IR":
        legend += " " + tongue("Digits of either script will do.")
    style = _STYLE.read_text(encoding="utf-8")
    parts = [f"<h1>{escape(title)}</h1>\n<style>{style}</style>\n<p>{escape(legend)}</p>"]
    parts += [_section(name, tongue, conventions) for name in tables or TABLES]
    cells = [nbformat.v4.new_markdown_cell(part, id=f"part-{place}") for place, part in enumerate(parts)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    return to_page(notebook, title, tongue("Entry standard"), tongue, {})


def write_standard(
    path: Path, tables: Sequence[str] = (), code: str = "en", conventions: Conventions | None = None
) -> Path:
    """Write the entry standard of some tables as one page; see `standard_page`.

    Raises
    ------
    WorkspaceError
        If the folder cannot be written.
    """
    page = standard_page(tables, code, conventions)
    check_writable(path.parent)
    write_whole(path, page)
    return path


def _section(name: str, tongue: Language, conventions: Conventions) -> str:
    """One table of the contract, as HTML."""
    contract, standard = table(name), entry_standard(name, tongue, conventions)
    heads = [
        tongue("Column"), tongue("What it is"), tongue("How it is written"), tongue("Example"),
        tongue("If there is none"),
    ]  # fmt: skip
    rows = "\n".join(_row(str(column), row, heads) for column, row in standard.iterrows())
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    label, grain = _capital(tongue(name.replace("_", " "))), _capital(tongue(contract.grain))
    return (
        f'<h2 id="{name}">{escape(label)}</h2>\n<p>{escape(grain)}.</p>\n'
        f'<figure class="crm-table standard"><div><table><thead><tr>{top}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div></figure>"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _row(column: str, row: pd.Series, heads: Sequence[str]) -> str:
    star = ' <span class="needed">*</span>' if row["required"] else ""
    form = row["form"] + (f" ({row['unit']})" if row["unit"] else "")
    cells = [row["meaning"], form, f"<bdi>{escape(row['example'])}</bdi>", row["missing"]]
    made = "".join(
        f'<td data-label="{escape(head)}">{cell if cell.startswith("<bdi>") else escape(cell)}</td>'
        for head, cell in zip(heads[1:], cells, strict=True)
    )
    return f"<tr><th>{escape(row['label'])}{star}<small>{escape(column)}</small></th>{made}</tr>"
