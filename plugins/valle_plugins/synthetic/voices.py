"""Voices without end: espeak-ng's formant synthesiser with parameters that no file has."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from valle_plugins.synthetic.chance import stream

if TYPE_CHECKING:
    from random import Random

FORMANTS = range(9)
BREATHS = 8


@lru_cache(maxsize=256)
def voice_file(seed: int, number: int) -> str:
    """Lines of espeak-ng's format for voice files that make the voice `number` of `seed`.

    The format: espeak-ng's docs/voices.md. Pitch and formants go together, as a small person has both higher; the rest
    is drawn on its own.
    """
    random = stream("voice", seed, number)
    size = random.uniform(-1, 1)  # of the body: a tall man's -1, a child's 1
    lines = [_pitch(random, size), *_formants(random, size), *_source(random), *_colour(random)]
    return "\n".join(lines)


def _pitch(random: Random, size: float) -> str:
    base = 125 * 2 ** (0.95 * size + random.uniform(-0.25, 0.25))
    return f"pitch {base:.0f} {base * random.uniform(1.15, 1.6):.0f}"


def _formants(random: Random, size: float) -> list[str]:
    length = 1 + 0.11 * size + random.uniform(-0.04, 0.04)
    return [_formant(random, formant, length) for formant in FORMANTS]


def _formant(random: Random, formant: int, length: float) -> str:
    # The vowel lies in the lower three; the upper ones tell people apart and may wander further.
    wander = 0.03 if formant <= 3 else 0.08
    frequency = 100 * length * random.uniform(1 - wander, 1 + wander)
    strength = random.uniform(80, 120) if formant <= 3 else random.uniform(40, 130)
    width = random.uniform(75, 150)
    return f"formant {formant} {frequency:.0f} {strength:.0f} {width:.0f}"


def _source(random: Random) -> list[str]:
    lines = [
        f"voicing {random.uniform(70, 130):.0f}",
        f"consonants {random.uniform(75, 130):.0f} {random.uniform(75, 130):.0f}",
        f"flutter {random.choice((0, 1, 2, 2, 3, 4, 6, 10))}",
        f"roughness {random.choice((0, 0, 0, 1, 1, 2, 3))}",
    ]
    if random.random() < 0.15:
        lines.append(f"klatt {random.choice((1, 2, 3, 4))}")
    if random.random() < 0.5:
        lines.append("breath " + " ".join(str(random.randint(0, 6)) for _ in range(BREATHS)))
    return lines


def _colour(random: Random) -> list[str]:
    lines = []
    if random.random() < 0.6:
        low, middle, high = (random.uniform(*limits) for limits in ((140, 220), (90, 200), (60, 180)))
        lines.append(f"tone 600 {low:.0f} 1200 {middle:.0f} 2500 {high:.0f}")
    if random.random() < 0.15:
        lines.append(f"echo {random.randint(20, 100)} {random.randint(2, 10)}")
    return lines
