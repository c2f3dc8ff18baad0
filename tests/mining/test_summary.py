"""Purchase summaries against the published CDNOW tables, a plain pandas reference and hand-made cases."""

import datetime
import warnings

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers import purchase_summary, rfm

HOLDOUT = ["frequency_holdout", "monetary_value_holdout", "duration_holdout"]


@pytest.fixture(scope="module")
def calibrated(cdnow_lines) -> pd.DataFrame:
    return purchase_summary(cdnow_lines, end="1998-06-30", calibration_end="1997-09-30").set_index(
        "customer_id"
    )


def test_cdnow_is_the_summary_that_btyd_ships(calibrated, public_data):
    # To twelve digits: weeks are days / 7 and not rounded.
    exact = pd.read_csv(public_data / "cdnow" / "btyd_cbs_exact.csv").set_index("id")
    assert calibrated.index.tolist() == exact.index.tolist()
    assert calibrated["frequency"].tolist() == exact["x"].tolist()
    assert calibrated["frequency_holdout"].tolist() == exact["x_star"].tolist()
    np.testing.assert_allclose(calibrated["recency"], exact["t_x"], rtol=1e-11, atol=0)
    np.testing.assert_allclose(calibrated["T"], exact["T_cal"], rtol=1e-11, atol=0)
    again = calibrated["frequency"] > 0
    np.testing.assert_allclose(calibrated["monetary_value"][again] / 100, exact["m_x"][again], rtol=1e-11)
    assert calibrated["monetary_value"].isna().eq(~again).all()
    assert again.sum() == 946
    assert (calibrated["duration_holdout"] == 39).all()


def test_cdnow_has_the_published_totals(calibrated):
    # Fader, Hardie and Lee (2005): repeat transactions of 39 weeks, and of 78.
    assert calibrated["frequency"].sum() == 2457
    assert calibrated[["frequency", "frequency_holdout"]].to_numpy().sum() == 4339
    assert calibrated.loc[1516, ["frequency", "recency", "T"]].tolist() == [26, 216 / 7, 31]


def test_cdnow_has_the_published_holdout_by_calibration_count(calibrated):
    count = calibrated["frequency"].clip(upper=7)
    assert count.value_counts().sort_index().tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    means = calibrated["frequency_holdout"].groupby(count).mean().round(4)
    assert means.tolist() == [0.2367, 0.6970, 1.3925, 1.56, 2.5323, 2.9474, 3.8621, 6.3594]


def test_cdnow_has_the_published_weekly_tracking(cdnow_lines, public_data):
    weekly = pd.read_csv(public_data / "cdnow" / "btyd_cum_tracking_weekly.csv").set_index("week")[
        "cum_repeat"
    ]
    for week in (20, 25, 39, 78):
        end = datetime.date(1996, 12, 31) + datetime.timedelta(weeks=week)
        assert purchase_summary(cdnow_lines, end=end)["frequency"].sum() == weekly[week]


def orders_of(rows: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["customer_id", "time", "amount"])
    return frame.assign(time=pd.to_datetime(frame["time"]).astype("datetime64[us]"))


ORDERS = orders_of([
    ("a", "2024-01-01 09:00", 500), ("a", "2024-01-01 21:00", 100), ("a", "2024-01-08 23:59", 700),
    ("a", "2024-01-22 00:00", 900), ("a", "2024-01-24 12:00", -200), ("a", "2024-02-05 12:00", 400),
    ("b", "2024-01-15 12:00", 300), ("b", "2024-01-16 12:00", -300),
    ("c", "2024-02-05 12:00", 800), ("d", "2024-01-05 12:00", -100),
])  # fmt: skip


def test_a_table_computed_by_hand():
    found = purchase_summary(ORDERS, end="2024-01-29").set_index("customer_id")
    # Two lines of one day are one purchase; the return of the 24th is none, but taken off.
    assert found.loc["a"].tolist() == [2, 3, 4, 700]
    assert found.loc["b"].tolist()[:3] == [0, 0, 2]
    assert np.isnan(found.loc["b", "monetary_value"])
    assert list(found.index) == ["a", "b"]
    assert found.attrs["left_out"] == 0
    assert found.dtypes.astype("str").tolist() == ["int64", "float64", "float64", "float64"]


def test_no_time_is_a_plain_zero():
    found = purchase_summary(ORDERS)
    assert found["T"].min() == 0
    assert not np.signbit(found[["recency", "T"]].to_numpy()).any()


def test_returns_are_left_aside_if_one_asks():
    found = purchase_summary(ORDERS, end="2024-01-29", net=False).set_index("customer_id")
    assert found.loc["a"].tolist() == [2, 3, 4, 800]


def test_the_end_is_the_last_day_of_the_log():
    pd.testing.assert_frame_equal(purchase_summary(ORDERS), purchase_summary(ORDERS, end="2024-02-05"))
    pd.testing.assert_frame_equal(purchase_summary(ORDERS), purchase_summary(ORDERS, end="1402/11/16"))


@pytest.mark.parametrize(("period", "days"), [("D", 1), ("W", 7), ("M", 30.436875), ("Y", 365.2425)])
def test_periods_are_units_of_time(period, days):
    found = purchase_summary(ORDERS, period, end="2024-01-29").set_index("customer_id")
    assert found.loc["a", ["recency", "T"]].tolist() == pytest.approx([21 / days, 28 / days], rel=1e-15)


def test_a_holdout_computed_by_hand():
    with pytest.warns(
        UserWarning, match=r"^Left out: 1 customer who first bought after 2024-01-22, the end of"
    ):
        found = purchase_summary(ORDERS, calibration_end="2024-01-22").set_index("customer_id")
    assert found.loc["a"].tolist() == [2, 3, 3, 800, 1, 200, 2]
    assert found.loc["b", ["frequency_holdout", "duration_holdout"]].tolist() == [0, 2]
    assert np.isnan(found.loc["b", "monetary_value_holdout"])
    # c first bought in the holdout: told, and in none of the sums.
    assert list(found.index) == ["a", "b"]
    assert found.attrs["left_out"] == 1


def test_the_calibration_is_the_summary_until_its_end():
    with pytest.warns(UserWarning, match="first bought"):
        found = purchase_summary(ORDERS, calibration_end="2024-01-22")
    alone = purchase_summary(ORDERS, end="2024-01-22")
    pd.testing.assert_frame_equal(found.drop(columns=HOLDOUT), alone)


def test_what_is_bought_adds_up_to_the_value_of_rfm():
    orders = crm.sample(customers=300, seed=3, language="en")["orders"]
    found = purchase_summary(orders).set_index("customer_id")
    found = found[found["frequency"] > 0]
    value = rfm(orders).set_index("customer_id")["monetary_value"].loc[found.index]
    lines = orders.assign(day=orders["time"].dt.normalize(), gross=orders["quantity"] * orders["unit_price"])
    net = lines["gross"] - lines["discount"].fillna(0)
    first = lines["day"].where((lines["quantity"] >= 0) & (net >= 0)).groupby(lines["customer_id"]).min()
    spent = net[lines["day"] == lines["customer_id"].map(first)].groupby(lines["customer_id"]).sum()
    again = found["frequency"] * found["monetary_value"]
    np.testing.assert_allclose(spent.loc[found.index] + again, value, rtol=1e-12)


def reference(orders: pd.DataFrame, end: datetime.date, cut: datetime.date, net: bool) -> pd.DataFrame:
    """The summary customer by customer, from sets of days."""
    rows = []
    for customer, lines in orders.assign(day=orders["time"].dt.date).groupby("customer_id"):
        lines = lines[lines["day"] <= end]
        days = sorted(set(lines["day"][lines["amount"] >= 0]))
        before, after = [day for day in days if day <= cut], [day for day in days if day > cut]
        if not before:
            continue
        counted = lines if net else lines[lines["amount"] >= 0]
        early = counted["amount"][(counted["day"] <= cut) & (counted["day"] != before[0])].sum()
        late = counted["amount"][counted["day"] > cut].sum()
        rows.append((
            customer, len(before) - 1, (before[-1] - before[0]).days / 7, (cut - before[0]).days / 7,
            early / (len(before) - 1) if len(before) > 1 else np.nan,
            len(after), late / len(after) if after else np.nan, (end - cut).days / 7,
        ))  # fmt: skip
    return pd.DataFrame(
        rows, columns=["customer_id", "frequency", "recency", "T", "monetary_value", *HOLDOUT]
    )


days_of_2024 = st.datetimes(datetime.datetime(2024, 1, 1), datetime.datetime(2024, 2, 10))
lines = st.lists(
    st.tuples(st.sampled_from("abcde"), days_of_2024, st.integers(-300, 1000)), min_size=1, max_size=40
)


@settings(max_examples=40, deadline=None)
@given(rows=lines, cut=st.dates(datetime.date(2024, 1, 1), datetime.date(2024, 2, 8)), net=st.booleans())
def test_the_summary_equals_the_reference(rows, cut, net):
    orders, end = orders_of(rows), datetime.date(2024, 2, 9)
    expected = reference(orders, end, cut, net)
    assume(len(expected))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = purchase_summary(orders, end=end, calibration_end=cut, net=net)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_exact=True)
    bought = orders["customer_id"][(orders["amount"] >= 0) & (orders["time"].dt.date <= end)]
    assert found.attrs["left_out"] == bought.nunique() - len(found)
    whole = purchase_summary(orders, end=end, net=net)
    pd.testing.assert_frame_equal(
        whole, reference(orders, end, end, net).drop(columns=HOLDOUT), check_dtype=False, check_exact=True
    )


def test_a_table_gives_an_unevaluated_table():
    with pytest.warns(UserWarning, match="1 customer who first bought"):
        table = purchase_summary(crm.as_table(ORDERS), calibration_end="2024-01-22")
    assert isinstance(table, ibis.Table)
    with pytest.warns(UserWarning, match="1 customer who first bought"):
        frame = purchase_summary(ORDERS, calibration_end="2024-01-22")
    pd.testing.assert_frame_equal(crm.collect(table, key="customer_id"), frame)


def test_lines_without_an_amount_add_nothing():
    gap = ORDERS.assign(amount=ORDERS["amount"].astype("Int64"))
    gap.loc[[2, 6], "amount"] = pd.NA
    found = purchase_summary(gap, end="2024-01-23").set_index("customer_id")
    assert found.loc["a", ["frequency", "monetary_value"]].tolist() == [2, 450]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"period": "weeks"}, "period is 'D', 'W', 'M' or 'Y', not 'weeks'"),
        ({"end": "soon"}, "end is a day such as 2024-08-02"),
        ({"calibration_end": "soon"}, "calibration_end is a day such as 2024-08-02"),
        ({"calibration_end": "2024-02-05"}, "ends on 2024-02-05, which leaves no holdout before the end"),
        ({"calibration_end": "2023-12-31"}, "No customer had bought by 2023-12-31"),
    ],
)
def test_impossible_calls_are_refused(call, words):
    with pytest.raises(ParameterError, match=words):
        purchase_summary(ORDERS, **call)


def test_no_orders_are_refused_and_none_before_the_end_are_no_customers():
    with pytest.raises(TableError, match="There are no order lines"):
        purchase_summary(ORDERS.head(0))
    assert purchase_summary(ORDERS, end="2023-01-01").empty


def test_a_summary_with_holdout_sees_orders_that_came_since():
    engine = crm.connect()
    orders = pd.DataFrame({
        "customer_id": ["a", "a", "b"], "amount": 1,
        "time": pd.to_datetime(["2024-01-01", "2024-03-01", "2024-01-05"]),
    })  # fmt: skip
    table = engine.create_table("orders", orders.iloc[:2])
    days = {"end": "2024-04-01", "calibration_end": "2024-02-01"}
    before = purchase_summary(table, **days)
    engine.insert("orders", orders.iloc[2:])
    assert len(crm.collect(purchase_summary(table, **days))) == 2
    assert len(crm.collect(before)) == 1
