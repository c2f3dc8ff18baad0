"""A tree as rules: one for each leaf, each with its conditions, and how often it is right."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError, did_you_mean, listed
from crmlab.mining.methods.trees.rule_conditions import (
    Condition,
    branch_condition,
    condition_from_dict,
)
from crmlab.mining.methods.trees.splits import Groups, Value, plain_value, values_of
from crmlab.mining.methods.trees.structure import Tree


@dataclass(frozen=True)
class Rule:
    """If all conditions hold, then the class.

    Attributes
    ----------
    conditions : tuple of Interval or Values
        At most one of a kind for each column, in the order of the path; none where all rows are meant.
    prediction : int
        Place of the class that is predicted.
    probabilities : tuple of float
        Probability of each class.
    counts : tuple of float
        Rows of each class (their weights) that the rule covers.
    leaves : tuple of str
        Keys of the leaves whose rows these are, such as "1.2".
    """

    conditions: tuple[Condition, ...]
    prediction: int
    probabilities: tuple[float, ...]
    counts: tuple[float, ...]
    leaves: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class RuleSet:
    """Rules of which exactly one holds for every row, so that together they classify as their tree does.

    Attributes
    ----------
    rules : tuple of Rule
        In the order of the leaves.
    classes : ndarray
        The classes, in the order of each rule's counts.
    columns : list of str
        Names of the columns, in the order of the data.
    known : dict
        By column, the values that a split names, in the order of the tree.
    """

    rules: tuple[Rule, ...]
    classes: np.ndarray
    columns: list[str]
    known: dict[str, tuple[Value, ...]]

    def apply(self, X: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Place of the rule that holds for each row of `X`, shape (n,)."""
        found = np.zeros(len(X), dtype=np.intp)
        held: dict[Condition, np.ndarray] = {}
        for place, rule in enumerate(self.rules):
            inside = np.ones(len(X), dtype=bool)
            for condition in rule.conditions:
                if condition not in held:
                    held[condition] = condition.holds(values_of(X, self.columns, condition.column))
                inside &= held[condition]
            found[inside] = place
        return found

    def predict_proba(self, X: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Probability of each class for each row of `X`, shape (n, classes)."""
        return np.array([rule.probabilities for rule in self.rules])[self.apply(X)]

    def predict(self, X: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Class of each row of `X`, shape (n,)."""
        return self.classes[np.array([rule.prediction for rule in self.rules])[self.apply(X)]]

    def rule(self, number: int) -> Rule:
        """The rule of a number, from 1, as :meth:`to_frame` counts them.

        Raises
        ------
        ParameterError
            If there is none.
        """
        if number not in range(1, len(self.rules) + 1):
            raise ParameterError(f"There is no rule {number!r}; the rules are 1 to {len(self.rules)}.")
        return self.rules[number - 1]

    def answers(self, probability_of: Any = None) -> list[Any]:
        """What each rule says: its class, or the probability of a class.

        Raises
        ------
        ParameterError
            If there is no such class.
        """
        if probability_of is None:
            return self.classes[[rule.prediction for rule in self.rules]].tolist()
        places = np.flatnonzero([one == probability_of for one in self.classes.tolist()])
        if not len(places):
            known = did_you_mean(str(probability_of), map(str, self.classes))
            raise ParameterError(f"The tree tells no class {probability_of!r}{known}")
        return [rule.probabilities[places[0]] for rule in self.rules]

    def counted(
        self,
        X: pd.DataFrame | np.ndarray,
        y: Sequence[Any] | pd.Series | np.ndarray,
        sample_weight: Sequence[float] | np.ndarray | None = None,
    ) -> RuleSet:
        """The same rules with the counts of other data, such as data held out.

        Parameters
        ----------
        X
            The rows, laid out as the tree was given them.
        y
            The class of each row.
        sample_weight
            The weight of each row; 1 without.

        Raises
        ------
        ParameterError
            If `y` holds a class that the tree does not know, or is not as long as `X`.
        """
        if len(X) != len(y):
            raise ParameterError(f"X has {len(X):,} rows and y has {len(y):,}; give one class for each row.")
        place = pd.Index(self.classes).get_indexer(pd.Index(np.asarray(y)))
        if (place < 0).any():
            rows = np.flatnonzero(place < 0)
            raise ParameterError(
                f"The classes are {listed(map(str, self.classes))}; y holds something else in {len(rows):,} "
                f"of its rows, first in row {rows[0]} (the first is row 0). Leave these rows out."
            )
        counts = np.zeros((len(self.rules), len(self.classes)))
        np.add.at(counts, (self.apply(X), place), 1.0 if sample_weight is None else np.asarray(sample_weight))
        rules = zip(self.rules, counts.tolist(), strict=True)
        return replace(self, rules=tuple(replace(rule, counts=tuple(count)) for rule, count in rules))

    def to_frame(self) -> pd.DataFrame:
        """How far each rule reaches and how often it is right.

        Returns
        -------
        DataFrame
            Indexed by `rule`, from 1, in the order of the leaves: `leaves` (their keys), `prediction`,
            `rows` (the sum of their weights), `share` (coverage: `rows` by all rows), `confidence` (the
            share of the rows that are of the predicted class), `lift` (confidence by the share of that
            class among all rows). Confidence and lift are missing where there are no rows to tell.
        """
        counts = np.array([rule.counts for rule in self.rules])
        predicted = np.array([rule.prediction for rule in self.rules])
        rows, every = counts.sum(1), counts.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            confidence = counts[np.arange(len(counts)), predicted] / rows
            lift = confidence / (counts.sum(0) / every)[predicted]
            share = rows / every
        found = {
            "leaves": [", ".join(rule.leaves) for rule in self.rules], "prediction": self.classes[predicted],
            "rows": rows, "share": share, "confidence": confidence, "lift": lift,
        }  # fmt: skip
        return pd.DataFrame(found, index=pd.RangeIndex(1, len(counts) + 1, name="rule"))

    def to_json(self, indent: int | None = None) -> str:
        """The rules as JSON, from which :meth:`from_json` makes a classifier with the same answers.

        Raises
        ------
        ParameterError
            If a class or a value is none that JSON has.
        """
        rules = [
            {
                "conditions": [condition.to_dict() for condition in rule.conditions],
                "prediction": rule.prediction, "probabilities": rule.probabilities, "counts": rule.counts,
                "leaves": rule.leaves,
            }
            for rule in self.rules
        ]  # fmt: skip
        plain = {
            "classes": self.classes.tolist(),
            "columns": self.columns,
            "known": self.known,
            "rules": rules,
        }
        try:
            return json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=indent)
        except (TypeError, ValueError):
            raise ParameterError(
                "JSON holds texts, finite numbers, true and false; a class or a value of a group is "
                "something else. Give it as text."
            ) from None

    @classmethod
    def from_json(cls, text: str) -> RuleSet:
        """The rules that :meth:`to_json` wrote down.

        Raises
        ------
        ParameterError
            If the text is not what :meth:`to_json` wrote.
        """
        try:
            plain = json.loads(text)
            rules = tuple(
                Rule(
                    tuple(condition_from_dict(condition) for condition in rule["conditions"]),
                    int(rule["prediction"]),
                    *(tuple(rule[part]) for part in ("probabilities", "counts", "leaves")),
                )
                for rule in plain["rules"]
            )
            known = {column: tuple(values) for column, values in plain["known"].items()}
            return cls(rules, np.asarray(plain["classes"]), list(plain["columns"]), known)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ParameterError("This text holds no rules; give it as RuleSet.to_json wrote it.") from None


def tree_rules(
    tree: Tree | RuleSet,
    X: pd.DataFrame | np.ndarray | None = None,
    y: Sequence[Any] | pd.Series | np.ndarray | None = None,
) -> RuleSet:
    """A tree as rules, one for each leaf.

    All that a path asks of one column becomes one condition: several cuts one interval, several
    groupings one set of values. A leaf that no row can reach, such as one below 5 and then above 9,
    has no rule.

    Parameters
    ----------
    tree
        The tree; rules stay as they are.
    X, y
        Rows and their classes to count anew, such as those held out; without them the counts are those
        of the tree's nodes.

    Returns
    -------
    RuleSet
        Exactly one rule holds for any row, whatever is missing or was never seen.

    Raises
    ------
    ParameterError
        If only one of `X` and `y` is given, or as :meth:`RuleSet.counted` says.

    Examples
    --------
    >>> from crmlab.mining.methods.trees import Cuts, Node, Tree
    >>> root = Node([3, 2], Cuts("visits", (4.0,)), [Node([3, 0]), Node([0, 2])])
    >>> found = tree_rules(Tree(root, ["stays", "leaves"], ["visits"]))
    >>> found.to_frame()[["prediction", "rows", "confidence", "lift"]].values.tolist()
    [['stays', 3.0, 1.0, 1.6666666666666667], ['leaves', 2.0, 1.0, 2.5]]
    """
    if (X is None) != (y is None):
        raise ParameterError(
            "Rules are counted anew on rows and their classes; give both X and y, or neither."
        )
    found = tree if isinstance(tree, RuleSet) else _rules_of(tree)
    return found if X is None else found.counted(X, y)


def _rules_of(tree: Tree) -> RuleSet:
    tree = getattr(tree, "tree_", tree)
    if not isinstance(tree, Tree):
        raise ParameterError(
            "Rules are those of a tree, of its rules, or of a fitted classifier; `tree_of` gives the tree "
            "of one of scikit-learn's."
        )
    rules, known = [], {}
    waiting: list[tuple] = [(tree.root, "1", {})]
    while waiting:
        node, key, asked = waiting.pop()
        if node.is_leaf:
            conditions = tuple(condition for condition in asked.values() if not condition.is_all)
            shares, counts = map(tuple, (node.probabilities.tolist(), node.counts.tolist()))
            rules.append(Rule(conditions, node.prediction, shares, counts, (key,)))
            continue
        if isinstance(node.split, Groups):
            named = known.setdefault(node.split.column, {})
            named.update((plain_value(value), None) for group in node.split.groups for value in group)
        for place in reversed(range(node.degree)):
            condition = branch_condition(node.split, place)
            name = (condition.column, type(condition))
            if name in asked:
                condition = asked[name].both(condition)
            if not condition.is_empty:
                waiting.append((node.children[place], f"{key}.{place + 1}", asked | {name: condition}))
    return RuleSet(
        tuple(rules),
        tree.classes,
        list(tree.columns),
        {column: tuple(named) for column, named in known.items()},
    )
