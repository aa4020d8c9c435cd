"""Cut a text into lines that are not too long to be spoken well, at the best places there are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from valle_engine.text.spoken import cuts_into

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from valle_engine.text.spoken import Change

_CLAUSE = re.compile(r"[,;:…][\"'”’»)\]]*(?=\s)|[、，；：][”’」』）]*|[—–](?=\s|\w)")
_WORD = re.compile(r"\s+|(?<=[\u2e80-\u9fff\uf900-\ufaff])(?=[\u2e80-\u9fff\uf900-\ufaff])")
SENTENCE, CLAUSE, WORD = 0.0, 0.5, 2.0
"""What a line costs that ends there, in squares of the longest line."""
HANDFUL = 8
"""The longest line has that many groups of words at least, where there is nothing better to cut it at."""


class Piece(NamedTuple):
    """The characters from `start` to `end`, not cut further; their seconds; what it costs to end a line there."""

    start: int
    end: int
    seconds: float
    cost: float


@dataclass(frozen=True, slots=True)
class Packer:
    """Cuts texts into lines of at most `longest` seconds."""

    longest: float

    def lines(
        self, text: str, language: str, changes: Sequence[Change], seconds: Callable[[int, int], float]
    ) -> list[tuple[int, int]]:
        """The lines of a text as start and end; together they are the text.

        No change is cut; `seconds` tells how long a part takes. Only what has no place to be cut is longer.
        """
        sentences = _between(0, len(text), _sentence_ends(text, language), changes)
        pieces: list[Piece] = []
        for start, end in sentences:
            pieces += self._pieces(text, start, end, changes, seconds)
        return self._joined(pieces)

    def _pieces(
        self, text: str, start: int, end: int, changes: Sequence[Change], seconds: Callable[[int, int], float]
    ) -> list[Piece]:
        """One sentence: whole, or cut at its clauses, and those at their words, as far as it must be."""
        if (length := seconds(start, end)) <= self.longest:
            return [Piece(start, end, length, SENTENCE)]
        pieces: list[Piece] = []
        for clause in _between(start, end, [found.end() for found in _CLAUSE.finditer(text, start, end)], changes):
            parts = [clause]
            if seconds(*clause) > self.longest:
                words = _between(*clause, [found.end() for found in _WORD.finditer(text, *clause)], changes)
                parts = list(_handfuls(words, self.longest / HANDFUL, seconds))
            pieces += [Piece(*part, seconds(*part), WORD) for part in parts[:-1]]
            pieces.append(Piece(*parts[-1], seconds(*parts[-1]), CLAUSE))
        return [*pieces[:-1], pieces[-1]._replace(cost=SENTENCE)]

    def _joined(self, pieces: Sequence[Piece]) -> list[tuple[int, int]]:
        """Pieces joined to lines so that all lines together miss the longest by the least square."""
        best: list[tuple[float, int]] = [(0.0, 0)]
        for last in range(1, len(pieces) + 1):
            length, options = 0.0, list[tuple[float, int]]()
            for first in range(last - 1, -1, -1):
                length += pieces[first].seconds
                if options and length > self.longest:
                    break
                missed = max(0.0, self.longest - length) ** 2 + pieces[last - 1].cost * self.longest**2
                options.append((best[first][0] + missed, first))
            best.append(min(options))
        cuts, at = list[tuple[int, int]](), len(pieces)
        while at:
            first = best[at][1]
            cuts.append((pieces[first].start, pieces[at - 1].end))
            at = first
        return cuts[::-1]


def _handfuls(
    words: Sequence[tuple[int, int]], enough: float, seconds: Callable[[int, int], float]
) -> Iterator[tuple[int, int]]:
    """Words in groups that take some time each: finer cuts are of no use, and very long texts would take long."""
    begin = words[0][0]
    for _, end in words:
        if seconds(begin, end) >= enough:
            yield begin, end
            begin = end
    if begin < words[-1][1]:
        yield begin, words[-1][1]


def _sentence_ends(text: str, language: str) -> list[int]:
    from sentencex import segment  # noqa: PLC0415 - only who makes lines needs it

    ends, at = [], 0
    for sentence in segment(language, text):
        at += len(sentence)
        ends.append(at)
    return ends


def _between(start: int, end: int, cuts: Sequence[int], changes: Sequence[Change]) -> list[tuple[int, int]]:
    """The parts from `start` to `end`, cut at the places that lie in no change."""
    allowed = [cut for cut in cuts if start < cut < end and not cuts_into(changes, cut)]
    edges = [start, *allowed, end]
    return [(edge, after) for edge, after in pairwise(edges) if edge < after]
