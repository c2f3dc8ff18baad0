"""Go on from a finished report: a copy of its notebook that can be opened and changed."""

from __future__ import annotations

import os
from pathlib import Path

from crmlab.errors import ParameterError
from crmlab.reporting.manifest import read_manifest


def copy_of_run(run: str | Path, target: str | Path | None = None) -> Path:
    """Copy the notebook of a finished run, with its workspace filled in again.

    Parameters
    ----------
    target
        Path of the copy; ``adhoc/<report>-<run>.ipynb`` beside all reports if not given. A file
        that is there is not written over.

    Raises
    ------
    ParameterError
        If the folder holds no finished run, or the copy is there already.
    """
    import nbformat

    run = Path(run)
    manifest = read_manifest(run)
    if not manifest or not (run / "report.ipynb").is_file():
        raise ParameterError(f"{run} holds no report: there is no manifest.json and report.ipynb in it.")
    target = Path(target or run.parent.parent / "adhoc" / f"{manifest['report']}-{run.name}.ipynb")
    if target.exists():
        raise ParameterError(f"{target} is there already; name another file with --copy, or remove it.")
    notebook = nbformat.read(run / "report.ipynb", as_version=4)
    workspace = os.path.relpath(Path(manifest["workspace_path"]).resolve(), target.parent.resolve())
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", ()):
            cell["source"] = f"{cell['source'].rstrip()}\nworkspace = {Path(workspace).as_posix()!r}\n"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    return target
