"""How unevenly value is spread, in whom to invest, profit and loyalty, against plain references."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers import (
    concentration,
    customer_profit,
    gini,
    investment_tiers,
    loyalty,
    repurchases,
    value_groups,
)

VALUES = st.lists(st.integers(0, 1000), min_size=3, max_size=30).filter(lambda v: sum(v) > max(v))


def mean_difference(x):
    """Gini's own definition: half the relative mean difference between two customers."""
    x = np.asarray(x, dtype=float)
    n = len(x)
    return np.abs(x[:, None] - x).sum() / (n * (n - 1)) / (2 * x.mean())


@given(VALUES)
@settings(max_examples=80, deadline=None)
def test_gini_is_half_the_relative_mean_difference_and_its_interval_the_jackknife(values):
    found = gini(pd.Series(values))
    assert found.value == pytest.approx(mean_difference(values), abs=1e-12)
    without = np.array([mean_difference(values[:k] + values[k + 1 :]) for k in range(len(values))])
    n = len(values)
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    assert found.high - found.value == pytest.approx(1.959963984540054 * error, abs=1e-9)
    assert gini(pd.Series(values) * 7).value == pytest.approx(found.value)
    assert -1e-12 <= found.value <= 1 + 1e-12


@pytest.mark.parametrize(("draw", "truth", "least"), [
    (lambda rng, n: rng.exponential(size=n), 1 / 2, 0.92),
    (lambda rng, n: rng.uniform(size=n), 1 / 3, 0.92),
    (lambda rng, n: rng.pareto(4, n) + 1, 1 / 7, 0.86),
])  # fmt: skip
def test_the_interval_of_gini_holds_the_known_value_of_distributions(draw, truth, least):
    rng = np.random.default_rng(1)
    found = [gini(pd.Series(draw(rng, 400))) for _ in range(300)]
    held = np.mean([one.low <= truth <= one.high for one in found])
    assert least <= held <= 0.98


def test_gini_where_there_is_nothing_to_spread():
    for values in ([], [5], [0, 0], [-5, 2]):
        assert np.isnan(gini(pd.Series(values, dtype=float)).value)
    assert gini(pd.Series([5.0, None, 5.0])).value == 0
    assert np.isnan(gini(pd.Series([5.0, 1.0])).low)


@given(st.lists(st.integers(-50, 100), max_size=40), st.integers(2, 12))
@settings(max_examples=60, deadline=None)
def test_groups_are_of_equal_size_and_hold_everybody(values, groups):
    found = value_groups(pd.Series(values, dtype=float), groups)
    assert found["customers"].sum() == len(values)
    assert found["value"].sum() == sum(values)
    if len(found) > 1:
        assert found["customers"].max() - found["customers"].min() <= 1
        assert (found["least"].to_numpy()[:-1] >= found["most"].to_numpy()[1:]).all()
    if sum(values) > 0:
        assert found["cumulated"].iloc[-1] == pytest.approx(1)


def test_groups_and_curve_tell_the_same():
    values = pd.Series(np.random.default_rng(2).exponential(size=1000))
    curve = concentration(values).set_index("customers")["value"]
    assert value_groups(values)["cumulated"].to_numpy() == pytest.approx(curve.iloc[10::10].to_numpy())
    with pytest.raises(ParameterError, match="from 2 to 100"):
        value_groups(values, 1)


def test_the_tier_to_invest_in_is_the_smallest_that_brings_the_share():
    values = pd.Series([60, 20, 20, 10, 0, -5, None], index=list("abcdefg"))
    assert investment_tiers(values).tolist()[:6] == ["high", "some", "some", "some", "none", "none"]
    assert investment_tiers(values, high=0.6).tolist()[:4] == ["high", "high", "high", "some"]
    assert investment_tiers(values, high=1).tolist()[:4] == ["high"] * 4
    assert investment_tiers(values, high=0, least=15).tolist()[:4] == ["some", "some", "some", "none"]
    assert pd.isna(investment_tiers(values)["g"])
    assert investment_tiers(values[:0]).empty
    with pytest.raises(ParameterError, match="share between 0 and 1"):
        investment_tiers(values, high=50)


def shop(seed=0, lines=120):
    rng = np.random.default_rng(seed)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, lines), unit="D")
    orders = pd.DataFrame({
        "customer_id": rng.choice(list("abcdef"), lines), "order_id": rng.integers(0, 60, lines).astype(str),
        "product_id": rng.choice(["x", "y", "z"], lines), "quantity": rng.integers(-1, 4, lines),
        "amount": rng.integers(100, 900, lines), "time": days,
        "promotion": rng.choice(["sale", None], lines, p=[0.3, 0.7]),
    })  # fmt: skip
    orders["order_id"] = orders["customer_id"] + orders["order_id"]
    orders["amount"] *= np.sign(orders["quantity"])
    return orders


PRODUCTS = pd.DataFrame({"product_id": ["x", "y", "z"], "unit_cost": [50, 80, None]}).astype(
    {"unit_cost": "Int64"}
)
TICKETS = pd.DataFrame({
    "ticket_id": ["1", "1", "2", "3"], "customer_id": ["a", "a", "b", None],
    "time": pd.to_datetime(["2024-01-05", "2024-05-01", "2024-05-02", "2024-01-01"]),
})  # fmt: skip
CAMPAIGNS = pd.DataFrame({"campaign_id": ["m", "n"], "cost_per_contact": [7, None]}).astype(
    {"cost_per_contact": "Int64"}
)
EVENTS = pd.DataFrame({
    "campaign_id": ["m", "m", "n", "m"], "customer_id": ["a", "a", "b", "c"],
    "event": ["sent", "opened", "sent", "sent"],
    "time": pd.to_datetime(["2024-01-05", "2024-01-06", None, None]),
})  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_profit_is_revenue_less_every_cost(seed):
    orders = shop(seed)
    found = customer_profit(orders, PRODUCTS, TICKETS, EVENTS, CAMPAIGNS, 30).set_index("customer_id")
    cost = orders["quantity"] * orders["product_id"].map({"x": 50, "y": 80})
    assert found["revenue"].to_dict() == orders.groupby("customer_id")["amount"].sum().to_dict()
    assert found["cost_of_goods"].to_dict() == cost.groupby(orders["customer_id"]).sum().to_dict()
    unknown = cost.isna().groupby(orders["customer_id"]).sum()
    assert found["lines_without_cost"].to_dict() == unknown.to_dict()
    assert found["cost_of_service"].to_dict() == {n: {"a": 30, "b": 30}.get(n, 0) for n in found.index}
    assert found["cost_of_campaigns"].to_dict() == {n: {"a": 7, "c": 7}.get(n, 0) for n in found.index}
    costs = found[["cost_of_goods", "cost_of_service", "cost_of_campaigns"]].sum(axis=1)
    assert (found["profit"] == found["revenue"] - costs).all()


def test_profit_until_a_day_counts_what_came_before():
    found = customer_profit(shop(), PRODUCTS, TICKETS, EVENTS, CAMPAIGNS, 30, until="2024-02-01")
    early = shop().query("time < '2024-02-01'")
    assert found["revenue"].sum() == early["amount"].sum()
    assert found.set_index("customer_id")["cost_of_service"].to_dict()["b"] == 0


def test_profit_of_what_is_known_only_and_what_is_missing():
    bare = customer_profit(shop().drop(columns=["product_id", "promotion"]))
    assert (bare["profit"] == bare["revenue"]).all()
    assert bare["lines_without_cost"].sum() == len(shop())
    with pytest.raises(ParameterError, match="both campaign_events and campaigns"):
        customer_profit(shop(), campaign_events=EVENTS)
    with pytest.raises(TableError, match="need a column unit_cost"):
        customer_profit(shop(), PRODUCTS.drop(columns="unit_cost"))
    with pytest.raises(TableError, match="column unit_cost of the products holds text, not numbers"):
        customer_profit(shop(), PRODUCTS.assign(unit_cost="5"))
    with pytest.raises(TableError, match="column cost_per_contact of the campaigns holds text, not numbers"):
        customer_profit(shop(), None, None, EVENTS, CAMPAIGNS.assign(cost_per_contact="5"))


@pytest.mark.parametrize("seed", range(5))
def test_repurchases_against_a_plain_count(seed):
    orders = shop(seed)
    made = orders.groupby(["customer_id", "order_id"]).agg(
        day=("time", "min"),
        prompted=("promotion", "count"),
        quantity=("quantity", "max"),
        most=("amount", "max"),
    )
    made = made[made["most"] >= 0].reset_index()
    made["prompted"] = made["prompted"] > 0
    made = made.sort_values(["day", "prompted"], ascending=[True, False])
    again = made[made.duplicated("customer_id")]
    found = repurchases(orders).set_index("customer_id")
    assert found["repurchases"].to_dict() == {n: (again["customer_id"] == n).sum() for n in found.index}
    unprompted = again[~again["prompted"]]["customer_id"]
    assert found["unprompted"].to_dict() == {n: (unprompted == n).sum() for n in found.index}
    rates = loyalty(orders)
    assert rates.loc["unprompted orders", "value"] == len(unprompted) / len(again)
    assert rates.loc["bought again unprompted", "value"] == unprompted.nunique() / len(found)
    assert (rates["low"] <= rates["value"]).all()
    assert (rates["value"] <= rates["high"]).all()


def test_without_a_single_promotion_nothing_is_said_of_buying_unprompted():
    rates = loyalty(shop().assign(promotion=pd.Series(None, shop().index, dtype="str")))
    assert rates["value"].notna().tolist() == [True, False, False]
    assert rates["low"].notna().tolist() == [True, False, False]


def test_nobody_is_loyal_where_nobody_bought():
    rates = loyalty(shop(), until="2000-01-01")
    assert rates["n"].tolist() == [0, 0, 0]
    assert rates["value"].isna().all()
    with pytest.raises(TableError, match="need a column promotion"):
        loyalty(shop().drop(columns="promotion"))


def test_what_goes_in_comes_out():
    table = crm.engine.as_table(shop())
    for function in (customer_profit, repurchases):
        made = function(table)
        assert not isinstance(made, pd.DataFrame)
        pd.testing.assert_frame_equal(crm.engine.collect(made, key="customer_id"), function(shop()))
