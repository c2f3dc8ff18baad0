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

if TYPE_CHECKING:
    import ibis

_COMPARE = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
            ">": operator.gt, ">=": operator.ge}  # fmt: skip
_COMPUTE = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_MICROSECONDS = 86_400_000_000


def express(
    node: Node, table: ibis.Table, look_into: Callable[[str], ibis.Table], decimals: int
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
    """
    if node.op == "column":
        column = table[".".join(part for part in node.args if part)]
        return column.date() if node.kind == "date" and column.type().is_timestamp() else column
    if node.op == "literal":
        return _literal(node.args[0])
    if node.op == "found":
        other, column = node.args[1].args
        value = express(node.args[0], table, look_into, decimals)
        members = look_into(other)[column]
        # In an empty set is nothing, a missing value included; whether that is in one is not known.
        return _if_known(value, value.isin(members.as_table().drop_null().distinct()[column]))
    args = [arg if isinstance(arg, str) else express(arg, table, look_into, decimals) for arg in node.args]
    if node.op == "money":
        if node.args[0].op == "literal":
            return _literal(node.args[0].args[0] * 10**decimals)
        return _scaled(args[0], 10**decimals)
    return _OPERATIONS[node.op](*args) if node.op in _OPERATIONS else _operation(node.op, args)


def _operation(op: str, args: Sequence[Any]) -> ibis.Value:
    if op in _COMPARE:
        return _COMPARE[op](*args)
    if op in _COMPUTE:
        return _COMPUTE[op](*(_wide(arg) for arg in args))
    if op in ("and", "or"):
        return balanced(operator.and_ if op == "and" else operator.or_, args)
    return args[0].isin(args[1:])


def balanced(join: Callable[[Any, Any], Any], parts: Sequence[Any]) -> Any:
    """Parts joined two by two, so that the result is as flat as can be."""
    while len(parts) > 1:
        pairs = [join(*parts[at : at + 2]) for at in range(0, len(parts) - 1, 2)]
        parts = pairs + list(parts[len(parts) // 2 * 2 :])
    return parts[0]


def _literal(value: object) -> Any:
    import ibis

    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
        return ibis.literal(value, "int64" if isinstance(value, int) and abs(value) < 2**63 else "float64")
    if isinstance(value, str):
        # As cleansing writes texts.
        return ibis.literal(normalize_text(pd.Series([value], dtype="str")).iloc[0])
    return ibis.literal(value)


def _wide(value: ibis.Value) -> ibis.Value:
    """Whole numbers with room for what comes out: 64 bits would run over."""
    return value.cast("decimal(38, 0)") if value.type().is_integer() else value


def _scaled(value: ibis.Value, factor: int) -> ibis.Value:
    """A number in minor units; what is not whole is freed of the errors of binary fractions."""
    return (value * factor).round(4) if value.type().is_floating() else _wide(value) * factor


def _if_known(value: ibis.Value, result: ibis.Value) -> ibis.Value:
    import ibis

    return ibis.ifelse(value.isnull(), ibis.null("boolean"), result)


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
