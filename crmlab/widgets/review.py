"""Two records side by side for somebody to say whether they are one person's; what is said is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab.cleansing.duplicates.decisions import COLUMNS, add_decision, read_decisions
from crmlab.cleansing.duplicates.finder import DuplicateFinder
from crmlab.errors import CrmlabError, ParameterError, SourceError
from crmlab.locale import language as language_of
from crmlab.widgets.pair_view import PairView
from crmlab.widgets.parts import as_workspace, import_widgets, set_changed, style_of

if TYPE_CHECKING:
    from crmlab.workspace import Workspace


class DuplicateReview:
    """Asks of two records at a time whether they are one person's, the most doubtful first.

    What somebody says is kept at once and outweighs everything else: a workspace is cleaned with it
    when it is next read. Whoever opens the review again goes on where it was left. A pair that
    follows from what was said already is not asked. Fitting the finder takes seconds; it is done
    when the review is first shown.

    Parameters
    ----------
    records
        A workspace, whose customers are reviewed and whose decisions go to its ``decisions.csv``;
        or records as `crmlab.cleansing.find_duplicates` takes them.
    roles
        Heading to role, for records; see `crmlab.cleansing.DuplicateFinder`.
    decisions
        What was decided before, for records: `one`, `other` and `same`.
    path
        File that keeps the decisions on records, instead of `decisions`: made if need be, in the form
        that `crmlab.cleansing.duplicates.decisions` reads. Index labels are written as text.
    between
        Pairs whose probability of being one person is outside of this are not asked, nor those
        more than ten bits (a factor of a thousand) from even odds.
    language
        ``"en"`` or ``"fa"``; the workspace's own if not given.

    Attributes
    ----------
    box : ipywidgets.VBox
        The whole review.

    Raises
    ------
    ParameterError
        If the limits, the language or the index make no sense, or ipywidgets is not installed.
    SourceError
        If the file of decisions is not in its form.

    Examples
    --------
    >>> people = pd.DataFrame({"name": ["Ann Lee", "Ann Lee", "Bob Ray"],
    ...     "phone": ["5550101", "5559632", "5550177"]})
    >>> review = DuplicateReview(people, between=(0.05, 1))
    >>> review.pair
    (0, 1)
    >>> review.decide(False)
    >>> review.decisions.values.tolist(), review.pair
    ([[0, 1, False]], None)
    """

    def __init__(
        self,
        records: Workspace | pd.DataFrame,
        roles: Mapping[str, str] | None = None,
        decisions: pd.DataFrame | None = None,
        path: str | Path | None = None,
        between: tuple[float, float] = (0.05, 0.95),
        language: str | None = None,
    ) -> None:
        low, high = between
        if not 0 <= low < high <= 1:
            raise ParameterError(
                "between takes two probabilities, the lower one first, such as (0.05, 0.95)."
            )
        self._between, self._workspace, self._roles = (low, high), None, roles
        self._path = None if path is None else Path(path)
        if not isinstance(records, pd.DataFrame):
            if not (roles is None and decisions is None and path is None):
                raise ParameterError("A workspace has roles and decisions of its own; leave them out.")
            records = as_workspace(records)
            self._workspace, self._path = records, records.decisions_file
            language = language or records.settings.language
            self._records = pd.DataFrame()
        else:
            self._records = records
        self._tongue = language_of(language or "en")
        self._given = self._earlier(decisions)
        #: The last word on each pair, in the order in which it was said.
        self._decided: dict[frozenset, tuple[Any, Any, bool]] = {}
        self._queue: list[tuple[Any, Any]] | None = None
        self._skipped: set[frozenset] = set()
        self._history: list[tuple[Any, Any]] = []
        self._make()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        self._start()

    # What was decided

    @property
    def decisions(self) -> pd.DataFrame:
        """What was decided, earlier and now: `one`, `other`, `same`, as `DuplicateFinder.fit` takes it."""
        self._start()
        said = [*self._beyond, *self._decided.values()]
        return pd.DataFrame(said, columns=COLUMNS).astype({"same": bool})

    @property
    def pair(self) -> tuple[Any, Any] | None:
        """Index labels of the two records that are asked about; None if nothing is left."""
        self._start()
        return next(self._open(), None)

    @property
    def left(self) -> int:
        """How many pairs are left, this one included; without those that were put off."""
        self._start()
        return sum(1 for _ in self._open())

    def decide(self, same: bool | None) -> None:
        """Say of the pair shown that it is one person, or two; None puts it off until the next review."""
        pair = self.pair
        if pair is None:
            return
        if same is None:
            self._skipped.add(frozenset(pair))
        else:
            self._keep(pair, same)
            self._decided[frozenset(pair)] = (*pair, same)
        self._history.append(pair)
        self._show()

    def back(self) -> None:
        """Take the last decision back and ask about its pair again; decisions of earlier days too."""
        self._start()
        if not self._history:
            return
        pair = self._history[-1]
        key = frozenset(pair)
        if key in self._skipped:
            self._skipped.discard(key)
        else:
            self._keep(pair, None)
            del self._decided[key]
        self._history.pop()
        self._queue = [pair, *(other for other in self._queue if frozenset(other) != key)]
        self._show()

    def _keep(self, pair: tuple[Any, Any], same: bool | None) -> None:
        if self._path is None:
            return
        try:
            add_decision(self._path, *map(str, pair), same)
        except OSError as error:
            raise SourceError(f"{self._path} cannot be written: {error.strerror}.") from None

    def _earlier(self, decisions: pd.DataFrame | None) -> pd.DataFrame:
        """The decisions given and those of the file, by index label."""
        if decisions is not None and self._path is not None:
            raise ParameterError("The decisions of the file count; leave decisions= out, or path=.")
        found = [] if decisions is None else [decisions]
        for frame in found:
            for name in COLUMNS:
                if name not in frame:
                    raise ParameterError(f"The decisions lack the column {name!r}.")
        labels = {str(label): label for label in self._records.index}
        if len(labels) < len(self._records):
            raise ParameterError("The index holds a label twice; number the records with reset_index().")
        if self._path is not None and self._path.exists():
            written = read_decisions(self._path)
            for name in () if self._workspace is not None else COLUMNS[:2]:
                written[name] = written[name].map(lambda text: labels.get(text, text)).astype(object)
            found.append(written)
        if not found:
            return pd.DataFrame(columns=COLUMNS)
        return pd.concat([frame[list(COLUMNS)] for frame in found], ignore_index=True)

    # What is asked

    def _start(self) -> None:
        """Fit the finder, unless that is done."""
        if self._queue is not None:
            return
        try:
            if self._workspace is not None:
                self._records, self._finder = self._workspace.compare_customers()
            elif len(self._records) > 1:
                self._finder = DuplicateFinder(self._roles).fit(self._records, decisions=self._given)
            else:
                self._finder = None
        finally:
            set_changed(self._busy, value="")
        self._queue = []
        if self._finder is not None:
            doubtful = self._finder.doubtful(None)
            asked = doubtful[doubtful["probability"].between(*self._between)]
            self._queue = list(zip(asked["one"], asked["other"], strict=True))
        there = set(self._records.index)
        #: Decisions on records that are not there.
        self._beyond: list[tuple[Any, Any, bool]] = []
        for one, other, same in self._given[list(COLUMNS)].itertuples(index=False):
            if {one, other} <= there and one != other:
                key = frozenset((one, other))
                self._decided.pop(key, None)
                self._decided[key] = (one, other, bool(same))
            else:
                self._beyond.append((one, other, bool(same)))
        if self._finder is not None:
            self._history = [(one, other) for one, other, _ in self._decided.values()]
        self._show()

    def _open(self) -> Iterator[tuple[Any, Any]]:
        """The pairs that are neither decided nor put off, nor follow from what is decided."""
        person = self._persons()
        apart = {frozenset((person.get(one, one), person.get(other, other)))
                 for one, other, same in self._decided.values() if not same}  # fmt: skip
        for one, other in self._queue:
            persons = frozenset((person.get(one, one), person.get(other, other)))
            if len(persons) > 1 and persons not in apart and frozenset((one, other)) not in self._skipped:
                yield one, other

    def _persons(self) -> dict[Any, Any]:
        """Of each record that was said to be the same person's as another, the record that stands for it."""
        members: dict[Any, list[Any]] = {}
        person: dict[Any, Any] = {}
        for one, other, same in self._decided.values():
            if same:
                first, second = person.get(one, one), person.get(other, other)
                if first != second:
                    for label in (joined := members.pop(second, [second])):
                        person[label] = first
                    members[first] = [*members.get(first, [first]), *joined]
                    person[first] = first
        return person

    def _further(self, one: Any, other: Any) -> dict[Any, list[Any]]:
        """Further records of the same persons, and with which of the two they are."""
        cluster, person = self._finder.result_["cluster_id"], self._persons()
        found: dict[Any, list[Any]] = {}
        for label in (one, other):
            own = list(cluster.index[cluster == cluster[label]])
            own += [mate for mate, first in person.items() if first == person.get(label)]
            for mate in dict.fromkeys(own):
                said = self._decided.get(frozenset((label, mate)))
                if mate not in (one, other) and (said is None or said[2]):
                    found.setdefault(mate, []).append(label)
        return found

    # What is shown

    def _make(self) -> None:
        widgets, tongue = import_widgets("Reviews"), self._tongue
        busy = escape(tongue("Comparing the records; this takes some seconds …"))
        self._busy = widgets.HTML(f'<p class="crm-busy" role="status">{busy}</p>')
        self._head = widgets.HTML().add_class("crm-head")
        self._table = widgets.HTML().add_class("crm-pair")
        self._mates = widgets.HTML().add_class("crm-mates")
        self.buttons: dict[str, Any] = {}
        texts = {
            "one": (
                tongue("One person"),
                tongue("Both records are one person's."),
                partial(self.decide, True),
            ),
            "two": (
                tongue("Two people"),
                tongue("The records are two people's."),
                partial(self.decide, False),
            ),
            "unsure": (
                tongue("Not sure"),
                tongue("Put this pair off until the review is opened again."),
                partial(self.decide, None),
            ),
            "back": (tongue("Back"), tongue("Take the last answer back."), self.back),
        }
        for name, (text, hint, act) in texts.items():
            button = widgets.Button(description=text, tooltip=hint, disabled=True)
            button.on_click(partial(self._pressed, act))
            self.buttons[name] = button.add_class(f"crm-{name}")
        self._row = widgets.HBox(list(self.buttons.values())).add_class("crm-answers")
        self.box = widgets.VBox([
            widgets.HTML(f"<style>{style_of(__file__)}</style>"),
            self._busy, self._head, self._row, self._table, self._mates,
        ]).add_class("crm-review")  # fmt: skip
        if tongue.right_to_left:
            self.box.add_class("crm-rtl")

    def _pressed(self, act: Callable[[], None], _: Any) -> None:
        """Do what a button says; what goes wrong then is told here, as no cell runs that could tell it."""
        set_changed(self._busy, value="")
        try:
            act()
        except CrmlabError as error:
            set_changed(self._busy, value=f'<p class="crm-wrong" role="alert">{escape(str(error))}</p>')

    def _show(self) -> None:
        pair = self.pair
        for name, button in self.buttons.items():
            set_changed(button, disabled=not self._history if name == "back" else pair is None)
        compared, further = "", ""
        if pair is None:
            head = self._said_at_the_end()
        else:
            why, view = self._finder.explain(*pair), PairView(self._records, self._tongue)
            head, compared = view.question(why), view.compared(*pair, why)
            further = view.further(self._further(*pair), why["column"])
        set_changed(self._head, value=head + self._progress())
        set_changed(self._table, value=compared)
        set_changed(self._mates, value=further)

    def _said_at_the_end(self) -> str:
        tongue = self._tongue
        none_left, nothing = tongue("Nothing is left to review."), tongue("There is nothing to review.")
        said = f'<p class="crm-question">{escape(none_left if self._history else nothing)}</p>'
        if self._workspace is None or not self._decided:
            return said
        followed = tongue("The decisions are kept; the tables follow them when they are next read.")
        if self._workspace.settings.customers == "keep":
            followed = tongue(
                "The decisions are kept; the tables follow them once [duplicates] of crmlab.toml says so."
            )
        return f"{said}<p>{escape(followed)}</p>"

    def _progress(self) -> str:
        done, left, off = len(self._decided), self.left, len(self._skipped)
        if not done + left + off:
            return ""
        said = self._tongue("{done:,} {done:pair|pairs} decided, {left:,} left", done=done, left=left)
        if off:
            said += self._tongue(", {off:,} put off", off=off)
        share = 100 * done / (done + left + off)
        bar = f'<div class="crm-bar" aria-hidden="true"><i style="width:{share:.0f}%"></i></div>'
        return f'{bar}<p class="crm-progress" role="status">{escape(said)}</p>'
