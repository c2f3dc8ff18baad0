"""The one door between the engine that holds long logs and pandas.

A log (orders, interactions, events) is an `ibis.Table`, evaluated by whatever engine it lives
in; a customer table is a pandas frame. `as_table` lets either in, `collect` lets a result out,
`like` gives a caller back what the caller brought.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import uuid
from collections.abc import Iterable
from functools import cache
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from crmlab.calendars import period_starts
from crmlab.errors import CrmlabError, ParameterError, TableError

if TYPE_CHECKING:
    import ibis
    import pandas as pd
    import pyarrow as pa

    Log = pd.DataFrame | ibis.Table


def connect(memory: str = "2GB", spill: str | None = None, threads: int | None = None):
    """Open the embedded engine.

    Parameters
    ----------
    memory
        Memory limit, such as ``"2GB"``; beyond it the engine spills to disk.
    spill
        Folder to spill to; the system's temporary folder by default.
    threads
        Number of threads; all cores by default.

    Returns
    -------
    ibis.BaseBackend
        Any other ibis connection does as well wherever a table is asked for.
    """
    import ibis

    settings = {
        "memory_limit": memory,
        "temp_directory": spill or spill_folder(),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if threads:
        settings["threads"] = threads
    try:
        return ibis.duckdb.connect(**settings)
    except Exception as error:  # the engine's own error types are loaded only with it
        raise ParameterError(
            f"The engine does not take memory={memory!r}, threads={threads!r}: {str(error).splitlines()[0]}"
        ) from None


def spill_folder() -> str:
    """Where an embedded engine puts what does not fit into memory, unless it is told otherwise."""
    return f"{tempfile.gettempdir()}/crmlab-spill"


@cache
def _shared():
    return connect()


def as_table(data: Log) -> ibis.Table:
    """`data` as an ibis table, to be evaluated where it lives.

    Parameters
    ----------
    data
        An ibis table; a frame, which becomes an in-memory table of the embedded engine; the path of
        a parquet file, of a folder of them, or with ``*`` of those that match, read by the embedded
        engine; a DuckDB relation, whose
        rows come over as Arrow; or a Spark DataFrame, which stays with its Spark session.

    Raises
    ------
    ParameterError
        If it is nothing of these, or there is no parquet file.
    TableError
        If a column of a frame holds values of more than one kind.

    Examples
    --------
    >>> import pandas as pd
    >>> as_table(pd.DataFrame({"a": [1, 2]})).columns
    ('a',)
    """
    import ibis
    import pandas as pd

    if isinstance(data, ibis.Table):
        return data
    made_by = type(data).__module__.partition(".")[0]
    if made_by == "pyspark":
        name = f"crmlab_{uuid.uuid4().hex}"
        data.createOrReplaceTempView(name)
        return ibis.pyspark.connect(data.sparkSession).table(name)
    if ibis.options.default_backend is None:
        ibis.set_backend(_shared())
    if isinstance(data, pd.DataFrame):
        return ibis.memtable(_to_arrow(data))
    if made_by in ("duckdb", "_duckdb"):
        return ibis.memtable(data.to_arrow_table())
    if isinstance(data, str | Path):
        return _parquet(Path(data))
    raise ParameterError(
        f"Expected a pandas DataFrame, an ibis table, the path of parquet files, a DuckDB relation or a "
        f"Spark DataFrame, got {type(data).__name__}; load other files with crmlab.load(...) or open a "
        "workspace with crmlab.open_workspace(...)."
    )


def _to_arrow(frame: pd.DataFrame) -> pa.Table:
    """A frame as an Arrow table, whose columns are of one kind each."""
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        # Arrow names the column last, after a value that may be nobody's business.
        name = re.search(r"column (.*) with type object$", str(error.args[-1]))
        if name is None:
            raise
        raise TableError(
            f"The column {name[1]} holds values of more than one kind, such as numbers and text; make it one "
            "kind first.", column=name[1], rule="more than one kind",
        ) from None  # fmt: skip


def _parquet(path: Path) -> ibis.Table:
    """A parquet file, all those in a folder and below it, or all that match a pattern."""
    import ibis

    if path.is_dir() and any(path.rglob("*.parquet")):
        return ibis.read_parquet(f"{path}/**/*.parquet")
    if path.is_file() and path.suffix == ".parquet":
        return ibis.read_parquet(path)
    if matching := sorted(name for name in glob(str(path), recursive=True) if name.endswith(".parquet")):
        return ibis.read_parquet(matching)
    raise ParameterError(f"There is no parquet file at {path}; load other files with crmlab.load(...).")


def need_columns(table: Log, names: Iterable[str], what: str, where: str = "", way_out: str = "") -> None:
    """Make sure that a table has the columns that a function works on.

    Parameters
    ----------
    names
        The columns.
    what
        What the rows are, for the sentence: "Order lines".
    where
        Name of the contract's table, if it is one.
    way_out
        A sentence on how to get there.

    Raises
    ------
    TableError
        Naming the first column that is missing, and those that are there.
    """
    for name in names:
        if name not in table.columns:
            there = f"there are: {', '.join(map(str, table.columns))}."
            sentence = f"{what} need a column {name}; {there} {way_out}".strip()
            raise TableError(sentence, where, name, "the column is missing")


def need_numbers(table: ibis.Table, names: Iterable[str], what: str, where: str = "") -> None:
    """Make sure that columns of a table hold numbers, or nothing at all.

    Parameters
    ----------
    names
        The columns; those that the table has not are not looked at.
    what
        Whose column it is, for the sentence: "the orders".
    where
        Name of the contract's table, if it is one.

    Raises
    ------
    TableError
        Naming the first column that holds something else.
    """
    for name in [name for name in names if name in table.columns]:
        kind = table[name].type()
        if not (kind.is_numeric() or kind.is_null()):
            held = "text, not numbers; crmlab.cleansing.read_numbers reads numbers in text."
            held = held if kind.is_string() else f"{kind}, not numbers."
            raise TableError(f"The column {name} of {what} holds {held}", where, name, "not a number")


def need_times(table: ibis.Table, name: str, what: str, where: str = "") -> None:
    """Make sure that a column of a table holds days or time stamps.

    Parameters
    ----------
    name, what, where
        The column, what the rows are ("Tickets"), and the contract's table, if it is one.

    Raises
    ------
    TableError
        If the column is missing or holds something else.
    """
    need_columns(table, [name], what, where)
    kind = table[name].type()
    if not (kind.is_timestamp() or kind.is_date()):
        way = f", or load the file with crmlab.load(..., table={where!r})" if where else ""
        raise TableError(
            f"{what} need time stamps in {name}, not {kind}; read them with pandas.to_datetime{way}.",
            where, name, "type",
        )  # fmt: skip


def like(given: Log, result: ibis.Table, key: str | list[str] | None = None) -> Log:
    """`result` in the form of `given`: a frame for a frame, else an unevaluated table."""
    import pandas as pd

    return collect(result, key=key) if isinstance(given, pd.DataFrame) else result


def collect(table: Log, max_rows: int = 20_000_000, key: str | list[str] | None = None) -> pd.DataFrame:
    """Evaluate a table and bring it into pandas.

    Parameters
    ----------
    table
        An ibis table; a DataFrame is returned as it is.
    max_rows
        Refuse a result with more rows than this.
    key
        Columns to sort by, all columns in order if not given, so that equal results are equal
        byte for byte.

    Returns
    -------
    DataFrame
        ``.attrs["query"]`` holds the engine, its version and the SHA-256 of the query.

    Raises
    ------
    CrmlabError
        If the result has more than `max_rows` rows.

    Examples
    --------
    >>> import pandas as pd
    >>> collect(as_table(pd.DataFrame({"a": [2, 1]})))["a"].tolist()
    [1, 2]
    """
    import ibis
    import pandas as pd

    if isinstance(table, pd.DataFrame):
        return table
    backend = ibis.get_backend(table)
    # One row more than allowed tells that there are too many without running the query twice.
    found = table.limit(max_rows + 1).to_pyarrow()
    if len(found) > max_rows:
        rows = table.count().to_pyarrow().as_py()
        raise CrmlabError(
            f"The result has {rows:,} rows, more than max_rows={max_rows:,}. Aggregate it first "
            "(table.group_by(...).agg(...)), take a sample (table.sample(0.01, seed=1)), or raise "
            f"the limit (collect(table, max_rows={rows:,}))."
        )
    order = [key] if isinstance(key, str) else list(key or table.columns)
    # Arrow sorts a result of this size faster than the engine does.
    frame = to_pandas(found.sort_by([(column, "ascending") for column in order]))
    frame.attrs["query"] = _Query(table, engine=backend.name, version=backend.version)
    return frame


class _Query(dict):
    """What a frame came from; its checksum is made when it is asked for, as compiling takes time."""

    def __init__(self, table: ibis.Table, **facts: str) -> None:
        super().__init__(facts)
        self._table = table

    def __missing__(self, key: str) -> str:
        if key != "sha256":
            raise KeyError(key)
        import ibis

        # In-memory tables get a new name each time; the query is the same.
        query = re.sub(r"ibis_\w+_memtable_\w+", "memtable", ibis.to_sql(self._table))
        self[key] = hashlib.sha256(query.encode()).hexdigest()
        return self[key]

    def __deepcopy__(self, _: dict) -> _Query:
        return self


def add_period(table: ibis.Table, day: str, period: str = "M", calendar: str = "gregorian") -> ibis.Table:
    """`table` with a column `period`: the first day of the week, month, quarter or year of `day`.

    A small table of days is joined, so that every engine knows every calendar.

    Parameters
    ----------
    day
        Name of a column of dates or time stamps; rows without one are left out.
    """
    import ibis
    import pyarrow as pa

    if "period" in table.columns and day != "period":
        table = table.drop("period")
    date = table[day].date() if table[day].type().is_timestamp() else table[day]
    ends = table.aggregate(first=date.min(), last=date.max()).to_pyarrow().to_pylist()[0]
    if ends["first"] is None:
        return table.mutate(period=date).filter(ibis.literal(False))
    days, starts = period_starts(ends["first"], ends["last"], period, calendar)
    known = as_table(pa.table({"_day": days, "period": starts}).to_pandas(date_as_object=False))
    known = known.mutate(_day=known["_day"].date(), period=known["period"].date())
    return table.inner_join(known, date == known["_day"]).drop("_day")


def to_pandas(arrow: pa.Table) -> pd.DataFrame:
    """An Arrow table as a frame in which whole numbers stay whole.

    Columns of integers or booleans with gaps become pandas' nullable types instead of floats
    and objects; days become time stamps at midnight, or text where one is beyond the years 1 to 9999.
    """
    import pandas as pd
    import pyarrow as pa

    nullable = {}
    for position, field in enumerate(arrow.schema):
        column = arrow.column(position)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_decimal(column.type) and column.type.scale == 0:
            column = _whole(column)
        if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
            column = _stamps(column)
        elif column.null_count and pa.types.is_integer(column.type):
            kind = pd.UInt64Dtype() if column.type == pa.uint64() else pd.Int64Dtype()
            nullable[field.name] = kind.__from_arrow__(column.cast(kind.numpy_dtype.name))
        elif column.null_count and pa.types.is_boolean(column.type):
            nullable[field.name] = pd.BooleanDtype().__from_arrow__(column)
        arrow = arrow.set_column(position, field.name, column)
    frame = arrow.to_pandas()
    for name, values in nullable.items():
        frame[name] = values
    return frame


#: Parts of a day in each unit of time stamps, and the days from 1970 to the ends of the years 1 and
#: 9999, less one that a time zone may need.
_A_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_DAYS = (-719_161, 2_932_895)


def _stamps(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Days or time stamps to the microsecond; as text if one is in a year that calendars do not reach."""
    import pyarrow as pa
    import pyarrow.compute as pc

    zone = getattr(column.type, "tz", None)
    if pa.types.is_date32(column.type):
        unit, numbers = 1, column.cast(pa.int32())
    else:
        unit, numbers = _A_DAY[getattr(column.type, "unit", "ms")], column.cast(pa.int64())
    ends = pc.min_max(numbers).as_py()
    if ends["min"] is not None and not _DAYS[0] * unit <= ends["min"] <= ends["max"] <= _DAYS[1] * unit:
        return (column.cast(pa.timestamp(column.type.unit)) if zone else column).cast(pa.string())
    # What is finer than a microsecond is cut.
    return column.cast(pa.timestamp("us", zone), safe=False)


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decimals without decimal places as integers, if they are not too large."""
    import pyarrow as pa

    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column
