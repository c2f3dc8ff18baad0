"""How much each predictor adds to what a linear regression explains, from correlation matrices.

Two ways to part R2 among correlated predictors, and the moments of bootstrap samples to see how
certain the parts are. All functions take many matrices at once.
"""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError

#: More predictors than this have too many subsets: each one doubles them.
MOST_PREDICTORS = 24
#: Least part of a predictor's variance that the others must leave for it to count as a predictor of its own.
_OWN = 1e-9
#: Subsets and rows worked on at a time, so that they stay in the processor's cache.
_SUBSETS, _ROWS = 1 << 15, 2048


def johnson_weights(correlation: ArrayLike) -> np.ndarray:
    """Parts of R2 by relative weights.

    The predictors are turned into the uncorrelated variables nearest to them, whose shares of R2
    are plain, and these shares are handed back along the squared correlations between the two sets.

    Parameters
    ----------
    correlation
        Correlation matrices, shape (..., p + 1, p + 1); the outcome is last. They may be singular; a
        predictor that does not vary has zeros in its row and column and gets the weight 0.

    Returns
    -------
    ndarray
        Shape (..., p): none is negative, and they sum to R2.

    References
    ----------
    J. W. Johnson (2000), A heuristic method for estimating the relative weight of predictor variables
    in multiple regression, Multivariate Behavioral Research 35, 1-19.

    Examples
    --------
    >>> johnson_weights([[1, 0, 0.6], [0, 1, 0.3], [0.6, 0.3, 1]]).round(4).tolist()
    [0.36, 0.09]
    """
    matrix = np.asarray(correlation, dtype=float)
    size, vectors = np.linalg.eigh(matrix[..., :-1, :-1])
    root = np.sqrt(np.where(size > _OWN, size, 0))
    along = np.swapaxes(vectors, -1, -2) @ matrix[..., :-1, -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        along = np.where(root > 0, along[..., 0] / root, 0)
    nearest = (vectors * root[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    coefficients = vectors @ along[..., None]
    return (nearest**2 @ coefficients**2)[..., 0]


def shapley_weights(correlation: ArrayLike) -> np.ndarray:
    """Parts of R2 as the mean of what a predictor adds, over all orders in which they can enter.

    Exact: R2 of all 2^p subsets, each got from a smaller one by one step of elimination, about ten
    operations a subset. Memory does not grow with p.

    Parameters
    ----------
    correlation
        Correlation matrices, shape (..., p + 1, p + 1); the outcome is last. They may be singular, as
        `johnson_weights` says; p is 24 at most.

    Returns
    -------
    ndarray
        Shape (..., p): none is negative, and they sum to R2.

    Raises
    ------
    ParameterError
        If there are more than 24 predictors.

    References
    ----------
    R. H. Lindeman, P. F. Merenda and R. Z. Gold (1980), Introduction to bivariate and multivariate
    analysis; L. S. Shapley (1953), A value for n-person games.

    Examples
    --------
    >>> shapley_weights([[1, 0.5, 0.6], [0.5, 1, 0.3], [0.6, 0.3, 1]]).round(4).tolist()
    [0.315, 0.045]
    """
    matrix = np.asarray(correlation, dtype=float)
    p = matrix.shape[-1] - 1
    if p > MOST_PREDICTORS:
        raise ParameterError(
            f"All subsets of {p} predictors are too many; {MOST_PREDICTORS} are the most. Leave out or "
            "join some, or take relative weights, which have no such limit."
        )
    # R2 of a set of s counts for its members (what they added) and against all others (what they add).
    against = [factorial(s) * factorial(p - 1 - s) / factorial(p) for s in range(p)] + [0.0]
    both = np.array(against) + np.array([0.0, *against[:-1]])
    state = np.moveaxis(matrix.reshape(-1, p + 1, p + 1), 0, -1)
    within, _, away = _sums(state, np.zeros(state.shape[-1], dtype=int), both, np.array(against))
    # Rounding must not leave a predictor that adds nothing below zero.
    return np.maximum(within - away, 0).T.reshape(*matrix.shape[:-2], p)


def _sums(
    state: np.ndarray, taken: np.ndarray, both: np.ndarray, against: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted sums of R2 over all subsets of the predictors left, for each of m matrices.

    `state` are the covariances of what the predictors taken leave of the others and of the outcome,
    shape (d + 1, d + 1, m); `taken` says how many are taken. Returned are the sums over the subsets that
    hold a predictor, shape (d, m), and over all, by either weight.
    """
    d, m = len(state) - 1, state.shape[-1]
    if m << d <= _SUBSETS:
        return _sums_at_once(state, taken, both, against)
    if m > 1:
        halves = (slice(None, m // 2), slice(m // 2, None))
        parts = [_sums(state[..., half], taken[half], both, against) for half in halves]
        within, every, away = (np.concatenate(part, axis=-1) for part in zip(*parts, strict=True))
        return within, every, away
    split = _without_and_with(state)
    left, right = (_sums(split[..., side : side + 1], taken + side, both, against) for side in (0, 1))
    return np.vstack([right[1], left[0] + right[0]]), left[1] + right[1], left[2] + right[2]


def _sums_at_once(
    state: np.ndarray, taken: np.ndarray, both: np.ndarray, against: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    d, m = len(state) - 1, state.shape[-1]
    while len(state) > 1:
        state = _without_and_with(state)
    explained = (1 - state[0, 0]).reshape(-1, m)
    members = np.bitwise_count(np.arange(1 << d))[:, None] + taken
    away = (against[members] * explained).sum(axis=0)
    rest, within = both[members] * explained, np.empty((d, m))
    # The predictor taken last is the leading bit of a subset's number.
    for place in reversed(range(d)):
        without, holding = rest.reshape(2, -1, m)
        within[place] = holding.sum(axis=0)
        rest = without + holding
    return within, rest[0], away


def _without_and_with(state: np.ndarray) -> np.ndarray:
    """One predictor decided on: twice the matrices, smaller by one; first those without it."""
    d, m = len(state) - 1, state.shape[-1]
    row, own = state[0, 1:], state[0, 0]
    # What the others determine adds nothing, whatever rounding has left of it.
    factor = row / np.where(own > _OWN, own, np.inf)
    split = np.empty((d, d, 2 * m))
    split[..., :m] = state[1:, 1:]
    np.multiply(factor[:, None], row, out=split[..., m:])
    np.subtract(state[1:, 1:], split[..., m:], out=split[..., m:])
    return split


def as_correlation(covariance: np.ndarray) -> np.ndarray:
    """Covariances (..., k, k) as correlations; a variable that does not vary gets zeros."""
    spread = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    scale = np.divide(1, spread, out=np.zeros_like(spread), where=spread > 0)
    return covariance * scale[..., :, None] * scale[..., None, :]


def resampled_moments(
    values: np.ndarray, replicates: int, seed: int, weight: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Means and covariances of bootstrap samples of rows, without making the samples.

    Each sample draws as many rows as there are, with replacement: how often each row is drawn is
    what is drawn, block by block, and multiplied with the products of the columns in one go.

    Parameters
    ----------
    values
        Shape (n, k), without missing values. Columns with a mean near 0 lose no digits.
    replicates, seed
        Number of samples, and where their chance begins.
    weight
        A weight for each row, which goes with the row.

    Returns
    -------
    means : ndarray
        Shape (replicates, k).
    covariances : ndarray
        Shape (replicates, k, k), divided by the sum of the weights.

    References
    ----------
    B. Efron (1979), Bootstrap methods, The Annals of Statistics 7, 1-26.
    """
    random = np.random.default_rng(seed)
    n, k = values.shape
    starts = np.arange(0, n, _ROWS)
    sizes = np.diff(np.append(starts, n))
    drawn = random.multinomial(n, sizes / n, size=replicates)
    first, second = np.triu_indices(k + 1)
    sums = np.zeros((replicates, len(first)))
    for start, size, draws in zip(starts, sizes, drawn.T, strict=True):
        block = np.column_stack([np.ones(size), values[start : start + size]])
        products = block[:, first] * block[:, second]
        if weight is not None:
            products *= weight[start : start + size, None]
        places = np.repeat(np.arange(replicates) * size, draws) + _drawn_below(size, draws.sum(), random)
        times = np.bincount(places, minlength=replicates * size).reshape(replicates, size)
        sums += times.astype(float) @ products
    moments = np.empty((replicates, k + 1, k + 1))
    moments[:, first, second] = moments[:, second, first] = sums / sums[:, :1]
    means = moments[:, 0, 1:]
    return means, moments[:, 1:, 1:] - means[:, :, None] * means[:, None, :]


def _drawn_below(size: int, count: int, random: np.random.Generator) -> np.ndarray:
    """Numbers from 0 to size - 1, each as likely."""
    if size < _ROWS:
        return random.integers(0, size, count)
    # The size of a full block is a power of two: random bits are such numbers as they are.
    return np.frombuffer(random.bytes(2 * count), dtype="<u2") & (_ROWS - 1)
