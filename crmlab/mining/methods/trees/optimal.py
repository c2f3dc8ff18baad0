"""Shallow subtrees that are (nearly) the best there are: what a split is worth with the splits below it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crmlab.mining.methods.trees.bins import Bins, NumericBins
from crmlab.mining.methods.trees.evidence import Evidence, split_bits
from crmlab.mining.methods.trees.grow import Grown, apply_split, can_split

#: Most questions that all columns are put into, and most of one column.
QUESTIONS, OF_ONE_COLUMN = 1024, 15

#: First questions that are followed up where more than two levels are looked at: at least so many, and as
#: many more as can be answered with so many multiplications.
FOLLOWED, WORK = 16, 1e10

#: Gives what the classes of leaves cost: class counts, classes first, to numbers.
Loss = Callable[[list[np.ndarray]], np.ndarray]


@dataclass
class Questions:
    """Yes-and-no questions about the rows: is a number up to a cut, is a name this one.

    Attributes
    ----------
    yes : ndarray, shape (rows, questions)
        The answers as 0 and 1.
    column : ndarray
        Column of each question.
    codes : list of ndarray
        The codes of that column whose answer is yes.
    price : ndarray
        What a split by the question costs.
    """

    yes: np.ndarray
    column: np.ndarray
    codes: list[np.ndarray]
    price: np.ndarray


def questions_of(codes: np.ndarray, columns: Bins, max_branches: int, complexity: float) -> Questions:
    """Cuts of each column of numbers at about even steps, and the commonest values of columns of names."""
    most = max(1, min(OF_ONE_COLUMN, QUESTIONS // len(columns)))
    found, column_of, prices = [], [], []
    for place, column in enumerate(columns):
        loads = np.bincount(codes[place], minlength=column.n_bins + 1)
        known = np.flatnonzero(loads[: column.n_bins])
        asked = []
        if isinstance(column, NumericBins) and len(known) > 1:
            share = np.cumsum(loads[known])[:-1] / loads[known].sum()
            steps = np.unique(np.searchsorted(share, np.arange(1, most + 1) / (most + 1)))
            chosen = np.arange(len(known) - 1) if len(known) - 1 <= most else steps[steps < len(known) - 1]
            asked = [np.arange(column.n_bins + 1) <= known[at] for at in chosen]
        elif len(known) > 1:
            common = known[np.argsort(-loads[known], kind="stable")][:most]
            asked = [np.arange(column.n_bins + 1) == at for at in (common[:1] if len(known) == 2 else common)]
        if loads[column.n_bins]:
            asked.append(np.arange(column.n_bins + 1) == column.n_bins)
        numeric = isinstance(column, NumericBins)
        price = split_bits(len(columns), max_branches, np.array(len(known)), np.array(2.0), np.array(numeric))
        found += asked
        column_of += [place] * len(asked)
        prices += [complexity * float(price)] * len(asked)
    yes = np.empty((codes.shape[1], len(found)), dtype=np.float32)
    for place, (column, asked) in enumerate(zip(column_of, found, strict=True)):
        yes[:, place] = asked[codes[column]]
    return Questions(yes, np.array(column_of, dtype=np.intp), found, np.array(prices))


def best_question(
    questions: Questions, target: np.ndarray, weight: np.ndarray | None, rows: np.ndarray, depth: int,
    n_classes: int, loss: Loss,
) -> tuple[float, int]:  # fmt: skip
    """Least loss of a tree of a depth on some rows, and the question at its root; -1 for a leaf.

    Up to depth 2 it is the best tree there is: one product of the answers tells the classes of all
    pairs of questions (as Demirovic et al. 2022, section 4.2). For each level more, the first
    questions that are best by the trees below them, sixteen or more, are followed up.

    References
    ----------
    E. Demirovic et al. (2022), MurTree: optimal decision trees via dynamic programming and search,
    Journal of Machine Learning Research 23 (26), 1-47.
    """
    of_class = np.bincount(target[rows], None if weight is None else weight[rows], n_classes).astype(float)
    leaf = float(loss(list(of_class)))
    if depth == 0 or (of_class > 0).sum() < 2 or not len(questions.column):
        return leaf, -1
    both, own = [], []
    for c in range(n_classes):
        here = rows[target[rows] == c]
        yes = questions.yes[here]
        right = yes if weight is None else yes * weight[here, None].astype(np.float32)
        if depth == 1:
            own.append(right.sum(0, dtype=np.float64))
        else:
            both.append((yes.T @ right).astype(np.float64))
            own.append(both[-1].diagonal().copy())
    yes_loss = loss(own)
    no_loss = loss([total - part for total, part in zip(of_class, own, strict=True)])
    if depth > 1:
        split = questions.price[None, :]
        apart = loss(both) + loss([part[:, None] - pair for part, pair in zip(own, both, strict=True)])
        yes_loss = np.minimum(yes_loss, (apart + split).min(1))
        none = [part[None, :] - pair for part, pair in zip(own, both, strict=True)]
        rest = [
            total - part[:, None] - one for total, part, one in zip(of_class, own, none, strict=True)
        ]  # fmt: skip
        no_loss = np.minimum(no_loss, (loss(none) + loss(rest) + split).min(1))
    total = yes_loss + no_loss + questions.price
    asked = sum(own)
    # A question that all rows answer alike parts nothing, whatever is asked below it.
    total[(asked <= 0) | (asked >= of_class.sum())] = np.inf
    if depth <= 2:
        best = int(total.argmin())
        return (float(total[best]), best) if total[best] < leaf - 1e-9 else (leaf, -1)
    best, chosen = leaf - 1e-9, -1
    followed = max(FOLLOWED, int(WORK / (len(rows) * len(total) ** 2)))
    for question in np.argsort(total, kind="stable")[:followed]:
        if total[question] == np.inf:
            break
        side = questions.yes[rows, question] > 0
        value = questions.price[question]
        for part in (rows[side], rows[~side]):
            value += best_question(questions, target, weight, part, depth - 1, n_classes, loss)[0]
        if value < best:
            best, chosen = float(value), int(question)
    return (best, chosen) if chosen >= 0 else (leaf, -1)


def grow_ahead(
    codes: np.ndarray, target: np.ndarray, weight: np.ndarray | None, columns: Bins, evidence: Evidence,
    costs: np.ndarray | None, *, look_ahead: int, by_mistakes: bool, max_branches: int, max_height: int,
    max_leaves: int, min_weight: float, complexity: float,
) -> Grown:  # fmt: skip
    """A tree of splits in two, each chosen with up to `look_ahead` levels of splits below it.

    Parameters are those of :func:`grow`; `by_mistakes` counts the mistakes of the leaves (or their
    costs) instead of the bits of their classes.
    """
    n_classes = evidence.n_classes
    questions = questions_of(codes, columns, max_branches, 0.0 if by_mistakes else complexity)
    if by_mistakes:
        questions.price[:] = complexity

    def loss(counts: list[np.ndarray]) -> np.ndarray:
        if not by_mistakes:
            taken = sum(evidence.of_class(np.asarray(count)) for count in counts)
            return evidence.of_total(np.asarray(sum(counts))) - taken
        if costs is None:
            return sum(counts) - np.maximum.reduce(counts)
        return np.minimum.reduce(
            [sum(count * costs[true, predicted] for true, count in enumerate(counts))
             for predicted in range(n_classes)]
        )  # fmt: skip

    root = Grown(np.bincount(target, weight, n_classes).astype(float))
    waiting, leaves = [(root, np.arange(codes.shape[1]), 0)], 1
    while waiting:
        node, rows, height = waiting.pop(0)
        if height >= max_height or leaves >= max_leaves or not can_split(node, min_weight):
            continue
        depth = min(look_ahead + 1, max_height - height)
        _, question = best_question(questions, target, weight, rows, depth, n_classes, loss)
        if question < 0:
            continue
        column = int(questions.column[question])
        bins = columns[column]
        here = None if weight is None else weight[rows]
        place = codes[column, rows].astype(np.intp) * n_classes + target[rows]
        counts = np.bincount(place, here, (bins.n_bins + 1) * n_classes).reshape(-1, n_classes)
        branch = 1 - questions.codes[question].astype(np.uint8)
        _place_unseen(branch, counts.sum(-1), bins)
        if min(counts[branch == side].sum() for side in (0, 1)) < max(min_weight, 1e-300):
            continue
        apply_split(node, column, branch, counts.astype(float), bins)
        leaves += 1
        side = branch[codes[column, rows]]
        waiting += [(child, rows[side == at], height + 1) for at, child in enumerate(node.children)]
    return root


def _place_unseen(branch: np.ndarray, loads: np.ndarray, bins: NumericBins) -> None:
    """Names and gaps that no row of the node has go where most rows go."""
    heaviest = np.bincount(branch, loads, minlength=2).argmax()
    unseen = loads == 0
    if isinstance(bins, NumericBins):
        unseen[: bins.n_bins] = False
    branch[unseen] = heaviest
