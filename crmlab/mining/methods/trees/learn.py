"""Learning a tree from binned rows: grow, prune, look at each split again, join; and write it down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from crmlab.mining.methods.trees.bins import Bins
from crmlab.mining.methods.trees.blend import blend
from crmlab.mining.methods.trees.evidence import Evidence
from crmlab.mining.methods.trees.grow import Block, Grown, Held, as_split, grow
from crmlab.mining.methods.trees.optimal import grow_ahead
from crmlab.mining.methods.trees.prune import join_chains, merge_equal, prune, prune_errors
from crmlab.mining.methods.trees.revise import revise
from crmlab.mining.methods.trees.structure import Node

#: Splits are looked at again (see `revise`) where there are at most so many rows.
REVISED_ROWS = 100_000


@dataclass(frozen=True)
class Settings:
    """How a tree is learned; as the parameters of :class:`CompactTreeClassifier`, costs as a matrix."""

    criterion: Literal["log_loss", "accuracy"] = "log_loss"
    max_branches: int = 6
    max_height: int = 7
    max_leaves: int = 255
    min_weight: float = 1.0
    complexity: float = 1.0
    shrinkage: float = 3.0
    look_ahead: int = 0
    costs: np.ndarray | None = None

    @property
    def by_accuracy(self) -> bool:
        """Whether mistakes are what counts."""
        return self.criterion == "accuracy"

    @property
    def limits(self) -> dict[str, float]:
        """What growing a tree is limited by."""
        names = ("max_branches", "max_height", "max_leaves", "min_weight", "complexity")
        return {name: getattr(self, name) for name in names}

    def predicted(self, probabilities: np.ndarray) -> int:
        """Place of the likeliest class, or of that of least expected cost; the first of equals."""
        return int((probabilities if self.costs is None else -(probabilities @ self.costs)).argmax())

    def mistakes(self, probabilities: np.ndarray) -> np.ndarray:
        """What the prediction of a node costs for each true class."""
        place = self.predicted(probabilities)
        if self.costs is not None:
            return self.costs[:, place]
        return (np.arange(len(probabilities)) != place).astype(float)


def learn(
    blocks: Callable[[], Iterator[Block]],
    columns: Bins,
    evidence: Evidence,
    settings: Settings,
    held: Held | None = None,
) -> Grown:
    """A tree learned from binned rows.

    Parameters
    ----------
    blocks
        Called for each pass; gives the rows piece by piece.
    columns
        The bins of the columns.
    evidence
        Bits of class counts.
    settings
        How it is learned.
    held
        All rows at once; with at most 100,000 of them splits are looked at again. Needed to look ahead.
    """
    if settings.look_ahead:
        root = grow_ahead(
            *held, columns, evidence, settings.costs, look_ahead=settings.look_ahead,
            by_mistakes=settings.by_accuracy, **settings.limits,
        )  # fmt: skip
    else:
        root = grow(blocks, columns, evidence, **settings.limits)
    _prune(root, columns, evidence, settings)
    if held is not None and held[0].shape[1] <= REVISED_ROWS:
        _revise(root, held, columns, evidence, settings)
    _join(root, columns, settings)
    return root


def written(root: Grown, columns: Bins, settings: Settings) -> Node:
    """A grown tree as nodes that stand for themselves."""
    probabilities = blend(root, settings.shrinkage)
    made: dict[int, Node] = {}
    for node in reversed(list(root.nodes)):
        split, children = None, []
        if node.children:
            split, order = as_split(node, columns[node.column])
            children = [made[id(node.children[side])] for side in order]
        p = probabilities[id(node)]
        made[id(node)] = Node(node.counts, split, children, p, settings.predicted(p))
    return made[id(root)]


def _prune(root: Grown, columns: Bins, evidence: Evidence, settings: Settings) -> None:
    if settings.complexity > 0:
        prune(root, columns, evidence, settings.max_branches, settings.complexity)


def _revise(root: Grown, held: Held, columns: Bins, evidence: Evidence, settings: Settings) -> None:
    """Two rounds of a second look at each split, each followed by pruning."""
    for _ in range(2):
        losses = {
            node: settings.mistakes(p) if settings.by_accuracy else -np.log2(0.999 * p + 0.001 / len(p))
            for node, p in blend(root, settings.shrinkage).items()
        }
        if not revise(root, *held, columns, losses, settings.min_weight):
            break
        _prune(root, columns, evidence, settings)


def _join(root: Grown, columns: Bins, settings: Settings) -> None:
    """Make one node of splits of one column that follow each other; leave out what predicts the same."""

    def predicted(root: Grown) -> dict[int, int]:
        return {node: settings.predicted(p) for node, p in blend(root, settings.shrinkage).items()}

    if settings.by_accuracy:
        mistakes = {node: settings.mistakes(p) for node, p in blend(root, settings.shrinkage).items()}
        prune_errors(root, mistakes, settings.complexity)
        merge_equal(root, columns, predicted)
    join_chains(root, 2 * settings.max_branches if settings.max_branches > 2 else 2)
    if settings.by_accuracy:
        merge_equal(root, columns, predicted)
