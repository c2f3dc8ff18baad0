"""Rules of a workspace: what has to hold within and between its tables, written down as data.

A rule is an entry ``[[rule]]`` of crmlab.toml or a `Rule`. What it means is settled here, against
the columns there are; `crmlab.cleansing.consistency` holds tables to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple

from crmlab.conditions import Node, columns_of, parse
from crmlab.errors import ParameterError, did_you_mean
from crmlab.kinds import Field, Fields, typed
from crmlab.tables import TABLES

Level = Literal["warn", "error", "stop"]
LEVELS = ("warn", "error", "stop")
_CHANGES = {"column": "address", "of": "customer_id", "at_most": 2, "days": 365, "time": "time"}


@dataclass(frozen=True)
class Rule:
    """What has to hold for the rows of one table: one of `check`, `unique` and `changes`.

    A value that is missing breaks no rule, unless the rule says so (``email is not missing``).

    Attributes
    ----------
    table
        The table whose rows are held to it.
    name
        What the rule is called in reports and as the reason in quarantine; by default what it says.
    level
        ``"warn"``: rows that break it are reported; ``"error"``: they go to quarantine; ``"stop"``:
        cleaning ends and writes nothing.
    check
        A condition that every row has to meet; see `crmlab.conditions`. Columns of another table
        stand for the values of the row's customer, product, campaign or staff member
        (``customers.birth_date``). Money is compared in whole units of the currency.
    when
        A condition: the rule is for rows that meet it and no others.
    unique
        Columns that no two rows have the same values of; the first row of several keeps the rule.
    changes
        How often a value may change: `column`, `of` whom, `at_most` how many times within `days`,
        and the column of `time`, if it is not called so.
    """

    table: str
    name: str = ""
    level: Level = "warn"
    check: str = ""
    when: str = ""
    unique: list[str] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Its name, or what it says."""
        said = self.check or f"unique: {' + '.join(self.unique)}"
        if self.changes:
            said = "{column} changes at most {at_most} times in {days} days".format_map(self.changes)
        return self.name or (f"{said} when {self.when}" if self.when else said)


class Meaning(NamedTuple):
    """A rule that can be held to.

    Attributes
    ----------
    when, check
        Conditions with the kind of every part, and conversions put in.
    columns
        The columns it is about, those of other tables with the table's name before a dot.
    looked_up
        Columns of other tables by table: the values of the row's customer, product and so on.
    others
        All other tables it looks at, and its own if it looks into that besides its rows.
    """

    when: Node | None
    check: Node | None
    columns: tuple[str, ...]
    looked_up: Mapping[str, tuple[str, ...]]
    others: frozenset[str]


#: Kinds of the contract's columns for which another word is used here.
_KINDS = {
    "id": "text",
    "name": "text",
    "email": "text",
    "phone": "text",
    "category": "text",
    "integer": "number",
}
#: Table to the one column that is its key, for tables whose rows others point to.
KEYS = {table.name: table.key[0] for table in TABLES.values() if len(table.key) == 1 and not table.log}


def field_of(table: str, name: str, further: Collection[str] | None = ()) -> Field:
    """What the contract says of a column; `further` columns are known by name alone, None takes any.

    Raises
    ------
    ParameterError
        If there is no such table or column; the nearest name is suggested.
    """
    if table not in TABLES:
        raise ParameterError(f"there is no table called {table!r}{did_you_mean(table, TABLES)}")
    for column in TABLES[table].columns:
        if column.name == name:
            return Field(_KINDS.get(column.kind, column.kind), tuple(column.allowed or ()))
    if further is None or name in further:
        return Field("")
    raise ParameterError(
        f"{table} has no column {name!r}{did_you_mean(name, [*TABLES[table].names, *further])}"
    )


def key_rules(tables: Iterable[str], given: Iterable[Rule] = ()) -> list[Rule]:
    """The rules that hold by the contract: a customer, product and so on is in the table of them.

    Left out where the table is not among `tables`, or one of the rules `given` says the same.
    """
    tables, given = list(tables), list(given)
    owners = {KEYS[name]: name for name in tables if name in KEYS}
    found = [
        Rule(table=name, check=f"{column} in {owners[column]}.{column}")
        for name in tables
        for column in TABLES[name].names
        if owners.get(column, name) != name
    ]
    said = {(rule.table, _parsed(rule.check)) for rule in given if rule.check and not rule.when}
    taken = {(rule.table, rule.title) for rule in given}
    return [
        rule
        for rule in found
        if (rule.table, _parsed(rule.check)) not in said and (rule.table, rule.title) not in taken
    ]


def _parsed(condition: str) -> Node:
    try:
        return parse(condition)
    except ParameterError as error:
        raise ParameterError(f"{condition!r}: {error}") from None


def as_rule(entry: Rule | Mapping[str, Any]) -> Rule:
    """A rule from what a ``[[rule]]`` holds; types are not looked at."""
    if isinstance(entry, Rule):
        return entry
    known = [part.name for part in fields(Rule)]
    for name in entry:
        if name not in known:
            raise ParameterError(f"A rule has no entry {name!r}{did_you_mean(name, known)}")
    return Rule(**{"table": "", **entry})


def meaning(rule: Rule, known: Fields, tables: Collection[str] = TABLES) -> Meaning:
    """What a rule means.

    Parameters
    ----------
    known
        Gives what is known of a column by table and name, or raises.
    tables
        Tables for which a rule may be.

    Raises
    ------
    ParameterError
        In one sentence that begins with the rule, if it cannot be held to.
    """
    try:
        if rule.table not in tables:
            raise ParameterError(
                f"it needs the table it is for, not {rule.table!r}{did_you_mean(rule.table, tables)}"
            )
        return _meaning(rule, known)
    except ParameterError as error:
        which = f"the rule {rule.name!r}" if rule.name else f"a rule of {rule.table or 'no table'}"
        raise ParameterError(f"{which}: {error}") from None


def _meaning(rule: Rule, known: Fields) -> Meaning:
    if rule.level not in LEVELS:
        raise ParameterError(f"level is one of {', '.join(LEVELS)}, not {rule.level!r}.")
    if sum(map(bool, (rule.check, rule.unique, rule.changes))) != 1:
        raise ParameterError("it needs one of check, unique and changes.")
    when, check = (_condition(text, rule.table, known) for text in (rule.when, rule.check))
    read = [pair for node in (when, check) if node for pair in columns_of(node)]
    read += [("", name) for name in _own_columns(rule, known)]
    looked_up: dict[str, tuple[str, ...]] = {}
    for table, name in dict.fromkeys(
        pair for node in (when, check) if node for pair in columns_of(node, members=False)
    ):
        if table:
            _need_key(rule.table, table, known)
            looked_up[table] = (*looked_up.get(table, ()), name)
    return Meaning(
        when,
        check,
        tuple(dict.fromkeys(".".join(part for part in pair if part) for pair in read)),
        looked_up,
        frozenset(table for table, _ in read if table),
    )


def _own_columns(rule: Rule, known: Fields) -> list[str]:
    """The columns that `unique` and `changes` name."""
    if not rule.changes:
        for name in rule.unique:
            known(rule.table, name)
        return list(rule.unique)
    for name in rule.changes:
        if name not in _CHANGES:
            raise ParameterError(f"changes has no entry {name!r}{did_you_mean(name, _CHANGES)}")
    changes = {"time": "time", **rule.changes}
    for name, example in _CHANGES.items():
        value = changes.get(name)
        if type(value) is not type(example) or (isinstance(value, int) and value < (name == "days")):
            wanted = "a column" if isinstance(example, str) else f"a whole number from {int(name == 'days')}"
            if name not in changes:
                raise ParameterError(f"changes needs an entry {name!r}: {wanted}.")
            raise ParameterError(f"{name!r} in changes is to be {wanted}, not {value!r}.")
    names = [changes["column"], changes["of"], changes["time"]]
    kinds = [known(rule.table, name).kind for name in names]
    if kinds[2] not in ("date", "time", ""):
        raise ParameterError(
            f"'time' in changes is to be a column of days or times, not {names[2]} ({kinds[2]})."
        )
    return names


def _need_key(own: str, other: str, known: Fields) -> None:
    """Make sure that a row of one table points to a row of another."""
    if other not in KEYS:
        raise ParameterError(f"values can be looked up in {', '.join(KEYS)}, not in {other}.")
    try:
        known(own, KEYS[other])
    except ParameterError:
        raise ParameterError(
            f"{own} has no {KEYS[other]}, by which values of {other} could be looked up."
        ) from None


def _condition(text: str, table: str, known: Fields) -> Node | None:
    if not text:
        return None
    node = _parsed(text)
    try:
        node = typed(_of_own(node, table), lambda other, name: known(other or table, name))
        if node.kind not in ("boolean", ""):
            raise ParameterError(f"this gives no yes or no, but {node.kind}; compare it with something.")
    except ParameterError as error:
        raise ParameterError(f"{text!r}: {error}") from None
    return node


def _of_own(node: Node, table: str) -> Node:
    """The condition with its own table's name left out before columns."""
    if node.op == "column":
        return node._replace(args=("", node.args[1])) if node.args[0] == table else node
    args = [_of_own(arg, table) if isinstance(arg, Node) else arg for arg in node.args]
    return node._replace(args=(args[0], node.args[1]) if node.op == "found" else tuple(args))
