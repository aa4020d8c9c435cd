"""Run a training in this process: put its parts together, learn, end well however it ends."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from valle_engine.errors import StoreError
from valle_engine.model.engine import choose_dtype
from valle_engine.plugins import load_plugins
from valle_engine.scoring.panel import Panel
from valle_engine.scoring.recipe import spec_of
from valle_engine.store.lock import RunLock
from valle_engine.training.batches import Reader
from valle_engine.training.beginning import first_model
from valle_engine.training.curriculum import Curriculum
from valle_engine.training.journal import Journal, Silence
from valle_engine.training.learner import Learner
from valle_engine.training.optimising import Learning
from valle_engine.training.samples import Samples, choose_samples
from valle_engine.training.saving import Checkpoints
from valle_engine.training.shards import Shards
from valle_engine.training.trainer import Desk, Study, Trainer
from valle_engine.training.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from rich.console import Console

    from valle_engine.training.loading import Training

CHECKPOINTS = "checkpoints"
"""Folder of the checkpoints in that of the training."""


def run_training(training: Training, console: Console | None, *, resume: bool) -> bool:
    """Train in this process alone; whether all steps were made. Raises `StoreError` as `claimed` does."""
    with claimed(training, resume=resume):
        return work(training, console, Reader(training.spec.seed))


@contextmanager
def claimed(training: Training, *, resume: bool) -> Iterator[None]:
    """Hold the folder of a training for oneself.

    Raises `StoreError` when somebody else does, and when it holds checkpoints and nobody says to go on from them.
    """
    training.folder.mkdir(parents=True, exist_ok=True)
    with RunLock(training.folder / "lock"):
        if (steps := Checkpoints(training.folder / CHECKPOINTS).steps()) and not resume:
            raise StoreError(
                f"{training.folder} holds a training at step {steps[-1]}: go on with --resume, or name another `folder`"
            )
        yield


def work(training: Training, console: Console | None, reader: Reader) -> bool:
    """Be one process of a training, from the newest checkpoint on if there is one; whether all steps were made."""
    spec = training.spec
    # Sums depend on how they are split: the file says by how many threads, not the machine.
    torch.set_num_threads(max(1, int(spec.devices.cpus)))
    kind = Silence if reader.rank else Journal
    with kind(training.folder, spec.steps, spec.log_every, console) as journal:
        trainer = assemble(training, Checkpoints(training.folder / CHECKPOINTS), journal, reader)
        trainer.resume()
        with stopped_by_signals(trainer):
            return trainer.run()


def assemble(training: Training, checkpoints: Checkpoints, journal: Journal, reader: Reader) -> Trainer:
    """Put the parts of a training together."""
    spec, corpus = training.spec, Shards(training.data)
    model, vocabularies = first_model(training, corpus)
    curriculum = Curriculum(spec.lessons, model.config, vocabularies, corpus.codec.frame_rate)
    device = torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
    learner = Learner(model.to(device), spec.optimiser.dropout)
    learning = Learning(learner, spec.optimiser, spec.steps, choose_dtype(spec.precision, device.type))
    validator = None if reader.rank else _validator(training, curriculum)
    return Trainer(spec, Study(corpus, curriculum, reader), learning, Desk(checkpoints, journal, validator))


def _validator(training: Training, curriculum: Curriculum) -> Validator | None:
    options = training.spec.validation
    if not options.examples:
        return None
    corpus = Shards(training.data, "validation")
    if not corpus.examples:
        return None
    samples = _samples(training, corpus, curriculum) if options.samples else None
    return Validator(corpus, curriculum, options.examples, training.spec.batch.places, samples)


def _samples(training: Training, corpus: Shards, curriculum: Curriculum) -> Samples:
    """The sentences of the validation, with the codec and the scorers that the file names."""
    chosen = choose_samples(corpus, training.spec.validation.samples, corpus.codec.frame_rate)
    codec = None if training.codec is None else training.codec.open("cpu")
    panel = None
    if training.scoring.scorers:
        panel = Panel(spec_of(training.scoring, {}, len(chosen), "cpu"), load_plugins())
    return Samples(chosen, curriculum.vocabularies, training.folder, codec, panel)


@contextmanager
def stopped_by_signals(trainer: Trainer) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end the training after its step; the second one ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler's signature
        trainer.stop()
        signal.signal(number, before[number])

    before: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
