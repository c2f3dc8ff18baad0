"""Languages of reports: translated sentences, digits, dates and money.

A catalogue ``<code>.po`` beside this file maps English text to its translation (gettext). English
is the key, so every text stays readable where it is used; the English catalogue holds only the
names of codes, such as "in_person".
"""

from __future__ import annotations

import datetime
import re
import string
from functools import cache
from pathlib import Path

from crmlab.calendars import MONTH_NAMES, days_to_jalali
from crmlab.errors import ParameterError

LANGUAGES = {"en": "English", "fa": "فارسی"}

_TO_PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
#: Numbers joined by hyphens or slashes are turned all or none; what is to be typed is left alone.
_NUMBER = re.compile(
    r"(?P<typed>`[^`]*`)|"
    r"(?<![\w/#=.-])[-−+]?\d+(?:,\d+)*(?:\.\d+)?(?:[-/]\d+)*(?: ?%)?(?![\w=]|[/-]\w*[A-Za-z])"
)
#: The mark keeps the sign on the left of its number, where a reader from the right expects it.
_PERCENT = "\u200f٪"
#: The quarters of the Jalali year.
_SEASONS = ("بهار", "تابستان", "پاییز", "زمستان")
_LEFT_TO_RIGHT_MARK, _MINUS = "\u200e", "−"


@cache
def language(code: str) -> Language:
    """The language called `code`.

    Raises
    ------
    ParameterError
        If crmlab does not speak it.
    """
    if code not in LANGUAGES:
        raise ParameterError(f"Reports can be had in {', '.join(LANGUAGES)}, not in {code!r}.")
    return Language(code)


class Language:
    """One language: call it with an English text to have it translated and filled in.

    Examples
    --------
    >>> language("en")("{n:,} {n:customer|customers}", n=1200)
    '1,200 customers'
    >>> language("fa").number(1234.5, 1)
    '۱٬۲۳۴٫۵'
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.right_to_left = code == "fa"
        self.calendar = "jalali" if code == "fa" else "gregorian"

    def __repr__(self) -> str:
        return f"language({self.code!r})"

    def __call__(self, text: str, **values: object) -> str:
        """`text` in this language, with its ``{fields}`` filled in as `str.format` does.

        Days come out in the language's calendar, numbers with its digits; texts stay as they are,
        since they may be names. A field ``{n:one|many}`` is the first word if n is 1, else the second.
        """
        translated = self._translation(text) or text
        if not values:
            return self.digits(translated)
        filler, parts = string.Formatter(), []
        for literal, name, spec, conversion in filler.parse(translated):
            parts.append(self.digits(literal))
            if name is not None:
                value, _ = filler.get_field(name, (), values)
                parts.append(self._field(filler.convert_field(value, conversion), spec))
        return "".join(parts)

    def _field(self, value: object, spec: str) -> str:
        if "|" in spec:
            return spec.split("|")[int(value != 1)]
        if isinstance(value, datetime.date):
            return self.day(value)
        text = format(value, spec)
        return text if isinstance(value, str) else self.digits(text)

    def knows(self, text: str) -> bool:
        """Whether the catalogue of this language has `text`, or the words of which it is the name."""
        return self._translation(text) is not None

    def _translation(self, text: str) -> str | None:
        """The translation of a text, or of a name such as "first_name" by its words."""
        known = catalogue(self.code)
        return known.get(text, known.get(text.replace("_", " ")))

    def digits(self, text: str) -> str:
        """`text` with the numbers in it written with the language's digits and separators.

        What stands between backticks is to be typed and stays as it is.
        """
        if not self.right_to_left:
            return text
        return _NUMBER.sub(lambda match: match["typed"] or _persian(match[0]), text)

    def number(self, value: float, decimals: int = 0) -> str:
        """A number with thousands separators; missing is a dash."""
        if value is None or value != value:
            return "–"
        text = f"{value:,.{decimals}f}".replace("-", _MINUS)
        return _persian(text) if self.right_to_left else text

    def percent(self, share: float, decimals: int = 1) -> str:
        """A share from 0 to 1 in per cent."""
        if share is None or share != share:
            return "–"
        return self.number(100 * share, decimals) + (_PERCENT if self.right_to_left else "%")

    def money(self, minor_units: float, decimals: int, currency: str, largest: float | None = None) -> str:
        """An amount in minor units as money, without the minor units if it is large.

        Of amounts that stand together, `largest` is the one that decides for all.
        """
        value = minor_units / 10**decimals
        shown = 0 if abs(value if largest is None else largest / 10**decimals) >= 1000 else decimals
        unit = catalogue(self.code).get(currency, currency)
        return f"{self.number(value, shown)} {unit}"

    def day(self, day: datetime.date) -> str:
        """A day in the language's calendar: 2024-08-02, ۱۴۰۳/۰۵/۱۲."""
        if not self.right_to_left:
            return f"{day:%Y-%m-%d}"
        year, month, number = _jalali(day)
        return f"{year}/{month:02d}/{number:02d}".translate(_TO_PERSIAN)

    def month(self, day: datetime.date) -> str:
        """The month of a day in the language's calendar: Aug 2024, مرداد ۱۴۰۳."""
        if not self.right_to_left:
            return f"{day:%b %Y}"
        year, month, _ = _jalali(day)
        return f"{MONTH_NAMES[month - 1]} {year}".translate(_TO_PERSIAN)

    def period(self, day: datetime.date, length: str = "M") -> str:
        """The month (``"M"``), quarter (``"Q"``) or year (``"Y"``) of a day: Q3 2024, تابستان ۱۴۰۳.

        A week (``"W"``) is called by its first day.
        """
        if length == "W":
            return self.day(day)
        if length == "M":
            return self.month(day)
        year, month = _jalali(day)[:2] if self.right_to_left else (day.year, day.month)
        quarter = (month - 1) // 3
        name = f"{_SEASONS[quarter]} " if self.right_to_left else f"Q{quarter + 1} "
        return f"{name if length == 'Q' else ''}{self.digits(str(year))}"


def _persian(number: str) -> str:
    number = number.translate(_TO_PERSIAN).replace(",", "٬").replace(".", "٫").replace("%", _PERCENT)
    if number[0] in "-−+":
        # The mark keeps the sign in front of its number in right-to-left text.
        number = _LEFT_TO_RIGHT_MARK + _MINUS * (number[0] != "+") + "+" * (number[0] == "+") + number[1:]
    return number


def _jalali(day: datetime.date) -> tuple[int, int, int]:
    import numpy as np

    year, month, number = days_to_jalali(np.array([day], dtype="datetime64[D]"))
    return int(year[0]), int(month[0]), int(number[0])


@cache
def catalogue(code: str) -> dict[str, str]:
    """English text to translation."""
    from babel.messages.pofile import read_po

    with (Path(__file__).parent / f"{code}.po").open("rb") as content:
        messages = read_po(content, locale=code)
    return {message.id: message.string for message in messages if message.id and message.string}
