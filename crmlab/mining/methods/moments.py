"""Counts, means and covariances of columns within groups, from one pass of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import combinations_with_replacement
from operator import and_
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.engine import as_table, collect, need_columns, need_numbers

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

#: From here on, whole numbers are rounded in double precision.
_ROUNDED = 2.0**53


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
    found = _plain_sums(table, list(by), columns) if all(whole.values()) else None
    if found is None:
        found = _exact_sums(table, list(by), columns, whole)
    return _moments(found, list(by), [whole[name] for name in columns])


def _pairs(count: int) -> list[tuple[int, int]]:
    return list(combinations_with_replacement(range(count), 2))


def _plain_sums(table: ibis.Table, by: list[str], columns: list[str]) -> pd.DataFrame | None:
    """Sums of whole numbers in floating point, if they are exact; else none.

    As long as the squares of a column sum to less than 2^53, so does all that is summed on the way, and
    nothing is rounded. This takes a third of the time of exact arithmetic.
    """
    values = [table[name].cast("int64").cast("float64") for name in columns]
    sums = {"n": values[0].count()}
    sums |= {f"count{i}": value.count() for i, value in enumerate(values)}
    sums |= {f"sum{i}": value.sum().fill_null(0) for i, value in enumerate(values)}
    sums |= {f"product{i}_{j}": (values[i] * values[j]).sum().fill_null(0) for i, j in _pairs(len(values))}
    found = collect(
        table.group_by(**{name: table[name] for name in by}).agg(rows=table.count(), **sums), key=by
    )
    if len(columns) > 1 and any((found[f"count{i}"] != found["rows"]).any() for i in range(len(columns))):
        return None
    if any((found[f"product{i}_{i}"] >= _ROUNDED).any() for i in range(len(columns))):
        return None
    # Whole numbers equal their squares only if they are 0 or 1.
    return found.assign(binary=found["product0_0"] == found["sum0"])


def _exact_sums(table: ibis.Table, by: list[str], columns: list[str], whole: dict[str, bool]) -> pd.DataFrame:
    """Sums of whole numbers as decimals, of others as the engine sums them, of rows that lack nothing."""
    values = [
        table[name].cast("int64").cast("decimal(19, 0)") if whole[name] else table[name].cast("float64")
        for name in columns
    ]
    complete = reduce(and_, [table[name].notnull() for name in dict.fromkeys(columns)])
    first = values[0]
    sums = {
        "n": first.count(where=complete),
        "binary": ((first == 0) | (first == 1)).all(where=complete),
    }
    for i, value in enumerate(values):
        total = value.sum(where=complete)
        # As text, since sums have more digits than some number types on the way.
        sums[f"sum{i}"] = total.cast("string") if whole[columns[i]] else total
    for i, j in _pairs(len(columns)):
        one, other = values[i], values[j]
        if whole[columns[i]] and whole[columns[j]]:
            sums[f"product{i}_{j}"] = (one * other).sum(where=complete).cast("string")
        elif i == j:
            sums[f"product{i}_{j}"] = one.var(how="sample", where=complete)
        else:
            both = (one.cast("float64"), other.cast("float64"))
            sums[f"product{i}_{j}"] = both[0].cov(both[1], how="sample", where=complete)
    return collect(table.group_by(**{name: table[name] for name in by}).agg(**sums), key=by)


def _moments(found: pd.DataFrame, by: list[str], whole: list[bool]) -> Moments:
    """Means and covariances from sums: of whole numbers without rounding, of others as they came."""
    n, c = found["n"].to_numpy(dtype=np.int64), len(whole)
    mean, covariance = np.full((len(n), c), np.nan), np.full((len(n), c, c), np.nan)
    sums = [found[f"sum{i}"].tolist() for i in range(c)]
    for row, count in enumerate(n.tolist()):
        if count:
            mean[row] = [float(Fraction(column[row]) / count) for column in sums]
    for i, j in _pairs(c):
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
