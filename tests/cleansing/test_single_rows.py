"""Rules on one record: the same verdict as of rules on tables, whatever the row."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing import Rule, check_rules
from crmlab.cleansing.single_rows import broken_rules
from crmlab.errors import ParameterError
from crmlab.tables import table

CHECKS = [
    ("time < 2024-06-01", ""), ("quantity > 0 and amount >= 10", ""), ("amount = quantity * unit_price", ""),
    ("discount is missing or discount <= 2.5", ""), ("channel in ['web', 'app']", "quantity != 0"),
    ("product_id matches 'p[0-9]+'", ""), ("amount / quantity < 3", "not (channel = 'web')"),
    ("length(order_id) <= 2", "amount > 1"), ("time + 30 > 2024-06-01", "channel is not missing"),
    ("quantity in [" + ", ".join(map(str, range(80))) + "]", ""),
]  # fmt: skip
RULES = [Rule("orders", check=check, when=when) for check, when in CHECKS]
TIMES = [pd.Timestamp(text) for text in ("2024-05-31 23:59", "2024-06-01", "2024-01-02 03:04")]
ROWS = st.fixed_dictionaries(
    {
        "order_id": st.sampled_from(["1", "22", "333"]),
        "customer_id": st.just("c"),
        "time": st.sampled_from(TIMES),
        "product_id": st.none() | st.sampled_from(["p1", "x", "p12x", "کد"]),
        "quantity": st.integers(-2, 90),
        "unit_price": st.none() | st.sampled_from([0, 250, 100]),
        "discount": st.none() | st.sampled_from([0, 250, 251]),
        "amount": st.sampled_from([0, 100, 250, 1000, -250]),
        "channel": st.none() | st.sampled_from(["web", "app", "post"]),
    }
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(ROWS)
def test_a_record_breaks_the_rules_that_its_row_breaks(row):
    frame = pd.DataFrame(
        {c.name: pd.Series([row.get(c.name)], dtype=c.dtype) for c in table("orders").columns}
    )
    of_table = set(check_rules({"orders": frame}, RULES).rows["rule"])
    assert {broken.rule for broken in broken_rules("orders", row, RULES)} == of_table


def test_rules_that_one_record_cannot_break_are_left_out():
    others = [
        Rule("customers", check="email is missing"),
        Rule("orders", unique=["order_id"]),
        Rule("orders", check="customer_id in customers.customer_id"),
        Rule("orders", check="time > customers.registered_at"),
        Rule("orders", check="beyond = 1"),
    ]
    assert list(broken_rules("orders", {"order_id": "1"}, others)) == []


def test_a_broken_rule_tells_its_level_and_its_columns():
    rule = Rule("orders", "dear", "stop", check="unit_price < 5 or quantity = 1")
    (broken,) = broken_rules("orders", {"unit_price": 500, "quantity": 2}, [rule])
    assert broken == ("dear", "stop", ("unit_price", "quantity"))
    assert list(broken_rules("orders", {"unit_price": 499, "quantity": 2}, [rule])) == []


def test_a_rule_that_cannot_be_held_to_is_refused_without_values():
    with pytest.raises(ParameterError, match="^A rule of orders: 'time > 5'"):
        list(broken_rules("orders", {}, [Rule("orders", check="time > 5")]))
    with pytest.raises(ParameterError, match="cannot be worked out for this record") as error:
        list(
            broken_rules(
                "orders", {"product_id": "secret"}, [Rule("orders", check="product_id matches '(?=s)'")]
            )
        )
    assert "secret" not in str(error.value)
