"""BG/BB: buying at set opportunities, such as once a year, with a chance to leave before each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError
from crmlab.mining.customers.lifetime.base import LifetimeModel, check_rate
from crmlab.mining.customers.lifetime.beta_geometric import (
    discounted_steps_ahead,
    log_survival,
    steps_ahead,
)
from crmlab.mining.customers.lifetime.gamma_ratios import log_rising
from crmlab.mining.customers.lifetime.summaries import Counted, count_equal, purchase_histories, refuse, whole

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.engine import Log


class BGBB(LifetimeModel):
    """Beta-geometric/beta-Bernoulli model of repeat buying at discrete opportunities.

    While active a customer buys at each opportunity (a year's appeal, an event, a voyage) with a
    chance of his own; the chances follow a beta distribution (alpha, beta). Before each opportunity
    he leaves for good with another chance of his own, beta distributed too (gamma, delta).

    `fit` takes a summary with `frequency` (opportunities with a purchase), `recency` (number of the
    last of them, 0 if there was none) and `T` (opportunities so far), all of them whole numbers; the
    first purchase itself, which made somebody a customer, is not among them.

    References
    ----------
    P. S. Fader, B. G. S. Hardie and J. Shang (2010), Customer-base analysis in a discrete-time
    noncontractual setting, Marketing Science 29, 1086-1108.

    Examples
    --------
    >>> import pandas as pd
    >>> model = BGBB.from_params(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
    >>> donors = pd.DataFrame({"frequency": [0, 2, 6], "recency": [0, 4, 6], "T": 6})
    >>> model.expected_purchases(5, donors).round(3).tolist()
    [0.073, 1.057, 3.752]
    """

    parameters: ClassVar[dict[str, str]] = {
        "alpha": "the chance to buy", "beta": "the chance to buy",
        "gamma": "the chance to leave", "delta": "the chance to leave",
    }  # fmt: skip

    def probability_alive(self, summary: Log, t: int = 1) -> pd.Series:
        """Probability that each customer is active at an opportunity to come.

        Parameters
        ----------
        summary
            Customers as for `fit`.
        t
            Opportunities ahead: 1 is the next one, as in the paper; 0 the last one observed.

        Returns
        -------
        Series
            Indexed like the summary, 0 to 1.
        """
        import pandas as pd

        (x, recency, age), _, labels = _chances(summary)
        t = int(whole("t", t))
        _, _, gamma, delta = self._values()
        log_total, log_active = self._known(x, recency, age)
        later = log_survival(gamma, delta, int(age.max(initial=0)) + t)
        alive = np.exp(log_active + (later[age + t] - later[age]) - log_total)
        return pd.Series(alive, index=labels, name="probability_alive")

    def expected_purchases(self, t: ArrayLike, summary: Log | None = None) -> np.ndarray | pd.Series:
        """Expected number of opportunities with a purchase among the next t.

        Parameters
        ----------
        t
            Opportunities ahead; a number, or an array if there is no summary.
        summary
            Customers whose purchases after T are asked for; without it a new customer's.

        Returns
        -------
        ndarray or Series
            Shaped like t, or indexed like the summary.
        """
        import pandas as pd

        alpha, beta, gamma, delta = self._values()
        if summary is None:
            t = whole("t", t)
            stays = np.exp(log_survival(gamma, delta, int(t.max(initial=0))))
            stays[0] = 0.0
            return alpha / (alpha + beta) * np.cumsum(stays)[t]
        if np.ndim(t):
            raise ParameterError("With a summary t is one number; call once for each time ahead.")
        (x, recency, age), _, labels = _chances(summary)
        t = int(whole("t", t))
        log_total, log_active = self._known(x, recency, age)
        ahead = steps_ahead(gamma, delta, t, int(age.max(initial=0)))
        buys = (alpha + x) / (alpha + beta + age)
        expected = np.exp(log_active - log_total) * buys * ahead[age]
        return pd.Series(expected, index=labels, name="expected_purchases")

    def discounted_expected_residual_transactions(
        self, summary: Log | None = None, discount_rate: float = 0.0
    ) -> float | pd.Series:
        """Expected purchases of all time to come, each worth less the later it is.

        Parameters
        ----------
        summary
            Customers as for `fit`; without it a new customer's.
        discount_rate
            Per opportunity: a purchase t opportunities ahead counts 1 / (1 + discount_rate)^t.

        Returns
        -------
        float or Series
            Indexed like the summary (Fader, Hardie and Shang 2010, eq. 14).
        """
        import pandas as pd

        check_rate(discount_rate, "per opportunity, such as 0.1")
        alpha, beta, gamma, delta = self._values()
        if summary is None:
            return float(alpha / (alpha + beta) * discounted_steps_ahead(gamma, delta, discount_rate, 0)[0])
        (x, recency, age), _, labels = _chances(summary)
        log_total, log_active = self._known(x, recency, age)
        ahead = discounted_steps_ahead(gamma, delta, discount_rate, int(age.max(initial=0)))
        values = np.exp(log_active - log_total) * (alpha + x) / (alpha + beta + age) * ahead[age]
        return pd.Series(values, index=labels, name="discounted_expected_residual_transactions")

    def purchase_probability(self, n: ArrayLike, t: ArrayLike) -> np.ndarray:
        """Probability that a new customer buys at n of his first t opportunities.

        Parameters
        ----------
        n, t
            Whole numbers or arrays that broadcast.
        """
        from scipy.special import gammaln

        alpha, beta, gamma, delta = self._values()
        n, t = np.broadcast_arrays(whole("n", n), whole("t", t))
        size = int(t.max(initial=0)) + 1
        buys, misses, tries = (log_rising(start, size)[0] for start in (alpha, beta, alpha + beta))
        stay = log_survival(gamma, delta, size)
        # He was active at exactly i opportunities and left before the next, or at all t of them.
        i = np.arange(size)
        left = np.log(gamma / (gamma + delta + i)) + stay[i]
        factorial = gammaln(np.arange(size) + 1.0)
        flat_n, flat_t = n.ravel()[:, None], t.ravel()[:, None]
        missed = np.maximum(i - flat_n, 0)
        made = factorial[i] - factorial[np.minimum(flat_n, size - 1)] - factorial[missed]
        made = made + buys[np.minimum(flat_n, size - 1)] + misses[missed] - tries[i]
        chance = np.where(i < flat_t, np.exp(made + left), 0.0)
        chance += np.where(i == flat_t, np.exp(made + stay[i]), 0.0)
        return np.where(i >= flat_n, chance, 0.0).sum(axis=1).reshape(n.shape)

    def _known(self, x: np.ndarray, recency: np.ndarray, age: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log-likelihood of each history, and its part in which the customer is active at the end."""
        data = self._paths(x, recency, age)
        log_paths = self._log_paths(self._values(), data)[0]
        return _log_sums(log_paths, data.start), log_paths[data.start]

    def _count(self, summary: Log, sample_weight: ArrayLike | None) -> Counted:
        columns, weight, _ = _chances(summary, sample_weight)
        return count_equal([column.astype(float) for column in columns], weight)

    def _prepare(self, counted: Counted) -> _Paths:
        columns = (column.rows().astype(int) for column in counted.columns)
        return self._paths(*columns)._replace(weight=counted.weight)

    @staticmethod
    def _paths(x: np.ndarray, recency: np.ndarray, age: np.ndarray) -> _Paths:
        """All ways in which each history can have come about: active to the end first, then left earlier."""
        number = age - recency + 1
        start = np.cumsum(number) - number
        row = np.repeat(np.arange(len(x)), number)
        since = np.arange(len(row)) - start[row]
        return _Paths(np.ones(len(x)), start, row, x[row], age[row] - since, since > 0)

    def _log_paths(self, params: np.ndarray, data: _Paths) -> tuple[np.ndarray, list[np.ndarray]]:
        """Log-probability of each way, and its slopes."""
        alpha, beta, gamma, delta = params
        size = int(data.active.max(initial=0)) + 2
        buys, buys_slope = log_rising(alpha, size)
        misses, misses_slope = log_rising(beta, size)
        tries, tries_slope = log_rising(alpha + beta, size)
        stay, stay_slope = log_rising(delta, size)
        all_, all_slope = log_rising(gamma + delta, size)
        x, i, left = data.x, data.active, data.left
        value = buys[x] + misses[i - x] - tries[i] + stay[i] - all_[i + left] + left * np.log(gamma)
        both = -tries_slope[i]
        ends = -all_slope[i + left]
        slopes = [buys_slope[x] + both, misses_slope[i - x] + both, ends + left / gamma, stay_slope[i] + ends]
        return value, slopes

    def _log_likelihood(self, params: np.ndarray, data: _Paths) -> tuple[float, np.ndarray]:
        value, slopes = self._log_paths(params, data)
        sums = _log_sums(value, data.start)
        share = np.exp(value - sums[data.row]) * data.weight[data.row]
        return float(data.weight @ sums), np.array([share @ slope for slope in slopes])

    def _starts(self, counted: Counted) -> list[list[float]]:
        return [[1.0, 1.0, 0.7, 3.0], [0.5, 2.0, 1.0, 10.0], [3.0, 1.0, 0.3, 1.0], [5.0, 5.0, 2.0, 2.0]]


class _Paths(NamedTuple):
    """Ways in which histories can have come about."""

    weight: np.ndarray  # customers of each history
    start: np.ndarray  # where its ways begin
    row: np.ndarray  # the history of each way
    x: np.ndarray
    active: np.ndarray  # opportunities at which the customer was active
    left: np.ndarray  # whether he then left


def _log_sums(values: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Logs of sums of exponentials over runs of values."""
    return np.logaddexp.reduceat(values, start) if len(start) else np.zeros(0)


def _chances(
    summary: Log, sample_weight: ArrayLike | None = None
) -> tuple[list[np.ndarray], np.ndarray | None, pd.Index]:
    """Frequency, recency and T of a summary in whole opportunities, checked."""
    columns, weight, labels = purchase_histories(summary, sample_weight)
    frequency, recency, age = columns
    for name, values in (("recency", recency), ("T", age)):
        refuse(labels, name, values % 1 != 0, "is no whole number of opportunities")
    refuse(labels, "frequency", frequency > recency, "is larger than the opportunities up to the last one")
    return [column.astype(int) for column in columns], weight, labels
