"""Rules as SQL, as Python, as an engine's expression and in words: all of them say what the tree says."""

import sqlite3
from random import Random

import duckdb
import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from random_trees import census_case, random_case

from crmlab.errors import ParameterError, TableError
from crmlab.locale import language
from crmlab.mining.methods import trees
from crmlab.mining.methods.trees import Cuts, Groups, Node, Tree, simplify
from crmlab.mining.methods.trees.rule_engine import score_expression, score_table
from crmlab.mining.methods.trees.rule_pandas import pandas_expression, pandas_mask
from crmlab.mining.methods.trees.rule_sql import DIALECTS, sql_case, sql_condition
from crmlab.mining.methods.trees.rule_words import word_rules

#: Seeds and no drawn choices: a tree found wanting is not worth minutes of making it smaller.
RANDOM = st.builds(Random, st.integers(0, 2**32))


def as_arrow(X: pd.DataFrame) -> pa.Table:
    """The rows for an engine: of the missing numbers every other one as NaN, the others as NULL."""

    def column(values: pd.Series) -> pa.Array:
        if values.dtype.kind != "f":
            return pa.array(
                [None if value is pd.NA else value for value in values.astype(object)], from_pandas=True
            )
        null = values.isna().to_numpy() & (np.arange(len(values)) % 2 == 0)
        return pa.array(values.to_numpy(), mask=null, from_pandas=False)

    return pa.table({name: column(X[name]) for name in X.columns}).append_column(
        "row", pa.array(range(len(X)))
    )


@pytest.fixture(scope="module")
def engine() -> ibis.BaseBackend:
    return ibis.duckdb.connect(threads=1)


def by_sql(X: pd.DataFrame, expression: str) -> list:
    rows = as_arrow(X)  # noqa: F841, DuckDB finds it by its name
    with duckdb.connect() as connection:
        found = connection.sql(f"SELECT {expression} AS answer FROM rows ORDER BY row")
        return [answer for (answer,) in found.fetchall()]


@settings(max_examples=60)
@given(RANDOM)
def test_sql_gives_the_classes_and_scores_of_the_tree(random):
    tree, X = random_case(random)
    assert by_sql(X, sql_case(tree)) == tree.predict(X).tolist()
    assert by_sql(X, sql_case(simplify(tree))) == tree.predict(X).tolist()
    some = random.randrange(len(tree.classes))
    assert (
        by_sql(X, sql_case(tree, probability_of=tree.classes[some]))
        == tree.predict_proba(X)[:, some].tolist()
    )


@settings(max_examples=25)
@given(RANDOM)
def test_a_condition_of_sql_and_a_mask_of_pandas_hold_for_the_rows_of_their_rule(random):
    tree, X = random_case(random)
    rules = simplify(tree)
    for number in range(1, len(rules.rules) + 1):
        mine = rules.apply(X) == number - 1
        held = by_sql(X, sql_condition(rules, number))
        assert [bool(one) for one in held] == mine.tolist()
        assert np.array_equal(eval(pandas_mask(rules, number), {"np": np, "frame": X}), mine)


@settings(max_examples=60)
@given(RANDOM)
def test_python_gives_the_classes_and_scores_of_the_tree(random):
    tree, X = random_case(random)
    X.index = X.index[::-1] // 2  # an index that repeats itself and matters to nobody
    for rules in (tree, simplify(tree)):
        found = eval(pandas_expression(rules, frame="customers"), {"np": np, "customers": X})
        assert found.dtype == tree.classes.dtype
        assert found.tolist() == tree.predict(X).tolist()
    score = eval(pandas_expression(tree, probability_of=tree.classes[0]), {"np": np, "frame": X})
    assert score.tolist() == tree.predict_proba(X)[:, 0].tolist()


@settings(max_examples=25)
@given(RANDOM)
def test_an_engine_gives_the_classes_and_scores_of_the_tree(engine, random):
    tree, X = random_case(random)
    table = ibis.memtable(as_arrow(X))
    scored = score_table(simplify(tree), table)
    scored = score_table(tree, scored, name="score", probability_of=tree.classes[-1])
    assert isinstance(scored, ibis.Table)
    found = engine.to_pyarrow(scored.order_by("row"))
    assert found["prediction"].to_pylist() == tree.predict(X).tolist()
    assert found["score"].to_pylist() == tree.predict_proba(X)[:, -1].tolist()


def test_all_ways_agree_on_census_rows(engine, public_data):
    tree, X = census_case(public_data)
    classes, scores = tree.predict(X).tolist(), tree.predict_proba(X)[:, 1].tolist()
    assert by_sql(X, sql_case(simplify(tree))) == classes
    assert by_sql(X, sql_case(tree, probability_of=">50K")) == scores
    assert eval(pandas_expression(simplify(tree)), {"np": np, "frame": X}).tolist() == classes
    scored = score_table(simplify(tree), ibis.memtable(as_arrow(X))).order_by("row")
    assert engine.to_pyarrow(scored)["prediction"].to_pylist() == classes
    with sqlite3.connect(":memory:") as other:
        as_arrow(X).to_pandas().to_sql("t", other)
        found = other.execute(f"SELECT {sql_case(tree, dialect='sqlite')} FROM t ORDER BY row").fetchall()
    assert [answer for (answer,) in found] == classes


CALLS = Cuts("calls", (0.1, 3.0), missing=3)
BASIC = Node([2, 3], CALLS, [Node([0, 1]), Node([1, 1]), Node([1, 0]), Node([0, 1])])
PLANS = Groups("plan", (("basic", "it's"), ("pro",)), missing=0, other=1)
CHURN = Tree(Node([6, 4], PLANS, [BASIC, Node([4, 1])]), ["leaves", "stays"], ["plan", "calls"])


def two_leaves(groups: tuple, column: str = "x", classes: tuple = ("a", "b")) -> Tree:
    return Tree(Node([1, 1], Groups(column, groups), [Node([1, 0]), Node([0, 1])]), classes, [column])


def test_sql_is_written_to_be_read():
    basic = "(\"plan\" IN ('basic', 'it''s') OR \"plan\" IS NULL)"
    assert sql_case(simplify(CHURN)).splitlines() == [
        "CASE",
        f'  WHEN {basic} AND ("calls" <= 0.1e0 OR "calls" IS NULL OR ISNAN("calls")) THEN \'stays\'',
        f'  WHEN {basic} AND ("calls" > 0.1e0 AND NOT ISNAN("calls")) THEN \'leaves\'',
        "  WHEN \"plan\" NOT IN ('basic', 'it''s') THEN 'leaves'",
        "END",
    ]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_is_one_that_sqlglot_reads_back(dialect):
    text = sql_case(CHURN, dialect=dialect)
    case = sqlglot.parse_one(text, read=dialect)
    assert len(case.args["ifs"]) == 5
    assert {one.name for one in case.find_all(sqlglot.exp.Column)} == {"plan", "calls"}
    assert {one.name for one in case.find_all(sqlglot.exp.Literal) if one.is_string} - {"NaN"} == {
        "basic", "it's", "leaves", "stays",
    }  # fmt: skip
    assert ("NAN" in text.upper()) == (DIALECTS[dialect] is not None)
    assert "IS_NAN" not in text or dialect in ("bigquery", "trino")
    sqlglot.parse_one(f"SELECT 1 FROM t WHERE {sql_condition(CHURN, 4, dialect)}", read=dialect)


def test_quotes_and_booleans_follow_the_dialect():
    tree = two_leaves(((False,), (True,)), 'a"b`]', (False, True))
    assert sql_condition(tree, 2) == '"a""b`]" IN (TRUE)'
    assert sql_condition(tree, 2, "mysql") == '`a"b``]` IN (TRUE)'
    assert sql_condition(tree, 2, "tsql") == '[a"b`]]] IN (1)'
    X = pd.DataFrame({'a"b`]': [True, None, False]})
    assert by_sql(X, sql_case(tree)) == [True, False, False]


@pytest.mark.parametrize(
    ("tree", "asked", "said"),
    [
        (CHURN, {"dialect": "duckdbb"},
         "Rules are not written in the SQL of 'duckdbb'; did you mean 'duckdb'? Known: bigquery, "),
        (CHURN, {"probability_of": "leave"},
         "The tree tells no class 'leave'; did you mean 'leaves'? Known: leaves, stays."),
        (two_leaves((("a",), (1,))), {},
         "The column x is grouped by values of more than one kind (number and text), as no column of an "),
        (two_leaves((("a",), ("b\0",))), {},
         "SQL has no way to write 'b\\x00'; give classes and values as texts or numbers."),
    ],
)  # fmt: skip
def test_what_sql_cannot_say_is_told(tree, asked, said):
    with pytest.raises(ParameterError) as told:
        sql_case(tree, **asked)
    assert str(told.value).startswith(said)


def test_classes_that_are_no_text_or_number_are_told():
    tree = Tree(Node([1, 1]), pd.to_datetime(["2025-01-01", "2025-01-02"]), ["x"])
    with pytest.raises(ParameterError, match="Classes are written into Python as texts and numbers"):
        pandas_expression(tree)
    with pytest.raises(ParameterError, match="SQL has no way to write"):
        sql_case(tree)


def test_what_goes_in_comes_out_and_what_is_missing_is_told():
    frame = pd.DataFrame({"calls": [0.05, np.nan], "plan": ["basic", "pro"]}, index=[7, 7])
    scored = score_table(CHURN, frame, probability_of="leaves")
    assert scored["prediction"].tolist() == CHURN.predict_proba(frame)[:, 0].tolist()
    assert scored.index.tolist() == [7, 7]
    assert "prediction" not in frame
    for table in (frame, ibis.memtable(frame)):
        with pytest.raises(ParameterError, match=r"^The table has a column plan already; give another name"):
            score_table(CHURN, table, name="plan")
        with pytest.raises(TableError, match=r"^The tree's rules need a column calls; there are: plan\.$"):
            score_table(CHURN, table[["plan"]])


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        (pa.array([1, 0, None, 7]), ((True,), (False,))),
        (pa.array([True, False, None]), ((1.0,), (0,))),
        (pa.array([1.0, 2.5, None, float("nan"), 0.1]), ((2.5, 0.1), (1,))),
        (pa.array(["1", "a", None]), ((1, "a"), ("b",))),
        (pa.array([1, 2, None]), (("1",), (2,))),
    ],
)
def test_values_of_another_kind_than_the_column_are_in_no_row(engine, values, groups):
    for missing, other in ((0, 0), (1, 1), (2, 0), (2, 1)):
        children = [Node([1, 0, 0]), Node([0, 1, 0]), Node([0, 0, 1])][: 3 if missing == 2 else 2]
        tree = Tree(Node([1, 1, 1], Groups("x", groups, missing, other), children), ["a", "b", "c"], ["x"])
        table = ibis.memtable(pa.table({"x": values, "row": range(len(values))})).order_by("row")
        found = engine.to_pyarrow(score_table(tree, table))["prediction"].to_pylist()
        frame = pd.DataFrame({"x": pd.Series(values.to_pylist(), dtype=object)})
        assert found == tree.predict(frame).tolist()


def test_a_lone_root_says_one_thing_everywhere(engine):
    tree = Tree(Node([3, 1]), ["it's", "yes"], ["x"])
    X = pd.DataFrame({"x": [1.0, None]})
    assert by_sql(X, sql_case(tree)) == ["it's"] * 2
    assert by_sql(X, sql_condition(tree, 1)) == [True] * 2
    assert eval(pandas_expression(tree), {"np": np, "frame": X}).tolist() == ["it's"] * 2
    assert engine.to_pyarrow(score_table(tree, ibis.memtable(X)))["prediction"].to_pylist() == ["it's"] * 2
    assert word_rules(tree, language("en")).tolist() == [
        "In all cases it's. 4 rows, 100.0% of all; 75.0% right, lift 1.00."
    ]


def test_an_expression_speaks_every_dialect_that_ibis_does():
    table = ibis.table({"plan": "string", "calls": "float64"}, name="customers")
    asked = table.select(prediction=score_expression(simplify(CHURN), table))
    for dialect in ("duckdb", "postgres", "bigquery", "snowflake", "trino", "clickhouse"):
        assert ibis.to_sql(asked, dialect=dialect).count("WHEN") == 3


def test_rules_in_english():
    assert word_rules(CHURN, language("en"), measures=False).tolist() == [
        "If plan is one of basic, it's (or missing) and calls is at most 0.1, then stays.",
        "If plan is one of basic, it's (or missing) and calls is above 0.1 and at most 3, then leaves.",
        "If plan is one of basic, it's (or missing) and calls is above 3, then leaves.",
        "If plan is one of basic, it's (or missing) and calls is missing, then stays.",
        "If plan is pro (or another value), then leaves.",
    ]
    assert word_rules(simplify(CHURN), language("en"), exact=False).tolist() == [
        "If plan is one of basic, it's and calls is at most 0.1, then stays. "
        "2 rows, 20.0% of all; 100.0% right, lift 2.50.",
        "If plan is one of basic, it's and calls is above 0.1, then leaves. "
        "3 rows, 30.0% of all; 66.7% right, lift 1.11.",
        "If plan is pro, then leaves. 5 rows, 50.0% of all; 80.0% right, lift 1.33.",
    ]


def test_columns_values_and_classes_by_other_names():
    said = word_rules(
        CHURN, language("en"), labels={"plan": "the plan", "calls": "number of calls"},
        values={"plan": {"pro": "Professional"}}, classes={"leaves": "the customer leaves"}, measures=False,
    )  # fmt: skip
    assert said[5] == "If the plan is Professional (or another value), then the customer leaves."
    assert said[3].endswith("and number of calls is above 3, then the customer leaves.")


@pytest.mark.parametrize(
    ("groups", "missing", "other", "said"),
    [
        ((("a", "b", "c"), ("d",)), 1, 0, ["x is not d", "x is d (or missing)"]),
        ((("a", "b"), ("d",)), 2, 2, ["x is one of a, b", "x is d", "x is none of a, b, d (or missing)"]),
        (((True,), (False,)), 0, 1, ["x is true (or missing)", "x is false (or another value)"]),
        (((1.5, 2), (-3, 4)), 0, 0, ["x is one of 1.5, 2 (or another value, or missing)",
                                           "x is one of -3, 4"]),
        ((("",), ("a, b", "c\nd")), 1, 0,
         ['x is "" (or another value)', 'x is one of "a, b", "c d" (or missing)']),
        ((("a",), ()), 0, 1, ["x is a (or missing)", "x is not a"]),
        (((), ("a",)), 2, 0, ["x is not a", "x is a", "x is missing"]),
        (((),), 1, 0, ["x is known", "x is missing"]),
    ],
)  # fmt: skip
def test_groups_in_words(groups, missing, other, said):
    split = Groups("x", groups, missing, other)
    leaves = [Node([1, 0]) for _ in range(split.degree)]
    found = word_rules(Tree(Node([1, 1], split, leaves), ["p", "q"], ["x"]), language("en"), measures=False)
    assert found.tolist() == [f"If {one}, then p." for one in said]


def test_the_rooms_list_holds_the_names():
    for name in ("tree_rules", "simplify", "word_rules", "sql_case", "pandas_expression", "score_table"):
        assert name in trees.__all__
        assert getattr(trees, name).__doc__


@pytest.mark.parametrize(
    ("point", "said"),
    [(30.0, "30"), (1e6, "1,000,000"), (0.1 + 0.2, "0.30000000000000004"), (-0.5, "-0.5"), (0.0, "0"),
     (1e22, "1e+22"), (1e-9, "1e-09"), (1234567.25, "1,234,567.25"), (5e-6, "0.000005")],
)  # fmt: skip
def test_numbers_have_all_their_digits(point, said):
    tree = Tree(
        Node([1, 1], Cuts("x", (point,), 2), [Node([1, 0]), Node([0, 1]), Node([0, 0])]), ["p", "q"], ["x"]
    )
    found = word_rules(tree, language("en"))
    assert found[1].startswith(f"If x is at most {said}, then p.")
    assert found[2].startswith(f"If x is above {said}, then q.")
    assert found[3] == "If x is missing, then p. No rows."


def test_in_persian_text_names_are_set_off_and_numbers_turned():
    said = word_rules(CHURN, language("fa"), labels={"calls": "تماس‌ها"})
    assert "\u2068plan\u2069" in said[1]
    assert "\u2068it's\u2069" in said[1]
    assert "تماس‌ها" in said[1]
    assert "\u2068تماس‌ها" not in said[1]
    assert "۰٫۱" in said[1]
    assert said.str.count("\u2068").equals(said.str.count("\u2069"))
