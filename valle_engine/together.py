"""Calls of many coroutines, worked together: what arrives while a thread is busy goes into its next batch."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

Given = TypeVar("Given")
Made = TypeVar("Made")


class Together(Generic[Given, Made]):
    """Turns a function of many things into a coroutine of one.

    `work` gives a result for each thing, whatever is beside it; it runs in `thread`, on `most` things at a time. When
    it raises, each thing is tried alone, so that an error is that of the thing that caused it.
    """

    def __init__(self, work: Callable[[Sequence[Given]], list[Made]], thread: Executor, most: int = 16) -> None:
        self._work = work
        self._thread = thread
        self._most = most
        self._waiting: list[tuple[Given, asyncio.Future[Made]]] = []
        self._loop: asyncio.Task[None] | None = None

    async def __call__(self, thing: Given) -> Made:
        """The result for one thing. Raises what the work raises for it."""
        future: asyncio.Future[Made] = asyncio.get_running_loop().create_future()
        self._waiting.append((thing, future))
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._serve())
        return await future

    async def _serve(self) -> None:
        await asyncio.sleep(0)
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            await self._settle([(thing, future) for thing, future in batch if not future.done()])

    async def _settle(self, batch: list[tuple[Given, asyncio.Future[Made]]]) -> None:
        things = [thing for thing, _ in batch]
        try:
            made = await asyncio.get_running_loop().run_in_executor(self._thread, self._work, things)
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, or would wait for ever
            if len(batch) > 1:
                for one in batch:
                    await self._settle([one])
            elif batch and not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (_, future), result in zip(batch, made, strict=True):
            if not future.done():
                future.set_result(result)
