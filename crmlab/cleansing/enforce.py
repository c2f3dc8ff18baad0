"""Rules enforced on clean tables: what breaks one is reported, set aside, or ends the cleaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from crmlab.cleansing.consistency import POSITION, Checked, Desk, check_rules
from crmlab.cleansing.ledger import Ledger, empty_ledger, empty_quarantine
from crmlab.engine import as_table
from crmlab.errors import TableError
from crmlab.rules import Rule, meaning

if TYPE_CHECKING:
    import ibis

    from crmlab.cleansing.clean import Cleaned

#: Rows listed for a rule that only warns; all are counted.
_LISTED = 100_000


class Origin(NamedTuple):
    """Where the rows of a clean table come from.

    Attributes
    ----------
    raw
        The raw table; without rows if none of them can be set aside.
    lineage
        `source` and `row` of each raw row.
    positions
        The position of each clean row in the raw table.
    keys
        The record's own number per raw row; none if no row can be set aside.
    """

    raw: pd.DataFrame
    lineage: pd.DataFrame
    positions: pd.Index
    keys: pd.Series


def origin_of(cleaned: Cleaned, raw: pd.DataFrame, lineage: pd.DataFrame, strict: bool) -> Origin:
    """What has to be kept of a table that was cleaned; less if none of its rows can be set aside."""
    lineage = lineage[["source", "row"]].astype({"source": "category"})
    some = slice(None if strict else 0)
    return Origin(raw.iloc[some], lineage, cleaned.origin, cleaned.keys.iloc[some])


class Enforced(NamedTuple):
    """What came of enforcing rules.

    Attributes
    ----------
    rules
        As `check_rules` reports; `first` names the places in the sources.
    rows
        One row per row and rule that it breaks: `table`, `source`, `row` (its number there, from
        1), `key`, `rule`, `level`, `columns`.
    ledger, quarantine
        Entries for rules that warn and for rows set aside; as `crmlab.cleansing.ledger` has them.
    aside
        Positions of the rows to be taken out, by table.
    """

    rules: pd.DataFrame
    rows: pd.DataFrame
    ledger: pd.DataFrame
    quarantine: pd.DataFrame
    aside: dict[str, np.ndarray]


def enforce(
    tables: Mapping[str, ibis.Table], origins: Mapping[str, Origin], rules: Sequence[Rule], decimals: int
) -> Enforced:
    """Hold clean tables to rules; rows that break one of level error are to be set aside.

    First rules on single rows are enforced, then those on several rows of a table, then those
    between tables, these until nothing more falls: an order of a customer who was set aside is an
    order without a customer. What rules of the other levels find is about the rows that remain.

    Parameters
    ----------
    tables
        By name; each with a column ``_position``, from 0.
    decimals
        Digits after the decimal mark of the currency.

    Raises
    ------
    ParameterError
        If a rule cannot be held to.
    TableError
        If a rule of level stop is broken.
    """
    summary, rows = _held(tables, rules, decimals)
    rows = _with_places(rows, origins)
    firsts = (rows["source"] + ":" + rows["row"].astype("str")).groupby([rows["table"], rows["rule"]])
    firsts = firsts.agg(lambda places: ", ".join(places.head(3))).to_dict()
    summary["first"] = [firsts.get(pair, "") for pair in zip(summary["table"], summary["rule"], strict=True)]
    summary["first"] = summary["first"].astype("str")
    for rule in summary[(summary["level"] == "stop") & (summary["violations"] > 0)].itertuples():
        raise TableError(
            f"The rule {rule.rule!r} stops cleaning, and nothing is written: {rule.violations:,} of "
            f"{rule.rows:,} rows of {rule.table} break it, the first at {rule.first}. Mend them, or give the "
            "rule another level in crmlab.toml.",
            rule.table,
            rule=rule.rule,
        )
    broken = summary["table"][summary["violations"] > 0].unique()
    books = [_booked(name, summary, rows, origins[name]) for name in origins if name in broken]
    strict = rows[rows["level"] == "error"]
    return Enforced(
        summary,
        rows.drop(columns="position"),
        pd.concat([empty_ledger(), *(ledger for ledger, _ in books)], ignore_index=True),
        pd.concat([empty_quarantine(), *(quarantine for _, quarantine in books)], ignore_index=True),
        dict(strict.groupby("table")["position"].unique()),
    )


def _with_places(rows: pd.DataFrame, origins: Mapping[str, Origin]) -> pd.DataFrame:
    """The rows with where they stand in the sources."""
    found = []
    for name, part in rows.groupby("table", sort=False):
        origin = origins[name]
        place = origin.lineage.iloc[origin.positions[part["position"]]]
        part = part.assign(source=place["source"].astype("str").array, row=place["row"].array)
        found.append(part)
    columns = ["table", "source", "row", "position", "key", "rule", "level", "columns"]
    types = dict.fromkeys(columns, "str") | {"row": "Int64", "position": "int64"}
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
    return pd.concat([empty, *found])[columns].astype(types).sort_index()


def _booked(
    name: str, summary: pd.DataFrame, rows: pd.DataFrame, origin: Origin
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Entries of the ledger and the quarantine for one table."""
    ledger = Ledger(name, origin.lineage)
    warned = summary[(summary["table"] == name) & (summary["level"] == "warn")]
    for rule in warned.itertuples():
        ledger.column("left", f"breaks the rule: {rule.rule}", rule.columns, rule.violations)
    strict = rows[(rows["table"] == name) & (rows["level"] == "error")]
    for (title, columns), part in strict.groupby(["rule", "columns"], sort=False):
        broken = pd.Series(False, index=range(len(origin.lineage)))
        broken.iloc[origin.positions[part["position"]]] = True
        ledger.set_aside(title, columns, broken)
    return ledger.frame(origin.keys), ledger.quarantine(origin.raw)


def _held(tables: Mapping[str, ibis.Table], rules: Sequence[Rule], decimals: int) -> Checked:
    """What rules find: strict ones on what earlier ones leave, mild ones on what remains."""
    tables, desk = dict(tables), Desk(tables, decimals)
    others = {_name(rule): meaning(rule, desk.known, tables).others for rule in rules}
    strict = [rule for rule in rules if rule.level == "error"]
    stages = (
        [rule for rule in strict if rule.check and not others[_name(rule)]],
        [rule for rule in strict if not rule.check and not others[_name(rule)]],
        [rule for rule in strict if others[_name(rule)]],
    )
    found = []
    for todo in stages:
        stage = todo
        while todo:
            found.append(check_rules(tables, todo, decimals))
            fallen = found[-1].rows.groupby("table")["position"].unique()
            for name, positions in fallen.items():
                gone = as_table(pd.DataFrame({POSITION: positions}))
                tables[name] = tables[name].anti_join(gone, POSITION)
            todo = [rule for rule in stage if others[_name(rule)] & set(fallen.index)]
    mild = [rule for rule in rules if rule.level != "error"]
    found.append(check_rules(tables, mild, decimals, limit=_LISTED))
    return _together(found, [_name(rule) for rule in rules])


def _name(rule: Rule) -> tuple[str, str]:
    return rule.table, rule.title


def _together(found: Iterable[Checked], order: list[tuple[str, str]]) -> Checked:
    """One report of several, in the order of the rules; what was checked again applied to the same rows."""
    summary = pd.concat([checked.rules for checked in found], ignore_index=True)
    columns = summary.columns
    each = summary.groupby(["table", "rule"], sort=False)
    summary = each.agg(dict.fromkeys(columns[2:], "first") | {"violations": "sum"})
    summary = summary.loc[order].reset_index()[columns]
    summary["share"] = (summary["violations"] / summary["rows"].where(summary["rows"] > 0)).fillna(0.0)
    rows = pd.concat([checked.rows for checked in found], ignore_index=True)
    place = {pair: number for number, pair in enumerate(order)}
    number = [place[pair] for pair in zip(rows["table"], rows["rule"], strict=True)]
    rows = rows.iloc[pd.Series(number, dtype="int64").argsort(kind="stable")].reset_index(drop=True)
    return Checked(summary, rows)
