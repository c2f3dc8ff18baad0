"""How many observations a comparison needs, what it can show with those there are, and how surely."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from statistics import NormalDist

from crmlab.errors import ParameterError, did_you_mean
from crmlab.mining.methods.dunnett import comparison_level

#: How the test of two proportions is planned; `sample_size` says what each means and where it is from.
PLANS = ("pooled", "arcsine", "unpooled", "baseline")
_NORMAL = NormalDist()


@dataclass(frozen=True)
class SampleSize:
    """How many observations a comparison needs.

    Attributes
    ----------
    per_arm : float
        Size of each group as the formula gives it; of the control group, where the others differ.
    sizes : tuple of int
        Whole sizes, rounded up: the control group first, then each arm.
    power, alpha : float
        Chance of finding a difference of the planned size, and of finding one where there is none.
    method : str
        By which formula.
    """

    per_arm: float
    sizes: tuple[int, ...]
    power: float
    alpha: float
    method: str

    @property
    def total(self) -> int:
        """All groups together."""
        return sum(self.sizes)

    def __str__(self) -> str:
        sizes = " + ".join(f"{size:,}" for size in self.sizes)
        return f"{sizes} (power {self.power:.0%}, alpha {self.alpha:.3g}, {self.method})"


def sample_size(
    p1: float, p2: float, power: float = 0.8, alpha: float = 0.05, *, method: str = "pooled", sided: int = 2,
    ratio: float = 1.0, arms: int = 1, correction: str = "bonferroni",
) -> SampleSize:  # fmt: skip
    """Observations needed to tell two proportions apart.

    The size of the first group is ((z_alpha s0 + z_power s1) / d)^2, with d = p2 - p1, the z of the
    normal distribution, and r = `ratio`. What stands for s0 and s1 is the method.

    Parameters
    ----------
    p1, p2
        Proportion without and with the treatment, 0 to 1, as planned.
    power
        Chance of finding the difference, if it is so large. With several arms, for each of them.
    alpha
        Chance of finding one where there is none; with a correction, in any of the comparisons.
    method
        ``"pooled"``: s0^2 = m(1 - m)(1 + 1/r), where m is the mean of both proportions by size, and s1^2 =
        p1(1 - p1) + p2(1 - p2)/r. Plans the usual chi-square test; what R's ``power.prop.test`` gives.
        ``"arcsine"``: d = 2 asin(sqrt(p2)) - 2 asin(sqrt(p1)), s0^2 = s1^2 = 1 + 1/r, less what the
        chance of a finding in the wrong direction saves; what R's pwr and statsmodels give.
        ``"unpooled"``: s0 is s1, for a test by Wald's interval.
        ``"baseline"``: s0^2 = p1(1 - p1)(1 + 1/r), as if both had the variance of the first; in web
        calculators, and too small where p2 is the one nearer to a half.
    sided
        2, or 1 for a test in the direction of `p2`.
    ratio
        Size of each arm, over that of the control group. With k arms and one control group, the smallest
        total is near 1/sqrt(k).
    arms
        Number of arms that are compared with the one control group.
    correction
        For several arms, what `comparison_level` makes of alpha: ``"bonferroni"``, ``"dunnett"`` or
        ``"none"``.

    Raises
    ------
    ParameterError
        If a number is none that it can be, or both proportions are equal.

    References
    ----------
    J. L. Fleiss, B. Levin, M. C. Paik (2003), Statistical Methods for Rates and Proportions, 3rd ed., eq.
    4.14 (pooled, without its correction for continuity) and 4.19 (unequal sizes). J. Cohen (1988),
    Statistical Power Analysis, 2nd ed., ch. 6 (arcsine). S.-C. Chow, J. Shao, H. Wang (2008), Sample Size
    Calculations in Clinical Research, 2nd ed., sec. 4.2 (unpooled). E. Miller (2010), How not to run an
    A/B test (baseline).

    Examples
    --------
    >>> sample_size(0.10, 0.12).sizes
    (3841, 3841)
    >>> round(sample_size(0.10, 0.12, method="arcsine").per_arm, 4)
    3834.5957
    >>> print(sample_size(0.10, 0.12, arms=2, correction="dunnett"))
    4,564 + 4,564 + 4,564 (power 80%, alpha 0.05, pooled, dunnett)
    """
    need_shares(p1=p1, p2=p2)
    need_plan(power, alpha, method)
    z_alpha = _NORMAL.inv_cdf(1 - comparison_level(alpha, arms, correction, ratio, sided) / sided)
    s0, s1, d = _scales(p1, p2, ratio, method)
    if d == 0:
        raise ParameterError(f"p1 and p2 are both {p1!r}: no sample is large enough to tell them apart.")
    # A low power may be there without any data, by a method whose variance without difference is too small.
    n = (max(z_alpha * s0 + _NORMAL.inv_cdf(power) * s1, 0.0) / d) ** 2
    if method == "arcsine" and sided == 2:
        n = _with_both_tails(n, abs(d) / s0, z_alpha, power)
    return sized(n, ratio, arms, power, alpha, method, correction)


def power_of_proportions(
    p1: float, p2: float, n: float, alpha: float = 0.05, *, method: str = "pooled", sided: int = 2,
    ratio: float = 1.0, arms: int = 1, correction: str = "bonferroni",
) -> float:  # fmt: skip
    """Chance of finding the difference of two proportions with samples of a given size.

    Parameters
    ----------
    n
        Size of the first group; of each, where `ratio` is 1.
    p1, p2, alpha, method, sided, ratio, arms, correction
        As `sample_size` takes them.

    Returns
    -------
    float
        0 to 1. A difference found in the wrong direction counts with ``"arcsine"`` only.

    Examples
    --------
    >>> round(power_of_proportions(0.10, 0.12, 3840.8475), 6)
    0.8
    """
    need_shares(p1=p1, p2=p2)
    need_plan(0.5, alpha, method)
    need_above(n=n)
    z_alpha = _NORMAL.inv_cdf(1 - comparison_level(alpha, arms, correction, ratio, sided) / sided)
    s0, s1, d = _scales(p1, p2, ratio, method)
    found = _NORMAL.cdf((abs(d) * math.sqrt(n) - z_alpha * s0) / s1)
    if method == "arcsine" and sided == 2:
        found += _NORMAL.cdf(-abs(d) * math.sqrt(n) / s0 - z_alpha)
    return found


def detectable_difference(
    p1: float, n: float, power: float = 0.8, alpha: float = 0.05, *, method: str = "pooled", sided: int = 2,
    ratio: float = 1.0, arms: int = 1, correction: str = "bonferroni",
) -> float:  # fmt: skip
    """Smallest increase of a proportion that samples of a given size will show.

    Parameters
    ----------
    n
        Size of the first group; of each, where `ratio` is 1.
    p1, power, alpha, method, sided, ratio, arms, correction
        As `sample_size` takes them.

    Returns
    -------
    float
        p2 - p1; NaN if the samples are too small for any increase.

    Examples
    --------
    >>> round(detectable_difference(0.10, 3840.8475), 6)
    0.02
    """
    from scipy.optimize import brentq

    options = {"method": method, "sided": sided, "ratio": ratio, "arms": arms, "correction": correction}
    need_plan(power, alpha, method)

    def lacking(p2: float) -> float:
        return power_of_proportions(p1, p2, n, alpha, **options) - power

    most = 1 - 1e-12
    if lacking(most) < 0:
        return math.nan
    return float(brentq(lacking, p1 + 1e-12, most, xtol=1e-14)) - p1


def sample_size_non_inferiority(
    p1: float, p2: float, margin: float, power: float = 0.8, alpha: float = 0.025, *, ratio: float = 1.0
) -> SampleSize:
    """Observations needed to show that a proportion is not lower than another by a margin.

    The size of the first group is (z_alpha + z_power)^2 (p1(1 - p1) + p2(1 - p2)/r) / (p2 - p1 + margin)^2.

    Parameters
    ----------
    p1, p2
        Proportion of the established and of the new treatment, as expected; mostly the same.
    margin
        What may be lost at most, above 0.
    power
        Chance of showing it.
    alpha
        One-sided: the new one counts as not inferior if the interval of the difference at the level
        1 - 2 alpha lies above -margin.
    ratio
        As `sample_size` takes it.

    References
    ----------
    S.-C. Chow, J. Shao, H. Wang (2008), Sample Size Calculations in Clinical Research, 2nd ed., sec. 4.2.2.

    Examples
    --------
    >>> sample_size_non_inferiority(0.65, 0.85, margin=0.10, alpha=0.05).sizes
    (25, 25)
    """
    need_shares(p1=p1, p2=p2)
    need_plan(power, alpha, "unpooled")
    need_above(margin=margin, ratio=ratio)
    beyond = p2 - p1 + margin
    if beyond < 1e-12:  # what is left of floats that are equal
        raise ParameterError(
            f"p2 = {p2!r} is below p1 = {p1!r} by the margin of {margin!r} or more: it is inferior, and "
            "nothing will show that it is not."
        )
    spread = p1 * (1 - p1) + p2 * (1 - p2) / ratio
    n = (_NORMAL.inv_cdf(1 - alpha) + _NORMAL.inv_cdf(power)) ** 2 * spread / beyond**2
    return sized(n, ratio, 1, power, alpha, "non-inferiority, unpooled", "none")


def _scales(p1: float, p2: float, ratio: float, method: str) -> tuple[float, float, float]:
    """Standard deviations without and with a difference, times the root of n, and the difference."""
    if method == "arcsine":
        apart = 2 * math.asin(math.sqrt(p2)) - 2 * math.asin(math.sqrt(p1))
        return math.sqrt(1 + 1 / ratio), math.sqrt(1 + 1 / ratio), apart
    apart = math.sqrt(p1 * (1 - p1) + p2 * (1 - p2) / ratio)
    if method == "unpooled":
        return apart, apart, p2 - p1
    mean = p1 if method == "baseline" else (p1 + ratio * p2) / (1 + ratio)
    return math.sqrt(mean * (1 - mean) * (1 + 1 / ratio)), apart, p2 - p1


def _with_both_tails(n: float, effect: float, z_alpha: float, power: float) -> float:
    """The size at which both tails together have the power, from that at which the right one has."""
    from scipy.optimize import brentq

    def lacking(n: float) -> float:
        shift = effect * math.sqrt(n)
        return _NORMAL.cdf(shift - z_alpha) + _NORMAL.cdf(-shift - z_alpha) - power

    return float(brentq(lacking, 0.0, n, xtol=1e-9, rtol=1e-13)) if lacking(n) > 0 else n


def sized(
    n: float, ratio: float, arms: int, power: float, alpha: float, method: str, correction: str
) -> SampleSize:
    """A sample size with its whole numbers, from the size of the first group."""
    # What is whole but for the rounding of floats is not rounded up.
    first, each = (max(math.ceil(size - 1e-9), 1) for size in (n, n * ratio))
    named = f"{method}, {correction}" if arms > 1 else method
    return SampleSize(n, (first, *[each] * arms), power, alpha, named)


def need_shares(**shares: float) -> None:
    """Refuse what is no share between 0 and 1."""
    for name, value in shares.items():
        if not _is_number(value) or not 0 < value < 1:
            percent = f"; write {value / 100:g}" if _is_number(value) and 1 < value < 100 else ""
            raise ParameterError(f"{name} is a share between 0 and 1, such as 0.1, not {value!r}{percent}.")


def need_plan(power: float, alpha: float, method: str) -> None:
    """Refuse a power, a level or a method that is none."""
    need_shares(power=power, alpha=alpha)
    if alpha >= 0.5 or power <= alpha:
        raise ParameterError(
            f"alpha is below 0.5 and power above alpha, not alpha={alpha!r} and power={power!r}."
        )
    if method not in PLANS:
        raise ParameterError(f"There is no method {method!r}" + did_you_mean(method, PLANS))


def need_above(**values: float) -> None:
    """Refuse what is no number above 0."""
    for name, value in values.items():
        if not _is_number(value) or not 0 < value < math.inf:
            raise ParameterError(f"{name} is a number above 0, not {value!r}.")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
