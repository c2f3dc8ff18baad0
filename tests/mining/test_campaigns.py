"""Funnel, response, effect and revenue against Hillstrom's published figures and planted truth."""

import math

import pandas as pd
import pytest

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.loaders import read_public
from crmlab.mining.campaigns import choose_campaign, effect, funnel, outcomes, responses, revenue
from crmlab.mining.campaigns.effect import VERDICTS


@pytest.fixture(scope="module")
def hillstrom(public_data) -> pd.DataFrame:
    events = read_public("hillstrom", public_data / "hillstrom" / "hillstrom.csv.gz")["campaign_events"].frame
    return events.assign(value=events["value"].astype(float))


def test_visits_of_the_hillstrom_test(hillstrom):
    found = responses(outcomes(hillstrom, response="visited")).set_index("arm")
    assert found["n"].to_dict() == {"Mens E-Mail": 21307, "Womens E-Mail": 21387, "No E-Mail": 21306}
    assert found["value"].round(8).to_dict() == {
        "Mens E-Mail": 0.18275684, "Womens E-Mail": 0.15140038, "No E-Mail": 0.10616728,
    }  # fmt: skip


def test_effect_on_visits_equals_the_published_one(hillstrom):
    found = effect(outcomes(hillstrom, response="visited"), "No E-Mail").set_index("arm")
    assert found["difference"].round(8).to_dict() == {"Mens E-Mail": 0.07658956, "Womens E-Mail": 0.04523311}
    assert found["standard_error"].round(8).to_dict() == {
        "Mens E-Mail": 0.00338589,
        "Womens E-Mail": 0.00323446,
    }
    assert found.loc["Mens E-Mail", ["low", "high"]].tolist() == pytest.approx([0.069953, 0.083226], abs=1e-6)


def test_effect_on_conversion_carries_newcombes_interval(hillstrom):
    found = effect(outcomes(hillstrom), "No E-Mail").set_index("arm")
    assert found.loc["Mens E-Mail", ["low", "high"]].tolist() == pytest.approx(
        [0.00501434, 0.00864072], abs=5e-9
    )


def test_effect_on_spending_equals_the_published_one(hillstrom):
    found = effect(outcomes(hillstrom), "No E-Mail", outcome="value").set_index("arm")
    assert found["difference"].round(8).to_dict() == {"Mens E-Mail": 0.76982716, "Womens E-Mail": 0.42441222}
    assert found["standard_error"].round(8).to_dict() == {
        "Mens E-Mail": 0.14524656,
        "Womens E-Mail": 0.13033286,
    }
    assert found.loc["Mens E-Mail", ["low", "high"]].tolist() == pytest.approx([0.485149, 1.054505], abs=1e-4)


def test_revenue_of_the_hillstrom_test(hillstrom):
    found = revenue(outcomes(hillstrom), "No E-Mail").set_index("arm")
    assert found["value"].round(2).to_dict() == {
        "Mens E-Mail": 30311.69, "Womens E-Mail": 23038.11, "No E-Mail": 13908.33,
    }  # fmt: skip
    assert found.loc["Mens E-Mail", "extra"] == pytest.approx(0.76982716 * 21307, rel=1e-7)
    assert math.isnan(found.loc["No E-Mail", "extra"])


EVENTS = pd.DataFrame(
    [
        ("x", "1", "assigned", "mail", None), ("x", "1", "sent", "mail", None),
        ("x", "1", "opened", "mail", None), ("x", "1", "opened", "mail", None),
        ("x", "1", "converted", "mail", 500),
        ("x", "1", "converted", "mail", 700), ("x", "2", "assigned", "mail", None),
        ("x", "3", "assigned", "none", None), ("x", "3", "converted", "none", 100),
        ("x", "4", "assigned", "none", None), ("y", "9", "assigned", "mail", None),
    ],
    columns=["campaign_id", "customer_id", "event", "arm", "value"],
)  # fmt: skip


def test_a_customer_counts_once_per_step():
    found = funnel(EVENTS, "x").set_index(["arm", "event"])
    assert found.loc[("mail", "opened"), "customers"] == 1
    assert found.loc[("mail", "opened"), "share"] == 0.5
    assert found.loc[("none", "converted"), "share"] == 0.5


def test_steps_come_in_the_order_in_which_they_happen():
    found = funnel(EVENTS, "x")
    assert found[found["arm"] == "mail"]["event"].tolist() == ["assigned", "sent", "opened", "converted"]


def test_the_base_is_all_customers_where_nobody_is_recorded_as_assigned():
    found = funnel(EVENTS[EVENTS["event"] != "assigned"], "x").set_index(["arm", "event"])
    assert found.loc[("mail", "sent"), ["assigned", "share"]].tolist() == [1, 1]


def test_outcomes_are_one_row_per_customer():
    found = outcomes(EVENTS, "x")
    assert found.values.tolist() == [
        ["1", "mail", 1, 1200],
        ["2", "mail", 0, 0],
        ["3", "none", 1, 100],
        ["4", "none", 0, 0],
    ]


def test_a_table_gives_a_table():
    table = outcomes(crm.as_table(EVENTS), "x")
    assert not isinstance(table, pd.DataFrame)
    assert crm.collect(table, key="customer_id").values.tolist() == outcomes(EVENTS, "x").values.tolist()


def test_one_of_several_campaigns_has_to_be_named():
    with pytest.raises(ParameterError, match="Name one campaign; there are: x, y"):
        funnel(EVENTS)
    with pytest.raises(ParameterError, match="no events of a campaign 'z'"):
        funnel(EVENTS, "z")


def test_a_customer_in_two_arms_is_refused():
    torn = pd.concat([EVENTS, EVENTS.tail(1).assign(arm="none")])
    with pytest.raises(ParameterError, match="1 customer is in two arms"):
        outcomes(torn, "y")


def test_an_unknown_response_is_refused():
    with pytest.raises(ParameterError, match="no event 'click'; did you mean 'clicked'"):
        outcomes(EVENTS, "x", response="click")


def test_events_without_arm_are_refused():
    with pytest.raises(TableError, match="need a column arm"):
        funnel(EVENTS.drop(columns="arm"))


def test_the_largest_campaign_is_chosen_if_none_is_named():
    campaigns = pd.DataFrame({"campaign_id": ["x", "y"], "name": ["first", "second"]})
    assert choose_campaign(campaigns, EVENTS)["name"] == "first"
    assert choose_campaign(campaigns, EVENTS, "y")["name"] == "second"
    with pytest.raises(ParameterError, match="no events of a campaign 'q'"):
        choose_campaign(campaigns, EVENTS, "q")
    with pytest.raises(ParameterError, match="no row for 'x', which has events"):
        choose_campaign(campaigns.tail(1), EVENTS)
    with pytest.raises(ParameterError, match="no campaign events"):
        choose_campaign(campaigns, EVENTS.head(0))


def test_without_control_there_is_nothing_to_compare_with():
    assert effect(outcomes(EVENTS, "x"), None).empty
    assert revenue(outcomes(EVENTS, "x"), None)["extra"].isna().all()


def test_an_unknown_control_is_refused():
    with pytest.raises(ParameterError, match="no arm 'nobody' to compare with"):
        effect(outcomes(EVENTS, "x"), "nobody")


def test_verdicts_follow_the_interval():
    frame = pd.DataFrame({
        "arm": ["none"] * 100 + ["more"] * 100 + ["less"] * 100 + ["same"] * 100,
        "responded": [1] * 50 + [0] * 50 + [1] * 90 + [0] * 10 + [1] * 10 + [0] * 90 + [1] * 52 + [0] * 48,
    })  # fmt: skip
    found = effect(frame, "none").set_index("arm")["verdict"].to_dict()
    assert found == {"more": VERDICTS[0], "less": VERDICTS[1], "same": VERDICTS[2]}


def test_missing_outcomes_do_not_count():
    frame = pd.DataFrame({"arm": ["a", "a", "a", "b", "b"], "value": [1.5, 2.5, None, 1.0, 3.0]})
    found = effect(frame, "b", outcome="value")
    assert found[["n", "mean"]].values.tolist() == [[2, 2.0]]


def test_without_a_control_group_there_is_nothing_to_compare():
    two = pd.DataFrame({"customer_id": ["1", "2"], "arm": "mail", "responded": [0, 1], "value": [0, 5]})
    found = effect(two, None)
    assert len(found) == 0
    assert found["difference"].dtype == "float64"
    assert len(found.nlargest(1, "difference")) == 0
    assert revenue(two, None)["extra"].isna().all()
