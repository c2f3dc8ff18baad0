"""Texts misread on purpose come back, sound ones stay: planted truth, public names, and any text at all."""

import itertools

import ftfy  # noqa: F401  (registers the code page "sloppy-windows-1252", Windows-1252 as programs read it)
import pandas as pd
import pytest
from golden_texts import GOLDEN
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crmlab.cleansing.clean import clean
from crmlab.cleansing.mojibake import repair_mojibake

PAGES = ["sloppy-windows-1252", "latin-1", "windows-1256"]
WAYS = [(page,) for page in PAGES] + list(itertools.product(PAGES, repeat=2))

SENTENCES = [
    "علی", "گل", "طه", "عفت", "میثم", "کلثوم", "زهرا محمدی\u200cزاده", "علي كاظمي", "پژمان چگینی",
    "خیابان ولی\u200cعصر، کوچه ۱۲، پلاک ۳", "شرکت ABC (سهامی خاص)", "آقای مؤمن‌زاده", "رئیس", "موسیٰ",
    "قیمت: ۱۲٬۰۰۰ تومان؟", "«نقل قول»",
    "Müller", "Jörg Weiß", "Straße", "Österreich", "Übung", "Größe", "MÜNCHEN", "ÄRZTE", "GÜNTHER ÖZ",
    "Jürgen Groß-Gerau", "„Hans“ und ‚Karl‘", "François", "José", "Zoë", "naïve café", "São Paulo",
    "it’s", "Ann – Lee", "“quoted”", "30 °C", "über 5 € für 2 m²", "Łukasz Dvořák", "Yıldız", "👍 super",
]  # fmt: skip
#: What looks a little broken, and is not.
SOUND = [
    "علی", "نوع»", "«موضوع»", "ضلع…", "وسیع؟", "شروع، پایان", "طرح ۵۰٪", "ط، ظ، ع، غ", "سگ", "جک", "رگ", "تک",
    "أحمد", "آقا", "مطبوع\u200cترین", "نوع ®", "متن \xa0خالی", "عکس", "غ°", "ظ…",
    "NESCAFÉ®", "“JOSÉ”", "„KPÖ“", "»ÖBB«", "JOSÉ’S", "CAFÉ™", "Œuvre", "IRMÃ", "SÃO PAULO", "ÄÖÜ", "Ä…", "Æ",
    "Ø 5 mm", "Ø½\"", "Ø²", "£5", "5 µm ± 0,1", "½ l", "Ünal", "Şahin", "Čapek", "Škoda", "Å", "naïveté…",
    "à", "Â", "À la carte", "Ação", "ÑANDÚ", "Ελλάδα", "Москва", "北京", "שלום", "👍", "",
]  # fmt: skip
#: Broken, but it cannot be told surely into what: one letter, a lost byte, sound Persian beside it.
LEFT = ["أ„", "آ½", "Ø§", "Ø¹Ù„Û?", "ظ…ط\ufffdظ…ط¯", "محمد ظ…ط­ظ…ط¯"]


def misread(text: str, way: tuple[str, ...]) -> str | None:
    try:
        for page in way:
            text = text.encode().decode(page)
    except UnicodeDecodeError:
        return None
    return text


def repaired(texts: list[str]) -> list[str]:
    return repair_mojibake(pd.Series(texts, dtype="str")).tolist()


@pytest.mark.parametrize("way", WAYS, ids=" then ".join)
def test_sentences_misread_once_or_twice_come_back(way):
    assert dict(zip(SENTENCES, repaired([misread(text, way) for text in SENTENCES]), strict=True)) == dict(
        zip(SENTENCES, SENTENCES, strict=True)
    )


@pytest.mark.parametrize("text", SOUND)
def test_sound_text_stays(text):
    assert repaired([text]) == [text]


@pytest.mark.parametrize("text", LEFT)
def test_what_is_not_sure_is_left(text):
    assert repaired([text]) == [text]


def test_a_broken_part_of_a_sound_text_is_repaired():
    assert repaired(["علی MÃ¼ller", "MÃ¼ller، علی", "Köln, StraÃŸe 5"]) == [
        "علی Müller",
        "Müller، علی",
        "Köln, Straße 5",
    ]


def test_three_times_misread():
    assert repaired([misread("علی رضا", PAGES[:1] * 3), misread("Müller", PAGES[:1] * 3)]) == [
        "علی رضا",
        "Müller",
    ]


def test_every_cell_of_the_golden_table_stays():
    texts = [text for row in GOLDEN for text in row[1:4]]
    assert repaired(texts) == texts


def test_short_persian_texts_with_punctuation_stay():
    letters = "ابپتجچخدرزژسطظعغفکگنوهیيكأآ"
    between = [
        "",
        ".",
        "،",
        "؛",
        "؟",
        "»",
        "«",
        " ",
        "\u200c",
        "…",
        "”",
        "“",
        "-",
        "–",
        "!",
        "\xa0",
        "\u200f",
        "1",
    ]
    texts = [a + s + b + t for a in letters for s in between for b in letters[::3] for t in between[::2]]
    assert repaired(texts) == texts


def test_latin_words_with_an_accent_and_a_sign_stay_but_for_the_signature_of_utf8():
    """Capitals before Æ are where UTF-8 puts the letters of Western and Central Europe."""
    signs = "€‚„…†‡ˆ‰‹‘’“”•–—˜™›\xa0¡¢£¤¥¦§¨©ª«¬\xad®¯°±²³´µ¶·¸¹º»¼½¾¿"
    others = [chr(code) for code in range(0xC0, 0x100) if chr(code) not in "ÂÃÄÅâ"]
    texts = [f"CAF{letter}{sign}" for letter in others for sign in signs]
    texts += [f"caf{letter}{sign} x" for letter in others for sign in signs]
    assert repaired(texts) == texts


def test_public_persian_names_come_back_and_stay(public_data):
    names = pd.read_csv(public_data / "persian-names" / "first_names_frequency.csv")["first_name"].astype(
        "str"
    )
    assert repair_mojibake(names) is names
    for way in WAYS:
        some = names[::7]
        broken = some.map(lambda name, way=way: misread(name, way)).astype("str")
        pd.testing.assert_series_equal(repair_mojibake(broken), some)


def test_public_customers_reviews_and_places_are_not_touched(public_data):
    customers = pd.read_parquet(public_data / "er-persian-synthetic" / "persian_100k_raw.parquet")
    places = pd.read_csv(public_data / "iran-divisions" / "shahr.csv")
    reviews = pd.read_json(public_data / "parsinlu_sentiment" / "food.jsonl.gz", lines=True)
    for frame in (customers, places, reviews):
        for column in frame.select_dtypes("str"):
            texts = frame[column]
            assert repair_mojibake(texts) is texts, column


WORDS = st.text(st.sampled_from("abcdeRSTäöüßÄÖÜé ابپتجحدرسعفکگلمنهی\u200cآئ۱۲،؟"), min_size=4, max_size=25)


@settings(deadline=None, max_examples=100)
@given(WORDS, st.sampled_from(WAYS))
@example("RRف\u200c", ("windows-1256", "sloppy-windows-1252"))
def test_any_words_misread_come_back_or_stay_as_they_are_and_nothing_else(text, way):
    broken = misread(text, way)
    steps = {text, broken, misread(text, way[:1])}
    assert repaired([broken])[0] in steps


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text(max_size=20) | WORDS.map(lambda text: misread(text, PAGES[:1])), max_size=8))
def test_what_is_repaired_stays_as_it_is(texts):
    once = repair_mojibake(pd.Series(texts, dtype="str"))
    pd.testing.assert_series_equal(repair_mojibake(once), once)


@settings(deadline=None, max_examples=200)
@given(
    st.text(st.characters(max_codepoint=0x6FF, codec="utf-8") | st.sampled_from("ÃÂØÙâ€ظط§¹آأ"), max_size=8)
)
def test_any_signs_repaired_stay_as_they_are(text):
    once = repaired([text])
    assert repaired(once) == once


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(max_codepoint=0x7F), max_size=20))
def test_ascii_is_never_changed(text):
    assert repaired([text]) == [text]


def test_index_name_missing_values_and_the_given_column_are_kept():
    values = pd.Series(["MÃ¼ller", None, "", "Ann"], index=[3, 3, "x", 0], name="who", dtype="str")
    before = values.copy()
    found = repair_mojibake(values)
    pd.testing.assert_series_equal(values, before)
    expected = pd.Series(["Müller", None, "", "Ann"], index=[3, 3, "x", 0], name="who", dtype="str")
    pd.testing.assert_series_equal(found, expected)


@pytest.mark.parametrize(
    "values", [pd.Series([], dtype="str"), pd.Series([None, None], dtype="object"), pd.Series([1.5, None])]
)
def test_columns_without_a_text(values):
    assert repair_mojibake(values).dtype == "str"
    assert len(repair_mojibake(values)) == len(values)


def test_repairs_are_told_in_the_ledger():
    raw = pd.DataFrame({
        "customer_id": ["1", "2", "3", "4"],
        "first_name": ["MÃ\x9cLLER", "Ø¹Ù„ÛŒ", "علي", "Ann"],
        "address": ["KÃ¶ln", "x", "ط®غŒط§ط¨ط§ظ† غ±", None],
        "beyond": ["ZoÃ«", "b", "c", "d"],
    })  # fmt: skip
    done = clean(raw, "customers")
    assert done.frame["first_name"].tolist() == ["Müller", "علی", "علی", "Ann"]
    assert done.frame["address"].fillna("").tolist() == ["Köln", "x", "خیابان 1", ""]
    entries = done.ledger[done.ledger["action"] == "repaired"]
    assert entries[["row", "column", "rule", "before", "after"]].to_numpy().tolist() == [
        [1, "first_name", "mojibake repaired", "MÃ\x9cLLER", "Müller"],
        [1, "address", "mojibake repaired", "KÃ¶ln", "Köln"],
        [1, "beyond", "mojibake repaired", "ZoÃ«", "Zoë"],
        [2, "first_name", "mojibake repaired", "Ø¹Ù„ÛŒ", "علی"],
        [3, "first_name", "name unified", "علي", "علی"],
        [3, "address", "mojibake repaired", "ط®غŒط§ط¨ط§ظ† غ±", "خیابان 1"],
    ]
