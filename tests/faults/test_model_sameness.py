"""What a model gives is the same bytes inline, on one Ray worker and on two, and when a killed run goes on."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.tasks.cases import CASES, SAMPLING
from valle_engine.engine import run_job
from valle_engine.job.loading import load_job
from valle_engine.plugins import load_plugins
from valle_engine.report.watch import watcher_for
from valle_engine.store.readers import Ledgers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.bench import Bench
    from tests.tasks.cases import Case

pytestmark = pytest.mark.faults
MANY = 64
FEW = 8


@pytest.fixture
def write(bench: Bench, place: Path, spec: Any) -> Any:
    """Write a job of a case."""

    def write(case: Case, items: int, executor: str, count: int = 1, folder: str = "out/job") -> None:
        rows = case.items(place, items)
        (bench.folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        job = {
            "name": "job",
            "task": {"name": case.task, **case.options},
            "model": spec(case.model).model_dump(mode="json"),
            "sampling": dict(SAMPLING) if case.sampled else {},
            "items": {"kind": "jsonl", "path": "items.jsonl"},
            "workers": {"executor": executor, "slots": 4, **({"count": count} if executor == "ray" else {})},
            "output": {"format": "wav", "folder": folder},
        }
        bench.job.write_text(yaml.safe_dump(job, sort_keys=False))

    return write


def results(folder: Path) -> dict[str, Any]:
    """What a job has made, by item: its state, its values, the digest of its file as it is on disk."""
    found = {}
    with Ledgers.of_folder(folder) as ledgers:
        for row in ledgers.outcomes():
            file = row.outcome.file
            digest = hashlib.sha256((folder / file.path).read_bytes()).hexdigest() if file else None
            found[row.outcome.id] = (row.outcome.state, row.outcome.values, digest)
    return found


def done(bench: Bench) -> None:
    code, said = bench.run(timeout=300)
    assert code == 0, said


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_ray_workers_give_what_inline_gives(bench, write, case):
    write(case, FEW, "inline", folder="out/inline")
    # In this process, which has torch already; the Ray workers are processes of their own.
    plugins = load_plugins()
    assert run_job(load_job(bench.job, plugins), plugins, watcher_for(json=False)).exit_code == 0
    write(case, FEW, "ray", count=2, folder="out/ray")
    done(bench)
    inline = results(bench.folder / "out/inline")
    assert len(inline) == FEW
    assert results(bench.folder / "out/ray") == inline


def test_many_items_on_one_worker_on_two_and_after_a_kill(bench, write):
    case = CASES["tts"]
    write(case, MANY, "ray", count=1, folder="out/one")
    done(bench)
    one = results(bench.folder / "out/one")
    assert len(one) == MANY
    write(case, MANY, "ray", count=2, folder="out/two")
    process = bench.start()
    bench.wait_for(lambda: len(list(bench.folder.glob("out/two/audio/*.wav"))) >= 5, timeout=120)
    process.kill()
    process.wait()
    assert len(list(bench.folder.glob("out/two/audio/*.wav"))) < MANY, "it was done before it was killed"
    done(bench)
    assert results(bench.folder / "out/two") == one
