"""What a campaign changed: each arm against the control group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.engine import as_table, collect, need_columns
from crmlab.errors import ParameterError, did_you_mean
from crmlab.mining.methods.comparison import compare
from crmlab.mining.methods.intervals import wilson
from crmlab.mining.methods.moments import group_moments
from crmlab.mining.methods.multiplicity import holm

if TYPE_CHECKING:
    from crmlab.engine import Log


_TYPES = {"arm": "str", "verdict": "str", "n": "int64", "control_n": "int64"}
_COLUMNS = ["arm", "n", "mean", "control_n", "control_mean", "difference", "standard_error", "low", "high",
            "ratio", "verdict", "ratio_low", "ratio_high", "p", "p_adjusted"]  # fmt: skip
#: What an interval of a difference says.
VERDICTS = ("more than without contact", "less than without contact", "no difference shown")


def effect(
    outcomes: Log,
    control: str | None,
    outcome: str = "responded",
    arm: str = "arm",
    level: float = 0.95,
    simultaneous: bool = False,
) -> pd.DataFrame:
    """Difference and ratio between each arm and the control group, with their intervals.

    Parameters
    ----------
    outcomes
        One row per customer with the columns `arm` and `outcome`.
    control
        Name of the arm that was not contacted. If None or missing there is nothing to compare
        with and the result is empty.
    outcome
        Column that holds the result. If it holds only 0 and 1 the interval is Newcombe's for two
        proportions, else Welch's for two means.
    simultaneous
        Whether the intervals of all arms hold together with probability `level` (Bonferroni), rather
        than each by itself.

    Returns
    -------
    DataFrame
        One row per arm but the control, sorted by name: `arm`, `n`, `mean`, `control_n`,
        `control_mean`, `difference`, `standard_error` (Welch), `low`, `high`, `ratio` of the
        means, and `verdict` (see `VERDICTS`), which follows the interval; then `ratio_low` and
        `ratio_high` (Fieller's interval for means, its like from Wilson's intervals for proportions, see
        `crmlab.mining.methods.ratio_interval`), `p` (two-sided, below 1 - `level` exactly where the
        interval of a single arm leaves out 0) and `p_adjusted` (Holm's, over the arms). Missing
        outcomes do not count.

    Raises
    ------
    ParameterError
        If there is no such arm.
    TableError
        If a column is missing.

    Examples
    --------
    >>> result = effect(pd.DataFrame({"arm": ["mail"] * 80 + ["none"] * 70,
    ...     "responded": [1] * 48 + [0] * 32 + [1] * 28 + [0] * 42}), control="none")
    >>> result[["difference", "low", "high"]].round(3).values.tolist()
    [[0.2, 0.04, 0.346]]
    >>> result[["ratio", "ratio_low", "ratio_high", "p"]].round(3).values.tolist()
    [[1.5, 1.081, 2.118, 0.014]]
    """
    table = as_table(outcomes)
    need_columns(table, (arm, outcome), "Outcomes")
    if control is None or control != control:
        return pd.DataFrame({column: pd.Series(dtype=_TYPES.get(column, "float")) for column in _COLUMNS})
    moments = group_moments(table, [arm], [outcome], "Outcomes")
    names = moments.groups[arm]
    base, treated = control_among(names, control), np.flatnonzero(names != control)
    if simultaneous and len(treated):
        level = 1 - (1 - level) / len(treated)
    mean, variance = moments.mean[:, 0], moments.covariance[:, 0, 0]
    found = compare(
        mean[treated], variance[treated], moments.n[treated], mean[base], variance[base], moments.n[base],
        moments.binary, level,
    )  # fmt: skip
    found = found.assign(
        arm=names.iloc[treated].to_numpy(),
        n=moments.n[treated],
        mean=mean[treated],
        control_n=moments.n[base],
        control_mean=mean[base],
        p_adjusted=holm(found["p"]),
        verdict=verdicts(found),
    )
    return found[_COLUMNS].astype({"arm": names.dtype})


def control_among(names: pd.Series, control: str) -> int:
    """Place of the control group among the arms.

    Raises
    ------
    ParameterError
        If it is not among them.
    """
    places = np.flatnonzero(names == control)
    if not len(places):
        raise ParameterError(
            f"There is no arm {control!r} to compare with" + did_you_mean(control, map(str, names))
        )
    return int(places[0])


def verdicts(found: pd.DataFrame) -> np.ndarray:
    """What the intervals of some differences say, one of `VERDICTS` each."""
    low, high = found["low"], found["high"]
    return np.where(low > 0, VERDICTS[0], np.where(high < 0, VERDICTS[1], VERDICTS[2]))


def responses(outcomes: Log, outcome: str = "responded", level: float = 0.95) -> pd.DataFrame:
    """Response rate of each arm with Wilson's interval.

    Parameters
    ----------
    outcomes
        One row per customer with `arm` and the column `outcome` of 0 and 1.

    Returns
    -------
    DataFrame
        `arm`, `n`, `responses`, `value` (the rate, 0 to 1), `low`, `high`, sorted by arm.
    """
    table = as_table(outcomes)
    counted = collect(
        table.group_by("arm").agg(n=table[outcome].count(), responses=table[outcome].sum()), key="arm"
    )
    low, high = wilson(counted["responses"], counted["n"], level)
    return counted.assign(value=counted["responses"] / counted["n"], low=low, high=high)


def revenue(outcomes: Log, control: str | None, level: float = 0.95) -> pd.DataFrame:
    """What each arm brought, and how much of it would not have come without the campaign.

    Parameters
    ----------
    outcomes
        One row per customer with `arm` and `value`.

    Returns
    -------
    DataFrame
        `arm`, `customers`, `value` (sum), `per_customer`, and for arms other than the control
        `extra` (difference per customer times customers) with `extra_low` and `extra_high`.
    """
    table = as_table(outcomes)
    arms = collect(table.group_by("arm").agg(customers=table.count(), value=table["value"].sum()), key="arm")
    arms["per_customer"] = arms["value"] / arms["customers"]
    compared = effect(table, control, "value", level=level).set_index("arm")
    for name, end in (("extra", "difference"), ("extra_low", "low"), ("extra_high", "high")):
        arms[name] = arms["arm"].map(compared[end].astype(float)) * arms["customers"]
    return arms
