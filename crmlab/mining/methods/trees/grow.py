"""Growing a tree level by level: one pass over the rows counts classes for all nodes of a level at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from crmlab.mining.methods.trees.bins import Bins, NumericBins
from crmlab.mining.methods.trees.evidence import Evidence, split_bits
from crmlab.mining.methods.trees.look_ahead import ROWS, least_bits, pairs_ahead
from crmlab.mining.methods.trees.search import best_splits
from crmlab.mining.methods.trees.splits import Cuts, Groups, Split

#: Most numbers in the class counts of one pass; more nodes than that are counted in several passes.
COUNTS_AT_ONCE = 1 << 24

#: Codes of some rows, shape (columns, rows); their classes as numbers; their weights, None for 1 each.
Block = tuple[np.ndarray, np.ndarray, np.ndarray | None]


@dataclass(eq=False)
class Grown:
    """A node while the tree grows.

    Attributes
    ----------
    counts : ndarray, shape (classes,)
        Weight of each class.
    column : int
        Place of the column that splits it; -1 for a leaf.
    branch : ndarray, shape (codes,)
        Branch of each code of that column.
    children : list of Grown
        One per branch.
    seen : ndarray, shape (codes,)
        Which codes of that column have rows here.
    places : int
        Bins among which the split was chosen: they set the bits that describe it.
    """

    counts: np.ndarray
    column: int = -1
    branch: np.ndarray | None = None
    children: list[Grown] = field(default_factory=list)
    seen: np.ndarray | None = None
    places: int = 0

    @property
    def nodes(self) -> Iterator[Grown]:
        """The node and all below it, each before its children."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))

    def make_leaf(self) -> None:
        """Take away what is below."""
        self.column, self.branch, self.children, self.seen, self.places = -1, None, [], None, 0


def class_counts(
    blocks: Callable[[], Iterator[Block]], level: Router, n_columns: int, n_codes: int, n_classes: int
) -> np.ndarray:
    """Class counts of each node of a level, shape (nodes, columns, codes, classes), in one pass."""
    nodes = len(level.nodes)
    found = np.zeros((n_columns, nodes * n_classes * n_codes))
    for codes, target, weight in blocks():
        slot, rows = level.slots(codes)
        if rows is not None:
            target = target[rows]
            weight = None if weight is None else weight[rows]
        base = (slot * n_classes + target) * n_codes
        place = np.empty_like(base)
        for column in range(n_columns):
            # Copied and added in two steps: adding bytes to whole numbers at once is slower.
            place[:] = codes[column] if rows is None else codes[column, rows]
            place += base
            found[column] += np.bincount(place, weight, minlength=found.shape[1])
    return found.reshape(n_columns, nodes, n_classes, n_codes).transpose(1, 0, 3, 2).copy()


class Router:
    """The nodes of one level and the way of each row to them, from the root."""

    def __init__(self, root: Grown, nodes: list[Grown]) -> None:
        self.nodes = nodes
        wanted = {id(node): place for place, node in enumerate(nodes)}
        self._steps: list[tuple[np.ndarray, np.ndarray]] = []
        alive = _above(root, wanted)
        level = [root]
        while not all(id(node) in wanted for node in level):
            below = [child for node in level for child in node.children if id(child) in alive]
            place_of = {id(node): place for place, node in enumerate(below)}
            width = max(len(node.branch) for node in level)
            to = np.full((len(level), width), -1, dtype=np.intp)
            for place, node in enumerate(level):
                children = np.array([place_of.get(id(child), -1) for child in node.children], dtype=np.intp)
                to[place, : len(node.branch)] = children[node.branch]
            self._steps.append((np.array([node.column for node in level]), to))
            level = below
        self._places = np.array([wanted[id(node)] for node in level], dtype=np.intp)

    def slots(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Place among the nodes of each row that reaches one, and these rows; None for all of them."""
        slot, rows = np.zeros(codes.shape[1], dtype=np.intp), None
        for column_of, to in self._steps:
            used = np.unique(column_of)
            if len(used) == 1:
                code = codes[used[0]] if rows is None else codes[used[0], rows]
            else:
                code = codes[column_of[slot], np.arange(codes.shape[1]) if rows is None else rows]
            place = slot * to.shape[1]
            place += code
            slot = to.ravel().take(place)
            if slot.size and slot.min() < 0:
                kept = slot >= 0
                rows = np.flatnonzero(kept) if rows is None else rows[kept]
                slot = slot[kept]
        return self._places[slot], rows


def _above(root: Grown, wanted: dict[int, int]) -> set[int]:
    """The wanted nodes and all that lead to them."""
    found = set(wanted)
    for node in reversed(list(root.nodes)):
        if any(id(child) in found for child in node.children):
            found.add(id(node))
    return found


def grow(
    blocks: Callable[[], Iterator[Block]],
    columns: Bins,
    evidence: Evidence,
    *,
    max_branches: int = 6,
    max_height: int = 7,
    max_leaves: int = 255,
    min_weight: float = 1.0,
    complexity: float = 1.0,
    advance: Callable[[], None] = lambda: None,
) -> Grown:
    """A tree grown level by level, each node by the split that saves most bits, while any does.

    Parameters
    ----------
    blocks
        Called for each pass; gives the rows piece by piece.
    columns
        The bins of the columns.
    evidence
        Bits of class counts.
    max_branches, max_height, max_leaves, min_weight
        Limits. Where a level has more splits than leaves are left, those that save most are made.
    complexity
        Weight of the bits that describe splits.
    advance
        Called after each level.
    """
    n_codes = max(column.n_bins for column in columns) + 1
    root = Grown(np.zeros(evidence.n_classes))
    level, leaves, height = [root], 1, 0
    at_once = max(1, COUNTS_AT_ONCE // (len(columns) * n_codes * evidence.n_classes))
    while level and height < max_height and leaves < max_leaves:
        found = []
        for start in range(0, len(level), at_once):
            nodes = level[start : start + at_once]
            router = Router(root, nodes)
            counts = class_counts(blocks, router, len(columns), n_codes, evidence.n_classes)
            if height == 0:
                root.counts = counts[0, 0].sum(0)
            splits = best_splits(counts, columns, evidence, max_branches, complexity, min_weight)
            alone = []
            for place, node in enumerate(nodes):
                column = int(splits.worth[place].argmax())
                if splits.saving[place, column] > 0:
                    found.append((float(splits.saving[place, column]), len(found), node, column,
                                  splits.branch[place, column], counts[place, column]))  # fmt: skip
                else:
                    alone.append(place)
            if height + 2 <= max_height:
                for place, column, branch in _ahead(blocks, root, nodes, alone, counts, columns, evidence,
                                                    max_branches, complexity, min_weight):  # fmt: skip
                    found.append((0.0, len(found), nodes[place], column, branch, counts[place, column]))
        level = []
        for _, _, node, column, branch, counts in sorted(found, key=lambda split: (-split[0], split[1])):
            degree = int(branch[: columns[column].n_bins + 1].max()) + 1
            if leaves + degree - 1 > max_leaves:
                continue
            apply_split(node, column, branch, counts, columns[column])
            leaves += degree - 1
            level.extend(child for child in node.children if can_split(child, min_weight))
        height += 1
        advance()
    if not root.counts.any():
        root.counts = sum(np.bincount(y, w, evidence.n_classes) for _, y, w in blocks()).astype(float)
    return root


def _ahead(
    blocks: Callable[[], Iterator[Block]], root: Grown, nodes: list[Grown], alone: list[int],
    counts: np.ndarray, columns: Bins, evidence: Evidence, max_branches: int, complexity: float,
    min_weight: float,
) -> Iterator[tuple[int, int, np.ndarray]]:  # fmt: skip
    """Node, column and branches of splits that pay only with those below them, where no single one does."""
    least = least_bits(columns, max_branches, complexity)
    asked, rows_left = [], float(ROWS)
    for place in alone:
        rows = nodes[place].counts.sum()
        if evidence(nodes[place].counts) > least and rows <= rows_left:
            rows_left -= rows
            asked.append(place)
    if not asked:
        return
    router = Router(root, [nodes[place] for place in asked])

    def rows_of() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]]:
        for codes, target, weight in blocks():
            slot, rows = router.slots(codes)
            if rows is not None:
                codes, target = codes[:, rows], target[rows]
                weight = None if weight is None else weight[rows]
            yield slot, codes, target, weight

    pairs = pairs_ahead(rows_of, counts[asked], columns, evidence, max_branches, complexity)
    for place, pair in zip(asked, pairs, strict=True):
        if pair is not None:
            column, branch = pair
            loads = np.bincount(branch, counts[place, column].sum(-1), minlength=2)
            if loads.min() >= max(min_weight, 1e-300):
                yield place, column, branch


def can_split(node: Grown, min_weight: float) -> bool:
    """Whether a node has two classes and enough rows for two branches."""
    return (node.counts > 0).sum() > 1 and node.counts.sum() >= 2 * min_weight


def apply_split(node: Grown, column: int, branch: np.ndarray, counts: np.ndarray, bins: NumericBins) -> None:
    """Part a node by the branch of each code of a column, whose class counts are given."""
    node.column, node.branch = column, branch[: bins.n_bins + 1]
    counts = counts[: bins.n_bins + 1]
    note_places(node, counts, bins)
    degree = int(node.branch.max()) + 1
    node.children = [Grown(counts[node.branch == side].sum(0)) for side in range(degree)]


def note_places(node: Grown, counts: np.ndarray, bins: NumericBins) -> None:
    """Note which codes of the split column have rows, and among how many places its split was chosen.

    Those are the groups between boundary points of numbers, and the values that are names.
    """
    node.seen = counts.sum(-1) > 0
    known = counts[: bins.n_bins][node.seen[: bins.n_bins]]
    node.places = len(known)
    if isinstance(bins, NumericBins) and len(known):
        kind = np.where((known > 0).sum(-1) == 1, known.argmax(-1), -1)
        node.places = int(1 + ((kind[1:] != kind[:-1]) | (kind[1:] < 0)).sum())


def described(node: Grown, columns: Bins, max_branches: int) -> float:
    """Bits that tell the split of a node."""
    numeric = isinstance(columns[node.column], NumericBins)
    branches = max(2, len(set(node.branch[: columns[node.column].n_bins].tolist())))
    told = split_bits(len(columns), max_branches, np.array(node.places), np.array(float(branches)),
                      np.array(numeric))  # fmt: skip
    return float(told)


def as_split(node: Grown, column: NumericBins) -> tuple[Split, list[int]]:
    """The split of a node as its bins have it, and the old number of each of its branches.

    Intervals rise; groups stand in the order of their first value.
    """
    branch, known = node.branch, node.branch[: column.n_bins]
    if isinstance(column, NumericBins):
        change = np.flatnonzero(known[1:] != known[:-1])
        order = known[np.append(change, len(known) - 1)].tolist()
        missing = int(branch[column.n_bins])
        if missing not in order:
            order.append(missing)
        points = tuple(column.edges[change].tolist())
        return Cuts(column.name, points, order.index(missing)), order
    seen = node.seen[: len(column.values)]
    order = list(dict.fromkeys(known[:-1][seen].tolist()))
    other, missing = int(known[-1]), int(branch[column.n_bins])
    order += [side for side in dict.fromkeys([other, missing]) if side not in order]
    groups = tuple(
        tuple(value for value, side, here in zip(column.values, known[:-1], seen, strict=True)
              if here and side == wanted)
        for wanted in order
    )  # fmt: skip
    apart = not groups[-1] and order[-1] == missing and other != missing
    groups = groups[:-1] if apart else groups
    return Groups(column.name, groups, order.index(missing), order.index(other)), order
