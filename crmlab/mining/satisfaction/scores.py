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

from crmlab.calendars import Day
from crmlab.mining.methods.intervals import Estimate, mean_interval, share_difference, wilson
from crmlab.mining.satisfaction.counts import (
    COUNTS,
    Metric,
    answer_counts,
    figures,
    nps_steps,
    on_scale,
    top_boxes,
)

if TYPE_CHECKING:
    from crmlab.engine import Log


def nps(
    answers: pd.Series,
    scale: tuple[float, float] = (0, 10),
    level: float = 0.95,
    method: str = "score",
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
        Interval: ``"score"`` (Tango 1998), ``"adjusted"`` (Rocks 2016) or ``"wald"``; see
        `crmlab.mining.methods.share_difference`, which says how often each holds.

    Returns
    -------
    Estimate
        In points from -100 to 100.

    Raises
    ------
    ParameterError
        If an answer lies outside the scale or between its steps, or the scale has not eleven steps.

    Warns
    -----
    UserWarning
        If the answers look like codes from 1 to 11 read as 0 to 10 although nobody chose the 11:
        nobody answered 0 and seven or more answered 1. Were 0 as likely an answer as 1, that would
        happen less than once in a hundred times. Nothing more can be told from the answers: with
        fewer at the lower end, either coding may be true.

    References
    ----------
    F. F. Reichheld (2003), The one number you need to grow, Harvard Business Review 81(12).

    Examples
    --------
    >>> print(nps(pd.Series([10, 10, 9, 8, 7, 3]), method="wald"))
    33.33 (95% interval -26.31 to 92.97, n=6)
    """
    steps = given = nps_steps(answers, scale)
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
        Number of boxes that count as satisfied; two on scales of five to eleven steps, one on shorter
        ones. On longer ones it has to be said: ``top=20`` of 0 to 100 are the answers above 80.

    Returns
    -------
    Estimate
        Share from 0 to 1 with Wilson's interval.

    Raises
    ------
    ParameterError
        If an answer lies outside the scale, or the scale has more than eleven steps and `top` is not
        given.

    Examples
    --------
    >>> print(csat(pd.Series([5, 4, 4, 3, 1])))
    0.6 (95% interval 0.2307 to 0.8824, n=5)
    """
    given = on_scale(answers, scale)
    top = top_boxes(*scale) if top is None else top
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
    given = on_scale(answers, scale)
    mean = given.mean() if len(given) else np.nan
    low, high = mean_interval(mean, given.var() if len(given) > 1 else np.nan, len(given), level)
    # With few answers the interval would reach beyond the scale, where no mean can lie.
    low, high = np.clip((low, high), *scale)
    return Estimate(float(mean), float(low), float(high), len(given), level)


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
        steps) or ``"ces"``. Where satisfaction was asked on several scales, such as 1 to 5 and 1 to 7,
        each answer is held to the boxes of its own, and all are pooled: the wider the scale, the fewer
        its boxes tell as satisfied, so compare groups that were asked on one.
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
        If an answer lies outside its scale, NPS answers lie between steps, have not eleven steps (0 to
        10, or coded 1 to 11) or are on several scales, or CES answers are, or satisfaction was asked on
        more than eleven steps, on which top boxes are not defined (see `csat`).
    TableError
        If a column is missing, or scores or scales are no numbers.

    Warns
    -----
    UserWarning
        If NPS answers look like codes from 1 to 11; see `nps`.

    Examples
    --------
    >>> answers = pd.DataFrame({"metric": "csat", "score": [5, 4, 2, 5], "scale_low": 1, "scale_high": 5,
    ...     "touch_point": ["shop", "web", "web", "shop"]})
    >>> scores(answers, "csat", by="touch_point")[["touch_point", "value", "n"]].values.tolist()
    [['shop', 1.0, 2], ['web', 0.5, 2]]
    """
    counts = answer_counts(surveys, metric, by, period, calendar, since, until)
    groups = [name for name in counts if name not in COUNTS]
    value, low, high = figures(counts, metric, level)
    return counts[groups].assign(value=value, low=low, high=high, n=counts["n"])
