"""Ways in which values are spelled by people in a hurry; each takes the cells to be spoilt."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from crmlab.loaders.sample.chance import choose
from crmlab.loaders.sample.forms import TO_ARABIC, Form, dates_as_text, spellings_of
from crmlab.loaders.sample.words import Words
from crmlab.tables import Column

ZWNJ, _TATWEEL = "\u200c", "\u0640"
_TO_PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
#: A letter that joins the next one, and a next one.
_JOINED = "([بپتثجچحخسشصضطظعغفقکكگلمنهیي])(?=[ا-ي])"
_IMPOSSIBLE = {
    False: ["2023-02-30", "2024-13-05", "0000-00-00"],
    True: ["1402/12/32", "1402/13/05", "1403/00/00"],
}
_MARKERS = {False: ["N/A", "-", "unknown", "null"], True: ["-", "نامشخص", "N/A", "ندارد"]}
_NO_NUMBERS = {False: ["two", "a few", "1 box"], True: ["دو عدد", "چند تا", "یک جعبه"]}


class Cells(NamedTuple):
    """Cells of one column that are to be spoilt.

    Attributes
    ----------
    text
        As the file has them when all is well.
    values
        As the clean table has them.
    """

    text: pd.Series
    values: pd.Series
    column: Column
    form: Form
    words: Words
    generator: np.random.Generator

    def either(self, *texts: pd.Series) -> pd.Series:
        """One of several texts for each cell."""
        which = self.generator.integers(0, len(texts), len(self.text))
        return pd.Series(np.choose(which, [text.to_numpy(dtype=object) for text in texts]), self.text.index)

    def any_of(self, values: list[str]) -> pd.Series:
        """One of several values for each cell."""
        return pd.Series(choose(self.generator, values, len(self.text)), index=self.text.index)


Spelling = Callable[[Cells], pd.Series]


def other_case(cells: Cells) -> pd.Series:
    """All capitals or all small letters."""
    return cells.either(cells.text.str.upper(), cells.text.str.lower())


def stray_spaces(cells: Cells) -> pd.Series:
    """Spaces before, after or doubled within."""
    text = cells.text
    return cells.either(" " + text, text + "  ", text.str.replace(" ", "  ", regex=False) + " ")


def arabic_letters(cells: Cells) -> pd.Series:
    """Arabic ye and kaf for the Persian ones."""
    return cells.text.str.translate(TO_ARABIC)


def half_spaces(cells: Cells) -> pd.Series:
    """A half-space for a space, or one at the end."""
    return (cells.text + ZWNJ).where(~cells.text.str.contains(" "), cells.text.str.replace(" ", ZWNJ))


def tatweel(cells: Cells) -> pd.Series:
    """A letter drawn long."""
    return cells.text.str.replace(_JOINED, rf"\1{_TATWEEL}", n=1, regex=True)


def persian_digits(cells: Cells) -> pd.Series:
    """Persian digits."""
    return cells.text.str.translate(_TO_PERSIAN_DIGITS)


def other_date(cells: Cells) -> pd.Series:
    """Another order or calendar than the rest of the column."""
    if cells.words.jalali:
        return _dates(cells, "iso")
    # Day and month can be told apart only if the column itself proves their order.
    proven = (cells.values.dt.day > 12).any()
    return _dates(cells, "day first") if proven else cells.text


def month_name(cells: Cells) -> pd.Series:
    """The month in letters."""
    written = _dates(cells, "jalali month name" if cells.words.jalali else "month name")
    return written.map(cells.form.written)


def _dates(cells: Cells, style: str) -> pd.Series:
    return dates_as_text(cells.values, cells.column.kind == "time", style)


def impossible_date(cells: Cells) -> pd.Series:
    """A day that no calendar has."""
    return cells.any_of(_IMPOSSIBLE[cells.words.jalali])


def other_phone(cells: Cells) -> pd.Series:
    """With country code, blanks, hyphens or brackets."""
    code, rest = cells.words.phone_code, cells.text.str.slice(1)
    first, middle, last = rest.str.slice(0, 3), rest.str.slice(3, 6), rest.str.slice(6)
    return cells.either(
        code + " " + first + " " + middle + " " + last,
        "00" + code[1:] + rest,
        "0" + first + "-" + middle + "-" + last,
        "(0" + first + ") " + middle + " " + last,
        cells.values,
    )


def capital_domain(cells: Cells) -> pd.Series:
    """The domain of an e-mail address in capitals."""
    parts = cells.text.str.split("@")
    return parts.str[0] + "@" + parts.str[1].str.upper()


def invalid_email(cells: Cells) -> pd.Series:
    """No address at all."""
    text = cells.text
    return cells.either(
        text.str.replace("@", "@@"), text.str.replace("@", "."), text.str.split("@").str[0] + "@"
    )


def missing_marker(cells: Cells) -> pd.Series:
    """Words for "nothing"."""
    return cells.any_of(_MARKERS[cells.words.jalali]).map(cells.form.written)


def left_empty(cells: Cells) -> pd.Series:
    """Nothing where something must be."""
    return pd.Series(pd.NA, index=cells.text.index, dtype="str")


def other_spelling(cells: Cells) -> pd.Series:
    """Another word for the same category."""
    spellings = spellings_of(cells.column, cells.words)
    drawn = cells.generator.random(len(cells.text))
    others = [spellings[value][1:] or spellings[value] for value in cells.values]
    spelled = [some[int(u * len(some))] for some, u in zip(others, drawn, strict=True)]
    return pd.Series(spelled, index=cells.text.index, dtype="str").map(cells.form.written)


def thousands(cells: Cells) -> pd.Series:
    """A comma after the thousands."""
    return cells.text.str.replace(r"(?<=\d)(?=(\d{3})+(\.|$))", ",", regex=True)


def currency_mark(cells: Cells) -> pd.Series:
    """The sign of the currency."""
    return cells.text + " ریال" if cells.words.jalali else "€" + cells.text


def no_number(cells: Cells) -> pd.Series:
    """Words for a number."""
    return cells.any_of(_NO_NUMBERS[cells.words.jalali])
