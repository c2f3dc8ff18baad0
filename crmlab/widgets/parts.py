"""What the widgets share: ipywidgets when it is there, headings, style sheets, values set once."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from crmlab.cleansing.standard import label_of
from crmlab.contract import Column
from crmlab.errors import ParameterError
from crmlab.locale import Language
from crmlab.workspace import Workspace, open_workspace


def as_workspace(thing: Workspace | str | Path) -> Workspace:
    """A workspace, or the one in a folder.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    if isinstance(thing, str | Path):
        return open_workspace(thing)
    if not isinstance(thing, Workspace):
        raise ParameterError("A workspace is what crmlab.open_workspace returns, or its folder.")
    return thing


def import_widgets(what: str) -> Any:
    """The module ipywidgets; without it, `what` cannot be had."""
    try:
        import ipywidgets
    except ImportError:
        raise ParameterError(f"{what} need ipywidgets; install it with: pip install crmlab[lab]") from None
    return ipywidgets


def set_changed(widget: Any, **values: Any) -> None:
    """Set what has changed: nothing is sent to the browser twice."""
    for name, value in values.items():
        if getattr(widget, name) != value:
            setattr(widget, name, value)


@cache
def style_of(module: str) -> str:
    """The style sheet beside a module."""
    return Path(module).with_suffix(".css").read_text(encoding="utf-8")


def heading_of(column: Column, tongue: Language) -> str:
    """What a column is called, as a heading."""
    label = label_of(column, tongue)
    return label[0].upper() + label[1:]


def cell_of(text: str) -> str:
    """A cell of a small table: only texts of several words may be broken, not numbers and days."""
    long = ' class="crm-long"' if " " in text and len(text) > 12 else ""
    return f"<td{long}><bdi>{escape(text)}</bdi></td>"
