"""How values are written in a report, and what they are counted in where they stand as data."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from crmlab.locale import Language

#: Formats of numbers that are shares from 0 to 1.
_SHARES = ("percent", "two-digit percent", "points", "percentage points")

_WHOLE = re.compile(r"\d+")
#: What the ledger says of a derived value; see `crmlab.cleansing.by_reference.fill_columns`.
_DERIVED = re.compile(
    r"(?P<words>words of )?(?P<columns>\w+(?:, \w+)*)(?: \((?P<list>.+)\)| on (?P<day>\d{4}-\d\d-\d\d))?, "
    r"certainty (?P<least>at least )?(?P<certainty>1|0\.\d)"
)


def formats_of(
    tongue: Language, decimals: int, currency: str, largest: float | None = None
) -> dict[str, Callable[[Any], str]]:
    """Name of a format to what writes a value in it; money is in minor units of the currency.

    Of amounts that stand together, `largest` decides how many decimals all of them have.
    """

    def points(difference: float) -> str:
        return tongue.percent(difference, 2).rstrip("%٪\u200f")

    return {
        "number": tongue.number,
        "decimal": lambda value: tongue.number(value, 1),
        "two decimals": lambda value: tongue.number(value, 2),
        "percent": tongue.percent,
        "two-digit percent": lambda value: tongue.percent(value, 2),
        "points": points,
        "percentage points": lambda value: (
            "–" if pd.isna(value) else tongue("{points} points", points=points(value))
        ),
        "money": lambda value: "–" if pd.isna(value) else tongue.money(value, decimals, currency, largest),
        "date": lambda value: "–" if pd.isna(value) else tongue.day(value.date()),
        "month": lambda value: tongue.month(value.date()),
        "text": lambda value: "–" if pd.isna(value) else _text(tongue, str(value)),
    }


def units_of(decimals: int, currency: str) -> dict[str, str]:
    """Name of a format to the unit of its plain values; other formats have none.

    Examples
    --------
    >>> units_of(2, "EUR")["money"], units_of(0, "IRR")["money"], units_of(0, "IRR")["percent"]
    ('0.01 EUR', '1 IRR', 'share')
    """
    return {"money": f"{10**-decimals:.{decimals}f} {currency}"} | dict.fromkeys(_SHARES, "share")


def kind_of(values: pd.Series) -> str:
    """The format of a column for which none is given."""
    if values.dtype.kind in "iu":
        return "number"
    if values.dtype.kind == "f":
        return "decimal"
    return "date" if values.dtype.kind == "M" else "text"


def plain(value: Any) -> Any:
    """A value as JSON and CSV hold it; a missing one is None."""
    if pd.isna(value):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _text(tongue: Language, text: str) -> str:
    """A text out of a table: translated if it is one of ours, else a name that stays as it is.

    Numbers may stand where ours has ``{}``. Of a list, all of ours are translated or none; of a rule
    with an addition, what is ours.
    """
    if derived := _DERIVED.fullmatch(text):
        return _derived(tongue, derived) or text
    if tongue.knows(text):
        return tongue(text)
    without = _WHOLE.sub("{}", text)
    if without != text and tongue.knows(without):
        return tongue(without).format(*map(tongue.digits, _WHOLE.findall(text)))
    parts = text.split(", ")
    if len(parts) > 1 and all(map(tongue.knows, parts)):
        return tongue(", ").join(map(tongue, parts))
    head, colon, rest = text.partition(": ")
    return f"{tongue(head)}: {_text(tongue, rest)}" if colon and tongue.knows(head) else text


def _derived(tongue: Language, said: re.Match[str]) -> str | None:
    """What a value was derived from and how certain it is; nothing if its columns are none of ours."""
    names = said["columns"].split(", ")
    if not all(map(tongue.knows, names)):
        return None
    source = tongue(", ").join(map(tongue, names))
    if said["words"]:
        source = tongue("words of {columns}", columns=source)
    if said["list"]:
        source += f" ({said['list']})"
    if said["day"]:
        source = tongue("{columns} on {day}", columns=source, day=datetime.date.fromisoformat(said["day"]))
    certainty = tongue.digits(said["certainty"])
    if said["least"]:
        return tongue("{source}, certainty at least {certainty}", source=source, certainty=certainty)
    return tongue("{source}, certainty {certainty}", source=source, certainty=certainty)
