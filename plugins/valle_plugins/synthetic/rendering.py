"""Make an utterance sound: the same bytes for the same utterance, in any order, in any process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from valle_engine.audio import resample, scientific
from valle_engine.errors import ItemError
from valle_engine.records import Clip
from valle_engine.text import Phonemizer, find_language, spelled
from valle_plugins.synthetic import flite
from valle_plugins.synthetic.recipes import Flite, Formant, read_recipe
from valle_plugins.synthetic.voices import voice_file
from valle_plugins.tasks.espeak_library import Manner, speak_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valle_engine.text import Language

RATE = 24_000
PEAK = 0.7
VOLUME = 50  # percent: the loudest voices come near the limit at 60
LIBRARY_RATE = 22_050
STEP = 147  # 22,050 Hz to 24,000 Hz is 147 samples to 160
MAX_SECONDS = 60
SILENCE = 0.003
"""Of the peak: what is quieter at both ends is cut off."""
MARGIN = 0.02
"""Seconds that stay before the first and after the last sound."""
WINDOW = 6
"""Letters of the phonemes that may lie between two phones: a space, punctuation, a tone, or what was said otherwise."""


class Script(Protocol):
    """What is to be spoken: an `Utterance`, or whatever has its columns."""

    @property
    def text(self) -> str:
        """What to say."""

    @property
    def language(self) -> str:
        """The code of its language."""

    @property
    def synthetic(self) -> str:
        """The recipe."""


Phones = tuple[tuple[str, float], ...]
"""Names with the first moments in seconds; a pause has no name."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One sound as the synthesiser made it: its name (IPA with stress) and its first and last moment in seconds.

    A sound that is one with its neighbour lasts no time. `place` is where the name begins in the phonemes of the text,
    -1 where they have another one.
    """

    name: str
    start: float
    end: float
    place: int


@dataclass(frozen=True, slots=True)
class Rendered:
    """Speech at 24 kHz, silence trimmed, peak 0.7; the phonemes that a model is given for its text; when they sound.

    `phones` are what the synthesiser says it did: no punctuation, tones or gaps between words; none at all from flite.
    """

    clip: Clip
    phonemes: str
    phones: tuple[Phone, ...]


def render(script: Script) -> Rendered:
    """Speak a text by its recipe. Raises `ItemError` for a recipe or text that cannot be spoken."""
    language, recipe = find_language(script.language), read_recipe(script.synthetic)
    phonemes = _phonemizer().phonemes(script.text, language)
    spoken, phones = _spoken(script.text, language, recipe)
    first, last = _sounding(spoken, script.text)
    trimmed = Clip(spoken.samples[first:last], spoken.rate)
    clip = Clip(_levelled(_at_24_khz(trimmed)), RATE)
    return Rendered(clip, phonemes, tuple(_phones(phones, phonemes, first / spoken.rate, clip.seconds)))


@cache
def _phonemizer() -> Phonemizer:
    return Phonemizer()


def _spoken(text: str, language: Language, recipe: Formant | Flite) -> tuple[Clip, Phones]:
    if isinstance(recipe, Flite):
        return flite.speak(text, recipe), ()
    changes = voice_file(recipe.seed, recipe.number)
    manner = Manner(recipe.rate, recipe.pitch, recipe.pitch_range, VOLUME, word_gap=0)
    # Both marks part syllables; at the first, espeak-ng loads its English dictionary and never lets go of it.
    parted = spelled(text, language).replace("\u200b", "|")
    speech = speak_as(parted, language.voice, changes, manner, MAX_SECONDS * LIBRARY_RATE)
    samples = np.frombuffer(speech.samples, np.int16).astype(np.float32) / 32768
    return Clip(samples, speech.rate), tuple((name, sample / speech.rate) for name, sample in speech.phonemes)


def _sounding(clip: Clip, text: str) -> tuple[int, int]:
    loud = np.abs(clip.samples)
    places = np.flatnonzero(loud > SILENCE * loud.max(initial=0))
    if not len(places):
        raise ItemError(f"the synthesiser finds nothing to say in {text[:80]!r}")
    margin = round(MARGIN * clip.rate)
    return max(0, int(places[0]) - margin), min(len(loud), int(places[-1]) + 1 + margin)


def _at_24_khz(clip: Clip) -> np.ndarray:
    """The samples (n,) at 24 kHz. Those of espeak-ng through one Fourier transform, five times faster than a filter.

    Zeros behind the samples keep their end from ringing into their beginning.
    """
    if clip.rate != LIBRARY_RATE:
        return resample(clip, RATE).samples
    steps = scientific("fft").next_fast_len(-(-len(clip.samples) // STEP) + 4, real=True)
    padded = np.zeros(steps * STEP, np.float32)
    padded[: len(clip.samples)] = clip.samples
    resampled: np.ndarray = scientific("signal").resample(padded, steps * STEP * RATE // LIBRARY_RATE)
    return resampled[: round(clip.seconds * RATE)]


def _levelled(samples: np.ndarray) -> np.ndarray:
    return np.asarray(samples * (PEAK / np.abs(samples).max()), np.float32)


def _phones(spoken: Phones, phonemes: str, offset: float, seconds: float) -> Iterator[Phone]:
    """The phones within the clip, which begins at `offset`, with their places in the phonemes."""
    moments = [(name, min(max(start - offset, 0.0), seconds)) for name, start in spoken]
    ends = [start for _, start in moments[1:]] + [seconds]
    cursor = 0
    for (name, start), end in zip(moments, ends, strict=False):
        if name:
            place = phonemes.find(name, cursor, cursor + WINDOW + len(name))
            cursor = cursor if place < 0 else place + len(name)
            yield Phone(name, start, end, place)
