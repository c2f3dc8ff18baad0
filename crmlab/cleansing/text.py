"""Text in one form: Persian and Latin letters, digits, spaces and case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.cleansing.codepoints import HARD, REMOVED, Table, Texts, pieces, to_arrow, to_texts
from crmlab.errors import ParameterError
from crmlab.letters import FORMS, ZWNJ, fold

Level = Literal["letters", "names", "search"]

#: A key may hold only what is its own key, and Latin capitals are keyed as small letters. So 26 of the 32
#: Persian letters share the small letters, and six rare ones are signs that names do not have.
_SEARCH_CODES = dict(zip("ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی", "abpt{jcoxd}rz~sw^<u=eifqkglmnvhy", strict=True))
#: Letters of Kurdish, Azeri, Urdu and Pashto names by the Persian ones that they are written with.
_NEIGHBOURS = dict(zip("ڕڤڵۆێۇۋٹڈڑںټډړږښګڼۍ", "رولویووتدرنتدرژشگنی", strict=True))
_SEARCH_LETTERS = str.maketrans(
    _SEARCH_CODES
    | {letter: _SEARCH_CODES[persian] for letter, persian in _NEIGHBOURS.items()}
    # Latin letters that Unicode does not take apart.
    | {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
#: Texts that tell whether a column repeats itself.
_SOME = 1 << 14
_APOSTROPHES = "'’ʼ`´"
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f])*")
_NUMERALS = ("ii", "iii", "iv")


def _name(value: str) -> str:
    value = fold(value).replace(ZWNJ, " ")
    # The small letter ß stands in names typed in capitals, too.
    case = value.replace("ß", "")
    if case.isupper() or case.islower():
        value = unicodedata.normalize("NFC", _WORD.sub(_capitalised, value))
    return value


def _capitalised(word: re.Match[str]) -> str:
    text, before = word[0], word.string[: word.start()]
    if before[-1:].isdecimal():
        return text
    small = text.lower().replace("i\u0307", "i")
    if small == "s" and before[-1:] in _APOSTROPHES and _LETTER.match(before[-2:-1]):
        return small
    if small in _NUMERALS and before.endswith(" ") and word.end() == len(word.string):
        return text.upper()
    capital = text[0].title()
    # A few letters have no capital of their own, such as the first of "ŉ".
    return (capital if len(capital) == 1 else text[0]) + text[1:].lower().replace("i\u0307", "i")


def _search(value: str) -> str:
    # Taking letters apart turns accents and hamzas into combining marks, which are dropped.
    apart = unicodedata.normalize("NFKD", fold(value)).casefold()
    plain = "".join(c for c in apart if not unicodedata.combining(c)).translate(FORMS)
    return re.sub(r"[^0-9a-z{}~^<=]", "", plain.translate(_SEARCH_LETTERS))


def arrow(values: pd.Series) -> pa.Array:
    """A column of text as one Arrow array."""
    array = pa.array(values, type=pa.large_string(), from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _of_distinct(array: pa.Array, change: Callable[[str], str | None]) -> pa.Array:
    codes = pc.dictionary_encode(array)
    return pa.array([change(v) for v in codes.dictionary.to_pylist()], pa.large_string()).take(codes.indices)


def recode(values: pd.Series, change: Callable[[str], str | None], where: str = "") -> pd.Series:
    """`change` applied once to each distinct text of a column, missing values left alone.

    Parameters
    ----------
    where
        Regular expression (RE2); only values that match it are changed.
    """
    array = arrow(values)
    todo = pc.match_substring_regex(array, where) if where else pc.is_valid(array)
    todo = pc.fill_null(todo, False)
    if not pc.any(todo).as_py():
        return values
    result = pc.replace_with_mask(array, todo, _of_distinct(array.filter(todo), change))
    return pd.Series(result, index=values.index, name=values.name, dtype="str")


def _alone(character: str) -> bool:
    """Whether a character stays as it is whatever stands beside it."""
    mark = unicodedata.category(character)[0] == "M" and not "\ufe00" <= character <= "\ufe0f"
    joins = mark or "\u1100" <= character <= "\u11ff"  # parts of Hangul syllables
    return not joins and unicodedata.is_normalized("NFC", character)


def _as_letter(character: str) -> int:
    changed = character.translate(FORMS)
    if not changed:
        composes = "\u0653" <= character <= "\u0655"  # madda and hamza
        return HARD if composes else REMOVED
    return ord(changed) if len(changed) == 1 and _alone(character) else HARD


def _as_search(character: str) -> int:
    changed = _search(character)
    return (ord(changed) if changed else REMOVED) if len(changed) < 2 else HARD


_CHANGES = {"letters": fold, "names": _name, "search": _search}
_TABLES = {"letters": Table(_as_letter), "search": Table(_as_search)}
_UPPER, _LOWER, _IN_WORD, _APOSTROPHE, _DIGIT, _SIGMA, _MET = 1, 2, 4, 8, 16, 32, 64
_SMALL = Table(lambda c: ord(c.lower()[0] if _LETTER.match(c) else c))
_CAPITAL = Table(lambda c: ord(c.title() if _LETTER.match(c) and len(c.title()) == 1 else c))


def _case(character: str) -> int:
    upper = character.isupper() or character.istitle()
    lower = character.islower() or unicodedata.category(character) == "Lt"
    cased = (_UPPER * upper | _LOWER * lower) if character != "ß" else 0
    beside = _APOSTROPHE * (character in _APOSTROPHES) | _DIGIT * character.isdecimal()
    return cased | beside | _SIGMA * (character == "Σ") | _IN_WORD * bool(_LETTER.match(character)) | _MET


_CASE = Table(_case, np.uint8)


def _unified(array: pa.Array, level: Level) -> pa.Array:
    """Some texts of a column in one form: by table, and one by one where neighbours matter."""
    given = to_texts(array)
    codes = given.codes
    # Printable ASCII is in one form.
    if level == "search" or (len(codes) and not (codes.min() >= 0x20 and codes.max() < 0x7F)):
        codes = _TABLES["search" if level == "search" else "letters"][codes]
    alone = [np.empty(0, dtype=np.int64)]
    if len(codes) and codes.max() >= REMOVED:
        hard = codes == HARD
        alone.append(given.rows(np.flatnonzero(hard)))
        codes = np.where(hard, ord("x"), codes)
    if level == "names":
        codes = np.where(codes == ord(ZWNJ), ord(" "), codes)
    texts = Texts(codes, given.ends).keep(codes != REMOVED)
    if level != "search":
        texts, rows = _single_blanks(texts)
        alone.append(rows)
    if level == "names":
        texts, rows = _capitals(texts)
        alone.append(rows)
    found = to_arrow(texts, pc.is_null(array))
    rows = np.unique(np.concatenate(alone))
    if len(rows):
        mask = np.zeros(len(array), dtype=bool)
        mask[rows] = True
        changed = _of_distinct(array.take(pa.array(rows)), _CHANGES[level])
        found = pc.replace_with_mask(found, pa.array(mask), changed)
    return found


def _single_blanks(texts: Texts) -> tuple[Texts, np.ndarray]:
    """The texts without needless blanks, and numbers of those that have spaces and half-spaces together."""
    codes, nothing = texts.codes, np.empty(0, dtype=np.int64)
    blank = (codes == ord(" ")) | (codes == ord(ZWNJ))
    first = texts.starts[texts.starts < texts.ends]
    after = np.zeros_like(blank)
    np.logical_and(blank[1:], blank[:-1], out=after[1:])
    after[first] = False
    again = np.flatnonzero(after)
    mixed = texts.rows(again[codes[again] != codes[again - 1]]) if len(again) else nothing
    after[first] = blank[first]
    texts = texts.keep(~after)
    last = texts.ends[texts.starts < texts.ends] - 1
    kept = np.ones(len(texts.codes), dtype=bool)
    kept[last] = ~np.isin(texts.codes[last], (ord(" "), ord(ZWNJ)))
    return texts.keep(kept), mixed


def _capitals(texts: Texts) -> tuple[Texts, np.ndarray]:
    """The texts with initial capitals where they have but one case, and numbers of those to be looked at."""
    kind = _CASE[texts.codes]
    filled = np.flatnonzero(texts.starts < texts.ends)
    cases = np.bitwise_or.reduceat(kind, texts.starts[filled]) & (_UPPER | _LOWER)
    rows = filled[(cases == _UPPER) | (cases == _LOWER)]
    if not len(rows):
        return texts, rows
    sizes = texts.ends - texts.starts
    chosen = np.zeros(len(sizes), dtype=bool)
    chosen[rows] = True
    places = np.repeat(chosen, sizes)
    some = Texts(texts.codes[places], np.cumsum(sizes[rows]))
    kind, small = kind[places], _SMALL[some.codes]
    before = np.zeros_like(kind)
    before[1:] = kind[:-1]
    before[some.starts] = 0
    codes = texts.codes.copy()
    codes[places] = np.where(before & _IN_WORD, small, _CAPITAL[some.codes])
    # A final sigma, "women's", "3rd" and the numeral of "John III" depend on what stands beside them.
    odd = (kind & _SIGMA > 0) | (small == ord("s")) & (before & _APOSTROPHE > 0)
    odd |= (kind & _IN_WORD > 0) & (before & _DIGIT > 0)
    last = some.ends - 1
    odd[last] |= (small[last - 1] == ord("i")) & np.isin(small[last], (ord("i"), ord("v")))
    return Texts(codes, texts.ends), rows[some.rows(np.flatnonzero(odd))]


def normalize_text(values: pd.Series, level: Level = "letters") -> pd.Series:
    """Bring text to one form.

    Parameters
    ----------
    values : Series of str
        Missing values stay missing.
    level
        ``"letters"``: Arabic letter variants, presentation forms and both digit sets to Persian
        letters and ASCII digits; diacritics, tatweel, direction marks and control signs removed;
        accents composed; spaces single.
        ``"names"``: besides, half-spaces become spaces, and names typed in capitals or in small
        letters throughout get initial capitals.
        ``"search"``: one ASCII character per letter or digit and nothing else, for comparing:
        engines that compute edit distances over bytes then count letters. Latin letters and
        digits stand for themselves; each Persian letter has a small letter or one of ``{}~^<=``.

        At each level, what is in one form stays as it is.

    Returns
    -------
    Series of str
        Indexed like `values`.

    Examples
    --------
    >>> normalize_text(pd.Series(["  علي  كاظمي ", "۱۲۳"])).tolist()
    ['علی کاظمی', '123']
    >>> normalize_text(pd.Series(["JANE  O'NEIL"]), level="names").tolist()
    ["Jane O'Neil"]
    """
    if level not in _CHANGES:
        raise ParameterError(f"level is 'letters', 'names' or 'search', not {level!r}.")
    values = as_text(values)
    column = array = arrow(values)
    # Names repeat themselves: of such columns, each distinct text is looked at once.
    repeated = repeats(array, _SOME)
    if repeated:
        column = pc.dictionary_encode(array)
        array = column.dictionary
    unified = pa.concat_arrays([_unified(piece, level) for piece in pieces(array)])
    return pd.Series(
        unified.take(column.indices) if repeated else unified,
        index=values.index,
        name=values.name,
        dtype="str",
    )


def repeats(array: pa.Array, some: int) -> bool:
    """Whether a column repeats itself: of some texts at its head, less than one in four is distinct."""
    head = array.slice(0, some)
    return 4 * len(pc.unique(head)) < len(head)


def unify(text: str, level: Level = "letters") -> str:
    """One text as `normalize_text` brings a column of them to one form.

    Examples
    --------
    >>> unify("  علي  كاظمي ")
    'علی کاظمی'
    """
    return _CHANGES[level](text)


def as_text(values: pd.Series) -> pd.Series:
    """A column of any type as one of text; itself if it is that already."""
    values = values if isinstance(values, pd.Series) else pd.Series(values)
    return values if values.dtype == "str" else values.astype("str")
