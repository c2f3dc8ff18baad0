"""Reference tables are read from what people keep them in, and what is missing is said."""

import json

import pandas as pd
import pytest

from crmlab.cleansing.places import PLACES
from crmlab.cleansing.reference import name_of, read_reference
from crmlab.errors import ParameterError, SourceError, TableError

TOWNS = pd.DataFrame({
    "name": ["Köln", "NA", "Halle"], "province": ["NRW", None, "Sachsen-Anhalt"], "code": ["05315", "1", "2"],
    "latitude": [50.94, 51.0, 51.48],
})  # fmt: skip


def saved(folder, kind):
    path = folder / f"towns.{kind}"
    if kind == "parquet":
        TOWNS.to_parquet(path)
    elif kind == "json":
        path.write_text(TOWNS.to_json(orient="records", force_ascii=False), encoding="utf-8")
    elif kind == "csv":
        TOWNS.to_csv(path, index=False, sep=";", encoding="utf-8-sig")
    return path


@pytest.mark.parametrize("kind", ["parquet", "json", "csv"])
def test_every_kind_of_file_gives_the_same_table(tmp_path, kind):
    found = read_reference(saved(tmp_path, kind), PLACES)
    pd.testing.assert_frame_equal(found, read_reference(TOWNS, PLACES))
    assert found["name"].tolist() == ["Köln", "NA", "Halle"]
    assert found["code"].tolist() == ["05315", "1", "2"]
    assert found["county"].isna().all()
    assert list(found.columns) == PLACES.names


def test_a_table_that_was_read_is_read_again_as_it_is():
    once = read_reference(TOWNS, PLACES)
    pd.testing.assert_frame_equal(read_reference(once, PLACES), once)


def test_json_may_be_records_by_name(tmp_path):
    path = tmp_path / "towns.json"
    path.write_text(json.dumps({"a": {"name": "Ulm", "state": "BW"}}), encoding="utf-8")
    assert read_reference(path, PLACES)[["name", "province"]].to_numpy().tolist() == [["Ulm", "BW"]]


def test_other_headings_are_understood():
    frame = pd.DataFrame(
        {" City ": ["Ulm"], "STATE": ["BW"], "lat": ["48,4"], "شهرستان": ["Ulm"], "كد": ["7"], "x": [1]}
    )
    found = read_reference(frame, PLACES).iloc[0]
    assert found.drop(["other_names", "longitude"]).tolist() == ["Ulm", "BW", "Ulm", "7", 48.4]


def test_codes_that_came_as_numbers_are_text():
    assert read_reference(pd.DataFrame({"name": ["a", "b"], "code": [7, None]}), PLACES)["code"][0] == "7"


def test_without_a_table_its_form_is_told():
    form = (
        r"a CSV, Parquet or JSON file or a frame with one row per place: name \(required\), province, county"
    )
    with pytest.raises(ParameterError, match=f"The list of places is to be {form}"):
        read_reference(None, PLACES)
    with pytest.raises(ParameterError, match=r"name \(required\).* It has: title\."):
        read_reference(pd.DataFrame({"title": ["Ulm"]}), PLACES)


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(SourceError, match=r"There is no file .*none\.csv"):
        read_reference(tmp_path / "none.csv", PLACES)
    for name, content, what in (
        ("a.csv", "name\nK\xf6ln\n".encode("latin-1"), "UTF-8"),
        ("b.json", b"[1, ", "cannot be read"),
        ("c.parquet", b"no", "cannot be read"),
        ("d.csv", b"", "cannot be read"),
        ("e.json", b"3", "cannot be read"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SourceError, match=what):
            read_reference(tmp_path / name, PLACES)


def test_rows_that_are_wrong_are_named_without_their_values():
    with pytest.raises(
        TableError, match=r"column name: a value is required \(1 row, the first at 1\)"
    ) as told:
        read_reference(pd.DataFrame({"name": ["Ulm", None], "province": ["BW", "Secretland"]}), PLACES)
    assert (told.value.rows, "Secretland" in str(told.value)) == ([1], False)
    with pytest.raises(TableError, match=r"column latitude: not a number \(2 rows, the first at 0\)"):
        read_reference(pd.DataFrame({"name": ["a", "b"], "lat": ["north", "south"]}), PLACES)
    with pytest.raises(ParameterError, match=r"The list of places has no row\."):
        read_reference(TOWNS.head(0), PLACES)
    empty_row = pd.DataFrame({"name": ["Ulm", None], "province": ["BW", None]})
    assert len(read_reference(empty_row, PLACES)) == 1


def test_a_table_is_called_by_its_file():
    assert (name_of("a/b.csv"), name_of(TOWNS)) == ("b.csv", "a frame")
