"""The corpus as a list without end: who says what, in which split, and the recipe to make it sound."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import count as numbers
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from valle_plugins.synthetic.chance import share
from valle_plugins.synthetic.recipes import Voice
from valle_plugins.synthetic.splits import Split, split_of
from valle_plugins.synthetic.texts import canonical, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text in the mouth of a speaker; its fields are the columns of a row.

    `synthetic` is the recipe of the sound: with text and language, it is all that rendering needs.
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
    most) words. `flite` is the share of voices that are flite's, which speak English.
    """

    seed: int = 0
    languages: Sequence[str] = ("en",)
    words: tuple[int, int] = (2, 12)
    split: Split | None = None
    speakers: int | None = None
    group: int = 8
    flite: float = 0.0

    def utterances(self, count: int | None = None) -> Iterator[Utterance]:
        """Stream the first `count` utterances, in bounded memory; without end where there is no count.

        What a speaker says depends on the seed, the speaker's number and language, and `words` alone.
        """
        return islice(self._said(), count)

    def _said(self) -> Iterator[Utterance]:
        for turn, (place, voice) in enumerate(self._cast()):
            language = "en" if voice.kind == "flite" else self.languages[place % len(self.languages)]
            first = self.group * (turn // self.speakers if self.speakers else 0)
            yield from (_utterance(voice, language, self.words, own) for own in range(first, first + self.group))

    def _cast(self) -> Iterator[tuple[int, Voice]]:
        """The speakers with their places in the cast, turn by turn."""
        found = enumerate(voice for voice in map(self._voice, numbers()) if self.split in {None, voice.split})
        return cycle(islice(found, self.speakers)) if self.speakers else found

    def _voice(self, number: int) -> Voice:
        of_flite = self.flite and share(f"flite/{self.seed}/{number}") < self.flite
        return Voice(self.seed, number, "flite" if of_flite else "formant")


def _utterance(voice: Voice, language: str, words: tuple[int, int], own: int) -> Utterance:
    text = _text(voice, language, words, own)
    return Utterance(f"{voice.name}-{own:05}", text, language, voice.name, voice.split, str(voice.recipe(own)))


def _text(voice: Voice, language: str, words: tuple[int, int], own: int) -> str:
    """The first of the sentences drawn for this place that lies in the speaker's split."""
    drawn = (sentence(language, words, voice.name, own, attempt) for attempt in numbers())
    return next(text for text in drawn if split_of(canonical(text)) == voice.split)
