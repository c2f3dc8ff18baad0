"""CompactTreeClassifier: small multiway trees, learned fast from binned columns by description length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from crmlab.errors import ParameterError
from crmlab.mining.methods.trees.bins import (
    BLOCK,
    Bins,
    NumericBins,
    coders,
    codes_on_demand,
    kept_codes,
    learn_bins,
    sample_rows,
)
from crmlab.mining.methods.trees.data import (
    Classes,
    DataError,
    check_lengths,
    columns_of,
    cost_matrix,
    refuse_infinite,
    target_of,
    weights_of,
)
from crmlab.mining.methods.trees.evidence import TABLE, Evidence
from crmlab.mining.methods.trees.grow import Block, Held
from crmlab.mining.methods.trees.learn import REVISED_ROWS, Settings, learn, written
from crmlab.mining.methods.trees.splits import numbers_of
from crmlab.mining.methods.trees.structure import Tree


class CompactTreeClassifier(ClassifierMixin, BaseEstimator):
    """A small decision tree with multiway splits of numbers and names.

    Columns are put into at most 254 bins; each node is split where the description of the classes gets
    shortest, the description of the split itself paid for, so that the tree stops by itself, without
    cross-validation. Once it stands, each split is looked at again in the light of the subtrees below
    it, what does not pay is pruned, and splits of one column that follow each other become one node.
    Numbers are cut into intervals, names into groups; missing values are taken as they are.

    Parameters
    ----------
    criterion
        What the size of the tree is judged by: "log_loss" keeps what tells probabilities apart (who
        is likelier to leave); "accuracy" keeps what changes the predicted class, and gives the
        smallest trees.
    max_branches
        Most branches that a split is searched for. Splits of one column that follow each other are
        joined to up to twice as many, unless it is 2. Missing values may have one branch more.
    max_depth
        Most splits from the root down to a leaf: the height of the tree. None for no limit.
    max_leaf_nodes
        Most leaves. None for no limit.
    min_samples_leaf
        Least weight of rows in a branch.
    complexity
        Weight of the bits that describe the splits: more than 1 gives smaller trees, less gives larger
        ones.
    shrinkage
        Weight, in rows, of a node's parent when its probabilities are blended with those above.
    look_ahead
        Levels of splits below a split that are weighed with it when it is chosen. With 0 this is done
        for pairs of columns, and only where no single split pays. With 1 or 2 splits in two are chosen
        that are the best there are, or nearly so, together with those below them: slower, in memory,
        and for shallow trees.
    costs
        What mistakes cost: a table (true by predicted class, in the order of `classes_`), a DataFrame
        labelled by the classes, or a dict `{true: cost}` or `{true: {predicted: cost}}`. The class of
        least expected cost is predicted.
    max_bins
        Most bins of a column, 2 to 254. Names beyond the commonest ones share a bin.
    memory
        "fast" keeps a byte per row and column; "lean" bins the columns anew for each level of the tree
        and keeps next to nothing. Both find the same tree.
    random_state
        Seed of the rows (at most 50,000) from which bins are learned.

    Attributes
    ----------
    tree_ : Tree
        The tree, with counts, probabilities and predictions in each node.
    classes_ : ndarray
        The classes.
    bins_ : list
        The bins of each column.
    n_features_in_, feature_names_in_
        As scikit-learn has them.
    feature_importances_ : ndarray
        Share of each column in the bits that splits save.

    References
    ----------
    C. S. Wallace and J. D. Patrick (1993), Coding decision trees, Machine Learning 11, 7-22.

    Examples
    --------
    >>> X = pd.DataFrame({"visits": [1, 2, 3, 4, 5, 6, 7, 8] * 4, "city": list("abcd" * 8)})
    >>> y = ["stays" if visits > 4 else "leaves" for visits in X["visits"]]
    >>> model = CompactTreeClassifier().fit(X, y)
    >>> model.tree_.root.split
    Cuts(column='visits', points=(4.5,), missing=0)
    >>> model.predict(pd.DataFrame({"visits": [2, 7], "city": ["a", "z"]})).tolist()
    ['leaves', 'stays']
    """

    def __init__(
        self,
        criterion: Literal["log_loss", "accuracy"] = "log_loss",
        *,
        max_branches: int = 6,
        max_depth: int | None = 7,
        max_leaf_nodes: int | None = 255,
        min_samples_leaf: float = 1,
        complexity: float = 1.0,
        shrinkage: float = 3.0,
        look_ahead: int = 0,
        costs: Any = None,
        max_bins: int = 254,
        memory: Literal["fast", "lean"] = "fast",
        random_state: int = 0,
    ) -> None:
        self.criterion = criterion
        self.max_branches = max_branches
        self.max_depth = max_depth
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.complexity = complexity
        self.shrinkage = shrinkage
        self.look_ahead = look_ahead
        self.costs = costs
        self.max_bins = max_bins
        self.memory = memory
        self.random_state = random_state

    def fit(self, X: pd.DataFrame | ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn a tree.

        Parameters
        ----------
        X
            One row per case: a DataFrame of numbers, names (texts, categories, yes and no), or an array
            of numbers. Missing values may stand anywhere.
        y
            The class of each row.
        sample_weight
            Weight of each row; rows of weight 0 are left out.

        Raises
        ------
        ParameterError
            If a parameter is out of range; if a column holds dates or infinite values; if a class is
            missing. It is a ValueError as well.
        """
        self._check_parameters()
        X, columns = columns_of(X)
        validate_data(self, X, reset=True, skip_check_array=True)
        if y is None:
            raise DataError("This classifier requires y to be passed, but the target y is None.")
        y = target_of(y)
        check_lengths(len(X), len(y))
        weight = weights_of(sample_weight, len(X))
        if weight is not None and not weight.all():
            kept = np.flatnonzero(weight)
            columns = {name: values[kept] if isinstance(values, np.ndarray) else values.iloc[kept]
                       for name, values in columns.items()}  # fmt: skip
            y, weight = y[kept], weight[kept]
        classes = Classes.of(y)
        rows = len(y)
        bins = learn_bins(columns, self.max_bins, sample_rows(rows, self.random_state))
        whole = weight is None or bool((weight == np.floor(weight)).all())
        total = rows if weight is None else weight.sum()
        evidence = Evidence(len(classes.values), int(total) if whole and total <= TABLE else None)
        parts = [slice(start, start + BLOCK) for start in range(0, rows, BLOCK)]
        codes, on_demand = None, coders(bins, columns)
        if self.memory == "fast" or rows <= REVISED_ROWS:
            codes = np.empty((len(bins), rows), dtype=np.uint8)
            for find, of_column in zip(on_demand, codes, strict=True):
                for part in parts:
                    of_column[part] = find(part, None)

        def blocks() -> Iterator[Block]:
            for part in parts:
                found = codes_on_demand(on_demand, part) if codes is None else kept_codes(codes[:, part])
                yield found, classes.numbers(y[part]), None if weight is None else weight[part]

        if self.look_ahead and codes is None:
            raise ParameterError("look_ahead needs the data in memory: leave out memory='lean'.")
        wanted = rows <= REVISED_ROWS or self.look_ahead
        held = (codes, classes.numbers(y), weight) if wanted else None
        return self._learn(blocks, bins, evidence, classes, held)

    def fit_parquet(
        self, path: str | Path, target: str, features: list[str] | None = None, progress: bool = True
    ) -> Self:
        """Learn the same tree from parquet files that do not fit in memory.

        The files are read once for the classes and a sample of rows, and once for each level of the
        tree; of what was read only counts are kept.

        Parameters
        ----------
        path
            A parquet file, or a folder of them, read in the order of their names.
        target
            The column that holds the classes.
        features
            The columns to learn from; all others if not given.
        progress
            Whether to show which pass is being made.

        Raises
        ------
        ParameterError
            If a file or column is not there, or as in :meth:`fit`.
        """
        from crmlab.mining.methods.trees.stream import ParquetRows

        self._check_parameters()
        source = ParquetRows(path, target, features, self.random_state)
        if source.n_rows <= REVISED_ROWS:
            return self.fit(*source.whole())
        if self.look_ahead:
            raise ParameterError("look_ahead needs the data in memory: learn from a file with look_ahead=0.")
        with source.passes(shown=progress):
            sample, classes = source.sample_and_classes()
            sample, columns = columns_of(sample)
            validate_data(self, sample, reset=True, skip_check_array=True)
            bins = learn_bins(columns, self.max_bins)
            evidence = Evidence(len(classes.values))
            return self._learn(lambda: source.blocks(bins, classes), bins, evidence, classes)

    def predict_proba(self, X: pd.DataFrame | ArrayLike) -> np.ndarray:
        """Probability of each class, shape (n, classes), in the order of `classes_`.

        A value that is missing where none was at fit time, and a name that was not seen, take the
        branch most rows took.
        """
        X = self._checked(X)
        return self.tree_.predict_proba(X)

    def predict(self, X: pd.DataFrame | ArrayLike) -> np.ndarray:
        """Class of each row, shape (n,): the likeliest one, or that of least expected cost."""
        X = self._checked(X)
        return self.tree_.predict(X)

    def apply(self, X: pd.DataFrame | ArrayLike) -> np.ndarray:
        """Place of the leaf, among `tree_.leaves`, that each row reaches; shape (n,)."""
        X = self._checked(X)
        return self.tree_.apply(X)

    def _checked(self, X: pd.DataFrame | ArrayLike) -> pd.DataFrame | np.ndarray:
        """Data that the tree can be asked about."""
        check_is_fitted(self)
        X, columns = columns_of(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        for bins in self.bins_:
            if isinstance(bins, NumericBins) and bins.name in columns:
                refuse_infinite(numbers_of(columns[bins.name], bins.name), bins.name)
        return X

    def get_depth(self) -> int:
        """Height of the tree."""
        check_is_fitted(self)
        return self.tree_.height

    def get_n_leaves(self) -> int:
        """Number of leaves."""
        check_is_fitted(self)
        return len(self.tree_.leaves)

    @property
    def feature_importances_(self) -> np.ndarray:
        """Share of each column in the bits that the splits save, shape (columns,)."""
        check_is_fitted(self)
        found = np.zeros(len(self.tree_.columns))
        for node in self.tree_.inner_nodes:
            found[self.tree_.columns.index(node.split.column)] += node.weight * node.gain
        total = found.sum()
        return found / total if total > 0 else found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def _learn(
        self,
        blocks: Callable[[], Iterator[Block]],
        bins: Bins,
        evidence: Evidence,
        classes: Classes,
        held: Held | None = None,
    ) -> Self:
        """Learn from binned rows, and write the tree down."""
        settings = Settings(
            self.criterion, self.max_branches, _limit(self.max_depth), _limit(self.max_leaf_nodes),
            self.min_samples_leaf, self.complexity, self.shrinkage, self.look_ahead,
            cost_matrix(self.costs, classes.values),
        )  # fmt: skip
        root = learn(blocks, bins, evidence, settings, held)
        self.classes_, self.bins_ = classes.values, bins
        self.tree_ = Tree(written(root, bins, settings), classes.values, [column.name for column in bins])
        return self

    def _check_parameters(self) -> None:
        if self.criterion not in ("log_loss", "accuracy"):
            raise ParameterError(f"criterion is 'log_loss' or 'accuracy', not {self.criterion!r}.")
        if self.memory not in ("fast", "lean"):
            raise ParameterError(f"memory is 'fast' or 'lean', not {self.memory!r}.")
        if not isinstance(self.random_state, int | np.integer) or self.random_state < 0:
            raise ParameterError(f"random_state is a whole number from 0 upwards, not {self.random_state!r}.")
        for name, low, high in (
            ("max_branches", 2, 64), ("max_depth", 0, 1000), ("max_leaf_nodes", 1, 10**9),
            ("max_bins", 2, 254),
            ("min_samples_leaf", 0, np.inf), ("complexity", 0, np.inf), ("shrinkage", 0, np.inf),
            ("look_ahead", 0, 3),
        ):  # fmt: skip
            value = getattr(self, name)
            if value is None and name in ("max_depth", "max_leaf_nodes"):
                continue
            if not isinstance(value, int | float | np.number) or not low <= value <= high:
                upto = "upwards" if high == np.inf else f"to {high:,}"
                raise ParameterError(f"{name} is a number from {low} {upto}, not {value!r}.")


def _limit(value: int | None) -> int:
    return 10**9 if value is None else int(value)
