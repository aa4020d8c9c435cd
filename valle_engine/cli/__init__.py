"""The command `valle`: one small module a verb, which parses, calls one function and prints."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import TYPE_CHECKING

from valle_engine import __version__
from valle_engine.errors import ValleError

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = {
    "run": "do a job",
    "watch": "do a job for every file that arrives in a folder",
    "check": "check a job whole, do nothing",
    "plan": "say what a run would do and cost",
    "status": "say where a job stands",
    "why": "say why an item will or will not be done again",
    "verify": "compare ledger, manifest and files",
    "retry": "make failed items pending again",
    "score": "score a run again, by other rules",
    "compare": "two scored runs side by side",
    "export": "write the outcomes as JSONL or Parquet",
    "report": "write an HTML page about one run or several",
    "say": "speak one text",
    "book": "inspect a book, see written against spoken text",
    "train": "train a language model",
    "finetune": "learn one voice from its recordings",
    "models": "list, fetch, inspect, verify and merge models",
    "data": "prepare a corpus to train on",
    "bench": "measure a model's speed on this machine",
    "plugins": "list what is installed",
    "schema": "print the JSON Schema of a job file",
}
"""Each verb is the module of its name; only the one that was asked for is imported."""

DONE, NOT_ALL_DONE, ABORTED, INTERRUPTED = 0, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0 all done, 2 some not done, 3 aborted, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="valle", description="Batch engine for speech.")
    parser.add_argument("--version", action="version", version=f"valle-engine {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="verb", required=True)
    for verb, meaning in VERBS.items():
        if given[:1] == [verb]:
            importlib.import_module(f"valle_engine.cli.{verb}").add_parser(verbs)
        else:
            verbs.add_parser(verb, help=meaning)
    parsed = parser.parse_args(given)
    try:
        return int(importlib.import_module(f"valle_engine.cli.{parsed.verb}").run(parsed))
    except ValleError as error:
        print(f"valle {parsed.verb}: {error}", file=sys.stderr)
        return ABORTED
    except BrokenPipeError:
        # The reader of a pipe has left, as `head` does; there is nobody to tell.
        sys.stderr.close()
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED
