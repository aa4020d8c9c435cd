"""What a worker lends a task while it works on one item."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from valle_engine.records import Clip, Order

P = ParamSpec("P")
T = TypeVar("T")


def stream_seed(seed: int, item_id: str, attempt: int) -> int:
    """Seed (128 bits) of the random stream that belongs to one take of one item, whatever runs beside it."""
    digest = hashlib.sha256(f"{seed}:{item_id}:{attempt}".encode()).digest()
    return int.from_bytes(digest[:16], "little")


class Kit:
    """The services of a worker, bound to one take of one item.

    Every service that is awaited counts as progress; a task that computes for long between them calls `progress`, or
    its item is taken for hung after `limits.deadline_seconds`.
    """

    def __init__(self, order: Order, seed: int) -> None:
        self.seed = stream_seed(seed, order.id, order.attempt)
        self.steps = 0

    def random(self) -> np.random.Generator:
        """A fresh generator at the start of this take's own random stream."""
        return np.random.default_rng(self.seed)

    def progress(self) -> None:
        """Say that the work advances; cheap enough to be called at every step."""
        self.steps += 1

    async def blocking(self, function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Run blocking code in a thread, so that the other items of this worker go on."""
        result = await asyncio.to_thread(function, *arguments, **options)
        self.progress()
        return result

    async def read(self, path: Path) -> Clip:
        """Read an audio file as one channel at its own rate. Raises `AudioError` for what cannot be trusted."""
        from valle_engine.audio import read_clip  # noqa: PLC0415 - soundfile is for workers only

        return await self.blocking(read_clip, path)
