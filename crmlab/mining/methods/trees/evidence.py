"""Description length: the bits that classes take in a leaf, and the bits that a split takes to be told."""

from __future__ import annotations

import numpy as np

#: Up to this many rows the logarithms of the gamma function are looked up instead of computed.
TABLE = 1 << 17


class Evidence:
    """Bits that a group of rows takes to tell its classes, when their shares are not known beforehand.

    Minus the base-2 logarithm of the evidence of the counts under Perks' prior, a Dirichlet
    distribution of weight 1 spread evenly over the classes. It is the gain in bits over this that makes
    a split worth its description (Wallace and Patrick 1993, equations 2 and 3; Buntine 1992, section 4).

    Parameters
    ----------
    n_classes
        Number of classes.
    rows
        All rows, if every count is a whole number up to it; None for weights of any kind.

    References
    ----------
    C. S. Wallace and J. D. Patrick (1993), Coding decision trees, Machine Learning 11, 7-22.
    W. Buntine (1992), Learning classification trees, Statistics and Computing 2, 63-73.
    W. Perks (1947), Journal of the Institute of Actuaries 73, 285-334.

    Examples
    --------
    Ten rows of one of two classes are told in fewer bits than five of each:

    >>> bits = Evidence(2)
    >>> [round(float(bits(np.array(counts))), 2) for counts in ([10, 0], [5, 5])]
    [2.5, 12.02]
    """

    def __init__(self, n_classes: int, rows: int | None = None) -> None:
        self.n_classes, self.prior = n_classes, 1 / n_classes
        self._base = float(log2_gamma(np.array(self.prior)))
        self._tables = None
        if rows is not None and rows <= TABLE:
            counts = np.arange(rows + 1.0)
            self._tables = log2_gamma(counts + 1), log2_gamma(counts + self.prior) - self._base

    def of_total(self, total: np.ndarray) -> np.ndarray:
        """What the number of all rows adds."""
        if self._tables is None:
            return log2_gamma(total + 1)
        return self._tables[0].take(total.astype(np.intp))

    def of_class(self, count: np.ndarray) -> np.ndarray:
        """What the number of rows of one class takes away."""
        if self._tables is None:
            return log2_gamma(count + self.prior) - self._base
        return self._tables[1].take(count.astype(np.intp))

    def __call__(self, counts: np.ndarray) -> np.ndarray:
        """Bits of class counts, which stand along the last axis; 0 for no rows."""
        return self.of_total(counts.sum(-1)) - self.of_class(counts).sum(-1)


def log2_gamma(values: np.ndarray) -> np.ndarray:
    """Base-2 logarithm of the gamma function."""
    from scipy.special import gammaln

    return gammaln(values) / np.log(2)


def log2_choose(n: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Base-2 logarithm of the ways to choose k of n; 0 where k is more than n."""
    n = np.maximum(n, k)
    return log2_gamma(n + 1.0) - log2_gamma(k + 1.0) - log2_gamma(n - k + 1.0)


def position_bits(places: np.ndarray, branches: np.ndarray, numeric: np.ndarray) -> np.ndarray:
    """Bits that tell which split of its kind it is.

    Parameters
    ----------
    places
        Bins in which the node has rows, for numbers those between which a cut may stand.
    branches
        Number of intervals or groups.
    numeric
        Whether they are intervals: their cuts are chosen among the places. Groups are told by the
        group of each value, or as cuts in an order of the values, whichever is shorter.
    """
    cuts = log2_choose(np.maximum(places - 1, 0), branches - 1)
    free = np.maximum(places * np.log2(np.maximum(branches, 1)) - log2_gamma(branches + 1.0), 0)
    return np.where(numeric, cuts, np.minimum(free, cuts + places))


def split_bits(
    n_columns: int, max_branches: int, places: np.ndarray, branches: np.ndarray, numeric: np.ndarray
) -> np.ndarray:
    """Bits that tell a split: its column, its number of branches and where they part."""
    fixed = np.log2(n_columns) + np.log2(max(max_branches - 1, 1))
    return fixed + position_bits(places, branches, numeric)
