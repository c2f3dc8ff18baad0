"""A frame as a table of a database, in one transaction, by the driver's own connection."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from crmlab.errors import TableError, WorkspaceError, listed, one_line

if TYPE_CHECKING:
    import pandas as pd

#: The sign for a parameter in each kind of database, by the module of the driver's connection.
_SIGN = {"sqlite": "?", "duckdb": "?", "postgres": "%s"}
DRIVERS = {"sqlite3": "sqlite", "duckdb": "duckdb", "_duckdb": "duckdb", "pg8000": "postgres"}
#: Parameters in one statement; SQLite takes no more than 32,766.
_PARAMETERS = 30_000


def is_days(values: pd.Series) -> bool:
    """Whether moments are days, without a time."""
    return values.dt.tz is None and bool((values.dropna() == values.dropna().dt.normalize()).all())


def as_text(values: pd.Series) -> pd.Series:
    """Moments as ISO 8601 writes them, days without a time."""
    import pandas as pd

    if is_days(values):
        return values.dt.strftime("%Y-%m-%d").astype("str")
    return values.map(pd.Timestamp.isoformat, na_action="ignore").astype("str")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def write_table(
    plain: pd.DataFrame, connection: Any, kind: str, table: str, key: str, mode: str, gone: list[Any]
) -> None:
    """All of it in one transaction, by way of a table of its own from which the rows are taken over."""
    types, cells = _for_sql(plain, kind)
    target = ".".join(map(_quoted, table.split(".")))
    fresh = f"crmlab_new_{uuid.uuid4().hex[:8]}"
    names, first = ", ".join(map(_quoted, types)), _quoted(key)
    defined = ", ".join(
        f"{_quoted(name)} {what}{' PRIMARY KEY' if name == key else ''}" for name, what in types.items()
    )
    with _transaction(connection, kind, table) as cursor:
        there = _columns(cursor, kind, table)
        if there:
            _fits(there, list(types), table, mode)
        else:
            cursor.execute(f"CREATE TABLE {target} ({defined})")
        cursor.execute(f"CREATE TEMPORARY TABLE {fresh} ({defined})")
        _insert(cursor, kind, fresh, cells)
        if mode == "replace":
            cursor.execute(f"DELETE FROM {target}")
        else:
            for part in _parts(gone, 1):
                signs = ", ".join([_SIGN[kind]] * len(part))
                cursor.execute(f"DELETE FROM {target} WHERE {first} IN ({signs})", part)
            changed = ", ".join(f"{_quoted(n)} = {fresh}.{_quoted(n)}" for n in types if n != key)
            if changed:
                cursor.execute(
                    f"UPDATE {target} SET {changed} FROM {fresh} WHERE {target}.{first} = {fresh}.{first}"
                )
        known = f"SELECT 1 FROM {target} WHERE {target}.{first} = {fresh}.{first}"
        only_new = f" WHERE NOT EXISTS ({known})" if mode == "upsert" else ""
        cursor.execute(
            f"INSERT INTO {target} ({names}) SELECT {names} FROM {fresh}{only_new} ORDER BY {first}"
        )
        cursor.execute(f"DROP TABLE {fresh}")


def _for_sql(plain: pd.DataFrame, kind: str) -> tuple[dict[str, str], dict[str, pd.Series]]:
    """Type of each column in the database, and the cells as its driver takes them."""
    from pandas.api import types as kinds

    types, cells = {}, {}
    for name, values in plain.items():
        if kinds.is_bool_dtype(values.dtype):
            types[name], values = "SMALLINT", values.astype("Int64")
        elif kinds.is_integer_dtype(values.dtype):
            types[name] = "BIGINT"
        elif kinds.is_float_dtype(values.dtype):
            types[name] = "DOUBLE PRECISION"
        elif kinds.is_datetime64_any_dtype(values.dtype):
            what = "DATE" if is_days(values) else "TIMESTAMP"
            zone = " WITH TIME ZONE" if values.dt.tz is not None else ""
            types[name], values = "TEXT" if kind == "sqlite" else what + zone, as_text(values)
        else:
            types[name] = "TEXT"
        cells[name] = values.astype(object).where(values.notna(), None)
    return types, cells


def _insert(cursor: Any, kind: str, fresh: str, cells: dict[str, pd.Series]) -> None:
    if kind == "duckdb":
        # Row by row, it takes DuckDB a thousand times as long.
        import pyarrow as pa

        rows = pa.table({name: pa.array(values, from_pandas=True) for name, values in cells.items()})
        cursor.register(f"{fresh}_rows", rows)
        cursor.execute(f"INSERT INTO {fresh} SELECT * FROM {fresh}_rows")
        cursor.unregister(f"{fresh}_rows")
        return
    for part in _parts(list(zip(*cells.values(), strict=True)), len(cells)):
        row = f"({', '.join([_SIGN[kind]] * len(cells))})"
        cursor.execute(
            f"INSERT INTO {fresh} VALUES {', '.join([row] * len(part))}",
            [value for values in part for value in values],
        )


def _parts(rows: list[Any], width: int) -> Iterator[list[Any]]:
    step = max(_PARAMETERS // width, 1)
    for start in range(0, len(rows), step):
        yield rows[start : start + step]


def _columns(cursor: Any, kind: str, table: str) -> list[str]:
    """Names of the columns of a table; none if it is not there."""
    *schema, name = table.split(".")
    if kind == "sqlite":
        asked, given = "SELECT name FROM pragma_table_info(?, ?)", [name, *(schema or ["main"])]
    else:
        sign = _SIGN[kind]
        asked = (
            f"SELECT column_name FROM information_schema.columns WHERE table_name = {sign} AND "
            f"table_schema = {sign if schema else 'current_schema()'} AND "
            "table_catalog = current_database() ORDER BY ordinal_position"
        )
        given = [name, *schema]
    cursor.execute(asked, given)
    return [row[0] for row in cursor.fetchall()]


def _fits(there: list[str], written: list[str], table: str, mode: str) -> None:
    """Whether a table that is there takes the columns."""
    missing = [name for name in written if name not in there]
    if missing or (mode == "replace" and len(there) > len(written)):
        raise TableError(
            f"The table {table} has other columns: it has {listed(there)}; to be written are "
            f"{listed(written)}. Write to another table, or drop or alter this one.", table,
            (missing or [name for name in there if name not in written])[0],
        )  # fmt: skip


@contextmanager
def _transaction(connection: Any, kind: str, table: str) -> Iterator[Any]:
    """A cursor whose statements count all together or not at all."""
    try:
        # A cursor of DuckDB is a connection of its own, which does not see what is temporary here.
        cursor = connection if kind == "duckdb" else connection.cursor()
        begun = {"sqlite": "in_transaction", "postgres": "autocommit"}.get(kind)
        if kind == "duckdb" or getattr(connection, begun) is (kind == "postgres"):
            cursor.execute("BEGIN")
    except Exception as error:
        raise WorkspaceError(f"The table {table} cannot be written: {_said(error)}.") from None
    try:
        yield cursor
        connection.commit()
    except Exception as error:
        with suppress(Exception):
            connection.rollback()
        if isinstance(error, TableError):
            raise
        raise WorkspaceError(f"The table {table} cannot be written: {_said(error)}.") from None


def _said(error: Exception) -> str:
    """First line of what the database says, without what stands in quotes, which may be personal."""
    first = error.args[0] if error.args else ""
    # PostgreSQL's own fields, as pg8000 hands them on: M is the message.
    text = str(first["M"]) if isinstance(first, dict) and "M" in first else str(first)
    text = re.sub(r"""(["']).*?\1""", "…", one_line(text.strip().split("\n")[0]))
    return text.rstrip(".") or type(error).__name__
