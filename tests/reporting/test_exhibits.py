"""What a report may show of persons."""

import pandas as pd
import pytest

import crmlab as crm
from crmlab.errors import ParameterError
from crmlab.reporting import Report
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
