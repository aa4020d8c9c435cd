"""Batches of lessons of like length, in an order that a seed decides and that can be taken up anywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from valle_engine.errors import StoreError
from valle_engine.training.collation import places_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valle_engine.model.config import ModelConfig
    from valle_engine.training.curriculum import Curriculum
    from valle_engine.training.examples import Example
    from valle_engine.training.lessons import Lesson
    from valle_engine.training.options import Batch


class ExampleStream(Protocol):
    """The examples of one epoch."""

    def __next__(self) -> Example: ...

    def __iter__(self) -> Iterator[Example]: ...

    def others(self, example: Example) -> Sequence[Example]:
        """The other utterances of the speaker of an example that was just given."""


class Corpus(Protocol):
    """Where examples come from: the same for the same arguments, at any time."""

    def stream(self, seed: int, epoch: int, rank: int = 0, world: int = 1, start: int = 0) -> ExampleStream:
        """The examples of an epoch that are this rank's, without the first `start` of them."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where reading stands: the window that is being given out, and how many of its batches were.

    A window begins `start` examples into the epoch, and was drawn for a step.
    """

    epoch: int = 0
    start: int = 0
    step: int = 0
    given: int = 0


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose chance it is, and which share of the corpus."""

    seed: int = 0
    rank: int = 0
    world: int = 1


class Batches:
    """Endless batches of lessons. `bookmark` is where to go on, after the batch that was given last."""

    def __init__(
        self, corpus: Corpus, curriculum: Curriculum, options: Batch, reader: Reader, bookmark: Bookmark
    ) -> None:
        self._corpus, self._curriculum, self._options, self._reader = corpus, curriculum, options, reader
        self.bookmark = bookmark
        self._batches: list[list[Lesson]] = []
        self._next = bookmark
        self._stream: ExampleStream | None = None
        self._epoch, self._taken = 0, 0

    def take(self, step: int) -> list[Lesson]:
        """The next batch; `step` is the one it is for. Raises `StoreError` when the corpus has no fitting utterance."""
        if not self._batches:
            self._fill()
        if self.bookmark.given == len(self._batches):
            self.bookmark = replace(self._next, step=step)
            self._fill()
        batch = self._batches[self.bookmark.given]
        self.bookmark = replace(self.bookmark, given=self.bookmark.given + 1)
        return batch

    def _fill(self) -> None:
        """Draw the lessons of a window, and sort them into batches; the order of the batches is chance's."""
        batches = grouped(self._window(), self._curriculum.config, self._options.places)
        random = self._random(self.bookmark.epoch, self.bookmark.start, 1)
        self._batches = [batches[int(index)] for index in random.permutation(len(batches))]

    def _window(self) -> list[Lesson]:
        """Lessons from the bookmark on, over the end of an epoch if need be; `_next` is where they end."""
        epoch, start, step = self.bookmark.epoch, self.bookmark.start, self.bookmark.step
        lessons: list[Lesson] = []
        idle = 0
        while len(lessons) < self._options.window:
            stream = self._at(epoch, start)
            example = next(iter(stream), None)
            if example is None:
                idle = idle + 1 if not lessons else 0
                if idle > 1:
                    raise StoreError("no utterance of the corpus is as long as `lessons.seconds` wants it")
                epoch, start = epoch + 1, 0
                continue
            if self._curriculum.wants(example, step):
                random = self._random(epoch, start, 0)
                lessons.append(self._curriculum.lesson(example, stream.others(example), random, step))
            start += 1
            self._taken = start
        self._next = Bookmark(epoch, start)
        return lessons

    def _at(self, epoch: int, start: int) -> ExampleStream:
        """The stream of an epoch at a place: the one that is open, if it stands there."""
        if self._stream is None or self._taken != start or self._epoch != epoch:
            reader = self._reader
            self._stream = self._corpus.stream(reader.seed, epoch, reader.rank, reader.world, start)
            self._epoch, self._taken = epoch, start
        return self._stream

    def _random(self, epoch: int, place: int, what: int) -> np.random.Generator:
        return np.random.default_rng((self._reader.seed, self._reader.rank, epoch, place, what))


def grouped(lessons: list[Lesson], config: ModelConfig, places: int) -> list[list[Lesson]]:
    """Lessons of like length together, as many as fit into so many places; a longer one alone."""
    sizes = [places_of(lesson, config) for lesson in lessons]
    batches: list[list[Lesson]] = []
    room = 0
    for index in sorted(range(len(lessons)), key=sizes.__getitem__):
        room -= sizes[index]
        if room < 0:
            batches.append([])
            room = places - sizes[index]
        batches[-1].append(lessons[index])
    return batches
