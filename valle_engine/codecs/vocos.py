"""Vocos (Siuzdak 2023, arXiv:2306.00814): sound from EnCodec's codes by predicted Fourier coefficients.

The network is that of the `vocos` package; sizes are taken from the checkpoint, not from its YAML file, which names
classes to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from vocos.heads import ISTFTHead
from vocos.models import VocosBackbone

from valle_engine.codecs.checks import checked_codes
from valle_engine.codecs.encodec import CODEBOOK_SIZE, CODEBOOKS, FRAME_SAMPLES, RATE, OpenEncodec
from valle_engine.codecs.numerics import exact
from valle_engine.codecs.spans import Buffer, joined, spans
from valle_engine.codecs.weights import fill, read_tensors
from valle_engine.errors import CheckpointError
from valle_engine.parts import OpenCodec
from valle_engine.records import Clip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

FILE_NAMES = ("model.safetensors", "pytorch_model.bin")
BANDWIDTHS = (2, 4, 8, 16)  # codebooks at 1.5, 3, 6 and 12 kbit/s; the place in the list is the bandwidth id
EMBEDDINGS = "feature_extractor.codebook_weights"
# What a frame's sound depends on: 3 frames for the first convolution and for each of the eight blocks, 2 for the
# overlap of the windows. More changes nothing.
CONTEXT = 32
SPAN_FRAMES = 1024  # 14 s: the context is computed twice, so short ones cost time


class VocosNetworks:
    """Backbone, head and codebook entries of one checkpoint, on one device."""

    def __init__(self, network: nn.ModuleDict, embeddings: Tensor, device: str) -> None:
        self._network = network.to(device).eval()
        self._embeddings = embeddings.to(device)  # (codebooks · 1024, channels)
        self._device = device

    @classmethod
    def load(cls, path: Path, device: str) -> VocosNetworks:
        """Build the network in the sizes the file has. Raises `CheckpointError`."""
        tensors = read_tensors(path)
        embeddings = tensors.get(EMBEDDINGS)
        if embeddings is None or len(embeddings) < CODEBOOKS * CODEBOOK_SIZE:
            raise CheckpointError(f"{path}: is no Vocos checkpoint for EnCodec's codes")
        try:
            network = _network(tensors)
        except KeyError as error:
            raise CheckpointError(f"{path}: is no Vocos checkpoint: it lacks {error}") from None
        parts = {name: value for name, value in tensors.items() if not name.startswith("feature_extractor.")}
        fill(network, parts, path)
        return cls(network, embeddings.float(), device)

    @exact()
    def sound(self, codes: np.ndarray) -> np.ndarray:
        """Codes (frames, q) to samples (320 · frames,) float32."""
        ids = torch.from_numpy(codes).to(self._device)
        offsets = torch.arange(codes.shape[1], device=self._device) * CODEBOOK_SIZE
        features = self._embeddings[ids + offsets].sum(dim=1)
        bandwidth = torch.tensor([bandwidth_id(codes.shape[1])], device=self._device)
        hidden = self._network["backbone"](features.T[None], bandwidth_id=bandwidth)
        samples: np.ndarray = self._network["head"](hidden)[0].cpu().numpy()
        return samples


def bandwidth_id(codebooks: int) -> int:
    """Which of the bandwidths Vocos was trained on holds this many codebooks."""
    return next(place for place, held in enumerate(BANDWIDTHS) if codebooks <= held)


def _network(tensors: Mapping[str, Tensor]) -> nn.ModuleDict:
    dim, channels, _kernel = tensors["backbone.embed.weight"].shape
    blocks = {name.split(".")[2] for name in tensors if name.startswith("backbone.convnext.")}
    with torch.device("meta"):
        backbone = VocosBackbone(
            input_channels=channels,
            dim=dim,
            intermediate_dim=len(tensors["backbone.convnext.0.pwconv1.weight"]),
            num_layers=len(blocks),
            adanorm_num_embeddings=len(tensors["backbone.norm.scale.weight"]),
        )
        head = ISTFTHead(dim, n_fft=len(tensors["head.out.weight"]) - 2, hop_length=FRAME_SAMPLES, padding="same")
    return nn.ModuleDict({"backbone": backbone, "head": head})


class OpenVocos(OpenCodec):
    """EnCodec's encoder with Vocos as the decoder.

    Clips are worked one by one in spans of fixed sizes with 32 frames around them: see `OpenEncodec` for why.
    """

    def __init__(self, encoder: OpenEncodec, networks: VocosNetworks) -> None:
        self._encoder = encoder
        self._networks = networks

    def encode(self, clips: Sequence[Clip]) -> list[np.ndarray]:
        """Codes (frames, 8) int64 for each clip, whatever its rate."""
        return self._encoder.encode(clips)

    def decode(self, codes: Sequence[np.ndarray]) -> list[Clip]:
        """320 samples at 24 kHz a frame, for codes (frames, up to 8)."""
        return [joined(self.decode_stream([each])) for each in codes]

    def decode_stream(self, pieces: Iterable[np.ndarray]) -> Iterator[Clip]:
        """Clips as their codes arrive, in pieces of any length; joined, they are what `decode` gives."""
        buffer = Buffer(checked_codes(piece, CODEBOOKS, CODEBOOK_SIZE) for piece in pieces)
        for start, stop in spans(SPAN_FRAMES):
            seen = buffer.fill(stop + CONTEXT)
            if seen <= start:
                return
            left = min(start, CONTEXT)
            sound = self._networks.sound(buffer.rows(start - left, stop + CONTEXT))
            wanted = sound[left * FRAME_SAMPLES :][: (min(stop, seen) - start) * FRAME_SAMPLES]
            yield Clip(np.clip(wanted, -1.0, 1.0), RATE)
