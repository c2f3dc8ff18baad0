"""What a tree is good for: each of its rules on cases it has not learnt from, and all of them together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError
from crmlab.mining.methods.intervals import Estimate, wilson
from crmlab.mining.methods.probabilities import area, area_estimate, delong
from crmlab.mining.methods.trees.cases import Cases
from crmlab.mining.methods.trees.rules import RuleSet, tree_rules
from crmlab.mining.methods.trees.structure import Tree


@dataclass(frozen=True, eq=False, repr=False)
class Judgement:
    """How well a tree tells who an event will happen to; `judge_tree` makes it.

    Attributes
    ----------
    rules : DataFrame
        Indexed by `rule`, one for each leaf: `leaf` (its key), `probability` of the event, as the tree
        says it; `learnt` (cases learnt from), `rate` of the event among them and `lift` (by the rate of
        all); the same of those held out: `held_out`, `held_out_rate`, `low` and `high` (Wilson's
        interval), `held_out_lift`; and `candidates`, the cases to be decided on.
    auc : Estimate
        On the held-out cases: probability that of one with the event and one without the first has the
        higher probability; of equal ones half count.
    log_loss, base_log_loss : float
        Mean negative log-likelihood of the held-out cases by the tree, and by the rate of those learnt
        from alone; less is better.
    gains : DataFrame
        `share` of the held-out cases, the highest probabilities first, leaf by leaf, and share of the
        events among them (`captured`); from 0 to 1. `n` cases are added by each row.
    importance : DataFrame
        Indexed by `column`, those that the tree asks for: `importance`, what the AUC loses if the column
        is shuffled among the held-out cases, with `low` and `high`; the greatest first.
    scores : DataFrame
        Indexed like the candidates: `probability` of the event, `rule` and `lift` that was learnt.
    """

    rules: pd.DataFrame
    auc: Estimate
    log_loss: float
    base_log_loss: float
    gains: pd.DataFrame
    importance: pd.DataFrame
    scores: pd.DataFrame

    def __repr__(self) -> str:
        return f"Judgement({len(self.rules)} rules, AUC {self.auc})"

    @property
    def saved(self) -> float:
        """Share of the log-loss of the mere rate that the tree saves; below 0 it does harm."""
        return 1 - self.log_loss / self.base_log_loss


def judge_tree(
    tree: Tree | RuleSet, cases: Cases, level: float = 0.95, replicates: int = 20, seed: int = 0
) -> Judgement:
    """Judge a tree by the cases held out, and say what it holds of the candidates.

    Parameters
    ----------
    tree
        Learnt, or built by hand, from ``cases.X`` and ``cases.y``; its classes are those of the cases.
    cases
        As `crmlab.mining.customers.churn_cases` and `crmlab.mining.campaigns.response_cases` give them;
        candidates there need not be.
    level
        Confidence level of the intervals.
    replicates
        How often the held-out cases are drawn anew and a column shuffled, for its importance and the
        interval of it, which holds `level` of the replicates.
    seed
        Of what is drawn.

    Raises
    ------
    ParameterError
        If the cases have no event, or the tree does not know it.

    References
    ----------
    E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson (1988), Biometrics 44, 837-845 (the interval of the
    AUC, on the logit scale). L. Breiman (2001), Machine Learning 45, 5-32 (permutation importance).

    Examples
    --------
    >>> from crmlab.mining.methods.trees import Cuts, Node
    >>> root = Node([3, 3], Cuts("visits", (4.0,)), [Node([0, 3]), Node([3, 0])])
    >>> X = pd.DataFrame({"visits": [1, 2, 3, 7, 8, 9]})
    >>> y = pd.Series(["churned"] * 3 + ["stayed"] * 3)
    >>> held_out = pd.Series(["churned", "churned", "stayed", "stayed", "churned", "stayed"])
    >>> cases = Cases(X, y, X, held_out, X, "churned")
    >>> found = judge_tree(Tree(root, ["stayed", "churned"], ["visits"]), cases)
    >>> found.rules[["rate", "held_out_rate", "candidates"]].round(2).values.tolist()
    [[1.0, 0.67, 3.0], [0.0, 0.33, 3.0]]
    """
    found = tree_rules(tree)
    classes = found.classes.tolist()
    if not cases.event and "" not in classes:
        raise ParameterError(
            "The cases do not say which class is looked for: give Cases(..., event=...), one of "
            f"{', '.join(map(str, classes))}."
        )
    if cases.event not in classes:
        raise ParameterError(
            f"The tree tells {', '.join(map(str, classes))}; of these none is {cases.event!r}, which the "
            "cases ask for."
        )
    place = classes.index(cases.event)
    probability = np.array([rule.probabilities[place] for rule in found.rules])
    y, z = ((part == cases.event).to_numpy(dtype=float) for part in (cases.y, cases.y_held_out))
    candidates = cases.X.head(0) if cases.candidates.empty else cases.candidates
    before, after, now = (found.apply(part) for part in (cases.X, cases.X_held_out, candidates))
    rules = _rules(found, probability, (before, y), (after, z), now, level)
    p = probability[after]
    areas, variance = delong([p], z)
    sure, base = np.clip([p, np.full(len(z), y.mean())], 1e-15, 1 - 1e-15)
    scores = rules[["probability", "lift"]].iloc[now].reset_index().set_index(candidates.index)
    return Judgement(
        rules=rules,
        auc=area_estimate(areas[0], variance[0, 0], len(z), level),
        log_loss=_log_loss(sure, z),
        base_log_loss=_log_loss(base, z),
        gains=_gains(p, z),
        importance=_importance(found, place, cases.X_held_out, z, level, replicates, seed),
        scores=scores[["probability", "rule", "lift"]],
    )


def _rules(
    rules: RuleSet, probability: np.ndarray, learnt: tuple[np.ndarray, np.ndarray],
    held_out: tuple[np.ndarray, np.ndarray], now: np.ndarray, level: float,
) -> pd.DataFrame:  # fmt: skip
    n = len(probability)
    found = {"leaf": [", ".join(rule.leaves) for rule in rules.rules], "probability": probability}
    for name, (rule, y) in {"": learnt, "held_out_": held_out}.items():
        members, events = np.bincount(rule, minlength=n), np.bincount(rule, y, n)
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = events / members
            found |= {name.rstrip("_") or "learnt": members, f"{name}rate": rate}
            if name:
                found |= dict(zip(("low", "high"), wilson(events, members, level), strict=True))
            found[f"{name}lift"] = rate / y.mean()
    found["candidates"] = np.bincount(now, minlength=n)
    return pd.DataFrame(found, index=pd.RangeIndex(1, n + 1, name="rule"))


def _log_loss(p: np.ndarray, y: np.ndarray) -> float:
    return float(-(y * np.log(p) + (1 - y) * np.log1p(-p)).mean())


def _gains(p: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """All cases of one probability at once: within a leaf there is no order."""
    levels = pd.DataFrame({"p": p, "y": y}).groupby("p")["y"].agg(["size", "sum"]).iloc[::-1]
    shares = levels.cumsum() / [len(y), y.sum()]
    told = {"share": [0.0, *shares["size"]], "captured": [0.0, *shares["sum"]], "n": [0, *levels["size"]]}
    return pd.DataFrame(told)


def _importance(
    rules: RuleSet, place: int, X: pd.DataFrame, y: np.ndarray, level: float, replicates: int, seed: int
) -> pd.DataFrame:  # fmt: skip
    random = np.random.default_rng(seed)
    asked = list(dict.fromkeys(one.column for rule in rules.rules for one in rule.conditions))
    lost: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(replicates if asked else 0):
        rows = random.integers(len(X), size=len(X))
        drawn, known = X.iloc[rows].reset_index(drop=True), y[rows]
        if not 0 < known.sum() < len(known):
            continue
        whole = area(rules.predict_proba(drawn)[:, place], known)
        for name in asked:
            mixed = drawn.assign(**{name: drawn[name].to_numpy()[random.permutation(len(rows))]})
            mixed[name] = mixed[name].astype(drawn[name].dtype)
            lost[name].append(whole - area(rules.predict_proba(mixed)[:, place], known))
    ends = [(1 - level) / 2, (1 + level) / 2]
    told = [(np.mean(values), *np.quantile(values, ends)) for values in lost.values() if values]
    columns: list[Any] = ["importance", "low", "high"]
    found = pd.DataFrame(told, pd.Index(asked if told else [], name="column"), columns, dtype=float)
    return found.sort_values("importance", ascending=False, kind="stable")
