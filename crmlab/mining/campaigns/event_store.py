"""The events of a running campaign in one file, each of them once, with the totals that go with them.

An event, the note that its source was read so far, and the totals are written in one transaction: whoever
is stopped in the middle finds all of it when started again, or nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from crmlab.errors import ParameterError, SourceError, WorkspaceError
from crmlab.mining.campaigns.tally import COLUMNS, MISSING, Totals, to_events

_SCHEMA = """
CREATE TABLE IF NOT EXISTS plan (campaign TEXT NOT NULL, plan TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sources (name TEXT PRIMARY KEY, mark TEXT NOT NULL, events INTEGER NOT NULL,
    fresh INTEGER NOT NULL, elsewhere INTEGER NOT NULL, set_aside INTEGER NOT NULL, reason TEXT NOT NULL,
    read_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (customer TEXT, event TEXT, time INTEGER, channel TEXT, value INTEGER,
    event_id TEXT, arm TEXT,
    PRIMARY KEY (customer, event, time, channel, value, event_id, arm)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS later (customer TEXT, event TEXT, time INTEGER, channel TEXT, value INTEGER,
    event_id TEXT, arm TEXT,
    PRIMARY KEY (customer, event, time, channel, value, event_id, arm)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lasts (source TEXT, customer TEXT, event TEXT, time INTEGER, channel TEXT,
    value INTEGER, event_id TEXT, arm TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS later_ids ON later (event_id) WHERE event_id <> '';
CREATE UNIQUE INDEX IF NOT EXISTS ids ON events (event_id) WHERE event_id <> '';
CREATE TABLE IF NOT EXISTS totals (what TEXT, arm TEXT, event TEXT, channel TEXT, amount TEXT NOT NULL,
    PRIMARY KEY (what, arm, event, channel)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS looks (at TEXT, outcome TEXT, arm TEXT, look TEXT NOT NULL,
    PRIMARY KEY (at, outcome, arm)) WITHOUT ROWID;
"""
_MARKS = ", ".join("?" * len(COLUMNS))
_TOUCHED = " WHERE customer IN (SELECT customer FROM touched)"


class Piece(NamedTuple):
    """Events that arrived: a file, or what has been added to it since it was read.

    Attributes
    ----------
    name
        The source.
    mark
        How far it has been read, in the words of whoever reads it.
    frame
        The events, as the contract's `campaign_events` has them.
    whole
        Whether this is all of the source, not what was added to it.
    set_aside
        Number of records that cannot be read.
    reason
        Why: of all of the source if `frame` is empty, else of the first such record.
    last
        Whether it may be half a record: its events are taken back when the source is read again.
    gone
        Whether the source is there no more, so that nothing is to be said against it.
    """

    name: str
    mark: str
    frame: pd.DataFrame
    whole: bool = True
    set_aside: int = 0
    reason: str = ""
    last: bool = False
    gone: bool = False


class EventStore:
    """Events and totals in a file; see the module.

    Parameters
    ----------
    path
        The file; its folder is made if need be.
    tally
        Totals of the events of some customers, all of them given; of several groups of customers
        they are to add up.
    campaign
        Whose events they are.
    plan
        What `tally` depends on. If it is another one than before, all is counted anew.
    """

    def __init__(
        self, path: Path, tally: Callable[[pd.DataFrame], Totals], campaign: str, plan: dict[str, Any]
    ) -> None:
        self.path, self._tally = path, tally
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceError(f"The folder {path.parent} cannot be made: {error.strerror}.") from None
        said = json.dumps(plan, sort_keys=True, ensure_ascii=False)
        with self._writing() as base:
            base.executescript(_SCHEMA)
            base.execute("BEGIN IMMEDIATE")
            before = base.execute("SELECT campaign, plan FROM plan").fetchone()
            if before and before[0] != campaign:
                raise ParameterError(
                    f"{path} holds the events of the campaign {before[0]!r}, not of {campaign!r}; name "
                    "another folder."
                )
            if before != (campaign, said):
                base.execute("DELETE FROM plan")
                base.execute("INSERT INTO plan VALUES (?, ?)", (campaign, said))
                base.execute("DELETE FROM totals WHERE what <> 'last'")
                base.execute("DELETE FROM looks")
                _add(base, tally(_events(base)))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own for each piece of work: several processes may watch one campaign."""
        base = None
        try:
            base = sqlite3.connect(self.path, timeout=60, isolation_level=None)
            yield base
        except sqlite3.OperationalError as error:
            raise WorkspaceError(f"{self.path} cannot be read or written: {error}.") from None
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise
            raise SourceError(
                f"{self.path} is damaged ({error}); move it away, and the events are read again from their "
                "sources."
            ) from None
        finally:
            if base is not None:
                base.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all that is written in it counts, or nothing."""
        with self._open() as base:
            base.execute("PRAGMA synchronous = FULL")
            base.execute("PRAGMA cache_size = -65536")  # 64 MB: customers come in any order
            base.execute("BEGIN IMMEDIATE")
            yield base
            base.execute("COMMIT")

    def add(self, piece: Piece, rows: pd.DataFrame, elsewhere: int, latest: int, at: str) -> int:
        """Add the events of a piece that are not known yet, and note that it was read.

        Parameters
        ----------
        rows
            The events of the piece with the columns `COLUMNS`.
        elsewhere
            Number of its events that are another campaign's.
        latest
            Events with a later time are set aside until it comes, see `advance`.
        at
            When it was read.

        Returns
        -------
        int
            How many events were new.
        """
        with self._writing() as base:
            known = base.execute("SELECT mark FROM sources WHERE name = ?", (piece.name,)).fetchone()
            if known == (piece.mark,):
                return 0  # somebody else who watches was faster
            if piece.gone:
                said = "UPDATE sources SET mark = ?, set_aside = 0, reason = '', read_at = ? WHERE name = ?"
                base.execute(said, (piece.mark, at, piece.name))
                return 0
            taken_back = self._take_back(base, piece.name)
            values = list(zip(*(rows[name].tolist() for name in COLUMNS), strict=True))
            if piece.last:
                unknown = [row for row in values if not _is_known(base, row)]
                base.executemany(
                    f"INSERT INTO lasts VALUES (?, {_MARKS})", [(piece.name, *row) for row in unknown]
                )
            elif base.execute("SELECT EXISTS (SELECT 1 FROM lasts)").fetchone()[0]:
                # Another source says the same: it stays whatever becomes of the line.
                base.executemany(f"DELETE FROM lasts WHERE ({', '.join(COLUMNS)}) = ({_MARKS})", values)
            future = rows["time"] > latest
            new = self._insert(base, rows[~future])
            kept = base.execute("SELECT event_id FROM events WHERE event_id <> ''") if future.any() else ()
            known_ids = {event_id for (event_id,) in kept}
            waiting = rows[future & ~rows["event_id"].isin(known_ids)]
            count = base.total_changes
            values = list(zip(*(waiting[name].tolist() for name in COLUMNS), strict=True))
            base.executemany(
                f"INSERT OR IGNORE INTO later SELECT {_MARKS} WHERE NOT EXISTS "
                f"(SELECT 1 FROM events WHERE ({', '.join(COLUMNS)}) = ({_MARKS}))",
                [(*row, *row) for row in values],
            )
            new += base.total_changes - count - taken_back
            base.execute(
                "INSERT INTO sources VALUES (:name, :mark, :events, :new, :elsewhere, :aside, :reason, :at) "
                "ON CONFLICT (name) DO UPDATE SET mark = :mark, fresh = fresh + :new, read_at = :at, "
                "events = :events + CASE WHEN :whole THEN 0 ELSE events END, "
                "elsewhere = :elsewhere + CASE WHEN :whole THEN 0 ELSE elsewhere END, "
                "set_aside = :aside + CASE WHEN :whole THEN 0 ELSE set_aside END, "
                "reason = CASE WHEN :whole OR reason = '' THEN :reason ELSE reason END",
                {"name": piece.name, "mark": piece.mark, "whole": piece.whole, "events": len(rows),
                 "new": new, "elsewhere": elsewhere, "aside": piece.set_aside, "reason": piece.reason,
                 "at": at},
            )  # fmt: skip
        return new

    def advance(self, latest: int) -> int:
        """Add the events that were set aside and whose time has come; how many they were."""
        with self._open() as base:
            if not base.execute("SELECT EXISTS (SELECT 1 FROM later WHERE time <= ?)", (latest,)).fetchone()[
                0
            ]:
                return 0
        with self._writing() as base:
            count = self._insert(base, _events(base, "later", " WHERE time <= ?", (latest,)))
            base.execute("DELETE FROM later WHERE time <= ?", (latest,))
        return count

    def _insert(self, base: sqlite3.Connection, rows: pd.DataFrame) -> int:
        """Add events, and what they change in the totals; the number of those that are new."""
        values = zip(*(rows[name].tolist() for name in COLUMNS), strict=True)
        with self._tallied(base, rows["customer"]):
            count = base.total_changes
            base.executemany(f"INSERT OR IGNORE INTO events VALUES ({_MARKS})", values)
            new = base.total_changes - count
        times = rows.loc[rows["time"] != MISSING, "time"]
        if len(times):
            last = int(times.max())
            base.execute(
                "INSERT INTO totals VALUES ('last', '', '', '', ?) ON CONFLICT DO UPDATE SET amount = ? "
                "WHERE CAST(amount AS INTEGER) < ?", (str(last), str(last), last),
            )  # fmt: skip
        return new

    def _take_back(self, base: sqlite3.Connection, source: str) -> int:
        """Take back the events of a line that may have gone on; how many they were."""
        rows = _events(base, "lasts", " WHERE source = ?", (source,))
        if rows.empty:
            return 0
        values = list(zip(*(rows[name].tolist() for name in COLUMNS), strict=True))
        with self._tallied(base, rows["customer"]):
            count = base.total_changes
            for table in ("events", "later"):
                base.executemany(f"DELETE FROM {table} WHERE ({', '.join(COLUMNS)}) = ({_MARKS})", values)
            taken = base.total_changes - count
        base.execute("DELETE FROM lasts WHERE source = ?", (source,))
        return taken

    @contextmanager
    def _tallied(self, base: sqlite3.Connection, customers: pd.Series) -> Iterator[None]:
        """What changes in the events of these customers changes in the totals as well."""
        base.execute("CREATE TEMP TABLE touched (customer TEXT PRIMARY KEY) WITHOUT ROWID")
        base.executemany("INSERT INTO touched VALUES (?)", [(name,) for name in customers.unique().tolist()])
        before = self._tally(_events(base, "events", _TOUCHED))
        yield
        change = self._tally(_events(base, "events", _TOUCHED))
        change.subtract(before)
        _add(base, change)
        base.execute("DROP TABLE touched")

    def keep_look(self, at: str, looks: list[tuple[str, str, dict[str, float]]]) -> None:
        """Keep what was seen: outcome, arm and figures; of several looks of one `at` the last."""
        with self._writing() as base:
            base.executemany(
                "INSERT OR REPLACE INTO looks VALUES (?, ?, ?, ?)",
                [(at, outcome, arm, json.dumps(figures)) for outcome, arm, figures in looks],
            )

    @property
    def marks(self) -> dict[str, str]:
        """How far each source was read."""
        with self._open() as base:
            return dict(base.execute("SELECT name, mark FROM sources"))

    @property
    def totals(self) -> Totals:
        """The totals."""
        with self._open() as base:
            rows = base.execute("SELECT what, arm, event, channel, amount FROM totals").fetchall()
        return Counter({tuple(key): int(amount) for *key, amount in rows})

    @property
    def sources(self) -> pd.DataFrame:
        """One row per source; see `Snapshot`."""
        columns = ["source", "events", "fresh", "elsewhere", "set_aside", "reason", "read_at"]
        with self._open() as base:
            rows = base.execute(
                f"SELECT name, {', '.join(columns[1:])} FROM sources ORDER BY name"
            ).fetchall()
        return pd.DataFrame(rows, columns=columns).astype({"source": "str", "reason": "str"})

    @property
    def looks(self) -> pd.DataFrame:
        """What was seen at each look: `at`, `outcome`, `arm` and the figures."""
        with self._open() as base:
            rows = base.execute("SELECT at, outcome, arm, look FROM looks ORDER BY at, outcome, arm")
            found = [
                {"at": at, "outcome": outcome, "arm": arm, **json.loads(look)}
                for at, outcome, arm, look in rows
            ]
        frame = pd.DataFrame(found, columns=["at", "outcome", "arm", "difference", "low", "high", "p_value"])
        return frame.assign(at=pd.to_datetime(frame["at"]))

    @property
    def last_event(self) -> pd.Timestamp | None:
        """Time of the last event."""
        with self._open() as base:
            last = base.execute("SELECT amount FROM totals WHERE what = 'last'").fetchone()
        return None if last is None else pd.Timestamp(int(last[0]), unit="us")

    def events(self) -> pd.DataFrame:
        """All events as the contract has them, those set aside until their time comes among them."""
        return to_events(pd.concat([self.rows(), self.later()], ignore_index=True))

    def rows(self) -> pd.DataFrame:
        """The events whose time has come, with the columns `COLUMNS`, by customer, event and time."""
        with self._open() as base:
            return _events(base)

    def later(self) -> pd.DataFrame:
        """Those that are set aside until their time comes, likewise."""
        with self._open() as base:
            return _events(base, "later")


def _is_known(base: sqlite3.Connection, row: tuple[str | int, ...]) -> bool:
    """Whether an event is there already, now or later."""
    same = f"({', '.join(COLUMNS)}) = ({_MARKS}) OR (event_id <> '' AND event_id = ?)"
    given = (*row, row[COLUMNS.index("event_id")])
    return any(
        base.execute(f"SELECT 1 FROM {table} WHERE {same} LIMIT 1", given).fetchone()
        for table in ("events", "later")
    )


def _events(
    base: sqlite3.Connection, table: str = "events", some: str = "", values: tuple[int | str, ...] = ()
) -> pd.DataFrame:
    """The events of a table, or some of them."""
    rows = base.execute(f"SELECT {', '.join(COLUMNS)} FROM {table}{some}", values).fetchall()
    found = dict(zip(COLUMNS, zip(*rows, strict=True) if rows else [()] * len(COLUMNS), strict=True))
    kinds = {"time": "int64", "value": "int64"}
    return pd.DataFrame({name: pd.Series(found[name], dtype=kinds.get(name, "str")) for name in COLUMNS})


def _add(base: sqlite3.Connection, change: Totals) -> None:
    """Add to the totals; they are whole numbers of any size, so they are kept as text."""
    for key, amount in change.items():
        if amount:
            held = base.execute(
                "SELECT amount FROM totals WHERE what = ? AND arm = ? AND event = ? AND channel = ?", key
            ).fetchone()
            total = int(amount) + (int(held[0]) if held else 0)
            base.execute("INSERT OR REPLACE INTO totals VALUES (?, ?, ?, ?, ?)", (*key, str(total)))
