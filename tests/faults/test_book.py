"""A book killed at random, while it is spoken and while it is put together, is that of an undisturbed run."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults.bench import VALLE

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.faults
JOBS = Path(__file__).parents[2] / "jobs"
LINES = 12
KILLS = 10


def prepared(folder: Path) -> Path:
    """The job with its book in a folder of its own."""
    folder.mkdir()
    for name in ("book.yaml", "book.epub"):
        shutil.copy(JOBS / name, folder)
    return folder / "book.yaml"


def run(job: Path) -> subprocess.Popen[bytes]:
    with (job.parent / "said.txt").open("ab") as said:
        return subprocess.Popen([*VALLE, "run", str(job), "--limit", str(LINES)], stdout=said, stderr=said)


def said(job: Path) -> str:
    return (job.parent / "said.txt").read_text()


def out(job: Path) -> Path:
    return job.parent / "out" / "fables"


def finished(job: Path) -> dict[str, bytes]:
    """What was made: the book, its subtitles, the book that speaks."""
    made = [path for path in out(job).rglob("*") if path.suffix in {".m4b", ".srt", ".epub", ".jpg", ".png"}]
    return {path.name: path.read_bytes() for path in made}


def leftovers(job: Path) -> list[Path]:
    files = [path for path in out(job).rglob("*") if path.is_file()]
    return [path for path in files if path.suffix == ".tmp" or {".audiobook-work", "takes"} & {*path.parts}]


def lines_of(job: Path) -> int:
    return len(list((out(job) / "audio").glob("*.flac")))


def assembling(job: Path) -> bool:
    work = out(job) / "audiobook" / ".audiobook-work"
    return work.exists() and any(work.iterdir())


def until(driver: subprocess.Popen[bytes], condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until a condition holds, or the driver has ended."""
    end = time.monotonic() + seconds
    while not condition() and driver.poll() is None and time.monotonic() < end:
        time.sleep(0.01)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an undisturbed run makes."""
    job = prepared(tmp_path_factory.mktemp("book") / "calm")
    assert run(job).wait(300) == 0, said(job)
    return finished(job)


def test_a_book_killed_ten_times_at_random_is_that_of_an_undisturbed_run(tmp_path: Path, calm) -> None:
    job = prepared(tmp_path / "wild")
    chance = random.Random(6)
    killed = 0
    for number in range(1, KILLS + 1):
        driver = run(job)
        wanted = LINES * number // (KILLS // 2)
        if number <= KILLS // 2:
            until(driver, lambda wanted=wanted: lines_of(job) >= wanted - 2)
        else:
            until(driver, lambda: assembling(job))
        time.sleep(chance.uniform(0, 0.4))
        killed += driver.poll() is None
        driver.kill()
        driver.wait(10)
    assert killed == KILLS, said(job)
    assert run(job).wait(300) == 0, said(job)
    assert finished(job) == calm
    assert lines_of(job) == LINES
    assert leftovers(job) == []
    assert subprocess.run([*VALLE, "verify", str(out(job))], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_while_a_book_is_put_together_ends_in_good_order(tmp_path: Path, calm, number, code) -> None:
    job = prepared(tmp_path / "interrupted")
    driver = run(job)
    until(driver, lambda: assembling(job))
    driver.send_signal(number)
    assert driver.wait(20) == code
    assert f"stopped: interrupted by {number.name}" in said(job)
    assert leftovers(job) == []
    assert finished(job) == {}
    assert run(job).wait(300) == 0
    assert finished(job) == calm
