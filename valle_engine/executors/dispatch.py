"""The scheduling logic between items and workers: pure state, no clock of its own, no processes.

A worker runs several items at once, so its death alone does not say who caused it. The items it had begun are suspects:
they are run again in halves, nothing else beside them, until the one that kills is alone; only then is it charged. What
was queued and not begun is free of charge. (docs/promises.md tells why.)
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valle_engine.executors.places import Flight, Place
from valle_engine.executors.pool import OUT_OF_MEMORY, SET_UP_FAILED
from valle_engine.records import Failure, Order, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from valle_engine.job.schema import Limits
    from valle_engine.worker import Report

QUEUED_PER_WORKER = 2
"""Orders a worker holds beyond its slots, to cover the way of the next ones."""
OUT_OF_MEMORY_CRASHES = 2
"""Charges for an item that runs out of memory: once more alone, then no more."""
SAMPLE = 50
"""Items that must have ended before a share of failures means anything."""
MOST_PAUSE = 5.0
"""Seconds that a place stays empty at most after deaths in a row."""
OWN_PAUSE = 5.0
"""Seconds between two looks at the clock after which the driver itself was stopped, not the workers."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What an unfinished item has been charged with, to be kept across runs; it holds for that fingerprint only."""

    id: str
    fingerprint: str
    crashes: int = 0
    errors: int = 0


class Dispatcher:
    """Decides which worker gets which order, whom a death is charged to, and when the run must stop.

    Calls carry the time (`now`, monotonic seconds). `problem` is set once a breaker stops the run; `charges` collects
    budget changes for the caller to store before it goes on. `batched` says that a worker works what it has begun as
    one, so that a hang does not tell whose it is.
    """

    def __init__(  # noqa: PLR0913 - what decides, once
        self,
        limits: Limits,
        places: int,
        slots: int,
        start_seconds: float,
        charges: Mapping[str, Charge],
        *,
        batched: bool = False,
    ) -> None:
        self._limits = limits
        self._batched = batched
        self._capacity = slots + QUEUED_PER_WORKER
        self._start_seconds = start_seconds
        self._places = [Place(number) for number in range(places)]
        self._by_worker: dict[str, Place] = {}
        self._ready: deque[Order] = deque()
        self._groups: deque[list[Order]] = deque()
        self._later: list[tuple[float, int, Order]] = []
        self._ticket = itertools.count()
        self._budgets = dict(charges)
        self._suspected: set[str] = set()
        self._last_failure = Failure("", "")
        self._ever_ready = False
        self._ended = {"done": 0, "failed": 0}
        self._deaths = 0
        self._looked = 0.0
        self.feeding = True
        self.problem = ""
        self.charges: list[Charge] = []

    # -- orders in ------------------------------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many more orders to hand over, so that no worker waits for the manifest."""
        return max(0, len(self._places) * self._capacity - len(self._ready))

    @property
    def outstanding(self) -> int:
        """Orders that were handed over and are not settled."""
        flying = sum(len(place.flights) for place in self._places)
        return flying + len(self._ready) + len(self._later) + sum(map(len, self._groups))

    @property
    def running(self) -> int:
        """Orders that workers hold."""
        return sum(len(place.flights) for place in self._places)

    @property
    def places(self) -> list[Place]:
        """The places, for a display."""
        return self._places

    def add(self, order: Order) -> None:
        """Take over one more order."""
        self._ready.append(order)

    def no_more(self) -> None:
        """Told that the manifest has ended."""
        self.feeding = False

    def drop_waiting(self) -> None:
        """Forget every order that no worker holds; it stays pending in the ledger."""
        self.feeding = False
        self._ready.clear()
        self._later.clear()
        self._groups.clear()

    # -- what to do next ------------------------------------------------------------------------------------------

    def to_start(self, now: float) -> list[str]:
        """Workers to start now: as many as there are places and work for."""
        busy = sum(place.state in {"starting", "ready"} for place in self._places)
        wanted = len(self._places) if self.feeding else min(len(self._places), self.outstanding)
        starting = []
        for place in self._places:
            if busy >= wanted:
                break
            if place.state == "empty" and place.since <= now:
                self._open(place, now)
                starting.append(place.worker)
                busy += 1
        return starting

    def assign(self, now: float) -> list[tuple[str, list[Order]]]:
        """Orders to submit now, by worker."""
        while self._later and self._later[0][0] <= now:
            self._ready.append(heapq.heappop(self._later)[2])
        given: dict[str, list[Order]] = {}
        free = [place for place in self._places if place.state == "ready"]
        reserved = self._isolate(free, given, now)
        self._share([place for place in free if place.number not in reserved], given, now)
        return list(given.items())

    def overdue(self, now: float) -> list[tuple[str, Failure, str | None]]:
        """Workers to kill now, with the reason, and the culprit where it is known."""
        pause = now - self._looked if self._looked else 0.0
        self._looked = now
        found = []
        for place in self._places:
            if pause > OWN_PAUSE:
                place.forgive(pause)
            verdict = place.verdict(now, self._limits, self._start_seconds)
            if verdict:
                failure, culprit = verdict
                found.append((place.worker, failure, None if self._batched else culprit))
        return found

    def patience(self, now: float) -> float:
        """Seconds to wait for events at most."""
        times = [self._later[0][0]] if self._later else []
        times += [place.since for place in self._places if place.state == "empty" and place.since > now]
        return min([max(0.0, time - now) for time in times] + [0.5])

    @property
    def finished(self) -> bool:
        """Whether nothing is left to wait for."""
        return not self.feeding and not self.outstanding

    # -- what happened --------------------------------------------------------------------------------------------

    def ready(self, worker: str, now: float) -> None:
        """A worker can work."""
        place = self._by_worker[worker]
        place.state, place.heard = "ready", now
        self._ever_ready = True

    def reported(self, worker: str, report: Report, now: float) -> list[Outcome]:
        """A worker answered; returns the outcomes that settle their items."""
        place = self._by_worker.get(worker)
        if place is None:
            return []
        place.heard = now
        for item, steps in report.running.items():
            flight = place.flights.get(item)
            if flight and flight.steps != steps:
                flight.steps, flight.advanced = steps, now
        settled = [self._landed(place, outcome, now) for outcome in report.outcomes if outcome.id in place.flights]
        if not place.flights:
            place.isolating = False
        return [outcome for outcome in settled if outcome]

    def died(
        self, worker: str, failure: Failure, begun: Iterable[str] | None, now: float, culprit: str | None = None
    ) -> list[Outcome]:
        """A worker is gone; returns the outcomes of items that are given up because of it."""
        place = self._by_worker.pop(worker, None)
        if place is None:
            return []
        flights, was = place.flights, place.state
        place.flights, place.isolating, place.state = {}, False, "empty"
        self._last_failure = failure
        self._deaths += 1
        suspects = self._suspects(flights, begun, culprit)
        self._requeue([flight.order for item, flight in flights.items() if item not in suspects])
        counted = was != "ready" or not (len(suspects) == 1 and suspects[0] in self._suspected)
        unproven = place.deaths > 0
        place.deaths += counted
        place.since = now + (0.0 if place.deaths <= 1 else min(0.5 * 2 ** (place.deaths - 2), MOST_PAUSE))
        outcomes = self._blame(
            [flights[item].order for item in suspects], failure, unproven=unproven, sure=bool(culprit)
        )
        self._check_place(place, failure, was)
        return outcomes

    def _requeue(self, orders: list[Order]) -> None:
        """Put orders that were not begun back in front; who was a suspect before stays apart from the others."""
        apart = [order for order in orders if order.id in self._suspected]
        if apart:
            self._groups.append(apart)
        self._ready.extendleft(order for order in reversed(orders) if order.id not in self._suspected)

    # -- isolation ------------------------------------------------------------------------------------------------

    def _isolate(self, free: list[Place], given: dict[str, list[Order]], now: float) -> set[int]:
        """Give groups of suspects to empty workers; returns the places that take nothing else."""
        reserved = {place.number for place in free if place.isolating}
        wanted = min(len(self._groups), max(1, len(free) // 2))
        candidates = sorted(
            (place for place in free if not place.isolating), key=lambda place: (place.deaths, len(place.flights))
        )
        for place in candidates:
            if len(reserved) >= wanted:
                break
            reserved.add(place.number)
            if not place.flights:
                place.isolating = True
                self._give(place, self._groups.popleft(), given, now)
        return reserved

    def _share(self, places: list[Place], given: dict[str, list[Order]], now: float) -> None:
        """Hand out waiting orders one by one to the worker that holds the fewest."""
        heap = [(len(place.flights), place.number) for place in places if len(place.flights) < self._capacity]
        heapq.heapify(heap)
        while heap and self._ready:
            held, number = heapq.heappop(heap)
            self._give(self._places[number], [self._ready.popleft()], given, now)
            if held + 1 < self._capacity:
                heapq.heappush(heap, (held + 1, number))

    def _give(self, place: Place, orders: list[Order], given: dict[str, list[Order]], now: float) -> None:
        for order in orders:
            place.flights[order.id] = Flight(order, now)
        given.setdefault(place.worker, []).extend(orders)

    def _open(self, place: Place, now: float) -> None:
        place.generation += 1
        place.state, place.since, place.heard = "starting", now, now
        self._by_worker[place.worker] = place

    # -- outcomes and blame ---------------------------------------------------------------------------------------

    def _landed(self, place: Place, outcome: Outcome, now: float) -> Outcome | None:
        order = place.flights.pop(outcome.id).order
        if outcome.failure and outcome.failure.kind == "DiskFull":
            self._stop(f"no space left: {outcome.failure.message}")
            return None
        if outcome.retryable and self._try_again(order, now):
            return None
        if outcome.state == "done":
            place.deaths = 0
            place.done += 1
        self._suspected.discard(outcome.id)
        return self._settle(outcome)

    def _try_again(self, order: Order, now: float) -> bool:
        budget = self._budget(order)
        if budget.errors >= self._limits.errors:
            return False
        self._store(replace(budget, errors=budget.errors + 1))
        heapq.heappush(self._later, (now + 2.0**budget.errors, next(self._ticket), order))
        return True

    def _suspects(self, flights: dict[str, Flight], begun: Iterable[str] | None, culprit: str | None) -> list[str]:
        if culprit is not None:
            return [culprit]
        if begun is None:
            return list(flights)
        begun = set(begun)
        return [item for item in flights if item in begun]

    def _blame(self, suspects: list[Order], failure: Failure, *, unproven: bool, sure: bool) -> list[Outcome]:
        if len(suspects) > 1:
            half = (len(suspects) + 1) // 2
            self._suspected.update(order.id for order in suspects)
            self._groups.extend([suspects[:half], suspects[half:]])
            return []
        if not suspects:
            return []
        [order] = suspects
        fresh = order.id not in self._suspected and not self._budget(order).crashes
        self._suspected.add(order.id)
        if unproven and fresh and not sure:
            # A place whose last worker died with nothing done since may itself be what is broken.
            self._groups.append([order])
            return []
        return self._charge(order, failure)

    def _charge(self, order: Order, failure: Failure) -> list[Outcome]:
        budget = self._budget(order)
        budget = replace(budget, crashes=budget.crashes + 1)
        self._store(budget)
        limit = self._limits.crashes
        if failure.kind == OUT_OF_MEMORY:
            limit = min(limit, OUT_OF_MEMORY_CRASHES)
        if budget.crashes < limit:
            self._groups.append([order])
            return []
        ended = Outcome(order.id, "quarantined", order.fingerprint, order.attempt, failure=failure)
        return [self._settle(ended)]

    def _budget(self, item: Order | Outcome) -> Charge:
        kept = self._budgets.get(item.id)
        return kept if kept and kept.fingerprint == item.fingerprint else Charge(item.id, item.fingerprint)

    def _store(self, budget: Charge) -> None:
        self._budgets[budget.id] = budget
        self.charges.append(budget)

    def _settle(self, outcome: Outcome) -> Outcome:
        budget = self._budget(outcome)
        self._ended["done" if outcome.state == "done" else "failed"] += 1
        self._check_failures(outcome)
        return replace(outcome, crashes=budget.crashes, errors=budget.errors)

    # -- breakers -------------------------------------------------------------------------------------------------

    def _check_failures(self, last: Outcome) -> None:
        done, failed = self._ended["done"], self._ended["failed"]
        why = f"; the last: {last.id}: {last.failure.message}" if last.failure else ""
        if not done and failed >= self._limits.first_failures:
            self._stop(f"the first {failed} items all failed (limits.first_failures){why}")
        ended = done + failed
        if ended >= SAMPLE and failed / ended > self._limits.failure_share:
            self._stop(f"{failed} of {ended} items failed (limits.failure_share){why}")

    def _check_place(self, place: Place, failure: Failure, was: str) -> None:
        if failure.kind == SET_UP_FAILED and was == "starting" and not self._ever_ready:
            self._stop(f"no worker could be set up: {failure.message}")
        if place.deaths >= self._limits.worker_deaths:
            place.state = "retired"
        hopeless = self._limits.worker_deaths * (len(self._places) + 1)
        if not self._ended["done"] and self._deaths >= hopeless:
            self._stop(f"workers died {self._deaths} times before any item was done; the last: {failure.message}")
        if all(each.state == "retired" for each in self._places):
            self._stop(
                f"no worker is left: each died {self._limits.worker_deaths} times with nothing done between "
                f"(limits.worker_deaths); the last: {self._last_failure.message}"
            )

    def _stop(self, problem: str) -> None:
        self.problem = self.problem or problem
