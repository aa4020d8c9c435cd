"""The sound of a book as one stream: silence and lines, in blocks, whatever its length."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from valle_engine.audio import read_clip, resample
from valle_engine.errors import ValleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from valle_plugins.audiobook.lines import Spot

BLOCK = 1 << 15
QUIETEST = -70.0
"""LUFS; what is quieter counts as silence (EBU R128's absolute gate)."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """What was measured (EBU R128): programme loudness in LUFS, loudness range in LU, true peak in dBTP."""

    integrated: float
    range: float
    true_peak: float


def sound_of(spots: Iterable[Spot], rate: int, tail: float = 0.0) -> Iterator[np.ndarray]:
    """Stream the samples (n,) float32 of lines in their places, and `tail` seconds of silence behind them.

    Raises `ValleError` for a file that is gone or not what the ledger says.
    """
    for spot in spots:
        yield from _silence(spot.start - spot.begin)
        if spot.line.path is not None:
            yield from _blocks(_samples(spot, rate))
    yield from _silence(round(tail * rate))


def scaled(blocks: Iterable[np.ndarray], gain_db: float) -> Iterator[np.ndarray]:
    """The same sound, louder or softer by one factor."""
    factor = np.float32(10 ** (gain_db / 20))
    return (block * factor for block in blocks)


def measure(blocks: Iterable[np.ndarray], rate: int) -> Loudness:
    """Loudness and true peak of a stream by FFmpeg's ebur128 filter; silence has the loudness of the gate."""
    import av  # noqa: PLC0415 - only a run that makes a book pays for it

    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="flt", layout="mono", time_base=Fraction(1, rate))
    meter = graph.add("ebur128", "peak=true:metadata=1:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    latest: dict[str, str] = {}
    position = 0
    for block in _whole_steps(blocks, rate // 10):
        frame = av.AudioFrame.from_ndarray(block[None], format="flt", layout="mono")
        frame.sample_rate, frame.pts = rate, position
        position += len(block)
        source.push(frame)
        latest = _drained(sink, latest)
    source.push(None)
    latest = _drained(sink, latest)
    peak = float(latest.get("lavfi.r128.true_peak", 0))
    return Loudness(
        integrated=max(QUIETEST, float(latest.get("lavfi.r128.I", QUIETEST))),
        range=float(latest.get("lavfi.r128.LRA", 0)),
        true_peak=20 * math.log10(peak) if peak > 0 else -math.inf,
    )


def gain_for(found: Loudness, target: float, ceiling: float) -> float:
    """Decibels that bring a sound to a target loudness, or as near as its true peak lets it come; 0 for silence."""
    if found.integrated <= QUIETEST:
        return 0.0
    return min(target - found.integrated, ceiling - found.true_peak)


def _whole_steps(blocks: Iterable[np.ndarray], step: int) -> Iterator[np.ndarray]:
    """The blocks, and silence up to the meter's next step: it leaves out what does not fill one."""
    samples = 0
    for block in blocks:
        samples += len(block)
        yield block
    yield from _silence(-samples % step)


def _drained(sink: object, latest: dict[str, str]) -> dict[str, str]:
    import av  # noqa: PLC0415 - as above

    while True:
        try:
            latest = dict(sink.pull().metadata) or latest  # type: ignore[attr-defined]
        except (av.BlockingIOError, av.EOFError):
            return latest


def _samples(spot: Spot, rate: int) -> np.ndarray:
    line = spot.line
    assert line.path is not None  # noqa: S101 - the caller has asked
    clip = resample(read_clip(line.path), rate)
    if len(clip.samples) != spot.end - spot.start:
        raise ValleError(f"{line.path} is not what the ledger says: run `valle verify`, then the job again")
    return clip.samples


def _silence(samples: int) -> Iterator[np.ndarray]:
    while samples > 0:
        yield np.zeros(min(samples, BLOCK), np.float32)
        samples -= BLOCK


def _blocks(samples: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(samples), BLOCK):
        yield samples[start : start + BLOCK]
