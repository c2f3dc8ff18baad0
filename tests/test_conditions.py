"""The language of rules: what is read, in which order operators bind, one sentence for each mistake."""

import datetime
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.conditions import Node, columns_of, parse
from crmlab.errors import ParameterError


def plain(node: object) -> object:
    """A tree as nested lists, columns by name, literals as they are."""
    if not isinstance(node, Node):
        return node
    if node.op == "column":
        return ".".join(part for part in node.args if part)
    if node.op == "literal":
        return node.args
    return [node.op, *map(plain, node.args)]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("given", "given"),
        ("a = 1", ["=", "a", (Decimal(1),)]),
        ("a == 1.50", ["=", "a", (Decimal("1.50"),)]),
        ("a <> 1_000", ["!=", "a", (Decimal(1000),)]),
        ("a≤b", ["<=", "a", "b"]),
        ("a ≥ -2", [">=", "a", (Decimal(-2),)]),
        ("a ≠ ۱۲", ["!=", "a", (Decimal(12),)]),
        ("a - -b", ["-", "a", ["-", (Decimal(0),), "b"]]),
        ("a + b * c - d", ["-", ["+", "a", ["*", "b", "c"]], "d"]),
        ("a / b / c", ["/", ["/", "a", "b"], "c"]),
        ("(a + b) × c", ["*", ["+", "a", "b"], "c"]),
        ("1 <= a < b", ["and", ["<=", (Decimal(1),), "a"], ["<", "a", "b"]]),
        ("a or b and not c", ["or", "a", ["and", "b", ["not", "c"]]]),
        ("(a or b) AND c", ["and", ["or", "a", "b"], "c"]),
        ("a or b or c", ["or", "a", "b", "c"]),
        ("not not a", "a"),
        ("not a = 1", ["not", ["=", "a", (Decimal(1),)]]),
        ("a is missing", ["missing", "a"]),
        ("a IS NOT Missing", ["not", ["missing", "a"]]),
        ("a in ['x', \"y\"]", ["in", "a", ("x",), ("y",)]),
        ("a in (1, -2)", ["in", "a", (Decimal(1),), (Decimal(-2),)]),
        ("a not in [2024-08-02]", ["not", ["in", "a", (datetime.date(2024, 8, 2),)]]),
        ("a in customers.b", ["found", "a", "customers.b"]),
        ("a matches '\\d+'", ["matches", "a", "\\d+"]),
        ("a not matches '''x'", ["not", ["matches", "a", "'x"]]),
        ("a = 'it''s'", ["=", "a", ("it's",)]),
        ('a = "it\'s ""x"""', ["=", "a", ('it\'s "x"',)]),
        ("a = true", ["=", "a", (True,)]),
        ("a > 2024-08-02", [">", "a", (datetime.date(2024, 8, 2),)]),
        ("a > 1403/05/12", [">", "a", (datetime.date(2024, 8, 2),)]),
        ("a > ۱۴۰۳-۰۵-۱۲ + 1", [">", "a", ["+", (datetime.date(2024, 8, 2),), (Decimal(1),)]]),
        ("customers.city = 'Rom'", ["=", "customers.city", ("Rom",)]),
        ("`نام کالا` is missing", ["missing", "نام کالا"]),
        ("قیمت\u200cکل > 0", [">", "قیمت\u200cکل", (Decimal(0),)]),
        ("`in` = 1", ["=", "in", (Decimal(1),)]),
        ("years(a, b) < 18", ["<", ["years", "a", "b"], (Decimal(18),)]),
        ("abs(a - 1) = length(b)", ["=", ["abs", ["-", "a", (Decimal(1),)]], ["length", "b"]]),
        ("  a\n  = 1 ", ["=", "a", (Decimal(1),)]),
    ],
)
def test_what_is_read(text, tree):
    assert plain(parse(text)) == tree


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a value is expected before the end."),
        ("a <=", "a value is expected before the end."),
        ("a <= <= 5", "a value is expected before '<='."),
        ("and a", "a value is expected before 'and'."),
        ("a b", "'b' is not an operator. Known: "),
        ("a betwen 1 and 2", "'betwen' is not an operator. Known: !=, *, +, -, /, <, "),
        ("a match 'x'", "'match' is not an operator; did you mean 'matches'? Known: "),
        ("a = 1 2", "'2' is out of place."),
        ("a = 1,000", "',' is out of place."),
        ("(a = 1", "')' is expected after '(', before the end."),
        ("a = 1)", "')' is out of place."),
        ("a is null", "'missing' is expected after 'is', before 'null'."),
        ("a not like 'x'", "after 'not' stands 'in' or 'matches', not 'like'."),
        ("a in 'x'", "'in' takes a list such as ['web', 'app'] or a column such as table.column."),
        ("a in b", "'in' takes a list such as ['web', 'app'] or a column such as table.column."),
        ("a in ['x', b]", "a list holds numbers, texts in quotes or days."),
        ("a in ['x'", "']' is expected after the list, before the end."),
        ("a in []", "a value is expected before ']'."),
        ("a matches b", r"'matches' takes a pattern in quotes, such as '\d{10}'."),
        ("a matches '('", "the pattern '(' is not a regular expression: "),
        ("a = 'x", "the quote ' is opened and not closed."),
        ("a = `x", "the quote ` is opened and not closed."),
        ("a = 5%", "'%' is not understood."),
        ("a = 5x", "'5x' is not understood."),
        ("a ; b", "';' is not understood."),
        ("a = '\0'", "it holds a sign that no text has (zero)."),
        ("customers. = 1", "a column is expected after 'customers.'."),
        ("year(a) = 1", "there is no function 'year'; did you mean 'years'? Known: abs, length, number, "),
        ("years(a) = 1", "years takes 2 values, not 1."),
        ("length(a, b) = 1", "length takes 1 value, not 2."),
        ("length(a = 1", "')' is expected after what length takes, before '='."),
        ("a > 2024-13-01", "a day in a rule is a day such as 2024-08-02 or 1403/05/12, not '2024-13-01'."),
        ("(" * 50 + "a" + ")" * 50, "it is nested too deeply; split it into several rules."),
        ("abs(" * 50 + "a" + ")" * 50, "it is nested too deeply; split it into several rules."),
        ("+".join("a" * 99), "it is nested too deeply; split it into several rules."),
        ("a = '" + "x" * 100_000 + "'", "100,006 signs are too many; split it into several rules."),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(text, said):
    with pytest.raises(ParameterError) as error:
        parse(text)
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


PIECES = st.sampled_from(
    ["a", "b.c", "`d e`", "1", "2.5", "2024-08-02", "'x'", '"', "'", "(", ")", "[", "]", ",", ".", "+", "-",
     "*", "/", "=", "<", "<=", "!=", "and", "or", "not", "in", "is", "missing", "matches", "true", "abs(",
     "years(", "هزار", "%", "\\", "`", " "]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25).map(" ".join) | st.text(max_size=40))
@settings(max_examples=500, deadline=None)
def test_any_text_is_read_or_is_one_sentence(text):
    with suppress(ParameterError):
        assert isinstance(parse(text), Node)


def test_columns_come_from_the_left_and_members_can_be_left_out():
    node = parse("a in customers.a and (years(customers.b, c) > d or a = 1)")
    assert list(columns_of(node)) == [
        ("", "a"), ("customers", "a"), ("customers", "b"), ("", "c"), ("", "d"), ("", "a")
    ]  # fmt: skip
    assert ("customers", "a") not in list(columns_of(node, members=False))


def test_long_lists_and_chains_of_or_are_read():
    names = ", ".join(f"'{number}'" for number in range(3000))
    assert len(parse(f"a in [{names}]").args) == 3001
    assert len(parse(" or ".join(["a"] * 3000)).args) == 3000
