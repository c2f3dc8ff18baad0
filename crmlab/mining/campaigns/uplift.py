"""Uplift: what contact changes, customer by customer, learnt from arms drawn by lot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.validation import check_is_fitted

from crmlab.errors import ParameterError, did_you_mean, listed
from crmlab.mining.campaigns.ranking import two_arms
from crmlab.mining.methods.tabular import column_encoder, plain_frame


class Features:
    """Columns of customers as numbers without gaps, always the same ones; fitted when made."""

    def __init__(self, X: Any) -> None:
        X = _frame(X)
        days = [name for name in X if pd.api.types.is_datetime64_any_dtype(X[name])]
        if days:
            raise ParameterError(f"The column {days[0]} holds days; give the time from it to the contact.")
        self.columns, self.encoder = column_encoder(plain_frame(X))
        if not self.columns:
            raise ParameterError("X has no column with any value.")
        self.encoder.fit(plain_frame(X)[self.columns])
        self.names = [name.split("__", 1)[1] for name in self.encoder.get_feature_names_out()]

    def __call__(self, X: Any) -> np.ndarray:
        """One row of numbers per customer."""
        X = _frame(X)
        missing = [name for name in self.columns if name not in X]
        if missing:
            raise ParameterError(f"X lacks {listed(missing, 300)}, which the model has learnt from.")
        return self.encoder.transform(plain_frame(X[self.columns]))


class UpliftModel(BaseEstimator):
    """What the uplift learners share: arms, columns, and the chance of contact.

    Parameters
    ----------
    learner
        Any estimator of scikit-learn; it is given numbers without gaps. Logistic regression for
        outcomes of 0 and 1 and ridge regression for amounts if not given, which on campaign data do as
        well as forests at a thousandth of the cost.
    control
        Name of the arm without contact; 0 if not given, where treatment is 0 and 1.
    propensity
        Chance of contact by the draw: a share for one arm, or the shares of all arms, the control
        among them, by name. The shares in the data if not given. Draws whose chance hangs on the
        customer are not dealt with.
    """

    def __init__(
        self,
        learner: Any = None,
        control: Any = None,
        propensity: float | Mapping[Any, float] | None = None,
    ) -> None:
        self.learner = learner
        self.control = control
        self.propensity = propensity

    def fit(self, X: Any, y: ArrayLike, treatment: ArrayLike) -> UpliftModel:
        """Learn from customers of all arms.

        Parameters
        ----------
        X
            One row per customer: numbers and texts; gaps are dealt with.
        y
            Outcomes: 0 and 1, or amounts.
        treatment
            0 and 1, or names of arms.

        Raises
        ------
        ParameterError
            If lengths differ, an outcome is missing, an arm is empty, or a column holds days.
        """
        given = np.asarray(treatment)
        self.arms_ = arms_of(given, self.control)
        self.features_ = Features(X)
        numbers = self.features_(X)
        if len(numbers) != len(given):
            raise ParameterError(f"There are {len(numbers):,} customers and {len(given):,} treatments.")
        self.fitted_ = {}
        for arm in self.arms_:
            outcome, t, kept = two_arms(y, given, 0 if self.control is None else self.control, arm)
            e = self.chance(arm, t)
            self.fitted_[arm] = self._learn(numbers[kept], outcome, t, e)
        return self

    def predict(self, X: Any) -> pd.DataFrame:
        """Expected effect of each arm on the outcome: one column per arm, indexed as X is."""
        check_is_fitted(self)
        numbers = self.features_(X)
        effects = {arm: self._effect(self.fitted_[arm], numbers) for arm in self.arms_}
        return pd.DataFrame(effects, index=_frame(X).index)

    def chance(self, arm: Any, t: np.ndarray) -> float:
        """Chance to be in the arm rather than in the control group."""
        if self.propensity is None:
            return float(t.mean())
        e = self.propensity
        if isinstance(e, Mapping):
            control = 0 if self.control is None else self.control
            for name in (arm, control):
                if name not in e:
                    raise ParameterError(f"propensity has no {name!r}{did_you_mean(str(name), map(str, e))}")
            e = e[arm] / (e[arm] + e[control])
        if not 0 < e < 1:
            raise ParameterError(f"propensity is a share above 0 and below 1, not {e!r}.")
        return float(e)

    def _outcome_learner(self, y: np.ndarray) -> Any:
        if self.learner is not None:
            return clone(self.learner)
        return LogisticRegression(max_iter=1000) if np.isin(y, (0, 1)).all() else Ridge()

    def _learn(self, x: np.ndarray, y: np.ndarray, t: np.ndarray, e: float) -> Any:
        raise NotImplementedError

    def _effect(self, fitted: Any, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class SLearner(UpliftModel):
    """One learner of the outcome that sees whether a customer was contacted; the effect is what that changes.

    The contact is multiplied with each column too, without which a linear learner would give the same
    effect to all.

    References
    ----------
    S. R. Künzel et al. (2019), Metalearners for estimating heterogeneous treatment effects using machine
    learning, PNAS 116, 4156-4165. V. S. Y. Lo (2002), The true lift model, SIGKDD Explorations 4, 78-86.

    Examples
    --------
    >>> X = pd.DataFrame({"woman": [0, 1] * 40})
    >>> t = np.repeat([0, 1], 40)
    >>> SLearner().fit(X, 100 + 50 * t * X["woman"], t).predict(X.head(2)).round(0)[1].tolist()
    [-0.0, 48.0]
    """

    def _learn(self, x: np.ndarray, y: np.ndarray, t: np.ndarray, e: float) -> Any:
        return _fit(self._outcome_learner(y), _with_contact(x, t), y)

    def _effect(self, fitted: Any, x: np.ndarray) -> np.ndarray:
        one, none = np.ones(len(x)), np.zeros(len(x))
        return _expect(fitted, _with_contact(x, one)) - _expect(fitted, _with_contact(x, none))


class TLearner(UpliftModel):
    """Two learners of the outcome, with and without contact; the effect is their difference.

    References
    ----------
    Künzel et al. (2019), as in `SLearner`.

    Examples
    --------
    >>> X = pd.DataFrame({"woman": [0, 1] * 40})
    >>> t = np.repeat([0, 1], 40)
    >>> TLearner().fit(X, 100 + 50 * t * X["woman"], t).predict(X.head(2)).round(0)[1].tolist()
    [1.0, 49.0]
    """

    def _learn(self, x: np.ndarray, y: np.ndarray, t: np.ndarray, e: float) -> Any:
        return tuple(_fit(self._outcome_learner(y), x[side], y[side]) for side in (t, ~t))

    def _effect(self, fitted: Any, x: np.ndarray) -> np.ndarray:
        treated, control = fitted
        return _expect(treated, x) - _expect(control, x)


class XLearner(UpliftModel):
    """Effects of each customer by what the other group's learner expects, learnt in turn and mixed.

    Parameters
    ----------
    effect_learner
        Regressor of the effects of the second step; ridge regression if not given.

    References
    ----------
    Künzel et al. (2019), as in `SLearner`, equations 3 to 6, mixed by the chance of contact.

    Examples
    --------
    >>> X = pd.DataFrame({"woman": [0, 1] * 40})
    >>> t = np.repeat([0, 1], 40)
    >>> XLearner().fit(X, 100 + 50 * t * X["woman"], t).predict(X.head(2)).round(0)[1].tolist()
    [1.0, 49.0]
    """

    def __init__(
        self,
        learner: Any = None,
        control: Any = None,
        propensity: float | Mapping[Any, float] | None = None,
        effect_learner: Any = None,
    ) -> None:
        super().__init__(learner, control, propensity)
        self.effect_learner = effect_learner

    def _learn(self, x: np.ndarray, y: np.ndarray, t: np.ndarray, e: float) -> Any:
        treated, control = (_fit(self._outcome_learner(y), x[side], y[side]) for side in (t, ~t))
        second = Ridge() if self.effect_learner is None else self.effect_learner
        gained = _fit(clone(second), x[t], y[t] - _expect(control, x[t]))
        missed = _fit(clone(second), x[~t], _expect(treated, x[~t]) - y[~t])
        return gained, missed, e

    def _effect(self, fitted: Any, x: np.ndarray) -> np.ndarray:
        gained, missed, e = fitted
        return e * _expect(missed, x) + (1 - e) * _expect(gained, x)


class TransformedOutcome(UpliftModel):
    """One regressor of an outcome made such that its expectation is the effect.

    That outcome is y (t - e) / (e (1 - e)), with t whether and e the chance that a customer is contacted.

    Parameters
    ----------
    learner
        A regressor; ridge regression if not given.
    centred
        Whether what ridge regression expects of a customer, contacted or not, is taken off y before:
        the expectation stays, the noise becomes less.

    References
    ----------
    S. Athey and G. Imbens (2016), Recursive partitioning for heterogeneous causal effects, PNAS 113,
    7353-7360, section "Transformed outcome".

    Examples
    --------
    >>> X = pd.DataFrame({"woman": [0, 1] * 40})
    >>> t = np.repeat([0, 1], 40)
    >>> TransformedOutcome().fit(X, 100 + 50 * t * X["woman"], t).predict(X.head(2)).round(0)[1].tolist()
    [0.0, 50.0]
    """

    def __init__(
        self,
        learner: Any = None,
        control: Any = None,
        propensity: float | Mapping[Any, float] | None = None,
        centred: bool = True,
    ) -> None:
        super().__init__(learner, control, propensity)
        self.centred = centred

    def _learn(self, x: np.ndarray, y: np.ndarray, t: np.ndarray, e: float) -> Any:
        if self.centred:
            y = y - Ridge().fit(x, y).predict(x)
        return _fit(Ridge() if self.learner is None else clone(self.learner), x, y * (t - e) / (e * (1 - e)))

    def _effect(self, fitted: Any, x: np.ndarray) -> np.ndarray:
        return _expect(fitted, x)


class ClassTransformation(UpliftModel):
    """One classifier of whether a customer did what the group they are in would be wished to do.

    That is to respond if contacted, and not to if not. With p its probability, each group weighted to
    half, the effect is 2 p - 1. For outcomes of 0 and 1.

    References
    ----------
    M. Jaskowski and S. Jaroszewicz (2012), Uplift modeling for clinical trial data, ICML workshop on
    clinical data analysis; with weights for unequal groups: L. Y.-T. Lai (2006), thesis, Simon Fraser.

    Examples
    --------
    >>> X = pd.DataFrame({"woman": [0, 1] * 400})
    >>> t = np.repeat([0, 1], 400)
    >>> ClassTransformation().fit(X, t * X["woman"], t).predict(X.head(2)).round(1)[1].tolist()
    [0.0, 1.0]
    """

    def _learn(self, x: np.ndarray, y: np.ndarray, t: np.ndarray, e: float) -> Any:
        if not np.isin(y, (0, 1)).all():
            raise ParameterError("Class transformation is for outcomes of 0 and 1; take TransformedOutcome.")
        learner = self._outcome_learner(y)
        if not is_classifier(learner):
            raise ParameterError("Class transformation needs a classifier.")
        return _fit(learner, x, (y == t).astype(float), np.where(t, 0.5 / e, 0.5 / (1 - e)))

    def _effect(self, fitted: Any, x: np.ndarray) -> np.ndarray:
        return 2 * _expect(fitted, x) - 1


class ResponseRanking(UpliftModel):
    """The outcome expected of a contacted customer: no effect, but often in its order.

    It belongs into every comparison: where contact moves those most who buy anyhow, nothing ranks better.
    """

    def _learn(self, x: np.ndarray, y: np.ndarray, t: np.ndarray, e: float) -> Any:
        return _fit(self._outcome_learner(y), x[t], y[t])

    def _effect(self, fitted: Any, x: np.ndarray) -> np.ndarray:
        return _expect(fitted, x)


class OneColumnRule(UpliftModel):
    """The column, upwards or downwards, by which the ranking finds most: no effect, but an order.

    Columns are compared by the area of `qini` by the convention ``"raw"``, by its standard error if
    contact changed nothing. Of texts, each frequent value is a column of 0 and 1.
    """

    def _learn(self, x: np.ndarray, y: np.ndarray, t: np.ndarray, e: float) -> Any:
        from scipy.stats import rankdata

        z = (y - np.where(t, y[t].mean(), y[~t].mean())) * np.where(t, 1 / t.sum(), -1 / (~t).sum())
        ranks = rankdata(x, axis=0) / len(x)
        ranks -= ranks.mean(axis=0)
        spread = np.sqrt((ranks**2 * (z**2)[:, None]).sum(axis=0))
        found = np.divide(z @ ranks, spread, out=np.zeros(len(spread)), where=spread > 0)
        best = int(np.abs(found).argmax())
        return best, (1.0 if found[best] >= 0 else -1.0)

    def _effect(self, fitted: Any, x: np.ndarray) -> np.ndarray:
        column, sign = fitted
        return sign * x[:, column]


def arms_of(treatment: np.ndarray, control: Any) -> list:
    """Arms beside the control group, sorted.

    Raises
    ------
    ParameterError
        If there is no such control group, or nothing beside it.
    """
    known = sorted(set(treatment.tolist()), key=str)
    name = 0 if control is None else control
    if name not in known:
        hint = "; give control the name of the arm without contact" if control is None else ""
        raise ParameterError(f"No customer's treatment is {name!r}{hint}. Known: {listed(map(str, known))}.")
    if len(known) < 2:
        raise ParameterError("There must be customers both with treatment and without.")
    return [arm for arm in known if arm != name]


def _frame(X: Any) -> pd.DataFrame:
    return X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X)).rename(columns=str)


def _with_contact(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    t = np.asarray(t, dtype=float)[:, None]
    return np.hstack([x, t, x * t])


def _fit(learner: Any, x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> Any:
    # Of one value alone a classifier learns nothing, and says so by an error.
    if is_classifier(learner) and (y == y[0]).all():
        learner = DummyRegressor()
    return learner.fit(x, y) if weight is None else learner.fit(x, y, sample_weight=weight)


def _expect(fitted: Any, x: np.ndarray) -> np.ndarray:
    return fitted.predict_proba(x)[:, 1] if is_classifier(fitted) else fitted.predict(x)
