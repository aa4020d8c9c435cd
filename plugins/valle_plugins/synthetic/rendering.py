"""Make an utterance sound: the same bytes for the same utterance, in any order, in any process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from valle_engine.errors import ItemError
from valle_engine.records import Clip
from valle_engine.text import Phonemizer, find_language, spelled
from valle_plugins.synthetic.corpus import Recipe
from valle_plugins.synthetic.voices import voice_file
from valle_plugins.tasks.espeak_library import Manner, Speech, speak_as

if TYPE_CHECKING:
    from valle_engine.text import Language
    from valle_plugins.synthetic.corpus import Utterance

RATE = 24_000
PEAK = 0.7
VOLUME = 60  # percent: the loudest voices distort at 100
LIBRARY_RATE = 22_050
STEP = 147  # 22,050 Hz to 24,000 Hz is 147 samples to 160
MAX_SECONDS = 60
SILENCE = 0.003
"""Of the peak: what is quieter at both ends is cut off."""
MARGIN = 0.02
"""Seconds that stay before the first and after the last sound."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One sound as the synthesiser made it: its name (IPA with stress) and its first and last moment in seconds."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Rendered:
    """Speech at 24 kHz, silence trimmed, peak 0.7; the phonemes that a model is given for its text; when they sound.

    `phones` are what the synthesiser says it did: without punctuation, tones and word boundaries, and now and then with
    a weaker vowel than `phonemes`, which look at a text piece by piece.
    """

    clip: Clip
    phonemes: str
    phones: tuple[Phone, ...]


def render(utterance: Utterance) -> Rendered:
    """Speak an utterance by its recipe. Raises `ItemError` for a recipe or text that cannot be spoken."""
    language = find_language(utterance.language)
    phonemes = _phonemizer().phonemes(utterance.text, language)
    speech = _speech(utterance, language)
    samples = np.frombuffer(speech.samples, np.int16).astype(np.float32)
    first, last = _sounding(samples, utterance)
    clip = Clip(_levelled(_at_24_khz(samples[first:last])), RATE)
    return Rendered(clip, phonemes, _phones(speech, first, last))


@cache
def _phonemizer() -> Phonemizer:
    return Phonemizer()


def _speech(utterance: Utterance, language: Language) -> Speech:
    recipe = Recipe.read(utterance.synthetic)
    changes = voice_file(recipe.voice.seed, recipe.voice.number)
    manner = Manner(recipe.rate, recipe.pitch, recipe.pitch_range, VOLUME, word_gap=0)
    text = spelled(utterance.text, language)
    return speak_as(text, language.voice, changes, manner, MAX_SECONDS * LIBRARY_RATE)


def _sounding(samples: np.ndarray, utterance: Utterance) -> tuple[int, int]:
    loud = np.abs(samples)
    places = np.flatnonzero(loud > SILENCE * loud.max(initial=0))
    if not len(places):
        raise ItemError(f"espeak-ng finds nothing to say in {utterance.text[:80]!r}")
    margin = round(MARGIN * LIBRARY_RATE)
    return max(0, int(places[0]) - margin), min(len(samples), int(places[-1]) + 1 + margin)


def _at_24_khz(samples: np.ndarray) -> np.ndarray:
    """The samples (n,) at the other rate, through one Fourier transform: five times faster than a long filter.

    Zeros behind the samples keep their end from ringing into their beginning.
    """
    from scipy.fft import next_fast_len  # noqa: PLC0415 - scipy is slow to import
    from scipy.signal import resample  # noqa: PLC0415 - same

    steps = next_fast_len(-(-len(samples) // STEP) + 4, real=True)
    padded = np.zeros(steps * STEP, np.float32)
    padded[: len(samples)] = samples
    resampled: np.ndarray = resample(padded, steps * RATE * STEP // LIBRARY_RATE)
    return resampled[: round(len(samples) * RATE / LIBRARY_RATE)]


def _levelled(samples: np.ndarray) -> np.ndarray:
    return np.asarray(samples * (PEAK / np.abs(samples).max()), np.float32)


def _phones(speech: Speech, first: int, last: int) -> tuple[Phone, ...]:
    ends = [start for _, start in speech.phonemes[1:]] + [last]
    moments = zip(speech.phonemes, ends, strict=True)
    return tuple(
        Phone(name, (start - first) / speech.rate, (min(end, last) - first) / speech.rate)
        for (name, start), end in moments
        if name and start < last
    )
