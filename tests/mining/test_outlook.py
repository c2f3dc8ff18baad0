"""Outlook, churn forecast and changes: what a report tells of the time to come and of the time since."""

import datetime

import duckdb
import numpy as np
import pandas as pd
import pytest

import crmlab as crm
from crmlab.errors import ParameterError
from crmlab.locale import language
from crmlab.mining.customers import (
    changed_since,
    churn_forecast,
    lifetime_value,
    name_segments,
    outlook_check,
    profile_coverage,
    rfm,
    value_outlook,
    word_columns,
)


@pytest.fixture(scope="module")
def shop() -> dict[str, pd.DataFrame]:
    return crm.sample(customers=400, seed=11)


@pytest.fixture(scope="module")
def outlook(shop):
    return value_outlook(shop["orders"], replicates=40)


def test_groups_add_up_to_all_and_lie_in_their_intervals(outlook):
    everybody = outlook.by()
    halves = outlook.by(
        pd.Series(np.arange(len(outlook.customers)) % 2, outlook.customers.index, name="half")
    )
    assert halves.index.name == "half"
    assert halves["customers"].sum() == everybody.loc["all", "customers"] == len(outlook.customers)
    assert halves["value"].sum() == pytest.approx(everybody.loc["all", "value"])
    assert everybody.loc["all", "value"] == pytest.approx(outlook.customers["lifetime_value"].sum())
    assert (everybody["low"] < everybody["value"]).all()
    assert (everybody["value"] < everybody["high"]).all()
    some = outlook.by(pd.Series(["x"], outlook.customers.index[:1]))
    assert some.loc["x", "value"] == pytest.approx(outlook.customers["lifetime_value"].iloc[0])


def test_values_kept_and_values_made_anew_are_the_same(shop, outlook, monkeypatch):
    monkeypatch.setattr("crmlab.mining.customers.outlook.KEPT", 0)
    anew = value_outlook(shop["orders"], replicates=40)
    assert anew._values is None
    pd.testing.assert_frame_equal(anew.by(), outlook.by(), rtol=1e-9)


def test_an_outlook_is_what_its_models_say(outlook):
    rows = outlook.customers
    monthly = 1.1 ** (1 / 12) - 1
    value = lifetime_value(outlook.purchases, outlook.spend, rows, 12, discount_rate=monthly, unit="W")
    assert rows["lifetime_value"].tolist() == pytest.approx(value.tolist())
    assert rows["probability_alive"].between(0, 1).all()


def test_nobody_is_active_for_certain_after_one_purchase(outlook):
    once = outlook.customers[(outlook.customers["frequency"] == 0) & (outlook.customers["T"] > 4)]
    assert len(once) > 50
    # Of those who bought once, whoever bought lately is the more likely to be active; none is for sure.
    assert once["probability_alive"].max() < 1
    assert once["probability_alive"].corr(once["T"], method="spearman") < -0.99


def test_the_outlook_knows_nothing_of_what_comes(shop):
    before = shop["orders"][shop["orders"]["time"] < "2024-07-01"]
    then = value_outlook(shop["orders"], "2024-07-01", replicates=5)
    only = value_outlook(before, "2024-07-01", replicates=5)
    pd.testing.assert_frame_equal(then.customers, only.customers)


def test_the_check_lays_what_was_beside_what_was_foretold(shop):
    table, weeks = outlook_check(shop["orders"], most=3)
    assert table.index.tolist() == [0, 1, 2, 3]
    assert weeks["holdout"].any()
    assert not weeks["holdout"].all()
    made = weeks.loc[weeks["holdout"], "actual"].sum()
    assert table["customers"] @ table["actual"] == pytest.approx(made, rel=0.02)  # a last part of a week


def test_too_little_to_go_by_is_said_and_leaves_empty_tables():
    orders = pd.DataFrame({
        "order_id": ["1", "2"], "customer_id": ["a", "b"], "amount": 5,
        "time": pd.to_datetime(["2024-01-05", "2024-01-06"]),
    })  # fmt: skip
    found = value_outlook(orders)
    assert found.why_not == "Hardly anybody bought a second time."
    assert found.customers.empty
    assert found.by().empty
    assert [part.empty for part in outlook_check(orders)] == [True, True]
    churn = churn_forecast({"orders": orders})
    assert churn.why_not
    assert churn.probability.empty
    assert churn.gains_curve.empty
    assert churn.calibration.empty
    assert churn.importance.empty
    assert churn.judged == 0
    with pytest.raises(ParameterError, match="months is a whole number"):
        value_outlook(orders, months=0)
    with pytest.raises(ParameterError, match="a rate per year from 0 to 1, not 10: 10 % is 0.1"):
        value_outlook(orders, discount_rate=10)
    assert value_outlook(orders, discount_rate=1).why_not
    assert repr(found) == (
        "Outlook(Hardly anybody bought a second time., months=12, discount_rate=0.1, margin=1.0)"
    )
    assert repr(churn) == f"ChurnForecast({churn.why_not}, horizon=90)"


def test_what_was_found_is_shown_on_one_line(outlook, shop):
    assert repr(outlook) == (
        f"Outlook({len(outlook.customers)} customers, {outlook.purchases!r}, {outlook.spend!r}, "
        "months=12, discount_rate=0.1, margin=1.0)"
    )
    churn = churn_forecast(shop, "2024-10-01", horizon=60, replicates=2)
    assert repr(churn).startswith(f"ChurnForecast({len(churn.probability)} customers, AUC 0.")
    assert "\n" not in repr(churn)


def test_a_churn_forecast_is_judged_by_the_time_before_today(shop):
    churn = churn_forecast(shop, "2024-10-01", horizon=60, replicates=2)
    assert churn.why_not == ""
    assert churn.evaluation.auc.value > 0.6
    curve = churn.gains_curve
    assert curve.iloc[0].tolist() == [0, 0]
    assert curve.iloc[-1].tolist() == pytest.approx([1, 1])
    bought = shop["orders"].query("time < '2024-10-01' and time >= '2023-10-02' and quantity > 0")
    assert set(churn.probability.index) <= set(bought["customer_id"])
    # What comes after the day changes nothing.
    before = {name: table for name, table in shop.items() if name != "truth"}
    before["orders"] = shop["orders"][shop["orders"]["time"] < "2024-10-01"]
    again = churn_forecast(before, "2024-10-01", horizon=60, replicates=2)
    pd.testing.assert_series_equal(again.probability, churn.probability)


def test_a_churn_forecast_takes_order_lines_alone_in_any_form(shop):
    options = {"as_of": "2024-10-01", "horizon": 60, "replicates": 2}
    orders = shop["orders"]
    expected = churn_forecast({"orders": orders}, **options).probability
    assert len(expected)
    with duckdb.connect() as connection:
        for form in (orders, crm.as_table(orders), connection.from_df(orders)):
            pd.testing.assert_series_equal(churn_forecast(form, **options).probability, expected)
    with pytest.raises(ParameterError, match="Churn is told by orders; there are: customers"):
        churn_forecast({"customers": shop["customers"]})


def test_changes_are_counted_customer_by_customer(shop):
    orders = shop["orders"]
    found = changed_since(orders, "2024-06-01", "2024-09-01")
    then, now = (
        name_segments(rfm(orders, as_of=day)).set_index("customer_id") for day in ("2024-06-01", "2024-09-01")
    )
    assert found.new == len(set(now.index) - set(then.index))
    assert found.moves.to_numpy().sum() == len(set(now.index) & set(then.index))
    assert found.gained == now["monetary_value"].sum() - then["monetary_value"].sum()
    worth = now.groupby("segment")["monetary_value"].mean()
    both = then.join(now.add_suffix("_now"), how="inner")
    assert found.up == sum(
        worth[row.segment_now] > worth.get(row.segment, np.nan) for row in both.itertuples()
    )
    counts = found.segments.set_index("segment")
    assert counts["customers"].sum() == len(now)
    assert counts["customers_before"].sum() == len(then)
    assert changed_since(orders).since == changed_since(orders).until - datetime.timedelta(days=30)
    with pytest.raises(ParameterError, match="since is a day before"):
        changed_since(orders, "2024-09-01", "2024-09-01")


def test_a_profile_says_what_it_rests_on():
    profile = pd.DataFrame({"recency": [3, None, 5], "tickets": [0, 0, 2], "shoe_size": [40, 41, None]})
    found = profile_coverage(profile)
    assert found["customers"].to_dict() == {"orders": 2, "tickets": 1, "customers": 2}
    assert word_columns(["contacts_email", "recent_orders"], language("en")) == [
        "contacts (email)", "recent orders",
    ]  # fmt: skip
