"""Pareto/NBD: buying at random times, and leaving at a random time of which nobody is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers.lifetime.base import LifetimeModel, check_rate
from crmlab.mining.customers.lifetime.fitting import dot, weighed_odds
from crmlab.mining.customers.lifetime.gamma_ratios import log_gamma_ratio
from crmlab.mining.customers.lifetime.silence import Moments, Silence
from crmlab.mining.customers.lifetime.special import discounted_time
from crmlab.mining.customers.lifetime.summaries import (
    Column,
    Counted,
    count_equal,
    distinct,
    purchase_histories,
)

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.engine import Log


class ParetoNBD(LifetimeModel):
    """Pareto/NBD model of repeat buying without contract.

    While active a customer buys at random, at a rate of his own; the rates follow a gamma
    distribution (shape r, rate alpha). He leaves for good at a random time, unseen, at a rate of
    his own; these rates follow a gamma distribution (shape s, rate beta). Whether he buys or not,
    he may leave, so nobody is ever active for sure after his last purchase.

    `fit` takes a summary with `frequency` (repeat purchases), `recency` (time from the first
    purchase to the last) and `T` (time from the first purchase to the end of observation); alpha
    and beta are in the same unit of time.

    What is known of customers may speed up both processes: a customer with the covariates x has the
    rates alpha exp(-x'g) and beta exp(-x'h), so a positive coefficient means more purchases, or an
    earlier end.

    Parameters
    ----------
    covariates_transaction, covariates_lifetime
        Names of columns of the summary, of numbers or of 0 and 1, on which buying and leaving depend;
        the coefficients are parameters named like `transaction.Gender` and `lifetime.Gender`.
    equal
        Covariates of both processes that have one coefficient for both, named like `both.Gender`.

    References
    ----------
    D. C. Schmittlein, D. G. Morrison and R. Colombo (1987), Counting your customers: Who are they
    and what will they do next?, Management Science 33, 1-24; P. S. Fader and B. G. S. Hardie
    (2005), A note on deriving the Pareto/NBD model and related expressions; P. S. Fader and
    B. G. S. Hardie (2007), Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD
    models.

    Examples
    --------
    >>> model = ParetoNBD.from_params(r=0.553, alpha=10.58, s=0.606, beta=11.67)
    >>> round(float(model.expected_purchases(52)), 2)
    1.47
    """

    parameters: ClassVar[dict[str, str]] = {
        "r": "the rate of buying", "alpha": "the rate of buying",
        "s": "the rate of leaving", "beta": "the rate of leaving",
    }  # fmt: skip

    def __init__(
        self,
        covariates_transaction: Sequence[str] = (),
        covariates_lifetime: Sequence[str] = (),
        equal: Sequence[str] = (),
    ) -> None:
        self.covariates_transaction = covariates_transaction
        self.covariates_lifetime = covariates_lifetime
        self.equal = equal

    def probability_alive(self, summary: Log) -> pd.Series:
        """Probability that each customer is still active at the end of his observation.

        Returns
        -------
        Series
            Indexed like the summary, 0 to 1.
        """
        import pandas as pd

        _, alive, labels = self._judged(summary)
        return pd.Series(alive, index=labels, name="probability_alive")

    def expected_purchases(self, t: ArrayLike, summary: Log | None = None) -> np.ndarray | pd.Series:
        """Expected number of repeat purchases in a time of length t.

        Parameters
        ----------
        t
            Time ahead in the unit of the model; a number, or an array if there is no summary.
        summary
            Customers whose purchases after T are asked for; without it a new customer's after his
            first purchase, with covariates of 0. (Others are customers with 0 in all three columns.)

        Returns
        -------
        ndarray or Series
            Shaped like t, or indexed like the summary.
        """
        import pandas as pd

        t = np.asarray(t, dtype=float)
        if not (t >= 0).all():
            raise ParameterError("t is a time ahead, zero or more.")
        if summary is None:
            r, alpha, s, beta = self._values()[:4]
            return r / alpha * _time_active(t, s, beta)
        if t.ndim:
            raise ParameterError("With a summary t is one number; call once for each time ahead.")
        later, alive, labels = self._judged(summary)
        expected = alive * (later.shape / later.alpha * _time_active(t, later.s, later.beta))[later.codes]
        return pd.Series(expected, index=labels, name="expected_purchases")

    def discounted_expected_residual_transactions(
        self, summary: Log | None = None, discount_rate: float = 0.0
    ) -> float | pd.Series:
        """Expected purchases of all time to come, each worth less the later it is made (DERT).

        Parameters
        ----------
        summary
            Customers as for `fit`; without it a new customer's, with covariates of 0.
        discount_rate
            Continuously compounded, per unit of time of the model: a yearly rate of d is
            ln(1 + d) / 52 for a model in weeks, so 0.0027 for 15 %.

        Returns
        -------
        float or Series
            Present value at T of the purchases after T, in purchases, indexed like the summary.

        References
        ----------
        P. S. Fader, B. G. S. Hardie and K. L. Lee (2005), RFM and CLV: Using iso-value curves for
        customer base analysis, Journal of Marketing Research 42, 415-430, equation 2.
        """
        import pandas as pd

        check_rate(discount_rate, "per unit of time, such as 0.0027")
        if summary is None:
            r, alpha, s, beta = self._values()[:4]
            time = discounted_time(s, np.array([discount_rate * beta]))[0] / discount_rate
            return float(r / alpha * time)
        later, alive, labels = self._judged(summary)
        scales, place = np.unique(later.beta, return_inverse=True)
        time = discounted_time(later.s, discount_rate * scales)[place] / discount_rate
        residual = alive * (later.shape / later.alpha * time)[later.codes]
        return pd.Series(residual, index=labels, name="discounted_expected_residual_transactions")

    def _judged(self, summary: Log) -> tuple[_Later, np.ndarray, pd.Index]:
        """What holds for customers who are active now, the chance that they are, and their labels."""
        import pandas as pd

        params = self._values()
        columns, _, labels = purchase_histories(summary, also=self._covariates())
        coded = [Column(values, codes) for codes, values in map(pd.factorize, columns)]
        histories = self._prepare(Counted(tuple(coded), np.ones(len(labels))))
        moments, last, now = histories.moments, histories.last, histories.now
        r, alpha, s, beta = self._rates(params, histories)
        silence = Silence.at(moments, r, alpha, s, beta)
        log_alive = silence.stays[now] - np.logaddexp(silence.never[last], silence.again[now])
        x, t, kind = moments.x, moments.t, moments.kind
        later = _Later(now, r + x, alpha[kind] + t, s, beta[kind] + t)
        return later, np.exp(np.minimum(log_alive, 0)), labels

    @classmethod
    def _with_coefficients(cls, names: list[str]) -> Self:
        at: dict[str, list[str]] = {"transaction": [], "lifetime": [], "both": []}
        for name in names:
            process, _, covariate = name.partition(".")
            at.get(process, []).append(covariate)
        both = at["both"]
        return cls([*at["transaction"], *both], [*at["lifetime"], *both], both)

    def _covariates(self) -> list[str]:
        return list(dict.fromkeys([*self.covariates_transaction, *self.covariates_lifetime]))

    def _coefficients(self) -> dict[str, str]:
        for names in (self.covariates_transaction, self.covariates_lifetime, self.equal):
            if isinstance(names, str) or len(set(names)) < len(names):
                raise ParameterError(f"Covariates are given as a list of different names, not {names!r}.")
        for name in self.equal:
            if name not in self.covariates_transaction or name not in self.covariates_lifetime:
                raise ParameterError(
                    f"{name} cannot be equal in both processes; it is a covariate of one only."
                )
        of = {"transaction": "the rate of buying", "lifetime": "the rate of leaving", "both": "both rates"}
        lists = {
            "transaction": [name for name in self.covariates_transaction if name not in self.equal],
            "lifetime": [name for name in self.covariates_lifetime if name not in self.equal],
            "both": self.equal,
        }
        return {
            f"{process}.{name}": f"the effect of {name} on {of[process]}"
            for process, names in lists.items() for name in names
        }  # fmt: skip

    def _effects(self) -> tuple[np.ndarray, np.ndarray]:
        """Which coefficient is whose in buying, and in leaving: rows of coefficients by covariates."""
        known, names = self._covariates(), [name.partition(".") for name in self._coefficients()]
        one = np.array([[covariate == name for covariate in known] for _, _, name in names], dtype=float)
        one = one.reshape(len(names), len(known))
        buying, leaving = (np.array([process in (own, "both") for process, _, _ in names], dtype=float)
                           for own in ("transaction", "lifetime"))  # fmt: skip
        return one * buying[:, None], one * leaving[:, None]

    def _rates(self, params: np.ndarray, data: _Histories) -> tuple[float, np.ndarray, float, np.ndarray]:
        """The parameters, with the scales of each kind of customer."""
        r, alpha, s, beta = params[:4]
        buying, leaving = self._effects()
        lead = params[4:]
        return (
            r,
            alpha * np.exp(-data.kinds @ (lead @ buying)),
            s,
            beta * np.exp(-data.kinds @ (lead @ leaving)),
        )

    def _basis(self, counted: Counted) -> np.ndarray:
        """Coefficients per standard deviation, and scales at the mean of each covariate."""
        names = list(self._coefficients())
        basis = np.eye(4 + len(names))
        if not names:
            return basis
        table = np.column_stack([column.rows() for column in counted.columns[3:]])
        mean = np.average(table, axis=0, weights=counted.weight)
        spread = np.sqrt(np.average((table - mean) ** 2, axis=0, weights=counted.weight))
        known = self._covariates()
        for chosen in (self.covariates_transaction, self.covariates_lifetime):
            place = [known.index(name) for name in chosen]
            scaled = (table - mean)[:, place] / np.maximum(spread[place], 1e-300)
            flat = (spread[place] <= 1e-12 * np.abs(mean[place])).any()
            if place and (flat or np.linalg.matrix_rank(scaled) < len(place)):
                raise TableError(
                    f"The covariates {', '.join(chosen)} do not vary, or one follows from the others: their "
                    "effects cannot be told apart. Leave one out.", "summary", chosen[-1],
                )  # fmt: skip
        buying, leaving = self._effects()
        unit = 1 / (np.abs(buying + leaving) > 0).astype(float).dot(spread)
        basis[4:, 4:] = np.diag(unit)
        basis[1, 4:], basis[3, 4:] = buying @ mean * unit, leaving @ mean * unit
        return basis

    def _count(self, summary: Log, sample_weight: ArrayLike | None) -> Counted:
        self._coefficients()
        columns, weight, _ = purchase_histories(summary, sample_weight, self._covariates())
        return count_equal(columns, weight)

    def _prepare(self, counted: Counted) -> _Histories:
        x, recency, age, *covariates = counted.columns
        kinds, codes = np.empty((1, 0)), np.zeros(len(counted.weight), dtype=np.int64)
        if covariates:
            values, codes = distinct(covariates)
            kinds = np.column_stack(values)
        kind = Column(np.arange(len(kinds)), codes)
        at_last, last = distinct([x, recency, kind])
        at_end, now = distinct([x, age, kind])
        now += len(at_last[0])
        return _Histories(
            weight=counted.weight, counts=x.values, kinds=kinds,
            by_count=np.bincount(x.codes, counted.weight, len(x.values)),
            moments=Moments.of(*(np.concatenate(both) for both in zip(at_last, at_end, strict=True))),
            last=last, now=now, by_now=np.bincount(now, counted.weight),
        )  # fmt: skip

    def _log_likelihood(self, params: np.ndarray, data: _Histories) -> tuple[float, np.ndarray]:
        moments, last, now = data.moments, data.last, data.now
        at_moments = Silence.at(moments, *self._rates(params, data))
        # Silent since the last purchase: he never buys again, or he does, but after T.
        odds = at_moments.never[last]
        odds -= at_moments.again[now]
        weighed, of_never, of_again = weighed_odds(odds, data.weight)
        rising, rising_slope = log_gamma_ratio(params[0], data.counts)
        value = data.by_count @ rising + dot(data.by_now, at_moments.again) + weighed
        weighted = at_moments.never_slopes * np.bincount(last, of_never, len(moments.x))
        weighted += at_moments.again_slopes * np.bincount(now, of_again, len(moments.x))
        slopes = np.zeros(len(params))
        slopes[0] = data.by_count @ rising_slope
        slopes[:4] += weighted.sum(axis=1)
        if len(slopes) > 4:
            buying, leaving = self._effects()
            by_kind = [
                np.bincount(moments.kind, row, len(data.kinds)) @ data.kinds for row in weighted[[1, 3]]
            ]
            slopes[4:] -= buying @ by_kind[0] + leaving @ by_kind[1]
        slopes[[1, 3]] /= params[[1, 3]]
        return float(value), slopes

    def _starts(self, counted: Counted) -> list[list[float]]:
        frequency, _, age = counted.columns[:3]
        if not frequency.rows().any():
            raise TableError("No customer of the summary bought a second time; there is nothing to fit.",
                             "summary", "frequency")  # fmt: skip
        unit = float(np.average(age.rows(), weights=counted.weight))
        return [[0.5, unit / 4, 0.5, unit / 4], [1.0, unit, 1.0, unit], [0.2, unit / 20, 0.2, unit / 20],
                [1.0, unit / 2, 0.5, 2 * unit]]  # fmt: skip


class _Histories(NamedTuple):
    """Purchase histories by the two moments of which they consist: the last purchase, and the end."""

    weight: np.ndarray
    counts: np.ndarray
    by_count: np.ndarray
    kinds: np.ndarray  # covariates of each kind of customer
    moments: Moments
    last: np.ndarray
    now: np.ndarray
    by_now: np.ndarray


class _Later(NamedTuple):
    """Gamma distributions of the rates of customers who are active now, for each distinct moment."""

    codes: np.ndarray
    shape: np.ndarray
    alpha: np.ndarray
    s: float
    beta: np.ndarray


def _time_active(t: ArrayLike, s: float, beta: ArrayLike) -> np.ndarray:
    """Expected time until a customer leaves, but at most t, if his rate of leaving is gamma (s, beta).

    The papers' form divides by s - 1; this one holds at s = 1 as well.
    """
    from scipy.special import exprel

    length = np.log1p(np.asarray(t) / beta)
    return beta * length * exprel((1 - s) * length)
