"""Runs to report on: ledgers with sound, and the results of a scoring beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from valle_engine.records import Failure, Outcome, OutputFile
from valle_engine.store.rows import LedgerRow
from valle_engine.store.store import open_store

RATE = 8000
SCORING = {
    "scorers": [{"name": "wer", "options": {}}],
    "transcribers": [{"name": "given", "options": {"column": "heard"}}],
    "normaliser": {"name": "basic", "options": {}},
    "level": 0.95,
}


@dataclass
class Made:
    """An item of a made run; the state is failed where there is a failure."""

    id: str
    text: str = "Alice was beginning to get very tired."
    scores: Mapping[str, float] = field(default_factory=dict)
    heard: str | None = None
    failure: Failure | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    takes: tuple[Mapping[str, Any], ...] = ()
    seconds: float = 0.25
    length: float = 1.0


def write_sound(path: Path, seconds: float = 0.2, hertz: float = 440.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * RATE)) / RATE
    soundfile.write(path, 0.1 * np.sin(2 * np.pi * hertz * time), RATE)
    return path


def make_run(folder: Path, items: Sequence[Made], *, listed: int | None = None, one_file: bool = False) -> Path:
    """A run with a ledger and a sound for each item that is done; `one_file` lets them share it."""
    with open_store(str(folder)) as store:
        total = len(items) if listed is None else listed
        store.begin_run("r1", {"task": {"name": "espeak", "options": {"rate": 175}}, "seed": 7}, total, total)
        rows = [_row(folder, place, item, shared=one_file) for place, item in enumerate(items)]
        store.ledger.record(rows)
        store.end_run()
    return folder


def _row(folder: Path, place: int, item: Made, *, shared: bool) -> LedgerRow:
    file = None
    if item.failure is None:
        path = folder / "audio" / ("all.flac" if shared else f"{item.id}.flac")
        if not path.exists():
            write_sound(path, hertz=300 + 10 * (place % 40))
        data = b"" if shared else path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        file = OutputFile(f"audio/{path.name}", len(data), digest, round(item.length * RATE), RATE)
    outcome = Outcome(
        item.id,
        "failed" if item.failure else "done",
        f"fp-{item.id}",
        file=file,
        scores=item.scores,
        transcripts={} if item.heard is None else {"given": item.heard},
        takes=item.takes,
        failure=item.failure,
        seconds=item.seconds,
        worker="w0",
    )
    return LedgerRow(outcome, {"id": item.id, "text": item.text, **item.fields}, place)


def score(value: float, expected: int, scored: int, *, better: str = "lower") -> dict[str, Any]:
    """What the results say of one figure."""
    around = {"value": value, "low": round(value * 0.8, 4), "high": round(value * 1.2, 4)}
    counts = {"better": better, "expected": expected, "scored": scored, "failed": expected - scored}
    return {**counts, "coverage": scored / expected, "mean": around, "counted": around, "corpus": around, "seeds": None}


def write_results(folder: Path, summary: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """The files that a scoring leaves."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"format": 1, "when": "2026-11-23T09:00:00Z", "engine": "0.1.0", "groups": {}, "scoring": SCORING, **summary}
    (folder / "results.json").write_text(json.dumps(told))
    pq.write_table(pa.Table.from_pylist(list(rows)), folder / "results.parquet")
