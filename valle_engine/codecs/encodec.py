"""EnCodec 24 kHz (Défossez et al. 2022, arXiv:2210.13438): sound to codes and back, eight codebooks at 75 frames/s.

The networks are those of the `encodec` package; the checkpoint is read in its own layout or in that of transformers.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np
import torch
from encodec.modules.seanet import SEANetDecoder, SEANetEncoder
from torch import Tensor, nn

from valle_engine.codecs.checks import checked_codes, samples_at
from valle_engine.codecs.numerics import exact
from valle_engine.codecs.spans import Buffer, joined, spans
from valle_engine.codecs.streaming import CausalStream
from valle_engine.codecs.weights import fill, read_tensors, unnormalised
from valle_engine.errors import CheckpointError
from valle_engine.parts import OpenCodec
from valle_engine.records import Clip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

RATE = 24000
FRAME_SAMPLES = 320
CODEBOOKS = 8
CODEBOOK_SIZE = 1024
SPAN_FRAMES = 256  # 3.4 s: longer ones cost memory and gain nothing
FILE_NAMES = ("model.safetensors", "encodec_24khz-d7cc33bc.th", "pytorch_model.bin")
# In the layout of the `encodec` package, and in that of transformers.
CODEBOOK = re.compile(r"quantizer\.(?:vq\.)?layers\.(\d+)\._?codebook\.embed")
FIRST_BIAS = ("encoder.model.0.conv.conv.bias", "encoder.layers.0.conv.bias")


class EncodecNetworks:
    """The encoder, the decoder and the codebooks of one checkpoint, on one device."""

    def __init__(self, encoder: SEANetEncoder, decoder: SEANetDecoder, codebooks: Tensor, device: str) -> None:
        self.encoder = encoder.to(device).eval().model
        self.decoder = decoder.to(device).eval().model
        self.codebooks = codebooks.to(device)  # (codebooks, entries, dimension)
        self.device = device

    @classmethod
    def load(cls, path: Path, device: str) -> EncodecNetworks:
        """Build the networks in the sizes the file has. Raises `CheckpointError`."""
        tensors = unnormalised(read_tensors(path))
        books = {int(found[1]): tensors[name] for name in tensors if (found := CODEBOOK.fullmatch(name))}
        first = next((tensors[name] for name in FIRST_BIAS if name in tensors), None)
        if first is None or not set(range(CODEBOOKS)) <= set(books):
            raise CheckpointError(f"{path}: is no checkpoint of EnCodec 24 kHz with {CODEBOOKS} codebooks or more")
        codebooks = torch.stack([books[number].float() for number in range(CODEBOOKS)])
        dimension, filters = codebooks.shape[-1], len(first)
        with torch.device("meta"):
            encoder = SEANetEncoder(dimension=dimension, n_filters=filters, causal=True, norm="none")
            decoder = SEANetDecoder(dimension=dimension, n_filters=filters, causal=True, norm="none")
        networks = nn.ModuleDict({"encoder": encoder, "decoder": decoder})
        fill(networks, _renamed(tensors, networks), path)
        return cls(encoder, decoder, codebooks, device)

    def quantise(self, embeddings: Tensor) -> Tensor:
        """Embeddings (frames, dimension) to codes (frames, codebooks): each codebook codes what those before left."""
        residual, codes = embeddings, []
        for book in self.codebooks:
            distances = residual.pow(2).sum(1, keepdim=True) - 2 * residual @ book.T + book.pow(2).sum(1)
            nearest = distances.argmin(dim=1)
            residual = residual - book[nearest]
            codes.append(nearest)
        return torch.stack(codes, dim=1)

    def embed(self, codes: Tensor) -> Tensor:
        """Codes (frames, q) to the sum of their codebook entries, (frames, dimension)."""
        return torch.stack([self.codebooks[q][codes[:, q]] for q in range(codes.shape[1])]).sum(dim=0)


class OpenEncodec(OpenCodec):
    """EnCodec with its weights in memory.

    Clips are worked one by one in spans of fixed sizes, because a row's last bits depend on the shape of its batch:
    whatever is asked for together, and in one piece or many, the result is the same to the bit. On a processor this
    costs nothing, since one clip fills a core.
    """

    def __init__(self, networks: EncodecNetworks) -> None:
        self._networks = networks

    def encode(self, clips: Sequence[Clip]) -> list[np.ndarray]:
        """Codes (frames, 8) int64 for each clip, whatever its rate; a last frame that is begun is a frame."""
        return [self._encoded(samples_at(clip, RATE)) for clip in clips]

    def decode(self, codes: Sequence[np.ndarray]) -> list[Clip]:
        """320 samples at 24 kHz a frame, for codes (frames, up to 8)."""
        return [joined(self.decode_stream([each])) for each in codes]

    def decode_stream(self, pieces: Iterable[np.ndarray]) -> Iterator[Clip]:
        """Clips as their codes arrive, in pieces of any length; joined, they are what `decode` gives."""
        networks = self._networks
        stream = CausalStream(networks.decoder)
        buffer = Buffer(checked_codes(piece, CODEBOOKS, CODEBOOK_SIZE) for piece in pieces)
        for start, stop in spans(SPAN_FRAMES):
            if buffer.fill(stop) <= start:
                return
            with exact():
                codes = torch.from_numpy(buffer.rows(start, stop)).to(networks.device)
                sound = stream.push(networks.embed(codes).T[None])
            yield Clip(np.clip(sound[0, 0].cpu().numpy(), -1.0, 1.0), RATE)

    @exact()
    def _encoded(self, samples: np.ndarray) -> np.ndarray:
        networks = self._networks
        stream = CausalStream(networks.encoder)
        codes = []
        for start, stop in takewhile(lambda span: span[0] * FRAME_SAMPLES < len(samples), spans(SPAN_FRAMES)):
            piece = torch.from_numpy(samples[start * FRAME_SAMPLES : stop * FRAME_SAMPLES]).to(networks.device)
            codes.append(networks.quantise(stream.push(piece[None, None])[0].T))
        return torch.cat(codes).cpu().numpy()


def _renamed(tensors: Mapping[str, Tensor], networks: nn.Module) -> dict[str, Tensor]:
    """The networks' tensors under the networks' names, whichever of the two layouts they come in."""
    names = {_transformers_name(name): name for name in networks.state_dict()}
    return {names.get(name, name): tensor for name, tensor in tensors.items() if not name.startswith("quantizer.")}


def _transformers_name(name: str) -> str:
    return re.sub(r"\.(conv|convtr)\.\1\.", ".conv.", name.replace(".model.", ".layers.", 1))
