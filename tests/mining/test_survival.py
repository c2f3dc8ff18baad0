"""Kaplan-Meier and the log-rank test against R's numbers, worked examples and slow definitions."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from crmlab.errors import ParameterError
from crmlab.mining.methods import kaplan_meier, logrank, median_time

#: Weeks in remission under 6-MP (Gehan 1965, after Freireich et al. 1963); + is censored.
TREATED = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"

PAIRS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40)


def read(text: str) -> tuple[np.ndarray, np.ndarray]:
    weeks = text.split()
    return np.array([int(week.rstrip("+")) for week in weeks]), np.array(["+" not in week for week in weeks])


@pytest.fixture(scope="module")
def help_desk(public_data) -> pd.DataFrame:
    """Days from the first row of each ticket until it was first resolved, or until its last row."""
    log = pd.read_csv(public_data / "helpdesk_italian" / "finale.csv.gz")
    log["time"] = pd.to_datetime(log["Complete Timestamp"])
    tickets = log.groupby("Case ID").agg(
        begun=("time", "min"), last=("time", "max"), group=("seriousness_2", "first")
    )
    resolved = (
        log[log["Activity"] == "Resolve ticket"].groupby("Case ID")["time"].min().reindex(tickets.index)
    )
    days = (resolved.fillna(tickets["last"]) - tickets["begun"]).dt.total_seconds() / 86400
    return tickets.assign(days=days, resolved=resolved.notna())


def left_at(curve: pd.DataFrame, time: float) -> float:
    return curve.loc[curve["time"] <= time, "survival"].iloc[-1]


def test_the_italian_help_desk_is_as_r_has_it(help_desk):
    assert (len(help_desk), help_desk["resolved"].sum()) == (4580, 4569)
    curve = kaplan_meier(help_desk["days"], help_desk["resolved"])
    found = median_time(curve)
    assert found.value == pytest.approx(5.998218, abs=5e-7)
    assert (found.low, found.high) == (
        pytest.approx(5.702951, abs=5e-7),
        pytest.approx(6.696192, abs=5e-7),
    )
    assert [left_at(curve, day) for day in (7, 14, 30)] == pytest.approx(
        [0.470742, 0.366157, 0.099345], abs=5e-7
    )


def test_the_seriousness_of_help_desk_tickets_makes_the_difference_r_finds(help_desk):
    found = logrank(help_desk["days"], help_desk["resolved"], help_desk["group"])
    assert found.statistic == pytest.approx(145.8442, abs=5e-5)
    assert found.df == 3
    assert found.p_value == pytest.approx(chi2.sf(145.8442, 3), rel=1e-4)
    assert found.groups["observed"].sum() == pytest.approx(found.groups["expected"].sum())


def test_remission_under_6_mp_is_as_the_textbook_has_it():
    time, event = read(TREATED)
    curve = kaplan_meier(time, event, interval="plain")
    # Collett, Modelling Survival Data; Kleinbaum and Klein, Survival Analysis, chapter 2.
    published = {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}
    assert {week: round(left_at(curve, week), 4) for week in published} == published
    assert median_time(curve).value == 23
    assert median_time(kaplan_meier(*read(PLACEBO))).value == 8


def test_greenwoods_interval_by_hand():
    time, event = read(TREATED)
    at_six = 18 / 21
    error = np.sqrt(3 / (21 * 18))
    z = 1.959964
    ends = {
        "plain": (at_six * (1 - z * error), min(at_six * (1 + z * error), 1)),
        "log": (at_six * np.exp(-z * error), min(at_six * np.exp(z * error), 1)),
        "log-log": [at_six ** np.exp(sign * z * error / np.log(at_six)) for sign in (-1, 1)],
    }
    for interval, expected in ends.items():
        first = kaplan_meier(time, event, interval=interval).iloc[0]
        assert [first["low"], first["high"]] == pytest.approx(list(expected), abs=1e-6), interval


def test_the_log_rank_of_6_mp_against_placebo():
    # Kleinbaum and Klein: 16.79, expected 19.25 and 10.75.
    (time, event), (other, other_event) = read(TREATED), read(PLACEBO)
    groups = ["6-MP"] * 21 + ["placebo"] * 21
    found = logrank([*time, *other], [*event, *other_event], groups)
    assert found.statistic == pytest.approx(16.793, abs=5e-4)
    assert found.groups["expected"].round(2).tolist() == [19.25, 10.75]
    assert found.groups["observed"].tolist() == [9, 21]
    assert str(found).startswith("chi-square 16.7929, 1 degrees of freedom, p = 4.169e-05")


@given(PAIRS)
def test_the_curve_is_the_product_of_its_definition(pairs):
    time, event = map(np.array, zip(*pairs, strict=True))
    curve = kaplan_meier(time, event)
    left = 1.0
    for row in curve.itertuples():
        assert row.at_risk == (time >= row.time).sum()
        assert row.events == ((time == row.time) & event).sum()
        assert row.events + row.censored == (time == row.time).sum()
        left *= 1 - row.events / row.at_risk
        assert row.survival == pytest.approx(left)
        assert np.isnan(row.low) == (left == 0)
        if left:
            assert 0 <= row.low <= left + 1e-12
            assert left - 1e-12 <= row.high <= 1
    assert curve["time"].tolist() == sorted(set(time.tolist()))


@settings(max_examples=50)
@given(PAIRS, st.sampled_from(["log", "log-log", "plain"]))
def test_a_weight_is_so_many_rows(pairs, interval):
    time, event = map(np.array, zip(*pairs, strict=True))
    weights = np.arange(len(time)) % 3 + 1
    weighed = kaplan_meier(time, event, weights=weights, interval=interval)
    repeated = kaplan_meier(time.repeat(weights), event.repeat(weights), interval=interval)
    pd.testing.assert_frame_equal(weighed, repeated, check_dtype=False)


@settings(max_examples=50)
@given(PAIRS)
def test_the_order_of_rows_does_not_matter_and_no_censoring_gives_the_plain_share(pairs):
    time, event = map(np.array, zip(*pairs, strict=True))
    pd.testing.assert_frame_equal(kaplan_meier(time, event), kaplan_meier(time[::-1], event[::-1]))
    whole = kaplan_meier(time, np.ones(len(time), dtype=bool))
    assert whole["survival"].tolist() == pytest.approx([(time > t).mean() for t in whole["time"]])


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(0, 2)), min_size=2, max_size=40))
def test_the_log_rank_test_is_its_definition(rows):
    time, event, group = map(np.array, zip(*rows, strict=True))
    names = np.unique(group)
    if len(names) < 2:
        with pytest.raises(ParameterError, match="two groups"):
            logrank(time, event, group)
        return
    observed, expected = np.zeros(len(names)), np.zeros(len(names))
    variance = np.zeros((len(names), len(names)))
    for now in np.unique(time[event]):
        risk = np.array([((group == name) & (time >= now)).sum() for name in names])
        dead = np.array([((group == name) & (time == now) & event).sum() for name in names])
        n, d = risk.sum(), dead.sum()
        observed, expected = observed + dead, expected + d * risk / n
        if n > 1:
            variance += d * (n - d) / (n - 1) / n**2 * (n * np.diag(risk) - np.outer(risk, risk))
    found = logrank(time, event, group)
    assert found.groups["expected"].tolist() == pytest.approx(expected.tolist())
    assert found.groups["observed"].tolist() == observed.tolist()
    if (expected > 0).all():
        apart = observed - expected
        assert found.df == len(names) - 1
        assert found.statistic == pytest.approx(apart @ np.linalg.pinv(variance) @ apart, abs=1e-8)


def test_many_groups_are_compared_in_pieces(monkeypatch):
    from crmlab.mining.methods import survival

    random = np.random.default_rng(3)
    time, event, group = random.exponential(size=500), random.random(500) < 0.7, random.integers(0, 4, 500)
    whole = logrank(time, event, group)
    monkeypatch.setattr(survival, "_CELLS", 40)
    assert logrank(time, event, group).statistic == pytest.approx(whole.statistic)


def test_the_log_rank_test_keeps_its_level():
    random = np.random.default_rng(11)
    rejected = 0
    for _ in range(200):
        time, censored = random.exponential(size=150), random.exponential(2, size=150)
        found = logrank(np.minimum(time, censored), time <= censored, random.integers(0, 3, 150))
        rejected += found.p_value < 0.05
    assert 0.015 <= rejected / 200 <= 0.09


def test_the_interval_of_the_median_holds_the_median_as_often_as_it_says():
    random = np.random.default_rng(12)
    held = 0
    for _ in range(200):
        time, censored = random.exponential(size=200), random.exponential(2, size=200)
        found = median_time(kaplan_meier(np.minimum(time, censored), time <= censored))
        held += found.low <= np.log(2) <= found.high
    assert 0.91 <= held / 200 <= 0.985


def test_groups_have_a_curve_each_and_the_unnamed_are_one():
    curve = kaplan_meier([1, 2, 3, 4], [1, 1, 1, 0], by=["b", None, "b", "a"])
    assert curve["group"].fillna("?").tolist() == ["a", "b", "b", "?"]
    pd.testing.assert_frame_equal(
        curve[curve["group"] == "b"].drop(columns="group").reset_index(drop=True),
        kaplan_meier([1, 3], [1, 1]),
    )
    found = median_time(curve)
    assert found.loc["b", "time"] == 1
    assert np.isnan(found.loc["a", "time"])
    assert found["n"].tolist() == [1, 2, 1]


def test_a_share_that_is_never_reached_has_no_time():
    found = median_time(kaplan_meier([1, 2, 3], [1, 0, 0]))
    assert np.isnan(found.value)
    assert (found.n, found.level) == (3, 0.95)
    assert median_time(kaplan_meier([1, 2, 3], [1, 0, 0]), quantile=0.2).value == 1


@pytest.mark.parametrize(
    ("duration", "event", "said"),
    [
        ([1, None, 3], [1, 1, 1], "1 of 3 durations are missing or infinite"),
        ([1, -2, -3], [1, 1, 1], "2 of 3 durations are negative, the least is -3"),
        ([1, 2], [1], "2 durations, but 1 events"),
        ([], [], "no durations"),
        ([1, 2], [1, None], "1 of 2 events are missing"),
        ([1, 2], [1, 2], "An event is true"),
        (["1", "2"], [1, 1], "Durations are numbers"),
        (pd.to_timedelta([1, 2], unit="h"), [1, 1], "Durations are numbers"),
    ],
)
def test_what_is_no_duration_is_said_in_a_sentence(duration, event, said):
    with pytest.raises(ParameterError, match=said):
        kaplan_meier(duration, event)
    with pytest.raises(ParameterError, match=said):
        logrank(duration, event, ["a"] * len(duration))


def test_wrong_settings_are_refused():
    with pytest.raises(ParameterError, match="interval is 'log'"):
        kaplan_meier([1], [1], interval="wald")
    with pytest.raises(ParameterError, match="Weights are numbers above 0"):
        kaplan_meier([1, 2], [1, 1], weights=[1, 0])
    with pytest.raises(ParameterError, match="2 durations, but 1 groups"):
        kaplan_meier([1, 2], [1, 1], by=["a"])
    with pytest.raises(ParameterError, match="quantile is a share"):
        median_time(kaplan_meier([1], [1]), quantile=50)
    with pytest.raises(ParameterError, match="level is a share"):
        kaplan_meier([1], [1], level=95)
