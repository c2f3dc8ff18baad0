"""Shifted beta-geometric against the paper's two cohorts, sums by hand and simulation."""

import numpy as np
import pandas as pd
import pytest

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers import ShiftedBetaGeometric

#: Fader and Hardie (2007), table 1: survivors of a thousand customers, years 0 to 7.
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]


def tenures(*rows: tuple[int, bool]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["tenure", "churned"])


@pytest.mark.parametrize(
    ("survivors", "params", "log_likelihood", "year_12"),
    [
        (HIGH_END, [0.668088, 3.806096], -1611.1581, 0.3780),
        (REGULAR, [0.704077, 1.182043], -1680.2652, 0.1700),
    ],
)
def test_the_papers_cohorts_have_the_published_optimum(survivors, params, log_likelihood, year_12):
    model = ShiftedBetaGeometric().fit(survivors)
    assert list(model.params_) == ["alpha", "beta"]
    assert list(model.params_.values()) == pytest.approx(params, abs=1.2e-6)
    assert model.log_likelihood_ == pytest.approx(log_likelihood, abs=6e-5)
    assert model.survival(12) == pytest.approx(year_12, abs=5e-5)
    assert model.n_customers_ == 1000
    assert model.convergence_.status == "converged"


def test_four_years_of_the_regular_cohort():
    params = ShiftedBetaGeometric().fit(REGULAR[:5]).params_
    assert list(params.values()) == pytest.approx([0.763665, 1.295830], abs=6e-7)


def test_the_file_holds_the_papers_table(public_data):
    rows = pd.read_csv(public_data / "sbg_retention" / "fader_hardie_2007.csv")
    for name, survivors in (("high_end", HIGH_END), ("regular", REGULAR)):
        alive = rows.loc[rows["segment"] == name, "pct_alive"]
        assert (alive.head(8) * 10).round().tolist() == survivors
        fitted = ShiftedBetaGeometric().fit(survivors).survival(np.arange(13))
        # Five years ahead the curve is off by less than two points of a hundred.
        assert np.abs(fitted * 100 - alive.to_numpy()).max() < 2.2


def test_rows_of_customers_weights_and_engines_are_one():
    model = ShiftedBetaGeometric().fit(HIGH_END)
    left = -np.diff(HIGH_END)
    counted = tenures(*((year, True) for year in range(1, 8)), (7, False))
    weights = [*left, HIGH_END[-1]]
    assert ShiftedBetaGeometric().fit(counted, weights).params_ == model.params_
    rows = counted.loc[counted.index.repeat(weights)]
    assert ShiftedBetaGeometric().fit(rows).params_ == model.params_
    assert ShiftedBetaGeometric().fit(crm.as_table(rows)).params_ == pytest.approx(model.params_, rel=1e-12)
    assert model.log_likelihood(HIGH_END) == pytest.approx(model.log_likelihood_, rel=1e-12)


def test_likelihood_is_the_product_of_renewals_integrated_over_customers():
    from scipy.integrate import quad
    from scipy.stats import beta

    model = ShiftedBetaGeometric.from_params(alpha=1.4, beta=2.6)
    for tenure, churned in ((1, True), (5, True), (5, False), (0, False)):
        exact = quad(
            lambda leave, n=tenure, gone=churned: (
                beta.pdf(leave, 1.4, 2.6) * (1 - leave) ** (n - gone) * leave**gone
            ),
            0, 1,
        )[0]  # fmt: skip
        assert model.log_likelihood(tenures((tenure, churned))) == pytest.approx(np.log(exact), abs=1e-8)


def test_survival_retention_and_renewals_belong_together():
    model = ShiftedBetaGeometric.from_params(alpha=0.668, beta=3.806)
    survival = model.survival(np.arange(31))
    assert survival[0] == 1
    assert model.retention(np.arange(1, 31)) == pytest.approx(survival[1:] / survival[:-1], rel=1e-12)
    assert (np.diff(model.retention(np.arange(1, 31))) > 0).all()
    assert model.expected_purchases(30) == pytest.approx(survival[1:].sum(), rel=1e-12)
    customers = tenures((0, False), (3, False), (3, True))
    assert model.probability_alive(customers).tolist() == [1, 1, 0]
    assert model.probability_alive(customers, 2).tolist() == pytest.approx(
        [survival[2], survival[5] / survival[3], 0], rel=1e-12
    )
    assert model.expected_purchases(4, customers).tolist() == pytest.approx(
        [survival[1:5].sum(), survival[4:8].sum() / survival[3], 0], rel=1e-12
    )
    far = model.survival(np.arange(600))
    worth = model.discounted_expected_residual_transactions(customers, discount_rate=0.15)
    by_hand = [(far[n + 1 :] / far[n]) @ 1.15 ** -np.arange(1.0, len(far) - n) for n in (0, 3)]
    assert worth.tolist() == pytest.approx([*by_hand, 0], rel=1e-12)
    assert model.discounted_expected_residual_transactions(discount_rate=0.15) == pytest.approx(by_hand[0])


def test_the_gradient_is_the_slope_of_the_log_likelihood():
    model = ShiftedBetaGeometric()
    data = model._count(tenures((1, True), (4, True), (9, False), (2, False), (30, True)), None)
    for params in np.random.default_rng(1).uniform(0.1, 9, (10, 2)):
        _, gradient = model._log_likelihood(params, data)
        for place, slope in enumerate(gradient):
            step = np.eye(2)[place] * params[place] * 1e-6
            up, down = (model._log_likelihood(params + s, data)[0] for s in (step, -step))
            assert slope == pytest.approx((up - down) / (2 * step[place]), rel=1e-6, abs=1e-6)


def test_simulated_contracts_of_any_age_give_the_parameters_back():
    random = np.random.default_rng(7)
    leaves, seen = random.beta(0.8, 3.0, 40_000), random.integers(1, 20, 40_000)
    end = random.geometric(leaves)
    rows = pd.DataFrame({"tenure": np.minimum(end, seen), "churned": end <= seen})
    model = ShiftedBetaGeometric().fit(rows)
    for name, value in (("alpha", 0.8), ("beta", 3.0)):
        assert abs(model.params_[name] - value) < 4 * model.standard_errors_[name]
        assert model.standard_errors_[name] < 0.05 * value


def test_one_chance_for_all_is_a_ridge_told_in_words():
    survivors = 1_000_000 * 0.8 ** np.arange(8)
    with pytest.warns(UserWarning, match="alpha and beta go to infinity"):
        model = ShiftedBetaGeometric().fit(survivors)
    assert model.convergence_.ridge == ("alpha", "beta")
    assert model.retention([1, 20]).tolist() == pytest.approx([0.8, 0.8], abs=1e-3)


def test_wrong_calls_are_sentences():
    with pytest.raises(ParameterError, match="Survivors never rise"):
        ShiftedBetaGeometric().fit([100, 90, 95])
    with pytest.raises(ParameterError, match="Survivors are a list"):
        ShiftedBetaGeometric().fit([100])
    with pytest.raises(ParameterError, match="not with survivors"):
        ShiftedBetaGeometric().fit([100, 90], [1, 2])
    with pytest.raises(TableError, match="Some customers must have left and some stayed"):
        ShiftedBetaGeometric().fit(tenures((3, False), (5, False)))
    with pytest.raises(TableError, match="neither true nor false in 1 of 2 rows"):
        ShiftedBetaGeometric().fit(tenures((3, False), (5, 7)))
    with pytest.raises(TableError, match="tenure of the summary is no whole number"):
        ShiftedBetaGeometric().fit(tenures((3.5, False)))
    model = ShiftedBetaGeometric.from_params(alpha=1, beta=2)
    with pytest.raises(ParameterError, match="t is 1 or more"):
        model.retention(0)
    with pytest.raises(ParameterError, match="positive rate per period"):
        model.discounted_expected_residual_transactions(discount_rate=-0.1)
