"""Quality of data, before and after cleansing: completeness, validity, uniqueness, consistency.

Every frame here is tidy: one row for each thing measured, with `n_before` cells, rows or checks and the
`faults_before` among them as the sources have it, the share `before` = 1 - faults / n, and `n`, `faults`
and `after` in the clean tables. A share is missing where there is nothing to measure. "Before" is
counted from the ledger and from what a workspace notes when it cleans; no source is read again.

The dimensions are those of DAMA UK Working Group, "The six primary dimensions for data quality
assessment" (2013), and of ISO/IEC 25012:2008 under the names given with each function; timeliness is
in `crmlab.cleansing.timeliness`. Accuracy, whether a value is true, cannot be told from the data alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab.cleansing.ledger import MARKED, NO_AMOUNT, RENUMBERED, REQUIRED, TAKEN, TOO_LARGE, summarise
from crmlab.tables import TABLES

if TYPE_CHECKING:
    import ibis

    from crmlab.engine import Log

#: Meaning of a missing value where the contract says no more.
NOT_KNOWN = "not known"
_COUNTS = ["n_before", "faults_before", "n", "faults"]
#: Reasons for setting a row aside that are no matter of a value's form: nothing stood there, or it stood
#: there before.
_OTHER_REASONS = (REQUIRED, NO_AMOUNT, TOO_LARGE, TAKEN)
#: Repairs that are no matter of form either.
_OTHER_REPAIRS = (MARKED, RENUMBERED)
#: A row that could not be read has no cells.
_WHOLE_ROW = "*"


def empty_cells(raw: pd.DataFrame) -> dict[str, int]:
    """Number of cells of each raw column in which nothing stands: missing, or blank text.

    Examples
    --------
    >>> empty_cells(pd.DataFrame({"city": ["Rom", " ", None], "stock": [1.0, 2.0, None]}))
    {'city': 2, 'stock': 1}
    """
    found = {}
    for name, values in raw.items():
        empty = int(values.isna().sum())
        if values.dtype.kind not in "iufbmM":
            # Few texts are short enough to be blank; only their ends are looked at.
            empty += int((values.astype("str").str.strip() == "").sum())
        found[str(name)] = empty
    return found


def measure_completeness(
    tables: Mapping[str, Log], counts: Mapping[str, Mapping[str, Any]], booked: pd.DataFrame
) -> pd.DataFrame:
    """Share of cells that hold a value, by table and column (ISO/IEC 25012: completeness).

    Before: of all rows that could be read; texts that say that there is no value, such as "n/a",
    count as gaps. After: of the clean rows. It falls where values that could not be repaired were
    blanked, and rises where values were computed, or rows without a required value set aside.

    Parameters
    ----------
    tables
        Clean tables by name, frames or ibis tables.
    counts
        By table `rows_in`, and `empty`, the `empty_cells` of its raw columns: what
        ``workspace.state["tables"]`` holds.
    booked
        The ledger as `summarise` has it.

    Returns
    -------
    DataFrame
        `table`, `column`, `gap` and the counts and shares of cells; one row per column that a source
        has. `gap` is what a missing value means by the contract: where it is anything but
        ``"not known"``, such as ``"no promotion"``, a gap is no fault.

    Examples
    --------
    >>> clean = pd.DataFrame({"customer_id": ["1", "2"], "city": ["Rom", None]})
    >>> booked = pd.DataFrame([["customers", "repaired", "city", "marker read as missing", 1]],
    ...                       columns=["table", "action", "column", "rule", "cells"])
    >>> counts = {"customers": {"rows_in": 2, "empty": {"customer_id": 0, "city": 0}}}
    >>> measured = measure_completeness({"customers": clean}, counts, booked)
    >>> measured[["column", "before", "after"]].values.tolist()
    [['customer_id', 1.0, 1.0], ['city', 0.5, 0.5]]
    """
    marked = _cells(booked, booked["rule"] == MARKED)
    rows = []
    for name, data in tables.items():
        read, empty = rows_read(counts[name], booked, name), counts[name]["empty"]
        clean, present = _present(data)
        for column, values in present.items():
            if column in empty:
                gaps = empty[column] + marked.get((name, column), 0)
                rows.append([name, column, _gap(name, column), read, gaps, clean, clean - values])
    return _with_shares(pd.DataFrame(rows, columns=["table", "column", "gap", *_COUNTS]))


def measure_validity(complete: pd.DataFrame, ledger: Log, rules: pd.DataFrame | None = None) -> pd.DataFrame:
    """Share of values that keep to the form, the domain and the range of their column.

    (ISO/IEC 25012: syntactic accuracy and compliance; DAMA: validity.) Before: a value is at fault
    if it could not be read and was blanked, or its row set aside for it, or if something was noticed
    about it and left, such as a likely misspelt mail domain. After: the latter only. Values that were
    merely written in another way, and were brought into the one form, are no fault; they are counted
    as `repaired`.

    Parameters
    ----------
    complete
        Of `measure_completeness`: it tells how many values there are.
    ledger
        The ledger, a frame or an ibis table, of which only counts leave the engine.
    rules
        The rules of the workspace; rows that were set aside for one of them are a matter of
        `measure_consistency`.

    Returns
    -------
    DataFrame
        `table`, `column`, the counts and shares of values, and `repaired`, a count.
    """
    booked = summarise(ledger)
    strict = set() if rules is None else set(rules.loc[rules["level"] == "error", "rule"])
    cells = booked[booked["column"] != _WHOLE_ROW]
    aside = (cells["action"] == "set aside") & ~cells["rule"].isin({*_OTHER_REASONS, *strict})
    found = {
        "invalid": _cells(cells, (cells["action"] == "blanked") | aside),
        "repaired": _cells(cells, (cells["action"] == "repaired") & ~cells["rule"].isin(_OTHER_REPAIRS)),
        "noticed_before": _noticed(ledger, kept=False),
        "faults": _noticed(ledger, kept=True),
    }
    result = complete[["table", "column"]].assign(
        n_before=complete["n_before"] - complete["faults_before"], n=complete["n"] - complete["faults"]
    )
    places = pd.MultiIndex.from_frame(result[["table", "column"]])
    for name, counted in found.items():
        result[name] = counted.reindex(places, fill_value=0).to_numpy("int64")
    result["faults_before"] = result["invalid"] + result["noticed_before"]
    return _with_shares(result[["table", "column", *_COUNTS, "repaired"]])


def measure_uniqueness(
    counts: Mapping[str, Mapping[str, Any]], booked: pd.DataFrame, alike: int = 0
) -> pd.DataFrame:
    """Share of rows that are not there already, by table (DAMA: uniqueness).

    Before: a row is at fault if it was merged into another, or set aside because its key is that of
    an earlier row, or is one of the `alike` records. After: the latter only.

    Parameters
    ----------
    counts, booked
        As `measure_completeness` takes them; `clean` and `merged` of the counts are needed too.
    alike
        Clean records of customers known to be of a person of whom there is another one; see
        `unmerged`.

    Returns
    -------
    DataFrame
        `table`, `merged`, `taken` (keys used twice), `alike`, and the counts and shares of rows.
    """
    taken = booked[(booked["action"] == "set aside") & (booked["rule"] == TAKEN)]
    taken = taken.groupby("table")["cells"].sum()
    rows = []
    for name, count in counts.items():
        merged, keys, again = count["merged"], int(taken.get(name, 0)), alike * (name == "customers")
        read = rows_read(count, booked, name)
        rows.append([name, merged, keys, again, read, merged + keys + again, count["clean"], again])
    return _with_shares(pd.DataFrame(rows, columns=["table", "merged", "taken", "alike", *_COUNTS]))


def measure_consistency(rules: pd.DataFrame) -> pd.DataFrame:
    """Share of rows that keep a rule, by rule (ISO/IEC 25012: consistency).

    Rows that break a rule of level error are set aside, so that it holds afterwards. A rule that
    only warns is held to the rows that remain, before and after being the same.

    Parameters
    ----------
    rules
        As `check_rules` reports, and ``workspace.rules`` holds.

    Returns
    -------
    DataFrame
        `table`, `rule`, `level`, and the counts and shares of rows to which the rule applies.
    """
    strict = rules["level"] == "error"
    broken = rules["violations"]
    return _with_shares(
        rules[["table", "rule", "level"]].assign(
            n_before=rules["rows"],
            faults_before=broken,
            n=rules["rows"] - broken.where(strict, 0),
            faults=broken.mask(strict, 0),
        )
    )


def row_counts(counts: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """What became of the rows of each table: rows in = rows clean + rows set aside + rows merged.

    Parameters
    ----------
    counts
        What ``workspace.state["tables"]`` holds.

    Returns
    -------
    DataFrame
        `table`, `rows_in`, `clean`, `set_aside`, `merged`, and `share`, of clean rows.
    """
    columns = ["rows_in", "clean", "set_aside", "merged"]
    rows = [[name, *(count[column] for column in columns)] for name, count in counts.items()]
    found = pd.DataFrame(rows, columns=["table", *columns])
    return found.assign(share=found["clean"] / found["rows_in"].where(found["rows_in"] > 0))


def pooled(measured: pd.DataFrame, by: str = "table") -> pd.DataFrame:
    """Counts of a dimension added up, by table or another column, and their shares.

    Returns
    -------
    DataFrame
        `by`, all whole numbers of `measured` added up, `before` and `after`, and `short_before` and
        `short`, the shares at fault.

    Examples
    --------
    >>> rules = pd.DataFrame({"table": "orders", "rule": ["a", "b"], "level": "warn", "rows": [30, 10],
    ...                       "violations": [1, 3]})
    >>> pooled(measure_consistency(rules))[["table", "n", "faults", "after"]].values.tolist()
    [['orders', 40, 4, 0.9]]
    """
    numbers = [name for name in measured if measured[name].dtype.kind in "iu" and name != by]
    found = _with_shares(measured.groupby(by, sort=False, as_index=False)[numbers].sum())
    return found.assign(short_before=1 - found["before"], short=1 - found["after"])


def quality_summary(**dimensions: pd.DataFrame) -> pd.DataFrame:
    """Each dimension over all tables: the share of cells, values, rows or checks without fault.

    Parameters
    ----------
    **dimensions
        Frame of a dimension by its name.

    Returns
    -------
    DataFrame
        `dimension`, the counts and shares as `pooled` has them; one row for each.
    """
    order = list(dimensions)
    parts = [measured[_COUNTS].assign(dimension=name) for name, measured in dimensions.items()]
    found = pooled(pd.concat(parts), "dimension").set_index("dimension")
    nothing = {"n_before": 0, "faults_before": 0, "n": 0, "faults": 0}
    return found.reindex(order).fillna(nothing).astype(dict.fromkeys(nothing, "int64")).reset_index()


def unmerged(customers: Log, persons: pd.DataFrame) -> int:
    """Clean records of customers beyond the one that stands for their person.

    Parameters
    ----------
    customers
        The clean table, a frame or an ibis table.
    persons
        `customer_id` and `person_id` of records that share a person with another one.
    """
    others = persons.loc[persons["customer_id"] != persons["person_id"], "customer_id"]
    if isinstance(customers, pd.DataFrame):
        return int(customers["customer_id"].isin(others).sum())
    if others.empty:
        return 0
    from crmlab.engine import as_table

    return int(customers.semi_join(as_table(others.to_frame()), "customer_id").count().to_pyarrow().as_py())


def rows_read(count: Mapping[str, Any], booked: pd.DataFrame, table: str) -> int:
    """Rows of a table's sources that could be read, whatever became of them."""
    unread = (booked["table"] == table) & (booked["action"] == "set aside")
    return int(count["rows_in"] - booked.loc[unread & (booked["column"] == _WHOLE_ROW), "cells"].sum())


def _gap(table: str, column: str) -> str:
    """What a missing value means by the contract."""
    contract = TABLES[table]
    return contract[column].missing if column in contract.names else NOT_KNOWN


def _cells(booked: pd.DataFrame, rows: pd.Series) -> pd.Series:
    """Cells of the chosen entries by table and column."""
    return booked[rows].groupby(["table", "column"])["cells"].sum()


def _noticed(ledger: Log, kept: bool) -> pd.Series:
    """Cells about which something was noticed by table and column, of all rows or of those kept."""
    rows = ["table", "source", "row"]
    if isinstance(ledger, pd.DataFrame):
        noticed = ledger[(ledger["action"] == "left") & ledger["row"].notna()]
        if kept:
            gone = ledger.loc[_gone(ledger), rows]
            noticed = noticed[~pd.MultiIndex.from_frame(noticed[rows]).isin(pd.MultiIndex.from_frame(gone))]
        return noticed.groupby(["table", "column"])["cells"].sum()
    from crmlab.engine import collect

    noticed = ledger.filter(ledger["action"] == "left", ledger["row"].notnull())
    if kept:
        gone = ledger.filter(_gone(ledger)).select(rows)
        noticed = noticed.anti_join(gone, rows)
    counted = noticed.group_by(["table", "column"]).agg(cells=lambda entries: entries["cells"].sum())
    return collect(counted).set_index(["table", "column"])["cells"]


def _gone(ledger: Log) -> Any:
    """Entries of rows that are not among the clean ones; a cell that another row took over is none."""
    merged = (ledger["action"] == "merged") & (ledger["column"] == _WHOLE_ROW)
    return merged | (ledger["action"] == "set aside")


def _present(data: Log) -> tuple[int, dict[str, int]]:
    """Number of rows, and of values in each column."""
    if isinstance(data, pd.DataFrame):
        return len(data), {str(name): int(count) for name, count in data.notna().sum().items()}
    counted = data.aggregate(
        _rows=data.count(), **{f"c{place}": _values(data[name]) for place, name in enumerate(data.columns)}
    )
    found = counted.to_pyarrow().to_pylist()[0]
    return found["_rows"], {name: found[f"c{place}"] or 0 for place, name in enumerate(data.columns)}


def _values(column: ibis.Column) -> ibis.IntegerScalar:
    return column.nullif(float("nan")).count() if column.type().is_floating() else column.count()


def _with_shares(counted: pd.DataFrame) -> pd.DataFrame:
    """The counts, as whole numbers, and the shares without fault."""
    counted = counted.astype(dict.fromkeys(_COUNTS, "int64"))
    for share, n, faults in (("before", "n_before", "faults_before"), ("after", "n", "faults")):
        counted[share] = 1 - counted[faults] / counted[n].where(counted[n] > 0)
    return counted
