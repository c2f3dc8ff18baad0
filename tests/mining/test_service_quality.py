"""SERVQUAL gaps, importance against performance, Kano classes and relational benefits."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlab.errors import ParameterError
from crmlab.mining.satisfaction import (
    SERVQUAL_DIMENSIONS,
    importance_performance,
    kano,
    relational_benefits,
    servqual,
)


@pytest.fixture(scope="module")
def oddjob(public_data):
    rows = pd.read_csv(public_data / "oddjob_airline" / "oddjob_airline.csv.gz")
    return [rows[[f"{letter}{at}" for at in range(1, 24)]] for letter in "es"]


def test_gaps_of_oddjob(oddjob):
    found = servqual(*oddjob)
    items = found[found["level"] == "item"].reset_index(drop=True)
    assert found["gap"].iloc[-1] == pytest.approx(-21.2867, abs=5e-5)
    assert items["gap"].idxmin() == 4 - 1
    assert items["gap"].idxmax() == 12 - 1
    assert items["gap"].min() == pytest.approx(-30.214, abs=5e-4)
    assert items["gap"].max() == pytest.approx(-8.799, abs=5e-4)
    assert items["n"].sum() == oddjob[0].notna().sum().sum()


def answers(random, shape, lost=0.0):
    found = pd.DataFrame(
        random.integers(1, 8, shape).astype(float), columns=[f"q{at}" for at in range(shape[1])]
    )
    return found.mask(random.random(shape) < lost)


def test_gap_intervals_are_those_of_pairs():
    random = np.random.default_rng(8)
    expected, perceived = answers(random, (40, 3), 0.2), answers(random, (40, 3), 0.2)
    found = servqual(expected, perceived)
    for at, name in enumerate(expected):
        gap = (perceived - expected)[name].dropna()
        low, high = stats.t.interval(0.95, len(gap) - 1, gap.mean(), stats.sem(gap))
        assert found.loc[at, ["low", "high"]].tolist() == pytest.approx([low, high])
        assert found.loc[at, "n"] == len(gap)


def test_overall_interval_of_complete_answers_is_that_of_respondents_means():
    random = np.random.default_rng(9)
    expected, perceived = answers(random, (30, 4)), answers(random, (30, 4))
    each = (perceived - expected).mean(axis=1)
    low, high = stats.t.interval(0.95, 29, each.mean(), stats.sem(each))
    assert servqual(expected, perceived).iloc[-1][["gap", "low", "high"]].tolist() == pytest.approx(
        [each.mean(), low, high]
    )


def test_dimensions_of_the_22_items_stand_in_their_order():
    random = np.random.default_rng(10)
    expected, perceived = answers(random, (50, 22)), answers(random, (50, 22))
    found = servqual(expected, perceived).set_index("name")
    assert found.loc["q4", "dimension"] == "reliability"
    assert [len(of) for of in SERVQUAL_DIMENSIONS.values()] == [4, 5, 4, 4, 5]
    assert found.loc["empathy", "gap"] == pytest.approx((perceived - expected).iloc[:, 17:].mean().mean())
    assert found.loc["overall", "gap"] == pytest.approx(found.loc[list(SERVQUAL_DIMENSIONS), "gap"].mean())


def test_weights_of_dimensions_make_the_overall_gap():
    random = np.random.default_rng(11)
    expected, perceived = answers(random, (50, 22)), answers(random, (50, 22))
    # Points out of 100 of Zeithaml, Parasuraman and Berry (1990).
    points = dict(zip(SERVQUAL_DIMENSIONS, (11, 32, 22, 19, 16), strict=True))
    found = servqual(expected, perceived, weights=points).set_index("name")
    each = found.loc[list(SERVQUAL_DIMENSIONS)]
    assert each["weight"].tolist() == pytest.approx([0.11, 0.32, 0.22, 0.19, 0.16])
    assert found.loc["overall", "gap"] == pytest.approx(each["weighted_gap"].sum())
    assert found.loc["overall", "low"] < found.loc["overall", "gap"] < found.loc["overall", "high"]


def test_an_item_nobody_answered_has_no_gap():
    expected = pd.DataFrame({"a": [1.0, 2.0], "b": [None, 3.0]})
    perceived = pd.DataFrame({"a": [2.0, 2.0], "b": [4.0, None]})
    found = servqual(expected, perceived).set_index("name")
    assert found.loc["b", "n"] == 0
    assert found.loc["a", "gap"] == 0.5
    assert found.loc[["b", "overall"], "gap"].isna().all()


def test_gaps_of_things_that_do_not_fit_are_refused():
    one = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    with pytest.raises(ParameterError, match="there are 2 and 1"):
        servqual(one, one[["a"]])
    with pytest.raises(ParameterError, match="same respondents"):
        servqual(one, one.iloc[:1])
    with pytest.raises(ParameterError, match="1 answers of 'a' are no numbers"):
        servqual(one.astype(object).replace(1.0, "good"), one)
    with pytest.raises(ParameterError, match="names 'c'; items: a, b"):
        servqual(one, one, dimensions={"x": ["c"]})
    with pytest.raises(ParameterError, match="in 'x' and again in 'y'"):
        servqual(one, one, dimensions={"x": ["a"], "y": ["a", "b"]})
    with pytest.raises(ParameterError, match="weights gives each dimension one number"):
        servqual(one, one, dimensions={"x": ["a"]}, weights={"z": 1})


def test_quadrants():
    importance = pd.Series({"a": 9, "b": 8, "c": 2, "d": 1})
    performance = pd.Series({"a": 2, "b": 9, "c": 1, "d": 8})
    found = importance_performance(importance, performance)
    assert found["quadrant"].to_dict() == {
        "a": "concentrate here", "b": "keep up the good work", "c": "low priority", "d": "possible overkill",
    }  # fmt: skip
    assert found.attrs["cut"] == (5, 5)
    assert found["clear"].isna().all()
    assert (
        importance_performance(importance, performance, cut=(0, 0))["quadrant"] == "keep up the good work"
    ).all()


def test_quadrants_of_answers_say_whether_they_are_clear():
    random = np.random.default_rng(12)
    importance, performance = answers(random, (60, 3)), answers(random, (60, 3))
    performance["q0"] = 1.0 + random.integers(0, 2, 60)
    found = importance_performance(importance, performance)
    assert found.loc["q0", "clear"]
    low, high = stats.t.interval(0.95, 59, performance["q1"].mean(), stats.sem(performance["q1"]))
    assert found.loc["q1", ["low", "high"]].tolist() == pytest.approx([low, high])


def test_quadrants_of_things_that_do_not_fit_are_refused():
    one = pd.Series({"a": 1.0, "b": 2.0})
    with pytest.raises(ParameterError, match="the same attributes"):
        importance_performance(one, one.rename({"a": "c"}))
    with pytest.raises(ParameterError, match="no number on one side: b"):
        importance_performance(one, one.mask(one > 1))
    with pytest.raises(ParameterError, match="two attributes or more"):
        importance_performance(one[:1], one[:1])


def test_all_25_pairs_of_kano_answers():
    """Written out as in Berger et al. (1993), not by the table in the code."""
    pairs = [(f, d) for f in range(1, 6) for d in range(1, 6)]
    there, lacking = (pd.DataFrame([list(side)]) for side in zip(*pairs, strict=True))
    found = kano(there, lacking)["category"].to_dict()
    for at, (f, d) in enumerate(pairs):
        if (f, d) in {(1, 1), (5, 5)}:
            expected = "Q"
        elif f == 1:
            expected = "O" if d == 5 else "A"
        elif f == 5 or d == 1:
            expected = "R"
        else:
            expected = "M" if d == 5 else "I"
        assert found[at] == expected, (f, d)


def test_kano_figures():
    # 60 attractive, 25 one-dimensional, 10 must-be, 5 indifferent, 4 reverse.
    there = pd.DataFrame({"x": [1] * 85 + [3] * 15 + [5] * 4})
    lacking = pd.DataFrame({"x": [3] * 60 + [5] * 25 + [5] * 10 + [3] * 5 + [1] * 3 + [3]})
    found = kano(there, lacking).loc["x"]
    assert found[["A", "O", "M", "I", "R", "Q", "n"]].tolist() == [60, 25, 10, 5, 4, 0, 104]
    assert (found["category"], found["second"], found["clear"]) == ("A", "O", True)
    assert found["strength"] == pytest.approx(35 / 104)
    assert (found["better"], found["worse"]) == (0.85, -0.35)
    assert found["better_low"] == pytest.approx(0.7672, abs=5e-5)
    assert found["worse_low"] < -0.35 < found["worse_high"] < 0


def test_kano_s_test_of_two_classes():
    # Fong: a - b against 1.65 sqrt((a + b)(2n - a - b) / 2n) with a + b = n = 100: more than 11.67.
    for a, clear in ((55, False), (56, True)):
        there = pd.DataFrame({"x": [1] * a + [3] * (100 - a)})
        found = kano(there, pd.DataFrame({"x": [3] * 100})).loc["x"]
        assert bool(found["clear"]) is clear


def test_kano_ties_gaps_and_nothing():
    there = pd.DataFrame({"tie": [2, 1, None], "none": [None, None, 3.0]})
    lacking = pd.DataFrame({"tie": [5, 3, 3], "none": [3.0, None, None]})
    found = kano(there, lacking)
    assert found.loc["tie", ["category", "second", "n"]].tolist() == ["M", "A", 2]
    assert pd.isna(found.loc["none", "category"])
    assert found.loc["none", "n"] == 0
    assert math.isnan(found.loc["none", "better"])
    with pytest.raises(ParameterError, match="other answers are in tie"):
        kano(there.replace(2, 6), lacking)
    with pytest.raises(ParameterError, match="the same features"):
        kano(there, lacking[["tie"]])
    with pytest.raises(ParameterError, match="same respondents"):
        kano(there, lacking[:1])


def test_relational_benefits_are_means_of_indices():
    random = np.random.default_rng(13)
    items = answers(random, (80, 5), 0.1)
    found = relational_benefits(items, {"confidence": ["q0", "q1"], "social": ["q2", "q3"]})
    each = (items[["q0", "q1"]].mean(axis=1) - 1) / 6 * 100
    low, high = stats.t.interval(0.95, each.count() - 1, each.mean(), stats.sem(each, nan_policy="omit"))
    assert found.loc["confidence", ["value", "low", "high"]].tolist() == pytest.approx(
        [each.mean(), low, high]
    )
    assert found.loc["confidence", "n"] == each.count()
    with pytest.raises(ParameterError, match="in 'a' and again in 'b'"):
        relational_benefits(items, {"a": ["q0"], "b": ["q0"]})
    with pytest.raises(ParameterError, match="names the items of each benefit"):
        relational_benefits(items, {})
