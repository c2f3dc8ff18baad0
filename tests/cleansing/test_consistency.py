"""Tables held to rules: against a slow reading of each rule, row by row, in Python's own numbers."""

import datetime
import re
from collections.abc import Callable
from fractions import Fraction

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import crmlab as crm
from crmlab.cleansing import Rule, check_rules
from crmlab.errors import ParameterError, TableError

DAY = datetime.timedelta(days=1)
CHANNELS = ["web", "app", "phone", "post"]
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c"],
        "birth_date": pd.Series(["2000-02-29", None, "2010-06-15"], dtype="datetime64[us]"),
        "registered_at": pd.Series(["2024-01-10", "2024-02-01", None], dtype="datetime64[us]"),
        "city": pd.Series(["تهران", "Rom", None], dtype="str"),
    }
)

# Orders by chance

_ROW = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(["a", "b", "c", "d"]),
        "time": st.none() | st.datetimes(datetime.datetime(2023, 12, 20), datetime.datetime(2028, 3, 5)).map(
            lambda when: when.replace(microsecond=when.microsecond // 250_000 * 250_000)
        ),
        "quantity": st.none() | st.integers(-3, 5),
        "unit_price": st.none() | st.sampled_from([0, 5, 100, 1050, 2**61]),
        "amount": st.none() | st.sampled_from([0, 5, 100, 250, 1050, -100, 10_000]),
        "channel": st.none() | st.sampled_from(CHANNELS),
        "promotion": st.none() | st.sampled_from(["x", "xy", "it's", "", "12", "1.5", "کد"]),
        "weight": st.none() | st.sampled_from([-1.0, 0.0, 0.25, 1.5, 100.0]),
        "gift": st.none() | st.booleans(),
    }
)  # fmt: skip
_TYPES = {
    "customer_id": "str", "time": "datetime64[us]", "quantity": "Int64", "unit_price": "Int64",
    "amount": "Int64", "channel": "str", "promotion": "str", "weight": "float64", "gift": "boolean",
}  # fmt: skip
_LOOKED_UP = {
    row["customer_id"]: {
        f"customers.{name}": None if pd.isna(value) else value for name, value in row.items()
    }
    for row in CUSTOMERS.to_dict("records")
}


def orders_of(rows: list[dict]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(_TYPES)).astype(_TYPES)
    return frame.assign(order_id=[f"o{place}" for place in range(len(frame))])


# Rules by chance: their text, and what they mean for one row (None: cannot be told). Amounts are
# fractions in whole units, points of time and days as Python has them.

Reading = tuple[str, Callable[[dict], object]]


def known(compute: Callable, *parts: Callable) -> Callable[[dict], object]:
    def read(row: dict) -> object:
        values = [part(row) for part in parts]
        return None if any(value is None for value in values) else compute(*values)

    return read


def column(name: str) -> Reading:
    def read(row: dict) -> object:
        value = row[name]
        if value is None:
            return None
        if name in ("amount", "unit_price"):
            return Fraction(value, 100)
        return Fraction(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    return name, read


def number(text: str) -> Reading:
    return text, lambda _: Fraction(text)


def computed(parts: tuple[Reading, str, Reading]) -> Reading:
    (left, read), sign, (right, read_too) = parts
    compute = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}[sign]
    return f"({left} {sign} {right})", known(compute, read, read_too)


NUMBERS = st.sampled_from(["quantity", "weight"]).map(column) | st.sampled_from(["0", "1", "2.5", "-3"]).map(
    number
)
NUMBERS = st.recursive(
    NUMBERS, lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(computed), max_leaves=3
)
MONEY = st.sampled_from(["amount", "unit_price"]).map(column)
MONEY |= st.tuples(MONEY, st.just("*"), st.sampled_from(["quantity"]).map(column)).map(computed)
MONEY |= st.tuples(MONEY, st.sampled_from("+-"), MONEY | NUMBERS).map(computed)


def date(value: object) -> datetime.date:
    return value.date() if isinstance(value, datetime.datetime) else value


def days_apart(name: str) -> Reading:
    return f"time - {name}", known(
        lambda when, since: Fraction((date(when) - date(since)).days), column("time")[1], column(name)[1]
    )


def age(name: str) -> Reading:
    def years(born: datetime.date, when: datetime.date) -> Fraction:
        return Fraction(when.year - born.year - ((when.month, when.day) < (born.month, born.day)))

    return f"years({name}, time)", known(years, column(name)[1], column("time")[1])


NUMBERS |= st.sampled_from(["customers.birth_date", "customers.registered_at"]).flatmap(
    lambda name: st.sampled_from([days_apart(name), age(name)])
)
LENGTH = ("length(promotion)", known(lambda text: Fraction(len(text)), column("promotion")[1]))
NUMBERS |= st.just(LENGTH)
DAYS = st.sampled_from(["time", "customers.registered_at"]).map(column).map(
    lambda side: (side[0], known(date, side[1]))
) | st.dates(datetime.date(2024, 1, 1), datetime.date(2024, 3, 1)).map(lambda day: (str(day), lambda _: day))
DAYS |= st.tuples(DAYS, st.integers(-40, 40)).map(
    lambda pair: (f"({pair[0][0]} + {pair[1]})", known(lambda day: day + pair[1] * DAY, pair[0][1]))
)
SIGNS = {"=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def compared(parts: tuple[Reading, str, Reading]) -> Reading:
    (left, read), sign, (right, read_too) = parts
    return f"{left} {sign} {right}", known(lambda a, b: getattr(a, f"__{SIGNS[sign]}__")(b), read, read_too)


def among(pair: tuple[str, list[str]]) -> Reading:
    name, values = pair
    return f"{name} in [{', '.join(map(repr, values))}]", known(
        lambda value: value in values, column(name)[1]
    )


def matched(pattern: str) -> Reading:
    return f"promotion matches '{pattern}'", known(
        lambda text: re.fullmatch(pattern, text) is not None, column("promotion")[1]
    )


def missing(name: str) -> Reading:
    read = column(name)[1]
    return f"{name} is missing", lambda row: read(row) is None


def member(name: str) -> Reading:
    return f"{name} in customers.city", known(lambda value: value in ("تهران", "Rom"), column(name)[1])


def all_of(parts: list[Reading]) -> Reading:
    def read(row: dict) -> object:
        values = [part(row) for _, part in parts]
        return False if False in values else None if None in values else True

    return " and ".join(f"({text})" for text, _ in parts), read


def negated(part: Reading) -> Reading:
    text, read = part
    return f"not ({text})", known(lambda value: not value, read)


def any_of(parts: list[Reading]) -> Reading:
    text = " or ".join(f"({text})" for text, _ in parts)
    return text, negated(all_of([negated(part) for part in parts]))[1]


SIGN = st.sampled_from(list(SIGNS))
PLAIN = (
    st.tuples(NUMBERS, SIGN, NUMBERS).map(compared)
    | st.tuples(MONEY, SIGN, MONEY | NUMBERS).map(compared)
    | st.tuples(DAYS, SIGN, DAYS).map(compared)
    | st.tuples(st.just("channel"), st.lists(st.sampled_from(CHANNELS), min_size=1)).map(among)
    | st.sampled_from(["x.", r"\d+", ".*", "[a-z]+|کد"]).map(matched)
    | st.sampled_from(["amount", "channel", "customers.city", "gift", "time"]).map(missing)
    | st.sampled_from(["promotion", "customers.city"]).map(member)
    | st.just(column("gift"))
)
CONDITIONS = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, min_size=2, max_size=3).flatmap(
        lambda parts: st.sampled_from([all_of(parts), any_of(parts), negated(parts[0])])
    ),
    max_leaves=5,
)


@given(st.lists(_ROW, max_size=12), CONDITIONS, st.none() | CONDITIONS, st.booleans())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_rule_means_what_reading_it_row_by_row_says(rows, checked, only, in_engine):
    (check, read), (when, applies) = checked, only or ("", lambda _: True)
    told = [row | _LOOKED_UP.get(row["customer_id"], dict.fromkeys(_LOOKED_UP["a"])) for row in rows]
    verdicts = {place: read(row) for place, row in enumerate(told) if applies(row) is True}
    tables = {"orders": orders_of(rows), "customers": CUSTOMERS}
    if in_engine:
        tables = {name: crm.as_table(frame) for name, frame in tables.items()}
    found = check_rules(tables, [{"table": "orders", "check": check, "when": when}])
    assert found.rows["position"].tolist() == [place for place, kept in verdicts.items() if kept is False]
    assert found.rows["key"].tolist() == [f"o{place}" for place in found.rows["position"]]
    counts = found.rules.iloc[0]
    verdicts = list(verdicts.values())
    assert counts["violations"] == verdicts.count(False)
    assert counts["unknown"] == verdicts.count(None)
    assert counts["rows"] == len(verdicts) - verdicts.count(None)
    assert counts["share"] == (counts["violations"] / counts["rows"] if counts["rows"] else 0)


# Several rows of a table


@given(st.lists(_ROW, max_size=12))
@settings(max_examples=40, deadline=None)
def test_the_first_row_with_its_values_keeps_a_rule_of_uniqueness(rows):
    seen, again, complete = set(), [], 0
    for place, row in enumerate(rows):
        values = (row["customer_id"], row["channel"])
        if None not in values:
            complete += 1
            again += [place] * (values in seen)
            seen.add(values)
    found = check_rules({"orders": orders_of(rows)}, [Rule("orders", unique=["customer_id", "channel"])])
    assert found.rows["position"].tolist() == again
    assert found.rules[["rows", "unknown"]].values.tolist() == [[complete, len(rows) - complete]]


def test_rows_for_which_a_rule_is_not_are_not_compared():
    frame = orders_of([{"customer_id": "a", "channel": "web", "quantity": number} for number in (1, 0, 1)])
    rule = Rule("orders", unique=["customer_id"], when="quantity > 0")
    assert check_rules({"orders": frame}, [rule]).rows["position"].tolist() == [2]


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.none() | st.sampled_from("xyz")), max_size=14
    ),
    st.integers(0, 3), st.integers(1, 15), st.randoms(use_true_random=False),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_a_change_too_many_is_one_that_ends_too_many_within_the_days(events, at_most, days, chance):
    start = datetime.datetime(2024, 1, 1)
    rows = [{"customer_id": who, "time": start + day * DAY, "promotion": what} for who, day, what in events]
    chance.shuffle(rows)
    broken = set()
    for who in "ab":
        mine = [(row["time"], row["promotion"], place) for place, row in enumerate(rows)
                if row["customer_id"] == who and row["promotion"] is not None]  # fmt: skip
        mine.sort(key=lambda event: event[:2])
        changes = [
            now for now, before in zip(mine[1:], mine, strict=False) if now[1] != before[1]
        ]  # fmt: skip
        for number, (time, _, place) in enumerate(changes):
            # Of changes on one day the earlier ones, by value, come first.
            within = [other for other, *_ in changes[: number + 1] if other > time - days * DAY]
            if len(within) > at_most:
                broken.add(place)
    changes = {"column": "promotion", "of": "customer_id", "at_most": at_most, "days": days}
    found = check_rules({"orders": orders_of(rows)}, [Rule("orders", changes=changes)])
    # Rows of one day, person and value are alike: which of them is the change is all the same.
    alike = [(row["customer_id"], row["time"], row["promotion"]) for row in rows]
    assert sorted(alike[place] for place in found.rows["position"]) == sorted(
        alike[place] for place in broken
    )


def test_address_that_changes_too_often():
    moves = pd.DataFrame({
        "customer_id": ["a"] * 5,
        "time": pd.to_datetime(["2023-01-01", "2023-03-01", "2023-06-01", "2024-02-28", "2024-03-01"]),
        "address": ["1 North St", "2 East St", "3 West St", "4 South St", "1 North St"],
        "order_id": list("abcde"),
    })  # fmt: skip
    changes = {"column": "address", "of": "customer_id", "at_most": 2, "days": 365}
    found = check_rules({"orders": moves}, [Rule("orders", changes=changes)])
    # In the year up to 28 February 2024 there are three changes, the first on 1 March 2023, and in that
    # up to 1 March 2024.
    assert found.rows["position"].tolist() == [3, 4]
    changes["days"] = 364
    found = check_rules({"orders": moves}, [Rule("orders", changes=changes)])
    assert found.rows["position"].tolist() == [4]


# Money, numbers, texts


@pytest.mark.parametrize(("decimals", "broken"), [(0, [2]), (2, [1, 2]), (3, [0, 1, 2])])
def test_money_is_told_in_whole_units_and_kept_in_minor_ones(decimals, broken):
    products = pd.DataFrame({"product_id": list("abc"), "unit_price": [60, 5001, 50_000_000]})
    limit = {0: "10_000_000", 2: "50.00", 3: "0.059"}[decimals]
    rule = {"table": "products", "check": f"unit_price <= {limit}"}
    assert check_rules({"products": products}, [rule], decimals).rows["position"].tolist() == broken


def test_products_of_large_numbers_do_not_run_over():
    orders = orders_of([{"quantity": 4, "unit_price": 2**61, "amount": 0}])
    found = check_rules({"orders": orders}, [{"table": "orders", "check": "quantity * unit_price > 0"}])
    assert found.rules["violations"].tolist() == [0]


def test_what_is_divided_by_nought_is_not_known():
    orders = orders_of([{"quantity": 0, "amount": 5}, {"quantity": 2, "amount": 5}])
    found = check_rules({"orders": orders}, [{"table": "orders", "check": "amount / quantity > 1"}])
    assert found.rules[["violations", "unknown"]].values.tolist() == [[1, 1]]


def test_texts_are_compared_as_cleansing_writes_them():
    rule = {"table": "customers", "check": "city = 'تهـران'"}
    assert check_rules({"customers": CUSTOMERS}, [rule]).rows["key"].tolist() == ["b"]
    rule = {"table": "customers", "check": "city in ['كرمان', 'تهران', 'Rom']"}
    assert check_rules({"customers": CUSTOMERS}, [rule]).rules["violations"].tolist() == [0]


def test_days_of_both_calendars_and_within_the_day():
    orders = orders_of(
        [{"time": pd.Timestamp("2024-08-02 23:59")}, {"time": pd.Timestamp("2024-08-03 00:00")}]
    )
    for day in ("2024-08-02", "1403/05/12", "۱۴۰۳-۰۵-۱۲"):
        found = check_rules({"orders": orders}, [{"table": "orders", "check": f"time <= {day}"}])
        assert found.rows["position"].tolist() == [1]


def test_a_text_that_holds_a_number_can_be_read_as_one():
    orders = orders_of([{"promotion": text} for text in ("12", "1.5", "x", None)])
    found = check_rules({"orders": orders}, [{"table": "orders", "check": "number(promotion) < 10"}])
    assert found.rows["position"].tolist() == [0]
    assert found.rules["unknown"].tolist() == [2]


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["a", "b", None], dtype="str"), pd.Series(["a", "b", None], dtype="category"),
        pd.Series(["a", "b", None], dtype="object"),
    ],
)  # fmt: skip
def test_columns_of_any_type_of_text(values):
    accounts = pd.DataFrame({"code": values})
    found = check_rules({"accounts": accounts}, [{"table": "accounts", "check": "code = 'a'"}])
    assert found.rows[["table", "position"]].values.tolist() == [["accounts", 1]]
    assert found.rows["key"].isna().all()


def test_a_column_without_a_value_breaks_nothing():
    frame = pd.DataFrame({"product_id": ["a"], "unit_price": [None], "points": [None], "name": [None]})
    texts = ["unit_price > 5", "points > 5", "points = 'x'", "name matches 'x'", "points", "length(name) < 1",
             "not points or points", "points * 2 = 3", "points in ['x']",
             "points in products.name", "abs(points) > 2", "unit_price + points > 3"]  # fmt: skip
    found = check_rules({"products": frame}, [{"table": "products", "check": text} for text in texts])
    assert found.rules["unknown"].tolist() == [1] * len(texts)


# What is reported


def test_the_report_tells_rules_and_rows():
    orders = orders_of([{"customer_id": "d", "channel": None}, {"customer_id": "a"}, {"customer_id": "e"}])
    rules = [
        Rule("orders", name="known customer", check="customer_id in customers.customer_id", level="error"),
        Rule("customers", check="birth_date is not missing", when="city = 'Rom'"),
    ]
    found = check_rules({"orders": orders, "customers": CUSTOMERS}, rules)
    assert found.rules.to_dict("records") == [
        {"rule": "known customer", "table": "orders", "level": "error",
         "columns": "customer_id + customers.customer_id", "rows": 3, "violations": 2, "share": 2 / 3,
         "unknown": 0, "first": "0, 2"},
        {"rule": "birth_date is not missing when city = 'Rom'", "table": "customers", "level": "warn",
         "columns": "city + birth_date", "rows": 1, "violations": 1, "share": 1.0, "unknown": 0,
         "first": "1"},
    ]  # fmt: skip
    assert found.rows.to_dict("list") == {
        "table": ["orders", "orders", "customers"], "position": [0, 2, 1], "key": ["o0", "o2", "b"],
        "rule": ["known customer", "known customer", "birth_date is not missing when city = 'Rom'"],
        "level": ["error", "error", "warn"],
        "columns": ["customer_id + customers.customer_id"] * 2 + ["city + birth_date"],
    }  # fmt: skip


def test_without_rules_or_rows_the_report_has_its_columns():
    rule = {"table": "orders", "check": "amount > 0"}
    for found in (check_rules({}, []), check_rules({"orders": orders_of([])}, [rule])):
        assert list(found.rules) == [
            "rule", "table", "level", "columns", "rows", "violations", "share", "unknown", "first"
        ]  # fmt: skip
        assert list(found.rows) == ["table", "position", "key", "rule", "level", "columns"]
        assert found.rows["position"].dtype == "int64"
        assert found.rules["share"].tolist() == [0.0] * len(found.rules)


def test_a_limit_shortens_the_list_and_not_the_count():
    orders = orders_of([{"quantity": -1}] * 5)
    found = check_rules({"orders": orders}, [{"table": "orders", "check": "quantity > 0"}], limit=2)
    assert found.rows["position"].tolist() == [0, 1]
    assert found.rules["violations"].tolist() == [5]


def test_frames_are_not_changed_and_their_index_does_not_count():
    frame = orders_of([{"quantity": 1}, {"quantity": -1}]).set_axis([7, 7])
    before = frame.copy()
    found = check_rules({"orders": frame}, [{"table": "orders", "check": "quantity > 0"}])
    assert found.rows["position"].tolist() == [1]
    pd.testing.assert_frame_equal(frame, before)


def test_columns_that_no_rule_names_may_hold_anything():
    frame = orders_of([{"quantity": -1}]).assign(odd=[{1, 2}])
    assert len(check_rules({"orders": frame}, [{"table": "orders", "check": "quantity > 0"}]).rows) == 1


def test_tables_of_a_connection_of_one_s_own():
    connection = ibis.duckdb.connect()
    orders = connection.create_table("x", orders_of([{"customer_id": "z"}, {"customer_id": "a"}]))
    rule = Rule("orders", check="customer_id in customers.customer_id and customers.city = 'Rom'")
    for customers in (CUSTOMERS, connection.create_table("y", CUSTOMERS)):
        found = check_rules({"orders": orders, "customers": customers}, [rule])
        assert found.rows["key"].tolist() == ["o0", "o1"]


def test_large_lists_and_many_alternatives():
    frame = pd.DataFrame({"product_id": ["1", "2999", "x"]})
    names = ", ".join(f"'{number}'" for number in range(3000))
    either = " or ".join(f"product_id = '{number}'" for number in range(200))
    rules = [{"table": "products", "check": text} for text in (f"product_id in [{names}]", either)]
    assert check_rules({"products": frame}, rules).rows["position"].tolist() == [2, 1, 2]


# What cannot be held to


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"table": "order", "check": "quantity > 0"},
         "A rule of order: it needs the table it is for, not 'order'; did you mean 'orders'?"),
        ({"table": "orders", "check": "quantiti > 0"},
         "A rule of orders: 'quantiti > 0': orders has no column 'quantiti'; did you mean 'quantity'?"),
        ({"table": "orders", "check": "product_id in products.product_id"},
         "A rule of orders: 'product_id in products.product_id': orders has no column 'product_id'"),
        ({"table": "orders", "check": "customer_id in products.product_id"},
         "A rule of orders: 'customer_id in products.product_id': there is no table 'products'. Known: "),
        ({"table": "orders", "name": "odd", "check": "odd = 5"},
         "The rule 'odd': 'odd = 5': orders.odd holds values of several types."),
        ({"table": "orders", "check": "discount > 5"},
         "A rule of orders: 'discount > 5': orders.discount is to be money in whole minor units; it is of "
         "type float64."),
        ({"table": "orders", "check": r"promotion matches '(?=x)x'"},
         "The rule \"promotion matches '(?=x)x'\": the engine cannot work it out (patterns know no "
         "look-around and no back references): "),
    ],
)  # fmt: skip
def test_a_rule_that_does_not_fit_the_tables_is_one_sentence(rule, said):
    orders = orders_of([{"quantity": 1, "promotion": "secret"}] * 2)
    orders = orders.assign(odd=["x", 5], discount=[0.5, 1.5])
    with pytest.raises(ParameterError) as error:
        check_rules({"orders": orders, "customers": CUSTOMERS}, [rule])
    assert str(error.value).startswith(said)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_values_are_looked_up_by_keys_that_are_unique():
    twice = pd.concat([CUSTOMERS, CUSTOMERS.iloc[:1]])
    orders = orders_of([{"customer_id": "a"}])
    rule = {"table": "orders", "check": "customers.city is not missing"}
    with pytest.raises(
        TableError, match="^Table customers has a customer_id twice, so that values cannot be"
    ):
        check_rules({"orders": orders, "customers": twice}, [rule])
    found = check_rules({"orders": orders, "customers": twice},
                        [{"table": "orders", "check": "customer_id in customers.customer_id"}])  # fmt: skip
    assert found.rules["violations"].tolist() == [0]


@pytest.mark.parametrize("text", ["'; DROP TABLE orders; --", "x' OR '1'='1", "\\", "%", "\n\x01", "😀" * 50])
def test_no_text_of_a_rule_is_run(text):
    quoted = text.replace("'", "''")
    orders = orders_of([{"promotion": "x"}, {"promotion": None}])
    rules = [{"table": "orders", "check": f"promotion != '{quoted}' and promotion not in ['{quoted}']"}]
    assert check_rules({"orders": orders}, rules).rules[["violations", "unknown"]].values.tolist() == [[0, 1]]
    odd = pd.DataFrame({'a "b" `c; --': [1, 2]})
    with pytest.raises(ParameterError, match="not understood|not closed|no column|out of place"):
        check_rules({"t": odd}, [{"table": "t", "check": 'a "b" `c; -- > 1'}])
    odd.columns = ['a "b" c; --']
    assert check_rules({"t": odd}, [{"table": "t", "check": '`a "b" c; --` > 1'}]).rows[
        "position"
    ].tolist() == [0]


def test_missing_values_of_every_kind_are_not_in_an_empty_table():
    orders = orders_of([{"customer_id": "a"}, {"customer_id": None}])
    empty = CUSTOMERS.iloc[:0]
    rule = [{"table": "orders", "check": "customer_id in customers.customer_id"}]
    found = check_rules({"orders": orders, "customers": empty}, rule).rules
    assert found[["rows", "violations", "unknown"]].values.tolist() == [[1, 1, 1]]
    gaps = CUSTOMERS.assign(customer_id=["a", None, None])
    found = check_rules({"orders": orders.assign(customer_id="z"), "customers": gaps}, rule).rules
    assert found["violations"].tolist() == [2]
    assert np.isclose(found["share"], 1).all()
