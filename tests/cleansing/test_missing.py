"""Missing data: counted against slow counts, tested against published and slow values, filled in openly."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer

import crmlab as crm
from crmlab.cleansing import impute, little_mcar_test, missing_pattern
from crmlab.cleansing.ledger import Ledger
from crmlab.errors import ParameterError, TableError

#: Air quality in New York, May to September 1973 (Chambers et al. 1983; `airquality` in R).
AIR = {
    "Ozone": """
        41 36 12 18 . 28 23 19 8 . 7 16 11 14 18 14 34 6 30 11 1 11 4 32 . . . 23 45 115 37 . . . . . . 29 .
        71 39 . . 23 . . 21 37 20 12 13 . . . . . . . . . . 135 49 32 . 64 40 77 97 97 85 . 10 27 . 7 48 35
        61 79 63 16 . . 80 108 20 52 82 50 64 59 39 9 16 78 35 66 122 89 110 . . 44 28 65 . 22 59 23 31 44
        21 9 . 45 168 73 . 76 118 84 85 96 78 73 91 47 32 20 23 21 24 44 21 28 9 13 46 18 13 24 16 13 23 36
        7 14 30 . 14 18 20
    """,
    "Solar": """
        190 118 149 313 . . 299 99 19 194 . 256 290 274 65 334 307 78 322 44 8 320 25 92 66 266 . 13 252 223
        279 286 287 242 186 220 264 127 273 291 323 259 250 148 332 322 191 284 37 120 137 150 59 91 250 135
        127 47 98 31 138 269 248 236 101 175 314 276 267 272 175 139 264 175 291 48 260 274 285 187 220 7
        258 295 294 223 81 82 213 275 253 254 83 24 77 . . . 255 229 207 222 137 192 273 157 64 71 51 115
        244 190 259 36 255 212 238 215 153 203 225 237 188 167 197 183 189 95 92 252 220 230 259 236 259 238
        24 112 237 224 27 238 201 238 14 139 49 20 193 145 191 131 223
    """,
    "Wind": """
        7.4 8.0 12.6 11.5 14.3 14.9 8.6 13.8 20.1 8.6 6.9 9.7 9.2 10.9 13.2 11.5 12.0 18.4 11.5 9.7 9.7 16.6
        9.7 12.0 16.6 14.9 8.0 12.0 14.9 5.7 7.4 8.6 9.7 16.1 9.2 8.6 14.3 9.7 6.9 13.8 11.5 10.9 9.2 8.0
        13.8 11.5 14.9 20.7 9.2 11.5 10.3 6.3 1.7 4.6 6.3 8.0 8.0 10.3 11.5 14.9 8.0 4.1 9.2 9.2 10.9 4.6
        10.9 5.1 6.3 5.7 7.4 8.6 14.3 14.9 14.9 14.3 6.9 10.3 6.3 5.1 11.5 6.9 9.7 11.5 8.6 8.0 8.6 12.0 7.4
        7.4 7.4 9.2 6.9 13.8 7.4 6.9 7.4 4.6 4.0 10.3 8.0 8.6 11.5 11.5 11.5 9.7 11.5 10.3 6.3 7.4 10.9 10.3
        15.5 14.3 12.6 9.7 3.4 8.0 5.7 9.7 2.3 6.3 6.3 6.9 5.1 2.8 4.6 7.4 15.5 10.9 10.3 10.9 9.7 14.9 15.5
        6.3 10.9 11.5 6.9 13.8 10.3 10.3 8.0 12.6 9.2 10.3 10.3 16.6 6.9 13.2 14.3 8.0 11.5
    """,
    "Temp": """
        67 72 74 62 56 66 65 59 61 69 74 69 66 68 58 64 66 57 68 62 59 73 61 61 57 58 57 67 81 79 76 78 74
        67 84 85 79 82 87 90 87 93 92 82 80 79 77 72 65 73 76 77 76 76 76 75 78 73 80 77 83 84 85 81 84 83
        83 88 92 92 89 82 73 81 91 80 81 82 84 87 85 74 81 82 86 85 82 86 88 86 83 81 81 81 82 86 85 87 89
        90 90 92 86 86 82 80 79 77 79 76 78 78 77 72 75 79 81 86 88 97 94 96 94 91 92 93 93 87 84 80 78 75
        73 81 76 77 71 71 78 67 76 68 82 64 71 81 69 63 70 77 75 76 68
    """,
}


def airquality() -> pd.DataFrame:
    """The 153 days with the columns of R's data set."""
    columns = {
        name: [np.nan if cell == "." else float(cell) for cell in text.split()] for name, text in AIR.items()
    }
    days = pd.date_range("1973-05-01", "1973-09-30")
    return pd.DataFrame(columns).assign(Month=days.month, Day=days.day)


def gappy(seed: int, rows: int = 200, columns: int = 4, share: float = 0.2) -> pd.DataFrame:
    """Correlated normal columns with gaps by chance."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(columns, columns)) + 2 * np.eye(columns)
    values = rng.normal(size=(rows, columns)) @ mixing * 10 + 100
    return pd.DataFrame(values, columns=list("abcdefgh")[:columns]).mask(rng.random(values.shape) < share)


# What is missing together

CELLS = st.sampled_from(["x", "", None])


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=30), st.booleans())
@settings(max_examples=60, deadline=None)
def test_patterns_are_those_that_counting_row_by_row_finds(rows, in_engine):
    frame = pd.DataFrame(rows, columns=["a", "b", "c"], dtype="str")
    found = missing_pattern(crm.as_table(frame) if in_engine else frame)
    counted = Counter(
        tuple(name for name, cell in zip("abc", row, strict=True) if cell is None) for row in rows
    )
    assert dict(zip(found.patterns["missing"], found.patterns["rows"], strict=True)) == counted
    assert found.patterns["rows"].is_monotonic_decreasing
    assert found.columns["rows"].to_dict() == {
        name: sum(row[place] is None for row in rows) for place, name in enumerate("abc")
    }
    if rows:
        assert found.patterns["share"].sum() == pytest.approx(1)
        assert (found.columns["share"] * len(rows)).round(9).tolist() == found.columns["rows"].tolist()


def test_equally_frequent_patterns_come_with_fewest_gaps_first_and_then_in_the_order_of_columns():
    frame = pd.DataFrame({"a": [1, None, 1, None], "b": [1, 1, None, None]})
    assert missing_pattern(frame).patterns["missing"].tolist() == [(), ("a",), ("b",), ("a", "b")]
    assert missing_pattern(crm.as_table(frame)).patterns["missing"].tolist() == [
        (), ("a",), ("b",), ("a", "b")
    ]  # fmt: skip


def test_numbers_that_are_none_count_as_missing_in_the_engine_too():
    import ibis

    table = ibis.memtable({"x": [1.0, float("nan"), None], "y": ["a", None, "b"]})
    assert missing_pattern(table).columns["rows"].to_dict() == {"x": 2, "y": 1}


def test_a_table_without_rows_has_no_pattern():
    found = missing_pattern(pd.DataFrame({"a": pd.Series(dtype="str")}))
    assert len(found.patterns) == 0
    assert found.columns.to_dict("index") == {"a": {"rows": 0, "share": 0.0}}


# Little's test


def test_the_air_of_new_york_gives_the_published_value():
    # naniar 1.1.0 (R) has 35.1061289, 14, 0.00141778, 4; its EM stops at a relative change of 1e-4.
    found = little_mcar_test(airquality())
    assert found.statistic == pytest.approx(35.1061289, rel=5e-6)
    assert (found.degrees_of_freedom, found.patterns, found.rows) == (14, 4, 153)
    assert found.p_value == pytest.approx(0.00141778, rel=5e-5)


def slow_test(values: np.ndarray) -> tuple[float, int]:
    """Little's statistic, one row at a time: the textbook's E step, then the sum over patterns."""
    values = values[~np.isnan(values).all(axis=1)]
    rows, width = values.shape
    mean, covariance = np.nanmean(values, axis=0), np.diag(np.nanvar(values, axis=0))
    for _ in range(3000):
        filled, extra = values.copy(), np.zeros((width, width))
        for row in filled:
            gap = np.isnan(row)
            inverse = np.linalg.inv(covariance[~gap][:, ~gap])
            across = covariance[gap][:, ~gap]
            row[gap] = mean[gap] + across @ inverse @ (row[~gap] - mean[~gap])
            extra[np.ix_(gap, gap)] += covariance[gap][:, gap] - across @ inverse @ across.T
        before, mean = covariance, filled.mean(axis=0)
        covariance = (np.cov(filled.T, bias=True) * rows + extra) / rows
        if np.abs(covariance - before).max() < 1e-10:
            break
    patterns = {}
    for row in values:
        patterns.setdefault(tuple(~np.isnan(row)), []).append(row)
    statistic, freedom = 0.0, -width
    for has, members in patterns.items():
        has = np.array(has)
        apart = np.mean(members, axis=0)[has] - mean[has]
        statistic += len(members) * apart @ np.linalg.inv(covariance[has][:, has]) @ apart
        freedom += has.sum()
    return statistic, freedom


@pytest.mark.parametrize("seed", range(4))
def test_the_statistic_is_that_of_a_slow_implementation(seed):
    frame = gappy(seed, rows=60, columns=3, share=0.25)
    statistic, freedom = slow_test(frame.to_numpy())
    found = little_mcar_test(frame)
    assert found.statistic == pytest.approx(statistic, rel=1e-6)
    assert found.degrees_of_freedom == freedom


@given(st.integers(0, 10_000), st.permutations(range(4)))
@settings(max_examples=25, deadline=None)
def test_units_and_the_order_of_rows_and_columns_do_not_count(seed, order):
    frame = gappy(seed)
    other = (
        (frame * [1, 1000, 0.01, -3] + [0, 5e4, 1, 7]).iloc[:, list(order)].sample(frac=1, random_state=seed)
    )
    one, two = little_mcar_test(frame), little_mcar_test(other)
    assert one.statistic == pytest.approx(two.statistic, rel=1e-5)
    assert one[1:2] + one[3:] == two[1:2] + two[3:]


def test_by_chance_alone_it_finds_something_in_one_case_of_twenty():
    frames = (gappy(seed, rows=150, columns=3, share=0.1) for seed in range(400))
    values = np.array([little_mcar_test(frame).p_value for frame in frames])
    # Five standard errors of a share of 400 on either side.
    assert abs((values < 0.05).mean() - 0.05) < 5 * np.sqrt(0.05 * 0.95 / 400)
    assert abs((values < 0.5).mean() - 0.5) < 5 * np.sqrt(0.25 / 400)


def test_gaps_that_depend_on_another_column_are_found():
    found = []
    for seed in range(50):
        frame = gappy(seed, rows=400, share=0)
        rng = np.random.default_rng(seed)
        likely = 1 / (1 + np.exp(-(frame["a"] - frame["a"].mean()) / frame["a"].std()))
        frame["b"] = frame["b"].mask(rng.random(len(frame)) < likely * 0.6)
        found.append(little_mcar_test(frame).p_value < 0.05)
    assert np.mean(found) > 0.95


def test_rows_without_any_value_tell_nothing():
    frame = gappy(1)
    more = pd.concat([frame, pd.DataFrame(np.nan, index=range(7), columns=frame.columns)])
    assert little_mcar_test(more) == little_mcar_test(frame)


def test_without_a_gap_there_is_nothing_to_test():
    found = little_mcar_test(gappy(1, share=0))
    assert (found.statistic, found.degrees_of_freedom, found.patterns) == (0.0, 0, 1)
    assert np.isnan(found.p_value)


def test_numbers_of_every_type_are_taken():
    frame = gappy(3).round()
    assert little_mcar_test(frame.astype("Int64")) == little_mcar_test(frame)
    assert little_mcar_test(frame.astype("Float64")) == little_mcar_test(frame)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"c": "x"}, "Little's test takes columns of numbers; c is of type str."),
        ({"c": True}, "Little's test takes columns of numbers; c is of type bool."),
        ({"c": 5.0}, "The column c has fewer than two distinct values, so that nothing can be told from it; "
                     "leave it out."),
        ({"c": np.nan}, "The column c has fewer than two distinct values"),
        ({"c": np.inf}, "Little's test takes finite numbers; c holds infinite ones."),
        ({"c": lambda f: 2 * f["a"] - 1}, "The columns a, b, c, d determine one another, or 199 rows are too "
                                          "few for them; leave out columns that follow from others."),
        ({"c": lambda f: (f["a"] + f["b"]).mask(f.index % 3 == 0)}, "The columns a, b, c, d determine"),
    ],
)  # fmt: skip
def test_columns_that_cannot_be_tested_are_one_sentence(change, said):
    with pytest.raises(ParameterError) as error:
        little_mcar_test(gappy(0).assign(**change))
    assert str(error.value).startswith(said)


def test_too_few_rows_are_one_sentence():
    for rows in (2, 3, 4):
        frame = pd.DataFrame(np.random.default_rng(rows).normal(size=(rows, 4)), columns=list("abcd"))
        frame.iloc[0, 0] = np.nan
        with pytest.raises(ParameterError, match="determine one another|fewer than two"):
            little_mcar_test(frame)


def test_an_estimate_that_does_not_settle_is_one_sentence():
    with pytest.raises(ParameterError, match="does not settle within 3 steps: too much is missing"):
        little_mcar_test(gappy(0), max_iter=3)


# Filling in

METHODS = ["mean", "median", "most frequent", "knn", "iterative"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float64", "Int64", "Float64"])
def test_only_gaps_are_filled_in_and_every_one_is_marked(method, dtype):
    frame = gappy(5, rows=80).round().astype(dtype).assign(name="x", e=None)
    before = frame.copy()
    filled, imputed = impute(frame, ["a", "c"], method, predictors=() if method == "mean" else ["b"])
    pd.testing.assert_frame_equal(frame, before)
    assert imputed.equals(frame[["a", "c"]].isna())
    assert filled["a_imputed"].equals(frame["a"].isna())
    assert filled["c_imputed"].dtype == bool
    assert not filled[["a", "c"]].isna().any().any()
    kept = ~imputed["a"]
    assert filled.loc[kept, "a"].equals(frame.loc[kept, "a"])
    assert filled[frame.columns].dtypes.equals(frame.dtypes)
    pd.testing.assert_frame_equal(filled[["b", "d", "name", "e"]], frame[["b", "d", "name", "e"]])
    assert list(filled) == [*frame, "a_imputed", "c_imputed"]
    again, _ = impute(frame, ["a", "c"], method, predictors=() if method == "mean" else ["b"])
    pd.testing.assert_frame_equal(again, filled)


@pytest.mark.parametrize("method", ["mean", "median", "most frequent"])
@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_a_column_s_own_values_are_filled_in_as_scikit_learn_does(method, seed):
    frame = gappy(seed, rows=30).round(-1)
    filled, _ = impute(frame, list(frame), method)
    expected = SimpleImputer(strategy=method.replace(" ", "_")).fit_transform(frame)
    np.testing.assert_allclose(filled[list(frame)].to_numpy(), expected)


def test_the_most_frequent_value_of_any_type():
    day = pd.Timestamp("2024-08-02")
    frame = pd.DataFrame(
        {
            "city": pd.Series(["تهران", None, "تهران", "Rom"], dtype="str"),
            "at": pd.Series([day, None, day, None], dtype="datetime64[us]"),
            "given": pd.Series([None, True, False, None], dtype="boolean"),
            "large": pd.Series([2**62 + 1, None, 2**62 + 1, 0], dtype="Int64"),
        }
    )
    filled, _ = impute(frame, list(frame), "most frequent")
    assert filled.loc[1, "city"] == "تهران"
    assert filled.loc[3, "at"] == day
    assert filled["given"].tolist() == [False, True, False, False]
    assert filled.loc[1, "large"] == 2**62 + 1
    assert filled[list(frame)].dtypes.equals(frame.dtypes)


def test_what_was_filled_in_once_stays_marked():
    frame = pd.DataFrame({"a": [1.0, None, 3.0, 4.0]})
    once, _ = impute(frame, ["a"])
    once.loc[0, "a"] = None
    twice, imputed = impute(once, ["a"], "mean")
    assert twice["a_imputed"].tolist() == imputed["a"].tolist() == [True, True, False, False]


def test_other_columns_tell_more_than_the_column_itself():
    rng = np.random.default_rng(4)
    whole = pd.DataFrame({"a": rng.normal(50, 10, 400)}).assign(
        b=lambda f: 1000 * f["a"] + rng.normal(0, 500, 400)
    )
    gaps = rng.random(400) < 0.3
    frame = whole.assign(b=whole["b"].mask(gaps))
    apart = {
        method: (impute(frame, ["b"], method, predictors=["a"])[0]["b"] - whole["b"])[gaps].std()
        for method in ("mean", "knn", "iterative")
    }
    assert apart["knn"] < 0.2 * apart["mean"]
    assert apart["iterative"] < 0.2 * apart["mean"]


def test_draws_keep_the_spread_that_means_lose_and_differ_by_seed_alone():
    frame = gappy(8, rows=600, columns=2, share=0.4)
    spread = frame["a"].std()
    columns = ["a", "b"]
    assert impute(frame, columns, "mean")[0]["a"].std() < 0.85 * spread
    one, two, other = (impute(frame, columns, "iterative", seed=seed)[0] for seed in (1, 1, 2))
    assert one["a"].std() == pytest.approx(spread, rel=0.08)
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(other)
    assert one["a"].min() >= frame["a"].min()
    assert one["a"].max() <= frame["a"].max()


def test_a_ledger_takes_one_entry_per_cell():
    frame = pd.DataFrame({"a": pd.Series([10, None, 31, None], dtype="Int64")})
    ledger = Ledger("products", pd.DataFrame({"source": "p.csv", "row": [1, 2, 4, 5]}))
    impute(frame, ["a"], "mean", ledger=ledger)
    entries = ledger.frame(pd.Series(list("wxyz"), dtype="str"))
    assert entries[["row", "key", "column", "action", "rule", "after", "cells"]].to_numpy().tolist() == [
        [2, "x", "a", "imputed", "mean of the column", "20", 1],
        [5, "z", "a", "imputed", "mean of the column", "20", 1],
    ]
    assert entries["before"].isna().all()


@pytest.mark.parametrize(
    ("columns", "method", "error", "said"),
    [
        (["a"], "average", ParameterError, "method is one of 'mean', 'median', 'most frequent', 'knn', "
                                           "'iterative', not 'average'."),
        (["z"], "mean", TableError, "Tables to fill in need a column z; there are: a, b, city, empty."),
        (["city"], "mean", ParameterError, "method='mean' takes columns of numbers; city is of type str."),
        (["a", "city"], "knn", ParameterError, "method='knn' takes columns of numbers; city is of type str."),
        (["empty"], "most frequent", ParameterError, "The column empty has no value from which its gaps "
                                                     "could be told."),
        (["b"], "iterative", ParameterError, "method='iterative' takes finite numbers; b holds infinite "
                                             "ones."),
    ],
)  # fmt: skip
def test_what_cannot_be_filled_in_is_one_sentence(columns, method, error, said):
    frame = pd.DataFrame(
        {"a": [1.0, None], "b": [np.inf, None], "city": ["Rom", None], "empty": [None, None]}
    )
    with pytest.raises(error) as raised:
        impute(frame, columns, method)
    assert str(raised.value) == said
