"""Records of one person: average-link clusters of scored pairs.

Connected components would join whatever a chain of single pairs joins; here two groups are joined
if all their pairs together speak for it. Of each field the mean over those pairs counts in which
both have a value, so that empty fields do not dilute what the others say. Groups are joined while
the odds, prior included, are even or better, unless more is asked for: no threshold is chosen.
"""

from __future__ import annotations

import numpy as np


def average_link(
    a: np.ndarray, b: np.ndarray, weights: np.ndarray, rows: int, prior_weight: float, unscored: float,
    known: np.ndarray | None = None, least: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """Cluster records, closest groups first, while the odds speak for it.

    Parameters
    ----------
    a, b : ndarray of int
        Pairs of records, each once, `a` < `b`.
    weights : ndarray, pairs x fields
        log2 of the Bayes factors, not a number where a value is missing.
    rows
        Number of records.
    prior_weight
        log2 of the prior odds.
    unscored
        What a pair that is not among the pairs is taken to weigh, prior included.
    known
        For each record the lowest record of the cluster it was in before, -1 for a new one. What
        was together stays together, and clusters that were two stay two.
    least
        Odds, in bits, from which two groups are joined.

    Returns
    -------
    ndarray of int
        For each record the lowest record of its cluster.

    Examples
    --------
    >>> pairs, weights = np.array([[0, 1], [0, 2], [1, 2]]), np.array([[9.0], [8.0], [-9.0]])
    >>> average_link(*pairs.T, weights, 3, prior_weight=-2.0, unscored=-6.0).tolist()
    [0, 0, 2]
    """
    labels, kept = np.arange(rows), np.zeros(rows, dtype=bool)
    seen = ~np.isnan(weights)
    # Per pair of groups: sums of weights and numbers of values per field, and of scored pairs.
    sums = np.hstack([np.where(seen, weights, 0.0), seen, np.ones((len(a), 1))])
    fields = weights.shape[1]
    if known is not None:
        kept[known[known >= 0]] = True
        labels = np.where(known >= 0, known, labels)
        a, b, sums = _joined_pairs(labels[a], labels[b], sums, rows)
    sizes = np.bincount(labels, minlength=rows).astype("float64")
    while len(a):
        count, scored = sums[:, fields:-1], sums[:, -1]
        mean = np.divide(sums[:, :fields], count, out=np.zeros_like(count), where=count > 0)
        share = scored / (sizes[a] * sizes[b])
        linkage = share * (prior_weight + mean.sum(axis=1)) + (1 - share) * unscored
        linkage[kept[a] & kept[b]] = -np.inf
        partner = _best_partners(a, b, linkage, rows, least)
        joined = np.flatnonzero(partner >= 0)
        joined = joined[(partner[partner[joined]] == joined) & (joined < partner[joined])]
        if not len(joined):
            break
        target = np.arange(rows)
        target[partner[joined]] = joined
        np.add.at(sizes, joined, sizes[partner[joined]])
        kept[joined] |= kept[partner[joined]]
        labels = target[labels]
        a, b, sums = _joined_pairs(target[a], target[b], sums, rows)
    return labels


def _best_partners(a: np.ndarray, b: np.ndarray, linkage: np.ndarray, rows: int, least: float) -> np.ndarray:
    """For each group the one it is closest to, -1 where none is close enough."""
    close = np.flatnonzero(linkage >= least)
    one, other = np.concatenate([a[close], b[close]]), np.concatenate([b[close], a[close]])
    order = np.lexsort((other, -np.concatenate([linkage[close]] * 2), one))
    one, other = one[order], other[order]
    first = np.append(True, one[1:] != one[:-1])[: len(one)]
    partner = np.full(rows, -1)
    partner[one[first]] = other[first]
    return partner


def _joined_pairs(
    a: np.ndarray, b: np.ndarray, sums: np.ndarray, rows: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of groups after some groups were joined, each once."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    apart = low != high
    low, high, sums = low[apart], high[apart], sums[apart]
    if not len(low):
        return low, high, sums
    key = low.astype("int64") * rows + high
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    return low[order][starts], high[order][starts], np.add.reduceat(sums[order], starts, axis=0)
