"""One record, before it is kept: the verdicts of cleansing, said to the person typing."""

import datetime

import pandas as pd
import pytest
from dirty_tables import dirty
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing import Conventions, Rule, check_record, clean, read_places
from crmlab.cleansing.cells import read_cell
from crmlab.cleansing.entry import ANOTHER_FORM, BY_DEFAULT, BY_NUMBER, LEVELS, NO_VALUE
from crmlab.cleansing.readings import read_column
from crmlab.contract import Column
from crmlab.errors import ParameterError
from crmlab.locale import language
from crmlab.tables import TABLES

IRAN = Conventions(region="IR", time_zone="Asia/Tehran", decimals=0)
HERE = Conventions()
PERSON = {
    "customer_id": "c1", "first_name": "علی", "last_name": "کاظمی", "gender": "male",
    "birth_date": "1365/05/12", "email": "ali@example.org", "phone": "+989121234567",
    "national_id": "0499370899", "address": "خیابان ولیعصر", "city": "تهران", "province": "تهران",
    "postcode": "1939513456", "country": "ایران", "channel": "web", "registered_at": "1402/01/12",
}  # fmt: skip


def told(table: str, record: dict, conventions: Conventions = IRAN, **options) -> list[tuple]:
    found = check_record(table, record, conventions, **options)
    rows = found[["column", "level", "suggestion"]].itertuples(index=False)
    return [(row.column, row.level, None if pd.isna(row.suggestion) else row.suggestion) for row in rows]


def of(column: str, value: object, conventions: Conventions = IRAN) -> list[tuple]:
    """What is told of one cell of a person in order."""
    return [row[1:] for row in told("customers", PERSON | {column: value}, conventions)]


def test_a_record_in_order_has_no_problem():
    found = check_record("customers", PERSON, IRAN)
    assert found.empty
    assert list(found.columns) == ["column", "problem", "suggestion", "level"]
    assert set(found.dtypes.astype(str)) == {"str"}


@pytest.mark.parametrize(
    ("column", "typed", "level", "suggestion"),
    [
        ("customer_id", " ", "error", None),
        ("first_name", "علي", "note", "علی"),
        ("last_name", "MÜLLER", "note", "Müller"),
        ("last_name", "MÃ¼ller", "note", "Müller"),
        ("gender", "خانم", "note", "female"),
        ("gender", "femal", "error", "female"),
        ("gender", "q", "error", None),
        ("birth_date", "1365/13/12", "error", None),
        ("birth_date", "03/04/2001", "error", None),
        ("birth_date", "soon", "error", None),
        ("email", "ali@gmial.com", "warning", "ali@gmail.com"),
        ("email", "ali@@example.com", "error", "ali@example.com"),
        ("email", "ali", "error", None),
        ("phone", "۰۹۱۲ ۱۲۳ ۴۵۶۷", "note", "+989121234567"),
        ("phone", "0912 123 456", "error", None),
        ("national_id", "499370899", "note", "0499370899"),
        ("national_id", "0499370898", "error", None),
        ("national_id", "1111111111", "warning", None),
        ("postcode", "۱۹۳۹۵-۱۳۴۵۶", "note", "1939513456"),
        ("postcode", "12345", "warning", None),
        ("city", "n/a", "note", None),
        ("channel", "وبسایت", "note", "web"),
    ],
)  # fmt: skip
def test_what_is_told_of_a_cell(column, typed, level, suggestion):
    assert of(column, typed) == [(level, suggestion)]
    if suggestion:
        assert of(column, suggestion) == []


def test_without_a_region_numbers_cannot_be_checked_and_ids_may_be_of_any_country():
    assert of("phone", "0912 123 4567", HERE) == [("warning", None)]
    assert of("national_id", "123", HERE) == []


def test_orders_are_held_to_what_stands_between_their_columns():
    line = {"order_id": "1", "customer_id": "c", "time": "2024-08-02 10:30", "quantity": "2"}
    assert told("orders", line, HERE) == [("amount", "error", None)]
    assert told("orders", line | {"unit_price": "3.5"}, HERE) == []
    assert told("orders", line | {"amount": "7", "discount": "-1"}, HERE) == [("discount", "error", None)]
    assert told("orders", line | {"unit_price": "9" * 15, "quantity": "9" * 9}, HERE) == [
        ("amount", "error", None)
    ]


def test_answers_are_held_to_their_scale():
    answer = {"response_id": "1", "metric": "csat", "score": "7", "scale_low": "1", "scale_high": "5"}
    assert told("surveys", answer) == [("score", "error", None)]
    assert told("surveys", answer | {"score": "5"}) == []


def test_columns_that_are_missing_or_unknown_are_told():
    assert told("customers", {"fisrt_name": "Ann", "mobile": "1", "zzz": "1"}, HERE) == [
        ("customer_id", "note", None),
        ("fisrt_name", "warning", "first_name"),
        ("mobile", "warning", "phone"),
        ("zzz", "warning", None),
    ]
    assert told("products", {"name": "x"}) == [("product_id", "error", None)]
    with pytest.raises(ParameterError, match="did you mean 'customers'"):
        check_record("customer", {})


def test_values_of_other_types_are_taken_as_a_table_has_them():
    record = PERSON | {
        "customer_id": 7, "birth_date": datetime.date(1990, 1, 2), "phone": 9121234567,
        "registered_at": pd.Timestamp("2024-01-02"), "national_id": 499370899, "city": None,
        "address": float("nan"), "email": pd.NA,
    }  # fmt: skip
    assert told("customers", record) == [
        ("phone", "note", "+989121234567"),
        ("national_id", "note", "0499370899"),
    ]
    assert told("customers", pd.Series(PERSON)) == []


def test_places_and_rules_are_looked_at_if_they_are_given():
    places = read_places(pd.DataFrame({"name": ["تهران", "قم", "ری"], "province": ["تهران", "قم", "تهران"]}))
    assert told("customers", PERSON, places=places) == []
    assert told("customers", PERSON | {"city": "تهرن"}, places=places) == [("city", "warning", "تهران")]
    assert told("customers", PERSON | {"province": "x"}, places=places) == [("province", "warning", None)]
    rules = [
        Rule("customers", check="registered_at >= birth_date", level="error"),
        Rule("customers", "reachable", check="email is not missing or phone is not missing"),
        Rule("orders", check="amount > 0"),
    ]
    assert told("customers", PERSON, rules=rules) == []
    late = PERSON | {"birth_date": "1402/01/13", "email": "", "phone": None}
    assert told("customers", late, rules=rules) == [
        ("email + phone", "warning", None),
        ("registered_at + birth_date", "error", None),
    ]


def test_problems_are_told_in_persian_too():
    persian = check_record(
        "customers", {"customer_id": "", "gender": "q", "age": "3"}, IRAN, say=language("fa")
    )
    assert persian["problem"].str.contains("[\u0600-\u06ff]").all()
    assert not persian["problem"].str.contains("[{}]").any()


# The verdicts are those of cleansing


CONVENTIONS = [IRAN, HERE, Conventions(region="GB", day_first=True, decimal=",")]


def held_against_clean(table: str, record: dict, conventions: Conventions) -> None:
    found = check_record(table, record, conventions)
    errors = set(found["column"][found["level"] == "error"])
    lacking = [c.name for c in TABLES[table].columns if c.required and c.default is None]
    lacking = set(lacking) - {"amount"} - set(record)
    if lacking:
        assert lacking <= errors
        return
    cleaned = clean(pd.DataFrame([record]), table, conventions)
    entries = cleaned.ledger
    assert errors == set(entries["column"][entries["action"].isin(["set aside", "blanked"])])
    assert (len(cleaned.quarantine) == 0) or errors
    own = entries["column"].isin(TABLES[table].names) & ~entries["column"].isin(errors)
    repaired = entries[own & (entries["action"] == "repaired")].set_index("column")["after"].dropna()
    notes = found[found["problem"].isin([ANOTHER_FORM]) & ~found["column"].isin(errors)]
    assert notes.set_index("column")["suggestion"].to_dict() == repaired.to_dict()
    noticed = entries[own & (entries["action"] == "left") & entries["after"].notna()]
    better = found[(found["level"] == "warning") & found["suggestion"].notna()]
    better = better[better["column"].isin(TABLES[table].names)]
    assert (
        better.set_index("column")["suggestion"].to_dict() == noticed.set_index("column")["after"].to_dict()
    )


@pytest.mark.parametrize("table", TABLES)
def test_verdicts_are_those_of_cleansing(table):
    for seed in range(6):
        for record in dirty(table, seed, rows=1).to_dict("records"):
            held_against_clean(table, record, CONVENTIONS[seed % 3])


ODD = st.text(
    st.sampled_from(" \u200b\u200c\u064b\u0653-/.,:+()@۰۱۲3456789٫٬يكۀééßÃ¼ØİΣaAbTZn\xa0\x1f"), max_size=14
)
ANY = st.one_of(ODD, st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
NAMES = ("id", "name", "email", "phone", "date", "time", "integer", "number", "money", "boolean")
KINDS = [Column(name, name, "") for name in NAMES]
KINDS += [Column("national_id", "id", ""), Column("postcode", "id", ""), TABLES["orders"]["channel"]]


def shown(value: object) -> object:
    return None if value is None or pd.isna(value) else value


@pytest.mark.parametrize("column", KINDS, ids=lambda column: column.name)
@settings(max_examples=40, deadline=None)
@given(text=ANY, conventions=st.sampled_from(CONVENTIONS))
def test_a_cell_is_read_as_a_column_of_one_is(column, text, conventions):
    reading = read_column(pd.Series([text], dtype="str"), column, conventions)
    cell = read_cell(text, column, conventions)
    for name in ("value", "reason", "better"):
        part = getattr(reading, name)
        assert shown(getattr(cell, name)) == (None if part is None else shown(part.iloc[0])), name
    if cell.reason is None:
        assert shown(cell.text) == shown(reading.text.iloc[0])


@settings(max_examples=40, deadline=None)
@given(
    st.fixed_dictionaries(dict.fromkeys(("customer_id", "first_name", "email", "birth_date", "channel"), ANY))
)
def test_taking_every_suggestion_ends(record):
    for _ in range(3):
        found = check_record("customers", record, IRAN)
        better = found.dropna(subset="suggestion").drop_duplicates("column")
        if better.empty:
            break
        record = record | dict(zip(better["column"], better["suggestion"], strict=True))
    assert found["suggestion"].isna().all()


def test_levels_and_notes_are_what_they_are_called():
    assert LEVELS == ("error", "warning", "note")
    found = check_record("orders", {"customer_id": "n/a", "product_id": "n/a"}, HERE)
    by_column = found.set_index("column")["problem"].to_dict()
    assert by_column["order_id"] == BY_NUMBER
    assert by_column["quantity"] == BY_DEFAULT
    assert by_column["product_id"] == NO_VALUE
