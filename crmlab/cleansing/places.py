"""Places: towns and cities compared with an official list, which the user names.

A name that is not in the list is never replaced: the nearest one is suggested.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from crmlab.cleansing.reference import Source, read_reference, read_table, refuse
from crmlab.cleansing.text import normalize_text, unify
from crmlab.contract import Column, Table
from crmlab.errors import ParameterError, SourceError

#: The form of a list of places.
PLACES = Table("The list of places", "one row per place", (), (
    Column("name", "text", "official name", required=True,
           headings=("city", "place", "town", "شهر", "نام", "نام شهر")),
    Column("province", "text", "province or state", headings=("state", "region", "استان")),
    Column("county", "text", "county or district", headings=("district", "شهرستان")),
    Column("code", "id", "official code", headings=("amar_code", "postcode", "کد")),
    Column("other_names", "text", "further names, with | between them", headings=("also",)),
    Column("latitude", "number", "degrees north", headings=("lat",)),
    Column("longitude", "number", "degrees east", headings=("lon", "lng", "long")),
))  # fmt: skip

#: What `check_place` says of a name.
NOT_LISTED = "not in the list"
ELSEWHERE = "not in this province"
NO_PROVINCE = "the province is not in the list"
SEVERAL = "several places of this name"

#: Words before a name that are no part of it, unless the list has them.
_KIND_OF_PLACE = r"(?i)^(?:شهرستان|شهر|استان|(?:city|town|state|province) of|stadt|ville de)[ \u200c]+"
#: What the list says of a place besides its name.
_FACTS = ["province", "county", "code", "latitude", "longitude"]
#: A name is suggested if no more than one sign in three differs, or one sign altogether.
_NEAR = 2 / 3
#: So many times likelier is it to drop a certain letter than to put a certain other one for it.
_LETTERS = 30
_CELLS = 4_000_000


def read_places(source: Source) -> pd.DataFrame:
    """Read a list of places.

    Parameters
    ----------
    source
        A frame or a file (CSV, Parquet, JSON) with one row per place: `name` (required),
        `province`, `county`, `code`, `other_names` (with ``|`` between them), `latitude`,
        `longitude` (degrees). Or a folder with the tables of Iran's divisions as the Statistical
        Centre publishes them: ``shahr.csv``, ``ostan.csv`` and, if they are there,
        ``shahrestan.csv`` and ``city_coordinates.csv``; zones of large cities (``shahr_type`` 2),
        which are no places of their own, are left out.

    Returns
    -------
    DataFrame
        These columns; what the source lacks is missing.

    Raises
    ------
    ParameterError
        If there is no list, it is empty or has no column of names.
    SourceError, TableError
        If it cannot be read, or a name has no Persian or Latin letters, without which none can be
        compared.

    Examples
    --------
    >>> places = read_places(pd.DataFrame({"City": ["Bonn"], "State": ["NRW"], "lat": ["50.7"]}))
    >>> places[["name", "province", "latitude"]].to_numpy().tolist()
    [['Bonn', 'NRW', 50.7]]
    """
    if isinstance(source, str | Path) and (Path(source).is_dir() or Path(source).name == "shahr.csv"):
        path = Path(source)
        source = _divisions(path if path.is_dir() else path.parent)
    places = read_reference(source, PLACES)
    refuse(normalize_text(places["name"], "search") == "", PLACES, "name", "no Persian or Latin letters")
    return places


def check_place(city: pd.Series, places: Source, province: pd.Series | None = None) -> pd.DataFrame:
    """Compare towns and cities with an official list.

    Case, spaces, half-spaces, letter variants and words such as "city of" or "شهر" do not count.
    Names that several provinces have are decided by the province, where it is given.

    Parameters
    ----------
    city : Series of str
        Missing and empty values are not valid and have no reason.
    places
        As `read_places` takes it.
    province : Series of str, optional
        Province of each, indexed alike; where missing, the name alone decides.

    Returns
    -------
    DataFrame
        Indexed like `city`: `valid`; `value`, the official name; `province`, `county` and `code`
        as far as they are the same for all places meant; `reason`, what is wrong or, where valid,
        that several places are meant; and for what is not valid `suggestion`, the nearest name, and
        `score`, 1 - d / length of the longer of the two, where d is the least number of letters
        inserted, dropped, replaced or swapped with the next (optimal string alignment). A name is
        suggested if at most one letter, or one in three, differs: that with the least d; of
        several, the likeliest by how often the column itself has it, a letter dropped counting 30
        times as likely as a certain letter in place of another or put in. A near name of the given
        province comes before all others; where there is none, a name of the list that is not in
        that province is suggested itself.

    Raises
    ------
    ParameterError, SourceError, TableError
        As `read_places` raises them; or if the two columns are not indexed alike.

    Examples
    --------
    >>> places = pd.DataFrame({"name": ["Neustadt", "Neustadt", "Köln"],
    ...     "province": ["Hessen", "Sachsen", "NRW"]})
    >>> found = check_place(pd.Series(["KOELN", "köln ", "Neustadt"]), places)
    >>> found[["value", "province", "suggestion"]].fillna("").to_numpy().tolist()
    [['', '', 'Köln'], ['Köln', 'NRW', ''], ['Neustadt', '', '']]
    >>> found["reason"].fillna("").tolist()
    ['not in the list', '', 'several places of this name']
    """
    return locate(city, read_places(places), province).drop(columns=["latitude", "longitude"])


def locate(city: pd.Series, places: pd.DataFrame, province: pd.Series | None = None) -> pd.DataFrame:
    """What `check_place` returns, and the coordinates, for a list that is read already."""
    city = pd.Series(city)
    if province is None:
        province = pd.Series(pd.NA, index=city.index, dtype="str")
    elif not city.index.equals(pd.Series(province).index):
        raise ParameterError("city and province are to be indexed alike.")
    by_city, cities = pd.factorize(city.astype("str"))
    by_province, provinces = pd.factorize(pd.Series(province).astype("str"))
    width = len(provinces) + 1
    of, pairs = pd.factorize(by_city * width + by_province + 1)
    asked = pd.DataFrame({
        "city": normalize_text(pd.Series(cities, dtype="str")).reindex(pairs // width).array,
        "province": normalize_text(pd.Series(provinces, dtype="str")).reindex(pairs % width - 1).array,
        "times": np.bincount(of, minlength=len(pairs)),
    })  # fmt: skip
    return _judge(asked, _known(places)).take(of).set_axis(city.index)


def locate_one(
    city: str | None, places: pd.DataFrame, province: str | None = None
) -> tuple[str | None, str | None]:
    """The `reason` and the `suggestion` that `locate` has for a column of one city, many times as fast."""
    if not (city := unify(city or "")):
        return None, None
    known = _known(places)
    key, province_key = _key(city, known.by_name.index), _key(unify(province or ""))
    named = bool(province_key and known.provinces)
    table, asked = (known.by_pair, (key, province_key)) if named else (known.by_name, key)
    if asked in table.index:
        return SEVERAL if table["several"].array[table.index.get_loc(asked)] else None, None
    if key not in known.by_name.index:
        reason = NOT_LISTED
    else:
        reason = ELSEWHERE if province_key in known.provinces else NO_PROVINCE
    if not key:
        return reason, None
    nearest, _ = _nearest([key], [province_key], known.choices, np.zeros(len(known.choices.key)))
    return reason, nearest[0]


def known_names(places: pd.DataFrame) -> pd.DataFrame:
    """Every name of every place as it is compared, `key`, beside the place's own columns.

    `name_key` and `province_key` are its official name and its province as they are compared.
    """
    own = places.assign(key=normalize_text(places["name"], "search"))
    own = own.assign(name_key=own["key"], province_key=place_key(own["province"]))
    further = own.assign(also=own["other_names"].str.split("|", regex=False)).explode("also")
    further["key"] = normalize_text(further.pop("also"), "search")
    # A place's own name comes before what others are called besides.
    further = further[~further["key"].isin(["", *own["key"]])].dropna(subset="key")
    return pd.concat([own, further], ignore_index=True)


def place_key(names: pd.Series, known: Collection[str] = ()) -> pd.Series:
    """Names as they are compared, without words before them unless the name is known with these."""
    whole = normalize_text(names, "search")
    bare = normalize_text(names.str.replace(_KIND_OF_PLACE, "", regex=True), "search")
    return whole.where(_among(whole, known), bare)


def _key(name: str, known: Collection[str] = ()) -> str:
    """`place_key` of one name."""
    whole = unify(name, "search")
    return whole if whole in known else unify(re.sub(_KIND_OF_PLACE, "", name), "search")


def _among(names: pd.Series, known: Collection[str]) -> np.ndarray:
    # pandas' own would make a set of all that is known for each name asked.
    return np.fromiter((name in known for name in names), dtype=bool, count=len(names))


class _Choices(NamedTuple):
    """The names to suggest: as compared, official, number of letters, number of the province or -1."""

    key: np.ndarray
    name: np.ndarray
    length: np.ndarray
    province: np.ndarray
    provinces: pd.Index


class _Known(NamedTuple):
    """A list of places made ready: its names, and what a name alone, or with its province, means."""

    places: pd.DataFrame
    by_name: pd.DataFrame
    by_pair: pd.DataFrame
    choices: _Choices
    provinces: frozenset[str]


#: The list that was made ready last: who asks for one record after the other asks with one list.
_last: list[_Known] = []


def _known(places: pd.DataFrame) -> _Known:
    if not (_last and _last[0].places.equals(places)):
        names = known_names(places)
        one = names.drop_duplicates(["key", "province_key"])
        of, provinces = pd.factorize(one["province_key"])
        key, name = (one[column].to_numpy(dtype=object) for column in ("key", "name"))
        choices = _Choices(key, name, np.fromiter(map(len, key), dtype=np.int64), of, provinces)
        # The copy stays as it is, whatever becomes of the caller's frame.
        _last[:] = [_Known(
            places.copy(), _decided(names, ["key"]), _decided(names, ["key", "province_key"]),
            choices, frozenset(names["province_key"].dropna()),
        )]  # fmt: skip
    return _last[0]


def _judge(asked: pd.DataFrame, known: _Known) -> pd.DataFrame:
    """The verdict on each pair of `city` and `province`; `times` says how often it occurs."""
    by_name, by_pair = known.by_name, known.by_pair
    key, province_key = place_key(asked["city"], by_name.index), place_key(asked["province"])
    # A list without provinces cannot contradict one.
    named = (province_key.fillna("") != "") & bool(known.provinces)
    anywhere = by_name.reindex(key).set_axis(asked.index)
    there = by_pair.reindex(pd.MultiIndex.from_arrays([key, province_key])).set_axis(asked.index)
    found = pd.concat([anywhere[~named], there[named]]).sort_index()
    valid = found["name"].notna()
    reason = pd.Series(pd.NA, index=asked.index, dtype="str").mask(found["several"].eq(True), SEVERAL)
    reason = reason.mask(named & ~valid, ELSEWHERE)
    reason = reason.mask(named & ~_among(province_key, known.provinces), NO_PROVINCE)
    reason = reason.mask(anywhere["name"].isna(), NOT_LISTED).mask(asked["city"].fillna("") == "", pd.NA)
    todo = ~valid & reason.notna() & (key != "")
    often = asked["times"].where(valid).groupby(key).sum().reindex(known.choices.key).fillna(0)
    nearest, score = _nearest(
        key[todo].tolist(), province_key[todo].fillna("").tolist(), known.choices, often.to_numpy()
    )
    result = pd.DataFrame({"valid": valid, "value": found["name"], **found[_FACTS], "reason": reason})
    suggested = pd.DataFrame({"suggestion": pd.array(nearest, dtype="str"), "score": score}, todo.index[todo])
    return result.join(suggested)


def _decided(names: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """What is the same for all places of one name, and whether they are several."""
    names = names.dropna(subset=by)
    differ = names.groupby(by, sort=False)[_FACTS].nunique(dropna=False) > 1
    first = names.drop_duplicates(by).set_index(by)
    # Further rows of one place, one for each of its postcodes, say, make it no other place.
    several = differ["province"] | differ["county"]
    return first[["name"]].join(first[_FACTS].mask(differ)).assign(several=several)


def _nearest(
    keys: list[str], provinces: list[str], choices: _Choices, often: np.ndarray
) -> tuple[list[str | None], np.ndarray]:
    """The nearest name to each key, one of its province if one there is near enough, and its score.

    `often` says how often the column has each of the choices.
    """
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cdist

    # Of names that differ in as many letters, the first is taken, so the likeliest comes first.
    likely = np.argsort(-np.log1p(often) - np.log(_LETTERS) * choices.length, kind="stable")
    length, of_choice, listed = choices.length[likely], choices.province[likely], choices.key[likely].tolist()
    asked_length = np.fromiter(map(len, keys), dtype=np.int64)
    asked_province = choices.provinces.get_indexer(provinces)
    best, scores = np.full(len(keys), -1), np.full(len(keys), np.nan)
    step = max(1, _CELLS // max(1, len(listed)))
    for start in range(0, len(keys) if listed else 0, step):
        part = np.arange(start, min(start + step, len(keys)))
        distance = cdist(keys[start : start + step], listed, scorer=OSA.distance, dtype="int32")
        inside = (of_choice == asked_province[part, None]) & (of_choice >= 0)
        # The whole list first, then the province, which has the last word.
        for possible in (distance, np.where(inside, distance, np.iinfo("int32").max)):
            nearest = possible.argmin(axis=1)
            differing = possible[np.arange(len(part)), nearest]
            longest = np.maximum(length[nearest], asked_length[part])
            near = (differing <= 1) | (differing <= (1 - _NEAR) * longest + 1e-9)
            best[part[near]] = nearest[near]
            scores[part[near]] = (1 - differing / longest)[near]
    name = choices.name[likely]
    return [name[at] if at >= 0 else None for at in best], scores


def _divisions(folder: Path) -> pd.DataFrame:
    """The cities of Iran's divisions, with the names of what they belong to."""
    tables = {}
    for name in ("shahr", "ostan", "shahrestan", "city_coordinates"):
        path = folder / f"{name}.csv"
        if not path.exists() and name in ("shahr", "ostan"):
            raise SourceError(f"The folder {folder} has no {path.name}, so it holds no divisions of Iran.")
        if path.exists():
            tables[name] = read_table(path).set_index("city_id" if name == "city_coordinates" else "id")
    cities = tables["shahr"]
    cities = cities[cities["shahr_type"] != "2"]
    places = cities[["name"]].assign(
        province=cities["ostan"].map(tables["ostan"]["name"]), code=cities["amar_code"]
    )
    if "shahrestan" in tables:
        places["county"] = cities["shahrestan"].map(tables["shahrestan"]["name"])
    # A name in brackets is the city's other one.
    both = places["name"].str.extract(r"^(?P<first>[^(]+)\((?P<second>[^)]+)\)")
    places["other_names"] = (both["first"] + "|" + both["second"]).where(both["first"].notna())
    if "city_coordinates" in tables:
        places = places.join(tables["city_coordinates"][["lat", "lon"]])
    return places
