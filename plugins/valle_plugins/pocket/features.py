"""What pocket's networks share: log-mel features, Vocos' backbone, and the sizes a file of weights has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torchaudio.transforms import MelSpectrogram
from vocos.models import VocosBackbone

from valle_engine.codecs.weights import fill

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RATE = 24000
QUIET = 1e-5  # the floor under the mel energies, in the log

Sizes = tuple[int, int, int]
"""Channels, inner channels and number of a backbone's blocks."""

WORKING = ("inited", "cluster_size", "embed_avg")
"""Names of what a quantiser keeps for training alone."""
CONSTANT = ("spectrogram.window", "mel_scale.fb", "istft.window")
"""Names of what follows from the sizes."""


class LogMel(nn.Module):
    """Samples (batch, hop · n) to log-mel energies (batch, mels, n), step i about the samples from hop · i on."""

    def __init__(self, mels: int, window: int, hop: int, floor: float = QUIET) -> None:
        super().__init__()
        self._margin = (window - hop) // 2
        self._floor = floor
        self.mel = MelSpectrogram(RATE, n_fft=window, hop_length=hop, n_mels=mels, center=False, power=1)

    def forward(self, samples: Tensor) -> Tensor:
        """Zeros stand for what lies outside."""
        padded = nn.functional.pad(samples, (self._margin, self._margin))
        energies: Tensor = self.mel(padded)
        return energies.clamp(min=self._floor).log()


def backbone(inputs: int, sizes: Sizes) -> VocosBackbone:
    """Vocos' backbone for (batch, inputs, length) to (batch, length, channels)."""
    channels, inner, blocks = sizes
    return VocosBackbone(input_channels=inputs, dim=channels, intermediate_dim=inner, num_layers=blocks)


def backbone_sizes(tensors: Mapping[str, Tensor], name: str) -> Sizes:
    """The sizes of the backbone that a checkpoint holds under a name. Raises `KeyError` where it holds none."""
    inner, channels = tensors[f"{name}.convnext.0.pwconv1.weight"].shape
    blocks = {
        key.removeprefix(f"{name}.convnext.").split(".")[0] for key in tensors if key.startswith(f"{name}.convnext.")
    }
    return channels, inner, len(blocks)


def reach(sizes: Sizes) -> int:
    """How far a backbone's output looks to either side: 3 for its first convolution and for each block."""
    return 3 * (sizes[2] + 1)


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """The tensors that make the network what it is, in half precision."""
    return {
        name: value.detach().half().contiguous()
        for name, value in network.state_dict().items()
        if not name.endswith(WORKING + CONSTANT)
    }


def load_into(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Give a network the tensors of a file, in float32. Raises `CheckpointError` for what does not fit."""
    own = {name: value for name, value in network.state_dict().items() if name.endswith(WORKING + CONSTANT)}
    fill(network, {**own, **tensors}, path)
