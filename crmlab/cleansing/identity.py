"""Numbers that name a person, a company, an address or an account, checked by their own check digits.

Every function takes a column of text and returns a frame like `crmlab.cleansing.contacts` does:
`valid`, `value` (the one form), `reason` (what is wrong) and, besides, `note` (what is odd but not
wrong, or was repaired).
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.cleansing.numbers import plain
from crmlab.cleansing.text import arrow, normalize_text, unify
from crmlab.errors import ParameterError

#: Weights of the first ten digits of an Iranian legal id.
_LEGAL_WEIGHTS = np.array([29, 27, 23, 19, 17, 29, 27, 23, 19, 17])
#: Countries by the length of their IBANs: the SWIFT registry of IBAN formats (ISO 13616), release 99.
_IBAN_COUNTRIES = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IR IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_IBAN_LENGTHS = {country: length for length, all_of in _IBAN_COUNTRIES.items() for country in all_of.split()}

#: Between the parts of a code.
_BETWEEN = pa.scalar("\x1f", pa.large_string())

_BETWEEN_DIGITS = "[ ./_\u200c-]+"

#: Notes that an id may have.
PADDED = "leading zeros restored"
ALL_EQUAL = "all digits are equal"


class Judged(NamedTuple):
    """What is said of one text: the one form, what is wrong with it, and what is odd."""

    value: str | None
    reason: str | None
    note: str | None


def check_national_id(values: pd.Series) -> pd.DataFrame:
    """Check Iranian national ids by their check digit.

    The ten digits d1 ... d10 are valid if s = 10 d1 + 9 d2 + ... + 2 d9 leaves r = s mod 11 with
    d10 = r for r < 2 and d10 = 11 - r otherwise (National Organization for Civil Registration).

    Parameters
    ----------
    values : Series of str
        In either digit set, with or without dashes and spaces. Missing and empty values are not
        valid and have no reason.

    Returns
    -------
    DataFrame
        Indexed like `values`: `valid`; `value`, ten digits; `reason`; `note`, where zeros that a
        spreadsheet had cut off were restored, or all digits are equal (such ids are issued).

    Examples
    --------
    >>> found = check_national_id(pd.Series(["۰۴۹۹۳۷۰۸۹۹", "499370899", "0499370898"]))
    >>> found["value"].tolist()
    ['0499370899', '0499370899', nan]
    >>> found["note"].tolist()
    [nan, 'leading zeros restored', nan]
    """
    digits, odd = _only_digits(values)
    length = digits.str.len()
    short = length.isin([8, 9])
    whole = digits.where((length == 10) | short).str.zfill(10)
    table = _table(whole, 10)
    reason = _reasons(digits, odd, whole.isna(), "not ten digits", _is_no_national_id(table))
    note = _notes(digits).mask(short, PADDED).mask(_all_equal(table), ALL_EQUAL)
    return _result(whole, reason, note)


def check_legal_id(values: pd.Series) -> pd.DataFrame:
    """Check Iranian legal ids (of companies), eleven digits, by their check digit.

    With t = d10 + 2, the remainder of the sum of (d_i + t) w_i over the first ten digits, divided
    by 11 (10 counts as 0), is the eleventh; w = 29, 27, 23, 19, 17, 29, 27, 23, 19, 17.

    Parameters
    ----------
    values : Series of str
        As `check_national_id` takes them.

    Returns
    -------
    DataFrame
        As `check_national_id` returns it.

    Examples
    --------
    >>> check_legal_id(pd.Series(["14007650912", "14007650911"]))["valid"].tolist()
    [True, False]
    """
    digits, odd = _only_digits(values)
    whole = digits.where(digits.str.len() == 11)
    table = _table(whole, 11)
    remainder = (table[:, :10] + table[:, 9:10] + 2) @ _LEGAL_WEIGHTS % 11 % 10
    reason = _reasons(digits, odd, whole.isna(), "not eleven digits", table[:, 10] != remainder)
    return _result(whole, reason, _notes(digits).mask(_all_equal(table), ALL_EQUAL))


def check_postcode(values: pd.Series, country: str = "IR") -> pd.DataFrame:
    """Check the form of postcodes; whether one is in use, only a list can tell.

    Parameters
    ----------
    values : Series of str
        As `check_national_id` takes them.
    country
        ``"IR"``: ten digits. The first five name the district; neither 0 nor 2 is among them, which
        look like 5 and 3 in Persian, and the first four are not all equal. The last five are free.

    Returns
    -------
    DataFrame
        As `check_national_id` returns it.

    Raises
    ------
    ParameterError
        If the form of the country's postcodes is not known.

    Examples
    --------
    >>> check_postcode(pd.Series(["۱۹۳۹۵-۱۳۴۵۶", "12345"]))["value"].tolist()
    ['1939513456', nan]
    """
    if country != "IR":
        raise ParameterError(f"The form of postcodes is known for IR, not {country!r}.")
    digits, odd = _only_digits(values)
    whole = digits.where(digits.str.len() == 10)
    reason = _reasons(digits, odd, whole.isna(), "not ten digits", _is_no_postcode(_table(whole, 10)),
                      "no such region")  # fmt: skip
    return _result(whole, reason, _notes(digits))


def check_card(values: pd.Series) -> pd.DataFrame:
    """Check bank card numbers, 13 to 19 digits, by the Luhn check digit (ISO/IEC 7812-1, annex B).

    Parameters
    ----------
    values : Series of str
        As `check_national_id` takes them.

    Returns
    -------
    DataFrame
        As `check_national_id` returns it.

    Examples
    --------
    >>> check_card(pd.Series(["4111 1111 1111 1111", "4111111111111112"]))["valid"].tolist()
    [True, False]
    """
    digits, odd = _only_digits(values)
    whole = digits.where(digits.str.len().between(13, 19))
    # From the right, so that the check digit is last whatever the length.
    table = _table(whole.str.zfill(19), 19)
    doubled = table[:, -2::-2] * 2
    total = table[:, ::-2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)
    reason = _reasons(digits, odd, whole.isna(), "not 13 to 19 digits", total % 10 != 0)
    return _result(whole, reason, _notes(digits).mask(_all_equal(_table(whole.str[:13], 13)), ALL_EQUAL))


def check_iban(values: pd.Series) -> pd.DataFrame:
    """Check international bank account numbers: length by country, and the remainder modulo 97.

    Parameters
    ----------
    values : Series of str
        With or without spaces; Iranian numbers also without ``IR``.

    Returns
    -------
    DataFrame
        As `check_national_id` returns it.

    Examples
    --------
    >>> check_iban(pd.Series(["IR06 2960 0000 0010 0324 2000 01", "DE00"]))["value"].tolist()
    ['IR062960000000100324200001', nan]
    """
    text = _without(values, "[ .-]+").str.upper()
    bare = text.str.fullmatch(r"\d{24}").fillna(False).astype(bool)
    text = text.mask(bare, "IR" + text)
    known = text.str[:2].map(_IBAN_LENGTHS)
    shaped = text.str.fullmatch(r"[A-Z]{2}\d\d[A-Z0-9]+").fillna(False).astype(bool)
    long_enough = (known == text.str.len()).fillna(False).astype(bool)
    whole = text.where(shaped & long_enough)
    turned = (whole.str[4:] + whole.str[:4]).str.pad(34, fillchar="0")
    remainder = np.zeros(len(text), dtype="int64")
    for sign in _bytes(turned, 34).T:
        value = np.where(sign >= 65, sign - 55, sign - 48)
        remainder = (remainder * np.where(value > 9, 100, 10) + value) % 97
    # Digits are 98 less a remainder, so from 02 to 98: 00, 01 and 99 leave 1 as well, and are none.
    fits = (remainder == 1) & ~whole.str[2:4].isin(["00", "01", "99"]).to_numpy(dtype=bool)
    reason = _notes(text).mask(whole.notna() & ~fits, "the check digits do not fit")
    reason = reason.mask(shaped & ~long_enough, "wrong length for its country")
    reason = reason.mask(shaped & known.isna(), "no country with IBANs")
    reason = reason.mask(text.notna() & (text != "") & ~shaped, "not the form of an IBAN")
    return _result(whole, reason, _notes(text).mask(bare, "IR put in front"))


def customer_code(key: str, *parts: pd.Series) -> pd.Series:
    """A code per customer that stays the same and does not tell what it is made from.

    Parameters
    ----------
    key
        Secret of the house (at least 16 signs): without it nobody can make the codes again.
    parts
        What the code is made from, a national id, say, or several columns together. Numbers and
        the same numbers in text give the same code.

    Returns
    -------
    Series of str
        ``C`` and 16 hexadecimal digits of HMAC-SHA256 (RFC 2104), the name of the parts' index;
        missing where a part is.

    Raises
    ------
    ParameterError
        If the key is too short, or no part is given.

    Examples
    --------
    >>> codes = customer_code("a key of the house", pd.Series(["0499370899", None]))
    >>> codes.tolist()
    ['C30115a45019b249f', nan]
    """
    if len(key) < 16:
        raise ParameterError("The key of customer codes is to have at least 16 signs.")
    if not parts:
        raise ParameterError("A customer code is made from at least one column.")
    parts = tuple(pd.Series(part) for part in parts)
    texts = [normalize_text(plain(part) if part.dtype.kind in "iuf" else part) for part in parts]
    records = pc.binary_join_element_wise(*(arrow(text.mask(text == "")) for text in texts), _BETWEEN)
    head = records[:10_000]
    if len(head.unique()) == len(head):
        codes = _codes(key.encode(), records)
    else:
        # Where numbers come again, as in orders, each distinct one is hashed once.
        given = records.dictionary_encode()
        codes = _codes(key.encode(), given.dictionary).take(given.indices)
    return pd.Series(codes, index=texts[0].index, dtype="str")


def _codes(key: bytes, records: pa.Array) -> pa.Array:
    """The code of each record; null where there is none.

    HMAC is one SHA-256 inside another, each begun by the key: to begin them once and go on from
    copies takes half the time of Python's own module.
    """
    key = hashlib.sha256(key).digest() if len(key) > 64 else key
    inside, outside = (
        hashlib.sha256(bytes(sign ^ pad for sign in key.ljust(64, b"\0"))) for pad in (0x36, 0x5C)
    )
    found: list[str | None] = []
    for record in records.cast(pa.large_binary()).to_pylist():
        if record is None:
            found.append(None)
            continue
        inner, outer = inside.copy(), outside.copy()
        inner.update(record)
        outer.update(inner.digest())
        found.append("C" + outer.hexdigest()[:16])
    return pa.array(found, pa.large_string())


def judge_id(text: str, kind: Literal["national id", "postcode"]) -> Judged:
    """One text as `check_national_id` and `check_postcode` judge a column of them.

    Examples
    --------
    >>> judge_id("499370899", "national id")
    Judged(value='0499370899', reason=None, note='leading zeros restored')
    """
    digits = re.sub(_BETWEEN_DIGITS, "", unify(text))
    if not digits:
        return Judged(None, None, None)
    if not re.fullmatch("[0-9]+", digits):
        return Judged(None, "signs that are no digits", None)
    short = kind == "national id" and len(digits) in (8, 9)
    if len(digits) != 10 and not short:
        return Judged(None, "not ten digits", None)
    table = np.array([list(map(int, digits.zfill(10)))])
    if kind == "postcode":
        return (
            Judged(None, "no such region", None) if _is_no_postcode(table)[0] else Judged(digits, None, None)
        )
    if _is_no_national_id(table)[0]:
        return Judged(None, "the check digit does not fit", None)
    return Judged(digits.zfill(10), None, ALL_EQUAL if _all_equal(table)[0] else PADDED if short else None)


def _is_no_national_id(table: np.ndarray) -> np.ndarray:
    remainder = table[:, :9] @ np.arange(10, 1, -1) % 11
    return table[:, 9] != np.where(remainder < 2, remainder, 11 - remainder)


def _is_no_postcode(table: np.ndarray) -> np.ndarray:
    return np.isin(table[:, :5], (0, 2)).any(axis=1) | (table[:, :4] == table[:, :1]).all(axis=1)


def _without(values: pd.Series, signs: str) -> pd.Series:
    """Values in one form, and without some signs."""
    text = normalize_text(values)
    bare = pc.replace_substring_regex(arrow(text), signs, "")
    return pd.Series(bare, index=text.index, name=text.name, dtype="str")


def _only_digits(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Values without what may stand between digits, and which of them hold anything else."""
    text = _without(values, _BETWEEN_DIGITS)
    odd = text.notna() & ~text.str.fullmatch(r"\d*").fillna(True).astype(bool)
    return text.mask(odd), odd


def _bytes(values: pd.Series, width: int) -> np.ndarray:
    """The signs of texts of `width` signs, one row each; zeros where there is no text."""
    filled = pc.fill_null(arrow(values), "0" * width)
    return (
        np.frombuffer(filled.buffers()[2], dtype="uint8")[: width * len(filled)]
        .reshape(-1, width)
        .astype("int64")
    )


def _table(digits: pd.Series, width: int) -> np.ndarray:
    return _bytes(digits, width) - 48


def _all_equal(table: np.ndarray) -> np.ndarray:
    return (table == table[:, :1]).all(axis=1) & (table[:, 0] != 0)


def _notes(values: pd.Series) -> pd.Series:
    return pd.Series(pd.NA, index=values.index, dtype="str")


def _reasons(
    digits: pd.Series, odd: pd.Series, missing: pd.Series, length: str, wrong: np.ndarray,
    otherwise: str = "the check digit does not fit",
) -> pd.Series:  # fmt: skip
    reason = _notes(digits).mask(wrong, otherwise)
    reason = reason.mask(missing, length).mask(digits.isna() | (digits == ""), pd.NA)
    return reason.mask(odd, "signs that are no digits")


def _result(whole: pd.Series, reason: pd.Series, note: pd.Series) -> pd.DataFrame:
    value = whole.where(reason.isna())
    valid = value.notna()
    return pd.DataFrame(
        {"valid": valid, "value": value.astype("str"), "reason": reason, "note": note.where(valid)}
    )
