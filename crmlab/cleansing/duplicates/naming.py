"""Names of clusters: made of what their records say, or kept from before."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd


def new_names(records: pd.DataFrame, taken: Collection[str] = ()) -> np.ndarray:
    """A name for each record, made of what it says; of equal records each has its own."""
    plain = records.drop(columns=["tokens", "further"], errors="ignore").astype("str").fillna("")
    code = pd.util.hash_pandas_object(plain, index=False)
    again = code.groupby(code.to_numpy()).cumcount().to_numpy()
    names = []
    for number, n in zip(code, again, strict=True):
        name = f"P{number:016x}" + (f"-{n}" if n else "")
        while name in taken:
            n += 1
            name = f"P{number:016x}-{n}"
        names.append(name)
    return np.array(names, dtype=object)


def old_names(names: np.ndarray, labels: np.ndarray, before: np.ndarray, known: pd.Series) -> np.ndarray:
    """Names of the records' clusters, where a cluster has an old one that; of several the first in order."""
    held = pd.DataFrame({"label": labels, "name": known.to_numpy()})[before >= 0]
    held = held.iloc[in_order(held["name"])].drop_duplicates("label").set_index("label")["name"]
    old = held.reindex(labels)
    return np.where(old.notna(), old, names)


def in_order(names: pd.Series | pd.Index) -> np.ndarray:
    """The places of names in order, numbers in theirs: 9 before 10."""
    text = pd.Series(names).astype("str").reset_index(drop=True)
    return np.lexsort((pd.factorize(text, sort=True)[0], text.str.len().to_numpy()))
