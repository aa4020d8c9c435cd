"""Pocket's phoneme recogniser with its weights in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from valle_engine.codecs.checks import samples_at
from valle_engine.codecs.numerics import exact
from valle_engine.codecs.weights import read_tensors
from valle_engine.errors import CheckpointError
from valle_plugins.pocket.features import RATE, backbone_sizes, load_into
from valle_plugins.pocket.recogniser_network import FRAME_SAMPLES, RecogniserNetwork, RecogniserSizes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from valle_engine.records import Clip

SYMBOLS = "symbols"
"""The tensor of the symbols' code points, in the order of the classes."""
SPAN_FRAMES = 1024  # 20 s


class OpenRecogniser:
    """Writes down the phonemes of clips: IPA without stress, spaces and punctuation.

    Clips are worked one by one in spans with all the frames around them that count, so a clip's phonemes are the same
    whatever is beside it, and memory does not grow with its length.
    """

    def __init__(self, network: RecogniserNetwork, device: str) -> None:
        self._network = network.to(device).eval()
        self._device = device

    @property
    def symbols(self) -> str:
        """All it can write."""
        return self._network.symbols

    def transcribe(self, clips: Sequence[Clip]) -> list[str]:
        """The likeliest phonemes of each clip, whatever its rate. Raises `ItemError` for a clip without samples."""
        return [self._network.text(self._classes(samples_at(clip, RATE))) for clip in clips]

    def _classes(self, samples: np.ndarray) -> list[int]:
        frames = -(-len(samples) // FRAME_SAMPLES)
        whole = np.pad(samples, (0, frames * FRAME_SAMPLES - len(samples)))
        reach = self._network.reach
        found: list[int] = []
        for start in range(0, frames, SPAN_FRAMES):
            left = min(start, reach)
            piece = whole[(start - left) * FRAME_SAMPLES : (start + SPAN_FRAMES + reach) * FRAME_SAMPLES]
            found += self._likeliest(piece)[left : left + SPAN_FRAMES]
        return found

    @exact()
    def _likeliest(self, samples: np.ndarray) -> list[int]:
        scores = self._network(torch.from_numpy(samples).to(self._device)[None])[0]
        classes: list[int] = scores.argmax(dim=-1).tolist()
        return classes


def open_recogniser(weights: Path, device: str) -> OpenRecogniser:
    """Load a recogniser's file onto a device. Raises `CheckpointError`."""
    tensors = read_tensors(weights)
    try:
        symbols = "".join(map(chr, tensors.pop(SYMBOLS).tolist()))
        sizes = RecogniserSizes(
            body=backbone_sizes(tensors, "backbone"), mels=tensors["backbone.embed.weight"].shape[1]
        )
    except KeyError as error:
        raise CheckpointError(f"{weights}: holds no phoneme recogniser: it lacks {error}") from None
    network = RecogniserNetwork(symbols, sizes)
    load_into(network, tensors, weights)
    return OpenRecogniser(network, device)
