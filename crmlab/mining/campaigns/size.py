"""Whether the arms of a campaign are large enough for what it is to show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crmlab.engine import need_columns
from crmlab.errors import ParameterError
from crmlab.mining.methods.power import detectable_difference, power_of_proportions, sample_size

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.mining.campaigns.definition import Campaign

__all__ = ["sample_size", "size_check"]
#: Fewer expected responses than these, and the normal approximation behind the figures does not hold
#: (W. G. Cochran 1954, Some methods for strengthening the common chi-square tests, Biometrics 10, 417-451).
_FEWEST = 5


def size_check(
    people: pd.DataFrame, campaign: Campaign, base: float, target: float | None = None, power: float = 0.8,
    alpha: float = 0.05, correction: str = "dunnett",
) -> pd.DataFrame:  # fmt: skip
    """What each arm of an audience can show against the control group, in figures and in words.

    Parameters
    ----------
    people
        As `audience` returns it.
    campaign
        Its definition, for the name of the control group and, without `target`, the first indicator that
        is an event.
    base
        Share of customers who respond without being contacted, 0 to 1, as far as known.
    target
        Share that is hoped for with contact, 0 to 1.
    power, alpha, correction
        As `sample_size` takes them; the correction is for the number of arms.

    Returns
    -------
    DataFrame
        Indexed by `arm`: `customers`, `control_customers`, `needed` (in the arm) and `control_needed`
        where both groups keep their proportion, `power` (chance of finding the target, 0 to 1),
        `detectable` (smallest share that is found with the chance asked for; missing if none is),
        `enough`, and `words`.

    Raises
    ------
    ParameterError
        If there is no target, or a number is none that it can be.

    Examples
    --------
    >>> import pandas as pd
    >>> from types import SimpleNamespace
    >>> people = pd.DataFrame({"included": True, "arm": ["offer"] * 800 + ["control"] * 200})
    >>> found = size_check(people, SimpleNamespace(control="control"), base=0.10, target=0.12)
    >>> found.loc["offer", ["needed", "control_needed"]].tolist()
    [9779, 2445]
    """
    import pandas as pd

    need_columns(people, ("included", "arm"), "Audiences", way_out="audience(...) makes one.")
    if target is None:
        targets = [indicator.target for indicator in campaign.indicators if indicator.event]
        if not targets:
            raise ParameterError(
                "The campaign has no indicator that is an event: give the share hoped for with target=."
            )
        target = targets[0]
    sizes = people.loc[people["included"], "arm"].value_counts()
    arms = sorted(name for name in sizes.index if name != campaign.control)
    control = int(sizes.get(campaign.control, 0))
    if not control or not arms:
        raise ParameterError(
            f"The audience has {'nobody in an arm' if control else f'no control group {campaign.control!r}'}"
            ", so there is nothing to compare."
        )
    found = []
    for arm in arms:
        options = {"arms": len(arms), "correction": correction, "ratio": int(sizes[arm]) / control}
        needed = sample_size(base, target, power, alpha, **options).sizes
        reached = power_of_proportions(base, target, control, alpha, **options)
        least = base + detectable_difference(base, control, power, alpha, **options)
        row = {"arm": arm, "customers": int(sizes[arm]), "control_customers": control, "needed": needed[1],
               "control_needed": needed[0], "power": reached, "detectable": least,
               "enough": reached >= power}  # fmt: skip
        found.append({**row, "words": _in_words(row, base, target, power)})
    return pd.DataFrame(found).set_index("arm")


def _in_words(row: dict, base: float, target: float, power: float) -> str:
    said = (
        f"{row['arm']}: {row['customers']:,} customers and {row['control_customers']:,} in the control group "
        f"show {target:.1%} against {base:.1%} with a chance of {row['power']:.0%}"
    )
    if row["enough"]:
        said += "."
    else:
        said += f", not {power:.0%}; that takes {row['needed']:,} and {row['control_needed']:,}."
        least = row["detectable"]
        said += " No increase is large enough for them to show it." if math.isnan(least) else (
            f" What they show is {least:.1%} or more."
        )  # fmt: skip
    expected = min(row["customers"], row["control_customers"]) * min(base, 1 - base)
    if expected < _FEWEST:
        said += f" These figures are rough: the smaller group expects {expected:.1f} responses."
    return said.replace("%", " %")
