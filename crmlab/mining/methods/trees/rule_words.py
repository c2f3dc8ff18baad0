"""Rules in words: if-then sentences in the language of a report."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from crmlab.errors import ParameterError, one_line
from crmlab.mining.methods.trees.rule_conditions import Condition, Interval, Values
from crmlab.mining.methods.trees.rules import Rule, RuleSet, tree_rules
from crmlab.mining.methods.trees.splits import Value
from crmlab.mining.methods.trees.structure import Tree

_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"


def word_rules(
    rules: Tree | RuleSet,
    tongue: Any,
    labels: Mapping[str, str] | None = None,
    values: Mapping[str, Mapping[Value, str]] | None = None,
    classes: Mapping[Any, str] | None = None,
    exact: bool = True,
    measures: bool = True,
) -> pd.Series:
    """Each rule as a sentence: if its conditions hold, then its class.

    Parameters
    ----------
    rules
        A tree, or its rules; those that `simplify` gives make for fewer and shorter sentences.
    tongue
        The language: ``report.tongue``, or what ``crmlab.locale.language`` gives.
    labels
        What columns are called in the sentences, by their names; without, their names.
    values
        By column, what its values are called; without, the values themselves.
    classes
        What the classes are called; without, the classes themselves.
    exact
        Say also where missing values and values never seen go, so that any row can be classified by
        reading; if not, they are told only where nothing else is.
    measures
        Add how many rows a rule covers, how often it is right and its lift.

    Returns
    -------
    Series
        Indexed by `rule`, from 1. Numbers have all their digits. Names inside right-to-left text are
        set off by isolates, so that each reads in its own direction.

    Examples
    --------
    >>> from crmlab.locale import language
    >>> from crmlab.mining.methods.trees import Cuts, Node
    >>> root = Node([3, 2], Cuts("visits", (4.0,)), [Node([3, 0]), Node([0, 2])])
    >>> for said in word_rules(Tree(root, ["stays", "leaves"], ["visits"]), language("en")):
    ...     print(said)
    If visits is at most 4 (or missing), then stays. 3 rows, 60.0% of all; 100.0% right, lift 1.67.
    If visits is above 4, then leaves. 2 rows, 40.0% of all; 100.0% right, lift 2.50.
    """
    _check_tongue(tongue)
    found = tree_rules(rules)
    words = _Words(found, tongue, labels or {}, values or {}, classes or {}, exact)
    said = [words.rule(rule) for rule in found.rules]
    table = found.to_frame()
    if measures:
        said = [f"{one} {_measures(row, tongue)}" for one, row in zip(said, table.itertuples(), strict=True)]
    return pd.Series(said, index=table.index, name="sentence", dtype="str")


def _check_tongue(tongue: Any) -> None:
    if not callable(tongue):
        raise ParameterError(
            f"tongue is a language, such as crmlab.locale.language('fa') or report.tongue, not {tongue!r}."
        )


def word_conditions(
    rules: Tree | RuleSet,
    tongue: Any,
    labels: Mapping[str, str] | None = None,
    show: Mapping[str, Callable[[float], str]] | None = None,
    say: Callable[[str], str] | None = None,
) -> pd.Series:
    """Whom each rule is about, without what it says of them: for the rows of a table.

    Parameters
    ----------
    rules, tongue, labels
        As for `word_rules`.
    show
        By column, what writes its numbers, such as ``report.money``; without, they have all their digits.
    say
        What writes values that are texts, such as ``report.text``; without, they stay as they are.

    Returns
    -------
    Series
        Indexed by `rule`, from 1. Missing values are told where they are all that is asked.

    Examples
    --------
    >>> from crmlab.locale import language
    >>> from crmlab.mining.methods.trees import Cuts, Node
    >>> root = Node([3, 2], Cuts("visits", (4.0,)), [Node([3, 0]), Node([0, 2])])
    >>> word_conditions(Tree(root, ["stays", "leaves"], ["visits"]), language("en")).tolist()
    ['visits is at most 4', 'visits is above 4']
    """
    found = tree_rules(rules)
    words = _Words(found, tongue, labels or {}, {}, {}, False, show or {}, say or str)
    said = [tongue(" and ").join(map(words.condition, rule.conditions)) for rule in found.rules]
    said = [one or tongue("all") for one in said]
    return pd.Series(said, pd.RangeIndex(1, len(said) + 1, name="rule"), name="conditions", dtype="str")


class _Words:
    """What columns, values and classes are called, and sentences of them."""

    def __init__(
        self,
        rules: RuleSet,
        tongue: Any,
        labels: Mapping[str, str],
        values: Mapping[str, Mapping[Value, str]],
        classes: Mapping[Any, str],
        exact: bool,
        show: Mapping[str, Callable[[float], str]] | None = None,
        say: Callable[[str], str] = str,
    ) -> None:
        self.rules, self.tongue, self.exact = rules, tongue, exact
        self.labels, self.values, self.classes = labels, values, classes
        self.show, self.say = show or {}, say

    def rule(self, rule: Rule) -> str:
        predicted = self.rules.classes.tolist()[rule.prediction]
        prediction = self.named(self.classes.get(predicted, predicted))
        if not rule.conditions:
            return self.tongue("In all cases {prediction}.", prediction=prediction)
        conditions = self.tongue(" and ").join(map(self.condition, rule.conditions))
        return self.tongue(
            "If {conditions}, then {prediction}.", conditions=conditions, prediction=prediction
        )

    def condition(self, condition: Condition) -> str:
        column = self.named(self.labels.get(condition.column, condition.column))
        if isinstance(condition, Interval):
            said, others = self.interval(condition, column), False
        else:
            said, others = self.among(condition, column)
        if not said:
            return self.tongue("{column} is missing", column=column)
        if not self.exact or not (condition.missing or others):
            return said
        if not others:
            return self.tongue("{condition} (or missing)", condition=said)
        if not condition.missing:
            return self.tongue("{condition} (or another value)", condition=said)
        return self.tongue("{condition} (or another value, or missing)", condition=said)

    def interval(self, condition: Interval, column: str) -> str:
        show = self.show.get(condition.column, self.number)
        low, high = (bound if bound is None else show(bound) for bound in (condition.low, condition.high))
        if not condition.numbers:
            return ""
        if low is None and high is None:
            return self.tongue("{column} is known", column=column)
        if low is None:
            return self.tongue("{column} is at most {high}", column=column, high=high)
        if high is None:
            return self.tongue("{column} is above {low}", column=column, low=low)
        return self.tongue("{column} is above {low} and at most {high}", column=column, low=low, high=high)

    def among(self, condition: Values, column: str) -> tuple[str, bool]:
        """The values in words, and whether others than those named belong to them."""
        known = self.rules.known.get(condition.column, condition.values)
        inside = set(condition.values)
        rest = [value for value in known if value not in inside]
        if condition.negated and (not rest or len(rest) > len(inside)):
            if not inside:
                return self.tongue("{column} is known", column=column), False
            names = self.listed(condition.column, [value for value in known if value in inside])
            if len(inside) == 1:
                return self.tongue("{column} is not {value}", column=column, value=names), False
            return self.tongue("{column} is none of {values}", column=column, values=names), False
        members = rest if condition.negated else [value for value in known if value in inside]
        names = self.listed(condition.column, members)
        if len(members) == 1:
            return self.tongue("{column} is {value}", column=column, value=names), condition.negated
        if members:
            return self.tongue("{column} is one of {values}", column=column, values=names), condition.negated
        return "", False

    def listed(self, column: str, members: list[Value]) -> str:
        called = self.values.get(column, {})
        return self.tongue(", ").join(self.named(called.get(value, self.said(value))) for value in members)

    def said(self, value: Value) -> Value:
        return self.say(value) if isinstance(value, str) else value

    def named(self, thing: Any) -> str:
        """A name, a value or a class, set off where it would run into the sentence."""
        if isinstance(thing, bool):
            return self.tongue("true") if thing else self.tongue("false")
        if isinstance(thing, int | float):
            return self.number(thing)
        text = one_line(str(thing))
        if not text or text != str(thing) or "," in text or "،" in text:
            text = f"«{text}»" if self.tongue.right_to_left else f'"{text}"'
        if self.tongue.right_to_left and not _reads_from_right(text):
            return f"{_FIRST_STRONG_ISOLATE}{text}{_POP_ISOLATE}"
        return text

    def number(self, number: float) -> str:
        """A number with all its digits."""
        text = repr(float(number))
        if 1e-6 <= abs(number) < 1e16 or number == 0:
            text = f"{Decimal(text):,f}".removesuffix(".0")
        return self.tongue.digits(text)


def _measures(row: Any, tongue: Any) -> str:
    rows = int(row.rows) if row.rows == int(row.rows) else round(row.rows, 1)
    if not rows:
        return tongue("No rows.")
    return tongue(
        "{n:,} {n:row|rows}, {share} of all; {confidence} right, lift {lift}.", n=rows,
        share=tongue.percent(row.share), confidence=tongue.percent(row.confidence),
        lift=tongue.number(row.lift, 2),
    )  # fmt: skip


def _reads_from_right(text: str) -> bool:
    strong = (sign for sign in map(unicodedata.bidirectional, text) if sign in ("L", "R", "AL"))
    return next(strong, "L") != "L"
