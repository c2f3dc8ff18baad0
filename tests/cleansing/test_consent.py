"""Nobody who opted out leaves the workbench on a list, whatever the opt-out came by."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing.consent import check_consent, consent_register, contact_key, write_list
from crmlab.errors import ParameterError, WorkspaceError

CUSTOMERS = pd.DataFrame({
    "customer_id": ["a", "b", "c", "d"],
    "email": ["Ann@Example.com", "ann@example.com", "cem@example.com", None],
    "phone": ["+989121234567", None, "09121234568", None],
})  # fmt: skip


def said(*statements, columns=("customer_id", "contact", "channel", "given", "time")):
    frame = pd.DataFrame(list(statements), columns=list(columns))
    return frame.assign(time=pd.to_datetime(frame["time"]), source="form")


def allowed(register, channel="email", people=CUSTOMERS, **options):
    return check_consent(people, register, channel, "IR", **options)["allowed"].tolist()


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([("a", None, None, False, "2024-01-01")], [False, False, True, True]),  # b is a by the address
        ([(None, "ANN@example.com ", "email", False, "2024-01-01")], [False, False, True, True]),
        ([(None, "۰۹۱۲ ۱۲۳ ۴۵۶۸", None, False, "2024-01-01")], [True, True, False, True]),
        ([("d", None, "phone", False, "2024-01-01")], [True, True, True, True]),
        ([("c", None, None, False, "2024-01-01"), ("c", None, None, True, "2024-02-01")], [True] * 4),
        ([("c", None, None, False, "2024-02-01"), ("c", None, "email", True, "2024-01-01")],
         [True, True, False, True]),
        ([("c", None, None, False, "2024-01-01"), ("c", None, "email", True, "2024-02-01")], [True] * 4),
        ([("c", None, "email", True, "2024-02-01"), ("c", None, "email", False, "2024-02-01")],
         [True, True, False, True]),
    ],
)  # fmt: skip
def test_the_last_word_counts_for_the_whole_person(statements, expected):
    assert allowed(consent_register(said(*statements), CUSTOMERS, region="IR")) == expected


def test_a_permission_is_needed_where_it_is_asked_for():
    register = consent_register(said(("a", None, "email", True, "2024-01-01")), CUSTOMERS, region="IR")
    found = check_consent(CUSTOMERS, register, "email", "IR", ask_first=True)
    assert found["allowed"].tolist() == [True, True, False, False]
    assert found["reason"].dropna().unique().tolist() == ["no permission given"]


def test_who_left_a_mailing_opted_out():
    left = pd.DataFrame({"customer_id": ["c"], "channel": ["email"], "time": pd.to_datetime(["2024-03-01"])})
    register = consent_register(said(("c", None, None, True, "2024-01-01")), CUSTOMERS, left, "IR")
    assert allowed(register) == [True, True, False, True]
    assert allowed(register, "sms") == [True] * 4
    assert check_consent(CUSTOMERS, register, "email", "IR")["reason"][2] == "opted out on 2024-03-01"


def test_an_empty_register_refuses_nobody():
    assert allowed(consent_register(said())) == [True] * 4


def test_a_list_of_nobody_in_particular_is_refused():
    with pytest.raises(ParameterError, match="needs one of customer_id, email, phone, contact, address"):
        check_consent(pd.DataFrame({"segment": ["x"]}), consent_register(said()), "email")


def test_a_written_list_holds_nobody_who_opted_out(tmp_path):
    register = consent_register(said(("a", None, None, False, "2024-01-01")), CUSTOMERS, region="IR")
    out = write_list(CUSTOMERS, tmp_path / "list.csv", register, "email", "IR")
    assert out["customer_id"].tolist() == ["a", "b"]
    assert out["reason"].tolist() == ["opted out on 2024-01-01"] * 2
    assert pd.read_csv(tmp_path / "list.csv")["customer_id"].tolist() == ["c", "d"]


@pytest.mark.parametrize("register", [said(("a", None, None, False, "2024-01-01")), None])
def test_the_table_of_consents_is_no_register(register, tmp_path):
    with pytest.raises(ParameterError, match=r"what crmlab\.cleansing\.consent_register\(ws\.consents\)"):
        write_list(CUSTOMERS, tmp_path / "list.csv", register, "email")
    assert list(tmp_path.iterdir()) == []


def test_a_list_of_whom_nobody_opted_out_leaves_nobody_out(tmp_path):
    register = consent_register(said(("a", None, "phone", False, "2024-01-01")), CUSTOMERS, region="IR")
    out = write_list(CUSTOMERS, tmp_path / "list.csv", register, "email", "IR")
    assert (len(out), out.columns.tolist()) == (0, [*CUSTOMERS, "reason"])


spellings = st.sampled_from([str.upper, str.lower, str.title, lambda text: f" {text}\u200f"])


@settings(max_examples=60, deadline=None)
@given(
    owners=st.lists(st.integers(0, 4), min_size=1, max_size=8),
    refused=st.integers(0, 4),
    spelling=spellings,
    by_number=st.booleans(),
)
def test_no_spelling_of_a_refused_address_gets_through(
    tmp_path_factory, owners, refused, spelling, by_number
):
    people = pd.DataFrame({
        "customer_id": [f"C{place}" for place in range(len(owners))],
        "email": [spelling(f"person{owner}@example.com") for owner in owners],
    })  # fmt: skip
    if by_number and refused in owners:
        statement = (f"C{owners.index(refused)}", None, None, False, "2024-01-01")
    else:
        statement = (None, f"Person{refused}@Example.com", None, False, "2024-01-01")
    register = consent_register(said(statement), people)
    path = tmp_path_factory.mktemp("lists") / "list.csv"
    write_list(people, path, register, "email")
    written = set(pd.read_csv(path)["customer_id"])
    assert written == {f"C{place}" for place, owner in enumerate(owners) if owner != refused}


def test_keys_are_one_spelling_each():
    keys = contact_key(pd.Series(["+98 912 123 4567", "09121234567", "۰۹۱۲۱۲۳۴۵۶۷", None, ""]), "IR")
    assert keys.tolist()[:3] == ["+989121234567"] * 3
    assert keys.isna().tolist() == [False] * 3 + [True] * 2
    street = contact_key(pd.Series(["خیابان آزادی، پلاک ۵", "خيابان آزادي ، پلاك 5"]))
    assert street[0] == street[1]


def test_a_channel_that_nobody_knows_lets_nobody_through(tmp_path):
    people, register = pd.DataFrame({"email": ["a@b.com"]}), consent_register(said())
    with pytest.raises(ParameterError, match="no channel 'emial'; did you mean 'email'"):
        write_list(people, tmp_path / "list.csv", register, "emial")
    assert not (tmp_path / "list.csv").exists()
    with pytest.raises(WorkspaceError, match="The list cannot be written"):
        write_list(people, tmp_path / "nowhere" / "list.csv", register, "email")
