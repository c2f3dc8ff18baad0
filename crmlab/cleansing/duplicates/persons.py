"""Customers as persons: which records are one person's, and one record made of them, told in the ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.cleansing.duplicates.finder import DuplicateFinder
from crmlab.cleansing.duplicates.golden import golden_records
from crmlab.cleansing.duplicates.naming import in_order
from crmlab.cleansing.ledger import RENUMBERED, Ledger
from crmlab.tables import table

if TYPE_CHECKING:
    from crmlab.cleansing.clean import Cleaned

SAME_PERSON = "the same person as another record"
TAKEN = "taken over by the person's record"
#: Columns that make sense together only, names, and what says how it began.
_TOGETHER = (("address", "city", "province", "postcode", "country"), ("registered_at", "channel"))
_NAMES, _BEGAN = ["first_name", "last_name"], ["registered_at", "channel"]
_BOOK = ["customer_id", "person_id", "score", "why", "against"]


@dataclass(frozen=True)
class Persons:
    """Which customers are one person.

    Attributes
    ----------
    book : DataFrame
        One row per customer that shares a person with another: `customer_id`, `person_id` (the
        customer number that stands for the person), `score`, the mean probability that it is the
        same person's as the others, and the columns `why` and `against`, the most telling first.
    identities : DataFrame
        `customer_id` and `person_id` of every customer seen so far. Given to the next search, no
        number changes.
    """

    book: pd.DataFrame
    identities: pd.DataFrame

    @cached_property
    def merged(self) -> pd.Series:
        """The person of each customer whose own number is another, indexed by that number."""
        other = self.book[self.book["customer_id"] != self.book["person_id"]]
        return other.set_index("customer_id")["person_id"]


def no_persons() -> Persons:
    """Nobody was looked for."""
    types = dict.fromkeys(_BOOK, "str") | {"score": "float64"}
    book = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
    return Persons(book, book[["customer_id", "person_id"]])


def find_persons(
    cleaned: Cleaned,
    raw: pd.DataFrame,
    lineage: pd.DataFrame,
    identities: pd.DataFrame | None = None,
    decisions: pd.DataFrame | None = None,
    threads: int | None = None,
    match_probability: float = 0.5,
) -> Persons:
    """Find which customers are one person.

    Parameters
    ----------
    cleaned
        The customers, as `crmlab.cleansing.clean` made them.
    raw, lineage
        What they were made from.
    identities
        As an earlier search returned them; who was found to be one person or two then is now too.
    decisions
        `one`, `other` (customer numbers) and `same`; see `DuplicateFinder.fit`.
    threads
        Of the embedded engine; all cores if not given.
    match_probability
        From which records are one person's; see `DuplicateFinder`.

    Raises
    ------
    ParameterError
        If no column says who anybody is.
    """
    frame = cleaned.frame
    order = in_order(frame["customer_id"])
    numbers = pd.Index(frame["customer_id"].to_numpy()[order])
    known, named = _person_of(identities), pd.Index([])
    if known is not None:
        named = pd.Index(known.unique())
        known = known.reindex(numbers).reset_index(drop=True)
    if decisions is not None:
        places = {name: numbers.get_indexer(decisions[name]) for name in ("one", "other")}
        decisions = decisions.assign(**places)
    if len(numbers) > 1:
        finder = DuplicateFinder(threads=threads, match_probability=match_probability)
        finder.fit(_in_order(as_written(cleaned, raw, lineage), order), known, decisions)
        found, reasons = finder.result_, finder.reasons()
        finder.close()
    else:
        found = pd.DataFrame({"cluster_id": numbers, "score": np.nan})
        reasons = pd.DataFrame({"why": [], "against": []}, dtype="str")
    # A person is called by its first customer number, unless it has been called something else.
    cluster, names = pd.factorize(found["cluster_id"])
    first = numbers[np.unique(cluster, return_index=True)[1]]
    names = pd.Series(names).where(named.get_indexer(names) >= 0, first)
    book = pd.DataFrame(
        {"customer_id": numbers, "person_id": names.to_numpy()[cluster], "score": found["score"]}
    )
    told = (np.bincount(cluster)[cluster] > 1) | (book["customer_id"] != book["person_id"]).to_numpy()
    place = np.argsort(in_order(names))[cluster]
    told = np.flatnonzero(told)[np.argsort(place[told], kind="stable")]
    reasons = reasons.reindex(told).fillna("").set_axis(told)
    seen = book[["customer_id", "person_id"]]
    if identities is not None:
        gone = numbers.get_indexer(identities["customer_id"]) < 0
        seen = pd.concat([identities[gone], seen])
        seen = seen.iloc[in_order(seen["customer_id"])]
    told = book.loc[told].join(reasons)[_BOOK].astype(no_persons().book.dtypes.to_dict())
    return Persons(told.reset_index(drop=True), seen.astype("str").reset_index(drop=True))


def _in_order(records: pd.DataFrame, order: np.ndarray) -> pd.DataFrame:
    return records.iloc[order].reset_index(drop=True)


def compare(
    records: pd.DataFrame,
    identities: pd.DataFrame | None = None,
    decisions: pd.DataFrame | None = None,
    threads: int | None = None,
    match_probability: float = 0.5,
) -> DuplicateFinder:
    """A finder fitted to customers as `as_written` gives them, by number; the rest as in `find_persons`."""
    finder = DuplicateFinder(threads=threads, match_probability=match_probability)
    return finder.fit(records, _person_of(identities), decisions)


def _person_of(identities: pd.DataFrame | None) -> pd.Series | None:
    """The person of each customer by number, as an earlier search found."""
    if identities is None:
        return None
    return identities.drop_duplicates("customer_id", keep="last").set_index("customer_id")["person_id"]


def merge_persons(cleaned: Cleaned, persons: Persons, lineage: pd.DataFrame) -> Cleaned:
    """One record per person, each field from the record that knows it best; the ledger says from which.

    The record that stays is the one whose number the person bears. Postal addresses are taken
    whole, from one record; the day of registration, and the channel with it, from the first one.
    """
    book = persons.book
    if book.empty:
        return cleaned
    frame, position = cleaned.frame, np.asarray(cleaned.origin)
    row = pd.Index(frame["customer_id"]).get_indexer(book["customer_id"])
    person, number = pd.factorize(book["person_id"])
    # Where the record that gave its number is gone, the first of the others stays.
    own = (book["customer_id"] == book["person_id"]).to_numpy()
    order = np.lexsort((~own, person))
    stays = row[order[np.unique(person[order], return_index=True)[1]]]
    part = frame.iloc[row].drop(columns="customer_id").reset_index(drop=True)
    together = [[name for name in group if name in part] for group in _TOGETHER]
    newest = "registered_at" if "registered_at" in part else None
    golden = golden_records(part, pd.Series(person), newest, together, frame[_NAMES], _BEGAN)
    ledger = Ledger("customers", lineage)
    gone = ~np.isin(row, stays)
    _tell(ledger, SAME_PERSON, "*", position[row[gone]], book["customer_id"][gone], book["person_id"][gone])
    _tell_numbers(ledger, frame["customer_id"].iloc[stays], number, position[stays])
    result = frame.copy()
    for name in golden.records:
        before, after = frame[name].iloc[stays].reset_index(drop=True), golden.records[name]
        same = (before == after).fillna(False).to_numpy(dtype=bool)
        changed = ~(same | (before.isna() & after.isna()).to_numpy())
        if not changed.any():
            continue
        origin = golden.origin[name]
        if after[changed].isna().any():  # what the record that gave the rest of an address leaves open
            origin = origin.fillna(_giver(golden.origin, name))
        giver = row[origin[changed].astype("int64")]
        _tell(ledger, TAKEN, name, position[giver], before[changed], after[changed])
        result.iloc[stays[changed], frame.columns.get_loc(name)] = after[changed].array
    result.iloc[stays, frame.columns.get_loc("customer_id")] = number.array
    keep = np.setdiff1d(np.arange(len(frame)), row[gone])
    return replace(
        cleaned,
        frame=result.iloc[keep].reset_index(drop=True),
        ledger=pd.concat([cleaned.ledger, ledger.frame(cleaned.keys)], ignore_index=True),
        merged=cleaned.merged + int(gone.sum()),
        origin=cleaned.origin[keep],
    )


def renumber(cleaned: Cleaned, persons: Persons, lineage: pd.DataFrame) -> Cleaned:
    """Another table with the numbers of merged customers replaced by the person's, told in the ledger."""
    merged = persons.merged
    if "customer_id" not in cleaned.frame or merged.empty:
        return cleaned
    before = cleaned.frame["customer_id"]
    place = merged.index.get_indexer(before)
    rows = place >= 0
    if not rows.any():
        return cleaned
    after = merged.iloc[place[rows]].set_axis(before.index[rows])
    ledger = Ledger(cleaned.table, lineage)
    _tell(
        ledger, RENUMBERED, "customer_id", np.asarray(cleaned.origin)[rows], before[rows], after, "repaired"
    )
    frame = cleaned.frame.assign(customer_id=before.mask(rows, after.reindex(before.index)))
    book = pd.concat([cleaned.ledger, ledger.frame(cleaned.keys)], ignore_index=True)
    return replace(cleaned, frame=frame, ledger=book)


def as_written(cleaned: Cleaned, raw: pd.DataFrame, lineage: pd.DataFrame) -> pd.DataFrame:
    """The customers; dates, and what was blanked, as the source has them.

    A number with a wrong digit is no number, but it still says something of whose it is, as do
    day and month that changed places in the calendar they were written in.
    """
    frame, position = cleaned.frame, np.asarray(cleaned.origin)
    places = pd.MultiIndex.from_frame(lineage[["source", "row"]].astype({"source": "str"}))
    blanked = cleaned.ledger[cleaned.ledger["action"] == "blanked"]
    where = pd.Series(np.arange(len(frame)), position)
    records = {}
    for column in table("customers").columns[1:]:
        if frame[column.name].isna().all() or (column.kind == "date" and column.name not in raw):
            continue
        values = frame[column.name].astype("str")
        odd = blanked[blanked["column"] == column.name]
        at = where.reindex(places.get_indexer(pd.MultiIndex.from_frame(odd[["source", "row"]])))
        there = at.notna().to_numpy()
        values.iloc[at[there].astype("int64")] = odd["before"].to_numpy()[there]
        if column.kind == "date":
            written = raw[column.name].iloc[position].reset_index(drop=True)
            values = written.where(values.notna())
        records[column.name] = values
    return pd.DataFrame(records, index=frame.index)


def _giver(origin: pd.DataFrame, name: str) -> pd.Series:
    """The record that gave the other columns of a column's group."""
    group = next(group for group in _TOGETHER if name in group)
    return origin[[other for other in group if other in origin]].bfill(axis=1).iloc[:, 0]


def _tell(
    ledger: Ledger,
    rule: str,
    column: str,
    at: np.ndarray,
    before: pd.Series,
    after: pd.Series,
    action: str = "merged",
) -> None:
    there = pd.Series(True, index=at)
    ledger.cells(action, rule, column, there, before.set_axis(at), after.set_axis(at))


def _tell_numbers(ledger: Ledger, own: pd.Series, number: pd.Index, at: np.ndarray) -> None:
    """The persons whose number is that of a record that is gone from the sources."""
    other = own.to_numpy() != number.to_numpy()
    if other.any():
        numbers = pd.Series(number[other], dtype="str")
        _tell(ledger, RENUMBERED, "customer_id", at[other], own[other], numbers)
