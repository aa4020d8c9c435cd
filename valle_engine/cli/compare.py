"""`valle compare`: two runs held against each other, item by item."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.table import Table

from valle_engine.errors import StoreError
from valle_engine.report.text import one_line
from valle_engine.scoring.comparing import compare
from valle_engine.scoring.results import RESULTS, read_results
from valle_engine.store.named import named_run

if TYPE_CHECKING:
    import argparse

    from valle_engine.scoring.comparing import Comparison, Difference
    from valle_engine.scoring.results import Results


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "compare", help="two scored runs side by side", description="Compare the scores of two runs, item by item."
    )
    parser.add_argument("first", help="an output folder, a folder of results, or a job file")
    parser.add_argument("second", help="the same; differences are its figures minus the first's")
    parser.add_argument("--seed", type=int, default=0, help="of the resamples")
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Compare and print."""
    comparison = compare(results_named(arguments.first), results_named(arguments.second), arguments.seed)
    if arguments.json:
        print(orjson.dumps(comparison.plain(), option=orjson.OPT_INDENT_2).decode())
        return 0
    console = Console()
    console.print(_table(comparison))
    print(f"{comparison.items} items in common, {comparison.alone[0]} and {comparison.alone[1]} alone")
    for note in comparison.notes:
        print(f"not of one kind: {note}")
    for difference in comparison.scores:
        for line in _apart(difference):
            print(line)
    return 0


def results_named(name: str) -> Results:
    """The results that a word of the command line means. Raises `StoreError`."""
    place = Path(name)
    if place.name == RESULTS or (place / RESULTS).is_file():
        return read_results(place)
    if not place.exists():
        raise StoreError(f"there is no {name}: name an output folder, a folder of results, or a job file")
    return read_results(Path(named_run(name).folder))


def _table(comparison: Comparison) -> Table:
    table = Table("score", *comparison.names, "difference", "p", "items")
    for each in comparison.scores:
        interval = each.corpus or each.mean
        shown = f"{interval['value']:+.4g} [{interval['low']:+.4g}, {interval['high']:+.4g}]"
        table.add_row(
            each.name, f"{each.first:.4g}", f"{each.second:.4g}", shown, f"{each.p_value:.3g}", str(each.items)
        )
    return table


def _apart(difference: Difference) -> list[str]:
    return [
        f"{difference.name} {one_line(item['id'])}: {item['first']:.4g} -> {item['second']:.4g}"
        for item in difference.apart[:5]
    ]
