"""Revenue, cost, return and payback against figures reckoned by hand and the sample's truth."""

import datetime

import numpy as np
import pandas as pd
import pytest

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.campaigns import (
    Arm,
    Campaign,
    CompletionRule,
    Indicator,
    campaign_return,
    effect,
    outcomes,
    payback_curve,
    payback_sentences,
    revenue,
    success,
)

DAY = pd.Timestamp("2024-05-01")


def log(rows: list[tuple]) -> pd.DataFrame:
    columns = ["customer_id", "arm", "event", "channel", "value", "day"]
    frame = pd.DataFrame(rows, columns=columns)
    time = DAY + pd.to_timedelta(frame["day"], unit="D") + pd.Timedelta(hours=9)
    return frame.assign(time=time, value=frame["value"].astype("Int64")).drop(columns="day")


#: Mails bring 1,000 on day 1, of which 200 go back on day 3; letters 600 on day 4; the control group 100.
EVENTS = log([
    *[(name, "mail", "sent", "email", None, 0) for name in ("1", "2")],
    ("1", "mail", "sent", "email", None, 2),
    ("1", "mail", "converted", None, 1000, 1), ("2", "mail", "converted", None, -200, 3),
    *[(name, "letter", "sent", "post", None, 0) for name in ("3", "4", "5")],
    ("3", "letter", "converted", None, 600, 4),
    *[(name, "none", "assigned", None, None, 0) for name in ("6", "7")],
    ("6", "none", "converted", None, 100, 2),
])  # fmt: skip


def test_a_campaign_by_hand():
    found = campaign_return(EVENTS, "none", {"mail": 10, "post": 50}, fixed_cost=101, margin=0.5).set_index(
        "arm"
    )
    assert found.index.tolist() == ["letter", "mail"]
    assert found["customers"].to_dict() == {"letter": 3, "mail": 2}
    assert found["contacts"].to_dict() == {"letter": 3, "mail": 3}
    assert found["revenue"].to_dict() == {"letter": 600, "mail": 800}
    # 101 over three and two customers: 60.6 and 40.4.
    assert found["cost"].to_dict() == {"letter": 3 * 50 + 61, "mail": 3 * 10 + 40}
    assert found["incremental_revenue"].to_dict() == pytest.approx(
        {"letter": 600 - 3 * 50, "mail": 800 - 2 * 50}
    )
    assert found["profit"].to_dict() == pytest.approx({"letter": 0.5 * 450 - 211, "mail": 0.5 * 700 - 70})
    assert found["return_on_investment"].to_dict() == pytest.approx({"letter": 14 / 211, "mail": 280 / 70})
    for end, name in (("low", "return_low"), ("high", "return_high")):
        assert found[name].tolist() == pytest.approx(
            ((0.5 * found[end] - found["cost"]) / found["cost"]).tolist()
        )
    assert found["observed_days"].tolist() == [4, 4]
    assert found["payback_days"].to_dict() == {"letter": 4, "mail": 1}


def test_follow_ups_through_another_channel_have_their_own_cost():
    calls = [("1", "mail", "sent", "phone", None, 1), ("2", "mail", "sent", "sms", None, 1)]
    found = campaign_return(
        pd.concat([EVENTS, log(calls)], ignore_index=True), "none",
        {"mail": 10, ("mail", "phone"): 300, ("mail", "post"): 70, "letter": 50},
    ).set_index("arm")  # fmt: skip
    # Three mails and a message, which nobody gave a price, for 10 each; a call for 300.
    assert found["cost"].to_dict() == {"letter": 3 * 50, "mail": 4 * 10 + 300}
    assert found["contacts"].to_dict() == {"letter": 3, "mail": 5}


def test_an_indicator_of_cost_counts_follow_ups_at_their_price():
    day = datetime.date(2024, 5, 1)
    call = CompletionRule("clicked", "phone", cost_per_contact=300)
    arms = (Arm("mail", "email", 0.5, cost_per_contact=10), Arm("letter", "post", 0.2, cost_per_contact=50))
    aim = Indicator("cost", 100, 28, measure="cost")
    campaign = Campaign("M1", "May", "", "all", day, day, "EUR", 2, arms, "none", 0.3, rules=(call,),
                        indicators=(aim,))  # fmt: skip
    events = pd.concat([EVENTS, log([("1", "mail", "sent", "phone", None, 1)])], ignore_index=True)
    found = success(events, campaign).set_index("arm")["value"]
    assert found.to_dict() == pytest.approx({"mail": (3 * 10 + 300) / 2, "letter": 50})


def test_intervals_are_those_of_the_effect():
    found = campaign_return(EVENTS, "none", 10).set_index("arm")
    per_head = effect(outcomes(EVENTS), "none", "value").set_index("arm")
    extra = revenue(outcomes(EVENTS), "none").set_index("arm")
    for name, of_effect, of_revenue in (
        ("incremental_revenue", "difference", "extra"),
        ("low", "low", "extra_low"),
        ("high", "high", "extra_high"),
    ):
        assert found[name].to_dict() == pytest.approx((per_head[of_effect] * per_head["n"]).to_dict())
        assert found[name].to_dict() == pytest.approx(extra.loc[found.index, of_revenue].to_dict())


def test_the_curve_and_the_day_of_payback():
    curve = payback_curve(EVENTS, "none", margin=0.5)
    mail = curve[curve["arm"] == "mail"]
    assert mail["day"].tolist() == [0, 1, 2, 3, 4]
    assert mail["incremental_margin"].tolist() == [0, 500, 450, 350, 350]
    # Its last day is what the whole campaign brought, with the same interval.
    whole = campaign_return(EVENTS, "none", 10, margin=0.5).set_index("arm").loc["mail"]
    assert mail.iloc[-1][["incremental_margin", "low", "high"]].tolist() == pytest.approx(
        whole[["incremental_margin", "margin_low", "margin_high"]].tolist()
    )
    # 400 are covered on days 1 and 2 but not to the end, 350 from day 1 on.
    sentences = [
        payback_sentences(campaign_return(EVENTS, "none", 0, fixed_cost=cost, margin=0.5))["mail"]
        for cost in (875, 1000)
    ]
    assert sentences == ["paid back from day 1", "not paid back within 4 days"]
    later = campaign_return(EVENTS, "none", 10, margin=0.5, started_at="2024-04-29").set_index("arm")
    assert later.loc["mail", ["payback_days", "observed_days"]].tolist() == [3, 6]
    sooner = payback_curve(EVENTS, "none", margin=0.5, started_at="2024-05-03")
    assert sooner.loc[sooner["arm"] == "mail", "incremental_margin"].tolist() == [450, 350, 350]


def test_by_channel_and_whole():
    two = pd.concat([EVENTS, log([("8", "second", "sent", "email", None, 0)])], ignore_index=True)
    by_channel = campaign_return(two, "none", 10, by="channel").set_index("channel")
    assert by_channel["customers"].to_dict() == {"email": 3, "post": 3}
    assert by_channel["revenue"].to_dict() == {"email": 800, "post": 600}
    whole = campaign_return(two, "none", 10, fixed_cost=7, by="campaign").iloc[0]
    arms = campaign_return(two, "none", 10, fixed_cost=7)
    assert whole["campaign"] == "all contacted"
    for name in ("customers", "contacts", "revenue", "cost", "incremental_revenue", "profit"):
        assert whole[name] == pytest.approx(arms[name].sum())
    mixed = pd.concat([EVENTS, log([("1", "mail", "sent", "phone", None, 1)])], ignore_index=True)
    assert campaign_return(mixed, "none", 10, by="channel")["channel"].tolist() == ["email + phone", "post"]


def test_without_times_or_costs():
    timeless = campaign_return(EVENTS.drop(columns="time"), "none", 0)
    assert timeless["payback_days"].isna().all()
    assert payback_sentences(timeless).tolist() == ["no times are recorded"] * 2
    assert timeless["return_on_investment"].isna().all()
    assert payback_curve(EVENTS.assign(time=pd.NaT), "none").empty
    assert campaign_return(EVENTS, "none", 0)["payback_days"].tolist() == [4, 0]


def test_the_sample_pays_back_what_was_planted():
    data = crm.sample(customers=1500, seed=4)
    row = data["campaigns"].set_index("campaign_id").loc["M001"]
    found = campaign_return(
        data["campaign_events"],
        "control",
        int(row["cost_per_contact"]),
        campaign_id="M001",
        started_at=row["started_at"],
    ).set_index("arm")
    events = data["campaign_events"][data["campaign_events"]["campaign_id"] == "M001"]
    assert found["contacts"].sum() == (events["event"] == "sent").sum()
    assert found["revenue"].sum() == events.loc[events["arm"] != "control", "value"].sum()
    assert (found["cost"] == found["contacts"] * row["cost_per_contact"]).all()
    assert (found["observed_days"] <= 28).all()
    table = campaign_return(
        crm.as_table(data["campaign_events"]), "control", int(row["cost_per_contact"]), campaign_id="M001",
        started_at=row["started_at"],
    ).set_index("arm")  # fmt: skip
    pd.testing.assert_frame_equal(found, table, check_exact=True)


def test_the_order_of_rows_does_not_matter():
    random = np.random.default_rng(0)
    numbers = zip(*(random.integers(*ends, 300) for ends in ((0, 80), (1, 10**9), (0, 9))), strict=True)
    rows = [
        (str(n), ("mail", "none")[n % 2], "converted", None, int(value), int(day))
        for n, value, day in numbers
    ]
    frame = log([*rows, ("0", "mail", "sent", "email", None, 0)])
    for function in (lambda one: campaign_return(one, "none", 5), lambda one: payback_curve(one, "none")):
        pd.testing.assert_frame_equal(function(frame), function(frame[::-1]), check_exact=True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"cost_per_contact": -1}, "whole number of minor units from 0, not -1"),
        ({"cost_per_contact": 0.5}, "whole number of minor units from 0, not 0.5"),
        ({"cost_per_contact": {"mail": 1}}, "Contacts of the arm 'letter' have no cost"),
        (
            {"cost_per_contact": {"mial": 1}},
            "no arm or channel 'mial', which has a cost; did you mean 'mail'",
        ),
        ({"fixed_cost": -5}, "fixed_cost is a whole number"),
        ({"cost_per_contact": {("mial", "sms"): 1}}, "no arm or channel 'mial'"),
        ({"margin": 40}, "margin is the share of revenue that is left, 0 to 1"),
        ({"by": "day"}, "by is 'arm', 'channel' or 'campaign'"),
        ({"control": "nobody"}, "no arm 'nobody' to compare with"),
    ],
)
def test_wrong_calls(options, sentence):
    with pytest.raises(ParameterError, match=sentence):
        campaign_return(EVENTS, **({"control": "none", "cost_per_contact": 10} | options))


def test_wrong_tables():
    with pytest.raises(TableError, match="need a column value"):
        campaign_return(EVENTS.drop(columns="value"), "none", 10)
    with pytest.raises(TableError, match="need a column time"):
        payback_curve(EVENTS.drop(columns="time"), "none")
    contacted = pd.concat([EVENTS, log([("6", "none", "sent", "email", None, 0)])])
    with pytest.raises(TableError, match="control group 'none' has 1 events 'sent'"):
        campaign_return(contacted, "none", 10)
    named = EVENTS.assign(arm=EVENTS["arm"].replace("none", "post"))
    with pytest.raises(ParameterError, match="cannot have the name of a channel, 'post'"):
        campaign_return(named, "post", 10, by="channel")
