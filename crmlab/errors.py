"""What crmlab says when something is wrong.

CrmlabError            anything the user can mend; the message is one sentence
├── SourceError        a file, database or data set that cannot be read
├── TableError         a table that breaks its contract
├── ParameterError     a wrong call: unknown name, wrong type, impossible value
├── WorkspaceError     a workspace folder that is missing, wrong or not writable
└── ReportError        a report that failed while it ran
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class CrmlabError(Exception):
    """Base of all errors crmlab raises on purpose; the message is for the reader."""

    def _render_traceback_(self) -> list[str]:
        # IPython asks for this: a notebook shows the sentence, not the stack.
        return [f"{type(self).__name__}: {self}"]


class SourceError(CrmlabError):
    """A source (file, database, public data set) cannot be read."""


class TableError(CrmlabError):
    """A table breaks its contract.

    Attributes
    ----------
    table, column, rule : str
        Where the contract is broken and which part of it.
    rows : list
        Index labels of the offending rows, all of them.
    """

    def __init__(
        self, message: str, table: str = "", column: str = "", rule: str = "", rows: Sequence = ()
    ) -> None:
        super().__init__(message)
        self.table, self.column, self.rule, self.rows = table, column, rule, list(rows)


class ParameterError(CrmlabError):
    """A call with an unknown name, a wrong type or an impossible value."""


class WorkspaceError(CrmlabError):
    """A workspace is missing, wrongly described or cannot be written."""


class ReportError(CrmlabError):
    """A report notebook failed while it ran."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """End of an error sentence: the nearest known name, and the list of them.

    >>> did_you_mean("oders", ["orders", "products"])
    "; did you mean 'orders'? Known: orders, products."
    """
    known = sorted(set(known))
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    guess = f"; did you mean {near[0]!r}?" if near else "."
    return f"{guess} Known: {listed(known)}." if known else guess


def one_line(text: str) -> str:
    r"""Text without signs that end the line or move the cursor.

    >>> one_line("a\n  b\x7f")
    'a b'
    """
    return " ".join(text.translate(dict.fromkeys([*range(32), *range(127, 160)], " ")).split())


def listed(names: Iterable[str], signs: int = 1000) -> str:
    """Names in a row on one line, as many of them as a sentence can hold.

    >>> listed(["a", "b"]), listed(["first", "second", "third"], signs=12)
    ('a, b', 'first, second, ... (3 in all)')
    """
    plain = [one_line(str(name)) for name in names]
    shown, left = [], signs
    for name in plain:
        if left <= 0:
            return f"{', '.join(shown)}, ... ({len(plain):,} in all)"
        shown.append(name if len(name) <= signs // 10 or len(name) < 100 else f"{name[: signs // 10]}...")
        left -= len(shown[-1]) + 2
    return ", ".join(shown)
