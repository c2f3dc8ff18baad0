"""How good a tree is, from the class counts of its leaves alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crmlab.mining.methods.trees.structure import Tree


def measures_of(
    tree: Tree, training: Sequence[np.ndarray], held_out: Sequence[np.ndarray], costs: np.ndarray | None
) -> dict[str, float]:
    """Accuracy, AUC and mean cost on two sets of rows; number of leaves, height.

    Parameters
    ----------
    tree
        Gives the prediction and the probabilities of each leaf.
    training, held_out
        Class counts of each leaf, in the order of `tree.leaves`.
    costs
        Cost of each prediction (columns) for each true class (rows); without them there is no cost.

    Returns
    -------
    dict
        `accuracy`, `auc`, `cost` and the same with `held_out_` before them, NaN where they are not
        defined; `leaves`, `height`. The AUC of more than two classes is the mean of each against the rest.
    """
    predicted = np.array([leaf.prediction for leaf in tree.leaves])
    probabilities = np.array([leaf.probabilities for leaf in tree.leaves])
    found: dict[str, float] = {}
    for before, counts in (("", np.array(training)), ("held_out_", np.array(held_out))):
        total = counts.sum()
        right = counts[np.arange(len(predicted)), predicted].sum()
        found[f"{before}accuracy"] = float(right / total) if total else np.nan
        found[f"{before}auc"] = auc_of_leaves(probabilities, counts)
        paid = (counts * costs[:, predicted].T).sum() if costs is not None else np.nan
        found[f"{before}cost"] = float(paid / total) if total else np.nan
    return {**found, "leaves": len(tree.leaves), "height": tree.height}


def auc_of_leaves(probabilities: np.ndarray, counts: np.ndarray) -> float:
    """Area under the ROC curve of rows that share the probabilities of their leaf; NaN for one class.

    Parameters
    ----------
    probabilities, counts
        Of each class (columns) in each leaf (rows).

    References
    ----------
    T. Fawcett (2006), An introduction to ROC analysis, Pattern Recognition Letters 27, section 7; the
    mean of each class against the rest after F. Provost and P. Domingos (2000), with equal weights.

    Examples
    --------
    >>> auc_of_leaves(np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([[3, 1], [1, 3]]))
    0.75
    """
    classes = range(counts.shape[1]) if counts.shape[1] > 2 else [1]
    found = []
    for place in classes:
        levels, score = np.unique(probabilities[:, place], return_inverse=True)
        hits = np.bincount(score, counts[:, place], len(levels))
        others = np.bincount(score, counts.sum(1) - counts[:, place], len(levels))
        if hits.sum() and others.sum():
            below = np.cumsum(others) - others / 2
            found.append(float((hits * below).sum() / (hits.sum() * others.sum())))
    return float(np.mean(found)) if found else np.nan
