"""Enrichment: gaps of records filled from reference tables and from the records themselves.

Only what is asked for is derived, nothing that is there is replaced, and what was derived can be
told for good: beside each column that got derived values stands ``<column>_source``.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from crmlab.calendars import Day, as_day
from crmlab.cleansing.addresses import address_key
from crmlab.cleansing.coordinates import check_coordinates
from crmlab.cleansing.dates import to_gregorian
from crmlab.cleansing.domains import match_allowed
from crmlab.cleansing.identity import check_national_id
from crmlab.cleansing.places import locate, read_places
from crmlab.cleansing.reference import Source, name_of, read_reference
from crmlab.cleansing.text import normalize_text
from crmlab.contract import Column, Table
from crmlab.errors import ParameterError, did_you_mean
from crmlab.tables import table

#: The form of the table of places in which national ids are issued.
PREFIXES = Table("The table of national id prefixes", "one row per prefix and place", (), (
    Column("prefix", "id", "first three digits of the id", required=True),
    Column("city", "text", "place of issue", required=True, headings=("place", "name")),
    Column("province", "text", "its province"),
))  # fmt: skip
#: The form of the table of first names.
NAMES = Table("The table of first names", "one row per name and gender", (), (
    Column("first_name", "text", "the name", required=True, headings=("name", "نام")),
    Column("gender", "category", "female or male; other values count as not known", required=True,
           headings=("sex", "جنسیت")),
    Column("count", "number", "persons of that name and gender", headings=("n", "persons")),
))  # fmt: skip

#: Life stages and the age in years at which each begins.
LIFE_STAGES = {"minor": 0, "young adult": 18, "adult": 30, "middle-aged": 45, "senior": 65}
_OLDEST = 120

#: What `enrich` derives, and the columns that each kind needs.
KINDS: Mapping[str, tuple[str, ...]] = {
    "place": ("city",),
    "place_of_issue": ("national_id",),
    "gender": ("first_name",),
    "household": ("customer_id", "last_name", "address"),
    "life_stage": ("birth_date",),
    "tenure": ("registered_at",),
}
#: The columns that each kind derives.
DERIVED: Mapping[str, tuple[str, ...]] = {
    "place": ("province", "latitude", "longitude"),
    "place_of_issue": ("place_of_issue", "province_of_issue"),
    "gender": ("female_probability",),
    "household": ("household_id", "household_size"),
    "life_stage": ("age", "life_stage"),
    "tenure": ("tenure_days",),
}


class Enriched(NamedTuple):
    """Records with what was derived, and each derived cell.

    Attributes
    ----------
    records
        Indexed like the records given, with their columns and the derived ones.
    derived
        One row per derived cell: `row` (the record's index label), `column`, `value` (as text),
        `source` (what it was derived from) and `certainty` (0 to 1, as `enrich` defines it).
    """

    records: pd.DataFrame
    derived: pd.DataFrame


class _Derived(NamedTuple):
    """A column of derived values, missing where nothing could be derived."""

    column: str
    value: pd.Series
    source: str | pd.Series
    certainty: float | pd.Series = 1.0


def enrich(
    records: pd.DataFrame,
    what: str | Sequence[str],
    places: Source | None = None,
    prefixes: Source | None = None,
    names: Source | None = None,
    as_of: Day | None = None,
    life_stages: Mapping[str, float] = LIFE_STAGES,
) -> Enriched:
    """Fill gaps of records from reference tables and from the records themselves.

    ===============  ==================================  ===========================================
    kind             derives                             from
    ===============  ==================================  ===========================================
    place            province, latitude, longitude       city (and province), `places`
    place_of_issue   place_of_issue, province_of_issue   national_id (Iranian), `prefixes`
    gender           female_probability                  first_name, `names`
    household        household_id, household_size        last_name, address, city; customer_id
    life_stage       age (years), life_stage             birth_date, `as_of`, `life_stages`
    tenure           tenure_days                         registered_at, `as_of`
    ===============  ==================================  ===========================================

    The certainty of a place or place of issue is 1: names and prefixes that mean several are left
    alone, and so are misspelt cities, ids that are not valid and coordinates that cannot be right
    (`crmlab.cleansing.check_coordinates`).

    The probability that a person is female is the share of women among the persons of that first
    name in `names`; where only the words of a name are there, and all of one gender, the mean of
    theirs. Its certainty is that of the likelier gender. `gender` itself, which is what a person
    stated, is never filled.

    A household are the records with one surname at one address (`crmlab.cleansing.address_key`; one
    without a number is none) in one city; its id is the first of their customer numbers, the shorter
    before the longer. Its certainty is (1 - p)^(m - 1), the chance that no other of the m records at
    the address bears the surname by coincidence, with p = (elsewhere + 1) / (others + 2), where
    `elsewhere` of the `others` at other addresses bear it (Laplace's rule of succession). Spouses
    with different surnames are not found, and records of one person count as often as they are there.

    Ages and tenures are exact; births after `as_of` or more than 120 years before it are left out.

    Parameters
    ----------
    records
        One row each. Columns as in the table ``customers``; only those needed are looked at.
    what
        One kind or several.
    places
        As `crmlab.cleansing.read_places` takes it.
    prefixes
        Frame or file with one row per prefix and place: `prefix`, `city`, `province`.
    names
        Frame or file with one row per first name and gender: `first_name`, `gender` and, if known,
        `count`, the number of such persons (else each row counts once).
    as_of
        Day on which ages and tenures are taken.
    life_stages
        Name of each stage and the age in years at which it begins.

    Returns
    -------
    Enriched
        `records`, with the columns of the table above and, for each, ``<column>_source``: what a
        derived value comes from, missing where the value was there before or is still missing;
        and `derived`, one row per derived cell. What is there already is kept, also what an
        earlier call derived.

    Raises
    ------
    ParameterError
        If there is no such kind, or a column, reference table or day that it needs is missing.
    SourceError, TableError
        If a reference table cannot be read.

    Examples
    --------
    >>> records = pd.DataFrame({"city": ["Bonn", "Ulm"], "province": [None, "Baden-Württemberg"]})
    >>> places = pd.DataFrame({"name": ["Bonn", "Ulm"], "province": ["NRW", "BW"]})
    >>> found = enrich(records, "place", places=places)
    >>> found.records[["province", "province_source"]].fillna("").to_numpy().tolist()
    [['NRW', 'city (a frame)'], ['Baden-Württemberg', '']]
    >>> found.derived[["row", "column", "value", "certainty"]].to_numpy().tolist()
    [[0, 'province', 'NRW', 1.0]]
    """
    what = [what] if isinstance(what, str) else list(what)
    for kind in what:
        if kind not in KINDS:
            raise ParameterError(f"There is no kind of enrichment {kind!r}" + did_you_mean(kind, KINDS))
        for column in KINDS[kind]:
            if column not in records:
                has = ", ".join(map(str, records.columns)) or "none"
                raise ParameterError(f"{kind} is derived from the column {column}; the records have: {has}.")
    derive = {
        "place": lambda frame: _place(frame, places),
        "place_of_issue": lambda frame: _place_of_issue(frame, prefixes),
        "gender": lambda frame: _gender(frame, names),
        "household": _household,
        "life_stage": lambda frame: _life_stage(frame, as_day(as_of), life_stages),
        "tenure": lambda frame: _tenure(frame, as_day(as_of)),
    }
    given = enriched = records.reset_index(drop=True)
    traces = [_trace(given, _Derived("", pd.Series(dtype="str"), ""), pd.Series(dtype="bool"))]
    for kind in what:
        for derived in derive[kind](given):
            enriched, rows = _fill(enriched, derived)
            traces.append(_trace(given, derived, rows))
    derived = pd.concat([trace for trace in traces if len(trace)] or traces[:1], ignore_index=True)
    return Enriched(
        enriched.set_axis(records.index),
        derived.assign(row=records.index.to_flat_index().take(derived["row"])),
    )


def _fill(records: pd.DataFrame, derived: _Derived) -> tuple[pd.DataFrame, pd.Series]:
    """Records with the gaps of a column filled, and which rows were."""
    column, source = derived.column, f"{derived.column}_source"
    nothing = pd.Series(pd.NA, index=records.index, dtype="str")
    values = records.get(column, nothing)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    gap = values.isna()
    if values.dtype.kind == "O":
        gap |= values.astype("str").str.strip() == ""
    rows = gap & derived.value.notna()
    # A column without any value takes the type of what is derived.
    if values.isna().all():
        values = values.astype(derived.value.dtype)
    values = values.mask(rows, derived.value.astype(values.dtype))
    sources = records.get(source, nothing).mask(rows, derived.source)
    return records.assign(**{column: values, source: sources}), rows


def _trace(records: pd.DataFrame, derived: _Derived, rows: pd.Series) -> pd.DataFrame:
    trace = pd.DataFrame(
        {"row": records.index, "column": derived.column, "value": derived.value.astype("str"),
         "source": derived.source, "certainty": derived.certainty}, index=records.index,
    )[rows.reindex(records.index, fill_value=False)]  # fmt: skip
    return trace.astype({"column": "str", "source": "str", "certainty": "float64"})


def _only(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """What is the same in all rows with one value of `by`."""
    differ = table.groupby(by).nunique(dropna=False) > 1
    return table.drop_duplicates(by).set_index(by).mask(differ)


def _place(records: pd.DataFrame, places: Source | None) -> list[_Derived]:
    listed = read_places(places)
    right = check_coordinates(listed)["valid"]
    listed[["latitude", "longitude"]] = listed[["latitude", "longitude"]].where(right)
    found = locate(records["city"], listed, records.get("province"))
    source = f"city ({name_of(places)})"
    return [_Derived(name, found[name], source) for name in ("province", "latitude", "longitude")]


def _place_of_issue(records: pd.DataFrame, prefixes: Source | None) -> list[_Derived]:
    listed = read_reference(prefixes, PREFIXES)
    # Spreadsheets cut leading zeros off.
    issued = _only(listed.assign(prefix=listed["prefix"].str.zfill(3)), "prefix")
    prefix = check_national_id(records["national_id"])["value"].str[:3]
    source = f"national_id ({name_of(prefixes)})"
    return [
        _Derived("place_of_issue", prefix.map(issued["city"]), source),
        _Derived("province_of_issue", prefix.map(issued["province"]), source),
    ]


def _gender(records: pd.DataFrame, names: Source | None) -> list[_Derived]:
    listed = read_reference(names, NAMES)
    listed["gender"] = match_allowed(listed["gender"], table("customers")["gender"].allowed)
    listed = listed[listed["gender"].isin(["female", "male"])]
    count = listed["count"].fillna(0 if listed["count"].notna().any() else 1)
    counts = listed.assign(female=count.where(listed["gender"] == "female", 0), count=count)

    def search(text: pd.Series) -> pd.Series:
        return normalize_text(text, "search")

    def probability(given: pd.Series) -> pd.Series:
        # As it is spelt, before spellings that differ in an accent or a space only.
        found = pd.Series(np.nan, index=given.index)
        for spelling in (lambda text: normalize_text(text, "names").str.casefold(), search):
            sums = counts.groupby(spelling(counts["first_name"]))[["female", "count"]].sum()
            share = sums["female"] / sums["count"].mask(sums["count"] == 0)
            found = found.fillna(spelling(given).map(share))
        return found

    name = pd.Series(records["first_name"].dropna().unique(), dtype="str")
    whole = probability(name)
    words = normalize_text(name[whole.isna()], "names").str.split(" ").explode()
    of_words = probability(words).groupby(level=0).agg(["min", "max", "count", "size", "mean"])
    # Words that are not of one gender say nothing together.
    agree = (of_words["count"] == of_words["size"]) & ((of_words["min"] > 0.5) | (of_words["max"] < 0.5))
    of_words = of_words["mean"].where(agree)
    found = records["first_name"].map(dict(zip(name, whole.fillna(of_words), strict=True))).astype("float64")
    by_words = records["first_name"].isin(name[whole.isna()])
    source = f"first_name ({name_of(names)})"
    sources = pd.Series(source, index=records.index, dtype="str").mask(by_words, f"words of {source}")
    return [_Derived("female_probability", found, sources, found.where(found > 0.5, 1 - found))]


def _household(records: pd.DataFrame) -> list[_Derived]:
    address = address_key(records["address"])
    surname = normalize_text(records["last_name"], "search")
    city = records.get("city", pd.Series(pd.NA, index=records.index, dtype="str"))
    known = pd.DataFrame({
        "surname": surname.mask(surname == ""),
        "address": address.where(address.str.contains(r"\d")),
        "city": normalize_text(city, "search").fillna(""),
        "id": records["customer_id"].astype("str"),
    }).dropna()  # fmt: skip
    known = known.assign(length=known["id"].str.len()).sort_values(["length", "id"], kind="stable")
    household = known.groupby(["surname", "address", "city"])
    size = household["id"].transform("size")
    at_address = known.groupby(["address", "city"])["id"].transform("size")
    elsewhere = known.groupby("surname")["id"].transform("size") - size
    coincidence = (elsewhere + 1) / (len(known) - at_address + 2)
    certainty = ((1 - coincidence) ** (at_address - 1)).where(size > 1, 1.0).reindex(records.index)
    source = "last_name, address" + (", city" if "city" in records else "")
    first = household["id"].transform("first").reindex(records.index)
    return [
        _Derived("household_id", first, source, certainty),
        _Derived("household_size", size.astype("Int64").reindex(records.index), source, certainty),
    ]


def _life_stage(
    records: pd.DataFrame, day: datetime.date, life_stages: Mapping[str, float]
) -> list[_Derived]:
    born = to_gregorian(records["birth_date"]).dt.normalize()
    had = (born.dt.month < day.month) | ((born.dt.month == day.month) & (born.dt.day <= day.day))
    age = (day.year - born.dt.year - (~had)).where(born <= pd.Timestamp(day))
    age = age.where(age <= _OLDEST).astype("Int64")
    begins = pd.Series(life_stages, dtype="float64").sort_values()
    if begins.empty:
        raise ParameterError("life_stages needs at least one stage and the age at which it begins.")
    place = begins.searchsorted(age.fillna(-1).astype("float64"), side="right") - 1
    stage = pd.Series(begins.index.take(place), index=records.index, dtype="str")
    source = f"birth_date on {day}"
    return [
        _Derived("age", age, source),
        _Derived("life_stage", stage.where((place >= 0) & age.notna()), source),
    ]


def _tenure(records: pd.DataFrame, day: datetime.date) -> list[_Derived]:
    days = (pd.Timestamp(day) - to_gregorian(records["registered_at"]).dt.normalize()).dt.days
    return [_Derived("tenure_days", days.where(days >= 0).astype("Int64"), f"registered_at on {day}")]
