"""Lexicons: how words of a book or of a series are to be said. Versioned YAML files; every use is counted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from valle_engine.books.yaml import read_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from valle_engine.text.spoken import Rewriting

LONGEST_REGEX = 300
_WITHOUT_SPACES = re.compile(r"[\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff]")
_REPEATED_REPEAT = re.compile(r"\((?:[^()\\]|\\.)*[*+}](?:[^()\\]|\\.)*\)[*+{]")


class Entry(BaseModel):
    """One entry: a word (or several) or a regular expression, and what is said for it or how it sounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    word: tuple[str, ...] = Field((), description="A whole word or phrase as it is written, or several.")
    regex: str = Field("", description="A regular expression (Python's); `say` may use its groups: \\1.")
    say: str | None = Field(None, description="What is said in its place.")
    phonemes: str = Field("", description="How it sounds (IPA); for words only.")
    case: bool = Field(default=True, description="Whether capitals must be as written here.")
    books: tuple[str, ...] = Field((), description="Keys of the books it holds for; all by default.")

    @field_validator("word", "books", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("regex")
    @classmethod
    def _sound(cls, value: str) -> str:
        """Refuse what is no expression, finds nothing at all, or may search for ever."""
        if len(value) > LONGEST_REGEX or _REPEATED_REPEAT.search(value):
            raise ValueError("too long, or a repeated group with a repetition inside, which may search for ever")
        try:
            finds_nothing = value and re.compile(value).fullmatch("") is not None
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        if finds_nothing:
            raise ValueError("it finds the empty text, which is everywhere")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.word) == bool(self.regex):
            raise ValueError("an entry has either `word` or `regex`")
        if (self.say is None) == (not self.phonemes):
            raise ValueError("an entry has either `say` or `phonemes`")
        if self.regex and self.phonemes:
            raise ValueError("phonemes are for a `word`")
        if not all(word.strip() for word in self.word):
            raise ValueError("a word is empty")
        return self

    @property
    def label(self) -> str:
        """The entry in a report."""
        return self.regex or ", ".join(self.word)


class LexiconFile(BaseModel):
    """A lexicon as its file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[^\s:]{1,64}$", description="Its name in reports.")
    version: str = Field(min_length=1, max_length=40, description="Its version in reports; any text.")
    language: str = Field("", description="The language of the lines it holds for; all by default.")
    books: tuple[str, ...] = Field((), description="Keys of the books it holds for (a series); all by default.")
    entries: tuple[Entry, ...] = Field(description="The entries; the first that fits is taken.")


class Sounded(NamedTuple):
    """A word whose sound (IPA) is given."""

    start: int
    end: int
    phonemes: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """An entry ready to search with. `needs` is a text without which it finds nothing, empty where there is none."""

    entry: Entry
    pattern: re.Pattern[str]
    needs: str
    rule: str


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A lexicon and how often each of its entries was used."""

    file: LexiconFile
    compiled: tuple[Compiled, ...]
    hits: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file. Raises `JobError` with everything that is wrong with it."""
        file = read_model(path, LexiconFile, "lexicon")
        title = f"lexicon {file.name} {file.version}"
        compiled = tuple(one for entry in file.entries for one in _compiled(entry, title))
        return cls(file, compiled, dict.fromkeys((entry.label for entry in file.entries), 0))

    def rewrite(self, rewriting: Rewriting, language: str, book: str) -> list[Sounded]:
        """Change what is free in a text of a book; returns the words whose sound is given."""
        if not (self.file.language in {"", language} and _holds(self.file.books, book)):
            return []
        found: list[Sounded] = []
        for one in self.compiled:
            if one.needs in rewriting.text and _holds(one.entry.books, book):
                found += self._use(one, rewriting)
        return found

    def _use(self, one: Compiled, rewriting: Rewriting) -> Iterator[Sounded]:
        for match in one.pattern.finditer(rewriting.text):
            entry = one.entry
            said = match[0] if entry.say is None else match.expand(entry.say) if entry.regex else entry.say
            if match[0] and rewriting.claim(*match.span(), said, one.rule):
                self.hits[entry.label] += 1
                if entry.phonemes:
                    yield Sounded(*match.span(), entry.phonemes)


def _holds(books: tuple[str, ...], book: str) -> bool:
    return not books or book in books


def _compiled(entry: Entry, title: str) -> Iterator[Compiled]:
    flags = re.NOFLAG if entry.case else re.IGNORECASE
    rule = f"{title}: {entry.label}"
    if entry.regex:
        yield Compiled(entry, re.compile(entry.regex, flags), "", rule)
    for word in entry.word:
        spaced = r"\s+".join(map(re.escape, word.split()))
        before = "" if _WITHOUT_SPACES.match(word[0]) else r"(?<!\w)"
        after = "" if _WITHOUT_SPACES.match(word[-1]) else r"(?!\w)"
        needs = word.split(maxsplit=1)[0] if entry.case else ""
        yield Compiled(entry, re.compile(f"{before}{spaced}{after}", flags), needs, rule)
