"""Titles of three languages in every writing, and names that look like titles."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing.text import normalize_text
from crmlab.cleansing.titles import split_title

TITLED = [
    # as it comes, title, name
    ("Mr John Smith", "Mr", "John Smith"),
    ("Mr. John Smith", "Mr", "John Smith"),
    ("Mr.John Smith", "Mr", "John Smith"),
    ("MR JOHN SMITH", "Mr", "JOHN SMITH"),
    ("mister t", "Mr", "t"),
    ("Mrs. Jane Roe", "Mrs", "Jane Roe"),
    ("Ms. O'Neil", "Ms", "O'Neil"),
    ("Miss Jane Roe", "Miss", "Jane Roe"),
    ("Mx Roe", "Mx", "Roe"),
    ("sir Elton John", "Sir", "Elton John"),
    ("Dr. Jane Roe", "Dr", "Jane Roe"),
    ("Dr  Jane", "Dr", "Jane"),
    ("Doctor Jane Roe", "Dr", "Jane Roe"),
    ("Reverend John Roe", "Rev", "John Roe"),
    ("Mr. & Mrs. Roe", "Mr & Mrs", "Roe"),
    ("Mr and Mrs Roe", "Mr & Mrs", "Roe"),
    ("Hon. Jane Roe", "Hon", "Jane Roe"),
    # German
    ("Herr Müller", "Herr", "Müller"),
    ("Herrn Karl Weiß", "Herr", "Karl Weiß"),
    ("Frau Prof. Dr. Weiß", "Frau Prof Dr", "Weiß"),
    ("Prof.Dr.Weiß", "Prof Dr", "Weiß"),
    ("Prof. Dr. med. dent. Anna Weiß", "Prof Dr med dent", "Anna Weiß"),
    ("Dr. rer. nat. Karl Weiß", "Dr rer nat", "Karl Weiß"),
    ("Dr. h. c. Karl Weiß", "Dr hc", "Karl Weiß"),
    ("Dr. Dr. Weiß", "Dr Dr", "Weiß"),
    ("Dr.-Ing. Karl Weiß", "Dr-Ing", "Karl Weiß"),
    ("Dipl.-Ing. Karl Weiß", "Dipl-Ing", "Karl Weiß"),
    ("Dipl. Ing. Karl Weiß", "Dipl Ing", "Karl Weiß"),
    ("Hr. Weiß", "Hr", "Weiß"),
    ("Fr. Weiß", "Fr", "Weiß"),
    ("Herr und Frau Weiß", "Herr & Frau", "Weiß"),
    # French, Spanish, Italian
    ("Mme Curie", "Mme", "Curie"),
    ("Mme. Curie", "Mme", "Curie"),
    ("Madame Curie", "Mme", "Curie"),
    ("Mlle Curie", "Mlle", "Curie"),
    ("Monsieur Dupont", "Monsieur", "Dupont"),
    ("Sra. García", "Señora", "García"),
    ("Sen\u0303or García", "Señor", "García"),
    ("Ing. Rossi", "Ing", "Rossi"),
    # Persian
    ("آقای رضایی", "آقای", "رضایی"),
    ("آقاي رضايي", "آقای", "رضایی"),
    ("خانوم رضایی", "خانم", "رضایی"),
    ("دكتر علي رضایی", "دکتر", "علی رضایی"),
    ("دکتر. علی رضایی", "دکتر", "علی رضایی"),
    ("مهندس علی رضایی", "مهندس", "علی رضایی"),
    ("خانم دکتر احمدی", "خانم دکتر", "احمدی"),
    ("جناب آقای دکتر علی رضایی", "جناب آقای دکتر", "علی رضایی"),
    ("سرکار خانم مهندس احمدی", "سرکار خانم مهندس", "احمدی"),
    ("آقای و خانم رضایی", "آقای & خانم", "رضایی"),
    ("آقای سید علی رضایی", "آقای", "سید علی رضایی"),
    ("حاج آقا رضایی", "حاج آقا", "رضایی"),
    ("حاج\u200cآقا رضایی", "حاج آقا", "رضایی"),
    ("حاجیه خانم احمدی", "حاج خانم", "احمدی"),
    ("پروفسور سمیعی", "پروفسور", "سمیعی"),
    ("\u200fدکتر\u00a0علی", "دکتر", "علی"),
    ("Dr علی رضایی", "Dr", "علی رضایی"),
    # behind the name
    ("Roe, Dr. Jane", "Dr", "Roe, Jane"),
    ("رضایی، دکتر علی", "دکتر", "رضایی، علی"),
    ("Jane Roe, PhD", "PhD", "Jane Roe"),
    ("Jane Roe, Ph.D.", "PhD", "Jane Roe"),
    ("Roe, Jane, MBA, PhD", "MBA PhD", "Roe, Jane"),
    ("Dr. Jane Roe, M.A.", "Dr MA", "Jane Roe"),
    ("Jane Roe, Esq.", "Esq", "Jane Roe"),
]  # fmt: skip
NAMES = [
    # begin like a title
    "Drew Roe", "Mrsic Ana", "Missy Elliott", "Sirius Black", "Herrmann Weiß", "Profumo", "Misra", "Madame",
    "دکتری علی", "مهندسی", "خانمی", "آقایی", "حاجی\u200cزاده", "جنابی",
    # titles that are names as well
    "Herr", "Dr.", "Dr. Prof.", "مهندس", "Dr. 5",
    "Dean Martin", "Don Quijote", "Major Tom", "Ing Wong", "Fr Weiß",
    "Hon Wong", "M. Dupont", "Doe, Ma", "Khan, Md", "Smith, Jane", "Jane Roe PhD",
    "سید علی رضایی", "سیده زهرا احمدی", "میر حسین موسوی", "حاج علی رضایی", "حاجی رضایی",
    "آقا محمدی", "استاد رحیمی",
    "شیخ بهایی", "مشهدی رضا", "خانم\u200cجان احمدی", "علی دکتر", "فاطمه خانم",
    "", "-", "The Mr Smith", "و خانم رضایی",
]  # fmt: skip


@pytest.mark.parametrize(("text", "title", "name"), TITLED, ids=[row[0] for row in TITLED])
def test_titles_and_names(text, title, name):
    found = split_title(pd.Series([text]))
    assert found.to_numpy().tolist() == [[title, name]]


@pytest.mark.parametrize("text", NAMES)
def test_names_that_look_like_titles_stay_whole(text):
    found = split_title(pd.Series([text]))
    assert found["title"].isna().all()
    assert found["name"].tolist() == [text]


def test_the_doctor_who_is_called_phil_keeps_his_name():
    found = split_title(pd.Series(["Dr. Phil", "Dr. phil. Roe"]))
    assert found.to_numpy().tolist() == [["Dr", "Phil"], ["Dr phil", "Roe"]]


def test_index_missing_values_and_the_given_column_are_kept():
    values = pd.Series(["Dr. Roe", None, "Roe", "Dr. Roe"], index=[3, 3, "x", 0], name="who", dtype="str")
    before = values.copy()
    found = split_title(values)
    pd.testing.assert_series_equal(values, before)
    assert found.index.equals(values.index)
    assert found.columns.tolist() == ["title", "name"]
    assert (found.dtypes == "str").all()
    assert found.isna().to_numpy().tolist() == [[False, False], [True, True], [True, False], [False, False]]


@pytest.mark.parametrize("values", [pd.Series([], dtype="str"), pd.Series([None, None], dtype="object")])
def test_columns_without_a_name(values):
    found = split_title(values)
    assert len(found) == len(values)
    assert (found.dtypes == "str").all()
    assert found.isna().all().all()


PIECES = [row[0] for row in TITLED] + [*NAMES, "Dr.", "و", ",", "PhD", "خانم"]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from(PIECES), max_size=4).map(" ".join))
def test_a_text_without_a_title_stays_and_one_with_a_title_has_a_name_left(text):
    found = split_title(pd.Series([text], dtype="str")).iloc[0]
    if pd.isna(found["title"]):
        assert found["name"] == normalize_text(pd.Series([text], dtype="str")).iloc[0]
    else:
        assert any(character.isalpha() for character in found["name"])
        assert len(found["name"]) < len(text)
