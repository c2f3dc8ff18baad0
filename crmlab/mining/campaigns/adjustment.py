"""Effects with less noise: what was known of customers before the campaign is taken out of the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.engine import as_table, like, need_columns
from crmlab.errors import ParameterError, TableError
from crmlab.mining.campaigns.effect import control_among, verdicts
from crmlab.mining.methods.comparison import compare
from crmlab.mining.methods.moments import Moments, group_moments
from crmlab.mining.methods.multiplicity import holm

if TYPE_CHECKING:
    from crmlab.engine import Log

METHODS = ("cuped", "lin")
#: A part of a covariate that is this small beside the others is rounding, not information.
_SAME = 1e-10


def adjusted_effect(
    outcomes: Log,
    control: str,
    covariates: str | Sequence[str],
    outcome: str = "responded",
    arm: str = "arm",
    level: float = 0.95,
    method: Literal["cuped", "lin"] = "cuped",
) -> pd.DataFrame:
    """Difference between each arm and the control group, less what earlier behaviour explains of it.

    With y the outcome and x the covariates, the mean of an arm is moved to where all arms have the
    same mean of x: mean(y) - theta'(mean(x) - mean of x over all arms).

    Parameters
    ----------
    outcomes
        One row per customer with the columns `arm`, `outcome` and the covariates. Customers without
        one of these do not count; give those without earlier orders a 0 (see `earlier_spend`).
    control
        Name of the arm that was not contacted.
    covariates
        One or several columns of numbers known **before** the campaign, such as earlier spend. What the
        campaign itself may have changed would take a part of the effect away; `balance_p` finds such
        columns if the change is large.
    level
        Confidence level of the intervals.
    method
        ``"cuped"``: one theta, pooled over the arms (Deng et al. 2013, equations 3 and 4; with several
        covariates the coefficients of a regression). ``"lin"``: one theta per arm (Lin 2013), never less
        precise than no adjustment in large samples, however unequal the arms.

    Returns
    -------
    DataFrame
        One row per arm but the control, sorted by name: `arm`, `n`, `mean`, `control_n`,
        `control_mean` (both moved), `difference`, `standard_error`, `low`, `high`, `verdict`, `p`,
        `p_adjusted` (Holm's over arms) as `effect` has them; `unadjusted` (the plain difference),
        `variance_reduction` (share of the plain difference's variance that is gone; below 0 if the
        adjustment adds noise) and `balance_p` (of the covariates having the same mean in this arm and the
        control group: a small one, such as 0.001, says that they do not come from before the
        campaign or that arms were not drawn at random). ``.attrs["theta"]`` holds the coefficients: a
        Series by covariate, with ``"lin"`` a frame of one row per arm.

    Raises
    ------
    ParameterError
        If there is no such arm or method, or no covariate.
    TableError
        If a column is missing or holds text, or nobody has outcome and covariates.

    References
    ----------
    A. Deng, Y. Xu, R. Kohavi and T. Walker (2013), Improving the sensitivity of online controlled
    experiments by utilizing pre-experiment data, WSDM, 123-132.
    W. Lin (2013), Agnostic notes on regression adjustments to experimental data, Annals of Applied
    Statistics 7, 295-318.

    Examples
    --------
    >>> shop = pd.DataFrame({"arm": ["mail", "none"] * 4, "before": [1, 2, 3, 4, 5, 6, 7, 8],
    ...     "value": [4, 2, 6, 5, 8, 6, 10, 9]})
    >>> found = adjusted_effect(shop, "none", "before", "value")
    >>> found[["unadjusted", "difference", "variance_reduction"]].round(2).values.tolist()
    [[1.5, 2.55, 0.98]]
    """
    names = [covariates] if isinstance(covariates, str) else list(covariates)
    if method not in METHODS:
        raise ParameterError(f"method is 'cuped' or 'lin', not {method!r}.")
    if not names:
        raise ParameterError("Name at least one covariate, a column from before the campaign.")
    if outcome in names:
        raise ParameterError(f"The outcome {outcome!r} cannot be its own covariate.")
    moments = group_moments(as_table(outcomes), [arm], [outcome, *names], "Outcomes")
    if not moments.n.any():
        raise TableError(
            f"No customer has {outcome} and {', '.join(names)}.", column=names[0], rule="all missing"
        )
    arms = moments.groups[arm]
    base, treated = control_among(arms, control), np.flatnonzero(arms != control)
    plain = compare(
        *_side(moments.mean[:, 0], moments.covariance[:, 0, 0], moments.n, treated, base), level=level
    )
    thetas = _thetas(moments, pooled=method == "cuped")
    mean, variance = _moved(moments, thetas, used=len(names), pooled=method == "cuped")
    # Where arms differ in theta, the mean of x over all arms adds the noise of its own.
    apart = thetas[treated] - thetas[base]
    shared = np.einsum("ai,ij,aj->a", apart, _within(moments)[1:, 1:], apart) / moments.n.sum()
    own = variance[treated] + shared * moments.n[treated]
    found = compare(
        mean[treated], own, moments.n[treated], mean[base], variance[base], moments.n[base], level=level
    )
    found = found.assign(
        arm=arms.iloc[treated].to_numpy(),
        n=moments.n[treated],
        mean=mean[treated],
        control_n=moments.n[base],
        control_mean=mean[base],
        verdict=verdicts(found),
        p_adjusted=holm(found["p"]),
        unadjusted=plain["difference"],
        variance_reduction=1 - (found["standard_error"] / plain["standard_error"]) ** 2,
        balance_p=_balance(moments, treated, base),
    )
    columns = ["arm", "n", "mean", "control_n", "control_mean", "difference", "standard_error", "low", "high",
               "verdict", "p", "p_adjusted", "unadjusted", "variance_reduction", "balance_p"]  # fmt: skip
    found = found[columns].astype({"arm": arms.dtype})
    found.attrs["theta"] = (
        pd.Series(thetas[base], index=names, name="theta")
        if method == "cuped"
        else pd.DataFrame(thetas, index=pd.Index(arms, name=arm), columns=names)
    )
    return found


def earlier_spend(outcomes: Log, orders: Log, before: Day, days: int = 365) -> Log:
    """`outcomes` with what each customer spent in the time before a campaign, to adjust effects by.

    Parameters
    ----------
    outcomes
        One row per customer with `customer_id`.
    orders
        Order lines with `customer_id`, `time` and `amount`.
    before
        First day of the campaign; orders of this day and later do not count.
    days
        How many days before it count.

    Returns
    -------
    Frame or table, as `outcomes`
        With the column `earlier_spend`, in the unit of `amount`; 0 for those who bought nothing.

    Raises
    ------
    ParameterError
        If `days` is not positive.
    TableError
        If a column is missing.

    Examples
    --------
    >>> orders = pd.DataFrame({"customer_id": ["1", "1"], "amount": [500, 900],
    ...     "time": pd.to_datetime(["2024-03-01", "2024-04-15"])})
    >>> two = pd.DataFrame({"customer_id": ["1", "2"]})
    >>> earlier_spend(two, orders, "2024-04-15")["earlier_spend"].tolist()
    [500, 0]
    """
    import ibis

    if not days > 0:
        raise ParameterError(f"days is a number of days before the campaign, not {days!r}.")
    table, lines = as_table(outcomes), as_table(orders)
    need_columns(table, ("customer_id",), "Outcomes")
    need_columns(lines, ("customer_id", "time", "amount"), "Order lines", "orders")
    end = pd.Timestamp(as_day(before))
    start = end - pd.Timedelta(days=days)
    time = lines["time"].cast("timestamp")
    own = lines.filter((time >= ibis.timestamp(start.isoformat())) & (time < ibis.timestamp(end.isoformat())))
    spent = own.group_by(_customer=own["customer_id"]).agg(earlier_spend=own["amount"].sum())
    joined = table.drop("earlier_spend") if "earlier_spend" in table.columns else table
    joined = joined.left_join(spent, joined["customer_id"] == spent["_customer"]).drop("_customer")
    return like(
        outcomes, joined.mutate(earlier_spend=joined["earlier_spend"].fill_null(0)), key="customer_id"
    )


def _side(mean: np.ndarray, variance: np.ndarray, n: np.ndarray, treated: np.ndarray, base: int) -> tuple:
    return mean[treated], variance[treated], n[treated], mean[base], variance[base], n[base]


def _within(moments: Moments) -> np.ndarray:
    """Covariances pooled within the arms that have two customers or more."""
    weights = np.maximum(moments.n - 1, 0)
    return np.tensordot(weights, np.nan_to_num(moments.covariance), 1) / max(weights.sum(), 1)


def _thetas(moments: Moments, pooled: bool) -> np.ndarray:
    """Coefficients of the covariates in each arm, shape (arms, covariates); those that do not vary get 0."""
    matrices = (
        _within(moments)[None].repeat(len(moments.n), 0) if pooled else np.nan_to_num(moments.covariance)
    )
    size = np.sqrt(np.diagonal(matrices, axis1=1, axis2=2))[:, 1:]
    scale = np.where(size > 0, size, 1)
    # As correlations, so that columns of any unit are told apart from those that repeat others.
    inner = matrices[:, 1:, 1:] / (scale[:, :, None] * scale[:, None, :])
    outer = matrices[:, 1:, 0] / scale
    return (np.linalg.pinv(inner, rcond=_SAME, hermitian=True) @ outer[..., None])[..., 0] / scale


def _moved(moments: Moments, thetas: np.ndarray, used: int, pooled: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of y - theta'(x - mean of x over all arms) in each arm.

    The variance is that of the rest, made larger by the degrees of freedom that `used` coefficients take.
    """
    weight = moments.n / moments.n.sum()
    centre = np.nansum(weight[:, None] * np.nan_to_num(moments.mean[:, 1:]), axis=0)
    mean = moments.mean[:, 0] - np.einsum("ai,ai->a", thetas, moments.mean[:, 1:] - centre)
    variance = (
        moments.covariance[:, 0, 0]
        - 2 * np.einsum("ai,ai->a", thetas, moments.covariance[:, 1:, 0])
        + np.einsum("ai,aij,aj->a", thetas, moments.covariance[:, 1:, 1:], thetas)
    )
    rows = np.maximum(moments.n - 1, 0)
    freedom = rows.sum() if pooled else rows
    with np.errstate(divide="ignore", invalid="ignore"):
        grown = np.where(freedom > used, freedom / (freedom - used), np.nan)
    return mean, np.maximum(variance, 0) * grown


def _balance(moments: Moments, treated: np.ndarray, base: int) -> np.ndarray:
    """P-value of the covariates having the same means in an arm and in the control group (Wald)."""
    from scipy.special import chdtrc

    found = np.full(len(treated), np.nan)
    for place, one in enumerate(treated):
        noise = sum(moments.covariance[side, 1:, 1:] / moments.n[side] for side in (one, base))
        apart = moments.mean[one, 1:] - moments.mean[base, 1:]
        if np.isnan(noise).any():
            continue
        size = np.sqrt(np.diagonal(noise))
        varies = size > 0
        size = np.where(varies, size, 1)
        # As correlations, so that the units of the columns do not matter.
        noise, apart = (noise / np.outer(size, size))[np.ix_(varies, varies)], (apart / size)[varies]
        freedom = np.linalg.matrix_rank(noise, tol=_SAME, hermitian=True) if len(noise) else 0
        if freedom:
            statistic = apart @ np.linalg.pinv(noise, rcond=_SAME, hermitian=True) @ apart
            found[place] = chdtrc(freedom, statistic)
    return found
