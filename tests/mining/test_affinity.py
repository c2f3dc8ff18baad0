"""Product affinity against counting by hand, its intervals by simulation, and who is offered what."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.customers import affinity_scores, product_affinity
from crmlab.mining.methods import wilson

LINES = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(1, 3), st.sampled_from(["p", "q", "r", "s", None]),
              st.sampled_from([5, 5, 5, -5])),
    min_size=1, max_size=40,
)  # fmt: skip


def orders_of(lines):
    frame = pd.DataFrame(lines, columns=["customer_id", "order_id", "product_id", "amount"])
    frame["order_id"] = frame["customer_id"] + frame["order_id"].astype("str")
    return frame.astype({"product_id": "str"}).assign(time=pd.Timestamp("2024-01-05"))


def sets_of(orders, within):
    bought = orders[(orders["amount"] > 0) & orders["product_id"].notna()]
    return [set(part) for _, part in bought.groupby(within)["product_id"]]


def by_hand(orders, within, at_least):
    sets = sets_of(orders, within)
    found = []
    for one, other in permutations(sorted(set().union(*sets)), 2):
        a, b = (sum(name in basket for basket in sets) for name in (one, other))
        both, n = sum({one, other} <= basket for basket in sets), len(sets)
        if both >= at_least:
            low, high = wilson(both, a)
            found.append([one, other, a, b, both, both / n, both / a, low, high, both / a / (b / n),
                          both / n - a / n * b / n])  # fmt: skip
    return found


@given(LINES, st.sampled_from(["customer_id", "order_id"]), st.integers(1, 3))
@settings(max_examples=12, deadline=None)
def test_pairs_are_those_counted_by_hand(lines, within, at_least):
    orders = orders_of(lines)
    assume(orders["product_id"].notna().any())
    found = product_affinity(orders, within=within, at_least=at_least)
    expected = by_hand(orders, within, at_least)
    assert found[["product", "other"]].values.tolist() == [row[:2] for row in expected]
    numbers = found.drop(columns=["product", "other", "lift_low", "lift_high"]).to_numpy(dtype=float)
    if expected:
        np.testing.assert_allclose(numbers, np.array([row[2:] for row in expected], dtype=float), atol=1e-12)
    assert (found["lift_low"] <= found["lift"]).all()
    assert (found["lift_high"] >= found["lift"]).all()


@pytest.mark.parametrize("joint", [(0.12, 0.18, 0.28, 0.42), (0.2, 0.1, 0.1, 0.6)])
def test_the_interval_of_the_lift_holds_the_truth_as_often_as_it_says(joint):
    truth = joint[0] / ((joint[0] + joint[1]) * (joint[0] + joint[2]))
    rng, held = np.random.default_rng(3), []
    for _ in range(8):
        # Of one log, fifty pairs of products, each a sample of its own: pNN and qNN.
        cells = rng.choice(4, size=(300, 50), p=joint)
        customer, pair = np.nonzero(cells < 3)
        kind = cells[customer, pair]
        bought = [
            pd.DataFrame({"customer_id": customer[kind != skip], "pair": pair[kind != skip], "kind": name})
            for skip, name in ((2, "p"), (1, "q"))
        ]
        orders = pd.concat(bought).assign(time=pd.Timestamp("2024-01-05"), amount=1)
        orders["product_id"] = orders["kind"] + orders["pair"].astype("str").str.zfill(2)
        silent = pd.DataFrame({"customer_id": range(300), "product_id": "z", "amount": 1,
                               "time": pd.Timestamp("2024-01-05")})  # fmt: skip
        found = product_affinity(pd.concat([orders, silent]))
        same = found[(found["product"].str[0] == "p") & (found["other"] == "q" + found["product"].str[1:])]
        assert len(same) == 50
        held += ((same["lift_low"] <= truth) & (truth <= same["lift_high"])).tolist()
    assert 0.92 <= np.mean(held) <= 0.975


@given(LINES, st.integers(1, 3), st.sampled_from(["low", "confidence", "lift_low", "lift"]))
@settings(max_examples=12, deadline=None)
def test_each_customer_is_offered_what_goes_best_with_what_was_bought(lines, top, by):
    orders = orders_of(lines)
    assume(orders["product_id"].notna().any())
    affinity = product_affinity(orders, at_least=1).assign(lift_low=lambda t: t["lift"])
    found = affinity_scores(orders, affinity, top=top, by=by).set_index("customer_id")
    bought = orders[(orders["amount"] > 0) & orders["product_id"].notna()]
    assert found.index.tolist() == sorted(bought["customer_id"].unique())
    for customer, part in bought.groupby("customer_id"):
        own = set(part["product_id"])
        pairs = affinity[
            affinity["product"].isin(own) & ~affinity["other"].isin(own) & (affinity["lift_low"] > 1)
        ]
        pairs = pairs.sort_values([by, "product"], ascending=[False, True]).drop_duplicates("other")
        pairs = pairs.sort_values([by, "other"], ascending=[False, True]).head(top)
        expected = pairs[["other", by, "product"]].to_numpy().ravel().tolist()
        row = found.loc[customer].tolist()
        assert row[: len(expected)] == expected
        assert pd.isna(row[len(expected) :]).all()
        assert len(row) == 3 * top


def test_planted_companions_are_found_and_offered():
    rng = np.random.default_rng(5)
    tea, cup, soap = (rng.random(400) < share for share in (0.5, 0.3, 0.4))
    pot = tea & (rng.random(400) < 0.7)
    bought = pd.DataFrame({"tea": tea, "pot": pot, "cup": cup, "soap": soap}).rename_axis("customer_id")
    orders = bought.stack().loc[lambda s: s].rename_axis(["customer_id", "product_id"]).reset_index()
    orders = orders.assign(amount=1, time=pd.Timestamp("2024-01-05"))
    affinity = product_affinity(orders)
    surely = affinity[affinity["lift_low"] > 1]
    assert surely[["product", "other"]].values.tolist() == [["pot", "tea"], ["tea", "pot"]]
    scores = affinity_scores(orders, affinity, top=1).set_index("customer_id")
    offered = scores["product_1"].notna()
    assert scores.index[offered].tolist() == bought.index[tea & ~pot].tolist()
    assert set(scores.loc[offered, "product_1"]) == {"pot"}


def test_further_levels_and_other_orders_than_those_the_pairs_come_from():
    orders = orders_of(
        [("a", 1, "p", 5), ("a", 2, "q", 5), ("b", 1, "p", 5), ("b", 1, "q", 5), ("c", 1, "r", 5)]
    )
    orders = orders.assign(category=orders["product_id"].map({"p": 1, "q": 2, "r": 2}))
    found = product_affinity(orders, "category", at_least=1)
    assert found[["product", "other", "both"]].values.tolist() == [[1, 2, 2], [2, 1, 2]]
    affinity = pd.DataFrame({"product": [2], "other": [7], "low": [0.5], "lift_low": [1.5]})
    scores = affinity_scores(orders, affinity, "category", top=1)
    assert scores["product_1"].tolist() == [7, 7, 7]
    mixed = affinity_scores(crm.as_table(orders), affinity, "category", top=1)
    pd.testing.assert_frame_equal(crm.collect(mixed), scores)
    assert product_affinity(orders, at_least=9).empty


def test_orders_that_say_nothing_of_products_are_refused():
    orders = orders_of([("a", 1, "p", 5), ("a", 2, "q", 5)])
    affinity = product_affinity(orders, at_least=1)
    for nothing in (None, pd.array([None, None], dtype="str")):
        untold = orders.assign(product_id=nothing)
        for call in (product_affinity, lambda untold: affinity_scores(untold, affinity)):
            with pytest.raises(TableError, match="No order line says what was bought: the column product_id"):
                call(untold)
    with pytest.raises(TableError, match="There are no order lines"):
        product_affinity(orders.head(0))


@pytest.mark.parametrize(("options", "said"), [
    ({"within": "basket"}, "'customer_id' or 'order_id'"),
    ({"at_least": 0}, "from 1 on"),
    ({"level": "amount"}, "what is bought"),
    ({"confidence_level": 95}, "between 0 and 1"),
])  # fmt: skip
def test_wrong_calls_are_one_sentence(options, said):
    with pytest.raises(ParameterError, match=said):
        product_affinity(orders_of([("a", 1, "p", 5)]), **options)


def test_wrong_calls_for_scores_are_one_sentence():
    orders = orders_of([("a", 1, "p", 5)])
    affinity = product_affinity(orders)
    with pytest.raises(ParameterError, match="did you mean 'lift'"):
        affinity_scores(orders, affinity, by="lifts")
    with pytest.raises(ParameterError, match="from 1 to 100"):
        affinity_scores(orders, affinity, top=0)
    with pytest.raises(TableError, match="need a column brand"):
        product_affinity(orders, "brand")
    with pytest.raises(TableError, match="need a column lift_low"):
        affinity_scores(orders, affinity.drop(columns="lift_low"))
