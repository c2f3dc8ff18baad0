"""Differences of a measure between groups of customers and between waves of a survey."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from crmlab.calendars import Day
from crmlab.errors import ParameterError
from crmlab.mining.methods.intervals import Estimate, difference_interval, normal_quantile, welch
from crmlab.mining.methods.multiplicity import holm
from crmlab.mining.satisfaction.counts import (
    COUNTS,
    METRICS,
    Metric,
    answer_counts,
    figures,
    nps_steps,
    on_scale,
    top_boxes,
)

if TYPE_CHECKING:
    from crmlab.engine import Log

_SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}


def score_difference(
    answers: pd.Series | Log,
    other: pd.Series | Log,
    metric: Metric = "nps",
    scale: tuple[float, float] | None = None,
    level: float = 0.95,
) -> Estimate:
    """How much higher one of the three measures is in one set of answers than in another.

    NPS: two independent samples of three kinds, the score interval of each put together by the
    method of Zou and Donner (2008). CSAT: Newcombe's interval (1998). CES: Welch's (1947).

    Parameters
    ----------
    answers, other
        Two series with one answer each, missing ones left out; or two tables of surveys as `scores`
        takes them. The answers of one set are independent of those of the other: the same customers
        asked twice are not.
    metric
        ``"nps"``, ``"csat"`` or ``"ces"``.
    scale
        Of answers given as series: lowest and highest; 0 to 10, 1 to 5 and 1 to 7 if not given.
        Tables have the scale with each answer.

    Returns
    -------
    Estimate
        The first less the second, in the unit of the measure: points, share, steps of the scale; n is
        the number of answers in both. NaN where either has no answer.

    Raises
    ------
    ParameterError
        As `nps`, `csat`, `ces` and `scores` do.

    Examples
    --------
    >>> before, after = pd.Series([10, 9, 8, 3, 5, 9]), pd.Series([10, 9, 9, 8, 10, 7])
    >>> print(score_difference(after, before, "nps"))
    50 (95% interval -38.98 to 122.4, n=12)
    """
    if metric not in METRICS:
        raise ParameterError(f"metric is one of {', '.join(METRICS)}, not {metric!r}.")
    both = pd.concat([_counts(given, metric, scale) for given in (answers, other)], ignore_index=True)
    if len(both) < 2:
        return Estimate(np.nan, np.nan, np.nan, int(both["n"].sum()), level)
    found = difference_rows(both.iloc[[0]], both.iloc[[1]], metric, level).iloc[0]
    return Estimate(*found[["difference", "low", "high"]].astype(float), int(both["n"].sum()), level)


def compare_groups(
    surveys: Log,
    metric: Metric,
    by: str | list[str],
    against: Literal["rest", "pairs"] = "rest",
    since: Day | None = None,
    until: Day | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Which groups differ in one of the three measures, with regard to how many are compared.

    Parameters
    ----------
    surveys, metric, since, until
        As `scores` takes them.
    by
        Columns whose values make the groups; answers without a value are left out.
    against
        ``"rest"``: each group against all others together; ``"pairs"``: each against each.

    Returns
    -------
    DataFrame
        The columns of `by`, `other` (only with pairs: the other group, a tuple if `by` names several),
        `value` and `other_value`, `difference`, `low`, `high` (of this difference alone, see
        `score_difference`), `n`, `other_n`, `p` (two-sided; below 1 - `level` exactly where the
        interval leaves 0 out) and `p_adjusted` (Holm's, over all rows), least first.
        ``.attrs["left_out"]`` is the number of answers without a group.

    Raises
    ------
    ParameterError
        As `scores` does, and if there are fewer than two groups.

    Examples
    --------
    >>> answers = pd.DataFrame({"metric": "csat", "scale_low": 1, "scale_high": 5,
    ...     "touch_point": ["web"] * 40 + ["shop"] * 40, "score": [5] * 36 + [2] * 4 + [4] * 20 + [1] * 20})
    >>> compare_groups(answers, "csat", "touch_point", against="pairs").round(3).iloc[0, 4:9].tolist()
    [-0.4, -0.56, -0.203, 40.0, 40.0]
    """
    if against not in ("rest", "pairs"):
        raise ParameterError(f"against is 'rest' or 'pairs', not {against!r}.")
    groups = [by] if isinstance(by, str) else list(by)
    counts = answer_counts(surveys, metric, groups, since=since, until=until)
    grouped = counts[groups].notna().all(axis=1)
    left_out = int(counts["n"][~grouped].sum())
    counts = counts[grouped].reset_index(drop=True)
    if len(counts) < 2:
        raise ParameterError(
            f"A comparison takes two groups or more; answers of the metric {metric} have {len(counts)} by "
            f"{', '.join(groups)}."
        )
    if against == "pairs":
        first, second = (list(side) for side in zip(*combinations(counts.index, 2), strict=True))
        one, two = (counts.loc[side].reset_index(drop=True) for side in (first, second))
        names = list(two[groups[0]]) if len(groups) == 1 else list(two[groups].itertuples(False, None))
        extra = {"other": pd.Series(names)}
    else:
        one, extra = counts, {}
        two = pd.concat([together(counts.drop(index)) for index in counts.index], ignore_index=True)
    found = difference_rows(one, two, metric, level)
    found = pd.concat([one[groups].assign(**extra), found], axis=1)
    found["p_adjusted"] = holm(found["p"])
    found = found.sort_values(["p_adjusted", "p"], kind="stable", ignore_index=True)
    found.attrs["left_out"] = left_out
    return found


def _counts(given: pd.Series | Log, metric: Metric, scale: tuple[float, float] | None) -> pd.DataFrame:
    """One row of counts, or none if there are no answers."""
    if not isinstance(given, pd.Series | np.ndarray | list):
        return answer_counts(given, metric)
    low, high = scale or _SCALES[metric]
    answers = nps_steps(given, (low, high)) if metric == "nps" else on_scale(given, (low, high))
    boxes = top_boxes(low, high) if metric == "csat" else 1
    row = {
        "n": len(answers), "plus": (answers >= 9).sum(), "minus": (answers <= 6).sum(),
        "top": (answers > high - boxes).sum(), "mean": answers.mean(), "variance": answers.var(),
        "scale_low": low, "scale_high": high,
    }  # fmt: skip
    return pd.DataFrame([row] if len(answers) else [], columns=list(COUNTS)).reindex(columns=list(row))


def together(counts: pd.DataFrame) -> pd.DataFrame:
    """Counts of several groups as those of one."""
    n, mean = counts["n"], counts["mean"].astype(float)
    total, middle = n.sum(), np.average(mean, weights=n)
    squares = (counts["variance"].astype(float).fillna(0) * (n - 1) + n * (mean - middle) ** 2).sum()
    row = counts[["n", "plus", "minus", "top"]].sum().to_dict()
    return pd.DataFrame([row | {
        "mean": middle, "variance": squares / (total - 1) if total > 1 else np.nan,
        "scale_low": counts["scale_low"].min(), "scale_high": counts["scale_high"].max(),
    }])  # fmt: skip


def difference_rows(one: pd.DataFrame, two: pd.DataFrame, metric: Metric, level: float) -> pd.DataFrame:
    """Row by row: both values, their difference, its interval, and its p-value."""
    from scipy.special import ndtr, stdtr

    one, two = one.reset_index(drop=True), two.reset_index(drop=True)
    (value, *interval), (other, *other_interval) = (figures(side, metric, level) for side in (one, two))
    difference = (value - other).to_numpy(dtype=float)
    if metric == "ces":
        parts = [
            side[name].to_numpy(dtype=float) for side in (one, two) for name in ("mean", "variance", "n")
        ]
        error, low, high = welch(*parts, level)
        a, b = parts[1] / parts[2], parts[4] / parts[5]
        with np.errstate(divide="ignore", invalid="ignore"):
            freedom = (a + b) ** 2 / (a**2 / (parts[2] - 1) + b**2 / (parts[5] - 1))
            p = 2 * stdtr(freedom, -np.abs(difference) / error)
    else:
        low, high = difference_interval(value, tuple(interval), other, tuple(other_interval))
        # The half of the interval on the side of 0, as a standard error, agrees with the interval.
        half = np.where(difference > 0, difference - low, high - difference)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * ndtr(-np.abs(difference) / half * normal_quantile(level))
    return pd.DataFrame({
        "value": value, "other_value": other, "difference": difference, "low": low, "high": high,
        "n": one["n"], "other_n": two["n"], "p": p,
    })  # fmt: skip
