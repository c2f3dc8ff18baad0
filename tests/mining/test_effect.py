"""Rates and means of Hillstrom's arms, ratios, corrections for several arms, and very large amounts."""

import numpy as np
import pandas as pd
import pytest

import crmlab as crm
from crmlab.loaders import read_public
from crmlab.mining.campaigns import effect, outcomes
from crmlab.mining.campaigns.effect import VERDICTS
from crmlab.mining.methods import sample_ratio


@pytest.fixture(scope="module")
def events(public_data) -> pd.DataFrame:
    events = read_public("hillstrom", public_data / "hillstrom" / "hillstrom.csv.gz")["campaign_events"].frame
    return events.assign(value=(events["value"].astype(float) * 100).round().astype("Int64"))


#: Event, outcome, mean of no mail, men's and women's, effects and their standard errors.
FIGURES = [
    ("visited", "responded", [0.10616728, 0.18275684, 0.15140038], [0.07658956, 0.04523311],
     [0.00338589, 0.00323446]),
    ("converted", "responded", [0.00572609, 0.01253109, 0.00883714], [0.00680501, 0.00311106],
     [0.00092087, 0.00082268]),
    ("converted", "value", [65.278936, 142.261651, 107.720157], [76.982716, 42.441222],
     [14.524656, 13.033286]),
]  # fmt: skip


@pytest.mark.parametrize(("response", "outcome", "means", "differences", "errors"), FIGURES)
def test_hillstroms_figures(events, response, outcome, means, differences, errors):
    found = effect(outcomes(events, response=response), "No E-Mail", outcome).set_index("arm")
    found = found.loc[["Mens E-Mail", "Womens E-Mail"]]
    digits = {"abs": 6e-9} if outcome == "responded" else {"abs": 6e-7}
    assert [found["control_mean"].iloc[0], *found["mean"]] == pytest.approx(means, **digits)
    assert found["difference"].tolist() == pytest.approx(differences, **digits)
    assert found["standard_error"].tolist() == pytest.approx(errors, **digits)
    assert found["ratio"].tolist() == pytest.approx([means[1] / means[0], means[2] / means[0]], rel=1e-5)
    assert (found["p_adjusted"] < 0.01).all()


def test_hillstroms_arms_have_the_sizes_of_their_draw(events):
    sizes = outcomes(events).groupby("arm").size()
    assert sizes.tolist() == [21307, 21306, 21387]
    assert sample_ratio(sizes).p_value > 0.5


#: Arms whose effects are at the edge of what chance brings.
ARMS = pd.DataFrame({
    "arm": ["none"] * 1000 + ["a"] * 1000 + ["b"] * 1000 + ["c"] * 1000,
    "responded": np.concatenate([np.arange(1000) < hits for hits in (100, 128, 129, 101)]).astype(int),
})  # fmt: skip


def test_many_arms_are_counted():
    found = effect(ARMS, "none").set_index("arm")
    p = found["p"]
    assert p["b"] < p["a"] < 0.05 < p["c"]
    assert found["p_adjusted"].to_dict() == {"b": 3 * p["b"], "a": max(2 * p["a"], 3 * p["b"]), "c": p["c"]}
    assert found["verdict"].to_dict() == {"a": VERDICTS[0], "b": VERDICTS[0], "c": VERDICTS[2]}
    wider = effect(ARMS, "none", simultaneous=True).set_index("arm")
    alone = effect(ARMS, "none", level=1 - 0.05 / 3).set_index("arm")
    pd.testing.assert_frame_equal(wider, alone)
    assert (wider["high"] - wider["low"] > found["high"] - found["low"]).all()
    assert (wider["p"] == found["p"]).all()


def test_amounts_in_rials_do_not_overflow():
    """Three billion minor units are a usual purchase in rials, and their squares are beyond 64 bits."""
    frame = pd.DataFrame(
        {"arm": ["mail", "none"] * 50, "value": [40_000_000_000 + n % 7 for n in range(100)]}
    )
    found = effect(frame, "none", "value").iloc[0]
    small = effect(frame.assign(value=frame["value"] - 40_000_000_000), "none", "value").iloc[0]
    assert found["difference"] == pytest.approx(small["difference"], abs=1e-5)
    assert found["standard_error"] == pytest.approx(small["standard_error"], rel=1e-12)


def test_neither_the_order_of_rows_nor_the_engine_matters():
    frame = ARMS.assign(value=ARMS["responded"] * np.arange(4000) ** 2)
    for outcome in ("responded", "value"):
        one = effect(frame, "none", outcome)
        pd.testing.assert_frame_equal(one, effect(frame[::-1], "none", outcome), check_exact=True)
        pd.testing.assert_frame_equal(one, effect(crm.as_table(frame), "none", outcome), check_exact=True)
