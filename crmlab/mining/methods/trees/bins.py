"""Columns in at most 255 bins each: what a tree looks at instead of the values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmlab.mining.methods.trees.data import Columns, refuse_infinite, take
from crmlab.mining.methods.trees.splits import Value, as_names, as_numbers, is_numeric, plain_value

#: Rows from which the edges of the bins are taken, and rows looked at in one go: they fit the cache.
SAMPLE, BLOCK = 50_000, 65_536

CELLS = 1 << 14


@dataclass
class NumericBins:
    """Bins of a column of numbers: bin b holds the values above edge b - 1, up to and including edge b.

    Missing values have the code `n_bins`, one more than the last bin.
    """

    name: str
    edges: np.ndarray
    _table: np.ndarray | None = field(default=None, repr=False)

    @property
    def n_bins(self) -> int:
        """Number of bins without that of missing values."""
        return len(self.edges) + 1

    def codes(self, values: pd.Series | np.ndarray, first: int = 0) -> np.ndarray:
        """Bin of each value as a byte; infinite values are refused, their places counted from `first`."""
        out = np.empty(len(values), dtype=np.uint8)
        for start in range(0, len(values), BLOCK):
            rows = slice(start, start + BLOCK)
            part = values.iloc[rows] if isinstance(values, pd.Series) else values[rows]
            numbers = as_numbers(part)
            self._code(numbers, out[rows])
            total = numbers.sum()
            if not np.isfinite(total):
                missing = np.isnan(numbers)
                refuse_infinite(numbers, self.name, first + start)
                out[rows][missing] = self.n_bins
        return out

    def _code(self, numbers: np.ndarray, out: np.ndarray) -> None:
        """The bin is looked up in a table of equal cells, then put right by comparing with its edges."""
        if len(self.edges) == 0:
            out[:] = 0
            return
        if self._table is None:
            self._prepare()
        if not len(self._table):
            out[:] = np.searchsorted(self.edges, numbers, side="left")
            return
        with np.errstate(invalid="ignore", over="ignore"):
            cells = numbers - self.edges[0]
            cells *= self._scale
            np.clip(cells, 0, CELLS - 1, out=cells)
            # No place is out of range; "clip" lets the results go where they belong without a detour.
            self._table.take(cells.astype(np.int16), out=out, mode="clip")
        for _ in range(self._steps):
            out += numbers > self._padded.take(out, out=cells, mode="clip")

    def _prepare(self) -> None:
        low, high = float(self.edges[0]), float(self.edges[-1])
        self._padded = np.append(self.edges, np.inf)
        self._scale = (CELLS - 1) / (high - low) if high > low else 0.0
        if not np.isfinite(self._scale) or self._scale == 0:
            self._table = np.zeros(0, np.uint8)
            return
        # The cell of an edge comes from the very arithmetic that values go through, so rounding agrees.
        cell_of = ((self.edges - low) * self._scale).astype(np.int64)
        first = np.searchsorted(cell_of, np.arange(CELLS), side="left")
        self._steps = int(np.bincount(cell_of).max())
        # Cells crowded with edges (very heavy tails) are quicker to search.
        self._table = first.astype(np.uint8) if self._steps <= 4 else np.zeros(0, np.uint8)


@dataclass
class NameBins:
    """Bins of a column of names: one for each of the commonest values, one for all the others.

    Missing values have the code `n_bins`, one more than the last bin.
    """

    name: str
    values: list[Value]
    crowded: bool

    @property
    def n_bins(self) -> int:
        """Number of bins without that of missing values; the last one is that of unknown values."""
        return len(self.values) + 1

    def codes(self, values: pd.Series | np.ndarray) -> np.ndarray:
        """Bin of each value as a byte."""
        places, distinct = factorize(values)
        return self.table(distinct)[places]

    def table(self, distinct: np.ndarray) -> np.ndarray:
        """Bin of each of some distinct values, and as the last one that of missing values."""
        found = pd.Index(self.values, dtype=object).get_indexer(pd.Index(distinct, dtype=object))
        found[found < 0] = len(self.values)
        return np.append(found, self.n_bins).astype(np.uint8)


def factorize(values: pd.Series | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place of each value among the distinct ones (-1 for missing), and the distinct ones as objects."""
    if isinstance(values, pd.Series) and isinstance(values.dtype, pd.CategoricalDtype):
        return values.array.codes, values.cat.categories.astype(object).to_numpy()
    if isinstance(values, pd.Series):
        places, distinct = pd.factorize(values)
        return places, np.asarray(distinct.astype(object), dtype=object)
    return pd.factorize(as_names(values))


Bins = list[NumericBins | NameBins]

#: What gives the codes of a part of a column, or of some rows of that part.
Coder = Callable[[slice, np.ndarray | None], np.ndarray]

#: What gives, for the place of a column, the codes of some rows (None for all of them).
Codes = Callable[[int, np.ndarray | None], np.ndarray]


def sample_rows(n_rows: int, seed: int) -> np.ndarray:
    """Positions of the rows that the bins are learned from, rising."""
    if n_rows <= SAMPLE:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, SAMPLE, replace=False, shuffle=False))


def learn_bins(columns: Columns, max_bins: int = 254, sample: np.ndarray | slice = slice(None)) -> Bins:
    """Bins of each column, from its values in a sample of rows.

    Parameters
    ----------
    columns
        The values of each column by its name. Numbers are cut so that the bins hold about equally many
        rows, at a short number between two values; everything else is taken as names, of which the
        commonest (of equally common ones the first in order) get a bin each.
    max_bins
        Most bins of a column, 2 to 254.
    sample
        The rows to look at, taken of one column after the other.
    """
    return [
        numeric_bins(name, as_numbers(take(values, sample)), max_bins) if is_numeric(values)
        else name_bins(name, take(values, sample), max_bins)
        for name, values in columns.items()
    ]  # fmt: skip


def kept_codes(codes: np.ndarray) -> Codes:
    """Codes that were found before, shape (columns, rows)."""
    return lambda column, rows: codes[column] if rows is None else codes[column].take(rows)


def coders(bins: Bins, columns: Columns) -> list[Coder]:
    """For each column what finds codes when they are asked for."""
    return [_coder(column, columns[column.name]) for column in bins]


def _coder(column: NumericBins | NameBins, values: pd.Series | np.ndarray) -> Coder:
    if isinstance(values.dtype, pd.CategoricalDtype):
        places, distinct = factorize(values)
        table = column.table(distinct)
        return lambda part, rows: table.take(_rows_of(places, part, rows), mode="wrap")
    if isinstance(column, NumericBins):
        if isinstance(values.dtype, np.dtype):
            # Many small parts are quicker to take from an array.
            values = np.asarray(values)
        return lambda part, rows: column.codes(_rows_of(values, part, rows), part.start)
    return lambda part, rows: column.codes(_rows_of(values, part, rows))


def _rows_of(values: pd.Series | np.ndarray, part: slice, rows: np.ndarray | None) -> pd.Series | np.ndarray:
    values = take(values, part)
    return values if rows is None else take(values, rows)


def codes_on_demand(of_columns: list[Coder], part: slice) -> Codes:
    """Codes that are found when they are asked for."""
    return lambda column, rows: of_columns[column](part, rows)


def numeric_bins(name: str, numbers: np.ndarray, max_bins: int) -> NumericBins:
    """Bins of a numeric column."""
    refuse_infinite(numbers, name)
    values, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    if len(values) > max_bins:
        # Heavy values get a bin of their own; the others share the rest evenly.
        wanted = counts.sum() / max_bins * np.arange(1, max_bins)
        ends = np.unique(np.searchsorted(np.cumsum(counts), wanted, side="left"))
        ends = ends[ends < len(values) - 1]
    else:
        ends = np.arange(len(values) - 1)
    return NumericBins(name, short_between(values[ends], values[ends + 1]))


def name_bins(name: str, values: pd.Series | np.ndarray, max_bins: int) -> NameBins:
    """Bins of a column of names."""
    places, distinct = factorize(values)
    counts = np.bincount(places[places >= 0], minlength=len(distinct))
    kinds = {type(value) for value in distinct}
    known = [place for place in range(len(distinct)) if counts[place]]
    order = sorted(known, key=lambda place: (-counts[place], *_rank(distinct[place], kinds)))
    kept = sorted(order[: max_bins - 1], key=lambda place: _rank(distinct[place], kinds))
    return NameBins(name, [plain_value(distinct[place]) for place in kept], len(known) > len(kept))


def short_between(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """For each pair the shortest decimal from `low` (included) to `high` (not included), near the middle.

    A cut at it parts the two: what is not above it is `low` or less.

    >>> short_between(np.array([1.0, 0.1234, 36.9]), np.array([2.0, 0.1239, 41.2])).tolist()
    [1.5, 0.1236, 40.0]
    """
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    middle = low + (high - low) / 2
    # Two neighbouring floats have no middle of their own.
    middle = np.where(middle < high, middle, low)
    found = middle.copy()
    with np.errstate(all="ignore"):
        first = np.floor(-np.log10(high - low))
        open_ = np.ones(len(low), dtype=bool)
        for more in range(-1, 3):
            places = first + more
            factor = 10.0 ** np.abs(places)
            rounded = np.where(
                places >= 0, np.round(middle * factor) / factor, np.round(middle / factor) * factor
            )
            fits = open_ & np.isfinite(rounded) & (rounded > low) & (rounded < high)
            found[fits] = rounded[fits]
            open_ &= ~fits
    return found + 0.0


def _rank(value: Value, kinds: set[type]) -> tuple:
    """Order of values: their own where all are of one kind, else by kind and text."""
    return (value,) if len(kinds) == 1 else (type(value).__name__, str(value))
