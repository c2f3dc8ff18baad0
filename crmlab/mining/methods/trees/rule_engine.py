"""A tree or its rules as an expression of an engine, so that rows are scored where they live."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from crmlab.engine import need_columns
from crmlab.errors import ParameterError
from crmlab.mining.methods.trees.rule_conditions import Condition, Interval, Values
from crmlab.mining.methods.trees.rules import RuleSet, tree_rules
from crmlab.mining.methods.trees.structure import Tree

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

#: Below it every whole number is a double.
_WHOLE = 2**53


def score_table(
    rules: Tree | RuleSet, table: Log, name: str = "prediction", probability_of: Any = None
) -> Log:
    """A table with the class that the tree predicts for each row, or the probability of a class.

    Parameters
    ----------
    rules
        A tree, or its rules.
    table
        A DataFrame or an ibis table; what goes in comes out, and an ibis table is not evaluated.
    name
        Name of the new column.
    probability_of
        A class, whose probability is then given instead of the predicted class.

    Raises
    ------
    TableError
        If the table lacks a column that the rules ask.
    ParameterError
        If the table has a column of the new name, or there is no such class.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab.mining.methods.trees import Cuts, Node
    >>> root = Node([3, 2], Cuts("visits", (4.0,)), [Node([3, 0]), Node([0, 2])])
    >>> tree = Tree(root, ["stays", "leaves"], ["visits"])
    >>> score_table(tree, pd.DataFrame({"visits": [1, 9]}))["prediction"].tolist()
    ['stays', 'leaves']
    """
    import pandas as pd

    found = tree_rules(rules)
    if name in table.columns:
        raise ParameterError(f"The table has a column {name} already; give another name for the new one.")
    if isinstance(table, pd.DataFrame):
        _need(found, table)
        import numpy as np

        answers = np.array(found.answers(probability_of), dtype=_dtype(found, probability_of))
        return table.assign(**{name: answers[found.apply(table)]})
    return table.mutate(**{name: score_expression(found, table, probability_of)})


def score_expression(rules: Tree | RuleSet, table: ibis.Table, probability_of: Any = None) -> ibis.Value:
    """The class that the tree predicts, or the probability of a class, as an expression on a table.

    Parameters and errors are those of `score_table`. NULL and NaN are missing; numbers are compared as
    doubles, as the tree compares them.
    """
    import ibis

    found = tree_rules(rules)
    _need(found, table)
    answers = [_exact(answer) for answer in found.answers(probability_of)]
    if not found.rules[0].conditions:
        return answers[0]
    asked: dict[Condition, ibis.Value] = {}
    ways = []
    for rule, answer in zip(found.rules, answers, strict=True):
        for condition in rule.conditions:
            if condition not in asked:
                asked[condition] = _asked(condition, table)
        ways.append((ibis.and_(*(asked[condition] for condition in rule.conditions)), answer))
    return ibis.cases(*ways)


def _need(rules: RuleSet, table: Log) -> None:
    asked = {condition.column: None for rule in rules.rules for condition in rule.conditions}
    need_columns(table, asked, "The tree's rules")


def _dtype(rules: RuleSet, probability_of: Any) -> Any:
    return rules.classes.dtype if probability_of is None else float


def _asked(condition: Condition, table: ibis.Table) -> ibis.Value:
    """A condition; no NOT stands around it, so that NULL is as good as false."""
    import ibis

    column = table[condition.column]
    has_nan = column.type().is_floating()
    interval = isinstance(condition, Interval)
    inside = _between(condition, column) if interval else _among(condition, column)
    if condition.missing:
        missing = column.isnull() | column.isnan() if has_nan else column.isnull()
        return missing if inside is None else inside | missing
    if inside is None:
        return ibis.literal(False)
    # An engine may hold that NaN is greater than all numbers, and it is unlike all values.
    wide = condition.high is None if interval else condition.negated
    return inside & ~column.isnan() if has_nan and wide else inside


def _between(condition: Interval, column: ibis.Value) -> ibis.Value | None:
    if not condition.numbers:
        return None
    bounds = [bound for bound in (condition.low, condition.high) if bound is not None]
    if column.type().is_integer() and all(abs(bound) < _WHOLE for bound in bounds):
        # Whole numbers stay what they are: to be above 2.5 is to be above 2.
        exact = math.floor
    else:
        column = column.cast("int8") if column.type().is_boolean() else column
        column, exact = column.cast("float64"), _exact
    parts = [column > exact(condition.low)] if condition.low is not None else []
    parts += [column <= exact(condition.high)] if condition.high is not None else []
    return parts[0] & parts[-1] if parts else column.notnull()


def _among(condition: Values, column: ibis.Value) -> ibis.Value | None:
    """Whether a value is in the set; values of another kind than the column's are in no row."""
    kind = column.type()
    if kind.is_string():
        values = [value for value in condition.values if isinstance(value, str)]
    elif kind.is_boolean():
        values = [bool(value) for value in condition.values if value in (0, 1)]
    elif kind.is_numeric():
        values = [_exact(float(value)) for value in condition.values if not isinstance(value, str)]
        column = column.cast("float64")
    else:
        values = []
    if not values:
        return column.notnull() if condition.negated else None
    return column.notin(values) if condition.negated else column.isin(values)


def _exact(value: Any) -> Any:
    """A literal; a float by way of its text, as engines round some of those that are written as decimals."""
    import ibis

    return ibis.literal(repr(value)).cast("float64") if isinstance(value, float) else ibis.literal(value)
