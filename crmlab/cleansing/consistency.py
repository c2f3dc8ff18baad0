"""Consistency: tables held to rules within and between them, row by row, with nothing changed."""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from crmlab.cleansing.expressions import balanced, express
from crmlab.engine import as_table, to_pandas
from crmlab.errors import CrmlabError, ParameterError, TableError, did_you_mean
from crmlab.kinds import Field
from crmlab.rules import KEYS, Meaning, Rule, as_rule, field_of, meaning
from crmlab.tables import TABLES

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

#: Columns that tables are given in the engine: place of a row from 0, its own number, the verdict.
POSITION, _KEY, _KEPT = "_position", "_key", "_kept"


class Checked(NamedTuple):
    """What came of holding tables to rules; see `check_rules`."""

    rules: pd.DataFrame
    rows: pd.DataFrame


def check_rules(
    tables: Mapping[str, Log],
    rules: Iterable[Rule | Mapping[str, Any]],
    decimals: int = 2,
    limit: int | None = None,
) -> Checked:
    """Hold clean tables to rules, and report every row that breaks one.

    Parameters
    ----------
    tables
        Clean tables by name, frames or ibis tables. Only counts and the rows that break a rule
        leave the engine. The rows of an ibis table have a position only as far as its engine
        keeps an order; their key tells them anyway.
    rules
        Rules, or what a ``[[rule]]`` of crmlab.toml holds.
    decimals
        Digits after the decimal mark of the currency: rules tell money in whole units, whole
        numbers in columns of money are minor units.
    limit
        List no more than so many rows for each rule; they are counted all the same.

    Returns
    -------
    Checked
        `rules`, one row per rule: `rule`, `table`, `level`, the `columns` that it is about, `rows`
        to which it applies, `violations` among them and their `share`, `unknown` (rows for which
        it cannot be told as a value is missing; not among `rows`), and `first`, the positions of
        the first rows that break it. `rows`, one row per row and rule that it breaks: `table`,
        `position` (from 0), `key` (the record's own number), `rule`, `level` and `columns`.

    Raises
    ------
    ParameterError
        If a rule names a table, column, operator or value that there is not, or cannot be
        worked out.

    Examples
    --------
    >>> campaigns = pd.DataFrame({"campaign_id": ["a", "b"], "started_at": pd.to_datetime(["2024-03-01"] * 2),
    ...                           "ended_at": pd.to_datetime(["2024-03-31", "2024-02-28"])})
    >>> found = check_rules({"campaigns": campaigns},
    ...                     [{"table": "campaigns", "check": "ended_at >= started_at"}])
    >>> found.rules[["rows", "violations", "first"]].values.tolist(), found.rows["key"].tolist()
    ([[2, 1, '1']], ['b'])
    """
    desk, rules = Desk(tables, decimals), [as_rule(rule) for rule in rules]
    try:
        meanings = [meaning(rule, desk.known, tables) for rule in rules]
        results = [desk.hold(rule, meant, limit) for rule, meant in zip(rules, meanings, strict=True)]
    except ParameterError as error:
        raise ParameterError(f"{str(error)[0].upper()}{str(error)[1:]}") from None
    summary = pd.DataFrame([result.summary for result in results], columns=list(_SUMMARY)).astype(_SUMMARY)
    rows = pd.concat([_empty(_ROWS), *(result.rows for result in results)], ignore_index=True)
    return Checked(summary, rows)


#: Columns of the two frames and their types.
_SUMMARY = {"rule": "str", "table": "str", "level": "str", "columns": "str", "rows": "int64",
            "violations": "int64", "share": "float64", "unknown": "int64", "first": "str"}  # fmt: skip
_ROWS = {"table": "str", "position": "int64", "key": "str", "rule": "str", "level": "str", "columns": "str"}


def _empty(types: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})


class _Result(NamedTuple):
    summary: list[Any]
    rows: pd.DataFrame


class Desk:
    """The tables as the engine has them, and what is known of their columns."""

    def __init__(self, tables: Mapping[str, Log], decimals: int) -> None:
        self.given, self.decimals = tables, decimals
        self._ready: dict[str, ibis.Table] = {}
        self._used: dict[str, set[str]] = defaultdict(set)

    def known(self, table: str, name: str) -> Field:
        """What a rule has to know of a column, by its type and by the contract."""
        if table not in self.given:
            raise ParameterError(f"there is no table {table!r}{did_you_mean(table, self.given)}")
        data = self.given[table]
        if name not in data.columns:
            columns = [str(column) for column in data.columns]
            raise ParameterError(f"{table} has no column {name!r}{did_you_mean(name, columns)}")
        self._used[table].add(name)
        kind = _kind(data[name])
        if kind == "mixed":
            raise ParameterError(f"{table}.{name} holds values of several types.")
        told = field_of(table, name) if name in _contract(table) else Field(kind)
        if (told.kind, kind) == ("money", "number") and not _is_whole(data[name]):
            raise ParameterError(
                f"{table}.{name} is to be money in whole minor units; it is of type {_type(data[name])}."
            )
        same = (told.kind, kind) in (("money", "number"), ("date", "time")) or not kind
        return told if same else told._replace(kind=kind)

    def table(self, name: str) -> ibis.Table:
        """A table in the engine: the columns in use, and the position and the key of every row."""
        import ibis

        if name not in self._ready:
            data, own = self.given[name], _contract(name)[:1]
            used = [column for column in data.columns if column in {*self._used[name], *own, KEYS.get(name)}]
            if isinstance(data, pd.DataFrame):
                data = as_table(data[used].assign(**{POSITION: range(len(data))}))
            elif POSITION not in data.columns:
                data = data.mutate(**{POSITION: ibis.row_number()})
            key = data[own[0]].cast("string") if own and own[0] in used else ibis.null("string")
            self._ready[name] = data.select(*used, POSITION, **{_KEY: key})
        return self._ready[name]

    def hold(self, rule: Rule, meant: Meaning, limit: int | None = None) -> _Result:
        """Count the rows that keep and that break a rule, and list those."""
        try:
            checked = self._kept(rule, meant).select(POSITION, _KEY, _KEPT)
            counts = checked.aggregate(
                rows=checked[_KEPT].count(),
                violations=(~checked[_KEPT]).sum().fill_null(0),
                unknown=checked[_KEPT].isnull().sum().fill_null(0),
            )
            counted = counts.to_pyarrow().to_pydict()
            rows, violations, unknown = (int(counted[name][0]) for name in ("rows", "violations", "unknown"))
            found = self._broken(checked, limit) if violations else _empty(_ROWS)[["position", "key"]]
        except CrmlabError:
            raise
        except Exception as error:  # the engine's own, which may quote values
            raise ParameterError(_cannot(rule, error)) from None
        columns = " + ".join(meant.columns)
        found = found.assign(table=rule.table, rule=rule.title, level=rule.level, columns=columns)
        first = ", ".join(map(str, found["position"].head(3)))
        share = violations / rows if rows else 0.0
        summary = [rule.title, rule.table, rule.level, columns, rows, violations, share, unknown, first]
        return _Result(summary, found.astype(_ROWS)[list(_ROWS)])

    def _broken(self, checked: ibis.Table, limit: int | None) -> pd.DataFrame:
        broken = checked.filter(~checked[_KEPT]).order_by(POSITION).limit(limit)
        return to_pandas(broken.select(position=POSITION, key=_KEY).to_pyarrow())

    def _kept(self, rule: Rule, meant: Meaning) -> ibis.Table:
        """The rows to which a rule applies, and whether they keep it: true, false or not known."""
        table = self._looked_up(rule.table, meant)
        if meant.when:
            table = table.filter(express(meant.when, table, self.table, self.decimals))
        if meant.check:
            kept = express(meant.check, table, self.table, self.decimals)
            return table.mutate(**{_KEPT: kept.cast("boolean")})
        return _is_first(table, rule.unique) if rule.unique else _changes_seldom(table, **rule.changes)

    def _looked_up(self, name: str, meant: Meaning) -> ibis.Table:
        """The table with the columns of others that the rule is about, under ``other.column``."""
        table = self.table(name)
        for other, columns in meant.looked_up.items():
            key = KEYS[other]
            wanted = self.table(other)
            wanted = wanted.filter(wanted[key].notnull())
            if wanted.count().to_pyarrow().as_py() != wanted[key].nunique().to_pyarrow().as_py():
                said = f"Table {other} has a {key} twice, so that values cannot be looked up by it."
                raise TableError(said, other, key, "the key is not unique")
            renamed = {f"{other}.{column}": wanted[column] for column in columns}
            wanted = wanted.select(**{f"{other}.": wanted[key]}, **renamed)
            table = table.left_join(wanted, table[key] == wanted[f"{other}."])
        return table


def _is_first(table: ibis.Table, columns: Sequence[str]) -> ibis.Table:
    """Whether a row is the first with its values."""
    import ibis

    gaps = balanced(operator.or_, [table[name].isnull() for name in columns])
    number = ibis.row_number().over(group_by=list(columns), order_by=POSITION)
    return table.mutate(**{_KEPT: ibis.ifelse(gaps, ibis.null("boolean"), number == 0)})


def _changes_seldom(
    table: ibis.Table, column: str, of: str, at_most: int, days: int, time: str = "time"
) -> ibis.Table:
    """Whether a row is not one change too many within the days up to its own.

    Rows of the same time are taken in the order of their values, so that the order of rows does
    not count.
    """
    import ibis

    gaps = balanced(operator.or_, [table[name].isnull() for name in (column, of, time)])
    table = table.mutate(_complete=~gaps)
    one_after_another = {"order_by": [time, column]}
    before = table[column].lag().over(group_by=[of, "_complete"], **one_after_another)
    table = table.mutate(_changed=before.notnull() & (before != table[column]))
    # Too many changes: the one so many before it lies within the days.
    earlier = table[time].lag(at_most).over(group_by=[of, "_complete", "_changed"], **one_after_another)
    often = (table["_changed"] & (earlier > table[time] - ibis.interval(days=days))).fill_null(False)
    return table.mutate(**{_KEPT: ibis.ifelse(table["_complete"], ~often, ibis.null("boolean"))})


def _contract(table: str) -> list[str]:
    return TABLES[table].names if table in TABLES else []


def _kind(values: pd.Series | ibis.Column) -> str:
    """Kind of a column by its type, "mixed" if it has no one type; "" where it holds nothing."""
    if not isinstance(values, pd.Series):
        kind = values.type()
        return next((name for name, fits in _ENGINE_KINDS.items() if getattr(kind, fits)()), "mixed")
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.categories.to_series()
    if values.dtype.kind in "iufbM":
        return _PANDAS_KINDS[values.dtype.kind]
    return _INFERRED.get(pd.api.types.infer_dtype(values, skipna=True), "mixed")


_ENGINE_KINDS = {"text": "is_string", "boolean": "is_boolean", "number": "is_numeric",
                 "time": "is_timestamp", "date": "is_date", "": "is_null"}  # fmt: skip
_PANDAS_KINDS = dict.fromkeys("iuf", "number") | {"b": "boolean", "M": "time"}
_INFERRED = {"string": "text", "boolean": "boolean", "integer": "number", "floating": "number",
             "decimal": "number", "date": "date", "datetime": "time", "empty": ""}  # fmt: skip


def _is_whole(values: pd.Series | ibis.Column) -> bool:
    if isinstance(values, pd.Series):
        return values.dtype.kind in "iu"
    return values.type().is_integer()


def _type(values: pd.Series | ibis.Column) -> object:
    return values.dtype if isinstance(values, pd.Series) else values.type()


def _cannot(rule: Rule, error: Exception) -> str:
    """Why the engine cannot work out a rule, without the values that its own words may quote."""
    why = "the engine cannot work it out"
    if "matches" in rule.check + rule.when:
        why += " (patterns know no look-around and no back references)"
    return f"the rule {rule.title!r}: {why}: {type(error).__name__}."
