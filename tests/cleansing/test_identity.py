"""Numbers with check digits: issued examples, plain arithmetic as an oracle, planted truth."""

import hashlib
import hmac

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crmlab.cleansing.identity import (
    check_card,
    check_iban,
    check_legal_id,
    check_national_id,
    check_postcode,
    customer_code,
)
from crmlab.errors import ParameterError

digits = st.text("0123456789", min_size=9, max_size=9)


def national(nine: str) -> str:
    remainder = sum(int(digit) * (10 - place) for place, digit in enumerate(nine)) % 11
    return nine + str(remainder if remainder < 2 else 11 - remainder)


def legal(ten: str) -> str:
    ten_plus, weights = int(ten[9]) + 2, (29, 27, 23, 19, 17) * 2
    total = sum((int(digit) + ten_plus) * weight for digit, weight in zip(ten, weights, strict=True))
    return ten + str(total % 11 % 10)


def luhn(number: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value // 10 + value % 10
    return total % 10 == 0


def iban(country: str, account: str) -> str:
    turned = "".join(str(int(sign, 36)) for sign in f"{account}{country}00")
    return f"{country}{98 - int(turned) % 97:02d}{account}"


def one(check, text, **options):
    return check(pd.Series([text], dtype="str"), **options).iloc[0]


@given(digits)
def test_a_national_id_has_one_check_digit(nine):
    right = national(nine)
    found = check_national_id(pd.Series([f"{nine}{last}" for last in range(10)]))
    assert found["value"].dropna().tolist() == [right]


@given(digits.filter(lambda nine: nine.lstrip("0") and len(nine.lstrip("0")) >= 7))
def test_zeros_that_a_spreadsheet_ate_are_restored(nine):
    whole = national(nine)
    found = one(check_national_id, str(int(whole)))
    assert found["value"] == whole
    assert (found["note"] == "leading zeros restored") == whole.startswith("0") or len(set(whole)) == 1


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("۰۴۹۹۳۷۰۸۹۹", "0499370899", None),
        ("٠٤٩٩٣٧٠٨٩٩", "0499370899", None),
        (" 049-937089-9 ", "0499370899", None),
        ("0499370898", None, "the check digit does not fit"),
        ("4993708", None, "not ten digits"),
        ("04993708991", None, "not ten digits"),
        ("0499a70899", None, "signs that are no digits"),
        ("", None, None),
        (None, None, None),
    ],
)
def test_national_ids_as_they_come(text, value, reason):
    found = one(check_national_id, text)
    assert (found["value"] if found["valid"] else None) == value
    assert (None if pd.isna(found["reason"]) else found["reason"]) == reason


@pytest.mark.parametrize("digit", "123456789")
def test_equal_digits_are_noted_and_not_refused(digit):
    found = one(check_national_id, digit * 10)
    assert (found["valid"], found["note"]) == (True, "all digits are equal")


def test_the_ids_of_the_synthetic_customers_are_valid_but_for_typos(public_data):
    people = pd.read_parquet(public_data / "er-persian-synthetic" / "persian_100k_raw.parquet")
    found = check_national_id(people["national_id"])
    plain = people["national_id"].dropna().map(lambda text: "".join(str(int(sign)) for sign in text))
    expected = plain.map(lambda text: len(text) == 10 and national(text[:9]) == text)
    assert found.loc[plain.index, "valid"].tolist() == expected.tolist()
    assert 0.9 < expected.mean() < 1


@given(st.text("0123456789", min_size=10, max_size=10))
def test_a_legal_id_has_one_check_digit(ten):
    found = check_legal_id(pd.Series([f"{ten}{last}" for last in range(10)]))
    assert found["value"].dropna().tolist() == [legal(ten)]


@pytest.mark.parametrize("text", ["14007650912", "10380284790"])
def test_issued_legal_ids_are_valid(text):
    assert one(check_legal_id, text)["valid"]


@given(st.text("0123456789", min_size=12, max_size=20))
def test_cards_are_judged_as_luhn_does(text):
    assert one(check_card, text)["valid"] == (13 <= len(text) <= 19 and luhn(text))


@pytest.mark.parametrize(
    "text", ["4111 1111 1111 1111", "5500005555555559", "371449635398431", "6011000990139424"]
)
def test_published_card_numbers_are_valid(text):
    assert one(check_card, text)["valid"]


@pytest.mark.parametrize(
    "text",
    ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "FR14 2004 1010 0505 0001 3M02 606",
     "MT84MALT011000012345MTLCAST001S", "NO9386011117947", "ir06 2960 0000 0010 0324 2000 01"],
)  # fmt: skip
def test_ibans_of_the_registry_are_valid(text):
    assert one(check_iban, text)["valid"]


@given(st.text("0123456789", min_size=22, max_size=22), st.integers(0, 99))
@example("1951401835434335448643", 0)  # 97 is right, and 0 leaves the same remainder
@example("1951401835434335448668", 99)
def test_an_iban_has_one_pair_of_check_digits(account, wrong):
    right = iban("IR", account)
    found = check_iban(pd.Series([right, right[2:], f"IR{wrong:02d}{account}"]))
    assert found["value"].tolist()[:2] == [right, right]
    assert found["note"].tolist()[1] == "IR put in front"
    assert found["valid"].tolist()[2] == (f"{wrong:02d}" == right[2:4])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("GB82WEST1234569876543", "wrong length for its country"),
        ("ZZ82WEST12345698765432", "no country with IBANs"),
        ("GB83WEST12345698765432", "the check digits do not fit"),
        ("hello", "not the form of an IBAN"),
    ],
)
def test_what_is_wrong_with_an_iban_is_said(text, reason):
    assert one(check_iban, text)["reason"] == reason


@pytest.mark.parametrize(
    "text",
    [
        # Of universities and of a library's documentation.
        "1417466191", "1983969411", "8415683111", "9177948974", "1619735744",
        # Reported against rules that know no 2 at all, the second as confirmed by the post's own register.
        "5951412749", "1416932790",
        "19395-13456", "۱۹۳۹۵۱۳۴۵۶", "1393500000",
    ],
)  # fmt: skip
def test_issued_postcodes_have_the_form(text):
    assert one(check_postcode, text)["valid"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1111113456", "no such region"),
        ("193951345", "not ten digits"),
        ("SW1A 1AA", "signs that are no digits"),
    ],
)
def test_what_is_wrong_with_a_postcode_is_said(text, reason):
    assert one(check_postcode, text)["reason"] == reason


@given(st.integers(0, 9), st.sampled_from("02"))
def test_no_district_has_a_0_or_a_2(place, digit):
    text = "1393613936"
    text = text[:place] + digit + text[place + 1 :]
    assert one(check_postcode, text)["valid"] == (place >= 5)


def test_postcodes_of_other_countries_are_not_judged():
    with pytest.raises(ParameterError, match="known for IR, not 'DE'"):
        check_postcode(pd.Series(["1"]), "DE")


def test_customer_codes_are_stable_and_keyed():
    key, people = "a key of the house", pd.Series(["0499370899", "۰۴۹۹۳۷۰۸۹۹", None, "x"], index=[5, 6, 7, 8])
    codes = customer_code(key, people)
    assert codes.index.tolist() == [5, 6, 7, 8]
    expected = "C" + hmac.new(key.encode(), b"0499370899", hashlib.sha256).hexdigest()[:16]
    assert codes[5] == codes[6] == expected
    assert pd.isna(codes[7])
    assert codes[8] != codes[5]
    assert customer_code("another key of it", people)[5] != codes[5]
    both = customer_code(key, pd.Series(["ab", "a"]), pd.Series(["c", "bc"]))
    assert both[0] != both[1]
    for wrong in (("short", people), (key,)):
        with pytest.raises(ParameterError):
            customer_code(*wrong)


def test_empty_columns_stay_empty():
    for check in (check_national_id, check_legal_id, check_postcode, check_card, check_iban):
        found = check(pd.Series([], dtype="str"))
        assert list(found.columns) == ["valid", "value", "reason", "note"]
        assert len(found) == 0
