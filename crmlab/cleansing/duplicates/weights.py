"""What the weights of pairs say: of two records, of a cluster, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import duckdb

    from crmlab.cleansing.duplicates.prediction import Model


def read_weights(
    con: duckdb.DuckDBPyConnection, model: Model, table: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs `a`, `b` in order and, pairs x fields, their weights; not a number where a value is missing."""
    found = con.execute(f"select * from {table} order by a, b").fetchnumpy()
    weights = [np.ma.filled(found[field].astype("float64"), np.nan) for field in model.fields]
    return found["a"].astype("int64"), found["b"].astype("int64"), np.stack(weights, axis=1)


def probability(weight: np.ndarray) -> np.ndarray:
    """Probability of even odds moved by so many bits."""
    return 1 / (1 + 2.0 ** -np.clip(weight, -60, 60))


def mean_probability(a: np.ndarray, b: np.ndarray, weight: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean probability of each record's pairs within its cluster."""
    total, count = np.zeros(len(labels)), np.bincount(labels, minlength=len(labels))[labels] - 1
    np.add.at(total, a, probability(weight))
    np.add.at(total, b, probability(weight))
    mean = np.divide(total, count, out=np.full(len(labels), np.nan), where=count > 0)
    # The last digits depend on the order in which equal records are added up.
    return mean.round(6)


def heavy_names(names: np.ndarray, weights: np.ndarray) -> list[str]:
    """Of each row the names whose weight is a bit or more, the heaviest first."""
    order = np.argsort(-np.nan_to_num(weights), axis=1, kind="stable")
    heavy = np.take_along_axis(np.nan_to_num(weights), order, axis=1) >= 1
    return [", ".join(names[places[there]]) for places, there in zip(order, heavy, strict=True)]


def levels_of(con: duckdb.DuckDBPyConnection, model: Model, a: int, b: int) -> list[str | None]:
    """The level that two of the records meet in each field; None where a value is missing."""
    sides = ", ".join(
        f"(select columns(*) as '\\0_{side}' from records where id = {number})"
        for side, number in (("l", a), ("r", b))
    )
    return list(
        con.execute(f"select {', '.join(c.level for c in model.comparisons)} from {sides}").fetchone()
    )


def explanation(
    model: Model, headings: list[str], pair: pd.DataFrame, levels: list[str | None], weights: np.ndarray
) -> pd.DataFrame:
    """The weights of a pair of prepared records, as `DuplicateFinder.explain` returns them."""
    shown = pair.reindex(columns=model.fields).to_numpy(dtype=object)
    told = pd.DataFrame(
        {"column": [*headings, None], "one": shown[0], "other": shown[1], "level": [*levels, None],
         "weight": weights}, pd.Index(model.fields, name="field"),
    )  # fmt: skip
    told = told.iloc[np.lexsort((-np.abs(weights), np.isnan(weights)))]
    prior = pd.DataFrame({"weight": [model.prior_weight]}, pd.Index(["prior"], name="field"))
    return pd.concat([prior.reindex(columns=told.columns).astype(told.dtypes), told])
