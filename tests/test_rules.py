"""What rules mean: kinds of values, columns, tables; one sentence for each mistake."""

import pytest

from crmlab.conditions import Node
from crmlab.errors import ParameterError
from crmlab.kinds import Field
from crmlab.rules import Rule, as_rule, field_of, key_rules, meaning


def known(table: str, name: str) -> Field:
    return field_of(table, name, ["loyalty", "weight"])


def kinds(node: Node | str) -> str:
    """A condition as it was understood: operators with their kinds, conversions included."""
    if isinstance(node, str):
        return node
    if node.op == "column":
        return ".".join(part for part in node.args if part)
    if node.op == "literal":
        return str(node.args[0])
    parts = " ".join(kinds(arg) for arg in node.args)
    return f"{node.op}({parts}){'' if node.kind == 'boolean' else ':' + node.kind}"


def check(text: str, table: str = "orders") -> Node:
    return meaning(Rule(table=table, check=text), known).check


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("quantity > 5", ">(quantity 5)"),
        ("amount > 5", ">(amount money(5):money)"),
        ("5 < amount < 7", "and(<(money(5):money amount) <(amount money(7):money))"),
        ("amount = quantity * unit_price - discount",
         "=(amount -(*(quantity unit_price):money discount):money)"),
        ("amount + 1 > 0", ">(+(amount money(1):money):money money(0):money)"),
        ("amount / quantity > 2", ">(/(amount quantity):money money(2):money)"),
        ("discount / amount <= 0.5", "<=(/(discount amount):number 0.5)"),
        ("amount in [1, 2.5]", "in(amount money(1):money money(2.5):money)"),
        ("-amount < 0", "<(-(money(0):money amount):money money(0):money)"),
        ("abs(amount) = abs(quantity)", "=(abs(amount):money money(abs(quantity):number):money)"),
        ("time >= 2024-08-02", ">=(day(time):date 2024-08-02)"),
        ("time >= customers.registered_at", ">=(day(time):date customers.registered_at)"),
        ("time - customers.registered_at < 30",
         "<(days(day(time):date customers.registered_at):number 30)"),
        ("time - time < 30", "<(days(time time):number 30)"),
        ("time + 3 < 2024-08-02", "<(day(shift(time 3):time):date 2024-08-02)"),
        ("customers.registered_at - 3 < time",
         "<(shift(customers.registered_at -(0 3):number):date day(time):date)"),
        ("years(customers.birth_date, time) >= 18", ">=(years(customers.birth_date time):number 18)"),
        ("channel in ['web', 'app']", "in(channel web app)"),
        ("orders.channel = 'web'", "=(channel web)"),
        ("customer_id in customers.customer_id", "found(customer_id customers.customer_id)"),
        ("loyalty > 5 or weight = 'x'", "or(>(loyalty 5) =(weight x))"),
        ("loyalty", "loyalty"),
        ("length(promotion) = 3 and promotion matches 'a.*'", "and(=(length(promotion):number 3) "
                                                              "matches(promotion a.*))"),
        ("not (promotion is missing)", "not(missing(promotion))"),
    ],
)  # fmt: skip
def test_what_is_understood(text, understood):
    assert kinds(check(text)) == understood


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("amout > 5", "orders has no column 'amout'; did you mean 'amount'? Known: amount, channel, "),
        ("custmers.city = 'Rom'", "there is no table called 'custmers'; did you mean 'customers'? Known: "),
        ("customers.town = 'Rom'", "customers has no column 'town'"),
        ("amount > '5'", "amount (money) and '5' (text) cannot be compared by '>'. Texts stand in quotes; "
                         "numbers, days (2024-08-02), true and false without."),
        ("time > '2024-08-02'", "time (time) and '2024-08-02' (text) cannot be compared by '>'. Texts stand"),
        ("promotion = 5", "promotion (text) and 5 (number) cannot be compared by '='."),
        ("quantity = true", "quantity (number) and true (boolean) cannot be compared by '='."),
        ("time < quantity", "time (time) and quantity (number) cannot be compared by '<'."),
        ("amount in ['a']", "amount (money) and 'a' (text) cannot be compared by 'in'."),
        ("quantity in customers.customer_id", "quantity (number) and customers.customer_id (text) cannot be"),
        ("promotion > 'a'", "'>' takes number or money or date or time, not promotion (text)."),
        ("channel = 'webb'", "channel is never 'webb'; did you mean 'web'? Known: app, "),
        ("channel in ['web', 'shop']", "channel is never 'shop'. Known: app, "),
        ("'webb' != channel", "channel is never 'webb'; did you mean 'web'? Known: app, "),
        ("channel = 1", "channel is never 1. Known: app, "),
        ("customers.gender = 'f'", "gender is never 'f'. Known: female, male, other."),
        ("amount * amount > 5", "'*' cannot be worked out for amount (money) and amount (money)."),
        ("5 / amount > 5", "'/' cannot be worked out for 5 (number) and amount (money)."),
        ("time + time > time", "'+' cannot be worked out for time (time) and time (time)."),
        ("promotion + 'a' = 'ba'", "'+' cannot be worked out for promotion (text) and 'a' (text)."),
        ("3 - time > 5", "'-' cannot be worked out for 3 (number) and time (time)."),
        ("abs(time) > 5", "'abs' takes number or money, not time (time)."),
        ("length(amount) > 5", "'length' takes text, not amount (money)."),
        ("years(quantity, time) > 5", "'years' takes date or time, not quantity (number)."),
        ("amount matches '5'", "'matches' takes text, not amount (money)."),
        ("amount and quantity > 5", "'and' takes a condition, not amount (money)."),
        ("not quantity", "'not' takes a condition, not quantity (number)."),
        ("amount", "this gives no yes or no, but money; compare it with something."),
        ("amount + 5", "this gives no yes or no, but money; compare it with something."),
        ("amount > ", "a value is expected before the end."),
    ],
)  # fmt: skip
def test_a_condition_that_cannot_be_is_one_sentence(text, said):
    for place in ("check", "when"):
        with pytest.raises(ParameterError) as error:
            meaning(Rule(table="orders", **{"check": "quantity > 0", place: text}), known)
        assert str(error.value).startswith(f"a rule of orders: {text!r}: {said}")


def test_names_are_listed_once():
    with pytest.raises(ParameterError, match="Known: amount, channel, customer_id, "):
        field_of("orders", "amout", ["amount", "channel", "customer_id"])


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"table": "oders"}, "it needs the table it is for, not 'oders'; did you mean 'orders'? Known: "),
        ({"table": ""}, "it needs the table it is for, not ''. Known: "),
        ({}, "it needs one of check, unique and changes."),
        ({"check": "quantity > 1", "unique": ["time"]}, "it needs one of check, unique and changes."),
        ({"check": "quantity > 1", "level": "fatal"}, "level is one of warn, error, stop, not 'fatal'."),
        ({"unique": ["order"]}, "orders has no column 'order'; did you mean 'order_id'? Known: "),
        ({"check": "opportunities.stage = 'won'"},
         "orders has no opportunity_id, by which values of opportunities could be looked up."),
        ({"check": "staff.role = 'x'"},
         "orders has no staff_id, by which values of staff could be looked up."),
        ({"changes": {"colum": "city"}}, "changes has no entry 'colum'; did you mean 'column'? Known: "),
        ({"changes": {"column": "channel"}}, "changes needs an entry 'of': a column."),
        ({"changes": {"column": "channel", "of": "customer_id", "at_most": -1, "days": 1}},
         "'at_most' in changes is to be a whole number from 0, not -1."),
        ({"changes": {"column": "channel", "of": "customer_id", "at_most": 1, "days": 0}},
         "'days' in changes is to be a whole number from 1, not 0."),
        ({"changes": {"column": "channel", "of": "customer_id", "at_most": True, "days": 1}},
         "'at_most' in changes is to be a whole number from 0, not True."),
        ({"changes": {"column": "channel", "of": "customer", "at_most": 1, "days": 1}},
         "orders has no column 'customer'; did you mean 'customer_id'? Known: "),
        ({"changes": {"column": "channel", "of": "customer_id", "at_most": 1, "days": 1, "time": "amount"}},
         "'time' in changes is to be a column of days or times, not amount (money)."),
        ({"table": "products", "changes": {"column": "name", "of": "category", "at_most": 1, "days": 1}},
         "products has no column 'time'"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_one_sentence(entry, said):
    with pytest.raises(ParameterError) as error:
        meaning(Rule(**{"table": "orders", "name": "mine", **entry}), known)
    assert str(error.value).startswith(f"the rule 'mine': {said}")


def test_values_cannot_be_looked_up_in_a_log():
    with pytest.raises(ParameterError, match="values can be looked up in customers, products, leads, opp"):
        meaning(Rule(table="tickets", check="interactions.subject = 'x'"), known)


def test_an_unknown_entry_suggests_the_nearest():
    with pytest.raises(ParameterError, match=r"^A rule has no entry 'chek'; did you mean 'check'\?"):
        as_rule({"table": "orders", "chek": "quantity > 0"})


def test_what_a_rule_is_about():
    found = meaning(
        Rule(table="orders", check="amount < 5 and product_id in products.product_id",
             when="years(customers.birth_date, time) < 18 and orders.quantity > 0"), known
    )  # fmt: skip
    assert found.columns == (
        "customers.birth_date", "time", "quantity", "amount", "product_id", "products.product_id"
    )  # fmt: skip
    assert found.looked_up == {"customers": ("birth_date",)}
    assert found.others == {"customers", "products"}
    assert meaning(Rule(table="orders", unique=["order_id", "product_id"]), known).columns == (
        "order_id", "product_id"
    )  # fmt: skip


def test_a_column_may_be_both_looked_up_and_looked_into():
    text = "customers.customer_id = 'a' or product_id in customers.customer_id"
    found = meaning(Rule(table="orders", check=text), known)
    assert found.looked_up == {"customers": ("customer_id",)}


def test_a_rule_may_look_into_its_own_table():
    found = meaning(Rule(table="customers", check="loyalty in customers.customer_id"), known)
    assert found.others == {"customers"}
    assert found.looked_up == {}


def test_titles_say_what_a_rule_says():
    assert Rule("orders", check="a > 1").title == "a > 1"
    assert Rule("orders", check="a > 1", when="b").title == "a > 1 when b"
    assert Rule("orders", unique=["a", "b"]).title == "unique: a + b"
    assert Rule("orders", unique=["a"], name="one a").title == "one a"
    changes = {"column": "city", "of": "customer_id", "at_most": 2, "days": 365}
    assert Rule("orders", changes=changes).title == "city changes at most 2 times in 365 days"


# The rules of the contract


def test_every_key_of_the_contract_has_its_rule_where_both_tables_are_there():
    tables = ["customers", "orders", "products", "interactions", "leads", "opportunities", "tickets",
              "surveys", "campaigns", "campaign_events", "staff", "consents"]  # fmt: skip
    found = {(rule.table, rule.check) for rule in key_rules(tables)}
    customer, product, staff, campaign = (
        f"{name}_id in {table}.{name}_id"
        for name, table in (("customer", "customers"), ("product", "products"), ("staff", "staff"),
                            ("campaign", "campaigns"))
    )  # fmt: skip
    assert found == {
        ("orders", customer), ("orders", product), ("interactions", customer), ("interactions", staff),
        ("leads", customer), ("opportunities", customer), ("opportunities", product),
        ("opportunities", staff), ("tickets", customer), ("tickets", staff), ("surveys", customer),
        ("campaign_events", customer), ("campaign_events", campaign), ("consents", customer),
    }  # fmt: skip
    assert all(rule.level == "warn" for rule in key_rules(tables))
    assert [rule.table for rule in key_rules(["orders", "customers"])] == ["orders"]
    assert key_rules(["orders", "surveys"]) == []


@pytest.mark.parametrize(
    "given",
    ["customer_id in customers.customer_id", "(customer_id   IN customers.customer_id)"],
)
def test_a_rule_of_one_s_own_takes_the_place_of_the_contract_s(given):
    tables = ["customers", "orders", "surveys"]
    found = key_rules(tables, [Rule(table="orders", check=given, level="error")])
    assert [rule.table for rule in found] == ["surveys"]
    found = key_rules(tables, [Rule(table="orders", check=given, when="quantity > 0")])
    assert [rule.table for rule in found] == ["orders", "surveys"]
