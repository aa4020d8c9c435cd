"""What the tables of outcomes have in common: their rows, and the name of their file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from valle_engine.parts import Product

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from valle_engine.parts import FinishedRun
    from valle_engine.records import Outcome

FILE_PATTERN = r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,199}$"


class Table(Product):
    """One row an item, in the order of the manifest."""

    file: str = Field("outcomes", pattern=FILE_PATTERN, description="Name of the file in the output folder.")

    def path(self, run: FinishedRun) -> Path:
        """Where the table goes."""
        return run.folder / self.file


def rows(run: FinishedRun) -> Iterator[dict[str, Any]]:
    """Stream a run's outcomes as flat rows; what differs from task to task stays in mappings."""
    return (_row(fields, outcome) for fields, outcome in run.outcomes())


def _row(fields: Any, outcome: Outcome) -> dict[str, Any]:
    file, failure = outcome.file, outcome.failure
    return {
        "id": outcome.id,
        "state": outcome.state,
        "path": file.path if file else None,
        "bytes": file.bytes if file else None,
        "sha256": file.sha256 if file else None,
        "audio_seconds": file.samples / file.rate if file and file.rate else None,
        "sample_rate": file.rate or None if file else None,
        "values": dict(outcome.values),
        "scores": dict(outcome.scores),
        "takes": [dict(take) for take in outcome.takes],
        "failure": failure.kind if failure else None,
        "message": failure.message if failure else None,
        "detail": failure.detail if failure else None,
        "attempt": outcome.attempt,
        "crashes": outcome.crashes,
        "errors": outcome.errors,
        "seconds": outcome.seconds,
        "worker": outcome.worker,
        "fingerprint": outcome.fingerprint,
        "fields": dict(fields),
    }
