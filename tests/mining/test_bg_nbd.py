"""BG/NBD and MBG/NBD against published tables, brute force and simulation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1
from scipy.stats import beta as beta_distribution
from scipy.stats import gamma as gamma_distribution

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers import BGNBD, MBGNBD
from crmlab.mining.customers.lifetime.special import beta_quadrature

MODELS = [BGNBD, MBGNBD]

# Fader, Hardie and Lee (2005), the parameters of their table 2 and of their spreadsheet note.
PAPER = BGNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
SPREADSHEET = BGNBD.from_params(r=0.242594523, alpha=4.413602019, a=0.792922017, b=2.425906777)


def histories(*rows: tuple[int, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["frequency", "recency", "T"])


def simulate(model: type, n: int, seed: int, **params: float) -> pd.DataFrame:
    """Customers who buy and leave as the model's story says, followed one to two years in days."""
    random = np.random.default_rng(seed)
    age = random.integers(365, 730, n).astype(float)
    rate = random.gamma(params["r"], 1 / params["alpha"], n)
    chance = random.beta(params["a"], params["b"], n)
    count, last, time = np.zeros(n), np.zeros(n), np.zeros(n)
    active = np.arange(n)
    if model is MBGNBD:
        active = active[random.random(n) >= chance]
    while len(active):
        time[active] += random.exponential(1 / rate[active])
        active = active[time[active] < age[active]]
        count[active] += 1
        last[active] = time[active]
        active = active[random.random(len(active)) >= chance[active]]
    return pd.DataFrame({"frequency": count.astype(int), "recency": last, "T": age})


def of(values: dict[str, float], digits: int = 6) -> list[float]:
    return [round(value, digits) for value in values.values()]


def test_bg_nbd_of_cdnow_is_the_published_optimum(cdnow):
    model = BGNBD().fit(cdnow)
    assert list(model.params_) == ["r", "alpha", "a", "b"]
    assert of(model.params_) == [0.242595, 4.413602, 0.792922, 2.425907]
    assert of(model.standard_errors_) == pytest.approx([0.012557, 0.378224, 0.185733, 0.705412], abs=3e-6)
    assert model.log_likelihood_ == pytest.approx(-9582.429207, abs=1e-5)
    assert model.convergence_.status == "converged"
    assert model.convergence_.gradient < 1e-9
    assert model.n_customers_ == 2357


def test_mbg_nbd_of_cdnow_is_the_published_optimum(cdnow):
    model = MBGNBD().fit(cdnow)
    assert of(model.params_) == [0.524843, 6.183085, 0.891359, 1.614002]
    assert of(model.standard_errors_) == pytest.approx([0.083268, 0.695618, 0.154789, 0.537490], abs=6e-6)
    assert model.log_likelihood_ == pytest.approx(-9582.135716, abs=1e-5)


@pytest.mark.parametrize(
    ("model", "params", "log_likelihood"),
    [(BGNBD, [0.242593, 4.413531, 0.792886, 2.425754], -9582.425561), (MBGNBD, None, -9582.132685)],
)
def test_weeks_rounded_to_two_decimals_have_their_own_optimum(public_data, model, params, log_likelihood):
    fitted = model().fit(pd.read_csv(public_data / "cdnow" / "cdnow_customers_summary.csv"))
    assert fitted.log_likelihood_ == pytest.approx(log_likelihood, abs=1e-5)
    assert params is None or of(fitted.params_) == pytest.approx(params, abs=1.5e-6)


def test_holdout_of_cdnow_by_calibration_count(cdnow):
    expected = BGNBD().fit(cdnow).expected_purchases(39, cdnow)
    by_count = expected.groupby(cdnow["frequency"].clip(upper=7)).mean()
    published = [0.2251, 0.5231, 1.0441, 1.5203, 2.1639, 2.6538, 3.5040, 6.1572]
    assert by_count.round(4).tolist() == published
    assert expected.sum() == pytest.approx(1653.41, abs=0.005)
    assert (expected - cdnow["holdout"]).abs().mean() == pytest.approx(0.7855, abs=5e-5)


def test_tracking_of_cdnow(cdnow):
    model = BGNBD().fit(cdnow)
    start = cdnow["T"].max() - cdnow["T"]  # weeks from the first day of the cohort to each first purchase
    for week, published in [(20, 1312.46), (25, 1669.60), (39, 2501.53), (78, 4165.66)]:
        expected = model.expected_purchases(np.maximum(week - start, 0))
        assert expected.sum() == pytest.approx(published, abs=0.005)


def test_an_engine_counts_what_a_frame_counts(cdnow):
    orders = crm.as_table(cdnow[["frequency", "recency", "T"]])
    assert BGNBD().fit(orders).params_ == pytest.approx(BGNBD().fit(cdnow).params_, rel=1e-9)


def test_published_probabilities_of_counts():
    assert PAPER.purchase_probability(0, 39) == pytest.approx(0.5737864, abs=5e-8)
    assert PAPER.purchase_probability(10, 2) == pytest.approx(1.07869e-7, rel=5e-6)
    published = [0.0019995214, 0.0015170236, 0.0011633150, 0.0009003148, 0.0007023638,
                 0.0005517902, 0.0004361913, 0.0003467171, 0.0002769613, 0.0002222260]  # fmt: skip
    np.testing.assert_allclose(PAPER.purchase_probability(np.arange(11, 21), 30), published, atol=5e-11)


def test_published_expectations():
    weeks = [1 / 7, 1, 3, 31.857, 32, 78]
    assert PAPER.expected_purchases(weeks).round(5).tolist() == pytest.approx(
        [0.00783, 0.05327, 0.15087, 1.04200, 1.04524, 1.86052], abs=1.1e-5
    )
    sheet = [0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576]
    assert SPREADSHEET.expected_purchases(weeks) == pytest.approx(sheet, abs=4e-4)
    assert SPREADSHEET.expected_purchases(52) == pytest.approx(1.444012, abs=5e-7)
    assert PAPER.expected_purchases(39, histories((2, 30.43, 38.86)))[0] == pytest.approx(1.2260, abs=5e-5)


def test_published_customers():
    customer = histories((26, 30.857143, 31))
    assert SPREADSHEET.expected_purchases(52, customer)[0] == pytest.approx(25.7573, abs=5e-5)
    assert SPREADSHEET.probability_alive(customer)[0] == pytest.approx(0.968854, abs=5e-7)
    # The more a customer has bought before he fell silent, the surer it is that he has left.
    silent = histories(*[(x, 20, 39) for x in (10, 15, 20, 25)])
    expected = SPREADSHEET.expected_purchases(52, silent)
    assert expected.tolist() == pytest.approx([0.34748, 0.04284, 0.004159, 0.000358], abs=5.1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_the_gradient_is_the_slope_of_the_log_likelihood(model):
    summary = simulate(model, 300, 3, r=0.6, alpha=60, a=0.8, b=2.5)
    fitted = model()
    data = fitted._prepare(fitted._count(summary, None))
    for params in np.random.default_rng(4).uniform(0.2, 3, (10, 4)) * [1, 50, 1, 1]:
        _, gradient = fitted._log_likelihood(params, data)
        for place, slope in enumerate(gradient):
            step = np.eye(4)[place] * params[place] * 1e-6
            up, down = (fitted._log_likelihood(params + s, data)[0] for s in (step, -step))
            assert slope == pytest.approx((up - down) / (2 * step[place]), rel=1e-5, abs=1e-4)


def by_quadrature(model: type, x: int, recency: float, age: float, t: float, params: dict) -> tuple:
    """Likelihood, probability alive and expected purchases, integrated over rates and chances."""
    r, alpha, a, b = params.values()
    level = (np.arange(1500) + 0.5) / 1500
    rate = gamma_distribution.ppf(level, r, scale=1 / alpha)[:, None]
    chance = beta_distribution.ppf(level, a, b)[None]
    stays = (1 - chance) ** (x + (model is MBGNBD))
    alive = rate**x * stays * np.exp(-rate * age)
    left = rate**x * chance * (1 - chance) ** (x - 1 + (model is MBGNBD)) * np.exp(-rate * recency)
    left = left if x or model is MBGNBD else 0 * left
    ahead = -np.expm1(-rate * chance * t) / chance
    total = (alive + left).mean()
    return total, alive.mean() / total, (alive * ahead).mean() / total


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("history", [(0, 0, 30), (1, 4, 30), (5, 28, 30), (3, 30, 30)])
def test_formulas_are_the_integrals_of_the_story(model, history):
    params = {"r": 1.7, "alpha": 6.0, "a": 1.4, "b": 2.6}
    fitted, summary = model.from_params(**params), histories(history)
    likelihood, alive, ahead = by_quadrature(model, *history, 20, params)
    assert fitted.log_likelihood(summary) == pytest.approx(np.log(likelihood), abs=2e-3)
    assert fitted.probability_alive(summary)[0] == pytest.approx(alive, rel=3e-3)
    assert fitted.expected_purchases(20, summary)[0] == pytest.approx(ahead, rel=3e-3)


@pytest.mark.parametrize("a", [0.3, 0.9, 1.7, 4.0])
@pytest.mark.parametrize("history", [(0, 0, 9), (2, 8, 12), (12, 30, 39)])
def test_expectations_equal_the_hypergeometric_form(a, history):
    r, alpha, b, t = 0.7, 5.0, 2.2, 26.0
    x, recency, age = history
    shape, end = r + x, alpha + age + t
    for model, k in ((BGNBD, 0), (MBGNBD, 1)):
        y = x + k
        papers = (a + b + y - 1) / (a - 1) * (
            1 - ((alpha + age) / end) ** shape * hyp2f1(shape, b + y, a + b + y - 1, t / end)
        )  # fmt: skip
        fitted = model.from_params(r=r, alpha=alpha, a=a, b=b)
        alive = fitted.probability_alive(histories(history))[0]
        assert fitted.expected_purchases(t, histories(history))[0] == pytest.approx(papers * alive, rel=1e-9)


def test_expectations_where_the_papers_form_divides_by_zero():
    at_one = BGNBD.from_params(r=0.5, alpha=4, a=1, b=2).expected_purchases(52)
    beside = [BGNBD.from_params(r=0.5, alpha=4, a=1 + d, b=2).expected_purchases(52) for d in (-1e-4, 1e-4)]
    assert at_one == pytest.approx(np.mean(beside), rel=1e-7)
    assert BGNBD.from_params(r=0.5, alpha=4, a=0.5, b=0.5).expected_purchases(52) > 0
    # Nobody leaves: the mean of the negative binomial, also for a very busy customer and far ahead.
    stays = BGNBD.from_params(r=0.5, alpha=4, a=1e-12, b=1)
    assert stays.expected_purchases([52, 4000]) == pytest.approx([6.5, 500], rel=1e-9)
    assert stays.expected_purchases(40, histories((3000, 36, 36)))[0] == pytest.approx(3000.5, rel=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_probabilities_of_counts_sum_to_one_and_to_the_expectation(model):
    fitted = model.from_params(r=1.3, alpha=5, a=0.9, b=2.1)
    n = np.arange(400)
    chances = fitted.purchase_probability(n, 20)
    assert chances.sum() == pytest.approx(1, abs=1e-9)
    assert chances @ n == pytest.approx(float(fitted.expected_purchases(20)), rel=1e-9)
    assert fitted.purchase_probability([0, 1], 0).tolist() == pytest.approx([1, 0], abs=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_simulated_customers_give_the_parameters_back(model):
    truth = {"r": 0.8, "alpha": 40.0, "a": 0.9, "b": 3.0}
    summary = simulate(model, 60_000, 5, **truth)
    fitted = model().fit(summary)
    for name, value in truth.items():
        assert abs(fitted.params_[name] - value) < 4 * fitted.standard_errors_[name]
    # More than 20,000 distinct histories: the way led over a sample, the optimum is of all.
    assert fitted.convergence_.gradient < 1e-9
    assert fitted.log_likelihood_ >= model.from_params(**truth).log_likelihood(summary)


def test_standard_errors_have_the_spread_of_estimates():
    truth = {"r": 1.0, "alpha": 40.0, "a": 1.0, "b": 2.5}
    fits = [BGNBD().fit(simulate(BGNBD, 3000, seed, **truth)) for seed in range(60)]
    for name in truth:
        spread = np.std([fit.params_[name] for fit in fits], ddof=1)
        assert np.mean([fit.standard_errors_[name] for fit in fits]) == pytest.approx(spread, rel=0.3)


def test_who_never_came_back_is_active_in_one_model_only():
    once = histories((0, 0, 39))
    assert BGNBD.from_params(r=0.5, alpha=6, a=0.9, b=1.6).probability_alive(once)[0] == 1
    assert 0.3 < MBGNBD.from_params(r=0.5, alpha=6, a=0.9, b=1.6).probability_alive(once)[0] < 0.5


HISTORY = st.tuples(st.integers(0, 60), st.floats(0.001, 1), st.floats(0.5, 500)).map(
    lambda row: (row[0], row[1] * row[2] if row[0] else 0.0, row[2])
)
PARAMS = st.fixed_dictionaries(
    {"r": st.floats(0.05, 5), "alpha": st.floats(0.1, 200), "a": st.floats(0.05, 5), "b": st.floats(0.05, 8)}
)


@given(model=st.sampled_from(MODELS), params=PARAMS, history=HISTORY, t=st.floats(0.1, 300))
@settings(max_examples=60, deadline=None)
def test_predictions_keep_their_bounds(model, params, history, t):
    fitted, summary = model.from_params(**params), histories(history)
    alive = fitted.probability_alive(summary)[0]
    assert 0 <= alive <= 1
    expected = fitted.expected_purchases(t, summary)[0]
    unending = alive * (params["r"] + history[0]) * t / (params["alpha"] + history[2])
    assert 0 <= expected <= unending * (1 + 1e-9)
    assert fitted.expected_purchases(2 * t, summary)[0] >= expected
    # The longer the silence, the surer that the customer has left.
    later = histories((history[0], history[1], history[2] + t))
    assert fitted.probability_alive(later)[0] <= alive
    # A change of the unit of time changes no answer.
    days = model.from_params(**params | {"alpha": 7 * params["alpha"]})
    in_days = histories((history[0], 7 * history[1], 7 * history[2]))
    assert days.expected_purchases(7 * t, in_days)[0] == pytest.approx(expected, rel=1e-9)


def test_rows_may_come_in_any_order_or_counted():
    summary = simulate(BGNBD, 500, 7, r=0.8, alpha=40, a=0.9, b=3).round()
    summary.loc[summary["frequency"].gt(0) & summary["recency"].eq(0), "recency"] = 1.0
    fitted = BGNBD().fit(summary)
    shuffled = BGNBD().fit(summary.sample(frac=1, random_state=1))
    assert shuffled.params_ == fitted.params_
    counts = summary.value_counts().rename("customers").reset_index()
    assert BGNBD().fit(counts, counts["customers"]).params_ == fitted.params_
    doubled = BGNBD().fit(summary, np.full(500, 2.0))
    assert doubled.params_ == pytest.approx(fitted.params_, rel=1e-7)
    assert doubled.standard_errors_["r"] == pytest.approx(fitted.standard_errors_["r"] / 2**0.5, rel=1e-5)


@pytest.mark.parametrize("a", [0.02, 1.0, 30.0, 1e4, 1e7])
@pytest.mark.parametrize("b", [0.3, 5.0, 900.0, 1e8])
def test_means_over_chances_are_exact_for_powers(a, b):
    chance, weight = beta_quadrature(a, b)
    powers = [weight @ chance**n for n in range(6)]
    rising = np.cumprod([1.0] + [(a + n) / (a + b + n) for n in range(5)])
    assert powers == pytest.approx(rising, rel=1e-12)


def test_a_ridge_is_told_in_words_and_has_no_standard_errors():
    # Everybody leaves with the same chance of one third: a and b run away together.
    summary = simulate(BGNBD, 2000, 11, r=1.5, alpha=30, a=1e7, b=2e7)
    model = BGNBD()
    with pytest.warns(UserWarning, match="ridge: the log-likelihood rises as"):
        model.fit(summary)
    assert model.convergence_.status == "ridge"
    assert model.convergence_.ridge == ("a", "b")
    assert np.isnan([model.standard_errors_["a"], model.standard_errors_["b"]]).all()
    assert model.params_["a"] / (model.params_["a"] + model.params_["b"]) == pytest.approx(1 / 3, abs=0.03)
    assert abs(model.params_["r"] - 1.5) < 4 * model.standard_errors_["r"]
    # A mean over chances that hardly differ, and the closed form.
    at_once = model.discounted_purchases([365.0], 0.0, summary)
    assert at_once.to_numpy() == pytest.approx(model.expected_purchases(365, summary).to_numpy(), rel=1e-8)


@pytest.mark.parametrize(
    ("row", "column"),
    [((-1, 0, 5), "frequency"), ((1.5, 2, 5), "frequency"), ((1, 6, 5), "recency"), ((0, 2, 5), "recency"),
     ((2, 0, 5), "recency"), ((1, 2, np.nan), "T")],
)  # fmt: skip
def test_impossible_histories_are_refused_with_their_rows(row, column):
    summary = histories((1, 2, 5), row).set_index(pd.Index(["good", "bad"]))
    with pytest.raises(TableError, match=f"The column {column} of the summary .* in 1 of 2 rows") as caught:
        BGNBD().fit(summary)
    assert caught.value.rows == ["bad"]


def test_wrong_calls_are_sentences():
    with pytest.raises(TableError, match="bought a second time"):
        BGNBD().fit(histories((0, 0, 5), (0, 0, 9)))
    with pytest.raises(TableError, match="holds no customer"):
        MBGNBD().fit(histories())
    with pytest.raises(TableError, match="recency"):
        BGNBD().fit(pd.DataFrame({"frequency": [1], "T": [2.0]}))
    with pytest.raises(ParameterError, match="call fit first"):
        BGNBD().expected_purchases(5)
    with pytest.raises(ParameterError, match="has the parameters r, alpha, a, b"):
        BGNBD.from_params(r=1, alpha=2)
    with pytest.raises(ParameterError, match="a is a positive number"):
        BGNBD.from_params(r=1, alpha=2, a=0, b=1)
    with pytest.raises(ParameterError, match="time ahead"):
        PAPER.expected_purchases(-1)
    with pytest.raises(ParameterError, match="one number"):
        PAPER.expected_purchases([1, 2], histories((0, 0, 5)))
    with pytest.raises(ParameterError, match="whole number of purchases"):
        PAPER.purchase_probability(1.5, 3)
    with pytest.raises(ParameterError, match="one number per row"):
        BGNBD().fit(histories((1, 2, 5)), [1, 2])
