"""A decision tree as the textbooks describe it: root, nodes, leaves, levels, degree, height, path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError
from crmlab.mining.methods.trees.impurity import entropy, gain, gain_ratio, gini, gini_gain
from crmlab.mining.methods.trees.splits import Split, split_from_dict, values_of


class Node:
    """A node of a tree; with its children the subtree below it.

    Parameters
    ----------
    counts
        Rows of each class that reach the node (their weights, where rows have weights).
    split
        What parts the rows among the children; None for a leaf.
    children
        One node per branch of the split, in its order.
    probabilities
        Probability of each class; without them the shares of the counts (equal ones of no rows).
    prediction
        Place of the predicted class; without it the most probable one, the first of equals.
    name
        A name that a person gave the node.

    Attributes
    ----------
    parent : Node or None
        The node above; None at the root.
    """

    def __init__(
        self,
        counts: Sequence[float] | np.ndarray,
        split: Split | None = None,
        children: Sequence[Node] = (),
        probabilities: Sequence[float] | np.ndarray | None = None,
        prediction: int | None = None,
        name: str | None = None,
    ) -> None:
        self.counts = np.asarray(counts, dtype=float)
        self.split, self.children, self.name = split, tuple(children), name
        if (split.degree if split else 0) != len(self.children):
            raise ParameterError("A node has one child for each branch of its split, and a leaf has none.")
        if probabilities is None:
            total = self.counts.sum()
            even = np.full(len(self.counts), 1 / len(self.counts))
            probabilities = self.counts / total if total > 0 else even
        self.probabilities = np.asarray(probabilities, dtype=float)
        self.prediction = int(self.probabilities.argmax()) if prediction is None else int(prediction)
        self.parent: Node | None = None
        for child in self.children:
            child.parent = self

    @property
    def weight(self) -> float:
        """Rows that reach the node (the sum of their weights)."""
        return float(self.counts.sum())

    @property
    def is_root(self) -> bool:
        """Whether nothing is above."""
        return self.parent is None

    @property
    def is_leaf(self) -> bool:
        """Whether nothing is below."""
        return not self.children

    @property
    def degree(self) -> int:
        """Number of children; 0 for a leaf."""
        return len(self.children)

    @property
    def level(self) -> int:
        """1 for the root, one more for each step down."""
        return len(self.path)

    @property
    def height(self) -> int:
        """Steps down to the furthest leaf below; 0 for a leaf, so also for a lone root."""
        level, furthest = [self], -1
        while level:  # a loop and no recursion: a tree may be deeper than Python's stack
            level, furthest = [child for node in level for child in node.children], furthest + 1
        return furthest

    @property
    def siblings(self) -> tuple[Node, ...]:
        """The other children of the parent."""
        return tuple(node for node in self.parent.children if node is not self) if self.parent else ()

    @property
    def path(self) -> tuple[Node, ...]:
        """The nodes from the root down to this one, both included."""
        found = [self]
        while found[-1].parent:
            found.append(found[-1].parent)
        return tuple(reversed(found))

    @property
    def branch(self) -> int | None:
        """Which branch of the parent's split leads here, from 0; None at the root."""
        if not self.parent:
            return None
        return next(place for place, node in enumerate(self.parent.children) if node is self)

    @property
    def key(self) -> str:
        """Where the node stands: "1" for the root, "1.2" for its second child, and so on."""
        return ".".join(["1", *(str(node.branch + 1) for node in self.path[1:])])

    @property
    def nodes(self) -> Iterator[Node]:
        """The node and all below it, each before its children."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))

    @property
    def leaves(self) -> tuple[Node, ...]:
        """The leaves below, in the order of the branches; a leaf is its own."""
        return tuple(node for node in self.nodes if node.is_leaf)

    @property
    def entropy(self) -> float:
        """Entropy of the classes here, in bits."""
        return entropy(self.counts)

    @property
    def gini(self) -> float:
        """Gini's impurity of the classes here."""
        return gini(self.counts)

    @property
    def gain(self) -> float:
        """Information gain of the split here, in bits; 0 for a leaf."""
        return gain([node.counts for node in self.children]) if self.children else 0.0

    @property
    def gain_ratio(self) -> float:
        """Gain by the entropy of the branch sizes; 0 for a leaf."""
        return gain_ratio([node.counts for node in self.children]) if self.children else 0.0

    @property
    def gini_gain(self) -> float:
        """Decrease of Gini's impurity by the split here; 0 for a leaf."""
        return gini_gain([node.counts for node in self.children]) if self.children else 0.0

    def __repr__(self) -> str:
        what = f"splits {self.split.column}" if self.split else "leaf"
        return f"<Node {self.key}: {what}, {self.weight:g} rows>"

    def to_dict(self) -> dict[str, Any]:
        """The subtree as plain data for JSON."""
        plain: dict[int, dict[str, Any]] = {}
        for node in reversed(list(self.nodes)):
            mine = {
                "counts": node.counts.tolist(),
                "probabilities": node.probabilities.tolist(),
                "prediction": node.prediction,
            }
            if node.name:
                mine["name"] = node.name
            if node.split:
                mine["split"] = node.split.to_dict()
                mine["children"] = [plain[id(child)] for child in node.children]
            plain[id(node)] = mine
        return plain[id(self)]

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Node:
        """The subtree that :meth:`to_dict` wrote down."""
        order, starts = [plain], []
        for one in order:
            starts.append(len(order))
            order.extend(one.get("children", ()))
        made: list[Node] = [None] * len(order)
        for place in reversed(range(len(order))):
            one, start = order[place], starts[place]
            made[place] = cls(
                one["counts"],
                split_from_dict(one["split"]) if "split" in one else None,
                made[start : start + len(one.get("children", ()))],
                one.get("probabilities"),
                one.get("prediction"),
                one.get("name"),
            )
        return made[0]


class Tree:
    """A decision tree: its root, the classes it tells apart and the columns it was given.

    Parameters
    ----------
    root
        The node above all others.
    classes
        The classes, in the order of each node's `counts`.
    columns
        Names of the columns, in the order of the data.

    Examples
    --------
    >>> from crmlab.mining.methods.trees import Cuts, Node, Tree
    >>> root = Node([3, 2], Cuts("visits", (4.0,)), [Node([3, 0]), Node([0, 2])])
    >>> tree = Tree(root, ["stays", "leaves"], ["visits"])
    >>> tree.height, tree.degree, [leaf.level for leaf in tree.leaves]
    (1, 2, [2, 2])
    >>> tree.predict(pd.DataFrame({"visits": [1, 9]})).tolist()
    ['stays', 'leaves']
    """

    def __init__(self, root: Node, classes: Sequence[Any], columns: Sequence[str]) -> None:
        self.root, self.classes, self.columns = root, np.asarray(classes), [str(name) for name in columns]

    def __repr__(self) -> str:
        return f"<Tree: {len(self.nodes)} nodes, {len(self.leaves)} leaves, height {self.height}>"

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, each before its children."""
        return tuple(self.root.nodes)

    @cached_property
    def leaves(self) -> tuple[Node, ...]:
        """The leaves, in the order of the branches."""
        return self.root.leaves

    @property
    def height(self) -> int:
        """Steps from the root down to the furthest leaf; 0 for a lone root."""
        return self.root.height

    @property
    def degree(self) -> int:
        """The largest number of children of any node."""
        return max(node.degree for node in self.nodes)

    @property
    def inner_nodes(self) -> tuple[Node, ...]:
        """The nodes that split, each before its children."""
        return tuple(node for node in self.nodes if node.children)

    def node(self, key: str) -> Node:
        """The node at a place such as "1.2".

        Raises
        ------
        ParameterError
            If there is none.
        """
        found = self.root
        try:
            first, *steps = map(int, str(key).split("."))
            for step in steps if first == 1 else [0]:
                if step < 1:
                    raise IndexError
                found = found.children[step - 1]
        except (ValueError, IndexError):
            raise ParameterError(f"There is no node {key!r} in this tree; its root is '1'.") from None
        return found

    def values(self, X: pd.DataFrame | np.ndarray, column: str) -> pd.Series | np.ndarray:
        """One column of data laid out as the tree was given it."""
        return values_of(X, self.columns, column)

    def apply(self, X: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Place of the leaf, among :attr:`leaves`, that each row of `X` reaches; shape (n,)."""
        found = np.zeros(len(X), dtype=np.intp)
        places = {id(leaf): place for place, leaf in enumerate(self.leaves)}
        waiting = [(self.root, np.arange(len(X)))]
        while waiting:
            node, rows = waiting.pop()
            if node.is_leaf:
                found[rows] = places[id(node)]
                continue
            values = self.values(X, node.split.column)
            here = values.iloc[rows] if isinstance(values, pd.Series) else values[rows]
            side = node.split.branch_of(here)
            waiting.extend((child, rows[side == place]) for place, child in enumerate(node.children))
        return found

    def predict_proba(self, X: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Probability of each class for each row of `X`, shape (n, classes)."""
        return np.array([leaf.probabilities for leaf in self.leaves])[self.apply(X)]

    def predict(self, X: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Class of each row of `X`, shape (n,)."""
        return self.classes[np.array([leaf.prediction for leaf in self.leaves])[self.apply(X)]]

    def to_dict(self) -> dict[str, Any]:
        """The tree as plain data for JSON."""
        return {"classes": self.classes.tolist(), "columns": self.columns, "root": self.root.to_dict()}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Tree:
        """The tree that :meth:`to_dict` wrote down."""
        try:
            return cls(Node.from_dict(plain["root"]), plain["classes"], plain["columns"])
        except (KeyError, TypeError):
            raise ParameterError("This is not a tree as `to_dict` writes it down.") from None

    def __getstate__(self) -> dict[str, Any]:
        # As a list, as pickle and copy would go down from node to node, and a tree may be too deep for that.
        nodes = [
            (node.counts, node.split, node.degree, node.probabilities, node.prediction, node.name)
            for node in self.nodes
        ]
        return {"classes": self.classes, "columns": self.columns, "nodes": nodes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        made: list[Node] = []
        for counts, split, degree, *said in reversed(state["nodes"]):
            made.append(Node(counts, split, [made.pop() for _ in range(degree)], *said))
        self.root, self.classes, self.columns = made[0], state["classes"], state["columns"]
