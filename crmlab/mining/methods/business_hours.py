"""Hours of work between two moments: working days, opening hours and holidays, on whole columns."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.calendars import Day, as_day, days_to_jalali, jalali_to_days
from crmlab.errors import ParameterError, did_you_mean

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

#: Month and day of Iran's official holidays of the solar calendar: the New Year, the Islamic Republic,
#: nature, the fourteenth and fifteenth of Khordad, the revolution, oil, and the last day of a leap year.
_IRANIAN = ((1, 1), (1, 2), (1, 3), (1, 4), (1, 12), (1, 13), (3, 14), (3, 15), (11, 22), (12, 29), (12, 30))

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR


def iranian_holidays(year: int) -> list[datetime.date]:
    """Official holidays of a Jalali year that have a fixed day in the solar calendar.

    Those of the lunar calendar depend on the moon being seen, and are announced each year: give them
    to `BusinessHours.iranian` as days.

    Parameters
    ----------
    year
        Jalali, such as 1403.

    Examples
    --------
    >>> [str(day) for day in iranian_holidays(1404)[:2]]
    ['2025-03-21', '2025-03-22']
    """
    month, day = np.array(_IRANIAN).T
    days = jalali_to_days(np.full(len(month), year), month, day)
    found = days[~np.isnat(days)].tolist()
    if not found:
        raise ParameterError(f"year is a Jalali year such as 1403, not {year!r}.")
    return found


@dataclass(frozen=True)
class BusinessHours:
    """When a service is at work.

    Attributes
    ----------
    week : mapping
        Opening hours by day of the week: ``{"monday": "09:00-17:00"}``; several spells with commas,
        ``"08:00-12:00, 13:00-17:00"``. Days not named are off.
    holidays : iterable of days
        Days off, as text of either calendar or as dates.
    solar_holidays : bool
        Whether Iran's official solar holidays of every year are days off as well.

    Raises
    ------
    ParameterError
        If a day of the week or a spell is none, or no day has hours.

    Examples
    --------
    >>> shop = BusinessHours({"monday": "09:00-12:00, 13:00-17:00", "tuesday": "09:00-17:00"})
    >>> float(business_hours_between("2024-01-01 11:00", "2024-01-02 10:00", shop)[0])
    6.0
    """

    week: Mapping[str, str]
    holidays: Iterable[Day] = ()
    solar_holidays: bool = False
    #: Opening and closing of each spell (microseconds of the day) by day of the week; empty ones are 0.
    _spells: np.ndarray = field(init=False, repr=False, compare=False)
    _off: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        week = {str(name).lower(): hours for name, hours in dict(self.week).items()}
        for name in week:
            if name not in WEEKDAYS:
                raise ParameterError(f"There is no day of the week {name!r}{did_you_mean(name, WEEKDAYS)}")
        spells = [_spells(name, week.get(name) or "") for name in WEEKDAYS]
        most = max(map(len, spells))
        if not most:
            raise ParameterError("No day of the week has hours of work; give some, such as '09:00-17:00'.")
        table = np.zeros((7, most, 2), dtype=np.int64)
        for row, found in enumerate(spells):
            table[row, : len(found)] = np.array(found, dtype=np.int64).reshape(-1, 2)
        if isinstance(self.holidays, str):
            raise ParameterError("holidays are several days: give a list of them.")
        days = sorted({as_day(day, "A holiday") for day in self.holidays})
        object.__setattr__(self, "holidays", tuple(days))
        object.__setattr__(self, "_spells", table)
        object.__setattr__(self, "_off", np.array(days, dtype="datetime64[D]"))

    @classmethod
    def iranian(
        cls,
        hours: str = "08:00-16:00",
        thursday: str = "08:00-12:00",
        holidays: Iterable[Day] = (),
    ) -> BusinessHours:
        """Saturday to Wednesday, half of Thursday, no Friday; solar holidays of every year are off.

        Parameters
        ----------
        hours, thursday
            Opening hours; an empty `thursday` is off.
        holidays
            Further days off: those of the lunar calendar, as they are announced.
        """
        week = dict.fromkeys(("saturday", "sunday", "monday", "tuesday", "wednesday"), hours)
        return cls({**week, "thursday": thursday}, holidays, solar_holidays=True)

    @classmethod
    def western(cls, hours: str = "09:00-17:00", holidays: Iterable[Day] = ()) -> BusinessHours:
        """Monday to Friday; holidays differ between countries and are to be given."""
        return cls(dict.fromkeys(WEEKDAYS[:5], hours), holidays)

    def worked(self, moments: np.ndarray) -> np.ndarray:
        """Hours of work from some day before the first moment until each; NaN for none.

        Parameters
        ----------
        moments : array of datetime64

        Returns
        -------
        ndarray of float
            Only differences of moments given together mean something.
        """
        stamps = np.asarray(moments).astype("datetime64[us]").view(np.int64)
        known = stamps != np.iinfo(np.int64).min
        if not known.any():
            return np.full(stamps.shape, np.nan)
        day, part = np.divmod(np.where(known, stamps, stamps[known].min()), _DAY)
        first = int(day.min())
        weekday, off = self._days(first, int(day.max()) - first + 1)
        length = (self._spells[..., 1] - self._spells[..., 0]).sum(axis=1)
        whole = np.where(off, 0, length[weekday])
        before = np.cumsum(whole) - whole
        row = day - first
        today = np.zeros(stamps.shape, dtype=np.int64)
        for spell in self._spells[weekday[row]].transpose(1, 2, 0):
            today += np.clip(part, spell[0], spell[1]) - spell[0]
        found = before[row] + np.where(off[row], 0, today)
        return np.where(known, found / _HOUR, np.nan)

    def _days(self, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Day of the week, Monday being 0, of each day from a first one, and whether it is off."""
        number = first + np.arange(count)
        days = number.astype("datetime64[D]")
        off = np.isin(days, self._off)
        if self.solar_holidays:
            _, month, day = days_to_jalali(days)
            off |= np.isin(month * 100 + day, [month * 100 + day for month, day in _IRANIAN])
        # Day 0 was a Thursday.
        return (number + 3) % 7, off


def business_hours_between(start: ArrayLike, end: ArrayLike, calendar: BusinessHours) -> np.ndarray:
    """Hours of work between two moments.

    Parameters
    ----------
    start, end
        Time stamps, one or many; those of a time zone count by the clock of that zone.
    calendar
        When there is work.

    Returns
    -------
    ndarray of float
        Hours; missing where a moment is, below zero where the end comes first.

    Examples
    --------
    >>> float(business_hours_between("2024-01-05 16:00", "2024-01-08 10:00", BusinessHours.western())[0])
    2.0
    """
    if not isinstance(calendar, BusinessHours):
        raise ParameterError(
            f"calendar is a BusinessHours, such as BusinessHours.iranian(), not {type(calendar).__name__}."
        )
    start, end = _moments(start), _moments(end)
    start, end = np.broadcast_arrays(start, end) if 1 in (len(start), len(end)) else (start, end)
    if len(start) != len(end):
        raise ParameterError(f"There are {len(start):,} starts, but {len(end):,} ends.")
    begun, ended = np.split(calendar.worked(np.concatenate([start, end])), 2)
    return ended - begun


def _moments(values: ArrayLike) -> np.ndarray:
    one = np.ndim(values) == 0
    found = pd.Series([values] if one else values)
    if not pd.api.types.is_datetime64_any_dtype(found):
        # Numbers would be read as nanoseconds since 1970.
        wrong = pd.api.types.is_numeric_dtype(found) and found.notna().any()
        try:
            found = pd.to_datetime(found)
        except (ValueError, TypeError):
            wrong = True
        if wrong:
            raise ParameterError("Moments are time stamps; read them with pandas.to_datetime first.")
    if found.dt.tz is not None:
        found = found.dt.tz_localize(None)
    return found.to_numpy(dtype="datetime64[us]")


def _spells(name: str, hours: str) -> list[tuple[int, int]]:
    """Opening and closing, microseconds after midnight, of each spell of a day."""
    found = []
    for spell in filter(None, (part.strip() for part in str(hours).split(","))):
        parts = re.fullmatch(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})", spell)
        numbers = [int(part) for part in parts.groups()] if parts else [0, 99, 0, 0]
        start, end = (60 * hour + minute for hour, minute in (numbers[:2], numbers[2:]))
        wrong = max(numbers[1], numbers[3]) > 59 or not start < end <= 24 * 60
        if wrong or (found and start * _HOUR // 60 < found[-1][1]):
            raise ParameterError(
                f"Hours of {name} are spells in order within the day, such as '09:00-17:00' or "
                f"'08:00-12:00, 13:00-17:00', not {hours!r}."
            )
        found.append((start * _HOUR // 60, end * _HOUR // 60))
    return found
