"""Judging forecasts of a yes or no: area under the curve, calibration, gains, and one column alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.mining.methods.intervals import Estimate, normal_quantile, wilson
from crmlab.mining.methods.tabular import plain_values


def area(score: np.ndarray, y: np.ndarray) -> float:
    """Probability that of one with y = 1 and one with 0 the first has the higher score; ties count half."""
    from scipy.stats import rankdata

    events = int(y.sum())
    ranks = rankdata(score)[y == 1].sum()
    return float((ranks - events * (events + 1) / 2) / (events * (len(y) - events)))


def delong(scores: Sequence[np.ndarray], y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Areas under the curves of several scores of the same customers, and their covariance."""
    from scipy.stats import rankdata

    positive, negative = y == 1, y == 0
    m, n = int(positive.sum()), int(negative.sum())
    areas, of_positive, of_negative = [], [], []
    for score in scores:
        ranks = rankdata(score)
        above = (ranks[positive] - rankdata(score[positive])) / n
        below = 1 - (ranks[negative] - rankdata(score[negative])) / m
        areas.append(above.mean())
        of_positive.append(above)
        of_negative.append(below)
    if m < 2 or n < 2:
        return np.array(areas), np.full((len(scores), len(scores)), np.nan)
    covariance = np.atleast_2d(np.cov(of_positive)) / m + np.atleast_2d(np.cov(of_negative)) / n
    return np.array(areas), covariance


def area_estimate(area: float, variance: float, n: int, level: float) -> Estimate:
    """An area with its interval on the logit scale; none where all are told apart."""
    from scipy.special import expit, logit

    if not 0 < area < 1 or not variance > 0:
        return Estimate(float(area), np.nan, np.nan, n, level)
    half = normal_quantile(level) * np.sqrt(variance) / (area * (1 - area))
    return Estimate(float(area), float(expit(logit(area) - half)), float(expit(logit(area) + half)), n, level)


def calibration(p: np.ndarray, y: np.ndarray, level: float, classes: int = 10) -> pd.DataFrame:
    """Customers in classes of equal size by forecast: `customers`, `predicted`, `observed`, `low`, `high`."""
    cuts = np.unique(np.quantile(p, np.arange(1, classes) / classes))
    group = np.searchsorted(cuts, p, side="left")
    found = pd.DataFrame({"p": p, "y": y}).groupby(group).agg(
        customers=("y", "size"), predicted=("p", "mean"), observed=("y", "mean"), events=("y", "sum")
    )  # fmt: skip
    low, high = wilson(found["events"], found["customers"], level)
    return found.drop(columns="events").assign(low=low, high=high).reset_index(drop=True)


def gains(p: np.ndarray, y: np.ndarray, groups: int = 10, events: str = "events") -> pd.DataFrame:
    """Groups of equal size, the highest forecasts first; of equal forecasts everybody counts as their mean.

    Returns
    -------
    DataFrame
        Indexed by `group`: `customers`, their number of events in a column called `events`, `rate`,
        `lift` (by the rate of all), `captured` (share of all events in this and better groups) and
        `cumulated_lift`.
    """
    _, tie = np.unique(p, return_inverse=True)
    mean = (np.bincount(tie, y) / np.bincount(tie))[tie]
    order = np.argsort(-p, kind="stable")
    group = np.arange(len(p)) * groups // len(p) + 1
    found = pd.DataFrame({events: mean[order]}).groupby(group)[events].agg(["size", "sum"])
    found.columns = ["customers", events]
    rate, total = found[events] / found["customers"], y.mean()
    cumulated = found[events].cumsum()
    return found.assign(
        rate=rate, lift=rate / total, captured=cumulated / y.sum(),
        cumulated_lift=cumulated / found["customers"].cumsum() / total,
    ).rename_axis("group")  # fmt: skip


def column_area(values: pd.Series, y: np.ndarray) -> float:
    """AUC of one column, whichever way it points, or of its gaps."""
    gap = values.isna().to_numpy(dtype=float)
    if pd.api.types.is_datetime64_any_dtype(values):
        score = values.astype("int64").to_numpy(dtype=float)
    elif pd.api.types.is_numeric_dtype(values):
        score = plain_values(values).to_numpy()
    else:
        score = _rates(plain_values(values), y)
    known = gap == 0
    best = max(area(gap, y), 1 - area(gap, y))
    if 0 < y[known].sum() < known.sum():
        told = area(score[known], y[known])
        # Of few known values a perfect order may be chance.
        if known.sum() >= max(30, 0.05 * len(y)):
            best = max(best, told, 1 - told)
    return float(best)


def _rates(texts: pd.Series, y: np.ndarray) -> np.ndarray:
    """Rate of each text in the other half of the rows, so that rare texts do not know themselves."""
    codes = pd.factorize(texts)[0]
    half = np.zeros(len(y), dtype=int)
    for state in (0, 1):  # every second of either kind
        who = np.flatnonzero(y == state)
        half[who] = np.arange(len(who)) % 2
    score = np.full(len(y), y.mean())
    for side in (0, 1):
        other = half != side
        n = np.bincount(codes[other], minlength=codes.max() + 1)
        sums = np.bincount(codes[other], y[other], minlength=codes.max() + 1)
        rate = (sums + y.mean()) / (n + 1)
        score[half == side] = rate[codes[half == side]]
    return score
