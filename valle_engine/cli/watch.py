"""`valle watch`: do a job for every file that arrives in a folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle_engine.arrivals import Arrivals, FolderRun, watch
from valle_engine.errors import JobError, Problem
from valle_engine.plugins import load_plugins
from valle_engine.report.watch import watcher_for

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "watch",
        help="do a job for every file that arrives in a folder",
        description="Do a job for every file that arrives in a folder: `items.path` is the file, the output its own.",
    )
    parser.add_argument("job", type=Path, help="the job file")
    parser.add_argument("folder", type=Path, help="the folder to look at")
    parser.add_argument("--pattern", default="*.epub", help="names of the files (default: *.epub)")
    parser.add_argument("--seconds", type=float, default=10.0, help="time between two looks (default: 10)")
    parser.add_argument("--once", action="store_true", help="end when what is there is done")
    parser.add_argument("--json", action="store_true", help="print events, one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    """Watch the folder; returns the exit code of what was done."""
    if not arguments.folder.is_dir():
        raise JobError([Problem(f"{arguments.folder} is no folder", path="folder", hint="make it, then watch it")])
    job = FolderRun(
        arguments.job,
        load_plugins(),
        lambda: watcher_for(json=arguments.json),
        lambda line: print(line, file=sys.stderr, flush=True),
    )
    return watch(Arrivals(arguments.folder, arguments.pattern), job, arguments.seconds, once=arguments.once)
