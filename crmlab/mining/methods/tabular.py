"""Columns of numbers and texts as the numbers that a learner takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer


def plain_values(values: pd.Series) -> pd.Series:
    """A column as floats, or as texts with "" for what is missing.

    Examples
    --------
    >>> plain_values(pd.Series(["a", None])).tolist()
    ['a', '']
    """
    if pd.api.types.is_numeric_dtype(values):
        return pd.Series(values.astype("Float64").to_numpy(dtype=float, na_value=np.nan), values.index)
    return values.astype("object").where(values.notna(), "").astype(str).astype("object")


def plain_frame(X: pd.DataFrame) -> pd.DataFrame:
    """Each column as `plain_values` gives it."""
    return pd.DataFrame({name: plain_values(values) for name, values in X.items()}, index=X.index)


def column_encoder(X: pd.DataFrame, scaled: bool = True) -> tuple[list, ColumnTransformer]:
    """What makes numbers of columns, not yet fitted, and the columns it looks at: those with any value.

    Texts: a column per value, rare ones (below 1 %, or beyond the 20 most frequent) together; a gap is a
    value. Frames are to be plain before, see `plain_values`.

    Parameters
    ----------
    scaled
        Whether gaps of numbers are filled with the median and marked by a column of their own, and
        numbers then scaled, as linear models need it; else they pass as they are.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    told = [name for name in X if X[name].notna().any()]
    numbers = [name for name in told if pd.api.types.is_numeric_dtype(X[name])]
    texts = [name for name in told if name not in numbers]
    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=0.01, max_categories=20, sparse_output=False
    )
    filled: Any = SimpleImputer(strategy="median", add_indicator=True)
    prepared = make_pipeline(filled, StandardScaler()) if scaled else "passthrough"
    return told, ColumnTransformer([("numbers", prepared, numbers), ("texts", one_hot, texts)])
