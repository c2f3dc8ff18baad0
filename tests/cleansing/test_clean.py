"""One raw table in, one clean table out: every change told, no row lost."""

import datetime
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from dirty_tables import dirty
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing.clean import MISSING_MARKERS, Cleaned, Conventions, clean, type_columns
from crmlab.cleansing.ledger import ACTIONS, summarise
from crmlab.contract import DTYPES
from crmlab.errors import ParameterError, TableError
from crmlab.tables import TABLES, validate


def plain(frame: pd.DataFrame) -> list[list]:
    return [
        [None if pd.isna(value) else value for value in row] for row in frame.to_numpy(dtype=object).tolist()
    ]


def told(cleaned: Cleaned, *actions: str) -> list[list]:
    """Entries of the ledger with these actions: row, key, column, rule, before, after."""
    entries = cleaned.ledger[cleaned.ledger["action"].isin(actions)]
    return plain(entries[["row", "key", "column", "rule", "before", "after"]])


def set_aside(cleaned: Cleaned) -> dict[int, str]:
    return dict(zip(cleaned.quarantine["row"], cleaned.quarantine["reasons"], strict=True))


def orders(**columns: list) -> pd.DataFrame:
    """Good order lines with some columns replaced; None takes a column away."""
    size = next((len(values) for values in columns.values() if values), 2)
    frame = {
        "order_id": [f"o{n}" for n in range(size)],
        "customer_id": ["c1"] * size,
        "time": ["2024-08-02 10:30"] * size,
        "quantity": ["1"] * size,
        "amount": ["5.00"] * size,
    }
    frame |= columns
    return pd.DataFrame({name: values for name, values in frame.items() if values is not None})


#: What cleansing does of itself; nothing is imputed unless somebody asks for it.
UNASKED = [action for action in ACTIONS if action != "imputed"]
ANOTHER_CALENDAR = "date of another calendar than the rest of the column"


# What happens to cells and rows, each with its place


DIRTY = pd.DataFrame(
    [
        ("o1", "c1", "1403/05/12", "2", "1,000.50", None, "2,001.00", "Web", "spring"),
        ("o2", "c\u064a2", "1403/05/13", "-1", "10.00", None, "-10", "e-mail", "n/a"),
        ("o3", None, "1403/05/13", "1", "10.00", None, "10", "web", None),
        ("o4", "c4", "1403/07/31", "x", "10.00", None, "10", "web", None),
        ("o5", "c5", "15.08.2024", "1", "10.005", "-2", "10", "billboard", None),
        ("o6", "c6", "1403/05/14", "3", "2.50", "0.50", None, "web", None),
        ("o6", "c6", "1403/05/14", "3", "2.50", "0.50", None, "web", None),
        ("o7", "c7", "1403/05/14", "3", None, None, None, "web", None),
    ],
    columns=[
        "order_id",
        "customer_id",
        "time",
        "quantity",
        "unit_price",
        "discount",
        "amount",
        "channel",
        "promotion",
    ],
)
LINEAGE = pd.DataFrame({"source": ["a.csv"] * 5 + ["b.csv"] * 3, "row": [1, 2, 3, 5, 6, 1, 2, 3]})


@pytest.fixture(scope="module")
def cleaned() -> Cleaned:
    return clean(DIRTY, "orders", lineage=LINEAGE)


def test_the_dirty_orders_come_out_clean(cleaned):
    columns = [
        "order_id",
        "customer_id",
        "quantity",
        "unit_price",
        "discount",
        "amount",
        "channel",
        "promotion",
    ]
    assert plain(cleaned.frame[columns]) == [
        ["o1", "c1", 2, 100050, None, 200100, "web", "spring"],
        ["o2", "cی2", -1, 1000, None, -1000, "email", None],
        ["o5", "c5", 1, 1000, None, 1000, None, None],
        ["o6", "c6", 3, 250, 50, 700, "web", None],
    ]
    days = ["2024-08-02", "2024-08-03", "2024-08-15", "2024-08-04"]
    assert cleaned.frame["time"].tolist() == [pd.Timestamp(day) for day in days]


def test_columns_read_are_told_with_their_cells(cleaned):
    assert plain(cleaned.ledger[cleaned.ledger["action"] == "read"][["row", "column", "rule", "cells"]]) == [
        [None, "time", "Jalali dates", 7],
        [None, "quantity", "whole numbers", 7],
        [None, "unit_price", "money with 2 decimals", 7],
        [None, "discount", "money with 2 decimals", 2],
        [None, "amount", "money with 2 decimals", 5],
    ]


def test_repaired_cells_are_told_with_place_and_both_values(cleaned):
    assert told(cleaned, "repaired") == [
        [1, "o1", "unit_price", "number unified", "1,000.50", "1000.50"],
        [1, "o1", "amount", "number unified", "2,001.00", "2001.00"],
        [1, "o1", "channel", "spelling unified", "Web", "web"],
        [2, "o2", "customer_id", "text unified", "cي2", "cی2"],
        [2, "o2", "channel", "spelling unified", "e-mail", "email"],
        [2, "o2", "promotion", "marker read as missing", "n/a", None],
        [6, "o5", "time", ANOTHER_CALENDAR, "15.08.2024", "2024-08-15"],
        [6, "o5", "unit_price", "rounded to 2 decimals", "10.005", "10.0"],
    ]


def test_a_date_of_the_other_calendar_is_told_with_its_clock():
    raw = orders(time=["1403/05/12", "1403/05/13", "2024-08-02 10:00"])
    assert told(clean(raw, "orders"), "repaired") == [
        [3, "o2", "time", ANOTHER_CALENDAR, "2024-08-02 10:00", "2024-08-02 10:00:00"]
    ]


def test_blanked_cells_are_told(cleaned):
    assert told(cleaned, "blanked") == [
        [6, "o5", "discount", "outside its range", "-2", None],
        [6, "o5", "channel", "value not allowed", "billboard", None],
    ]


def test_filled_cells_are_told(cleaned):
    assert told(cleaned, "filled") == [
        [1, "o6", "amount", "quantity x unit price - discount", None, "700"],
        [2, "o6", "amount", "quantity x unit price - discount", None, "700"],
    ]


def test_merged_rows_are_told_with_the_row_that_stays(cleaned):
    assert cleaned.merged == 1
    assert told(cleaned, "merged") == [
        [2, "o6", "*", "equal to an earlier row in every column", None, "b.csv:1"]
    ]


def test_rows_set_aside_are_told_with_every_reason(cleaned):
    assert told(cleaned, "set aside") == [
        [3, "o3", "customer_id", "a value is required", None, None],
        [5, "o4", "time", "no such day in its calendar", None, None],
        [5, "o4", "quantity", "not a number of at most 15 digits", None, None],
        [3, "o7", "amount", "neither an amount nor a unit price", None, None],
    ]


def test_what_is_noticed_and_left_is_told(cleaned):
    assert plain(cleaned.ledger[cleaned.ledger["action"] == "left"][["row", "column", "rule", "cells"]]) == [
        [None, "quantity", "negative: kept as a return", 1]
    ]


def test_every_action_is_seen_and_in_the_order_of_the_raw_rows(cleaned):
    assert set(cleaned.ledger["action"]) == set(UNASKED)
    places = cleaned.ledger.dropna(subset="row")[["source", "row"]]
    order = [tuple(place) for place in LINEAGE.to_numpy().tolist()]
    found = [order.index(tuple(place)) for place in places.to_numpy().tolist()]
    assert found == sorted(found)
    assert (cleaned.ledger["table"] == "orders").all()


def test_quarantine_keeps_the_records_as_they_came(cleaned):
    quarantine = cleaned.quarantine
    assert plain(quarantine[["table", "source", "row", "reasons"]]) == [
        ["orders", "a.csv", 3, "customer_id: a value is required"],
        [
            "orders",
            "a.csv",
            5,
            "time: no such day in its calendar; quantity: not a number of at most 15 digits",
        ],
        ["orders", "b.csv", 3, "amount: neither an amount nor a unit price"],
    ]
    as_it_came = DIRTY.astype(object).where(DIRTY.notna(), None).loc[[2, 3, 7]].to_dict("records")
    assert [json.loads(record) for record in quarantine["record"]] == as_it_came


def test_the_summary_counts_what_the_ledger_tells(cleaned):
    summary = summarise(cleaned.ledger)
    assert summary["cells"].sum() == cleaned.ledger["cells"].sum()
    assert summary["action"].drop_duplicates().tolist() == UNASKED


# What holds for any dirty table


@pytest.mark.parametrize("name", TABLES)
@settings(deadline=None, max_examples=2)
@given(seed=st.integers(0, 2**32), region=st.sampled_from(["", "IR"]))
def test_no_row_is_lost_and_clean_stays_clean(name, seed, region):
    raw = dirty(name, seed)
    before = raw.copy()
    cleaned = clean(raw, name, Conventions(time_zone="Asia/Tehran", region=region))
    pd.testing.assert_frame_equal(raw, before)
    assert cleaned.rows_in == len(raw) == len(cleaned.frame) + len(cleaned.quarantine) + cleaned.merged

    rows = cleaned.ledger.groupby("action")["row"].agg(list)
    aside, merged = rows.get("set aside", []), rows.get("merged", [])
    assert sorted(set(aside)) == cleaned.quarantine["row"].tolist()
    assert len(set(merged)) == len(merged) == cleaned.merged
    assert not set(aside) & set(merged)

    # Money comes back in minor units: read again, it has no decimals.
    again = clean(cleaned.frame, name, Conventions(decimals=0, region=region))
    pd.testing.assert_frame_equal(again.frame, cleaned.frame)
    assert set(again.ledger["action"]) <= {"read", "left"}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_without_rows_has_the_columns_and_types_of_the_contract(name):
    contract = TABLES[name]
    cleaned = clean(pd.DataFrame(columns=contract.names, dtype="str"), name)
    assert cleaned.frame.dtypes.astype(str).to_dict() == {c.name: DTYPES[c.kind] for c in contract.columns}
    assert (cleaned.rows_in, len(cleaned.frame), len(cleaned.quarantine), cleaned.merged) == (0, 0, 0, 0)


@pytest.mark.parametrize("name", TABLES)
def test_required_columns_alone_are_enough(name):
    values = {"time": "2024-08-02", "boolean": "yes"}
    needed = [column for column in TABLES[name].columns if column.required and column.default is None]
    raw = {c.name: [next(iter(c.allowed)) if c.allowed else values.get(c.kind, "1")] for c in needed}
    cleaned = clean(pd.DataFrame(raw or {"beyond": ["x"]}), name)
    assert (len(cleaned.frame), len(cleaned.quarantine)) == (1, 0)
    optional = [column.name for column in TABLES[name].columns if not column.required]
    assert cleaned.frame[optional].isna().all().all()


def test_the_clean_frame_is_numbered_anew_and_the_raw_index_does_not_matter():
    raw = orders(quantity=["1", "x", "3"]).set_axis([7, 7, "z"])
    cleaned = clean(raw, "orders")
    assert cleaned.frame.index.tolist() == [0, 1]
    assert cleaned.quarantine["row"].tolist() == [2]


def test_an_unknown_table_is_refused():
    with pytest.raises(ParameterError, match="There is no table called 'oders'; did you mean 'orders'"):
        clean(orders(), "oders")


# Columns that are missing


def test_a_record_without_a_number_gets_that_of_its_row():
    cleaned = clean(orders(order_id=None, quantity=["1", "x", "3"]), "orders")
    assert cleaned.frame["order_id"].tolist() == ["#1", "#3"]
    assert told(cleaned, "set aside") == [
        [2, "#2", "quantity", "not a number of at most 15 digits", None, None]
    ]
    assert ["order_id", "left", "not in the source; taken as row number", 3] in plain(
        cleaned.ledger[["column", "action", "rule", "cells"]]
    )


def test_records_of_several_sources_get_the_source_into_their_number():
    lineage = pd.DataFrame({"source": ["a", "b", "b"], "row": [1, 1, 2]})
    cleaned = clean(orders(order_id=None, quantity=["1", "2", "3"]), "orders", lineage=lineage)
    assert cleaned.frame["order_id"].tolist() == ["a:1", "b:1", "b:2"]


def test_an_order_without_a_quantity_is_one_piece():
    cleaned = clean(orders(quantity=None, amount=["5", "6"]), "orders")
    assert cleaned.frame["quantity"].tolist() == [1, 1]
    assert ["quantity", "left", "not in the source; taken as 1", 2] in plain(
        cleaned.ledger[["column", "action", "rule", "cells"]]
    )


def test_a_gap_in_a_column_with_a_default_is_no_missing_column():
    cleaned = clean(orders(quantity=["1", None], order_id=["", "o2"]), "orders")
    assert set_aside(cleaned) == {1: "order_id: a value is required", 2: "quantity: a value is required"}


@pytest.mark.parametrize("name", TABLES)
def test_a_required_column_that_is_missing_is_named(name):
    for column in TABLES[name].columns:
        needed = column.required and column.default is None and column.name != "amount"
        raw = pd.DataFrame({other: ["Zubin Private"] for other in TABLES[name].names if other != column.name})
        if needed:
            with pytest.raises(TableError, match=f"^Table {name} needs a column {column.name} ") as caught:
                clean(raw, name)
            assert (caught.value.table, caught.value.column) == (name, column.name)
            assert "Zubin" not in str(caught.value)


def test_neither_amount_nor_unit_price_sets_the_lines_aside():
    cleaned = clean(orders(amount=None, quantity=["1", "2"]), "orders")
    assert set_aside(cleaned) == dict.fromkeys([1, 2], "amount: neither an amount nor a unit price")


def test_a_column_that_is_there_twice_is_refused_without_a_word_of_its_values():
    raw = pd.DataFrame([["c1", "Zubin", "Private"]], columns=["customer_id", "first_name", "first_name"])
    with pytest.raises(TableError, match="Table customers has the column first_name twice") as caught:
        clean(raw, "customers")
    assert caught.value.column == "first_name"
    assert "Zubin" not in str(caught.value)


def test_errors_of_the_contract_show_rows_and_no_values():
    frame = pd.DataFrame({"customer_id": ["Zubin", "Zubin"], "gender": ["Private", None]})
    with pytest.raises(TableError) as caught:
        validate(frame.astype("str"), "customers")
    assert "Zubin" not in str(caught.value)
    assert "Private" not in str(caught.value)


# Amounts


def test_amounts_are_computed_where_the_source_has_none():
    raw = orders(
        amount=None, quantity=["2", "-2", "3"], unit_price=["1.25", "1.25", "2"], discount=["0.50", None, "6"]
    )
    cleaned = clean(raw, "orders")
    assert cleaned.frame["amount"].tolist() == [200, -250, 0]
    assert told(cleaned, "filled") == []
    assert ["amount", "read", "quantity x unit price - discount", 3] in plain(
        cleaned.ledger[["column", "action", "rule", "cells"]]
    )


def test_amounts_given_are_kept_and_gaps_are_filled():
    raw = orders(amount=["9", None, "n/a", "x"], quantity=["2"] * 4, unit_price=["1.25", "1.25", "2", "2"])
    cleaned = clean(raw, "orders")
    assert cleaned.frame["amount"].tolist() == [900, 250, 400]
    rule = "quantity x unit price - discount"
    assert told(cleaned, "filled") == [
        [2, "o1", "amount", rule, None, "250"],
        [3, "o2", "amount", rule, None, "400"],
    ]
    assert set_aside(cleaned) == {4: "amount: not a number of at most 15 digits"}


@settings(deadline=None, max_examples=5)
@given(
    st.lists(
        st.tuples(
            st.integers(-(10**6), 10**6), st.decimals(0, 10**9, places=2), st.decimals(0, 10**9, places=2)
        ),
        min_size=1,
        max_size=30,
    )
)
def test_computed_amounts_against_decimal(lines):
    raw = pd.DataFrame(lines, columns=["quantity", "unit_price", "discount"]).astype("str")
    cleaned = clean(raw.assign(customer_id="c", time="2024-08-02"), "orders")
    exact = [quantity * price - discount for quantity, price, discount in lines]
    assert cleaned.frame["amount"].tolist() == [int(amount * 100) for amount in exact]


def test_a_line_whose_amount_does_not_fit_is_set_aside_and_not_wrapped_around():
    large = ["900000000000", "-900000000000", "999999999999999", "4294967296", "184467440737096"]
    prices = ["900000000000", "900000000000", "999999999999999.99", "42949672.96", "1000"]
    raw = orders(amount=None, quantity=["1", *large], unit_price=["1", *prices])
    cleaned = clean(raw, "orders")
    assert cleaned.frame["amount"].tolist() == [100]
    reason = "amount: quantity x unit price is too large to be kept"
    assert set_aside(cleaned) == dict.fromkeys([2, 3, 4, 5, 6], reason)
    assert clean(raw.assign(amount="5"), "orders").frame["amount"].tolist() == [500] * 6


def test_the_largest_amounts_that_fit_are_exact():
    raw = orders(
        amount=None, quantity=["999999", "-999999"], unit_price=["9999999999.99"] * 2, discount=["0.01"] * 2
    )
    found = clean(raw, "orders").frame["amount"].tolist()
    assert found == [999999 * 999999999999 - 1, -999999 * 999999999999 - 1]


def test_amounts_of_a_spreadsheet_that_cannot_be_kept():
    assert set_aside(clean(orders(amount=[1.5, np.inf, -np.inf, 1e17, 1e300, np.nan]), "orders")) == {
        2: "amount: not a number of at most 15 digits",
        3: "amount: not a number of at most 15 digits",
        4: "amount: too large to be kept",
        5: "amount: too large to be kept",
        6: "amount: neither an amount nor a unit price",
    }


def test_amounts_of_a_spreadsheet_are_read_to_the_cent():
    cleaned = clean(orders(amount=[0.1 + 0.2, 1 / 3, 1e15, -0.0, 19.99]), "orders")
    assert cleaned.frame["amount"].tolist() == [30, 33, 10**17, 0, 1999]
    assert told(cleaned, "repaired") == [
        [2, "o1", "amount", "rounded to 2 decimals", "0.3333333333333333", "0.33"]
    ]


@pytest.mark.parametrize(("decimals", "amount"), [(0, 12), (2, 1234), (3, 12345)])
def test_money_is_in_the_minor_units_of_its_currency(decimals, amount):
    cleaned = clean(orders(amount=["12.345"]), "orders", Conventions(decimals=decimals))
    assert cleaned.frame["amount"].tolist() == [amount]
    assert [entry[3] for entry in told(cleaned, "repaired")] == (
        [] if decimals == 3 else [f"rounded to {decimals} decimals"]
    )


def test_returns_are_kept_and_those_that_stay_are_counted():
    raw = orders(quantity=["-1", "-2", "-3", "-3", "4"], time=["bad"] + ["2024-08-02"] * 4,
                 order_id=["o1", "o2", "o3", "o3", "o4"])  # fmt: skip
    cleaned = clean(raw, "orders")
    assert cleaned.frame["quantity"].tolist() == [-2, -3, 4]
    assert cleaned.ledger.query("rule == 'negative: kept as a return'")["cells"].tolist() == [2]


def test_whole_numbers_must_be_whole():
    cleaned = clean(orders(quantity=["1.0", "1.5", "1e3", "9223372036854775808"]), "orders")
    assert cleaned.frame["quantity"].tolist() == [1]
    assert list(set_aside(cleaned).values()) == [
        "quantity: not a whole number",
        "quantity: not a number of at most 15 digits",
        "quantity: not a number of at most 15 digits",
    ]
    assert set_aside(clean(orders(quantity=[1.0, 2.5]), "orders")) == {2: "quantity: not a whole number"}


# Duplicates and keys


def test_a_log_with_numbers_of_its_own_is_merged_and_one_without_is_not():
    raw = orders(order_id=["o1", "o1"])
    assert clean(raw, "orders").merged == 1
    assert clean(raw.drop(columns="order_id"), "orders").merged == 0


def test_a_list_without_numbers_of_its_own_is_merged_by_the_rest():
    raw = pd.DataFrame({"first_name": ["Ann", "ANN", "Bob"], "email": ["a@b.co", "a@B.co", None]})
    cleaned = clean(raw, "customers")
    assert (cleaned.merged, cleaned.frame["customer_id"].tolist()) == (1, ["#1", "#3"])
    assert told(cleaned, "merged") == [[2, "#2", "*", "equal to an earlier row in every column", None, ":1"]]


def test_rows_are_equal_when_they_are_once_they_are_clean():
    raw = orders(order_id=["o1", "o1"], time=["2024-08-02", "1403/05/12"], amount=["1,000", "1000.00"])
    assert clean(raw, "orders").merged == 1
    raw["beyond"] = ["x", "y"]
    assert clean(raw, "orders").merged == 0


def test_a_source_may_keep_its_duplicates():
    lineage = pd.DataFrame({"source": "a", "row": [1, 2, 3], "merge": [True, False, True]})
    cleaned = clean(orders(order_id=["o1"] * 3), "orders", lineage=lineage)
    assert (cleaned.merged, len(cleaned.frame)) == (1, 2)
    assert [entry[0] for entry in told(cleaned, "merged")] == [3]


def test_a_key_that_is_taken_sets_the_later_row_aside():
    raw = pd.DataFrame({"product_id": ["a", "b", "۱", "a", "1"], "name": ["A", "B", "C", "D", "E"]})
    cleaned = clean(raw, "products")
    assert cleaned.frame["name"].tolist() == ["A", "B", "C"]
    assert set_aside(cleaned) == dict.fromkeys([4, 5], "product_id: taken by an earlier row")


def test_a_key_of_several_columns():
    raw = pd.DataFrame(
        {
            "ticket_id": ["t1", "t1", "t1", "t2"],
            "time": ["2024-08-02", "2024-08-02", "2024-08-02", "2024-08-02"],
            "status": ["open", "new", "closed", "opened"],
            "topic": ["a", "b", "c", "d"],
        }
    )
    cleaned = clean(raw, "tickets")
    assert cleaned.frame["topic"].tolist() == ["a", "c", "d"]
    assert set_aside(cleaned) == {2: "ticket_id + time + status: taken by an earlier row"}


def test_a_row_set_aside_takes_no_key():
    raw = pd.DataFrame({"opportunity_id": ["a", "a"], "stage": ["no stage", "won"]})
    assert clean(raw, "opportunities").frame["stage"].tolist() == ["won"]


# Missing values


def test_markers_of_missing_values():
    markers = [*MISSING_MARKERS, " N/A ", "NULL", "\u200b", "\u200en/a", "ـ", "ندارد\u200c"]
    size = len(markers)
    names = pd.DataFrame({"product_id": [f"p{n}" for n in range(size)], "name": markers})
    cleaned = clean(names, "products")
    assert cleaned.frame["name"].isna().all()
    assert [entry[4:] for entry in told(cleaned, "repaired")] == [
        [marker, None] for marker in markers if marker
    ]
    assert set(cleaned.ledger["rule"]) == {"marker read as missing"}
    keys = clean(names.rename(columns={"name": "product_id", "product_id": "name"}), "products")
    assert set_aside(keys) == dict.fromkeys(range(1, size + 1), "product_id: a value is required")


def test_telephone_numbers_of_an_unknown_country_are_left_and_counted():
    raw = pd.DataFrame({"customer_id": list("abc"), "phone": ["0171 2000001", "+49 171 2000001", "+49 17"]})
    cleaned = clean(raw, "customers")
    assert cleaned.frame["phone"].fillna("-").tolist() == ["0171 2000001", "+491712000001", "-"]
    done = cleaned.ledger[cleaned.ledger["column"] == "phone"]
    assert plain(done[["action", "rule", "row", "cells"]]) == [
        ["left", "no country code, and no region named: set phone_region", None, 1],
        ["repaired", "phone written as E.164", 2, 1],
        ["blanked", "not a valid telephone number", 3, 1],
    ]


def test_answers_that_their_scale_does_not_have_are_set_aside():
    raw = pd.DataFrame({
        "response_id": list("abcde"), "metric": "nps", "score": [0, 10, 11, -1, None],
        "scale_low": 0, "scale_high": 10,
    })  # fmt: skip
    cleaned = clean(raw, "surveys")
    assert cleaned.frame["score"].fillna(-9).tolist() == [0, 10, -9]
    assert cleaned.quarantine["reasons"].tolist() == ["score: outside its scale"] * 2


def test_names_that_are_markers_elsewhere_are_kept():
    raw = pd.DataFrame({
        "customer_id": list("abcdef"),
        "last_name": ["Null", "NULL", "Na", "na", "None", "nan"],
        "city": ["Nan", "Null", "Na", "Nil", "None", "Nancy"],
    })  # fmt: skip
    frame = clean(raw, "customers").frame
    assert frame["last_name"].fillna("-").tolist() == ["Null", "-", "Na", "-", "None", "-"]
    assert frame["city"].fillna("-").tolist() == ["-", "-", "-", "-", "-", "Nancy"]


def test_a_workspace_may_have_markers_of_its_own():
    raw = pd.DataFrame({"product_id": ["a", "b", "c"], "name": ["0", "۰", "n/a"]})
    cleaned = clean(raw, "products", Conventions(missing=("0",)))
    assert plain(cleaned.frame[["name"]]) == [[None], [None], ["n/a"]]


def test_a_word_for_no_is_an_answer_and_not_a_missing_one():
    words = {"بله": True, "ندارد": False, "خیر": False, "No": False, "1": True, "۰": False}
    raw = pd.DataFrame({"customer_id": list("abcdef"), "given": words.keys(), "time": "2024-08-02"})
    assert clean(raw, "consents").frame["given"].tolist() == list(words.values())


@pytest.mark.parametrize("column", ["order_id", "customer_id", "time", "quantity"])
def test_a_required_value_that_is_missing_in_whatever_way_sets_the_row_aside(column):
    good = orders()[column].iloc[0]
    raw = orders(**{column: [good, None, "", "n/a", "\u200b", "\u200e \u200f"]})
    assert set_aside(clean(raw, "orders")) == dict.fromkeys(range(2, 7), f"{column}: a value is required")


@pytest.mark.parametrize("dtype", ["str", "object", "category"])
def test_text_of_any_type_is_read_alike(dtype):
    raw = pd.DataFrame(
        {
            "product_id": ["a", "b", "c"], "name": ["n/a", "  B ", None],
            "unit_price": ["1,200.50", "-", "x"], "stock": ["۷", "", None],
        },
        dtype=dtype,
    )  # fmt: skip
    columns = ["name", "unit_price", "stock"]
    assert plain(clean(raw, "products").frame[columns]) == [
        [None, 120050, 7],
        ["B", None, None],
        [None, None, None],
    ]


# Types and conventions


def test_typed_columns_of_a_database_or_spreadsheet():
    raw = pd.DataFrame(
        {
            "customer_id": [12.0, 13.0, np.nan],
            "birth_date": pd.Series(["1990-05-01 00:00", None, "1990-05-03"], dtype="datetime64[ns]"),
            "phone": [9121234567.0, np.nan, 12.0],
            "postcode": pd.array([1234567890, None, 5], dtype="Int64"),
            "province": [9007199254740993, 2**53 + 3, 7],
            "gender": pd.Series(["F", "آقا", "?"], dtype="category"),
            "registered_at": pd.Series([datetime.date(2024, 8, 2), "1403/05/12", 20240802], dtype=object),
            "city": pd.Series([Decimal("1.50"), True, None], dtype=object),
        }
    )
    cleaned = clean(raw, "customers", Conventions(region="IR"))
    columns = ["customer_id", "phone", "postcode", "province", "gender", "city"]
    assert plain(cleaned.frame[columns]) == [
        ["12", "+989121234567", "1234567890", "9007199254740993", "female", "1.50"],
        ["13", None, None, "9007199254740995", "male", "True"],
    ]
    assert cleaned.frame["registered_at"].tolist() == [pd.Timestamp("2024-08-02")] * 2
    assert cleaned.frame["birth_date"].isna().tolist() == [False, True]
    assert set_aside(cleaned) == {3: "customer_id: a value is required"}


def test_the_key_on_the_ledger_is_the_one_in_the_table():
    raw = orders(order_id=[12.0, 13.0], amount=["5", "1,000.00"])
    cleaned = clean(raw, "orders")
    assert [entry[1] for entry in told(cleaned, "repaired")] == ["13"]
    assert cleaned.frame["order_id"].tolist() == ["12", "13"]


def test_a_consent_without_a_customer_column():
    raw = pd.DataFrame({"contact": ["ann@example.com"], "given": ["no"], "time": ["2024-08-02"]})
    cleaned = clean(raw, "consents")
    assert plain(cleaned.frame[["customer_id", "contact", "given"]]) == [[None, "ann@example.com", False]]


def test_columns_beyond_the_contract_are_kept_behind_it():
    raw = orders(quantity=["1", "2"]).assign(note=["  علي ", "n/a"], weight=[1.5, np.inf])
    raw[7] = ["x", "y"]
    cleaned = clean(raw, "orders")
    assert cleaned.frame.columns.tolist() == [*TABLES["orders"].names, "note", "weight", 7]
    assert plain(cleaned.frame[["note", "weight", 7]]) == [["علی", 1.5, "x"], [None, np.inf, "y"]]


CONVENTIONS = [
    (orders(time=["02/08/2024"]), "orders", Conventions(day_first=True), "time", pd.Timestamp("2024-08-02")),
    (orders(time=["02/08/2024"]), "orders", Conventions(day_first=False), "time", pd.Timestamp("2024-02-08")),
    (orders(time=["2024-08-02T10:00Z"]), "orders", Conventions(time_zone="Asia/Tehran"), "time",
     pd.Timestamp("2024-08-02 13:30")),
    (orders(amount=["1,500"]), "orders", Conventions(decimal=","), "amount", 150),
    (orders(amount=["1,500"]), "orders", Conventions(decimal="."), "amount", 150000),
    (pd.DataFrame({"phone": ["020 7946 0018"]}), "customers", Conventions(region="GB"), "phone",
     "+442079460018"),
    (pd.DataFrame({"birth_date": ["2024-08-02 23:59"]}), "customers", Conventions(), "birth_date",
     pd.Timestamp("2024-08-02")),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "name", "conventions", "column", "value"), CONVENTIONS)
def test_conventions(raw, name, conventions, column, value):
    assert clean(raw, name, conventions).frame[column].tolist() == [value]


def test_what_only_a_convention_can_tell_is_set_aside_without_it():
    raw = orders(time=["02/08/2024", "2024-08-02T10:00Z", "2024-08-02"])
    assert set_aside(clean(raw, "orders")) == {
        1: "time: day and month cannot be told apart; set day_first",
        2: "time: names a time zone; set the workspace's time_zone",
    }


def test_values_below_the_minimum_are_blanked():
    raw = pd.DataFrame({"product_id": ["a", "b"], "unit_price": ["-1", "0"], "unit_cost": ["5", "-0.01"]})
    cleaned = clean(raw, "products")
    assert plain(cleaned.frame[["unit_price", "unit_cost"]]) == [[None, 500], [0, None]]
    assert [entry[3] for entry in told(cleaned, "blanked")] == ["outside its range"] * 2


# Typing without cleansing


def test_columns_get_their_type_only_where_every_cell_can_be_read():
    raw = pd.DataFrame(
        {
            "order_id": [1, 2, 3], "customer_id": [" a ", "n/a", None],
            "time": ["1403/05/12", "", None], "quantity": ["1", "x", "2.5"], "amount": ["1.50", " ", None],
            "channel": ["Web", "fax", None], "beyond": ["x", "y", "z"],
        }
    )  # fmt: skip
    before = raw.copy()
    frame, unread = type_columns(raw, "orders")
    pd.testing.assert_frame_equal(raw, before)
    assert frame.columns.tolist() == raw.columns.tolist()
    assert frame["order_id"].tolist() == ["1", "2", "3"]
    assert frame["amount"].fillna(-1).tolist() == [150, -1, -1]
    assert frame["time"].tolist()[:1] == [pd.Timestamp("2024-08-02")]
    for name in ("customer_id", "quantity", "channel", "beyond"):
        pd.testing.assert_series_equal(frame[name], raw[name])
    assert {name: reasons.to_dict() for name, reasons in unread.items()} == {
        "quantity": {1: "not a number of at most 15 digits", 2: "not a whole number"}
    }


@pytest.mark.parametrize("amount", [np.inf, 1e17])
def test_numbers_that_cannot_be_kept_leave_the_column_as_it_is(amount):
    raw = pd.DataFrame({"amount": [1.5, amount]})
    frame, unread = type_columns(raw, "orders")
    pd.testing.assert_frame_equal(frame, raw)
    assert list(unread) == ["amount"]


def test_iranian_national_ids_are_held_to_their_check_digit():
    ids = ["0499370899", "499370899", "۰۴۹۹۳۷۰۸۹۹", "0499370898", "1111111111", None]
    raw = pd.DataFrame({"customer_id": list("abcdef"), "national_id": ids})
    cleaned = clean(raw, "customers", Conventions(region="IR"))
    assert cleaned.frame["national_id"].fillna("").tolist() == ["0499370899"] * 3 + ["", "1111111111", ""]
    ledger = cleaned.ledger[cleaned.ledger["column"] == "national_id"]
    assert sorted(zip(ledger["action"], ledger["rule"], strict=True)) == [
        ("blanked", "the check digit does not fit"), ("left", "all digits are equal"),
        ("repaired", "identity number unified"), ("repaired", "leading zeros restored"),
    ]  # fmt: skip
    elsewhere = clean(raw, "customers", Conventions(region="DE"))
    assert elsewhere.frame["national_id"][3] == "0499370898"


def test_misspelt_mail_domains_are_noted_with_what_was_meant_and_left():
    emails = ["Ann@Gmail.CON", "ann@gmail.com", "ann@gmial", None, "bo@hotmial.com"]
    raw = pd.DataFrame({"customer_id": list("abcde"), "email": emails})
    cleaned = clean(raw, "customers")
    assert cleaned.frame["email"].fillna("").tolist() == [
        "Ann@gmail.con",
        "ann@gmail.com",
        "",
        "",
        "bo@hotmial.com",
    ]
    assert told(cleaned, "left") == [
        [1, "a", "email", "likely misspelt domain", "Ann@gmail.con", "Ann@gmail.com"],
        [5, "e", "email", "likely misspelt domain", "bo@hotmial.com", "bo@hotmail.com"],
    ]


def test_postcodes_of_iran_come_in_one_form_and_others_are_noted_and_left():
    codes = ["۱۴۱۷۴-۶۶۱۹۱", "1417466191", "14174", "D-10115", "1217466191", None, "n/a\u200b"]
    raw = pd.DataFrame({"customer_id": list("abcdefg"), "postcode": codes})
    cleaned = clean(raw, "customers", Conventions(region="IR"))
    kept = ["14174", "D-10115", "1217466191"]
    assert cleaned.frame["postcode"].fillna("").tolist() == ["1417466191"] * 2 + kept + ["", ""]
    why = "not the form of an Iranian postcode: "
    assert told(cleaned, "left") == [
        [3, "c", "postcode", why + "not ten digits", "14174", None],
        [4, "d", "postcode", why + "signs that are no digits", "D-10115", None],
        [5, "e", "postcode", why + "no such region", "1217466191", None],
    ]
    assert told(cleaned, "repaired", "blanked") == [
        [1, "a", "postcode", "postcode unified", "۱۴۱۷۴-۶۶۱۹۱", "1417466191"],
        [7, "g", "postcode", "marker read as missing", "n/a\u200b", None],
    ]
    elsewhere = clean(raw, "customers", Conventions(region="DE"))
    assert elsewhere.frame["postcode"][0] == "14174-66191"
    assert told(elsewhere, "left") == []


def test_a_few_jalali_years_among_gregorian_dates_are_read_where_both_are_written():
    raw = pd.DataFrame(
        {"customer_id": [str(n) for n in range(40)], "birth_date": ["1990-05-06"] * 39 + ["1399-05-21"]}
    )
    lineage = pd.DataFrame({"source": "people.csv", "row": range(1, 41)})
    both = clean(raw, "customers", lineage=lineage)
    assert both.frame["birth_date"].iloc[-1] == pd.Timestamp("2020-08-11")
    one = clean(raw, "customers", Conventions(both_calendars=False), lineage)
    assert one.frame["birth_date"].isna().tolist() == [False] * 39 + [True]
    assert one.ledger["rule"].tolist()[-1] == "Jalali year in a column of Gregorian dates"
    many = raw.assign(birth_date=["1990-05-06", "1399-05-21"] * 20)
    assert (
        clean(many, "customers", Conventions(both_calendars=False), lineage).frame["birth_date"].notna().all()
    )
