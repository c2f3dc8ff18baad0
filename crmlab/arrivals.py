"""Campaign events that other systems drop into a folder while the campaign runs."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from crmlab.errors import CrmlabError, SourceError, did_you_mean
from crmlab.mining.campaigns.event_store import Piece
from crmlab.tables import table as contract_of

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.cleansing.clean import Conventions
    from crmlab.loaders.raw import Raw

_TABLE = "campaign_events"
#: Endings of files that are still being fetched.
_UNDER_WAY = (".part", ".partial", ".tmp", ".crdownload", ".filepart", ".swp")
#: Formats that grow line by line; the others are read when they are whole.
_LINES = ("delimited", "jsonl")
#: Bytes at the beginning of a file, and before the place it was read to, by which it is known again.
_HEAD = 4096
#: What is added to a file's name for its last line while that has no end.
_LAST = ", last line"
#: Its mark once the file has changed.
_READ_ON = "read on"
#: The mark of a file that is not there any more.
_GONE = "gone"
#: Stands for names, which a click or a purchase often lacks: the assignment says the customer's arm.
_NAME = "any"


class _Mark(NamedTuple):
    """How far a file was read: its size and time then, the bytes read, and their beginning's checksum."""

    size: int
    time: int
    read: int
    check: str

    @classmethod
    def of(cls, text: str) -> _Mark:
        size, stamp, read, check = text.split()
        return cls(int(size), int(stamp), int(read), check)

    def __str__(self) -> str:
        return f"{self.size} {self.time} {self.read} {self.check}"


class Arrivals:
    r"""Reads what is new in a folder of event files: CSV, JSON lines, Parquet or Excel, gzipped or not.

    Text is read line by line as it is written: a file may be dropped at once or grow for weeks, and of one
    that grows only what was added is read. A last line without its end is waited for, and so is a file
    that cannot be read yet, for as long as `patience` says. Then the line counts, until it goes on; the
    file is named as set aside, and read again should it change. Files are never changed or moved.

    Parameters
    ----------
    folder
        The folder; what is below it counts too. Hidden files and those still being fetched
        (``.part``, ``.tmp``) do not.
    columns
        Column of `campaign_events` to heading; by the headings themselves if not given. A column
        `event_id` may be named as well.
    conventions
        How dates and money are written, as a workspace says it. Where days may come before months it
        is to say so: the few lines that were added cannot tell.
    patience
        Seconds after the last change of a file until which it may be half written.

    Attributes
    ----------
    waiting : list of str
        Files that were found half written by the last look.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "clicks.csv").write_text("customer_id,event\n7,clicked\n8,cli")
    >>> arrivals = Arrivals(folder)
    >>> (piece,) = arrivals({})
    >>> piece.frame["customer_id"].tolist(), arrivals.waiting
    (['7'], ['clicks.csv'])
    """

    def __init__(
        self,
        folder: str | Path,
        columns: Mapping[str, str] | None = None,
        conventions: Conventions | None = None,
        patience: float = 60,
    ) -> None:
        self.folder, self.patience = Path(folder), patience
        self._columns, self._conventions = dict(columns or {}), conventions
        self.waiting: list[str] = []
        if not self.folder.is_dir():
            raise SourceError(f"There is no folder {folder} to watch; make it, or name another one.")
        contract = contract_of(_TABLE)
        for name in self._columns:
            if name not in (*contract.names, "event_id"):
                known = [*contract.names, "event_id"]
                raise SourceError(f"The table {_TABLE} has no column {name!r}" + did_you_mean(name, known))

    def __call__(self, marks: Mapping[str, str]) -> Iterator[Piece]:
        """What is new since the marks, which a monitor keeps."""
        self.waiting, there = [], set()
        for path in sorted(self.folder.rglob("*")):
            try:
                name = path.relative_to(self.folder).as_posix()
                if f"/{name}".count("/.") or name.lower().endswith(_UNDER_WAY) or not path.is_file():
                    continue
                found = path.stat()
                there |= {name, name + _LAST}
                marked = _Mark.of(marks[name]) if len(marks.get(name, "").split()) == 4 else None
                if marked is None or (found.st_size, found.st_mtime_ns) != marked[:2]:
                    if marks.get(name + _LAST, _READ_ON) != _READ_ON:
                        yield Piece(name + _LAST, _READ_ON, _nothing(), last=True)
                    yield from self._read(path, name, marked)
            except FileNotFoundError:
                continue  # gone meanwhile
        for name, mark in marks.items():
            if name not in there and (len(mark.split()) == 4 or mark == _READ_ON):
                yield Piece(name, _GONE, _nothing(), gone=True)

    def _read(self, path: Path, name: str, marked: _Mark | None) -> Iterator[Piece]:
        from crmlab.loaders.files import format_of

        found = path.stat()
        old = _unchanged(found) >= self.patience
        form = format_of(path)
        with path.open("rb") as content:
            start = content.read(_HEAD)
        lines = form in _LINES and not start.startswith((b"\x1f\x8b", b"\xff\xfe", b"\xfe\xff"))
        try:
            if lines:
                yield from self._grown(path, name, marked, form, old)
                return
            frame, aside, reason = self._events(path, whole=True)
        except CrmlabError as error:
            if not old and not lines:
                self.waiting.append(name)
                return
            frame, aside, reason = _nothing(), 0, str(error)
        # Of what is still being written more may be told once it is whole.
        mark = _Mark(found.st_size, 0 if name in self.waiting else found.st_mtime_ns, found.st_size, "-")
        yield Piece(name, str(mark), frame, True, aside, reason)

    def _grown(self, path: Path, name: str, marked: _Mark | None, form: str, old: bool) -> Iterator[Piece]:
        """What was added to a file of lines, or all of it where it is another one than before."""
        found = path.stat()
        with path.open("rb") as content:
            begin = self._went_on(content, marked, found.st_size)
            head = content.readline() if begin and form == "delimited" else b""
            content.seek(begin)
            fresh = content.read()
        end = _last_line(fresh, form)
        if end < len(fresh) and not old:
            self.waiting.append(name)
        if old and not begin and not end and form == "delimited":
            end = len(fresh)  # nothing but headings, or no text at all
        lasting = old and end < len(fresh)
        if not fresh[:end].strip() and not lasting and (fresh or marked or not old):
            return
        read = begin + end
        with path.open("rb") as content:
            check = _check(content, read)
        # What is left over has to be looked at again, even if nothing is added.
        mark = _Mark(found.st_size, found.st_mtime_ns if lasting or end == len(fresh) else 0, read, check)
        if fresh[:end].strip() or not lasting:
            yield Piece(name, str(mark), *self._part(path, head + fresh[:end], not begin))
        else:
            yield Piece(name, str(mark), _nothing(), whole=False)
        if lasting:
            if form == "delimited" and not begin:
                head = fresh[: fresh.index(b"\n") + 1]
            try:
                frame, _, aside, reason = self._part(path, head + fresh[end:], False)
            except CrmlabError as error:
                frame, aside, reason = _nothing(), 1, str(error)
            yield Piece(name + _LAST, str(mark), frame, True, aside, reason, last=True)

    def _part(self, path: Path, content: bytes, whole: bool) -> tuple[pd.DataFrame, bool, int, str]:
        """The events of some lines of a file; the other parts of a piece."""
        with tempfile.TemporaryDirectory(prefix="crmlab-arrivals-") as folder:
            part = Path(folder, path.name)
            part.write_bytes(content)
            frame, aside, reason = self._events(part, whole)
        return frame, whole, aside, reason

    @staticmethod
    def _went_on(content, marked: _Mark | None, size: int) -> int:
        """The byte at which to go on: after the last line that was read, if the file is the same up to it."""
        if marked is None or not marked.read or size < marked.read or marked.check == "-":
            return 0
        same = _check(content, marked.read) == marked.check
        content.seek(marked.read - 1)
        ended = content.read(1) == b"\n"
        content.seek(0)
        return marked.read if same and ended else 0

    def _events(self, path: Path, whole: bool) -> tuple[pd.DataFrame, int, str]:
        """The events of a file, the number of records that are none, and why the first is not."""
        import pandas as pd

        from crmlab.cleansing.clean import clean
        from crmlab.loaders.files import read_file

        raw = read_file(path)
        frame = raw.frame.rename(
            columns={heading: name for name, heading in self._headings(raw, path).items()}
        )
        frame = frame.reset_index(drop=True)
        # Names are left as they are: an arm may be called "none", which elsewhere stands for nothing.
        names = {name: _name(frame[name]) for name in ("campaign_id", "arm") if name in frame}
        lineage = raw.rows.to_frame("row").assign(source=path.name, merge=False).reset_index(drop=True)
        cleaned = clean(frame.assign(campaign_id=_NAME, arm=_NAME), _TABLE, self._conventions, lineage)
        events = cleaned.frame.drop(columns=["campaign_id", "arm"])
        events = events.assign(
            **{name: values.loc[cleaned.origin].to_numpy() for name, values in names.items()}
        )
        # Who leaves is heard, whatever else is said of it.
        unread = cleaned.ledger.query("action == 'blanked' and column == 'value'")
        numbers = lineage["row"].loc[cleaned.origin].to_numpy()
        worthless = pd.Series(numbers, events.index).isin(unread["row"]) & (events["event"] != "unsubscribed")
        unread = unread[unread["row"].isin(numbers[worthless])]
        events = events[~worthless]
        aside = len(raw.rejected) + len(cleaned.quarantine) + len(unread)
        said = [*zip(raw.rejected["row"], raw.rejected["reason"], strict=True),
                *zip(cleaned.quarantine["row"], cleaned.quarantine["reasons"], strict=True),
                *zip(unread["row"], "value: " + unread["rule"].astype("str"), strict=True)]  # fmt: skip
        if not said:
            return events, aside, ""
        row, reason = min(said)
        return events, aside, f"record {row}: {reason}" if whole else str(reason)

    def _headings(self, raw: Raw, path: Path) -> dict[str, str]:
        """Column to heading of what the file has."""
        from crmlab.cleansing.roles import match_headings

        found = self._columns or match_headings(raw.frame, _TABLE)
        if not self._columns and "event_id" in raw.frame:
            found = {**found, "event_id": "event_id"}
        there = {name: heading for name, heading in found.items() if heading in raw.frame}
        for name in ("customer_id", "event"):
            if name not in there:
                headings = ", ".join(map(str, raw.frame.columns))
                raise SourceError(f"{path.name} has no column for {name}; it has: {headings}.")
        return there


def _unchanged(found: os.stat_result) -> float:
    """Seconds since a file was changed; where its stamp lies ahead of the clock, since it came here."""
    now = time.time()
    return now - (found.st_mtime if found.st_mtime <= now else found.st_ctime)


def _nothing() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"customer_id": pd.Series(dtype="str"), "event": pd.Series(dtype="str")})


def _name(values: pd.Series) -> pd.Series:
    import pandas as pd

    from crmlab.loaders.raw import as_text

    texts = pd.Series([as_text(value) for value in values], index=values.index, dtype="str").str.strip()
    return texts.where(texts != "")


def _last_line(content: bytes, form: str) -> int:
    """Where the last whole line ends; a line break between quotes ends none."""
    end = content.rfind(b"\n") + 1
    while form == "delimited" and content.count(b'"', 0, end) % 2:
        end = content.rfind(b"\n", 0, end - 1) + 1
    return end


def _check(content, read: int) -> str:
    """Checksum by which the first `read` bytes of a file are known again, without reading all of them."""
    content.seek(0)
    digest = hashlib.sha256(content.read(min(_HEAD, read)))
    content.seek(max(0, read - _HEAD))
    digest.update(content.read(min(_HEAD, read)))
    content.seek(0)
    return digest.hexdigest()[:16]
