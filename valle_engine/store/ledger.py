"""The ledger: what became of every item, durably, and the source of truth for resume."""

from __future__ import annotations

import os
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import valle_engine
from valle_engine.errors import StoreError
from valle_engine.store import database
from valle_engine.store.rows import (
    COLUMNS,
    ENTRY_COLUMNS,
    ROW_COLUMNS,
    RUN_COLUMNS,
    Charge,
    Entry,
    LedgerRow,
    Run,
    from_json,
    row_of,
    row_values,
    run_of,
    to_json,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from valle_engine.records import State

UNSETTLED: tuple[State, ...] = ("failed", "rejected", "quarantined")
"""The states that a retry makes pending again."""
SETTLED: tuple[State, ...] = ("done", *UNSETTLED)
"""The states of lines that a retry may name."""

_CHUNK = 500
_PAGE = 1000
_INSERT_ROW = f"INSERT OR REPLACE INTO outcomes ({ROW_COLUMNS}) VALUES ({', '.join('?' * COLUMNS)})"  # noqa: S608 - constant columns

_CHARGE = """
INSERT INTO charges (id, fingerprint, crashes, errors) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
    attempt = iif(fingerprint = excluded.fingerprint, attempt, 0),
    fingerprint = excluded.fingerprint, crashes = excluded.crashes, errors = excluded.errors
"""

_ASK_ANOTHER = """
INSERT OR REPLACE INTO charges (id, fingerprint, crashes, errors, attempt)
SELECT id, fingerprint, 0, 0, 1 + max(
    attempt, coalesce((SELECT max(json_extract(value, '$.attempt')) FROM json_each(takes)), 0)
) FROM outcomes WHERE state IN ('done', 'rejected') AND
"""
"""What worked once would come out the same again: it goes on with the attempt after its last."""

_END_KILLED_RUNS = """
UPDATE runs SET stopped = 'killed', ended = max(started, coalesce(
    (SELECT max("when") FROM outcomes WHERE outcomes.run = runs.id), started
)) WHERE ended IS NULL
"""


class LedgerReader:
    """A ledger to read, also beside the driver that writes it. Every method raises `StoreError`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = self._open()
        self._meta = dict(self._rows("SELECT key, value FROM meta"))

    def _open(self) -> sqlite3.Connection:
        return database.open_reader(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @property
    def uuid(self) -> str:
        """Name of this ledger, unlike any other's."""
        return str(self._meta["uuid"])

    @property
    def folder(self) -> str:
        """The output folder (or URL) this ledger is kept for."""
        return str(self._meta["folder"])

    def lookup(self, ids: Iterable[str]) -> dict[str, Entry]:
        """The entries of those ids that are settled."""
        wanted = list(ids)
        found: dict[str, Entry] = {}
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            marks = ", ".join("?" * len(chunk))
            query = f"SELECT {ENTRY_COLUMNS} FROM outcomes WHERE id IN ({marks})"  # noqa: S608 - question marks only
            found.update((values[0], Entry._make(values)) for values in self._rows(query, chunk))
        return found

    def entry(self, item_id: str) -> LedgerRow | None:
        """Everything about one item; None while it is not settled."""
        rows = self._rows(f"SELECT {ROW_COLUMNS} FROM outcomes WHERE id = ?", [item_id])  # noqa: S608 - constant columns
        return row_of(rows[0]) if rows else None

    def charges(self) -> dict[str, Charge]:
        """What unsettled items were charged with so far."""
        # A ledger that no driver has opened since has no attempts here.
        rows = self._rows("SELECT * FROM charges")
        return {item: Charge(*charge) for item, *charge in rows}

    def counts(self) -> dict[State, int]:
        """Settled items of the manifest by state; states without items are left out."""
        return dict(self._rows("SELECT state, count(*) FROM outcomes WHERE ordinal IS NOT NULL GROUP BY state"))

    def unlisted(self) -> int:
        """Settled items that the manifest does not list any more."""
        return int(self._rows("SELECT count(*) FROM outcomes WHERE ordinal IS NULL")[0][0])

    def audio_seconds(self) -> float:
        """Seconds of sound in the files of the items that are done."""
        query = (
            "SELECT total(samples * 1.0 / rate) FROM outcomes WHERE state = 'done' AND rate > 0 AND ordinal IS NOT NULL"
        )
        return float(self._rows(query)[0][0])

    def outcomes(self, state: State | None = None) -> Iterator[LedgerRow]:
        """Settled items in the manifest's order, read page by page; what it does not list any more is left out."""
        query = (
            f"SELECT {ROW_COLUMNS} FROM outcomes WHERE (ordinal, id) > (?, ?) "  # noqa: S608 - constant columns
            f"AND (?3 IS NULL OR state = ?3) ORDER BY ordinal, id LIMIT {_PAGE}"
        )
        last: tuple[int, str] = (-1, "")
        while rows := self._rows(query, (*last, state)):
            yield from map(row_of, rows)
            last = (rows[-1][1], rows[-1][0])

    def entries(self) -> Iterator[Entry]:
        """The entries of all settled items by id, also of those that the manifest does not list any more."""
        query = f"SELECT {ENTRY_COLUMNS} FROM outcomes WHERE id > ? ORDER BY id LIMIT {_PAGE}"  # noqa: S608 - constants
        last = ""
        while rows := self._rows(query, [last]):
            yield from map(Entry._make, rows)
            last = rows[-1][0]

    def runs(self) -> list[Run]:
        """All runs, the first one first."""
        return [run_of(values) for values in self._rows(f"SELECT {RUN_COLUMNS} FROM runs ORDER BY id")]  # noqa: S608 - constant

    def recipe(self, digest: str) -> Mapping[str, Any] | None:
        """The recipe behind a digest."""
        rows = self._rows("SELECT json FROM recipes WHERE digest = ?", [digest])
        return from_json(rows[0][0]) if rows else None

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with database.told(self.path):
            return self._connection.execute(query, values).fetchall()


class Ledger(LedgerReader):
    """The ledger in the hands of its one writer, the driver that holds the run lock.

    Every writing method is one durable transaction: when it returns, a kill or a power cut changes nothing any more;
    when it raises, nothing was written.
    """

    def __init__(self, path: Path) -> None:
        if database.log_is_lost(path):
            raise StoreError(
                f"the write-ahead log {database.log_of(path)} of a run that was cut short is missing, and with it the "
                "last rows of the ledger; put it back, or take the ledger as it is with `valle verify --repair`: items "
                "without a row are then done again"
            )
        super().__init__(path)
        self._run = 0
        self._recipe = ""
        self._charged = set(self.charges())
        if self._rows("SELECT 1 FROM runs WHERE ended IS NULL LIMIT 1"):
            self._recover()

    def _open(self) -> sqlite3.Connection:
        return database.open_writer(self.path)

    def _recover(self) -> None:
        """Check the ledger that a killed driver left, and note its end: whoever closes it now folds its log in."""
        database.check_pages(self._connection, self.path)
        with self._transaction() as connection:
            connection.execute(_END_KILLED_RUNS)

    def close(self) -> None:
        """Close the file. A run that could not be ended keeps its log, as if the driver had been killed."""
        if not self._run:
            super().close()
            return
        # SQLite removes the log only when the last program lets go, and never when that is a reader.
        with LedgerReader(self.path):
            super().close()

    def begin_run(self, digest: str, recipe: Mapping[str, Any], items: int, pending: int) -> Run:
        """Note that a run begins, and how it makes its outputs."""
        run = (time.time(), os.getpid(), socket.gethostname(), valle_engine.__version__, digest, items, pending)
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO recipes VALUES (?, ?)", (digest, to_json(recipe) or "{}"))
            query = "INSERT INTO runs (started, pid, host, engine, recipe, items, pending) VALUES (?, ?, ?, ?, ?, ?, ?)"
            self._run = int(connection.execute(query, run).lastrowid or 0)
        self._recipe = digest
        # The open run must stand in the ledger itself: `database.log_is_lost` finds it there.
        self._fold("FULL")
        return self.runs()[-1]

    def end_run(self, stopped: str = "") -> None:
        """Note that the run of `begin_run` has ended, in good order or early."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE runs SET ended = ?, counts = ?, stopped = ? WHERE id = ?",
                (time.time(), to_json(self.counts()), stopped, self._run),
            )
        self._run = 0
        self._fold("TRUNCATE")

    @property
    def running(self) -> bool:
        """Whether a run has begun and not ended."""
        return bool(self._run)

    def record(self, rows: Sequence[LedgerRow]) -> None:
        """Settle items, in one transaction: call it with many rows at a time, each call waits for the disk once."""
        now = time.time()
        values = [row_values(row, self._recipe, self._run, now) for row in rows]
        settled = [row.outcome.id for row in rows if row.outcome.id in self._charged]
        with self._transaction() as connection:
            connection.executemany(_INSERT_ROW, values)
            connection.executemany("DELETE FROM charges WHERE id = ?", [(item,) for item in settled])
        self._charged.difference_update(settled)

    def charge(self, item_id: str, charge: Charge) -> None:
        """Note what an unsettled item has been charged with, so that it outlives a kill of the driver."""
        values = (item_id, charge.fingerprint, charge.crashes, charge.errors)
        with self._transaction() as connection:
            connection.execute(_CHARGE, values)
        self._charged.add(item_id)

    def arrange(self, places: Iterable[tuple[str, int]]) -> None:
        """Give the settled items their places (id, ordinal) in the manifest as it is now.

        Those it does not list any more are set aside: they count no more, and count again when it lists them again.
        """
        with self._transaction() as connection:
            connection.execute("CREATE TEMP TABLE places (id TEXT PRIMARY KEY, ordinal INTEGER) WITHOUT ROWID")
            connection.executemany("INSERT OR REPLACE INTO places VALUES (?, ?)", places)
            connection.execute(
                "UPDATE outcomes SET ordinal = places.ordinal FROM places "
                "WHERE places.id = outcomes.id AND outcomes.ordinal IS NOT places.ordinal"
            )
            connection.execute(
                "UPDATE outcomes SET ordinal = NULL WHERE ordinal IS NOT NULL AND id NOT IN (SELECT id FROM places)"
            )
            connection.execute("DROP TABLE places")

    def restate(self, rows: Iterable[tuple[str, Mapping[str, Any], str]]) -> None:
        """Give settled items (id) the fields and the mark that their rows have now; what became of them stays."""
        with self._transaction() as connection:
            values = ((to_json(fields), mark, item) for item, fields, mark in rows)
            connection.executemany("UPDATE outcomes SET fields = ?, mark = ? WHERE id = ?", values)

    def forget(self, ids: Sequence[str] | None = None, states: Sequence[State] = UNSETTLED) -> int:
        """Make items pending again, their budgets whole: all in those states, or of `ids` those in these states.

        What was done or rejected gets another take. Returns how many there were.
        """
        chosen = f"state IN ({', '.join('?' * len(states))})"
        values: list[Sequence[str]] = [states] if ids is None else [(*states, item) for item in ids]
        if ids is not None:
            chosen += " AND id = ?"
        with self._transaction() as connection:
            if ids is None:
                connection.execute("DELETE FROM charges")
            else:
                connection.executemany("DELETE FROM charges WHERE id = ?", [(item,) for item in ids])
            connection.executemany(_ASK_ANOTHER + chosen, values)
            count = connection.executemany(f"DELETE FROM outcomes WHERE {chosen}", values).rowcount  # noqa: S608 - question marks only
        self._charged = set(self.charges())
        return count

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with database.told(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite rolls back by itself when the disk is full.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _fold(self, how: str) -> None:
        with database.told(self.path):
            self._connection.execute(f"PRAGMA wal_checkpoint({how})")
