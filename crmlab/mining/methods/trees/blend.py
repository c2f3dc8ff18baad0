"""Hierarchical shrinkage: the probabilities of a node, blended with those of all nodes above it."""

from __future__ import annotations

import numpy as np

from crmlab.mining.methods.trees.grow import Grown


def blend(root: Grown, shrinkage: float) -> dict[int, np.ndarray]:
    """Probability of each class in each node, by the id of the node.

    That of a node of n rows is (counts + s * probabilities of its parent) / (n + s), from the root
    down, so that each prediction draws on all rows, and small leaves on their own ones least.

    Parameters
    ----------
    root
        The tree.
    shrinkage
        The weight s of the parent, in rows. The root starts from equal probabilities, of weight one row
        or s, whichever is less.

    References
    ----------
    L. Bahl et al. (1989), A tree-based statistical language model, IEEE Trans. ASSP 37, section III.
    A. Agarwal et al. (2022), Hierarchical shrinkage, ICML 39, equation 2 (there on means).
    """
    found = {}
    waiting: list[tuple[Grown, np.ndarray | None]] = [(root, None)]
    while waiting:
        node, above = waiting.pop()
        found[id(node)] = blended(node.counts, above, shrinkage)
        waiting.extend((child, found[id(node)]) for child in node.children)
    return found


def blended(counts: np.ndarray, above: np.ndarray | None, shrinkage: float) -> np.ndarray:
    """Probability of each class at one node, from its counts and the probabilities above; None for a root."""
    if above is None:
        above, shrinkage = np.full(len(counts), 1 / len(counts)), min(shrinkage, 1.0)
    total = counts.sum() + shrinkage
    return (counts + shrinkage * above) / total if total > 0 else above
