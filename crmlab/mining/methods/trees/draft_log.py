"""The log of a draft: written, read, and refused if it is no log or was made for other data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from crmlab.errors import ParameterError, SourceError

#: What a log says it is, and the version of its form.
FORMAT, VERSION = "crmlab tree draft", 1
#: What each act names besides itself, and the types of it.
ACTS: dict[str, dict[str, type]] = {
    "split": {"node": str, "split": dict},
    "grow": {"node": str, "below": dict},
    "prune": {"node": str},
    "leaf": {"node": str, "closed": bool},
    "name": {"node": str, "name": str},
    "undo": {},
    "redo": {},
}


def written(data: dict[str, Any], settings: dict[str, Any], acts: list[dict[str, Any]]) -> dict[str, Any]:
    """A log as plain data, which share nothing with the draft."""
    plain = {"format": FORMAT, "version": VERSION, "data": data, "settings": settings, "acts": acts}
    return json.loads(json.dumps(plain))


def as_bytes(log: dict[str, Any]) -> bytes:
    """A log as a file: the same log gives the same bytes."""
    return (json.dumps(log, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def read_log(log: dict[str, Any] | str | Path) -> dict[str, Any]:
    """A log from plain data or a file.

    Raises
    ------
    SourceError
        If the file cannot be read.
    ParameterError
        If it is no log, one of a later form, or its acts are not such as a draft writes.
    """
    called = "This"
    if isinstance(log, str | Path):
        called = f"The file {Path(log).name}"
        try:
            log = json.loads(Path(log).read_text(encoding="utf-8"))
        except OSError as error:
            raise SourceError(f"The log {log} cannot be read: {error.strerror}.") from None
        except ValueError:
            raise ParameterError(f"{called} is no log of a tree draft: it is not JSON.") from None
    if not isinstance(log, dict) or log.get("format") != FORMAT:
        raise ParameterError(f"{called} is no log of a tree draft; TreeDraft.save writes one.")
    if log.get("version") != VERSION:
        raise ParameterError(
            f"{called} is a log of version {log.get('version')}, and this crmlab reads version {VERSION}."
        )
    lost = [name for name in ("data", "settings", "acts") if name not in log]
    if lost:
        raise ParameterError(f"{called} is an incomplete log: it lacks {' and '.join(lost)}.")
    for place, act in enumerate(log["acts"], start=1):
        kind = act.get("act") if isinstance(act, dict) else None
        wanted = ACTS.get(kind) if isinstance(kind, str) else None
        if wanted is None or set(act) != {"act", *wanted}:
            raise ParameterError(f"Act {place} of the log is none of a draft: {json.dumps(act)[:200]}.")
        for name, type_ in wanted.items():
            if not isinstance(act[name], type_):
                raise ParameterError(f"Act {place} of the log, {kind}, has no proper {name}.")
    return log
