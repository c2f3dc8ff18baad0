"""The contract itself, and how a frame is held to it."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from crmlab.cleansing.domains import match_allowed
from crmlab.cleansing.roles import match_headings
from crmlab.cleansing.text import normalize_text
from crmlab.contract import DTYPES, ROW_NUMBER, Column, Table, hold_to
from crmlab.errors import ParameterError, TableError
from crmlab.tables import CHANNELS, TABLES, YES_NO, describe, table, validate

COLUMNS = [(contract, column) for contract in TABLES.values() for column in contract.columns]
named = pytest.mark.parametrize(
    ("contract", "column"), COLUMNS, ids=[f"{contract.name}.{column.name}" for contract, column in COLUMNS]
)
each = pytest.mark.parametrize("contract", TABLES.values(), ids=TABLES)


# The contract


def test_the_tables_and_which_of_them_are_logs():
    assert {name: contract.log for name, contract in TABLES.items()} == {
        "customers": False, "orders": True, "products": False, "interactions": True, "leads": False,
        "opportunities": False, "tickets": True, "surveys": True, "campaigns": False, "campaign_events": True,
        "staff": False, "consents": False,
    }  # fmt: skip


@each
def test_a_table_says_what_a_row_is_and_its_key_exists(contract):
    assert contract.grain.startswith("one row per ")
    assert len(set(contract.names)) == len(contract.names)
    assert set(contract.key) <= set(contract.required)
    for column in contract.columns:
        assert contract[column.name] is column


@named
def test_a_column_says_what_it_is(contract, column):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", column.name)
    assert column.kind in DTYPES
    assert column.dtype == DTYPES[column.kind]
    assert column.meaning
    assert column.meaning[-1] not in ".,;:"
    assert column.missing
    assert (column.kind == "category") == bool(column.allowed)
    if column.kind == "money":
        assert column.unit == "minor units of the currency"
    if column.minimum is not None or column.unit:
        assert column.kind in ("integer", "number", "money")


@named
def test_a_default_is_a_value_that_the_column_may_have(contract, column):
    if column.default is None:
        return
    assert column.required
    if column.default == ROW_NUMBER:
        assert column.name == contract.names[0]
    else:
        assert isinstance(column.default, int)
        assert column.kind == "integer"


@named
def test_each_spelling_of_an_allowed_value_means_that_value(contract, column):
    for value, spellings in (column.allowed or {}).items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", value)
        found = match_allowed(pd.Series([value, value.upper(), *spellings]), column.allowed)
        assert found.tolist() == [value] * (2 + len(spellings))


def test_each_spelling_of_yes_and_no_means_that():
    for value, spellings in YES_NO.items():
        assert match_allowed(pd.Series(spellings), YES_NO).tolist() == [value] * len(spellings)


def test_every_channel_is_the_same_in_every_table():
    for contract in TABLES.values():
        if "channel" in contract.names:
            assert contract["channel"].allowed is CHANNELS


def folded(text: str) -> str:
    """Text as headings are compared, done in another way than the code does it."""
    letters = normalize_text(pd.Series([text])).iloc[0].lower()
    return " ".join("".join(" " if letter in "_-./#:\u200c" else letter for letter in letters).split())


@each
def test_no_two_columns_claim_a_heading_alike(contract):
    claims = Counter()
    for column in contract.columns:
        places = {}
        for place, heading in enumerate((column.name, *column.headings)):
            places.setdefault(folded(heading), place)
        claims.update((heading, place) for heading, place in places.items())
    assert [claim for claim, times in claims.items() if times > 1] == []


@each
def test_no_heading_stands_twice_at_one_column(contract):
    for column in contract.columns:
        headings = [folded(heading) for heading in (column.name, *column.headings)]
        assert [heading for heading, times in Counter(headings).items() if times > 1] == [], column.name


@each
def test_a_file_with_the_names_of_the_contract_is_matched_as_it_stands(contract):
    frame = pd.DataFrame(columns=contract.names[::-1])
    assert match_headings(frame, contract.name) == {name: name for name in contract.names}


@named
def test_a_heading_alone_finds_its_column_or_one_that_claims_it_sooner(contract, column):
    for place, heading in enumerate(column.headings, start=1):
        found = match_headings(pd.DataFrame(columns=[heading]), contract.name)
        (name,) = found
        if name != column.name:
            other = contract[name]
            sooner = [folded(text) for text in (other.name, *other.headings)].index(folded(heading))
            assert sooner < place, heading


@named
def test_a_required_column_can_have_a_persian_heading(contract, column):
    if column.required and column.name not in ("scale_low", "scale_high"):
        assert any(re.search("[\u0600-\u06ff]", heading) for heading in column.headings)


def test_an_unknown_table_or_column_suggests_the_nearest():
    with pytest.raises(
        ParameterError, match=r"^There is no table called 'oders'; did you mean 'orders'\? Known: "
    ):
        table("oders")
    with pytest.raises(
        ParameterError, match=r"^The table orders has no column 'amout'; did you mean 'amount'\?"
    ):
        table("orders")["amout"]


# describe


@each
def test_a_description_has_a_row_per_column(contract):
    frame = describe(contract.name)
    assert frame.index.tolist() == contract.names
    assert frame.columns.tolist() == ["type", "required", "unit", "allowed", "missing", "meaning"]
    assert frame.index[frame["required"]].tolist() == contract.required
    assert (frame["missing"] == "not allowed").equals(frame["required"])
    assert frame.notna().all(axis=None)


def test_a_description_names_allowed_values_and_what_is_missing():
    assert describe("customers").loc["gender", ["type", "allowed", "missing"]].tolist() == [
        "category", "female, male, other", "not stated"
    ]  # fmt: skip
    with pytest.raises(ParameterError, match="There is no table called 'custommers'"):
        describe("custommers")


# validate


def products(**columns: list) -> pd.DataFrame:
    """Clean products, some columns replaced."""
    n = len(next(iter(columns.values()), [1, 2, 3]))
    frame = pd.DataFrame({"product_id": [f"p{i}" for i in range(n)], "unit_price": [100] * n}).assign(
        **columns
    )
    return frame.astype(
        {name: table("products")[name].dtype for name in frame if name in table("products").names}
    )


def refused(frame: pd.DataFrame, name: str = "products") -> TableError:
    with pytest.raises(TableError) as error:
        validate(frame, name)
    assert "\n" not in str(error.value)
    return error.value


def test_a_clean_table_is_returned_with_its_further_columns():
    frame = products(name=["a", "b", None], own=[1.5, "x", None])
    pd.testing.assert_frame_equal(validate(frame, "products"), frame)


def test_optional_columns_may_be_missing_altogether():
    frame = pd.DataFrame({"product_id": ["a", "b"]})
    assert validate(frame, "products") is not None
    assert len(validate(frame.head(0), "products")) == 0


def test_a_missing_column_is_named():
    error = refused(products().drop(columns="product_id"))
    assert str(error) == "Table products, column product_id: the column is missing."
    assert (error.table, error.column, error.rule, error.rows) == (
        "products", "product_id", "the column is missing", []
    )  # fmt: skip


def test_a_missing_value_is_named_with_its_rows_not_its_neighbours():
    error = refused(products(product_id=["a", None, "secret", None]))
    assert str(error) == "Table products, column product_id: a value is required (2 rows, at 1, 3)."
    assert (error.column, error.rule, error.rows) == ("product_id", "a value is required", [1, 3])


def test_a_key_that_is_not_unique_is_named_with_all_its_rows():
    error = refused(products(product_id=["secret", "b", "secret", "b", "c"]))
    assert str(error) == "Table products, column product_id: the key is not unique (4 rows, at 0, 1, 2, 3)."
    assert error.rows == [0, 1, 2, 3]
    assert "secret" not in str(error)


def test_a_key_of_several_columns_is_named_in_full():
    tickets = pd.DataFrame({
        "ticket_id": ["secret", "secret", "b"],
        "time": pd.to_datetime(["2024-01-05", "2024-01-05", "2024-01-05"]).astype("datetime64[us]"),
        "status": ["opened", "opened", "opened"],
    })  # fmt: skip
    error = refused(tickets, "tickets")
    assert (
        str(error)
        == "Table tickets, column ticket_id + time + status: the key is not unique (2 rows, at 0, 1)."
    )


def test_a_value_that_is_not_allowed_is_not_shown():
    customers = pd.DataFrame({"customer_id": ["a", "b"], "gender": ["female", "secret"]})
    error = refused(customers, "customers")
    assert str(error) == "Table customers, column gender: value not allowed (1 row, at 1)."
    assert error.rows == [1]


def test_a_value_outside_its_range_is_not_shown():
    error = refused(products(unit_price=[1, -777, 3, -777]))
    assert str(error) == "Table products, column unit_price: below 0 (2 rows, at 1, 3)."
    ground = Table("t", "one row per x", (), (Column("a", "number", "it", minimum=1, maximum=5),))
    with pytest.raises(TableError, match=r"^Table t, column a: above 5 \(1 row, at 2\)\.$"):
        hold_to(pd.DataFrame({"a": [1.0, 5.0, 777.0, np.nan]}), ground)


@pytest.mark.parametrize(
    ("values", "column", "dtype"),
    [
        ([1.5, 2.5], "unit_price", "Int64"),
        (["1", "secret"], "unit_price", "Int64"),
        ([1, 2], "product_id", "str"),
    ],
)
def test_a_wrong_type_is_named_with_the_right_one(values, column, dtype):
    error = refused(products(product_id=["a", "b"]).assign(**{column: values}))
    assert str(error) == f"Table products, column {column}: the type is to be {dtype}."
    assert (error.column, error.rows) == (column, [])


def test_whole_numbers_without_gaps_are_whole_numbers():
    assert validate(products().assign(unit_price=[1, 2, 3]), "products") is not None


def test_only_the_first_rows_are_shown_and_all_of_them_kept():
    n = 2_000
    frame = products(product_id=[None] * n + ["a"])
    error = refused(frame)
    assert str(error) == (
        "Table products, column product_id: a value is required (2,000 rows, at 0, 1, 2, 3, 4, ...)."
    )
    assert error.rows == list(range(n))


def test_rows_are_named_as_the_frame_names_them():
    frame = products(product_id=["a", None]).set_axis(["x7", "x9"])
    assert str(refused(frame)).endswith("a value is required (1 row, at x9).")


def test_a_missing_column_comes_before_what_is_wrong_elsewhere():
    orders = pd.DataFrame({"order_id": ["1", None]})
    assert str(refused(orders, "orders")).endswith(": the column is missing.")
