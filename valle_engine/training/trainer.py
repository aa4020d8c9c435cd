"""The training loop: lessons, steps, validation, checkpoints; the same in one process and in many.

What a checkpoint holds determines all that follows: chance is drawn from the seed and the place in the corpus, never
from a generator that runs on.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from valle_engine.errors import CheckpointError
from valle_engine.training.batches import Batches, Bookmark, Reader
from valle_engine.training.collation import collate
from valle_engine.training.saving import MODEL, Checkpoints, write_model
from valle_engine.training.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from valle_engine.training.batches import Corpus
    from valle_engine.training.curriculum import Curriculum
    from valle_engine.training.journal import Journal
    from valle_engine.training.optimising import Learning
    from valle_engine.training.options import TrainingFile
    from valle_engine.training.validation import Validator


@dataclass(slots=True)
class Best:
    """The checkpoint of the lowest validation loss."""

    step: int | None = None
    loss: float = float("inf")


@dataclass(frozen=True, slots=True)
class Study:
    """What is learnt from: a corpus, read by one process of a group, and the lessons made of it."""

    corpus: Corpus
    curriculum: Curriculum
    reader: Reader


@dataclass(frozen=True, slots=True)
class Desk:
    """What is kept and told of a training; a process beside the first one validates nothing."""

    checkpoints: Checkpoints
    journal: Journal
    validator: Validator | None = None


class Trainer:
    """One process of a training. The first one writes; `stop` asks it to end after the step it is in."""

    def __init__(self, spec: TrainingFile, study: Study, learning: Learning, desk: Desk) -> None:
        self._spec, self._study, self._learning, self._desk = spec, study, learning, desk
        self._batches = self._reading(Bookmark())
        self._best = Best()
        self._stopping = False
        self.step = 0

    def stop(self) -> None:
        """End after the step that is being made, with a checkpoint."""
        self._stopping = True

    def resume(self) -> int:
        """Go on from the newest checkpoint, if there is one; the step it is of."""
        steps = self._desk.checkpoints.steps()
        if steps:
            self._load(steps[-1])
        self._desk.journal.begin(self.step)
        return self.step

    def run(self) -> bool:
        """Learn until all steps are made, or it is stopped; whether they are."""
        while self.step < self._spec.steps and not self._stopping:
            self._make_step()
            ended = self.step == self._spec.steps
            if ended or self.step % self._spec.validation.every == 0:
                self._validate()
            if ended or self._stopping or self.step % self._spec.saving.every == 0:
                self.save()
        return self.step >= self._spec.steps

    def save(self) -> None:
        """Keep a checkpoint of this step."""
        bookmarks = self._gathered(asdict(self._batches.bookmark))
        if self._study.reader.rank:
            return
        state = {"bookmarks": bookmarks, "best": asdict(self._best), **self._learning.state()}
        self._desk.checkpoints.write(self.step, state, self._files())
        self._desk.checkpoints.thin(self._spec.saving.keep, self._best.step)

    def _make_step(self) -> None:
        started = time.perf_counter()
        # Dropout alone draws from torch's own generator.
        torch.manual_seed((self._spec.seed * 1_000_003 + self.step * 64 + self._study.reader.rank) % 2**63)
        lessons = [self._batches.take(self.step) for _ in range(self._spec.batch.accumulate)]
        packs = [collate(batch, self._study.curriculum.config) for batch in lessons]
        stepped = self._learning.step(packs)
        self.step += 1
        tally = Tally.of(packs, stepped.losses)
        self._desk.journal.stepped(self.step, stepped, tally, time.perf_counter() - started)

    def _validate(self) -> None:
        if self._desk.validator is None or self._study.reader.rank:
            return
        figures = self._desk.validator.measure(self._learning, self.step)
        self._desk.journal.validated(self.step, figures)
        if figures["loss"] < self._best.loss:
            self._best = Best(self.step, figures["loss"])

    def _files(self) -> Mapping[str, Callable[[Any], None]]:
        model = self._learning.averaged.model
        vocabulary = self._study.curriculum.vocabularies.phonemes.vocabulary
        config = self._study.curriculum.config
        return {MODEL: lambda path: write_model(path, model.state_dict(), config, vocabulary, self.step)}

    def _load(self, step: int) -> None:
        checkpoints = self._desk.checkpoints
        state = checkpoints.read(step)
        self.step = step
        self._best = Best(**state["best"])
        try:
            self._learning.load(state, step)
        except CheckpointError as error:
            raise CheckpointError(f"{checkpoints.path(step)}: {error}") from error
        self._batches = self._reading(self._own_bookmark([Bookmark(**each) for each in state["bookmarks"]]))

    def _own_bookmark(self, bookmarks: list[Bookmark]) -> Bookmark:
        """Where this process goes on; after a change of their number, about where all together had come."""
        if len(bookmarks) == self._study.reader.world:
            return bookmarks[self._study.reader.rank]
        if not bookmarks:
            raise CheckpointError(
                f"{self._desk.checkpoints.folder}: the newest checkpoint says not where it stopped reading"
            )
        epoch = min(bookmark.epoch for bookmark in bookmarks)
        taken = sum(bookmark.start for bookmark in bookmarks if bookmark.epoch == epoch)
        return Bookmark(epoch, taken // self._study.reader.world, self.step)

    def _reading(self, bookmark: Bookmark) -> Batches:
        return Batches(self._study.corpus, self._study.curriculum, self._spec.batch, self._study.reader, bookmark)

    def _gathered(self, own: dict[str, int]) -> list[dict[str, int]]:
        """What every process says, in the order of their ranks."""
        if self._study.reader.world == 1:
            return [own]
        said: list[Any] = [None] * self._study.reader.world
        torch.distributed.all_gather_object(said, own)
        return said
