"""How much a pair's agreement speaks for one person: the model of Fellegi and Sunter, learned without labels.

Each field of a pair adds the weight log2(m / u): m is the probability of its level of agreement if
both records are one person's, u if they are not (Fellegi and Sunter 1969, A theory for record
linkage). u comes from random pairs and, for equal values, from their frequencies; m from the EM
algorithm on the pairs that share a key, for the fields that key does not hold (Winkler 1988).
Splink writes the weights, rare values weighing more than common ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.cleansing.duplicates.blocking import Key, write_pairs
from crmlab.cleansing.duplicates.comparisons import Comparison
from crmlab.cleansing.duplicates.frequencies import WORTH, Frequencies
from crmlab.cleansing.duplicates.prediction import Model, patterns_of

if TYPE_CHECKING:
    import duckdb

#: Pairs from which u and m are learned.
_SAMPLE = 200_000
_ROUNDS, _CLOSE_ENOUGH = 500, 1e-6
#: Key pairs that hold fewer matches than this teach nothing reliable.
_FEWEST_MATCHES = 20


#: Where nobody is there twice, EM parts the pairs by chance likeness. One person's records share at
#: least this often something that two people share as rarely as that.
_SEEN_AGAIN, _TELLING = 0.2, 0.01

_NAMES = {"given_name", "family_name"}
#: How often two people have the same of something, as a rule, and how many pairs that rule is worth:
#: it decides where a table has some dozen rows, and is outweighed where it has thousands.
_AS_A_RULE = {"given_name": 0.005, "family_name": 0.002, "birth_date": 1e-4, "email": 1e-3, "phone": 1e-3,
              "identity_number": 1e-6, "postcode": 1e-3, "place": 0.05, "address": 1e-4, "category": 0.4,
              "text": 0.02, "further": 0.005}  # fmt: skip


def learn(
    con: duckdb.DuckDBPyConnection,
    comparisons: list[Comparison],
    keys: list[Key],
    pairs: pd.DataFrame,
    known: Mapping[str, Frequencies],
) -> Model:
    """Learn a model from the table ``records`` (see `write_records`) and the pairs that share a key."""
    rows = con.execute("select count(*) from records").fetchone()[0]
    all_pairs = max(rows * (rows - 1) / 2, 1)
    # Weights that count the levels: 1 for the worst, 0 stays for what is missing.
    u = {c.field: np.full(len(c.levels) + 1, 2.0**-10) for c in comparisons}
    counting = {field: share * 2.0 ** np.arange(1, len(share) + 1) for field, share in u.items()}
    blank = Model(tuple(comparisons), counting, u, 0.5)
    _write_random_pairs(con, rows)
    u = _u(con, blank, rows, known)
    # Pairs stand in the order of their fingerprints: every so manieth is as good as any.
    part = max(1, len(pairs) // _SAMPLE)
    write_pairs(con, pairs[::part], "taught")
    patterns = patterns_of(con, blank, "taught")
    m, matches = _m(patterns, blank.comparisons, u, keys)
    prior = min(max(matches * part / all_pairs, 1 / all_pairs), 0.5)
    model = Model(blank.comparisons, m, u, prior)
    return model._replace(moved=_moved(patterns, model, matches))


def _moved(patterns: pd.DataFrame, model: Model, matches: float) -> dict[int, float]:
    """How much more often all of where somebody lives differs than if each did by itself, in bits."""
    if patterns.empty:
        return {}
    times = patterns["pairs"].to_numpy(dtype="float64")
    odds = _log_odds({field: patterns[field].to_numpy() for field in model.m}, model.m, model.u)
    weight = _matching(odds, matches / times.sum()) * times
    levels = (
        np.stack([patterns[field].to_numpy() for field in model.where]) if model.where else np.empty((0, 0))
    )
    there, differ = levels >= 0, levels == 0
    given_back = {}
    for count in range(2, len(levels) + 1):
        here = there.sum(axis=0) == count
        if weight[here].sum() < _FEWEST_MATCHES:
            continue
        alone = np.array([model.m[field][0] for field in model.where])
        expected = np.where(there, alone[:, None], 1.0).prod(axis=0)[here] @ weight[here]
        seen = weight[here & (differ.sum(axis=0) == count)].sum()
        given_back[count] = max(float(np.log2((seen + 1e-9) / expected)), 0.0)
    return given_back


def refine_prior(model: Model, weights: np.ndarray, rows: int) -> Model:
    """The model with the prior that its own weights, rare values counted, lead to."""
    # Rounded and counted, so that the sum does not depend on the order.
    weight, times = np.unique(np.nansum(weights, axis=1).round(1), return_counts=True)
    odds, prior, all_pairs = weight * np.log(2), model.prior, max(rows * (rows - 1) / 2, 1)
    for _ in range(_ROUNDS):
        prior, before = max(float(_matching(odds, prior) @ times), 1.0) / all_pairs, prior
        if abs(prior - before) < _CLOSE_ENOUGH * before:
            break
    return model._replace(prior=min(prior, 0.5))


def _write_random_pairs(con: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Table ``random_pairs``: all pairs of a small set of records, else some of a large one."""
    if rows * (rows - 1) // 2 <= _SAMPLE:
        con.execute(
            "create or replace table random_pairs as "
            "select x.id as a, y.id as b, 0::ubigint as mask from records x join records y on x.id < y.id"
        )
        return
    # Records stand in the order of their fingerprints: the first ones are as good as any.
    a, b = np.random.default_rng(0).integers(0, min(rows, _SAMPLE // 10), (2, _SAMPLE))
    drawn = pd.DataFrame({"a": np.minimum(a, b), "b": np.maximum(a, b), "mask": np.uint64(0)})
    drawn = drawn[drawn["a"] < drawn["b"]].drop_duplicates()
    write_pairs(con, drawn, "random_pairs")


def _u(
    con: duckdb.DuckDBPyConnection, blank: Model, rows: int, known: Mapping[str, Frequencies]
) -> dict[str, np.ndarray]:
    patterns = patterns_of(con, blank, "random_pairs")
    u = {}
    for comparison in blank.comparisons:
        level, times = patterns[comparison.field].to_numpy(), patterns["pairs"].to_numpy()
        seen = level >= 0
        rule = _rule(comparison)
        counts = np.bincount(level[seen], times[seen], len(rule)) + 0.5 * (times[seen].sum() > WORTH)
        share = (counts + WORTH * rule) / (counts.sum() + WORTH)
        if comparison.levels[0].rare == comparison.field:
            pairs = rows * (rows - 1) / 2
            equal = (known[comparison.field].equal_by_chance * pairs + WORTH * rule[-1]) / (pairs + WORTH)
            share[:-1] *= (1 - equal) / share[:-1].sum()
            share[-1] = equal
        u[comparison.field] = share
    return u


def _rule(comparison: Comparison) -> np.ndarray:
    """The u that holds as a rule, from the worst level to the best."""
    equal = next(share for field, share in _AS_A_RULE.items() if comparison.field.startswith(field))
    share = np.full(len(comparison.levels) + 1, min(3 * equal, 0.02))
    share[-1] = equal
    share[0] = 1 - share[1:].sum()
    return share


def _m(
    patterns: pd.DataFrame, comparisons: tuple[Comparison, ...], u: dict[str, np.ndarray], keys: list[Key]
) -> tuple[dict[str, np.ndarray], float]:
    """m, averaged over the keys by the matches each holds, and the matches among all pairs."""
    fields = [comparison.field for comparison in comparisons]
    sums = {field: np.zeros(len(u[field])) for field in fields}
    for bit, key in enumerate(keys):
        here = patterns[(patterns["mask"].to_numpy() >> bit) & 1 == 1]
        held = key.fields | ({"further"} if key.fields & _NAMES else set())
        free = [field for field in fields if field not in held]
        if len(free) < 2 or not len(here):
            continue
        here = here.groupby(free, as_index=False)["pairs"].sum()
        m, share = _expectation_maximisation(here, {field: u[field] for field in free})
        matches = share * here["pairs"].sum()
        telling = [m[field][-1] for field in free if u[field][-1] <= _TELLING and m[field].any()]
        if matches >= _FEWEST_MATCHES and max(telling, default=1.0) >= _SEEN_AGAIN:
            for field in free:
                sums[field] += matches * m[field]
    m = {field: _filled(total, u[field]) for field, total in sums.items()}
    levels = {field: patterns[field].to_numpy() for field in fields}
    share = 0.1
    times = patterns["pairs"].to_numpy(dtype="float64")
    odds = _log_odds(levels, m, u)
    for _ in range(_ROUNDS if len(times) else 0):
        share, before = float(_matching(odds, share) @ times / times.sum()), share
        if abs(share - before) < _CLOSE_ENOUGH * before:
            break
    return m, share * times.sum()


def _filled(total: np.ndarray, u: np.ndarray) -> np.ndarray:
    """M of a field; one that no key taught is taken to agree as a rule."""
    if total.sum() > 0:
        share = total / total.sum()
    else:
        share = np.full(len(total), 0.1 / (len(total) - 1))
        share[-1] = 0.9
    # No level is impossible, and none rules a match out by itself.
    share = np.maximum(share, np.maximum(u * 2.0**-10, 1e-6))
    return share / share.sum()


def _expectation_maximisation(
    patterns: pd.DataFrame, u: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], float]:
    """M of each field and the share of matches, u being known (Dempster, Laird and Rubin 1977).

    Of a field that no pair has on both sides, m is 0 throughout.
    """
    levels = {field: patterns[field].to_numpy() for field in u}
    times = patterns["pairs"].to_numpy(dtype="float64")
    m, share = {}, 0.3
    for field, known in u.items():
        m[field] = np.full(len(known), 0.1 / (len(known) - 1))
        m[field][-1] = 0.9
    for _ in range(_ROUNDS):
        matching = _matching(_log_odds(levels, m, u), share) * times
        share, before = float(matching.sum() / times.sum()), share
        for field, level in levels.items():
            seen = level >= 0
            counts = np.bincount(level[seen], matching[seen], len(m[field])) + 1e-3
            m[field] = counts / counts.sum()
        if abs(share - before) < _CLOSE_ENOUGH * before:
            break
    return {field: m[field] * (levels[field] >= 0).any() for field in m}, share


def _log_odds(
    levels: dict[str, np.ndarray], m: dict[str, np.ndarray], u: dict[str, np.ndarray]
) -> np.ndarray:
    total = np.zeros(len(next(iter(levels.values()))))
    for field in m:
        ratio = np.append(np.log(m[field] / u[field]), 0.0)  # level -1: missing, says nothing
        total += ratio[levels[field]]
    return total


def _matching(log_odds: np.ndarray, share: float) -> np.ndarray:
    share = min(max(share, 1e-9), 1 - 1e-9)
    return 1 / (1 + np.exp(-np.clip(log_odds + np.log(share / (1 - share)), -700, 700)))
