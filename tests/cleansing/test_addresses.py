"""Addresses: the city is found where it stands as one, streets are no cities, contradictions are shown."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing.addresses import (
    NO_CITY,
    OTHER_CITY,
    OTHER_PROVINCE,
    SEVERAL_CITIES,
    address_key,
    check_address,
)
from crmlab.cleansing.places import read_places
from crmlab.errors import ParameterError

PERSIAN = pd.DataFrame(
    [("تهران", "تهران", None), ("ری", "تهران", None), ("اصفهان", "اصفهان", None), ("کاشان", "اصفهان", None),
     ("رودبار", "گیلان", None), ("رودبار", "کرمان", None), ("کرمان", "کرمان", None),
     ("مشهد", "خراسان رضوی", None),
     ("شهرکرد", "چهارمحال وبختیاری", None), ("هشتپر", "گیلان", "تالش"), ("دماوند", "تهران", None)],
    columns=["name", "province", "other_names"],
)  # fmt: skip
GERMAN = pd.DataFrame(
    [("Berlin", "Berlin"), ("Essen", "NRW"), ("Frankfurt am Main", "Hessen"), ("Neustadt", "Hessen"),
     ("Neustadt", "Sachsen"), ("Frankfurt", "Brandenburg"), ("Baden-Baden", "Baden-Württemberg")],
    columns=["name", "province"],
)  # fmt: skip


def told(address, places, city=None, province=None):
    """City, province and reason of each address."""
    city, province = (
        None if column is None else pd.Series(column, dtype="str") for column in (city, province)
    )
    found = check_address(pd.Series(address, dtype="str"), places, city, province)
    rows = found[["city", "province", "reason"]].astype("object").to_numpy().tolist()
    return [[None if pd.isna(value) else value for value in row] for row in rows]


def test_persian_addresses():
    expected = [
        ("تهران، خیابان آزادی، پلاک ۵", ["تهران", "تهران", None]),
        ("تهران خیابان آزادی پلاک ۵", ["تهران", "تهران", None]),
        ("خيابان آزادي پلاک ۵ تهران", ["تهران", "تهران", None]),
        ("تهران-خیابان آزادی-پلاک۵", ["تهران", "تهران", None]),
        ("خیابان تهران، پلاک ۵", [None, None, NO_CITY]),
        ("خیابان دماوند کوچه ۳ پلاک ۱۲ مشهد", ["مشهد", "خراسان رضوی", None]),
        ("مشهد، خیابان دماوند", ["مشهد", "خراسان رضوی", None]),
        ("مشهد، دماوند 5، پلاک ۲", ["مشهد", "خراسان رضوی", None]),
        ("اصفهان، کاشان، خیابان امیرکبیر", ["کاشان", "اصفهان", None]),
        ("اصفهان، خیابان امیرکبیر", ["اصفهان", "اصفهان", None]),
        ("رودبار، خیابان امام", ["رودبار", None, None]),
        ("کرمان، رودبار، خیابان امام", ["رودبار", "کرمان", None]),
        ("استان گیلان، رودبار", ["رودبار", "گیلان", None]),
        ("استان گیلان، خیابان امام", [None, "گیلان", NO_CITY]),
        ("استان اصفهان، خیابان امام", [None, "اصفهان", NO_CITY]),
        ("کاشان، خیابان سعدی، شهر مشهد", ["مشهد", "خراسان رضوی", None]),
        ("شهر کرد، خیابان سعدی", ["شهرکرد", "چهارمحال وبختیاری", None]),
        ("خیابان سعدی، شهر\u200cکرد ۸۸۱۵۷", ["شهرکرد", "چهارمحال وبختیاری", None]),
        ("خیابان فدائیان شهر ری پلاک ۷", ["ری", "تهران", None]),
        ("هشتپر (تالش)، خیابان امام", ["هشتپر", "گیلان", None]),
        ("مشهد، کاشان", [None, None, SEVERAL_CITIES]),
        ("", [None, None, None]),
        (None, [None, None, None]),
        ("۱۲۳", [None, None, NO_CITY]),
    ]
    addresses = [address for address, _ in expected]
    assert list(zip(addresses, told(addresses, PERSIAN), strict=True)) == expected


def test_german_addresses():
    expected = [
        ("Berliner Str. 3, 45127 Essen", ["Essen", "NRW", None]),
        ("Zeil 5\n60313 FRANKFURT AM MAIN", ["Frankfurt am Main", "Hessen", None]),
        ("Frankfurt am Main Zeil 5", ["Frankfurt am Main", "Hessen", None]),
        ("Berlin Street 5", [None, None, NO_CITY]),
        ("12 Essen Road", [None, None, NO_CITY]),
        ("Rue Berlin 4, Essen", ["Essen", "NRW", None]),
        ("Hauptstr. 1 Neustadt", ["Neustadt", None, None]),
        ("Hauptstr. 1, Neustadt, Sachsen", ["Neustadt", "Sachsen", None]),
        ("Lange Str. 4, 76530 Baden-Baden", ["Baden-Baden", "Baden-Württemberg", None]),
    ]
    addresses = [address for address, _ in expected]
    assert list(zip(addresses, told(addresses, GERMAN), strict=True)) == expected


def test_an_address_is_held_against_the_columns():
    expected = [
        ("اصفهان، کاشان، خیابان امیرکبیر", "کاشان", None, None),
        ("اصفهان، کاشان، خیابان امیرکبیر", "اصفهان", None, None),
        ("مشهد، خیابان دماوند", "تهران", None, OTHER_CITY),
        ("مشهد، خیابان دماوند", "مشد", None, None),
        ("هشتپر، خیابان امام", "تالش", None, None),
        ("کرمان، رودبار", "رودبار", "گیلان", OTHER_PROVINCE),
        ("کرمان، رودبار", "رودبار", "کرمان", None),
        ("استان گیلان، خیابان امام", "مشهد", None, OTHER_PROVINCE),
        ("مشهد، کاشان", "مشهد", None, SEVERAL_CITIES),
        ("مشهد، کاشان", "تهران", None, OTHER_CITY),
        ("خیابان تهران", "مشهد", "خراسان رضوی", NO_CITY),
        ("تهران، خیابان امام", None, "گیلان", OTHER_PROVINCE),
        ("تهران، خیابان امام", None, "جایی", None),
    ]
    address, city, province, reasons = map(list, zip(*expected, strict=True))
    found = [reason for *_, reason in told(address, PERSIAN, city, province)]
    assert list(zip(address, city, province, found, strict=True)) == expected
    address, city, province = (pd.Series(column, dtype="str") for column in (address, city, province))
    contradicts = check_address(address, PERSIAN, city, province)["contradicts"].tolist()
    assert contradicts == [reason in (OTHER_CITY, OTHER_PROVINCE) for reason in reasons]


streets = st.sampled_from(["خیابان آزادی پلاک ۳", "کوچه تهران پلاک ۹", "بلوار کاشان ۱۲", "میدان مشهد"])
cities = st.sampled_from(["مشهد", "کاشان", "شهرکرد", "دماوند"])


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(cities, cities, streets, st.booleans()), min_size=4, max_size=12))
def test_planted_cities_are_found_whatever_the_street_is_called(planted):
    address = pd.Series(
        [f"{city}، {street}" if first else f"{street}، {city}" for city, _, street, first in planted]
    )
    column = pd.Series([stated for _, stated, _, _ in planted])
    found = check_address(address, PERSIAN, column)
    assert found["city"].tolist() == [city for city, *_ in planted]
    assert found["contradicts"].tolist() == [city != stated for city, stated, *_ in planted]


def test_the_index_is_kept_and_columns_are_to_have_it():
    address = pd.Series(["Essen", "Berlin"], index=[7, 7])
    assert check_address(address, GERMAN).index.tolist() == [7, 7]
    assert len(check_address(address.head(0), GERMAN)) == 0
    with pytest.raises(ParameterError, match="indexed alike"):
        check_address(address, GERMAN, pd.Series(["Essen", "Berlin"]))


def test_streets_of_synthetic_customers_are_no_cities(public_data):
    people = pd.read_parquet(public_data / "er-persian-synthetic" / "persian_10k_raw.parquet")
    places = read_places(public_data / "iran-divisions")
    assert check_address(people["street"], places, people["city"])["city"].isna().all()
    named = check_address(people["city"] + "، " + people["street"], places, people["city"])
    there = people["street"].notna()
    assert named.loc[there, "city"].notna().all()
    assert not named["contradicts"].any()


@pytest.mark.parametrize(
    "spellings",
    [
        ["خیابان ولی‌عصر، کوچه ۳، پلاک ۱۲", "خ. ولیعصر ک3 پ 12", "خيابان ولي عصر - كوچه 3 - شماره ١٢"],
        ["12 Main Street, Apt 3", "12 MAIN ST. APARTMENT 3", "12, main st apt.3"],
        ["Hauptstraße 5", "Hauptstr. 5", "HAUPTSTRASSE 5", "Hauptstr. Nr. 5"],
    ],
)
def test_spellings_of_one_address_have_one_key(spellings):
    assert address_key(pd.Series(spellings)).nunique() == 1


@pytest.mark.parametrize(
    "different",
    [
        ["خیابان آزادی کوچه 1 پلاک 12", "خیابان آزادی کوچه 11 پلاک 2", "خیابان آزادی کوچه 12 پلاک 1"],
        ["12 Park Street", "12 Park Road", "1 2 Park Street"],
    ],
)
def test_different_addresses_have_different_keys(different):
    keys = address_key(pd.Series([*different, None], index=[3, 3, 4, 5]))
    assert keys.nunique() == 3
    assert keys.index.tolist() == [3, 3, 4, 5]
    assert keys.isna().tolist() == [False] * 3 + [True]
