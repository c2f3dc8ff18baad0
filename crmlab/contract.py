"""How a table is described: its grain, its key and its columns, and how a frame is held to it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from crmlab.errors import ParameterError, TableError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    from pandera.pandas import DataFrameSchema

Kind = Literal[
    "id", "text", "name", "email", "phone", "category", "date", "time", "integer", "number",
    "money", "boolean",
]  # fmt: skip

#: The pandas type of each kind of column. Money is a whole number of minor units (cents), so
#: that sums do not depend on the order in which they are taken.
DTYPES: Mapping[str, str] = {
    "id": "str",
    "text": "str",
    "name": "str",
    "email": "str",
    "phone": "str",
    "category": "str",
    "date": "datetime64[us]",
    "time": "datetime64[us]",
    "integer": "Int64",
    "number": "float64",
    "money": "Int64",
    "boolean": "boolean",
}


#: Default of a record's own number: the place of the row in its source.
ROW_NUMBER = "row number"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    allowed
        For a category: each allowed value with other spellings found in the wild.
    missing
        What a missing value means.
    default
        What a file that lacks the column altogether is given: a value, or ``ROW_NUMBER``.
    headings
        Other headings under which files carry this column, English and Persian.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    allowed: Mapping[str, tuple[str, ...]] | None = None
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    missing: str = "not known"
    default: str | int | None = None
    headings: tuple[str, ...] = ()

    @property
    def dtype(self) -> str:
        """Type of the clean column."""
        return DTYPES[self.kind]


@dataclass(frozen=True, eq=False)
class Table:
    """One table: its grain, its key and its columns.

    Attributes
    ----------
    log
        True for tables that grow with every event. Workspaces hand these out as ibis tables,
        the others as pandas frames.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    log: bool = False

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise ParameterError(
            f"The table {self.name} has no column {name!r}"
            + did_you_mean(name, [column.name for column in self.columns])
        )

    @property
    def names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.columns]

    @property
    def required(self) -> list[str]:
        """Names of the columns that may not be missing."""
        return [column.name for column in self.columns if column.required]

    def empty(self) -> pd.DataFrame:
        """A table without rows, with these columns and their types.

        Examples
        --------
        >>> from crmlab.tables import table
        >>> table("campaigns").empty()["budget"].dtype
        Int64Dtype()
        """
        import pandas as pd

        return pd.DataFrame({column.name: pd.Series(dtype=column.dtype) for column in self.columns})


@cache
def _pandera() -> Any:
    """The library, but not Spark, which it would load as well wherever that is installed."""
    absent = "pyspark" not in sys.modules
    if absent:
        sys.modules["pyspark"] = None  # type: ignore[assignment]
    try:
        import pandera.pandas as pandera
    finally:
        if absent:
            del sys.modules["pyspark"]
    return pandera


@cache
def schema(table: Table) -> DataFrameSchema:
    """The table as a pandera schema; further columns are allowed."""
    pandera = _pandera()

    def checks(column: Column) -> list[pandera.Check]:
        found = []
        if column.allowed:
            found.append(pandera.Check.isin(list(column.allowed), error="value not allowed"))
        if column.minimum is not None:
            found.append(pandera.Check.ge(column.minimum, error=f"below {column.minimum}"))
        if column.maximum is not None:
            found.append(pandera.Check.le(column.maximum, error=f"above {column.maximum}"))
        return found

    return pandera.DataFrameSchema(
        {
            column.name: pandera.Column(
                column.dtype,
                checks(column),
                nullable=not column.required,
                required=column.required,
            )
            for column in table.columns
        },
        unique=list(table.key) or None,
        name=table.name,
    )


_RULES = {
    "not_nullable": "a value is required",
    "column_in_dataframe": "the column is missing",
    "multiple_fields_uniqueness": "the key is not unique",
}


def hold_to(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return `frame` if it is a clean `table`, else raise a TableError that says where it is not."""
    pandera = _pandera()
    try:
        return schema(table).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        failures = error.failure_cases
    first = failures.iloc[0]
    alike = failures[(failures["check"] == first["check"]) & (failures["column"] == first["column"])]
    rows = alike["index"].dropna().drop_duplicates().tolist()
    check, column = str(first["check"]), str(first["column"])
    rule = _RULES.get(check, check)
    if check == "column_in_dataframe":
        column = str(first["failure_case"])
    elif check == "multiple_fields_uniqueness":
        column = " + ".join(table.key)
    elif check.startswith("dtype("):
        rule, rows = f"the type is to be {table[column].dtype}", []
    where = ""
    if rows:
        shown = ", ".join(str(row) for row in rows[:5]) + (", ..." if len(rows) > 5 else "")
        where = f" ({len(rows):,} row{'s' if len(rows) > 1 else ''}, at {shown})"
    raise TableError(f"Table {table.name}, column {column}: {rule}{where}.", table.name, column, rule, rows)
