"""A classifier whose splits are given, not learned: what a tree built by hand becomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from crmlab.errors import ParameterError, listed
from crmlab.mining.methods.trees.blend import blended
from crmlab.mining.methods.trees.data import cost_matrix
from crmlab.mining.methods.trees.structure import Node, Tree


class FixedTreeClassifier(ClassifierMixin, BaseEstimator):
    """A decision tree with given splits; fitting counts the classes of its nodes anew.

    The splits are what a person decided, so a fit on other rows, such as those of a fold, keeps them and
    learns how probable each class is in each leaf.

    Parameters
    ----------
    tree
        Its splits, and the columns they are of.
    shrinkage
        Weight, in rows, of a node's parent when its probabilities are blended with those above, as in
        `CompactTreeClassifier`; 0 for plain shares.
    costs
        What mistakes cost, as `CompactTreeClassifier` takes it.

    Attributes
    ----------
    tree_ : Tree
        The splits with the counts, probabilities and predictions found.
    classes_ : ndarray
        The classes.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Their names, if `X` had names.

    Examples
    --------
    >>> from crmlab.mining.methods.trees import Cuts, FixedTreeClassifier, Node, Tree
    >>> root = Node([3, 2], Cuts("visits", (4.0,)), [Node([3, 0]), Node([0, 2])])
    >>> tree = Tree(root, ["no", "yes"], ["visits"])
    >>> X, y = pd.DataFrame({"visits": [1, 2, 3, 8, 9]}), ["no", "no", "yes", "yes", "yes"]
    >>> FixedTreeClassifier(tree).fit(X, y).predict_proba(X.head(1)).round(2).tolist()
    [[0.67, 0.33]]
    """

    def __init__(self, tree: Tree, shrinkage: float = 0.0, costs: Any = None) -> None:
        self.tree, self.shrinkage, self.costs = tree, shrinkage, costs

    def __sklearn_clone__(self) -> FixedTreeClassifier:
        # A tree is not changed by a fit, so that all clones may share it.
        return type(self)(self.tree, self.shrinkage, self.costs)

    def fit(
        self, X: pd.DataFrame | np.ndarray, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FixedTreeClassifier:  # fmt: skip
        """Count the classes of the rows that reach each node.

        Raises
        ------
        ParameterError
            If columns of the tree are missing, or `X` and `y` do not go together.
        """
        labels, weights = np.asarray(y), np.ones(len(X))
        if sample_weight is not None:
            weights = np.asarray(sample_weight, dtype=float)
        if not len(labels) == len(X) == len(weights):
            raise ParameterError(f"X has {len(X):,} rows, y {len(labels):,}; each row has one class.")
        self._check_columns(X)
        self.classes_, target = np.unique(labels, return_inverse=True)
        self._costs = cost_matrix(self.costs, self.classes_)
        root = self._counted(self.tree.root, X, np.arange(len(X)), target, weights, None)
        return self._fitted(Tree(root, self.classes_, self.tree.columns), isinstance(X, pd.DataFrame))

    def _fitted(self, tree: Tree, named: bool) -> FixedTreeClassifier:
        self.tree_, self.classes_, self.n_features_in_ = tree, tree.classes, len(tree.columns)
        if named:
            self.feature_names_in_ = np.array(tree.columns, dtype=object)
        return self

    def _counted(self, node: Node, X: Any, rows: np.ndarray, target: np.ndarray, weights: np.ndarray,
                 above: np.ndarray | None) -> Node:  # fmt: skip
        counts = np.bincount(target[rows], weights[rows], len(self.classes_))
        probabilities = blended(counts, above, self.shrinkage)
        children: list[Node] = []
        if node.split:
            values = self.tree.values(X, node.split.column)
            side = node.split.branch_of(values.iloc[rows] if isinstance(values, pd.Series) else values[rows])
            children = [
                self._counted(child, X, rows[side == place], target, weights, probabilities)
                for place, child in enumerate(node.children)
            ]
        chosen = cheapest(probabilities, self._costs)
        return Node(counts, node.split, children, probabilities, chosen, node.name)

    def predict(self, X: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Class of each row, shape (n,)."""
        check_is_fitted(self)
        self._check_columns(X)
        return self.tree_.predict(X)

    def predict_proba(self, X: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Probability of each class for each row, shape (n, classes)."""
        check_is_fitted(self)
        self._check_columns(X)
        return self.tree_.predict_proba(X)

    def _check_columns(self, X: Any) -> None:
        if isinstance(X, pd.DataFrame):
            here = {str(name) for name in X.columns}
            lost = [
                name for name in dict.fromkeys(node.split.column for node in self.tree.inner_nodes)
                if name not in here
            ]  # fmt: skip
            if lost:
                raise ParameterError(f"X lacks columns that the tree splits: {listed(lost, 200)}.")
        elif np.ndim(X) != 2 or np.shape(X)[1] != len(self.tree.columns):
            raise ParameterError(f"X has {len(self.tree.columns)} columns: {listed(self.tree.columns, 200)}.")


def cheapest(probabilities: np.ndarray, costs: np.ndarray | None) -> int:
    """Place of the class to predict: the most probable, or with costs the one of least expected cost."""
    expected = -probabilities if costs is None else probabilities @ costs
    # Costs that differ by rounding only are equal, and the first class of equals is taken.
    return int(np.flatnonzero(expected <= expected.min() + 1e-12)[0])
