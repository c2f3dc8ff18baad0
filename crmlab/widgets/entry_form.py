"""A form for one record that says, while it is typed, what is wrong with it and who is known already."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab.cleansing.cells import read_cell
from crmlab.cleansing.clean import Conventions
from crmlab.cleansing.duplicates.finder import DuplicateFinder
from crmlab.cleansing.entry import LEVELS, check_record
from crmlab.cleansing.standard import entry_standard, word_of
from crmlab.contract import Column
from crmlab.locale import language as language_of
from crmlab.rules import Rule
from crmlab.tables import table as contract_of
from crmlab.widgets.parts import as_workspace, cell_of, heading_of, import_widgets, set_changed, style_of

if TYPE_CHECKING:
    import ipywidgets

    from crmlab.workspace import Workspace

#: Seconds without a keystroke after which known records are looked for, and how many are shown.
_PAUSE, _SHOWN = 0.4, 5
#: Tables of people: of these, known records are looked for.
_PEOPLE = ("customers", "leads")


class EntryForm:
    """A form with a field for each column of a table.

    What is typed is checked at once with the verdicts of cleansing, see
    `crmlab.cleansing.check_record`; a button takes a suggestion. Of customers and leads, records
    that may be the same person's are shown, see `crmlab.cleansing.DuplicateFinder.lookup`.

    Parameters
    ----------
    table
        One of the contract's tables.
    workspace
        Gives conventions, language, rules and, if it has the table, the known records.
    records
        The known records, as the clean table has them, if there is no workspace.
    language
        ``"en"`` or ``"fa"``; the workspace's own if not given.
    conventions, rules, places
        As `check_record` takes them; the first two are the workspace's if there is one.

    Attributes
    ----------
    problems : DataFrame
        As `check_record` returns it, in the form's language.
    fields : dict
        The widget of each column.
    box : ipywidgets.VBox
        The whole form.

    Raises
    ------
    ParameterError
        If there is no such table or language, or ipywidgets is not installed.

    Examples
    --------
    >>> form = EntryForm("customers")
    >>> form.fields["email"].value = "ann@gmial.com"
    >>> form.problems["suggestion"].tolist()[-1], form.record
    ('ann@gmail.com', {'email': 'ann@gmial.com'})
    """

    def __init__(
        self,
        table: str,
        workspace: Workspace | None = None,
        records: pd.DataFrame | None = None,
        language: str | None = None,
        conventions: Conventions | None = None,
        rules: Iterable[Rule] = (),
        places: pd.DataFrame | None = None,
    ) -> None:
        self._table = contract_of(table)
        if workspace is not None:
            workspace = as_workspace(workspace)
            places = workspace.places if places is None else places
            conventions = conventions or workspace.conventions
            rules = tuple(rules) or workspace.settings.rules
            language = language or workspace.settings.language
            if records is None and not self._table.log and table in workspace.tables:
                records = workspace.table(table)
        self._conventions = conventions or Conventions()
        self._rules, self._places = tuple(rules), places
        self._tongue = language_of(language or "en")
        self._finder, self._records = None, records
        if records is not None and len(records) > 1 and table in _PEOPLE:
            self._finder = DuplicateFinder().fit(records)
        self._waiting: asyncio.TimerHandle | None = None
        self._touched: set[str] = set()
        self._quiet = False
        self._make()
        self._check()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)

    @property
    def record(self) -> dict[str, str]:
        """What has been typed, by column; empty fields are left out."""
        return {name: field.value for name, field in self.fields.items() if field.value}

    def take(self, column: str) -> None:
        """Put the suggestion for a column into its field, as its button does."""
        better = self._suggestions().get(column)
        if better is not None:
            self.fields[column].value = better

    def clear(self) -> None:
        """Empty every field."""
        self._quiet = True
        for field in self.fields.values():
            field.value = ""
        self._quiet = False
        self._touched.clear()
        self._check()
        self._look_up()

    # The widgets

    def _make(self) -> None:
        widgets, tongue = import_widgets("Forms"), self._tongue
        standard = entry_standard(self._table.name, tongue, self._conventions)
        self.fields: dict[str, Any] = {}
        self._said: dict[str, ipywidgets.HTML] = {}
        self._take: dict[str, ipywidgets.Button] = {}
        self._hints: dict[str, str] = {}
        groups = []
        for column in self._table.columns:
            told = standard.loc[column.name]
            field = self._field(column, told["example"], bool(told["required"]))
            said = widgets.HTML().add_class("crm-said")
            take = widgets.Button().add_class("crm-take")
            self._hints[column.name] = told["meaning"]
            self.fields[column.name], self._said[column.name], self._take[column.name] = field, said, take
            field.observe(partial(self._typed, column.name), names="value")
            take.on_click(lambda _, name=column.name: self.take(name))
            groups.append(widgets.VBox([field, said, take]).add_class("crm-field"))
        layout = widgets.Layout(grid_template_columns="repeat(auto-fit, minmax(min(280px, 100%), 1fr))")
        self._status = widgets.HTML().add_class("crm-status")
        self._known_box = widgets.HTML().add_class("crm-known")
        clear = widgets.Button(description=tongue("Clear")).add_class("crm-clear")
        clear.on_click(lambda _: self.clear())
        self.box = widgets.VBox([
            widgets.HTML(f"<style>{style_of(__file__)}</style>"),
            widgets.GridBox(groups, layout=layout).add_class("crm-fields"),
            self._known_box,
            widgets.HBox([clear, self._status]).add_class("crm-foot"),
        ]).add_class("crm-entry")  # fmt: skip
        if tongue.right_to_left:
            self.box.add_class("crm-rtl")

    def _field(self, column: Column, example: str, required: bool) -> Any:
        widgets, tongue = import_widgets("Forms"), self._tongue
        label = heading_of(column, tongue) + (" *" if required else "")
        if column.allowed or column.kind == "boolean":
            values = column.allowed or ("yes", "no")
            words = [word_of(value, column, tongue) if column.allowed else tongue(value) for value in values]
            options = [("", ""), *zip(words, values, strict=True)]
            field = widgets.Dropdown(options=options, value="", description=label)
        else:
            field = widgets.Text(description=label, placeholder=example)
        return field.add_class("crm-input")

    # What happens while somebody types

    def _typed(self, name: str, change: dict[str, Any]) -> None:
        self._touched.add(name)
        if self._quiet:
            return
        self._check()
        if self._finder is not None and name in {field.column for field in self._finder.fields_}:
            self._look_up_soon()

    def _check(self) -> None:
        """Check what is typed, and show it."""
        self.problems = check_record(
            self._table.name, self.record, self._conventions, self._rules, self._places, self._tongue
        )
        suggestions = self._suggestions()
        for name, field in self.fields.items():
            own = self.problems[self.problems["column"].str.split(" + ", regex=False).str[0] == name]
            shown = own if name in self._touched else own.iloc[:0]
            lines = [
                f'<span class="{row.level}">{escape(row.problem)}</span>' for row in shown.itertuples()
            ] or [escape(self._hints[name])]
            set_changed(self._said[name], value="<br>".join(lines))
            better = suggestions.get(name) if name in self._touched else None
            choice = dict(_choices(field)).get(better, better)
            set_changed(self._take[name], description=self._tongue("Take {value}", value=choice or ""))
            set_changed(self._take[name].layout, display="" if better else "none")
            worst = min(shown["level"], key=LEVELS.index, default="")
            for level in ("error", "warning"):
                (field.add_class if level == worst else field.remove_class)(f"crm-{level}")
        errors = self.problems.loc[self.problems["level"] == "error", "column"].nunique()
        said = self._tongue("{n} {n:field|fields} to mend.", n=errors)
        set_changed(self._status, value=escape(said if errors else self._tongue("Nothing to mend.")))

    def _suggestions(self) -> dict[str, str]:
        """The suggestion for each field that has one, the gravest problem first."""
        found = self.problems.dropna(subset="suggestion").drop_duplicates("column")
        return {
            row.column: row.suggestion for row in found.itertuples()
            if row.column in self.fields and self.fields[row.column].value
        }  # fmt: skip

    def _look_up_soon(self) -> None:
        """Look for known records once nobody types any more; at once where nothing can wait."""
        if self._waiting is not None:
            self._waiting.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._look_up()
        else:
            self._waiting = loop.call_later(_PAUSE, self._look_up)

    @property
    def known(self) -> pd.DataFrame:
        """The known records that may be the same person's, the likeliest first, with their `score`."""
        if self._records is None:
            return pd.DataFrame({"score": pd.Series(dtype="float64")})
        rows = self._records.loc[self._found["known"]]
        return rows.assign(score=self._found["score"].to_numpy())

    _found = pd.DataFrame({"known": pd.Series(dtype="object"), "score": pd.Series(dtype="float64")})

    def _look_up(self) -> None:
        if self._finder is None:
            return
        typed = {}
        for name, text in self.record.items():
            # Clean tables have days as days; what is text there is compared as it is typed.
            as_typed = name in self._records and self._records[name].dtype == "str"
            typed[name] = text if as_typed else read_cell(text, self._table[name], self._conventions).value
        self._found = (
            self._finder.lookup(pd.DataFrame([typed])).head(_SHOWN) if typed else self._found.iloc[:0]
        )
        set_changed(self._known_box, value=self._known_table() if len(self._found) else "")

    def _known_table(self) -> str:
        tongue, known = self._tongue, self.known
        told = {*self._table.key, *(field.column for field in self._finder.fields_)}
        names = [name for name in self.fields if name in told and known[name].notna().any()]
        heads = "".join(f"<th>{escape(heading_of(self._table[name], tongue))}</th>" for name in names)
        rows = []
        for _, row in known.iterrows():
            cells = "".join(cell_of(self._shown(name, row[name])) for name in names)
            rows.append(f"<tr><td>{escape(tongue.percent(row['score'], 0))}</td>{cells}</tr>")
        caption = escape(tongue("Known already?"))
        return (
            f"<div><table><caption>{caption}</caption>"
            f"<thead><tr><th></th>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        )

    def _shown(self, name: str, value: Any) -> str:
        """A value of a known record as it is read."""
        if pd.isna(value):
            return "–"
        if isinstance(value, pd.Timestamp):
            return self._tongue.day(value)
        column = self._table[name]
        return word_of(value, column, self._tongue) if column.allowed else str(value)


def _choices(field: Any) -> list[tuple[str, str]]:
    """Value and word of each choice of a field, none if it is free text."""
    return [(value, word) for word, value in getattr(field, "options", ())]
