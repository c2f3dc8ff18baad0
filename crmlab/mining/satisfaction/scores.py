"""Net Promoter Score, satisfaction (top-box) and effort, with intervals, whole or by group.

NPS   share of answers 9 and 10 less share of answers 0 to 6 on a scale from 0 to 10, in points
      from -100 to 100.
CSAT  share of answers in the top boxes of the scale, 0 to 1.
CES   mean answer on its scale, highest is least effort.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.engine import add_period, as_table, collect, need_columns
from crmlab.errors import ParameterError
from crmlab.mining.methods.intervals import Estimate, mean_interval, share_difference, wilson

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

Metric = Literal["nps", "csat", "ces"]
METRICS: tuple[Metric, ...] = ("nps", "csat", "ces")


def nps(
    answers: pd.Series,
    scale: tuple[float, float] = (0, 10),
    level: float = 0.95,
    method: str = "adjusted",
) -> Estimate:
    """Net Promoter Score of answers to "how likely are you to recommend us?".

    Parameters
    ----------
    answers
        One answer each; missing ones do not count.
    scale
        Lowest and highest answer of the question; it must have eleven steps. Codes 1 to 11 that
        stand for 0 to 10 are given as ``scale=(1, 11)``.
    method
        Interval: ``"adjusted"`` (Rocks 2016) or ``"wald"``; see
        `crmlab.mining.methods.share_difference`.

    Returns
    -------
    Estimate
        In points from -100 to 100.

    Raises
    ------
    ParameterError
        If an answer lies outside the scale, or the scale has not eleven steps.

    References
    ----------
    F. F. Reichheld (2003), The one number you need to grow, Harvard Business Review 81(12).

    Examples
    --------
    >>> print(nps(pd.Series([10, 10, 9, 8, 7, 3]), method="wald"))
    33.33 (95% interval -26.31 to 92.97, n=6)
    """
    given = _on_scale(answers, scale)
    if scale[1] - scale[0] != 10:
        raise ParameterError(f"NPS is defined on eleven steps such as 0 to 10, not {scale[0]} to {scale[1]}.")
    steps = given - scale[0]
    plus, minus = int((steps >= 9).sum()), int((steps <= 6).sum())
    low, high = share_difference(plus, minus, len(given), level, method)
    value = (plus - minus) / len(given) if len(given) else np.nan
    return Estimate(100 * value, 100 * float(low), 100 * float(high), len(given), level)


def csat(
    answers: pd.Series,
    scale: tuple[float, float] = (1, 5),
    top: int | None = None,
    level: float = 0.95,
) -> Estimate:
    """Share of satisfied answers: those in the top boxes of the scale.

    Parameters
    ----------
    top
        Number of boxes that count as satisfied; two on scales of five or more steps, else one.

    Returns
    -------
    Estimate
        Share from 0 to 1 with Wilson's interval.

    Examples
    --------
    >>> print(csat(pd.Series([5, 4, 4, 3, 1])))
    0.6 (95% interval 0.2307 to 0.8824, n=5)
    """
    given = _on_scale(answers, scale)
    top = _top_boxes(scale[1] - scale[0]) if top is None else top
    satisfied = int((given > scale[1] - top).sum())
    low, high = wilson(satisfied, len(given), level)
    value = satisfied / len(given) if len(given) else np.nan
    return Estimate(value, float(low), float(high), len(given), level)


def ces(answers: pd.Series, scale: tuple[float, float] = (1, 7), level: float = 0.95) -> Estimate:
    """Customer effort score: mean agreement that things were made easy.

    Returns
    -------
    Estimate
        On the scale of the question, with Student's interval cut off at the ends of the scale.

    References
    ----------
    M. Dixon, K. Freeman and N. Toman (2010), Stop trying to delight your customers, Harvard
    Business Review 88(7/8).

    Examples
    --------
    >>> print(ces(pd.Series([6, 5, 4, 5])))
    5 (95% interval 3.701 to 6.299, n=4)
    """
    given = _on_scale(answers, scale)
    mean = given.mean() if len(given) else np.nan
    low, high = mean_interval(mean, given.var() if len(given) > 1 else np.nan, len(given), level)
    # With few answers the interval would reach beyond the scale, where no mean can lie.
    low, high = np.clip((low, high), *scale)
    return Estimate(float(mean), float(low), float(high), len(given), level)


def _on_scale(answers: pd.Series, scale: tuple[float, float]) -> pd.Series:
    given = pd.to_numeric(pd.Series(answers)).dropna().astype(float)
    outside = (given < scale[0]) | (given > scale[1])
    if outside.any():
        raise ParameterError(
            f"Answers lie outside the scale {scale[0]} to {scale[1]}, the first is "
            f"{given[outside].iloc[0]:g} ({int(outside.sum()):,} of {len(given):,} do); give the scale the "
            "question was asked on with scale=(low, high)."
        )
    return given


def _top_boxes(steps: float) -> int:
    return 2 if steps >= 4 else 1


def scores(
    surveys: Log,
    metric: Metric,
    by: str | list[str] | None = None,
    period: Literal["M", "Q", "Y"] | None = None,
    calendar: str = "gregorian",
    since: Day | None = None,
    until: Day | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """One of the three measures, whole, by group or over time.

    Parameters
    ----------
    surveys
        Answers as in the contract (`metric`, `score`, `scale_low`, `scale_high`); answers of
        internal respondents are left out unless `by` names `respondent`.
    metric
        ``"nps"``, ``"csat"`` (share of the two top boxes; of one on scales of fewer than five
        steps) or ``"ces"``.
    by
        Columns to group by, such as ``"touch_point"``.
    period
        Group by month, quarter or year as well; undated answers are left out then.
    calendar
        Whose months: ``"gregorian"`` or ``"jalali"``.
    since, until
        First day that counts and first day that counts no more; undated answers count only
        where neither is given.

    Returns
    -------
    DataFrame
        The columns of `by`, `period` (its first day), `value`, `low`, `high` and `n`, sorted by
        group. Answers without the group's value form the group of missing ones. Empty if there
        are no such answers.

    Raises
    ------
    ParameterError
        If NPS answers are on another scale than 0 to 10, or CES answers on several.
    """
    if metric not in METRICS:
        raise ParameterError(f"metric is one of {', '.join(METRICS)}, not {metric!r}.")
    groups = [by] if isinstance(by, str) else list(by or [])
    table = as_table(surveys)
    needed = ("metric", "score", "scale_low", "scale_high", *groups)
    need_columns(table, needed, "Survey answers", "surveys")
    answers = table.filter(table["metric"] == metric, table["score"].notnull())
    if "respondent" in table.columns and "respondent" not in groups:
        answers = answers.filter(answers["respondent"].fill_null("external") != "internal")
    if since is not None:
        answers = answers.filter(answers["time"].date() >= as_day(since, "since"))
    if until is not None:
        answers = answers.filter(answers["time"].date() < as_day(until, "until"))
    if period is not None:
        answers = answers.filter(answers["time"].notnull())
        answers = add_period(answers.mutate(_asked=answers["time"].date()), "_asked", period, calendar)
        groups = [*groups, "period"]
    counts = collect(_count(answers, groups), key=groups or None)
    counts = counts[counts["n"] > 0].reset_index(drop=True)
    _check_scales(counts, metric)
    n = counts["n"].to_numpy()
    if metric == "nps":
        value = (counts["plus"] - counts["minus"]) / n * 100
        low, high = (100 * end for end in share_difference(counts["plus"], counts["minus"], n, level))
    elif metric == "csat":
        value, (low, high) = counts["top"] / n, wilson(counts["top"], n, level)
    else:
        value = counts["mean"]
        low, high = mean_interval(value, counts["variance"].astype(float), n, level)
        low, high = (np.clip(end, counts["scale_low"], counts["scale_high"]) for end in (low, high))
    return counts[groups].assign(value=value.astype(float), low=low, high=high, n=n)


def _count(answers: ibis.Table, groups: list[str]) -> ibis.Table:
    """What the measures need of each group, counted where the answers are."""
    import ibis

    score, high = answers["score"], answers["scale_high"]
    boxes = ibis.ifelse(high - answers["scale_low"] >= 4, 2, 1)
    counts = {
        "n": answers.count(),
        "plus": (score >= 9).sum().fill_null(0),
        "minus": (score <= 6).sum().fill_null(0),
        "top": (score > high - boxes).sum().fill_null(0),
        "mean": score.mean(),
        "variance": score.var(how="sample"),
        "scale_low": answers["scale_low"].min(),
        "scale_low_max": answers["scale_low"].max(),
        "scale_high": high.max(),
        "scale_high_min": high.min(),
    }
    return answers.group_by(groups).agg(**counts) if groups else answers.agg(**counts)


def _check_scales(counts: pd.DataFrame, metric: Metric) -> None:
    ends = counts[["scale_low", "scale_high"]], counts[["scale_low_max", "scale_high_min"]]
    scales = sorted({scale for pair in ends for scale in pair.itertuples(index=False, name=None)})
    shown = ", ".join(f"{low:g} to {high:g}" for low, high in scales)
    if metric == "nps" and any(scale != (0, 10) for scale in scales):
        raise ParameterError(f"NPS answers are to be on the scale 0 to 10; found: {shown}.")
    if metric == "ces" and len(scales) > 1:
        raise ParameterError(f"Effort answers are to be on one scale to have a mean; found: {shown}.")
