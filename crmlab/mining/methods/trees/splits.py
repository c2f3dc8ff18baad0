"""A split of one column: cut points of numbers or groups of values, and the branch each row takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError, did_you_mean
from crmlab.mining.methods.trees.data import DataError

Value = str | bool | int | float


@dataclass(frozen=True)
class Cuts:
    """A numeric column cut into intervals.

    Attributes
    ----------
    column : str
        The column that is cut.
    points : tuple of float
        Rising cut points; branch 0 holds values up to and including the first point, branch i those
        above point i - 1 up to and including point i, the last interval those above the last point.
    missing : int
        Branch of missing values: that of an interval, or `len(points) + 1` for a branch of their own.
    """

    column: str
    points: tuple[float, ...]
    missing: int = 0

    @property
    def degree(self) -> int:
        """Number of branches."""
        return len(self.points) + 1 + self.missing_apart

    @property
    def missing_apart(self) -> bool:
        """Whether missing values have a branch of their own."""
        return self.missing > len(self.points)

    def branch_of(self, values: pd.Series | np.ndarray) -> np.ndarray:
        """Branch of each value, shape (n,)."""
        numbers = numbers_of(values, self.column)
        found = np.searchsorted(np.array(self.points), numbers, side="left")
        found[np.isnan(numbers)] = self.missing
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"column": self.column, "cuts": list(self.points), "missing": self.missing}


@dataclass(frozen=True)
class Groups:
    """A column of names cut into groups of values.

    Attributes
    ----------
    column : str
        The column that is grouped.
    groups : tuple of tuples of values
        The values of each branch, each value once.
    missing : int
        Branch of missing values: that of a group, or `len(groups)` for a branch of their own.
    other : int
        Branch of values that stand in no group.
    """

    column: str
    groups: tuple[tuple[Value, ...], ...]
    missing: int = 0
    other: int = 0

    @property
    def degree(self) -> int:
        """Number of branches."""
        return len(self.groups) + self.missing_apart

    @property
    def missing_apart(self) -> bool:
        """Whether missing values have a branch of their own."""
        return self.missing >= len(self.groups)

    def branch_of(self, values: pd.Series | np.ndarray) -> np.ndarray:
        """Branch of each value, shape (n,)."""
        names = as_names(values)
        known = pd.Index([value for group in self.groups for value in group], dtype=object)
        sides = np.repeat(np.arange(len(self.groups)), [len(group) for group in self.groups])
        codes, distinct = pd.factorize(names)
        place = known.get_indexer(pd.Index(distinct, dtype=object))
        side_of = np.where(place >= 0, sides[place] if len(sides) else 0, self.other)
        return np.append(side_of, self.missing)[codes]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "column": self.column,
            "groups": [list(group) for group in self.groups],
            "missing": self.missing,
            "other": self.other,
        }


Split = Cuts | Groups


def split_from_dict(plain: dict[str, Any]) -> Split:
    """The split that :meth:`Cuts.to_dict` or :meth:`Groups.to_dict` wrote down."""
    if "cuts" in plain:
        return Cuts(plain["column"], tuple(map(float, plain["cuts"])), int(plain["missing"]))
    groups = tuple(tuple(group) for group in plain["groups"])
    return Groups(plain["column"], groups, int(plain["missing"]), int(plain["other"]))


def values_of(X: pd.DataFrame | np.ndarray, columns: list[str], column: str) -> pd.Series | np.ndarray:
    """One column of data laid out as `columns`, by its name; by its place where they are those of an array.

    Raises
    ------
    ParameterError
        If it is not there.
    """
    place = columns.index(column)
    if not isinstance(X, pd.DataFrame):
        return np.asarray(X)[:, place]
    if column in X.columns:
        return X[column]
    names = [str(name) for name in X.columns]
    if column in names:
        return X.iloc[:, names.index(column)]
    # A tree that was learned from an array knows its columns by their places only.
    if X.shape[1] == len(columns) and columns == [f"x{at}" for at in range(len(columns))]:
        return X.iloc[:, place]
    raise ParameterError(
        f"The tree asks for the column {column!r}, which is not here{did_you_mean(column, names)}"
    )


def is_numeric(values: pd.Series | np.ndarray) -> bool:
    """Whether a column is cut (numbers) and not grouped (names, yes and no)."""
    dtype = values.dtype
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)


def as_numbers(values: pd.Series | np.ndarray) -> np.ndarray:
    """Values as floats, missing ones NaN; what is no number raises ValueError."""
    plain = isinstance(values.dtype, np.dtype) and values.dtype.kind in "fiu"
    if isinstance(values, pd.Series) and not plain:
        return values.to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(values, dtype=float)


def numbers_of(values: pd.Series | np.ndarray, column: str) -> np.ndarray:
    """Values as floats, as :func:`as_numbers`; what is no number is told with its column.

    Raises
    ------
    DataError
        If a value is no number.
    """
    try:
        return as_numbers(values)
    except (TypeError, ValueError):
        raise DataError(f"Column {column} was learned as numbers and holds something else here.") from None


def as_names(values: pd.Series | np.ndarray) -> np.ndarray:
    """Values as objects; missing ones are whatever pandas holds for missing."""
    if isinstance(values, pd.Series):
        return values.astype(object).to_numpy()
    return np.asarray(values, dtype=object)


def plain_value(value: Any) -> Value:
    """A value of a group without numpy's types, which repr and JSON do not write as they are."""
    return value.item() if isinstance(value, np.generic) else value
