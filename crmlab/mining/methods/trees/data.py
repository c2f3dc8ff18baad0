"""What a tree is given: columns by their names, classes as numbers, weights; and what it refuses."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError, listed

Columns = dict[str, pd.Series | np.ndarray]

#: What pandas calls objects that are points in time or lengths of it.
DATES = ("date", "datetime", "datetime64", "time", "timedelta", "timedelta64", "period", "interval")


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

        given = X
        X = check_array(X, dtype=None, ensure_all_finite="allow-nan", ensure_min_features=1)
        if X.dtype == object or X.dtype.kind in "US":
            # A list of lists keeps the types that an array of it would turn into texts.
            table = given if isinstance(given, list | tuple) else X.astype(object)
            frame = pd.DataFrame(table).infer_objects()
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
    return X, {name: _plain_column(name, values) for name, values in columns.items()}


def _plain_column(name: str, values: pd.Series | np.ndarray) -> pd.Series | np.ndarray:
    """A column of numbers or names; numbers that are held as objects become numbers."""
    kind = values.dtype.kind
    held = pd.api.types.infer_dtype(values, skipna=True) if values.dtype == object else ""
    if kind in "Mm" or isinstance(values.dtype, pd.PeriodDtype) or held in DATES:
        raise DataError(f"Column {name} holds dates or durations; give numbers, such as days until now.")
    if kind == "c" or held == "complex":
        raise DataError(f"Complex data not supported: column {name}.")
    if held == "mixed" and not values.map(_is_name).all():
        raise DataError(f"Column {name} holds lists or the like; give numbers or names.")
    if held in ("decimal", "integer", "floating", "mixed-integer-float"):
        return pd.Series(pd.to_numeric(values.astype(float)), index=values.index)
    return values


def _is_name(value: Any) -> bool:
    return isinstance(value, Hashable)


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
    """Say so if there are more or fewer classes than rows, or none.

    Raises
    ------
    DataError
        If there are.
    """
    if not rows:
        raise DataError("There are 0 rows (0 sample(s)): there is nothing to learn from.")
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

    if isinstance(y, str):
        raise DataError(f"y is the class of each row, not a name: give X[{y!r}], and leave it out of X.")
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
    try:
        found = np.asarray(costs, dtype=float)
    except (TypeError, ValueError):
        raise DataError("The costs are a square table of numbers, one row and column per class.") from None
    if found.shape != (len(names), len(names)):
        raise DataError(f"The costs of {len(names)} classes are {len(names)} x {len(names)} numbers.")
    if not (np.isfinite(found) & (found >= 0)).all():
        raise DataError("A cost is a number from 0 upwards.")
    return found
