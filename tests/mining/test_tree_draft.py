"""A tree drafted by hand: planted truth, exact counts, undoing, replaying, other data, bad input."""

import datetime
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import cross_val_predict, cross_val_score

from crmlab.errors import CrmlabError, ParameterError, SourceError
from crmlab.mining.methods.trees import (
    CompactTreeClassifier,
    Cuts,
    FixedTreeClassifier,
    Groups,
    Tree,
    TreeDraft,
)
from crmlab.mining.methods.trees.draft_log import as_bytes
from crmlab.mining.methods.trees.measures import auc_of_leaves


def rows(n=900, seed=0, noise=0.05):
    """Who leaves: few visits, or a city in the north and a large amount."""
    random = np.random.default_rng(seed)
    X = pd.DataFrame({
        "visits": random.poisson(6, n), "amount": random.exponential(500, n).round(2),
        "city": random.choice(["Hull", "Leeds", "York", "Bath", "Ely"], n), "member": random.random(n) < 0.5,
        "noise": random.normal(size=n),
    })  # fmt: skip
    leaves = (X["visits"] <= 3) | (X["city"].isin(["Hull", "Leeds"]) & (X["amount"] > 400))
    X.loc[random.random(n) < 0.1, "amount"] = np.nan
    X["city"] = X["city"].where(random.random(n) > 0.05)
    return X, np.where(leaves ^ (random.random(n) < noise), "leaves", "stays")


def as_text(draft):
    return json.dumps(draft.tree.to_dict())


@pytest.fixture
def draft():
    return TreeDraft(*rows())


# Splits


@given(st.lists(st.floats(0.001, 3000), min_size=1, max_size=5, unique=True), st.integers(0, 6))
@settings(max_examples=40)
def test_cuts_anywhere_count_exactly(cuts, missing):
    X, y = rows(300)
    draft = TreeDraft(X, y, held_out=0)
    try:
        draft.split("1", "amount", cuts, min(missing, len(cuts) + 1))
    except ParameterError:  # some interval has no row
        parts = np.searchsorted(sorted(cuts), X["amount"].dropna())
        assert len(np.unique(parts)) < len(cuts) + 1
        return
    edges, amount = [-np.inf, *sorted(cuts), np.inf], X["amount"]
    for place, child in enumerate(draft.tree.root.children):
        inside = (
            amount.isna() if place == len(cuts) + 1 else amount.between(*edges[place : place + 2], "right")
        )
        inside |= amount.isna() & (place == min(missing, len(cuts) + 1))
        assert child.counts.tolist() == [(y[inside] == name).sum() for name in ("leaves", "stays")]


def test_a_cut_between_the_bins_of_many_rows_counts_exactly():
    random = np.random.default_rng(1)
    X, y = pd.DataFrame({"x": random.normal(size=60_000)}), random.integers(0, 2, 60_000)
    draft = TreeDraft(X, y, held_out=0)
    draft.split("1", "x", [0.123456789, 0.12356])
    assert [child.weight for child in draft.tree.root.children] == [
        *pd.cut(X["x"], [-np.inf, 0.123456789, 0.12356, np.inf]).value_counts(sort=False)
    ]  # fmt: skip


def test_what_is_not_said_of_missing_and_other_values_is_as_documented(draft):
    draft.split("1", "amount", [400])
    assert draft.tree.root.split == Cuts("amount", (400.0,), 2)
    draft.split("1", "visits", [3])
    assert draft.tree.root.split.missing == 1  # none is missing, and most rows have more visits
    draft.group("1", "city", [["Hull", "Leeds"]])
    assert draft.tree.root.split == Groups("city", (("Hull", "Leeds"), ("Bath", "Ely", "York")), 2, 1)
    draft.group("1", "city", [["Hull"], ["Leeds"]], missing=0, other=1)
    assert draft.tree.root.split == Groups("city", (("Hull",), ("Leeds",)), 0, 1)
    draft.group("1", "member", [[True]])
    assert draft.tree.root.split.groups == ((True,), (False,))
    draft.split("1", "amount", [], missing=1)  # missing against all others
    assert [child.weight for child in draft.tree.root.children] == [
        *pd.Series(draft.data.columns["amount"].values[draft.data.training]).isna().value_counts()
    ]  # fmt: skip


def test_suggestions_find_what_was_planted(draft):
    best = draft.suggest("1")
    assert [one.split.column for one in best[:3]] == ["visits", "city", "amount"]
    assert best[0].split.points[0] == 3.5
    assert best == sorted(best, key=lambda one: -one.worth)
    draft.apply("1", best[0].split)
    city = draft.suggest("1.2", "city")[0].split
    assert {"Hull", "Leeds"} in map(set, city.groups)
    assert draft.tree.root.gain == pytest.approx(best[0].gain)


def test_looking_ahead_sees_what_no_single_column_shows():
    random = np.random.default_rng(3)
    X = pd.DataFrame(random.random((2000, 4)), columns=list("abcd"))
    draft = TreeDraft(X, ((X["b"] > 0.5) ^ (X["d"] > 0.5)).astype(int))
    assert draft.suggest("1")[0].saving < 50
    first, second, *others = draft.look_ahead("1")
    assert {first.split.column, second.split.column} == {"b", "d"}
    assert first.worth > 5 * max(one.worth for one in others)
    assert first.split.points[0] == pytest.approx(0.5, abs=0.05)


def test_growing_leaves_alone_what_a_person_made(draft):
    draft.split("1", "visits", [3.5, 8])
    draft.leaf("1.1")
    assert draft.grow("1") > 0
    tree = draft.tree
    assert tree.root.split.points == (3.5, 8.0)
    assert tree.node("1.1").is_leaf
    assert not tree.node("1.2").is_leaf
    assert draft.measures["held_out_accuracy"] > 0.9
    assert draft.grow("1.1") == 0
    draft.prune("1.2")
    assert draft.tree.node("1.2").is_leaf
    with pytest.raises(ParameterError, match=r"Node 1\.1 is marked as a leaf"):
        draft.suggest("1.1")
    draft.leaf("1.1", closed=False)
    assert draft.suggest("1.1")


# Measures and the classifier


def test_measures_are_those_of_scikit_learn(draft):
    draft.grow("1")
    X, y = rows()
    estimator, found = draft.estimator_, draft.measures
    for before, rows_ in (("", draft.data.training), ("held_out_", draft.data.held_out)):
        here, there = X.iloc[rows_], y[rows_]
        assert found[f"{before}accuracy"] == pytest.approx(accuracy_score(there, estimator.predict(here)))
        score = estimator.predict_proba(here)[:, 1]
        assert found[f"{before}auc"] == pytest.approx(roc_auc_score(there, score))
    assert (found["leaves"], found["height"]) == (len(draft.tree.leaves), draft.tree.height)
    assert np.isnan(found["cost"])


@given(st.integers(0, 10_000))
@settings(max_examples=30)
def test_auc_of_leaves_is_that_of_their_rows(seed):
    random = np.random.default_rng(seed)
    classes = int(random.integers(2, 5))
    counts = random.integers(0, 6, (6, classes))
    probabilities = random.choice([0.1, 0.2, 0.5], (6, classes))
    leaf, target = np.repeat(np.arange(6), classes), np.tile(np.arange(classes), 6)
    leaf, target = np.repeat(leaf, counts.ravel()), np.repeat(target, counts.ravel())
    if len(np.unique(target)) < 2:
        assert np.isnan(auc_of_leaves(probabilities, counts))
        return
    shown = [1] if classes == 2 else [place for place in range(classes) if (target == place).sum() > 0]
    expected = [roc_auc_score(target == place, probabilities[leaf, place]) for place in shown]
    assert auc_of_leaves(probabilities, counts) == pytest.approx(np.mean(expected))


def test_costs_decide_what_is_predicted():
    X, y = rows()
    costs = [[0, 10], [1, 0]]  # one that leaves and is not seen costs ten
    draft = TreeDraft(X, y, costs=costs)
    draft.split("1", "visits", [3])
    assert [leaf.prediction for leaf in draft.tree.leaves] == [0, 0]
    here, there = X.iloc[draft.data.held_out], y[draft.data.held_out]
    said = draft.estimator_.predict(here)
    paid = np.array(costs)[(there == "stays").astype(int), (said == "stays").astype(int)]
    assert draft.measures["held_out_cost"] == pytest.approx(paid.mean())


def test_the_classifier_is_one_of_scikit_learn(draft):
    draft.split("1", "visits", [3.5])
    draft.group("1.2", "city", [["Hull", "Leeds"]])
    X, y = rows()
    estimator = draft.estimator_
    assert estimator.classes_.tolist() == ["leaves", "stays"]
    assert estimator.n_features_in_ == 5
    assert estimator.feature_names_in_.tolist() == list(X.columns)
    assert json.dumps(clone(estimator).tree.to_dict()) == as_text(draft)
    assert clone(estimator).get_params()["tree"] is estimator.tree
    assert cross_val_score(estimator, X, y, cv=4).mean() > 0.8
    assert cross_val_predict(estimator, X, y, cv=4, method="predict_proba").shape == (len(X), 2)
    again = pickle.loads(pickle.dumps(estimator))
    assert (again.predict(X) == estimator.predict(X)).all()
    here = draft.data.training
    counted = clone(estimator).fit(X.iloc[here], y[here])
    assert json.dumps(counted.tree_.to_dict()) == as_text(draft)
    with pytest.raises(ParameterError, match="X lacks columns that the tree splits: city"):
        estimator.predict(X.drop(columns="city"))
    with pytest.raises(ParameterError, match="each row has one class"):
        estimator.fit(X, y[:-1])


def test_a_fit_on_weighted_rows_counts_weights(draft):
    draft.split("1", "visits", [3.5])
    X, y = rows(200, seed=5)
    twice = FixedTreeClassifier(draft.tree).fit(pd.concat([X, X]), np.append(y, y))
    weighted = FixedTreeClassifier(draft.tree).fit(X, y, sample_weight=np.full(len(X), 2.0))
    assert twice.tree_.to_dict() == weighted.tree_.to_dict()


def test_probabilities_are_blended_as_those_of_the_learner(draft):
    draft.grow("1")
    X, y = rows()
    here = draft.data.training
    for shrinkage in (0, 0.5, 3, 40):
        learned = CompactTreeClassifier(shrinkage=shrinkage).fit(X.iloc[here], y[here])
        fixed = FixedTreeClassifier(learned.tree_, shrinkage).fit(X.iloc[here], y[here])
        assert fixed.predict_proba(X) == pytest.approx(learned.predict_proba(X))
        assert (fixed.predict(X) == learned.predict(X)).all()


# Undoing, logging, replaying

KINDS = ["split", "group", "suggest", "grow", "prune", "leaf", "name", "undo", "redo"]
ACTS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 99)), min_size=1, max_size=9)


def do(draft, act, number):
    """An act on some node; False if it could not be done."""
    keys = [key for key, _ in draft.nodes()]
    key = keys[number % len(keys)]
    try:
        match act:
            case "split":
                cuts = [3, 5.5] if number % 3 else [number / 10 + 1]
                draft.split(key, ["visits", "amount"][number % 2], cuts)
            case "group":
                draft.group(key, "city", [["Hull"], ["Leeds", "York"]] if number % 2 else [["Bath"]])
            case "suggest":
                draft.apply(key, draft.suggest(key)[0].split)
            case "grow":
                draft.grow(key, 2)
            case "name":
                draft.name(key, f"نام {number}")
            case "undo" | "redo":
                getattr(draft, act)()
            case _:
                getattr(draft, act)(key)
    except (CrmlabError, IndexError):
        return False
    return True


@given(ACTS)
@settings(max_examples=40)
def test_undoing_and_redoing_all_goes_back_and_forth_and_the_log_replays(acts):
    X, y = rows(250)
    draft = TreeDraft(X, y)
    start = as_text(draft)
    for act, number in acts:
        before = as_text(draft)
        if not do(draft, act, number):
            assert as_text(draft) == before  # what cannot be done changes nothing
    end = as_text(draft)
    order = np.random.default_rng(0).permutation(len(X))
    for again in (TreeDraft.replay(draft.log, X, y), TreeDraft.replay(draft.log, X.iloc[order], y[order])):
        assert as_text(again) == end
        assert again.measures == pytest.approx(draft.measures, nan_ok=True)
        assert as_bytes(again.log) == as_bytes(draft.log)
    while draft.can_undo:
        draft.undo()
    assert as_text(draft) == start
    while draft.can_redo:
        draft.redo()
    # All that was undone before the end is redone too; taking that back again gives the end.
    while as_text(draft) != end:
        draft.undo()


def test_a_log_is_kept_in_a_file_byte_for_byte_and_holds_no_row(draft, tmp_path):
    draft.split("1", "visits", [3.5])
    draft.grow("1", 2)
    draft.undo()
    path = draft.save(tmp_path / "log.json")
    again = TreeDraft.replay(path, *rows())
    assert again.save(tmp_path / "again.json").read_bytes() == path.read_bytes()
    again.redo()
    assert not again.tree.node("1.2").is_leaf
    text = path.read_text()
    assert len(text) < 4000
    assert not any(f"{amount}" in text for amount in rows()[0]["amount"].dropna().head(50))


def test_replaying_needs_no_learner(draft, monkeypatch):
    from crmlab.mining.methods.trees import draft_search

    draft.grow("1")
    monkeypatch.setattr(draft_search.DraftSearch, "grown", None)
    monkeypatch.setattr(draft_search.DraftSearch, "suggestions", None)
    assert as_text(TreeDraft.replay(draft.log, *rows())) == as_text(draft)


def test_given_held_out_rows_measure_and_are_asked_for_again():
    X, y = rows()
    other = rows(200, seed=9)
    draft = TreeDraft(X, y, held_out=other)
    draft.split("1", "visits", [3.5])
    assert draft.tree.root.weight == len(X)
    expected = accuracy_score(other[1], draft.estimator_.predict(other[0]))
    assert draft.measures["held_out_accuracy"] == pytest.approx(expected)
    with pytest.raises(ParameterError, match="held-out rows of their own"):
        TreeDraft.replay(draft.log, X, y)
    assert as_text(TreeDraft.replay(draft.log, X, y, other)) == as_text(draft)


def test_the_share_held_out_is_that_of_each_class(draft):
    y = rows()[1]
    for name in ("leaves", "stays"):
        assert (y[draft.data.held_out] == name).sum() == round(0.3 * (y == name).sum())
    assert set(TreeDraft(*rows(), seed=1).data.held_out) != set(draft.data.held_out)


CHANGED = {
    "these lack the column noise": lambda X, y: (X.drop(columns="noise"), y),
    "these have besides the columns more, other": lambda X, y: (X.assign(more=1, other=2), y),
    "these have the same columns in another order": lambda X, y: (X[X.columns[::-1]], y),
    "it was made for 900 rows, and these are 899": lambda X, y: (X.iloc[1:], y[1:]),
    "in the column visits the values are not the same": lambda X, y: (X.assign(visits=X["visits"] + 1), y),
    "in the column visits the kind is not the same": lambda X, y: (X.assign(visits=X["visits"].map(str)), y),
    "its classes are leaves, stays, and here they are 0, 1": lambda X, y: (X, (y == "stays").astype(int)),
    "the same values, but they belong to other rows": lambda X, y: (X, np.roll(y, 1)),
}


@pytest.mark.parametrize("said", CHANGED)
def test_a_log_made_for_other_data_says_what_differs(draft, said):
    draft.split("1", "visits", [3])
    with pytest.raises(ParameterError, match="The log was made for other data: ") as raised:
        TreeDraft.replay(draft.log, *CHANGED[said](*rows()))
    assert said in str(raised.value)


def test_the_same_data_in_other_types_are_the_same(draft):
    X, y = rows()
    other = X.assign(visits=X["visits"].astype(float), city=X["city"].astype("category"))
    draft.group("1", "city", [["Hull"]])
    assert as_text(TreeDraft.replay(draft.log, other, list(y))) == as_text(draft)


BAD_LOGS = {
    "is no log of a tree draft": lambda log: {"format": "other"},
    "of version 9, and this crmlab reads version 1": lambda log: {**log, "version": 9},
    "it lacks acts": lambda log: {name: log[name] for name in log if name != "acts"},
    "Act 1 of the log is none of a draft": lambda log: {**log, "acts": [{"act": "fly", "node": "1"}]},
    "Act 1 of the log, name, has no proper name": lambda log: {
        **log, "acts": [{"act": "name", "node": "1", "name": 3}]},
    "Act 1 of the log cannot be done: There is no node '1.7'": lambda log: {
        **log, "acts": [{"act": "prune", "node": "1.7"}]},
    "Act 2 of the log cannot be done: There is nothing to redo": lambda log: {
        **log, "acts": [*log["acts"], {"act": "redo"}]},
}  # fmt: skip


@pytest.mark.parametrize("said", BAD_LOGS)
def test_bad_logs_are_refused_in_a_sentence(draft, said, tmp_path):
    draft.split("1", "visits", [3])
    path = tmp_path / "log.json"
    path.write_text(json.dumps(BAD_LOGS[said](draft.log)))
    with pytest.raises(ParameterError) as raised:
        TreeDraft.replay(path, *rows())
    assert said in str(raised.value)


def test_a_log_that_is_not_there_or_not_json(tmp_path):
    with pytest.raises(SourceError, match="cannot be read"):
        TreeDraft.replay(tmp_path / "none.json", *rows())
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ParameterError, match=r"bad\.json is no log of a tree draft: it is not JSON"):
        TreeDraft.replay(tmp_path / "bad.json", *rows())
    with pytest.raises(SourceError, match="cannot be written"):
        TreeDraft(*rows()).save(tmp_path / "bad.json" / "log.json")


# Bad input

BAD_ACTS = {
    "There is no node '2'": lambda d: d.split("2", "visits", [3]),
    "There is no node '1.1'": lambda d: d.prune("1.1"),
    "There is nothing below node 1.": lambda d: d.prune("1"),
    "There is no column 'visit'; did you mean 'visits'?": lambda d: d.split("1", "visit", [3]),
    "The column city holds names": lambda d: d.split("1", "city", [3]),
    "The column visits holds numbers": lambda d: d.group("1", "visits", [[3]]),
    "A cut of visits is no number: nan": lambda d: d.split("1", "visits", [np.nan]),
    "A cut of visits is no number: 'a few'": lambda d: d.split("1", "visits", "a few"),
    "not each above the one before: 3.0, 3.0": lambda d: d.split("1", "visits", [3, 3]),
    "no training row takes branch 2 of 2": lambda d: d.split("1", "visits", [10_000]),
    "city has no value 'Hul'; did you mean 'Hull'?": lambda d: d.group("1", "city", [["Hul"]]),
    "Values of city stand in two groups: Hull": lambda d: d.group("1", "city", [["Hull"], ["Hull"]]),
    "A group of city is empty": lambda d: d.group("1", "city", [["Hull"], []]),
    "Other values have a branch from 0 to 1, not 5": lambda d: d.group("1", "city", [["Hull"], ["Ely"]],
                                                                      other=5),
    "Missing values have a branch from 0 to 2, not 3": lambda d: d.split("1", "visits", [3], missing=3),
    "A split of visits needs a cut or a second group": lambda d: d.split("1", "visits", []),
    "There is nothing to undo": lambda d: d.undo(),
    "There is nothing to redo": lambda d: d.redo(),
}  # fmt: skip


@pytest.mark.parametrize("said", BAD_ACTS)
def test_acts_that_cannot_be_done_say_so_and_change_nothing(draft, said):
    before, log = as_text(draft), draft.log
    with pytest.raises(ParameterError) as raised:
        BAD_ACTS[said](draft)
    assert said in str(raised.value)
    assert (as_text(draft), draft.log) == (before, log)


BAD_DATA = {
    "All rows are of class a": lambda X, y: (X, ["a"] * len(y)),
    "some rows have no class": lambda X, y: (X, [*y[:4], None, *y[5:]]),
    "900 are needed, 3 given": lambda X, y: (X, y[:3]),
    "Column amount holds infinity (position 7": lambda X, y: (
        X.assign(amount=X["amount"].where(X.index != 7, np.inf)), y),
    "Column day holds dates": lambda X, y: (X.assign(day=pd.Timestamp("2024-01-01")), y),
    "Column day holds dates or durations": lambda X, y: (X.assign(day=datetime.date(2024, 1, 1)), y),
    "Two columns have one name (visits)": lambda X, y: (pd.concat([X, X[["visits"]]], axis=1), y),
    "The classes in y are of several kinds": lambda X, y: (X, pd.Series([1, *y[1:]])),
    "There are 0 feature(s)": lambda X, y: (X[[]], y),
    "not in the order of X": lambda X, y: (X, pd.Series(y)[::-1]),
}  # fmt: skip


@pytest.mark.parametrize("said", BAD_DATA)
def test_data_that_cannot_be_used_are_refused_in_a_sentence(said):
    with pytest.raises(ParameterError) as raised:
        TreeDraft(*BAD_DATA[said](*rows()))
    assert said in str(raised.value)


def test_settings_that_make_no_sense():
    for given_, said in (({"held_out": 1}, "held_out is a share"),
                         ({"shrinkage": -1}, "shrinkage is a number"),
                         ({"costs": [[0, 1]]}, "are 2 x 2 numbers")):  # fmt: skip
        with pytest.raises(ParameterError, match=said):
            TreeDraft(*rows(), **given_)
    X, y = rows()
    with pytest.raises(ParameterError, match="held-out data lack the column city"):
        TreeDraft(X, y, held_out=(X.drop(columns="city"), y))
    with pytest.raises(ParameterError, match="classes that the others lack: new"):
        TreeDraft(X, y, held_out=(X, ["new"] * len(y)))


def test_columns_that_are_constant_or_empty_part_nothing():
    X = pd.DataFrame({"one": 1, "none": np.nan, "same": "a", "nothing": [None] * 40})
    draft = TreeDraft(X, [0, 1] * 20)
    assert (draft.suggest("1"), draft.look_ahead("1"), draft.grow("1")) == ([], [], 0)
    assert draft.measures["leaves"] == 1


def test_many_values_and_values_never_seen():
    n = 20_000
    X = pd.DataFrame({"code": [f"c{place}" for place in range(n)], "x": np.arange(n) % 7})
    draft = TreeDraft(X, (np.arange(n) % 7 > 3).astype(int))
    assert draft.suggest("1")[0].split.column == "x"
    draft.grow("1")
    strange = pd.DataFrame({"code": ["new", None], "x": [6, 0]})
    assert draft.estimator_.predict(strange).tolist() == [1, 0]


def test_a_suggestion_may_part_the_rare_values_from_the_common_ones():
    common = [f"common {place}" for place in range(253)] * 12
    rare = [f"rare {place}" for place in range(600)]
    X = pd.DataFrame({"code": [*common, *rare]})
    draft = TreeDraft(X, [0] * len(common) + [1] * len(rare), held_out=0)
    draft.apply("1", draft.suggest("1")[0].split)
    assert draft.measures["accuracy"] == 1
    assert draft.tree.root.split.groups[draft.tree.root.split.other] == ()
    assert TreeDraft.replay(draft.log, X, [0] * len(common) + [1] * len(rare)).measures["accuracy"] == 1


def test_arrays_without_names_do_as_well():
    random = np.random.default_rng(0)
    X = random.random((200, 3))
    draft = TreeDraft(X, (X[:, 1] > 0.5).astype(int))
    draft.apply("1", draft.suggest("1")[0].split)
    assert draft.tree.columns == ["x0", "x1", "x2"]
    assert not hasattr(draft.estimator_, "feature_names_in_")
    assert draft.estimator_.score(X, X[:, 1] > 0.5) > 0.98
    assert isinstance(draft.tree, Tree)


def test_a_suggestion_is_made_as_it_is_and_folders_are_made(tmp_path):
    X = pd.DataFrame({"x": range(60)})
    draft = TreeDraft(X, X["x"] > 30, held_out=0)
    draft.apply("1", draft.suggest("1")[0])
    assert draft.tree.root.split.column == "x"
    assert draft.save(tmp_path / "trees" / "mine.json").exists()
