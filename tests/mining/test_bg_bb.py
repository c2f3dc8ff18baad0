"""BG/BB against the paper's donors, a story told by brute force, and simulation."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers import BGBB

PARAMS = {"alpha": 1.3, "beta": 0.8, "gamma": 0.7, "delta": 2.5}


def histories(*rows: tuple[int, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["frequency", "recency", "T"])


def simulate(n: int, seed: int, periods: int, alpha: float, beta: float, gamma: float, delta: float):
    random = np.random.default_rng(seed)
    buys, leaves = random.beta(alpha, beta, (n, 1)), random.beta(gamma, delta, (n, 1))
    active = np.logical_and.accumulate(random.random((n, periods)) >= leaves, axis=1)
    made = active & (random.random((n, periods)) < buys)
    last = np.where(made.any(axis=1), periods - made[:, ::-1].argmax(axis=1), 0)
    return pd.DataFrame({"frequency": made.sum(axis=1), "recency": last, "T": periods})


@pytest.fixture(scope="module")
def donors(public_data) -> pd.DataFrame:
    """donations.csv: 11,104 donors in 22 rows, and what they gave in the five years after."""
    return pd.read_csv(public_data / "donations_bgbb" / "donations.csv").rename(columns={"periods": "T"})


@pytest.fixture(scope="module")
def fitted(donors) -> BGBB:
    return BGBB().fit(donors, donors["weights"])


def test_donors_have_the_published_optimum(donors, fitted):
    published = {"alpha": 1.203522, "beta": 0.749716, "gamma": 0.656718, "delta": 2.783443}
    assert fitted.params_ == pytest.approx(published, rel=1e-6)
    assert list(fitted.params_) == list(published)
    assert fitted.log_likelihood_ == pytest.approx(-33225.581274, abs=1e-5)
    assert fitted.n_customers_ == 11104
    assert fitted.convergence_.status == "converged"


def test_donors_in_the_years_to_come(donors, fitted):
    ahead = fitted.expected_purchases(5, donors)
    assert ahead @ donors["weights"] == pytest.approx(12884.157, abs=0.0005)
    assert fitted.expected_purchases(10) == pytest.approx(3.179829, abs=5e-7)
    assert fitted.expected_purchases(10, histories((0, 0, 6), (4, 5, 6))).tolist() == pytest.approx(
        [0.130218, 3.627968], abs=5e-7
    )
    annual = np.diff(fitted.expected_purchases(np.arange(12))) * 11104
    published = [5535.8, 4717.0, 4147.6, 3724.7, 3395.9, 3131.7, 2913.8, 2730.5, 2573.8, 2437.9, 2318.8]
    assert annual.round(1).tolist() == published


def test_donors_still_active_and_what_all_they_will_give_is_worth(donors, fitted):
    three = histories((0, 0, 6), (2, 4, 6), (6, 6, 6))
    assert fitted.probability_alive(three).round(4).tolist() == [0.1081, 0.5897, 0.9304]
    five = histories((0, 0, 6), (1, 1, 6), (2, 4, 6), (4, 5, 6), (6, 6, 6))
    worth = fitted.discounted_expected_residual_transactions(five, discount_rate=0.1)
    assert worth.round(4).tolist() == [0.1148, 0.1350, 1.6656, 3.1971, 5.9099]
    everybody = fitted.discounted_expected_residual_transactions(donors, discount_rate=0.1)
    assert everybody @ donors["weights"] == pytest.approx(20291.30, abs=0.005)


def test_a_row_per_donor_or_an_engine_gives_the_same(donors, fitted):
    rows = donors.loc[donors.index.repeat(donors["weights"]), ["frequency", "recency", "T"]]
    assert BGBB().fit(crm.as_table(rows)).params_ == pytest.approx(fitted.params_, rel=1e-12)


def by_story(x: int, recency: int, age: int, ahead: int, level: int = 400) -> tuple[float, ...]:
    """Likelihood, probability alive at the next opportunity, purchases ahead: integrals."""
    from scipy.stats import beta

    grid = (np.arange(level) + 0.5) / level
    buys = beta.ppf(grid, PARAMS["alpha"], PARAMS["beta"])[:, None]
    stays = 1 - beta.ppf(grid, PARAMS["gamma"], PARAMS["delta"])[None]
    likelihood = 0.0
    for active in range(recency, age + 1):
        ends = stays**active * (1 if active == age else 1 - stays)
        likelihood = likelihood + buys**x * (1 - buys) ** (active - x) * ends
    alive = buys**x * (1 - buys) ** (age - x) * stays ** (age + 1)
    later = sum(alive * stays**step * buys for step in range(ahead))
    total = likelihood.mean()
    return total, alive.mean() / total, later.mean() / total


@pytest.mark.parametrize("history", [(0, 0, 4), (1, 1, 5), (2, 5, 5), (3, 4, 6)])
def test_formulas_are_the_integrals_of_the_story(history):
    model, summary = BGBB.from_params(**PARAMS), histories(history)
    likelihood, alive, ahead = by_story(*history, 7)
    assert model.log_likelihood(summary) == pytest.approx(np.log(likelihood), abs=2e-3)
    assert model.probability_alive(summary)[0] == pytest.approx(alive, rel=4e-3)
    assert model.expected_purchases(7, summary)[0] == pytest.approx(ahead, rel=4e-3)


def test_the_chances_of_all_histories_sum_to_one():
    model = BGBB.from_params(**PARAMS)
    total, by_count = 0.0, np.zeros(6)
    for made in product((0, 1), repeat=5):
        last = max((place + 1 for place, one in enumerate(made) if one), default=0)
        chance = np.exp(model.log_likelihood(histories((sum(made), last, 5))))
        total += chance
        by_count[sum(made)] += chance
    assert total == pytest.approx(1, abs=1e-12)
    assert model.purchase_probability(np.arange(6), 5) == pytest.approx(by_count, abs=1e-12)
    assert model.purchase_probability(np.arange(6), 5) @ np.arange(6) == pytest.approx(
        float(model.expected_purchases(5)), abs=1e-12
    )
    assert model.purchase_probability([0, 1, 3], [0, 0, 2]).tolist() == pytest.approx([1, 0, 0], abs=1e-15)


def test_discounted_purchases_are_the_sum_of_all_years():
    model, summary = BGBB.from_params(**PARAMS), histories((0, 0, 3), (2, 2, 6), (6, 6, 6))
    years = [model.expected_purchases(t, summary) for t in range(300)]
    summed = sum((years[t] - years[t - 1]) / 1.2**t for t in range(1, 300))
    closed = model.discounted_expected_residual_transactions(summary, discount_rate=0.2)
    assert closed.tolist() == pytest.approx(summed.tolist(), rel=1e-9)
    new = np.diff(model.expected_purchases(np.arange(300))) @ 1.2 ** -np.arange(1.0, 300)
    assert model.discounted_expected_residual_transactions(discount_rate=0.2) == pytest.approx(new, rel=1e-9)


def test_the_gradient_is_the_slope_of_the_log_likelihood():
    model = BGBB()
    data = model._prepare(model._count(simulate(300, 3, 8, **PARAMS), None))
    for params in np.random.default_rng(4).uniform(0.1, 6, (10, 4)):
        _, gradient = model._log_likelihood(params, data)
        for place, slope in enumerate(gradient):
            step = np.eye(4)[place] * params[place] * 1e-6
            up, down = (model._log_likelihood(params + s, data)[0] for s in (step, -step))
            assert slope == pytest.approx((up - down) / (2 * step[place]), rel=1e-5, abs=1e-4)


def test_simulated_customers_give_the_parameters_back():
    fitted = BGBB().fit(simulate(40_000, 5, 12, **PARAMS))
    for name, value in PARAMS.items():
        assert abs(fitted.params_[name] - value) < 4 * fitted.standard_errors_[name]
        assert fitted.standard_errors_[name] < 0.1 * value


@given(
    params=st.fixed_dictionaries({name: st.floats(0.05, 8) for name in PARAMS}),
    made=st.lists(st.booleans(), min_size=1, max_size=15),
    t=st.integers(1, 40),
)
@settings(max_examples=100, deadline=None)
def test_predictions_keep_their_bounds(params, made, t):
    last = max((place + 1 for place, one in enumerate(made) if one), default=0)
    model, summary = BGBB.from_params(**params), histories((sum(made), last, len(made)))
    now, soon, later = (model.probability_alive(summary, k)[0] for k in (0, 1, 1 + t))
    assert 0 <= later <= soon <= now <= 1 + 1e-12
    if last == len(made):
        assert now == pytest.approx(1, abs=1e-12)
    expected = model.expected_purchases(t, summary)[0]
    assert 0 <= expected <= t * soon + 1e-12
    worth = model.discounted_expected_residual_transactions(summary, discount_rate=0.1)[0]
    assert expected / 1.1**t - 1e-12 <= worth <= 10 * soon + 1e-9


def test_wrong_calls_are_sentences():
    with pytest.raises(TableError, match="T of the summary is no whole number"):
        BGBB().fit(histories((1, 2, 5.5)))
    with pytest.raises(TableError, match="larger than the opportunities up to the last one in 1 of 2 rows"):
        BGBB().fit(histories((1, 2, 5), (3, 2, 5)))
    model = BGBB.from_params(**PARAMS)
    with pytest.raises(ParameterError, match="t holds whole numbers"):
        model.expected_purchases(1.5)
    with pytest.raises(ParameterError, match="positive rate per opportunity"):
        model.discounted_expected_residual_transactions(discount_rate=0)
    with pytest.raises(ParameterError, match="one number"):
        model.expected_purchases([1, 2], histories((1, 2, 5)))
