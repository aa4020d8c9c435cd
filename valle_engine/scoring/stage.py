"""Takes on their way through the scoring workers, beside the run that makes them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from valle_engine.errors import RunAborted
from valle_engine.executors.dispatch import Dispatcher
from valle_engine.executors.driver import advance
from valle_engine.scoring.worker import ABOUT, order_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from valle_engine.executors.dispatch import Charge
    from valle_engine.executors.pool import Pool
    from valle_engine.job.schema import Limits
    from valle_engine.records import Outcome

QUEUED_BATCHES = 4
"""Batches that wait for each worker before the run begins nothing new."""


class Stage:
    """A pool of scoring workers under a dispatcher of its own, so that it keeps the promises of items for takes.

    What dies takes nobody with it: its takes are scored again on another worker, and one that kills is found by halves
    and given up alone. `told` hears what the workers know of their parts.
    """

    def __init__(
        self, pool: Pool, limits: Limits, batch: int, start_seconds: float, told: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self._pool = pool
        self._batch = batch
        self._told = told
        self._about: Mapping[str, Any] | None = None
        self._dispatcher = Dispatcher(limits, pool.places, 2 * batch, start_seconds, {}, batched=True)
        self._given: dict[str, Outcome] = {}
        self._scored: list[Outcome] = []

    @property
    def waiting(self) -> int:
        """Takes that are not scored yet."""
        return len(self._given)

    @property
    def full(self) -> bool:
        """Whether enough waits to keep every worker busy."""
        return self.waiting >= QUEUED_BATCHES * self._batch * self._pool.places

    def submit(self, fields: Mapping[str, Any], outcome: Outcome) -> None:
        """Take over one finished take."""
        self._given[outcome.id] = outcome
        self._dispatcher.add(order_of(fields, outcome, self._batch))

    def step(self, patience: float) -> list[Outcome]:
        """Go on for `patience` seconds at most while nothing happens; returns the outcomes that are scored now.

        One that could not be scored is failed, one that killed its workers quarantined. Raises `RunAborted`.
        """
        try:
            advance(self._pool, self._dispatcher, self, patience)
        except RunAborted as error:
            raise RunAborted(f"scoring: {error}") from error
        scored, self._scored = self._scored, []
        return scored

    def settle(self, outcome: Outcome) -> None:
        """Told by the workers what came of a take."""
        about = outcome.values.get(ABOUT)
        if about is not None and about != self._about:
            self._about = about
            self._told(about)
        failure = outcome.failure
        if outcome.state == "quarantined" and failure is not None:
            failure = replace(failure, message=f"scoring it: {failure.message}")
        given = self._given.pop(outcome.id)
        self._scored.append(
            replace(
                given,
                state=outcome.state if failure else given.state,
                failure=failure or given.failure,
                scores=outcome.scores,
                transcripts=outcome.transcripts,
                scored_by=outcome.scored_by,
            )
        )

    def charge(self, charges: Sequence[Charge]) -> None:
        """Crashes while scoring are forgotten with the run: scoring is cheap to try again."""
