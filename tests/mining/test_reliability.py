"""Alpha, omega and item statistics against published numbers and closed forms."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from textbook_data import ATTITUDE

from crmlab.errors import ParameterError
from crmlab.mining.methods.relative_importance import as_correlation
from crmlab.mining.satisfaction import cronbach_alpha, item_statistics, mcdonald_omega
from crmlab.mining.satisfaction.reliability import _minres, _most_likely


def test_alpha_of_the_attitude_data():
    found = cronbach_alpha(ATTITUDE)
    assert found.value == pytest.approx(0.8431428, abs=6e-8)
    assert (found.low, found.high) == pytest.approx((0.7393757, 0.9157731), abs=6e-8)
    assert (found.n, found.level) == (30, 0.95)


def test_standardised_alpha_of_the_attitude_data():
    assert cronbach_alpha(ATTITUDE / ATTITUDE.std()).value == pytest.approx(0.8390838, abs=6e-8)


def test_omega_of_the_attitude_data():
    assert mcdonald_omega(ATTITUDE).value == pytest.approx(0.8509925, abs=2e-7)
    assert mcdonald_omega(ATTITUDE, method="ml").value == pytest.approx(0.8405447, abs=5e-7)


def test_items_of_the_attitude_data():
    found = item_statistics(ATTITUDE)
    published = [0.80976, 0.79692, 0.82785, 0.80303, 0.79539, 0.86387, 0.84046]
    assert found["alpha_if_deleted"].tolist() == pytest.approx(published, abs=6e-6)
    assert found.index.tolist() == ATTITUDE.columns.tolist()
    for name in ATTITUDE:
        others = ATTITUDE.drop(columns=name)
        assert found.loc[name, "alpha_if_deleted"] == pytest.approx(cronbach_alpha(others).value)
        assert found.loc[name, "item_rest"] == pytest.approx(ATTITUDE[name].corr(others.sum(axis=1)))
        assert found.loc[name, "item_total"] == pytest.approx(ATTITUDE[name].corr(ATTITUDE.sum(axis=1)))
    assert found[["n", "mean", "sd"]].iloc[0].tolist() == [
        30, pytest.approx(ATTITUDE["rating"].mean()), pytest.approx(ATTITUDE["rating"].std()),
    ]  # fmt: skip


def test_alpha_of_the_oddjob_survey(public_data):
    answers = pd.read_csv(public_data / "oddjob_airline" / "oddjob_airline.csv.gz")
    published = {"sat": (3, 0.8035221), "loy": (5, 0.8592008), "com": (3, 0.7380284), "s": (23, 0.9668023)}
    for name, (count, alpha) in published.items():
        found = cronbach_alpha(answers[[f"{name}{number + 1}" for number in range(count)]])
        assert found.value == pytest.approx(alpha, abs=6e-8)
        assert found.n == (793 if name == "s" else 1065)
    satisfaction = cronbach_alpha(answers[["sat1", "sat2", "sat3"]])
    assert (satisfaction.low, satisfaction.high) == pytest.approx((0.7821619, 0.8231122), abs=6e-8)


def parallel(loading: float, k: int, n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Items of one factor whose sample correlations are exactly loading squared."""
    random = np.random.default_rng(seed).normal(size=(n, k))
    random -= random.mean(axis=0)
    whitened = random @ np.linalg.inv(np.linalg.cholesky(np.cov(random.T))).T
    wanted = np.full((k, k), loading**2) + np.eye(k) * (1 - loading**2)
    return pd.DataFrame(whitened @ np.linalg.cholesky(wanted).T)


@pytest.mark.parametrize("k", [3, 6])
def test_parallel_items_follow_spearman_and_brown(k):
    items = parallel(0.7, k)
    r = 0.49
    expected = k * r / (1 + (k - 1) * r)
    assert cronbach_alpha(items).value == pytest.approx(expected)
    for method in ("minres", "ml"):
        assert mcdonald_omega(items, method).value == pytest.approx(expected)


def implied(loadings: np.ndarray) -> np.ndarray:
    correlation = np.outer(loadings, loadings)
    np.fill_diagonal(correlation, 1)
    return correlation


@given(st.lists(st.floats(0.2, 0.95), min_size=4, max_size=9))
@settings(max_examples=40)
def test_loadings_of_one_true_factor_are_found(loadings):
    loadings = np.array(loadings)
    for found in (_minres, _most_likely):
        assert np.abs(found(implied(loadings)[None])[0]) == pytest.approx(loadings, abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_loadings_are_the_best_that_a_search_finds(seed):
    random = np.random.default_rng(seed)
    drawn = random.normal(size=(40, 1)) + random.normal(size=(40, 5)) * random.uniform(0.3, 2, 5)
    correlation = np.corrcoef(drawn.T)
    beside = ~np.eye(5, dtype=bool)

    def residuals(loadings):
        return ((correlation - np.outer(loadings, loadings))[beside] ** 2).sum()

    def deviance(logs):
        root = np.exp(logs / 2)
        rest = np.linalg.eigvalsh(correlation / np.outer(root, root))[:-1]
        return (rest - np.log(rest) - 1).sum()

    ends = [(-(0.995**0.5), 0.995**0.5)] * 5
    best = minimize(residuals, np.full(5, 0.6), bounds=ends, method="L-BFGS-B", tol=1e-14).fun
    assert residuals(_minres(correlation[None])[0]) == pytest.approx(best, abs=1e-9)
    best = minimize(deviance, np.full(5, -0.7), bounds=[(np.log(0.005), 0)] * 5, method="L-BFGS-B").fun
    unique = 1 - _most_likely(correlation[None])[0] ** 2
    assert deviance(np.log(unique)) == pytest.approx(best, abs=1e-6)


def test_an_improper_solution_stops_at_the_bound():
    # The first two items have more in common than one factor can give beside the third.
    correlation = np.array([[[1, 0.9, 0.5], [0.9, 1, 0.3], [0.5, 0.3, 1]]])
    for found in (_minres, _most_likely):
        loadings = found(correlation)[0]
        assert (loadings**2).max() == pytest.approx(0.995, abs=1e-4)


def test_the_interval_of_omega_is_repeatable_and_holds_it():
    without = mcdonald_omega(ATTITUDE)
    assert np.isnan([without.low, without.high]).all()
    for method in ("minres", "ml"):
        found = mcdonald_omega(ATTITUDE, method, replicates=300, seed=1)
        assert found.low < found.value < found.high < 1
        assert found == mcdonald_omega(ATTITUDE, method, replicates=300, seed=1)
        assert found != mcdonald_omega(ATTITUDE, method, replicates=300, seed=2)


def test_feldts_interval_holds_the_true_alpha():
    """Of 400 samples of 30 who answer four items, some 95 % of the intervals hold it."""
    random, held = np.random.default_rng(3), 0
    truth = 4 * 0.5 / (1 + 3 * 0.5)
    for _ in range(400):
        items = np.sqrt(0.5) * (random.normal(size=(30, 1)) + random.normal(size=(30, 4)))
        found = cronbach_alpha(items)
        held += found.low <= truth <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_missing_answers_listwise_and_pairwise():
    holed = ATTITUDE.astype("Float64")
    holed.loc[[0, 4], "rating"] = pd.NA
    holed.loc[9, "raises"] = pd.NA
    holed.loc[30] = pd.NA
    listwise, pairwise = cronbach_alpha(holed), cronbach_alpha(holed, missing="pairwise")
    assert listwise.n == 27
    assert listwise.value == pytest.approx(cronbach_alpha(ATTITUDE.drop(index=[0, 4, 9])).value)
    # Each covariance from those who answer both, written out.
    covariance = np.empty((7, 7))
    for row, first in enumerate(ATTITUDE):
        for column, second in enumerate(ATTITUDE):
            both = holed[[first, second]].dropna().astype(float).to_numpy()
            centred = both - both.mean(axis=0)
            covariance[row, column] = centred[:, 0] @ centred[:, 1] / (len(both) - 1)
    assert pairwise.value == pytest.approx(7 / 6 * (1 - np.trace(covariance) / covariance.sum()))
    assert pairwise.n == 30
    assert item_statistics(holed, missing="pairwise")["n"].tolist() == [28, 30, 30, 30, 29, 30, 30]
    assert item_statistics(holed)["n"].tolist() == [27] * 7
    assert 0 < mcdonald_omega(holed, missing="pairwise").value < 1
    for missing in ("listwise", "pairwise"):
        assert cronbach_alpha(ATTITUDE, missing=missing) == cronbach_alpha(ATTITUDE)


@given(st.integers(0, 10_000), st.floats(0.1, 50), st.floats(-20, 20))
@settings(max_examples=30)
def test_alpha_and_omega_know_no_order_and_no_scale(seed, factor, shift):
    random = np.random.default_rng(seed)
    items = pd.DataFrame(random.normal(size=(40, 4)) + random.normal(size=(40, 1)), columns=list("abcd"))
    other = (items.sample(frac=1, random_state=seed)[["d", "b", "a", "c"]]) * factor + shift
    assert cronbach_alpha(other).value == pytest.approx(cronbach_alpha(items).value)
    assert cronbach_alpha(items).value <= 1
    for method in ("minres", "ml"):
        stretched = items.assign(a=items["a"] * factor + shift)[["b", "a", "d", "c"]]
        assert mcdonald_omega(stretched, method).value == pytest.approx(
            mcdonald_omega(items, method).value, abs=1e-5
        )


def test_an_item_worded_the_other_way_round_shows():
    found = item_statistics(ATTITUDE.assign(raises=-ATTITUDE["raises"]))
    assert found["item_rest"].idxmin() == "raises"
    assert found.loc["raises", "item_rest"] < 0
    assert found["alpha_if_deleted"].idxmax() == "raises"


def test_two_items_have_no_alpha_without_one_of_them():
    found = item_statistics(ATTITUDE[["rating", "raises"]])
    assert found["alpha_if_deleted"].isna().all()
    assert found["item_rest"].tolist() == pytest.approx([ATTITUDE["rating"].corr(ATTITUDE["raises"])] * 2)


@pytest.mark.parametrize("measure", [cronbach_alpha, item_statistics, mcdonald_omega])
@pytest.mark.parametrize(
    ("items", "words"),
    [
        (ATTITUDE[["rating"]], r"At least \d items are needed, not 1"),
        (ATTITUDE.iloc[:1], "Only 1 of 1 respondents answer every item"),
        (ATTITUDE.assign(rating=None), "item 'rating' has no answer at all"),
        (ATTITUDE.assign(rating="a"), "item 'rating' holds str, not numbers"),
        (ATTITUDE * 0, "sum of the items does not vary"),
        (ATTITUDE.where(np.eye(30, 7) == 0).iloc[:7], "Only 0 of 7 respondents answer every item"),
    ],
)
def test_items_that_tell_nothing_are_refused(measure, items, words):
    with pytest.raises(ParameterError, match=words):
        measure(items)


def test_other_impossible_wishes_are_refused():
    with pytest.raises(ParameterError, match="missing is 'listwise' or 'pairwise', not 'mean'"):
        cronbach_alpha(ATTITUDE, missing="mean")
    with pytest.raises(ParameterError, match="level is a share between 0 and 1"):
        cronbach_alpha(ATTITUDE, level=95)
    with pytest.raises(ParameterError, match="method is 'minres' or 'ml', not 'pca'"):
        mcdonald_omega(ATTITUDE, method="pca")
    with pytest.raises(ParameterError, match="replicates is a whole number of bootstrap samples, not 1"):
        mcdonald_omega(ATTITUDE, replicates=1)
    with pytest.raises(ParameterError, match="All respondents answer the item 'raises' alike"):
        mcdonald_omega(ATTITUDE.assign(raises=3))
    apart = ATTITUDE.iloc[:6].astype(float)
    apart.loc[:2, "rating"], apart.loc[3:, "raises"] = np.nan, np.nan
    with pytest.raises(ParameterError, match="Fewer than two respondents answer 'rating' and 'raises'"):
        cronbach_alpha(apart, missing="pairwise")
    holed = ATTITUDE.astype(float)
    holed.iloc[0, 0] = np.nan
    with pytest.raises(ParameterError, match="Bootstrap samples need complete respondents"):
        mcdonald_omega(holed, replicates=10, missing="pairwise")


def test_correlations_of_what_does_not_vary_are_none():
    assert as_correlation(np.array([[4.0, 0], [0, 0]])).tolist() == [[1, 0], [0, 0]]
