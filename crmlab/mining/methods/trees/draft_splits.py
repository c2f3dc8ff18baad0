"""Splits that a person names: cuts and groups of a column at a node, completed and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from crmlab.errors import ParameterError, did_you_mean, listed
from crmlab.mining.methods.trees.draft_data import DraftColumn, DraftData
from crmlab.mining.methods.trees.splits import Cuts, Groups, Split, Value, plain_value


def column_of(data: DraftData, name: str) -> DraftColumn:
    """A column of the data.

    Raises
    ------
    ParameterError
        If there is none.
    """
    if name not in data.columns:
        raise ParameterError(f"There is no column {name!r}{did_you_mean(str(name), data.columns)}")
    return data.columns[name]


def cuts_at(
    data: DraftData, rows: np.ndarray, name: str, cuts: Sequence[float] | float, missing: int | None
) -> Cuts:
    """A numeric column cut at some points; missing values take a branch of their own if there are some."""
    column = column_of(data, name)
    if column.names is not None:
        raise ParameterError(f"The column {name} holds names; group its values instead of cutting it.")
    try:
        points = sorted(np.atleast_1d(np.asarray(cuts, dtype=float)).tolist())
    except (TypeError, ValueError):
        raise ParameterError(f"A cut of {name} is no number: {cuts!r:.200}.") from None
    split = Cuts(name, tuple(points), 0)
    _checked_cuts(split)
    return _with_missing(split, column, rows, len(points) + 1, missing)


def groups_of(
    data: DraftData, rows: np.ndarray, name: str, groups: Sequence[Sequence[Value]], missing: int | None,
    other: int | None,
) -> Groups:  # fmt: skip
    """The values of a column in groups; those of the rows that stand in none form one more."""
    column = column_of(data, name)
    if column.names is None:
        raise ParameterError(f"The column {name} holds numbers; cut it instead of grouping its values.")
    sides = [tuple(plain_value(value) for value in group) for group in groups]
    here = np.bincount(column.values[rows] + 1, minlength=len(column.names) + 1)[1:]
    if other is None:
        taken = {value for side in sides for value in side}
        rest = tuple(value for value in column.names[here > 0] if value not in taken)
        sides += [rest] if rest else []
    split = Groups(name, tuple(sides), 0, other or 0)
    _checked_groups(split, column)
    if other is None:
        sizes = np.bincount(split.branch_of(column.names), here, len(sides))
        split = replace(split, other=int(sizes.argmax()))
    return _with_missing(split, column, rows, len(sides), missing)


def _with_missing(split: Any, column: DraftColumn, rows: np.ndarray, apart: int, missing: int | None) -> Any:
    if missing is not None:
        return replace(split, missing=int(missing))
    if column.missing(rows).any():
        return replace(split, missing=apart)
    return replace(split, missing=int(np.bincount(column.branch_of(split, rows), minlength=1).argmax()))


def check_split(data: DraftData, split: Split) -> None:
    """Refuse a split that is none of its column, or has one branch only.

    Raises
    ------
    ParameterError
        What is wrong with it.
    """
    name, column = split.column, column_of(data, split.column)
    if (column.names is None) != isinstance(split, Cuts):
        raise ParameterError(f"The column {name} holds {column.kind}, and the split is of another kind.")
    branches = _checked_cuts(split) if isinstance(split, Cuts) else _checked_groups(split, column)
    if not 0 <= split.missing <= branches:
        raise ParameterError(f"Missing values have a branch from 0 to {branches}, not {split.missing}.")
    if split.degree < 2:
        raise ParameterError(f"A split of {name} needs a cut or a second group.")


def _checked_cuts(split: Cuts) -> int:
    points = np.array(split.points)
    if not np.isfinite(points).all():
        raise ParameterError(f"A cut of {split.column} is no number: {listed(map(str, split.points), 200)}.")
    if (np.diff(points) <= 0).any():
        said = listed(map(str, split.points), 200)
        raise ParameterError(f"The cuts of {split.column} are not each above the one before: {said}.")
    return len(points) + 1


def _checked_groups(split: Groups, column: DraftColumn) -> int:
    values = [value for group in split.groups for value in group]
    known = set(column.names)
    strange = [value for value in values if value not in known]
    if strange:
        near = did_you_mean(str(strange[0]), list(map(str, known))[:1000])
        raise ParameterError(f"The column {split.column} has no value {strange[0]!r}{near}")
    if len(set(values)) < len(values):
        twice = [str(value) for value in dict.fromkeys(values) if values.count(value) > 1]
        raise ParameterError(f"Values of {split.column} stand in two groups: {listed(twice, 200)}.")
    # That of all other values may have none of its own.
    if not all(group for place, group in enumerate(split.groups) if place != split.other):
        raise ParameterError(f"A group of {split.column} is empty; put a value into it or leave it out.")
    if not 0 <= split.other < len(split.groups):
        last = len(split.groups) - 1
        raise ParameterError(f"Other values have a branch from 0 to {last}, not {split.other}.")
    return len(split.groups)
