"""Groups drawn at random, in exact proportions within strata, the same whatever the order of the rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError

#: Numbers with more different values than these are cut into quarters before they are strata.
_VALUES = 12


def randomise(
    units: pd.Index, shares: Mapping[str, float], seed: int | str, strata: pd.Series | None = None
) -> pd.Series:
    """Put units into groups at random.

    Within a stratum units stand in the order of a checksum of seed and unit, and the groups take their
    parts of this order. The whole units that a stratum leaves over go to the groups that are most behind
    in all strata so far, so that neither a stratum nor the whole is far from the shares.

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
    R. Tijdeman (1980), The chairman assignment problem, Discrete Mathematics 32, 323-330, on giving out
    whole units one after the other so that nobody falls behind.

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
    # Strata take turns in an order of their own chance: by name, what is left over would follow a pattern.
    turn = {name: _checksum(f"{seed} stratum", name) for name in frame["stratum"].unique()}
    frame["turn"] = frame["stratum"].map(turn)
    frame = frame.sort_values(["turn", "stratum", "place", "unit"])
    sizes = frame.groupby(["turn", "stratum"]).size().to_numpy()
    group = np.repeat(np.tile(np.arange(len(part)), len(sizes)), _allocated(sizes, part).ravel())
    return pd.Series(names[group], index=frame.index, dtype="str").sort_index().set_axis(units)


def _allocated(sizes: Iterable[int], shares: np.ndarray) -> np.ndarray:
    """Whole numbers of each stratum's units in each group."""
    found, behind = [], np.zeros(len(shares))
    for size in sizes:
        exact = size * shares
        # What is whole but for the rounding of floats is whole.
        whole = np.floor(exact + 1e-9)
        rest = np.maximum(exact - whole, 0)
        left = int(size - whole.sum())
        wanted = np.where(rest > 1e-9, behind + rest, -np.inf)
        taken = np.zeros(len(shares))
        taken[np.argsort(-wanted, kind="stable")[:left]] = 1
        behind += rest - taken
        found.append(whole + taken)
    return np.array(found, dtype="int64").reshape(-1, len(shares))


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
