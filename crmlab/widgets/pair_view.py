"""Two records side by side as HTML: what agrees and differs, and what that says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import SequenceMatcher
from html import escape
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from crmlab.cleansing.duplicates.comparisons import DIFFERENT, EQUAL
from crmlab.cleansing.duplicates.weights import probability
from crmlab.cleansing.standard import word_of
from crmlab.locale import Language
from crmlab.tables import table
from crmlab.widgets.parts import cell_of, heading_of

#: How alike the values of a field are: the class of its row and the sign before the words.
_SIGNS = {"agree": "=", "alike": "≈", "differ": "≠", "missing": "–"}
#: What a weight says in words, from so many bits on, for one person and for two.
STRENGTHS = (
    (8, "speaks very strongly for one person", "speaks very strongly for two people"),
    (4, "speaks strongly for one person", "speaks strongly for two people"),
    (1, "speaks for one person", "speaks for two people"),
    (0, "says little", "says little"),
)
#: Bits at which a bar is full; how alike texts are of which single letters are marked.
_FULL, _MARKED = 12, 0.6
#: Longer texts are not compared letter by letter; more further records are only counted.
_LONGEST, _SHOWN = 300, 8
_CONTRACT = table("customers")


class PairView(NamedTuple):
    """Shows pairs of some records in a language."""

    records: pd.DataFrame
    tongue: Language

    def question(self, why: pd.DataFrame) -> str:
        """What is asked, and how likely the answer is yes; `why` as `DuplicateFinder.explain` gives it."""
        tongue = self.tongue
        share = tongue.percent(float(probability(why["weight"].sum())), 0)
        said = tongue("By what the records say, yes with a probability of {share}.", share=share)
        asked = tongue("Is this one person?")
        return f'<p class="crm-question">{escape(asked)}</p><p>{escape(said)}</p>'

    def compared(self, one: Any, other: Any, why: pd.DataFrame) -> str:
        """Both records, field by field."""
        tongue, rows = self.tongue, []
        for name in self.records:
            values = [self._shown(name, self.records.at[label, name]) for label in (one, other)]
            if any(values):
                rows.append(self._row(name, values, why[why["column"] == name]))
        moved = why["weight"].get("moved", np.nan)
        if moved >= 1:
            whole = tongue("The whole address")
            said = tongue("Who moves changes all of it at once: it counts less than each part by itself.")
            # No evidence of its own: what the parts, which differ, count too much.
            back = escape(tongue("takes back some of that"))
            rows.append(
                f'<tr class="missing"><th scope="row">{escape(whole)}</th>'
                f'<td colspan="2" class="crm-note">{escape(said)}</td>'
                f'<td class="crm-says"><span>{back}</span>{_bar(moved)}</td></tr>'
            )
        heads = "".join(f'<th scope="col"><bdi>{escape(str(label))}</bdi></th>' for label in (one, other))
        pairs = round(2.0 ** -why.at["prior", "weight"]) + 1
        said = tongue(
            "At random, one pair in {pairs:,} would be one person; the fields move the odds from there.",
            pairs=pairs,
        )
        return (
            f"<table><thead><tr><td></td>{heads}<td></td></tr></thead><tbody>{''.join(rows)}</tbody></table>"
            f'<p class="crm-note">{escape(said)}</p>'
        )

    def further(self, whose: Mapping[Any, Sequence[Any]], columns: Collection[Any]) -> str:
        """Further records, by some columns, and whose they are; nothing if there are none."""
        if not whose:
            return ""
        tongue, shown = self.tongue, self.records.loc[list(whose)[:_SHOWN]]
        names = [name for name in shown if name in set(columns) and shown[name].notna().any()]
        heads = "".join(f'<th scope="col">{escape(self._label(name))}</th>' for name in names)
        rows = []
        for label in shown.index:
            values = [self._shown(name, shown.at[label, name]) or "–" for name in names]
            cells = "".join(map(cell_of, values))
            mates = "<br>".join(f"<bdi>{escape(str(mate))}</bdi>" for mate in whose[label])
            rows.append(
                f'<tr><th scope="row"><bdi>{escape(str(label))}</bdi></th><td>{mates}</td>{cells}</tr>'
            )
        caption, belongs = tongue("Further records of these people"), tongue("belongs to")
        more = len(whose) - len(shown)
        note = tongue("and {n:,} more", n=more) if more else ""
        return (
            f"<div><table><caption>{escape(caption)}</caption><thead><tr><td></td>"
            f'<th scope="col">{escape(belongs)}</th>{heads}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div><p>{escape(note)}</p>"
        )

    def _row(self, name: Any, values: list[str], fields: pd.DataFrame) -> str:
        """A row: the field, both values, how alike they are and what that says."""
        tongue = self.tongue
        levels = list(dict.fromkeys(fields["level"].dropna()))
        if levels == [EQUAL]:
            kind = "agree"
            words = tongue("agrees") if values[0] == values[1] else tongue("agrees, written otherwise")
        elif levels == [DIFFERENT]:
            kind, words = "differ", tongue("differs")
        elif levels:
            kind, words = "alike", "; ".join(tongue(level) for level in levels)
        else:
            kind, words = "missing", tongue("cannot be compared") if all(values) else tongue("missing")
        texts = marked(*values) if kind in ("agree", "alike") else [escape(value) or "–" for value in values]
        cells = "".join(f"<td><bdi>{text}</bdi></td>" for text in texts)
        verdict = '<td class="crm-says"></td>'
        if len(fields):
            verdict = self._verdict(fields["weight"].sum(min_count=1), _SIGNS[kind], words)
        return f'<tr class="{kind}"><th scope="row">{escape(self._label(name))}</th>{cells}{verdict}</tr>'

    def _verdict(self, weight: float, sign: str = "", words: str = "") -> str:
        """How alike two values are, and what it says in words and as a bar."""
        said = f'<span class="crm-alike"><b aria-hidden="true">{sign}</b> {escape(words)}</span>'
        if not np.isnan(weight):
            strength = next(row for row in STRENGTHS if abs(weight) >= row[0])
            text = self.tongue(strength[1] if weight >= 0 else strength[2])
            said += f"<span>{escape(text)}</span>{_bar(weight)}"
        return f'<td class="crm-says">{said}</td>'

    def _label(self, name: Any) -> str:
        return heading_of(_CONTRACT[name], self.tongue) if name in _CONTRACT.names else str(name)

    def _shown(self, name: Any, value: Any) -> str:
        """A value as it is read; empty if it is missing."""
        if pd.isna(value):
            return ""
        if isinstance(value, pd.Timestamp) and value == value.normalize():
            return self.tongue.day(value)
        column = _CONTRACT[name] if name in _CONTRACT.names else None
        if column is not None and value in (column.allowed or {}):
            return word_of(value, column, self.tongue)
        # Days are compared as they were typed, in whichever calendar.
        days = column is not None and column.kind in ("date", "time")
        return self.tongue.digits(str(value)) if days else str(value)


def _bar(weight: float) -> str:
    """A weight as a bar, to the side of one person or of two."""
    side, size = "for" if weight >= 0 else "against", 100 * min(abs(weight) / _FULL, 1)
    return f'<span class="crm-weight {side}" aria-hidden="true"><i style="width:{size:.0f}%"></i></span>'


def marked(one: str, other: str) -> tuple[str, str]:
    """Two texts as HTML, the letters in which they differ marked, if they are alike at all.

    Examples
    --------
    >>> marked("Anne", "Ann")
    ('Ann<mark>e</mark>', 'Ann')
    """
    if not one or not other or one == other or max(len(one), len(other)) > _LONGEST:
        return escape(one) or "–", escape(other) or "–"
    match = SequenceMatcher(None, one, other, autojunk=False)
    if match.ratio() < _MARKED:
        return escape(one), escape(other)
    sides: tuple[list[str], list[str]] = ([], [])
    for what, a, b, c, d in match.get_opcodes():
        for parts, text in ((sides[0], one[a:b]), (sides[1], other[c:d])):
            parts.append(escape(text) if what == "equal" or not text else f"<mark>{escape(text)}</mark>")
    return "".join(sides[0]), "".join(sides[1])
