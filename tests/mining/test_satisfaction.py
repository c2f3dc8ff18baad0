"""NPS, CSAT and CES against published numbers and planted answers."""

import math

import pandas as pd
import pytest

import crmlab as crm
from crmlab.errors import ParameterError, TableError
from crmlab.mining.satisfaction import (
    by_touch_point,
    ces,
    csat,
    headline,
    in_per_cent,
    nps,
    over_time,
    scores,
    weak_points,
)


def test_nps_of_the_oddjob_survey(public_data):
    answers = pd.read_csv(public_data / "oddjob_airline" / "oddjob_airline.csv.gz")["nps"]
    found = nps(answers, scale=(1, 11), method="wald")
    assert found.value == pytest.approx(-18.1221, abs=5e-5)
    assert (found.low, found.high) == (pytest.approx(-22.756, abs=5e-4), pytest.approx(-13.488, abs=5e-4))
    assert found.n == 1065


def test_codes_from_1_to_11_read_as_0_to_10_are_refused(public_data):
    answers = pd.read_csv(public_data / "oddjob_airline" / "oddjob_airline.csv.gz")["nps"]
    with pytest.raises(ParameterError, match=r"lie outside the scale 0 to 10, the first is 11"):
        nps(answers)


def test_nps_counts_promoters_and_detractors():
    assert nps(pd.Series([10, 9, 8, 7, 6, 0])).value == 0
    assert nps(pd.Series([10] * 5)).value == 100
    assert nps(pd.Series([0] * 5)).value == -100


def test_missing_answers_do_not_count():
    assert nps(pd.Series([10, None, 0])).n == 2


def test_no_answer_has_no_score():
    found = nps(pd.Series([], dtype=float))
    assert found.n == 0
    assert math.isnan(found.value)
    assert math.isnan(found.low)


def test_nps_on_another_scale_is_refused():
    with pytest.raises(ParameterError, match="eleven steps"):
        nps(pd.Series([1, 5]), scale=(1, 5))


def test_csat_counts_the_top_boxes():
    answers = pd.Series([5, 4, 3, 2, 1])
    assert csat(answers).value == 0.4
    assert csat(answers, top=1).value == 0.2
    assert csat(pd.Series([1, 0]), scale=(0, 1)).value == 0.5


def test_ces_is_a_mean():
    assert ces(pd.Series([7, 5, 6])).value == 6


SURVEYS = pd.DataFrame({
    "metric": ["nps"] * 6 + ["csat"] * 4 + ["ces"] * 2,
    "score": [10, 9, 0, 10, 6, None, 5, 4, 1, 2, 7, 5],
    "scale_low": [0.0] * 6 + [1.0] * 6,
    "scale_high": [10.0] * 6 + [5.0] * 4 + [7.0] * 2,
    "touch_point": ["web", "web", "shop", "shop", None, "web", "web", "web", "shop", "shop", "web", "web"],
    "time": pd.to_datetime(["2024-01-03", "2024-01-09", "2024-02-03", None] + ["2024-03-21"] * 8),
    "respondent": ["external"] * 11 + ["internal"],
})  # fmt: skip


def test_scores_equal_the_plain_functions():
    answers = SURVEYS[SURVEYS["metric"] == "nps"]["score"]
    whole, plain = scores(SURVEYS, "nps").loc[0], nps(answers)
    assert (whole["value"], whole["low"], whole["high"], whole["n"]) == pytest.approx(
        (plain.value, plain.low, plain.high, plain.n)
    )


def test_scores_by_group():
    found = scores(SURVEYS, "nps", by="touch_point").set_index("touch_point")
    assert found.loc["web", ["value", "n"]].tolist() == [100, 2]
    assert found.loc["shop", ["value", "n"]].tolist() == [0, 2]


def test_scores_over_time_leave_undated_answers_out():
    found = scores(SURVEYS, "nps", period="M")
    assert found["period"].dt.month.tolist() == [1, 2, 3]
    assert found["n"].tolist() == [2, 1, 1]


def test_scores_over_jalali_months():
    found = scores(SURVEYS, "nps", period="M", calendar="jalali")
    # 21 March 2024 is 2 Farvardin 1403: the month began on 20 March.
    assert found["period"].dt.strftime("%Y-%m-%d").tolist()[-1] == "2024-03-20"


def test_scores_between_two_days():
    assert scores(SURVEYS, "nps", since="2024-01-09", until="2024-02-04")["n"].item() == 2


def test_internal_answers_are_left_out_unless_asked_for():
    assert scores(SURVEYS, "ces")["n"].item() == 1
    assert scores(SURVEYS, "ces", by="respondent")["n"].sum() == 2


def test_a_measure_nobody_was_asked_for_is_empty():
    assert scores(SURVEYS[SURVEYS["metric"] != "ces"], "ces").empty


def test_nps_answers_on_a_wrong_scale_are_refused():
    with pytest.raises(ParameterError, match="on eleven steps such as 0 to 10; found: 1 to 7"):
        scores(SURVEYS.assign(scale_low=1.0, scale_high=7.0), "nps")


def test_effort_on_two_scales_is_refused():
    two = SURVEYS.assign(metric="ces")
    with pytest.raises(ParameterError, match="on one scale to have a mean; found"):
        scores(two, "ces")


def test_unknown_measure_and_column_are_refused():
    with pytest.raises(ParameterError, match="metric is one of nps, csat, ces, not 'npx'"):
        scores(SURVEYS, "npx")
    with pytest.raises(TableError, match="Survey answers need a column region; there are: metric"):
        scores(SURVEYS, "nps", by="region")


def test_headline_prefers_answers_about_the_relationship():
    found = headline(SURVEYS).set_index("metric")
    assert found.loc["nps", ["about", "n", "value"]].tolist() == ["relationship", 1, -100]
    assert found.loc["csat", ["about", "n", "value"]].tolist() == ["touch points", 4, 0.5]


def test_headline_lists_measures_without_answers():
    found = headline(SURVEYS[SURVEYS["metric"] == "csat"]).set_index("metric")
    assert found["n"].to_dict() == {"nps": 0, "csat": 4, "ces": 0}
    assert found["value"].isna().tolist() == [True, False, True]


def test_touch_points_with_few_answers_are_not_shown():
    assert by_touch_point(SURVEYS, "csat", minimum_answers=2)["touch_point"].tolist() == ["web", "shop"]
    assert by_touch_point(SURVEYS, "csat", minimum_answers=3).empty


def test_the_planted_weak_touch_point_is_found():
    many = pd.DataFrame({
        "metric": "csat", "scale_low": 1.0, "scale_high": 5.0,
        "touch_point": ["web"] * 300 + ["shop"] * 300 + ["phone"] * 300,
        "score": [5, 4, 5] * 100 + [5, 4, 3] * 100 + [2, 1, 4] * 100,
    })  # fmt: skip
    found = weak_points(many)
    assert found["touch_point"].tolist() == ["phone"]
    assert found["together"].item() == pytest.approx(2 / 3)
    assert in_per_cent(found)["value"].item() == pytest.approx(100 / 3)


def test_frame_and_table_agree():
    pd.testing.assert_frame_equal(
        scores(SURVEYS, "csat", by="touch_point"), scores(crm.as_table(SURVEYS), "csat", by="touch_point")
    )


def test_time_is_cut_into_the_shortest_periods_with_enough_answers():
    days = pd.to_datetime(
        ["2024-01-05", "2024-02-05", "2024-03-05", "2024-04-05", "2024-05-05", "2024-05-06"]
    )
    answers = pd.DataFrame({"metric": "csat", "score": [5, 4, 1, 5, 5, 5], "scale_low": 1, "scale_high": 5,
                            "time": days})  # fmt: skip
    months = over_time(answers, "csat")
    assert months["n"].tolist() == [1, 1, 1, 1, 2]
    quarters = over_time(answers, "csat", minimum_answers=2)
    assert quarters["period"].dt.strftime("%Y-%m-%d").tolist() == ["2024-01-01", "2024-04-01"]
    assert quarters["n"].tolist() == [3, 3]
    assert over_time(answers, "csat", minimum_answers=4)["n"].tolist() == [6]
    assert over_time(answers, "csat", minimum_answers=7).empty
    assert over_time(answers, "csat", minimum_answers=2, period="M")["n"].tolist() == [2]
