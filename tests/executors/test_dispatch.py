"""The scheduling logic against simulated workers: no processes, no clock, every schedule reproducible by its seed."""

from __future__ import annotations

import random
from collections import Counter, deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valle_engine.executors.dispatch import Charge, Dispatcher
from valle_engine.executors.pool import HANG, OUT_OF_MEMORY, SET_UP_FAILED
from valle_engine.job.schema import Limits
from valle_engine.records import Failure, Order, Outcome
from valle_engine.worker import Report

DEATH = Failure("WorkerDied", "it is gone")


def order(item: str, expected: float = 0.0) -> Order:
    return Order(item, {}, "f", expected_seconds=expected)


def done(item: str) -> Outcome:
    return Outcome(item, "done", "f")


def make(places: int = 1, slots: int = 1, charges: dict[str, Charge] | None = None, **limits: float) -> Dispatcher:
    return Dispatcher(Limits(**limits), places, slots, start_seconds=60, charges=charges or {})


class Simulation:
    """Workers that run their orders in turn, `slots` at a time, and die when one of them is poison."""

    def __init__(self, dispatcher: Dispatcher, slots: int, poison: set[str], seed: int, *, marks: bool = True) -> None:
        self.dispatcher, self.slots, self.poison, self.marks = dispatcher, slots, poison, marks
        self.random = random.Random(seed)
        self.queued: dict[str, deque[str]] = {}
        self.begun: dict[str, list[str]] = {}
        self.starts: Counter[str] = Counter()
        self.settled: dict[str, Outcome] = {}
        self.now = 0.0

    def run(self, items: list[str]) -> None:
        feed = iter(items)
        for _ in range(20_000):
            self.now += 0.1
            for _ in range(self.dispatcher.room):
                item = next(feed, None)
                if item is None:
                    self.dispatcher.no_more()
                    break
                self.dispatcher.add(order(item))
            for worker in self.dispatcher.to_start(self.now):
                self.queued[worker], self.begun[worker] = deque(), []
                self.dispatcher.ready(worker, self.now)
            for worker, orders in self.dispatcher.assign(self.now):
                self.queued[worker].extend(each.id for each in orders)
            if self.queued:
                self.step(self.random.choice(sorted(self.queued)))
            if self.dispatcher.finished or self.dispatcher.problem:
                return
        raise AssertionError("the run does not end")

    def step(self, worker: str) -> None:
        queued, begun = self.queued[worker], self.begun[worker]
        while queued and len(begun) < self.slots:
            begun.append(queued.popleft())
            self.starts[begun[-1]] += 1
        if self.poison & set(begun):
            del self.queued[worker]
            known = frozenset(begun) if self.marks else None
            self.keep(self.dispatcher.died(worker, DEATH, known, self.now))
        elif begun:
            item = begun.pop(self.random.randrange(len(begun)))
            self.keep(self.dispatcher.reported(worker, Report((done(item),), {}), self.now))

    def keep(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            assert outcome.id not in self.settled
            self.settled[outcome.id] = outcome


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    slots=st.integers(1, 8),
    places=st.integers(1, 4),
    count=st.integers(1, 60),
    poison=st.sets(st.integers(0, 59), max_size=2),
    marks=st.booleans(),
)
def test_only_the_poison_is_quarantined(
    *, seed: int, slots: int, places: int, count: int, poison: set[int], marks: bool
) -> None:
    items = [str(number) for number in range(count)]
    bad = {str(number) for number in poison if number < count}
    dispatcher = make(places, slots, worker_deaths=20)
    simulation = Simulation(dispatcher, slots, bad, seed, marks=marks)
    simulation.run(items)
    assert not dispatcher.problem
    assert set(simulation.settled) == set(items)
    assert {item for item, outcome in simulation.settled.items() if outcome.state == "quarantined"} == bad
    assert all(simulation.settled[item].crashes == 3 for item in bad)


def test_a_poison_alone_on_one_slot_starts_exactly_three_times() -> None:
    dispatcher = make(places=2, slots=1)
    simulation = Simulation(dispatcher, 1, {"3"}, seed=1)
    simulation.run([str(number) for number in range(20)])
    assert simulation.starts["3"] == 3
    assert max(count for item, count in simulation.starts.items() if item != "3") == 1


def started(dispatcher: Dispatcher, *items: str, now: float = 0.0) -> str:
    for item in items:
        dispatcher.add(order(item))
    dispatcher.no_more()
    [worker] = dispatcher.to_start(now)
    dispatcher.ready(worker, now)
    dispatcher.assign(now)
    return worker


def test_what_was_queued_and_not_begun_is_free_of_charge() -> None:
    dispatcher = make()
    worker = started(dispatcher, "a", "b", "c")
    dispatcher.died(worker, DEATH, {"a"}, now=1)
    assert [charge.id for charge in dispatcher.charges] == ["a"]


def test_a_death_between_items_is_charged_to_nobody() -> None:
    dispatcher = make()
    worker = started(dispatcher, "a", "b")
    dispatcher.died(worker, DEATH, set(), now=1)
    assert dispatcher.charges == []
    assert dispatcher.outstanding == 2


def test_a_worker_that_is_gone_gets_nothing_more() -> None:
    dispatcher = make(places=2)
    for item in "abcdef":
        dispatcher.add(order(item))
    first, second = dispatcher.to_start(0)
    dispatcher.ready(first, 0)
    dispatcher.ready(second, 0)
    dispatcher.assign(0)
    dispatcher.died(first, DEATH, set(), now=0)
    assert {worker for worker, _ in dispatcher.assign(0)} <= {second}


def test_a_place_that_only_dies_charges_at_most_one_item_and_is_given_up() -> None:
    dispatcher = make(places=2, slots=1, worker_deaths=4)
    items = [str(number) for number in range(200)]
    for item in items:
        dispatcher.add(order(item))
    dispatcher.no_more()
    settled: list[Outcome] = []
    now = 0.0
    held: dict[str, deque[str]] = {}
    while not dispatcher.finished:
        now += 1.0
        for worker in dispatcher.to_start(now):
            dispatcher.ready(worker, now)
            held[worker] = deque()
        for worker, orders in dispatcher.assign(now):
            held[worker].extend(each.id for each in orders)
        for worker, queue in list(held.items()):
            if not queue:
                continue
            if worker.startswith("w0."):
                del held[worker]
                settled += dispatcher.died(worker, DEATH, {queue[0]}, now)
            else:
                settled += dispatcher.reported(worker, Report((done(queue.popleft()),), {}), now)
    assert not dispatcher.problem
    assert {outcome.state for outcome in settled} == {"done"}
    assert len(settled) == 200
    assert len({charge.id for charge in dispatcher.charges}) <= 1
    assert dispatcher.places[0].state == "retired"


@pytest.mark.parametrize("slots", [1, 4, 8])
def test_a_run_whose_items_all_kill_is_stopped_soon(slots: int) -> None:
    dispatcher = make(places=2, slots=slots)
    simulation = Simulation(dispatcher, slots, {str(number) for number in range(20)}, seed=3)
    simulation.run([str(number) for number in range(20)])
    assert "no worker is left" in dispatcher.problem or "before any item was done" in dispatcher.problem
    assert sum(place.generation for place in dispatcher.places) <= 12


def test_a_run_whose_first_items_all_fail_is_stopped() -> None:
    dispatcher = make(slots=8, first_failures=5)
    worker = started(dispatcher, *"abcdefgh")
    failed = tuple(Outcome(item, "failed", "f", failure=Failure("X", "bad text")) for item in "abcde")
    dispatcher.reported(worker, Report(failed, {}), 1)
    assert "first 5 items all failed" in dispatcher.problem
    assert "bad text" in dispatcher.problem


def test_a_run_that_fails_too_often_is_stopped() -> None:
    dispatcher = make(slots=60, failure_share=0.5)
    items = [str(number) for number in range(60)]
    worker = started(dispatcher, *items)
    mixed = [done("0"), *(Outcome(item, "failed", "f", failure=Failure("X", "y")) for item in items[1:])]
    dispatcher.reported(worker, Report(tuple(mixed), {}), 1)
    assert "items failed (limits.failure_share)" in dispatcher.problem


def test_a_set_up_that_fails_before_any_worker_was_ready_stops_the_run_with_its_cause() -> None:
    dispatcher = make(places=2)
    dispatcher.add(order("a"))
    worker = dispatcher.to_start(0)[0]
    dispatcher.died(worker, Failure(SET_UP_FAILED, "FileNotFoundError: weights"), set(), 1)
    assert "FileNotFoundError: weights" in dispatcher.problem


def test_a_set_up_that_hangs_is_overdue() -> None:
    dispatcher = make()
    dispatcher.add(order("a"))
    [worker] = dispatcher.to_start(0)
    for now in range(0, 60, 3):
        assert dispatcher.overdue(now) == []
    [(late, failure, culprit)] = dispatcher.overdue(61)
    assert (late, failure.kind, culprit) == (worker, SET_UP_FAILED, None)


def beat(dispatcher: Dispatcher, worker: str, running: dict[str, int], now: float) -> None:
    dispatcher.reported(worker, Report((), running), now)


def test_an_item_without_progress_is_the_culprit_when_its_worker_lives() -> None:
    dispatcher = make(slots=2, deadline_seconds=10)
    worker = started(dispatcher, "stuck", "fine")
    for now in range(1, 12):
        beat(dispatcher, worker, {"stuck": 1, "fine": now}, now)
        late = dispatcher.overdue(now)
    [(_, failure, culprit)] = late or dispatcher.overdue(12)
    assert (failure.kind, culprit) == (HANG, "stuck")
    dispatcher.died(worker, failure, {"stuck", "fine"}, 12, culprit)
    assert [charge.id for charge in dispatcher.charges] == ["stuck"]


def test_a_worker_that_never_reports_is_overdue() -> None:
    dispatcher = make(deadline_seconds=10)
    worker = started(dispatcher, "a")
    late = [verdict for now in range(1, 15, 2) for verdict in dispatcher.overdue(now)]
    assert late[0][0] == worker
    assert "no sign of life" in late[0][1].message


def test_a_worker_that_lives_and_begins_nothing_is_overdue() -> None:
    dispatcher = make(deadline_seconds=10)
    worker = started(dispatcher, "a")
    late = []
    for now in range(1, 15, 2):
        beat(dispatcher, worker, {}, now)
        late += dispatcher.overdue(now)
    assert "began none" in late[0][1].message


def test_a_slow_item_that_advances_is_left_alone() -> None:
    dispatcher = make(deadline_seconds=10)
    worker = started(dispatcher, "slow")
    for now in range(1, 100, 3):
        beat(dispatcher, worker, {"slow": now}, now)
        assert dispatcher.overdue(now) == []


def test_a_long_item_has_a_long_deadline() -> None:
    dispatcher = make(deadline_seconds=10, deadline_factor=20)
    dispatcher.add(order("long", expected=5))
    [worker] = dispatcher.to_start(0)
    dispatcher.ready(worker, 0)
    dispatcher.assign(0)
    for now in range(1, 100):
        beat(dispatcher, worker, {"long": 1}, now)
        assert dispatcher.overdue(now) == []


def test_a_pause_of_the_driver_itself_is_not_held_against_the_workers() -> None:
    dispatcher = make(deadline_seconds=10)
    worker = started(dispatcher, "a")
    beat(dispatcher, worker, {"a": 1}, 1)
    assert dispatcher.overdue(1) == []
    assert dispatcher.overdue(3600) == []


def test_a_retryable_error_is_tried_again_later_within_its_budget() -> None:
    dispatcher = make(errors=2)
    worker = started(dispatcher, "a")
    flaky = Outcome("a", "failed", "f", failure=Failure("RetryableError", "busy"), retryable=True)
    now, tries = 0.0, 0
    settled: list[Outcome] = []
    while not settled:
        settled = dispatcher.reported(worker, Report((flaky,), {}), now)
        tries += 1
        before = dispatcher.assign(now)
        assert before == []
        now += dispatcher.patience(now) + 10
        dispatcher.assign(now)
    assert (tries, settled[0].errors) == (3, 2)


def test_an_item_that_eats_the_memory_gets_one_more_chance_alone() -> None:
    dispatcher = make(crashes=3)
    worker = started(dispatcher, "big")
    full = Failure(OUT_OF_MEMORY, "out of memory")
    assert dispatcher.died(worker, full, {"big"}, 1) == []
    [worker] = dispatcher.to_start(1)
    dispatcher.ready(worker, 1)
    dispatcher.assign(1)
    [outcome] = dispatcher.died(worker, full, {"big"}, 2)
    assert (outcome.state, outcome.failure) == ("quarantined", full)


def test_charges_of_an_earlier_run_count() -> None:
    dispatcher = make(charges={"a": Charge("a", "f", crashes=2)})
    worker = started(dispatcher, "a")
    [outcome] = dispatcher.died(worker, DEATH, {"a"}, 1)
    assert (outcome.state, outcome.crashes) == ("quarantined", 3)


def test_charges_of_an_item_that_changed_since_do_not_count() -> None:
    dispatcher = make(charges={"a": Charge("a", "what it was", crashes=2)})
    worker = started(dispatcher, "a")
    assert dispatcher.died(worker, DEATH, {"a"}, 1) == []
    assert dispatcher.charges[-1].crashes == 1


def test_a_full_disk_stops_the_run_and_settles_nothing() -> None:
    dispatcher = make()
    worker = started(dispatcher, "a")
    full = Outcome("a", "failed", "f", failure=Failure("DiskFull", "no space left on /out"))
    assert dispatcher.reported(worker, Report((full,), {}), 1) == []
    assert "no space left" in dispatcher.problem


def test_a_late_answer_of_a_worker_given_up_is_ignored() -> None:
    dispatcher = make()
    worker = started(dispatcher, "a")
    dispatcher.died(worker, DEATH, {"a"}, 1)
    assert dispatcher.reported(worker, Report((done("a"),), {}), 2) == []


def test_orders_waiting_in_the_driver_are_bounded() -> None:
    dispatcher = make(places=3, slots=4)
    for number in range(dispatcher.room):
        dispatcher.add(order(str(number)))
    assert dispatcher.room == 0
    assert dispatcher.outstanding == 18


@pytest.mark.parametrize("places", [1, 2, 3])
def test_orders_are_spread_over_the_workers(places: int) -> None:
    dispatcher = make(places=places, slots=8)
    for number in range(2 * places):
        dispatcher.add(order(str(number)))
    for worker in dispatcher.to_start(0):
        dispatcher.ready(worker, 0)
    assert [len(batch) for _, batch in dispatcher.assign(0)] == [2] * places
