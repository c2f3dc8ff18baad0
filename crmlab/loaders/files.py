"""Files: delimited text, Excel, Parquet and JSON lines."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.engine import to_pandas
from crmlab.errors import ParameterError, SourceError, listed, one_line
from crmlab.loaders.delimited import BROKEN, check_unpacked, read_delimited, read_text
from crmlab.loaders.raw import (
    LONGEST_HEADING,
    Raw,
    as_text,
    check_headings,
    plain_columns,
    raw,
    unique_names,
)

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = {
    "delimited": (".csv", ".tsv", ".txt", ".dat"),
    "excel": (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"),
    "parquet": (".parquet", ".pq"),
    "jsonl": (".jsonl", ".ndjson", ".json"),
}
#: A sheet with more cells than this would not fit into memory.
_MOST_CELLS = 10**8


def format_of(path: Path) -> str:
    """Format of a file by its ending (``.gz`` left out); a folder is Parquet."""
    if path.is_dir():
        return "parquet"
    endings = [ending.lower() for ending in path.suffixes if ending.lower() != ".gz"]
    for name, known in FORMATS.items():
        if endings and endings[-1] in known:
            return name
    return "delimited"


def read_file(
    path: str | Path,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    sheet: str | int = 0,
) -> Raw:
    """Read one file as it stands.

    Parameters
    ----------
    path
        File, gzipped or not, or a folder of Parquet files.
    format
        ``"delimited"``, ``"excel"``, ``"parquet"`` or ``"jsonl"``; by its ending if not given.
    encoding, delimiter, header
        Of delimited text; recognised if not given.
    sheet
        Of a workbook: name or number from 0.

    Raises
    ------
    SourceError
        In one sentence, if the file is missing, empty or not of its format.
    """
    path = Path(path)
    if format and format not in FORMATS:
        raise ParameterError(f"format is one of {', '.join(FORMATS)}, not {format!r}.")
    try:
        if not path.exists():
            raise SourceError(f"There is no file {path}.")
        if not (path.is_file() or path.is_dir()):
            raise SourceError(
                f"{path.name} is no file but a pipe or a device; write what it gives to a file."
            )
        format = format or format_of(path)
        if format == "delimited":
            return read_delimited(path, encoding, delimiter, header)
        if format == "excel":
            return _read_excel(path, sheet)
        if format == "parquet":
            return _read_parquet(path)
        return _read_json_lines(path, encoding)
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {_reason(error)}.") from None


def _reason(error: Exception) -> str:
    """What an error of a library says, on one line, without its name for the error and a full stop."""
    said = (getattr(error, "strerror", None) or str(error)).strip().split("\n")[0]
    return re.sub(r"\b\w+(Exception|Error): ", "", one_line(said)).rstrip(".")


def _read_excel(path: Path, sheet: str | int) -> Raw:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        _check_size(path)
        book = CalamineWorkbook.from_path(path)
        names = book.sheet_names
        if sheet not in names and sheet not in range(len(names)):
            raise SourceError(f"{path.name} has no sheet {sheet!r}; it has: {listed(names)}.")
        chosen = names[sheet] if isinstance(sheet, int) else sheet
        cells = book.get_sheet_by_name(chosen).to_python(skip_empty_area=True)
    except CalamineError as error:
        # The first bytes, which the reader shows in brackets, may be somebody's name.
        said = re.sub(r" \([^()]*signature.*\)", "", _reason(error))
        raise SourceError(f"{path.name} is not a workbook that can be read: {said}.") from None
    cells = [[None if value == "" else value for value in line] for line in cells]
    cells = [line for line in cells if any(value is not None for value in line)]
    if not cells:
        raise SourceError(f"The sheet {chosen!r} of {path.name} is empty.")
    cells = cells[_titles(cells) :]
    heads = unique_names([as_text(head) or "" for head in cells[0]])
    check_headings(heads, path.name)
    return raw(plain_columns(pd.DataFrame(cells[1:], columns=heads, dtype="object")))


def _check_size(path: Path) -> None:
    """Refuse a workbook that would fill the memory: one cell far out makes a sheet of billions."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            check_unpacked(sum(part.file_size for part in parts), path.stat().st_size, path.name)
            for part in parts:
                if part.filename.startswith("xl/worksheets/"):
                    with archive.open(part) as content:
                        _check_area(content.read(4096), path.name)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, EOFError):
        return  # what is wrong with it, the reader of workbooks says


def _check_area(start: bytes, name: str) -> None:
    area = re.search(rb'<dimension ref="[A-Z]+\d+:([A-Z]{1,3})(\d{1,7})"', start)
    if area:
        columns = reduce(lambda number, letter: 26 * number + letter - 64, area[1], 0)
        if columns * int(area[2]) > _MOST_CELLS:
            raise SourceError(
                f"A sheet of {name} reaches to the cell {(area[1] + area[2]).decode()}, too far for a table; "
                "delete the cells far out, or save the table as CSV."
            )


def _titles(cells: list[list[object]]) -> int:
    """Number of lines of one cell each above the headings, such as the name of a report."""
    filled = [sum(value is not None for value in line) for line in cells]
    headings = next((n for n, count in enumerate(filled) if count > 1), 0)
    return headings if len(cells) > headings + 1 else 0


def _read_parquet(path: Path) -> Raw:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = [] if path.is_dir() else pq.read_schema(path).names
        if twice := {name for name in names if names.count(name) > 1}:
            raise SourceError(
                f"{path.name} has two columns called {min(twice)!r}; give each a name of its own."
            )
        table = _read_folder(path) if path.is_dir() else pq.read_table(path)
        table.validate(full=True)
    except (pa.ArrowException, ValueError, NotImplementedError) as error:
        raise SourceError(f"{path.name} cannot be read as Parquet: {_reason(error)}.") from None
    check_headings(table.column_names, path.name)
    nested = [field.name for field in table.schema if pa.types.is_nested(field.type)]
    if nested:
        raise SourceError(f"{path.name}: the column {nested[0]!r} holds lists or records, not values.")
    # What pandas noted about its index is left out: an index is a column like others here.
    return raw(plain_columns(to_pandas(table.replace_schema_metadata(None))))


def _read_folder(folder: Path) -> pa.Table:
    """All Parquet files below a folder; names of folders such as ``year=2024`` are a column."""
    import pyarrow as pa
    import pyarrow.fs
    import pyarrow.parquet as pq

    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in FORMATS["parquet"])
    if not files:
        raise SourceError(f"The folder {folder} holds no Parquet file ({', '.join(FORMATS['parquet'])}).")
    inside = pyarrow.fs.SubTreeFileSystem(str(folder), pyarrow.fs.LocalFileSystem())
    tables = [pq.read_table([file.relative_to(folder).as_posix()], filesystem=inside) for file in files]
    return pa.concat_tables(tables, promote_options="permissive")


def _read_json_lines(path: Path, encoding: str | None) -> Raw:
    """One JSON object a line; nested objects become columns such as ``utm.source``."""
    text = read_text(path, encoding)
    if text.lstrip().startswith("["):
        raise SourceError(
            f"{path.name} is one JSON list; it must have one object on each line, without brackets."
        )
    records, rejected = [], []
    for number, line in enumerate((line for line in text.split("\n") if line.strip()), start=1):
        try:
            records.append(_record(line))
        except ValueError as error:
            rejected.append((number, str(error), line.rstrip("\r").replace(BROKEN, "\ufffd")))
    if not records:
        raise SourceError(f"{path.name} holds no JSON object; it must have one on each line.")
    check_headings(list({key: None for record in records for key in record}), path.name)
    return raw(plain_columns(pd.DataFrame(records, dtype="object")), rejected)


def _record(line: str) -> dict[str, object]:
    """The JSON object on a line, flat; a ValueError says why there is none."""
    if BROKEN in line:
        raise ValueError("the line has bytes that are no text")
    try:
        record = json.loads(line)
        flat = _flat(record) if isinstance(record, dict) else None
        again = json.dumps(record, ensure_ascii=False) if "\\u" in line else ""
    except json.JSONDecodeError as error:
        raise ValueError(f"the line is not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("the line is nested too deeply") from None
    except ValueError:
        raise ValueError("the line has a number of too many digits") from None
    if flat is None:
        raise ValueError("the line is not a JSON object")
    if re.search("[\ud800-\udfff]", again):
        raise ValueError("the line has half a character")
    if any(len(name) > LONGEST_HEADING for name in flat):
        raise ValueError(f"the line has a name of more than {LONGEST_HEADING:,} signs")
    return flat


def _flat(record: dict[str, object], above: str = "") -> dict[str, object]:
    flat = {}
    for key, value in record.items():
        flat |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return flat
