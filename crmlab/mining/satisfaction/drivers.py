"""Key drivers: how much each of several ratings has to do with satisfaction as a whole.

Ratings of price, staff or delivery go together, so a regression's coefficients do not say what each is
worth. Two measures do, whose parts are never negative and sum to R2; they mostly agree in rank.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError
from crmlab.mining.methods.intervals import normal_quantile
from crmlab.mining.methods.relative_importance import (
    MOST_PREDICTORS,
    as_correlation,
    johnson_weights,
    resampled_moments,
    shapley_weights,
)
from crmlab.mining.satisfaction.answers import as_numbers

Weights = Callable[[ArrayLike], np.ndarray]


def relative_weights(
    X: pd.DataFrame | ArrayLike,
    y: pd.Series | ArrayLike,
    replicates: int | None = None,
    seed: int = 0,
    level: float = 0.95,
    sample_weight: ArrayLike | None = None,
) -> pd.DataFrame:
    """Johnson's relative weights of drivers; fast for any number of them.

    Parameters
    ----------
    X
        Answers, one row per response and one column per driver, on any scales.
    y
        The outcome of the same responses, such as overall satisfaction; 0 and 1 will do.
    replicates
        Number of bootstrap samples for intervals; 1,000 are usual. None are taken if not given.
    seed
        Where the chance of the samples begins.
    level
        Confidence level of the intervals.
    sample_weight
        How much each response counts, above 0; all alike if not given. The weight goes with the
        response into the bootstrap samples.

    Returns
    -------
    DataFrame
        Indexed by driver, in the order of `X`: `weight` (its part of R2; they sum to R2) and `share`
        (of R2; they sum to 1). With `replicates` the ends of percentile intervals as well: `low`, `high`
        of the weight, `share_low`, `share_high` of the share. As weights are never negative, an
        interval above 0 does not tell that a driver matters.
        ``.attrs``: `r2`, `n` (responses used), `left_out` (responses left out because at least one
        answer, or the outcome, is missing) and `replicates` (those in which the outcome varied).

    Raises
    ------
    ParameterError
        If answers are not numeric, an outcome or driver never varies, or fewer than p + 2 responses
        answer everything about p drivers.

    See Also
    --------
    lmg : the mean over all orders of entry instead.
    driver_answers : `X` and `y` from a table of surveys.

    References
    ----------
    J. W. Johnson (2000), Multivariate Behavioral Research 35, 1-19; S. Tonidandel, J. M. LeBreton and
    J. W. Johnson (2009), Determining the statistical significance of relative weights, Psychological
    Methods 14, 387-399.

    Examples
    --------
    >>> X = pd.DataFrame({"price": [1, 2, 3, 4, 5, 3], "staff": [2, 1, 4, 3, 5, 5]})
    >>> relative_weights(X, [1, 2, 4, 3, 5, 4])["share"].round(3).to_dict()
    {'price': 0.478, 'staff': 0.522}
    """
    return _importance(johnson_weights, complete(X, y, sample_weight), replicates, seed, level)


def lmg(
    X: pd.DataFrame | ArrayLike,
    y: pd.Series | ArrayLike,
    replicates: int | None = None,
    seed: int = 0,
    level: float = 0.95,
    sample_weight: ArrayLike | None = None,
) -> pd.DataFrame:
    """What each driver adds to R2, as the mean over all orders in which drivers can enter.

    Lindeman, Merenda and Gold's measure, which is the Shapley value of R2; exact up to 24 drivers. Each
    driver doubles the work: 1,000 replicates with 14 drivers take as long as none with 24.

    Parameters
    ----------
    X, y, replicates, seed, level, sample_weight
        As `relative_weights` takes them.

    Returns
    -------
    DataFrame
        As `relative_weights` gives it.

    Raises
    ------
    ParameterError
        If there are more than 24 drivers, and where `relative_weights` raises one.

    References
    ----------
    R. H. Lindeman, P. F. Merenda and R. Z. Gold (1980), Introduction to bivariate and multivariate
    analysis; U. Grömping (2006), Relative importance for linear regression in R: the package relaimpo,
    Journal of Statistical Software 17(1).

    Examples
    --------
    >>> X = pd.DataFrame({"price": [1, 2, 3, 4, 5, 3], "staff": [2, 1, 4, 3, 5, 5]})
    >>> lmg(X, [1, 2, 4, 3, 5, 4])["share"].round(3).to_dict()
    {'price': 0.478, 'staff': 0.522}
    """
    found = complete(X, y, sample_weight)
    if len(found.names) > MOST_PREDICTORS:
        raise ParameterError(
            f"lmg goes through all subsets of the drivers, which {len(found.names)} have too many of; "
            f"{MOST_PREDICTORS} are the most. Leave out or join some, or take relative_weights, which has no "
            "such limit."
        )
    return _importance(shapley_weights, found, replicates, seed, level)


@dataclass(frozen=True)
class Complete:
    """The responses that answer everything.

    Attributes
    ----------
    names : Index
        The p drivers.
    values : ndarray
        Answers in standard deviations from their mean, shape (n, p + 1); the outcome is last.
    mean, spread : ndarray
        Mean and standard deviation of each column before.
    weight : ndarray or None
        How much each response counts.
    left_out : int
        Number of responses that do not answer everything.
    """

    names: pd.Index
    values: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    weight: np.ndarray | None
    left_out: int

    def correlation(self) -> np.ndarray:
        """Correlations of the drivers and, last, the outcome."""
        heavy = self.values if self.weight is None else self.values * self.weight[:, None]
        return as_correlation(heavy.T @ self.values)

    def resampled(self, replicates: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Means of the drivers, on their scales, and correlations in bootstrap samples of responses.

        Samples in which the outcome does not vary are left out.
        """
        if not (isinstance(replicates, int | np.integer) and replicates >= 2):
            raise ParameterError(f"replicates is a whole number of bootstrap samples, not {replicates!r}.")
        means, covariance = resampled_moments(self.values, replicates, seed, self.weight)
        # What rounding leaves of the variance of equal answers is none.
        covariance[np.abs(covariance) < 1e-12] = 0
        varies = covariance[:, -1, -1] > 0
        means = self.mean[:-1] + self.spread[:-1] * means[varies, :-1]
        return means, as_correlation(covariance[varies])


def complete(
    X: pd.DataFrame | ArrayLike, y: pd.Series | ArrayLike, sample_weight: ArrayLike | None = None
) -> Complete:  # fmt: skip
    """The responses that answer everything, checked; see `relative_weights` for what is refused."""
    drivers = as_numbers(X, "driver")
    outcome = as_numbers(pd.DataFrame({_name_of(y): y}) if np.ndim(y) == 1 else y, "outcome")
    if outcome.shape != (len(drivers), 1):
        raise ParameterError(
            f"The outcome is one answer for each of the {len(drivers):,} rows of the drivers, not "
            f"{' x '.join(f'{side:,}' for side in np.shape(y))} of them."
        )
    if isinstance(X, pd.DataFrame) and isinstance(y, pd.Series) and not X.index.equals(y.index):
        raise ParameterError(
            "Drivers and outcome have different indexes, so whose answer belongs to whom is not clear; "
            "bring them into one, such as with y.reindex(X.index)."
        )
    if drivers.shape[1] == 0:
        raise ParameterError("There is no driver: the frame has no column.")
    values = np.column_stack([drivers.to_numpy(), outcome.to_numpy()])
    full = ~np.isnan(values).any(axis=1)
    n, p = int(full.sum()), drivers.shape[1]
    if n < p + 2:
        raise ParameterError(
            f"Only {n:,} of {len(full):,} responses answer everything; {p} drivers need at least {p + 2}. "
            "Leave out drivers that few have rated."
        )
    weight = None if sample_weight is None else _weights(sample_weight, len(full))[full]
    values = values[full]
    for name, column in zip([*(f"driver {name!r}" for name in drivers), "outcome"], values.T, strict=True):
        if column.min() == column.max():
            raise ParameterError(
                f"The {name} has the same answer in all {n:,} complete responses; it tells nothing."
            )
    mean = np.average(values, axis=0, weights=weight)
    spread = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weight))
    return Complete(drivers.columns, (values - mean) / spread, mean, spread, weight, len(full) - n)


def _name_of(y: object) -> object:
    return getattr(y, "name", None) or "outcome"


def _weights(given: ArrayLike, n: int) -> np.ndarray:
    weight = pd.to_numeric(pd.Series(np.asarray(given).ravel()), errors="coerce").to_numpy(dtype=float)
    if weight.shape != (n,) or not ((weight > 0) & (weight < np.inf)).all():
        raise ParameterError(f"sample_weight is a number above 0 for each of the {n:,} rows of the drivers.")
    return weight


def _importance(
    weights: Weights, found: Complete, replicates: int | None, seed: int, level: float
) -> pd.DataFrame:
    normal_quantile(level)  # refuses a level that is none
    weight = weights(found.correlation())
    table = pd.DataFrame({"weight": weight, "share": shares(weight)}, index=found.names.rename("driver"))
    table.attrs = {"r2": float(weight.sum()), "n": len(found.values), "left_out": found.left_out}
    if replicates is not None:
        drawn = weights(found.resampled(replicates, seed)[1])
        table["low"], table["high"] = percentiles(drawn, level)
        table["share_low"], table["share_high"] = percentiles(shares(drawn), level)
        table.attrs["replicates"] = len(drawn)
    return table


def shares(weights: np.ndarray) -> np.ndarray:
    """Weights as shares of their sum; NaN where they explain nothing."""
    total = weights.sum(axis=-1, keepdims=True)
    return np.divide(weights, total, out=np.full_like(weights, np.nan), where=total > 0)


def percentiles(drawn: np.ndarray, level: float) -> np.ndarray:
    """Ends of the middle `level` of the replicates, by column."""
    return np.nanquantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0)
