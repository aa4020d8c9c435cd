"""A job in a folder of its own, done in this process."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from valle_engine.engine import run_job
from valle_engine.job.loading import Choice, load_job
from valle_engine.plugins import load_plugins
from valle_engine.store.readers import Ledgers

if TYPE_CHECKING:
    from valle_engine.recording import Snapshot
    from valle_engine.records import Outcome, RunInfo, Summary
    from valle_engine.store.rows import LedgerRow


class Notes:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.settled_ids: list[str] = []
        self.snapshots: list[Snapshot] = []

    def started(self, run: RunInfo) -> None:
        self.run = run

    def settled(self, outcome: Outcome) -> None:
        self.settled_ids.append(outcome.id)

    def tick(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)

    def ended(self, summary: Summary) -> None:
        self.summary = summary


class Lab:
    """A job in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes = Notes()

    def write(self, items: list[dict[str, Any]] | dict[str, Any], **sections: Any) -> None:
        job = {"name": "lab", "task": "draw", "items": items, **sections}
        (self.folder / "job.yaml").write_text(yaml.safe_dump(job, sort_keys=False))

    def run(self, choice: Choice | None = None, *, fresh: bool = False) -> Summary:
        plugins = load_plugins()
        job = load_job(self.folder / "job.yaml", plugins, choice)
        self.notes = Notes()
        return run_job(job, plugins, self.notes, fresh=fresh)

    @property
    def out(self) -> Path:
        return self.folder / "out" / "lab"

    def rows(self) -> dict[str, LedgerRow]:
        with Ledgers.of_folder(self.out) as ledgers:
            return {row.outcome.id: row for row in ledgers.outcomes()}

    def outcomes(self) -> dict[str, Outcome]:
        return {item: row.outcome for item, row in self.rows().items()}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.syspath_prepend(Path(__file__).parent / "plugin")
    importlib.import_module("valle_lab").TOLD.clear()
    return Lab(tmp_path)
