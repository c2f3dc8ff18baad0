"""Published numbers of customer lifetime, table by table, to lay beside the papers.

FHL05 Fader, Hardie and Lee (2005), "Counting your customers" the easy way, Marketing Science 24.
FHL05b Fader, Hardie and Lee (2005), RFM and CLV, Journal of Marketing Research 42.
FHS10 Fader, Hardie and Shang (2010), Marketing Science 29.
FH07 Fader and Hardie (2007), How to project customer retention, Journal of Interactive Marketing 21.
BTYD and CLVTools are packages for R whose walk-throughs print more digits than the papers.

CDNOW: 2,357 customers, 39 weeks unless said otherwise, times in weeks of exactly 7 days.
"""

import numpy as np
import pandas as pd
import pytest

from crmlab.mining.customers import (
    BGBB,
    BGNBD,
    MBGNBD,
    GammaGamma,
    ParetoNBD,
    ShiftedBetaGeometric,
    likelihood_ratio_test,
    purchase_summary,
)

# model, parameters in the papers' order, log-likelihood
CDNOW = [
    (BGNBD, [0.242595, 4.413602, 0.792922, 2.425907], -9582.429207),  # FHL05 table 2
    (MBGNBD, [0.524843, 6.183085, 0.891359, 1.614002], -9582.135716),
    (ParetoNBD, [0.553277, 10.577683, 0.606240, 11.668738], -9594.976179),  # FHL05 table 2, CLVTools
    (GammaGamma, [6.249572, 3.744225, 15.443524], -4055.917695),  # FHL05b on means, 946 repeaters
]
# survivors of 1,000 customers in years 0 to 7, parameters, log-likelihood: FH07 table 1
CONTRACTS = {
    "high end": ([1000, 869, 743, 653, 593, 551, 517, 491], [0.668088, 3.806096], -1611.1581),
    "regular": ([1000, 631, 468, 382, 326, 289, 262, 241], [0.704077, 1.182043], -1680.2652),
}


@pytest.fixture(scope="module")
def cohort(public_data) -> pd.DataFrame:
    """Order lines of all 23,570 customers, amounts in cents."""
    names = ["customer_id", "time", "quantity", "dollars"]
    path = public_data / "cdnow" / "CDNOW_master.txt"
    lines = pd.read_csv(path, sep=r"\s+", header=None, names=names, skiprows=1)
    return lines.assign(
        time=pd.to_datetime(lines["time"].astype("str"), format="%Y%m%d"),
        amount=(lines["dollars"] * 100).round().astype("int64"),
    )


@pytest.fixture(scope="module")
def fitted(cdnow) -> dict:
    return {model: model().fit(cdnow) for model, *_ in CDNOW}


@pytest.mark.parametrize(("model", "params", "log_likelihood"), CDNOW)
def test_cdnow(fitted, model, params, log_likelihood):
    assert list(fitted[model].params_.values()) == pytest.approx(params, abs=1e-6, rel=5e-7)
    assert fitted[model].log_likelihood_ == pytest.approx(log_likelihood, abs=1e-5)
    assert fitted[model].convergence_.status == "converged"


def test_donations(public_data):  # FHS10 table 3
    rows = pd.read_csv(public_data / "donations_bgbb" / "donations.csv").rename(columns={"periods": "T"})
    model = BGBB().fit(rows, rows["weights"])
    assert list(model.params_.values()) == pytest.approx([1.203522, 0.749716, 0.656718, 2.783443], abs=1e-6)
    assert model.log_likelihood_ == pytest.approx(-33225.581274, abs=1e-5)
    assert model.n_customers_ == 11104


@pytest.mark.parametrize("cohort_name", CONTRACTS)
def test_contracts(cohort_name):
    survivors, params, log_likelihood = CONTRACTS[cohort_name]
    model = ShiftedBetaGeometric().fit(survivors)
    assert list(model.params_.values()) == pytest.approx(params, abs=1.2e-6)
    assert model.log_likelihood_ == pytest.approx(log_likelihood, abs=6e-5)


def test_apparel_with_static_covariates(public_data):  # CLVTools
    rows = pd.read_csv(public_data / "apparel_clvtools" / "apparelTrans.csv")
    known = pd.read_csv(public_data / "apparel_clvtools" / "apparelStaticCov.csv")
    orders = pd.DataFrame({
        "customer_id": rows["Id"].astype(str), "amount": (rows["Price"] * 100).round().astype("int64"),
        "time": pd.to_datetime(rows["Date"]),
    })  # fmt: skip
    end = orders["time"].min() + pd.Timedelta(weeks=104)
    summary = purchase_summary(orders[orders["time"] <= end], end=end)
    table = summary.merge(known.assign(customer_id=known["Id"].astype(str)), on="customer_id")
    both = ["Gender", "Channel"]
    full = ParetoNBD(both, both).fit(table)
    assert full.log_likelihood_ == pytest.approx(-5821.062686, abs=1e-5)
    published = {
        "r": 1.8378, "alpha": 92.912, "s": 0.5920, "beta": 49.62, "lifetime.Gender": -0.6430,
        "lifetime.Channel": 0.7907, "transaction.Gender": 0.2859, "transaction.Channel": 0.6241,
    }  # fmt: skip
    for name, value in published.items():
        assert abs(full.params_[name] - value) < 0.02 * full.standard_errors_[name], name
    restricted = ParetoNBD(both, both, equal=["Gender"]).fit(table)
    assert restricted.log_likelihood_ == pytest.approx(-5826.534191, abs=1e-5)
    test = likelihood_ratio_test(restricted, full)
    assert (round(test.statistic, 3), test.degrees_of_freedom, round(test.p_value, 5)) == (10.943, 1, 0.00094)


@pytest.mark.parametrize(
    ("model", "new_in_52", "customer_1516", "week_39", "week_78"),
    [(ParetoNBD, 1.473434, 25.4552, 2532.78, 4275.39), (BGNBD, 1.444012, 25.7573, 2501.53, 4165.66)],
)
def test_cdnow_foretold(fitted, cdnow, model, new_in_52, customer_1516, week_39, week_78):  # BTYD
    assert float(fitted[model].expected_purchases(52)) == pytest.approx(new_in_52, abs=1e-6)
    busy = pd.DataFrame({"frequency": [26], "recency": [216 / 7], "T": [31.0]})
    assert fitted[model].expected_purchases(52, busy)[0] == pytest.approx(customer_1516, abs=5e-5)
    start = cdnow["T"].max() - cdnow["T"]
    for week, published in ((39, week_39), (78, week_78)):
        total = fitted[model].expected_purchases(np.maximum(week - start, 0)).sum()
        assert total == pytest.approx(published, abs=0.0051)


def test_cdnow_as_it_was(cdnow_lines):
    assert purchase_summary(cdnow_lines, end="1997-09-30")["frequency"].sum() == 2457
    assert purchase_summary(cdnow_lines, end="1998-06-30")["frequency"].sum() == 4339


@pytest.fixture(scope="module")
def year_and_a_half(cdnow_lines) -> ParetoNBD:
    return ParetoNBD().fit(purchase_summary(cdnow_lines, end="1998-06-30"))


def test_cdnow_of_78_weeks(year_and_a_half):  # BTYD, FHL05b
    assert year_and_a_half.log_likelihood_ == pytest.approx(-17135.835886, abs=1e-5)
    assert list(year_and_a_half.params_.values()) == pytest.approx(
        [0.563004, 12.559170, 0.408107, 10.514547], rel=2e-5
    )
    printed = ParetoNBD.from_params(r=0.5629966, alpha=12.5590370, s=0.4081095, beta=10.5148048)
    silent = pd.DataFrame({"frequency": [7], "recency": [35.0], "T": [77.86]})
    assert printed.discounted_expected_residual_transactions(silent, 0.0027)[0] == pytest.approx(
        1.864183, abs=5e-7
    )
    ours = year_and_a_half.discounted_expected_residual_transactions(silent, 0.0027)[0]
    assert ours == pytest.approx(1.864183, rel=1e-5)


def test_customer_equity_of_the_cohort(cohort, cdnow_lines, year_and_a_half):  # FHL05b: $1.1 M, $47, $4.40
    summary = purchase_summary(cohort, end="1998-06-30")
    known = summary["frequency"] * summary["monetary_value"].fillna(0) / 100
    summary = summary[known <= 4000].assign(monetary_value=summary["monetary_value"] / 100)
    assert len(summary) == 23560
    half = purchase_summary(cdnow_lines, end="1998-06-30")
    spend = GammaGamma().fit(half.assign(monetary_value=half["monetary_value"] / 100))
    assert list(spend.params_.values()) == pytest.approx([4.683453, 4.189783, 24.390554], rel=1e-5)
    to_come = year_and_a_half.discounted_expected_residual_transactions(summary, 0.0027)
    spend = GammaGamma("leave out").fit(half.assign(monetary_value=half["monetary_value"] / 100))
    value = 0.3 * to_come * spend.expected_spend(summary)
    assert value.sum() == pytest.approx(1.1e6, rel=0.02)
    assert value.mean() == pytest.approx(47, rel=0.02)
    assert value.sum() == pytest.approx(1_096_877, rel=2e-3)
    never_again = value[summary["frequency"] == 0]
    assert len(never_again) == 12054
    assert never_again.mean() == pytest.approx(4.40, rel=0.02)


@pytest.mark.parametrize(
    ("model", "params", "log_likelihood"),
    [(BGNBD, [0.251624, 4.788943, 0.723434, 2.161089], -95368.443934),
     (ParetoNBD, [0.597420, 11.585657, 0.522186, 8.827757], -95415.118617),
     (GammaGamma, [6.275359, 3.624450, 14.983687], -40763.476261)],
)  # fmt: skip
def test_all_23570_customers(cohort, model, params, log_likelihood):
    summary = purchase_summary(cohort, end="1998-06-30", calibration_end="1997-09-30")
    summary = summary.assign(monetary_value=summary["monetary_value"] / 100)
    one = model("leave out") if model is GammaGamma else model()
    one.fit(summary)
    assert list(one.params_.values()) == pytest.approx(params, rel=5e-6)
    assert one.log_likelihood_ == pytest.approx(log_likelihood, abs=1e-5)
