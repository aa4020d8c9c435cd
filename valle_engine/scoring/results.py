"""The results of a run on disk: one JSON with the numbers and all that makes them repeatable, and a row an item."""

from __future__ import annotations

import csv
import time
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

import valle_engine
from valle_engine.errors import StoreError
from valle_engine.job.items import REPEAT
from valle_engine.parts import TextScorer
from valle_engine.scoring.intervals import LEVEL
from valle_engine.scoring.numbers import Numbers, unit_of
from valle_engine.store.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from valle_engine.job.scoring import Scoring
    from valle_engine.store.rows import LedgerRow

RESULTS = "results.json"
ROWS = "results.parquet"
FORMAT = 1
GROUP_ROWS = 10_000
TRANSCRIPT = "transcript:"
GROUP = "by:"


class Facts(NamedTuple):
    """What is known of a run beside its outcomes.

    `items` are those of the manifest; `recipes` say how outputs were made, `scoring` how they were scored, with what
    was known of the loaded parts.
    """

    name: str
    items: int
    recipes: Sequence[Mapping[str, Any]]
    scoring: Mapping[str, Any]
    digest: str


class Options(NamedTuple):
    """How numbers are made of scores."""

    by: Sequence[str] = ()
    resamples: int = 1000
    seed: int = 0


class Results:
    """Results that were written: `summary` is the JSON, `rows` streams the items."""

    def __init__(self, folder: Path, summary: Mapping[str, Any]) -> None:
        self.folder = folder
        self.summary = summary

    def rows(self) -> Iterator[dict[str, Any]]:
        """A mapping of every column for each item, in the order of the manifest."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - only those who want rows pay for it

        with pq.ParquetFile(self.folder / ROWS) as file:
            for batch in file.iter_batches(GROUP_ROWS):
                yield from batch.to_pylist()

    def columns(self, names: Sequence[str]) -> Any:
        """Some columns as a table of pyarrow."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - as above

        return pq.read_table(self.folder / ROWS, columns=list(names))


def read_results(place: Path) -> Results:
    """The results in a folder, or those that a results.json is. Raises `StoreError`."""
    path = place if place.is_file() else place / RESULTS
    try:
        summary = orjson.loads(path.read_bytes())
    except OSError as error:
        raise StoreError(
            f"there are no results at {path}: run a job with `scores`, or `valle score` an output"
        ) from error
    except orjson.JSONDecodeError as error:
        raise StoreError(f"{path} holds no results: {error}") from error
    if summary.get("format") != FORMAT:
        raise StoreError(f"{path} has the form {summary.get('format')}, this engine reads {FORMAT}")
    return Results(path.parent, summary)


def write_results(folder: Path, rows: Iterable[LedgerRow], scoring: Scoring, facts: Facts, options: Options) -> Path:
    """Make the numbers of outcomes that stream by, and write them with a row for each. Returns the JSON's path."""
    numbers = Numbers(scoring, facts.digest, options.by, options.resamples, options.seed)
    folder.mkdir(parents=True, exist_ok=True)
    flat = (_row(row, numbers.add(row.fields, row.outcome)) for row in rows)
    _write_rows(folder / ROWS, flat, _schema(scoring, options.by))
    # The JSON comes last: where it is, the rows are.
    with replacing(folder / RESULTS) as file:
        file.write(
            orjson.dumps(_summary(numbers, facts, options), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
        )
    return folder / RESULTS


def write_csv(results: Results, path: Path) -> Path:
    """The rows of results as comma-separated values."""
    rows = results.rows()
    first = next(rows, None)
    with replacing(path) as file:
        lines = csv.writer(_Text(file))
        if first is not None:
            lines.writerow(first)
            lines.writerow(first.values())
            lines.writerows(row.values() for row in rows)
    return path


class _Text:
    """Text for a file that takes bytes."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, text: str) -> None:
        self._file.write(text.encode())


def _summary(numbers: Numbers, facts: Facts, options: Options) -> dict[str, Any]:
    states = {state: numbers.states.get(state, 0) for state in ("done", "failed", "rejected", "quarantined")}
    return {
        "format": FORMAT,
        "name": facts.name,
        "engine": valle_engine.__version__,
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "items": facts.items,
        "states": {**states, "pending": max(0, facts.items - sum(states.values()))},
        "stale": numbers.stale,
        "recipes": [dict(recipe) for recipe in facts.recipes],
        "scoring": {
            "digest": facts.digest,
            **facts.scoring,
            "by": list(options.by),
            "resamples": options.resamples,
            "level": LEVEL,
            "seed": options.seed,
        },
        "scores": numbers.scores(facts.items),
        "groups": numbers.groups(),
    }


def _row(row: LedgerRow, groups: Mapping[str, str]) -> dict[str, Any]:
    outcome, fields = row.outcome, row.fields
    file, failure = outcome.file, outcome.failure
    return {
        "id": outcome.id,
        "of": unit_of(fields, outcome.id),
        "repeat": fields.get(REPEAT),
        "state": outcome.state,
        "path": file.path if file else None,
        "audio_seconds": file.samples / file.rate if file and file.rate else None,
        "seconds": outcome.seconds,
        "attempt": outcome.attempt,
        "takes": max(1, len(outcome.takes)),
        "failure": failure.kind if failure else None,
        "message": failure.message if failure else None,
        "language": _text(fields.get("language")),
        "text": _text(fields.get("text")),
        "scored_by": outcome.scored_by,
        **outcome.scores,
        **{name if ":" in name else f"{TRANSCRIPT}{name}": text for name, text in outcome.transcripts.items()},
        **{f"{GROUP}{name}": group for name, group in groups.items()},
    }


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _schema(scoring: Scoring, by: Sequence[str]) -> dict[str, str]:
    """The columns that every file of this scoring has, by their types; figures beside them come as they are found."""
    compared = [part.name for part in scoring.scorers if isinstance(part, TextScorer)]
    texts = [
        *("id", "of", "state", "path", "failure", "message", "language", "text", "scored_by"),
        *(f"{TRANSCRIPT}{part.name}" for part in scoring.transcribers),
        *(f"{GROUP}{name}" for name in by),
        *(f"{what}:{name}" for name in compared for what in ("said", "expected")),
    ]
    numbers = ("audio_seconds", "seconds", *(part.name for part in scoring.scorers))
    return {
        **dict.fromkeys(texts, "string"),
        **dict.fromkeys(("repeat", "attempt", "takes"), "int64"),
        **dict.fromkeys(numbers, "double"),
    }


def _write_rows(path: Path, rows: Iterator[dict[str, Any]], known: Mapping[str, str]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - only a run with scores pays for it
    import pyarrow.parquet as pq  # noqa: PLC0415 - same

    first = list(islice(rows, GROUP_ROWS))
    schema = _widened(first, known)
    with replacing(path) as file, pq.ParquetWriter(file, schema) as writer:
        group = first
        while group:
            writer.write_table(pa.Table.from_pylist(group, schema))
            group = list(islice(rows, GROUP_ROWS))


def _widened(rows: Sequence[Mapping[str, Any]], known: Mapping[str, str]) -> pa.Schema:
    """The schema with the figures that the first rows have; a column that none of them has is not written."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    found = {name: "string" if ":" in name else "double" for row in rows for name in row}
    return pa.schema([(name, pa.type_for_alias(kind)) for name, kind in {**found, **known}.items()])
