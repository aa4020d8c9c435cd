"""All ledgers of a state folder together, to read: the shards of one job are one to who asks about it."""

from __future__ import annotations

import heapq
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from valle_engine.errors import StoreError
from valle_engine.parts import FinishedRun
from valle_engine.store import database
from valle_engine.store.ledger import LedgerReader
from valle_engine.store.lock import holder
from valle_engine.store.places import STATE_FOLDER, ledgers_in, lock_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from valle_engine.records import Outcome, State
    from valle_engine.store.lock import Holder
    from valle_engine.store.rows import Entry, LedgerRow


class Ledgers:
    """The ledgers of a state folder by label (`all`, or `1-of-4` …). Every method raises `StoreError`."""

    def __init__(self, state: Path) -> None:
        found = ledgers_in(state)
        if not found:
            raise StoreError(f"there is no ledger in {state}: no run has begun there yet, or it was removed")
        self.state = state
        self.lost_logs = [path for path in found.values() if database.log_is_lost(path)]
        self.readers: dict[str, LedgerReader] = {}
        try:
            for label, path in found.items():
                self.readers[label] = LedgerReader(path)
        except BaseException:
            self.close()
            raise

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """The ledgers of a local folder: an output folder, or a state folder itself."""
        return cls(folder if ledgers_in(folder) else folder / STATE_FOLDER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for reader in self.readers.values():
            reader.close()

    @property
    def folder(self) -> str:
        """The output folder. The one around the state folder is believed first: folders get moved."""
        if self.state.name == STATE_FOLDER:
            return str(self.state.parent.absolute())
        return next(iter(self.readers.values())).folder

    def holders(self) -> dict[str, Holder]:
        """The drivers at work, by label."""
        asked = {label: holder(lock_path(reader.path)) for label, reader in self.readers.items()}
        return {label: found for label, found in asked.items() if found}

    def lookup(self, ids: Iterable[str]) -> dict[str, Entry]:
        """The entries of those ids that are settled."""
        wanted = list(ids)
        found: dict[str, Entry] = {}
        for reader in self.readers.values():
            found.update(reader.lookup(wanted))
        return found

    def entry(self, item_id: str) -> LedgerRow | None:
        """Everything about one item; None while it is not settled."""
        return next((row for each in self.readers.values() if (row := each.entry(item_id))), None)

    def counts(self) -> dict[State, int]:
        """Settled items of the manifest by state."""
        return dict(sum((Counter(reader.counts()) for reader in self.readers.values()), Counter()))

    def audio_seconds(self) -> float:
        """Seconds of sound in the files of the items that are done."""
        return sum(reader.audio_seconds() for reader in self.readers.values())

    def outcomes(self, state: State | None = None) -> Iterator[LedgerRow]:
        """Settled items in the manifest's order; those of several shards are merged by their places."""
        streams = (reader.outcomes(state) for reader in self.readers.values())
        return heapq.merge(*streams, key=lambda row: (row.ordinal, row.outcome.id))

    def entries(self) -> Iterator[Entry]:
        """The entries of all settled items by id, also of those that the manifest does not list any more."""
        return heapq.merge(*(reader.entries() for reader in self.readers.values()))

    def items(self) -> int:
        """Items of the manifest, as the last run of each shard found it."""
        return sum(runs[-1].items for reader in self.readers.values() if (runs := reader.runs()))

    def recipe(self, digest: str) -> Mapping[str, Any] | None:
        """The recipe behind a digest."""
        return next((found for each in self.readers.values() if (found := each.recipe(digest))), None)


class LedgerRun(FinishedRun):
    """What the ledgers know, in the form that products are made from; they write into `folder`."""

    def __init__(self, ledgers: Ledgers, folder: Path, name: str = "") -> None:
        self.name = name or Path(ledgers.folder).name
        self.folder = folder
        self._ledgers = ledgers

    def outcomes(self) -> Iterator[tuple[Mapping[str, Any], Outcome]]:
        """Each settled item's fields with its outcome, in the order of the manifest."""
        return ((row.fields, row.outcome) for row in self._ledgers.outcomes())

    def recipe(self) -> Mapping[str, Any]:
        """The recipe of the latest run; outputs of earlier ones that still hold were made by the same."""
        runs = [runs[-1] for reader in self._ledgers.readers.values() if (runs := reader.runs())]
        latest = max(runs, key=lambda run: run.started, default=None)
        return (latest and self._ledgers.recipe(latest.recipe)) or {}
