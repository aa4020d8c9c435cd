"""Change the rate of sound with a windowed sinc filter."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np

from valle_engine.audio.scientific import scientific
from valle_engine.records import Clip

# 64 zero crossings under a Kaiser window of this shape: flat up to 0.9 of the lower half rate, -100 dB beyond it.
ZERO_CROSSINGS = 64
KAISER_BETA = 10.0
CUTOFF = 0.95
# The filter is as long as the larger term of the ratio, and two odd rates share no factor. Up to here every ratio is
# exact; beyond, the nearest one is taken, which is at most 2e-5 off.
MAX_TERM = 48_000


def resample(clip: Clip, rate: int) -> Clip:
    """The clip at another rate, in float32; `ceil(n * rate / clip.rate)` samples, the clip itself if it has that rate.

    Deterministic, and each output sample depends only on the input within 64 zero crossings.
    """
    if rate == clip.rate:
        return clip
    ratio = _ratio(rate, clip.rate)
    length = -(-len(clip.samples) * rate // clip.rate)
    window = _filter(ratio.numerator, ratio.denominator)
    samples = scientific("signal").resample_poly(clip.samples, ratio.numerator, ratio.denominator, window=window)
    return Clip(np.clip(_fitted(samples, length), -1.0, 1.0), rate)


def _ratio(wanted: int, given: int) -> Fraction:
    downwards = Fraction(min(wanted, given), max(wanted, given)).limit_denominator(MAX_TERM)
    return downwards if wanted < given else 1 / downwards


@lru_cache(maxsize=4)
def _filter(up: int, down: int) -> np.ndarray:
    widest = max(up, down)
    taps = 2 * ZERO_CROSSINGS * widest + 1
    window = ("kaiser", KAISER_BETA)
    return np.asarray(scientific("signal").firwin(taps, CUTOFF / widest, window=window), np.float32)


def _fitted(samples: np.ndarray, length: int) -> np.ndarray:
    return np.pad(samples[:length], (0, max(0, length - len(samples)))).astype(np.float32, copy=False)
