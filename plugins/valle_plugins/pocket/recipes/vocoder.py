"""Train a codec's Vocos decoder, from nothing or further, for codes that stay as they are.

What has been coded keeps its meaning, so this goes on while a language model already learns the codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchaudio.transforms import MelSpectrogram

from valle_plugins.pocket import files
from valle_plugins.pocket.features import RATE, weights_of
from valle_plugins.pocket.open_codec import load_codec
from valle_plugins.pocket.recipes.loop import Plan, Training
from valle_plugins.pocket.recipes.sounds import Sounds, unseen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from valle_plugins.pocket.codec_networks import CodecNetwork

RESOLUTIONS = ((512, 40), (1024, 80), (2048, 128))  # window in samples, mel bands
LOUD_ENOUGH = 1e-3


def train(material: Path, plan: Plan) -> None:
    """Train to the plan's end, from the `codec.safetensors` in the plan's folder, which is written anew.

    Raises `CheckpointError` where there is none.
    """
    network = load_codec(plan.folder / files.CODEC)
    network.encoder.requires_grad_(requires_grad=False)
    loss = DecoderLoss(network, Sounds(material, plan.seed))
    Training(network, plan).run(loss, Finish(network, material, plan.folder))


class Finish:
    """Writes the weights, and measures them on speakers that are not trained on."""

    def __init__(self, network: CodecNetwork, material: Path, folder: Path) -> None:
        self._network = network
        self._clips = unseen(material)
        self._path = folder / files.CODEC
        self._spectral = SpectralLoss()

    @torch.no_grad()
    def __call__(self) -> Mapping[str, float]:
        """The spectral distance of the sound of all codebooks."""
        save_file(weights_of(self._network), self._path)
        distances = [self._spectral(self._network.decode(self._network.encode(each)), each) for each in self._clips]
        return {"distance": float(np.mean([distance.item() for distance in distances]))}


class SpectralLoss(nn.Module):
    """L1 between log-mel energies at several resolutions."""

    def __init__(self) -> None:
        super().__init__()
        self._views = nn.ModuleList(
            MelSpectrogram(RATE, n_fft=window, hop_length=window // 4, n_mels=mels, power=1)
            for window, mels in RESOLUTIONS
        )

    def forward(self, made: Tensor, wanted: Tensor) -> Tensor:
        """Samples (batch, n) both."""
        return torch.stack(
            [
                nn.functional.l1_loss(
                    view(made).clamp(min=LOUD_ENOUGH).log(), view(wanted).clamp(min=LOUD_ENOUGH).log()
                )
                for view in self._views
            ]
        ).mean()


class DecoderLoss:
    """The spectral distance of what the decoder makes of the codes."""

    def __init__(self, network: CodecNetwork, sounds: Sounds) -> None:
        self._network = network
        self._sounds = sounds
        self._spectral = SpectralLoss()

    def __call__(self, step: int) -> Mapping[str, Tensor]:
        """The loss of the batch of this number."""
        samples = self._sounds.batch(step)
        with torch.no_grad():
            codes = self._network.encode(samples)
        return {"spectral": self._spectral(self._network.decode(codes), samples)}
