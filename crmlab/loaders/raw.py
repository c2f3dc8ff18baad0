"""What every loader returns: the rows as they came, and the rows that could not be read."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

REJECTED_COLUMNS = ["row", "reason", "record"]


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
    frame = frame.reset_index(drop=True)
    lost = pd.DataFrame(rejected or [], columns=REJECTED_COLUMNS).astype({"row": "int64"})
    numbers = range(1, len(frame) + len(lost) + 1)
    taken = set(lost["row"])
    rows = pd.Series([n for n in numbers if n not in taken] if taken else numbers, dtype="int64")
    return Raw(frame, rows, lost)


def unique_names(names: list[str]) -> list[str]:
    """Headings with empty ones called by their place and repeated ones numbered.

    Examples
    --------
    >>> unique_names(["a", "", "a"])
    ['a', 'column 2', 'a (2)']
    """
    found: list[str] = []
    for place, name in enumerate(names, start=1):
        plain = name.strip() or f"column {place}"
        times = sum(1 for other in names[: place - 1] if other.strip() == plain)
        found.append(f"{plain} ({times + 1})" if times else plain)
    return found


def plain_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of mixed Python objects as one type each: numbers, time stamps, or text."""
    return frame.apply(_plain_column) if len(frame.columns) else frame


def _plain_column(values: pd.Series) -> pd.Series:
    if values.dtype != "object":
        return values
    present = values.dropna()
    kinds = set(present.map(type))
    if not kinds:
        return pd.Series(pd.NA, index=values.index, dtype="str")
    names = {kind.__name__ for kind in kinds}
    if names == {"int"}:
        return values.astype("Int64" if len(present) < len(values) else "int64")
    if names == {"bool"}:
        return values.astype("boolean")
    if names <= {"int", "float"}:
        numbers = pd.to_numeric(values)
        whole = (numbers.dropna() == numbers.dropna().round()).all()
        return numbers.astype("Int64") if whole else numbers
    if names <= {"datetime", "date", "Timestamp"}:
        return pd.to_datetime(values).astype("datetime64[us]")
    return values.map(_as_text).astype("str")


def _as_text(value: object) -> str | None:
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
