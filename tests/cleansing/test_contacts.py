"""E-mail addresses and telephone numbers against the libraries whose verdict is promised."""

import email_validator
import pandas as pd
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing.contacts import check_email, check_phone

ADDRESSES = [
    "ann@example.com", "Ann.Lee@Example.COM", "ann+tag@example.co.uk", "a@b.co", "o'neil@example.org",
    "ann_lee-99@sub.domain.example.net", "علی@example.com", "ali@مثال.ایران",
    "ali@xn--mgbh0fb.xn--mgba3a4f16a",
    "JOSÉ@example.com", "jose\u0301@example.com", "müller@bücher.de", "1@2.de", "a" * 64 + "@example.com",
    "gmail@gmial.con", "ann@example.com.", "!#$%@example.com",
    # none of them an address
    "ann", "@example.com", "ann@", "ann@@example.com", "ann@example", "ann@localhost", "ann@-example.com",
    "ann@example..com", "ann..lee@example.com", ".ann@example.com", "ann.@example.com", "ann lee@example.com",
    "ann@exam ple.com", "a" * 65 + "@example.com", "ann@" + "a" * 64 + ".com", "ann@[127.0.0.1]",
    "ann@127.0.0.1",
    '"ann"@example.com', "Ann <ann@example.com>", "mailto:ann@example.com", "ann(at)example.com",
    "ann@example.com;bob@example.com", "ann@test", "ann@example.invalid", "n/a", "-", "👍@example.com",
]  # fmt: skip

IRANIAN = [
    "09121234567", "9121234567", "989121234567", "00989121234567", "+989121234567", "+98 912 123 4567",
    "0912-123-4567", "(0912) 123 45 67", "0912 123 4567", "02188776655", "021-88776655", "+982188776655",
    "09991234567", "0912123456", "091212345678", "08121234567", "0912123456a",
]  # fmt: skip
FOREIGN = [
    "+442079460018", "+44 20 7946 0018", "0044 20 7946 0018", "+1 650-253-0000", "+1 (650) 253 0000",
    "+49 30 901820", "+4930901820", "+971501234567", "+905321234567", "+33 1 42 68 53 00", "+61 2 9374 4000",
    "+999123456789", "+44 20", "+1 555", "+", "++989121234567", "650-253-0000",
]  # fmt: skip
OTHER = ["۰۹۱۲۱۲۳۴۵۶۷", "٠٩١٢١٢٣٤٥٦٧", "۰۹۱۲ ۱۲۳ ۴۵۶۷", "+۹۸۹۱۲۱۲۳۴۵۶۷", "\u200e09121234567\u200f", "12",
         "110", "911", "0", "abc", "tel:+989121234567", "09121234567 ext. 5", "09121234567,09351234567",
         "1-800-FLOWERS", "09-121-234567", "۰۹۱۲-۱۲۳-۴۵۶۷"]  # fmt: skip


def judge_email(address: str) -> str | None:
    try:
        return email_validator.validate_email(address, check_deliverability=False).normalized
    except email_validator.EmailNotValidError:
        return None


def judge_phone(number: str, region: str) -> str | None:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def agrees(found: pd.Series, verdict: str | None) -> bool:
    """Whether a row says what the library says, and a reason where that is no."""
    if verdict is None:
        return not found["valid"] and pd.isna(found["value"]) and pd.notna(found["reason"])
    return found["valid"] and found["value"] == verdict and pd.isna(found["reason"])


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_judged_as_email_validator_judges_it(address):
    assert agrees(check_email(pd.Series([address])).iloc[0], judge_email(address))


@pytest.mark.parametrize("number", IRANIAN + FOREIGN + OTHER)
@pytest.mark.parametrize("region", ["IR", "US"])
def test_a_number_is_judged_as_phonenumbers_judges_it(number, region):
    assert agrees(check_phone(pd.Series([number]), region).iloc[0], judge_phone(number, region))


def test_the_lists_hold_good_and_bad_ones():
    assert {judge_email(address) is None for address in ADDRESSES} == {True, False}
    for numbers in (IRANIAN, FOREIGN, OTHER):
        assert {judge_phone(number, "IR") is None for number in numbers} == {True, False}


@pytest.mark.parametrize(
    "number", ["09121234567", "+98 912 123 4567", "۰۹۱۲ ۱۲۳ ۴۵۶۷", "00989121234567", "9121234567"]
)
def test_spellings_of_one_iranian_number(number):
    assert check_phone(pd.Series([number]))["value"].tolist() == ["+989121234567"]


def test_letters_and_digits_of_addresses_come_in_one_form_first():
    found = check_email(pd.Series([" ann@example.com\u200f", "ann۱۲@example.com", "ann\u00ad@example.com"]))
    assert found["value"].tolist() == ["ann@example.com", "ann12@example.com", "ann@example.com"]


def test_the_reason_is_the_sentence_of_the_library():
    with pytest.raises(email_validator.EmailNotValidError) as caught:
        email_validator.validate_email("ann@@example.com", check_deliverability=False)
    assert check_email(pd.Series(["ann@@example.com"]))["reason"].tolist() == [str(caught.value)]
    assert check_phone(pd.Series(["0912123456"]))["reason"].tolist() == [
        "no such number in its country's plan"
    ]


@pytest.mark.parametrize("check", [check_email, check_phone])
@pytest.mark.parametrize(
    "values",
    [
        pd.Series([None, "", "  ", "\u200c"], dtype="str"), pd.Series([None, None], dtype="str"),
        pd.Series([], dtype="str"), pd.Series([], dtype="object"), pd.Series([float("nan")]),
    ],
    ids=["missing and empty", "missing", "no rows", "no objects", "nan"],
)  # fmt: skip
def test_missing_and_empty_are_not_valid_and_need_no_reason(check, values):
    found = check(values)
    assert len(found) == len(values)
    assert not found["valid"].any()
    assert found[["value", "reason"]].isna().all().all()
    assert found.dtypes.astype(str).to_dict() == {"valid": "bool", "value": "str", "reason": "str"}


@pytest.mark.parametrize(
    ("check", "good", "bad"), [(check_email, "ann@example.com", "ann"), (check_phone, "09121234567", "12")]
)
def test_equal_texts_share_a_verdict_and_rows_keep_their_place(check, good, bad):
    values = pd.Series([good, bad, None, good, bad], index=[9, 9, 1, 0, 0])
    before = values.copy()
    found = check(values)
    assert found.index.equals(values.index)
    assert found["valid"].tolist() == [True, False, False, True, False]
    assert found["reason"].notna().tolist() == [False, True, False, False, True]
    pd.testing.assert_series_equal(values, before)


local_parts = st.text("abcXYZ019._-+'@ ", min_size=1, max_size=10)
domains = st.text("abcXYZ019.-", min_size=1, max_size=12)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(local_parts, domains), min_size=1, max_size=20))
def test_generated_addresses_are_judged_alike_and_stay_as_they_are_written(parts):
    addresses = [f"{local}@{domain}".strip() for local, domain in parts]
    # Runs of spaces become one before the library sees the address; none of these is valid anyway.
    found = check_email(pd.Series(addresses))
    assert [None if pd.isna(value) else value for value in found["value"]] == [
        judge_email(a) for a in addresses
    ]
    again = check_email(found["value"].dropna())
    assert again["value"].tolist() == found["value"].dropna().tolist()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.from_regex(r"\A(\+|00)?[0-9]{1,4}[ -]?[0-9]{2,10}\Z"), min_size=1, max_size=20))
def test_generated_numbers_are_judged_alike_and_stay_as_they_are_written(numbers):
    found = check_phone(pd.Series(numbers))
    assert [None if pd.isna(value) else value for value in found["value"]] == [
        judge_phone(n, "IR") for n in numbers
    ]
    again = check_phone(found["value"].dropna(), "US")
    assert again["value"].tolist() == found["value"].dropna().tolist()
