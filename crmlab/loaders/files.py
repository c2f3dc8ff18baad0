"""Files: delimited text, Excel, Parquet and JSON lines."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from crmlab.engine import to_pandas
from crmlab.errors import ParameterError, SourceError
from crmlab.loaders.delimited import detect_encoding, read_bytes, read_delimited
from crmlab.loaders.raw import Raw, plain_columns, raw, unique_names

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
    if not path.exists():
        raise SourceError(f"There is no file {path}.")
    format = format or format_of(path)
    if format not in FORMATS:
        raise ParameterError(f"format is one of {', '.join(FORMATS)}, not {format!r}.")
    try:
        if format == "delimited":
            return read_delimited(path, encoding, delimiter, header)
        if format == "excel":
            return _read_excel(path, sheet)
        if format == "parquet":
            return _read_parquet(path)
        return _read_json_lines(path, encoding)
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror or error}.") from None
    except EOFError:
        raise SourceError(f"{path.name} is cut off: its compressed data end too early.") from None


def _read_excel(path: Path, sheet: str | int) -> Raw:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(path)
    except CalamineError as error:
        raise SourceError(f"{path.name} is not a workbook that can be read: {error}.") from None
    names = book.sheet_names
    if sheet not in names and not (isinstance(sheet, int) and sheet < len(names)):
        raise SourceError(f"{path.name} has no sheet {sheet!r}; it has: {', '.join(names)}.")
    chosen = names[sheet] if isinstance(sheet, int) else sheet
    cells = book.get_sheet_by_name(chosen).to_python(skip_empty_area=True)
    cells = [[None if value == "" else value for value in line] for line in cells]
    cells = [line for line in cells if any(value is not None for value in line)]
    if not cells:
        raise SourceError(f"The sheet {chosen!r} of {path.name} is empty.")
    heads = unique_names(["" if head is None else str(head) for head in cells[0]])
    return raw(plain_columns(pd.DataFrame(cells[1:], columns=heads, dtype="object")))


def _read_parquet(path: Path) -> Raw:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise SourceError(f"{path.name} is not a Parquet file: {error}.") from None
    nested = [field.name for field in table.schema if pa.types.is_nested(field.type)]
    if nested:
        raise SourceError(f"{path.name}: the column {nested[0]!r} holds lists or records, not values.")
    frame = to_pandas(table.replace_schema_metadata(None))
    return raw(plain_columns(frame))


def _read_json_lines(path: Path, encoding: str | None) -> Raw:
    """One JSON object a line; nested objects become columns such as ``utm.source``."""
    content = read_bytes(path)
    text = content.decode(encoding or detect_encoding(content), errors="replace")
    if not text.strip():
        raise SourceError(f"{path.name} is empty.")
    records, rejected = [], []
    for number, line in enumerate((line for line in text.split("\n") if line.strip()), start=1):
        try:
            record = json.loads(line)
        except ValueError as error:
            rejected.append((number, f"the line is not JSON: {error}", line))
            continue
        if isinstance(record, dict):
            records.append(record)
        else:
            rejected.append((number, "the line is not a JSON object", line))
    if not records:
        raise SourceError(f"{path.name} holds no JSON object; it must have one on each line.")
    return raw(plain_columns(pd.json_normalize(records).astype("object")), rejected)
