"""One record per person out of several: each field from the record that knows it best."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

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


def golden_records(records: pd.DataFrame, cluster_id: pd.Series, newest: str | None = None) -> Golden:
    """Put the records of each person together.

    A field takes the value that most of the person's records have; of equally many, the newest
    one's, then the fullest record's, then the first in the order of the index.

    Parameters
    ----------
    records : DataFrame
        With a unique index.
    cluster_id : Series
        Indexed like `records`, as `find_duplicates` returns it.
    newest
        Column that says when a record was written; without it age does not count.

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
    position = np.arange(len(records))
    age = pd.factorize(records[newest], sort=True)[0] if newest else np.zeros(len(records), dtype="int64")
    fullness = records.notna().sum(axis=1).to_numpy()
    # The order of the index, whatever order the rows are in.
    place = np.argsort(np.argsort(pd.factorize(records.index.astype("str"), sort=True)[0], kind="stable"))
    index = pd.Index(clusters, name="cluster_id")
    values, origins = {}, {}
    for name in records:
        column = records[name]
        there = column.notna().to_numpy()
        code = pd.factorize(column[there])[0]
        held = pd.DataFrame({"cluster": cluster[there], "code": code, "position": position[there],
                             "age": age[there], "full": fullness[there], "place": place[there]})  # fmt: skip
        held["votes"] = held.groupby(["cluster", "code"])["code"].transform("size")
        best = held.sort_values(
            ["cluster", "votes", "age", "full", "place"], ascending=[True, False, False, False, True]
        ).drop_duplicates("cluster")
        taken = best["position"].to_numpy()
        chosen = pd.Series(column.iloc[taken].array, index=index[best["cluster"]])
        values[name] = chosen.reindex(index)
        origins[name] = pd.Series(records.index[taken], index=index[best["cluster"]]).reindex(index)
    return Golden(pd.DataFrame(values, index=index), pd.DataFrame(origins, index=index))
