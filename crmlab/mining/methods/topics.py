"""Topics of short texts by non-negative matrix factorisation, with coherence and stability.

Short texts share few words, so words are compared before texts are: each word is described by the words
that it stands together with, directly and at one remove (the cosine similarities of the columns of the
TF-IDF matrix, multiplied by themselves). This table of words by words is factorised; a text has the
topics of its words. Greetings and closings, which stand beside everything, have no topic of their own in
it, and the cost of the factorisation does not grow with the number of texts.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError
from crmlab.mining.methods.text import language_of, tfidf

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

#: Words by which a topic is judged, and texts from which on topics can be told apart.
TOP_WORDS, FEWEST_TEXTS = 10, 10
_LEFT_OUT, _SMALLEST_TOPIC = 0.2, 5


class Topics(NamedTuple):
    """Topics of texts; see `topics`.

    Attributes
    ----------
    words : DataFrame
        `topic`, `rank`, `word`, `weight` (0 to 1 within the topic), the first words of each topic.
    weights : DataFrame
        Indexed like the texts, a column per topic: share of the topic in the words of the text, 0 to
        1, adding up to 1; missing where the text has none of the words.
    quality : DataFrame
        Indexed by `topic`: `texts` (that have it as their first), `share` of them, `coherence` (-1 to
        1), `stability` (0 to 1), `label` (its first three words).
    choice : DataFrame
        Indexed by `n_topics`: mean `coherence` and `stability` for each number that was tried.
    """

    words: pd.DataFrame
    weights: pd.DataFrame
    quality: pd.DataFrame
    choice: pd.DataFrame


def topics(
    values: pd.Series, n_topics: int | None = None, seed: int = 0, most: int = 12, repeats: int = 5
) -> Topics:
    """What texts are about: groups of words that stand together, and their shares in each text.

    Parameters
    ----------
    values : Series of str
        One text each; missing ones have no topic.
    n_topics
        Number of topics, 2 or more. If it is not given, all numbers from 2 to `most` are tried, and the
        one with the greatest (1 + coherence) stability^2, over the means of its topics, is taken.
    seed
        Of the samples by which stability is judged; equal seeds give equal topics.
    repeats
        Samples, each of 80 % of the texts.

    Returns
    -------
    Topics
        Numbered from 1, the one that most texts are about first.

    Raises
    ------
    ParameterError
        If fewer than ten texts share words, or there are too few words for so many topics.

    Notes
    -----
    Coherence of a topic is the mean normalised pointwise mutual information of its first ten words over
    all pairs, ln(p(a, b) / p(a) p(b)) / -ln p(a, b), with p the shares of texts: -1 for words that never
    meet, 0 for independent ones, 1 for words that never part. Stability is the mean cosine of its word
    weights with those of the matching topic of each sample (a one-to-one matching of greatest sum).

    References
    ----------
    D. D. Lee and H. S. Seung (2001), Algorithms for non-negative matrix factorization, NIPS 13
    (divergence of Kullback and Leibler); S. K. M. Wong, W. Ziarko and P. C. N. Wong (1985), Generalized
    vector space model in information retrieval, SIGIR (words by words); G. Bouma (2009), Normalized
    (pointwise) mutual information in collocation extraction, GSCL; D. Greene, D. O'Callaghan and
    P. Cunningham (2014), How many topics? Stability analysis for topic models, ECML PKDD.

    Examples
    --------
    >>> late = ["parcel late again", "late parcel, slow courier", "courier slow and parcel lost"] * 4
    >>> bill = ["invoice wrong amount", "wrong invoice charged", "charged wrong amount"] * 4
    >>> found = topics(pd.Series(late + bill), n_topics=2)
    >>> found.weights.idxmax(axis="columns").tolist() == [1] * 12 + [2] * 12
    True
    """
    if not isinstance(most, int) or most < 2 or not isinstance(repeats, int) or repeats < 1:
        raise ParameterError(
            f"most is a whole number from 2, repeats one from 1, not {most!r} and {repeats!r}."
        )
    if n_topics is not None and (isinstance(n_topics, bool) or not isinstance(n_topics, int) or n_topics < 2):
        raise ParameterError(f"n_topics is a whole number from 2, or None to choose one, not {n_topics!r}.")
    matrix, words = tfidf(values)
    filled = np.flatnonzero(np.diff(matrix.indptr))
    if len(filled) < FEWEST_TEXTS:
        raise ParameterError(
            f"Topics need {FEWEST_TEXTS} comments or more that share words with others; {len(filled):,} of "
            f"{len(matrix.indptr) - 1:,} do."
        )
    given = matrix[filled]
    possible = min(len(words), given.shape[0]) // (1 if n_topics else _SMALLEST_TOPIC)
    if possible < (n_topics or 2):
        raise ParameterError(
            f"{len(words):,} words in {len(filled):,} comments are too few for {n_topics or 2} topics; "
            "give more comments or fewer topics."
        )
    tried = [n_topics] if n_topics else range(2, min(most, possible) + 1)
    samples = _samples(given, repeats, seed)
    found = {number: _judged(given, samples, number, seed) for number in tried}
    choice = pd.DataFrame(
        {number: (coherence.mean(), stability.mean()) for number, (_, coherence, stability) in found.items()},
        index=["coherence", "stability"],
    ).T.rename_axis("n_topics")
    merit = (1 + choice["coherence"]) * choice["stability"] ** 2
    return _told(values, matrix, words, *found[int(merit.idxmax())], choice)


def _samples(matrix: csr_matrix, repeats: int, seed: int) -> list[csr_matrix]:
    """Texts without a fifth of them, each time another."""
    n, random = matrix.shape[0], np.random.default_rng(seed)
    kept = n - int(n * _LEFT_OUT)
    return [matrix[np.sort(random.permutation(n)[:kept])] for _ in range(repeats)]


def _judged(
    matrix: csr_matrix, samples: list[csr_matrix], number: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Word weights of some topics (a row each), their coherence and their stability."""
    from scipy.optimize import linear_sum_assignment
    from sklearn.preprocessing import normalize

    weights = _factorised(matrix, number, seed)
    alike = np.zeros(number)
    for sample in samples:
        cosines = normalize(weights) @ normalize(_factorised(sample, number, seed)).T
        rows, columns = linear_sum_assignment(cosines, maximize=True)
        alike[rows] += cosines[rows, columns]
    coherence = np.array([npmi_coherence(matrix[:, first_words(row)] > 0) for row in weights])
    return weights, coherence, alike / len(samples)


def _factorised(matrix: csr_matrix, number: int, seed: int) -> np.ndarray:
    """Word weights of some topics, a row each."""
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.preprocessing import normalize

    columns = normalize(matrix, axis=0)
    beside = (columns.T @ columns).toarray()
    model = NMF(
        number, init="nndsvda", solver="mu", beta_loss="kullback-leibler", tol=1e-3, random_state=seed
    )
    with warnings.catch_warnings():
        # What two hundred steps leave to be done is too little to be seen in the first words.
        warnings.simplefilter("ignore", ConvergenceWarning)
        weights = model.fit_transform(normalize(beside @ beside))
    return (weights * model.components_.sum(axis=1)).T


def first_words(weights: np.ndarray, count: int = TOP_WORDS) -> np.ndarray:
    """Places of the greatest weights that are not nought, the greatest first."""
    order = np.argsort(-weights, kind="stable")[:count]
    return order[weights[order] > 0]


def npmi_coherence(there: csr_matrix | np.ndarray) -> float:
    """Mean normalised pointwise mutual information of all pairs of words.

    Parameters
    ----------
    there
        Texts by words: whether the text has the word. Each word stands in at least one text.

    Returns
    -------
    float
        -1 to 1; missing for fewer than two words.

    References
    ----------
    G. Bouma (2009), Normalized (pointwise) mutual information in collocation extraction, GSCL.

    Examples
    --------
    >>> float(npmi_coherence(np.array([[1, 1], [1, 1], [0, 0], [0, 0]])))
    1.0
    """
    there = there.astype(float)
    together = there.T @ there
    together = np.asarray(together.toarray() if hasattr(together, "toarray") else together) / there.shape[0]
    each = np.diag(together)
    first, second = np.triu_indices(len(each), 1)
    if not len(first):
        return np.nan
    both = together[first, second]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log(both / (each[first] * each[second])) / -np.log(both)
    # Words that never meet have the limit -1, words that stand in every text the limit 1.
    return float(np.where(both <= 0, -1.0, np.where(both >= 1, 1.0, found)).mean())


def _told(
    values: pd.Series,
    matrix: csr_matrix,
    words: np.ndarray,
    weights: np.ndarray,
    coherence: np.ndarray,
    stability: np.ndarray,
    choice: pd.DataFrame,
) -> Topics:
    """Topics in order and in words."""
    of_word = weights / np.maximum(weights.sum(axis=0), np.finfo(float).tiny)
    shares = matrix @ of_word.T
    total = shares.sum(axis=1)
    known = total > 0
    main = shares.argmax(axis=1)
    counts = np.bincount(main[known], minlength=len(weights))
    order = np.argsort(-counts, kind="stable")
    numbers = pd.RangeIndex(1, len(weights) + 1, name="topic")
    shares[known] /= total[known, None]
    shares[~known] = np.nan
    index = values.index if isinstance(values, pd.Series) else None
    rows, labels = [], []
    for number, place in zip(numbers, order, strict=True):
        first = first_words(weights[place])
        named = words[first[:3]]
        persian = language_of(pd.Series([" ".join(named)])).item() == "fa"
        labels.append(("، " if persian else ", ").join(named))
        share = weights[place][first] / weights[place].sum()
        rows += zip([number] * len(first), range(1, len(first) + 1), words[first], share, strict=True)
    quality = pd.DataFrame(
        {"texts": counts[order], "share": counts[order] / counts.sum(), "coherence": coherence[order],
         "stability": stability[order], "label": labels}, index=numbers,
    )  # fmt: skip
    listed = pd.DataFrame(rows, columns=["topic", "rank", "word", "weight"]).astype({"word": "str"})
    return Topics(listed, pd.DataFrame(shares[:, order], index=index, columns=numbers), quality, choice)
