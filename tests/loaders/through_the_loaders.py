"""One file through every way into the workbench: what comes of it, held to what may come of it.

A file may be read, and then no record is lost; or it may be refused in one sentence that names it and
repeats no personal value. Anything else is a fault.
"""

import json
import re
import shutil
import tempfile
import traceback
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

import pyarrow.parquet as pq
from click.testing import CliRunner
from strange_files import PERSONAL

import crmlab as crm
from crmlab.cli import main
from crmlab.errors import CrmlabError, one_line
from crmlab.loaders import read_database, read_file
from crmlab.loaders.files import FORMATS
from crmlab.settings import FILE, read_settings
from crmlab.tables import TABLES

#: Encodings that are named wrongly as often as rightly.
NAMED = (
    None,
    "utf-8",
    "cp1256",
    "utf-16",
    "utf-7",
    "unicode_escape",
    "undefined",
    "idna",
    "rot13",
    "no-such",
)
#: What no sentence for people holds: names of libraries and their errors, addresses, a stack.
_INSIDE = re.compile(
    r"\b(pandas|pyarrow|Arrow[A-Z]\w*|numpy|duckdb|DuckDB|openpyxl|calamine|sqlalchemy|sqlite3|zipfile|"
    r"codecs?|Traceback|object at 0x|[A-Z]\w*(Error|Exception|Warning)|NoneType|dtype)\b"
)


class Outcome(NamedTuple):
    """What came of one way in: read, refused, noted (read with a warning), or a fault; and what was said."""

    way: str
    kind: str
    said: str = ""


def faults(path: Path, seed: int, command: bool = True) -> list[str]:
    """What is wrong with how a file was received; nothing, if all is well."""
    found = outcomes(path, seed, command)
    return [f"{outcome.way}: {outcome.said}" for outcome in found if outcome.kind == "fault"]


def outcomes(path: Path, seed: int, command: bool = True) -> list[Outcome]:
    """What came of each way in; `path` is alone in its folder.

    Parameters
    ----------
    command
        Also through `crmlab init` and `crmlab clean`.
    """
    random, headings = Random(seed), set()
    options = {
        "format": random.choice([None, *FORMATS]),
        "encoding": random.choice(NAMED),
        "header": random.choice([None, True, False]),
        "delimiter": random.choice([None, ",", ";", "whitespace"]),
    }
    table = random.choice(list(TABLES))

    def read() -> None:
        headings.update(map(str, _whole(read_file(path)).frame.columns))

    ways = {
        "read_file": read,
        "read_file with options": lambda: headings.update(map(str, _whole(read_file(path, **options)).frame)),
        "load": lambda: crm.load(path),
        "load as a table": lambda: crm.load(path, table=table),
    }
    if random.random() < 0.05 or b"SQLite" in path.read_bytes()[:20]:
        ways["read_database"] = lambda: _whole(read_database(f"sqlite:///{path}", "t"))
    before = tempfile.tempdir
    tempfile.tempdir = str(path.parent / "tmp")
    try:
        Path(tempfile.tempdir).mkdir()
        found = [outcome for way, call in ways.items() for outcome in tried(way, call, path, headings)]
        if command:
            found += _commands(path, headings)
        found += [Outcome("all", "fault", f"left behind: {name}") for name in sorted(_left(path))]
    finally:
        shutil.rmtree(tempfile.tempdir, ignore_errors=True)
        shutil.rmtree(path.parent / "workspace", ignore_errors=True)
        tempfile.tempdir = before
    return found


def _whole(raw):
    """Every record is there with its number, or rejected with a reason."""
    numbers = [*raw.rows, *raw.rejected["row"]]
    assert sorted(numbers) == list(range(1, len(numbers) + 1)), "records lost"
    assert raw.rows.index.equals(raw.frame.index), "records without numbers"
    assert raw.frame.columns.is_unique, "two columns of one name"
    assert raw.rejected["reason"].str.len().gt(0).all(), "rejected without a reason"
    return raw


def tried(way: str, call: Callable[[], object], path: Path, headings: set[str]) -> Iterator[Outcome]:
    """What came of one call."""
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        try:
            call()
            yield Outcome(way, "read")
        except CrmlabError as error:
            yield from _held(way, "refused", str(error), path, headings)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a panic of a library is no Exception
            yield Outcome(way, "fault", _told(error))
    yield from _notes(way, noted, path, headings)


def _notes(way: str, noted: list, path: Path, headings: set[str]) -> Iterator[Outcome]:
    for note in noted:
        said = str(note.message)
        if issubclass(note.category, DeprecationWarning | PendingDeprecationWarning):
            continue  # of one library to another: Python does not show these
        if note.category is UserWarning and re.search("could not be read|cannot be read", said):
            yield from _held(way, "noted", said, path, headings)
        else:
            yield Outcome(way, "fault", f"{note.category.__name__}: {said[:150]}")


def _told(error: BaseException) -> str:
    """An error and where in the package it came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/crmlab/" in frame.filename]
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    said = re.sub(r"\d+", "N", str(error).split("\n")[0])[:150]
    return f"{type(error).__name__} in {where}: {said}"


def _held(way: str, kind: str, sentence: str, path: Path, headings: set[str]) -> Iterator[Outcome]:
    """A sentence held to what sentences are; headings of the file may be anything."""
    plain = sentence
    for heading in sorted(headings, key=len, reverse=True):
        plain = plain.replace(one_line(heading), "").replace(heading, "")
    wrong = []
    if path.name not in sentence:
        wrong.append("names no file")
    if any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in sentence):
        wrong.append("is not one line of text")
    if not re.match(r"[A-Z/]|\.\./|sqlite:|" + re.escape(path.name), sentence) or sentence[-1] not in ".?":
        wrong.append("is not a sentence")
    if len(sentence) > 1500:
        wrong.append("is too long")
    if re.search(r"\b(None|nan|NaT)\b", plain):
        wrong.append("has a None")
    if inside := _INSIDE.search(plain):
        wrong.append(f"names {inside[0]}")
    if any(value in plain for value in PERSONAL):
        wrong.append("repeats a personal value")
    said = _kind_of(sentence, path)
    yield Outcome(way, "fault", f"{', '.join(wrong)}: {said}") if wrong else Outcome(way, kind, said)


def _kind_of(sentence: str, path: Path) -> str:
    """A sentence without what differs from file to file."""
    said = sentence.replace(str(path.parent), "DIR").replace(path.name, "FILE")
    said = re.sub(r"(it has|Known|has a column): .*", r"\1: ...", said, flags=re.DOTALL)
    return re.sub(r"\d[\d,]*", "N", re.sub(r"'[^']*'", "'...'", said))[:200]


def _commands(path: Path, headings: set[str]) -> Iterator[Outcome]:
    """`crmlab init`, and `crmlab clean` on what it wrote."""
    folder = path.parent / "workspace"
    for way, call in {
        "crmlab init": ["init", str(folder), str(path)],
        "crmlab clean": ["clean", str(folder), "--rows", "20"],
    }.items():
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always")
            result = CliRunner().invoke(main, call)
        yield from _notes(way, noted, path, headings)
        if result.exception and not isinstance(result.exception, SystemExit):
            yield Outcome(way, "fault", _told(result.exception))
            return
        if result.exit_code == 2:
            said = result.stderr.removeprefix("crmlab: ").removesuffix("\n")
            if f"{folder / FILE} names no source" in said:  # a file that no table fits
                yield Outcome(way, "refused", "no table fits")
                return
            yield from _held(way, "refused", said, path, headings)
            return
        if result.exit_code not in (0, 1) or result.stderr:
            yield Outcome(way, "fault", f"exit status {result.exit_code}: {result.stderr[:150]}")
        for value in PERSONAL:
            if value in result.stdout and not any(value in heading for heading in headings):
                yield Outcome(way, "fault", "prints a personal value")
        yield Outcome(way, "read")
    yield from (Outcome("crmlab clean", "fault", said) for said in _lost(folder, path))


def _lost(folder: Path, path: Path) -> Iterator[str]:
    """Tables of a clean workspace whose rows do not add up, here and in the file."""
    clean, settings, raw = folder / "clean", read_settings(folder), read_file(path)
    records, rejected = len(raw.frame), len(raw.rejected)
    quarantine = pq.read_table(clean / "quarantine.parquet")["table"].to_pylist()
    for name, counts in json.loads((clean / "state.json").read_text())["tables"].items():
        sources = [source for source in settings.sources if source.table == name]
        came = sum(records * max(len(source.answers), 1) + rejected for source in sources)
        stand = pq.read_metadata(clean / f"{name}.parquet").num_rows
        if counts["rows_in"] != came:
            yield f"{name}: rows in are not those of the file"
        if counts["rows_in"] != counts["clean"] + counts["set_aside"] + counts["merged"]:
            yield f"{name}: rows in are not clean, set aside or merged"
        if (counts["clean"], counts["set_aside"]) != (stand, quarantine.count(name)):
            yield f"{name}: rows are not where the counts say"


def _left(path: Path) -> set[str]:
    """Files that nobody asked for."""
    folder = path.parent
    found = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir()}
    asked = r"workspace/(crmlab\.toml|identities\.parquet|clean/(\w+\.parquet|state\.json))"
    return {name for name in found if name != path.name and not re.fullmatch(asked, name)}
