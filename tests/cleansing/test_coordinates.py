"""Coordinates that were looked up by name alone are told from right ones."""

import numpy as np
import pandas as pd
import pytest

from crmlab.cleansing.coordinates import FAR_OFF, OUT_OF_RANGE, SHARED, check_coordinates
from crmlab.cleansing.places import read_places


def country(seed=1):
    """Four provinces 500 km apart, twenty places in each within some 60 km."""
    random = np.random.default_rng(seed)
    middles = {"north": (50.0, 10.0), "south": (45.0, 10.0), "east": (47.0, 17.0), "west": (47.0, 3.0)}
    return pd.DataFrame([
        {"name": f"Town {province} {n}", "province": province,
         "latitude": lat + random.uniform(-0.4, 0.4), "longitude": lon + random.uniform(-0.5, 0.5)}
        for province, (lat, lon) in middles.items() for n in "abcdefghijklmnopqrst"
    ])  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_right_coordinates_are_left_alone(seed):
    found = check_coordinates(country(seed))
    assert found["valid"].all()
    assert found["reason"].isna().all()


@pytest.mark.parametrize("seed", range(5))
def test_planted_errors_are_found_and_nothing_else(seed):
    places = country(seed)
    at = ["latitude", "longitude"]
    # A namesake's, twice; a place of another province that is not in the list; none on earth; none.
    places.loc[[3, 45], at] = places.loc[25, at].to_numpy()
    places.loc[7, at] = places.loc[65, at].to_numpy() + 0.01
    places.loc[9, at] = [95.0, 10.0]
    places.loc[11, "latitude"] = np.nan
    found = check_coordinates(places)
    assert found["reason"].dropna().to_dict() == {3: SHARED, 7: FAR_OFF, 9: OUT_OF_RANGE, 45: SHARED}
    assert found.index[~found["valid"]].tolist() == [3, 7, 9, 11, 45]


def test_an_only_place_and_one_without_province_are_not_judged():
    places = pd.DataFrame({
        "name": ["Island", "Town", "Village", "Nowhere"], "province": ["sea", "land", "land", None],
        "latitude": [10.0, 50.0, 50.1, 50.1], "longitude": [10.0, 10.0, 10.0, 10.0],
    })  # fmt: skip
    assert check_coordinates(places)["valid"].all()


def test_irans_published_coordinates_hold_those_of_namesakes(public_data):
    places = read_places(public_data / "iran-divisions")
    found = check_coordinates(places)
    assert found["reason"].value_counts().to_dict() == {SHARED: 41, FAR_OFF: 10}
    wrong = places[~found["valid"]]
    # Mahabad is a city of West Azerbaijan; its namesake of Isfahan was given its coordinates.
    assert wrong.loc[wrong["name"] == "مهاباد", "province"].tolist() == ["اصفهان"]
    assert not wrong["name"].isin(["تهران", "مشهد", "زاهدان", "ابوموسی", "بندرجاسک", "زابل"]).any()
