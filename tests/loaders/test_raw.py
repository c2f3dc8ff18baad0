"""Raw tables: numbers of records, names of columns, one type for each column."""

import datetime
import math
from decimal import Decimal
from uuid import UUID

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab.loaders.raw import plain_columns, raw, unique_names

NOON = datetime.datetime(2024, 8, 2, 12, 30)
UTC = datetime.UTC
TEHRAN = datetime.timezone(datetime.timedelta(hours=3, minutes=30))


@given(st.lists(st.booleans(), max_size=30))
def test_the_numbers_of_kept_and_rejected_records_are_those_of_the_source(kept):
    places = {
        wanted: [n for n, keep in enumerate(kept, start=1) if keep == wanted] for wanted in (True, False)
    }
    found = raw(pd.DataFrame({"a": places[True]}), [(n, "why", "text") for n in places[False]])
    assert found.rows.tolist() == found.frame["a"].tolist()
    assert found.rejected["row"].tolist() == places[False]
    assert found.rows.index.equals(found.frame.index)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        ([" a ", "\ta"], ["a", "a (2)"]),
        (["", "  "], ["column 1", "column 2"]),
        (["a", "a", "a"], ["a", "a (2)", "a (3)"]),
        (["a", "a", "a (2)"], ["a", "a (3)", "a (2)"]),
        (["a", "a", "a (2)", "a (2)"], ["a", "a (3)", "a (2)", "a (2) (2)"]),
        (["", "column 1"], ["column 1", "column 1 (2)"]),
    ],
)
def test_headings_that_are_empty_or_repeated_get_names_of_their_own(names, expected):
    assert unique_names(names) == expected


@given(
    st.lists(
        st.sampled_from(["", "a", "a (2)", "a (3)", " a", "column 1", "column 2", "a (2) (2)"]), max_size=12
    )
)
def test_names_are_always_unique_and_keep_a_heading_that_is_alone(names):
    found = unique_names(names)
    assert len(set(found)) == len(names)
    plain = [name.strip() for name in names]
    for before, after in zip(plain, found, strict=True):
        if before and plain.count(before) == 1 and before.startswith("a"):
            assert after == before


def column(values: list) -> pd.Series:
    return plain_columns(pd.DataFrame({"a": pd.Series(values, dtype="object")}))["a"]


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, 2], "int64", [1, 2]),
        ([1, None], "Int64", [1, None]),
        ([1.0, 2.0], "Int64", [1, 2]),
        ([1, 2.5], "float64", [1.0, 2.5]),
        ([2**53 + 1, None], "Int64", [2**53 + 1, None]),
        ([2**53 + 1, math.nan, 4.0], "Int64", [2**53 + 1, None, 4]),
        ([2**53 + 1, 0.5], "str", ["9007199254740993", "0.5"]),
        ([2**63, 1], "str", ["9223372036854775808", "1"]),
        ([-(2**63) + 1], "int64", [-(2**63) + 1]),
        ([math.inf, 1.0], "float64", [math.inf, 1.0]),
        ([1e20, 1.5], "float64", [1e20, 1.5]),
        ([True, None], "boolean", [True, None]),
        ([True, 1], "str", ["True", "1"]),
        (["007", 5, 5.0, 5.5, None], "str", ["007", "5", "5", "5.5", None]),
        ([NOON, None], "datetime64[us]", [pd.Timestamp(NOON), None]),
        ([NOON.date(), NOON], "datetime64[us]", [pd.Timestamp("2024-08-02"), pd.Timestamp(NOON)]),
        ([NOON.replace(tzinfo=TEHRAN), None], "datetime64[us, UTC]",
         [pd.Timestamp("2024-08-02 09:00", tz="UTC"), None]),
        ([NOON, NOON.replace(tzinfo=UTC)], "str", ["2024-08-02 12:30:00", "2024-08-02 12:30:00+00:00"]),
        ([NOON.time(), None], "str", ["12:30:00", None]),
        ([Decimal("12.50"), Decimal("1E+3"), Decimal("0E-8"), Decimal("NaN")], "str",
         ["12.50", "1000", "0.00000000", None]),
        ([b"abc", "نام".encode(), b"\xff\x00", memoryview(b"z")], "str", ["abc", "نام", "ff00", "z"]),
        ([["a", "ب"], {"x": 1}], "str", ['["a", "ب"]', '{"x": 1}']),
        ([UUID(int=1)], "str", ["00000000-0000-0000-0000-000000000001"]),
        ([None, None], "str", [None, None]),
        ([math.nan, None], "str", [None, None]),
        ([], "str", []),
    ],
)  # fmt: skip
def test_a_column_of_python_objects_gets_the_one_type_that_holds_it_exactly(values, dtype, expected):
    found = column(values)
    assert str(found.dtype) == dtype
    assert [None if pd.isna(value) else value for value in found] == expected


def test_columns_that_have_a_type_stay_as_they_are():
    frame = pd.DataFrame({"a": [1.5], "b": pd.Series(["x"], dtype="str")}, index=[7])
    pd.testing.assert_frame_equal(plain_columns(frame), frame)
    assert plain_columns(pd.DataFrame(index=[1, 2])).shape == (2, 0)
