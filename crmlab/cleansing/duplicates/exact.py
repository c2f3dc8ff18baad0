"""Rows that are equal in every column, and keys that are used twice."""

from __future__ import annotations

import pandas as pd

from crmlab.cleansing.ledger import Ledger


def merge_exact(frame: pd.DataFrame, columns: list[str], ledger: Ledger) -> tuple[pd.DataFrame, int]:
    """Merge rows equal in every one of `columns` into the first of them.

    Parameters
    ----------
    frame
        Indexed by position in the raw table.

    Returns
    -------
    frame, merged
        The rows that stay, and how many were merged into them.
    """
    alike = _equal(frame, columns)
    again = alike.duplicated(columns, keep="first").reindex(frame.index, fill_value=False)
    if "merge" in ledger.lineage:
        again &= ledger.lineage["merge"].loc[frame.index]
    if not again.any():
        return frame, 0
    group = alike.groupby(columns, dropna=False, sort=False).ngroup()
    first = pd.Series(alike.index, index=alike.index).groupby(group).transform("first")
    first = first[again[alike.index]]
    ledger.cells(
        "merged",
        "equal to an earlier row in every column",
        "*",
        again,
        before=pd.Series(pd.NA, index=frame.index, dtype="str"),
        after=_place(first, ledger).reindex(frame.index),
    )
    return frame[~again], int(again.sum())


def _equal(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The rows equal to another; columns that tell most are looked at first, the others in what is left."""
    few = frame.head(1000)
    for column in sorted(columns, key=lambda column: -few[column].nunique()):
        frame = frame[frame.duplicated(column, keep=False)]
    return frame[frame.duplicated(columns, keep=False)]


def _place(positions: pd.Series, ledger: Ledger) -> pd.Series:
    """Where the raw rows at `positions` stand, such as ``orders.csv:17``."""
    origin = ledger.lineage.loc[positions.to_numpy()]
    place = origin["source"].astype("str") + ":" + origin["row"].astype("str")
    return pd.Series(place.to_numpy(), index=positions.index, dtype="str")


def taken_keys(frame: pd.DataFrame, key: list[str]) -> pd.Series:
    """True for rows whose key an earlier row has already."""
    return frame.duplicated(subset=key, keep="first") & frame[key].notna().all(axis=1)
