"""The one door between engine and pandas: types, order, limits, and periods of two calendars."""

import datetime
import subprocess
import sys

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from persiantools.jdatetime import JalaliDate

from crmlab.engine import add_period, as_table, collect, connect, like, to_pandas
from crmlab.errors import CrmlabError, ParameterError, TableError

NOON = datetime.datetime(2024, 8, 2, 12, 30, 5, 250_000)


@pytest.fixture
def mixed() -> pd.DataFrame:
    """A frame of every type a clean table has, each with a gap."""
    return pd.DataFrame({
        "text": pd.array(["علی", None, "b"], dtype="str"),
        "whole": pd.array([2**62 + 1, None, -1], dtype="Int64"),
        "number": [0.1, None, -2.5],
        "yes": pd.array([True, None, False], dtype="boolean"),
        "time": pd.Series([NOON, None, NOON.replace(year=1400)], dtype="datetime64[us]"),
        "zone": pd.Series([NOON, None, NOON]).astype("datetime64[us]").dt.tz_localize("Asia/Tehran"),
        "empty": pd.array([None, None, None], dtype="str"),
    })  # fmt: skip


def values(frame: pd.DataFrame) -> dict[str, list]:
    """Columns with None for what is missing."""
    return {name: [None if pd.isna(cell) else cell for cell in frame[name]] for name in frame}


# In and out


def test_what_goes_in_comes_out_with_its_types_and_gaps(mixed):
    mixed.index = [7, 8, 9]
    found = collect(as_table(mixed.assign(row=[1, 2, 3])), key="row").drop(columns="row")
    pd.testing.assert_frame_equal(found, mixed.reset_index(drop=True), check_like=False)


def test_a_frame_that_is_collected_is_that_frame(mixed):
    assert collect(mixed) is mixed


def test_a_table_that_is_let_in_is_that_table(mixed):
    table = as_table(mixed)
    assert isinstance(table, ibis.Table)
    assert as_table(table) is table


@pytest.mark.parametrize("what", [[1, 2], {"a": [1]}, None, pd.Series([1])])
def test_anything_else_is_refused_with_a_way_out(what):
    with pytest.raises(ParameterError) as error:
        as_table(what)
    assert str(error.value) == (
        "Expected a pandas DataFrame, an ibis table, the path of parquet files, a DuckDB relation or a "
        f"Spark DataFrame, got {type(what).__name__}; load other files with crmlab.load(...) or open a "
        "workspace with crmlab.open_workspace(...)."
    )


@pytest.mark.parametrize("values", [[1, "Ann"], ["Ann", 1], [1.5, {"Ann"}]])
def test_a_column_of_more_than_one_kind_is_named_and_its_values_are_not(values):
    with pytest.raises(TableError, match="The column paid in holds values of more than one kind") as error:
        as_table(pd.DataFrame({"paid in": pd.Series(values, dtype=object)}))
    assert "Ann" not in str(error.value)
    assert error.value.column == "paid in"


def test_parquet_files_and_relations_are_tables_too(mixed, tmp_path):
    import duckdb

    mixed = mixed.drop(columns="zone")  # parquet files come back in UTC
    first, second = mixed.iloc[:2], mixed.iloc[2:]
    (tmp_path / "log" / "2024").mkdir(parents=True)
    first.to_parquet(tmp_path / "log" / "a.parquet", index=False)
    second.to_parquet(tmp_path / "log" / "2024" / "b.parquet", index=False)
    of_frame = collect(as_table(mixed), key="whole")
    for source in (tmp_path / "log", str(tmp_path / "log")):
        pd.testing.assert_frame_equal(collect(as_table(source), key="whole"), of_frame)
    (tmp_path / "log" / "a.csv").touch()
    for pattern, rows in (("log/*.parquet", 2), ("log/**/*.parquet", len(mixed)), ("log/a.*", 2)):
        assert as_table(tmp_path / pattern).count().execute() == rows
    assert as_table(tmp_path / "log" / "a.parquet").count().execute() == 2
    with duckdb.connect() as connection:
        connection.execute("create table t as select range as whole from range(5)")
        assert as_table(connection.table("t").filter("whole > 2")).count().execute() == 2
    for nothing in (tmp_path / "absent", tmp_path / "*.parquet", tmp_path, "orders.csv"):
        if nothing == tmp_path:
            nothing = tmp_path / "empty"
            nothing.mkdir()
        with pytest.raises(ParameterError, match="There is no parquet file at"):
            as_table(nothing)


def test_like_gives_back_what_the_caller_brought(mixed):
    result = as_table(mixed).select("whole")
    assert like(as_table(mixed), result) is result
    assert values(like(mixed, result, key="whole")) == {"whole": [-1, 2**62 + 1, None]}


def test_a_frame_without_rows_keeps_its_columns():
    found = collect(as_table(pd.DataFrame({"a": pd.Series(dtype="int64"), "b": pd.Series(dtype="str")})))
    assert found.dtypes.astype("str").to_dict() == {"a": "int64", "b": "str"}
    assert len(found) == 0


# Order


@pytest.mark.parametrize(
    ("key", "columns"),
    [(None, ["a", "b", "c"]), ("c", ["c"]), (["b", "a"], ["b", "a"]), (("b", "c"), ["b", "c"])],
)
def test_a_result_is_sorted_by_its_key_whatever_order_it_came_in(key, columns):
    random = np.random.default_rng(1)
    frame = pd.DataFrame({
        "a": random.integers(0, 10, 200), "b": random.choice(["x", "y", "ب"], 200),
        "c": random.permutation(200),
    })  # fmt: skip
    table = as_table(frame)
    found = collect(table, key=key)
    expected = frame.sort_values(columns, ignore_index=True)
    assert found[columns].equals(expected[columns])
    assert sorted(found["c"]) == list(range(200))


def test_all_columns_in_order_make_equal_results_equal_byte_for_byte():
    frame = pd.DataFrame({"a": [2, 1, 2, None, 1], "b": ["x", None, "a", "z", "b"]}).astype({"a": "Int64"})
    first = collect(as_table(frame))
    again = collect(as_table(frame.sample(frac=1, random_state=3)))
    assert first.to_json() == again.to_json()
    assert values(first) == {"a": [1, 1, 2, 2, None], "b": ["b", None, "a", "x", "z"]}


# Limits


@pytest.mark.parametrize(
    ("rows", "limit", "fits"), [(10, 10, True), (10, 9, False), (0, 0, True), (1, 0, False)]
)
def test_too_many_rows_are_refused(rows, limit, fits):
    table = as_table(pd.DataFrame({"a": range(rows)}))
    if fits:
        assert len(collect(table, max_rows=limit)) == rows
    else:
        with pytest.raises(CrmlabError):
            collect(table, max_rows=limit)


def test_the_refusal_names_three_ways_out():
    with pytest.raises(CrmlabError) as error:
        collect(as_table(pd.DataFrame({"a": range(12_345)})), max_rows=1_000)
    assert str(error.value) == (
        "The result has 12,345 rows, more than max_rows=1,000. Aggregate it first "
        "(table.group_by(...).agg(...)), take a sample (table.sample(0.01, seed=1)), or raise "
        "the limit (collect(table, max_rows=12,345))."
    )


# The query


def test_a_result_says_which_query_it_is_of():
    frame = pd.DataFrame({"a": [1, 2]})
    table = as_table(frame)
    query = collect(table).attrs["query"]
    assert query["engine"] == "duckdb"
    assert query["version"] == __import__("duckdb").__version__
    assert len(query["sha256"]) == 64
    assert collect(table.filter(table["a"] > 1)).attrs["query"]["sha256"] != query["sha256"]


HASH = """
import pandas as pd
from crmlab.engine import add_period, as_table, collect
table = as_table(pd.DataFrame({"a": [1, 2], "day": pd.to_datetime(["2024-01-05", "2024-03-21"])}))
found = collect(add_period(table, "day", "M", "jalali"))
print(found.attrs["query"]["sha256"])
"""


def test_the_same_query_has_the_same_hash_in_every_run(capsys):
    other = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", HASH], capture_output=True, text=True, check=True
    )
    exec(HASH, {})
    exec(HASH, {})
    assert set(capsys.readouterr().out.split()) == {other.stdout.strip()}


# Periods

DAYS = pd.date_range("2023-01-01", "2026-04-15", freq="D")


@pytest.fixture(scope="module")
def days() -> ibis.Table:
    """A row per day of three years, the days doubled and in disorder, and two rows without one."""
    frame = pd.DataFrame({"time": [*DAYS, *DAYS[::-1] + pd.Timedelta(hours=13), pd.NaT, pd.NaT]})
    table = as_table(frame.assign(row=range(len(frame))))
    return table.mutate(day=table["time"].date())


@pytest.mark.parametrize(("period", "frequency"), [("M", "MS"), ("Q", "QS"), ("Y", "YS")])
def test_gregorian_periods_are_those_of_pandas(days, period, frequency):
    found = collect(add_period(days, "day", period), key="row")
    assert len(found) == 2 * len(DAYS)
    expected = found["day"].dt.to_period({"MS": "M", "QS": "Q", "YS": "Y"}[frequency]).dt.start_time
    assert (found["period"] == expected).all()
    assert str(found["period"].dtype) == "datetime64[us]"


@pytest.mark.parametrize(("period", "months"), [("M", 1), ("Q", 3), ("Y", 12)])
def test_jalali_periods_are_those_of_persiantools(days, period, months):
    found = collect(add_period(days, "day", period, calendar="jalali"), key="row")
    assert len(found) == 2 * len(DAYS)

    def start(day: pd.Timestamp) -> pd.Timestamp:
        jalali = JalaliDate(day.date())
        return pd.Timestamp(
            JalaliDate(jalali.year, (jalali.month - 1) // months * months + 1, 1).to_gregorian()
        )

    assert found["period"].tolist() == [start(day) for day in found["day"]]


def test_time_stamps_have_the_period_of_their_day(days):
    by_stamp = collect(add_period(days, "time", "M", "jalali"), key="row")
    by_day = collect(add_period(days, "day", "M", "jalali"), key="row")
    assert by_stamp["period"].equals(by_day["period"])
    assert by_stamp["time"].equals(by_day["time"])


def test_a_period_takes_the_place_of_an_earlier_one(days):
    found = collect(add_period(add_period(days, "day", "Y"), "day", "M"), key="row")
    assert found.columns.tolist() == ["time", "row", "day", "period"]
    assert found["period"].nunique() == 40


def test_a_table_without_days_has_no_periods(days):
    empty = add_period(days.filter(days["day"].isnull()), "day")
    assert empty.columns == ("time", "row", "day", "period")
    assert len(collect(empty)) == 0
    assert empty.schema()["period"] == add_period(days, "day").schema()["period"]


def test_periods_are_not_evaluated_before_they_are_asked_for(days):
    assert isinstance(add_period(days, "day"), ibis.Table)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"period": "D"}, "period is 'W', 'M', 'Q' or 'Y', not 'D'."),
        ({"calendar": "julian"}, "calendar is 'gregorian' or 'jalali', not 'julian'."),
    ],
)
def test_an_unknown_period_or_calendar_is_one_sentence(days, options, said):
    with pytest.raises(ParameterError) as error:
        add_period(days, "day", **options)
    assert str(error.value) == said


# Arrow to pandas


def test_whole_numbers_stay_whole():
    arrow = pa.table({
        "gaps": pa.array([1, None], pa.int16()),
        "full": pa.array([1, 2], pa.int16()),
        "unsigned": pa.array([2**64 - 1, None], pa.uint64()),
        "sum": pa.array([10**17 + 1, None], pa.decimal128(38, 0)),
        "huge": pa.array([10**30, None], pa.decimal128(38, 0)),
        "yes": pa.array([True, None]),
        "both": pa.array([True, False]),
        "day": pa.array([datetime.date(2024, 8, 2), None]),
        "fine": pa.array([1_722_601_805_123_456_789, None], pa.timestamp("ns")),
        "codes": pa.array(["a", None]).dictionary_encode(),
    })  # fmt: skip
    frame = to_pandas(arrow)
    assert frame.dtypes.astype("str").to_dict() == {
        "gaps": "Int64", "full": "int16", "unsigned": "UInt64", "sum": "Int64", "huge": "object",
        "yes": "boolean", "both": "bool", "day": "datetime64[us]", "fine": "datetime64[us]", "codes": "str",
    }  # fmt: skip
    assert values(frame.head(1)) == {
        "gaps": [1], "full": [1], "unsigned": [2**64 - 1], "sum": [10**17 + 1], "huge": [10**30],
        "yes": [True], "both": [True], "day": [pd.Timestamp("2024-08-02")],
        "fine": [pd.Timestamp("2024-08-02 12:30:05.123456")], "codes": ["a"],
    }  # fmt: skip
    assert frame.drop(columns=["full", "both"]).isna().to_numpy()[1].all()


def test_columns_keep_their_order_and_any_name():
    arrow = pa.table({"self": pa.array([1, None]), "b": pa.array(["x", "y"]), "index": pa.array([None, 2])})
    frame = to_pandas(arrow)
    assert frame.columns.tolist() == ["self", "b", "index"]
    assert values(frame) == {"self": [1, None], "b": ["x", "y"], "index": [None, 2]}


def test_a_sum_of_whole_numbers_is_whole():
    table = as_table(pd.DataFrame({"a": [2**60, 2**60, 1]}))
    assert collect(table.agg(total=table["a"].sum()))["total"].tolist() == [2**61 + 1]


# Connections


@pytest.mark.parametrize(
    "settings", [{"memory": "lots"}, {"memory": "5"}, {"threads": -1}, {"threads": "many"}]
)
def test_settings_the_engine_does_not_take_are_one_sentence(settings):
    with pytest.raises(ParameterError) as error:
        connect(**settings)
    given = {"memory": "2GB", "threads": None} | settings
    start = f"The engine does not take memory={given['memory']!r}, threads={given['threads']!r}: "
    assert str(error.value).startswith(start)
    assert "\n" not in str(error.value)


def test_a_connection_has_the_limits_it_was_given(tmp_path):
    engine = connect(memory="512MB", spill=str(tmp_path / "spill"), threads=1)
    wanted = (
        "memory_limit",
        "temp_directory",
        "threads",
        "autoload_known_extensions",
        "autoinstall_known_extensions",
    )
    found = {name: engine.raw_sql(f"SELECT current_setting('{name}')").fetchone()[0] for name in wanted}
    assert found == {
        "memory_limit": "488.2 MiB", "temp_directory": str(tmp_path / "spill"), "threads": 1,
        "autoload_known_extensions": False, "autoinstall_known_extensions": False,
    }  # fmt: skip


def test_any_ibis_connection_does_wherever_a_table_is_asked_for():
    other = ibis.duckdb.connect()
    table = other.create_table(
        "orders", pa.table({"a": [3, 1, 2], "day": pa.array([datetime.date(2024, 8, 2)] * 3)})
    )
    found = collect(table)
    assert found["a"].tolist() == [1, 2, 3]
    assert found.attrs["query"]["engine"] == "duckdb"
    assert (
        collect(add_period(table, "day", "M", "jalali"))["period"].tolist()
        == [pd.Timestamp("2024-07-22")] * 3
    )
