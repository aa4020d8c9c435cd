"""`valle check`: check a job, or a training, whole; do nothing."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.job.loading import check_job
from valle_engine.plugins import load_plugins
from valle_engine.report.text import one_line
from valle_engine.training.loading import check_training, is_training

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("check", help="check a job or a training whole, do nothing")
    parser.add_argument("job", type=Path, help="the job file, or the training file")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Check the job file and every item, or the training file; 0 when all is well, 2 when not."""
    check = check_training if is_training(arguments.job) else check_job
    items, problems = check(arguments.job, load_plugins())
    if arguments.json:
        found = {"job": str(arguments.job), "items": items, "problems": [asdict(problem) for problem in problems]}
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    elif problems:
        print("\n".join(one_line(str(problem), 1000) for problem in problems))
    else:
        print(f"{arguments.job}: {items} items, no problems")
    return 2 if problems else 0
