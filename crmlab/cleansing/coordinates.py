"""Coordinates of places: those that cannot be right, told from the other places of the province.

Lists of coordinates are often looked up by name alone, and then all places of one name lie where one
of them does.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.cleansing.places import read_places
from crmlab.cleansing.reference import Source

#: Why coordinates cannot be right.
OUT_OF_RANGE = "no place on earth"
SHARED = "the same as those of a place in another province"
FAR_OFF = "far from its province, amid another"

_EARTH_RADIUS = 6371.0
_FAR, _TIMES = 100.0, 10


def check_coordinates(places: Source) -> pd.DataFrame:
    """Find coordinates in a list of places that cannot be right.

    Of places in several provinces with the very same coordinates, only that nearest to the middle
    (the median) of its province can have them. And no place is farther than 100 km from all others
    of its province while one of another province is ten times nearer.

    Parameters
    ----------
    places
        As `crmlab.cleansing.read_places` takes it.

    Returns
    -------
    DataFrame
        Indexed like the list as it is read: `valid` (missing coordinates are not, and have no
        reason) and `reason`. Places without a province are held to the range of degrees only.

    Raises
    ------
    ParameterError, SourceError, TableError
        As `crmlab.cleansing.read_places` raises them.

    Examples
    --------
    >>> places = pd.DataFrame({"name": ["Halle", "Halle", "Leipzig", "Bielefeld"],
    ...     "province": ["Sachsen-Anhalt", "NRW", "Sachsen", "NRW"],
    ...     "latitude": [51.48, 51.48, 51.34, 52.02], "longitude": [11.97, 11.97, 12.37, 8.53]})
    >>> check_coordinates(places)["reason"].fillna("").tolist()
    ['', 'the same as those of a place in another province', '', '']
    """
    places = read_places(places)
    known = places["latitude"].notna() & places["longitude"].notna()
    outside = known & ~(places["latitude"].between(-90, 90) & places["longitude"].between(-180, 180))
    reason = pd.Series(pd.NA, index=places.index, dtype="str").mask(outside, OUT_OF_RANGE)
    sure = places[known & ~outside & places["province"].notna()]
    shared = _shared(sure)
    reason[shared.index[shared]] = SHARED
    sure = sure[~shared]
    reason[sure.index[_far_off(sure)]] = FAR_OFF
    return pd.DataFrame({"valid": known & reason.isna(), "reason": reason})


def _on_sphere(places: pd.DataFrame) -> np.ndarray:
    """Places as points in space, in km, so that near in space is near on the ground."""
    latitude, longitude = np.radians(places["latitude"]), np.radians(places["longitude"])
    return _EARTH_RADIUS * np.column_stack([
        np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)
    ])  # fmt: skip


def _shared(places: pd.DataFrame) -> pd.Series:
    at = [places["latitude"], places["longitude"]]
    several = places.groupby(at)["province"].transform("nunique") > 1
    points = pd.DataFrame(_on_sphere(places), index=places.index)
    off = np.sqrt(((points - points.groupby(places["province"]).transform("median")) ** 2).sum(axis=1))
    return several & (off > off.groupby(at).transform("min"))


def _far_off(places: pd.DataFrame) -> np.ndarray:
    from scipy.spatial import cKDTree

    points = _on_sphere(places)
    own, other = np.full(len(places), np.nan), np.full(len(places), np.nan)
    provinces = pd.factorize(places["province"])[0]
    for province in np.unique(provinces):
        inside = provinces == province
        if 1 < inside.sum() < len(places):
            # Of its own province the nearest is the place itself.
            own[inside] = cKDTree(points[inside]).query(points[inside], k=2)[0][:, 1]
            other[inside] = cKDTree(points[~inside]).query(points[inside])[0]
    return (own > _FAR) & (own > _TIMES * other)
