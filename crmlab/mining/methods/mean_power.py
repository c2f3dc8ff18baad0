"""How many observations a comparison of two means needs, and what it can show with those there are."""

from __future__ import annotations

import math
from statistics import NormalDist

from crmlab.errors import ParameterError
from crmlab.mining.methods.dunnett import comparison_level
from crmlab.mining.methods.power import SampleSize, need_above, need_plan, sized

_NORMAL = NormalDist()


def sample_size_means(
    difference: float, deviation: float = 1.0, power: float = 0.8, alpha: float = 0.05, *, sided: int = 2,
    ratio: float = 1.0, arms: int = 1, correction: str = "bonferroni",
) -> SampleSize:  # fmt: skip
    """Observations needed to tell two means apart by Student's t test.

    Solved for n with the noncentral t distribution, as R's ``power.t.test`` does. For a test of
    non-inferiority, give the expected difference plus the margin, and ``sided=1``.

    Parameters
    ----------
    difference
        Of the means, in the unit of `deviation`; not 0.
    deviation
        Standard deviation within each group.
    power, alpha, sided, ratio, arms, correction
        As `sample_size` takes them.

    References
    ----------
    J. Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., ch. 2.

    Examples
    --------
    >>> round(sample_size_means(0.5).per_arm, 5)
    63.76576
    """
    from scipy.optimize import brentq

    need_plan(power, alpha, "pooled")
    need_above(deviation=deviation)
    if difference == 0:
        raise ParameterError("The difference is 0: no sample is large enough to show it.")
    need_above(difference=abs(difference))
    level = comparison_level(alpha, arms, correction, ratio, sided) / sided
    options = {"sided": 1, "ratio": ratio}
    smallest = 2 / (1 + ratio) + 1e-6  # less leaves no degree of freedom

    def lacking(n: float) -> float:
        return power_of_means(difference, n, deviation, level, **options) - power

    z = _NORMAL.inv_cdf(1 - level) + _NORMAL.inv_cdf(power)
    most = smallest + 2 * (1 + 1 / ratio) * (z * deviation / difference) ** 2
    while lacking(most) < 0:
        most *= 2
    n = smallest if lacking(smallest) >= 0 else float(brentq(lacking, smallest, most, xtol=1e-9, rtol=1e-12))
    return sized(n, ratio, arms, power, alpha, "t test", correction)


def power_of_means(
    difference: float, n: float, deviation: float = 1.0, alpha: float = 0.05, *, sided: int = 2,
    ratio: float = 1.0, arms: int = 1, correction: str = "bonferroni",
) -> float:  # fmt: skip
    """Chance of finding a difference of two means with samples of a given size, by Student's t test.

    Parameters
    ----------
    n
        Size of the first group; of each, where `ratio` is 1.
    difference, deviation, alpha, sided, ratio, arms, correction
        As `sample_size_means` takes them.

    Examples
    --------
    >>> round(power_of_means(0.5, 63.76576), 6)
    0.8
    """
    from scipy.special import nctdtr, stdtrit

    need_plan(0.5, alpha, "pooled")
    need_above(n=n, deviation=deviation)
    if not math.isfinite(difference):
        raise ParameterError(f"difference is a number, not {difference!r}.")
    level = comparison_level(alpha, arms, correction, ratio, sided) / sided
    freedom = n * (1 + ratio) - 2
    if freedom <= 0:
        return 0.0
    shift = abs(difference) / deviation * math.sqrt(n / (1 + 1 / ratio))
    t = float(stdtrit(freedom, 1 - level))
    missed = float(nctdtr(freedom, shift, t))
    if math.isnan(missed):  # far out in the tail; M. Abramowitz, I. A. Stegun (1964), eq. 26.7.10
        missed = _NORMAL.cdf((t * (1 - 1 / (4 * freedom)) - shift) / math.sqrt(1 + t**2 / (2 * freedom)))
    return 1 - missed


def detectable_mean_difference(
    n: float, deviation: float = 1.0, power: float = 0.8, alpha: float = 0.05, *, sided: int = 2,
    ratio: float = 1.0, arms: int = 1, correction: str = "bonferroni",
) -> float:  # fmt: skip
    """Smallest difference of two means that samples of a given size will show, by Student's t test.

    Parameters
    ----------
    n
        Size of the first group; of each, where `ratio` is 1.
    deviation, power, alpha, sided, ratio, arms, correction
        As `sample_size_means` takes them.

    Returns
    -------
    float
        In the unit of `deviation`; NaN if there is no degree of freedom.

    Examples
    --------
    >>> round(detectable_mean_difference(63.76576), 5)
    0.5
    """
    from scipy.optimize import brentq

    options = {"sided": sided, "ratio": ratio, "arms": arms, "correction": correction}
    need_plan(power, alpha, "pooled")

    def lacking(difference: float) -> float:
        return power_of_means(difference, n, deviation, alpha, **options) - power

    lacking(0.0)  # refuses what makes no sense
    if n * (1 + ratio) - 2 <= 0:
        return math.nan
    most = deviation
    while lacking(most) < 0:
        most *= 2
    return float(brentq(lacking, 0.0, most, xtol=1e-12 * deviation))
