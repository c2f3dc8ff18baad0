"""What a column may hold: allowed values in their spellings, and ranges."""

import pandas as pd
import pytest

from crmlab.cleansing.clean import MISSING_MARKERS
from crmlab.cleansing.domains import match_allowed, out_of_range
from crmlab.tables import CHANNELS, TABLES, YES_NO

CATEGORIES = [
    (table.name, column.name, YES_NO if column.kind == "boolean" else column.allowed)
    for table in TABLES.values()
    for column in table.columns
    if column.allowed or column.kind == "boolean"
]


def names(values: pd.Series) -> list:
    return [None if pd.isna(value) else value for value in values]


@pytest.mark.parametrize(
    ("table", "column", "allowed"), CATEGORIES, ids=lambda part: part if isinstance(part, str) else ""
)
def test_every_spelling_of_the_contract_is_that_of_its_own_value(table, column, allowed):
    for value, spellings in allowed.items():
        found = match_allowed(pd.Series([str(value), *spellings]), allowed)
        assert found.tolist() == [value] * (len(spellings) + 1)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("web", "web"), ("WEB", "web"), (" Web ", "web"), ("Website", "web"), ("web_site", "web"),
        ("e-mail", "email"), ("E-Mail", "email"), ("e mail", "email"), ("EMAIL", "email"), ("e‐mail", None),
        ("In Person", "in_person"), ("in-person", "in_person"), ("inperson", "in_person"),
        ("پست الکترونیک", "email"), ("پست الكترونيك", "email"), ("پست\u200cالکترونیک", "email"),
        ("پستالکترونیک", "email"), ("تلفـن", "phone"), ("ایمیل\u200f", "email"), ("شبکه‌ اجتماعی", "social"),
        ("webb", None), ("we", None), ("", None), ("42", None),
    ],
)  # fmt: skip
def test_case_spaces_hyphens_and_letter_variants_do_not_count(text, value):
    assert names(match_allowed(pd.Series([text]), CHANNELS)) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [("yes", True), ("Y", True), ("TRUE", True), ("1", True), ("۱", True), ("بله", True), ("بلي", None),
     ("no", False), ("0", False), ("۰", False), ("خیر", False), ("خير", False), ("غیر فعال", False),
     ("ندارد", False), ("maybe", None), ("2", None)],
)  # fmt: skip
def test_yes_and_no(text, value):
    assert names(match_allowed(pd.Series([text]), YES_NO)) == [value]


def test_values_come_back_in_place_and_missing_stays_missing():
    values = pd.Series(["fax", None, "فکس", "FAX", "?"], index=[4, 4, 1, 0, 2], name="channel")
    before = values.copy()
    found = match_allowed(values, CHANNELS)
    assert names(found) == ["fax", None, "fax", "fax", None]
    assert found.index.equals(values.index)
    pd.testing.assert_series_equal(values, before)


def test_a_value_goes_before_the_spelling_of_another():
    assert match_allowed(pd.Series(["new"]), {"new": ("open",), "open": ()}).tolist() == ["new"]
    assert match_allowed(pd.Series(["open"]), {"new": ("open",), "open": ()}).tolist() == ["open"]


@pytest.mark.parametrize("values", [pd.Series([], dtype="str"), pd.Series([None, None], dtype="str")])
def test_columns_without_a_value(values):
    assert match_allowed(values, CHANNELS).isna().all()


def test_markers_of_missing_values_are_in_the_form_they_are_looked_up_in():
    assert [marker for marker in MISSING_MARKERS if marker != marker.strip().lower()] == []


@pytest.mark.parametrize(
    ("minimum", "maximum", "expected"),
    [
        (None, None, [False, False, False, False, False]),
        (0, None, [True, False, False, False, False]),
        (None, 5, [False, False, False, True, False]),
        (0, 5, [True, False, False, True, False]),
        (-1, 6, [False, False, False, False, False]),
        (0.5, 4.5, [True, True, True, True, False]),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "Int64", "Float64"])
def test_out_of_range(minimum, maximum, expected, dtype):
    values = pd.Series([-1, 0, 5, 6, None], index=[7, 7, 1, 2, 3], dtype=dtype)
    found = out_of_range(values, minimum, maximum)
    assert found.tolist() == expected
    assert found.dtype == "bool"
    assert found.index.equals(values.index)
