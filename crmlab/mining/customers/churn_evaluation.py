"""How good forecasts of churn are: ranking, calibration, lift, what they rest on, and what they must not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.calendars import Day, as_day
from crmlab.errors import ParameterError
from crmlab.mining.methods.intervals import Estimate, normal_quantile
from crmlab.mining.methods.probabilities import (
    area,
    area_estimate,
    calibration,
    column_area,
    delong,
    gains,
)

#: A single column that tells churners apart as well as this is known only after they churned.
TOO_GOOD = 0.98
#: Customers on whom importances are measured, at most.
SAMPLE = 5_000


@dataclass(frozen=True, eq=False)
class ChurnEvaluation:
    """How good a forecast is; `evaluate_churn` makes it.

    Attributes
    ----------
    auc : Estimate
        Probability that of a churner and another customer the churner has the higher score.
    brier, log_loss : float
        Mean squared error and mean negative log-likelihood of the probabilities; less is better.
    rate : float
        Share of customers who churned.
    calibration : DataFrame
        Customers in classes of equal size by forecast: `customers`, `predicted` (mean), `observed`
        (share that churned), `low` and `high`, Wilson's interval of the latter.
    gains : DataFrame
        Indexed by `group`, tenths with the highest scores first: `customers`, `churned`, `rate`, `lift`
        (rate by that of all), `captured` (share of all churners in this and better groups) and
        `cumulated_lift`. Of equal scores everybody counts as their mean, so order does not matter.
    top_decile_lift : float
        Lift of the first group.
    importance : DataFrame
        Indexed by `column`: `importance`, what the AUC loses if the column is shuffled, `low` and
        `high`, the greatest first. Empty for scores without a model.
    warnings : tuple of str
        What `leakage_guard` says.
    """

    auc: Estimate
    brier: float
    log_loss: float
    rate: float
    calibration: pd.DataFrame
    gains: pd.DataFrame
    top_decile_lift: float
    importance: pd.DataFrame
    warnings: tuple[str, ...]


def evaluate_churn(
    model: Any,
    X: pd.DataFrame | None,
    churned: pd.Series,
    seed: int = 0,
    level: float = 0.95,
    replicates: int = 20,
) -> ChurnEvaluation:
    """Judge a forecast by customers it has not learnt from, best from a later time.

    Parameters
    ----------
    model
        A fitted classifier such as `churn_model` gives, or the probabilities themselves.
    X, churned
        Customers as `churn_dataset` gives them; X may be None with probabilities.
    seed
        Of the shuffling and drawing for the importances.
    level
        Confidence level of the intervals.
    replicates
        How often customers (5,000 at most) are drawn anew and a column shuffled, for its importance and
        the interval of it, which holds `level` of the replicates. 0 leaves importances out.

    Returns
    -------
    ChurnEvaluation

    Notes
    -----
    The interval of the AUC is DeLong's, on the logit scale.

    References
    ----------
    E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson (1988), Comparing the areas under two or more
    correlated receiver operating characteristic curves, Biometrics 44, 837-845. L. Breiman (2001),
    Random forests, Machine Learning 45, 5-32 (permutation importance).

    Examples
    --------
    >>> found = evaluate_churn([0.9, 0.2, 0.6, 0.1], None, pd.Series([1, 0, 0, 1]))
    >>> found.auc.value, round(found.brier, 3)
    (0.5, 0.305)
    """
    y = _targets(churned)
    is_model = hasattr(model, "predict_proba")
    if is_model and X is None:
        raise ParameterError("A model needs X to forecast from.")
    p = model.predict_proba(X)[:, 1] if is_model else np.asarray(model, dtype=float)
    if p.shape != y.shape:
        raise ParameterError(f"There are {len(p):,} forecasts for {len(y):,} customers.")
    if not ((p >= 0) & (p <= 1)).all():
        raise ParameterError(
            "Forecasts are probabilities from 0 to 1; compare_churn takes scores of any kind."
        )
    areas, variance = delong([p], y)
    sure = np.clip(p, 1e-15, 1 - 1e-15)
    found = gains(p, y, events="churned")
    importance = pd.DataFrame({"importance": [], "low": [], "high": []}, dtype=float).rename_axis("column")
    if is_model and replicates:
        importance = _importance(model, X, y, seed, level, replicates)
    return ChurnEvaluation(
        auc=area_estimate(areas[0], variance[0, 0], len(y), level),
        brier=float(((p - y) ** 2).mean()),
        log_loss=float(-(y * np.log(sure) + (1 - y) * np.log1p(-sure)).mean()),
        rate=float(y.mean()),
        calibration=calibration(p, y, level),
        gains=found,
        top_decile_lift=float(found["lift"].iloc[0]),
        importance=importance,
        warnings=() if X is None else tuple(leakage_guard(X, churned)["sentence"]),
    )


def compare_churn(scores: Mapping[str, ArrayLike], churned: pd.Series, level: float = 0.95) -> pd.DataFrame:
    """Several forecasts of the same customers side by side, by how well they rank them.

    Parameters
    ----------
    scores
        By name, one number per customer in the order of `churned`; the higher, the likelier to churn.

    Returns
    -------
    DataFrame
        Indexed by `forecast`: `auc`, `low`, `high`; `difference` to the first forecast's AUC, with
        `difference_low` and `difference_high` (DeLong, which minds that the customers are the same).

    Examples
    --------
    >>> found = compare_churn({"a": [3, 2, 1, 0], "b": [0, 1, 3, 2]}, pd.Series([1, 0, 1, 0]))
    >>> found[["auc", "difference"]].values.tolist()
    [[0.75, 0.0], [0.5, -0.25]]
    """
    y = _targets(churned)
    given = [np.asarray(score, dtype=float) for score in scores.values()]
    for name, score in zip(scores, given, strict=True):
        if score.shape != y.shape or np.isnan(score).any():
            raise ParameterError(
                f"The forecast {name} needs one number for each of the {len(y):,} customers."
            )
    areas, covariance = delong(given, y)
    z = normal_quantile(level)
    rows = []
    for place in range(len(given)):
        auc = area_estimate(areas[place], covariance[place, place], len(y), level)
        variance = covariance[place, place] + covariance[0, 0] - 2 * covariance[place, 0]
        half = z * np.sqrt(max(variance, 0.0))
        gap = areas[place] - areas[0]
        rows.append((auc.value, auc.low, auc.high, gap, gap - half, gap + half))
    columns = ["auc", "low", "high", "difference", "difference_low", "difference_high"]
    return pd.DataFrame(rows, pd.Index(list(scores), name="forecast"), columns)


def leakage_guard(
    X: pd.DataFrame,
    churned: pd.Series,
    cutoff: Day | None = None,
    known_after: Sequence[str] = (),
) -> pd.DataFrame:
    """Columns that seem to know what they are to forecast.

    Parameters
    ----------
    X, churned
        Customers as they are learnt from or judged by.
    cutoff
        Columns of days that reach it or go beyond are named.
    known_after
        Columns that are known only after the cutoff, as the user says.

    Returns
    -------
    DataFrame
        Indexed by `column`, only those in doubt: `auc` of the column alone (0.5 to 1; of texts by the
        churn of the other half of customers with the same text, of gaps by whether there is one) and
        `sentence`. A column is in doubt if its AUC is above 0.98.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [30, 40, 45, 35] * 20, "reason": ["price", None, "moved", None] * 20})
    >>> leakage_guard(X, pd.Series([1, 0, 1, 0] * 20)).index.tolist()
    ['reason']
    """
    y = _targets(churned)
    limit = None if cutoff is None else pd.Timestamp(as_day(cutoff, "cutoff"))
    found = {}
    for name, values in X.items():
        auc = column_area(values, y)
        if name in known_after:
            said = f"The column {name} is known only after the cutoff; leave it out."
        elif limit is not None and pd.api.types.is_datetime64_any_dtype(values) and (values >= limit).any():
            said = (
                f"The column {name} holds days from {limit:%Y-%m-%d} on, which were not known then; "
                "leave it out."
            )
        elif auc > TOO_GOOD:
            said = (
                f"The column {name} alone tells churners from others with an AUC of {auc:.3f}; it may be "
                "known only after they churned. Leave it out unless you know that it was known before."
            )
        else:
            continue
        found[name] = (auc, said)
    frame = pd.DataFrame.from_dict(found, orient="index", columns=["auc", "sentence"]).rename_axis("column")
    return frame.astype({"auc": "float64", "sentence": "str"})


def _targets(churned: pd.Series) -> np.ndarray:
    y = np.asarray(churned, dtype=float)
    if not np.isin(y, (0, 1)).all() or not 0 < y.sum() < len(y):
        raise ParameterError("churned is 1 or 0 for each customer, and some of both.")
    return y


def _importance(
    model: Any,
    X: pd.DataFrame,
    y: np.ndarray,
    seed: int,
    level: float,
    replicates: int,
) -> pd.DataFrame:
    """What the area loses if a column is shuffled, by customers drawn anew each time."""
    random = np.random.default_rng(seed)
    values, made_of, learner = _prepared(model, X)
    lost = {name: [] for name in X}
    for _ in range(replicates):
        rows = random.integers(len(X), size=min(len(X), SAMPLE))
        drawn, known = values[rows], y[rows]
        if not 0 < known.sum() < len(known):
            continue
        whole = area(learner(drawn), known)
        for name, places in made_of.items():
            mixed = drawn.copy()
            mixed[:, places] = drawn[random.permutation(len(rows))][:, places]
            lost[name].append(whole - area(learner(mixed), known) if len(places) else 0.0)
    ends = [(1 - level) / 2, (1 + level) / 2]
    rows = [(np.mean(values), *np.quantile(values, ends)) for values in lost.values()]
    found = pd.DataFrame(rows, pd.Index(list(X), name="column"), ["importance", "low", "high"])
    return found.sort_values("importance", ascending=False, kind="stable")


def _prepared(
    model: Any,
    X: pd.DataFrame,
) -> tuple[np.ndarray, dict[str, np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    """The rows as the last step of a pipeline sees them, what it sees of each column, and its forecast.

    Shuffling what the steps before made of a column is the same as shuffling the column, and far
    quicker; which that is shows when the column alone is shuffled.
    """
    before = model[:-1] if hasattr(model, "steps") and len(model.steps) > 1 else None
    if before is None:
        places = {name: np.array([place]) for place, name in enumerate(X)}
        columns = list(X)
        values = X.to_numpy(dtype=object)
        dtypes = X.dtypes

        def forecast(rows: np.ndarray) -> np.ndarray:
            return model.predict_proba(pd.DataFrame(rows, columns=columns).astype(dtypes))[:, 1]

        return values, places, forecast
    values = np.asarray(before.transform(X))
    # Rare values make no column of their own, so that a thousand rows hold something of each column.
    random = np.random.default_rng(0)
    some = np.sort(random.permutation(len(X))[:1000])
    few = X.iloc[some].reset_index(drop=True)
    mixed = random.permutation(len(few))
    shuffled = [few.assign(**{name: few[name].to_numpy()[mixed]}).astype({name: X[name].dtype}) for name in X]
    others = np.split(np.asarray(before.transform(pd.concat(shuffled, ignore_index=True))), len(shuffled))
    places = {}
    for name, other in zip(X, others, strict=True):
        same = (other == values[some]) | (pd.isna(other) & pd.isna(values[some]))
        places[name] = np.flatnonzero(~same.all(axis=0))
    return values, places, lambda rows: model.steps[-1][1].predict_proba(rows)[:, 1]
