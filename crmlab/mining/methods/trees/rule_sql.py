"""Rules as SQL: a CASE expression for the class or a probability, a condition for one rule."""

from __future__ import annotations

from typing import Any

from crmlab.errors import ParameterError, did_you_mean
from crmlab.mining.methods.trees.rule_conditions import Condition, Interval
from crmlab.mining.methods.trees.rules import Rule, RuleSet, tree_rules
from crmlab.mining.methods.trees.splits import Value
from crmlab.mining.methods.trees.structure import Tree

_FUNCTION, _EQUAL = "ISNAN({x})", "{x} = CAST('NaN' AS DOUBLE)"
#: How each dialect tells NaN, which counts as missing; None where a column cannot hold it.
DIALECTS = {
    "duckdb": _FUNCTION, "spark": _FUNCTION, "databricks": _FUNCTION, "bigquery": _FUNCTION,
    "trino": _FUNCTION, "clickhouse": _FUNCTION, "postgres": _EQUAL, "snowflake": _EQUAL,
    "mysql": None, "sqlite": None, "tsql": None,
}  # fmt: skip


def sql_case(rules: Tree | RuleSet, probability_of: Any = None, dialect: str = "duckdb") -> str:
    """A CASE expression that gives each row of a table the class that the tree predicts.

    Parameters
    ----------
    rules
        A tree, or its rules; those that `simplify` gives make for a shorter expression.
    probability_of
        A class, whose probability the expression then gives as a score; without it, the predicted class.
    dialect
        Which SQL is spoken: "duckdb", "postgres", "spark", "databricks", "bigquery", "snowflake",
        "trino", "clickhouse", "mysql", "sqlite" or "tsql".

    Returns
    -------
    str
        To stand in a SELECT. It is never NULL: NULL and NaN take the branch of missing values. Numbers
        are written as approximate ones with all their digits, so that a value that equals a cut point
        falls on the same side as in the tree. Columns are taken to be of the kind that the tree was
        given, and texts to be compared sign by sign: MySQL and SQL Server take "a" for "A" unless the
        collation says otherwise.

    Raises
    ------
    ParameterError
        If there is no such dialect or class, or a column is grouped by texts and numbers both.

    Examples
    --------
    >>> from crmlab.mining.methods.trees import Cuts, Node
    >>> root = Node([3, 2], Cuts("visits", (4.0,)), [Node([3, 0]), Node([0, 2])])
    >>> print(sql_case(Tree(root, ["stays", "leaves"], ["visits"])))
    CASE
      WHEN ("visits" <= 4.0e0 OR "visits" IS NULL OR ISNAN("visits")) THEN 'stays'
      WHEN ("visits" > 4.0e0 AND NOT ISNAN("visits")) THEN 'leaves'
    END
    """
    found = tree_rules(rules)
    writer = _Writer(found, dialect)
    answers = [_literal(answer) for answer in found.answers(probability_of)]
    if not found.rules[0].conditions:
        return writer.told(answers[0])
    lines = (
        f"  WHEN {writer.condition(rule)} THEN {answer}"
        for rule, answer in zip(found.rules, answers, strict=True)
    )
    return writer.told("\n".join(["CASE", *lines, "END"]))


def sql_condition(rules: Tree | RuleSet, rule: int, dialect: str = "duckdb") -> str:
    r"""What a row must be for one rule, to stand in a WHERE.

    Parameters
    ----------
    rules, dialect
        As for `sql_case`.
    rule
        Number of the rule, from 1, as in :meth:`RuleSet.to_frame`.

    Examples
    --------
    >>> from crmlab.mining.methods.trees import Groups, Node
    >>> root = Node([3, 2], Groups("plan", (("basic",), ("pro",))), [Node([3, 0]), Node([0, 2])])
    >>> sql_condition(Tree(root, ["stays", "leaves"], ["plan"]), 2)
    '"plan" IN (\'pro\')'
    """
    found = tree_rules(rules)
    writer = _Writer(found, dialect)
    return writer.told(writer.condition(found.rule(rule)))


class _Writer:
    """Writes in DuckDB's dialect, and tells the result in another."""

    def __init__(self, rules: RuleSet, dialect: str) -> None:
        if dialect not in DIALECTS:
            raise ParameterError(
                f"Rules are not written in the SQL of {dialect!r}{did_you_mean(dialect, DIALECTS)}"
            )
        self.rules, self.dialect = rules, dialect

    def told(self, sql: str) -> str:
        if self.dialect == "duckdb":
            return sql
        import sqlglot

        return sqlglot.transpile(sql, read="duckdb", write=self.dialect, pretty=sql.startswith("CASE"))[0]

    def condition(self, rule: Rule) -> str:
        return " AND ".join(map(self.asked, rule.conditions)) or "TRUE"

    def asked(self, condition: Condition) -> str:
        """One condition; no part of it needs NOT around it, so that NULL stays as good as false."""
        x, kind = _name(condition.column), "number"
        parts = []
        if isinstance(condition, Interval):
            parts += [f"{x} > {_literal(condition.low)}"] if condition.low is not None else []
            parts += [f"{x} <= {_literal(condition.high)}"] if condition.high is not None else []
            wide = condition.high is None  # NaN is greater than all numbers, to some engines
            some = condition.numbers
        else:
            kind = self.kind(condition.column)
            values = ", ".join(map(_literal, condition.values))
            parts += [f"{x} {'NOT ' * condition.negated}IN ({values})"] if values else []
            wide, some = condition.negated, condition.negated or bool(values)
        is_nan = DIALECTS[self.dialect] if kind == "number" else None
        absent = [f"{x} IS NULL", *([is_nan.format(x=x)] if is_nan else [])]
        if not some:
            return _any(absent)
        parts = parts or [f"{x} IS NOT NULL"]
        if not condition.missing:
            return _all(parts + [f"NOT {one}" for one in absent[1:] if wide])
        return _any([_all(parts), *absent])

    def kind(self, column: str) -> str:
        """What the values of a grouped column are: text, boolean or number."""
        kinds = {_kind(value) for value in self.rules.known.get(column, ())}
        if len(kinds) > 1:
            raise ParameterError(
                f"The column {column} is grouped by values of more than one kind "
                f"({' and '.join(sorted(kinds))}), as no column of an SQL table is; make it one kind first."
            )
        return kinds.pop() if kinds else "text"


def _kind(value: Value) -> str:
    return "text" if isinstance(value, str) else "boolean" if isinstance(value, bool) else "number"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text = repr(value)
        if text.endswith("inf"):
            return f"CAST('{text.replace('inf', 'Infinity')}' AS DOUBLE)"
        # With an exponent a number is a double; without, a decimal, which some engines round on the way.
        return text if "e" in text else f"{text}e0"
    if isinstance(value, str) and "\0" not in value:
        return "'" + value.replace("'", "''") + "'"
    raise ParameterError(f"SQL has no way to write {value!r}; give classes and values as texts or numbers.")


def _all(parts: list[str]) -> str:
    return f"({' AND '.join(parts)})" if len(parts) > 1 else parts[0]


def _any(parts: list[str]) -> str:
    return f"({' OR '.join(parts)})" if len(parts) > 1 else parts[0]
