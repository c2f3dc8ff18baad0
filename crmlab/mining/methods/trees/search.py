"""The best split of each column into up to K branches, found on class counts by dynamic programming."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmlab.mining.methods.trees.bins import Bins, NumericBins
from crmlab.mining.methods.trees.evidence import Evidence, split_bits

#: Bins of a node are joined to at most this many blocks of about equal weight.
BLOCKS = 48

#: Numbers held at once while splits are searched.
AT_ONCE = 1 << 16


@dataclass
class Found:
    """The best split of each column in each node; arrays of shape (nodes, columns).

    Attributes
    ----------
    saving : ndarray
        Bits by which the split shortens the description of the classes, its own description paid;
        minus infinity where a column has nothing to split.
    worth : ndarray
        What columns are ranked by: the saving by the cube root of log2 of the number of branches,
        because a node of many branches could as well have been several nodes of few.
    degree : ndarray
        Number of branches.
    branch : ndarray, shape (nodes, columns, codes)
        Branch of each code of the column, that of missing values included.
    """

    saving: np.ndarray
    worth: np.ndarray
    degree: np.ndarray
    branch: np.ndarray


def best_splits(
    counts: np.ndarray,
    columns: Bins,
    evidence: Evidence,
    max_branches: int = 6,
    complexity: float = 1.0,
    min_weight: float = 1.0,
) -> Found:
    """The best split of each column in each node into 2 to `max_branches` branches.

    Cuts are looked for at boundary points only: between two bins of one and the same class no cut is
    ever best (Fayyad and Irani 1993, theorem 1). Where more than 48 bins are left after that, neighbours
    are joined to 48 blocks of about equal weight; on them the partition is the best there is. Values
    that are names are put in order first: by the share of the second class of two, by the first
    principal component of the class shares of more (Coppersmith et al. 1999). Missing values get a
    branch of their own or join the one that takes them with the fewest bits.

    Parameters
    ----------
    counts
        Class counts, shape (nodes, columns, codes, classes).
    columns
        The bins of the columns.
    evidence
        Bits of class counts.
    max_branches
        Most intervals or groups; missing values may have one more branch.
    complexity
        Weight of the bits that describe the split.
    min_weight
        Least weight of a branch.

    References
    ----------
    U. M. Fayyad and K. B. Irani (1993), Multi-interval discretization of continuous-valued attributes
    for classification learning, IJCAI 13, 1022-1027.
    D. Coppersmith, S. J. Hong and J. R. M. Hosking (1999), Partitioning nominal attributes in decision
    trees, Data Mining and Knowledge Discovery 3, 197-217.
    """
    nodes, n_columns, codes, classes = counts.shape
    pairs = counts.reshape(-1, codes, classes)
    last = np.tile([column.n_bins for column in columns], nodes)
    numeric = np.tile([isinstance(column, NumericBins) for column in columns], nodes)
    step = max(1, AT_ONCE // max(codes * classes, BLOCKS * BLOCKS))
    parts = []
    for start in range(0, len(pairs), step):
        rows = slice(start, start + step)
        parts.append(
            _search(
                pairs[rows],
                last[rows],
                numeric[rows],
                evidence,
                n_columns,
                max_branches,
                complexity,
                min_weight,
            )
        )
    saving, worth, degree, branch = (np.concatenate(part) for part in zip(*parts, strict=True))
    shape = nodes, n_columns
    return Found(saving.reshape(shape), worth.reshape(shape), degree.reshape(shape),
                 branch.reshape(*shape, codes))  # fmt: skip


def _search(
    counts: np.ndarray,
    last: np.ndarray,
    numeric: np.ndarray,
    evidence: Evidence,
    n_columns: int,
    max_branches: int,
    complexity: float,
    min_weight: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Saving, worth, degree and branches of each pair of a node and a column."""
    pairs, codes, _ = counts.shape
    every = np.arange(pairs)
    missing = counts[every, last]
    known = counts.copy()
    known[every, last] = 0
    order = _order(known, numeric)
    if order is not None:
        known = np.take_along_axis(known, order[..., None], 1)
    weight = known.sum(-1)
    seen = weight > 0
    block, places = _blocks(known, weight, seen)
    sums = _block_sums(known, block)
    ends, costs = _partitions(sums, block[:, -1], evidence, max_branches, min_weight)
    places = np.where(numeric, places, seen.sum(-1))

    node = counts.sum(1)
    whole = evidence(node)
    has_missing = missing.sum(-1) > 0
    apart = np.where(missing.sum(-1) >= min_weight, evidence(missing), np.inf)
    best = np.full(pairs, -np.inf)
    worth = np.full(pairs, -np.inf)
    intervals = np.ones(pairs, dtype=np.int64)
    to = np.zeros(pairs, dtype=np.int64)
    for k, cost in enumerate(costs, start=1):
        added, side = np.zeros(pairs), np.zeros(pairs, dtype=np.int64)
        if has_missing.any():
            added, side = _place_missing(sums, ends[k - 1], missing, apart, has_missing, evidence)
        degree = k + (has_missing & (side == k))
        told = split_bits(n_columns, max_branches, places, np.full(pairs, float(k)), numeric)
        told = told + np.where(has_missing, np.log2(k + 1), 0)
        saving = whole - cost - added - complexity * told
        saving = np.where((degree > 1) & np.isfinite(saving), saving, -np.inf)
        ranked = np.where(saving > 0, saving / np.cbrt(np.log2(np.maximum(degree, 2))), saving)
        better = ranked > worth
        best, worth = np.where(better, saving, best), np.where(better, ranked, worth)
        intervals, to = np.where(better, k, intervals), np.where(better, side, to)

    branch = np.zeros((pairs, codes), dtype=np.uint8)
    for k in range(2, len(costs) + 1):
        chosen = np.flatnonzero(intervals == k)
        branch[chosen] = (block[chosen, :, None] > ends[k - 1][chosen, None, :]).sum(-1)
        crowded = chosen[numeric[chosen] & (places[chosen] > BLOCKS) & np.isfinite(best[chosen])]
        if len(crowded):
            told = _sharpen(branch, known, weight, crowded, k, evidence, min_weight)
            best[crowded] += told
            branches = degree_of(intervals, has_missing, to)[crowded]
            worth[crowded] += told / np.cbrt(np.log2(branches))
    branch = np.take_along_axis(branch, _nearest(seen), 1)
    heaviest = _heaviest(branch, weight, len(costs))
    branch = np.where(seen | numeric[:, None], branch, heaviest[:, None])
    if order is not None:
        back = np.empty_like(branch)
        np.put_along_axis(back, order, branch, 1)
        branch = back
    branch[every, last] = np.where(has_missing, to, heaviest)
    degree = degree_of(intervals, has_missing, to)
    return best, worth, np.where(np.isfinite(best), degree, 0), branch


def degree_of(intervals: np.ndarray, has_missing: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Branches of splits into intervals, with one more where missing values stand apart."""
    return intervals + (has_missing & (to == intervals))


def _sharpen(
    branch: np.ndarray, known: np.ndarray, weight: np.ndarray, rows: np.ndarray, k: int, evidence: Evidence,
    min_weight: float,
) -> np.ndarray:  # fmt: skip
    """Move each cut of some pairs to the best bin between its neighbours; the bits that this saves.

    The partition was found on blocks of bins; `branch` is changed in place.
    """
    sums = np.zeros((len(rows), known.shape[1] + 1, known.shape[2]))
    np.cumsum(known[rows], axis=1, out=sums[:, 1:])
    at = np.arange(sums.shape[1])
    every = np.arange(len(rows))
    stops = np.zeros((len(rows), k + 1), dtype=np.int64)
    for cut in range(1, k + 1):
        stops[:, cut] = (branch[rows] < cut).sum(1)
    saved = np.zeros(len(rows))
    for cut in range(1, k):
        low, high = sums[every, stops[:, cut - 1]], sums[every, stops[:, cut + 1]]
        left, right = np.maximum(sums - low[:, None], 0), np.maximum(high[:, None] - sums, 0)
        bits = evidence(left) + evidence(right)
        inside = (at > stops[:, cut - 1, None]) & (at < stops[:, cut + 1, None])
        least = max(min_weight, 1e-300)
        inside &= (left.sum(-1) >= least) & (right.sum(-1) >= least)
        bits[~inside] = np.inf
        now = bits[every, stops[:, cut]]
        new = bits.argmin(1)
        better = bits[every, new] < now
        saved += np.where(better, now - bits[every, new], 0)
        stops[:, cut] = np.where(better, new, stops[:, cut])
    codes = np.arange(branch.shape[1])
    branch[rows] = (codes[None, :, None] >= stops[:, None, 1:k]).sum(-1)
    return np.where(np.isfinite(saved), saved, 0)


def _order(known: np.ndarray, numeric: np.ndarray) -> np.ndarray | None:
    """Order of the codes of each pair in which groups are neighbours; None where all are numbers."""
    if numeric.all():
        return None
    order = np.tile(np.arange(known.shape[1]), (len(known), 1))
    names = known[~numeric]
    weight = names.sum(-1)
    shares = names / np.maximum(weight, 1e-300)[..., None]
    if names.shape[-1] == 2:
        key = shares[..., 1]
    else:
        total = np.maximum(weight.sum(-1), 1e-300)
        off = (shares - (names.sum(1) / total[:, None])[:, None]) * np.sqrt(weight)[..., None]
        axis = np.linalg.eigh(np.einsum("pbc,pbd->pcd", off, off))[1][..., -1]
        # An axis has no direction of its own; its largest part points up.
        largest = np.abs(axis).round(9).argmax(1)
        axis *= np.where(axis[np.arange(len(axis)), largest] < 0, -1, 1)[:, None]
        key = np.einsum("pbc,pc->pb", shares, axis)
    order[~numeric] = np.argsort(np.where(weight > 0, key.round(12), np.inf), axis=1, kind="stable")
    return order


def _blocks(known: np.ndarray, weight: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Block of each code, rising from 0, and the number of boundary points plus one."""
    codes = known.shape[1]
    pure = (known > 0).sum(-1) == 1
    kind = np.where(pure, known.argmax(-1), -1)
    # The last code before this one that has rows.
    before = np.maximum.accumulate(np.where(seen, np.arange(codes), -1), axis=1)
    before = np.concatenate([np.full((len(known), 1), -1), before[:, :-1]], axis=1)
    kind_before = np.take_along_axis(kind, np.maximum(before, 0), 1)
    boundary = seen & (before >= 0) & ~((kind >= 0) & (kind == kind_before))
    group = np.cumsum(boundary, axis=1)
    places = group[:, -1] + 1
    total = np.maximum(weight.sum(-1), 1e-300)[:, None]
    middle = np.cumsum(weight, axis=1) - weight / 2
    even = np.minimum((middle * BLOCKS / total).astype(np.int64), BLOCKS - 1)
    crowded = places > BLOCKS
    block = np.where(crowded[:, None], even, group)
    new = np.zeros_like(boundary)
    new[:, 1:] = block[:, 1:] != block[:, :-1]
    return np.cumsum(new, axis=1), places


def _block_sums(known: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Class counts of the blocks, summed up from the left; shape (classes, pairs, blocks + 1)."""
    pairs, _, classes = known.shape
    size = int(block.max()) + 1
    place = np.arange(pairs)[:, None] * size + block
    sums = np.zeros((classes, pairs, size + 1))
    for c in range(classes):
        per_block = np.bincount(place.ravel(), known[..., c].ravel(), minlength=pairs * size)
        np.cumsum(per_block.reshape(pairs, size), axis=1, out=sums[c, :, 1:])
    return sums


def _partitions(
    sums: np.ndarray, last_block: np.ndarray, evidence: Evidence, max_branches: int, min_weight: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """For each number of intervals the last block of all but the last one, and their bits."""
    pairs, size = sums.shape[1], sums.shape[2] - 1
    start, end = np.triu_indices(size)
    total = np.zeros((pairs, len(start)))
    taken = np.zeros((pairs, len(start)))
    for of_class in sums:
        count = of_class[:, end + 1] - of_class[:, start]
        total += count
        taken += evidence.of_class(count)
    bits = evidence.of_total(total) - taken
    if min_weight > 1:
        bits[total < min_weight] = np.inf
    table = np.full((pairs, size, size), np.inf)
    table[:, start, end] = bits
    every = np.arange(pairs)
    best, came = table[:, 0, :], []
    costs, ends = [best[every, last_block]], [np.zeros((pairs, 0), dtype=np.int64)]
    for k in range(2, min(max_branches, size) + 1):
        joined = best[:, :-1, None] + table[:, 1:, :]
        came.append(joined.argmin(axis=1))
        best = np.take_along_axis(joined, came[-1][:, None], 1)[:, 0]
        costs.append(np.where(last_block >= k - 1, best[every, last_block], np.inf))
        at, found = last_block, []
        for step in reversed(came):
            at = step[every, at]
            found.append(at)
        ends.append(np.stack(found[::-1], axis=1))
    return ends, costs


def _place_missing(
    sums: np.ndarray,
    ends: np.ndarray,
    missing: np.ndarray,
    apart: np.ndarray,
    has_missing: np.ndarray,
    evidence: Evidence,
) -> tuple[np.ndarray, np.ndarray]:
    """Bits that missing values add, and where they go: to an interval, or apart as the last branch."""
    pairs, size = sums.shape[1], sums.shape[2] - 1
    k = ends.shape[1] + 1
    stops = np.concatenate([np.zeros((pairs, 1), int), ends + 1, np.full((pairs, 1), size)], axis=1)
    counts = np.stack([np.diff(np.take_along_axis(s, stops, 1), axis=1) for s in sums], axis=-1)
    joined = evidence(counts + missing[:, None]) - evidence(counts)
    options = np.concatenate([joined, apart[:, None]], axis=1)
    if k == 1:
        # All known values in one branch: missing values must stand apart for a split.
        options[:, 0] = np.where(np.isfinite(apart), np.inf, options[:, 0])
    side = options.argmin(axis=1)
    added = np.take_along_axis(options, side[:, None], 1)[:, 0]
    return np.where(has_missing, added, 0), np.where(has_missing, side, 0)


def _nearest(seen: np.ndarray) -> np.ndarray:
    """Nearest code with rows, the lower of two: a cut in a gap stands in its middle."""
    codes = np.arange(seen.shape[1])
    below = np.maximum.accumulate(np.where(seen, codes, -len(codes)), axis=1)
    above = np.minimum.accumulate(np.where(seen, codes, 3 * len(codes))[:, ::-1], axis=1)[:, ::-1]
    return np.clip(np.where(codes - below <= above - codes, below, above), 0, len(codes) - 1)


def _heaviest(branch: np.ndarray, weight: np.ndarray, most: int) -> np.ndarray:
    """The branch with most rows, the first of equals."""
    loads = np.stack([(weight * (branch == k)).sum(-1) for k in range(most)], axis=1)
    return loads.argmax(axis=1).astype(np.uint8)
