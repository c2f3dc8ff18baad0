"""Customer lifetime value: what customers will still bring, counted in today's money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmlab.errors import ParameterError
from crmlab.mining.customers.summary import DAYS

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.mining.customers.lifetime.base import LifetimeModel
    from crmlab.mining.customers.lifetime.gamma_gamma import GammaGamma


def lifetime_value(
    purchases: LifetimeModel,
    spend: GammaGamma | pd.Series | float,
    summary: pd.DataFrame,
    periods: int | None = 12,
    step: str = "M",
    discount_rate: float = 0.01,
    margin: float = 1.0,
    unit: str | None = None,
) -> pd.Series:
    """Expected value of each customer's purchases to come, discounted to the end of the observation.

    Parameters
    ----------
    purchases
        A fitted `ParetoNBD`, `BGNBD` or `MBGNBD`.
    spend
        A fitted `GammaGamma`, or the mean spend per purchase, for each customer or for all.
    summary
        One row per customer as `purchase_summary` gives it.
    periods
        How many steps to look ahead; None for ever.
    step
        The step in which money is counted, and to which `discount_rate` belongs: ``"D"``, ``"W"``,
        ``"M"`` (30.436875 days) or ``"Y"`` (365.2425 days).
    discount_rate
        Per step, below 1, 10 % being 0.1: what is bought in the k-th step from now counts
        1 / (1 + discount_rate)^k. `value_outlook` takes a rate per year, whatever its steps. If
        `periods` is None, a purchase counts by its own day, at the rate that comes to the same.
    margin
        Share of the spend that is left after costs.
    unit
        Unit of time of the summary and the model; as `purchase_summary` noted it on a frame if not
        given. Tables of an engine bear no notes.

    Returns
    -------
    Series
        Indexed like the summary, in the unit of its `monetary_value`.

    Raises
    ------
    ParameterError
        If a step is unknown, the unit of the summary is not known, or a number makes no sense.

    References
    ----------
    P. S. Fader, B. G. S. Hardie and K. L. Lee (2005), RFM and CLV: using iso-value curves for
    customer base analysis, Journal of Marketing Research 42, 415-430.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab.mining.customers import BGNBD
    >>> model = BGNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> customers = pd.DataFrame({"frequency": [0, 7], "recency": [0.0, 35.0], "T": [39.0, 39.0]})
    >>> lifetime_value(model, 30.0, customers, unit="W").round(2).tolist()
    [7.11, 155.6]
    """
    import pandas as pd

    unit = unit or summary.attrs.get("period")
    if unit is None:
        raise ParameterError("Say the unit of time of the summary: unit='W' for weeks, 'D' for days.")
    for name, value in (("step", step), ("unit", unit)):
        if value not in DAYS:
            raise ParameterError(f"{name} is 'D', 'W', 'M' or 'Y', not {value!r}.")
    if not 0 <= discount_rate < 1:
        raise ParameterError(
            f"discount_rate is a rate per step from 0 to less than 1, not {discount_rate!r}: 10 % is 0.1."
        )
    length = DAYS[step] / DAYS[unit]
    if periods is None:
        if not discount_rate:
            raise ParameterError("For ever takes a discount_rate above 0, or the value has no end.")
        rate = np.log1p(discount_rate) / length
        bought = purchases.discounted_expected_residual_transactions(summary, discount_rate=rate)
    else:
        if periods < 1 or periods % 1:
            raise ParameterError(f"periods is a whole number of steps or None, not {periods!r}.")
        bought = purchases.discounted_purchases(length * np.arange(1, periods + 1), discount_rate, summary)
    if hasattr(spend, "expected_spend"):
        spend = spend.expected_spend(summary)
    elif isinstance(spend, pd.Series):
        spend = spend.reindex(summary.index)
    return (bought * spend * margin).rename("lifetime_value")
