"""What is measured while training: the loss on utterances that are never trained on, and how the model speaks."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from valle_engine.training.batches import grouped
from valle_engine.training.collation import collate
from valle_engine.training.tally import Tally

if TYPE_CHECKING:
    from valle_engine.training.batches import Corpus
    from valle_engine.training.collation import Pack
    from valle_engine.training.curriculum import Curriculum
    from valle_engine.training.lessons import Lesson
    from valle_engine.training.optimising import Learning
    from valle_engine.training.samples import Samples

LATE = 2**62
"""A step at which nothing of the beginning is left."""


class Validator:
    """The same lessons every time."""

    def __init__(
        self, corpus: Corpus, curriculum: Curriculum, examples: int, places: int, samples: Samples | None = None
    ) -> None:
        self._packs = _packs(_lessons(corpus, curriculum, examples), curriculum, places)
        self._samples = samples

    def measure(self, learning: Learning, step: int) -> dict[str, float]:
        """Mean loss of a lesson, losses by task and head, and the scores of what the model says now."""
        tally = Tally.of(self._packs, [learning.losses(pack) for pack in self._packs])
        spoken = {} if self._samples is None else self._samples.measure(learning.averaged.model, step)
        return {"loss": tally.loss, **tally.figures(), **spoken}


def _lessons(corpus: Corpus, curriculum: Curriculum, count: int) -> list[Lesson]:
    stream = corpus.stream(0, 0)
    lessons: list[Lesson] = []
    for number, example in enumerate(islice(stream, count)):
        if curriculum.wants(example, LATE):
            lessons.append(curriculum.lesson(example, stream.others(example), np.random.default_rng((number, 2)), LATE))
    return lessons


def _packs(lessons: list[Lesson], curriculum: Curriculum, places: int) -> list[Pack]:
    return [collate(batch, curriculum.config) for batch in grouped(lessons, curriculum.config, places)]
