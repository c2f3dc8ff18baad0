"""The rows a tree is drafted on: their columns, which are held out, and a fingerprint of what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.errors import ParameterError, listed
from crmlab.mining.methods.trees.data import Classes, columns_of, refuse_infinite, target_of
from crmlab.mining.methods.trees.splits import Split, Value, as_names, as_numbers, is_numeric, plain_value

#: Stands for a missing value where contents are compared.
_MISSING = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class DraftColumn:
    """One column as it is split: numbers, or codes of names with -1 for missing."""

    name: str
    values: np.ndarray
    names: np.ndarray | None

    @property
    def kind(self) -> str:
        """Whether it is cut ("numbers") or grouped ("names")."""
        return "numbers" if self.names is None else "names"

    def branch_of(self, split: Split, rows: np.ndarray) -> np.ndarray:
        """Branch of each of some rows."""
        if self.names is None:
            return split.branch_of(self.values[rows])
        # One look at each distinct value serves all rows.
        sides = np.append(split.branch_of(self.names), split.missing)
        return sides[self.values[rows]]

    def missing(self, rows: np.ndarray) -> np.ndarray:
        """Whether the value of each of some rows is missing."""
        values = self.values[rows]
        return np.isnan(values) if self.names is None else values < 0

    def hashes(self) -> np.ndarray:
        """A number for each value, that of equal values equal, whatever the type of the column."""
        if self.names is None:
            values = self.values + 0.0  # one zero
            return np.where(np.isnan(values), _MISSING, _mixed(values.view(np.uint64)))
        words = (f"{type(name).__name__} {name}".encode() for name in self.names)
        known = [int.from_bytes(hashlib.blake2b(word, digest_size=8).digest(), "little") for word in words]
        return np.array([*known, _MISSING], dtype=np.uint64)[self.values]


class DraftData:
    """Training and held-out rows, each row at one place in all arrays.

    Attributes
    ----------
    columns : dict of DraftColumn
        By name, in the order of the data.
    classes : ndarray
        The classes, sorted.
    target : ndarray
        Place of each row's class.
    training, held_out : ndarray
        Places of the rows.
    fingerprint : dict
        What the data are known by: number of rows, kinds and contents of the columns, classes; no rows.
    """

    def __init__(
        self, X: pd.DataFrame | np.ndarray, y: ArrayLike, held_out: float | tuple, seed: int
    ) -> None:  # fmt: skip
        table, labels = _as_frame(X), _as_labels(y, X)
        known = len(table)
        if isinstance(held_out, tuple):
            table, labels = _with_held_out(table, labels, *held_out)
        elif not 0 <= held_out < 1:
            raise ParameterError(f"held_out is a share from 0 to below 1, or (X, y), not {held_out!r}.")
        classes = Classes.of(labels)
        self.classes, self.target = classes.values, classes.numbers(labels)
        if len(np.unique(self.target[:known])) < 2:
            raise ParameterError(f"All rows are of class {self.classes[0]}; a tree tells two or more apart.")
        self.columns = {name: _as_column(name, table[name]) for name in table.columns}
        each, whole = self._hashes()
        self.fingerprint: dict[str, Any] = {
            "rows": known,
            "held_out_rows": len(table) - known,
            "columns": [
                {"name": name, "kind": self.columns[name].kind, "contents": _sum(hashes)}
                for name, hashes in each.items()
            ],
            "classes": self.classes.tolist(),
            "contents": _sum(whole),
        }
        if isinstance(held_out, tuple):
            aside = np.arange(len(table)) >= known
        else:
            aside = self._chosen(float(held_out), seed, whole)
        self.training, self.held_out = (np.flatnonzero(side).astype(np.int32) for side in (~aside, aside))
        self._whole = whole

    def _hashes(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Of each column, and of whole rows with their class."""
        each = {name: column.hashes() for name, column in self.columns.items()}
        whole = _mixed(self.target.astype(np.uint64))
        for place, hashes in enumerate(each.values(), start=1):
            whole = _mixed(whole + _mixed(hashes + np.uint64(place)))
        return each, whole

    def _chosen(self, share: float, seed: int, whole: np.ndarray) -> np.ndarray:
        """Which rows are held out: the same share of each class, whatever the order of the rows."""
        drawn = _mixed(whole ^ _mixed(np.array([seed], dtype=np.uint64)))
        aside = np.zeros(len(drawn), dtype=bool)
        for place in range(len(self.classes)):
            rows = np.flatnonzero(self.target == place)
            count = min(round(share * len(rows)), len(rows) - 1)
            aside[rows[np.argsort(drawn[rows], kind="stable")[:count]]] = True
        return aside

    def sample(self, rows: np.ndarray, size: int) -> np.ndarray:
        """At most `size` of some rows, drawn by their contents and not by their order."""
        if len(rows) <= size:
            return rows
        return rows[np.sort(np.argpartition(self._whole[rows], size)[:size])]

    def counts(self, rows: np.ndarray) -> np.ndarray:
        """Rows of each class among some rows."""
        return np.bincount(self.target[rows], minlength=len(self.classes))


def difference(logged: dict[str, Any], found: dict[str, Any]) -> str:
    """How data differ from those a log was made for, as the end of a sentence; empty if they do not."""
    names = [column["name"] for column in logged["columns"]]
    here = [column["name"] for column in found["columns"]]
    for missing, said in (
        ([name for name in names if name not in here], "lack"),
        ([name for name in here if name not in names], "have besides"),
    ):
        if missing:
            return f"these {said} the {_plural('column', missing)} {listed(missing, 200)}"
    if names != here:
        return "these have the same columns in another order"
    for what, called in (("rows", "rows"), ("held_out_rows", "held-out rows")):
        if logged[what] != found[what]:
            return f"it was made for {logged[what]:,} {called}, and these are {found[what]:,}"
    if logged["classes"] != found["classes"]:
        old, new = (listed(map(str, side["classes"]), 200) for side in (logged, found))
        return f"its classes are {old}, and here they are {new}"
    pairs = list(zip(logged["columns"], found["columns"], strict=True))
    for what, said in (("kind", "kind is not"), ("contents", "values are not")):
        other = [old["name"] for old, new in pairs if old[what] != new[what]]
        if other:
            return f"in the {_plural('column', other)} {listed(other, 200)} the {said} the same"
    if logged["contents"] != found["contents"]:
        return "the columns hold the same values, but they belong to other rows or classes"
    return ""


def _as_frame(X: pd.DataFrame | np.ndarray) -> pd.DataFrame:
    X, columns = columns_of(X)
    if not len(X):
        raise ParameterError("There are no rows in X.")
    return pd.DataFrame(columns) if isinstance(X, np.ndarray) else X.set_axis(list(columns), axis=1)


def _as_labels(y: ArrayLike, X: pd.DataFrame | np.ndarray) -> np.ndarray:
    labels = target_of(y)
    if len(labels) != len(X):
        raise ParameterError(f"y has one class per row of X: {len(X):,} are needed, {len(labels):,} given.")
    if isinstance(y, pd.Series) and isinstance(X, pd.DataFrame) and not y.index.equals(X.index):
        raise ParameterError("y is not in the order of X: their indexes differ.")
    return labels


def _with_held_out(
    table: pd.DataFrame, labels: np.ndarray, X: pd.DataFrame | np.ndarray, y: ArrayLike
) -> tuple[pd.DataFrame, np.ndarray]:
    other = _as_frame(X)
    lost = [name for name in table.columns if name not in other.columns]
    if lost:
        raise ParameterError(f"The held-out data lack the {_plural('column', lost)} {listed(lost, 200)}.")
    more = _as_labels(y, X)
    strange = sorted(set(more.tolist()) - set(labels.tolist()), key=str)
    if strange:
        raise ParameterError(f"The held-out data have classes that the others lack: {listed(strange, 200)}.")
    together = pd.concat([table, other[list(table.columns)]], ignore_index=True)
    return together, np.concatenate([labels, more])


def _as_column(name: str, values: pd.Series) -> DraftColumn:
    if is_numeric(values):
        numbers = as_numbers(values)
        refuse_infinite(numbers, name)
        return DraftColumn(name, np.ascontiguousarray(numbers), None)
    codes, found = pd.factorize(as_names(values))
    distinct = [plain_value(value) for value in found]
    for value in distinct:
        if not isinstance(value, Value):
            raise ParameterError(
                f"Column {name} holds values of type {type(value).__name__}; make texts or numbers of them."
            )
    order = sorted(range(len(distinct)), key=lambda place: (str(distinct[place]), str(type(distinct[place]))))
    back = np.empty(len(order) + 1, dtype=np.int32)
    back[order], back[-1] = np.arange(len(order)), -1
    names = np.empty(len(order), dtype=object)
    names[:] = [distinct[place] for place in order]
    return DraftColumn(name, back[codes], names)


def _plural(word: str, things: Sequence) -> str:
    return word if len(things) == 1 else f"{word}s"


def _mixed(bits: np.ndarray) -> np.ndarray:
    """Bits so mixed that their sums tell contents apart (the last step of SplitMix64; Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        bits = bits + _MISSING
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return bits ^ (bits >> np.uint64(31))


def _sum(hashes: np.ndarray) -> str:
    """One number for all, whatever their order."""
    return f"{int(_mixed(hashes).sum(dtype=np.uint64)):016x}"
