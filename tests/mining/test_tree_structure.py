"""The terms of the textbooks on a textbook's own table; splits of numbers and of names; what always holds."""

import copy
import io
import json
import math
import pickle
from collections import Counter
from fractions import Fraction
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_trees import random_case, random_rows, random_tree

from crmlab.errors import ParameterError
from crmlab.mining.methods.trees import Cuts, Groups, Node, Tree, entropy, gain, gain_ratio, gini, gini_gain
from crmlab.mining.methods.trees.splits import split_from_dict, values_of

#: Who buys a computer: J. Han and M. Kamber, Data Mining: Concepts and Techniques, the chapter on
#: classification.
BUYS_COMPUTER = pd.read_csv(io.StringIO("""
age,income,student,credit_rating,buys_computer
<=30,high,no,fair,no
<=30,high,no,excellent,no
31..40,high,no,fair,yes
>40,medium,no,fair,yes
>40,low,yes,fair,yes
>40,low,yes,excellent,no
31..40,low,yes,excellent,yes
<=30,medium,no,fair,no
<=30,low,yes,fair,yes
>40,medium,yes,fair,yes
<=30,medium,yes,excellent,yes
31..40,medium,no,excellent,yes
31..40,high,yes,fair,yes
>40,medium,no,excellent,no
"""))  # fmt: skip
X, Y = BUYS_COMPUTER.drop(columns="buys_computer"), BUYS_COMPUTER["buys_computer"].to_numpy()
RANDOM = st.builds(Random, st.integers(0, 2**32))


def counts(rows: pd.Series | np.ndarray) -> list[int]:
    return [int((Y[rows] == one).sum()) for one in ("no", "yes")]


@pytest.fixture
def tree() -> Tree:
    """The tree that the book draws."""
    young, middle, old = (np.flatnonzero(X["age"] == age) for age in ("<=30", "31..40", ">40"))

    def below(rows: np.ndarray, split: Groups) -> Node:
        side = split.branch_of(X[split.column].iloc[rows])
        return Node(counts(rows), split, [Node(counts(rows[side == place])) for place in range(2)])

    students = below(young, Groups("student", (("no",), ("yes",))))
    credit = below(old, Groups("credit_rating", (("excellent",), ("fair",))))
    ages = Groups("age", (("<=30",), ("31..40",), (">40",)))
    root = Node(counts(np.arange(14)), ages, [students, Node(counts(middle)), credit])
    return Tree(root, ["no", "yes"], list(X.columns))


def test_root(tree):
    assert tree.root.is_root
    assert [node.is_root for node in tree.nodes].count(True) == 1
    assert tree.root.parent is None
    assert tree.root.branch is None
    assert tree.root.level == 1
    assert tree.root.siblings == ()
    assert tree.root.path == (tree.root,)
    assert tree.root.weight == 14
    assert tree.root.counts.tolist() == [5, 9]


def test_nodes_leaves_and_inner_nodes(tree):
    assert [node.key for node in tree.nodes] == ["1", "1.1", "1.1.1", "1.1.2", "1.2", "1.3", "1.3.1", "1.3.2"]
    assert [leaf.key for leaf in tree.leaves] == ["1.1.1", "1.1.2", "1.2", "1.3.1", "1.3.2"]
    assert [node.key for node in tree.inner_nodes] == ["1", "1.1", "1.3"]
    assert [leaf.counts.tolist() for leaf in tree.leaves] == [[3, 0], [0, 2], [0, 4], [2, 0], [0, 3]]
    assert [node.is_leaf for node in tree.nodes] == [False, False, True, True, True, False, True, True]
    assert [leaf.key for leaf in tree.node("1.3").leaves] == ["1.3.1", "1.3.2"]
    assert tree.node("1.2").leaves == (tree.node("1.2"),)


def test_levels_begin_with_one(tree):
    assert [node.level for node in tree.nodes] == [1, 2, 3, 3, 2, 2, 3, 3]


def test_degree(tree):
    assert [node.degree for node in tree.nodes] == [3, 2, 0, 0, 0, 2, 0, 0]
    assert tree.root.degree == 3
    assert tree.degree == 3


def test_children_and_siblings(tree):
    assert [child.key for child in tree.root.children] == ["1.1", "1.2", "1.3"]
    assert [node.key for node in tree.node("1.2").siblings] == ["1.1", "1.3"]
    assert [node.key for node in tree.node("1.1.2").siblings] == ["1.1.1"]
    assert all(child.parent is tree.root for child in tree.root.children)
    assert [node.branch for node in tree.root.children] == [0, 1, 2]


def test_height(tree):
    assert tree.height == 2
    assert [node.height for node in tree.nodes] == [2, 1, 0, 0, 0, 1, 0, 0]
    assert Tree(Node([5, 9]), ["no", "yes"], list(X.columns)).height == 0


def test_path(tree):
    assert [node.key for node in tree.node("1.3.2").path] == ["1", "1.3", "1.3.2"]
    assert repr(tree.node("1.3")) == "<Node 1.3: splits credit_rating, 5 rows>"
    assert repr(tree.node("1.2")) == "<Node 1.2: leaf, 4 rows>"


def test_the_tree_tells_all_fourteen_rows(tree):
    assert (tree.predict(X) == Y).all()
    assert tree.predict_proba(X).max(1).tolist() == [1.0] * 14
    assert Counter(tree.apply(X).tolist()) == {0: 3, 1: 2, 2: 4, 3: 2, 4: 3}
    assert tree.predict(X.to_numpy()).tolist() == Y.tolist()


def branches(column: str) -> list[list[int]]:
    return [counts((X[column] == value).to_numpy()) for value in sorted(X[column].unique())]


def bits(numbers: list[int]) -> float:
    """Entropy by its definition: the sum of -p log2 p."""
    return math.fsum(-n / sum(numbers) * math.log2(n / sum(numbers)) for n in numbers if n)


def mixed(numbers: list[int]) -> Fraction:
    """Gini's impurity by its definition, without rounding."""
    return 1 - sum(Fraction(n, sum(numbers)) ** 2 for n in numbers)


def left(parts: list[list[int]], impurity) -> float:
    return float(sum(Fraction(sum(part), 14) * Fraction(impurity(part)) for part in parts))


@pytest.mark.parametrize(
    ("column", "printed"), [("age", 0.246), ("income", 0.029), ("student", 0.151), ("credit_rating", 0.048)]
)
def test_gains_are_those_of_the_book(column, printed):
    """The book takes differences of figures that it rounded before, and so prints .246 for .2467."""
    found = gain(branches(column))
    assert found == pytest.approx(printed, abs=0.001)
    assert found == pytest.approx(bits([5, 9]) - left(branches(column), bits), abs=1e-12)


def test_the_entropy_of_the_table_is_that_of_the_book():
    assert entropy([5, 9]) == pytest.approx(0.940, abs=0.0005)
    assert gain(branches("age")) == max(gain(branches(column)) for column in X.columns)


@pytest.mark.parametrize("column", X.columns)
def test_gain_ratio_and_gini_by_their_definitions(column):
    parts = branches(column)
    sizes = [sum(part) for part in parts]
    assert gain_ratio(parts) == pytest.approx((bits([5, 9]) - left(parts, bits)) / bits(sizes), abs=1e-12)
    assert gini_gain(parts) == pytest.approx(float(mixed([5, 9])) - left(parts, mixed), abs=1e-12)


def test_gain_ratio_of_income_and_gini_of_the_table_are_those_of_the_book():
    """Split information 1.557 and ratio .019 of income, Gini .459 of the table and .443 after income."""
    assert entropy([4, 6, 4]) == pytest.approx(1.557, abs=0.0005)
    assert gain_ratio(branches("income")) == pytest.approx(0.019, abs=0.0005)
    assert gini([5, 9]) == pytest.approx(0.459, abs=0.0005)
    low_or_medium = np.isin(X["income"], ["low", "medium"])
    assert gini([5, 9]) - gini_gain([counts(low_or_medium), counts(~low_or_medium)]) == pytest.approx(
        0.443, abs=0.0005
    )


def test_nodes_tell_the_worth_of_their_split(tree):
    assert tree.root.gain == pytest.approx(gain(branches("age")))
    assert tree.root.gain_ratio == pytest.approx(gain_ratio(branches("age")))
    assert tree.root.gini_gain == pytest.approx(gini_gain(branches("age")))
    assert tree.root.entropy == pytest.approx(entropy([5, 9]))
    assert tree.root.gini == pytest.approx(gini([5, 9]))
    leaf = tree.node("1.2")
    assert [leaf.gain, leaf.gain_ratio, leaf.gini_gain, leaf.entropy, leaf.gini] == [0] * 5


@given(st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=1, max_size=5))
def test_a_split_never_mixes_more(parts):
    together = np.sum(parts, axis=0)
    assert 0 <= gain(parts) <= entropy(together) + 1e-12
    assert 0 <= gini_gain(parts) <= gini(together) + 1e-12
    assert 0 <= gain_ratio(parts) <= 1 + 1e-9
    assert entropy(together) <= math.log2(3) + 1e-12
    assert gain_ratio([together]) == 0
    assert gain([together]) == pytest.approx(0, abs=1e-12)
    assert gini_gain([together]) == pytest.approx(0, abs=1e-12)
    turned = np.array(parts)[::-1, [2, 0, 1]]
    assert gain(turned) == pytest.approx(gain(parts), abs=1e-12)
    assert np.allclose(gain(np.array([parts, turned])), [gain(parts), gain(turned)])


@pytest.mark.parametrize(("missing", "wanted"), [(0, 0), (1, 1), (2, 2), (3, 3)])
def test_a_cut_takes_its_own_value_to_the_left(missing, wanted):
    split = Cuts("x", (-1.0, 2.5), missing)
    values = [-np.inf, -1.0, np.nextafter(-1, 0), 0.0, -0.0, 2.5, np.nextafter(2.5, 3), np.inf, np.nan]
    sides = [0, 0, 1, 1, 1, 1, 2, 2, wanted]
    assert split.branch_of(np.array(values)).tolist() == sides
    assert split.branch_of(pd.Series(values)).tolist() == sides
    assert split.branch_of(pd.Series(values, dtype=object).where(pd.notna(values), None)).tolist() == sides
    assert (split.degree, split.missing_apart) == (3 + (missing == 3), missing == 3)


def test_cuts_of_whole_numbers_missing_ones_and_numbers_of_32_bits():
    assert Cuts("x", (0.0,), 1).branch_of(pd.Series([-1, 0, 1, None], dtype="Int64")).tolist() == [0, 0, 1, 1]
    narrow = pd.Series([0.1], dtype="float32")  # a little more than 0.1
    assert Cuts("x", (0.1,)).branch_of(narrow).tolist() == [1]
    assert Cuts("x", (0.0,)).branch_of(np.array([-0.0])).tolist() == [0]
    assert Cuts("x", (-0.0,)).branch_of(np.array([0.0])).tolist() == [0]
    with pytest.raises(ValueError, match="Column x was learned as numbers"):
        Cuts("x", (0.0,)).branch_of(np.array(["many"], dtype=object))


@pytest.mark.parametrize("missing", [0, 1, 2])
@pytest.mark.parametrize("other", [0, 1])
@pytest.mark.parametrize("kind", [object, "str", "category"])
def test_groups_send_missing_and_unseen_values_where_they_say(missing, other, kind):
    split = Groups("x", (("a", "it's"), ("می‌روم",)), missing, other)
    values = pd.Series(["a", "it's", "می‌روم", "می روم", "A", None, "a"], dtype=kind)
    assert split.branch_of(values).tolist() == [0, 0, 1, other, other, missing, 0]
    assert split.degree == 2 + (missing == 2)
    assert split.branch_of(values[:0]).tolist() == []


def test_groups_of_yes_and_no_and_of_numbers():
    split = Groups("x", ((False,), (True,)), missing=2, other=1)
    assert split.branch_of(pd.Series([True, False])).tolist() == [1, 0]
    assert split.branch_of(pd.Series([True, pd.NA, False], dtype="boolean")).tolist() == [1, 2, 0]
    numbers = Groups("x", ((1, 2.5), (3,)), missing=1, other=0)
    assert numbers.branch_of(pd.Series([1.0, 2.5, 3.0, 4.0, np.nan])).tolist() == [0, 0, 1, 0, 1]
    assert Groups("x", ((),), 1, 0).branch_of(pd.Series(["a", None])).tolist() == [0, 1]


@settings(max_examples=60)
@given(RANDOM)
def test_what_holds_for_every_tree(random):
    rows = random_rows(random, 40)
    y = np.array([random.choice("abc") for _ in range(40)])
    tree = random_tree(random, rows, y)
    assert np.sum([leaf.counts for leaf in tree.leaves], axis=0).tolist() == tree.root.counts.tolist()
    for node in tree.inner_nodes:
        assert np.sum([child.counts for child in node.children], axis=0).tolist() == node.counts.tolist()
        assert node.gain >= 0
        assert node.gini_gain >= 0
        assert node.height == 1 + max(child.height for child in node.children)
        assert node.degree == node.split.degree == len(node.children)
    for node in tree.nodes:
        assert tree.node(node.key) is node
        assert node.level == node.key.count(".") + 1 == len(node.path)
        assert len(node.siblings) == (node.parent.degree - 1 if node.parent else 0)
    assert len(tree.nodes) == 1 + sum(node.degree for node in tree.nodes)
    assert tree.height == max(leaf.level for leaf in tree.leaves) - 1
    reached = np.bincount(tree.apply(rows), minlength=len(tree.leaves))
    assert reached.tolist() == [leaf.weight for leaf in tree.leaves]


@settings(max_examples=60)
@given(RANDOM)
def test_apply_is_following_the_branches_row_by_row(random):
    tree, rows = random_case(random)

    def leaf_of(place: int) -> Node:
        node = tree.root
        while node.split:
            node = node.children[int(node.split.branch_of(rows[node.split.column].iloc[[place]])[0])]
        return node

    followed = [leaf_of(place) for place in range(len(rows))]
    assert [tree.leaves[place] for place in tree.apply(rows)] == followed
    assert tree.predict(rows).tolist() == [tree.classes[leaf.prediction] for leaf in followed]
    assert tree.predict_proba(rows).tolist() == [leaf.probabilities.tolist() for leaf in followed]
    assert tree.predict(rows.iloc[:0]).tolist() == []


@settings(max_examples=60)
@given(RANDOM)
def test_a_tree_written_down_is_the_same_tree(random):
    tree, rows = random_case(random)
    tree.nodes[-1].name = "آخرین"
    wanted = json.dumps(tree.to_dict(), default=float)
    copies = [Tree.from_dict(tree.to_dict()), Tree.from_dict(json.loads(wanted)), copy.deepcopy(tree)]
    for again in [*copies, pickle.loads(pickle.dumps(tree))]:
        assert json.dumps(again.to_dict(), default=float) == wanted
        assert (again.predict_proba(rows) == tree.predict_proba(rows)).all()
        assert [node.key for node in again.nodes] == [node.key for node in tree.nodes]
    for node in tree.inner_nodes:
        again = split_from_dict(json.loads(json.dumps(node.split.to_dict(), default=float)))
        assert again == node.split


def test_leaves_written_once_and_meant_twice_are_two():
    leaf = Node([1, 1]).to_dict()
    plain = Node([2, 2], Cuts("x", (0.0,)), [Node([1, 1]), Node([1, 1])]).to_dict() | {
        "children": [leaf, leaf]
    }
    assert [node.key for node in Node.from_dict(plain).nodes] == ["1", "1.1", "1.2"]


def test_probabilities_prediction_and_a_node_without_rows():
    assert Node([1, 3]).prediction == 1
    assert Node([2, 2]).prediction == 0
    assert Node([0, 0, 0]).probabilities.tolist() == [1 / 3] * 3
    given = Node([1, 3], probabilities=[0.6, 0.4])
    assert (given.prediction, given.probabilities.tolist()) == (0, [0.6, 0.4])
    assert Node([1, 3], prediction=0).prediction == 0


@pytest.mark.parametrize("key", ["2", "1.4", "1.0", "1.-1", "1.2.1", "", "root", "1..1"])
def test_a_node_that_is_not_there_is_told(tree, key):
    with pytest.raises(ParameterError) as told:
        tree.node(key)
    assert str(told.value) == f"There is no node {key!r} in this tree; its root is '1'."


@pytest.mark.parametrize(
    ("split", "children"),
    [(None, 1), (Cuts("x", (1.0,)), 1), (Cuts("x", (1.0,), missing=2), 2), (Groups("x", (("a",),), 1), 1)],
)
def test_children_that_do_not_fit_the_split_are_told(split, children):
    with pytest.raises(ParameterError) as told:
        Node([1, 1], split, [Node([1, 1]) for _ in range(children)])
    assert str(told.value) == "A node has one child for each branch of its split, and a leaf has none."


def test_columns_are_found_by_name_and_in_arrays_by_place():
    frame = pd.DataFrame({"b": [1], "a": [2]})
    assert values_of(frame, ["a", "b"], "a").tolist() == [2]
    assert values_of(frame.to_numpy(), ["b", "a"], "a").tolist() == [2]
    assert values_of(pd.DataFrame([[1, 2]]), ["0", "1"], "1").tolist() == [2]


def test_a_tree_of_two_thousand_levels():
    node, levels = Node([1, 1]), 2000
    for cut in range(levels):
        node = Node(
            [cut + 2, 1], Cuts("x", (float(levels - cut),)), [Node([cut + 1, 0]), node][:: (-1) ** cut]
        )
    tree = Tree(node, ["a", "b"], ["x"])
    assert (tree.height, len(tree.leaves), tree.leaves[-1].level) == (levels, levels + 1, 2)
    again = Tree.from_dict(tree.to_dict())
    rows = pd.DataFrame({"x": np.linspace(-5, levels + 5, 500)})
    for other in (again, pickle.loads(pickle.dumps(tree)), copy.deepcopy(tree)):
        assert other.height == levels
        assert (other.apply(rows) == tree.apply(rows)).all()
    deepest = max(tree.leaves, key=lambda leaf: leaf.level)
    assert deepest.key.count(".") == levels
    assert tree.node(deepest.key) is deepest


def test_what_is_no_tree_and_no_counts_is_told():
    with pytest.raises(ParameterError, match="not a tree as `to_dict` writes it"):
        Tree.from_dict({})
    with pytest.raises(ParameterError, match="a row per branch"):
        gain([1, 2])
    with pytest.raises(ParameterError, match="numbers from 0 upwards"):
        entropy([-1, 2])
