"""Counts, means and covariances of columns within groups, from one pass of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.engine import as_table, collect, need_columns, need_numbers

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log


@dataclass(frozen=True)
class Moments:
    """What is known of c columns within g groups.

    Attributes
    ----------
    groups : DataFrame
        The groups, one row each, sorted.
    n : ndarray, shape (g,)
        Rows in which no column is missing; only these count.
    mean : ndarray, shape (g, c)
        NaN in a group without rows.
    covariance : ndarray, shape (g, c, c)
        Divided by n - 1; NaN for fewer than two rows.
    binary : bool
        Whether the first column holds only 0 and 1.
    """

    groups: pd.DataFrame
    n: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    binary: bool

    @property
    def total(self) -> np.ndarray:
        """Sums of the columns, shape (g, c)."""
        return np.where(self.n[:, None] > 0, self.mean * self.n[:, None], 0)


def group_moments(data: Log, by: Sequence[str], columns: Sequence[str], what: str = "The rows") -> Moments:
    """Moments of some columns within groups.

    Sums of whole numbers are exact, so that they do not depend on the order in which an engine adds
    them; of other numbers the last digits may.

    Parameters
    ----------
    data
        A frame or table.
    by
        Columns that make the groups.
    columns
        Columns of numbers or of true and false.
    what
        What the rows are, for sentences about what is missing.

    Raises
    ------
    TableError
        If a column is missing or holds text.

    Examples
    --------
    >>> found = group_moments(pd.DataFrame({"arm": ["a", "a", "b"], "x": [1, 3, 4]}), ["arm"], ["x"])
    >>> found.n.tolist(), found.mean.ravel().tolist(), found.covariance.ravel().tolist()
    ([2, 1], [2.0, 4.0], [2.0, nan])
    """
    table = as_table(data)
    columns = list(columns)
    need_columns(table, (*by, *columns), what)
    kinds = {name: table[name].type() for name in columns}
    need_numbers(table, [name for name in columns if not kinds[name].is_boolean()], what.lower())
    whole = {name: kind.is_integer() or kind.is_boolean() for name, kind in kinds.items()}
    values = [_exact(table[name]) if whole[name] else table[name].cast("float64") for name in columns]
    # One column leaves its own gaps out; of several, a row counts only if it has all.
    complete = None
    if len(columns) > 1:
        for name in dict.fromkeys(columns):
            here = table[name].notnull()
            complete = here if complete is None else complete & here
    first = values[0]
    sums = {
        "n": first.count(where=complete),
        "binary": ((first == 0) | (first == 1)).all(where=complete),
        **{f"sum{i}": value.sum(where=complete) for i, value in enumerate(values)},
    }
    pairs = list(combinations_with_replacement(range(len(columns)), 2))
    for i, j in pairs:
        exact = whole[columns[i]] and whole[columns[j]]
        sums[f"product{i}_{j}"] = _product(values[i], values[j], exact, i == j, complete)
    found = collect(table.group_by(**{name: table[name] for name in by}).agg(**sums), key=list(by))
    return _moments(found, list(by), pairs, [whole[name] for name in columns])


def _exact(column: ibis.Column) -> ibis.Column:
    return column.cast("int64").cast("decimal(19, 0)")


def _product(
    one: ibis.Column, other: ibis.Column, exact: bool, same: bool, complete: ibis.Column | None
) -> ibis.Column:
    """Sum of products if it is exact, else the covariance itself, which engines know how to find."""
    if exact:
        return (one * other).sum(where=complete)
    if same:
        return one.var(how="sample", where=complete)
    return one.cast("float64").cov(other.cast("float64"), how="sample", where=complete)


def _moments(found: pd.DataFrame, by: list[str], pairs: list[tuple[int, int]], whole: list[bool]) -> Moments:
    n = found["n"].to_numpy(dtype=np.int64)
    c = len(whole)
    mean, covariance = np.full((len(n), c), np.nan), np.full((len(n), c, c), np.nan)
    sums = [found[f"sum{i}"].tolist() for i in range(c)]
    for row, count in enumerate(n):
        if count:
            mean[row] = [float(Fraction(column[row]) / int(count)) for column in sums]
    for i, j in pairs:
        products = found[f"product{i}_{j}"].tolist()
        for row, count in enumerate(n.tolist()):
            if count < 2:
                continue
            value = products[row]
            if whole[i] and whole[j]:
                value = Fraction(value) - Fraction(sums[i][row]) * Fraction(sums[j][row]) / count
                value = float(value / (count - 1))
            covariance[row, i, j] = covariance[row, j, i] = value
    binary = [bool(value) for value, count in zip(found["binary"], n, strict=True) if count]
    return Moments(found[by], n, mean, covariance, all(binary))
