"""Write sound: the same samples give the same bytes, on any machine with the same libraries."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

import numpy as np
import soundfile

from valle_engine.errors import AudioError

if TYPE_CHECKING:
    from valle_engine.records import Clip

AudioFormat = Literal["flac", "wav"]

FULL_SCALE = 32768


def encode_clip(clip: Clip, audio_format: AudioFormat) -> bytes:
    """A clip as the bytes of a file with one channel of 16 bit.

    16 bit without dither in both formats: a wav and a flac of one clip hold the same samples, and what was read from a
    16 bit file is written back unchanged. Samples beyond [-1, 1] are limited to it. Raises `AudioError` for a clip that
    is empty or holds values that are no numbers, and for a rate the format has no place for.
    """
    if clip.samples.ndim != 1 or not len(clip.samples):
        raise AudioError(f"a clip of shape {clip.samples.shape} is no sound of one channel")
    if not np.isfinite(clip.samples).all():
        raise AudioError("a clip holds samples that are no numbers (NaN or infinite)")
    scaled = np.rint(clip.samples.astype(np.float64) * FULL_SCALE)
    quantised = scaled.clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    file = io.BytesIO()
    try:
        soundfile.write(file, quantised, clip.rate, format=audio_format.upper(), subtype="PCM_16")
    except (soundfile.LibsndfileError, OverflowError) as error:
        raise AudioError(f"a clip at {clip.rate} Hz cannot be written as {audio_format}: {error}") from None
    return file.getvalue()
