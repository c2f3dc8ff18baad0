"""Places inside addresses in free text, and whether they contradict the columns beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.cleansing.places import known_names, locate, place_key, read_places
from crmlab.cleansing.reference import Source
from crmlab.cleansing.text import arrow, normalize_text
from crmlab.errors import ParameterError

#: What `check_address` says.
NO_CITY = "no city of the list"
SEVERAL_CITIES = "several cities"
OTHER_CITY = "another city than the column says"
OTHER_PROVINCE = "another province than the column says"

#: A dash parts Persian words; names such as Baden-Baden have one inside.
_DASH = r"(\p{Arabic})\s*[-–—]|[-–—]\s*(\p{Arabic})"
_BETWEEN_PARTS = r"[,،;؛|/\n()]+|\s[-–—]+\s"
_BETWEEN_WORDS = r"[\s.:]+"
#: What comes after these is the name of a street or a house, not of a city.
_STREET_BEFORE = (
    "خیابان خ کوچه ک بن‌بست میدان م فلکه بلوار بزرگراه آزادراه اتوبان جاده پل چهارراه سه‌راه تقاطع نبش "
    "کوی محله شهید شهیدان دکتر برج مجتمع ساختمان آپارتمان پاساژ بازار بانک هتل مسجد بیمارستان دانشگاه "
    "مدرسه میدون جنب روبروی مقابل rue avenue boulevard place calle via plaza hotel bank"
)
#: And what comes before these.
_STREET_AFTER = (
    "street st road rd avenue ave lane ln drive dr boulevard blvd square sq court ct place pl way close "
    "house hotel straße strasse str allee platz weg gasse ring damm ufer tor"
)
#: What comes after these is the name of a city, or of a province.
_CITY_BEFORE, _PROVINCE_BEFORE = "شهر شهرستان", "استان"

#: Words for streets and houses, each before its other spellings.
_ONE_WORD = (
    "خیابان خ", "کوچه ک", "میدان م", "بلوار بولوار", "st street", "rd road", "ave avenue",
    "ln lane", "dr drive", "blvd boulevard", "sq square", "apt apartment flat", "str straße strasse",
)  # fmt: skip
#: Words before a house number that say nothing.
_NUMBER_WORDS = "پلاک پ شماره ش no nr number"


def address_key(address: pd.Series) -> pd.Series:
    """One spelling of each address, for comparing.

    Punctuation, spaces, case and letter variants do not count, nor do usual abbreviations of words
    for a street, and the word before a house number. Numbers do, in their order.

    Parameters
    ----------
    address : Series of str
        Missing values stay missing.

    Returns
    -------
    Series of str
        Indexed like `address`: the letters as `normalize_text` writes them for searching, then the
        numbers.

    Examples
    --------
    >>> keys = address_key(pd.Series(["خیابان ولی‌عصر، کوچه ۳، پلاک ۱۲", "خ. ولیعصر ک3 پ 12"]))
    >>> keys[0] == keys[1], address_key(pd.Series(["12 Main Street, Apt 3", "12 Main St. Apt. 3"])).nunique()
    (True, 1)
    """
    address = pd.Series(address)
    text = normalize_text(address).reset_index(drop=True)
    apart = pc.replace_substring_regex(arrow(text), r"(\d+)", r" \1 ")
    words = _words(pd.Series(apart, dtype="str"))
    one = {key: first for first, *others in map(_keys, _ONE_WORD) for key in others}
    key = words["key"].replace(one)
    # German writes it at the end of the name.
    key = key.str.replace(r"stras+e$", "str", regex=True)
    number = key.str.fullmatch(r"\d+").astype(bool)
    key = key.where(~key.isin(_keys(_NUMBER_WORDS)), "")
    ends = np.bincount(words["address"], minlength=len(text)).cumsum()
    joined = (
        pc.binary_join(pa.ListArray.from_arrays(np.append(0, ends), arrow(part).cast("str")), "")
        for part in (key.mask(number, ""), (" " + key).where(number, ""))
    )
    spelling = pd.Series(pc.binary_join_element_wise(*joined, ""), dtype="str")
    return spelling.where(text.notna()).set_axis(address.index).rename(address.name)


def check_address(
    address: pd.Series, places: Source, city: pd.Series | None = None, province: pd.Series | None = None
) -> pd.DataFrame:
    """Find the city that an address in free text names, and hold it against the columns beside it.

    A name counts where a part of the address (between commas) begins or ends with it, numbers left
    out, or where it follows a word such as "شهر". Names beside a word for a street or a house are
    not taken for cities. A name that is a city's and a province's ("اصفهان، کاشان") is taken for
    the province where another city named lies in it.

    Parameters
    ----------
    address : Series of str
        Missing and empty addresses name no city and have no reason.
    places
        As `crmlab.cleansing.read_places` takes it.
    city, province : Series of str, optional
        The columns beside the address, indexed alike.

    Returns
    -------
    DataFrame
        Indexed like `address`: `city` and `province`, the official names as far as they are clear;
        `contradicts`, True if the address names cities or provinces of the list, but not that of
        the column (a column that is not in the list is not held against it); `reason`.

    Raises
    ------
    ParameterError, SourceError, TableError
        As `crmlab.cleansing.read_places` raises them; or if the columns are not indexed alike.

    Examples
    --------
    >>> places = pd.DataFrame({"name": ["Berlin", "Potsdam"], "province": ["Berlin", "Brandenburg"]})
    >>> address = pd.Series(["Berliner Str. 3, 14467 Potsdam", "Berlin Avenue 5", None])
    >>> check_address(address, places, city=pd.Series(["Berlin"] * 3))[["city", "contradicts"]]
          city  contradicts
    0  Potsdam         True
    1      NaN        False
    2      NaN        False
    """
    address = pd.Series(address)
    for column in (city, province):
        if column is not None and not address.index.equals(column.index):
            raise ParameterError("address, city and province are to be indexed alike.")
    places = read_places(places)
    names = known_names(places)
    text = normalize_text(address).reset_index(drop=True)
    hits = _hits(text, names)
    meant = _meant(hits, names)
    several = _count(meant, "name_key", text.index) > 1
    # A province may be named without a city.
    spelling = names.drop_duplicates("province_key").set_index("province_key")["province"]
    alone = hits[hits["province"] & ~hits["address"].isin(meant["address"])]
    provinces = pd.concat([meant, alone.assign(province=alone["key"].map(spelling))])
    found_city, found_province = (
        found.drop_duplicates("address").set_index("address").reindex(text.index)
        for found in (meant, provinces)
    )
    several_provinces = _count(provinces, "province", text.index) > 1
    reason = pd.Series(pd.NA, index=text.index, dtype="str").mask(text.fillna("") != "", NO_CITY)
    reason = reason.mask(found_city["name"].notna(), pd.NA).mask(several, SEVERAL_CITIES)
    stated = locate(_column(city, text), places)
    # The city tells its province where the column beside it does not.
    stated_province = place_key(_column(province, text).fillna(stated["province"]))
    stated_province = stated_province.where(stated_province.isin(names["province_key"]))
    named_provinces = pd.concat([hits[hits["province"]].assign(province_key=hits["key"]), meant])
    named_cities = hits[hits["city"]].merge(names[["key", "name_key"]], on="key")
    reason = reason.mask(_other(named_provinces, "province_key", stated_province), OTHER_PROVINCE)
    reason = reason.mask(
        _other(named_cities, "name_key", normalize_text(stated["value"], "search")), OTHER_CITY
    )
    return pd.DataFrame({
        "city": found_city["name"].mask(several),
        "province": found_province["province"].mask(several_provinces),
        "contradicts": reason.isin([OTHER_CITY, OTHER_PROVINCE]),
        "reason": reason,
    }).set_axis(address.index)  # fmt: skip


def _column(values: pd.Series | None, text: pd.Series) -> pd.Series:
    return pd.Series(pd.NA, text.index, dtype="str") if values is None else values.set_axis(text.index)


def _count(named: pd.DataFrame, column: str, index: pd.Index) -> pd.Series:
    return named.groupby("address")[column].nunique(dropna=False).reindex(index, fill_value=0)


def _other(named: pd.DataFrame, column: str, stated: pd.Series) -> pd.Series:
    """True for addresses that name something in this column, but not what is stated."""
    named = named.dropna(subset=column)
    same = named[column].to_numpy() == stated.reindex(named["address"]).to_numpy()
    names_any = stated.index.isin(named["address"])
    names_same = stated.index.isin(named["address"][same])
    return stated.notna() & names_any & ~names_same


def _words(text: pd.Series) -> pd.DataFrame:
    """The words of all addresses, in order: `address`, `part` of it, and `key`, the word as compared."""
    there = text.dropna()
    parts = pc.split_pattern_regex(pc.replace_substring_regex(arrow(there), _DASH, r"\1,\2"), _BETWEEN_PARTS)
    words = pc.split_pattern_regex(pc.list_flatten(parts), _BETWEEN_WORDS)
    part = pc.list_parent_indices(words).to_numpy()
    frame = pd.DataFrame({
        "address": there.index.to_numpy()[pc.list_parent_indices(parts).to_numpy()[part]],
        "part": part,
        "key": normalize_text(pd.Series(pc.list_flatten(words), dtype="str"), "search"),
    })  # fmt: skip
    return frame[frame["key"] != ""].reset_index(drop=True)


def _hits(text: pd.Series, names: pd.DataFrame) -> pd.DataFrame:
    """Names of the list in each address: `key`, whether it is a `city`'s or a `province`'s, and `rank`.

    A name after a word such as "شهر" has rank 2, one that is a whole part 1, another 0.
    """
    words = _words(text)
    provinces = pd.Index(names["province_key"].dropna().unique())
    part, key = words["part"].to_numpy(), arrow(words["key"])
    number = words["key"].str.contains(r"\d").astype(bool)
    order = (~number).groupby(part).cumsum()
    opens = (~number & (order == 1)).to_numpy()
    closes = (~number & (order == order.groupby(part).transform("max"))).to_numpy()
    after_street, after_city, after_province = (
        _beside(words, words["key"].isin(_keys(listed)), 1)
        for listed in (_STREET_BEFORE, _CITY_BEFORE, _PROVINCE_BEFORE)
    )
    # A short number after a name is that of a street, or of the house.
    before_street = _beside(
        words, words["key"].isin(_keys(_STREET_AFTER)) | words["key"].str.fullmatch(r"\d{1,3}"), -1
    )
    found = []
    for length in range(1, int(names["name"].str.count(r"[ \u200c]").max()) + 3):
        start = np.arange(len(words) - length + 1)
        end = start + length - 1
        edge = (opens[start] | closes[end]) & ~after_street[start] & ~before_street[end]
        start = start[(part[start] == part[end]) & (edge | after_city[start] | after_province[start])]
        end = start + length - 1
        joined = [key.take(pa.array(start + n)) for n in range(length)]
        joined = pd.Series(pc.binary_join_element_wise(*joined, pa.scalar("", key.type)), dtype="str")
        found.append(pd.DataFrame({
            "address": words["address"].to_numpy()[start], "start": start, "end": end, "key": joined,
            "city": joined.isin(names["key"]).to_numpy() & ~after_province[start],
            "province": joined.isin(provinces).to_numpy() & ~after_city[start],
            "rank": np.where(after_city[start], 2, opens[start] & closes[end]),
        }))  # fmt: skip
    # The longest name wins: "شهر کرد" is not "کرد".
    hits = pd.concat(found[::-1], ignore_index=True)
    hits = hits[hits["city"] | hits["province"]]
    hits = hits.drop_duplicates("start").drop_duplicates("end")
    return hits.sort_values(["address", "start"], ignore_index=True)


def _keys(listed: str) -> pd.Series:
    return normalize_text(pd.Series(listed.split()), "search")


def _beside(words: pd.DataFrame, which: pd.Series, steps: int) -> np.ndarray:
    """True for words so many steps from one that is True, in the same part."""
    same = words["part"] == words["part"].shift(steps)
    return (which.shift(steps, fill_value=False) & same).to_numpy(dtype=bool)


def _meant(hits: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """The places that each address can mean, of the surest name in it."""
    cities = hits[hits["city"]].sort_values("rank", ascending=False, kind="stable")
    cities = cities.drop_duplicates(["address", "key"])
    meant = cities[["address", "key", "rank"]].merge(
        names[["key", "name", "name_key", "province", "province_key"]].drop_duplicates(), on="key"
    )
    named = pd.MultiIndex.from_frame(hits.loc[hits["province"], ["address", "key"]])
    meant["inside"] = pd.MultiIndex.from_frame(meant[["address", "province_key"]]).isin(named)
    # A province's name, where another city of that province is named, is not the city called so.
    holds = meant[meant["inside"] & (meant["key"] != meant["province_key"])]
    holds = pd.MultiIndex.from_frame(holds[["address", "province_key"]])
    province_only = pd.MultiIndex.from_frame(meant[["address", "key"]]).isin(holds) & (meant["rank"] < 2)
    meant = meant[~province_only]
    # A province that is named decides between cities of one name.
    decided = meant.groupby(["address", "key"])["inside"].transform("any")
    meant = meant[meant["inside"] | ~decided]
    return meant[meant["rank"] == meant.groupby("address")["rank"].transform("max")]
