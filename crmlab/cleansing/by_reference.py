"""A clean table beside reference tables: places that are not listed are told, gaps are filled on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from crmlab.cleansing.clean import Cleaned
from crmlab.cleansing.enrichment import DERIVED, enrich
from crmlab.cleansing.ledger import Ledger
from crmlab.cleansing.places import NO_PROVINCE, check_place
from crmlab.cleansing.reference import Source


def note_places(cleaned: Cleaned, places: Source, lineage: pd.DataFrame) -> Cleaned:
    """Tell cities and provinces that are not in a list; nothing is corrected.

    Parameters
    ----------
    cleaned
        A table with a column `city`; `province` is looked at where it is given.
    places
        As `crmlab.cleansing.read_places` takes it.
    lineage
        `source` and `row` of each raw row.

    Returns
    -------
    Cleaned
        With one entry on the ledger for each such cell: action ``left``, what is wrong as the rule,
        the cell, and as `after` the nearest city of the list, missing if none is near.

    Raises
    ------
    ParameterError, SourceError, TableError
        As `crmlab.cleansing.read_places` raises them.
    """
    frame = cleaned.frame
    found = check_place(frame["city"], places, frame["province"])
    wrong = ~found["valid"] & found["reason"].notna()
    unknown = found["reason"] == NO_PROVINCE
    better = found["suggestion"].mask((found["suggestion"] == frame["city"]) | unknown)
    return _told(cleaned, lineage, [
        ("left", found["reason"], "city", wrong & ~unknown, frame["city"], better),
        ("left", found["reason"], "province", wrong & unknown, frame["province"], better),
    ])  # fmt: skip


def fill_columns(
    cleaned: Cleaned, columns: Sequence[str], references: Mapping[str, Any], lineage: pd.DataFrame
) -> Cleaned:
    """Derive columns by `crmlab.cleansing.enrich`, only those that are asked for.

    Parameters
    ----------
    columns
        Names in `crmlab.cleansing.enrichment.DERIVED`.
    references
        Arguments of `enrich`: `places`, `prefixes`, `names`, `as_of`.
    lineage
        `source` and `row` of each raw row.

    Returns
    -------
    Cleaned
        With the columns and, beside each, ``<column>_source``, which says for good what a derived
        value comes from; and one entry on the ledger for each filled cell: action ``filled``, as
        the rule what it comes from and how certain that is, rounded down to tenths.

    Raises
    ------
    ParameterError, SourceError, TableError
        As `enrich` raises them.
    """
    frame = cleaned.frame
    kinds = [kind for kind, derived in DERIVED.items() if set(derived) & set(columns)]
    records, derived = enrich(frame, kinds, **references)
    new = {name: records[name] for column in columns for name in (column, f"{column}_source")}
    # A certainty of its own for each cell would make as many rules as there are cells.
    tenths = np.floor(derived["certainty"] * 10 + 1e-9) / 10
    derived["rule"] = derived["source"] + ", certainty " + tenths.map(_certainty).astype("str")
    nothing = pd.Series(pd.NA, index=frame.index, dtype="str")
    entries = []
    for column in columns:
        cells = derived[derived["column"] == column].set_index("row")
        filled = pd.Series(frame.index.isin(cells.index), index=frame.index)
        rule, value = cells["rule"].reindex(frame.index), cells["value"].reindex(frame.index)
        entries.append(("filled", rule, column, filled, nothing, value))
    return _told(replace(cleaned, frame=frame.assign(**new)), lineage, entries)


def _certainty(tenths: float) -> str:
    return "1" if tenths == 1 else f"at least {tenths:.1f}"


def _told(cleaned: Cleaned, lineage: pd.DataFrame, entries: list[tuple]) -> Cleaned:
    """The table with entries on its ledger, which are given by clean row."""
    ledger, position = Ledger(cleaned.table, lineage), pd.Index(cleaned.origin)
    for action, rule, column, rows, before, after in entries:
        rule, rows, before, after = (values.set_axis(position) for values in (rule, rows, before, after))
        ledger.cells(action, rule, column, rows, before, after)
    book = ledger.frame(cleaned.keys)
    return replace(cleaned, ledger=pd.concat([cleaned.ledger, book], ignore_index=True))
