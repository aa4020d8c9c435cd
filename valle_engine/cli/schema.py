"""`valle schema`: print the JSON Schema of a job file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.job.json_schema import job_schema
from valle_engine.plugins import load_plugins

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    verbs.add_parser(
        "schema",
        help="print the JSON Schema of a job file",
        description="Print the JSON Schema of a job file, with the options of the plugins that are installed.",
    )


def run(_arguments: argparse.Namespace) -> int:
    """Print the schema."""
    print(orjson.dumps(job_schema(load_plugins()), option=orjson.OPT_INDENT_2).decode())
    return 0
