"""Pocket's codec: log-mel frames, projected and quantised, and a Vocos decoder that makes sound of them.

The quantiser is that of `encodec` (Défossez et al. 2022, arXiv:2210.13438), the decoder that of `vocos` (Siuzdak 2023,
arXiv:2306.00814). The encoder is linear: a projection onto the principal components of spectra keeps more of them than
a network does that has learnt for an hour on one core, and a frame's codes depend on nothing but its own 80 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from encodec.quantization.vq import ResidualVectorQuantizer
from torch import Tensor, nn
from vocos.heads import ISTFTHead

from valle_plugins.pocket.features import LogMel, Sizes, backbone, reach

FRAME_SAMPLES = 960  # 25 frames a second
VIEWS = ((128, 1920, 480), (80, 960, 240))  # mel bands, window and hop: one for pitch, one for what is brief
FLOOR = 1e-2  # of the energies: 80 dB below loud speech; what is fainter is not coded
STEPS = 4  # of the decoder in a frame: 100 a second
STEP_SAMPLES = FRAME_SAMPLES // STEPS
OVERLAP = 4  # windows of the decoder's steps that lie over one another
STEP_ENERGIES = sum(mels for mels, _window, _hop in VIEWS)
FRAME_ENERGIES = sum(mels * FRAME_SAMPLES // hop for mels, _window, hop in VIEWS)
CODEBOOK = "quantizer.vq.layers.{}._codebook.embed"


@dataclass(frozen=True, slots=True)
class CodecSizes:
    """Widths and depths; the defaults are pocket's."""

    latent: int = 64
    codebooks: int = 8
    entries: int = 1024
    decoder: Sizes = (256, 768, 6)  # channels, inner channels, blocks

    @property
    def encoder_reach(self) -> int:
        """How many frames to either side a frame's codes may depend on: its windows begin and end in the next ones."""
        return 1

    @property
    def decoder_reach(self) -> int:
        """How many frames to either side a frame's sound may depend on."""
        return -(-(reach(self.decoder) + OVERLAP - 1) // STEPS)


class Spectra(nn.Module):
    """Samples (batch, 960 · frames) to all log-mel energies of each frame, (batch, frames, 576)."""

    def __init__(self) -> None:
        super().__init__()
        self.views = nn.ModuleList(LogMel(mels, window, hop, FLOOR) for mels, window, hop in VIEWS)

    def forward(self, samples: Tensor) -> Tensor:
        """View after view, in each the mel frames in their order."""
        frames = samples.shape[1] // FRAME_SAMPLES
        seen = [view(samples).transpose(1, 2).reshape(len(samples), frames, -1) for view in self.views]
        return torch.cat(seen, dim=-1)


class Encoder(nn.Module):
    """Samples (batch, 960 · frames) to what is quantised, (batch, latent, frames)."""

    def __init__(self, sizes: CodecSizes) -> None:
        super().__init__()
        self.spectra = Spectra()
        self.project = nn.Linear(FRAME_ENERGIES, sizes.latent)

    def forward(self, samples: Tensor) -> Tensor:
        """Principal components of the spectra, all divided by one number."""
        latent: Tensor = self.project(self.spectra(samples))
        return latent.transpose(1, 2)


class Decoder(nn.Module):
    """Quantised frames (batch, latent, frames) to samples (batch, 960 · frames)."""

    def __init__(self, sizes: CodecSizes) -> None:
        super().__init__()
        self.expand = nn.Linear(sizes.latent, STEPS * STEP_ENERGIES)
        self.backbone = backbone(STEP_ENERGIES, sizes.decoder)
        self.head = ISTFTHead(sizes.decoder[0], n_fft=OVERLAP * STEP_SAMPLES, hop_length=STEP_SAMPLES, padding="same")

    def forward(self, latent: Tensor) -> Tensor:
        """Each frame becomes four steps of energies, each step a window of 40 ms."""
        steps = self.expand(latent.transpose(1, 2)).reshape(len(latent), -1, STEP_ENERGIES)
        samples: Tensor = self.head(self.backbone(steps.transpose(1, 2)))
        return samples


class CodecNetwork(nn.Module):
    """Encoder, residual vector quantiser and decoder."""

    def __init__(self, sizes: CodecSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.encoder = Encoder(sizes)
        self.quantizer = ResidualVectorQuantizer(
            sizes.latent, n_q=sizes.codebooks, bins=sizes.entries, kmeans_init=False
        )
        self.decoder = Decoder(sizes)

    def encode(self, samples: Tensor) -> Tensor:
        """Samples (batch, 960 · frames) to codes (batch, frames, codebooks)."""
        codes: Tensor = self.quantizer.vq.encode(self.encoder(samples))  # (codebooks, batch, frames)
        return codes.permute(1, 2, 0)

    def dequantise(self, codes: Tensor) -> Tensor:
        """Codes (batch, frames, up to all codebooks) to (batch, latent, frames)."""
        latent: Tensor = self.quantizer.vq.decode(codes.permute(2, 0, 1))
        return latent

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (batch, frames, up to all codebooks) to samples (batch, 960 · frames)."""
        samples: Tensor = self.decoder(self.dequantise(codes))
        return samples
