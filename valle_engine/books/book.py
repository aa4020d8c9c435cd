"""A book as it was read: chapters of paragraphs, paragraphs of runs under the same marks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

Kind = Literal["heading", "text"]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text under the same marks; `pause` is a silence after it, in seconds.

    `alias` is said in its place; `phonemes` (IPA) is how it sounds. An empty language or speaker is the book's own.
    """

    text: str
    language: str = ""
    speaker: str = ""
    emphasis: bool = False
    alias: str = ""
    phonemes: str = ""
    pause: float | None = None

    def cut(self, *places: int) -> list[Run]:
        """The run in pieces, cut where a place lies inside its text; the pause stays behind the last."""
        cuts = sorted({0, *(place for place in places if 0 < place < len(self.text)), len(self.text)})
        if len(cuts) <= 2:
            return [self]
        pieces = [replace(self, text=self.text[start:end], pause=None) for start, end in pairwise(cuts)]
        return [*pieces[:-1], replace(pieces[-1], pause=self.pause)]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph or a heading; one without text is a pause between others.

    `place` is the document it stands in, `line` its line there, `anchor` its element's `id`, `element` the XPath of its
    element in that document, empty where there is none. `scene` says that a new scene begins with it.
    """

    runs: tuple[Run, ...]
    kind: Kind = "text"
    place: str = ""
    line: int = 0
    anchor: str = ""
    element: str = ""
    scene: bool = False

    @property
    def text(self) -> str:
        """The written text."""
        return "".join(run.text for run in self.runs)

    def spoken_by(self, speaker: str, start: int, end: int) -> Paragraph:
        """The same with the characters from `start` to `end` given to a speaker."""
        runs: list[Run] = []
        at = 0
        for run in self.runs:
            for piece in run.cut(start - at, end - at):
                inside = piece.text and start <= at < end
                runs.append(replace(piece, speaker=speaker) if inside else piece)
                at += len(piece.text)
        return replace(self, runs=tuple(runs))


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter; `title` is empty where the book gives it none."""

    title: str
    paragraphs: tuple[Paragraph, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is not read: what it is, where it stands, and how its text begins."""

    kind: str
    place: str
    line: int
    characters: int
    beginning: str = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that is read in another way than it was meant, and where."""

    message: str
    place: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.place}:{self.line}: {self.message}" if self.line else f"{self.place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture: its name in the book, its media type, its bytes."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a book says of itself; empty where it says nothing."""

    title: str = ""
    authors: tuple[str, ...] = ()
    language: str = ""
    identifier: str = ""
    publisher: str = ""
    date: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """A book: what it says of itself, its chapters in reading order, and what is not read of it and why."""

    metadata: Metadata
    chapters: tuple[Chapter, ...] = ()
    cover: Cover | None = None
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[Warned, ...] = ()
