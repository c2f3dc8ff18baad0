"""The sample: its tables obey the contract, and what it says about them is true."""

import hashlib
import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.special import hyp2f1

from crmlab.cleansing.contacts import check_email, check_phone
from crmlab.cleansing.identity import check_postcode
from crmlab.errors import ParameterError, WorkspaceError
from crmlab.loaders.sample import files, sample, write_sample
from crmlab.loaders.sample.pollution import plain
from crmlab.loaders.sample.words import words
from crmlab.tables import TABLES, validate
from crmlab.workspace import open_workspace

FORMS = [(language, kind) for language in ("en", "fa") for kind in ("shop", "library")]
END = pd.Timestamp("2025-01-01")
#: A deviation beyond so many standard errors is no accident.
ERRORS = 4


@pytest.fixture(scope="module", params=FORMS, ids="-".join)
def form(request):
    return request.param


@pytest.fixture(scope="module")
def clean(form):
    """A clean history of 400 persons."""
    language, kind = form
    return sample(400, seed=5, language=language, kind=kind)


@pytest.fixture(scope="module")
def polluted(form):
    language, kind = form
    return sample(400, seed=5, language=language, kind=kind, polluted=True)


@pytest.fixture(scope="module")
def workspace(form, tmp_path_factory):
    """The same history, written, opened and cleaned."""
    language, kind = form
    folder = tmp_path_factory.mktemp("sample") / "workspace"
    workspace = open_workspace(write_sample(folder, 400, 5, language, kind))
    workspace.counts = workspace.clean()
    workspace.changes, workspace.aside = workspace.ledger, workspace.quarantine
    return workspace


@pytest.fixture(scope="module")
def large():
    """Enough persons for statistics."""
    return sample(4000, seed=3)


@pytest.fixture(scope="module")
def repeats(large):
    """One row per person: segment, weeks observed, repeat purchases of the process."""
    truth = large["truth"]
    process = truth["orders"].query("origin == 'purchase process'")["order_id"]
    orders = large["orders"].drop_duplicates("order_id")
    orders = orders[orders["order_id"].isin(process)]
    person = truth["customers"].set_index("customer_id")["person_id"]
    count = orders.groupby(orders["customer_id"].map(person)).size() - 1
    people = truth["customers"].drop_duplicates("person_id").set_index("person_id")
    days = (END - people["acquired_at"].dt.normalize()).dt.days
    people["weeks"] = (days - (people["acquired_at"].dt.hour - 8) / 13) / 7
    return people.assign(repeats=count.reindex(people.index))


@pytest.fixture(scope="module")
def addressed(large):
    events = large["campaign_events"]
    converted = events.loc[events["event"] == "converted", ["campaign_id", "customer_id"]]
    effects = large["truth"]["campaign_effects"]
    return effects.merge(converted.assign(converted=1), how="left").fillna({"converted": 0})


@pytest.fixture(scope="module")
def planted(large):
    anomalies = large["truth"]["anomalies"]
    assert set(anomalies["kind"]) == {"point", "contextual", "collective", "drop", "impossible"}
    return anomalies.groupby("kind")


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def close(observed, expected, error):
    assert abs(observed - expected) < ERRORS * error, (observed, expected, error)


class TestTables:
    def test_clean_tables_obey_their_contract(self, clean, form):
        names = list(TABLES) if form[1] == "shop" else ["customers", "orders", "products"]
        assert list(clean) == [*names, "truth"]
        for name in names:
            validate(clean[name], name)
            assert list(clean[name]) == TABLES[name].names
            assert not clean[name].duplicated().any()
            assert len(clean[name])

    def test_history_is_of_two_years(self, clean):
        for name, column in (("customers", "registered_at"), ("orders", "time")):
            times = clean[name][column]
            assert times.min() >= pd.Timestamp("2023-01-01")
            assert times.max() < END

    def test_references_lead_somewhere(self, clean, form):
        customers = set(clean["customers"]["customer_id"])
        for name, table in clean.items():
            if name != "truth" and "customer_id" in table:
                assert set(table["customer_id"].dropna()) <= customers, name
        assert set(clean["orders"]["product_id"]) <= set(clean["products"]["product_id"])
        if form[1] == "shop":
            staff = set(clean["staff"]["staff_id"])
            for name in ("interactions", "opportunities", "tickets"):
                assert set(clean[name]["staff_id"].dropna()) <= staff
            assert set(clean["tickets"]["department"]) <= set(clean["staff"]["department"])
            assert set(clean["campaign_events"]["campaign_id"]) <= set(clean["campaigns"]["campaign_id"])

    def test_smallest_sample(self, form):
        language, kind = form
        history = sample(10, seed=2, language=language, kind=kind)
        assert history["truth"]["customers"]["person_id"].nunique() == 10
        for name in set(history) - {"truth"}:
            validate(history[name], name)

    def test_amounts_add_up(self, clean, form):
        orders = clean["orders"]
        if form[1] == "library":
            assert (orders["quantity"] == 1).all()
            assert (orders["amount"] >= 0).all()
            assert orders["order_id"].is_unique
            assert 0 < (orders["amount"] > 0).mean() < 0.2
            return
        computed = orders["quantity"] * orders["unit_price"] - orders["discount"].fillna(0)
        assert (orders["amount"] == computed).all()
        sold = orders[orders["quantity"] > 0].merge(clean["products"], on="product_id")
        assert (sold["unit_price_x"] == sold["unit_price_y"]).all()
        assert orders.groupby("order_id").size().between(1, 5).all()
        assert (clean["products"]["unit_cost"] < clean["products"]["unit_price"]).all()

    def test_identities_are_valid(self, clean, form):
        customers = clean["customers"]
        region = words(form[0]).phone_region
        assert check_phone(customers["phone"].dropna(), region)["valid"].all()
        assert check_email(customers["email"].dropna())["suggestion"].isna().all()
        if region == "IR":
            assert check_postcode(customers["postcode"].dropna())["valid"].all()
        person = clean["truth"]["customers"]["person_id"]
        emails = pd.DataFrame({"email": customers["email"], "person": person}).dropna().drop_duplicates()
        assert emails["email"].is_unique
        numbers = customers["national_id"].dropna()
        assert len(numbers) > 150 if form[0] == "fa" else numbers.empty
        for number in numbers:
            digits = [int(digit) for digit in number]
            rest = sum(digit * (10 - place) for place, digit in enumerate(digits[:9])) % 11
            assert len(digits) == 10
            assert digits[9] == (rest if rest < 2 else 11 - rest)

    def test_no_two_persons_share_an_address(self, large):
        people = large["customers"].merge(large["truth"]["customers"][["customer_id", "person_id"]])
        people = people[["email", "person_id"]].dropna().drop_duplicates()
        assert people["email"].is_unique
        strangers = large["leads"].loc[large["leads"]["customer_id"].isna(), "email"].dropna()
        assert not strangers.isin(people["email"]).any()

    def test_registration_precedes_orders(self, clean):
        orders = clean["orders"].merge(clean["customers"], on="customer_id")
        assert (orders["time"] >= orders["registered_at"]).all()


class TestBytes:
    def test_same_seed_same_bytes_on_any_day(self, tmp_path):
        write_sample(tmp_path / "one", 60, 9, "fa")
        call = f"write_sample({str(tmp_path / 'two')!r}, 60, 9, 'fa')"
        code = f"from crmlab.loaders.sample import write_sample; {call}"
        environment = os.environ | {"PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        assert digests(tmp_path / "one") == digests(tmp_path / "two")

    def test_other_seed_other_bytes(self, tmp_path):
        one = digests(write_sample(tmp_path / "one", 60, 1, kind="library"))
        other = digests(write_sample(tmp_path / "other", 60, 2, kind="library"))
        assert one.keys() == other.keys()
        alike = {name for name in one if one[name] == other[name]}
        assert alike == {"crmlab.toml", "truth/affinity.csv", "truth/segments.csv"}

    def test_parts_are_independent(self):
        """A longer catalogue of names must not change when people buy."""
        english, persian = (sample(50, language=language, kind="library") for language in ("en", "fa"))
        assert english["orders"]["time"].equals(persian["orders"]["time"])
        assert english["truth"]["customers"]["segment"].equals(persian["truth"]["customers"]["segment"])

    def test_polluted_frames_are_the_files(self, polluted, workspace):
        for name in workspace.tables:
            dirt = polluted["truth"]["dirt"]
            broken = dirt.loc[(dirt["table"] == name) & (dirt["kind"] == "broken line"), "row"] - 1
            expected = polluted[name].drop(index=broken).reset_index(drop=True)
            written = workspace.raw(name).reset_index(drop=True).drop(columns="utm.source", errors="ignore")
            pd.testing.assert_frame_equal(
                written.fillna("")[list(expected)], expected.fillna(""), check_dtype=False
            )

    def test_truth_is_written(self, polluted, workspace):
        folder = workspace.path / "truth"
        assert {path.stem for path in folder.iterdir()} == set(polluted["truth"])
        for name, frame in polluted["truth"].items():
            assert len(pd.read_csv(folder / f"{name}.csv", dtype="str")) == len(frame)


class TestPurchases:
    def test_nobody_repeats_as_often_as_the_closed_form_says(self, repeats, large):
        """P(no repeat in t weeks) = (alpha / (alpha + t)) ** r."""
        for _, planted in large["truth"]["segments"].iterrows():
            group = repeats[repeats["segment"] == planted["segment"]]
            chance = (planted["alpha"] / (planted["alpha"] + group["weeks"])) ** planted["r"]
            error = np.sqrt((chance * (1 - chance)).sum())
            close((group["repeats"] == 0).sum(), chance.sum(), error)

    def test_mean_number_of_repeats(self, repeats, large):
        """Fader, Hardie and Lee (2005), equation 9."""
        for _, planted in large["truth"]["segments"].iterrows():
            group = repeats[repeats["segment"] == planted["segment"]]
            r, alpha, a, b = planted[["r", "alpha", "a", "b"]].astype(float)
            t = group["weeks"].to_numpy()
            stays = hyp2f1(r, b, a + b - 1, t / (alpha + t)) * (alpha / (alpha + t)) ** r
            expected = (a + b - 1) / (a - 1) * (1 - stays)
            left = group["repeats"] - expected
            close(left.mean(), 0, left.std() / np.sqrt(len(left)))

    def test_purchases_lie_between_acquisition_and_dropout(self, large):
        truth = large["truth"]
        orders = (
            large["orders"].merge(truth["orders"], on="order_id").merge(truth["customers"], on="customer_id")
        )
        process = orders[orders["origin"] == "purchase process"]
        assert (process["time"] >= process["acquired_at"]).all()
        dropped = process.dropna(subset="dropped_out_at")
        assert (dropped["time"] <= dropped["dropped_out_at"]).all()
        first = process.groupby("person_id")["time"].min()
        acquired = truth["customers"].drop_duplicates("person_id").set_index("person_id")["acquired_at"]
        assert first.equals(acquired.loc[first.index].rename("time"))

    def test_spend(self, large):
        truth = large["truth"]
        orders = large["orders"].merge(truth["orders"].query("origin == 'purchase process'"), on="order_id")
        amount = orders.groupby(["order_id", "customer_id"], as_index=False)["amount"].sum()
        spent = amount.merge(truth["customers"], on="customer_id")
        for _, group in spent.groupby("segment"):
            ratio = group["amount"].astype(float) / group["mean_spend"]
            close(ratio.mean(), 1, ratio.std() / np.sqrt(len(ratio)))

    def test_affinity(self, large):
        orders = large["orders"]
        sold = orders[orders["quantity"] > 0].groupby("product_id")["order_id"].agg(set)
        for _, pair in large["truth"]["affinity"].iterrows():
            first, second = sold[pair["product_id"]], sold[pair["added_product_id"]]
            share = len(first & second) / len(first)
            assert share > pair["probability"] - ERRORS * np.sqrt(0.25 / len(first))
            assert share > 3 * len(second) / orders["order_id"].nunique()

    def test_returns_follow_their_purchase(self, large):
        orders = large["orders"].merge(large["truth"]["orders"], on="order_id")
        back = orders[orders["quantity"] < 0]
        assert len(back)
        assert (back["origin"] == "return").all()
        assert (back["amount"] == back["quantity"] * back["unit_price"]).all()
        pairs = back.merge(orders[orders["quantity"] > 0], on=["customer_id", "product_id"])
        earlier = pairs[(pairs["time_y"] < pairs["time_x"]) & (pairs["quantity_x"] == -pairs["quantity_y"])]
        assert set(back["order_id"]) == set(earlier["order_id_x"])

    def test_bargain_hunters_use_codes(self, large):
        orders = large["orders"].merge(large["truth"]["customers"], on="customer_id")
        share = orders["promotion"].notna().groupby(orders["segment"]).mean()
        assert share["bargain hunters"] > 0.5
        assert share.drop("bargain hunters").max() < 0.2


class TestDuplicates:
    def test_share(self, large):
        duplicates = large["truth"]["duplicates"]
        assert duplicates["person_id"].nunique() == 320
        assert 1 <= duplicates["person_id"].duplicated().sum() <= 40
        assert len(large["customers"]) == 4000 + len(duplicates)

    def test_errors_are_where_the_truth_says(self, large):
        truth, customers = large["truth"], large["customers"]
        second = truth["duplicates"].merge(customers, on="customer_id")
        others = truth["customers"][~truth["customers"]["customer_id"].isin(second["customer_id"])]
        first = others.merge(customers, on="customer_id")
        pairs = second.merge(first, on="person_id", suffixes=("", "_first"))
        assert len(pairs) == len(second)
        assert (pairs["errors"] != "").all()
        moved = pairs[pairs["errors"].str.contains("moved")]
        assert (
            moved["city"] + moved["postcode"] != moved["city_first"] + moved["postcode_first"]
        ).mean() > 0.95
        same = pairs[~pairs["errors"].str.contains("typo|letter|swapped first|abbreviated")]
        assert (
            same["first_name"] + same["last_name"] == same["first_name_first"] + same["last_name_first"]
        ).all()
        swapped = pairs[pairs["errors"] == "swapped first and last name"]
        assert (swapped["first_name"] == swapped["last_name_first"]).all()
        born = pairs[pairs["errors"].str.contains("month and day")]
        assert (born["birth_date"].dt.day == born["birth_date_first"].dt.month).all()
        phoned = pairs[pairs["errors"].str.contains("new phone")]
        assert (phoned["phone"] != phoned["phone_first"]).all()

    def test_second_records_have_orders(self, large):
        second = large["truth"]["duplicates"]["customer_id"]
        orders = large["orders"]
        assert second.isin(orders["customer_id"]).mean() > 0.4
        people = large["truth"]["customers"].merge(
            large["truth"]["duplicates"]["person_id"].drop_duplicates()
        )
        theirs = orders[orders["customer_id"].isin(people["customer_id"])]
        assert 0.1 < theirs["customer_id"].isin(second).mean() < 0.6


class TestCampaigns:
    def test_conversions_are_as_planned(self, addressed):
        for _, group in addressed.groupby(["campaign_id", "arm"]):
            chance = group["probability_without_contact"] + group["effect"]
            close(group["converted"].sum(), chance.sum(), np.sqrt((chance * (1 - chance)).sum()))

    def test_arms_are_comparable_and_their_effects_found(self, addressed):
        spring = addressed[addressed["campaign_id"] == "M001"]
        arms = spring.groupby("arm")
        rate, size = arms["converted"].mean(), arms.size()
        assert size.min() > 0.3 * size.sum()
        for arm in ("offer a", "offer b"):
            error = np.sqrt((rate * (1 - rate) / size)[[arm, "control"]].sum())
            close(rate[arm] - rate["control"], arms["effect"].mean()[arm], error)
        assert arms["effect"].mean()["control"] == 0

    def test_effects_differ_between_segments(self, large):
        effects = large["truth"]["arm_effects"].merge(large["truth"]["customers"], on="customer_id")
        mean = effects[effects["campaign_id"] == "M001"].groupby(["arm", "segment"])["effect"].mean()
        assert mean["offer a"].idxmax() == "bargain hunters"
        assert mean["offer b"].idxmax() == "loyal regulars"
        assert mean["offer b"]["large accounts"] < 0

    def test_conversions_are_orders_outside_the_process(self, large):
        orders = large["orders"].merge(large["truth"]["orders"], on="order_id")
        ours = orders[orders["origin"] == "campaign"]
        amount = ours.groupby(["customer_id", "time"], as_index=False)["amount"].sum()
        events = large["campaign_events"]
        converted = events[events["event"] == "converted"]
        found = converted.merge(amount, on=["customer_id", "time"])
        assert len(found) == len(converted)
        assert (found["amount"] == found["value"]).all()
        reached = converted[converted["arm"] != "control"].merge(ours, on=["customer_id", "time"])
        assert reached["promotion"].isin(["MAY24", "OCT23", "DEC24"]).all()

    def test_control_is_left_in_peace_and_events_have_an_order(self, large):
        events = large["campaign_events"]
        control = events[events["arm"] == "control"]
        assert set(control["event"]) == {"assigned", "converted"}
        wide = events.pivot_table(
            index=["campaign_id", "customer_id"], columns="event", values="time", aggfunc="min"
        )
        for earlier, later in (("assigned", "sent"), ("sent", "delivered"), ("sent", "bounced"),
                               ("delivered", "opened"), ("opened", "clicked"), ("clicked", "visited"),
                               ("visited", "converted"), ("delivered", "unsubscribed")):  # fmt: skip
            both = wide.dropna(subset=[earlier, later])
            assert (both[earlier] < both[later]).all(), later
        assert not (wide["bounced"].notna() & wide["delivered"].notna()).any()
        ended = large["campaigns"].set_index("campaign_id")["ended_at"] + pd.Timedelta(days=1)
        assert (
            wide["converted"].dropna() < ended.loc[wide["converted"].dropna().index.get_level_values(0)].array
        ).all()

    def test_who_unsubscribes_has_withdrawn_consent(self, large):
        events = large["campaign_events"]
        left = events[events["event"] == "unsubscribed"]
        consents = large["consents"]
        assert len(left)
        assert len(left.merge(consents[~consents["given"]], on=["customer_id", "channel", "time"])) == len(
            left
        )

    def test_nobody_is_contacted_after_opting_out(self, large):
        consents = large["consents"].sort_values("time")
        sent = large["campaign_events"].query("event == 'sent'")
        for channel in ("email", "sms", "post"):
            said = consents[consents["channel"] == channel]
            before = sent[sent["channel"] == channel].merge(said, on="customer_id", suffixes=("", "_said"))
            last = before[before["time_said"] < "2023-10-01"].groupby("customer_id")["given"].last()
            later = before[before["time_said"] >= "2023-10-01"]["customer_id"]
            assert last.drop(later, errors="ignore").all()


class TestService:
    def test_bad_department(self, large):
        truth = large["truth"]["departments"]
        tickets = large["tickets"]
        assert truth.loc[truth["bad"], "department"].tolist() == ["Delivery"]
        opened = tickets[tickets["status"] == "opened"]
        complaints = opened.loc[opened["kind"] == "complaint", "department"].value_counts()
        assert complaints.idxmax() == "Delivery"
        assert (
            complaints.to_dict()
            == truth.set_index("department").query("complaints > 0")["complaints"].to_dict()
        )
        first = tickets.pivot_table(
            index=["ticket_id", "department"], columns="status", values="time", aggfunc="min"
        )
        hours = (first["resolved"] - first["opened"]).dt.total_seconds() / 3600
        median = hours.groupby("department").median()
        assert median["Delivery"] > 2.5 * median.drop("Delivery").max()

    @pytest.mark.parametrize("language", ["en", "fa"])
    def test_topics_speak_their_own_words(self, language):
        clean, topics = sample(400, seed=5, language=language), words(language).topics
        opened = clean["tickets"].query("status == 'opened'").set_index("ticket_id")
        for ticket, topic in clean["truth"]["tickets"].itertuples(index=False):
            comment = opened.loc[ticket, "comment"]
            said = {name for name, phrases in topics.items() if any(phrase in comment for phrase in phrases)}
            assert said == {topic}
        assert set(clean["truth"]["tickets"]["topic"]) == set(topics)
        assert len(clean["truth"]["tickets"]) == (opened["kind"] == "complaint").sum()

    def test_statuses_have_an_order(self, large):
        tickets = large["tickets"]
        first = tickets.pivot_table(index="ticket_id", columns="status", values="time", aggfunc="min")
        for earlier, later in (("opened", "assigned"), ("assigned", "resolved"), ("resolved", "reopened"),
                               ("reopened", "closed")):  # fmt: skip
            both = first.dropna(subset=[earlier, later])
            assert len(both)
            assert (both[earlier] < both[later]).all()
        assert first["opened"].notna().all()
        assert first["closed"].isna().any()

    def test_pipeline(self, large):
        deals = large["opportunities"].assign(won=lambda frame: frame["stage"] == "won")
        closed = deals[deals["closed_at"].notna()]
        assert set(closed["stage"]) == {"won", "lost"}
        rates = large["truth"]["pipeline"].set_index("staff_id")["win_rate"]
        for staff, group in closed.groupby("staff_id"):
            rate = rates[staff]
            close(group["won"].mean(), rate, np.sqrt(rate * (1 - rate) / len(group)))
        # Those opened in the first year have all closed by now.
        days = (closed["closed_at"] - closed["opened_at"]).dt.days[closed["opened_at"] < "2024-01-01"]
        close(days.mean(), large["truth"]["stages"]["mean_days"].sum(), days.std() / np.sqrt(len(days)))

    def test_leads_became_customers(self, large):
        leads = large["leads"].merge(large["customers"], on="customer_id", suffixes=("", "_then"))
        assert len(leads)
        assert (leads["status"] == "converted").all()
        assert (leads["time"] < leads["registered_at"] + pd.Timedelta(days=1)).all()
        assert (leads["full_name"] == leads["first_name"] + " " + leads["last_name"]).all()
        assert large["leads"].loc[large["leads"]["customer_id"].isna(), "status"].ne("converted").all()


class TestSurveys:
    def test_driver_weights_are_found_by_least_squares(self, large):
        answers = large["surveys"].dropna(subset="score")
        items = answers[answers["metric"] == "item"].pivot(
            index="response_id", columns="question", values="score"
        )
        overall = answers[(answers["metric"] == "csat") & answers["response_id"].isin(items.index)]
        both = items.join(overall.set_index("response_id")["score"]).dropna()
        planted = large["truth"]["drivers"].set_index("driver")["weight"]
        ratings = both[planted.index]
        standard = (ratings - ratings.mean()) / ratings.std()
        weights, *_ = np.linalg.lstsq(standard, both["score"] - both["score"].mean(), rcond=None)
        assert len(both) > 700
        assert np.allclose(weights / weights.sum(), planted, atol=0.04)

    def test_bad_touch_point_dip_and_newcomers(self, large):
        answers = large["surveys"].query("respondent == 'external'").dropna(subset="score")
        by_point = answers[answers["metric"] == "csat"].groupby("touch_point")["score"].mean()
        assert by_point["delivery"] < by_point.drop("delivery").min() - 0.7
        nps = answers[answers["metric"] == "nps"]
        by_quarter = nps.groupby(nps["time"].dt.to_period("Q").astype("str"))["score"].mean()
        assert by_quarter.idxmin() == "2024Q1"
        assert len(by_quarter) == 8
        assert by_quarter["2024Q1"] < by_quarter.drop("2024Q1").min() - 0.8
        segment = nps.merge(large["truth"]["customers"], on="customer_id").groupby("segment")["score"].mean()
        assert segment["recent newcomers"] < segment["loyal regulars"] - 0.8

    def test_insiders_rate_the_bad_department_low(self, large):
        inside = large["surveys"].query("respondent == 'internal'")
        assert inside["customer_id"].isna().all()
        assert (inside["touch_point"] != inside["department"]).all()
        assert inside.groupby("touch_point")["score"].mean().idxmin() == "Delivery"

    def test_silence_depends_on_the_segment(self, large):
        planted = large["truth"]["response"].set_index("segment")["response_rate"]
        nps = large["surveys"].query("metric == 'nps'").merge(large["truth"]["customers"], on="customer_id")
        people = large["truth"]["customers"].drop_duplicates("person_id")
        old = people[people["acquired_at"] < "2023-06-01"]["segment"].value_counts()
        answers = nps[nps["acquired_at"] < "2023-06-01"]["segment"].value_counts()
        rate = (answers / old).dropna()
        assert rate.rank().equals(planted.loc[rate.index].rank().rename("count"))

    @pytest.mark.parametrize("language", ["en", "fa"])
    def test_scores_lie_on_their_scales(self, language):
        answers = sample(400, seed=5, language=language)["surveys"]
        scored = answers.dropna(subset="score")
        assert scored["score"].between(scored["scale_low"], scored["scale_high"]).all()
        scales = answers.groupby("metric")[["scale_low", "scale_high"]].agg(["min", "max"])
        assert scales.loc["nps"].tolist() == [0, 0, 10, 10]
        assert scales.loc["ces"].tolist() == [1, 1, 7, 7]
        assert answers["comment"].notna().any()
        assert answers["score"].isna().any()


class TestAnomalies:
    def test_point(self, large, planted):
        order = planted.get_group("point")["key"].item()
        amount = large["orders"]["amount"]
        assert large["orders"].loc[amount.idxmax(), "order_id"] == order
        assert amount.max() > 1.5 * amount.nlargest(2).iloc[1]
        quantity = large["orders"]["quantity"]
        assert quantity.max() > 5 * quantity.nlargest(2).iloc[1]

    def test_contextual(self, large, planted):
        orders = large["orders"].set_index("order_id")["time"]
        night = orders[orders.dt.hour.between(0, 6)]
        assert set(night.index) == set(planted.get_group("contextual")["key"])
        assert (night.dt.hour == 3).all()
        assert night.dt.date.nunique() == 1

    def test_collective(self, large, planted):
        found = planted.get_group("collective").iloc[0]
        orders = large["orders"].drop_duplicates("order_id")
        per_day = orders.groupby(["customer_id", orders["time"].dt.normalize()]).size()
        assert per_day.idxmax() == (found["key"], found["first_day"])
        assert per_day.max() >= 45 > 5 * per_day.nlargest(2).iloc[1]

    def test_drop(self, large, planted):
        found = planted.get_group("drop").iloc[0]
        contacts = large["interactions"].query(f"channel == '{found['key']}'")["time"].dt.normalize()
        silent = pd.date_range(found["first_day"], found["last_day"])
        assert len(silent) == 14
        assert not contacts.isin(silent).any()
        assert contacts.value_counts().mean() > 3

    def test_impossible(self, large, planted):
        found = planted.get_group("impossible").iloc[0]
        calls = large["interactions"].query("channel == 'phone'")
        per_day = calls.groupby(["staff_id", calls["time"].dt.normalize()]).size()
        assert per_day.idxmax() == (found["key"], found["first_day"])
        assert per_day.max() >= 420 > 5 * per_day.nlargest(2).iloc[1]

    def test_odd_orders_belong_to_no_process(self, large):
        origin = large["truth"]["orders"]["origin"].value_counts()
        assert origin["anomaly"] == 1 + 14 + 45
        assert set(origin.index) == {"purchase process", "campaign", "anomaly", "return"}
        assert set(large["truth"]["orders"]["order_id"]) == set(large["orders"]["order_id"])


def place_of_rows(workspace, polluted, name):
    """File row and place in the clean history of every row of a cleaned table."""
    dirt = polluted["truth"]["dirt"].query(f"table == '{name}'")
    rows = pd.Series(range(1, int(workspace.counts.loc[name, "rows_in"]) + 1))
    own = ~rows.isin(dirt.loc[dirt["kind"] == "duplicate line", "row"])
    place = (own.cumsum() - 1).where(own)
    ledger, quarantine = workspace.changes, workspace.aside
    gone = [
        ledger.loc[(ledger["table"] == name) & (ledger["action"] == "merged"), "row"],
        quarantine.loc[quarantine["table"] == name, "row"],
    ]
    kept = ~rows.isin(pd.concat(gone))
    return pd.DataFrame({"row": rows[kept], "place": place[kept]}).reset_index(drop=True)


def cleaned_table(workspace, name):
    found = workspace.table(name)
    found = found if isinstance(found, pd.DataFrame) else found.to_pandas()
    return found.astype({column.name: column.dtype for column in TABLES[name].columns})


class TestWorkspace:
    def test_nothing_is_lost_and_little_set_aside(self, workspace, clean, form):
        counts = workspace.counts
        assert (counts["rows_in"] == counts[["clean", "set_aside", "merged"]].sum(axis="columns")).all()
        assert (counts["set_aside"] < 0.015 * counts["rows_in"]).all()
        assert counts.loc["orders", "set_aside"] > 0
        assert counts.loc["orders", "merged"] > 0
        assert list(counts.index) == [name for name in clean if name != "truth"]
        assert workspace.settings.language == form[0]

    def test_every_other_cell_comes_out_as_it_was(self, workspace, clean, polluted):
        """Cell by cell: cleansing gives back the clean history, but for what cannot be repaired."""
        dirt = polluted["truth"]["dirt"]
        hopeless = set(
            dirt.loc[~dirt["repairable"], ["table", "row", "column"]].itertuples(index=False, name=None)
        )
        wrong, dirtied = set(), set(dirt[["table", "row", "column"]].itertuples(index=False, name=None))
        for name in workspace.tables:
            cleaned, rows = cleaned_table(workspace, name), place_of_rows(workspace, polluted, name)
            assert len(cleaned) == len(rows)
            own = rows["place"].notna()
            rows, cleaned = rows[own], cleaned[own]
            model = clean[name].iloc[rows["place"].astype(int)]
            for column in TABLES[name].columns:
                got = plain(cleaned[column.name].reset_index(drop=True), column)
                expected = plain(model[column.name].reset_index(drop=True), column)
                bad = (got.fillna("") != expected.fillna("")).to_numpy()
                wrong |= {(name, row, column.name) for row in rows.loc[bad, "row"]}
        assert wrong <= dirtied
        assert wrong <= hopeless, sorted(wrong - hopeless)[:5]

    def test_dirt_is_what_was_written(self, polluted):
        dirt = polluted["truth"]["dirt"].query("column != '*'")
        for name, group in dirt.groupby("table"):
            for column, cells in group.groupby("column"):
                written = polluted[name][column].loc[cells["row"] - 1].fillna("").to_numpy()
                assert (written == cells["dirty"].fillna("").to_numpy()).all()

    def test_there_is_dirt_of_every_kind(self, polluted, form):
        language, kind = form
        kinds = set(polluted["truth"]["dirt"]["kind"])
        wanted = {"spaces", "date format", "month name", "impossible date", "phone spelling", "e-mail case",
                  "invalid e-mail", "missing marker", "other spelling", "missing customer", "not a number",
                  "duplicate line"}  # fmt: skip
        wanted |= (
            {"case"} if language == "en" else {"arabic letters", "half-space", "tatweel", "persian digits"}
        )
        wanted |= {"thousands separator", "currency mark", "broken line"} if kind == "shop" else set()
        assert wanted <= kinds
        dirt = polluted["truth"]["dirt"]
        rows = {name: len(polluted[name]) for name in set(dirt["table"])}
        share = dirt[dirt["column"] != "*"].groupby("table").size() / pd.Series(rows)
        assert (share < 0.5).all()

    def test_file_formats(self, workspace, form):
        language, kind = form
        customers = (workspace.path / ("patrons.csv" if kind == "library" else "customers.csv")).read_bytes()
        if language == "en":
            assert customers.startswith(b"\xef\xbb\xbf")
        else:
            assert "نام خانوادگي" in customers.decode("cp1256")
            assert "ی" not in customers.decode("cp1256")
        if kind == "shop":
            first = json.loads((workspace.path / "leads.jsonl").read_text(encoding="utf-8").splitlines()[0])
            assert first["utm"]["source"]
            assert ";" in (workspace.path / "interactions.csv").read_text(encoding="utf-8").splitlines()[0]
            assert "\t" in (workspace.path / "staff.csv").read_text(encoding="utf-8").splitlines()[0]
        orders = (workspace.path / ("loans.csv" if kind == "library" else "orders.csv")).read_text(
            encoding="utf-8"
        )
        year = r"\b140[1-3]/\d\d/\d\d" if language == "fa" else r"\b202[34]-\d\d-\d\d"
        assert len(re.findall(year, orders)) > 0.9 * orders.count("\n")


class TestWrongCalls:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"language": "de"}, "There is no sample in the language 'de'. Known: en, fa."),
            ({"kind": "shops"}, "There is no sample of the kind 'shops'; did you mean 'shop'?"),
            ({"customers": 9}, "customers is a whole number of at least 10, not 9."),
            ({"customers": 100.5}, "customers is a whole number of at least 10, not 100.5."),
            ({"customers": True}, "customers is a whole number of at least 10, not True."),
            ({"seed": -1}, "seed is a whole number of at least 0, not -1."),
            ({"seed": "1"}, "seed is a whole number of at least 0, not '1'."),
        ],
    )
    def test_arguments(self, arguments, said, tmp_path):
        with pytest.raises(ParameterError, match=f"^{re.escape(said)}"):
            sample(**arguments)
        with pytest.raises(ParameterError, match=f"^{re.escape(said)}"):
            write_sample(tmp_path / "new", **arguments)
        assert not (tmp_path / "new").exists()

    def test_a_workspace_is_not_overwritten(self, tmp_path):
        (tmp_path / "crmlab.toml").write_text("mine")
        with pytest.raises(ParameterError, match="has a crmlab.toml already"):
            write_sample(tmp_path, 10, kind="library")
        assert [path.name for path in tmp_path.iterdir()] == ["crmlab.toml"]

    def test_nor_is_a_file(self, tmp_path):
        folder = tmp_path / "shop"
        folder.mkdir()
        (folder / "titles.csv").write_text("mine")
        with pytest.raises(ParameterError, match="has a titles.csv already"):
            write_sample(folder, 10, kind="library")
        assert [path.name for path in folder.iterdir()] == ["titles.csv"]
        assert [path.name for path in tmp_path.iterdir()] == ["shop"]

    def test_other_files_may_stay(self, tmp_path):
        (tmp_path / "notes.txt").write_text("mine")
        assert write_sample(tmp_path, 10, kind="library") == tmp_path
        assert (tmp_path / "crmlab.toml").exists()
        assert (tmp_path / "notes.txt").read_text() == "mine"

    def test_a_folder_that_cannot_be_written(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(WorkspaceError, match="cannot be written"):
            write_sample(tmp_path / "file" / "shop", 10, kind="library")

    def test_all_or_nothing(self, tmp_path, monkeypatch):
        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(files, "_description", full)
        with pytest.raises(WorkspaceError, match=r"shop cannot be written: No space left on device\."):
            write_sample(tmp_path / "shop", 10, kind="library")
        assert not list(tmp_path.iterdir())

    def test_progress(self, tmp_path):
        said = []
        write_sample(tmp_path / "shop", 10, kind="library", progress=said.append)
        assert said == ["customers", "orders", "dirt", "patrons.csv", "loans.csv", "titles.csv"]
