"""Mojibake: UTF-8 that was read as Windows-1252, Latin-1 or Windows-1256, put right where it is sure.

``MÃ¼ller`` and ``Ø¹Ù„ÛŒ`` were read as Windows-1252, ``ط¹ظ„غŒ`` as Windows-1256, the Arabic code page.
ftfy tells what is broken in the first kind; it does not know the second, which is undone here.
"""

from __future__ import annotations

import re

import pandas as pd
import pyarrow.compute as pc

from crmlab.cleansing.codepoints import as_one_text, pieces
from crmlab.cleansing.text import arrow, as_text, recode

# Bytes 80 to BF, of which every letter beyond ASCII has one behind its first, as the code pages show them.
_SIGNS = "€‚ƒ„†‡ˆ‰Š‹ŒŽ•˜™š›œžŸ¢-©¬\xad®-¹¼-¾"
#: Signs that also follow letters in sound text, and letters of the Arabic page.
_ALSO_SOUND = "…‘’“”–—\xa0¡ª«º»¿"
_ARABIC_PAGE = "پٹچژڈگکڑںھ،؛؟\u200c\u200d"
# No escapes in it: Arrow and Python write them differently.
_SUSPECT = (
    f"[\xc2-\xf4][{_SIGNS}{_ALSO_SOUND}\x80-\x9f]"
    f"|[آأؤإطظعغ][{_SIGNS}{_ALSO_SOUND}]|[A-Za-z][آأؤإ]|[آأؤإ][{_ARABIC_PAGE}][A-Za-z]|\u064bں"
)
_IS_SUSPECT = re.compile(_SUSPECT)
_ARABIC_LETTER = r"\u0621-\u063a\u0641-\u0652\u0670\u0660-\u0669پچژکگی\u06f0-\u06f9"
#: What may come out: English, Persian and German, their neighbours in Europe, and pictures.
_EXPECTED = re.compile(
    rf"[\s!-~\xa0-\u017f{_ARABIC_LETTER}\u06c0\u0654\u060c\u061b\u061f\u0640\u066a-\u066c\u200c-\u2027"
    r"‰‹›€№™−﷼\u2600-\u27bf\ufe0f\U0001f1e6-\U0001faff]*"
)
_ARABIC = re.compile("[\u0600-\u06ff]")
#: Sound text has no such signs behind these letters.
_BROKEN_1256 = re.compile(f"[آأؤإطظعغ][{_SIGNS}]")
#: Nor these inside a Latin word, nor the first two bytes of a picture anywhere.
_PROOF_1256 = re.compile(
    f"\u064bں|[A-Za-z](?:[آأؤإ].|[طظعغ][{_SIGNS}]|â€.)"
    f"|(?:[آأؤإ][{_SIGNS}{_ALSO_SOUND}{_ARABIC_PAGE}]|â€.)[A-Za-z]"
)
#: A quotation that ends behind a letter: the last two signs of “JOSÉ” are no broken letter.
_QUOTED = re.compile("(?<![À-ôâ€])[“„‘‚«‹»›][^“”„‘’‚«»‹›]*[À-ß][“”‘’»«›‹]")


def repair_mojibake(values: pd.Series) -> pd.Series:
    """Put right text that was UTF-8 and was read as another code page, also twice over.

    Changes only what is surely broken: the whole text or the broken part of it must be UTF-8 in
    the bytes of the code page, it must become English, Persian, German or a language written with
    their letters, and sound text must not look like it. A single Persian letter is too little.

    Parameters
    ----------
    values : Series of str
        Missing values stay missing. Repair comes before `normalize_text`, which drops signs
        that may be one half of a broken letter.

    Returns
    -------
    Series of str
        Indexed like `values`; the given Series where nothing is broken.

    References
    ----------
    R. Speer, ftfy, Zenodo (2019), doi:10.5281/zenodo.2591652.

    Examples
    --------
    >>> repair_mojibake(pd.Series(["MÃ¼ller", "Ø¹Ù„ÛŒ", "ط¹ظ„غŒ", "علی"])).tolist()
    ['Müller', 'علی', 'علی', 'علی']
    """
    values = as_text(values)
    array = arrow(values)
    if not pc.all(pc.string_is_ascii(array)).as_py():
        # A search through the column as one text costs a third of one through each text.
        suspect = (pc.match_substring_regex(as_one_text(piece), _SUSPECT) for piece in pieces(array))
        if any(found[0].as_py() for found in suspect):
            return recode(values, _repaired, _SUSPECT)
    return values


def repair_text(text: str) -> str:
    """One text as `repair_mojibake` puts a column of them right.

    Examples
    --------
    >>> repair_text("MÃ¼ller")
    'Müller'
    """
    return _repaired(text) if _IS_SUSPECT.search(text) else text


def _repaired(text: str) -> str:
    if _QUOTED.search(text):
        return text
    sound, step = text, _one_step_back(text)
    while step is not None:
        if _is_sound(step, text):
            sound = step
        step = _one_step_back(step)
    # What comes out is as it is to stay.
    return text if sound == text else _repaired(sound)


def _one_step_back(text: str) -> str | None:
    """The text as it was before it was last misread, if it was."""
    import ftfy

    for page in ("sloppy-windows-1252", "latin-1", "windows-1256"):
        try:
            before = text.encode(page).decode("utf-8")
        except UnicodeError:
            continue
        letters = sum(character > "\x7f" for character in before)
        if page == "windows-1256":
            signs = len(_BROKEN_1256.findall(text))
            sure = signs > 1 or (signs and letters > 2) or _PROOF_1256.search(text)
        else:
            # One letter may be chance, as in "NESCAFÉ®": of that, ftfy is the judge.
            sure = letters > 1
        if sure:
            return before
        if page == "windows-1256" and _ARABIC.search(text):
            return None  # all of it may be misread: a part put right would be half a word
    if _BROKEN_1256.search(text):
        return None
    config = ftfy.TextFixerConfig(explain=False, replace_lossy_sequences=False, fix_c1_controls=False)
    before = ftfy.fix_encoding(text, config)
    return before if before != text else None


def _is_sound(found: str, given: str) -> bool:
    """Whether a repaired text is one that people write, and not half a Persian word."""
    new = "".join(character for character in found if character not in given)
    one_sign = len(_ARABIC.findall(found)) - len(_ARABIC.findall(given)) == 1
    half = _ARABIC.search(new) and re.search("[ÂÃØÙÚÛ]", found)
    return bool(_EXPECTED.fullmatch(new)) and not one_sign and not half
