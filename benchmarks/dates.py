"""Jalali and Gregorian dates: rows per CPU second of ours and of a named peer, on n rows.

The conversion of numbers by itself, on all n rows; then reading text, on a tenth of them. persiantools
takes one date at a time, so it gets fewer rows. pandas knows no Jalali dates: of the mixed column it makes
days in the year 1403, and is there for the time it takes.
"""

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
from measure import seconds
from persiantools import digits
from persiantools.jdatetime import JalaliDate

from crmlab.calendars import days_to_jalali, jalali_to_days
from crmlab.cleansing import read_dates, to_jalali

#: Days of forty years, 1363 to 1402.
FIRST, DAYS = np.datetime64("1984-03-21"), 14_610
ONE_BY_ONE = 50_000
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def rate(work: Callable[[], object], rows: int, times: int = 3) -> float:
    """Rows per CPU second, the best of some runs, once it has been done."""
    work()
    return rows / min(seconds(work)[0] for _ in range(times))


def report(what: str, ours: float, name: str, peer: float) -> None:
    print(f"{what:<34}{ours:>14,.0f}{peer:>14,.0f}{ours / peer:>9.1f}  {name}", flush=True)


def numbers(n: int) -> None:
    """Year, month and day to day numbers and back, and to text."""
    days = FIRST + np.random.default_rng(1).integers(0, DAYS, n)
    year, month, day = days_to_jalali(days)
    some = days[:ONE_BY_ONE].astype(object)
    parts = [(int(y), int(m), int(d)) for y, m, d in zip(year[: len(some)], month, day, strict=False)]
    report("Jalali to Gregorian days", rate(lambda: jalali_to_days(year, month, day), n), "persiantools",
           rate(lambda: [JalaliDate(*date).to_gregorian() for date in parts], len(some)))  # fmt: skip
    report("Gregorian days to Jalali", rate(lambda: days_to_jalali(days), n), "persiantools",
           rate(lambda: [JalaliDate(date) for date in some], len(some)))  # fmt: skip
    stamps = pd.Series(days.astype("datetime64[us]"))
    report("time stamps to Jalali text", rate(lambda: to_jalali(stamps), n), "persiantools",
           rate(lambda: [JalaliDate(date).strftime("%Y/%m/%d") for date in some], len(some)))  # fmt: skip


def texts(n: int) -> dict[str, tuple[pd.Series, str]]:
    """Columns of n dates in text by what they are, and who reads them besides."""
    random = np.random.default_rng(2)
    stamps = pd.Series((FIRST + random.integers(0, DAYS, n)).astype("datetime64[s]"))
    times = stamps + pd.to_timedelta(random.integers(0, 86_400, n), unit="s")
    jalali, iso = to_jalali(stamps), stamps.dt.strftime("%Y-%m-%d")
    return {
        "Jalali, Persian digits": (jalali.map(lambda text: text.translate(PERSIAN)), "persiantools"),
        "Jalali, slashes": (jalali, "persiantools"),
        "Gregorian, ISO": (iso, "pandas"),
        "Gregorian, slashes": (iso.str.replace("-", "/"), "pandas"),
        "Gregorian, day first": (stamps.dt.strftime("%d/%m/%Y"), "pandas"),
        "Gregorian, with the time": (times.dt.strftime("%Y-%m-%d %H:%M:%S"), "pandas"),
        "Jalali, with the time": (jalali + times.dt.strftime(" %H:%M:%S"), "pandas, mixed"),
        "Jalali, ISO, slashes mixed": (
            pd.Series(np.choose(random.integers(0, 3, n), [jalali, iso, iso.str.replace("-", "/")])),
            "pandas, mixed",
        ),
    }


def by_persiantools(values: list[str]) -> list:
    return [JalaliDate(*map(int, digits.fa_to_en(text).split("/"))).to_gregorian() for text in values]


def reading(n: int) -> None:
    """Text of several shapes to time stamps."""
    for what, (values, name) in texts(n).items():
        values = values.astype("str")
        if name == "persiantools":
            some = values.head(ONE_BY_ONE).tolist()
            peer = rate(lambda v=some: by_persiantools(v), len(some))
        else:
            mixed = {"format": "mixed", "errors": "coerce"}
            options = mixed if "mixed" in name else {"dayfirst": "day first" in what}
            peer = rate(lambda v=values, o=options: pd.to_datetime(v, **o), n)
        ours = rate(lambda v=values: read_dates(v), n)
        report(what, ours, name, peer)


if __name__ == "__main__":
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    print(f"{'rows per CPU second':<34}{'crmlab':>14}{'peer':>14}{'ratio':>9}")
    numbers(n)
    reading(n // 10)
