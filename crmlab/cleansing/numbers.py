"""Numbers written for people: digit sets, separators, signs and currency marks."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.cleansing.text import arrow, normalize_text

_MARKS = r"[$€£¥₺﷼]|ریال|(?i:\b(USD|EUR|GBP|IRR|RLS)\b)"
_FORM = r"^-?\d{1,15}(\.\d{1,12})?$"


def read_numbers(values: pd.Series, decimal: str | None = None) -> pd.DataFrame:
    """Read a column of numbers, each cell with the reason where it cannot be read.

    Parameters
    ----------
    values : Series
        Numbers or text; ``(12)``, ``12-`` and ``−12`` are negative, ``٫`` is a decimal mark.
    decimal
        ``"."`` or ``","``. If None, the column tells: it is the comma if some cell proves it
        (``12,5``, ``1.234,50``) and none proves the point, else the point. Where cells prove
        both, one that could be either (``1,500``) is not read.

    Returns
    -------
    DataFrame
        Indexed like `values`: `text`, the plain form (``-1234.5``; missing where not read), and
        `reason` (missing where read or empty).

    Examples
    --------
    >>> read_numbers(pd.Series(["1,234.50", "(۱۲)", "$7", "n/a"]))["text"].tolist()
    ['1234.50', '-12', '7', nan]
    """
    values = pd.Series(values)
    if values.dtype.kind in "iuf":
        text = _plain(values)
        return pd.DataFrame({"text": text, "reason": pd.Series(pd.NA, values.index, "str")})
    text = normalize_text(values.astype("str"))
    empty = text.isna() | (text == "")
    reason = pd.Series(pd.NA, index=text.index, dtype="str")
    if not pc.all(pc.fill_null(pc.match_substring_regex(arrow(text), _FORM), True)).as_py():
        text, unclear = _one_decimal_mark(_strip(text), decimal)
    else:
        unclear = pd.Series(False, index=text.index)
    read = text.str.match(_FORM).fillna(False).astype(bool) & ~unclear
    reason[~read & ~empty] = "not a number of at most 15 digits"
    reason[unclear] = "the decimal mark could be . or ,; set decimal"
    return pd.DataFrame({"text": text.where(read), "reason": reason})


def _plain(values: pd.Series) -> pd.Series:
    """Numbers as text without exponents or a trailing ``.0``."""
    if values.dtype.kind in "iu":
        return values.astype("str")
    values = values.astype("float64")
    whole = (values == np.floor(values)) & (values.abs() < 2**53)
    text = pd.Series(pd.NA, index=values.index, dtype="str")
    text[whole] = values[whole].astype("int64").astype("str")
    broken = values.notna() & ~whole & np.isfinite(values)
    text[broken] = [format(Decimal(repr(v)), "f") for v in values[broken].tolist()]
    return text


def _strip(text: pd.Series) -> pd.Series:
    text = text.str.replace(_MARKS, "", regex=True).str.replace("٬", "", regex=False)
    text = text.str.replace("٫", ".", regex=False).str.replace("−", "-", regex=False)
    text = text.str.replace(r"[\s'’_]", "", regex=True)
    text = text.str.replace(r"^\((.*)\)$|^(.*\d)-$", r"-\1\2", regex=True)
    return text.str.replace(r"^\+", "", regex=True)


def _one_decimal_mark(text: pd.Series, decimal: str | None) -> tuple[pd.Series, pd.Series]:
    """Text with a point as the only mark, and where it is unclear which mark is the decimal one."""

    def has(pattern: str) -> pd.Series:
        return text.str.match(pattern).fillna(False).astype(bool)

    comma = has(r"^-?\d[\d.]*,\d+$") & ~has(r"^-?\d{1,3},\d{3}$") | has(r"^-?\d{1,3}(\.\d{3}){2,}$")
    point = has(r"^-?\d[\d,]*\.\d+$") & ~has(r"^-?\d{1,3}\.\d{3}$") | has(r"^-?\d{1,3}(,\d{3}){2,}$")
    unclear = pd.Series(False, index=text.index)
    if decimal is not None:
        comma = pd.Series(decimal == ",", index=text.index)
    elif comma.any() and point.any():
        unclear = has(r"^-?\d{1,3}[.,]\d{3}$")
    elif comma.any():
        comma = pd.Series(True, index=text.index)
    european = text.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    return european.where(comma, text.str.replace(",", "", regex=False)), unclear


def to_minor_units(text: pd.Series, decimals: int) -> tuple[pd.Series, pd.Series]:
    """Amounts in plain text as whole minor units, and which of them had to be rounded.

    Parameters
    ----------
    text : Series of str
        As `read_numbers` gives them.
    decimals
        Digits after the decimal mark that the currency has.

    Examples
    --------
    >>> to_minor_units(pd.Series(["12.5", "-0.005"], dtype="str"), 2)[0].tolist()
    [1250, 0]
    """
    exact = pc.cast(arrow(text), pa.decimal128(38, 12))
    rounded = pc.round(exact, ndigits=decimals, round_mode="half_to_even")
    digits = pc.cast(pc.cast(rounded, pa.decimal128(38, decimals)), pa.large_string())
    whole = pc.cast(pc.replace_substring(digits, ".", ""), pa.int64())
    minor = pd.Series(pd.Int64Dtype().__from_arrow__(whole), index=text.index)
    changed = pc.fill_null(pc.not_equal(rounded, exact), False).to_pandas()
    changed.index = text.index
    return minor, changed
