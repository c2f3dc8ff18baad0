"""Shifted beta-geometric: how long customers under contract stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers.lifetime.base import LifetimeModel, check_rate
from crmlab.mining.customers.lifetime.beta_geometric import (
    discounted_steps_ahead,
    log_survival,
    steps_ahead,
)
from crmlab.mining.customers.lifetime.gamma_ratios import log_rising
from crmlab.mining.customers.lifetime.summaries import Counted, columns_of, count_equal, refuse, whole

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.engine import Log


class ShiftedBetaGeometric(LifetimeModel):
    """Shifted-beta-geometric model of contracts that are renewed or not at the end of each period.

    At the end of each period a customer leaves with a chance of his own; the chances follow a beta
    distribution (alpha, beta). Retention then rises with tenure, as those who are prone to leave
    leave first.

    References
    ----------
    P. S. Fader and B. G. S. Hardie (2007), How to project customer retention, Journal of
    Interactive Marketing 21(1), 76-90; (2010), Customer-base valuation in a contractual setting,
    Marketing Science 29, 85-93.

    Examples
    --------
    >>> model = ShiftedBetaGeometric().fit([1000, 869, 743, 653, 593, 551, 517, 491])
    >>> model.survival([1, 7, 12]).round(3).tolist()
    [0.851, 0.489, 0.378]
    """

    parameters: ClassVar[dict[str, str]] = {"alpha": "the chance to leave", "beta": "the chance to leave"}

    def fit(self, summary: Log | ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Find the parameters that make the observed tenures most likely.

        Parameters
        ----------
        summary
            Either the survivors of one cohort: customers at the start, after one period, after two,
            and so on, a falling list or Series. Or a row per customer, frame or ibis table:
            `tenure`, the whole number of periods he was seen under contract, and `churned`,
            whether he left at the end of the last of them.
        sample_weight
            Number of customers that each row of a frame stands for; 1 if not given.
        """
        return super().fit(*_rows(summary, sample_weight))

    def log_likelihood(self, summary: Log | ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Log-likelihood of tenures under the parameters of this model; `summary` as for `fit`."""
        return super().log_likelihood(*_rows(summary, sample_weight))

    def survival(self, t: ArrayLike) -> np.ndarray:
        """Share of a new cohort that is still under contract after t periods.

        Parameters
        ----------
        t
            Whole numbers of periods, zero or more.
        """
        t = whole("t", t)
        return np.exp(log_survival(*self._values(), int(t.max(initial=0)))[t])

    def retention(self, t: ArrayLike) -> np.ndarray:
        """Share of the customers under contract in period t who renew at its end, for t from 1 on."""
        t = whole("t", t)
        if (t < 1).any():
            raise ParameterError("Retention is of a period from the first on: t is 1 or more.")
        alpha, beta = self._values()
        return (beta + t - 1) / (alpha + beta + t - 1)

    def probability_alive(self, summary: Log, t: int = 0) -> pd.Series:
        """Probability that each customer is under contract t periods from now.

        Returns
        -------
        Series
            Indexed like the summary; 0 for customers who have left.
        """
        import pandas as pd

        (tenure, churned), _, labels = _tenures(summary)
        t, tenure = int(whole("t", t)), tenure.astype(int)
        log = log_survival(*self._values(), int(tenure.max(initial=0)) + t)
        alive = np.where(churned, 0.0, np.exp(log[tenure + t] - log[tenure]))
        return pd.Series(alive, index=labels, name="probability_alive")

    def expected_purchases(self, t: int, summary: Log | None = None) -> float | pd.Series:
        """Expected number of renewals at the ends of the next t periods.

        Parameters
        ----------
        t
            Periods ahead.
        summary
            Customers as for `fit`; without it a new customer's.
        """
        import pandas as pd

        t = int(whole("t", t))
        if summary is None:
            return float(steps_ahead(*self._values(), t, 0)[0])
        (tenure, churned), _, labels = _tenures(summary)
        tenure = tenure.astype(int)
        ahead = steps_ahead(*self._values(), t, int(tenure.max(initial=0)))
        values = np.where(churned, 0.0, ahead[tenure])
        return pd.Series(values, index=labels, name="expected_purchases")

    def discounted_expected_residual_transactions(
        self, summary: Log | None = None, discount_rate: float = 0.0
    ) -> float | pd.Series:
        """Expected renewals of all time to come, each worth less the later it is.

        Parameters
        ----------
        summary
            Customers as for `fit`; without it a new customer's.
        discount_rate
            Per period: a renewal at the end of the t-th period from now counts 1 / (1 + discount_rate)^t.

        Returns
        -------
        float or Series
            Indexed like the summary; 0 for customers who have left. Times the margin of a period it
            is the residual value (Fader and Hardie 2010, eq. 7, discounted to now instead of to the
            next renewal).
        """
        import pandas as pd

        check_rate(discount_rate, "per period, such as 0.1")
        if summary is None:
            return float(discounted_steps_ahead(*self._values(), discount_rate, 0)[0])
        (tenure, churned), _, labels = _tenures(summary)
        ahead = discounted_steps_ahead(*self._values(), discount_rate, int(tenure.max(initial=0)))
        values = np.where(churned, 0.0, ahead[tenure.astype(int)])
        return pd.Series(values, index=labels, name="discounted_expected_residual_transactions")

    def _count(self, summary: Log, sample_weight: ArrayLike | None) -> Counted:
        columns, weight, _ = _tenures(summary, sample_weight)
        return count_equal(columns, weight)

    def _log_likelihood(self, params: np.ndarray, data: Counted) -> tuple[float, np.ndarray]:
        alpha, beta = params
        tenure, churned = (column.rows().astype(int) for column in data.columns)
        size = int(tenure.max(initial=0)) + 1
        stay, stay_slope = log_rising(beta, size)
        all_, all_slope = log_rising(alpha + beta, size)
        # P(T = t) = alpha (beta)_(t-1) / (alpha + beta)_t, S(t) = (beta)_t / (alpha + beta)_t.
        value = data.weight @ (stay[tenure - churned] - all_[tenure] + churned * np.log(alpha))
        ends = data.weight @ all_slope[tenure]
        in_alpha = data.weight @ churned / alpha - ends
        return float(value), np.array([in_alpha, data.weight @ stay_slope[tenure - churned] - ends])

    def _starts(self, counted: Counted) -> list[list[float]]:
        churned = counted.columns[1].rows()
        if not (counted.weight @ churned and counted.weight @ (1 - churned)):
            raise TableError(
                "Some customers must have left and some stayed; otherwise there is nothing to fit.",
                "summary", "churned",
            )  # fmt: skip
        return [[1.0, 1.0], [0.5, 3.0], [1.0, 10.0]]


def _rows(summary: Log | ArrayLike, weight: ArrayLike | None) -> tuple[Log, ArrayLike | None]:
    """Survivors of a cohort as rows of tenures with weights; a table of tenures stays as it is."""
    import pandas as pd

    if hasattr(summary, "columns"):
        return summary, weight
    if weight is not None:
        raise ParameterError("sample_weight goes with a frame of tenures, not with survivors.")
    survivors = np.asarray(summary, dtype=float)
    if survivors.ndim != 1 or len(survivors) < 2:
        raise ParameterError("Survivors are a list: customers at the start, after one period, after two, ...")
    left = -np.diff(survivors)
    if not np.isfinite(survivors).all() or (left < 0).any() or survivors[-1] < 0:
        raise ParameterError("Survivors never rise: each number is at most the one before, none is negative.")
    periods = np.arange(1, len(survivors))
    rows = pd.DataFrame({"tenure": [*periods, periods[-1]], "churned": [*[1] * len(periods), 0]})
    return rows, np.append(left, survivors[-1])


def _tenures(
    summary: Log, sample_weight: ArrayLike | None = None
) -> tuple[list[np.ndarray], np.ndarray | None, pd.Index]:
    """Tenure and whether somebody has left, checked."""
    columns, weight, labels = columns_of(summary, ("tenure", "churned"), sample_weight)
    tenure, churned = columns
    refuse(labels, "tenure", (tenure < 0) | (tenure % 1 != 0), "is no whole number of periods")
    refuse(labels, "churned", ~np.isin(churned, (0, 1)), "is neither true nor false")
    refuse(labels, "tenure", (tenure == 0) & (churned == 1), "is 0 although the customer has left")
    return columns, weight, labels
