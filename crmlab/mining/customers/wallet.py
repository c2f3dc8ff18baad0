"""Share of wallet: how much of what customers spend in a category they spend here."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError


def share_of_wallet(spend: pd.Series, wallet: pd.Series) -> pd.DataFrame:
    """What each customer spends here, of what the customer spends on such things anywhere.

    Parameters
    ----------
    spend : Series
        What customers spent here, by customer.
    wallet : Series
        What they spent in the category with everybody, in the same unit and span of time, as a survey
        or an estimate from outside has it; customers of whom it is not known may be missing.

    Returns
    -------
    DataFrame
        All customers of both, those of `spend` first: `spend`, `wallet`, `share` (spend over wallet)
        and `headroom` (wallet less spend), missing where either is not known; `share` also where the
        wallet is 0. A share above 1 says that the wallet was taken too low.

    Raises
    ------
    ParameterError
        If a customer is there twice, or a wallet is negative.

    See Also
    --------
    wallet_allocation : Where only the order of preference is known.

    Examples
    --------
    >>> share_of_wallet(pd.Series({"a": 30, "b": 10}), pd.Series({"a": 120}))["share"].tolist()
    [0.25, nan]
    """
    for name, values in (("spend", spend), ("wallet", wallet)):
        if values.index.has_duplicates:
            raise ParameterError(f"{name} has one value per customer; its index holds a customer twice.")
    customers = spend.index.append(wallet.index.difference(spend.index, sort=False))
    found = pd.DataFrame({"spend": spend.reindex(customers), "wallet": wallet.reindex(customers)})
    found = found.astype("float64").rename_axis(spend.index.name)
    if negative := int((found["wallet"] < 0).sum()):
        raise ParameterError(f"A wallet is what is spent, never negative; {negative:,} of them are.")
    share = found["spend"] / found["wallet"].where(found["wallet"] > 0)
    return found.assign(share=share, headroom=found["wallet"] - found["spend"])


def wallet_allocation(rank: pd.Series | float, brands: pd.Series | float) -> pd.Series | float:
    """Share of wallet as the Wallet Allocation Rule has it, from the order of preference alone.

    (1 - rank / (brands + 1)) x 2 / brands; the shares of all brands a customer uses sum to 1.

    Parameters
    ----------
    rank
        Place of the brand among those the customer uses, 1 the best; brands that are liked alike share
        the mean of their places, such as 1.5. Missing stays missing.
    brands
        Number of brands the customer uses.

    Returns
    -------
    Series or float
        Shares from 0 to 1, indexed like `rank` if that is a Series.

    Raises
    ------
    ParameterError
        If a rank is below 1 or above the number of brands.

    References
    ----------
    T. L. Keiningham, L. Aksoy, A. Buoye, B. Cooil (2011), Customer loyalty isn't enough. Grow your
    share of wallet, Harvard Business Review 89(10), 29-31.

    Examples
    --------
    >>> [round(wallet_allocation(place, 3), 3) for place in (1, 2, 3)]
    [0.5, 0.333, 0.167]
    """
    wrong = np.asarray((rank < 1) | (rank > brands))
    if wrong.any():
        raise ParameterError(
            f"A rank is from 1 to the number of brands; {int(wrong.sum()):,} of {wrong.size:,} are not."
        )
    return (1 - rank / (brands + 1)) * 2 / brands
