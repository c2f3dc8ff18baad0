"""How to begin a letter to each customer: with their name and title where they are known, else neutrally."""

from __future__ import annotations

import pandas as pd

from crmlab.cleansing.text import normalize_text
from crmlab.cleansing.titles import split_title
from crmlab.errors import ParameterError, did_you_mean

#: Titles that say whether a man or a woman is addressed.
_MEN = ("Mr", "Herr", "Monsieur", "Señor", "آقای", "حاج آقا")
_WOMEN = ("Mrs", "Ms", "Miss", "Madam", "Frau", "Fräulein", "Mme", "Mlle", "Señora", "Señorita", "Signora",
          "خانم", "دوشیزه", "حاج خانم")  # fmt: skip
#: Titles of those whom neither form suits: of a couple, and of who wants none.
_NEITHER = ("&", "Mx")
#: Titles that stay, most first, and how they are written.
_KEPT = {
    "en": {"Prof": "Prof", "پروفسور": "Prof", "Dr": "Dr", "Dr-Ing": "Dr", "دکتر": "Dr"},
    "fa": {"پروفسور": "پروفسور", "Prof": "پروفسور", "دکتر": "دکتر", "Dr": "دکتر", "Dr-Ing": "دکتر",
           "مهندس": "مهندس"},
}  # fmt: skip
#: To a man, to a woman, to a titled person, to a person by the whole name, to somebody.
_FORMS = {
    "en": ("Dear Mr {last}", "Dear Ms {last}", "Dear {title} {last}", "Dear {name}", "Dear customer"),
    "fa": ("جناب آقای {title} {last}", "سرکار خانم {title} {last}", "{title} {last} گرامی", "{name} گرامی",
           "مشتری گرامی"),
}  # fmt: skip


def salutations(customers: pd.DataFrame, language: str = "en") -> pd.DataFrame:
    """Name and salutation of each customer; nothing about a person is guessed.

    Whether a man or a woman is addressed is told by the gender stated or by a title in the name
    (``Mrs``, ``خانم``), never by the given name. Where neither says so, or they disagree, the whole name
    is used; where the name is not complete, nobody is named. Academic titles in the name are kept.

    Parameters
    ----------
    customers
        One row each, with any of `first_name`, `last_name`, `gender`; titles may stand in either name.
    language
        ``"en"`` or ``"fa"``.

    Returns
    -------
    DataFrame
        Indexed like `customers`: `name`, the whole name without titles (missing if there is none), and
        `salutation`, which everybody has.

    Raises
    ------
    ParameterError
        If there is no such language.

    Examples
    --------
    >>> people = pd.DataFrame({"first_name": ["Ann", "Kim", "Dr. Eva", None], "last_name": ["Bell"] * 4,
    ...     "gender": ["female", None, None, "male"]})
    >>> salutations(people)["salutation"].tolist()
    ['Dear Ms Bell', 'Dear Kim Bell', 'Dear Dr Bell', 'Dear Mr Bell']
    >>> salutations(people.head(1), "fa")["salutation"].tolist()
    ['سرکار خانم Bell']
    """
    if language not in _FORMS:
        raise ParameterError(f"There is no salutation in {language!r}" + did_you_mean(language, _FORMS))
    first, last = (_column(customers, name) for name in ("first_name", "last_name"))
    whole = split_title(first.fillna("").str.cat(last.fillna(""), sep=" ").str.strip())
    # Titles in front of the family name stand in the middle of the whole.
    given, family = split_title(first), split_title(last)
    title = (" " + given["title"].fillna("") + " " + whole["title"].fillna("") + " "
             + family["title"].fillna("") + " ")  # fmt: skip
    given, family = _said(given["name"]), _said(family["name"])
    given = given.mask(whole["name"] == family)  # nothing but a title
    name = given.fillna("").str.cat(family.fillna(""), sep=" ").str.strip().replace("", None).astype("str")

    gender = _column(customers, "gender")
    man, woman = (gender == "male") | _has(title, _MEN), (gender == "female") | _has(title, _WOMEN)
    unclear = (man & woman) | (gender == "other") | _has(title, _NEITHER)
    man, woman = man & ~unclear & family.notna(), woman & ~unclear & family.notna()
    kept = pd.Series("", index=customers.index, dtype="str")
    for known, written in _KEPT[language].items():
        kept = kept.mask(_has(title, (known,)) & (kept == ""), written)
    titled = (kept != "") & family.notna() & ~_has(title, _NEITHER)

    to_man, to_woman, to_titled, to_name, to_anybody = _FORMS[language]
    salutation = pd.Series(to_anybody, index=customers.index, dtype="str")
    forms = [(given.notna() & family.notna(), to_name), (titled, to_titled), (man, to_man), (woman, to_woman)]
    if language == "en":  # Dear Dr Bell, not Dear Ms Dr Bell
        forms = [forms[0], forms[2], forms[3], forms[1]]
    for rows, form in forms:
        parts = zip(kept[rows], family[rows], name[rows], strict=True)
        salutation.loc[rows] = [form.format(title=t, last=f, name=n) for t, f, n in parts]
    return pd.DataFrame({"name": name, "salutation": salutation.str.replace("  ", " ").str.strip()})


def _column(customers: pd.DataFrame, name: str) -> pd.Series:
    if name not in customers:
        return pd.Series(None, index=customers.index, dtype="str")
    return _said(normalize_text(customers[name].astype("str")))


def _said(texts: pd.Series) -> pd.Series:
    """Texts, with those that hold no letter as missing."""
    texts = texts.astype("str")
    return texts.where(texts.str.contains(r"[^\W\d_]", regex=True).fillna(False).astype(bool))


def _has(titles: pd.Series, wanted: tuple[str, ...]) -> pd.Series:
    found = pd.Series(False, index=titles.index)
    for title in wanted:
        found |= titles.str.contains(f" {title} ", regex=False)
    return found
