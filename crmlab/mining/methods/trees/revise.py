"""Looking at each split again now that the tree below it is known: tree alternating optimisation."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from crmlab.mining.methods.trees.bins import Bins, NumericBins
from crmlab.mining.methods.trees.grow import Grown, note_places
from crmlab.mining.methods.trees.prune import drop_empty

#: A change of less than this, in mistakes or bits, is not worth making.
LEAST = 1.0


def revise(
    root: Grown,
    codes: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    columns: Bins,
    losses: dict[int, np.ndarray],
    min_weight: float = 1.0,
) -> bool:
    """Give each node, from the lowest up, the split that suits the subtrees below it best.

    All else being fixed, each row that reaches a node has a loss in each of its subtrees; the best
    split sends rows where their losses are least. For every column this is a sum per bin and branch,
    over which the best intervals are found by dynamic programming, and groups freely. A split is
    changed if the sum of losses falls by more than LEAST.

    Parameters
    ----------
    root
        The tree, changed in place; branches that lose all rows are taken away.
    codes
        Codes of the rows, shape (columns, rows).
    target, weight
        Class of each row as a number, and its weight.
    columns
        The bins of the columns.
    losses
        For each node by its id the loss of each class in it.
    min_weight
        Least weight of a branch that has any rows.

    Returns
    -------
    bool
        Whether anything was changed.

    References
    ----------
    M. A. Carreira-Perpinan and P. Tavallali (2018), Alternating optimization of decision trees, NeurIPS 31.
    """
    n_classes = len(root.counts)
    rows_of = {id(root): np.arange(codes.shape[1])}
    order = []
    for node in root.nodes:
        if node.children:
            order.append(node)
            rows = rows_of[id(node)]
            side = node.branch[codes[node.column, rows]]
            for place, child in enumerate(node.children):
                rows_of[id(child)] = rows[side == place]
    changed = False
    for node in reversed(order):
        rows = rows_of[id(node)]
        if len(rows) < 2:
            continue
        loss = np.stack([_losses(child, codes, rows, target, losses) for child in node.children])
        if weight is not None:
            loss *= weight[rows]
        found = _best_split(node, codes[:, rows], loss, columns)
        if found is None:
            continue
        column, branch = found
        loads = np.bincount(branch[codes[column, rows]], None if weight is None else weight[rows])
        if loads[loads > 0].min() < min_weight:
            continue
        changed = True
        node.column, node.branch = column, branch
    if changed:
        recount(root, codes, target, weight, n_classes, columns)
        drop_empty(root)
        recount(root, codes, target, weight, n_classes, columns)
    return changed


def recount(
    root: Grown,
    codes: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    n_classes: int,
    columns: Bins,
) -> None:
    """Count the classes of each node anew."""
    waiting = [(root, np.arange(codes.shape[1]))]
    while waiting:
        node, rows = waiting.pop()
        here = None if weight is None else weight[rows]
        node.counts = np.bincount(target[rows], here, n_classes).astype(float)
        if node.children:
            code = codes[node.column, rows]
            bins = columns[node.column]
            place = code.astype(np.intp) * n_classes + target[rows]
            table = np.bincount(place, here, (bins.n_bins + 1) * n_classes).reshape(-1, n_classes)
            note_places(node, table, bins)
            side = node.branch[code]
            waiting.extend((child, rows[side == at]) for at, child in enumerate(node.children))


def _losses(
    node: Grown, codes: np.ndarray, rows: np.ndarray, target: np.ndarray, losses: dict[int, np.ndarray]
) -> np.ndarray:
    """Loss of each row in the leaf of a subtree that it would reach."""
    found = np.empty(len(rows))
    waiting = [(node, np.arange(len(rows)))]
    while waiting:
        node, places = waiting.pop()
        here = rows[places]
        if not node.children:
            found[places] = losses[id(node)][target[here]]
            continue
        side = node.branch[codes[node.column, here]]
        waiting.extend((child, places[side == at]) for at, child in enumerate(node.children))
    return found


def _best_split(
    node: Grown, codes: np.ndarray, loss: np.ndarray, columns: Bins
) -> tuple[int, np.ndarray] | None:
    """Column and branches with the smallest loss; None if none is better than the split that is there."""
    degree = len(loss)
    n_codes = max(column.n_bins for column in columns) + 1
    table = np.empty((len(columns), n_codes, degree))
    for column, code in enumerate(codes):
        for side in range(degree):
            table[column, :, side] = np.bincount(code, loss[side], minlength=n_codes)
    last = np.array([column.n_bins for column in columns])
    every = np.arange(len(columns))
    now = table[node.column, np.arange(len(node.branch)), node.branch].sum()
    missing = table[every, last]
    table[every, last] = 0
    numeric = np.array([isinstance(column, NumericBins) for column in columns])
    best, found = now - LEAST, None
    for column in np.flatnonzero(~numeric):
        total = table[column].min(-1).sum() + missing[column].min()
        if total < best:
            best, found = total, (int(column), None, None)
    places = np.flatnonzero(numeric)
    if len(places):
        # Sum of losses up to each code, a place in front of the first.
        sums = np.concatenate([np.zeros((len(places), 1, degree)), np.cumsum(table[places], axis=1)], axis=1)
        for order in _orders(node, columns, degree):
            steps, total = [], sums[:, :, order[0]]
            for side in order[1:]:
                steps.append(total - sums[:, :, side])
                total = sums[:, :, side] + np.minimum.accumulate(steps[-1], axis=1)
            ends = total[:, -1] + missing[places].min(-1)
            at = int(ends.argmin())
            if ends[at] < best:
                best, found = ends[at], (int(places[at]), order, [step[at] for step in steps])
    if found is None:
        return None
    column, order, steps = found
    branch = table[column].argmin(-1) if order is None else _intervals(order, steps)
    if order is None:
        # Values that no row here has go where most rows go.
        seen = np.bincount(codes[column], minlength=n_codes) > 0
        loads = np.bincount(branch[codes[column]], minlength=degree)
        branch = np.where(seen, branch, loads.argmax())
    branch[last[column]] = missing[column].argmin()
    return column, branch[: last[column] + 1].astype(np.uint8)


def _orders(node: Grown, columns: Bins, degree: int) -> list[tuple[int, ...]]:
    """Orders in which the branches may follow each other along a column: all of few, else as now or back."""
    if degree <= 3:
        return list(permutations(range(degree)))
    known = node.branch[: columns[node.column].n_bins].tolist()
    now = list(dict.fromkeys(known))
    now += [side for side in range(degree) if side not in now]
    return [tuple(now), tuple(reversed(now))]


def _intervals(order: tuple[int, ...], steps: list[np.ndarray]) -> np.ndarray:
    """Branch of each code, traced back from the last one."""
    end = len(steps[0]) - 1
    branch = np.empty(end, dtype=np.int64)
    for side, step in zip(order[:0:-1], steps[::-1], strict=True):
        start = int(step[: end + 1].argmin())
        branch[start:end] = side
        end = start
    branch[:end] = order[0]
    return branch
