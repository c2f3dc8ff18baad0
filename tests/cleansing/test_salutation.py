"""Salutations: right where something is known, neutral where nothing is, never guessed."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab.cleansing import salutations
from crmlab.errors import ParameterError


def said(first, last, gender=None, language="en"):
    people = pd.DataFrame({"first_name": [first], "last_name": [last], "gender": [gender]})
    return salutations(people, language).iloc[0]


@pytest.mark.parametrize(("first", "last", "gender", "name", "salutation"), [
    ("Christopher", "Bell", "male", "Christopher Bell", "Dear Mr Bell"),
    ("Eva", "Shaw", "female", "Eva Shaw", "Dear Ms Shaw"),
    # A given name says nothing of its bearer.
    ("Christopher", "Bell", None, "Christopher Bell", "Dear Christopher Bell"),
    ("Kim", "Lee", "other", "Kim Lee", "Dear Kim Lee"),
    ("Mrs. Eva", "Shaw", None, "Eva Shaw", "Dear Ms Shaw"),
    ("MR", "Bell", None, "Bell", "Dear Mr Bell"),
    ("Dr. Eva", "Shaw", "female", "Eva Shaw", "Dear Dr Shaw"),
    ("Prof. Dr. Eva", "Shaw", None, "Eva Shaw", "Dear Prof Shaw"),
    ("Eva", "Shaw, PhD", None, "Eva Shaw", "Dear Eva Shaw"),
    ("Mr & Mrs", "Roe", "male", "Roe", "Dear customer"),
    ("Mx. Kim", "Lee", "female", "Kim Lee", "Dear Kim Lee"),
    # What is stated and the title disagree.
    ("Mr. Eva", "Shaw", "female", "Eva Shaw", "Dear Eva Shaw"),
    (None, "Bell", "male", "Bell", "Dear Mr Bell"),
    (None, "Bell", None, "Bell", "Dear customer"),
    ("Eva", None, "female", "Eva", "Dear customer"),
    ("Eva", "-", "female", "Eva", "Dear customer"),
    (None, None, "male", None, "Dear customer"),
])  # fmt: skip
def test_in_english(first, last, gender, name, salutation):
    found = said(first, last, gender)
    assert (found["name"] if isinstance(found["name"], str) else None) == name
    assert found["salutation"] == salutation


@pytest.mark.parametrize(("first", "last", "gender", "salutation"), [
    ("ناصر", "رحیمی", "male", "جناب آقای رحیمی"),
    ("سارا", "جعفری", "female", "سرکار خانم جعفری"),
    ("سارا", "جعفری", None, "سارا جعفری گرامی"),
    ("دکتر سارا", "جعفری", "female", "سرکار خانم دکتر جعفری"),
    ("دکتر سارا", "جعفری", None, "دکتر جعفری گرامی"),
    ("آقای مهندس ناصر", "رحیمی", None, "جناب آقای مهندس رحیمی"),
    ("خانم سارا", "جعفری", None, "سرکار خانم جعفری"),
    ("خانم سارا", "جعفری", "male", "سارا جعفری گرامی"),
    # سید is a part of the name as often.
    ("سید علی", "رضایی", None, "سید علی رضایی گرامی"),
    (None, None, None, "مشتری گرامی"),
])  # fmt: skip
def test_in_persian(first, last, gender, salutation):
    assert said(first, last, gender, "fa")["salutation"] == salutation


def test_columns_that_are_not_there_are_not_known():
    assert salutations(pd.DataFrame({"x": [1]}, index=["a"]), "fa").loc["a", "salutation"] == "مشتری گرامی"
    assert salutations(pd.DataFrame(index=[])).empty


words = st.none() | st.text("ABcd. -&,'مر", max_size=8) | st.sampled_from(["Dr. Ann", "Mrs", "Bell"])


@given(words, words, st.sampled_from([None, "male", "female", "other"]), st.sampled_from(["en", "fa"]))
def test_everybody_is_addressed_and_nobody_wrongly(first, last, gender, language):
    found = said(first, last, gender, language)["salutation"]
    assert found == found.strip()
    assert "nan" not in found
    assert "None" not in found
    men, women = ("Mr ", "آقای"), ("Ms ", "خانم")
    if gender == "male":
        assert not any(form in found for form in women)
    if gender == "female":
        assert not found.startswith(("Dear Mr ", "جناب آقای"))
    if gender is None and "Mrs" not in f"{first} {last}":
        assert not found.startswith((*men, *women))


def test_a_language_that_is_not_there():
    with pytest.raises(ParameterError, match="no salutation in 'de'"):
        salutations(pd.DataFrame({"last_name": ["Bell"]}), "de")
