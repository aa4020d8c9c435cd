"""What a model gives is the same bytes inline, on one Ray worker and on two, and when a killed run goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.tasks.cases import CASES, SAMPLING

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


@pytest.fixture
def results(bench: Bench) -> Any:
    """What the job has made: the bytes of files and the values, by item."""

    def results(folder: str = "out/job") -> dict[str, Any]:
        found = {}
        for name, row in bench.outcomes().items():
            file = bench.folder / folder / row["path"] if row["path"] else None
            found[name] = (row["state"], row["values"], file.read_bytes() if file else None)
        return found

    return results


def done(bench: Bench) -> None:
    code, said = bench.run(timeout=300)
    assert code == 0, said


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_ray_workers_give_what_inline_gives(bench, write, results, case):
    write(case, FEW, "inline", folder="out/inline")
    done(bench)
    inline = results("out/inline")
    write(case, FEW, "ray", count=2, folder="out/ray")
    done(bench)
    assert results("out/ray") == inline


def test_many_items_on_one_worker_on_two_and_after_a_kill(bench, write, results):
    case = CASES["tts"]
    write(case, MANY, "ray", count=1, folder="out/one")
    done(bench)
    one = results("out/one")
    assert len(one) == MANY
    write(case, MANY, "ray", count=2, folder="out/two")
    process = bench.start()
    bench.wait_for(lambda: len(list(bench.folder.glob("out/two/audio/*.wav"))) >= 5, timeout=120)
    process.kill()
    process.wait()
    assert len(list(bench.folder.glob("out/two/audio/*.wav"))) < MANY, "it was done before it was killed"
    done(bench)
    assert results("out/two") == one
