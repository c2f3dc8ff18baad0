"""Pseudonyms that join as the numbers did, and tables of groups from which no small one can be told."""

import hashlib
import hmac
from collections import Counter

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing.privacy import group_sizes, k_anonymity, pseudonymize, suppress_small_groups
from crmlab.errors import ParameterError
from crmlab.tables import IDENTIFIERS

KEY = "a key of the house"
PEOPLE = pd.DataFrame({
    "customer_id": ["7", "8", None, "۹"], "first_name": ["Ann", "Bob", "Cem", None],
    "email": ["a@b.com", None, "c@d.com", "e@f.com"], "national_id": ["0499370899", None, None, None],
    "city": ["York", "York", "Leeds", None],
}, index=[5, 6, 7, 8]).astype("str")  # fmt: skip

#: L. Sweeney (2002), figure 2: a table that is 2-anonymous in race, birth, gender and ZIP.
SWEENEY = pd.DataFrame(
    [["Black", "1965", "m", "0214*", "short breath"], ["Black", "1965", "m", "0214*", "chest pain"],
     ["Black", "1965", "f", "0213*", "hypertension"], ["Black", "1965", "f", "0213*", "hypertension"],
     ["Black", "1964", "f", "0213*", "obesity"], ["Black", "1964", "f", "0213*", "chest pain"],
     ["White", "1964", "m", "0213*", "chest pain"], ["White", "1964", "m", "0213*", "obesity"],
     ["White", "1964", "m", "0213*", "short breath"], ["White", "1967", "m", "0213*", "chest pain"],
     ["White", "1967", "m", "0213*", "chest pain"]],
    columns=["race", "birth", "gender", "zip", "problem"],
)  # fmt: skip


def expected(value: str, key: str = KEY) -> str:
    return "C" + hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()[:16]


@given(st.text(min_size=16, max_size=90), st.lists(st.integers(0, 10**12) | st.none(), max_size=20))
def test_pseudonyms_are_hmac_sha256(key, numbers):
    frame = pd.DataFrame({"customer_id": pd.array(numbers, dtype="Int64")})
    found = pseudonymize(frame, key)["customer_id"]
    wanted = [None if n is None else expected(str(n), key) for n in numbers]
    assert [None if pd.isna(code) else code for code in found] == wanted


@pytest.mark.parametrize(
    "same", [[7, 8], [7.0, 8.0], ["7", "8"], ["۷", " ٨ "], pd.array([7, 8], dtype="Int64")],
    ids=["int", "float", "text", "digits", "nullable"],
)  # fmt: skip
def test_a_number_has_one_pseudonym_in_all_tables_and_types(same):
    found = pseudonymize(pd.DataFrame({"referred_by": same}), KEY, "referred_by")["referred_by"]
    assert found.tolist() == [expected("7"), expected("8")]
    assert found.dtype == "str"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_tables_join_as_before(pairs):
    customers = pd.DataFrame({"customer_id": range(10), "value": range(10)})
    orders = pd.DataFrame(pairs, columns=["customer_id", "amount"], dtype="int64")
    before = orders.merge(customers, on="customer_id")[["amount", "value"]]
    after = pseudonymize(orders, KEY).merge(pseudonymize(customers, KEY), on="customer_id")
    assert after[["amount", "value"]].to_numpy().tolist() == before.to_numpy().tolist()


def test_many_rows_that_come_again_are_coded_as_one_by_one():
    frame = pd.DataFrame({"customer_id": [None, *(str(n % 70) for n in range(20_000))]})
    assert pseudonymize(frame, KEY)["customer_id"].tolist()[1:] == [
        expected(str(n % 70)) for n in range(20_000)
    ]


def test_direct_identifiers_go_and_nothing_else():
    found = pseudonymize(PEOPLE, KEY)
    assert found.columns.tolist() == ["customer_id", "city"]
    assert found.index.tolist() == [5, 6, 7, 8]
    assert found["city"].equals(PEOPLE["city"])
    shown = found.to_csv()
    for name in IDENTIFIERS & set(PEOPLE):
        assert not any(value in shown for value in PEOPLE[name].dropna())
    assert expected("9") == found.loc[8, "customer_id"]
    assert pd.isna(found.loc[7, "customer_id"])


def test_identifiers_may_be_blanked_chosen_or_replaced():
    found = pseudonymize(PEOPLE, KEY, blank=True)
    assert found.dtypes.equals(PEOPLE.dtypes)
    assert found[["first_name", "email", "national_id"]].isna().all(axis=None)
    assert "city" not in pseudonymize(PEOPLE, KEY, drop=["city", "first_name", "email", "national_id"])
    joined = pseudonymize(PEOPLE, KEY, ["customer_id", "email"])
    assert joined["email"].iloc[0] == expected("a@b.com")


def test_what_would_leave_a_number_in_is_refused():
    with pytest.raises(ParameterError, match="no column 'custmer_id'; did you mean 'customer_id'"):
        pseudonymize(PEOPLE, KEY, "custmer_id")
    with pytest.raises(ParameterError, match="no column 'phone'"):
        pseudonymize(PEOPLE, KEY, drop=["phone"])
    with pytest.raises(ParameterError, match="email in the index says who a person is"):
        pseudonymize(PEOPLE.set_index("email"), KEY)
    with pytest.raises(ParameterError, match="at least 16 signs"):
        pseudonymize(PEOPLE, "short")


def test_sweeneys_table_is_two_anonymous():
    quasi = ["race", "birth", "gender", "zip"]
    assert k_anonymity(SWEENEY, quasi) == 2
    assert group_sizes(SWEENEY, quasi).tolist() == [2, 2, 2, 2, 2, 2, 3, 3, 3, 2, 2]
    assert k_anonymity(SWEENEY, [*quasi, "problem"]) == 1


cell = st.sampled_from(["a", "b", None])


@given(st.lists(st.tuples(cell, cell), max_size=30))
def test_group_sizes_count_who_is_alike(rows):
    frame = pd.DataFrame(rows, columns=["x", "y"], dtype="str").set_axis(range(3, 3 + len(rows)))
    times = Counter(rows)
    sizes = group_sizes(frame, ["x", "y"])
    assert sizes.tolist() == [times[row] for row in rows]
    assert sizes.index.equals(frame.index)
    assert k_anonymity(frame, ["x", "y"]) == min(times.values(), default=0)


def test_groups_need_columns_that_are_there():
    with pytest.raises(ParameterError, match="no column 'town'"):
        group_sizes(PEOPLE, "town")
    with pytest.raises(ParameterError, match="at least one column"):
        k_anonymity(PEOPLE, [])


counts = st.lists(st.integers(0, 30), max_size=12)


@given(counts, st.integers(1, 15), st.integers(0, 20))
def test_no_small_group_is_shown_nor_found_by_taking_away(sizes, k, left_out):
    frame = pd.DataFrame({"n": sizes}, dtype="int64")
    shown = suppress_small_groups(frame, "n", k, left_out=left_out)["n"]
    assert not ((shown > 0) & (shown < k)).any()
    rest = sum(sizes) + left_out - shown.sum()
    assert rest == 0 or rest >= k or not shown.any()
    # Nothing goes without need: the small ones, and one more only if they alone would be found.
    small = [size for size in sizes if 0 < size < k]
    found = 0 < sum(small) + left_out < k
    others = [size for size in sizes if size >= k]
    gone = sorted(set(range(len(sizes))) - set(shown.index), key=lambda row: sizes[row])
    assert [sizes[row] for row in gone] == sorted(small) + ([min(others)] if found and others else [])


@given(counts, st.integers(1, 15))
def test_rows_by_themselves_or_all_together(sizes, k):
    frame = pd.DataFrame({"n": sizes}, dtype="int64")
    fine = [size for size in sizes if not 0 < size < k]
    assert suppress_small_groups(frame, "n", k, groups="separate")["n"].tolist() == fine
    together = suppress_small_groups(frame, "n", k, groups="together")
    assert len(together) == (len(sizes) if fine == sizes else 0)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=10), st.integers(1, 15))
def test_every_count_is_looked_at(pairs, k):
    frame = pd.DataFrame([(a + b, a) for a, b in pairs], columns=["n", "yes"], dtype="int64")
    shown = suppress_small_groups(frame, ["n", "yes", frame["n"] - frame["yes"]], k)
    for values, whole in ((shown["n"], frame["n"]), (shown["yes"], frame["yes"]),
                          (shown["n"] - shown["yes"], frame["n"] - frame["yes"])):  # fmt: skip
        assert not ((values > 0) & (values < k)).any()
        rest = whole.sum() - values.sum()
        assert rest == 0 or rest >= k or not values.any()


def test_counts_may_be_shares_of_whole_numbers_and_missing_ones_are_small():
    frame = pd.DataFrame({"group": list("abc"), "n": pd.array([30, None, 30], dtype="Int64")})
    rates = [10 / 30, 0.5, 9 / 30]
    assert suppress_small_groups(frame, "n", 10, groups="separate")["group"].tolist() == ["a", "c"]
    shown = suppress_small_groups(frame, [[30 * rate for rate in rates]], 10, groups="separate")
    assert shown["group"].tolist() == ["a", "b"]
    assert suppress_small_groups(frame, [9], 10).empty
    assert suppress_small_groups(frame, ["n", None], 10).empty
    assert len(suppress_small_groups(frame, [10], 10)) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"counts": "m"}, "no column 'm'"),
        ({"counts": []}, "at least one count"),
        ({"counts": "group"}, "the column group holds others"),
        ({"counts": [[1, 2]]}, "a number from 0 for each row"),
        ({"counts": [[1, 2, -3]]}, "a number from 0 for each row"),
        ({"k": 0}, "k is a whole number from 1, not 0"),
        ({"k": True}, "k is a whole number from 1, not True"),
        ({"groups": "part"}, "groups is one of parts, separate, together, not 'part'"),
    ],
)
def test_what_makes_no_sense_is_said(options, message):
    frame = pd.DataFrame({"group": list("abc"), "n": [1, 2, 3]})
    with pytest.raises(ParameterError, match=message):
        suppress_small_groups(frame, **{"counts": "n", "k": 10, **options})


def test_a_table_of_the_engine_is_to_be_made_a_frame_first():
    with pytest.raises(ParameterError, match="to_pandas"):
        pseudonymize(ibis.memtable({"customer_id": ["1"]}), KEY)
