"""How old records are, which months have none, and when customers were last seen."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing.timeliness import last_seen, measure_timeliness, seen_bands
from crmlab.engine import as_table


def days(*texts: str) -> pd.Series:
    return pd.to_datetime(pd.Series(texts, dtype="str"), format="ISO8601").astype("datetime64[us]")


TABLES = {
    "customers": pd.DataFrame({
        "customer_id": list("abcd"), "birth_date": days("1990-01-01", None, "2050-01-01", None),
        "registered_at": days("2023-01-01", "2024-02-01", None, None),
    }),
    "orders": pd.DataFrame({
        "customer_id": ["a", "a", "b", "z"],
        "time": days("2023-11-30 10:00", "2024-01-02 12:00", "2024-05-20 23:59:59", "2024-05-31"),
    }),
    "products": pd.DataFrame({"product_id": ["p"]}),
}  # fmt: skip


@pytest.mark.parametrize("put", [lambda frame: frame, as_table], ids=["frames", "engine"])
def test_ages_gaps_and_later_days_are_those_planted(put):
    found = measure_timeliness({name: put(table) for name, table in TABLES.items()}, "2024-05-21")
    assert found.attrs["as_of"] == datetime.date(2024, 5, 21)
    rows = found.set_index(["table", "column"])
    assert rows["n"].tolist() == [2, 2, 4]
    assert rows["later"].tolist() == [1, 0, 1]
    # Neither a day of birth nor a day after the one looked back from is the newest record.
    assert rows["age"].astype("object").where(rows["age"].notna(), None).tolist() == [None, 110, 1]
    # November to May; nothing in December, February, March and April.
    assert rows.loc[("orders", "time"), ["months", "without", "longest"]].tolist() == [7, 4, 3]
    assert rows.loc[("customers", "registered_at"), ["months", "without", "longest"]].isna().all()
    assert rows.loc[("orders", "time"), ["first", "last"]].tolist() == list(days("2023-11-30", "2024-05-31"))


def test_one_looks_back_from_the_newest_record_and_never_from_a_birth():
    found = measure_timeliness(TABLES)
    assert found.attrs["as_of"] == datetime.date(2024, 5, 31)
    assert found["later"].tolist() == [1, 0, 0]
    alone = measure_timeliness({"customers": TABLES["customers"].drop(columns="registered_at")})
    assert alone.attrs["as_of"] is None
    assert alone["later"].isna().all()
    nothing = measure_timeliness({"products": TABLES["products"]})
    assert nothing.empty
    assert nothing.attrs["as_of"] is None


def test_months_are_those_of_the_calendar():
    # The two days lie in one Gregorian month and in two Jalali ones, and the other way round.
    spring, march = days("2024-03-19", "2024-03-21"), days("2024-02-28", "2024-03-05")
    for times, gregorian, jalali in ((spring, 1, 2), (march, 2, 1)):
        tables = {"orders": pd.DataFrame({"time": times})}
        assert measure_timeliness(tables)["months"].tolist() == [gregorian]
        assert measure_timeliness(tables, calendar="jalali")["months"].tolist() == [jalali]


@pytest.mark.parametrize("put", [lambda frame: frame, as_table], ids=["frames", "engine"])
def test_customers_are_seen_by_whatever_names_them_and_a_day(put):
    seen = last_seen({name: put(table) for name, table in TABLES.items()}, "2024-05-21")
    # b ordered yesterday, a in January; c and d never did anything; z is no customer, and was here later.
    assert seen["days"].astype("object").where(seen["days"].notna(), None).tolist() == [1, 140, None]
    assert seen["customers"].tolist() == [1, 1, 2]
    strangers = last_seen({"orders": put(TABLES["orders"])}, "2024-06-01")
    assert strangers.to_numpy().tolist() == [[1, 1], [12, 1], [151, 1]]


def test_without_a_day_nobody_was_seen():
    for seen in (last_seen(TABLES, None), last_seen({"products": TABLES["products"]}, "2024-01-01")):
        assert seen.empty
        assert seen_bands(seen)["customers"].sum() == 0


@settings(max_examples=50)
@given(st.lists(st.tuples(st.none() | st.integers(0, 2000), st.integers(1, 50)), max_size=8))
def test_bands_take_every_customer_once(counts):
    seen = pd.DataFrame({"days": pd.array([day for day, _ in counts], dtype="Int64"),
                         "customers": pd.Series([n for _, n in counts], dtype="int64")})  # fmt: skip
    bands = seen_bands(seen).set_index("band")
    edges = {"within 30 days": (0, 30), "31 to 90 days ago": (31, 90), "91 to 180 days ago": (91, 180),
             "181 to 365 days ago": (181, 365), "366 to 730 days ago": (366, 730),
             "longer ago": (731, np.inf)}  # fmt: skip
    for band, (low, high) in edges.items():
        expected = sum(n for day, n in counts if day is not None and low <= day <= high)
        assert bands.loc[band, "customers"] == expected
    assert bands.loc["no dated record", "customers"] == sum(n for day, n in counts if day is None)
    assert bands["share"].sum() == pytest.approx(1 if counts else 0)
