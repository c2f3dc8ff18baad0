"""Pareto/NBD against published tables, integrals of its story and simulation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import hyp2f1, hyperu
from scipy.stats import gamma as gamma_distribution

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers import ParetoNBD
from crmlab.mining.customers.lifetime.special import discounted_time, leaves_first

# Fader and Hardie's optimum of CDNOW, to more digits than they print.
PAPER = ParetoNBD.from_params(r=0.5532770469, alpha=10.5776834633, s=0.6062399891, beta=11.668735289)


def histories(*rows: tuple[int, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["frequency", "recency", "T"])


def simulate(n: int, seed: int, r: float, alpha: float, s: float, beta: float) -> pd.DataFrame:
    """Customers who buy and leave as the model's story says, followed one to two years in days."""
    random = np.random.default_rng(seed)
    age = random.integers(365, 730, n).astype(float)
    rate = random.gamma(r, 1 / alpha, n)
    until = np.minimum(age, random.exponential(1 / random.gamma(s, 1 / beta, n)))
    count = random.poisson(rate * until)
    # The last of n purchases at random times has the distribution of the largest of n uniforms.
    last = until * random.random(n) ** (1 / np.maximum(count, 1)) * (count > 0)
    return pd.DataFrame({"frequency": count, "recency": last, "T": age})


@pytest.fixture(scope="module")
def cdnow_78(cdnow_lines) -> pd.DataFrame:
    """The same customers followed 78 weeks; several purchases on a day are one."""
    lines = cdnow_lines[["customer_id", "time"]].drop_duplicates()
    days = lines.groupby("customer_id")["time"].agg(["min", "max", "count"])
    return pd.DataFrame({
        "frequency": days["count"] - 1, "recency": (days["max"] - days["min"]).dt.days / 7,
        "T": (pd.Timestamp("1998-06-30") - days["min"]).dt.days / 7,
    })  # fmt: skip


def of(values: dict[str, float], digits: int = 6) -> list[float]:
    return [round(value, digits) for value in values.values()]


def test_cdnow_is_the_published_optimum(cdnow):
    model = ParetoNBD().fit(cdnow)
    assert list(model.params_) == ["r", "alpha", "s", "beta"]
    assert of(model.params_) == pytest.approx([0.553277, 10.577683, 0.606240, 11.668738], abs=4e-6)
    assert of(model.params_, 3) == [0.553, 10.578, 0.606, 11.669]
    published = [0.0476264, 0.8427222, 0.1872594, 6.2105]
    assert list(model.standard_errors_.values()) == pytest.approx(published, rel=2e-4)
    assert model.log_likelihood_ == pytest.approx(-9594.976179, abs=1e-6)
    assert model.convergence_.status == "converged"
    assert model.convergence_.gradient < 1e-9
    assert model.n_customers_ == 2357


def test_weeks_rounded_to_two_decimals_have_their_own_optimum(public_data):
    fitted = ParetoNBD().fit(pd.read_csv(public_data / "cdnow" / "cdnow_customers_summary.csv"))
    assert fitted.log_likelihood_ == pytest.approx(-9594.973930, abs=1e-6)


def test_cdnow_of_78_weeks_is_the_published_optimum(cdnow, cdnow_78):
    model = ParetoNBD().fit(cdnow_78)
    assert of(model.params_) == pytest.approx([0.563004, 12.559170, 0.408107, 10.514547], abs=4e-6)
    assert model.log_likelihood_ == pytest.approx(-17135.8358861, abs=1e-6)
    # How well these parameters stand the first 39 weeks.
    assert model.log_likelihood(cdnow) == pytest.approx(-9608.2547, abs=5e-5)


def test_holdout_of_cdnow_by_calibration_count(cdnow):
    expected = ParetoNBD().fit(cdnow).expected_purchases(39, cdnow)
    by_count = expected.groupby(cdnow["frequency"].clip(upper=7)).mean()
    published = [0.1384, 0.5995, 1.1958, 1.7138, 2.3983, 2.9072, 3.8186, 6.4031]
    assert by_count.round(4).tolist() == published
    assert expected.sum() == pytest.approx(1665.51, abs=0.005)
    assert (expected - cdnow["holdout"]).abs().mean() == pytest.approx(0.7545, abs=5e-5)


def test_tracking_of_cdnow(cdnow):
    start = cdnow["T"].max() - cdnow["T"]  # weeks from the first day of the cohort to each first purchase
    published = {20: 1308.91, 21: 1385.33, 22: 1459.99, 23: 1532.97, 24: 1604.39, 25: 1674.32,
                 39: 2532.78, 78: 4275.39}  # fmt: skip
    for week, purchases in published.items():
        expected = PAPER.expected_purchases(np.maximum(week - start, 0))
        assert expected.sum() == pytest.approx(purchases, abs=0.01)


def test_an_engine_counts_what_a_frame_counts(cdnow):
    orders = crm.as_table(cdnow[["frequency", "recency", "T"]])
    assert ParetoNBD().fit(orders).params_ == pytest.approx(ParetoNBD().fit(cdnow).params_, rel=1e-9)


def test_published_customers():
    assert PAPER.expected_purchases(52) == pytest.approx(1.473434, abs=5e-7)
    customer = histories((26, 30.857143, 31))
    assert PAPER.expected_purchases(52, customer)[0] == pytest.approx(25.4552, abs=5e-5)
    assert PAPER.probability_alive(customer)[0] == pytest.approx(0.997873, abs=5e-7)
    # The more a customer has bought before he fell silent, the surer it is that he has left.
    silent = histories(*[(x, 20, 39) for x in (10, 15, 20, 25)])
    expected = PAPER.expected_purchases(52, silent)
    assert expected.tolist() == pytest.approx([0.70589, 0.14415, 0.02249, 0.003090], abs=5e-6)


def test_published_residual_transactions():
    # The parameters of 78 weeks as they are printed, and 15 % a year.
    model = ParetoNBD.from_params(r=0.5629966, alpha=12.5590370, s=0.4081095, beta=10.5148048)
    table = histories((7, 35, 77.86), *[(x, 30, 77.86) for x in range(1, 11)])
    published = [1.864183, 2.199155, 2.843534, 2.867128, 2.445410, 1.840502, 1.262416, 0.809618, 0.494804,
                 0.292025, 0.167928]  # fmt: skip
    residual = model.discounted_expected_residual_transactions(table, 0.0027)
    assert residual.tolist() == pytest.approx(published, abs=1e-6)


def test_the_gradient_is_the_slope_of_the_log_likelihood():
    fitted = ParetoNBD()
    data = fitted._prepare(fitted._count(simulate(300, 3, r=0.6, alpha=60, s=0.8, beta=200), None))
    spread = np.array([1, 50, 1, 50])
    cases = [*np.random.default_rng(4).uniform(0.2, 3, (10, 4)) * spread, spread,
             [0.5, 1e4, 0.5, 1.0], [0.5, 1.0, 0.5, 1e4], [40, 4e3, 50, 1e5]]  # fmt: skip
    for params in np.array(cases, dtype=float):
        _, gradient = fitted._log_likelihood(params, data)
        for place, slope in enumerate(gradient):
            step = np.eye(4)[place] * params[place] * 1e-6
            up, down = (fitted._log_likelihood(params + s, data)[0] for s in (step, -step))
            assert slope == pytest.approx((up - down) / (2 * step[place]), rel=2e-5, abs=1e-4)


@pytest.mark.parametrize("scales", [(6.0, 9.0), (9.0, 6.0), (7.0, 7.0), (2.0, 1e4), (1e4, 2.0)])
@pytest.mark.parametrize("history", [(0, 0, 30), (1, 4, 30), (5, 28, 30), (3, 30, 30), (40, 12, 900)])
def test_the_likelihood_is_the_integral_over_the_time_of_leaving(scales, history):
    r, s = 1.7, 0.6
    alpha, beta = scales
    x, recency, age = history

    def left_at(time):
        """Density of leaving then, over the chance to be active at T and no purchase since the last."""
        return np.exp(
            -(r + x) * np.log((alpha + time) / (alpha + age)) - s * np.log((beta + time) / (beta + age))
        ) * s / (beta + time)  # fmt: skip

    cuts = np.unique(np.r_[recency, np.clip(recency + np.geomspace(1e-3, 1e3, 25), recency, age), age])
    parts = [quad(left_at, *ends, epsabs=0, epsrel=1e-12)[0] for ends in zip(cuts, cuts[1:], strict=False)]
    odds = sum(parts)
    rising = sum(np.log(r + k) for k in range(x))
    active = rising + r * np.log(alpha) - (r + x) * np.log(alpha + age) + s * np.log(beta / (beta + age))
    model = ParetoNBD.from_params(r=r, alpha=alpha, s=s, beta=beta)
    assert model.log_likelihood(histories(history)) == pytest.approx(active + np.log1p(odds), rel=1e-12)
    assert model.probability_alive(histories(history))[0] == pytest.approx(1 / (1 + odds), rel=1e-11)


def test_expectations_are_the_integrals_of_the_story():
    r, alpha, s, beta, t, rate = 1.7, 6.0, 1.4, 9.0, 20.0, 0.01
    model = ParetoNBD.from_params(r=r, alpha=alpha, s=s, beta=beta)
    history = (5, 22, 30)
    leaving = gamma_distribution.ppf((np.arange(200_000) + 0.5) / 200_000, s, scale=1 / (beta + 30))
    alive = model.probability_alive(histories(history))[0] * (r + 5) / (alpha + 30)
    ahead = alive * (-np.expm1(-leaving * t) / leaving).mean()
    assert model.expected_purchases(t, histories(history))[0] == pytest.approx(ahead, rel=1e-5)
    residual = alive * (1 / (leaving + rate)).mean()
    found = model.discounted_expected_residual_transactions(histories(history), rate)[0]
    assert found == pytest.approx(residual, rel=1e-5)


def test_expectations_at_s_of_one_lie_between_their_neighbours():
    beside = [
        ParetoNBD.from_params(r=0.5, alpha=4, s=1 + d, beta=5).expected_purchases(52) for d in (-1e-5, 1e-5)
    ]
    at_one = ParetoNBD.from_params(r=0.5, alpha=4, s=1, beta=5)
    assert at_one.expected_purchases(52) == pytest.approx(np.mean(beside), rel=1e-9)
    assert at_one.expected_purchases(52) == pytest.approx(0.5 / 4 * 5 * np.log1p(52 / 5), rel=1e-14)
    # Nobody leaves: the mean of the negative binomial.
    stays = ParetoNBD.from_params(r=0.5, alpha=4, s=1e-12, beta=1)
    assert stays.expected_purchases([52, 4000]) == pytest.approx([6.5, 500], rel=1e-9)
    assert stays.probability_alive(histories((2, 3, 900)))[0] == pytest.approx(1, rel=1e-6)


def test_residual_transactions_without_discount_are_all_there_will_ever_be():
    model = ParetoNBD.from_params(r=0.5, alpha=4, s=2.5, beta=30)
    customer = histories((4, 20, 24))
    nearly = model.discounted_expected_residual_transactions(customer, 1e-9)[0]
    assert nearly == pytest.approx(model.expected_purchases(1e12, customer)[0], rel=1e-5)


@pytest.mark.parametrize("s", [0.03, 0.6, 1.0, 2.0, 37.0])
def test_discounted_time_is_tricomis_function(s):
    k = np.array([0.02, 0.3, 1.0, 4.0, 15.0])
    exact = [
        sum(quad(lambda w, k=k: k * np.exp(-k * w) * (1 + w) ** -s, *ends, epsabs=0, epsrel=1e-12)[0]
            for ends in ((0, 0.1), (0.1, 1), (1, 10), (10, 100), (100, 2000)))
        for k in k
    ]  # fmt: skip
    assert discounted_time(s, k) == pytest.approx(exact, rel=1e-10)
    assert discounted_time(s, k[2:]) == pytest.approx(k[2:] ** s * hyperu(s, s, k[2:]), rel=1e-7)


def chance(a: float, s: float, z: float) -> float:
    """The chance to leave first, integrated over the log of 1 + w by Gauss and Legendre in many pieces."""
    ends = np.r_[0, np.geomspace(1e-11, 60 / (a + s) + max(-np.log(z), 0), 90)]
    place, weight = np.polynomial.legendre.leggauss(40)
    width = np.diff(ends)[:, None] / 2
    h = ends[:-1, None] + width * (1 + place)
    other = np.log1p((z - 1) * -np.expm1(-h)) if z > 1 else np.log(np.exp(-h) - z * np.expm1(-h))
    return (width * weight * s * np.exp(-s * h - a * (h + other))).sum()


@given(
    a=st.floats(0.02, 3000), s=st.floats(0.02, 300), z=st.floats(-9, 9).map(lambda power: 10.0**power)
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_leaving_first_is_its_integral(a, s, z):
    found = leaves_first(np.array([a]), s, np.array([z]))
    assert found.log[0] == pytest.approx(np.log(chance(a, s, z)), abs=1e-10)
    # Either he leaves first or he buys first.
    other = leaves_first(np.array([s]), a, 1 / np.array([z]))
    assert np.exp(found.log[0]) + np.exp(other.log[0]) == pytest.approx(1, abs=1e-12)
    for name, step in (("in_a", a * 1e-5), ("in_s", s * 1e-5), ("in_log_z", 1e-5)):
        ends = []
        for way in (step, -step):
            moved = {"in_a": (a + way, s, z), "in_s": (a, s + way, z), "in_log_z": (a, s, z * np.exp(way))}[
                name
            ]
            ends.append(leaves_first(np.array([moved[0]]), moved[1], np.array([moved[2]])).log[0])
        assert getattr(found, name)[0] * step == pytest.approx((ends[0] - ends[1]) / 2, rel=1e-4, abs=1e-12)


def test_leaving_first_is_the_same_by_fraction_and_by_integral(monkeypatch):
    random = np.random.default_rng(2)
    a, z = np.exp(random.uniform(-3, 7, 3000)), np.exp(random.uniform(-5, 5, 3000))
    for s in (0.01, 0.6, 1.0, 2.0, 80.0):
        by_fraction = np.array(leaves_first(a, s, z))
        with monkeypatch.context() as patch:
            patch.setattr("crmlab.mining.customers.lifetime.special.FAR", 2.0)
            by_integral = np.array(leaves_first(a, s, z))
        np.testing.assert_allclose(by_fraction, by_integral, rtol=1e-11, atol=1e-12)
        below = z < 1
        gauss = s / (a + s) * hyp2f1(1, a, a + s + 1, 1 - z)
        known = below & (a < 20)  # beyond, scipy's function is not to be relied upon
        np.testing.assert_allclose(np.exp(by_fraction[0][known]), gauss[known], rtol=1e-8)


def test_simulated_customers_give_the_parameters_back():
    truth = {"r": 0.8, "alpha": 40.0, "s": 0.7, "beta": 150.0}
    summary = simulate(60_000, 5, **truth)
    fitted = ParetoNBD().fit(summary)
    for name, value in truth.items():
        assert abs(fitted.params_[name] - value) < 4 * fitted.standard_errors_[name]
        assert fitted.standard_errors_[name] < 0.1 * value
    # More than 20,000 distinct histories: the way led over a sample, the optimum is of all.
    assert fitted.convergence_.gradient < 1e-9
    assert fitted.log_likelihood_ >= ParetoNBD.from_params(**truth).log_likelihood(summary)


HISTORY = st.tuples(st.integers(0, 60), st.floats(0.001, 1), st.floats(0.5, 500)).map(
    lambda row: (row[0], row[1] * row[2] if row[0] else 0.0, row[2])
)
SCALE = st.floats(0.1, 200)
PARAMS = st.fixed_dictionaries(
    {"r": st.floats(0.05, 5), "alpha": SCALE, "s": st.floats(0.05, 5), "beta": SCALE}
)


@given(params=PARAMS, history=HISTORY, t=st.floats(0.1, 300))
@settings(max_examples=150, deadline=None)
def test_predictions_keep_their_bounds(params, history, t):
    fitted, summary = ParetoNBD.from_params(**params), histories(history)
    alive = fitted.probability_alive(summary)[0]
    assert 0 <= alive <= 1
    expected = fitted.expected_purchases(t, summary)[0]
    unending = alive * (params["r"] + history[0]) * t / (params["alpha"] + history[2])
    assert 0 <= expected <= unending * (1 + 1e-9)
    assert fitted.expected_purchases(2 * t, summary)[0] >= expected
    # Discounted for ever, or not discounted and cut off: the lesser of both is no bound, but this is.
    residual = fitted.discounted_expected_residual_transactions(summary, 1 / t)[0]
    assert expected * np.exp(-1) <= residual <= unending * (1 + 1e-9)
    # The longer the silence, the surer that the customer has left.
    later = histories((history[0], history[1], history[2] + t))
    assert fitted.probability_alive(later)[0] <= alive * (1 + 1e-12)
    # A change of the unit of time changes no answer.
    days = ParetoNBD.from_params(**params | {"alpha": 7 * params["alpha"], "beta": 7 * params["beta"]})
    in_days = histories((history[0], 7 * history[1], 7 * history[2]))
    assert days.expected_purchases(7 * t, in_days)[0] == pytest.approx(expected, rel=1e-9)


def test_histories_at_their_limits_are_finite():
    table = histories((0, 0, 0), (0, 0, 1e-9), (1, 1e-9, 1e-9), (5000, 40, 40), (5000, 1, 4e4), (0, 0, 1e9))
    for params in (
        (0.5, 10, 0.5, 10),
        (1e-4, 1e-6, 1e-4, 1e6),
        (1e5, 1e6, 1e-4, 1e-6),
        (0.3, 1e-6, 1e5, 1e7),
    ):
        model = ParetoNBD.from_params(**dict(zip(("r", "alpha", "s", "beta"), params, strict=True)))
        alive = model.probability_alive(table)
        assert alive.between(0, 1).all()
        assert alive[0] == pytest.approx(1, abs=1e-15)
        assert np.isfinite(model.log_likelihood(table))
        assert np.isfinite(model.expected_purchases(50, table)).all()
        value, gradient = model._log_likelihood(np.array(params), model._prepare(model._count(table, None)))
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


def test_rows_may_come_in_any_order_or_counted():
    summary = simulate(500, 7, r=0.8, alpha=40, s=0.9, beta=200).round()
    summary.loc[summary["frequency"].gt(0) & summary["recency"].eq(0), "recency"] = 1.0
    fitted = ParetoNBD().fit(summary)
    shuffled = ParetoNBD().fit(summary.sample(frac=1, random_state=1))
    assert shuffled.params_ == fitted.params_
    counts = summary.value_counts().rename("customers").reset_index()
    assert ParetoNBD().fit(counts, counts["customers"]).params_ == fitted.params_
    doubled = ParetoNBD().fit(summary, np.full(500, 2.0))
    assert doubled.params_ == pytest.approx(fitted.params_, rel=1e-6)
    assert doubled.standard_errors_["r"] == pytest.approx(fitted.standard_errors_["r"] / 2**0.5, rel=1e-5)


def test_a_ridge_is_told_in_words_and_has_no_standard_errors():
    # Everybody leaves at the same rate: s and beta run away together.
    summary = simulate(3000, 12, r=1.5, alpha=30, s=1e7, beta=2e9)
    model = ParetoNBD()
    with pytest.warns(UserWarning, match="ridge: the log-likelihood rises as s and beta go to infinity"):
        model.fit(summary)
    assert model.convergence_.ridge == ("s", "beta")
    assert "the spread of the rate of leaving" in model.convergence_.message
    assert np.isnan([model.standard_errors_["s"], model.standard_errors_["beta"]]).all()
    assert model.params_["s"] / model.params_["beta"] == pytest.approx(1 / 200, rel=0.1)
    assert abs(model.params_["r"] - 1.5) < 4 * model.standard_errors_["r"]
    assert np.isfinite(model.expected_purchases(365, summary)).all()


def test_wrong_calls_are_sentences():
    with pytest.raises(TableError, match="bought a second time"):
        ParetoNBD().fit(histories((0, 0, 5), (0, 0, 9)))
    with pytest.raises(TableError, match="holds no customer"):
        ParetoNBD().fit(histories())
    with pytest.raises(TableError, match=r"column recency of the summary .* in 1 of 2 rows"):
        ParetoNBD().fit(histories((1, 2, 5), (1, 6, 5)))
    with pytest.raises(ParameterError, match="call fit first"):
        ParetoNBD().expected_purchases(5)
    with pytest.raises(ParameterError, match="has the parameters r, alpha, s, beta"):
        ParetoNBD.from_params(r=1, alpha=2)
    with pytest.raises(ParameterError, match="time ahead"):
        PAPER.expected_purchases(-1)
    with pytest.raises(ParameterError, match="one number"):
        PAPER.expected_purchases([1, 2], histories((1, 2, 5)))
    with pytest.raises(ParameterError, match="discount_rate is a positive rate"):
        PAPER.discounted_expected_residual_transactions(histories((1, 2, 5)), 0)
