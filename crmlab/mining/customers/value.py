"""What customers are worth, and how unevenly."""

from __future__ import annotations

import numpy as np
import pandas as pd


def concentration(values: pd.Series, at_least: int | None = None) -> pd.DataFrame:
    """Share of the total that the best customers bring (a Lorenz curve from the top).

    Parameters
    ----------
    values : Series
        One value per customer, such as `monetary_value`; negative ones count as they are.
    at_least
        Number of customers from one point to the next, at least; there are 101 points if not given.

    Returns
    -------
    DataFrame
        101 rows, or fewer: `customers`, share of customers from 0 to 1, best first, and `value`, the share
        of the total they bring. Empty if the total is not positive.

    Examples
    --------
    >>> curve = concentration(pd.Series([60, 20, 10, 10]))
    >>> curve.loc[25].round(2).tolist()
    [0.25, 0.6]
    """
    ordered = np.sort(values.dropna().to_numpy(dtype=float))[::-1]
    if ordered.sum() <= 0:
        return pd.DataFrame({"customers": [], "value": []}, dtype=float)
    steps = 100 if at_least is None else max(min(100, len(ordered) // at_least), 1)
    share = np.linspace(0, 1, steps + 1)
    cumulated = np.insert(np.cumsum(ordered), 0, 0) / ordered.sum()
    return pd.DataFrame(
        {"customers": share, "value": np.interp(share * len(ordered), np.arange(len(cumulated)), cumulated)}
    )
