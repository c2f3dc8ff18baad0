"""Pareto/NBD with covariates, and the likelihood-ratio test between models."""

import numpy as np
import pandas as pd
import pytest

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers import BGNBD, ParetoNBD, likelihood_ratio_test

BOTH = ("Gender", "Channel")


@pytest.fixture(scope="module")
def apparel(public_data) -> pd.DataFrame:
    """600 customers of one day, followed 104 weeks."""
    orders = pd.read_csv(
        public_data / "apparel_clvtools" / "apparelTrans.csv", parse_dates=["Date"], usecols=["Id", "Date"]
    )
    end = orders["Date"].min() + pd.Timedelta(weeks=104)
    days = orders[orders["Date"] <= end].drop_duplicates().groupby("Id")["Date"].agg(["min", "max", "count"])
    summary = pd.DataFrame({
        "frequency": days["count"] - 1, "recency": (days["max"] - days["min"]).dt.days / 7,
        "T": (end - days["min"]).dt.days / 7,
    })  # fmt: skip
    return summary.join(
        pd.read_csv(public_data / "apparel_clvtools" / "apparelStaticCov.csv", index_col="Id")
    )


def simulate(n: int, seed: int) -> pd.DataFrame:
    """Members buy more often, older customers stay longer."""
    random = np.random.default_rng(seed)
    member, years = random.integers(0, 2, n), random.normal(40, 10, n).round()
    age = random.integers(365, 730, n).astype(float)
    rate = random.gamma(1.2, 1 / 60, n) * np.exp(0.7 * member)
    leaving = random.gamma(0.9, 1 / 200, n) * np.exp(-0.3 * member - 0.04 * (years - 40))
    until = np.minimum(age, random.exponential(1 / leaving))
    count = random.poisson(rate * until)
    last = until * random.random(n) ** (1 / np.maximum(count, 1)) * (count > 0)
    return pd.DataFrame({"frequency": count, "recency": last, "T": age, "member": member, "years": years})


def test_apparel_is_the_published_optimum(apparel):
    plain = ParetoNBD().fit(apparel)
    assert plain.log_likelihood_ == pytest.approx(-5848.097827, abs=1e-6)
    assert list(plain.params_.values()) == pytest.approx([1.4490, 48.636, 0.5613, 46.884], rel=1e-4)
    assert list(plain.standard_errors_.values()) == pytest.approx([0.2434, 7.489, 0.2710, 35.61], rel=5e-4)
    full = ParetoNBD(covariates_transaction=BOTH, covariates_lifetime=BOTH).fit(apparel)
    assert full.log_likelihood_ == pytest.approx(-5821.062686, abs=1e-6)
    # The optimum is flat: the published parameters are within some hundredths of their standard errors.
    published = {
        "r": 1.8378, "alpha": 92.912, "s": 0.5920, "beta": 49.62, "transaction.Gender": 0.2859,
        "transaction.Channel": 0.6241, "lifetime.Gender": -0.6430, "lifetime.Channel": 0.7907,
    }  # fmt: skip
    assert list(full.params_) == list(published)
    for name, value in published.items():
        assert abs(full.params_[name] - value) < 0.02 * full.standard_errors_[name]
    assert ParetoNBD.from_params(**published).covariates_lifetime == list(BOTH)
    lower = ParetoNBD.from_params(**published).log_likelihood(apparel)
    assert full.log_likelihood_ - 1e-4 < lower <= full.log_likelihood_
    equal = ParetoNBD(covariates_transaction=BOTH, covariates_lifetime=BOTH, equal=("Gender",)).fit(apparel)
    assert equal.log_likelihood_ == pytest.approx(-5826.534191, abs=1e-6)
    assert equal.params_["both.Gender"] == pytest.approx(0.3283, abs=3e-4)
    assert equal.params_["lifetime.Channel"] == pytest.approx(1.0228, abs=1e-3)
    test = likelihood_ratio_test(equal, full)
    assert test.statistic == pytest.approx(10.943, abs=5e-4)
    assert test.degrees_of_freedom == 1
    assert test.p_value == pytest.approx(0.00094, abs=5e-6)
    assert likelihood_ratio_test(plain, full).degrees_of_freedom == 4


def test_the_gradient_is_the_slope_of_the_log_likelihood():
    model = ParetoNBD(("member", "years"), ("years", "member"), ("years",))
    assert list(model._coefficients()) == ["transaction.member", "lifetime.member", "both.years"]
    data = model._prepare(model._count(simulate(300, 3), None))
    random = np.random.default_rng(4)
    for _ in range(6):
        params = np.r_[
            random.uniform(0.2, 3, 4) * [1, 50, 1, 200], random.normal(size=2), random.normal() / 40
        ]
        _, gradient = model._log_likelihood(params, data)
        for place, slope in enumerate(gradient):
            step = np.eye(7)[place] * abs(params[place]) * 1e-6
            up, down = (model._log_likelihood(params + s, data)[0] for s in (step, -step))
            assert slope == pytest.approx((up - down) / (2 * step[place]), rel=1e-5, abs=1e-3)


def test_each_customer_is_judged_by_parameters_of_his_own():
    table = simulate(60, 1)
    model = ParetoNBD.from_params(
        **{"r": 0.8, "alpha": 50, "s": 0.7, "beta": 300, "transaction.member": 0.5, "lifetime.years": -0.02}
    )
    predictions = (
        ("probability_alive", ()), ("expected_purchases", (90,)),
        ("discounted_expected_residual_transactions", (0.001,)),
    )  # fmt: skip
    for name, more in predictions:
        found = getattr(model, name)(*more[::-1], table) if name == "expected_purchases" else None
        found = getattr(model, name)(table, *more) if found is None else found
        for row in (0, 17, 59):
            alpha = 50 * np.exp(-0.5 * table["member"][row])
            own = ParetoNBD.from_params(
                r=0.8, alpha=alpha, s=0.7, beta=300 * np.exp(0.02 * table["years"][row])
            )
            one = table.loc[[row]]
            alone = (
                getattr(own, name)(90, one)
                if name == "expected_purchases"
                else getattr(own, name)(one, *more)
            )
            assert found[row] == pytest.approx(alone[row], rel=1e-12)


def test_simulated_effects_are_found_again():
    summary = simulate(10_000, 5)
    covariates = ("member", "years")
    model = ParetoNBD(covariates_transaction=covariates, covariates_lifetime=covariates).fit(summary)
    truth = {"r": 1.2, "alpha": 60, "s": 0.9, "transaction.member": 0.7, "transaction.years": 0,
             "lifetime.member": -0.3, "lifetime.years": -0.04}  # fmt: skip
    for name, value in truth.items():
        assert abs(model.params_[name] - value) < 4 * model.standard_errors_[name]
    assert model.convergence_.gradient < 1e-9
    # In another unit and from another origin the covariate tells the same.
    moved = ParetoNBD(covariates, covariates).fit(summary.assign(years=(summary["years"] + 1000) * 100))
    assert moved.log_likelihood_ == pytest.approx(model.log_likelihood_, rel=1e-10)
    assert moved.params_["lifetime.years"] == pytest.approx(model.params_["lifetime.years"] / 100, rel=1e-5)
    # A test that the last has an effect, and one on an effect that is not there.
    fewer = ParetoNBD(covariates, ("member",)).fit(summary)
    assert likelihood_ratio_test(fewer, model).p_value < 1e-6
    assert likelihood_ratio_test(ParetoNBD(("member",), covariates).fit(summary), model).p_value > 0.001


def test_an_engine_counts_what_a_frame_counts():
    summary = simulate(400, 6).round()
    summary.loc[summary["frequency"].gt(0) & summary["recency"].eq(0), "recency"] = 1.0
    model = ParetoNBD(("member",), ("member",), ("member",)).fit(summary)
    table = ParetoNBD(("member",), ("member",), ("member",)).fit(crm.as_table(summary))
    assert table.params_ == pytest.approx(model.params_, rel=1e-8)


def test_wrong_covariates_are_sentences():
    summary = simulate(100, 2)
    with pytest.raises(TableError, match="colour"):
        ParetoNBD(covariates_lifetime=("colour",)).fit(summary)
    with pytest.raises(TableError, match="do not vary"):
        ParetoNBD(("same",)).fit(summary.assign(same=1))
    with pytest.raises(TableError, match="one follows from the others"):
        ParetoNBD(("member", "guest")).fit(summary.assign(guest=1 - summary["member"]))
    with pytest.raises(TableError, match="holds no number"):
        ParetoNBD(("word",)).fit(summary.assign(word="x"))
    with pytest.raises(ParameterError, match="list of different names, not 'member'"):
        ParetoNBD("member").fit(summary)
    with pytest.raises(ParameterError, match="years cannot be equal in both"):
        ParetoNBD(("member",), ("years",), ("years",)).fit(summary)
    with pytest.raises(ParameterError, match=r"parameters r, alpha, s, beta, lifetime\.member"):
        ParetoNBD.from_params(**{"r": 1, "alpha": 1, "s": 1, "lifetime.member": 1})
    with pytest.raises(ParameterError, match="has the parameters r, alpha, a, b"):
        BGNBD.from_params(**{"r": 1, "alpha": 1, "a": 1, "b": 1, "lifetime.member": 1})


def test_models_that_cannot_be_compared_are_refused():
    summary = simulate(300, 2)
    plain, full = ParetoNBD().fit(summary), ParetoNBD(("member",)).fit(summary)
    with pytest.raises(ParameterError, match="not nested"):
        likelihood_ratio_test(full, plain)
    with pytest.raises(ParameterError, match="not nested"):
        likelihood_ratio_test(
            ParetoNBD((), ("member",)).fit(summary), ParetoNBD(("member", "years")).fit(summary)
        )
    with pytest.raises(ParameterError, match="not nested"):
        likelihood_ratio_test(BGNBD().fit(summary), full)
    with pytest.raises(ParameterError, match="fitted to 299 and 300 customers"):
        likelihood_ratio_test(ParetoNBD().fit(summary[1:]), full)
    with pytest.raises(ParameterError, match="is not fitted"):
        likelihood_ratio_test(plain, ParetoNBD(("member",)))
