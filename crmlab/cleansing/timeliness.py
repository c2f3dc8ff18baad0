"""Timeliness: how old the newest records are, where there are none, and when customers were last seen.

ISO/IEC 25012:2008 calls it currentness, "the degree to which data has attributes that are of the right
age in a specific context of use". Cleansing does not change it, so there is no before and after. The
day from which one looks back is given, never today: the same data give the same figures on any day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.calendars import Day, as_day, period_starts
from crmlab.engine import as_table, collect
from crmlab.tables import TABLES

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

#: The day on which a record came about, in tables that have no `time`.
_CAME_ABOUT = {"customers": "registered_at", "opportunities": "opened_at", "campaigns": "started_at"}
#: Days since a customer was last seen, at most, and how such customers are called.
_BANDS = {30: "within 30 days", 90: "31 to 90 days ago", 180: "91 to 180 days ago",
          365: "181 to 365 days ago", 730: "366 to 730 days ago"}  # fmt: skip
_EARLIER, _NEVER = "longer ago", "no dated record"


def measure_timeliness(
    tables: Mapping[str, Log], as_of: Day | None = None, calendar: str = "gregorian"
) -> pd.DataFrame:
    """How old the records of each table are, by its columns of days and times.

    Parameters
    ----------
    tables
        Clean tables by name, frames or ibis tables; only counts by day leave the engine.
    as_of
        Day from which one looks back; the last day on which a record came about if not given.
    calendar
        Of the months, ``"gregorian"`` or ``"jalali"``.

    Returns
    -------
    DataFrame
        One row per column with a date in it: `table`, `column`, `n` (rows with a date), `first` and
        `last` day; `later`, rows of a day after the one looked back from. For the column that says
        when a record came about, `age`, the days from the newest record up to that day to it; for
        logs also `months` from the first to the last record, `without`, those without any, and
        `longest`, as many of them as follow one another. ``.attrs["as_of"]`` is the day looked back
        from. It is None, and `later` is missing, if none is given and no record says when it came
        about.

    Examples
    --------
    >>> orders = pd.DataFrame({"time": pd.to_datetime(["2024-01-05", "2024-01-20", "2024-05-02"])})
    >>> measured = measure_timeliness({"orders": orders}, "2024-05-12")
    >>> measured[["age", "months", "without", "longest"]].values.tolist()
    [[10, 5, 3, 3]]
    """
    days = _days(tables)
    came = days[days["column"] == days["table"].map(_came_about)]
    newest = came["day"].max() if len(came) else pd.NaT
    end = newest if as_of is None else pd.Timestamp(as_day(as_of))
    rows = []
    for (name, column), part in days.groupby(["table", "column"], sort=False):
        later = pd.NA if end is pd.NaT else part["rows"][part["day"] > end].sum()
        row = {"table": name, "column": column, "n": part["rows"].sum(), "first": part["day"].min(),
               "last": part["day"].max(), "later": later}  # fmt: skip
        if column == _came_about(name):
            row["age"] = (end - part["day"][part["day"] <= end].max()).days
            if TABLES[name].log:
                row |= _months(part["day"], calendar)
        rows.append(row)
    whole = dict.fromkeys(["later", "age", "months", "without", "longest"], "Int64")
    found = pd.DataFrame(rows, columns=["table", "column", "n", "first", "last", *whole])
    found = found.astype(whole | {"n": "int64"})
    found.attrs["as_of"] = None if end is pd.NaT else end.date()
    return found


def last_seen(tables: Mapping[str, Log], as_of: Day | None) -> pd.DataFrame:
    """How many customers had their last dated record so many days before a day.

    Any record counts that names the customer and the day it came about: an order, a contact, an
    answer, a message of a campaign, the registration itself.

    Parameters
    ----------
    tables
        Clean tables by name. The customers are those of the table `customers`, or if there is none,
        all who are named.
    as_of
        Day from which one looks back; what came about later is not looked at. None if nothing is
        dated: there is nothing to tell then.

    Returns
    -------
    DataFrame
        `days` (missing: no dated record) and `customers`, in the order of the days.
    """
    day, parts = None if as_of is None else as_day(as_of), []
    for name, data in tables.items() if day else ():
        when = _came_about(name)
        if when in data.columns and "customer_id" in data.columns:
            table = as_table(data)
            parts.append(table.select("customer_id", day=table[when].date()).drop_null())
    if not parts:
        return pd.DataFrame({"days": pd.Series(dtype="Int64"), "customers": pd.Series(dtype="int64")})
    every = _stacked(parts)
    last = every.filter(every["day"] <= day).group_by("customer_id").agg(day=lambda seen: seen["day"].max())
    if "customers" in tables:
        known = as_table(tables["customers"]).select("customer_id")
        last = known.left_join(last, "customer_id").select("customer_id", "day")
    found = collect(last.group_by("day").agg(customers=lambda seen: seen.count()))
    found["days"] = (pd.Timestamp(day) - pd.to_datetime(found["day"])).dt.days.astype("Int64")
    return found.sort_values("days", ignore_index=True)[["days", "customers"]].astype({"customers": "int64"})


def seen_bands(seen: pd.DataFrame) -> pd.DataFrame:
    """Customers by how long ago they were last seen, and their share of all.

    Parameters
    ----------
    seen
        As `last_seen` returns it.

    Examples
    --------
    >>> seen = pd.DataFrame({"days": pd.array([3, 400, None], dtype="Int64"), "customers": [6, 3, 1]})
    >>> bands = seen_bands(seen)
    >>> bands.loc[bands["customers"] > 0, ["band", "share"]].values.tolist()
    [['within 30 days', 0.6], ['366 to 730 days ago', 0.3], ['no dated record', 0.1]]
    """
    names = [*_BANDS.values(), _EARLIER, _NEVER]
    days = seen["days"].astype("Float64").fillna(float("inf")).astype("float64")
    # Between the last edge and the infinite, which stands for no day at all.
    edges = [-float("inf"), *_BANDS, 1e9, float("inf")]
    band = pd.cut(days, edges, labels=names)
    found = seen.groupby(band, observed=False)["customers"].sum().rename_axis("band").reset_index()
    total = found["customers"].sum()
    return found.assign(band=found["band"].astype("str"), share=found["customers"] / max(total, 1))


def _came_about(table: str) -> str:
    return _CAME_ABOUT.get(table, "time")


def _days(tables: Mapping[str, Log]) -> pd.DataFrame:
    """How many rows each column of days and times has of each day."""
    import ibis

    parts, order = [], []
    for name, data in tables.items():
        table = as_table(data)
        for column in table.columns:
            if table[column].type().is_temporal() and not table[column].type().is_time():
                key = ibis.literal(len(order), "int64")
                parts.append(table.select(place=key, day=table[column].date()))
                order.append((name, column))
    if not parts:
        return pd.DataFrame(columns=["table", "column", "day", "rows"])
    every = _stacked(parts)
    counted = every.filter(every["day"].notnull()).group_by(["place", "day"])
    found = collect(counted.agg(rows=lambda days: days.count()))
    names = pd.DataFrame(order, columns=["table", "column"], dtype="str").iloc[found.pop("place")]
    found["day"] = pd.to_datetime(found["day"])
    return pd.concat([names.reset_index(drop=True), found], axis="columns")


def _stacked(parts: list[ibis.Table]) -> ibis.Table:
    import ibis

    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _months(days: pd.Series, calendar: str) -> dict[str, int]:
    """Months from the first to the last of some days, and those in which none of them lies."""
    first, last = days.min().date(), days.max().date()
    _, starts = period_starts(first, last, "M", calendar)
    every = pd.Index(pd.to_datetime(starts)).unique()
    offsets = (days - pd.Timestamp(first)).dt.days.to_numpy()
    has = every.isin(pd.to_datetime(starts)[offsets])
    runs = pd.Series(~has).groupby(has.cumsum()).sum()
    return {"months": len(every), "without": int((~has).sum()), "longest": int(runs.max())}
