"""`valle export`: write the outcomes as JSONL or Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle_engine.errors import JobError, Problem
from valle_engine.plugins import load_plugins
from valle_engine.store.named import named_run
from valle_engine.store.readers import LedgerRun

if TYPE_CHECKING:
    import argparse

EXPORTS = ("jsonl", "parquet")
"""Products that are one table of outcomes; their name is also the file's suffix."""


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("export", help="write the outcomes as JSONL or Parquet")
    parser.add_argument("run", help="an output folder, or a job file")
    parser.add_argument("--to", metavar="FILE", required=True, type=Path, help="such as lines.jsonl or lines.parquet")


def run(arguments: argparse.Namespace) -> int:
    """Write the table and print where it is."""
    kind = arguments.to.suffix.removeprefix(".")
    if kind not in EXPORTS:
        known = ", ".join(f".{name}" for name in EXPORTS)
        raise JobError([Problem(f"{arguments.to} has no suffix to export to", path="--to", hint=f"one of {known}")])
    product = load_plugins().products.build(kind, {"file": arguments.to.name})
    named = named_run(arguments.run)
    with named.ledgers() as ledgers:
        print(product.make(LedgerRun(ledgers, arguments.to.absolute().parent, named.job.name if named.job else "")))
    return 0
