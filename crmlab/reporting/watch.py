"""A running campaign on a page of its own: the notebook behind it, for Voila to serve."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crmlab.locale import language as language_of
from crmlab.reporting.live import write_page


def watch_notebook(
    monitor: Mapping[str, Any],
    events: Path,
    folder: Path,
    *,
    name: str,
    every: float = 10,
    language: str = "en",
    currency: str = "",
    decimals: int = 2,
    conventions: Mapping[str, Any] | None = None,
) -> Path:
    """Write what Voila needs to show a running campaign; `crmlab.reporting.live.serve` shows it.

    Parameters
    ----------
    monitor
        What `crmlab.mining.campaigns.Monitor` is called with, its `parameters`.
    events
        The folder that events are dropped into.
    folder
        Where the notebook goes.
    name, every, language, currency, decimals
        As `crmlab.widgets.CampaignMonitor` takes them.
    conventions
        Fields of `crmlab.cleansing.clean.Conventions`.

    Returns
    -------
    Path
        The notebook; ``voila.json`` is beside it.
    """
    import nbformat.v4 as new

    tongue = language_of(language)
    shown = {"every": every, "language": language, "currency": currency, "decimals": decimals}
    lines = [
        "from crmlab.cleansing.clean import Conventions",
        "from crmlab.mining.campaigns import Monitor",
        "from crmlab.widgets import CampaignMonitor",
        "",
        f"monitor = Monitor(**{dict(monitor)!r})",
        f"conventions = Conventions(**{dict(conventions or {})!r})",
        f"CampaignMonitor(monitor, {str(events.resolve())!r}, conventions=conventions, **{shown!r})",
    ]
    notebook = new.new_notebook(
        cells=[new.new_markdown_cell(f"# {name}"), new.new_code_cell("\n".join(lines))],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    return write_page(notebook, folder / "monitor.ipynb", tongue)
