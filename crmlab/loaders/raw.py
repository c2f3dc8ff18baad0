"""What every loader returns: the rows as they came, and the rows that could not be read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pandas as pd

from crmlab.errors import SourceError

REJECTED_COLUMNS = ["row", "reason", "record"]
#: Columns that a sheet of Excel holds at most, and signs of a heading. What has more is no table.
MOST_COLUMNS, LONGEST_HEADING = 16_384, 1000


class Raw(NamedTuple):
    """One source, read and not changed.

    Attributes
    ----------
    frame : DataFrame
        One row per record; text formats give text, typed formats their types.
    rows : Series of int
        Number of each record in its source, from 1, indexed like `frame`. Rejected records
        count, so a number finds its record again.
    rejected : DataFrame
        `row`, `reason` and `record` (the text as it stood) of records that could not be read.
    """

    frame: pd.DataFrame
    rows: pd.Series
    rejected: pd.DataFrame


def raw(frame: pd.DataFrame, rejected: list[tuple[int, str, str]] | None = None) -> Raw:
    """Number the records of `frame`, leaving out the numbers of rejected ones."""
    rows, *said = zip(*rejected, strict=True) if rejected else [()] * 3
    rows = np.array(rows, dtype="int64")
    numbers = np.delete(np.arange(1, len(frame) + len(rows) + 1), rows - 1)
    texts = (pd.array(list(part), dtype="str") for part in said)
    lost = pd.DataFrame(dict(zip(REJECTED_COLUMNS, (rows, *texts), strict=True)))
    return Raw(frame.reset_index(drop=True), pd.Series(numbers, dtype="int64"), lost)


def unique_names(names: list[str]) -> list[str]:
    """Headings with empty ones called by their place and repeated ones numbered.

    Examples
    --------
    >>> unique_names(["a", "", "a"])
    ['a', 'column 2', 'a (2)']
    """
    plain = [name.strip() or f"column {place}" for place, name in enumerate(names, start=1)]
    taken = set(plain)
    found: dict[str, None] = {}
    times = Counter()
    for name in plain:
        times[name] += 1
        unique = name if times[name] == 1 else f"{name} ({times[name]})"
        while unique in found or (unique != name and unique in taken):
            times[name] += 1
            unique = f"{name} ({times[name]})"
        found[unique] = None
    return list(found)


def check_headings(names: Sequence[str], source: str, hint: str = "") -> None:
    """Refuse what has more columns, or longer headings, than any table has.

    Parameters
    ----------
    hint
        What may be wrong where there are too many.

    Raises
    ------
    SourceError
        Naming the source and what to do.
    """
    if len(names) > MOST_COLUMNS:
        raise SourceError(
            f"{source} has {len(names):,} columns, more than any table (at most {MOST_COLUMNS:,}){hint}."
        )
    longest = max(map(len, names), default=0)
    if longest > LONGEST_HEADING:
        raise SourceError(
            f"A heading of {source} has {longest:,} signs, which no name of a column has (at most "
            f"{LONGEST_HEADING:,}); give its columns short names in the first line."
        )


def plain_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of mixed Python objects as one type each: numbers, time stamps, or text.

    Examples
    --------
    >>> import datetime
    >>> mixed = pd.DataFrame({"a": [1, None], "b": [1, "x"], "c": [datetime.date(2024, 8, 2)] * 2})
    >>> plain_columns(mixed.astype("object")).dtypes.astype("str").tolist()
    ['Int64', 'str', 'datetime64[us]']
    """
    return pd.DataFrame({name: _plain_column(frame[name]) for name in frame}, index=frame.index)


def _plain_column(values: pd.Series) -> pd.Series:
    if values.dtype != "object":
        return values
    cells = values.to_numpy()
    present = cells[pd.notna(cells)].tolist()
    kinds = {kind.__name__ for kind in set(map(type, present))}
    if kinds == {"bool"}:
        return values.astype("boolean")
    if kinds and kinds <= {"int", "float"}:
        return _plain_numbers(values, present, kinds)
    if kinds and kinds <= {"datetime", "date", "Timestamp"}:
        zones = {getattr(value, "tzinfo", None) is not None for value in present}
        if len(zones) == 1:
            stamps = pd.to_datetime(values, utc=zones == {True})
            return stamps.dt.as_unit("us")
    return _texts(values)


def _texts(values: pd.Series) -> pd.Series:
    return pd.Series([as_text(value) for value in values], index=values.index, dtype="str")


def _plain_numbers(values: pd.Series, present: list, kinds: set[str]) -> pd.Series:
    """Whole numbers as such, others as floats, and as text what neither holds exactly."""
    if all(isinstance(n, int) or n.is_integer() for n in present) and max(map(abs, present)) < 2**63:
        if kinds == {"int"} and len(present) == len(values):
            return values.astype("int64")
        whole = [pd.NA if pd.isna(n) else int(n) for n in values]
        return pd.Series(whole, index=values.index, dtype="Int64")
    if all(isinstance(n, float) or abs(n) <= 2**53 for n in present):
        return values.astype("float64")
    return _texts(values)


def as_text(value: object) -> str | None:
    """One cell as text: whole numbers without a point, bytes decoded, lists as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    if pd.isna(value):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes | memoryview):
        content = bytes(value)
        try:
            return content.decode()
        except UnicodeDecodeError:
            return content.hex()
    return str(value)
