"""Titles of persons: what stands before a name, or behind it after a comma, and is no part of it."""

from __future__ import annotations

import re

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.cleansing.text import arrow, as_text, normalize_text

#: One form per title, and its spellings; dots and capitals do not count. Left out is what is a name as
#: often: سید, میر, حاج and استاد before a family name, Don, Dean, Major; آقا without its ی.
_TITLES = {
    "Mr": ("mr", "mister"), "Mrs": ("mrs",), "Ms": ("ms",), "Miss": ("miss",), "Mx": ("mx",), "Sir": ("sir",),
    "Madam": ("madam",), "Dr": ("dr", "doctor", "doktor"), "Prof": ("prof", "professor"),
    "Rev": ("rev", "reverend"), "Herr": ("herr", "herrn"), "Frau": ("frau",), "Fräulein": ("fräulein",),
    "Dr-Ing": ("dr-ing",), "Dipl-Ing": ("dipl-ing",), "Mme": ("mme", "madame"),
    "Mlle": ("mlle", "mademoiselle"), "Monsieur": ("monsieur",), "Señor": ("señor",),
    "Señora": ("señora", "sra"), "Señorita": ("señorita", "srta"), "Signora": ("signora",),
    "آقای": ("آقای",), "خانم": ("خانم", "خانوم"), "دکتر": ("دکتر",), "مهندس": ("مهندس",),
    "پروفسور": ("پروفسور", "پرفسور"), "جناب": ("جناب",), "سرکار": ("سرکار",), "دوشیزه": ("دوشیزه",),
    "حاج آقا": ("حاج آقا", "حاج آقای"), "حاج خانم": ("حاج خانم", "حاج خانوم", "حاجیه خانم"),
}  # fmt: skip
#: Titles with their dot only: without it they are names or initials as well.
_DOTTED = {
    "Hr": "hr", "Fr": "fr", "Sr": "sr", "Sig": "sig", "Dott": "dott", "Hon": "hon", "Capt": "capt",
    "Ing": "ing", "Dipl": "dipl", "Mag": "mag", "Eng": "eng", "Adv": "adv",
}  # fmt: skip
#: Faculties behind a doctor's title, with their dot only: Dr. Phil may be called Phil.
_FACULTIES = (
    "med",
    "dent",
    "vet",
    "rer",
    "nat",
    "pol",
    "oec",
    "phil",
    "jur",
    "iur",
    "theol",
    "habil",
    "em",
    "hc",
)
#: Degrees behind a name and a comma; without dots, MA and the like are given names.
_DEGREES = {
    "PhD": r"Ph\.? ?D\.?", "MBA": "MBA", "MSc": r"M\.?Sc\.?", "BSc": r"B\.?Sc\.?", "LLM": r"LL\.?M\.?",
    "Esq": r"Esq\.?", "MD": r"M\.D\.", "MA": r"M\.A\.", "BA": r"B\.A\.",
}  # fmt: skip


def _folded(title: str) -> str:
    return re.sub(r"[ .\u200c-]", "", title.lower())


def _pattern(spelling: str) -> str:
    return spelling.replace(" ", "[ \u200c]?").replace("-", r"\.?-")


_FORMS = {_folded(spelling): form for form, spellings in _TITLES.items() for spelling in spellings}
_FORMS |= {spelling: form for form, spelling in _DOTTED.items()} | {name: name for name in _FACULTIES}
_FORMS |= dict.fromkeys(("&", "+", "/", "and", "und", "et", "و"), "&")
_PLAIN = "|".join(sorted((_pattern(s) for group in _TITLES.values() for s in group), key=len, reverse=True))
_TITLE = rf"(?:(?:{_PLAIN})(?:\. *| +)|(?:{'|'.join(_DOTTED.values())})\. *)"
_FACULTY = "|".join(_FACULTIES).replace("hc", r"h\. ?c")
_NEXT = rf"(?:(?:(?:[&+/]|and|und|et|و) *)?{_TITLE}|(?:{_FACULTY})\. *)"
_ONE = re.compile(rf"(?i)(?:{_PLAIN}|{'|'.join(_DOTTED.values())}|{_FACULTY}|and|und|et|[و&+/])(?![^\W_])")
_DEGREE = f"(?:{'|'.join(_DEGREES.values())})"
# The group of titles is atomic: what is nothing but titles is not split between them.
_BEFORE = re.compile(
    rf"(?i)^(?P<family>[^,،]*[^,، ] ?[,،] *)?(?P<titles>(?>{_TITLE}{_NEXT}*))(?P<name>.*[^\W\d_].*)$"
)
_BEHIND = re.compile(rf"^(?P<name>.*?[^\W\d_].*?) ?[,،] *(?P<titles>{_DEGREE}(?:[ ,]+{_DEGREE})*)$")
_MAY_HAVE = rf"(?i)(?:^|[,،] *){_TITLE}|[,،] *{_DEGREE}$"


def split_title(values: pd.Series) -> pd.DataFrame:
    """Split the titles off names.

    Read are titles before the name (``Prof. Dr. Weiß``), behind the family name (``Weiß, Dr.
    Anna``) and academic degrees behind a comma (``Anna Weiß, PhD``), several of them, with or
    without dot, in English, Persian, German, and the commonest of French and Spanish. What may be
    a name stays in the name: ``سید``, ``حاج`` without ``آقا`` or ``خانم``, ``Dean``, ``MA``, and a
    text that is nothing but titles (``Herr`` is a family name).

    Parameters
    ----------
    values : Series of str
        Whole names. They come out at the level ``"letters"`` of `normalize_text`.

    Returns
    -------
    DataFrame
        Indexed like `values`: `title`, in one spelling each and without dots (``"Prof Dr"``;
        missing where there is none), and `name` (missing where there was none).

    Examples
    --------
    >>> split_title(pd.Series(["Dr. Jane Roe", "آقای مهندس سید علی رضایی"]))["name"].tolist()
    ['Jane Roe', 'سید علی رضایی']
    >>> split_title(pd.Series(["MR. & MRS. ROE", "Roe, Jane, PhD"]))["title"].tolist()
    ['Mr & Mrs', 'PhD']
    """
    values = normalize_text(as_text(values))
    array = arrow(values)
    titled = pc.fill_null(pc.match_substring_regex(array, _MAY_HAVE), False)
    codes = pc.dictionary_encode(array.filter(titled))
    parts = [_split(text) for text in codes.dictionary.to_pylist()]
    columns = {}
    for place, column in enumerate(("title", "name")):
        found = pa.array([part[place] for part in parts], pa.large_string()).take(codes.indices)
        rest = array if column == "name" else pa.nulls(len(array), pa.large_string())
        columns[column] = pd.Series(
            pc.replace_with_mask(rest, titled, found), index=values.index, dtype="str"
        )
    return pd.DataFrame(columns, index=values.index)


def _split(text: str) -> tuple[str | None, str]:
    titles, name = [], text
    if before := _BEFORE.match(name):
        titles = [_FORMS[_folded(found)] for found in _ONE.findall(before["titles"])]
        name = (before["family"] or "") + before["name"]
    if behind := _BEHIND.match(name):
        degrees = re.findall(_DEGREE, behind["titles"])
        titles += [next(f for f, p in _DEGREES.items() if re.fullmatch(p, found)) for found in degrees]
        name = behind["name"]
    return " ".join(titles) or None, name
