"""E-mail addresses and telephone numbers against the libraries whose verdict is promised."""

import random

import email_validator
import pandas as pd
import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers.phonemetadata import PhoneMetadata

from crmlab.cleansing import phone_plans
from crmlab.cleansing.contacts import NO_COUNTRY, check_email, check_phone
from crmlab.cleansing.phone_plans import judge_numbers
from crmlab.cleansing.text import normalize_text
from crmlab.errors import ParameterError

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


def library_email(address: str) -> tuple[str | None, str | None]:
    """Value and reason as email-validator gives them."""
    try:
        return email_validator.validate_email(address, check_deliverability=False).normalized, None
    except email_validator.EmailNotValidError as error:
        return None, str(error)


def library_phone(number: str, region: str) -> tuple[str | None, str | None]:
    """Value and reason as phonenumbers gives them."""
    try:
        parsed = phonenumbers.parse(number, region or None)
    except phonenumbers.NumberParseException as error:
        unknown = not region and error.error_type == error.INVALID_COUNTRY_CODE
        return None, NO_COUNTRY if unknown else str(error)
    if not phonenumbers.is_valid_number(parsed):
        return None, "no such number in its country's plan"
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), None


def agree(found: pd.DataFrame, texts: list[str], library) -> None:
    """Every row says what the library says of the text as it is unified."""
    unified = normalize_text(pd.Series(texts, dtype="str"))
    expected = [library(text) if text else (None, None) for text in unified]
    values, reasons = (
        found[name].astype(object).where(found[name].notna(), None) for name in ("value", "reason")
    )
    assert list(zip(texts, values, reasons, strict=True)) == [
        (text, *verdict) for text, verdict in zip(texts, expected, strict=True)
    ]
    assert found["valid"].tolist() == [value is not None for value, _ in expected]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_judged_as_email_validator_judges_it(address):
    agree(check_email(pd.Series([address])), [address], library_email)


@pytest.mark.parametrize("number", IRANIAN + FOREIGN + OTHER)
@pytest.mark.parametrize("region", ["IR", "US", "GB", "BR", "CC", ""])
def test_a_number_is_judged_as_phonenumbers_judges_it(number, region):
    agree(check_phone(pd.Series([number]), region), [number], lambda text: library_phone(text, region))


@pytest.mark.parametrize("region", ["UK", "ir", "nowhere"])
def test_a_region_that_is_no_country_is_refused(region):
    with pytest.raises(ParameterError, match=f"No country has the code '{region}'"):
        check_phone(pd.Series(["09121234567"]), region)


def test_the_lists_hold_good_and_bad_ones():
    assert {library_email(address)[0] is None for address in ADDRESSES} == {True, False}
    for numbers in (IRANIAN, FOREIGN, OTHER):
        assert {library_phone(number, "IR")[0] is None for number in numbers} == {True, False}


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
    assert found.drop(columns="valid").isna().all().all()
    assert found.dtypes.astype(str).to_dict() == {"valid": "bool"} | dict.fromkeys(found.columns[1:], "str")


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


# What generated addresses are made of: the usual, and what only a library knows how to take.
ATOMS = "abcXYZ0189!#$%&'*+/=?^_`{|}~-"
local_parts = st.one_of(
    st.text("abcXYZ019._-+'@ ", min_size=1, max_size=10),
    st.text(ATOMS + ".", max_size=70),
    st.text(min_size=1, max_size=5),
    st.sampled_from(["Postmaster", "INFO", "info", "sales", "Abuse.x", '"ann lee"', '"a@b"', "علی", "جواد۱۲",
                     "a" * 64, "a" * 65, "Ann <ann", "ann<", "x\u0301", ""]),
)  # fmt: skip
labels = st.one_of(
    st.text("abcXYZ019-", min_size=1, max_size=8),
    st.sampled_from(["xn--mgbh0fb", "xn--a", "ab--c", "a--b", "bücher", "مثال", "İ", "a" * 63, "a" * 64,
                     "127", "ß", "[127", "1]", "[IPv6:::1]", "", "gmail", "LOCALHOST"]),
)  # fmt: skip
endings = st.sampled_from(["com", "COM", "ir", "co.uk", "c0m", "test", "Local", "invalid", "arpa", "onion",
                           "con", "1", "ایران", "xn--mgba3a4f16a", "a-b", "com.", "", "c" * 64])  # fmt: skip
domains = st.one_of(
    st.builds(lambda parts, ending: ".".join([*parts, ending]), st.lists(labels, max_size=3), endings),
    st.text("abcXYZ019.-", min_size=1, max_size=12),
)
addresses = st.builds(
    lambda local, sign, domain, around: around.replace("*", local + sign + domain),
    local_parts,
    st.sampled_from(["@", "@", "@", "@", "@@", "", " @ ", "＠", "<", "@\u0338"]),
    domains,
    st.sampled_from(["*", "*", "*", "*", " * ", "Ann <*>", "<*>", "mailto:*", "*;*", '"*"', "*\u200f"]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(addresses, min_size=1, max_size=20))
@example(["A@b.co" + "m" * 58, "A@b.co" + "m" * 59, "a" * 62 + "@b.c", "WWW@B.C", "www.@b.c", "ann@", "@b.c"])
def test_generated_addresses_are_judged_alike_and_stay_as_they_are_written(texts):
    found = check_email(pd.Series(texts, dtype="str"))
    agree(found, texts, library_email)
    written = found["value"].dropna()
    again = check_email(written)["value"]
    # Letters that email-validator puts together itself may be others once they are unified again.
    ascii_only = written.map(str.isascii)
    assert again[ascii_only].tolist() == written[ascii_only].tolist()


def test_plain_addresses_need_no_library(monkeypatch):
    monkeypatch.setattr(email_validator, "validate_email", None)
    people = [f"{given}.{n}@{house}" for n in range(20) for given in ("Ann", "o'neil", "reza_k")
              for house in ("gmail.com", "Mail.Firm-1.example.org", "chmail.ir")]  # fmt: skip
    assert check_email(pd.Series(people))["valid"].all()


def test_a_domain_is_asked_about_once(monkeypatch):
    asked, validate = [], email_validator.validate_email
    monkeypatch.setattr(
        email_validator,
        "validate_email",
        lambda text, **options: [asked.append(text), validate(text, **options)][1],
    )
    found = check_email(pd.Series([f"ann{n}@gmail" for n in range(9)] + [f"ann{n}" for n in range(9)]))
    assert found["reason"].nunique() == len(asked) == 2


REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
PLAIN_REGIONS = [
    r for r in REGIONS if not PhoneMetadata.metadata_for_region(r).national_prefix_transform_rule
]
KINDS = [kind for kind in phonenumbers.PhoneNumberType.values() if 0 <= kind <= 10]


def near_numbers(region: str, chance: random.Random, count: int) -> list[str]:
    """Numbers near the examples of a country, or another, as people write them at home and abroad."""
    numbers = []
    for _ in range(count):
        country = region if region and chance.random() < 0.7 else chance.choice(REGIONS)
        known = phonenumbers.example_number_for_type(country, chance.choice(KINDS))
        known = known or phonenumbers.example_number(country)
        digits = phonenumbers.national_significant_number(known)
        keep = chance.choice([len(digits), chance.randrange(len(digits))])
        digits = digits[:keep] + "".join(chance.choices("0123456789", k=len(digits) - keep))
        digits = chance.choice([digits, digits, digits, digits[:-1], digits + "0", digits + "123"])
        code, trunk = str(known.country_code), chance.choice("018")
        fronts = [
            "",
            trunk,
            code,
            code + trunk,
            f"+{code}",
            f"+{code}{trunk}",
            f"00{code}",
            f"011{code}",
            "000",
        ]
        text = chance.choice(fronts) + digits
        for _ in range(chance.choice([0, 0, 1, 3])):
            place = chance.randrange(len(text) + 1)
            text = text[:place] + chance.choice([" ", "-", "(", ")", ".", "/", " ("]) + text[place:]
        after = ["", "", "", "", " ext. 5", "x12", "#", ";ext=3", ",9", "~4", " a", "*"]
        numbers.append(text + chance.choice(after))
    return numbers


@pytest.mark.parametrize("region", [*REGIONS, ""])
def test_numbers_near_the_examples_of_a_country_are_judged_alike(region, monkeypatch):
    monkeypatch.setattr(phone_plans, "_FEW", 1)
    numbers = near_numbers(region, random.Random(f"near {region}"), 40)
    agree(check_phone(pd.Series(numbers), region), numbers, lambda text: library_phone(text, region))


@pytest.mark.parametrize("region", PLAIN_REGIONS)
def test_plain_numbers_of_a_country_need_no_library(region, monkeypatch):
    monkeypatch.setattr(phone_plans, "_FEW", 1)
    code = phonenumbers.country_code_for_region(region)
    examples = [phonenumbers.example_number_for_type(region, kind) for kind in KINDS]
    national = [phonenumbers.national_significant_number(number) for number in examples if number]
    full = [f"+{code}{digits}" for digits in national]
    value, reason = judge_numbers(pa.array(full, pa.large_string()), "")
    assert value.to_pylist() == full
    assert reason.null_count == len(full)
    prefix = phonenumbers.ndd_prefix_for_region(region, True) or ""
    at_home, _ = judge_numbers(pa.array([prefix + digits for digits in national], pa.large_string()), region)
    assert at_home.to_pylist() == [library_phone(prefix + digits, region)[0] for digits in national]


digit_runs = st.text("0123456789", min_size=1, max_size=6)
numbers = st.one_of(
    st.from_regex(r"\A(\+|00)?[0-9]{1,4}[ -]?[0-9]{2,10}\Z"),
    st.builds(lambda front, parts: front + "".join(parts),
              st.sampled_from(["", "+", "++", "(+", "+ ", "00", "0", "98", "+98", "0098", "+980", "9"]),
              st.lists(digit_runs | st.sampled_from([*" -/.x#,۰", "()", "۱۲۳", "ext"]))),
    st.text("0123456789+-()./ xX#~*,;", max_size=20),
    st.text(max_size=8),
    st.text("12 ", min_size=245, max_size=260),
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(numbers, min_size=1, max_size=20), st.sampled_from(["IR", "US", "DE", "GB", "IT", "AR", ""]))
@example(["12", "1-2", "110", "98", "9898", "+98", "+980", "00", "000", "0098", "+0", "+99", "00000"], "IR")
@example(["0" * 17, "0" * 18, "1" * 250, "1" * 251, "+1" + " " * 240 + "1", "1" * 17, "98" + "9" * 17], "IR")
def test_generated_numbers_are_judged_alike_and_stay_as_they_are_written(texts, region):
    found = check_phone(pd.Series(texts, dtype="str"), region)
    agree(found, texts, lambda text: library_phone(text, region))
    again = check_phone(found["value"].dropna(), "US")
    assert again["value"].tolist() == found["value"].dropna().tolist()


def test_iranian_mobiles_need_no_library(monkeypatch):
    monkeypatch.setattr(phonenumbers, "parse", None)
    spellings = ["0912{}", "+98912{}", "0098912{}", "912{}", "(0912) {}", "98912{}", "۰۹۱۲{}"]
    numbers = pd.Series([text.format(1_000_000 + n) for n in range(30) for text in spellings])
    assert check_phone(numbers)["value"].tolist() == [
        f"+98912{1_000_000 + n}" for n in range(30) for _ in spellings
    ]
    assert check_phone(numbers[:1], "")["reason"].tolist() == [NO_COUNTRY]
