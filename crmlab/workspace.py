"""A workspace: one folder with the description of a user's sources and their clean tables.

folder/crmlab.toml          what the sources are
folder/clean/*.parquet      one clean table each, the ledger and the quarantine
folder/clean/state.json     counts, ranges and checksums, and what they were made from
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab.engine import connect, to_pandas
from crmlab.errors import SourceError, WorkspaceError, did_you_mean
from crmlab.settings import FILE, Settings, read_settings
from crmlab.tables import TABLES, table

if TYPE_CHECKING:
    import ibis

    from crmlab.cleansing.clean import Cleaned, Conventions

#: Folders of the package whose code decides what a clean table looks like.
_CODE = ("contract.py", "tables.py", "calendars.py", "settings.py", "sources.py", "workspace.py", "loaders", "cleansing")


def open_workspace(path: str | Path) -> Workspace:
    """Open the workspace in the folder `path`.

    Its tables are attributes: ``.orders`` and other logs are ibis tables, ``.customers`` and other
    tables pandas frames, all clean. They are made from the sources on first use, and again when a
    source, the settings or the code of cleansing has changed.

    Raises
    ------
    WorkspaceError
        If the folder holds no ``crmlab.toml``, or a wrong one.
    """
    return Workspace(path)


class Workspace:
    """The tables of one folder; see `open_workspace`.

    Attributes
    ----------
    path : Path
        The folder.
    settings : Settings
        What ``crmlab.toml`` says.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.settings: Settings = read_settings(self.path)

    def __repr__(self) -> str:
        return f"<Workspace {self.name!r}: {', '.join(self.tables) or 'no tables'}>"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.tables]

    @property
    def name(self) -> str:
        """Name for titles: as set, else the folder's."""
        return self.settings.name or self.path.resolve().name

    @property
    def decimals(self) -> int:
        """Digits after the decimal mark of the currency."""
        if self.settings.decimals is not None:
            return self.settings.decimals
        from babel.numbers import get_currency_precision

        return get_currency_precision(self.settings.currency)

    @property
    def tables(self) -> list[str]:
        """Names of the tables its sources feed, in the order of the contract."""
        from crmlab.sources import tables_of

        fed = {name for source in self.settings.sources for name in tables_of(source)}
        return [name for name in TABLES if name in fed]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in TABLES:
            raise AttributeError(
                f"A workspace has no {name!r}" + did_you_mean(name, [*TABLES, "ledger", "quarantine"])
            )
        return self.table(name)

    def table(self, name: str) -> pd.DataFrame | ibis.Table:
        """The clean table called `name`: an ibis table if it is a log, else a frame."""
        contract = table(name)
        if name not in self.tables:
            raise WorkspaceError(
                f"The workspace {self.name!r} has no {name}; it has: {', '.join(self.tables) or 'nothing'}. "
                f"Add a [[source]] with table = {name!r} to {self.path / FILE}."
            )
        self.ensure_clean()
        path = self.clean_folder / f"{name}.parquet"
        if contract.log:
            return self._engine.read_parquet(path, table_name=name)
        frame = _read_parquet(path)
        return frame.astype({column.name: column.dtype for column in contract.columns})

    @cached_property
    def _engine(self):
        return connect(memory=self.settings.memory, threads=self.settings.threads)

    @property
    def ledger(self) -> pd.DataFrame:
        """Every change cleansing made; see `crmlab.cleansing.ledger`."""
        self.ensure_clean()
        return _read_parquet(self.clean_folder / "ledger.parquet")

    @property
    def quarantine(self) -> pd.DataFrame:
        """Every record set aside, with its reasons and as it came."""
        self.ensure_clean()
        return _read_parquet(self.clean_folder / "quarantine.parquet")

    def raw(self, name: str) -> pd.DataFrame:
        """Table `name` as its sources have it, nothing changed but the names of the columns.

        Returns
        -------
        DataFrame
            Indexed by `source` and `row`, the number of the record there, from 1.
        """
        from crmlab.sources import read_table

        table(name)
        loaded = read_table(self.settings.sources, name, self.path)
        if loaded is None:
            raise WorkspaceError(f"The workspace {self.name!r} has no source for {name}.")
        return loaded.frame.set_axis(pd.MultiIndex.from_frame(loaded.lineage))

    def values(self, name: str, column: str) -> list[str]:
        """Distinct values of a column of the clean table `name`, sorted."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        self.ensure_clean()
        cells = pq.read_table(self.clean_folder / f"{name}.parquet", columns=[column])[column]
        return sorted(map(str, pc.unique(cells.drop_null()).to_pylist()))

    @property
    def clean_folder(self) -> Path:
        """Where the clean tables are."""
        return self.path / "clean"

    @property
    def state(self) -> dict[str, Any]:
        """Counts, date ranges and checksums of the clean tables; see `clean`."""
        self.ensure_clean()
        return self._read_state() or {}

    def _read_state(self) -> dict[str, Any] | None:
        try:
            return json.loads((self.clean_folder / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def ensure_clean(self, progress: Callable[[str], None] | None = None) -> None:
        """Clean the sources unless that has been done since they last changed."""
        state = self._read_state()
        if state is None or state["made_from"] != self._fingerprint(state):
            self.clean(progress)

    def _fingerprint(self, last: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the clean tables are made from; files untouched since `last` are not read again."""
        known = (last or {}).get("made_from", {}).get("files", {})
        files = {}
        for source in self.settings.sources:
            for path in _files(self.path / source.file) if source.file else ():
                name, stat = str(path.relative_to(self.path)), path.stat()
                stamp = [stat.st_size, stat.st_mtime_ns]
                same = name in known and known[name][:2] == stamp
                files[name] = [*stamp, known[name][2] if same else sha256(path)]
        return {"files": files, "settings": sha256(self.path / FILE), "code": code_sha256(_CODE)}

    def clean(self, progress: Callable[[str], None] | None = None) -> pd.DataFrame:
        """Load and clean all sources, write the clean tables, the ledger and the quarantine.

        Parameters
        ----------
        progress
            Called with the name of each table before it is cleaned.

        Returns
        -------
        DataFrame
            One row per table: `rows_in`, `clean`, `set_aside`, `merged`.

        Raises
        ------
        SourceError, TableError
            If a source cannot be read or lacks a required column; nothing is written then.
        WorkspaceError
            If the folder cannot be written.
        """
        from crmlab.cleansing.clean import clean
        from crmlab.cleansing.ledger import empty_ledger, empty_quarantine
        from crmlab.sources import read_table

        if not self.tables:
            raise WorkspaceError(f"{self.path / FILE} names no source; add a [[source]] to it.")
        fingerprint = self._fingerprint(self._read_state())
        state: dict[str, Any] = {"made_from": fingerprint, "tables": {}}
        ledgers, quarantines = [empty_ledger()], [empty_quarantine()]
        with _new_folder(self.clean_folder) as folder:
            for name in self.tables:
                if progress:
                    progress(name)
                loaded = read_table(self.settings.sources, name, self.path)
                cleaned = clean(loaded.frame, name, self.conventions, loaded.lineage)
                quarantine = pd.concat([cleaned.quarantine, loaded.rejected], ignore_index=True)
                path = folder / f"{name}.parquet"
                _write_parquet(cleaned.frame, path)
                state["tables"][name] = _counts(cleaned, len(loaded.rejected)) | {
                    "sha256": sha256(path),
                    "unused_columns": loaded.unused,
                    "ranges": _ranges(cleaned.frame),
                }
                ledgers.append(cleaned.ledger)
                quarantines.append(quarantine)
            _write_parquet(pd.concat(ledgers, ignore_index=True), folder / "ledger.parquet")
            _write_parquet(pd.concat(quarantines, ignore_index=True), folder / "quarantine.parquet")
            (folder / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
        self.__dict__.pop("_engine", None)
        counts = pd.DataFrame(state["tables"]).T
        return counts[["rows_in", "clean", "set_aside", "merged"]].astype("int64")

    @property
    def conventions(self) -> Conventions:
        """The settings that cleansing needs."""
        from crmlab.cleansing.clean import MISSING_MARKERS, Conventions

        settings = self.settings
        return Conventions(
            decimals=self.decimals,
            time_zone=settings.time_zone or None,
            region=settings.phone_region,
            day_first=settings.day_first,
            decimal=settings.decimal,
            missing=(*MISSING_MARKERS, *(str(marker).lower() for marker in settings.missing)),
        )


def _counts(cleaned: Cleaned, rejected: int) -> dict[str, int]:
    return {
        "rows_in": cleaned.rows_in + rejected,
        "clean": len(cleaned.frame),
        "set_aside": len(cleaned.quarantine) + rejected,
        "merged": cleaned.merged,
    }


def _ranges(frame: pd.DataFrame) -> dict[str, list[str]]:
    """First and last day of each column of dates."""
    days = frame.select_dtypes("datetime")
    return {
        name: [str(values.min().date()), str(values.max().date())]
        for name, values in days.items()
        if values.notna().any()
    }


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(child for child in path.rglob("*") if child.is_file())
    if not path.exists():
        raise SourceError(f"There is no file {path}, which {FILE} names.")
    return [path]


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def code_sha256(parts: tuple[str, ...] = ("",)) -> str:
    """SHA-256 over the package's own modules, all of them or those under `parts`."""
    root, digest = Path(__file__).parent, hashlib.sha256()
    for part in parts:
        path = root / part
        for module in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(str(module.relative_to(root)).encode())
            digest.update(module.read_bytes())
    return digest.hexdigest()


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(arrow, path, compression="zstd")


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet as pq

    return to_pandas(pq.read_table(path))


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A fresh folder that takes the place of `folder` if all goes well, and leaves no trace if not."""
    fresh = folder.with_name(f"{folder.name}.new-{os.getpid()}")
    old = folder.with_name(f"{folder.name}.old-{os.getpid()}")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        yield fresh
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
    except OSError as error:
        raise WorkspaceError(f"The folder {folder} cannot be written: {error.strerror}.") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def check_writable(folder: Path) -> Path:
    """Make `folder` if need be and make sure that files can be written to it.

    Raises
    ------
    WorkspaceError
        In one sentence, if they cannot.
    """
    probe = folder / f".writable-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise WorkspaceError(
            f"The folder {folder} cannot be written: {error.strerror}. Choose another one."
        ) from None
    return folder
