"""Post-stratification: answers weighted so that those who did not answer are spoken for by their like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError, listed
from crmlab.mining.methods.intervals import Estimate, mean_interval
from crmlab.mining.satisfaction.counts import METRICS, Metric, nps_steps, on_scale, one_column, top_boxes
from crmlab.mining.satisfaction.scores import ces, csat, nps


@dataclass(frozen=True)
class Poststratified:
    """A measure with weights for non-response; see `poststratify`.

    Attributes
    ----------
    estimate : Estimate
        The weighted measure.
    unweighted : Estimate
        The same answers without weights.
    weights : Series
        One per answer, indexed as the answers that count; their mean is 1.
    strata : DataFrame
        Indexed by `stratum`: `population` and `answered` (shares, 0 to 1), `n`, `weight` (of each
        answer), `value` (the measure in the stratum).
    design_effect : float
        Variance of the weighted measure relative to that of as many answers drawn at random from the
        whole population: above 1 where weights cost more than the strata save.
    weight_effect : float
        1 + the squared coefficient of variation of the weights (Kish): what weights cost at most
        where the strata do not differ.
    covered : float
        Share of the population in strata with answers; below 1 only with ``empty="leave out"``.
    left_out : int
        Answers whose stratum is missing.
    """

    estimate: Estimate
    unweighted: Estimate
    weights: pd.Series
    strata: pd.DataFrame
    design_effect: float
    weight_effect: float
    covered: float
    left_out: int


def poststratify(
    answers: pd.Series,
    strata: pd.Series,
    population: Mapping[object, float] | pd.Series,
    metric: Metric = "nps",
    scale: tuple[float, float] | None = None,
    empty: Literal["refuse", "leave out"] = "refuse",
    level: float = 0.95,
) -> Poststratified:
    """One of the three measures as it would be if each stratum had answered in proportion to its size.

    The estimate is the sum over strata of population share times measure. Its variance is linearised,
    given the numbers of answers: n / (n - 1) times the sum over answers of (w (y - mean of the
    stratum) / n)^2, with weights w of mean 1; the interval is Student's with n minus the number of
    strata degrees of freedom, cut off at the ends of the measure. Weights mend non-response as far as it
    depends on the strata, and no further.

    Parameters
    ----------
    answers
        One answer each; missing ones are the non-response and do not count.
    strata
        Stratum of each, with the index of `answers`; answers without one are left out and counted.
    population
        Size of each stratum among all who were meant, as numbers of customers or as shares.
    metric
        ``"nps"``, ``"csat"`` or ``"ces"`` (the mean of any scale).
    scale
        As `nps`, `csat` and `ces` take it, and with their defaults.
    empty
        What to do about strata of the population without answers: ``"refuse"``, or ``"leave out"``, so
        that the estimate speaks for the share `covered` only.

    Returns
    -------
    Poststratified

    Raises
    ------
    ParameterError
        If a stratum has no answers, answers belong to a stratum that is not in the population, sizes
        are not positive, or there is no answer at all.

    References
    ----------
    D. Holt and T. M. F. Smith (1979), Post stratification, Journal of the Royal Statistical Society A
    142, 33-46.
    L. Kish (1965), Survey Sampling, section 11.7.

    Examples
    --------
    >>> answers = pd.Series([10, 10, 9, 8, 3, 6])
    >>> found = poststratify(answers, pd.Series(["old"] * 4 + ["new"] * 2), {"old": 300, "new": 700})
    >>> round(found.unweighted.value, 2), round(found.estimate.value, 2)
    (16.67, -47.5)
    """
    if metric not in METRICS:
        raise ParameterError(f"metric is one of {', '.join(METRICS)}, not {metric!r}.")
    if empty not in ("refuse", "leave out"):
        raise ParameterError(f"empty is 'refuse' or 'leave out', not {empty!r}.")
    answers, strata = one_column(answers, "Answers"), one_column(strata, "Strata")
    if not answers.index.equals(strata.index):
        raise ParameterError("strata has the stratum of each answer: give it the index of answers.")
    sizes = _sizes(population)
    known = strata.notna()
    chosen = {} if scale is None else {"scale": scale}
    unweighted = {"nps": nps, "csat": csat, "ces": ces}[metric](answers[known], level=level, **chosen)
    y, ends = _numbers(answers[known], metric, scale)
    if y.empty:
        raise ParameterError("There is no answer in any stratum, so there is nothing to weight.")
    stratum = strata[known & answers.notna()]
    sizes = _with_answers(sizes, stratum, empty)
    table = _strata(y, stratum, sizes[sizes.index.isin(stratum)])
    weight, centre = (stratum.map(table[name]).to_numpy(dtype=float) for name in ("weight", "value"))
    share = table["population"].to_numpy()
    estimate = float(share @ table["value"].to_numpy())
    n, freedom = len(y), len(y) - len(table)
    variance = n / max(n - 1, 1) * ((weight * (y.to_numpy() - centre) / n) ** 2).sum()
    # Student's interval takes the variance of one answer, with as many as leave these degrees of freedom.
    low, high = mean_interval(estimate, variance * (freedom + 1), freedom + 1, level)
    low, high = np.clip((low, high), *ends)
    at_random = float(weight @ (y.to_numpy() - estimate) ** 2) / n / n
    return Poststratified(
        Estimate(estimate, float(low), float(high), n, level),
        unweighted,
        pd.Series(weight, index=y.index, name="weight"),
        table,
        float(variance / at_random) if at_random > 0 else np.nan,
        float(np.mean(weight**2) / np.mean(weight) ** 2),
        float(sizes[sizes.index.isin(stratum)].sum() / sizes.sum()),
        int(answers[~known].notna().sum()),
    )


def _sizes(population: Mapping[object, float] | pd.Series) -> pd.Series:
    sizes = pd.to_numeric(one_column(population, "Sizes of strata"), errors="coerce").astype(float)
    if sizes.empty or not (np.isfinite(sizes) & (sizes > 0)).all() or not sizes.index.is_unique:
        raise ParameterError("population gives each stratum once, with a size above 0.")
    return sizes


def _with_answers(sizes: pd.Series, stratum: pd.Series, empty: str) -> pd.Series:
    """The sizes, after a look at strata that are only on one side."""
    foreign = sorted(set(map(str, stratum[~stratum.isin(sizes.index)])))
    if foreign:
        raise ParameterError(
            f"Answers belong to strata that the population does not have: {listed(foreign, 200)}; give their "
            "sizes."
        )
    silent = [str(name) for name in sizes.index[~sizes.index.isin(stratum)]]
    if silent and empty == "refuse":
        raise ParameterError(
            f"Nobody answered in {len(silent):,} of {len(sizes):,} strata: {listed(silent, 200)}. Put them "
            "together with strata that are like them, or leave them out with empty='leave out', and the "
            "estimate speaks for the others only."
        )
    return sizes


def _numbers(
    answers: pd.Series, metric: Metric, scale: tuple[float, float] | None
) -> tuple[pd.Series, tuple[float, float]]:
    """What the measure is the mean of, and the ends of its range."""
    if metric == "nps":
        steps = nps_steps(answers, scale or (0, 10))
        return 100.0 * ((steps >= 9).astype(float) - (steps <= 6).astype(float)), (-100, 100)
    low, high = scale or ((1, 5) if metric == "csat" else (1, 7))
    given = on_scale(answers, (low, high))
    if metric == "csat":
        return (given > high - top_boxes(low, high)).astype(float), (0, 1)
    return given, (low, high)


def _strata(y: pd.Series, stratum: pd.Series, sizes: pd.Series) -> pd.DataFrame:
    by = y.groupby(stratum.to_numpy())
    n, share = by.size().reindex(sizes.index), sizes / sizes.sum()
    table = pd.DataFrame({"population": share, "answered": n / len(y), "n": n})
    table["weight"] = table["population"] / table["answered"]
    return table.assign(value=by.mean()).rename_axis("stratum")
