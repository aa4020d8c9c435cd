"""A codec at work in a worker, for many coroutines at a time."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import torch

from valle_engine.audio import read_clip
from valle_engine.together import Together

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from valle_engine.parts import Codec

REMEMBERED = 256
"""Encoded files that are kept: a manifest names few voices many times."""


class Coder:
    """An open codec with a thread of its own; what coroutines ask for at the same time is worked together.

    `encode` gives codes (frames, codebooks) int64 of a clip, `decode` a clip of codes. Raises `CheckpointError`.
    """

    def __init__(self, codec: Codec, device: str) -> None:
        self.codec = codec
        self.opened = codec.open(device)
        # One thread: workers share the cores, and a sum's bits depend on how it is split.
        self._thread = ThreadPoolExecutor(1, "codec", initializer=torch.set_num_threads, initargs=(1,))
        self._encode_files = Together(self._encoded, self._thread)
        self.encode = Together(self.opened.encode, self._thread)
        self.decode = Together(self.opened.decode, self._thread)
        self._known: OrderedDict[tuple[Path, int, int], np.ndarray] = OrderedDict()

    async def encode_file(self, path: Path) -> np.ndarray:
        """Codes (frames, codebooks) of a file; those asked for last are remembered. Raises `AudioError`."""
        key = _version(path)
        if key not in self._known:
            codes = await self._encode_files(path)
            self._known[key] = codes
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
            return codes
        self._known.move_to_end(key)
        return self._known[key]

    def close(self) -> None:
        """Let its thread end."""
        self._thread.shutdown(wait=False)

    def _encoded(self, paths: Sequence[Path]) -> list[np.ndarray]:
        return self.opened.encode([read_clip(path) for path in paths])


def choose_device(wanted: str) -> str:
    """The device behind `auto`: a GPU, where the worker has one."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def _version(path: Path) -> tuple[Path, int, int]:
    stat = path.stat()
    return path, stat.st_size, stat.st_mtime_ns
