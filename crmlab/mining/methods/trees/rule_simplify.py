"""Fewer and shorter rules that predict the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

from crmlab.mining.methods.trees.rule_conditions import Condition, Interval
from crmlab.mining.methods.trees.rules import Rule, RuleSet, tree_rules
from crmlab.mining.methods.trees.structure import Tree


def simplify(rules: Tree | RuleSet) -> RuleSet:
    """The rules with those joined that predict the same and differ in one condition.

    Two rules of one class that ask the same of all columns but one are one rule, if what they ask of
    that column can be said as one condition: a single interval, or a set of values. A condition that
    then holds for everything is dropped. This is done first among the branches of a node, from the
    leaves up, so that a subtree that always predicts the same becomes one rule; then among all rules,
    until no two can be joined.

    Parameters
    ----------
    rules
        A tree, or its rules.

    Returns
    -------
    RuleSet
        Every row gets the class that it got before, and exactly one rule holds for it. The counts of
        joined rules are added; their probabilities are those of the leaves, each by its rows, so that
        probabilities are coarser than before. The least number of rules is not promised: to find it is
        an NP-hard problem.

    Examples
    --------
    >>> from crmlab.mining.methods.trees import Cuts, Node
    >>> same = Node([5, 1], Cuts("age", (30.0,)), [Node([3, 0]), Node([2, 1])])
    >>> root = Node([5, 4], Cuts("visits", (4.0,)), [same, Node([0, 3])])
    >>> found = simplify(Tree(root, ["stays", "leaves"], ["visits", "age"]))
    >>> [(rule.conditions[0].high, rule.leaves) for rule in found.rules]
    [(4.0, ('1.1.1', '1.1.2')), (None, ('1.2',))]
    """
    found = tree_rules(rules)
    left = _join_branches(found.rules)
    names = [(column, kind) for kind in (False, True) for column in found.columns]
    before = len(left) + 1
    while len(left) < before:
        before = len(left)
        for name in names:
            left = _join(left, name)
    return replace(found, rules=tuple(sorted(left, key=lambda rule: _steps(rule.leaves[0]))))


def _join_branches(rules: tuple[Rule, ...]) -> list[Rule]:
    """Join the rules of neighbouring branches, the lowest first."""
    placed = [(tuple(rule.leaves[0].split(".")), rule) for rule in rules]
    for level in range(max((len(place) for place, _ in placed), default=1), 1, -1):
        below = Counter(place[: level - 1] for place, _ in placed)
        families = defaultdict(list)
        for place, rule in placed:
            if len(place) == level:
                families[place[:-1]].append(rule)
        joined, done = [], set()
        for place, rule in placed:
            parent = place[:-1]
            if len(place) != level or below[parent] < 2:
                joined.append((parent if len(place) == level else place, rule))
            elif parent not in done:
                done.add(parent)
                family = families[parent]
                left = family
                for name in sorted({_name(asked) for one in family for asked in one.conditions}):
                    left = _join(left, name)
                whole = len(left) == 1 and len(family) == below[parent]
                joined += [(parent if whole else (*parent, ""), one) for one in left]
        placed = joined
    return [rule for _, rule in placed]


def _join(rules: list[Rule], name: tuple[str, bool]) -> list[Rule]:
    """Join the rules of one class that differ in nothing but one condition."""
    alike = defaultdict(list)
    for place, rule in enumerate(rules):
        mine = next((asked for asked in rule.conditions if _name(asked) == name), None)
        if mine is not None:
            rest = frozenset(asked for asked in rule.conditions if asked is not mine)
            alike[rule.prediction, rest].append((mine, place))
    found: dict[int, Rule | None] = {}
    for members in alike.values():
        if len(members) > 1:
            members.sort(key=lambda member: (_order(member[0]), member[1]))
            condition, place = members[0]
            for other, next_place in members[1:]:
                union = condition.either(other)
                if union is None:
                    condition, place = other, next_place
                    continue
                kept, gone = sorted((place, next_place))
                found[kept] = _joined(found.get(place) or rules[place], rules[next_place], name, union)
                found[gone] = None
                condition, place = union, kept
    return [rule for place, was in enumerate(rules) if (rule := found.get(place, was))]


def _joined(one: Rule, other: Rule, name: tuple[str, bool], condition: Condition) -> Rule:
    conditions = (condition if _name(asked) == name else asked for asked in one.conditions)
    counts = tuple(a + b for a, b in zip(one.counts, other.counts, strict=True))
    weights = sum(one.counts), sum(other.counts)
    if not any(weights):
        weights = len(one.leaves), len(other.leaves)
    shares = tuple(
        (a * weights[0] + b * weights[1]) / sum(weights)
        for a, b in zip(one.probabilities, other.probabilities, strict=True)
    )
    leaves = sorted({*one.leaves, *other.leaves}, key=_steps)
    kept = tuple(asked for asked in conditions if not asked.is_all)
    return Rule(kept, one.prediction, shares, counts, tuple(leaves))


def _steps(key: str) -> list[int]:
    return [int(step) for step in key.split(".")]


def _name(condition: Condition) -> tuple[str, bool]:
    return (condition.column, isinstance(condition, Interval))


def _order(condition: Condition) -> tuple:
    """Intervals from the left, those of missing values only first."""
    if not isinstance(condition, Interval):
        return ()
    return (condition.numbers, condition.low is not None, condition.low or 0.0)
