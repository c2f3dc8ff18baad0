"""What looking at a running comparison costs, and what may be looked at as often as one likes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crmlab.errors import ParameterError
from crmlab.mining.campaigns import confidence_sequence
from crmlab.mining.methods import (
    asymptotic_confidence_sequence,
    asymptotic_p_value,
    false_alarms,
    group_sequential_bounds,
    sample_ratio,
)


def test_looking_again_and_again_raises_false_alarms_as_published():
    """Armitage, McPherson and Rowe (1969), table 2: nominal 5 %."""
    published = {1: 0.050, 2: 0.083, 3: 0.107, 4: 0.126, 5: 0.142, 10: 0.193, 20: 0.248, 50: 0.320}
    for looks, alarms in published.items():
        assert false_alarms([stats.norm.isf(0.025)] * looks) == pytest.approx(alarms, abs=0.0006), looks


def test_bounds_for_five_looks_are_those_of_the_tables():
    """Jennison and Turnbull (2000), tables 2.1 and 2.3."""
    assert group_sequential_bounds(5)[0] == pytest.approx(2.413, abs=0.0005)
    assert group_sequential_bounds(5, "obrien-fleming")[-1] == pytest.approx(2.040, abs=0.0005)
    assert group_sequential_bounds(5, level=0.99)[0] == pytest.approx(2.986, abs=0.0005)
    assert group_sequential_bounds(1).tolist() == pytest.approx([1.959964], abs=1e-6)


@pytest.mark.parametrize("shape", ["pocock", "obrien-fleming"])
def test_bounds_hold_their_level(shape):
    assert false_alarms(group_sequential_bounds(7, shape, 0.9)) == pytest.approx(0.1, abs=1e-7)


def test_an_oracle_of_the_mixture_agrees():
    """The e-process is the likelihood ratio averaged over effects: integrate that average by brute force."""
    z, progress = 2.7, 0.6
    r = progress * 8.211968062068252  # -W(-alpha^2 / e) - 1 at alpha = 0.05
    effects = np.linspace(-40, 40, 400_001)
    ratio = np.exp(effects * z - effects**2 / 2) * stats.norm.pdf(effects, scale=np.sqrt(r))
    bet = ratio.sum() * (effects[1] - effects[0])
    assert asymptotic_p_value(z, 1.0, progress) == pytest.approx(1 / bet, rel=1e-9)


@given(st.floats(-0.2, 0.2), st.floats(0.001, 0.1), st.floats(0.001, 20), st.floats(0.5, 0.999))
def test_the_p_value_is_small_where_the_interval_leaves_zero_out(estimate, error, progress, level):
    low, high = asymptotic_confidence_sequence(estimate, error, progress, level)
    p = asymptotic_p_value(estimate, error, progress, level)
    if abs(p - (1 - level)) > 1e-9:
        assert (low > 0 or high < 0) == (p < 1 - level)


def test_the_sequence_is_shortest_where_it_was_tuned_to_be():
    progress = np.array([0.8, 0.9, 1.0, 1.1, 1.2])
    low, high = asymptotic_confidence_sequence(0, 1, progress)
    assert (high - low).argmin() == 2
    assert (high - low)[2] / 2 == pytest.approx(3.0351, abs=1e-4)


def test_nothing_gathered_says_nothing():
    low, high = asymptotic_confidence_sequence([0.1, 0.1, np.nan], [0, 0.1, 0.1], [1, 0, 1])
    assert low[:2].tolist() == [-np.inf, -np.inf]
    assert high[:2].tolist() == [np.inf, np.inf]
    assert np.isnan(low[2])
    assert asymptotic_p_value([0.1, 0.1], [0, 0.1], [1, 0]).tolist() == [1, 1]


def test_a_hundred_looks_find_nothing_where_there_is_nothing_and_two_points_where_they_are():
    """400 runs of the planned design; benchmarks/peeking.py makes thousands."""
    random, runs, looks, step = np.random.default_rng(5), 400, 100, 200
    n = np.arange(1, looks + 1) * step
    for lift, least, most in ((0.0, 0.0, 0.05), (0.02, 0.99, 1.0)):
        b, a = (random.binomial(step, p, (runs, looks)).cumsum(axis=1) / n for p in (0.1, 0.1 + lift))
        error = np.sqrt((a * (1 - a) + b * (1 - b)) / n)
        low, high = asymptotic_confidence_sequence(a - b, error, n / 3841)
        found = ((low > 0) | (high < 0)).any(axis=1).mean()
        assert least <= found <= most
        naive = (np.abs(a - b) > 1.96 * error).any(axis=1).mean()
        assert naive > 0.3


def test_customers_that_all_wait_from_the_first_day_are_allowed_for():
    """All are there, answers come in: on the clock of the odds alarms are rare, on that of customers not."""
    random, runs, n = np.random.default_rng(9), 1000, 50_000
    shares = np.geomspace(1e-3, 0.6, 300)
    steps = (shares - np.concatenate([[0], shares[:-1]])) / (1 - np.concatenate([[0], shares[:-1]]))
    left, answers = np.full((2, runs), n), []
    for chance in steps:
        left = left - random.binomial(left, chance)
        answers.append(n - left)
    a, b = np.array(answers).transpose(1, 2, 0) / n
    error, pooled = np.sqrt((a * (1 - a) + b * (1 - b)) / n), (a + b) / 2
    alarms = []
    for progress in (pooled / (1 - pooled) / 0.1, np.full(len(shares), 0.3)):
        low, high = asymptotic_confidence_sequence(a - b, error, progress)
        alarms.append(((low > 0) | (high < 0)).any(axis=1).mean())
    assert alarms[0] <= 0.05
    assert alarms[0] < alarms[1]


def test_sample_ratio_is_pearsons_test_and_the_bet_of_the_paper():
    counts, shares = [512, 480, 251], [2, 2, 1]
    found = sample_ratio(counts, shares, concentration=50)
    expected = np.array(shares) / 5 * sum(counts)
    assert found[:2] == pytest.approx(stats.chisquare(counts, expected))
    # One case after the other, by Polya's urn: the mixture predicts each from those before.
    prior, seen, bet = 50 * np.array(shares) / 5, np.zeros(3), 0.0
    for kind in np.random.default_rng(0).permutation(np.repeat([0, 1, 2], counts)):
        bet += np.log((prior[kind] + seen[kind]) / (prior.sum() + seen.sum())) - np.log(shares[kind] / 5)
        seen[kind] += 1
    assert found.anytime_p_value == pytest.approx(min(1, np.exp(-bet)))
    assert sample_ratio([0, 0], [1, 1])[1:] == (1, 1)


def test_the_sample_ratio_may_be_looked_at_a_hundred_times():
    random = np.random.default_rng(4)
    for share, least, most in ((0.5, 0, 0.05), (0.53, 0.95, 1)):
        first = random.binomial(200, share, (200, 100)).cumsum(axis=1)
        total = np.arange(1, 101) * 200
        alarms = [
            any(sample_ratio([a, n - a], [1, 1])[2] < 0.05 for a, n in zip(run, total, strict=True))
            for run in first
        ]  # fmt: skip
        assert least <= np.mean(alarms) <= most


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: asymptotic_confidence_sequence(0, 1, -1), "0 or more"),
        (lambda: asymptotic_p_value(0, 1, 1, level=2), "level is a share"),
        (lambda: sample_ratio([1], [1]), "two kinds"),
        (lambda: sample_ratio([1, 2], [1, 0]), "more than 0"),
        (lambda: false_alarms([]), "each look"),
        (lambda: group_sequential_bounds(5, "haybittle"), "pocock"),
        (lambda: group_sequential_bounds(0), "whole number"),
    ],
)
def test_what_makes_no_sense_is_said(call, said):
    with pytest.raises(ParameterError, match=said):
        call()


# Arms against the control group


def test_hillstrom_is_told_from_no_mail(public_data):
    """The differences of the published arms, with intervals around them."""
    mails = pd.read_csv(next(public_data.glob("hillstrom/*.csv*")))
    outcomes = mails.rename(columns={"segment": "arm", "visit": "responded"})
    found = confidence_sequence(outcomes, "No E-Mail", planned=20_000).set_index("arm")
    assert found["difference"].round(8).tolist() == [0.07658956, 0.04523311]
    assert found["verdict"].tolist() == ["ahead", "ahead"]
    # Longer than Welch's, which allows for one look.
    length = (found["high"] - found["low"]).to_numpy() / 2
    assert (length > 1.96 * np.array([0.00338589, 0.00323446])).all()
    assert (length < 3.5 * np.array([0.00338589, 0.00323446])).all()
    spend = confidence_sequence(outcomes, "No E-Mail", "spend", planned=20_000).set_index("arm")
    assert spend["difference"].round(6).tolist() == [0.769827, 0.424412]


def people(n: int = 3000) -> pd.DataFrame:
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"arm": random.choice(["a", "b", "none"], n), "when": random.integers(0, 50, n)})
    chance = frame["arm"].map({"a": 0.3, "b": 0.1, "none": 0.1})
    frame["responded"] = (random.random(n) < chance).astype("int64")
    return frame.assign(value=frame["responded"] * random.integers(1, 10**9, n))


def test_the_last_look_is_what_all_customers_say_and_their_order_does_not_count():
    frame = people()
    looked = confidence_sequence(frame, "none", order="when", looks=20)
    assert looked["look"].unique().tolist() == list(range(1, 21))
    pd.testing.assert_frame_equal(
        looked, confidence_sequence(frame.sample(frac=1, random_state=1), "none", order="when", looks=20)
    )
    last = looked[looked["look"] == 20].reset_index(drop=True).assign(look=1)
    pd.testing.assert_frame_equal(last, confidence_sequence(frame, "none"))
    assert last["verdict"].tolist() == ["ahead", "too early to tell"]


def test_arms_share_what_is_left_of_the_level():
    frame = people()
    both = confidence_sequence(frame, "none", level=0.9).set_index("arm")
    alone = confidence_sequence(frame[frame["arm"] != "b"], "none", level=0.95).set_index("arm")
    assert both.loc["a", ["low", "high"]].tolist() == pytest.approx(alone.loc["a", ["low", "high"]].tolist())


def test_money_is_summed_exactly_and_compared_by_its_means():
    frame = people()
    found = confidence_sequence(frame, "none", "value").set_index("arm")
    groups = frame.groupby("arm")["value"]
    error = np.sqrt(groups.var()["a"] / groups.size()["a"] + groups.var()["none"] / groups.size()["none"])
    progress = (groups.size()["a"] + groups.size()["none"]) / 2000
    expected = asymptotic_confidence_sequence(
        groups.mean()["a"] - groups.mean()["none"], error, progress, 0.975
    )
    assert found.loc["a", ["low", "high"]].tolist() == pytest.approx([float(end) for end in expected])


def test_missing_outcomes_do_not_count_and_small_arms_say_nothing():
    frame = people(300).astype({"responded": "Int64"})
    frame["responded"] = frame["responded"].mask(frame["arm"] == "b")
    assert confidence_sequence(frame, "none")["arm"].tolist() == ["a"]
    one = pd.DataFrame({"arm": ["a", "none", "none"], "responded": [1, 0, 1]})
    assert confidence_sequence(one, "none")[["low", "high"]].values.tolist() == [[-np.inf, np.inf]]


def test_a_control_group_that_is_not_there_is_named():
    with pytest.raises(ParameterError, match="no arm 'nobody'"):
        confidence_sequence(people(), "nobody")
    with pytest.raises(ParameterError, match="looks is a number from 1"):
        confidence_sequence(people(), "none", looks=0)
