"""Text in one form: a golden table of hard cases, and what must hold for any text at all."""

import string
import unicodedata

import pandas as pd
import pytest
from golden_texts import GOLDEN
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing import codepoints
from crmlab.cleansing.text import _CHANGES, normalize_text, recode
from crmlab.errors import ParameterError

PERSIAN = "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"
SIGNS = "{}~^<="
LEVELS = ["letters", "names", "search"]


def normal(text: str, level: str) -> str:
    return normalize_text(pd.Series([text], dtype="str"), level).iloc[0]


def of_golden(level: str) -> dict[str, str]:
    """What each case of the golden table becomes."""
    found = normalize_text(pd.Series([row[1] for row in GOLDEN], dtype="str"), level)
    return dict(zip([row[0] for row in GOLDEN], found, strict=True))


def test_letters_of_the_golden_table():
    assert of_golden("letters") == {row[0]: row[2] for row in GOLDEN}


def test_names_of_the_golden_table():
    assert of_golden("names") == {row[0]: row[3] for row in GOLDEN}


def test_search_keys_of_the_golden_table():
    plain = PERSIAN + string.ascii_lowercase + string.digits + SIGNS
    code = {letter: normal(letter, "search") for letter in plain}
    assert of_golden("search") == {row[0]: "".join(code[letter] for letter in row[4]) for row in GOLDEN}


def test_the_golden_table_is_large_and_names_each_case_once():
    assert len({row[0] for row in GOLDEN}) == len(GOLDEN) >= 200


def test_each_persian_letter_has_one_ascii_character_of_its_own():
    codes = [normal(letter, "search") for letter in PERSIAN]
    assert set(codes) == set(string.ascii_lowercase + SIGNS)
    assert len(codes) == len(PERSIAN) == 32


def test_latin_letters_and_digits_are_their_own_search_key():
    plain = string.ascii_lowercase + string.digits
    assert normal(plain, "search") == normal(plain.upper(), "search") == plain


@pytest.mark.parametrize(
    "variants",
    [
        ["علی‌رضا کاظمی", "عليرضا كاظمي", "علی رضا  کاظمی", "عَلی‌رضا کاظِمی", "علـیرضا كاظمى", "ﻋﻠﯽ رضا کاظمی"],
        ["خانه‌ی ما", "خانه ي ما", "خانه ی‌ما"],
        ["مؤمنی", "مومنی", "مومني"],
        ["رضائی", "رضائي"],
        ["José O'Brien", "jose obrien", "JOSÉ O’BRIEN", "Jose\u0301 O-Brien"],
        ["پلاک ۱۲", "پلاک ١٢", "پلاک12"],
    ],
    ids=lambda variants: variants[0],
)
def test_variants_of_one_name_have_one_search_key(variants):
    keys = normalize_text(pd.Series(variants), "search")
    assert keys.nunique() == 1
    assert keys.iloc[0]


def test_different_names_have_different_search_keys():
    names = ["احمدی", "اکبری", "محمدی", "محمودی", "علوی", "علیی", "Smith", "Smyth", "12", "21"]
    assert normalize_text(pd.Series(names), "search").is_unique


ANY_TEXT = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.characters(codec="utf-8", min_codepoint=0x600, max_codepoint=0x6FF),
        st.characters(codec="utf-8", min_codepoint=0xFB50, max_codepoint=0xFEFF),
        st.sampled_from("\u200c  \u200d\u200e\u0653\u0654ßΣ'sS1Ⅳ{=یا"),
        st.sampled_from("\u0640\u0301\u0308\u0307\u0331\u030c\x1f\teEiIİŉΐßHJﬁيكى"),
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=50)
@given(st.lists(ANY_TEXT, min_size=1, max_size=20), st.sampled_from(LEVELS))
def test_what_is_in_one_form_stays_as_it_is(texts, level):
    once = normalize_text(pd.Series(texts, dtype="str"), level)
    pd.testing.assert_series_equal(normalize_text(once, level), once)


@pytest.mark.parametrize("level", LEVELS)
def test_the_golden_table_in_one_form_stays_as_it_is(level):
    once = normalize_text(pd.Series([row[1] for row in GOLDEN], dtype="str"), level)
    pd.testing.assert_series_equal(normalize_text(once, level), once)


@settings(deadline=None, max_examples=100)
@given(st.lists(ANY_TEXT, min_size=1, max_size=20), st.sampled_from(LEVELS))
def test_a_column_is_read_as_its_texts_one_by_one(texts, level):
    """What is looked up in tables for the column as a whole is what the rules say of each text."""
    found = normalize_text(pd.Series(texts, dtype="str"), level)
    assert found.tolist() == [_CHANGES[level](text) for text in texts]


#: All letters and signs of the first plane but the Chinese, Korean and private ones.
CHARACTERS = [chr(code) for code in (*range(0x3400), *range(0xA640, 0xAC00), *range(0xF900, 0x10000))]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("form", ["{}", "JANE {}", "\u200c{} i", "O'{}1"])
def test_each_character_beside_others(level, form):
    texts = [form.format(character) for character in CHARACTERS]
    found = normalize_text(pd.Series(texts, dtype="str"), level)
    assert found.tolist() == [_CHANGES[level](text) for text in texts]


@pytest.mark.parametrize("level", LEVELS)
def test_long_columns_are_read_as_short_ones_and_gaps_stay(level):
    texts = pd.Series([row[1] for row in GOLDEN] + [None, "", "علي"], dtype="str")
    long = pd.concat([texts] * 300, ignore_index=True)
    assert len(long) > 2 * codepoints.ROWS
    found = normalize_text(long, level)
    short = pd.concat([normalize_text(texts, level)] * 300, ignore_index=True)
    pd.testing.assert_series_equal(found, short)
    pd.testing.assert_series_equal(normalize_text(long[5:70_000:3], level), short[5:70_000:3])


@settings(deadline=None, max_examples=50)
@given(st.lists(ANY_TEXT, min_size=1, max_size=20))
def test_one_form_has_no_hidden_signs_no_double_spaces_and_composed_letters(texts):
    for text in normalize_text(pd.Series(texts, dtype="str")):
        assert text == unicodedata.normalize("NFC", text)
        assert text == " ".join(text.split(" "))
        assert not set(text) & set("\u200b\u200d\u200e\u200f\u202a\u202e\u0640\u00ad\ufeff\u00a0يكة۵٥\t\n")
        assert "\u200c\u200c" not in text
        assert not text.startswith((" ", "\u200c"))
        assert not text.endswith((" ", "\u200c"))


@settings(deadline=None, max_examples=50)
@given(st.lists(ANY_TEXT, min_size=1, max_size=20))
def test_a_search_key_is_small_letters_digits_and_six_signs_and_nothing_else(texts):
    for key in normalize_text(pd.Series(texts, dtype="str"), "search"):
        assert set(key) <= set(string.ascii_lowercase + string.digits + SIGNS)


@settings(deadline=None, max_examples=50)
@given(st.lists(ANY_TEXT, min_size=1, max_size=20))
def test_the_search_key_does_not_depend_on_the_form_of_the_text(texts):
    raw = pd.Series(texts, dtype="str")
    keys = normalize_text(raw, "search")
    for level in ("letters", "names"):
        pd.testing.assert_series_equal(normalize_text(normalize_text(raw, level), "search"), keys)


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20))
def test_plain_text_only_loses_spaces(text):
    assert normal(text, "letters") == " ".join(text.split())


@pytest.mark.parametrize("level", LEVELS)
def test_index_name_missing_values_and_type_are_kept(level):
    values = pd.Series(["علي", None, "", "علي"], index=["x", 7, 7, "y"], name="who", dtype="str")
    found = normalize_text(values, level)
    assert found.index.equals(values.index)
    assert (found.name, found.dtype) == ("who", "str")
    assert found.isna().tolist() == [False, True, False, False]
    assert found.iloc[0] == found.iloc[3]


@pytest.mark.parametrize("level", LEVELS)
def test_the_given_column_is_not_changed(level):
    values = pd.Series([" علي ", None, "JANE"], dtype="str")
    before = values.copy()
    normalize_text(values, level)
    pd.testing.assert_series_equal(values, before)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "values",
    [
        pd.Series([], dtype="str"),
        pd.Series([None, None], dtype="str"),
        pd.Series([float("nan")], dtype="float64"),
        pd.Series([], dtype="object"),
    ],
    ids=["empty", "missing", "numbers without a value", "empty objects"],
)
def test_columns_without_a_text(values, level):
    found = normalize_text(values, level)
    assert found.dtype == "str"
    assert found.isna().all()
    assert len(found) == len(values)


def test_other_types_are_taken_as_text():
    assert normalize_text(pd.Series([1, 20])).tolist() == ["1", "20"]
    assert normalize_text(pd.Series(["علي", "x"], dtype="category")).tolist() == ["علی", "x"]
    assert normalize_text(["علي"]).tolist() == ["علی"]


@pytest.mark.parametrize("level", ["letter", "", None, "SEARCH"])
def test_an_unknown_level_is_refused(level):
    with pytest.raises(ParameterError, match=f"^level is 'letters', 'names' or 'search', not {level!r}"):
        normalize_text(pd.Series(["a"]), level)


def test_recode_changes_each_distinct_text_once_and_only_where_it_is_asked_to():
    seen = []

    def change(text: str) -> str:
        seen.append(text)
        return text.upper()

    values = pd.Series(["ab", "x1", "x1", None, "x2"], index=[5, 5, 6, 7, 8], name="n", dtype="str")
    found = recode(values, change, r"\d")
    assert found.tolist()[:3] == ["ab", "X1", "X1"]
    assert found.isna().tolist() == [False, False, False, True, False]
    assert sorted(seen) == ["x1", "x2"]
    assert found.index.equals(values.index)


def test_recode_may_make_a_text_missing():
    assert recode(pd.Series(["a", "b"], dtype="str"), {"a": "A"}.get).isna().tolist() == [False, True]
