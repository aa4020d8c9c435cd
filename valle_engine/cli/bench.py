"""`valle bench`: measure a model's speed on this machine, beside what the machine could do at most."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.table import Table

from valle_engine.model.names import codec_of, find_model
from valle_engine.modelspec import ModelSpec
from valle_engine.plugins import load_plugins

if TYPE_CHECKING:
    import argparse

    from valle_engine.bench import Report
    from valle_engine.model.language_model import LanguageModel


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("bench", help="measure a model's speed on this machine")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", help="a name or a path")
    source.add_argument("--random", choices=["full"], help="a checkpoint of the released size with random weights")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 4, 16, 64], help="rows of the steps")
    parser.add_argument("--frames", type=int, help="frames of each row (default: those of 5 s)")
    parser.add_argument("--precision", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--device", default="cpu", help="cpu (one thread) or cuda (default: cpu)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Measure. Raises `CheckpointError`."""
    import torch  # noqa: PLC0415 - only a measurement needs it

    from valle_engine.bench import measure  # noqa: PLC0415 - same

    torch.set_num_threads(1)
    model, frame_rate = _model(arguments)
    report = measure(model, frame_rate, arguments.rows, arguments.frames, _say)
    if arguments.json:
        print(orjson.dumps(report.facts(), option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode())
    else:
        _show(report)
    return 0


def _model(arguments: argparse.Namespace) -> tuple[LanguageModel, int]:
    """The model, and the frames a second of its codec."""
    from valle_engine.model.engine import choose_dtype  # noqa: PLC0415 - it loads torch
    from valle_engine.model.hub import load  # noqa: PLC0415 - same
    from valle_engine.model.random_weights import write_random_checkpoint  # noqa: PLC0415 - same

    dtype, plugins = choose_dtype(arguments.precision, arguments.device), load_plugins()
    with tempfile.TemporaryDirectory(prefix="valle-bench-") as folder:
        name = arguments.model
        if name is None:
            name = str(Path(folder, "random.sft"))
            _say("making a checkpoint of random weights")
            write_random_checkpoint(Path(name))
        checkpoint = load(name, plugins.models)
        codec = codec_of(ModelSpec(name=name), find_model(name, plugins.models).part, checkpoint.config)
        frame_rate = plugins.codecs.offer(str(codec["name"])).part.frame_rate
        return checkpoint.model(dtype, arguments.device), frame_rate


def _say(line: str) -> None:
    print(f"{line} ...", file=sys.stderr, flush=True)


def _show(report: Report) -> None:
    machine = report.machine
    print(f"{report.dtype} on {report.device}, {report.threads} thread, {report.parameters:,} weights in the body")
    print(f"the machine: {machine.flops / 1e9:.0f} GFLOP/s in linear layers, {machine.bytes / 1e9:.1f} GB/s of memory")
    table = Table(title="ar: the first codebook, step by step", title_justify="left")
    for name in ("rows", "a step", "its linear layers alone", "ratio", "frames/s", "with levels"):
        table.add_column(name, justify="right")
    for each in report.steps:
        times = f"{each.seconds * 1e3:.1f} ms", f"{each.linears * 1e3:.1f} ms", f"{each.ratio:.2f}"
        table.add_row(
            str(each.rows), *times, f"{each.frames_per_second:.1f}", f"{report.real_time(each):.2f} x real time"
        )
    console = Console(width=100)
    console.print(table)
    for name, passes in (("the other levels", report.levels), ("demasking", report.demasking)):
        share = f"{report.share(passes):.0%} of the matrix rate"
        print(f"{name}: {passes.seconds:.1f} s for {passes.frames} frames, {passes.frames_per_second:.1f}/s, {share}")
    print(f"nar-len with levels: {report.real_time_demasked:.2f} x real time")
    print(f"suggestion: workers: {{slots: {report.slots}}}")
