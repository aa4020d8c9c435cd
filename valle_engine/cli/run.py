"""`valle run`: do a job."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle_engine.engine import run_job
from valle_engine.job.items import Shard
from valle_engine.job.loading import Choice, load_job
from valle_engine.plugins import load_plugins
from valle_engine.report.watch import watcher_for

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("run", help="do a job", description="Do what is pending of a job.")
    parser.add_argument("job", type=Path, help="the job file")
    parser.add_argument("--executor", choices=["inline", "ray"], help="instead of the job's workers.executor")
    parser.add_argument("--address", help="a running Ray cluster to join, instead of the job's workers.address")
    parser.add_argument("--shard", metavar="I/N", help="only the I-th of N equal parts of the manifest")
    parser.add_argument("--limit", type=int, help="only the first items of the manifest")
    parser.add_argument("--start-over", action="store_true", help="set the ledger aside and do everything again")
    parser.add_argument("--json", action="store_true", help="print events, one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    """Run the job; returns the run's exit code."""
    plugins = load_plugins()
    job = load_job(arguments.job, plugins, _choice(arguments))
    summary = run_job(job, plugins, watcher_for(json=arguments.json), fresh=arguments.start_over)
    _leave_stuck_threads(summary.exit_code)
    return summary.exit_code


def _leave_stuck_threads(code: int) -> None:
    """End the process when an item still blocks a thread: Python's own exit would wait for it, for ever perhaps."""
    if any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _choice(arguments: argparse.Namespace) -> Choice:
    settings = {"workers.executor": arguments.executor, "workers.address": arguments.address}
    shard = Shard.parse(arguments.shard) if arguments.shard else None
    return Choice({path: value for path, value in settings.items() if value is not None}, arguments.limit, shard)
