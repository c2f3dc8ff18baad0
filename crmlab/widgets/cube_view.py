"""A view of a cube as HTML: its table, its figure, what it is limited to, and its code."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import pandas as pd

from crmlab.figures import bars, to_png
from crmlab.locale import Language

#: Rows and columns of the table, and bars of the figure, that somebody can look over.
_ROWS, _COLUMNS, _BARS = 40, 12, 15


class CubeView(NamedTuple):
    """Shows views of a cube in a language; `show` writes values."""

    tongue: Language
    show: Callable[[float], str] | None

    def heading(self, name: str) -> str:
        """What a dimension or measure is called, in the language if it is a name of the contract."""
        told = self.tongue(name) if self.tongue.knows(name) else name.replace("_", " ")
        return told[0].upper() + told[1:]

    def member(self, value: Any) -> str:
        """A member of a dimension as it is read."""
        if value is None or value != value:
            return self.tongue("not known")
        if isinstance(value, pd.Timestamp):
            return self.tongue.day(value)
        if isinstance(value, str):
            return self.tongue(value) if self.tongue.knows(value) else value
        return self.tongue.digits(str(value))

    def wrong(self, said: str) -> str:
        """What went wrong."""
        return f'<p class="crm-wrong" role="alert">{escape(said)}</p>'

    def path(self, kept: Mapping[str, Sequence[Any]]) -> str:
        """To which members the dimensions are limited."""
        items = [f"<b>{escape(self.heading(name))}</b> <bdi>{escape(self._some(members))}</bdi>"
                 for name, members in kept.items()] or [escape(self.tongue("Everything"))]  # fmt: skip
        return f'<ul role="status">{"".join(f"<li>{item}</li>" for item in items)}</ul>'

    def _some(self, members: Sequence[Any]) -> str:
        comma = "، " if self.tongue.right_to_left else ", "
        said = comma.join(map(self.member, members[:6]))
        return f"{said} …" if len(members) > 6 else said

    def grid(self, frame: pd.DataFrame, rows: str, columns: str, measure: str) -> str:
        """The table, its last row and, with columns, its last column being totals."""
        if not columns:
            frame = frame.set_index(rows)
        tongue, total = self.tongue, self.tongue("Total")
        across = [self.heading(measure)] if not columns else [*map(self.member, frame.columns[:-1]), total]
        down = [*map(self.member, frame.index[:-1]), total]
        # The totals are shown in any case.
        wide = _places(len(across), _COLUMNS if columns else 1)
        tall = _places(len(down), _ROWS)
        write = self._writer(frame)
        cells = frame.to_numpy(dtype=object)
        title = self.title(rows, columns, measure)
        body = []
        for row in tall:
            values = "".join(
                f"<td{_last(column, across, columns)}>{escape(write(cells[row, column]))}</td>"
                for column in wide
            )
            mark = ' class="crm-total"' if row == len(down) - 1 else ""
            body.append(f'<tr{mark}><th scope="row"><bdi>{escape(down[row])}</bdi></th>{values}</tr>')
        heads = "".join(
            f'<th scope="col"{_last(column, across, columns)}><bdi>{escape(across[column])}</bdi></th>'
            for column in wide
        )
        top = ""
        if columns:
            top = f'<tr><td></td><th class="crm-over" scope="colgroup" colspan="{len(wide)}">'
            top += f"{escape(self.heading(columns))}</th></tr>"
        corner = f'<th scope="col">{escape(self.heading(rows))}</th>'
        said = ""
        if len(tall) < len(down) or len(wide) < len(across):
            size = {"rows": len(down) - 1, "columns": len(across) - bool(columns)}
            said = tongue(
                "This is a part of a table of {rows:,} × {columns:,}; the frame has all of it.", **size
            )
            said = f"<p>{escape(said)}</p>"
        return (
            f'<div tabindex="0" role="region" aria-label="{escape(title)}"><table>'
            f"<caption>{escape(title)}</caption><thead>{top}<tr>{corner}{heads}</tr></thead>"
            f"<tbody>{''.join(body)}</tbody></table></div>{said}"
        )

    def title(self, rows: str, columns: str, measure: str) -> str:
        """What is shown, in words."""
        told = {"measure": self.heading(measure), "rows": self.heading(rows).lower()}
        if not columns:
            return self.tongue("{measure} by {rows}", **told)
        return self.tongue("{measure} by {rows} and {columns}", columns=self.heading(columns).lower(), **told)

    def figure(
        self, by_rows: pd.DataFrame, rows: str, measure: str, kept: Mapping[str, Sequence[Any]]
    ) -> str:
        """The measure by rows as bars; of many rows those with the most."""
        shown = by_rows.dropna(subset=[measure]).astype({measure: "float64"})
        if shown.empty:
            return ""
        title = self.title(rows, "", measure)
        if len(shown) > _BARS:
            shown = shown.nlargest(_BARS, measure)
            title = self.tongue("{title}: the {n} largest", title=title, n=_BARS)
        shown = pd.DataFrame({"label": [*map(self.member, shown[rows])], "value": shown[measure].to_numpy()})
        limits = " · ".join(f"{self.heading(name)}: {self._some(members)}" for name, members in kept.items())
        figure = bars(shown, "label", {"value": self.heading(measure)}, title=title, unit=limits,
                      show=self._writer(shown[["value"]]), code=self.tongue.code)  # fmt: skip
        return f'<img alt="{escape(title)}" src="data:image/png;base64,{b64encode(to_png(figure)).decode()}">'

    def code(self, code: str) -> str:
        """Python that gives the same."""
        label = escape(self.tongue("The same in Python"))
        return f'<p>{label}</p><pre dir="ltr" tabindex="0" aria-label="{label}">{escape(code)}</pre>'

    def _writer(self, frame: pd.DataFrame) -> Callable[[Any], str]:
        """How the values of a frame are written: whole numbers without decimals, alike in all cells."""
        values = pd.to_numeric(
            pd.Series(frame.to_numpy(dtype=object).ravel()).dropna(), errors="coerce"
        ).dropna()
        decimals = 0 if (values % 1 == 0).all() or (values.abs() >= 1000).any() else 2
        number = self.show or (lambda value: self.tongue.number(value, decimals))
        return lambda value: "–" if pd.isna(value) else number(float(value))


def _places(size: int, most: int) -> list[int]:
    """The first places and the last one."""
    return [*range(min(size - 1, most)), size - 1]


def _last(place: int, across: Sequence[str], columns: str) -> str:
    return ' class="crm-total"' if columns and place == len(across) - 1 else ""


def python_of(
    data: str, kept: Mapping[str, Sequence[Any]], looked: Sequence[str], measure: str, what: tuple[str, str]
) -> str:
    """Python that makes a view of the data called `data`: filters, the cube, and its one or two sides."""
    lines = ["from crmlab import as_table, collect", "from crmlab.mining.methods import cube, pivot, roll_up",
             "", f"lines = as_table({data})"]  # fmt: skip
    for name, members in kept.items():
        known = [value for value in members if value is not None]
        parts = [f"lines[{name!r}].isin({known!r})"] * bool(known)
        parts += [f"lines[{name!r}].isnull()"] * (None in members)
        lines.append(f"lines = lines.filter({' | '.join(parts)})")
    if any("datetime." in line for line in lines):
        lines.insert(0, "import datetime")
    given = f"{measure}={what!r}" if measure.isidentifier() else f"**{{{measure!r}: {what!r}}}"
    lines.append(f"cells = cube(lines, {list(looked)!r}, {given})")
    sides = ", ".join(map(repr, looked))
    one = f"collect(roll_up(cells, {list(looked)!r}), key={looked[0]!r})"
    return "\n".join([*lines, f"pivot(cells, {sides}, {measure!r})" if len(looked) > 1 else one])
