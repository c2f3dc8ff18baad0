"""crmlab.toml: what a workspace holds and how its sources are to be read."""

from __future__ import annotations

import re
import tomllib
import zoneinfo
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from crmlab.errors import ParameterError, WorkspaceError, did_you_mean
from crmlab.rules import LEVELS, Rule, field_of, meaning
from crmlab.tables import TABLES

FILE = "crmlab.toml"
#: What people decided on duplicates, and the person of each customer: kept from one cleaning to the next.
DECISIONS, IDENTITIES = "decisions.csv", "identities.parquet"
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
    """All parts of ``crmlab.toml``: entries of single parts, the sources and the rules of a workspace.

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
    customers
        What is done about customers that are one person, in ``[duplicates]``: ``"keep"`` them,
        ``"find"`` them, or ``"merge"`` them.
    match_probability
        In ``[duplicates]``: from which records are one person's, 0.5 being even odds.
    places, national_id_prefixes, names
        In ``[reference]``: lists from the workspace folder, as `crmlab.cleansing.enrich` takes them.
        Cities and provinces that are not in `places` are told in the ledger.
    enrich, as_of
        In ``[reference]``: columns to be derived for customers, and the day on which ages and
        tenures are taken.
    """

    name: str = ""
    language: str = "en"
    currency: str = "EUR"
    decimals: int | None = None
    time_zone: str = ""
    phone_region: str = ""
    day_first: bool | None = None
    decimal: str | None = None
    missing: list[Any] = field(default_factory=list)
    memory: str = "2GB"
    threads: int | None = None
    customers: str = "keep"
    match_probability: float = 0.5
    places: str = ""
    national_id_prefixes: str = ""
    names: str = ""
    enrich: list[Any] = field(default_factory=list)
    as_of: str = ""
    sources: tuple[Source, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def persian(self) -> bool:
        """Whether anything says that the data are of Iran, where dates of both calendars are written."""
        return self.language == "fa" or self.phone_region == "IR" or self.time_zone in ("Asia/Tehran", "Iran")


#: Further columns are kept under their own names, but so alike a name is a slip of the pen.
_NEARLY = 0.85
_PARTS = ("workspace", "engine", "duplicates", "reference", "source", "rule")
#: Entries that stand in a part of their own.
_ENGINE, _DUPLICATES = ("memory", "threads"), ("customers", "match_probability")
_REFERENCE = ("places", "national_id_prefixes", "names", "enrich", "as_of")
#: Columns that can be derived, and the entry of ``[reference]`` that each needs.
NEEDED = {
    "province": "places", "latitude": "places", "longitude": "places",
    "place_of_issue": "national_id_prefixes", "province_of_issue": "national_id_prefixes",
    "female_probability": "names", "household_id": "", "household_size": "",
    "age": "as_of", "life_stage": "as_of", "tenure_days": "as_of",
}  # fmt: skip
_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number such as 0.9",
    "bool": "true or false",
    "list": "a list",
    "dict": "a table",
}
#: What an entry has to look like, and that in words.
_FORMS = {
    "language": ("|".join(LANGUAGES), f"one of {', '.join(LANGUAGES)}"),
    "currency": ("[A-Z]{3}", "an ISO code of three letters such as EUR"),
    "decimals": ("[0-6]", "a number from 0 to 6"),
    "decimal": ("[.,]", "'.' or ','"),
    "phone_region": ("([A-Z]{2})?", "an ISO code of two letters such as IR"),
    "threads": (r"[1-9]\d*", "a number from 1"),
    "duplicates": ("merge|keep", "'merge' or 'keep'"),
    "match_probability": (r"0?\.\d*[1-9]\d*", "a number such as 0.9, above 0 and below 1"),
    "customers": ("keep|find|merge", "'keep', 'find' or 'merge'"),
    "as_of": (r"(\d{4}-\d\d-\d\d)?", "a day such as '2024-08-02', in quotation marks"),
    "level": ("|".join(LEVELS), f"one of {', '.join(LEVELS)}"),
}


def read_settings(folder: Path) -> Settings:
    """Read ``crmlab.toml`` in `folder`.

    Raises
    ------
    WorkspaceError
        Naming the file and the entry, if it is missing or wrong.
    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise WorkspaceError(
            f"{folder} is not a workspace: it has no {FILE}. Make one from your files with "
            f"`crmlab init {folder} FILE...`, or a sample with `crmlab data sample {folder}`."
        ) from None
    except UnicodeDecodeError:
        raise WorkspaceError(f"{path} is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be read: {error.strerror}.") from None
    return _settings(text, path)


@lru_cache(maxsize=64)
def _settings(text: str, path: Path) -> Settings:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WorkspaceError(f"{path} is not valid TOML: {error}.") from None
    for part in content.keys() - set(_PARTS):
        raise WorkspaceError(f"{path}: unknown part [{part}]" + did_you_mean(part, _PARTS))
    workspace = _part(content, "workspace", path)
    engine = _part(content, "engine", path)
    duplicates = _part(content, "duplicates", path)
    types = {f.name: f.type for f in fields(Settings) if f.name not in ("sources", "rules")}
    reference = _part(content, "reference", path)
    elsewhere = {*_ENGINE, *_DUPLICATES, *_REFERENCE}
    _check(workspace, {n: kind for n, kind in types.items() if n not in elsewhere}, path, "[workspace]")
    _check(engine, {name: types[name] for name in _ENGINE}, path, "[engine]")
    _check(duplicates, {name: types[name] for name in _DUPLICATES}, path, "[duplicates]")
    _check(reference, {name: types[name] for name in _REFERENCE}, path, "[reference]")
    if zone := workspace.get("time_zone"):
        try:
            zoneinfo.ZoneInfo(zone)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            known = sorted(zoneinfo.available_timezones())
            near = [name for name in known if name.endswith(f"/{zone}")]
            near = near or get_close_matches(zone, known, n=1, cutoff=0.75)
            said = f"did you mean {near[0]!r}?" if near else "write it as 'Europe/London' or 'Asia/Tehran'."
            raise WorkspaceError(f"{path}: there is no time zone {zone!r}; {said}") from None
    sources = tuple(_source(entry, path) for entry in _parts(content, "source", path))
    rules = tuple(_rule(entry, sources, path) for entry in _parts(content, "rule", path))
    titles = [(rule.table, rule.title) for rule in rules]
    for table, title in titles:
        if titles.count((table, title)) > 1:
            raise WorkspaceError(f"{path}: two rules of {table} are called {title!r}; give them other names.")
    _check_enrich(reference, sources, path)
    return Settings(**workspace, **engine, **duplicates, **reference, sources=sources, rules=rules)


def _check_enrich(reference: dict[str, Any], sources: tuple[Source, ...], path: Path) -> None:
    columns = reference.get("enrich", [])
    for column in columns:
        if str(column) not in NEEDED:
            said = f"{path}: enrich in [reference] knows no column {column!r}"
            raise WorkspaceError(said + did_you_mean(str(column), NEEDED))
        if NEEDED[column] and not reference.get(NEEDED[column]):
            raise WorkspaceError(f"{path}: to derive {column}, [reference] needs the entry {NEEDED[column]}.")
    if columns and not any(source.table == "customers" or source.dataset for source in sources):
        raise WorkspaceError(
            f"{path}: enrich in [reference] derives columns of customers, which no [[source]] feeds."
        )


def _part(content: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    part = content.get(name, {})
    if not isinstance(part, dict):
        raise WorkspaceError(f"{path}: {name} is a part that begins with [{name}], in one pair of brackets.")
    return part


def _parts(content: dict[str, Any], name: str, path: Path) -> list[dict[str, Any]]:
    parts = content.get(name, [])
    if not isinstance(parts, list) or not all(isinstance(entry, dict) for entry in parts):
        raise WorkspaceError(f"{path}: each {name} begins with [[{name}]], in two pairs of brackets.")
    return parts


def _rule(entry: dict[str, Any], sources: tuple[Source, ...], path: Path) -> Rule:
    _check(entry, {f.name: f.type for f in fields(Rule)} | {"level": "str"}, path, "[[rule]]")
    rule = Rule(**{"table": "", **entry})
    try:
        meaning(rule, lambda table, name: field_of(table, name, _further(table, sources)))
    except ParameterError as error:
        raise WorkspaceError(f"{path}: {error}") from None
    return rule


def _further(table: str, sources: tuple[Source, ...]) -> list[str] | None:
    """Columns beyond the contract that sources bring to a table; None if that cannot be told yet."""
    feeding = [source for source in sources if source.table == table]
    if any(source.dataset for source in sources):
        return None
    return [name for source in feeding for name in (*source.columns, *source.constants)]


def _source(entry: dict[str, Any], path: Path) -> Source:
    _check(entry, {f.name: f.type for f in fields(Source)}, path, "[[source]]")
    source = Source(**entry)
    where = f"{path}: the source {source.label or '(without a name)'!r}"
    for part in ("columns", "constants", "answers"):
        for name, value in getattr(source, part).items():
            if isinstance(value, list | dict):
                raise WorkspaceError(f"{where}: {name} in [source.{part}] is to be one value.")
    if not (source.file or source.url or source.dataset):
        raise WorkspaceError(f"{where} needs one of file, url or dataset.")
    if source.url and not source.query:
        raise WorkspaceError(f"{where} needs a query: a SELECT statement or a table's name.")
    if not source.dataset and source.table not in TABLES:
        raise WorkspaceError(
            f"{where} needs the table it feeds, not {source.table!r}" + did_you_mean(source.table, TABLES)
        )
    if source.table:
        _check_columns(source, where)
    return source


def _check_columns(source: Source, where: str) -> None:
    """Refuse names that are nearly a column's, and constants that the column does not allow."""
    table = TABLES[source.table]
    for part in ("columns", "constants"):
        for name in getattr(source, part):
            if name in table.names:
                continue
            swapped = [known for known in table.names if sorted(known) == sorted(name)]
            if near := swapped or get_close_matches(name, table.names, n=1, cutoff=_NEARLY):
                raise WorkspaceError(
                    f"{where}: {name} in [source.{part}] is no column of {table.name}; "
                    f"did you mean {near[0]!r}?"
                )
    for name, value in source.constants.items():
        allowed = (table[name].allowed if name in table.names else None) or {}
        known = {str(spelling).lower() for key, others in allowed.items() for spelling in (key, *others)}
        if known and str(value).lower() not in known:
            raise WorkspaceError(
                f"{where}: {name} in [source.constants] is one of {', '.join(map(str, allowed))}, "
                f"not {value!r}."
            )

    if table.name == "surveys":
        _check_scale(source.constants, table["metric"].allowed or {}, where)


def _check_scale(constants: dict[str, Any], metrics: dict[Any, tuple], where: str) -> None:
    """Refuse scales without length, NPS on other than eleven steps, and CSAT on more."""
    ends = {}
    for name in ("scale_low", "scale_high"):
        try:
            ends[name] = float(constants[name])
        except KeyError:
            return
        except (TypeError, ValueError):
            said = f"{name} in [source.constants] is to be a number, not {constants[name]!r}."
            raise WorkspaceError(f"{where}: {said}") from None
    low, high = ends.values()
    if not low < high:
        raise WorkspaceError(
            f"{where}: scale_low in [source.constants] is to be below scale_high, not {low:g} and {high:g}."
        )
    spelling = str(constants.get("metric", "")).lower()
    if spelling in ("csat", *metrics.get("csat", ())) and high - low > 10:
        raise WorkspaceError(
            f"{where}: the metric csat in [source.constants] counts the top boxes of up to eleven steps, not "
            f"of {low:g} to {high:g}; give these questions the metric item."
        )
    if spelling in ("nps", *metrics.get("nps", ())) and high - low != 10:
        raise WorkspaceError(
            f"{where}: the metric nps in [source.constants] is defined on eleven steps, 0 to 10 or coded 1 "
            f"to 11, not on {low:g} to {high:g}; give questions on other scales the metric csat or item."
        )


def _check(entries: dict[str, Any], known: dict[str, Any], path: Path, part: str) -> None:
    for name, value in entries.items():
        if name not in known:
            raise WorkspaceError(f"{path}: {part} has no entry {name!r}" + did_you_mean(name, known))
        # Of "str | int", "dict[str, Any]" or "int | None" the names of the types themselves.
        kinds = [kind for kind in re.findall(r"\w+", str(known[name]).split("[")[0]) if kind in _KINDS]
        if type(value).__name__ not in kinds:
            wanted = " or ".join(_KINDS[kind] for kind in kinds)
            raise WorkspaceError(f"{path}: {name} in {part} is to be {wanted}.")
        form, wanted = _FORMS.get(name, ("(?s:.*)", ""))
        if not re.fullmatch(form, str(value)):
            raise WorkspaceError(f"{path}: {name} in {part} is to be {wanted}, not {value!r}.")
