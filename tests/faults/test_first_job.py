"""The job of the README, killed at random, gives byte for byte what an undisturbed run gives."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.faults.bench import VALLE

pytestmark = pytest.mark.faults
JOBS = Path(__file__).parents[2] / "jobs"


def prepared(folder: Path) -> Path:
    """The job with its text in a folder of its own."""
    folder.mkdir()
    for name in ("first.yaml", "mad-tea-party.txt"):
        shutil.copy(JOBS / name, folder)
    return folder / "first.yaml"


def run(job: Path, *arguments: str) -> subprocess.Popen[bytes]:
    with (job.parent / "said.txt").open("ab") as said:
        return subprocess.Popen([*VALLE, "run", str(job), *arguments], stdout=said, stderr=said)


def audio(job: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (job.parent / "out" / "first" / "audio").iterdir()}


def test_the_first_job_killed_at_random_gives_what_an_undisturbed_run_gives(tmp_path: Path) -> None:
    calm, wild = prepared(tmp_path / "calm"), prepared(tmp_path / "wild")
    assert run(calm).wait(120) == 0
    chance = random.Random(4)
    folder = tmp_path / "wild" / "out" / "first" / "audio"
    for executor in ("inline", "ray", "inline", "ray"):
        done = len(list(folder.glob("*.flac"))) if folder.exists() else 0
        driver = run(wild, "--executor", executor)
        until = time.monotonic() + 60
        while len(list(folder.glob("*.flac"))) < min(done + 10, 156) and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.2))
        workers = [each for each in psutil.Process(driver.pid).children(recursive=True) if "ray::" in each.name()]
        for worker in workers[:1]:
            os.kill(worker.pid, signal.SIGKILL)
            time.sleep(chance.uniform(0, 0.3))
        driver.kill()
        driver.wait(10)
    assert run(wild, "--executor", "ray").wait(120) == 0, (tmp_path / "wild" / "said.txt").read_text()
    assert audio(wild) == audio(calm)
    assert len(audio(calm)) == 156
    assert subprocess.run([*VALLE, "verify", str(wild)], capture_output=True, check=False).returncode == 0
