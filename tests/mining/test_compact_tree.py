"""CompactTreeClassifier: scikit-learn's rules, planted trees, equal ways to the same tree, bad input."""

import datetime
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import crmlab.mining.methods.trees.compact as compact
import crmlab.mining.methods.trees.learn as learn
from crmlab.errors import ParameterError, SourceError
from crmlab.mining.methods import CompactTreeClassifier
from crmlab.mining.methods.trees import Cuts, Groups
from crmlab.mining.methods.trees.data import DataError


@parametrize_with_checks([CompactTreeClassifier(), CompactTreeClassifier("accuracy", memory="lean")])
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_it_keeps_the_rules_of_scikit_learn(estimator, check):
    check(estimator)


def written(model: CompactTreeClassifier) -> str:
    return json.dumps(model.tree_.to_dict(), sort_keys=True)


def customers(rows: int = 3000, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers who leave by a tree: by city, in the one group by visits in three steps, else by age."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": random.integers(18, 80, rows),
            "visits": random.gamma(2.0, 10.0, rows).round(1),
            "city": random.choice(["Qom", "Rasht", "Shiraz", "Tabriz", "Yazd"], rows),
            "member": random.random(rows) < 0.5,
            "noise": random.normal(size=rows),
        }
    )
    north = frame["city"].isin(["Rasht", "Tabriz"])
    visits = np.select([frame["visits"] <= 10, frame["visits"] <= 25], [0.95, 0.4], 0.9)
    age = np.where(frame["age"] > 45, 0.4, 0.05)
    leaves = random.random(rows) < np.where(north, visits, age)
    return frame, np.where(leaves, "leaves", "stays")


def test_a_planted_tree_is_found():
    X, y = customers(6000)
    root = CompactTreeClassifier().fit(X, y).tree_.root
    assert root.split == Groups("city", (("Qom", "Shiraz", "Yazd"), ("Rasht", "Tabriz")), 0, 0)
    south, north = root.children
    assert isinstance(north.split, Cuts)
    assert (north.split.column, north.degree) == ("visits", 3)
    assert north.split.points == pytest.approx((10, 25), abs=1)
    assert south.split.column == "age"
    assert 45.5 in south.split.points


def test_columns_without_anything_to_tell_give_a_lone_root():
    grown = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        X = pd.DataFrame(random.normal(size=(500, 8)), columns=list("pqrstuvw")).assign(
            name=random.choice(list("abcdefgh"), 500)
        )
        grown += CompactTreeClassifier().fit(X, random.integers(0, 2, 500)).get_n_leaves() > 1
    assert grown <= 4


@pytest.mark.parametrize("criterion", ["log_loss", "accuracy"])
def test_fast_and_lean_and_a_file_give_the_same_tree(criterion, tmp_path, monkeypatch):
    monkeypatch.setattr(compact, "REVISED_ROWS", 1000)
    monkeypatch.setattr(learn, "REVISED_ROWS", 1000)
    monkeypatch.setattr(compact, "BLOCK", 700)
    X, y = customers(5000)
    X.loc[::7, "visits"] = np.nan
    X["city"] = X["city"].where(X["age"] < 75)
    fast = CompactTreeClassifier(criterion).fit(X, y)
    assert fast.get_n_leaves() >= 5
    assert written(CompactTreeClassifier(criterion, memory="lean").fit(X, y)) == written(fast)
    X.assign(left=y).to_parquet(tmp_path / "a.parquet", row_group_size=900)
    file = CompactTreeClassifier(criterion).fit_parquet(tmp_path / "a.parquet", "left", progress=False)
    assert written(file) == written(fast)
    folder = tmp_path / "parts"
    folder.mkdir()
    for part in range(5):
        rows = slice(1000 * part, 1000 * part + 1000)
        X[rows].assign(left=y[rows]).to_parquet(folder / f"{part}.parquet")
    parts = CompactTreeClassifier(criterion).fit_parquet(folder, "left", list(X), progress=False)
    assert written(parts) == written(fast)


def test_a_small_file_is_read_whole(tmp_path):
    X, y = customers(800)
    X.assign(left=y).to_parquet(tmp_path / "a.parquet")
    file = CompactTreeClassifier().fit_parquet(tmp_path / "a.parquet", "left", progress=False)
    assert written(file) == written(CompactTreeClassifier().fit(X, y))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(20, 120))
def test_weights_are_repeated_rows_and_the_order_of_rows_does_not_matter(seed, rows):
    random = np.random.default_rng(seed)
    X, y = customers(rows, seed)
    weight = random.integers(0, 4, rows)
    weight[0] = 1
    places = np.repeat(np.arange(rows), weight)
    weighted = CompactTreeClassifier().fit(X, y, weight)
    repeated = CompactTreeClassifier().fit(X.iloc[places].reset_index(drop=True), y[places])
    assert written(weighted) == written(repeated)
    order = random.permutation(rows)
    turned = CompactTreeClassifier().fit(X.iloc[order], y[order], weight[order])
    assert written(turned) == written(weighted)


def test_the_same_call_gives_the_same_bytes():
    X, y = customers()
    assert written(CompactTreeClassifier().fit(X, y)) == written(clone(CompactTreeClassifier()).fit(X, y))


def test_probabilities_draw_on_all_nodes_above():
    X, y = customers(400)
    model = CompactTreeClassifier(shrinkage=10.0).fit(X, y)
    for node in model.tree_.nodes:
        if node.parent:
            expected = (node.counts + 10 * node.parent.probabilities) / (node.weight + 10)
            assert node.probabilities == pytest.approx(expected)
    plain = CompactTreeClassifier(shrinkage=0).fit(X, y)
    for leaf in plain.tree_.leaves:
        assert leaf.probabilities == pytest.approx(leaf.counts / leaf.weight)


def test_counts_are_those_of_the_rows():
    X, y = customers(2000)
    X.loc[::5, "visits"] = np.nan
    model = CompactTreeClassifier().fit(X, y)
    reached = model.apply(X)
    for place, leaf in enumerate(model.tree_.leaves):
        assert leaf.counts.tolist() == [float((y[reached == place] == name).sum()) for name in model.classes_]


def test_costs_move_the_prediction():
    X, y = customers(2000)
    plain = CompactTreeClassifier("accuracy").fit(X, y)
    dear = CompactTreeClassifier("accuracy", costs={"leaves": 9}).fit(X, y)
    p = dear.predict_proba(X)[:, 0]
    assert (dear.predict(X) == np.where(9 * p >= 1 - p, "leaves", "stays")).all()
    assert (dear.predict(X) == "leaves").sum() > (plain.predict(X) == "leaves").sum()
    table = pd.DataFrame([[0, 9], [1, 0]], index=["leaves", "stays"], columns=["leaves", "stays"])
    assert written(CompactTreeClassifier("accuracy", costs=table).fit(X, y)) == written(dear)


def test_limits_are_kept():
    X, y = customers(6000)
    for settings_ in (
        {"max_leaf_nodes": 4},
        {"max_depth": 1},
        {"max_branches": 2},
        {"min_samples_leaf": 400},
    ):
        tree = CompactTreeClassifier(complexity=0, **settings_).fit(X, y).tree_
        assert tree.height > 0
        assert len(tree.leaves) <= settings_.get("max_leaf_nodes", 255)
        assert tree.height <= settings_.get("max_depth", 7)
        assert tree.degree <= 2 * settings_.get("max_branches", 6) - 2 * ("max_branches" in settings_)
        assert min(leaf.weight for leaf in tree.leaves) >= settings_.get("min_samples_leaf", 1)
    assert CompactTreeClassifier(max_depth=0).fit(X, y).tree_.height == 0


def test_more_complexity_gives_smaller_trees():
    X, y = customers(6000)
    leaves = [CompactTreeClassifier(complexity=by).fit(X, y).get_n_leaves() for by in (0, 1, 20, 1000)]
    assert leaves == sorted(leaves, reverse=True)
    assert leaves[0] > leaves[1] > leaves[-1] == 1


def test_accuracy_leaves_no_two_neighbours_of_one_prediction():
    X, y = customers(6000)
    for node in CompactTreeClassifier("accuracy").fit(X, y).tree_.inner_nodes:
        predictions = [child.prediction if child.is_leaf else None for child in node.children]
        pairs = zip(predictions, predictions[1:], strict=False)
        assert all(one is None or one != other for one, other in pairs)


def test_a_node_and_its_children_split_different_columns():
    X, y = customers(6000)
    for node in CompactTreeClassifier(complexity=0.2).fit(X, y).tree_.inner_nodes:
        for child in node.children:
            if child.split and child.split.column == node.split.column:
                assert node.degree + child.degree - 1 > 12


def test_one_class_gives_a_lone_root():
    X, _ = customers(50)
    model = CompactTreeClassifier().fit(X, ["stays"] * 50)
    assert model.tree_.root.is_leaf
    assert model.predict(X).tolist() == ["stays"] * 50
    assert model.predict_proba(X).tolist() == [[1.0]] * 50


def test_constant_columns_and_one_all_missing_are_left_alone():
    X = pd.DataFrame(
        {"one": np.ones(90), "none": np.full(90, np.nan), "word": "a", "gone": None, "x": range(90)}
    )
    y = np.arange(90) > 40
    model = CompactTreeClassifier().fit(X, y)
    assert model.tree_.root.split == Cuts("x", (40.5,), 1)
    assert CompactTreeClassifier().fit(X.drop(columns="x"), y).tree_.root.is_leaf


def test_a_million_names_share_one_bin_and_a_key_is_never_split_on():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 1_000_000)
    X = pd.DataFrame(
        {"key": pd.Series(np.arange(1_000_000)).astype(str), "x": y + random.normal(size=1_000_000)}
    )
    tree = CompactTreeClassifier(max_leaf_nodes=8).fit(X, y).tree_
    assert {node.split.column for node in tree.inner_nodes} == {"x"}
    assert CompactTreeClassifier().fit(X, y).bins_[0].n_bins == 254


def test_unseen_names_and_new_gaps_take_the_way_most_rows_took():
    X, y = customers(3000)
    model = CompactTreeClassifier().fit(X, y)
    asked = X.head(1).assign(city="Kashan")
    assert model.apply(asked)[0] == model.apply(asked.assign(city="Qom"))[0]
    assert model.apply(asked.assign(city=None))[0] == model.apply(asked.assign(city="Qom"))[0]
    # The column of names may become categories, whatever else they hold.
    categories = X.assign(city=pd.Categorical(X["city"], ["Kashan", *sorted(set(X["city"]))]))
    assert (model.predict(categories) == model.predict(X)).all()


def test_missing_values_that_tell_something_have_their_way():
    random = np.random.default_rng(5)
    X = pd.DataFrame({"income": random.normal(50, 10, 2000).round()})
    asked = random.random(2000) < 0.3
    X.loc[asked, "income"] = np.nan
    y = np.where(random.random(2000) < np.where(asked, 0.8, 0.2), "leaves", "stays")
    root = CompactTreeClassifier().fit(X, y).tree_.root
    assert root.split.missing_apart
    assert root.children[-1].weight == asked.sum()


def test_names_in_other_orders_and_arrays_are_understood():
    X, y = customers(2000)
    model = CompactTreeClassifier().fit(X, y)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X[X.columns[::-1]])
    numbers = X[["age", "visits", "noise"]]
    by_place = CompactTreeClassifier().fit(numbers.to_numpy(), y)
    by_name = CompactTreeClassifier().fit(numbers, y)
    assert (by_place.predict(numbers.to_numpy()) == by_name.predict(numbers)).all()
    assert by_place.tree_.columns == ["x0", "x1", "x2"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"age": np.inf}, r"Column age holds infinity \(position 0, 1, 2, 3, 4"),
        ({"since": pd.Timestamp("2026-01-01")}, "Column since holds dates or durations; give numbers"),
    ],
)
def test_what_cannot_be_learned_from_is_named(change, sentence):
    X, y = customers(60)
    with pytest.raises(DataError, match=sentence):
        CompactTreeClassifier().fit(X.assign(**change), y)


def test_what_cannot_be_asked_is_named():
    X, y = customers(300)
    model = CompactTreeClassifier().fit(X, y)
    with pytest.raises(DataError, match="Column visits holds infinity"):
        model.predict(X.assign(visits=-np.inf))


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        ({"criterion": "gini"}, "criterion is 'log_loss' or 'accuracy', not 'gini'"),
        ({"memory": "little"}, "memory is 'fast' or 'lean', not 'little'"),
        ({"max_branches": 1}, "max_branches is a number from 2 to 64, not 1"),
        ({"max_bins": 300}, "max_bins is a number from 2 to 254, not 300"),
        ({"complexity": -1}, "complexity is a number from 0 upwards, not -1"),
        ({"costs": {"lost": 2}}, "Costs name classes that are not there: lost"),
        ({"costs": [[0, 1, 2]]}, "The costs of 2 classes are 2 x 2 numbers"),
        ({"costs": [[0, -1], [1, 0]]}, "A cost is a number from 0 upwards"),
    ],
)
def test_wrong_parameters_are_named(given_, sentence):
    X, y = customers(60)
    with pytest.raises(ParameterError, match=sentence):
        CompactTreeClassifier(**given_).fit(X, y)


def test_wrong_classes_and_weights_are_named():
    X, y = customers(60)
    with pytest.raises(DataError, match="There are 60 rows, but 59 classes"):
        CompactTreeClassifier().fit(X, y[:-1])
    with pytest.raises(DataError, match="some rows have no class; leave them out"):
        CompactTreeClassifier().fit(X, [None, *y[1:]])
    with pytest.raises(DataError, match="A weight is a number from 0 upwards"):
        CompactTreeClassifier().fit(X, y, [-1.0] + [1.0] * 59)
    with pytest.raises(DataError, match="All weights are zero: there is nothing"):
        CompactTreeClassifier().fit(X, y, np.zeros(60))
    with pytest.raises(DataError, match=r"Two columns have one name \(age\)"):
        CompactTreeClassifier().fit(pd.concat([X, X[["age"]]], axis=1), y)


def test_files_that_are_not_there_are_named(tmp_path):
    with pytest.raises(SourceError, match="There is no parquet file at"):
        CompactTreeClassifier().fit_parquet(tmp_path / "none.parquet", "left")
    X, y = customers(60)
    X.assign(left=y).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(SourceError, match="There is no column 'lefft' in .*; did you mean 'left'"):
        CompactTreeClassifier().fit_parquet(tmp_path / "a.parquet", "lefft")
    (tmp_path / "b.parquet").write_text("nothing")
    with pytest.raises(SourceError, match="cannot be read as parquet"):
        CompactTreeClassifier().fit_parquet(tmp_path / "b.parquet", "left")


@pytest.mark.parametrize("rows", [150, 2000])
def test_two_columns_that_tell_something_only_together_are_found(rows):
    random = np.random.default_rng(rows)
    X = pd.DataFrame(random.normal(size=(rows, 6)), columns=list("abcdef"))
    X["member"] = random.random(rows) < 0.5
    y = (X["a"] > 0.2) ^ X["member"] ^ (random.random(rows) < 0.05)
    tree = CompactTreeClassifier().fit(X, y).tree_
    assert {node.split.column for node in tree.inner_nodes if node.level < 3} == {"a", "member"}
    assert (tree.predict(X) == y).mean() > 0.9


def test_numbers_held_as_objects_are_numbers():
    y = [0, 1, 1, 1] * 20
    mixed = CompactTreeClassifier().fit([[1, "a"], [2, "b"], [3, "a"], [10, "b"]] * 20, y)
    assert mixed.tree_.root.split == Cuts("x0", (1.5,), 1)
    X = pd.DataFrame({"paid": [Decimal("1.50"), Decimal("2.25"), None, Decimal("10")] * 20})
    model = CompactTreeClassifier().fit(X, y)
    assert model.tree_.root.split.points == (1.85,) or 1.5 < model.tree_.root.split.points[0] < 2.25
    assert model.predict(X).tolist() == y


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([datetime.date(2026, 1, 1)] * 60, "Column since holds dates or durations"),
        (pd.period_range("2026-01", periods=60, freq="D"), "Column since holds dates or durations"),
        ([[1, 2]] * 60, "Column since holds lists or the like"),
    ],
    ids=["dates", "periods", "lists"],
)
def test_columns_that_are_neither_numbers_nor_names_are_refused(values, sentence):
    X, y = customers(60)
    with pytest.raises(DataError, match=sentence):
        CompactTreeClassifier().fit(X.assign(since=values), y)


def test_a_name_for_the_classes_and_no_rows_are_told():
    X, y = customers(60)
    with pytest.raises(DataError, match=r"give X\['age'\], and leave it out of X"):
        CompactTreeClassifier().fit(X, "age")
    with pytest.raises(DataError, match="There are 0 rows"):
        CompactTreeClassifier().fit(X[:0], y[:0])
    with pytest.raises(DataError, match="The costs are a square table of numbers"):
        CompactTreeClassifier(costs=[["a", 1], [1, 0]]).fit(X, y)
    with pytest.raises(ParameterError, match="random_state is a whole number"):
        CompactTreeClassifier(random_state="a").fit(X, y)


def test_a_tree_asks_for_its_columns_by_name():
    X, y = customers(2000)
    tree = CompactTreeClassifier().fit(X[["age", "visits"]], y).tree_
    with pytest.raises(ParameterError, match="The tree asks for the column"):
        tree.predict(X[["age", "visits"]].set_axis(["Age", "Visits"], axis=1))
    with pytest.raises(DataError, match="was learned as numbers and holds something else"):
        tree.predict(X[["age", "visits"]].astype(str) + " years")


def test_an_index_of_pandas_is_no_feature_of_a_file(tmp_path):
    X, y = customers(900)
    named = X.set_index(pd.Index([f"C{place}" for place in range(900)], name="customer_id"))
    named.assign(left=y).to_parquet(tmp_path / "a.parquet")
    model = CompactTreeClassifier().fit_parquet(tmp_path / "a.parquet", "left", progress=False)
    assert model.tree_.columns == list(X)
    assert written(model) == written(CompactTreeClassifier().fit(X, y))
    X[:0].assign(left=y[:0]).to_parquet(tmp_path / "none.parquet")
    with pytest.raises(SourceError, match="There are no rows in"):
        CompactTreeClassifier().fit_parquet(tmp_path / "none.parquet", "left")
