"""Scores by segment of customers, and of departments by those who depend on them inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from crmlab.calendars import Day
from crmlab.engine import as_table
from crmlab.errors import ParameterError
from crmlab.mining.satisfaction.counts import Metric
from crmlab.mining.satisfaction.touch_points import compared, whole_answers

if TYPE_CHECKING:
    from crmlab.engine import Log


def by_segment(
    surveys: Log,
    metric: Metric,
    segments: pd.Series,
    minimum_answers: int = 1,
    since: Day | None = None,
    until: Day | None = None,
) -> pd.DataFrame:
    """One measure by segment of those who answered, best first.

    Parameters
    ----------
    segments
        The segment of each customer, indexed by `customer_id`. Answers of others, and anonymous ones,
        are left out; of the rest those that speak for the whole count (see `headline`).
    minimum_answers
        Segments with fewer answers are left out.

    Returns
    -------
    DataFrame
        `segment`, `value`, `low`, `high`, `n`, `together` (over all answers of customers with a
        segment). ``.attrs["left_out"]`` is the number of answers of other segments.

    Raises
    ------
    ParameterError
        If a customer has two segments.

    Examples
    --------
    >>> surveys = pd.DataFrame({"customer_id": ["a", "b", "c"], "metric": "csat", "score": [5, 4, 1],
    ...     "scale_low": 1, "scale_high": 5})
    >>> found = by_segment(surveys, "csat", pd.Series({"a": "loyal", "b": "loyal", "c": "new"}))
    >>> found[["segment", "value", "n"]].values.tolist()
    [['loyal', 1.0, 2], ['new', 0.0, 1]]
    """
    import ibis

    if segments.index.has_duplicates:
        twice = int(segments.index.duplicated(keep=False).sum())
        raise ParameterError(
            f"{twice:,} rows of the segments have a customer_id in common with another; a customer has one."
        )
    surveys = whole_answers(surveys, metric, since, until)
    labels = segments.dropna().rename("segment").rename_axis("customer_id").reset_index().astype("str")
    answers = as_table(surveys)
    answers = answers.drop(*({"segment"} & set(answers.columns))).join(ibis.memtable(labels), "customer_id")
    return compared(answers, metric, "segment", minimum_answers, since, until)


def by_department(
    surveys: Log,
    metric: Metric,
    minimum_answers: int = 1,
    since: Day | None = None,
    until: Day | None = None,
) -> pd.DataFrame:
    """One measure by department, asked of the departments that depend on it: internal customers.

    Parameters
    ----------
    surveys
        Answers as in the contract; those whose `respondent` is ``"internal"`` count, and the
        `touch_point` is the department they are about.
    minimum_answers
        Departments with fewer answers are left out.

    Returns
    -------
    DataFrame
        `department`, `value`, `low`, `high`, `n`, `together`, best first; as `by_segment` has them.

    Examples
    --------
    >>> surveys = pd.DataFrame({"respondent": "internal", "touch_point": ["Delivery", "Delivery", "Sales"],
    ...     "metric": "csat", "score": [5, 1, 4], "scale_low": 1, "scale_high": 5})
    >>> by_department(surveys, "csat")[["department", "value", "n"]].values.tolist()
    [['Sales', 1.0, 1], ['Delivery', 0.5, 2]]
    """
    answers = as_table(surveys)
    if not {"respondent", "touch_point"} <= set(answers.columns):
        answers = answers.mutate(department=None).filter(False)
    else:
        inside = (answers["respondent"] == "internal") & answers["touch_point"].notnull()
        answers = answers.filter(inside).mutate(department=answers["touch_point"]).drop("respondent")
    return compared(answers, metric, "department", minimum_answers, since, until)
