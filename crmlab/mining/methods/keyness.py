"""Words that tell one group of texts from the others, and words that belong together."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError
from crmlab.mining.methods.text import (
    as_texts,
    is_stop_word,
    segments,
    shown_words,
    stem,
    surface_words,
)


def distinctive_words(
    values: pd.Series, group: pd.Series, prior: float = 500.0, minimum: int = 3
) -> pd.DataFrame:
    """Words that a group of texts uses more, or less, than the other texts.

    Parameters
    ----------
    values : Series of str
        Texts; missing ones do not count.
    group
        The group of each text, in the same order; texts without a group do not count.
    prior
        Strength of the prior in words: so many are taken to have been seen in each group beforehand,
        shared out as in all texts together. It keeps rare words from standing out by chance.
    minimum
        Words that occur less often in all are left out.

    Returns
    -------
    DataFrame
        `group`, `word`, `count`, `others` (how often in the group, and in the others), `log_odds` (of
        the word in the group less that in the others) and `z`, its standard score; by group, the
        greatest `z` first. Beyond 1.96 or below -1.96 is more than chance for a single word.

    Raises
    ------
    ParameterError
        If the lengths differ, or there are not two groups that have words.

    References
    ----------
    B. L. Monroe, M. P. Colaresi and K. M. Quinn (2008), Fightin' words: lexical feature selection and
    evaluation for identifying the content of political conflict, Political Analysis 16(4), 372-403,
    equations 16, 19, 20 and 22.

    Examples
    --------
    >>> texts = pd.Series(["late parcel", "late again", "late", "wrong bill", "wrong parcel", "wrong"])
    >>> found = distinctive_words(texts, pd.Series(list("aaabbb")), prior=10)
    >>> found.groupby("group")["word"].first().to_dict()
    {'a': 'late', 'b': 'wrong'}
    """
    if len(values) != len(group):
        raise ParameterError(f"There are {len(values):,} texts, but {len(group):,} groups of them.")
    if not prior > 0:
        raise ParameterError(f"prior is a number of words above nought, not {prior!r}.")
    written = surface_words(values)
    shown = shown_words(written)
    labels = pd.Series(group).to_numpy()
    rows = [
        (label, stem(word))
        for label, words in zip(labels, written, strict=True)
        if not pd.isna(label)
        for word in words
    ]
    counts = pd.crosstab(*zip(*rows, strict=True)) if rows else pd.DataFrame()
    if len(counts) < 2:
        raise ParameterError(
            f"Words tell groups apart where two or more groups have some; {len(counts)} of "
            f"{pd.Series(labels).nunique()} do."
        )
    own = counts.to_numpy(dtype=float)
    everywhere = own.sum(axis=0)
    before = prior * everywhere / everywhere.sum()
    others = everywhere - own
    odds = [_log_odds(part + before, part.sum(axis=1, keepdims=True) + prior) for part in (own, others)]
    difference = odds[0] - odds[1]
    z = difference / np.sqrt(1 / (own + before) + 1 / (others + before))
    names = [shown[word] for word in counts.columns]
    found = pd.DataFrame(
        {"group": np.repeat(counts.index.to_numpy(), len(names)), "word": np.tile(names, len(counts)),
         "count": own.ravel().astype("int64"), "others": others.ravel().astype("int64"),
         "log_odds": difference.ravel(), "z": z.ravel()}
    )  # fmt: skip
    found = found[found["count"] + found["others"] >= minimum]
    return found.sort_values(["group", "z", "word"], ascending=[True, False, True], ignore_index=True)


def _log_odds(count: np.ndarray, total: np.ndarray) -> np.ndarray:
    return np.log(count) - np.log(total - count)


def key_phrases(values: pd.Series, minimum: int = 3, longest: int = 3) -> pd.DataFrame:
    """Pairs and triples of words that follow one another more often than chance would have it.

    No sign, number or end of a sentence stands in a phrase; it neither begins nor ends with a stop word.

    Parameters
    ----------
    values : Series of str
        Texts; missing ones do not count.
    minimum
        Phrases that occur less often are left out.
    longest
        2 for pairs only, or 3.

    Returns
    -------
    DataFrame
        `phrase` (as it is written most often), `words` (their number), `count`, `texts` (that have it)
        and `association`, the greatest first: the log-likelihood ratio of the phrase against its parts
        following one another by chance. A triple has the lesser of its two (first word against the
        last two, first two against the last). 10.83 is beyond chance at the level of 0.001 for one
        phrase alone.

    References
    ----------
    T. Dunning (1993), Accurate methods for the statistics of surprise and coincidence, Computational
    Linguistics 19(1), 61-74.

    Examples
    --------
    >>> texts = pd.Series(["customer service was slow", "slow customer service", "customer service!"])
    >>> key_phrases(texts)[["phrase", "count"]].values.tolist()
    [['customer service', 3]]
    """
    if longest not in (2, 3):
        raise ParameterError(f"longest is 2 or 3, not {longest!r}.")
    runs: list[tuple[int, list[str]]] = [
        (place, run)
        for place, text in enumerate(as_texts(values))
        if isinstance(text, str)
        for run in segments(text)
    ]
    stems = [(place, [stem(word) for word in run], run) for place, run in runs]
    counts = {size: _runs_of(stems, size) for size in range(1, longest + 1)}
    written: dict[tuple[str, ...], Counter[str]] = {}
    where: dict[tuple[str, ...], set[int]] = {}
    for place, keys, run in stems:
        for size in range(2, longest + 1):
            for start in range(len(run) - size + 1):
                key = tuple(keys[start : start + size])
                if counts[size][key] < minimum or any(
                    is_stop_word(run[end]) for end in (start, start + size - 1)
                ):
                    continue
                written.setdefault(key, Counter())[" ".join(run[start : start + size])] += 1
                where.setdefault(key, set()).add(place)
    rows = [
        (min(spelt, key=lambda one: (-spelt[one], one)), len(key), counts[len(key)][key], len(where[key]),
         min(_association(counts, key, cut) for cut in range(1, len(key))))
        for key, spelt in written.items()
    ]  # fmt: skip
    found = pd.DataFrame(rows, columns=["phrase", "words", "count", "texts", "association"])
    found = found.astype({"phrase": "str", "association": float})
    found = found[found["association"] > 0]
    return found.sort_values(["association", "phrase"], ascending=[False, True], ignore_index=True)


def _runs_of(stems: list[tuple[int, list[str], list[str]]], size: int) -> Counter[tuple[str, ...]]:
    return Counter(
        tuple(keys[start : start + size]) for _, keys, _ in stems for start in range(len(keys) - size + 1)
    )


def _association(counts: dict[int, Counter[tuple[str, ...]]], key: tuple[str, ...], cut: int) -> float:
    """Dunning's ratio of a phrase cut into two parts; nought if they meet less often than by chance."""
    both = counts[len(key)][key]
    first, second, total = counts[cut][key[:cut]], counts[len(key) - cut][key[cut:]], counts[1].total()
    return log_likelihood_ratio(both, first, second, total)


def log_likelihood_ratio(both: int, first: int, second: int, total: int) -> float:
    """How much two things come together beyond chance, -2 ln of the ratio of likelihoods.

    Parameters
    ----------
    both, first, second, total
        How often they come together, how often each comes, and of how many places.

    Returns
    -------
    float
        0 or more, as a chi-square of one degree of freedom; 0 if they come together less often than by
        chance.

    Examples
    --------
    >>> round(log_likelihood_ratio(110, 2552, 221, 31777), 1)
    270.7
    """
    table = np.array([[both, first - both], [second - both, total - first - second + both]], dtype=float)
    table = np.maximum(table, 0)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    if both <= expected[0, 0]:
        return 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(2 * np.where(table > 0, table * np.log(table / expected), 0).sum())
