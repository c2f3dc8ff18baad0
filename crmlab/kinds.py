"""Kinds of values in conditions: what may be compared with what, and what comes out of arithmetic."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from crmlab.conditions import COMPARISONS, FUNCTIONS, Node, negative
from crmlab.errors import ParameterError, did_you_mean


class Field(NamedTuple):
    """What a condition has to know of a column: its kind ("" if not known yet) and its allowed values."""

    kind: str
    allowed: tuple[str, ...] = ()


#: Gives what is known of a column by table ("" for the rule's own) and name, or raises a ParameterError.
Fields = Callable[[str, str], Field]

_LITERALS = {Decimal: "number", str: "text", bool: "boolean", datetime.date: "date"}
_ORDERED = ("number", "money", "date", "time")
_DAYS = ("date", "time")
#: What products and quotients are.
_RESULTS = {
    ("*", "number", "number"): "number",
    ("*", "number", "money"): "money",
    ("*", "money", "number"): "money",
    ("/", "number", "number"): "number",
    ("/", "money", "number"): "money",
    ("/", "money", "money"): "number",
}


def typed(node: Node, field: Fields) -> Node:
    """A condition with the kind of every part told, and its conversions put in.

    A number beside money is an amount in whole units of the currency (``"money"`` takes it to
    minor units); a point of time beside a day is cut to its day (``"day"``); a difference of days
    becomes ``"days"``, a day moved by a number of days ``"shift"``.

    Raises
    ------
    ParameterError
        If an operator cannot work on what it is given.

    Examples
    --------
    >>> from crmlab.conditions import parse
    >>> typed(parse("amount <= 5"), lambda table, name: Field("money")).args[1].op
    'money'
    """
    if node.op == "column":
        return node._replace(kind=field(*node.args).kind)
    if node.op == "literal":
        return node._replace(kind=_LITERALS[type(node.args[0])])
    args = tuple(typed(arg, field) if isinstance(arg, Node) else arg for arg in node.args)
    if node.op in ("in", "found", *COMPARISONS):
        return _comparison(node.op, args, field)
    if node.op in FUNCTIONS:
        for arg, kinds in zip(args, FUNCTIONS[node.op], strict=True):
            need_kind(arg, kinds, node.op)
        return Node(node.op, args, args[0].kind if node.op == "abs" else "number")
    if node.op in ("+", "-", "*", "/"):
        return _arithmetic(node.op, *args)
    if node.op == "matches":
        need_kind(args[0], ("text",), "matches")
    elif node.op != "missing":
        for arg in args:
            need_kind(arg, ("boolean",), node.op)
    return Node(node.op, args, "boolean")


def _comparison(op: str, args: tuple[Node, ...], field: Fields) -> Node:
    left, rest = args[0], []
    for right in args[1:]:
        _need_allowed(left, right, field)
        _need_allowed(right, left, field)
        left, right = _alike(op, left, right)
        rest.append(right)
    if op in ("<", "<=", ">", ">="):
        for arg in (left, *rest):
            need_kind(arg, _ORDERED, op)
    return Node(op, (left, *rest), "boolean")


def _alike(op: str, left: Node, right: Node) -> tuple[Node, Node]:
    """Both sides brought to one kind."""
    kinds = {left.kind, right.kind}
    if kinds == {"money", "number"}:
        return _as_money(left), _as_money(right)
    if kinds == {"date", "time"}:
        return _as_day(left), _as_day(right)
    if len(kinds) == 1 or "" in kinds:
        return left, right
    said = f"{_told(left)} and {_told(right)} cannot be compared by {op!r}."
    if "text" in kinds:
        said += " Texts stand in quotes; numbers, days (2024-08-02), true and false without."
    if kinds == {"text", "number"}:
        said += " number(...) reads a number from a text."
    raise ParameterError(said)


def _as_money(node: Node) -> Node:
    return node if node.kind == "money" else Node("money", (node,), "money")


def _as_day(node: Node) -> Node:
    return node if node.kind == "date" else Node("day", (node,), "date")


def _arithmetic(op: str, left: Node, right: Node) -> Node:
    kinds = (left.kind, right.kind)
    if "" in kinds:
        return Node(op, (left, right))
    if op in "+-" and set(kinds) == {"number"}:
        return Node(op, (left, right), "number")
    if op in "+-" and set(kinds) <= {"money", "number"}:
        return Node(op, (_as_money(left), _as_money(right)), "money")
    if op == "-" and set(kinds) <= set(_DAYS):
        pair = (left, right) if kinds[0] == kinds[1] else (_as_day(left), _as_day(right))
        return Node("days", pair, "number")
    if op in "+-" and kinds[0] in _DAYS and kinds[1] == "number":
        return Node("shift", (left, right if op == "+" else negative(right)), kinds[0])
    if kind := _RESULTS.get((op, *kinds)):
        return Node(op, (left, right), kind)
    raise ParameterError(f"{op!r} cannot be worked out for {_told(left)} and {_told(right)}.")


def need_kind(node: Node, kinds: tuple[str, ...], what: str) -> None:
    """Make sure that a part of a condition is of one of these kinds, if its kind is known."""
    if node.kind and node.kind not in kinds:
        wanted = "a condition" if kinds == ("boolean",) else " or ".join(kinds)
        raise ParameterError(f"{what!r} takes {wanted}, not {_told(node)}.")


def _need_allowed(column: Node, value: Node, field: Fields) -> None:
    """Refuse a value that the column cannot have."""
    if column.op == "column" and value.op == "literal":
        allowed = field(*column.args).allowed
        if allowed and value.args[0] not in allowed:
            guess = did_you_mean(str(value.args[0]), allowed)
            raise ParameterError(f"{column.args[1]} is never {_written(value)}{guess}")


def _written(literal: Node) -> str:
    """A value as it stands in a condition."""
    value = literal.args[0]
    return repr(value) if literal.kind == "text" else str(value).lower()


def _told(node: Node) -> str:
    """A part of a condition, for a sentence."""
    kind = f" ({node.kind})" if node.kind else ""
    if node.op == "column":
        return ".".join(part for part in node.args if part) + kind
    if node.op == "literal":
        return _written(node) + kind
    return f"what {node.op!r} gives{kind}"
