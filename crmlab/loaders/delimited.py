"""Delimited text: CSV and its relatives, in the encodings and dialects people send."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from crmlab.errors import SourceError
from crmlab.loaders.raw import Raw, raw, unique_names

_SAMPLE = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WHITESPACE = "whitespace"


class Dialect(NamedTuple):
    """How a delimited file is written."""

    encoding: str
    delimiter: str
    header: bool


def read_bytes(path: Path, size: int = -1) -> bytes:
    """The file's content, unpacked if it is gzipped; the first `size` bytes of it if given."""
    with path.open("rb") as plain:
        if plain.read(2) == b"\x1f\x8b":
            with gzip.open(path) as unpacked:
                return unpacked.read(size)
        plain.seek(0)
        return plain.read(size)


def detect_encoding(content: bytes) -> str:
    """Encoding of text: by its mark, else UTF-8 if it is valid, else Windows-1256 or -1252.

    Examples
    --------
    >>> detect_encoding("نام".encode("cp1256")), detect_encoding("Müller".encode("cp1252"))
    ('cp1256', 'cp1252')
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return encoding
    try:
        # Not final: a sample may end in the middle of a character.
        codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return "utf-8" if _mark_broken(content)[1] else _windows(content)
    return "utf-8"


def _windows(content: bytes) -> str:
    """Windows-1256 (Arabic script) or Windows-1252 (Western): which makes words of the bytes."""
    runs = re.findall(rb"[\x80-\xff]+", content)
    # Arabic script writes whole words above 0x80; Western text single letters among ASCII.
    in_words = sum(len(run) for run in runs if len(run) > 1)
    return "cp1256" if in_words > sum(map(len, runs)) / 2 else "cp1252"


def detect_delimiter(text: str) -> str:
    """The mark that splits most lines of `text` into as many fields as the first line has.

    Returns
    -------
    str
        One of ``, ; | tab``, ``"whitespace"`` for columns aligned with spaces, or ``,`` for a
        single column.

    Examples
    --------
    >>> detect_delimiter("a;b;c\\n1,5;2;3\\n2,5;3;4\\n")
    ';'
    """
    lines = text.splitlines()[:200]
    best = (0.0, 1, ",")
    for mark in (",", ";", "\t", "|"):
        counts = [len(fields) for fields in csv.reader(lines, delimiter=mark) if fields]
        if counts and counts[0] > 1:
            share = Counter(counts)[counts[0]] / len(counts)
            best = max(best, (share, counts[0], mark))
    if best[0] > 0.5:
        return best[2]
    counts = {len(line.split()) for line in lines if line.strip()}
    if len(counts) == 1 and counts.pop() > 1 and len(lines) > 1:
        return WHITESPACE
    return best[2]


def has_header(first: list[str]) -> bool:
    """Whether a first record names columns: it does unless each of its cells is a number or empty."""
    return any(cell.strip() and not re.fullmatch(r"[-+\d.,:/ ]+", cell.strip()) for cell in first)


def detect(
    path: Path,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Dialect:
    """Find out how a file is written; what is given is believed."""
    sample = read_bytes(path, _SAMPLE)
    encoding = encoding or detect_encoding(sample)
    try:
        errors = "replace" if encoding == "utf-8" else "strict"
        text = codecs.getincrementaldecoder(encoding)(errors).decode(sample)
    except (UnicodeDecodeError, LookupError):
        raise SourceError(
            f"{path.name} is not in the encoding {encoding!r}; leave encoding out to have it "
            "recognised, or name another such as 'utf-8', 'cp1256' or 'cp1252'."
        ) from None
    if len(sample) == _SAMPLE:
        text = text[: text.rfind("\n") + 1]
    if delimiter is None:
        delimiter = detect_delimiter(text)
    if header is None:
        header = has_header(_records(text, delimiter)[0])
    return Dialect(encoding, delimiter, header)


def _records(text: str, delimiter: str, count: int = 1) -> list[list[str]]:
    if delimiter == WHITESPACE:
        lines = [line for line in text.splitlines() if line.strip()]
        return [line.split() for line in lines[:count]]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [record for _, record in zip(range(count), (r for r in reader if r), strict=False)]


def read_delimited(
    path: Path,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Raw:
    """Read a delimited text file, every cell as text.

    Lines with too many or too few fields are rejected, with their number, and the rest is read.

    Parameters
    ----------
    encoding, delimiter, header
        Recognised if not given. Without a header, columns are called ``"1"``, ``"2"``, ...

    Raises
    ------
    SourceError
        If the file is empty or is not text.
    """
    if not read_bytes(path, 1):
        raise SourceError(f"{path.name} is empty.")
    dialect = detect(path, encoding, delimiter, header)
    content, broken = _as_utf8(read_bytes(path), dialect, path, encoding)
    if b"\x00" in content:
        raise SourceError(f"{path.name} is not a text file: it holds zero bytes.")
    content = content.lstrip(b"\r\n")
    names, skip = _column_names(content, dialect, path)
    mark = dialect.delimiter
    if mark == WHITESPACE:
        content = re.sub(rb"(?m)^[ \t]+|[ \t\r]+$", b"", content)
        content, mark = re.sub(rb"[ \t]+", b"\t", content), "\t"
    rejected: list[tuple[int, str, str]] = []

    def reject(row: pyarrow.csv.InvalidRow) -> str:
        number, text = row.number - skip, row.text
        if text in broken:
            rejected.append((number, "the line is not UTF-8 text", broken[text]))
        else:
            fields = "field" if row.actual_columns == 1 else "fields"
            reason = f"the line has {row.actual_columns} {fields}, the table {row.expected_columns}"
            rejected.append((number, reason, text))
        return "skip"

    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO(content),
            # One thread: only then does the reader know the numbers of the rows it rejects.
            pyarrow.csv.ReadOptions(
                use_threads=False, column_names=names, skip_rows=skip, block_size=1 << 25
            ),
            pyarrow.csv.ParseOptions(
                delimiter=mark, newlines_in_values=True, invalid_row_handler=reject
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise SourceError(
            f"{path.name} cannot be read as text separated by {dialect.delimiter!r}: "
            f"{str(error).splitlines()[0]}. Name the right one with delimiter=..."
        ) from None
    return raw(table.to_pandas(), rejected)


def _as_utf8(
    content: bytes, dialect: Dialect, path: Path, given: str | None
) -> tuple[bytes, dict[str, str]]:
    """Content as UTF-8 without a mark, and the lines that are no text (see `_mark_broken`)."""
    encoding = dialect.encoding
    try:
        text = content.decode(encoding)
        return (content if encoding == "utf-8" else text.encode()), {}
    except UnicodeDecodeError as error:
        if given is None and encoding.startswith("utf-8"):
            return _mark_broken(content)
        line = content.count(b"\n", 0, error.start) + 1
        raise SourceError(
            f"{path.name} is not in the encoding {encoding!r}: line {line:,} has bytes that "
            "do not belong to it. Leave encoding out to have it recognised."
        ) from None


def _mark_broken(content: bytes) -> tuple[bytes, dict[str, str]]:
    """UTF-8 content with each line that is not UTF-8 replaced by a mark, and the marked lines.

    If more lines are broken than are proper UTF-8 beyond ASCII, the file is in a Windows encoding.
    """
    lines, broken, proper = content.split(b"\n"), {}, 0
    for number, line in enumerate(lines):
        try:
            line.decode()
            proper += not line.isascii()
        except UnicodeDecodeError:
            mark = f"\x1a{number}"
            broken[mark] = line.decode(errors="replace").rstrip("\r")
            lines[number] = mark.encode()
    if len(broken) > proper:
        return content.decode(_windows(content), errors="replace").encode(), {}
    return b"\n".join(lines), broken


def _column_names(content: bytes, dialect: Dialect, path: Path) -> tuple[list[str], int]:
    """Names of the columns and the number of records to skip before the data."""
    head = content[:_SAMPLE].decode("utf-8", errors="replace").removeprefix("\ufeff")
    records = _records(head, dialect.delimiter)
    if not records:
        raise SourceError(f"{path.name} is empty.")
    first = records[0]
    if not dialect.header:
        return [str(n) for n in range(1, len(first) + 1)], 0
    return unique_names(first), 1
