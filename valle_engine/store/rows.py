"""What stands in the ledger, and how it is put into columns."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from valle_engine.records import Failure, Outcome, OutputFile, State

if TYPE_CHECKING:
    from collections.abc import Mapping

DETAIL_LIMIT = 16_000
"""Characters of a failure's detail that are kept, from its end: that is where a traceback says what happened."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One settled item. `ordinal` is its place in the manifest, None when the manifest does not list it any more.

    `mark` stands for the manifest's row as it was given.
    `recipe`, `run` and `when` (seconds since the epoch) are filled in by the ledger.
    """

    outcome: Outcome
    fields: Mapping[str, Any]
    ordinal: int | None
    mark: str = ""
    recipe: str = ""
    run: int = 0
    when: float = 0.0


class Entry(NamedTuple):
    """What resume has to know of a settled item; a tuple, because resume reads a hundred thousand of them a second."""

    id: str
    state: State
    fingerprint: str
    mark: str
    ordinal: int | None
    path: str | None
    bytes: int
    sha256: str
    samples: int
    rate: int

    @property
    def file(self) -> OutputFile | None:
        """The item's file as it was promised, None for an item without one."""
        if self.path is None:
            return None
        return OutputFile(self.path, self.bytes, self.sha256, self.samples, self.rate)


@dataclass(frozen=True, slots=True)
class Charge:
    """What an unsettled item was charged with so far; it holds for that fingerprint only.

    `attempt` is the first one that it has not had: others were made, and another was asked for.
    """

    fingerprint: str
    crashes: int
    errors: int
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job. `ended` is None while it goes on, and for ever when it was killed.

    `items` and `pending` are what the manifest held and what of it was to be done; `stopped` says why it ended early.
    """

    id: int
    started: float
    ended: float | None
    pid: int
    host: str
    engine: str
    recipe: str
    items: int
    pending: int
    counts: Mapping[str, int] = field(default_factory=dict)
    stopped: str = ""


ENTRY_COLUMNS = ", ".join(Entry._fields)
ROW_COLUMNS = (
    "id, ordinal, mark, state, fingerprint, recipe, fields, attempt, path, bytes, sha256, samples, rate, "
    '"values", scores, takes, failure, seconds, worker, crashes, errors, run, "when", '
    "transcripts, scored_by"
)
COLUMNS = ROW_COLUMNS.count(",") + 1
RUN_COLUMNS = "id, started, ended, pid, host, engine, recipe, items, pending, counts, stopped"


def row_values(row: LedgerRow, recipe: str, run: int, when: float) -> tuple[Any, ...]:
    """The values of `ROW_COLUMNS` for one row."""
    outcome, file = row.outcome, row.outcome.file
    return (
        outcome.id,
        row.ordinal,
        row.mark,
        outcome.state,
        outcome.fingerprint,
        recipe,
        to_json(row.fields),
        outcome.attempt,
        *((file.path, file.bytes, file.sha256, file.samples, file.rate) if file else (None,) * 5),
        to_json(outcome.values),
        to_json(outcome.scores),
        to_json(outcome.takes),
        _failure_json(outcome.failure),
        outcome.seconds,
        outcome.worker,
        outcome.crashes,
        outcome.errors,
        run,
        when,
        to_json(outcome.transcripts),
        outcome.scored_by,
    )


def row_of(values: tuple[Any, ...]) -> LedgerRow:
    """A row from the values of `ROW_COLUMNS`."""
    (item, ordinal, mark, state, fingerprint, recipe, fields, attempt, *file) = values[:13]
    (of_task, scores, takes, failure, seconds, worker, crashes, errors, run, when, transcripts, scored_by) = values[13:]
    outcome = Outcome(
        id=item,
        state=state,
        fingerprint=fingerprint,
        attempt=attempt,
        file=_file_of(file),
        values=from_json(of_task),
        # JSON has no word for a score that is no number.
        scores={name: math.nan if score is None else score for name, score in from_json(scores).items()},
        takes=tuple(from_json(takes)),
        failure=Failure(**from_json(failure)) if failure else None,
        seconds=seconds,
        worker=worker,
        crashes=crashes,
        errors=errors,
        transcripts=from_json(transcripts),
        scored_by=scored_by,
    )
    return LedgerRow(outcome, from_json(fields), ordinal, mark, recipe, run, when)


def run_of(values: tuple[Any, ...]) -> Run:
    """A run from the values of `RUN_COLUMNS`."""
    facts = dict(zip(RUN_COLUMNS.split(", "), values, strict=True))
    return Run(**{**facts, "counts": from_json(facts["counts"]), "stopped": facts["stopped"] or ""})


def to_json(value: Any) -> str | None:
    """JSON text, None for what is empty. What JSON cannot say is said as text; broken characters become `?`."""
    if not value:
        return None
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # Half characters (from undecodable file names) and numbers beyond 64 bits.
        return json.dumps(value, default=str, ensure_ascii=False).encode("utf-8", "replace").decode()


def from_json(text: str | None) -> Any:
    """The value of `to_json`'s text; an empty mapping for None."""
    if not text:
        return {}
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)  # it was not orjson that wrote it


def _failure_json(failure: Failure | None) -> str | None:
    if failure is None:
        return None
    return to_json({"kind": failure.kind, "message": failure.message, "detail": failure.detail[-DETAIL_LIMIT:]})


def _file_of(columns: list[Any]) -> OutputFile | None:
    return OutputFile(*columns) if columns[0] is not None else None
