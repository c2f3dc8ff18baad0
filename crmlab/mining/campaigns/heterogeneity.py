"""Does contact move some customers more than others? A test by permutation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.linear_model import Ridge

from crmlab.errors import ParameterError
from crmlab.mining.campaigns.ranking import two_arms
from crmlab.mining.campaigns.uplift import Features

#: What the test says, by whether the p-value is above 1 - level.
HETEROGENEITY = ("evidence of heterogeneity", "no evidence of heterogeneity")
#: Name of the direction beside the columns: what is expected of a customer, contacted or not.
EXPECTED = "expected outcome"
_CHUNK = 50


def heterogeneity_test(
    X: Any,
    y: ArrayLike,
    treatment: ArrayLike,
    control: Any = None,
    arm: Any = None,
    permutations: int = 499,
    seed: int = 0,
) -> pd.DataFrame:
    r"""Test whether the effect of contact hangs on any column, or on the outcome expected of a customer.

    If it moves all alike, outcomes less the average effect do not hang on who was contacted, so that
    lots drawn anew give statistics of the same kind. With residuals r of a ridge regression of such
    outcomes on X, contact t drawn with chance e, and a column c around its mean, the statistic is

    .. math:: T = \sum (t - e) r c \Big/ \sqrt{\sum (t - e)^2 r^2 c^2}.

    Parameters
    ----------
    X, y, treatment, control, arm
        As `UpliftModel.fit` takes them, for one arm.
    permutations, seed
        Number of draws, and their seed.

    Returns
    -------
    DataFrame
        Indexed by `column` (values of texts are columns too; ``"expected outcome"`` is the ridge
        regression), the greatest statistic first: `statistic`, positive if the effect grows with the
        column, and `p_value`, the share of draws whose greatest statistic of any column is as great.
        The first one is the p-value of the whole.

    Notes
    -----
    If contact does nothing at all the test is exact. If it does the same to all, the average effect is
    estimated, which is exact in the limit. The order of rows does not matter, but to the draws.

    References
    ----------
    P. Ding, A. Feller and L. Miratrix (2016), Randomization inference for treatment effect variation,
    Journal of the Royal Statistical Society B 78, 655-671. P. H. Westfall and S. S. Young (1993),
    Resampling-based multiple testing, Wiley (the greatest of all statistics).

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> X, t = pd.DataFrame({"age": random.normal(size=900)}), random.integers(0, 2, 900)
    >>> heterogeneity_test(X, t * X["age"] + random.normal(size=900), t)["p_value"].to_dict()["age"]
    0.002
    """
    if not (isinstance(permutations, int) and permutations >= 19):
        raise ParameterError(f"permutations is a number, 19 or more, not {permutations!r}.")
    outcome, t, kept = two_arms(y, treatment, control, arm)
    features = Features(X)
    x = features(X)[kept]
    order = canonical_order(x, outcome, t)
    return _test(x[order], outcome[order], t[order], features.names, permutations, seed)


def canonical_order(x: np.ndarray, y: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Order of rows that hangs on what is in them alone, so that draws do not hang on how they came."""
    return np.lexsort((*x.T, y, t))


def _test(
    x: np.ndarray, y: np.ndarray, t: np.ndarray, names: list[str], permutations: int, seed: int
) -> pd.DataFrame:
    e = t.mean()
    alike = y - (y[t].mean() - y[~t].mean()) * (t - e)
    expected = Ridge().fit(x, alike).predict(x)
    residual = alike - expected
    c = np.column_stack([x, expected])
    c -= c.mean(axis=0)
    told = np.ptp(c, axis=0) > 0
    rc = residual[:, None] * c[:, told]
    both = np.hstack([rc, rc**2])
    sums = both.sum(axis=0)

    def statistics(drawn: np.ndarray) -> np.ndarray:
        parts = drawn @ both
        half = rc.shape[1]
        spread = e**2 * sums[half:] + (1 - 2 * e) * parts[:, half:]
        return (parts[:, :half] - e * sums[:half]) / np.sqrt(np.maximum(spread, 1e-300))

    found = statistics(t[None, :].astype(float))[0]
    random, greatest, one = np.random.default_rng(seed), [], t.astype(float)
    for start in range(0, permutations, _CHUNK):
        drawn = np.stack([random.permutation(one) for _ in range(min(_CHUNK, permutations - start))])
        greatest.append(np.abs(statistics(drawn)).max(axis=1))
    greatest = np.concatenate(greatest)
    # A hair less, so that a draw that is the data itself counts as being as great.
    beyond = (greatest[None, :] >= np.abs(found)[:, None] * (1 - 1e-9)).sum(axis=1)
    frame = pd.DataFrame(
        {"statistic": found, "p_value": (1 + beyond) / (1 + permutations)},
        index=pd.Index(np.array([*names, EXPECTED], dtype=object)[told], name="column"),
    )
    order = np.lexsort((np.arange(len(frame)), -np.abs(found)))
    return frame.iloc[order]
