"""The places that workers run in, what each worker holds, and the deadlines that follow its progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from valle_engine.executors.pool import HANG, SET_UP_FAILED
from valle_engine.records import Failure

if TYPE_CHECKING:
    from valle_engine.job.schema import Limits
    from valle_engine.records import Order


@dataclass(slots=True)
class Flight:
    """An order in a worker's hands."""

    order: Order
    advanced: float
    steps: int = -1
    """Steps seen so far; -1 until the worker has begun it."""

    def allowed(self, limits: Limits) -> float:
        """Seconds it may be without progress."""
        return max(limits.deadline_seconds, limits.deadline_factor * self.order.expected_seconds)


@dataclass(slots=True)
class Place:
    """Room for one worker, and the worker in it."""

    number: int
    state: Literal["empty", "starting", "ready", "retired"] = "empty"
    generation: int = 0
    since: float = 0.0
    heard: float = 0.0
    deaths: int = 0
    """Deaths with nothing done between; an item's later charges count with its first."""
    isolating: bool = False
    done: int = 0
    flights: dict[str, Flight] = field(default_factory=dict)

    @property
    def worker(self) -> str:
        """Name of the worker in this place."""
        return f"w{self.number}.{self.generation}"

    def forgive(self, pause: float) -> None:
        """Move every clock on: the driver itself was stopped for `pause` seconds, not the worker."""
        self.heard += pause
        self.since += pause if self.state == "starting" else 0.0
        for flight in self.flights.values():
            flight.advanced += pause

    def verdict(self, now: float, limits: Limits, start_seconds: float) -> tuple[Failure, str | None] | None:
        """Why the worker must be ended now, and the item that is to blame where it is known; None when it need not."""
        if self.state == "starting" and now - self.since > start_seconds:
            text = f"the worker was not ready after {start_seconds:g} s (workers.start_seconds)"
            return Failure(SET_UP_FAILED, text), None
        if self.state != "ready":
            return None
        alive = now - self.heard < limits.deadline_seconds
        for item, flight in self.flights.items():
            allowed = flight.allowed(limits)
            if flight.steps >= 0 and now - flight.advanced > allowed:
                text = f"no progress for {allowed:g} s (limits.deadline_seconds)"
                return Failure(HANG, text), item if alive else None
            if not alive and now - max(self.heard, flight.advanced) > allowed:
                return Failure(HANG, f"the worker gave no sign of life for {allowed:g} s"), None
        if self._begins_nothing(now, limits.deadline_seconds):
            return Failure(HANG, "the worker took its items and began none of them (limits.deadline_seconds)"), None
        return None

    def _begins_nothing(self, now: float, seconds: float) -> bool:
        flights = self.flights.values()
        if not flights or any(flight.steps >= 0 for flight in flights):
            return False
        return now - max(flight.advanced for flight in flights) > seconds
