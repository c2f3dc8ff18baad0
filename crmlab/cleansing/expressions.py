"""Conditions as expressions of the engine: checked trees in, ibis expressions out.

No text of a condition ever reaches the engine, only columns, numbers, texts and days. Missing
values follow three-valued logic, as in SQL.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab.cleansing.text import normalize_text
from crmlab.conditions import Node
from crmlab.engine import as_table

if TYPE_CHECKING:
    import ibis

_COMPARE = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
            ">": operator.gt, ">=": operator.ge}  # fmt: skip
_COMPUTE = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_MICROSECONDS = 86_400_000_000
_SHORT = 50
#: What a column without any value is taken for by operators that ask for a type.
_OF_NOTHING = (
    dict.fromkeys(("and", "or", "not"), "boolean")
    | dict.fromkeys(("matches", "length", "number"), "string")
    | dict.fromkeys(("day", "days", "shift", "years"), "timestamp")
    | dict.fromkeys(("+", "-", "*", "money", "abs"), "float64")
)


def express(
    node: Node,
    table: ibis.Table,
    look_into: Callable[[str], ibis.Table],
    decimals: int,
    short: float = _SHORT,
) -> ibis.Value:
    """A condition on the rows of `table`.

    Parameters
    ----------
    node
        As `crmlab.kinds.typed` gives it.
    table
        Holds the condition's own columns under their names, those of others as ``other.column``.
    look_into
        Gives another table by its name, for ``in other.column``.
    decimals
        Digits after the decimal mark of the currency.
    short
        Longer lists are looked into as a table is.
    """
    if node.op == "column":
        column = table[".".join(part for part in node.args if part)]
        return column.date() if node.kind == "date" and column.type().is_timestamp() else column
    if node.op == "literal" or (node.op == "money" and node.args[0].op == "literal"):
        return _literal(*_values([node], decimals))
    if node.op == "found":
        other, name = node.args[1].args
        return _among(express(node.args[0], table, look_into, decimals, short), look_into(other)[name])
    if node.op == "in":
        value = express(node.args[0], table, look_into, decimals, short)
        items = _values(node.args[1:], decimals)
        if len(items) <= short:
            return value.isin(items)
        return _among(value, as_table(pd.DataFrame({"item": items}))["item"])
    args = [
        arg if isinstance(arg, str) else express(arg, table, look_into, decimals, short) for arg in node.args
    ]
    if wanted := _OF_NOTHING.get(node.op):
        args = [_of_type(arg, wanted) for arg in args]
    if node.op == "money":
        return _scaled(args[0], 10**decimals)
    if node.op in ("and", "or"):
        return balanced(operator.and_ if node.op == "and" else operator.or_, args)
    if node.op in _COMPUTE:
        return _COMPUTE[node.op](*(_wide(arg) for arg in args))
    return (_COMPARE | _OPERATIONS)[node.op](*args)


def _among(value: ibis.Value, members: ibis.Column) -> ibis.Value:
    import ibis

    found = value.isin(members.as_table().drop_null().distinct()[members.get_name()])
    # In an empty set is nothing, a missing value included; but whether that is in a set is not known.
    return ibis.ifelse(value.isnull(), ibis.null("boolean"), found)


def balanced(join: Callable[[Any, Any], Any], parts: Sequence[Any]) -> Any:
    """Parts joined two by two, so that the result is as flat as can be."""
    while len(parts) > 1:
        pairs = [join(*parts[at : at + 2]) for at in range(0, len(parts) - 1, 2)]
        parts = pairs + list(parts[len(parts) // 2 * 2 :])
    return parts[0]


def _values(nodes: Sequence[Node], decimals: int) -> list[Any]:
    """What literals of one kind stand for: money in minor units, texts as cleansing writes them."""
    if nodes[0].kind == "text":
        return normalize_text(pd.Series([node.args[0] for node in nodes], dtype="str")).tolist()
    values = [node.args[0].args[0] * 10**decimals if node.op == "money" else node.args[0] for node in nodes]
    return [_plain(value) if isinstance(value, Decimal) else value for value in values]


def _plain(number: Decimal) -> int | float:
    whole = number == number.to_integral_value() and abs(number) < 2**63
    return int(number) if whole else float(number)


def _literal(value: Any) -> ibis.Value:
    import ibis

    return ibis.literal(value, "int64" if type(value) is int else None)


def _of_type(value: Any, wanted: str) -> Any:
    """A column without any value as one of the type that an operator takes."""
    return value.cast(wanted) if not isinstance(value, str) and value.type().is_null() else value


def _wide(value: ibis.Value) -> ibis.Value:
    """Whole numbers with room for what comes out: 64 bits would run over."""
    return value.cast("decimal(38, 0)") if value.type().is_integer() else value


def _scaled(value: ibis.Value, factor: int) -> ibis.Value:
    """A number in minor units; what is not whole is freed of the errors of binary fractions."""
    return (value * factor).round(4) if value.type().is_floating() else _wide(value) * factor


def _divided(left: ibis.Value, right: ibis.Value) -> ibis.Value:
    # What is divided by nought is not known.
    return left.cast("float64") / right.cast("float64").nullif(0.0)


def _days_between(left: ibis.Value, right: ibis.Value) -> ibis.Value:
    if left.type().is_date():
        return left.delta(right, unit="day")
    return left.delta(right, unit="microsecond").cast("float64") / _MICROSECONDS


def _shifted(day: ibis.Value, number: ibis.Value) -> ibis.Value:
    moved = day.cast("timestamp") + (number * 86_400).round().cast("int64").as_interval("s")
    return moved.date() if day.type().is_date() else moved


def _years(first: ibis.Value, last: ibis.Value) -> ibis.Value:
    """Whole years completed between two days: an age."""
    before = (last.month() * 100 + last.day()) < (first.month() * 100 + first.day())
    return last.year() - first.year() - before.cast("int32")


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "not": lambda value: ~value,
    "missing": lambda value: value.isnull(),
    "matches": lambda value, pattern: value.re_search(f"^(?:{pattern})$"),
    "day": lambda value: value.date(),
    "days": _days_between,
    "shift": _shifted,
    "years": _years,
    "length": lambda value: value.length(),
    "abs": lambda value: value.abs(),
    "number": lambda value: value.try_cast("float64"),
    "/": _divided,
}
