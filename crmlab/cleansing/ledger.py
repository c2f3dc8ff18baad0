"""The ledger: every change made to a record, every record set aside, nothing lost in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from crmlab.tables import table as contract_of

if TYPE_CHECKING:
    from crmlab.engine import Log

#: What can happen to a cell or a row.
#:   read       a whole column was given its type (one row for the column, `cells` counts them)
#:   repaired   a cell was brought into the one form
#:   blanked    an optional cell could not be repaired and is missing now
#:   filled     a missing cell was computed from the others of its row
#:   imputed    a missing cell was estimated because somebody asked for it
#:   merged     a row was merged into another; where a column is named, that one took the cell over
#:   set aside  a row went to quarantine
#:   left       something was noticed and left as it is
ACTIONS = ("read", "repaired", "blanked", "filled", "imputed", "merged", "set aside", "left")

#: Rules by which the report on quality tells one kind of fault from another.
MARKED = "marker read as missing"
REQUIRED = "a value is required"
NO_AMOUNT = "neither an amount nor a unit price"
TOO_LARGE = "quantity x unit price is too large to be kept"
TAKEN = "taken by an earlier row"
RENUMBERED = "number of a merged customer"

COLUMNS = ["table", "source", "row", "key", "column", "action", "rule", "before", "after", "cells"]
QUARANTINE_COLUMNS = ["table", "source", "row", "reasons", "record"]


class _Entries(NamedTuple):
    """Entries of one kind: what they share is kept once; a whole column stands at position -1."""

    position: np.ndarray
    column: str
    action: str
    rule: str | pd.Series
    before: pd.Series
    after: pd.Series
    cells: int


class Ledger:
    """Collects what cleansing does to one table.

    Parameters
    ----------
    table : str
        Name of the table.
    lineage : DataFrame
        One row per raw row, in order: `source` (file or query) and `row` (its number there,
        from 1).
    """

    def __init__(self, table: str, lineage: pd.DataFrame) -> None:
        self.table = table
        self.lineage = lineage.reset_index(drop=True)
        self._entries: list[_Entries] = []
        self._reasons: list[pd.Series] = []

    def cells(
        self,
        action: str,
        rule: str | pd.Series,
        column: str,
        rows: pd.Series,
        before: pd.Series,
        after: pd.Series,
    ) -> None:
        """Record one entry per cell where `rows` is true; a rule may differ from row to row."""
        if rows.any():
            where = rows.index[rows]
            rule = rule[where].astype("str") if isinstance(rule, pd.Series) else rule
            texts = (values[where].astype("str") for values in (before, after))
            self._entries.append(_Entries(where.to_numpy(), column, action, rule, *texts, 1))

    def column(self, action: str, rule: str, column: str, cells: int) -> None:
        """Record one entry for a whole column."""
        if cells:
            nothing = pd.Series([pd.NA], dtype="str")
            self._entries.append(_Entries(np.array([-1]), column, action, rule, nothing, nothing, int(cells)))

    def set_aside(self, reason: str, column: str, rows: pd.Series) -> None:
        """Send the rows where `rows` is true to quarantine; a row may have several reasons."""
        if rows.any():
            where = rows.index[rows]
            self._reasons.append(pd.Series(f"{column}: {reason}", index=where, dtype="str"))
            nothing = pd.Series(pd.NA, index=where, dtype="str")
            self.cells("set aside", reason, column, pd.Series(True, index=where), nothing, nothing)

    def reasons(self) -> pd.Series:
        """Reasons per row set aside, joined by semicolons, indexed by position."""
        if not self._reasons:
            return pd.Series(dtype="str")
        reasons = pd.concat(self._reasons)
        if reasons.index.has_duplicates:
            reasons = reasons.groupby(level=0).agg("; ".join)
        return reasons.sort_index().astype("str")

    def frame(self, keys: pd.Series) -> pd.DataFrame:
        """The ledger as a frame in the columns of `COLUMNS`, in the order of the raw rows.

        Parameters
        ----------
        keys
            The record's own number per raw row, to find a record again.
        """
        if not self._entries:
            return empty_ledger()
        sizes = [len(entries.position) for entries in self._entries]
        position = np.concatenate([entries.position for entries in self._entries]).astype("int64")
        order = position.argsort(kind="stable")
        position, number = position[order], np.repeat(np.arange(len(sizes)), sizes)[order]

        def shared(name: str) -> pd.api.extensions.ExtensionArray:
            return pd.array([getattr(entries, name) for entries in self._entries], dtype="str").take(number)

        def own(name: str) -> pd.api.extensions.ExtensionArray:
            columns = [getattr(entries, name) for entries in self._entries]
            return pd.concat(columns, ignore_index=True).array.take(order)

        def of_row(values: pd.Series) -> pd.api.extensions.ExtensionArray:
            # Entries for a whole column belong to no row: position -1 takes a missing value.
            return values.array.take(position, allow_fill=True)

        rules = [
            entries.rule if isinstance(entries.rule, pd.Series) else pd.Series([entries.rule], dtype="str")
            for entries in self._entries
        ]
        # A rule of its own for each row, or one for all: its place among all rules.
        first = np.cumsum([0, *map(len, rules)])[:-1]
        each = [
            np.arange(size) + start if size == len(rule) else np.full(size, start)
            for size, rule, start in zip(sizes, rules, first, strict=True)
        ]
        columns = {
            "table": pd.array([self.table], dtype="str").take(np.zeros(len(order), dtype="int64")),
            "source": of_row(self.lineage["source"].astype("str")),
            "row": of_row(self.lineage["row"].astype("Int64")),
            "key": of_row(keys),
            "column": shared("column"),
            "action": shared("action"),
            "rule": pd.concat(rules, ignore_index=True).array.take(np.concatenate(each)[order]),
            "before": own("before"),
            "after": own("after"),
            "cells": np.array([entries.cells for entries in self._entries])[number],
        }
        return _typed(pd.DataFrame(columns), empty_ledger())

    def quarantine(self, raw: pd.DataFrame) -> pd.DataFrame:
        """The rows set aside with their reasons and, as JSON, the record as it came."""
        reasons = self.reasons()
        records = raw.loc[reasons.index]
        # JSON knows no infinite numbers, and they may be why a row is here.
        numbers = records.select_dtypes("floating")
        endless = numbers.columns[np.isinf(numbers.astype("float64")).any()]
        records = records.astype(dict.fromkeys(endless, "str")).to_json(
            orient="records",
            lines=True,
            force_ascii=False,
            date_format="iso",
            date_unit="us",
            double_precision=15,
        )
        frame = self.lineage.loc[reasons.index].assign(
            table=self.table, reasons=reasons, record=records.rstrip("\n").split("\n")[: len(reasons)]
        )
        return _typed(frame.reindex(columns=QUARANTINE_COLUMNS), empty_quarantine())


def empty_ledger() -> pd.DataFrame:
    """A ledger without entries."""
    types = dict.fromkeys(COLUMNS, "str") | {"row": "Int64", "cells": "int64"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})


def empty_quarantine() -> pd.DataFrame:
    """A quarantine without rows."""
    types = dict.fromkeys(QUARANTINE_COLUMNS, "str") | {"row": "Int64"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})


def unread_entries(rejected: pd.DataFrame) -> pd.DataFrame:
    """Ledger entries for quarantined records that could not even be read, so that they have no cells."""
    entries = rejected.assign(column="*", action="set aside", rule=rejected["reasons"], cells=1)
    return _typed(entries.reindex(columns=COLUMNS), empty_ledger())


def _typed(frame: pd.DataFrame, model: pd.DataFrame) -> pd.DataFrame:
    return frame.reset_index(drop=True).astype(model.dtypes.to_dict())


def summarise(ledger: Log) -> pd.DataFrame:
    """Count the ledger's cells by table, action, column and rule.

    Parameters
    ----------
    ledger : DataFrame or ibis table
        Of an ibis table only the counts leave the engine.

    Returns
    -------
    DataFrame
        Columns `table`, `action`, `column`, `rule`, `cells`; the order of actions is that of
        `ACTIONS`, then most cells first.
    """
    keys = ["table", "action", "column", "rule"]
    if isinstance(ledger, pd.DataFrame):
        counts = ledger.groupby(keys, sort=False, as_index=False)["cells"].sum()
    else:
        from crmlab.engine import collect

        counts = collect(ledger.group_by(keys).agg(cells=lambda entries: entries["cells"].sum()))
        counts = counts.dropna(subset=keys).astype({"cells": "int64"})
    order = counts["action"].map({action: place for place, action in enumerate(ACTIONS)})
    return (
        counts.assign(_order=order)
        .sort_values(["table", "_order", "cells", "column", "rule"],
                     ascending=[True, True, False, True, True])
        .drop(columns="_order")
        .reset_index(drop=True)
    )  # fmt: skip


def history(ledger: pd.DataFrame, table: str, key: str) -> pd.DataFrame:
    """Everything that led from raw records to one clean record.

    Parameters
    ----------
    ledger
        Of a workspace, or of one table.
    table, key
        The record: a table, and the record's own number in it.

    Returns
    -------
    DataFrame
        The ledger's entries for the record and for all that were merged into it, in the order of
        the ledger, with `record` (where it stands in the sources) before `column`, `action`,
        `rule`, `before` and `after`. Where a value was taken over from another record of a person,
        `record` is that one, and `before` what the person's record had. What has no entry stands
        as it came. Empty if nothing was done, and for a key that no record has: the ledger cannot
        tell these apart, the clean table can.

    Examples
    --------
    >>> from crmlab.cleansing import clean
    >>> raw = pd.DataFrame({"product_id": ["a", "a"], "name": ["Tea ", "Tea"], "unit_price": [2, 2]})
    >>> history(clean(raw, "products").ledger, "products", "a")[["record", "action", "before", "after"]]
      record    action before after
    0     :1  repaired   Tea    Tea
    1     :2    merged    NaN    :1
    """
    entries = ledger[(ledger["table"] == table) & ledger["row"].notna()]
    place = entries["source"].astype("str") + ":" + entries["row"].astype("str")
    own = contract_of(table).names[0]
    rows = (entries["action"] == "merged") & entries["column"].isin(["*", own])
    into, found = entries["after"].where(rows), pd.Series(entries["key"] == key, dtype=bool)
    while True:
        # Persons are called by their number, equal rows by their place.
        keys, places = entries["key"][found].dropna().unique(), place[found].unique()
        more = entries["key"].isin({*keys, key}) | into.isin({*keys, *places, key})
        more |= place.isin(place[more & rows])
        if (more == found).all():
            break
        found = more
    told = entries[found].assign(record=place[found])
    return told[["record", "column", "action", "rule", "before", "after"]].reset_index(drop=True)
