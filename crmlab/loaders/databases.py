"""Databases: a SQLAlchemy URL and a query."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from crmlab.errors import SourceError
from crmlab.loaders.raw import Raw, plain_columns, raw, unique_names


def read_database(url: str, query: str) -> Raw:
    """Read the rows of a query.

    Parameters
    ----------
    url
        SQLAlchemy URL, such as ``sqlite:///crm.db`` or
        ``postgresql+pg8000://user@host/database`` (with crmlab's extra ``postgres``).
    query
        A SELECT statement, or the name of a table.

    Raises
    ------
    SourceError
        In one sentence without the password, if the database cannot be reached or the query fails.
    """
    import sqlalchemy
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    try:
        address = sqlalchemy.make_url(url)
        shown = address.render_as_string(hide_password=True)
        engine = sqlalchemy.create_engine(address)
    except ArgumentError:
        raise SourceError("The database URL is not of the form dialect://user@host/database.") from None
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise SourceError(
            f"No driver for {shown.split(':')[0]!r} is installed ({error}); "
            "for PostgreSQL install crmlab with its extra: pip install 'crmlab[postgres]'."
        ) from None
    if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:"):
        _must_exist(address.database)
    if " " not in query.strip():
        query = f"SELECT * FROM {engine.dialect.identifier_preparer.quote(query.strip())}"
    try:
        with engine.connect() as connection:
            result = connection.execute(sqlalchemy.text(query))
            frame = pd.DataFrame(result.fetchall(), columns=unique_names(list(result.keys())), dtype="object")
    except SQLAlchemyError as error:
        first = str(getattr(error, "orig", None) or error).splitlines()[0].rstrip(".")
        raise SourceError(f"The query on {shown} failed: {first}.") from None
    finally:
        engine.dispose()
    return raw(plain_columns(frame))


def _must_exist(database: str) -> None:
    # SQLite would create the file and find it empty.
    if not Path(database).exists():
        raise SourceError(f"There is no SQLite database {database}.")
