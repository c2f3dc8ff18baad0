"""The search for splits: against all partitions there are, and the bins and bits it stands on."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln

from crmlab.mining.methods.trees.bins import (
    NameBins,
    NumericBins,
    learn_bins,
    name_bins,
    numeric_bins,
    short_between,
)
from crmlab.mining.methods.trees.data import DataError
from crmlab.mining.methods.trees.evidence import Evidence, split_bits
from crmlab.mining.methods.trees.search import best_splits

counts_of_classes = st.integers(2, 3).flatmap(
    lambda classes: st.lists(
        st.lists(st.integers(0, 9), min_size=classes, max_size=classes), min_size=3, max_size=8
    )
)


def numbers(n_bins: int) -> NumericBins:
    return NumericBins("x", np.arange(1.0, n_bins))


def bits(counts) -> float:
    """Minus the binary logarithm of the evidence, written out anew."""
    counts = np.asarray(counts, dtype=float)
    prior = 1 / len(counts)
    told = gammaln(1) - gammaln(1 + counts.sum()) + (gammaln(prior + counts) - gammaln(prior)).sum()
    return float(-told / np.log(2))


@given(counts_of_classes)
def test_evidence_is_the_probability_of_the_classes_in_any_order(rows):
    counts = np.array(rows).sum(0)
    told, seen = 0.0, np.full(len(counts), 1 / len(counts))
    for place, count in enumerate(counts):
        for _ in range(count):
            told -= np.log2(seen[place] / seen.sum())
            seen[place] += 1
    assert Evidence(len(counts))(counts) == pytest.approx(told, abs=1e-9)
    assert Evidence(len(counts), int(counts.sum()))(counts) == pytest.approx(told, abs=1e-9)


def all_cuts(counts: np.ndarray, most: int) -> dict[int, float]:
    """Fewest bits of the classes for each number of intervals, by trying all cuts."""
    found = {}
    for k in range(2, most + 1):
        ways = combinations(range(1, len(counts)), k - 1)
        totals = [
            sum(bits(part.sum(0)) for part in np.split(counts, list(way))) for way in ways
            if all(part.sum() for part in np.split(counts, list(way)))
        ]  # fmt: skip
        if totals:
            found[k] = min(totals)
    return found


@settings(max_examples=150)
@given(counts_of_classes, st.integers(2, 4))
def test_intervals_are_the_best_of_all(rows, most):
    counts = np.array(rows, dtype=float)
    padded = np.concatenate([counts, np.zeros((1, counts.shape[1]))])  # nobody is missing
    found = best_splits(padded[None, None], [numbers(len(counts))], Evidence(counts.shape[1]), most, 0.0)
    whole = bits(counts.sum(0))
    ways = {k: told for k, told in all_cuts(counts, most).items() if told < whole}
    if not ways:
        assert found.saving[0, 0] <= 1e-9
        return
    degree = int(found.degree[0, 0])
    branch = found.branch[0, 0, : len(counts)]
    assert (np.diff(branch.astype(int)) >= 0).all()
    assert set(branch) == set(range(degree))
    told = sum(bits(counts[branch == side].sum(0)) for side in range(degree))
    saving = whole - told
    assert found.saving[0, 0] == pytest.approx(saving, abs=1e-9)
    # Of its number of intervals none is better, and no other number is worth more.
    assert told == pytest.approx(ways[degree], abs=1e-9)
    worth = max((whole - told) / np.cbrt(np.log2(k)) for k, told in ways.items())
    assert found.worth[0, 0] == pytest.approx(worth, abs=1e-9)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=5))
def test_groups_of_two_classes_are_the_best_of_all(rows):
    counts = np.array(rows, dtype=float)
    column = NameBins("x", list("abcde"[: len(counts)]), crowded=False)
    padded = np.concatenate([counts, np.zeros((2, 2))])
    found = best_splits(padded[None, None], [column], Evidence(2), 2, 0.0)
    ways = []
    for sides in product([0, 1], repeat=len(counts)):
        parts = [counts[np.array(sides) == side].sum(0) for side in (0, 1)]
        if all(part.sum() for part in parts):
            ways.append(sum(bits(part) for part in parts))
    best = bits(counts.sum(0)) - min(ways, default=np.inf)
    # In the order of the shares the cut of least entropy is best of all; the evidence of small counts may
    # prefer another grouping by a little.
    assert found.saving[0, 0] <= best + 1e-9
    if best > 0:
        assert found.saving[0, 0] >= best - 1.0


def test_a_split_pays_for_its_description():
    counts = np.array([[30.0, 2], [3, 28], [0, 0]])
    column, evidence = numbers(2), Evidence(2)
    free = best_splits(counts[None, None], [column], evidence, 4, 0.0).saving[0, 0]
    paid = best_splits(counts[None, None], [column], evidence, 4, 1.0).saving[0, 0]
    told = split_bits(1, 4, np.array(2), np.array(2.0), np.array(True))
    assert told == pytest.approx(np.log2(1) + np.log2(3) + np.log2(1))
    assert free - paid == pytest.approx(told)


@pytest.mark.parametrize(
    ("missing", "side"), [([20, 0], 0), ([0, 20], 1), ([0, 0], 0), ([300, 900], 2)],
    ids=["like the first", "like the second", "none: with most rows", "like neither"],
)  # fmt: skip
def test_missing_values_join_the_branch_that_they_are_like_or_stand_apart(missing, side):
    counts = np.array([[60.0, 0], [0, 50], missing])
    found = best_splits(counts[None, None], [numbers(2)], Evidence(2), 4, 1.0)
    assert found.branch[0, 0].tolist() == [0, 1, side]
    assert found.degree[0, 0] == (3 if side == 2 else 2)


def test_missing_values_alone_can_part_a_node():
    counts = np.array([[40.0, 40], [0, 60]])
    found = best_splits(counts[None, None], [numbers(1)], Evidence(2), 4, 1.0)
    assert found.branch[0, 0].tolist() == [0, 1]
    assert found.saving[0, 0] > 10


def test_a_cut_stands_in_the_middle_of_a_gap():
    counts = np.zeros((9, 2))
    counts[0], counts[6] = [30, 0], [0, 30]
    found = best_splits(counts[None, None], [numbers(8)], Evidence(2), 4, 1.0)
    assert found.branch[0, 0, :8].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_branches_keep_the_least_weight():
    counts = np.array([[3.0, 0], [0, 40], [40, 0], [0, 0]])
    found = best_splits(counts[None, None], [numbers(3)], Evidence(2), 4, 0.0, min_weight=5)
    branch = found.branch[0, 0, :3]
    assert min(counts[:3][branch == side].sum() for side in set(branch)) >= 5


def test_many_bins_are_joined_to_blocks_and_the_planted_cut_is_found():
    random = np.random.default_rng(0)
    counts = random.multinomial(20, [0.5, 0.5], size=201).astype(float)
    counts[:100] = random.multinomial(20, [0.8, 0.2], size=100)
    counts[200] = 0
    found = best_splits(counts[None, None], [numbers(200)], Evidence(2), 2, 1.0)
    assert abs(int((found.branch[0, 0, :200] == 0).sum()) - 100) <= 5


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=400), st.integers(2, 254))
def test_bins_hold_their_values_between_their_edges(values, most):
    values = np.array(values)
    column = numeric_bins("x", values, most)
    assert column.n_bins <= most
    assert (np.diff(column.edges) > 0).all()
    codes = column.codes(values)
    assert codes.tolist() == np.searchsorted(column.edges, values, side="left").tolist()
    # Every edge parts values: no bin is empty.
    assert set(codes) == set(range(column.n_bins))


@pytest.mark.parametrize("kind", ["plain", "heavy tail", "one value", "steps"])
def test_codes_looked_up_are_those_searched_for(kind):
    random = np.random.default_rng(1)
    values = {
        "plain": random.normal(size=20_000), "heavy tail": random.standard_cauchy(20_000) ** 3,
        "one value": np.full(20_000, 7.0), "steps": random.integers(0, 300, 20_000) / 7,
    }[kind]  # fmt: skip
    column = numeric_bins("x", values[:5000], 254)
    asked = np.concatenate(
        [values, column.edges, np.nextafter(column.edges, np.inf), [np.nan, 1e300, -1e300]]
    )
    codes = column.codes(asked)
    known = ~np.isnan(asked)
    assert codes[known].tolist() == np.searchsorted(column.edges, asked[known], side="left").tolist()
    assert codes[~known].tolist() == [column.n_bins]


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(1e-9, 1e9)), min_size=1, max_size=20))
def test_a_short_number_parts_two_values(pairs):
    low = np.array([value for value, _ in pairs])
    high = low + np.array([step for _, step in pairs])
    apart = high > low
    cuts = short_between(low[apart], high[apart])
    assert ((low[apart] <= cuts) & (cuts < high[apart])).all()


def test_the_commonest_names_have_bins_of_their_own():
    values = pd.Series(["b"] * 5 + ["a"] * 5 + ["c"] * 3 + ["d"] + [None])
    column = name_bins("x", values, 4)
    assert column.values == ["a", "b", "c"]
    assert column.crowded
    assert column.codes(pd.Series(["a", "c", "d", "new", None])).tolist() == [0, 2, 3, 3, 4]
    # The order of the rows does not matter.
    assert name_bins("x", values[::-1], 4).values == column.values


def test_numbers_and_names_are_told_apart_by_their_type():
    frame = pd.DataFrame(
        {"n": [1, 2, 3], "b": [True, False, True], "t": ["x", "y", "x"], "c": pd.Categorical(["p", "q", "p"])}
    )
    kinds = [type(column) for column in learn_bins({name: frame[name] for name in frame})]
    assert kinds == [NumericBins, NameBins, NameBins, NameBins]


def test_infinite_values_are_refused_with_their_place():
    with pytest.raises(DataError, match=r"Column x holds infinity \(position 70,001, counted from 0\)"):
        numbers(3).codes(np.append(np.ones(70_001), np.inf))
