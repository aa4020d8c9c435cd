"""What pocket's evaluation measures beyond the engine's scorers: whose voice it is, what is left in a cleaned sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from valle_engine.audio import read_clip, resample
from valle_engine.errors import ItemError
from valle_engine.parts import OpenScorer, Scorer
from valle_plugins.pocket import files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from valle_engine.parts import Take
    from valle_plugins.scorers.similarity import OpenSimilarity

RATE = 24_000
WINDOW, HOP = 1024, 256
FAINT = 1e-12
CLEARLY = 10.0
"""A place of the spectrogram belongs to what has this many times the power of the rest there: 10 dB."""


class Identification(Scorer):
    """Whether an output sounds more like its `voice` than like any of `others`, a list of recordings: 1 or 0.

    `identification.margin` is how much closer it is, in cosines of speaker embeddings.
    """

    name: ClassVar[str] = "identification"
    needs: ClassVar[frozenset[str]] = frozenset({"audio", "voice", "others"})
    better: ClassVar[Literal["lower", "higher"]] = "higher"
    worst: ClassVar[float | None] = 0.0

    weights: str = Field("", description="Speaker encoder: a folder or hub id; none: the one that comes with pocket.")

    def open(self, device: str) -> OpenScorer:
        """Load the speaker encoder. Raises `CheckpointError`."""
        from valle_plugins.scorers.similarity import OpenSimilarity, SpeakerSimilarity  # noqa: PLC0415 - another plugin's

        weights = self.weights or str(files.needed(files.SPEAKER))
        return _Identifying(OpenSimilarity(SpeakerSimilarity(weights=weights), device))

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """By an encoder opened for these takes alone."""
        return self.open("cpu").score(takes)


class _Identifying(OpenScorer):
    """The scorer at work, by the similarity to each candidate."""

    def __init__(self, similarity: OpenSimilarity) -> None:
        self._similarity = similarity

    @property
    def about(self) -> Mapping[str, str]:
        """The encoder."""
        return self._similarity.about

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """Each take against its own candidates."""
        return [self._of(take) for take in takes]

    def _of(self, take: Take) -> dict[str, float]:
        others = take.fields["others"]
        if not isinstance(others, list) or not others:
            raise ItemError(f"{take.outcome.id}: `others` is {others!r}, not a list of recordings")
        own, *rest = self._similarity.nearness(take, [str(take.fields["voice"]), *map(str, others)])
        margin = own - max(rest)
        return {"identification": float(margin > 0), "identification.margin": margin}


class CleaningScorer(Scorer):
    """A measure of a cleaned sound by what went in: columns `mixture` and `speech`, the speech alone."""

    needs: ClassVar[frozenset[str]] = frozenset({"audio", "mixture", "speech"})
    better: ClassVar[Literal["lower", "higher"]] = "higher"

    def files(self) -> frozenset[str]:
        """Both columns."""
        return frozenset({"mixture", "speech"})


class SpeechGain(CleaningScorer):
    """How much nearer to the speech an output is than the mixture was, in dB of scale-invariant distortion (SI-SDR).

    The figure compares magnitudes of spectrograms, because a vocoder makes its own phases; `speech-gain.samples`
    compares samples (Le Roux et al. 2019, arXiv:1811.02508).
    """

    name: ClassVar[str] = "speech-gain"

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The gain of each take."""
        return [self._of(*_sounds(take)) for take in takes]

    def _of(self, made: np.ndarray, mixture: np.ndarray, speech: np.ndarray) -> dict[str, float]:
        seen = [spectrogram(samples) for samples in (made, mixture, speech)]
        return {
            "speech-gain": distortion_ratio(seen[0], seen[2]) - distortion_ratio(seen[1], seen[2]),
            "speech-gain.samples": distortion_ratio(made, speech) - distortion_ratio(mixture, speech),
        }


class SpeechSuppression(CleaningScorer):
    """How much of the speech in a mixture is gone, in dB, where the speech was clearly louder than the rest.

    `speech-suppression.background` is how the rest changed where it was clearly louder: 0 dB leaves it as it was.
    """

    name: ClassVar[str] = "speech-suppression"

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The suppression of each take. Raises `ItemError` for a mixture without clear speech."""
        return [self._of(take.outcome.id, *_sounds(take)) for take in takes]

    def _of(self, item: str, made: np.ndarray, mixture: np.ndarray, speech: np.ndarray) -> dict[str, float]:
        left, before, voice = (spectrogram(samples) ** 2 for samples in (made, mixture, speech))
        rest = spectrogram(mixture - speech) ** 2
        spoken, unspoken = voice > CLEARLY * rest, rest > CLEARLY * voice
        if not spoken.any():
            raise ItemError(f"{item}: nowhere in the mixture is speech clearly louder than the rest")
        return {
            "speech-suppression": _decibels(before[spoken].sum(), left[spoken].sum()),
            "speech-suppression.background": _decibels(left[unspoken].sum(), before[unspoken].sum()),
        }


def spectrogram(samples: np.ndarray) -> np.ndarray:
    """Magnitudes (frames, frequencies) of samples (n,), by Hann windows of 43 ms every 11 ms at 24 kHz."""
    import numpy as np  # noqa: PLC0415 - only what scores loads it

    padded = np.pad(samples.astype(np.float64), (WINDOW // 2, WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    magnitudes: np.ndarray = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1))
    return magnitudes


def distortion_ratio(made: np.ndarray, wanted: np.ndarray) -> float:
    """Power of what is wanted, at the scale it has in what was made, over the power of what else is there, in dB."""
    import numpy as np  # noqa: PLC0415 - only what scores loads it

    given, target = made.ravel().astype(np.float64), wanted.ravel().astype(np.float64)
    scaled = target * (given @ target / (target @ target + FAINT))
    return _decibels(float(scaled @ scaled), float(((given - scaled) ** 2).sum()))


def _decibels(power: float, over: float) -> float:
    import math  # noqa: PLC0415 - beside its only user

    return 10 * math.log10((float(power) + FAINT) / (float(over) + FAINT))


def _sounds(take: Take) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Output, mixture and speech (n,) at 24 kHz, as long as the shortest. Raises `ItemError`, `AudioError`."""
    if take.audio is None:
        raise ItemError(f"{take.outcome.id} has no sound to measure")
    paths = take.audio, Path(str(take.fields["mixture"])), Path(str(take.fields["speech"]))
    clips = [resample(read_clip(path), RATE).samples for path in paths]
    length = min(map(len, clips))
    made, mixture, speech = (samples[:length] for samples in clips)
    return made, mixture, speech
