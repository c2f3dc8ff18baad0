"""Who leaves, as cases for a tree: customers of an earlier day, of a later one, and of today."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from crmlab.calendars import Day
from crmlab.errors import ParameterError
from crmlab.mining.customers.churn import ChurnData, check_horizon, churn_dataset, churn_features
from crmlab.mining.customers.churn_evaluation import leakage_guard
from crmlab.mining.customers.churn_forecast import TOO_FEW, TOO_SHORT, two_horizons_back
from crmlab.mining.customers.profile_columns import undated
from crmlab.mining.methods.trees.cases import Cases

#: What customers may be; the first is the event.
CHURNED, STAYED = "churned", "stayed"


def churn_cases(
    data: Any, as_of: Day | None = None, horizon: int = 90, active_within: int | None = 365
) -> Cases:
    """Customers to learn from who leaves, those to judge by, and those of today.

    What is learnt from was known two horizons before `as_of` and came about in the first of them; what
    is judged by lies one horizon later, so that nothing of it was known then. The candidates are the
    customers as they are known on `as_of`.

    Parameters
    ----------
    data, active_within
        As `churn_dataset` takes them.
    as_of
        First day that is not known yet; the day after the last order line if not given.
    horizon
        In days: who does not buy for so long has left.

    Returns
    -------
    Cases
        ``"churned"`` and ``"stayed"``, indexed by `customer_id`. Columns that bear no day, and seem to know
        what they are to tell (see `leakage_guard`), are left out.

    Raises
    ------
    ParameterError
        If the horizon is no number of days.

    Examples
    --------
    >>> orders = pd.DataFrame({"order_id": ["1"], "customer_id": ["a"], "amount": [5],
    ...     "time": pd.to_datetime(["2024-01-05"])})
    >>> churn_cases(orders).why_not
    'The orders do not reach back two horizons.'
    """
    check_horizon(horizon)
    tables, day, (learnt, judged) = two_horizons_back(data, as_of, horizon)
    try:
        earlier, later = churn_dataset(tables, [learnt, judged], horizon, active_within).split()
        now = churn_features(tables, day, horizon, active_within)
    except ParameterError:
        return Cases(event=CHURNED, why_not=TOO_SHORT)
    X, y = _known(earlier)
    X_held_out, y_held_out = _known(later)
    now = now.reindex(columns=X.columns)
    found = Cases(X, y, X_held_out, y_held_out, now, CHURNED, learnt=learnt, judged=judged, decided=day)
    if found.too_few:
        return replace(found, why_not=TOO_FEW)
    found, own = found.with_numbers(), undated(X)
    return found.without(leakage_guard(X[own], earlier.churned)) if own else found


def _known(data: ChurnData) -> tuple[pd.DataFrame, pd.Series]:
    X = data.X.droplevel("cutoff")
    return X, data.churned.set_axis(X.index).map({1: CHURNED, 0: STAYED}).astype("str").rename("outcome")
