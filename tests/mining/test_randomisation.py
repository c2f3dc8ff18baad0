"""Groups drawn by checksum: proportions, chance, strata, and the same whatever the order of rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab.errors import ParameterError
from crmlab.mining.methods import randomise, strata_of

SHARES = {"a": 0.5, "b": 0.3, "control": 0.2}
UNITS = pd.Index([f"C{number:05d}" for number in range(5000)], name="customer_id")


def test_proportions_are_exact():
    found = randomise(UNITS, SHARES, 1)
    assert found.value_counts().to_dict() == {"a": 2500, "b": 1500, "control": 1000}
    assert found.index.equals(UNITS)


def test_the_order_of_units_does_not_matter_and_the_seed_does():
    found = randomise(UNITS, SHARES, 1)
    pd.testing.assert_series_equal(randomise(UNITS[::-1], SHARES, 1)[UNITS], found)
    assert (randomise(UNITS, SHARES, 2) == found).mean() == pytest.approx(0.25 + 0.09 + 0.04, abs=0.02)


def test_who_is_drawn_is_frozen():
    """A campaign that began keeps its groups whatever version draws them again."""
    found = randomise(pd.Index(list("abcdefghij")), SHARES, "M1 7")
    assert "".join(name[0] for name in found) == "bacbacabaa"


counts = st.lists(st.integers(0, 40), min_size=1, max_size=30)
parts = st.lists(st.integers(1, 20), min_size=2, max_size=6)


@given(counts, parts, st.integers(0, 5))
def test_every_stratum_and_the_whole_hold_the_shares(sizes, weights, seed):
    shares = {f"arm {place}": weight / sum(weights) for place, weight in enumerate(weights)}
    strata = pd.Series(np.repeat(np.arange(len(sizes)), sizes)).astype("str")
    if strata.empty:
        return
    found = randomise(strata.index, shares, seed, strata)
    counted = pd.crosstab(strata, found).reindex(columns=list(shares), fill_value=0)
    exact = np.outer(counted.sum(axis=1), list(shares.values()))
    assert (np.abs(counted - exact) < 1).all(axis=None)
    assert (np.abs(counted.sum() - exact.sum(axis=0)) < 1).all()


@pytest.mark.parametrize("sizes", [[30], [7, 23], [1] * 30, [2, 1, 3, 9, 15]], ids=str)
def test_every_unit_comes_into_every_group_with_its_share(sizes):
    units = UNITS[:30]
    strata = pd.Series(np.repeat(np.arange(len(sizes)), sizes), index=units).astype("str")
    drawn = [randomise(units, SHARES, seed, strata) for seed in range(200)]
    for name, share in SHARES.items():
        often = sum(found == name for found in drawn) / 200
        z = (often - share) / (share * (1 - share) / 200) ** 0.5
        assert z.abs().max() < 4
        # Of strata of one size, too, in which a fault in the rounding would add up.
        assert np.abs(z.groupby(strata).mean() * strata.value_counts() ** 0.5).max() < 4


def test_numbers_of_many_values_are_cut_at_their_quartiles():
    frame = pd.DataFrame({"recency": [float(n) for n in range(100)] + [np.nan], "open": [True] * 101})
    found = strata_of(frame, ["recency", "open"])
    assert found.value_counts().to_dict() == {
        **{f"recency quarter {quarter}, open True": 25 for quarter in range(1, 5)},
        "recency missing, open True": 1,
    }
    # Equal values are in one stratum.
    tied = strata_of(pd.DataFrame({"x": [0] * 60 + list(range(1, 41))}), ["x"])
    assert tied[:60].nunique() == 1
    assert strata_of(frame, []).eq("").all()


@pytest.mark.parametrize(("call", "said"), [
    (lambda: randomise(UNITS, {"a": 0.5, "b": 0.4}, 1), "add up to 1"),
    (lambda: randomise(UNITS, {"a": 1.0, "b": 0.0}, 1), "above 0"),
    (lambda: randomise(UNITS, {}, 1), "add up to 1"),
    (lambda: randomise(pd.Index(["x", "x"]), SHARES, 1), "some are there more than once"),
])  # fmt: skip
def test_what_cannot_be_drawn(call, said):
    with pytest.raises(ParameterError, match=said):
        call()
