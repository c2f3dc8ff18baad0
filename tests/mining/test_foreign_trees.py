"""Trees of scikit-learn as trees of ours: the same classes and probabilities for every row."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

from crmlab.errors import ParameterError
from crmlab.mining.methods.trees import Cuts, Node, Tree, tree_of
from crmlab.mining.methods.trees.foreign import largest_up_to


def beside_the_cuts(fitted, columns: int) -> np.ndarray:
    """Rows with each threshold, its neighbours in both precisions, and the points half-way between these."""
    cuts = fitted.tree_.threshold[fitted.tree_.children_left >= 0]
    near = cuts[np.isfinite(cuts)]
    single = near.astype(np.float32)
    steps = [np.nextafter(single, np.float32(side)) for side in (-np.inf, np.inf)]
    halves = [(single.astype(float) + step) / 2 for step in steps]
    values = [near, single, *steps, *halves]
    values += [np.nextafter(value, side) for value in (near, *halves) for side in (-np.inf, np.inf)]
    values = np.unique(np.concatenate([np.asarray(value, float) for value in values])) if len(near) else near
    return np.repeat(values[:, None], columns, axis=1)


def same_answers(fitted, X, classes=None):
    """A tree of ours answers for `X` as the fitted one does."""
    tree = tree_of(fitted, classes=classes)
    np.testing.assert_allclose(tree.predict_proba(X), fitted.predict_proba(X), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(tree.predict(X), fitted.predict(X))
    return tree


@given_settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 60), columns=st.integers(1, 4),
    classes=st.integers(1, 4), extra=st.booleans(), missing=st.sampled_from([0, 0.3]),
    leaves=st.sampled_from([None, 2, 5]), scale=st.sampled_from([1e-30, 0.1, 1, 1e6, 1e30]),
    whole=st.booleans(),
)  # fmt: skip
def test_a_tree_of_scikit_learn_keeps_its_answers(
    seed, rows, columns, classes, extra, missing, leaves, scale, whole
):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns)) * 3
    X = (np.round(X) if whole else X) * scale
    y = rng.integers(classes, size=rows)
    # Missing values that tell the class, so that some trees ask for nothing else.
    X[(rng.random(X.shape) < missing) & (y == 0)[:, None]] = np.nan
    kind = ExtraTreeClassifier if extra else DecisionTreeClassifier
    fitted = kind(max_leaf_nodes=leaves, random_state=0).fit(X, y, sample_weight=rng.integers(1, 5, rows))
    asked = [X, beside_the_cuts(fitted, columns), rng.normal(size=(50, columns)) * scale]
    asked = np.concatenate([*asked, np.full((1, columns), np.nan)])
    asked[rng.random(asked.shape) < 0.1] = np.nan
    tree = same_answers(fitted, asked)
    assert len(tree.leaves) == fitted.get_n_leaves()
    assert tree.height == fitted.get_depth()


def test_a_cut_stands_where_rounding_to_single_precision_puts_it():
    """0.1 is no single: 0.1 itself is rounded up, beyond a threshold of 0.1."""
    cut = largest_up_to(np.array([0.1]))[0]
    assert cut < 0.1
    X = np.array([[0.1], [np.float32(0.1)], [cut], [np.nextafter(cut, 1)], [0.05], [0.2]])
    fitted = DecisionTreeClassifier(random_state=0).fit([[0.0], [0.2]], [0, 1])
    assert fitted.tree_.threshold[0] != 0.1
    plain = Tree(
        Node([1, 1], Cuts("x0", (fitted.tree_.threshold[0],)), [Node([1, 0]), Node([0, 1])]), [0, 1], ["x0"]
    )
    between = np.vstack([X, beside_the_cuts(fitted, 1)])
    same_answers(fitted, between)
    # Without the move the answers differ, so the rows above do test it.
    assert (plain.predict(between) != fitted.predict(between)).any()


@given(st.floats(width=64, allow_nan=False, min_value=-1e38, max_value=1e38))
def test_the_moved_cut_is_the_largest_that_rounds_to_no_more(threshold):
    cut = largest_up_to(np.array([threshold]))[0]
    assert float(np.float32(cut)) <= threshold < float(np.float32(np.nextafter(cut, np.inf)))


def test_missing_values_alone_are_a_branch_of_their_own():
    X = np.arange(40.0).reshape(-1, 1)
    y = (X[:, 0] >= 30).astype(int)
    X[30:] = np.nan
    tree = same_answers(DecisionTreeClassifier().fit(X, y), X)
    assert tree.root.split == Cuts("x0", (), 1)
    assert tree.root.split.missing_apart
    assert [leaf.counts.tolist() for leaf in tree.leaves] == [[30, 0], [0, 10]]


def test_counts_are_weights_of_rows_and_names_are_those_of_the_frame():
    frame = pd.DataFrame({"visits": [1, 2, 8, 9, 9], "spend": [5, 5, 5, 5, 5]})
    weights = [1, 2, 3, 4, 5]
    fitted = DecisionTreeClassifier().fit(frame, ["stays", "stays", "leaves", "leaves", "stays"], weights)
    tree = same_answers(fitted, frame)
    assert tree.columns == ["visits", "spend"]
    assert list(tree.classes) == ["leaves", "stays"]
    np.testing.assert_allclose(tree.root.counts, [7, 8])
    assert tree.root.weight == pytest.approx(15)
    same_answers(fitted, frame.iloc[:, ::-1][["visits", "spend"]])
    assert (
        Tree.from_dict(json.loads(json.dumps(tree.to_dict()))).predict(frame).tolist()
        == tree.predict(frame).tolist()
    )


def test_a_real_table_of_forty_thousand_rows(public_data):
    bank = pd.read_csv(public_data / "bank_marketing" / "bank-additional-full.csv.gz", sep=";")
    X, y = pd.get_dummies(bank.drop(columns=["y", "duration"])), bank["y"]
    X.loc[::7, ["age", "euribor3m"]] = np.nan
    fitted = DecisionTreeClassifier(max_depth=8, random_state=0, class_weight="balanced").fit(X[::2], y[::2])
    tree = same_answers(fitted, X)
    assert len(tree.leaves) > 100


@pytest.mark.parametrize("forest", [RandomForestClassifier, ExtraTreesClassifier])
def test_a_tree_of_a_forest_is_given_its_names(forest):
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(200, 3)), columns=["a", "b", "c"])
    y = np.where(X["a"] + X["b"] > 0, "yes", "no")
    fitted = forest(n_estimators=2, random_state=0).fit(X, y)
    one = fitted.estimators_[1]
    tree = tree_of(one, fitted.feature_names_in_, fitted.classes_)
    assert set(tree.predict(X)) == {"yes", "no"}
    assert tree.columns == ["a", "b", "c"]
    np.testing.assert_allclose(tree.predict_proba(X), one.predict_proba(X.to_numpy()), rtol=0, atol=1e-12)
    with pytest.raises(ParameterError, match="holds 2 trees; give one of them"):
        tree_of(fitted)


def test_a_pipeline_gives_its_tree_on_the_columns_that_reach_it():
    rng = np.random.default_rng(2)
    X = pd.DataFrame(rng.normal(size=(100, 2)), columns=["age", "visits"])
    y = np.where(X["age"] > 0, "yes", "no")
    for before in (StandardScaler(), ColumnTransformer([("keep", "passthrough", ["visits", "age"])],
                                                      verbose_feature_names_out=False)):  # fmt: skip
        pipeline = make_pipeline(before, DecisionTreeClassifier(random_state=0)).fit(X, y)
        tree = tree_of(pipeline)
        assert sorted(tree.columns) == ["age", "visits"]
        assert tree.root.split.column == "age"
        np.testing.assert_array_equal(tree.predict(before.transform(X)), pipeline.predict(X))
    nameless = make_pipeline(FunctionTransformer(np.asarray), DecisionTreeClassifier()).fit(X, y)
    with pytest.raises(ParameterError, match="do not say what their columns are called; give the names"):
        tree_of(nameless)
    assert tree_of(nameless, columns=["age", "visits"]).columns == ["age", "visits"]
    alone = Pipeline([("tree", DecisionTreeClassifier())]).fit(X, y)
    assert tree_of(alone).columns == ["age", "visits"]


def test_a_tree_of_ours_comes_back_as_it_is():
    tree = Tree(Node([1, 2]), ["no", "yes"], ["a"])

    class Ours:
        tree_ = tree

    assert tree_of(tree) is tree
    assert tree_of(Ours()) is tree
    assert tree_of(Pipeline([("scale", StandardScaler()), ("ours", Ours())])) is tree
    with pytest.raises(ParameterError, match="leave `columns` and `classes` out"):
        tree_of(tree, classes=["a", "b"])


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        (DecisionTreeClassifier(), "This DecisionTreeClassifier is not fitted yet; call its fit first"),
        (DecisionTreeRegressor().fit([[1], [2]], [1.5, 2.5]), "This DecisionTreeRegressor predicts numbers"),
        (DecisionTreeClassifier().fit([[1], [2]], [[0, 1], [1, 0]]), "has 2 targets"),
        (LogisticRegression(), "a fitted decision tree classifier, of scikit-learn or of ours, got Logistic"),
        (None, "got NoneType"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "got LogisticRegression"),
        (make_pipeline(StandardScaler(), DecisionTreeClassifier()), "not fitted yet"),
    ],
)  # fmt: skip
def test_what_is_no_classification_tree_is_refused(estimator, said):
    with pytest.raises(ParameterError, match=said):
        tree_of(estimator)


def test_names_must_be_as_many_as_the_tree_has_and_differ():
    fitted = DecisionTreeClassifier().fit([[1, 1], [2, 2]], [0, 1])
    assert tree_of(fitted).columns == ["x0", "x1"]
    for names, said in (
        ({"columns": ["a"]}, "fitted with 2 columns, and 1 names"),
        ({"columns": ["a", "a"]}, "Two columns .* a"),
        ({"classes": ["a"]}, "fitted with 2 classes, and 1 names"), ({"classes": ["a", "a"]}, "Two classes"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=said):
            tree_of(fitted, **names)
