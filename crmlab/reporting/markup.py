"""The HTML of what a report shows: cells of tables, notes, and texts in place of pictures."""

from __future__ import annotations

import html
from urllib.parse import quote

import pandas as pd


def note(title: str, text: str) -> str:
    """What stands in place of a figure or table."""
    return f'<p class="crm-nothing"><strong>{html.escape(title)}</strong><br>{html.escape(text)}</p>'


def headline_of(figures: list[dict[str, str]]) -> str:
    """The figures to see first."""
    rows = "".join(
        f"<div><dt>{html.escape(figure['label'])}</dt><dd>{html.escape(figure['text'])}</dd></div>"
        for figure in figures
    )
    return f'<dl class="crm-headline">{rows}</dl>'


def file_of(title: str, name: str, content: str) -> str:
    """A text to be unfolded, with a link that saves it, for which nothing but the page is needed."""
    link = f"data:text/plain;charset=utf-8,{quote(content)}"
    return (
        f'<details class="crm-file"><summary>{html.escape(title)}</summary>'
        f'<p><a href="{link}" download="{html.escape(name)}" dir="ltr">{html.escape(name)}</a></p>'
        f'<pre dir="ltr">{html.escape(content)}</pre></details>'
    )


def table_of(
    title: str, heads: dict[str, str], kinds: dict[str, str], cells: dict[str, list[str]], foot: str
) -> str:
    """A table with its heading, the headings and texts of its columns, and a line below."""
    top = "".join(
        f'<th scope="col"{side(kinds[column])}>{html.escape(heading)}</th>'
        for column, heading in heads.items()
    )
    rows = (
        "<tr>" + "".join(cell(kinds[column], text) for column, text in zip(heads, row, strict=True)) + "</tr>"
        for row in zip(*(cells[column] for column in heads), strict=True)
    )
    return (
        f'<figure class="crm-table"><figcaption>{html.escape(title)}</figcaption>'
        f"<div><table><thead><tr>{top}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        f"<footer>{html.escape(foot)}</footer></figure>"
    )


def cell(kind: str, text: str) -> str:
    """A cell of a table with a text as a format of that kind writes it."""
    return f"<td{side(kind, text)}>{html.escape(text)}</td>"


def side(kind: str, text: str = "") -> str:
    """The class that sets numbers to their side of a column, and gives long texts room."""
    if kind in ("text", "date", "month"):
        return ' class="long"' if len(text) > 30 else ""
    return ' class="n"'


def alternative(title: str, frame: pd.DataFrame) -> str:
    """Text in place of the picture: its title and the first rows of its data."""
    rows = [
        ", ".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row)
        for row in frame.head(12).itertuples(index=not isinstance(frame.index, pd.RangeIndex), name=None)
    ]
    more = "; ..." if len(frame) > 12 else ""
    return f"{title} ({', '.join(map(str, frame.columns))}): {'; '.join(rows)}{more}"
