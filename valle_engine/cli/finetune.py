"""`valle finetune`: learn one voice from its recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle_engine.api import spec_of
from valle_engine.cli import DONE
from valle_engine.cli.say import parsed_value
from valle_engine.modelspec import DEFAULT_MODEL
from valle_engine.plugins import load_plugins

if TYPE_CHECKING:
    import argparse

    from valle_engine.plugins import Plugins
    from valle_engine.training.finetuning import FineTuning, Tuned


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    about = "Learn the voice of a folder of recordings, each with a .txt beside it that holds its words."
    parser = verbs.add_parser("finetune", help="learn one voice from its recordings", description=about)
    parser.add_argument("folder", type=Path, help="the recordings, and their words")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the adapter to write (.sft)")
    parser.add_argument("--model", default=DEFAULT_MODEL, help=f"a name or a path (default: {DEFAULT_MODEL})")
    parser.add_argument("--codec", help="the model's codec: a name, or JSON with `name` and options")
    parser.add_argument("--language", default="en", help="language code of the recordings (default: en)")
    parser.add_argument("--rank", type=int, default=32, help="rank of the adapter (default: 32)")
    parser.add_argument("--alpha", type=float, help="how strongly it acts (default: as the rank)")
    parser.add_argument("--steps", type=int, default=150, help="steps of learning (default: 150)")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="highest learning rate (default: 0.001)")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives another adapter (default: 0)")
    parser.add_argument("--json", action="store_true", help="print JSON, and no progress")


def run(arguments: argparse.Namespace) -> int:
    """Learn the voice. Raises `JobError` for recordings that are not fit, `CheckpointError` and `StoreError`."""
    from rich.console import Console  # noqa: PLC0415 - for people only

    from valle_engine.training.finetuning import finetune  # noqa: PLC0415 - it loads torch

    plugins = load_plugins()
    tuned = finetune(_wanted(arguments, plugins), plugins, None if arguments.json else Console(stderr=True))
    print(_as_json(arguments.output, tuned) if arguments.json else _told(arguments.output, tuned))
    return DONE


def _wanted(arguments: argparse.Namespace, plugins: Plugins) -> FineTuning:
    from valle_engine.training.finetuning import FineTuning  # noqa: PLC0415 - it loads torch

    codec = {} if arguments.codec is None else {"codec": parsed_value(arguments.codec)}
    return FineTuning(
        folder=arguments.folder,
        model=spec_of({"name": arguments.model, **codec}, plugins),
        output=arguments.output,
        language=arguments.language,
        rank=arguments.rank,
        alpha=arguments.rank if arguments.alpha is None else arguments.alpha,
        steps=arguments.steps,
        learning_rate=arguments.learning_rate,
        seed=arguments.seed,
    )


def _as_json(output: Path, tuned: Tuned) -> str:
    facts = {"recordings": tuned.recordings, "seconds": round(tuned.seconds, 2)}
    return json.dumps({"file": str(output), **facts, "before": tuned.before, "after": tuned.after}, indent=2)


def _told(output: Path, tuned: Tuned) -> str:
    learnt = f"{output}: learnt from {tuned.recordings} recordings, {tuned.seconds / 60:.1f} minutes"
    if not tuned.before:
        return learnt
    return f"{learnt}; loss of those held out {tuned.before:.3f}, now {tuned.after:.3f}"
