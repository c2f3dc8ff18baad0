"""What was decided before, by people or in an earlier run, and how it binds the next one."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError, SourceError, did_you_mean

COLUMNS = ("one", "other", "same")
#: A decision in bits: more than any evidence can weigh.
_DECIDED = 1e6


_WORDS = {"yes": True, "true": True, "1": True, "بله": True,
          "no": False, "false": False, "0": False, "خیر": False}  # fmt: skip
#: What a decision that was taken back says.
_OPEN = ("open", "باز")


def read_decisions(path: Path) -> pd.DataFrame:
    """Read what people decided: a CSV file with `one`, `other` (customer numbers) and `same`.

    `same` is yes or no, or open where a decision was taken back; the last line on two records counts.
    Columns are separated by commas or, as spreadsheets write them in many countries, by semicolons.

    Returns
    -------
    DataFrame
        `one`, `other` and `same`, true or false: each pair that is decided once, in the order of the
        decisions; indexed by `line`, where it stands in the file.

    Raises
    ------
    SourceError
        If it is not in that form.
    """
    try:
        decisions = pd.read_csv(
            path,
            sep=_separator(path),
            dtype="str",
            encoding="utf-8-sig",
            keep_default_na=False,
            skip_blank_lines=False,
        )
    except pd.errors.EmptyDataError:
        said = f"{path} is empty; its first line is to be {','.join(COLUMNS)}. Without decisions, remove it."
        raise SourceError(said) from None
    except (ValueError, OSError) as error:
        raise SourceError(f"{path} cannot be read as a CSV file in UTF-8: {error}") from None
    for name in COLUMNS:
        if name not in decisions:
            raise SourceError(f"{path} lacks the column {name!r}" + did_you_mean(name, decisions))
    decisions = decisions.set_axis(pd.RangeIndex(2, len(decisions) + 2, name="line")).fillna("")
    decisions = decisions[(decisions != "").any(axis=1)]
    said = decisions["same"].str.strip().str.lower()
    same, back = said.map(_WORDS), said.isin(_OPEN)
    wrong = (same.isna() & ~back) | (decisions[["one", "other"]] == "").any(axis=1)
    for bad, what in (
        (wrong, "two customer numbers and yes or no are needed"),
        (decisions["one"] == decisions["other"], "both customer numbers are the same; a decision is on two"),
    ):
        if bad.any():
            raise SourceError(f"{path}, line {bad.idxmax()}: {what}.")
    pair = decisions[["one", "other"]]
    last = ~pd.DataFrame({"a": pair.min(axis=1), "b": pair.max(axis=1)}).duplicated(keep="last")
    return pair.assign(same=same)[last & ~back].astype({"same": bool})


def no_decisions() -> pd.DataFrame:
    """Nothing was decided."""
    frame = pd.DataFrame({"one": [], "other": [], "same": []}, index=pd.RangeIndex(0, name="line"))
    return frame.astype({"one": "str", "other": "str", "same": bool})


def _separator(path: Path) -> str:
    with path.open(encoding="utf-8-sig", newline="") as file:
        heading = file.readline()
    return max(",;\t", key=heading.count)


def on_strangers(decisions: pd.DataFrame, numbers: pd.Series) -> pd.DataFrame:
    """Those decisions that name a customer who is not among `numbers`, so that they bind nothing.

    Examples
    --------
    >>> decisions = pd.DataFrame({"one": ["a", "a"], "other": ["b", "x"], "same": [True, True]})
    >>> on_strangers(decisions, pd.Series(["a", "b"])).index.tolist()
    [1]
    """
    return decisions[~decisions[["one", "other"]].isin(set(numbers)).all(axis=1)]


def add_decision(path: Path, one: str, other: str, same: bool | None) -> None:
    """Append a decision to the file `path`, which is made if need be; the last one on two records counts.

    None takes back what was decided on them.
    """
    said = "open" if same is None else "yes" if same else "no"
    columns, separator, torn = list(COLUMNS), ",", False
    if path.exists() and path.stat().st_size:
        separator = _separator(path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            columns = next(csv.reader(file, delimiter=separator))
        # What was written by hand may have further columns, and no end of its last line.
        torn = not path.read_bytes().endswith(b"\n")
    else:
        path.write_text(",".join(columns) + "\n", encoding="utf-8")
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write("\n" * torn)
        row = {"one": one, "other": other, "same": said}
        csv.DictWriter(file, columns, delimiter=separator, lineterminator="\n").writerow(row)


def decided_pairs(index: pd.Index, decisions: pd.DataFrame | None) -> pd.DataFrame:
    """Decisions by place of the records: `a` < `b` and `same`, each pair once, the last word on it."""
    if decisions is None:
        return pd.DataFrame({"a": [], "b": [], "same": []}).astype({"a": int, "b": int, "same": bool})
    for name in COLUMNS:
        if name not in decisions:
            raise ParameterError(f"The decisions lack the column {name!r}" + did_you_mean(name, decisions))
    one, other = (index.get_indexer(pd.Index(decisions[name])) for name in COLUMNS[:2])
    there = (one >= 0) & (other >= 0) & (one != other)
    same = decisions["same"].to_numpy(dtype=bool)
    pairs = pd.DataFrame({"a": np.minimum(one, other), "b": np.maximum(one, other), "same": same})
    return pairs[there].drop_duplicates(["a", "b"], keep="last").sort_values(["a", "b"])


def with_decided(
    a: np.ndarray, b: np.ndarray, weights: np.ndarray, decided: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs, in order, with what was decided as one more column of weights."""
    if decided.empty:
        return a, b, weights
    scored = pd.MultiIndex.from_arrays([a, b])
    asked = pd.MultiIndex.from_frame(decided[["a", "b"]])
    place = scored.get_indexer(asked)
    fresh = place < 0
    place[fresh] = len(a) + np.arange(fresh.sum())
    a, b = np.append(a, decided["a"][fresh]), np.append(b, decided["b"][fresh])
    wider = np.full((len(a), weights.shape[1] + 1), np.nan)
    wider[: len(weights), :-1] = weights
    wider[place, -1] = np.where(decided["same"], _DECIDED, -_DECIDED)
    order = np.lexsort((b, a))
    return a[order], b[order], wider[order]


def known_clusters(index: pd.Index, known: pd.Series, decided: pd.DataFrame) -> np.ndarray:
    """For each record the lowest one of the cluster it was in before, -1 for one that is free.

    Clusters with two records that were since decided to be the same person's are one; those with
    records decided to be two people's are open again.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    cluster = pd.factorize(known.reindex(index))[0]
    apart = decided[~decided["same"]]
    inside = cluster[apart["a"]] == cluster[apart["b"]]
    cluster[np.isin(cluster, cluster[apart["a"][inside]])] = -1
    held, same = np.flatnonzero(cluster >= 0), decided[decided["same"]]
    one = np.concatenate([held, same["a"]])
    other = np.concatenate([len(index) + cluster[held], same["b"]])
    nodes = len(index) + cluster.max(initial=-1) + 1
    edges = coo_array((np.ones(len(one)), (one, other)), shape=(nodes, nodes))
    component = connected_components(edges, directed=False)[1]
    lowest = pd.Series(held).groupby(component[held]).transform("min")
    before = np.full(len(index), -1)
    before[held] = lowest
    return before
