"""Rules of a tree: they say what the tree says, whatever is missing or was never seen."""

import json
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_trees import census_case, random_case, random_rows

from crmlab.errors import ParameterError
from crmlab.mining.methods.trees import (
    CompactTreeClassifier,
    Cuts,
    Groups,
    Node,
    RuleSet,
    Tree,
    simplify,
    tree_rules,
    word_rules,
)
from crmlab.mining.methods.trees.rule_conditions import Interval, Values

#: Seeds and no drawn choices: a tree found wanting is not worth minutes of making it smaller.
RANDOM = st.builds(Random, st.integers(0, 2**32))


def holding(rules: RuleSet, X: pd.DataFrame) -> np.ndarray:
    """Whether each rule holds for each row, asked condition by condition; shape (rules, n)."""
    return np.array([
        np.all([np.ones(len(X), dtype=bool), *(one.holds(X[one.column]) for one in rule.conditions)], axis=0)
        for rule in rules.rules
    ])  # fmt: skip


@settings(max_examples=150)
@given(RANDOM)
def test_one_rule_holds_for_every_row_and_it_is_that_of_its_leaf(random):
    tree, X = random_case(random)
    rules = tree_rules(tree)
    assert (holding(rules, X).sum(0) == 1).all()
    keys = np.array([leaf.key for leaf in tree.leaves])
    assert [rules.rules[place].leaves for place in rules.apply(X)] == [(key,) for key in keys[tree.apply(X)]]
    assert (rules.predict(X) == tree.predict(X)).all()
    assert (rules.predict_proba(X) == tree.predict_proba(X)).all()


@settings(max_examples=150)
@given(RANDOM)
def test_simplified_rules_change_no_class_and_still_one_holds_for_every_row(random):
    tree, X = random_case(random)
    rules, fewer = tree_rules(tree), simplify(tree)
    assert (fewer.predict(X) == tree.predict(X)).all()
    assert (holding(fewer, X).sum(0) == 1).all()
    assert sorted(key for rule in fewer.rules for key in rule.leaves) == sorted(
        r.leaves[0] for r in rules.rules
    )
    assert np.sum([r.counts for r in fewer.rules], axis=0).tolist() == tree.root.counts.tolist()
    assert np.allclose([sum(rule.probabilities) for rule in fewer.rules], 1)
    again = simplify(fewer)
    assert [rule.conditions for rule in again.rules] == [rule.conditions for rule in fewer.rules]


@settings(max_examples=100)
@given(RANDOM)
def test_no_two_simplified_rules_of_a_class_could_be_one(random):
    tree, _ = random_case(random)
    fewer = simplify(tree).rules
    for place, one in enumerate(fewer):
        for other in fewer[:place]:
            mine, theirs = (
                set(one.conditions) - set(other.conditions),
                set(other.conditions) - set(one.conditions),
            )
            if one.prediction == other.prediction and len(mine) == len(theirs) == 1:
                mine, theirs = mine.pop(), theirs.pop()
                alike = (mine.column, type(mine)) == (theirs.column, type(theirs))
                assert not alike or mine.either(theirs) is None


@settings(max_examples=60)
@given(RANDOM)
def test_a_subtree_that_always_says_the_same_is_one_rule(random):
    tree, _ = random_case(random)
    for node in tree.nodes:
        node.prediction = 0
    assert [rule.conditions for rule in simplify(tree).rules] == [()]
    none = [0] * len(tree.classes)
    split = Cuts("number", (0.5,), 2)
    outer = Node(tree.root.counts, split, [tree.root, Node(none, prediction=-1), Node(none, prediction=0)])
    found = simplify(Tree(outer, tree.classes, tree.columns)).rules
    assert [rule.conditions for rule in found] == [
        (Interval("number", None, 0.5, missing=True),), (Interval("number", 0.5),),
    ]  # fmt: skip


@settings(max_examples=100)
@given(RANDOM)
def test_json_gives_the_same_classifier_back(random):
    tree, X = random_case(random)
    for rules in (tree_rules(tree), simplify(tree)):
        text = rules.to_json()
        again = RuleSet.from_json(text)
        assert again.to_json() == text
        assert again.rules == rules.rules
        assert (again.predict(X) == tree.predict(X)).all()
        assert (again.predict_proba(X) == rules.predict_proba(X)).all()
        json.loads(text, parse_constant=pytest.fail)  # no Infinity or NaN, which only Python reads


conditions = st.one_of(
    st.builds(
        lambda a, b, missing: Interval("x", a, b, missing),
        st.sampled_from([None, -np.inf, -1.0, 0.0]), st.sampled_from([None, 1.0, 2.0]), st.booleans(),
    ),
    st.just(Interval("x", missing=True, numbers=False)),
)  # fmt: skip
groups = st.builds(
    lambda values, negated, missing: Values("x", tuple(sorted(values)), negated, missing),
    st.sets(st.sampled_from("abc")), st.booleans(), st.booleans(),
)  # fmt: skip


@given(conditions, conditions)
def test_intervals_meet_and_join_as_sets_do(one, other):
    x = np.array([-np.inf, -2, -1, -0.0, 0.5, 1, 1.5, 2, 3, np.inf, np.nan])
    assert (one.both(other).holds(x) == (one.holds(x) & other.holds(x))).all()
    if (joined := one.either(other)) is not None:
        assert (joined.holds(x) == (one.holds(x) | other.holds(x))).all()
    assert one.both(other).is_empty == (not one.both(other).holds(x).any())


@given(groups, groups)
def test_sets_of_values_meet_and_join_as_sets_do(one, other):
    x = np.array(["a", "b", "c", "never seen", None], dtype=object)
    for found, held in ((one.both(other), one.holds(x) & other.holds(x)),
                        (one.either(other), one.holds(x) | other.holds(x))):  # fmt: skip
        assert (found.holds(x) == held).all()
        assert (found.is_empty, found.is_all) == (not held.any(), held.all())


def test_cuts_on_one_column_become_one_interval_and_what_no_row_reaches_has_no_rule():
    inner = Node([2, 1], Cuts("x", (3.0, 50.0), missing=1), [Node([2, 0]), Node([0, 1]), Node([0, 0])])
    root = Node([2, 3], Cuts("x", (10.0,), missing=0), [inner, Node([0, 2])])
    rules = tree_rules(Tree(root, ["a", "b"], ["x"]))
    assert [(rule.leaves, rule.conditions) for rule in rules.rules] == [
        (("1.1.1",), (Interval("x", None, 3.0),)),
        (("1.1.2",), (Interval("x", 3.0, 10.0, missing=True),)),
        (("1.2",), (Interval("x", 10.0),)),
    ]


def test_groupings_of_one_column_become_one_set():
    inner = Node(
        [2, 2],
        Groups("x", (("a",), ("b", "z")), missing=2, other=0),
        [Node([2, 0]), Node([0, 1]), Node([0, 1])],
    )
    root = Node([3, 2], Groups("x", (("a", "b", "c"), ("d",)), missing=0, other=1), [inner, Node([1, 0])])
    rules = tree_rules(Tree(root, ["a", "b"], ["x"]))
    assert [rule.conditions[0] for rule in rules.rules] == [
        Values("x", ("a", "c")), Values("x", ("b",)), Values("x", missing=True),
        Values("x", ("a", "b", "c"), negated=True),
    ]  # fmt: skip
    assert rules.known == {"x": ("a", "b", "c", "d", "z")}


def test_a_subtree_that_stands_twice_is_said_once():
    """The subtree below both branches of x is the same: x does not matter to it and is dropped."""

    def twice():
        return Node([2, 2], Cuts("y", (2.0,)), [Node([2, 0]), Node([0, 2])])

    tree = Tree(Node([4, 4], Cuts("x", (3.0,)), [twice(), twice()]), ["no", "yes"], ["x", "y"])
    found = simplify(tree)
    assert [(rule.conditions, rule.counts, rule.leaves) for rule in found.rules] == [
        ((Interval("y", None, 2.0, missing=True),), (4.0, 0.0), ("1.1.1", "1.2.1")),
        ((Interval("y", 2.0),), (0.0, 4.0), ("1.1.2", "1.2.2")),
    ]


def test_a_gap_between_intervals_stays():
    leaves = [Node([2, 0]), Node([0, 2]), Node([1, 0]), Node([1, 0])]
    tree = Tree(Node([4, 2], Cuts("x", (1.0, 5.0), missing=3), leaves), ["no", "yes"], ["x"])
    assert [rule.conditions[0] for rule in simplify(tree).rules] == [
        Interval("x", None, 1.0, missing=True), Interval("x", 1.0, 5.0), Interval("x", 5.0),
    ]  # fmt: skip


def test_probabilities_of_joined_rules_are_those_of_their_leaves_by_their_rows():
    leaves = [Node([3, 0], probabilities=[0.9, 0.1]), Node([1, 0], probabilities=[0.5, 0.5])]
    tree = Tree(Node([4, 0], Cuts("x", (1.0,)), leaves), ["no", "yes"], ["x"])
    (rule,) = simplify(tree).rules
    assert rule.probabilities == pytest.approx((0.8, 0.2))
    empty = [Node([0, 0], probabilities=[0.9, 0.1]), Node([0, 0], probabilities=[0.7, 0.3])]
    (rule,) = simplify(Tree(Node([0, 0], Cuts("x", (1.0,)), empty), ["no", "yes"], ["x"])).rules
    assert rule.probabilities == pytest.approx((0.8, 0.2))


STAYS = Tree(
    Node([6, 4], Cuts("visits", (4.0,)), [Node([1, 3]), Node([5, 1])]), ["leaves", "stays"], ["visits"]
)


def test_coverage_confidence_and_lift_are_those_of_the_nodes():
    frame = tree_rules(STAYS).to_frame()
    assert frame["prediction"].tolist() == ["stays", "leaves"]
    assert frame["rows"].tolist() == [4, 6]
    assert frame["share"].tolist() == [0.4, 0.6]
    assert frame["confidence"].tolist() == pytest.approx([3 / 4, 5 / 6])
    assert frame["lift"].tolist() == pytest.approx([3 / 4 / 0.4, 5 / 6 / 0.6])
    assert frame["leaves"].tolist() == ["1.1", "1.2"]


def test_rules_are_counted_anew_on_rows_held_out():
    X, y = pd.DataFrame({"visits": [1, 2, 4, 4.5, None]}), ["stays", "leaves", "stays", "stays", "stays"]
    frame = tree_rules(STAYS, X, y).to_frame()
    assert frame["rows"].tolist() == [4, 1]
    assert frame["confidence"].tolist() == [0.75, 0]
    assert frame["lift"].tolist() == pytest.approx([0.75 / 0.8, 0])
    weighted = tree_rules(STAYS).counted(X, y, [2, 1, 1, 0, 0]).to_frame()
    assert weighted["rows"].tolist() == [4, 0]
    assert weighted["confidence"].tolist()[0] == 0.75
    assert weighted[["confidence", "lift"]].iloc[1].isna().all()
    same = tree_rules(STAYS, X, y)
    assert [rule.probabilities for rule in same.rules] == [
        rule.probabilities for rule in tree_rules(STAYS).rules
    ]


@pytest.mark.parametrize(
    ("X", "y", "said"),
    [
        ([[1.0]], None, "Rules are counted anew on rows and their classes; give both X and y, or neither."),
        ([[1.0], [2.0]], ["stays"], "X has 2 rows and y has 1; give one class for each row."),
        ([[1.0], [2.0], [3.0]], ["stays", "gone", None],
         "The classes are leaves, stays; y holds something else in 2 of its rows, first in row 1 "
         "(the first is row 0). Leave these rows out."),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_told(X, y, said):
    with pytest.raises(ParameterError) as told:
        tree_rules(STAYS, np.array(X), y)
    assert str(told.value) == said


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rules": [{}]}', "no", '{"classes": 1, "rules": [1]}'])
def test_json_that_holds_no_rules_is_told(text):
    with pytest.raises(ParameterError, match="This text holds no rules; give it as"):
        RuleSet.from_json(text)


def test_what_json_does_not_have_is_told():
    root = Node([1, 1], Groups("x", ((1.0,), (np.inf,))), [Node([1, 0]), Node([0, 1])])
    with pytest.raises(
        ParameterError, match="JSON holds texts, finite numbers, true and false; a class or a value"
    ):
        tree_rules(Tree(root, ["a", "b"], ["x"])).to_json()


def test_a_rule_and_a_class_that_are_not_there_are_told():
    rules = tree_rules(STAYS)
    with pytest.raises(ParameterError, match=r"^There is no rule 3; the rules are 1 to 2\.$"):
        rules.rule(3)
    with pytest.raises(
        ParameterError, match=r"^The tree tells no class 'stay'; did you mean 'stays'\? Known: lea"
    ):
        rules.answers("stay")


def test_an_array_without_names_is_read_by_place():
    tree = Tree(Node([1, 1], Cuts("b", (0.5,)), [Node([1, 0]), Node([0, 1])]), [0, 1], ["a", "b"])
    X = np.array([[9, 0], [0, 1], [0, np.nan]])
    assert tree_rules(tree).predict(X).tolist() == tree.predict(X).tolist() == [0, 1, 0]


def test_a_lone_root_is_one_rule_without_conditions():
    tree = Tree(Node([3, 1]), ["no", "yes"], ["x"])
    for rules in (tree_rules(tree), simplify(tree)):
        assert [rule.conditions for rule in rules.rules] == [()]
        assert rules.predict(pd.DataFrame({"x": [1, None]})).tolist() == ["no", "no"]


def test_a_chain_of_four_hundred_levels():
    node = Node([1, 1])
    for cut in range(400):
        node = Node(node.counts + [1, 0], Cuts("x", (400.0 - cut,)), [node, Node([cut % 2, 1 - cut % 2])])
    tree = Tree(node, ["a", "b"], ["x"])
    X = pd.DataFrame({"x": np.linspace(-1, 402, 5001)})
    assert tree.height == 400
    assert (simplify(tree).predict(X) == tree.predict(X)).all()
    assert (RuleSet.from_json(tree_rules(tree).to_json()).predict(X) == tree.predict(X)).all()


def test_nothing_depends_on_the_order_of_the_rows():
    tree, X = random_case(Random(5))
    X = random_rows(Random(6), 200)
    y = tree.predict(X)
    back = np.arange(len(X))[::-1]
    assert tree_rules(tree, X, y).rules == tree_rules(tree, X.iloc[back], y[back]).rules


def test_census_rows_get_the_classes_of_the_tree(public_data):
    tree, X = census_case(public_data)
    rules, fewer = tree_rules(tree), simplify(tree)
    assert (rules.predict_proba(X) == tree.predict_proba(X)).all()
    assert (fewer.predict(X) == tree.predict(X)).all()
    assert len(fewer.rules) < len(rules.rules) > 50


def test_a_classifier_stands_for_its_tree_and_a_language_is_asked_for():
    X = pd.DataFrame({"x": range(60)})
    model = CompactTreeClassifier().fit(X, X["x"] > 30)
    assert tree_rules(model).to_frame().equals(tree_rules(model.tree_).to_frame())
    with pytest.raises(ParameterError, match="Rules are those of a tree"):
        tree_rules("model")
    with pytest.raises(ParameterError, match=r"such as crmlab.locale.language\('fa'\)"):
        word_rules(model, "en")
