"""Pairs that share a key, held to a count of all pairs; and how common values are."""

from itertools import combinations

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing.duplicates.blocking import (
    Key,
    index_keys,
    joined,
    pairs_across,
    pairs_within,
    without_chance_pairs,
)
from crmlab.cleansing.duplicates.frequencies import fingerprints, frequencies, shares, write_records

KEYS = [Key("a", frozenset("a"), ('"a"',)), Key("a|b", frozenset("ab"), ('"a"', '"b"')),
        Key("b", frozenset("b"), ('"b"',))]  # fmt: skip
RECORDS = st.lists(st.tuples(*[st.sampled_from(["x", "y", "zed", None])] * 2), max_size=12)


def keys_of(record):
    a, b = record
    return [a, None if None in record else (a, b), b]


def by_counting(records, new_from=0):
    """Every pair with a record from `new_from` on, and the keys it shares as bits."""
    found = {}
    for one, other in combinations(range(len(records)), 2):
        both = zip(keys_of(records[one]), keys_of(records[other]), strict=True)
        mask = sum(1 << rule for rule, (x, y) in enumerate(both) if x is not None and x == y)
        if mask and other >= new_from:
            found[one, other] = mask
    return found


def index_of(records, first=0):
    frame = pd.DataFrame(records, columns=["a", "b"]).astype("str")
    frame["id"] = np.arange(first, first + len(frame), dtype="int32")
    con = duckdb.connect()
    con.register("records", frame)
    return index_keys(con, KEYS, "records")


def as_dict(pairs):
    return {(a, b): mask for a, b, mask in pairs.itertuples(index=False)}


@given(RECORDS)
@settings(max_examples=60, deadline=None)
def test_all_pairs_that_share_a_key_are_found_once_and_in_order(records):
    pairs, skipped = pairs_within(index_of(records), KEYS, most=1000)
    assert as_dict(pairs) == by_counting(records)
    assert list(as_dict(pairs)) == sorted(as_dict(pairs))
    assert skipped == {}


@given(RECORDS, RECORDS)
@settings(max_examples=60, deadline=None)
def test_new_records_meet_the_old_ones_and_each_other(old, new):
    first, later = index_of(old), index_of(new, len(old))
    assert as_dict(pairs_across(first, later, most=1000)) == by_counting(old + new, len(old))
    for both, whole in zip(joined(first, later), index_of(old + new), strict=True):
        assert both.values.tolist() == whole.values.tolist()
        assert set(zip(*both, strict=True)) == set(zip(*whole, strict=True))


def test_of_a_key_that_gives_too_many_pairs_the_commonest_values_are_left_out():
    records = [("x", None)] * 5 + [("y", None)] * 3 + [("zed", None)] * 2
    pairs, skipped = pairs_within(index_of(records), KEYS, most=4)
    assert set(as_dict(pairs)) == {(5, 6), (5, 7), (6, 7), (8, 9)}
    assert skipped == {"a": 10}
    assert pairs_across(index_of(records), index_of([("x", None)], 10), most=5).empty
    assert len(pairs_across(index_of(records), index_of([("x", None)], 10), most=6)) == 5


def test_pairs_of_one_weak_key_need_an_end_of_a_text_in_common():
    frame = pd.DataFrame({"a": ["x", "x", "x", "x"], "b": ["same1", "other", "same2", None]}, dtype="str")
    frame["id"] = np.arange(4, dtype="int32")
    con = duckdb.connect()
    con.register("records", frame)
    pairs, _ = pairs_within(index_keys(con, KEYS, "records"), KEYS, most=1000)
    kept = without_chance_pairs(con, pairs, KEYS, ["a"], [("b", 'left("b", 3)')])
    assert set(as_dict(kept)) == {(0, 2)}
    assert without_chance_pairs(con, pairs, KEYS, ["a"], []).equals(pairs)
    # What only the key itself is made of says nothing beyond it.
    assert without_chance_pairs(con, pairs, KEYS, ["a"], [("a", 'left("a", 3)')]).equals(pairs)


def test_shares_count_each_value_and_know_no_other():
    values = pd.Series(["ann", "bob", "ann", None, "cid"], dtype="str")
    known = frequencies(fingerprints(values))
    asked = fingerprints(pd.Series(["ann", "cid", "dan", None], dtype="str"))
    found = shares(asked, known)
    assert found[0] == 2 * found[1]
    assert np.isnan(found[2:]).all()
    assert known.equal_by_chance == pytest.approx(1 / 6)
    assert np.isnan(shares(asked, frequencies(fingerprints(values[:0])))).all()


def test_fingerprints_are_the_same_on_every_machine():
    assert fingerprints(pd.Series(["ann", "علی"], dtype="str")).tolist() == [
        15203920426015911114,
        8973587682045633501,
    ]


def test_records_in_the_engine_bear_numbers_lists_and_shares():
    con = duckdb.connect()
    records = pd.DataFrame({"name": pd.Series(["ann", None], dtype="str"), "tokens": [["ann"], []]})
    prints = pd.DataFrame({"name": fingerprints(records["name"])})
    write_records(con, "made", records, 5, prints, {"name": frequencies(prints["name"].to_numpy())})
    found = con.execute("select name, tokens, id, round(tf_name * 501) from made order by id").fetchall()
    assert found == [("ann", ["ann"], 5, 1.0), (None, [], 6, None)]
