"""Conditions on the rows of a table, such as ``ended_at >= started_at or ended_at is missing``.

The language of rules: columns, numbers, texts in quotes, days, true and false; ``+ - * /``;
``= != < <= > >=`` (also in chains: ``1 <= score <= 5``); ``in [...]``, ``in table.column``,
``matches 'pattern'``, ``is missing``; ``and``, ``or``, ``not``; a few functions. Nothing is
executed: `parse` makes a tree of a text, `crmlab.rules` checks it against the columns there are.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from crmlab.calendars import as_day
from crmlab.errors import ParameterError, did_you_mean


class Node(NamedTuple):
    """One step of a condition: an operator (or ``"column"`` or a literal) and what it works on.

    Attributes
    ----------
    op
        ``"column"`` (table or "", name), ``"literal"`` (value), or an operator.
    args
        Nodes; for columns and literals their names and values.
    kind
        ``"number"``, ``"money"``, ``"text"``, ``"date"``, ``"time"`` or ``"boolean"``; "" where
        it is not known (yet).
    """

    op: str
    args: tuple[Any, ...]
    kind: str = ""


COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
_SPELLINGS = {"==": "=", "<>": "!=", "≠": "!=", "≤": "<=", "≥": ">=", "−": "-", "×": "*", "÷": "/"}
#: Functions, with the kinds that each of their values may have.
FUNCTIONS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "years": (("date", "time"), ("date", "time")),
    "length": (("text",),),
    "abs": (("number", "money"),),
    "number": (("text",),),
}
_WORDS = ("and", "or", "not", "in", "is", "missing", "matches", "true", "false")
_OPERATORS = (*COMPARISONS, "in [...]", "matches", "is missing", "and", "or", "not", "+", "-", "*", "/")
_LONGEST, _DEEPEST = 100_000, 40

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<date>\d{4}([-/])\d{1,2}\2\d{1,2}(?!\w))
    | (?P<number>\d[\d_]*(?:\.\d+)?(?!\w))
    | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<name>`[^`]+`|[^\W\d][\w\u200c]*)
    | (?P<sign><=|>=|==|!=|<>|[=<>≤≥≠+\-−*/×÷(),.\[\]])
    | (?P<end>$)
    )""",
    re.VERBOSE,
)


def parse(text: str) -> Node:
    """The tree of a condition.

    Raises
    ------
    ParameterError
        In one sentence that begins with what is wrong, if it cannot be understood.

    Examples
    --------
    >>> parse("stock >= 0").op
    '>='
    """
    return _Reader(text).whole()


class _Reader:
    """Reads a condition from the left, one sign ahead; the weakest operators first."""

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise ParameterError(f"{len(text):,} signs are too many; split it into several rules.")
        if "\0" in text:
            raise ParameterError("it holds a sign that no text has (zero).")
        self.tokens, self.depth = deque(_split(text)), 0

    def next_is(self, *signs: str) -> bool:
        kind, sign = self.tokens[0]
        return kind in ("word", "sign") and sign in signs

    def skip(self, *signs: str) -> str:
        """Take the next sign if it is one of these, else nothing."""
        return self.tokens.popleft()[1] if self.next_is(*signs) else ""

    def need(self, sign: str, after: str) -> None:
        if not self.skip(sign):
            raise ParameterError(f"{sign!r} is expected after {after}, before {_shown(self.tokens[0][1])}.")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ParameterError("it is nested too deeply; split it into several rules.")

    def whole(self) -> Node:
        node = self.either()
        kind, sign = self.tokens[0]
        if kind == "name":
            raise ParameterError(f"{sign!r} is not an operator{did_you_mean(sign, _OPERATORS)}")
        if kind != "end":
            raise ParameterError(f"{sign!r} is out of place.")
        return node

    def either(self) -> Node:
        self.deeper()
        nodes = [self.both()]
        while self.skip("or"):
            nodes.append(self.both())
        self.depth -= 1
        return nodes[0] if len(nodes) == 1 else Node("or", tuple(nodes))

    def both(self) -> Node:
        nodes = [self.negated()]
        while self.skip("and"):
            nodes.append(self.negated())
        return nodes[0] if len(nodes) == 1 else Node("and", tuple(nodes))

    def negated(self) -> Node:
        negate = False
        while self.skip("not"):
            negate = not negate
        return _negated(self.compared(), negate)

    def compared(self) -> Node:
        left = self.summed()
        if self.skip("is"):
            negate = self.skip("not")
            self.need("missing", "'is'")
            return _negated(Node("missing", (left,)), negate)
        negate = self.skip("not")
        if self.skip("in"):
            return _negated(self.among(left), negate)
        if self.skip("matches"):
            return _negated(Node("matches", (left, self.pattern())), negate)
        if negate:
            raise ParameterError(f"after 'not' stands 'in' or 'matches', not {_shown(self.tokens[0][1])}.")
        steps = []
        while sign := self.skip(*COMPARISONS):
            right = self.summed()
            steps.append(Node(sign, (left, right)))
            left = right
        return Node("and", tuple(steps)) if len(steps) > 1 else (steps or [left])[0]

    def among(self, left: Node) -> Node:
        closing = {"[": "]", "(": ")"}.get(self.skip("[", "("), "")
        if not closing:
            right = self.atom()
            if right.op == "column" and right.args[0]:
                return Node("found", (left, right))
            raise ParameterError("'in' takes a list such as ['web', 'app'] or a column such as table.column.")
        items = [self.signed()]
        while self.skip(","):
            items.append(self.signed())
        self.need(closing, "the list")
        if any(item.op != "literal" for item in items):
            raise ParameterError("a list holds numbers, texts in quotes or days.")
        return Node("in", (left, *items))

    def pattern(self) -> str:
        kind, sign = self.tokens.popleft()
        if kind != "text":
            raise ParameterError(r"'matches' takes a pattern in quotes, such as '\d{10}'.")
        pattern = _unquoted(sign)
        try:
            re.compile(pattern)
        except re.error as error:
            raise ParameterError(f"the pattern {pattern!r} is not a regular expression: {error}.") from None
        return pattern

    def summed(self) -> Node:
        return self.chain(self.multiplied, "+", "-")

    def multiplied(self) -> Node:
        return self.chain(self.signed, "*", "/")

    def chain(self, part: Callable[[], Node], *signs: str) -> Node:
        node, before = part(), self.depth
        while sign := self.skip(*signs):
            self.deeper()
            node = Node(sign, (node, part()))
        self.depth = before
        return node

    def signed(self) -> Node:
        if not self.skip("-"):
            return self.atom()
        node = self.atom()
        if node.op == "literal" and isinstance(node.args[0], Decimal):
            return Node("literal", (-node.args[0],))
        return negative(node)

    def atom(self) -> Node:
        kind, sign = self.tokens.popleft()
        if kind == "number":
            return Node("literal", (Decimal(sign),))
        if kind == "date":
            return Node("literal", (as_day(sign, "a day in a rule"),))
        if kind == "text":
            return Node("literal", (_unquoted(sign),))
        if sign in ("true", "false") and kind == "word":
            return Node("literal", (sign == "true",))
        if kind == "name":
            return self.named(sign)
        if (kind, sign) == ("sign", "("):
            node = self.either()
            self.need(")", "'('")
            return node
        raise ParameterError(f"a value is expected before {_shown(sign)}.")

    def named(self, name: str) -> Node:
        if self.skip("("):
            return self.called(name)
        name = name.strip("`")
        if not self.skip("."):
            return Node("column", ("", name))
        kind, column = self.tokens.popleft()
        if kind != "name":
            raise ParameterError(f"a column is expected after {name + '.'!r}.")
        return Node("column", (name, column.strip("`")))

    def called(self, name: str) -> Node:
        if name not in FUNCTIONS:
            raise ParameterError(f"there is no function {name!r}{did_you_mean(name, FUNCTIONS)}")
        self.deeper()
        args = [self.summed()]
        while self.skip(","):
            args.append(self.summed())
        self.depth -= 1
        self.need(")", f"what {name} takes")
        wanted = len(FUNCTIONS[name])
        if len(args) != wanted:
            raise ParameterError(f"{name} takes {wanted} value{'s' if wanted > 1 else ''}, not {len(args)}.")
        return Node(name, tuple(args))


def _split(text: str) -> Iterator[tuple[str, str]]:
    """Kind and text of every sign, the end last."""
    kind, place = "", 0
    while kind != "end":
        found = _TOKEN.match(text, place)
        if not found:
            rest = text[place:].lstrip()
            if rest[0] in "'\"`":
                raise ParameterError(f"the quote {rest[0]} is opened and not closed.")
            raise ParameterError(f"{rest.split()[0]!r} is not understood.")
        kind, place = str(found.lastgroup), found.end()
        sign = found[kind]
        if kind == "name" and sign.casefold() in _WORDS:
            yield "word", sign.casefold()
        else:
            yield kind, _SPELLINGS.get(sign, sign)


def _shown(sign: str) -> str:
    return repr(sign) if sign else "the end"


def _unquoted(text: str) -> str:
    return text[1:-1].replace(text[0] * 2, text[0])


def _negated(node: Node, negate: object = True) -> Node:
    return Node("not", (node,)) if negate else node


def negative(node: Node) -> Node:
    """The node with the other sign: nought minus the node."""
    return Node("-", (Node("literal", (Decimal(0),), node.kind and "number"), node), node.kind)


def columns_of(node: Node, members: bool = True) -> Iterator[tuple[str, str]]:
    """Table ("" for the rule's own) and name of every column in a condition, from the left.

    Parameters
    ----------
    members
        Also those in which a condition looks whether they hold a value (``in table.column``).
    """
    if node.op == "column":
        yield node.args
    else:
        for arg in node.args[:1] if node.op == "found" and not members else node.args:
            if isinstance(arg, Node):
                yield from columns_of(arg, members)
