"""What a worker keeps of many items in one file: a file each would be too many, a ledger row too small."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from valle_engine.records import Stretch
from valle_engine.together import Together

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT = "kept"
"""Folder of such files, inside the output folder."""


class Appendable(Protocol):
    """Where they are."""

    def append(self, name: str, pieces: Sequence[bytes]) -> list[int]:
        """Add to the end of a file, durably; returns where each piece begins. Raises `StoreError`."""


class Keeper:
    """One file of one process: nobody else writes it, so what a dead process left at its end harms nobody.

    What arrives while the disk is busy goes into the next write, which waits for the disk once.
    """

    def __init__(self, outputs: Appendable, name: str | None = None) -> None:
        self._outputs = outputs
        self._name = f"{KEPT}/{name or uuid.uuid4().hex}"
        self._thread = ThreadPoolExecutor(1, "keeper")
        self.keep = Together(self._kept, self._thread, most=64)

    def close(self) -> None:
        """Let its thread end."""
        self._thread.shutdown(wait=False)

    def _kept(self, pieces: Sequence[bytes]) -> list[Stretch]:
        starts = self._outputs.append(self._name, pieces)
        return [Stretch(self._name, start, len(piece)) for start, piece in zip(starts, pieces, strict=True)]
