"""What customers are worth, how unevenly, and in whom to invest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError
from crmlab.mining.methods.intervals import Estimate, normal_quantile

#: What to spend on a customer, most first.
TIERS = ("high", "some", "none")


def concentration(values: pd.Series, at_least: int | None = None) -> pd.DataFrame:
    """Share of the total that the best customers bring (a Lorenz curve from the top).

    Parameters
    ----------
    values : Series
        One value per customer, such as `monetary_value`; negative ones count as they are.
    at_least
        Number of customers from one point to the next, at least; there are 101 points if not given.

    Returns
    -------
    DataFrame
        101 rows, or fewer: `customers`, share of customers from 0 to 1, best first, and `value`, the share
        of the total they bring. Empty if the total is not positive.

    Examples
    --------
    >>> curve = concentration(pd.Series([60, 20, 10, 10]))
    >>> curve.loc[25].round(2).tolist()
    [0.25, 0.6]
    """
    ordered = np.sort(values.dropna().to_numpy(dtype=float))[::-1]
    if ordered.sum() <= 0:
        return pd.DataFrame({"customers": [], "value": []}, dtype=float)
    steps = 100 if at_least is None else max(min(100, len(ordered) // at_least), 1)
    share = np.linspace(0, 1, steps + 1)
    cumulated = np.insert(np.cumsum(ordered), 0, 0) / ordered.sum()
    return pd.DataFrame(
        {"customers": share, "value": np.interp(share * len(ordered), np.arange(len(cumulated)), cumulated)}
    )


def gini(values: pd.Series, level: float = 0.95) -> Estimate:
    """How unevenly a total is spread: 0 if all bring the same, near 1 if one brings all.

    With n values in order, the smallest first, G = sum((2i - n - 1) x_i) / (n sum(x)), times
    n / (n - 1), so that samples of any size have the same expectation. The interval is the
    jackknife's; where a few customers bring very much it is too narrow (simulated: of 400 values
    of a Pareto distribution with shape 4, it holds the truth 90 times of 100, not 95).

    Parameters
    ----------
    values : Series
        One value per customer, such as `monetary_value`; missing ones are left out. With negative
        values, G may exceed 1.
    level
        Confidence level of the interval.

    Returns
    -------
    Estimate
        NaN if there are fewer than two values, or they do not sum to more than 0.

    References
    ----------
    C. Gini (1912), Variabilita e mutabilita. S. Yitzhaki (1991), Calculating jackknife variance
    estimators for parameters of the Gini method, Journal of Business & Economic Statistics 9,
    235-239.

    Examples
    --------
    >>> round(gini(pd.Series([60, 20, 10, 10])).value, 4)
    0.5333
    """
    x = np.sort(values.dropna().to_numpy(dtype=float))
    n, total = len(x), x.sum()
    z = normal_quantile(level)
    if n < 2 or total <= 0:
        return Estimate(np.nan, np.nan, np.nan, n, level)
    place = 2 * np.arange(1, n + 1) - n - 1
    spread = place @ x
    value = float(spread / ((n - 1) * total))
    if n < 3 or (total - x <= 0).any():
        return Estimate(value, np.nan, np.nan, n, level)
    # Without x_k, the places of those above it fall by one, and so does n.
    below = np.cumsum(x) - x
    without = (spread - place * x + below - (total - x - below)) / ((n - 2) * (total - x))
    half = float(z * np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
    return Estimate(value, value - half, value + half, n, level)


def value_groups(values: pd.Series, groups: int = 10) -> pd.DataFrame:
    """Customers in groups of equal size by their value, the best first: deciles.

    Parameters
    ----------
    values : Series
        One value per customer; missing ones are left out. Of equal values, those that stand first
        come first.
    groups
        Number of groups, from 2 to 100; sizes differ by one customer at most.

    Returns
    -------
    DataFrame
        Indexed by `group` from 1, the best: `customers`, `value` (sum), `share` (of all value) and
        `cumulated` (with all better groups; both missing if the total is not positive), `mean`,
        `least` and `most`. Groups that nobody falls in are left out.

    Examples
    --------
    >>> value_groups(pd.Series([60, 20, 10, 10]), 2)[["value", "share"]].values.tolist()
    [[80.0, 0.8], [20.0, 0.2]]
    """
    if not (isinstance(groups, int) and 2 <= groups <= 100):
        raise ParameterError(f"groups is a whole number from 2 to 100, not {groups!r}.")
    ordered = values.dropna().sort_values(ascending=False, kind="stable").astype("float64")
    group = np.arange(len(ordered)) * groups // max(len(ordered), 1) + 1
    found = ordered.groupby(group).agg(customers="size", value="sum", mean="mean", least="min", most="max")
    total = found["value"].sum()
    share = found["value"] / total if total > 0 else found["value"] * np.nan
    found = found.assign(share=share, cumulated=share.cumsum()).rename_axis("group")
    return found[["customers", "value", "share", "cumulated", "mean", "least", "most"]]


def investment_tiers(values: pd.Series, high: float = 0.5, least: float = 0.0) -> pd.Series:
    """Whom to invest in: the few who bring much, those who bring something, those who bring nothing.

    Parameters
    ----------
    values : Series
        What each customer brings, or is expected to: profit, or lifetime value.
    high
        Share of all value above `least`, from 0 to 1, that the best customers bring together; those
        whose value equals that of the last of them are among them.
    least
        Who brings no more than this gets nothing.

    Returns
    -------
    Series of category
        Indexed like `values`, one of ``"high"``, ``"some"``, ``"none"``; missing where the value is.

    Examples
    --------
    >>> investment_tiers(pd.Series([60, 20, 10, -5])).tolist()
    ['high', 'some', 'some', 'none']
    """
    if not 0 <= high <= 1:
        raise ParameterError(f"high is a share between 0 and 1, not {high!r}.")
    worth = np.sort(values[values > least].to_numpy(dtype=float))[::-1]
    tier = pd.Series("some", index=values.index, dtype=object)
    if len(worth) and high > 0:
        # The first customer with whom the share is reached, sums being rounded.
        reached = np.cumsum(worth) >= high * worth.sum() * (1 - 1e-12)
        tier[values >= worth[reached.argmax()]] = "high"
    tier[values <= least] = "none"
    tier[values.isna()] = None
    return tier.astype(pd.CategoricalDtype(list(TIERS), ordered=True)).rename("tier")
