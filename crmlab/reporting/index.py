"""reports/index.html: all runs on one page."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from crmlab.reporting.manifest import FILE, read_manifest

_HERE = Path(__file__).parent
_EXTRA = """
td.failed { color: #a4261b; font-weight: 600; }
td.params { color: var(--soft); font-size: .82rem; min-width: 12em;
  white-space: normal; overflow-wrap: anywhere; }
main { max-width: 1100px; }
"""


def write_index(out: Path) -> Path:
    """Write the list of all runs below `out`, newest first.

    Returns
    -------
    Path
        Of ``index.html``.
    """
    runs = [
        (folder.parent, manifest)
        for folder in sorted(out.glob(f"*/*/{FILE}"))
        if (manifest := read_manifest(folder.parent)) and not folder.parent.name.startswith(".")
    ]
    runs.sort(key=lambda run: (run[1]["started_at"], run[1]["report"], run[1]["language"]), reverse=True)
    rows = "\n".join(_row(folder.relative_to(out), manifest) for folder, manifest in runs)
    style = (_HERE / "page.css").read_text(encoding="utf-8") + _EXTRA
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reports</title>
<link rel="icon" href="data:,">
<style>
{style}
</style>
</head>
<body>
<main>
<h1>Reports</h1>
<div class="crm-table"><div><table>
<thead><tr><th scope="col">Report</th><th scope="col">Status</th><th scope="col">Workspace</th>
<th scope="col">Language</th><th scope="col">Parameters</th><th scope="col">Made</th>
<th scope="col" class="n">Seconds</th></tr></thead>
<tbody>
{rows}
</tbody>
</table></div></div>
</main>
</body>
</html>
"""
    index = out / "index.html"
    index.write_text(page, encoding="utf-8")
    return index


def _row(folder: Path, manifest: dict[str, Any]) -> str:
    failed = manifest["status"] != "done"
    target = folder / ("error.txt" if failed else "report.html")
    given = ", ".join(
        f"{name} = {value}" for name, value in manifest["parameters"].items() if value is not None
    )
    made = manifest["started_at"].replace("T", " ").removesuffix("+00:00") + " UTC"
    cells = [
        f'<td><a href="{html.escape(target.as_posix())}">{html.escape(manifest["report"])}</a></td>',
        f"<td{' class=failed' if failed else ''}>{html.escape(manifest['status'])}</td>",
        f"<td>{html.escape(manifest['workspace'])}</td>",
        f"<td>{html.escape(manifest['language'])}</td>",
        f'<td class="params">{html.escape(given)}</td>',
        f"<td>{html.escape(made)}</td>",
        f'<td class="n">{manifest["seconds"]:.1f}</td>',
    ]
    return "<tr>" + "".join(cells) + "</tr>"
