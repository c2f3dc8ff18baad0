"""What to improve first: how much drivers matter against how well one does in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.calendars import Day
from crmlab.errors import ParameterError, TableError, did_you_mean
from crmlab.mining.methods.intervals import normal_quantile
from crmlab.mining.methods.relative_importance import johnson_weights, shapley_weights
from crmlab.mining.satisfaction.answers import as_numbers, driver_answers
from crmlab.mining.satisfaction.drivers import complete, lmg, percentiles, relative_weights, shares

if TYPE_CHECKING:
    from crmlab.engine import Log

_MEASURES = {"relative_weights": (relative_weights, johnson_weights), "lmg": (lmg, shapley_weights)}
#: Names of the quadrants: matters more than most or less, done better than most or worse.
QUADRANTS = {
    (True, False): "concentrate here",
    (True, True): "keep up the good work",
    (False, False): "low priority",
    (False, True): "possible overkill",
}
#: What stands for the whole where several overall questions were asked along with the items.
OUTCOMES = ("csat", "nps", "ces")
#: For drivers whose good ratings go with a bad outcome.
REVERSED = "check direction"


def improve_first(
    X: pd.DataFrame | ArrayLike,
    y: pd.Series | ArrayLike,
    scale: tuple[float, float] = (0, 100),
    measure: Literal["relative_weights", "lmg"] = "relative_weights",
    replicates: int | None = None,
    seed: int = 0,
    level: float = 0.95,
    sample_weight: ArrayLike | None = None,
) -> pd.DataFrame:
    """Drivers in the order in which they are to be improved, with importance and performance of each.

    With performance p on 0 to 100, a driver's shortfall is share x (100 - p): the points that the
    mean performance, weighted by importance, loses here. What matters and is not done well comes first.

    Parameters
    ----------
    X
        Ratings, one row per response and one column per driver; all on `scale`, best is highest.
        `driver_answers` gives them on 0 to 100.
    y
        The outcome of the same responses, on any scale.
    scale
        Lowest and highest rating of the drivers.
    measure
        Of importance: `relative_weights` or `lmg`.
    replicates, seed, level, sample_weight
        As `relative_weights` takes them.

    Returns
    -------
    DataFrame
        Indexed by driver, largest shortfall first: `weight`, `share` (importance, as `measure` gives
        it), `performance` (mean rating on 0 to 100 of the responses used), `shortfall`, `quadrant`.
        With `replicates` also `low`, `high`, `share_low`, `share_high`, `shortfall_low`,
        `shortfall_high` and `first`, the share of bootstrap samples in which the driver comes first:
        near 1 the choice is clear, else it is between those with the largest ones.

        Quadrants: "concentrate here" (matters more than the mean driver, done worse), "keep up the good
        work" (more, better), "low priority" (less, worse), "possible overkill" (less, better). A driver
        whose correlation with the outcome is negative beyond chance is in none but "check direction",
        has no shortfall and comes last: perhaps its scale runs the other way.
        ``.attrs``: those of `measure`, and the cuts between quadrants, `importance_cut` (1 / number of
        drivers) and `performance_cut` (mean performance of the drivers).

    Raises
    ------
    ParameterError
        If a rating lies outside the scale, and where `measure` raises one.

    References
    ----------
    J. A. Martilla and J. C. James (1977), Importance-performance analysis, Journal of Marketing
    41(1), 77-79.

    Examples
    --------
    >>> X = pd.DataFrame({"price": [1, 2, 3, 2, 3, 1], "staff": [4, 3, 4, 4, 5, 5]})
    >>> improve_first(X, [1, 2, 5, 2, 4, 2], scale=(1, 5))["quadrant"].to_dict()
    {'price': 'concentrate here', 'staff': 'possible overkill'}
    """
    if measure not in _MEASURES:
        raise ParameterError(f"There is no measure {measure!r}{did_you_mean(str(measure), _MEASURES)}")
    importance, weights = _MEASURES[measure]
    table = importance(X, y, replicates, seed, level, sample_weight)
    found = complete(X, y, sample_weight)
    low, high = scale
    rated = as_numbers(X, "driver")
    lowest, highest = rated.min().min(), rated.max().max()
    if not (low < high and low <= lowest and highest <= high):
        raise ParameterError(
            f"Ratings go from {lowest:g} to {highest:g}, which are not all on the scale {low!r} to {high!r}; "
            "give the scale the drivers were rated on with scale=(low, high)."
        )
    # The Fisher z of a correlation of nothing has the standard error 1 / sqrt(n - 3).
    chance = np.tanh(normal_quantile(level) / np.sqrt(max(table.attrs["n"] - 3, 1)))
    against = found.correlation()[:-1, -1] < -chance
    attrs = table.attrs
    table["performance"] = 100 * (found.mean[:-1] - low) / (high - low)
    table["shortfall"] = _shortfall(table["share"].to_numpy(), table["performance"].to_numpy(), against)
    cuts = {"importance_cut": 1 / len(table), "performance_cut": float(table["performance"].mean())}
    above = zip(
        table["share"] >= cuts["importance_cut"],
        table["performance"] >= cuts["performance_cut"],
        strict=True,
    )
    table["quadrant"] = np.where(against, REVERSED, [QUADRANTS[place] for place in above])
    if replicates is not None:
        means, correlation = found.resampled(replicates, seed)
        drawn = _shortfall(shares(weights(correlation)), 100 * (means - low) / (high - low), against)
        low_end, high_end = percentiles(np.nan_to_num(drawn), level)
        table["shortfall_low"] = np.where(against, np.nan, low_end)
        table["shortfall_high"] = np.where(against, np.nan, high_end)
        leads = np.nan_to_num(drawn, nan=-1).argmax(axis=1)
        table["first"] = np.bincount(leads, minlength=len(table)) / len(drawn)
    table = table.sort_values("shortfall", ascending=False, kind="stable")
    table.attrs = attrs | cuts
    return table


def _shortfall(share: np.ndarray, performance: np.ndarray, against: np.ndarray) -> np.ndarray:
    return np.where(against, np.nan, share * (100 - performance))


def key_drivers(
    surveys: Log,
    replicates: int | None = 200,
    seed: int = 0,
    since: Day | None = None,
    until: Day | None = None,
) -> pd.DataFrame:
    """`improve_first` of a table of survey answers, whatever it holds.

    Where several overall questions were asked along with the items, satisfaction is the outcome,
    or the recommendation where it was not asked.

    Parameters
    ----------
    surveys, since, until
        As `driver_answers` takes them.
    replicates, seed
        As `improve_first` takes them.

    Returns
    -------
    DataFrame
        As `improve_first` returns it; without rows where the answers do not tell what drives
        satisfaction, and then ``.attrs["why_not"]`` says why.

    Examples
    --------
    >>> nothing = pd.DataFrame({"response_id": ["R1"], "metric": "nps", "question": "recommend",
    ...     "score": 9.0, "scale_low": 0.0, "scale_high": 10.0})
    >>> key_drivers(nothing).attrs["why_not"][:33]
    'There are no ratings of drivers: '
    """
    why_not = ""
    for outcome in (None, *OUTCOMES):
        try:
            answers = driver_answers(surveys, outcome, since=since, until=until)
            return improve_first(*answers, replicates=replicates, seed=seed)
        except (ParameterError, TableError) as refused:
            why_not = why_not or str(refused)
    columns = ["share", "share_low", "share_high", "performance", "shortfall", "quadrant", "first"]
    empty = pd.DataFrame(columns=columns, index=pd.Index([], name="driver"), dtype="float64")
    empty.attrs |= {"why_not": why_not, "n": 0, "left_out": 0, "r2": np.nan}
    return empty
