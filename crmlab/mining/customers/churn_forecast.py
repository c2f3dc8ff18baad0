"""Who is about to leave: a churn model learnt from the past, judged by the latest time, asked about today."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.errors import ParameterError
from crmlab.mining.customers.churn import churn_dataset, churn_features, churn_model, tables_with_orders
from crmlab.mining.customers.churn_evaluation import ChurnEvaluation, evaluate_churn
from crmlab.mining.customers.purchases import last_day

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

#: Customers of either kind that a model is learnt from, and judged by, at least.
FEWEST = 10
#: Why there may be no forecast.
TOO_SHORT = "The orders do not reach back two horizons."
TOO_FEW = "Too few customers left, or too few stayed, to learn from."


@dataclass(frozen=True, eq=False, repr=False)
class ChurnForecast:
    """Who is about to leave; `churn_forecast` makes it.

    Attributes
    ----------
    probability : Series
        Indexed by `customer_id`: the probability of no purchase within the horizon, for customers
        who bought lately enough. Without rows where nothing can be learnt.
    evaluation : ChurnEvaluation or None
        How well a model learnt earlier foretold the latest horizon.
    model : Pipeline or None
        Learnt from the latest horizon too; it gives `probability`.
    horizon : int
        In days.
    why_not : str
        Why there are no rows; empty if there are.
    """

    probability: pd.Series
    evaluation: ChurnEvaluation | None
    model: Pipeline | None
    horizon: int
    why_not: str = ""

    def __repr__(self) -> str:
        said = self.why_not or f"{len(self.probability):,} customers, AUC {self.evaluation.auc}"
        return f"ChurnForecast({said}, horizon={self.horizon})"

    @property
    def calibration(self) -> pd.DataFrame:
        """That of the evaluation, or no rows."""
        columns = ["customers", "predicted", "observed", "low", "high"]
        return self.evaluation.calibration if self.evaluation else pd.DataFrame(columns=columns, dtype=float)

    @property
    def judged(self) -> int:
        """Number of customers that the evaluation rests on."""
        return int(self.evaluation.gains["customers"].sum()) if self.evaluation else 0

    @property
    def gains_curve(self) -> pd.DataFrame:
        """Share of customers, the highest risk first, and share of those who left among them; from 0."""
        if not self.evaluation:
            return pd.DataFrame(columns=["share", "captured"], dtype=float)
        gains = self.evaluation.gains
        found = pd.DataFrame(
            {"share": gains["customers"].cumsum() / self.judged, "captured": gains["captured"]}
        )
        return pd.concat([pd.DataFrame({"share": [0.0], "captured": [0.0]}), found], ignore_index=True)

    @property
    def importance(self) -> pd.DataFrame:
        """That of the evaluation, or no rows."""
        empty = pd.DataFrame(columns=["importance", "low", "high"], dtype=float).rename_axis("column")
        return self.evaluation.importance if self.evaluation else empty


def churn_forecast(
    data: Any,
    as_of: Day | None = None,
    horizon: int = 90,
    active_within: int | None = 365,
    method: str = "logistic",
    seed: int = 0,
    replicates: int = 10,
) -> ChurnForecast:
    """Learn who left, check it on the latest horizon, and say who is likely to leave next.

    The model to be judged learns from what was known two horizons before `as_of` and came about in the
    first of them; it is judged by the second. Then a model learns from both, and forecasts.

    Parameters
    ----------
    data, active_within
        As `churn_dataset` takes them.
    as_of
        First day that is not known yet; the day after the last order line if not given.
    horizon
        In days: who does not buy for so long has churned.
    method, seed
        As `churn_model` takes them.
    replicates
        For the importances, as `evaluate_churn` takes them.

    Returns
    -------
    ChurnForecast

    Examples
    --------
    >>> orders = pd.DataFrame({"order_id": ["1"], "customer_id": ["a"], "amount": [5],
    ...     "time": pd.to_datetime(["2024-01-05"])})
    >>> churn_forecast(orders).why_not
    'The orders do not reach back two horizons.'
    """
    tables, day, cutoffs = two_horizons_back(data, as_of, horizon)
    nothing = ChurnForecast(pd.Series(dtype="float64", name="probability"), None, None, horizon)
    try:
        both = churn_dataset(tables, cutoffs, horizon, active_within)
        earlier, latest = both.split()
    except ParameterError:
        return _without(nothing, TOO_SHORT)
    for part in (earlier, latest):
        if part.churned.sum() < FEWEST or (1 - part.churned).sum() < FEWEST:
            return _without(nothing, TOO_FEW)
    judged = churn_model(earlier.X, earlier.churned, method, seed)
    evaluation = evaluate_churn(judged, latest.X, latest.churned, seed, replicates=replicates)
    model = churn_model(both.X, both.churned, method, seed)
    today = churn_features(tables, day, horizon, active_within)
    probability = pd.Series(model.predict_proba(today)[:, 1], today.index, name="probability")
    return ChurnForecast(probability, evaluation, model, horizon)


def two_horizons_back(
    data: Any, as_of: Day | None, horizon: int
) -> tuple[dict[str, Any], datetime.date, list[datetime.date]]:
    """The tables, the first day that is not known yet, and the days two and one horizons before it."""
    tables = tables_with_orders(data)
    one_day = datetime.timedelta(days=1)
    day = last_day(tables["orders"]) + one_day if as_of is None else as_day(as_of, "as_of")
    return tables, day, [day - datetime.timedelta(days=horizon * back) for back in (2, 1)]


def _without(nothing: ChurnForecast, why: str) -> ChurnForecast:
    return replace(nothing, why_not=why)
