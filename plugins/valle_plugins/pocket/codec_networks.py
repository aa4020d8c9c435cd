"""Pocket's codec: log-mel frames to residual codes by a small ConvNeXt encoder, and back to sound by a Vocos decoder.

The blocks are those of the `vocos` package (Siuzdak 2023, arXiv:2306.00814), the quantiser that of `encodec` (Défossez et
al. 2022, arXiv:2210.13438). The encoder works on frames instead of samples, which costs a tenth of EnCodec's.
"""

from __future__ import annotations

from dataclasses import dataclass

from encodec.quantization import ResidualVectorQuantizer
from torch import Tensor, nn
from vocos.heads import ISTFTHead

from valle_plugins.pocket.features import RATE, LogMel, Sizes, backbone, reach

FRAME_SAMPLES = 960  # 25 frames a second
STEPS_A_FRAME = 2  # of both networks: 50 a second
STEP_SAMPLES = FRAME_SAMPLES // STEPS_A_FRAME
STEP_WINDOW = 4 * STEP_SAMPLES  # what one step of the decoder sounds like
MEL_HOP = 240  # samples: the encoder sees two mel frames in a step
MEL_WINDOW = 960
STACKED = STEP_SAMPLES // MEL_HOP
CODEBOOK = "quantizer.vq.layers.{}._codebook.embed"


@dataclass(frozen=True, slots=True)
class CodecSizes:
    """Widths and depths of the networks; the defaults are pocket's."""

    mels: int = 100
    encoder: Sizes = (192, 576, 4)  # channels, inner channels, blocks, at 50 steps/s
    latent: int = 64
    codebooks: int = 8
    entries: int = 1024
    context: Sizes = (192, 576, 2)  # at 25 frames/s
    step_channels: int = 192
    decoder: Sizes = (256, 768, 6)  # at 50 steps/s

    @property
    def encoder_reach(self) -> int:
        """How many frames to either side a frame's codes may depend on; one is for the mel windows."""
        return -(-reach(self.encoder) // STEPS_A_FRAME) + 1

    @property
    def decoder_reach(self) -> int:
        """How many frames to either side a frame's sound may depend on; windows overlap by three steps."""
        return reach(self.context) - (-(reach(self.decoder) + 3) // STEPS_A_FRAME)


class Encoder(nn.Module):
    """Samples (batch, 960 · frames) to what is quantised, (batch, latent, frames)."""

    def __init__(self, sizes: CodecSizes) -> None:
        super().__init__()
        self.features = LogMel(sizes.mels, MEL_WINDOW, MEL_HOP)
        self.backbone = backbone(sizes.mels * STACKED, sizes.encoder)
        self.project = nn.Linear(sizes.encoder[0] * STEPS_A_FRAME, sizes.latent)
        self.norm = nn.LayerNorm(sizes.latent)

    def forward(self, samples: Tensor) -> Tensor:
        """The norm keeps distances to the codebooks' entries in one scale."""
        steps = self.features(samples).transpose(1, 2)  # (batch, steps, mels)
        hidden = self.backbone(_stacked(steps, STACKED).transpose(1, 2))
        frames: Tensor = self.norm(self.project(_stacked(hidden, STEPS_A_FRAME)))
        return frames.transpose(1, 2)


def _stacked(steps: Tensor, count: int) -> Tensor:
    batch, length, channels = steps.shape
    return steps.reshape(batch, length // count, channels * count)


class Decoder(nn.Module):
    """Quantised frames (batch, latent, frames) to samples (batch, 960 · frames)."""

    def __init__(self, sizes: CodecSizes) -> None:
        super().__init__()
        self.context = backbone(sizes.latent, sizes.context)
        self.expand = nn.Linear(sizes.context[0], STEPS_A_FRAME * sizes.step_channels)
        self.backbone = backbone(sizes.step_channels, sizes.decoder)
        self.head = ISTFTHead(sizes.decoder[0], n_fft=STEP_WINDOW, hop_length=STEP_SAMPLES, padding="same")

    def forward(self, latent: Tensor) -> Tensor:
        """Each frame becomes two steps, each step a window of 80 ms."""
        expanded = self.expand(self.context(latent))  # (batch, frames, 2 · step channels)
        batch, frames, width = expanded.shape
        steps = expanded.reshape(batch, frames * STEPS_A_FRAME, width // STEPS_A_FRAME)
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

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (batch, frames, up to all codebooks) to samples (batch, 960 · frames)."""
        samples: Tensor = self.decoder(self.quantizer.vq.decode(codes.permute(2, 0, 1)))
        return samples
