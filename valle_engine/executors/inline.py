"""One worker in this process, on an event loop in a thread of its own.

There is no Ray and no isolation: what kills the worker kills the run.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from typing import TYPE_CHECKING

from valle_engine.errors import RunAborted
from valle_engine.executors.pool import SET_UP_FAILED, Died, Event, Ready, Reported
from valle_engine.records import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from valle_engine.executors.pool import Hand
    from valle_engine.records import Order

POLL_SECONDS = 1.0
CLOSE_SECONDS = 5.0
"""How long a loop gets to end its coroutines."""


class InlinePool:
    """The pool of one worker in this process; a `valle_engine.executors.pool.Pool`.

    `make` builds the worker of a name, in its thread.
    """

    places = 1

    def __init__(self, make: Callable[[str], Hand]) -> None:
        self._make = make
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: Hand | None = None
        self._thread: threading.Thread | None = None

    def start(self, worker: str) -> None:
        """Start the thread that builds the worker and polls it."""
        self.close()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run, args=(worker, self._loop), name=f"valle-{worker}", daemon=True
        )
        self._thread.start()

    def submit(self, worker: str, orders: Sequence[Order]) -> None:
        """Hand orders over to the worker's loop."""
        if self._worker is None or self._loop is None:
            raise RunAborted("the inline worker was given work before it was ready")
        taken = asyncio.run_coroutine_threadsafe(self._worker.submit(orders), self._loop)
        taken.add_done_callback(lambda done: self._fell(worker, done.exception()))

    def wait(self, patience: float) -> list[Event]:
        """Wait for events, at most `patience` seconds."""
        try:
            events = [self._events.get(timeout=patience)] if patience > 0 else []
        except queue.Empty:
            return []
        while not self._events.empty():
            events.append(self._events.get_nowait())
        return events

    def kill(self, worker: str) -> frozenset[str] | None:
        """Refuse: a thread cannot be killed."""
        raise RunAborted(
            f"worker {worker} hangs and the inline executor cannot end it without the run; "
            "`workers: {executor: ray}` replaces a worker that hangs"
        )

    def close(self) -> None:
        """Stop the loop; a thread that an item holds up is left to end with the process."""
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)

    def _run(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            self._worker = worker = self._make(name)
        except Exception as error:  # noqa: BLE001 - a plugin's set-up runs any code; the driver tells what it raised
            loop.close()
            failure = Failure(SET_UP_FAILED, f"{type(error).__name__}: {error}")
            self._events.put(Died(name, failure, frozenset()))
            return
        poll = loop.create_task(self._poll(name, worker))
        poll.add_done_callback(lambda done: None if done.cancelled() else self._fell(name, done.exception()))
        loop.run_forever()
        poll.cancel()
        loop.run_until_complete(asyncio.gather(poll, worker.close(), return_exceptions=True))
        loop.close()

    def _fell(self, name: str, error: BaseException | None) -> None:
        """Tell of an error of the worker itself; without that, the driver would wait for it for ever."""
        if error is not None:
            failure = Failure("WorkerDied", f"the worker itself failed: {type(error).__name__}: {error}")
            self._events.put(Died(name, failure, None))

    async def _poll(self, name: str, worker: Hand) -> None:
        self._events.put(Ready(name, await worker.identify()))
        while True:
            self._events.put(Reported(name, await worker.poll(POLL_SECONDS)))
