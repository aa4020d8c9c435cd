"""The recipes as commands: `python -m valle_plugins.pocket.recipes RECIPE --help`."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from valle_engine.errors import JobError, ValleError

if TYPE_CHECKING:
    from collections.abc import Sequence

RECIPES = {
    "codec": ("a codec's encoder and codebooks; a step is a batch of 16 seconds", 250),
    "vocoder": ("the decoder of the codec in --out, for its codes as they are", 2000),
    "recogniser": ("phonemes heard in speech", 1500),
    "speakers": ("speakers told apart", 800),
}
"""Each recipe is the module of its name, with a function `train`; and the steps that pocket took."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one recipe; returns the exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        if parsed.recipe == "material":
            _prepare(parsed)
        else:
            _train(parsed)
    except ValleError as error:
        print(f"recipes {parsed.recipe}: {error}", file=sys.stderr)  # noqa: T201 - a command prints
        return 3
    except KeyboardInterrupt:
        return 130
    return 0


def _prepare(parsed: argparse.Namespace) -> None:
    from valle_plugins.pocket.recipes.material import from_source, synthetic  # noqa: PLC0415 - only what is asked for

    if parsed.source:
        from_source(parsed.out, parsed.source, parsed.path, parsed.language)
    else:
        synthetic(parsed.out, parsed.utterances, parsed.seed)


def _train(parsed: argparse.Namespace) -> None:
    import torch  # noqa: PLC0415 - help needs none

    from valle_plugins.pocket.recipes.loop import CHECKPOINT, Plan  # noqa: PLC0415 - loads torch

    if (parsed.out / CHECKPOINT).exists() and not parsed.resume:
        raise JobError(f"{parsed.out}: holds a training already: go on with --resume, or name another folder")
    torch.set_num_threads(parsed.threads)
    plan = Plan(parsed.out, parsed.steps, seed=parsed.seed, save_every=parsed.save_every)
    import_module(f"valle_plugins.pocket.recipes.{parsed.recipe}").train(parsed.material, plan)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m valle_plugins.pocket.recipes", description=sys.modules[__name__].__doc__
    )
    recipes = parser.add_subparsers(dest="recipe", metavar="recipe", required=True)
    material = recipes.add_parser("material", help="speech and noise that the others learn from")
    material.add_argument("--out", type=Path, required=True, help="folder to make")
    material.add_argument("--utterances", type=int, default=10_000, help="synthetic utterances to render")
    material.add_argument("--source", help="a source of one's own recordings instead, such as audio-folder or jsonl")
    material.add_argument("--path", type=Path, help="what the source reads")
    material.add_argument("--language", default="en", help="of recordings that do not tell theirs")
    material.add_argument("--seed", type=int, default=0)
    for name, (meaning, steps) in RECIPES.items():
        _add_recipe(recipes.add_parser(name, help=meaning), steps)
    return parser


def _add_recipe(recipe: argparse.ArgumentParser, steps: int) -> None:
    recipe.add_argument("--material", type=Path, required=True, help="folder made by `material`")
    recipe.add_argument("--out", type=Path, required=True, help="folder of checkpoint, log and weights")
    recipe.add_argument("--steps", type=int, default=steps)
    recipe.add_argument("--save-every", type=int, default=200, help="steps between checkpoints")
    recipe.add_argument("--seed", type=int, default=0)
    recipe.add_argument("--threads", type=int, default=1, help="of PyTorch; more hurt on a busy machine")
    recipe.add_argument("--resume", action="store_true", help="go on from the checkpoint in the folder")


if __name__ == "__main__":
    sys.exit(main())
