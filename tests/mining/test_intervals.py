"""Intervals against published tables and exact coverage."""

import math

import numpy as np
import pytest
from scipy import stats

from crmlab.errors import ParameterError
from crmlab.mining.methods import (
    Estimate,
    difference_interval,
    mean_interval,
    newcombe,
    share_difference,
    welch,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_equals_the_published_table(successes, n, low, high):
    assert [round(float(end), 4) for end in wilson(successes, n)] == [low, high]


def test_wilson_of_no_trials_is_missing():
    assert all(math.isnan(end) for end in wilson(0, 0))


@pytest.mark.parametrize(
    ("a", "m", "b", "n", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10.
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (10, 10, 0, 10, 0.6075, 1.0000),
        (5, 56, 0, 29, -0.0381, 0.1926),
    ],
)
def test_newcombe_equals_the_published_table(a, m, b, n, low, high):
    assert [round(float(end), 4) for end in newcombe(a, m, b, n)] == [low, high]


def test_newcombe_changes_sign_with_the_order_of_the_groups():
    low, high = newcombe(56, 70, 48, 80)
    other_low, other_high = newcombe(48, 80, 56, 70)
    assert (-other_high, -other_low) == (pytest.approx(low), pytest.approx(high))


def exact_coverage(n: int, plus: float, minus: float, method: str) -> float:
    """Probability that the interval covers plus - minus, over all samples of a trinomial."""
    counts = np.array([(i, j) for i in range(n + 1) for j in range(n + 1 - i)])
    cells = np.column_stack([counts, n - counts.sum(axis=1)])
    chance = stats.multinomial.pmf(cells, n, [plus, minus, 1 - plus - minus])
    low, high = share_difference(counts[:, 0], counts[:, 1], n, method=method)
    return float(chance[(low <= plus - minus) & (plus - minus <= high)].sum())


MIXES = [(0.5, 0.2), (0.3, 0.3), (0.6, 0.1), (0.2, 0.4), (0.45, 0.35)]
#: Mixes in which one kind is rare or missing.
EDGES = [(0.2, 0.0), (0.25, 0.0025), (0.6, 0.4), (0.86, 0.14), (0.05, 0.02), (0.3, 0.01), (0.01, 0.0)]


@pytest.mark.parametrize("n", [20, 33, 50, 120])
def test_score_interval_of_shares_keeps_its_level_for_every_mix(n):
    expected_often = [mix for mix in MIXES if n * min(*mix, 1 - sum(mix)) >= 2]
    assert all(0.945 <= exact_coverage(n, *mix, method="score") <= 0.97 for mix in expected_often)
    # With next to none of a kind no interval can stay below 97 %: nearly all samples are alike.
    assert all(exact_coverage(n, *mix, method="score") >= 0.94 for mix in EDGES)


def test_adjusted_interval_of_shares_falls_short_where_a_side_is_missing():
    # The reason why the score interval is the default.
    assert exact_coverage(20, 0.25, 0.0025, method="adjusted") < 0.91
    assert exact_coverage(20, 0.25, 0.0025, method="score") > 0.945


def test_ends_of_the_score_interval_solve_tango_s_equation():
    """The ends are where the test statistic, with shares found by a search, is the quantile."""
    from scipy.optimize import minimize_scalar

    plus, minus, n, z = 40, 20, 160, stats.norm.ppf(0.975)
    for end, side in zip(share_difference(plus, minus, n), (-1, 1), strict=True):

        def unlikely(down, end=end):
            cells = np.array([down + end, down, 1 - 2 * down - end])
            return -float(np.array([plus, minus, n - plus - minus]) @ np.log(cells))

        span = (max(0, -end) + 1e-9, (1 - end) / 2 - 1e-9)
        down = minimize_scalar(unlikely, bounds=span, method="bounded", options={"xatol": 1e-12}).x
        error = math.sqrt(n * (2 * down + end - end**2))
        assert side * (n * end - (plus - minus)) - 0.25 == pytest.approx(z * error, abs=1e-5)


def test_score_interval_of_shares_turns_round_with_the_sides():
    low, high = share_difference(np.array([3, 0, 20]), np.array([9, 0, 0]), 20)
    other_low, other_high = share_difference(np.array([9, 0, 0]), np.array([3, 0, 20]), 20)
    assert low == pytest.approx(-other_high)
    assert high == pytest.approx(-other_low)
    assert high[2] == 1.0
    assert all(math.isnan(end) for end in share_difference(0, 0, 0))


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("n", [20, 50])
def test_adjusted_interval_of_shares_keeps_its_level_between_the_edges(n, mix):
    assert 0.94 <= exact_coverage(n, *mix, method="adjusted") <= 0.97


def test_plain_interval_of_shares_falls_short_where_the_adjusted_does_not():
    worst = min(exact_coverage(20, *mix, method="wald") for mix in MIXES)
    assert worst < 0.935 < min(exact_coverage(20, *mix, method="adjusted") for mix in MIXES)


def test_plain_interval_of_shares_equals_its_formula():
    # (p + d - (p - d)^2) / n with p = .5, d = .2, n = 200: 30 points, standard error 5.522681.
    low, high = share_difference(100, 40, 200, method="wald")
    assert (high - low) / 2 / 1.959963985 * 100 == pytest.approx(5.522681, abs=1e-6)


def test_mean_interval_equals_scipy():
    sample = np.array([3.1, 4.7, 2.2, 5.9, 4.4, 3.8])
    expected = stats.t.interval(0.95, 5, loc=sample.mean(), scale=stats.sem(sample))
    assert mean_interval(sample.mean(), sample.var(ddof=1), 6) == (
        pytest.approx(expected[0]),
        pytest.approx(expected[1]),
    )


def test_mean_interval_of_one_observation_is_missing():
    assert all(math.isnan(end) for end in mean_interval(3.0, math.nan, 1))


def test_welch_equals_scipy():
    random = np.random.default_rng(1)
    a, b = random.normal(3, 2, 30), random.normal(2, 5, 50)
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    error, low, high = welch(a.mean(), a.var(ddof=1), 30, b.mean(), b.var(ddof=1), 50)
    assert (low, high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert error == pytest.approx(math.sqrt(a.var(ddof=1) / 30 + b.var(ddof=1) / 50))


@pytest.mark.parametrize("level", [0, 1, 95, -0.5])
def test_a_level_that_is_none_is_refused(level):
    with pytest.raises(ParameterError, match="share between 0 and 1"):
        wilson(1, 2, level)


def test_an_estimate_reads_as_a_sentence():
    assert str(Estimate(0.5, 0.4, 0.6, 1200)) == "0.5 (95% interval 0.4 to 0.6, n=1,200)"


def test_intervals_of_two_estimates_make_that_of_their_difference():
    # With symmetric intervals it is the square root of the sum of squares.
    low, high = difference_interval(10.0, (7.0, 13.0), 4.0, (0.0, 8.0))
    assert (low, high) == (1.0, 11.0)
