"""A workspace: one folder with the description of a user's sources and their clean tables.

folder/crmlab.toml          what the sources are
folder/clean/*.parquet      one clean table each, the ledger, the quarantine, rules, violations, persons
folder/clean/state.json     counts, ranges and checksums, and what they were made from
folder/decisions.csv        what people decided on duplicates
folder/identities.parquet   the person of each customer, kept from one cleaning to the next
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmlab.errors import ParameterError, SourceError, WorkspaceError, did_you_mean
from crmlab.folders import alone_in, code_sha256, new_folder, sha256
from crmlab.parquet import engine_path, read_parquet, readable, write_parquet
from crmlab.settings import DECISIONS, FILE, IDENTITIES, Settings, read_settings
from crmlab.tables import TABLES, table

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crmlab.cleansing.clean import Conventions
    from crmlab.cleansing.duplicates.finder import DuplicateFinder

#: Modules and folders of the package whose code decides what a clean table looks like.
_CODE = ("contract.py", "tables.py", "calendars.py", "engine.py", "parquet.py", "settings.py", "sources.py",
         "rules.py", "conditions.py", "kinds.py", "refresh.py", "workspace.py", "loaders",
         "cleansing")  # fmt: skip

#: What is written besides the tables.
BOOKS = ("ledger", "quarantine", "rules", "violations", "persons")


def open_workspace(path: str | Path) -> Workspace:
    """Open the workspace in the folder `path`.

    Its tables are attributes: ``.orders`` and other logs are ibis tables, ``.customers`` and other
    tables pandas frames, all clean. They are made from the sources on first use, and again when a
    file, the settings or the code of cleansing has changed; a database on a server is read again
    by ``.clean()`` alone.

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
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        read_settings(self.path)

    def __repr__(self) -> str:
        return f"<Workspace {self.name!r}: {', '.join(self.tables) or 'no tables'}>"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.tables]

    @property
    def settings(self) -> Settings:
        """What ``crmlab.toml`` says now."""
        return read_settings(self.path)

    @property
    def name(self) -> str:
        """Name for titles: as set, else the folder's."""
        return self.settings.name or self.path.resolve().name

    @property
    def decimals(self) -> int:
        """Digits after the decimal mark of the currency."""
        if self.settings.decimals is not None:
            return self.settings.decimals
        if self.settings.currency == "IRT":  # toman: no ISO code, but what prices are told in
            return 0
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
            raise AttributeError(f"A workspace has no {name!r}" + did_you_mean(name, [*TABLES, *BOOKS]))
        return self.table(name)

    def table(self, name: str) -> pd.DataFrame | ibis.Table:
        """The clean table called `name`: an ibis table if it is a log, else a frame."""
        contract = table(name)
        if contract.log:
            return self.in_engine(name)
        self._require(name)
        return self._read(name).astype({column.name: column.dtype for column in contract.columns})

    def in_engine(self, name: str) -> ibis.Table:
        """A clean table, or a book such as ``"ledger"``, as an ibis table, for counts over a large one."""
        import pyarrow.parquet as pq

        path = self._book(name) if name in BOOKS else self._file(name)
        with readable(path, self._mend):
            pq.read_metadata(path)
        return self._engine.read_parquet(engine_path(path), table_name=name)

    def _file(self, name: str) -> Path:
        """The file of the clean table `name`, made if need be."""
        self._require(name)
        return self._book(name)

    def _book(self, name: str) -> Path:
        """The file `name` among those that cleaning writes, made if need be."""
        self.ensure_clean()
        return self.clean_folder / f"{name}.parquet"

    def _read(self, name: str) -> pd.DataFrame:
        """The file `name` among those that cleaning writes, as a frame."""
        return read_parquet(self._book(name), self._mend)

    @property
    def _mend(self) -> str:
        """What to do about a file of the cleaning that is damaged."""
        return f"Make it anew with `crmlab clean {self.path}`."

    def _require(self, name: str) -> None:
        table(name)
        if name not in self.tables:
            raise WorkspaceError(
                f"The workspace {self.name!r} has no {name}; it has: {', '.join(self.tables) or 'nothing'}. "
                f"Add a [[source]] with table = {name!r} to {self.path / FILE}."
            )

    @cached_property
    def _engine(self):
        from crmlab.engine import connect

        return connect(memory=self.settings.memory, threads=self.settings.threads)

    @property
    def ledger(self) -> pd.DataFrame:
        """Every change cleansing made; see `crmlab.cleansing.ledger`."""
        return self._read("ledger")

    @property
    def quarantine(self) -> pd.DataFrame:
        """Every record set aside, with its reasons and as it came."""
        return self._read("quarantine")

    @property
    def persons(self) -> pd.DataFrame:
        """Customers found to be one person; see `crmlab.cleansing.duplicates.persons.Persons`."""
        return self._read("persons")

    @property
    def places(self) -> pd.DataFrame | None:
        """The list of places in ``[reference]``, as `read_places` reads it; None without one."""
        from crmlab.cleansing.places import read_places

        return read_places(self.path / self.settings.places) if self.settings.places else None

    @property
    def decisions_file(self) -> Path:
        """The file with what people decided on duplicates; see `crmlab.widgets.DuplicateReview`."""
        return self.path / DECISIONS

    def decisions_on_strangers(self) -> pd.DataFrame:
        """Decisions on duplicates that bind nothing: they name a customer number no record has or had.

        Returns
        -------
        DataFrame
            `one`, `other` and `same`, indexed by the line in `decisions_file`. Empty if customers are
            not told apart.
        """
        from crmlab.cleansing.duplicates.decisions import no_decisions, on_strangers, read_decisions

        self.ensure_clean()
        if self.settings.customers == "keep" or not self.decisions_file.exists():
            return no_decisions()
        numbers = read_parquet(self.path / IDENTITIES)["customer_id"]
        return on_strangers(read_decisions(self.decisions_file), numbers)

    def compare_customers(self) -> tuple[pd.DataFrame, DuplicateFinder | None]:
        """The customers before any are merged, by number, and a finder fitted to them as cleaning does.

        The finder is None if there are less than two.
        """
        from crmlab.refresh import compare_customers

        self._require("customers")
        return compare_customers(self.path, self.settings, self.conventions)

    @property
    def rules(self) -> pd.DataFrame:
        """What came of holding the tables to each rule; see `crmlab.cleansing.check_rules`."""
        return self._read("rules")

    @property
    def violations(self) -> pd.DataFrame:
        """Every row that breaks a rule, by its place in the sources; up to 100,000 of a rule that warns."""
        return self._read("violations")

    def raw(self, name: str) -> pd.DataFrame:
        """Table `name` as its sources have it, nothing changed but the names of the columns.

        Returns
        -------
        DataFrame
            Indexed by `source` and `row`, the number of the record there, from 1.
        """
        import pandas as pd

        from crmlab.sources import read_table

        table(name)
        loaded = read_table(self.settings.sources, name, self.path)
        if loaded is None:
            raise WorkspaceError(f"The workspace {self.name!r} has no source for {name}.")
        return loaded.frame.set_axis(pd.MultiIndex.from_frame(loaded.lineage[["source", "row"]]))

    def values(self, name: str, column: str) -> list[str]:
        """Distinct values of a column of the clean table `name`, sorted."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        path = self._file(name)
        with readable(path, self._mend):
            known = pq.read_schema(path).names
            cells = pq.read_table(path, columns=[column])[column] if column in known else None
        if cells is None:
            raise ParameterError(f"The table {name} has no column {column!r}" + did_you_mean(column, known))
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
            state = json.loads((self.clean_folder / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return state if isinstance(state, dict) and {"made_from", "tables"} <= state.keys() else None

    def ensure_clean(self, progress: Callable[[str], None] | None = None) -> None:
        """Clean the sources unless that has been done since they last changed."""
        if not self._is_clean():
            with alone_in(self.path):
                if not self._is_clean():
                    self._clean(progress)

    def _is_clean(self) -> bool:
        state, names = self._read_state(), [*BOOKS, *self.tables]
        there = all((self.clean_folder / f"{name}.parquet").exists() for name in names)
        return bool(state and there) and _contents(state["made_from"]) == _contents(self._fingerprint(state))

    def _fingerprint(self, last: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the clean tables are made from: of each file size, time and SHA-256.

        Files untouched since `last` are not read again.
        """
        from crmlab.sources import files_of, reference_files

        known = (last or {}).get("made_from", {}).get("files", {})
        settings, files = self.settings, {}
        paths = [path for source in settings.sources for path in files_of(source, self.path)]
        paths += reference_files(settings, self.path)
        if settings.customers != "keep":
            kept = [self.path / name for name in (DECISIONS, IDENTITIES)]
            paths += [path for path in kept if path.exists()]
        for path in paths:
            name = os.path.relpath(path, self.path)
            try:
                files[name] = self._stamp(path, known.get(name))
            except OSError as error:
                raise SourceError(f"{path} cannot be read: {error.strerror}.") from None
        return {"files": files, "settings": sha256(self.path / FILE), "code": code_sha256(_CODE)}

    def _stamp(self, path: Path, known: list[Any] | None = None) -> list[Any]:
        """Size, time and SHA-256 of a file; one untouched since it was `known` is not read."""
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns]
        return [*stamp, known[2] if known and known[:2] == stamp else sha256(path)]

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
            If a source cannot be read or lacks a required column, or a rule of level stop is
            broken; nothing is written then.
        WorkspaceError
            If a rule cannot be held to, or the folder cannot be written.
        """
        with alone_in(self.path):
            return self._clean(progress)

    def _clean(self, progress: Callable[[str], None] | None) -> pd.DataFrame:
        import pandas as pd

        from crmlab.refresh import make_clean, write_state

        if not self.tables:
            raise WorkspaceError(f"{self.path / FILE} names no source; add a [[source]] to it.")
        fingerprint = self._fingerprint(self._read_state())
        with new_folder(self.clean_folder) as folder:
            settings = self.settings
            made = make_clean(self.path, settings, self.tables, self.conventions, folder, progress)
            # Who is who is kept apart from what can be made again: numbers stay when records come in.
            if settings.customers != "keep":
                write_parquet(made.persons.identities, folder / IDENTITIES)
                (folder / IDENTITIES).replace(self.path / IDENTITIES)
                fingerprint["files"][IDENTITIES] = self._stamp(self.path / IDENTITIES)
            books = {name: sha256(folder / f"{name}.parquet") for name in BOOKS}
            write_state({"made_from": fingerprint, "tables": made.tables, "books": books}, folder)
        self.__dict__.pop("_engine", None)
        counts = pd.DataFrame(made.tables).T
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
            both_calendars=settings.persian,
            decimal=settings.decimal,
            missing=(*MISSING_MARKERS, *(str(marker).lower() for marker in settings.missing)),
        )


def _contents(made_from: dict[str, Any]) -> dict[str, Any]:
    """What counts of a fingerprint: not the times at which files were written."""
    return made_from | {"files": {name: entry[2] for name, entry in made_from.get("files", {}).items()}}
