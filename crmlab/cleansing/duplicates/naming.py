"""Names of clusters: made of what their records say, or kept from before."""

from __future__ import annotations

import numpy as np
import pandas as pd


def new_names(prints: np.ndarray, earlier: np.ndarray | None = None) -> np.ndarray:
    """A name for each record, made of its fingerprint; of records alike, and `earlier`, each has its own."""
    everybody = prints if earlier is None else np.append(earlier, prints)
    again = pd.Series(everybody).groupby(everybody).cumcount().to_numpy()[len(everybody) - len(prints) :]
    names = [f"P{number:016x}" for number in prints]
    for place in np.flatnonzero(again):
        names[place] += f"-{again[place]}"
    return np.array(names, dtype=object)


def old_names(names: np.ndarray, labels: np.ndarray, before: np.ndarray, known: pd.Series) -> np.ndarray:
    """Names of the records' clusters, where a cluster has an old one that; of several the first in order."""
    held = pd.DataFrame({"label": labels, "name": known.to_numpy()})[before >= 0]
    held = held.iloc[in_order(held["name"])].drop_duplicates("label").set_index("label")["name"]
    old = held.reindex(labels)
    return np.where(old.notna(), old, names)


def in_order(names: pd.Series | pd.Index) -> np.ndarray:
    """The places of names in order, numbers in theirs: 9 before 10."""
    if names.dtype.kind in "iu":
        return np.argsort(names, kind="stable")
    text = pd.Series(names).astype("str").reset_index(drop=True)
    return np.lexsort((pd.factorize(text, sort=True)[0], text.str.len().to_numpy()))
