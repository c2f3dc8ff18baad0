"""Gamma-gamma: what customers spend per purchase, shrunk towards the mean of all where purchases are few."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError
from crmlab.mining.customers.lifetime.base import LifetimeModel
from crmlab.mining.customers.lifetime.fitting import dot
from crmlab.mining.customers.lifetime.gamma_ratios import log_gamma_ratio
from crmlab.mining.customers.lifetime.summaries import Column, Counted, columns_of, count_equal, refuse

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.engine import Log


class GammaGamma(LifetimeModel):
    """Gamma-gamma model of mean spend per purchase.

    A customer's purchases vary around his own mean by a gamma distribution of shape p, and the
    means of customers by an inverse gamma distribution (q, v). How much somebody spends is taken
    to have nothing to do with how often he buys.

    `fit` takes a summary with `frequency` (number of purchases that the mean is of, a whole number)
    and `monetary_value` (their mean, positive); v is in its unit. Customers with a frequency of 0
    are left out, as nothing is known of what they spend.

    Parameters
    ----------
    without_spend
        What becomes of customers who bought but whose mean spend is zero or less, because all was
        free or came back: ``"refuse"`` the summary, or ``"leave out"`` of the fit; their expected
        spend then is that of customers whose purchases came to nothing.

    References
    ----------
    P. S. Fader, B. G. S. Hardie and K. L. Lee (2005), RFM and CLV: Using iso-value curves for
    customer base analysis, Journal of Marketing Research 42, 415-430; P. S. Fader and B. G. S.
    Hardie (2013), The gamma-gamma model of monetary value.

    Examples
    --------
    >>> import pandas as pd
    >>> model = GammaGamma.from_params(p=6.25, q=3.74, v=15.44)
    >>> customers = pd.DataFrame({"frequency": [0, 1, 10], "monetary_value": [0, 80.0, 80.0]})
    >>> model.expected_spend(customers).round(2).tolist()
    [35.22, 66.35, 78.12]
    """

    parameters: ClassVar[dict[str, str]] = {
        "p": "single purchases around a customer's mean", "q": "customers' means", "v": "customers' means",
    }  # fmt: skip

    def __init__(self, without_spend: str = "refuse") -> None:
        self.without_spend = without_spend

    def expected_spend(self, summary: Log | None = None) -> float | pd.Series:
        """Expected mean spend per purchase.

        Parameters
        ----------
        summary
            Customers as for `fit`; without it the mean over all customers.

        Returns
        -------
        float or Series
            In the unit of `monetary_value`, indexed like the summary; the mean of all for customers
            with a frequency of 0; infinite where the parameters give no mean (p x frequency + q <= 1).
        """
        import pandas as pd

        p, q, v = self._values()
        if summary is None:
            return p * v / (q - 1) if q > 1 else np.inf
        (x, mean), _, labels = self._spending(summary)
        below, total = p * x + q - 1, x * np.where((x > 0) & (mean > 0), mean, 0)
        with np.errstate(divide="ignore"):
            expected = np.where(below > 0, p * (v + total) / below, np.inf)
        return pd.Series(expected, index=labels, name="expected_spend")

    def _count(self, summary: Log, sample_weight: ArrayLike | None) -> Counted:
        columns, weight, _ = self._spending(summary, sample_weight)
        known = (columns[0] > 0) & (columns[1] > 0)
        weight = None if weight is None else weight[known]
        return count_equal([column[known] for column in columns], weight)

    def _prepare(self, counted: Counted) -> _Spending:
        count, mean = counted.columns
        weight, x, m = counted.weight, count.rows(), mean.rows()
        return _Spending(
            weight=weight, count=Column(count.values, count.codes), total=x * m, x=x,
            by_count=np.bincount(count.codes, weight, len(count.values)),
            logs=float(weight @ (x * np.log(x * m))),
            rest=float(weight @ np.log(m)),
        )  # fmt: skip

    def _log_likelihood(self, params: np.ndarray, data: _Spending) -> tuple[float, np.ndarray]:
        from scipy.special import digamma, gammaln

        p, q, v = params
        shape = p * data.count.values
        purchases = data.by_count @ data.count.values
        # Logs of 1 + total / v keep what is small beside v.
        log_ratio = np.log1p(data.total / v)
        rising, rising_slope = log_gamma_ratio(q, shape)
        value = data.by_count @ (rising - gammaln(shape)) - data.rest
        value += p * (data.logs - purchases * np.log(v))
        value -= dot(data.weight, (p * data.x + q) * log_ratio)
        both, alone = digamma(shape + q), digamma(shape)
        weighted = data.weight * log_ratio
        in_p = data.by_count @ (data.count.values * (both - alone)) - purchases * np.log(v) + data.logs
        in_p -= dot(weighted, data.x)
        in_q = data.by_count @ rising_slope - weighted.sum()
        share = data.weight * data.total / (v * (v + data.total))
        in_v = dot(share, data.x) * p + q * share.sum() - p * purchases / v
        return float(value), np.array([in_p, in_q, in_v])

    def _starts(self, counted: Counted) -> list[list[float]]:
        count, mean = (column.rows() for column in counted.columns)
        unit = float(np.average(mean, weights=counted.weight * count))
        return [[5.0, 4.0, unit / 2], [1.0, 3.0, 2 * unit], [20.0, 10.0, unit / 2]]

    def _spending(
        self, summary: Log, sample_weight: ArrayLike | None = None
    ) -> tuple[list[np.ndarray], np.ndarray | None, pd.Index]:
        """Frequency and mean spend, checked."""
        if self.without_spend not in ("refuse", "leave out"):
            raise ParameterError(f"without_spend is 'refuse' or 'leave out', not {self.without_spend!r}.")
        columns, weight, labels = columns_of(
            summary, ("frequency", "monetary_value"), sample_weight, gaps=("monetary_value",)
        )
        frequency, mean = columns
        refuse(labels, "frequency", (frequency < 0) | (frequency % 1 != 0), "is no number of purchases")
        refuse(labels, "monetary_value", (frequency > 0) & np.isnan(mean),
               "is missing although there are purchases")  # fmt: skip
        if self.without_spend == "refuse":
            refuse(labels, "monetary_value", (frequency > 0) & (mean <= 0),
                   "is no positive mean spend although there are purchases "
                   "(see GammaGamma's without_spend)")  # fmt: skip
        return columns, weight, labels


class _Spending(NamedTuple):
    """Mean spends, with sums over customers of the same count."""

    weight: np.ndarray
    count: Column
    x: np.ndarray
    total: np.ndarray  # spent in all
    by_count: np.ndarray
    logs: float  # sum of x log(total)
    rest: float  # sum of log(mean)
