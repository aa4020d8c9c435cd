"""The runs that a command line names for a report, with the results of their scoring where there are some."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle_engine.errors import StoreError
from valle_engine.report.runs import ShownRun, read_run
from valle_engine.scoring.comparing import compare
from valle_engine.scoring.results import RESULTS, read_results
from valle_engine.store.named import named_run
from valle_engine.store.places import is_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valle_engine.plugins import Plugins
    from valle_engine.scoring.results import Results
    from valle_engine.store.named import NamedRun

SCORES = "scores"
"""The folder in an output folder where runs scored again by other rules have their results."""


@dataclass(frozen=True, slots=True)
class NamedRuns:
    """What was named: the runs, the local folder of the first, and how the others differ from it, item by item."""

    runs: list[ShownRun]
    folder: Path
    comparisons: Sequence[Mapping[str, Any]]


def runs_named(names: Sequence[str], plugins: Plugins) -> NamedRuns:
    """Read the runs behind output folders, job files, or folders of results in `OUT/scores`. Raises `StoreError`."""
    located = [_located(name) for name in names]
    results = [read_results(place) if (place / RESULTS).is_file() else None for _, place in located]
    runs = [read_run(named, scored, plugins) for (named, _), scored in zip(located, results, strict=True)]
    comparisons = []
    for place, scored in enumerate(results[1:], start=1):
        if results[0] is not None and scored is not None:
            found, notes = _compared(results[0], scored)
            comparisons += [{"run": place, "against": 0, **each} for each in found]
            runs[place].notes += [f"{runs[place].name} and {runs[0].name}: {note}." for note in notes]
    first = located[0][0].folder
    return NamedRuns(runs, Path() if is_url(first) else Path(first), comparisons)


def _located(name: str) -> tuple[NamedRun, Path]:
    """The run behind a name, and the folder of its results."""
    again = _scored_again(Path(name))
    named = named_run(str(again) if again else name)
    return named, Path(name) if again else Path() if is_url(named.folder) else Path(named.folder)


def _compared(first: Results, second: Results) -> tuple[list[dict[str, Any]], list[str]]:
    """The paired differences of two runs, and what keeps their figures from being of one kind."""
    try:
        comparison = compare(first, second)
    except StoreError as error:
        return [], [str(error)]
    found = [
        {"figure": each.name, "items": each.items, "p": each.p_value, "difference": each.corpus or each.mean}
        for each in comparison.scores
    ]
    return found, comparison.notes


def _scored_again(path: Path) -> Path | None:
    """The output folder around a folder of results."""
    whole = path.absolute()
    return whole.parent.parent if whole.parent.name == SCORES and (whole / RESULTS).is_file() else None
