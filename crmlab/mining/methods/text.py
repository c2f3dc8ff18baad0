"""English and Persian text as words: one form, tokens, light stems, language by script, TF-IDF."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.errors import ParameterError
from crmlab.letters import ZWNJ, fold
from crmlab.mining.methods.stop_words import STOP_WORDS

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_PERSIAN = "[ء-ۓ]"
_REPEATED = re.compile(r"([^\W\d_])\1{2,}")
#: What stands apart though it belongs to one word: the prefix of the present tense, and endings.
_APART = (
    (re.compile(rf"(?<!\w)(ن?می) (?={_PERSIAN})"), rf"\1{ZWNJ}"),
    (re.compile(rf"(?<={_PERSIAN}) (ها|های|هایی|های?(?:م|ت|ش|مان|تان|شان)|تر|ترین|تری)(?!\w)"), rf"{ZWNJ}\1"),
    (re.compile(r"(?<=ه) (ام|ای|ات|اش|ایم|اید|اند)(?!\w)"), rf"{ZWNJ}\1"),
)
_PLURAL = "ها(?:ی(?:ی|م|ت|ش|مان|تان|شان)?|م|ت|ش)?"
#: Endings that are taken off: after a half-space always, else where enough of a word is left.
_ENDINGS = tuple(
    re.compile(rf"(?:(?<=..){ZWNJ}|(?<={'.' * left})){ending}$")
    for ending, left in ((_PLURAL, 3), ("تر(?:ین|ی)?", 4), ("ی", 4))
)
_NO_WORDS = re.compile(
    r"(?:https?://|www\.)\S+|\S+@\S+|(?<!\w)[@#]\w+|"
    r"(?<![\w.-])[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|net|org|info|ir|io|me|uk|de)(?![a-z])(?:/\S*)?"
)
_BREAK_OR_WORD = re.compile(rf"[^\W\d_]+(?:[{ZWNJ}'’][^\W\d_]+)*|[^\s\w'’]|\d+|_")
#: Letters only: in Unicode, some of the digits and signs are of the Arabic script, too.
_ARABIC_LETTERS = (
    r"[\x{0620}-\x{063F}\x{0641}-\x{064A}\x{066E}\x{066F}\x{0671}-\x{06D3}\x{06D5}\x{06EE}\x{06EF}"
    r"\x{06FA}-\x{06FC}\x{06FF}\x{0750}-\x{077F}\x{FB50}-\x{FBB1}\x{FBD3}-\x{FD3D}\x{FE70}-\x{FEFC}]"
)
_LETTERS = {"en": r"\p{Latin}", "fa": _ARABIC_LETTERS}


class Terms(NamedTuple):
    """Texts by words; see `tfidf`."""

    matrix: csr_matrix
    words: np.ndarray


def normalize(values: pd.Series) -> pd.Series:
    r"""Comments in one form: letters, digits and spaces folded, small letters, no lengthened letters.

    Parameters
    ----------
    values : Series of str
        Missing values stay missing.

    Returns
    -------
    Series of str
        Indexed like `values`. Parts of one Persian word that stand apart (the prefix ``می``, the
        endings ``ها`` and ``تر``) are joined by a half-space.

    Examples
    --------
    >>> normalize(pd.Series(["SOOOO  good", "خيلييييي خوب", "نمي شود"])).tolist()
    ['so good', 'خیلی خوب', 'نمی\u200cشود']
    """
    texts = as_texts(values)
    return texts.map(normalized, na_action="ignore").astype("str")


def normalized(text: str) -> str:
    """One text as `normalize` gives it."""
    text = _REPEATED.sub(r"\1", fold(text).casefold())
    for pattern, joined in _APART:
        text = pattern.sub(joined, text)
    return text


def as_texts(values: pd.Series) -> pd.Series:
    """A column of comments as text; refused if it holds something else."""
    values = values if isinstance(values, pd.Series) else pd.Series(values, dtype="object")
    if values.dtype != "str" and not values.map(lambda v: isinstance(v, str) or pd.isna(v)).all():
        raise ParameterError(f"Comments are text; the column {values.name!r} holds {values.dtype} values.")
    return values.astype("str")


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """A word in one form (see `normalize`) without its plural and degree, as a key: no half-space.

    Persian loses ``ها``, ``های`` and their possessives, ``تر``, ``ترین`` and ``ی``; English its plural
    ending and ``'s``. Nothing else is taken off.

    Examples
    --------
    >>> [stem(word) for word in ("deliveries", "boxes", "کتاب‌هایم", "بزرگترین")]
    ['delivery', 'box', 'کتاب', 'بزرگ']
    """
    if not word.isascii():
        for ending in _ENDINGS:
            word = ending.sub("", word)
        return word.replace(ZWNJ, "")
    word = re.sub("['’]s?$", "", word)
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if re.search("(?:ss|ch|sh|x|z)es$", word):
        return word[:-2]
    return word[:-1] if len(word) > 3 and re.search("[^siu]s$", word) else word


def segments(text: str) -> Iterator[list[str]]:
    """Words of a text that follow one another without a sign or a number between them."""
    run: list[str] = []
    for found in _BREAK_OR_WORD.finditer(_NO_WORDS.sub(" . ", normalized(text))):
        if found[0][0].isalpha():
            run.append(found[0])
        elif run:
            yield run
            run = []
    if run:
        yield run


def is_stop_word(word: str) -> bool:
    """Whether a word in one form says nothing of what a text is about, or is a single letter."""
    plain = word.replace(ZWNJ, "").replace("’", "'")
    return len(plain) < 2 or plain in STOP_WORDS


def surface_words(values: pd.Series) -> list[list[str]]:
    """Words of each text as they are written, stop words left out; none where the text is missing."""
    return [
        [word for run in segments(text) for word in run if not is_stop_word(word)]
        if isinstance(text, str)
        else []
        for text in as_texts(values)
    ]


def tokenize(values: pd.Series) -> pd.Series:
    """Words of each comment that say what it is about.

    Stop words, digits, punctuation, addresses of pages and e-mails, handles and tags are left out; what
    is left is stemmed lightly (`stem`). A Persian word is the same word whether its parts are joined,
    apart or parted by a half-space.

    Parameters
    ----------
    values : Series of str

    Returns
    -------
    Series of list of str
        Indexed like `values`; an empty list for a missing comment or one without such words.

    Examples
    --------
    >>> tokenize(pd.Series(["The 3 boxes were crushed!", "بسته ها دیر می رسد"])).tolist()
    [['box', 'crushed'], ['بسته', 'دیر', 'میرسد']]
    """
    texts = as_texts(values)
    words = [[stem(word) for word in words] for words in surface_words(texts)]
    return pd.Series(words, index=texts.index, name=texts.name, dtype="object")


def shown_words(written: list[list[str]]) -> dict[str, str]:
    """For each stem, the spelling to show: the one written most often."""
    counts = Counter(word for words in written for word in words)
    shown: dict[str, str] = {}
    for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        shown.setdefault(stem(word), word)
    return shown


def language_of(values: pd.Series) -> pd.Series:
    """Language of each comment by the script of most of its letters.

    Returns
    -------
    Series of str
        Indexed like `values`: ``"en"`` (Latin letters), ``"fa"`` (Arabic ones), ``"other"`` (a third
        script), missing where there is no letter. Languages of one script are not told apart.

    Examples
    --------
    >>> language_of(pd.Series(["late again", "دیر رسید", "слишком поздно", "10/10"])).tolist()
    ['en', 'fa', 'other', nan]
    """
    texts = as_texts(values)
    array = pa.array(texts, type=pa.large_string(), from_pandas=True)

    def count(pattern: str) -> np.ndarray:
        found = pc.fill_null(pc.count_substring_regex(array, pattern), 0)
        return found.to_numpy(zero_copy_only=False)

    known = {language: count(pattern) for language, pattern in _LETTERS.items()}
    other = count(r"\p{L}") - sum(known.values())
    counts = np.stack([*known.values(), other])
    names = np.array([*known, "other"], dtype=object)[counts.argmax(axis=0)]
    found = np.where(counts.max(axis=0) > 0, names, None)
    return pd.Series(found, index=texts.index, name="language", dtype="str")


def tfidf(values: pd.Series, minimum_texts: int = 2, most_words: int = 1000) -> Terms:
    """Weights of words in texts: more the oftener in the text, and the fewer other texts have it.

    The weight is (1 + ln n)(1 + ln((1 + N) / (1 + d))) for n times in a text, d of N texts having the
    word; the weights of a text have the length 1.

    Parameters
    ----------
    minimum_texts
        Words in fewer texts are left out.
    most_words
        Of more words than this, those most often written are kept.

    Returns
    -------
    Terms
        `matrix`, a sparse row per value (empty where no word is left), and `words`, the spelling to
        show of each column.

    Raises
    ------
    ParameterError
        If no word is left.

    Examples
    --------
    >>> tfidf(pd.Series(["late parcel", "parcels torn", "torn"])).words.tolist()
    ['parcel', 'torn']
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    written = surface_words(values)
    shown = shown_words(written)
    lists = [[stem(word) for word in words] for words in written]
    weigh = TfidfVectorizer(
        analyzer=_as_given, min_df=minimum_texts, max_features=most_words, sublinear_tf=True
    )
    try:
        matrix = weigh.fit_transform(lists)
    except ValueError:  # scikit-learn's word for a vocabulary without words
        raise ParameterError(
            f"No word stands in {minimum_texts} or more of the {sum(map(bool, lists)):,} comments with words "
            f"({len(lists):,} in all): there is nothing to compare."
        ) from None
    return Terms(
        matrix.tocsr(), np.array([shown[word] for word in weigh.get_feature_names_out()], dtype=object)
    )


def _as_given(words: list[str]) -> list[str]:
    return words
