"""Two groups compared, moments of groups and sample ratios, against textbooks, scipy and simulation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crmlab.errors import ParameterError, TableError
from crmlab.mining.methods import compare, group_moments, newcombe, ratio_interval, sample_ratio, wilson
from crmlab.mining.methods.comparison import newcombe_p, welch_p

counts = st.integers(2, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts)
def test_the_parts_of_a_comparison_of_proportions_agree(one, other):
    (x, n), (y, m) = one, other
    p, q = x / n, y / m
    found = compare(p, p * (1 - p) * n / (n - 1), n, q, q * (1 - q) * m / (m - 1), m, binary=True).iloc[0]
    apart = found["low"] > 0 or found["high"] < 0
    if abs(found["p"] - 0.05) > 1e-9:
        assert apart == (found["p"] < 0.05)
    if (
        not np.isnan(found["ratio_low"])
        and min(abs(found["ratio_low"] - 1), abs(found["ratio_high"] - 1)) > 1e-9
    ):
        assert apart == (found["ratio_low"] > 1 or found["ratio_high"] < 1)
    if q:
        assert found["ratio_low"] <= p / q + 1e-12
        assert p / q - 1e-12 <= found["ratio_high"]


def test_nobody_of_two_against_one_of_three_has_a_ratio_from_zero():
    low, high = ratio_interval(0, wilson(0, 2, 0.95), 1 / 3, wilson(1, 3, 0.95))
    assert low == 0
    assert 3 < high < 4


@given(st.floats(0.5, 20), st.floats(0.1, 50), st.integers(2, 99), st.floats(1, 20), st.integers(2, 99))
def test_the_parts_of_a_comparison_of_means_agree(mean, variance, n, other, m):
    found = compare(mean, variance, n, other, 2 * variance, m).iloc[0]
    assert found["p"] == pytest.approx(
        stats.ttest_ind_from_stats(
            mean, variance**0.5, n, other, (2 * variance) ** 0.5, m, equal_var=False
        ).pvalue, rel=1e-9,
    )  # fmt: skip
    apart = found["low"] > 0 or found["high"] < 0
    if abs(found["p"] - 0.05) > 1e-9:
        assert apart == (found["p"] < 0.05)
        if not np.isnan(found["ratio_low"]):
            assert apart == (found["ratio_low"] > 1 or found["ratio_high"] < 1)


def test_fiellers_interval_solves_its_equation():
    # Fieller: all R with (m1 - R m0)^2 <= t^2 (v1 / n1 + R^2 v0 / n0).
    found = compare(10, 4, 16, 8, 9, 25).iloc[0]
    t = (found["high"] - found["low"]) / 2 / found["standard_error"]
    for end in (found["ratio_low"], found["ratio_high"]):
        assert (10 - end * 8) ** 2 == pytest.approx(t**2 * (4 / 16 + end**2 * 9 / 25))


def test_the_interval_of_a_ratio_solves_the_interval_of_the_difference():
    one, other = wilson(30, 100), wilson(20, 120)
    low, high = ratio_interval(0.3, one, 1 / 6, other)
    # At either end R, the interval of p1 - R p0 ends at 0.
    assert 0.3 - low / 6 == pytest.approx(np.hypot(0.3 - one[0], low * (other[1] - 1 / 6)))
    assert high / 6 - 0.3 == pytest.approx(np.hypot(one[1] - 0.3, high * (1 / 6 - other[0])))


def test_a_ratio_comes_near_to_the_logarithms_interval_in_large_samples():
    n, p, q = 1e6, 0.12, 0.1
    found = compare(p, p * (1 - p), n, q, q * (1 - q), n, binary=True).iloc[0]
    half = 1.959964 * np.sqrt((1 - p) / (n * p) + (1 - q) / (n * q))
    assert [found["ratio_low"], found["ratio_high"]] == pytest.approx(
        [1.2 * np.exp(-half), 1.2 * np.exp(half)], rel=2e-5
    )


def test_ratios_to_nothing():
    no_control = compare(0.1, 0.09, 100, 0.0, 0.0, 100, binary=True).iloc[0]
    assert no_control["ratio_low"] > 1
    assert no_control["ratio_high"] == np.inf
    neither = compare(0.0, 0.0, 100, 0.0, 0.0, 100, binary=True).iloc[0]
    assert np.isnan([neither["ratio_low"], neither["ratio_high"]]).all()
    near_nothing = compare(5, 100, 10, 0.1, 100, 10).iloc[0]
    assert np.isnan([near_nothing["ratio_low"], near_nothing["ratio_high"]]).all()


def test_a_ratio_holds_the_truth_as_often_as_it_says():
    random, n, p, q = np.random.default_rng(1), 300, 0.08, 0.05
    x, y = random.binomial(n, p, 20_000), random.binomial(n, q, 20_000)
    low, high = ratio_interval(x / n, wilson(x, n), y / n, wilson(y, n))
    assert ((low <= p / q) & (p / q <= high)).mean() == pytest.approx(0.95, abs=0.01)


def test_p_of_proportions_is_where_newcombes_interval_touches_0():
    p = float(newcombe_p(56, 70, 48, 80))
    low, _ = newcombe(56, 70, 48, 80, level=1 - p)
    assert float(low) == pytest.approx(0, abs=1e-12)
    assert newcombe_p([5, 0, 56, 48], [10, 10, 70, 80], [5, 0, 48, 56], [10, 10, 80, 70]).tolist() == [
        1, 1, pytest.approx(p), pytest.approx(p),
    ]  # fmt: skip
    # The test of the pooled proportions says 7.385114 standard errors.
    assert float(newcombe_p(267, 21307, 122, 21306)) < 1e-12


def test_groups_that_do_not_vary_have_no_p():
    assert np.isnan(welch_p(1, 0, 5, 1, 0, 5))


def frame_of(random: np.random.Generator, n: int = 500) -> pd.DataFrame:
    frame = pd.DataFrame({
        "g": random.choice(["a", "b", "c"], n), "x": random.integers(-50, 50, n).astype(float),
        "y": random.normal(size=n), "k": random.integers(0, 10**12, n), "b": random.random(n) < 0.3,
    })  # fmt: skip
    frame.loc[random.random(n) < 0.1, "x"] = None
    return frame.astype({"x": "Int64"})


def test_moments_are_those_of_pandas():
    frame = frame_of(np.random.default_rng(0))
    found = group_moments(frame, ["g"], ["x", "y", "b"])
    assert not found.binary
    for row, (name, part) in enumerate(frame.dropna().astype({"x": float, "b": float}).groupby("g")):
        columns = part[["x", "y", "b"]]
        assert found.groups["g"].iloc[row] == name
        assert found.n[row] == len(part)
        assert found.mean[row].tolist() == pytest.approx(columns.mean().tolist(), rel=1e-12)
        assert found.covariance[row].ravel() == pytest.approx(columns.cov().to_numpy().ravel(), rel=1e-9)
        assert found.total[row].tolist() == pytest.approx(columns.sum().tolist(), rel=1e-12)


def test_moments_of_whole_numbers_do_not_depend_on_the_order_of_rows():
    frame = frame_of(np.random.default_rng(2))
    one, other = (group_moments(rows, ["g"], ["k", "x"]) for rows in (frame, frame[::-1]))
    assert one.mean.tobytes() == other.mean.tobytes()
    assert one.covariance.tobytes() == other.covariance.tobytes()


def test_the_quick_way_to_moments_and_the_exact_one_agree():
    frame = frame_of(np.random.default_rng(3)).assign(n=lambda f: f["k"] % 1000)[["g", "n", "b"]]
    quick = group_moments(frame, ["g"], ["n", "b"])
    # A column far above 2^53 takes the exact way for all.
    exact = group_moments(frame.assign(k=10**17), ["g"], ["n", "b", "k"])
    assert quick.mean.tobytes() == exact.mean[:, :2].tobytes()
    assert quick.covariance.tobytes() == exact.covariance[:, :2, :2].tobytes()
    assert np.abs(exact.covariance[:, 2]).max() == 0
    assert group_moments(frame, ["g"], ["b"]).binary


def test_moments_of_very_few_rows():
    frame = pd.DataFrame({"g": ["a", "b", "b"], "x": [None, 1.0, None]})
    found = group_moments(frame, ["g"], ["x"])
    assert found.n.tolist() == [0, 1]
    assert np.isnan(found.mean[0, 0])
    assert np.isnan(found.covariance).all()
    assert found.total.tolist() == [[0], [1]]
    with pytest.raises(TableError, match="The column x of the rows holds text"):
        group_moments(frame.assign(x=["1", "2", "3"]), ["g"], ["x"])


def test_sample_ratios_are_those_of_scipy():
    sizes, shares = [310, 205, 485], [0.3, 0.2, 0.5]
    found = sample_ratio(sizes, shares)
    theirs = stats.chisquare(sizes, [300, 200, 500])
    told = (found.chi_square, found.p_value)
    assert told == (pytest.approx(theirs.statistic), pytest.approx(theirs.pvalue))
    # tea-tasting 1.14.0, by the exact binomial test, says 0.698624.
    assert sample_ratio([21306, 21387]).p_value == pytest.approx(0.695044, abs=1e-6)
    assert sample_ratio([0, 0]).p_value == 1


@pytest.mark.parametrize(
    ("sizes", "shares", "sentence"),
    [
        ([5], None, "two kinds or more"),
        ([5, -1], None, "whole numbers from 0"),
        ([5, 1.5], None, "whole numbers from 0"),
        ([5, 5], [1], "one number for each kind"),
        ([5, 5], [1, 0], "more than 0"),
    ],
)
def test_sample_ratios_refuse(sizes, shares, sentence):
    with pytest.raises(ParameterError, match=sentence):
        sample_ratio(sizes, shares)
