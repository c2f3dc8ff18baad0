"""What a state of a Markov chain is worth: how much rarer the good end is if nobody gets through it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np

from crmlab.errors import ParameterError

#: More states than this take too long to solve for.
MOST_STATES = 3000


def removal_effects(
    starts: Mapping[Hashable, float],
    steps: Mapping[tuple[Hashable, Hashable], float],
    good: Mapping[Hashable, float],
    bad: Mapping[Hashable, float],
    parts: Mapping[Hashable, Hashable] | None = None,
) -> tuple[float, dict[Hashable, float]]:
    """Chance of the good end of an absorbing Markov chain, and by how much it falls without each state.

    Without a state, all that would enter it end badly. With h(s) the chance of the good end from
    state s, h = Q h + r, where Q holds the chances of steps and r those of the good end; without a part
    its states are struck out. All are solved for, not simulated.

    Parameters
    ----------
    starts
        State to how often it is the first.
    steps
        Pair of states to how often the second follows the first.
    good, bad
        State to how often the good, or the bad, end follows it.
    parts
        State to the part it belongs to, if several states are removed together; each by itself if
        not given.

    Returns
    -------
    chance, effects
        `effects` is 1 - (chance without the part) / chance, 0 to 1, for each part, in the order of
        their names; NaN if there is no good end at all.

    Raises
    ------
    ParameterError
        If there are more than 3,000 states.

    References
    ----------
    E. Anderl, I. Becker, F. von Wangenheim and J. H. Schumann (2016), Mapping the customer journey: lessons
    learned from graph-based online attribution modeling, International Journal of Research in Marketing
    33, 457-474. J. G. Kemeny and J. L. Snell (1960), Finite Markov Chains, chapter 3.

    Examples
    --------
    >>> chance, effects = removal_effects({"a": 1, "b": 1}, {("a", "b"): 1}, {"b": 1}, {"b": 1})
    >>> chance, effects
    (0.5, {'a': 0.5, 'b': 1.0})
    """
    names = sorted({*starts, *good, *bad, *(state for step in steps for state in step)})
    if len(names) > MOST_STATES:
        raise ParameterError(
            f"There are {len(names):,} states, more than {MOST_STATES:,}; take a lower order or join some."
        )
    place = {name: row for row, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)))
    for (one, other), count in steps.items():
        counts[place[one], place[other]] += count
    first, end, lost = (
        np.array([of.get(name, 0) for name in names], dtype=float) for of in (starts, good, bad)
    )
    leaving = counts.sum(axis=1) + end + lost
    with np.errstate(divide="ignore", invalid="ignore"):
        counts, end = np.nan_to_num(counts / leaving[:, None]), np.nan_to_num(end / leaving)
        first = np.nan_to_num(first / first.sum())
    part = [name if parts is None else parts[name] for name in names]
    chance = _chance(counts, end, first, np.ones(len(names), dtype=bool))
    effects = {}
    for name in sorted(set(part)):
        rest = _chance(counts, end, first, np.array([one != name for one in part]))
        effects[name] = (chance - rest) / chance if chance > 0 else np.nan
    return chance, effects


def _chance(steps: np.ndarray, end: np.ndarray, first: np.ndarray, kept: np.ndarray) -> float:
    """Chance of the good end if only some states can be entered."""
    matrix = np.eye(int(kept.sum())) - steps[np.ix_(kept, kept)]
    return float(first[kept] @ np.linalg.solve(matrix, end[kept])) if kept.any() else 0.0
