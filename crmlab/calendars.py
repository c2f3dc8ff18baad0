"""Calendar arithmetic on whole columns: Jalali (Solar Hijri) and Gregorian dates as day numbers.

A day number counts days from 1970-01-01, as numpy's ``datetime64[D]`` does. Jalali leap years
follow the break years of K. M. Borkowski, "The Persian calendar for 3000 years", Earth, Moon,
and Planets 74 (1996), 223-230, which agree with the astronomical calendar over the years in use.
"""

from __future__ import annotations

import datetime
import re
from functools import cache
from typing import TYPE_CHECKING

import lazy_loader

from crmlab.errors import ParameterError

if TYPE_CHECKING:
    import numpy as np
else:
    # Checking a parameter of a report needs a calendar, but rarely numpy, which takes its time to load.
    np = lazy_loader.load("numpy")

Day = str | datetime.date

FIRST_YEAR, LAST_YEAR = 1, 3177
MONTH_NAMES = (
    "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور",
    "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
)  # fmt: skip

_BREAKS = (
    -61, 9, 38, 199, 426, 686, 756, 818, 1111, 1181, 1210, 1635, 2060, 2097, 2192, 2262, 2324,
    2394, 2456, 3178,
)  # fmt: skip
_EPOCH = datetime.date(1970, 1, 1).toordinal()
_NO_DAY = -(2**63)  # NaT
#: So many days and more are looked up in a table of all days, which takes its time to make.
_MANY = 100_000
_DAYS_BEFORE_MONTH = tuple(31 * m if m < 7 else 30 * m + 6 for m in range(12))


def _march_of_new_year(year: int) -> int:
    """Day of March on which the Jalali year begins (Borkowski 1996, section 4)."""
    leap_jalali, start = -14, int(_BREAKS[0])
    for end in _BREAKS[1:]:
        span = int(end) - start
        if year < end:
            break
        leap_jalali += span // 33 * 8 + span % 33 // 4
        start = int(end)
    since = year - start
    leap_jalali += since // 33 * 8 + (since % 33 + 3) // 4
    if span % 33 == 4 and span - since == 4:
        leap_jalali += 1
    gregorian = year + 621
    leap_gregorian = gregorian // 4 - (gregorian // 100 + 1) * 3 // 4 - 150
    return 20 + leap_jalali - leap_gregorian


@cache
def _new_years() -> np.ndarray:
    """Day number of 1 Farvardin for every year from FIRST_YEAR to LAST_YEAR + 1."""
    days = [
        datetime.date(year + 621, 3, 1).toordinal() - _EPOCH + _march_of_new_year(year) - 1
        for year in range(FIRST_YEAR, LAST_YEAR + 1)
    ]
    return np.array([*days, days[-1] + 365])


@cache
def _months() -> tuple[np.ndarray, np.ndarray]:
    """Day number of the first day of every month, and its days; at the end a month without any."""
    starts = (_new_years()[:-1, None] + np.array(_DAYS_BEFORE_MONTH)).ravel()
    lengths = np.diff(starts, append=_new_years()[-1])
    return np.append(starts, 0), np.append(lengths, 0).astype(np.uint8)


@cache
def _gregorian_months() -> tuple[np.ndarray, np.ndarray]:
    """The same of the Gregorian calendar, for the years that Python's own dates have."""
    starts = np.arange("0001-01", "10000-02", dtype="datetime64[M]").astype("datetime64[D]").view(np.int64)
    return starts, np.append(np.diff(starts), 0).astype(np.uint8)


@cache
def _dates() -> np.ndarray:
    """Year, month and day of every day as bits of one number (4 MB); at the end zero for no date."""
    starts, lengths = (part[:-1] for part in _months())
    month = np.repeat(np.arange(len(starts)), lengths)
    day = np.arange(len(month)) - (starts - starts[0])[month] + 1
    return np.append(_packed(month, day), np.int32(0))


def _packed(row: np.ndarray, day: np.ndarray) -> np.ndarray:
    return ((row // 12 + FIRST_YEAR) << 9 | (row % 12 + 1) << 5 | day).astype(np.int32)


def jalali_to_days(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Day numbers of Jalali dates.

    Parameters
    ----------
    year, month, day
        Whole numbers, arrays of one length.

    Returns
    -------
    ndarray of datetime64[D]
        NaT where there is no such date (month 13, 31 Mehr, 30 Esfand of a common year).

    Examples
    --------
    >>> jalali_to_days(np.array([1403, 1403]), np.array([5, 12]), np.array([12, 31]))
    array(['2024-08-02',        'NaT'], dtype='datetime64[D]')
    """
    return _days(year, month, day, *_months())


def gregorian_to_days(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Day numbers of Gregorian dates of the years 1 to 9999, as `jalali_to_days` has those of Jalali ones.

    Examples
    --------
    >>> gregorian_to_days(np.array([2024, 2023]), np.array([2, 2]), np.array([29, 29]))
    array(['2024-02-29',        'NaT'], dtype='datetime64[D]')
    """
    return _days(year, month, day, *_gregorian_months())


def _days(
    year: np.ndarray, month: np.ndarray, day: np.ndarray, starts: np.ndarray, lengths: np.ndarray
) -> np.ndarray:
    year, month, day = (np.asarray(part, dtype=np.int64) for part in (year, month, day))
    years = year - FIRST_YEAR
    # Numbers below zero are very large ones without a sign.
    exists = (years.view(np.uint64) < len(lengths) // 12) & ((month - 1).view(np.uint64) < 12)
    row = np.where(exists, years * 12 + month - 1, len(lengths) - 1)
    exists = (day - 1).view(np.uint64) < lengths[row]
    return np.where(exists, starts[row] + day - 1, _NO_DAY).view("datetime64[D]")


def days_to_jalali(days: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Jalali year, month and day of day numbers; zeros where the day is NaT or out of range.

    Parameters
    ----------
    days : array of datetime64
        Finer units are cut to the day.

    Returns
    -------
    year, month, day : ndarray of int32

    Examples
    --------
    >>> [part.tolist() for part in days_to_jalali(np.array(["2024-08-02"], "datetime64[D]"))]
    [[1403], [5], [12]]
    """
    number = np.asarray(days).astype("datetime64[D]").view(np.int64)
    starts, lengths = _months()
    if number.size < _MANY:
        row = np.searchsorted(starts[:-1], number, side="right") - 1
        day = number - starts[row] + 1
        known = (number >= starts[0]) & (day <= lengths[row])
        date = np.where(known, _packed(row, day), 0)
    else:
        dates = _dates()
        place = number - starts[0]
        date = dates[np.where(place.view(np.uint64) < len(dates) - 1, place, len(dates) - 1)]
    return date >> 9, date >> 5 & 15, date & 31


def period_starts(
    first: datetime.date, last: datetime.date, period: str = "M", calendar: str = "gregorian"
) -> tuple[np.ndarray, np.ndarray]:
    """The first day of the week, month, quarter or year of every day from `first` to `last`.

    Parameters
    ----------
    period
        ``"W"``, ``"M"``, ``"Q"`` or ``"Y"``.
    calendar
        ``"gregorian"``, in which weeks begin on Monday (ISO 8601), or ``"jalali"``, on Saturday.

    Returns
    -------
    days, starts : ndarray of datetime64[D]

    Examples
    --------
    >>> day = datetime.date(2024, 8, 2)
    >>> period_starts(day, day, "M", "jalali")[1]
    array(['2024-07-22'], dtype='datetime64[D]')
    """
    if period not in ("W", "M", "Q", "Y"):
        raise ParameterError(f"period is 'W', 'M', 'Q' or 'Y', not {period!r}.")
    if calendar not in ("gregorian", "jalali"):
        raise ParameterError(f"calendar is 'gregorian' or 'jalali', not {calendar!r}.")
    days = np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1)
    if period == "W":
        # Day 0 was a Thursday.
        before = (days.astype(np.int64) + (3 if calendar == "gregorian" else 5)) % 7
        return days, days - before
    months = {"M": 1, "Q": 3, "Y": 12}[period]
    if calendar == "gregorian":
        number = days.astype("datetime64[M]").astype(np.int64)
        return days, (number // months * months).astype("datetime64[M]").astype("datetime64[D]")
    year, month, _ = days_to_jalali(days)
    return days, jalali_to_days(year, (month - 1) // months * months + 1, np.ones_like(year))


def as_day(value: Day, name: str = "as_of") -> datetime.date:
    """A day given as text of either calendar, date or time stamp.

    Parameters
    ----------
    value
        Year, month, day; years from 1200 to 1500 are Jalali.
    name
        What the value is called in the error.

    Raises
    ------
    ParameterError
        If there is no such day.

    Examples
    --------
    >>> as_day("2024-08-02"), as_day("1403/05/12")
    (datetime.date(2024, 8, 2), datetime.date(2024, 8, 2))
    """
    # NaT passes for a date, but is not equal to itself.
    if isinstance(value, datetime.date) and value == value:
        return datetime.date(value.year, value.month, value.day)
    # Persian and Arabic digits are digits to int() as well.
    parts = re.fullmatch(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?", str(value).strip())
    if parts:
        year, month, day = (int(part) for part in parts.groups())
        if 1200 <= year <= 1500:
            found = jalali_to_days(np.array([year]), np.array([month]), np.array([day]))[0]
            if not np.isnat(found):
                return found.item()
        elif 1800 <= year <= 2200:
            try:
                return datetime.date(year, month, day)
            except ValueError:
                pass
    raise ParameterError(f"{name} is a day such as 2024-08-02 or 1403/05/12, not {value!r}.")
