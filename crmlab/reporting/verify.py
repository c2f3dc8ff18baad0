"""Run a report again and compare it byte for byte with what lies there."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmlab.errors import ParameterError, ReportError
from crmlab.folders import sha256
from crmlab.reporting.manifest import key_of, read_manifest
from crmlab.reporting.plan import plan_report
from crmlab.reporting.run import run_plans

#: Parts of a manifest that decide the content, and what they are.
_CAUSES = {
    "notebook_sha256": "the notebook",
    "settings_sha256": "crmlab.toml of the workspace",
    "code_sha256": "the code of crmlab",
    "lock_sha256": "the lock file",
    "fonts_sha256": "the fonts",
    "workspace": "the name of the workspace",
}


@dataclass(frozen=True)
class Verdict:
    """Whether a report could be made again, byte for byte.

    Attributes
    ----------
    same : bool
        All files are equal.
    files : list of str
        Files that differ, are missing, or are new.
    causes : list of str
        What it is made from that has changed since, in words, whether the bytes did or not.
    """

    same: bool
    files: list[str]
    causes: list[str]

    def __str__(self) -> str:
        causes = "; ".join(self.causes)
        if self.same:
            return f"The same, byte for byte{f', although these have changed: {causes}' if causes else ''}."
        causes = causes or "nothing it is made from"
        return f"Not the same: {', '.join(self.files)}. Changed since: {causes}."


def verify(run: str | Path, workspace: str | Path | None = None, engine: str | None = None) -> Verdict:
    """Make a report again from its manifest and compare all its files.

    Parameters
    ----------
    run
        Folder of a finished run.
    workspace
        Folder of the workspace, if it is elsewhere now.
    engine
        As `crmlab.run_report` takes it.

    Raises
    ------
    ParameterError
        If the folder holds no finished run.
    ReportError
        If the report fails now.
    """
    folder = Path(run)
    manifest = read_manifest(folder)
    if not manifest or manifest.get("status") != "done":
        raise ParameterError(f"{folder} holds no finished report: there is no manifest.json that says so.")
    given = {name: value for name, value in manifest["parameters"].items() if value is not None}
    with tempfile.TemporaryDirectory(prefix="crmlab-verify-") as out:
        plan = plan_report(
            manifest["notebook"], workspace or manifest["workspace_path"], given, manifest["language"], out
        )
        ((_, result),) = run_plans([plan], engine=engine)
        if isinstance(result, ReportError):
            raise result
        again = read_manifest(result.folder) or {}
    outputs = manifest["outputs"]
    # The files as they are now, not as they were noted.
    now = {name: sha256(folder / name) if (folder / name).is_file() else "" for name in outputs}
    files, causes = _changed(now, again["outputs"]), _causes(manifest, again)
    if harmed := _changed(outputs, now):
        causes.append(f"files of the run itself ({', '.join(harmed)})")
    if not folder.resolve().name.endswith(key_of({name: manifest.get(name) for name in plan.made_from})):
        causes.append("the manifest itself, which is not the one the folder is named after")
    return Verdict(not files, files, causes)


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _causes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What differs between two manifests of the same report, in words."""
    causes = [f"the table {name}" for name in _changed(before["inputs"], after["inputs"])]
    causes += [
        f"the parameter {name} ({before['parameters'].get(name)!r}, now {after['parameters'].get(name)!r})"
        for name in _changed(before["parameters"], after["parameters"])
    ]
    causes += [
        f"{name} ({before['versions'].get(name)}, now {after['versions'].get(name)})"
        for name in _changed(before["versions"], after["versions"])
    ]
    return causes + [words for key, words in _CAUSES.items() if before.get(key) != after.get(key)]
