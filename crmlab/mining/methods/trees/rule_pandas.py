"""Rules as Python to paste: an expression of pandas and numpy that needs nothing of crmlab."""

from __future__ import annotations

from typing import Any

import numpy as np

from crmlab.errors import ParameterError
from crmlab.mining.methods.trees.rule_conditions import Condition, Interval
from crmlab.mining.methods.trees.rules import Rule, RuleSet, tree_rules
from crmlab.mining.methods.trees.structure import Tree


def pandas_expression(rules: Tree | RuleSet, probability_of: Any = None, frame: str = "frame") -> str:
    """An expression that gives each row of a frame the class that the tree predicts.

    Parameters
    ----------
    rules
        A tree, or its rules; those that `simplify` gives make for a shorter expression.
    probability_of
        A class, whose probability the expression then gives as a score; without it, the predicted class.
    frame
        What the DataFrame is called. Its columns bear the names that the tree was given.

    Returns
    -------
    str
        Python that, where ``np`` is numpy, gives an array with a value for each row. It is no string for
        ``frame.eval``, which rounds cut points to the precision of a 32-bit column and does not take
        every name of a column.

    Raises
    ------
    ParameterError
        If there is no such class, or a class is neither text nor number.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab.mining.methods.trees import Cuts, Node
    >>> root = Node([3, 2], Cuts("visits", (4.0,)), [Node([3, 0]), Node([0, 2])])
    >>> text = pandas_expression(Tree(root, ["stays", "leaves"], ["visits"]))
    >>> print(text)
    np.array(['stays', 'leaves'])[np.select([
        ~(frame['visits'].to_numpy(float, na_value=np.nan) > 4.0),
        (frame['visits'].to_numpy(float, na_value=np.nan) > 4.0),
    ], [0, 1])]
    >>> eval(text, {"np": np, "frame": pd.DataFrame({"visits": [1, 9, None]})}).tolist()
    ['stays', 'leaves', 'stays']
    """
    found = tree_rules(rules)
    answers = found.answers(probability_of)
    distinct = found.classes.tolist() if probability_of is None else list(dict.fromkeys(answers))
    if not all(isinstance(answer, str | bool | int | float) for answer in distinct):
        raise ParameterError("Classes are written into Python as texts and numbers; give them as such.")
    kind = ", dtype=object" if probability_of is None and found.classes.dtype == object else ""
    lines = "".join(f"    {_mask(rule, frame)},\n" for rule in found.rules)
    places = [distinct.index(answer) for answer in answers]
    return f"np.array({distinct!r}{kind})[np.select([\n{lines}], {places})]"


def pandas_mask(rules: Tree | RuleSet, rule: int, frame: str = "frame") -> str:
    """An expression that is true for the rows of one rule; ``frame[<it>]`` lists them.

    Parameters
    ----------
    rules, frame
        As for `pandas_expression`.
    rule
        Number of the rule, from 1, as in :meth:`RuleSet.to_frame`.

    Examples
    --------
    >>> from crmlab.mining.methods.trees import Groups, Node
    >>> root = Node([3, 2], Groups("plan", (("basic",), ("pro",))), [Node([3, 0]), Node([0, 2])])
    >>> pandas_mask(Tree(root, ["stays", "leaves"], ["plan"]), 2)
    "frame['plan'].astype(object).isin(['pro'])"
    """
    return _mask(tree_rules(rules).rule(rule), frame)


def _mask(rule: Rule, frame: str) -> str:
    masks = [_asked(condition, frame) for condition in rule.conditions]
    return " & ".join(masks) or f"np.ones(len({frame}), dtype=bool)"


def _asked(condition: Condition, frame: str) -> str:
    column = f"{frame}[{condition.column!r}]"
    if isinstance(condition, Interval):
        x = f"{column}.to_numpy(float, na_value=np.nan)"
        above = f"({x} > {_number(condition.low)})" if condition.low is not None else ""
        up_to = f"({x} <= {_number(condition.high)})" if condition.high is not None else ""
        parts = [part for part in (above, up_to) if part]
        if not condition.numbers:
            return f"np.isnan({x})"
        if not parts:
            return f"~np.isnan({x})"
        if not condition.missing:
            return " & ".join(parts)
        # Of a missing number no comparison is true, so what is not beyond a bound may be missing.
        return " & ".join(
            f"~({x} {sign} {_number(bound)})"
            for sign, bound in (("<=", condition.low), (">", condition.high))
            if bound is not None
        )
    inside = f"{column}.astype(object).isin({list(condition.values)!r})"
    if condition.negated:
        return f"~{inside}" if condition.missing else f"~{inside} & {column}.notna()"
    return f"({inside} | {column}.isna())" if condition.missing else inside


def _number(bound: float) -> str:
    return repr(bound) if np.isfinite(bound) else f"float('{bound}')"
