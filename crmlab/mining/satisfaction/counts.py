"""What the three measures need of answers, counted where the answers are, and the checks of scales."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.engine import add_period, as_table, collect, need_columns, need_numbers
from crmlab.errors import ParameterError
from crmlab.mining.methods.intervals import mean_interval, share_difference, wilson

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

Metric = Literal["nps", "csat", "ces"]
METRICS: tuple[Metric, ...] = ("nps", "csat", "ces")

#: Columns of `answer_counts` beside those of the groups.
COUNTS = (
    "n", "plus", "minus", "zeros", "ones", "top", "outside", "mean", "variance",
    "between", "longest", "scale_low", "scale_low_max", "scale_high", "scale_high_min",
)  # fmt: skip

_NUMBERS = ("score", "scale_low", "scale_high")
_CODES = "codes 1 to 11 that stand for 0 to 10"
#: So many answers 1 and none 0 happen less than once in a hundred times if both are as likely.
_ONES_WITHOUT_ZERO = 7
#: From the lowest to the highest answer of the longest scale of which the highest answers are boxes.
_LONGEST = 10


def one_column(values: object, what: str) -> pd.Series:
    """Values as a series.

    Raises
    ------
    ParameterError
        If they are a frame.
    """
    if isinstance(values, pd.DataFrame):
        raise ParameterError(
            f"{what} are one column, such as frame[{str(next(iter(values), 'score'))!r}], not a frame."
        )
    return pd.Series(values)


def on_scale(answers: pd.Series, scale: tuple[float, float], remedy: str = "") -> pd.Series:
    """Answers that were given, as numbers.

    Raises
    ------
    ParameterError
        If the scale has no length, an answer is no number, or lies outside the scale.
    """
    if not scale[0] < scale[1]:
        raise ParameterError(
            f"scale is the lowest and the highest answer, such as (1, 5), not {tuple(scale)!r}."
        )
    known = one_column(answers, "Answers").dropna()
    given = pd.to_numeric(known, errors="coerce").astype(float)
    if given.isna().any():
        raise ParameterError(
            f"{int(given.isna().sum()):,} of {len(given):,} answers are no numbers; turn words into steps of "
            "the scale, and what means no answer into missing ones."
        )
    outside = (given < scale[0]) | (given > scale[1])
    if outside.any():
        raise ParameterError(
            f"Answers lie outside the scale {scale[0]:g} to {scale[1]:g}, the first is "
            f"{given[outside].iloc[0]:g} ({int(outside.sum()):,} of {len(given):,} do); give the scale the "
            f"question was asked on with scale=(low, high){remedy}."
        )
    return given


def nps_steps(answers: pd.Series, scale: tuple[float, float]) -> pd.Series:
    """Answers to the NPS question as 0 to 10; see `crmlab.mining.satisfaction.nps`."""
    given = on_scale(answers, scale, f": {_CODES} are scale=(1, 11)" if tuple(scale) == (0, 10) else "")
    if scale[1] - scale[0] != 10:
        raise ParameterError(f"NPS is defined on eleven steps such as 0 to 10, not {scale[0]} to {scale[1]}.")
    steps = given - scale[0]
    between = steps != np.floor(steps)
    if between.any():
        _refuse_between(int(between.sum()), len(given), f", the first is {given[between].iloc[0]:g}")
    if tuple(scale) == (0, 10):
        _warn_of_codes(int((steps == 0).sum()), int((steps == 1).sum()), len(steps))
    return steps


def _refuse_between(between: int, n: int, first: str = "") -> None:
    raise ParameterError(f"NPS counts answers in whole steps; {between:,} of {n:,} lie between two{first}.")


def _warn_of_codes(zeros: int, ones: int, n: int) -> None:
    if zeros == 0 and ones >= _ONES_WITHOUT_ZERO:
        warnings.warn(
            f"None of {n:,} NPS answers is 0 and {ones:,} are 1: they look like {_CODES}, although nobody "
            "chose the 11; make sure how they are coded, as the score depends on it.",
            UserWarning,
            stacklevel=4,
        )


def top_boxes(low: float, high: float) -> int:
    """Number of highest answers that count as satisfied on a scale.

    Raises
    ------
    ParameterError
        If the scale has more than eleven steps, for which nothing says where satisfied begins.
    """
    if high - low > _LONGEST:
        raise ParameterError(
            f"Top boxes are defined on scales of up to eleven steps, not on {low:g} to {high:g}: say how "
            "many of the highest answers mean satisfied with csat(answers, scale, top=...), or give these "
            "questions the metric 'item' and take their mean with index_score."
        )
    return 2 if high - low >= 4 else 1


def answer_counts(
    surveys: Log,
    metric: Metric,
    by: str | list[str] | None = None,
    period: Literal["M", "Q", "Y"] | None = None,
    calendar: str = "gregorian",
    since: Day | None = None,
    until: Day | None = None,
) -> pd.DataFrame:
    """Counts behind one of the three measures, by group and period, as `scores` takes them.

    Returns
    -------
    DataFrame
        The columns of the groups, `period`, and `COUNTS`.
    """
    if metric not in METRICS:
        raise ParameterError(f"metric is one of {', '.join(METRICS)}, not {metric!r}.")
    groups = [by] if isinstance(by, str) else list(by or [])
    table = as_table(surveys)
    need_columns(table, ("metric", *_NUMBERS, *groups), "Survey answers", "surveys")
    need_numbers(table, _NUMBERS, "the surveys", "surveys")
    # A column without any value has no type of its own.
    table = table.mutate(**{name: table[name].cast("float64") for name in _NUMBERS})
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
    return counts


def _count(answers: ibis.Table, groups: list[str]) -> ibis.Table:
    import ibis

    score, low, high = answers["score"], answers["scale_low"], answers["scale_high"]
    boxes = ibis.ifelse(high - low >= 4, 2, 1)
    counts = {
        "n": answers.count(),
        "plus": (score - low >= 9).sum().fill_null(0),
        "minus": (score - low <= 6).sum().fill_null(0),
        "zeros": (score == 0).sum().fill_null(0),
        "ones": ((score == 1) & (low == 0)).sum().fill_null(0),
        "top": (score > high - boxes).sum().fill_null(0),
        "outside": ((score < low) | (score > high)).sum().fill_null(0),
        "mean": score.mean(),
        "variance": score.var(how="sample"),
        "between": (score - low != (score - low).floor()).sum().fill_null(0),
        "longest": (high - low).max(),
        "scale_low": low.min(),
        "scale_low_max": low.max(),
        "scale_high": high.max(),
        "scale_high_min": high.min(),
    }
    return answers.group_by(groups).agg(**counts) if groups else answers.agg(**counts)


def _check_scales(counts: pd.DataFrame, metric: Metric) -> None:
    ends = counts[["scale_low", "scale_high"]], counts[["scale_low_max", "scale_high_min"]]
    scales = sorted({scale for pair in ends for scale in pair.itertuples(index=False, name=None)})
    shown = ", ".join(f"{low:g} to {high:g}" for low, high in scales)
    if metric == "nps" and any(high - low != 10 for low, high in scales):
        raise ParameterError(
            f"NPS is defined on eleven steps such as 0 to 10; found: {shown}. Give answers to questions on "
            "other scales the metric 'csat' or 'item'."
        )
    if outside := int(counts["outside"].sum()):
        raise ParameterError(
            f"{outside:,} of {int(counts['n'].sum()):,} answers of the metric {metric} lie outside the scale "
            f"given with them ({shown}); correct scale_low and scale_high, or set these answers aside."
        )
    if metric == "csat" and (long := counts["longest"].gt(_LONGEST)).any():
        top_boxes(*counts.loc[long, ["scale_low", "scale_high"]].iloc[0])
    if metric == "ces" and len(scales) > 1:
        raise ParameterError(f"Effort answers are to be on one scale to have a mean; found: {shown}.")
    if metric == "nps":
        if between := int(counts["between"].sum()):
            _refuse_between(between, int(counts["n"].sum()))
        _warn_of_codes(*(int(counts[name].sum()) for name in ("zeros", "ones", "n")))


def figures(
    counts: pd.DataFrame, metric: Metric, level: float = 0.95
) -> tuple[pd.Series, np.ndarray, np.ndarray]:
    """One of the three measures and the ends of its interval for each row of `answer_counts`."""
    n = counts["n"].to_numpy()
    if metric == "nps":
        low, high = share_difference(counts["plus"], counts["minus"], n, level)
        return (counts["plus"] - counts["minus"]) / n * 100, 100 * low, 100 * high
    if metric == "csat":
        return (counts["top"] / n).astype(float), *wilson(counts["top"], n, level)
    mean = counts["mean"].astype(float)
    low, high = mean_interval(mean, counts["variance"].astype(float), n, level)
    # With few answers the interval would reach beyond the scale, where no mean can lie.
    low, high = (np.clip(end, counts["scale_low"], counts["scale_high"]) for end in (low, high))
    return mean, low, high


def unhappy(answers: pd.DataFrame) -> pd.Series:
    """What an unhappy answer is called, by its metric; missing where it is none.

    Parameters
    ----------
    answers
        `metric`, `score`, `scale_low` and `scale_high`.

    Returns
    -------
    Series of str
        ``"detractor"`` (0 to 6 of 10), ``"dissatisfied"`` (one of the two lowest boxes of a satisfaction
        question; the lowest of fewer than five), ``"hard to get done"`` (below the middle of an effort
        question).

    Examples
    --------
    >>> unhappy(pd.DataFrame({"metric": ["nps", "ces"], "score": [6, 5], "scale_low": [0, 1],
    ...     "scale_high": [10, 7]})).tolist()
    ['detractor', nan]
    """
    metric, score, low, high = (answers[name] for name in ("metric", "score", "scale_low", "scale_high"))
    boxes = np.where(high - low >= 4, 2, 1)
    kinds = {
        "detractor": (metric == "nps") & (score - low <= 6),
        "dissatisfied": (metric == "csat") & (score < low + boxes),
        "hard to get done": (metric == "ces") & (score < (low + high) / 2),
    }
    told = np.select([kind.fillna(False).to_numpy(dtype=bool) for kind in kinds.values()], list(kinds), "")
    return pd.Series(told, index=answers.index, dtype="str").replace("", np.nan)
