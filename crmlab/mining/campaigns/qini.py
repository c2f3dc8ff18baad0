"""Qini curve, Qini coefficient and area under the uplift curve, each under the name of its convention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError, did_you_mean
from crmlab.mining.campaigns.ranking import Ranked, Sums, few_places, rank_customers, weighted_sums
from crmlab.mining.methods.intervals import Estimate, normal_quantile

#: Ways to state a Qini coefficient; see `qini`.
QINI_CONVENTIONS = ("scikit-uplift", "scikit-uplift-positive", "radcliffe", "raw", "per-customer", "causalml")
#: Ways to state the area under the uplift curve; see `auuc`.
AUUC_CONVENTIONS = ("scikit-uplift", "raw", "causalml")


@dataclass(frozen=True)
class NamedEstimate(Estimate):
    """An estimate with the convention by which it is stated: others make other figures of the same scores.

    Attributes
    ----------
    convention : str
        One of `QINI_CONVENTIONS` or `AUUC_CONVENTIONS`.
    """

    convention: str = "scikit-uplift"

    def __str__(self) -> str:
        return f"{super().__str__()} by the convention {self.convention}"


def qini(
    outcome: ArrayLike,
    score: ArrayLike,
    treatment: ArrayLike,
    convention: str | None = None,
    control: Any = None,
    arm: Any = None,
    level: float = 0.95,
    replicates: int = 200,
    seed: int = 0,
) -> NamedEstimate:
    r"""Qini coefficient: how much better a ranking finds those whom contact moves than chance does.

    With :math:`Y_t, Y_c, n_t, n_c` the outcomes and numbers of treated and control customers among the
    first :math:`n`, :math:`N_t, N_c, N` those of all, and :math:`x = n / N`, each coefficient is an area
    between a curve and the straight line to its end.

    Parameters
    ----------
    outcome
        One per customer: 0 and 1, or amounts.
    score
        One number per customer, the higher, the sooner contacted. Equal scores are one place of the
        curve, so that the order of rows does not matter.
    treatment
        1 for contacted customers and 0 for the others; or names of arms, with `control`.
    convention
        ``"scikit-uplift"``: curve :math:`Y_t - Y_c n_t / n_c`, its area divided by that of the curve with
        treated responders first and control responders last; the default for outcomes of 0 and 1.
        ``"scikit-uplift-positive"``: divided by the area of a curve that rises to its end at once and
        stays (that package's `negative_effect=False`).
        ``"raw"``: curve :math:`Y_t / N_t - Y_c / N_c`, the area itself, in outcomes per customer; the
        default for amounts. It ends at the average effect.
        ``"radcliffe"``: the raw area divided by that of the best order possible, with rates r:
        :math:`(r_t (1 - r_t) + r_c (1 - r_c)) / 2`.
        ``"per-customer"``: curve :math:`(Y_t - Y_c n_t / n_c) / N_t`, the area itself.
        ``"causalml"``: curve :math:`Y_t - Y_c n_t / n_c`, its area divided by the size of its end (that
        package takes rows with equal scores in the order in which they come).
    control, arm
        Name of the arm without contact, and, if there are several others, of the one to look at.
    level, replicates, seed
        Of the interval: percentiles of so many bootstrap replicates. Without replicates there is none.

    Returns
    -------
    NamedEstimate
        Its `n` is the number of customers in the two arms.

    Raises
    ------
    ParameterError
        If lengths differ, a value is missing, an arm is empty or unnamed, or a convention that divides
        by the best possible order is asked for amounts, for which there is none.

    Notes
    -----
    The bootstrap draws Poisson(1) weights; customers of one place, arm and outcome share one draw. A
    curve with more than 1,000 places is reckoned at 1,000 of them in each replicate.

    References
    ----------
    N. J. Radcliffe (2007), Using control groups to target on predicted lift, Direct Marketing Analytics
    Journal 3, 14-21. N. J. Radcliffe and P. D. Surry (2011), Real-world uplift modelling with
    significance-based uplift trees, Stochastic Solutions TR-2011-1. F. Devriendt, T. Guns and W. Verbeke
    (2020), Learning to rank for uplift modeling, arXiv:2002.05897. N. Chamandy et al. (2012), Estimating
    uncertainty for massive data streams, Google (Poisson bootstrap).

    Examples
    --------
    >>> found = qini([1, 0, 1, 0, 0, 1, 0, 0], [8, 7, 6, 5, 4, 3, 2, 1], [1, 0, 1, 0, 1, 0, 1, 0])
    >>> round(found.value, 4), found.convention
    (0.6491, 'scikit-uplift')
    """
    ranked = rank_customers(outcome, score, treatment, control, arm)
    if convention is None:
        convention = "scikit-uplift" if ranked.is_binary else "raw"
    _check_convention(convention, QINI_CONVENTIONS, ranked)
    return _estimate(ranked, lambda sums: _coefficient(sums, convention), convention, level, replicates, seed)


def auuc(
    outcome: ArrayLike,
    score: ArrayLike,
    treatment: ArrayLike,
    convention: str | None = None,
    control: Any = None,
    arm: Any = None,
    level: float = 0.95,
    replicates: int = 200,
    seed: int = 0,
) -> NamedEstimate:
    r"""Area under the uplift curve.

    The curve is :math:`(Y_t / n_t - Y_c / n_c) n`, in the letters of `qini`: the effect among the first n
    customers times their number.

    Parameters
    ----------
    outcome, score, treatment, control, arm, level, replicates, seed
        As `qini` takes them.
    convention
        ``"scikit-uplift"``: area above the straight line, divided by that of the order that package
        takes as best: treated responders, control customers without response, control responders,
        treated customers without response, the last two the other way round if that is fewer
        controls first. The default for outcomes of 0 and 1. ``"raw"``: area under the curve per
        customer and share contacted, no line taken off; the default for amounts. ``"causalml"``:
        area divided by the size of the curve's end, about 0.5 for a random order.

    Returns
    -------
    NamedEstimate

    Examples
    --------
    >>> found = auuc([1, 0, 1, 0, 0, 1, 0, 0], [8, 7, 6, 5, 4, 3, 2, 1], [1, 0, 1, 0, 1, 0, 1, 0], "raw")
    >>> round(found.value, 4)
    0.2734
    """
    ranked = rank_customers(outcome, score, treatment, control, arm)
    if convention is None:
        convention = "scikit-uplift" if ranked.is_binary else "raw"
    _check_convention(convention, AUUC_CONVENTIONS, ranked)
    return _estimate(ranked, lambda sums: _auuc(sums, convention), convention, level, replicates, seed)


def qini_curve(
    outcome: ArrayLike,
    score: ArrayLike,
    treatment: ArrayLike,
    curve: str = "raw",
    control: Any = None,
    arm: Any = None,
    level: float = 0.95,
    replicates: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Course of a Qini or uplift curve, with a band.

    Parameters
    ----------
    outcome, score, treatment, control, arm, level, replicates, seed
        As `qini` takes them; the band holds `level` of the replicates at each place.
    curve
        ``"raw"``: share of treated outcomes less share of control outcomes, per customer, which ends
        at the average effect; ``"qini"``: further outcomes among the treated; ``"uplift"``: effect among
        the first customers times their number.

    Returns
    -------
    DataFrame
        From no customer to all, at 1,001 places at most: `share` of customers contacted (0 to 1),
        `customers`, `value`, `random` (the straight line), and `low` and `high`, missing without
        replicates.

    Examples
    --------
    >>> qini_curve([1, 0, 1, 1], [2, 2, 1, 1], [1, 0, 1, 0], replicates=0)["value"].tolist()
    [0.0, 0.5, 0.5]
    """
    curves = {"raw": _raw, "qini": _qini, "uplift": _uplift}
    if curve not in curves:
        raise ParameterError(f"There is no curve {curve!r}{did_you_mean(str(curve), curves)}")
    ranked = rank_customers(outcome, score, treatment, control, arm)
    _, sums = few_places(ranked)
    value = curves[curve](sums)
    share = sums.n / sums.n[-1]
    found = pd.DataFrame({"share": share, "customers": sums.n.astype("int64"), "value": value,
                          "random": share * value[-1], "low": np.nan, "high": np.nan})  # fmt: skip
    if replicates:
        normal_quantile(level)
        drawn = weighted_sums(ranked, replicates, seed)
        low, high = np.nanquantile(curves[curve](drawn), [(1 - level) / 2, (1 + level) / 2], axis=0)
        found["low"], found["high"] = low, high
    return found


def _check_convention(convention: str, known: tuple[str, ...], ranked: Ranked) -> None:
    if convention not in known:
        raise ParameterError(f"There is no convention {convention!r}{did_you_mean(str(convention), known)}")
    if not ranked.is_binary and convention.startswith(("scikit-uplift", "radcliffe")):
        raise ParameterError(
            f"The convention {convention} divides by the best possible order, which is known for outcomes "
            "of 0 and 1 only; for amounts take raw or causalml."
        )


def _over(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b != 0)


def _qini(sums: Sums) -> np.ndarray:
    return sums.treated_outcome - sums.control_outcome * _over(sums.treated, sums.control)


def _raw(sums: Sums) -> np.ndarray:
    return _over(sums.treated_outcome, sums.treated[..., -1:]) - _over(
        sums.control_outcome, sums.control[..., -1:]
    )


def _uplift(sums: Sums) -> np.ndarray:
    effect = _over(sums.treated_outcome, sums.treated) - _over(sums.control_outcome, sums.control)
    return effect * sums.n


def _area(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return ((x[..., 1:] - x[..., :-1]) * (y[..., 1:] + y[..., :-1])).sum(axis=-1) / 2


def _coefficient(sums: Sums, convention: str) -> np.ndarray:
    n, n_t, n_c = sums.n[..., -1], sums.treated[..., -1], sums.control[..., -1]
    y_t, y_c = sums.treated_outcome[..., -1], sums.control_outcome[..., -1]
    curve = _raw(sums) if convention in ("raw", "radcliffe") else _qini(sums)
    end = curve[..., -1]
    above = _area(sums.n, curve) - n * end / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        if convention == "raw":
            return above / n
        if convention == "radcliffe":
            r_t, r_c = y_t / n_t, y_c / n_c
            return above / n / ((r_t * (1 - r_t) + r_c * (1 - r_c)) / 2)
        if convention == "per-customer":
            return above / n / n_t
        if convention == "causalml":
            return above / n / np.abs(end)
        if convention == "scikit-uplift-positive":
            return above / (end * end / 2 + (n - end) * end - n * end / 2)
        best = y_t * y_t / 2 + y_t * (n - y_c - y_t) + y_c * (y_t + end) / 2
        return above / (best - n * end / 2)


def _auuc(sums: Sums, convention: str) -> np.ndarray:
    curve, n = _uplift(sums), sums.n[..., -1]
    end, area = curve[..., -1], _area(sums.n, curve)
    with np.errstate(divide="ignore", invalid="ignore"):
        if convention == "raw":
            return area / n / n
        if convention == "causalml":
            return area / n / np.abs(end)
        y_t, y_c = sums.treated_outcome[..., -1], sums.control_outcome[..., -1]
        rest_t, rest_c = sums.treated[..., -1] - y_t, sums.control[..., -1] - y_c
        nothing = np.zeros_like(y_t)
        # Four steps: treated and control customers, treated and control responders of each.
        first, second = (y_t, nothing, y_t, nothing), (nothing, rest_c, nothing, nothing)
        control, treated = (nothing, y_c, nothing, y_c), (rest_t, nothing, nothing, nothing)
        fewer = y_c > rest_t
        third = [np.where(fewer, a, b) for a, b in zip(control, treated, strict=True)]
        fourth = [np.where(fewer, b, a) for a, b in zip(control, treated, strict=True)]
        steps = zip((nothing,) * 4, first, second, third, fourth, strict=True)
        best = Sums(*(np.cumsum(np.stack(step, axis=-1), axis=-1) for step in steps))
        return (area - n * end / 2) / (_area(best.n, _uplift(best)) - n * end / 2)


def _estimate(
    ranked: Ranked, coefficient: Any, convention: str, level: float, replicates: int, seed: int
) -> NamedEstimate:
    value, low, high = float(coefficient(ranked.sums)), np.nan, np.nan
    normal_quantile(level)  # refuses a level that is none
    if replicates:
        drawn = coefficient(weighted_sums(ranked, replicates, seed))
        low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return NamedEstimate(value, float(low), float(high), int(ranked.sums.n[-1]), level, convention)
