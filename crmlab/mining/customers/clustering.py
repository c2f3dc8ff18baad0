"""Columns on one scale, and partitions of their rows: k-means, Gaussian mixture, hierarchical."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError, TableError, did_you_mean

METHODS = ("k-means", "gaussian mixture", "hierarchical")
#: Rows of which a tree is made at most, as its cost grows with their square.
TREE = 1_500
#: Skewness beyond which a column is taken by its logarithm.
SKEWED = 1.0


@dataclass(frozen=True)
class Scaling:
    """How columns are brought to one scale: gaps filled, long tails cut short, mean 0, deviation 1.

    Attributes
    ----------
    columns : tuple of str
    logged : ndarray of bool
        Whether the column is taken by sign(x) log(1 + abs(x)).
    filled : ndarray of int
        Number of missing values that the median stands for.
    fill, mean, scale : ndarray
        The median, and mean and standard deviation after the logarithm.
    """

    columns: tuple[str, ...]
    logged: np.ndarray
    filled: np.ndarray
    fill: np.ndarray
    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def learn(cls, frame: pd.DataFrame, columns: Sequence[str]) -> Scaling:
        """The scaling that brings these columns of a frame to one scale.

        Raises
        ------
        ParameterError
            If a column is not there, holds no numbers, or one number only.
        """
        x = as_numbers(frame, columns)
        filled = np.isnan(x).sum(axis=0)
        for name, n in zip(columns, filled, strict=True):
            if n == len(x):
                raise ParameterError(f"The column {name} holds no value; leave it out of columns.")
        fill = np.nanmedian(x, axis=0)
        logged = np.array([_is_skewed(column[~np.isnan(column)]) for column in x.T])
        x = _short(np.where(np.isnan(x), fill, x), logged)
        scale = x.std(axis=0)
        for name, spread in zip(columns, scale, strict=True):
            if not spread > 0:
                raise ParameterError(f"The column {name} is the same for all; leave it out of columns.")
        return cls(tuple(columns), logged, filled, fill, x.mean(axis=0), scale)

    def apply(self, frame: pd.DataFrame) -> np.ndarray:
        """These columns of a frame, scaled."""
        x = as_numbers(frame, self.columns)
        return (_short(np.where(np.isnan(x), self.fill, x), self.logged) - self.mean) / self.scale

    def in_words(self) -> list[str]:
        """What was done to the columns, in sentences."""
        names = np.array(self.columns)
        said = ["Each column is scaled to mean 0 and standard deviation 1, so that all weigh alike."]
        if self.logged.any():
            said.append(
                "Taken by the logarithm of 1 + value, as a few are far above the rest: "
                f"{', '.join(names[self.logged])}."
            )
        gaps = [f"{name} ({n:,})" for name, n in zip(self.columns, self.filled.tolist(), strict=True) if n]
        if gaps:
            said.append(f"Where a value is missing the median stands for it: {', '.join(gaps)}.")
        return said


def as_numbers(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Columns of a frame as floats, missing ones as NaN; yes and no are 1 and 0."""
    for name in columns:
        if name not in frame:
            raise ParameterError(f"There is no column {name!r}{did_you_mean(str(name), map(str, frame))}")
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise ParameterError(f"The column {name} holds {frame[name].dtype}, not numbers to measure by.")
    x = np.column_stack([
        frame[name].astype("Float64").to_numpy(dtype=float, na_value=np.nan) for name in columns
    ])  # fmt: skip
    if np.isinf(x).any():
        name = columns[int(np.isinf(x).any(axis=0).argmax())]
        raise TableError(f"The column {name} holds infinite values.", "", name, "infinite")
    return x


def _is_skewed(values: np.ndarray) -> bool:
    deviation = values - values.mean()
    spread = np.sqrt((deviation**2).mean())
    # Of shares the logarithm changes next to nothing.
    return bool(np.abs(values).max() > 1 and spread > 0 and ((deviation / spread) ** 3).mean() > SKEWED)


def _short(x: np.ndarray, logged: np.ndarray) -> np.ndarray:
    return np.where(logged, np.sign(x) * np.log1p(np.abs(x)), x)


@dataclass(frozen=True)
class Partition:
    """Rows in groups: by the nearest centre, or by the likeliest component of a mixture.

    Attributes
    ----------
    centres : ndarray
        One row per group.
    mixture : object
        The fitted mixture, if it is one.
    """

    centres: np.ndarray
    mixture: Any = None

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Number of the group of each row, from 0."""
        if self.mixture is not None:
            return self.mixture.predict(x)
        distance = [((x - centre) ** 2).sum(axis=1) for centre in self.centres]
        return np.argmin(distance, axis=0)


def partitions(
    x: np.ndarray, counts: Iterable[int], method: str, seed: int, starts: int = 10
) -> dict[int, Partition]:
    """Partitions of the rows into each of some numbers of groups.

    Parameters
    ----------
    x
        Rows of scaled columns.
    counts
        Numbers of groups; there may come out fewer where rows are equal.
    method
        One of `METHODS`. A hierarchical tree (Ward's) is made of at most `TREE` rows, drawn with the
        seed; all rows go to the nearest of its centres.
    starts
        Number of random starts, of which the best counts; a mixture has a fifth of them.
    """
    with warnings.catch_warnings():
        # Of equal rows there are fewer groups than asked for; a mixture may stop before its optimum.
        warnings.simplefilter("ignore")
        if method == "hierarchical":
            return _trees(x, counts, seed)
        fit = _k_means if method == "k-means" else _mixture
        return {count: fit(x, count, seed, starts) for count in counts}


def refined(x: np.ndarray, partition: Partition, method: str, seed: int) -> Partition:
    """A partition that was found on some of the rows, fitted to all of them from where it stands."""
    if method == "hierarchical":
        return partition
    fit = _k_means if method == "k-means" else _mixture
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit(x, len(partition.centres), seed, 1, partition.centres)


def _k_means(
    x: np.ndarray, count: int, seed: int, starts: int, centres: np.ndarray | None = None
) -> Partition:
    from sklearn.cluster import KMeans

    init = "k-means++" if centres is None else centres
    labels = KMeans(count, init=init, n_init=starts, random_state=seed).fit(x).labels_
    # The library's own centres differ in the last digits from one run to the next, with its threads.
    return Partition(_means(x, labels))


def _mixture(
    x: np.ndarray, count: int, seed: int, starts: int, centres: np.ndarray | None = None
) -> Partition:
    from sklearn.mixture import GaussianMixture

    model = GaussianMixture(
        count, n_init=max(starts // 5, 1), reg_covar=1e-4, max_iter=100, random_state=seed, means_init=centres
    ).fit(x)
    return Partition(model.means_, model)


def _trees(x: np.ndarray, counts: Iterable[int], seed: int) -> dict[int, Partition]:
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(x) > TREE:
        x = x[np.sort(np.random.default_rng(seed).choice(len(x), TREE, replace=False))]
    tree = linkage(x, "ward")
    return {count: Partition(_means(x, fcluster(tree, count, "maxclust"))) for count in counts}


def _means(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.array([x[labels == label].mean(axis=0) for label in np.unique(labels)])
