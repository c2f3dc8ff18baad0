"""Reference tables: lists that a house keeps or downloads, read into the form that a check needs."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from crmlab.cleansing.numbers import read_numbers
from crmlab.cleansing.text import normalize_text
from crmlab.contract import Table
from crmlab.errors import ParameterError, SourceError, TableError, listed

Source = str | Path | pd.DataFrame


def read_reference(source: Source | None, form: Table) -> pd.DataFrame:
    """Read a reference table.

    Parameters
    ----------
    source
        A frame, or a file: CSV in UTF-8, Parquet, or JSON with one record per row.
    form
        Its columns; other headings of theirs are understood too, in capitals or not.

    Returns
    -------
    DataFrame
        The columns of the form, in its order and types; those that the source lacks are missing
        throughout. Further columns are left out, and so are rows without a single value.

    Raises
    ------
    ParameterError
        If there is no source, it lacks a required column, or has no row.
    SourceError
        If the file cannot be read.
    TableError
        If a required value is missing, or a number cannot be read.
    """
    if source is None:
        raise ParameterError(_needed(form))
    if not isinstance(source, pd.DataFrame) and Path(source).is_dir():
        raise SourceError(f"{source} is a folder; {form.name[0].lower()}{form.name[1:]} is one file.")
    raw = source if isinstance(source, pd.DataFrame) else read_table(Path(source))
    folded = normalize_text(pd.Series(raw.columns, dtype="str")).str.lower()
    headings = dict(zip(reversed(folded), reversed(raw.columns), strict=True))
    found = {}
    for column in form.columns:
        known = (column.name, *column.headings)
        heading = next((headings[name] for name in known if name in headings), None)
        if heading is None and column.required:
            has = listed(raw.columns) or "none"
            raise ParameterError(f"{_needed(form)} It has: {has}.")
        if heading is None:
            found[column.name] = pd.Series(None, index=raw.index, dtype=column.dtype)
        elif column.dtype == "float64":
            found[column.name] = _numbers(raw[heading], column.name, form)
        else:
            found[column.name] = _texts(raw[heading])
    frame = pd.DataFrame(found).dropna(how="all")
    for name in form.required:
        refuse(frame[name].isna(), form, name, "a value is required")
    if frame.empty:
        raise ParameterError(f"{form.name} has no row.")
    return frame.reset_index(drop=True)


def name_of(source: Source) -> str:
    """What a reference table is called where a value is traced to it.

    >>> name_of("lists/cities.csv"), name_of(pd.DataFrame())
    ('cities.csv', 'a frame')
    """
    return "a frame" if isinstance(source, pd.DataFrame) else Path(source).name


def _needed(form: Table) -> str:
    columns = ", ".join(f"{name} (required)" if name in form.required else name for name in form.names)
    return f"{form.name} is to be a CSV, Parquet or JSON file or a frame with {form.grain}: {columns}."


def read_table(path: Path) -> pd.DataFrame:
    """A file as it stands; text in CSV stays text, and only an empty cell is missing."""
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        if path.suffix == ".json":
            records = json.loads(path.read_text(encoding="utf-8-sig"))
            return pd.DataFrame(records.values() if isinstance(records, dict) else records)
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            # A name may be "NA" or "None".
            file.seek(0)
            return pd.read_csv(
                file, dtype="str", sep=max(",;\t|", key=head.count), keep_default_na=False, na_values=[""]
            )
    except FileNotFoundError:
        raise SourceError(f"There is no file {path}.") from None
    except UnicodeDecodeError:
        raise SourceError(f"{path.name} is not written in UTF-8; save it so.") from None
    except (OSError, ValueError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise SourceError(f"{path.name} cannot be read as a table: {reason}.") from None


def _texts(values: pd.Series) -> pd.Series:
    if values.dtype.kind in "iuf":
        values = read_numbers(values)["text"]
    text = normalize_text(values.astype("str"))
    return text.mask(text == "")


def _numbers(values: pd.Series, name: str, form: Table) -> pd.Series:
    if values.dtype.kind in "iuf":
        return values.astype("float64")
    found = read_numbers(values)
    refuse(found["reason"].notna(), form, name, "not a number")
    return found["text"].astype("float64")


def refuse(wrong: pd.Series, form: Table, name: str, rule: str) -> None:
    """Raise a TableError that names the rows of a reference table where `wrong` is true, if there are any."""
    rows = wrong.index[wrong].tolist()
    if rows:
        count = f"{len(rows):,} row{'s' if len(rows) > 1 else ''}"
        message = f"{form.name}, column {name}: {rule} ({count}, the first at {rows[0]})."
        raise TableError(message, form.name, name, rule, rows)
