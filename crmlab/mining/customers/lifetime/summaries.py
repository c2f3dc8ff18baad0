"""Customers' summaries as the models take them: checked, and equal customers counted once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from crmlab.engine import as_table, collect, need_columns
from crmlab.errors import ParameterError, TableError

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.engine import Log


#: Columns of summaries that `purchase_summary` makes.
_PURCHASES = frozenset({"frequency", "recency", "T", "monetary_value"})


class Column(NamedTuple):
    """A column by its distinct values: row i holds ``values[codes[i]]``."""

    values: np.ndarray
    codes: np.ndarray

    def rows(self) -> np.ndarray:
        """The value of each row."""
        return self.values[self.codes]


class Counted(NamedTuple):
    """Distinct rows in ascending order, and how many customers each of them stands for."""

    columns: tuple[Column, ...]
    weight: np.ndarray

    def sample(self, size: int) -> Counted:
        """About `size` customers, taken at even steps through the ascending rows: small but alike."""
        steps = np.floor(np.cumsum(self.weight) * (size / self.weight.sum()) + 0.5)
        taken = np.diff(steps, prepend=0.0)
        kept = taken > 0
        columns = tuple(Column(column.values, column.codes[kept]) for column in self.columns)
        return Counted(columns, taken[kept])


def columns_of(
    summary: Log, names: Sequence[str], sample_weight: ArrayLike | None = None, gaps: Sequence[str] = ()
) -> tuple[list[np.ndarray], np.ndarray | None, pd.Index]:
    """Columns of a summary as float arrays, the weight of each row, and its labels.

    An ibis table is counted inside its engine, so that only distinct rows cross over. Values may be
    missing in the columns named by `gaps`.

    Raises
    ------
    TableError
        If a column is missing or holds something that is no number.
    ParameterError
        If the weights do not fit the rows.
    """
    import pandas as pd

    names = list(names)
    for name in names:
        made = "crmlab.mining.customers.purchase_summary makes them of order lines."
        need_columns(summary, [name], "Summaries of customers", way_out=made if name in _PURCHASES else "")
    if not isinstance(summary, pd.DataFrame):
        if sample_weight is not None:
            raise ParameterError("sample_weight goes with a frame; tables of an engine have no order.")
        table = as_table(summary)
        summary = collect(table.group_by(names).agg(customers=table.count()), key=names)
        sample_weight = summary["customers"]
    found = []
    for name in names:
        numbers = pd.to_numeric(summary[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        wrong = np.isinf(numbers) if name in gaps else ~np.isfinite(numbers)
        refuse(summary.index, name, wrong, "holds no number")
        found.append(numbers)
    if sample_weight is None:
        return found, None, summary.index
    weight = np.asarray(sample_weight, dtype=float)
    if weight.shape != (len(summary),):
        raise ParameterError(f"sample_weight has one number per row, {len(summary):,} of them.")
    if not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise ParameterError("sample_weight holds numbers of customers; none is negative or missing.")
    return found, weight, summary.index


def refuse(labels: pd.Index, name: str, wrong: np.ndarray, fault: str) -> None:
    """Raise a TableError that names the rows in which a column is wrong, if there are any."""
    if wrong.any():
        raise TableError(
            f"The column {name} of the summary {fault} in {int(wrong.sum()):,} of {len(wrong):,} rows.",
            "summary", name, fault, labels[wrong],
        )  # fmt: skip


def whole(name: str, values: ArrayLike) -> np.ndarray:
    """Numbers of periods or opportunities as integers.

    Raises
    ------
    ParameterError
        If one of them is negative or no whole number.
    """
    values = np.asarray(values)
    if values.size and not ((values >= 0) & (values % 1 == 0)).all():
        raise ParameterError(f"{name} holds whole numbers, zero or more.")
    return values.astype(int)


def purchase_histories(
    summary: Log, sample_weight: ArrayLike | None = None, also: Sequence[str] = ()
) -> tuple[list[np.ndarray], np.ndarray | None, pd.Index]:
    """Frequency, recency and T of a summary, checked.

    Parameters
    ----------
    summary
        One row per customer: `frequency` (repeat purchases, a whole number), `recency` (time from
        the first purchase to the last; 0 without repeat purchases), `T` (time from the first
        purchase to the end of observation), all times in one unit.
    sample_weight
        Number of customers that a row stands for; 1 if not given.
    also
        Further columns of numbers, which come after the three.

    Raises
    ------
    TableError
        If a history is impossible; its `rows` are the labels of all such rows.
    """
    columns, weight, labels = columns_of(summary, ("frequency", "recency", "T", *also), sample_weight)
    frequency, recency, age = columns[:3]
    refuse(labels, "frequency", (frequency < 0) | (frequency % 1 != 0), "is no number of repeat purchases")
    refuse(labels, "recency", (recency < 0) | (recency > age), "does not lie between 0 and T")
    refuse(labels, "recency", (recency > 0) != (frequency > 0),
           "is not zero exactly where there is no repeat purchase")  # fmt: skip
    return columns, weight, labels


def count_equal(columns: Sequence[np.ndarray], weight: np.ndarray | None = None) -> Counted:
    """Rows that are equal in all columns, counted once each.

    Examples
    --------
    >>> import numpy as np
    >>> counted = count_equal([np.array([0.0, 2, 0]), np.array([5.0, 5, 5])])
    >>> counted.columns[0].rows().tolist(), counted.weight.tolist()
    ([0.0, 2.0], [2.0, 1.0])
    """
    found = [coded(column) for column in columns]
    sizes = [len(values) for _, values in found]
    if math.prod(sizes) >= 2**62:  # no room for a number per cell, and next to no equal rows
        order = np.lexsort([codes for codes, _ in reversed(found)])
        weight = np.ones(len(order)) if weight is None else weight[order]
        return Counted(tuple(Column(values, codes[order]) for codes, values in found), weight)
    cell = np.zeros(len(columns[0]), dtype=np.int64)
    for codes, values in found:
        cell = cell * len(values) + codes
    if weight is None:
        cells, counts = np.unique(cell, return_counts=True)
    else:
        cell, weight = cell[weight > 0], weight[weight > 0]
        cells, place = np.unique(cell, return_inverse=True)
        counts = np.bincount(place, weight, minlength=len(cells))
    counted = []
    for _, values in reversed(found):
        cells, codes = np.divmod(cells, max(len(values), 1))
        counted.append(Column(values, codes))
    return Counted(tuple(reversed(counted)), counts.astype(float))


def coded(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes of rows, and the distinct values in ascending order; counts and days need no hashing."""
    import pandas as pd

    if not len(column) or column.min() < 0 or column.max() > max(len(column), 1000):
        return pd.factorize(column, sort=True)
    whole = column.astype(np.int64, copy=False)
    if not np.array_equal(whole, column):
        return pd.factorize(column, sort=True)
    there = np.zeros(whole.max() + 1, dtype=bool)
    there[whole] = True
    return (np.cumsum(there) - 1)[whole], np.flatnonzero(there).astype(column.dtype)


def distinct(columns: Sequence[Column]) -> tuple[list[np.ndarray], np.ndarray]:
    """Distinct combinations of some columns, in the order of their first rows, and the number of each row's.

    Examples
    --------
    >>> import numpy as np
    >>> count, age = np.array([0.0, 2]), np.array([9.0])
    >>> values, codes = distinct([Column(count, np.array([0, 1, 0])), Column(age, np.array([0, 0, 0]))])
    >>> [column.tolist() for column in values], codes.tolist()
    ([[0.0, 2.0], [9.0, 9.0]], [0, 1, 0])
    """
    import pandas as pd

    codes, cells = pd.factorize(columns[0].codes)
    for column in columns[1:]:
        codes, cells = pd.factorize(codes.astype(np.int64) * len(column.values) + column.codes)
    first = np.empty(len(cells), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return [column.values[column.codes[first]] for column in columns], codes
