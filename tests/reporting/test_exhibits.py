"""What a report may show of persons, and what its figures carry with them."""

import json

import numpy as np
import pandas as pd
import pytest

import crmlab as crm
from crmlab.errors import ParameterError
from crmlab.reporting import Report
from crmlab.reporting.render import FILE_TYPE, HEADLINE_TYPE, TABLE_TYPE
from crmlab.tables import IDENTIFIERS

PEOPLE = pd.DataFrame({"customer_id": ["a"], "email": ["a@b.com"], "phone": ["+989121234567"], "n": [1]})


@pytest.fixture
def workspace(shop):
    return crm.open_workspace(shop)


def test_columns_that_say_who_a_person_is_are_known():
    assert {
        "first_name",
        "last_name",
        "full_name",
        "email",
        "phone",
        "national_id",
        "address",
        "contact",
    } == set(IDENTIFIERS)


def test_identifiers_stand_in_a_report_only_if_asked_for(workspace):
    columns = {"customer_id": "Customer"}
    with pytest.raises(
        ParameterError, match=r"'list' holds what says who a person is: email, phone\. Leave it out"
    ):
        Report(workspace).table("list", PEOPLE, columns, title="List")
    shown = Report(workspace, identifiers=["email", "phone"]).table("list", PEOPLE, columns, title="List")
    assert "a@b.com" in str(shown._repr_mimebundle_())
    with pytest.raises(ParameterError, match="email, phone"):
        Report(workspace).bars("list", PEOPLE, "customer_id", {"n": "n"}, title="List")


def test_a_national_id_is_never_shown_and_never_repeated(workspace):
    people = PEOPLE[["n"]].set_axis(pd.Index(["0499370899"], name="national_id"))
    report = Report(workspace, identifiers=["national_id"])
    with pytest.raises(ParameterError, match="National ids never stand in a report") as error:
        report.table("list", people, {"n": "n"}, title="List")
    assert "0499370899" not in str(error.value)


def test_headline_figures_carry_their_plain_values(workspace):
    figures = {"Customers": np.int64(1200), "Value": 185050, "Response rate": 0.1018,
               "Best effect": -0.0454, "Arm": "mail", "CES, mean": float("nan"),
               "Orders": pd.Timestamp("2024-08-02")}  # fmt: skip
    formats = {"Value": "money", "Response rate": "two-digit percent", "Best effect": "percentage points"}
    (english, persian) = (
        Report(workspace, code).headline(figures, formats)._repr_mimebundle_()[0] for code in ("en", "fa")
    )
    shown = {figure["name"]: (figure["text"], figure["value"]) for figure in english[HEADLINE_TYPE]}
    assert shown == {
        "Customers": ("1,200", 1200), "Value": ("1,850 EUR", 185050), "Response rate": ("10.18%", 0.1018),
        "Best effect": ("−4.54 points", -0.0454), "Arm": ("mail", "mail"), "CES, mean": ("–", None),
        "Orders": ("2024-08-02", "2024-08-02T00:00:00"),
    }  # fmt: skip
    assert english[TABLE_TYPE] == persian[TABLE_TYPE]
    assert english[TABLE_TYPE]["csv"].splitlines()[:4] == [
        "figure,value,unit", "Customers,1200,", "Value,185050,0.01 EUR", "Response rate,0.1018,share",
    ]  # fmt: skip
    assert "<dt>ارزش</dt><dd>۱٬۸۵۰ یورو</dd>" in persian["text/html"]
    assert json.loads(json.dumps(persian[HEADLINE_TYPE])) == persian[HEADLINE_TYPE]


def test_names_out_of_data_keep_their_digits_and_ours_are_translated(workspace):
    frame = pd.DataFrame({"touch_point": ["Hotline 24", "email"], "n": [24, 365]})
    columns = {"touch_point": "Touch point", "n": "n"}
    shown = Report(workspace, "fa").table("points", frame, columns, title="x")
    page = shown._repr_mimebundle_()[0]["text/html"]
    assert '<td>Hotline 24</td><td class="n">۲۴</td>' in page
    assert '<td>ایمیل</td><td class="n">۳۶۵</td>' in page


def test_a_long_table_shows_its_top_and_its_csv_has_all(workspace):
    numbers = pd.DataFrame({"n": range(100, 130)})
    for code, more in (("en", "20 more rows in the CSV file"), ("fa", "۲۰ سطر دیگر در فایل CSV")):
        data, _ = (
            Report(workspace, code).table("n", numbers, {"n": "n"}, title="n", top=10)._repr_mimebundle_()
        )
        assert data["text/html"].count("<tr>") == 11
        assert more in data["text/html"]
        assert data[TABLE_TYPE]["csv"].count("\n") == 31
    short, _ = Report(workspace).table("n", numbers, {"n": "n"}, title="n", top=30)._repr_mimebundle_()
    assert "CSV" not in short["text/html"]


def test_a_file_is_on_the_page_as_text_and_as_a_link_that_needs_nothing_else(workspace):
    sql = "SELECT \"a\" <= 1 AND 'ب'\n"
    data, _ = Report(workspace).file("rules.sql", sql, title="The rules <as> SQL")._repr_mimebundle_()
    assert data[FILE_TYPE] == {"name": "rules.sql", "content": sql}
    assert "The rules &lt;as&gt; SQL" in data["text/html"]
    assert "SELECT &quot;a&quot; &lt;= 1" in data["text/html"]
    assert 'href="data:text/plain;charset=utf-8,SELECT%20%22a%22%20%3C%3D%201' in data["text/html"]


def test_a_file_is_in_a_public_report_only_if_it_is_about_enough(workspace):
    report = Report(workspace, public=10)
    assert FILE_TYPE not in report.file("rules.sql", "SELECT 1", title="SQL").data
    assert FILE_TYPE not in report.file("rules.sql", "SELECT 1", title="SQL", counts=[40, 9]).data
    assert FILE_TYPE in report.file("rules.sql", "SELECT 1", title="SQL", counts=[40, 10]).data
