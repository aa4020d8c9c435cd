"""Whether a recording is fit to learn from."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from valle_engine.errors import ItemError

if TYPE_CHECKING:
    import numpy as np

    from valle_engine.records import Clip

FULL_SCALE = 0.999
FRAME_SECONDS = 0.02
SILENT = 1e-3
"""Level (-60 dB) that nothing in a silent recording comes above."""
QUIET = 1e-2
"""Part of a recording's loudest level (-40 dB) under which a frame is a pause."""
_LETTERS = {"Ll", "Lo", "Lu"}


class Soundness(BaseModel):
    """Bounds of what passes; an error begins with the name of the check."""

    min_seconds: float = Field(0.5, ge=0, description="Shortest recording.")
    max_seconds: float = Field(20.0, gt=0, description="Longest recording.")
    max_clipped: float = Field(0.001, ge=0, le=1, description="Largest share of samples at full scale.")
    max_silence: float = Field(2.0, gt=0, description="Longest silence in it, in seconds.")
    min_rate: float = Field(3.0, ge=0, description="Fewest phonemes a second: below, words are missing from the text.")
    max_rate: float = Field(30.0, gt=0, description="Most phonemes a second: above, words are missing from the sound.")

    def check(self, clip: Clip, phonemes: str) -> None:
        """Raise `ItemError` for a recording that is not fit to learn from, or does not fit its phonemes."""
        seconds = clip.seconds
        if not self.min_seconds <= seconds <= self.max_seconds:
            raise ItemError(f"length: {seconds:.2f} s, not {self.min_seconds:g} to {self.max_seconds:g}")
        if (clipped := clipped_share(clip.samples)) > self.max_clipped:
            raise ItemError(
                f"clipping: {clipped:.2%} of the samples are at full scale, at most {self.max_clipped:.2%} may"
            )
        if (silence := longest_silence(clip)) > min(self.max_silence, seconds - FRAME_SECONDS):
            raise ItemError(
                f"silence: {silence:.1f} s of {seconds:.1f} s without sound, at most {self.max_silence:g} s may"
            )
        rate = spoken_sounds(phonemes) / seconds
        if not self.min_rate <= rate <= self.max_rate:
            raise ItemError(f"speech rate: {rate:.1f} phonemes a second, not {self.min_rate:g} to {self.max_rate:g}")


def clipped_share(samples: np.ndarray) -> float:
    """Share of samples (n,) at full scale."""
    import numpy as np  # noqa: PLC0415 - a check of a job needs no numpy

    return float(np.mean(np.abs(samples) >= FULL_SCALE))


def longest_silence(clip: Clip) -> float:
    """Seconds of the longest stretch that is quiet beside the loudest; all of them when there is no sound in it."""
    import numpy as np  # noqa: PLC0415 - as above

    length = max(1, round(FRAME_SECONDS * clip.rate))
    frames = clip.samples[: len(clip.samples) // length * length].reshape(-1, length)
    levels = np.sqrt(np.square(frames, dtype=np.float64).mean(axis=1))
    if levels.max(initial=0) < SILENT:
        return clip.seconds
    loud = np.flatnonzero(levels >= QUIET * levels.max())
    gaps = np.diff(np.concatenate([[-1], loud, [len(levels)]])) - 1
    return float(gaps.max() * length / clip.rate)


def spoken_sounds(phonemes: str) -> int:
    """Phonemes in a text of IPA: its letters, without stress, length, tones, spaces and punctuation."""
    return sum(unicodedata.category(letter) in _LETTERS for letter in phonemes)
