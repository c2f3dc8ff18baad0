"""Looking at a comparison while it runs: what that costs, and intervals and tests that may be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError
from crmlab.mining.methods.intervals import Interval, normal_quantile

_NODES = 96  # of a quadrature per look: false alarms come out to 1e-9
_SHAPES = ("pocock", "obrien-fleming")


def asymptotic_confidence_sequence(
    estimate: ArrayLike, standard_error: ArrayLike, progress: ArrayLike, level: float = 0.95
) -> Interval:
    """Intervals that all hold together with probability `level`, however often one looks.

    Parameters
    ----------
    estimate, standard_error
        Estimate and its standard error at each look, such as a difference of two means and
        ``sqrt(s1**2 / n1 + s0**2 / n0)``.
    progress
        Information gathered so far over the information planned in all: where each observation is
        final when it comes, observations over planned ones. The plan has to be made beforehand. One
        that is missed makes the intervals wider, not wrong: by 26 % after a tenth of it, by 7 % after
        ten times as much. Nothing gathered, or no standard error, gives an interval without ends.
    level
        Probability with which none of the intervals, of however many looks, misses the truth.

    Returns
    -------
    low, high

    Notes
    -----
    With `r` the progress times its best value, half of the length is the standard error times
    ``sqrt((1 + 1/r) * (log(1 + r) - 2 * log(1 - level)))``: the mixture of Robbins with the
    variance estimated, Theorem 2.2 of the paper with ``r = t * rho**2``. The `r` that makes the interval
    shortest when all is gathered solves ``r = log(1 + r) - 2 * log(1 - level)``, 8.21 for 95 %.
    What is promised holds in large samples; until some dozens of cases have been seen the intervals
    are wide.

    References
    ----------
    I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy and A. Ramdas (2024), Time-uniform central limit
    theory and asymptotic confidence sequences, Annals of Statistics 52, 2613-2640, Theorem 2.2;
    Proposition 2.5 for information in place of numbers.

    Examples
    --------
    >>> low, high = asymptotic_confidence_sequence([0.02, 0.02], [0.01, 0.003], [0.1, 1])
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([-0.0182, 0.0109], [0.0582, 0.0291])
    """
    estimate, error, r = _looked(estimate, standard_error, progress, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = error * np.sqrt((1 + 1 / r) * (np.log1p(r) - 2 * log(1 - level)))
    half = np.where((r > 0) & (error > 0), half, np.inf)
    half = np.where(np.isnan(estimate), np.nan, half)
    return estimate - half, estimate + half


def asymptotic_p_value(
    estimate: ArrayLike, standard_error: ArrayLike, progress: ArrayLike, level: float = 0.95
) -> np.ndarray:
    """P-value of no difference that may be looked at as often as one likes.

    It is below ``1 - level`` exactly where `asymptotic_confidence_sequence` of this level leaves zero out;
    one over it is the value of the e-process, the stake of somebody who bets against no difference.

    Parameters
    ----------
    estimate, standard_error, progress, level
        As `asymptotic_confidence_sequence` takes them; the level decides how the sequence is tuned.

    Examples
    --------
    >>> asymptotic_p_value([0.02, 0.02], [0.01, 0.006], [0.1, 1]).round(4).tolist()
    [0.5477, 0.0214]
    """
    estimate, error, r = _looked(estimate, standard_error, progress, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        bet = (estimate / error) ** 2 * r / (2 * (1 + r)) - np.log1p(r) / 2
    bet = np.where((r > 0) & (error > 0), bet, 0.0)
    return np.where(np.isnan(estimate), np.nan, np.exp(-np.maximum(bet, 0)))


def _looked(
    estimate: ArrayLike, error: ArrayLike, progress: ArrayLike, level: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    normal_quantile(level)  # refuses a level that is none
    estimate, error, progress = (np.asarray(part, dtype=float) for part in (estimate, error, progress))
    if (progress < 0).any():
        raise ParameterError("progress is a share of what was planned, 0 or more.")
    return estimate, error, progress * _best(level)


def _best(level: float) -> float:
    """The r with the shortest interval: the larger solution of r = log(1 + r) - 2 log(1 - level)."""
    r = -2 * log(1 - level)
    for _ in range(100):
        r = np.log1p(r) - 2 * log(1 - level)
    return float(r)


class SampleRatio(NamedTuple):
    """How numbers of cases go with the shares that were planned.

    Attributes
    ----------
    chi_square, p_value
        Pearson's test, for one look at the end.
    anytime_p_value
        P-value that may be looked at as often as one likes.
    """

    chi_square: float
    p_value: float
    anytime_p_value: float


def sample_ratio(
    counts: ArrayLike, shares: ArrayLike | None = None, concentration: float = 1000.0
) -> SampleRatio:
    """Test whether cases came in the shares that were planned.

    Parameters
    ----------
    counts
        Number of cases of each kind, such as customers per arm.
    shares
        Share of each kind as planned, in any unit; all alike if not given.
    concentration
        How near to the planned shares the others are expected to be: the sum of the parameters of
        their Dirichlet distribution. 1,000 is sharpest for shares that are off by some points.

    Returns
    -------
    SampleRatio
        No cases give no chi-square and p-values of 1.

    Raises
    ------
    ParameterError
        If the numbers make no sense.

    Notes
    -----
    A mismatch says that cases were lost or doubled on the way, and not evenly over the kinds; then no
    difference between them can be trusted. As the test is run on every experiment, the alarm is
    usually raised below 0.001 only (Fabijan et al. 2019).

    References
    ----------
    M. Lindon and A. Malek (2022), Anytime-valid inference for multinomial count data, Advances in Neural
    Information Processing Systems 35: the ratio of the Dirichlet-multinomial probability of the
    counts to their probability under the plan. It is exact in samples of any size.

    Examples
    --------
    >>> found = sample_ratio([5150, 4850], [1, 1])
    >>> round(found.chi_square, 3), round(found.p_value, 4), round(found.anytime_p_value, 4)
    (9.0, 0.0027, 0.0554)
    """
    from scipy.special import chdtrc, gammaln

    n = np.asarray(counts, dtype=float)
    planned = np.ones(n.shape) if shares is None else np.asarray(shares, dtype=float)
    if n.shape != planned.shape or n.ndim != 1 or len(n) < 2:
        raise ParameterError("counts and shares need one number for each kind, two kinds or more.")
    if not ((n >= 0) & (n % 1 == 0)).all():
        raise ParameterError(f"counts are whole numbers from 0, not {n.tolist()}.")
    if not ((planned > 0) & np.isfinite(planned)).all() or not concentration > 0:
        raise ParameterError(f"shares and concentration are more than 0; there are {planned.tolist()}.")
    planned = planned / planned.sum()
    total = n.sum()
    if not total:
        return SampleRatio(float("nan"), 1.0, 1.0)
    chi_square = float(((n - total * planned) ** 2 / (total * planned)).sum())
    prior = concentration * planned
    bet = gammaln(concentration) - gammaln(concentration + total)
    bet += (gammaln(prior + n) - gammaln(prior) - n * np.log(planned)).sum()
    anytime = float(np.exp(-max(bet, 0.0)))
    return SampleRatio(chi_square, float(chdtrc(len(n) - 1, chi_square)), anytime)


def false_alarms(bounds: Sequence[float]) -> float:
    """Probability that a difference of nothing passes a bound at one look or another.

    Parameters
    ----------
    bounds
        Bound of the standardised difference at each of equally spaced looks; beyond it, on either
        side, somebody would say that there is a difference.

    References
    ----------
    P. Armitage, C. K. McPherson and B. C. Rowe (1969), Repeated significance tests on accumulating data,
    Journal of the Royal Statistical Society A 132, 235-244: the recursion, here by Gauss's quadrature.

    Examples
    --------
    >>> [round(false_alarms([1.959964] * looks), 3) for looks in (1, 5, 20)]
    [0.05, 0.142, 0.248]
    """
    limits = np.asarray(bounds, dtype=float) * np.sqrt(np.arange(1, len(bounds) + 1))
    if not len(limits) or not (limits > 0).all():
        raise ParameterError("bounds are one number above 0 for each look.")
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    # Density of the sum so far, where no bound was passed; it begins at 0.
    places, mass = np.zeros(1), np.ones(1)
    for limit in np.minimum(limits, 9 * np.sqrt(np.arange(1, len(bounds) + 1))):
        at = nodes * limit
        density = np.exp(-((at[:, None] - places) ** 2) / 2) @ mass / np.sqrt(2 * np.pi)
        places, mass = at, density * weights * limit
    return float(1 - mass.sum())


def group_sequential_bounds(looks: int, shape: str = "pocock", level: float = 0.95) -> np.ndarray:
    """Bounds of the standardised difference for a number of looks fixed beforehand.

    Parameters
    ----------
    looks
        How often one is going to look, at equal distances.
    shape
        ``"pocock"``: the same bound at each look; ``"obrien-fleming"``: high ones first.

    References
    ----------
    S. J. Pocock (1977), Biometrika 64, 191-199. P. C. O'Brien and T. R. Fleming (1979), Biometrics 35,
    549-556.

    Examples
    --------
    >>> group_sequential_bounds(5).round(3).tolist()
    [2.413, 2.413, 2.413, 2.413, 2.413]
    >>> group_sequential_bounds(5, "obrien-fleming").round(3).tolist()
    [4.562, 3.226, 2.634, 2.281, 2.04]
    """
    if shape not in _SHAPES:
        raise ParameterError(f"shape is one of {', '.join(_SHAPES)}, not {shape!r}.")
    if not isinstance(looks, int) or looks < 1:
        raise ParameterError(f"looks is a whole number from 1, not {looks!r}.")
    steps = np.arange(1, looks + 1)
    form = np.ones(looks) if shape == "pocock" else np.sqrt(looks / steps)
    low, high = normal_quantile(level), normal_quantile(1 - (1 - level) / looks)
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if false_alarms(middle * form) > 1 - level else (low, middle)
    return high * form
