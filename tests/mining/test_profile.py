"""The customer profile: by hand, against rfm, against the future, and from a workspace."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers import PROFILE_COLUMNS, profile, profile_columns, rfm
from crmlab.tables import IDENTIFIERS

DAY = "2024-06-01"


def at(*times: str) -> pd.Series:
    return pd.to_datetime(pd.Series(times), format="ISO8601").astype("datetime64[us]")


ORDERS = pd.DataFrame({
    "customer_id": ["a", "a", "a", "b", "c"], "order_id": ["1", "1", "2", "3", "4"],
    "time": at("2024-01-01", "2024-01-01", "2024-01-31", "2024-02-01", "2024-03-01"),
    "quantity": [1, 1, 1, 1, -1], "amount": [900, 500, 600, 300, -200],
    "discount": [100, None, 400, None, None],
    "promotion": [None, None, "sale", None, None],
})  # fmt: skip


@pytest.fixture(scope="module")
def sample() -> dict[str, pd.DataFrame]:
    tables = crm.sample(customers=200, seed=5)
    tables.pop("truth")
    return tables


def before(tables: dict[str, pd.DataFrame], day: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """The tables as they were on the morning of a day."""
    kept = {name: table[table["time"] < day] if "time" in table else table for name, table in tables.items()}
    return kept | {"customers": tables["customers"][~(tables["customers"]["registered_at"] >= day)]}


def test_history_by_hand():
    found = profile({"orders": ORDERS}, DAY)
    assert found.index.tolist() == ["a", "b", "c"]
    a = found.loc["a"]
    assert a[["recency", "frequency", "monetary_value", "mean_order_value"]].tolist() == [122, 2, 2000, 1000]
    assert a[["purchase_interval", "discount_share", "promotion_share"]].tolist() == [30, 500 / 2500, 0.5]
    assert a["years_as_customer"] == pytest.approx(152 / 365.2425)
    assert np.isnan(found.loc["b", "purchase_interval"])
    # c has only given something back, and is a customer all the same.
    assert found.loc["c", ["frequency", "returns", "monetary_value"]].tolist() == [0, 1, -200]
    assert found.loc["c", ["first_purchase", "recency", "discount_share"]].isna().all()


def test_what_one_calls_recency_frequency_and_value_is_what_rfm_calls_so(sample):
    found, scored = profile(sample), rfm(sample["orders"]).set_index("customer_id")
    for name in ("recency", "frequency", "monetary_value"):
        assert found.loc[scored.index, name].tolist() == scored[name].tolist()
    assert found["frequency"].sum() == scored["frequency"].sum()


def test_there_is_a_row_for_each_customer_of_either_table(sample):
    found = profile(sample)
    known = set(sample["customers"]["customer_id"]) | set(sample["orders"]["customer_id"])
    assert set(found.index) == known
    assert found.index.is_monotonic_increasing
    stranger = sample["orders"].head(1).assign(customer_id="zz")
    more = profile(sample | {"orders": pd.concat([sample["orders"], stranger])})
    assert more.loc["zz", "frequency"] == 1
    assert pd.isna(more.loc["zz", "age"])


def test_demographics_by_hand():
    customers = pd.DataFrame({
        "customer_id": ["a", "b", "c", "d"], "first_name": "Eva", "email": "eva@example.com",
        "birth_date": at("2000-06-01", "2000-06-02", "1850-01-01", None),
        "gender": ["female", None, None, None],
        "registered_at": at("2023-06-02", None, None, DAY), "language": ["fa", "en", None, None],
        "recency": "soon", "club": [True, False, True, True],
    })  # fmt: skip
    found = profile({"customers": customers, "orders": ORDERS.head(0)}, DAY)
    assert found.index.tolist() == ["a", "b", "c"]  # d registered too late
    assert found["age"].tolist()[:2] == [24, 23]
    assert found["age_band"].tolist()[:2] == ["18-24", "18-24"]
    assert np.isnan(found.loc["c", "age"])
    assert found.loc["a", "years_as_customer"] == pytest.approx(365 / 365.2425)
    assert found[["language", "club"]].loc["a"].tolist() == ["fa", True]
    assert found["stated_recency"].tolist() == ["soon"] * 3
    assert not IDENTIFIERS & set(found)


def test_contacts_by_hand():
    interactions = pd.DataFrame({
        "customer_id": ["a", "a", "a", None, "b"], "channel": ["web", "phone", "phone", "web", None],
        "time": at("2024-05-01", "2024-05-02", "2024-05-31 23:59", "2024-05-01", "2024-04-01"),
        "direction": ["inbound", "outbound", "inbound", "inbound", None],
    })  # fmt: skip
    found = profile({"orders": ORDERS, "interactions": interactions}, DAY)
    assert found["contacts"].tolist() == [3, 1, 0]
    assert found["contacts_phone"].tolist() == [2, 0, 0]
    assert found.loc["a", "contact_share_web"] == pytest.approx(1 / 3)
    assert found.loc["b", ["contact_share_web", "contact_share_phone"]].isna().all()
    assert found.loc["a", ["contacts_inbound", "days_since_contact"]].tolist() == [2, 1]


def test_service_by_hand():
    tickets = pd.DataFrame(
        [("1", "a", "2024-05-01", "opened", "complaint"), ("1", "a", "2024-05-02", "resolved", "complaint"),
         ("1", "a", "2024-05-03", "reopened", "complaint"), ("1", "a", "2024-05-05", "resolved", "complaint"),
         ("1", "a", "2024-05-09", "closed", "complaint"), ("2", "a", "2024-05-01", "opened", "request"),
         ("2", "a", "2024-06-02", "closed", "request"), ("3", "b", "2024-05-01", "opened", "complaint"),
         ("3", "b", "2024-05-01", "closed", "complaint")],
        columns=["ticket_id", "customer_id", "time", "status", "kind"],
    ).assign(time=lambda t: at(*t["time"]))  # fmt: skip
    found = profile({"orders": ORDERS, "tickets": tickets}, DAY)
    assert found[["tickets", "complaints", "open_tickets"]].values.tolist() == [
        [2, 1, 1],
        [1, 1, 0],
        [0, 0, 0],
    ]
    # Resolved for good on the 5th, not on the 2nd; the closing of ticket 2 lies in the future.
    assert found["resolution_days"].tolist()[:2] == [4, 0]


def test_satisfaction_by_hand():
    surveys = pd.DataFrame({
        "customer_id": ["a", "a", "a", "a", "b"], "metric": ["nps", "csat", "nps", "csat", "csat"],
        "time": at("2024-01-01", "2024-02-01", "2024-03-01", None, "2024-02-01"),
        "score": [10, 3, 5, 1, 4], "scale_low": [0, 1, 0, 1, 1], "scale_high": [10, 5, 10, 5, 5],
        "respondent": [None, "external", "external", "external", "internal"],
    })  # fmt: skip
    found = profile({"orders": ORDERS, "surveys": surveys}, DAY)
    assert found["answers"].tolist() == [3, 0, 0]
    assert found.loc["a", ["satisfaction_mean", "satisfaction_last"]].tolist() == [2 / 3, 0.5]
    assert found.loc["a", ["last_nps", "last_csat"]].tolist() == [5, 3]
    assert found.loc["b", ["satisfaction_mean", "last_csat"]].isna().all()
    assert "last_ces" not in found


def test_campaigns_by_hand():
    events = pd.DataFrame(
        [("m1", "a", "assigned", None), ("m1", "a", "sent", None), ("m1", "a", "opened", None),
         ("m1", "a", "opened", None), ("m1", "a", "visited", None), ("m2", "a", "sent", "sms"),
         ("m2", "a", "converted", None), ("m3", "a", "sent", "email"), ("m3", "b", "assigned", None),
         ("m3", "b", "unsubscribed", None)],
        columns=["campaign_id", "customer_id", "event", "channel"],
    ).assign(time=pd.Timestamp("2024-05-01"), arm="a")  # fmt: skip
    campaigns = pd.DataFrame({"campaign_id": ["m1", "m2", "m3"], "channel": ["email", "email", "email"]})
    found = profile({"orders": ORDERS, "campaign_events": events, "campaigns": campaigns}, DAY)
    a, b = found.loc["a"], found.loc["b"]
    assert a[["campaigns", "campaign_contacts", "campaign_responses", "emails_sent"]].tolist() == [3, 3, 1, 2]
    assert a[["response_rate", "email_open_rate", "email_click_rate", "web_visits"]].tolist() == [
        1 / 3,
        0.5,
        0,
        1,
    ]
    assert b[["campaigns", "campaign_contacts", "unsubscriptions"]].tolist() == [1, 0, 1]
    assert b[["response_rate", "email_open_rate"]].isna().all()


def test_consents_by_hand():
    consents = pd.DataFrame({
        "customer_id": ["a", "a", "a", "b", "b", None],
        "channel": ["email", "sms", None, "email", "email", "sms"],
        "given": [True, True, False, True, False, True],
        "time": at("2024-05-01", "2024-05-03", "2024-05-02", "2024-05-01", "2024-05-01", "2024-05-01"),
    })  # fmt: skip
    found = profile({"orders": ORDERS, "consents": consents}, DAY)
    assert found["consent_email"].tolist()[:2] == [False, False]
    assert found.loc["a", "consent_sms"]
    assert found["consent_sms"].isna().tolist() == [False, True, True]
    assert found["opt_outs"].tolist() == [1, 1, 0]


@given(st.dates(datetime.date(2023, 6, 1), datetime.date(2025, 6, 1)))
@settings(max_examples=8)
def test_the_future_does_not_leak_in(sample, day):
    whole = profile(sample, day)
    pd.testing.assert_frame_equal(whole, profile(before(sample, pd.Timestamp(day)), day))
    assert whole.attrs["as_of"] == day.isoformat()


def test_a_table_that_is_not_there_gives_no_columns(sample):
    whole = profile(sample)
    sources = profile_columns(whole)["table"].str.split(", ")
    for name in ("interactions", "tickets", "surveys", "campaign_events", "consents"):
        part = profile({other: table for other, table in sample.items() if other != name})
        assert set(part) == {column for column, of in sources.items() if name not in of}
        pd.testing.assert_frame_equal(part, whole[list(part)])


def test_a_table_that_is_there_but_empty_gives_zeros_and_gaps(sample):
    found = profile(sample | {"tickets": sample["tickets"].head(0), "surveys": sample["surveys"].head(0)})
    assert (found[["tickets", "open_tickets", "answers"]] == 0).all(axis=None)
    assert found[["resolution_days", "satisfaction_mean"]].isna().all(axis=None)


def test_counts_are_whole_and_their_gaps_are_zero(sample):
    found = profile(sample)
    described = profile_columns(found)
    never = described.index[described["missing"] == ""]
    assert found[never].notna().all(axis=None)
    assert (found[never].dtypes == "int64").all()
    assert (described["meaning"] != "").all()


def test_a_workspace_gives_what_its_tables_give(sample_folder):
    ws = crm.open_workspace(sample_folder)
    tables = {name: getattr(ws, name) for name in ws.tables}
    pd.testing.assert_frame_equal(profile(ws), profile(tables))
    assert len(profile(ws)) >= len(ws.customers)


def test_the_order_of_rows_does_not_matter(sample):
    mixed = {name: table.sample(frac=1, random_state=3) for name, table in sample.items()}
    pd.testing.assert_frame_equal(profile(sample), profile(mixed))


def test_columns_are_named_once_and_described():
    assert len({column.name for column in PROFILE_COLUMNS}) == len(PROFILE_COLUMNS)
    assert profile_columns(pd.DataFrame(columns=["contacts_web", "club"]))["meaning"].tolist() == [
        "number of contacts through this channel", "as the table of customers has it",
    ]  # fmt: skip


def test_wrong_calls_are_told_in_words(sample):
    with pytest.raises(ParameterError, match="needs the table customers or orders; there are: tickets"):
        profile({"tickets": sample["tickets"]}, DAY)
    with pytest.raises(ParameterError, match="give as_of"):
        profile({"customers": sample["customers"]})
    with pytest.raises(ParameterError, match="not of a DataFrame"):
        profile(sample["orders"])
    twice = pd.concat([sample["customers"].head(1)] * 2, ignore_index=True)
    with pytest.raises(TableError, match="2 rows share their customer_id"):
        profile({"customers": twice}, DAY)
    with pytest.raises(TableError, match="need a column status"):
        profile(sample | {"tickets": sample["tickets"].drop(columns="status")})
