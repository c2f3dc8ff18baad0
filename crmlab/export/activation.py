"""Scores, segments and lists, one row per customer, as a file or a table that a system of operation reads."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crmlab.calendars import Day, as_day
from crmlab.engine import collect
from crmlab.errors import ParameterError, TableError, WorkspaceError, listed
from crmlab.export.sql import DRIVERS, as_text, write_table
from crmlab.tables import IDENTIFIERS

if TYPE_CHECKING:
    import ibis
    import pandas as pd


class Written(NamedTuple):
    """What `write_back` did.

    Attributes
    ----------
    rows : int
        How many customers were written.
    columns : list of str
        Columns written, the key first.
    left_out : DataFrame
        The key and `reason` of each customer who may not be contacted.
    identifiers_left_out : list of str
        Columns not written because they say who a person is.
    """

    rows: int
    columns: list[str]
    left_out: pd.DataFrame
    identifiers_left_out: list[str]


def write_back(
    scores: pd.DataFrame | pd.Series | ibis.Table,
    target: str | Path | Any,
    key: str = "customer_id",
    *,
    table: str = "",
    mode: str = "replace",
    as_of: Day | None = None,
    run: str = "",
    identifiers: Sequence[str] = (),
    channel: str = "",
    register: pd.DataFrame | None = None,
    customers: pd.DataFrame | None = None,
    region: str = "",
    ask_first: bool = False,
    bom: bool = False,
) -> Written:
    """Write one row per customer to a file or a database, for the system that acts on it.

    Rows are in the order of the key, the key is the first column, and equal input gives equal
    bytes. A file or table is written whole or stays as it was.

    Parameters
    ----------
    scores
        One row per customer; the key is a column or the name of the index.
    target
        Path of a ``.csv`` or ``.parquet`` file; or an open connection to a database, of sqlite3,
        DuckDB, pg8000, or of ibis to one of them. What is pending on the connection is committed
        with it, or rolled back if it fails.
    key
        The column by which the system knows its customers.
    table
        Name of the database's table, also with its schema: ``"crm.scores"``. Made if it is not there.
    mode
        What happens to rows in the table: ``"replace"``: all go; ``"upsert"``: those of the same key
        are updated, others stay, except of customers who may not be contacted.
    as_of, run
        The day on which the scores hold, and the id of the run they come from, as columns `as_of`
        and `run_id`.
    identifiers
        Columns to write although they say who a person is (`crmlab.tables.IDENTIFIERS`); the
        others of these are left out.
    channel
        The list is for contacting through this channel: whoever may not be is left out, as
        `crmlab.cleansing.check_consent` finds by the key and by contacts in `scores` or `customers`.
    register, region, ask_first
        As `check_consent` takes them, with a channel.
    customers
        The key, `email` and `phone`, so that a refusal that names only an address is found too.
    bom
        A CSV file begins with a byte order mark, which Excel needs for Persian.

    Returns
    -------
    Written
        Of categories the text is written, of yes and no in a database 1 and 0.

    Raises
    ------
    ParameterError
        If the call makes no sense.
    TableError
        If a key is missing or there twice, a column cannot be written, or the database's table has
        other columns.
    WorkspaceError
        If the target cannot be written.

    Examples
    --------
    >>> import pandas as pd, sqlite3
    >>> scores = pd.DataFrame({"customer_id": ["b", "a"], "segment": ["At risk", "Champions"]})
    >>> crm = sqlite3.connect(":memory:")
    >>> write_back(scores, crm, table="segments", as_of="2024-12-31").rows
    2
    >>> crm.execute("SELECT * FROM segments").fetchall()
    [('a', 'Champions', '2024-12-31'), ('b', 'At risk', '2024-12-31')]
    """
    import pandas as pd

    if mode not in ("replace", "upsert"):
        raise ParameterError(f"mode is 'replace' or 'upsert', not {mode!r}.")
    if bool(channel) != (register is not None):
        raise ParameterError(
            "A list for contacting needs channel= and register=, the latter as "
            "crmlab.cleansing.consent_register returns it; other scores need neither."
        )
    path, kind, connection = _target(target, table, mode)
    found = _one_row_each(scores, key)
    left_out = found[[key]].head(0).assign(reason="")
    if channel:
        reason = _refused(found, key, customers, register, channel, region, ask_first)
        refused = found[key].isin(reason.index)
        # Before rows are taken: to an empty frame a whole column would bring its rows along.
        left_out = found[[key]].assign(reason=found[key].map(reason))[refused].reset_index(drop=True)
        found = found[~refused]
    hidden = [name for name in found if name in IDENTIFIERS and name not in (key, *identifiers)]
    if unknown := [name for name in identifiers if name not in found]:
        raise ParameterError(f"The scores have no column {unknown[0]!r}, which identifiers= names.")
    plain = _plain(found.drop(columns=hidden))
    for name, value in (("as_of", as_of), ("run_id", run)):
        if value is None or value == "":
            continue
        if name in plain:
            raise ParameterError(f"The scores have a column {name} already; leave it out, or the argument.")
        plain[name] = pd.Timestamp(as_day(value)).as_unit("us") if name == "as_of" else str(value)
    if path is not None:
        _write_file(plain, path, bom)
    else:
        write_table(plain, connection, kind, table, key, mode, left_out[key].tolist())
    return Written(len(plain), list(plain), left_out, hidden)


def _target(target: Any, table: str, mode: str) -> tuple[Path | None, str, Any]:
    """Path of a file, or kind of database and its connection."""
    if isinstance(target, str | Path):
        path = Path(target)
        if "://" in str(target) or path.suffix not in (".csv", ".parquet"):
            raise ParameterError(
                "target is the path of a .csv or .parquet file, or an open connection to a database, such as "
                "sqlite3.connect('crm.db')."
            )
        if table or mode != "replace":
            raise ParameterError("table= and mode='upsert' are for databases; a file is replaced.")
        return path, "", None
    # ibis keeps the connection of its driver in `con`.
    connection = getattr(target, "con", target)
    made_by = type(connection).__module__.partition(".")[0]
    kind = DRIVERS.get(made_by)
    if kind is None:
        raise ParameterError(
            f"target is a path, or a connection of sqlite3, DuckDB, pg8000 or of ibis to one of them, "
            f"not {type(target).__name__}."
        )
    if not all(table.split(".")) or table.count(".") > 1:
        raise ParameterError("Name the table to write in the database: table='scores' or 'schema.scores'.")
    return None, kind, connection


def _one_row_each(scores: pd.DataFrame | pd.Series | ibis.Table, key: str) -> pd.DataFrame:
    """The scores in the order of the key, which is their first column and there once in each row."""
    import pandas as pd

    found = scores.to_frame(scores.name or "value") if isinstance(scores, pd.Series) else collect(scores)
    if key not in found and found.index.name == key:
        found = found.reset_index()
    if key not in found:
        raise TableError(
            f"The scores have no column {key!r}, nor an index of that name, to know customers by; they have: "
            f"{listed(found.columns)}.",
            column=key,
        )
    names = [str(name) for name in found.columns]
    if twice := [name for name in names if [other.lower() for other in names].count(name.lower()) > 1]:
        raise TableError(f"The scores have two columns that are called {twice[0]!r}.", column=twice[0])
    found = found.set_axis(names, axis="columns").reset_index(drop=True)
    if isinstance(found[key].dtype, pd.CategoricalDtype):
        # Categories are sorted in an order of their own.
        found[key] = found[key].astype("str")
    for rows, said in (
        (found[key].isna(), "The key {} is missing in {}: every row needs a customer."),
        (found[key].duplicated(keep=False), "The key {} is there more than once ({}); one row each."),
    ):  # fmt: skip
        if rows.any():
            number = f"{rows.sum():,} {'row' if rows.sum() == 1 else 'rows'}, first at {rows.argmax()}"
            raise TableError(said.format(key, number), column=key, rows=found.index[rows])
    order = [key, *(name for name in found if name != key)]
    try:
        found = found.sort_values(key)
    except TypeError:
        raise TableError(f"The key {key} is text in some rows and a number in others.", column=key) from None
    return found[order].reset_index(drop=True)


def _refused(
    found: pd.DataFrame, key: str, customers: pd.DataFrame | None, register: pd.DataFrame, channel: str,
    region: str, ask_first: bool,
) -> pd.Series:  # fmt: skip
    """Why each of those may not be contacted who may not, by key."""
    import pandas as pd

    from crmlab.cleansing.consent import check_consent

    contacts = ["customer_id", "email", "phone", "contact", "address"]
    people = [found if key == "customer_id" else found.drop(columns="customer_id", errors="ignore")]
    if customers is not None:
        if key not in customers:
            raise ParameterError(f"The customers have no column {key!r} to know them by.")
        people.append(customers[customers[key].isin(found[key])])
    people = [part.rename(columns={key: "customer_id"}) for part in people]
    people = [part[[name for name in contacts if name in part]] for part in people if len(part)]
    people = pd.concat(people or [found[[key]].set_axis(["customer_id"], axis=1)], ignore_index=True)
    consent = check_consent(people, register, channel, region)
    reason = consent["reason"].set_axis(people["customer_id"])[~consent["allowed"].to_numpy()]
    reason = reason[~reason.index.duplicated()]
    if ask_first:
        # A permission by any of their contacts will do, unless there is a refusal.
        asked = check_consent(people, register, channel, region, ask_first=True)
        known = set(people.loc[asked["allowed"], "customer_id"]) | set(reason.index)
        silent = found[key][~found[key].isin(known)]
        reason = pd.concat([reason, pd.Series("no permission given", index=silent, dtype="str")])
    return reason


def _plain(found: pd.DataFrame) -> pd.DataFrame:
    """Columns of whole numbers, numbers, yes and no, days, moments and text, nothing else."""
    import pandas as pd
    from pandas.api import types

    plain = {}
    for name, values in found.items():
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype("str").where(values.notna())
        elif values.dtype == object and values.notna().any():
            kind = types.infer_dtype(values, skipna=True)
            if kind in ("integer", "boolean", "floating", "mixed-integer-float"):
                values = values.convert_dtypes()
            elif kind in ("date", "datetime"):
                values = pd.to_datetime(values)
            elif kind != "string":
                raise TableError(
                    f"The column {name} holds {kind} values, which a plain table cannot; make it text or "
                    "numbers first.", column=name,
                )  # fmt: skip
        if values.dtype == object or types.is_string_dtype(values.dtype):
            values = values.astype("str")
        elif not (types.is_bool_dtype(values.dtype) or types.is_datetime64_any_dtype(values.dtype)
                  or types.is_integer_dtype(values.dtype) or types.is_float_dtype(values.dtype)):  # fmt: skip
            raise TableError(
                f"The column {name} holds {values.dtype}, which a plain table cannot; make it text or "
                "numbers first.", column=name,
            )  # fmt: skip
        plain[name] = values
    return pd.DataFrame(plain)


def _write_file(plain: pd.DataFrame, path: Path, bom: bool) -> None:
    from pandas.api import types

    from crmlab.parquet import write_parquet

    if bom and path.suffix != ".csv":
        raise ParameterError("bom=True is for CSV files.")
    fresh = path.with_name(f".{path.name}.new-{uuid.uuid4().hex[:8]}")
    try:
        if path.suffix == ".parquet":
            write_parquet(plain, fresh)
        else:
            moments = {name: as_text(values) for name, values in plain.items()
                       if types.is_datetime64_any_dtype(values.dtype)}  # fmt: skip
            encoding = "utf-8-sig" if bom else "utf-8"
            with fresh.open("w", encoding=encoding, newline="") as content:
                plain.assign(**moments).to_csv(content, index=False, lineterminator="\n")
        fresh.replace(path)
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
