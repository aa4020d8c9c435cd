"""Pocket's codec with its weights in memory: clips to codes and back, in spans, the same whatever is beside them."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np
import torch

from valle_engine.codecs.checks import checked_codes, samples_at
from valle_engine.codecs.numerics import exact
from valle_engine.codecs.spans import Buffer, joined, spans
from valle_engine.codecs.weights import read_tensors
from valle_engine.errors import CheckpointError
from valle_engine.parts import OpenCodec
from valle_engine.records import Clip
from valle_plugins.pocket.codec_networks import CODEBOOK, FRAME_SAMPLES, CodecNetwork, CodecSizes
from valle_plugins.pocket.features import RATE, backbone_sizes, load_into

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

SPAN_FRAMES = 512  # 20 s: what lies around a span is computed again, so short ones cost time


class OpenPocketCodec(OpenCodec):
    """Clips are worked one by one in spans of fixed sizes, because a row's last bits depend on the shape of its batch.

    A span is computed with as many frames around it as its own can depend on, so cutting changes nothing.
    """

    def __init__(self, network: CodecNetwork, device: str) -> None:
        self._network = network.to(device).eval()
        self._device = device

    def encode(self, clips: Sequence[Clip]) -> list[np.ndarray]:
        """Codes (frames, 8) int64 for each clip, whatever its rate; a last frame that is begun is a frame."""
        return [self._encoded(samples_at(clip, RATE)) for clip in clips]

    def decode(self, codes: Sequence[np.ndarray]) -> list[Clip]:
        """960 samples at 24 kHz a frame, for codes (frames, up to 8)."""
        return [joined(self.decode_stream([each])) for each in codes]

    def decode_stream(self, pieces: Iterable[np.ndarray]) -> Iterator[Clip]:
        """Clips as their codes arrive, in pieces of any length; joined, they are what `decode` gives."""
        sizes = self._network.sizes
        buffer = Buffer(checked_codes(piece, sizes.codebooks, sizes.entries) for piece in pieces)
        for start, stop in spans(SPAN_FRAMES):
            seen = buffer.fill(stop + sizes.decoder_reach)
            if seen <= start:
                return
            left = min(start, sizes.decoder_reach)
            sound = self._sound(buffer.rows(start - left, stop + sizes.decoder_reach))
            wanted = sound[left * FRAME_SAMPLES :][: (min(stop, seen) - start) * FRAME_SAMPLES]
            yield Clip(np.clip(wanted, -1.0, 1.0), RATE)

    def _encoded(self, samples: np.ndarray) -> np.ndarray:
        frames = -(-len(samples) // FRAME_SAMPLES)
        whole = np.pad(samples, (0, frames * FRAME_SAMPLES - len(samples)))
        reach = self._network.sizes.encoder_reach
        codes = []
        for start, stop in takewhile(lambda span: span[0] < frames, spans(SPAN_FRAMES)):
            left = min(start, reach)
            piece = whole[(start - left) * FRAME_SAMPLES : (stop + reach) * FRAME_SAMPLES]
            codes.append(self._codes(piece)[left : left + stop - start])
        return np.concatenate(codes)

    @exact()
    def _codes(self, samples: np.ndarray) -> np.ndarray:
        found: np.ndarray = self._network.encode(torch.from_numpy(samples).to(self._device)[None])[0].cpu().numpy()
        return found

    @exact()
    def _sound(self, codes: np.ndarray) -> np.ndarray:
        sound: np.ndarray = self._network.decode(torch.from_numpy(codes).to(self._device)[None])[0].cpu().numpy()
        return sound


def load_codec(path: Path) -> CodecNetwork:
    """The networks in the sizes the file has, on the processor. Raises `CheckpointError`."""
    tensors = read_tensors(path)
    try:
        network = CodecNetwork(_sizes(tensors))
    except KeyError as error:
        raise CheckpointError(f"{path}: holds no codec of pocket's kind: it lacks {error}") from None
    load_into(network, tensors, path)
    return network


def _sizes(tensors: Mapping[str, Tensor]) -> CodecSizes:
    entries, latent = tensors[CODEBOOK.format(0)].shape
    return CodecSizes(
        latent=latent,
        codebooks=next(number for number in range(len(tensors)) if CODEBOOK.format(number) not in tensors),
        entries=entries,
        decoder=backbone_sizes(tensors, "decoder.backbone"),
    )
