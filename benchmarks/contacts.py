"""E-mail addresses and telephone numbers by the column, against email-validator and phonenumbers row by row.

First n rows of every sort, good and bad, with the number of verdicts, values and reasons that differ
(none may); then columns as customers have them, in rows per CPU second.
"""

import random
import sys
from collections.abc import Callable

import email_validator
import pandas as pd
import phonenumbers
from measure import seconds

from crmlab.cleansing import check_email, check_phone, normalize_text
from crmlab.cleansing.contacts import NO_COUNTRY
from crmlab.cleansing.phone_plans import NO_SUCH_NUMBER

Verdict = tuple[str | None, str | None]
HOUSES = (
    ["gmail.com"] * 8
    + ["yahoo.com"] * 3
    + ["hotmail.com", "outlook.com", "icloud.com", "chmail.ir", "Gmail.com"]
)
GIVEN = [
    "ann",
    "john",
    "mary",
    "reza",
    "ali",
    "sara",
    "zahra",
    "peter",
    "fatemeh",
    "kim",
    "o'neil",
    "jean-luc",
]
REGIONS = ["IR"] * 5 + ["DE", "US", "GB", "BR", ""]


def address(chance: random.Random) -> str:
    """An address of the usual kind, mostly one of its own."""
    house = chance.choice(HOUSES) if chance.random() < 0.8 else f"firm{chance.randrange(30_000)}.com"
    given, family = chance.choice(GIVEN), chance.choice(GIVEN)
    return f"{given}{chance.choice(['.', '_', '', ''])}{family}{chance.randrange(100_000)}@{house}"


def any_address(chance: random.Random) -> str:
    """Any sort of address, or none."""
    local, _, domain = address(chance).partition("@")
    signs = "abcXYZ019.-_+'\"\\ ,;:()<>[]@#!۱۲علیéßİ\u0301\u200d👍\u00a0"
    noise = "".join(chance.choices(signs, k=chance.randrange(12)))
    local = chance.choice([
        local, local, local, local.upper(), "Postmaster", "INFO", "علی" + local, f'"{local} x"', f'"{local}"',
        "a" * 64 + local, local + "..x", "." + local, "", noise,
    ])  # fmt: skip
    domain = chance.choice([
        domain, domain, domain, domain.upper(), "مثال.ایران", "bücher.de", "xn--mgbh0fb.xn--mgba3a4f16a",
        "xn--a.com", "ab--c.com", "[127.0.0.1]", "127.0.0.1", "gmail", "gmail..com", "gmail.com.",
        "-gmail.com", "localhost", "x.test", "gmail.con", "a" * 64 + ".com", ("a" * 60 + ".") * 5 + "com",
        noise + ".ir",
    ])  # fmt: skip
    sign = chance.choice(["@"] * 12 + ["@@", "", " @ ", "＠"])
    frame = chance.choice(["{}"] * 12 + [" {}", "Ann <{}>", "mailto:{}", "{};{}", "{}\u200f", "<{}>"])
    return frame.format(*[local + sign + domain] * 2)


def mobile(chance: random.Random) -> str:
    """An Iranian mobile number as most of them are written."""
    front = chance.choice(["0912", "0935", "0919", "0901", "0990", "0912", "+98912", "98935"])
    return f"{front}{chance.randrange(10**7):07d}"


def any_number(chance: random.Random, region: str) -> str:
    """Any sort of telephone number of a country or another, or none."""
    everywhere = sorted(phonenumbers.SUPPORTED_REGIONS)
    country = region if region and chance.random() < 0.8 else chance.choice(everywhere)
    known = phonenumbers.example_number_for_type(country, chance.randrange(11))
    known = known or phonenumbers.example_number(country)
    digits = phonenumbers.national_significant_number(known)
    keep = chance.randrange(len(digits) + 1)
    digits = digits[:keep] + "".join(chance.choices("0123456789", k=len(digits) - keep))
    digits = chance.choice([digits] * 6 + [digits[:-1], digits + "7", digits + "123456789"])
    code = str(known.country_code)
    text = (
        chance.choice(["", "0", "1", code, "+" + code, "00" + code, "011" + code, "+" + code + "0", "000"])
        + digits
    )
    for _ in range(chance.choice([0, 0, 0, 1, 3])):
        place = chance.randrange(len(text) + 1)
        text = text[:place] + chance.choice(" -().//[]~*,;xآ\u200c\u00a0") + text[place:]
    text += chance.choice([""] * 12 + [" ext. 5", "x12", "#", ";ext=3", ",,9", "/x5", " داخلی ۵"])
    if chance.random() < 0.2:
        text = text.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    return (
        text
        if chance.random() < 0.95
        else chance.choice(["n/a", "-", "call me", "۱۱۰", "12", "1-800-FLOWERS", ""])
    )


def email_verdict(text: str) -> Verdict:
    """What email-validator says."""
    try:
        return email_validator.validate_email(text, check_deliverability=False).normalized, None
    except email_validator.EmailNotValidError as error:
        return None, str(error)


def phone_verdict(text: str, region: str) -> Verdict:
    """What phonenumbers says."""
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException as error:
        unknown = not region and error.error_type == error.INVALID_COUNTRY_CODE
        return None, NO_COUNTRY if unknown else str(error)
    if not phonenumbers.is_valid_number(number):
        return None, NO_SUCH_NUMBER
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), None


def report(
    what: str, values: pd.Series, check: Callable, verdict: Callable[[str], Verdict], size: int
) -> int:  # fmt: skip
    """Print rows per CPU second, over the column and over `size` rows by the library; count differences."""
    expected: list[Verdict] = []
    found: list[pd.DataFrame] = []
    times = 1 if size == len(values) else 3
    ours = min(seconds(lambda: found.append(check(values)))[0] for _ in range(times))
    texts = normalize_text(values.head(size)).tolist()
    theirs, _ = seconds(lambda: expected.extend(verdict(text) if text else (None, None) for text in texts))
    told = found[0][["valid", "value", "reason"]].head(size).astype(object)
    told = told.where(told.notna(), None).itertuples(index=False, name=None)
    other = sum(one != (two[0] is not None, *two) for one, two in zip(told, expected, strict=True))
    good = found[0]["valid"].mean()
    print(
        f"{what:<34} {len(values):>10,} {good:7.1%} {len(values) / ours:12,.0f} {size / theirs:12,.0f} "
        f"{len(values) / ours * theirs / size:6.1f} {other:8,} of {size:,}",
        flush=True,
    )
    return other


def main() -> None:
    """Compare and time."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    chance = random.Random(1)
    print(f"{'':34} {'rows':>10} {'valid':>7} {'rows/CPU s':>12} {'library':>12} {'ratio':>6} {'differ':>8}")
    emails = pd.Series([any_address(chance) for _ in range(n)], dtype="str")
    other = report("addresses of every sort", emails, check_email, email_verdict, n)
    for region in dict.fromkeys(REGIONS):
        size = n * REGIONS.count(region) // len(REGIONS)
        numbers = pd.Series([any_number(chance, region) for _ in range(size)], dtype="str")
        what = f"numbers of every sort, {region or 'no region'}"
        other += report(
            what, numbers, lambda column, region=region: check_phone(column, region),
            lambda text, region=region: phone_verdict(text, region), size,
        )  # fmt: skip
    sample = max(n // 10, 1)
    usual = pd.Series([address(chance) for _ in range(n)], dtype="str")
    other += report("customers' addresses", usual, check_email, email_verdict, sample)
    mobiles = pd.Series([mobile(chance) for _ in range(n)], dtype="str")
    other += report("Iranian mobiles", mobiles, check_phone, lambda text: phone_verdict(text, "IR"), sample)
    print(f"\n{other} differences")
    sys.exit(bool(other))


if __name__ == "__main__":
    main()
