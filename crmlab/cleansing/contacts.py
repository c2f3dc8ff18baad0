"""E-mail addresses and telephone numbers: valid or not, why, and in one form."""

from __future__ import annotations

import pandas as pd

from crmlab.cleansing.text import normalize_text

#: Why a telephone number is not checked where no region is named.
NO_COUNTRY = "no country code, and no region named"


def _judge(values: pd.Series, verdict) -> pd.DataFrame:
    """Apply `verdict` (text to value, reason) once to each distinct text."""
    text = normalize_text(values)
    verdicts = {value: verdict(value) for value in text.dropna().unique() if value}
    value = text.map({given: found for given, (found, _) in verdicts.items()})
    reason = text.map({given: why for given, (_, why) in verdicts.items()})
    return pd.DataFrame(
        {
            "valid": value.notna(),
            "value": value.astype("str"),
            "reason": reason.astype("str"),
        },
        index=text.index,
    )


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
        email-validator normalises it; `reason`, what is wrong with it.

    Examples
    --------
    >>> check_email(pd.Series(["Ann@Example.COM", "ann@@example.com"]))["value"].tolist()
    ['Ann@example.com', nan]
    """
    from email_validator import EmailNotValidError, validate_email

    def verdict(address: str) -> tuple[str | None, str | None]:
        try:
            found = validate_email(address, check_deliverability=False)
        except EmailNotValidError as error:
            return None, str(error)
        return found.normalized, None

    return _judge(values, verdict)


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

    Examples
    --------
    >>> check_phone(pd.Series(["۰۹۱۲ ۱۲۳ ۴۵۶۷", "12"]))["value"].tolist()
    ['+989121234567', nan]
    """
    import phonenumbers

    def verdict(number: str) -> tuple[str | None, str | None]:
        try:
            parsed = phonenumbers.parse(number, region or None)
        except phonenumbers.NumberParseException as error:
            unknown = not region and error.error_type == error.INVALID_COUNTRY_CODE
            return None, NO_COUNTRY if unknown else str(error)
        if not phonenumbers.is_valid_number(parsed):
            return None, "no such number in its country's plan"
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), None

    return _judge(values, verdict)
