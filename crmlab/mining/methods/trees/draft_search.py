"""Which splits pay at a node of a draft: of each column, one level ahead, and a whole subtree."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from crmlab.mining.methods.trees.bins import SAMPLE, Bins, NumericBins, kept_codes, learn_bins
from crmlab.mining.methods.trees.draft_data import DraftColumn, DraftData
from crmlab.mining.methods.trees.evidence import Evidence
from crmlab.mining.methods.trees.grow import Grown, apply_split, as_split
from crmlab.mining.methods.trees.impurity import gain
from crmlab.mining.methods.trees.learn import Settings, learn
from crmlab.mining.methods.trees.search import best_splits
from crmlab.mining.methods.trees.splits import Cuts, Split

#: Rows of a node that looking ahead takes at most: which split pays in two steps shows on these.
AHEAD = 50_000
#: Nodes whose class counts are kept.
_KEPT = 64


@dataclass(frozen=True)
class Suggestion:
    """A split that could be made.

    Attributes
    ----------
    split : Cuts or Groups
        The split.
    gain : float
        Its information gain, in bits a row.
    saving : float
        Bits by which it shortens the description of the classes, its own description paid: it pays if
        this is above 0. Looked at one level ahead, with what the best splits below it save.
    worth : float
        What suggestions are ranked by: the saving, less for many branches, as `best_splits` has it.
    """

    split: Split
    gain: float
    saving: float
    worth: float


class DraftSearch:
    """Looks for splits of training rows by the class counts in the bins of their columns."""

    def __init__(self, data: DraftData, branches: int = 4) -> None:
        self._data, self._branches = data, branches
        rows = data.sample(data.training, SAMPLE)
        self.bins: Bins = learn_bins({name: _plain(column, rows) for name, column in data.columns.items()})
        self._codes = np.empty((len(self.bins), len(data.target)), dtype=np.uint8)
        for place, (bins, column) in enumerate(zip(self.bins, data.columns.values(), strict=True)):
            if column.names is None:
                self._codes[place] = bins.codes(column.values)
            else:
                self._codes[place] = np.append(bins.codes(column.names), np.uint8(bins.n_bins))[column.values]
        self._target, self._classes = data.target.astype(np.int32), len(data.classes)
        self._evidence = Evidence(self._classes, len(data.target))
        self._seen: OrderedDict[int, tuple[np.ndarray, np.ndarray, list[Suggestion]]] = OrderedDict()

    def counts(self, rows: np.ndarray) -> np.ndarray:
        """Rows of each class in each bin, shape (columns, bins, classes)."""
        return self._looked(rows)[1]

    def suggestions(self, rows: np.ndarray, columns: Iterable[str] | None = None) -> list[Suggestion]:
        """The best split of each column that parts the rows, the best first."""
        found = self._looked(rows)[2]
        return found if columns is None else [one for one in found if one.split.column in columns]

    def _looked(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[Suggestion]]:
        """Counts and suggestions of some rows; of the last ones they are kept, with the rows they are of."""
        if id(rows) not in self._seen:
            counts = self._counted(rows)
            self._seen[id(rows)] = rows, counts, self._best(counts)
            if len(self._seen) > _KEPT:
                self._seen.popitem(last=False)
        self._seen.move_to_end(id(rows))
        return self._seen[id(rows)]

    def _counted(self, rows: np.ndarray) -> np.ndarray:
        codes = max(bins.n_bins for bins in self.bins) + 1
        here = self._target[rows]
        found = np.empty((len(self.bins), codes, self._classes), dtype=np.int64)
        for place, column in enumerate(self._codes):
            joint = column[rows] * np.int32(self._classes) + here
            found[place] = np.bincount(joint, minlength=codes * self._classes).reshape(codes, -1)
        return found

    def _best(self, counts: np.ndarray) -> list[Suggestion]:
        found = best_splits(counts[None], self.bins, self._evidence, self._branches)
        suggestions = []
        for place, bins in enumerate(self.bins):
            if found.degree[0, place] < 2:
                continue
            node = Grown(counts[place].sum(0))
            apply_split(node, place, found.branch[0, place], counts[place], bins)
            if not all(child.counts.any() for child in node.children):
                continue
            bits = gain([child.counts for child in node.children])
            saving, worth = float(found.saving[0, place]), float(found.worth[0, place])
            suggestions.append(Suggestion(as_split(node, bins)[0], bits, saving, worth))
        return _ranked(suggestions)

    def look_ahead(self, rows: np.ndarray, columns: Iterable[str] | None = None) -> list[Suggestion]:
        """The best split of each column with the best split of each of its branches, the best first.

        A column may be worth nothing by itself and much together with the next one, so one of numbers is
        also cut in its middle.
        """
        rows = self._data.sample(rows, AHEAD)
        counts, found = self.counts(rows), []
        best = {one.split.column: one for one in self.suggestions(rows)}
        for place, bins in enumerate(self.bins):
            if bins.name not in best or (columns is not None and bins.name not in columns):
                continue
            tried = [best[bins.name]]
            if isinstance(bins, NumericBins) and tried[0].split.points:
                tried.append(self._middle(bins, counts[place], rows, tried[0]))
            found.append(max((self._with_next(one, rows) for one in tried), key=lambda one: one.worth))
        return _ranked(found)

    def _middle(
        self, bins: NumericBins, counts: np.ndarray, rows: np.ndarray, best: Suggestion
    ) -> Suggestion:  # fmt: skip
        """A column cut in its middle, taken to need as many bits to be told as its best split."""
        sizes = counts[: bins.n_bins].sum(1)
        filled = np.flatnonzero(sizes)
        half = np.searchsorted(np.cumsum(sizes), sizes.sum() / 2)
        place = int(np.clip(half, filled[0], max(filled[-1] - 1, filled[0])))
        missing = 2 if counts[bins.n_bins].any() else 0
        split = Cuts(bins.name, tuple(bins.edges[place : place + 1].tolist()), missing)
        bits = self.gain(split, rows)
        saving = best.saving + (bits - best.gain) * len(rows)
        return Suggestion(split, bits, saving, saving)

    def gain(self, split: Split, rows: np.ndarray) -> float:
        """Information gain of any split, in bits a row."""
        return gain([self._data.counts(rows[side]) for side in self._sides(split, rows)])

    def _sides(self, split: Split, rows: np.ndarray) -> list[np.ndarray]:
        branch = self._data.columns[split.column].branch_of(split, rows)
        return [branch == place for place in range(split.degree)]

    def _with_next(self, first: Suggestion, rows: np.ndarray) -> Suggestion:
        sides = self._sides(first.split, rows)
        counts = np.stack([self._counted(rows[side]) for side in sides])
        below = best_splits(counts, self.bins, self._evidence, self._branches).saving.max(axis=1)
        more = float(np.maximum(below, 0).sum())
        return Suggestion(first.split, first.gain, first.saving + more, first.worth + more)

    def grown(
        self, rows: np.ndarray, levels: int, shrinkage: float, costs: np.ndarray | None
    ) -> dict[str, Any] | None:  # fmt: skip
        """The splits that the learner makes below some rows, as plain data; None if it makes none."""
        held = self._codes[:, rows], self._target[rows], None
        settings = Settings(max_branches=self._branches, max_height=levels, shrinkage=shrinkage, costs=costs)
        block = kept_codes(held[0]), *held[1:]
        root = learn(lambda: iter([block]), self.bins, self._evidence, settings, held)
        return self._as_plain(root)

    def _as_plain(self, node: Grown) -> dict[str, Any] | None:
        if not node.children:
            return None
        split, order = as_split(node, self.bins[node.column])
        return {"split": split.to_dict(), "children": [self._as_plain(node.children[side]) for side in order]}


def _ranked(found: list[Suggestion]) -> list[Suggestion]:
    """The best first; equal ones in the order of the columns."""
    return sorted(found, key=lambda one: -one.worth)


def inner_nodes(plain: dict[str, Any] | None) -> int:
    """Number of splits in what was grown."""
    return 1 + sum(map(inner_nodes, plain["children"])) if plain else 0


def _plain(column: DraftColumn, rows: np.ndarray) -> np.ndarray:
    """Values of some rows, missing ones None."""
    if column.names is None:
        return column.values[rows]
    return np.append(column.names, np.array([None], dtype=object))[column.values[rows]]
