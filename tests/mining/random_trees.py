"""Trees and messy rows made at random, for tests of what is made of trees."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd

from crmlab.mining.methods.trees import Cuts, Groups, Node, Tree, gain
from crmlab.mining.methods.trees.splits import is_numeric, values_of

#: Values that are alike but not the same, that equal cut points or that engines write in their own way.
NUMBERS = [
    0.0, -0.0, 0.1, 0.1 + 0.2, 0.3, np.nextafter(0.3, 0), np.nextafter(0.3, 1), 1.0, 1 / 3, 2.5, -7.25,
    1e-300, 5e-324, 1.7976931348623157e308, 17.000000000000004, 12345678.901234567, 9007199254740993.0,
    np.inf, -np.inf,
]  # fmt: skip
TEXTS = ["a", "A", "it's", 'say "so"', "back\\slash", "می‌روم", "می روم", "ك", "ک", "", " ", "NULL", "%",
         "x; --", "line\nend", "`b`", "{c}", "0", "👍"]  # fmt: skip
WHOLE = [-3, 0, 1, 2, 30, 31, 2**53 + 1]
COLUMNS = ["number", "narrow", "whole", 'a "text"', "flag", "kind of_متن"]


def random_rows(random: Random, n: int) -> pd.DataFrame:
    """Rows of every kind of column, some of each missing."""

    def some(pool: list, share: float = 0.15) -> list:
        return [None if random.random() < share else random.choice(pool) for _ in range(n)]

    return pd.DataFrame({
        "number": np.array(some(NUMBERS), dtype=float),
        "narrow": np.array(some([0.1, 0.3, 1.0, 2.5, 16777217.0]), dtype="float32"),
        "whole": pd.array(some(WHOLE), dtype="Int64"),
        'a "text"': pd.Series(some(TEXTS), dtype=object),
        "flag": pd.Series(some([True, False]), dtype=object),
        "kind of_متن": pd.Series(some(["x", "y", "z"]), dtype="str").astype("category"),
    })  # fmt: skip


def random_tree(random: Random, X: pd.DataFrame, y: np.ndarray, height: int = 4) -> Tree:
    """A tree with random splits and the counts of the rows, which it need not fit at all."""
    classes = np.unique(y)

    def node(rows: np.ndarray, left: int) -> Node:
        counts = [(y[rows] == one).sum() for one in classes]
        if not left or random.random() < 0.15:
            return Node(counts, prediction=random.choice([None, 0]))
        split = random_split(random, X)
        side = split.branch_of(values_of(X, COLUMNS, split.column)[rows])
        children = [node(rows[side == place], left - 1) for place in range(split.degree)]
        return Node(counts, split, children)

    return Tree(node(np.arange(len(X)), height), classes, list(X.columns))


def random_split(random: Random, X: pd.DataFrame) -> Cuts | Groups:
    """A split of any column, missing and other values sent anywhere."""
    column = random.choice(list(X.columns))
    if column in ("number", "narrow", "whole"):
        pool = {*NUMBERS, *map(float, WHOLE), float(np.float32(0.1)), 0.7}
        points = sorted(random.sample(sorted(pool), random.randint(1, 3)))
        return Cuts(column, tuple(points), random.randint(0, len(points) + 1))
    values = list(X[column].dropna().unique()) or [True if column == "flag" else "x"]
    random.shuffle(values)
    values = values[: random.randint(1, len(values))]
    ends = sorted(random.sample(range(1, len(values)), random.randint(0, min(2, len(values) - 1))))
    groups = tuple(tuple(values[a:b]) for a, b in zip([0, *ends], [*ends, len(values)], strict=True))
    missing = random.randint(0, len(groups))
    return Groups(column, groups, missing, random.randint(0, len(groups) - 1 + (missing == len(groups))))


def random_case(random: Random) -> tuple[Tree, pd.DataFrame]:
    """A tree, and rows that it was not made of."""
    made_of = random_rows(random, random.randint(1, 30))
    y = np.array([random.choice(["no", "yes", 'it\'s "؟"']) for _ in range(len(made_of))])
    return random_tree(random, made_of, y), random_rows(random, 60)


@cache
def census_case(public_data: Path) -> tuple[Tree, pd.DataFrame]:
    """A tree on 3,000 census rows, "?" read as missing, and 5,000 other rows, some of unseen countries."""
    names = ["age", "work class", "weight", "education", "years", "marital-status", "occupation",
             "relationship", "race", "sex", "gain", "loss", "hours-per-week", "native-country",
             "income"]  # fmt: skip
    path = public_data / "adult_census" / "adult-train.csv.gz"
    frame = pd.read_csv(path, names=names, skipinitialspace=True, na_values="?").dropna(how="all")
    frame["hours-per-week"] = frame["hours-per-week"].where(frame["hours-per-week"] != 40)
    y, X = frame["income"].to_numpy(dtype=str), frame.drop(columns="income")
    return grown_tree(X[:3000], y[:3000]), X[3000:8000]


def grown_tree(X: pd.DataFrame, y: np.ndarray, height: int = 4) -> Tree:
    """A greedy tree of quartile cuts and of groups by the share of the last class."""
    classes = np.unique(y)

    def node(rows: np.ndarray, left: int) -> Node:
        counts = [(y[rows] == one).sum() for one in classes]
        if not left or min(counts) < 5:
            return Node(counts)
        tried = [_split(X[name].iloc[rows], y[rows] == classes[-1]) for name in X.columns]
        nodes = []
        for split in [split for split in tried if split]:
            side = split.branch_of(X[split.column].iloc[rows])
            parts = [rows[side == place] for place in range(split.degree)]
            worth = gain([[(y[part] == one).sum() for one in classes] for part in parts])
            nodes.append((worth, split, parts))
        _, split, parts = max(nodes, key=lambda found: found[0])
        return Node(counts, split, [node(part, left - 1) for part in parts])

    return Tree(node(np.arange(len(X)), height), classes, list(X.columns))


def _split(values: pd.Series, good: np.ndarray) -> Cuts | Groups | None:
    if is_numeric(values):
        points = tuple(np.unique(values.quantile([0.25, 0.5, 0.75])).tolist())
        return Cuts(values.name, points, len(points) + 1)
    share = pd.Series(good).groupby(values.to_numpy()).mean()
    groups = [tuple(share.index[share < 0.2]), tuple(share.index[share >= 0.2])]
    groups = tuple(group for group in groups if group)
    return Groups(values.name, groups, len(groups), 0) if groups else None
