"""One raw table in, one clean table out, and the ledger of what lies between."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from crmlab.cleansing.between_columns import check_scale, complete_amounts
from crmlab.cleansing.domains import out_of_range
from crmlab.cleansing.duplicates.exact import merge_exact, taken_keys
from crmlab.cleansing.ledger import MARKED, REQUIRED, TAKEN, Ledger
from crmlab.cleansing.readings import READERS, allowed, nowhere, read_column
from crmlab.contract import ROW_NUMBER, Column
from crmlab.errors import TableError, listed
from crmlab.tables import table, validate

MISSING_MARKERS = (
    "", "-", "--", "?", ".", "n/a", "na", "nan", "none", "null", "nil", "unknown", "not available",
    "missing", "#n/a", "نامشخص", "ندارد", "نامعلوم", "خالی", "بدون",
)  # fmt: skip


#: Markers that, written so, are people's names as well.
NO_MARKERS = ("Na", "Nan", "Nil", "None", "Null")


@dataclass(frozen=True)
class Conventions:
    """How a workspace writes what a column alone cannot tell.

    Attributes
    ----------
    decimals
        Digits after the decimal mark of the currency.
    time_zone
        Zone in which clean time stamps stand, such as ``"Asia/Tehran"``.
    region
        Two-letter country of telephone numbers without a country code; if empty, they are left as
        they are. For ``"IR"``, national ids are held to their check digit, and postcodes that have
        another form than Iran's are noted.
    day_first, decimal
        As `read_dates` and `read_numbers` take them; None lets each column tell.
    both_calendars
        Jalali dates may stand in a column of Gregorian ones. If not, a few years 1200 to 1500 there
        are not read: who writes no Jalali dates means something else by them.
    missing
        Texts that mean that there is no value, in small letters.
    """

    decimals: int = 2
    time_zone: str | None = None
    region: str = ""
    day_first: bool | None = None
    decimal: str | None = None
    both_calendars: bool = True
    missing: tuple[str, ...] = MISSING_MARKERS


@dataclass(frozen=True)
class Cleaned:
    """What cleansing made of one raw table.

    Attributes
    ----------
    frame
        The clean table; it obeys the contract.
    ledger, quarantine
        As `crmlab.cleansing.ledger` describes them.
    rows_in, merged
        Raw rows, and how many of them were merged into another.
    origin
        The position of each clean row in the raw table.
    keys
        The record's own number per raw row.
    """

    table: str
    frame: pd.DataFrame
    ledger: pd.DataFrame
    quarantine: pd.DataFrame
    rows_in: int
    merged: int
    origin: pd.Index
    keys: pd.Series


def clean(
    raw: pd.DataFrame,
    name: str,
    conventions: Conventions | None = None,
    lineage: pd.DataFrame | None = None,
) -> Cleaned:
    """Bring a raw table into the form of its contract.

    Formats are unified, required fields, allowed values and ranges checked, exact duplicates
    merged. A cell that cannot be repaired is blanked if it is optional, else its row goes to
    quarantine. Every change is on the ledger, and
    rows in = rows clean + rows in quarantine + rows merged.

    Parameters
    ----------
    raw : DataFrame
        Columns named as in the contract, in any type; further columns are kept.
    name : str
        One of the contract's tables.
    lineage : DataFrame
        `source` and `row` of each raw row; by default no source and the rows' numbers from 1.
        A column `merge` that is False keeps a row from being merged.

    Raises
    ------
    TableError
        If a required column is missing altogether and has no default, or a column is there twice.

    Examples
    --------
    >>> raw = pd.DataFrame({"product_id": ["a", None], "unit_price": ["1,200.50", "3"]})
    >>> cleaned = clean(raw, "products")
    >>> cleaned.frame["unit_price"].tolist(), cleaned.quarantine["reasons"].tolist()
    ([120050], ['product_id: a value is required'])
    """
    contract = table(name)
    conventions = conventions or Conventions()
    raw = raw.reset_index(drop=True)
    if raw.columns.has_duplicates:
        twice = str(raw.columns[raw.columns.duplicated()][0])
        raise TableError(f"Table {name} has the column {twice} twice; choose one.", name, twice, "twice")
    if lineage is None:
        lineage = pd.DataFrame({"source": "", "row": range(1, len(raw) + 1)})
    ledger = Ledger(name, lineage)
    complete = _with_defaults(raw, name, ledger)
    frame = pd.DataFrame(index=raw.index)
    for column in contract.columns:
        if column.name in complete:
            values = complete[column.name]
            frame[column.name] = _clean_column(values, column, conventions, ledger)
        elif column.name not in COMPUTED:
            frame[column.name] = pd.Series(None, index=raw.index, dtype=column.dtype)
    for extra in raw.columns.difference(contract.names, sort=False):
        frame[extra] = _clean_extra(raw[extra], conventions, ledger)
    if name == "orders":
        frame = complete_amounts(frame, ledger)
    if name == "surveys":
        check_scale(frame, ledger)
    own_number = contract.names[0]
    keys = frame[own_number].astype("str")
    if own_number in complete:
        keys = keys.fillna(complete[own_number].astype("str"))
    frame = frame.drop(index=ledger.reasons().index)
    merged = 0
    # Lines of a log that bear no number of their own may be alike and yet be two events.
    if own_number in raw:
        frame, merged = merge_exact(frame, list(frame.columns), ledger)
    elif not contract.log:
        frame, merged = merge_exact(frame, [c for c in frame.columns if c != own_number], ledger)
    if contract.key:
        taken = taken_keys(frame, list(contract.key))
        ledger.set_aside(TAKEN, " + ".join(contract.key), taken)
        frame = frame[~taken]
    if name == "orders":
        ledger.column("left", "negative: kept as a return", "quantity", (frame["quantity"] < 0).sum())
    quarantine = ledger.quarantine(raw)
    assert len(raw) == len(frame) + len(quarantine) + merged, f"rows of {name} were lost"
    frame = frame[[*contract.names, *frame.columns.difference(contract.names, sort=False)]]
    frame = frame.astype({column.name: column.dtype for column in contract.columns})
    origin, frame = frame.index, validate(frame.reset_index(drop=True), name)
    return Cleaned(name, frame, ledger.frame(keys), quarantine, len(raw), merged, origin, keys)


#: Columns that need not come from the source because the rest of the row gives them.
COMPUTED = ("amount",)


def type_columns(
    frame: pd.DataFrame, name: str, conventions: Conventions | None = None
) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    """Give columns the type of the contract where every cell can be read; change nothing else.

    Returns
    -------
    frame, unread
        The frame, and for each column that stays as it is the reasons of the cells that cannot
        be read.
    """
    typed, unread = {}, {}
    for column in table(name).columns:
        if column.name not in frame or (column.dtype == "str" and frame[column.name].dtype == "str"):
            continue
        values = frame[column.name]
        if values.dtype == "str":
            values = values.mask(values.str.strip() == "")
        reading = READERS[column.kind](values, column, conventions or Conventions())
        if reading.reason.notna().any():
            unread[column.name] = reading.reason.dropna()
        else:
            typed[column.name] = reading.value.astype(column.dtype)
    return frame.assign(**typed), unread


def _with_defaults(raw: pd.DataFrame, name: str, ledger: Ledger) -> pd.DataFrame:
    """Give columns that the source lacks their default, or say which required one is missing."""
    added = {}
    for column in table(name).columns:
        if column.name in raw or column.name in COMPUTED:
            continue
        if column.default is not None:
            own = column.default == ROW_NUMBER
            # Never the like of a number of its own: other tables' numbers would seem to be the same.
            several = ledger.lineage["source"].nunique() > 1
            numbers = (
                ledger.lineage["row"]
                .astype("str")
                .radd(ledger.lineage["source"].astype("str") + ":" if several else "#")
            )
            added[column.name] = numbers if own else column.default
            ledger.column("left", f"not in the source; taken as {column.default}", column.name, len(raw))
        elif column.required:
            known = listed(raw.columns) or "none"
            raise TableError(
                f"Table {name} needs a column {column.name} ({column.meaning}); the source has: {known}. "
                "Say which one it is under [source.columns] in crmlab.toml.",
                name,
                column.name,
                "the column is missing",
            )
    return raw.assign(**added) if added else raw


def _clean_column(raw: pd.Series, column: Column, conventions: Conventions, ledger: Ledger) -> pd.Series:
    """The clean column; what changes, and what cannot be read, goes to the ledger."""
    values = _mark_missing(raw, column, conventions, ledger)
    reading = read_column(values, column, conventions)
    reason, value = reading.reason, reading.value
    if column.minimum is not None or column.maximum is not None:
        outside = out_of_range(value, column.minimum, column.maximum)
        reason = reason.mask(outside, "outside its range")
    failed = reason.notna()
    if reading.read_as:
        ledger.column("read", reading.read_as, column.name, (value.notna() & ~failed).sum())
    ledger.column("left", reading.left[0], column.name, reading.left[1])
    repaired = ~failed & values.notna() & (reading.text != values.astype("str"))
    if repaired.any():
        # Signs that cannot be seen may have hidden that a text means "no value".
        marked = repaired & value.isna()
        if value.dtype == "str":
            marked |= repaired & _means_missing(value.where(repaired), column, conventions)
            value = value.mask(marked)
        ledger.cells("repaired", MARKED, column.name, marked, values, nowhere(raw))
        repaired &= ~marked
    ledger.cells("repaired", reading.rule, column.name, repaired, values, reading.text)
    for why in reason.dropna().unique():
        rows = reason == why
        if column.required:
            ledger.set_aside(why, column.name, rows)
        else:
            ledger.cells("blanked", why, column.name, rows, values, nowhere(raw))
    if column.required and column.name not in COMPUTED:
        ledger.set_aside(REQUIRED, column.name, value.isna() & ~failed)
    value = value.mask(failed)
    if reading.odd is not None:
        noticed = reading.odd.notna() & value.notna()
        ledger.cells("left", reading.odd, column.name, noticed, value, reading.better)
    return value


def _mark_missing(raw: pd.Series, column: Column, conventions: Conventions, ledger: Ledger) -> pd.Series:
    """Values with the texts that mean "no value" made missing; empty text is not worth an entry."""
    if raw.dtype.kind in "iufbmM":
        return raw
    bare = raw.astype("str").str.strip()
    marked = raw.notna() & _means_missing(bare, column, conventions)
    ledger.cells("repaired", MARKED, column.name, marked & (bare != ""), raw, nowhere(raw))
    return raw.mask(marked)


def _means_missing(text: pd.Series, column: Column, conventions: Conventions) -> pd.Series:
    marked = text.str.lower().isin(markers_of(column, conventions))
    return marked & ~text.isin(NO_MARKERS) if column.kind == "name" else marked


def markers_of(column: Column, conventions: Conventions) -> frozenset[str]:
    """Texts, in small letters, that mean that the column has no value."""
    # What the column itself knows is a value there: "ندارد" is a No.
    known = frozenset(spelling for others in allowed(column).values() for spelling in others)
    return frozenset(conventions.missing) - known


def _clean_extra(raw: pd.Series, conventions: Conventions, ledger: Ledger) -> pd.Series:
    """A column outside the contract: text is unified, anything else is kept as it is."""
    if raw.dtype != "str":
        return raw
    return _clean_column(raw, Column(str(raw.name), "text", ""), conventions, ledger)
