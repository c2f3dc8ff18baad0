"""Scales that are read wrongly, several scales, and columns with next to nothing in them."""

import math

import pandas as pd
import pytest

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.satisfaction import (
    by_department,
    by_segment,
    ces,
    csat,
    gap_answers,
    nps,
    poststratify,
    score_difference,
    scores,
    servqual,
)


@pytest.fixture(scope="module")
def sample() -> dict[str, pd.DataFrame]:
    return crm.sample(customers=600, seed=3)


def codes(public_data):
    """Answers to the NPS question of Oddjob Airways, coded 1 to 11."""
    return pd.read_csv(public_data / "oddjob_airline" / "oddjob_airline.csv.gz")["nps"]


def test_nps_of_oddjob_with_the_scale_it_was_coded_on(public_data):
    found = nps(codes(public_data), scale=(1, 11))
    assert found.value == pytest.approx(-18.1221, abs=5e-5)
    assert found.low < -22.7 < -13.5 < found.high


def test_codes_from_1_to_11_are_named_where_they_are_refused(public_data):
    with pytest.raises(ParameterError, match=r"codes 1 to 11 that stand for 0 to 10 are scale=\(1, 11\)"):
        nps(codes(public_data))


def test_codes_of_which_nobody_chose_the_11_are_told(public_data):
    given = codes(public_data)
    with pytest.warns(UserWarning, match=r"None of 1,042 NPS answers is 0 and 25 are 1"):
        nps(given[given < 11])


def test_few_answers_at_the_lower_end_tell_nothing_of_the_coding():
    assert nps(pd.Series([1] * 6 + [9] * 94)).value == 88
    assert nps(pd.Series([0] + [1] * 30 + [9] * 69)).value == 38


def survey(given, low, high, metric="nps"):
    return pd.DataFrame({"metric": metric, "score": given, "scale_low": low, "scale_high": high})


def test_tables_are_held_to_the_scale_that_they_name():
    with pytest.raises(ParameterError, match=r"1 of 3 answers of the metric nps lie outside the scale given"):
        scores(survey([11, 10, 3], 0, 10), "nps")
    assert scores(survey([11, 10, 7, 8], 1, 11), "nps")["value"].item() == 25
    with pytest.warns(UserWarning, match="look like codes 1 to 11"):
        scores(survey([1] * 8 + [10] * 9, 0, 10), "nps")


def test_two_scales_in_one_table():
    both = pd.concat([survey([10, 2], 0, 10), survey([5], 1, 5)])
    with pytest.raises(ParameterError, match="on eleven steps such as 0 to 10; found: 0 to 10, 1 to 5"):
        scores(both, "nps")
    with pytest.raises(ParameterError, match="on one scale to have a mean"):
        scores(both.assign(metric="ces"), "ces")
    # Each answer has top boxes of its own scale.
    assert scores(both.assign(metric="csat"), "csat")["value"].item() == pytest.approx(2 / 3)


def test_long_scales_have_no_top_boxes():
    given = pd.Series([100, 85, 80, 20])
    said = (
        r"^Top boxes are defined on scales of up to eleven steps, not on 0 to 100: say how many of the "
        r"highest answers mean satisfied with csat\(answers, scale, top=...\), or give these questions the "
        r"metric 'item' and take their mean with index_score\.$"
    )
    with pytest.raises(ParameterError, match=said):
        csat(given, scale=(0, 100))
    assert csat(given, scale=(0, 100), top=20).value == 0.5
    both = pd.concat([survey(given, 0, 100, "csat"), survey([5, 4], 1, 5, "csat")]).assign(group=[*"aaabbb"])
    for by in (None, "group"):
        with pytest.raises(ParameterError, match=said):
            scores(both, "csat", by=by)
    with pytest.raises(ParameterError, match=said):
        score_difference(given, given, "csat", scale=(0, 100))
    with pytest.raises(ParameterError, match=said):
        poststratify(given, pd.Series([*"aabb"]), {"a": 1, "b": 1}, "csat", scale=(0, 100))
    # The mean of any scale is one.
    assert score_difference(given, given, "ces", scale=(0, 100)).value == 0


@pytest.mark.parametrize(
    ("low", "high", "satisfied"),
    [(0, 1, 1), (1, 3, 1), (1, 4, 1), (1, 5, 2), (1, 7, 2), (0, 10, 2), (1, 11, 2)],
)
def test_boxes_of_each_usual_scale(low, high, satisfied):
    every = survey(range(low, high + 1), low, high, "csat")
    value = satisfied / (high - low + 1)
    assert scores(every, "csat")["value"].item() == csat(every["score"], (low, high)).value == value
    # Together they reach over twelve steps, but each has its own.
    both = pd.concat([survey([10], 0, 10, "csat"), survey([11], 1, 11, "csat"), every])
    assert scores(both, "csat")["n"].item() == len(every) + 2


def test_two_scales_in_one_column_reach_beyond_one_of_them():
    with pytest.raises(ParameterError, match=r"outside the scale 1 to 5, the first is 10 \(1 of 4 do\)"):
        csat(pd.Series([5, 4, 10, 1]))


def test_answers_that_are_no_numbers_or_no_steps_are_refused():
    with pytest.raises(ParameterError, match="2 of 3 answers are no numbers"):
        ces(pd.Series(["good", "5", "bad"]))
    with pytest.raises(ParameterError, match=r"1 of 2 lie between two, the first is 8\.5"):
        nps(pd.Series([8.5, 9]))
    with pytest.raises(ParameterError, match=r"lowest and the highest answer, such as \(1, 5\)"):
        csat(pd.Series([1]), scale=(5, 1))


def test_tables_are_held_to_whole_steps_and_numbers():
    with pytest.raises(ParameterError, match=r"^NPS counts answers in whole steps; 1 of 3 lie between"):
        scores(survey([8.5, 9, 10], 0, 10), "nps")
    # Steps are counted from the lowest.
    assert scores(survey([0.5, 10.5], 0.5, 10.5), "nps")["value"].item() == 0
    text = survey(["5", "4"], 1, 5, "csat")
    with pytest.raises(TableError, match=r"^The column score of the surveys holds text, not numbers; "):
        scores(text, "csat")
    with pytest.raises(TableError, match="The column scale_high of the surveys holds text"):
        scores(survey([5], 1, "5", "csat"), "csat")


def test_a_frame_is_not_taken_for_a_column():
    frame = pd.DataFrame({"score": [1, 2]})
    strata, sizes = pd.Series(["x", "y"]), {"x": 1, "y": 2}
    said = r"^{} are one column, such as frame\['score'\], not a frame\.$"
    with pytest.raises(ParameterError, match=said.format("Answers")):
        nps(frame)
    with pytest.raises(ParameterError, match=said.format("Answers")):
        poststratify(frame, strata, sizes)
    with pytest.raises(ParameterError, match=said.format("Strata")):
        poststratify(frame["score"], frame, sizes)
    with pytest.raises(ParameterError, match=said.format("Sizes of strata")):
        poststratify(frame["score"], strata, frame)
    with pytest.raises(ParameterError, match="size above 0"):
        poststratify(frame["score"], strata, {"x": "many", "y": 2})


def test_no_answers_at_all_are_a_counted_result():
    missing = pd.Series([None, None], dtype=float)
    for found in (nps(missing), csat(missing), ces(missing)):
        assert found.n == 0
        assert math.isnan(found.value)
        assert math.isnan(found.high)
    assert scores(survey([None, None], 0, 10).astype({"score": float}), "nps").empty
    assert scores(survey([None, None], 0, 10), "nps", by="metric").empty


def test_one_answer_per_group():
    each = survey([10, 3], 0, 10).assign(touch_point=["web", "shop"])
    found = scores(each, "nps", by="touch_point")
    assert found["n"].tolist() == [1, 1]
    assert found["value"].tolist() == [-100, 100]
    assert (found["high"] - found["low"] > 150).all()
    # One answer says nothing of how much answers differ.
    means = scores(each.assign(metric="ces"), "ces", by="touch_point")
    assert means["low"].isna().all()
    assert means["value"].tolist() == [3, 10]


def test_scores_by_segment_are_those_of_the_customers_in_it(sample):
    surveys, customers = sample["surveys"], sample["customers"]
    segments = customers.set_index("customer_id")["city"]
    found = by_segment(surveys, "csat", segments, minimum_answers=5)
    # Asked about the relationship as a whole, as in the headline.
    outside = surveys[(surveys["respondent"] != "internal") & surveys["touch_point"].isna()]
    outside = outside.assign(city=outside["customer_id"].map(segments))
    for row in found.itertuples():
        answers = outside[(outside["metric"] == "csat") & (outside["city"] == row.segment)]["score"].dropna()
        assert row.value == csat(answers).value
        assert (row.low, row.high, row.n) == (csat(answers).low, csat(answers).high, len(answers))
    assert len(found) > 3
    assert found["value"].is_monotonic_decreasing
    known = outside[(outside["metric"] == "csat") & outside["city"].notna()]["score"].dropna()
    assert found["together"].eq(csat(known).value).all()
    assert found["n"].sum() + found.attrs["left_out"] == len(known)


def test_a_customer_of_two_segments_is_refused(sample):
    twice = pd.Series(["loyal", "new", "new"], index=["C1", "C1", "C2"])
    with pytest.raises(ParameterError, match="2 rows of the segments have a customer_id in common"):
        by_segment(sample["surveys"], "nps", twice)


def test_departments_are_judged_by_those_inside_alone(sample):
    surveys = sample["surveys"]
    found = by_department(surveys, "csat").set_index("department")
    inside = surveys[surveys["respondent"] == "internal"]
    assert found["n"].sum() == inside["score"].notna().sum()
    for department, answers in inside.groupby("touch_point")["score"]:
        assert found.loc[department, "value"] == csat(answers.dropna()).value
    assert by_department(surveys.drop(columns="respondent"), "csat").empty


def test_gaps_of_oddjob_from_long_answers(public_data):
    wide = pd.read_csv(public_data / "oddjob_airline" / "oddjob_airline.csv.gz")
    parts = []
    for letter, metric in (("e", "expectation"), ("s", "item")):
        part = wide[[f"{letter}{n}" for n in range(1, 24)]]
        part = part.rename(columns=lambda name: f"thing {name[1:]}")
        part = part.rename_axis("response_id").reset_index().melt("response_id", var_name="touch_point")
        parts.append(part.assign(metric=metric, question=letter))
    long = pd.concat(parts).rename(columns={"value": "score"}).assign(scale_low=1, scale_high=100)
    long["response_id"] = long["response_id"].astype("str")
    gaps = servqual(*gap_answers(long.sample(frac=1, random_state=1)))
    items = gaps[gaps["level"] == "item"].set_index("name")["gap"] * 0.99
    # The worst item is the fourth, the best the twelfth; see the data's notes.
    assert items.idxmin() == "thing 4"
    assert items.idxmax() == "thing 12"
    assert items["thing 4"] == pytest.approx(-30.214, abs=5e-4)
    assert items["thing 12"] == pytest.approx(-8.799, abs=5e-4)


def test_without_expectations_there_are_no_gaps(sample):
    expectation, perception = gap_answers(sample["surveys"])
    assert expectation.shape == perception.shape == (0, 0)
