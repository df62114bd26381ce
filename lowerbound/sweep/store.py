"""The store: one SQLite file in which attempts are added and nothing is ever changed.

Only the driver writes, under a lock that the system releases when the driver dies. Each row is stored as a blob under
the digest of its bytes, so that a damaged row is recognized, left out, and computed anew.

A store also keeps the secret that its units' private seeds are derived from, so that only its owner may read the file.
Before a unit is run, the store has the commitment to its private seed, which its row opens.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from urllib.parse import quote

from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import InvalidArgument, LowerBoundError, invalid, unknown
from lowerbound.sweep.plain import escaped, parsed
from lowerbound.sweep.spec import Unit
from lowerbound.sweep.units import FINAL, LARGEST_ROW_BYTES, Attempt, Job, Outcome, canonical, key_of, storable

SCHEMA_VERSION = 3
WITHOUT_SECRET = 2
"""The version before stores had secrets: it can be read, and the next run gives it one."""
APPLICATION_ID = 0x4C425344
BUSY_S = 10.0
OWNER_ONLY = 0o600

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
_SECRETS = """
CREATE TABLE secrets (id INTEGER PRIMARY KEY CHECK (id = 1), seed TEXT NOT NULL) STRICT;
CREATE TABLE commitments (unit TEXT PRIMARY KEY REFERENCES units, commitment TEXT NOT NULL) STRICT;
"""


def _append_only(*pairs: tuple[str, str]) -> str:
    return "".join(
        f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END;\n"
        for table, verb in pairs
    )


_SCHEMA = _TABLES + _append_only(
    ("attempts", "UPDATE"), ("attempts", "DELETE"), ("units", "UPDATE"), ("units", "DELETE"), ("blobs", "DELETE")
)
_SECRET_SCHEMA = _SECRETS + _append_only(
    ("secrets", "UPDATE"), ("secrets", "DELETE"), ("commitments", "UPDATE"), ("commitments", "DELETE")
)
_SCHEMAS = {WITHOUT_SECRET: _SCHEMA, SCHEMA_VERSION: _SCHEMA + _SECRET_SCHEMA}
_LISTED = "SELECT type, name, tbl_name, sql FROM sqlite_master"


@lru_cache
def _objects(version: int) -> frozenset[tuple[str, str, str, str | None]]:
    """All tables, indices and triggers of a store of this version, as SQLite lists them."""
    empty = sqlite3.connect(":memory:")
    empty.executescript(_SCHEMAS[version])
    objects = frozenset(empty.execute(_LISTED))
    empty.close()
    return objects


def place_of(path: Path) -> Path:
    """The file that a store's path leads to, every link followed.

    Contract: a name that SQLite reads as a database in memory, or as a URI, raises InvalidArgument.
    """
    if str(path) == ":memory:" or str(path).lower().startswith("file:") or "\0" in str(path):
        raise invalid("store", "be the path of a file, neither a database in memory nor a URI", str(path))
    try:
        place = path.resolve()
    except (OSError, RuntimeError) as error:
        raise invalid("store", f"be the path of a file ({escaped(str(error))[:100]})", str(path)) from None
    if place.is_symlink():  # from Python 3.13 on, a loop of links is resolved to one of them
        raise invalid("store", "be the path of a file (not a loop of links)", str(path))
    return place


def files_of(path: Path) -> tuple[Path, ...]:
    """Every file that may tell a store's secret, and its lock: what a sandbox has to hide from a party."""
    place = place_of(path)
    return tuple(place.with_name(place.name + end) for end in ("", "-wal", "-shm", "-journal", ".lock"))


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
    a store of another version, raises InvalidArgument. Reading needs no right to write, to the file or beside it.

    Parameters
    ----------
    path : where the file is, or will be
    write : whether to take the lock; a second writer raises StoreBusy, whatever name it has for the file
    secret : what a new store derives its units' private seeds from; None draws it. Another one than an existing store
        has raises InvalidArgument.
    """

    def __init__(self, path: Path, *, write: bool = False, secret: PrivateSeed | None = None) -> None:
        self.path, self.write = place_of(path), write
        self._copy: TemporaryDirectory[str] | None = None
        if not write and not self.path.is_file():
            raise InvalidArgument(f"store must be a file that a sweep has made, got {str(path)!r}, which is not there")
        if not write and not os.access(self.path, os.R_OK):
            raise InvalidArgument(f"store {self.path} cannot be read by this user; its owner alone may")
        self._lock: int | None = None
        if write:
            self._made()
        try:
            if write:
                self._lock = self._locked()
            self._db = self._connected()
            self._prepare(secret)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            self.close()
            if _took_no_more(error):
                raise self._full(error) from None
            raise InvalidArgument(f"{self.path} is no store of sweeps: {escaped(str(error))}") from None
        except BaseException:
            self.close()
            raise

    def _locked(self) -> int:
        try:
            flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
            lock = os.open(f"{self.path}.lock", flags, OWNER_ONLY)
        except OSError as error:
            raise InvalidArgument(f"store {self.path} cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
        except BlockingIOError:
            holder = os.pread(lock, 32, 0).strip()
            os.close(lock)
            who = f"process {holder.decode()}" if holder.isdigit() else "another process"
            raise StoreBusy(f"store {self.path} is being written by {who}; two drivers may not share one") from None
        except OSError as error:
            os.close(lock)
            raise InvalidArgument(f"store {self.path} cannot be locked: {error.strerror}") from None
        return lock

    def _made(self) -> None:
        """Make the file if there is none; one that is no file, or has another name, is refused."""
        try:
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW, OWNER_ONLY))
            found = os.lstat(self.path)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
                raise invalid("store", "be a file with one name (no folder, device or hard link)", str(self.path))
        except OSError as error:
            raise InvalidArgument(f"store {self.path} cannot be written: {error.strerror}") from None

    def _kept_from_others(self) -> None:
        try:
            for file in files_of(self.path):
                with suppress(FileNotFoundError):
                    if stat.S_IMODE(os.lstat(file).st_mode) != OWNER_ONLY:
                        os.chmod(file, OWNER_ONLY)
        except OSError as error:
            raise InvalidArgument(f"store {self.path} cannot be kept from other users: {error.strerror}") from None

    def _connected(self) -> sqlite3.Connection:
        database = _connect(self.path, "mode=rw")
        try:
            database.execute("SELECT count(*) FROM sqlite_master")
            return database
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            database.close()
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if self.write or code not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
        # SQLite reads a database with a write-ahead log only where it can write beside it.
        log = self.path.with_name(f"{self.path.name}-wal")
        if not log.exists() or not log.stat().st_size:
            return _connect(self.path, "mode=ro&immutable=1")
        self._copy = TemporaryDirectory(prefix="lowerbound-")
        for file in (self.path, log):
            shutil.copyfile(file, Path(self._copy.name) / file.name)
        return _connect(Path(self._copy.name) / self.path.name, "mode=rw")

    def _prepare(self, secret: PrivateSeed | None) -> None:
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("PRAGMA trusted_schema = OFF")
        self._db.execute("PRAGMA cell_size_check = ON")
        self._db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_ROW_BYTES + 2**16)
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        objects = frozenset(self._db.execute(_LISTED))
        if objects and application != APPLICATION_ID:
            raise InvalidArgument(f"{self.path} is no store of sweeps, but another program's database")
        if objects and found not in _SCHEMAS:
            raise InvalidArgument(
                f"store {self.path} must be of version {SCHEMA_VERSION}, got {found}, which another lowerbound wrote"
            )
        # A view could run for ever, and a trigger or a default could write what nobody computed.
        if objects and objects != _objects(found):
            raise InvalidArgument(f"store {self.path} must have the tables that a sweep makes, and has others")
        if not self.write:
            if not objects:
                raise InvalidArgument(f"store {self.path} is empty: no sweep has been written to it yet")
            return
        self._kept_from_others()
        # WAL lets others read while the driver writes; FULL makes a commit wait for the disk, as `add` promises.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if not objects or found == WITHOUT_SECRET:
            drawn = PrivateSeed.fresh() if secret is None else secret
            self._db.executescript(f"BEGIN IMMEDIATE;\n{'' if objects else _SCHEMA}{_SECRET_SCHEMA}")
            self._db.execute("INSERT INTO secrets VALUES (1, ?)", (drawn.opening,))
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            self._db.execute("COMMIT")
        self._secret = self._kept_secret()
        if secret not in (None, self._secret):
            raise InvalidArgument(
                f"--instance-seed must be the one that store {self.path} was made with, and is another; "
                "a new store may have it"
            )

    def _kept_secret(self) -> PrivateSeed:
        try:
            ((text,),) = self._db.execute("SELECT seed FROM secrets")
            return PrivateSeed.parse(text)
        except (TypeError, ValueError):
            raise InvalidArgument(f"store {self.path} is damaged: its secret is no number below 2^256") from None

    def job(self, key: str, unit: Unit) -> Job:
        """What runs the unit with this key: its private seed, and this store to hide; only a writer has it."""
        return Job(unit, self._secret.derived(key), tuple(map(str, files_of(self.path))))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and release the lock."""
        with suppress(AttributeError):
            self._db.close()
        if self._copy is not None:
            self._copy.cleanup()
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
        return InvalidArgument(f"store {self.path} is damaged or in use: {escaped(str(error))}")

    def plan(self, name: str, spec: str, units: Sequence[Unit]) -> str:
        """Record a sweep, its units and the commitments to their private seeds, unless they are recorded already.

        The identity of the sweep is returned.
        """
        sweep = hashlib.sha256(f"{name}\n{spec}".encode()).hexdigest()[:12]
        keyed = [(key_of(unit), unit) for unit in units]
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO sweeps VALUES (?, ?, ?)", (sweep, name, spec))
            self._db.executemany(
                "INSERT OR IGNORE INTO units VALUES (?, ?)", ((key, canonical(unit)) for key, unit in keyed)
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO commitments VALUES (?, ?)",
                ((key, self._secret.derived(key).commitment) for key, _ in keyed),
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO members VALUES (?, ?, ?)",
                ((sweep, key, place) for place, (key, _) in enumerate(keyed)),
            )
        return sweep

    def add(self, attempts: Sequence[Attempt], *, engine: str) -> None:
        """Append attempts, each with the environment it ran in and the engine that ran it.

        Contract: all or none, and only the disk can refuse: a row that no store can take is recorded as failed.
        """
        with self._transaction():
            for attempt in map(storable, attempts):
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
                where: str(parsed(text).get("source", ""))
                for where, text in self._db.execute("SELECT id, json FROM environments")
            }
            found = self._db.execute(
                "SELECT a.unit, a.environment, a.row, b.bytes FROM attempts a "  # noqa: S608
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
            for texts in self._db.execute("SELECT id, name, spec FROM sweeps ORDER BY rowid").fetchall():
                sweep, name, spec = _texts(*texts)
                units = {unit for (unit,) in self._db.execute("SELECT unit FROM members WHERE sweep = ?", texts[:1])}
                told.append(
                    {"id": sweep, "name": name, "units": len(units), "finished": len(done & units), "spec": spec}
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
            row = None if digest is None else parsed(blob)
            stored = _stored(key, unit, outcome, row, reason, seconds, where, made_by)
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
            raise unknown("sweep", sweep, _texts(*(n for (n,) in self._db.execute("SELECT DISTINCT name FROM sweeps"))))
        marks = ", ".join("?" * len(ids))
        return {
            unit
            for (unit,) in self._db.execute(f"SELECT unit FROM members WHERE sweep IN ({marks})", ids)  # noqa: S608
        }

    def problems(self) -> list[str]:
        """What is wrong with the file, in sentences.

        It may be damage that SQLite finds, a row unlike its digest, or a row whose private seed is not the one that the
        store committed to before the unit was run.
        """
        with self._reading():
            told = [escaped(word) for (word,) in self._db.execute("PRAGMA integrity_check") if word != "ok"]
            blobs = self._db.execute("SELECT digest, bytes FROM blobs")
            told += [
                f"row {escaped(str(digest)[:16])} is torn; the next run computes it anew"
                for digest, blob in blobs
                if not _is_whole(digest, blob)
            ]
            told += [
                f"row of {found.key} opens another private seed than the store committed to"
                for found in self._results(None)
                if found.row and "instance_seed" in found.row and not self._is_committed(found.key, found.row)
            ]
        return told

    def _is_committed(self, key: str, row: dict[str, Any]) -> bool:
        kept = self._db.execute("SELECT commitment FROM commitments WHERE unit = ?", (key,)).fetchone()
        try:
            return bool(kept == (PrivateSeed.parse(str(row["instance_seed"])).commitment,))
        except InvalidArgument:
            return False


def _connect(path: Path, how: str) -> sqlite3.Connection:
    # Of this form, every path is the name of a file, and no file is made by mistake.
    return sqlite3.connect(f"file:{quote(os.fsencode(path))}?{how}", uri=True, timeout=BUSY_S, isolation_level=None)


def _is_whole(digest: object, blob: object) -> bool:
    return isinstance(blob, bytes) and hashlib.sha256(blob).hexdigest() == digest


def _took_no_more(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def _texts(*values: object) -> list[str]:
    """Texts of a file that anybody may have written, a line each; ValueError where another type stands."""
    if any(not isinstance(value, str) for value in values):
        raise ValueError(f"text was expected, got {', '.join(type(value).__name__ for value in values)}")
    return [escaped(str(value)) for value in values]


def _stored(
    key: object,
    unit: object,
    outcome: object,
    row: dict[str, Any] | None,
    reason: object,
    seconds: object,
    where: object,
    engine: object,
) -> Stored:
    """A result in a file that anybody may have written; ValueError where a part has another type."""
    match outcome, seconds:
        case (("done" | "refused" | "failed" | "killed" as known), float()) if 0 <= seconds < float("inf"):
            name, told, made_by = _texts(key, reason, engine)
            return Stored(name, parsed(unit), known, row, told, seconds, parsed(where), made_by)
    raise ValueError("an outcome and its seconds were expected, and something else is there")
