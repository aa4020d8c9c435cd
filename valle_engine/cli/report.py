"""`valle report`: one HTML page about one run, or several side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle_engine.plugins import load_plugins
from valle_engine.report.html import write_page
from valle_engine.report.reading import runs_named

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("report", help="write an HTML page about one run or several")
    parser.add_argument("run", nargs="+", help="an output folder, a job file, or results in OUT/scores/NAME")
    parser.add_argument(
        "-o", "--out", type=Path, metavar="FILE", help="by default report.html in the first run's folder"
    )
    parser.add_argument("--title", default="", help="by default the names of the runs")
    parser.add_argument(
        "--embed", action="store_true", help="put the sound into the page, so that it can be sent alone"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the page and print where it is."""
    read = runs_named(arguments.run, load_plugins())
    path = arguments.out or read.folder / "report.html"
    size = write_page(read.runs, path, comparisons=read.comparisons, title=arguments.title, embed=arguments.embed)
    print(f"{path} ({size / 1000:,.0f} kB)")
    return 0
