"""Two groups compared by their means or proportions: difference, ratio, intervals, and p-value."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.mining.methods.intervals import Interval, newcombe, welch, wilson

#: Beyond this many standard errors a p-value is zero in double precision.
_FAR, _HALVINGS = 40.0, 60


def compare(
    mean: ArrayLike, variance: ArrayLike, n: ArrayLike,
    other_mean: ArrayLike, other_variance: ArrayLike, other_n: ArrayLike,
    binary: bool = False, level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Difference and ratio of the means of two independent groups, the first against the other.

    All parts tell the same story: the interval of the difference leaves out 0 exactly where that of the
    ratio leaves out 1, and where p is below 1 - `level`.

    Parameters
    ----------
    mean, variance, n, other_mean, other_variance, other_n
        Moments of both groups, variances divided by n - 1; numbers or arrays.
    binary
        Whether the outcome is 0 or 1. Then the interval of the difference is Newcombe's, from Wilson's
        of each proportion; else Welch's.

    Returns
    -------
    DataFrame
        `difference`, `standard_error` (Welch's), `low`, `high`, `ratio`, `ratio_low`, `ratio_high` and
        `p` (two-sided). The interval of the ratio is Fieller's for means, and the same built from
        Wilson's intervals for proportions (see `ratio_interval`).

    Examples
    --------
    >>> compare(0.8, 0.162, 70, 0.6, 0.243, 80, binary=True).round(4).iloc[0].tolist()
    [0.2, 0.0732, 0.0524, 0.3339, 1.3333, 1.0783, 1.6629, 0.0081]
    """
    given = (mean, variance, n, other_mean, other_variance, other_n)
    moments = np.broadcast_arrays(*(np.atleast_1d(np.asarray(part, dtype=float)) for part in given))
    mean, variance, n, other_mean, other_variance, other_n = moments
    with np.errstate(divide="ignore", invalid="ignore"):
        error, low, high = welch(*moments, level=level)
        if binary:
            hits, other_hits = mean * n, other_mean * other_n
            low, high = newcombe(hits, n, other_hits, other_n, level)
            own, others = wilson(hits, n, level), wilson(other_hits, other_n, level)
            p = newcombe_p(hits, n, other_hits, other_n)
        else:
            # Fieller's interval with the quantile of the difference, so that both agree.
            quantile = (high - low) / 2 / error
            half, other_half = quantile * np.sqrt(variance / n), quantile * np.sqrt(other_variance / other_n)
            own, others = (mean - half, mean + half), (other_mean - other_half, other_mean + other_half)
            p = welch_p(*moments)
        ratio = mean / other_mean
    ratio_low, ratio_high = ratio_interval(mean, own, other_mean, others)
    return pd.DataFrame({
        "difference": mean - other_mean, "standard_error": error, "low": low, "high": high,
        "ratio": ratio, "ratio_low": ratio_low, "ratio_high": ratio_high, "p": p,
    })  # fmt: skip


def ratio_interval(
    value: ArrayLike, interval: Interval, other: ArrayLike, other_interval: Interval
) -> Interval:
    """Interval of the ratio of two independent estimates from the interval of each.

    All ratios R for which the interval of value - R x other, put together by the same method, holds 0. From
    Student's intervals of two means this is Fieller's, from Wilson's of two proportions a close
    relative of the score interval. It leaves out 1 exactly where the interval of the difference leaves out 0.

    Parameters
    ----------
    value, interval, other, other_interval
        The estimates and their intervals, all of one level.

    Returns
    -------
    low, high
        `high` is infinite where the other estimate may be 0; both are NaN where it may be negative, or is
        zero together with the first.

    References
    ----------
    A. Donner and G. Y. Zou (2012), Closed-form confidence intervals for functions of the normal mean and
    standard deviation, Statistical Methods in Medical Research 21, 347-359 (MOVER-R).
    E. C. Fieller (1954), Some problems in interval estimation, Journal of the Royal Statistical Society B
    16, 175-185.

    Examples
    --------
    >>> [round(float(end), 3) for end in ratio_interval(10, (7, 14), 5, (3, 8))]
    [1.106, 3.673]
    """
    value, other = np.asarray(value, dtype=float), np.asarray(other, dtype=float)
    (low, high), (other_low, other_high) = interval, other_interval
    centre = value * other
    with np.errstate(divide="ignore", invalid="ignore"):
        # Each end is a root of a R^2 - 2 centre R + c = 0.
        a, c = other_high * (2 * other - other_high), low * (2 * value - low)
        root = np.sqrt(np.maximum(centre**2 - a * c, 0))
        # Where all that is left of it is a R^2 = 0, the root is 0.
        below = np.where((c == 0) & (root == 0), 0, c / root)
        least = np.where(centre > 0, c / (centre + root), np.where(a > 0, (centre - root) / a, below))
        a, c = other_low * (2 * other - other_low), high * (2 * value - high)
        most = np.where(a > 0, (centre + np.sqrt(np.maximum(centre**2 - a * c, 0))) / a, np.inf)
    known = (other_low >= 0) & ~((value == 0) & (other == 0)) & ~np.isnan(value) & ~np.isnan(other)
    return np.where(known, least, np.nan), np.where(known, most, np.nan)


def welch_p(
    mean: ArrayLike, variance: ArrayLike, n: ArrayLike,
    other_mean: ArrayLike, other_variance: ArrayLike, other_n: ArrayLike,
) -> np.ndarray:  # fmt: skip
    """Two-sided p-value of Welch's t test of two means; NaN where neither group varies.

    References
    ----------
    B. L. Welch (1947), Biometrika 34, 28-35.

    Examples
    --------
    >>> round(float(welch_p(10, 4, 16, 8, 9, 25)), 4)
    0.0144
    """
    from scipy.special import stdtr

    given = (mean, variance, n, other_mean, other_variance, other_n)
    mean, variance, n, other_mean, other_variance, other_n = (np.asarray(p, dtype=float) for p in given)
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = variance / n, other_variance / other_n
        freedom = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (other_n - 1))
        return 2 * stdtr(freedom, -np.abs(mean - other_mean) / np.sqrt(a + b))


def newcombe_p(
    successes: ArrayLike, n: ArrayLike, other_successes: ArrayLike, other_n: ArrayLike
) -> np.ndarray:
    """Two-sided p-value of two proportions: one minus the level at which Newcombe's interval touches 0.

    Examples
    --------
    >>> round(float(newcombe_p(56, 70, 48, 80)), 4)
    0.0081
    """
    from scipy.special import ndtr

    given = (successes, n, other_successes, other_n)
    successes, n, other_successes, other_n = (np.asarray(part, dtype=float) for part in given)
    with np.errstate(divide="ignore", invalid="ignore"):
        share, other = successes / n, other_successes / other_n
        difference = share - other
        up = difference > 0
        # The larger proportion and the smaller one.
        more, its_n = np.where(up, share, other), np.where(up, n, other_n)
        less, other_n = np.where(up, other, share), np.where(up, other_n, n)
        near, far = np.zeros(difference.shape), np.full(difference.shape, _FAR)
        for _ in range(_HALVINGS):
            z = (near + far) / 2
            away = np.hypot(more - _score_end(more, its_n, z, -1), _score_end(less, other_n, z, 1) - less)
            left_out = more - less > away
            near, far = np.where(left_out, z, near), np.where(left_out, far, z)
    return np.where(np.isnan(difference), np.nan, 2 * ndtr(-near))


def _score_end(share: np.ndarray, n: np.ndarray, z: np.ndarray, side: int) -> np.ndarray:
    """End of Wilson's interval for any number of standard errors."""
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (share + z**2 / (2 * n) + side * half) / (1 + z**2 / n)
