"""Words of customers shown without what says who a person is."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from crmlab.letters import fold
from crmlab.mining.methods.text import as_texts

#: What stands in place of an address, a page, a number and a name: signs that need no translation.
ADDRESS, PAGE, NUMBER, NAME = "[@]", "[www]", "[#]", "[...]"

_UNSEEN = "\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
#: What stands between the digits of a number.
_BETWEEN = rf"[\s{_UNSEEN}.\-\u2010-\u2015\u2212/\\_()+*,،:]"
_DIGITS_IN_A_NUMBER, _DIGITS_IN_A_ROW = 7, 5
_AT, _DOT = r"(?:@|＠|[\[(]\s?at\s?[\])])", r"(?:\.|[\[(]\s?dot\s?[\])])"
_PATTERNS = (
    (r"(?:https?://|www\.)\S+", PAGE),
    (rf"[\w.+%\-{_UNSEEN}]+\s?{_AT}\s?[\w\-]+(?:\s?{_DOT}\s?[\w\-]+)+", ADDRESS),
    (r"(?<!\w)[@＠]\w[\w.]*", ADDRESS),
    (r"(?<![\w.-])(?:[a-z0-9-]+\.)+(?:com|net|org|info|ir|io|me|co|uk|de|app|shop)(?!\w)(?:/\S*)?", PAGE),
)
#: Amounts with separators of thousands are no numbers of persons.
_AMOUNT = re.compile(r"(?<![\d,٬])[1-9۱-۹١-٩]\d{0,2}(?:[,٬]\d{3})+(?![\d,٬]*\d)")
_RUN = re.compile(rf"(?<![^\W\d_])[+(]*\d(?:{_BETWEEN}{{0,3}}\d)*\)?")
_CODE = re.compile(r"(?<!\w)(?=[\w\-]*[^\W\d_])(?:[^\W_]|[\-_](?=[^\W_]))*\d{4,}[\w\-]*")
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u064b-\u065f])*")


def mask_personal(values: pd.Series, names: Iterable[str] | None = None) -> pd.Series:
    """Comments without e-mail addresses, handles, pages, numbers of persons and given names.

    Parameters
    ----------
    values : Series of str
        Missing values stay missing.
    names
        Names of persons; each word of them is masked wherever it stands, in whatever case and in
        Arabic or Persian letters. Single letters are not. Without names, none is found.

    Returns
    -------
    Series of str
        Indexed like `values`, with ``[@]`` for an e-mail address or a handle, ``[www]`` for a page,
        ``[#]`` for five digits or more in a row, for seven or more with signs between them (numbers of
        phones, cards, accounts, persons; days such as 2024-03-21, too), and for letters with four
        digits or more (numbers of orders), in whatever digits; ``[...]`` for a name. Amounts with
        separators of thousands stay. What hides otherwise (a number in words, a name that was not
        given) is not found.

    Examples
    --------
    >>> said = pd.Series(["Call Sara at 0912 345 67 89, or sara@mail.com, order C00123 of 1,250,000"])
    >>> mask_personal(said, names=["Sara Ahmadi"]).tolist()
    ['Call [...] at [#], or [@], order [#] of 1,250,000']
    """
    known = {
        word
        for name in names or ()
        if isinstance(name, str)
        for word in (found[0] for found in _WORD.finditer(fold(name).casefold()))
        if len(word) > 1
    }

    def masked(text: str) -> str:
        for pattern, sign in _PATTERNS:
            text = re.sub(pattern, sign, text, flags=re.IGNORECASE)
        text = _CODE.sub(NUMBER, text)
        text = _without_numbers(text)
        if known:
            text = _WORD.sub(lambda word: NAME if fold(word[0]).casefold() in known else word[0], text)
        return text

    return as_texts(values).map(masked, na_action="ignore").astype("str")


def _without_numbers(text: str) -> str:
    """A text without its numbers of persons; amounts stay."""
    parts, end = [], 0
    for amount in _AMOUNT.finditer(text):
        parts += [_RUN.sub(_number, text[end : amount.start()]), amount[0]]
        end = amount.end()
    return "".join([*parts, _RUN.sub(_number, text[end:])])


def _number(found: re.Match[str]) -> str:
    digits = sum(sign.isdecimal() for sign in found[0])
    longest = max(map(len, re.findall(r"\d+", found[0])))
    return NUMBER if digits >= _DIGITS_IN_A_NUMBER or longest >= _DIGITS_IN_A_ROW else found[0]
