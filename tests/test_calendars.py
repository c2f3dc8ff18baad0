"""Jalali and Gregorian days against persiantools, pandas and days known from almanacs."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from persiantools.jdatetime import JalaliDate

from crmlab.calendars import (
    FIRST_YEAR,
    LAST_YEAR,
    MONTH_NAMES,
    as_day,
    days_to_jalali,
    gregorian_to_days,
    jalali_to_days,
    period_starts,
)
from crmlab.errors import ParameterError

#: Days of the public record, dated in both calendars by the almanacs of their time.
KNOWN_DAYS = [
    ((1285, 5, 14), "1906-08-06"),  # the Constitution is signed
    ((1304, 1, 11), "1925-03-31"),  # the law of the calendar
    ((1348, 10, 11), "1970-01-01"),
    ((1357, 11, 22), "1979-02-11"),
    ((1375, 12, 30), "1997-03-20"),  # last day of a leap year
    ((1378, 10, 11), "2000-01-01"),
    ((1399, 12, 30), "2021-03-20"),
    ((1400, 1, 1), "2021-03-21"),
    ((1402, 12, 29), "2024-03-19"),
    ((1403, 1, 1), "2024-03-20"),
    ((1403, 12, 30), "2025-03-20"),
]
#: Leap years as the calendar centre of Tehran's Institute of Geophysics publishes them.
LEAP_YEARS = [1370, 1375, 1379, 1383, 1387, 1391, 1395, 1399, 1403, 1408, 1412, 1416, 1420]


def days_of(*dates: tuple[int, int, int]) -> np.ndarray:
    year, month, day = np.array(dates).T
    return jalali_to_days(year, month, day)


def every_day(first: str, last: str) -> np.ndarray:
    return np.arange(np.datetime64(first), np.datetime64(last) + 1)


@pytest.fixture(scope="module")
def oracle() -> pd.DataFrame:
    """Each day from 1200-01-01 to 1500-12-29 as persiantools dates it."""
    days = every_day("1821-03-21", "2122-03-20")
    dates = [JalaliDate(day) for day in days.tolist()]
    parts = [(date.year, date.month, date.day) for date in dates]
    return pd.DataFrame(parts, columns=["year", "month", "day"]).assign(days=days.astype("datetime64[s]"))


def test_the_oracle_spans_the_jalali_years_that_dates_are_read_in(oracle):
    ends = oracle[["year", "month", "day"]].iloc[[0, -1]].to_numpy().tolist()
    assert ends == [[1200, 1, 1], [1500, 12, 29]]


def test_every_day_of_three_centuries_to_gregorian(oracle):
    found = jalali_to_days(oracle["year"], oracle["month"], oracle["day"])
    np.testing.assert_array_equal(found, oracle["days"].to_numpy().astype("datetime64[D]"))


def test_every_day_of_three_centuries_to_jalali(oracle):
    found = days_to_jalali(oracle["days"].to_numpy())
    for part, name in zip(found, ["year", "month", "day"], strict=True):
        np.testing.assert_array_equal(part, oracle[name])


@pytest.mark.parametrize(("jalali", "gregorian"), KNOWN_DAYS)
def test_days_of_the_public_record(jalali, gregorian):
    assert days_of(jalali)[0] == np.datetime64(gregorian)
    assert tuple(int(part[0]) for part in days_to_jalali(np.array([gregorian], "datetime64[D]"))) == jalali


def test_published_leap_years():
    years = np.arange(1370, 1421)
    last = jalali_to_days(years, np.full_like(years, 12), np.full_like(years, 30))
    assert years[~np.isnat(last)].tolist() == LEAP_YEARS


def test_years_and_months_follow_each_other_without_gap_over_the_whole_range():
    days = every_day(str(days_of((FIRST_YEAR, 1, 1))[0]), str(days_of((LAST_YEAR, 12, 29))[0]))
    year, month, day = days_to_jalali(days)
    np.testing.assert_array_equal(jalali_to_days(year, month, day), days)
    next_day = (np.diff(day) == 1) & (np.diff(month) == 0)
    next_month = (day[1:] == 1) & np.isin(day[:-1], (29, 30, 31)) & (np.diff(month) == 1)
    next_year = (day[1:] == 1) & (month[1:] == 1) & (month[:-1] == 12) & (np.diff(year) == 1)
    assert (next_day | next_month | next_year).all()
    assert set(np.diff(np.flatnonzero((month == 1) & (day == 1)))) == {365, 366}


@settings(deadline=None, max_examples=100)
@given(st.integers(FIRST_YEAR, LAST_YEAR), st.integers(1, 12), st.integers(1, 31))
def test_a_date_that_exists_comes_back_and_another_does_not_exist(year, month, day):
    found = days_of((year, month, day))
    longest = 31 if month <= 6 else 30
    if np.isnat(found[0]):
        assert day > longest or (month == 12 and day == 30)
    else:
        assert day <= longest
        assert [int(part[0]) for part in days_to_jalali(found)] == [year, month, day]


def test_every_gregorian_day_against_numpy():
    days = every_day("0001-01-01", "9999-12-31")
    months = days.astype("datetime64[M]")
    number = months.astype(np.int64)
    day = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    np.testing.assert_array_equal(gregorian_to_days(number // 12 + 1970, number % 12 + 1, day), days)


@settings(deadline=None, max_examples=100)
@given(st.integers(-1, 10_001), st.integers(-1, 14), st.integers(-1, 33))
def test_a_gregorian_date_exists_if_python_has_it(year, month, day):
    try:
        expected = np.datetime64(datetime.date(year, month, day))
    except ValueError:
        expected = np.datetime64("NaT")
    np.testing.assert_array_equal(gregorian_to_days([year], [month], [day]), [expected])


@settings(deadline=None, max_examples=100)
@given(
    st.dates(datetime.date(622, 3, 22), datetime.date(3799, 3, 20)), st.sampled_from(["D", "s", "us", "ns"])
)
def test_a_day_comes_back_from_every_unit_of_time(day, unit):
    if unit == "ns" and not 1700 <= day.year <= 2200:
        unit = "us"  # nanoseconds reach from 1677 to 2262
    late = np.array([np.datetime64(day, "D").astype(f"datetime64[{unit}]")])
    if unit != "D":
        late = late + np.timedelta64(86_399, "s")
    assert days_of([int(part[0]) for part in days_to_jalali(late)])[0] == np.datetime64(day)


@pytest.mark.parametrize(
    "date",
    [
        (1403, 13, 1), (1403, 0, 1), (1403, -1, 1), (1403, 1, 0), (1403, 1, -1), (1403, 1, 32), (1403, 6, 32),
        (1403, 7, 31), (1403, 11, 31), (1403, 12, 31), (1402, 12, 30), (1401, 12, 30), (0, 1, 1), (-5, 1, 1),
        (LAST_YEAR + 1, 1, 1), (10**9, 1, 1), (1403, 10**9, 1), (1403, 1, 10**9),
    ],
)  # fmt: skip
def test_dates_that_do_not_exist_are_not_a_time(date):
    found = days_of((1403, 5, 12), date, (1403, 12, 30))
    assert np.isnat(found).tolist() == [False, True, False]


def test_days_without_a_jalali_date_are_zeros():
    outside = np.array(["NaT", "0600-01-01", "9000-01-01", "1969-12-31"], "datetime64[D]")
    assert [part.tolist() for part in days_to_jalali(outside)] == [
        [0, 0, 0, 1348], [0, 0, 0, 10], [0, 0, 0, 10],
    ]  # fmt: skip


def test_few_days_and_many_are_dated_alike():
    days = every_day("0600-01-01", "3900-01-01").astype("datetime64[D]")
    assert len(days) > 1_000_000
    many = days_to_jalali(days)
    few = [days_to_jalali(part) for part in np.array_split(days, 20)]
    for place in range(3):
        np.testing.assert_array_equal(np.concatenate([part[place] for part in few]), many[place])
    assert [part[0] for part in many] == [part[-1] for part in many] == [0, 0, 0]


def test_no_days_at_all():
    nothing = np.array([], dtype=np.int64)
    assert jalali_to_days(nothing, nothing, nothing).dtype == "datetime64[D]"
    assert [len(part) for part in days_to_jalali(np.array([], "datetime64[us]"))] == [0, 0, 0]


def test_month_names_are_those_of_the_law_in_order():
    assert len(set(MONTH_NAMES)) == 12
    assert (MONTH_NAMES[0], MONTH_NAMES[4], MONTH_NAMES[11]) == ("فروردین", "مرداد", "اسفند")


@pytest.mark.parametrize("period", ["M", "Q", "Y"])
def test_gregorian_periods_begin_as_in_pandas(period):
    first, last = datetime.date(1959, 11, 17), datetime.date(2031, 2, 3)
    days, starts = period_starts(first, last, period)
    stamps = pd.date_range(first, last, unit="s")
    np.testing.assert_array_equal(days, stamps.to_numpy().astype("datetime64[D]"))
    expected = stamps.to_period(period).start_time
    np.testing.assert_array_equal(starts, expected.to_numpy().astype("datetime64[D]"))


@pytest.mark.parametrize(("period", "months"), [("M", 1), ("Q", 3), ("Y", 12)])
def test_jalali_periods_begin_as_in_persiantools(period, months):
    first, last = datetime.date(2019, 12, 5), datetime.date(2026, 4, 9)
    days, starts = period_starts(first, last, period, "jalali")
    dates = [JalaliDate(day) for day in days.tolist()]
    expected = [JalaliDate(d.year, (d.month - 1) // months * months + 1, 1).to_gregorian() for d in dates]
    assert starts.tolist() == expected
    assert (len(days), days[0], days[-1]) == ((last - first).days + 1, first, last)


@pytest.mark.parametrize(("calendar", "begins"), [("gregorian", 0), ("jalali", 5)])
def test_weeks_begin_on_monday_and_in_iran_on_saturday(calendar, begins):
    days, starts = period_starts(datetime.date(1969, 12, 20), datetime.date(1970, 1, 20), "W", calendar)
    assert {start.weekday() for start in starts.tolist()} == {begins}
    assert set((days - starts).astype(int).tolist()) == set(range(7))


def test_a_period_of_one_day_and_of_none():
    day = datetime.date(2024, 3, 20)
    assert period_starts(day, day, "Y", "jalali")[1].tolist() == [day]
    assert [len(part) for part in period_starts(day, datetime.date(2024, 3, 19))] == [0, 0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"period": "D"}, "period is 'W', 'M', 'Q' or 'Y', not 'D'"),
        ({"calendar": "hijri"}, "calendar is 'gregorian' or 'jalali', not 'hijri'"),
    ],
)
def test_unknown_periods_and_calendars_are_refused(call, words):
    day = datetime.date(2024, 1, 1)
    with pytest.raises(ParameterError, match=words):
        period_starts(day, day, **call)


AUGUST = datetime.date(2024, 8, 2)


@pytest.mark.parametrize(
    "value",
    [
        "2024-08-02", "2024/8/2", " 2024-08-02 ", "2024-08-02T13:45:00", "2024-08-02 23:59", "۲۰۲۴-۰۸-۰۲",
        "1403-05-12", "1403/05/12", "1403/5/12", "۱۴۰۳/۰۵/۱۲", "١٤٠٣/٠٥/١٢", "1403/05/12 08:00",
        AUGUST, datetime.datetime(2024, 8, 2, 23, 59), pd.Timestamp("2024-08-02 12:00"),
        pd.Timestamp("2024-08-02 23:00", tz="Asia/Tehran"), np.datetime64("2024-08-02"),
        np.datetime64("2024-08-02T10:00", "ns"),
    ],
    ids=str,
)  # fmt: skip
def test_a_day_in_every_form_it_may_be_given(value):
    found = as_day(value)
    assert found == AUGUST
    assert type(found) is datetime.date


def test_the_last_day_of_a_jalali_leap_year():
    assert as_day("1403-12-30") == datetime.date(2025, 3, 20)


@pytest.mark.parametrize(
    "value",
    [
        "", "yesterday", "2024-08", "2024-13-01", "2024-02-30", "2023-02-29", "1403/07/31", "1402/12/30",
        "1403/13/01", "1403/00/10", "1403/01/00", "1199/01/01", "1501/01/01", "1799-12-31", "2201-01-01",
        "1600-01-01", "24-08-02", "02/08/2024", "2024-08-02 and so on", "2024-08-02T", None, 20240802,
        float("nan"), pd.NaT, pd.NA, np.datetime64("NaT"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_day_is_refused_by_the_name_it_has(value):
    with pytest.raises(ParameterError, match=r"^since is a day such as 2024-08-02 or 1403/05/12, not "):
        as_day(value, "since")


@settings(deadline=None, max_examples=100)
@given(st.dates(datetime.date(1821, 3, 21), datetime.date(2122, 3, 20)))
def test_a_day_is_the_same_in_both_calendars(day):
    jalali = JalaliDate(day)
    assert as_day(day.isoformat()) == day
    assert as_day(f"{jalali.year}/{jalali.month}/{jalali.day}") == day
