"""The entry standard as one page: how each column of each table is to be written."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import pandas as pd

from crmlab.cleansing.standard import entry_standard
from crmlab.folders import write_whole
from crmlab.locale import Language, language
from crmlab.reporting.page import to_page
from crmlab.tables import TABLES, table

#: On narrow screens each column is a card.
_STYLE = """<style>
.standard td { white-space: normal; }
.standard th small { display: block; font-weight: 400; direction: ltr; unicode-bidi: isolate; overflow-wrap: anywhere; }
[dir=rtl] .standard th small { text-align: right; }
.standard tbody th { color: var(--ink); border-block-end: 1px solid var(--line); min-width: 8em; }
.standard .needed { color: var(--bad); }
.standard td:nth-child(3) { min-width: 13em; }
@media screen and (max-width: 700px) {
  .standard thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .standard table, .standard tbody, .standard tr, .standard td, .standard tbody th { display: block; border: 0; padding: 2px 0; }
  .standard tr { border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px; margin-block-end: 10px; }
  .standard tbody th { font-size: 1.05rem; }
  .standard td::before { content: attr(data-label) ": "; color: var(--soft); }
}
</style>"""


def standard_page(tables: Sequence[str] = (), code: str = "en") -> str:
    """HTML of the entry standard of some tables.

    Parameters
    ----------
    tables
        Names of the contract's tables; all of them if none is named.
    code
        Language of the page: ``"en"`` or ``"fa"``.

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
    title = tongue("How records are written")
    legend = tongue("A star marks what no record can do without. Digits of either script will do.")
    parts = [f"<h1>{escape(title)}</h1>\n{_STYLE}\n<p>{escape(legend)}</p>"]
    parts += [_section(name, tongue) for name in tables or TABLES]
    cells = [nbformat.v4.new_markdown_cell(part, id=f"part-{place}") for place, part in enumerate(parts)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    return to_page(notebook, title, tongue("Entry standard"), tongue, {})


def write_standard(path: Path, tables: Sequence[str] = (), code: str = "en") -> Path:
    """Write the entry standard of some tables as one page; see `standard_page`."""
    page = standard_page(tables, code)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page)
    return path


def _section(name: str, tongue: Language) -> str:
    """One table of the contract, as HTML."""
    contract, standard = table(name), entry_standard(name, tongue)
    heads = [
        tongue("Column"), tongue("What it is"), tongue("How it is written"), tongue("Example"),
        tongue("If there is none"),
    ]  # fmt: skip
    rows = "\n".join(_row(str(column), row, heads) for column, row in standard.iterrows())
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    label = tongue(name.replace("_", " "))
    return (
        f'<h2 id="{name}">{escape(label[0].upper() + label[1:])}</h2>\n<p>{escape(tongue(contract.grain))}.</p>\n'
        f'<figure class="crm-table standard"><div><table><thead><tr>{top}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div></figure>"
    )


def _row(column: str, row: pd.Series, heads: Sequence[str]) -> str:
    star = ' <span class="needed">*</span>' if row["required"] else ""
    form = row["form"] + (f" ({row['unit']})" if row["unit"] else "")
    cells = [row["meaning"], form, f"<bdi>{escape(row['example'])}</bdi>", row["missing"]]
    made = "".join(
        f'<td data-label="{escape(head)}">{cell if cell.startswith("<bdi>") else escape(cell)}</td>'
        for head, cell in zip(heads[1:], cells, strict=True)
    )
    return f"<tr><th>{escape(row['label'])}{star}<small>{escape(column)}</small></th>{made}</tr>"
