"""Who responds when contacted: a model, how good it is now and later, and columns it must not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError, did_you_mean, listed
from crmlab.mining.methods.intervals import Estimate
from crmlab.mining.methods.probabilities import (
    area,
    area_estimate,
    calibration,
    delong,
    gains,
)
from crmlab.mining.methods.tabular import column_encoder, plain_frame

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

METHODS = ("boosting", "logistic")


@dataclass(frozen=True, eq=False)
class ResponseEvaluation:
    """How good forecasts of response are; `evaluate_response` makes it.

    Attributes
    ----------
    auc : Estimate
        Probability that of a responder and another customer the responder has the higher score; DeLong's
        interval.
    alift : Estimate
        Area under the curve of the share of responders found by the share of customers contacted.
    brier, log_loss : float
        Mean squared error and mean negative log-likelihood; less is better.
    rate : float
        Share of customers who responded.
    calibration : DataFrame
        Classes of equal size by forecast: `customers`, `predicted`, `observed`, `low`, `high`.
    gains : DataFrame
        Tenths, the highest forecasts first: `customers`, `responses`, `rate`, `lift`, `captured`,
        `cumulated_lift`.
    """

    auc: Estimate
    alift: Estimate
    brier: float
    log_loss: float
    rate: float
    calibration: pd.DataFrame
    gains: pd.DataFrame


def response_model(
    X: pd.DataFrame,
    responded: ArrayLike,
    method: str = "boosting",
    seed: int = 0,
) -> Pipeline:
    """Learn who responds; the result is a pipeline of scikit-learn that takes frames like X.

    Parameters
    ----------
    X, responded
        Customers as they were known before the contact: numbers and texts, gaps allowed; and 1 or 0.
    method
        ``"boosting"``: gradient boosted trees on histograms; ``"logistic"``: logistic regression.
    seed
        Of the trees.

    Returns
    -------
    Pipeline
        Fitted; ``predict_proba(X)[:, 1]`` is the probability to respond.

    Raises
    ------
    ParameterError
        If the method is unknown, a column holds days, or all responded or nobody did.

    Examples
    --------
    >>> X = pd.DataFrame({"age": range(40)})
    >>> model = response_model(X, (X["age"] > 20).astype(int), "logistic")
    >>> model.predict_proba(X.iloc[[0, 39]])[:, 1].round().tolist()
    [0.0, 1.0]
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    if method not in METHODS:
        raise ParameterError(f"There is no method {method!r}{did_you_mean(str(method), METHODS)}")
    y = responses_of(responded, len(X))
    for name in X:
        if pd.api.types.is_datetime64_any_dtype(X[name]):
            raise ParameterError(f"The column {name} holds days; give the time from it to the contact.")
    plain = plain_frame(X)
    told, encoder = column_encoder(plain, scaled=method == "logistic")
    if not told:
        raise ParameterError("X has no column with any value.")
    learner: Any = (
        LogisticRegression(max_iter=2000)
        if method == "logistic"
        else HistGradientBoostingClassifier(random_state=seed)
    )
    known = FunctionTransformer(_known, kw_args={"columns": told})
    return Pipeline([("plain", known), ("columns", encoder), ("model", learner)]).fit(X, y)


def evaluate_response(
    probability: ArrayLike, responded: ArrayLike, level: float = 0.95
) -> ResponseEvaluation:
    """Judge forecasts by customers they were not learnt from.

    Parameters
    ----------
    probability, responded
        Forecast from 0 to 1, and 1 or 0, one of each per customer.

    Notes
    -----
    With a share r of responders, ALIFT is (1 - r) AUC + r / 2: it falls as the rate rises, so that only
    figures of the same customers compare.

    References
    ----------
    S. Moro, P. Cortez and P. Rita (2014), A data-driven approach to predict the success of bank
    telemarketing, Decision Support Systems 62, 22-31 (ALIFT). E. R. DeLong, D. M. DeLong and D. L.
    Clarke-Pearson (1988), Biometrics 44, 837-845.

    Examples
    --------
    >>> found = evaluate_response([0.9, 0.2, 0.6, 0.1], [1, 0, 0, 1])
    >>> found.auc.value, found.alift.value
    (0.5, 0.5)
    """
    p = np.asarray(probability, dtype=float)
    y = responses_of(responded, len(p))
    if not ((p >= 0) & (p <= 1)).all():
        raise ParameterError("Forecasts are probabilities from 0 to 1.")
    areas, variance = delong([p], y)
    auc, rate = area_estimate(areas[0], variance[0, 0], len(y), level), float(y.mean())
    alift = (float((1 - rate) * end + rate / 2) for end in (auc.value, auc.low, auc.high))
    sure = np.clip(p, 1e-15, 1 - 1e-15)
    return ResponseEvaluation(
        auc=auc,
        alift=Estimate(*alift, len(y), level),
        brier=float(((p - y) ** 2).mean()),
        log_loss=float(-(y * np.log(sure) + (1 - y) * np.log1p(-sure)).mean()),
        rate=rate,
        calibration=calibration(p, y, level),
        gains=gains(p, y, events="responses"),
    )


def response_splits(
    X: pd.DataFrame,
    responded: ArrayLike,
    method: str = "boosting",
    repeats: int = 5,
    held_out: float = 0.3,
    seed: int = 0,
) -> pd.DataFrame:
    """How good a model is on customers of the same time, and on those who come later.

    A random split mixes all times, so that a model is asked about days it has learnt from; the last
    rows, held out as a whole, ask what the next campaign will. Both belong in a report.

    Parameters
    ----------
    X, responded
        As `response_model` takes them, rows in the order of time.
    repeats
        Number of random splits.
    held_out
        Share of customers to judge by.
    seed
        Of the splits and the trees.

    Returns
    -------
    DataFrame
        Indexed by `split`, ``"random 1"`` and so on and ``"chronological"``: `auc`, `alift`, `top_half`
        (share of responders among the better half), `rate_before`, `rate_after`.
    """
    y = responses_of(responded, len(X))
    if not 0 < held_out < 1:
        raise ParameterError(f"held_out is a share between 0 and 1, such as 0.3, not {held_out!r}.")
    random, n = np.random.default_rng(seed), int((1 - held_out) * len(X))
    splits = {f"random {time + 1}": random.permutation(len(X)) for time in range(repeats)}
    splits["chronological"] = np.arange(len(X))
    rows = []
    for order in splits.values():
        before, after = np.sort(order[:n]), np.sort(order[n:])
        p = response_model(X.iloc[before], y[before], method, seed).predict_proba(X.iloc[after])[:, 1]
        responses_of(y[after], len(after))
        auc, rate = area(p, y[after]), y[after].mean()
        top = gains(p, y[after], groups=2)["captured"].iloc[0]
        rows.append((auc, (1 - rate) * auc + rate / 2, top, y[before].mean(), rate))
    columns = ["auc", "alift", "top_half", "rate_before", "rate_after"]
    return pd.DataFrame(rows, pd.Index(list(splits), name="split"), columns)


def responses_of(responded: ArrayLike, n: int) -> np.ndarray:
    """Responses as 1.0 and 0.0, if there are n of them and some of both."""
    y = np.asarray(responded, dtype=float)
    if y.shape != (n,):
        raise ParameterError(f"There are {n:,} customers and {y.size:,} responses.")
    if not np.isin(y, (0, 1)).all() or not 0 < y.sum() < len(y):
        raise ParameterError("responded is 1 or 0 for each customer, and some of both.")
    return y


def _known(X: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    missing = [name for name in columns if name not in X]
    if missing:
        raise ParameterError(f"X lacks {listed(missing, 300)}, which the model has learnt from.")
    return plain_frame(X[list(columns)])
