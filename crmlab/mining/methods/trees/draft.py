"""A tree drafted by hand: splits made, suggested, grown, pruned; undone and redone, logged and replayed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError, SourceError
from crmlab.mining.methods.trees.blend import blended
from crmlab.mining.methods.trees.data import cost_matrix
from crmlab.mining.methods.trees.draft_data import DraftData, difference
from crmlab.mining.methods.trees.draft_log import as_bytes, read_log, written
from crmlab.mining.methods.trees.draft_nodes import DraftNode, after, node_at, node_of, walk
from crmlab.mining.methods.trees.draft_search import DraftSearch, Suggestion, inner_nodes
from crmlab.mining.methods.trees.draft_splits import column_of, cuts_at, groups_of
from crmlab.mining.methods.trees.fixed import FixedTreeClassifier, cheapest
from crmlab.mining.methods.trees.measures import measures_of
from crmlab.mining.methods.trees.splits import Split, Value
from crmlab.mining.methods.trees.structure import Node, Tree


class TreeDraft:
    """A decision tree that a person builds node by node.

    The tree is built on the training rows; the held-out rows are carried along to measure it. Every act
    is logged as plain data, so that :meth:`replay` builds the same tree again, byte for byte. Nodes are
    named by their keys: "1" for the root, "1.2" for its second child.

    Parameters
    ----------
    X
        One row per case; numbers are cut, names (and yes and no) are grouped. Missing values may be.
    y
        Class of each row.
    held_out
        Share of the rows of each class that is held out, or rows of their own as ``(X, y)``. Which rows
        are drawn depends on their contents and the seed, not on their order.
    seed
        Seed of the draw.
    shrinkage
        Weight, in rows, of a node's parent when its probabilities are blended with those above, as in
        `CompactTreeClassifier`; 0 for plain shares.
    costs
        What mistakes cost, as `CompactTreeClassifier` takes it.

    Raises
    ------
    ParameterError
        If there is only one class, a class is missing, a number infinite, or a column holds times.

    Examples
    --------
    >>> X = pd.DataFrame({"visits": [1, 2, 3, 8, 9, 9], "city": list("aababb")})
    >>> y = ["no", "no", "no", "yes", "yes", "no"]
    >>> draft = TreeDraft(X, y, held_out=0)
    >>> draft.split("1", "visits", [5])
    >>> draft.group("1.2", "city", [["a"], ["b"]])
    >>> draft.undo()
    >>> draft.tree.height, [leaf.counts.tolist() for leaf in draft.tree.leaves]
    (1, [[3.0, 0.0], [1.0, 2.0]])
    >>> TreeDraft.replay(draft.log, X, y).tree.to_dict() == draft.tree.to_dict()
    True
    """

    def __init__(
        self,
        X: pd.DataFrame | np.ndarray,
        y: ArrayLike,
        *,
        held_out: float | tuple = 0.3,
        seed: int = 0,
        shrinkage: float = 3.0,
        costs: Any = None,
    ) -> None:
        self.data = data = DraftData(X, y, held_out, seed)
        self._named = isinstance(X, pd.DataFrame)
        if not 0 <= shrinkage < np.inf:
            raise ParameterError(f"shrinkage is a number of rows from 0, not {shrinkage!r}.")
        self.shrinkage, self.costs = float(shrinkage), cost_matrix(costs, data.classes)
        self._settings = {
            "held_out": "given" if isinstance(held_out, tuple) else float(held_out), "seed": int(seed),
            "shrinkage": self.shrinkage, "costs": None if self.costs is None else self.costs.tolist(),
        }  # fmt: skip
        self.search = DraftSearch(data)
        self._root = node_of(data, data.training, data.held_out)
        self._undone: list[DraftNode] = []
        self._done: list[DraftNode] = []
        self._acts: list[dict[str, Any]] = []

    # What there is

    @property
    def tree(self) -> Tree:
        """The tree as it stands, with the counts of the training rows."""
        return Tree(self._built(self._root, None), self.data.classes, list(self.data.columns))

    @property
    def estimator_(self) -> FixedTreeClassifier:
        """The tree as a classifier of scikit-learn, fitted already; fitted again, it keeps its splits."""
        tree = self.tree
        found = FixedTreeClassifier(tree, self.shrinkage, None if self.costs is None else self.costs.tolist())
        return found._fitted(tree, self._named)

    @property
    def measures(self) -> dict[str, float]:
        """Accuracy, AUC and cost on training and held-out rows, leaves, height; NaN where there are none."""
        leaves = [node for _, node in self.nodes() if not node.children]
        return measures_of(
            self.tree, [leaf.counts for leaf in leaves], [leaf.held_out_counts for leaf in leaves], self.costs
        )

    @property
    def log(self) -> dict[str, Any]:
        """All that was done, as plain data for JSON: settings, acts, and what the data are known by."""
        return written(self.data.fingerprint, self._settings, self._acts)

    @property
    def can_undo(self) -> bool:
        """Whether there is an act to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is an act to do again."""
        return bool(self._undone)

    def nodes(self) -> Iterator[tuple[str, DraftNode]]:
        """All nodes with their keys, each before its children."""
        return walk(self._root, "1")

    def node(self, key: str) -> DraftNode:
        """The node of a key.

        Raises
        ------
        ParameterError
            If there is none.
        """
        return node_at(self._root, key)

    # Acts

    def split(
        self, key: str, column: str, cuts: Sequence[float] | float, missing: int | None = None
    ) -> None:  # fmt: skip
        """Cut a numeric column into intervals; what was below the node goes.

        Parameters
        ----------
        key
            The node.
        column, cuts
            What to cut, and at which values; a value at a cut belongs to the branch below it.
        missing
            Branch of missing values from 0; `len(cuts) + 1` for one of their own, which is also what they
            get if nothing is said and there are some, else the branch of most rows.
        """
        self.apply(key, cuts_at(self.data, self.node(key).rows, column, cuts, missing))

    def group(
        self, key: str, column: str, groups: Sequence[Sequence[Value]], missing: int | None = None,
        other: int | None = None,
    ) -> None:  # fmt: skip
        """Group the values of a column; what was below the node goes.

        Parameters
        ----------
        key
            The node.
        column, groups
            What to group, and the values of each branch. Values at the node that stand in no group form
            one more, unless `other` is given.
        missing
            Branch of missing values from 0; as in :meth:`split`.
        other
            Branch of values that stand in no group, such as new ones; without it that of most rows.
        """
        self.apply(key, groups_of(self.data, self.node(key).rows, column, groups, missing, other))

    def apply(self, key: str, split: Split | Suggestion) -> None:
        """Make a split, or that of a suggestion."""
        split = getattr(split, "split", split)
        self._do({"act": "split", "node": key, "split": split.to_dict()})

    def grow(self, key: str, levels: int = 7) -> int:
        """Let `CompactTreeClassifier` split the leaves below a node, or the node; how many splits it made.

        Leaves that are marked stay as they are, and so do the splits that are there.
        """
        below: dict[str, Any] = {}
        for leaf_key, leaf in walk(self.node(key), key):
            if (
                not leaf.children
                and not leaf.closed
                and (found := self.search.grown(leaf.rows, levels, self.shrinkage, self.costs))
            ):
                below[leaf_key] = found
        if below:
            self._do({"act": "grow", "node": key, "below": below})
        return sum(map(inner_nodes, below.values()))

    def prune(self, key: str) -> None:
        """Take away all below a node."""
        self._do({"act": "prune", "node": key})

    def leaf(self, key: str, closed: bool = True) -> None:
        """Mark a node as a leaf, which growing and suggesting leave alone; what is below it goes."""
        self._do({"act": "leaf", "node": key, "closed": bool(closed)})

    def name(self, key: str, text: str) -> None:
        """Give a node a name; an empty one takes it away."""
        self._do({"act": "name", "node": key, "name": str(text)})

    def undo(self) -> None:
        """Take the last act back."""
        self._do({"act": "undo"})

    def redo(self) -> None:
        """Do what was taken back."""
        self._do({"act": "redo"})

    # Splits to make

    def suggest(self, key: str, column: str | None = None) -> list[Suggestion]:
        """The best split of each column at a node, or of one column; the best first, none if none parts it.

        Nothing is changed: `apply` makes the split of a suggestion.

        Raises
        ------
        ParameterError
            If the node is marked as a leaf.
        """
        return self.search.suggestions(self._open(key).rows, self._wanted(column))

    def look_ahead(self, key: str, column: str | None = None) -> list[Suggestion]:
        """As :meth:`suggest`, each split judged together with the best splits one level below it.

        Of more than 50,000 rows a sample is looked at.
        """
        return self.search.look_ahead(self._open(key).rows, self._wanted(column))

    # The log

    def save(self, path: str | Path) -> Path:
        """Write the log to a file, in a folder that is made if need be; the same log gives the same bytes."""
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(as_bytes(self.log))
        except OSError as error:
            raise SourceError(f"The log cannot be written to {path}: {error.strerror}.") from None
        return path

    @classmethod
    def replay(
        cls, log: dict[str, Any] | str | Path, X: pd.DataFrame | np.ndarray, y: ArrayLike,
        held_out: tuple | None = None,
    ) -> TreeDraft:  # fmt: skip
        """The draft of a log: the same data give the same tree, byte for byte.

        Parameters
        ----------
        log
            What :attr:`log` says, or the file that :meth:`save` wrote.
        X, y
            The data that the draft was made for; their rows may be in another order.
        held_out
            The held-out rows as ``(X, y)``, if the draft was given some.

        Raises
        ------
        ParameterError
            If it is no log, or the data differ from those it was made for; the sentence says in what.
        SourceError
            If there is no such file.
        """
        plain = read_log(log)
        settings = dict(plain["settings"])
        if settings["held_out"] == "given":
            if held_out is None:
                raise ParameterError("The log was made with held-out rows of their own: held_out=(X, y).")
            settings["held_out"] = held_out
        draft = cls(X, y, **settings)
        if said := difference(plain["data"], draft.data.fingerprint):
            raise ParameterError(f"The log was made for other data: {said}.")
        for place, act in enumerate(plain["acts"], start=1):
            try:
                draft._do(act)
            except (ParameterError, KeyError, TypeError, ValueError) as error:
                raise ParameterError(f"Act {place} of the log cannot be done: {error}") from None
        return draft

    # How acts are done

    def _do(self, act: dict[str, Any]) -> None:
        """Do an act and log it; one that cannot be done changes nothing."""
        kind = act["act"]
        if kind in ("undo", "redo"):
            back, forth = (self._done, self._undone) if kind == "undo" else (self._undone, self._done)
            if not back:
                raise ParameterError(f"There is nothing to {kind}.")
            forth.append(self._root)
            self._root = back.pop()
        else:
            root = after(self._root, act, self.data)
            self._done.append(self._root)
            self._undone.clear()
            self._root = root
        self._acts.append(act)

    # What helps

    def _built(self, node: DraftNode, above: np.ndarray | None) -> Node:
        shares = blended(node.counts, above, self.shrinkage)
        children = [self._built(child, shares) for child in node.children]
        return Node(node.counts, node.split, children, shares, cheapest(shares, self.costs), node.name)

    def _open(self, key: str) -> DraftNode:
        node = self.node(key)
        if node.closed:
            raise ParameterError(f"Node {key} is marked as a leaf.")
        return node

    def _wanted(self, column: str | None) -> list[str] | None:
        return None if column is None else [column_of(self.data, column).name]
