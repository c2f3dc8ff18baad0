"""Ratios of gamma functions, and their slopes, without the cancellation of two large logarithms."""

from __future__ import annotations

import numpy as np


def log_rising(start: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Log of the rising factorial start (start + 1) ... (start + n - 1), and its slope, for n < size.

    A running sum stays exact where a difference of two log-gammas would cancel.
    """
    steps = start + np.arange(size - 1)
    log, slope = np.zeros(size), np.zeros(size)
    np.cumsum(np.log(steps), out=log[1:])
    np.cumsum(1 / steps, out=slope[1:])
    return log, slope


def log_gamma_ratio(start: float, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log of gamma(start + steps) / gamma(start), steps of any length, and its slope in start.

    Beyond 30 Stirling's series is exact to the last digit, and its differences can be taken by hand.
    """
    from scipy.special import digamma, gammaln

    end = start + steps
    if start < 30:
        return gammaln(end) - gammaln(start), digamma(end) - digamma(start)
    gap = np.log1p(steps / start)
    value = (start - 0.5) * gap + steps * (np.log(end) - 1)
    slope = gap + steps / (2 * start * end)
    for power, term in ((1, 1 / 12), (3, -1 / 360), (5, 1 / 1260), (7, -1 / 1680)):
        value += term * (end**-power - start**-power)
        slope -= power * term * (end ** -(power + 1) - start ** -(power + 1))
    return value, slope
