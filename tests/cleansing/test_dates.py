"""Dates as people and systems write them, against the calendar itself, persiantools and zoneinfo."""

import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from persiantools.jdatetime import JalaliDate

from crmlab.cleansing.dates import detect_calendar, read_dates, to_gregorian, to_jalali
from crmlab.errors import ParameterError

NO_DAY = "no such day in its calendar"
NO_TIME = "no such time of day"
NO_YEAR = "year is neither Jalali (1200-1500) nor Gregorian (1800-2200)"
NO_ORDER = "day and month cannot be told apart; set day_first"
NO_ZONE = "names a time zone; set the workspace's time_zone"
NO_DATE = "not a date"


def read(text: str, **options) -> pd.Series:
    """The one row that a column of one cell is read as."""
    return read_dates(pd.Series([text], dtype="str"), **options).iloc[0]


READ = [
    # Gregorian, year first
    ("2024-08-02", "2024-08-02", "gregorian"),
    ("2024/08/02", "2024-08-02", "gregorian"),
    ("2024.08.02", "2024-08-02", "gregorian"),
    ("2024-8-2", "2024-08-02", "gregorian"),
    ("20240802", "2024-08-02", "gregorian"),
    ("  2024-08-02 ", "2024-08-02", "gregorian"),
    ("\u200e2024-08-02\u200f", "2024-08-02", "gregorian"),
    ("۲۰۲۴-۰۸-۰۲", "2024-08-02", "gregorian"),
    ("1800-01-01", "1800-01-01", "gregorian"),
    ("2200-12-31", "2200-12-31", "gregorian"),
    ("2024-02-29", "2024-02-29", "gregorian"),
    # Jalali, year first
    ("1403/05/12", "2024-08-02", "jalali"),
    ("1403-05-12", "2024-08-02", "jalali"),
    ("1403.5.12", "2024-08-02", "jalali"),
    ("14030512", "2024-08-02", "jalali"),
    ("۱۴۰۳/۰۵/۱۲", "2024-08-02", "jalali"),
    ("١٤٠٣/٠٥/١٢", "2024-08-02", "jalali"),
    ("1403/02/31", "2024-05-20", "jalali"),
    ("1403/12/30", "2025-03-20", "jalali"),
    ("1200/01/01", "1821-03-21", "jalali"),
    ("1500/12/29", "2122-03-20", "jalali"),
    # year last, where the cell itself tells day from month
    ("13.08.2024", "2024-08-13", "gregorian"),
    ("8/13/2024", "2024-08-13", "gregorian"),
    ("31-12-1403", None, NO_DAY),
    ("29-12-1403", "2025-03-19", "jalali"),
    ("8/8/2024", "2024-08-08", "gregorian"),
    ("5-5-1403", "2024-07-26", "jalali"),
    # month names
    ("2 August 2024", "2024-08-02", "gregorian"),
    ("2 Aug 2024", "2024-08-02", "gregorian"),
    ("02-Aug-2024", "2024-08-02", "gregorian"),
    ("2-AUG-2024", "2024-08-02", "gregorian"),
    ("2. august 2024", "2024-08-02", "gregorian"),
    ("2Aug2024", None, NO_DATE),
    ("2 Sept. 2024", "2024-09-02", "gregorian"),
    ("Aug 2, 2024", "2024-08-02", "gregorian"),
    ("August 2 2024", "2024-08-02", "gregorian"),
    ("Sep. 2, 2024", "2024-09-02", "gregorian"),
    ("12 مرداد 1403", "2024-08-02", "jalali"),
    ("۱۲ مرداد ۱۴۰۳", "2024-08-02", "jalali"),
    ("۱۲ مرداد، ۱۴۰۳", None, NO_DATE),
    ("1-فروردين-1403", "2024-03-20", "jalali"),
    ("30 اسفند 1403", "2025-03-20", "jalali"),
    # clocks
    ("2024-08-02 13:45", "2024-08-02 13:45", "gregorian"),
    ("2024-08-02T13:45:59", "2024-08-02 13:45:59", "gregorian"),
    ("2024-08-02 13:45:59.987654", "2024-08-02 13:45:59", "gregorian"),
    ("2024-08-02, 9:05", "2024-08-02 09:05", "gregorian"),
    ("2024-08-02 00:00:00", "2024-08-02", "gregorian"),
    ("۱۴۰۳/۰۵/۱۲ ۲۳:۵۹", "2024-08-02 23:59", "jalali"),
    ("20240802 13:45", "2024-08-02 13:45", "gregorian"),
    ("13/08/2024 7:30", "2024-08-13 07:30", "gregorian"),
    ("Aug 2, 2024 13:45", "2024-08-02 13:45", "gregorian"),
    # days that are not there
    ("1403/07/31", None, NO_DAY),
    ("1402/12/30", None, NO_DAY),
    ("1403/13/01", None, NO_DAY),
    ("1403/00/12", None, NO_DAY),
    ("1403/05/00", None, NO_DAY),
    ("2024-02-30", None, NO_DAY),
    ("2023-02-29", None, NO_DAY),
    ("1900-02-29", None, NO_DAY),
    ("2024-13-01", None, NO_DAY),
    ("2024-04-31", None, NO_DAY),
    ("20241301", None, NO_DAY),
    ("2024-12-99", None, NO_DAY),
    ("31 Feb 2024", None, NO_DAY),
    ("31 مهر 1403", None, NO_DAY),
    # a month of one calendar with a year of the other
    ("12 August 1403", None, NO_DAY),
    ("Aug 2, 1403", None, NO_DAY),
    ("12 مرداد 2024", None, NO_DAY),
    # times that are not there
    ("2024-08-02 24:00", None, NO_TIME),
    ("2024-08-02 13:60", None, NO_TIME),
    ("2024-08-02 13:45:60", None, NO_TIME),
    ("2024-08-02 99:99", None, NO_TIME),
    # years that belong to neither calendar, and years of two digits
    ("1799-12-31", None, NO_YEAR),
    ("2201-01-01", None, NO_YEAR),
    ("1199/12/29", None, NO_YEAR),
    ("1501/01/01", None, NO_YEAR),
    ("0001-01-01", None, NO_YEAR),
    ("9999-12-31", None, NO_YEAR),
    ("24-08-02", None, NO_YEAR),
    ("02/08/24", None, NO_YEAR),
    ("03/05/12", None, NO_YEAR),
    ("103/05/12", None, NO_YEAR),
    ("2 Aug 24", None, NO_DATE),
    ("12 مرداد 03", None, NO_DATE),
    # order unknown
    ("02/08/2024", None, NO_ORDER),
    ("05-12-1403", None, NO_ORDER),
    # no dates
    ("n/a", None, NO_DATE),
    ("2024", None, NO_DATE),
    ("2024-08", None, NO_DATE),
    ("45506", None, NO_DATE),
    ("1403/05/12/07", None, NO_DATE),
    ("2024-08-02 and more", None, NO_DATE),
    ("12 juli 2024", None, NO_DATE),
    ("5 junk 2020", None, NO_DATE),
    ("5 marraskuu 2020", None, NO_DATE),
    ("13:45", None, NO_DATE),
    ("2024-08-02 1:45 PM", None, NO_DATE),
    ("12 مردادماه 1403", None, NO_DATE),
    ("-2024-08-02", None, NO_DATE),
    # as long as dates are, and with other signs in them
    ("2024,08,02", None, NO_DATE),
    ("2024-08_02", None, NO_DATE),
    ("2024-08-0:", None, NO_DATE),
    ("2024-08-/2", None, NO_DATE),
    ("202408:2", None, NO_DATE),
    ("2024é08-2", None, NO_DATE),
    ("2024-08-02x13:45", None, NO_DATE),
    ("2024-08-02 13-45", None, NO_DATE),
    ("2024-08-02 13:45.30", None, NO_DATE),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "verdict"), READ, ids=[row[0] for row in READ])
def test_a_cell_by_itself(text, value, verdict):
    found = read(text)
    if value is None:
        assert pd.isna(found["value"])
        assert pd.isna(found["calendar"])
        assert found["reason"] == verdict
    else:
        assert found["value"] == pd.Timestamp(value)
        assert found["calendar"] == verdict
        assert pd.isna(found["reason"])


def test_cells_are_read_alike_beside_each_other():
    """Only years that stand last are helped by other cells, and here each of those tells by itself."""
    rows = [row for row in READ if row[2] != NO_ORDER]
    found = read_dates(pd.Series([text for text, *_ in rows], dtype="str"))
    assert found["value"].tolist() == [
        pd.NaT if value is None else pd.Timestamp(value) for _, value, _ in rows
    ]
    verdicts = found["reason"].fillna(found["calendar"]).tolist()
    assert verdicts == [verdict for *_, verdict in rows]


def test_pandas_takes_a_jalali_date_for_a_year_in_the_middle_ages_and_we_do_not():
    assert pd.to_datetime("1403-05-12").year == 1403
    assert read("1403-05-12")["value"] == pd.Timestamp("2024-08-02")
    assert pd.isna(pd.to_datetime("1403-02-31", errors="coerce"))
    assert read("1403-02-31")["value"] == pd.Timestamp("2024-05-20")


def test_stamps_of_a_jalali_year_made_elsewhere_are_put_right():
    stamps = pd.Series(["1403-05-12 10:30", None, "2024-08-02", "1403-02-28"], dtype="datetime64[us]")
    found = read_dates(stamps)
    assert found["value"].dt.strftime("%Y-%m-%d %H:%M").tolist()[:1] == ["2024-08-02 10:30"]
    assert found["value"].iloc[3] == pd.Timestamp("2024-05-17")
    assert found["calendar"].tolist()[::2] == ["jalali", "gregorian"]
    assert found["reason"].isna().all()
    assert found["value"].isna().tolist() == [False, True, False, False]


def test_stamps_of_a_year_in_no_calendar_are_not_read():
    found = read_dates(pd.Series(["0001-01-01", "2024-08-02", "9999-12-31"], dtype="datetime64[us]"))
    assert found["value"].isna().tolist() == [True, False, True]
    assert found["reason"].tolist()[::2] == [NO_YEAR, NO_YEAR]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_stamps_keep_their_time_in_every_unit(unit):
    stamps = pd.Series(pd.to_datetime(["2024-08-02 13:45:07", None])).astype(f"datetime64[{unit}]")
    found = read_dates(stamps)
    assert found["value"].dtype == "datetime64[us]"
    assert found["value"].iloc[0] == pd.Timestamp("2024-08-02 13:45:07")
    assert found["calendar"].isna().tolist() == [False, True]


def test_fractions_of_a_second_are_kept_in_stamps():
    stamps = pd.Series(pd.to_datetime(["2024-08-02 13:45:07.123456"]))
    assert read_dates(stamps)["value"].tolist() == stamps.tolist()
    aware = stamps.dt.tz_localize("UTC")
    assert read_dates(aware, zone="UTC")["value"].tolist() == stamps.tolist()


ORDERS = [
    # column, day_first, days read (None: not read)
    (["02/08/2024", "13/08/2024"], None, ["2024-08-02", "2024-08-13"]),
    (["02/08/2024", "08/13/2024"], None, ["2024-02-08", "2024-08-13"]),
    (["02/08/2024", "03/09/2024"], None, [None, None]),
    (["02/08/2024", "13/08/2024", "08/13/2024"], None, [None, "2024-08-13", "2024-08-13"]),
    (["02/08/2024", "03/03/2024"], None, [None, "2024-03-03"]),
    (["02/08/2024", "2024-08-13"], None, [None, "2024-08-13"]),
    (["02/08/2024", "13 Aug 2024"], None, [None, "2024-08-13"]),
    (["05/12/1403", "29/12/1403"], None, ["2025-02-23", "2025-03-19"]),
    (["05/12/1403", "12/29/1403"], None, ["2024-08-02", "2025-03-19"]),
    (["02/08/2024", "29/12/1403"], None, ["2024-08-02", "2025-03-19"]),
    (["02/08/2024"], True, ["2024-08-02"]),
    (["02/08/2024"], False, ["2024-02-08"]),
    (["13/08/2024"], False, [None]),
    (["08/13/2024"], True, [None]),
    (["2024-08-13"], True, ["2024-08-13"]),
    (["02/08/2024", None, ""], True, ["2024-08-02", None, None]),
    # numbers that no calendar knows prove nothing about the order
    (["02/08/2024", "99/08/2024"], None, [None, None]),
    (["02/08/2024", "08/99/2024"], None, [None, None]),
    (["02/08/2024", "99/99/2024"], None, [None, None]),
    (["02/08/2024", "14/15/2024"], None, [None, None]),
    (["02/08/2024", "13/08/2024", "99/99/2024"], None, ["2024-08-02", "2024-08-13", None]),
    (["02/08/2024", "08/13/2024", "99/08/2024"], None, ["2024-02-08", "2024-08-13", None]),
]  # fmt: skip


@pytest.mark.parametrize(("column", "day_first", "days"), ORDERS, ids=lambda part: str(part))
def test_the_column_tells_day_from_month(column, day_first, days):
    found = read_dates(pd.Series(column, dtype="str"), day_first=day_first)["value"]
    assert [None if pd.isna(value) else str(value.date()) for value in found] == days


def test_an_order_that_is_not_known_is_said_to_be_so():
    found = read_dates(pd.Series(["02/08/2024", "13/08/2024", "08/13/2024"]))
    assert found["reason"].fillna("").tolist() == [NO_ORDER, "", ""]


ZONES = [
    # text, zone of the workspace, local time (None: not read)
    ("2024-08-02T10:00:00Z", "Asia/Tehran", "2024-08-02 13:30"),
    ("2024-08-02 10:00 UTC", "Asia/Tehran", "2024-08-02 13:30"),
    ("2024-08-02T10:00+03:30", "Asia/Tehran", "2024-08-02 10:00"),
    ("2024-08-02T10:00+0330", "Asia/Tehran", "2024-08-02 10:00"),
    ("2024-08-02T22:00Z", "Asia/Tehran", "2024-08-03 01:30"),
    ("2024-08-02T10:00-05:00", "UTC", "2024-08-02 15:00"),
    ("2024-08-02T10:00+14:00", "UTC", "2024-08-01 20:00"),
    ("2024-08-02T10:00:00.5Z", "UTC", "2024-08-02 10:00"),
    ("1403/05/12 10:00Z", "Asia/Tehran", "2024-08-02 13:30"),
    ("2024-08-02Z", "Asia/Tehran", "2024-08-02 03:30"),
    # Tehran kept summer time until 2022
    ("2022-07-01T10:00Z", "Asia/Tehran", "2022-07-01 14:30"),
    ("2023-07-01T10:00Z", "Asia/Tehran", "2023-07-01 13:30"),
    # an hour that the clocks of Berlin skip or go through twice
    ("2024-03-31T00:59Z", "Europe/Berlin", "2024-03-31 01:59"),
    ("2024-03-31T01:00Z", "Europe/Berlin", "2024-03-31 03:00"),
    ("2024-10-27T00:30Z", "Europe/Berlin", "2024-10-27 02:30"),
    ("2024-10-27T01:30Z", "Europe/Berlin", "2024-10-27 02:30"),
    # a stamp that names no zone is local already, even in the hour that was skipped
    ("2024-08-02 10:00", "Asia/Tehran", "2024-08-02 10:00"),
    ("2024-03-31 02:30", "Europe/Berlin", "2024-03-31 02:30"),
    # zones that no clock keeps
    ("2024-08-02 10:00+99:99", "UTC", None),
    ("2024-08-02 10:00+15:00", "UTC", None),
    ("2024-08-02 10:00+03:75", "UTC", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "zone", "local"), ZONES)
def test_stamps_with_a_zone_come_to_that_of_the_workspace(text, zone, local):
    found = read(text, zone=zone)
    if local is None:
        assert found["reason"] == NO_DATE
    else:
        assert found["value"] == pd.Timestamp(local)


def test_a_zone_is_not_guessed():
    found = read_dates(pd.Series(["2024-08-02T10:00Z", "2024-08-02T10:00", "2024-08-02T10:00+03:30"]))
    assert found["reason"].fillna("").tolist() == [NO_ZONE, "", NO_ZONE]
    assert found["value"].isna().tolist() == [True, False, True]


@settings(deadline=None, max_examples=12)
@given(
    st.lists(
        st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2037, 12, 31)), min_size=1, max_size=10
    ),
    st.sampled_from(["Asia/Tehran", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC"]),
)
def test_stamps_with_a_zone_against_zoneinfo(moments, zone):
    aware = [moment.replace(microsecond=0, tzinfo=datetime.UTC) for moment in moments]
    local = [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in aware]
    elsewhere = [moment.astimezone(ZoneInfo("Asia/Kolkata")) for moment in aware]
    for texts in (
        [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in aware],
        [str(moment) for moment in elsewhere],
    ):
        assert read_dates(pd.Series(texts), zone=zone)["value"].tolist() == local
    column = pd.Series(aware).dt.tz_convert("Asia/Kolkata")
    assert read_dates(column, zone=zone)["value"].tolist() == local


def test_aware_stamps_need_the_zone_of_the_workspace():
    stamps = pd.Series(pd.to_datetime(["2024-08-02 10:00", None])).dt.tz_localize("Asia/Tehran")
    found = read_dates(stamps)
    assert found["value"].isna().all()
    assert found["reason"].fillna("").tolist() == [NO_ZONE, ""]


@pytest.mark.parametrize("zone", ["Mars/Base", "Tehran", "", "../etc"])
def test_a_zone_that_does_not_exist_is_refused(zone):
    with pytest.raises(ParameterError, match="There is no time zone"):
        read_dates(pd.Series(["2024-08-02"]), zone=zone)


@pytest.mark.parametrize(
    ("values", "days"),
    [
        (pd.Series([19970101, 14030512]), ["1997-01-01", "2024-08-02"]),
        (pd.Series([19970101, None], dtype="Int64"), ["1997-01-01", None]),
        (pd.Series([19970101.0, None]), ["1997-01-01", None]),
        (pd.Series([19970101.0, 1.5, np.inf, -np.inf, np.nan, 1e300]), ["1997-01-01"] + [None] * 5),
        (pd.Series([1997, 45506, -19970101, 0, 199701011]), [None] * 5),
        (pd.Series([19970101, 1], dtype="uint32"), ["1997-01-01", None]),
    ],
    ids=["whole", "nullable", "float", "not whole", "not dates", "unsigned"],
)
def test_numbers_as_dates(values, days):
    found = read_dates(values)
    assert [None if pd.isna(value) else str(value.date()) for value in found["value"]] == days
    assert (found["reason"].notna() == (found["value"].isna() & values.notna())).all()


def test_objects_of_several_kinds():
    mixed = [datetime.date(2024, 8, 2), pd.Timestamp("2024-08-02 10:30"), "1403/05/12", 20240802, None, True]
    found = read_dates(pd.Series(mixed, dtype=object))
    assert found["value"].dt.strftime("%d %H:%M").tolist()[:4] == [
        "02 00:00",
        "02 10:30",
        "02 00:00",
        "02 00:00",
    ]
    assert found["reason"].fillna("").tolist() == ["", "", "", "", "", NO_DATE]


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([], dtype="str"), pd.Series([], dtype="float64"), pd.Series([None, None], dtype="str"),
        pd.Series([None], dtype="object"), pd.Series([np.nan]), pd.Series(["", " ", "\u200b"]),
        pd.Series([pd.NaT, pd.NaT]), pd.Series([], dtype="datetime64[us]"),
    ],
    ids=["no rows", "no numbers", "missing", "none", "nan", "blank", "not a time", "no stamps"],
)  # fmt: skip
def test_columns_without_a_date(values):
    found = read_dates(values)
    assert found["value"].dtype == "datetime64[us]"
    assert len(found) == len(values)
    assert found.isna().all().all()
    assert detect_calendar(values) == "unknown"


def test_index_and_given_column_are_kept():
    values = pd.Series(
        ["13/08/2024", "02/08/2024", "2024-08-02T10:00Z", None], index=[3, 3, "x", 0], name="when"
    )
    before = values.copy()
    found = read_dates(values, zone="UTC")
    pd.testing.assert_series_equal(values, before)
    assert found.index.equals(values.index)
    assert found["value"].notna().tolist() == [True, True, True, False]
    assert to_gregorian(values).name == to_jalali(values).name == "when"
    assert to_gregorian(values).index.equals(values.index)


# Every supported form of a day, by the way it is written.

ENGLISH = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"]  # fmt: skip
PERSIAN = ["فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن",
           "اسفند"]  # fmt: skip
PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
FORMS = {
    "year first": lambda y, m, d, month: f"{y}-{m:02d}-{d:02d}",
    "slashes": lambda y, m, d, month: f"{y}/{m}/{d}",
    "compact": lambda y, m, d, month: f"{y}{m:02d}{d:02d}",
    "year last": lambda y, m, d, month: f"{d:02d}.{m:02d}.{y}",
    "month name": lambda y, m, d, month: f"{d} {month} {y}",
    "name with hyphens": lambda y, m, d, month: f"{d:02d}-{month}-{y}",
}
days = st.dates(datetime.date(1821, 3, 21), datetime.date(2122, 3, 20))
clocks = st.none() | st.times().map(lambda time: time.replace(microsecond=0))
digit_sets = st.sampled_from([{}, PERSIAN_DIGITS, ARABIC_DIGITS])


def written(day: datetime.date, clock: datetime.time | None, calendar: str, form: str, digits: dict) -> str:
    if calendar == "jalali":
        date = JalaliDate(day)
        parts = (date.year, date.month, date.day, PERSIAN[date.month - 1])
    else:
        parts = (day.year, day.month, day.day, ENGLISH[day.month - 1])
    text = FORMS[form](*parts) + (f" {clock:%H:%M:%S}" if clock else "")
    return text.translate(digits)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(
            days, clocks, st.sampled_from(["gregorian", "jalali"]), st.sampled_from(list(FORMS)), digit_sets
        ),
        min_size=1,
        max_size=20,
    )
)
def test_any_day_in_any_form_of_either_calendar_is_read_as_itself(dates):
    found = read_dates(pd.Series([written(*date) for date in dates]), day_first=True)
    expected = [datetime.datetime.combine(day, clock or datetime.time()) for day, clock, *_ in dates]
    assert found["value"].tolist() == [pd.Timestamp(moment) for moment in expected]
    assert found["calendar"].tolist() == [calendar for _, _, calendar, *_ in dates]


@settings(deadline=None, max_examples=25)
@given(st.lists(days, min_size=1, max_size=12), st.booleans())
def test_a_column_with_the_year_last_is_read_right_or_not_at_all(dates, day_first):
    form = "%d/%m/%Y" if day_first else "%m/%d/%Y"
    found = read_dates(pd.Series([day.strftime(form) for day in dates]))
    for day, value, reason in zip(dates, found["value"], found["reason"], strict=True):
        assert (value == pd.Timestamp(day)) if pd.notna(value) else (reason == NO_ORDER)
    if any(day.day > 12 for day in dates):
        assert found["reason"].isna().all()


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.text(max_size=12) | st.from_regex(r"\A[\d]{1,4}[-/.][\d]{1,2}[-/.][\d]{1,4}\Z"), max_size=20)
)
def test_any_text_is_read_or_given_a_reason_or_empty(texts):
    found = read_dates(pd.Series(texts, dtype="str"))
    read, wrong = found["value"].notna(), found["reason"].notna()
    assert not (read & wrong).any()
    assert (found["calendar"].notna() == read).all()
    years = found["value"].dropna().dt.year
    assert years.between(1800, 2200).all()


@settings(deadline=None, max_examples=20)
@given(st.lists(days, min_size=1, max_size=20), st.sampled_from(list(FORMS)), digit_sets, st.data())
def test_the_calendar_of_a_generated_column(dates, form, digits, data):
    calendars = data.draw(
        st.lists(st.sampled_from(["gregorian", "jalali"]), min_size=len(dates), max_size=len(dates))
        | st.sampled_from([["gregorian"] * len(dates), ["jalali"] * len(dates)])
    )
    texts = [
        written(day, None, calendar, form, digits) for day, calendar in zip(dates, calendars, strict=True)
    ]
    noise = ["", None, "n/a"]
    expected = calendars[0] if len(set(calendars)) == 1 else "mixed"
    assert detect_calendar(pd.Series(texts + noise, dtype="str")) == expected


@pytest.mark.parametrize(
    ("values", "calendar"),
    [
        (["1403-05-12", "1402-12-29"], "jalali"),
        (["2024-08-02"], "gregorian"),
        (["2024-08-02", "1403-05-12"], "mixed"),
        (["01/31/2024", "02/28/2024"], "gregorian"),
        (["01/02/2024", "02/03/2024"], "gregorian"),
        (["01/02/1403"], "jalali"),
        (["13/04/2024", "01/31/2024", "03/04/1403"], "mixed"),
        (["2024-08-02T10:00Z"], "gregorian"),
        (["1403-05-12", "no date", None], "jalali"),
        (["1403-07-31"], "unknown"),
        (["no date"], "unknown"),
    ],
)
def test_the_calendar_of_a_column(values, calendar):
    assert detect_calendar(pd.Series(values)) == calendar


@settings(deadline=None, max_examples=15)
@given(st.lists(days | st.none(), min_size=1, max_size=10))
def test_gregorian_stamps_as_jalali_dates_against_persiantools_and_back(dates):
    stamps = pd.Series(pd.to_datetime(pd.Series(dates, dtype=object)), dtype="datetime64[us]")
    found = to_jalali(stamps)
    expected = [None if day is None else JalaliDate(day).strftime("%Y/%m/%d") for day in dates]
    assert [None if pd.isna(text) else text for text in found] == expected
    pd.testing.assert_series_equal(to_gregorian(found), stamps)


def test_every_day_of_three_centuries_in_text_and_back_against_persiantools():
    days = np.arange(np.datetime64("1821-03-21"), np.datetime64("2122-03-21"))
    dates = [JalaliDate(day) for day in days.tolist()]
    texts = [f"{date.year}/{date.month:02d}/{date.day:02d}" for date in dates]
    stamps = pd.Series(days.astype("datetime64[us]"))
    assert (texts[0], texts[-1]) == ("1200/01/01", "1500/12/29")
    assert to_jalali(stamps).tolist() == texts
    written = pd.Series(texts).str.translate(PERSIAN_DIGITS)
    pd.testing.assert_series_equal(to_gregorian(written), stamps)
    pd.testing.assert_series_equal(to_gregorian(stamps.dt.strftime("%Y-%m-%d")), stamps)


def test_a_long_column_of_time_stamps_against_pandas():
    seconds = np.random.default_rng(3).choice(10**9, 100_000, replace=False)
    stamps = pd.Series(seconds.astype("datetime64[s]").astype("datetime64[us]"))
    forms = ["%Y-%m-%d %H:%M:%S", "%Y/%m/%dT%H:%M:%S", "%d.%m.%Y, %H:%M:%S", "%Y%m%d %H:%M:%S"]
    written = pd.concat([stamps[place::4].dt.strftime(form) for place, form in enumerate(forms)])
    pd.testing.assert_series_equal(to_gregorian(written, day_first=True).sort_index(), stamps)


REPEATED = ["1403/05/12", "۱۴۰۳/۰۵/۱۳", "2024-08-02 10:30", "3 Aug 2024", "2/8/2024", "n/a", "1403/07/31", "",
            None]  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(REPEATED), min_size=1, unique=True), st.sampled_from([None, True]))
def test_a_column_that_repeats_itself_is_read_as_one_that_does_not(texts, day_first):
    once = pd.Series(texts, dtype="str")
    rows = np.resize(np.arange(len(texts)), 50)
    expected = read_dates(once, day_first).iloc[rows]
    pd.testing.assert_frame_equal(read_dates(once.iloc[rows], day_first), expected)


def test_jalali_dates_of_text_and_of_stamps_with_a_zone():
    assert to_jalali(pd.Series(["2024-08-02 23:59", "1403/1/1"])).tolist() == ["1403/05/12", "1403/01/01"]
    late = pd.Series(pd.to_datetime(["2024-08-02 22:00"])).dt.tz_localize("UTC")
    assert to_jalali(late).tolist() == ["1403/05/12"]
    assert to_jalali(late.dt.tz_convert("Asia/Tehran")).tolist() == ["1403/05/13"]


def test_stamps_before_the_jalali_calendar_have_no_date_in_it():
    assert to_jalali(pd.Series(pd.to_datetime(["0600-01-01", None]))).isna().all()
