"""Text in one form: Persian and Latin letters, digits, spaces and case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.errors import ParameterError

Level = Literal["letters", "names", "search"]

ZWNJ = "\u200c"

_ARABIC_TO_PERSIAN = {
    "ي": "ی", "ى": "ی", "ې": "ی", "ے": "ی", "ك": "ک", "ڪ": "ک",
    "ۓ": "ی", "ة": "ه", "ۀ": "ه", "ھ": "ه", "ہ": "ه", "ۂ": "ه", "ە": "ه", "ۃ": "ه",
    "أ": "ا", "إ": "ا", "ٱ": "ا",
}  # fmt: skip
_DIGITS = {chr(zero + n): str(n) for zero in (0x0660, 0x06F0) for n in range(10)}
_REMOVED = [
    0x00AD, 0x0640, 0x0670, *range(0x0610, 0x061B), *range(0x064B, 0x0660), 0x061C,
    0x200B, 0x200D, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF,
]  # fmt: skip
_SPACES = [*range(0x09, 0x0E), *range(0x1C, 0x20), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029,
           0x202F, 0x205F, 0x3000]  # fmt: skip
_PRESENTATION_FORMS = [*range(0xFB50, 0xFE00), *range(0xFE70, 0xFEFF)]


def _letters_table() -> dict[int, str | None]:
    table: dict[int, str | None] = {ord(a): b for a, b in (_ARABIC_TO_PERSIAN | _DIGITS).items()}
    table |= dict.fromkeys(_REMOVED) | dict.fromkeys(_SPACES, " ")
    for code in _PRESENTATION_FORMS:
        plain = unicodedata.normalize("NFKC", chr(code))
        if plain != chr(code):
            table[code] = plain.translate(table).strip()
    return table


_LETTERS = _letters_table()
_SEARCH_LETTERS = str.maketrans(
    dict(zip("ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی", "ABPTCJQHXDZRUWSVEGKFLMNOIYabcdef", strict=True))
    # Latin letters that Unicode does not take apart.
    | {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
_NOT_PLAIN = r"[^\x20-\x7e]|^ | $|  "
_BLANK = f" {ZWNJ}"
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f])*")


def _letters(value: str) -> str:
    value = unicodedata.normalize("NFC", value).translate(_LETTERS)
    if not value.isascii():
        # A removed mark may have stood between a letter and its accent.
        value = unicodedata.normalize("NFC", value)
    if ZWNJ in value:
        value = re.sub(f"[{_BLANK}]+", lambda join: " " if " " in join[0] else ZWNJ, value)
    return (re.sub(" +", " ", value) if "  " in value else value).strip(_BLANK)


def _name(value: str) -> str:
    value = _letters(value).replace(ZWNJ, " ")
    if value.isupper() or value.islower():
        value = unicodedata.normalize("NFC", _WORD.sub(_capitalised, value))
    return value


def _capitalised(word: re.Match[str]) -> str:
    first, rest = word[0][0], word[0][1:].lower().replace("i\u0307", "i")
    capital = first.title()
    # A few letters have no capital of their own, such as the first of "ŉ".
    return (capital if len(capital) == 1 else first) + rest


def _search(value: str) -> str:
    # Taking letters apart turns accents and hamzas into combining marks, which are dropped.
    apart = unicodedata.normalize("NFKD", _letters(value)).casefold()
    plain = "".join(c for c in apart if not unicodedata.combining(c)).translate(_LETTERS)
    return re.sub(r"[^0-9A-Za-z]", "", plain.translate(_SEARCH_LETTERS))


def arrow(values: pd.Series) -> pa.Array:
    """A column of text as one Arrow array."""
    array = pa.array(values, type=pa.large_string(), from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


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
    codes = pc.dictionary_encode(array.filter(todo))
    changed = pa.array([change(v) for v in codes.dictionary.to_pylist()], pa.large_string())
    result = pc.replace_with_mask(array, todo, changed.take(codes.indices))
    return pd.Series(result, index=values.index, name=values.name, dtype="str")


def normalize_text(values: pd.Series, level: Level = "letters") -> pd.Series:
    """Bring text to one form.

    Parameters
    ----------
    values : Series of str
        Missing values stay missing.
    level
        ``"letters"``: Arabic letter variants, presentation forms and both digit sets to Persian
        letters and ASCII digits; diacritics, tatweel and direction marks removed; spaces single.
        ``"names"``: besides, half-spaces become spaces, and names typed in capitals or in small
        letters throughout get initial capitals.
        ``"search"``: one ASCII character per letter or digit and nothing else, for comparing:
        engines that compute edit distances over bytes then count letters.

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
    if level == "letters":
        return recode(_text(values), _letters, _NOT_PLAIN)
    if level == "names":
        return recode(_text(values), _name)
    if level == "search":
        return recode(_text(values), _search)
    raise ParameterError(f"level is 'letters', 'names' or 'search', not {level!r}.")


def _text(values: pd.Series) -> pd.Series:
    values = pd.Series(values)
    return values if values.dtype == "str" else values.astype("str")
