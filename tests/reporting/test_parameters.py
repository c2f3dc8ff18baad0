"""Parameters are read without running the notebook and refused before a kernel starts."""

import pytest
from small_notebooks import PARAMETERS, write_notebook

from crmlab.errors import ParameterError
from crmlab.reporting import check_parameters, read_parameters
from crmlab.reporting.parameters import parse_parameters
from crmlab.reporting.plan import find_notebook, report_names

DECLARED = parse_parameters(PARAMETERS)
DATA = {"orders.time": ["2024-01-05", "2024-03-09"], "campaign_events.arm": ["mail", "none"]}


def test_parameters_are_read_from_the_tagged_cell(tmp_path):
    found = read_parameters(write_notebook(tmp_path / "r.ipynb", "1/0"))
    assert list(found) == ["workspace", "language", "as_of", "bins", "arm", "note"]
    assert (found["bins"].type, found["bins"].default, found["bins"].minimum, found["bins"].maximum) == (
        "int",
        5,
        2,
        10,
    )
    assert found["language"].choices == ("en", "fa")
    assert found["as_of"].column == "orders.time"
    assert found["as_of"].meaning == "day looked back from"


@pytest.mark.parametrize("name", report_names())
def test_every_parameter_of_our_reports_is_explained(name):
    found = read_parameters(find_notebook(name))
    assert {"workspace", "language"} <= found.keys()
    assert all(len(parameter.meaning) > 10 for parameter in found.values())


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"bins": "7"}, "bins", 7),
        ({"bins": "۷"}, "bins", 7),
        ({"as_of": "2024-02-01"}, "as_of", "2024-02-01"),
        ({"as_of": "1402/11/12"}, "as_of", "2024-02-01"),
        ({"as_of": "2024-03-10"}, "as_of", "2024-03-10"),
        ({"arm": "mail"}, "arm", "mail"),
        ({}, "as_of", None),
        ({}, "bins", 5),
    ],
)
def test_good_values_are_taken(given, name, value):
    assert check_parameters(DECLARED, given, DATA)[name] == value


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"asof": "2024-02-01"}, "no parameter 'asof'; did you mean 'as_of'?"),
        ({"zzz": "1"}, "no parameter 'zzz'. Known: arm, as_of, bins"),
        ({"bins": "many"}, "bins is a whole number, not 'many'."),
        ({"bins": "2.5"}, "bins is a whole number, not '2.5'."),
        ({"bins": True}, "bins is a whole number, not True."),
        ({"bins": "11"}, "bins is a number from 2 to 10, not 11."),
        ({"language": "de"}, "language is one of en, fa, not 'de'."),
        ({"as_of": "soon"}, "as_of is a day such as 2024-08-02 or 1403/05/12, not 'soon'."),
        ({"as_of": "2024-02-30"}, "as_of is a day"),
        ({"as_of": "2024-04-10"}, "lies outside the data: orders.time runs from 2024-01-05 to 2024-03-09; "),
        ({"as_of": "2023-12-31"}, "lies outside the data"),
        ({"arm": "male"}, "arm = 'male' does not occur in campaign_events.arm; did you mean 'mail'?"),
    ],
)  # fmt: skip
def test_bad_values_are_refused_in_a_sentence(given, sentence):
    with pytest.raises(ParameterError) as error:
        check_parameters(DECLARED, given, DATA)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("text", "value"), [("yes", True), ("True", True), ("0", False), ("off", False), (True, True)]
)
def test_yes_and_no(text, value):
    declared = parse_parameters("deep: bool = False  # look closely")
    assert check_parameters(declared, {"deep": text})["deep"] is value


def test_neither_yes_nor_no():
    with pytest.raises(ParameterError, match="deep is yes or no, not 'perhaps'"):
        check_parameters(parse_parameters("deep: bool = False  # look closely"), {"deep": "perhaps"})


def test_a_required_parameter_may_not_be_left_out():
    declared = parse_parameters("region: str = None  # [required] region to report on")
    with pytest.raises(ParameterError, match="The parameter region is required: region to report on"):
        check_parameters(declared, {})
    assert check_parameters(declared, {"region": "north"}) == {"region": "north"}


def test_several_rules_may_stand_before_the_meaning():
    parameter = parse_parameters("share: float = None  # [required] [-0.5..1] a share")["share"]
    assert (parameter.required, parameter.minimum, parameter.maximum) == (True, -0.5, 1.0)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("bins = [5]  # classes", "the type of bins is one of str, int, float, bool, date, not list"),
        ("bins = 5 + five", "is declared as name: type = default"),
        ("print(5)", "is declared as name: type = default"),
        ("bins: int  # classes", "is declared as name: type = default"),
        ("bins: list = []  # classes", "the type of bins is one of str, int, float, bool, date, not list"),
    ],
)
def test_a_badly_written_cell_is_refused(source, sentence):
    with pytest.raises(ParameterError, match=sentence):
        parse_parameters(source)


def test_a_plain_cell_of_papermill_will_do():
    found = parse_parameters('top = 5\nname = "x"\nshare = 0.5\ndeep = False\nregion = None')
    assert {name: parameter.type for name, parameter in found.items()} == {
        "top": "int", "name": "str", "share": "float", "deep": "bool", "region": "str",
    }  # fmt: skip
    with pytest.raises(ParameterError, match="top is a whole number, not 'many'"):
        check_parameters(found, {"top": "many"})


def test_a_notebook_without_the_cell_is_no_report(tmp_path):
    (tmp_path / "x.ipynb").write_text('{"cells": []}')
    with pytest.raises(ParameterError, match="has no cell with the tag parameters"):
        read_parameters(tmp_path / "x.ipynb")


def test_what_is_no_notebook_is_refused(tmp_path):
    (tmp_path / "x.ipynb").write_text("{}")
    with pytest.raises(ParameterError, match="is not a notebook"):
        read_parameters(tmp_path / "x.ipynb")
