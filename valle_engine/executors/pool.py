"""The interface between the scheduling logic and the ways workers are run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valle_engine.records import Failure, Order
    from valle_engine.worker import Identity, Report


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker has loaded what it needs and can work."""

    worker: str
    identity: Identity


@dataclass(frozen=True, slots=True)
class Reported:
    """A worker has answered a poll: it is alive, and this is what it did."""

    worker: str
    report: Report


@dataclass(frozen=True, slots=True)
class Died:
    """A worker is gone. `begun` are the ids it had begun and not ended, None where its marks cannot be read."""

    worker: str
    failure: Failure
    begun: frozenset[str] | None


Event = Ready | Reported | Died

SET_UP_FAILED = "SetUpFailed"
"""Kind of a failure that will come again however often the worker is started: its set-up raised an error."""
OUT_OF_MEMORY = "OutOfMemory"
HANG = "Hang"


class Hand(Protocol):
    """What works in a place: it takes orders and tells what came of them, on one event loop of its own.

    `valle_engine.worker.Worker` does items, `valle_engine.scoring.worker.ScoreWorker` scores takes.
    """

    async def identify(self) -> Identity:
        """Answer once it can work."""

    async def submit(self, orders: Sequence[Order]) -> None:
        """Take orders into its queue."""

    async def poll(self, patience: float) -> Report:
        """Report as soon as an order has ended, and after `patience` seconds in any case."""

    async def close(self) -> None:
        """Stop what runs; for one whose process goes on without it."""


class Pool(Protocol):
    """Workers by name. A worker that died or was killed never comes back; another is started in its place."""

    places: int
    """How many workers can run at a time."""

    def start(self, worker: str) -> None:
        """Begin to start a worker; `Ready` or `Died` follows."""

    def submit(self, worker: str, orders: Sequence[Order]) -> None:
        """Give a worker more orders. A worker that is already gone is told by `Died`, not here."""

    def wait(self, patience: float) -> list[Event]:
        """Wait for events, at most `patience` seconds."""

    def kill(self, worker: str) -> frozenset[str] | None:
        """End a worker at once; no further event comes from it. Returns what `Died.begun` would say.

        Raises `RunAborted` where a worker cannot be ended without the run.
        """

    def close(self) -> None:
        """End every worker and free what the pool holds."""
