"""How long things take when some have not ended yet: Kaplan-Meier's curve and the log-rank test.

A duration that has not ended (event false) is known to be at least as long as it is: it is censored.
To leave such durations out, or to count them as ended, makes everything look faster than it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError
from crmlab.mining.methods.intervals import Estimate, normal_quantile

#: What a curve may be off by rounding when it is compared with a share.
_ROUNDING = 1e-9
#: Cells of the table of times by groups that the log-rank test holds at once.
_CELLS = 4_000_000


@dataclass(frozen=True)
class LogRank:
    """Whether groups end at one pace; see `logrank`.

    Attributes
    ----------
    statistic, df, p_value : float
        Chi-square, its degrees of freedom, and the chance of one at least as large if there were
        no difference.
    groups : DataFrame
        Indexed by group: `n`, `observed` and `expected` numbers of events.
    """

    statistic: float
    df: int
    p_value: float
    groups: pd.DataFrame

    def __str__(self) -> str:
        return f"chi-square {self.statistic:.4f}, {self.df} degrees of freedom, p = {self.p_value:.4g}"


def kaplan_meier(
    duration: ArrayLike,
    event: ArrayLike,
    by: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
    interval: Literal["log", "log-log", "plain"] = "log",
) -> pd.DataFrame:
    """Share that has not ended by each time, from durations of which some have not ended yet.

    With d events among n at risk, S(t) is the product of 1 - d / n over the times up to t.

    Parameters
    ----------
    duration
        How long each lasted or has lasted so far, 0 or more, in any unit; none may be missing.
    event
        True (or 1) where it ended then, false where it was still going on.
    by
        Group of each, for a curve per group; those without one form the group of missing ones.
    weights
        How many cases each stands for; one if not given.
    level
        Confidence level of the interval at each time.
    interval
        Greenwood's variance on the scale of S (``"plain"``), of ln S (``"log"``, as R's survfit has
        it if not told otherwise) or of ln(-ln S) (``"log-log"``); ends are cut off at 0 and 1.

    Returns
    -------
    DataFrame
        One row per distinct duration, ascending, within each group: `group` (with `by`), `time`,
        `at_risk`, `events`, `censored`, `survival`, `low`, `high`. The ends are missing where
        nothing is left. ``.attrs`` has `level`, `interval` and `n`, the number of durations.

    Raises
    ------
    ParameterError
        If a duration or an event is missing, a duration is negative, or there are none.

    See Also
    --------
    median_time : The time by which half have ended.
    logrank : Whether groups differ.

    References
    ----------
    E. L. Kaplan and P. Meier (1958), Journal of the American Statistical Association 53, 457-481.
    M. Greenwood (1926), Reports on Public Health and Medical Subjects 33.

    Examples
    --------
    >>> kaplan_meier([6, 6, 6, 6, 7], [1, 1, 1, 0, 1])[["time", "at_risk", "survival"]].values.tolist()
    [[6.0, 5.0, 0.4], [7.0, 1.0, 0.0]]
    """
    time, ended = _checked(duration, event)
    weight = None if weights is None else _weights(weights, len(time))
    z = normal_quantile(level)
    if interval not in ("log", "log-log", "plain"):
        raise ParameterError(f"interval is 'log', 'log-log' or 'plain', not {interval!r}.")
    if by is None:
        curve = _curve(time, ended, weight, z, interval)
    else:
        codes, names = _groups(by, len(time))
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes, minlength=len(names)))
        parts = np.split(order, ends[:-1])
        curves = [
            _curve(time[rows], ended[rows], None if weight is None else weight[rows], z, interval)
            for rows in parts
        ]
        curve = pd.concat(curves, ignore_index=True)
        curve.insert(0, "group", names.repeat([len(part) for part in curves]))
    curve.attrs |= {"level": level, "interval": interval, "n": len(time)}
    return curve


def _curve(
    time: np.ndarray, ended: np.ndarray, weight: np.ndarray | None, z: float, interval: str
) -> pd.DataFrame:
    """The curve of one group."""
    if weight is None:
        # Sorting plain numbers is far faster than sorting rows by them.
        time, events = np.sort(time), np.sort(time[ended])
        first = _first_of_each(time)
        count = np.diff(first, append=len(time))
        distinct, risk = time[first], len(time) - first
        deaths = np.zeros(len(distinct), dtype=np.int64)
        if len(events):
            start = _first_of_each(events)
            deaths[np.searchsorted(distinct, events[start])] = np.diff(start, append=len(events))
    else:
        order = np.argsort(time, kind="stable")
        time, weight, ended = time[order], weight[order], ended[order]
        first = _first_of_each(time)
        count, deaths = (np.add.reduceat(part, first) for part in (weight, weight * ended))
        distinct, risk = time[first], count[::-1].cumsum()[::-1]
    survival = np.cumprod(1 - deaths / risk)
    left = risk - deaths
    with np.errstate(divide="ignore", invalid="ignore"):
        # Greenwood's sum is the variance of ln S.
        error = np.sqrt(np.cumsum(deaths / (risk * left)))
        if interval == "plain":
            low, high = survival * (1 - z * error), survival * (1 + z * error)
        elif interval == "log":
            low, high = survival * np.exp(-z * error), survival * np.exp(z * error)
        else:
            half = z * error / np.log(survival)
            low, high = survival ** np.exp(-half), survival ** np.exp(half)
            # Before the first event nothing is known to vary.
            low, high = np.where(survival == 1, 1.0, low), np.where(survival == 1, 1.0, high)
    low[survival == 0] = np.nan
    return pd.DataFrame(
        {"time": distinct, "at_risk": risk, "events": deaths, "censored": count - deaths,
         "survival": survival, "low": np.maximum(low, 0), "high": np.minimum(high, 1)}, copy=False,
    )  # fmt: skip


def _first_of_each(values: np.ndarray) -> np.ndarray:
    """Where each distinct value of sorted ones begins."""
    return np.flatnonzero(np.append(True, values[1:] != values[:-1]))


def median_time(curve: pd.DataFrame, quantile: float = 0.5) -> Estimate | pd.DataFrame:
    """Time by which half have ended, or another share, with its interval.

    The time is the first at which at most 1 - `quantile` are left; its interval has the times at
    which the ends of the curve's interval come down that far. (Where the curve is exactly level at
    that share, R takes the middle of the level instead.)

    Parameters
    ----------
    curve
        As `kaplan_meier` returns it.
    quantile
        Share that has ended, between 0 and 1.

    Returns
    -------
    Estimate or DataFrame
        With groups, a frame indexed by `group`: `time`, `low`, `high`, `n`. Missing where the curve
        does not come down that far: not enough have ended to tell.

    Examples
    --------
    >>> median_time(kaplan_meier([1, 2, 3, 4, 5], [1, 1, 1, 1, 0])).value
    3.0
    """
    if not 0 < quantile < 1:
        raise ParameterError(f"quantile is a share between 0 and 1, such as 0.5, not {quantile!r}.")
    if "group" not in curve:
        return Estimate(*_reached(curve, quantile), _size(curve), curve.attrs.get("level", 0.95))
    found = {name: (*_reached(part, quantile), _size(part))
             for name, part in curve.groupby("group", sort=False, dropna=False)}  # fmt: skip
    table = pd.DataFrame.from_dict(found, orient="index", columns=["time", "low", "high", "n"])
    return table.rename_axis("group")


def _size(curve: pd.DataFrame) -> int | float:
    """How many a curve began with: the number at risk at its first time."""
    return curve["at_risk"].iloc[0].item()


def _reached(curve: pd.DataFrame, quantile: float) -> list[float]:
    found = []
    for column in ("survival", "low", "high"):
        there = np.flatnonzero(curve[column].to_numpy() <= 1 - quantile + _ROUNDING)
        found.append(float(curve["time"].iloc[there[0]]) if len(there) else np.nan)
    return found


def logrank(duration: ArrayLike, event: ArrayLike, group: ArrayLike) -> LogRank:
    """Whether groups end at one pace: each group's events against those expected were it so.

    At each time, the events are expected to fall on the groups as those at risk do; the differences,
    summed over time, are set against their hypergeometric variance.

    Parameters
    ----------
    duration, event
        As `kaplan_meier` takes them.
    group
        Group of each; those without one form the group of missing ones.

    Returns
    -------
    LogRank

    Raises
    ------
    ParameterError
        If there are fewer than two groups, or durations or events are not as they should be.

    References
    ----------
    N. Mantel (1966), Cancer Chemotherapy Reports 50, 163-170. R. Peto and J. Peto (1972), Journal of
    the Royal Statistical Society A 135, 185-207.

    Examples
    --------
    >>> print(logrank([1, 2, 3, 4, 5, 6], [1] * 6, list("aaabbb")))
    chi-square 5.0517, 1 degrees of freedom, p = 0.0246
    """
    from scipy.special import chdtrc

    time, ended = _checked(duration, event)
    codes, names = _groups(group, len(time))
    if len(names) < 2:
        raise ParameterError(f"The log-rank test compares two groups or more; there is {len(names)}.")
    table, expected, variance = _expected(time, ended, codes, len(names))
    # A group that was never at risk when anything ended has nothing to say.
    told = expected > 0
    difference = (table["observed"].to_numpy() - expected)[told]
    df = max(int(told.sum()) - 1, 0)
    statistic = p_value = np.nan
    if df:
        # The differences sum to zero, so that one group is known from the others.
        apart = variance[np.ix_(told, told)][:-1, :-1]
        solved = np.linalg.lstsq(apart, difference[:-1], rcond=None)[0]
        statistic = float(difference[:-1] @ solved)
        p_value = float(chdtrc(df, statistic))
    groups = table.assign(expected=expected).set_index(pd.Index(names, name="group"))
    return LogRank(statistic, df, p_value, groups)


def _expected(
    time: np.ndarray, ended: np.ndarray, codes: np.ndarray, groups: int
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Numbers and events of each group, its expected events, and how these vary together."""
    table = pd.DataFrame({
        "n": np.bincount(codes, minlength=groups), "observed": np.bincount(codes[ended], minlength=groups),
    })  # fmt: skip
    order = np.argsort(codes, kind="stable")
    parts = [np.sort(part) for part in np.split(time[order], np.cumsum(table["n"].to_numpy())[:-1])]
    events, deaths = np.unique(time[ended], return_counts=True)
    expected, variance = np.zeros(groups), np.zeros((groups, groups))
    step = max(_CELLS // groups, 1)
    for start in range(0, len(events), step):
        now, d = events[start : start + step], deaths[start : start + step]
        at_risk = np.stack([len(part) - np.searchsorted(part, now) for part in parts], axis=1)
        n = at_risk.sum(axis=1)
        share = at_risk / n[:, None]
        expected += d @ share
        with np.errstate(divide="ignore", invalid="ignore"):
            weight = np.where(n > 1, d * (n - d) / (n - 1), 0.0)
        variance += np.diag(weight @ share) - (share * weight[:, None]).T @ share
    return table, expected, variance


def _checked(duration: ArrayLike, event: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    time, ended = pd.Series(duration), pd.Series(event)
    if len(time) != len(ended):
        raise ParameterError(f"There are {len(time):,} durations, but {len(ended):,} events.")
    if not len(time):
        raise ParameterError("There are no durations, so there is no curve of them.")
    if not pd.api.types.is_numeric_dtype(time):
        raise ParameterError(f"Durations are numbers, such as hours or days, not {time.dtype}.")
    time = time.to_numpy(dtype=float, na_value=np.nan)
    odd = ~np.isfinite(time)
    if odd.any():
        raise ParameterError(
            f"{int(odd.sum()):,} of {len(time):,} durations are missing or infinite; where something has not "
            "ended, its duration is the time until the end of watching, and its event is false."
        )
    if (time < 0).any():
        raise ParameterError(
            f"{int((time < 0).sum()):,} of {len(time):,} durations are negative, the least is "
            f"{time.min():g}: these ended before they began."
        )
    if ended.isna().any():
        raise ParameterError(f"{int(ended.isna().sum()):,} of {len(ended):,} events are missing.")
    # Objects are compared one by one, which takes its time; they are rare.
    if not ended.dtype == bool and not ended.isin([0, 1]).all():
        raise ParameterError("An event is true (it ended) or false (still going on), or 1 or 0.")
    return time, ended.to_numpy(dtype=bool)


def _weights(weights: ArrayLike, rows: int) -> np.ndarray:
    found = pd.to_numeric(pd.Series(weights), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if len(found) != rows or not (np.isfinite(found) & (found > 0)).all():
        raise ParameterError("Weights are numbers above 0, one for each duration.")
    return found


def _groups(by: ArrayLike, rows: int) -> tuple[np.ndarray, pd.Index]:
    """Number of each one's group, and the groups in order, that of missing ones last."""
    values = pd.Series(by)
    if len(values) != rows:
        raise ParameterError(f"There are {rows:,} durations, but {len(values):,} groups.")
    codes, names = pd.factorize(values, sort=True, use_na_sentinel=True)
    names = pd.Index(names)
    if (codes < 0).any():
        codes = np.where(codes < 0, len(names), codes)
        names = names.append(pd.Index([None], dtype=names.dtype if names.dtype != bool else object))
    return codes, names
