"""Noise of every kind, made of nothing: coloured, humming, clicking, in bands, swelling; and other voices far off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from valle_engine.audio import scientific
from valle_engine.records import Clip
from valle_plugins.synthetic.chance import stream
from valle_plugins.synthetic.corpus import Corpus
from valle_plugins.synthetic.rendering import render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

RATE = 24_000
PEAK = 0.7
SILENT = 1e-9
"""Power below which a clip counts as silent."""


def noise(seed: int, number: int, samples: int, kind: str | None = None) -> Clip:
    """The noise `number` of `seed`: `samples` at 24 kHz, peak 0.7; of any kind, or of one of `KINDS`."""
    random = stream("noise", seed, number)
    drawn = random.choice(tuple(KINDS))
    made = KINDS[kind or drawn](random, samples)
    return Clip(np.asarray(made * (PEAK / max(np.abs(made).max(initial=0), SILENT)), np.float32), RATE)


def mix(clip: Clip, noise: Clip, snr_db: float) -> Clip:
    """A clip with noise behind it, so that their powers are `snr_db` apart.

    The clip keeps its level, unless the sum would pass 1: then both are lowered. The noise is repeated or cut to the
    clip's length; both have one rate.
    """
    repeated = np.resize(noise.samples, len(clip.samples))
    ratio = _power(clip.samples) / max(_power(repeated), SILENT)
    mixed = clip.samples + repeated * np.sqrt(ratio / 10 ** (snr_db / 10))
    return Clip(np.asarray(mixed / max(1.0, np.abs(mixed).max(initial=0)), np.float32), clip.rate)


def _power(samples: np.ndarray) -> float:
    return float(np.square(samples, dtype=np.float64).mean()) if len(samples) else 0.0


def coloured(random: Random, samples: int) -> np.ndarray:
    """Noise whose power falls by up to 9 dB an octave, or rises by 3."""
    slope = random.uniform(-0.5, 1.5)
    return _shaped(random, samples, lambda hertz: np.maximum(hertz, 20) ** -slope)


def band(random: Random, samples: int) -> np.ndarray:
    """Noise between two frequencies, in bursts or all the time."""
    low = 100 * 2 ** random.uniform(0, 5)
    high = low * 2 ** random.uniform(0.3, 3)
    made = _shaped(random, samples, lambda hertz: ((hertz >= low) & (hertz <= high)) + 1e-3)
    return made * _bursts(random, samples) if random.random() < 0.5 else made


def hum(random: Random, samples: int) -> np.ndarray:
    """Mains and motors: a low tone and its harmonics, wavering, over a little hiss."""
    low = random.choice((50, 60, random.uniform(30, 240)))
    turns = np.arange(samples) * (low / RATE)
    turns += random.uniform(0, 0.3) * np.sin(2 * np.pi * np.arange(samples) * random.uniform(0.1, 3) / RATE)
    tones = [
        random.uniform(0, 1)
        / harmonic ** random.uniform(0.3, 1.5)
        * np.sin(2 * np.pi * (harmonic * turns + random.random()))
        for harmonic in range(1, random.randint(3, 24))
    ]
    return np.asarray(np.sum(tones, axis=0) + random.uniform(0, 0.1) * coloured(random, samples))


def clicks(random: Random, samples: int) -> np.ndarray:
    """Keys, crackle, drops: short knocks at chance moments."""
    drawn = _generator(random)
    made = np.zeros(samples)
    places = np.flatnonzero(drawn.random(samples) < random.uniform(2, 40) / RATE)
    made[places] = drawn.standard_normal(len(places))
    length = round(random.uniform(0.001, 0.03) * RATE)
    ring = np.exp(-np.arange(length) * (5 / length)) * drawn.standard_normal(length)
    return _convolved(made, ring) + random.uniform(0, 0.02) * coloured(random, samples)


def swelling(random: Random, samples: int) -> np.ndarray:
    """Fans, rain, waves: coloured noise that swells and ebbs."""
    fastest = random.uniform(0.5, 12)
    slow = _shaped(random, samples, lambda hertz: (hertz > 0) & (hertz < fastest))
    return np.asarray(coloured(random, samples) * np.exp(random.uniform(0.2, 1) * slow))


def babble(random: Random, samples: int) -> np.ndarray:
    """Several people far off, talking at once; they are voices to train on, like any noise."""
    corpus = Corpus(seed=random.getrandbits(31), split="train", group=1)
    talks = [render(utterance).clip.samples for utterance in corpus.utterances(random.randint(3, 8))]
    rolled = [np.resize(np.roll(talk, random.randrange(len(talk))), samples) for talk in talks]
    return np.asarray(np.sum(rolled, axis=0))


KINDS: Mapping[str, Callable[[Random, int], np.ndarray]] = {
    "coloured": coloured,
    "band": band,
    "hum": hum,
    "clicks": clicks,
    "swelling": swelling,
    "babble": babble,
}


def _generator(random: Random) -> np.random.Generator:
    return np.random.default_rng(random.getrandbits(64))


def _shaped(random: Random, samples: int, gain: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """White noise (samples,) under a gain over frequency in Hz, with a root mean square of 1."""
    transforms = scientific("fft")
    length = transforms.next_fast_len(samples, real=True)
    spectrum = transforms.rfft(_generator(random).standard_normal(length))
    made = transforms.irfft(spectrum * gain(np.fft.rfftfreq(length, 1 / RATE)), length)[:samples]
    return np.asarray(made / max(np.sqrt(_power(made)), SILENT))


def _bursts(random: Random, samples: int) -> np.ndarray:
    """An envelope that is open now and then."""
    drawn = _generator(random)
    period = max(1, round(random.uniform(0.05, 0.6) * RATE))
    levels = drawn.random(samples // period + 2) * (drawn.random(samples // period + 2) < 0.6)
    return np.interp(np.arange(samples) / period, np.arange(len(levels)), levels)


def _convolved(samples: np.ndarray, ring: np.ndarray) -> np.ndarray:
    return np.asarray(scientific("signal").fftconvolve(samples, ring)[: len(samples)])
