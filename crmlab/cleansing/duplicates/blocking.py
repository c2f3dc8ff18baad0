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


class Key(NamedTuple):
    """One blocking key: its name, the fields it is made of, and its SQL."""

    name: str
    fields: frozenset[str]
    sql: str


def keys_for(fields: Iterable[str]) -> list[Key]:
    """The keys that can be made of the fields that are there.

    Examples
    --------
    >>> [key.name for key in keys_for(["family_name", "email", "birth_date"])]
    ['email', 'born|family 1', 'family|birth year', 'family 3|birthday']
    """
    there = list(fields)
    found = [
        Key(name, frozenset([name]), f'"{name}"')
        for own in _OWN_KEYS for name in there if name == own or name.startswith(f"{own}_")
    ]  # fmt: skip
    for name in _KEYS:
        parts = [_PARTS[part] for part in name.split("|")]
        needed = [field for fields_, _ in parts for field in fields_.split()]
        if all(field in there for field in needed):
            texts = [sql.format(*(f'"{field}"' for field in fields_.split())) for fields_, sql in parts]
            found.append(Key(name, frozenset(needed), " || '|' || ".join(texts)))
    # Where little is known, what is there has to do alone.
    alone = {field for field in ("family_name", "given_name", "place", "address", "text", "postcode")
             if field in there and not any(field in key.fields for key in found)}  # fmt: skip
    return found + [Key(name, frozenset([name]), f'"{name}"') for name in sorted(alone)]


def write_keys(con: duckdb.DuckDBPyConnection, keys: list[Key], records: str, target: str) -> None:
    """Table `target`: `rule` (place in `keys`), `value` (hash of the key) and `id` of the records with it."""
    parts = [
        f"select {rule}::utinyint as rule, hash({key.sql}) as value, id from {records} "
        f"where ({key.sql}) is not null"
        for rule, key in enumerate(keys)
    ]
    con.execute(f"create or replace table {target} as {' union all '.join(parts)}")


def write_pairs(con: duckdb.DuckDBPyConnection, keys: list[Key], most: int) -> dict[str, int]:
    """Table ``pairs``: the pairs `a` < `b` in table ``keyed`` that share a key, and in `mask`'s bits which.

    Parameters
    ----------
    most
        Pairs a key may give. Of a key that gives more, the values that most records share are left
        out: they say least.

    Returns
    -------
    dict
        Pairs not compared for that reason, by key.
    """
    con.execute(f"""
        create or replace temp table blocks as
        select rule, value, count(*) as n from keyed group by all having n > 1;
        create or replace temp table sizes as
        select rule, n, sum(pairs) over (partition by rule order by n) as so_far, pairs
        from (select rule, n, sum(n * (n - 1) // 2) as pairs from blocks group by rule, n);
        create or replace temp table used as
        select rule, value, id from keyed semi join
        (select rule, value from blocks join sizes using (rule, n) where so_far <= {most})
        using (rule, value);
        create or replace table pairs as
        select a.id as a, b.id as b, bit_or(1::uinteger << a.rule) as mask
        from used a join used b on a.rule = b.rule and a.value = b.value and a.id < b.id
        group by all;
    """)
    skipped = con.execute(f"select rule, sum(pairs)::bigint from sizes where so_far > {most} group by rule")
    found = {keys[rule].name: pairs for rule, pairs in sorted(skipped.fetchall())}
    con.execute("drop table used; drop table sizes; drop table blocks")
    return found


def write_new_pairs(con: duckdb.DuckDBPyConnection, most: int) -> None:
    """Table ``pairs``, as `write_pairs` has it: records in table ``keyed_new`` with each other and ``keyed``.

    Parameters
    ----------
    most
        Values that more of the records share are left out.
    """
    con.execute(f"""
        create or replace temp table met as
        select rule, value, id, false as fresh from keyed semi join keyed_new using (rule, value)
        union all select rule, value, id, true from keyed_new;
        create or replace temp table used as
        select * from met semi join (select rule, value from met group by all having count(*) <= {most})
        using (rule, value);
        create or replace table pairs as
        select least(a.id, b.id) as a, greatest(a.id, b.id) as b, bit_or(1::uinteger << a.rule) as mask
        from used a join used b on a.rule = b.rule and a.value = b.value and a.id != b.id
        where a.fresh and (not b.fresh or a.id < b.id)
        group by all
    """)


#: How many signs at a text's beginning or end, shared by chance by no more of the pairs than this,
#: are worth a closer look.
_SIGNS, _BY_CHANCE = 3, 0.02


def telling_ends(con: duckdb.DuckDBPyConnection, fields: Iterable[str]) -> list[tuple[str, str]]:
    """Beginnings and ends of fields, as SQL, that two records seldom share by chance, with their field."""
    ends = [(field, f'{side}("{field}", {_SIGNS})') for field in fields for side in ("left", "right")]
    return [(field, end) for field, end in ends if _shared_by_chance(con, end) <= _BY_CHANCE]


def drop_chance_pairs(
    con: duckdb.DuckDBPyConnection, keys: list[Key], weak: Iterable[str], ends: list[tuple[str, str]]
) -> None:
    """Take from ``pairs`` those that share one weak key and beyond it not even an end of a text.

    Parameters
    ----------
    weak
        Names of keys that so many records share that most pairs share them by chance.
    ends
        As `telling_ends` finds them.
    """
    weak = set(weak)
    if not (weak and ends):
        return
    columns = ", ".join(f"if({end} is null, null, hash({end})) as e{n}" for n, (_, end) in enumerate(ends))
    con.execute(f"""
        create or replace temp table ends as select id, {columns} from records
        semi join (select a as id from pairs union all select b from pairs) using (id)
    """)
    lone = []
    for rule, key in enumerate(keys):
        if key.name in weak:
            shared = [f"x.e{n} = y.e{n}" for n, (field, _) in enumerate(ends) if field not in key.fields]
            lone.append(f"when {1 << rule} then {' or '.join(shared) or 'true'}")
    con.execute(f"""
        create or replace table pairs as
        select a, b, mask from pairs join ends x on a = x.id join ends y on b = y.id
        where case mask {" ".join(lone)} else true end
    """)
    con.execute("drop table ends")


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
    """Table ``neighbours``: all pairs within groups that a pair links, and between them.

    Of the first `old` records, only pairs with later ones.
    """
    one, other = labels[a], labels[b]
    linked = pd.DataFrame({"x": np.minimum(one, other), "y": np.maximum(one, other)}).drop_duplicates()
    groups = pd.DataFrame({"id": np.arange(len(labels), dtype="int32"), "label": labels})
    con.register("linked", linked)
    con.register("groups", groups)
    con.execute(f"""
        create or replace temp table neighbours as
        select distinct least(p.id, q.id) as a, greatest(p.id, q.id) as b
        from linked join groups p on p.label = x join groups q on q.label = y
        where p.id != q.id and greatest(p.id, q.id) >= {old}
    """)
    con.unregister("linked")
    con.unregister("groups")
