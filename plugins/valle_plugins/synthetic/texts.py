"""Sentences without end: words that make no sense together, so that every sound meets every other."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from valle_engine.errors import ItemError
from valle_plugins.synthetic.chance import stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from random import Random

LANGUAGES = ("en", "de", "fr", "ja", "zh", "ko")

FUNCTION_AFTER_CONTENT = 0.6
FUNCTION_AFTER_FUNCTION = 0.25
COINED = 0.15
"""Share of content words that are no words: they hold the syllables that a word list lacks."""
PAUSE = 0.1

_PUNCTUATION = re.compile(r"[^\w\s]|_")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What sentences of one language are made of; words of `content` are also coined: syllables, and a coda."""

    joiner: str
    pauses: tuple[str, ...]
    ends: tuple[str, ...]
    function: tuple[str, ...]
    content: tuple[str, ...]
    onsets: tuple[str, ...]
    nuclei: tuple[str, ...]
    codas: tuple[str, ...]
    syllables: tuple[int, ...]

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Lexicon:
        """The lexicon that a file's table holds. A text is a list of its words, where `-` is nothing at all."""
        lists = {name: _listed(value) for name, value in table.items() if name != "joiner"}
        return cls(joiner=table["joiner"], **lists)

    def word(self, random: Random) -> str:
        """A content word, from the list or coined."""
        return self._coined(random) if random.random() < COINED else random.choice(self.content)

    def _coined(self, random: Random) -> str:
        opened = [part for _ in range(random.choice(self.syllables)) for part in (self.onsets, self.nuclei)]
        letters = (random.choice(part) for part in (*opened, self.codas))
        return unicodedata.normalize("NFC", "".join(letters))  # NFC joins the letters of a Korean syllable


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple("" if word == "-" else word for word in value.split()) if isinstance(value, str) else tuple(value)


@cache
def lexicon(language: str) -> Lexicon:
    """The lexicon of one of `LANGUAGES`. Raises `ItemError` for any other."""
    if language not in LANGUAGES:
        raise ItemError(f"there are no synthetic texts in {language!r}; there are in: {', '.join(LANGUAGES)}")
    text = resources.files(__package__).joinpath("words", f"{language}.toml").read_text(encoding="utf-8")
    return Lexicon.of(tomllib.loads(text))


def sentence(language: str, words: tuple[int, int], *key: object) -> str:
    """The sentence of `words` (fewest, most) words that belongs to `key`."""
    random, known = stream("text", language, *key), lexicon(language)
    said = list(_words(known, random.randint(*words), random))
    text = known.joiner.join(said) + random.choice(known.ends)
    return text[:1].upper() + text[1:]


def _words(known: Lexicon, count: int, random: Random) -> Iterator[str]:
    """Words, some with a pause after them, none after the last."""
    function = False
    for left in reversed(range(count)):
        function = random.random() < (FUNCTION_AFTER_FUNCTION if function else FUNCTION_AFTER_CONTENT)
        word = random.choice(known.function) if function else known.word(random)
        yield word + random.choice(known.pauses) if left and random.random() < PAUSE else word


def canonical(text: str) -> str:
    """A text without case and punctuation: what two texts that are said alike have in common."""
    return " ".join(_PUNCTUATION.sub(" ", text.casefold()).split())
