"""Databases: a SQLAlchemy URL and a query."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.errors import SourceError, one_line
from crmlab.loaders.raw import Raw, plain_columns, raw, unique_names

if TYPE_CHECKING:
    import sqlalchemy


def read_database(url: str, query: str, folder: str | Path = "") -> Raw:
    """Read the rows of a query; nothing in the database is changed.

    Parameters
    ----------
    url
        SQLAlchemy URL, such as ``sqlite:///crm.db`` or ``postgresql://user@host/database`` (with
        crmlab's extra ``postgres``).
    query
        A SELECT statement, or the name of a table.
    folder
        Where the path of an SQLite file starts, if it is a relative one.

    Raises
    ------
    SourceError
        In one sentence without the password, if the database cannot be reached or the query fails.
    """
    import sqlalchemy
    from sqlalchemy.exc import NoSuchModuleError, ResourceClosedError, SQLAlchemyError

    address = _address(url)
    # Neither the password nor what stands behind the question mark, which may hold one too.
    shown = address.set(query={}).render_as_string(hide_password=True)
    if not query.strip():
        raise SourceError(f"Say what to read from {shown}: query is a SELECT statement or a table's name.")
    file = database_file(url, folder)
    if file:
        if not file.exists():  # SQLite would create it and find it empty.
            raise SourceError(f"There is no SQLite database {file}.")
        address = address.set(database=str(file))
    try:
        engine = sqlalchemy.create_engine(address)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        name = address.get_backend_name()
        install = "pip install 'crmlab[postgres]'" if name == "postgresql" else "install one with pip"
        raise SourceError(f"No driver for {name!r} is installed ({error}); {install}.") from None
    try:
        with engine.connect() as connection:
            if file:
                connection.exec_driver_sql("PRAGMA query_only = ON")
            statement = _statement(query.strip(), connection)
            # A colon is the mark of a parameter otherwise.
            result = connection.execute(sqlalchemy.text(statement.replace(":", r"\:")))
            frame = pd.DataFrame(result.fetchall(), columns=unique_names(list(result.keys())), dtype="object")
    except ResourceClosedError:
        raise SourceError(f"The query on {shown} gives no rows; it is to be a SELECT statement.") from None
    except (SQLAlchemyError, OSError, TypeError, ValueError) as error:
        said = _said(error)
        if address.password:
            said = said.replace(str(address.password), "***")
        raise SourceError(f"{shown} cannot be read: {said}.") from None
    finally:
        engine.dispose()
    return raw(plain_columns(frame))


def database_file(url: str, folder: str | Path = "") -> Path | None:
    """The file an SQLite URL names; None for other databases and one in memory."""
    address = _address(url)
    if address.get_backend_name() != "sqlite" or address.database in (None, "", ":memory:"):
        return None
    return Path(folder, address.database)


def _address(url: str) -> sqlalchemy.URL:
    import sqlalchemy

    try:
        address = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise SourceError(
            "The database URL is not of the form dialect://user:password@host:port/database."
        ) from None
    if "@" in (address.host or ""):
        raise SourceError("The password in the database URL holds an @; write it as %40.")
    if address.drivername == "postgresql":
        return address.set(drivername="postgresql+pg8000")
    return address


def _statement(query: str, connection: sqlalchemy.Connection) -> str:
    """`query` itself, or a statement that reads the table of this name."""
    import sqlalchemy

    if re.match(r"[\s(]*(select|with|values)[\s(]", query, re.IGNORECASE):
        return query
    quote = connection.dialect.identifier_preparer.quote_identifier
    if sqlalchemy.inspect(connection).has_table(query):
        return f"SELECT * FROM {quote(query)}"
    if len(query.split()) > 1:
        return query
    return f"SELECT * FROM {'.'.join(map(quote, query.split('.')))}"


def _said(error: Exception) -> str:
    """First line of what the database says."""
    cause = getattr(error, "orig", None) or error
    first = cause.args[0] if cause.args else ""
    # PostgreSQL's own fields, as pg8000 hands them on: M is the message.
    text = str(first["M"]) if isinstance(first, dict) and "M" in first else str(cause)
    # SQLite repeats the text that it cannot decode, which may be personal.
    return one_line(text.strip().split("\n")[0].split(" (Background on")[0].split(" with text ")[0]).rstrip(
        "."
    )
