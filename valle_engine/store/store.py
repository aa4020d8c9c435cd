"""The store of one run: lock, ledger and output folder, opened together, checked before any work starts."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from valle_engine.errors import DiskFull, StoreError
from valle_engine.store import claims, database
from valle_engine.store.atomic import is_temporary
from valle_engine.store.disk import free_bytes, refuse_network
from valle_engine.store.ledger import SETTLED, Ledger
from valle_engine.store.lock import RunLock
from valle_engine.store.outputs import FLOOR_BYTES, OutputFolder
from valle_engine.store.places import label_of, ledger_path, ledgers_in, lock_path, shards_of, state_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from valle_engine.job.items import Shard

_OTHERS_WRITE = 0o002


class Store:
    """What a driver works with while it holds the run lock; made by `open_store`."""

    def __init__(self, outputs: OutputFolder, ledger: Ledger, state: Path) -> None:
        self.outputs = outputs
        self.ledger = ledger
        self.state = state

    def begin_run(self, digest: str, recipe: Mapping[str, Any], items: int, pending: int) -> None:
        """Note in the ledger that the run begins; `items` and `pending` are counts of the manifest."""
        self.ledger.begin_run(digest, recipe, items, pending)

    def end_run(self, stopped: str = "") -> None:
        """Sweep, and note that the run has ended; `stopped` says why, when it ended early."""
        self.outputs.sweep()
        self.ledger.end_run(stopped)


@contextmanager
def open_store(
    folder: str, state: str | Path | None = None, shard: Shard | None = None, floor_bytes: int = FLOOR_BYTES
) -> Iterator[Store]:
    """Check both folders, take the run lock, sweep what dead runs left, open the ledger or begin one.

    A shard has a ledger and a lock of its own. A run that is not ended when the block is left is ended here, with the
    error's name as the reason.

    Raises `StoreError`: a folder that cannot be written or is not safe for a ledger, another driver at work, a ledger
    that is missing though outputs exist, or is damaged; `DiskFull` when less than `floor_bytes` are free.
    """
    label = label_of(shard)
    outputs = OutputFolder(folder, label)
    path = ledger_path(state_folder(folder, state, label), label)
    outputs.prepare(floor_bytes)
    _prepare_state(path.parent, floor_bytes)
    with RunLock(lock_path(path)):
        outputs.sweep()
        _sweep_state(path.parent)
        claims.check(outputs, path, label)
        if not path.exists():
            database.create(path, outputs.address, label)
        with Ledger(path) as ledger:
            claims.stake(outputs, ledger, label)
            store = Store(outputs, ledger, path.parent)
            with _ended(store):
                yield store


def start_over(folder: str, state: str | Path | None = None, shard: Shard | None = None) -> list[Path]:
    """Set the old ledger aside and begin an empty one: everything is done again. Nothing is deleted.

    Ledgers of another division into shards go with it. Returns the folders they were moved to.
    Raises `StoreError` when a driver works on one of them.
    """
    label = label_of(shard)
    outputs = OutputFolder(folder, label)
    place = state_folder(folder, state, label)
    path = ledger_path(place, label)
    outputs.prepare(0)
    _prepare_state(path.parent, 0)
    claimed = {each: ledger_path(place, each) for each in claims.claimants(outputs)}
    known = {**claimed, **ledgers_in(place)}
    others = {each: known[each] for each in known if shards_of(each) != shards_of(label)}
    with ExitStack() as locks:
        for old in [path, *(old for old in others.values() if old.exists())]:
            locks.enter_context(RunLock(lock_path(old)))
        moved = [aside for old in (path, *others.values()) if (aside := _set_aside(old))]
        for each in claimed.keys() & {label, *others}:
            claims.withdraw(outputs, each)
        database.create(path, outputs.address, label)
        with Ledger(path) as ledger:
            claims.stake(outputs, ledger, label)
    return moved


def accept_loss(place: Path) -> list[Path]:
    """Take the ledgers as they are whose write-ahead log is lost: items without a row are then done again.

    Returns those ledgers. Raises `StoreError` when a driver is at work, or a ledger is damaged beyond that.
    """
    accepted = []
    for path in ledgers_in(place).values():
        with RunLock(lock_path(path)):
            if database.log_is_lost(path):
                database.end_open_runs(path, "its write-ahead log was lost")
                accepted.append(path)
    return accepted


def forget(place: Path, ids: Sequence[str] | None = None) -> int:
    """Make items in a state folder pending again, with whole budgets: all that failed, or those ids, also done ones.

    Returns how many items. Raises `StoreError` when a driver is at work.
    """
    count = 0
    for path in ledgers_in(place).values():
        with RunLock(lock_path(path)), Ledger(path) as ledger:
            count += ledger.forget() if ids is None else ledger.forget(ids, SETTLED)
    return count


def _prepare_state(place: Path, floor_bytes: int) -> None:
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o755)
        mode = place.stat().st_mode
    except OSError as error:
        raise StoreError(f"the state folder {place} cannot be made: {error.strerror}; check its permissions") from error
    if mode & _OTHERS_WRITE:
        raise StoreError(
            f"the state folder {place} may be written by everybody, so its ledger could be forged: "
            "name a folder inside it, or take that right away (chmod o-w)"
        )
    if not os.access(place, os.W_OK | os.X_OK):
        raise StoreError(f"the state folder {place} cannot be written; check its permissions")
    refuse_network(place)
    if free_bytes(place) < floor_bytes:
        raise DiskFull(f"no space left for the ledger in {place}: {free_bytes(place):,} bytes free")


def _sweep_state(place: Path) -> None:
    for path in place.iterdir():
        if is_temporary(path.name):
            path.unlink(missing_ok=True)


def _set_aside(ledger: Path) -> Path | None:
    """Move a ledger with its log into a folder of its own; there may be a log without its ledger, or neither."""
    place = ledger.parent
    parts = sorted(place.glob(f"{ledger.name}*"))
    if not parts:
        return None
    stamp = time.strftime("%Y%m%d-%H%M%S")
    number = sum(1 for _ in place.glob(f"old-{stamp}*"))
    aside = place / f"old-{stamp}-{number}"
    aside.mkdir()
    for part in parts:
        part.rename(aside / part.name)
    return aside


@contextmanager
def _ended(store: Store) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if store.ledger.running:
            _end_anyway(store, type(error).__name__)
        raise
    if store.ledger.running:
        store.end_run()


def _end_anyway(store: Store, reason: str) -> None:
    try:
        store.end_run(reason)
    except StoreError:
        # The error that ended the run matters more; the next run finds this one without an end and checks the ledger.
        return
