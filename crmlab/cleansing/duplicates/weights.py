"""What the weights of pairs say: of two records, of a cluster, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import duckdb

    from crmlab.cleansing.duplicates.fields import Field
    from crmlab.cleansing.duplicates.prediction import Model


def read_weights(con: duckdb.DuckDBPyConnection, model: Model) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What `write_weights` wrote: pairs `a`, `b` in order and, pairs x fields, their weights.

    Not a number where a value is missing.
    """
    found = con.execute("select * from weights order by a, b").fetchnumpy()
    weights = [np.ma.filled(found[field].astype("float64"), np.nan) for field in model.fields]
    return found["a"].astype("int64"), found["b"].astype("int64"), np.stack(weights, axis=1)


def likely(
    a: np.ndarray, b: np.ndarray, weights: np.ndarray, prior_weight: float, least: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs that are not as good as ruled out."""
    kept = np.nansum(weights, axis=1) + prior_weight >= least
    return a[kept], b[kept], weights[kept]


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


def mean_reasons(a: np.ndarray, b: np.ndarray, weights: np.ndarray, names: list[str]) -> pd.DataFrame:
    """By record, `why` and `against`: the columns that weigh for and against its cluster's pairs, in mean."""
    ends = np.concatenate([a, b])
    both = pd.DataFrame(np.vstack([weights, weights])[:, : len(names)], columns=names)
    mean = both.groupby(ends).mean().T.groupby(level=0, sort=False).sum().T
    columns, rounded = mean.columns.to_numpy(dtype=object), mean.to_numpy().round(3)
    told = {"why": heavy_names(columns, rounded), "against": heavy_names(columns, -rounded)}
    return pd.DataFrame(told, mean.index).astype("str")


def heavy_names(names: np.ndarray, weights: np.ndarray) -> list[str]:
    """Of each row the names whose weight is a bit or more, the heaviest first."""
    order = np.argsort(-np.nan_to_num(weights), axis=1, kind="stable")
    heavy = np.take_along_axis(np.nan_to_num(weights), order, axis=1) >= 1
    # Few lists are told of many rows: each is written once.
    lists = np.where(heavy, order, -1)
    which = np.zeros(len(lists), dtype="int64")
    for column in lists.T:
        which = pd.factorize(which * (len(names) + 1) + column + 1)[0]
    _, first = np.unique(which, return_index=True)
    told = [", ".join(names[places[places >= 0]]) for places in lists[first]]
    return [told[place] for place in which]


def levels_of(con: duckdb.DuckDBPyConnection, model: Model, a: int, b: int) -> list[str | None]:
    """The level that two of the records meet in each field; None where a value is missing."""
    sides = ", ".join(
        f"(select columns(*) as '\\0_{side}' from records where id = {number})"
        for side, number in (("l", a), ("r", b))
    )
    return list(
        con.execute(f"select {', '.join(c.level for c in model.comparisons)} from {sides}").fetchone()
    )


def headings_of(fields: Sequence[Field], model: Model) -> list[str]:
    """The column that each of a model's weights is about."""
    columns = {field.name: field.column for field in fields}
    whole = next((field.column for field in fields if field.role == "full name"), "name")
    return [str(columns.get(c.field, whole)) for c in model.comparisons]


def explanation(
    con: duckdb.DuckDBPyConnection,
    model: Model,
    headings: list[str],
    pair: pd.DataFrame,
    places: tuple[int, int],
    weights: np.ndarray,
) -> pd.DataFrame:
    """The weights of a pair of prepared records, as `DuplicateFinder.explain` returns them."""
    levels = levels_of(con, model, *places)
    shown = pair.reindex(columns=model.fields).to_numpy(dtype=object)
    told = pd.DataFrame(
        {"column": [*headings, None], "one": shown[0], "other": shown[1], "level": [*levels, None],
         "weight": weights}, pd.Index(model.fields, name="field"),
    )  # fmt: skip
    told = told.iloc[np.lexsort((-np.abs(weights), np.isnan(weights)))]
    prior = pd.DataFrame({"weight": [model.prior_weight]}, pd.Index(["prior"], name="field"))
    return pd.concat([prior.reindex(columns=told.columns).astype(told.dtypes), told])
