"""Enrichment: what is there stays, what is derived is right, traced and told from what was given."""

import datetime

import numpy as np
import pandas as pd
import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing.enrichment import KINDS, enrich
from crmlab.errors import ParameterError

PLACES = pd.DataFrame({
    "name": ["Leeds", "Newport", "Newport", "York", "Bath"],
    "province": ["Yorkshire", "Wales", "Shropshire", "Yorkshire", "Somerset"],
    "latitude": [53.80, 51.59, 52.77, 53.96, 51.38], "longitude": [-1.55, -3.0, -2.38, -1.08, -2.36],
})  # fmt: skip
PREFIXES = pd.DataFrame({
    "prefix": ["49", "001", "288", "288"], "city": ["تهران جنوب", "تهران", "سردشت", "مینودشت"],
    "province": ["تهران", "تهران", "آذربایجان غربی", "گلستان"],
})  # fmt: skip
NAMES = pd.DataFrame({
    "name": ["Mary", "Ann", "Kim", "KIM", "John", "Zoë", "Robin", "فاطمه", "رضا", "Alex"],
    "sex": ["F", "woman", "F", "M", "male", "female", "UNKNOWN", "زن", "مرد", "F"],
    "count": [90, 10, 30, 10, 80, 5, 7, 60, 50, 0],
})  # fmt: skip
CUSTOMERS = pd.DataFrame({
    "customer_id": ["9", "10", "11", "12", "13"],
    "first_name": ["Mary", "John", "Kim", "Mary Ann", None],
    "last_name": ["Smith", "SMITH", "Jones", "O'Neil", "Smith"],
    "address": ["12 Main Street", "12 main st.", "12 Main Street", "3 Mill Lane", "Main Street"],
    "city": ["Leeds", "leeds ", "Leeds", "Newport", "Yrok"],
    "province": [None, "Kent", None, None, None],
    "birth_date": pd.to_datetime(["2000-02-29", "1950-01-01", None, "2030-01-01", "1850-01-01"]),
    "registered_at": pd.to_datetime(["2023-08-02", "2024-08-02", None, "2025-01-01", "2024-08-01"]),
    "national_id": ["0499370899", "0499370898", "0012345679", "2880000002", None],
}, index=["a", "b", "c", "d", "e"])  # fmt: skip
REFERENCES = {"places": PLACES, "prefixes": PREFIXES, "names": NAMES, "as_of": "2024-08-02"}


def texts(values):
    return [None if pd.isna(value) else value for value in values]


def column(name, kind, records=CUSTOMERS, **references):
    return texts(enrich(records, kind, **(REFERENCES | references)).records[name])


def test_province_and_coordinates_come_from_cities_that_mean_one_place():
    records = CUSTOMERS.assign(province=None)
    assert column("province", "place", records) == ["Yorkshire", "Yorkshire", "Yorkshire", None, None]
    assert column("latitude", "place", records) == [53.80, 53.80, 53.80, None, None]
    records.loc["d", "province"] = "Wales"
    found = enrich(records, "place", places=PLACES).records
    assert texts(found.loc["d", ["province", "province_source", "longitude"]]) == ["Wales", None, -3.0]


def test_a_city_that_contradicts_its_province_derives_nothing():
    assert column("latitude", "place")[:2] == [53.80, None]
    assert column("province", "place")[1] == "Kent"


def test_coordinates_that_cannot_be_right_are_not_derived():
    places = PLACES.assign(latitude=[53.80, 51.59, 51.59, 53.96, 51.38], longitude=-3.0)
    records = pd.DataFrame({"city": ["Newport"] * 2, "province": ["Wales", "Shropshire"]})
    places.loc[len(places)] = ["Ludlow", "Shropshire", 52.37, -2.72]
    places.loc[len(places)] = ["Telford", "Shropshire", 52.68, -2.45]
    assert column("latitude", "place", records, places=places) == [51.59, None]


def test_the_place_of_issue_comes_from_valid_ids_and_certain_prefixes():
    found = enrich(CUSTOMERS, "place_of_issue", prefixes=PREFIXES).records
    assert texts(found["place_of_issue"]) == ["تهران جنوب", None, "تهران", None, None]
    assert texts(found["province_of_issue"]) == ["تهران", None, "تهران", None, None]
    assert found["place_of_issue_source"].tolist()[0] == "national_id (a frame)"


def test_a_first_name_gives_a_probability_and_never_a_gender():
    records = pd.DataFrame({
        "first_name": ["Mary", "kim", "JOHN", "Zoe", "Robin", "Mary Ann", "Mary John", "Alex", "علی",
                       "رضــا"],
        "gender": [None] * 10,
    })  # fmt: skip
    found = enrich(records, "gender", names=NAMES)
    expected = [1, 0.75, 0, 1, None, 1, None, None, None, 0]
    assert texts(found.records["female_probability"]) == expected
    assert found.records["gender"].isna().all()
    certainty = found.derived.set_index("row")["certainty"]
    assert certainty.to_dict() == {0: 1, 1: 0.75, 2: 1, 3: 1, 5: 1, 9: 1}
    assert found.records["female_probability_source"][5] == "words of first_name (a frame)"


def test_names_without_counts_count_once_each():
    names = NAMES.drop(columns="count")
    assert column("female_probability", "gender", names=names)[:4] == [1, 0, 0.5, 1]


def test_a_household_is_one_surname_at_one_numbered_address():
    found = enrich(CUSTOMERS, "household").records
    assert texts(found["household_id"]) == ["9", "9", "11", "12", None]
    assert texts(found["household_size"]) == [2, 2, 1, 1, None]
    apart = CUSTOMERS.assign(city=["Leeds", "York", "Leeds", "Newport", "Yrok"])
    assert column("household_id", "household", apart) == ["9", "10", "11", "12", None]
    assert column("household_id", "household", CUSTOMERS.drop(columns="city"))[:2] == ["9", "9"]


def test_the_certainty_of_a_household_is_the_chance_that_it_is_no_coincidence():
    # Of six neighbours two are Smiths; of the ten records elsewhere four are.
    records = pd.DataFrame({
        "customer_id": [str(n) for n in range(16)],
        "last_name": ["Smith"] * 2 + list("abcd") + ["Smith"] * 4 + list("efghij"),
        "address": ["1 Mill Lane"] * 6 + [f"{n} Park Road" for n in range(10)],
    })  # fmt: skip
    derived = enrich(records, "household").derived
    certainty = derived[derived["column"] == "household_id"].set_index("row")["certainty"]
    assert certainty[0] == certainty[1] == pytest.approx((1 - 5 / 12) ** 5)
    assert (certainty[2:] == 1).all()


def test_households_do_not_depend_on_the_order_of_rows():
    mixed = CUSTOMERS.iloc[[4, 1, 3, 0, 2]]
    found = enrich(mixed, "household").records["household_id"]
    pd.testing.assert_series_equal(
        found.sort_index(), enrich(CUSTOMERS, "household").records["household_id"], check_dtype=True
    )


def test_life_stages_and_tenure_on_a_day():
    found = enrich(CUSTOMERS, ["life_stage", "tenure"], as_of="1403/05/12").records
    assert texts(found["age"]) == [24, 74, None, None, None]
    assert texts(found["life_stage"]) == ["young adult", "senior", None, None, None]
    assert texts(found["tenure_days"]) == [366, 0, None, None, 1]
    assert found["age_source"].tolist()[0] == "birth_date on 2024-08-02"
    own = enrich(CUSTOMERS, "life_stage", as_of="2024-08-02", life_stages={"old": 70, "working": 25})
    assert texts(own.records["life_stage"])[:2] == [None, "old"]
    text = CUSTOMERS.assign(birth_date=["۱۳۷۸/۱۲/۱۰", "1950-01-01", None, "x", ""])
    assert column("age", "life_stage", text) == [24, 74, None, None, None]


@settings(max_examples=30, deadline=None)
@given(
    born=st.lists(st.dates(datetime.date(1910, 1, 1), datetime.date(2024, 12, 31)), min_size=1, max_size=9),
    day=st.dates(datetime.date(2000, 1, 1), datetime.date(2025, 12, 31)),
)
def test_ages_are_those_of_the_calendar(born, day):
    records = pd.DataFrame({"birth_date": pd.to_datetime(pd.Series(born))})
    expected = [relativedelta(day, birth).years if birth <= day else None for birth in born]
    assert column("age", "life_stage", records, as_of=day) == expected


gaps = st.lists(
    st.tuples(st.sampled_from(["Leeds", "York", "Newport", "Xyz", None]),
              st.sampled_from(["Yorkshire", "Kent", "", None]), st.sampled_from([1.5, np.nan]),
              st.sampled_from(["family 1", None])),
    min_size=1, max_size=9,
)  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(gaps)
def test_nothing_given_is_replaced_and_every_derived_cell_is_traced(rows):
    records = pd.DataFrame(rows, columns=["city", "province", "latitude", "household_id"]).assign(
        customer_id=[f"C{n}" for n in range(len(rows))], last_name="Smith", address="1 Mill Lane"
    )
    records.index = [f"row {n}" for n in range(len(rows))]
    records = records.astype({"city": "str", "province": "str", "latitude": "float64", "household_id": "str"})
    before = records.copy()
    found = enrich(records, ["place", "household"], places=PLACES)
    pd.testing.assert_frame_equal(records, before)
    traced = set()
    for entry in found.derived.itertuples():
        traced.add((entry.row, entry.column))
        assert str(found.records.loc[entry.row, entry.column]) == entry.value
        assert found.records.loc[entry.row, f"{entry.column}_source"] == entry.source
        assert 0 < entry.certainty <= 1
    assert len(traced) == len(found.derived)
    for name in found.records.columns[~found.records.columns.str.endswith("_source")]:
        for label, value in found.records[name].items():
            given_value = records.loc[label, name] if name in records else None
            if (label, name) in traced:
                assert pd.isna(given_value) or given_value == ""
            else:
                assert texts([value]) == texts([given_value])
    again = enrich(found.records, ["place", "household"], places=PLACES)
    assert len(again.derived) == 0
    pd.testing.assert_frame_equal(again.records, found.records)


def test_only_what_is_asked_for_is_derived():
    for kind, needed in KINDS.items():
        found = enrich(CUSTOMERS, kind, **REFERENCES).records
        assert list(found.columns[: CUSTOMERS.shape[1]]) == list(CUSTOMERS.columns)
        assert found.index.equals(CUSTOMERS.index)
        with pytest.raises(
            ParameterError, match=f"{kind} is derived from the column {needed[0]}; the records"
        ):
            enrich(CUSTOMERS.drop(columns=needed[0]), kind, **REFERENCES)
    assert enrich(CUSTOMERS, [], **REFERENCES).records.equals(CUSTOMERS)


def test_columns_keep_their_type_where_they_are_filled():
    records = CUSTOMERS.assign(province=pd.Categorical(["Kent", "Kent", None, None, None]))
    assert column("province", "place", records) == ["Kent", "Kent", "Yorkshire", None, None]
    empty = enrich(CUSTOMERS.head(0), list(KINDS), **REFERENCES)
    assert len(empty.records) == len(empty.derived) == 0
    assert list(empty.derived.columns) == ["row", "column", "value", "source", "certainty"]
    assert column("latitude", "place", CUSTOMERS.assign(latitude=["", "1", " ", None, "2"])) == [
        "53.8", "1", "53.8", None, "2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"what": "palce"}, "no kind of enrichment 'palce'; did you mean 'place'"),
        ({"what": "place"}, r"The list of places is to be a CSV.*name \(required\), province"),
        (
            {"what": "place_of_issue"},
            r"national id prefixes is to be .* prefix \(required\), city \(required\)",
        ),
        (
            {"what": "gender"},
            r"first names is to be .* first_name \(required\), gender \(required\), count\.",
        ),
        ({"what": "life_stage"}, "as_of is a day such as 2024-08-02 or 1403/05/12, not None"),
        ({"what": ["tenure"]}, "as_of is a day"),
        ({"what": "life_stage", "as_of": "2024-08-02", "life_stages": {}}, "at least one stage"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(call, message):
    with pytest.raises(ParameterError, match=message):
        enrich(CUSTOMERS, **call)


def test_the_published_tables_enrich_synthetic_customers(public_data):
    people = pd.read_parquet(public_data / "er-persian-synthetic" / "persian_10k_raw.parquet")
    people = people.rename(columns={"dob": "birth_date", "street": "address"})
    people["customer_id"] = people.index.astype(str)
    found = enrich(
        people, [kind for kind in KINDS if kind != "tenure"], public_data / "iran-divisions",
        public_data / "iran-nationalid-prefix" / "prefix_city.csv",
        public_data / "persian-names" / "names_gender.json", "1403/05/12",
    )  # fmt: skip
    tehran = people["city"].str.replace("\u200c", "") == "تهران"
    assert found.records.loc[tehran, "province"].eq("تهران").all()
    assert found.records.loc[tehran, "province_source"].eq("city (iran-divisions)").all()
    assert found.records["province"].notna().mean() > 0.98
    women = people["first_name"].isin(["فاطمه", "زهرا", "لیلا"])
    assert found.records.loc[women, "female_probability"].eq(1).all()
    born = people["birth_date"].notna()
    assert found.records.loc[born, "age"].between(0, 120).all()
    household = found.records["household_id"]
    shared = people.groupby(household)["cluster"].nunique()
    assert (shared == 1).mean() > 0.999
    assert found.records["place_of_issue"].notna().sum() > 3000
