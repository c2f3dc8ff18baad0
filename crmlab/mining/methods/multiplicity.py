"""Many comparisons at once: what is left of a small p-value that was looked for among many."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError


def holm(p: ArrayLike) -> np.ndarray:
    """P-values adjusted for the number of comparisons by Holm's step-down method.

    Rejecting where the adjusted value is at most alpha, the chance of any false rejection is at most
    alpha, however the comparisons hang together.

    Parameters
    ----------
    p
        One p-value per comparison; missing ones stay missing and are not counted.

    Returns
    -------
    array
        In the order of `p`, 0 to 1.

    Raises
    ------
    ParameterError
        If a value lies outside 0 to 1.

    References
    ----------
    S. Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6, 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=float)
    if ((p < 0) | (p > 1)).any():
        raise ParameterError("p-values lie between 0 and 1.")
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted
