"""Which pairs of records are worth comparing: those that share one of many keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import duckdb

#: Parts of keys, as SQL over the prepared columns. Month and day may have changed places, and so may
#: the two names.
_PARTS = {
    "born": ("birth_date", "least({0}, {0}[:5] || {0}[9:10] || '-' || {0}[6:7])"),
    "birth year": ("birth_date", "{0}[:4]"),
    "birth month": ("birth_date", "{0}[:7]"),
    "birthday": ("birth_date", "{0}[6:]"),
    "given": ("given_name", "{0}"),
    "given 1": ("given_name", "{0}[:1]"),
    "given 3": ("given_name", "{0}[:3]"),
    "given 4": ("given_name", "{0}[:4]"),
    "family": ("family_name", "{0}"),
    "family 1": ("family_name", "{0}[:1]"),
    "family 3": ("family_name", "{0}[:3]"),
    "family 4": ("family_name", "{0}[:4]"),
    "names": ("given_name family_name", "least({0}, {1}) || ' ' || greatest({0}, {1})"),
    "postcode": ("postcode", "{0}"),
    "district": ("postcode", "{0}[:(length({0}) + 1) // 2]"),
    "place": ("place", "{0}"),
    "address": ("address", "{0}"),
    "text": ("text", "{0}"),
    "phone": ("phone", "{0}"),
    "phone end": ("phone", "{0}[-6:]"),
}
_KEYS = (
    "born|given 1", "born|family 1", "born|district", "names", "family|birth year", "given|birth month",
    "postcode|given 1", "postcode|family 1", "postcode|birth year", "family|district", "given|district",
    "family|place", "family|text", "family|address", "given|address", "given 3|family 3|birth year",
    "family 3|birthday", "given 3|birthday|place", "given 4|family 4", "given|place|text", "family|phone end",
)  # fmt: skip
#: Fields whose value alone is a key.
_OWN_KEYS = ("identity_number", "phone", "email")
#: Keys beyond so many count as the last one.
_LAST_RULE = 63
#: By how many bits a pair's numbers are moved to make room for its key: 67 million records have room.
_PAIR, _KEY = np.uint64(32), np.uint64(6)
#: Makes one hash of the hashes of parts.
_ODD = np.uint64(0x9E3779B97F4A7C15)


class Key(NamedTuple):
    """One blocking key: its name, the fields it is made of, and the SQL of its parts."""

    name: str
    fields: frozenset[str]
    parts: tuple[str, ...]


class Index(NamedTuple):
    """Of one key the values that records have, in order, and whose each is; values are hashes."""

    values: np.ndarray
    records: np.ndarray


def keys_for(fields: Iterable[str]) -> list[Key]:
    """The keys that can be made of the fields that are there.

    Examples
    --------
    >>> [key.name for key in keys_for(["family_name", "email", "birth_date"])]
    ['email', 'born|family 1', 'family|birth year', 'family 3|birthday']
    """
    there = list(fields)
    found = [
        Key(name, frozenset([name]), (f'"{name}"',))
        for own in _OWN_KEYS for name in there if name == own or name.startswith(f"{own}_")
    ]  # fmt: skip
    for name in _KEYS:
        parts = [_PARTS[part] for part in name.split("|")]
        needed = [field for fields_, _ in parts for field in fields_.split()]
        if all(field in there for field in needed):
            texts = [sql.format(*(f'"{field}"' for field in fields_.split())) for fields_, sql in parts]
            found.append(Key(name, frozenset(needed), tuple(texts)))
    # Where little is known, what is there has to do alone.
    alone = {field for field in ("family_name", "given_name", "place", "address", "text", "postcode")
             if field in there and not any(field in key.fields for key in found)}  # fmt: skip
    return found + [Key(name, frozenset([name]), (f'"{name}"',)) for name in sorted(alone)]


def index_keys(con: duckdb.DuckDBPyConnection, keys: list[Key], records: str) -> list[Index]:
    """The values that the records of a table (`id` and the fields) have of each key."""
    parts = dict.fromkeys(part for key in keys for part in key.parts)
    sql = ", ".join(f"if(({part}) is null, 0, hash({part})) as p{n}" for n, part in enumerate(parts))
    found = con.execute(f"select id, {sql} from {records}").fetchnumpy()
    hashes = {part: np.asarray(found.pop(f"p{n}"), dtype="uint64") for n, part in enumerate(parts)}
    indexes = []
    for key in keys:
        first, *others = key.parts
        values, there = hashes[first].copy(), hashes[first] != 0
        for part in others:
            values = values * _ODD + hashes[part]
            there &= hashes[part] != 0
        values, records_ = values[there], found["id"][there]
        order = np.argsort(values)
        indexes.append(Index(values[order], records_[order]))
    return indexes


def joined(old: list[Index], new: list[Index]) -> list[Index]:
    """One index of the records of two."""
    both = []
    for one, other in zip(old, new, strict=True):
        place = np.searchsorted(one.values, other.values)
        values = np.insert(one.values, place, other.values)
        both.append(Index(values, np.insert(one.records, place, other.records)))
    return both


def pairs_within(indexes: list[Index], keys: list[Key], most: int) -> tuple[pd.DataFrame, dict[str, int]]:
    """The pairs of records that share a key.

    Parameters
    ----------
    most
        Pairs a key may give. Of a key that gives more, the values that most records share are left
        out: they say least.

    Returns
    -------
    pairs : DataFrame
        `a` < `b`, in order, each once, and in `mask`'s bits which keys they share.
    skipped : dict
        Pairs not compared for that reason, by key.
    """
    found, skipped = [], {}
    for key, index in zip(keys, indexes, strict=True):
        starts, sizes = _runs(index.values)
        size, blocks = np.unique(sizes, return_counts=True)
        pairs = blocks * (size * (size - 1) // 2)
        used = np.cumsum(pairs) <= most
        if not used.all():
            skipped[key.name] = int(pairs[~used].sum())
        kept = sizes <= size[used].max(initial=1)
        found.append(_codes(*_pairs_of_runs(index.records, starts[kept], sizes[kept]), len(found)))
    return _each_once(found), skipped


def pairs_across(old: list[Index], new: list[Index], most: int) -> pd.DataFrame:
    """The pairs that share a key and are of a new record and an old one, or of two new ones.

    Parameters
    ----------
    most
        Values that more of the records share are left out.

    Returns
    -------
    DataFrame
        As `pairs_within` has them.
    """
    found = []
    for one, other in zip(old, new, strict=True):
        starts, sizes = _runs(other.values)
        first = np.searchsorted(one.values, other.values[starts])
        known = np.searchsorted(one.values, other.values[starts], side="right") - first
        kept = known + sizes <= most
        starts, sizes, first, known = starts[kept], sizes[kept], first[kept], known[kept]
        a, b = _pairs_of_runs(other.records, starts, sizes)
        met = np.repeat(other.records[_ranges(starts, sizes)], np.repeat(known, sizes))
        before = one.records[_ranges(np.repeat(first, sizes), np.repeat(known, sizes))]
        found.append(_codes(np.append(a, before), np.append(b, met), len(found)))
    return _each_once(found)


def write_pairs(con: duckdb.DuckDBPyConnection, pairs: pd.DataFrame, target: str = "pairs") -> None:
    """Table `target` with the pairs."""
    con.register("given_pairs", pairs)
    con.execute(f"create or replace table {target} as select * from given_pairs")
    con.unregister("given_pairs")


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each of the ordered values begins, and how often it is there."""
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(values)])
    return starts, np.diff(np.append(starts, len(values)))


def _ranges(starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The whole numbers from each start on, so many of each."""
    ends = np.cumsum(sizes)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - sizes), sizes)


def _pairs_of_runs(
    records: np.ndarray, starts: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Each record of a run with those after it."""
    more = sizes > 1
    place = _ranges(starts[more], sizes[more])
    after = np.repeat(starts[more] + sizes[more], sizes[more]) - place - 1
    return np.repeat(records[place], after), records[_ranges(place + 1, after)]


def _codes(a: np.ndarray, b: np.ndarray, rule: int) -> np.ndarray:
    """Pairs and the key they are from as one number each, so that one sort puts all of them in order."""
    first, second = np.minimum(a, b).astype("uint64"), np.maximum(a, b).astype("uint64")
    return first << _PAIR | second << _KEY | np.uint64(min(rule, _LAST_RULE))


def _each_once(found: list[np.ndarray]) -> pd.DataFrame:
    """The pairs of all keys, in order, and which keys each comes from; `found` is used up."""
    codes = np.concatenate(found)
    found.clear()
    codes.sort()
    starts, _ = _runs(codes >> _KEY)
    mask = np.uint64(1) << (codes & np.uint64(_LAST_RULE))
    mask = np.bitwise_or.reduceat(mask, starts) if len(starts) else mask
    pair = codes[starts]
    second = (pair >> _KEY) & np.uint64((1 << int(_PAIR - _KEY)) - 1)
    return pd.DataFrame({"a": (pair >> _PAIR).astype("int32"), "b": second.astype("int32"), "mask": mask})


#: How many signs at a text's beginning or end, shared by chance by no more of the pairs than this,
#: are worth a closer look.
_SIGNS, _BY_CHANCE = 3, 0.02
#: Pairs looked at together; all of a million records' would take much memory.
_AT_ONCE = 500_000


def telling_ends(con: duckdb.DuckDBPyConnection, fields: Iterable[str]) -> list[tuple[str, str]]:
    """Beginnings and ends of fields, as SQL, that two records seldom share by chance, with their field."""
    ends = [(field, f'{side}("{field}", {_SIGNS})') for field in fields for side in ("left", "right")]
    return [(field, end) for field, end in ends if _shared_by_chance(con, end) <= _BY_CHANCE]


def without_chance_pairs(
    con: duckdb.DuckDBPyConnection, pairs: pd.DataFrame, keys: list[Key], weak: Iterable[str],
    ends: list[tuple[str, str]],
) -> pd.DataFrame:  # fmt: skip
    """The pairs without those that share one weak key and beyond it not even an end of a text.

    Parameters
    ----------
    weak
        Names of keys that so many records share that most pairs share them by chance.
    ends
        As `telling_ends` finds them.
    """
    mask, weak = pairs["mask"].to_numpy(), set(weak)
    bits = {np.uint64(1 << rule): key for rule, key in enumerate(keys) if key.name in weak}
    lone = np.isin(mask, np.array(list(bits), dtype="uint64"))
    if not (ends and lone.any()):
        return pairs
    a, b, kept = pairs["a"].to_numpy(), pairs["b"].to_numpy(), ~lone
    signs = _signs(con, a, b, [sql for _, sql in ends])
    for bit, key in bits.items():
        beyond = [sign for sign, (field, _) in zip(signs, ends, strict=True) if field not in key.fields]
        of_key = np.flatnonzero(mask == bit)
        if not beyond:
            kept[of_key] = True
        for start in range(0, len(of_key), _AT_ONCE):
            left = of_key[start : start + _AT_ONCE]
            for sign in beyond:
                one = sign[a[left]]
                same = (one == sign[b[left]]) & (one != 0)
                kept[left[same]] = True
                left = left[~same]
    return pairs[kept].reset_index(drop=True)


def _signs(
    con: duckdb.DuckDBPyConnection, a: np.ndarray, b: np.ndarray, texts: list[str]
) -> list[np.ndarray]:
    """Hashes of texts of the records of some pairs, each at its record's number; 0 where missing."""
    there = np.zeros(max(a.max(), b.max()) + 1, dtype=bool)
    there[a] = there[b] = True
    con.register("asked_for", pd.DataFrame({"id": np.flatnonzero(there).astype("int32")}))
    hashes = (f"if({text} is null, 0, hash({text}) >> 32)::uinteger as p{n}" for n, text in enumerate(texts))
    found = con.execute(f"select id, {', '.join(hashes)} from records semi join asked_for using (id)")
    arrays = found.fetchnumpy()
    con.unregister("asked_for")
    signs = np.zeros((len(texts), len(there)), dtype="uint32")
    for n, sign in enumerate(signs):
        sign[arrays["id"]] = arrays[f"p{n}"]
    return list(signs)


def _shared_by_chance(con: duckdb.DuckDBPyConnection, sql: str) -> float:
    """How often two records have the same, estimated from every so manieth record."""
    return con.execute(f"""
        select coalesce(sum(n * (n - 1)) / nullif(sum(n) * (sum(n) - 1), 0), 1) from (
            select count(*)::double as n from records
            where {sql} is not null and hash(id) % 16 = 0 group by {sql}
        )
    """).fetchone()[0]


def write_neighbours(
    con: duckdb.DuckDBPyConnection, labels: np.ndarray, a: np.ndarray, b: np.ndarray, old: int
) -> None:
    """Table ``pairs``: all pairs within groups that a pair links, and between them.

    Of the first `old` records, only pairs with later ones.
    """
    one, other = labels[a], labels[b]
    linked = pd.DataFrame({"x": np.minimum(one, other), "y": np.maximum(one, other)}).drop_duplicates()
    groups = pd.DataFrame({"id": np.arange(len(labels), dtype="int32"), "label": labels})
    con.register("linked", linked)
    con.register("groups", groups)
    con.execute(f"""
        create or replace table pairs as
        select distinct least(p.id, q.id) as a, greatest(p.id, q.id) as b
        from linked join groups p on p.label = x join groups q on q.label = y
        where p.id != q.id and greatest(p.id, q.id) >= {old}
    """)
    con.unregister("linked")
    con.unregister("groups")
