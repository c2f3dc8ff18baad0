"""crmlab.toml: what a workspace holds and how its sources are to be read."""

from __future__ import annotations

import tomllib
import zoneinfo
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from crmlab.errors import WorkspaceError, did_you_mean
from crmlab.tables import TABLES

FILE = "crmlab.toml"
LANGUAGES = ("en", "fa")


@dataclass(frozen=True)
class Source:
    """One ``[[source]]`` of a workspace.

    Attributes
    ----------
    table
        The table it feeds; empty for a public data set, which brings its own tables.
    file, url, dataset
        Where it is: a file or folder (from the workspace folder), a database URL with `query`,
        or the name of a public data set, read from `file` if that is given.
    columns
        Column of the table to heading in the source.
    constants
        Column of the table to the one value it has in this source.
    missing
        Column of the table to further texts that mean "no value" in it.
    answers
        For surveys with one column per question: heading in the source to touch point.
    duplicates
        ``"merge"`` or ``"keep"`` rows that are equal in every column.
    """

    table: str = ""
    file: str = ""
    url: str = ""
    query: str = ""
    dataset: str = ""
    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    sheet: str | int = 0
    columns: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    duplicates: str = "merge"

    @property
    def label(self) -> str:
        """Name of the source in ledgers and messages; never a password."""
        if self.url:
            return f"{self.url.split(':')[0]}: {self.query}"
        return self.file or self.dataset


@dataclass(frozen=True)
class Settings:
    """The ``[workspace]`` and ``[engine]`` parts and the sources of a workspace.

    Attributes
    ----------
    currency, decimals
        ISO code, and digits after the decimal mark (by the currency if not given).
    time_zone, phone_region, day_first, decimal
        Conventions of the sources; see `crmlab.cleansing.clean.Conventions`.
    missing
        Further texts that mean "no value" in every column.
    memory, threads
        Limits of the embedded engine.
    """

    name: str = ""
    language: str = "en"
    currency: str = "EUR"
    decimals: int | None = None
    time_zone: str = ""
    phone_region: str = "IR"
    day_first: bool | None = None
    decimal: str | None = None
    missing: list[Any] = field(default_factory=list)
    memory: str = "2GB"
    threads: int | None = None
    sources: tuple[Source, ...] = ()


_PARTS = {"workspace", "engine", "source"}


def read_settings(folder: Path) -> Settings:
    """Read ``crmlab.toml`` in `folder`.

    Raises
    ------
    WorkspaceError
        Naming the file and the entry, if it is missing or wrong.
    """
    path = folder / FILE
    if not path.is_file():
        raise WorkspaceError(
            f"{folder} is not a workspace: it has no {FILE}. Make one from your files with "
            f"`crmlab init {folder} FILE...`, or a sample with `crmlab data sample {folder}`."
        )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WorkspaceError(f"{path} is not valid TOML: {error}.") from None
    for part in content.keys() - _PARTS:
        raise WorkspaceError(f"{path}: unknown part [{part}]" + did_you_mean(part, _PARTS))
    general = content.get("workspace", {}) | content.get("engine", {})
    known = {f.name: f.type for f in fields(Settings) if f.name != "sources"}
    _check(general, known, path, "[workspace]")
    if general.get("language", "en") not in LANGUAGES:
        raise WorkspaceError(f"{path}: language is one of {', '.join(LANGUAGES)}.")
    if (zone := general.get("time_zone")) and zone not in zoneinfo.available_timezones():
        raise WorkspaceError(f"{path}: there is no time zone {zone!r}; write it as 'Asia/Tehran'.")
    sources = tuple(_source(entry, path) for entry in content.get("source", []))
    return Settings(**general, sources=sources)


def _source(entry: dict[str, Any], path: Path) -> Source:
    _check(entry, {f.name: f.type for f in fields(Source)}, path, "[[source]]")
    source = Source(**entry)
    where = f"{path}: the source {source.label or '(without a name)'!r}"
    if not (source.file or source.url or source.dataset):
        raise WorkspaceError(f"{where} needs one of file, url or dataset.")
    if source.url and not source.query:
        raise WorkspaceError(f"{where} needs a query: a SELECT statement or a table's name.")
    if not source.dataset and source.table not in TABLES:
        raise WorkspaceError(
            f"{where} needs the table it feeds, not {source.table!r}" + did_you_mean(source.table, TABLES)
        )
    if source.duplicates not in ("merge", "keep"):
        raise WorkspaceError(f"{where}: duplicates is 'merge' or 'keep'.")
    return source


def _check(entries: dict[str, Any], known: dict[str, Any], path: Path, part: str) -> None:
    for name, value in entries.items():
        if name not in known:
            raise WorkspaceError(f"{path}: {part} has no entry {name!r}" + did_you_mean(name, known))
        wanted = str(known[name])
        given = type(value).__name__
        # A whole number passes for "str | int", a table for "dict[...]": the names begin alike.
        if not any(kind.strip().startswith(given) for kind in wanted.split("|")):
            raise WorkspaceError(f"{path}: {name} is to be {wanted.split('|')[0].strip()}, not {value!r}.")
