"""Looking two levels ahead, where no single split pays: columns that tell something only together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from crmlab.mining.methods.trees.bins import Bins, NumericBins
from crmlab.mining.methods.trees.evidence import Evidence, split_bits

#: Blocks of about equal weight into which each column is put.
COARSE = 8

#: Most cells of the joint counts of a node's columns, and most rows of all nodes looked at.
CELLS, ROWS = 200_000, 100_000


def pairs_ahead(
    rows: Callable[[], Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]]],
    counts: np.ndarray,
    columns: Bins,
    evidence: Evidence,
    max_branches: int,
    complexity: float,
) -> list[tuple[int, np.ndarray] | None]:
    """For each node the split of one column that lets splits of another pay for all three.

    Each column is put into at most eight blocks of about equal weight; one count of all pairs of them
    tells, for each cut of one column, what the best cut of another saves on either side. This finds
    what no search of single splits can: of two columns that are told apart only together (exclusive
    or), neither saves a bit alone.

    Parameters
    ----------
    rows
        Called once; gives the slot of rows, their codes, their classes and weights, block by block.
    counts
        Class counts of the nodes, shape (nodes, columns, codes, classes).
    columns, evidence, max_branches, complexity
        As in :func:`best_splits`.

    Returns
    -------
    list
        For each node the column and the branch of each of its codes; None where nothing pays.
    """
    nodes, n_columns, _, classes = counts.shape
    wide = n_columns * COARSE
    nothing: list[tuple[int, np.ndarray] | None] = [None] * nodes
    if n_columns < 2 or wide * wide * classes > CELLS:
        return nothing
    loads = counts.sum(-1)
    coarse = np.stack([_coarse(loads[:, place], column) for place, column in enumerate(columns)], axis=1)
    joint = np.zeros((nodes, classes, wide, wide))
    for slot, codes, target, weights in rows():
        for node in np.unique(slot):
            for c in range(classes):
                here = np.flatnonzero((slot == node) & (target == c))
                if len(here):
                    joint[node, c] += _pairs(
                        coarse[node], codes[:, here], None if weights is None else weights[here]
                    )
    price = complexity * _price(columns, max_branches)
    found = nothing
    for node in range(nodes):
        best = _best_pair(joint[node], evidence, price)
        if best is not None:
            column, cut = best
            found[node] = column, (coarse[node, column] > cut).astype(np.uint8)
    return found


def least_bits(columns: Bins, max_branches: int, complexity: float) -> float:
    """Bits that a node must take for a pair of columns to pay at all."""
    return 2 * complexity * float(_price(columns, max_branches).min())


def _price(columns: Bins, max_branches: int) -> np.ndarray:
    """Bits that tell a split of each column in two."""
    places = np.array([min(column.n_bins, COARSE) for column in columns])
    numeric = np.array([isinstance(column, NumericBins) for column in columns])
    return split_bits(len(columns), max_branches, places, np.full(len(columns), 2.0), numeric)


def _coarse(weight: np.ndarray, column: NumericBins) -> np.ndarray:
    """Block of each code in each node; missing values go to the block with most rows."""
    known = np.where(np.arange(weight.shape[1]) < column.n_bins, weight, 0)
    total = np.maximum(known.sum(-1), 1e-300)[:, None]
    middle = np.cumsum(known, axis=1) - known / 2
    block = np.minimum((middle * COARSE / total).astype(np.int64), COARSE - 1)
    # Few values have a block each.
    rank = np.maximum(np.cumsum(known > 0, axis=1) - 1, 0)
    block = np.where((rank[:, -1] < COARSE)[:, None], rank, block)
    loads = np.stack([(known * (block == place)).sum(-1) for place in range(COARSE)], axis=1)
    block[:, column.n_bins] = loads.argmax(axis=1)
    return block


def _pairs(coarse: np.ndarray, codes: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Weight of each pair of blocks of all columns."""
    n_columns, n = codes.shape
    found = np.zeros((n_columns * COARSE, n_columns * COARSE))
    for start in range(0, n, 8192):
        part = codes[:, start : start + 8192]
        place = coarse[np.arange(n_columns)[:, None], part] + COARSE * np.arange(n_columns)[:, None]
        hot = np.zeros((part.shape[1], n_columns * COARSE))
        hot[np.arange(part.shape[1]), place] = 1
        right = hot if weights is None else hot * weights[start : start + 8192, None]
        found += hot.T @ right
    return found


def _best_pair(joint: np.ndarray, evidence: Evidence, price: np.ndarray) -> tuple[int, int] | None:
    """Column and block of the cut that pays best together with cuts of another column below it."""
    classes, wide, _ = joint.shape
    n = wide // COARSE
    # counts[f, i, g, j, c]: rows up to block i of column f and up to block j of column g.
    counts = joint.reshape(classes, n, COARSE, n, COARSE).cumsum(2).cumsum(4).transpose(1, 2, 3, 4, 0)
    whole = counts[:, -1:]
    upto, above = counts[:, :-1], whole - counts[:, :-1]
    sides = []
    for side in (upto, above):
        alone = evidence(side[:, :, 0, -1])
        apart = evidence(side[..., :-1, :]) + evidence(side[..., -1:, :] - side[..., :-1, :])
        below = apart.min(-1) + price[None, None, :]
        sides.append(np.minimum(below, alone[..., None]))
    total = sides[0] + sides[1] + price[:, None, None]
    saving = evidence(counts[0, -1, 0, -1]) - total
    # A cut of a column below itself is a cut into three, which the plain search has tried.
    saving[np.arange(n), :, np.arange(n)] = -np.inf
    best = np.unravel_index(saving.argmax(), saving.shape)
    return (int(best[0]), int(best[1])) if saving[best] > 0 else None
