"""Pocket's phoneme recogniser: log-mel frames through ConvNeXt blocks to a phoneme or blank each.

Trained with CTC (Graves et al. 2006); it knows nothing of the language model, so it may judge it.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from valle_plugins.pocket.features import LogMel, Sizes, backbone, reach

FRAME_SAMPLES = 480  # 50 frames a second
WINDOW = 960
MELS = 80
BLANK = 0


@dataclass(frozen=True, slots=True)
class RecogniserSizes:
    """Widths and depth; the defaults are pocket's."""

    body: Sizes = (192, 576, 8)
    mels: int = MELS


class RecogniserNetwork(nn.Module):
    """Samples to phonemes' scores; class 0 is CTC's blank, class i the symbol i - 1."""

    def __init__(self, symbols: str, sizes: RecogniserSizes) -> None:
        super().__init__()
        self.symbols = symbols
        self.reach = reach(sizes.body) + 1  # frames to either side that count; one is for the mel windows
        self.features = LogMel(sizes.mels, WINDOW, FRAME_SAMPLES)
        self.backbone = backbone(sizes.mels, sizes.body)
        self.out = nn.Linear(sizes.body[0], len(symbols) + 1)

    def forward(self, samples: Tensor) -> Tensor:
        """Samples (batch, 480 · frames) to log-probabilities (batch, frames, classes)."""
        scores: Tensor = self.out(self.backbone(self.features(samples)))
        return scores.log_softmax(dim=-1)

    def ids(self, phonemes: str) -> list[int]:
        """The classes of a phoneme string; what is no symbol of the network, such as stress or a space, is left out."""
        return [place + 1 for symbol in phonemes if (place := self.symbols.find(symbol)) >= 0]

    def text(self, classes: list[int]) -> str:
        """Phonemes of the likeliest class of each frame: repeats are one, blanks are none."""
        kept = [each for each, before in zip(classes, [BLANK, *classes], strict=False) if each not in {before, BLANK}]
        return "".join(self.symbols[each - 1] for each in kept)
