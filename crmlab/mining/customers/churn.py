"""Churn: who will not come back, learnt from what was known before a day and what came after it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.engine import as_table, collect, need_columns
from crmlab.errors import ParameterError, did_you_mean, listed
from crmlab.mining.customers.profile import profile, tables_of
from crmlab.mining.customers.profile_columns import column_called
from crmlab.mining.customers.purchases import count_orders, last_day, purchase_lines
from crmlab.mining.customers.summary import DAYS, purchase_summary
from crmlab.mining.methods.tabular import column_encoder, plain_values
from crmlab.tables import IDENTIFIERS

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from crmlab.engine import Log

METHODS = ("logistic", "boosting")


class ChurnData(NamedTuple):
    """What was known of customers before a cutoff, and what they did after it.

    Attributes
    ----------
    X : DataFrame
        Indexed by `customer_id`, or by `cutoff` and `customer_id` if there are several cutoffs.
    churned : Series
        1 if the customer did not buy in the time after the cutoff, or ended the contract in it, else 0.
    next_purchase : Series
        Days from the cutoff to the next purchase, 0 on the cutoff itself; missing if there was none in
        the time looked at. Missing for contracts.
    horizon : int
        Length of that time in days; 0 if there is none, for a status without days.
    """

    X: pd.DataFrame
    churned: pd.Series
    next_purchase: pd.Series
    horizon: int

    def split(self) -> tuple[ChurnData, ChurnData]:
        """The cutoffs to learn from, and the last one, to judge by.

        What is learnt from was over when the last cutoff came; cutoffs whose time reaches beyond it are
        left out.

        Raises
        ------
        ParameterError
            If no cutoff is a whole horizon before the last one.
        """
        if self.X.index.nlevels < 2:
            raise ParameterError("There is one cutoff; give churn_dataset several to split them by time.")
        cutoff = self.X.index.get_level_values("cutoff")
        last = cutoff.max()
        earlier = cutoff <= last - pd.Timedelta(days=self.horizon)
        if not earlier.any():
            raise ParameterError(
                f"No cutoff is {self.horizon} days or more before the last, {last:%Y-%m-%d}: what came "
                "after it would not have been known. Give an earlier one, or a shorter horizon."
            )
        return self._of(earlier), self._of(cutoff == last)

    def _of(self, kept: np.ndarray) -> ChurnData:
        return ChurnData(self.X[kept], self.churned[kept], self.next_purchase[kept], self.horizon)


def churn_dataset(
    data: Any, cutoff: Day | Sequence[Day], horizon: int, active_within: int | None = None
) -> ChurnData:
    """Features from before a day and what came after it, for customers without a contract.

    A customer has churned if there is no purchase from the cutoff on for `horizon` days. Only what lies
    before the cutoff goes into the features; but columns that the table of customers has beyond those
    of the contract bear no day, so that nobody can tell when they became known: see `leakage_guard`.

    Parameters
    ----------
    data
        Order lines, or a workspace or mapping of tables as `crmlab.mining.customers.profile` takes it.
    cutoff
        First day that does not count for the features, and the first of the time looked at. Several
        for a rolling split.
    horizon
        Length of that time in days.
    active_within
        Only customers who bought in so many days before the cutoff; all who ever bought if not given.

    Returns
    -------
    ChurnData
        Its columns are those of a profile, without days and bands, and `recent_orders` and
        `recent_value`: the orders of the last `horizon` days before the cutoff, and what was paid.

    Raises
    ------
    ParameterError
        If the orders end before the horizon does, or nobody had bought before the cutoff.

    Examples
    --------
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "b", "c"], "amount": [500, 700, 300, 100],
    ...     "time": pd.to_datetime(["2024-01-05", "2024-03-01", "2024-02-01", "2024-03-30"])})
    >>> data = churn_dataset(orders, "2024-02-15", 30)
    >>> data.churned.to_dict(), data.next_purchase.to_dict()
    ({'a': 0, 'b': 1}, {'a': 15.0, 'b': nan})
    """
    check_horizon(horizon)
    tables = tables_with_orders(data)
    orders = tables["orders"]
    if isinstance(cutoff, str | datetime.date):
        return _at(tables, orders, as_day(cutoff, "cutoff"), horizon, active_within)
    days = sorted({as_day(day, "cutoff") for day in cutoff})
    if not days:
        raise ParameterError("cutoff names no day.")
    parts = [_at(tables, orders, day, horizon, active_within) for day in days]
    keys = pd.DatetimeIndex([pd.Timestamp(day) for day in days]).as_unit("us")
    stacked = [pd.concat([part[place] for part in parts], keys=keys, names=["cutoff"]) for place in range(3)]
    # A channel that nobody had used by an earlier day has no column then: nothing counts as 0.
    counts = [name for name in stacked[0] if not column_called(str(name)).missing]
    stacked[0] = stacked[0].fillna(dict.fromkeys(counts, 0))
    stacked[0] = stacked[0].astype(dict.fromkeys(stacked[0].select_dtypes("number"), "float64"))
    return ChurnData(*stacked, horizon)


def tables_with_orders(data: Any) -> dict[str, Log]:
    """The tables that tell of churn: order lines, alone or with what a workspace or mapping has besides."""
    of_tables = isinstance(data, Mapping) or isinstance(getattr(data, "tables", None), list)
    tables = tables_of(data) if of_tables else {"orders": data}
    if "orders" not in tables:
        raise ParameterError(f"Churn is told by orders; there are: {', '.join(tables) or 'no tables'}.")
    return tables


def check_horizon(horizon: int) -> None:
    """Say so if a horizon is no number of days.

    Raises
    ------
    ParameterError
        If it is not.
    """
    if not (isinstance(horizon, int) and horizon > 0):
        raise ParameterError(f"horizon is a number of days, 1 or more, not {horizon!r}.")


def _at(tables: Any, orders: Log, day: datetime.date, horizon: int, active_within: int | None) -> ChurnData:
    end = day + datetime.timedelta(days=horizon)
    last = last_day(orders)
    if end > last + datetime.timedelta(days=1):
        raise ParameterError(
            f"The orders end on {last}, so that what happened in the {horizon} days from {day} on is not "
            f"known; the latest cutoff is {last - datetime.timedelta(days=horizon - 1)}."
        )
    features = churn_features(tables, day, horizon, active_within)
    lines = purchase_lines(orders)
    later = lines.filter(~lines["is_return"] & (lines["day"] >= day) & (lines["day"] < end))
    later = later.group_by("customer_id").agg(next_purchase=later["day"].min().delta(day, unit="day"))
    found = collect(later, key="customer_id").set_index("customer_id")
    following = found["next_purchase"].reindex(features.index).astype("float64")
    churned = following.isna().astype("int64").rename("churned")
    return ChurnData(features, churned, following, horizon)


def churn_features(
    tables: Mapping[str, Log], day: datetime.date, horizon: int, active_within: int | None = None
) -> pd.DataFrame:
    """What is known of customers before a day, as `churn_dataset` describes it: its X."""
    features = profile(tables, day)
    features = features[features["frequency"] > 0]
    if active_within is not None:
        features = features[features["recency"] <= active_within]
    if features.empty:
        raise ParameterError(f"Nobody had bought before {day}; a cutoff is a later day.")
    lines = purchase_lines(tables["orders"])
    start = day - datetime.timedelta(days=horizon)
    recent = lines.filter(~lines["is_return"] & (lines["day"] >= start) & (lines["day"] < day))
    recent = recent.group_by("customer_id").agg(
        recent_orders=count_orders(recent, ~recent["is_return"]), recent_value=recent["amount"].sum()
    )
    found = collect(recent, key="customer_id").set_index("customer_id")
    features = features.join(found.reindex(features.index).fillna(0).astype("float64"))
    days = [name for name in features if pd.api.types.is_datetime64_any_dtype(features[name])]
    return features.drop(columns=[*days, *({"age_band"} & set(features))])


def contract_churn(
    customers: Log,
    status: str | None = None,
    churned: Any = True,
    ended: str | None = None,
    cutoff: Day | None = None,
    horizon: int | None = None,
    leave_out: Sequence[str] = (),
) -> ChurnData:
    """Features and churn of customers with a contract, told by a status or by the day it ended.

    Parameters
    ----------
    customers
        One row per customer: `customer_id` and what is known of each; `registered_at` if days count.
    status, churned
        A column, and its value for those who left. A status bears no day: whether the other columns
        were known before is for the user to say (`leave_out`) and `leakage_guard` to doubt.
    ended, cutoff, horizon
        Instead of a status, a column with the day on which the contract ended (missing: it runs). Of
        those under contract on the cutoff, who ended it within `horizon` days from then on has churned.
    leave_out
        Columns not to learn from. Names, addresses and numbers of persons never are.

    Returns
    -------
    ChurnData

    Examples
    --------
    >>> customers = pd.DataFrame({"customer_id": ["a", "b", "c"], "fee": [5, 9, 7],
    ...     "ended_at": pd.to_datetime([None, "2024-02-20", "2024-01-01"])})
    >>> contract_churn(customers, ended="ended_at", cutoff="2024-02-01", horizon=30).churned.to_dict()
    {'a': 0, 'b': 1}
    """
    if (status is None) == (ended is None):
        raise ParameterError("Churn is told by a status or by the day a contract ended: give one of the two.")
    people = customers if isinstance(customers, pd.DataFrame) else collect(as_table(customers))
    need_columns(people, ["customer_id", status or ended, *leave_out], "Customers", "customers")
    people = people.set_index("customer_id").sort_index()
    if status is not None:
        left = people[status] == churned
        if not left.any():
            known = people[status].dropna().unique().tolist()
            raise ParameterError(
                f"No customer's {status} is {churned!r}{did_you_mean(str(churned), map(str, known))}"
            )
        known = people[people[status].notna()]
        left = left[known.index]
    else:
        if cutoff is None or horizon is None:
            raise ParameterError("With the day on which contracts ended, give a cutoff and a horizon.")
        day = pd.Timestamp(as_day(cutoff, "cutoff"))
        running = ~(people[ended] < day)
        if "registered_at" in people:
            running &= people["registered_at"] < day
            people = people.assign(years_as_customer=(day - people["registered_at"]).dt.days / 365.2425)
        known = people[running]
        left = known[ended] < day + pd.Timedelta(days=horizon)
    days = [name for name in known if pd.api.types.is_datetime64_any_dtype(known[name])]
    dropped = {status, ended, *leave_out, *days} | (IDENTIFIERS & set(known))
    features = known[[name for name in known if name not in dropped]]
    churn = left.astype("int64").rename("churned")
    gap = pd.Series(np.nan, index=features.index, name="next_purchase")
    return ChurnData(features, churn, gap, horizon or 0)


def churn_model(
    X: pd.DataFrame,
    churned: pd.Series,
    method: str = "logistic",
    seed: int = 0,
) -> Pipeline:
    """Learn who churns; the result is a pipeline of scikit-learn that takes frames like X.

    Numbers: gaps filled with the median and marked by a column of their own, then scaled. Texts: a
    column per value, rare ones (below 1 %, or beyond the 20 most frequent) together; a gap is a value.
    Columns without any value are not looked at.

    Parameters
    ----------
    X, churned
        As `churn_dataset` or `contract_churn` give them, from before those to be judged.
    method
        ``"logistic"``: logistic regression with a mild penalty; ``"boosting"``: gradient boosted
        trees on histograms, for which gaps are not filled.
    seed
        Of the trees.

    Returns
    -------
    Pipeline
        Fitted; ``predict_proba(X)[:, 1]`` is the probability to churn.

    Raises
    ------
    ParameterError
        If the method is unknown, a column holds days, or all customers churned or none did.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    if method not in METHODS:
        raise ParameterError(f"There is no method {method!r}{did_you_mean(str(method), METHODS)}")
    if churned.nunique() < 2:
        raise ParameterError("All customers churned, or none did: there is nothing to learn.")
    for name in X:
        if pd.api.types.is_datetime64_any_dtype(X[name]):
            raise ParameterError(
                f"The column {name} holds days; give the time from it to the cutoff instead."
            )
    told, encoder = column_encoder(X, scaled=method == "logistic")
    learner: Any = (
        LogisticRegression(max_iter=2000)
        if method == "logistic"
        else HistGradientBoostingClassifier(random_state=seed)
    )
    steps = [
        ("plain", FunctionTransformer(plain_columns, kw_args={"columns": told})),
        ("columns", encoder),
        ("model", learner),
    ]
    return Pipeline(steps).fit(X, churned.to_numpy())


def plain_columns(X: pd.DataFrame, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Columns as floats, or as texts with "" for what is missing.

    Of the named columns those that count, of a profile, may not be there, as when nobody used a channel.
    """
    for name in [] if columns is None else [name for name in columns if name not in X]:
        if column_called(str(name)).missing:
            raise ParameterError(
                f"The model has learnt from a column {name}, which is not there; there are: {listed(X, 300)}."
            )
        X = X.assign(**{name: 0.0})
    X = X if columns is None else X[list(columns)]
    return pd.DataFrame(
        {name: plain_values(values) for name, values in X.items()},
        index=X.index,
    )


def lifetime_forecast(
    orders: Log, cutoff: Day, horizon: int, period: str = "W", model: Any = None
) -> pd.DataFrame:
    """What a model of customer lifetime, which knows only days of purchase, says of churn.

    Parameters
    ----------
    orders
        Order lines as in the contract.
    cutoff
        First day that does not count.
    horizon
        Days looked ahead.
    period
        Unit of time of the model; see `purchase_summary`.
    model
        An unfitted model with `fit`, `probability_alive` and `expected_purchases`; a `BGNBD` if not
        given, to which who bought once is active for sure.

    Returns
    -------
    DataFrame
        Indexed by `customer_id`: `probability_left` (1 less the probability to be active at the cutoff)
        and `expected_purchases` (within the horizon). Either ranks customers, the second with its sign
        turned; neither is the probability of no purchase within the horizon.
    """
    from crmlab.mining.customers.lifetime.bg_nbd import BGNBD

    end = as_day(cutoff, "cutoff") - datetime.timedelta(days=1)
    summary = collect(purchase_summary(orders, period, end=end), key="customer_id").set_index("customer_id")
    fitted = (BGNBD() if model is None else model).fit(summary)
    return pd.DataFrame({
        "probability_left": 1 - fitted.probability_alive(summary),
        "expected_purchases": fitted.expected_purchases(horizon / DAYS[period], summary),
    })  # fmt: skip
