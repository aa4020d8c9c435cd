"""A run as a report shows it: what the ledger keeps of its items, joined with the results of their scoring."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle_engine.errors import StoreError
from valle_engine.report.sounds import TYPES
from valle_engine.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from valle_engine.plugins import Plugins
    from valle_engine.records import Outcome
    from valle_engine.scoring.results import Results
    from valle_engine.store.named import NamedRun
    from valle_engine.store.readers import Ledgers
    from valle_engine.store.rows import LedgerRow

SOUNDS = {"voice": "prompt", "audio": "input", "reference": "reference"}
"""Fields of items that name recordings, and what they are called beside a player."""
GROUPS = ("speaker", "language")
COMPARED = ("wer", "cer")
"""Scorers whose reading of the texts is shown before that of others."""
TRANSCRIPT, GROUP, SAID, EXPECTED = "transcript:", "by:", "said:", "expected:"
"""How columns of results begin that hold one text a transcriber, a group, and what each scorer compared."""
FIELD_LIMIT = 500
DETAIL_LIMIT = 4000
"""Characters of a failure's detail that are shown, from its end."""


@dataclass(slots=True)
class ShownRun:
    """A run for a page: `about` is what stands in its summary.

    `items` are what runs of one manifest have in common, by id: text, groups, fields and the paths of recordings.
    `cells` are what became of each in this run.
    """

    name: str
    about: dict[str, Any]
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    cells: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_run(named: NamedRun, results: Results | None, plugins: Plugins) -> ShownRun:
    """Read a run, with the results of its scoring where there are some. Raises `StoreError`."""
    rows = _by_id(results)
    with named.ledgers() as ledgers:
        run = ShownRun(_name(named, ledgers, results), {})
        for row in ledgers.outcomes():
            item_id, result = row.outcome.id, rows.get(row.outcome.id, {})
            run.items[item_id] = _item(row, result)
            run.cells[item_id] = _cell(named, row.outcome, result)
        run.about = _about(ledgers, run, {name: offer.part.better for name, offer in plugins.scorers.offers.items()})
        run.notes = _notes(named, ledgers, results, run)
    if results:
        run.about |= _told(results.summary)
    return run


def _by_id(results: Results | None) -> dict[str, Mapping[str, Any]]:
    """The rows of results by the ids of their items."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and a run without scores does without

    try:
        return {str(row["id"]): row for row in results.rows()} if results else {}
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"the rows of the results cannot be read: {error}; `valle score` makes them anew") from None


def _name(named: NamedRun, ledgers: Ledgers, results: Results | None) -> str:
    if results and results.summary.get("name"):
        return one_line(str(results.summary["name"]))
    return named.job.name if named.job else Path(ledgers.folder).name


def _about(ledgers: Ledgers, run: ShownRun, better: Mapping[str, str]) -> dict[str, Any]:
    items = ledgers.items()
    counts = {str(state): count for state, count in ledgers.counts().items()}
    counts["pending"] = max(0, items - sum(counts.values()))
    return {
        "items": items,
        "states": counts,
        "sound": ledgers.audio_seconds(),
        "scores": _plain_scores(run.cells.values(), items, better),
        "groups": {},
        "level": None,
        "stamp": _stamp(ledgers),
    }


def _told(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What results know better than the ledger."""
    scoring = summary["scoring"]
    stamp = {name: summary.get(name) for name in ("engine", "when", "recipes", "scoring")}
    return {"scores": summary["scores"], "groups": summary["groups"], "level": scoring.get("level"), "stamp": stamp}


def _stamp(ledgers: Ledgers) -> dict[str, Any]:
    """What the last run says of itself; its host and process are nobody else's business."""
    runs = [reader_runs[-1] for reader in ledgers.readers.values() if (reader_runs := reader.runs())]
    if not runs:
        return {}
    last = max(runs, key=lambda run: run.started)
    return {"engine": last.engine, "recipe digest": last.recipe, "recipe": ledgers.recipe(last.recipe)}


def _notes(named: NamedRun, ledgers: Ledgers, results: Results | None, run: ShownRun) -> list[str]:
    notes = []
    if pending := run.about["states"]["pending"]:
        notes.append(f"{pending} of {run.about['items']} items are pending: the same job goes on with them.")
    if results is None and run.about["scores"]:
        notes.append(f"Its figures have no intervals: `valle score {ledgers.folder}` works them out.")
    if results and (stale := results.summary.get("stale")):
        notes.append(
            f"{stale} items were scored by other rules and count as not scored: `valle score` scores them again."
        )
    if named.outputs.local("audio") is None:
        notes.append(f"Its outputs are behind {ledgers.folder} and cannot be played from here.")
    return [f"{run.name}: {note}" for note in notes]


def _plain_scores(
    cells: Iterable[Mapping[str, Any]], expected: int, better: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """The mean of each scorer's own figure, for a run that was not summed up."""
    values: dict[str, list[float]] = {}
    for cell in cells:
        for name, value in cell["scores"].items():
            if "." not in name and value is not None:
                values.setdefault(name, []).append(value)
    return {
        name: {
            "better": better.get(name, "lower"),
            "expected": expected,
            "scored": len(found),
            "mean": {"value": math.fsum(found) / len(found)},
        }
        for name, found in values.items()
    }


def _item(row: LedgerRow, result: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in row.fields.items() if not name.startswith("@") and value is not None}
    sounds = {
        called: Path(str(fields.pop(name)))
        for name, called in SOUNDS.items()
        if Path(str(fields.get(name, ""))).suffix.lower() in TYPES
    }
    groups = {name.removeprefix(GROUP): value for name, value in result.items() if name.startswith(GROUP)}
    groups = groups or {name: fields[name] for name in GROUPS if name in fields}
    text = str(result.get("text") or fields.get("text") or "")
    shown = {name: _cut(value) for name, value in fields.items() if name not in {"id", "text"}}
    return {"id": row.outcome.id, "text": text, "groups": groups, "sounds": sounds, "fields": shown}


def _cell(named: NamedRun, outcome: Outcome, result: Mapping[str, Any]) -> dict[str, Any]:
    file, failure = outcome.file, outcome.failure
    heard = {
        name.removeprefix(TRANSCRIPT): text for name, text in result.items() if name.startswith(TRANSCRIPT) and text
    }
    return {
        "state": outcome.state,
        "scores": _scores(result, outcome.scores),
        "heard": heard or dict(outcome.transcripts) or _written(outcome.values),
        "words": _words(result),
        "seconds": outcome.seconds,
        "length": file.samples / file.rate if file and file.rate else None,
        "attempt": outcome.attempt,
        "worker": outcome.worker,
        "values": {name: _cut(value) for name, value in outcome.values.items()},
        "takes": list(outcome.takes),
        "failure": asdict(failure) | {"detail": failure.detail[-DETAIL_LIMIT:]} if failure else None,
        "output": named.outputs.local(file.path) if file else None,
    }


def _scores(result: Mapping[str, Any], kept: Mapping[str, float]) -> dict[str, float | None]:
    """Every figure of an item; None for what is no number."""
    found = {name: value for name, value in result.items() if name in kept or isinstance(value, float)}
    found = {name: value for name, value in found.items() if name not in {"audio_seconds", "seconds"}} or dict(kept)
    return {name: value if value is not None and math.isfinite(value) else None for name, value in found.items()}


def _words(result: Mapping[str, Any]) -> dict[str, str] | None:
    """What a scorer compared, as it read it: words before letters before others; None where nothing was heard."""
    heard = {
        name.removeprefix(SAID): said for name, said in result.items() if name.startswith(SAID) and said is not None
    }
    by = next((name for name in (*COMPARED, *heard) if name in heard), None)
    return None if by is None else {"said": heard[by], "expected": result.get(f"{EXPECTED}{by}") or ""}


def _written(values: Mapping[str, Any]) -> dict[str, str]:
    """What a task that writes has written."""
    return {name: values[name] for name in ("text", "phonemes") if isinstance(values.get(name), str)}


def _cut(value: Any) -> Any:
    """A value of reasonable length; what is nested or long becomes text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= FIELD_LIMIT else f"{text[:FIELD_LIMIT]}…"
