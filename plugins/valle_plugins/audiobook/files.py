"""The files that a book is cut into, and what stands where in each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from valle_plugins.audiobook.about import file_name
from valle_plugins.audiobook.container import RATE, BookFormat, Chapter
from valle_plugins.audiobook.lines import Line, Pauses, Spot, laid_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class File:
    """One file of a book: its name, its title, its number (0: the only one), its places, its chapters.

    `tail` is the silence at its end, in seconds.
    """

    name: str
    title: str
    number: int
    spots: Sequence[Spot]
    chapters: Sequence[Chapter]
    tail: float

    @property
    def samples(self) -> int:
        """Its length."""
        return self.spots[-1].end + round(self.tail * RATE)


@dataclass(frozen=True, slots=True)
class Cut:
    """How a book is cut: a file a chapter, or as few files as hold `longest` seconds each."""

    per_chapter: bool
    longest: float
    pauses: Pauses
    format: BookFormat

    def files(self, title: str, lines: Sequence[Line]) -> list[File]:
        """The files of a book of that title, in their order."""
        parts = list(self._parts(lines))
        return [self._file(title, part, number, len(parts)) for number, part in enumerate(parts, start=1)]

    def _file(self, title: str, lines: Sequence[Line], number: int, of: int) -> File:
        spots = list(laid_out(lines, self.pauses, RATE))
        chapters = _chapters(spots, round(self.pauses.chapter * RATE))
        if of == 1 and not self.per_chapter:
            return File(f"{file_name(title, 'book')}.{self.format}", title, 0, spots, chapters, self.pauses.chapter)
        own = chapters[0].title if self.per_chapter else f"{title}, part {number}"
        name = f"{number:0{len(str(of))}} - {file_name(own, 'Chapter')}.{self.format}"
        return File(name, own, number, spots, chapters, self.pauses.chapter)

    def _parts(self, lines: Sequence[Line]) -> Iterator[list[Line]]:
        """The lines of each file; a chapter is never cut."""
        part: list[Line] = []
        seconds = 0.0
        for chapter in _by_chapter(lines):
            more = self._seconds(chapter)
            if part and (self.per_chapter or seconds + more > self.longest):
                yield part
                part, seconds = [], 0.0
            part += chapter
            seconds += more
        yield part

    def _seconds(self, lines: Sequence[Line]) -> float:
        *_, last = laid_out(lines, self.pauses, RATE)
        return last.end / RATE + self.pauses.chapter


def _by_chapter(lines: Iterable[Line]) -> Iterator[list[Line]]:
    return (list(group) for _, group in groupby(lines, key=lambda line: line.chapter))


def _chapters(spots: Sequence[Spot], tail: int) -> list[Chapter]:
    """A chapter begins with the sound of its first line, the first one with the file."""
    firsts = [next(group) for _, group in groupby(spots, key=lambda spot: spot.line.chapter)]
    starts = [0, *(spot.start for spot in firsts[1:])]
    ends = [*starts[1:], spots[-1].end + tail]
    titles = [first.line.title or f"Chapter {first.line.chapter or 1}" for first in firsts]
    return [Chapter(*facts) for facts in zip(titles, starts, ends, strict=True)]
