"""Delimited text: CSV and its relatives, in the encodings and dialects people send."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from crmlab.errors import ParameterError, SourceError
from crmlab.loaders.raw import Raw, check_headings, raw, unique_names

#: What stands for bytes that are no text, and for the end of a file: two of the code points that
#: Unicode keeps out of texts.
BROKEN, _END = "\ufdd0", "\ufdd1"
WHITESPACE = "whitespace"

_SAMPLE = 1 << 20
_BLOCK = 1 << 25
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: First bytes of files that are often taken for text, and what to do with them.
_OTHER_FORMATS = {
    b"SQLite format 3": 'it is an SQLite database; write crmlab.toml by hand with url = "sqlite:///..." and '
    "a query in its [[source]]",
    b"PK\x03\x04": "it is a workbook or another packed file; give it its own ending, such as .xlsx",
    b"\xd0\xcf\x11\xe0": "it is an old Excel workbook; give it the ending .xls",
    b"PAR1": "it is a Parquet file; give it the ending .parquet",
    b"%PDF-": "it is a PDF; have the table itself exported as CSV",
    b"\x1f\x8b": "it is packed twice over; unpack it first",
    b"BZh": "it is packed with bzip2; unpack it first",
    b"\xfd7zXZ\x00": "it is packed with xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "it is packed with zstd; unpack it first",
}
#: Python's own encodings, which no file is in.
_NO_ENCODINGS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
#: What unpacks to more bytes than this, and to more than so many times its size, is no table.
_MUCH, _TIMES = 1 << 28, 200
_NUMBER = re.compile(r"[-+\d.,:/ ]+")

# A cell may be as long as what is looked at.
csv.field_size_limit(max(csv.field_size_limit(), 2 * _SAMPLE))


def read_bytes(path: Path) -> bytes:
    """The file's content, unpacked if it is gzipped."""
    try:
        content = path.read_bytes()
        return _unpacked(content, path.name) if content.startswith(b"\x1f\x8b") else content
    except EOFError:
        raise SourceError(f"{path.name} is cut off: its compressed data end too early.") from None
    except (gzip.BadGzipFile, zlib.error):
        raise SourceError(f"{path.name} is damaged: its compressed data do not add up.") from None
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror or error}.") from None


def _unpacked(content: bytes, name: str) -> bytes:
    parts, size = [], 0
    with gzip.open(io.BytesIO(content)) as packed:
        while part := packed.read(1 << 24):
            parts.append(part)
            check_unpacked(size := size + len(part), len(content), name)
    return b"".join(parts)


def check_unpacked(size: int, packed: int, name: str) -> None:
    """Refuse a packed file that comes to far more than tables do, before it fills the memory.

    Raises
    ------
    SourceError
        If `size` bytes are far more than `packed` ones can honestly hold.
    """
    if size > max(_MUCH, _TIMES * packed):
        raise SourceError(
            f"{name} unpacks to more than {_TIMES} times its size, which no table does; unpack it yourself "
            "if you trust it."
        )


def read_text(path: Path, encoding: str | None = None) -> str:
    """The file's content as text; bytes that are none come as `BROKEN`.

    Parameters
    ----------
    encoding
        Recognised if not given. If given, every byte has to belong to it.

    Raises
    ------
    SourceError
        If the file is empty or is not text.
    """
    content = read_bytes(path)
    for start, hint in _OTHER_FORMATS.items():
        if content.startswith(start):
            raise SourceError(f"{path.name} is not a text file: {hint}.")
    chosen = encoding or detect_encoding(content)
    try:
        if codecs.lookup(chosen).name in _NO_ENCODINGS:
            raise LookupError
        text = content.decode(chosen)
        if encoding and (half := re.search("[\ud800-\udfff]", text)):  # UTF-7 lets them through
            raise UnicodeDecodeError(chosen, content, 0, 1, f"half a character at {half.start()}")
    except UnicodeDecodeError as error:
        if encoding or chosen == "utf-16":
            line = content.count(b"\n", 0, error.start) + 1
            hint = "Leave encoding out to have it recognised" if encoding else "Save the file anew"
            raise SourceError(
                f"{path.name} is not in the encoding {chosen!r}: line {line:,} has bytes that do not "
                f"belong to it. {hint}."
            ) from None
        text = re.sub("[\udc80-\udcff]+", BROKEN, content.decode(chosen, errors="surrogateescape"))
    except (LookupError, ValueError):
        raise SourceError(
            f"There is no encoding {chosen!r} for {path.name}; leave encoding out to have it recognised, "
            "or name one such as 'utf-8', 'cp1256' or 'cp1252'."
        ) from None
    if "\x00" in text:
        raise SourceError(f"{path.name} is not a text file: it holds zero bytes.")
    if not text or text.isspace():
        raise SourceError(f"{path.name} is empty.")
    return text


def detect_encoding(content: bytes) -> str:
    """Encoding of text: by its mark, else UTF-8 if it is valid, else Windows-1256 or -1252.

    Text with a few lines that are not valid is UTF-8 still, if more lines show that it is.

    Examples
    --------
    >>> detect_encoding("نام".encode("cp1256")), detect_encoding("Müller".encode("cp1252"))
    ('cp1256', 'cp1252')
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return encoding
    try:
        content.decode()
    except UnicodeDecodeError:
        return "utf-8" if _mostly_utf8(content) else _windows(content)
    return "utf-8"


def _mostly_utf8(content: bytes) -> bool:
    """Whether of the lines beyond ASCII at least half are UTF-8."""
    proper = broken = 0
    for line in content.splitlines():
        if not line.isascii():
            try:
                line.decode()
                proper += 1
            except UnicodeDecodeError:
                broken += 1
    return proper >= broken


def _windows(content: bytes) -> str:
    """Windows-1256 (Arabic script) or Windows-1252 (Western): which makes words of the bytes."""
    # Arabic script writes whole words above 0x80; Western text mixes such letters with ASCII ones.
    arabic = western = 0
    for before, run, after in re.findall(rb"([A-Za-z]?)([\x80-\xff]+)(?=([A-Za-z]?))", content):
        if before or after:
            western += len(run)
        elif len(run) > 1:
            arabic += len(run)
    return "cp1256" if arabic > western else "cp1252"


def detect_delimiter(text: str) -> str:
    r"""The mark that splits most lines of `text` into as many fields as the first line has.

    Returns
    -------
    str
        One of ``, ; | tab``, ``"whitespace"`` for columns aligned with spaces, or ``,`` for a
        single column.

    Examples
    --------
    >>> detect_delimiter("a;b;c\n1,5;2;3\n2,5;3;4\n")
    ';'
    """
    lines = [line for line in text.splitlines() if line.strip()][:200]
    best = (0.0, 1, ",")
    for mark in (",", ";", "\t", "|"):
        counts = [len(fields) for fields in csv.reader(lines, delimiter=mark) if fields]
        if counts and counts[0] > 1:
            share = Counter(counts)[counts[0]] / len(counts)
            best = max(best, (share, counts[0], mark))
    if best[0] <= 0.5 and _is_aligned([line.split() for line in lines]):
        return WHITESPACE
    return best[2]


def _is_aligned(lines: list[list[str]]) -> bool:
    """Whether words stand in columns: nearly all lines have as many, and numbers among them."""
    width = len(lines[0]) if lines else 0
    alike = [words for words in lines if len(words) == width]
    # Names of two words in a row are one column, not two.
    numeric = [words for words in alike if any(map(_NUMBER.fullmatch, words))]
    return width > 1 and len(lines) > 1 and min(len(alike), 2 * len(numeric)) > 0.9 * len(lines)


def has_header(first: list[str]) -> bool:
    """Whether a first record names columns: it does unless each of its cells is a number or empty."""
    return any(cell.strip() and not _NUMBER.fullmatch(cell.strip()) for cell in first)


def read_delimited(
    path: Path,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Raw:
    """Read a delimited text file, every cell as text.

    Lines with too many or too few fields, or with bytes that are no text, are rejected with their
    number, and the rest is read.

    Parameters
    ----------
    encoding, delimiter, header
        Recognised if not given. Without a header, columns are called ``"1"``, ``"2"``, ...

    Raises
    ------
    SourceError
        If the file is empty or is not text.
    """
    if delimiter not in (None, WHITESPACE) and not re.fullmatch(r"[^\"\r\n\x80-\U0010ffff]", delimiter):
        raise ParameterError(
            f"delimiter is one character such as ',', ';', '|' or a tab, or 'whitespace', not {delimiter!r}."
        )
    text = read_text(path, encoding)
    text = text[re.match(r"(?:[ \t]*[\r\n])*", text).end() :]
    delimiter = delimiter or detect_delimiter(_sample(text))
    quotes = delimiter != WHITESPACE
    if not quotes:
        lines = (line.strip(" \t") for line in re.split(r"[\r\n]+", text.strip(" \t\r\n")))
        text, delimiter = re.sub(r"[ \t]+", "\t", "\n".join(lines)), "\t"
    first = _first_record(text, delimiter, quotes)
    if header is None:
        header = has_header(first)
    separated = "; if another sign stands between them, name it as the delimiter"
    check_headings(first if header else [""] * len(first), path.name, separated)
    names = unique_names(list(map(_shown, first))) if header else [str(n) for n in range(1, len(first) + 1)]
    rejected: list[tuple[int, str, str]] = []

    def reject(row: pyarrow.csv.InvalidRow) -> str:
        fields = "field" if row.actual_columns == 1 else "fields"
        reason = f"the line has {row.actual_columns} {fields}, the table {row.expected_columns}"
        rejected.append((row.number - header, reason, _shown(row.text)))
        return "skip"

    end = _END + delimiter * (len(names) - 1)
    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO(f"{text}\n{end}".encode()),
            # One thread: only then does the reader know the numbers of the rows it rejects.
            pyarrow.csv.ReadOptions(
                use_threads=False, column_names=names, skip_rows_after_names=int(header), block_size=_BLOCK
            ),
            pyarrow.csv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if quotes else False,
                newlines_in_values=quotes,
                invalid_row_handler=reject,
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        if "straddl" in str(error):
            raise _unclosed(path) from None
        raise SourceError(
            f"{path.name} cannot be read as text separated by {delimiter!r}: "
            f"{str(error).splitlines()[0]}. Name the right one with delimiter=..."
        ) from None
    # What opens a quotation mark and does not close it swallows the end of the file.
    if not len(table) or table.column(0)[-1].as_py() != _END:
        raise _unclosed(path, len(table) + len(rejected))
    content = raw(table.slice(0, len(table) - 1).to_pandas(), rejected)
    return _without_broken(content, delimiter) if BROKEN in text else content


def _unclosed(path: Path, record: int | None = None) -> SourceError:
    where = f"record {record:,} of {path.name}" if record else path.name
    return SourceError(
        f"A quotation mark that opens a cell in {where} is never closed; close it, or remove it."
    )


def _without_broken(content: Raw, delimiter: str) -> Raw:
    """Reject the records that hold bytes that are no text."""
    broken = pd.Series(False, index=content.frame.index)
    for name in content.frame:
        broken |= content.frame[name].str.contains(BROKEN, regex=False)
    lines = zip(content.rows[broken], content.frame[broken].to_numpy().tolist(), strict=True)
    found = [
        (row, "the line has bytes that are no text", _shown(delimiter.join(cells))) for row, cells in lines
    ]
    rejected = [*content.rejected.itertuples(index=False, name=None), *found]
    return raw(content.frame[~broken], sorted(rejected))


def _shown(text: str) -> str:
    return text.replace(BROKEN, "\ufffd")


def _sample(text: str) -> str:
    """The first lines of `text`, whole ones."""
    head = text[:_SAMPLE]
    end = max(head.rfind("\n"), head.rfind("\r")) + 1
    return head[:end] if end and len(text) > _SAMPLE else head


def _first_record(text: str, delimiter: str, quotes: bool) -> list[str]:
    lines = io.StringIO(text[:_SAMPLE], newline="")
    return next(
        csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE)
    )
