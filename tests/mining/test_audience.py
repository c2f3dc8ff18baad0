"""Audiences: everybody once with a reason, nobody who refused, groups alike and drawn the same each time."""

import datetime
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.campaigns import (
    REASONS,
    Arm,
    Campaign,
    Exclusions,
    Indicator,
    assigned,
    audience,
    balance,
    meets,
    reason_counts,
    size_check,
)
from crmlab.mining.customers import profile

ARMS = (Arm("ten", "email", 0.4, "10 %"), Arm("gift", "sms", 0.4, "a gift"))
SPRING = Campaign(
    "M9", "Spring", "more purchases", "recency > 30", datetime.date(2025, 1, 5), datetime.date(2025, 2, 1),
    "EUR", 2, ARMS, "control", 0.2, exclusions=Exclusions(1, 60, ("open_tickets > 0",)), seed=3,
)  # fmt: skip
REGION = {"en": "GB", "fa": "IR"}


@pytest.fixture(scope="module", params=["en", "fa"])
def shop(request):
    """Tables of a sample, its profile, and a campaign in its money."""
    tables = crm.sample(customers=600, seed=4, language=request.param)
    tables.pop("truth")
    spring = SPRING if request.param == "en" else replace(SPRING, currency="IRR", decimals=0)
    return tables, profile(tables), spring, REGION[request.param]


def drawn(shop, **changes):
    tables, people, spring, region = shop
    options = {"customers": tables["customers"], "consents": tables["consents"],
               "events": tables["campaign_events"], "region": region, "campaign": spring}  # fmt: skip
    return audience(people, **(options | changes))


def test_everybody_is_there_once_with_a_reason(shop):
    found = drawn(shop)
    people = shop[1]
    assert found.index.equals(people.index.sort_values())
    assert found["reason"].isin(REASONS).all()
    assert found["detail"].notna().all()
    assert (found["included"] == (found["reason"] == REASONS[0])).all()
    counts = reason_counts(found)
    assert counts["customers"].sum() == len(people)
    assert counts["share"].sum() == pytest.approx(1)
    assert {"not in the segment", "opted out", "no contact known", "contacted too often"} <= {*counts.index}


def test_the_reasons_by_plain_counting(shop):
    """Each reason against pandas: segment, no contact, contacts by other campaigns, further conditions."""
    tables, people, *_ = shop
    found = drawn(shop)
    outside = ~(people["recency"] > 30)
    assert (found["reason"] == "not in the segment").equals(outside)
    known = tables["customers"].set_index("customer_id")[["email", "phone"]].notna().all(axis=1)
    assert not (found["included"] & ~known.reindex(found.index)).any()
    assert (~known.reindex(found.index)[found["reason"] == "no contact known"]).all()
    events = tables["campaign_events"]
    lately = events["time"].between("2024-11-06", "2025-01-05", inclusive="left")
    sent = events[lately & (events["event"] == "sent")]
    had = sent.drop_duplicates(["customer_id", "campaign_id", "time"]).groupby("customer_id").size()
    pressed = had.reindex(found.index).fillna(0) >= 1
    assert pressed.any()
    assert not (found["included"] & pressed).any()
    assert pressed[found["reason"] == "contacted too often"].all()
    assert not (found["included"] & (people["open_tickets"] > 0)).any()


def test_nobody_who_refused_is_included_nor_whoever_shares_their_contact(shop):
    """By loops over the statements, not by the register."""
    tables, *_ = shop
    found = drawn(shop)
    customers = tables["customers"].set_index("customer_id")
    last = {}
    for row in tables["consents"].sort_values(["time", "given"], ascending=[True, False]).itertuples():
        for channel in ["email", "sms"] if pd.isna(row.channel) else [row.channel]:
            last[row.customer_id, channel] = row.given
    refused = {key for key, given in last.items() if not given}
    for channel, contact in (("email", "email"), ("sms", "phone")):
        names = {name for name, said in refused if said == channel}
        assert names
        assert not names & {*found.index[found["included"]]}
        theirs = {*customers.loc[list(names & {*customers.index}), contact].dropna().str.lower()}
        granted = {*customers.loc[[n for (n, c), given in last.items() if c == channel and given
                                   and n in customers.index], contact].dropna().str.lower()}  # fmt: skip
        included = {*customers.loc[found.index[found["included"]], contact].str.lower()}
        assert not (theirs - granted) & included


PEOPLE = pd.DataFrame(
    {"customer_id": list("abcdef"),
     "email": ["ann@x.com", "Ann@X.com ", "c@x.com", "d@x.com", "e@x.com", None],
     "phone": ["0912 123 4567", "0912 999 9999", "+98 912 123 4567", "0912 555 5555", "0912 777 7777",
               None]}
)  # fmt: skip
PROFILE = pd.DataFrame(
    {"recency": [90.0] * 6, "tier": list("xxyyzz")}, index=pd.Index(list("abcdef"), name="customer_id")
)
SMALL = Campaign("S", "Small", "", "all", datetime.date(2025, 1, 5), datetime.date(2025, 2, 1), "IRR", 0,
                 (Arm("offer", "email", 0.5),), "control", 0.5)  # fmt: skip


def said(customer=None, contact=None, channel=None, given=False, time="2024-12-01"):
    return pd.DataFrame({"customer_id": [customer], "contact": [contact], "channel": [channel],
                         "given": [given], "time": pd.to_datetime([time]), "source": "form"})  # fmt: skip


@pytest.mark.parametrize(("consents", "out"), [
    (said("a", channel="email"), "abc"),  # b has the same address, c the same number, in other spellings
    (said("a", channel="sms"), ""),  # another channel
    (said("a"), "abc"),  # all channels
    (said(contact="ANN@x.com", channel="email"), "ab"),  # the address alone
    (said(contact="C@x.com", channel="email"), "c"),  # no customer is named
    (said(contact="00989125555555"), "d"),
    (pd.concat([said("e"), said("e", given=True, time="2024-12-02")]), ""),  # changed their mind
    (pd.concat([said("e"), said("e", given=True)]), "e"),  # both at the same time
    (said("e", time="2025-03-01"), "e"),  # after the campaign began, and yet a refusal
    (None, ""),
])  # fmt: skip
def test_a_refusal_counts_under_whatever_spelling_or_number(consents, out):
    found = audience(PROFILE, SMALL, PEOPLE, consents, region="IR")
    assert "".join(found.index[found["reason"] == "opted out"]) == out
    assert found.loc["f", "reason"] == "no contact known"
    assert not found.loc[list(out), "included"].any()
    # Where a and b may be contacted, one of them is: it is the same mailbox.
    if "a" not in out:
        assert found.loc["b", ["reason", "detail"]].tolist() == [
            "same contact as another customer",
            "email: as a",
        ]


def test_who_unsubscribed_or_gave_no_permission_is_out():
    events = pd.DataFrame({"campaign_id": "M1", "customer_id": ["c", "d"], "event": ["unsubscribed", "sent"],
                           "time": pd.Timestamp("2024-05-01")})  # fmt: skip
    assert audience(PROFILE, SMALL, PEOPLE, None, events, region="IR").loc["c", "reason"] == "opted out"
    consents = pd.concat([said(name, given=True) for name in "abcd"])
    found = audience(PROFILE, SMALL, PEOPLE, consents, region="IR", ask_first=True)
    assert found.loc["e", ["reason", "detail"]].tolist() == ["no permission given", "email"]
    assert found.loc[["c", "d"], "included"].all()


def test_contact_pressure_counts_other_campaigns_days_and_no_event_twice():
    rows = [("M1", "c", "sent", "2025-01-04"), ("M1", "c", "sent", "2025-01-04"),  # the same event twice
            ("M1", "d", "sent", "2025-01-04"), ("M2", "d", "sent", "2024-12-26"),
            ("M1", "e", "sent", "2025-01-04"), ("M2", "e", "sent", "2024-12-25"),  # a day too long ago
            ("M1", "a", "sent", "2025-01-05"), ("M2", "a", "sent", "2025-01-04"),  # after it began
            ("S", "c", "sent", "2025-01-03"), ("M2", "c", "opened", "2025-01-03")]  # fmt: skip
    events = pd.DataFrame(rows, columns=["campaign_id", "customer_id", "event", "time"])
    events["time"] = pd.to_datetime(events["time"])
    campaign = replace(SMALL, exclusions=Exclusions(2, 10))
    for given in (events, events[::-1], crm.as_table(events)):
        found = audience(PROFILE, campaign, PEOPLE, None, given, region="IR")
        assert found.index[found["reason"] == "contacted too often"].tolist() == ["d"]
        assert found.loc["d", "detail"] == "2 of 2 in 10 days"
    later = audience(PROFILE, campaign, PEOPLE, None, events, as_of="2025-01-06", region="IR")
    assert later.index[later["reason"] == "contacted too often"].tolist() == ["a"]


def test_groups_hold_their_shares_within_strata(shop):
    found = drawn(shop, strata=["gender", "recency"])
    chosen = found[found["included"]]
    counted = pd.crosstab(chosen["stratum"], chosen["arm"])
    exact = np.outer(counted.sum(axis=1), [0.4 if name != "control" else 0.2 for name in counted])
    assert len(counted) > 8
    assert (np.abs(counted - exact) < 1).all(axis=None)
    assert found["arm"].isna().equals(~found["included"])
    assert chosen.loc[chosen["arm"] == "control", ["channel", "offer"]].isna().all(axis=None)
    assert {*chosen.loc[chosen["arm"] == "gift", "channel"]} == {"sms"}
    assert {*chosen.loc[chosen["arm"] == "ten", "offer"]} == {"10 %"}


def test_the_same_definition_gives_the_same_bytes_whatever_the_order_of_rows(shop):
    tables, people, spring, region = shop
    once = drawn(shop, strata=["gender"])
    shuffled = {name: tables[name].sample(frac=1, random_state=1) for name in tables}
    again = audience(
        people.sample(frac=1, random_state=2), spring, shuffled["customers"], shuffled["consents"],
        crm.as_table(shuffled["campaign_events"]), strata=["gender"], region=region,
    )  # fmt: skip
    assert again.to_csv() == once.to_csv()
    other = drawn(shop, strata=["gender"], campaign=replace(spring, seed=4))
    assert (other["reason"] == once["reason"]).all()
    assert (other["arm"] != once["arm"])[once["included"]].any()
    # Another campaign with the same seed does not put the same customers into the control group.
    other = drawn(shop, campaign=replace(spring, campaign_id="M10"))
    control = [frame.index[frame["arm"] == "control"] for frame in (once, other)]
    assert len(control[0].intersection(control[1])) < len(control[0]) / 2


def test_assigned_rows_obey_the_contract_and_begin_the_funnel(shop):
    found = drawn(shop)
    rows = crm.tables.validate(assigned(found, shop[2]), "campaign_events")
    assert rows["customer_id"].tolist() == found.index[found["included"]].tolist()
    assert rows["time"].eq(pd.Timestamp("2025-01-05")).all()
    steps = crm.mining.campaigns.funnel(rows).set_index("arm")
    assert steps["customers"].to_dict() == found["arm"].value_counts().to_dict()
    assert steps["event"].eq("assigned").all()


def test_balance_of_a_fair_draw_and_of_a_foul_one(shop):
    found, people = drawn(shop), shop[1]
    fair = balance(found, people, shop[2], ["recency", "frequency", "gender", "age"])
    assert fair.p_value > 0.01
    assert fair.ratio_p_value > 0.9
    foul = found.copy()
    inside = found.index[found["included"]]
    order = people.loc[inside, "recency"].sort_values(kind="stable").index
    foul.loc[order, "arm"] = found.loc[inside, "arm"].sort_values().to_numpy()
    worst = balance(foul, people, shop[2], ["recency", "frequency", "gender", "age"])
    assert worst.p_value < 1e-6
    assert "recency" in str(worst)
    one_sided = found[(found["arm"] != "ten") | (np.arange(len(found)) % 2 == 0)]
    assert balance(one_sided, people, shop[2], ["recency"]).ratio_p_value < 0.01


def test_standardised_differences_and_the_joint_test_against_scipy():
    from scipy import stats

    random = np.random.default_rng(5)
    arm = pd.Series(["control"] * 60 + ["offer"] * 60, index=range(120))
    people = pd.DataFrame({"included": True, "arm": arm})
    traits = pd.DataFrame({"x": random.normal(size=120), "y": random.normal(size=120)})
    found = balance(people, traits, SMALL)
    a, b = traits[arm == "offer"], traits[arm == "control"]
    expected = (a.mean() - b.mean()) / np.sqrt((a.var() + b.var()) / 2)
    assert found.differences["difference"].tolist() == pytest.approx(expected.tolist())
    # Of two groups and one characteristic, n - 1 times R squared of the characteristic on the group.
    alone = balance(people, traits, SMALL, ["x"])
    r = stats.pearsonr(traits["x"], (arm == "offer").astype(float)).statistic
    assert alone.statistic == pytest.approx(119 * r**2)
    # Where it does not matter who is in which group, the p-value is spread evenly.
    values = [balance(people.assign(arm=random.permutation(arm)), traits, SMALL).p_value for _ in range(200)]
    assert stats.kstest(values, "uniform").pvalue > 0.001


def test_a_characteristic_of_few_texts_is_compared_value_by_value():
    people = pd.DataFrame({"included": True, "arm": ["offer", "control"] * 3}, index=PROFILE.index)
    found = balance(people, PROFILE.assign(name=list("uvwxyz")).assign(flag=[True, None] * 3), SMALL)
    named = found.differences.set_index("characteristic")
    assert "tier: x" in named.index
    assert named.loc["flag: missing", ["mean", "control_mean"]].tolist() == [0, 1]


def test_what_an_audience_can_show_is_said_in_words(shop):
    found = drawn(shop)
    spring = replace(shop[2], indicators=(Indicator("orders", 0.12, 30, event="converted"),))
    told = size_check(found, spring, base=0.10)
    assert not told["enough"].any()
    assert (told["detectable"] > 0.12).all()
    assert told.loc["ten", "words"].startswith(f"ten: {told.loc['ten', 'customers']} customers and ")
    assert "12.0 % against 10.0 %" in told.loc["ten", "words"]
    assert "rough" in size_check(found, spring, base=0.01, target=0.02).loc["ten", "words"]
    large = pd.DataFrame({"included": True, "arm": ["ten"] * 8000 + ["control"] * 8000})
    assert size_check(large, spring, 0.10)["enough"].all()
    assert size_check(large, spring, 0.10).loc["ten", "needed"] == 3841
    tiny = pd.DataFrame({"included": True, "arm": ["ten"] * 2 + ["control"] * 2})
    assert "No increase is large enough" in size_check(tiny, spring, 0.10).loc["ten", "words"]


def test_conditions_over_the_profile(shop):
    _, people, spring, _ = shop
    for condition, expected in {
        "recency > 30 and frequency >= 2": (people["recency"] > 30) & (people["frequency"] >= 2),
        "monetary_value >= 100": people["monetary_value"] >= 100 * 10**spring.decimals,
        "gender = 'female' and not age < 30": (people["gender"] == "female") & (people["age"] >= 30),
        "last_purchase >= 2024-06-01": people["last_purchase"] >= "2024-06-01",
        "age_band in ['18-24', '25-34']": people["age_band"].isin(["18-24", "25-34"]),
        "last_nps is missing": people["last_nps"].isna(),
        "consent_email = true": people["consent_email"].fillna(False),
        "all": pd.Series(True, people.index),
    }.items():
        found = meets(people, condition, spring.decimals)
        assert found.index.equals(people.index)
        assert found.fillna(False).astype(bool).tolist() == expected.astype(bool).tolist(), condition
    assert meets(people.head(0), "recency > 1").empty


@pytest.mark.parametrize(("condition", "said"), [
    ("recencyy > 3", "no column 'recencyy'; did you mean 'recency'"),
    ("recency >", "a value is expected"),
    ("recency + 3", "no yes or no, but number"),
    ("orders.amount > 3", "orders.amount is no column of the profile"),
    ("tier > 3", r"tier \(text\) and 3 \(number\)"),
])  # fmt: skip
def test_a_segment_that_is_none(condition, said):
    with pytest.raises(ParameterError, match=said):
        meets(PROFILE, condition)


def out(profile=PROFILE, customers=PEOPLE, consents=None, events=None, *, as_of=None, strata=(), **changes):
    return audience(profile, replace(SMALL, **changes), customers, consents, events, as_of=as_of,
                    strata=strata, region="IR")  # fmt: skip


MADE = PROFILE.assign(included=True, arm=["offer", "control"] * 3)
ALONE = MADE.assign(arm="offer")


@pytest.mark.parametrize(("call", "error", "said"), [
    (lambda: out(segment="recencyy > 3"), ParameterError,
     "no column 'recencyy'"),
    (lambda: out(exclusions=Exclusions(conditions=("ticket > 3",))), ParameterError, "no column 'ticket'"),
    (lambda: out(segment="recency > 99"), ParameterError,
     "Nobody is in the audience of S: not in the segment 6"),
    (lambda: out(PROFILE.head(0)), ParameterError, "audience of S: no customers"),
    (lambda: out(strata=["tiers"]), ParameterError,
     "no column 'tiers' for a stratum; did you mean 'tier'"),
    (lambda: out(exclusions=Exclusions(2)), ParameterError,
     "at most 2 contacts in 30 days: give the events"),
    (lambda: out(arms=(Arm("offer", "email", 0.99),), control_share=0.01), ParameterError,
     "'control' has nobody: an audience of 4 is too small"),
    (lambda: replace(SMALL, control_share=0), ParameterError, "nobody can tell what the campaign changed"),
    (lambda: replace(SMALL, arms=(Arm("offer", "email", 0.7),)), ParameterError, "arms overlap"),
    (lambda: replace(SMALL, arms=(Arm("offer", "email", 0.4),)), ParameterError, "in no arm"),
    (lambda: out(customers=pd.concat([PEOPLE, PEOPLE.head(1)])), TableError,
     "The table of customers has one row per customer; 2 rows"),
    (lambda: out(pd.concat([PROFILE, PROFILE.head(2)])), TableError,
     "The profile has one row per customer; 4 rows"),
    (lambda: out(customers=PEOPLE.drop(columns="customer_id")), TableError, "Customers need a column"),
    (lambda: out(consents=PEOPLE), TableError, "Consents need a column given"),
    (lambda: out(events=PEOPLE), TableError, "Campaign events need a column event"),
    (lambda: out(as_of="soon"), ParameterError, "as_of"),
    (lambda: assigned(PROFILE, SMALL), TableError, r"audience\(...\) makes one"),
    (lambda: reason_counts(PROFILE), TableError, r"audience\(...\) makes one"),
    (lambda: size_check(ALONE, SMALL, 0.1), ParameterError, "target="),
    (lambda: size_check(ALONE, SMALL, 0.1, 0.2), ParameterError,
     "no control group 'control'"),
    (lambda: size_check(MADE.assign(arm="control"), SMALL, 0.1, 0.2), ParameterError,
     "nobody in an arm"),
    (lambda: balance(ALONE, PROFILE, SMALL), ParameterError,
     "'control' has nobody"),
    (lambda: balance(MADE, PROFILE, SMALL, ["x"]),
     ParameterError, "no column 'x'"),
    (lambda: balance(MADE, PROFILE, SMALL, ["recency"]),
     ParameterError, "No column of the profile differs"),
])  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence(call, error, said):
    with pytest.raises(error, match=said):
        call()
