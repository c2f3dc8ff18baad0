"""Places: spellings of the list are found, misspellings suggested and never replaced, doubt is said."""

import itertools

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing.places import (
    ELSEWHERE,
    NO_PROVINCE,
    NOT_LISTED,
    SEVERAL,
    check_place,
    locate,
    locate_one,
    read_places,
)
from crmlab.cleansing.text import normalize_text
from crmlab.errors import ParameterError, SourceError, TableError

GERMAN = pd.DataFrame({
    "name": ["Köln", "Neustadt", "Neustadt", "Bad Homburg", "Halle (Saale)", "Halle", "Ulm", "Ulm",
             "Stadt Wehlen"],
    "province": ["NRW", "Hessen", "Sachsen", "Hessen", "Sachsen-Anhalt", "NRW", "BW", "BW", "Sachsen"],
    "county": ["Köln", "MR", "PIR", "HG", "HAL", "GT", "UL", "UL", "PIR"],
    "code": ["50667", "35279", "01844", "61348", "06108", "33790", "89073", "89075", "01829"],
    "other_names": ["Cologne|Colonia", None, None, "Homburg v. d. Höhe", "Halle an der Saale", None, None,
                    None, None],
})  # fmt: skip
PERSIAN = pd.DataFrame({
    "name": ["تهران", "خرم آباد", "خرم آباد", "شهربابک", "مهاباد", "مهاباد", "قم", "کرمان", "کرمانشاه"],
    "province": ["تهران", "لرستان", "مازندران", "کرمان", "آذربایجان غربی", "اصفهان", "قم", "کرمان",
                 "کرمانشاه"],
})  # fmt: skip


def one(city, places=GERMAN, province=None):
    provinces = None if province is None else pd.Series([province], dtype="str")
    return check_place(pd.Series([city], dtype="str"), places, provinces).iloc[0]


def texts(values):
    return [None if pd.isna(value) else value for value in values]


def test_german_cities_as_they_come():
    expected = [
        ("KÖLN ", None, "Köln", "NRW", None),
        ("koln", None, "Köln", "NRW", None),
        ("cologne", "nrw", "Köln", "NRW", None),
        ("City of Cologne", None, "Köln", "NRW", None),
        ("Stadt Ulm", None, "Ulm", "BW", None),
        ("Stadt Wehlen", None, "Stadt Wehlen", "Sachsen", None),
        ("Neustadt", None, "Neustadt", None, SEVERAL),
        ("Neustadt", "", "Neustadt", None, SEVERAL),
        ("neu-stadt", "sachsen", "Neustadt", "Sachsen", None),
        ("Neustadt", "State of Hessen", "Neustadt", "Hessen", None),
        ("Neustadt", "NRW", None, None, ELSEWHERE),
        ("Köln", "Rheinland", None, None, NO_PROVINCE),
        ("Halle an der Saale", None, "Halle (Saale)", "Sachsen-Anhalt", None),
        ("Halle", None, "Halle", "NRW", None),
        ("Hale", "Sachsen", None, None, NOT_LISTED),
        ("Κολωνία", None, None, None, NOT_LISTED),
        ("", None, None, None, None),
        (None, "Hessen", None, None, None),
    ]
    city, province, *_ = (pd.Series(column, dtype="str") for column in zip(*expected, strict=True))
    found = check_place(city, GERMAN, province)
    told = [texts(row) for row in found[["value", "province", "reason"]].astype("object").to_numpy()]
    assert [(*asked[:2], *row) for asked, row in zip(expected, told, strict=True)] == expected
    assert found["valid"].tolist() == found["value"].notna().tolist()


def test_persian_cities_as_they_come():
    expected = [
        ("طهران", None, None, None),
        ("تهــران", None, "تهران", "تهران"),
        ("شهر تهران", "استان تهران", "تهران", "تهران"),
        ("خرم\u200cآباد", "لرستان", "خرم آباد", "لرستان"),
        ("خرماباد", "مازندران", "خرم آباد", "مازندران"),
        ("شهر بابک", None, "شهربابک", "کرمان"),
        ("شهر\u200cبابك", None, "شهربابک", "کرمان"),
        ("مهاباد", "آذربايجان\u200cغربي", "مهاباد", "آذربایجان غربی"),
        ("كرمان", None, "کرمان", "کرمان"),
    ]
    city, province, *_ = (pd.Series(column, dtype="str") for column in zip(*expected, strict=True))
    found = check_place(city, PERSIAN, province)
    told = [texts(row) for row in found[["value", "province"]].astype("object").to_numpy()]
    assert [(*asked[:2], *row) for asked, row in zip(expected, told, strict=True)] == expected


def test_postcodes_of_one_city_make_no_doubt_about_it():
    found = one("Ulm")
    assert texts(found[["county", "code", "reason"]]) == ["UL", None, None]
    assert one("Köln")["code"] == "50667"


def test_a_list_without_provinces_contradicts_none():
    assert one("Köln", GERMAN[["name"]], "Bayern")["valid"]
    assert texts(one("Neustadt", GERMAN[["name"]])[["value", "reason"]]) == ["Neustadt", None]


@pytest.mark.parametrize(
    ("city", "province", "suggestion", "score"),
    [
        ("Kölm", None, "Köln", 3 / 4),
        ("Kön", None, "Köln", 3 / 4),
        ("Klön", None, "Köln", 3 / 4),
        ("Kölln", None, "Köln", 4 / 5),
        ("Bad Hamburg", None, "Bad Homburg", 9 / 10),
        ("Bad Hombrug", "NRW", "Bad Homburg", 9 / 10),
        ("Um", "BW", "Ulm", 2 / 3),
        ("Xx", None, None, None),
        ("Holla", "NRW", None, None),  # two letters in five are more than one in three
        ("Köln", "Hessen", "Köln", 1),
    ],
)
def test_the_nearest_name_is_suggested(city, province, suggestion, score):
    found = one(city, GERMAN, province)
    assert not found["valid"]
    assert texts(found[["value", "suggestion"]]) == [None, suggestion]
    assert pd.isna(found["score"]) if score is None else found["score"] == pytest.approx(score)


def test_names_of_the_province_come_before_nearer_ones():
    places = pd.DataFrame({"name": ["Karlstadt", "Karstett"], "province": ["Bayern", "Brandenburg"]})
    typed = pd.Series(["Karlstedt"] * 3)
    found = check_place(typed, places, pd.Series(["Bayern", "Brandenburg", None]))
    assert found["suggestion"].tolist() == ["Karlstadt", "Karstett", "Karlstadt"]


def test_of_names_as_near_the_one_that_the_column_has_most_is_suggested():
    places = pd.DataFrame({"name": ["Bern", "Berg", "Berk"]})
    typed = pd.Series(["Berx", "Berg", "Berg", "Bern"])
    assert check_place(typed, places)["suggestion"][0] == "Berg"
    assert check_place(typed.iloc[[0]], places)["suggestion"][0] == "Bern"


def test_the_index_is_kept_and_may_repeat():
    found = check_place(pd.Series(["Ulm", "Olm", None], index=["a", "a", "b"]), GERMAN)
    assert found.index.tolist() == ["a", "a", "b"]
    assert found["valid"].tolist() == [True, False, False]
    assert list(found.columns) == [
        "valid", "value", "province", "county", "code", "reason", "suggestion", "score",
    ]  # fmt: skip
    empty = check_place(pd.Series([], dtype="str"), GERMAN)
    assert (len(empty), list(empty.columns)) == (0, list(found.columns))


def test_columns_that_are_not_indexed_alike_are_refused():
    with pytest.raises(ParameterError, match="indexed alike"):
        check_place(pd.Series(["Ulm"]), GERMAN, pd.Series(["BW"], index=[5]))


def test_a_list_that_cannot_be_compared_is_refused(tmp_path):
    with pytest.raises(
        TableError, match=r"column name: no Persian or Latin letters \(1 row, the first at 1\)"
    ):
        read_places(pd.DataFrame({"name": ["Ulm", "Πάτρα"]}))
    with pytest.raises(ParameterError, match="name \\(required\\)"):
        check_place(pd.Series(["Ulm"]), None)
    with pytest.raises(SourceError, match="no shahr.csv"):
        read_places(tmp_path)


def osa(a: str, b: str) -> int:
    """Optimal string alignment, straight from its recursion."""
    rows = [[i + j if i * j == 0 else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            rows[i][j] = min(
                rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] != b[j - 1])
            )
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


names = st.text("abcd", min_size=1, max_size=6)


@settings(max_examples=40, deadline=None)
@given(listed=st.lists(names, min_size=1, max_size=6, unique=True), typed=st.lists(names, max_size=5))
def test_a_name_is_found_or_the_nearest_suggested_and_no_other(listed, typed):
    found = check_place(pd.Series(typed, dtype="str"), pd.DataFrame({"name": listed}))
    for name, (_, row) in zip(typed, found.iterrows(), strict=True):
        assert row["valid"] == (name in listed)
        assert texts([row["value"]]) == [name if name in listed else None]
        distance = {other: osa(name, other) for other in listed}
        nearest = min(distance.values())
        longest = max(len(name), *(len(other) for other in listed if distance[other] == nearest))
        if name in listed:
            assert pd.isna(row["suggestion"])
        elif nearest <= 1 or 3 * nearest <= longest:
            assert distance[row["suggestion"]] == nearest
            assert row["score"] == pytest.approx(1 - nearest / max(len(name), len(row["suggestion"])))
        else:
            assert pd.isna(row["suggestion"])


spellings = st.sampled_from([
    lambda text: text, lambda text: text.replace(" ", "\u200c"), lambda text: text.replace(" ", ""),
    lambda text: text.replace("ک", "ك").replace("ی", "ي"), lambda text: f" {text}\u200f",
    lambda text: f"شهر {text}", lambda text: "\u0640".join(text.split(" ")),
])  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(PERSIAN) - 1), spellings), min_size=1, max_size=8))
def test_every_spelling_of_a_listed_city_is_that_city(chosen):
    typed = pd.Series([spell(PERSIAN["name"][row]) for row, spell in chosen])
    province = pd.Series([PERSIAN["province"][row] for row, _ in chosen])
    found = check_place(typed, PERSIAN, province)
    assert found["valid"].all()
    assert found["value"].tolist() == [PERSIAN["name"][row] for row, _ in chosen]
    assert found["province"].tolist() == province.tolist()


def misspelt(name: str) -> list[str]:
    """A name as it is, with a letter or three wrong, with words before it and in other letters."""
    half = len(name) // 2
    return [
        name, name[:half] + name[half + 1 :], f"ر{name}x", name[2:] + name[0], f" {name.upper()}\u200f",
        f"شهر {name}", f"Stadt {name}", f"cİty of {name}", name.replace("ک", "ك").replace(" ", "\u200c"),
    ]  # fmt: skip


NEAR = pd.DataFrame({"name": ["Halle", "Hallen"], "province": ["NRW", "Sachsen"]})


@pytest.mark.parametrize("places", [GERMAN, PERSIAN, PERSIAN[["name"]], NEAR])
def test_one_city_is_judged_as_a_column_of_one_is(places):
    places = read_places(places)
    written = [*places["name"].unique(), *places["other_names"].dropna(), "", " ", "...", None]
    cities = [form for name in written for form in (misspelt(name) if name else [name])]
    provinces = [*places["province"].dropna().unique(), "Stadt Hessen", "استان قم", "Hesen", "...", "", None]
    asked = pd.DataFrame(itertools.product(cities, provinces), columns=["city", "province"], dtype="str")
    judged = locate(asked["city"], places, asked["province"])
    # What is found elsewhere in a column bears on what is suggested; what is not found does not.
    for part in (asked[judged["valid"]], asked[~judged["valid"]]):
        columns = locate(part["city"], places, part["province"])[["reason", "suggestion"]]
        for row, expected in zip(part.to_numpy(), columns.to_numpy(), strict=True):
            city, province = texts(row)
            assert list(locate_one(city, places, province)) == texts(expected), (city, province)


def test_irans_cities_are_read_from_the_published_tables(public_data, tmp_path):
    places = read_places(public_data / "iran-divisions")
    assert (len(places), places["province"].nunique(), places["county"].nunique()) == (1354, 31, 448)
    assert places.notna().all().drop("other_names").all()
    assert read_places(public_data / "iran-divisions" / "shahr.csv").equals(places)
    places.to_parquet(tmp_path / "cities.parquet")
    assert read_places(tmp_path / "cities.parquet").equals(places)
    capital = places[places["name"] == "تهران"].iloc[0]
    assert (capital["code"], round(capital["latitude"]), round(capital["longitude"])) == (
        "2301021576",
        36,
        51,
    )


def test_irans_cities_as_customers_write_them(public_data):
    places = read_places(public_data / "iran-divisions")
    people = pd.read_parquet(public_data / "er-persian-synthetic" / "persian_100k_raw.parquet")
    assert people["city"].isin(set(places["name"])).mean() < 0.8
    assert check_place(people["city"], places)["valid"].all()


def test_irans_cities_with_a_letter_dropped_are_suggested(public_data):
    places = read_places(public_data / "iran-divisions")
    key = normalize_text(places["name"], "search")
    typed = places["name"].str[:2] + places["name"].str[3:]
    new = ~normalize_text(typed, "search").isin(set(key))
    assert new.sum() > 1200

    def right(province):
        return (check_place(typed, places, province)["suggestion"] == places["name"])[new].mean()

    assert right(None) > 0.9
    assert right(places["province"]) > 0.98
