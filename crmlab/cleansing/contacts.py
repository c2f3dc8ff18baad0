"""E-mail addresses and telephone numbers: valid or not, why, and in one form.

The judges are email-validator and phonenumbers, which look at one text at a time. What is clear is
decided over the whole column with the same verdict, value and reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.cleansing.text import arrow, normalize_text
from crmlab.errors import ParameterError

#: Why a telephone number is not checked where no region is named.
NO_COUNTRY = "no country code, and no region named"

_TEXT = pa.large_string()
_MISSING = pa.scalar(None, _TEXT)

# The part before the @ as nearly everybody has it (RFC 5322, dot-atom), up to the @.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = rf"^{_ATOM}(?:\.{_ATOM})*@"
# Below this, no part of an address can be too long, whatever the limits on each.
_SHORT = 64
# A domain of ASCII letters; two hyphens in a row may stand for other letters (IDNA).
_LABEL = "[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
_DOMAIN = rf"^(?:{_LABEL}\.)+(?:[A-Za-z0-9]+-)*[A-Za-z0-9]*[A-Za-z]$"
# ASCII without @ and <: refused for that, whatever else it is.
_NO_SIGN = "^[ -;=>?A-~]+$"
# Three digits or more and no plus: a number without country code.
_NATIONAL = r"^[ ()./-]*(?:[0-9][ ()./-]*){3,}$"

#: What a library says of one text: its normal form, or what is wrong with it.
_Verdict = Callable[[str], tuple[str | None, str | None]]


def check_email(values: pd.Series) -> pd.DataFrame:
    """Check the form of e-mail addresses; no mail server is asked.

    Parameters
    ----------
    values : Series of str
        Missing and empty values are not valid and have no reason.

    Returns
    -------
    DataFrame
        Indexed like `values`: `valid`; `value`, the address with its domain in small letters, as
        email-validator normalises it; `reason`, what is wrong with it; `suggestion`, the address
        that was likely meant where the domain is likely misspelt (`value` keeps it as it is).

    Examples
    --------
    >>> found = check_email(pd.Series(["Ann@Example.COM", "ann@@example.com", "ann@gmial.com"]))
    >>> found["value"].tolist()
    ['Ann@example.com', nan, 'ann@gmial.com']
    >>> found["suggestion"].tolist()
    [nan, nan, 'ann@gmail.com']
    """
    from crmlab.cleansing.mail_domains import suggest_addresses

    text = arrow(normalize_text(values))
    value, reason = _clear_addresses(text, judge_address)
    value, reason = _ask(text, value, reason, judge_address, alike=_NO_SIGN)
    return _frame(values, value=value, reason=reason, suggestion=suggest_addresses(value))


def check_phone(values: pd.Series, region: str = "IR") -> pd.DataFrame:
    """Check telephone numbers and write them as E.164.

    Parameters
    ----------
    values : Series of str
        Numbers with or without country code, in any spelling and either digit set.
    region
        Two-letter country of numbers without a country code; without it (``""``) they cannot be
        checked and get the reason `NO_COUNTRY`.

    Returns
    -------
    DataFrame
        Indexed like `values`: `valid`; `value`, such as ``+989121234567``; `reason`.

    Raises
    ------
    ParameterError
        If no country is written so.

    Examples
    --------
    >>> check_phone(pd.Series(["۰۹۱۲ ۱۲۳ ۴۵۶۷", "12"]))["value"].tolist()
    ['+989121234567', nan]
    """
    from phonenumbers import SUPPORTED_REGIONS

    from crmlab.cleansing.phone_plans import judge_numbers

    if region and region not in SUPPORTED_REGIONS:
        raise ParameterError(
            f"No country has the code {region!r}, given as the region of telephone numbers; write the ISO "
            "code of two letters, such as IR, DE or GB."
        )
    text = arrow(normalize_text(values))
    value, reason = judge_numbers(text, region)
    if not region:
        reason = pc.if_else(_short_match(text, _NATIONAL, 250), pa.scalar(NO_COUNTRY, _TEXT), reason)
    value, reason = _ask(text, value, reason, partial(judge_number, region=region))
    return _frame(values, value=value, reason=reason)


def judge_address(address: str) -> tuple[str | None, str | None]:
    """What email-validator says of one address: its normal form, or what is wrong with it."""
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        return None, str(error)
    return found.normalized, None


def judge_number(number: str, region: str) -> tuple[str | None, str | None]:
    """What phonenumbers says of one telephone number: its E.164 form, or what is wrong with it."""
    import phonenumbers

    from crmlab.cleansing.phone_plans import NO_SUCH_NUMBER

    try:
        parsed = phonenumbers.parse(number, region or None)
    except phonenumbers.NumberParseException as error:
        unknown = not region and error.error_type == error.INVALID_COUNTRY_CODE
        return None, NO_COUNTRY if unknown else str(error)
    if not phonenumbers.is_valid_number(parsed):
        return None, NO_SUCH_NUMBER
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), None


def _clear_addresses(text: pa.Array, verdict: _Verdict) -> tuple[pa.Array, pa.Array]:
    """Value or reason of the addresses that nothing but their domain can be wrong with."""
    from email_validator import SPECIAL_USE_DOMAIN_NAMES
    from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES

    clear = pc.and_(pc.fill_null(pc.string_is_ascii(text), False), _short_match(text, _LOCAL, _SHORT))
    parts = pc.split_pattern(text.filter(clear), "@", max_splits=1)
    local, domains = pc.list_element(parts, 0), pc.list_element(parts, 1).dictionary_encode()
    names = domains.dictionary
    reserved = rf"(?i)(?:^|\.)(?:{'|'.join(map(re.escape, SPECIAL_USE_DOMAIN_NAMES))})$"
    plain = pc.and_not(pc.match_substring_regex(names, _DOMAIN), pc.match_substring_regex(names, reserved))
    found = [
        (f"x@{name.lower()}", None) if is_plain else verdict(f"x@{name}")
        for name, is_plain in zip(names.to_pylist(), plain.to_pylist(), strict=True)
    ]
    normal = pa.array([whole and whole.removeprefix("x@") for whole, _ in found], _TEXT)
    wrong = pa.array([why for _, why in found], _TEXT)
    # The names of offices, such as Postmaster, are written in small letters (RFC 2142).
    small = pc.ascii_lower(local)
    local = pc.if_else(pc.is_in(small, pa.array(CASE_INSENSITIVE_MAILBOX_NAMES, _TEXT)), small, local)
    whole = pc.binary_join_element_wise(local, normal.take(domains.indices), pa.scalar("@", _TEXT))
    nothing = pa.nulls(len(text), _TEXT)
    return (
        pc.replace_with_mask(nothing, clear, whole),
        pc.replace_with_mask(nothing, clear, wrong.take(domains.indices)),
    )


def _short_match(text: pa.Array, pattern: str, longest: int) -> pa.Array:
    found = pc.and_(pc.match_substring_regex(text, pattern), pc.less_equal(pc.binary_length(text), longest))
    return pc.fill_null(found, False)


def _ask(
    text: pa.Array, value: pa.Array, reason: pa.Array, verdict: _Verdict, alike: str = ""
) -> tuple[pa.Array, pa.Array]:
    """Value and reason, with the verdict on each text that has neither so far.

    Equal texts share a verdict, and so do all that match the regular expression `alike`.
    """
    unknown = pc.and_(pc.is_null(value), pc.is_null(reason))
    unknown = pc.and_(unknown, pc.fill_null(pc.not_equal(text, ""), False))
    texts = text.filter(unknown)
    if alike:
        texts = pc.if_else(pc.match_substring_regex(texts, alike), pa.scalar("-", _TEXT), texts)
    texts = texts.dictionary_encode()
    found = [verdict(one) for one in texts.dictionary.to_pylist()]
    values, reasons = (pa.array([one[part] for one in found], _TEXT) for part in (0, 1))
    return (
        pc.replace_with_mask(value, unknown, values.take(texts.indices)),
        pc.replace_with_mask(reason, unknown, reasons.take(texts.indices)),
    )


def _frame(values: pd.Series, **columns: pa.Array) -> pd.DataFrame:
    index = pd.Series(values).index
    valid = pc.is_valid(columns["value"]).to_numpy(zero_copy_only=False)
    texts = {name: pd.Series(column, index=index, dtype="str") for name, column in columns.items()}
    return pd.DataFrame({"valid": pd.Series(valid, index=index), **texts})
