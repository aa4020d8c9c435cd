"""The audit: ledger against manifest against files. It is what `valle verify` runs, and what the fault tests trust."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Literal, get_args

from valle_engine.records import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from valle_engine.records import OutputFile
    from valle_engine.store.outputs import OutputFolder
    from valle_engine.store.readers import Ledgers
    from valle_engine.store.rows import Entry

Kind = Literal["pending", "stale", "file", "row", "temporary", "unrecorded", "log"]
"""What can be wrong: no row yet; a row of an earlier fingerprint; a file that breaks its promise; a row that makes no
sense; a temporary file; an output without a row; a write-ahead log that is lost."""

_STATES = frozenset(get_args(State))
_CHUNK = 1000

KEPT = 1000
"""Findings that are kept of each kind; all are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be."""

    kind: Kind
    thing: str
    message: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found. `items` is the manifest's length, None when none was given; `found` counts by kind."""

    items: int | None
    counts: Mapping[str, int]
    files: int
    bytes: int
    found: Mapping[str, int]
    findings: tuple[Finding, ...] = field(default=())

    @property
    def clean(self) -> bool:
        """Whether every item is settled and every promise kept."""
        return not self.found


def audit(
    ledgers: Ledgers, outputs: OutputFolder, manifest: Iterable[tuple[str, str]] | None = None, *, quick: bool = False
) -> Audit:
    """Compare the ledgers with the files and, when it is given, the manifest: its (id, fingerprint) in any order.

    Every file is read and hashed; `quick` compares lengths only. Raises `StoreError` for a ledger that cannot be read.
    """
    notes = _Notes()
    for path in ledgers.lost_logs:
        notes.add("log", path.name, "its write-ahead log is missing, and with it the last rows")
    rows = _RowCheck(outputs.checker() if quick else outputs.verify, notes)
    for entry in ledgers.entries():
        rows.check(entry)
    items = None if manifest is None else _check_manifest(ledgers, manifest, notes)
    for name in outputs.temporaries():
        notes.add("temporary", name, "is half written")
    for name in outputs.unrecorded(rows.paths):
        notes.add("unrecorded", name, "has no row in the ledger")
    return Audit(items, dict(rows.states), len(rows.paths), rows.bytes, dict(notes.counts), tuple(notes.kept))


class _Notes:
    """Findings as they come: all counted, the first of each kind kept."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.kept: list[Finding] = []

    def add(self, kind: Kind, thing: str, message: str) -> None:
        self.counts[kind] += 1
        if self.counts[kind] <= KEPT:
            self.kept.append(Finding(kind, thing, message))


class _RowCheck:
    """Every row and its file, one after another in the order of ids."""

    def __init__(self, look: Callable[[OutputFile], str | None], notes: _Notes) -> None:
        self.paths: set[str] = set()
        self.states: Counter[str] = Counter()
        self.bytes = 0
        self._look = look
        self._notes = notes
        self._last = ""

    def check(self, entry: Entry) -> None:
        if entry.id == self._last:
            self._notes.add("row", entry.id, "has rows in two ledgers")
        if entry.state not in _STATES:
            self._notes.add("row", entry.id, f"has the unknown state {entry.state!r}")
        self._last = entry.id
        self.states[entry.state] += 1
        if entry.file:
            self._check_file(entry.id, entry.file)

    def _check_file(self, item: str, file: OutputFile) -> None:
        if file.path in self.paths:
            self._notes.add("row", item, f"names {file.path}, the file of another item")
        self.paths.add(file.path)
        self.bytes += file.bytes
        wrong = self._look(file)
        if wrong:
            self._notes.add("file", item, wrong)


def _check_manifest(ledgers: Ledgers, manifest: Iterable[tuple[str, str]], notes: _Notes) -> int:
    """Look every item of the manifest up; returns how many there are."""
    items = 0
    stream = iter(manifest)
    while chunk := dict(islice(stream, _CHUNK)):
        items += len(chunk)
        entries = ledgers.lookup(chunk)
        for item, fingerprint in chunk.items():
            entry = entries.get(item)
            if entry is None:
                notes.add("pending", item, "has no row yet")
            elif entry.fingerprint != fingerprint:
                notes.add("stale", item, "has changed since it was done")
    return items
