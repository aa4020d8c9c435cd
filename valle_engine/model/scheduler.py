"""Continuous batching: in every round, what all running requests need next goes through the model together.

A request is admitted when a slot and the memory for its cache are free, and leaves the moment it ends. Rounds pack
steps of growing sequences, first looks at new ones, levels and demasking side by side: each is attended alone, and
nothing is padded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from valle_engine.errors import ItemError
from valle_engine.model.sampling import Draw, draw_together

if TYPE_CHECKING:
    from collections.abc import Container

    from valle_engine.model.language_model import LanguageModel, Pass
    from valle_engine.model.process import Process, Work
    from valle_engine.model.requests import Request

Advanced: TypeAlias = Callable[[], None]
"""Told whenever a request has got on, from the thread that works."""
ROUND_PLACES = 2048
"""Places that go through the model in one round; beyond, the matrix rate does not rise and others wait longer."""


def _unheard() -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True, eq=False)
class Ended:
    """A request that is over, by its ticket: its result or why there is none."""

    ticket: int
    result: Any = None
    error: Exception | None = None


@dataclass(slots=True, eq=False)
class _Running:
    """A request at work, and what it waits for."""

    ticket: int
    request: Request
    advanced: Advanced
    process: Process[Any]
    memory: int
    work: Work | None = None

    @property
    def passes(self) -> list[Pass]:
        return self.work if isinstance(self.work, list) else []

    @property
    def places(self) -> int:
        return sum(len(one.positions) for one in self.passes)

    @property
    def is_step(self) -> bool:
        return all(one.is_step for one in self.passes)


class Scheduler:
    """Runs requests on one model, at most `slots` at a time, their caches within `cache_bytes`. Not for threads."""

    def __init__(self, model: LanguageModel, slots: int, cache_bytes: int, round_places: int = ROUND_PLACES) -> None:
        self._model = model
        self.slots = slots
        self._round_places = round_places
        self._memory = cache_bytes
        self._waiting: deque[tuple[int, Request, Advanced]] = deque()
        self._running: list[_Running] = []
        self._ended: list[Ended] = []

    @property
    def busy(self) -> bool:
        """Whether another round has something to do."""
        return bool(self._waiting or self._running)

    def submit(self, ticket: int, request: Request, advanced: Advanced = _unheard) -> None:
        """Queue a request; its end carries the ticket."""
        self._waiting.append((ticket, request, advanced))

    def keep(self, tickets: Container[int]) -> None:
        """Forget the requests whose ticket is not among these: nobody waits for them any more."""
        self._waiting = deque(entry for entry in self._waiting if entry[0] in tickets)
        self._running = [running for running in self._running if running.ticket in tickets]

    @torch.inference_mode()
    def round(self) -> list[Ended]:
        """Admit, take one pack through the model, draw; returns what ended."""
        self._admit()
        self._draw()
        if chosen := self._choose():
            self._run(chosen)
            self._draw()
        ended, self._ended = self._ended, []
        return ended

    def _run(self, chosen: list[_Running]) -> None:
        try:
            logits = self._model.run([one for running in chosen for one in running.passes])
        except (MemoryError, RuntimeError) as error:
            self._yield_memory(chosen, error)
            return
        start = 0
        for running in chosen:
            count = len(running.passes)
            self._go_on(running, logits[start : start + count])
            start += count

    def _admit(self) -> None:
        while self._waiting and len(self._running) < self.slots:
            ticket, request, advanced = self._waiting[0]
            memory = self._model.cache_bytes(request.cached_places())
            if self._running and memory > self._memory - sum(running.memory for running in self._running):
                return
            self._waiting.popleft()
            running = _Running(ticket, request, advanced, request.start(self._model), memory)
            self._running.append(running)
            self._go_on(running, None)

    def _choose(self) -> list[_Running]:
        """What goes into this round: steps first, since they are small and many, then the rest as they came."""
        chosen: list[_Running] = []
        places = 0
        for running in sorted(self._running, key=lambda running: not running.is_step):
            if chosen and places + running.places > self._round_places:
                break
            chosen.append(running)
            places += running.places
        return chosen

    def _draw(self) -> None:
        """Draw for all rows that wait for a token, those of one chain together."""
        alike: dict[tuple[int, int], list[tuple[_Running, Draw]]] = {}
        for running in self._running:
            if isinstance(running.work, Draw):
                key = (id(running.work.chain), running.work.logits.shape[-1])
                alike.setdefault(key, []).append((running, running.work))
        for group in alike.values():
            self._draw_alike(group)

    def _draw_alike(self, group: list[tuple[_Running, Draw]]) -> None:
        try:
            tokens = draw_together([draw for _, draw in group])
        except Exception as error:  # noqa: BLE001 - a sampler is anyone's code: its error is that of the items it was for
            for running, _ in group:
                self._end(running, error=error)
            return
        for (running, _), token in zip(group, tokens, strict=True):
            self._go_on(running, token)

    def _go_on(self, running: _Running, answer: Any) -> None:
        """Give a process what it waited for and take what it wants next."""
        running.advanced()
        try:
            running.work = running.process.send(answer)
        except StopIteration as end:
            self._end(running, result=end.value)
        except Exception as error:  # noqa: BLE001 - a loop runs samplers, anyone's code: its error is its item's
            self._end(running, error=error)

    def _end(self, running: _Running, result: Any = None, error: Exception | None = None) -> None:
        self._running.remove(running)
        self._ended.append(Ended(running.ticket, result, error))

    def _yield_memory(self, chosen: list[_Running], error: Exception) -> None:
        """Out of memory: smaller rounds, then fewer slots; only what does not fit alone fails."""
        if not _is_out_of_memory(error):
            raise error
        if len(chosen) > 1:
            self._round_places = max(1, sum(running.places for running in chosen) // 2)
        elif len(self._running) > 1:
            newest = next(running for running in reversed(self._running) if running is not chosen[0])
            self._running.remove(newest)
            self._waiting.appendleft((newest.ticket, newest.request, newest.advanced))
            self.slots = len(self._running)
        else:
            alone = ItemError("needs more memory than there is, even alone: shorten it or its prompt")
            alone.__cause__ = error
            self._end(chosen[0], error=alone)


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "allocate memory" in str(error)
