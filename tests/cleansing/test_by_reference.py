"""A workspace with reference tables: what is not listed is told, what is asked for filled."""

import pandas as pd
import pytest

from crmlab.cleansing.ledger import history
from crmlab.errors import SourceError, WorkspaceError
from crmlab.settings import FILE
from crmlab.workspace import open_workspace

CUSTOMERS = """customer_id,first_name,last_name,city,province,birth_date,national_id,address
1,Mary,Smith,Leeds,,2000-02-29,0499370899,12 Main Street
2,John,Smith,Leds,,1950-01-01,,12 Main Street
3,Kim,Jones,York,Kent,,,3 Mill Lane
4,Mary,Hill,Bath,Atlantis,,,
5,Ann,Smith,Leeds,Yorkshire,,,12 Main St.
,Nobody,,Atlantis,,,,
6,Mary Kim,Hill,,,,,
"""
PLACES = (
    "name,province,latitude,longitude\nLeeds,Yorkshire,53.8,-1.55\nYork,Yorkshire,53.96,-1.08\n"
    "Bath,Somerset,51.38,-2.36\nDover,Kent,51.13,1.31\n"
)
NAMES = "name,sex,count\nMary,F,90\nKim,F,30\nKim,M,10\nJohn,M,80\n"
PREFIXES = "prefix,city,province\n49,South Tehran,Tehran\n"


@pytest.fixture
def workspace(tmp_path):
    """A workspace with lists; `reference` is what its part says."""
    for name, text in {
        "customers.csv": CUSTOMERS,
        "places.csv": PLACES,
        "names.csv": NAMES,
        "prefixes.csv": PREFIXES,
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    def make(reference: str, more: str = ""):
        text = f'[reference]\n{reference}\n{more}[[source]]\nfile = "customers.csv"\ntable = "customers"\n'
        (tmp_path / FILE).write_text(text, encoding="utf-8")
        return open_workspace(tmp_path)

    return make


def told(workspace, action: str) -> list[tuple]:
    ledger = workspace.ledger
    chosen = ledger[(ledger["action"] == action) & ledger["row"].notna()]
    rows = chosen[["row", "column", "rule", "before", "after"]].astype("object")
    return sorted(rows.where(rows.notna(), None).itertuples(index=False, name=None))


def test_places_that_are_not_listed_are_told_and_kept(workspace):
    found = workspace('places = "places.csv"')
    assert told(found, "left") == [
        (2, "city", "not in the list", "Leds", "Leeds"),
        (3, "city", "not in this province", "York", None),
        (4, "province", "the province is not in the list", "Atlantis", None),
    ]
    assert found.customers["city"].tolist()[:4] == ["Leeds", "Leds", "York", "Bath"]
    assert "province_source" not in found.customers
    assert told(found, "filled") == []


def test_without_a_list_nothing_is_told_of_places(workspace):
    assert told(workspace(""), "left") == []


def test_only_what_is_asked_for_is_filled_and_marked_for_good(workspace):
    found = workspace('places = "places.csv"\nenrich = ["province"]')
    customers = found.customers.set_index("customer_id")
    assert customers.loc["1", ["province", "province_source"]].tolist() == ["Yorkshire", "city (places.csv)"]
    assert customers["province_source"].notna().sum() == 1
    assert pd.isna(customers.loc["2", "province"])
    assert customers.loc["3", "province"] == "Kent"
    assert not {"latitude", "latitude_source", "gender_source"} & set(customers)
    assert told(found, "filled") == [(1, "province", "city (places.csv), certainty 1", None, "Yorkshire")]
    assert history(found.ledger, "customers", "1")["action"].tolist()[-1] == "filled"


def test_every_filled_cell_is_on_the_ledger_with_source_and_certainty(workspace):
    found = workspace(
        'places = "places.csv"\nnames = "names.csv"\nnational_id_prefixes = "prefixes.csv"\n'
        'as_of = "2024-08-02"\n'
        'enrich = ["age", "female_probability", "place_of_issue", "household_id", "household_size"]'
    )
    customers = found.customers.set_index("customer_id")
    assert customers["age"].tolist()[:2] == [24, 74]
    assert customers.loc[["1", "5"], "household_id"].tolist() == ["1", "1"]
    assert customers["female_probability"].dropna().tolist() == [1.0, 0.0, 0.75, 1.0, 0.875]
    filled = told(found, "filled")
    of_words = "words of first_name (names.csv), certainty at least 0.8"
    assert (3, "female_probability", "first_name (names.csv), certainty at least 0.7", None, "0.75") in filled
    assert (7, "female_probability", of_words, None, "0.875") in filled
    assert (1, "age", "birth_date on 2024-08-02, certainty 1", None, "24") in filled
    assert (1, "place_of_issue", "national_id (prefixes.csv), certainty 1", None, "South Tehran") in filled
    marked = customers[[f"{name}_source" for name in found.settings.enrich]].notna().sum().sum()
    assert len(filled) == marked
    assert found.state["tables"]["customers"]["rows_in"] == len(customers) + 1


def test_merged_customers_are_filled_once(workspace, tmp_path):
    with (tmp_path / "customers.csv").open("a", encoding="utf-8") as file:
        file.write("7,Mary,Smith,Leeds,,2000-02-29,0499370899,12 Main Street\n")
    found = workspace('places = "places.csv"\nenrich = ["province"]', '[duplicates]\ncustomers = "merge"\n')
    assert found.state["tables"]["customers"]["merged"] >= 1
    assert [row[0] for row in told(found, "filled")] == [1]
    assert found.customers["customer_id"].is_unique


def test_another_list_is_another_cleaning(workspace, tmp_path):
    found = workspace('places = "places.csv"')
    made = found.state["made_from"]
    assert "places.csv" in made["files"]
    assert found.state["made_from"] == made
    (tmp_path / "places.csv").write_text(PLACES + "Leds,Yorkshire,53.8,-1.5\n", encoding="utf-8")
    assert [row[0] for row in told(found, "left")] == [3, 4]


def test_a_list_that_is_not_there_or_wrong_is_one_sentence(workspace, tmp_path):
    with pytest.raises(SourceError, match=r"There is no file .*none\.csv, which crmlab\.toml names\.$"):
        workspace('places = "none.csv"').clean()
    found = workspace('places = "prefixes.csv"')
    (tmp_path / "prefixes.csv").write_text("prefix,x\n1,2\n", encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"toml, \[reference\]: The list of places .* It has: prefix"):
        found.clean()
    assert not (tmp_path / "clean").exists()
