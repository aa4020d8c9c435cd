"""`valle train`: train a language model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle_engine.cli import DONE, INTERRUPTED
from valle_engine.plugins import load_plugins
from valle_engine.training.loading import load_training

if TYPE_CHECKING:
    import argparse

    from valle_engine.training.loading import Training


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("train", help="train a language model", description="Train what a file describes.")
    parser.add_argument("config", type=Path, help="the training file")
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(arguments: argparse.Namespace) -> int:
    """Train; 130 when it was stopped before its last step. Raises `JobError`, `StoreError`, `CheckpointError`."""
    training = load_training(arguments.config, load_plugins())
    finished = _trained(training, arguments)
    print(training.folder / "checkpoints")
    return DONE if finished else INTERRUPTED


def _trained(training: Training, arguments: argparse.Namespace) -> bool:
    """Whether all steps were made, here or on Ray."""
    if training.spec.devices.on_ray:
        from valle_engine.training.cluster import train_on_ray  # noqa: PLC0415 - it loads torch and ray

        return train_on_ray(training, resume=arguments.resume)
    from rich.console import Console  # noqa: PLC0415 - for people only

    from valle_engine.training.running import run_training  # noqa: PLC0415 - it loads torch

    return run_training(training, None if arguments.quiet else Console(stderr=True), resume=arguments.resume)
