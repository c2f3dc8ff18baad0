"""Text in one form: a golden table of hard cases, and what must hold for any text at all."""

import string
import unicodedata

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.cleansing.text import normalize_text, recode
from crmlab.errors import ParameterError

PERSIAN = "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"

#: What it is, the text as it comes, and how "letters", "names" and "search" give it. The last is
#: written in plain Persian letters, small Latin letters and digits; the code of each is looked up.
GOLDEN = [
    # Persian letters typed with Arabic ones
    ("arabic ye", "علي", "علی", "علی", "علی"),
    ("alef maksura", "موسى", "موسی", "موسی", "موسی"),
    ("pashto ye", "علې", "علی", "علی", "علی"),
    ("ye barree", "علے", "علی", "علی", "علی"),
    ("ye barree with hamza", "علۓ", "علی", "علی", "علی"),
    ("arabic kaf", "كاوه", "کاوه", "کاوه", "کاوه"),
    ("swash kaf", "ڪاوه", "کاوه", "کاوه", "کاوه"),
    ("both in one name", "كاظمي", "کاظمی", "کاظمی", "کاظمی"),
    ("te marbuta", "فاطمة", "فاطمه", "فاطمه", "فاطمه"),
    ("heh with ye above", "نامۀ", "نامه", "نامه", "نامه"),
    ("heh and hamza apart", "نامه\u0654", "نامه", "نامه", "نامه"),
    ("heh doachashmee", "ھما", "هما", "هما", "هما"),
    ("heh goal", "ہما", "هما", "هما", "هما"),
    ("heh goal with hamza", "خانۂ", "خانه", "خانه", "خانه"),
    ("ae", "ئەحمەد", "ئهحمهد", "ئهحمهد", "یهحمهد"),
    ("te marbuta goal", "فاطمۃ", "فاطمه", "فاطمه", "فاطمه"),
    ("alef with hamza above", "أحمد", "احمد", "احمد", "احمد"),
    ("alef with hamza below", "إيمان", "ایمان", "ایمان", "ایمان"),
    ("alef wasla", "ٱمير", "امیر", "امیر", "امیر"),
    ("alef and hamza apart", "ا\u0654حمد", "احمد", "احمد", "احمد"),
    ("alef with madda stays", "آرش", "آرش", "آرش", "ارش"),
    ("alef and madda apart", "ا\u0653رش", "آرش", "آرش", "ارش"),
    ("hamza on waw stays", "مؤمن", "مؤمن", "مؤمن", "مومن"),
    ("hamza on ye stays", "رئيس", "رئیس", "رئیس", "رییس"),
    ("hamza alone stays", "جزء", "جزء", "جزء", "جز"),
    # marks that are not letters
    ("short vowels", "مُحَمَّد", "محمد", "محمد", "محمد"),
    ("tanvin", "مثلاً", "مثلا", "مثلا", "مثلا"),
    ("sukun and shadda", "عبّاسْ", "عباس", "عباس", "عباس"),
    ("superscript alef", "رحمٰن", "رحمن", "رحمن", "رحمن"),
    ("koranic mark", "صلى\u0610", "صلی", "صلی", "صلی"),
    ("tatweel", "عـــلی", "علی", "علی", "علی"),
    ("nothing but tatweel", "ــ", "", "", ""),
    # presentation forms and ligatures
    ("presentation forms", "\ufecb\ufee0\ufef2", "علی", "علی", "علی"),
    ("persian presentation forms", "\ufb58\ufb8a\ufb7a\ufb94\ufbfc", "پژچگی", "پژچگی", "پژچگی"),
    ("lam alef", "\ufefb", "لا", "لا", "لا"),
    ("lam alef with madda", "\ufef5", "لآ", "لآ", "لا"),
    ("lam alef with hamza", "سـ\ufef7م", "سلام", "سلام", "سلام"),
    ("allah", "عبد\ufdf2", "عبدالله", "عبدالله", "عبدالله"),
    ("mohammad", "\ufdf4", "محمد", "محمد", "محمد"),
    ("rial sign", "\ufdfc", "ریال", "ریال", "ریال"),
    ("a mark in presentation form", "\ufe70\ufe77", "", "", ""),
    # digits
    ("persian digits", "۰۱۲۳۴۵۶۷۸۹", "0123456789", "0123456789", "0123456789"),
    ("arabic digits", "٠١٢٣٤٥٦٧٨٩", "0123456789", "0123456789", "0123456789"),
    ("both digit sets", "۱٢3", "123", "123", "123"),
    ("digits in a name", "کوچه ۷", "کوچه 7", "کوچه 7", "کوچه7"),
    ("decimal mark stays", "۱٫۵", "1٫5", "1٫5", "15"),
    # half-spaces
    ("half-space", "علی\u200cرضا", "علی\u200cرضا", "علی رضا", "علیرضا"),
    ("half-space doubled", "علی\u200c\u200cرضا", "علی\u200cرضا", "علی رضا", "علیرضا"),
    ("half-space before a space", "علی\u200c رضا", "علی رضا", "علی رضا", "علیرضا"),
    ("half-space after a space", "علی \u200cرضا", "علی رضا", "علی رضا", "علیرضا"),
    ("half-space among spaces", "علی \u200c \u200cرضا", "علی رضا", "علی رضا", "علیرضا"),
    ("half-space in front", "\u200cعلی", "علی", "علی", "علی"),
    ("half-space at the end", "علی\u200c", "علی", "علی", "علی"),
    ("half-space and space in front", "\u200c علی", "علی", "علی", "علی"),
    ("space and half-space at the end", "علی \u200c", "علی", "علی", "علی"),
    ("nothing but half-spaces", "\u200c \u200c", "", "", ""),
    ("half-spaces parted by a removed mark", "علی\u200c\u200e\u200cرضا", "علی\u200cرضا", "علی رضا", "علیرضا"),
    # spaces and signs that cannot be seen
    ("spaces around", "  علی  رضا  ", "علی رضا", "علی رضا", "علیرضا"),
    ("tab and line break", "علی\t\r\nرضا", "علی رضا", "علی رضا", "علیرضا"),
    ("no-break space", "علی\u00a0رضا", "علی رضا", "علی رضا", "علیرضا"),
    ("ideographic space", "علی\u3000رضا", "علی رضا", "علی رضا", "علیرضا"),
    ("thin and narrow spaces", "a\u2009b\u202fc", "a b c", "A B C", "abc"),
    ("line and paragraph separator", "a\u2028b\u2029c", "a b c", "A B C", "abc"),
    ("separators of old tapes", "a\x1cb\x1f", "a b", "A B", "ab"),
    ("zero width space", "علی\u200bرضا", "علیرضا", "علیرضا", "علیرضا"),
    ("nothing but a zero width space", "\u200b", "", "", ""),
    ("direction marks", "\u200fعلی\u200e", "علی", "علی", "علی"),
    ("embedded direction", "\u202b\u0627\u202c\u2067ب\u2069", "اب", "اب", "اب"),
    ("arabic letter mark", "\u061cعلی", "علی", "علی", "علی"),
    ("soft hyphen", "Jo\u00adhan", "Johan", "Johan", "johan"),
    ("word joiner and byte order mark", "\ufeffJo\u2060han", "Johan", "Johan", "johan"),
    ("zero width joiner", "ه\u200d", "ه", "ه", "ه"),
    # Latin letters
    ("accent composed", "André", "André", "André", "andre"),
    ("accent apart", "Andre\u0301", "André", "André", "andre"),
    ("accent behind a hidden mark", "Andre\u200e\u0301", "André", "André", "andre"),
    ("ring", "ÅNGSTRÖM", "ÅNGSTRÖM", "Ångström", "angstrom"),
    ("angstrom sign", "\u212bke", "Åke", "Åke", "ake"),
    ("sharp s", "STRAUß", "STRAUß", "STRAUß", "strauss"),
    ("stroked letters", "Łukasz Ørsted", "Łukasz Ørsted", "Łukasz Ørsted", "lukaszorsted"),
    ("joined letters", "Æsop", "Æsop", "Æsop", "aesop"),
    ("dotted capital i", "YİĞİT", "YİĞİT", "Yiğit", "yigit"),
    ("dotless i", "Işık", "Işık", "Işık", "isik"),
    ("two accents", "Nguyễn", "Nguyễn", "Nguyễn", "nguyen"),
    ("all capitals", "JANE DOE", "JANE DOE", "Jane Doe", "janedoe"),
    ("all small", "jane doe", "jane doe", "Jane Doe", "janedoe"),
    ("capitals as meant", "Ludwig van Beethoven", "Ludwig van Beethoven", "Ludwig van Beethoven",
     "ludwigvanbeethoven"),
    ("capital inside", "McDonald", "McDonald", "McDonald", "mcdonald"),
    ("apostrophe", "JANE O'NEIL", "JANE O'NEIL", "Jane O'Neil", "janeoneil"),
    ("curly apostrophe", "D’ANGELO", "D’ANGELO", "D’Angelo", "dangelo"),
    ("hyphen", "ANNE-MARIE", "ANNE-MARIE", "Anne-Marie", "annemarie"),
    ("initials", "J. R. R. TOLKIEN", "J. R. R. TOLKIEN", "J. R. R. Tolkien", "jrrtolkien"),
    ("one letter", "q", "q", "Q", "q"),
    ("accent without a composed form", "x\u030cy", "x\u030cy", "X\u030cy", "xy"),
    ("a letter without a capital", "ŉ", "ŉ", "ŉ", "n"),
    ("capitals that compose when small", "AH\u0331", "AH\u0331", "Aẖ", "ah"),
    ("full width letters", "Ａnn", "Ａnn", "Ａnn", "ann"),
    ("ligature fi", "ﬁn", "ﬁn", "ﬁn", "fin"),
    ("trade mark", "Acme™", "Acme™", "Acme™", "acmetm"),
    # mixed and other
    ("persian and latin", "شرکت ABC", "شرکت ABC", "شرکت Abc", "شرکتabc"),
    ("persian and latin as meant", "علی Smith", "علی Smith", "علی Smith", "علیsmith"),
    ("emoji", "عالی 👍❤️", "عالی 👍❤️", "عالی 👍❤️", "عالی"),
    ("joined emoji come apart", "👩\u200d💻", "👩💻", "👩💻", ""),
    ("punctuation stays", "بله، خوب؟", "بله، خوب؟", "بله، خوب؟", "بلهخوب"),
    ("greek", "ΑΘΗΝΑ", "ΑΘΗΝΑ", "Αθηνα", ""),
    ("chinese", "北京", "北京", "北京", ""),
    ("plain", "a b", "a b", "A B", "ab"),
    ("empty", "", "", "", ""),
    ("spaces only", "   ", "", "", ""),
]  # fmt: skip


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
    code = {letter: normal(letter, "search") for letter in PERSIAN + string.ascii_lowercase + string.digits}
    assert of_golden("search") == {row[0]: "".join(code[letter] for letter in row[4]) for row in GOLDEN}


def test_the_golden_table_is_large_and_names_each_case_once():
    assert len({row[0] for row in GOLDEN}) == len(GOLDEN) >= 60


def test_each_persian_letter_has_one_ascii_letter_of_its_own():
    codes = [normal(letter, "search") for letter in PERSIAN]
    assert len(set(codes)) == len(PERSIAN) == 32
    assert all(code in string.ascii_letters for code in codes)


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
        st.sampled_from("\u200c  \u200d\u200e\u0640\u0301\u0308\u0307\u0331\u030c\x1f\teEiIİŉΐßHJﬁيكى"),
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=50)
@given(st.lists(ANY_TEXT, min_size=1, max_size=20), st.sampled_from(["letters", "names"]))
def test_what_is_in_one_form_stays_as_it_is(texts, level):
    once = normalize_text(pd.Series(texts, dtype="str"), level)
    pd.testing.assert_series_equal(normalize_text(once, level), once)


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
def test_a_search_key_is_ascii_letters_and_digits_and_nothing_else(texts):
    for key in normalize_text(pd.Series(texts, dtype="str"), "search"):
        assert set(key) <= set(string.ascii_letters + string.digits)


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


@pytest.mark.parametrize("level", ["letters", "names", "search"])
def test_index_name_missing_values_and_type_are_kept(level):
    values = pd.Series(["علي", None, "", "علي"], index=["x", 7, 7, "y"], name="who", dtype="str")
    found = normalize_text(values, level)
    assert found.index.equals(values.index)
    assert (found.name, found.dtype) == ("who", "str")
    assert found.isna().tolist() == [False, True, False, False]
    assert found.iloc[0] == found.iloc[3]


@pytest.mark.parametrize("level", ["letters", "names", "search"])
def test_the_given_column_is_not_changed(level):
    values = pd.Series([" علي ", None, "JANE"], dtype="str")
    before = values.copy()
    normalize_text(values, level)
    pd.testing.assert_series_equal(values, before)


@pytest.mark.parametrize("level", ["letters", "names", "search"])
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
