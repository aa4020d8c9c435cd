"""From a folder of one voice's recordings to an adapter that speaks like it, in minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from rich.progress import track

from valle_engine.coder import choose_device
from valle_engine.errors import JobError
from valle_engine.model.engine import choose_dtype
from valle_engine.model.hub import load
from valle_engine.opened import codec_for, tokenizer_of
from valle_engine.training.adapters import AdapterLearner
from valle_engine.training.batches import Batches, Bookmark, Reader
from valle_engine.training.collation import collate
from valle_engine.training.curriculum import Curriculum
from valle_engine.training.lessons import Vocabularies
from valle_engine.training.optimising import Learning
from valle_engine.training.options import Batch, Drop, Lessons, Levels, Optimiser, Prompts
from valle_engine.training.validation import Validator
from valle_engine.training.voice import LONGEST, SHORTEST, Voice, find_recordings, make_examples

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from valle_engine.modelspec import ModelSpec
    from valle_engine.plugins import Plugins
    from valle_engine.training.examples import Example

FEWEST = 3
"""Recordings that an adapter is made from, at least."""
HELD_OUT = 10
"""Every so many recordings, one only tells whether the voice was learnt."""
PLACES = 2048


@dataclass(frozen=True, slots=True)
class FineTuning:
    """What is fine-tuned to which voice. `language` is what all recordings speak."""

    folder: Path
    model: ModelSpec
    output: Path
    language: str = "en"
    rank: int = 32
    alpha: float = 32.0
    steps: int = 150
    learning_rate: float = 1e-3
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Tuned:
    """What came of it: loss of recordings that were held out, before and after (0 without any)."""

    recordings: int
    seconds: float
    before: float
    after: float


def finetune(wanted: FineTuning, plugins: Plugins, console: Console | None) -> Tuned:
    """Learn a voice and write its adapter. Raises `JobError` for recordings that are not fit, and `CheckpointError`."""
    recordings = find_recordings(wanted.folder, plugins)
    if len(recordings) < FEWEST:
        raise JobError(f"{wanted.folder} holds {len(recordings)} recordings; an adapter needs {FEWEST} at least")
    checkpoint = load(wanted.model.name, plugins.models, sha256=wanted.model.sha256)
    device = choose_device(wanted.model.device)
    codec = codec_for(wanted.model, checkpoint, plugins)
    examples = make_examples(recordings, codec.open(device), wanted.language)
    vocabularies = Vocabularies(tokenizer_of(checkpoint))
    curriculum = Curriculum(LESSONS, checkpoint.config, vocabularies, codec.frame_rate)
    learner = AdapterLearner(checkpoint.model(device=device), wanted.rank, wanted.alpha, wanted.seed)
    learning = Learning(learner, _optimiser(wanted), wanted.steps, choose_dtype(wanted.model.precision, device))
    held_out, learnt = _split(examples)
    validator = Validator(Voice(held_out), curriculum, len(held_out), PLACES)
    before = validator.measure(learning, 0)["loss"]
    _learn(wanted, Batches(Voice(learnt), curriculum, BATCH, Reader(wanted.seed), Bookmark()), learning, console)
    after = validator.measure(learning, wanted.steps)["loss"]
    learner.write(wanted.output, {"model": wanted.model.name, "language": wanted.language})
    return Tuned(len(examples), sum(example.seconds for example in examples), before, after)


LESSONS = Lessons(
    tasks={"tts": 4, "continuation": 1},
    seconds=(SHORTEST, LONGEST),
    prompts=Prompts(seconds=(1.0, 4.0)),
    # Half of the speech is without a prompt, so that the voice is the adapter's and not the prompt's.
    drop=Drop(prompt=0.5, all=0.05),
    levels=Levels(),
)
BATCH = Batch(places=PLACES, window=64)


def _optimiser(wanted: FineTuning) -> Optimiser:
    warmup = max(1, wanted.steps // 10)
    return Optimiser(learning_rate=wanted.learning_rate, warmup=warmup, weight_decay=0.0, average=0.0)


def _split(examples: list[Example]) -> tuple[list[Example], list[Example]]:
    """Those that are held out, and those that are learnt from."""
    held_out = examples[HELD_OUT - 1 :: HELD_OUT]
    return held_out, [example for example in examples if example not in held_out]


def _learn(wanted: FineTuning, batches: Batches, learning: Learning, console: Console | None) -> None:
    steps = range(wanted.steps)
    for step in steps if console is None else track(steps, "learning the voice", console=console):
        torch.manual_seed(wanted.seed + step)
        learning.step([collate(batches.take(step), learning.learner.model.config)])
