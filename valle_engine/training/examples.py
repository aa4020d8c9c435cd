"""What a model learns from: one utterance, prepared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from valle_engine.parts import Codec


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One utterance of a prepared corpus.

    `codes`, `noise` and `noisy` are (frames, codebooks) uint16; `phonemes` is IPA as the text front end writes it.
    `noise` is background sound alone and `noisy` the utterance within it, both as long as the utterance; None where
    the corpus was prepared without. `seconds` is the length of its sound.
    """

    id: str
    speaker: str
    language: str
    text: str
    phonemes: str
    codes: np.ndarray
    seconds: float
    noise: np.ndarray | None = None
    noisy: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class CodecFacts:
    """What a corpus keeps of the codec that its codes are of; rates in Hz."""

    name: str
    sample_rate: int
    frame_rate: int
    codebooks: int
    codebook_size: int

    @classmethod
    def of(cls, codec: Codec | type[Codec]) -> CodecFacts:
        """The facts of a codec."""
        return cls(codec.name, codec.sample_rate, codec.frame_rate, codec.codebooks, codec.codebook_size)
