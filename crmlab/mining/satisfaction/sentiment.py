"""Sentiment of comments, learnt from comments that people have labelled."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix, hstack
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from crmlab.errors import ParameterError
from crmlab.letters import ZWNJ
from crmlab.mining.methods.text import as_texts, normalized

#: A word, or a sign that speaks.
_WORD = rf"[^\W_]+(?:{ZWNJ}[^\W_]+)*|[!?؟…]"


class SentimentClassifier(ClassifierMixin, BaseEstimator):
    """Linear classifier of short texts, English, Persian or mixed, for any labels.

    Runs of characters and of words are weighed by TF-IDF, and each of them by how much more or less it
    is used in a class than in the others (the log-count ratio of naive Bayes, without its sign, and a
    floor added to it); a logistic regression per class is fitted to that. It needs no network, no word
    lists and no other data than those given.

    Parameters
    ----------
    characters, words
        Shortest and longest run of each.
    minimum_texts
        Runs in fewer texts are left out.
    smoothing
        Added to each count before the ratio is taken.
    floor
        Weight of a run whose ratio is nought.
    C
        Inverse strength of the penalty.
    class_weight
        ``"balanced"``: rare classes count as much as common ones; None: each text counts alike.

    Attributes
    ----------
    classes_ : ndarray
        Labels, sorted.
    words_ : DataFrame
        `class`, `word`, `weight`: words and pairs of words that speak for each class (weight above
        nought), the strongest first.

    References
    ----------
    S. Wang and C. D. Manning (2012), Baselines and bigrams: simple, good sentiment and topic
    classification, ACL.

    Examples
    --------
    >>> texts = pd.Series(["very good", "so good", "very bad", "so bad"])
    >>> model = SentimentClassifier().fit(texts, ["+", "+", "-", "-"])
    >>> model.predict(["good indeed", "a bad one"]).tolist()
    ['+', '-']
    """

    def __init__(
        self,
        characters: tuple[int, int] = (2, 5),
        words: tuple[int, int] = (1, 2),
        minimum_texts: int = 2,
        smoothing: float = 0.1,
        floor: float = 0.5,
        C: float = 1.0,
        class_weight: str | None = "balanced",
    ) -> None:
        self.characters = characters
        self.words = words
        self.minimum_texts = minimum_texts
        self.smoothing = smoothing
        self.floor = floor
        self.C = C
        self.class_weight = class_weight

    def fit(self, X: pd.Series | list[str], y: ArrayLike) -> Self:
        """Learn from labelled texts.

        Parameters
        ----------
        X
            One text each.
        y
            Their labels, of two classes or more.

        Raises
        ------
        ParameterError
            If a text or a label is missing, the lengths differ, there is one class only, or the texts
            have nothing in common.
        """
        texts, labels = _texts(X), np.asarray(y)
        if labels.ndim != 1 or len(labels) != len(texts):
            raise ParameterError(f"There are {len(texts):,} texts, but labels of the shape {labels.shape}.")
        if pd.isna(labels).any():
            missing = int(pd.isna(labels).sum())
            raise ParameterError(f"{missing:,} of {len(labels):,} labels are missing; leave such texts out.")
        check_classification_targets(labels)
        self.classes_, known = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ParameterError("All texts have one label; a classifier needs two classes or more.")
        kept: dict[str, Any] = {"lowercase": False, "sublinear_tf": True, "min_df": self.minimum_texts}
        self._weigh = [
            TfidfVectorizer(analyzer="char", ngram_range=self.characters, **kept),
            TfidfVectorizer(token_pattern=_WORD, ngram_range=self.words, **kept),
        ]
        try:
            features = hstack([one.fit_transform(texts) for one in self._weigh], format="csr")
        except ValueError:  # scikit-learn's word for a vocabulary without words
            raise ParameterError(
                f"No word stands in {self.minimum_texts} or more of the {len(texts):,} texts: there is "
                "nothing to learn from."
            ) from None
        # Of two classes, what speaks against one speaks for the other.
        positive = range(len(self.classes_)) if len(self.classes_) > 2 else [1]
        fitted = [self._one_against_others(features, known == place) for place in positive]
        self.coef_ = np.stack([weights for weights, _ in fitted])
        self.intercept_ = np.array([intercept for _, intercept in fitted])
        self.words_ = self._speaking_words()
        return self

    def _one_against_others(self, features: csr_matrix, own: np.ndarray) -> tuple[np.ndarray, float]:
        counts = [np.asarray(features[rows].sum(axis=0)).ravel() + self.smoothing for rows in (own, ~own)]
        ratio = np.log(counts[0] / counts[0].sum()) - np.log(counts[1] / counts[1].sum())
        scale = self.floor + np.abs(ratio)
        model = LogisticRegression(C=self.C, class_weight=self.class_weight, max_iter=1000)
        model.fit(features.multiply(scale).tocsr(), own)
        return model.coef_[0] * scale, float(model.intercept_[0])

    def _speaking_words(self) -> pd.DataFrame:
        names = self._weigh[1].get_feature_names_out()
        weights = self.coef_[:, -len(names) :]
        weights = weights if len(self.classes_) > 2 else np.vstack([-weights[0], weights[0]])
        parts = [
            pd.DataFrame({"class": label, "word": names, "weight": row}).query("weight > 0")
            for label, row in zip(self.classes_, weights, strict=True)
        ]
        words = pd.concat(parts).sort_values(["class", "weight", "word"], ascending=[True, False, True])
        return words.astype({"word": "str"}).reset_index(drop=True)

    def decision_function(self, X: pd.Series | list[str]) -> np.ndarray:
        """How much speaks for each class (a column each), or for the second of two."""
        check_is_fitted(self, "coef_")
        texts = _texts(X)
        features = hstack([one.transform(texts) for one in self._weigh], format="csr")
        found = features @ self.coef_.T + self.intercept_
        return found if len(self.classes_) > 2 else found[:, 0]

    def predict_proba(self, X: pd.Series | list[str]) -> np.ndarray:
        """Probability of each class, a column each in the order of `classes_`.

        With more than two classes, the probabilities of one against the others, made to add up to 1.
        """
        from scipy.special import expit

        found = expit(self.decision_function(X))
        if found.ndim == 1:
            return np.column_stack([1 - found, found])
        return found / found.sum(axis=1, keepdims=True)

    def predict(self, X: pd.Series | list[str]) -> np.ndarray:
        """The likeliest class of each text."""
        shares = self.predict_proba(X)
        return self.classes_[shares.argmax(axis=1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def _texts(given: pd.Series | list[str]) -> list[str]:
    """Texts in one form; none may be missing."""
    if isinstance(given, str):
        raise ParameterError("Give a list or a Series of texts, not one text.")
    if np.ndim(given) > 1:
        raise ParameterError("Give one column of texts, not a table.")
    texts = as_texts(given if isinstance(given, pd.Series) else pd.Series(list(given), dtype="object"))
    if texts.isna().any():
        raise ParameterError(
            f"{int(texts.isna().sum()):,} of {len(texts):,} texts are missing; leave them out, as in "
            "texts.dropna()."
        )
    return [normalized(text) for text in texts]
