"""Reliability: how far several items that ask for the same thing measure it, and which of them spoil it."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError
from crmlab.mining.methods.intervals import Estimate, normal_quantile
from crmlab.mining.methods.relative_importance import as_correlation, resampled_moments
from crmlab.mining.satisfaction.answers import as_numbers

Missing = Literal["listwise", "pairwise"]
#: Least part of an item's variance that is left to itself: beyond it a solution is improper (Heywood).
_UNIQUE = 0.005
_CLOSE, _MOST_STEPS = 1e-9, 2_000


def cronbach_alpha(
    items: pd.DataFrame | ArrayLike, level: float = 0.95, missing: Missing = "listwise"
) -> Estimate:
    """Cronbach's alpha of the sum of items, with Feldt's interval.

    Parameters
    ----------
    items
        One row per respondent and one column per item, all worded in the same direction. Two at least.
    level
        Confidence level of the interval.
    missing
        ``"listwise"``: only respondents who answer every item count. ``"pairwise"``: each
        covariance is of those who answer both items; the interval is then rough, as it takes all
        respondents for complete.

    Returns
    -------
    Estimate
        Alpha, at most 1 and below 0 where items go against each other. `n` is the number of
        complete respondents, with ``"pairwise"`` of those who answer at least one item.

    Raises
    ------
    ParameterError
        If answers are not numeric, fewer than two items or respondents are left, or all answer alike.

    References
    ----------
    L. J. Cronbach (1951), Coefficient alpha and the internal structure of tests, Psychometrika 16,
    297-334; L. S. Feldt (1965), The approximate sampling distribution of Kuder-Richardson reliability
    coefficient twenty, Psychometrika 30, 357-370.

    Examples
    --------
    >>> print(cronbach_alpha(pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 2, 4, 4], "c": [1, 3, 3, 5]})))
    0.9333 (95% interval 0.5601 to 0.9955, n=4)
    """
    from scipy.special import fdtri

    normal_quantile(level)  # refuses a level that is none
    given = _given(items, missing, 2)
    covariance = _covariance(given)
    alpha = float(_alpha(np.trace(covariance), covariance.sum(), len(covariance)))
    n, k = given.shape
    tails = np.array([0.5 + level / 2, 0.5 - level / 2])
    low, high = 1 - (1 - alpha) * fdtri(n - 1, (n - 1) * (k - 1), tails)
    return Estimate(alpha, float(low), float(high), n, level)


def item_statistics(items: pd.DataFrame | ArrayLike, missing: Missing = "listwise") -> pd.DataFrame:
    """Each item against the others, and what becomes of alpha without it.

    Parameters
    ----------
    items, missing
        As `cronbach_alpha` takes them.

    Returns
    -------
    DataFrame
        Indexed by item, in the order given: `n` (answers used), `mean`, `sd` (divided by n - 1),
        `item_total` (correlation with the sum of all items), `item_rest` (with the sum of the others,
        which an item cannot lift by being part of it), `alpha_if_deleted` (NaN if there are only two
        items). A negative `item_rest` mostly means that an item is worded the other way round.

    Raises
    ------
    ParameterError
        As `cronbach_alpha` raises it.

    Examples
    --------
    >>> items = pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 2, 4, 4], "c": [3, 1, 4, 2]})
    >>> item_statistics(items)["item_rest"].round(3).to_dict()
    {'a': 0.496, 'b': 0.949, 'c': 0.217}
    """
    given = _given(items, missing, 2)
    covariance = _covariance(given)
    own, with_all, total = np.diag(covariance), covariance.sum(axis=0), covariance.sum()
    rest = total - 2 * with_all + own
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "n": given.notna().sum(),
            "mean": given.mean(),
            "sd": given.std(),
            "item_total": with_all / np.sqrt(own * total),
            "item_rest": (with_all - own) / np.sqrt(own * rest),
            "alpha_if_deleted": _alpha(np.trace(covariance) - own, rest, len(own) - 1),
        }
    return pd.DataFrame(found, index=given.columns.rename("item"))


def mcdonald_omega(
    items: pd.DataFrame | ArrayLike,
    method: Literal["minres", "ml"] = "minres",
    replicates: int | None = None,
    seed: int = 0,
    level: float = 0.95,
    missing: Missing = "listwise",
) -> Estimate:
    """McDonald's omega total of standardised items, from one common factor.

    Parameters
    ----------
    items
        As `cronbach_alpha` takes them; three at least.
    method
        ``"minres"``: the factor has the least squared residual correlations, and omega is one less
        the items' own variance over the variance of their sum as observed, as the R package psych has
        it. ``"ml"``: the factor is the most likely one, and the variance of the sum is the one
        the factor implies, as programs for structural equations have it. The two differ, most
        where one factor is not enough: name the method beside the number. No item is left with less
        than 0.005 of its variance to itself, where either would go below (Heywood cases).
    replicates
        Number of bootstrap samples of respondents for a percentile interval; without it, the ends
        of the interval are NaN.
    seed
        Where the chance of the samples begins.
    level
        Confidence level of the interval.
    missing
        As `cronbach_alpha` has it; ``"pairwise"`` goes without replicates only.

    Returns
    -------
    Estimate
        `n` as `cronbach_alpha` has it.

    Raises
    ------
    ParameterError
        If an item never varies, fewer than three items are given, and as `cronbach_alpha` raises it.

    References
    ----------
    R. P. McDonald (1999), Test theory: a unified treatment; H. H. Harman and W. H. Jones (1966), Factor
    analysis by minimizing residuals (minres), Psychometrika 31, 351-368.

    Examples
    --------
    >>> items = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [2, 2, 4, 4, 3], "c": [1, 3, 3, 5, 4]})
    >>> round(mcdonald_omega(items).value, 4)
    0.8919
    """
    normal_quantile(level)  # refuses a level that is none
    if method not in ("minres", "ml"):
        raise ParameterError(f"method is 'minres' or 'ml', not {method!r}.")
    given = _given(items, missing, 3)
    covariance = _covariance(given)
    if not np.diag(covariance).all():
        name = given.columns[np.diag(covariance) == 0][0]
        raise ParameterError(f"All respondents answer the item {name!r} alike, so it has no correlations.")
    value = float(_omega(as_correlation(covariance)[None], method)[0])
    if np.isnan(value):
        raise ParameterError("One common factor is not found by this method: the items hardly go together.")
    low = high = np.nan
    if replicates is not None:
        drawn = _resampled(given, method, replicates, seed)
        low, high = np.nanquantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(value, float(low), float(high), len(given), level)


def _resampled(given: pd.DataFrame, method: str, replicates: int, seed: int) -> np.ndarray:
    """Omega in bootstrap samples in which all items vary."""
    if not (isinstance(replicates, int | np.integer) and replicates >= 2):
        raise ParameterError(f"replicates is a whole number of bootstrap samples, not {replicates!r}.")
    if given.isna().any(axis=None):
        raise ParameterError("Bootstrap samples need complete respondents; take missing='listwise'.")
    standard = ((given - given.mean()) / given.std()).to_numpy()
    drawn = resampled_moments(standard, replicates, seed)[1]
    varies = (np.diagonal(drawn, axis1=1, axis2=2) > 1e-12).all(axis=1)
    return _omega(as_correlation(drawn[varies]), method)


def _given(items: pd.DataFrame | ArrayLike, missing: str, fewest: int) -> pd.DataFrame:
    if missing not in ("listwise", "pairwise"):
        raise ParameterError(f"missing is 'listwise' or 'pairwise', not {missing!r}.")
    given = as_numbers(items, "item")
    if given.shape[1] < fewest:
        raise ParameterError(f"At least {fewest} items are needed, not {given.shape[1]}.")
    left = given.dropna(how="any" if missing == "listwise" else "all")
    if len(left) < 2:
        raise ParameterError(
            f"Only {len(left)} of {len(given):,} respondents answer every item; two at least are needed. "
            "Leave out items that few answer, or take missing='pairwise'."
        )
    return left


def _covariance(given: pd.DataFrame) -> np.ndarray:
    covariance = given.cov().to_numpy()
    if np.isnan(covariance).any():
        first, second = np.argwhere(np.isnan(covariance))[0]
        pair = " and ".join(repr(given.columns[place]) for place in sorted({int(first), int(second)}))
        raise ParameterError(
            f"Fewer than two respondents answer {pair}, so nothing is known of them together."
        )
    if covariance.sum() <= 0:
        raise ParameterError("The sum of the items does not vary, so there is nothing that it could measure.")
    return covariance


def _alpha(own: ArrayLike, total: ArrayLike, k: int) -> np.ndarray:
    """Alpha of `k` items from the sum of their variances and the variance of their sum."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(k, k - 1) * (1 - np.divide(own, total)) if k > 1 else np.full(np.shape(own), np.nan)


def _omega(correlation: np.ndarray, method: str) -> np.ndarray:
    """Omega total for each of several correlation matrices."""
    loadings = (_minres if method == "minres" else _most_likely)(correlation)
    unique, common = (1 - loadings**2).sum(axis=1), loadings.sum(axis=1) ** 2
    return 1 - unique / correlation.sum(axis=(1, 2)) if method == "minres" else common / (common + unique)


def _minres(correlation: np.ndarray) -> np.ndarray:
    """Loadings with the least squared residuals beside the diagonal; NaN where the search does not end."""
    size, vectors = np.linalg.eigh(correlation)
    most = np.sqrt(1 - _UNIQUE)
    now = np.clip(vectors[..., -1] * np.sqrt(size[:, -1:]), -most, most)
    beside = correlation * (1 - np.eye(now.shape[1]))
    found, left = np.full_like(now, np.nan), np.arange(len(now))
    for _ in range(_MOST_STEPS):
        before = now.copy()
        # The best loading of one item, given the others, is a plain quotient.
        for item in range(now.shape[1]):
            others = (now**2).sum(axis=1) - now[:, item] ** 2
            best = (beside[:, item] * now).sum(axis=1) / np.maximum(others, 1e-300)
            now[:, item] = np.clip(best, -most, most)
        still = np.abs(now - before).max(axis=1) > _CLOSE
        found[left[~still]] = now[~still]
        left, now, beside = left[still], now[still], beside[still]
        if not len(left):
            break
    return found


def _most_likely(correlation: np.ndarray) -> np.ndarray:
    """Loadings of the most likely factor; NaN where the search does not end.

    Scoring on the logarithms of the unique variances, for which the loadings follow from an
    eigenvector (Lawley and Maxwell 1971, Factor analysis as a statistical method, chapter 4).
    """
    lowest = np.log(_UNIQUE)
    now = np.full(correlation.shape[:2], np.log(0.5))
    found, left = np.full_like(now, np.nan), np.arange(len(now))
    for _ in range(_MOST_STEPS):
        root = np.exp(now / 2)
        size, vectors = np.linalg.eigh(correlation[left] / (root[:, :, None] * root[:, None, :]))
        rest = vectors[..., :-1]
        slope = ((1 - size[:, None, :-1]) * rest**2).sum(axis=-1)
        held = ((now <= lowest) & (slope > 0)) | ((now >= 0) & (slope < 0))
        curve = (rest @ np.swapaxes(rest, 1, 2)) ** 2
        curve *= ~(held[:, :, None] | held[:, None, :])
        curve += (held + 1e-10)[:, :, None] * np.eye(now.shape[1])
        step = np.linalg.solve(curve, np.where(held, 0, -slope)[..., None])[..., 0]
        after = np.clip(now + np.clip(step, -1, 1), lowest, 0)
        still = np.abs(after - now).max(axis=1) > _CLOSE
        loadings = root * vectors[..., -1] * np.sqrt(np.maximum(size[:, -1:] - 1, 0))
        found[left[~still]] = loadings[~still]
        left, now = left[still], after[still]
        if not len(left):
            break
    return found
