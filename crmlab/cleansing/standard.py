"""Entry standard: how each column of a table is to be written, told from the contract."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pandas as pd

from crmlab.cleansing.clean import Conventions
from crmlab.cleansing.domains import match_one
from crmlab.contract import DTYPES, ROW_NUMBER, Column
from crmlab.tables import table as contract_of

_SWAPPED = str.maketrans(".,", ",.")
_SCRIPT = re.compile("[\u0600-\u06ff]")
#: How values of each kind, and those of some columns, are written.
FORMS = {
    "id": "a number or a code, always written alike",
    "text": "text",
    "name": "a name with its capitals, without titles",
    "email": "one address, such as name@example.com",
    "phone": "one number, from abroad with + and its country code",
    "category": "one of these: {allowed}",
    "boolean": "yes or no",
    "date": "a day, the year first and with four digits",
    "time": "a day, and a time of day if it is known",
    "integer": "a whole number",
    "number": "a number",
    "money": "an amount in units of the currency; it is kept in minor units",
    # Columns that need more than their kind says.
    "national_id": "as the document has it",
    "postcode": "as it stands in an address",
}
#: Values that are right, by column or kind; names and days are those of the reader's language.
EXAMPLES = {
    "id": "A-1042", "text": "as it was said", "name": "Jane O'Neil", "email": "jane@example.com",
    "phone": "+44 20 7946 0018", "boolean": "yes", "date": "2024-08-02", "time": "2024-08-02 13:45",
    "integer": "2", "number": "4", "first_name": "Jane", "last_name": "O'Neil",
    "national_id": "QQ123456C", "address": "5 Church Street", "city": "Leeds",
    "province": "Yorkshire", "postcode": "LS1 4AP", "country": "United Kingdom",
    "birth_date": "1990-05-21", "promotion": "spring sale", "text category": "kitchen",
    "question": "How satisfied are you?", "scale_low": "1", "scale_high": "5", "department": "service",
    "role": "adviser", "segment": "new customers", "goal": "second purchase", "control_arm": "control",
    "text name": "gift set", "touch_point": "delivery", "subject": "delivery", "topic": "delivery",
    "interest": "tea and coffee", "source": "web form", "arm": "letter", "contact": "jane@example.com",
}  # fmt: skip
#: What is otherwise where cleansing holds national ids and postcodes to the forms of Iran.
FORMS_OF_IRAN = {
    "national_id": "ten digits, the last of which is a check digit",
    "postcode": "ten digits, neither 0 nor 2 among the first five",
}
EXAMPLES_OF_IRAN = {
    "phone": "0912 123 4567", "national_id": "0499370899", "address": "5 Zand Street", "city": "Shiraz",
    "province": "Fars", "postcode": "7134814336", "country": "Iran",
}  # fmt: skip
AT_LEAST, AT_MOST = "at least {least}", "at most {most}"
NEEDED, OR_ELSE = "a value is needed", "if nothing is given, {value} is taken"
A_NUMBER = "if nothing is given, a number is taken"
SAID = (AT_LEAST, AT_MOST, NEEDED, OR_ELSE, A_NUMBER, ", ", "; ", "no")


def entry_standard(
    table: str, say: Callable[..., str] | None = None, conventions: Conventions | None = None
) -> pd.DataFrame:
    """Tell how each column of a table is to be written.

    Parameters
    ----------
    table
        One of the contract's tables.
    say
        Words it in another language, such as ``crmlab.locale.language("fa")``; called with an
        English text and its fields.
    conventions
        As `clean` takes them: forms and examples are those that fit its region and its money.

    Returns
    -------
    DataFrame
        Indexed by column name: `label`, what it is called; `meaning`; `required`; `form`, how it is
        written, with its range; `unit`; `example`, a right value; `missing`, what it means that
        there is none, or that one is needed.

    Raises
    ------
    ParameterError
        If there is no such table.

    Examples
    --------
    >>> standard = entry_standard("products")
    >>> standard.loc["stock", ["label", "form", "unit", "example"]].tolist()
    ['stock', 'a whole number', 'pieces', '2']
    """
    say, conventions = say or str.format, conventions or Conventions()
    rows = [
        {
            "column": column.name,
            "label": label_of(column, say),
            "meaning": say(column.meaning),
            "required": column.required and column.default is None,
            "form": _form(column, say, conventions),
            "unit": say(column.unit) if column.unit and column.kind != "money" else "",
            "example": example_of(column, say, conventions),
            "missing": _missing(column, say),
        }
        for column in contract_of(table).columns
    ]
    return pd.DataFrame(rows).set_index("column")


def label_of(column: Column, say: Callable[..., str] = str.format) -> str:
    """What a column is called: its name, as words."""
    return say(column.name.replace("_", " "))


def example_of(
    column: Column, say: Callable[..., str] = str.format, conventions: Conventions | None = None
) -> str:
    """A right value of a column."""
    conventions = conventions or Conventions()
    if column.allowed:
        return word_of(next(iter(column.allowed)), column, say)
    if column.kind == "money":
        amount = f"{1250.5:,.{conventions.decimals}f}"
        # Persian marks are read alike whatever the decimal mark of Latin digits is.
        told = say(amount)
        return told.translate(_SWAPPED) if conventions.decimal == "," and told == amount else told
    return say(_own(EXAMPLES | EXAMPLES_OF_IRAN if conventions.region == "IR" else EXAMPLES, column))


def _own(texts: Mapping[str, str], column: Column) -> str:
    """The text for a column: by its kind and name, its name, or its kind."""
    by_name = column.name if column.name not in DTYPES else column.kind
    return texts.get(f"{column.kind} {column.name}") or texts.get(by_name) or texts[column.kind]


def word_of(value: str, column: Column, say: Callable[..., str] = str.format) -> str:
    """An allowed value as words that are read as that value.

    Examples
    --------
    >>> word_of("in_person", contract_of("orders")["channel"])
    'in person'
    """
    spellings, said = column.allowed or {}, say(value)
    if said != value and match_one(said, spellings) != value:
        # Words of reports may be told of something else; the contract's own are always read.
        said = next((other for other in spellings[value] if _SCRIPT.search(other)), value)
    return said if said != value else value.replace("_", " ")


def _form(column: Column, say: Callable[..., str], conventions: Conventions) -> str:
    forms = FORMS | FORMS_OF_IRAN if conventions.region == "IR" else FORMS
    allowed = say(", ").join(word_of(value, column, say) for value in column.allowed or ())
    form = say(_own(forms, column), **({"allowed": allowed} if allowed else {}))
    limits = [(AT_LEAST, "least", column.minimum), (AT_MOST, "most", column.maximum)]
    ranges = [say(text, **{name: limit}) for text, name, limit in limits if limit is not None]
    return say("; ").join([form, *ranges])


def _missing(column: Column, say: Callable[..., str]) -> str:
    if column.default == ROW_NUMBER:
        return say(A_NUMBER)
    if column.default is not None:
        return say(OR_ELSE, value=column.default)
    return say(NEEDED) if column.required else say(column.missing)
