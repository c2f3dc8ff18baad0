"""Cells of a cube against grouping by hand."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.engine import as_table, collect
from crmlab.errors import ParameterError, TableError
from crmlab.mining.methods import cube, pivot, roll_up

ROWS = st.lists(
    st.tuples(st.sampled_from(["x", "y", None]), st.integers(1, 3), st.one_of(st.none(), st.integers(-5, 9))),
    min_size=1, max_size=25,
)  # fmt: skip
MEASURES = {"amount": ("v", "sum"), "rows": ("v", "count"), "least": ("v", "min"), "most": ("v", "max"),
            "mean": ("v", "mean")}  # fmt: skip
KINDS = ["n", "a", "b"]


def frame_of(rows):
    frame = pd.DataFrame(rows, columns=["a", "b", "v"])
    return frame.astype({"a": "str", "b": "int64", "v": "float64"})


@given(ROWS, st.booleans())
@settings(max_examples=40, deadline=None)
def test_every_cell_is_what_grouping_by_hand_gives(rows, distinct):
    frame = frame_of(rows)
    measures = MEASURES | ({"kinds": ("v", "nunique")} if distinct else {})
    cells = cube(frame, ["a", "b"], **measures)
    for size in range(3):
        for level in combinations(["a", "b"], size):
            here = cells[cells["level"] == ", ".join(level)]
            groups = frame.groupby(list(level), dropna=False) if level else [((), frame)]
            expected = {}
            for key, part in groups:
                v = part["v"]
                values = [v.sum(min_count=1), v.count(), v.min(), v.max(), v.mean(), v.nunique()]
                expected[tuple(map(str, key))] = values[: len(measures)]
            found = {tuple(str(row[name]) for name in level): [row[name] for name in measures]
                     for _, row in here.iterrows()}  # fmt: skip
            assert found.keys() == expected.keys()
            for key, values in expected.items():
                np.testing.assert_allclose(np.array(found[key], dtype=float), values, rtol=1e-12)


def test_rolling_up_drilling_down_and_slicing():
    frame = frame_of([("x", 1, 5), ("x", 2, 7), ("y", 2, 4), (None, 1, 1)])
    cells = cube(frame, ["a", "b"], amount=("v", "sum"))
    assert roll_up(cells).values.tolist() == [[17]]
    assert roll_up(cells, ["b"]).values.tolist() == [[1, 6], [2, 11]]
    assert len(roll_up(cells, ["b", "a"])) == 4
    assert roll_up(cells, ["b"], {"a": "x"}).values.tolist() == [[1, 5], [2, 7]]
    assert roll_up(cells, ["b"], {"a": None}).values.tolist() == [[1, 1]]
    with pytest.raises(ParameterError, match="no dimension 'city'"):
        roll_up(cells, ["city"])


def test_a_pivot_has_totals_that_are_the_measure_over_all():
    frame = frame_of([("x", 1, 5), ("x", 2, 7), ("y", 2, 4), (None, 1, 1)])
    table = pivot(cube(frame, ["a", "b"], mean=("v", "mean")), "a", "b", "mean")
    assert table.index.tolist()[:2] == ["x", "y"]
    assert pd.isna(table.index[2])
    assert table.columns.tolist() == [1, 2, "total"]
    assert table.loc["x"].tolist() == [5, 7, 6]
    assert table.loc["total"].tolist() == [3, 5.5, 4.25]
    assert pd.isna(table.loc["y", 1])
    with pytest.raises(ParameterError, match="no measure 'amount'"):
        pivot(cube(frame, ["a", "b"], mean=("v", "mean")), "a", "b", "amount")
    with pytest.raises(ParameterError, match="two dimensions"):
        pivot(cube(frame, ["a", "b"], mean=("v", "mean")), "a", "a", "mean")


def test_a_table_stays_a_table():
    frame = frame_of([("x", 1, 5), ("y", 2, 7)])
    cells = cube(as_table(frame), ["a", "b"], amount=("v", "sum"))
    assert not isinstance(cells, pd.DataFrame)
    assert len(collect(cells)) == 1 + 2 + 2 + 2
    assert collect(roll_up(cells, ["a"])).values.tolist() == [["x", 5], ["y", 7]]


@pytest.mark.parametrize(("dimensions", "measures", "said"), [
    ([], {"amount": ("v", "sum")}, "from 1 to 8 dimensions"),
    (["a", "a"], {"amount": ("v", "sum")}, "each once"),
    ("a", {"amount": ("v", "sum")}, r"is a list of columns, such as \['a'\], not a text"),
    (["a"], {}, "needs a measure"),
    (["a"], {"amount": ("v", "total")}, "one of sum, count"),
    (["a"], {"a": ("v", "sum")}, "called as a dimension"),
])  # fmt: skip
def test_wrong_calls_are_one_sentence(dimensions, measures, said):
    with pytest.raises(ParameterError, match=said):
        cube(frame_of([("x", 1, 5)]), dimensions, **measures)


@pytest.mark.parametrize("what", ["sum", "mean"])
def test_only_numbers_and_truths_are_summed(what):
    frame = frame_of([("x", 1, 2.0), ("y", 1, 4.0)]).assign(big=lambda t: t["v"] > 3)
    with pytest.raises(TableError, match="The column a of the rows of a cube holds text, not numbers"):
        cube(frame, ["b"], v=("v", "sum"), a=("a", what))
    assert cube(frame, ["b"], big=("big", what))["big"].tolist() == [{"sum": 1, "mean": 0.5}[what]] * 2
    assert cube(frame, ["b"], last=("a", "max"))["last"].tolist() == ["y", "y"]


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(TableError, match="need a column city"):
        cube(frame_of([("x", 1, 5)]), ["city"], amount=("v", "sum"))
