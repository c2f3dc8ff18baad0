"""Intervals on predictions: the model fitted again and again to customers who count now more, now less."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError
from crmlab.mining.customers.lifetime.base import LifetimeModel
from crmlab.mining.customers.lifetime.fitting import refit
from crmlab.mining.methods.intervals import Estimate

if TYPE_CHECKING:
    from crmlab.engine import Log

_ROWS = 25_000  # customers whose predictions are held in all replicates at once


@dataclass(frozen=True, repr=False)
class Bootstrap:
    """A model and its refitted copies.

    Attributes
    ----------
    model : LifetimeModel
        As fitted to all customers alike.
    params : DataFrame
        One row per replicate, a column per parameter.
    failed : int
        Replicates whose search found no optimum; they are not among the rows.
    """

    model: LifetimeModel
    params: pd.DataFrame

    failed: int = 0

    def __repr__(self) -> str:
        return f"Bootstrap({self.model}, {len(self.params):,} replicates, {self.failed:,} failed)"

    def models(self) -> Iterator[LifetimeModel]:
        """The refitted models, one after the other."""
        for values in self.params.to_dict("records"):
            yield self.model._with_params(values)

    def intervals(self, level: float = 0.95) -> pd.DataFrame:
        """Intervals of the parameters: a row per parameter with `value`, `low` and `high`."""
        low, high = percentile_ends(self.params.to_numpy(), level)
        return pd.DataFrame({"value": pd.Series(self.model.params_), "low": low, "high": high})


def bootstrap(
    model: LifetimeModel,
    summary: Log,
    replicates: int = 1000,
    seed: int = 0,
    sample_weight: ArrayLike | None = None,
) -> Bootstrap:
    """Refit a model to weighted customers.

    In each replicate every customer counts with a random weight of mean 1 instead of exactly once
    (exponential weights, the Bayesian bootstrap), so no replicate loses a kind of customer
    altogether. Each refit starts at the optimum and takes a few steps. Customers with equal
    histories are one row with the sum of their weights, which is gamma distributed.

    Parameters
    ----------
    model
        Fitted to `summary`.
    summary, sample_weight
        What it was fitted to.
    replicates
        How often to refit: 200 are enough to see how wide an interval is, 1000 for its ends.
    seed
        Of the weights.

    Raises
    ------
    ParameterError
        If the model is not fitted, or lies on a ridge.

    Warns
    -----
    UserWarning
        If replicates found no optimum.

    References
    ----------
    D. B. Rubin (1981), The Bayesian bootstrap, Annals of Statistics 9, 130-134; M. A. Newton and
    A. E. Raftery (1994), Approximate Bayesian inference with the weighted likelihood bootstrap,
    Journal of the Royal Statistical Society B 56, 3-48.

    Examples
    --------
    >>> from crmlab.mining.customers import ShiftedBetaGeometric
    >>> left = pd.DataFrame({"tenure": [1, 2, 3, 4, 4], "churned": [1, 1, 1, 1, 0]})
    >>> customers = [369, 163, 86, 56, 326]
    >>> model = ShiftedBetaGeometric().fit(left, customers)
    >>> again = bootstrap(model, left, 500, sample_weight=customers)
    >>> print(prediction_interval(lambda m: float(m.survival(7)), again))
    0.2296 (95% interval 0.1978 to 0.259, n=1,000)
    """
    if replicates < 2:
        raise ParameterError("A bootstrap takes at least two replicates; 200 or more are of use.")
    counted, optimum = model._count(summary, sample_weight), model._values()
    if np.isnan(model.covariance_).any():
        raise ParameterError(f"There is no interval around parameters on a ridge. {model.convergence_}")
    # Models of the same customers draw weights of their own, even with the same seed.
    random = np.random.default_rng([seed, *type(model).__name__.encode()])
    found, failed = [], 0
    for _ in range(replicates):
        weight = random.standard_gamma(counted.weight)
        data = model._prepare(counted._replace(weight=weight))
        refitted = refit(
            lambda params, data=data: model._log_likelihood(params, data),
            optimum, model.covariance_, weight.sum(), len(model.parameters),
        )  # fmt: skip
        if refitted is None:
            failed += 1
        else:
            found.append(refitted)
    if failed:
        warnings.warn(
            f"{failed:,} of {replicates:,} replicates found no optimum and are left out; intervals may be "
            "too narrow. The data hardly determine the parameters.",
            stacklevel=2,
        )
    return Bootstrap(model, pd.DataFrame(found, columns=list(model.params_)), failed)


def prediction_interval(
    predict: Callable[..., Any],
    *bootstraps: Bootstrap,
    summary: pd.DataFrame | None = None,
    level: float = 0.95,
) -> Estimate | pd.DataFrame:
    """Interval of whatever can be computed from fitted models.

    Parameters
    ----------
    predict
        From a model (or from several, one of each bootstrap) to a number, an array or a Series.
    bootstraps
        One or more with the same number of replicates, whose models are taken in turn together. Where
        some failed, those of the others that are left over are not taken.
    summary
        Customers to predict for, if there are many: `predict` then gets a part of them as its last
        argument, so that not all predictions of all replicates are held at once.
    level
        Confidence level; the ends are percentiles.

    Returns
    -------
    Estimate or DataFrame
        For a number an estimate, else a frame with `value`, `low` and `high`, indexed like what
        `predict` returns. It says how well the expectation is known; what single customers do
        varies around it.
    """
    if len({len(one.params) + one.failed for one in bootstraps}) != 1:
        raise ParameterError("Give one bootstrap, or several with the same number of replicates.")
    if summary is None:
        return _predict(predict, bootstraps, (), level)
    parts = [summary.iloc[first : first + _ROWS] for first in range(0, len(summary), _ROWS)]
    return pd.concat([_predict(predict, bootstraps, (part,), level) for part in parts or [summary]])


def _predict(
    predict: Callable[..., Any], bootstraps: tuple[Bootstrap, ...], part: tuple, level: float
) -> Estimate | pd.DataFrame:
    value = predict(*(one.model for one in bootstraps), *part)
    drawn = np.array(
        [predict(*models, *part) for models in zip(*(b.models() for b in bootstraps), strict=False)]
    )
    low, high = percentile_ends(drawn, level)
    if np.ndim(value) == 0:
        return Estimate(float(value), float(low), float(high), int(bootstraps[0].model.n_customers_), level)
    index = value.index if isinstance(value, pd.Series) else None
    return pd.DataFrame({"value": np.asarray(value), "low": low, "high": high}, index=index)


def percentile_ends(drawn: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the interval in which `level` of the replicates lie, along the first axis."""
    if not 0 < level < 1:
        raise ParameterError(f"level is a share between 0 and 1, such as 0.95, not {level!r}.")
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return low, high
