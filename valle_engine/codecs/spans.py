"""How a long clip is cut for the networks: the same way whether it comes whole or in a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from valle_engine.records import Clip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FIRST = 32  # frames: 0.4 s, so that a listener to a stream waits little


def spans(largest: int) -> Iterator[tuple[int, int]]:
    """(start, stop) in frames, for ever: 32 frames, then twice as many each time, up to `largest`."""
    start, length = 0, FIRST
    while True:
        yield start, start + length
        start, length = start + length, min(2 * length, largest)


class Buffer:
    """Rows that arrive in pieces of any length and are taken by position; what lies before is forgotten."""

    def __init__(self, pieces: Iterable[np.ndarray]) -> None:
        self._pieces = iter(pieces)
        self._held: np.ndarray | None = None
        self._start = 0
        self.ended = False

    def fill(self, stop: int) -> int:
        """Take pieces until row `stop` is there or they end; returns the number of rows seen so far."""
        while not self.ended and self._stop < stop:
            piece = next(self._pieces, None)
            if piece is None:
                self.ended = True
            else:
                self._held = piece if self._held is None else np.concatenate([self._held, piece])
        return self._stop

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Rows `start` to `stop`, or to the end. Rows before `start` are let go; asking for one is a `ValueError`."""
        if self._held is None or start < self._start:
            raise ValueError(f"row {start} has not arrived or was let go")
        self._held = self._held[start - self._start :]
        self._start = start
        return self._held[: stop - start]

    @property
    def _stop(self) -> int:
        return self._start + (0 if self._held is None else len(self._held))


def joined(clips: Iterable[Clip]) -> Clip:
    """Clips of one rate, one after the other; there must be one at least."""
    parts = list(clips)
    return Clip(np.concatenate([part.samples for part in parts]), parts[0].rate)
