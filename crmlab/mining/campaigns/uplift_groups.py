"""The effect of contact in groups of customers by score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError, did_you_mean
from crmlab.mining.campaigns.ranking import Ranked, rank_customers
from crmlab.mining.methods.intervals import Estimate, newcombe, welch

STRATEGIES = ("overall", "by_group")


def uplift_by_percentile(
    outcome: ArrayLike,
    score: ArrayLike,
    treatment: ArrayLike,
    groups: int = 10,
    strategy: str = "overall",
    control: Any = None,
    arm: Any = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Effect in groups of equal size, the highest scores first.

    Parameters
    ----------
    outcome, score, treatment, control, arm
        As `qini` takes them. Of customers with equal scores at the border of two groups each group gets
        a part, so that numbers need not be whole and the order of rows does not matter.
    groups
        Number of groups.
    strategy
        ``"overall"``: all customers are cut into groups; ``"by_group"``: the treated and the control
        customers each for themselves.

    Returns
    -------
    DataFrame
        Indexed by `group` from 1: `treated`, `control` (numbers), `treated_mean`, `control_mean`,
        `uplift`, `low`, `high` (Newcombe's interval for 0 and 1, else Welch's).

    Examples
    --------
    >>> uplift_by_percentile([1, 0, 1, 1], [4, 3, 2, 1], [1, 0, 1, 0], groups=2)["uplift"].tolist()
    [1.0, 0.0]
    """
    if not (isinstance(groups, int) and groups > 0):
        raise ParameterError(f"groups is a number of groups, 1 or more, not {groups!r}.")
    ranked = rank_customers(outcome, score, treatment, control, arm)
    frame = _between(ranked, np.arange(groups + 1) / groups, strategy, level)
    return frame.set_axis(pd.RangeIndex(1, groups + 1, name="group"))


def uplift_at_k(
    outcome: ArrayLike,
    score: ArrayLike,
    treatment: ArrayLike,
    k: float = 0.3,
    strategy: str = "overall",
    control: Any = None,
    arm: Any = None,
    level: float = 0.95,
) -> Estimate:
    """Effect among the share `k` (0 to 1) of customers with the highest scores.

    Parameters
    ----------
    outcome, score, treatment, strategy, control, arm, level
        As `uplift_by_percentile` takes them.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> uplift_at_k([1, 0, 1, 1], [4, 3, 2, 1], [1, 0, 1, 0], k=0.5).value
    1.0
    """
    if not 0 < k <= 1:
        raise ParameterError(f"k is a share of customers above 0 and up to 1, such as 0.3, not {k!r}.")
    ranked = rank_customers(outcome, score, treatment, control, arm)
    first = _between(ranked, np.array([0, k]), strategy, level).iloc[0]
    n = round(first["treated"] + first["control"])
    return Estimate(float(first["uplift"]), float(first["low"]), float(first["high"]), n, level)


def _between(ranked: Ranked, shares: np.ndarray, strategy: str, level: float) -> pd.DataFrame:
    """Effect between shares of the ranking; customers of one place are spread over it evenly."""
    sums = ranked.sums
    squares, other = (
        np.append(0.0, np.cumsum(np.bincount(ranked.place, np.where(side, ranked.outcome**2, 0))))
        for side in (ranked.treated, ~ranked.treated)
    )
    if strategy not in STRATEGIES:
        raise ParameterError(f"There is no strategy {strategy!r}{did_you_mean(str(strategy), STRATEGIES)}")
    sides = []
    for n, y, square in ((sums.treated, sums.treated_outcome, squares),
                         (sums.control, sums.control_outcome, other)):  # fmt: skip
        ruler = sums.n if strategy == "overall" else n
        cut = shares * ruler[-1]
        sides.append([np.diff(np.interp(cut, ruler, part)) for part in (n, y, square)])
    (n_t, y_t, s_t), (n_c, y_c, s_c) = sides
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_t, mean_c = y_t / n_t, y_c / n_c
        spread_t = (s_t - n_t * mean_t**2).clip(0) / (n_t - 1)
        spread_c = (s_c - n_c * mean_c**2).clip(0) / (n_c - 1)
        low, high = (
            newcombe(y_t, n_t, y_c, n_c, level)
            if ranked.is_binary
            else welch(mean_t, spread_t, n_t, mean_c, spread_c, n_c, level)[1:]
        )
    return pd.DataFrame({"treated": n_t, "control": n_c, "treated_mean": mean_t, "control_mean": mean_c,
                         "uplift": mean_t - mean_c, "low": low, "high": high})  # fmt: skip
