"""`valle retry`: make failed items pending again, or any line that a person does not like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from valle_engine.report.text import one_line
from valle_engine.store.named import named_run
from valle_engine.store.store import forget

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "retry",
        help="make failed items pending again",
        description="Make failed, rejected and quarantined items pending again, with whole budgets; `valle run` then "
        "does them. What was rejected, and a line that is done, gets another take.",
    )
    parser.add_argument("run", help="an output folder, or a job file")
    parser.add_argument(
        "--line",
        metavar="ID",
        action="append",
        help="only this item, whatever became of it; may be given more than once",
    )


def run(arguments: argparse.Namespace) -> int:
    """Forget what became of items; 2 when there was nothing to forget."""
    count = forget(named_run(arguments.run).state, arguments.line)
    if not count:
        of = f" of {', '.join(map(one_line, arguments.line))}" if arguments.line else ""
        print(f"nothing{of} is settled" if arguments.line else "nothing has failed")
        return 2
    print(f"{'1 item is' if count == 1 else f'{count} items are'} pending again; `valle run` does the work")
    return 0
