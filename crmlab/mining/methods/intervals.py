"""Confidence intervals that hold in small samples too; numbers or arrays alike."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError

Interval = tuple[np.ndarray, np.ndarray]


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
    low, high = wilson(successes, n, level)
    other_low, other_high = wilson(other_successes, other_n, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.asarray(successes, dtype=float) / np.asarray(n, dtype=float)
        other = np.asarray(other_successes, dtype=float) / np.asarray(other_n, dtype=float)
    difference = share - other
    return (
        difference - np.hypot(share - low, other_high - other),
        difference + np.hypot(high - share, other - other_low),
    )


def share_difference(
    plus: ArrayLike, minus: ArrayLike, n: ArrayLike, level: float = 0.95, method: str = "adjusted"
) -> Interval:
    """Interval of the difference of two shares of one sample, such as promoters minus detractors.

    Parameters
    ----------
    plus, minus, n
        Numbers of one kind, of the other, and of all.
    method
        ``"adjusted"``: three observations are added, a quarter of them on each side and half in
        between, which keeps the coverage near its level from twenty observations on;
        ``"wald"``: none are added.

    References
    ----------
    B. Rocks (2016), Interval estimation for the "Net Promoter Score", The American Statistician
    70, 365-372.

    Examples
    --------
    >>> [round(float(end), 4) for end in share_difference(100, 40, 200, method="wald")]
    [0.1918, 0.4082]
    """
    if method not in ("adjusted", "wald"):
        raise ParameterError(f"method is 'adjusted' or 'wald', not {method!r}.")
    added = 3.0 if method == "adjusted" else 0.0
    z = normal_quantile(level)
    total = np.asarray(n, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(total > 0, total + added, np.nan)
        up = (np.asarray(plus, dtype=float) + added / 4) / size
        down = (np.asarray(minus, dtype=float) + added / 4) / size
        half = z * np.sqrt((up + down - (up - down) ** 2) / size)
    return np.maximum(up - down - half, -1), np.minimum(up - down + half, 1)


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


def _t_quantile(level: float, freedom: np.ndarray) -> np.ndarray:
    from scipy.special import stdtrit

    normal_quantile(level)  # refuses a level that is none
    return np.where(freedom > 0, stdtrit(np.maximum(freedom, 1e-300), 0.5 + level / 2), np.nan)
