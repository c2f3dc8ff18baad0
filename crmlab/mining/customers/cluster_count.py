"""How many groups there are, by several criteria side by side, and whether they come out again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from crmlab.mining.customers.clustering import Partition, partitions

#: What each criterion calls best.
CRITERIA = {
    "silhouette": "the highest",
    "Calinski-Harabasz": "the highest",
    "Davies-Bouldin": "the lowest",
    "gap": "the first whose gap is within one standard error of the next",
    "BIC": "the lowest",
}
#: A reference without groups is drawn so often for the gap statistic.
REFERENCES = 10


class ClusterCount(NamedTuple):
    """Numbers of groups, judged.

    Attributes
    ----------
    criteria : DataFrame
        Indexed by `clusters`, a column per criterion; with the gap its standard error, `gap_error`.
        The gap and BIC say of one group, too, what it is worth.
    choices : Series
        Indexed by `criterion`: the number of groups each chooses, and at the end ``"majority"``.
        1 means that the criterion sees no groups.
    """

    criteria: pd.DataFrame
    choices: pd.Series


def cluster_count(x: np.ndarray, found: Mapping[int, Partition], method: str, seed: int) -> ClusterCount:
    """Judge numbers of groups by the silhouette, Calinski-Harabasz, Davies-Bouldin, and gap or BIC.

    BIC is a mixture's; the other methods have the gap statistic, its references uniform in the box
    along the principal axes. Most votes win; among equals the silhouette's choice, then the least.

    Parameters
    ----------
    x
        Rows of scaled columns; all are compared with all.
    found
        The partition into each number of groups, from 1 up.
    method
        One of `METHODS`.

    References
    ----------
    P. J. Rousseeuw (1987), Silhouettes, Journal of Computational and Applied Mathematics 20, 53-65.
    T. Calinski and J. Harabasz (1974), A dendrite method for cluster analysis, Communications in
    Statistics 3, 1-27. D. L. Davies and D. W. Bouldin (1979), A cluster separation measure, IEEE
    Transactions on Pattern Analysis and Machine Intelligence 1, 224-227. R. Tibshirani, G. Walther
    and T. Hastie (2001), Estimating the number of clusters in a data set via the gap statistic,
    Journal of the Royal Statistical Society B 63, 411-423.
    """
    from sklearn import metrics

    counts = list(found)
    criteria = pd.DataFrame(index=pd.Index(counts, name="clusters"))
    for name, measure in (
        ("silhouette", metrics.silhouette_score),
        ("Calinski-Harabasz", metrics.calinski_harabasz_score),
        ("Davies-Bouldin", metrics.davies_bouldin_score),
    ):
        criteria[name] = [_judged(measure, x, found[count], count) for count in counts]
    if method == "gaussian mixture":
        criteria["BIC"] = [found[count].mixture.bic(x) for count in counts]
    else:
        criteria["gap"], criteria["gap_error"] = _gap(x, found, method, seed)
    choices = {
        "silhouette": criteria["silhouette"].idxmax(),
        "Calinski-Harabasz": criteria["Calinski-Harabasz"].idxmax(),
        "Davies-Bouldin": criteria["Davies-Bouldin"].idxmin(),
    }
    if "BIC" in criteria:
        choices["BIC"] = criteria["BIC"].idxmin()
    else:
        gap, error = criteria["gap"].to_numpy(), criteria["gap_error"].to_numpy()
        enough = gap[:-1] >= gap[1:] - error[1:]
        choices["gap"] = counts[int(enough.argmax()) if enough.any() else -1]
    choices["majority"] = _majority(choices)
    chosen = pd.Series(choices, dtype="int64", name="clusters").rename_axis("criterion")
    return ClusterCount(criteria, chosen)


def _judged(measure, x: np.ndarray, partition: Partition, count: int) -> float:
    labels = partition.predict(x)
    # A number of groups that does not come about is not judged.
    return float(measure(x, labels)) if count > 1 and len(np.unique(labels)) == count else np.nan


def _majority(choices: dict[str, int]) -> int:
    votes = Counter(choices.values())
    most = max(votes.values())
    best = sorted(count for count, n in votes.items() if n == most)
    return choices["silhouette"] if choices["silhouette"] in best else best[0]


def _gap(
    x: np.ndarray, found: Mapping[int, Partition], method: str, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """How much closer together groups are than those of data without any, on the log scale."""
    random = np.random.default_rng(seed)
    centre = x.mean(axis=0)
    axes = np.linalg.svd(x - centre, full_matrices=False)[2]
    turned = (x - centre) @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    logs = []
    for _ in range(REFERENCES):
        reference = random.uniform(low, high, turned.shape)
        parts = partitions(reference, found, method, seed, starts=1)
        logs.append([np.log(_within(reference, part)) for part in parts.values()])
    own = np.array([np.log(_within(x, part)) for part in found.values()])
    gap = np.mean(logs, axis=0) - own
    return gap, np.std(logs, axis=0) * np.sqrt(1 + 1 / REFERENCES)


def _within(x: np.ndarray, partition: Partition) -> float:
    """Sum of squares around the centres of the groups."""
    return float(((x - partition.centres[partition.predict(x)]) ** 2).sum()) or np.finfo(float).tiny


class ClusterStability(NamedTuple):
    """Whether groups come out again from other customers of the same kind.

    Attributes
    ----------
    numbers : DataFrame
        Indexed by `clusters`: `agreement` (mean adjusted Rand index; 1 the same groups, 0 chance),
        `low` and `high` (between which 95 of 100 replicates lie).
    groups : dict of int to ndarray
        For each number of groups, the mean Jaccard similarity of each group to the one most like it.
    """

    numbers: pd.DataFrame
    groups: dict[int, np.ndarray]


def cluster_stability(
    x: np.ndarray, labels: dict[int, np.ndarray], method: str, seed: int, replicates: int = 20
) -> ClusterStability:
    """Draw rows again with replacement, group them anew, and compare.

    Parameters
    ----------
    x
        Rows of scaled columns.
    labels
        For each number of groups, the group of each row, from 0.

    References
    ----------
    L. Hubert and P. Arabie (1985), Comparing partitions, Journal of Classification 2, 193-218.
    C. Hennig (2007), Cluster-wise assessment of cluster stability, Computational Statistics & Data
    Analysis 52, 258-271.
    """
    from sklearn.metrics import adjusted_rand_score

    random = np.random.default_rng(seed)
    agreement: dict[int, list[float]] = {count: [] for count in labels}
    alike: dict[int, list[np.ndarray]] = {count: [] for count in labels}
    for replicate in range(replicates):
        drawn = random.integers(len(x), size=len(x))
        parts = partitions(x[drawn], labels, method, seed + replicate + 1, starts=3)
        drawn = np.unique(drawn)
        for count, given in labels.items():
            again = parts[count].predict(x)
            agreement[count].append(adjusted_rand_score(given, again))
            alike[count].append(_jaccard(given[drawn], again[drawn], int(given.max()) + 1))
    ends = {count: np.quantile(values, [0.025, 0.975]) for count, values in agreement.items()}
    numbers = pd.DataFrame(
        {"agreement": [np.mean(values) for values in agreement.values()],
         "low": [low for low, _ in ends.values()], "high": [high for _, high in ends.values()]},
        index=pd.Index(list(labels), name="clusters"),
    )  # fmt: skip
    return ClusterStability(numbers, {count: np.mean(values, axis=0) for count, values in alike.items()})


def _jaccard(given: np.ndarray, again: np.ndarray, groups: int) -> np.ndarray:
    """Of each group, the part shared with the group most like it, of all that are in either."""
    both = np.zeros((groups, int(again.max()) + 1))
    np.add.at(both, (given, again), 1)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0) - both
    return (both / np.maximum(either, 1)).max(axis=1)
