"""`valle say`: one utterance from the command line, as a job of one item."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.api import ITEM, spec_of
from valle_engine.engine import run_job
from valle_engine.errors import ItemError, JobError
from valle_engine.job.loading import load_job
from valle_engine.job.paths import path_fields
from valle_engine.modelspec import DEFAULT_MODEL
from valle_engine.plugins import load_plugins

if TYPE_CHECKING:
    import argparse

    from valle_engine.recording import Snapshot
    from valle_engine.records import Outcome, RunInfo, Summary

FORMATS = {".flac": "flac", ".wav": "wav"}


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("say", help="speak one text", description="Speak one text into a file.")
    parser.add_argument("text", help="what to say")
    parser.add_argument("--out", type=Path, required=True, help="the file to write: .wav or .flac")
    parser.add_argument("--voice", help="a recording of the voice, or the name of one")
    parser.add_argument("--language", default="en", help="language code of the text (default: en)")
    parser.add_argument("--model", help=f"a name or a path (default: {DEFAULT_MODEL}, where the task needs one)")
    parser.add_argument("--codec", help="the model's codec: a name, or JSON with `name` and options")
    parser.add_argument("--task", default="tts", help="a task that speaks (default: tts; espeak needs no model)")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="an option of the task")
    parser.add_argument("--seed", type=int, default=0, help="another seed is another take (default: 0)")
    parser.add_argument("--json", action="store_true", help="print what became of it as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Speak; 0 when the file is there. Raises `ItemError` when the text cannot be spoken."""
    if arguments.out.suffix.lower() not in FORMATS:
        raise JobError(f"{arguments.out}: files end in {' or '.join(FORMATS)}")
    with tempfile.TemporaryDirectory(prefix="valle-say-") as folder:
        outcome, file = _spoken(Path(folder), _job(arguments))
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, arguments.out)
    if arguments.json:
        told = {"file": str(arguments.out), "seconds": _length(outcome), "values": outcome.values}
        print(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    else:
        print(f"{arguments.out}: {_length(outcome):.1f} s", file=sys.stderr)
    return 0


def _job(arguments: argparse.Namespace) -> dict[str, Any]:
    """The job file of the one utterance; JSON is YAML."""
    options = dict(_option(text) for text in arguments.set)
    plugins = load_plugins()
    offer = plugins.tasks.offer(arguments.task)
    item = {"id": ITEM, "text": arguments.text, "language": arguments.language}
    if arguments.voice is not None:
        is_file = "voice" in path_fields(offer.part.Item) and Path(arguments.voice).suffix
        item["voice"] = str(Path(arguments.voice).absolute()) if is_file else arguments.voice
    job: dict[str, Any] = {
        "name": ITEM,
        "task": {"name": arguments.task, **options},
        "seed": arguments.seed,
        "items": [item],
        "output": {"format": FORMATS[arguments.out.suffix.lower()]},
    }
    if offer.part.needs_model or arguments.model:
        model = arguments.model or DEFAULT_MODEL
        spec = {"name": model, **({"codec": parsed_value(arguments.codec)} if arguments.codec else {})}
        job["model"] = spec_of(spec, plugins).model_dump(mode="json")
    return job


def _option(text: str) -> tuple[str, Any]:
    name, given, value = text.partition("=")
    if not given:
        raise JobError(f"--set {text}: an option is given as OPTION=VALUE")
    return name, parsed_value(value)


def parsed_value(text: str) -> Any:
    """JSON, or the text itself."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


class OneItem:
    """The watcher of a run of one item: it keeps what became of it, and says nothing."""

    outcome: Outcome | None = None
    stopped: str = ""

    def started(self, run: RunInfo) -> None:
        """Nothing to say."""

    def settled(self, outcome: Outcome) -> None:
        """Keep it."""
        self.outcome = outcome

    def tick(self, snapshot: Snapshot) -> None:
        """Nothing to say."""

    def ended(self, summary: Summary) -> None:
        """Keep why it ended early, if it did."""
        self.stopped = summary.stopped

    def why_not(self) -> str:
        """Why there is no file."""
        failure = self.outcome.failure if self.outcome else None
        return failure.message if failure else self.stopped or "the task gave no sound: take one that speaks"


def _spoken(folder: Path, job: dict[str, Any]) -> tuple[Outcome, Path]:
    file = folder / "job.yaml"
    file.write_bytes(orjson.dumps(job))
    plugins = load_plugins()
    watcher = OneItem()
    run_job(load_job(file, plugins), plugins, watcher)
    if watcher.outcome is None or watcher.outcome.file is None:
        raise ItemError(watcher.why_not())
    return watcher.outcome, folder / "out" / ITEM / watcher.outcome.file.path


def _length(outcome: Outcome) -> float:
    return outcome.file.samples / outcome.file.rate if outcome.file else 0.0
