"""Dirt: clean tables as the text that files hold, some cells and lines spoilt, each on record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.loaders.sample import spellings
from crmlab.loaders.sample.forms import Form, as_text, form_of
from crmlab.loaders.sample.spellings import Cells, Spelling
from crmlab.loaders.sample.words import Words
from crmlab.tables import Column
from crmlab.tables import table as contract_of

_DTYPES = {"table": "str", "row": "int64", "column": "str", "clean": "str", "dirty": "str", "kind": "str",
           "repairable": "bool"}  # fmt: skip
#: A line cut off after so many fields.
BROKEN_LINE, FIELDS_LEFT = "broken line", 3
_DUPLICATE_LINE, _DUPLICATE_RATE = "duplicate line", 0.003
_BROKEN_TABLE, _ROWS_PER_BROKEN_LINE = "interactions", 3_000


@dataclass(frozen=True)
class Rule:
    """One kind of dirt: where it is found, how often, and whether cleansing can undo it.

    Attributes
    ----------
    kinds
        Kinds of columns it is found in.
    rate
        Share of the cells that have a value; of those that have none for markers.
    only
        ``table.column`` names, if it is found there alone.
    languages
        Languages it is found in.
    utf8
        Whether it needs letters that Windows-1256 lacks.
    """

    name: str
    kinds: tuple[str, ...]
    rate: float
    spell: Spelling
    only: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en", "fa")
    utf8: bool = False
    repairable: bool = True

    def concerns(self, table: str, column: Column, form: Form, language: str) -> bool:
        """Whether a column may have this dirt."""
        return (
            column.kind in self.kinds
            and language in self.languages
            and (not self.only or f"{table}.{column.name}" in self.only)
            and not (self.utf8 and form.lacks_persian)
        )


_MARKER = Rule(
    "missing marker", ("name", "text", "email", "phone", "category", "date", "money", "number", "id"),
    0.02, spellings.missing_marker,
)  # fmt: skip
RULES = (
    Rule("case", ("name",), 0.02, spellings.other_case, languages=("en",)),
    Rule("spaces", ("name", "text", "email"), 0.012, spellings.stray_spaces),
    Rule("spaces", ("id",), 0.003, spellings.stray_spaces),
    Rule("arabic letters", ("name", "text"), 0.03, spellings.arabic_letters, languages=("fa",), utf8=True),
    Rule("half-space", ("name",), 0.01, spellings.half_spaces, languages=("fa",)),
    Rule("tatweel", ("name",), 0.008, spellings.tatweel, languages=("fa",)),
    Rule("persian digits", ("date", "time", "phone", "money", "integer"), 0.03, spellings.persian_digits,
         languages=("fa",), utf8=True),
    Rule("date format", ("date", "time"), 0.02, spellings.other_date),
    Rule("month name", ("date", "time"), 0.006, spellings.month_name),
    Rule("impossible date", ("date", "time"), 0.0008, spellings.impossible_date, repairable=False),
    Rule("phone spelling", ("phone",), 0.03, spellings.other_phone),
    Rule("e-mail case", ("email",), 0.02, spellings.capital_domain),
    Rule("invalid e-mail", ("email",), 0.006, spellings.invalid_email, repairable=False),
    Rule("other spelling", ("category", "boolean"), 0.02, spellings.other_spelling),
    Rule("thousands separator", ("money",), 0.03, spellings.thousands),
    Rule("currency mark", ("money",), 0.005, spellings.currency_mark),
    Rule("not a number", ("integer",), 0.0015, spellings.no_number, only=("orders.quantity",),
         repairable=False),
    Rule("missing customer", ("id",), 0.003, spellings.left_empty, only=("orders.customer_id",),
         repairable=False),
)  # fmt: skip


def pollute(
    generator: np.random.Generator, tables: dict[str, pd.DataFrame], kind: str, language: str, words: Words
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """The tables as their files have them, and the truth about their dirt.

    Returns
    -------
    tables, dirt
        Text, columns named as in the contract; and one row per spoilt cell or line: `table`,
        `row` (of the file, from 1), `column` (``*`` for a whole line), `clean`, `dirty`, `kind`,
        `repairable` (whether the cell alone tells what was meant).
    """
    dirty, found = {}, []
    for name, stream in zip(tables, generator.spawn(len(tables)), strict=True):
        form = form_of(name, kind, language)
        dirty[name], dirt = _pollute_table(stream, tables[name], name, form, language, words)
        found.append(dirt.assign(table=name))
    return dirty, pd.concat(found, ignore_index=True)[list(_DTYPES)].astype(_DTYPES)


def _pollute_table(
    generator: np.random.Generator,
    clean: pd.DataFrame,
    name: str,
    form: Form,
    language: str,
    words: Words,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    text = as_text(clean, name, form, words)
    found = []
    for column in contract_of(name).columns:
        if column.name in text:
            rules = [rule for rule in RULES if rule.concerns(name, column, form, language)]
            cells = Cells(text[column.name], clean[column.name], column, form, words, generator)
            dirt = _spoil(cells, rules)
            text.loc[dirt["row"].to_numpy(), column.name] = dirt["dirty"].to_numpy()
            found.append(dirt)
    dirt = pd.concat(found, ignore_index=True)
    if name == _BROKEN_TABLE:
        broken = np.sort(generator.choice(len(text), len(text) // _ROWS_PER_BROKEN_LINE + 1, replace=False))
        text.loc[broken, text.columns[FIELDS_LEFT:]] = pd.NA
        dirt = dirt[~dirt["row"].isin(broken)]
        dirt = pd.concat([dirt, _lines(broken, BROKEN_LINE, False)], ignore_index=True)
    return _with_duplicates(generator, text, dirt, contract_of(name).log)


def _spoil(cells: Cells, rules: list[Rule]) -> pd.DataFrame:
    """Dirt in one column; cells that come out as they were are none."""
    drawn = cells.generator.random(len(cells.text))
    # Each rule has its own interval of chance, so no cell is spoilt twice.
    bounds = np.cumsum([rule.rate for rule in rules])
    which = np.searchsorted(bounds, drawn, side="right")
    missing = cells.text.isna().to_numpy()
    marked = missing & (drawn < _MARKER.rate) & (cells.column.kind in _MARKER.kinds)
    rows = np.flatnonzero(marked | ~missing & (which < len(rules)))
    rules = [*rules, _MARKER]
    which = np.where(marked, len(rules) - 1, which)[rows]
    before = cells.text.iloc[rows].to_numpy(dtype=object)
    dirty = before.copy()
    for number in np.unique(which):
        few = rows[which == number]
        some = cells._replace(text=cells.text.iloc[few], values=cells.values.iloc[few])
        dirty[which == number] = rules[number].spell(some).to_numpy(dtype=object)
    changed = (dirty != before) & ~(pd.isna(dirty) & pd.isna(before))
    rows, which = rows[changed], which[changed]
    return pd.DataFrame(
        {
            "row": rows,
            "column": cells.column.name,
            "clean": plain(cells.values.iloc[rows], cells.column).to_numpy(),
            "dirty": dirty[changed],
            "kind": [rules[number].name for number in which],
            "repairable": [rules[number].repairable for number in which],
        }
    )


def plain(values: pd.Series, column: Column) -> pd.Series:
    """Clean values as text: ISO dates, whole numbers, money in minor units; missing stays missing."""
    if column.kind in ("date", "time"):
        return values.dt.strftime("%Y-%m-%d" if column.kind == "date" else "%Y-%m-%d %H:%M:%S").astype("str")
    if column.kind == "number":
        return values.astype("Int64").astype("str")
    return values.astype("str")


def _lines(rows: np.ndarray, kind: str, repairable: bool) -> pd.DataFrame:
    return pd.DataFrame({"row": rows, "column": "*", "kind": kind, "repairable": repairable})


def _with_duplicates(
    generator: np.random.Generator, text: pd.DataFrame, dirt: pd.DataFrame, log: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write some lines of a log twice, and number the rows of the dirt as the file has them."""
    twice = np.flatnonzero(generator.random(len(text)) < (_DUPLICATE_RATE if log else 0))
    broken = dirt.loc[dirt["kind"] == BROKEN_LINE, "row"]
    twice = np.setdiff1d(twice, broken)
    order = np.sort(np.concatenate([np.arange(len(text)), twice]), kind="stable")
    row_of = np.searchsorted(order, np.arange(len(text))) + 1
    dirt = dirt.assign(row=row_of[dirt["row"].to_numpy(dtype=np.int64)])
    dirt = pd.concat([dirt, _lines(row_of[twice] + 1, _DUPLICATE_LINE, True)], ignore_index=True)
    dirt = dirt.sort_values(["row", "column"], kind="stable").reset_index(drop=True)
    return text.iloc[order].reset_index(drop=True), dirt
