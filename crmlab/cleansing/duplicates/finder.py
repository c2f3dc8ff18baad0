"""Find the records that are one person's: fields, keys, weights and clusters put together."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crmlab.cleansing.duplicates.blocking import (
    index_keys,
    joined,
    keys_for,
    pairs_across,
    pairs_within,
    telling_ends,
    without_chance_pairs,
    write_neighbours,
    write_pairs,
)
from crmlab.cleansing.duplicates.comparisons import comparisons_for
from crmlab.cleansing.duplicates.decisions import decided_pairs, known_clusters, with_decided
from crmlab.cleansing.duplicates.fields import by_fingerprint, prepare, recognise
from crmlab.cleansing.duplicates.frequencies import frequencies, write_records
from crmlab.cleansing.duplicates.linkage import average_link
from crmlab.cleansing.duplicates.naming import new_names, old_names
from crmlab.cleansing.duplicates.prediction import (
    connect,
    rare_fields,
    write_weights,
    write_weights_again,
)
from crmlab.cleansing.duplicates.scoring import learn, refine_prior
from crmlab.cleansing.duplicates.weights import (
    explanation,
    headings_of,
    likely,
    mean_probability,
    mean_reasons,
    probability,
    read_weights,
)
from crmlab.errors import ParameterError, listed

_log = logging.getLogger(__name__)

#: A key may give this many pairs, and one more for each two records.
_PAIRS_PER_KEY = 300_000
#: Prepared columns that many people share, and lists.
_SAYS_LITTLE = ("category", "place", "tokens", "further")
#: Weights, prior included, below which a pair is as good as ruled out.
_LEAST_SCORED, _LEAST_LINKED = -8.0, -6.0
#: So few records are looked up without thinking how.
_FEW = 10
#: A pair with a weight between this and its negative is worth a look by a person.
_DOUBTFUL = 10.0
#: Values that more records share lead from no new record to an old one.
_LARGEST_BLOCK = 1000


class DuplicateFinder:
    """Finds the records that are one person's, without labels and without settings.

    Which column says what is told from headings and contents; how much each agreement weighs is
    learned from the records (Fellegi and Sunter 1969, by Splink); groups are joined while even odds
    speak for it. Input in another order, or another number of threads, gives the same result.

    Parameters
    ----------
    roles
        Heading to role, where headings and contents mislead; ``"ignored"`` leaves a column out; see
        `crmlab.cleansing.duplicates.fields.ROLES`.
    threads, memory
        Limits of the embedded engine; what does not fit goes to disk.
    match_probability
        From which groups are joined, by default even odds. More leaves more duplicates unfound and
        joins fewer people who are two.

    Attributes
    ----------
    fields_ : list of Field
        The columns that count, and as what.
    model_ : Model
        What was learned.
    result_ : DataFrame
        As `find_duplicates` returns it.
    skipped_ : dict
        Pairs not compared because too many records share a value, by key.

    Examples
    --------
    >>> people = pd.DataFrame({"first_name": ["Ann", "Anne", "Bob"], "last_name": ["Lee", "Lee", "Ray"],
    ...     "email": ["ann@lee.org", "ann@lee.org", "bob@ray.org"]})
    >>> DuplicateFinder().fit(people).result_["cluster_id"].nunique()
    2
    """

    def __init__(
        self,
        roles: Mapping[str, str] | None = None,
        threads: int | None = None,
        memory: str = "500MB",
        match_probability: float = 0.5,
    ) -> None:
        self.roles = roles
        self.threads = threads
        self.memory = memory
        self.match_probability = match_probability

    def fit(
        self, records: pd.DataFrame, known: pd.Series | None = None, decisions: pd.DataFrame | None = None
    ) -> DuplicateFinder:
        """Learn from the records and find the duplicates among them.

        Parameters
        ----------
        known : Series
            By index label, the cluster a record was found in before: what was together stays
            together, what was apart stays apart, and keeps its `cluster_id`.
        decisions : DataFrame
            What people have decided: `one` and `other`, index labels of two records, and `same`,
            whether they are one person's. It outweighs everything else; decisions on records that
            are not there are passed over, and of several on two records the last one counts.

        Raises
        ------
        ParameterError
            If the columns do not say who anybody is, or an index label is there twice.
        """
        if not 0 < self.match_probability < 1:
            raise ParameterError("match_probability is to lie between 0 and 1.")
        self.fields_ = recognise(records, self.roles)
        if not records.index.is_unique:
            raise ParameterError("The records' index holds a label twice; number them with reset_index().")
        index, prepared = records.index, prepare(records, self.fields_)
        del records  # of a million, each copy is a large part of the memory
        self._records, self._prints, parts = by_fingerprint(prepared)
        self._con = connect(self.threads, self.memory)
        columns = list(self._records)
        comparisons = comparisons_for(self.fields_, columns)
        self._known = {name: frequencies(parts[name].to_numpy()) for name in rare_fields(comparisons)}
        write_records(self._con, "records", self._records, 0, parts, self._known)
        del prepared, parts
        self._keys = keys_for([name for name in columns if name not in ("tokens", "further")])
        if not self._keys:
            raise ParameterError(
                f"{listed(field.column for field in self.fields_)} alone cannot tell who anybody is; a name, "
                "an e-mail address, a telephone number or an identity number is needed."
            )
        self._index = index_keys(self._con, self._keys, "records")
        pairs, self.skipped_ = pairs_within(self._index, self._keys, _PAIRS_PER_KEY + len(index) // 2)
        _log.info("Pairs not compared, as too many share only one value: %s", self.skipped_ or "none")
        model = learn(self._con, comparisons, self._keys, pairs, self._known)
        telling = [name for name in columns if not name.startswith(_SAYS_LITTLE)]
        self._ends = telling_ends(self._con, telling) if self.skipped_ else []
        write_pairs(self._con, without_chance_pairs(self._con, pairs, self._keys, self.skipped_, self._ends))
        del pairs
        #: What the engine is told to weigh pairs.
        self._said = write_weights(self._con, model)
        scored = likely(*read_weights(self._con, model), model.prior_weight, _LEAST_SCORED)
        self.model_ = refine_prior(model, scored[2], len(index))
        del scored
        self._decided = decided_pairs(self._records.index, decisions)
        before = None if known is None else known_clusters(self._records.index, known, self._decided)
        self._labels, score = self._link(before)
        #: Of each record, by place, the name of its cluster.
        self._names = new_names(self._prints)[self._labels]
        if before is not None:
            self._names = old_names(self._names, self._labels, before, known.reindex(self._records.index))
        result = pd.DataFrame({"cluster_id": self._names, "score": score}, index=self._records.index)
        self.result_ = result.reindex(index)
        return self

    def add(self, records: pd.DataFrame) -> pd.DataFrame:
        """Find whose the new records are; of the old ones none changes its cluster.

        Nothing is learned anew, so that it takes seconds where fitting takes minutes.

        Parameters
        ----------
        records
            With the columns of those the finder was fitted to, and new index labels.

        Returns
        -------
        DataFrame
            As `find_duplicates` returns it, for the new records; `result_` holds them from now on.

        Raises
        ------
        ParameterError
            If a column is missing, or an index label is there already.
        """
        self._check_fitted()
        missing = [field.column for field in self.fields_ if field.column not in records]
        if missing:
            raise ParameterError(f"The new records lack the columns {', '.join(map(str, missing))}.")
        if not records.index.is_unique or len(self.result_.index.intersection(records.index)):
            raise ParameterError("An index label of the new records is there already; give them new ones.")
        prepared, prints, parts = by_fingerprint(prepare(records, self.fields_))
        old, con = len(self._records), self._con
        write_records(con, "fresh", prepared, old, parts, self._known)
        con.execute("insert into records by name select * from fresh")
        fresh = index_keys(con, self._keys, "fresh")
        pairs = pairs_across(self._index, fresh, _LARGEST_BLOCK)
        self._index = joined(self._index, fresh)
        write_pairs(con, without_chance_pairs(con, pairs, self._keys, self.skipped_, self._ends))
        write_weights_again(con, self._said, few=False)
        self._records = pd.concat([self._records, prepared])
        known = np.append(self._labels, np.full(len(prepared), -1))
        self._labels, score = self._link(known, old)
        self._names = np.append(self._names, new_names(prints, self._prints))
        self._prints = np.append(self._prints, prints)
        found = {"cluster_id": self._names[self._labels[old:]], "score": score[old:]}
        found = pd.DataFrame(found, prepared.index).reindex(records.index)
        self.result_ = pd.concat([self.result_, found])
        return found

    def lookup(self, records: pd.DataFrame, least: float = 0.5) -> pd.DataFrame:
        """Find the known records that may be of the same persons as others, which are not added.

        Parameters
        ----------
        records
            With any of the columns of those the finder was fitted to; what else they have is not
            looked at.
        least
            Probability from which a known record is told.

        Returns
        -------
        DataFrame
            One row per record and known record, the likeliest first: `record` and `known`, their
            index labels, and `score`, the probability that they are one person's.
        """
        self._check_fitted()
        whole = records.reindex(columns=[field.column for field in self.fields_])
        empty = whole.columns[whole.isna().all()]
        prepared, _, parts = by_fingerprint(prepare(whole.astype(dict.fromkeys(empty, "str")), self.fields_))
        old, con = len(self._records), self._con
        con.begin()
        try:
            write_records(con, "fresh", prepared, old, parts, self._known)
            con.execute("insert into records by name select * from fresh")
            write_pairs(con, pairs_across(self._index, index_keys(con, self._keys, "fresh"), _LARGEST_BLOCK))
            a, b, weights = self._weigh(few=len(prepared) < _FEW)
        finally:
            con.rollback()
        score = probability(np.nansum(weights, axis=1) + self.model_.prior_weight)
        kept = (a < old) & (score >= least)
        order = np.lexsort((a[kept], -score[kept], b[kept]))
        return pd.DataFrame({
            "record": prepared.index[b[kept][order] - old], "known": self._records.index[a[kept][order]],
            "score": score[kept][order].round(6),
        })  # fmt: skip

    def explain(self, one: Any, other: Any) -> pd.DataFrame:
        """Why two records are, or are not, one person's.

        Parameters
        ----------
        one, other
            Index labels of two records.

        Returns
        -------
        DataFrame
            Indexed by field, the most telling first: the `column` it is from, what is compared (`one`,
            `other`), how alike that is (`level`), and its `weight` in bits: +1 doubles the odds that
            it is one person, -1 halves them; missing where a value is. The row ``prior`` is where the
            odds start; the weights' sum says whether they are better than even.
        """
        self._check_fitted()
        for label in (one, other):
            if label not in self._records.index:
                raise ParameterError(f"No record has the index label {label!r}.")
        a, b = sorted(self._records.index.get_indexer([one, other]))
        write_pairs(self._con, pd.DataFrame({"a": [a], "b": [b]}))
        weights = self._weigh(few=True)[2][0]
        pair = self._records.loc[[one, other]]
        return explanation(self._con, self.model_, self._headings, pair, (a, b), weights)

    def reasons(self) -> pd.DataFrame:
        """What speaks for each record's being the same person's as the others of its cluster.

        Returns
        -------
        DataFrame
            Indexed like the records that are not alone in their cluster: `why`, the columns that
            agree, the most telling first, and `against`, those that differ; each with a weight of
            at least one bit, mean over the cluster's pairs. Empty text where there is none.
        """
        self._check_fitted()
        told = mean_reasons(*self._within, self._headings)
        return told.set_axis(self._records.index[told.index])

    def doubtful(self, most: int | None = 100) -> pd.DataFrame:
        """The pairs nobody has decided on that are nearest to even odds: so many, or all within ten bits.

        Returns
        -------
        DataFrame
            `one` and `other`, index labels of two records in the order they came in, `probability`
            that they are one person's, and `same`, whether they are in one cluster; the most
            doubtful first.
        """
        self._check_fitted()
        a, b, weight = self._near
        order = np.lexsort((b, a, np.abs(weight).round(3)))[:most]
        a, b, index = a[order], b[order], self._records.index
        # Of two records, the one that stands first in what was given.
        stands = self.result_.index.get_indexer
        a, b = np.where(stands(index[a]) < stands(index[b]), (a, b), (b, a))
        return pd.DataFrame({"one": index[a], "other": index[b],
                             "probability": probability(weight[order]).round(6),
                             "same": self._labels[a] == self._labels[b]})  # fmt: skip

    def _check_fitted(self) -> None:
        if not hasattr(self, "result_"):
            raise ParameterError("The finder has seen no records yet; call fit(records) first.")

    def close(self) -> None:
        """Give back what the engine holds; `result_` stays, nothing can be asked any more."""
        self._con.close()

    def _link(self, known: np.ndarray | None, old: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """First record of each record's cluster, and how surely each belongs to the others.

        From the weights that the engine holds; of the first `old` records, only pairs with later
        ones are scored.
        """
        rows, prior = len(self._records), self.model_.prior_weight
        least = np.log2(self.match_probability / (1 - self.match_probability))
        scored = with_decided(*read_weights(self._con, self.model_), self._decided)
        a, b, weights = scored = likely(*scored, prior, _LEAST_LINKED)
        labels = average_link(a, b, weights, rows, prior, _LEAST_LINKED, known, least)
        write_neighbours(self._con, labels, a, b, old)
        del a, b, weights, scored
        # All pairs of groups that may belong together are scored before any is joined for good.
        a, b, weights = with_decided(*self._weigh(), self._decided)
        labels = average_link(a, b, weights, rows, prior, _LEAST_SCORED, known, least)
        total = np.nansum(weights, axis=1) + prior
        within, near = labels[a] == labels[b], np.abs(total) <= _DOUBTFUL
        self._within = a[within], b[within], weights[within]
        self._near = a[near], b[near], total[near]
        return labels, mean_probability(a[within], b[within], total[within], labels)

    def _weigh(self, few: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights of the pairs that the engine holds."""
        write_weights_again(self._con, self._said, few)
        return read_weights(self._con, self.model_)

    @property
    def _headings(self) -> list[str]:
        return headings_of(self.fields_, self.model_)


def find_duplicates(
    records: pd.DataFrame,
    roles: Mapping[str, str] | None = None,
    threads: int | None = None,
    decisions: pd.DataFrame | None = None,
    match_probability: float = 0.5,
) -> pd.DataFrame:
    """Find the records that are one person's; no settings are needed.

    Parameters
    ----------
    records : DataFrame
        One row per record, with names, dates, addresses, numbers, ... in any form. Columns that
        number the rows are not looked at.
    roles, threads, match_probability
        As `DuplicateFinder` takes them.
    decisions
        What people have decided, see `DuplicateFinder.fit`.

    Returns
    -------
    DataFrame
        Indexed like `records`: `cluster_id`, the same for all records of a person, and `score`,
        the mean probability that the record is the same person's as each of the others; missing for
        a record alone.

    Raises
    ------
    ParameterError
        If no column says who anybody is, or an index label is there twice.

    Examples
    --------
    >>> people = pd.DataFrame({"name": ["علي كريمي", "علی کریمی", "رضا نوری"],
    ...     "mobile": ["09121234567", "+989121234567", "09351112233"]})
    >>> found = find_duplicates(people)
    >>> bool(found["cluster_id"][0] == found["cluster_id"][1]), found["cluster_id"].nunique()
    (True, 2)
    """
    finder = DuplicateFinder(roles, threads, match_probability=match_probability)
    return finder.fit(records, decisions=decisions).result_
