"""Comments as words: one form, tokens, language, topics, distinctive words, key phrases."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab.errors import ParameterError
from crmlab.mining.methods import (
    distinctive_words,
    key_phrases,
    language_of,
    log_likelihood_ratio,
    normalize,
    npmi_coherence,
    tfidf,
    tokenize,
    topics,
)
from crmlab.mining.methods.text import stem

TEXTS = st.lists(
    st.one_of(st.none(), st.text(), st.text(alphabet="می هاتریبخ \u200cabsie'.12آكي")), min_size=1, max_size=8
)


@given(TEXTS)
def test_what_is_in_one_form_stays_as_it_is(texts):
    once = normalize(pd.Series(texts, dtype="str"))
    pd.testing.assert_series_equal(normalize(once), once)


@given(TEXTS)
def test_words_do_not_depend_on_the_form_of_the_text(texts):
    values = pd.Series(texts, dtype="str")
    assert tokenize(values).tolist() == tokenize(normalize(values)).tolist()


@pytest.mark.parametrize(
    "text",
    ["کتاب‌های بزرگ‌تر می‌رسد", "کتاب های بزرگ تر می رسد", "کتابهای بزرگتر میرسد", "كتابهاي بزرگتر ميرسد"],
)
def test_a_persian_word_is_one_word_however_its_parts_are_written(text):
    assert tokenize(pd.Series([text])).item() == ["کتاب", "بزرگ", "میرسد"]


def test_what_is_no_word_is_dropped():
    text = "See https://a.b/c?d, www.x.ir or shop.com/y; mail joe.a@x.org! @joe #tag 12 ۱۲۳ ... the pages"
    assert tokenize(pd.Series([text])).item() == ["mail", "page"]


def test_plurals_have_the_stem_of_their_singular():
    pairs = [("deliveries", "delivery"), ("boxes", "box"), ("glasses", "glass"), ("parcels", "parcel"),
             ("courier's", "courier"), ("bus", "bus"), ("analysis", "analysis"), ("کتاب‌هایشان", "کتاب"),
             ("مشتری‌ها", "مشتری"), ("تنها", "تنها"), ("دفتر", "دفتر")]  # fmt: skip
    assert [stem(word) for word, _ in pairs] == [stem(single) for _, single in pairs]


def test_missing_texts_have_no_words_and_keep_their_place():
    found = tokenize(pd.Series(["late parcel", None, ""], index=["a", "b", "c"]))
    assert found.to_dict() == {"a": ["late", "parcel"], "b": [], "c": []}


def test_language_goes_by_the_script_of_most_letters():
    texts = pd.Series(["late", "دیر شد", "слишком", "太慢", "iPhone خراب شده است", "۱۲ / 10", "", None])
    assert language_of(texts).fillna("-").tolist() == ["en", "fa", "other", "other", "fa", "-", "-", "-"]


def test_numbers_are_no_comments():
    with pytest.raises(ParameterError, match="Comments are text; the column 'score' holds int64 values"):
        tokenize(pd.Series([1, 2], name="score"))


def test_weights_are_those_of_the_formula():
    matrix, words = tfidf(pd.Series(["late late parcel", "parcel torn", "torn", None]))
    assert words.tolist() == ["parcel", "torn"]
    idf = 1 + np.log(5 / 3)
    assert matrix[0].toarray().ravel() == pytest.approx([1, 0])
    assert matrix[1].toarray().ravel() == pytest.approx(np.array([idf, idf]) / np.hypot(idf, idf))
    assert matrix[3].nnz == 0


def test_the_spelling_shown_is_the_commonest():
    _, words = tfidf(pd.Series(["parcels", "parcels", "parcel"]))
    assert words.tolist() == ["parcels"]


def test_texts_without_words_in_common_are_refused():
    with pytest.raises(ParameterError, match="No word stands in 2 or more of the 2 comments with words"):
        tfidf(pd.Series(["late", "torn", None]))


def test_coherence_by_hand():
    # Words in half of the texts each: independent if together in a quarter of them.
    there = np.array([[1, 1, 1, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 1]])
    assert npmi_coherence(there[:, [0, 1]]) == pytest.approx(0)
    assert npmi_coherence(there[:, [0, 2]]) == pytest.approx(1)
    assert npmi_coherence(there[:, [0, 3]]) == pytest.approx(-1)
    # p(a) = 1/2, p(b) = 3/4, p(a, b) = 1/2.
    uneven = np.array([[1, 1], [1, 1], [0, 1], [0, 0]])
    assert npmi_coherence(uneven) == pytest.approx(np.log((1 / 2) / (3 / 8)) / -np.log(1 / 2))


VOCABULARY = [f"{letter}{letter}word{ending}" for letter in "abc" for ending in "qrstuvwxyz"]


def planted(seed: int, texts: int = 150) -> tuple[pd.Series, np.ndarray]:
    """Texts of four words of one of three vocabularies, and one of any."""
    random = np.random.default_rng(seed)
    topic = random.integers(0, 3, texts)
    own = [random.choice(VOCABULARY[10 * one : 10 * one + 10], 4) for one in topic]
    return pd.Series([" ".join([*words, random.choice(VOCABULARY)]) for words in own]), topic


@pytest.mark.parametrize("seed", [1, 2])
def test_planted_topics_and_their_number_are_found(seed):
    from sklearn.metrics import adjusted_mutual_info_score

    texts, topic = planted(seed)
    found = topics(texts, most=6)
    assert len(found.quality) == 3
    assert adjusted_mutual_info_score(topic, found.weights.idxmax(axis="columns")) > 0.9
    letters = found.words.assign(letter=found.words["word"].str[0]).groupby("topic")["letter"].nunique()
    assert letters.tolist() == [1, 1, 1]
    assert found.quality["texts"].is_monotonic_decreasing
    assert found.choice.index.tolist() == [2, 3, 4, 5, 6]


def test_shares_add_up_and_equal_seeds_give_equal_topics():
    texts = pd.concat([planted(3)[0], pd.Series([None, "unheard"])], ignore_index=True)
    found, again = (topics(texts, n_topics=3, seed=5, repeats=2) for _ in range(2))
    assert found.weights.iloc[:-2].sum(axis="columns").to_numpy() == pytest.approx(1)
    assert found.weights.iloc[-2:].isna().all(axis=None)
    for one, other in zip(found, again, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_few_texts_have_no_topics():
    with pytest.raises(ParameterError, match="No word stands in 2 or more of the 1 comments"):
        topics(pd.Series(["the parcel was late"]))
    with pytest.raises(ParameterError, match="Topics need 10 comments or more that share words.*; 3 of 4 do"):
        topics(pd.Series(["parcel late", "parcel", "late", "torn"]))
    with pytest.raises(
        ParameterError, match="n_topics is a whole number from 2, or None to choose one, not 1"
    ):
        topics(pd.Series(["a"]), n_topics=1)
    with pytest.raises(ParameterError, match="1 words in 12 comments are too few for 2 topics"):
        topics(pd.Series(["parcel"] * 12))


def test_log_odds_are_those_of_the_formula():
    texts = pd.Series(["late late parcel", "late", "wrong bill", "wrong parcel parcel"])
    group = pd.Series(["a", "a", "b", "b"])
    found = distinctive_words(texts, group, prior=20, minimum=1).set_index(["group", "word"])
    # Words: late 3, parcel 3, wrong 2, bill 1, 9 in all; group a has late 3 and parcel 1.
    before = 20 * 3 / 9
    own = np.log((3 + before) / (4 + 20 - 3 - before))
    other = np.log((0 + before) / (5 + 20 - 0 - before))
    row = found.loc[("a", "late")]
    assert row["log_odds"] == pytest.approx(own - other)
    assert row["z"] == pytest.approx((own - other) / np.sqrt(1 / (3 + before) + 1 / before))
    assert row[["count", "others"]].tolist() == [3, 0]
    # With two groups, what speaks for one speaks against the other.
    assert found.loc[("b", "late"), "z"] == pytest.approx(-row["z"])


def test_groups_that_speak_alike_have_no_distinctive_words():
    random = np.random.default_rng(4)
    words = [f"word{letter}" for letter in "abcdefghijklmnopqrst"]
    texts = pd.Series([" ".join(random.choice(words, 5)) for _ in range(400)])
    z = distinctive_words(texts, pd.Series(np.arange(400) % 2))["z"]
    assert (z.abs() > 3.3).mean() < 0.05


def test_one_group_has_nothing_to_differ_from():
    with pytest.raises(ParameterError, match="two or more groups have some; 1 of 1 do"):
        distinctive_words(pd.Series(["late"]), pd.Series(["a"]))
    with pytest.raises(ParameterError, match="There are 1 texts, but 2 groups"):
        distinctive_words(pd.Series(["late"]), pd.Series(["a", "b"]))


def test_the_likelihood_ratio_of_the_paper():
    # Dunning (1993), table 1: "the swiss", "can be", "previous year".
    counts = [(110, 2442, 111, 29114), (29, 13, 123, 31612), (31, 23, 139, 31584)]
    found = [
        log_likelihood_ratio(both, both + first, both + second, sum((both, first, second, neither)))
        for both, first, second, neither in counts
    ]
    assert found == pytest.approx([270.72, 263.90, 256.84], abs=0.01)
    assert log_likelihood_ratio(1, 50, 50, 100) == 0


def test_phrases_do_not_reach_over_signs_and_stop_words():
    texts = pd.Series(
        ["express shipping fee", "express shipping. Fee", "the express shipping 3 fee", "slow courier"] * 2
    )
    found = key_phrases(texts, minimum=2).set_index("phrase")
    assert found.index[0] == "express shipping"
    assert set(found.index[1:]) == {"slow courier", "shipping fee", "express shipping fee"}
    assert found.loc["express shipping", ["count", "texts", "words"]].tolist() == [6, 6, 2]
    assert found.loc["express shipping fee", ["count", "texts", "words"]].tolist() == [2, 2, 3]
    assert key_phrases(texts, minimum=2, longest=2)["words"].tolist() == [2, 2, 2]
    with pytest.raises(ParameterError, match="longest is 2 or 3, not 4"):
        key_phrases(texts, longest=4)


def test_texts_without_phrases_have_none():
    assert key_phrases(pd.Series([None, "late"])).empty
