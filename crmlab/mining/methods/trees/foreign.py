"""Trees that scikit-learn has grown, as trees of ours: with the same answers to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from crmlab.errors import ParameterError, listed
from crmlab.mining.methods.trees.splits import Cuts
from crmlab.mining.methods.trees.structure import Node, Tree


def tree_of(
    estimator: Any, columns: Sequence[str] | None = None, classes: Sequence[Any] | None = None
) -> Tree:
    """The decision tree in a fitted classifier.

    Parameters
    ----------
    estimator
        scikit-learn's `DecisionTreeClassifier` or `ExtraTreeClassifier`, also one of a forest
        (``forest.estimators_[0]``); a pipeline that ends in one, whose columns are then those that the
        steps before hand on; a classifier of ours; or a `Tree`, which comes back as it is.
    columns
        Names of the columns, in the order of the data the tree was fitted on; those the classifier or the
        pipeline remembers if not given, else "x0", "x1" and so on.
    classes
        Names of the classes, in the order of the classifier's `classes_`; these themselves if not given. The
        trees of a forest count their classes from 0 and remember no columns: give them
        ``forest.feature_names_in_`` and ``forest.classes_``.

    Returns
    -------
    Tree
        Its predictions and probabilities are those of the classifier for the same rows, missing values
        included. A count is the share of a class in its node times the weight of the node, so class weights
        are in it; under monotonic constraints it is a share that scikit-learn has moved.

    Raises
    ------
    ParameterError
        If `estimator` is no fitted classification tree with one target, or the names do not fit it.

    Notes
    -----
    scikit-learn rounds data to single precision before it compares them with a threshold in double
    precision. Rounding keeps the order of numbers, so there is a largest double whose rounded value is up to
    the threshold: that is the cut point here.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> fitted = DecisionTreeClassifier().fit([[1], [2], [8], [9]], ["stays", "stays", "leaves", "leaves"])
    >>> tree = tree_of(fitted, columns=["visits"])
    >>> tree.root.split.column, round(tree.root.split.points[0], 3)
    ('visits', 5.0)
    """
    found = estimator if isinstance(estimator, Tree) else getattr(estimator, "tree_", None)
    if isinstance(found, Tree):
        if columns is None and classes is None:
            return found
        raise ParameterError(
            "This tree has the names of its columns and classes; leave `columns` and `classes` out."
        )
    if hasattr(estimator, "steps"):
        return _last_of(estimator, columns, classes)
    if not hasattr(found, "children_left"):
        raise ParameterError(_what_is_missing(estimator))
    if found.n_outputs != 1 or not hasattr(estimator, "classes_"):
        what = "predicts numbers" if found.n_outputs == 1 else f"has {found.n_outputs} targets"
        raise ParameterError(
            f"This {type(estimator).__name__} {what}; a tree here tells the classes of one target apart."
        )
    if columns is None:
        columns = getattr(estimator, "feature_names_in_", [f"x{place}" for place in range(found.n_features)])
    classes = estimator.classes_ if classes is None else classes
    columns = _names(columns, found.n_features, "columns")
    return Tree(_root(found, columns), _names(classes, len(estimator.classes_), "classes"), columns)


def _last_of(pipeline: Any, columns: Sequence[str] | None, classes: Sequence[Any] | None) -> Tree:
    """The tree that a pipeline ends in, with the names that its other steps hand on."""
    last = pipeline.steps[-1][1]
    nameless = hasattr(getattr(last, "tree_", None), "children_left") and not hasattr(
        last, "feature_names_in_"
    )
    if columns is None and nameless and len(pipeline.steps) > 1:
        try:
            columns = pipeline[:-1].get_feature_names_out()
        except (AttributeError, ValueError):
            raise ParameterError(
                "The steps of this pipeline before the tree do not say what their columns are called; "
                "give the names as `columns`."
            ) from None
    return tree_of(last, columns, classes)


def _what_is_missing(estimator: Any) -> str:
    kind = type(estimator).__name__
    if hasattr(estimator, "estimators_"):
        return (
            f"A {kind} holds {len(estimator.estimators_)} trees; give one of them: "
            "tree_of(forest.estimators_[0], forest.feature_names_in_, forest.classes_)."
        )
    if hasattr(estimator, "fit") and hasattr(estimator, "min_samples_leaf"):
        return f"This {kind} is not fitted yet; call its fit first."
    return f"Expected a fitted decision tree classifier, of scikit-learn or of ours, got {kind}."


def _names(names: Sequence[Any], wanted: int, what: str) -> Sequence[Any]:
    """Names as they are, if they are as many as there must be and differ."""
    if len(names) != wanted:
        raise ParameterError(f"The tree was fitted with {wanted} {what}, and {len(names)} names are given.")
    plain = [str(name) for name in names]
    twice = sorted({name for name in plain if plain.count(name) > 1})
    if twice:
        raise ParameterError(f"Two {what} have the same name: {listed(twice)}. Rename one of them.")
    return plain if what == "columns" else names


def _root(fitted: Any, columns: Sequence[str]) -> Node:
    """scikit-learn's arrays as nodes, from the last to the first: children stand after their parents."""
    left, right = fitted.children_left, fitted.children_right
    shares = fitted.value[:, 0, :]
    counts = shares * fitted.weighted_n_node_samples[:, None]
    points = largest_up_to(fitted.threshold)
    nodes: dict[int, Node] = {}
    for place in reversed(range(fitted.node_count)):
        split, children = None, ()
        if left[place] >= 0:
            column, to_left = columns[fitted.feature[place]], bool(fitted.missing_go_to_left[place])
            # A threshold beyond all numbers parts the missing values from the others.
            split = Cuts(column, (float(points[place]),), 0 if to_left else 1)
            if points[place] == np.inf:
                split = Cuts(column, (), 1)
            children = (nodes.pop(left[place]), nodes.pop(right[place]))
        nodes[place] = Node(counts[place], split, children, shares[place])
    return nodes[0]


def largest_up_to(thresholds: np.ndarray) -> np.ndarray:
    """The largest double that is up to each threshold after it is rounded to single precision.

    Examples
    --------
    >>> cut = largest_up_to(np.array([0.1]))[0]
    >>> [float(np.float32(value)) <= 0.1 for value in (cut, np.nextafter(cut, 1))]
    [True, False]
    """
    thresholds = np.asarray(thresholds, dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):
        below = thresholds.astype(np.float32)
        below = np.where(below > thresholds, np.nextafter(below, np.float32(-np.inf)), below)
        above = np.nextafter(below, np.float32(np.inf)).astype(float)
        # Half-way between two neighbours, the one whose last bit is 0 is taken.
        middle = below.astype(float) / 2 + above / 2
        taken = middle.astype(np.float32) <= thresholds
    return np.where(taken, middle, np.nextafter(middle, -np.inf))
