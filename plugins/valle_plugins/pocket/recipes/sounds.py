"""What the codec and the vocoder hear: seconds of clean speech, noisy speech, and noise alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from valle_plugins.pocket.codec_networks import FRAME_SAMPLES
from valle_plugins.pocket.recipes.bank import Bank, mixed
from valle_plugins.pocket.recipes.material import NOISES, TRAIN, VALIDATION

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

BATCH = 16
FRAMES = 25  # 1 s
NOISY, NOISE_ALONE = 0.25, 0.06  # shares of a batch
LOUDEST_NOISE, FAINTEST_NOISE = -5.0, 20.0  # dB below the speech
MEASURED = 32  # utterances of the validation bank


class Sounds:
    """Batches of seconds; a batch is a function of the seed and its number."""

    def __init__(self, material: Path, seed: int) -> None:
        self._speech = Bank(material / TRAIN)
        self._noises = Bank(material / NOISES)
        self._seed = seed

    def batch(self, number: int) -> Tensor:
        """(16, samples) float32."""
        rng = np.random.default_rng([self._seed, number])
        return torch.from_numpy(np.stack([self._one(rng) for _ in range(BATCH)]))

    def _one(self, rng: np.random.Generator) -> np.ndarray:
        length = FRAMES * FRAME_SAMPLES
        kind, level = rng.random(), rng.uniform(0.3, 1.3)
        if kind < NOISE_ALONE:
            return (level * rng.uniform(0.05, 1.0) * self._noises.crop(rng, length)).astype(np.float32)
        speech = self._speech.crop(rng, length)
        if kind < NOISE_ALONE + NOISY:
            speech = mixed(speech, self._noises.crop(rng, length), rng.uniform(LOUDEST_NOISE, FAINTEST_NOISE))
        return np.clip(level * speech, -1.0, 1.0).astype(np.float32)


def unseen(material: Path) -> list[Tensor]:
    """Utterances of speakers that are not learnt from, each as (1, 960 · frames); zeros fill its last frame."""
    speech = Bank(material / VALIDATION)
    clips = [speech.samples(index) for index in range(min(MEASURED, len(speech)))]
    return [torch.from_numpy(np.pad(clip, (0, -len(clip) % FRAME_SAMPLES)))[None] for clip in clips]
