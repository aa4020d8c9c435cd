"""How a text is made to sound, in one short line: the column `synthetic` of a row."""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass
from typing import ClassVar, Literal

from valle_engine.errors import ItemError
from valle_plugins.synthetic.chance import stream
from valle_plugins.synthetic.splits import Split, split_of

FLITE_VOICES = {"awb": 130, "kal16": 110, "rms": 100, "slt": 180}
"""Flite's voices of 16 kHz, each made from a person's recordings, with the pitch (Hz) they have of their own."""

Kind = Literal["formant", "flite"]
INITIALS = {"formant": "s", "flite": "f"}


@dataclass(frozen=True, slots=True)
class Formant:
    """A voice of espeak-ng's formant synthesiser: number `number` of `seed`, at `rate` words a minute.

    `pitch` and `pitch_range` are on espeak's scales, where 50 is the voice's own.
    """

    pattern: ClassVar[str] = r"formant:(\d{1,18}):(\d{1,18}):(\d{2,3}):(\d{1,2}):(\d{1,2})"

    seed: int
    number: int
    rate: int
    pitch: int
    pitch_range: int

    def __str__(self) -> str:
        return ":".join(map(str, ("formant", *astuple(self))))


@dataclass(frozen=True, slots=True)
class Flite:
    """A voice of flite, `stretch` percent as slow as it would be, its pitch about `pitch` Hz."""

    pattern: ClassVar[str] = r"flite:([a-z0-9]{1,16}):(\d{2,3}):(\d{2,3})"

    voice: str
    stretch: int
    pitch: int

    def __str__(self) -> str:
        return ":".join(map(str, ("flite", *astuple(self))))


def read_recipe(text: str) -> Formant | Flite:
    """The recipe of a row. Raises `ItemError` for what is none."""
    if found := re.fullmatch(Formant.pattern, text, re.ASCII):
        return Formant(*map(int, found.groups()))
    if found := re.fullmatch(Flite.pattern, text, re.ASCII):
        return Flite(found[1], int(found[2]), int(found[3]))
    raise ItemError(f"{text[:80]!r} is no recipe of a synthetic voice, such as 'formant:0:12:175:50:50'")


@dataclass(frozen=True, slots=True)
class Voice:
    """One of the voices without end of one seed."""

    seed: int
    number: int
    kind: Kind = "formant"

    @property
    def name(self) -> str:
        """The speaker's name in rows; it says which voice it is."""
        return f"{INITIALS[self.kind]}{self.seed}-{self.number:06}"

    @property
    def split(self) -> Split:
        """The split it belongs to for ever. Flite has too few people to keep one out, so they are all for training."""
        return "train" if self.kind == "flite" else split_of(self.name)

    def recipe(self, own: int) -> Formant | Flite:
        """How it says its utterance `own`: by a habit of its own, and a mood."""
        habit, mood = stream("habit", self.name), stream("mood", self.name, own)
        if self.kind == "flite":
            voice, pitch = habit.choice(tuple(FLITE_VOICES.items()))
            stretch = habit.uniform(85, 125) * mood.uniform(0.93, 1.07)
            return Flite(voice, round(stretch), round(pitch * habit.uniform(0.8, 1.3)))
        rate = habit.uniform(140, 200) * mood.uniform(0.93, 1.07)
        return Formant(self.seed, self.number, round(rate), round(mood.gauss(50, 3)), round(mood.uniform(35, 65)))
