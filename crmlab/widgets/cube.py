"""A cube to look into: two dimensions against each other, drilled down, rolled up and sliced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab.engine import as_table, collect
from crmlab.errors import CrmlabError, ParameterError, did_you_mean
from crmlab.locale import language as language_of
from crmlab.mining.methods import cube, pivot, roll_up
from crmlab.widgets.cube_view import CubeView, python_of
from crmlab.widgets.parts import import_widgets, set_changed, style_of

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

#: More values of a dimension nobody can look through; whoever has them wants groups of them.
_MOST = 500


@dataclass(frozen=True)
class _View:
    """What is looked at: two dimensions, a measure, members kept by place, and how one came down here."""

    rows: str
    columns: str
    measure: str
    where: dict[str, tuple[int, ...]] = field(default_factory=dict)
    #: Dimension drilled into, and its members that were kept before.
    path: tuple[tuple[str, tuple[int, ...]], ...] = ()


class CubeExplorer:
    """Shows measures of a log by two dimensions at a time, in a table and a figure.

    Rows and columns can be changed, a member of the rows drilled into, a step down taken back, and
    each dimension limited to some of its members. Grouping is done by the engine, each time from
    the log itself, so that means and distinct counts are right for any choice of members; only the
    cells shown are fetched and sent to the browser.

    Parameters
    ----------
    data
        One row per fact, such as an order line.
    dimensions
        Columns to look by, two to eight, the coarsest first: one drills from one to the next. None may
        have more than 500 values.
    language
        ``"en"`` or ``"fa"``.
    show
        How values are written; with thousands separators if not given.
    name
        What the data are called in `code`.
    **measures
        As `crmlab.mining.methods.cube` takes them: ``amount=("amount", "sum")``.

    Attributes
    ----------
    box : ipywidgets.VBox
        The whole explorer.
    fields, buttons : dict
        What can be chosen and pressed.

    Raises
    ------
    ParameterError
        If dimensions, measures or the language make no sense, or ipywidgets is not installed.
    TableError
        If a column is missing.

    Examples
    --------
    >>> lines = pd.DataFrame({"city": ["York", "York", "Leeds"], "year": [1, 2, 2], "amount": [5, 7, 4]})
    >>> explorer = CubeExplorer(lines, ["city", "year"], amount=("amount", "sum"))
    >>> explorer.frame.values.tolist()
    [['Leeds', 4], ['York', 12]]
    >>> explorer.drill_down("York")
    >>> explorer.frame.values.tolist()
    [[1, 5], [2, 7]]
    >>> explorer.undo()
    >>> explorer.look(columns="year")
    >>> explorer.frame.fillna(0).astype(int).values.tolist()
    [[0, 4, 4], [5, 7, 12], [5, 11, 16]]
    """

    def __init__(
        self,
        data: Log,
        dimensions: Sequence[str],
        *,
        language: str = "en",
        show: Callable[[float], str] | None = None,
        name: str = "data",
        **measures: tuple[str, str],
    ) -> None:
        self._tongue = language_of(language)
        self._table, self._name, self._measures = as_table(data), name, measures
        self._dimensions = list(dimensions)
        if len(self._dimensions) < 2:
            raise ParameterError("An explorer needs two dimensions or more.")
        # What is wrong with dimensions or measures is said before anything is asked of the engine.
        cube(self._table.limit(0), self._dimensions, **measures)
        self._members = {dimension: self._members_of(dimension) for dimension in self._dimensions}
        self._view = _View(self._dimensions[0], "", next(iter(measures)))
        self._earlier: list[_View] = []
        self._seen: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = {}
        self._shows = CubeView(self._tongue, show)
        self._quiet = False
        self._make()
        self._show()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)

    def _members_of(self, dimension: str) -> list[Any]:
        values = self._table.select(dimension).distinct().limit(_MOST + 1)
        found = collect(values)[dimension].sort_values(na_position="last")
        if len(found) > _MOST:
            raise ParameterError(
                f"The dimension {dimension} has more than {_MOST} values; group them, such as days by month."
            )
        return [None if value != value or value is None else value for value in found.astype(object)]

    # What is looked at

    @property
    def frame(self) -> pd.DataFrame:
        """What is shown: as `pivot` returns it, or as `roll_up` does if there are no columns."""
        return self._found()[0].copy()

    @property
    def code(self) -> str:
        """Python that gives `frame` from the data, with all that was chosen."""
        view = self._view
        looked = [view.rows, view.columns] if view.columns else [view.rows]
        return python_of(self._name, self._kept(), looked, view.measure, self._measures[view.measure])

    def look(self, rows: str | None = None, columns: str | None = None, measure: str | None = None) -> None:
        """Change what stands in the rows, in the columns (``""`` for none) or in the table."""
        view = self._view
        for name in (rows, columns):
            if name:
                self._check_dimension(name)
        if measure is not None and measure not in self._measures:
            raise ParameterError(f"There is no measure {measure!r}" + did_you_mean(measure, self._measures))
        new_rows, new_columns = rows or view.rows, view.columns if columns is None else columns
        if new_rows == new_columns:
            # What comes to stand in both takes the place of the other.
            if columns is None:
                new_columns = view.rows if view.columns else ""
            else:
                new_rows = view.columns or self._unused(view.where, {new_columns})[0]
        self._go(replace(view, rows=new_rows, columns=new_columns, measure=measure or view.measure))

    def drill_down(self, member: Any, into: str | None = None) -> None:
        """Look at one member of the rows only, by another dimension: the next one not in use."""
        view = self._view
        place = self._place(view.rows, member)
        where = view.where | {view.rows: (place,)}
        if into is not None:
            self._check_dimension(into)
            if into == view.rows:
                raise ParameterError(f"{into!r} is drilled into already; name another dimension.")
        elif free := self._unused(where, {view.rows, view.columns}):
            into = free[0]
        else:
            raise ParameterError("No dimension is left to drill down to.")
        columns = "" if into == view.columns else view.columns
        path = (*view.path, (view.rows, view.where.get(view.rows, ())))
        self._go(replace(view, rows=into, columns=columns, where=where, path=path))

    def roll_up(self) -> None:
        """Take the last step down back: look at all members of the dimension that was drilled into."""
        view = self._view
        if not view.path:
            raise ParameterError("Nothing was drilled into.")
        *path, (dimension, kept) = view.path
        where = {name: places for name, places in view.where.items() if name != dimension}
        if kept:
            where[dimension] = kept
        columns = "" if view.columns == dimension else view.columns
        self._go(replace(view, rows=dimension, columns=columns, where=where, path=tuple(path)))

    def slice(self, dimension: str, members: Sequence[Any] = ()) -> None:
        """Keep only some members of a dimension; all of them if none is named."""
        self._check_dimension(dimension)
        places = tuple(sorted({self._place(dimension, member) for member in members}))
        where = {name: kept for name, kept in self._view.where.items() if name != dimension}
        if places:
            where[dimension] = places
        self._go(replace(self._view, where=where))

    def undo(self) -> None:
        """Take the last change back."""
        if self._earlier:
            self._view = self._earlier.pop()
            self._show()

    def _go(self, view: _View) -> None:
        if view == self._view:
            return
        before, self._view = self._view, view
        try:
            self._found()
        except Exception:
            self._view = before
            raise
        self._earlier.append(before)
        self._show()

    def _check_dimension(self, name: str) -> None:
        if name not in self._dimensions:
            raise ParameterError(
                f"There is no dimension {name!r}" + did_you_mean(str(name), self._dimensions)
            )

    def _place(self, dimension: str, member: Any) -> int:
        missing = member is None or member != member
        for place, known in enumerate(self._members[dimension]):
            if (known is None and missing) or (known is not None and not missing and bool(known == member)):
                return place
        raise ParameterError(f"The dimension {dimension} has no member {member!r}.")

    def _unused(self, where: dict[str, tuple[int, ...]], used: set[str]) -> list[str]:
        """Dimensions not in use and not limited to one member, those after the rows first."""
        start = self._dimensions.index(self._view.rows)
        order = self._dimensions[start:] + self._dimensions[:start]
        return [name for name in order if name not in used and len(where.get(name, ())) != 1]

    # What the engine is asked

    def _native(self, dimension: str, place: int) -> Any:
        """A member as the engine and Python's own types have it."""
        value = self._members[dimension][place]
        if isinstance(value, pd.Timestamp):
            moment = value.to_pydatetime()
            return moment.date() if self._table[dimension].type().is_date() else moment
        return value.item() if hasattr(value, "item") else value

    def _kept(self) -> dict[str, list[Any]]:
        """Members to which dimensions are limited."""
        where = self._view.where
        return {name: [self._native(name, place) for place in places] for name, places in where.items()}

    def _lines(self) -> ibis.Table:
        table = self._table
        for dimension, kept in self._kept().items():
            wanted = table[dimension].isin([value for value in kept if value is not None])
            table = table.filter(wanted | table[dimension].isnull() if None in kept else wanted)
        return table

    def _found(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The frame, and the measure by rows alone with its total in the last row."""
        view = self._view
        if self.code not in self._seen:
            looked = [view.rows, view.columns] if view.columns else [view.rows]
            cells = cube(self._lines(), looked, **{view.measure: self._measures[view.measure]})
            cells = collect(cells, key=["level", *looked])
            if len(cells) < 2:
                raise ParameterError(self._tongue("There are no rows with these members."))
            by_rows = roll_up(cells, [view.rows]).sort_values(
                view.rows, na_position="last", ignore_index=True
            )
            frame = pivot(cells, view.rows, view.columns, view.measure) if view.columns else by_rows
            total = roll_up(cells)[view.measure]
            self._seen[self.code] = (
                frame,
                pd.concat(
                    [
                        by_rows,
                        pd.DataFrame({view.rows: ["total"], view.measure: total.to_numpy()}, dtype=object),
                    ],
                    ignore_index=True,
                ),
            )
        return self._seen[self.code]

    # The widgets

    def _make(self) -> None:
        widgets, tongue = import_widgets("Explorers"), self._tongue
        told = self._shows.heading
        dimensions = [(told(name), name) for name in self._dimensions]
        measures = [(told(name), name) for name in self._measures]
        chosen = {
            "rows": (tongue("Rows"), dimensions, lambda name: self.look(rows=name)),
            "columns": (tongue("Columns"), [("–", ""), *dimensions], lambda name: self.look(columns=name)),
            "measure": (tongue("Measure"), measures, lambda name: self.look(measure=name)),
            "member": (tongue("Drill into"), [("–", -1)], lambda _: self._show_buttons()),
            "dimension": (tongue("Slice by"), dimensions, lambda _: self._show()),
            "members": (tongue("Only these members"), [], self._keep),
        }
        self.fields: dict[str, Any] = {}
        for name, (text, options, act) in chosen.items():
            kind = widgets.SelectMultiple if name == "members" else widgets.Dropdown
            self.fields[name] = kind(description=text, options=options).add_class("crm-input")
            self.fields[name].observe(lambda change, act=act: self._answer(act, change["new"]), names="value")
        self.buttons: dict[str, Any] = {}
        for name, act in (("drill_down", self._drill_chosen), ("roll_up", self.roll_up), ("undo", self.undo)):
            self.buttons[name] = widgets.Button().add_class(f"crm-{name.replace('_', '-')}")
            self.buttons[name].on_click(lambda _, act=act: self._answer(act))
        self.buttons["undo"].description = tongue("Undo")
        self._said, self._path, self._grid, self._figure, self._code = (
            widgets.HTML().add_class(f"crm-{name}") for name in ("said", "path", "grid", "figure", "code")
        )
        rows = [list(self.fields.values())[a:b] for a, b in ((0, 3), (3, 4), (4, 6))]
        rows[1] += self.buttons.values()
        choices = [widgets.HBox(row).add_class("crm-choices") for row in rows]
        choices[2].add_class("crm-slices")
        self.box = widgets.VBox([
            widgets.HTML(f"<style>{style_of(__file__)}</style>"),
            *choices, self._said, self._path, self._grid, self._figure, self._code,
        ]).add_class("crm-cube")  # fmt: skip
        if tongue.right_to_left:
            self.box.add_class("crm-rtl")

    def _answer(self, act: Callable[..., None], *chosen: Any) -> None:
        """Do what was chosen or pressed; what is wrong is told here, as no cell runs that could tell it."""
        if self._quiet:
            return
        set_changed(self._said, value="")
        try:
            act(*chosen)
        except CrmlabError as error:
            set_changed(self._said, value=self._shows.wrong(str(error)))
            self._show()

    def _drill_chosen(self) -> None:
        place = self.fields["member"].value
        if place >= 0:
            self.drill_down(self._members[self._view.rows][place])

    def _keep(self, places: Sequence[int]) -> None:
        dimension = self.fields["dimension"].value
        self.slice(dimension, [self._members[dimension][place] for place in places])

    def _show(self) -> None:
        view, shows = self._view, self._shows
        frame, by_rows = self._found()
        self._quiet = True
        for name in ("rows", "columns", "measure"):
            set_changed(self.fields[name], value=getattr(view, name))
        kept = view.where.get(view.rows) or range(len(self._members[view.rows]))
        self._offer("member", [("–", -1), *self._labels(view.rows, kept)], -1)
        dimension = self.fields["dimension"].value
        members = self._labels(dimension, range(len(self._members[dimension])))
        self._offer("members", members, view.where.get(dimension, ()))
        self._quiet = False
        self._show_buttons()
        kept = {name: [self._members[name][place] for place in places] for name, places in view.where.items()}
        set_changed(self._path, value=shows.path(kept))
        set_changed(self._grid, value=shows.grid(frame if view.columns else by_rows, view.rows, view.columns,
                                                 view.measure))  # fmt: skip
        set_changed(self._figure, value=shows.figure(by_rows[:-1], view.rows, view.measure, kept))
        set_changed(self._code, value=shows.code(self.code))

    def _show_buttons(self) -> None:
        view = self._view
        free = self._unused(view.where, {view.rows, view.columns})
        set_changed(self.buttons["drill_down"], disabled=not free or self.fields["member"].value < 0)
        set_changed(self.buttons["roll_up"], disabled=not view.path)
        set_changed(self.buttons["undo"], disabled=not self._earlier)
        told, tongue = self._shows.heading, self._tongue
        down = tongue("Drill down to {dimension}", dimension=told(free[0])) if free else tongue("Drill down")
        up = (
            tongue("Roll up to {dimension}", dimension=told(view.path[-1][0]))
            if view.path
            else tongue("Roll up")
        )
        set_changed(self.buttons["drill_down"], description=down)
        set_changed(self.buttons["roll_up"], description=up)

    def _labels(self, dimension: str, places: Sequence[int]) -> list[tuple[str, int]]:
        return [(self._shows.member(self._members[dimension][place]), place) for place in places]

    def _offer(self, name: str, options: list[tuple[str, int]], value: Any) -> None:
        choice = self.fields[name]
        if list(choice.options) != options:
            choice.options = options
        set_changed(choice, value=value)
