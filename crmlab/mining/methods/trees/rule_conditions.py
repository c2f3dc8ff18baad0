"""What a rule asks of one column: an interval of numbers or a set of values, with missing ones or without."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from crmlab.mining.methods.trees.splits import Cuts, Split, Value, as_names, as_numbers, plain_value


@dataclass(frozen=True)
class Interval:
    """A number above `low` and up to and including `high`, or a missing value.

    Attributes
    ----------
    column : str
        The column that is asked.
    low, high : float or None
        The bounds; None where there is none.
    missing : bool
        Whether the condition holds for missing values.
    numbers : bool
        Whether it holds for any number at all; if not, it holds for missing values only.

    Examples
    --------
    >>> Interval("age", None, 30.0).holds(np.array([30, 31, np.nan])).tolist()
    [True, False, False]
    """

    column: str
    low: float | None = None
    high: float | None = None
    missing: bool = False
    numbers: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether it holds for nothing."""
        return not (self.numbers or self.missing)

    @property
    def is_all(self) -> bool:
        """Whether it holds for everything."""
        return self.missing and self.numbers and self.low is None and self.high is None

    def holds(self, values: pd.Series | np.ndarray) -> np.ndarray:
        """Whether it holds for each value, shape (n,)."""
        numbers = as_numbers(values)
        absent = np.isnan(numbers)
        inside = np.full(len(numbers), self.numbers) & ~absent
        if self.low is not None:
            inside &= numbers > self.low
        if self.high is not None:
            inside &= numbers <= self.high
        return inside | absent if self.missing else inside

    def both(self, other: Interval) -> Interval:
        """The condition that holds where both hold."""
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        return _interval(
            self.column, max(lows, default=None), min(highs, default=None), self.missing and other.missing,
            self.numbers and other.numbers,
        )  # fmt: skip

    def either(self, other: Interval) -> Interval | None:
        """The condition that holds where one of the two holds; None where a gap lies between them."""
        missing = self.missing or other.missing
        if not (self.numbers and other.numbers):
            return replace(self if self.numbers else other, missing=missing)
        first, last = sorted((self, other), key=_start)
        if first.high is not None and last.low is not None and last.low > first.high:
            return None
        high = None if first.high is None or last.high is None else max(first.high, last.high)
        return Interval(self.column, first.low, high, missing)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; a bound at infinity as text, which JSON has no number for."""
        bounds = {"above": _plain_bound(self.low), "up_to": _plain_bound(self.high)}
        return {"column": self.column, **bounds, "missing": self.missing, "numbers": self.numbers}


@dataclass(frozen=True)
class Values:
    """One of some values, or (negated) any value but these, or a missing one.

    Attributes
    ----------
    column : str
        The column that is asked.
    values : tuple
        The values, sorted.
    negated : bool
        Whether the condition holds for all other values instead, those never seen included.
    missing : bool
        Whether it holds for missing values.

    Examples
    --------
    >>> Values("student", ("yes",), negated=True).holds(np.array(["yes", "no", None])).tolist()
    [False, True, False]
    """

    column: str
    values: tuple[Value, ...] = ()
    negated: bool = False
    missing: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it holds for nothing."""
        return not (self.values or self.negated or self.missing)

    @property
    def is_all(self) -> bool:
        """Whether it holds for everything."""
        return self.missing and self.negated and not self.values

    def holds(self, values: pd.Series | np.ndarray) -> np.ndarray:
        """Whether it holds for each value, shape (n,)."""
        codes, distinct = pd.factorize(as_names(values))
        known = pd.Index(self.values, dtype=object)
        inside = (known.get_indexer(pd.Index(distinct, dtype=object)) >= 0) ^ self.negated
        return np.append(inside, self.missing)[codes]

    def both(self, other: Values) -> Values:
        """The condition that holds where both hold."""
        mine, theirs = set(self.values), set(other.values)
        if self.negated:
            found = mine | theirs if other.negated else theirs - mine
        else:
            found = mine - theirs if other.negated else mine & theirs
        return _values(self.column, found, self.negated and other.negated, self.missing and other.missing)

    def either(self, other: Values) -> Values:
        """The condition that holds where one of the two holds."""
        mine, theirs = set(self.values), set(other.values)
        if self.negated:
            found = mine & theirs if other.negated else mine - theirs
        else:
            found = theirs - mine if other.negated else mine | theirs
        return _values(self.column, found, self.negated or other.negated, self.missing or other.missing)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        which = "none_of" if self.negated else "one_of"
        return {"column": self.column, which: list(self.values), "missing": self.missing}


Condition = Interval | Values


def branch_condition(split: Split, branch: int) -> Condition:
    """What a row must be to take a branch of a split.

    Examples
    --------
    >>> branch_condition(Cuts("age", (30.0, 40.0), missing=3), 1)
    Interval(column='age', low=30.0, high=40.0, missing=False, numbers=True)
    """
    missing = branch == split.missing
    if isinstance(split, Cuts):
        if branch > len(split.points):
            return Interval(split.column, missing=missing, numbers=False)
        low = float(split.points[branch - 1]) if branch else None
        high = float(split.points[branch]) if branch < len(split.points) else None
        return _interval(split.column, low, high, missing, True)
    if branch == split.other:
        rest = {value for place, group in enumerate(split.groups) if place != branch for value in group}
        return _values(split.column, rest, True, missing)
    group = split.groups[branch] if branch < len(split.groups) else ()
    return _values(split.column, group, False, missing)


def condition_from_dict(plain: dict[str, Any]) -> Condition:
    """The condition that `to_dict` wrote down."""
    column, missing = plain["column"], bool(plain["missing"])
    if "numbers" in plain:
        low, high = (None if plain[end] is None else float(plain[end]) for end in ("above", "up_to"))
        return Interval(column, low, high, missing, bool(plain["numbers"]))
    negated = "none_of" in plain
    return Values(column, tuple(plain["none_of" if negated else "one_of"]), negated, missing)


def _interval(column: str, low: float | None, high: float | None, missing: bool, numbers: bool) -> Interval:
    """An interval, of which there is one form for each set of numbers."""
    high = None if high == math.inf else high
    if not numbers or low == math.inf or (low is not None and high is not None and low >= high):
        return Interval(column, missing=missing, numbers=False)
    return Interval(column, low, high, missing)


def _values(column: str, values: Iterable[Value], negated: bool, missing: bool) -> Values:
    """A set of values, sorted: numbers before texts."""
    kept = {plain_value(value) for value in values if value == value}  # NaN is missing and no value
    return Values(
        column, tuple(sorted(kept, key=lambda value: (isinstance(value, str), value))), negated, missing
    )


def _start(interval: Interval) -> tuple[bool, float]:
    return (interval.low is not None, interval.low or 0.0)


def _plain_bound(bound: float | None) -> float | str | None:
    return bound if bound is None or math.isfinite(bound) else str(bound)
