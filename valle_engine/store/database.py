"""SQLite as the ledger needs it: durable, guarded, and telling its errors in the engine's words."""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from valle_engine.errors import DiskFull, StoreError
from valle_engine.store.atomic import temporary_name
from valle_engine.store.disk import free_bytes
from valle_engine.store.places import ALL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA_VERSION = 2

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE recipes (digest TEXT PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, started REAL NOT NULL, ended REAL, pid INTEGER NOT NULL, host TEXT NOT NULL,
    engine TEXT NOT NULL, recipe TEXT NOT NULL, items INTEGER NOT NULL, pending INTEGER NOT NULL,
    counts TEXT, stopped TEXT
);
CREATE TABLE outcomes (
    id TEXT PRIMARY KEY, ordinal INTEGER, mark TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('done', 'failed', 'quarantined', 'rejected')),
    fingerprint TEXT NOT NULL, recipe TEXT NOT NULL, fields TEXT, attempt INTEGER NOT NULL,
    path TEXT, bytes INTEGER, sha256 TEXT, samples INTEGER, rate INTEGER,
    "values" TEXT, scores TEXT, takes TEXT, failure TEXT,
    seconds REAL NOT NULL, worker TEXT NOT NULL, crashes INTEGER NOT NULL, errors INTEGER NOT NULL,
    run INTEGER NOT NULL, "when" REAL NOT NULL, transcripts TEXT, scored_by TEXT NOT NULL
);
CREATE INDEX outcomes_in_order ON outcomes (ordinal, id);
CREATE TABLE charges (
    id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, crashes INTEGER NOT NULL, errors INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0
);
"""

CHECKPOINT_PAGES = 8192
"""The log is folded into the ledger every 32 MiB: each folding costs two syncs."""

NO_SPACE_BYTES = 256 * 1024
"""SQLite reports some failures of a full disk as plain I/O errors; with less than this free they are told apart."""

_ADVICE = {
    "NOTADB": "is not a ledger: it is no SQLite database. {way_out}",
    "CORRUPT": "is damaged. {way_out}",
    "BUSY": "is in use by another program that does not let go; close it and try again",
    "READONLY": "cannot be written: check the permissions of the file and its folder",
    "CANTOPEN": "cannot be opened: check that it exists and the permissions of its folder",
    "PERM": "cannot be opened: check the permissions of the file and its folder",
}
_WAY_OUT = "Put a copy of it back, or begin again with `valle run --start-over`, which keeps this file aside"


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into `StoreError`s that name the ledger; a full disk is a `DiskFull`."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translated(path, error) from error


def _translated(path: Path, error: sqlite3.Error) -> StoreError:
    name = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_")
    kind = name.partition("_")[0]
    if kind == "FULL" or (kind == "IOERR" and free_bytes(path.parent) < NO_SPACE_BYTES):
        return DiskFull(f"no space left for the ledger {path}; free some, then run the job again")
    advice = _ADVICE.get(kind, "failed").format(way_out=_WAY_OUT)
    return StoreError(f"the ledger {path} {advice} ({name}: {error})")


def create(path: Path, folder: str, label: str = ALL) -> None:
    """Make an empty ledger for an output folder, under the run lock. It appears whole or not at all."""
    draft = path.with_name(temporary_name(label))
    facts = {"schema": str(SCHEMA_VERSION), "created": str(time.time()), "uuid": uuid.uuid4().hex, "folder": folder}
    try:
        with told(path), closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            # A draft that is cut short is thrown away, so it needs no journal beside it.
            connection.execute("PRAGMA journal_mode=OFF")
            connection.executescript(SCHEMA)
            connection.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
        _sync(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync(path.parent)


def open_writer(path: Path) -> sqlite3.Connection:
    """Open a ledger for its one writer. Raises `StoreError` for anything that is not a sound ledger of this schema."""
    with told(path):
        connection = _connect(path, "rw")
        try:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
            _check_schema(connection, path)
            _check_mode(connection, path)
            _add_attempts(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a ledger to read it, also beside its writer. Raises `StoreError`."""
    with told(path):
        # On a medium that cannot be written SQLite has no place for its shared index; nobody writes there either.
        frozen = not log_of(path).exists() and not os.access(path.parent, os.W_OK)
        connection = _connect(path, "ro", "&immutable=1" if frozen else "")
        try:
            _check_schema(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def log_of(path: Path) -> Path:
    """The write-ahead log beside a ledger; after a kill it holds the rows that are not in the ledger itself yet."""
    return path.with_name(f"{path.name}-wal")


def log_is_lost(path: Path) -> bool:
    """Tell whether a run was cut short and its log is gone since, before the ledger is opened.

    A run leaves its log with content from its first commit to its clean end, where the last program that closes the
    ledger folds it in.
    """
    log = log_of(path)
    if log.exists() and log.stat().st_size > 0:
        return False
    with told(path), closing(_connect(path, "ro", "&immutable=1")) as connection:
        _check_schema(connection, path)
        return bool(connection.execute("SELECT 1 FROM runs WHERE ended IS NULL LIMIT 1").fetchone())


def end_open_runs(path: Path, reason: str) -> None:
    """Take a ledger as it is: note that its unended runs have ended. Raises `StoreError`."""
    connection = open_writer(path)
    with told(path), closing(connection):
        check_pages(connection, path)
        connection.execute("UPDATE runs SET ended = started, stopped = ? WHERE ended IS NULL", [reason])


def check_pages(connection: sqlite3.Connection, path: Path) -> None:
    """Read every page. Raises `StoreError` naming the first faults of a damaged ledger."""
    with told(path):
        faults = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
    if faults != ["ok"]:
        raise StoreError(f"the ledger {path} is damaged: {'; '.join(faults)}. {_WAY_OUT}")


def _connect(path: Path, mode: str, more: str = "") -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}{more}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=10,
    )


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"meta", "runs", "outcomes"} <= tables:
        what = "is a database of something else" if tables else "is empty: its rows are lost"
        raise StoreError(f"the ledger {path} {what}. {_WAY_OUT}")
    found = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    version = int(found[0]) if found and str(found[0]).isdecimal() else 0
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"the ledger {path} was written by a newer engine (schema {version}, this engine knows {SCHEMA_VERSION}): "
            "update valle-engine"
        )
    if version < SCHEMA_VERSION:
        raise StoreError(f"the ledger {path} has no schema this engine knows ({version}). {_WAY_OUT}")


def _check_mode(connection: sqlite3.Connection, path: Path) -> None:
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise StoreError(f"the ledger {path} cannot use a write-ahead log here ({mode}): set `output.state` elsewhere")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _add_attempts(connection: sqlite3.Connection) -> None:
    """Let charges begin at later attempts in a ledger that was made before they could."""
    if "attempt" not in {row[1] for row in connection.execute("PRAGMA table_info(charges)")}:
        connection.execute("ALTER TABLE charges ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0")
