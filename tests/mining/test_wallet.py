"""Share of wallet by algebra, and the shares that the rule gives."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import ParameterError
from crmlab.mining.customers import share_of_wallet, wallet_allocation

#: Shares in per cent by number of brands, the best one first: n to 1, over the sum of 1 to n.
SHARES = {2: [67, 33], 3: [50, 33, 17], 4: [40, 30, 20, 10], 5: [33, 27, 20, 13, 7]}


@pytest.mark.parametrize("brands", SHARES)
def test_the_rule_gives_whole_places_their_share(brands):
    ranks = pd.Series(range(1, brands + 1))
    assert (wallet_allocation(ranks, brands) * 100).round().tolist() == SHARES[brands]


@pytest.mark.parametrize("ranks", [[1], [1, 2], [1.5, 1.5, 3], [2, 2, 2], list(range(1, 10))])
def test_the_shares_of_a_customers_brands_sum_to_one(ranks):
    assert wallet_allocation(pd.Series(ranks), len(ranks)).sum() == pytest.approx(1)


def test_ranks_and_brands_by_customer_and_missing_ones():
    found = wallet_allocation(
        pd.Series([1, np.nan, 2], index=list("abc")), pd.Series([2, 3, 4], index=list("abc"))
    )
    assert found.index.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(found, [2 / 3, np.nan, 0.3])
    for rank, brands in ((0, 3), (4, 3), (1, 0)):
        with pytest.raises(ParameterError, match="1 of 1 are not"):
            wallet_allocation(rank, brands)
    with pytest.raises(ParameterError, match="1 of 2 are not"):
        wallet_allocation(pd.Series([1, 5]), 3)


def test_share_and_headroom_of_customers_known_to_either():
    spend = pd.Series({"a": 30, "b": 10, "c": 50, "d": 0, "e": 5}).rename_axis("customer_id")
    wallet = pd.Series({"f": 70, "a": 120, "c": 40, "d": 20, "e": 0})
    found = share_of_wallet(spend, wallet)
    assert found.index.tolist() == list("abcdef")
    assert found.index.name == "customer_id"
    np.testing.assert_allclose(found["share"], [0.25, np.nan, 1.25, 0, np.nan, np.nan])
    np.testing.assert_allclose(found["headroom"], [90, np.nan, -10, 20, -5, np.nan])
    known = found.dropna(subset=["spend", "wallet"])
    np.testing.assert_allclose(known["spend"] + known["headroom"], known["wallet"])


def test_what_makes_no_sense_is_one_sentence():
    with pytest.raises(ParameterError, match="wallet has one value per customer"):
        share_of_wallet(pd.Series({"a": 1}), pd.Series([1, 2], index=["a", "a"]))
    with pytest.raises(ParameterError, match="never negative; 1 of them"):
        share_of_wallet(pd.Series({"a": 1}), pd.Series({"a": -1}))
