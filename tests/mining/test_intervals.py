"""Intervals against published tables and exact coverage."""

import math

import numpy as np
import pytest
from scipy import stats

from crmlab.errors import ParameterError
from crmlab.mining.methods import Estimate, mean_interval, newcombe, share_difference, welch, wilson


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


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("n", [20, 50])
def test_adjusted_interval_of_shares_keeps_its_level_in_small_samples(n, mix):
    assert 0.94 <= exact_coverage(n, *mix, method="adjusted") <= 0.97


def test_plain_interval_of_shares_falls_short_where_the_adjusted_does_not():
    # The reason why the adjusted one is the default (Rocks 2016).
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
