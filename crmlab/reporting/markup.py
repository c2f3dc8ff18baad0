"""The HTML of what a report shows: cells of tables, notes, and texts in place of pictures."""

from __future__ import annotations

import html

import pandas as pd


def note(title: str, text: str) -> str:
    """What stands in place of a figure or table."""
    return f'<p class="crm-nothing"><strong>{html.escape(title)}</strong><br>{html.escape(text)}</p>'


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
