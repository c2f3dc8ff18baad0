"""Differences between groups, weights for non-response, indices and trends."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

import crmlab as crm
from crmlab.errors import ParameterError
from crmlab.mining.methods import (
    change_positions,
    difference_interval,
    holm,
    newcombe,
    share_difference,
)
from crmlab.mining.satisfaction import (
    ces,
    change_points,
    compare_groups,
    csat,
    index_score,
    nps,
    poststratify,
    score_difference,
    scores,
)


def table(given, metric, low, high, **more):
    return pd.DataFrame({"metric": metric, "score": given, "scale_low": low, "scale_high": high, **more})


def test_differences_of_means_and_shares_are_those_of_scipy_and_newcombe():
    random = np.random.default_rng(3)
    a, b = pd.Series(random.integers(1, 8, 40)), pd.Series(random.integers(2, 8, 25))
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    found = score_difference(a, b, "ces")
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    found = score_difference(a, b, "csat", scale=(1, 7))
    expected = newcombe((a > 5).sum(), 40, (b > 5).sum(), 25)
    assert (found.low, found.high) == (pytest.approx(expected[0]), pytest.approx(expected[1]))
    assert found.n == 65


def test_difference_of_two_nps_covers_the_truth():
    """Two independent samples of three kinds, some of them with few promoters."""
    random = np.random.default_rng(11)
    for one, two in [((0.5, 0.3, 0.2), (0.3, 0.3, 0.4)), ((0.1, 0.2, 0.7), (0.8, 0.1, 0.1))]:
        a, b = random.multinomial(30, one, 1000), random.multinomial(50, two, 1000)
        value, interval = _nps(a)
        other, other_interval = _nps(b)
        low, high = difference_interval(value, interval, other, other_interval)
        truth = one[0] - one[2] - two[0] + two[2]
        # Three standard errors of 1,000 trials below 95 %, and above 96.5 %.
        assert 0.929 <= np.mean((low <= truth) & (truth <= high)) <= 0.982
        sides = [pd.Series(np.repeat([10, 8, 0], counts[0])) for counts in (a, b)]
        found = score_difference(*sides, "nps")
        assert (found.low, found.high) == (pytest.approx(100 * low[0]), pytest.approx(100 * high[0]))


def _nps(counts):
    n = counts.sum(axis=1)
    return (counts[:, 0] - counts[:, 2]) / n, share_difference(counts[:, 0], counts[:, 2], n)


def test_series_and_tables_give_one_difference():
    a, b = pd.Series([10, 9, 3, 7, 10]), pd.Series([1, 9, 8, 8])
    tables = [table(side, "nps", 0, 10) for side in (a, b)]
    assert score_difference(a, b, "nps") == score_difference(*tables, "nps")
    assert score_difference(a + 1, b + 1, "nps", scale=(1, 11)) == score_difference(a, b, "nps")
    backwards = score_difference(b, a, "nps")
    assert backwards.low == pytest.approx(-score_difference(a, b, "nps").high)


def test_without_answers_there_is_no_difference():
    found = score_difference(pd.Series([], dtype=float), pd.Series([10, 9]), "nps")
    assert np.isnan(found.value)
    assert found.n == 2
    with pytest.raises(ParameterError, match="metric is one of"):
        score_difference(pd.Series([1]), pd.Series([1]), "item")


def groups(metric="csat"):
    answers = [5] * 90 + [1] * 10 + [5] * 85 + [1] * 15 + [5] * 50 + [1] * 50 + [5] * 3
    names = ["web"] * 100 + ["phone"] * 100 + ["shop"] * 100 + [None] * 3
    return table(answers, metric, 1, 5, touch_point=names)


def test_groups_against_the_rest_and_in_pairs():
    found = compare_groups(groups(), "csat", "touch_point").set_index("touch_point")
    assert found.index[0] == "shop"
    assert found.loc["shop", ["value", "other_value"]].tolist() == [0.5, 0.875]
    assert found.loc["shop", "other_n"] == 200
    assert found.attrs["left_out"] == 3
    pairs = compare_groups(groups(), "csat", "touch_point", against="pairs")
    assert len(pairs) == 3
    assert (pairs["p_adjusted"] >= pairs["p"]).all()
    apart = (pairs["low"] > 0) | (pairs["high"] < 0)
    assert (apart == (pairs["p"] < 0.05)).all()
    assert set(pairs[~apart][["touch_point", "other"]].iloc[0]) == {"web", "phone"}


def test_groups_against_the_rest_are_the_rest_put_together():
    answers = groups("ces").assign(scale_high=7).dropna()
    found = compare_groups(answers, "ces", "touch_point").set_index("touch_point").loc["web"]
    web = answers["touch_point"] == "web"
    expected = stats.ttest_ind(answers["score"][web], answers["score"][~web], equal_var=False)
    assert found["p"] == pytest.approx(expected.pvalue)
    assert found["low"] == pytest.approx(expected.confidence_interval(0.95).low)


def test_one_group_cannot_be_compared():
    with pytest.raises(ParameterError, match="two groups or more; answers of the metric csat have 1"):
        compare_groups(groups().query("touch_point == 'web'"), "csat", "touch_point")
    with pytest.raises(ParameterError, match="against is"):
        compare_groups(groups(), "csat", "touch_point", against="web")


def test_holm_equals_its_definition():
    # R: p.adjust(c(0.01, 0.02, 0.03, 0.005), "holm") = .03 .04 .04 .02
    assert holm([0.01, 0.02, 0.03, 0.005]) == pytest.approx([0.03, 0.04, 0.04, 0.02])
    assert holm([0.5, np.nan, 0.9])[[0, 2]] == pytest.approx([1, 1])
    with pytest.raises(ParameterError, match="between 0 and 1"):
        holm([2])


@given(some.lists(some.floats(0, 1), min_size=1, max_size=8))
def test_holm_raises_every_value_and_keeps_their_order(p):
    adjusted = holm(p)
    assert (adjusted >= np.array(p)).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_index_of_items_takes_those_that_were_answered():
    items = pd.DataFrame({"a": [1, 5, 5, None], "b": [5, 5, None, None], "c": [3, None, None, None]})
    found = index_score(items)
    assert found.tolist()[:2] == [50, 100]
    assert found.isna().tolist() == [False, False, True, True]
    assert found.attrs["left_out"] == 1
    assert index_score(items, minimum_share=1).count() == 1
    assert index_score(items, minimum_share=0.01).count() == 3
    assert index_score(items, reverse=["a", "b", "c"]).tolist()[:2] == [50, 0]
    with pytest.raises(ParameterError, match="outside the scale 1 to 4"):
        index_score(items, scale=(1, 4))
    with pytest.raises(ParameterError, match="none of the items"):
        index_score(items, reverse=["z"])


def respondents(random, n=400):
    """Of the old seven in ten answer, of the new two in ten; the old are happier."""
    old = random.random(n) < 0.5
    answered = random.random(n) < np.where(old, 0.7, 0.2)
    score = np.where(random.random(n) < np.where(old, 0.8, 0.3), 10, 3).astype(float)
    return pd.Series(np.where(answered, score, np.nan)), pd.Series(np.where(old, "old", "new"))


def test_weights_mend_non_response_and_the_interval_holds():
    random, held, plain = np.random.default_rng(5), 0, 0
    for _ in range(100):
        found = poststratify(*respondents(random), {"old": 1, "new": 1}, "csat", (0, 10))
        held += found.estimate.low <= 0.55 <= found.estimate.high
        plain += found.unweighted.low <= 0.55 <= found.unweighted.high
    assert 0.88 <= held / 100 < 1
    assert plain / 100 < 0.1


def test_weights_equal_their_formula():
    answers, strata = pd.Series([10, 0, 8, 10, 0]), pd.Series(["a", "a", "a", "b", "b"])
    found = poststratify(answers, strata, {"a": 20, "b": 80})
    assert found.strata["weight"].tolist() == pytest.approx([0.2 / 0.6, 0.8 / 0.4])
    assert found.weights.mean() == pytest.approx(1)
    assert found.estimate.value == pytest.approx(0)
    # Squared residuals: 1, 1, 0 with weight 1/3; 1, 1 with weight 2.
    variance = 5 / 4 * (2 * (1 / 15) ** 2 + 2 * (2 / 5) ** 2) * 100**2
    half = stats.t.ppf(0.975, 3) * np.sqrt(variance)
    assert found.estimate.high == pytest.approx(min(100, half))
    assert found.weight_effect == pytest.approx((3 / 9 + 8) / 5)
    assert found.covered == 1


def test_weights_that_change_nothing():
    random = np.random.default_rng(2)
    answers, strata = pd.Series(random.integers(1, 6, 200)), pd.Series(["a", "b"] * 100)
    for metric, plain in (("csat", csat), ("ces", ces)):
        found = poststratify(answers, strata, {"a": 7, "b": 7}, metric, scale=(1, 5))
        assert found.estimate.value == pytest.approx(plain(answers, scale=(1, 5)).value)
        assert found.weight_effect == pytest.approx(1)
        assert found.design_effect == pytest.approx(1, abs=0.03)


def test_strata_on_one_side_only_are_told():
    answers, strata = pd.Series([10, 3, 9]), pd.Series(["a", "a", None])
    with pytest.raises(ParameterError, match=r"Nobody answered in 1 of 2 strata: b\. Put them together"):
        poststratify(answers, strata, {"a": 1, "b": 3})
    found = poststratify(answers, strata, {"a": 1, "b": 3}, empty="leave out")
    assert (found.covered, found.left_out, found.estimate.n) == (0.25, 1, 2)
    with pytest.raises(ParameterError, match="strata that the population does not have: a;"):
        poststratify(answers, strata, {"b": 1})
    with pytest.raises(ParameterError, match="no answer in any stratum"):
        poststratify(answers * np.nan, strata, {"a": 1})
    with pytest.raises(ParameterError, match="size above 0"):
        poststratify(answers, strata, {"a": 0})
    with pytest.raises(ParameterError, match="index of answers"):
        poststratify(answers, strata[:2], {"a": 1})


def all_cuts(values, variances, per_change):
    """The cheapest of all ways to cut a short series."""
    best = (np.inf, [])
    for code in range(2 ** (len(values) - 1)):
        cuts = [at for at in range(1, len(values)) if code >> (at - 1) & 1]
        cost = per_change * len(cuts)
        for a, b in zip([0, *cuts], [*cuts, len(values)], strict=True):
            middle = np.average(values[a:b], weights=1 / variances[a:b])
            cost += ((values[a:b] - middle) ** 2 / variances[a:b]).sum()
        best = min(best, (cost, cuts))
    return best[1]


@pytest.mark.parametrize("seed", range(8))
def test_change_positions_are_the_best_of_all(seed):
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, 9) + np.repeat([0, 3, 1], 3)
    variances = random.uniform(0.2, 2, 9)
    found = change_positions(values, variances, penalty=3.0, overdispersion=False)
    assert found == all_cuts(values, variances, 3.0)


def test_change_positions_without_a_change_are_rare():
    random = np.random.default_rng(1)
    found = [change_positions(random.normal(0, 0.1, 24), [0.01] * 24) for _ in range(1000)]
    assert 0.02 < np.mean([bool(cuts) for cuts in found]) < 0.06


def test_change_positions_refuse_what_they_cannot_judge():
    assert change_positions([1.0], [1.0]) == []
    with pytest.raises(ParameterError, match="variance above 0"):
        change_positions([1, 2], [1, 0])
    with pytest.raises(ParameterError, match="one length"):
        change_positions([1, 2], [1])
    with pytest.raises(ParameterError, match="penalty is"):
        change_positions([1, 2], [1, 1], penalty="aic")


def test_the_planted_dip_is_found():
    sample = crm.sample()
    planted = sample["truth"]["satisfaction"].set_index("kind").loc["dip"]
    for period in ("Q", "M"):
        found = change_points(sample["surveys"], "csat", period)
        worst = found.loc[found["value"].idxmin()]
        assert pd.Timestamp(worst["start"]).to_period("Q") == pd.Period(planted["where"])
        assert worst["change_high"] < 0
        assert len(found) == 3
    quarters = change_points(sample["surveys"], "csat", "Q")
    assert quarters["periods"].tolist() == [4, 1, 3]
    assert quarters["n"].sum() == scores(sample["surveys"], "csat", period="Q")["n"].sum()
    assert quarters["change_low"].iloc[2] > 0


def test_trends_of_each_measure_and_of_nothing():
    days = pd.to_datetime(["2024-01-15", "2024-02-15", "2024-03-15", "2024-04-15"]).repeat(60)
    level = np.repeat([1, 1, 0, 0], 60)
    random = np.random.default_rng(4)
    for metric, low, high in (("nps", 0, 10), ("ces", 1, 7), ("csat", 1, 5)):
        given = np.where(random.random(240) < 0.3 + 0.5 * level, high, low)
        found = change_points(table(given, metric, low, high, time=days), metric, "M")
        assert found["periods"].tolist() == [2, 2]
        expected = {"nps": nps, "ces": ces, "csat": csat}[metric](pd.Series(given[:120]), (low, high))
        assert found["low"].iloc[0] == pytest.approx(expected.low)
    constant = change_points(table([7] * 240, "ces", 1, 7, time=days), "ces", "M")
    assert constant["value"].tolist() == [7]
    assert change_points(table([7] * 240, "ces", 1, 7, time=days), "csat", "M").empty
