"""Sound that scorers measure: read once for all of them, at the rate they ask for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from valle_engine.audio import read_clip, resample
from valle_engine.errors import ItemError

if TYPE_CHECKING:
    from valle_engine.parts import Take
    from valle_engine.records import Clip

REMEMBERED = 64
"""Clips that are kept: several scorers measure a batch of takes one after another."""


def output_of(take: Take, rate: int | None = None) -> Clip:
    """The sound of a take. Raises `ItemError` where it has none, `AudioError` for what cannot be read."""
    if take.audio is None:
        raise ItemError(f"{take.outcome.id} has no sound to measure")
    return clip_of(take.audio, rate)


def reference_of(take: Take, column: str, rate: int | None = None) -> Clip:
    """The sound that a column of the take's item names. Raises as `output_of` does."""
    return clip_of(Path(str(take.fields[column])), rate)


def clip_of(path: Path, rate: int | None = None) -> Clip:
    """The sound of a file. Raises `AudioError`."""
    clip = _read(*version_of(path))
    return clip if rate is None else resample(clip, rate)


def version_of(path: Path) -> tuple[Path, int, int]:
    """A file as it is now. Raises `ItemError` where it is not there."""
    try:
        stat = path.stat()
    except OSError as error:
        raise ItemError(f"cannot read {path}: {error.strerror}") from None
    return path, stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=REMEMBERED)
def _read(path: Path, size: int, changed_ns: int) -> Clip:  # noqa: ARG001 - a changed file is another one
    return read_clip(path)
