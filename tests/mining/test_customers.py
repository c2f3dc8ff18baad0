"""Purchases, RFM and concentration against a plain pandas reference and planted truth."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers import (
    RFM_SEGMENTS,
    activity,
    cohorts,
    concentration,
    customer_profit,
    last_day,
    loyalty,
    name_segments,
    product_affinity,
    purchase_summary,
    purchases,
    repurchases,
    rfm,
    rfm_thresholds,
    segment_grid,
    segment_summary,
    totals,
    value_outlook,
)
from crmlab.mining.customers.rfm import Segment


def orders_of(rows: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(
        rows, columns=["customer_id", "order_id", "time", "quantity", "unit_price", "discount"]
    )
    return frame.assign(time=pd.to_datetime(frame["time"]).astype("datetime64[us]"))


ORDERS = orders_of([
    ("a", "1", "2024-01-05 10:00", 2, 500, 100),
    ("a", "1", "2024-01-05 10:00", 1, 300, 0),
    ("a", "2", "2024-03-01 23:59", 1, 700, 0),
    ("a", "3", "2024-03-05 08:00", -1, 300, 0),
    ("b", "4", "2024-02-01 12:00", 1, 300, 0),
    ("c", "5", "2024-02-10 12:00", -2, 300, 0),
])  # fmt: skip


def test_rfm_of_a_table_computed_by_hand():
    found = rfm(ORDERS, as_of="2024-03-11").set_index("customer_id")
    # a: orders 1 and 2 are purchases (the return is none), the last on 1 March; 900 + 300 + 700 - 300.
    assert found.loc["a", ["recency", "frequency", "monetary_value"]].tolist() == [10, 2, 1600]
    assert found.loc["b", ["recency", "frequency", "monetary_value"]].tolist() == [39, 1, 300]


def test_a_customer_with_nothing_but_returns_does_not_appear():
    assert "c" not in set(rfm(ORDERS)["customer_id"])


@pytest.mark.parametrize("quantity", [None, 1, -1])
def test_a_return_is_told_by_its_quantity_or_its_amount(quantity):
    # c only gave something back; a gave back a part of what a bought.
    frame = pd.DataFrame({
        "customer_id": ["a", "a", "b", "c"], "order_id": ["1", "2", "3", "4"],
        "time": pd.to_datetime(["2024-01-05", "2024-02-01", "2024-02-03", "2024-02-04"]),
        "amount": [2500, -500, 1000, -1500],
    })  # fmt: skip
    if quantity is not None:
        frame["quantity"] = [1, quantity, 1, quantity]
    found = rfm(frame).set_index("customer_id")
    assert found[["frequency", "monetary_value"]].to_dict("list") == {
        "frequency": [1, 1], "monetary_value": [2000, 1000],
    }  # fmt: skip
    assert totals(frame)[["customers", "orders", "returns", "amount"]].tolist() == [2, 2, 2, 1500]
    assert activity(frame)[["customers", "orders"]].values.tolist() == [[1, 1], [1, 1]]
    assert purchases(frame)["is_return"].tolist() == [False, True, False, True]
    assert concentration(found["monetary_value"])["value"].max() == 1


def test_what_comes_back_without_a_refund_is_a_return_too():
    frame = ORDERS.head(2).assign(customer_id=["a", "b"], quantity=[1, -1], amount=[100, 0])
    assert rfm(frame)["customer_id"].tolist() == ["a"]


def test_orders_on_or_after_the_day_do_not_count():
    found = rfm(ORDERS, as_of="2024-03-01").set_index("customer_id")
    assert found.loc["a", ["recency", "frequency", "monetary_value"]].tolist() == [56, 1, 1200]


def test_the_day_defaults_to_the_one_after_the_last_order():
    pd.testing.assert_frame_equal(rfm(ORDERS), rfm(ORDERS, as_of="2024-03-06"))


def test_a_jalali_day_means_its_gregorian_one():
    pd.testing.assert_frame_equal(rfm(ORDERS, as_of="1402/12/21"), rfm(ORDERS, as_of="2024-03-11"))


def test_a_frame_gives_a_frame_and_a_table_an_unevaluated_table():
    table = rfm(crm.as_table(ORDERS), as_of="2024-03-11")
    assert not isinstance(table, pd.DataFrame)
    pd.testing.assert_frame_equal(
        crm.collect(table, key="customer_id"), rfm(ORDERS, as_of="2024-03-11"), check_frame_type=True
    )


def test_amount_comes_before_quantity_times_price():
    frame = ORDERS.assign(amount=[1, 2, 3, -1, 4, -1])
    assert rfm(frame).set_index("customer_id")["monetary_value"].to_dict() == {"a": 5, "b": 4}


def test_lines_without_order_number_are_orders_of_their_own():
    found = rfm(ORDERS.drop(columns="order_id")).set_index("customer_id")
    assert found.loc["a", "frequency"] == 3


def reference_rfm(orders: pd.DataFrame, day: pd.Timestamp, bins: int) -> pd.DataFrame:
    """RFM in plain pandas; scores by counting the customers with a lesser value, one by one."""
    lines = orders[orders["time"].dt.normalize() < day]
    amount = lines["quantity"] * lines["unit_price"] - lines["discount"]
    bought = lines[(lines["quantity"] >= 0) & (amount >= 0)]
    table = pd.DataFrame({
        "recency": (day - bought.groupby("customer_id")["time"].max().dt.normalize()).dt.days,
        "frequency": bought.groupby("customer_id")["order_id"].nunique(),
    })  # fmt: skip
    table["monetary_value"] = amount.groupby(lines["customer_id"]).sum()
    for value, score, sign in (
        ("recency", "r_score", -1),
        ("frequency", "f_score", 1),
        ("monetary_value", "m_score", 1),
    ):
        values = sign * table[value].to_numpy()
        table[score] = [1 + bins * int((values < own).sum()) // len(values) for own in values]
    return table.sort_index().reset_index()


lines = st.lists(
    st.tuples(
        st.sampled_from("abcdefgh"), st.sampled_from(list("123456789")),
        st.datetimes(datetime.datetime(2023, 1, 1), datetime.datetime(2024, 12, 31)),
        st.integers(-3, 5), st.integers(0, 10_000), st.integers(0, 50),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(rows=lines, bins=st.integers(2, 10))
def test_rfm_equals_the_reference(rows, bins):
    orders = orders_of(rows)
    bought = orders["quantity"] * orders["unit_price"] >= orders["discount"]
    if not (bought & (orders["quantity"] >= 0)).any():
        return
    day = orders["time"].max().normalize() + pd.Timedelta(days=1)
    expected = reference_rfm(orders, day, bins)
    found = rfm(orders, bins=bins)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


@settings(max_examples=10, deadline=None)
@given(rows=lines, seed=st.integers(0, 2**16))
def test_rfm_does_not_depend_on_the_order_of_the_lines(rows, seed):
    orders = orders_of(rows)
    if not (orders["quantity"] > 0).any():
        return
    shuffled = orders.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(rfm(orders), rfm(shuffled))


def test_equal_values_get_equal_scores():
    found = rfm(crm.sample(customers=300, seed=3, language="en")["orders"])
    for value, score in (("recency", "r_score"), ("frequency", "f_score"), ("monetary_value", "m_score")):
        assert (found.groupby(value)[score].nunique() == 1).all()


def test_thresholds_of_ones_own_take_the_place_of_quantiles():
    found = rfm(ORDERS, as_of="2024-03-11", bins=3, cuts={"recency": (10, 38), "monetary_value": [300, 1601]})
    # a: 10 days, 1600; b: 39 days, 300. A threshold that is just reached counts.
    assert found[["r_score", "m_score"]].values.tolist() == [[3, 2], [1, 2]]
    assert found["f_score"].tolist() == rfm(ORDERS, as_of="2024-03-11", bins=3)["f_score"].tolist()


@settings(max_examples=15, deadline=None)
@given(rows=lines, cuts=st.lists(st.integers(-1000, 20_000), min_size=4, max_size=4, unique=True).map(sorted))
def test_scores_by_thresholds_are_those_of_searchsorted(rows, cuts):
    orders = orders_of(rows)
    if not (orders["quantity"] * orders["unit_price"] > 50).any():
        return
    found = rfm(orders, cuts=dict.fromkeys(("recency", "frequency", "monetary_value"), np.array(cuts)))
    for value, score in (("frequency", "f_score"), ("monetary_value", "m_score")):
        assert found[score].tolist() == (1 + np.searchsorted(cuts, found[value], side="right")).tolist()
    assert found["r_score"].tolist() == (5 - np.searchsorted(cuts, found["recency"], side="left")).tolist()


@pytest.mark.parametrize(
    ("cuts", "words"),
    [
        ({"recencies": (1, 2, 3, 4)}, "cuts has no 'recencies'; did you mean 'recency'"),
        ({"recency": (1, 2, 3)}, "The cuts of recency are 4 ascending numbers, one fewer than bins=5, not"),
        ({"frequency": (1, 2, 2, 3)}, "cuts of frequency are 4 ascending numbers"),
        ({"frequency": (1, 2, 3, float("nan"))}, "cuts of frequency are 4 ascending numbers"),
        ({"monetary_value": "1234"}, "cuts of monetary_value are 4 ascending numbers"),
        ({"monetary_value": 5}, "cuts of monetary_value are 4 ascending numbers"),
    ],
)
def test_impossible_thresholds_are_refused(cuts, words):
    with pytest.raises(ParameterError, match=words):
        rfm(ORDERS, cuts=cuts)


def test_the_thresholds_part_the_customers(scored):
    found = rfm_thresholds(scored)
    assert (found.groupby("value")["customers"].sum() == len(scored)).all()
    for value, part in found.groupby("value"):
        if value == "recency":
            part = part.iloc[::-1]
        assert (part["low"].to_numpy()[1:] > part["high"].to_numpy()[:-1]).all()
    own = scored[scored["m_score"] == 4]["monetary_value"]
    row = found[(found["value"] == "monetary_value") & (found["score"] == 4)].iloc[0]
    assert row[["customers", "low", "high"]].tolist() == [len(own), own.min(), own.max()]
    with pytest.raises(TableError, match="RFM scores need a column m_score"):
        rfm_thresholds(scored.drop(columns="m_score"))


@pytest.mark.parametrize("bins", [1, 11, 2.5, "5"])
def test_a_wrong_number_of_classes_is_refused(bins):
    with pytest.raises(ParameterError, match="bins is a whole number from 2 to 10"):
        rfm(ORDERS, bins=bins)


def test_a_wrong_day_is_refused():
    with pytest.raises(ParameterError, match="as_of is a day such as 2024-08-02"):
        rfm(ORDERS, as_of="yesterday")


def test_orders_without_customer_column_are_refused():
    with pytest.raises(TableError, match="need a column customer_id; there are: order_id"):
        rfm(ORDERS.drop(columns="customer_id"))


def test_orders_with_times_in_text_are_refused():
    with pytest.raises(TableError, match="not time stamps; crmlab.cleansing.to_gregorian"):
        rfm(ORDERS.assign(time=ORDERS["time"].astype("str")))


def test_orders_without_any_money_are_refused():
    with pytest.raises(TableError, match="need an amount, or a quantity and a unit_price"):
        rfm(ORDERS.drop(columns="unit_price"))


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("amount", "12 EUR", "The column amount of the orders holds text, not numbers; .*read_numbers reads"),
        ("amount", True, "The column amount of the orders holds boolean, not numbers"),
        ("quantity", "2", "The column quantity of the orders holds text"),
        ("unit_price", "5", "The column unit_price of the orders holds text"),
        ("discount", "5 %", "The column discount of the orders holds text"),
    ],
)
def test_money_and_pieces_are_numbers(column, values, said):
    orders = ORDERS.assign(**{column: values})
    for call in (rfm, purchases, totals, activity):
        with pytest.raises(TableError, match=said) as error:
            call(orders)
        assert (error.value.table, error.value.column) == ("orders", column)


def test_a_discount_that_nobody_had_is_none():
    none = ORDERS.assign(discount=None)
    pd.testing.assert_frame_equal(rfm(none), rfm(ORDERS.drop(columns="discount")))


def test_what_is_neither_frame_nor_table_is_refused():
    with pytest.raises(ParameterError, match="Expected a pandas DataFrame, .*, got list"):
        rfm([1, 2])


@pytest.mark.parametrize(
    "call",
    [last_day, rfm, activity, cohorts, customer_profit, loyalty, product_affinity, purchase_summary,
     repurchases, value_outlook],
)  # fmt: skip
def test_no_orders_at_all_is_said(call):
    orders = ORDERS.assign(promotion="sale", product_id="tea")
    for nothing in (orders.head(0), crm.as_table(orders.head(0))):
        with pytest.raises(TableError, match=r"^There are no order lines\.$"):
            call(nothing)


@pytest.mark.parametrize(
    "call",
    [rfm, activity, repurchases,
     lambda orders, day: cohorts(orders, until=day), lambda orders, day: purchase_summary(orders, end=day),
     lambda orders, day: customer_profit(orders, until=day)],
)  # fmt: skip
def test_nobody_had_bought_before_the_first_day(call):
    assert call(ORDERS.assign(promotion="sale"), "2000-01-01").empty


def test_counts_of_nothing_are_zero():
    for found in (totals(ORDERS.head(0)), totals(ORDERS, until="2000-01-01")):
        assert found[["customers", "orders", "lines", "returns", "amount"]].tolist() == [0] * 5
        assert found[["first_day", "last_day"]].tolist() == [None, None]


def test_every_cell_of_the_grid_has_one_segment():
    cells = pd.MultiIndex.from_product([range(1, 6), range(1, 6)], names=["r_score", "f_score"]).to_frame(
        index=False
    )
    named = name_segments(cells.assign(customer_id=[str(n) for n in range(25)]))
    assert named["segment"].notna().all()
    assert set(named["segment"]) == {segment.name for segment in RFM_SEGMENTS}
    best = named[(named["r_score"] == 5) & (named["f_score"] == 5)]["segment"].item()
    worst = named[(named["r_score"] == 1) & (named["f_score"] == 1)]["segment"].item()
    assert (best, worst) == ("Champions", "Hibernating")


def test_segments_that_overlap_or_leave_a_gap_are_refused():
    scored = rfm(ORDERS)
    with pytest.raises(ParameterError, match="has no segment"):
        name_segments(scored, RFM_SEGMENTS[:-1])
    with pytest.raises(ParameterError, match="lies in Champions and Twice"):
        name_segments(scored, (*RFM_SEGMENTS, Segment("Twice", (5, 5), (5, 5), "", "")))


def test_segments_need_scores():
    with pytest.raises(TableError, match="need a column r_score"):
        name_segments(rfm(ORDERS).drop(columns="r_score"))


@pytest.fixture(scope="module")
def scored() -> pd.DataFrame:
    orders = crm.sample(customers=400, seed=5, language="en")["orders"]
    return name_segments(rfm(orders))


def test_the_summary_adds_up(scored):
    summary = segment_summary(scored)
    assert summary["customers"].sum() == len(scored)
    assert summary["value"].sum() == scored["monetary_value"].sum()
    assert summary["share"].sum() == pytest.approx(1)
    assert summary["value_share"].sum() == pytest.approx(1)
    one = scored[scored["segment"] == summary["segment"][0]]
    assert summary["recency"][0] == pytest.approx(one["recency"].mean())
    order = [segment.name for segment in RFM_SEGMENTS]
    assert summary["segment"].tolist() == sorted(summary["segment"], key=order.index)


def test_the_grid_counts_every_customer(scored):
    grid = segment_grid(scored)
    assert grid.shape == (5, 5)
    assert grid.to_numpy().sum() == len(scored)
    assert grid.loc[5, 5] == ((scored["f_score"] == 5) & (scored["r_score"] == 5)).sum()
    assert segment_grid(scored, "monetary_value").to_numpy().sum() == scored["monetary_value"].sum()


def test_the_grid_of_something_else_is_refused(scored):
    with pytest.raises(ParameterError, match="'customers' or 'monetary_value'"):
        segment_grid(scored, "recency")


def test_purchases_are_orders():
    found = purchases(ORDERS)
    assert found[["customer_id", "order_id", "amount", "is_return"]].values.tolist() == [
        ["a", "1", 1200, False], ["a", "2", 700, False], ["a", "3", -300, True],
        ["b", "4", 300, False], ["c", "5", -600, True],
    ]  # fmt: skip


def test_totals_of_a_table_computed_by_hand():
    found = totals(ORDERS)
    assert found[["customers", "orders", "lines", "returns", "amount"]].tolist() == [2, 3, 6, 2, 1300]
    assert found["first_day"] == datetime.date(2024, 1, 5)
    assert found["last_day"] == datetime.date(2024, 3, 5)
    assert totals(ORDERS, until="2024-02-01")["orders"] == 1


def test_activity_by_month():
    found = activity(ORDERS)
    assert found["month"].dt.strftime("%Y-%m-%d").tolist() == ["2024-01-01", "2024-02-01", "2024-03-01"]
    assert found["customers"].tolist() == [1, 1, 1]
    assert found["new"].tolist() == [1, 1, 0]
    assert found["amount"].tolist() == [1200, -300, 400]
    assert found["amount"].sum() == totals(ORDERS)["amount"]


def test_activity_by_jalali_month():
    found = activity(ORDERS, calendar="jalali", until="2024-02-02")
    # 5 January 2024 is 15 Dey 1402, 1 February is 12 Bahman.
    assert found["month"].dt.strftime("%Y-%m-%d").tolist() == ["2023-12-22", "2024-01-21"]
    assert found["orders"].tolist() == [1, 1]


def test_months_without_orders_are_rows_of_zeros():
    gaps = orders_of([("a", "1", "2023-11-30", 1, 500, 0), ("a", "2", "2024-02-01", 1, 700, 0)])
    found = activity(gaps)
    assert found["month"].dt.strftime("%Y-%m").tolist() == ["2023-11", "2023-12", "2024-01", "2024-02"]
    assert found.drop(columns=["month", "complete"]).T.values.tolist() == [
        [1, 0, 0, 1], [1, 0, 0, 0], [1, 0, 0, 1], [500, 0, 0, 700],
    ]  # fmt: skip
    assert found.dtypes.astype("str").tolist() == ["datetime64[us]", *["int64"] * 4, "bool"]


@pytest.mark.parametrize(
    ("days", "until", "complete"),
    [
        (["2024-01-01", "2024-02-09", "2024-03-31"], None, [True, True, True]),
        (["2024-01-02", "2024-02-09", "2024-03-30"], None, [False, True, False]),
        # Until a day on which nothing more is known to have been bought, all is known.
        (["2024-01-02", "2024-02-09", "2024-03-30"], "2024-04-01", [False, True, True]),
        (["2024-01-01", "2024-02-09", "2024-03-31"], "2024-03-31", [True, True]),
        (["2024-01-01", "2024-02-09", "2024-03-31"], "2024-02-29", [True, False]),
        (["2024-01-01", "2024-01-31"], None, [True]),
        (["2024-01-02", "2024-01-31"], None, [False]),
        (["2024-01-01", "2024-01-30"], None, [False]),
    ],
)
def test_a_month_is_complete_if_the_log_holds_all_its_days(days, until, complete):
    lines = orders_of([("a", str(place), day, 1, 500, 0) for place, day in enumerate(days)])
    assert activity(lines, until=until)["complete"].tolist() == complete


def test_a_jalali_month_is_complete_on_its_own_last_day():
    # 1 Farvardin to 31 Farvardin 1403 is 20 March to 19 April 2024.
    for last, complete in (("2024-04-19", True), ("2024-04-18", False)):
        lines = orders_of([("a", "1", "2024-03-20", 1, 500, 0), ("a", "2", last, 1, 700, 0)])
        assert activity(lines, calendar="jalali")["complete"].tolist() == [complete]


def test_jalali_months_without_orders_are_rows_of_zeros_over_the_new_year():
    # 30 Bahman 1402 and 1 Ordibehesht 1403: Esfand and Farvardin lie between.
    gaps = orders_of([("a", "1", "2024-02-19", 1, 500, 0), ("a", "2", "2024-04-20", 1, 700, 0)])
    found = activity(gaps, calendar="jalali")
    assert found["month"].dt.strftime("%Y-%m-%d").tolist() == [
        "2024-01-21", "2024-02-20", "2024-03-20", "2024-04-20",
    ]  # fmt: skip
    assert found["orders"].tolist() == [1, 0, 0, 1]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60).filter(lambda values: sum(values) > 0))
def test_concentration_runs_from_nothing_to_all(values):
    curve = concentration(pd.Series(values))
    assert curve["value"].iloc[0] == 0
    assert curve["value"].iloc[-1] == pytest.approx(1)
    assert (np.diff(curve["value"]) >= -1e-12).all()
    # The best customers never bring less than their share.
    assert (curve["value"] >= curve["customers"] - 1e-9).all()


def test_concentration_of_nothing_is_empty():
    assert concentration(pd.Series([0, 0])).empty
