"""Making a grown tree smaller: by description length, by equal predictions, by joining splits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crmlab.mining.methods.trees.bins import Bins, NumericBins
from crmlab.mining.methods.trees.evidence import Evidence
from crmlab.mining.methods.trees.grow import Grown, described


def prune(root: Grown, columns: Bins, evidence: Evidence, max_branches: int, complexity: float) -> None:
    """Take away each subtree that takes more bits than a leaf in its place.

    A subtree takes the bits of its leaves and, weighted by `complexity`, those of its splits.
    """
    total: dict[int, float] = {}
    for node in _upwards(root):
        alone = float(evidence(node.counts))
        if node.children:
            below = complexity * described(node, columns, max_branches)
            below += sum(total[id(child)] for child in node.children)
            if below < alone:
                total[id(node)] = below
                continue
            node.make_leaf()
        total[id(node)] = alone


def prune_errors(root: Grown, loss: dict[int, np.ndarray], complexity: float) -> None:
    """Take away each subtree that makes hardly fewer mistakes than a leaf in its place.

    Mistakes in training are too few by about half a mistake per leaf; a subtree goes when the mistakes
    of the leaf are within a standard error of its own, both so corrected.

    Parameters
    ----------
    root
        The tree, changed in place.
    loss
        Loss of each class in each node, by the id of the node: what its prediction costs.
    complexity
        Weight of the correction; with 0 only what makes no fewer mistakes goes.

    References
    ----------
    J. R. Quinlan (1987), Simplifying decision trees, Int. J. Man-Machine Studies 27, section 2.3.
    """
    total: dict[int, tuple[float, int]] = {}
    for node in _upwards(root):
        alone = float(node.counts @ loss[id(node)])
        if node.children:
            below = sum(total[id(child)][0] for child in node.children)
            leaves = sum(total[id(child)][1] for child in node.children)
            corrected, rows = below + leaves / 2, node.counts.sum()
            error = np.sqrt(corrected * max(rows - corrected, 0) / rows)
            if alone - below > complexity * (leaves / 2 - 0.5 + error):
                total[id(node)] = below, leaves
                continue
            node.make_leaf()
        total[id(node)] = alone, 1


def merge_equal(root: Grown, columns: Bins, predict: Callable[[Grown], dict[int, int]]) -> None:
    """Join leaves side by side that predict the same class, until there are none.

    Intervals are joined with their neighbours, groups with any others; a node whose branches are all
    joined becomes a leaf.

    Parameters
    ----------
    root
        The tree, changed in place.
    columns
        The bins of the columns.
    predict
        Gives the predicted class of each node by its id.
    """
    changed = True
    while changed:
        changed = False
        predicted = predict(root)
        for node in _upwards(root):
            if node.children and _merge_leaves(node, columns[node.column], predicted):
                changed = True


def _merge_leaves(node: Grown, bins: NumericBins, predicted: dict[int, int]) -> bool:
    """Join the leaves of a node that are alike; whether there were any."""
    numeric = isinstance(bins, NumericBins)
    known = node.branch[: bins.n_bins]
    order = list(dict.fromkeys(known.tolist()))
    order += [side for side in range(len(node.children)) if side not in order]
    groups: list[list[int]] = []
    for side in order:
        child = node.children[side]
        apart = side not in known
        # Missing values that stand apart may join any leaf; an interval only its neighbour.
        candidates = groups[-1:] if numeric and not apart else groups
        for group in candidates:
            other = node.children[group[0]]
            if not child.children and not other.children and predicted[id(child)] == predicted[id(other)]:
                group.append(side)
                break
        else:
            groups.append([side])
    if len(groups) == len(node.children):
        return False
    new = np.empty(len(node.children), dtype=np.uint8)
    children = []
    for place, group in enumerate(groups):
        new[group] = place
        first = node.children[group[0]]
        children.append(
            first if len(group) == 1 else Grown(sum(node.children[side].counts for side in group))
        )
        if len(group) > 1:
            predicted[id(children[-1])] = predicted[id(first)]
    if len(children) == 1:
        node.make_leaf()
    else:
        node.branch, node.children = new[node.branch], children
    return True


def drop_empty(root: Grown) -> None:
    """Take away branches without rows; their codes go to the branch with most rows."""
    for node in _upwards(root):
        if not node.children:
            continue
        loads = np.array([child.counts.sum() for child in node.children])
        if loads.min() > 0:
            continue
        kept = np.flatnonzero(loads > 0)
        if len(kept) < 2:
            only = node.children[int(loads.argmax())]
            node.column, node.branch, node.children, node.seen, node.places = (
                only.column, only.branch, only.children, only.seen, only.places,
            )  # fmt: skip
            continue
        new = np.full(len(loads), np.searchsorted(kept, loads.argmax()), dtype=np.uint8)
        new[kept] = np.arange(len(kept))
        node.branch, node.children = new[node.branch], [node.children[side] for side in kept]


def join_chains(root: Grown, max_degree: int) -> None:
    """Make one node of a node and a child that split the same column; predictions stay as they are."""
    for node in _upwards(root):
        side = 0
        while side < len(node.children):
            child = node.children[side]
            if child.column == node.column and len(node.children) + len(child.children) - 1 <= max_degree:
                later = np.where(node.branch > side, node.branch + len(child.children) - 1, node.branch)
                node.branch = np.where(node.branch == side, child.branch + side, later).astype(np.uint8)
                node.children[side : side + 1] = child.children
                node.places = max(node.places, child.places)
            else:
                side += 1


def _upwards(root: Grown) -> list[Grown]:
    """All nodes, each after its children."""
    return list(root.nodes)[::-1]
