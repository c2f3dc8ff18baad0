"""Dates in one calendar: what a column of text says, read without guessing in silence.

pandas reads the Jalali date ``1403-05-12`` as a day in the year 1403. Here the year decides:
1200 to 1500 is Jalali, 1800 to 2200 Gregorian, anything else is not read.
"""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.calendars import MONTH_NAMES, days_to_jalali, gregorian_to_days, jalali_to_days
from crmlab.cleansing.codepoints import ROWS, Texts, octets, to_arrow
from crmlab.cleansing.numbers import plain
from crmlab.cleansing.text import arrow, normalize_text, repeats
from crmlab.errors import ParameterError

Calendar = Literal["gregorian", "jalali", "mixed", "unknown"]

JALALI_YEARS = (1200, 1500)
GREGORIAN_YEARS = (1800, 2200)

_ENGLISH_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
                   "october", "november", "december")  # fmt: skip
#: Whose month a name is.
_GREGORIAN, _JALALI = 1, 2
_CLOCK = r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?)?"
_ZONE = r" ?(?P<zone>Z|UTC|[+-](?:0\d|1[0-4]):?[0-5]\d)?"
_NUMBERS = rf"^(?P<a>\d{{1,4}})[-/.](?P<b>\d{{1,2}})[-/.](?P<c>\d{{1,4}}){_CLOCK}{_ZONE}$"
_COMPACT = rf"^(?P<a>\d{{4}})(?P<b>\d{{2}})(?P<c>\d{{2}}){_CLOCK}{_ZONE}$"
_WORDS = rf"^(?P<c>\d{{1,2}})[-. ]*(?P<name>[^\d\s.,-]+)[-., ]+(?P<a>\d{{4}}){_CLOCK}{_ZONE}$"
_WORDS_US = rf"^(?P<name>[A-Za-z]+)\.? (?P<c>\d{{1,2}}),? (?P<a>\d{{4}}){_CLOCK}{_ZONE}$"

#: Shapes that systems write, what may stand for a mark in them, and whose number a letter is.
_SHAPES = ("aaaa-bb-cc", "aaaa-bb-cc hh:mm:ss", "aaaa-bb-cc hh:mm", "aa-bb-cccc", "aaaabbcc")
_MARKS = {"-": b"-/.", " ": b" T,", ":": b":"}
_FIELDS = {"h": "hour", "m": "minute", "s": "second"} | {name: name for name in "abc"}
#: Texts that tell whether a column of dates repeats itself.
_SOME = 1 << 17


def read_dates(values: pd.Series, day_first: bool | None = None, zone: str | None = None) -> pd.DataFrame:
    """Read a column of dates, each cell with the calendar it was read in or the reason it was not.

    Years first (``1403/05/12``, ``2024-08-02 13:45``, ``20240802``), years last
    (``02.08.2024``), month names in English and Persian; Persian and Arabic digits. Fractions of
    a second written as text are dropped.

    Parameters
    ----------
    values : Series
        Text, whole numbers such as 19970101, or time stamps.
    day_first
        Order of day and month where the year stands last. If None, the column itself tells: a
        first number from 13 to 31 anywhere means day first, a second one month first. Where it
        tells nothing or both, such cells are not read.
    zone
        Time zone to which stamps that name one are brought, such as ``"Asia/Tehran"``. Stamps
        that name a zone are not read without it.

    Raises
    ------
    ParameterError
        If there is no such time zone.

    Returns
    -------
    DataFrame
        Indexed like `values`: `value` (datetime64, missing where not read), `calendar`
        (``"gregorian"``, ``"jalali"`` or missing) and `reason` (missing where read or empty).

    Examples
    --------
    >>> read_dates(pd.Series(["1403/05/12", "2024-08-02", "1403/07/31"]))["value"].dt.date.tolist()
    [datetime.date(2024, 8, 2), datetime.date(2024, 8, 2), NaT]
    """
    if zone is not None:
        _check_zone(zone)
    values = pd.Series(values)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        if zone is None:
            values = values.dt.strftime("%Y-%m-%dT%H:%M:%S%z")
        else:
            values = values.dt.tz_convert(zone).dt.tz_localize(None)
    # Stamps of other years, such as a Jalali date that pandas took for one, are read as text is.
    if values.dtype.kind == "M" and values.dt.year.dropna().between(*GREGORIAN_YEARS).all():
        stamps = values.to_numpy().astype("datetime64[us]")
        return _result(stamps, False, pa.nulls(len(stamps))).set_axis(values.index)
    if values.dtype.kind in "iuf":
        values = plain(values)
    texts, rows = arrow(values.astype("str")), None
    # There are few days: of a column that repeats them, each text is read once.
    if repeats(texts, _SOME):
        encoded = pc.dictionary_encode(texts, null_encoding="encode")
        texts, rows = encoded.dictionary, encoded.indices.to_numpy()
    found = _result(*stamps_of(arrow(normalize_text(pd.Series(texts, dtype="str"))), day_first, zone))
    return (found if rows is None else found.take(rows)).set_axis(values.index)


def stamps_of(
    array: pa.Array, day_first: bool | None = None, zone: str | None = None
) -> tuple[np.ndarray, np.ndarray, pa.Array]:
    """Dates in text of one form (see `normalize_text`), as `read_dates` reads a column of them.

    Returns
    -------
    stamps, jalali : ndarray
        datetime64 in microseconds, missing where not read; whether the year is Jalali.
    reason : LargeStringArray
        Why a text is not read, missing where it is or is empty.
    """
    parts = _split(array)
    order_known = _resolve_order(parts, day_first)
    year, month, day = (parts[name] for name in "abc")
    jalali, gregorian = _between(year, *JALALI_YEARS), _between(year, *GREGORIAN_YEARS)
    days = np.full(len(array), np.datetime64("NaT"), dtype="datetime64[D]")
    # The name of a month belongs to one calendar, and so must its year.
    mixed = jalali & (parts["named"] == _GREGORIAN) | gregorian & (parts["named"] == _JALALI)
    readable = order_known & parts["found"] & ~mixed
    for calendar, convert in ((jalali, jalali_to_days), (gregorian, gregorian_to_days)):
        rows = readable & calendar
        if rows.any():
            days[rows] = convert(year[rows], month[rows], day[rows])
    clock_ok = (parts["hour"] < 24) & (parts["minute"] < 60) & (parts["second"] < 60)
    seconds = parts["hour"] * 3600 + parts["minute"] * 60 + parts["second"]
    stamps = days.astype("datetime64[us]") + 1_000_000 * seconds.astype("timedelta64[us]")
    stamps[~clock_ok] = np.datetime64("NaT")
    zoned = pd.notna(parts["zone"])
    if zone is not None and zoned.any():
        stamps = _to_zone(stamps, parts["zone"], zoned, zone)
    # The last that is true of a text is said.
    why = {
        "no such day in its calendar": np.isnat(stamps),
        "no such time of day": ~clock_ok,
        "year is neither Jalali (1200-1500) nor Gregorian (1800-2200)": ~jalali & ~gregorian,
        "day and month cannot be told apart; set day_first": ~order_known,
        "names a time zone; set the workspace's time_zone": zoned & (zone is None),
        "not a date": ~parts["found"],
    }
    said = np.zeros(len(array), dtype=np.int8)
    for number, rows in enumerate(why.values(), start=1):
        said[rows] = number
    stamps[said > 0] = np.datetime64("NaT")
    # What is missing or empty is not read and needs no reason.
    said[pc.fill_null(pc.equal(array, ""), True).to_numpy(zero_copy_only=False)] = 0
    return stamps, jalali, pa.array([None, *why], pa.large_string()).take(pa.array(said))


def _between(numbers: np.ndarray, low: int, high: int) -> np.ndarray:
    return (numbers >= low) & (numbers <= high)


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ParameterError(f"There is no time zone {zone!r}; write it as 'Asia/Tehran'.") from None


def _result(stamps: np.ndarray, jalali: np.ndarray | bool, reason: pa.Array) -> pd.DataFrame:
    calendar = np.where(np.isnat(stamps), 0, 1 + np.asarray(jalali)).astype(np.int8)
    calendar = pa.array([None, "gregorian", "jalali"], pa.large_string()).take(pa.array(calendar))
    calendar, reason = (pd.array(part, dtype="str") for part in (calendar, reason))
    return pd.DataFrame({"value": stamps, "calendar": calendar, "reason": reason})


def _split(array: pa.Array) -> dict[str, np.ndarray]:
    """Numbers of each cell: a (year), b (month), c (day), clock, zone, and where the year stood."""
    size = len(array)
    numbers = {name: np.full(size, -1 if name in "abc" else 0, dtype=np.int64)
               for name in ("a", "b", "c", "hour", "minute", "second")}  # fmt: skip
    zone = np.full(size, None, dtype=object)
    found = np.zeros(size, dtype=bool)
    named = np.zeros(size, dtype=np.int64)
    _split_shapes(array, numbers, found)
    for pattern in (_NUMBERS, _COMPACT, _WORDS, _WORDS_US):
        rows = np.flatnonzero(~found)
        if not len(rows):
            break
        match = pc.extract_regex(array.take(pa.array(rows)), pattern)
        hit = pc.is_valid(match).to_numpy(zero_copy_only=False)
        if not hit.any():
            continue
        rows, match = rows[hit], match.filter(pa.array(hit))
        fields = {field.name: pc.struct_field(match, field.name) for field in match.type}
        for name in numbers.keys() & fields.keys():
            numbers[name][rows] = _whole(fields[name], 0)
        if "name" in fields:
            numbers["b"][rows], named[rows] = _months(fields["name"])
            hit = numbers["b"][rows] > 0
            rows, fields["zone"] = rows[hit], fields["zone"].filter(pa.array(hit))
        named_zone = pc.if_else(pc.equal(fields["zone"], ""), None, fields["zone"])
        zone[rows] = named_zone.to_numpy(zero_copy_only=False)
        found[rows] = True
    year_last = found & (named == 0) & (numbers["a"] < 100) & (numbers["c"] > 99)
    return numbers | {"zone": zone, "found": found, "named": named, "year_last": year_last}


def _split_shapes(array: pa.Array, numbers: dict[str, np.ndarray], found: np.ndarray) -> None:
    """Fill in the numbers of cells in the shapes that systems write, all of one shape at a time."""
    lengths = pc.fill_null(pc.binary_length(array), 0).to_numpy()
    for shape in _SHAPES:
        rows = np.flatnonzero((lengths == len(shape)) & ~found)
        for some in np.split(rows, range(ROWS, len(rows), ROWS)) if len(rows) else ():
            fits, read = np.ones(len(some), dtype=bool), {}
            for sign, column in zip(shape, octets(array.take(pa.array(some)), len(shape)), strict=True):
                if sign in _MARKS:
                    fits &= np.logical_or.reduce([column == mark for mark in _MARKS[sign]])
                else:
                    digit = column - np.uint8(ord("0"))
                    fits &= digit < 10
                    read[sign] = 10 * read.get(sign, 0) + digit.astype(np.int64)
            some = some[fits]
            for sign, number in read.items():
                numbers[_FIELDS[sign]][some] = number[fits]
            found[some] = True


def _whole(digits: pa.Array, default: int) -> np.ndarray:
    blank = pc.equal(digits, "")
    filled = pc.if_else(blank, pa.scalar(str(default), digits.type), digits)
    return pc.cast(filled, pa.int64()).to_numpy()


def _months(names: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Number and calendar of each month by its name, zeros for what is none."""
    known = {name: (n, _JALALI) for n, name in enumerate(MONTH_NAMES, start=1)}
    for n, name in enumerate(_ENGLISH_MONTHS, start=1):
        known |= dict.fromkeys((name, name[:3]), (n, _GREGORIAN))
    known["sept"] = known["sep"]
    codes = pc.dictionary_encode(pc.utf8_lower(names))
    months = np.array([known.get(name, (0, 0)) for name in codes.dictionary.to_pylist()], dtype=np.int64)
    number, calendar = months[codes.indices.to_numpy()].T
    return number, calendar


def _resolve_order(parts: dict[str, np.ndarray], day_first: bool | None) -> np.ndarray:
    """Put year, month and day of cells with the year last into place; False where it is unknown."""
    last = parts["year_last"]
    known = np.ones(len(last), dtype=bool)
    if not last.any():
        return known
    first, second = parts["a"][last], parts["b"][last]
    if day_first is None:
        day = bool((_between(first, 13, 31) & (second <= 12)).any())
        month = bool((_between(second, 13, 31) & (first <= 12)).any())
        if day == month:
            # The cell itself may still tell, or both readings may be the same day.
            known[last] = (first > 12) | (second > 12) | (first == second)
        swap = (first > 12) if day == month else np.full(len(first), day)
    else:
        swap = np.full(len(first), day_first)
    parts["a"][last] = parts["c"][last]
    parts["c"][last] = np.where(swap, first, second)
    parts["b"][last] = np.where(swap, second, first)
    return known


def _to_zone(stamps: np.ndarray, named: np.ndarray, zoned: np.ndarray, zone: str) -> np.ndarray:
    """Stamps that name a time zone, brought to `zone`."""
    rows = zoned & ~np.isnat(stamps)
    names = pd.Series(named[rows], dtype="str")
    sign = names.str.startswith("-").map({True: -1, False: 1})
    digits = names.str.replace(r"[^\d]", "", regex=True).replace("", "0000")
    minutes = sign * (digits.str[:2].astype(int) * 60 + digits.str[2:4].astype(int))
    utc = pd.Series(stamps[rows]) - pd.to_timedelta(minutes, unit="min")
    local = utc.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
    stamps[rows] = local.astype("datetime64[us]")
    return stamps


def to_gregorian(values: pd.Series, day_first: bool | None = None) -> pd.Series:
    """Dates of either calendar as Gregorian time stamps; missing where a cell cannot be read.

    `read_dates` gives the reasons besides.

    Examples
    --------
    >>> to_gregorian(pd.Series(["۱۴۰۳/۰۵/۱۲", "12 مرداد 1403"])).dt.strftime("%Y-%m-%d").tolist()
    ['2024-08-02', '2024-08-02']
    """
    return read_dates(values, day_first)["value"].rename(pd.Series(values).name)


def to_jalali(values: pd.Series) -> pd.Series:
    """Gregorian time stamps as Jalali dates in text, ``"1403/05/12"``; missing stays missing.

    Parameters
    ----------
    values : Series of datetime64
        Or text that `to_gregorian` reads. Of stamps with a time zone, the day is that of the zone.

    Examples
    --------
    >>> to_jalali(pd.Series(pd.to_datetime(["2024-08-02", None]))).tolist()
    ['1403/05/12', nan]
    """
    values = pd.Series(values)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_localize(None)
    if values.dtype.kind != "M":
        values = to_gregorian(values)
    text = _written(*days_to_jalali(values.to_numpy()))
    return pd.Series(text, index=values.index, name=values.name, dtype="str")


def _written(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> pa.LargeStringArray:
    """Dates such as ``1403/05/12``, missing where the year is 0."""
    signs = np.full((len(year), 10), ord("/"), dtype=np.uint8)
    for place, number in ((0, year // 100), (2, year % 100), (5, month), (8, day)):
        number = number.astype(np.uint8)
        tens = number // 10
        signs[:, place], signs[:, place + 1] = ord("0") + tens, ord("0") + number - 10 * tens
    ends = np.arange(10, signs.size + 1, 10)
    return to_arrow(Texts(signs.ravel(), ends), pa.array(year == 0))


def detect_calendar(values: pd.Series) -> Calendar:
    """Calendar of a column: ``"gregorian"``, ``"jalali"``, ``"mixed"`` or ``"unknown"``.

    A column is of one calendar if every readable date in it is; ``"unknown"`` if none is readable.

    Examples
    --------
    >>> detect_calendar(pd.Series(["1403-05-12", "1402-12-29"]))
    'jalali'
    """
    values = pd.Series(values)
    found = read_dates(values, zone="UTC")["calendar"]
    # The calendar is known even where the order of day and month is not.
    rest = read_dates(values[found.isna()], day_first=True, zone="UTC")["calendar"]
    found = pd.concat([found, rest]).dropna().unique()
    if len(found) == 0:
        return "unknown"
    return found[0] if len(found) == 1 else "mixed"
