"""Rows that are equal, and keys that are used twice."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing.duplicates.exact import merge_exact, taken_keys
from crmlab.cleansing.ledger import Ledger


def ledger_of(rows: int, **lineage) -> Ledger:
    return Ledger("customers", pd.DataFrame({"source": "a.csv", "row": range(1, rows + 1)} | lineage))


def entries(ledger: Ledger, rows: int) -> list[list]:
    keys = pd.Series([f"key {place}" for place in range(rows)], dtype="str")
    return ledger.frame(keys)[["row", "key", "action", "column", "after"]].to_numpy().tolist()


FRAME = pd.DataFrame(
    {
        "name": ["Ann", "Bob", "Ann", None, "Ann", None, "Bob"],
        "age": pd.array([30, 40, 30, 50, 31, 50, None], dtype="Int64"),
    }
)


def test_equal_rows_are_merged_into_the_first_and_the_ledger_says_which():
    ledger = ledger_of(7)
    before = FRAME.copy()
    frame, merged = merge_exact(FRAME, ["name", "age"], ledger)
    assert (merged, frame.index.tolist()) == (2, [0, 1, 3, 4, 6])
    assert entries(ledger, 7) == [
        [3, "key 2", "merged", "*", "a.csv:1"],
        [6, "key 5", "merged", "*", "a.csv:4"],
    ]
    pd.testing.assert_frame_equal(FRAME, before)


def test_only_the_named_columns_count():
    ledger = ledger_of(7)
    frame, merged = merge_exact(FRAME, ["name"], ledger)
    assert (merged, frame.index.tolist()) == (4, [0, 1, 3])
    assert [row[4] for row in entries(ledger, 7)] == ["a.csv:1", "a.csv:1", "a.csv:4", "a.csv:2"]


def test_the_first_row_is_named_by_its_own_source():
    ledger = ledger_of(7, source=["x", "x", "y", "y", "y", "y", "y"], row=[1, 2, 1, 2, 3, 4, 5])
    merge_exact(FRAME, ["name", "age"], ledger)
    assert [row[4] for row in entries(ledger, 7)] == ["x:1", "y:2"]


def test_rows_whose_source_keeps_duplicates_are_not_merged():
    ledger = ledger_of(7, merge=[True, True, False, True, True, True, True])
    frame, merged = merge_exact(FRAME, ["name", "age"], ledger)
    assert (merged, frame.index.tolist()) == (1, [0, 1, 2, 3, 4, 6])


def test_nothing_to_merge_leaves_the_frame_as_it_is():
    ledger = ledger_of(7)
    frame, merged = merge_exact(FRAME.drop_duplicates(), ["name", "age"], ledger)
    assert merged == 0
    assert frame.equals(FRAME.drop_duplicates())
    assert entries(ledger, 7) == []


def test_positions_that_went_before_do_not_shift_the_others():
    ledger = ledger_of(7)
    frame, merged = merge_exact(FRAME.drop(index=[0, 3]), ["name", "age"], ledger)
    assert (merged, frame.index.tolist()) == (0, [1, 2, 4, 5, 6])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([1.5, 2.0, None])), max_size=12))
def test_merging_against_a_plain_loop(rows):
    frame = pd.DataFrame(rows, columns=["name", "value"]).astype({"name": "str", "value": "float64"})
    first: dict[tuple, int] = {}
    expected = {place: first.setdefault(row, place) for place, row in enumerate(rows)}
    kept, merged = merge_exact(frame, ["name", "value"], ledger := ledger_of(len(rows)))
    assert kept.index.tolist() == list(first.values())
    assert merged == len(rows) - len(first)
    told = [(row[0] - 1, row[4]) for row in entries(ledger, len(rows))]
    assert told == [(place, f"a.csv:{to + 1}") for place, to in expected.items() if place != to]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (["name"], [False, False, True, False, True, False, True]),
        (["name", "age"], [False, False, True, False, False, False, False]),
        (["age"], [False, False, True, False, False, True, False]),
    ],
)
def test_keys_taken_by_an_earlier_row(key, expected):
    assert taken_keys(FRAME, key).tolist() == expected
