"""Whether the groups of a campaign were alike before it began."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from crmlab.engine import need_columns
from crmlab.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    from crmlab.mining.campaigns.definition import Campaign

#: Texts of more different values than these are names rather than characteristics.
_VALUES = 20


class Balance(NamedTuple):
    """How alike the groups of an audience are.

    Attributes
    ----------
    differences : DataFrame
        One row per arm and characteristic: `arm`, `characteristic`, `mean` and `control_mean` (of texts,
        the share with the value), and `difference`, the standardised mean difference.
    statistic, freedom, p_value : float
        Joint test of all characteristics in all groups. A small p-value says that the draw was not what
        it should be; it is not small by chance more often than it says.
    ratio_p_value : float
        Test of the sizes of the groups against their planned shares.
    """

    differences: pd.DataFrame
    statistic: float
    freedom: int
    p_value: float
    ratio_p_value: float

    def __str__(self) -> str:
        worst = self.differences.loc[self.differences["difference"].abs().idxmax()]
        return (
            f"Largest standardised difference {worst['difference']:.3f} ({worst['characteristic']}, "
            f"{worst['arm']}); all together p = {self.p_value:.3f}, sizes p = {self.ratio_p_value:.3f}."
        )


def balance(
    people: pd.DataFrame, profile: pd.DataFrame, campaign: Campaign, columns: Sequence[str] | None = None
) -> Balance:
    """Compare each arm of an audience with the control group in what was known beforehand.

    The standardised difference is that of the means over the root of the mean variance of both groups;
    beyond 0.1 either way it is commonly called imbalance. The joint statistic is n - 1 times Pillai's
    trace of the characteristics between the groups: chi-square in large samples where groups are drawn
    at random, and less where they are drawn within strata.

    Parameters
    ----------
    people
        As `audience` returns it.
    profile
        From which it was made.
    campaign
        Its definition: the control group and the shares.
    columns
        Of the profile. By default all that hold numbers, yes and no, or few different texts. A missing
        value is a characteristic of its own, and counts as the mean in the others.

    Raises
    ------
    ParameterError
        If the profile has no such column, a group is empty or no characteristic differs among customers.

    References
    ----------
    P. C. Austin (2009), Balance diagnostics for comparing the distribution of baseline covariates between
    treatment groups, Statistics in Medicine 28, 3083-3107. B. B. Hansen, J. Bowers (2008), Covariate
    balance in simple, stratified and clustered comparative studies, Statistical Science 23, 219-236, on
    the joint test of two groups. K. C. S. Pillai (1955), Some new test criteria in multivariate analysis,
    Annals of Mathematical Statistics 26, 117-121.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> people = pd.DataFrame({"included": True, "arm": ["offer", "none"] * 4}, index=range(8))
    >>> profile = pd.DataFrame({"recency": [1, 2, 3, 4, 5, 6, 7, 9]}, index=range(8))
    >>> plan = SimpleNamespace(control="none", control_share=0.5,
    ...     arms=[SimpleNamespace(name="offer", share=0.5)])
    >>> found = balance(people, profile, plan)
    >>> found.differences["difference"].round(3).tolist(), round(found.p_value, 3)
    ([-0.448], 0.508)
    """
    from scipy.special import chdtrc

    need_columns(people, ("included", "arm"), "Audiences", way_out="audience(...) makes one.")
    arm = people.loc[people["included"], "arm"]
    shares = {campaign.control: campaign.control_share} | {one.name: one.share for one in campaign.arms}
    sizes = arm.value_counts().reindex(list(shares)).fillna(0)
    if (sizes == 0).any():
        raise ParameterError(f"The arm {sizes.idxmin()!r} has nobody, so there is nothing to compare.")
    traits = _characteristics(profile.reindex(arm.index), columns)
    if traits.empty or not len(traits.columns):
        raise ParameterError("No column of the profile differs among the customers of the audience.")
    statistic, rank = _joint(traits, arm)
    freedom = (len(shares) - 1) * rank
    planned = np.array(list(shares.values())) * len(arm)
    ratio = float(((sizes.to_numpy() - planned) ** 2 / planned).sum())
    return Balance(_differences(traits, arm, campaign.control), statistic, freedom,
                   float(chdtrc(freedom, statistic)), float(chdtrc(len(shares) - 1, ratio)))  # fmt: skip


def _characteristics(profile: pd.DataFrame, columns: Sequence[str] | None) -> pd.DataFrame:
    """Each characteristic as a column of numbers that are not all the same."""
    for name in columns or ():
        if name not in profile:
            raise ParameterError(f"The profile has no column {name!r}{did_you_mean(name, map(str, profile))}")
    parts = [part for name in (columns or profile) for part in _parts(str(name), profile[name])]
    found = pd.DataFrame(dict(parts), index=profile.index)
    return found.loc[:, found.nunique() > 1]


def _parts(name: str, values: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    types = pd.api.types
    if types.is_datetime64_any_dtype(values):
        values = (values - pd.Timestamp(0)) / pd.Timedelta(days=1)
    if types.is_numeric_dtype(values):  # yes and no as well
        numbers = values.astype("Float64").astype("float64")
        yield name, numbers.fillna(numbers.mean())
    else:
        texts = values.astype("str")
        if texts.nunique() > _VALUES:
            return
        for value in sorted(texts.dropna().unique()):
            yield f"{name}: {value}", (texts == value).fillna(False).astype("float64")
    if values.isna().any():
        yield f"{name}: missing", values.isna().astype("float64")


def _joint(traits: pd.DataFrame, arm: pd.Series) -> tuple[float, int]:
    """N - 1 times Pillai's trace between the groups, and the rank of the characteristics."""
    scaled = traits.to_numpy()
    scaled = (scaled - scaled.mean(axis=0)) / scaled.std(axis=0)
    values, vectors = np.linalg.eigh(scaled.T @ scaled)
    kept = values > values.max() * 1e-10
    uncorrelated = scaled @ (vectors[:, kept] / np.sqrt(values[kept]))
    sums = pd.DataFrame(uncorrelated).groupby(arm.to_numpy()).agg(["sum", "size"])
    sizes = sums.xs("size", axis=1, level=1).iloc[:, 0].to_numpy()
    trace = (sums.xs("sum", axis=1, level=1).to_numpy() ** 2).sum(axis=1) / sizes
    return float((len(arm) - 1) * trace.sum()), int(kept.sum())


def _differences(traits: pd.DataFrame, arm: pd.Series, control: str) -> pd.DataFrame:
    groups = traits.groupby(arm.to_numpy())
    mean, variance = groups.mean(), groups.var(ddof=1).fillna(0.0)
    found = []
    for name in sorted(set(mean.index) - {control}):
        spread = np.sqrt((variance.loc[name] + variance.loc[control]) / 2)
        apart = (mean.loc[name] - mean.loc[control]).where(spread > 0) / spread.where(spread > 0)
        found.append(pd.DataFrame({
            "arm": name, "characteristic": mean.columns, "mean": mean.loc[name].to_numpy(),
            "control_mean": mean.loc[control].to_numpy(), "difference": apart.to_numpy(),
        }))  # fmt: skip
    return pd.concat(found, ignore_index=True)
