"""How one cell is read: as `crmlab.cleansing.readings` reads a column of one, many times as fast.

A frame costs more than what is done to a single text in it. What judges a text is the same here
and there; what is put together from it is told in short here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.cleansing.contacts import NO_COUNTRY, judge_address, judge_number
from crmlab.cleansing.dates import stamps_of
from crmlab.cleansing.domains import match_one
from crmlab.cleansing.identity import ALL_EQUAL, judge_id
from crmlab.cleansing.mail_domains import likely_domains
from crmlab.cleansing.mojibake import repair_text
from crmlab.cleansing.numbers import minor_units, plain_numbers
from crmlab.cleansing.readings import MISSPELT, NO_POSTCODE, Reading, allowed, read_column
from crmlab.cleansing.text import unify
from crmlab.contract import Column

if TYPE_CHECKING:
    from crmlab.cleansing.clean import Conventions


class Cell(NamedTuple):
    """A cell as read; None is what is missing.

    Attributes
    ----------
    given
        The cell as text, as it came.
    value, text, reason
        Typed value, its one form in text, and why the cell could not be read.
    odd, better
        What was noticed and left as it is, and what may have been meant.
    """

    given: str | None
    value: Any = None
    text: str | None = None
    reason: str | None = None
    odd: str | None = None
    better: str | None = None


def read_cell(value: object, column: Column, conventions: Conventions) -> Cell:
    """A cell as its column's kind, and the region, ask for.

    Parameters
    ----------
    value
        Text, or a value of any type that a column of a raw table may hold.

    Examples
    --------
    >>> from crmlab.cleansing.clean import Conventions
    >>> read_cell("۰۹۱۲ ۱۲۳ ۴۵۶۷", Column("phone", "phone", ""), Conventions(region="IR")).value
    '+989121234567'
    """
    if isinstance(value, str):
        of_iran = _IRANIAN.get(column.name) if conventions.region == "IR" else None
        return (of_iran or _READERS[column.kind])(value, column, conventions)
    values = pd.Series([value])
    if values.isna()[0]:
        return Cell(None)
    return _only_cell(values, read_column(values, column, conventions))


def _only_cell(values: pd.Series, reading: Reading) -> Cell:
    """The reading of a column of one."""
    noticed = NO_COUNTRY if reading.left[1] and NO_COUNTRY in reading.left[0] else ALL_EQUAL
    odd = reading.odd if reading.odd is not None else noticed if reading.left[1] else None
    parts = (values.astype("str"), reading.value, reading.text, reading.reason, odd, reading.better)
    first = [part.iloc[0] if isinstance(part, pd.Series) else part for part in parts]
    return Cell(*(None if part is None or pd.isna(part) else part for part in first))


def _text(given: str, column: Column, _: Conventions) -> Cell:
    text = unify(repair_text(given), "names" if column.kind == "name" else "letters")
    return Cell(given, text, text)


def _email(given: str, *_: object) -> Cell:
    address = unify(given)
    value = judge_address(address)[0] if address else None
    if value is None:
        return Cell(given, reason="not a valid e-mail address")
    local, _, domain = value.rpartition("@")
    meant = likely_domains({domain: 1}).get(domain)
    return Cell(given, value, value, None, meant and MISSPELT, meant and f"{local}@{meant}")


def _phone(given: str, _: Column, conventions: Conventions) -> Cell:
    number = unify(given)
    value, reason = judge_number(number, conventions.region) if number else (None, None)
    if reason == NO_COUNTRY:
        bare = given.strip()
        return Cell(given, bare, bare, odd=NO_COUNTRY)
    return Cell(given, value, value, None if value else "not a valid telephone number")


def _national_id(given: str, *_: object) -> Cell:
    value, reason, note = judge_id(given, "national id")
    return Cell(given, value, value, reason, ALL_EQUAL if note == ALL_EQUAL else None)


def _postcode(given: str, column: Column, conventions: Conventions) -> Cell:
    read = _text(given, column, conventions)
    value, reason, _ = judge_id(read.value, "postcode")
    value = value or read.value
    return Cell(given, value, value, odd=reason and NO_POSTCODE + reason)


def _category(given: str, column: Column, _: Conventions) -> Cell:
    value = match_one(given, allowed(column))
    if value is None:
        return Cell(given, reason="value not allowed")
    return Cell(given, value, given if column.kind == "boolean" else str(value))


def _date(given: str, column: Column, conventions: Conventions) -> Cell:
    array = pa.array([unify(given)], pa.large_string())
    stamps, _, reason = stamps_of(array, conventions.day_first, conventions.time_zone)
    if np.isnat(stamps[0]):
        return Cell(given, None, given, reason[0].as_py())
    value = pd.Timestamp(stamps[0])
    return Cell(given, value.normalize() if column.kind == "date" else value, given)


def _number(given: str, column: Column, conventions: Conventions) -> Cell:
    array, reasons = plain_numbers(pa.array([unify(given)], pa.large_string()), conventions.decimal)
    text, reason = array[0].as_py(), reasons[0].as_py()
    if text is None:
        return Cell(given, reason=reason)
    if column.kind == "number":
        return Cell(given, float(text), text)
    decimals = conventions.decimals if column.kind == "money" else 0
    whole, rounded = (part[0].as_py() for part in minor_units(array, decimals))
    if column.kind == "integer" and rounded:
        reason = "not a whole number"
    elif whole is None:
        reason = "too large to be kept"
    elif rounded:
        text = str(whole / 10**decimals)
    return Cell(given, whole, text, reason)


_READERS: dict[str, Callable[[str, Column, Conventions], Cell]] = {
    "id": _text,
    "text": _text,
    "name": _text,
    "email": _email,
    "phone": _phone,
    "category": _category,
    "boolean": _category,
    "date": _date,
    "time": _date,
    "integer": _number,
    "number": _number,
    "money": _number,
}

_IRANIAN = {"national_id": _national_id, "postcode": _postcode}


def lower(text: str) -> str:
    """Small letters, as columns of text get them."""
    return pc.utf8_lower(pa.scalar(text, pa.large_string())).as_py()
