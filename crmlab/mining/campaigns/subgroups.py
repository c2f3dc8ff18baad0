"""For whom a campaign worked: effects within groups of customers, with regard to how many are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.engine import as_table, collect, need_columns
from crmlab.errors import ParameterError
from crmlab.mining.campaigns.effect import control_among, verdicts
from crmlab.mining.methods.comparison import compare
from crmlab.mining.methods.moments import group_moments
from crmlab.mining.methods.multiplicity import holm

if TYPE_CHECKING:
    from crmlab.engine import Log

#: More groups than this are not groups of customers but a number or a name of each.
MOST_GROUPS = 200
_COLUMNS = ["by", "group", "arm", "n", "mean", "control_n", "control_mean", "difference", "standard_error",
            "low", "high", "verdict", "p", "p_adjusted"]  # fmt: skip


def subgroup_effects(
    outcomes: Log,
    control: str,
    by: str | Sequence[str],
    outcome: str = "responded",
    arm: str = "arm",
    level: float = 0.95,
) -> pd.DataFrame:
    """Difference between each arm and the control group within groups of customers.

    A small `p` in one of many groups is what chance brings; `p_adjusted` counts how many were looked
    at. That one group shows an effect and another does not is no difference between them:
    `interaction_tests` tells whether groups differ.

    Parameters
    ----------
    outcomes
        One row per customer with `arm`, `outcome` and the columns of `by`.
    control
        Name of the arm that was not contacted.
    by
        One or several columns from before the campaign; each is looked at by itself.
    outcome
        Column that holds the result, as `effect` takes it.

    Returns
    -------
    DataFrame
        One row per column of `by`, group and arm but the control, in this order: `by`, `group`, `arm`,
        `n`, `mean`, `control_n`, `control_mean`, `difference`, `standard_error`, `low`, `high` and
        `verdict` (of this row alone), `p`, `p_adjusted` (Holm's, over all rows), as `effect` has
        them. NaN where a group lacks customers of one of the arms. ``.attrs["left_out"]`` is the number of
        customers without a group, for each column.

    Raises
    ------
    ParameterError
        If there is no such arm, or a column has more than 200 groups.
    TableError
        If a column is missing.

    Examples
    --------
    >>> shop = pd.DataFrame({"arm": ["mail", "none"] * 40, "region": (["north"] * 2 + ["south"] * 2) * 20,
    ...     "responded": [1, 0, 0, 0] * 10 + [1, 0, 1, 1] * 10})
    >>> found = subgroup_effects(shop, "none", "region")
    >>> found[["group", "difference", "p_adjusted"]].round(3).values.tolist()
    [['north', 1.0, 0.0], ['south', 0.0, 1.0]]
    """
    found, left_out = _by_group(outcomes, control, by, outcome, arm, level)
    found["p_adjusted"] = holm(found["p"])
    found = found[_COLUMNS]
    found.attrs["left_out"] = left_out
    return found


def interaction_tests(
    outcomes: Log, control: str, by: str | Sequence[str], outcome: str = "responded", arm: str = "arm"
) -> pd.DataFrame:
    """Whether the effect of each arm differs between groups of customers.

    Welch's test of equal means, applied to the effects within the groups: these are independent,
    with variances of their own and as many degrees of freedom as Welch's t test of each has.
    For two groups it is that t test of the difference between their effects.

    Parameters
    ----------
    outcomes, control, by, outcome, arm
        As `subgroup_effects` takes them.

    Returns
    -------
    DataFrame
        One row per column of `by` and arm: `by`, `arm`, `groups` (with two customers or more in both
        arms, not all alike; others have no part), `statistic` (F), `freedom`, `freedom_within`, `p` and
        `p_adjusted` (Holm's, over all rows). NaN with fewer than two groups.

    Raises
    ------
    ParameterError, TableError
        As `subgroup_effects`.

    References
    ----------
    B. L. Welch (1951), On the comparison of several mean values: an alternative approach, Biometrika 38,
    330-336.

    Examples
    --------
    >>> shop = pd.DataFrame({"arm": ["mail", "none"] * 40, "region": (["north"] * 2 + ["south"] * 2) * 20,
    ...     "responded": [1, 0, 0, 1] * 5 + [1, 0, 1, 0] * 5 + [0, 0, 1, 1] * 5 + [1, 1, 1, 0] * 5})
    >>> interaction_tests(shop, "none", "region")[["groups", "statistic", "p"]].round(3).values.tolist()
    [[2.0, 1.462, 0.23]]
    """
    from scipy.special import fdtrc

    effects, _ = _by_group(outcomes, control, by, outcome, arm, 0.95)
    rows = []
    for (column, name), parts in effects.groupby(["by", "arm"], sort=False):
        known = parts[(parts["standard_error"] > 0) & parts["freedom"].notna()]
        k = len(known)
        statistic = within = p = np.nan
        if k > 1:
            weight = 1 / known["standard_error"].to_numpy() ** 2
            share = weight / weight.sum()
            difference = known["difference"].to_numpy()
            loss = ((1 - share) ** 2 / known["freedom"].to_numpy()).sum()
            between = (weight * (difference - share @ difference) ** 2).sum() / (k - 1)
            statistic = between / (1 + 2 * (k - 2) / (k**2 - 1) * loss)
            within = (k**2 - 1) / (3 * loss)
            p = float(fdtrc(k - 1, within, statistic))
        rows.append((column, name, k, statistic, k - 1 if k > 1 else np.nan, within, p))
    columns = ["by", "arm", "groups", "statistic", "freedom", "freedom_within", "p"]
    found = pd.DataFrame(rows, columns=columns).astype({"freedom": float})
    return found.assign(p_adjusted=holm(found["p"]))


def _by_group(
    outcomes: Log, control: str, by: str | Sequence[str], outcome: str, arm: str, level: float
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Effects of all arms within all groups of all columns, and how many customers are in none."""
    names = [by] if isinstance(by, str) else list(by)
    if not names:
        raise ParameterError("Name at least one column that makes groups.")
    table = as_table(outcomes)
    need_columns(table, (arm, outcome, *names), "Outcomes")
    counted = {f"groups{i}": table[name].nunique() for i, name in enumerate(names)}
    missing = {f"missing{i}": table[name].isnull().sum() for i, name in enumerate(names)}
    facts = collect(table.aggregate(**counted, **missing)).iloc[0]
    parts = []
    for i, name in enumerate(names):
        if facts[f"groups{i}"] > MOST_GROUPS:
            raise ParameterError(
                f"The column {name} has {facts[f'groups{i}']:,} values, more than {MOST_GROUPS} groups; "
                "cut it into a few groups first."
            )
        moments = group_moments(table.filter(table[name].notnull()), [name, arm], [outcome], "Outcomes")
        cells = moments.groups.assign(
            n=moments.n, mean=moments.mean[:, 0], variance=moments.covariance[:, 0, 0]
        )
        arms = cells[arm].drop_duplicates().sort_values()
        control_among(arms, control)
        parts.append(_cells(cells, name, arm, arms, control, moments.binary, level).assign(by=name))
    left_out = {name: int(facts[f"missing{i}"]) for i, name in enumerate(names)}
    return pd.concat(parts, ignore_index=True), left_out


def _cells(
    cells: pd.DataFrame, name: str, arm: str, arms: pd.Series, control: str, binary: bool, level: float
) -> pd.DataFrame:
    """Each group and arm beside the control customers of the same group."""
    groups, treated = cells[name].drop_duplicates().sort_values(), arms[arms != control]
    grid = pd.MultiIndex.from_product([groups, treated], names=[name, arm]).to_frame(index=False)
    own = grid.merge(cells, how="left", on=[name, arm])
    others = grid[[name]].merge(cells[cells[arm] == control], how="left", on=name)
    mean, variance, n, other_mean, other_variance, other_n = sides = [
        side[column].fillna(0 if column == "n" else np.nan).to_numpy(dtype=float)
        for side in (own, others)
        for column in ("mean", "variance", "n")
    ]
    found = compare(*sides, binary=binary, level=level)
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = variance / n, other_variance / other_n
        freedom = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (other_n - 1))
    return found.assign(
        group=grid[name].astype(object),
        arm=grid[arm],
        n=n.astype("int64"),
        mean=mean,
        control_n=other_n.astype("int64"),
        control_mean=other_mean,
        freedom=freedom,
        verdict=verdicts(found),
    )
