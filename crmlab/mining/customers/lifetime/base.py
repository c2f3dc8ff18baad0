"""What the models share: fitting to a summary, parameters set by hand, and a report of how a fit went."""

from __future__ import annotations

import copy
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers.lifetime.fitting import FLAT, Optimum, at, maximize
from crmlab.mining.customers.lifetime.summaries import Counted

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.engine import Log

PILOTS = (2_000, 20_000)  # customers on whom the way to the optimum is found before all of them are asked


@dataclass(frozen=True)
class Convergence:
    """How a fit ended.

    Attributes
    ----------
    status : str
        ``"converged"``: the optimum was found; ``"ridge"``: the log-likelihood has none, it rises
        as the parameters in `ridge` go to their limits; ``"stopped"``: the search gave up.
    message : str
        The same in words.
    gradient : float
        Largest slope of the log-likelihood per customer in the free log-parameters.
    evaluations : int
        How often the log-likelihood of all customers was computed.
    ridge : tuple of str
        Parameters without an estimate of their own.
    """

    status: str
    message: str
    gradient: float
    evaluations: int
    ridge: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.message


class LifetimeModel(ABC):
    """What the models share: fitting by maximum likelihood, and setting parameters by hand.

    A model says how a summary is read (`_count`), prepared (`_prepare`) and judged
    (`_log_likelihood`, with its gradient), and where a search may start (`_starts`).

    Attributes
    ----------
    params_ : dict of str to float
        The parameters in the order of the papers.
    standard_errors_ : dict of str to float
        From the curvature of the log-likelihood; NaN for parameters on a ridge.
    covariance_ : ndarray
        Of the parameters, in the same order.
    log_likelihood_ : float
    n_customers_ : float
        Customers that the fit rests on.
    convergence_ : Convergence
    """

    #: Names of the positive parameters, and what spreads over customers by each of them.
    parameters: ClassVar[dict[str, str]]

    params_: dict[str, float]
    standard_errors_: dict[str, float]
    covariance_: np.ndarray
    log_likelihood_: float
    n_customers_: float
    convergence_: Convergence

    @classmethod
    def from_params(cls, **params: float) -> Self:
        """The model with known parameters instead of fitted ones, such as published ones."""
        model = cls._with_coefficients([name for name in params if name not in cls.parameters])
        names = [*cls.parameters, *model._coefficients()]
        if set(params) != set(names):
            raise ParameterError(f"{cls.__name__} has the parameters {', '.join(names)}.")
        for name, value in params.items():
            if name in cls.parameters and not 0 < value < np.inf:
                raise ParameterError(f"{name} is a positive number, not {value!r}.")
            if not np.isfinite(value):
                raise ParameterError(f"{name} is a number, not {value!r}.")
        model.params_ = {name: float(params[name]) for name in names}
        return model

    @classmethod
    def _with_coefficients(cls, names: list[str]) -> Self:
        """A model that has coefficients of these names, as far as the class knows coefficients."""
        return cls()

    def _coefficients(self) -> dict[str, str]:
        """Names of the parameters that may take any sign, and what each of them describes."""
        return {}

    def _basis(self, counted: Counted) -> np.ndarray:
        """From what is searched to log-parameters and coefficients; see `maximize`."""
        return np.eye(len(self.parameters))

    def __repr__(self) -> str:
        known = ", ".join(f"{name}={value:.4g}" for name, value in getattr(self, "params_", {}).items())
        return f"{type(self).__name__}({known or 'not fitted'})"

    def fit(self, summary: Log, sample_weight: ArrayLike | None = None) -> Self:
        """Find the parameters that make the summary most likely.

        A fit without an optimum ends with a warning; `convergence_` says in words what happened.

        Parameters
        ----------
        summary
            A frame with one row per customer, or an ibis table, which is counted in its engine.
        sample_weight
            Number of customers that each row of a frame stands for; 1 if not given.
        """
        counted = self._count(summary, sample_weight)
        n = counted.weight.sum()
        if not n:
            raise TableError("The summary holds no customer to fit the model to.", "summary")
        data = self._prepare(counted)
        basis = self._basis(counted)
        few = n > 2 * PILOTS[-1] and len(counted.weight) > PILOTS[-1]
        samples = [self._prepare(counted.sample(size)) for size in PILOTS if few]
        optimum = maximize(
            lambda params: self._log_likelihood(params, data),
            np.log(self._starts(counted)), n,
            pilots=[(lambda params, sample=sample: self._log_likelihood(params, sample), size)
                    for sample, size in zip(samples, PILOTS, strict=False)],
            basis=basis,
        )  # fmt: skip
        names = [*self.parameters, *self._coefficients()]
        values, jacobian = at(optimum.log_params, len(self.parameters), basis)
        self.params_ = dict(zip(names, values.tolist(), strict=True))
        unknown = np.isnan(np.diag(optimum.log_covariance))
        self.covariance_ = jacobian @ np.nan_to_num(optimum.log_covariance) @ jacobian.T
        unknown = (jacobian != 0) @ unknown
        self.covariance_[unknown] = self.covariance_[:, unknown] = np.nan
        errors = np.sqrt(np.diag(self.covariance_))
        self.standard_errors_ = dict(zip(names, errors.tolist(), strict=True))
        self.log_likelihood_ = optimum.log_likelihood
        self.n_customers_ = float(n)
        self.convergence_ = self._report(optimum)
        if self.convergence_.status != "converged":
            warnings.warn(f"{type(self).__name__}: {self.convergence_}", UserWarning, stacklevel=2)
        return self

    def log_likelihood(self, summary: Log, sample_weight: ArrayLike | None = None) -> float:
        """Log-likelihood of a summary under the parameters of this model."""
        data = self._prepare(self._count(summary, sample_weight))
        return self._log_likelihood(self._values(), data)[0]

    def discounted_purchases(self, times: ArrayLike, discount_rate: float, summary: Log) -> pd.Series:
        """Expected purchases from now on, those of each step worth less than those before.

        Parameters
        ----------
        times
            Ends of the steps from now, ascending, in the unit of the model.
        discount_rate
            Per step: a purchase in the k-th counts 1 / (1 + discount_rate)^k.
        summary
            Customers as for `fit`.

        Returns
        -------
        Series
            Indexed like the summary.
        """
        worth = (1 + discount_rate) ** -np.arange(1.0, np.size(times) + 2)
        worth[-1] = 0.0
        # Sum over k of (E(k) - E(k-1)) worth(k), by E(k).
        return self._expected_sum(np.asarray(times, dtype=float), -np.diff(worth), summary)

    def _expected_sum(self, times: np.ndarray, weights: np.ndarray, summary: Log) -> pd.Series:
        parts = [w * self.expected_purchases(t, summary) for t, w in zip(times, weights, strict=True)]
        return sum(parts[1:], parts[0])

    def _values(self) -> np.ndarray:
        if not hasattr(self, "params_"):
            raise ParameterError(f"This {type(self).__name__} has no parameters yet; call fit first.")
        return np.array(list(self.params_.values()))

    def _with_params(self, params: dict[str, float]) -> Self:
        """A copy with the same settings and these parameters, which knows nothing of a fit."""
        one = copy.copy(self)
        for name in [name for name in vars(one) if name.endswith("_")]:
            delattr(one, name)
        one.params_ = params
        return one

    @abstractmethod
    def _count(self, summary: Log, sample_weight: ArrayLike | None) -> Counted:
        """Equal customers of a summary, checked."""

    def _prepare(self, counted: Counted) -> object:
        return counted

    @abstractmethod
    def _log_likelihood(self, params: np.ndarray, data: object) -> tuple[float, np.ndarray]:
        """Log-likelihood and its slope in each parameter."""

    @abstractmethod
    def _starts(self, counted: Counted) -> Sequence[Sequence[float]]:
        """Parameters to start from."""

    def _report(self, optimum: Optimum) -> Convergence:
        names = np.array([*self.parameters, *self._coefficients()])
        gradient, evaluations = optimum.gradient, optimum.evaluations
        ridge = tuple(names[optimum.ridge].tolist())
        if not optimum.converged:
            message = (
                f"The search stopped after {evaluations} evaluations with a slope of {gradient:.1e} per "
                "customer; the parameters are not the optimum."
            )
            return Convergence("stopped", message, gradient, evaluations, ridge)
        if ridge:
            message = self._ridge_in_words(optimum)
            return Convergence("ridge", message, gradient, evaluations, ridge)
        message = f"Converged after {evaluations} evaluations, slope {gradient:.1e} per customer."
        loose = names[np.sqrt(np.diag(optimum.log_covariance)) > FLAT]
        if len(loose):
            message += f" The data hardly determine {' and '.join(loose)}: see the standard errors."
        return Convergence("converged", message, gradient, evaluations)

    def _ridge_in_words(self, optimum: Optimum) -> str:
        coefficients = self._coefficients()
        names = [*self.parameters, *coefficients]
        ends = []
        for sign, end in ((1, "infinity"), (-1, "zero"), (-1, "minus infinity")):
            gone = [name for name, on, side in zip(names, optimum.ridge, optimum.side, strict=True)
                    if on and side == sign
                    and (sign > 0 or (name in coefficients) == ("minus" in end))]  # fmt: skip
            if gone:
                ends.append(f"{' and '.join(gone)} go{'es' if len(gone) == 1 else ''} to {end}")
        lost = [name for name, on in zip(names, optimum.ridge, strict=True) if on]
        spreads = {f"the spread of {self.parameters[name]} over customers": None for name in lost
                   if name in self.parameters}  # fmt: skip
        described = [*spreads, *(coefficients[name] for name in lost if name in coefficients)]
        return (
            f"No optimum, but a ridge: the log-likelihood rises as {', '.join(ends)}, and is flat from "
            f"there on. What these parameters describe, {' and '.join(described)}, "
            "is not to be had from these data. Predictions hold; the parameters themselves "
            "mean nothing and have no standard error."
        )


def check_rate(discount_rate: float, unit: str) -> None:
    """Raise a ParameterError unless something to come can be discounted at this rate for ever."""
    if not 0 < discount_rate < np.inf:
        raise ParameterError(f"discount_rate is a positive rate {unit}.")
