"""Noise behind a share of the utterances, so that a model learns what to take away."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, Field, model_validator

from valle_engine.errors import ItemError
from valle_plugins.sources.audio_folder import ENDINGS

if TYPE_CHECKING:
    import numpy as np

    from valle_engine.records import Clip

FAINTEST = 1e-9
"""Power below which there is nothing to mix."""


class Background(BaseModel):
    """Which utterances lie in noise, in which, and how deep."""

    noise_share: float = Field(
        0.0, ge=0, le=1, description="Share of the examples that have noise beside their speech."
    )
    noise: Path | None = Field(None, description="A folder of recorded noise; without one, noise is made.")
    noise_snr: tuple[float, float] = Field((0.0, 20.0), description="Lowest and highest speech-to-noise ratio, in dB.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.noise_snr[0] > self.noise_snr[1]:
            raise ValueError("noise_snr is the lowest and then the highest ratio")
        return self

    def noise_for(self, clip: Clip, random: np.random.Generator) -> Clip | None:
        """Noise as long as a clip, at its rate and as loud as it is to be; None for an utterance that has none.

        Raises `ItemError` for a folder without recordings, `AudioError` for one that cannot be read.
        """
        from valle_engine.records import Clip  # noqa: PLC0415 - for workers only

        if random.random() >= self.noise_share:
            return None
        made = _made(clip, random) if self.noise is None else _recorded(self.noise, clip, random)
        ratio = 10 ** (random.uniform(*self.noise_snr) / 10)
        gain = (_power(clip.samples) / max(_power(made), FAINTEST) / ratio) ** 0.5
        return Clip((made * gain).astype("float32"), clip.rate)


def together(clip: Clip, noise: Clip) -> dict[str, Clip]:
    """An utterance, its noise, and both together, under the names of an example; all quieter where it would clip."""
    import numpy as np  # noqa: PLC0415 - a check of a job needs no numpy

    from valle_engine.records import Clip  # noqa: PLC0415

    both = clip.samples + noise.samples
    loudest = max(float(np.abs(each).max()) for each in (both, noise.samples))
    gain = np.float32(min(1.0, 1.0 / max(loudest, FAINTEST)))
    parts = {"codes": clip.samples, "noise": noise.samples, "noisy": both}
    return {name: Clip(samples * gain, clip.rate) for name, samples in parts.items()}


def _made(clip: Clip, random: np.random.Generator) -> np.ndarray:
    from valle_engine.audio import resample  # noqa: PLC0415 - for workers only
    from valle_plugins.synthetic.noises import RATE, noise  # noqa: PLC0415

    count = -(-len(clip.samples) * RATE // clip.rate) + 1
    seed, number = (int(drawn) for drawn in random.integers(2**31, size=2))
    return resample(noise(seed, number, count), clip.rate).samples[: len(clip.samples)]


def _recorded(folder: Path, clip: Clip, random: np.random.Generator) -> np.ndarray:
    import numpy as np  # noqa: PLC0415 - for workers only

    from valle_engine.audio import resample  # noqa: PLC0415

    files = _files(folder)
    if not files:
        raise ItemError(f"noise: {folder} holds no recordings ({', '.join(sorted(ENDINGS))})")
    samples = resample(_recording(files[random.integers(len(files))]), clip.rate).samples
    start = int(random.integers(len(samples)))
    return np.resize(np.roll(samples, -start), len(clip.samples))


@lru_cache(maxsize=1)
def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)


@lru_cache(maxsize=16)
def _recording(path: Path) -> Clip:
    """A recording; those asked for last stay in memory."""
    from valle_engine.audio import read_clip  # noqa: PLC0415 - for workers only

    return read_clip(path)


def _power(samples: np.ndarray) -> float:
    import numpy as np  # noqa: PLC0415 - for workers only

    return float(np.square(samples, dtype=np.float64).mean())
