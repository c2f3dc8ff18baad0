"""BG/NBD and MBG/NBD: buying at random times, with a chance to leave after each purchase."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers.lifetime.base import LifetimeModel, check_rate
from crmlab.mining.customers.lifetime.fitting import dot, weighed_odds
from crmlab.mining.customers.lifetime.gamma_ratios import log_rising
from crmlab.mining.customers.lifetime.special import beta_quadrature
from crmlab.mining.customers.lifetime.summaries import Column, Counted, coded, count_equal, purchase_histories

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.engine import Log


class BGNBD(LifetimeModel):
    """Beta-geometric/NBD model of repeat buying without contract.

    While active a customer buys at random, at a rate of his own; the rates follow a gamma
    distribution (shape r, rate alpha). After each repeat purchase he leaves for good with a chance
    of his own; the chances follow a beta distribution (a, b). Who has never come back cannot have
    left in this model: his probability to be active is 1. `MBGNBD` lets him.

    `fit` takes a summary with `frequency` (repeat purchases), `recency` (time from the first
    purchase to the last) and `T` (time from the first purchase to the end of observation); alpha
    is in the same unit of time.

    References
    ----------
    P. S. Fader, B. G. S. Hardie and K. L. Lee (2005), "Counting your customers" the easy way,
    Marketing Science 24, 275-284.

    Examples
    --------
    >>> model = BGNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> round(float(model.expected_purchases(52)), 3)
    1.446
    """

    parameters: ClassVar[dict[str, str]] = {
        "r": "the rate of buying", "alpha": "the rate of buying",
        "a": "the chance to leave", "b": "the chance to leave",
    }  # fmt: skip

    _chances_before = 0  # chances to leave before the first repeat purchase

    def probability_alive(self, summary: Log) -> pd.Series:
        """Probability that each customer is still active at the end of his observation.

        Returns
        -------
        Series
            Indexed like the summary, 0 to 1.
        """
        import pandas as pd

        (x, recency, age), _, labels = purchase_histories(summary)
        return pd.Series(self._alive(x, recency, age), index=labels, name="probability_alive")

    def expected_purchases(self, t: ArrayLike, summary: Log | None = None) -> np.ndarray | pd.Series:
        """Expected number of repeat purchases in a time of length t.

        Parameters
        ----------
        t
            Time ahead in the unit of the model; a number, or an array if there is no summary.
        summary
            Customers whose purchases after T are asked for; without it a new customer's after his
            first purchase.

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
            start = np.zeros(t.size)
            return (self._expected(t.ravel(), start, start) * self._alive(0.0, 0.0, 0.0)).reshape(t.shape)
        if t.ndim:
            raise ParameterError("With a summary t is one number; call once for each time ahead.")
        (x, recency, age), _, labels = purchase_histories(summary)
        pairs, place = _distinct_pairs(x, age)
        expected = self._expected(np.full(len(pairs[0]), float(t)), *pairs)[place]
        return pd.Series(expected * self._alive(x, recency, age), index=labels, name="expected_purchases")

    def _expected_sum(self, times: np.ndarray, weights: np.ndarray, summary: Log) -> pd.Series:
        import pandas as pd

        (x, recency, age), _, labels = purchase_histories(summary)
        pairs, place = _distinct_pairs(x, age)
        expected = self._expected_at_times(times, weights, *pairs)
        return pd.Series(expected[place] * self._alive(x, recency, age), index=labels)

    def _expected_at_times(
        self, times: np.ndarray, weights: np.ndarray, x: np.ndarray, age: np.ndarray
    ) -> np.ndarray:
        """Sum over times of weight and expected purchases of customers who are active now.

        They depend on x and z = t / (alpha + T) alone. Their slope in log(1 + z), of which the notes of
        `discounted_expected_residual_transactions` tell, is so smooth that a polynomial through 32
        places holds it to rounding (160 where chances hardly differ), and is integrated as such.
        """
        from numpy.polynomial.chebyshev import chebint, chebpts1, chebvander

        _, alpha, a, _ = self._values()
        size = 32 if a < 10 else 160
        counts, by_count = np.unique(x, return_inverse=True)
        ages, by_age = np.unique(age, return_inverse=True)
        top = np.log1p(times.max() / (alpha + ages.min(initial=np.inf)))
        if not top > 0:
            return np.zeros(len(x))
        places = chebpts1(size)
        length = (places + 1) / 2 * top
        fitted = self._buying(counts, np.expm1(length)) @ chebvander(places, size - 1) * (2 / size)
        fitted[:, 0] /= 2
        fitted = chebint(fitted, lbnd=-1, scl=top / 2, axis=1)
        basis = np.zeros((len(ages), size + 1))
        for t, weight in zip(times, weights, strict=True):
            basis += weight * chebvander(2 * np.log1p(t / (alpha + ages)) / top - 1, size)
        expected = np.empty(len(x))
        for first in range(0, len(x), 16384):
            part = slice(first, first + 16384)
            expected[part] = np.einsum("ij,ij->i", fitted[by_count[part]], basis[by_age[part]])
        return expected

    def discounted_expected_residual_transactions(
        self, summary: Log | None = None, discount_rate: float = 0.0
    ) -> float | pd.Series:
        """Expected purchases of all time to come, each worth less the later it is.

        Parameters
        ----------
        summary
            Customers as for `fit`; without it a new customer's.
        discount_rate
            Continuously compounded, per unit of time of the model: a purchase a time t ahead counts
            exp(-discount_rate t). A yearly rate d is log(1 + d) / 52.1775 per week.

        Returns
        -------
        float or Series
            Indexed like the summary.

        Notes
        -----
        Who is active now, with rate l and chance p, buys at the expected rate l exp(-l p t) a time t
        ahead. Over all customers with x purchases in T this is (Pfaff's form of the integral)

            (r + x) / (alpha + T) (1 + z)^-a F(a + b - r - 1, a; a + b + x; z / (1 + z)),

        with z = t / (alpha + T); the integral over t is a sum over even steps in log z, which is
        exact to rounding since the integrand dies away to both sides.
        """
        import pandas as pd

        check_rate(discount_rate, "per unit of time, such as 0.0027")
        if summary is None:
            start = np.zeros(1)
            return float((self._alive(0.0, 0.0, 0.0) * self._discounted(start, start, discount_rate))[0])
        (x, recency, age), _, labels = purchase_histories(summary)
        pairs, place = _distinct_pairs(x, age)
        worth = self._discounted(*pairs, discount_rate)[place] * self._alive(x, recency, age)
        return pd.Series(worth, index=labels, name="discounted_expected_residual_transactions")

    def _discounted(self, x: np.ndarray, age: np.ndarray, rate: float) -> np.ndarray:
        """Discounted purchases of customers who are active now."""
        alpha, step = self._values()[1], 0.25
        scale = rate * (alpha + age)
        z = np.exp(np.arange(-36, np.log(40 / scale.min(initial=1.0)) + step, step))
        counts, place = np.unique(x, return_inverse=True)
        ahead = self._buying(counts, z) * z / (1 + z) * step
        worth = np.empty(len(x))
        for first in range(0, len(x), 4096):
            part = slice(first, first + 4096)
            worth[part] = np.einsum("ij,ij->i", ahead[place[part]], np.exp(-scale[part, None] * z))
        return worth

    def _buying(self, counts: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Expected purchases per unit of log(1 + z) of who is active now: a row per count."""
        from scipy.special import hyp2f1

        r, _, a, b = self._values()
        x, y = counts[:, None], b + counts[:, None] + self._chances_before
        if a * np.log1p(z.max()) < 600:
            return (r + x) * (1 + z) ** (1 - a) * hyp2f1(a + y - x - r - 1, a, a + y, z / (1 + z))
        # The power is too large for a float, as nearly all have the same chance: a mean over chances.
        rules = ((n, beta_quadrature(a, own)) for n, own in zip(counts, y[:, 0], strict=True))
        mean = [weight @ (1 + np.outer(chance, z)) ** -(r + n + 1) for n, (chance, weight) in rules]
        return (r + x) * (1 + z) * np.array(mean)

    def purchase_probability(self, n: ArrayLike, t: ArrayLike) -> np.ndarray:
        """Probability that a new customer makes n repeat purchases in a time of length t.

        Parameters
        ----------
        n, t
            Numbers or arrays that broadcast.
        """
        from scipy.special import betainc, betaln, gammaln

        r, alpha, a, b = self._values()
        n, t = np.broadcast_arrays(np.asarray(n, dtype=float), np.asarray(t, dtype=float))
        if (n < 0).any() or (n % 1).any() or not (t >= 0).all():
            raise ParameterError("n is a whole number of purchases and t a time, both zero or more.")
        y = n + self._chances_before
        share = t / (alpha + t)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_count = (
                gammaln(r + n) - gammaln(r) - gammaln(n + 1) - r * np.log1p(t / alpha)
                + np.where(n > 0, n * np.log(share), 0.0)
            )  # fmt: skip
            stayed = np.exp(betaln(a, b + y) - betaln(a, b) + log_count)
            at_least = np.where(n > 0, betainc(np.maximum(n, 1), r, share), 1.0)
            left = np.exp(betaln(a + 1, np.maximum(b + y - 1, b)) - betaln(a, b)) * at_least
        return stayed + np.where(y > 0, left, 0.0)

    def _alive(self, x: ArrayLike, recency: ArrayLike, age: ArrayLike) -> np.ndarray:
        from scipy.special import expit

        r, alpha, a, b = self._values()
        y = np.asarray(x) + self._chances_before
        gap = age - recency
        gap /= alpha + recency
        odds = np.log1p(gap)
        odds *= r + x
        with np.errstate(divide="ignore", invalid="ignore"):
            odds += np.log(a / (b + y - 1))
        return np.where(y > 0, expit(-odds), 1.0)

    def _expected(self, t: np.ndarray, x: np.ndarray, age: np.ndarray) -> np.ndarray:
        """Expected purchases in t of customers who are active now."""
        r, alpha, a, b = self._values()
        return _purchases_until_left(r + x, t / (alpha + age + t), a, b + x + self._chances_before)

    def _count(self, summary: Log, sample_weight: ArrayLike | None) -> Counted:
        columns, weight, _ = purchase_histories(summary, sample_weight)
        return count_equal(columns, weight)

    def _prepare(self, counted: Counted) -> _Histories:
        x, recency, age = counted.columns
        count, weight = x.rows(), counted.weight
        size = int(x.values.max(initial=0)) + 1
        # Only those who may have left need their times looked at together; of the others the age is enough.
        first = 0 if self._chances_before else int(np.searchsorted(count, 1))
        later = slice(first, None)
        starts = np.flatnonzero(np.diff(count[later], prepend=-1))
        return _Histories(
            weight=weight[later], count=count[later], group=starts,
            group_size=np.diff(starts, append=len(count) - first), group_count=count[later][starts],
            recency=Column(recency.values, recency.codes[later]),
            age=Column(age.values, age.codes[later]),
            by_count=np.bincount(count.astype(np.int64), weight, minlength=size),
            by_age=np.bincount(age.codes, weight, minlength=len(age.values)),
            counts_by_age=np.bincount(age.codes, weight * count, minlength=len(age.values)),
        )  # fmt: skip

    def _log_likelihood(self, params: np.ndarray, data: _Histories) -> tuple[float, np.ndarray]:
        r, alpha, a, b = params
        k, size = self._chances_before, len(data.by_count)
        # What depends on the number of purchases alone, or on the age alone.
        rate, rate_slope = log_rising(r, size)
        stay, stay_slope = log_rising(b, size + k)
        all_, all_slope = log_rising(a + b, size + k)
        # Logs of 1 + T / alpha stay exact where r and alpha run away together.
        ages, recencies = data.age.values, data.recency.values
        age_log = np.log1p(ages / alpha)
        value = data.by_count @ (rate + stay[k:] - all_[k:]) - r * (data.by_age @ age_log)
        value -= data.counts_by_age @ age_log + data.counts_by_age.sum() * np.log(alpha)
        in_r = data.by_count @ rate_slope - data.by_age @ age_log
        in_alpha = (r / alpha * data.by_age * ages - data.counts_by_age) @ (1 / (alpha + ages))
        in_a = -(data.by_count @ all_slope[k:])
        in_b = data.by_count @ stay_slope[k:] + in_a
        # Those who may have left: log of 1 + the odds to have left.
        y = data.group_count + k
        gap = age_log[data.age.codes]
        gap -= np.log1p(recencies / alpha)[data.recency.codes]
        shape = data.count + r
        odds = shape * gap
        odds += np.repeat(np.log(a / (b + y - 1)), data.group_size)
        weighed, left, _ = weighed_odds(odds, data.weight)
        value += weighed
        groups = np.add.reduceat(left, data.group)
        in_r += dot(left, gap)
        left *= shape
        in_alpha += np.bincount(data.age.codes, left, len(ages)) @ (1 / (alpha + ages))
        in_alpha -= np.bincount(data.recency.codes, left, len(recencies)) @ (1 / (alpha + recencies))
        in_a += groups.sum() / a
        in_b -= groups @ (1 / (b + y - 1))
        return float(value), np.array([in_r, in_alpha, in_a, in_b])

    def _starts(self, counted: Counted) -> list[list[float]]:
        frequency, _, age = counted.columns
        if not frequency.rows().any():
            raise TableError("No customer of the summary bought a second time; there is nothing to fit.",
                             "summary", "frequency")  # fmt: skip
        unit = float(np.average(age.rows(), weights=counted.weight))
        # The last start has two kinds of customers, those who leave at once and those who stay.
        return [[0.5, unit / 4, 0.7, 2.0], [1.0, unit, 1.0, 5.0], [0.2, unit / 20, 0.3, 0.5],
                [0.15, unit / 20, 1.0, 8.0], [0.8, unit, 0.1, 0.1]]  # fmt: skip


class MBGNBD(BGNBD):
    """Modified BG/NBD: a customer may leave after his very first purchase, too.

    As `BGNBD`, but who has never come back may have left.

    References
    ----------
    E. P. Batislam, M. Denizel and A. Filiztekin (2007), Empirical validation and comparison of
    models for customer base analysis, International Journal of Research in Marketing 24, 201-209.

    Examples
    --------
    >>> import pandas as pd
    >>> model = MBGNBD.from_params(r=0.525, alpha=6.183, a=0.891, b=1.614)
    >>> once = pd.DataFrame({"frequency": [0], "recency": [0.0], "T": [39.0]})
    >>> model.probability_alive(once).round(3).tolist()
    [0.389]
    """

    _chances_before = 1


class _Histories(NamedTuple):
    """Purchase histories, sorted by count, with sums over what they share."""

    weight: np.ndarray
    count: np.ndarray
    group: np.ndarray  # where a new count begins
    group_size: np.ndarray
    group_count: np.ndarray
    recency: Column
    age: Column
    by_count: np.ndarray
    by_age: np.ndarray
    counts_by_age: np.ndarray


def _distinct_pairs(x: np.ndarray, age: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Distinct pairs of two columns, and where each row's pair stands."""
    age_code, ages = coded(age)
    place, cells = coded(x.astype(np.int64) * len(ages) + age_code)
    count, age_code = np.divmod(cells, len(ages))
    return (count.astype(float), ages[age_code]), place


def _purchases_until_left(shape: np.ndarray, share: np.ndarray, a: float, b: np.ndarray) -> np.ndarray:
    """Expected purchases of a buyer whose chance to leave after each of them is beta (a, b).

    If he never left he would make N purchases, negative binomial with `shape` and with `share` =
    t / (alpha + T + t). He makes the (j + 1)-th if N is that large and he stayed j times, so

        E = sum over n of P(N = n) times S(n),  S(n) = sum over j < n of (b)_j / (a + b)_j.

    This is the papers' expression with Gauss's hypergeometric function, which breaks down at a = 1
    and at a + b = 1 and cancels near them; here all terms are positive. P(N = n) is only needed up
    to a factor, as the sums are divided by the sum of the weights.
    """
    result = np.zeros(len(shape))
    rows = np.argsort(share)
    rows = rows[share[rows] > 0]
    shape, share, b = shape[rows], share[rows], b[rows]
    weight, stay, made = np.ones(len(rows)), np.ones(len(rows)), np.zeros(len(rows))
    total, summed = np.ones(len(rows)), np.zeros(len(rows))
    n = 0
    while len(rows):
        for _ in range(16):
            weight *= (shape + n) / (n + 1) * share
            made += stay
            stay *= (b + n) / (a + b + n)
            total += weight
            summed += weight * made
            n += 1
        # The rest is below a geometric series, once the terms fall.
        ratio = (shape + n) / (n + 1) * share
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = weight * (made * ratio / (1 - ratio) + ratio / (1 - ratio) ** 2)
        done = (ratio < 1) & (rest < 1e-16 * summed)
        if done.any():
            result[rows[done]] = summed[done] / total[done]
            kept = ~done
            rows, shape, share, b = rows[kept], shape[kept], share[kept], b[kept]
            weight, stay, made = weight[kept], stay[kept], made[kept]
            total, summed = total[kept], summed[kept]
        large = np.maximum(total, 1.0)
        weight, total, summed = weight / large, total / large, summed / large
    return result
