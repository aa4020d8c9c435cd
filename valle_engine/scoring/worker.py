"""One scoring worker: a panel, and takes through it a batch at a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from valle_engine.parts import Take
from valle_engine.plugins import load_plugins
from valle_engine.records import Order, Outcome
from valle_engine.scoring.panel import Panel
from valle_engine.worker import Identity, Marks, Report, pid_space, stderr_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valle_engine.scoring.panel import PanelSpec, Sheet

ABOUT = "about"
"""In the values of a scored outcome: what the panel knows of its parts."""


class Sounds(Protocol):
    """Where the files of takes are."""

    def local(self, name: str) -> Path | None:
        """The path of a file on this machine's disk; None where it must be fetched."""

    def read(self, name: str) -> bytes:
        """A file's content. Raises `StoreError`."""


class ScoreWorker:
    """Scores the takes it is given, as many together as there are, up to a batch; a `Hand` of a pool.

    What arrives while a batch is at work goes into the next, so batches fill as soon as scoring is what takes long.
    """

    def __init__(self, spec: PanelSpec, sounds: Sounds, name: str, marks: str | None = None) -> None:
        self._spec = spec
        self._sounds = sounds
        self._name = name
        self._marks = Marks.open(marks)
        # One thread of its own: libraries keep their number of threads by thread.
        self._thread = ThreadPoolExecutor(1, "scoring")
        self._panel = self._thread.submit(lambda: Panel(spec, load_plugins())).result()
        self._queue: deque[Order] = deque()
        self._running: tuple[Order, ...] = ()
        self._steps = 0
        self._ended: list[Outcome] = []
        self._news = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    async def identify(self) -> Identity:
        """Answer once it can score."""
        return Identity(self._name, os.getpid(), pid_space(), stderr_path(), self._marks is not None)

    async def submit(self, orders: Sequence[Order]) -> None:
        """Take orders into the queue."""
        self._queue.extend(orders)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())

    async def poll(self, patience: float) -> Report:
        """Report as soon as a batch has ended, and after `patience` seconds. Raises what broke the worker itself."""
        if not self._ended:
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), patience)
        if self._serving is not None and self._serving.done():
            self._serving.result()
        ended, self._ended = tuple(self._ended), []
        return Report(ended, {order.id: self._steps for order in self._running})

    async def close(self) -> None:
        """Let go of the thread; what it computes is left to end by itself."""
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _serve(self) -> None:
        try:
            while self._queue:
                count = min(self._spec.batch, len(self._queue))
                self._running = tuple(self._queue.popleft() for _ in range(count))
                self._mark("+")
                outcomes = await asyncio.get_running_loop().run_in_executor(self._thread, self._scored, self._running)
                self._mark("-")
                self._running = ()
                self._ended += outcomes
                self._news.set()
        finally:
            self._news.set()

    def _mark(self, sign: str) -> None:
        if self._marks is not None:
            for order in self._running:
                self._marks.write(sign, order.id)

    def _scored(self, orders: Sequence[Order]) -> list[Outcome]:
        with tempfile.TemporaryDirectory(prefix="valle-") as folder:
            takes = [take_of(order, self._sounds, Path(folder)) for order in orders]
            sheets = self._panel.score(takes, self._progress)
        about = self._panel.about()
        return [self._outcome(order, sheet, about) for order, sheet in zip(orders, sheets, strict=True)]

    def _progress(self) -> None:
        self._steps += 1

    def _outcome(self, order: Order, sheet: Sheet, about: dict[str, Any]) -> Outcome:
        return Outcome(
            order.id,
            "failed" if sheet.failure else "done",
            order.fingerprint,
            order.attempt,
            values={ABOUT: about},
            scores=sheet.scores,
            transcripts={**sheet.transcripts, **sheet.compared},
            scored_by=self._spec.digest,
            failure=sheet.failure,
            worker=self._name,
        )


def order_of(fields: Any, outcome: Outcome, batch: int) -> Order:
    """A take on its way to be scored. A batch may take as long as its sound allows."""
    seconds = outcome.file.samples / outcome.file.rate if outcome.file and outcome.file.rate else 0.0
    given = {"fields": fields, "outcome": outcome}
    return Order(outcome.id, given, outcome.fingerprint, outcome.attempt, expected_seconds=seconds * batch)


def take_of(order: Order, sounds: Sounds, folder: Path) -> Take:
    """The take of an order; its sound is fetched into `folder` where it is not on this machine."""
    outcome = order.fields["outcome"]
    audio = None
    if outcome.file is not None:
        audio = sounds.local(outcome.file.path)
        if audio is None:
            audio = folder / outcome.file.path.replace("/", "_")
            audio.write_bytes(sounds.read(outcome.file.path))
    return Take(order.fields["fields"], outcome, audio)
