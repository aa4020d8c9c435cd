"""Which lesson an utterance gives at a step: a task, a codebook, what is left out. All chance is the caller's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import cos, pi
from typing import TYPE_CHECKING

from valle_engine.training.lessons import NOISY, SPEECH, WRITING, Aim, Draw, Lesson, dropped, goes_on, spoken

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from valle_engine.model.config import ModelConfig
    from valle_engine.training.examples import Example
    from valle_engine.training.lessons import Vocabularies
    from valle_engine.training.options import LessonName, Lessons


@dataclass(frozen=True)
class Curriculum:
    """Lessons for a model. `frame_rate` is the corpus' (frames a second)."""

    options: Lessons
    config: ModelConfig
    vocabularies: Vocabularies
    frame_rate: float

    def progress(self, step: int) -> float:
        """How far the beginning has faded out, 0 to 1."""
        return min(1.0, step / self.options.early.steps) if self.options.early.steps else 1.0

    def wants(self, example: Example, step: int) -> bool:
        """Whether an utterance is neither too short nor, at this step, too long."""
        shortest, longest = self.options.seconds
        early, progress = min(self.options.early.seconds, longest), self.progress(step)
        return shortest <= example.seconds <= early + progress * (longest - early)

    def lesson(self, example: Example, others: Sequence[Example], random: np.random.Generator, step: int) -> Lesson:
        """The lesson of an utterance, given the others of its speaker.

        One without noise gives the tasks that need none. Raises `CheckpointError` where there are no others.
        """
        names, shares = self._tasks if example.noisy is not None else self._quiet_tasks
        name = names[int(random.choice(len(names), p=shares))]
        draw = Draw(example, others, random, self.options, self.vocabularies, self.frame_rate)
        if name in WRITING:
            return WRITING[name](draw)
        aim = self.aim(random, step)
        if name == "continuation":
            return goes_on(draw, aim, self.config)
        lesson = spoken(SPEECH[name](draw), aim, self.config, random)
        return Lesson(dropped(lesson.inputs, self.options, random), lesson.targets)

    def aim(self, random: np.random.Generator, step: int) -> Aim:
        """What a piece of speech is to teach at a step."""
        chance, early = random.random(), self.options.early
        level = int(random.choice(len(self._levels), p=self._levels))
        masked = random.random() < self.options.levels.masked and self.config.demasks
        share = self._mask_share(random.random())
        if chance < early.stepwise * (1 - self.progress(step)):
            return Aim()
        return Aim(level, share if masked and level == 0 else None)

    def _mask_share(self, chance: float) -> float:
        mask = self.options.levels.mask
        return cos(pi / 2 * chance) if mask == "cosine" else mask

    @cached_property
    def _tasks(self) -> tuple[list[LessonName], list[float]]:
        return list(self.options.tasks), _shares([*self.options.tasks.values()])

    @cached_property
    def _quiet_tasks(self) -> tuple[list[LessonName], list[float]]:
        """Those that an utterance without noise can teach; where all need noise, all, so that the lesson says so."""
        weights = {name: weight for name, weight in self.options.tasks.items() if name not in NOISY}
        return (list(weights), _shares([*weights.values()])) if sum(weights.values()) else self._tasks

    @cached_property
    def _levels(self) -> list[float]:
        levels = self.config.levels
        weights = self.options.levels.weights or [float(levels - level) for level in range(levels)]
        return _shares(weights)


def _shares(weights: Sequence[float]) -> list[float]:
    total = sum(weights)
    return [weight / total for weight in weights]
