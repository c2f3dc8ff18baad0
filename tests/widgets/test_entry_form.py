"""The form: fields for the columns, problems while typing, suggestions to take, records known already."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

import crmlab as crm
from crmlab.cleansing import Conventions, Rule, check_record
from crmlab.errors import ParameterError
from crmlab.loaders.sample import write_sample
from crmlab.tables import TABLES
from crmlab.widgets import EntryForm

IRAN = Conventions(region="IR", time_zone="Asia/Tehran")


def shown(form: EntryForm, column: str) -> str:
    """What stands below a field."""
    return form._said[column].value


def buttons(form: EntryForm) -> dict[str, str]:
    """The buttons that can be seen, by column."""
    return {name: take.description for name, take in form._take.items() if take.layout.display != "none"}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("code", ["en", "fa"])
def test_there_is_a_field_for_each_column_and_nothing_is_said_before_one_types(table, code):
    form = EntryForm(table, language=code)
    assert list(form.fields) == TABLES[table].names
    assert form.record == {}
    assert buttons(form) == {}
    assert not any("class=" in shown(form, name) for name in form.fields)
    assert all(re.search("[\u0600-\u06ff]", shown(form, name)) for name in form.fields) is (code == "fa")
    for column in TABLES[table].columns:
        kind = type(form.fields[column.name]).__name__
        assert kind == ("Dropdown" if column.allowed or column.kind == "boolean" else "Text")


def test_problems_are_those_of_the_check_and_stand_below_their_field():
    form = EntryForm("customers", conventions=IRAN)
    typed = {"customer_id": "c1", "email": "ali@gmial.com", "national_id": "0499370898", "gender": "male"}
    for name, text in typed.items():
        form.fields[name].value = text
    assert form.record == typed
    pd.testing.assert_frame_equal(form.problems, check_record("customers", typed, IRAN))
    assert 'class="error"' in shown(form, "national_id")
    assert 'class="warning"' in shown(form, "email")
    assert shown(form, "gender") == "gender as stated"
    assert "crm-error" in form.fields["national_id"]._dom_classes
    assert form._status.value == "1 field to mend."
    form.fields["national_id"].value = "0499370899"
    assert "crm-error" not in form.fields["national_id"]._dom_classes
    assert form._status.value == "Nothing to mend."


def test_a_button_takes_the_suggestion():
    form = EntryForm("customers", language="fa", conventions=IRAN)
    form.fields["first_name"].value = "علي"
    form.fields["email"].value = "ali@gmial.com"
    assert buttons(form) == {"first_name": "پذیرفتن علی", "email": "پذیرفتن ali@gmail.com"}
    form._take["email"].click()
    form.take("first_name")
    form.take("city")
    assert form.record == {"first_name": "علی", "email": "ali@gmail.com"}
    assert buttons(form) == {}
    form.clear()
    assert form.record == {}
    assert not any("class=" in shown(form, name) for name in form.fields)


def test_what_is_typed_is_shown_as_text():
    form = EntryForm("customers", rules=[Rule("customers", "<b>", check="city = 'a'")])
    form.fields["city"].value = "<script>"
    assert "<script>" not in shown(form, "city")
    assert "&lt;b&gt;" in shown(form, "city")


def apart(work: Callable[[], object]) -> None:
    """Do work in a thread of its own, where no event loop runs: that of the browser tests may run here."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(work).result()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    found = crm.open_workspace(
        write_sample(tmp_path_factory.mktemp("shop"), customers=300, seed=4, language="fa")
    )
    found.clean()
    return found


def test_a_workspace_gives_conventions_language_and_known_records(workspace):
    form = EntryForm("customers", workspace)
    assert "crm-rtl" in form.box._dom_classes
    assert form.known.empty
    people = workspace.customers.dropna(subset=["phone", "last_name", "first_name", "birth_date"])
    one = people.iloc[5]
    typed = {
        "last_name": one["last_name"].replace("ی", "ي"),
        "first_name": one["first_name"],
        "phone": "0" + one["phone"].removeprefix("+98"),
        "birth_date": crm.cleansing.to_jalali(pd.Series([one["birth_date"]]))[0],
    }

    def typing() -> None:
        for name, text in typed.items():
            form.fields[name].value = text

    apart(typing)
    assert form.known.index[0] == one.name
    assert form.known["score"].iloc[0] > 0.9
    assert form.known["score"].is_monotonic_decreasing
    assert one["phone"] in form._known_box.value
    form.clear()
    assert form.known.empty
    assert form._known_box.value == ""


def test_known_records_are_looked_for_when_the_typing_pauses(workspace, monkeypatch):
    form = EntryForm("customers", records=workspace.customers, language="fa")
    asked = []
    monkeypatch.setattr("crmlab.widgets.entry_form._PAUSE", 0.01)
    monkeypatch.setattr(form, "_look_up", lambda: asked.append(form.record))

    async def typing():
        for end in range(1, 4):
            form.fields["last_name"].value = "abc"[:end]
        await asyncio.sleep(0.1)

    apart(lambda: asyncio.run(typing()))
    assert asked == [{"last_name": "abc"}]


def test_a_form_needs_a_table_a_language_and_ipywidgets(monkeypatch):
    with pytest.raises(ParameterError, match="did you mean 'customers'"):
        EntryForm("customer")
    with pytest.raises(ParameterError, match="not in 'de'"):
        EntryForm("customers", language="de")
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    with pytest.raises(ParameterError, match=r"pip install crmlab\[lab\]"):
        EntryForm("customers")


def test_a_form_knows_the_places_of_its_workspace_and_takes_a_folder(tmp_path):
    (tmp_path / "towns.csv").write_text("name,province\nYork,North Yorkshire\nLeeds,West Yorkshire\n")
    (tmp_path / "people.csv").write_text("customer_id,city\n1,York\n2,Leeds\n")
    (tmp_path / "crmlab.toml").write_text(
        '[reference]\nplaces = "towns.csv"\n[[source]]\nfile = "people.csv"\ntable = "customers"\n'
        '[source.columns]\ncustomer_id = "customer_id"\ncity = "city"\n'
    )
    form = EntryForm("customers", tmp_path)
    form.fields["city"].value = "Yorck"
    assert form.problems[["column", "suggestion"]].values.tolist()[-1] == ["city", "York"]


def test_what_is_no_workspace_is_refused_in_a_sentence():
    with pytest.raises(ParameterError, match="what crmlab.open_workspace returns"):
        EntryForm("customers", 7)
