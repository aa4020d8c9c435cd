"""What every codec checks of the codes and clips it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from valle_engine.audio import resample
from valle_engine.errors import ItemError

if TYPE_CHECKING:
    from valle_engine.records import Clip


def checked_codes(codes: np.ndarray, codebooks: int, codebook_size: int) -> np.ndarray:
    """Codes (frames, codebooks or fewer) as int64. Raises `ItemError` for another shape or an id out of range."""
    if codes.ndim != 2 or not len(codes) or not 1 <= codes.shape[1] <= codebooks:
        raise ItemError(f"codes of shape {codes.shape} cannot be decoded: (frames, up to {codebooks} codebooks) can")
    if codes.min() < 0 or codes.max() >= codebook_size:
        raise ItemError(f"codes from {codes.min()} to {codes.max()} cannot be decoded: 0 to {codebook_size - 1} can")
    return codes.astype(np.int64)


def samples_at(clip: Clip, rate: int) -> np.ndarray:
    """The clip's samples (n,) float32 at a rate. Raises `ItemError` for a clip without any."""
    if not len(clip.samples):
        raise ItemError("a clip without samples cannot be encoded")
    return resample(clip, rate).samples
