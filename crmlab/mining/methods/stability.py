"""Population stability: how far two samples of one column are distributed apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.errors import TableError
from crmlab.mining.methods.tabular import plain_values

#: Stability indices from which a distribution counts as somewhat shifted, and as shifted.
SOMEWHAT, SHIFTED = 0.1, 0.25
STABILITY_VERDICTS = ("stable", "somewhat shifted", "shifted")
_BINS = 10


def population_stability(before: pd.Series, after: pd.Series) -> float:
    """Population stability index of two samples of one column: 0 if they are distributed alike.

    Numbers are put into the tenths of the first sample (fewer where values are equal), texts by
    value; missing values are a class of their own. With the shares b and a of a class, the index is
    the sum of (a - b) ln(a / b). Half a customer is added to each class, so that none is empty.

    Parameters
    ----------
    before, after
        One value per customer.

    Returns
    -------
    float
        0 or more.

    References
    ----------
    N. Siddiqi (2006), Credit Risk Scorecards, chapter 9. The index is the divergence of H. Jeffreys
    (1946), Proceedings of the Royal Society A 186, 453-461.

    Examples
    --------
    >>> population_stability(pd.Series([1, 2, 3]), pd.Series([3, 2, 1]))
    0.0
    """
    if pd.api.types.is_numeric_dtype(before) and pd.api.types.is_numeric_dtype(after):
        x, y = (plain_values(part).to_numpy() for part in (before, after))
        if np.isinf(x).any() or np.isinf(y).any():
            raise TableError(
                f"The column {before.name} holds infinite values.", "", str(before.name), "infinite"
            )
        known = x[~np.isnan(x)]
        cuts = np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS)) if len(known) else np.array([])
        classes = [
            np.where(np.isnan(part), len(cuts) + 1, np.searchsorted(cuts, part, side="left"))
            for part in (x, y)
        ]
        counts = [np.bincount(part.astype(int), minlength=len(cuts) + 2) for part in classes]
    else:
        texts = [part.astype("str").fillna("").value_counts() for part in (before, after)]
        names = sorted(set(texts[0].index) | set(texts[1].index))
        counts = [part.reindex(names, fill_value=0).to_numpy() for part in texts]
    return float(stability_parts(*counts).sum())


def stability_parts(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """What each class adds to the stability index."""
    there = (before + after) > 0
    b, a = ((part + 0.5 * there) / max((part + 0.5 * there).sum(), 1) for part in (before, after))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(there, (a - b) * np.log(a / b), 0.0)
