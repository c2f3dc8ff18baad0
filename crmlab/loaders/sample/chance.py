"""Chance and time: one stream of random numbers per part, and the opening hours all happens in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.tables import table

FIRST_DAY = np.datetime64("2023-01-01", "D")
#: Two years: 2023-01-01 to 2024-12-31.
DAYS = 731
_OPENS, _OPEN_HOURS = 8, 13

#: Each part draws from a stream of its own, so that a change in one leaves the others as they
#: are. New parts go to the end.
PARTS = (
    "catalogue", "persons", "purchases", "baskets", "duplicates", "staff", "consents", "campaigns",
    "interactions", "leads", "tickets", "surveys", "opportunities", "anomalies", "pollution",
)  # fmt: skip


def generators(seed: int) -> dict[str, np.random.Generator]:
    """A random generator for each of `PARTS`."""
    sequences = np.random.SeedSequence(seed).spawn(len(PARTS))
    streams = (np.random.Generator(np.random.PCG64(sequence)) for sequence in sequences)
    return dict(zip(PARTS, streams, strict=True))


def choose(
    generator: np.random.Generator, values: Sequence, size: int, weights: Sequence[float] | None = None
) -> np.ndarray:
    """Draw `size` of `values` with replacement; weights need not add up to 1."""
    shares = None if weights is None else np.asarray(weights, dtype=float) / np.sum(weights)
    pool = np.empty(len(values), dtype=object)
    pool[:] = list(values)
    return pool[generator.choice(len(values), size, p=shares)]


def moments(days: np.ndarray) -> np.ndarray:
    """Points on the clock for days since the first, fractions being shares of the opening hours.

    Time stands still at night, so a process that runs in these days keeps its order and gaps and
    yet nothing happens at three in the morning. NaN becomes NaT.

    >>> moments(np.array([0.0, 1.5])).astype(str).tolist()
    ['2023-01-01T08:00:00.000000', '2023-01-02T14:30:00.000000']
    """
    known = ~np.isnan(days)
    days = np.where(known, days, 0)
    whole = np.floor(days)
    seconds = np.floor((days - whole) * _OPEN_HOURS * 3600) + _OPENS * 3600
    stamps = (FIRST_DAY + whole.astype(np.int64)).astype("datetime64[us]")
    stamps = stamps + seconds.astype(np.int64).astype("timedelta64[s]")
    return np.where(known, stamps, np.datetime64("NaT"))


def dates(days: np.ndarray) -> np.ndarray:
    """Calendar days for days since the first; NaN becomes NaT."""
    return moments(days).astype("datetime64[D]").astype("datetime64[us]")


def numbered(letter: str, count: int) -> np.ndarray:
    """Identifiers ``letter`` + running number, all of one width, so that they sort by number."""
    width = max(5, len(str(count)))
    return np.array([f"{letter}{number:0{width}d}" for number in range(1, count + 1)], dtype=object)


def conform(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """`frame` with the columns and types that the contract has for table `name`."""
    contract = table(name)
    types = {column.name: column.dtype for column in contract.columns}
    return frame.reindex(columns=contract.names).astype(types).reset_index(drop=True)
