"""Whom to address next time: what a campaign with a control group tells of those it works best for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError
from crmlab.mining.customers.profile_columns import PROFILE_COLUMNS

if TYPE_CHECKING:
    from crmlab.mining.methods.intervals import Estimate

#: Customers of an arm and of the control group below which nothing is learnt.
FEWEST = 100
FIFTHS = ("first fifth", "second fifth", "third fifth", "fourth fifth", "last fifth")


class Targeting(NamedTuple):
    """What was found; see `targeting`."""

    verdict: str
    arm: str
    candidate: str
    fifths: pd.DataFrame
    qini: Estimate | None
    profit: pd.DataFrame
    scores: pd.DataFrame
    worth: float


def targeting(
    profile: pd.DataFrame,
    outcomes: pd.DataFrame,
    control: Any,
    margin: float = 1.0,
    cost: float = 0.0,
    permutations: int = 199,
    seed: int = 0,
) -> Targeting | None:
    """Learn from one half of a campaign's customers for whom it works best, and judge that by the other.

    Parameters
    ----------
    profile
        One row per customer, indexed by `customer_id`, of the day before the campaign, as
        `crmlab.mining.customers.profile` gives it. Days, and what earlier campaigns did, are left out.
    outcomes
        `customer_id`, `arm`, `responded` and `value`, as `crmlab.mining.campaigns.outcomes` gives them.
    control
        The arm that was not contacted.
    margin
        Share of the value that is left after the cost of goods.
    cost
        Of one contact, in minor units.
    permutations, seed
        Of the test whether effects differ, and of all that is drawn.

    Returns
    -------
    Targeting or None
        None if an arm or the control group has fewer than `FEWEST` customers, or the customers nothing
        that tells them apart. Else `verdict` (one of `HETEROGENEITY`, from all customers), `arm` (the one
        with the greatest mean effect) and `candidate` (the model taken); from the half that was not
        learnt from: `fifths`, the effect of the arm on the response in fifths of customers by the
        expected effect, best first (`group`, `value`, `low`, `high`, `treated`, `control`, `n`), `qini` of
        that order, and `profit`, as `profit_curve` gives it (empty if responses bring no value); of all
        customers: `scores`, the expected effect of each arm, by `customer_id`; and `worth`, the mean
        value of a response in minor units.

    Examples
    --------
    >>> from crmlab.mining.campaigns import targeting
    >>> outcomes = pd.DataFrame({"customer_id": ["a", "b"], "arm": ["mail", "none"], "responded": [1, 0],
    ...     "value": [5, 0]})
    >>> targeting(pd.DataFrame({"age": [40, 50]}, index=["a", "b"]), outcomes, "none") is None
    True
    """
    from crmlab.mining.campaigns.heterogeneity import HETEROGENEITY
    from crmlab.mining.campaigns.profit import profit_curve
    from crmlab.mining.campaigns.qini import qini
    from crmlab.mining.campaigns.uplift_choice import UpliftChoice
    from crmlab.mining.campaigns.uplift_groups import uplift_by_percentile

    rows = outcomes.sort_values("customer_id", ignore_index=True)
    if control not in set(rows["arm"]):
        raise ParameterError(f"There is no arm {control!r} among the outcomes.")
    known = _features(profile.reindex(rows["customer_id"]))
    if rows["arm"].value_counts().min() < FEWEST or rows["arm"].nunique() < 2 or known.empty:
        return None
    learnt = _half(rows["arm"], seed)
    responded, arms = rows["responded"].to_numpy(float), rows["arm"].to_numpy()
    model = UpliftChoice(control=control, permutations=permutations, seed=seed)
    whole = model.fit(known, responded, arms)
    means = rows.groupby("arm")["responded"].mean()
    arm = (means.drop(control) - means[control]).idxmax()
    verdict = whole.heterogeneity_["verdict"].get(arm, HETEROGENEITY[1])
    candidate = str(whole.choice_[arm])
    scores = whole.predict(known).set_axis(pd.Index(rows["customer_id"], name="customer_id"))
    half = UpliftChoice(control=control, permutations=19, seed=seed).fit(
        known[learnt], responded[learnt], arms[learnt]
    )
    expected = half.predict(known[~learnt])
    there = ~learnt & np.isin(arms, [arm, control])
    of_arm = expected.loc[there[~learnt], arm].to_numpy()
    judged = uplift_by_percentile(responded[there], of_arm, arms[there], groups=5, control=control, arm=arm)
    judged = judged.rename(columns={"uplift": "value"}).assign(
        group=list(FIFTHS), n=judged["treated"] + judged["control"]
    )
    found = qini(responded[there], of_arm, arms[there], control=control, arm=arm, seed=seed)
    bought = rows.loc[rows["responded"] == 1, "value"]
    worth = float(bought.mean()) if len(bought) else 0.0
    profit = pd.DataFrame(columns=["share", "contacts", "cost", "extra", "profit", "low", "high"])
    if worth > 0:
        profit = profit_curve(
            responded[~learnt], expected, arms[~learnt], margin * worth, cost, control=control
        )
    columns = ["group", "value", "low", "high", "treated", "control", "n"]
    fifths = judged[columns].reset_index(drop=True)
    return Targeting(verdict, str(arm), candidate, fifths, found, profit, scores, worth)


def _features(profile: pd.DataFrame) -> pd.DataFrame:
    """What was known of customers before, and differs between them."""
    later = {column.name for column in PROFILE_COLUMNS if "campaign_events" in column.table}
    kept = [
        name
        for name, values in profile.items()
        if name not in later
        and not pd.api.types.is_datetime64_any_dtype(values)
        and values.nunique(dropna=False) > 1
        and (pd.api.types.is_numeric_dtype(values) or values.nunique() < len(values) / 2)
    ]
    return profile[kept].reset_index(drop=True)


def _half(arms: pd.Series, seed: int) -> np.ndarray:
    """Half of the customers of each arm, drawn by chance."""
    random = np.random.default_rng(seed)
    learnt = np.zeros(len(arms), dtype=bool)
    for places in arms.groupby(arms).indices.values():
        learnt[random.permutation(places)[: len(places) // 2]] = True
    return learnt
