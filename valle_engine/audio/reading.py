"""Read audio files that strangers made: everything the header claims is checked before a sample is read."""

from __future__ import annotations

import os
import re
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from valle_engine.errors import AudioError
from valle_engine.records import Clip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIN_RATE = 1000
MAX_RATE = 768_000
MAX_CHANNELS = 64
BLOCK_FRAMES = 1 << 16
# What is written to a pipe cannot know its length and says so with the largest number.
UNKNOWN_LENGTH = 0xFFFF_FFFF
# libsndfile reads on when a chunk claims more bytes than the file has, and says so only in its log.
SHORT_CHUNK = re.compile(r"^ *(?:data|SSND|Data Size|riff) *: (\d+) \(should be (\d+)\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest sound that is read: `seconds` of sound, `bytes` of memory once it is one channel of float32."""

    seconds: float = 4 * 3600.0
    bytes: int = 4 << 30


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What the header of a file says, checked: `frames` samples a channel at `rate` Hz."""

    rate: int
    channels: int
    frames: int
    format: str

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate


DEFAULT_LIMITS = Limits()


def probe(path: Path, limits: Limits = DEFAULT_LIMITS) -> AudioInfo:
    """Check a file's header without reading its sound. Raises `AudioError`."""
    with _opened(path) as sound:
        return _checked(sound, path, limits)


def read_clip(path: Path, limits: Limits = DEFAULT_LIMITS) -> Clip:
    """Read a file as one channel at its own rate.

    Channels are averaged; float files that go beyond [-1, 1] are limited to it. Raises `AudioError` for what is no
    audio file, is larger than the limits, ends before its header says it does, or holds values that are no numbers.
    """
    with _opened(path) as sound:
        info = _checked(sound, path, limits)
        samples = np.empty(info.frames, np.float32)
        filled = 0
        while filled < info.frames:
            block = sound.read(min(BLOCK_FRAMES, info.frames - filled), dtype="float32", always_2d=True)
            if not len(block):
                raise AudioError(
                    f"{path}: ends after {filled} of the {info.frames} samples its header promises: "
                    "it was cut short, fetch or export it again"
                )
            samples[filled : filled + len(block)] = block.mean(axis=1)
            filled += len(block)
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: holds samples that are no numbers (NaN or infinite): export it again")
    return Clip(np.clip(samples, -1.0, 1.0, out=samples), info.rate)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    descriptor = _open_regular(path)
    try:
        # By descriptor, because libsndfile takes some names (".raw") for a promise about what is inside.
        with soundfile.SoundFile(descriptor, closefd=False) as sound:
            yield sound
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path}: cannot be read as audio: {error.error_string}") from None
    finally:
        os.close(descriptor)


def _open_regular(path: Path) -> int:
    try:
        # Opening a pipe nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise AudioError(f"{path}: cannot be opened: {error}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise AudioError(f"{path}: is no regular file")
    return descriptor


def _checked(sound: Any, path: Path, limits: Limits) -> AudioInfo:
    info = AudioInfo(sound.samplerate, sound.channels, sound.frames, sound.format)
    for problem in _problems(info, sound.extra_info, limits):
        raise AudioError(f"{path}: {problem}")
    return info


def _problems(info: AudioInfo, log: str, limits: Limits) -> Iterator[str]:
    if not MIN_RATE <= info.rate <= MAX_RATE:
        yield f"its header claims a rate of {info.rate} Hz; rates from {MIN_RATE} to {MAX_RATE} Hz are read"
    if not 1 <= info.channels <= MAX_CHANNELS:
        yield f"its header claims {info.channels} channels; up to {MAX_CHANNELS} are read"
    if info.frames <= 0:
        yield "holds no sound"
    if info.seconds > limits.seconds:
        yield f"its header claims {info.seconds:.0f} s of sound, up to {limits.seconds:.0f} are read: cut it into parts"
    if info.frames * 4 > limits.bytes:
        yield f"its header claims {info.frames} samples, which need more than {limits.bytes} bytes: cut it into parts"
    for claimed, held in SHORT_CHUNK.findall(log):
        if int(claimed) != UNKNOWN_LENGTH:
            yield f"its header claims {claimed} bytes of sound, it holds {held}: fetch or export it again"
