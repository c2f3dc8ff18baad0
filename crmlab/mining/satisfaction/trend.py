"""Trend of a measure: the stretches of time over which it stood at one level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from crmlab.calendars import Day
from crmlab.errors import ParameterError
from crmlab.mining.methods.change_points import Penalty, change_positions
from crmlab.mining.satisfaction.counts import Metric, answer_counts, figures
from crmlab.mining.satisfaction.differences import difference_rows, together

if TYPE_CHECKING:
    from crmlab.engine import Log


def change_points(
    surveys: Log,
    metric: Metric,
    period: Literal["M", "Q", "Y"] = "Q",
    calendar: str = "gregorian",
    since: Day | None = None,
    until: Day | None = None,
    penalty: Penalty | float = "mbic",
    level: float = 0.95,
) -> pd.DataFrame:
    """The stretches of periods between which one of the three measures changed.

    The cut into stretches is the best of all, see `crmlab.mining.methods.change_positions`. A
    period's variance is that of one answer within periods, the same for all of them, divided by its
    number of answers, and widened where neighbouring periods differ more than that allows, as they do
    where who was asked changes from period to period.

    Parameters
    ----------
    surveys, metric, period, calendar, since, until
        As `scores` takes them; periods without answers are passed over.
    penalty
        ``"mbic"`` (Zhang and Siegmund 2007), ``"bic"`` (Yao 1988), or a number per change; greater
        is fewer changes.

    Returns
    -------
    DataFrame
        One row per stretch, in order of time: `start` and `end` (first days of its first and last
        period), `periods`, `value`, `low`, `high` and `n` over all its answers, and `change`,
        `change_low`, `change_high` from the stretch before (missing in the first row). The intervals
        of changes are those of stretches known beforehand: that these were picked because they differ
        makes them somewhat too short. Empty if there are no dated answers.

    Raises
    ------
    ParameterError
        As `scores` does, and for an unknown penalty.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-15", "2024-02-15", "2024-03-15", "2024-04-15"]).repeat(100)
    >>> answers = pd.DataFrame({"metric": "csat", "scale_low": 1, "scale_high": 5, "time": days,
    ...     "score": ([5] * 80 + [1] * 20) * 2 + ([5] * 50 + [1] * 50) * 2})
    >>> change_points(answers, "csat", period="M")[["periods", "value"]].values.tolist()
    [[2.0, 0.8], [2.0, 0.5]]
    """
    if period is None:
        raise ParameterError("A trend takes a period: 'M', 'Q' or 'Y'.")
    counts = answer_counts(surveys, metric, None, period, calendar, since, until)
    columns = ["start", "end", "periods", "value", "low", "high", "n", "change", "change_low", "change_high"]
    if counts.empty:
        return pd.DataFrame(columns=columns)
    value, _, _ = figures(counts, metric, level)
    begins = [0, *change_positions(value, _variance(counts, metric), penalty)] if len(counts) > 1 else [0]
    parts = [counts.iloc[a:b] for a, b in zip(begins, [*begins[1:], len(counts)], strict=True)]
    stretches = pd.concat([together(part) for part in parts], ignore_index=True)
    value, low, high = figures(stretches, metric, level)
    found = pd.DataFrame({
        "start": [part["period"].iloc[0] for part in parts],
        "end": [part["period"].iloc[-1] for part in parts],
        "periods": [len(part) for part in parts], "value": value, "low": low, "high": high,
        "n": stretches["n"],
    })  # fmt: skip
    changes = difference_rows(stretches.iloc[1:], stretches.iloc[:-1], metric, level)
    changes.index = found.index[1:]
    return found.assign(change=changes["difference"], change_low=changes["low"], change_high=changes["high"])[
        columns
    ]


def _variance(counts: pd.DataFrame, metric: Metric) -> np.ndarray:
    """Variance of the measure in each period, from that of one answer within periods."""
    n = counts["n"].to_numpy(dtype=float)
    if metric == "ces":
        squares, freedom = counts["variance"].astype(float).fillna(0) * (n - 1), (n - 1).sum()
    elif metric == "csat":
        share = counts["top"] / n
        squares, freedom = n * share * (1 - share), n.sum()
    else:
        squares = 100**2 * (counts["plus"] + counts["minus"] - (counts["plus"] - counts["minus"]) ** 2 / n)
        freedom = n.sum()
    within = squares.sum() / freedom if freedom else 0.0
    # Where no two answers of a period differ, a tiny variance finds every change there is.
    return np.maximum(within, 1e-9) / n
