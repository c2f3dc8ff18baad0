"""Effects within groups of customers: Hillstrom's, planted ones, and how often chance looks like one."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.campaigns import effect, interaction_tests, subgroup_effects


@pytest.fixture(scope="module")
def hillstrom(public_data) -> pd.DataFrame:
    return pd.read_csv(public_data / "hillstrom" / "hillstrom.csv.gz").rename(columns={"segment": "arm"})


def by_group(found: pd.DataFrame, by: str, arm: str) -> list[float]:
    rows = found[(found["by"] == by) & (found["arm"] == arm)]
    return rows["difference"].round(6).tolist()


def test_hillstroms_visits_by_group(hillstrom):
    found = subgroup_effects(hillstrom, "No E-Mail", ["womens", "mens", "newbie", "history_segment"], "visit")
    assert by_group(found, "womens", "Womens E-Mail") == [0.011078, 0.073115]
    assert by_group(found, "mens", "Womens E-Mail") == [0.073985, 0.021753]
    assert by_group(found, "womens", "Mens E-Mail") == [0.069155, 0.082558]
    assert by_group(found, "newbie", "Mens E-Mail") == [0.077833, 0.075305]
    assert by_group(found, "history_segment", "Mens E-Mail") == [
        0.068552, 0.069110, 0.084398, 0.089201, 0.098952, 0.061498, 0.097066,
    ]  # fmt: skip
    assert (found["p_adjusted"] >= found["p"]).all()
    assert found["p_adjusted"].max() < 0.05
    assert found.attrs["left_out"] == dict.fromkeys(["womens", "mens", "newbie", "history_segment"], 0)


def test_the_womens_mail_works_differently_by_what_was_bought(hillstrom):
    found = interaction_tests(hillstrom, "No E-Mail", ["womens", "newbie"], "visit").set_index(["by", "arm"])
    assert found.loc[("womens", "Womens E-Mail"), "p_adjusted"] < 1e-20
    assert found.loc[("newbie", "Mens E-Mail"), "p"] == pytest.approx(0.7082, abs=5e-5)
    # Two groups: the squared t of the difference between their effects.
    rows = subgroup_effects(hillstrom, "No E-Mail", "womens", "visit")
    rows = rows[rows["arm"] == "Womens E-Mail"]
    t = np.diff(rows["difference"])[0] / np.hypot(*rows["standard_error"])
    assert found.loc[("womens", "Womens E-Mail"), "statistic"] == pytest.approx(t**2)


def test_a_groups_row_is_the_effect_among_its_customers(hillstrom):
    rows = subgroup_effects(hillstrom, "No E-Mail", "newbie", "spend")
    alone = effect(hillstrom[hillstrom["newbie"] == 1], "No E-Mail", "spend")
    columns = ["arm", "n", "mean", "control_mean", "difference", "low", "high", "p", "verdict"]
    pd.testing.assert_frame_equal(
        rows[rows["group"] == 1][columns].reset_index(drop=True), alone[columns], check_dtype=False
    )


def shop(seed: int, n: int, effects: tuple[float, ...], money: bool = False) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    group, mail = random.integers(0, len(effects), n), random.random(n) < 0.5
    chance = 0.2 + 0.1 * group + mail * np.array(effects)[group]
    bought = (random.random(n) < chance).astype(int)
    value = bought * random.gamma(2, 1000 * (1 + group), n).round().astype(int)
    return pd.DataFrame({"arm": np.where(mail, "mail", "none"), "group": group,
                         "responded": value if money else bought})  # fmt: skip


def test_the_test_of_interaction_is_welchs_of_means():
    """With one arm that does not vary in the least, effects are means: scipy knows Welch's test of these."""
    frame = shop(1, 400, (0.1, 0.0, 0.2), money=True)
    still = frame[frame["arm"] == "mail"].reset_index(drop=True)
    none = still.assign(arm="none", responded=0)
    found = interaction_tests(pd.concat([still, none]), "none", "group").iloc[0]
    samples = [part["responded"].to_numpy(float) for _, part in still.groupby("group")]
    theirs = stats.f_oneway(*samples, equal_var=False)
    assert (found["statistic"], found["p"]) == (pytest.approx(theirs.statistic), pytest.approx(theirs.pvalue))


def test_chance_alone_seldom_looks_like_a_difference():
    p = [interaction_tests(shop(seed, 400, (0.1,) * 4), "none", "group")["p"].iloc[0] for seed in range(40)]
    assert np.mean(np.array(p) < 0.05) <= 0.15
    found = [
        subgroup_effects(shop(seed, 400, (0.0,) * 4), "none", "group")["p_adjusted"].min()
        for seed in range(40)
    ]
    assert np.mean(np.array(found) < 0.05) <= 0.15


def test_a_planted_difference_is_found():
    frame = shop(3, 20_000, (0.0, 0.0, 0.1))
    assert interaction_tests(frame, "none", "group")["p"].iloc[0] < 1e-6
    found = subgroup_effects(frame, "none", "group")
    assert (found["p_adjusted"] < 0.05).tolist() == [False, False, True]


def test_gaps():
    frame = shop(4, 300, (0.1, 0.1)).astype({"group": "Int64"})
    frame.loc[:9, "group"] = None
    lone = pd.DataFrame({"arm": ["mail"] * 3, "group": [7] * 3, "responded": [0, 1, 1]})
    found = subgroup_effects(pd.concat([frame, lone], ignore_index=True), "none", "group")
    assert found["group"].tolist() == [0, 1, 7]
    assert found.iloc[-1][["n", "control_n"]].tolist() == [3, 0]
    assert np.isnan(found.iloc[-1]["difference"])
    assert found.attrs["left_out"] == {"group": 10}
    assert found["n"].sum() + found["control_n"].sum() == 293
    tested = interaction_tests(pd.concat([frame, lone], ignore_index=True), "none", "group").iloc[0]
    assert tested["groups"] == 2
    alone = interaction_tests(lone.assign(arm=["mail", "none", "none"]), "none", "group").iloc[0]
    assert alone["groups"] == 0
    assert np.isnan(alone["p"])


def test_a_table_of_the_engine_gives_the_same():
    frame = shop(5, 300, (0.1, 0.0))
    pd.testing.assert_frame_equal(
        subgroup_effects(crm.as_table(frame), "none", "group"),
        subgroup_effects(frame[::-1], "none", "group"),
        check_exact=True,
    )


def test_what_is_refused():
    frame = shop(6, 300, (0.1, 0.0)).assign(name=range(300))
    with pytest.raises(ParameterError, match="The column name has 300 values, more than 200 groups"):
        subgroup_effects(frame, "none", "name")
    with pytest.raises(ParameterError, match="no arm 'nobody' to compare with"):
        interaction_tests(frame, "nobody", "group")
    with pytest.raises(ParameterError, match="at least one column"):
        subgroup_effects(frame, "none", [])
    with pytest.raises(TableError, match="need a column region"):
        subgroup_effects(frame, "none", "region")
