"""Splits chosen with those below them: against every shallow tree there is."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.errors import ParameterError
from crmlab.mining.methods import CompactTreeClassifier


def fewest_mistakes(X: np.ndarray, y: np.ndarray, depth: int, costs: np.ndarray) -> float:
    """Least cost of a binary tree of a depth, by trying all of them."""

    @cache
    def best(rows: tuple[int, ...], left: int) -> float:
        counts = np.bincount(y[list(rows)], minlength=len(costs))
        leaf = float((counts @ costs).min())
        if left == 0 or leaf == 0:
            return leaf
        found = [leaf]
        for column in range(X.shape[1]):
            yes = tuple(row for row in rows if X[row, column])
            no = tuple(row for row in rows if not X[row, column])
            if yes and no:
                found.append(best(yes, left - 1) + best(no, left - 1))
        return min(found)

    return best(tuple(range(len(y))), depth)


def cost_of(model: CompactTreeClassifier, X: np.ndarray, y: np.ndarray, costs: np.ndarray) -> float:
    predicted = np.searchsorted(model.classes_, model.predict(X))
    return float(costs[y, predicted].sum())


tables = st.integers(0, 10**6).flatmap(
    lambda seed: st.tuples(st.just(seed), st.integers(8, 30), st.integers(2, 5), st.integers(2, 3))
)


@settings(max_examples=60, deadline=None)
@given(tables, st.integers(1, 3), st.booleans())
def test_no_tree_of_that_depth_makes_fewer_mistakes(table, depth, dear):
    seed, rows, columns, classes = table
    random = np.random.default_rng(seed)
    X = random.integers(0, 2, (rows, columns)).astype(float)
    y = np.append(np.arange(classes), random.integers(0, classes, rows - classes))
    costs = 1.0 - np.eye(classes)
    if dear:
        costs[0] *= 5
    # The estimator refuses what it is not given: the table of costs is in the order of the classes.
    model = CompactTreeClassifier(
        "accuracy", max_branches=2, max_depth=depth, complexity=0, shrinkage=0, look_ahead=max(depth - 1, 1),
        costs=costs if dear else None,
    ).fit(X, y)  # fmt: skip
    assert model.get_depth() <= depth
    assert cost_of(model, X, y, costs) == pytest.approx(fewest_mistakes(X, y, depth, costs))


def test_three_columns_that_tell_only_together_are_found():
    random = np.random.default_rng(4)
    X = pd.DataFrame(random.integers(0, 2, (4000, 6)), columns=list("abcdef"))
    y = X["a"] ^ X["c"] ^ X["e"] ^ (random.random(4000) < 0.1)
    near = CompactTreeClassifier().fit(X, y)
    far = CompactTreeClassifier(look_ahead=2).fit(X, y)
    assert near.score(X, y) < 0.6
    assert far.score(X, y) > 0.88
    assert {node.split.column for node in far.tree_.inner_nodes} == {"a", "c", "e"}


def test_names_and_gaps_are_asked_for():
    random = np.random.default_rng(1)
    X = pd.DataFrame({"city": random.choice(["Qom", "Rasht", "Yazd"], 900), "age": random.normal(40, 9, 900)})
    X.loc[random.random(900) < 0.3, "age"] = np.nan
    y = (X["city"] == "Rasht") ^ X["age"].isna() ^ (random.random(900) < 0.05)
    model = CompactTreeClassifier(look_ahead=1).fit(X, y)
    assert model.score(X, y) > 0.93
    weighted = CompactTreeClassifier(look_ahead=1).fit(X, y, np.full(900, 1.0))
    assert weighted.tree_.to_dict() == model.tree_.to_dict()


def test_what_needs_the_data_in_memory_says_so(monkeypatch):
    monkeypatch.setattr("crmlab.mining.methods.trees.compact.REVISED_ROWS", 10)
    X, y = pd.DataFrame({"x": range(20)}), np.arange(20) > 9
    with pytest.raises(ParameterError, match="look_ahead needs the data in memory"):
        CompactTreeClassifier(look_ahead=1, memory="lean").fit(X, y)
    with pytest.raises(ParameterError, match="look_ahead is a number from 0 to 3, not 7"):
        CompactTreeClassifier(look_ahead=7).fit(X, y)
