"""Figures of decision trees: the root at one side, a row for each leaf, conditions on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from crmlab.errors import ParameterError
from crmlab.figures.canvas import DARK, GREY, LIGHT, WIDTH, canvas, directed
from crmlab.figures.pen import Pen
from crmlab.figures.tree_words import Words, event_place, shown_nodes, tree_of_figure
from crmlab.locale import language

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from crmlab.locale import Language

_PALE, _MIDDLE, _WAY = "#dfe6ee", "#8fb2d4", "#c9cfd6"
#: Inches: what is drawn on, a row, between two steps, bars of nodes and of rows, between columns.
_ACROSS, _ROW, _GAP, _THIN, _THICK, _PAD = WIDTH - 0.2, 0.3, 0.24, 0.08, 0.15, 0.14
#: Inches: least and most of a step, and of the bars of rows; most of a prediction.
_STEP, _BAR, _SAID = (0.5, 2.0), (0.8, 1.8), 1.5
#: Steps and rows that a tree is drawn with if nobody says how deep, and rows that a picture can hold.
_STEPS, _ROWS, _MOST = 5, 60, 400
#: Classes with a look of their own.
_CLASSES = 10


class _Given(NamedTuple):
    """A tree, how it is written, the place of the event, and its nodes that are drawn (see `shown_nodes`)."""

    tree: Any
    words: Words
    place: int | None
    shown: list[tuple[Any, int, bool]]

    @property
    def tongue(self) -> Language:
        return self.words.tongue


class _Looks(NamedTuple):
    """How the classes of a tree look: places of those in each part of a bar, colours, hatches, names."""

    parts: list[list[int]]
    colours: list[str]
    hatches: list[str]
    names: list[str]


def tree(
    tree: Any,
    *,
    title: str,
    event: Any = None,
    depth: int | None = None,
    names: Mapping[str, str] | None = None,
    show: Mapping[str, Callable[[float], str]] | None = None,
    say: Callable[[str], str] = str,
    unit: str = "",
    source: str = "",
    n: int | None = None,
    code: str = "en",
) -> Figure:
    """A decision tree from its root to its leaves, with the classes in each node.

    A node that splits has above its bar the condition that leads to it, below it the column it asks for, its
    rows and its prediction with the probability; a leaf has these in its row, or with an event its share in
    place of the probability, which is blended with those of the nodes above. Ways are the wider the more
    rows go there. Where missing values or unknown ones join others is not said: see `tree_table`.

    Parameters
    ----------
    tree
        A `crmlab.mining.methods.trees.Tree`, or a fitted classifier that has one as its `tree_`. One of
        scikit-learn goes through `crmlab.mining.methods.trees.tree_of` first.
    event
        The class that matters, such as "left": bars then show its share, dark where it is above that of all
        rows (the stroke in each bar), and rows its share and lift.
    depth
        Steps from the root that are shown; of what lies deeper the number of leaves is said. As many as
        stay readable if not given: at most 5, and 60 rows.
    names
        Column to its name.
    show
        Column to what writes its cut points; short decimals if not given.
    say
        What writes columns, values and classes that are texts.
    title, unit, source, n
        Heading, a line below it, where the data come from, number of cases: the rows at the root if these
        are a whole number and `n` is not given.
    code
        Language, ``"en"`` or ``"fa"``.

    Returns
    -------
    Figure
        Its label is the tree in words, a line for each node; `to_svg` has it as description.

    Raises
    ------
    ParameterError
        If there is no such tree or class, or if the tree is too large to be drawn so deep.
    """
    tree, tongue = tree_of_figure(tree), language(code)
    words, place = Words(tongue, names or {}, show or {}, say), event_place(tree, event)
    given = _Given(tree, words, place, _shown(tree.root, depth))
    if n is None and tree.root.weight == round(tree.root.weight):
        n = round(tree.root.weight)
    with canvas(1, title, unit, source, n, tongue) as (figure, axes):
        pen, looks = Pen(axes, tongue), _looks(given)
        top = _legend(pen, given, looks)
        _draw(pen, given, looks)
        bottom = (sum(end for _, _, end in given.shown) + 0.2) * _ROW
        axes.set_xlim(*((_ACROSS, 0) if tongue.right_to_left else (0, _ACROSS)))
        axes.set_ylim(bottom, top)
        axes.set_axis_off()
        figure.set_figheight(bottom - top + 0.8 + 0.24 * bool(unit))
        figure.set_label(_in_words(given, title))
    return figure


def _shown(root: Any, depth: int | None) -> list[tuple[Any, int, bool]]:
    if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
        raise ParameterError(f"depth is a number of steps from the root, 0 or more, not {depth!r}.")
    for tried in range(_STEPS, 0, -1) if depth is None else [depth]:
        shown = list(shown_nodes(root, tried))
        rows = sum(end for _, _, end in shown)
        if rows <= _ROWS:
            break
    if rows > _MOST:
        raise ParameterError(
            f"Within {tried} {'step' if tried == 1 else 'steps'} of its root this tree has {rows:,} rows to "
            f"be drawn, and a figure holds {_MOST}; give a smaller depth, or a node below: "
            'Tree(tree.node("1.2"), tree.classes, tree.columns).'
        )
    return shown


def _looks(given: _Given) -> _Looks:
    """Colours whose lightness falls from class to class; beyond four, every other one hatched."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    names = [given.words.value(name) for name in given.tree.classes]
    if given.place is not None:
        return _Looks([[given.place]], [DARK], [""], [names[given.place]])
    parts = [[at] for at in range(len(names))]
    if len(names) > _CLASSES:
        common = sorted(parts, key=lambda part: -given.tree.root.counts[part[0]])[: _CLASSES - 1]
        others = [part[0] for part in parts if part not in common]
        parts, names = [*sorted(common), others], [names[part[0]] for part in sorted(common)]
        names.append(given.tongue("other classes"))
    if len(parts) <= 2:
        return _Looks(parts, [LIGHT, DARK][-len(parts) :], ["", ""], names)
    ramp = [to_hex(colormaps["cividis"](1 - at / (len(parts) - 1))) for at in range(len(parts))]
    hatches = ["//////" if at % 2 and len(parts) > 4 else "" for at in range(len(parts))]
    return _Looks(parts, ramp, hatches, names)


def _legend(pen: Pen, given: _Given, looks: _Looks) -> float:
    """The names of the looks, in lines above the row of headings; gives the upper end of them."""
    tongue, keys = given.tongue, list(zip(looks.names, looks.colours, looks.hatches, strict=False))
    if given.place is not None:
        (name,), average = looks.names, tongue.percent(_share(given.tree.root, given.place))
        keys = [
            (tongue("{name}: above average", name=name), DARK, ""),
            (tongue("{name}: up to average", name=name), _MIDDLE, ""),
            (tongue("average: {share}", share=average), "", ""),
        ]
    lines: list[list[tuple[float, str, str, str]]] = [[]]
    x = 0.0
    for text, colour, hatch in keys:
        said = pen.fitted([text], _ACROSS / 3, 8)
        width = 0.4 + pen.width(said, 8)
        if lines[-1] and x + width > _ACROSS:
            lines.append([])
            x = 0.0
        lines[-1].append((x, said, colour, hatch))
        x += width
    top = -0.36 - (len(lines) - 1) * 0.21
    for number, line in enumerate(lines):
        y = top + number * 0.21
        for x, said, colour, hatch in line:
            if colour:
                pen.bar(x, y, 0.14, 0.11, colour, hatch)
            else:
                pen.stroke(x + 0.07, y, 0.15)
            pen.write(x + 0.2, y, said, 8, "#444444")
    return top - 0.1


def _draw(pen: Pen, given: _Given, looks: _Looks) -> None:
    """Rows with their bars and columns at the far side; nodes, and the ways to them, on the other."""
    words, total = given.words, given.tree.root.weight
    ends = [node for node, _, end in given.shown if end]
    height = {id(node): (row + 0.5) * _ROW for row, node in enumerate(ends)}
    for node, _, end in reversed(given.shown):
        if not end:
            height[id(node)] = (height[id(node.children[0])] + height[id(node.children[-1])]) / 2
    across = _ACROSS
    for head, texts in reversed(_columns(pen, given, ends)):
        pen.write(across, -_ROW / 2, head, 8, GREY, "end")
        for node, text in zip(ends, texts, strict=True):
            pen.write(across, height[id(node)], text, 8, side="end")
        across -= max(pen.width(text, 8) for text in [head, *texts]) + _PAD
    starts, widths, long = _steps(pen, given, across - _PAD)
    first = across - long
    for node in ends:
        _bar(pen, (first, height[id(node)]), (long, _THICK), node, given, looks)
    for node, step, end in given.shown:
        x, y, width = starts[step], height[id(node)], widths[step]
        if step:
            begin = (starts[step - 1] + widths[step - 1], height[id(node.parent)])
            pen.way(begin, (x, y), 0.8 + 8 * node.weight / (total or 1), _WAY)
        if end:
            text = pen.fitted(words.conditions(node), first - _PAD - x - 0.05, 8)
            pen.write(x + 0.05, y, text, 8)
            pen.leader(x + 0.13 + pen.width(text, 8), first - _PAD, y)
            continue
        _bar(pen, (x, y), (width, _THIN), node, given, looks)
        asked = pen.fitted([words.column(node.split.column)], width, 8, bold=True)
        pen.write(x, y - 0.13, pen.fitted(words.conditions(node), width, 8), 8)
        pen.write(x, y + 0.125, asked, 8, bold=True)
        pen.write(x, y + 0.265, pen.fitted(_counted(given, node), width, 7), 7, GREY)


def _columns(pen: Pen, given: _Given, ends: list[Any]) -> list[tuple[str, list[str]]]:
    """Headings and texts of what stands beside the bars: leaves, rows, share and lift, prediction."""
    tongue, place, found = given.tongue, given.place, []
    if any(node.children for node in ends):
        below = [tongue.number(len(node.leaves)) if node.children else "" for node in ends]
        found.append((tongue("leaves"), below))
    found.append((tongue("n"), [_rows(given, node) for node in ends]))
    if place is not None:
        average, shares = _share(given.tree.root, place), [_share(node, place) for node in ends]
        found.append((tongue("share"), [tongue.percent(share) for share in shares]))
        lifts = [share / average if average else float("nan") for share in shares]
        found.append((tongue("lift"), [tongue.number(lift, 2) for lift in lifts]))
    said = []
    for node in ends:
        name, sure = _predicted(given, node)
        # Beside the share, as it was found, a probability, which is blended, would seem to contradict it.
        sure = sure if place is None else ""
        said.append(f"{pen.fitted([name], _SAID - pen.width(sure, 8), 8)}{sure}")
    return [*found, (tongue("prediction"), said)]


def _steps(pen: Pen, given: _Given, room: float) -> tuple[list[float], list[float], float]:
    """Where each step begins and how wide it is, and how long the bars of rows are, all in one room."""
    needs = [0.0] * (max(step for _, step, _ in given.shown) + 1)
    for node, step, end in given.shown:
        texts = [pen.width(given.words.conditions(node)[0], 8)]
        if not end:
            texts.append(pen.width(given.words.column(node.split.column), 8, bold=True))
            texts.append(pen.width(_counted(given, node)[0], 7))
        if not end or step == len(needs) - 1:
            needs[step] = max(needs[step], *texts)
    gaps = len(needs) - 1
    needs = [min(max(need + 0.08, _STEP[0]), _STEP[1]) for need in needs]
    left = room - _BAR[0] - gaps * _GAP
    # The widest steps give way first, all down to one width.
    most, narrow = _STEP[1], sorted(needs)
    for place, need in enumerate(narrow):
        if sum(narrow[:place]) + need * (len(narrow) - place) > left:
            most = (left - sum(narrow[:place])) / (len(narrow) - place)
            break
    needs = [min(need, most) for need in needs]
    spare = left - sum(needs)
    long = min(_BAR[0] + spare, _BAR[1])
    gap = _GAP + (min((spare - long + _BAR[0]) / gaps, 0.4) if gaps else 0)
    return [sum(needs[:step]) + gap * step for step in range(len(needs))], needs, long


def _bar(
    pen: Pen, start: tuple[float, float], size: tuple[float, float], node: Any, given: _Given, looks: _Looks
) -> None:
    """The shares of the classes in a node; of an event its share, and a stroke at that of all rows."""
    (x, y), (width, height) = start, size
    pen.bar(x, y, width, height, _PALE)
    if given.place is not None:
        share, average = _share(node, given.place), _share(given.tree.root, given.place)
        pen.bar(x, y, width * share, height, DARK if share > average else _MIDDLE)
        pen.stroke(x + width * average, y, height * 1.13)
        return
    for part, colour, hatch in zip(looks.parts, looks.colours, looks.hatches, strict=False):
        long = width * sum(_share(node, place) for place in part)
        pen.bar(x, y, long, height, colour, hatch)
        x += long


def _share(node: Any, place: int) -> float:
    """Share of a class among the rows of a node; missing if there are none."""
    return float(node.counts[place] / node.weight) if node.weight else float("nan")


def _rows(given: _Given, node: Any) -> str:
    """The rows of a node; with one decimal if their weights are not whole."""
    whole = all(weight == round(weight) for weight in given.tree.root.counts)
    return given.tongue.number(node.weight, 0 if whole else 1)


def _predicted(given: _Given, node: Any) -> tuple[str, str]:
    """The class that is predicted in a node, and what is written behind it: how probable it is."""
    name = given.words.value(given.tree.classes[node.prediction])
    sure = given.tongue.percent(float(node.probabilities[node.prediction]), 0)
    # A class may be a number, or of another script than the one it stands in.
    return name, f"{':' * name[-1:].isdigit()} {directed(sure, given.tongue)}"


def _counted(given: _Given, node: Any) -> list[str]:
    """Rows and prediction, or share of the event, of a node, in more and in fewer words."""
    rows, (name, sure) = _rows(given, node), _predicted(given, node)
    if given.place is not None:
        return [f"{rows} · {given.tongue.percent(_share(node, given.place))}", rows]
    return [f"{rows} · {name}{sure}", f"{rows} · {sure.lstrip(': ')}", rows]


def _in_words(given: _Given, title: str) -> str:
    """The tree as text: a line for each node that is drawn, indented by its steps."""
    tongue, words, lines = given.tongue, given.words, [title]
    for node, step, end in given.shown:
        asked = f"{words.column(node.parent.split.column)}: " if step else ""
        said = f"{'  ' * step}{asked}{words.conditions(node)[0]}: {_counted(given, node)[0]}"
        if end and node.children:
            said += tongue(", ") + tongue("{n:,} {n:leaf|leaves} below", n=len(node.leaves))
        lines.append(said)
    return "\n".join(lines)
