"""What came of a run's orders: scored, judged, committed in groups, told to who watches."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from valle_engine.errors import JobError, RunAborted
from valle_engine.executors.dispatch import Charge
from valle_engine.gate import best_of, note_of, refusal
from valle_engine.records import Failure, Order, Outcome
from valle_engine.store.rows import Charge as KeptCharge
from valle_engine.store.rows import LedgerRow
from valle_engine.worker import output_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valle_engine.executors.dispatch import Dispatcher
    from valle_engine.job.loading import Job
    from valle_engine.plugins import Plugins
    from valle_engine.records import RunInfo, Summary
    from valle_engine.scoring.stage import Stage
    from valle_engine.store.store import Store

COMMIT_ROWS = 100
COMMIT_SECONDS = 0.2
"""A group of outcomes is committed when it is this large or this old: a commit waits for the disk once."""
TICK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far a run is: its items by fate, seconds since its first order, one line a worker."""

    pending: int
    done: int
    failed: int
    running: int
    elapsed: float
    audio_seconds: float
    workers: tuple[str, ...]

    @property
    def settled(self) -> int:
        """Items of this run whose fate is known."""
        return self.done + self.failed


class Watcher(Protocol):
    """Who watches a run, on the driver."""

    def started(self, run: RunInfo) -> None:
        """Told before the first item is given out."""

    def settled(self, outcome: Outcome) -> None:
        """Told when an outcome is in the ledger."""

    def tick(self, snapshot: Snapshot) -> None:
        """Told several times a second."""

    def ended(self, summary: Summary) -> None:
        """Told how the run ended."""


class RunRecorder:
    """What the driver tells and asks: a `valle_engine.executors.driver.Judge` over the store, the scorers and the gate.

    `stage` is where takes are scored, None for a job without scorers.
    """

    stage: Stage | None = None

    def __init__(self, job: Job, plugins: Plugins, store: Store, run: RunInfo, watcher: Watcher) -> None:
        self.run = run
        self.done = 0
        self.failed = 0
        self.audio_seconds = 0.0
        self._job = job
        self._plugins = plugins
        self._store = store
        self._watcher = watcher
        self._orders: dict[str, Order] = {}
        self._takes: defaultdict[str, list[Outcome]] = defaultdict(list)
        self._rows: list[LedgerRow] = []
        self._oldest = 0.0
        self._ticked = 0.0
        self._began = time.monotonic()

    @property
    def settled(self) -> int:
        """Items of this run whose fate is known."""
        return self.done + self.failed

    def charges(self) -> dict[str, Charge]:
        """What unsettled items were charged with in earlier runs."""
        kept = self._store.ledger.charges()
        return {item: Charge(item, each.fingerprint, each.crashes, each.errors) for item, each in kept.items()}

    def remembered(self, orders: Iterator[Order]) -> Iterator[Order]:
        """Pass orders on and keep them until they are settled; a run has few of them at a time.

        One whose takes were made before, and another asked for, goes on behind the last of them.

        Raises `RunAborted` when the manifest is not any more what was planned.
        """
        begun = {item: each for item, each in self._store.ledger.charges().items() if each.attempt}
        try:
            for given in orders:
                before = begun.get(given.id)
                same = before is not None and before.fingerprint == given.fingerprint
                order = replace(given, attempt=before.attempt) if before and same else given
                self._orders[order.id] = order
                yield order
        except JobError as error:
            raise RunAborted(str(error)) from error

    @property
    def thinking(self) -> bool:
        """Whether takes are being scored."""
        return self.stage is not None and self.stage.waiting > 0

    @property
    def full(self) -> bool:
        """Whether scoring has more than enough to do."""
        return self.stage is not None and self.stage.full

    def settle(self, outcome: Outcome) -> None:
        """Take an outcome: what is done is scored and judged, what is not is settled."""
        order = self._orders[outcome.id]
        if outcome.state == "done" and self.stage is not None:
            self.stage.submit(order.fields, outcome)
        elif self._takes[order.id]:
            self._kept(self._chosen(order, outcome))
        else:
            self._kept(outcome)

    def wanted(self, patience: float) -> list[Order]:
        """Take what is scored by now, waiting `patience` seconds at most; returns other takes of items to run."""
        if self.stage is None:
            return []
        judged = [self._judged(outcome) for outcome in self.stage.step(patience)]
        return [order for order in judged if order is not None]

    def charge(self, charges: Sequence[Charge]) -> None:
        """Keep budgets across runs."""
        for charge in charges:
            if charge.id in self._orders:
                self._store.ledger.charge(charge.id, KeptCharge(charge.fingerprint, charge.crashes, charge.errors))

    def tick(self, dispatcher: Dispatcher) -> None:
        """Commit a group that is due, and show how far the run is."""
        now = time.monotonic()
        if self._rows and (len(self._rows) >= COMMIT_ROWS or now - self._oldest >= COMMIT_SECONDS):
            self.flush()
        if now - self._ticked >= TICK_SECONDS:
            self._ticked = now
            self._watcher.tick(self._snapshot(dispatcher, now))

    def flush(self) -> None:
        """Commit what waits; only then is anybody told."""
        rows, self._rows = self._rows, []
        if not rows:
            return
        self._store.ledger.record(rows)
        for row in rows:
            self._watcher.settled(row.outcome)
            self._plugins.tell("item_finished", run=self.run, outcome=row.outcome)

    def _judged(self, outcome: Outcome) -> Order | None:
        """Judge a take that was scored; returns another one of its item to run, None when its fate is known."""
        order, accept = self._orders[outcome.id], self._job.spec.accept
        takes = self._takes[order.id]
        if not accept or (outcome.state != "done" and not takes):
            self._kept(outcome)
            return None
        takes.append(outcome)
        if refusal(outcome, accept) and len(takes) < self._job.spec.attempts:
            again = self._orders[order.id] = replace(order, attempt=order.attempt + 1)
            return again
        self._kept(self._chosen(order))
        return None

    def _chosen(self, order: Order, last: Outcome | None = None) -> Outcome:
        """Make the best of an item's takes its output, under its final name, and remove the others.

        `last` is a take that gave nothing to score; those before it are what there is.
        """
        accept, takes = self._job.spec.accept, self._takes[order.id]
        best = best_of(takes, accept)
        for take in takes:
            if take is not best and take.file:
                self._store.outputs.remove(take.file.path)
        told: dict[str, Any] = {"takes": tuple(note_of(take) for take in [*takes, *([last] if last else [])])}
        if best.file:
            told["file"] = self._store.outputs.move(best.file, output_name(order.id, self._job.spec.output.format))
        broken = refusal(best, accept)
        if broken:
            told |= {"state": "rejected", "failure": Failure("Rejected", "; ".join(broken))}
        return replace(best, **told)

    def _kept(self, outcome: Outcome) -> None:
        """Queue a fate for the ledger."""
        order = self._orders.pop(outcome.id)
        self._takes.pop(outcome.id, None)
        if outcome.state == "done":
            self.done += 1
        else:
            self.failed += 1
        if outcome.file and outcome.file.rate:
            self.audio_seconds += outcome.file.samples / outcome.file.rate
        if not self._rows:
            self._oldest = time.monotonic()
        self._rows.append(LedgerRow(outcome, order.fields, order.ordinal, order.mark))

    def _snapshot(self, dispatcher: Dispatcher, now: float) -> Snapshot:
        workers = tuple(
            f"{place.worker} {place.state}: {len(place.flights)} items, {place.done} done"
            for place in dispatcher.places
            if place.generation
        )
        elapsed = now - self._began
        return Snapshot(
            self.run.pending, self.done, self.failed, dispatcher.running, elapsed, self.audio_seconds, workers
        )
