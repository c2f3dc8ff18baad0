"""What a tree is given: columns by their names, classes as numbers, weights; and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError, listed

Columns = dict[str, pd.Series | np.ndarray]


class DataError(ParameterError, ValueError):
    """Data that a tree can neither be learned from nor be asked about."""


def columns_of(X: pd.DataFrame | np.ndarray | list) -> tuple[pd.DataFrame | np.ndarray, Columns]:
    """The data as a frame or an array, and each of its columns by name; those of an array are x0, x1, ...

    Raises
    ------
    DataError
        If a column holds neither numbers nor names, or two columns have one name.
    """
    if not isinstance(X, pd.DataFrame):
        from sklearn.utils import check_array

        X = check_array(X, dtype=None, ensure_all_finite="allow-nan", ensure_min_features=1)
        if X.dtype == object or X.dtype.kind in "US":
            frame = pd.DataFrame(X.astype(object)).infer_objects()
            columns = {f"x{place}": frame[place] for place in range(X.shape[1])}
        else:
            columns = {f"x{place}": X[:, place] for place in range(X.shape[1])}
    else:
        columns = {str(name): X.iloc[:, place] for place, name in enumerate(X.columns)}
        if not columns:
            raise DataError("There are 0 feature(s) (columns) in the data; a minimum of 1 is required.")
        if len(columns) < X.shape[1]:
            twice = X.columns[X.columns.astype(str).duplicated()]
            raise DataError(f"Two columns have one name ({listed(map(str, twice))}); name them differently.")
    for name, values in columns.items():
        if values.dtype.kind in "Mm":
            raise DataError(f"Column {name} holds dates or durations; give numbers, such as days until now.")
        if values.dtype.kind == "c":
            raise DataError(f"Complex data not supported: column {name}.")
    return X, columns


def take(values: pd.Series | np.ndarray, rows: np.ndarray | slice) -> pd.Series | np.ndarray:
    """The values of some rows."""
    return values.iloc[rows] if isinstance(values, pd.Series) else values[rows]


def weights_of(sample_weight: Any, rows: int) -> np.ndarray | None:
    """Weights of the rows; None where there are none.

    Raises
    ------
    DataError
        If a weight is negative, or all are 0.
    """
    if sample_weight is None:
        return None
    from sklearn.utils.validation import _check_sample_weight

    weight = _check_sample_weight(
        sample_weight, np.empty((rows, 0)), dtype=np.float64, allow_all_zero_weights=True
    )
    if (weight < 0).any():
        raise DataError("A weight is a number from 0 upwards.")
    if not weight.any():
        raise DataError("All weights are zero: there is nothing to learn from.")
    return weight


def check_lengths(rows: int, classes: int) -> None:
    """Say so if there are more or fewer classes than rows.

    Raises
    ------
    DataError
        If there are.
    """
    if rows != classes:
        raise DataError(f"There are {rows:,} rows, but {classes:,} classes (inconsistent numbers).")


def refuse_infinite(numbers: np.ndarray, name: str, start: int = 0) -> None:
    """Say where a column holds infinite values.

    Raises
    ------
    DataError
        If there are any.
    """
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        rows = listed(f"{row + start:,}" for row in infinite[:5])
        raise DataError(
            f"Column {name} holds infinity (position {rows}, counted from 0); put a number or a missing "
            "value there."
        )


class Classes:
    """The classes of a target, in order, and the number of each.

    Raises
    ------
    DataError
        If a class is missing, or the target is a measure rather than a class.
    """

    def __init__(self, values: np.ndarray) -> None:
        from sklearn.utils.multiclass import check_classification_targets

        if pd.isna(values).any():
            raise DataError("Input y contains NaN: some rows have no class; leave them out.")
        try:
            values = np.sort(values)
        except TypeError:
            raise DataError("The classes in y are of several kinds, such as texts and numbers.") from None
        check_classification_targets(values)
        self.values = values
        self._plain = values.dtype.kind in "iub" and np.array_equal(values, np.arange(len(values)))

    @classmethod
    def of(cls, y: np.ndarray) -> Classes:
        """The classes that stand in a target."""
        return cls(np.asarray(pd.unique(y)))

    def numbers(self, y: np.ndarray) -> np.ndarray:
        """Place of each class among them."""
        if self._plain:
            return y.astype(np.intp)
        if y.dtype.kind in "iufb":
            return np.searchsorted(self.values, y)
        return pd.Index(self.values).get_indexer(pd.Index(y))


def target_of(y: Any) -> np.ndarray:
    """A target as an array of one dimension.

    Raises
    ------
    DataError
        If it has several columns.
    """
    from sklearn.utils.validation import column_or_1d

    if isinstance(y, pd.Series):
        return y.to_numpy()
    return column_or_1d(y, warn=True)


def cost_matrix(costs: Any, classes: np.ndarray) -> np.ndarray | None:
    """Cost of each prediction for each true class, shape (true, predicted); None without costs.

    Parameters
    ----------
    costs
        A square table in the order of the classes, a DataFrame labelled by them, or a dict of what it
        costs to mistake each class for another, `{true: cost}` or `{true: {predicted: cost}}`.

    Raises
    ------
    DataError
        If it names unknown classes, has another shape, or a cost is negative or missing.
    """
    if costs is None:
        return None
    names = classes.tolist()
    if isinstance(costs, Mapping):
        table = pd.DataFrame(1.0 - np.eye(len(names)), index=names, columns=names)
        for true, cost in costs.items():
            named = cost if isinstance(cost, Mapping) else {name: cost for name in names if name != true}
            unknown = [name for name in (true, *named) if name not in names]
            if unknown:
                raise DataError(f"Costs name classes that are not there: {listed(map(str, unknown))}.")
            for predicted, amount in named.items():
                table.loc[true, predicted] = amount
        costs = table
    if isinstance(costs, pd.DataFrame):
        if set(costs.index) != set(names) or set(costs.columns) != set(names):
            raise DataError(f"The rows and columns of the costs are the classes {listed(map(str, names))}.")
        costs = costs.loc[names, names]
    found = np.asarray(costs, dtype=float)
    if found.shape != (len(names), len(names)):
        raise DataError(f"The costs of {len(names)} classes are {len(names)} x {len(names)} numbers.")
    if not (np.isfinite(found) & (found >= 0)).all():
        raise DataError("A cost is a number from 0 upwards.")
    return found
