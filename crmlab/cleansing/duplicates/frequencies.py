"""How common each value of a field is: what many records share says little of whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import duckdb

#: How many pairs of records the rule is worth that two people seldom have the same: it decides where
#: a table has some dozen rows, and is outweighed where it has thousands.
WORTH = 500


class Frequencies(NamedTuple):
    """Of one field the fingerprints of its values, in order, and how many records have each."""

    prints: np.ndarray
    times: np.ndarray

    @property
    def equal_by_chance(self) -> float:
        """Share of the pairs of records that have the same value."""
        rows = float(self.times.sum())
        return float((self.times * (self.times - 1.0)).sum() / max(rows * (rows - 1), 1))


def fingerprints(values: pd.Series) -> np.ndarray:
    """A number made of each value, 0 where it is missing; the same on every machine.

    Examples
    --------
    >>> one, other, none = fingerprints(pd.Series(["ann", "ann", None], dtype="str")).tolist()
    >>> one == other, none
    (True, 0)
    """
    codes, distinct = pd.factorize(values)
    prints = pd.util.hash_array(np.asarray(distinct, dtype=object), categorize=False)
    return np.where(codes >= 0, np.append(prints, np.uint64(0))[codes], np.uint64(0))


def frequencies(prints: np.ndarray) -> Frequencies:
    """How often each of a field's values is there, from their fingerprints.

    Examples
    --------
    >>> frequencies(fingerprints(pd.Series(["ann", "ann", "bob", None], dtype="str"))).equal_by_chance
    0.3333333333333333
    """
    codes, distinct = pd.factorize(prints[prints != 0])
    times, order = np.bincount(codes, minlength=len(distinct)), np.argsort(distinct)
    return Frequencies(distinct[order], times[order].astype("int32"))


def shares(prints: np.ndarray, known: Frequencies) -> np.ndarray:
    """How large a share of the records has each value; not a number where none has."""
    if not len(known.prints):
        return np.full(len(prints), np.nan)
    place = np.searchsorted(known.prints, prints).clip(max=len(known.prints) - 1)
    share = known.times[place] / (known.times.sum() + WORTH)
    return np.where(known.prints[place] == prints, share, np.nan)


def write_records(
    con: duckdb.DuckDBPyConnection, target: str, records: pd.DataFrame, first: int,
    prints: pd.DataFrame, known: dict[str, Frequencies],
) -> None:  # fmt: skip
    """Table `target`: prepared records, numbered from `first` on, with ``tf_<field>``, shares of values."""
    import pyarrow as pa

    numbers = np.arange(first, first + len(records), dtype="int32")
    more = {f"tf_{field}": shares(prints[field].to_numpy(), times) for field, times in known.items()}
    frame = records.assign(id=numbers, **more)
    words = pa.list_(pa.string())
    # The engine reads Arrow's memory as it is; of a frame it would look at each text first.
    columns = {
        name: pa.array(frame[name], words if name in ("tokens", "further") else None) for name in frame
    }
    con.register("given", pa.table(columns))
    con.execute(f"create or replace table {target} as select * from given")
    con.unregister("given")
