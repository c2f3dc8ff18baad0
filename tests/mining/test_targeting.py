"""For whom a campaign works best, learnt and judged on different customers; and success against targets."""

import datetime

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import ParameterError
from crmlab.mining.campaigns import (
    HETEROGENEITY,
    Arm,
    Campaign,
    CompletionRule,
    Indicator,
    definition_of,
    success,
    targeting,
)

DAY = datetime.date(2025, 4, 15)


def campaign_with(n: int, effects: dict[str, float], seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers of two kinds and their outcomes; contact adds its kind's effect to a chance of one in ten."""
    random = np.random.default_rng(seed)
    ids = [f"C{place:05d}" for place in range(n)]
    kind = random.choice(list(effects), n)
    profile = pd.DataFrame({
        "kind": kind, "age": random.integers(18, 80, n), "first_purchase": pd.Timestamp("2020-01-01"),
        "campaign_responses": random.integers(0, 9, n), "full_name": ids, "constant": 1,
    }, index=pd.Index(ids, name="customer_id"))  # fmt: skip
    arm = random.choice(["mail", "control"], n)
    chance = 0.1 + np.where(arm == "mail", pd.Series(kind).map(effects), 0)
    responded = (random.random(n) < chance).astype(int)
    outcomes = pd.DataFrame(
        {"customer_id": ids, "arm": arm, "responded": responded, "value": 2000 * responded}
    )
    return profile, outcomes


def test_planted_differences_are_found_and_judged_on_the_other_half():
    profile, outcomes = campaign_with(6000, {"keen": 0.2, "cool": -0.05})
    found = targeting(profile, outcomes, "control", cost=30)
    assert (found.verdict, found.arm) == (HETEROGENEITY[0], "mail")
    assert found.fifths["n"].sum() == pytest.approx(3000, abs=1)
    assert found.fifths["low"].iloc[0] < 0.2 < found.fifths["high"].iloc[0]
    assert found.fifths["low"].iloc[-1] < -0.05 < found.fifths["high"].iloc[-1]
    assert found.fifths["high"].iloc[-1] < found.fifths["low"].iloc[0]
    assert found.qini.low > 0
    keen = profile["kind"] == "keen"
    assert found.scores.loc[keen[keen].index, "mail"].mean() > 0.15
    assert abs(found.scores.loc[keen[~keen].index, "mail"].mean() + 0.05) < 0.04
    # A response is worth 2,000: half of the customers are worth their contact, the others lose by it.
    best = found.profit.loc[found.profit["profit"].idxmax()]
    assert best["share"] == pytest.approx(0.5, abs=0.12)
    assert best["profit"] > found.profit["profit"].iloc[-1]


def test_equal_effects_are_not_told_apart():
    found = targeting(*campaign_with(3000, {"keen": 0.08, "cool": 0.08}, seed=4), "control")
    assert found.verdict == HETEROGENEITY[1]


def test_the_order_of_rows_and_what_came_later_make_no_difference():
    profile, outcomes = campaign_with(1200, {"keen": 0.2, "cool": 0.0})
    found = targeting(profile, outcomes, "control", permutations=19)
    responses = outcomes.set_index("customer_id")["responded"]
    later = profile.assign(campaign_responses=responses, last_purchase=pd.Timestamp("2025-05-01"))
    shuffled = later.sample(frac=1, random_state=1), outcomes.sample(frac=1, random_state=2)
    again = targeting(*shuffled, "control", permutations=19)
    pd.testing.assert_frame_equal(again.scores, found.scores)
    pd.testing.assert_frame_equal(again.fifths, found.fifths)


def test_too_few_customers_tell_nothing():
    profile, outcomes = campaign_with(150, {"keen": 0.2, "cool": 0.0})
    assert targeting(profile, outcomes, "control") is None
    many, of_many = campaign_with(900, {"a": 0.1})
    assert targeting(many[["constant", "first_purchase"]], of_many, "control") is None
    with pytest.raises(ParameterError, match="There is no arm 'none' among the outcomes"):
        targeting(profile, outcomes, "none")


def spring(**more: object) -> Campaign:
    return Campaign("M1", "Spring", "", "all", DAY, DAY + datetime.timedelta(days=27), "EUR", 2,
                    (Arm("mail", "email", 0.5, cost_per_contact=5),), "control", 0.5, **more)  # fmt: skip


def log_of(*rows: tuple) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["customer_id", "event", "arm", "day", "value"])
    time = pd.Timestamp(DAY) + pd.to_timedelta(frame["day"], unit="D")
    return frame.drop(columns="day").assign(time=time)


def test_success_counts_within_the_horizon_and_by_hand():
    rows = []
    for place in range(40):
        rows += [(f"c{place}", "assigned", "mail", 0, None), (f"c{place}", "sent", "mail", 0, None)]
        # Twenty buy on the thirteenth day, ten more on the fourteenth, which is one too late.
        if place < 30:
            rows.append((f"c{place}", "converted", "mail", 13 if place < 20 else 14, 1000))
    rows.append(("d", "assigned", "control", 0, None))
    indicators = (
        Indicator("orders", 0.3, 14, event="converted"), Indicator("revenue", 900, 14, measure="revenue"),
        Indicator("cost", 5, 14, measure="cost"), Indicator("profit", 400, 14, measure="profit"),
    )  # fmt: skip
    found = success(log_of(*rows).sample(frac=1, random_state=3), spring(indicators=indicators)).set_index(
        "name"
    )
    assert found["value"].to_dict() == {"orders": 0.5, "revenue": 500, "cost": 5, "profit": 495}
    assert found["verdict"].tolist() == ["reached", "not reached", "reached", "cannot be told yet"]
    assert found["n"].eq(40).all()
    assert found["is_amount"].tolist() == [False, True, True, True]
    assert success(log_of(*rows), spring()).empty


def test_the_definition_of_a_campaign_is_found_by_its_id(tmp_path):
    assert definition_of(tmp_path, "M1") is None
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "a broken one.toml").write_text("[campaign]\n", encoding="utf-8")
    with pytest.raises(ParameterError, match="a broken one"):
        definition_of(tmp_path, "M1")
    stop = CompletionRule("unsubscribed", "stop")
    spring(rules=(stop,)).write(tmp_path / "campaigns" / "spring.toml")
    assert definition_of(tmp_path, "M1") == spring(rules=(stop,))
