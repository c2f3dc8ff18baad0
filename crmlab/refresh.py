"""From the sources of a workspace to its clean tables, the ledger, and what rules and persons were found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from crmlab.cleansing.by_reference import fill_columns, note_places
from crmlab.cleansing.clean import Cleaned, Conventions, clean
from crmlab.cleansing.duplicates.decisions import read_decisions
from crmlab.cleansing.duplicates.finder import DuplicateFinder
from crmlab.cleansing.duplicates.persons import (
    Persons,
    as_written,
    compare,
    find_persons,
    merge_persons,
    no_persons,
    renumber,
)
from crmlab.cleansing.enforce import POSITION, Enforced, Origin, enforce, origin_of
from crmlab.cleansing.ledger import empty_ledger, empty_quarantine, unread_entries
from crmlab.cleansing.quality import empty_cells
from crmlab.engine import connect
from crmlab.errors import ParameterError, SourceError, TableError, WorkspaceError, listed
from crmlab.folders import sha256
from crmlab.parquet import engine_path, parquet_parts, read_parquet, take_out, write_parquet
from crmlab.rules import Rule, field_of, key_rules, meaning
from crmlab.settings import DECISIONS, FILE, IDENTITIES, Settings
from crmlab.sources import Loaded, read_table, tables_of
from crmlab.tables import table


class Made(NamedTuple):
    """What a cleaning made: counts, ranges and checksums by table, and the persons of the customers."""

    tables: dict[str, Any]
    persons: Persons


def make_clean(
    path: Path,
    settings: Settings,
    tables: list[str],
    conventions: Conventions,
    into: Path,
    progress: Callable[[str], None] | None = None,
) -> Made:
    """Load and clean the sources of the workspace in `path`; write everything to the folder `into`.

    Parameters
    ----------
    tables
        Those its sources feed, customers before those that name a customer.
    progress
        Called with the name of each table before it is cleaned.
    """
    rules = _all_rules(path, settings, tables)
    strict = {rule.table for rule in rules if rule.level == "error"}
    state, origins, persons, quarantines = {}, {}, no_persons(), [empty_quarantine()]
    # The ledger outgrows the tables: it is written part by part and not kept.
    with parquet_parts(into / "ledger.parquet") as tell:
        tell(empty_ledger())
        for name in tables:
            if progress:
                progress(name)
            loaded = read_table(settings.sources, name, path)
            empty = empty_cells(loaded.frame)
            cleaned = _clean(settings, name, loaded, conventions)
            tell(cleaned.ledger)
            tell(unread_entries(loaded.rejected))
            # Of what has done its part only that is kept which is asked for below.
            cleaned = replace(cleaned, ledger=cleaned.ledger[cleaned.ledger["action"] == "blanked"])
            if name not in strict:
                loaded = loaded._replace(frame=loaded.frame[_dates(name, loaded.frame)])
            if name == "customers" and settings.customers != "keep":
                persons = _find(path, settings, cleaned, loaded)
            if settings.customers == "merge":
                change = merge_persons if name == "customers" else renumber
                cleaned = change(replace(cleaned, ledger=empty_ledger()), persons, loaded.lineage)
                tell(cleaned.ledger)
            if name == "customers" and (settings.places or settings.enrich):
                cleaned = _compare(path, settings, replace(cleaned, ledger=empty_ledger()), loaded.lineage)
                tell(cleaned.ledger)
            write_parquet(cleaned.frame, into / f"{name}.parquet")
            state[name] = _counts(cleaned, len(loaded.rejected)) | {
                "unused_columns": loaded.unused,
                "empty": empty,
                "ranges": _ranges(cleaned.frame),
            }
            quarantines += [cleaned.quarantine, loaded.rejected]
            origins[name] = origin_of(cleaned, loaded.frame, loaded.lineage, name in strict)
        enforced = _enforce(path, settings, rules, origins, into, conventions.decimals)
        tell(enforced.ledger)
    for name, positions in enforced.aside.items():
        frame = take_out(into / f"{name}.parquet", positions)
        state[name]["clean"] -= len(positions)
        state[name]["set_aside"] += len(positions)
        state[name]["ranges"] = _ranges(frame)
    for name in tables:
        state[name]["sha256"] = sha256(into / f"{name}.parquet")
    quarantine = pd.concat([*quarantines, enforced.quarantine], ignore_index=True)
    write_parquet(quarantine, into / "quarantine.parquet")
    write_parquet(enforced.rules, into / "rules.parquet")
    write_parquet(enforced.rows, into / "violations.parquet")
    write_parquet(persons.book, into / "persons.parquet")
    return Made(state, persons)


def write_state(state: dict[str, Any], into: Path) -> None:
    """Write what is known of the clean tables beside them."""
    (into / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")


def _dates(name: str, raw: pd.DataFrame) -> list[str]:
    return [column.name for column in table(name).columns if column.kind == "date" and column.name in raw]


def compare_customers(
    path: Path, settings: Settings, conventions: Conventions
) -> tuple[pd.DataFrame, DuplicateFinder | None]:
    """The customers before any are merged, by number, and the finder that compares them as `make_clean` does.

    No finder if there are less than two.
    """
    loaded = read_table(settings.sources, "customers", path)
    cleaned = clean(loaded.frame, "customers", conventions, loaded.lineage)
    records = as_written(cleaned, loaded.frame, loaded.lineage)
    records = records.set_axis(pd.Index(cleaned.frame["customer_id"]))
    if len(records) < 2:
        return records, None
    with _to_be_told_apart(path):
        return records, compare(records, *_known(path), settings.threads, settings.match_probability)


def _clean(settings: Settings, name: str, loaded: Loaded, conventions: Conventions) -> Cleaned:
    try:
        return clean(loaded.frame, name, conventions, loaded.lineage)
    except TableError as error:
        sources = listed(source.label for source in settings.sources if name in tables_of(source))
        raise TableError(f"{sources}: {error}", error.table, error.column, error.rule) from None


def _compare(path: Path, settings: Settings, cleaned: Cleaned, lineage: pd.DataFrame) -> Cleaned:
    """Customers beside the reference tables of the settings."""
    lists = {"places": settings.places, "prefixes": settings.national_id_prefixes, "names": settings.names}
    references = {name: path / file for name, file in lists.items() if file}
    try:
        if settings.places:
            cleaned = note_places(cleaned, references["places"], lineage)
        if settings.enrich:
            references["as_of"] = settings.as_of or None
            cleaned = fill_columns(cleaned, settings.enrich, references, lineage)
    except (ParameterError, TableError) as error:
        raise WorkspaceError(f"{path / FILE}, [reference]: {error}") from None
    return cleaned


def _find(path: Path, settings: Settings, cleaned: Cleaned, loaded: Loaded) -> Persons:
    with _to_be_told_apart(path):
        limits = settings.threads, settings.match_probability
        return find_persons(cleaned, loaded.frame, loaded.lineage, *_known(path), *limits)


def _known(path: Path) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Who was found to be who before, and what people decided since."""
    identities, decisions = path / IDENTITIES, path / DECISIONS
    return (
        _read_identities(identities) if identities.exists() else None,
        read_decisions(decisions) if decisions.exists() else None,
    )


def _read_identities(path: Path) -> pd.DataFrame:
    mend = (
        "It keeps who is who from one cleaning to the next: put a copy of it back, "
        "or remove it to have persons numbered anew."
    )
    identities = read_parquet(path, mend)
    for name in ("customer_id", "person_id"):
        if name not in identities:
            raise SourceError(f"{path} lacks the column {name!r}. {mend}")
    return identities


@contextmanager
def _to_be_told_apart(path: Path) -> Iterator[None]:
    try:
        yield
    except ParameterError as error:
        raise WorkspaceError(
            f"The customers of {path} cannot be told apart: {error} "
            f'Or leave them as they are, with customers = "keep" in [duplicates] of {FILE}.'
        ) from None


def _all_rules(path: Path, settings: Settings, tables: list[str]) -> list[Rule]:
    """The rules of the settings, and those of the contract that they do not speak of."""
    for rule in settings.rules:
        others = meaning(rule, lambda table, name: field_of(table, name, None)).others
        for name in (rule.table, *sorted(others)):
            if name not in tables:
                said = f"the rule {rule.title!r} is about {name}, which no [[source]] feeds."
                raise WorkspaceError(f"{path / FILE}: {said}")
    return [*settings.rules, *key_rules(tables, settings.rules)]


def _enforce(
    path: Path, settings: Settings, rules: list[Rule], origins: dict[str, Origin], folder: Path, decimals: int
) -> Enforced:
    engine = connect(memory=settings.memory, threads=settings.threads)
    tables = {
        name: engine.read_parquet(
            engine_path(folder / f"{name}.parquet"), table_name=name, file_row_number=True
        ).rename({POSITION: "file_row_number"})
        for name in origins
    }
    try:
        return enforce(tables, origins, rules, decimals)
    except ParameterError as error:
        raise WorkspaceError(f"{path / FILE}: {str(error)[0].lower()}{str(error)[1:]}") from None
    finally:
        engine.disconnect()


def _counts(cleaned: Cleaned, rejected: int) -> dict[str, int]:
    return {
        "rows_in": cleaned.rows_in + rejected,
        "clean": len(cleaned.frame),
        "set_aside": len(cleaned.quarantine) + rejected,
        "merged": cleaned.merged,
    }


def _ranges(frame: pd.DataFrame) -> dict[str, list[str]]:
    """First and last day of each column of dates."""
    days = frame.select_dtypes("datetime").dropna(axis="columns", how="all")
    return {name: [str(values.min().date()), str(values.max().date())] for name, values in days.items()}
