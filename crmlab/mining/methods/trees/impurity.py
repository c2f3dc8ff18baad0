"""How mixed the classes are, and how much a split unmixes them: entropy, Gini, gain, gain ratio."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError


def entropy(counts: ArrayLike) -> np.ndarray | float:
    """Entropy of class counts, in bits.

    Parameters
    ----------
    counts
        Rows (or their weights) of each class along the last axis.

    Returns
    -------
    float, or an ndarray without the last axis
        0 for a single class and for no rows at all, log2 of the number of classes for equal shares.

    References
    ----------
    C. E. Shannon (1948), A mathematical theory of communication, section 6.

    Examples
    --------
    >>> round(entropy([9, 5]), 3)
    0.94
    """
    counts = _counts(counts)
    total = counts.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(counts > 0, counts * np.log2(counts), 0).sum(-1)
        # One class alone has entropy 0; rounding leaves a little, by which gain_ratio would divide a little.
        found = np.where((counts > 0).sum(-1) > 1, np.log2(total) - terms / total, 0)
    return _plain(np.maximum(found, 0))


def gini(counts: ArrayLike) -> np.ndarray | float:
    """Gini's impurity of class counts: the chance that two rows drawn with replacement differ in class.

    Parameters
    ----------
    counts
        Rows (or their weights) of each class along the last axis.

    References
    ----------
    L. Breiman et al. (1984), Classification and Regression Trees, section 4.3.

    Examples
    --------
    >>> round(gini([9, 5]), 3)
    0.459
    """
    counts = _counts(counts)
    total = counts.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(total > 0, 1 - (counts**2).sum(-1) / total**2, 0)
    return _plain(np.maximum(found, 0))


def gain(branches: ArrayLike) -> np.ndarray | float:
    """Information gain of a split: entropy before less the mean entropy of its branches, in bits.

    Parameters
    ----------
    branches
        Class counts of each branch, shape (..., branches, classes).

    References
    ----------
    J. R. Quinlan (1986), Induction of decision trees, Machine Learning 1, section 4.

    Examples
    --------
    Age (up to 30, 31 to 40, over 40) against who buys a computer, no and yes:

    >>> round(gain([[3, 2], [0, 4], [2, 3]]), 3)
    0.247
    """
    return _decrease(_branches(branches), entropy)


def gini_gain(branches: ArrayLike) -> np.ndarray | float:
    """Decrease of Gini's impurity by a split; shapes as in :func:`gain`.

    Examples
    --------
    >>> round(gini_gain([[3, 2], [0, 4], [2, 3]]), 3)
    0.116
    """
    return _decrease(_branches(branches), gini)


def gain_ratio(branches: ArrayLike) -> np.ndarray | float:
    """Gain by the entropy of the branch sizes; 0 where all rows go one way. Shapes as in :func:`gain`.

    References
    ----------
    J. R. Quinlan (1986), Induction of decision trees, Machine Learning 1, section 7.

    Examples
    --------
    >>> round(gain_ratio([[3, 2], [0, 4], [2, 3]]), 3)
    0.156
    """
    branches = _branches(branches)
    spread = np.asarray(entropy(branches.sum(-1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        return _plain(np.where(spread > 0, gain(branches) / spread, 0))


def _decrease(branches: np.ndarray, impurity) -> np.ndarray | float:
    sizes = branches.sum(-1)
    total = sizes.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        after = np.where(total > 0, (sizes * impurity(branches)).sum(-1) / total, 0)
    return _plain(np.maximum(impurity(branches.sum(-2)) - after, 0))


def _counts(values: ArrayLike) -> np.ndarray:
    counts = np.asarray(values, dtype=float)
    if (counts < 0).any():
        raise ParameterError("Counts of classes are numbers from 0 upwards.")
    return counts


def _branches(values: ArrayLike) -> np.ndarray:
    counts = _counts(values)
    if counts.ndim < 2:
        raise ParameterError("A split is told by the class counts of each branch: a row per branch.")
    return counts


def _plain(values: np.ndarray) -> np.ndarray | float:
    return float(values) if np.ndim(values) == 0 else np.asarray(values)
