"""The three measures as a whole and by touch point, and where customers are failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pandas as pd

from crmlab.calendars import Day
from crmlab.engine import as_table
from crmlab.mining.satisfaction.counts import METRICS, Metric
from crmlab.mining.satisfaction.scores import scores

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log


_PERIODS: tuple[Literal["M", "Q", "Y"], ...] = ("M", "Q", "Y")


def whole_answers(
    surveys: Log, metric: Metric, since: Day | None = None, until: Day | None = None
) -> ibis.Table:
    """The answers that speak for the whole: those about the relationship, else those about touch points."""
    return _whole(as_table(surveys), metric, since, until)[0]


def headline(surveys: Log, since: Day | None = None, until: Day | None = None) -> pd.DataFrame:
    """Each of the three measures as a whole.

    Where a question was put about the relationship as a whole (no touch point), its answers
    count; where it was only put about touch points, all of them do.

    Parameters
    ----------
    surveys, since, until
        As `scores` takes them.

    Returns
    -------
    DataFrame
        One row per measure: `metric`, `value`, `low`, `high`, `n`, `about` (``"relationship"`` or
        ``"touch points"``). A measure nobody was asked for has n = 0 and no value.
    """
    found = []
    for metric in METRICS:
        answers, about = _whole(as_table(surveys), metric, since, until)
        whole = scores(answers, metric, since=since, until=until)
        if whole.empty:
            whole, about = pd.DataFrame({"value": [float("nan")], "n": [0]}), None
        found.append(whole.assign(metric=metric, about=about))
    table = pd.concat(found, ignore_index=True)
    return table.reindex(columns=["metric", "value", "low", "high", "n", "about"])


def _whole(
    answers: ibis.Table, metric: Metric, since: Day | None, until: Day | None
) -> tuple[ibis.Table, str]:
    """The answers that speak for the whole, and what they are about."""
    if "touch_point" in answers.columns:
        relationship = answers.filter(answers["touch_point"].isnull())
        if len(scores(relationship, metric, since=since, until=until)):
            return relationship, "relationship"
    return answers, "touch points"


def over_time(
    surveys: Log,
    metric: Metric,
    minimum_answers: int = 1,
    period: Literal["M", "Q", "Y"] | None = None,
    calendar: str = "gregorian",
    since: Day | None = None,
    until: Day | None = None,
) -> pd.DataFrame:
    """One measure as a whole, month by month, by quarter or by year.

    Parameters
    ----------
    minimum_answers
        Periods with fewer answers are left out.
    period, calendar
        As `scores` takes them; if no period is given, it is the shortest of which at least nine
        in ten have enough answers.

    Returns
    -------
    DataFrame
        `period` (its first day), `value`, `low`, `high`, `n`, over the answers that speak for the
        whole (see `headline`); undated answers are left out. ``.attrs["period"]`` is the length,
        ``.attrs["left_out"]`` the number of answers that speak for the whole and are in no row.
    """
    answers, _ = _whole(as_table(surveys), metric, since, until)
    for length in [period] if period else _PERIODS:
        found = scores(answers, metric, period=length, calendar=calendar, since=since, until=until)
        enough = found["n"] >= minimum_answers
        if enough.mean() >= 0.9:
            break
    found = found[enough].reset_index(drop=True)
    every = scores(answers, metric, since=since, until=until)
    found.attrs |= {"period": length, "left_out": int(every["n"].sum() - found["n"].sum())}
    return found


def by_touch_point(
    surveys: Log,
    metric: Metric,
    minimum_answers: int = 1,
    since: Day | None = None,
    until: Day | None = None,
) -> pd.DataFrame:
    """One measure by touch point, best first, beside the same measure over all of them together.

    Parameters
    ----------
    minimum_answers
        Touch points with fewer answers are left out.

    Returns
    -------
    DataFrame
        `touch_point`, `value`, `low`, `high`, `n`, `together` (over all touch points). Answers
        about the relationship as a whole are left out. ``.attrs["left_out"]`` is the number of
        answers about other touch points.

    Examples
    --------
    >>> answers = pd.DataFrame({"metric": "csat", "score": [5, 4, 2, 5], "scale_low": 1, "scale_high": 5,
    ...     "touch_point": ["shop", "web", "web", "shop"]})
    >>> by_touch_point(answers, "csat")[["touch_point", "value", "together"]].values.tolist()
    [['shop', 1.0, 0.75], ['web', 0.5, 0.75]]
    """
    answers = as_table(surveys)
    answers = answers.filter(answers["touch_point"].notnull())
    return compared(answers, metric, "touch_point", minimum_answers, since, until)


def compared(
    answers: ibis.Table, metric: Metric, by: str, minimum_answers: int, since: Day | None, until: Day | None
) -> pd.DataFrame:
    """One measure by a column, best first, beside the same measure over all of its values together."""
    together = scores(answers, metric, since=since, until=until)["value"].sum()
    found = scores(answers, metric, by=by, since=since, until=until)
    enough = found["n"] >= minimum_answers
    table = found[enough].assign(together=together)
    table = table.sort_values(["value", by], ascending=[False, True], ignore_index=True)
    table.attrs["left_out"] = int(found["n"][~enough].sum())
    return table


def weak_points(
    surveys: Log, minimum_answers: int = 1, since: Day | None = None, until: Day | None = None
) -> pd.DataFrame:
    """Touch points whose interval lies wholly below the measure over all of them, worst first.

    Returns
    -------
    DataFrame
        `touch_point`, `metric`, `value`, `low`, `high`, `n`, `together` (the measure over all
        touch points), sorted by how far the upper end falls short, in lengths of the measure's
        range.

    Examples
    --------
    >>> answers = pd.DataFrame({"metric": "csat", "scale_low": 1, "scale_high": 5,
    ...     "touch_point": ["web"] * 40 + ["shop"] * 40, "score": [5] * 36 + [2] * 4 + [4] * 20 + [1] * 20})
    >>> weak_points(answers)[["touch_point", "metric", "value", "together"]].values.tolist()
    [['shop', 'csat', 0.5, 0.7]]
    """
    spans = {"nps": 200.0, "csat": 1.0, "ces": 6.0}
    found = []
    for metric in METRICS:
        points = by_touch_point(surveys, metric, minimum_answers, since, until).assign(metric=metric)
        points["shortfall"] = (points["together"] - points["high"]) / spans[metric]
        found.append(points[points["shortfall"] > 0])
    table = pd.concat(found, ignore_index=True)
    table = table.sort_values(["shortfall", "touch_point"], ascending=[False, True], ignore_index=True)
    return table[["touch_point", "metric", "value", "low", "high", "n", "together"]]


def in_per_cent(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with the shares of CSAT rows in per cent, to stand beside NPS points."""
    satisfied = table["metric"] == "csat"
    figures = table.columns.intersection(["value", "low", "high", "together"])
    return table.assign(**{name: table[name].mask(satisfied, table[name] * 100) for name in figures})
