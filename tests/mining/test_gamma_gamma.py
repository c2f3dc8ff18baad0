"""Gamma-gamma against published numbers, an integral and simulation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import gamma, invgamma

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers import GammaGamma


def spending(*rows: tuple[int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["frequency", "monetary_value"])


def simulate(n: int, seed: int, p: float, q: float, v: float) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    count = random.geometric(0.3, n)
    rate = random.gamma(q, 1 / v, n)
    return pd.DataFrame({"frequency": count, "monetary_value": random.gamma(p * count) / count / rate})


def test_cdnow_is_the_published_optimum(cdnow):
    model = GammaGamma().fit(cdnow)
    assert list(model.params_) == ["p", "q", "v"]
    assert list(model.params_.values()) == pytest.approx([6.249572, 3.744225, 15.443524], rel=5e-7)
    assert list(model.standard_errors_.values()) == pytest.approx([1.19005, 0.290133, 4.15941], rel=5e-6)
    assert model.log_likelihood_ == pytest.approx(-4055.917695, abs=1e-5)
    assert model.n_customers_ == 946
    # The density of totals instead of means, as in the paper of 2005.
    repeat = cdnow["frequency"][cdnow["frequency"] > 0]
    assert model.log_likelihood_ - np.log(repeat).sum() == pytest.approx(-4659.290238, abs=1e-5)
    assert model.expected_spend() == pytest.approx(35.1704, abs=5e-5)


def test_means_rounded_to_two_decimals_have_their_own_optimum(public_data):
    rows = pd.read_csv(public_data / "cdnow" / "cdnow_customers_summary_with_transactions.csv")
    model = GammaGamma().fit(rows.rename(columns={"x": "frequency", "zbar": "monetary_value"}))
    assert list(model.params_.values()) == pytest.approx([6.248802, 3.744588, 15.447750], rel=5e-7)
    assert model.log_likelihood_ == pytest.approx(-4055.923244, abs=1e-5)


def test_an_engine_counts_what_a_frame_counts(cdnow):
    missing = cdnow.assign(monetary_value=cdnow["monetary_value"].where(cdnow["frequency"] > 0))
    fitted = GammaGamma().fit(crm.as_table(missing))
    assert fitted.params_ == pytest.approx(GammaGamma().fit(cdnow).params_, rel=1e-9)


@pytest.mark.parametrize("row", [(1, 20.0), (4, 55.5), (30, 31.0)])
def test_density_and_expectation_are_the_integrals_of_the_story(row):
    p, q, v = 3.0, 4.0, 20.0
    x, mean = row

    def density(centre):
        """Mean of x gamma variables around a customer's own mean."""
        return gamma.pdf(mean, p * x, scale=centre / (p * x)) * invgamma.pdf(centre, q, scale=p * v)

    places = [mean / 2, mean, 2 * mean]
    total = quad(density, 0, 3000, points=places, limit=200)[0]
    first = quad(lambda centre: centre * density(centre), 0, 3000, points=places, limit=200)[0]
    model = GammaGamma.from_params(p=p, q=q, v=v)
    assert model.log_likelihood(spending(row)) == pytest.approx(np.log(total), abs=1e-7)
    assert model.expected_spend(spending(row))[0] == pytest.approx(first / total, rel=1e-6)


def test_the_gradient_is_the_slope_of_the_log_likelihood():
    model = GammaGamma()
    data = model._prepare(model._count(simulate(200, 1, p=4, q=3, v=20), None))
    for params in np.random.default_rng(4).uniform(0.2, 6, (10, 3)) * [1, 1, 10]:
        _, gradient = model._log_likelihood(params, data)
        for place, slope in enumerate(gradient):
            step = np.eye(3)[place] * params[place] * 1e-6
            up, down = (model._log_likelihood(params + s, data)[0] for s in (step, -step))
            assert slope == pytest.approx((up - down) / (2 * step[place]), rel=1e-5, abs=1e-4)


def test_simulated_customers_give_the_parameters_back():
    truth = {"p": 4.0, "q": 3.5, "v": 25.0}
    fitted = GammaGamma().fit(simulate(50_000, 2, **truth))
    for name, value in truth.items():
        assert abs(fitted.params_[name] - value) < 4 * fitted.standard_errors_[name]
        assert fitted.standard_errors_[name] < 0.1 * value
    assert fitted.convergence_.status == "converged"
    assert fitted.convergence_.gradient < 1e-9


@given(
    p=st.floats(0.1, 20), q=st.floats(1.1, 20), v=st.floats(0.1, 100),
    x=st.integers(0, 500), mean=st.floats(0.01, 1e6),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_expected_spend_lies_between_the_customer_and_all(p, q, v, x, mean):
    model = GammaGamma.from_params(p=p, q=q, v=v)
    everybody = model.expected_spend()
    expected = model.expected_spend(spending((x, mean)))[0]
    ends = sorted([everybody, mean if x else everybody])
    assert ends[0] * (1 - 1e-9) <= expected <= ends[1] * (1 + 1e-9)
    # More purchases with the same mean draw the expectation towards that mean.
    nearer = model.expected_spend(spending((x + 1, mean)))[0]
    assert not x or abs(nearer - mean) <= abs(expected - mean) * (1 + 1e-9) + 1e-9 * mean
    # Another currency, another v, and nothing else.
    other = GammaGamma.from_params(p=p, q=q, v=1000 * v).expected_spend(spending((x, 1000 * mean)))[0]
    assert other == pytest.approx(1000 * expected, rel=1e-9)


def test_a_mean_that_is_infinite_is_said_to_be():
    model = GammaGamma.from_params(p=0.2, q=0.5, v=3)
    assert model.expected_spend() == np.inf
    assert np.isinf(model.expected_spend(spending((0, 0), (2, 9), (5, 9)))).tolist() == [True, True, False]


def test_customers_who_all_spend_alike_are_a_ridge():
    random = np.random.default_rng(4)  # by chance other seeds have an optimum far out
    count = random.integers(1, 8, 3000)
    table = pd.DataFrame({"frequency": count, "monetary_value": random.gamma(4 * count) / count * 10})
    with pytest.warns(UserWarning, match="q and v go to infinity"):
        model = GammaGamma().fit(table)
    assert model.convergence_.ridge == ("q", "v")
    assert model.params_["p"] == pytest.approx(4, abs=0.2)
    assert model.expected_spend() == pytest.approx(40, abs=1)


def test_customers_whose_money_all_came_back_are_left_out_if_asked():
    bought = simulate(2000, 3, p=4, q=3, v=20)
    with_returns = pd.concat([bought, spending((2, -4.0), (1, 0.0))], ignore_index=True)
    fitted = GammaGamma(without_spend="leave out").fit(with_returns)
    assert fitted.params_ == GammaGamma().fit(bought).params_
    assert fitted.n_customers_ == 2000
    p, q, v = fitted.params_.values()
    expected = fitted.expected_spend(with_returns)
    assert expected.iloc[-2:].tolist() == pytest.approx([p * v / (2 * p + q - 1), p * v / (p + q - 1)])


def test_money_that_the_model_cannot_hold_is_refused():
    table = spending((2, 10.0), (3, -4.0), (1, 0.0), (0, 0.0))
    with pytest.raises(TableError, match=r"no positive mean spend .* in 2 of 4 rows") as caught:
        GammaGamma().fit(table)
    assert caught.value.rows == [1, 2]
    with pytest.raises(TableError, match="missing although there are purchases"):
        GammaGamma().fit(spending((1, np.nan), (2, 5.0)))
    with pytest.raises(ParameterError, match="'refuse' or 'leave out'"):
        GammaGamma("drop").fit(table)
    with pytest.raises(TableError, match="holds no customer"):
        GammaGamma().fit(spending((0, 0.0)))
