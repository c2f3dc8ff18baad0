"""Several groups compared with the same control group: the level of each comparison."""

from __future__ import annotations

import math
from statistics import NormalDist

from crmlab.errors import ParameterError, did_you_mean

#: What is done for the number of comparisons.
CORRECTIONS = ("bonferroni", "dunnett", "none")
_NORMAL = NormalDist()


def comparison_level(
    alpha: float, arms: int = 1, correction: str = "bonferroni", ratio: float = 1.0, sided: int = 2
) -> float:
    """Level of each comparison with one control group, so that all together hold `alpha`.

    Parameters
    ----------
    alpha
        Chance of a difference found in any comparison where there is none in all of them.
    arms
        Number of groups that are compared with the control group.
    correction
        ``"bonferroni"``: alpha is shared by the comparisons. ``"dunnett"``: the level at which the
        largest of their statistics holds alpha in large samples; as they have the control group in
        common, two of them have the correlation r / (1 + r), where r is `ratio`, and the level is a
        little above Bonferroni's. ``"none"``: alpha for each.
    ratio
        Size of each group, over that of the control group.
    sided
        2 or 1, of both sides together or of one.

    Raises
    ------
    ParameterError
        If a number is none that it can be, or there is no such correction.

    References
    ----------
    C. W. Dunnett (1955), A multiple comparison procedure for comparing several treatments with a
    control, Journal of the American Statistical Association 50, 1096-1121.

    Examples
    --------
    >>> round(comparison_level(0.05, 3), 6), round(comparison_level(0.05, 3, "dunnett"), 6)
    (0.016667, 0.018825)
    """
    if not 0 < ratio < math.inf:
        raise ParameterError(f"ratio is a number above 0, not {ratio!r}.")
    if sided not in (1, 2):
        raise ParameterError(f"sided is 1 or 2, not {sided!r}.")
    if isinstance(arms, bool) or not isinstance(arms, int) or arms < 1:
        raise ParameterError(f"arms is a whole number of arms from 1 on, not {arms!r}.")
    if correction not in CORRECTIONS:
        raise ParameterError(f"There is no correction {correction!r}" + did_you_mean(correction, CORRECTIONS))
    if arms == 1 or correction == "none":
        return alpha
    if correction == "bonferroni":
        return alpha / arms
    return _dunnett_level(alpha, arms, ratio, sided)


def _dunnett_level(alpha: float, arms: int, ratio: float, sided: int) -> float:
    """Level at which the largest of several statistics that share a control group exceeds at `alpha`.

    Given the control group's part x of them, the statistics are independent: the chance that all stay
    inside is the mean over x of the chance of one, to the power of their number.
    """
    import numpy as np
    from scipy.optimize import brentq
    from scipy.special import ndtr

    shared = ratio / (1 + ratio)
    x, width = np.linspace(-9, 9, 2001, retstep=True)
    weight = np.exp(-(x**2) / 2) * width / math.sqrt(2 * math.pi)

    def inside(z: float) -> float:
        above = (z - math.sqrt(shared) * x) / math.sqrt(1 - shared)
        below = (-z - math.sqrt(shared) * x) / math.sqrt(1 - shared)
        one = ndtr(above) - (ndtr(below) if sided == 2 else 0)
        return float(weight @ one**arms)

    ends = (-_NORMAL.inv_cdf(alpha / sided), -_NORMAL.inv_cdf(alpha / arms / sided))
    z = brentq(lambda z: inside(z) - 1 + alpha, *ends, xtol=1e-13)
    return sided * _NORMAL.cdf(-z)
