"""Chaos for as long as you like: `python -m tests.faults.soak --minutes 10`. The same seed gives the same plan."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.bench import Bench, works

if TYPE_CHECKING:
    import subprocess

POISON = ("sigkill", "segv", "os-exit")
ITEMS = 400


class Nemesis:
    """What happens to one job, drawn from a seed: workers and drivers killed, stopped, interrupted, files damaged."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.bench = Bench(folder)
        self.random = random.Random(seed)
        self.deeds: dict[str, int] = {}

    def write(self) -> set[str]:
        """A job with some poison and some bad items in it; returns the ids that cannot be done."""
        items = works(ITEMS, seconds=0.1)
        bad = self.random.sample(items, 6)
        for item, fault in zip(bad, (*POISON, "raise", "raise", "item-error"), strict=True):
            item["do"] = fault
        self.bench.write(items, workers={"slots": 4}, limits={"deadline_seconds": 20, "worker_deaths": 12})
        return {item["id"] for item in bad}

    def trouble(self, driver: subprocess.Popen[bytes]) -> None:
        """Do one thing to a run."""
        deeds = [self.kill_worker] * 5 + [self.stop_worker, self.kill_driver, self.interrupt, self.terminate]
        deed = self.random.choice(deeds)
        self.deeds[deed.__name__] = self.deeds.get(deed.__name__, 0) + 1
        deed(driver)

    def kill_worker(self, _driver: subprocess.Popen[bytes]) -> None:
        self._signal_worker(signal.SIGKILL)

    def stop_worker(self, _driver: subprocess.Popen[bytes]) -> None:
        self._signal_worker(signal.SIGSTOP)

    def kill_driver(self, driver: subprocess.Popen[bytes]) -> None:
        driver.kill()

    def interrupt(self, driver: subprocess.Popen[bytes]) -> None:
        driver.send_signal(signal.SIGINT)

    def terminate(self, driver: subprocess.Popen[bytes]) -> None:
        driver.terminate()

    def damage(self) -> None:
        """Cut off the end of a finished output, between two runs."""
        audio = self.bench.out / "audio"
        finished = sorted(audio.glob("*.flac")) if audio.exists() else []
        if finished:
            victim = self.random.choice(finished)
            os.truncate(victim, victim.stat().st_size - 10)
            self.deeds["damage"] = self.deeds.get("damage", 0) + 1

    def _signal_worker(self, number: signal.Signals) -> None:
        workers = self.bench.workers() if self.bench.log.exists() else []
        if workers:
            try:
                os.kill(self.random.choice(workers), number)
            except ProcessLookupError:
                return


def round_of_chaos(seed: int, until: float) -> str:
    """One job from its start to its end under trouble; returns what is wrong, empty when nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        nemesis = Nemesis(Path(folder), seed)
        bad = nemesis.write()
        bench = nemesis.bench
        try:
            while time.monotonic() < until:
                driver = bench.start()
                time.sleep(nemesis.random.uniform(4, 8))
                while driver.poll() is None and nemesis.random.random() < 0.8:
                    nemesis.trouble(driver)
                    time.sleep(nemesis.random.uniform(0.3, 3))
                if driver.poll() is None:
                    driver.kill()
                if driver.wait(60) == 2:
                    break
                nemesis.damage()
            code, said = bench.run(timeout=300)
            sys.stdout.write(f"seed {seed}: {nemesis.deeds}, {sum(bench.starts().values())} starts, exit code {code}\n")
            sys.stdout.flush()
            return wrong_with(bench, bad, code, said)
        finally:
            bench.kill_all()


def wrong_with(bench: Bench, bad: set[str], code: int, said: str) -> str:
    """The checker: every item in its terminal state, every output complete, nothing left over."""
    if code != 2:
        return f"exit code {code}: {said[-2000:]}"
    not_done = {item for item, row in bench.outcomes().items() if row["state"] != "done"}
    if not_done != bad:
        return f"not done: {sorted(not_done ^ bad)} differ from what cannot be done"
    told = bench.call("verify")
    return "" if told.returncode == 0 else told.stdout


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else int(time.time())
    until = time.monotonic() + arguments.minutes * 60
    while True:
        wrong = round_of_chaos(seed, until)
        if wrong:
            sys.stdout.write(f"seed {seed} FAILED: {wrong}\n")
            return 1
        seed += 1
        if time.monotonic() >= until:
            sys.stdout.write("soak passed\n")
            return 0


if __name__ == "__main__":
    sys.exit(main())
