"""Drivers of satisfaction against published weights, brute force and planted weights."""

from itertools import permutations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textbook_data import ATTITUDE, MTCARS, SWISS

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.methods import johnson_weights, shapley_weights
from crmlab.mining.methods.relative_importance import as_correlation, resampled_moments
from crmlab.mining.satisfaction import driver_answers, improve_first, lmg, relative_weights

BOTH = pytest.mark.parametrize("measure", [relative_weights, lmg])
CARS = MTCARS[["cyl", "disp", "hp", "gear"]]
PROVINCES, CLERKS = SWISS.drop(columns="fertility"), ATTITUDE.drop(columns="rating")

#: (measure, drivers, outcome, weights, R2): relaimpo's and rwa's documentation and runs.
PUBLISHED = [
    (relative_weights, CARS, MTCARS["mpg"], [0.2284797, 0.2221469, 0.2321744, 0.0963886], 0.7791896),
    (relative_weights, MTCARS[["cyl", "disp", "hp", "wt"]], MTCARS["mpg"],
     [0.2096904, 0.1883043, 0.1799590, 0.2706812], 0.8486348),
    (relative_weights, PROVINCES, SWISS["fertility"],
     [0.0484169, 0.1547082, 0.2719641, 0.1146800, 0.1169657], 0.7067350),
    (lmg, PROVINCES, SWISS["fertility"],
     [0.0570912, 0.1711730, 0.2601347, 0.1055702, 0.1127659], 0.7067350),
    (relative_weights, CLERKS, ATTITUDE["rating"],
     [0.3627602, 0.0560023, 0.1636109, 0.1217804, 0.0082555, 0.0201927], 0.7326020),
    (lmg, CLERKS, ATTITUDE["rating"],
     [0.3708162, 0.0509038, 0.1557660, 0.1203451, 0.0065887, 0.0281822], 0.7326020),
]  # fmt: skip


@pytest.mark.parametrize(("measure", "ratings", "y", "weights", "r2"), PUBLISHED)
def test_published_weights(measure, ratings, y, weights, r2):
    found = measure(ratings, y)
    assert found["weight"].tolist() == pytest.approx(weights, abs=6e-8)
    assert found.attrs == {"r2": pytest.approx(r2, abs=6e-8), "n": len(y), "left_out": 0}
    assert found.index.tolist() == ratings.columns.tolist()


def test_published_shares_of_mtcars():
    found = 100 * relative_weights(CARS, MTCARS["mpg"])["share"]
    assert found.tolist() == pytest.approx([29.32274, 28.50999, 29.79691, 12.37037], abs=6e-6)


def test_the_airline_survey(public_data):
    answers = pd.read_csv(public_data / "airline_satisfaction" / "airline_passenger_satisfaction.csv.gz")
    ratings = answers.loc[:, "Departure and Arrival Time Convenience":"Baggage Handling"]
    ratings, y = ratings.where(ratings > 0), answers["Satisfaction"] == "Satisfied"
    # Per cent of R2, by Johnson and by LMG.
    published = {
        "Online Boarding": (31.113, 31.114), "In-flight Wifi Service": (10.793, 10.648),
        "Leg Room Service": (8.838, 8.303), "In-flight Entertainment": (7.893, 9.512),
        "Gate Location": (0.764, 0.593),
    }  # fmt: skip
    for place, measure in enumerate([relative_weights, lmg]):
        found = measure(ratings, y)
        assert found.attrs == {"r2": pytest.approx(0.488331, abs=6e-7), "n": 119_567, "left_out": 10_313}
        for driver, shares in published.items():
            assert 100 * found.loc[driver, "share"] == pytest.approx(shares[place], abs=6e-4)


def test_the_oddjob_survey(public_data):
    answers = pd.read_csv(public_data / "oddjob_airline" / "oddjob_airline.csv.gz")
    found = relative_weights(answers[[f"s{number}" for number in range(1, 24)]], answers["overall_sat"])
    assert found.attrs["r2"] == pytest.approx(0.1872339, abs=6e-8)
    assert found.attrs["n"] + found.attrs["left_out"] == 1065
    assert 100 * found.loc[["s23", "s16"], "share"].to_numpy() == pytest.approx([37.14, 9.20], abs=6e-3)


def r_squared(correlation: np.ndarray, chosen: list[int]) -> float:
    inner, outer = correlation[np.ix_(chosen, chosen)], correlation[chosen, -1]
    return float(outer @ np.linalg.lstsq(inner, outer, rcond=None)[0])


def over_all_orders(correlation: np.ndarray) -> np.ndarray:
    """The definition: what each adds when it enters, as the mean over all orders."""
    p = len(correlation) - 1
    added = np.zeros(p)
    for order in permutations(range(p)):
        known = 0.0
        for place, driver in enumerate(order):
            explained = r_squared(correlation, list(order[: place + 1]))
            added[driver] += explained - known
            known = explained
    return added / factorial(p)


def drawn_correlation(p: int, seed: int, rank: int | None = None) -> np.ndarray:
    random = np.random.default_rng(seed)
    factors = random.normal(size=(p + 1, rank or p + 1))
    return as_correlation(factors @ factors.T)


@pytest.mark.parametrize("p", range(1, 6))
def test_lmg_is_the_mean_over_all_orders(p):
    correlation = drawn_correlation(p, p)
    assert shapley_weights(correlation) == pytest.approx(over_all_orders(correlation), abs=1e-12)


def test_lmg_of_dependent_predictors_is_the_mean_over_all_orders():
    # Five predictors and the outcome live in three dimensions.
    correlation = drawn_correlation(5, 3, rank=3)
    assert shapley_weights(correlation) == pytest.approx(over_all_orders(correlation), abs=1e-9)


def test_lmg_in_blocks_is_lmg_at_once(monkeypatch):
    several = np.array([drawn_correlation(9, seed) for seed in range(5)])
    at_once = shapley_weights(several)
    monkeypatch.setattr("crmlab.mining.methods.relative_importance._SUBSETS", 16)
    assert shapley_weights(several) == pytest.approx(at_once, abs=1e-13)
    assert shapley_weights(several[2]) == pytest.approx(at_once[2], abs=1e-13)
    assert shapley_weights(several.reshape(5, 1, 10, 10)).shape == (5, 1, 9)


def test_lmg_of_twenty_exchangeable_predictors():
    # Correlations r among all and s with the outcome: R2 = p s^2 / (1 + (p - 1) r), in equal parts.
    correlation = np.full((21, 21), 0.4)
    correlation[-1, :] = correlation[:, -1] = 0.5
    np.fill_diagonal(correlation, 1)
    assert shapley_weights(correlation) == pytest.approx(0.25 / (1 + 19 * 0.4), rel=1e-12)
    assert johnson_weights(correlation) == pytest.approx(0.25 / (1 + 19 * 0.4), rel=1e-12)


def test_two_drivers_have_the_same_weights_by_both_measures():
    ratings, y = CARS[["cyl", "hp"]], MTCARS["mpg"]
    assert lmg(ratings, y)["weight"].tolist() == pytest.approx(
        relative_weights(ratings, y)["weight"].tolist()
    )


def survey(seed: int, n: int = 60, p: int = 4) -> tuple[pd.DataFrame, pd.Series]:
    random = np.random.default_rng(seed)
    felt = random.normal(size=(n, p)) + random.normal(size=(n, 1))
    ratings = pd.DataFrame(np.clip(np.rint(3 + felt), 1, 5), columns=list("abcdefgh"[:p]))
    return ratings, pd.Series(felt @ random.uniform(-0.3, 1, p) + random.normal(size=n), name="overall")


@BOTH
@given(seed=st.integers(0, 10_000), factor=st.floats(0.01, 100), shift=st.floats(-50, 50))
@settings(max_examples=25)
def test_weights_do_not_depend_on_order_scale_or_copies(measure, seed, factor, shift):
    ratings, y = survey(seed)
    found = measure(ratings, y)
    weight, r2 = found["weight"], found.attrs["r2"]
    assert (weight >= 0).all()
    coefficients, *_ = np.linalg.lstsq(np.column_stack([np.ones(len(ratings)), ratings]), y, rcond=None)
    assert r2 == pytest.approx(1 - np.var(y - coefficients[0] - ratings @ coefficients[1:]) / np.var(y))
    assert weight.sum() == pytest.approx(r2)
    assert found["share"].sum() == pytest.approx(1)
    # Another order of columns and rows, another scale.
    mixed = ratings.sample(frac=1, random_state=seed)[["c", "a", "d", "b"]]
    assert measure(mixed, y[mixed.index])["weight"].to_dict() == pytest.approx(weight.to_dict())
    scaled = ratings.assign(b=ratings["b"] * factor + shift)
    assert measure(scaled, y * 3 - 7)["weight"].to_dict() == pytest.approx(weight.to_dict(), abs=1e-7)
    # A copy shares the weight, and adds nothing.
    copied = measure(ratings.assign(again=ratings["b"]), y)
    assert copied.loc["again", "weight"] == pytest.approx(copied.loc["b", "weight"], abs=1e-9)
    assert copied.attrs["r2"] == pytest.approx(r2)


@BOTH
def test_whole_weights_are_repeated_rows(measure):
    ratings, y = survey(5)
    times = np.random.default_rng(1).integers(1, 4, len(ratings))
    repeated = np.repeat(np.arange(len(ratings)), times)
    weighted = measure(ratings, y, sample_weight=times)
    plain = measure(ratings.iloc[repeated].reset_index(drop=True), y.iloc[repeated].reset_index(drop=True))
    assert weighted["weight"].tolist() == pytest.approx(plain["weight"].tolist())


@BOTH
def test_missing_answers_leave_the_response_out(measure):
    ratings, y = survey(6)
    holed, short = ratings.astype("Int64"), y.copy()
    holed.loc[[3, 7], "a"], short.loc[[7, 9]] = pd.NA, np.nan
    found = measure(holed, short)
    assert (found.attrs["n"], found.attrs["left_out"]) == (57, 3)
    kept = ratings.index.difference([3, 7, 9])
    assert found["weight"].tolist() == pytest.approx(measure(ratings.loc[kept], y[kept])["weight"].tolist())


@pytest.mark.parametrize(("n", "weighted"), [(50, False), (5000, True)])
def test_resampled_moments_are_those_of_samples(n, weighted):
    """Means of many samples' moments, and their spread, as sampling theory has them."""
    random = np.random.default_rng(2)
    values = random.normal(size=(n, 2)) @ [[1, 0.5], [0, 1]]
    weight = random.uniform(0.5, 2, n) if weighted else None
    means, covariances = resampled_moments(values, 4000, 3, weight)
    exact = np.average(values, axis=0, weights=weight)
    centred = values - exact
    share = np.full(n, 1 / n) if weight is None else weight / weight.sum()
    covariance = (centred * share[:, None]).T @ centred
    assert means.mean(axis=0) == pytest.approx(exact, abs=5 / np.sqrt(n * 4000))
    error = (share[:, None] ** 2 * centred**2).sum(axis=0) ** 0.5
    assert means.std(axis=0) == pytest.approx(error, rel=0.05)
    slack = 2 / n + 5 / np.sqrt(n * 4000)
    assert covariances.mean(axis=0) == pytest.approx(covariance, abs=slack * 2)
    product = centred[:, 0] * centred[:, 1] - covariance[0, 1]
    assert covariances[:, 0, 1].std() == pytest.approx((share**2 * product**2).sum() ** 0.5, rel=0.1)


def test_a_resample_of_three_rows_is_one_of_the_27_samples():
    values = np.array([[0.0, 1], [2, -1], [7, 3]])
    means, covariances = resampled_moments(values, 200, 0)
    possible = np.array(
        [
            [*values[list(rows)].mean(axis=0), np.cov(values[list(rows)].T, ddof=0)[0, 1]]
            for rows in np.ndindex(3, 3, 3)
        ]
    )
    drawn = np.column_stack([means, covariances[:, 0, 1]])
    nearest = np.abs(drawn[:, None] - possible).max(axis=2).min(axis=1)
    assert nearest.max() < 1e-12


@BOTH
def test_intervals_are_repeatable_and_hold_the_weights(measure):
    ratings, y = survey(7, n=300)
    found = measure(ratings, y, replicates=200, seed=4)
    assert found.columns.tolist() == ["weight", "share", "low", "high", "share_low", "share_high"]
    assert found.attrs["replicates"] == 200
    assert found["weight"].between(found["low"], found["high"]).all()
    assert found["share"].between(found["share_low"], found["share_high"]).all()
    pd.testing.assert_frame_equal(found, measure(ratings, y, replicates=200, seed=4))
    assert not np.allclose(found["low"], measure(ratings, y, replicates=200, seed=5)["low"])
    narrower = measure(ratings, y, replicates=200, seed=4, level=0.5)
    assert (narrower["high"] - narrower["low"] < found["high"] - found["low"]).all()


def test_intervals_are_those_of_plain_resampling():
    ratings, y = survey(8, n=120)
    found = relative_weights(ratings, y, replicates=3000)
    random, both = np.random.default_rng(0), np.column_stack([ratings, y])
    samples = [both[random.integers(0, 120, 120)] for _ in range(3000)]
    drawn = johnson_weights(np.array([np.corrcoef(sample.T) for sample in samples]))
    plain = np.quantile(drawn, [0.025, 0.975], axis=0)
    assert found["low"].to_numpy() == pytest.approx(plain[0], abs=0.02)
    assert found["high"].to_numpy() == pytest.approx(plain[1], abs=0.02)


def test_intervals_hold_what_is_true_of_the_population():
    """Of 60 surveys of 200 each, some 95 % of the intervals hold the population's weights."""
    random = np.random.default_rng(9)
    mix = np.array([[1, 0.5, 0.3], [0, 0.9, 0.4], [0, 0, 0.8]])
    coefficients = np.array([0.6, 0.4, 0.5])
    population = np.zeros((4, 4))
    population[:3, :3] = mix.T @ mix
    population[-1, :3] = population[:3, -1] = mix.T @ mix @ coefficients
    population[-1, -1] = coefficients @ mix.T @ mix @ coefficients + 1
    truth = johnson_weights(as_correlation(population))
    held = 0
    for draw in range(60):
        ratings = random.normal(size=(200, 3)) @ mix
        found = relative_weights(ratings, ratings @ coefficients + random.normal(size=200), 200, draw)
        held += ((found["low"] <= truth) & (truth <= found["high"])).sum()
    assert 0.9 <= held / 180 <= 0.99


def test_samples_without_variation_of_the_outcome_are_left_out():
    ratings = pd.DataFrame({"a": [1, 2, 3, 4, 5, 6], "b": [2, 1, 2, 1, 2, 2]})
    found = relative_weights(ratings, [1, 0, 0, 0, 0, 0], replicates=500)
    # The single 1 is missing from a third of the samples.
    assert found.attrs["replicates"] == pytest.approx(500 * (1 - (5 / 6) ** 6), abs=50)
    assert found.notna().all(axis=None)


X4, Y4 = survey(11)


@BOTH
@pytest.mark.parametrize(
    ("ratings", "y", "words"),
    [
        (X4.assign(a="good"), Y4, r"driver 'a' holds str, not numbers"),
        (X4.assign(a=np.nan), Y4, r"driver 'a' has no answer at all; leave it out"),
        (X4.assign(a=np.inf), Y4, r"driver 'a' has an infinite answer"),
        (X4.assign(a=3), Y4, r"driver 'a' has the same answer in all 60 complete responses"),
        (X4, Y4 * 0, r"outcome has the same answer in all 60"),
        (X4, Y4 * np.nan, r"outcome 'overall' has no answer at all"),
        (X4.set_axis(list("aabc"), axis=1), Y4, r"Two drivers are called 'a'"),
        (X4.iloc[:5], Y4.iloc[:5], r"Only 5 of 5 responses answer everything; 4 drivers need at least 6"),
        (X4, Y4.iloc[::-1], r"different indexes"),
        (X4, Y4.tolist()[1:], r"one answer for each of the 60 rows of the drivers, not 59 of them"),
        (X4[[]], Y4, r"There is no driver"),
        (X4["a"].tolist(), Y4, r"a frame with one column each"),
        (X4, 3, r"The outcomes are a frame"),
    ],
)
def test_what_cannot_be_weighed_is_said_in_a_sentence(measure, ratings, y, words):
    with pytest.raises(ParameterError, match=words):
        measure(ratings, y)


@BOTH
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"replicates": 1}, "replicates is a whole number"),
        ({"replicates": 0.5}, "replicates is a whole number"),
        ({"level": 95}, "level is a share between 0 and 1"),
        ({"sample_weight": [1] * 59}, "sample_weight is a number above 0 for each of the 60 rows"),
        ({"sample_weight": [0] * 60}, "sample_weight is a number above 0"),
        ({"sample_weight": ["heavy"] * 60}, "sample_weight is a number above 0"),
    ],
)
def test_impossible_settings_are_refused(measure, settings, words):
    with pytest.raises(ParameterError, match=words):
        measure(X4, Y4, **settings)


def test_more_than_24_drivers_have_relative_weights_only():
    random = np.random.default_rng(0)
    ratings, y = random.normal(size=(100, 25)), random.normal(size=100)
    with pytest.raises(ParameterError, match="which 25 have too many of; 24 are the most"):
        lmg(ratings, y)
    with pytest.raises(ParameterError, match="All subsets of 25 predictors"):
        shapley_weights(np.eye(26))
    assert len(relative_weights(ratings, y)) == 25


@pytest.fixture(scope="module")
def sample():
    return crm.sample()


@BOTH
def test_the_planted_weights_lie_inside_the_intervals(sample, measure):
    """The sample plants coefficients of standardised ratings, which sum to 1.

    They are not Johnson's shares of the same model, but with ratings that go together as here the two
    differ by 0.03 at most; so the planted numbers are compared, and the shares that follow from them too.
    """
    ratings, y = driver_answers(sample["surveys"])
    planted = sample["truth"]["drivers"].set_index("driver")["weight"]
    found = measure(ratings, y, replicates=1000).loc[planted.index]
    assert planted.between(found["share_low"], found["share_high"]).all()
    among = ratings[planted.index].corr().to_numpy()
    follows = np.block([[among, (among @ planted.to_numpy())[:, None]], [among @ planted.to_numpy(), 1]])
    weights = {relative_weights: johnson_weights, lmg: shapley_weights}[measure](follows)
    shares = weights / weights.sum()
    assert shares == pytest.approx(planted.to_numpy(), abs=0.03)
    assert ((found["share_low"] <= shares) & (shares <= found["share_high"])).all()


def test_the_planted_weak_driver_is_to_be_improved_first(sample):
    found = improve_first(*driver_answers(sample["surveys"]), replicates=500)
    assert found.index[0] == "delivery"
    assert found.loc["delivery", "quadrant"] == "concentrate here"
    assert found.loc["quality", "quadrant"] == "keep up the good work"
    assert found.loc["delivery", "first"] == found["first"].max() > 0.6
    assert found["first"].sum() == pytest.approx(1)
    assert found["shortfall"].between(found["shortfall_low"], found["shortfall_high"]).all()
    lost = 100 - (found["share"] * found["performance"]).sum()
    assert found["shortfall"].sum() == pytest.approx(lost)


def test_the_persian_sample_says_the_same():
    sample, persian = (crm.sample(customers=200, language=language) for language in ("en", "fa"))
    ratings, y = driver_answers(persian["surveys"])
    names = persian["truth"]["drivers"]["driver"].tolist()
    assert sorted(ratings.columns) == sorted(names)
    english = relative_weights(*driver_answers(sample["surveys"]))
    here = sample["truth"]["drivers"]["driver"].tolist()
    assert relative_weights(ratings, y).loc[names, "weight"].tolist() == pytest.approx(
        english.loc[here, "weight"].tolist()
    )


def test_answers_are_put_on_0_to_100_by_response(sample):
    ratings, y = driver_answers(sample["surveys"])
    rows = sample["surveys"]
    one = rows[rows["response_id"] == ratings.index[0]].set_index("question")
    for driver in ratings.columns:
        assert ratings.loc[ratings.index[0], driver] == 25 * (one.loc[driver, "score"] - 1)
    assert y.name == "All in all, how satisfied are you with us?"
    assert y.iloc[0] == 25 * (one.loc[y.name, "score"] - 1)
    assert ratings.index.is_unique
    assert ratings.index.equals(y.index)
    early, _ = driver_answers(rows, outcome="csat", until="2024-01-01")
    late, _ = driver_answers(rows, outcome=y.name, since="2024-01-01")
    assert sorted([*early.index, *late.index]) == sorted(ratings.index)


def test_driver_answers_take_a_table_as_well(sample):
    for one, other in zip(
        driver_answers(sample["surveys"]), driver_answers(crm.as_table(sample["surveys"])), strict=True
    ):
        assert one.equals(other)


ROWS = pd.DataFrame({
    "response_id": ["1", "1", "1", "2", "2", "2"], "metric": ["item", "item", "csat"] * 2,
    "question": ["price", "staff", "overall"] * 2, "score": [1.0, 2, 3, 4, 5, 5],
    "scale_low": 1.0, "scale_high": 5.0, "respondent": "external",
})  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        (ROWS.drop(columns="question"), TableError, "need a column question"),
        (ROWS.assign(metric="csat"), ParameterError, "There are no ratings of drivers"),
        (ROWS.assign(respondent="internal"), ParameterError, "There are no ratings of drivers"),
        (ROWS.assign(metric="item"), ParameterError, "No other question was asked along"),
        (ROWS.assign(question=["a", "b", "c", "a", "b", "d"]), ParameterError, "Several questions .*: c, d"),
        (ROWS.assign(question=[None, "b", "c"] * 2), TableError, "have no question to tell them by \\(2"),
        (
            ROWS.assign(question=["a", "a", "c"] * 2),
            TableError,
            "more than once in one response \\(2",
        ),
        (ROWS.assign(scale_high=[5, 5, 5, 7, 5, 5]), TableError, "'price' are on more than one scale"),
        (ROWS.assign(scale_high=1.0), TableError, "scale of 'overall' has no length"),
        (ROWS.assign(score=[1, 2, 3, 4, 5, 6]), TableError, "1 of 6 answers lie .* 'overall', .* 1 to 5"),
    ],
)
def test_surveys_that_say_nothing_of_drivers_are_refused(rows, error, words):
    with pytest.raises(error, match=words):
        driver_answers(rows)


def test_an_unknown_outcome_is_refused():
    with pytest.raises(ParameterError, match="answers 'overal'; did you mean 'overall'"):
        driver_answers(ROWS, outcome="overal")


def test_an_answer_that_is_missing_stays_missing():
    ratings, y = driver_answers(ROWS.assign(score=[None, 2, 3, 4, 5, None]))
    assert ratings["price"].isna().tolist() == [True, False]
    assert y.isna().tolist() == [False, True]


def test_improvement_by_hand():
    ratings = pd.DataFrame({"a": [1, 5, 1, 5, 3, 3], "b": [5, 4, 4, 5, 5, 4]})
    found = improve_first(ratings, ratings["a"] + 0.1 * ratings["b"], scale=(1, 5), measure="lmg")
    share = lmg(ratings, ratings["a"] + 0.1 * ratings["b"])["share"]
    assert found.loc["a", ["performance", "shortfall"]].tolist() == [50, pytest.approx(50 * share["a"])]
    assert found.attrs["performance_cut"] == pytest.approx((50 + 87.5) / 2)
    assert found["quadrant"].to_dict() == {"a": "concentrate here", "b": "possible overkill"}
    best_is_1 = improve_first(6 - ratings, ratings["a"] + 0.1 * ratings["b"], scale=(1, 5))
    assert best_is_1.loc["a", "quadrant"] == "check direction"
    assert best_is_1.index[-1] == "a"
    assert np.isnan(best_is_1.loc["a", "shortfall"])


def test_a_rating_outside_the_scale_is_refused():
    with pytest.raises(ParameterError, match="Ratings go from 1 to 5, which are not all on the scale 1 to 4"):
        improve_first(X4, Y4, scale=(1, 4))
    with pytest.raises(ParameterError, match="There is no measure 'shapley'"):
        improve_first(X4, Y4, scale=(1, 5), measure="shapley")


def test_without_items_the_touch_points_rate_and_the_whole_is_the_outcome():
    rows = ROWS.assign(
        metric="csat", touch_point=ROWS["question"].where(ROWS["metric"] == "item").astype("object")
    )
    by_items, by_points = driver_answers(ROWS), driver_answers(rows)
    pd.testing.assert_frame_equal(by_items[0], by_points[0])
    pd.testing.assert_series_equal(by_items[1], by_points[1])
