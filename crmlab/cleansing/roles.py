"""Which table a file is and which column is what, from headings and contents."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import SequenceMatcher, get_close_matches
from functools import cache, lru_cache
from typing import NamedTuple

import pandas as pd

from crmlab.cleansing.dates import read_dates
from crmlab.cleansing.numbers import read_numbers
from crmlab.cleansing.text import unify
from crmlab.tables import TABLES, table

_CLOSE = 0.86
_ENOUGH, _NEARLY_ALL = 0.5, 0.9
#: Among more headings than this, those nearly alike are chance, and no survey asks as many questions.
_WIDE = 1000
#: Words in the heading of a question by which one can tell what it measures, the most telling first.
_MEASURES = {
    "nps": r"(?<![a-z])nps(?![a-z])|recommend|توصیه|معرفی",
    "ces": r"(?<![a-z])ces(?![a-z])|\beas[ey]|effort|آسان|راحت|ساده",
    "csat": r"satisf|(?<![a-z])c?sat(?![a-z])|رضایت|راضی",
}
#: Words in the name of a file by which one can tell that it is a survey.
_SURVEY = r"survey|نظرسنجی"


class Proposal(NamedTuple):
    """What a file seems to be.

    Attributes
    ----------
    table
        Name of the table, empty if none fits.
    columns
        Column of the table to heading in the file.
    unused
        Headings that no column claims.
    missing
        Required columns that no heading fits.
    answers
        For a survey with one column per question, those headings.
    """

    table: str
    columns: dict[str, str]
    unused: list[str]
    missing: list[str]
    answers: list[str] = []


@lru_cache(maxsize=4096)
def fold(heading: str) -> str:
    """A heading in small letters and single spaces, without the unit in brackets at its end."""
    bare = re.sub(r"(?<=\S)\s*[(\[][^(\[)\]]*[)\]]\s*$", "", heading)
    words = unify(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", bare))
    return re.sub(r"[\s_\-./#:\u200c]+", " ", words.lower()).strip()


def match_headings(frame: pd.DataFrame, name: str, close: bool = False) -> dict[str, str]:
    """Columns of table `name` found among the headings of `frame`.

    Parameters
    ----------
    close
        Accept headings that are nearly alike, and check that the contents fit the column.

    Returns
    -------
    dict
        Column of the table to heading; each heading is used once, best fits first.

    Examples
    --------
    >>> match_headings(pd.DataFrame(columns=["Customer ID", "InvoiceDate", "x"]), "orders")
    {'customer_id': 'Customer ID', 'time': 'InvoiceDate'}
    """
    return _matched(_folded(frame), name, close, lambda heading, kind: _contents_fit(frame[heading], kind))


def _folded(frame: pd.DataFrame) -> dict[object, str]:
    return {heading: fold(str(heading)) for heading in frame.columns}


def _matched(
    folded: dict[object, str], name: str, close: bool, holds: Callable[[object, str], bool]
) -> dict[str, str]:
    """What `match_headings` returns; `holds` says if the contents under a heading are of a kind."""
    texts, alike = set(folded.values()), close and len(folded) <= _WIDE
    fits = []
    for place, (column, known) in enumerate(zip(table(name).columns, _spellings(name), strict=True)):
        worth = {text: fit for text in texts if (fit := _fit(text, known, alike))}
        for order, (heading, text) in enumerate(folded.items()) if worth else ():
            if text in worth and (not close or holds(heading, column.kind)):
                fits.append((-worth[text], place, order, column.name, heading))
    found: dict[str, str] = {}
    for *_, column, heading in sorted(fits):
        if column not in found and heading not in found.values():
            found[column] = heading
    return {column: found[column] for column in table(name).names if column in found}


@cache
def _spellings(name: str) -> list[tuple[str, ...]]:
    """The headings of each column of a table, its own name first."""
    return [tuple(map(fold, (column.name, *column.headings))) for column in table(name).columns]


# Tables share columns: with the customer's number, the name or the time, all are asked alike.
@lru_cache(maxsize=1 << 14)
def _fit(heading: str, known: tuple[str, ...], close: bool) -> float:
    """1 for a column's own name, a little less the further down its list of headings."""
    if heading in known:
        return 1 - known.index(heading) / 1000
    if not close:
        return 0
    # Texts of far different lengths cannot be alike.
    possible = [one for one in known if 2 * min(len(one), len(heading)) >= _CLOSE * len(one + heading)]
    nearest = possible and get_close_matches(heading, possible, n=1, cutoff=_CLOSE)
    return SequenceMatcher(None, nearest[0], heading).ratio() * 0.9 if nearest else 0


def _contents_fit(values: pd.Series, kind: str) -> bool:
    """Whether most values can be of a column's kind; a column without values can be anything."""
    values = values.dropna().astype("str").head(500)
    values = values[values.str.strip() != ""]
    if values.empty:
        return True
    if kind in ("date", "time"):
        orders = (read_dates(values, day_first, "UTC")["value"] for day_first in (True, False))
        return any(dates.notna().mean() > _ENOUGH for dates in orders)
    if kind in ("integer", "number", "money"):
        return read_numbers(values)["text"].notna().mean() > _ENOUGH
    if kind == "email":
        return values.str.contains("@").mean() > _ENOUGH
    if kind == "boolean":
        numbers = read_numbers(values)["text"].dropna()
        return numbers.empty or numbers.isin(["0", "1"]).mean() > _ENOUGH
    return True


def propose(frame: pd.DataFrame, name: str = "") -> Proposal:
    """Propose which table a file is and which of its columns is what.

    Parameters
    ----------
    frame
        The first rows of the file; some hundred are enough.
    name
        Name of the file, a hint where two tables fit alike.
    """
    folded = _folded(frame)
    holds = cache(lambda heading, kind: _contents_fit(frame[heading], kind))
    best, best_worth = Proposal("", {}, list(map(str, frame.columns)), []), 0.0
    for contract in TABLES.values():
        columns = _matched(folded, contract.name, True, holds)
        needed = [c.name for c in contract.columns if c.required and c.default is None and c.name != "amount"]
        missing = [column for column in needed if column not in columns]
        answers = _rating_columns(frame, columns) if contract.name == "surveys" else []
        dated = "time" in columns or re.search(_SURVEY, fold(name))
        asked = sum(_is_question(heading) or bool(dated and measure(heading)) for heading in answers)
        if len(answers) >= 3 or asked:
            missing = []
        worth = sum(3 if column in needed else 1 for column in columns) + len(answers) + 2 * asked
        worth += 4 * (fold(contract.name)[:-1] in fold(name)) - 3 * len(missing)
        if contract.name == "orders" and not {"amount", "unit_price"} & columns.keys():
            worth -= 3
        telling = len(columns) + len(answers) >= min(2, len(frame.columns))
        if telling and worth > best_worth:
            used = {*columns.values(), *answers}
            unused = [str(heading) for heading in frame.columns if heading not in used]
            if contract.name == "orders" and not {"amount", "unit_price"} & columns.keys():
                missing = [*missing, "amount"]
            best, best_worth = Proposal(contract.name, columns, unused, missing, answers), worth
    return _with_own_number(best, frame, folded) if best.table else best


#: Words in headings of columns that number the rows.
_NUMBERING = re.compile(r"\b(id|no|nr|num|number|key|code|ref|index)\b|^(شناسه|کد|شماره|ردیف)\b")


def _with_own_number(proposal: Proposal, frame: pd.DataFrame, folded: dict[object, str]) -> Proposal:
    """Where nothing is named like the table's key, it is the first unused column that numbers the rows."""
    keys = table(proposal.table).key
    if len(keys) != 1 or keys[0] in proposal.columns or len(frame) < 2:
        return proposal
    (key,) = keys
    for heading, text in folded.items():
        if str(heading) not in proposal.unused or not _NUMBERING.search(text):
            continue
        values = frame[heading].astype("str").str.strip()
        if values.notna().all() and (values != "").all() and not values.duplicated().any():
            columns = {key: str(heading), **proposal.columns}
            unused = [name for name in proposal.unused if name != str(heading)]
            missing = [name for name in proposal.missing if name != key]
            return proposal._replace(columns=columns, unused=unused, missing=missing)
    return proposal


def measure(heading: object) -> str:
    """Which measure a question feeds, as far as its heading says so; else empty.

    Examples
    --------
    >>> measure("How satisfied were you?"), measure("nps"), measure("Staff")
    ('csat', 'nps', '')
    """
    words = fold(str(heading))
    return next((name for name, known in _MEASURES.items() if re.search(known, words)), "")


def _is_question(heading: object) -> bool:
    return str(heading).strip().endswith(("?", "؟"))


def _rating_columns(frame: pd.DataFrame, columns: dict[str, str]) -> list[str]:
    """Headings whose values are, but for a few, answers on one short scale such as 1 to 5 or 0 to 10.

    Under a heading that is a question, or says what it measures, a few answers will do, however alike.
    """
    ratings = []
    for heading in frame.columns if len(frame.columns) <= _WIDE else ():
        answers = frame[heading].dropna()
        numbers = read_numbers(answers)["text"].astype("float64")
        # NPS is coded 1 to 11 as well.
        numbers = numbers[numbers.isin(range(12 if measure(heading) == "nps" else 11))]
        short = len(numbers) > _NEARLY_ALL * len(answers)
        varied = numbers.nunique() > 2 and numbers.max() >= 4
        told = _is_question(heading) or bool(measure(heading))
        likely = varied or told and numbers.max() >= 2
        if short and likely and heading not in columns.values():
            ratings.append(heading)
    return ratings
