"""The trees that ours are compared with: scikit-learn's CART, also pruned, and the optimum of depth 3.

CART pruned by one standard error is the honest rival, and is helped where it can be:

- categories are coded as indicators (one for a pair, one for missing names where there are any), and this
  is not timed; missing numbers are left to scikit-learn;
- the candidates are the trees of its own cost complexity path on the training rows, at the geometric mean of
  neighbouring alphas (Breiman et al. 1984, section 11.2); of a long path at most `ALPHAS` are tried, the
  smallest trees all and larger ones in ever wider steps, so that nothing is lost where trees are small;
- each is judged by five stratified inner folds. The standard error is that of Breiman et al., of a share of
  all training rows, the root of e (1 - e) / n; the tree chosen is the smallest whose error is at most one
  of these above the least;
- it is timed as scikit-learn offers it, a fit for each alpha and fold. `least` is the time that the six
  unpruned trees alone take (five folds and all rows), which no cross-validation on these folds can undercut.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

#: Alphas tried at most, by the number of training rows up to which this holds.
ALPHAS = ((10_000, 30), (np.inf, 15))
INNER_FOLDS = 5
#: Another interpreter that has pystreed and lightgbm.
PEERS = os.environ.get("CRMLAB_PEERS", "")

Folds = Sequence[tuple[np.ndarray, np.ndarray]]


def coded(X: pd.DataFrame) -> np.ndarray:
    """Numbers as they are, categories as indicators."""
    parts = []
    for name in X:
        values = X[name]
        if not isinstance(values.dtype, pd.CategoricalDtype):
            parts.append(values.to_numpy(float)[:, None])
            continue
        kinds = len(values.cat.categories) + values.isna().any()
        codes = values.cat.codes.to_numpy() % kinds
        first = int(kinds == 2)
        parts.append((codes[:, None] == np.arange(first, kinds)).astype(float))
    return np.hstack(parts)


class PrunedByOneError:
    """CART, its alpha by cross-validation and the rule of one standard error."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> "PrunedByOneError":
        began = time.process_time()
        path = DecisionTreeClassifier(random_state=0).cost_complexity_pruning_path(X, y).ccp_alphas
        self.least = time.process_time() - began
        path = np.unique(np.maximum(path, 0))
        # The tree between two alphas of the path is the one at the lower; the last is the root alone.
        alphas = np.append(np.sqrt(path[:-1] * path[1:]), path[-1] * (1 + 1e-6))
        most = next(alphas_tried for rows, alphas_tried in ALPHAS if len(y) <= rows)
        alphas = alphas[from_the_end(len(alphas), most)]
        right = np.zeros(len(alphas))
        inner = StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=0)
        for train, test in inner.split(X, y):
            for place, alpha in enumerate(alphas):
                began = time.process_time()
                tree = DecisionTreeClassifier(random_state=0, ccp_alpha=alpha).fit(X[train], y[train])
                # The first alpha prunes least, so its fit is close to that of the unpruned tree.
                self.least += (time.process_time() - began) * (place == 0)
                right[place] += (tree.predict(X[test]) == y[test]).sum()
        error = 1 - right / len(y)
        limit = error.min() + np.sqrt(error.min() * (1 - error.min()) / len(y))
        self.alpha = alphas[np.flatnonzero(error <= limit)[-1]]
        self.tree = DecisionTreeClassifier(random_state=0, ccp_alpha=self.alpha).fit(X, y)
        return self

    def __getattr__(self, name: str) -> object:
        if name.startswith("__") or "tree" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.tree, name)


def from_the_end(n: int, most: int) -> np.ndarray:
    """Places of at most `most` of `n`, in order: the last ones all, then in steps that grow as a power."""
    for growth in np.arange(1, n + 1, 0.01):
        steps = [1]
        while steps[-1] < n:
            steps.append(min(n, max(steps[-1] + 1, int(steps[-1] * growth))))
        if len(steps) <= most:
            break
    return n - np.array(steps[::-1])


#: The peers, not fitted.
TREES = {
    "CART": DecisionTreeClassifier(random_state=0),
    "CART 1-SE": PrunedByOneError(),
    "CART depth 4": DecisionTreeClassifier(max_depth=4, random_state=0),
    "CART depth 6": DecisionTreeClassifier(max_depth=6, random_state=0),
    "CART leaf 50": DecisionTreeClassifier(min_samples_leaf=50, random_state=0),
}


def measured(tree: object, X: pd.DataFrame | np.ndarray, y: np.ndarray, folds: Folds) -> dict:
    """Each measure of a tree, by fits of copies of it, as the mean over the folds; accuracy also of each."""
    found = []
    for train, test in folds:
        model = deepcopy(tree)
        before, after = (X.iloc[train], X.iloc[test]) if isinstance(X, pd.DataFrame) else (X[train], X[test])
        began = time.process_time()
        model.fit(before, y[train])
        one = {"cpu": time.process_time() - began, "accuracy": 100 * (model.predict(after) == y[test]).mean()}
        one |= size(model)
        if len(model.classes_) == 2:
            event, share = y[test] == model.classes_[1], model.predict_proba(after)[:, 1]
            one |= {"auc": roc_auc_score(event, share), "log_loss": surprise(event, share)}
            if hasattr(model.tree_, "node_count"):
                share = laplace(model, before, y[train] == model.classes_[1], after)
                one |= {
                    "auc_laplace": roc_auc_score(event, share),
                    "log_loss_laplace": surprise(event, share),
                }
        found.append(one | {"least": getattr(model, "least", one["cpu"])})
    table = pd.DataFrame(found)
    return table.mean().to_dict() | {"folds": table["accuracy"].tolist()}


def surprise(event: np.ndarray, share: np.ndarray) -> float:
    """Log-loss; a share of 0 or 1 counts as a millionth from it, as else one row would decide."""
    return log_loss(event, np.clip(share, 1e-6, 1 - 1e-6))


def laplace(model: object, before: np.ndarray, event: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Shares of the event in the leaves of CART by Laplace's rule: one more row of each class."""
    leaf = model.apply(before)
    of, n = np.bincount(leaf, event), np.bincount(leaf)
    return ((of + 1) / (n + 2))[model.apply(after)]


def size(model: object) -> dict[str, int]:
    """Leaves, inner nodes and depth of scikit-learn's tree or ours."""
    if hasattr(model.tree_, "node_count"):
        leaves = int(model.get_n_leaves())
        return {"leaves": leaves, "inner": int(model.tree_.node_count) - leaves, "depth": model.get_depth()}
    tree = model.tree_
    return {"leaves": len(tree.leaves), "inner": len(tree.inner_nodes), "depth": tree.height}


def binary(X: pd.DataFrame) -> np.ndarray:
    """Columns of yes and no: numbers up to each of ten thresholds, each category, and whether missing.

    The thresholds are midpoints between neighbouring values at the eleventh parts of the rows.
    """
    parts = []
    for name in X:
        values = X[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            parts.append(values.cat.codes.to_numpy()[:, None] == np.arange(len(values.cat.categories)))
        else:
            numbers = values.to_numpy(float)
            distinct = np.unique(numbers[~np.isnan(numbers)])
            quantiles = np.nanquantile(numbers, np.arange(1, 11) / 11, method="inverted_cdf")
            after = np.searchsorted(distinct, np.unique(quantiles)) + 1
            after = after[after < len(distinct)]
            parts.append(numbers[:, None] <= (distinct[after - 1] + distinct[after]) / 2)
        if values.isna().any():
            parts.append(values.isna().to_numpy()[:, None])
    table = np.hstack(parts)
    return table[:, table.any(axis=0) & ~table.all(axis=0)].astype(np.uint8)


def optimum(X: np.ndarray, y: np.ndarray, seconds: int) -> dict:
    """Training accuracy in percent of the best binary tree of depth 3, and what it cost; by STreeD."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "set.npz")
        np.savez(file, X=X, y=np.unique(y, return_inverse=True)[1])
        call = [PEERS, __file__, str(file), str(seconds)]
        done = subprocess.run(call, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def find_optimum(file: str, seconds: str) -> None:
    """The part that runs under the other interpreter."""
    from pystreed import STreeDClassifier

    with np.load(file) as data:
        X, y = data["X"], data["y"]
    began = time.process_time()
    model = STreeDClassifier("accuracy", max_depth=3, time_limit=float(seconds)).fit(X, y)
    cpu = time.process_time() - began
    found = {"accuracy": 100 * float((model.predict(X) == y).mean()), "leaves": int(model.get_n_leaves())}
    print(json.dumps(found | {"cpu": cpu, "proved": bool(model.fit_result.is_optimal())}))


if __name__ == "__main__":
    find_optimum(*sys.argv[1:])
