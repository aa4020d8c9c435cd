"""Make and measure the model in the box: `python -m valle_plugins.pocket COMMAND --help`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from valle_engine.errors import ValleError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one command; returns the exit code: 0 done, 3 not."""
    parsed = _parser().parse_args(arguments)
    try:
        COMMANDS[parsed.command](parsed)
    except ValleError as error:
        print(f"pocket {parsed.command}: {error}", file=sys.stderr)  # noqa: T201 - a command prints
        return 3
    except KeyboardInterrupt:
        return 130
    return 0


def _build(parsed: argparse.Namespace) -> None:
    from valle_plugins.pocket.build import Scale, build  # noqa: PLC0415 - only what is asked for
    from valle_plugins.pocket.files import FOLDER  # noqa: PLC0415

    scale = Scale(material=parsed.material, utterances=parsed.utterances, executor=parsed.executor)
    box = build(parsed.folder, scale, _say)
    _say(f"{box}: name it in {FOLDER} to speak with it")


def _evaluate(parsed: argparse.Namespace) -> None:
    from valle_plugins.pocket.evaluation import Scale, evaluate  # noqa: PLC0415 - only what is asked for
    from valle_plugins.pocket.table import table, write_table  # noqa: PLC0415

    scale = Scale(parsed.speakers, tuple(parsed.languages), parsed.model, parsed.executor)
    text = table(evaluate(parsed.folder, scale, _say))
    print(text, end="")  # noqa: T201 - a command prints
    if parsed.page:
        write_table(parsed.page, text)


def _export(parsed: argparse.Namespace) -> None:
    from valle_plugins.pocket.export import export_model  # noqa: PLC0415 - it loads torch

    export_model(parsed.checkpoint, parsed.out)


def _voices(parsed: argparse.Namespace) -> None:
    from valle_plugins.pocket.voices import write_voices  # noqa: PLC0415 - only what is asked for

    write_voices(parsed.folder)


COMMANDS = {"build": _build, "evaluate": _evaluate, "export": _export, "voices": _voices}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m valle_plugins.pocket", description=sys.modules[__name__].__doc__)
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    build = commands.add_parser("build", help="make pocket from nothing, or go on with it")
    build.add_argument("folder", type=Path, help="where to build; the result lies in its folder `pocket`")
    build.add_argument("--material", type=int, default=10_000, help="utterances for codec, recogniser, speakers")
    build.add_argument("--utterances", type=int, default=400_000, help="utterances for the language model")
    build.add_argument("--executor", choices=["inline", "ray"], default="ray", help="who prepares the corpus")
    evaluate = commands.add_parser("evaluate", help="measure pocket on what it was never trained on")
    evaluate.add_argument("folder", type=Path, help="where jobs and results go; what is done is not done again")
    evaluate.add_argument("--speakers", type=int, default=100, help="unseen voices, a sentence each")
    evaluate.add_argument("--languages", nargs="+", default=["en"], help="which they speak, in turn")
    evaluate.add_argument("--model", default="pocket", help="a checkpoint instead, by its absolute path")
    evaluate.add_argument("--executor", choices=["inline", "ray"], default="inline", help="who works")
    evaluate.add_argument("--page", type=Path, help="page to put the table into, such as docs/pocket.md")
    export = commands.add_parser("export", help="a training's checkpoint as pocket's model, in half precision")
    export.add_argument("checkpoint", type=Path, help="model.sft of a checkpoint")
    export.add_argument("out", type=Path, help="file to write, such as model.safetensors")
    voices = commands.add_parser("voices", help="speak the reference voices")
    voices.add_argument("folder", type=Path, help="where their recordings go")
    return parser


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a command says what it does


if __name__ == "__main__":
    sys.exit(main())
