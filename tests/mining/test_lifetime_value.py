"""What customers will bring, intervals around it, and how models foretell."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers import BGBB, BGNBD, MBGNBD, GammaGamma, ShiftedBetaGeometric, purchase_summary
from crmlab.mining.customers.lifetime import (
    bootstrap,
    holdout,
    lifetime_value,
    prediction_interval,
    tracking,
)
from crmlab.mining.customers.lifetime.base import LifetimeModel

PARAMS = {"r": 0.55, "alpha": 10.5, "a": 0.8, "b": 2.5}
MODELS = [BGNBD, MBGNBD]


def customers(*rows: tuple[int, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["frequency", "recency", "T"])


def simulate(n: int, seed: int, r: float, alpha: float, a: float, b: float, age: float = 52) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rate, chance = random.gamma(r, 1 / alpha, n), random.beta(a, b, n)
    count, last, time, active = np.zeros(n, int), np.zeros(n), np.zeros(n), np.arange(n)
    while len(active):
        time[active] += random.exponential(1 / rate[active])
        active = active[time[active] < age]
        count[active] += 1
        last[active] = time[active]
        active = active[random.random(len(active)) >= chance[active]]
    return pd.DataFrame({"frequency": count, "recency": last, "T": float(age)})


@pytest.fixture(scope="module")
def summary(cdnow_lines) -> pd.DataFrame:
    return purchase_summary(cdnow_lines, end="1998-06-30", calibration_end="1997-09-30")


# Discounted value


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("params", [PARAMS, {"r": 0.06, "alpha": 0.3, "a": 1, "b": 0.4}])
def test_months_ahead_are_the_sum_of_their_differences(model, params):
    fitted, those = model.from_params(**params), customers((0, 0, 5), (0, 0, 39), (3, 30, 39), (90, 38.5, 39))
    month = 365.2425 / 12 / 7
    until = [fitted.expected_purchases(month * k, those) for k in range(13)]
    by_hand = sum((until[k] - until[k - 1]) / 1.01**k for k in range(1, 13))
    found = lifetime_value(fitted, 40.0, those, unit="W", margin=0.3)
    assert found.tolist() == pytest.approx((by_hand * 12).tolist(), rel=1e-12)
    # What the general way gives, step by step, without the polynomials.
    times, weights = np.array([0.5, 26, 300]), np.array([1, -0.2, 3])
    direct = LifetimeModel._expected_sum(fitted, times, weights, those)
    assert fitted._expected_sum(times, weights, those).tolist() == pytest.approx(direct.tolist(), rel=1e-11)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("rate", [0.08, 0.4])
def test_for_ever_is_the_integral_of_all_time_to_come(model, rate):
    fitted = model.from_params(**PARAMS)
    those = customers((0, 0, 20), (2, 10, 40), (7, 35, 77.86), (30, 70, 77.86))
    # By parts: rate x integral of exp(-rate t) E(t), by Gauss and Laguerre.
    u, weight = np.polynomial.laguerre.laggauss(32)
    parts = [w * fitted.expected_purchases(t / rate, those) for t, w in zip(u, weight, strict=True)]
    found = fitted.discounted_expected_residual_transactions(those, discount_rate=rate)
    assert found.tolist() == pytest.approx(sum(parts).tolist(), rel=1e-8)
    new = sum(w * fitted.expected_purchases(t / rate) for t, w in zip(u, weight, strict=True))
    assert fitted.discounted_expected_residual_transactions(discount_rate=rate) == pytest.approx(
        new, rel=1e-6
    )


def test_the_more_bought_before_a_long_silence_the_less_is_to_come():
    # As Fader, Hardie and Lee (2005) show for the Pareto/NBD: value rises with x, then falls.
    silent = customers(*[(x, 30, 77.86) for x in range(1, 11)])
    model = BGNBD.from_params(r=0.253561, alpha=5.447257, a=0.607365, b=2.647235)
    worth = model.discounted_expected_residual_transactions(silent, discount_rate=0.0027)
    peak = int(worth.argmax())
    assert 0 < peak < 9
    assert (worth.diff()[1 : peak + 1] > 0).all()
    assert (worth.diff()[peak + 1 :] < 0).all()


def test_for_ever_is_the_limit_of_many_small_steps_and_units_do_not_matter():
    fitted, those = BGNBD.from_params(**PARAMS), customers((0, 0, 20), (4, 30, 39))
    ever = lifetime_value(fitted, 25.0, those, periods=None, step="Y", discount_rate=0.15, unit="W")
    daily = lifetime_value(
        fitted, 25.0, those, periods=1500, step="W", discount_rate=1.15 ** (7 / 365.2425) - 1, unit="W"
    )
    assert daily.tolist() == pytest.approx(ever.tolist(), rel=1e-2)
    assert (daily < ever).all()
    in_days = those.assign(recency=those["recency"] * 7, T=those["T"] * 7)
    same = BGNBD.from_params(**PARAMS | {"alpha": 7 * PARAMS["alpha"]})
    assert lifetime_value(same, 25.0, in_days, unit="D").tolist() == pytest.approx(
        lifetime_value(fitted, 25.0, those, unit="W").tolist(), rel=1e-12
    )


def test_cdnow_customers_and_the_money_they_will_bring(summary):
    purchases = BGNBD().fit(summary)
    spend = GammaGamma().fit(summary)
    value = lifetime_value(purchases, spend, summary)
    assert summary.attrs["period"] == "W"
    assert value.index.equals(summary.index)
    # Half of a year ahead the money is next to purchases times spend, as discounts are small.
    half = lifetime_value(purchases, spend, summary, periods=6, discount_rate=0)
    months = 6 * 365.2425 / 12 / 7
    undiscounted = purchases.expected_purchases(months, summary) * spend.expected_spend(summary)
    assert half.tolist() == pytest.approx(undiscounted.tolist(), rel=1e-12)
    known = lifetime_value(purchases, spend.expected_spend(summary), summary)
    assert known.tolist() == value.tolist()


@given(
    rate=st.floats(0, 0.2),
    periods=st.integers(1, 36),
    history=st.tuples(st.integers(0, 40), st.floats(0.01, 1)),
)
@settings(max_examples=60, deadline=None)
def test_values_grow_with_time_and_shrink_with_the_rate(rate, periods, history):
    fitted = MBGNBD.from_params(**PARAMS)
    those = customers((history[0], 39 * history[1] if history[0] else 0, 39))
    value = lifetime_value(fitted, 10.0, those, periods, discount_rate=rate, unit="W")[0]
    longer = lifetime_value(fitted, 10.0, those, periods + 1, discount_rate=rate, unit="W")[0]
    cheaper = lifetime_value(fitted, 10.0, those, periods, discount_rate=rate + 0.01, unit="W")[0]
    assert 0 <= cheaper <= value <= longer
    unbounded = lifetime_value(fitted, 10.0, those, None, discount_rate=rate + 1e-3, unit="W")[0]
    assert cheaper <= unbounded * 1.02 or rate + 1e-3 > 0.01 + rate - 1e-9


def test_wrong_calls_of_values_are_sentences():
    model, those = BGNBD.from_params(**PARAMS), customers((0, 0, 20))
    with pytest.raises(ParameterError, match="Say the unit of time"):
        lifetime_value(model, 1.0, those)
    with pytest.raises(ParameterError, match="step is 'D', 'W', 'M' or 'Y'"):
        lifetime_value(model, 1.0, those, step="Q", unit="W")
    with pytest.raises(ParameterError, match="For ever takes a discount_rate above 0"):
        lifetime_value(model, 1.0, those, periods=None, discount_rate=0, unit="W")
    with pytest.raises(ParameterError, match="whole number of steps"):
        lifetime_value(model, 1.0, those, periods=1.5, unit="W")
    for rate in (-1, 1, 10, np.nan):
        with pytest.raises(
            ParameterError, match="a rate per step from 0 to less than 1, not .*: 10 % is 0.1"
        ):
            lifetime_value(model, 1.0, those, discount_rate=rate, unit="W")
    with pytest.raises(ParameterError, match="positive rate per unit of time"):
        model.discounted_expected_residual_transactions(those, discount_rate=0)


# Intervals


def test_the_bootstrap_has_the_spread_of_the_standard_errors_where_the_model_is_true():
    data = simulate(4000, 3, **PARAMS)
    model = BGNBD().fit(data)
    again = bootstrap(model, data, 400, seed=1)
    assert again.failed == 0
    spread = np.log(again.params).std()
    errors = pd.Series(model.standard_errors_) / pd.Series(model.params_)
    assert (spread / errors).between(0.85, 1.2).all()
    assert again.intervals().eval("low < value < high").all()
    # A replicate is an optimum of its own weights, as a fit from scratch finds it.
    assert again.params.equals(bootstrap(model, data, 400, seed=1).params)
    assert not again.params.equals(bootstrap(model, data, 400, seed=2).params)


def test_each_replicate_is_the_optimum_of_its_weights():
    data = simulate(1500, 5, **PARAMS).round(0)
    data.loc[data["frequency"].gt(0) & data["recency"].eq(0), "recency"] = 1.0
    model = MBGNBD().fit(data)
    counted = model._count(data, None)
    random = np.random.default_rng([7, *b"MBGNBD"])
    columns = dict(zip(["frequency", "recency", "T"], (c.rows() for c in counted.columns), strict=True))
    for row in bootstrap(model, data, 5, seed=7).params.to_dict("records"):
        weight = random.standard_gamma(counted.weight)
        scratch = MBGNBD().fit(pd.DataFrame(columns), weight)
        assert row == pytest.approx(scratch.params_, rel=2e-3)


def test_intervals_cover_the_truth_as_often_as_they_say():
    # Few replicates of a small world; benchmarks/coverage.py has many.
    truth = BGNBD.from_params(**PARAMS)
    new = float(truth.expected_purchases(52))
    low, high, estimates = [], [], []
    for seed in range(24):
        data = simulate(400, 100 + seed, **PARAMS)
        model = BGNBD().fit(data)
        found = prediction_interval(
            lambda m: float(m.expected_purchases(52)), bootstrap(model, data, 100, seed)
        )
        low.append(found.low)
        high.append(found.high)
        estimates.append(found.value)
    covered = np.mean((np.array(low) <= new) & (new <= np.array(high)))
    assert covered >= 0.79  # of 24 intervals 23 should; fewer than 19 has a chance of one in a thousand
    assert np.mean(np.array(high) - low) == pytest.approx(2 * 1.96 * np.std(estimates), rel=0.35)


def test_intervals_of_customers_totals_and_two_models_at_once():
    random = np.random.default_rng(1)
    data = simulate(2000, 2, **PARAMS).set_index(pd.RangeIndex(500, 2500))
    count = data["frequency"].clip(lower=1)
    data["monetary_value"] = random.gamma(4 * count) / count / random.gamma(4, 1 / 60, len(data))
    purchases, spend = BGNBD().fit(data), GammaGamma().fit(data)
    many, money = bootstrap(purchases, data, 60), bootstrap(spend, data, 60)
    each = prediction_interval(lambda m: m.expected_purchases(26, data), many)
    assert each.index.equals(data.index)
    assert (each["low"] <= each["value"]).mean() > 0.9
    in_parts = prediction_interval(lambda m, part: m.expected_purchases(26, part), many, summary=data)
    pd.testing.assert_frame_equal(in_parts, each)
    total = prediction_interval(lambda m, g: float(lifetime_value(m, g, data, unit="W").sum()), many, money)
    assert total.low < total.value < total.high
    assert total.n == 2000
    alone = prediction_interval(lambda m: float(lifetime_value(m, spend, data, unit="W").sum()), many)
    assert total.high - total.low > alone.high - alone.low
    with pytest.raises(ParameterError, match="same number of replicates"):
        prediction_interval(lambda m, g: 1.0, many, bootstrap(spend, data, 20))


def test_all_models_have_a_bootstrap():
    donors = pd.DataFrame({
        "frequency": [0, 1, 1, 1, 2, 2, 2, 3, 3, 4], "recency": [0, 1, 2, 4, 2, 3, 4, 3, 4, 4], "T": 4,
    })  # fmt: skip
    numbers = [500, 150, 50, 30, 90, 45, 50, 60, 90, 150]
    again = bootstrap(BGBB().fit(donors, numbers), donors, 50, sample_weight=numbers)
    assert again.params["alpha"].between(0.01, 50).all()
    contracts = ShiftedBetaGeometric().fit([1000, 631, 468, 382, 326])
    rows = pd.DataFrame({"tenure": [1, 2, 3, 4, 4], "churned": [1, 1, 1, 1, 0]})
    again = bootstrap(contracts, rows, 300, sample_weight=[369, 163, 86, 56, 326])
    errors = pd.Series(contracts.standard_errors_)
    assert (again.params.std() / errors).between(0.8, 1.25).all()


def test_models_and_bootstraps_are_shown_on_one_line_with_their_parameters():
    model = BGNBD.from_params(r=0.2426, alpha=4.4136, a=0.7929, b=2.4259)
    assert repr(model) == "BGNBD(r=0.2426, alpha=4.414, a=0.7929, b=2.426)"
    assert repr(GammaGamma("leave out")) == "GammaGamma(not fitted)"
    data = simulate(400, 3, **PARAMS)
    again = bootstrap(model.fit(data), data, 2)
    assert repr(again) == f"Bootstrap({model!r}, 2 replicates, 0 failed)"


def test_a_ridge_has_no_interval():
    data = simulate(2000, 11, r=1.5, alpha=30, a=1e7, b=2e7)
    with pytest.warns(UserWarning, match="ridge"):
        model = BGNBD().fit(data)
    with pytest.raises(ParameterError, match="no interval around parameters on a ridge"):
        bootstrap(model, data, 10)
    with pytest.raises(ParameterError, match="at least two replicates"):
        bootstrap(model, data, 1)


# Holdout and tracking


def test_what_is_no_summary_is_told_how_to_make_one():
    orders = pd.DataFrame({"customer_id": ["a"], "time": pd.to_datetime(["2024-01-05"]), "amount": 5})
    need = (
        "^Summaries of customers need a column frequency; there are: customer_id, time, amount. "
        "crmlab.mining.customers.purchase_summary makes them of order lines.$"
    )
    for model in (BGNBD(), GammaGamma()):
        with pytest.raises(TableError, match=need):
            model.fit(orders)
    with pytest.raises(
        TableError, match="^Summaries of customers need a column tenure; there are: [^.]*\\.$"
    ):
        ShiftedBetaGeometric().fit(orders)
    with pytest.raises(TableError, match=r"Summaries with a holdout need .*calibration_end=\.\.\."):
        holdout(BGNBD.from_params(**PARAMS), customers((0, 0, 20)))


def test_holdout_of_cdnow_is_the_published_table(summary):
    table = holdout(BGNBD().fit(summary), summary)
    assert table["customers"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    assert table["actual"].round(4).tolist() == [
        0.2367, 0.6970, 1.3925, 1.5600, 2.5323, 2.9474, 3.8621, 6.3594,
    ]  # fmt: skip
    assert table["expected"].round(4).tolist() == [
        0.2251, 0.5231, 1.0441, 1.5203, 2.1639, 2.6538, 3.5040, 6.1572,
    ]  # fmt: skip
    assert table["customers"] @ table["actual"] == pytest.approx(1882)
    assert table["customers"] @ table["expected"] == pytest.approx(1653.41, abs=0.005)
    assert table.eval("low < actual < high").all()


def test_tracking_of_cdnow_is_the_published_curve(cdnow_lines, summary, public_data):
    model = BGNBD().fit(summary)
    weeks = tracking(model, cdnow_lines, calibration_end="1997-09-30", end="1998-06-30").set_index("period")
    assert weeks.index.tolist() == list(range(1, 79))
    weekly = pd.read_csv(public_data / "cdnow" / "btyd_cum_tracking_weekly.csv").set_index("week")
    assert weeks["actual_cumulative"].tolist() == weekly["cum_repeat"].loc[1:78].tolist()
    for week, published in [(20, 1312.46), (21, 1387.35), (25, 1669.60), (39, 2501.53), (78, 4165.66)]:
        assert weeks.loc[week, "expected_cumulative"] == pytest.approx(published, abs=0.005)
    assert weeks["holdout"].tolist() == [False] * 39 + [True] * 39
    assert weeks.loc[39, "ends"] == pd.Timestamp("1997-09-30")
    assert weeks["actual"].sum() == weeks["actual_cumulative"].iloc[-1] == 4339
    in_engine = tracking(model, crm.as_table(cdnow_lines), calibration_end="1997-09-30", end="1998-06-30")
    pd.testing.assert_frame_equal(in_engine.set_index("period"), weeks)


def test_tracking_in_days_and_months_ends_at_the_same_numbers():
    orders = pd.DataFrame({
        "customer_id": ["a", "a", "b", "a", "b"], "amount": 100,
        "time": pd.to_datetime(["2023-01-01", "2023-01-01", "2023-02-10", "2023-03-05", "2023-12-31"]),
    })  # fmt: skip
    days = tracking(BGNBD.from_params(**PARAMS | {"alpha": 70}), orders, period="D")
    assert len(days) == 365
    assert days["actual_cumulative"].iloc[-1] == 2
    assert days.loc[days["actual"] == 1, "ends"].dt.date.tolist() == [
        datetime.date(2023, 3, 5), datetime.date(2023, 12, 31),
    ]  # fmt: skip
    months = tracking(BGNBD.from_params(**PARAMS | {"alpha": 2.3}), orders, period="M")
    assert len(months) == 11  # the twelfth mean month ends six hours into the new year
    with pytest.raises(ParameterError, match="No customer had bought by 2022-12-01"):
        tracking(BGNBD.from_params(**PARAMS), orders, calibration_end="2022-12-01")
    with pytest.raises(ParameterError, match="period is 'D', 'W', 'M' or 'Y'"):
        tracking(BGNBD.from_params(**PARAMS), orders, period="Q")


@pytest.mark.parametrize("a", [0.8, 9.9, 10.1, 60.0, 299.0, 6e4])
def test_values_do_not_jump_where_chances_become_alike(a):
    # More places of the polynomial from a = 10; a mean over chances where hypergeometric functions overflow.
    fitted = BGNBD.from_params(r=0.6, alpha=6, a=a, b=1.5 * a)
    those = customers((0, 0, 20), (3, 30, 39), (60, 38, 39))
    times, weights = np.array([4.0, 26, 52]), np.array([1, -0.2, 3])
    direct = LifetimeModel._expected_sum(fitted, times, weights, those)
    assert fitted._expected_sum(times, weights, those).tolist() == pytest.approx(direct.tolist(), rel=1e-8)
    u, weight = np.polynomial.laguerre.laggauss(40)
    parts = [w * fitted.expected_purchases(t / 0.3, those) for t, w in zip(u, weight, strict=True)]
    worth = fitted.discounted_expected_residual_transactions(those, 0.3)
    assert worth.tolist() == pytest.approx(sum(parts).tolist(), rel=1e-5)
