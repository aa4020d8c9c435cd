"""Fit a voice prompt's codes, (frames, codebooks), to the length a model wants."""

from __future__ import annotations

import numpy as np

# EnCodec's codes for a frame of silence, lowest codebook first, and its frames a second.
SILENCE = (62, 424, 786, 673, 622, 986, 570, 948)
FRAME_RATE = 75


def frames_of(seconds: float, frame_rate: int) -> int:
    """Whole frames in a time."""
    return int(seconds * frame_rate)


def trimmed(codes: np.ndarray, frames: int) -> np.ndarray:
    """The first `frames` frames; a negative number keeps that many of the last. Shorter codes stay as they are."""
    return codes[:frames] if frames >= 0 else codes[frames:]


def excerpt(codes: np.ndarray, frames: int, random: np.random.Generator) -> np.ndarray:
    """`frames` frames in a row from a random place; shorter codes stay as they are."""
    start = int(random.integers(max(len(codes) - frames, 0) + 1))
    return codes[start : start + frames]


def repeated(codes: np.ndarray, frames: int) -> np.ndarray:
    """Just `frames` frames: the codes over and over, cut at the end. Raises `ValueError` for no codes."""
    if not len(codes):
        raise ValueError("codes without frames cannot be repeated")
    return np.resize(codes, (frames, *codes.shape[1:]))


def silence(seconds: float) -> np.ndarray:
    """EnCodec's codes (frames, 8) int64 of silence."""
    return np.tile(np.array(SILENCE, np.int64), (frames_of(seconds, FRAME_RATE), 1))
