"""The corpus as a list without end: who says what, in which split, and the recipe to make it sound."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from itertools import count as numbers
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Literal

from valle_engine.errors import ItemError
from valle_plugins.synthetic.chance import share, stream
from valle_plugins.synthetic.texts import canonical, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_RECIPE = re.compile(r"formant:(\d+):(\d+):(\d+):(\d+):(\d+)")

Split = Literal["train", "validation", "test"]

VALIDATION = TEST = 0.05
"""Share of all voices, and of all sentences, that is kept out of training for each purpose."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One of the voices without end of one seed."""

    seed: int
    number: int

    @property
    def name(self) -> str:
        """The speaker's name in rows."""
        return f"s{self.seed}-{self.number:06}"

    @property
    def split(self) -> Split:
        """The split it belongs to for ever."""
        return split_of(self.name)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a text is made to sound: in which voice, at which `rate` (words a minute), pitch and range (of espeak)."""

    voice: Voice
    rate: int
    pitch: int
    pitch_range: int

    @classmethod
    def drawn(cls, voice: Voice, own: int) -> Recipe:
        """The manner of the voice's utterance `own`: a habit of the voice, and a mood."""
        habit, mood = stream("habit", voice.name), stream("mood", voice.name, own)
        rate = habit.uniform(140, 200) * mood.uniform(0.93, 1.07)
        return cls(voice, round(rate), round(mood.gauss(50, 3)), round(mood.uniform(35, 65)))

    def __str__(self) -> str:
        return f"formant:{self.voice.seed}:{self.voice.number}:{self.rate}:{self.pitch}:{self.pitch_range}"

    @classmethod
    def read(cls, text: str) -> Recipe:
        """The recipe that `str` gave. Raises `ItemError` for anything else."""
        if not (found := _RECIPE.fullmatch(text)):
            raise ItemError(f"{text[:80]!r} is no recipe of a synthetic voice, such as 'formant:0:12:175:50:50'")
        seed, number, *manner = map(int, found.groups())
        return cls(Voice(seed, number), *manner)


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text in the mouth of a speaker. `synthetic` is the recipe of the sound, which with the text makes all of it.

    Its fields are the columns of a row; everything in it follows from its seed and its number.
    """

    id: str
    text: str
    language: str
    speaker: str
    split: Split
    synthetic: str

    def row(self) -> dict[str, str]:
        """The columns of a manifest's row."""
        return asdict(self)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Utterance:
        """The utterance of a row, whatever other columns it has."""
        return cls(**{name: fields[name] for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Corpus:
    """A list of utterances without end, `group` of a speaker one after another.

    `speakers` bounds how many there are, None gives every group a new one. A speaker and everything it says lie in one
    split; `split` gives those of one alone. The speakers take the `languages` in turn; a text has `words` (fewest,
    most) words.
    """

    seed: int = 0
    languages: Sequence[str] = ("en",)
    words: tuple[int, int] = (2, 12)
    split: Split | None = None
    speakers: int | None = None
    group: int = 8

    def utterances(self, count: int | None = None) -> Iterator[Utterance]:
        """Stream the first `count` utterances, in bounded memory; without end where there is no count."""
        return islice(self._said(), count)

    def _said(self) -> Iterator[Utterance]:
        for turn, (place, voice) in enumerate(self._cast()):
            language = self.languages[place % len(self.languages)]
            first = self.group * (turn // self.speakers if self.speakers else 0)
            yield from (_utterance(voice, language, self.words, own) for own in range(first, first + self.group))

    def _cast(self) -> Iterator[tuple[int, Voice]]:
        """The speakers with their places in the cast, turn by turn."""
        voices = (Voice(self.seed, number) for number in numbers())
        found = enumerate(voice for voice in voices if self.split in {None, voice.split})
        return cycle(islice(found, self.speakers)) if self.speakers else found


def _utterance(voice: Voice, language: str, words: tuple[int, int], own: int) -> Utterance:
    name = voice.name
    text = _text(name, language, words, own, voice.split)
    return Utterance(f"{name}-{own:05}", text, language, name, voice.split, str(Recipe.drawn(voice, own)))


def _text(speaker: str, language: str, words: tuple[int, int], own: int, split: Split) -> str:
    """The first of the sentences drawn for this place that lies in the speaker's split."""
    drawn = (sentence(language, words, speaker, own, attempt) for attempt in numbers())
    return next(text for text in drawn if split_of(canonical(text)) == split)


def split_of(key: str) -> Split:
    """The split that a speaker's name, or a text in its `canonical` form, belongs to for ever."""
    place = share(key)
    if place < TEST:
        return "test"
    return "validation" if place < TEST + VALIDATION else "train"
