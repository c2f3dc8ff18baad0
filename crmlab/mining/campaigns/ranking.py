"""Customers in the order of their scores, and what the first of them sum up to in both arms."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError

#: Places at most at which a curve is drawn and its intervals are reckoned.
POINTS = 1_000


class Sums(NamedTuple):
    """What customers down to each place of a ranking sum up to, from none to all; arrays over places.

    With a leading axis there are several such rankings, as in a bootstrap.
    """

    treated: np.ndarray
    control: np.ndarray
    treated_outcome: np.ndarray
    control_outcome: np.ndarray

    @property
    def n(self) -> np.ndarray:
        """Customers of both arms."""
        return self.treated + self.control


class Ranked(NamedTuple):
    """Customers in the order of their scores, those with equal scores in one place."""

    sums: Sums
    place: np.ndarray
    treated: np.ndarray
    outcome: np.ndarray
    is_binary: bool


def rank_customers(
    outcome: ArrayLike, score: ArrayLike, treatment: ArrayLike, control: Any = None, arm: Any = None
) -> Ranked:
    """Order the customers of two arms by score, the highest first.

    Raises
    ------
    ParameterError
        As `crmlab.mining.campaigns.qini` says.
    """
    y, t, kept = two_arms(outcome, treatment, control, arm)
    s = np.asarray(score)
    if s.ndim == 2 and s.shape[1] == 1:
        s = s[:, 0]
    if s.shape != kept.shape:
        raise ParameterError(f"There are {len(kept):,} outcomes and scores of shape {s.shape}.")
    s = s[kept].astype(float, copy=False)
    if np.isnan(s).any():
        raise ParameterError(f"{int(np.isnan(s).sum()):,} scores are missing.")
    order = np.argsort(-s)
    s, y, t = s[order], y[order], t[order]
    new = np.empty(len(s), dtype=bool)
    new[0] = False
    np.not_equal(s[1:], s[:-1], out=new[1:])
    ends = np.append(np.flatnonzero(new) - 1, len(s) - 1)
    treated, response = np.cumsum(t)[ends], np.cumsum(y)[ends]
    ours = np.cumsum(np.where(t, y, 0))[ends]
    sums = Sums(*(np.append(0.0, part) for part in (treated, ends + 1 - treated, ours, response - ours)))
    return Ranked(sums, np.cumsum(new), t, y, bool(((y == 0) | (y == 1)).all()))


def two_arms(
    outcome: ArrayLike, treatment: ArrayLike, control: Any = None, arm: Any = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes and treatment (0 or 1) of one arm and the control, and which rows these are."""
    y, given = np.asarray(outcome, dtype=float), np.asarray(treatment)
    if y.ndim != 1 or y.shape != given.shape:
        raise ParameterError(f"There are {y.size:,} outcomes and {given.size:,} treatments.")
    if control is None:
        if not np.isin(given, (0, 1)).all():
            raise ParameterError("treatment is 1 or 0 for each customer; with names of arms give control.")
        t, kept = given.astype(bool), np.ones(len(y), dtype=bool)
    else:
        arms = sorted(set(given.tolist()) - {control}, key=str)
        if arm is None and len(arms) != 1:
            raise ParameterError(f"Name one arm beside {control}; there are: {', '.join(map(str, arms))}.")
        t = given == (arms[0] if arm is None else arm)
        kept = t | (given == control)
        y, t = y[kept], t[kept]
    if not t.any() or t.all():
        raise ParameterError("There must be customers both with treatment and without.")
    if np.isnan(y).any():
        raise ParameterError(f"{int(np.isnan(y).sum()):,} outcomes are missing.")
    return y, t, kept


def few_places(ranked: Ranked) -> tuple[np.ndarray, Sums]:
    """Places of a curve that are kept, as positions in its sums, and the sums there."""
    n = ranked.sums.n
    if len(n) <= POINTS + 1:
        return np.arange(len(n)), ranked.sums
    kept = np.unique(np.searchsorted(n, np.linspace(0, n[-1], POINTS + 1)))
    return kept, Sums(*(part[kept] for part in ranked.sums))


def weighted_sums(ranked: Ranked, replicates: int, seed: int) -> Sums:
    """Sums at the kept places with Poisson weights, one row per replicate."""
    kept, _ = few_places(ranked)
    cell = np.searchsorted(kept, ranked.place + 1) - 1
    treated = ranked.treated.astype(np.int64)
    values, code = (
        (np.array([0.0, 1.0]), ranked.outcome.astype(np.int64))
        if ranked.is_binary
        else np.unique(ranked.outcome, return_inverse=True)
    )
    key = (cell * 2 + treated) * len(values) + code
    if 2 * len(kept) * len(values) <= 4 * len(key) + 100:
        count = np.bincount(key, minlength=2 * (len(kept) - 1) * len(values))
        key = np.flatnonzero(count)
        count = count[key]
    else:
        key, count = np.unique(key, return_counts=True)
    random = np.random.default_rng(seed)
    side, value = key // len(values), values[key % len(values)]
    starts = np.flatnonzero(np.diff(side, prepend=-1))
    sums = np.zeros((2, replicates, 2 * (len(kept) - 1)))
    for row in range(replicates):
        weight = random.poisson(count).astype(float)
        sums[0, row, side[starts]] = np.add.reduceat(weight, starts)
        sums[1, row, side[starts]] = np.add.reduceat(weight * value, starts)
    n, y = np.cumsum(sums.reshape(2, replicates, -1, 2), axis=2).transpose(0, 3, 1, 2)
    parts = (n[1], n[0], y[1], y[0])
    return Sums(*(np.concatenate([np.zeros((replicates, 1)), part], axis=1) for part in parts))
