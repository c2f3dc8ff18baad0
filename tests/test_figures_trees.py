"""Figures of trees: every leaf named, nothing on top of another, mirrored in Persian, the same bytes."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import PathPatch, Rectangle
from sklearn.tree import DecisionTreeClassifier

from crmlab import figures
from crmlab.errors import ParameterError
from crmlab.figures.tree_words import cut_texts
from crmlab.locale import language
from crmlab.mining.methods.trees import Cuts, Groups, Node, Tree, tree_of

BUYS = Tree(
    Node([5, 9], Cuts("age", (30, 40)), [
        Node([3, 2], Groups("student", (("no",), ("yes",))), [Node([3, 0]), Node([0, 2])]),
        Node([0, 4]),
        Node([2, 3], Groups("credit", (("excellent",), ("fair",))), [Node([2, 0]), Node([0, 3])]),
    ]),
    ["no", "yes"], ["age", "income", "student", "credit"],
)  # fmt: skip
LONE = Tree(Node([3, 2]), ["a", "b"], ["x"])
TOWNS = ["Isfahan", "a town with a name that is much longer than those of the others", "Tehran", "$5 and $6",
         "Shiraz", "Tabriz", "Rey"]  # fmt: skip


def grown(seed: int, classes: int = 2, degree: int = 5, depth: int = 3, most: int = 50) -> Tree:
    """A tree grown at random, multiway, with long names of columns and values."""
    rng = np.random.default_rng(seed)
    columns = ["tenure", "monthly charges of the last twelve months", "town", "contract_type"]
    left = [most - 1]

    def node(counts: np.ndarray, below: int) -> Node:
        kinds = int(rng.integers(2, degree + 1))
        if not below or counts.sum() < 20 or left[0] < kinds:
            return Node(counts)
        left[0] -= kinds - 1
        shares = rng.dirichlet(np.ones(kinds), size=len(counts)).T
        parts = np.floor(shares * counts)
        parts[-1] = counts - parts[:-1].sum(0)
        name = columns[rng.integers(len(columns))]
        if name in columns[:2]:
            apart = kinds > 2 and rng.random() < 0.5
            points = np.sort(rng.random(kinds - 1 - apart) * 10.0 ** rng.integers(-3, 7))
            split = Cuts(name, tuple(points.tolist()), kinds - 1 if apart else 0)
        else:
            towns = np.array_split(rng.permutation(TOWNS), kinds)
            split = Groups(name, tuple(tuple(map(str, some)) for some in towns))
        return Node(counts, split, [node(part, below - 1) for part in parts])

    counts = np.round(rng.dirichlet(np.ones(classes)) * 5000)
    return Tree(node(counts, depth), [f"class {place}" for place in range(classes)], columns)


def drawn(tree, code="en", **options):
    """The figure, its texts and their boxes after it has been drawn as PNG."""
    figure = figures.tree(tree, title="Who buys", source="Shop", code=code, **options)
    figures.to_png(figure)
    written = [text for text in (*figure.axes[0].texts, *figure.texts) if text.get_text()]
    return figure, [(text.get_text().replace("\u200f", ""), text.get_window_extent()) for text in written]


def words(tree, code="en", **options):
    return [text for text, _ in drawn(tree, code, **options)[1]]


def test_each_leaf_has_its_condition_rows_and_prediction():
    texts = words(BUYS)
    for said in ("30 to 40", "excellent", "fair", "no", "yes", "up to 30", "over 40", "all"):
        assert said in texts
    for asked in ("age", "student", "credit"):
        assert texts.count(asked) == 1
    predicted = [text for text in texts if text.endswith("100%")]
    assert predicted == ["no 100%", "yes 100%", "yes 100%", "no 100%", "yes 100%"]
    assert [text for text in texts if text.isdigit()] == ["3", "2", "4", "2", "3"]
    assert [text for text in texts if "·" in text] == [
        "14 · yes 64%", "5 · no 60%", "5 · yes 60%", "Source: Shop · n = 14",
    ]  # fmt: skip


@pytest.mark.parametrize("code", ["en", "fa"])
@pytest.mark.parametrize(
    ("tree", "options"),
    [
        (BUYS, {}), (BUYS, {"event": "yes", "unit": "share who buy"}), (LONE, {}), (grown(1), {}),
        (grown(2, classes=3), {}), (grown(3, classes=10, degree=3), {}), (grown(4, classes=13), {}),
        (grown(5, degree=8, depth=2), {"event": "class 1"}), (grown(8, depth=4), {"depth": 1}),
        (grown(6, degree=2, depth=8, most=40), {"depth": 8}),
        (grown(7, degree=2, depth=8, most=200), {"event": "class 0"}),
    ],
)  # fmt: skip
def test_no_text_stands_on_another_or_beside_the_picture(tree, options, code):
    figure, texts = drawn(tree, code, **options)
    width, height = figure.bbox.size
    boxes = np.array([box.extents for _, box in texts])
    assert (boxes[:, :2] >= -1.5).all()
    assert (boxes[:, 2:] <= [width + 1.5, height + 1.5]).all()
    # A box has room for letters that reach higher and lower than most do.
    room = (boxes[:, 3] - boxes[:, 1]) / 8
    boxes[:, 1] += room
    boxes[:, 3] -= room
    bars = [
        patch.get_window_extent().extents for patch in figure.axes[0].patches if isinstance(patch, Rectangle)
    ]
    taken = np.vstack([boxes, [bar for bar in bars if bar[2] - bar[0] > 1]])
    across = (boxes[:, None, 0] < taken[None, :, 2]) & (boxes[:, None, 2] > taken[None, :, 0])
    upright = (boxes[:, None, 1] < taken[None, :, 3]) & (boxes[:, None, 3] > taken[None, :, 1])
    met = np.argwhere(across & upright)
    assert [(texts[one][0], int(other)) for one, other in met if one != other] == []


def test_there_is_a_row_for_each_leaf_and_one_bar_for_each_class_in_it():
    tree = grown(1)
    figure, texts = drawn(tree)
    rows = {round(box.y0 + box.y1) for text, box in texts if text.endswith("%") and "·" not in text}
    assert len(rows) == len(tree.leaves) > 40
    thick = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)
             and patch.get_height() == pytest.approx(0.15)]  # fmt: skip
    present = sum(int((leaf.counts > 0).sum()) for leaf in tree.leaves)
    assert len(thick) == len(tree.leaves) + present
    long = max(patch.get_width() for patch in thick)
    shares = [patch.get_width() / long for patch in thick if patch.get_width() < long]
    expected = [share for leaf in tree.leaves for share in leaf.counts / (leaf.weight or 1) if 0 < share < 1]
    np.testing.assert_allclose(shares, expected)


def test_in_persian_the_root_is_on_the_right_and_the_rows_are_the_same():
    places = {}
    for code in ("en", "fa"):
        figure, texts = drawn(BUYS, code)
        boxes = {text: box for text, box in texts if text in ("age", "student", "excellent")}
        assert len(boxes) == 3
        places[code] = [boxes[name] for name in ("age", "student", "excellent")]
        assert figure.axes[0].xaxis_inverted() == (code == "fa")
    assert [place.x0 for place in places["en"]] == sorted(place.x0 for place in places["en"])
    assert [place.x1 for place in places["fa"]] == sorted((place.x1 for place in places["fa"]), reverse=True)
    english, persian = places["en"][0], places["fa"][0]
    assert english.x0 == pytest.approx(figure.bbox.width - persian.x1, abs=3)
    assert english.y0 == pytest.approx(persian.y0, abs=3)


def test_persian_digits_and_signs():
    texts = words(BUYS, "fa")
    assert any("۳۰" in text and "۴۰" in text for text in texts)
    assert not [text for text in texts if any(digit in text for digit in "0123456789%")]


def test_the_same_tree_gives_the_same_bytes_in_both_forms():
    trees = [Tree.from_dict(grown(2, classes=6, depth=2).to_dict()) for _ in range(2)]
    png = [figures.to_png(figures.tree(tree, title="Who")) for tree in trees]
    svg = [figures.to_svg(figures.tree(tree, title="Who")) for tree in trees]
    assert png[0] == png[1]
    assert svg[0] == svg[1]


def test_the_svg_says_what_it_shows():
    figure = figures.tree(BUYS, title='Who <buys> & "why"', source="Shop")
    root = ElementTree.fromstring(figures.to_svg(figure))
    name = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    assert root.find(f"{name}title").text == 'Who <buys> & "why"'
    assert root.find(f"{name}desc").text.splitlines() == [
        'Who <buys> & "why"',
        "all: 14 · yes 64%",
        "  age: up to 30: 5 · no 60%",
        "    student: no: 3 · no 100%",
        "    student: yes: 2 · yes 100%",
        "  age: 30 to 40: 4 · yes 100%",
        "  age: over 40: 5 · yes 60%",
        "    credit: excellent: 2 · no 100%",
        "    credit: fair: 3 · yes 100%",
    ]
    assert not list(root.iter(f"{name}text"))
    plain = figures.to_svg(figures.bars(pd.DataFrame({"a": ["x"], "n": [1]}), "a", {"n": "n"}, title="Bars"))
    assert [part.text for part in ElementTree.fromstring(plain) if part.tag == f"{name}title"] == ["Bars"]
    with pytest.raises(ParameterError, match="Expected a matplotlib figure, got Tree"):
        figures.to_svg(BUYS)


def test_a_deep_tree_is_cut_and_says_how_many_leaves_are_below():
    tree = grown(7, degree=2, depth=8, most=200)
    figure, texts = drawn(tree, depth=2)
    counts = [len(node.leaves) for node in tree.nodes if node.level == 3]
    assert sum(counts) == len(tree.leaves) > 100
    heads = {text: box for text, box in texts if text in ("leaves", "n")}
    below = [text for text, box in texts if abs(box.x1 - heads["leaves"].x1) < 2 and text != "leaves"]
    assert below == [str(count) for count in counts]
    assert f"{counts[0]} leaves below" in figure.get_label()
    assert "leaves" not in words(BUYS)
    # Of its own accord no figure has more than 60 rows or five steps.
    for steps in (tree, grown(1, degree=8, depth=6, most=300)):
        alone, _ = drawn(steps)
        assert alone.get_size_inches()[1] < 21
    ways = [patch for patch in figure.axes[0].patches if isinstance(patch, PathPatch)]
    assert len(ways) == 2 + 4


def test_an_event_has_its_share_and_lift_and_is_dark_above_average():
    _, texts = drawn(BUYS, event="yes")
    said = [text for text, _ in texts]
    assert "yes: above average" in said
    assert "average: 64.3%" in said
    assert [text for text in said if text in ("1.56", "0.00")] == ["0.00", "1.56", "1.56", "0.00", "1.56"]
    assert "5 · 40.0%" in said
    figure, _ = drawn(BUYS, event="yes")
    shades = {patch.get_facecolor()[:3] for patch in figure.axes[0].patches if isinstance(patch, Rectangle)}
    assert len(shades) == 3
    with pytest.raises(ParameterError, match="no class 'maybe'. Known: no, yes"):
        figures.tree(BUYS, title="x", event="maybe")


def test_beside_the_share_there_is_no_blended_probability():
    root = Node([6, 4], Cuts("age", (30,)), [Node([5, 1], probabilities=[0.7, 0.3]), Node([1, 3])])
    texts = words(Tree(root, ["no", "yes"], ["age"]), event="yes")
    assert [text for text in texts if text in ("no", "yes")] == ["no", "yes"]
    assert "16.7%" in texts
    assert not [text for text in texts if "70%" in text]


def test_a_percentage_does_not_run_into_its_class():
    root = Node([6, 4], Cuts("age", (30,)), [Node([6, 0]), Node([0, 4])])
    texts = words(Tree(root, [5, 6], ["age"]))
    assert {"10 · 5: 60%", "5: 100%", "6: 100%"} <= {*texts}
    # A mark that turns before the number keeps the sign with it after a Latin name.
    figure, _ = drawn(Tree(root, ["No", "Yes"], ["age"]), "fa")
    written = [text.get_text() for text in figure.axes[0].texts]
    assert sum(text.endswith("Yes \u200f۱۰۰\u200f٪") for text in written) == 1


def test_classes_differ_in_lightness_and_hatching():
    for count in (2, 3, 6, 10):
        figure, _ = drawn(grown(1, classes=count, depth=1))
        parts = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
        # The first ones are the legend's.
        keys = [(*patch.get_facecolor()[:3], patch.get_hatch()) for patch in parts[:count]]
        assert len(set(keys)) == count
        grey = [0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 for red, green, blue, _ in keys]
        assert grey == sorted(grey, reverse=True)
        if count > 4:
            assert [bool(hatch) for *_, hatch in keys] == [place % 2 == 1 for place in range(count)]


def test_rare_classes_are_drawn_together():
    tree = grown(4, classes=13)
    texts = words(tree)
    assert "other classes" in texts
    named = [text for text in texts if text in tree.classes]
    assert named == [name for place, name in enumerate(tree.classes)
                     if place in np.argsort(-tree.root.counts, kind="stable")[:9]]  # fmt: skip


def test_long_lists_and_names_are_cut_and_say_how_much_is_left_out():
    towns = tuple(f"town {place}" for place in range(400))
    split = Groups("the town where the customer lives most of the year", (towns, ("Rey",), ()), 3)
    tree = Tree(Node([8, 8], split, [Node([2, 2]) for _ in range(4)]), ["a", "b"], [split.column])
    texts = words(tree)
    (some,) = [text for text in texts if text.startswith("town 0")]
    listed = some.split(" and ")[0].split(", ")
    assert some == f"{', '.join(towns[: len(listed)])} and {400 - len(listed)} more"
    assert {"Rey", "other values", "missing"} <= {*texts}
    (asked,) = [text for text in texts if text.startswith("the town where")]
    assert asked.endswith("…")
    assert "the town where the customer lives most of the year" not in texts
    # Dollar signs are no formulas.
    split = Groups("income", (("$5", "$6"), ("x",)))
    assert "$5, $6" in words(Tree(Node([2, 2], split, [Node([1, 1]), Node([1, 1])]), ["a", "b"], ["income"]))


def test_persian_names_in_english_text_turn_nothing_round_them():
    split = Groups("شهر", (("تهران", "ری"), ("اصفهان",)))
    tree = Tree(Node([2, 2], split, [Node([2, 0]), Node([0, 2])]), ["می‌ماند", "می‌رود"], ["شهر"])
    texts = words(tree)
    mark = "\u200e"
    assert f"{mark}تهران{mark}, {mark}ری{mark}" in texts
    assert f"{mark}می‌ماند{mark} 100%" in texts
    assert "تهران، ری" in words(tree, "fa")


def test_a_person_s_name_for_a_node_stands_with_its_condition():
    root = Node([2, 2], Cuts("age", (30.5,)), [Node([1, 1], name="Young"), Node([1, 1])])
    assert "Young (up to 30.5)" in words(Tree(root, ["a", "b"], ["age"]))


def test_columns_cuts_and_values_are_written_as_told():
    members = Node([1, 1], Groups("member", ((False,), (True,))), [Node([1, 0]), Node([0, 1])])
    root = Node([2, 2], Cuts("spend", (123456.0,)), [members, Node([1, 1])])
    tree = Tree(root, [0, 1], ["spend", "member"])
    texts = words(tree, names={"spend": "Spent"}, show={"spend": lambda cents: f"{cents / 100:,.2f} EUR"},
                  say=str.upper)  # fmt: skip
    assert {"Spent", "MEMBER", "up to 1,234.56 EUR", "over 1,234.56 EUR", "yes", "no", "0: 100%"} <= {*texts}


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ((30, 40.5), ["30", "40.5"]), ((2019.5,), ["2,019.5"]), ((2019.50006,), ["2,019.5"]),
        ((1234567.5,), ["1,234,567"]), ((0.1,), ["0.1"]), ((0.09999999, 5087.650002), ["0.1", "5,087"]),
        ((0.37482918,), ["0.3748"]), ((0.37482918, 0.374839), ["0.37483", "0.37484"]),
        ((-46.65,), ["−46.65"]), ((0,), ["0"]), ((np.inf,), ["∞"]),
        ((-0.5, 1e-9, 1e20), ["−0.5", "1e-09", "1e+20"]),
        ((1.0, float(np.nextafter(1, 2))), ["1", "1.0000000000000002"]),
    ],
)  # fmt: skip
def test_cuts_are_short_and_told_apart(points, told):
    assert cut_texts(points, language("en")) == told


def test_a_tree_of_scikit_learn_is_drawn_after_it_is_made_ours():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(500, 3)), columns=["a", "b", "c"])
    fitted = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, X["a"] + X["b"] > 0)
    texts = words(tree_of(fitted))
    assert len([text for text in texts if text.startswith(("up to", "over"))]) == 14
    assert {"yes", "no"} <= {*texts}
    with pytest.raises(ParameterError, match=r"got DecisionTreeClassifier; .*trees\.tree_of\(classifier\)"):
        figures.tree(fitted, title="x")
    with pytest.raises(ParameterError, match="Expected a decision tree of crmlab, got DataFrame"):
        figures.tree(X, title="x")


def test_weights_that_are_not_whole_have_a_decimal_and_no_n():
    tree = Tree(Node([1.5, 2.25], Cuts("a", (1,)), [Node([1.5, 0]), Node([0, 2.25])]), ["a", "b"], ["a"])
    texts = words(tree)
    assert {"1.5", "2.2"} <= {*texts}
    assert "Source: Shop" in texts
    assert "Source: Shop · n = 7" in words(tree, n=7)


@pytest.mark.parametrize("depth", [-1, 1.5, True, "2"])
def test_a_depth_that_is_none_is_refused(depth):
    with pytest.raises(ParameterError, match="depth is a number of steps from the root, 0 or more"):
        figures.tree(BUYS, title="x", depth=depth)


def test_what_no_picture_can_hold_is_refused():
    wide = Node([500, 500], Cuts("a", tuple(range(499))), [Node([1, 1])] * 500)
    with pytest.raises(ParameterError, match="Within 1 step of its root this tree has 500 rows"):
        figures.tree(Tree(wide, ["a", "b"], ["a"]), title="x")


def test_the_table_has_each_node_in_full():
    points = Cuts("age", (30.000000119, 40.0), 1)
    groups = Groups("town", (("Rey", "Tehran"), ("Isfahan",)), 2, 1)
    last = Node([4, 4], groups, [Node([4, 0]), Node([0, 3]), Node([0, 1])])
    root = Node([6, 4], points, [Node([2, 0]), Node([0, 0]), last])
    tree = Tree(root, ["stays", "leaves"], ["age", "town"])
    table = figures.tree_table(tree, event="leaves")
    assert table["node"].tolist() == ["1", "1.1", "1.2", "1.3", "1.3.1", "1.3.2", "1.3.3"]
    assert table["condition"].tolist() == [
        "all", "up to 30.000000119", "over 30.000000119 up to 40.0 or missing", "over 40.0", "Rey, Tehran",
        "Isfahan or any other value", "missing",
    ]  # fmt: skip
    assert table["column"].tolist() == ["", "age", "age", "age", "town", "town", "town"]
    assert table["n"].tolist() == [10, 2, 0, 8, 4, 3, 1]
    assert table["n"].dtype == "int64"
    assert table["leaves"].tolist() == [5, 1, 1, 3, 1, 1, 1]
    assert table["prediction"].tolist() == ["stays", "stays", "stays", "stays", "stays", "leaves", "leaves"]
    np.testing.assert_allclose(table["lift"], [1, 0, np.nan, 1.25, 0, 2.5, 2.5])
    np.testing.assert_allclose(table["share of stays"] + table["rate"], [1, 1, np.nan, 1, 1, 1, 1])
    assert "rate" not in figures.tree_table(tree)
    # A node without rows can be drawn.
    assert figures.to_png(figures.tree(tree, title="x", event="leaves"))
    assert figures.to_png(figures.tree(tree, title="x"))
