"""The store: one SQLite file in which attempts are added and nothing is ever changed.

Only the driver writes, under a lock that the system releases when the driver dies. Each row is stored as a blob under
the digest of its bytes, so that a damaged row is recognized, left out, and computed anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from lowerbound.errors import InvalidArgument, LowerBoundError
from lowerbound.sweep.spec import Unit
from lowerbound.sweep.units import FINAL, Attempt, Outcome, canonical, key_of

SCHEMA_VERSION = 2
APPLICATION_ID = 0x4C425344
LARGEST_BLOB_BYTES = 2**26
BUSY_S = 10.0

_TABLES = """
CREATE TABLE environments (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT;
CREATE TABLE sweeps (id TEXT PRIMARY KEY, name TEXT NOT NULL, spec TEXT NOT NULL) STRICT;
CREATE TABLE units (key TEXT PRIMARY KEY, unit TEXT NOT NULL) STRICT;
CREATE TABLE members (sweep TEXT NOT NULL REFERENCES sweeps, unit TEXT NOT NULL REFERENCES units,
    place INTEGER NOT NULL, PRIMARY KEY (sweep, unit)) STRICT;
CREATE TABLE blobs (digest TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
CREATE TABLE attempts (id INTEGER PRIMARY KEY, unit TEXT NOT NULL REFERENCES units, outcome TEXT NOT NULL,
    row TEXT REFERENCES blobs, reason TEXT NOT NULL, seconds REAL NOT NULL,
    environment TEXT NOT NULL REFERENCES environments, engine TEXT NOT NULL) STRICT;
CREATE INDEX attempts_of_units ON attempts (unit, outcome);
"""
_APPEND_ONLY = "".join(
    f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table} "
    f"BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END;\n"
    for table, verbs in (("attempts", ("UPDATE", "DELETE")), ("units", ("UPDATE", "DELETE")), ("blobs", ("DELETE",)))
    for verb in verbs
)


class StoreBusy(InvalidArgument):
    """Another driver writes to the store."""


class StoreFull(LowerBoundError):
    """The disk accepts no more rows; the rows committed before are safe."""

    exit_code = 3


@dataclass(frozen=True)
class Stored:
    """The first final attempt at a unit, or its latest attempt if none is final."""

    key: str
    unit: Unit
    outcome: Outcome
    row: dict[str, Any] | None
    reason: str
    seconds: float
    environment: dict[str, Any]
    engine: str


class Store:
    """An open store; use it as a context.

    Contract: once `add` returns, its attempts are on the disk, whatever process dies next. A path that is no store, or
    a store of another version, raises InvalidArgument.

    Parameters
    ----------
    path : where the file is, or will be
    write : whether to take the lock; a second writer raises StoreBusy
    """

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self.path, self.write = path, write
        if not write and not path.is_file():
            raise InvalidArgument(f"store must be a file that a sweep has made, got {str(path)!r}, which is not there")
        self._lock = self._locked() if write else None
        try:
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
            self._prepare()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            self.close()
            if _took_no_more(error):
                raise self._full(error) from None
            raise InvalidArgument(f"{path} is no store of sweeps: {error}") from None
        except LowerBoundError:
            self.close()
            raise

    def _locked(self) -> int:
        try:
            lock = os.open(f"{self.path}.lock", os.O_CREAT | os.O_RDWR, 0o644)
        except OSError as error:
            raise InvalidArgument(f"store {self.path} cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 32, 0).decode(errors="replace").strip()
            os.close(lock)
            raise StoreBusy(
                f"store {self.path} is being written by process {holder}; two drivers may not share one"
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        return lock

    def _prepare(self) -> None:
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_BLOB_BYTES)
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        empty = not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not empty and application != APPLICATION_ID:
            raise InvalidArgument(f"{self.path} is no store of sweeps, but another program's database")
        if not empty and found != SCHEMA_VERSION:
            raise InvalidArgument(
                f"store {self.path} must be of version {SCHEMA_VERSION}, got {found}, which another lowerbound wrote"
            )
        if not self.write:
            if empty:
                raise InvalidArgument(f"store {self.path} is empty: no sweep has been written to it yet")
            return
        # WAL lets others read while the driver writes; FULL makes a commit wait for the disk, as `add` promises.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if empty:
            made = f"PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {SCHEMA_VERSION};"
            self._db.executescript(f"BEGIN IMMEDIATE;\n{_TABLES}{_APPEND_ONLY}{made}\nCOMMIT;")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and release the lock."""
        with suppress(AttributeError):
            self._db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            if _took_no_more(error):
                raise self._full(error) from None
            raise self._unusable(error) from None
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """A context for reads: a damaged file, or one that anybody wrote, gives one sentence instead of a traceback."""
        try:
            yield
        except (sqlite3.DatabaseError, ValueError, RecursionError) as error:
            if isinstance(error, LowerBoundError):
                raise
            raise self._unusable(error) from None

    def _full(self, error: Exception) -> StoreFull:
        return StoreFull(
            f"store {self.path}: {error}; what it had before is safe, and the same command goes on from there"
        )

    def _unusable(self, error: Exception) -> InvalidArgument:
        return InvalidArgument(f"store {self.path} is damaged or in use: {error}")

    def plan(self, name: str, spec: str, units: Sequence[Unit]) -> str:
        """Record a sweep and its units, unless they are recorded already; return the identity of the sweep."""
        sweep = hashlib.sha256(f"{name}\n{spec}".encode()).hexdigest()[:12]
        keyed = [(key_of(unit), unit) for unit in units]
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO sweeps VALUES (?, ?, ?)", (sweep, name, spec))
            self._db.executemany(
                "INSERT OR IGNORE INTO units VALUES (?, ?)", ((key, canonical(unit)) for key, unit in keyed)
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO members VALUES (?, ?, ?)",
                ((sweep, key, place) for place, (key, _) in enumerate(keyed)),
            )
        return sweep

    def add(self, attempts: Sequence[Attempt], *, engine: str) -> None:
        """Append attempts, all or none, each with the environment it ran in and the engine that ran it."""
        with self._transaction():
            for attempt in attempts:
                where = canonical(attempt.environment)
                environment = hashlib.sha256(where.encode()).hexdigest()[:16]
                self._db.execute("INSERT OR IGNORE INTO environments VALUES (?, ?)", (environment, where))
                digest = None
                if attempt.row is not None:
                    blob = canonical(attempt.row).encode()
                    digest = hashlib.sha256(blob).hexdigest()
                    # This repairs a damaged blob of the same digest; an intact one is overwritten by equal bytes.
                    self._db.execute(
                        "INSERT INTO blobs VALUES (?, ?) ON CONFLICT (digest) DO UPDATE SET bytes = excluded.bytes",
                        (digest, blob),
                    )
                self._db.execute(
                    "INSERT INTO attempts (unit, outcome, row, reason, seconds, environment, engine) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (attempt.key, attempt.outcome, digest, attempt.reason, attempt.seconds, environment, engine),
                )

    def finished(self) -> set[str]:
        """Keys of finished units: those with a final attempt whose row, if it has one, is intact."""
        return set(self.sources())

    def sources(self) -> dict[str, str]:
        """From each finished unit's key to the digest of the source code that made its result; "" if not recorded."""
        marks = ", ".join("?" * len(FINAL))
        with self._reading():
            told = {
                where: str(_table(text).get("source", ""))
                for where, text in self._db.execute("SELECT id, json FROM environments")
            }
            found = self._db.execute(
                "SELECT a.unit, a.environment, b.digest, b.bytes FROM attempts a "  # noqa: S608
                f"LEFT JOIN blobs b ON a.row = b.digest WHERE a.outcome IN ({marks}) ORDER BY a.id DESC",
                FINAL,
            )
            # The query lists attempts from the latest on, and a later entry of this table replaces an earlier one, so
            # that the first final attempt counts, as in `results`.
            return {
                unit: told.get(where, "")
                for unit, where, digest, blob in found
                if digest is None or _is_whole(digest, blob)
            }

    def sweeps(self) -> list[dict[str, Any]]:
        """Every sweep: its identity, name and specification, its number of units, and how many of them are finished."""
        done = self.finished()
        told = []
        with self._reading():
            for sweep, name, spec in self._db.execute("SELECT id, name, spec FROM sweeps ORDER BY rowid").fetchall():
                units = [unit for (unit,) in self._db.execute("SELECT unit FROM members WHERE sweep = ?", (sweep,))]
                told.append(
                    {"id": sweep, "name": name, "units": len(units), "finished": len(done & set(units)), "spec": spec}
                )
        return told

    def results(self, sweep: str | None = None) -> Iterator[Stored]:
        """One result per unit, in the order of keys, for the sweep of this identity or name, or for all sweeps."""
        with self._reading():
            yield from self._results(self._chosen(sweep))

    def _results(self, chosen: set[str] | None) -> Iterator[Stored]:
        found = self._db.execute(
            "SELECT u.key, u.unit, a.outcome, a.row, a.reason, a.seconds, e.json, a.engine, b.bytes "
            "FROM units u JOIN attempts a ON a.unit = u.key JOIN environments e ON a.environment = e.id "
            "LEFT JOIN blobs b ON a.row = b.digest ORDER BY u.key, a.id"
        )
        best: Stored | None = None
        for key, unit, outcome, digest, reason, seconds, where, made_by, blob in found:
            if chosen is not None and key not in chosen:
                continue
            if digest is not None and not _is_whole(digest, blob):
                continue
            row = None if digest is None else _table(blob)
            stored = Stored(key, _table(unit), outcome, row, reason, seconds, _table(where), made_by)
            if best is not None and best.key != key:
                yield best
                best = None
            if best is None or best.outcome not in FINAL:
                best = stored
        if best is not None:
            yield best

    def _chosen(self, sweep: str | None) -> set[str] | None:
        if sweep is None:
            return None
        ids = [found for (found,) in self._db.execute("SELECT id FROM sweeps WHERE id = ? OR name = ?", (sweep, sweep))]
        if not ids:
            names = [name for (name,) in self._db.execute("SELECT DISTINCT name FROM sweeps")]
            from lowerbound.errors import unknown

            raise unknown("sweep", sweep, names)
        marks = ", ".join("?" * len(ids))
        return {
            unit
            for (unit,) in self._db.execute(f"SELECT unit FROM members WHERE sweep IN ({marks})", ids)  # noqa: S608
        }

    def problems(self) -> list[str]:
        """What is wrong with the file, in sentences: damage that SQLite finds, and rows unlike their digest."""
        with self._reading():
            told = [word for (word,) in self._db.execute("PRAGMA integrity_check") if word != "ok"]
            blobs = self._db.execute("SELECT digest, bytes FROM blobs")
            told += [
                f"row {digest[:16]} is torn; the next run computes it anew"
                for digest, blob in blobs
                if not _is_whole(digest, blob)
            ]
        return told


def _is_whole(digest: str, blob: bytes | None) -> bool:
    return blob is not None and hashlib.sha256(blob).hexdigest() == digest


def _took_no_more(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def _table(text: str | bytes) -> dict[str, Any]:
    """A JSON object of a file that anybody may have written; ValueError for anything else."""
    table = json.loads(text, parse_constant=_no_number)
    if not isinstance(table, dict):
        raise ValueError(f"a JSON object was expected, got {str(table)[:40]!r}")
    return table


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")
