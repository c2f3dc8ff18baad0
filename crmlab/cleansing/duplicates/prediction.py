"""Pairs scored by Splink: the levels at which their fields agree, and what that weighs."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from crmlab.cleansing.duplicates.comparisons import Comparison
from crmlab.engine import spill_folder

if TYPE_CHECKING:
    import duckdb

#: The records of some pairs, picked out before they are compared.
_TOUCHED = """
    create or replace temp table touched as select * from records
    semi join (select a as id from {0} union select b from {0}) using (id)
"""


class Model(NamedTuple):
    """What was learned: per comparison m and u from the worst level to the best, and the prior.

    Attributes
    ----------
    prior
        Probability that two records taken at random are one person's.
    moved
        Who moves changes place, postcode and address at once; that they all differ says less than
        each for itself. By the number of them that are there, the weight to give back.
    """

    comparisons: tuple[Comparison, ...]
    m: dict[str, np.ndarray]
    u: dict[str, np.ndarray]
    prior: float
    moved: dict[int, float] = {}

    @property
    def where(self) -> list[str]:
        """The fields that say where somebody lives."""
        return [c.field for c in self.comparisons if c.field.startswith(("place", "postcode", "address"))]

    @property
    def fields(self) -> list[str]:
        """The columns of weights: the fields', and the one given back."""
        return [c.field for c in self.comparisons] + ["moved"]

    @property
    def prior_weight(self) -> float:
        """The prior as a weight: log2 of its odds."""
        return float(np.log2(self.prior / (1 - self.prior)))


def connect(threads: int | None, memory: str) -> duckdb.DuckDBPyConnection:
    """An engine of its own for one set of records."""
    import duckdb

    config: dict[str, Any] = {
        "memory_limit": memory,
        "preserve_insertion_order": False,
        "temp_directory": spill_folder(),
    }
    if threads:
        config["threads"] = threads
    con = duckdb.connect(config=config)
    # It would be drawn into notebooks.
    con.execute("set enable_progress_bar = false")
    return con


def patterns_of(con: duckdb.DuckDBPyConnection, model: Model, pairs: str) -> pd.DataFrame:
    """How often each combination of levels (-1: missing) and keys occurs among some pairs."""
    con.execute(_TOUCHED.format(pairs))
    scored = _predict(con, model, pairs, weighted=False)
    columns = ", ".join(f'(s."mw_{c.field}" - 1)::tinyint as "{c.field}"' for c in model.comparisons)
    found = con.execute(
        f"select {columns}, mask, count(*) as pairs from {scored} s "
        f"join {pairs} p on s.id_l = p.a and s.id_r = p.b group by all order by all"
    ).df()
    con.execute(f"drop table {scored}")
    return found


def write_weights(con: duckdb.DuckDBPyConnection, model: Model) -> list[str]:
    """Table ``weights`` of table ``pairs``: `a`, `b`, and per field its weight, missing where a value is.

    Returns
    -------
    list of str
        The statements that did it. They do it again in a tenth of the time that Splink takes to
        find their words, for other pairs and other records of the same fields.
    """
    said = [_TOUCHED.format("pairs")]
    con.execute(said[0])
    scored = _predict(con, model, "pairs", said=said)
    parts, rare = [], rare_fields(model.comparisons)
    for c in model.comparisons:
        weight = f'"mw_{c.field}"' + (f' + "mw_tf_adj_{c.field}"' if c.field in rare else "")
        parts.append(f'nullif(({weight})::float, 0) as "{c.field}"')
    weights = f"select id_l as a, id_r as b, {', '.join(parts)} from {scored}"
    last = [
        f"create or replace table weights as select *, {_given_back(model)} as moved from ({weights})",
        f"drop table {scored}",
        "drop table touched",
    ]
    for statement in last:
        con.execute(statement)
    # What Splink only looks up need not be said again.
    return [*(statement for statement in said if not statement.startswith("SELECT column_name")), *last]


def write_weights_again(con: duckdb.DuckDBPyConnection, said: list[str], few: bool) -> None:
    """Follow what `write_weights` said again; a few pairs take longer to think about than to weigh."""
    if few:
        con.execute("pragma disable_optimizer")
    try:
        con.execute(";\n".join(said))
    finally:
        con.execute("pragma enable_optimizer")


def _given_back(model: Model) -> str:
    """SQL of the weight given back; 0 where not all differ, missing where fewer than two are there."""
    if not model.moved:
        return "null::float"
    there = " + ".join(f'("{field}" is not null)::int' for field in model.where)
    worst = {field: float(np.log2(model.m[field][0] / model.u[field][0])) for field in model.where}
    differ = " + ".join(f'coalesce("{field}" <= {worst[field] + 0.01}, false)::int' for field in model.where)
    cases = " ".join(f"when {count} then {weight}" for count, weight in model.moved.items())
    return (f"(case when {there} < 2 then null when {there} = {differ} then case {there} {cases} else 0 end "
            "else 0 end)::float")  # fmt: skip


def _predict(
    con: duckdb.DuckDBPyConnection,
    model: Model,
    pairs: str,
    weighted: bool = True,
    said: list[str] | None = None,
) -> str:
    """Name of the table in which Splink scored some pairs; what it tells the engine is added to `said`."""
    from splink import DuckDBAPI, Linker

    settings = {
        "link_type": "dedupe_only",
        "unique_id_column_name": "id",
        "probability_two_random_records_match": model.prior,
        "comparisons": [
            c.settings(model.m[c.field].tolist(), model.u[c.field].tolist(), weighted)
            for c in model.comparisons
        ],
        "blocking_rules_to_generate_predictions": ["1 = 0"],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
    }
    api = DuckDBAPI(con)
    linker = Linker(api.register("touched"), settings, log_level=logging.WARNING, validate_settings=False)
    blocked = "create or replace temp view blocked as "
    blocked += f"select a as join_key_l, b as join_key_r, '0' as match_key from {pairs}"
    con.execute(blocked)
    if weighted:
        for field in rare_fields(model.comparisons):
            # The records bear the shares already; without a table, Splink would count them again.
            con.execute(
                f'create or replace temp view "tf_{field}" as select "{field}", "tf_{field}" from records'
            )
            linker.table_management.register_term_frequency_lookup(api.register(f"tf_{field}"), field)
    linker.table_management.register_blocked_pairs_for_predict(api.register("blocked"))
    if said is not None:
        said.append(blocked)
        execute = api._execute_sql_against_backend
        api._execute_sql_against_backend = lambda sql: said.append(sql) or execute(sql)
    return linker.inference.predict(warning_mode="never").physical_name


def rare_fields(comparisons: Iterable[Comparison]) -> list[str]:
    """Fields of which a rare value weighs more than a common one."""
    return [c.field for c in comparisons if any(level.rare for level in c.levels)]
