"""The loop that moves orders to workers and outcomes back, whatever the workers are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from valle_engine.errors import RunAborted
from valle_engine.executors.pool import Died, Event, Pool, Ready

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valle_engine.executors.dispatch import Charge, Dispatcher
    from valle_engine.executors.interrupts import Interrupts
    from valle_engine.records import Order, Outcome


class Recorder(Protocol):
    """Who is told what came of the orders."""

    def settle(self, outcome: Outcome) -> Order | None:
        """Take an outcome; returns another take of the same item to run."""

    def charge(self, charges: Sequence[Charge]) -> None:
        """Keep budget changes across runs, before the items they belong to are run again."""

    def tick(self, dispatcher: Dispatcher) -> None:
        """Time passes: commit what waits, draw what changed."""


def drive(  # noqa: PLR0913 - the parts of a run meet here, once
    pool: Pool,
    dispatcher: Dispatcher,
    orders: Iterator[Order],
    recorder: Recorder,
    interrupts: Interrupts,
    *,
    grace_seconds: float,
) -> None:
    """Run orders until all are settled, the run is interrupted, or a breaker opens.

    After a first signal nothing new is given out and running items have `grace_seconds` to end; a second signal leaves
    them. Raises `RunAborted` with the breaker's reason.
    """
    leave_at = float("inf")
    while not dispatcher.finished:
        now = time.monotonic()
        if interrupts.count and leave_at == float("inf"):
            dispatcher.drop_waiting()
            leave_at = now + grace_seconds
        if interrupts.count > 1 or now >= leave_at:
            return
        _feed(dispatcher, orders)
        _act(pool, dispatcher, recorder, now)
        for event in pool.wait(dispatcher.patience(now)):
            _hear(event, dispatcher, recorder)
        recorder.charge(dispatcher.charges)
        dispatcher.charges.clear()
        recorder.tick(dispatcher)
        if dispatcher.problem:
            raise RunAborted(dispatcher.problem)


def _feed(dispatcher: Dispatcher, orders: Iterator[Order]) -> None:
    if not dispatcher.feeding:
        return
    for _ in range(dispatcher.room):
        order = next(orders, None)
        if order is None:
            dispatcher.no_more()
            return
        dispatcher.add(order)


def _act(pool: Pool, dispatcher: Dispatcher, recorder: Recorder, now: float) -> None:
    for worker in dispatcher.to_start(now):
        pool.start(worker)
    for worker, batch in dispatcher.assign(now):
        pool.submit(worker, batch)
    for worker, failure, culprit in dispatcher.overdue(now):
        begun = pool.kill(worker)
        _settle(dispatcher.died(worker, failure, begun, now, culprit), dispatcher, recorder)


def _hear(event: Event, dispatcher: Dispatcher, recorder: Recorder) -> None:
    now = time.monotonic()
    if isinstance(event, Ready):
        dispatcher.ready(event.worker, now)
    elif isinstance(event, Died):
        _settle(dispatcher.died(event.worker, event.failure, event.begun, now), dispatcher, recorder)
    else:
        _settle(dispatcher.reported(event.worker, event.report, now), dispatcher, recorder)


def _settle(outcomes: Sequence[Outcome], dispatcher: Dispatcher, recorder: Recorder) -> None:
    for outcome in outcomes:
        again = recorder.settle(outcome)
        if again is not None:
            dispatcher.add(again)
