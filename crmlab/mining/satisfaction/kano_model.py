"""Kano's model: which features please, which are taken for granted, and which nobody minds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.errors import ParameterError, listed
from crmlab.mining.methods.intervals import wilson
from crmlab.mining.satisfaction.service_quality import as_answers

#: What an answer to the functional (row) and dysfunctional question (column) means together; answers from
#: 1 to 5: I like it, I expect it, I am neutral, I can live with it, I dislike it.
EVALUATION = ("QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ")

#: Where counts are equal, the class that matters most for what is to be built comes first.
CATEGORIES = ("M", "O", "A", "I", "R", "Q")


def kano(functional: pd.DataFrame, dysfunctional: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Class of each feature from two questions: how do you feel if it is there, and if it is not?

    A pair of answers is A (attractive: pleases, is not missed), O (one-dimensional: the more the better),
    M (must-be: missed, taken for granted), I (indifferent), R (reverse: not wanted) or Q (questionable:
    the answers contradict each other).

    Parameters
    ----------
    functional, dysfunctional
        One row per respondent with one index, one column per feature with the same names; answers 1
        I like it, 2 I expect it, 3 I am neutral, 4 I can live with it, 5 I dislike it. A respondent
        counts for a feature if both answers are there.

    Returns
    -------
    DataFrame
        Indexed by `feature`: `category`, the most frequent class (of equally frequent ones the first of M,
        O, A, I, R, Q); `second`, the next; `strength`, how many more respondents chose the first, as a
        share of all (category strength; Lee and Newcomb call a feature mixed from 0.06 down); `clear`,
        Fong's test at 10 %: a - b > 1.65 sqrt((a + b)(2n - a - b) / 2n); `better`, `better_low`,
        `better_high`: (A + O) / (A + O + M + I), the share whom it pleases to have it; `worse`,
        `worse_low`, `worse_high`: -(O + M) / (A + O + M + I), the share whom it annoys to lack it, with
        Wilson's intervals; the counts `A`, `O`, `M`, `I`, `R`, `Q`, and `n`. Without respondents there is
        no class.

    Raises
    ------
    ParameterError
        If the frames have different features or respondents, or an answer is none of 1 to 5.

    References
    ----------
    N. Kano, N. Seraku, F. Takahashi and S. Tsuji (1984), Attractive quality and must-be quality, Journal
    of the Japanese Society for Quality Control 14(2), 39-48.
    C. Berger et al. (1993), Kano's methods for understanding customer-defined quality, Center for Quality
    Management Journal 2(4), 3-35.
    D. Fong (1996), Using the self-stated importance questionnaire to interpret Kano questionnaire
    results, Center for Quality Management Journal 5(3), 21-24.
    M. C. Lee and J. F. Newcomb (1997), Applying the Kano methodology to meet customer requirements,
    Quality Management Journal 4(3), 95-110.

    Examples
    --------
    >>> there = pd.DataFrame({"wrapping": [1, 1, 1, 3], "delivery": [2, 1, 3, 2]})
    >>> lacking = pd.DataFrame({"wrapping": [3, 4, 5, 3], "delivery": [5, 5, 5, 5]})
    >>> kano(there, lacking)[["category", "better", "worse"]].values.tolist()
    [['A', 0.75, -0.25], ['M', 0.25, -1.0]]
    """
    if not functional.columns.is_unique or set(functional.columns) != set(dysfunctional.columns):
        raise ParameterError("Both questions are about the same features: give the columns the same names.")
    if not functional.index.equals(dysfunctional.index):
        raise ParameterError("Both questions are answered by the same respondents: give them one index.")
    features = list(functional.columns)
    if not features:
        raise ParameterError("There is no feature to classify.")
    there, lacking = (_codes(side[features]) for side in (functional, dysfunctional))
    letters = np.array([list(row) for row in EVALUATION])
    both = ~(np.isnan(there) | np.isnan(lacking))
    row, column = (np.where(both, side, 1).astype(int) - 1 for side in (there, lacking))
    judged = np.where(both, letters[row, column], "")
    counts = np.stack([(judged == name).sum(axis=0) for name in CATEGORIES], axis=1)
    n = counts.sum(axis=1)
    # A stable sort keeps the order of the classes where counts are equal.
    order = np.argsort(-counts, axis=1, kind="stable")
    a, b = (np.take_along_axis(counts, order[:, [at]], axis=1)[:, 0] for at in (0, 1))
    names = np.array(CATEGORIES, dtype=object)
    nothing = n == 0
    with np.errstate(invalid="ignore", divide="ignore"):
        strength = (a - b) / n
        clear = a - b > 1.65 * np.sqrt((a + b) * (2 * n - a - b) / (2 * n))
    found = pd.DataFrame({
        "category": np.where(nothing, None, names[order[:, 0]]),
        "second": np.where(b > 0, names[order[:, 1]], None),
        "strength": strength, "clear": clear & ~nothing,
    }, index=pd.Index(features, name="feature"))  # fmt: skip
    by = {name: counts[:, at] for at, name in enumerate(CATEGORIES)}
    base = by["A"] + by["O"] + by["M"] + by["I"]
    with np.errstate(invalid="ignore", divide="ignore"):
        found["better"] = (by["A"] + by["O"]) / base
        found["better_low"], found["better_high"] = wilson(by["A"] + by["O"], base, level)
        found["worse"] = -(by["O"] + by["M"]) / base
        high, low = wilson(by["O"] + by["M"], base, level)
        found["worse_low"], found["worse_high"] = -low, -high
    return found.assign(**{name: by[name] for name in "AOMIRQ"}, n=n)


def _codes(answers: pd.DataFrame) -> np.ndarray:
    numbers = as_answers(answers)
    wrong = (numbers.notna() & ~numbers.isin(range(1, 6))).sum()
    if wrong.any():
        raise ParameterError(
            f"Kano answers are 1 (I like it), 2 (I expect it), 3 (neutral), 4 (I can live with it) or 5 (I "
            f"dislike it); other answers are in {listed(map(str, wrong.index[wrong > 0]), 200)}."
        )
    return numbers.to_numpy()
