"""One record per person out of several: each field from the record that knows it best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from crmlab.cleansing.duplicates.naming import in_order
from crmlab.cleansing.text import normalize_text
from crmlab.errors import ParameterError, did_you_mean


class Golden(NamedTuple):
    """Golden records and where each of their fields comes from, both indexed by cluster.

    Attributes
    ----------
    records : DataFrame
        One row per cluster, with the columns of the records.
    origin : DataFrame
        Of the same shape: index label of the record a value was taken from, missing where no
        record had one.
    """

    records: pd.DataFrame
    origin: pd.DataFrame


def golden_records(
    records: pd.DataFrame,
    cluster_id: pd.Series,
    newest: str | None = None,
    together: Sequence[Sequence[str]] = (),
    population: pd.DataFrame | None = None,
    began: Sequence[str] = (),
) -> Golden:
    """Put the records of each person together.

    A field takes the value that most of the person's records have, spellings of one text counted
    together, then the commonest spelling; of equally many, the newest one's, then the fullest
    record's, then the first in the order of the index.

    Parameters
    ----------
    records : DataFrame
        With a unique index.
    cluster_id : Series
        Indexed like `records`, as `find_duplicates` returns it.
    newest
        Column that says when a record was written; without it age does not count.
    together
        Groups of columns that make sense together only, such as street and city: all are taken
        from one record, the one whose values have most votes altogether.
    population
        Columns such as names, of everybody: of values with equally many votes the one is taken
        that is commoner there, as a slip is rarer than a name; an initial counts as none.
    began
        Columns that say how it began: the oldest record's is taken, whatever the others say.

    Returns
    -------
    Golden

    Raises
    ------
    ParameterError
        If the clusters are not indexed like the records, or there is no such column.

    Examples
    --------
    >>> records = pd.DataFrame({"city": ["Rome", "Roma", "Roma"], "email": ["a@b.it", None, None]})
    >>> golden = golden_records(records, pd.Series(["p", "p", "p"]))
    >>> golden.records.loc["p"].tolist(), golden.origin.loc["p"].tolist()
    (['Roma', 'a@b.it'], [1, 0])
    """
    if not records.index.is_unique or not cluster_id.index.equals(records.index):
        raise ParameterError("cluster_id is to be indexed like the records, and each label to be there once.")
    if newest is not None and newest not in records:
        raise ParameterError(f"There is no column {newest!r}" + did_you_mean(newest, map(str, records)))
    cluster, clusters = pd.factorize(cluster_id, sort=True)
    age = pd.factorize(records[newest], sort=True)[0] if newest else np.zeros(len(records), dtype="int64")
    fullness = records.notna().sum(axis=1).to_numpy()
    # The order of the index, whatever order the rows are in.
    place = np.argsort(in_order(records.index))
    index = pd.Index(clusters, name="cluster_id")
    rank = np.lexsort((place, -fullness, -age))
    oldest = np.lexsort((place, -fullness, age))
    values, origins = {}, {}
    for group in [*together, *([name] for name in records if not any(name in group for group in together))]:
        there = records[list(group)].notna().any(axis=1).to_numpy()
        if set(group) & set(began):
            order = oldest[there[oldest]]
            order = order[np.argsort(cluster[order], kind="stable")]
        else:
            order = rank[there[rank]]
            criteria = [cluster, *_preferences(cluster, records[list(group)], population)]
            order = order[np.lexsort([criterion[order] for criterion in reversed(criteria)])]
        best = order[np.append(True, np.diff(cluster[order]) > 0)[: len(order)]]
        for name in group:
            column, has = records[name], records[name].iloc[best].notna().to_numpy()
            taken = index[cluster[best]]
            values[name] = pd.Series(column.iloc[best].array, taken).reindex(index)
            origins[name] = pd.Series(records.index[best[has]], taken[has]).reindex(index)
    columns = list(records)
    return Golden(pd.DataFrame(values, index=index)[columns], pd.DataFrame(origins, index=index)[columns])


def _preferences(
    cluster: np.ndarray, columns: pd.DataFrame, population: pd.DataFrame | None
) -> list[np.ndarray]:
    """What decides between a person's records, the first thing first, the smallest value best."""
    votes, exact, common = (np.zeros(len(columns), dtype="int64") for _ in range(3))
    for name, column in columns.items():
        votes -= _votes(cluster, _key(column))
        exact -= _votes(cluster, column)
        if population is not None and name in population:
            there = pd.Index(column.dropna().unique())
            counts = np.bincount(there.get_indexer(population[name]) + 1, minlength=len(there) + 1)
            counts[0] = 0
            counts[1:][_key(pd.Series(there, dtype=column.dtype)).str.len().le(1)] = 0  # an initial
            common -= counts[there.get_indexer(column) + 1]
    return [votes, common, exact]


def _key(column: pd.Series) -> pd.Series:
    return normalize_text(column, "search") if column.dtype == "str" else column


def _votes(cluster: np.ndarray, column: pd.Series) -> np.ndarray:
    """How many records of its cluster have each record's value; 0 where there is none."""
    code = pd.factorize(column)[0]
    pair = cluster.astype("int64") * (code.max(initial=0) + 1) + code
    votes = pd.Series(code).groupby(np.where(code >= 0, pair, -1)).transform("size").to_numpy()
    return np.where(code >= 0, votes, 0)
