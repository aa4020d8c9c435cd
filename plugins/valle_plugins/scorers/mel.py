"""Mel-cepstral distortion: how far two recordings of a text are apart, after their times are brought together."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from valle_engine.audio import scientific
from valle_engine.errors import ItemError
from valle_plugins.scorers.references import ReferenceScorer
from valle_plugins.scorers.sound import output_of, reference_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valle_engine.parts import Take

RATE = 16_000
WINDOW = 1024
HOP = 160
BANDS = 80
SCALE = 10 / np.log(10) * np.sqrt(2)
LONGEST_FRAMES = 12_000
"""Two minutes at 100 frames a second: the table of paths grows with the square."""


class MelDistortion(ReferenceScorer):
    """Mel-cepstral distortion in dB (Kubichek 1993), averaged along the path of dynamic time warping.

    Cepstra of 80 mel bands up to 8 kHz, a frame each 10 ms, without the energy.
    """

    name: ClassVar[str] = "mel-distortion"

    coefficients: int = Field(13, ge=2, le=40, description="Cepstral coefficients compared, from the first.")

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The distortion of each take. Raises `ItemError` for more than two minutes."""
        return [{"mel-distortion": self._of(take)} for take in takes]

    def _of(self, take: Take) -> float:
        made = cepstra(output_of(take, RATE).samples, self.coefficients)
        wanted = cepstra(reference_of(take, self.reference, RATE).samples, self.coefficients)
        if max(len(made), len(wanted)) > LONGEST_FRAMES:
            raise ItemError(f"{take.outcome.id}: more than two minutes are too much to bring together")
        return warped_mean(SCALE * distances(made, wanted))


def cepstra(samples: np.ndarray, count: int) -> np.ndarray:
    """Mel cepstra (frames, count) of samples (n,) at 16 kHz, the zeroth left out."""
    padded = np.pad(samples.astype(np.float64), (WINDOW // 2, WINDOW // 2 + max(0, HOP - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP] * np.hanning(WINDOW)
    power = np.square(np.abs(np.fft.rfft(frames, axis=1)))
    bands = np.log(np.maximum(power @ _filters().T, 1e-10)) / 2
    kept: np.ndarray = scientific("fft").dct(bands, type=2, norm="ortho", axis=1)[:, 1 : count + 1] / np.sqrt(BANDS / 2)
    return kept


def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Euclidean distances (n, m) of the rows of two arrays (n, d) and (m, d)."""
    squares = np.square(first).sum(1)[:, None] + np.square(second).sum(1)[None] - 2 * first @ second.T
    found: np.ndarray = np.sqrt(np.maximum(squares, 0))
    return found


def warped_mean(costs: np.ndarray) -> float:
    """Mean cost (n, m) along the cheapest path from corner to corner, by steps of one in either or both directions.

    The table is filled one anti-diagonal at a time; beside the cheapest sum it carries that path's length, the shorter
    of equals.
    """
    rows, columns = costs.shape
    nothing = np.full(rows + 1, np.inf), np.zeros(rows + 1)
    before, last = nothing, nothing
    for diagonal in range(rows + columns - 1):
        low, high = max(0, diagonal - columns + 1), min(rows, diagonal + 1)
        row = np.arange(low, high)
        cost = costs[row, diagonal - row]
        sums, lengths = np.full(rows + 1, np.inf), np.zeros(rows + 1)
        if diagonal == 0:
            best, steps = np.zeros(1), np.zeros(1)
        else:
            # Row r of the table is kept at r + 1, so that there is a row above the first.
            choices = np.stack([before[0][row], last[0][row], last[0][row + 1]])
            walked = np.stack([before[1][row], last[1][row], last[1][row + 1]])
            chosen = choices.argmin(axis=0)
            best, steps = (
                np.take_along_axis(choices, chosen[None], 0)[0],
                np.take_along_axis(walked, chosen[None], 0)[0],
            )
        sums[row + 1], lengths[row + 1] = best + cost, steps + 1
        before, last = last, (sums, lengths)
    return float(last[0][rows] / last[1][rows])


@cache
def _filters() -> np.ndarray:
    """Triangular mel filters (bands, bins) up to half the rate."""
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, BANDS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE)
    rising = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
    filters: np.ndarray = np.maximum(0, np.minimum(rising, falling))
    return filters
