"""Hours of work between two moments, minute by minute, and the holidays of Iran."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab.calendars import as_day
from crmlab.errors import ParameterError
from crmlab.mining.methods import BusinessHours, business_hours_between, iranian_holidays

SPLIT = BusinessHours(
    {"Monday": "08:30-12:00, 13:00-17:15", "thursday": "00:00-24:00", "sunday": "22:00-23:59"},
    holidays=["2024-03-07"],
)
CALENDARS = {
    "western": BusinessHours.western(),
    "iranian": BusinessHours.iranian(holidays=["1403/01/22", "1403/01/23"]),
    "split": SPLIT,
}
SOLAR = {*iranian_holidays(1402), *iranian_holidays(1403)}
MINUTE = st.integers(0, 60 * 24 * 60)


def at_work(minute: datetime.datetime, calendar: BusinessHours) -> bool:
    """The slow definition of one minute."""
    if minute.date() in calendar.holidays or (calendar.solar_holidays and minute.date() in SOLAR):
        return False
    week = {name.lower(): hours for name, hours in calendar.week.items()}
    hours = week.get(f"{minute:%A}".lower(), "")
    spells = [part.strip().split("-") for part in hours.split(",") if part]
    return any(start <= f"{minute:%H:%M}" < end for start, end in spells)


@pytest.mark.parametrize("name", CALENDARS)
def test_hours_are_the_minutes_at_work(name):
    calendar, begin = CALENDARS[name], datetime.datetime(2024, 3, 1)
    minutes = [begin + datetime.timedelta(minutes=k) for k in range(40 * 24 * 60)]
    worked = np.cumsum([0] + [at_work(minute, calendar) for minute in minutes]) / 60
    random = np.random.default_rng(1)
    start, end = random.integers(0, len(minutes), (2, 2000))
    stamps = pd.Series(minutes)
    found = business_hours_between(stamps[start].to_numpy(), stamps[end].to_numpy(), calendar)
    np.testing.assert_allclose(found, worked[end] - worked[start], atol=1e-9)
    assert worked[-1] > 50


@given(MINUTE, MINUTE, MINUTE, st.sampled_from(sorted(CALENDARS)))
def test_hours_add_up_and_are_no_longer_than_the_clock(a, b, c, name):
    first, second, third = (
        np.datetime64("2024-03-01T00:00") + np.timedelta64(k, "m") for k in sorted((a, b, c))
    )
    calendar = CALENDARS[name]
    parts = business_hours_between([first, second], [second, third], calendar)
    whole = business_hours_between(first, third, calendar)
    assert parts.sum() == pytest.approx(whole[0])
    assert 0 <= whole[0] <= (third - first) / np.timedelta64(1, "h") + 1e-9
    assert business_hours_between(third, first, calendar)[0] == pytest.approx(-whole[0])


def test_the_iranian_weekend():
    calendar = BusinessHours.iranian()
    # Wednesday 1403/05/10 15:00 to Saturday 13th 09:00: an hour, half of Thursday, no Friday, an hour.
    assert business_hours_between("2024-07-31 15:00", "2024-08-03 09:00", calendar)[0] == 6
    assert business_hours_between("2024-08-02 00:00", "2024-08-03 00:00", calendar)[0] == 0
    assert business_hours_between("2024-07-31 15:00", "2024-08-03 09:00", BusinessHours.western())[0] == 18
    closed = BusinessHours.iranian(thursday="")
    assert business_hours_between("2024-07-31 15:00", "2024-08-03 09:00", closed)[0] == 2


def test_solar_holidays_of_a_jalali_year():
    found = iranian_holidays(1403)
    assert found[:6] == [as_day(f"1403/01/{day:02}") for day in (1, 2, 3, 4, 12, 13)]
    assert found[6:] == [as_day(day) for day in
                         ("1403/03/14", "1403/03/15", "1403/11/22", "1403/12/29", "1403/12/30")]  # fmt: skip
    # 1403 is a leap year, 1404 is not.
    assert len(iranian_holidays(1404)) == 10
    for day in found:
        moments = pd.Timestamp(day), pd.Timestamp(day) + pd.Timedelta(days=1)
        assert business_hours_between(*moments, BusinessHours.iranian())[0] == 0


def test_lunar_holidays_are_days_that_are_given():
    day = "1403/01/22"  # Eid al-Fitr
    span = ("2024-04-10 00:00", "2024-04-11 00:00")
    assert business_hours_between(*span, BusinessHours.iranian())[0] == 8
    assert business_hours_between(*span, BusinessHours.iranian(holidays=[day]))[0] == 0


def test_missing_moments_have_no_hours_and_one_stands_for_all():
    ends = pd.Series(pd.to_datetime(["2024-01-08 10:00", None, "2024-01-08 12:00"]))
    found = business_hours_between("2024-01-08 09:30", ends, BusinessHours.western())
    np.testing.assert_allclose(found, [0.5, np.nan, 2.5])
    assert np.isnan(business_hours_between(pd.NaT, pd.NaT, BusinessHours.western())).all()
    assert len(business_hours_between(ends[:0], ends[:0], BusinessHours.western())) == 0


def test_moments_of_a_time_zone_count_by_its_clock():
    start = pd.Series(pd.to_datetime(["2024-01-08 09:00"])).dt.tz_localize("Asia/Tehran")
    end = start + pd.Timedelta(hours=3)
    assert business_hours_between(start, end, BusinessHours.western())[0] == 3


@pytest.mark.parametrize(
    ("week", "said"),
    [
        ({"moonday": "09:00-17:00"}, "no day of the week 'moonday'; did you mean 'monday'"),
        ({"monday": "9 to 5"}, "Hours of monday are spells in order"),
        ({"monday": "17:00-09:00"}, "Hours of monday are spells in order"),
        ({"monday": "09:60-17:00"}, "Hours of monday are spells in order"),
        ({"monday": "09:00-25:00"}, "Hours of monday are spells in order"),
        ({"monday": "09:00-13:00, 12:00-17:00"}, "Hours of monday are spells in order"),
        ({"monday": ""}, "No day of the week has hours"),
        ({}, "No day of the week has hours"),
    ],
)
def test_hours_that_are_none_are_refused(week, said):
    with pytest.raises(ParameterError, match=said):
        BusinessHours(week)


def test_other_wrong_calls_are_sentences():
    with pytest.raises(ParameterError, match="A holiday is a day such as"):
        BusinessHours.western(holidays=["Christmas"])
    with pytest.raises(ParameterError, match="give a list of them"):
        BusinessHours.western(holidays="2024-12-25")
    with pytest.raises(ParameterError, match="calendar is a BusinessHours"):
        business_hours_between("2024-01-01", "2024-01-02", "western")
    with pytest.raises(ParameterError, match="Moments are time stamps"):
        business_hours_between([1, 2], [3, 4], BusinessHours.western())
    with pytest.raises(ParameterError, match="Moments are time stamps"):
        business_hours_between(["noon"], ["2024-01-02"], BusinessHours.western())
    days = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"])
    with pytest.raises(ParameterError, match="2 starts, but 3 ends"):
        business_hours_between(days[:2], days, BusinessHours.western())
    with pytest.raises(ParameterError, match="Jalali year"):
        iranian_holidays(9999)
