"""Attribution against paths reckoned by hand, enumerations, simulation and published figures."""

from fractions import Fraction
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.campaigns import attribution
from crmlab.mining.campaigns.attribution import MODELS
from crmlab.mining.methods import apportion, largest_remainder, removal_effects, shapley_values

#: Every rule, with the two worths of sets.
RULES = [*((model, {}) for model in MODELS), ("shapley", {"coalition": "rate"}), ("markov", {"order": 2})]
TIMELESS = [rule for rule in RULES if rule[0] != "time_decay"]

THREE = pd.DataFrame({
    "path": ["c1 > c2 > c3", "c1", "c2 > c3"], "value": [1001, 0, 0], "conversions": [1, 0, 0],
    "lost": [0, 1, 1],
})  # fmt: skip


def log_of(paths: list[tuple[str, int]], worth: int = 1000) -> pd.DataFrame:
    """Campaign events: one customer per path, a touch a day, the conversion an hour after the last one."""
    rows = []
    for number, (path, converted) in enumerate(paths):
        start = pd.Timestamp("2024-01-01") + pd.Timedelta(minutes=number)
        times = [start + pd.Timedelta(days=day) for day in range(len(path))]
        rows += [
            (f"C{number}", time, "sent", f"c{step}", None) for time, step in zip(times, path, strict=True)
        ]
        if converted:
            end = times[-1] + pd.Timedelta(hours=1)
            rows.append((f"C{number}", end, "converted", None, worth + number))
    return pd.DataFrame(rows, columns=["customer_id", "time", "event", "channel", "value"]).astype(
        {"value": "Int64"}
    )


def shares(found: pd.DataFrame) -> dict[str, float]:
    return dict(zip(found["channel"], found["share"], strict=True))


def test_three_paths_by_removal_effects():
    for given_ in (THREE, log_of([("123", 1), ("1", 0), ("23", 0)])):
        found = attribution(given_, "markov").set_index("channel").sort_index()
        assert found["removal_effect"].tolist() == pytest.approx([0.5, 1, 1], abs=1e-12)
        assert found["share"].tolist() == pytest.approx([0.2, 0.4, 0.4], abs=1e-12)
        assert attribution(given_, "markov").attrs["conversion_probability"] == pytest.approx(1 / 3)
    # 1001 cents: 200.2, 400.4, 400.4.
    assert attribution(THREE, "markov").set_index("channel")["value"].to_dict() == {
        "c1": 200,
        "c2": 401,
        "c3": 400,
    }


def test_rules_by_hand():
    log = log_of([("123", 1), ("12", 1), ("4", 1), ("1321", 1), ("3", 0)])
    by_hand = {
        "first": {"c1": 3, "c2": 0, "c3": 0, "c4": 1},
        "last": {"c1": 1, "c2": 1, "c3": 1, "c4": 1},
        "linear": {"c1": 1 / 3 + 1 / 2 + 1 / 2, "c2": 1 / 3 + 1 / 2 + 1 / 4, "c3": 1 / 3 + 1 / 4, "c4": 1},
        "position": {"c1": 0.4 + 0.5 + 0.8, "c2": 0.2 + 0.5 + 0.1, "c3": 0.4 + 0.1, "c4": 1},
        # Weights 1/4, 1/2, 1; 1/2, 1; 1; 1/8, 1/4, 1/2, 1 where a day is a half-life.
        "time_decay": {
            "c1": 1 / 7 + 1 / 3 + 9 / 15,
            "c2": 2 / 7 + 2 / 3 + 4 / 15,
            "c3": 4 / 7 + 2 / 15,
            "c4": 1,
        },
        "shapley": {"c1": 1 / 3 + 1 / 2 + 1 / 3, "c2": 1 / 3 + 1 / 2 + 1 / 3, "c3": 2 / 3, "c4": 1},
    }
    for model, expected in by_hand.items():
        found = attribution(log, model, half_life=1.0)
        assert dict(zip(found["channel"], found["conversions"], strict=True)) == pytest.approx(
            expected, abs=1e-8
        )
        assert found["value"].sum() == 1000 + 1001 + 1002 + 1003
    money = attribution(log, "last").set_index("channel")["value"].to_dict()
    assert money == {"c3": 1000, "c2": 1001, "c4": 1002, "c1": 1003}
    ends = attribution(log, "position", ends=(0.5, 0.25)).set_index("channel")["conversions"]
    assert ends["c1"] == pytest.approx(0.5 + 2 / 3 + 0.75)


journeys_of = st.lists(
    st.tuples(st.text("1234", min_size=1, max_size=5), st.integers(0, 1)), min_size=1, max_size=20
)


@settings(max_examples=3)
@given(journeys_of)
def test_conversions_and_money_are_conserved(paths):
    log = log_of(paths, worth=997)
    converted = sum(end for _, end in paths)
    for model, options in RULES:
        found = attribution(log, model, **options)
        assert found.attrs["conversions"] == converted
        assert found["value"].dtype == "int64"
        assert found["touches"].sum() == sum(len(path) for path, _ in paths)
        # A rate of nothing may be all that a set brings: its share is of nothing.
        if converted:
            assert found["share"].sum() == pytest.approx(1)
            assert found["conversions"].sum() == pytest.approx(converted)
            assert found["value"].sum() == log["value"].sum()
        else:
            assert found["share"].isna().all()
            assert found["value"].tolist() == [0] * len(found)


@settings(max_examples=2)
@given(journeys_of)
def test_neither_order_of_rows_nor_form_of_input_matters(paths):
    log = log_of(paths)
    mixed = log.sample(frac=1, random_state=1)
    table = pd.DataFrame({
        "path": [[f"c{step}" for step in path] for path, _ in paths],
        "conversions": [end for _, end in paths],
        "lost": [1 - end for _, end in paths],
        "value": [end * (1000 + n) for n, (_, end) in enumerate(paths)],
    })  # fmt: skip
    for model, options in RULES:
        found = attribution(log, model, **options)
        pd.testing.assert_frame_equal(found, attribution(mixed, model, **options), check_exact=True)
        if model != "time_decay":
            pd.testing.assert_frame_equal(found, attribution(table, model, **options), check_exact=True)


@pytest.mark.parametrize(("model", "options"), TIMELESS)
def test_channels_that_play_the_same_part_get_the_same(model, options):
    paths = [("12", 1), ("21", 1), ("1", 0), ("2", 0), ("13", 1), ("23", 1), ("31", 0), ("32", 0)]
    found = shares(attribution(log_of(paths), model, **options))
    assert found["c1"] == found["c2"]


def by_simulation(paths: list[tuple[str, int]], removed: str | None, draws: int = 40_000) -> float:
    """Chance of a conversion in a Markov chain walked through at random."""
    steps: dict[str, list[str]] = {}
    for path, converted in paths:
        for one, other in zip(("start", *path), (*path, "converted" if converted else "lost"), strict=True):
            steps.setdefault(one, []).append(other)
    random, good = np.random.default_rng(0), 0
    for _ in range(draws):
        state = "start"
        while state in steps:
            state = steps[state][random.integers(len(steps[state]))]
            state = "lost" if state == removed else state
        good += state == "converted"
    return good / draws


def test_removal_effects_are_those_of_a_walk():
    paths = [("121", 1), ("123", 0), ("3", 1), ("2213", 1), ("31", 0), ("2", 0)]
    found = attribution(log_of(paths), "markov")
    whole = by_simulation(paths, None)
    assert found.attrs["conversion_probability"] == pytest.approx(whole, abs=0.01)
    for channel, effect in zip(found["channel"], found["removal_effect"], strict=True):
        assert effect == pytest.approx(1 - by_simulation(paths, channel[1]) / whole, abs=0.02)


def test_with_a_high_order_only_journeys_that_touch_a_channel_are_lost():
    paths = [("121", 1), ("123", 0), ("3", 1), ("2213", 1), ("31", 0), ("2", 0), ("12", 1)]
    found = attribution(log_of(paths), "markov", order=4).set_index("channel")["removal_effect"]
    # The chain remembers all, so that without a channel the conversions that touched it are lost.
    assert found.to_dict() == pytest.approx({"c1": 3 / 4, "c2": 3 / 4, "c3": 2 / 4})
    assert attribution(log_of(paths), "markov", order=4).attrs["conversion_probability"] == pytest.approx(
        4 / 7
    )


def by_orders(worth: dict[frozenset, float], players: str) -> dict[str, float]:
    """Shapley's value from all orders."""
    orders = list(permutations(players))
    value = dict.fromkeys(players, 0.0)
    for order in orders:
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            value[player] += (worth[before | {player}] - worth[before]) / len(orders)
    return value


@pytest.mark.parametrize("coalition", ["conversions", "rate"])
def test_shapleys_value_is_the_mean_over_all_orders(coalition):
    random = np.random.default_rng(5)
    paths = [
        ("".join(random.choice(list("12345"), random.integers(1, 5))), int(random.integers(2)))
        for _ in range(60)
    ]
    worth = {}
    for size in range(6):
        for chosen in combinations("12345", size):
            inside = [end for path, end in paths if set(path) <= set(chosen)]
            worth[frozenset(chosen)] = sum(inside) / (len(inside) or 1 if coalition == "rate" else 1)
    expected = by_orders(worth, "12345")
    whole = sum(expected.values())
    found = shares(attribution(log_of(paths), "shapley", coalition=coalition))
    assert found == pytest.approx(
        {f"c{player}": value / whole for player, value in expected.items()}, abs=1e-9
    )


def test_shapley_values_of_any_game():
    random = np.random.default_rng(3)
    worth = random.normal(size=16)
    table = {frozenset(p for p in "abcd" if mask >> "abcd".index(p) & 1): worth[mask] for mask in range(16)}
    assert shapley_values(worth).tolist() == pytest.approx(list(by_orders(table, "abcd").values()))
    # Gloves: one left, two right; a pair is worth 1.
    gloves = [0, 0, 0, 1, 0, 1, 0, 1]
    assert shapley_values(gloves).tolist() == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    assert shapley_values([0.0]).tolist() == []
    with pytest.raises(ParameterError, match="2, 4, 8"):
        shapley_values([0, 1, 2])


def test_twelve_channels_are_no_burden():
    random = np.random.default_rng(8)
    names = [f"c{number:02}" for number in range(12)]
    paths = pd.DataFrame({"path": [list(random.choice(names, random.integers(1, 9))) for _ in range(500)],
                          "conversions": random.integers(0, 3, 500), "lost": 1})  # fmt: skip
    assert attribution(paths, "shapley", coalition="rate")["share"].sum() == pytest.approx(1)
    more = pd.DataFrame({"path": [[f"c{n}" for n in range(17)]], "conversions": [1]})
    with pytest.raises(ParameterError, match="All sets of 17 channels are too many"):
        attribution(more, "shapley", coalition="rate")
    assert attribution(more, "shapley")["share"].tolist() == pytest.approx([1 / 17] * 17)


def test_a_second_conversion_begins_a_journey_of_its_own():
    day = pd.Timestamp("2024-01-01")
    rows = [("1", 0, "sent", "mail", None), ("1", 1, "converted", None, 100), ("1", 2, "sent", "phone", None),
            ("1", 2, "converted", None, 50), ("1", 3, "converted", None, 7), ("1", 4, "sent", "web", None),
            ("2", 0, "converted", None, 30), ("2", 1, "sent", "web", None)]  # fmt: skip
    log = pd.DataFrame(rows, columns=["customer_id", "day", "event", "channel", "value"])
    log["time"] = day + pd.to_timedelta(log["day"], unit="D")
    log["value"] = log["value"].astype("Int64")
    found = attribution(log, "linear").set_index("channel")
    assert found["value"].to_dict() == {"mail": 100, "phone": 50, "web": 0}
    attrs = attribution(log, "linear").attrs
    assert (attrs["conversions"], attrs["without_touch"], attrs["value_without_touch"]) == (2, 2, 37)


def test_before_anything_was_sent_or_bought():
    log = log_of([("12", 1)])
    idle = attribution(log[log["event"] == "sent"], "linear")
    assert idle["touches"].tolist() == [1, 1]
    assert idle["conversions"].tolist() == [0, 0]
    for model, options in RULES:
        nothing = attribution(log[log["event"] == "converted"], model, **options)
        assert nothing.empty
        assert (nothing.attrs["conversions"], nothing.attrs["without_touch"]) == (0, 1)


def test_what_lies_too_far_back_does_not_count():
    log = log_of([("1234", 1), ("12", 0)])
    # The conversion comes an hour after the last touch; 1 and 2 are three and two days before that.
    found = attribution(log, "linear", lookback=1.5).set_index("channel")
    assert found["conversions"].to_dict() == {"c3": 0.5, "c4": 0.5, "c1": 0, "c2": 0}
    assert found["touches"].to_dict() == {"c3": 1, "c4": 1, "c1": 1, "c2": 1}


def test_interactions_and_orders():
    data = crm.sample(customers=150, seed=2)
    orders, interactions = data["orders"], data["interactions"]
    found = attribution(interactions, "markov", conversions=orders, lookback=30)
    attrs = found.attrs
    assert attrs["conversions"] + attrs["without_touch"] == orders["order_id"].nunique()
    assert attrs["value"] + attrs["value_without_touch"] == orders["amount"].sum() == found["value"].sum() + (
        attrs["value_without_touch"]
    )  # fmt: skip
    assert attrs["left_out"] == (interactions["customer_id"].isna() | interactions["channel"].isna()).sum()
    table = attribution(crm.as_table(interactions), "markov", conversions=crm.as_table(orders), lookback=30)
    pd.testing.assert_frame_equal(found, table, check_exact=True)


def test_largest_remainders():
    assert apportion(1001, [0.2, 0.4, 0.4]) == [200, 401, 400]
    assert apportion(-7, [1, 1, 1]) == [-2, -2, -3]
    assert apportion(0, [0, 0]) == [0, 0]
    with pytest.raises(ParameterError, match="cannot be parted"):
        apportion(5, [0, 0])
    with pytest.raises(ParameterError, match="no whole number"):
        largest_remainder([Fraction(1, 2)])


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**9), min_size=1, max_size=20).filter(any))
def test_parts_sum_and_stay_near(total, weights):
    parts = apportion(total, weights)
    assert sum(parts) == total
    assert all(
        abs(part - Fraction(total * w, sum(weights))) < 1 for part, w in zip(parts, weights, strict=True)
    )


def test_too_many_states():
    with pytest.raises(ParameterError, match="more than 3,000; take a lower order"):
        removal_effects(dict.fromkeys(range(3001), 1), {}, {}, {})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": "liner"}, "no model 'liner' of attribution; did you mean 'linear'"),
        ({"half_life": 0}, "half_life is a number of days above 0"),
        ({"order": 0}, "order is a whole number from 1"),
        ({"order": 1.5}, "order is a whole number from 1"),
        ({"coalition": "all"}, "coalition is 'conversions' or 'rate'"),
        ({"ends": (0.7, 0.7)}, r"shares of the first and the last touch, such as \(0.4, 0.4\)"),
        ({"ends": (1,)}, "shares of the first and the last touch"),
        ({"lookback": -1}, "lookback is a number of days"),
        ({"touches": "send"}, "no events 'send' in the log; did you mean 'sent'"),
        ({"conversion": "bought"}, "no events 'bought' in the log"),
    ],
)
def test_wrong_calls(options, sentence):
    with pytest.raises(ParameterError, match=sentence):
        attribution(log_of([("12", 1)]), **options)


def test_wrong_tables():
    log = log_of([("12", 1)])
    with pytest.raises(TableError, match="Touches need a column channel"):
        attribution(log.drop(columns="channel"))
    with pytest.raises(TableError, match="need a column event.* conversions as a table of their own"):
        attribution(log.drop(columns="event"))
    with pytest.raises(TableError, match="Conversions need a column time"):
        attribution(log, conversions=pd.DataFrame({"customer_id": ["C0"]}))
    with pytest.raises(TableError, match="whole numbers of minor units"):
        attribution(log.assign(value=log["value"].astype(float)))
    with pytest.raises(ParameterError, match="needs the time of each touch"):
        attribution(THREE, "time_decay")
    with pytest.raises(TableError, match="Paths need a column conversions"):
        attribution(THREE.drop(columns="conversions"))
    with pytest.raises(TableError, match="lost of paths holds whole numbers from 0; rows 1 do not") as caught:
        attribution(THREE.assign(lost=[0, -1, 1]))
    assert caught.value.rows == [1]
    with pytest.raises(TableError, match="one channel or more; rows 1 have none"):
        attribution(THREE.assign(path=["a", " > ", "b"]))
    with pytest.raises(TableError, match="without conversions brings no value; rows 2"):
        attribution(THREE.assign(value=[1, 0, 5]))
