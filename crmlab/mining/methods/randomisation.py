"""Groups drawn at random, in exact proportions within strata, the same whatever the order of the rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from random import Random

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError

#: Numbers with more different values than these are cut into quarters before they are strata.
_VALUES = 12
#: A number that is nearer than this to a whole one is one.
_WHOLE = 1e-9


def randomise(
    units: pd.Index, shares: Mapping[str, float], seed: int | str, strata: pd.Series | None = None
) -> pd.Series:
    """Put units into groups at random.

    Within a stratum units stand in the order of a checksum of seed and unit, and the groups take their
    parts of this order. Where a part is not whole it is rounded up or down by chance, so that each unit
    comes into each group with the probability of its share, and no group is a whole unit away from it,
    neither in a stratum nor over all.

    Parameters
    ----------
    units
        Unique labels, such as customer numbers.
    shares
        Share of each group by its name; together 1.
    seed
        Begins the random choice. To draw for another purpose with the same numbers, make it another one.
    strata : Series
        Stratum of each unit, indexed by them; all are in one if not given.

    Returns
    -------
    Series of str
        Name of the group, indexed like `units`. In a stratum of n units a group with the share s has n s
        of them, rounded up or down.

    Raises
    ------
    ParameterError
        If a unit is there twice, or the shares are none.

    References
    ----------
    L. H. Cox (1987), A constructive procedure for unbiased controlled rounding, Journal of the American
    Statistical Association 82, 520-524.

    Examples
    --------
    >>> randomise(pd.Index(["a", "b", "c", "d"]), {"offer": 0.5, "control": 0.5}, seed=1).tolist()
    ['offer', 'control', 'control', 'offer']
    """
    part = np.array(list(shares.values()), dtype=float)
    if not len(part) or not (part > 0).all() or abs(part.sum() - 1) > 1e-6:
        raise ParameterError("The shares of groups are above 0 and add up to 1.")
    if not units.is_unique:
        raise ParameterError("Every unit is drawn once; some are there more than once.")
    names = np.array(list(shares), dtype=object)
    frame = pd.DataFrame({"unit": units, "place": [_checksum(seed, unit) for unit in units]})
    frame["stratum"] = "" if strata is None else strata.reindex(units).astype("str").fillna("").to_numpy()
    frame = frame.sort_values(["stratum", "place", "unit"])
    sizes = frame.groupby("stratum").size().to_numpy()
    counts = _rounded(np.outer(sizes, part), Random(_checksum(seed, "rounding")))
    group = np.repeat(np.tile(np.arange(len(part)), len(sizes)), counts.ravel())
    return pd.Series(names[group], index=frame.index, dtype="str").sort_index().set_axis(units)


def _rounded(exact: np.ndarray, random: Random) -> np.ndarray:
    """A table rounded up and down by chance, without bias, rows and columns kept in total.

    The sums of rows are whole. Fractions are shifted around closed ways through the table, up in every
    other cell and down in between, until one of them is whole.
    """
    whole = np.floor(exact + _WHOLE)  # what is whole but for the rounding of floats
    rest = exact - whole
    # A row more makes the sums of columns whole.
    sums = rest.sum(axis=0)
    rest = np.vstack([rest, np.ceil(sums - _WHOLE) - sums])
    open_rows: list[int] = []
    for row in range(len(rest)):
        open_rows.append(row)
        # Among more open rows than columns there is a way: few are open at a time.
        while way := _closed_way(rest, open_rows):
            ups, downs = (tuple(np.array(cells).T) for cells in (way[::2], way[1::2]))
            more = min((1 - rest[ups]).min(), rest[downs].min())
            less = min(rest[ups].min(), (1 - rest[downs]).min())
            by = more if random.random() * (more + less) < less else -less
            rest[ups] += by
            rest[downs] -= by
            open_rows = [number for number in open_rows if _fractions(rest[number]).any()]
    return (whole + np.rint(rest[:-1])).astype("int64")


def _fractions(values: np.ndarray) -> np.ndarray:
    return (values > _WHOLE) & (values < 1 - _WHOLE)


def _closed_way(rest: np.ndarray, rows: list[int]) -> list[tuple[int, int]]:
    """Cells of fractions, each in the row or in turn the column of the one before; empty if none is left."""
    fractions = _fractions(rest[rows])
    # A way leads through two cells of every row and column that it touches.
    while (alone := fractions & (fractions.sum(axis=0) == 1)).any() or (
        alone := fractions & (fractions.sum(axis=1, keepdims=True) == 1)
    ).any():
        fractions &= ~alone
    if not fractions.any():
        return []
    row, column = (int(first) for first in np.argwhere(fractions)[0])
    way = [(row, column)]
    while True:
        # Along the row, then along the column, until the way meets itself.
        column = next(int(other) for other in np.flatnonzero(fractions[row]) if other != column)
        way.append((row, column))
        if start := [place for place, cell in enumerate(way[:-1:2]) if cell[1] == column]:
            way = way[2 * start[0] :]
            break
        row = next(int(other) for other in np.flatnonzero(fractions[:, column]) if other != row)
        way.append((row, column))
        if start := [place for place, cell in enumerate(way[1:-1:2]) if cell[0] == row]:
            way = way[2 * start[0] + 1 :]
            break
    return [(rows[row], column) for row, column in way]


def strata_of(frame: pd.DataFrame, columns: Iterable[str]) -> pd.Series:
    """The stratum of each row: its values in some columns, in words.

    Numbers and days of more than a dozen values are cut at their quartiles; missing values are a stratum.

    Examples
    --------
    >>> strata_of(pd.DataFrame({"city": ["Bath", None], "tickets": [0, 2]}), ["city", "tickets"]).tolist()
    ['city Bath, tickets 0', 'city missing, tickets 2']
    """
    said = pd.Series("", index=frame.index, dtype="str")
    for name in columns:
        values = frame[name]
        number = pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values)
        if number and not pd.api.types.is_bool_dtype(values) and values.nunique() > _VALUES:
            known = values.dropna().sort_values().to_numpy()
            cuts = known[[len(known) // 4, len(known) // 2, 3 * len(known) // 4]]
            quarter = pd.Series(np.searchsorted(cuts, values.fillna(known[0]).to_numpy(), side="right") + 1)
            values = quarter.set_axis(values.index).astype("str").radd("quarter ").where(values.notna())
        said += (", " if said.str.len().any() else "") + f"{name} " + values.astype("str").fillna("missing")
    return said


def _checksum(seed: int | str, unit: object) -> int:
    key = hashlib.blake2b(str(seed).encode(), digest_size=16).digest()
    return int.from_bytes(hashlib.blake2b(str(unit).encode(), digest_size=8, key=key).digest())
