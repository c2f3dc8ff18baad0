"""Growing a tree level by level: one pass over the rows counts classes for all nodes of a level at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from crmlab.mining.methods.trees.bins import Bins, Codes, NumericBins
from crmlab.mining.methods.trees.evidence import Evidence, split_bits
from crmlab.mining.methods.trees.look_ahead import ROWS, least_bits, pairs_ahead
from crmlab.mining.methods.trees.search import best_splits
from crmlab.mining.methods.trees.splits import Cuts, Groups, Split

#: Most numbers in the class counts of one pass; more nodes than that are counted in several passes.
COUNTS_AT_ONCE = 1 << 24

#: Some rows: what gives their codes, their classes as numbers, their weights (None for 1 each).
Block = tuple[Codes, np.ndarray, np.ndarray | None]

#: All rows: their codes, shape (columns, rows); classes and weights as in a block.
Held = tuple[np.ndarray, np.ndarray, np.ndarray | None]


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


class Rows:
    """The rows, piece by piece, each with its place among the nodes of the level that grows.

    Places are kept from pass to pass, in a byte while the nodes are few. Rows that reach no node of the
    level have the place after the last one.

    Attributes
    ----------
    exact : bool
        Whether all weights met so far are whole, so that sums of them have no rounding errors.
    """

    def __init__(self, blocks: Callable[[], Iterator[Block]]) -> None:
        self.exact = True
        self._blocks = blocks
        self._places: list[np.ndarray] = []
        self._n_nodes, self._columns, self._to = 1, None, None

    def descend(self, level: list[Grown], below: list[Grown]) -> None:
        """Let rows go from the nodes of a level to their children, of which `below` are wanted.

        They go in the next pass, which looks at their codes anyway.
        """
        place_of = {id(node): place for place, node in enumerate(below)}
        gone = self._n_nodes = len(below)
        width = max((len(node.branch) for node in level if node.children), default=1)
        self._columns = np.array([node.column for node in level] + [-1])
        self._to = np.full((len(level) + 1, width), gone, dtype=np.min_scalar_type(gone))
        for place, node in enumerate(level):
            if node.children:
                children = np.array([place_of.get(id(child), gone) for child in node.children])
                self._to[place, : len(node.branch)] = children[node.branch]

    def __iter__(self) -> Iterator[tuple[np.ndarray, Codes, np.ndarray, np.ndarray | None]]:
        """Places, codes, classes and weights of each piece."""
        for piece, (codes, target, weight) in enumerate(self._blocks()):
            if piece == len(self._places):
                self._places.append(np.zeros(len(target), dtype=np.uint8))
                self.exact &= weight is None or bool((weight == np.floor(weight)).all())
            elif self._to is not None:
                self._places[piece] = self._moved(self._places[piece], codes)
            yield self._places[piece], codes, target, weight
        self._to = None

    def _moved(self, places: np.ndarray, codes: Codes) -> np.ndarray:
        """Where the rows of a piece go."""
        moved = np.full(len(places), self._to[-1, 0])
        column_of = self._columns.take(places)
        for column in np.unique(self._columns[self._columns >= 0]):
            rows = np.flatnonzero(column_of == column)
            if len(rows):
                at = places.take(rows) * np.intp(self._to.shape[1])
                at += codes(column, rows)
                moved[rows] = self._to.take(at)
        return moved

    def at(self, wanted: list[int]) -> Iterator[tuple]:
        """Of the rows at wanted places: place among these, row, codes, class and weight of each piece.

        Rows are None where all are wanted.
        """
        place_of = np.full(self._n_nodes + 1, -1)
        place_of[wanted] = np.arange(len(wanted))
        for places, codes, target, weight in self:
            slot, rows = place_of.take(places), None
            if slot.size and slot.min() < 0:
                rows = np.flatnonzero(slot >= 0)
                slot, target = slot.take(rows), target.take(rows)
                weight = None if weight is None else weight.take(rows)
            yield slot, rows, codes, target, weight


def class_counts(rows: Rows, wanted: list[int], n_columns: int, n_codes: int, n_classes: int) -> np.ndarray:
    """Class counts of the nodes at some places, shape (nodes, columns, codes, classes), in one pass."""
    found = np.zeros((len(wanted), n_columns, n_classes * n_codes))
    for slot, among, codes, target, weight in rows.at(wanted):
        base = (slot * n_classes + target) * n_codes
        place = np.empty_like(base)
        for column in range(n_columns):
            # Copied and added in two steps: adding bytes to whole numbers at once is slower.
            place[:] = codes(column, among)
            place += base
            found[:, column] += np.bincount(place, weight, found[:, 0].size).reshape(len(wanted), -1)
    return found.reshape(len(wanted), n_columns, n_classes, n_codes).swapaxes(2, 3)


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
    """
    shape = len(columns), max(column.n_bins for column in columns) + 1, evidence.n_classes
    root = Grown(np.zeros(evidence.n_classes))
    rows, level, leaves, height = Rows(blocks), [root], 1, 0
    beside: list[Grown] = []
    rest: dict[Grown, tuple[Grown, np.ndarray]] = {}
    at_once = max(1, COUNTS_AT_ONCE // math.prod(shape))
    while level and height < max_height and leaves < max_leaves:
        found = []
        for start in range(0, len(level), at_once):
            nodes = level[start : start + at_once]
            counts = level_counts(rows, nodes, beside, rest, start, shape)
            if height == 0:
                root.counts = counts[0, 0].sum(0)
            splits = best_splits(counts, columns, evidence, max_branches, complexity, min_weight)
            alone = []
            for place, node in enumerate(nodes):
                column = int(splits.worth[place].argmax())
                if splits.saving[place, column] > 0:
                    found.append((float(splits.saving[place, column]), len(found), node, column,
                                  splits.branch[place, column], counts[place]))  # fmt: skip
                else:
                    alone.append(place)
            if height + 2 <= max_height:
                for place, column, branch in _ahead(rows, start, nodes, alone, counts, columns, evidence,
                                                    max_branches, complexity, min_weight):  # fmt: skip
                    found.append((0.0, len(found), nodes[place], column, branch, counts[place]))
        before, level, rest = level + beside, [], {}
        for _, _, node, column, branch, counts in sorted(found, key=lambda split: (-split[0], split[1])):
            degree = int(branch[: columns[column].n_bins + 1].max()) + 1
            if leaves + degree - 1 > max_leaves:
                continue
            apply_split(node, column, branch, counts[column], columns[column])
            leaves += degree - 1
            going_on = [child for child in node.children if can_split(child, min_weight)]
            level.extend(going_on)
            heaviest = max(node.children, key=lambda child: child.counts.sum())
            if rows.exact and heaviest in going_on:
                rest[heaviest] = node, counts
        beside = [
            child for node, _ in rest.values() for child in node.children if not can_split(child, min_weight)
        ]
        if len(level) + len(beside) > at_once:
            beside, rest = [], {}
        rows.descend(before, level + beside)
        height += 1
    if not root.counts.any():
        root.counts = sum(np.bincount(y, w, evidence.n_classes) for _, y, w in blocks()).astype(float)
    return root


def level_counts(
    rows: Rows, nodes: list[Grown], beside: list[Grown], rest: dict[Grown, tuple[Grown, np.ndarray]],
    start: int, shape: tuple[int, int, int],
) -> np.ndarray:  # fmt: skip
    """Class counts of nodes of a level, from `start` on; shape (nodes, columns, codes, classes).

    Of the heaviest child of a node nothing is counted: it has what its siblings leave of the counts of
    its parent, which `rest` gives. Siblings that are no nodes of the level stand `beside` it.
    """
    counted = [node for node in nodes + beside if node not in rest]
    wanted = [start + place for place, node in enumerate(nodes + beside) if node not in rest]
    counts = class_counts(rows, wanted, *shape)
    if not rest:
        return counts
    counts_of = dict(zip(counted, counts, strict=True))
    for node in list(rest):
        # Nobody else needs the counts of the parent: what is left of them takes their place.
        parent, counts_of[node] = rest.pop(node)
        for child in parent.children:
            if child is not node:
                counts_of[node] -= counts_of[child]
    return np.stack([counts_of[node] for node in nodes])


def _ahead(
    rows: Rows, start: int, nodes: list[Grown], alone: list[int],
    counts: np.ndarray, columns: Bins, evidence: Evidence, max_branches: int, complexity: float,
    min_weight: float,
) -> Iterator[tuple[int, int, np.ndarray]]:  # fmt: skip
    """Node, column and branches of splits that pay only with those below them, where no single one does."""
    least = least_bits(columns, max_branches, complexity)
    asked, left = [], float(ROWS)
    for place in alone:
        weight = nodes[place].counts.sum()
        if evidence(nodes[place].counts) > least and weight <= left:
            left -= weight
            asked.append(place)
    if not asked:
        return

    def rows_of() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]]:
        for slot, among, codes, target, weight in rows.at([start + place for place in asked]):
            if len(slot):
                yield slot, np.stack([codes(place, among) for place in range(len(columns))]), target, weight

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
