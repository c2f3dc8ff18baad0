"""Public reports: groups of at least k members, and nobody in person.

Report and notebook work together. The notebook says of each table how many persons stand behind its
rows (`crmlab.reporting.Report.publishable`), and of each sentence and figure about how many it is. What
it does not say so of is left out, and so is whatever a cell shows past the report.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from crmlab.cleansing.privacy import Groups, suppress_small_groups
from crmlab.errors import ParameterError
from crmlab.locale import Language
from crmlab.tables import IDENTIFIERS

#: Output type that only what has been checked for a public report carries.
PUBLIC_TYPE = "application/vnd.crmlab.public+json"
#: Columns that no public report shows.
PERSONS = IDENTIFIERS | {"customer_id"}
#: Under which a frame notes that it was checked.
_NOTE = "public"


def check_size(public: Any) -> int | None:
    """The size that groups of a public report have at least; None if it is not to be public.

    Raises
    ------
    ParameterError
        If it is no whole number from 2.
    """
    if public is None:
        return None
    if isinstance(public, bool) or not isinstance(public, int) or public < 2:
        raise ParameterError(f"public is the size that groups have at least, from 2, not {public!r}.")
    return public


def clear(
    frame: pd.DataFrame, counts: str | list[Any] | Any, k: int, groups: Groups = "parts"
) -> pd.DataFrame:
    """`frame` without groups of fewer than `k`, with a note that it was checked.

    What is made from it by leaving out rows or columns keeps the note; what it is merged with
    loses it.

    Parameters
    ----------
    counts, groups
        As `suppress_small_groups` takes them. ``frame.attrs["left_out"]`` may say how many members
        rows had that are not there any more.
    """
    shown = suppress_small_groups(frame, counts, k, groups, frame.attrs.get("left_out", 0))
    several = isinstance(counts, list | tuple)
    named = [count for count in (counts if several else [counts]) if isinstance(count, str)]
    note = {"k": k, "held_back": len(frame) - len(shown), "of": len(frame), "counts": named}
    shown.attrs = {**frame.attrs, _NOTE: note}
    return shown


def what_may_be_shown(frame: pd.DataFrame, columns: Iterable[str] | None, k: int) -> pd.DataFrame | None:
    """The part of a frame that may go into a public report, or None if there is none.

    Parameters
    ----------
    columns
        Those that are to be shown; all if not given. The counts are kept beside them, and no other
        column.
    """
    note = frame.attrs.get(_NOTE)
    if not note or note["k"] < k or (frame.empty and note["held_back"]):
        return None
    wanted = {*(frame.columns if columns is None else columns), *note["counts"]}
    shown = frame[[name for name in frame if name in wanted]]
    for name in {*note["counts"]} & {*shown}:
        if not ((shown[name] == 0) | (shown[name] >= k)).all():
            return None
    # The places that rows had tell which are gone.
    shown = shown if shown.index.name else shown.reset_index(drop=True)
    return None if PERSONS & {*map(str, shown.columns), *map(str, shown.index.names)} else shown


def refuse_identifiers(name: str, frame: pd.DataFrame, hidden: Iterable[str]) -> None:
    """Refuse an exhibit that holds what says who a person is.

    Raises
    ------
    ParameterError
        If a column is among the `hidden`.
    """
    found = sorted({*hidden} & {*map(str, frame.columns), *map(str, frame.index.names)})
    if found:
        raise ParameterError(
            f"The exhibit {name!r} holds what says who a person is: {', '.join(found)}. Leave it out "
            f"(frame.drop(columns={found})), or ask for it: Report(ws, identifiers=[...])."
            + (" National ids never stand in a report." if "national_id" in found else "")
        )


def held_back(frame: pd.DataFrame, tongue: Language, k: int) -> str:
    """A sentence on the rows that are held back; empty if there are none."""
    note = frame.attrs.get(_NOTE, {})
    if not note.get("held_back"):
        return ""
    return tongue(
        "{n} of {all} rows {n:is|are} held back: groups of fewer than {k}, or others that tell of them.",
        n=note["held_back"], all=note["of"], k=k,
    )  # fmt: skip


def left_out(tongue: Language, k: int) -> str:
    """The sentence that stands in place of what may not be shown."""
    return tongue("Left out of this public report: it may be about a group of fewer than {k}.", k=k)


def enough(counts: Any, k: int) -> bool:
    """Whether counts are given, and all of them are of at least k."""
    if counts is None:
        return False
    members = pd.to_numeric(pd.Series(np.ravel(np.asarray(counts, dtype="object"))), errors="coerce")
    # A share of a whole number, times that number, is a whole number but for rounding.
    return bool(len(members)) and bool((members.astype("float64").round(6) >= k).all())


def without_unchecked(notebook: Any, tongue: Language, k: int) -> Any:
    """An executed notebook without the outputs that no report has checked, changed in place."""
    from nbformat.v4 import new_output

    note = new_output("display_data", {"text/markdown": left_out(tongue, k)})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            checked = [out for out in cell.outputs if PUBLIC_TYPE in out.get("data", {})]
            cell["outputs"] = checked + [note] * (len(checked) < len(cell.outputs))
    return notebook
