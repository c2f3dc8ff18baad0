"""Segments: customers who are alike, found by their profiles, checked, and told in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from crmlab.errors import ParameterError, TableError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.mining.customers.clustering import Partition, Scaling

#: Customers on whom the number of segments and their stability are judged, at most.
SAMPLE = 3_000
#: What customers are told apart by, of what a profile has, unless columns are named.
USUAL = ("recency", "frequency", "monetary_value", "discount_share", "contacts", "tickets")
#: Mean Jaccard similarity from which a segment counts as stable, and from which as doubtful (Hennig).
STABLE, DOUBTFUL = 0.75, 0.6
VERDICTS = ("stable", "doubtful", "dissolves")


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Segments of customers; `segment` makes them.

    Attributes
    ----------
    labels : Series
        The segment of each customer, from 1, indexed like the profile.
    segments : DataFrame
        Indexed by `segment`: `customers`, `share` (0 to 1), `jaccard` (mean similarity of the segment
        to the one most like it when customers are drawn again) and `verdict` (``"stable"``,
        ``"doubtful"``, ``"dissolves"``).
    description : DataFrame
        What sets each segment apart; see `describe_segments`.
    stability : DataFrame
        Indexed by `clusters`: `agreement`, the mean adjusted Rand index of groups found anew, with
        `low` and `high`, for each number of segments that was tried.
    criteria : DataFrame
        Indexed by `clusters`, a column per criterion; empty if the number was given.
    choices : Series
        The number of segments that each criterion chooses, and the majority.
    method : str
    notes : tuple of str
        What was done to the data, in sentences.
    """

    labels: pd.Series
    segments: pd.DataFrame
    description: pd.DataFrame
    stability: pd.DataFrame
    criteria: pd.DataFrame
    choices: pd.Series
    method: str
    notes: tuple[str, ...]
    _scaling: Scaling = field(repr=False)
    _partition: Partition = field(repr=False)
    _number: np.ndarray = field(repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """What customers are told apart by."""
        return self._scaling.columns

    def assign(self, profile: pd.DataFrame) -> pd.Series:
        """The segment of other customers, or of the same ones on another day.

        Parameters
        ----------
        profile
            With the columns of the segmentation; a missing value is taken for the median of the
            customers that were segmented.

        Returns
        -------
        Series
            Indexed like the profile, numbered as in `labels`.
        """
        import pandas as pd

        number = self._number[self._partition.predict(self._scaling.apply(profile))]
        return pd.Series(number, index=profile.index, name="segment")


def segment(
    profile: pd.DataFrame,
    columns: Sequence[str] | None = None,
    method: str = "k-means",
    clusters: int | None = None,
    tried: Sequence[int] = (2, 3, 4, 5, 6, 7, 8),
    order_by: str | None = None,
    replicates: int = 20,
    seed: int = 0,
) -> Segmentation:
    """Find customers who are alike, and say how many kinds there are and whether they are real.

    Columns are scaled to mean 0 and deviation 1, those with a long tail by their logarithm; gaps are
    filled with the median. `notes` says of which columns.

    Parameters
    ----------
    profile
        One row per customer, such as `crmlab.mining.customers.profile` gives it.
    columns
        Columns of numbers to tell customers apart by; `USUAL` ones that the profile has if not given.
    method
        ``"k-means"``; ``"gaussian mixture"`` (segments of any width and slope); ``"hierarchical"``
        (Ward's tree of at most 1,500 customers, drawn with the seed; everybody goes to the nearest of
        its centres).
    clusters
        Number of segments; chosen by the majority of the criteria out of `tried` if not given (if they
        see no groups at all, two are made, and `notes` says so).
    order_by
        Segment 1 has the highest mean of this column. `monetary_value` if not given and it is there,
        else the largest segment is the first.
    replicates
        How often customers are drawn again to see whether segments come out again.
    seed
        Same seed, same segments.

    Returns
    -------
    Segmentation
        Its number and stability are judged on at most `SAMPLE` customers, drawn with the seed.

    Raises
    ------
    ParameterError
        If the method, a column or the number of segments is impossible.
    TableError
        If there are fewer different customers than segments.

    Examples
    --------
    >>> import pandas as pd
    >>> profile = pd.DataFrame({"frequency": [1, 2, 1, 2] * 5 + [30, 31, 32, 33] * 5, "recency": range(40)})
    >>> found = segment(profile, clusters=2)
    >>> found.segments["customers"].tolist(), found.labels.iloc[[0, 39]].tolist()
    ([20, 20], [1, 2])
    """
    import pandas as pd

    from crmlab.mining.customers.cluster_count import ClusterCount, cluster_count, cluster_stability
    from crmlab.mining.customers.clustering import METHODS, Scaling, partitions, refined
    from crmlab.mining.customers.segment_words import describe_segments

    if method not in METHODS:
        raise ParameterError(f"There is no method {method!r}{did_you_mean(str(method), METHODS)}")
    for count in tried if clusters is None else [clusters]:
        if not (isinstance(count, int) and 2 <= count <= 50):
            raise ParameterError(f"A number of segments is a whole number from 2 to 50, not {count!r}.")
    tried = sorted(set(tried)) if clusters is None else [clusters]
    scaling = Scaling.learn(profile, _chosen(profile, columns))
    x = scaling.apply(profile)
    different = len(np.unique(x, axis=0))
    if different <= max(tried):
        raise TableError(
            f"For {max(tried)} segments there must be more than {max(tried)} different customers; by "
            f"{', '.join(scaling.columns)} there are {different}."
        )
    notes = scaling.in_words()
    judged = x
    if len(x) > SAMPLE:
        judged = x[np.sort(np.random.default_rng(seed).choice(len(x), SAMPLE, replace=False))]
        notes.append(
            f"The number of segments and their stability are judged on {SAMPLE:,} of {len(x):,} customers, "
            f"drawn with the seed {seed}, and the search for segments of all begins with theirs."
        )
    counted, known = ClusterCount(pd.DataFrame(), pd.Series(dtype="int64")), {}
    parts: dict[int, Partition] = {}
    if clusters is None:
        parts = partitions(judged, [1, *tried], method, seed)
        counted = cluster_count(judged, parts, method, seed)
        known = {count: parts[count].predict(judged) for count in tried}
        clusters = int(counted.choices["majority"])
        blind = [name for name, count in counted.choices.items() if count == 1]
        if blind:
            notes.append(f"No groups at all are seen by: {', '.join(blind)}.")
        clusters = max(clusters, tried[0])
    if method == "hierarchical":
        notes.append("Everybody is in the segment whose centre in the tree is nearest.")
    if not parts:
        parts = partitions(judged, [clusters], method, seed)
    found = parts[clusters] if judged is x else refined(x, parts[clusters], method, seed)
    number = _numbered(profile, found.predict(x), order_by)
    labels = number[found.predict(x)]
    known[clusters] = number[found.predict(judged)] - 1
    stability = cluster_stability(judged, known, method, seed, replicates)
    sizes = np.bincount(labels)[1:]
    jaccard = stability.groups[clusters]
    jaccard = np.append(jaccard, np.full(len(sizes) - len(jaccard), np.nan))
    verdict = np.select([jaccard >= STABLE, jaccard >= DOUBTFUL], VERDICTS[:2], VERDICTS[2])
    segments = pd.DataFrame(
        {"customers": sizes, "share": sizes / len(x), "jaccard": jaccard, "verdict": verdict},
        index=pd.RangeIndex(1, len(sizes) + 1, name="segment"),
    )
    labels = pd.Series(labels, index=profile.index, name="segment")
    return Segmentation(
        labels, segments, describe_segments(profile, labels), stability.numbers, counted.criteria,
        counted.choices, method, tuple(notes), scaling, found, number,
    )  # fmt: skip


def _chosen(profile: pd.DataFrame, columns: Sequence[str] | None) -> list[str]:
    """The columns to tell customers apart by."""
    if columns is not None:
        if isinstance(columns, str) or not len(columns):
            raise ParameterError(f"columns is a list of names, not {columns!r}.")
        return list(columns)
    usual = [name for name in USUAL if name in profile and profile[name].nunique() > 1]
    if not usual:
        raise ParameterError(f"The profile has none of {', '.join(USUAL)} to go by; name the columns.")
    return usual


def _numbered(profile: pd.DataFrame, labels: np.ndarray, order_by: str | None) -> np.ndarray:
    """The number, from 1, of each group: the highest mean first, or the largest."""
    from crmlab.mining.customers.clustering import as_numbers

    if order_by is None and "monetary_value" in profile:
        order_by = "monetary_value"
    groups = int(labels.max()) + 1
    size = np.bincount(labels, minlength=groups)
    first = np.array([(labels == group).argmax() for group in range(groups)])
    worth = size.astype(float)
    if order_by is not None:
        values = as_numbers(profile, [order_by])[:, 0]
        known = ~np.isnan(values)
        summed = np.bincount(labels[known], values[known], groups)
        worth = summed / np.maximum(np.bincount(labels[known], minlength=groups), 1)
    # Groups that nobody is in come last; equals are told apart by size, then by their first customer.
    rank = np.lexsort([first, -size, -worth, size == 0])
    number = np.empty(groups, dtype=np.int64)
    number[rank] = np.arange(1, groups + 1)
    return number
