"""Error rates of what a transcriber has heard: of words, characters and phonemes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from valle_engine.errors import ItemError
from valle_engine.parts import TextScorer
from valle_plugins.scorers.alignment import errors_of
from valle_plugins.scorers.phones import phones

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valle_engine.parts import Heard, Take

WITHOUT_SPACES = frozenset({"zh", "ja", "th", "lo", "my", "km"})
"""Languages that put no spaces between words: a space in a transcript says nothing."""


class ErrorRate(TextScorer):
    """Substitutions, deletions and insertions in shares of the reference."""

    unit: ClassVar[str]
    worst: ClassVar[float | None] = 1.0

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The rate of each take, with the counts it is made of and the longest wrong run."""
        heard = [heard_of(take) for take in takes]
        expected = [self.tokens(each.expected, each.language) for each in heard]
        said = [self.tokens(each.said, each.language) for each in heard]
        return [errors.figures(self.name, self.unit) for errors in errors_of(expected, said)]

    @abstractmethod
    def tokens(self, text: str, language: str) -> list[str]:
        """What is counted, without white space in it."""


class WordErrorRate(ErrorRate):
    """Word error rate: words as the normaliser leaves them, apart by spaces.

    Languages without spaces between words want `cer`, or a normaliser that sets characters apart.
    """

    name: ClassVar[str] = "wer"
    unit: ClassVar[str] = "words"
    corpus: ClassVar[tuple[str, str] | None] = ("wer.errors", "wer.words")

    def tokens(self, text: str, language: str) -> list[str]:  # noqa: ARG002 - the same in every language
        """Words."""
        return text.split()


class CharacterErrorRate(ErrorRate):
    """Character error rate. A space counts as a character, where the language sets words apart."""

    name: ClassVar[str] = "cer"
    unit: ClassVar[str] = "characters"
    corpus: ClassVar[tuple[str, str] | None] = ("cer.errors", "cer.characters")

    def tokens(self, text: str, language: str) -> list[str]:
        """Characters; a space is shown as one that can be seen."""
        words = text.split()
        between = "" if language[:2].lower() in WITHOUT_SPACES else "␣"
        return list(between.join(words))


class PhonemeErrorRate(ErrorRate):
    """Phoneme error rate, without stress and punctuation. Phonemes are made of the text by espeak-ng.

    `per.wrong-words` is the share of the reference's words in which a phoneme is wrong.
    """

    name: ClassVar[str] = "per"
    unit: ClassVar[str] = "phonemes"
    hears: ClassVar[Literal["text", "phonemes"]] = "phonemes"
    corpus: ClassVar[tuple[str, str] | None] = ("per.errors", "per.phonemes")

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The rate of each take, with the counts it is made of, the longest wrong run, and the share of wrong words."""
        words = [phones(heard_of(take).expected) for take in takes]
        expected = [[phone for word in each for phone in word] for each in words]
        said = [self.tokens(heard_of(take).said, "") for take in takes]
        return [
            {**errors.figures(self.name, self.unit), "per.wrong-words": _wrong_words(each, errors.touched)}
            for each, errors in zip(words, errors_of(expected, said), strict=True)
        ]

    def tokens(self, text: str, language: str) -> list[str]:  # noqa: ARG002 - the same in every language
        """Phones."""
        return [phone for word in phones(text) for phone in word]


class Repetition(TextScorer):
    """Share of what is heard that repeats itself more often than the text does: runs of `length` phonemes."""

    name: ClassVar[str] = "repetition"
    hears: ClassVar[Literal["text", "phonemes"]] = "phonemes"
    worst: ClassVar[float | None] = 1.0

    length: int = Field(8, ge=2, le=100, description="Phonemes of a run.")

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The share of each take, and how many runs it is."""
        return [self._of(heard_of(take)) for take in takes]

    def _of(self, heard: Heard) -> dict[str, float]:
        said, allowed = self._runs(heard.said), self._runs(heard.expected)
        extra = sum(max(0, times - max(1, allowed.get(run, 0))) for run, times in said.items())
        total = sum(said.values())
        return {"repetition": extra / total if total else 0.0, "repetition.runs": float(extra)}

    def _runs(self, phonemes: str) -> dict[tuple[str, ...], int]:
        tokens = [phone for word in phones(phonemes) for phone in word]
        found: dict[tuple[str, ...], int] = {}
        for start in range(len(tokens) - self.length + 1):
            run = tuple(tokens[start : start + self.length])
            found[run] = found.get(run, 0) + 1
        return found


def heard_of(take: Take) -> Heard:
    """What was heard of a take. Raises `ItemError` where nobody listened."""
    if take.heard is None:
        raise ItemError(f"nothing was heard of {take.outcome.id}")
    return take.heard


def _wrong_words(words: Sequence[Sequence[str]], touched: frozenset[int]) -> float:
    wrong, start = 0, 0
    for word in words:
        wrong += any(start <= place < start + len(word) for place in touched)
        start += len(word)
    return wrong / len(words) if words else 0.0
