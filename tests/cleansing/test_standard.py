"""The entry standard: all that the contract says of a column, with examples that are right."""

import pytest

from crmlab.cleansing import Conventions, check_record, entry_standard
from crmlab.cleansing.domains import match_one
from crmlab.cleansing.standard import word_of
from crmlab.errors import ParameterError
from crmlab.locale import language
from crmlab.tables import TABLES

CONVENTIONS = [
    Conventions(),
    Conventions(region="IR", decimals=0),
    Conventions(region="DE", decimals=3, decimal=","),
]


@pytest.mark.parametrize("conventions", CONVENTIONS, ids=["none", "IR", "DE"])
@pytest.mark.parametrize("code", ["en", "fa"])
@pytest.mark.parametrize("table", TABLES)
def test_a_record_of_the_examples_is_right(table, code, conventions):
    record = entry_standard(table, language(code), conventions)["example"].to_dict()
    found = check_record(table, record, conventions)
    assert found[found["level"] != "note"].to_dict("records") == []


def test_only_iran_has_its_national_ids_and_postcodes():
    anywhere, iran = entry_standard("customers"), entry_standard("customers", None, Conventions(region="IR"))
    for column in ("national_id", "postcode"):
        assert not anywhere.loc[column, "example"].isdigit()
        assert "digits" not in anywhere.loc[column, "form"]
        assert len(iran.loc[column, "example"]) == 10
        assert iran.loc[column, "form"].startswith("ten digits")
    assert iran.loc[["city", "country"], "example"].tolist() == ["Shiraz", "Iran"]


@pytest.mark.parametrize("code", ["en", "fa"])
@pytest.mark.parametrize("table", TABLES)
def test_the_words_for_allowed_values_are_read_as_these(table, code):
    for column in TABLES[table].columns:
        for value in column.allowed or ():
            assert match_one(word_of(value, column, language(code)), column.allowed) == value


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_told_in_both_languages(table):
    english, persian = (entry_standard(table, language(code)) for code in ("en", "fa"))
    assert list(english.index) == list(persian.index) == TABLES[table].names
    for name in ("label", "meaning", "form", "missing"):
        assert (english[name] != "").all()
        assert persian[name].str.contains("[\u0600-\u06ff]").all(), name
        assert not persian[name].str.contains(r"[{}]").any()
    assert (english["required"] <= [column.required for column in TABLES[table].columns]).all()


def test_ranges_units_and_defaults_are_told():
    standard = entry_standard("orders")
    assert standard.loc["discount", "form"].endswith("; at least 0")
    assert standard.loc["quantity", ["unit", "missing"]].tolist() == [
        "pieces",
        "if nothing is given, 1 is taken",
    ]
    assert standard.loc["channel", "form"].startswith("one of these: web, ")
    assert standard.loc["time", "missing"] == "a value is needed"
    assert standard.loc["promotion", "missing"] == "no promotion"
    with pytest.raises(ParameterError, match="did you mean 'orders'"):
        entry_standard("order")
