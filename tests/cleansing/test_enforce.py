"""Rules enforced in a workspace: nothing lost, nothing left that breaks a rule of level error."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import crmlab as crm
from crmlab.cleansing import check_rules
from crmlab.errors import TableError, WorkspaceError
from crmlab.workspace import Workspace, open_workspace

ORDERS = """order_id,customer_id,time,quantity,amount,gift
1,a,2024-01-05,1,2.50,x
2,b,2024-01-06,2,600.00,
3,z,2024-01-06,2,5,y
3,z,2024-01-06,2,5,y
4,a,2023-12-31,1,7,y
5,c,yesterday,1,8,y
6,b,2024-02-01,-1,-2.50,y
7,c,2024-02-02,1,700,y
"""
CUSTOMERS = """customer_id,birth_date,email,registered_at
a,1990-01-05,ali@example.com,2024-01-01
b,2015-06-01,ali@example.com,2024-01-01
c,1980-01-01,,2024-03-01
"""
SOURCES = """[workspace]
currency = "EUR"

[[source]]
table = "orders"
file = "orders.csv"
[source.columns]
order_id = "order_id"
customer_id = "customer_id"
time = "time"
quantity = "quantity"
amount = "amount"
gift = "gift"

[[source]]
table = "customers"
file = "customers.csv"
"""
CHILD = """
[[rule]]
name = "no child pays more than 500"
table = "orders"
when = "years(customers.birth_date, time) < 18"
check = "amount <= 500"
level = "LEVEL"
"""
KNOWN = """
[[rule]]
table = "orders"
check = "customer_id in customers.customer_id"
level = "LEVEL"
"""


def shop(folder: Path, rules: str = "", level: str = "warn") -> Workspace:
    (folder / "orders.csv").write_text(ORDERS, encoding="utf-8")
    (folder / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    (folder / "crmlab.toml").write_text(SOURCES + rules.replace("LEVEL", level), encoding="utf-8")
    return open_workspace(folder)


def orders(workspace: Workspace) -> list[str]:
    return sorted(crm.collect(workspace.orders)["order_id"])


def test_what_breaks_a_rule_that_warns_is_reported_and_stays(tmp_path):
    workspace = shop(tmp_path, CHILD, "warn")
    counts = workspace.clean()
    assert orders(workspace) == ["1", "2", "3", "4", "6", "7"]
    assert counts.loc["orders"].to_dict() == {"rows_in": 8, "clean": 6, "set_aside": 1, "merged": 1}
    assert workspace.rules[["rule", "table", "level", "rows", "violations", "unknown", "first"]].to_numpy(
    ).tolist() == [
        ["no child pays more than 500", "orders", "warn", 2, 1, 0, "orders.csv:2"],
        ["customer_id in customers.customer_id", "orders", "warn", 6, 1, 0, "orders.csv:3"],
    ]  # fmt: skip
    assert workspace.violations.to_dict("records") == [
        {"table": "orders", "source": "orders.csv", "row": 2, "key": "2", "level": "warn",
         "rule": "no child pays more than 500", "columns": "customers.birth_date + time + amount"},
        {"table": "orders", "source": "orders.csv", "row": 3, "key": "3", "level": "warn",
         "rule": "customer_id in customers.customer_id", "columns": "customer_id + customers.customer_id"},
    ]  # fmt: skip
    left = workspace.ledger.query("action == 'left' and rule.str.startswith('breaks')")
    assert left[["table", "column", "rule", "cells"]].to_numpy().tolist() == [
        ["orders", "customers.birth_date + time + amount", "breaks the rule: no child pays more than 500", 1],
        ["orders", "customer_id + customers.customer_id",
         "breaks the rule: customer_id in customers.customer_id", 1],
    ]  # fmt: skip
    assert left["row"].isna().all()


def test_what_breaks_a_rule_of_level_error_goes_to_quarantine_as_it_came(tmp_path):
    workspace = shop(tmp_path, CHILD + KNOWN, "error")
    counts = workspace.clean()
    assert counts.loc["orders"].to_dict() == {"rows_in": 8, "clean": 4, "set_aside": 3, "merged": 1}
    assert orders(workspace) == ["1", "4", "6", "7"]
    aside = workspace.quarantine.set_index("row")
    assert aside.loc[[2, 3], "reasons"].tolist() == [
        "customers.birth_date + time + amount: no child pays more than 500",
        "customer_id + customers.customer_id: customer_id in customers.customer_id",
    ]
    assert json.loads(aside.loc[2, "record"]) == {
        "order_id": "2", "customer_id": "b", "time": "2024-01-06", "quantity": "2", "amount": "600.00",
        "gift": "",
    }  # fmt: skip
    ledger = workspace.ledger.query("action == 'set aside' and row in (2, 3)")
    assert ledger[["table", "source", "row", "key", "rule", "cells"]].to_numpy().tolist() == [
        ["orders", "orders.csv", 2, "2", "no child pays more than 500", 1],
        ["orders", "orders.csv", 3, "3", "customer_id in customers.customer_id", 1],
    ]
    state = workspace.state["tables"]["orders"]
    assert state["clean"] == 4
    assert state["ranges"] == {"time": ["2023-12-31", "2024-02-02"]}
    assert state["sha256"] == crm.workspace.sha256(tmp_path / "clean" / "orders.parquet")


def test_a_row_may_have_several_reasons(tmp_path):
    rule = '\n[[rule]]\nname = "small"\ntable = "orders"\ncheck = "amount < 100"\nlevel = "error"\n'
    other = '\n[[rule]]\nname = "few"\ntable = "orders"\ncheck = "quantity < 2"\nlevel = "error"\n'
    workspace = shop(tmp_path, rule + other)
    reasons = workspace.quarantine.set_index("row")["reasons"]
    assert reasons.to_dict() == {
        6: "time: not a date", 2: "amount: small; quantity: few", 3: "quantity: few", 8: "amount: small",
    }  # fmt: skip
    assert orders(workspace) == ["1", "4", "6"]


def test_a_rule_that_stops_leaves_everything_as_it_was(tmp_path):
    workspace = shop(tmp_path, CHILD, "warn")
    workspace.clean()
    before = {path.name: path.read_bytes() for path in (tmp_path / "clean").iterdir()}
    text = (tmp_path / "crmlab.toml").read_text(encoding="utf-8")
    (tmp_path / "crmlab.toml").write_text(text.replace('level = "warn"', 'level = "stop"'), encoding="utf-8")
    with pytest.raises(TableError) as error:
        workspace.clean()
    assert str(error.value) == (
        "The rule 'no child pays more than 500' stops cleaning, and nothing is written: 1 of 2 rows of "
        "orders break it, the first at orders.csv:2. Mend them, or give the rule another level in "
        "crmlab.toml."
    )
    assert {path.name: path.read_bytes() for path in (tmp_path / "clean").iterdir()} == before
    assert sorted(os.listdir(tmp_path)) == ["clean", "crmlab.toml", "customers.csv", "orders.csv"]


def test_a_rule_that_stops_does_so_in_a_folder_that_was_never_clean(tmp_path):
    workspace = shop(tmp_path, KNOWN, "stop")
    with pytest.raises(TableError, match="stops cleaning"):
        _ = workspace.orders
    assert not (tmp_path / "clean").exists()


def test_rules_that_stop_or_warn_are_about_what_remains(tmp_path):
    stop = '\n[[rule]]\ntable = "orders"\ncheck = "amount < 650"\nlevel = "stop"\n'
    late = '\n[[rule]]\nname = "late"\ntable = "orders"\ncheck = "time < 2024-02-02"\nlevel = "error"\n'
    workspace = shop(tmp_path, stop + late)
    assert "7" not in orders(workspace)
    found = workspace.rules.set_index("rule")
    assert found.loc["amount < 650", ["rows", "violations"]].tolist() == [5, 0]


def test_what_falls_takes_with_it_what_points_to_it(tmp_path):
    adult = (
        '\n[[rule]]\nname = "one mailbox"\ntable = "customers"\nunique = ["email"]\nlevel = "error"\n'
        '\n[[rule]]\ntable = "customers"\ncheck = "registered_at < 2024-02-01"\nlevel = "error"\n'
    )
    workspace = shop(tmp_path, KNOWN + adult, "error")
    # Customer c registered late, b shares the mailbox of a, and z never was one.
    assert workspace.customers["customer_id"].tolist() == ["a"]
    assert orders(workspace) == ["1", "4"]
    found = workspace.rules.set_index("rule")
    assert found["violations"].to_dict() == {
        "customer_id in customers.customer_id": 4, "one mailbox": 1, "registered_at < 2024-02-01": 1
    }  # fmt: skip
    counts = workspace.state["tables"]["orders"]
    assert counts["rows_in"] == counts["clean"] + counts["set_aside"] + counts["merged"]
    assert len(workspace.quarantine.query("table == 'orders'")) == counts["set_aside"]


def test_a_rule_that_cannot_be_held_to_is_one_sentence_and_nothing_is_written(tmp_path):
    workspace = shop(tmp_path)
    text = (tmp_path / "crmlab.toml").read_text(encoding="utf-8")
    for rule, said in [
        ('check = "product_id in products.product_id"', "is about products, which no [[source]] feeds."),
        ('check = "gift > 5"', "gift (text) and 5 (number) cannot be compared by '>'."),
    ]:
        rule = f'\n[[rule]]\nname = "mine"\ntable = "orders"\n{rule}\n'
        (tmp_path / "crmlab.toml").write_text(text + rule, encoding="utf-8")
        with pytest.raises(WorkspaceError) as error:
            workspace.clean()
        assert str(error.value).startswith(f"{tmp_path / 'crmlab.toml'}: the rule 'mine'")
        assert said in str(error.value)
        assert not (tmp_path / "clean").exists()


def test_a_rule_may_be_about_a_table_that_is_empty(tmp_path):
    workspace = shop(tmp_path, CHILD + KNOWN, "error")
    (tmp_path / "orders.csv").write_text("order_id,customer_id,time,quantity,amount,gift\n")
    assert workspace.rules["rows"].tolist() == [0, 0]
    assert orders(workspace) == []


def test_every_row_is_set_aside_if_every_row_breaks_a_rule(tmp_path):
    rule = '\n[[rule]]\ntable = "orders"\ncheck = "quantity > 99"\nlevel = "error"\n'
    workspace = shop(tmp_path, rule)
    assert orders(workspace) == []
    assert workspace.orders.schema()["amount"].is_integer()
    assert workspace.state["tables"]["orders"]["ranges"] == {}


@pytest.mark.parametrize("name", ["a [2024] what*?", "فروشگاه"])
def test_a_folder_of_any_name(tmp_path, name):
    (tmp_path / name).mkdir()
    assert orders(shop(tmp_path / name, CHILD, "error")) == ["1", "3", "4", "6", "7"]


def test_places_are_those_of_several_sources(tmp_path):
    more = '\n[[source]]\ntable = "orders"\nfile = "more.csv"\n'
    workspace = shop(tmp_path, more + KNOWN, "error")
    (tmp_path / "more.csv").write_text(
        "order_id,customer_id,time,quantity,amount\n9,a,2024-01-01,1,1\n10,y,2024-01-02,1,1\n"
    )
    assert workspace.violations[["source", "row", "key"]].to_numpy().tolist() == [
        ["orders.csv", 3, "3"], ["more.csv", 2, "10"]
    ]  # fmt: skip
    assert workspace.rules["first"].tolist() == ["orders.csv:3, more.csv:2"]
    raw = workspace.raw("orders")
    assert len(workspace.quarantine) == 3
    for aside in workspace.quarantine.itertuples():
        assert json.loads(aside.record)["customer_id"] == raw.loc[(aside.source, aside.row), "customer_id"]


# Whatever the rows and the rules

_CUSTOMER = st.tuples(
    st.sampled_from(["a", "b", "c", "d", ""]), st.sampled_from(["2000-01-01", "2012-05-05", ""])
)
_ORDER = st.tuples(
    st.sampled_from(["a", "b", "c", "d", "e"]), st.sampled_from(["2024-01-01", "2024-06-01", "soon"]),
    st.sampled_from(["1", "700", "-3", "?"]),
)  # fmt: skip
_RULES = [
    {"table": "orders", "check": "customer_id in customers.customer_id"},
    {"table": "orders", "check": "amount > 0"},
    {"table": "orders", "when": "years(customers.birth_date, time) < 18", "check": "amount <= 500"},
    {"table": "orders", "unique": ["customer_id", "time"]},
    {"table": "orders", "changes": {"column": "amount", "of": "customer_id", "at_most": 0, "days": 200}},
    {"table": "customers", "check": "birth_date < 2010-01-01"},
    {"table": "customers", "check": "birth_date is not missing"},
    {"table": "customers", "check": "customer_id in orders.customer_id"},
]


@given(
    st.lists(_CUSTOMER, min_size=1, max_size=6), st.lists(_ORDER, min_size=1, max_size=8),
    st.lists(st.sampled_from(["", "warn", "error"]), min_size=8, max_size=8),
)  # fmt: skip
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_is_lost_and_nothing_that_breaks_a_strict_rule_is_left(
    tmp_path_factory, people, lines, levels
):
    folder = tmp_path_factory.mktemp("shop")
    frames = {
        "customers": pd.DataFrame(people, columns=["customer_id", "birth_date"]),
        "orders": pd.DataFrame(lines, columns=["customer_id", "time", "amount"]),
    }
    rules = [rule | {"level": level} for rule, level in zip(_RULES, levels, strict=True) if level]
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    sources = "".join(f'[[source]]\ntable = "{name}"\nfile = "{name}.csv"\n' for name in frames)
    entries = [
        "[[rule]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in rule.items()) for rule in rules
    ]
    (folder / "crmlab.toml").write_text(sources + "".join(entries), encoding="utf-8")
    workspace = open_workspace(folder)
    counts = workspace.clean()
    tables = {"customers": workspace.customers, "orders": crm.collect(workspace.orders)}
    for name, frame in frames.items():
        assert counts.loc[name, "rows_in"] == len(frame) == counts.loc[name].drop("rows_in").sum()
        assert counts.loc[name, "clean"] == len(tables[name])
        aside = workspace.quarantine.query(f"table == '{name}'")
        assert aside["row"].is_unique
        assert len(aside) == counts.loc[name, "set_aside"]
    strict = [rule for rule in rules if rule["level"] == "error"]
    assert check_rules(tables, strict).rules["violations"].tolist() == [0] * len(strict)
    mild = [rule for rule in rules if rule["level"] == "warn"]
    titles = set(check_rules(tables, mild).rules.set_index(["table", "rule"])["violations"].items())
    assert titles <= set(workspace.rules.set_index(["table", "rule"])["violations"].items())
    told = workspace.rules.set_index(["table", "rule"])["violations"].to_dict()
    listed = workspace.violations.groupby(["table", "rule"]).size().to_dict()
    assert listed == {name: count for name, count in told.items() if count}


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(part)}" for key, part in value.items()) + "}"
    return json.dumps(value)
