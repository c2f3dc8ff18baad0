"""The ledger: what is written down comes out in full, in order, beside the record it is about."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing.ledger import (
    ACTIONS,
    COLUMNS,
    QUARANTINE_COLUMNS,
    Ledger,
    empty_ledger,
    empty_quarantine,
    summarise,
)

LINEAGE = pd.DataFrame(
    {"source": ["a.csv", "a.csv", "b.csv", "b.csv"], "row": [1, 3, 1, 2]}, index=[9, 9, 9, 9]
)
KEYS = pd.Series(["k0", "k1", None, "k3"], dtype="str")


def rows(*places: int) -> pd.Series:
    """True at these places of the four."""
    return pd.Series([place in places for place in range(4)])


def text(*values: str | None) -> pd.Series:
    return pd.Series(values, dtype="str")


def plain(frame: pd.DataFrame) -> list[list]:
    return [[None if pd.isna(value) else value for value in row] for row in frame.to_numpy().tolist()]


def test_a_cell_is_told_with_its_place_key_and_both_values():
    ledger = Ledger("orders", LINEAGE)
    before, after = text("1,5", "2", "x", None), text("1.5", "2", None, None)
    ledger.cells("repaired", "number unified", "amount", rows(0, 2), before, after)
    assert plain(ledger.frame(KEYS)) == [
        ["orders", "a.csv", 1, "k0", "amount", "repaired", "number unified", "1,5", "1.5", 1],
        ["orders", "b.csv", 1, None, "amount", "repaired", "number unified", "x", None, 1],
    ]


def test_a_rule_may_differ_from_row_to_row():
    ledger = Ledger("orders", LINEAGE)
    ledger.cells("repaired", text("r0", "r1", "r2", "r3"), "amount", rows(1, 3), text(*"abcd"), text(*"efgh"))
    assert plain(ledger.frame(KEYS)[["row", "rule", "before", "after"]]) == [
        [3, "r1", "b", "f"],
        [2, "r3", "d", "h"],
    ]


def test_values_of_other_types_are_told_as_text():
    ledger = Ledger("orders", LINEAGE)
    before = pd.Series([1.5, 2.0, np.nan, 4.0])
    after = pd.Series(["2024-08-02", None, None, "2024-08-03"], dtype="datetime64[us]")
    ledger.cells("repaired", "rule", "time", rows(0, 2), before, after)
    assert plain(ledger.frame(KEYS)[["before", "after"]]) == [["1.5", "2024-08-02"], [None, None]]


def test_a_column_is_one_entry_of_many_cells_and_belongs_to_no_row():
    ledger = Ledger("orders", LINEAGE)
    ledger.column("read", "Jalali dates", "time", np.int64(4))
    ledger.column("left", "nothing to tell", "time", 0)
    assert plain(ledger.frame(KEYS)) == [
        ["orders", None, None, None, "time", "read", "Jalali dates", None, None, 4]
    ]


def test_entries_come_in_the_order_of_the_raw_rows_with_the_columns_first():
    ledger = Ledger("orders", LINEAGE)
    ledger.cells("repaired", "late", "b", rows(1, 3), KEYS, KEYS)
    ledger.cells("blanked", "early", "a", rows(0, 1), KEYS, KEYS)
    ledger.column("read", "numbers", "a", 4)
    assert ledger.frame(KEYS)["rule"].tolist() == ["numbers", "early", "late", "early", "late"]


def test_nothing_noticed_is_an_empty_ledger():
    ledger = Ledger("orders", LINEAGE)
    ledger.cells("repaired", "rule", "a", rows(), KEYS, KEYS)
    ledger.set_aside("reason", "a", rows())
    pd.testing.assert_frame_equal(ledger.frame(KEYS), empty_ledger())
    pd.testing.assert_frame_equal(ledger.quarantine(pd.DataFrame({"a": range(4)})), empty_quarantine())
    assert ledger.reasons().empty


def test_all_ledgers_and_quarantines_have_the_same_columns_and_types():
    ledger = Ledger("orders", LINEAGE)
    ledger.set_aside("reason", "a", rows(1))
    found = ledger.frame(KEYS), ledger.quarantine(pd.DataFrame({"a": range(4)}))
    for frame, empty, columns in zip(
        found, (empty_ledger(), empty_quarantine()), (COLUMNS, QUARANTINE_COLUMNS), strict=True
    ):
        assert frame.columns.tolist() == columns
        pd.testing.assert_series_equal(frame.dtypes, empty.dtypes)


def test_a_row_set_aside_for_two_reasons_is_in_quarantine_once_and_on_the_ledger_twice():
    ledger = Ledger("orders", LINEAGE)
    ledger.set_aside("not a date", "time", rows(1, 2))
    ledger.set_aside("a value is required", "customer_id", rows(2))
    raw = pd.DataFrame({"customer_id": ["1", "2", None, "4"], "time": ["t", "x", "y", "t"]})
    assert plain(ledger.quarantine(raw)) == [
        ["orders", "a.csv", 3, "time: not a date", '{"customer_id":"2","time":"x"}'],
        ["orders", "b.csv", 1, "time: not a date; customer_id: a value is required",
         '{"customer_id":null,"time":"y"}'],
    ]  # fmt: skip
    assert plain(ledger.frame(KEYS)[["row", "action", "column", "rule"]]) == [
        [3, "set aside", "time", "not a date"],
        [1, "set aside", "time", "not a date"],
        [1, "set aside", "customer_id", "a value is required"],
    ]


RECORDS = pd.DataFrame(
    {
        "متن": ["علی\u200cرضا", 'quote " and \\ and / slash', "line\nbreak\u2028and more", ""],
        "number": [0.1 + 0.2, 1 / 3, -123456789.987654321, np.nan],
        "endless": [np.inf, -np.inf, 1.5, np.nan],
        "whole": pd.array([2**53 + 1, None, -(2**62), 0], dtype="Int64"),
        "stamp": pd.Series(
            ["2024-08-02 10:30:00.123456", None, "2024-08-02", "1800-01-01"], dtype="datetime64[us]"
        ),
        "flag": pd.array([True, None, False, True], dtype="boolean"),
        "mixed": pd.Series(["x", 5, None, 2.5], dtype=object),
    }
)


def test_quarantine_keeps_the_record_as_it_came():
    ledger = Ledger("orders", LINEAGE)
    ledger.set_aside("reason", "a", rows(0, 1, 2, 3))
    before = RECORDS.copy()
    found = [json.loads(record) for record in ledger.quarantine(RECORDS)["record"]]
    pd.testing.assert_frame_equal(RECORDS, before)
    back = pd.DataFrame(found)
    assert back["متن"].tolist() == RECORDS["متن"].tolist()
    assert back["number"].tolist() == pytest.approx(RECORDS["number"].tolist(), rel=1e-14, nan_ok=True)
    assert [record["endless"] for record in found] == ["inf", "-inf", "1.5", None]
    assert [record["whole"] for record in found] == [2**53 + 1, None, -(2**62), 0]
    assert [record["stamp"] for record in found][:2] == ["2024-08-02T10:30:00.123456", None]
    assert [record["flag"] for record in found] == [True, None, False, True]
    assert [record["mixed"] for record in found] == ["x", 5, None, 2.5]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=8))
def test_any_text_comes_back_from_quarantine(texts):
    raw = pd.DataFrame({"text": pd.Series(texts, dtype="str")})
    ledger = Ledger("orders", pd.DataFrame({"source": "s", "row": range(1, len(texts) + 1)}))
    ledger.set_aside("reason", "text", pd.Series(True, index=raw.index))
    assert [json.loads(record)["text"] for record in ledger.quarantine(raw)["record"]] == texts


def test_a_summary_counts_cells_by_table_action_column_and_rule():
    ledger = Ledger("orders", LINEAGE)
    for action in reversed(ACTIONS):
        ledger.cells(action, "rule", "a", rows(0), KEYS, KEYS)
    ledger.cells("repaired", "rule", "b", rows(1, 2, 3), KEYS, KEYS)
    ledger.cells("repaired", "another", "b", rows(1), KEYS, KEYS)
    ledger.column("read", "numbers", "b", 40)
    other = Ledger("customers", LINEAGE)
    other.column("left", "rule", "z", 7)
    found = summarise(pd.concat([ledger.frame(KEYS), other.frame(KEYS)], ignore_index=True))
    assert plain(found) == [
        ["customers", "left", "z", "rule", 7],
        ["orders", "read", "b", "numbers", 40],
        ["orders", "read", "a", "rule", 1],
        ["orders", "repaired", "b", "rule", 3],
        ["orders", "repaired", "a", "rule", 1],
        ["orders", "repaired", "b", "another", 1],
        *[["orders", action, "a", "rule", 1] for action in ACTIONS[2:]],
    ]


def test_a_summary_of_nothing():
    assert summarise(empty_ledger()).columns.tolist() == ["table", "action", "column", "rule", "cells"]
    assert summarise(empty_ledger()).empty
