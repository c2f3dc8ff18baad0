"""Numbers written for people: digit sets, separators, signs and currency marks."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.cleansing.text import arrow, normalize_text
from crmlab.errors import ParameterError

_FORM = r"^-?\d{1,15}(\.\d{1,20})?$"
_CURRENCY = r"(?i:[$€£¥₺﷼]|ریال|USD|EUR|GBP|IRR|RLS)"
#: What is taken off a number before its digits are looked at, in this order.
_WRAPPING = (
    (rf"^([-−+(]?) *{_CURRENCY} *| *{_CURRENCY} *([)−-]?)$", r"\1\2"),
    ("−", "-"),
    (r"^\( *(.*?) *\)$|^(.*\d) ?-$", r"-\1\2"),
    (r"^(?:\+|(-)) *(\d)", r"\1\2"),
)
_GROUP_MARKS = " '’_٬"
#: Digits in groups, where the point and where the comma is the decimal mark. Groups are of three;
#: India's lakhs are of two in between.
_GROUPS = {
    ".": rf"[1-9]\d{{0,2}}(?:[,{_GROUP_MARKS}]\d{{2,3}})*[,{_GROUP_MARKS}]\d{{3}}",
    ",": rf"[1-9]\d{{0,2}}(?:[.{_GROUP_MARKS}]\d{{3}})+",
}
_NO_NUMBER = "not a number of at most 15 digits"
_EITHER = r"^-?[1-9]\d{0,2}[.,]\d{3}$"


def read_numbers(values: pd.Series, decimal: str | None = None) -> pd.DataFrame:
    """Read a column of numbers, each cell with the reason where it cannot be read.

    Parameters
    ----------
    values : Series
        Numbers or text; ``(12)``, ``12-`` and ``−12`` are negative, ``٫`` is a decimal mark.
        Marks between digits (``1,234``, ``1'234``, ``1 234``, ``1٬234``) are read only where
        they part groups of digits. Numbers that came as numbers may have any length.
    decimal
        ``"."`` or ``","``. If None, the column tells: it is the comma if some cell proves it
        (``12,5``, ``1.234,50``) and none proves the point, else the point. Where cells prove
        both, one that could be either (``1,500``) is not read.

    Returns
    -------
    DataFrame
        Indexed like `values`: `text`, the plain form (``-1234.5``; missing where not read), and
        `reason` (missing where read or empty).

    Raises
    ------
    ParameterError
        If `decimal` is another mark.

    Examples
    --------
    >>> read_numbers(pd.Series(["1,234.50", "(۱۲)", "$7", "n/a"]))["text"].tolist()
    ['1234.50', '-12', '7', nan]
    """
    if decimal not in (None, ".", ","):
        raise ParameterError(f"decimal is '.' or ',', not {decimal!r}.")
    values = pd.Series(values)
    if values.dtype.kind in "iuf":
        text = plain(values)
        endless = text.isin(["inf", "-inf"])
        reason = pd.Series(pd.NA, index=values.index, dtype="str")
        reason[endless] = _NO_NUMBER
        return pd.DataFrame({"text": text.mask(endless), "reason": reason})
    found = plain_numbers(arrow(normalize_text(values.astype("str"))), decimal)
    columns = zip(("text", "reason"), found, strict=True)
    return pd.DataFrame({name: pd.Series(part, index=values.index, dtype="str") for name, part in columns})


def plain_numbers(array: pa.Array, decimal: str | None = None) -> tuple[pa.Array, pa.Array]:
    """Numbers in text of one form (see `normalize_text`) in plain form, and why one cannot be read.

    As `read_numbers` does it; both are missing where the text is missing or empty.
    """
    empty = pc.fill_null(pc.equal(array, ""), True)
    odd = pc.invert(pc.or_(_fits(array, _FORM), empty))
    unclear = pa.scalar(False)
    if pc.any(odd).as_py() or decimal == ",":
        array, unclear = _one_decimal_mark(_unwrapped(array, odd), decimal)
    read = pc.and_(_fits(array, _FORM), pc.invert(unclear))
    why = pc.if_else(unclear, "the decimal mark could be . or ,; set decimal", _NO_NUMBER)
    return pc.if_else(read, array, None), pc.if_else(pc.or_(read, empty), None, why)


def _fits(array: pa.Array, pattern: str) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(array, pattern), False)


def plain(values: pd.Series) -> pd.Series:
    """Numbers as text without exponents or a trailing ``.0``; infinite ones as ``inf``."""
    if values.dtype.kind in "iu":
        return values.astype("str")
    values = values.astype("float64")
    whole = (values == np.floor(values)) & (values.abs() < 2**53)
    text = pd.Series(pd.NA, index=values.index, dtype="str")
    text[whole] = values[whole].astype("int64").astype("str")
    broken = values.notna() & ~whole
    text[broken] = [format(Decimal(repr(v)), "f").lower() for v in values[broken].tolist()]
    return text.replace({"infinity": "inf", "-infinity": "-inf"})


def _unwrapped(array: pa.Array, rows: pa.Array) -> pa.Array:
    """Cells in `rows` without currency and with a leading minus as the only sign."""
    bare = array.filter(rows)
    for pattern, replacement in _WRAPPING:
        bare = pc.replace_substring_regex(bare, pattern, replacement)
    return pc.replace_with_mask(array, rows, bare)


def _one_decimal_mark(array: pa.Array, decimal: str | None) -> tuple[pa.Array, pa.Array]:
    """Cells with a point as the only mark, missing where the marks make no number.

    The second array is true where it is unclear which mark is the decimal one.
    """
    unclear = pa.scalar(False)
    proved = {mark: _proves(array, mark) for mark in _GROUPS if decimal is None}
    if decimal is None:
        marks = [mark for mark, cells in proved.items() if pc.any(cells).as_py()]
        if len(marks) == 2:
            unclear = _fits(array, _EITHER)
        else:
            decimal = marks[0] if marks else "."
    if decimal is not None:
        return _pointed(array, decimal), unclear
    return pc.if_else(proved[","], _pointed(array, ","), _pointed(array, ".")), unclear


def _proves(array: pa.Array, mark: str) -> pa.Array:
    """True where `mark` can only be the decimal one."""
    other, groups = {".": ",", ",": "."}[mark], _GROUPS[mark]
    once = rf"(?:\d+|{groups})\{mark}(?:\d{{1,2}}|\d{{4,}})"
    after_many = rf"(?:0\d*|\d{{4,}}|{groups})\{mark}\d{{3}}"
    repeated = rf"[1-9]\d{{0,2}}(?:\{other}\d{{2,3}})*(?:\{other}\d{{3}}){{2}}"
    return _fits(array, f"^-?(?:{once}|{after_many}|{repeated})$")


def _pointed(array: pa.Array, mark: str) -> pa.Array:
    """Numbers whose decimal mark is `mark` or ``٫`` in plain form, missing where they are none."""
    valid = _fits(array, rf"^-?(?:\d+|{_GROUPS[mark]})(?:[٫\{mark}]\d+)?$")
    other = {".": ",", ",": "."}[mark]
    bare = pc.replace_substring_regex(array, f"[{_GROUP_MARKS}{other}]", "")
    if mark == ",":
        bare = pc.replace_substring(bare, ",", ".")
    return pc.if_else(valid, pc.replace_substring(bare, "٫", "."), None)


def to_minor_units(text: pd.Series, decimals: int) -> tuple[pd.Series, pd.Series]:
    """Amounts in plain text as whole minor units, and which of them had to be rounded.

    Parameters
    ----------
    text : Series of str
        As `read_numbers` gives them.
    decimals
        Digits after the decimal mark that the currency has.

    Returns
    -------
    minor : Series of Int64
        Rounded half to even; missing where the amount is missing or has more than 18 digits.
    rounded : Series of bool
        Digits after the twelfth behind the decimal mark do not count.

    Examples
    --------
    >>> to_minor_units(pd.Series(["12.5", "-0.005"], dtype="str"), 2)[0].tolist()
    [1250, 0]
    """
    whole, changed = minor_units(arrow(text), decimals)
    minor = pd.Series(pd.Int64Dtype().__from_arrow__(whole), index=text.index)
    return minor, pd.Series(changed.to_numpy(zero_copy_only=False), index=text.index)


def minor_units(array: pa.Array, decimals: int) -> tuple[pa.Array, pa.Array]:
    """What `to_minor_units` does to an array of plain numbers."""
    if (pc.max(pc.utf8_length(array)).as_py() or 0) > 12:
        array = pc.replace_substring_regex(array, r"(\.\d{12})\d+$", r"\1")
        array = pc.if_else(_fits(array, rf"^-?\d{{1,{18 - decimals}}}(?:\.|$)"), array, None)
    exact = pc.cast(array, pa.decimal128(38, 12))
    rounded = pc.round(exact, ndigits=decimals, round_mode="half_to_even")
    digits = pc.cast(pc.cast(rounded, pa.decimal128(38, decimals)), pa.large_string())
    whole = pc.cast(pc.replace_substring(digits, ".", ""), pa.int64())
    return whole, pc.fill_null(pc.not_equal(rounded, exact), False)
