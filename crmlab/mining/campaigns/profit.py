"""Whom to contact, and how, for the greatest profit; and what such a choice would have earned in a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError, did_you_mean
from crmlab.mining.campaigns.ranking import POINTS
from crmlab.mining.methods.intervals import normal_quantile

_HALVINGS = 50


def profit_curve(
    outcome: ArrayLike,
    uplift: pd.DataFrame,
    treatment: ArrayLike,
    margin: float,
    cost: float | Mapping[Any, float],
    control: Any = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Profit of contacting the most promising customers of a test, by how many of them.

    Each customer is meant for the arm with the greatest expected profit, and customers come in the order
    of that profit. Of the first ones meant for an arm, those who were drawn into it are set against those
    drawn into the control group; the difference of their means, times the margin, less the cost, is the
    profit of each contact.

    Parameters
    ----------
    outcome
        One per customer of the test: 0 and 1, or amounts.
    uplift
        Expected effect of each arm on the outcome: one column per arm, such as `UpliftModel.predict`
        gives, best of a model that has not learnt from these customers.
    treatment
        Names of arms as in the columns of `uplift`, or the control; 1 and 0 if there is one arm.
    margin
        What one unit of outcome is worth, in minor units of money; for amounts the share that is kept.
    cost
        Of one contact in minor units, of all arms or by name.
    control
        Name of the arm without contact; 0 if not given.
    level
        Confidence level of the band.

    Returns
    -------
    DataFrame
        From no contact to all customers, at 1,001 places at most: `share` of customers, `contacts`,
        `cost`, `extra` (outcomes that would not have come by themselves), `profit`, `low`, `high`.
        Missing while an arm has no customer drawn into it, or none to compare them with.

    Notes
    -----
    The band holds at each place by itself (Welch's standard error). The highest point of the curve is
    higher than what that number of contacts will earn next time, as the greatest of many is.

    Examples
    --------
    >>> uplift = pd.DataFrame({1: [0.5, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1]})
    >>> curve = profit_curve([1, 0, 1, 0, 1, 1, 0, 0], uplift, [1, 0, 1, 0, 1, 0, 1, 0], 1000, 200)
    >>> curve[["contacts", "profit"]].values.tolist()
    [[0.0, 0.0], [4.0, 3200.0], [8.0, 2400.0]]
    """
    y, given = np.asarray(outcome, dtype=float), np.asarray(treatment)
    value, costs = _expected(uplift, margin, cost)
    if not len(y) == len(given) == len(uplift):
        raise ParameterError(
            f"There are {len(y):,} outcomes, {len(given):,} treatments and {len(uplift):,} rows of uplift."
        )
    if np.isnan(y).any():
        raise ParameterError(f"{int(np.isnan(y).sum()):,} outcomes are missing.")
    base = 0 if control is None else control
    for arm in (base, *uplift.columns):
        if not (given == arm).any():
            known = map(str, sorted(set(given.tolist()), key=str))
            raise ParameterError(f"No customer's treatment is {arm!r}{did_you_mean(str(arm), known)}")
    z = normal_quantile(level)
    best = value.argmax(axis=1)
    gain = value[np.arange(len(value)), best]
    order = np.argsort(-gain, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(gain[order])), len(order) - 1)
    if len(ends) > POINTS:
        ends = ends[np.unique(np.searchsorted(ends, np.linspace(0, len(order) - 1, POINTS)))]
    contacts = np.append(0, ends + 1)
    spent, extra, variance = (np.zeros(len(contacts)) for _ in range(3))
    for place, arm in enumerate(uplift.columns):
        meant = best[order] == place
        n = _down_to(meant, ends)
        means, spreads = [], []
        for side in (arm, base):
            drawn = meant & (given[order] == side)
            count, total = _down_to(drawn, ends), _down_to(np.where(drawn, y[order], 0), ends)
            square = _down_to(np.where(drawn, y[order] ** 2, 0), ends)
            with np.errstate(divide="ignore", invalid="ignore"):
                means.append(total / count)
                spreads.append(((square - total**2 / count).clip(0) / (count - 1)) / count)
        spent += n * costs[place]
        extra += np.where(n > 0, n * (means[0] - means[1]), 0)
        variance += np.where(n > 0, n**2 * (spreads[0] + spreads[1]), 0)
    profit, half = margin * extra - spent, z * margin * np.sqrt(variance)
    return pd.DataFrame({"share": contacts / len(y), "contacts": contacts, "cost": spent, "extra": extra,
                         "profit": profit, "low": profit - half, "high": profit + half})  # fmt: skip


def best_audience(
    uplift: pd.DataFrame,
    margin: float,
    cost: float | Mapping[Any, float],
    budget: float | None = None,
    capacity: int | None = None,
) -> pd.DataFrame:
    """Contact each customer as earns most, or not at all, within a budget and a number of contacts.

    Parameters
    ----------
    uplift
        One row per customer, indexed by them: expected effect of each arm on the outcome, as
        `UpliftModel.predict` gives.
    margin, cost
        As `profit_curve` takes them.
    budget
        What all contacts may cost together, in minor units; no limit if not given.
    capacity
        How many customers may be contacted; no limit if not given.

    Returns
    -------
    DataFrame
        Indexed as `uplift`: `arm` (missing: no contact), `uplift`, `cost` and `expected_profit` of it (0
        without contact). Between customers who earn the same, the lesser index comes first.

    Notes
    -----
    Without a budget this is the greatest expected profit there is. With one, a price on money spent is
    sought by halving at which the wishes just fit into the budget, and what is left is spent on the best
    further wishes that fit: with one arm, or equal costs, that is the greatest profit too, else it falls
    short of it by the profit of one contact at most, if there is no limit to capacity besides.

    References
    ----------
    P. Sinha and A. A. Zoltners (1979), The multiple-choice knapsack problem, Operations Research 27,
    503-515.

    Raises
    ------
    ParameterError
        If an uplift is missing, an arm has no cost, or a limit is below 0.

    Examples
    --------
    >>> uplift = pd.DataFrame({"mail": [0.03, 0.02, 0.001], "call": [0.05, 0.12, 0.002]}, ["a", "b", "c"])
    >>> best_audience(uplift, margin=10_000, cost={"mail": 50, "call": 400}, budget=460)["arm"].tolist()
    ['mail', 'call', None]
    """
    value, costs = _expected(uplift, margin, cost)
    for name, limit in (("budget", budget), ("capacity", capacity)):
        if limit is not None and not limit >= 0:
            raise ParameterError(f"{name} is 0 or more, not {limit!r}.")
    place = np.empty(len(uplift), dtype=np.int64)
    place[uplift.index.argsort()] = np.arange(len(uplift))

    def wishes(price: float) -> np.ndarray:
        """Arm of each customer, by position, -1 for none, if money costs so much."""
        worth = value - price * costs
        best = worth.argmax(axis=1)
        gain = worth[np.arange(len(worth)), best]
        wanted = np.flatnonzero(gain > 0)
        if capacity is not None and len(wanted) > capacity:
            wanted = wanted[np.lexsort((place[wanted], -gain[wanted]))][:capacity]
        arms = np.full(len(worth), -1)
        arms[wanted] = best[wanted]
        return arms

    with_none, values = np.append(costs, 0), np.hstack([value, np.zeros((len(value), 1))])
    arms = wishes(0)
    if budget is not None and with_none[arms].sum() > budget:
        paid = costs > 0
        # At the upper price nobody is worth contacting, whatever is rounded.
        low, high = 0.0, float((value[:, paid] / costs[paid]).max()) * (1 + 1e-9)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if with_none[wishes(middle)].sum() > budget else (low, middle)
        arms, more = wishes(high), wishes(low)
        arms = _spend_rest(arms, more, with_none, values, place, budget, capacity)
    row = np.arange(len(arms))
    chosen = np.array([*uplift.columns, None], dtype=object)[arms]
    effect = np.hstack([uplift.to_numpy(dtype=float), np.zeros((len(uplift), 1))])
    return pd.DataFrame(
        {"arm": pd.Series(chosen, uplift.index, dtype=object), "uplift": effect[row, arms],
         "cost": with_none[arms], "expected_profit": values[row, arms]}, index=uplift.index,
    )  # fmt: skip


def _spend_rest(
    arms: np.ndarray,
    more: np.ndarray,
    costs: np.ndarray,
    values: np.ndarray,
    place: np.ndarray,
    budget: float,
    capacity: int | None,
) -> np.ndarray:
    """Grant the further wishes that pay best for their cost, as long as they fit."""
    row = np.arange(len(arms))
    dearer = costs[more] - costs[arms]
    better = values[row, more] - values[row, arms]
    open_ = np.flatnonzero((dearer > 0) & (better > 0))
    left = budget - costs[arms].sum()
    free = len(arms) if capacity is None else capacity - int((arms >= 0).sum())
    arms = arms.copy()
    for who in open_[np.lexsort((place[open_], -better[open_] / dearer[open_]))]:
        new = arms[who] < 0
        if dearer[who] <= left and (free > 0 or not new):
            arms[who] = more[who]
            left -= dearer[who]
            free -= int(new)
    return arms


def _down_to(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    return np.append(0.0, np.cumsum(values, dtype=float)[ends])


def _expected(
    uplift: pd.DataFrame, margin: float, cost: float | Mapping[Any, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Expected profit of each customer and arm, and the cost of each arm."""
    if not isinstance(uplift, pd.DataFrame) or uplift.empty:
        raise ParameterError("uplift is a frame with a row per customer and a column per arm.")
    if isinstance(cost, Mapping):
        for arm in uplift.columns:
            if arm not in cost:
                raise ParameterError(f"cost has no arm {arm!r}{did_you_mean(str(arm), map(str, cost))}")
    costs = np.array(
        [cost[arm] if isinstance(cost, Mapping) else cost for arm in uplift.columns], dtype=float
    )
    if not (costs >= 0).all() or not np.isfinite(costs).all():
        raise ParameterError("The cost of a contact is 0 or more.")
    if not margin > 0:
        raise ParameterError(f"margin is what a unit of outcome is worth, above 0, not {margin!r}.")
    effect = uplift.to_numpy(dtype=float)
    if np.isnan(effect).any():
        name = uplift.columns[int(np.isnan(effect).any(axis=0).argmax())]
        raise ParameterError(f"{int(np.isnan(effect).sum()):,} uplifts are missing, first in {name!r}.")
    return margin * effect - costs, costs
