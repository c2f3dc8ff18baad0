"""Confidence intervals that hold in small samples too; numbers or arrays alike."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError

Interval = tuple[np.ndarray, np.ndarray]
_HALVINGS = 48  # of a length of at most two: the rest is below 1e-14


@dataclass(frozen=True)
class Estimate:
    """A number with its confidence interval.

    Attributes
    ----------
    value, low, high : float
        The estimate and the ends of its interval; NaN where there is no answer.
    n : int
        Number of observations behind it.
    level : float
        Confidence level of the interval.
    """

    value: float
    low: float
    high: float
    n: int
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.value:.4g} ({self.level:.0%} interval {self.low:.4g} to {self.high:.4g}, n={self.n:,})"


def normal_quantile(level: float) -> float:
    """Z such that a standard normal variable lies within -z and z with probability `level`.

    Examples
    --------
    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    if not 0 < level < 1:
        raise ParameterError(f"level is a share between 0 and 1, such as 0.95, not {level!r}.")
    return NormalDist().inv_cdf(0.5 + level / 2)


def wilson(successes: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """Score interval of a proportion.

    Parameters
    ----------
    successes, n
        Numbers of successes and trials; no trials give NaN.

    References
    ----------
    E. B. Wilson (1927), Journal of the American Statistical Association 22, 209-212.

    Examples
    --------
    >>> [round(float(end), 4) for end in wilson(81, 263)]
    [0.2553, 0.3662]
    """
    successes, n = np.asarray(successes, dtype=float), np.asarray(n, dtype=float)
    z = normal_quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = successes / n
        centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # Rounding must not leave the ends of an all-or-nothing sample a hair inside.
    low = np.where(successes == 0, np.where(n > 0, 0.0, np.nan), centre - half)
    high = np.where(successes == n, np.where(n > 0, 1.0, np.nan), centre + half)
    return low, high


def newcombe(
    successes: ArrayLike, n: ArrayLike, other_successes: ArrayLike, other_n: ArrayLike, level: float = 0.95
) -> Interval:
    """Interval of the difference of two independent proportions, the first minus the other.

    References
    ----------
    R. G. Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.

    Examples
    --------
    >>> [round(float(end), 4) for end in newcombe(56, 70, 48, 80)]
    [0.0524, 0.3339]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.asarray(successes, dtype=float) / np.asarray(n, dtype=float)
        other = np.asarray(other_successes, dtype=float) / np.asarray(other_n, dtype=float)
    return difference_interval(
        share, wilson(successes, n, level), other, wilson(other_successes, other_n, level)
    )


def difference_interval(
    value: ArrayLike, interval: Interval, other: ArrayLike, other_interval: Interval
) -> Interval:
    """Interval of the difference of two independent estimates from the interval of each.

    Parameters
    ----------
    value, interval, other, other_interval
        The estimates and their intervals, all of one level.

    References
    ----------
    G. Y. Zou and A. Donner (2008), Construction of confidence limits about effect measures, Statistics
    in Medicine 27, 1693-1702.

    Examples
    --------
    >>> [round(float(end), 3) for end in difference_interval(10, (7, 14), 5, (1, 8))]
    [0.757, 10.657]
    """
    value, other = np.asarray(value, dtype=float), np.asarray(other, dtype=float)
    (low, high), (other_low, other_high) = interval, other_interval
    difference = value - other
    return (
        difference - np.hypot(value - low, other_high - other),
        difference + np.hypot(high - value, other - other_low),
    )


def share_difference(
    plus: ArrayLike, minus: ArrayLike, n: ArrayLike, level: float = 0.95, method: str = "score"
) -> Interval:
    """Interval of the difference of two shares of one sample, such as promoters minus detractors.

    Parameters
    ----------
    plus, minus, n
        Numbers of one kind, of the other, and of all; no observations give NaN.
    method
        ``"score"``: all differences that Tango's score test does not reject, with a quarter of the
        step between possible differences as continuity correction. ``"adjusted"``: Wald's interval
        after three observations are added, a quarter of them on each side and half in between.
        ``"wald"``: none are added.

    Notes
    -----
    Coverage of 95 % intervals, counted over all samples of a thousand mixes of the three kinds,
    for 23 numbers n from 20 to 1,000 (``benchmarks/coverage_nps.py``):

    - where each kind is expected three times or more, ``"score"`` holds 94.8 to 97.0 %, ``"adjusted"``
      93.9 to 97.7 %, ``"wald"`` 89.5 to 95.7 %;
    - where a kind is rarer, ``"score"`` holds 92.9 % or more, ``"adjusted"`` 90 % or more (its gaps are
      where one of the two sides is missing), and ``"wald"`` may hold next to nothing. No interval can
      stay below 97 % there: if all are of one kind, every sample is the same, and is covered or not.

    References
    ----------
    T. Tango (1998), Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design, Statistics in Medicine 17, 891-908.
    P. J. Laud (2017), Equal-tailed confidence intervals for comparison of rates, Pharmaceutical
    Statistics 16, 334-348, on continuity corrections between none and a half.
    B. Rocks (2016), Interval estimation for the "Net Promoter Score", The American Statistician
    70, 365-372, on the adjusted interval.

    Examples
    --------
    >>> [round(float(end), 4) for end in share_difference(100, 40, 200)]
    [0.1866, 0.4047]
    >>> [round(float(end), 4) for end in share_difference(100, 40, 200, method="wald")]
    [0.1918, 0.4082]
    """
    if method not in ("score", "adjusted", "wald"):
        raise ParameterError(f"method is 'score', 'adjusted' or 'wald', not {method!r}.")
    z = normal_quantile(level)
    plus, minus, n = (np.asarray(part, dtype=float) for part in (plus, minus, n))
    if method == "score":
        return _score_end(plus, minus, n, z, -1), _score_end(plus, minus, n, z, 1)
    added = 3.0 if method == "adjusted" else 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(n > 0, n + added, np.nan)
        up, down = (plus + added / 4) / size, (minus + added / 4) / size
        half = z * np.sqrt((up + down - (up - down) ** 2) / size)
    return np.maximum(up - down - half, -1), np.minimum(up - down + half, 1)


def _score_end(plus: np.ndarray, minus: np.ndarray, n: np.ndarray, z: float, side: int) -> np.ndarray:
    """Lower (side -1) or upper end (1) of the score interval, by halving."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (plus - minus) / n
    # Differences go in steps of one observation; of two where none lies in between.
    correction = np.where(plus + minus == n, 0.5, 0.25)
    inside, outside = found, np.full(found.shape, float(side))
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        # The share of minus that is likeliest if the difference is `middle` solves a quadratic equation.
        b = (2 * n - plus + minus) * middle - plus - minus
        c = -minus * middle * (1 - middle)
        with np.errstate(invalid="ignore"):
            down = (np.sqrt(np.maximum(b**2 - 8 * n * c, 0)) - b) / (4 * n)
            error = np.sqrt(np.maximum(n * (2 * down + middle * (1 - middle)), 0))
            held = side * (n * middle - plus + minus) - correction <= z * error
        inside, outside = np.where(held, middle, inside), np.where(held, outside, middle)
    return np.where(n > 0, (inside + outside) / 2, np.nan)


def mean_interval(mean: ArrayLike, variance: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """Student's interval of a mean; NaN for fewer than two observations.

    Parameters
    ----------
    mean, variance, n
        Mean, sample variance (divided by n - 1) and number of observations.

    Examples
    --------
    >>> [round(float(end), 3) for end in mean_interval(10, 4, 16)]
    [8.934, 11.066]
    """
    mean, variance, n = (np.asarray(part, dtype=float) for part in (mean, variance, n))
    with np.errstate(divide="ignore", invalid="ignore"):
        half = _t_quantile(level, n - 1) * np.sqrt(variance / n)
    return mean - half, mean + half


def welch(
    mean: ArrayLike, variance: ArrayLike, n: ArrayLike,
    other_mean: ArrayLike, other_variance: ArrayLike, other_n: ArrayLike, level: float = 0.95,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Standard error and interval of a difference of means with unequal variances.

    Returns
    -------
    standard_error, low, high

    References
    ----------
    B. L. Welch (1947), Biometrika 34, 28-35.

    Examples
    --------
    >>> [round(float(part), 3) for part in welch(10, 4, 16, 8, 9, 25)]
    [0.781, 0.42, 3.58]
    """
    a = np.asarray(variance, dtype=float) / np.asarray(n, dtype=float)
    b = np.asarray(other_variance, dtype=float) / np.asarray(other_n, dtype=float)
    difference = np.asarray(mean, dtype=float) - np.asarray(other_mean, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = (a + b) ** 2 / (a**2 / (np.asarray(n) - 1) + b**2 / (np.asarray(other_n) - 1))
        error = np.sqrt(a + b)
        half = _t_quantile(level, freedom) * error
    return error, difference - half, difference + half


def poisson(count: ArrayLike, level: float = 0.95) -> Interval:
    """Exact interval of the mean of a Poisson count, such as events in a stretch of time.

    References
    ----------
    F. Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28, 437-442.

    Examples
    --------
    >>> [round(float(end), 4) for end in poisson(3)]
    [0.6187, 8.7673]
    """
    from scipy.special import chdtri

    normal_quantile(level)  # refuses a level that is none
    count, tail = np.asarray(count, dtype=float), (1 - level) / 2
    # No count leaves no degree of freedom for the lower end, which is zero.
    low = np.where(count > 0, chdtri(np.maximum(2 * count, 1), 1 - tail) / 2, 0.0)
    return np.where(np.isnan(count), np.nan, low), chdtri(2 * count + 2, tail) / 2


def _t_quantile(level: float, freedom: np.ndarray) -> np.ndarray:
    from scipy.special import stdtrit

    normal_quantile(level)  # refuses a level that is none
    return np.where(freedom > 0, stdtrit(np.maximum(freedom, 1e-300), 0.5 + level / 2), np.nan)
