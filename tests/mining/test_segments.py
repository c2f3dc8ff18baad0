"""Segments: planted groups, stability, words, and drift."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import skew

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.locale import language
from crmlab.mining.customers import (
    describe_segments,
    population_stability,
    profile,
    segment,
    segment_drift,
    word_segments,
)
from crmlab.mining.customers.cluster_count import _jaccard
from crmlab.mining.customers.clustering import METHODS, Scaling
from crmlab.mining.customers.segments import SAMPLE

CENTRES = np.array([[10, 300, 5], [200, 20, 5], [10, 20, 50], [200, 300, 50]])


def planted(n: int = 60, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """Four groups far from one another, and the group of each customer."""
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(4), n)
    x = CENTRES[truth] * random.normal(1, 0.03, (4 * n, 3))
    index = pd.Index([f"c{i:04}" for i in range(4 * n)], name="customer_id")
    return pd.DataFrame(x, index=index, columns=["recency", "spend", "visits"]), truth


@pytest.fixture(scope="module")
def blobs() -> tuple[pd.DataFrame, np.ndarray]:
    return planted()


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    tables = crm.sample(customers=150, seed=5)
    tables.pop("truth")
    return profile(tables)


@pytest.mark.parametrize("method", METHODS)
def test_four_groups_are_found_by_every_criterion(blobs, method):
    frame, truth = blobs
    found = segment(frame, list(frame), method=method, tried=range(2, 6), replicates=4)
    expected = {"silhouette", "Calinski-Harabasz", "Davies-Bouldin", "majority"}
    assert set(found.choices.index) == expected | {"BIC" if "mixture" in method else "gap"}
    assert (found.choices == 4).all()
    assert (pd.crosstab(truth, found.labels) == 60).to_numpy().sum() == 4
    assert found.stability.loc[4].tolist() == [1, 1, 1]
    assert found.stability["agreement"].idxmax() == 4
    assert (found.segments["jaccard"] == 1).all()
    assert set(found.segments["verdict"]) == {"stable"}
    assert found.criteria.index.tolist() == [1, 2, 3, 4, 5]


def test_where_there_are_no_groups_none_are_seen():
    frame = pd.DataFrame(np.random.default_rng(3).uniform(size=(300, 3)), columns=list("abc"))
    found = segment(frame, list("abc"), tried=range(2, 6), replicates=10)
    assert found.choices["gap"] == 1
    assert any(note.startswith("No groups at all are seen by: gap") for note in found.notes)
    assert (found.stability["agreement"] < 0.95).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_bytes(shop, method):
    one, other = (segment(shop, method=method, tried=(2, 3), replicates=2, seed=4) for _ in range(2))
    for name in ("labels", "segments", "description", "stability", "criteria", "choices"):
        pd.testing.assert_series_equal(
            pd.util.hash_pandas_object(getattr(one, name)), pd.util.hash_pandas_object(getattr(other, name))
        )


@pytest.mark.parametrize("method", METHODS)
def test_who_was_segmented_is_assigned_to_the_same_segment(shop, method):
    found = segment(shop, method=method, clusters=3, replicates=2)
    pd.testing.assert_series_equal(found.assign(shop), found.labels)
    half = shop.iloc[::-2]
    pd.testing.assert_series_equal(found.assign(half), found.labels[half.index])
    assert found.stability.index.tolist() == [3]
    assert found.criteria.empty


@pytest.mark.parametrize("order_by", [None, "recency"])
def test_segments_are_numbered_by_value(shop, order_by):
    found = segment(shop, clusters=4, order_by=order_by, replicates=2)
    means = shop[order_by or "monetary_value"].groupby(found.labels).mean()
    assert means.is_monotonic_decreasing
    assert means.index.tolist() == [1, 2, 3, 4]
    assert found.segments["customers"].tolist() == found.labels.value_counts().sort_index().tolist()


def test_without_a_value_the_largest_segment_comes_first(blobs):
    frame = pd.concat(
        [blobs[0], blobs[0].iloc[:40].set_axis(range(40)), blobs[0].iloc[60:80].set_axis(range(20))]
    )
    assert segment(frame, list(frame), clusters=4, replicates=2).segments["customers"].tolist() == [
        100,
        80,
        60,
        60,
    ]


def test_of_many_customers_some_are_judged_and_that_is_said():
    frame, truth = planted(SAMPLE // 3)
    found = segment(frame, list(frame), tried=(3, 4), method="hierarchical", replicates=2)
    assert (pd.crosstab(truth, found.labels) == SAMPLE // 3).to_numpy().sum() == 4
    assert f"judged on 3,000 of {len(frame):,} customers, drawn with the seed 0" in " ".join(found.notes)


def test_scaling_is_said_in_words_and_undone_by_nobody():
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"money": random.lognormal(6, 2, 400), "age": random.normal(40, 9, 400)})
    frame.loc[:6, "age"] = np.nan
    scaling = Scaling.learn(frame, ["money", "age"])
    x = scaling.apply(frame)
    assert np.allclose(x.mean(axis=0), 0)
    assert np.allclose(x.std(axis=0), 1)
    assert skew(frame["money"]) > 1
    assert scaling.logged.tolist() == [True, False]
    assert "logarithm of 1 + value, as a few are far above the rest: money." in scaling.in_words()[1]
    assert scaling.in_words()[2] == "Where a value is missing the median stands for it: age (7)."
    again = scaling.apply(frame.assign(age=frame["age"].fillna(frame["age"].median())))
    assert (again == x).all()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=30))
def test_jaccard_similarity_is_that_of_sets(pairs):
    given_, again = np.array(pairs).T
    sets = [
        max(
            len(own & other) / len(own | other) if own | other else 0
            for other in (set(np.flatnonzero(again == k)) for k in range(again.max() + 1))
            for own in [set(np.flatnonzero(given_ == group))]
        )
        for group in range(3)
    ]
    assert _jaccard(given_, again, 3).tolist() == pytest.approx(sets)


def test_what_sets_a_segment_apart_comes_first():
    frame = pd.DataFrame({
        "same": [1, 2] * 6, "recency": [5] * 6 + [50] * 6, "frequency": [3, 9, 3, 9, 3, 9, 1, 9, 3, 1, 3, 1],
        "name": "x",
    })  # fmt: skip
    labels = pd.Series([1] * 6 + [2] * 6)
    told = describe_segments(frame, labels)
    assert told[told["segment"] == 1]["column"].tolist() == ["recency", "frequency"]
    first = told.iloc[0]
    assert first[["customers", "share", "value", "all", "measure"]].tolist() == [6, 0.5, 5, 27.5, "median"]
    assert told["difference"].tolist()[0] == pytest.approx(-1)
    alike = describe_segments(frame[["same"]], labels)
    assert alike["column"].isna().all()
    assert word_segments(alike, language("en"))[1] == "6 customers, 50.0% of all, whom nothing sets apart."


def test_a_column_is_told_by_one_statistic_in_all_segments():
    # The second segment's median of orders is that of all, its median of days is not.
    frame = pd.DataFrame({"frequency": [9] * 3 + [1] * 5, "recency": [*range(3), *range(90, 95)]})
    told = describe_segments(frame, pd.Series([1] * 3 + [2] * 5)).set_index(["column", "segment"])
    assert told.loc["frequency", "measure"].tolist() == ["mean", "mean"]
    assert told.loc["frequency", ["value", "all"]].values.tolist() == [[9, 4], [1, 4]]
    assert told.loc["recency", "measure"].tolist() == ["median", "median"]
    assert told.loc["recency", ["value", "all"]].values.tolist() == [[1, 90.5], [92, 90.5]]
    sentence = word_segments(told.reset_index(), language("en"))[2]
    assert sentence == (
        "5 customers, 62.5% of all. Median, theirs against that of all: recency 92.0 days against 90.5. "
        "Mean, theirs against that of all: frequency 1 against 4."
    )


def test_a_segment_is_told_in_both_languages():
    frame = pd.DataFrame({
        "recency": [14] * 3 + [90] * 5, "monetary_value": [120_000] * 3 + [500] * 5,
        "contact_share_email": [0.5] * 3 + [0.25] * 5, "club points": [7] * 3 + [1] * 5,
    })  # fmt: skip
    told = describe_segments(frame, pd.Series([1] * 3 + [2] * 5))
    assert word_segments(told, language("en"), money=lambda amount: f"€{amount / 100:,.0f}")[1] == (
        "3 customers, 37.5% of all. Mean, theirs against that of all: recency 14.0 days against 61.5; "
        "monetary value €1,200 against €453; contact share (email) 50.0% against 34.4%; "
        "club points 7.0 against 3.2."
    )
    persian = word_segments(told, language("fa"))[1]
    assert persian.startswith("۳ مشتری، ۳۷٫۵")
    assert "تازگی ۱۴٫۰ روز در برابر ۶۱٫۵" in persian
    assert re.findall("[A-Za-z]+", persian) == ["club", "points"]


def test_columns_of_a_profile_are_told_in_persian_words(shop):
    found = segment(shop, clusters=4, replicates=2)
    for sentence in word_segments(describe_segments(shop, found.labels, top=40), language("fa")):
        assert set(re.findall("[A-Za-z]+", sentence)) <= {"NPS", "CSAT", "CES"}


def test_equal_days_do_not_drift(shop):
    found = segment(shop, clusters=3, replicates=2)
    drift = segment_drift(shop, shop, found)
    assert (drift.columns["psi"] == 0).all()
    assert set(drift.columns["verdict"]) == {"stable"}
    assert drift.shares.attrs["psi"] == 0
    assert drift.moves.to_numpy().trace() == len(shop) == drift.moves.to_numpy().sum()


def test_drift_and_moves_by_hand():
    before = pd.DataFrame({"segment": [1, 1, 1, 2], "gender": ["f", "f", "m", None]}, index=list("abcd"))
    after = pd.DataFrame({"segment": [1, 2, 2, 2], "gender": ["f", "m", "m", None]}, index=list("bcde"))
    drift = segment_drift(before, after)
    assert drift.moves.to_numpy().tolist() == [[1, 1], [0, 1]]
    assert drift.shares[["before", "after"]].to_numpy().tolist() == [[0.75, 0.25], [0.25, 0.75]]
    # 3 and 1 of 4, with half a customer added: 3.5 and 1.5 of 5.
    assert drift.shares.attrs["psi"] == pytest.approx(2 * (0.7 - 0.3) * np.log(0.7 / 0.3))
    gender = [(2.5 / 5.5, 1.5 / 5.5), (1.5 / 5.5, 2.5 / 5.5)]
    assert drift.columns.loc["gender", "psi"] == pytest.approx(
        sum((a - b) * np.log(a / b) for b, a in gender)
    )
    assert drift.columns.loc["gender", "verdict"] == "somewhat shifted"


def test_a_shift_of_one_deviation_has_the_index_of_its_divergence():
    random = np.random.default_rng(8)
    one, other = (pd.Series(random.normal(mean, 1, 200_000)) for mean in (0, 1))
    # Between normals a deviation apart Jeffreys' divergence is 1; ten classes lose a little of it.
    assert 0.9 < population_stability(one, other) < 1
    assert population_stability(one, pd.Series(random.normal(0, 1, 200_000))) < 0.001
    gaps = other.where(random.uniform(size=len(other)) < 0.5)
    assert population_stability(other, gaps) > 0.25


@given(st.lists(st.one_of(st.none(), st.integers(-3, 9)), min_size=1), st.randoms())
@settings(max_examples=30)
def test_the_order_of_customers_is_no_drift(values, random):
    mixed = random.sample(values, len(values))
    one, other = pd.Series(values, dtype="Int64"), pd.Series(mixed, dtype="Int64")
    assert population_stability(one, other) == 0
    assert population_stability(one.astype("str"), other.astype("str")) == 0


def test_wrong_calls_are_told_in_words(shop):
    with pytest.raises(ParameterError, match="did you mean 'k-means'"):
        segment(shop, method="kmeans")
    with pytest.raises(ParameterError, match="did you mean 'recency'"):
        segment(shop, ["recencey"])
    with pytest.raises(ParameterError, match="gender holds str, not numbers"):
        segment(shop, ["gender"])
    with pytest.raises(ParameterError, match="whole number from 2 to 50, not 1"):
        segment(shop, clusters=1)
    with pytest.raises(ParameterError, match="flat is the same for all"):
        segment(shop.assign(flat=1), ["flat"])
    with pytest.raises(ParameterError, match="none of recency"):
        segment(pd.DataFrame({"a": [1, 2, 3]}))
    with pytest.raises(TableError, match="there are 2"):
        segment(pd.DataFrame({"recency": [1, 2] * 9}), clusters=3)
    with pytest.raises(TableError, match="infinite"):
        segment(pd.DataFrame({"recency": [1, 2, np.inf]}), clusters=2)
    with pytest.raises(ParameterError, match="need a column segment"):
        segment_drift(shop, shop)
    with pytest.raises(ParameterError, match="not indexed like"):
        describe_segments(shop, pd.Series([1]))
