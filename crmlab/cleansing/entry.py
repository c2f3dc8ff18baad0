"""Entry check: what cleansing would make of one record, told while it is typed.

The verdicts are those of `crmlab.cleansing.clean.clean`; what they say to the person typing stands
here, in English. `crmlab.locale` has the Persian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, NamedTuple

import pandas as pd

from crmlab.cleansing import between_columns, identity, places
from crmlab.cleansing.cells import Cell, lower, read_cell
from crmlab.cleansing.clean import COMPUTED, NO_MARKERS, Conventions, markers_of
from crmlab.cleansing.contacts import NO_COUNTRY
from crmlab.cleansing.ledger import Ledger
from crmlab.cleansing.readings import MISSPELT, NO_POSTCODE, allowed
from crmlab.cleansing.roles import fold
from crmlab.cleansing.single_rows import broken_rules
from crmlab.contract import ROW_NUMBER, Column, Table
from crmlab.rules import Rule
from crmlab.tables import table as contract_of

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")

_DATE = "This is not a date; write it as 2024-08-02 or 1403/05/12."
_POSTCODE = "A postcode of Iran has ten digits, and neither 0 nor 2 among the first five."
#: What is said to the person typing, by what cleansing says of a cell.
SENTENCES = {
    "a value is required": "A value is needed here.",
    "value not allowed": "This is none of the values allowed here: {allowed}.",
    "not a valid e-mail address": "This is not an e-mail address, such as ann@example.com.",
    "not a valid telephone number": "There is no such telephone number; a digit may be missing or wrong.",
    "not ten digits": "A national id has ten digits.",
    "signs that are no digits": "Only digits may stand here.",
    "the check digit does not fit": "This is no national id: its last digit does not fit the others.",
    "not a date": _DATE,
    "no such day in its calendar": "There is no such day in the calendar.",
    "no such time of day": "There is no such time of day.",
    "year is neither Jalali (1200-1500) nor Gregorian (1800-2200)":
        "The year is neither a Jalali nor a Gregorian one; write it with four digits.",
    "day and month cannot be told apart; set day_first":
        "Day and month cannot be told apart; write the year first, as in 2024-08-02.",
    "names a time zone; set the workspace's time_zone": "Leave the time zone out.",
    "not a number of at most 15 digits": "This is not a number of at most 15 digits.",
    "the decimal mark could be . or ,; set decimal": "It is not clear which mark is the decimal one.",
    "too large to be kept": "This number is too large.",
    "not a whole number": "A whole number is needed here.",
    "outside its scale": "The answer lies outside its scale.",
    "neither an amount nor a unit price": "Either the amount or the unit price is needed.",
    "quantity x unit price is too large to be kept": "Quantity times unit price is too large.",
    MISSPELT: "The part behind the @ is likely misspelt.",
    identity.ALL_EQUAL: "All digits of this number are equal; ask once more.",
    NO_COUNTRY: "Without its country code, this number cannot be checked.",
    places.NOT_LISTED: "This place is not in the list of places.",
    places.ELSEWHERE: "There is no such place in this province.",
    places.NO_PROVINCE: "This province is not in the list of places.",
    places.SEVERAL: "There are several places of this name; name the province.",
}  # fmt: skip
#: What is said besides.
AT_LEAST, AT_MOST = "The least that may stand here is {least}.", "The most that may stand here is {most}."
NEEDED, UNKNOWN = "The record needs a value in {name}.", "The table has no column {name}."
NO_VALUE = "This says that there is no value; leave the field empty."
ANOTHER_FORM = "This will be kept in another form."
BROKEN_RULE = "This breaks a rule: {rule}"
BY_DEFAULT, BY_NUMBER = "If nothing is given, this is taken.", "If nothing is given, a number is taken."
FURTHER = (_POSTCODE, AT_LEAST, AT_MOST, NEEDED, UNKNOWN, NO_VALUE, ANOTHER_FORM, BROKEN_RULE, BY_DEFAULT,
           BY_NUMBER)  # fmt: skip


class Problem(NamedTuple):
    """One problem of a record: a sentence of this module with its fields still to be filled in."""

    column: str
    sentence: str
    level: Level
    suggestion: str | None = None
    fields: Mapping[str, object] = {}


def check_record(
    table: str,
    record: Mapping[str, object],
    conventions: Conventions | None = None,
    rules: Iterable[Rule] = (),
    places: pd.DataFrame | None = None,
    say: Callable[..., str] | None = None,
) -> pd.DataFrame:
    """Tell each problem of one record, before it is kept.

    A record has no errors exactly if `clean` neither sets it aside nor blanks a cell of it.

    Parameters
    ----------
    table
        One of the contract's tables.
    record
        Values by column, as typed or of any type; one that is missing or left out is not there.
    conventions
        As `clean` takes them.
    rules
        Rules of the workspace; those on single rows of this table are held to, the others are not.
    places
        As `crmlab.cleansing.read_places` returns it: cities are looked up there.
    say
        Words the problems in another language, such as ``crmlab.locale.language("fa")``; called
        with an English sentence and its fields.

    Returns
    -------
    DataFrame
        One row per problem, in the order of the columns: `column`; `problem`, a sentence;
        `suggestion`, what to put in instead, missing if there is nothing; `level`: ``"error"`` (the
        record would be set aside or the cell blanked), ``"warning"`` (doubtful) or ``"note"``
        (would be kept as the suggestion has it).

    Raises
    ------
    ParameterError
        If there is no such table, or a rule cannot be held to.

    Examples
    --------
    >>> typed = {"customer_id": "c1", "first_name": "علي", "email": "ali@gmial.com", "gender": "q"}
    >>> found = check_record("customers", typed)
    >>> found[["column", "suggestion", "level"]].fillna("").to_numpy().tolist()
    [['first_name', 'علی', 'note'], ['gender', '', 'error'], ['email', 'ali@gmail.com', 'warning']]
    """
    found = problems_of(table, record, conventions or Conventions(), rules, places)
    say = say or str.format
    rows = [(one.column, say(one.sentence, **one.fields), one.suggestion, one.level) for one in found]
    columns = zip(*rows, strict=True) if rows else [()] * 4
    names = ("column", "problem", "suggestion", "level")
    return pd.DataFrame(
        {name: pd.array(list(part), dtype="str") for name, part in zip(names, columns, strict=True)}
    )


def problems_of(
    table: str,
    record: Mapping[str, object],
    conventions: Conventions,
    rules: Iterable[Rule] = (),
    places: pd.DataFrame | None = None,
) -> list[Problem]:
    """The problems of a record; see `check_record`."""
    contract, given = contract_of(table), dict(record)
    found: list[Problem] = []
    values: dict[str, Any] = {}
    for column in contract.columns:
        if column.name in given:
            cell = read_cell(given[column.name], column, conventions)
            values[column.name] = _check_cell(cell, column, conventions, found)
        elif column.default is not None:
            values[column.name] = None if column.default == ROW_NUMBER else column.default
            found.append(_default(column))
        elif column.required and column.name not in COMPUTED:
            found.append(Problem(column.name, NEEDED, "error", fields={"name": column.name}))
    if table == "orders":
        found += _amount(values, found, "amount" in given)
    if table == "surveys" and values.get("score") is not None:
        found += _scale(values)
    if places is not None and "city" in contract.names:
        found += _place(values, places)
    found += _rules(contract, values, rules, conventions.decimals)
    order = {name: place for place, name in enumerate(contract.names)}
    found += [_unknown(str(name), contract) for name in given if name not in order]
    found.sort(key=lambda one: (order.get(one.column.split(" + ")[0], len(order)), LEVELS.index(one.level)))
    return found


def _check_cell(cell: Cell, column: Column, conventions: Conventions, found: list[Problem]) -> Any:
    """The value of a cell, None where it has none; its problems are added to `found`."""
    name, value = column.name, cell.value
    needed = Problem(name, SENTENCES["a value is required"], "error")
    if column.name in COMPUTED or not column.required:
        needed = None
    empty = cell.given is None
    if not empty and _is_marker(cell.given.strip(), column, conventions):
        empty = True
        if cell.given.strip() and not needed:
            found.append(Problem(name, NO_VALUE, "note"))
    if not empty and cell.reason is not None:
        found.append(_error(cell, column))
        return None
    changed = not empty and cell.text != cell.given
    # Signs that cannot be seen may have hidden that a text means "no value".
    if changed and (value is None or (isinstance(value, str) and _is_marker(value, column, conventions))):
        empty = True
        if not needed:
            found.append(Problem(name, NO_VALUE, "note"))
    if empty or value is None:
        if needed:
            found.append(needed)
        return None
    for limit, sentence, beyond in (
        (column.minimum, AT_LEAST, lambda: value < column.minimum),
        (column.maximum, AT_MOST, lambda: value > column.maximum),
    ):
        if limit is not None and beyond():
            found.append(Problem(name, sentence, "error", fields={"least": limit, "most": limit}))
            return None
    if cell.odd is not None:
        sentence = SENTENCES.get(cell.odd, _POSTCODE if cell.odd.startswith(NO_POSTCODE) else cell.odd)
        found.append(Problem(name, sentence, "warning", cell.better))
    if changed:
        found.append(Problem(name, ANOTHER_FORM, "note", cell.text))
    return value


def _is_marker(text: str, column: Column, conventions: Conventions) -> bool:
    return lower(text) in _markers(column, conventions) and not (column.kind == "name" and text in NO_MARKERS)


def _markers(column: Column, conventions: Conventions) -> frozenset[str]:
    return _markers_of(column.name, conventions, tuple(allowed(column).items()))


@cache
def _markers_of(
    name: str, conventions: Conventions, known: tuple[tuple[object, tuple[str, ...]], ...]
) -> frozenset[str]:
    return markers_of(Column(name, "category", "", allowed=dict(known)), conventions)


def _error(cell: Cell, column: Column) -> Problem:
    """What is wrong with a cell that cannot be read, and what may have been meant."""
    fields = {"allowed": ", ".join(map(str, allowed(column)))} if allowed(column) else {}
    suggestion = None
    if column.kind == "category":
        spellings = {spelling: value for value, others in allowed(column).items() for spelling in others}
        spellings |= {value: value for value in allowed(column)}
        near = get_close_matches(cell.given.strip().lower(), spellings, n=1, cutoff=0.7)
        suggestion = str(spellings[near[0]]) if near else None
    elif column.kind == "email":
        suggestion = _mended_address(cell.given, column)
    return Problem(column.name, SENTENCES[cell.reason], "error", suggestion, fields)


def _mended_address(given: str, column: Column) -> str | None:
    """An address without the usual slips, if that makes it one."""
    mended = "".join(given.split()).strip(".,;:<>()").replace(",", ".").replace("..", ".").replace("@@", "@")
    cell = read_cell(mended, column, Conventions())
    return cell.better or cell.value


def _default(column: Column) -> Problem:
    if column.default == ROW_NUMBER:
        return Problem(column.name, BY_NUMBER, "note")
    return Problem(column.name, BY_DEFAULT, "note", str(column.default))


def _unknown(name: str, contract: Table) -> Problem:
    """A column that the table does not have: kept as it is, but hardly meant."""
    known = {fold(heading): column.name for column in contract.columns for heading in column.headings}
    known |= {fold(own): own for own in contract.names}
    near = get_close_matches(fold(name), known, n=1, cutoff=0.6)
    return Problem(name, UNKNOWN, "warning", known[near[0]] if near else None, {"name": name})


# Between the columns


def _typed(contract: Table, values: Mapping[str, Any]) -> pd.DataFrame:
    """The record as a clean table of one row."""
    return pd.DataFrame(
        {column.name: pd.Series([values.get(column.name)], dtype=column.dtype) for column in contract.columns}
    )


def _book(
    check: Callable[[pd.DataFrame, Ledger], object], frame: pd.DataFrame, name: str
) -> Iterator[Problem]:
    """The errors that a check between columns puts on the ledger."""
    ledger = Ledger(name, pd.DataFrame({"source": [""], "row": [1]}))
    check(frame, ledger)
    for reasons in ledger.reasons():
        column, _, why = reasons.partition(": ")
        yield Problem(column, SENTENCES[why], "error")


def _amount(values: Mapping[str, Any], found: list[Problem], given: bool) -> Iterator[Problem]:
    # A line set aside already needs no second reason.
    aside = {column.name for column in contract_of("orders").columns if column.required}
    if values.get("amount") is None and not any(
        one.level == "error" and one.column in aside for one in found
    ):
        frame = _typed(contract_of("orders"), values)
        yield from _book(
            between_columns.complete_amounts, frame if given else frame.drop(columns="amount"), "orders"
        )


def _scale(values: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _book(between_columns.check_scale, _typed(contract_of("surveys"), values), "surveys")


def _place(values: Mapping[str, Any], known: pd.DataFrame) -> Iterator[Problem]:
    reason, better = places.locate_one(values.get("city"), known, values.get("province"))
    if reason is not None:
        about = "province" if reason == places.NO_PROVINCE else "city"
        better = better if about == "city" else None
        if better != values.get("city"):
            yield Problem(about, SENTENCES[reason], "warning", better)


def _rules(
    contract: Table, values: Mapping[str, Any], rules: Iterable[Rule], decimals: int
) -> Iterator[Problem]:
    for rule, level, columns in broken_rules(contract.name, values, rules, decimals):
        about = " + ".join(columns)
        yield Problem(about, BROKEN_RULE, "warning" if level == "warn" else "error", fields={"rule": rule})
