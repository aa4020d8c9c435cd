"""Ledgers and rows to test with."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from valle_engine.records import Failure, Outcome, OutputFile
from valle_engine.store import database
from valle_engine.store.ledger import Ledger
from valle_engine.store.rows import LedgerRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RECIPE = {"task": {"name": "tts"}, "seed": 0}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "ledger.db"
    database.create(made, str(tmp_path / "out"))
    return made


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger(path) as opened:
        opened.begin_run("r1", RECIPE, 3, 3)
        yield opened
        if opened.running:
            opened.end_run()


@pytest.fixture
def row() -> Callable[..., LedgerRow]:
    def make(item: str, ordinal: int | None = 0, state: str = "done", **more: Any) -> LedgerRow:
        if state != "done":
            more.setdefault("failure", Failure("ItemError", "no"))
        return LedgerRow(Outcome(item, state, f"fp-{item}", **more), {"id": item, "text": "Hello."}, ordinal)

    return make


@pytest.fixture
def promise() -> Callable[[str, bytes], OutputFile]:
    def make(name: str, data: bytes) -> OutputFile:
        return OutputFile(name, len(data), hashlib.sha256(data).hexdigest(), 24_000, 24_000)

    return make
