"""What a report shows: sentences, figures and tables in its language, each with its data.

A figure or table carries the frame behind it as CSV in its output, so a run can put the tables
beside the page without the notebook writing files.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab import figures
from crmlab.errors import ParameterError
from crmlab.locale import language
from crmlab.reporting.exhibit import Exhibit
from crmlab.reporting.formats import formats_of, kind_of, plain, units_of
from crmlab.reporting.markup import alternative, file_of, headline_of, note, table_of
from crmlab.reporting.public import (
    PUBLIC_TYPE,
    check_size,
    clear,
    enough,
    held_back,
    left_out,
    refuse_identifiers,
    what_may_be_shown,
)
from crmlab.reporting.render import FILE_TYPE, HEADLINE_TYPE
from crmlab.reporting.sections import NOTHING
from crmlab.tables import IDENTIFIERS

if TYPE_CHECKING:
    from IPython.display import Markdown
    from matplotlib.figure import Figure

    from crmlab.cleansing.privacy import Groups
    from crmlab.workspace import Workspace


class Report:
    """The voice of a report: its language, its source and its currency.

    Parameters
    ----------
    workspace
        The workspace reported on; its name stands under every figure.
    language
        ``"en"`` or ``"fa"``; the workspace's own if not given.
    identifiers
        Columns that say who a person is (see `crmlab.tables.IDENTIFIERS`) and may be shown, such as
        the telephone numbers of a list to call; none if not given, and national ids never.
    public
        For a public report, members that a group has at least. It shows what was made `publishable`,
        and of that only the columns on display and the counts; sentences and headline figures only
        with their `counts`; nobody in person. What is left out has a sentence in its place.

    Attributes
    ----------
    tongue : Language
        Translates and formats; `text` translates a text out of a table if it is one of ours.
    calendar : str
        Calendar whose months the report counts in.
    public : int or None
        As given.
    """

    def __init__(
        self,
        workspace: Workspace,
        language_code: str | None = None,
        identifiers: Iterable[str] = (),
        public: int | None = None,
    ) -> None:
        self.public = check_size(public)
        self._mark = {PUBLIC_TYPE: public} if public else {}
        self._hidden = IDENTIFIERS - (set(identifiers) - {"national_id"})
        self.tongue = language(language_code or workspace.settings.language)
        self.calendar = self.tongue.calendar
        self.source = workspace.name
        self.currency = workspace.settings.currency
        self.decimals = workspace.decimals
        self._units = units_of(self.decimals, self.currency)
        self._formats = formats_of(self.tongue, self.decimals, self.currency)
        self.text = self._formats["text"]

    def money(self, minor_units: float) -> str:
        """An amount in minor units, written in the workspace's currency."""
        return self._formats["money"](minor_units)

    def percent(self, share: float, decimals: int = 1) -> str:
        """A share from 0 to 1 in per cent."""
        return self.tongue.percent(share, decimals)

    def number(self, value: float, decimals: int = 0) -> str:
        """A number with thousands separators."""
        return self.tongue.number(value, decimals)

    def points(self, difference: float) -> str:
        """A difference of two shares in percentage points."""
        return self._formats["points"](difference)

    def publishable(
        self, frame: pd.DataFrame, counts: str | list[Any] | Any, groups: Groups = "parts"
    ) -> pd.DataFrame:
        """`frame` as it is; in a public report without the groups that are too small to be shown.

        Parameters
        ----------
        counts, groups
            Who stands behind each row, and how the groups belong together; see
            `crmlab.cleansing.suppress_small_groups`.
        """
        return frame if self.public is None else clear(frame, counts, self.public, groups)

    def say(self, text: str, counts: Any = None, **values: object) -> Markdown | Exhibit:
        """A paragraph in Markdown, translated and filled in.

        Parameters
        ----------
        counts
            How many persons the values are about, each of them or all together; needed of a
            sentence with values in a public report.
        """
        from IPython.display import Markdown

        if self.public is None:
            return Markdown(self.tongue(text, **values))
        fine = not values or enough(counts, self.public)
        return self._words(self.tongue(text, **values) if fine else left_out(self.tongue, self.public))

    def nothing(self, text: str) -> Exhibit:
        """A sentence in place of what there are no data for; the page leaves out sections of nothing else."""
        return self._words(self.tongue(text), {NOTHING: self.tongue(text)})

    def headline(
        self, figures: dict[str, Any], formats: dict[str, str] | None = None, counts: Any = None
    ) -> Exhibit:
        """The figures to see first; the list of runs and the summary of a batch have them too.

        Parameters
        ----------
        figures
            English name to value: a plain number, money in minor units, shares from 0 to 1.
        formats
            Name to a format as `table` takes it; by the value's type if not given.
        counts
            How many persons each figure is about, by name, or all of them; needed in a public report.
        """
        about = counts if isinstance(counts, dict) else dict.fromkeys(figures, counts)
        shown, gone = [], []
        for name, value in figures.items():
            if self.public is not None and not enough(about.get(name), self.public):
                gone.append(self.tongue(name))
                continue
            kind = (formats or {}).get(name) or kind_of(pd.Series([value]))
            shown.append({
                "name": name, "label": self.tongue(name), "text": self._format(kind)(value),
                "value": plain(value), "unit": self._units.get(kind, ""),
            })  # fmt: skip
        content = "" if gone and not shown else headline_of(shown)
        if gone:
            content += note(" · ".join(gone), left_out(self.tongue, self.public))
        data = {
            "text/html": content,
            "text/plain": ", ".join(f"{figure['label']}: {figure['text']}" for figure in shown),
            HEADLINE_TYPE: shown,
        } | self._mark
        table = pd.DataFrame(shown, columns=["name", "value", "unit"], dtype="object")
        table = table.rename(columns={"name": "figure"})
        return Exhibit("headline_figures", None if gone and not shown else table, data)

    def bars(
        self, name: str, frame: pd.DataFrame, label: str, values: dict[str, str], *,
        title: str, unit: str = "", n: int | None = None, show: str = "number",
    ) -> Exhibit:  # fmt: skip
        """Bars per category; see `crmlab.figures.bars`. Texts are given in English."""
        values = {column: self.tongue(series) for column, series in values.items()}
        return self._draw(
            figures.bars, name, frame, title, unit, n, [label, *values],
            label=label, values=values, show=show,
        )  # fmt: skip

    def intervals(
        self, name: str, frame: pd.DataFrame, label: str, *, title: str, unit: str = "",
        n: int | None = None, show: str = "decimal", value: str = "value", reference: float | None = None,
        reference_name: str = "", beside: str | None = None, names: dict[str, str] | None = None,
    ) -> Exhibit:  # fmt: skip
        """Estimates with intervals; see `crmlab.figures.intervals`."""
        names = {column: self.tongue(series) for column, series in (names or {}).items()}
        return self._draw(
            figures.intervals, name, frame, title, unit, n,
            [label, value, "low", "high", *([beside] if beside else [])],
            label=label, show=show, value=value, reference=reference,
            reference_name=self.tongue(reference_name), beside=beside, names=names,
        )  # fmt: skip

    def trend(
        self, name: str, frame: pd.DataFrame, value: str, *, title: str, unit: str = "",
        n: int | None = None, show: str = "number", time: str = "period", zero: bool = False,
        names: dict[str, str] | None = None, since: object = None,
    ) -> Exhibit:  # fmt: skip
        """A line over time; see `crmlab.figures.trend`. A frame may say ``.attrs["period"]``.

        Periods that a column `complete` calls unfinished are drawn apart.
        """
        said = {column: self.tongue(line) for column, line in (names or {}).items()}
        return self._draw(
            figures.trend, name, frame, title, unit, n, [time, value, "low", "high", "complete", *said],
            value=value, show=show, time=time, zero=zero, period=frame.attrs.get("period", "M"),
            names=said or None, since=since,
        )  # fmt: skip

    def heatmap(
        self, name: str, grid: pd.DataFrame, *, title: str, rows: str, columns: str,
        unit: str = "", n: int | None = None, show: str = "number",
    ) -> Exhibit:  # fmt: skip
        """A shaded table of numbers; see `crmlab.figures.heatmap`. It may say ``.attrs["period"]``."""
        return self._draw(
            figures.heatmap, name, grid, title, unit, n, None,
            rows=self.tongue(rows), columns=self.tongue(columns), show=show,
            period=grid.attrs.get("period", "M"),
        )  # fmt: skip

    def gaps(
        self, name: str, patterns: pd.DataFrame, columns: pd.DataFrame, *, title: str, top: int = 10
    ) -> Exhibit:
        """Which values are missing together; see `crmlab.figures.gaps`. The CSV joins the names by +."""

        def draw(shown: pd.DataFrame, unit: str, n: int | None, **rest: Any) -> Figure:
            sets = [tuple(filter(None, names.split(" + "))) for names in shown["missing"]]
            return figures.gaps(shown.assign(missing=sets), columns, top=top, **rest)

        joined = patterns.assign(missing=[" + ".join(names) for names in patterns["missing"]])
        return self._draw(draw, name, joined, title, "", None, ["missing", "rows", "share"])

    def curve(
        self, name: str, frame: pd.DataFrame, x: str, y: str, *, title: str, x_name: str,
        unit: str = "", n: int | None = None, mark: float | None = None, mark_text: str = "{x}: {y}",
    ) -> Exhibit:  # fmt: skip
        """A curve of two shares; see `crmlab.figures.curve`."""
        return self._draw(
            figures.curve, name, frame, title, unit, n, [x, y],
            x=x, y=y, x_name=self.tongue(x_name), mark=mark, mark_text=self.tongue(mark_text),
        )  # fmt: skip

    def scatter(
        self, name: str, frame: pd.DataFrame, label: str, x: str, y: str, *, title: str, x_name: str,
        y_name: str, unit: str = "", n: int | None = None, show_x: str = "number", show_y: str = "percent",
        x_cut: float | None = None, y_cut: float | None = None, corners: tuple[str, ...] = (),
    ) -> Exhibit:  # fmt: skip
        """Categories by two numbers, in four fields; see `crmlab.figures.scatter`."""
        return self._draw(
            figures.scatter, name, frame, title, unit, n, [label, x, y],
            label=label, x=x, y=y, x_name=self.tongue(x_name), y_name=self.tongue(y_name), x_cut=x_cut,
            y_cut=y_cut, corners=tuple(self.tongue(corner) for corner in corners),
            show_x=self._format(show_x), show_y=self._format(show_y),
        )  # fmt: skip

    def ways(
        self, name: str, frame: pd.DataFrame, steps: list[str], *, title: str, wait: str = "",
        ends: tuple[str, ...] = (),
    ) -> Exhibit:  # fmt: skip
        """Ways from step to step in boxes; see `crmlab.figures.ways`. Texts of the frame stay as they are."""
        ends = tuple(self.tongue(end) for end in ends)
        return self._draw(
            figures.ways, name, frame, title, "", None, [*steps, *([wait] if wait else [])],
            steps=steps, wait=wait, ends=ends,
        )  # fmt: skip

    def tree(
        self, name: str, tree: Any, *, title: str, event: Any = None, depth: int | None = None,
        unit: str = "", names: dict[str, str] | None = None, formats: dict[str, str] | None = None,
        persons: bool = False,
    ) -> Exhibit:  # fmt: skip
        """A decision tree; see `crmlab.figures.tree`. `formats` of cuts by column; the CSV has all nodes.

        A public report shows it if its rows are `persons`, and each of its nodes has enough of them.
        """
        said = {column: self.tongue(text) for column, text in (names or {}).items()}
        show = {column: self._format(kind) for column, kind in (formats or {}).items()}
        options = {"event": event, "depth": depth, "names": said, "show": show, "say": self._formats["text"]}

        def draw(shown: pd.DataFrame, **rest: Any) -> Figure:
            return figures.tree(tree, **options, **rest)

        nodes = figures.tree_table(tree, event)
        if persons and self.public is not None and enough(nodes["n"], self.public):
            nodes = self.publishable(nodes, "n", groups="separate")
        self._checked(name, pd.DataFrame(columns=nodes["column"].unique()), None)
        return self._draw(draw, name, nodes, title, unit, None, None)

    def file(self, name: str, content: str, *, title: str, counts: Any = None) -> Exhibit:
        """A text to be taken along, such as SQL: folded on the page, and a file called `name` beside it.

        In a public report it needs `counts`: how many persons are behind each thing that it says.
        """
        title = self.tongue(title)
        if self.public is not None and not enough(counts, self.public):
            return self._nothing(name, None, title)
        data = {"text/html": file_of(title, name, content), "text/plain": title} | self._mark
        return Exhibit(name, None, data | {FILE_TYPE: {"name": name, "content": content}})

    def _draw(
        self, draw: Callable[..., Figure], name: str, frame: pd.DataFrame, title: str, unit: str,
        n: int | None, wanted: list[str] | None, **options: Any,
    ) -> Exhibit:  # fmt: skip
        title, checked = self.tongue(title), self._checked(name, frame, wanted, n)
        if checked is None or checked.empty:
            return self._nothing(name, checked, title)
        shown = frame = checked
        if label := options.get("label"):
            shown = frame.assign(**{label: [self._formats["text"](text) for text in frame[label]]})
        if "show" in options:
            drawn = frame if wanted is None else frame.filter(wanted)
            options["show"] = self._format(options["show"], drawn.select_dtypes("number"))
        source = self.source
        if remark := self._held_back(frame):
            # The foot of a figure is its source, its number of cases, and this.
            cases = [] if n is None else [self.tongue("n = {n:,}", n=n)]
            source, n = " · ".join([source, *cases, remark]), None
        options |= {"title": title, "unit": self.tongue(unit), "source": source, "n": n}
        figure = draw(shown, code=self.tongue.code, **options)
        png = base64.b64encode(figures.to_png(figure)).decode()
        data = {"image/png": png, "text/plain": title} | self._mark
        size = {"width": round(figures.WIDTH * 100), "alt": alternative(title, shown)}
        table = frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
        return Exhibit(name, table, data, {"image/png": size})

    def table(
        self, name: str, frame: pd.DataFrame, columns: dict[str, str], *, title: str,
        formats: dict[str, str] | None = None, top: int | None = None,
    ) -> Exhibit:  # fmt: skip
        """A table with its heading.

        Parameters
        ----------
        columns
            Column to heading, in the order to be shown; the unit stands in the heading.
        formats
            Column to one of ``number``, ``decimal``, ``two decimals``, ``percent``,
            ``two-digit percent``, ``points``, ``percentage points``, ``money``, ``date``, ``month``,
            ``text``; by the column's type if not given.
        top
            Rows to be shown at most; the CSV has all.
        """
        title, checked = self.tongue(title), self._checked(name, frame, list(columns))
        if checked is None or checked.empty:
            return self._nothing(name, checked, title)
        frame = checked
        kinds = {column: (formats or {}).get(column) or kind_of(frame[column]) for column in columns}
        shown, cells = frame.head(top) if top else frame, {}
        for column, kind in kinds.items():
            show = self._format(kind, shown[column])
            cells[column] = [show(None if pd.isna(value) else value) for value in shown[column]]
        heads = {column: self.tongue(heading) for column, heading in columns.items()}
        source = self.tongue("Source: {source}", source=self.source)
        more = self.tongue("{n:,} more {n:row|rows} in the CSV file", n=len(frame) - len(shown))
        foot = " · ".join(filter(None, [source, more * (len(shown) < len(frame)), self._held_back(frame)]))
        content = table_of(title, heads, kinds, cells, foot)
        return Exhibit(name, frame, {"text/html": content, "text/plain": title} | self._mark)

    def _checked(
        self, name: str, frame: pd.DataFrame, columns: list[str] | None, n: int | None = None
    ) -> pd.DataFrame | None:
        """What of a frame may be shown: all of it, or the part for a public report, if there is one.

        The whole frame goes beside the page as CSV, so all its columns count.
        """
        if self.public is not None:
            fine = n is None or n >= self.public
            return what_may_be_shown(frame, columns, self.public) if fine else None
        refuse_identifiers(name, frame, self._hidden)
        return frame

    def _held_back(self, frame: pd.DataFrame) -> str:
        return held_back(frame, self.tongue, self.public) if self.public else ""

    def _format(self, kind: str, beside: pd.Series | pd.DataFrame | None = None) -> Callable[[Any], str]:
        """What writes numbers of a kind; amounts all with as many decimals as the largest `beside` them."""
        if kind not in self._formats:
            raise ParameterError(f"A number is shown as one of {', '.join(self._formats)}, not {kind!r}.")
        if kind != "money" or beside is None or beside.empty:
            return self._formats[kind]
        largest = beside.abs().max(axis=None)
        largest = None if pd.isna(largest) else largest
        return formats_of(self.tongue, self.decimals, self.currency, largest)[kind]

    def _words(self, said: str, metadata: dict[str, str] | None = None) -> Exhibit:
        return Exhibit("", None, {"text/markdown": said, "text/plain": said} | self._mark, metadata or {})

    def _nothing(self, name: str, frame: pd.DataFrame | None, title: str) -> Exhibit:
        """In place of a figure or table without rows, or of one that may not be shown."""
        hidden = left_out(self.tongue, self.public) if frame is None else ""
        text = hidden or self.tongue("There are no data for this.")
        data = {"text/html": note(title, text), "text/plain": f"{title}: {text}"}
        return Exhibit(name, frame, data | self._mark, {} if hidden else {NOTHING: text})
