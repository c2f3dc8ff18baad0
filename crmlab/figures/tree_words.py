"""What is written in a figure of a decision tree, and the table of its nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import crmlab.layout as layout
from crmlab.errors import ParameterError, did_you_mean, one_line

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.locale import Language

#: Values of a group that are tried to be written one by one.
_LISTED = 12
#: Significant digits of a cut that is no short number.
_DIGITS = 4


@dataclass(frozen=True)
class Words:
    """How columns, values, classes and numbers of a tree are written.

    Attributes
    ----------
    names
        Names of columns; others are written by `say`.
    show
        What writes the numbers of a column; short decimals if not given.
    say
        What writes names out of the data.
    """

    tongue: Language
    names: Mapping[str, str]
    show: Mapping[str, Callable[[float], str]]
    say: Callable[[str], str]

    def column(self, name: str) -> str:
        """The name of a column."""
        return self._apart(self.names.get(name) or self.say(name))

    def value(self, value: Any) -> str:
        """A value of a column of names, or a class."""
        plain = value.item() if hasattr(value, "item") else value
        if isinstance(plain, bool):
            return self.tongue("yes") if plain else self.tongue("no")
        return self._apart(self.say(plain)) if isinstance(plain, str) else self.tongue.digits(str(plain))

    def _apart(self, name: str) -> str:
        """A name on one line; a Persian one in English text between marks, to turn nothing round it."""
        name = one_line(name)
        turns = not self.tongue.right_to_left and any("\u0590" <= sign <= "\u08ff" for sign in name)
        return f"\u200e{name}\u200e" if turns else name

    def conditions(self, node: Any) -> list[str]:
        """What leads from the parent to a node, in more and in fewer words, longest first."""
        if node.parent is None:
            found = [self.tongue("all")]
        else:
            split, branch = node.parent.split, node.branch
            if split.missing_apart and branch == split.missing:
                found = [self.tongue("missing")]
            elif hasattr(split, "points"):
                found = self._interval(split, branch)
            else:
                found = self._values(split.groups[branch])
        return [f"{node.name} ({text})" for text in found] + [node.name] if node.name else found

    def _interval(self, split: Any, branch: int) -> list[str]:
        tongue, show = self.tongue, self.show.get(split.column)
        found = []
        if not split.points:
            return [tongue("not missing")]
        for digits in (_DIGITS, _DIGITS - 1) if show is None else (_DIGITS,):
            points = cut_texts(split.points, tongue, show, digits)
            if branch == 0:
                found += [tongue("up to {value}", value=points[0]), f"≤ {points[0]}"]
            elif branch == len(points):
                found += [tongue("over {value}", value=points[-1]), f"> {points[-1]}"]
            else:
                low, high = points[branch - 1], points[branch]
                found += [tongue("{low} to {high}", low=low, high=high), f"{low}–{high}"]
        # Read from the right, signs of order seem to mean the other way.
        return found[:1] + found[2:3] if tongue.right_to_left else found

    def _values(self, group: Sequence[Any]) -> list[str]:
        if not group:
            return [self.tongue("other values")]
        first = [self.value(value) for value in group[:_LISTED]]
        found = [self.tongue(", ").join(first)] if len(first) == len(group) else []
        for kept in range(min(len(group) - 1, _LISTED), 0, -1):
            some = self.tongue(", ").join(first[:kept])
            found.append(self.tongue("{values} and {n:,} more", values=some, n=len(group) - kept))
        for signs in (12, 6) if len(group) > 1 else ():
            if len(first[0]) > signs + 2:
                some = f"{first[0][:signs].rstrip()}…"
                found.append(self.tongue("{values} and {n:,} more", values=some, n=len(group) - 1))
        return found + [self.tongue("{n:,} {n:value|values}", n=len(group))] * (len(group) > 1)


def cut_texts(
    points: Sequence[float],
    tongue: Language,
    show: Callable[[float], str] | None = None,
    digits: int = _DIGITS,
) -> list[str]:
    """Cut points as text: short decimals in full, others to some digits or as many as tell them apart.

    >>> from crmlab.locale import language
    >>> cut_texts([0.1234567, 0.1234999, 2019.5], language("en"))
    ['0.12346', '0.1235', '2,019.5']
    """
    found: list[str] = []
    for tried in range(digits, 18):
        found = [show(point) if show else _short(point, tried, tongue) for point in points]
        if show or len(set(found)) == len(found):
            break
    return found


def _short(point: float, digits: int, tongue: Language) -> str:
    if not math.isfinite(point):
        return "∞" if point > 0 else "−∞"
    if point and not 1e-5 <= abs(point) < 1e15:
        return f"{point:.{digits}g}"
    # Single precision has seven digits: what is short in them was meant to be short.
    meant = f"{point:.7g}"
    size = math.floor(math.log10(abs(point))) if point else 0
    if sum(sign.isdigit() for sign in meant.lstrip("-0.")) <= 5 or meant.endswith(".5"):
        digits = max(digits, 7)
    decimals = max(digits - 1 - size, 0)
    # Whole numbers up to 1234567.5 are those up to 1234567.
    shown = math.floor(point) if decimals == 0 else point
    return layout.short(lambda number: tongue.number(number, decimals))(shown)


def event_place(tree: Any, event: Any) -> int | None:
    """Place of the class that is the event.

    Raises
    ------
    ParameterError
        If the tree has no such class.
    """
    if event is None:
        return None
    plain = [value.item() if hasattr(value, "item") else value for value in tree.classes]
    if event not in plain:
        raise ParameterError(f"The tree has no class {event!r}" + did_you_mean(str(event), map(str, plain)))
    return plain.index(event)


def tree_of_figure(tree: Any) -> Any:
    """A tree that can be drawn: as given, or that of a fitted classifier of ours.

    Raises
    ------
    ParameterError
        If it is none.
    """
    found = tree if hasattr(tree, "root") else getattr(tree, "tree_", tree)
    if not hasattr(found, "root") or not hasattr(found, "classes"):
        raise ParameterError(
            f"Expected a decision tree of crmlab, got {type(tree).__name__}; of a fitted classifier of "
            "scikit-learn make one first: crm.mining.methods.trees.tree_of(classifier)."
        )
    return found


def shown_nodes(root: Any, depth: int) -> Iterator[tuple[Any, int, bool]]:
    """Nodes up to `depth` steps from the root, parents first: node, steps, whether a row ends there."""
    waiting = [(root, 0)]
    while waiting:
        node, steps = waiting.pop()
        ends = not node.children or steps == depth
        yield node, steps, ends
        if not ends:
            waiting.extend((child, steps + 1) for child in reversed(node.children))


def tree_table(tree: Any, event: Any = None) -> pd.DataFrame:
    """The nodes of a decision tree as a table: what a figure of it shows, in full.

    Parameters
    ----------
    tree
        A `crmlab.mining.methods.trees.Tree`, or a fitted classifier that has one as its `tree_`.
    event
        The class whose rate and lift are wanted.

    Returns
    -------
    DataFrame
        One row per node, each before its children. `node` is its place ("1.2"), `level` 1 for the root,
        `column` and `condition` what leads to it from the node above, `n` its rows (the sum of their
        weights), ``share of <class>`` the share of each class in them, `prediction` and `probability` what
        is predicted there, `leaves` the number of leaves below (1 for a leaf). With an event `rate` is its
        share and `lift` that share by the one at the root; missing where there are no rows.
    """
    import numpy as np
    import pandas as pd

    tree, place = tree_of_figure(tree), event_place(tree_of_figure(tree), event)
    nodes = list(tree.root.nodes)
    leaves: dict[int, int] = {}
    for node in reversed(nodes):
        leaves[id(node)] = sum(leaves[id(child)] for child in node.children) or 1
    counts = np.array([node.counts for node in nodes])
    weights = np.array([node.weight for node in nodes])
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = counts / weights[:, None]
    table = pd.DataFrame({
        "node": [node.key for node in nodes],
        "level": [node.level for node in nodes],
        "column": [node.parent.split.column if node.parent else "" for node in nodes],
        "condition": [_in_full(node) for node in nodes],
        "n": weights,
        **{f"share of {name}": shares[:, at] for at, name in enumerate(tree.classes)},
        "prediction": [str(tree.classes[node.prediction]) for node in nodes],
        "probability": [float(node.probabilities[node.prediction]) for node in nodes],
        "leaves": [leaves[id(node)] for node in nodes],
    })  # fmt: skip
    if (weights == np.floor(weights)).all():
        table["n"] = table["n"].astype("int64")
    if place is not None:
        with np.errstate(invalid="ignore", divide="ignore"):
            table["rate"], table["lift"] = shares[:, place], shares[:, place] / shares[0, place]
    return table


def _in_full(node: Any) -> str:
    """What leads to a node, with every value and digit, and where missing and unknown values go."""
    if node.parent is None:
        return "all"
    split, branch = node.parent.split, node.branch
    if split.missing_apart and branch == split.missing:
        return "missing"
    if hasattr(split, "points"):
        low = [f"over {split.points[branch - 1]!r}"] if branch else []
        high = [f"up to {split.points[branch]!r}"] if branch < len(split.points) else []
        found = [" ".join(low + high) or "not missing"]
    else:
        found = [", ".join(map(str, split.groups[branch]))] if split.groups[branch] else []
        found += ["any other value"] * (branch == split.other)
    return " or ".join(found + ["missing"] * (branch == split.missing))
