"""Qini and area under the uplift curve: scikit-uplift's figures, closed forms and what must always hold."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.errors import ParameterError
from crmlab.mining.campaigns import (
    AUUC_CONVENTIONS,
    QINI_CONVENTIONS,
    auuc,
    qini,
    qini_curve,
    uplift_at_k,
    uplift_by_percentile,
)

NONE = "No E-Mail"
#: qini_auc_score, the same with negative_effect=False, and uplift_auc_score of scikit-uplift 0.5.1 (on
#: scikit-learn 1.7.2, numpy 2.4.6) for the arm against "No E-Mail". Scores: the columns themselves,
#: recency with its sign turned, and `jumbled` as below, which has nearly as many values as rows.
FROZEN = {
    ("Womens E-Mail", "visit", "womens"): (0.06401550847534095, 0.3481972985744285, 0.029431161118097317),
    ("Womens E-Mail", "visit", "history"): (0.00262151406787262, 0.014259109055733321, 0.0010476345927874),
    ("Womens E-Mail", "visit", "recency"): (-0.00451976933793720, -0.02458422202887744, -0.0019703900569966),
    ("Womens E-Mail", "visit", "jumbled"): (0.03851195118802946, 0.20947669847327083, 0.017617267024004755),
    ("Womens E-Mail", "conversion", "womens"): (0.07704891157411559, 0.3598618267751046, 0.0022208247353896),
    ("Womens E-Mail", "conversion", "jumbled"): (0.0424095196461487, 0.19807635047300068, 0.001214336778378),
    ("Mens E-Mail", "visit", "womens"): (0.012887832659139767, 0.04664546800542709, 0.006342948834553966),
    ("Mens E-Mail", "visit", "history"): (0.01843340125952005, 0.06671677476137668, 0.00957842383880911),
    ("Mens E-Mail", "visit", "jumbled"): (0.00849118149350899, 0.03073248583832756, 0.00401330102973),
    ("Mens E-Mail", "conversion", "history"): (0.06961189189725044, 0.18642547631023013, 0.00252670343682),
    ("Mens E-Mail", "conversion", "recency"): (0.01193856328564512, 0.0319723007998600, 0.00045641852654161),
}
#: The areas per customer of the research notes, by convention "raw".
RAW = {
    ("Womens E-Mail", "visit", "womens"): 0.00783370,
    ("Mens E-Mail", "conversion", "history"): 0.00062971,
    ("Womens E-Mail", "spend", "womens"): 0.03397216,
    ("Womens E-Mail", "spend", "history"): -0.01271583,
    ("Mens E-Mail", "spend", "history"): 0.07572363,
}


@pytest.fixture(scope="module")
def hillstrom(public_data) -> dict[str, pd.DataFrame]:
    frame = pd.read_csv(public_data / "hillstrom" / "hillstrom.csv.gz")
    arms = {}
    for arm in ("Womens E-Mail", "Mens E-Mail"):
        two = frame[frame["segment"].isin([arm, NONE])].reset_index(drop=True)
        jumbled = (np.arange(len(two)) * 7919 % 10007) / 10007 + two["womens"] * 0.5
        arms[arm] = two.assign(recency=-two["recency"], jumbled=jumbled)
    return arms


@pytest.mark.parametrize(("arm", "outcome", "score"), FROZEN)
def test_figures_are_those_of_scikit_uplift(hillstrom, arm, outcome, score):
    data, expected = hillstrom[arm], FROZEN[arm, outcome, score]
    given_ = data[outcome], data[score], data["segment"]
    positive = qini(*given_, "scikit-uplift-positive", control=NONE, replicates=0).value
    found = (
        qini(*given_, control=NONE, replicates=0).value,
        positive,
        auuc(*given_, control=NONE, replicates=0).value,
    )
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("arm", "outcome", "score"), RAW)
def test_areas_per_customer_are_those_of_the_research(hillstrom, arm, outcome, score):
    data = hillstrom[arm]
    found = qini(data[outcome], data[score], data["segment"], "raw", control=NONE, replicates=0)
    assert found.value == pytest.approx(RAW[arm, outcome, score], abs=5e-9)


def test_the_effect_among_the_first_is_that_of_scikit_uplift(hillstrom):
    """Frozen from uplift_at_k and response_rate_by_percentile; ranks are permuted by RandomState(0)."""
    data = hillstrom["Womens E-Mail"]
    score = np.random.RandomState(0).permutation(len(data)).astype(float) - 20000 * (data["womens"] == 0)
    given_ = data["visit"], score, data["segment"]
    # 30 % of them are 12,807.9 customers, of which the package leaves out the part of one.
    first = uplift_at_k(*given_, 12_807 / len(data), control=NONE)
    assert first.value == pytest.approx(0.07552892245592234, abs=1e-12)
    by_group = uplift_at_k(*given_, strategy="by_group", control=NONE)
    assert by_group.value == pytest.approx(0.07562270489478072, abs=1.5e-4)
    assert by_group.low < by_group.value < by_group.high
    tenths = uplift_by_percentile(*given_, control=NONE)
    assert tenths["treated_mean"].iloc[[0, 9]].tolist() == pytest.approx([0.189867424, 0.108383511], abs=1e-4)
    assert tenths["control_mean"].iloc[[0, 9]].tolist() == pytest.approx([0.112604263, 0.105687204], abs=1e-4)


def test_the_flag_parts_the_published_effects(hillstrom):
    data = hillstrom["Womens E-Mail"]
    share = data["womens"].mean()
    first = uplift_at_k(data["visit"], data["womens"], data["segment"], share, control=NONE)
    assert first.value == pytest.approx(0.073115, abs=5e-7)


cases = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(-3, 3), st.integers(0, 900)), min_size=4
).filter(lambda rows: 0 < sum(row[0] for row in rows) < len(rows))


@given(cases, st.randoms())
def test_what_always_holds(rows, random):
    t, y, s, money = (np.array(part) for part in zip(*rows, strict=True))
    for outcome in (y, money):
        curve = qini_curve(outcome, s, t, replicates=0)
        average = outcome[t == 1].mean() - outcome[t == 0].mean()
        assert curve["value"].iloc[0] == 0
        assert curve["value"].iloc[-1] == pytest.approx(average)
        found = qini(outcome, s, t, "raw", replicates=0).value
        # Turned round, the same points are passed the other way.
        assert qini(outcome, -s, t, "raw", replicates=0).value == pytest.approx(-found, abs=1e-9)
        random.shuffle(rows)
        mixed = np.random.default_rng(random.randint(0, 9)).permutation(len(t))
        for convention in ("raw", "per-customer"):
            again = qini(outcome[mixed], s[mixed], t[mixed], convention, replicates=0).value
            assert again == qini(outcome, s, t, convention, replicates=0).value
        # Contact and its absence in each other's place turn the sign.
        assert qini(outcome, s, 1 - t, "raw", replicates=0).value == pytest.approx(-found, abs=1e-9)
        assert qini(outcome, s * 0, t, "raw", replicates=0).value == pytest.approx(0, abs=1e-9)


@given(cases)
@settings(max_examples=50)
def test_no_order_is_better_than_the_best(rows):
    t, y, s, _ = (np.array(part) for part in zip(*rows, strict=True))
    if y[t == 1].any() or y[t == 0].any():
        best = qini(y, y * (2 * t - 1), t, "raw", replicates=0).value
        assert qini(y, s, t, "raw", replicates=0).value <= best + 1e-12


def test_radcliffes_best_order_has_one():
    """Those whom contact moves, those whom it leaves alone, those whom it drives away."""
    s, t = np.repeat([3, 2, 1], [30, 50, 20]), np.tile([1, 0], 50)
    y = np.where(s == 3, t, np.where(s == 1, 1 - t, 0))
    assert qini(y, s, t, "radcliffe", replicates=0).value == pytest.approx(1)
    assert qini(y, y * (2 * t - 1), t, replicates=0).value == pytest.approx(1)


def test_conventions_by_hand():
    """Two places: two treated of three respond against none of one, then none of one against two of three."""
    t, s = np.array([1, 1, 1, 0, 1, 0, 0, 0]), np.array([2, 2, 2, 2, 1, 1, 1, 1])
    y = np.array([1, 1, 0, 0, 0, 1, 1, 0])
    value = {name: qini(y, s, t, name, replicates=0).value for name in QINI_CONVENTIONS}
    # Curves: 0, 2/4, 0 by shares, and 0, 2, 0 by counts, at 0, 4 and 8 customers.
    assert value["raw"] == pytest.approx(0.25)
    assert value["per-customer"] == pytest.approx(0.25)
    assert value["radcliffe"] == pytest.approx(0.25 / 0.25)
    assert np.isinf(value["causalml"])
    y2 = np.array([1, 1, 0, 0, 0, 1, 0, 0])
    # Counts: 0, 2, 1; above the straight line to 1: 8 + ... = (0+2)/2*4 + (2+1)/2*4 - 4 = 6.
    assert qini(y2, s, t, "causalml", replicates=0).value == pytest.approx(6 / 8 / 1)
    assert qini(y2, s, t, "per-customer", replicates=0).value == pytest.approx(6 / 8 / 4)
    # Uplift times customers: 0, (2/3 - 0) * 4, (2/4 - 1/4) * 8.
    area = (8 / 3) / 2 * 4 + (8 / 3 + 2) / 2 * 4
    assert auuc(y2, s, t, "raw", replicates=0).value == pytest.approx(area / 64)
    assert auuc(y2, s, t, "causalml", replicates=0).value == pytest.approx(area / 8 / 2)
    assert set(AUUC_CONVENTIONS) < set(QINI_CONVENTIONS)


def test_a_random_score_has_none_and_its_interval_says_so():
    random = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        t, s = random.integers(0, 2, 400), random.random(400)
        y = (random.random(400) < 0.2 + 0.1 * t).astype(int)
        found = qini(y, s, t, replicates=100, level=0.9)
        held += found.low <= 0 <= found.high
    assert 168 <= held <= 192  # 180 expected, three standard deviations either side


def test_the_bootstrap_has_the_spread_of_fresh_samples():
    random = np.random.default_rng(0)

    def sample() -> tuple:
        t, s = random.integers(0, 2, 3000), random.integers(0, 5, 3000)
        return (random.random(3000) < 0.1 + 0.04 * s * t).astype(int), s, t

    fresh = [qini(*sample(), replicates=0).value for _ in range(300)]
    found = qini(*sample(), replicates=500)
    assert (found.high - found.low) / 3.92 == pytest.approx(np.std(fresh), rel=0.15)
    money = [(y * 700 + y * s * 90, s, t) for y, s, t in (sample() for _ in range(200))]
    fresh = [qini(*one, replicates=0).value for one in money]
    found = qini(*money[0], replicates=500)
    assert found.convention == "raw"
    assert (found.high - found.low) / 3.92 == pytest.approx(np.std(fresh), rel=0.2)


def test_bands_of_many_places_are_those_of_all_and_repeat_themselves():
    random = np.random.default_rng(5)
    t, s = random.integers(0, 2, 5000), random.random(5000)
    y = (random.random(5000) < 0.1 + 0.2 * s * t).astype(int)
    one, two = (qini_curve(y, s, t, seed=1) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    assert len(one) == 1001
    assert one["share"].iloc[[0, -1]].tolist() == [0, 1]
    # At the end the band is that of a difference of two shares.
    error = np.sqrt(sum(y[t == side].var() / (t == side).sum() for side in (0, 1)))
    assert (one["high"] - one["low"]).iloc[-1] / 3.92 == pytest.approx(error, rel=0.2)
    assert (one["low"] <= one["value"]).iloc[1:].mean() > 0.99
    mixed = random.permutation(5000)
    pd.testing.assert_frame_equal(one, qini_curve(y[mixed], s[mixed], t[mixed], seed=1))


def test_groups_share_customers_with_equal_scores():
    frame = uplift_by_percentile([1, 0, 1, 0], [1, 1, 1, 1], [1, 1, 0, 0], groups=4)
    assert frame["treated"].tolist() == [0.5] * 4
    assert frame["uplift"].tolist() == [0.0] * 4
    amounts = uplift_by_percentile([500, 300, 100, 300, 0, 0, 0, 0], [1] * 8, [1, 1, 0, 0] * 2, groups=1)
    assert amounts["uplift"].tolist() == [100.0]
    assert amounts["low"].iloc[0] < 100 < amounts["high"].iloc[0]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: qini([1, 0], [1, 2], [1, 1]), "both with treatment and without"),
        (lambda: qini([1, 0], [1, 2], [1, 3]), "with names of arms give control"),
        (lambda: qini([1, 0], [1, 2, 3], [1, 0]), "There are 2 outcomes and scores of shape"),
        (lambda: qini([1, 0, 1], [1, 2], [1, 0]), "3 outcomes and 2 treatments"),
        (lambda: qini([1, np.nan], [1, 2], [1, 0]), "1 outcomes are missing"),
        (lambda: qini([1, 0], [1, np.nan], [1, 0]), "1 scores are missing"),
        (lambda: qini([1, 0], [1, 2], [1, 0], "scikit"), "no convention 'scikit'; did you mean"),
        (lambda: qini([5, 0], [1, 2], [1, 0], "radcliffe"), "for amounts take raw or causalml"),
        (lambda: auuc([5, 0], [1, 2], [1, 0], "scikit-uplift"), "for amounts take raw or causalml"),
        (lambda: qini([1, 0, 1], [1, 2, 3], ["a", "b", "c"], control="c"), "Name one arm beside c"),
        (lambda: qini([1, 0], [1, 2], [1, 0], level=95), "level is a share"),
        (lambda: qini_curve([1, 0], [1, 2], [1, 0], "gain"), "There is no curve 'gain'"),
        (lambda: uplift_at_k([1, 0], [1, 2], [1, 0], 30), "k is a share"),
        (lambda: uplift_at_k([1, 0], [1, 2], [1, 0], strategy="all"), "There is no strategy 'all'"),
        (lambda: uplift_by_percentile([1, 0], [1, 2], [1, 0], groups=0), "groups is a number"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(call, said):
    with pytest.raises(ParameterError, match=said):
        call()


def test_an_estimate_names_its_convention():
    found = qini([1, 0, 1, 0], [2, 2, 1, 1], [1, 0, 1, 0], "raw")
    assert str(found).endswith("by the convention raw")
    named = qini([1, 0, 1, 0, 9], [2, 2, 1, 1, 3], ["a", "c", "a", "c", "b"], "raw", control="c", arm="a")
    assert named.value == found.value
