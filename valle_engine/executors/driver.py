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

    def settle(self, outcome: Outcome) -> None:
        """Take an outcome."""

    def charge(self, charges: Sequence[Charge]) -> None:
        """Keep budget changes across runs, before the items they belong to are run again."""


class Judge(Recorder, Protocol):
    """A recorder that may want other takes of items, when it has thought about those it was given."""

    @property
    def thinking(self) -> bool:
        """Whether it may still want more, with nothing further told to it."""

    @property
    def full(self) -> bool:
        """Whether it has enough to think about, so that nothing new is to be begun."""

    def wanted(self, patience: float) -> Sequence[Order]:
        """Go on thinking, for `patience` seconds at most while nothing happens; returns the takes to run."""

    def tick(self, dispatcher: Dispatcher) -> None:
        """Time passes: commit what waits, draw what changed."""


THINKING_SECONDS = 0.05
"""How long events are waited for while the judge thinks beside it."""


def drive(  # noqa: PLR0913 - the parts of a run meet here, once
    pool: Pool,
    dispatcher: Dispatcher,
    orders: Iterator[Order],
    judge: Judge,
    interrupts: Interrupts,
    *,
    grace_seconds: float,
) -> None:
    """Run orders until all are settled, the run is interrupted, or a breaker opens.

    After a first signal nothing new is given out and running items have `grace_seconds` to end; a second signal leaves
    them. Raises `RunAborted` with the breaker's reason.
    """
    leave_at = float("inf")
    while not dispatcher.finished or judge.thinking:
        now = time.monotonic()
        if interrupts.count and leave_at == float("inf"):
            dispatcher.drop_waiting()
            leave_at = now + grace_seconds
        if interrupts.count > 1 or now >= leave_at:
            return
        if not judge.full:
            _feed(dispatcher, orders)
        advance(pool, dispatcher, judge, _patience(dispatcher, judge, now))
        for order in judge.wanted(THINKING_SECONDS if dispatcher.finished else 0.0):
            if not interrupts.count:
                dispatcher.add(order)
        judge.tick(dispatcher)


def advance(pool: Pool, dispatcher: Dispatcher, recorder: Recorder, patience: float) -> None:
    """Give out what can be given out, and hear what happens within `patience` seconds.

    Raises `RunAborted` with a breaker's reason.
    """
    _act(pool, dispatcher, recorder, time.monotonic())
    for event in pool.wait(patience):
        _hear(event, dispatcher, recorder)
    recorder.charge(dispatcher.charges)
    dispatcher.charges.clear()
    if dispatcher.problem:
        raise RunAborted(dispatcher.problem)


def _patience(dispatcher: Dispatcher, judge: Judge, now: float) -> float:
    if dispatcher.finished:
        return 0.0
    return min(dispatcher.patience(now), THINKING_SECONDS) if judge.thinking else dispatcher.patience(now)


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
        _settle(dispatcher.died(worker, failure, begun, now, culprit), recorder)


def _hear(event: Event, dispatcher: Dispatcher, recorder: Recorder) -> None:
    now = time.monotonic()
    if isinstance(event, Ready):
        dispatcher.ready(event.worker, now)
    elif isinstance(event, Died):
        _settle(dispatcher.died(event.worker, event.failure, event.begun, now), recorder)
    else:
        _settle(dispatcher.reported(event.worker, event.report, now), recorder)


def _settle(outcomes: Sequence[Outcome], recorder: Recorder) -> None:
    for outcome in outcomes:
        recorder.settle(outcome)
