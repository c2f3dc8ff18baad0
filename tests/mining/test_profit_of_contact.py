"""Profit of contact: the best audience against all that there are, and curves against planted truth."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.errors import ParameterError
from crmlab.mining.campaigns import best_audience, profit_curve

uplifts = st.lists(st.tuples(*[st.integers(-50, 200)] * 2), min_size=1, max_size=5)


def best_of_all(uplift: pd.DataFrame, margin: float, costs: list, budget: float, capacity: int) -> float:
    """Greatest profit over every way of contacting few customers."""
    value = np.hstack([margin * uplift.to_numpy() - costs, np.zeros((len(uplift), 1))])
    price, best = np.append(costs, 0), 0.0
    for way in product(range(len(costs) + 1), repeat=len(uplift)):
        way = np.array(way)
        if price[way].sum() <= budget and (way < len(costs)).sum() <= capacity:
            best = max(best, value[np.arange(len(way)), way].sum())
    return best


@given(uplifts, st.integers(0, 30), st.integers(0, 5))
@settings(max_examples=150)
def test_the_audience_is_the_best_of_all(rows, budget, capacity):
    frame = pd.DataFrame(rows, columns=["mail", "call"]) / 1000
    # Free of the budget, any costs; within it, costs alike.
    free = best_audience(frame, 100, {"mail": 3, "call": 7}, capacity=capacity)
    assert free["expected_profit"].sum() == pytest.approx(best_of_all(frame, 100, [3, 7], 1e9, capacity))
    alike = best_audience(frame, 100, 4, budget, capacity)
    assert alike["expected_profit"].sum() == pytest.approx(best_of_all(frame, 100, [4, 4], budget, capacity))
    # Costs unlike: within the budget, and short of the best by less than one contact.
    unlike = best_audience(frame, 100, {"mail": 3, "call": 7}, budget)
    assert unlike["cost"].sum() <= budget
    most = max(float((100 * frame - [3, 7]).max().max()), 0)
    assert unlike["expected_profit"].sum() >= best_of_all(frame, 100, [3, 7], budget, 9) - most - 1e-9
    both = best_audience(frame, 100, {"mail": 3, "call": 7}, budget, capacity)
    assert both["cost"].sum() <= budget
    assert both["arm"].notna().sum() <= capacity
    assert (both["expected_profit"] >= 0).all()


@given(uplifts, st.integers(0, 30), st.randoms())
def test_the_order_of_rows_does_not_matter(rows, budget, random):
    frame = pd.DataFrame(rows, columns=["mail", "call"], index=list("abcde"[: len(rows)])) / 1000
    mixed = list(frame.index)
    random.shuffle(mixed)
    one = best_audience(frame, 100, {"mail": 3, "call": 7}, budget, 2)
    two = best_audience(frame.loc[mixed], 100, {"mail": 3, "call": 7}, budget, 2)
    pd.testing.assert_frame_equal(one, two.loc[one.index])


def test_nothing_is_spent_of_nothing():
    frame = pd.DataFrame({"mail": [0.159], "call": [0.0]})
    assert best_audience(frame, 100, {"mail": 3, "call": 7}, 0)["cost"].sum() == 0


def test_equal_customers_fill_the_budget_by_index():
    frame = pd.DataFrame({"mail": [0.05] * 10}, index=list("jihgfedcba"))
    found = best_audience(frame, 1000, 10, budget=35)
    assert sorted(found.index[found["arm"] == "mail"]) == ["a", "b", "c"]
    assert found["cost"].sum() == 30


def test_a_curve_finds_the_planted_profit():
    """The effect is 0.2 for women and none for men, a response worth 10.00, a letter 0.80."""
    random = np.random.default_rng(2)
    held, n = 0, 4000
    for _ in range(100):
        woman, t = random.integers(0, 2, n), random.integers(0, 2, n)
        y = (random.random(n) < 0.1 + 0.2 * woman * t).astype(int)
        curve = profit_curve(y, pd.DataFrame({1: 0.2 * woman}), t, margin=1000, cost=80)
        women = curve.iloc[1]
        assert women["contacts"] == woman.sum()
        assert women["profit"] > curve.iloc[2]["profit"]
        held += women["low"] <= woman.sum() * (0.2 * 1000 - 80) <= women["high"]
    assert 88 <= held <= 100


def test_several_arms_by_hand():
    treatment = ["mail", "none", "call", "none"] * 2
    uplift = pd.DataFrame({"mail": [0.9] * 2 + [0.0] * 2 + [0.9] * 2 + [0.0] * 2,
                           "call": [0.0] * 2 + [0.8] * 2 + [0.0] * 2 + [0.8] * 2})  # fmt: skip
    outcome = [700, 200, 900, 400, 500, 200, 700, 600]
    curve = profit_curve(outcome, uplift, treatment, 0.5, {"mail": 0.1, "call": 0.2}, control="none")
    # Mail: 600 against 200, four customers; calls: 800 against 500, four customers.
    assert curve["contacts"].tolist() == [0, 4, 8]
    assert curve["extra"].tolist() == [0, 1600, 2800]
    assert curve["profit"].tolist() == pytest.approx([0, 800 - 0.4, 1400 - 0.4 - 0.8])
    assert np.isclose(curve["high"].iloc[1] - curve["profit"].iloc[1], 1.959964 * 0.5 * 4 * 100)


def test_many_places_are_thinned_and_end_with_all():
    random = np.random.default_rng(0)
    curve = profit_curve(random.integers(0, 2, 5000), pd.DataFrame({1: random.random(5000)}),
                         random.integers(0, 2, 5000), 1, 0)  # fmt: skip
    assert len(curve) <= 1001
    assert curve["contacts"].iloc[[0, -1]].tolist() == [0, 5000]


FRAME = pd.DataFrame({"mail": [0.1, 0.2]})


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: best_audience(FRAME, 10, {"post": 1}), "cost has no arm 'mail'"),
        (lambda: best_audience(FRAME, 10, -1), "0 or more"),
        (lambda: best_audience(FRAME, 0, 1), "margin is what"),
        (lambda: best_audience(FRAME, 10, 1, budget=-5), "budget is 0 or more, not -5"),
        (lambda: best_audience(FRAME, 10, 1, capacity=-5), "capacity is 0 or more"),
        (lambda: best_audience(FRAME * np.nan, 10, 1), "2 uplifts are missing, first in 'mail'"),
        (lambda: best_audience([0.1], 10, 1), "uplift is a frame"),
        (lambda: profit_curve([1], FRAME, ["mail", "none"], 1, 1, "none"), "There are 1 outcomes"),
        (lambda: profit_curve([1, np.nan], FRAME, ["mail", "none"], 1, 1, "none"), "1 outcomes are missing"),
        (lambda: profit_curve([1, 0], FRAME, ["mail", "none"], 1, 1, "non"), "treatment is 'non'"),
        (lambda: profit_curve([1, 0], FRAME, ["none", "none"], 1, 1, "none"), "treatment is 'mail'"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(call, said):
    with pytest.raises(ParameterError, match=said):
        call()
