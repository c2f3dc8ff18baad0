"""Files: delimited text, Excel, Parquet and JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.engine import to_pandas
from crmlab.errors import ParameterError, SourceError
from crmlab.loaders.delimited import BROKEN, read_delimited, read_text
from crmlab.loaders.raw import Raw, as_text, plain_columns, raw, unique_names

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = {
    "delimited": (".csv", ".tsv", ".txt", ".dat"),
    "excel": (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"),
    "parquet": (".parquet", ".pq"),
    "jsonl": (".jsonl", ".ndjson", ".json"),
}


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
    """What an error of a library says, on one line and without a full stop."""
    return (getattr(error, "strerror", None) or str(error)).strip().split("\n")[0].rstrip(".")


def _read_excel(path: Path, sheet: str | int) -> Raw:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(path)
    except CalamineError as error:
        raise SourceError(f"{path.name} is not a workbook that can be read: {_reason(error)}.") from None
    names = book.sheet_names
    if sheet not in names and sheet not in range(len(names)):
        raise SourceError(f"{path.name} has no sheet {sheet!r}; it has: {', '.join(names)}.")
    chosen = names[sheet] if isinstance(sheet, int) else sheet
    cells = book.get_sheet_by_name(chosen).to_python(skip_empty_area=True)
    cells = [[None if value == "" else value for value in line] for line in cells]
    cells = [line for line in cells if any(value is not None for value in line)]
    if not cells:
        raise SourceError(f"The sheet {chosen!r} of {path.name} is empty.")
    cells = cells[_titles(cells) :]
    heads = unique_names([as_text(head) or "" for head in cells[0]])
    return raw(plain_columns(pd.DataFrame(cells[1:], columns=heads, dtype="object")))


def _titles(cells: list[list[object]]) -> int:
    """Number of lines of one cell each above the headings, such as the name of a report."""
    filled = [sum(value is not None for value in line) for line in cells]
    headings = next((n for n, count in enumerate(filled) if count > 1), 0)
    return headings if len(cells) > headings + 1 else 0


def _read_parquet(path: Path) -> Raw:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = _read_folder(path) if path.is_dir() else pq.read_table(path)
    except pa.ArrowException as error:
        raise SourceError(f"{path.name} cannot be read as Parquet: {_reason(error)}.") from None
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
    return raw(plain_columns(pd.DataFrame(records, dtype="object")), rejected)


def _record(line: str) -> dict[str, object]:
    """The JSON object on a line, flat; a ValueError says why there is none."""
    if BROKEN in line:
        raise ValueError("the line has bytes that are no text")
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"the line is not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("the line is nested too deeply") from None
    if not isinstance(record, dict):
        raise ValueError("the line is not a JSON object")
    if "\\u" in line and any(
        0xD800 <= ord(letter) < 0xE000 for letter in json.dumps(record, ensure_ascii=False)
    ):
        raise ValueError("the line has half a character")
    return _flat(record)


def _flat(record: dict[str, object], above: str = "") -> dict[str, object]:
    flat = {}
    for key, value in record.items():
        flat |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return flat
