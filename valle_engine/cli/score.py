"""`valle score`: score a run again, by other rules, without doing it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.table import Table

from valle_engine.plugins import load_plugins
from valle_engine.scoring.again import Wish, score_again
from valle_engine.scoring.results import read_results, write_csv
from valle_engine.store.named import named_run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "score", help="score a run again, by other rules", description="Score kept outputs and transcripts again."
    )
    parser.add_argument("run", help="an output folder, or a job file")
    parser.add_argument("--normaliser", default="", help="rules that make texts comparable, such as seed-tts")
    parser.add_argument("--scores", default="", metavar="A,B", help="scorers, instead of those of the run")
    parser.add_argument("--name", default="", help="name of the results; the normaliser's, if none is given")
    parser.add_argument("--csv", action="store_true", help="write the items as CSV too")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Score, write, and print the numbers."""
    names = [name.strip() for name in arguments.scores.split(",") if name.strip()]
    wish = Wish(arguments.normaliser, names, arguments.name)
    path = score_again(named_run(arguments.run), wish, load_plugins())
    results = read_results(path)
    if arguments.csv:
        write_csv(results, path.with_suffix(".csv"))
    if arguments.json:
        print(orjson.dumps(results.summary, option=orjson.OPT_INDENT_2).decode())
        return 0
    Console().print(_table(results.summary))
    print(path)
    return 0


def _table(summary: Mapping[str, Any]) -> Table:
    table = Table("score", "all together", "mean an item", "failures counted", "scored")
    for name, score in summary["scores"].items():
        figures = [_shown(score[kind]) for kind in ("corpus", "mean", "counted")]
        table.add_row(name, *figures, f"{score['scored']} of {score['expected']}")
    return table


def _shown(interval: Mapping[str, float] | None) -> str:
    if interval is None:
        return ""
    return f"{interval['value']:.4g} [{interval['low']:.4g}, {interval['high']:.4g}]"
