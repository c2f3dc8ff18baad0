"""What a campaign changed: each arm against the control group."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.engine import as_table, collect, need_columns
from crmlab.errors import ParameterError, did_you_mean
from crmlab.mining.methods.intervals import newcombe, welch, wilson

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log


#: What an interval of a difference says.
_TYPES = {"arm": "str", "verdict": "str", "n": "int64", "control_n": "int64"}
VERDICTS = ("more than without contact", "less than without contact", "no difference shown")


def effect(
    outcomes: Log, control: str | None, outcome: str = "responded", arm: str = "arm", level: float = 0.95
) -> pd.DataFrame:
    """Difference between each arm and the control group, with its interval.

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

    Returns
    -------
    DataFrame
        One row per arm but the control, sorted by name: `arm`, `n`, `mean`, `control_n`,
        `control_mean`, `difference`, `standard_error` (Welch), `low`, `high`, `ratio` of the
        means, and `verdict` (see `VERDICTS`). Missing outcomes do not count.

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
    """
    table = as_table(outcomes)
    need_columns(table, (arm, outcome), "Outcomes")
    columns = ["arm", "n", "mean", "control_n", "control_mean", "difference", "standard_error",
               "low", "high", "ratio", "verdict"]  # fmt: skip
    if control is None or control != control:
        return pd.DataFrame({column: pd.Series(dtype=_TYPES.get(column, "float")) for column in columns})
    arms = _moments(table, arm, outcome)
    if control not in arms.index:
        raise ParameterError(
            f"There is no arm {control!r} to compare with" + did_you_mean(control, map(str, arms.index))
        )
    base, treated = arms.loc[control], arms.drop(index=control)
    figures = [
        treated["mean"].to_numpy(float), treated["variance"].to_numpy(float), treated["n"].to_numpy(float),
        float(base["mean"]), float(base["variance"]), float(base["n"]),
    ]  # fmt: skip
    error, low, high = welch(*figures, level=level)
    if arms["binary"].all():
        low, high = newcombe(
            treated["total"].to_numpy(float), figures[2], float(base["total"]), figures[5], level
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = figures[0] / np.float64(base["mean"])
    found = treated[["n", "mean"]].assign(
        control_n=int(base["n"]),
        control_mean=float(base["mean"]),
        difference=figures[0] - float(base["mean"]),
        standard_error=error,
        low=low,
        high=high,
        ratio=ratio,
        verdict=np.where(low > 0, VERDICTS[0], np.where(high < 0, VERDICTS[1], VERDICTS[2])),
    )
    return found.reset_index()[columns]


def _moments(table: ibis.Table, arm: str, outcome: str) -> pd.DataFrame:
    """Count, total, mean and sample variance of each arm, and whether it holds only 0 and 1.

    Sums of whole numbers are exact, so that they do not depend on the order in which an engine
    adds them.
    """
    kind = table[outcome].type()
    whole = kind.is_integer() or kind.is_boolean()
    result = table[outcome].cast("int64").cast("decimal(18, 0)") if whole else table[outcome].cast("float64")
    arms = collect(
        table.group_by(arm=table[arm]).agg(
            n=result.count(),
            total=result.sum(),
            squares=(result * result).sum(),
            variance=result.cast("float64").var(how="sample"),
            binary=((result == 0) | (result == 1)).all(),
        ),
        key="arm",
    ).set_index("arm")
    if not whole:
        return arms.assign(mean=arms["total"] / arms["n"])
    sums = zip(arms["n"], arms["total"], arms["squares"], strict=True)
    arms["variance"] = [
        float((Fraction(squares) - Fraction(total) ** 2 / n) / (n - 1)) if n > 1 else float("nan")
        for n, total, squares in sums
    ]
    arms["total"] = arms["total"].astype(float)
    return arms.assign(mean=arms["total"] / arms["n"])


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
