"""What a run was made from and what came of it: manifest.json."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import crmlab
from crmlab.folders import code_sha256, sha256
from crmlab.workspace import Workspace

FILE = "manifest.json"

#: Packages whose versions can change a number or a picture.
PACKAGES = (
    "duckdb", "ibis-framework", "ipython", "jinja2", "matplotlib", "mistune", "nbconvert", "numpy", "pandas",
    "papermill", "pillow", "pyarrow", "scikit-learn", "scipy", "sqlglot",
)  # fmt: skip


@cache
def _of_the_package() -> dict[str, Any]:
    """Checksums and versions of what makes reports; they do not change while a process runs."""
    package = Path(crmlab.__file__).parent
    lock = package.parent / "requirements.lock"
    fonts = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((package / "fonts").iterdir())))
    return {
        "code_sha256": code_sha256(),
        "lock_sha256": sha256(lock) if lock.exists() else None,
        "fonts_sha256": fonts.hexdigest(),
        "versions": {"python": platform.python_version(), "crmlab": crmlab.__version__}
        | {package: importlib.metadata.version(package) for package in PACKAGES},
    }


def ingredients(
    notebook: Path,
    parameters: dict[str, Any],
    language: str,
    tables: list[str],
    workspace: Workspace,
    state: dict[str, Any],
    files: Iterable[str] = (),
) -> dict[str, Any]:
    """All that decides a report's content: equal ingredients make equal reports.

    Parameters
    ----------
    tables
        Tables the notebook says it reads; if it names none, it may read all, and the books of
        cleansing too.
    state
        Of the workspace, see `crmlab.workspace.Workspace.state`.
    files
        Patterns of further files of the workspace that it may read, such as ``"campaigns/*.toml"``.
    """
    found = sorted(path for pattern in files for path in workspace.path.glob(pattern))
    known = state["tables"]
    return _of_the_package() | {
        "report": notebook.stem,
        "parameters": parameters,
        "seed": parameters.get("seed"),
        "language": language,
        "workspace": workspace.name,
        "inputs": {name: known[name]["sha256"] for name in tables or known}
        | ({} if tables else state["books"])
        | {path.relative_to(workspace.path).as_posix(): sha256(path) for path in found},
        "notebook_sha256": sha256(notebook),
        "settings_sha256": sha256(workspace.path / "crmlab.toml"),
    }


def key_of(made_from: dict[str, Any]) -> str:
    """Twelve signs that stand for all ingredients of a report; the folder of the run has them in its name."""
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:12]


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Write the manifest of the run in `folder`."""
    text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of the run in `folder`, or None if it has none."""
    try:
        return json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
