"""The explorer of a cube: what is shown, drilled into, rolled up, sliced and undone, and its code."""

import datetime
import re

import pandas as pd
import pytest

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.widgets import CubeExplorer

LINES = pd.DataFrame(
    [("York", "web", 2023, "a", 5), ("York", "shop", 2024, "a", 7), ("York", "web", 2024, "b", 1),
     ("Leeds", "web", 2024, "c", 4), (None, "shop", 2023, "a", 3)],
    columns=["city", "channel", "year", "customer_id", "amount"],
).assign(day=lambda t: pd.to_datetime(t["year"].astype("str") + "-03-21"))  # fmt: skip
MEASURES = {"amount": ("amount", "sum"), "buyers": ("customer_id", "nunique"), "mean": ("amount", "mean")}


def explorer_of(data=LINES, dimensions=("city", "channel", "year"), **options):
    return CubeExplorer(data, dimensions, **(MEASURES | options))


def text_of(explorer: CubeExplorer) -> str:
    """What can be read, without the fields and buttons."""
    parts = (explorer._said, explorer._path, explorer._grid, explorer._code)
    return " ".join(re.sub("<[^>]+>", " ", " ".join(part.value for part in parts)).split())


def by_code(explorer: CubeExplorer, data=LINES) -> pd.DataFrame:
    """What the code gives, as somebody pastes it into a cell."""
    *before, last = explorer.code.splitlines()
    names = {"data": data}
    exec("\n".join(before), names)
    return eval(last, names)


def choose(explorer: CubeExplorer, **values) -> None:
    for name, value in values.items():
        explorer.fields[name].value = value


def press(explorer: CubeExplorer, *names: str) -> None:
    for name in names:
        assert not explorer.buttons[name].disabled, name
        explorer.buttons[name].click()


def test_choices_change_the_table_and_undo_takes_them_back():
    explorer = explorer_of()
    assert explorer.frame.fillna("?").values.tolist() == [["Leeds", 4], ["York", 13], ["?", 3]]
    assert "Amount by city City Amount Leeds 4 York 13 not known 3 Total 20" in text_of(explorer)
    assert explorer.buttons["undo"].disabled
    choose(explorer, columns="year", measure="buyers")
    assert explorer.frame.fillna(0).astype(int).values.tolist() == [
        [0, 1, 1],
        [1, 2, 2],
        [1, 0, 1],
        [1, 3, 3],
    ]
    said = (
        "Buyers by city and year Year City 2023 2024 Total Leeds – 1 1 York 1 2 2 not known 1 – 1 Total 1 3 3"
    )
    assert said in text_of(explorer)
    # What comes to stand in rows and columns changes places.
    choose(explorer, rows="year")
    assert (explorer.fields["rows"].value, explorer.fields["columns"].value) == ("year", "city")
    choose(explorer, columns="year")
    assert (explorer.fields["rows"].value, explorer.fields["columns"].value) == ("city", "year")
    press(explorer, "undo", "undo", "undo", "undo")
    assert explorer.buttons["undo"].disabled
    assert explorer.frame.columns.tolist() == ["city", "amount"]
    assert explorer.fields["columns"].value == ""


def test_drilling_down_and_rolling_up():
    explorer = explorer_of()
    assert explorer.buttons["drill_down"].disabled
    assert explorer.buttons["roll_up"].disabled
    assert [label for label, _ in explorer.fields["member"].options] == ["–", "Leeds", "York", "not known"]
    choose(explorer, member=1)
    assert explorer.buttons["drill_down"].description == "Drill down to Channel"
    press(explorer, "drill_down")
    assert explorer.frame.values.tolist() == [["shop", 7], ["web", 6]]
    assert "City York" in text_of(explorer)
    assert explorer.buttons["roll_up"].description == "Roll up to City"
    choose(explorer, member=1)
    press(explorer, "drill_down")
    assert explorer.frame.values.tolist() == [[2023, 5], [2024, 1]]
    choose(explorer, member=0)
    assert explorer.buttons["drill_down"].disabled
    with pytest.raises(ParameterError, match="No dimension is left"):
        explorer.drill_down(2023)
    press(explorer, "roll_up")
    assert explorer.frame.values.tolist() == [["shop", 7], ["web", 6]]
    press(explorer, "roll_up")
    assert explorer.frame.fillna("?").values.tolist() == [["Leeds", 4], ["York", 13], ["?", 3]]
    press(explorer, "undo", "undo", "undo")
    assert explorer.frame.values.tolist() == [["shop", 7], ["web", 6]]
    explorer.roll_up()
    explorer.drill_down(None, into="year")
    assert explorer.frame.values.tolist() == [[2023, 3]]


def test_rolling_up_gives_back_the_members_that_were_kept():
    explorer = explorer_of()
    explorer.slice("city", ["York", "Leeds"])
    assert explorer.frame.values.tolist() == [["Leeds", 4], ["York", 13]]
    explorer.drill_down("Leeds")
    assert explorer.frame.values.tolist() == [["web", 4]]
    explorer.roll_up()
    assert explorer.frame.values.tolist() == [["Leeds", 4], ["York", 13]]


def test_slices_of_several_members_are_right_for_means_and_distinct_counts_too():
    explorer = explorer_of()
    choose(explorer, dimension="channel", measure="buyers")
    assert [label for label, _ in explorer.fields["members"].options] == ["shop", "web"]
    choose(explorer, members=(0, 1))
    assert explorer.frame["buyers"].tolist() == [1, 2, 1]
    choose(explorer, members=(1,), measure="mean")
    assert explorer.frame.values.tolist() == [["Leeds", 4], ["York", 3]]
    assert "Total 3.33" in text_of(explorer)
    assert "Channel web" in text_of(explorer)
    choose(explorer, members=())
    assert "Everything" in text_of(explorer)
    explorer.slice("city", [None, "York"])
    assert explorer.frame["mean"].round(2).tolist() == [4.33, 3]
    choose(explorer, dimension="city")
    assert explorer.fields["members"].value == (1, 2)


@pytest.mark.parametrize("form", ["frame", "table", "days"])
def test_the_code_gives_the_frame(form, tmp_path):
    data = LINES
    if form == "days":
        data = crm.as_table(LINES).mutate(day=lambda t: t["day"].date())
    elif form == "table":
        data = crm.as_table(LINES)
    explorer = explorer_of(data, ["city", "channel", "day" if form == "days" else "year"])
    first = explorer._members[explorer._dimensions[2]][0]
    steps = (
        lambda: explorer.look(columns="channel"),
        lambda: explorer.slice("city", ["York", None]),
        lambda: explorer.look(measure="buyers", columns=""),
        lambda: explorer.slice(explorer._dimensions[2], [first]),
        lambda: explorer.drill_down("York"),
    )
    for step in steps:
        step()
        pd.testing.assert_frame_equal(by_code(explorer, data), explorer.frame)
    assert ("datetime.date(2023, 3, 21)" in explorer.code) is (form == "days")
    assert isinstance(first, int | pd.Timestamp | datetime.date)


def test_only_cells_that_are_shown_are_sent():
    many = pd.DataFrame({"place": range(60), "step": [str(n % 20).zfill(2) for n in range(60)],
                         "customer_id": [f"person-{n}" for n in range(60)], "amount": 1})  # fmt: skip
    explorer = CubeExplorer(many, ["place", "step"], buyers=("customer_id", "nunique"))
    explorer.look(columns="step")
    assert explorer.frame.shape == (61, 21)
    assert "This is a part of a table of 60 × 20; the frame has all of it." in text_of(explorer)
    assert explorer._grid.value.count("<tr") == 2 + 40 + 1
    assert "Total" in explorer._grid.value
    assert "Buyers by place: the 15 largest" in explorer._figure.value
    assert "person-" not in "".join(
        str(widget.value) for widget in (explorer._grid, explorer._figure, explorer._code)
    )
    with pytest.raises(ParameterError, match="customer_id has more than 500 values"):
        CubeExplorer(pd.concat([many.assign(customer_id=many["customer_id"] + str(n)) for n in range(9)]),
                     ["customer_id", "step"], amount=("amount", "sum"))  # fmt: skip


def test_what_stands_in_the_data_is_shown_as_text():
    explorer = explorer_of(LINES.assign(city="<b>York</b>"))
    assert "<b>York</b>" not in explorer._grid.value
    assert "&lt;b&gt;York" in explorer._grid.value


def test_values_are_written_as_is_wished():
    explorer = explorer_of(show=lambda value: f"{value:.1f} EUR")
    assert "13.0 EUR" in text_of(explorer)


def test_where_there_is_nothing_one_stays_where_one_was():
    with pytest.raises(ParameterError, match="no rows with these members"):
        explorer_of(LINES[:0])
    explorer = explorer_of()
    explorer.slice("city", ["Leeds"])
    choose(explorer, dimension="channel", members=(0,))
    assert "There are no rows with these members." in text_of(explorer)
    assert explorer.frame.values.tolist() == [["Leeds", 4]]
    assert explorer.fields["members"].value == ()


def test_the_explorer_speaks_persian():
    explorer = explorer_of(language="fa", dimensions=["channel", "day"], data=LINES)
    explorer.look(columns="day")
    explorer.slice("channel", ["web"])
    assert "crm-rtl" in explorer.box._dom_classes
    parts = (explorer._path, explorer._grid)
    said = re.sub("<[^>]+>", " ", " ".join(part.value for part in parts))
    assert re.findall("[A-Za-z]+", said.replace("Day", "").replace("day", "")) == []
    assert "۱۴۰۳/۰۱/۰۲" in said
    named = [*explorer.fields.values(), *explorer.buttons.values()]
    assert [
        one.description for one in named if re.search("[A-Za-z]", one.description.replace("Day", ""))
    ] == []


def test_fields_and_tables_are_labelled():
    explorer = explorer_of()
    assert all(field.description for field in explorer.fields.values())
    assert all(button.description for button in explorer.buttons.values())
    assert 'scope="col"' in explorer._grid.value
    assert 'scope="row"' in explorer._grid.value
    assert 'alt="Amount by city"' in explorer._figure.value


def test_what_goes_wrong_is_told_in_the_explorer(monkeypatch):
    explorer = explorer_of()
    monkeypatch.setattr(explorer, "drill_down", lambda _: (_ for _ in ()).throw(ParameterError("No <way>.")))
    choose(explorer, member=0)
    press(explorer, "drill_down")
    assert "No &lt;way&gt;." in explorer._said.value
    choose(explorer, measure="mean")
    assert explorer._said.value == ""


def test_wrong_calls_are_one_sentence(monkeypatch):
    explorer = explorer_of()
    for act, said in (
        (lambda: explorer.look(rows="town"), "no dimension 'town'"),
        (lambda: explorer.look(measure="amounts"), "did you mean 'amount'"),
        (lambda: explorer.drill_down("Hull"), "no member 'Hull'"),
        (lambda: explorer.drill_down("York", into="city"), "drilled into already"),
        (explorer.roll_up, "Nothing was drilled into"),
        (lambda: explorer.slice("year", [1999]), "no member 1999"),
        (lambda: explorer_of(dimensions=["city"]), "two dimensions or more"),
        (lambda: explorer_of(language="de"), "not in 'de'"),
        (lambda: CubeExplorer(LINES, ["city", "year"]), "needs a measure"),
    ):
        with pytest.raises(ParameterError, match=said):
            act()
    assert explorer.buttons["undo"].disabled
    with pytest.raises(TableError, match="need a column town"):
        explorer_of(dimensions=["town", "year"])
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    with pytest.raises(ParameterError, match=r"pip install crmlab\[lab\]"):
        explorer_of()
