"""Adjusted effects against regressions written out, tea-tasting's figures and planted truth."""

import numpy as np
import pandas as pd
import pytest

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.campaigns import adjusted_effect, earlier_spend, effect
from crmlab.mining.campaigns.effect import VERDICTS


def campaign(seed: int, n: int = 3000, shares: tuple = (0.5, 0.3, 0.2)) -> pd.DataFrame:
    """A campaign with two arms whose earlier spend explains half of the variance."""
    random = np.random.default_rng(seed)
    arm = random.choice(["none", "a", "b"], n, p=shares)
    before, visits = random.gamma(2, 500, n).round(), random.poisson(3, n)
    slope = np.where(arm == "a", 1.5, 1.0)
    value = 1000 + slope * before + 50 * visits + np.where(arm == "a", 100, 0) + random.normal(0, 700, n)
    return pd.DataFrame({"arm": arm, "before": before.astype(int), "visits": visits, "value": value})


def regression(frame: pd.DataFrame, names: list[str], interactions: bool) -> dict[str, float]:
    """Coefficients of the arms in an ordinary regression, covariates about their mean."""
    dummies = np.column_stack([frame["arm"] == arm for arm in ("a", "b")]).astype(float)
    x = (frame[names] - frame[names].mean()).to_numpy()
    parts = [np.ones(len(frame)), dummies, x]
    if interactions:
        parts += [dummies[:, [i]] * x for i in (0, 1)]
    found = np.linalg.lstsq(np.column_stack(parts), frame["value"].to_numpy(), rcond=None)[0]
    return dict(zip("ab", found[1:3], strict=True))


@pytest.mark.parametrize("names", [["before"], ["before", "visits"]])
@pytest.mark.parametrize("method", ["cuped", "lin"])
def test_an_adjusted_effect_is_the_coefficient_of_a_regression(names, method):
    frame = campaign(1)
    found = adjusted_effect(frame, "none", names, "value", method=method).set_index("arm")
    theirs = regression(frame, names, interactions=method == "lin")
    assert found["difference"].to_dict() == pytest.approx(theirs, rel=1e-9)
    plain = effect(frame, "none", "value").set_index("arm")
    assert found["unadjusted"].to_dict() == pytest.approx(plain["difference"].to_dict())
    reduction = 1 - (found["standard_error"] / plain["standard_error"]) ** 2
    assert found["variance_reduction"].to_dict() == pytest.approx(reduction.to_dict())
    assert (found["variance_reduction"] > 0.4).all()


def test_standard_errors_are_those_of_what_the_covariates_leave():
    frame = campaign(2)
    found = adjusted_effect(frame, "none", "before", "value").set_index("arm")
    theta = adjusted_effect(frame, "none", "before", "value").attrs["theta"]["before"]
    rest = (frame["value"] - theta * frame["before"]).groupby(frame["arm"]).agg(["var", "size"])
    own = (rest["var"] / rest["size"] * (len(frame) - 3) / (len(frame) - 4)).to_dict()
    assert found["standard_error"].to_dict() == pytest.approx(
        {arm: (own[arm] + own["none"]) ** 0.5 for arm in "ab"}
    )


def test_hillstroms_spend_agrees_with_tea_tasting(public_data):
    # tea-tasting 1.14.0, Mean("spend", "history", equal_var=False); its theta counts the difference between
    # arms as well, which moves the fifth digit.
    frame = pd.read_csv(public_data / "hillstrom" / "hillstrom.csv.gz")
    frame = frame[frame["segment"] != "Mens E-Mail"]
    found = adjusted_effect(frame, "No E-Mail", "history", "spend", arm="segment").iloc[0]
    assert found[["difference", "low", "high", "p"]].tolist() == pytest.approx(
        [0.42270092, 0.16729379, 0.67810805, 0.00118020], rel=1e-4
    )
    visits = adjusted_effect(frame, "No E-Mail", "recency", "visit", arm="segment").iloc[0]
    assert visits[["difference", "low", "high"]].tolist() == pytest.approx(
        [0.04535889, 0.03903613, 0.05168166], rel=1e-4
    )
    assert found["balance_p"] > 0.01


@pytest.mark.parametrize("method", ["cuped", "lin"])
def test_the_true_effect_lies_in_the_interval(method):
    # Arm a: 100 and half of the mean earlier spend of 1,000.
    held = []
    for seed in range(60):
        found = adjusted_effect(campaign(seed, 600), "none", "before", "value", method=method).set_index(
            "arm"
        )
        held += [
            found.loc[arm, "low"] <= truth <= found.loc[arm, "high"] for arm, truth in (("a", 600), ("b", 0))
        ]
    assert np.mean(held) > 0.89


def test_verdicts_and_corrections():
    found = adjusted_effect(campaign(3), "none", "before", "value").set_index("arm")
    assert found["verdict"].to_dict() == {"a": VERDICTS[0], "b": VERDICTS[2]}
    assert found.loc["a", "p_adjusted"] == pytest.approx(2 * found.loc["a", "p"])


def test_covariates_that_say_nothing_or_repeat_each_other_change_nothing():
    frame = campaign(4).assign(same=7)
    frame["again"] = 1000 * frame["before"]
    plain, once = effect(frame, "none", "value"), adjusted_effect(frame, "none", "before", "value")
    idle = adjusted_effect(frame, "none", "same", "value")
    assert idle["difference"].tolist() == pytest.approx(plain["difference"].tolist())
    assert idle["balance_p"].isna().all()
    twice = adjusted_effect(frame, "none", ["before", "again"], "value")
    assert twice["difference"].tolist() == pytest.approx(once["difference"].tolist())
    assert twice["balance_p"].tolist() == pytest.approx(once["balance_p"].tolist())


def test_a_covariate_that_the_campaign_changed_is_seen():
    frame = campaign(5)
    frame["later"] = frame["before"] + np.where(frame["arm"] == "a", 300, 0)
    found = adjusted_effect(frame, "none", "later", "value").set_index("arm")
    assert found.loc["a", "balance_p"] < 1e-6 < found.loc["b", "balance_p"]


def test_the_order_of_rows_does_not_matter():
    frame = campaign(6).assign(value=lambda f: f["value"].round().astype(int))
    one, other = (adjusted_effect(rows, "none", "before", "value") for rows in (frame, frame[::-1]))
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    table = adjusted_effect(crm.as_table(frame), "none", "before", "value")
    pd.testing.assert_frame_equal(one, table, check_exact=True)


def test_customers_without_covariate_do_not_count():
    frame = campaign(7)
    gaps = frame.assign(before=frame["before"].where(frame.index % 3 > 0))
    found = adjusted_effect(gaps, "none", "before", "value")
    whole = adjusted_effect(frame[frame.index % 3 > 0], "none", "before", "value")
    assert found["n"].tolist() == whole["n"].tolist()
    assert found["difference"].tolist() == pytest.approx(whole["difference"].tolist())


def test_what_cannot_be_adjusted():
    frame = campaign(8)
    with pytest.raises(ParameterError, match="no arm 'nobody' to compare with"):
        adjusted_effect(frame, "nobody", "before", "value")
    with pytest.raises(ParameterError, match="method is 'cuped' or 'lin', not 'ols'"):
        adjusted_effect(frame, "none", "before", "value", method="ols")
    with pytest.raises(ParameterError, match="at least one covariate"):
        adjusted_effect(frame, "none", [], "value")
    with pytest.raises(ParameterError, match="'value' cannot be its own covariate"):
        adjusted_effect(frame, "none", ["before", "value"], "value")
    with pytest.raises(TableError, match="need a column age"):
        adjusted_effect(frame, "none", "age", "value")
    with pytest.raises(TableError, match="column arm of outcomes holds text"):
        adjusted_effect(frame, "none", "arm", "value")
    with pytest.raises(TableError, match="No customer has value and before"):
        adjusted_effect(frame.assign(before=np.nan), "none", "before", "value")


ORDERS = pd.DataFrame({
    "customer_id": ["1", "1", "2", "3"], "amount": [500, 900, 70, 5],
    "time": pd.to_datetime(["2024-03-01 10:00", "2024-04-15 00:00", "2024-04-14 23:59", "2022-01-01 00:00"]),
})  # fmt: skip


def test_earlier_spend_ends_before_the_campaign():
    outcomes = pd.DataFrame({"customer_id": ["3", "1", "4", "2"], "arm": "mail"})
    found = earlier_spend(outcomes, ORDERS, "2024-04-15")
    assert found[["customer_id", "earlier_spend"]].values.tolist() == [
        ["1", 500],
        ["2", 70],
        ["3", 0],
        ["4", 0],
    ]
    assert earlier_spend(outcomes, ORDERS, "2024-04-15", days=1)["earlier_spend"].tolist() == [0, 70, 0, 0]
    again = earlier_spend(found, ORDERS, "2024-04-16")
    assert again["earlier_spend"].tolist() == [1400, 70, 0, 0]
    assert not isinstance(earlier_spend(crm.as_table(outcomes), ORDERS, "2024-04-15"), pd.DataFrame)
    with pytest.raises(ParameterError, match="days is a number of days"):
        earlier_spend(outcomes, ORDERS, "2024-04-15", days=0)
    with pytest.raises(TableError, match="need a column amount"):
        earlier_spend(outcomes, ORDERS.drop(columns="amount"), "2024-04-15")
