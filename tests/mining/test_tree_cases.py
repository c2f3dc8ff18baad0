"""What a tree is good for on cases it has not learnt from, and how the cases are made ready."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from crmlab.errors import ParameterError
from crmlab.locale import language
from crmlab.mining.customers import churn_cases
from crmlab.mining.methods.intervals import wilson
from crmlab.mining.methods.trees import (
    Cases,
    CompactTreeClassifier,
    Cuts,
    Groups,
    Node,
    Tree,
    judge_tree,
    tree_rules,
    word_conditions,
)


def made(seed: int, n: int = 600) -> Cases:
    """Cases whose event depends on visits and, beyond ten of them, on the city."""
    random = np.random.default_rng(seed)
    parts = []
    for _ in range(2):
        visits, city = random.integers(0, 20, n).astype(float), random.choice(list("abc"), n)
        X = pd.DataFrame({"visits": visits, "city": city, "noise": random.random(n)})
        chance = np.where(X["visits"] > 10, np.where(X["city"] == "a", 0.9, 0.5), 0.1)
        parts += [X, pd.Series(np.where(random.random(n) < chance, "yes", "no"))]
    return Cases(*parts, parts[2].head(50), "yes")


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_are_those_of_scikit_learn_and_of_counting(seed):
    cases = made(seed)
    model = CompactTreeClassifier(min_samples_leaf=20).fit(cases.X, cases.y)
    found = judge_tree(model.tree_, cases)
    p = model.predict_proba(cases.X_held_out)[:, 1]
    z = (cases.y_held_out == "yes").to_numpy(int)
    assert found.auc.value == pytest.approx(roc_auc_score(z, p))
    assert found.log_loss == pytest.approx(log_loss(z, p))
    assert found.base_log_loss == pytest.approx(log_loss(z, np.full(len(z), cases.rate)))
    assert found.saved > 0.1
    leaf, rules = model.apply(cases.X_held_out), found.rules
    for place, row in enumerate(rules.itertuples()):
        mine = z[leaf == place]
        assert (row.held_out, row.held_out_rate) == (len(mine), pytest.approx(mine.mean()))
        assert (row.low, row.high) == pytest.approx(tuple(map(float, wilson(mine.sum(), len(mine)))))
        assert row.held_out_lift == pytest.approx(mine.mean() / z.mean())
    assert rules["learnt"].sum() == len(cases.y)
    assert (rules["learnt"] * rules["rate"]).sum() == pytest.approx((cases.y == "yes").sum())
    assert found.scores["probability"].to_numpy() == pytest.approx(p[:50])
    assert found.scores["lift"].equals(rules["lift"].loc[found.scores["rule"]].set_axis(found.scores.index))


def test_the_area_under_the_gains_is_that_of_the_auc():
    cases = made(5)
    found = judge_tree(CompactTreeClassifier().fit(cases.X, cases.y).tree_, cases)
    alift = np.trapezoid(found.gains["captured"], found.gains["share"])
    rate = cases.held_out_rate
    assert alift == pytest.approx((1 - rate) * found.auc.value + rate / 2)
    assert found.gains["n"].sum() == len(cases.y_held_out)


def test_what_is_asked_matters_and_nothing_else_is_named():
    cases = made(7)
    found = judge_tree(CompactTreeClassifier().fit(cases.X, cases.y).tree_, cases)
    assert found.importance.index.tolist() == ["visits", "city"]
    assert (found.importance["low"] > 0).all()


def test_a_lone_root_tells_nothing_and_says_so():
    cases = made(1)
    found = judge_tree(Tree(Node([400, 200]), ["no", "yes"], list(cases.X)), cases, replicates=3)
    assert found.auc.value == 0.5
    assert np.isnan(found.auc.low)
    assert found.importance.empty
    assert len(found.rules) == 1
    assert found.gains[["share", "captured"]].values.tolist() == [[0, 0], [1, 1]]


def test_a_leaf_without_cases_has_no_rate():
    cases = made(2)
    tree = Tree(
        Node([9, 9], Cuts("visits", (99.0,)), [Node([9, 5]), Node([0, 4])]), ["no", "yes"], list(cases.X)
    )
    found = judge_tree(tree, cases, replicates=0).rules
    assert found.loc[2, ["learnt", "held_out", "candidates"]].tolist() == [0, 0, 0]
    assert found.loc[2, ["rate", "lift", "held_out_rate", "low", "held_out_lift"]].isna().all()


def test_a_tree_of_another_question_is_refused():
    with pytest.raises(
        ParameterError, match="The tree tells a, b; of these none is 'yes', which the cases ask for"
    ):
        judge_tree(Tree(Node([1, 1]), ["a", "b"], ["visits"]), made(1))


def test_cases_need_an_event_and_no_candidates():
    cases = made(1)
    tree = CompactTreeClassifier().fit(cases.X, cases.y).tree_
    parts = (cases.X, cases.y, cases.X_held_out, cases.y_held_out)
    found = judge_tree(tree, Cases(*parts, event="yes"), replicates=2)
    assert found.scores.empty
    assert found.rules["candidates"].sum() == 0
    assert found.auc == judge_tree(tree, cases, replicates=2).auc
    with pytest.raises(ParameterError, match=r"give Cases\(\.\.\., event=\.\.\.\), one of no, yes\."):
        judge_tree(tree, Cases(*parts), replicates=2)


@pytest.mark.parametrize("horizon", [-5, 0, "90", 90.0])
def test_a_horizon_that_is_none_is_refused(horizon):
    orders = pd.DataFrame({"order_id": ["1"], "customer_id": ["a"], "amount": [5],
                           "time": pd.to_datetime(["2024-01-05"])})  # fmt: skip
    with pytest.raises(ParameterError, match="horizon is a number of days, 1 or more"):
        churn_cases(orders, horizon=horizon)


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["1", "2", "-3.5", "10", "07", "x", None]), min_size=1, max_size=12))
def test_texts_are_numbers_only_if_all_are(texts):
    X = pd.DataFrame({"code": pd.Series(texts, dtype="str")})
    found = Cases(X, pd.Series(["a"] * len(X)), X, candidates=X).with_numbers().X["code"]
    plain = {text for text in texts if text}
    assert (found.dtype == "float64") == (len(plain) > 2 and not plain & {"07", "x"})
    assert found.isna().equals(X["code"].isna())


def test_conditions_are_told_with_the_numbers_and_values_of_a_report():
    inner = Node([3, 2], Groups("plan", (("basic",), ("pro",))), [Node([3, 0]), Node([0, 2])])
    tree = Tree(Node([5, 2], Cuts("spent", (1250.0,)), [Node([2, 0]), inner]), ["a", "b"], ["spent", "plan"])
    said = word_conditions(
        tree, language("en"), {"spent": "money spent"}, {"spent": lambda cents: f"{cents / 100} €"}, str.upper
    )
    more = "money spent is above 12.5 € and plan is"
    assert said.tolist() == ["money spent is at most 12.5 €", f"{more} BASIC", f"{more} PRO"]
    assert said.index.equals(tree_rules(tree).to_frame().index)
