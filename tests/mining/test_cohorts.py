"""Cohorts against a plain pandas reference, the calendars of others, CDNOW and hand-made cases."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from persiantools.jdatetime import JalaliDate

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers import activity, cohort_triangle, cohorts, totals

COLUMNS = ["cohort", "age", "customers", "retention", "orders", "amount", "complete"]


def orders_of(rows: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["customer_id", "order_id", "time", "amount"])
    return frame.assign(time=pd.to_datetime(frame["time"]).astype("datetime64[us]"))


ORDERS = orders_of([
    ("a", "1", "2024-01-05 10:00", 500), ("a", "1", "2024-01-05 10:00", 200),
    ("a", "2", "2024-02-01 00:00", 700), ("a", "3", "2024-02-20 12:00", 100),
    ("b", "4", "2024-01-31 23:59", 300), ("b", "5", "2024-04-10 12:00", 400),
    ("b", "4", "2024-02-02 12:00", -50), ("b", "6", "2024-03-02 12:00", -100),
    ("c", "7", "2024-03-09 12:00", 250), ("c", "8", "2024-01-02 12:00", -20),
    ("d", "9", "2024-03-09 12:00", -250),
])  # fmt: skip


def cells(found: pd.DataFrame) -> list:
    return found.assign(cohort=found["cohort"].dt.strftime("%m")).values.tolist()


def test_a_table_computed_by_hand():
    found = cohorts(ORDERS)
    assert cells(found) == [
        ["01", 0, 2, 1.0, 2, 950, True], ["01", 1, 1, 0.5, 2, 800, True],
        ["01", 2, 0, 0.0, 0, -100, True], ["01", 3, 1, 0.5, 1, 400, False],
        ["03", 0, 1, 1.0, 1, 250, True], ["03", 1, 0, 0.0, 0, 0, False],
    ]  # fmt: skip
    assert found.columns.tolist() == COLUMNS
    kinds = ["datetime64[us]", "int64", "int64", "float64", "int64", "int64", "bool"]
    assert found.dtypes.astype("str").tolist() == kinds


def test_a_period_is_complete_if_it_ends_by_the_day():
    assert cohorts(ORDERS, until="2024-05-01")["complete"].all()
    assert cells(cohorts(ORDERS, until="2024-05-01")) == [
        [*row[:-1], True] for row in cells(cohorts(ORDERS, until="2024-04-30"))
    ]
    # Months after the last order are over as well, and nobody bought in them.
    later = cohorts(ORDERS, until="2024-07-01")
    assert later["age"].max() == 5
    assert later["orders"].sum() == cohorts(ORDERS)["orders"].sum()


def test_the_triangle_lacks_what_lies_ahead():
    found = cohorts(ORDERS)
    triangle = cohort_triangle(found)
    np.testing.assert_array_equal(triangle, [[1, 0.5, 0], [1, np.nan, np.nan]])
    every = cohort_triangle(found, "orders", complete=False)
    np.testing.assert_array_equal(every, [[2, 2, 0, 1], [1, 0, np.nan, np.nan]])
    assert triangle.index.name == "cohort"
    assert triangle.columns.tolist() == [0, 1, 2]
    assert triangle.attrs["period"] == "M"


def starts_of(days: pd.Series, period: str, calendar: str) -> pd.Series:
    """First days of periods by pandas and persiantools."""
    if calendar == "gregorian":
        return days.dt.to_period({"W": "W-SUN"}.get(period, period)).dt.start_time
    if period == "W":
        return days.dt.to_period("W-FRI").dt.start_time
    months = {"M": 1, "Q": 3, "Y": 12}[period]

    def start(day: pd.Timestamp) -> pd.Timestamp:
        date = JalaliDate(day.date())
        return pd.Timestamp(JalaliDate(date.year, (date.month - 1) // months * months + 1, 1).to_gregorian())

    return days.map(start)


def reference(orders: pd.DataFrame, period: str, calendar: str, until: datetime.date) -> pd.DataFrame:
    """The long table, cell by cell."""
    lines = orders.assign(day=orders["time"].dt.normalize())
    made = lines.groupby(["customer_id", "order_id"]).agg(
        day=("day", "min"), amount=("amount", "sum"), best=("amount", "max")
    )
    made = made[made["day"] < pd.Timestamp(until)].reset_index()
    if not (made["best"] >= 0).any():
        return pd.DataFrame(columns=COLUMNS)
    made["period"] = starts_of(made["day"], period, calendar)
    bought = made[made["best"] >= 0]
    first = bought.groupby("customer_id")["period"].min()
    made["cohort"] = made["customer_id"].map(first)
    days = pd.Series(pd.date_range(first.min(), until))
    starts = sorted(set(starts_of(days, period, calendar)))
    over = [start for start in starts if start < pd.Timestamp(until)]
    rows = []
    for cohort in sorted(set(first)):
        for age, now in enumerate(over[over.index(cohort) :]):
            cell = made[(made["cohort"] == cohort) & (made["period"] == now)]
            buyers = cell["customer_id"][cell["best"] >= 0]
            share = buyers.nunique() / (first == cohort).sum()
            whole = starts.index(now) < len(starts) - 1
            rows.append((cohort, age, buyers.nunique(), share, len(buyers), cell["amount"].sum(), whole))
    return pd.DataFrame(rows, columns=COLUMNS)


lines = st.lists(
    st.tuples(
        st.sampled_from("abcdef"), st.sampled_from("12345"),
        st.datetimes(datetime.datetime(2024, 1, 1), datetime.datetime(2024, 9, 30)),
        st.integers(-300, 1000),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(
    rows=lines, period=st.sampled_from("WMQY"), calendar=st.sampled_from(["gregorian", "jalali"]),
    until=st.dates(datetime.date(2024, 3, 1), datetime.date(2025, 1, 2)),
)  # fmt: skip
def test_cohorts_equal_the_reference(rows, period, calendar, until):
    orders = orders_of(rows)
    expected = reference(orders, period, calendar, until)
    assume(len(expected))
    found = cohorts(orders, period, calendar, until)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_exact=True)


@settings(max_examples=10, deadline=None)
@given(rows=lines, seed=st.integers(0, 2**16))
def test_cohorts_do_not_depend_on_the_order_of_the_lines(rows, seed):
    orders = orders_of(rows)
    pd.testing.assert_frame_equal(cohorts(orders), cohorts(orders.sample(frac=1, random_state=seed)))


@settings(max_examples=8, deadline=None)
@given(rows=lines, period=st.sampled_from(["W", "M", "Q"]), until=st.sampled_from([None, "2024-02-15"]))
def test_without_ids_each_line_is_an_order(rows, period, until):
    orders = orders_of(rows)
    numbered = orders.assign(order_id=[str(n) for n in range(len(orders))])
    found = cohorts(orders.drop(columns="order_id"), period=period, until=until)
    pd.testing.assert_frame_equal(found, cohorts(numbered, period=period, until=until), check_dtype=False)


def test_weeks_of_years_do_not_fit_into_one_integer():
    weeks = pd.date_range("2020-01-06", periods=200, freq="7D", unit="us")
    orders = pd.DataFrame({"customer_id": "a", "time": weeks, "amount": 1}).iloc[[0, 61, 62, 123, 124, 199]]
    other = pd.DataFrame({"customer_id": "b", "time": weeks, "amount": 1})
    found = cohorts(pd.concat([orders, other]), period="W")
    assert found["customers"].map({1: "b", 2: "both"}).tolist() == [
        "both" if n in (0, 61, 62, 123, 124, 199) else "b" for n in range(200)
    ]


@pytest.mark.parametrize("calendar", ["gregorian", "jalali"])
def test_the_sample_adds_up_to_its_activity(calendar):
    orders = crm.sample(customers=300, seed=3, language="en")["orders"]
    found = cohorts(orders, calendar=calendar)
    assert found["customers"][found["age"] == 0].sum() == totals(orders)["customers"]
    assert found["orders"].sum() == totals(orders)["orders"]
    monthly = activity(orders, calendar=calendar).set_index("month")
    first = found[found["age"] == 0].set_index("cohort")["customers"]
    assert first.reindex(monthly.index, fill_value=0).tolist() == monthly["new"].tolist()
    assert found["retention"].between(0, 1).all()


def test_cdnow_by_month(public_data):
    lines = pd.read_csv(
        public_data / "cdnow" / "CDNOW_master.txt", sep=r"\s+", header=None, skiprows=1,
        names=["customer_id", "time", "cds", "amount"],
    )  # fmt: skip
    lines["time"] = pd.to_datetime(lines["time"].astype("str"), format="%Y%m%d")
    lines["amount"] = (lines["amount"] * 100).round().astype("int64")
    found = cohorts(lines)
    # The log ends on the last day of June 1998, so its 18 months are whole.
    assert found["complete"].all()
    triangle = cohort_triangle(found, "customers")
    assert triangle.shape == (3, 18)
    assert triangle.isna().sum(axis=1).tolist() == [0, 1, 2]
    month = lines["time"].dt.to_period("M")
    first = month.groupby(lines["customer_id"]).transform("min")
    expected = lines.assign(month=month, first=first).groupby(["first", "month"])["customer_id"].nunique()
    assert triangle.stack().dropna().tolist() == expected.tolist()
    assert triangle[0].sum() == 23570
    assert found["amount"].sum() == lines["amount"].sum()
    assert found["orders"].sum() == len(lines)


def test_a_table_of_the_engine_gives_the_same_frame():
    pd.testing.assert_frame_equal(cohorts(crm.as_table(ORDERS)), cohorts(ORDERS))


def test_nothing_before_the_day_is_an_empty_frame():
    empty = cohorts(ORDERS, until="2023-01-01")
    assert empty.columns.tolist() == COLUMNS
    assert empty.empty
    assert cohort_triangle(empty).empty


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"period": "D"}, "period is 'W', 'M', 'Q' or 'Y', not 'D'"),
        ({"calendar": "hijri"}, "calendar is 'gregorian' or 'jalali', not 'hijri'"),
        ({"until": "soon"}, "until is a day such as 2024-08-02"),
    ],
)
def test_impossible_calls_are_refused(call, words):
    with pytest.raises(ParameterError, match=words):
        cohorts(ORDERS, **call)


def test_a_triangle_of_something_else_is_refused():
    with pytest.raises(ParameterError, match="value is 'customers', 'retention', 'orders' or 'amount'"):
        cohort_triangle(cohorts(ORDERS), "profit")
    with pytest.raises(TableError, match="Cohorts need a column age"):
        cohort_triangle(ORDERS.rename(columns={"time": "cohort"}))
