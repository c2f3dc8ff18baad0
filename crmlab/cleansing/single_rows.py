"""Rules on single rows, held to by one record at a time: told to the engine once, asked often.

The conditions are those of `crmlab.cleansing.consistency`, by the same words of the engine; to find
these words takes twenty times as long as to ask.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from crmlab.cleansing.expressions import express
from crmlab.errors import ParameterError
from crmlab.rules import Level, Rule, field_of, meaning
from crmlab.tables import table

if TYPE_CHECKING:
    import duckdb

_TYPES = {"str": "string", "datetime64[us]": "timestamp(6)", "Int64": "int64", "float64": "float64",
          "boolean": "boolean"}  # fmt: skip
_SQL = {"str": "varchar", "datetime64[us]": "timestamp", "Int64": "bigint", "float64": "double",
        "boolean": "boolean"}  # fmt: skip


class Broken(NamedTuple):
    """A rule that a record breaks: its name, its level and the columns that it is about."""

    rule: str
    level: Level
    columns: tuple[str, ...]


def broken_rules(
    name: str, values: Mapping[str, Any], rules: Iterable[Rule], decimals: int = 2
) -> Iterator[Broken]:
    """Rules on single rows of a table that one record of it breaks.

    Parameters
    ----------
    name
        The record's table.
    values
        Its clean values by column; one that is missing, or None, breaks no rule unless it says so.
    rules
        Those of other tables, on several rows, on columns beyond the contract, or that look into
        other tables are left out.
    decimals
        Digits after the decimal mark of the currency.

    Raises
    ------
    ParameterError
        If a rule cannot be held to.

    Examples
    --------
    >>> rule = Rule("products", "a price", check="unit_price > 0")
    >>> [broken.rule for broken in broken_rules("products", {"unit_price": 0}, [rule])]
    ['a price']
    """
    own = [rule for rule in rules if rule.table == name and rule.check]
    told = [(rule, _told(name, rule.check, rule.when, rule.level, decimals)) for rule in own]
    told = [(rule, query, columns) for rule, (query, columns) in told if query]
    if not told:
        return
    columns = table(name).columns
    row = ", ".join(f'?::{_SQL[column.dtype]} as "{column.name}"' for column in columns)
    asked = ", ".join(f"({query})" for _, query, _ in told)
    given = [values.get(column.name) for column in columns]
    try:
        kept = (
            _connection().cursor().execute(f"with given as (select {row}) select {asked}", given).fetchone()
        )
    except Exception as error:  # the engine's own, which may quote values
        raise ParameterError(
            f"The rules of {name} cannot be worked out for this record: {type(error).__name__}."
        ) from None
    for (rule, _, about), answer in zip(told, kept, strict=True):
        if answer is False:
            yield Broken(rule.title, rule.level, about)


@cache
def _told(name: str, check: str, when: str, level: Level, decimals: int) -> tuple[str, tuple[str, ...]]:
    """A rule in the engine's words, empty if one record alone cannot break it; and its columns."""
    import ibis

    known = set(table(name).names)
    try:
        meant = meaning(
            Rule(name, check=check, when=when, level=level),
            lambda of, column: field_of(of, column, further=None),
        )
    except ParameterError as error:
        raise ParameterError(f"{str(error)[0].upper()}{str(error)[1:]}") from None
    if meant.others or not known.issuperset(meant.columns):
        return "", ()
    row = ibis.table({column.name: _TYPES[column.dtype] for column in table(name).columns}, name="given")
    # No other table is looked into, nor is a list made one.
    kept, applies = (
        node and express(node, row, {}.__getitem__, decimals, short=math.inf)
        for node in (meant.check, meant.when)
    )
    kept = kept.cast("boolean")
    if meant.when:
        kept = ibis.ifelse(applies, kept, ibis.null("boolean"))
    return str(ibis.to_sql(row.select(kept=kept), dialect="duckdb")), meant.columns


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    import duckdb

    return duckdb.connect(config={"threads": 1})
