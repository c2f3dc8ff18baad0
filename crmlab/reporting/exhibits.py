"""What a report shows: sentences, figures and tables in its language, each with its data.

A figure or table carries the frame behind it as CSV in its output, so a run can put the tables
beside the page without the notebook writing files.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab import figures
from crmlab.errors import ParameterError
from crmlab.locale import language
from crmlab.reporting.render import HEADLINE_TYPE, TABLE_TYPE
from crmlab.tables import IDENTIFIERS

if TYPE_CHECKING:
    from IPython.display import Markdown
    from matplotlib.figure import Figure

    from crmlab.workspace import Workspace


#: Formats of numbers that are shares from 0 to 1.
_SHARES = ("percent", "two-digit percent", "points", "percentage points")


@dataclass(frozen=True)
class Exhibit:
    """A figure or table on display, with the frame behind it."""

    name: str
    frame: pd.DataFrame = field(repr=False)
    data: dict[str, Any] = field(repr=False)
    metadata: dict[str, Any] = field(repr=False, default_factory=dict)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        csv = self.frame.to_csv(index=False, lineterminator="\n")
        return {**self.data, TABLE_TYPE: {"name": self.name, "csv": csv}}, self.metadata


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

    Attributes
    ----------
    tongue : Language
        Translates and formats.
    calendar : str
        Calendar whose months the report counts in.
    """

    def __init__(
        self, workspace: Workspace, language_code: str | None = None, identifiers: Iterable[str] = ()
    ) -> None:
        self._hidden = IDENTIFIERS - (set(identifiers) - {"national_id"})
        self.tongue = language(language_code or workspace.settings.language)
        self.calendar = self.tongue.calendar
        self.source = workspace.name
        self.currency = workspace.settings.currency
        self.decimals = workspace.decimals
        self._units = {"money": _minor_unit(self.decimals, self.currency)} | dict.fromkeys(_SHARES, "share")
        self._formats: dict[str, Callable[[Any], str]] = {
            "number": self.tongue.number,
            "decimal": lambda value: self.tongue.number(value, 1),
            "two decimals": lambda value: self.tongue.number(value, 2),
            "percent": self.tongue.percent,
            "two-digit percent": lambda value: self.tongue.percent(value, 2),
            "points": lambda value: self.tongue.percent(value, 2).rstrip("%٪\u200f"),
            "percentage points": lambda value: (
                "–" if pd.isna(value) else self.tongue("{points} points", points=self.points(value))
            ),
            "money": lambda value: (
                "–" if pd.isna(value) else self.tongue.money(value, self.decimals, self.currency)
            ),
            "date": lambda value: "–" if pd.isna(value) else self.tongue.day(value.date()),
            "month": lambda value: self.tongue.month(value.date()),
            "text": lambda value: "–" if pd.isna(value) else self._text(str(value)),
        }

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

    def _text(self, text: str) -> str:
        """A text out of a table: translated if it is one of ours, else a name that stays as it is."""
        return self.tongue(text) if self.tongue.knows(text) else text

    def say(self, text: str, **values: object) -> Markdown:
        """A paragraph in Markdown, translated and filled in."""
        from IPython.display import Markdown

        return Markdown(self.tongue(text, **values))

    def headline(self, figures: dict[str, Any], formats: dict[str, str] | None = None) -> Exhibit:
        """The figures to see first; the list of runs and the summary of a batch have them too.

        Parameters
        ----------
        figures
            English name to value: a plain number, money in minor units, shares from 0 to 1.
        formats
            Name to a format as `table` takes it; by the value's type if not given.
        """
        shown = []
        for name, value in figures.items():
            kind = (formats or {}).get(name) or _kind(pd.Series([value]))
            shown.append({
                "name": name, "label": self.tongue(name), "text": self._format(kind)(value),
                "value": _plain(value), "unit": self._units.get(kind, ""),
            })  # fmt: skip
        rows = "".join(
            f"<div><dt>{html.escape(figure['label'])}</dt><dd>{html.escape(figure['text'])}</dd></div>"
            for figure in shown
        )
        data = {
            "text/html": f'<dl class="crm-headline">{rows}</dl>',
            "text/plain": ", ".join(f"{figure['label']}: {figure['text']}" for figure in shown),
            HEADLINE_TYPE: shown,
        }
        table = pd.DataFrame(shown, columns=["name", "value", "unit"], dtype="object")
        return Exhibit("headline_figures", table.rename(columns={"name": "figure"}), data)

    def bars(
        self, name: str, frame: pd.DataFrame, label: str, values: dict[str, str], *,
        title: str, unit: str = "", n: int | None = None, show: str = "number",
    ) -> Exhibit:  # fmt: skip
        """Bars per category; see `crmlab.figures.bars`. Texts are given in English."""
        values = {column: self.tongue(series) for column, series in values.items()}
        return self._draw(figures.bars, name, frame, title, unit, n, label=label, values=values, show=show)

    def intervals(
        self, name: str, frame: pd.DataFrame, label: str, *, title: str, unit: str = "",
        n: int | None = None, show: str = "decimal", value: str = "value", reference: float | None = None,
        reference_name: str = "",
    ) -> Exhibit:  # fmt: skip
        """Estimates with intervals; see `crmlab.figures.intervals`."""
        return self._draw(
            figures.intervals, name, frame, title, unit, n,
            label=label, show=show, value=value, reference=reference,
            reference_name=self.tongue(reference_name),
        )  # fmt: skip

    def trend(
        self, name: str, frame: pd.DataFrame, value: str, *, title: str, unit: str = "",
        n: int | None = None, show: str = "number", time: str = "period", zero: bool = False,
    ) -> Exhibit:  # fmt: skip
        """A line over time; see `crmlab.figures.trend`. A frame may say ``.attrs["period"]``."""
        return self._draw(
            figures.trend, name, frame, title, unit, n,
            value=value, show=show, time=time, zero=zero, period=frame.attrs.get("period", "M"),
        )  # fmt: skip

    def heatmap(
        self, name: str, grid: pd.DataFrame, *, title: str, rows: str, columns: str,
        unit: str = "", n: int | None = None, show: str = "number",
    ) -> Exhibit:  # fmt: skip
        """A shaded table of numbers; see `crmlab.figures.heatmap`."""
        return self._draw(
            figures.heatmap, name, grid, title, unit, n,
            rows=self.tongue(rows), columns=self.tongue(columns), show=show,
        )  # fmt: skip

    def curve(
        self, name: str, frame: pd.DataFrame, x: str, y: str, *, title: str, x_name: str,
        unit: str = "", n: int | None = None, mark: float | None = None, mark_text: str = "{x}: {y}",
    ) -> Exhibit:  # fmt: skip
        """A curve of two shares; see `crmlab.figures.curve`."""
        return self._draw(
            figures.curve, name, frame, title, unit, n,
            x=x, y=y, x_name=self.tongue(x_name), mark=mark, mark_text=self.tongue(mark_text),
        )  # fmt: skip

    def _draw(
        self, draw: Callable[..., Figure], name: str, frame: pd.DataFrame, title: str, unit: str,
        n: int | None, **options: Any,
    ) -> Exhibit:  # fmt: skip
        title = self.tongue(title)
        self._check_privacy(name, frame)
        if frame.empty:
            return self._nothing(name, frame, title)
        shown = frame
        if label := options.get("label"):
            shown = frame.assign(**{label: [self._formats["text"](text) for text in frame[label]]})
        if "show" in options:
            options["show"] = self._format(options["show"])
        figure = draw(
            shown,
            title=title,
            unit=self.tongue(unit),
            source=self.source,
            n=n,
            code=self.tongue.code,
            **options,
        )
        png = base64.b64encode(figures.to_png(figure)).decode()
        data = {"image/png": png, "text/plain": title}
        size = {"width": round(figures.WIDTH * 100), "alt": _alternative(title, shown)}
        table = frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
        return Exhibit(name, table, data, {"image/png": size})

    def table(
        self, name: str, frame: pd.DataFrame, columns: dict[str, str], *, title: str,
        formats: dict[str, str] | None = None,
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
        """
        title = self.tongue(title)
        self._check_privacy(name, frame)
        if frame.empty:
            return self._nothing(name, frame, title)
        kinds = {column: (formats or {}).get(column) or _kind(frame[column]) for column in columns}
        heads = "".join(
            f'<th scope="col"{_side(kinds[column])}>{html.escape(self.tongue(heading))}</th>'
            for column, heading in columns.items()
        )
        cells = {
            column: [self._format(kinds[column])(value) for value in frame[column]] for column in columns
        }
        rows = [
            "<tr>" + "".join(_cell(kinds[column], cells[column][row]) for column in columns) + "</tr>"
            for row in range(len(frame))
        ]
        source = html.escape(self.tongue("Source: {source}", source=self.source))
        content = (
            f'<figure class="crm-table"><figcaption>{html.escape(title)}</figcaption>'
            f"<div><table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
            f"<footer>{source}</footer></figure>"
        )
        return Exhibit(name, frame, {"text/html": content, "text/plain": title})

    def _check_privacy(self, name: str, frame: pd.DataFrame) -> None:
        """The whole frame goes beside the page as CSV, so all its columns count."""
        found = sorted(self._hidden & {*map(str, frame.columns), *map(str, frame.index.names)})
        if found:
            raise ParameterError(
                f"The exhibit {name!r} holds what says who a person is: {', '.join(found)}. Leave it out "
                f"(frame.drop(columns={found})), or ask for it: Report(ws, identifiers=[...])."
                + (" National ids never stand in a report." if "national_id" in found else "")
            )

    def _format(self, kind: str) -> Callable[[Any], str]:
        if kind not in self._formats:
            raise ParameterError(f"A number is shown as one of {', '.join(self._formats)}, not {kind!r}.")
        return self._formats[kind]

    def _nothing(self, name: str, frame: pd.DataFrame, title: str) -> Exhibit:
        text = self.tongue("There are no data for this.")
        content = f'<p class="crm-nothing"><strong>{html.escape(title)}</strong><br>{html.escape(text)}</p>'
        return Exhibit(name, frame, {"text/html": content, "text/plain": f"{title}: {text}"})


def _plain(value: Any) -> Any:
    """A value as JSON and CSV hold it; a missing one is None."""
    if pd.isna(value):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _minor_unit(decimals: int, currency: str) -> str:
    """What amounts are counted in.

    >>> _minor_unit(2, "EUR"), _minor_unit(0, "IRR")
    ('0.01 EUR', '1 IRR')
    """
    return f"{10**-decimals:.{decimals}f} {currency}"


def _kind(values: pd.Series) -> str:
    if values.dtype.kind in "iu":
        return "number"
    if values.dtype.kind == "f":
        return "decimal"
    return "date" if values.dtype.kind == "M" else "text"


def _cell(kind: str, text: str) -> str:
    return f"<td{_side(kind, text)}>{html.escape(text)}</td>"


def _side(kind: str, text: str = "") -> str:
    if kind in ("text", "date", "month"):
        return ' class="long"' if len(text) > 30 else ""
    return ' class="n"'


def _alternative(title: str, frame: pd.DataFrame) -> str:
    """Text in place of the picture: its title and the first rows of its data."""
    rows = [
        ", ".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row)
        for row in frame.head(12).itertuples(index=not isinstance(frame.index, pd.RangeIndex), name=None)
    ]
    more = "; ..." if len(frame) > 12 else ""
    return f"{title} ({', '.join(map(str, frame.columns))}): {'; '.join(rows)}{more}"
