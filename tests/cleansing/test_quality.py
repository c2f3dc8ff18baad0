"""The quality of data, before and after cleansing: planted faults are counted to the cell."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmlab as crm
from crmlab.cleansing.clean import clean
from crmlab.cleansing.ledger import summarise
from crmlab.cleansing.matches import match_reasons, match_scores, match_sizes
from crmlab.cleansing.quality import (
    empty_cells,
    measure_completeness,
    measure_consistency,
    measure_uniqueness,
    measure_validity,
    pooled,
    quality_summary,
    row_counts,
    unmerged,
)
from crmlab.engine import as_table
from crmlab.tables import TABLES

CUSTOMERS = pd.DataFrame(
    [
        ["1", "Ada", "ada@example.org", "1990-01-05"],
        ["2", " Bo", "bo@gmail.con", "1991-02-06"],  # a name to unify, a likely misspelt domain
        ["3", "n/a", "not an address", None],  # a marker, an invalid address, a gap
        ["4", "", None, "1992-13-40"],  # two gaps, a day that there is not
        ["5", "Di", "di@gmail.con", "1993-04-08"],
        ["5", "Di", "di@gmail.con", "1993-04-08"],  # equal to the row before
        ["1", "Eve", "eve@gmail.con", "1994-05-09"],  # a key taken
        [None, "Flo", "flo@example.org", "1995-06-10"],  # no key
    ],
    columns=["customer_id", "first_name", "email", "birth_date"],
)


def measured(raw: pd.DataFrame, name: str, rules: pd.DataFrame | None = None, engine: bool = False):
    """Completeness, validity and uniqueness of a raw table, indexed by column or table."""
    cleaned = clean(raw, name)
    put = as_table if engine else lambda frame: frame
    counts = {name: {
        "rows_in": len(raw), "clean": len(cleaned.frame), "merged": cleaned.merged,
        "set_aside": len(cleaned.quarantine), "empty": empty_cells(raw),
    }}  # fmt: skip
    booked, ledger = summarise(put(cleaned.ledger)), put(cleaned.ledger)
    complete = measure_completeness({name: put(cleaned.frame)}, counts, booked)
    valid = measure_validity(complete, ledger, rules)
    unique = measure_uniqueness(counts, booked)
    return complete.set_index("column"), valid.set_index("column"), unique.set_index("table")


COUNTS = ["n_before", "faults_before", "n", "faults"]


@pytest.mark.parametrize("engine", [False, True], ids=["frames", "engine"])
def test_planted_gaps_and_faults_are_counted_to_the_cell(engine):
    complete, valid, unique = measured(CUSTOMERS, "customers", engine=engine)
    # Rows 1 to 5 stay: the sixth is merged, the last two are set aside.
    assert complete[COUNTS].to_dict("index") == {
        "customer_id": {"n_before": 8, "faults_before": 1, "n": 5, "faults": 0},
        "first_name": {"n_before": 8, "faults_before": 2, "n": 5, "faults": 2},
        "email": {"n_before": 8, "faults_before": 1, "n": 5, "faults": 2},
        "birth_date": {"n_before": 8, "faults_before": 1, "n": 5, "faults": 2},
    }
    # Four domains are noticed before; those of rows 2 and 5 are there afterwards.
    assert valid[[*COUNTS, "repaired"]].to_dict("index") == {
        "customer_id": {"n_before": 7, "faults_before": 0, "n": 5, "faults": 0, "repaired": 0},
        "first_name": {"n_before": 6, "faults_before": 0, "n": 3, "faults": 0, "repaired": 1},
        "email": {"n_before": 7, "faults_before": 5, "n": 3, "faults": 2, "repaired": 0},
        "birth_date": {"n_before": 7, "faults_before": 1, "n": 3, "faults": 0, "repaired": 0},
    }
    assert unique.loc["customers", ["merged", "taken", "alike", *COUNTS]].tolist() == [1, 1, 0, 8, 2, 5, 0]
    assert complete.loc["email", "before"] == 1 - 1 / 8
    assert valid.loc["email", ["before", "after"]].tolist() == [1 - 5 / 7, 1 - 2 / 3]
    assert unique.loc["customers", ["before", "after"]].tolist() == [0.75, 1.0]


def test_a_gap_is_no_fault_where_it_means_something():
    complete, _, _ = measured(
        pd.DataFrame({"order_id": ["1", "2"], "customer_id": "a", "time": "2024-01-05", "amount": ["5", None],
                      "unit_price": [None, "7"], "promotion": None}),
        "orders",
    )  # fmt: skip
    assert complete["gap"].to_dict() == {
        "order_id": "not known", "customer_id": "not known", "time": "not known", "amount": "not known",
        "unit_price": "only the amount is known", "promotion": "no promotion",
    }  # fmt: skip
    assert "quantity" not in complete.index  # its source lacks it altogether; it is taken as 1
    # The second amount is computed.
    assert complete.loc["amount", ["before", "after"]].tolist() == [0.5, 1.0]


def test_what_is_no_matter_of_form_is_not_counted_as_invalid():
    orders = pd.DataFrame({"order_id": ["1", "2", "3"], "customer_id": ["a", None, "c"], "time": "2024-01-05",
                           "amount": [None, "2", "x"]})  # fmt: skip
    orders["unit_price"] = None
    _, valid, _ = measured(orders, "orders")
    assert valid["faults_before"].to_dict() == {
        "order_id": 0, "customer_id": 0, "time": 0, "amount": 1, "unit_price": 0
    }  # fmt: skip


def test_rows_set_aside_by_a_rule_are_not_invalid():
    cleaned = clean(pd.DataFrame({"product_id": ["a", "b"], "stock": [1, -4]}), "products")
    aside = {"table": "products", "source": "", "row": pd.array([2], dtype="Int64"), "key": "b", "cells": 1}
    aside |= {"column": "stock", "action": "set aside", "rule": "never below zero"}
    aside = pd.DataFrame(aside)
    ledger = pd.concat([cleaned.ledger, aside], ignore_index=True)
    counts = {"products": {"rows_in": 2, "empty": {"product_id": 0, "stock": 0}}}
    complete = measure_completeness({"products": cleaned.frame.iloc[:1]}, counts, summarise(ledger))
    rules = pd.DataFrame({"rule": ["never below zero"], "level": "error"})
    assert measure_validity(complete, ledger, rules)["faults_before"].tolist() == [0, 0]
    assert measure_validity(complete, ledger)["faults_before"].tolist() == [0, 1]


CELLS = st.sampled_from([None, "", " ", "n/a", "7", "7 ", "1,5", "12.50", "x", "-3", "۱۲"])


@settings(max_examples=60)
@given(prices=st.lists(CELLS, max_size=12), engine=st.booleans())
def test_cells_are_counted_as_an_eye_would(prices, engine):
    raw = pd.DataFrame({"product_id": [str(number) for number in range(len(prices))],
                        "unit_price": pd.Series(prices, dtype="str")})  # fmt: skip
    complete, valid, _ = measured(raw, "products", engine=engine)
    there = [cell for cell in prices if cell not in (None, "", " ", "n/a")]
    wrong = [cell for cell in there if cell in ("x", "-3")]  # no number, and below the least allowed
    price = complete.loc["unit_price"]
    assert price[COUNTS].tolist() == [
        len(prices), len(prices) - len(there), len(prices), len(prices) - len(there) + len(wrong)
    ]  # fmt: skip
    found = valid.loc["unit_price"]
    assert found[COUNTS].tolist() == [len(there), len(wrong), len(there) - len(wrong), 0]
    assert found["repaired"] == sum(cell in ("7 ", "1,5", "۱۲") for cell in there)
    if not there:
        assert np.isnan(found["before"])


@settings(max_examples=40)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["1", "2", "3", None]), CELLS, st.sampled_from(["a@b.org", "a@gmail.con", "x"])
        ),
        max_size=10,
    )
)
def test_shares_hold_together_whatever_comes(rows):
    raw = pd.DataFrame(rows, columns=["customer_id", "first_name", "email"], dtype="str")
    complete, valid, unique = measured(raw, "customers")
    for frame in (complete, valid, unique):
        assert (frame["faults_before"].between(0, frame["n_before"])).all()
        assert (frame["faults"].between(0, frame["n"])).all()
        shares = frame[["before", "after"]].stack().dropna()
        assert shares.between(0, 1).all()
    # What is a value in the one is what the other looks at.
    assert (valid["n"] == complete["n"] - complete["faults"]).all()
    assert (valid["n_before"] == complete["n_before"] - complete["faults_before"]).all()


def test_the_source_is_as_empty_as_it_looks():
    mixed = pd.Series([1.5, None, ""], dtype="object")
    raw = pd.DataFrame({"a": ["x", " \t", None], "b": pd.array([1, None, 3], dtype="Int64"), "c": mixed})
    raw["d"] = [True, False, True]
    assert empty_cells(raw) == {"a": 2, "b": 1, "c": 2, "d": 0}
    assert empty_cells(raw.iloc[:0]) == dict.fromkeys("abcd", 0)


RULES = pd.DataFrame({
    "rule": ["a", "b", "c"], "table": ["orders", "orders", "tickets"], "level": ["error", "warn", "warn"],
    "rows": [100, 50, 0], "violations": [10, 5, 0],
})  # fmt: skip


def test_strict_rules_hold_afterwards_and_mild_ones_as_before():
    held = measure_consistency(RULES)
    assert held[COUNTS].to_numpy().tolist() == [[100, 10, 90, 0], [50, 5, 50, 5], [0, 0, 0, 0]]
    assert held["before"].fillna(-1).tolist() == [0.9, 0.9, -1]
    assert held["after"].fillna(-1).tolist() == [1.0, 0.9, -1]
    orders = pooled(held).set_index("table").loc["orders"]
    assert orders[["n_before", "faults_before", "short_before", "after"]].tolist() == pytest.approx(
        [150, 15, 0.1, 1 - 5 / 140]
    )


def test_a_dimension_of_which_nothing_was_measured_has_no_share():
    nothing = measure_consistency(RULES.iloc[:0])
    found = quality_summary(Rules=measure_consistency(RULES), Nothing=nothing).set_index("dimension")
    assert list(found.index) == ["Rules", "Nothing"]
    assert found.loc["Nothing", COUNTS].tolist() == [0, 0, 0, 0]
    assert found.loc["Nothing", ["before", "after", "short", "short_before"]].isna().all()


PERSONS = pd.DataFrame(
    [
        ["1", "1", 0.995, "phone, birth_date", ""],
        ["2", "1", 0.995, "birth_date, phone", "address"],
        ["3", "3", 0.85, "last_name, birth_date", ""],
        ["4", "3", 0.9, "birth_date, phone", "address"],
        ["5", "3", 0.79, "last_name", "city, address"],
    ],
    columns=["customer_id", "person_id", "score", "why", "against"],
)


def test_persons_are_counted_without_saying_who_they_are():
    assert match_sizes(PERSONS).to_numpy().tolist() == [[2, 1, 2], [3, 1, 3]]
    scores = match_scores(PERSONS).set_index("score")["records"]
    assert scores.to_dict() == {
        "below 80 %": 1, "80 to 90 %": 0, "90 to 95 %": 1, "95 to 99 %": 0, "99 % and more": 1
    }  # fmt: skip
    reasons = match_reasons(PERSONS)
    assert reasons[["why", "against", "records", "score"]].to_numpy().tolist() == [
        ["birth_date, phone", "address", 2, 0.9], ["last_name", "address, city", 1, 0.79],
    ]  # fmt: skip
    assert reasons["share"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert match_reasons(PERSONS, top=1)[["why", "records"]].to_numpy().tolist() == [
        ["birth_date, phone", 2], ["other reasons", 1],
    ]  # fmt: skip
    for found in (match_sizes(PERSONS), match_scores(PERSONS), reasons):
        assert not {"customer_id", "person_id"} & set(found)


def test_nobody_in_several_records_is_a_count_of_none():
    nobody = PERSONS.iloc[:0]
    assert match_sizes(nobody).empty
    assert match_reasons(nobody).empty
    assert match_scores(nobody)["records"].sum() == 0


@pytest.mark.parametrize("put", [pd.DataFrame, as_table], ids=["frame", "engine"])
def test_records_count_as_there_again_until_they_are_merged(put):
    everyone = pd.DataFrame({"customer_id": list("12345678")})
    merged = everyone[~everyone["customer_id"].isin(["2", "4", "5"])]
    assert unmerged(put(everyone), PERSONS) == 3
    assert unmerged(put(merged), PERSONS) == 0
    assert unmerged(put(everyone), PERSONS.iloc[:0]) == 0
    booked = summarise(clean(CUSTOMERS, "customers").ledger)
    counts = {"customers": {"rows_in": 8, "clean": 8, "merged": 0}}
    found = measure_uniqueness(counts, booked[:0], alike=3).loc[0]
    assert found[["alike", *COUNTS, "before", "after"]].tolist() == [3, 8, 3, 8, 3, 0.625, 0.625]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Customers of whom one line cannot be read and a marker stands for nothing."""
    folder = tmp_path_factory.mktemp("quality")
    (folder / "customers.csv").write_text("customer_id,city\n1,Rome\n2,n/a\n3,Oslo,Bern,York\n4,\n5,Oslo\n")
    (folder / "crmlab.toml").write_text(
        '[[source]]\ntable = "customers"\nfile = "customers.csv"\n'
        '[[rule]]\nname = "not Oslo"\ntable = "customers"\ncheck = "city != \'Oslo\'"\nlevel = "error"\n'
    )
    return crm.open_workspace(folder)


def test_a_workspace_keeps_what_is_measured(workspace):
    state = workspace.state["tables"]
    booked = summarise(workspace.in_engine("ledger"))
    pd.testing.assert_frame_equal(booked, summarise(workspace.ledger))
    tables = {"customers": workspace.in_engine("customers")}
    complete = measure_completeness(tables, state, booked)
    # One line of five was not read; of the others one city is empty, one a marker.
    assert complete[["column", *COUNTS]].to_numpy().tolist() == [
        ["customer_id", 4, 0, 3, 0],
        ["city", 4, 2, 3, 2],
    ]
    valid = measure_validity(complete, workspace.in_engine("ledger"), workspace.rules)
    assert valid[COUNTS].to_numpy().tolist() == [[4, 0, 3, 0], [2, 0, 1, 0]]
    assert measure_consistency(workspace.rules)[COUNTS].to_numpy().tolist() == [[2, 1, 1, 0]]
    rows = row_counts(state)[["rows_in", "clean", "set_aside", "merged", "share"]]
    assert rows.to_numpy().tolist() == [[5, 3, 2, 0, 0.6]]


def test_every_column_of_a_sample_is_measured(sample_folder):
    ws = crm.open_workspace(sample_folder)
    tables = {name: ws.in_engine(name) for name in ws.tables}
    complete = measure_completeness(tables, ws.state["tables"], summarise(ws.in_engine("ledger")))
    assert set(complete["table"]) == set(ws.tables)
    for name, part in complete.groupby("table"):
        counts = ws.state["tables"][name]
        assert set(part["column"]) <= {*TABLES[name].names, *tables[name].columns}
        assert set(part["n"]) == {counts["clean"]}
        gaps = {
            column: int(tables[name][column].isnull().sum().to_pyarrow().as_py()) for column in part["column"]
        }
        assert part.set_index("column")["faults"].to_dict() == gaps
        # Before, of the raw rows themselves.
        raw = ws.raw(name)
        bare = raw.astype("str").apply(lambda cells: cells.str.strip())
        written = bare.notna() & (bare != "")
        assert part.set_index("column")["faults_before"].sub((~written).sum()).min() >= 0
