"""What the columns of a record say about who it is, found from headings and contents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from crmlab.cleansing.dates import read_dates, to_jalali
from crmlab.cleansing.duplicates.frequencies import fingerprints
from crmlab.cleansing.numbers import plain
from crmlab.cleansing.roles import fold
from crmlab.cleansing.text import normalize_text
from crmlab.errors import ParameterError, did_you_mean
from crmlab.tables import table

Role = Literal[
    "given name", "family name", "full name", "birth date", "e-mail", "phone", "identity number", "postcode",
    "place", "address", "category", "text", "ignored",
]  # fmt: skip
ROLES: tuple[str, ...] = get_args(Role)

#: Columns of the customer table that say who a person is; the others say what happened to them.
_CONTRACT = {
    "first_name": "given name", "last_name": "family name", "gender": "category", "birth_date": "birth date",
    "email": "e-mail", "phone": "phone", "national_id": "identity number", "address": "address",
    "city": "place", "province": "category", "postcode": "postcode", "country": "category",
    "customer_id": "ignored", "channel": "ignored", "registered_at": "ignored",
}  # fmt: skip
_HEADINGS = {
    "full name": ("full name", "name", "customer name", "نام و نام خانوادگی", "نام کامل"),
    "place": ("suburb", "locality", "birth place", "place of birth", "محل تولد"),
    "identity number": ("soc sec id", "social security number", "passport", "tax id", "card number", "iban"),
    "address": ("street number", "address 1", "address 2", "house number"),
    "ignored": (
        "id",
        "unique id",
        "rec id",
        "record id",
        "row id",
        "row",
        "no",
        "number",
        "source",
        "cluster",
    ),
}
#: A column with no more different values than this puts people into classes.
_FEW = 50


class Field(NamedTuple):
    """One column that counts: the name it has among the prepared ones, its heading and its role."""

    name: str
    column: str
    role: str


def recognise(records: pd.DataFrame, roles: Mapping[str, str] | None = None) -> list[Field]:
    """The role of each column in telling people apart.

    Parameters
    ----------
    roles
        Heading to role, where it is known better.

    Raises
    ------
    ParameterError
        If a role or a heading does not exist, or no column says who anybody is.

    Examples
    --------
    >>> frame = pd.DataFrame({"Surname": ["Li"], "dob": ["1980-01-02"], "x": ["li@example.com"]})
    >>> [(field.column, field.role) for field in recognise(frame)]
    [('Surname', 'family name'), ('dob', 'birth date'), ('x', 'e-mail')]
    """
    if not isinstance(records, pd.DataFrame):
        raise ParameterError("Records are a DataFrame; a table of a workspace becomes one with .to_pandas().")
    given = dict(roles or {})
    for heading, role in given.items():
        if heading not in records:
            raise ParameterError(f"There is no column {heading!r}" + did_you_mean(heading, map(str, records)))
        if role not in ROLES:
            raise ParameterError(f"There is no role {role!r}" + did_you_mean(role, ROLES))
    exact, loose = _known_headings()
    found = {heading: given.get(heading) or exact.get(fold(str(heading))) for heading in records.columns}
    for heading in records.columns:
        found[heading] = found[heading] or _by_contents(
            records[heading], loose.get(_known_in(heading, loose))
        )
    _find_full_names(records, found, set(given))
    fields, seen = [], dict.fromkeys(ROLES, 0)
    for heading, role in found.items():
        if role != "ignored":
            seen[role] += 1
            number = f"_{seen[role]}" if seen[role] > 1 else ""
            fields.append(Field(role.replace(" ", "_").replace("-", "") + number, heading, role))
    if not fields:
        raise ParameterError(
            "No column of the records says who anybody is; name them with roles={'heading': 'family name'}."
        )
    return fields


def _known_headings() -> tuple[dict[str, str], dict[str, str]]:
    """Headings that decide, and those that hint when they are part of a longer one."""
    known = {}
    for role, headings in _HEADINGS.items():
        known |= {fold(heading): role for heading in headings}
    hints = {}
    for name, role in _CONTRACT.items():
        column = table("customers")[name]
        own = {fold(heading): role for heading in (name, *column.headings)}
        known |= own
        if role not in ("ignored", "category"):
            hints |= own
    return known, hints


def _known_in(heading: object, hints: Mapping[str, str]) -> str:
    words = fold(str(heading)).split()
    return next((hint for hint in hints if set(hint.split()) <= set(words)), "")


def _by_contents(values: pd.Series, hint: str | None) -> str:
    """The role of a column whose heading alone does not tell."""
    there = values.dropna()
    text = (plain(there) if there.dtype.kind in "iuf" else there).astype("str")
    if text.empty:
        return "ignored"
    few = text.head(2000)
    if few.str.contains("@", regex=False).mean() > 0.5:
        return "e-mail"
    if hint:
        return hint
    distinct = text.nunique()
    if distinct == 1 or distinct == len(values) > 20:
        return "ignored"
    digits = few.str.fullmatch(r"[\d\s./+-]+")
    if digits.mean() > 0.9 and few.str.len().median() >= 7 and distinct > 0.3 * len(text):
        return "identity number"
    return "category" if distinct <= _FEW else "text"


def _find_full_names(records: pd.DataFrame, found: dict[str, str], given: set[str]) -> None:
    """Columns that hold the given and the family name besides are full names; one of them counts."""
    named = {role: heading for heading, role in found.items() if role in ("given name", "family name")}
    if len(named) == 2:
        few = records.head(2000)
        parts = [normalize_text(few[heading], "search") for heading in named.values()]
        for heading in records.columns:
            if heading in named.values() or heading in given or not found[heading].endswith(("name", "text")):
                continue
            if records[heading].dtype != "str" and records[heading].dtype != object:
                continue
            whole = normalize_text(few[heading], "search")
            inside = [
                part in text
                for text, *both in zip(whole, *parts, strict=True)
                for part in both
                if isinstance(text, str) and isinstance(part, str) and part
            ]
            if inside and sum(inside) > 0.8 * len(inside):
                found[heading] = "full name"
    full = [heading for heading, role in found.items() if role == "full name"]
    if len(full) > 1:
        longest = max(full, key=lambda heading: records[heading].astype("str").str.len().mean())
        found.update({heading: "ignored" for heading in full if heading != longest})


def prepare(records: pd.DataFrame, fields: list[Field]) -> pd.DataFrame:
    """The columns that count in one form, for comparing.

    Returns
    -------
    DataFrame
        Indexed like `records`, a column of text per field named as the field is; letters are one
        ASCII character each, missing where there is nothing to compare. For full names, lists:
        ``tokens``, all words, and ``further``, those beside the given and the family name.
    """
    prepared = pd.DataFrame(index=records.index)
    for name, column, role in fields:
        if role == "full name":
            continue
        values = records[column]
        if values.dtype.kind in "iuf":
            values = plain(values)
        prepared[name] = _PREPARE[role](values)
    for _, column, role in fields:
        if role == "full name":
            prepared = _add_words(prepared, records[column])
    return prepared


def _key(values: pd.Series) -> pd.Series:
    text = normalize_text(values.astype("str"), "search").str.lower()
    return text.mask(text == "")


def _birth_date(values: pd.Series) -> pd.Series:
    """Days as yyyy-mm-dd, in the calendar that most of the column is written in.

    In its own calendar, month and day that changed places are seen as such. What is no date keeps
    its digits: one of them may be wrong.
    """
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    index, values = values.index, pd.Series(distinct)
    dates = read_dates(values, zone="UTC")
    if dates["value"].isna().any() and (dates["reason"].str.contains("apart", na=False)).any():
        dates = read_dates(values, day_first=True, zone="UTC")
    text = dates["value"].dt.strftime("%Y-%m-%d").astype("str")
    cells = pd.Series(np.bincount(codes)).groupby(dates["calendar"]).sum()
    if cells.get("jalali", 0) > cells.get("gregorian", 0):
        text = to_jalali(dates["value"]).str.replace("/", "-", regex=False)
    rest = text.isna() & values.notna()
    if rest.any():
        digits = normalize_text(values[rest].astype("str")).str.replace(r"\D", "", regex=True)
        digits = digits.where(digits.str.len() == 8)
        text = text.copy()
        text[rest] = digits.str[:4] + "-" + digits.str[4:6] + "-" + digits.str[6:]
    return text.take(codes).set_axis(index)


def _digits(values: pd.Series) -> pd.Series:
    digits = normalize_text(values.astype("str")).str.replace(r"\D", "", regex=True)
    return digits.mask(digits == "")


def _phone(values: pd.Series) -> pd.Series:
    # The last ten digits are there with a country code and without one.
    return _digits(values).str[-10:]


def _identity(values: pd.Series) -> pd.Series:
    key = _key(values).str.lstrip("0")
    return key.mask(key == "")


def _mail(values: pd.Series) -> pd.Series:
    text = normalize_text(values.astype("str")).str.lower()
    return text.mask(text == "")


_PREPARE = {
    "given name": _key, "family name": _key, "birth date": _birth_date, "e-mail": _mail, "phone": _phone,
    "identity number": _identity, "postcode": _key, "place": _key, "address": _key, "category": _key,
    "text": _key,
}  # fmt: skip
#: Words in names that many people share and that say nothing of the person.
_TITLES = frozenset({
    "mr", "mrs", "ms", "miss", "dr", "prof", "sir", "lord", "lady", "baron", "baronet", "earl", "duke",
    "count", "st", "nd", "rd", "th", "of", "the", "de", "la", "von", "van",
})  # fmt: skip


def _add_words(prepared: pd.DataFrame, full: pd.Series) -> pd.DataFrame:
    text = normalize_text(full.astype("str"), "names")
    distinct = text.dropna().unique()
    words = [re.findall(r"[^\W_]+", name) for name in distinct]
    flat = pd.Series([word for name in words for word in name], dtype="str")
    keys = iter(_key(flat))
    known = {
        name: list(dict.fromkeys(k for k in (next(keys) for _ in split) if isinstance(k, str)))
        for name, split in zip(distinct, words, strict=True)
    }
    tokens = [known.get(name, []) if isinstance(name, str) else [] for name in text]
    if "given_name" not in prepared:
        prepared["given_name"] = pd.Series([t[0] if t else None for t in tokens], prepared.index, dtype="str")
    if "family_name" not in prepared:
        last = [t[-1] if len(t) > 1 else None for t in tokens]
        prepared["family_name"] = pd.Series(last, prepared.index, dtype="str")
    own = zip(tokens, prepared["given_name"], prepared["family_name"], strict=True)
    further = [
        [t for t in name if t not in (first, last) and t not in _TITLES and len(t) > 2 and not t[0].isdigit()]
        for name, first, last in own
    ]
    for name, lists in (("tokens", tokens), ("further", further)):
        prepared[name] = pd.Series(lists, prepared.index, dtype=object)
    return prepared


def by_fingerprint(prepared: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """Prepared records in an order that depends on what they say and not on where they stand.

    Returns
    -------
    records, prints, parts
        The records, the number made of what each says, and by column that of each value.
    """
    plain = prepared.drop(columns=["tokens", "further"], errors="ignore")
    if "tokens" in prepared:
        words = [" ".join(words) for words in prepared["tokens"]]
        plain = plain.assign(words=pd.Series(words, plain.index, dtype="str"))
    parts = pd.DataFrame({name: fingerprints(plain[name]) for name in plain})
    prints = pd.util.hash_pandas_object(parts, index=False).to_numpy()
    order = np.argsort(prints, kind="stable")
    return prepared.iloc[order], prints[order], parts.iloc[order]
