"""reports/index.html: all runs on one page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from crmlab.folders import write_whole
from crmlab.locale import LANGUAGES, language
from crmlab.reporting.manifest import FILE, read_manifest
from crmlab.reporting.page import ARABIC, style

_HERE = Path(__file__).parent


def write_index(out: Path) -> Path:
    """Write the list of all runs below `out`, newest first.

    Parameters
    ----------
    out
        Folder of all reports: ``<report>/<run>/manifest.json`` is a run.

    Returns
    -------
    Path
        Of ``index.html``.
    """
    runs = [
        (folder.parent.relative_to(out), manifest)
        for folder in sorted(out.glob(f"*/*/{FILE}"))
        if not folder.parent.name.startswith(".")
        and isinstance(manifest := read_manifest(folder.parent), dict)
    ]
    runs.sort(key=_newest, reverse=True)
    manifests = [manifest for _, manifest in runs]
    earlier = superseded(manifests)
    figures = any(manifest.get("headline") for manifest in manifests)
    rows = "\n".join(
        _row(out, folder, manifest, old, figures)
        for (folder, manifest), old in zip(runs, earlier, strict=True)
    )
    page = _template().substitute(
        style=style(bool(ARABIC.search(rows))),
        summary=_summary(len(runs), sum(map(_failed, manifests)), sum(earlier)),
        heads="".join(
            f'<th scope="col" role="columnheader"{" class=n" if name == "Seconds" else ""}>{name}</th>'
            for name in ("Report", "Status", *(["Figures"] if figures else []), "Workspace", "Language",
                         "Parameters", "Made", "Seconds")
        ),
        rows=rows,
    )  # fmt: skip
    index = out / "index.html"
    # Others may write it at the same time; the last one whole stands.
    write_whole(index, page)
    return index


def superseded(manifests: Iterable[dict[str, Any]]) -> list[bool]:
    """Which runs a newer one takes the place of.

    Parameters
    ----------
    manifests
        Newest first.

    Returns
    -------
    list of bool
        True if a newer run has the same report, parameters, language and workspace. A run that
        failed takes the place of none that was finished.

    Examples
    --------
    >>> done, failed = {"report": "a", "status": "done"}, {"report": "a", "status": "failed"}
    >>> superseded([failed, done, done, failed])
    [False, False, True, True]
    """
    begun, finished = set(), set()
    old = []
    for manifest in manifests:
        same = [manifest.get(part) for part in ("report", "parameters", "language", "workspace")]
        key = json.dumps(same, sort_keys=True)
        old.append(key in (begun if _failed(manifest) else finished))
        begun.add(key)
        if not _failed(manifest):
            finished.add(key)
    return old


@cache
def _template() -> Template:
    return Template((_HERE / "template" / "runs.html").read_text(encoding="utf-8"))


def _newest(run: tuple[Path, dict[str, Any]]) -> tuple[str, ...]:
    folder, manifest = run
    return *(str(manifest.get(part, "")) for part in ("started_at", "report", "language")), folder.as_posix()


def _failed(manifest: dict[str, Any]) -> bool:
    return manifest.get("status") != "done"


def _summary(runs: int, failed: int, earlier: int) -> str:
    """What stands above the list.

    >>> _summary(3, 1, 0)
    '3 runs, 1 failed'
    """
    counts = [f"{runs} run{'s' * (runs != 1)}"]
    return ", ".join(counts + [f"{n} {what}" for n, what in ((failed, "failed"), (earlier, "earlier")) if n])


def _row(out: Path, folder: Path, manifest: dict[str, Any], old: bool, figures: bool) -> str:
    """One run as a row; on narrow screens the page shows it as a card with labels."""
    failed = _failed(manifest)
    page = folder / ("error.txt" if failed else "report.html")
    report = _link(page, str(manifest.get("report", folder.parent.name)))
    if (out / folder / "report.pdf").is_file():
        report += " " + _link(folder / "report.pdf", "PDF")
    if old:
        report += ' <span class="mark">earlier</span>'
    given = [
        f"<bdi>{escape(f'{name} = {value}')}</bdi>"
        for name, value in (manifest.get("parameters") or {}).items()
        if value is not None
    ]
    made, seconds = str(manifest.get("started_at", "")), manifest.get("seconds")
    cells = [
        _cell(report, "report"),
        _cell(escape(str(manifest.get("status", "failed"))), "status short", "Status"),
        _cell(_figures(manifest)) if figures else "",
        _cell(f"<bdi>{escape(str(manifest.get('workspace', '')))}</bdi>", label="Workspace"),
        _cell(escape(str(manifest.get("language", ""))), "short", "Language"),
        _cell("<br>".join(given), "params", "Parameters"),
        _cell(f'<time datetime="{escape(made)}">{escape(_minute(made))}</time>', "short", "Made"),
        _cell("" if seconds is None else f"{seconds:.1f}", "n short", "Seconds"),
    ]
    state = " ".join(["failed"] * failed + ["earlier"] * old)
    return f'<tr role="row" class="{state}">{"".join(cells)}</tr>'


def _cell(content: str, kind: str = "", label: str = "") -> str:
    kind = f' class="{kind}"' if kind else ""
    label = f' data-label="{label}"' if label else ""
    return f'<td role="cell"{kind}{label}>{content}</td>'


def _link(target: Path, text: str) -> str:
    return f'<a href="{quote(target.as_posix())}">{escape(text)}</a>'


def _figures(manifest: dict[str, Any]) -> str:
    """The headline figures of a run, in the order and the direction of its report."""
    headline, code = manifest.get("headline") or [], manifest.get("language")
    if isinstance(headline, dict):  # as older runs have it
        headline = [{"label": label, "text": text} for label, text in headline.items()]
    rows = "".join(
        f"<div><dt>{escape(str(figure['label']))}</dt><dd>{escape(str(figure['text']))}</dd></div>"
        for figure in headline
    )
    side = "rtl" if code in LANGUAGES and language(code).right_to_left else "ltr"
    return f'<dl class="figures" dir="{side}">{rows}</dl>' if rows else ""


def _minute(moment: str) -> str:
    """A moment to the minute.

    >>> _minute("2026-07-04T12:30:59+00:00")
    '2026-07-04 12:30 UTC'
    """
    return f"{moment[:10]} {moment[11:16]} UTC" if moment.endswith("+00:00") else moment
