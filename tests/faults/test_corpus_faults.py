"""Preparing a corpus, killed again and again: the same command ends with the same shards, byte for byte."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
import yaml

from tests.faults.bench import VALLE
from valle_engine.codecs.random_weights import write_encodec
from valle_engine.training.layout import SPLITS
from valle_engine.training.shards import Shards

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.faults

ITEMS = 24


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a job in a folder of its own, over recordings that all of them share."""
    tmp_path = tmp_path_factory.mktemp("corpora")
    write_encodec(tmp_path / "encodec.th")
    rows = []
    for number in range(ITEMS):
        samples = np.random.default_rng(number).normal(0, 0.1, 15000 + 100 * number)
        soundfile.write(tmp_path / f"{number}.wav", samples, 24000)
        audio = str(tmp_path / f"{number}.wav")
        rows.append({"id": f"u{number}", "audio": audio, "text": "Hello there.", "speaker": f"s{number % 7}"})

    def corpus(name: str, **workers: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        job = {
            "name": "corpus",
            "task": {"name": "prepare", "noise_share": 0.5},
            "codec": {"name": "encodec", "weights": str(tmp_path / "encodec.th")},
            "items": {"kind": "jsonl", "path": "rows.jsonl"},
            "workers": {"slots": 3, **workers},
            "output": {"products": [{"name": "shards", "shard_examples": 2, "group": 2}]},
        }
        (folder / "job.yaml").write_text(yaml.safe_dump(job))
        return folder

    return corpus


@pytest.fixture(scope="module")
def undisturbed(corpus: Callable[..., Path]) -> dict[str, bytes]:
    """The shards of the same job when nothing happens to it."""
    return finish(corpus("undisturbed"))


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [*VALLE, "data", "prepare", str(folder / "job.yaml"), *arguments]
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=said, stderr=said)


def finish(folder: Path, *arguments: str) -> dict[str, bytes]:
    """Run to the end; the bytes of the shards and the index."""
    code = start(folder, *arguments).wait(300)
    assert code == 0, (folder / "said.txt").read_text()
    return {path.name: path.read_bytes() for path in (folder / "out" / "corpus" / "shards").iterdir()}


def kept_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "out" / "corpus" / "kept").glob("*"))


def kill_when(process: subprocess.Popen[bytes], condition: Callable[[], bool]) -> bool:
    """Kill a run when a condition holds; tells whether it was still at work."""
    until = time.monotonic() + 120
    while process.poll() is None and not condition():
        assert time.monotonic() < until
        time.sleep(0.001)
    working = process.poll() is None
    process.kill()
    process.wait(10)
    return working


def test_a_corpus_whose_preparation_is_killed_is_the_same_in_the_end(
    corpus: Callable[..., Path], undisturbed: dict[str, bytes]
) -> None:
    folder, chance = corpus("killed-at-work"), random.Random(5)
    killed = 0
    for _ in range(3):
        enough = kept_bytes(folder) + chance.uniform(0, 30_000)
        killed += kill_when(start(folder), lambda: kept_bytes(folder) > enough)  # noqa: B023
    assert killed
    assert finish(folder) == undisturbed
    splits = [Shards(folder / "out" / "corpus", split).examples for split in SPLITS]
    assert sum(splits) == ITEMS


def test_a_corpus_killed_while_its_shards_are_written_is_the_same_in_the_end(
    corpus: Callable[..., Path], undisturbed: dict[str, bytes]
) -> None:
    folder = corpus("killed-while-packing")
    shards = folder / "out" / "corpus" / "shards"
    kill_when(start(folder), lambda: any(shards.glob("*.parquet")))
    assert finish(folder) == undisturbed


def test_workers_of_ray_prepare_the_same_corpus(
    corpus: Callable[..., Path], undisturbed: dict[str, bytes], cluster: str
) -> None:
    folder = corpus("ray", executor="ray", count=2)
    assert kill_when(start(folder, "--address", cluster), lambda: kept_bytes(folder) > 20_000)
    assert finish(folder, "--address", cluster) == undisturbed
