"""The runs that a command line names for a report, with the results of their scoring where there are some."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.errors import StoreError
from valle_engine.report.runs import ScoredRun, ShownRun, read_run
from valle_engine.store.named import named_run
from valle_engine.store.places import is_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCORES = "scores"
"""The folder in an output folder where runs scored again by other rules have their results."""
SUMMARY, ROWS = "results.json", "results.parquet"


@dataclass(frozen=True, slots=True)
class NamedRuns:
    """What was named: the runs, the local folder of the first, and their paired differences."""

    runs: list[ShownRun]
    folder: Path
    comparisons: list[Mapping[str, Any]]


def runs_named(names: Sequence[str], better: Mapping[str, str]) -> NamedRuns:
    """Read the runs behind output folders, job files, or folders of results in `OUT/scores`. Raises `StoreError`."""
    runs = []
    first = Path()
    for name in names:
        again = _scored_again(Path(name))
        named = named_run(str(again) if again else name)
        folder = Path() if is_url(named.folder) else Path(named.folder)
        results = Path(name) if again else folder
        runs.append(read_run(named, scored_run(results), better))
        first = first if len(runs) > 1 else folder
    return NamedRuns(runs, first, [])


def _scored_again(path: Path) -> Path | None:
    """The output folder around a folder of results."""
    whole = path.absolute()
    return whole.parent.parent if whole.parent.name == SCORES and (whole / SUMMARY).is_file() else None


def scored_run(folder: Path) -> ScoredRun | None:
    """The results in a folder, None where there are none. Raises `StoreError` for what cannot be read."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and a run without scores does without
    import pyarrow.parquet as pq  # noqa: PLC0415 - same

    if not (folder / SUMMARY).is_file():
        return None
    try:
        summary = orjson.loads((folder / SUMMARY).read_bytes())
        rows = pq.read_table(folder / ROWS).to_pylist()
    except (OSError, orjson.JSONDecodeError, pa.ArrowException) as error:
        raise StoreError(f"the results in {folder} cannot be read: {error}; `valle score` makes them anew") from None
    return ScoredRun(summary, {str(row["id"]): row for row in rows})
