"""How one column is read: typed values, their one form in text, and why a cell could not be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from crmlab.cleansing.contacts import NO_COUNTRY, check_email, check_phone
from crmlab.cleansing.dates import read_dates
from crmlab.cleansing.domains import match_allowed
from crmlab.cleansing.identity import ALL_EQUAL, PADDED, check_national_id, check_postcode
from crmlab.cleansing.mojibake import repair_mojibake
from crmlab.cleansing.numbers import plain, read_numbers, to_minor_units
from crmlab.cleansing.text import normalize_text
from crmlab.contract import Column
from crmlab.tables import YES_NO

if TYPE_CHECKING:
    from crmlab.cleansing.clean import Conventions

#: What is noted on the ledger of addresses whose domain is likely misspelt.
MISSPELT = "likely misspelt domain"
#: And, before the reason, of postcodes.
NO_POSTCODE = "not the form of an Iranian postcode: "
#: Why a date is not read that, as few others, would be of another calendar than its column.
_FEW = 0.05
STRAY_YEAR = "Jalali year in a column of Gregorian dates"


class Reading(NamedTuple):
    """A column as read.

    Attributes
    ----------
    value, text, reason
        Typed values, their one form in text, and why a cell could not be read.
    rule, read_as
        By which cells come into that form, and the whole column into its type.
    left
        What was noticed about the column and left as it is, and in how many cells.
    odd, better
        What was noticed about a cell and left as it is, and what may have been meant.
    """

    value: pd.Series
    text: pd.Series
    reason: pd.Series
    rule: str | pd.Series
    read_as: str = ""
    left: tuple[str, int] = ("", 0)
    odd: pd.Series | None = None
    better: pd.Series | None = None


def read_column(values: pd.Series, column: Column, conventions: Conventions) -> Reading:
    """A column as its kind, and the region, ask for."""
    of_iran = _IRANIAN.get(column.name) if conventions.region == "IR" else None
    return (of_iran or READERS[column.kind])(values, column, conventions)


def nowhere(values: pd.Series | pd.DataFrame) -> pd.Series:
    """Missing texts, one for each row."""
    return pd.Series(pd.NA, index=values.index, dtype="str")


def allowed(column: Column) -> Mapping[object, tuple[str, ...]]:
    """Allowed values of a column, each with its other spellings."""
    return YES_NO if column.kind == "boolean" else column.allowed or {}


def _read_text(values: pd.Series, column: Column, _: Conventions) -> Reading:
    if values.dtype.kind in "iuf":
        numbers = read_numbers(values)
        return Reading(numbers["text"], values.astype("str"), numbers["reason"], "", "numbers as text")
    level = "names" if column.kind == "name" else "letters"
    given = values.astype("str")
    sound = repair_mojibake(given)
    rule: str | pd.Series = f"{'name' if level == 'names' else 'text'} unified"
    if sound is not given:
        rule = pd.Series(rule, index=values.index, dtype="str").mask(sound != given, "mojibake repaired")
    text = normalize_text(sound, level=level)
    return Reading(text, text, nowhere(values), rule)


def _read_contact(values: pd.Series, column: Column, conventions: Conventions) -> Reading:
    if values.dtype.kind in "iuf":
        values = plain(values)
    if column.kind == "email":
        found = check_email(values)
        value, meant = found["value"], found["suggestion"]
        reason = nowhere(values).mask(values.notna() & ~found["valid"], "not a valid e-mail address")
        odd = nowhere(values).mask(meant.notna(), MISSPELT)
        return Reading(value, value, reason, "e-mail unified", odd=odd, better=meant)
    found = check_phone(values, conventions.region)
    unchecked = found["reason"] == NO_COUNTRY
    value = found["value"].mask(unchecked, values.astype("str").str.strip())
    wrong = values.notna() & ~found["valid"] & ~unchecked
    reason = nowhere(values).mask(wrong, "not a valid telephone number")
    left = (f"{NO_COUNTRY}: set phone_region", unchecked.sum())
    return Reading(value, value, reason, "phone written as E.164", left=left)


def _read_national_id(values: pd.Series, column: Column, _: Conventions) -> Reading:
    if values.dtype.kind in "iuf":
        values = plain(values)
    found = check_national_id(values.astype("str"))
    rule = pd.Series("identity number unified", index=values.index, dtype="str")
    rule = rule.mask(found["note"] == PADDED, PADDED)
    reason = found["reason"].where(values.notna())
    return Reading(found["value"], found["value"], reason, rule,
                    left=(ALL_EQUAL, int((found["note"] == ALL_EQUAL).sum())))  # fmt: skip


def _read_postcode(values: pd.Series, column: Column, conventions: Conventions) -> Reading:
    """Postcodes of Iran in one form. Others stay: they may be foreign, or name the district at least."""
    reading = _read_text(values, column, conventions)
    found = check_postcode(reading.value)
    value = found["value"].fillna(reading.value)
    # Numbers that came as numbers are in one form already.
    text = reading.text.where(reading.text != reading.value, value)
    odd = NO_POSTCODE + found["reason"]
    return reading._replace(value=value, text=text, rule="postcode unified", odd=odd, better=nowhere(values))


def _read_category(values: pd.Series, column: Column, _: Conventions) -> Reading:
    if values.dtype.kind in "iuf":
        values = plain(values)
    found = match_allowed(values.astype("str"), allowed(column))
    reason = nowhere(values).mask(values.notna() & found.isna(), "value not allowed")
    if column.kind == "boolean":
        value = found.astype("boolean")
        return Reading(value, values.astype("str"), reason, "", "yes or no")
    return Reading(found.astype("str"), found.astype("str"), reason, "spelling unified")


def _read_date(values: pd.Series, column: Column, conventions: Conventions) -> Reading:
    dates = read_dates(values, conventions.day_first, conventions.time_zone)
    value = dates["value"].dt.normalize() if column.kind == "date" else dates["value"]
    calendars = dates["calendar"].value_counts()
    main = calendars.index[0] if len(calendars) else "gregorian"
    other = (dates["calendar"] != main) & dates["calendar"].notna()
    text, reason = values.astype("str").mask(other, value.astype("str")), dates["reason"]
    if main == "gregorian" and not conventions.both_calendars and other.sum() <= _FEW * calendars.sum():
        reason = reason.mask(other, STRAY_YEAR)
    rule = "date of another calendar than the rest of the column"
    return Reading(value, text, reason, rule, f"{main.capitalize()} dates")


def _read_number(values: pd.Series, column: Column, conventions: Conventions) -> Reading:
    numbers = read_numbers(values, conventions.decimal)
    text, reason = numbers["text"], numbers["reason"]
    if column.kind == "number":
        return Reading(text.astype("float64"), _shown(values, text), reason, "number unified", "numbers")
    decimals = conventions.decimals if column.kind == "money" else 0
    value, rounded = to_minor_units(text, decimals)
    reason = reason.mask(text.notna() & value.isna(), "too large to be kept")
    rule = pd.Series("number unified", index=text.index, dtype="str")
    if column.kind == "integer":
        reason = reason.mask(rounded, "not a whole number")
        return Reading(value, _shown(values, text), reason, rule, "whole numbers")
    shown = _shown(values, text).mask(rounded, (value / 10**decimals).astype("str"))
    rule = rule.mask(rounded, f"rounded to {decimals} decimals")
    return Reading(value, shown, reason, rule, f"money with {decimals} decimals")


def _shown(values: pd.Series, text: pd.Series) -> pd.Series:
    """The number's text; numbers that came as numbers are in one form already."""
    return values.astype("str") if values.dtype.kind in "iuf" else text


READERS: dict[str, Callable[[pd.Series, Column, Conventions], Reading]] = {
    "id": _read_text,
    "text": _read_text,
    "name": _read_text,
    "email": _read_contact,
    "phone": _read_contact,
    "category": _read_category,
    "boolean": _read_category,
    "date": _read_date,
    "time": _read_date,
    "integer": _read_number,
    "number": _read_number,
    "money": _read_number,
}

_IRANIAN = {"national_id": _read_national_id, "postcode": _read_postcode}
