"""What is to be expected of each customer: still active, purchases and money to come, with intervals."""

from __future__ import annotations

import datetime
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.engine import collect
from crmlab.errors import ParameterError
from crmlab.mining.customers.lifetime import (
    MBGNBD,
    Bootstrap,
    GammaGamma,
    bootstrap,
    holdout,
    lifetime_value,
    prediction_interval,
    tracking,
)
from crmlab.mining.customers.lifetime.bootstrap import percentile_ends
from crmlab.mining.customers.purchases import last_day
from crmlab.mining.customers.summary import DAYS, purchase_summary

if TYPE_CHECKING:
    from crmlab.engine import Log
    from crmlab.mining.customers.lifetime.base import LifetimeModel

#: Values of customers in all replicates that are kept; of more they are made anew for each grouping.
KEPT = 20_000_000
#: Why there may be no outlook.
TOO_FEW = "Hardly anybody bought a second time."
NO_FIT = "The orders do not tell customers apart well enough for a forecast."
#: What is expected of a customer, beside the summary that it rests on.
EXPECTED = ("probability_alive", "expected_purchases", "expected_spend", "lifetime_value")


@dataclass(frozen=True, eq=False, repr=False)
class Outlook:
    """What is expected of customers; `value_outlook` makes it.

    Attributes
    ----------
    customers : DataFrame
        Indexed by `customer_id`: `frequency`, `recency`, `T`, `monetary_value` (see
        `purchase_summary`), `probability_alive`, `expected_purchases` and `lifetime_value` within the
        months ahead, `expected_spend` per purchase. Without rows where nothing can be expected.
    purchases, spend : model
        The fitted models; None without rows.
    months, discount_rate, margin
        As asked for.
    why_not : str
        Why there are no rows; empty if there are.
    """

    customers: pd.DataFrame
    purchases: LifetimeModel | None
    spend: GammaGamma | None
    months: int
    discount_rate: float
    margin: float
    why_not: str = ""
    _drawn: tuple[Bootstrap, ...] = ()
    _values: np.ndarray | None = None

    def __repr__(self) -> str:
        said = self.why_not or f"{len(self.customers):,} customers, {self.purchases}, {self.spend}"
        asked = ", ".join(f"{name}={getattr(self, name)}" for name in ("months", "discount_rate", "margin"))
        return f"Outlook({said}, {asked})"

    def by(self, labels: pd.Series | None = None, level: float = 0.95) -> pd.DataFrame:
        """Value to come by groups of customers, with intervals.

        Parameters
        ----------
        labels
            The group of each customer, indexed by `customer_id`; those without one are left out. One
            group named ``"all"`` if not given.
        level
            Confidence level; percentiles of the bootstrap.

        Returns
        -------
        DataFrame
            Indexed by group: `customers`, `value` (sum), `low`, `high` and `mean` (per customer). The
            interval says how well the sum of expectations is known; what customers will really bring
            varies around it.
        """
        rows = self.customers
        if labels is None:
            labels = pd.Series("all", index=rows.index)
        labels = labels.reindex(rows.index).dropna()
        if labels.empty:
            return pd.DataFrame(columns=["customers", "value", "low", "high", "mean"], dtype="float64")
        those, codes = rows.loc[labels.index], pd.factorize(labels, sort=True)

        def sums(values: np.ndarray) -> np.ndarray:
            return np.bincount(codes[0], values, len(codes[1]))

        if self._values is None:
            found = prediction_interval(
                lambda *two: sums(self._value(*two, those)), *self._drawn, level=level
            )
        else:
            places = rows.index.get_indexer(labels.index)
            drawn = [sums(values[places]) for values in self._values]
            low, high = percentile_ends(np.array(drawn), level)
            found = pd.DataFrame({"value": sums(those["lifetime_value"]), "low": low, "high": high})
        found.index = pd.Index(codes[1], name=labels.name)
        found.insert(0, "customers", np.bincount(codes[0], minlength=len(codes[1])))
        return found.assign(mean=found["value"] / found["customers"])

    def _value(self, purchases: LifetimeModel, spend: GammaGamma, rows: pd.DataFrame) -> pd.Series:
        monthly = (1 + self.discount_rate) ** (1 / 12) - 1
        return lifetime_value(
            purchases, spend, rows, self.months, discount_rate=monthly, margin=self.margin, unit="W"
        )


def value_outlook(
    orders: Log,
    as_of: Day | None = None,
    months: int = 12,
    discount_rate: float = 0.1,
    margin: float = 1.0,
    replicates: int = 100,
    seed: int = 0,
) -> Outlook:
    """Expect of each customer what MBG/NBD and gamma-gamma models of all of them say.

    In a BG/NBD model, which is better known, customers can leave only after a repeat purchase, so that
    whoever bought once is active for certain. MBG/NBD lets them leave after the first purchase too;
    that makes `probability_alive` a figure that can be told.

    Parameters
    ----------
    orders
        Order lines as in the contract.
    as_of
        First day that does not count; all days count if not given.
    months
        How far to look ahead.
    discount_rate
        Per year, from 0 to 1, 10 % being 0.1: money of next year is worth 1 / (1 + discount_rate) of
        today's.
    margin
        Share of the spend that is left after costs.
    replicates
        Of the bootstrap, for intervals.
    seed
        Of the bootstrap.

    Returns
    -------
    Outlook
        Customers who bought but whose mean spend is not positive, as all came back, are left out of
        the model of spend.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"customer_id": ["a"], "amount": [5], "time": pd.to_datetime(["2024-01-05"])})
    >>> value_outlook(orders).why_not
    'Hardly anybody bought a second time.'
    """
    if not (isinstance(months, int) and months > 0):
        raise ParameterError(f"months is a whole number, 1 or more, not {months!r}.")
    if not 0 <= discount_rate <= 1:
        raise ParameterError(
            f"discount_rate is a rate per year from 0 to 1, not {discount_rate!r}: 10 % is 0.1."
        )
    end = None if as_of is None else as_day(as_of, "as_of") - datetime.timedelta(days=1)
    summary = collect(purchase_summary(orders, "W", end=end), key="customer_id").set_index("customer_id")
    empty = summary.iloc[:0].assign(**dict.fromkeys(EXPECTED, np.nan))
    nothing = Outlook(empty, None, None, months, discount_rate, margin)
    spenders = (summary["frequency"] > 0) & (summary["monetary_value"] > 0)
    if spenders.sum() < 10:
        return _without(nothing, TOO_FEW)
    purchases, spend = MBGNBD(), GammaGamma("leave out")
    if not all(_fitted(model, summary) for model in (purchases, spend)):
        return _without(nothing, NO_FIT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what failed is looked at below
        drawn = tuple(bootstrap(model, summary, replicates, seed) for model in (purchases, spend))
    if any(one.failed > replicates / 10 for one in drawn):
        return _without(nothing, NO_FIT)
    found = Outlook(empty, purchases, spend, months, discount_rate, margin, "", drawn)
    rows = summary.assign(
        probability_alive=purchases.probability_alive(summary),
        expected_purchases=purchases.expected_purchases(months * DAYS["M"] / DAYS["W"], summary),
        expected_spend=spend.expected_spend(summary),
        lifetime_value=found._value(purchases, spend, summary),
    )
    values = None
    if len(rows) * replicates <= KEPT:
        pairs = zip(*(one.models() for one in drawn), strict=False)
        values = np.array([found._value(*pair, summary) for pair in pairs])
    return Outlook(rows, purchases, spend, months, discount_rate, margin, "", drawn, values)


def outlook_check(
    orders: Log, as_of: Day | None = None, holdout_share: float = 0.5, most: int = 5
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How well the model of purchases foretold the latest part of the orders from the part before.

    Parameters
    ----------
    orders, as_of
        As `value_outlook` takes them.
    holdout_share
        Part of the time, from its end, that is foretold.
    most
        Customers with so many repeat purchases or more are one group.

    Returns
    -------
    DataFrame, DataFrame
        What `holdout` says by earlier repeat purchases, and what `tracking` says by week; both
        without rows if there is too little to go by.
    """
    last = last_day(orders) if as_of is None else as_day(as_of, "as_of") - datetime.timedelta(days=1)
    empty = (
        pd.DataFrame(columns=["customers", "actual", "low", "high", "expected"]).rename_axis("frequency"),
        pd.DataFrame(columns=["period", "ends", "holdout", "actual_cumulative", "expected_cumulative"]),
    )
    first = collect(purchase_summary(orders, "D", end=last), key="customer_id")["T"].max()
    days = int(first * holdout_share)
    if days < 28:
        return empty
    cut = last - datetime.timedelta(days=days)
    lines = collect(_summary(orders, cut, last), key="customer_id").set_index("customer_id")
    model = MBGNBD()
    if (lines["frequency"] > 0).sum() < 10 or not _fitted(model, lines):
        return empty
    return holdout(model, lines, most), tracking(model, orders, calibration_end=cut, end=last)


def _summary(orders: Log, cut: datetime.date, last: datetime.date) -> Log:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # who first bought in the holdout is nobody to foretell
        return purchase_summary(orders, "W", end=last, calibration_end=cut)


def _fitted(model: LifetimeModel, summary: pd.DataFrame) -> bool:
    """Fit, and say whether there is an optimum."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the warning says is returned
        return model.fit(summary).convergence_.status == "converged"


def _without(nothing: Outlook, why: str) -> Outlook:
    return replace(nothing, why_not=why)
