"""Items through workers: cost, efficiency, and how long a death holds things up."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from tests.benchmarks.bench import PLUGIN, RUN, Figure, job, measured
from tests.clusters import ray_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ITEMS = 5_000

DEATH = (
    """
import sys, time
from pathlib import Path
from valle_engine.executors import dispatch

seen = {}
died = dispatch.Dispatcher.died
ready = dispatch.Dispatcher.ready
def told(self, worker, *arguments, **options):
    seen.setdefault("died", time.time())
    return died(self, worker, *arguments, **options)
def alive(self, worker, *arguments, **options):
    if "died" in seen: seen.setdefault("ready", time.time())
    return ready(self, worker, *arguments, **options)
dispatch.Dispatcher.died, dispatch.Dispatcher.ready = told, alive
"""
    + RUN
    + """
killed = float(Path(sys.argv[2]).read_text())
figures |= {"noticed": seen["died"] - killed, "ready": seen["ready"] - killed}
"""
)


def inline_cost(folder: Path) -> Iterator[Figure]:
    got = measured(RUN, str(job(folder, ITEMS, executor="inline", slots=8)))
    assert got["worked"] == ITEMS
    cost = got["settling"] / ITEMS * 1000
    yield Figure("cost of an item, inline", "1 ms", f"{cost:.2f} ms", cost <= 1)


def ray_rate(folder: Path) -> Iterator[Figure]:
    got = measured(RUN, str(job(folder, 4 * ITEMS, executor="ray", count=2, slots=32)))
    assert got["worked"] == 4 * ITEMS
    rate = 4 * ITEMS / got["settling"]
    yield Figure("items a second through 2 Ray workers", "1,500", f"{rate:,.0f}", rate >= 1500)


def efficiency(folder: Path) -> Iterator[Figure]:
    """One and eight workers of a fake GPU each, on a cluster that has eight."""
    task = {"name": "sleep", "seconds": 0.2}
    rates = {}
    with ray_cluster(PLUGIN, cpus=16, gpus=8) as address:
        for count in (1, 8):
            workers = {"executor": "ray", "count": count, "gpus": 1, "slots": 1, "address": address}
            measured(RUN, str(job(folder / str(count), 150 * count, task, **workers)))
            rates[count] = rate_of(folder / str(count) / "out" / "job" / ".valle" / "ledger.db", count)
    share = rates[8] / (8 * rates[1])
    value = f"{share:.1%} ({rates[1]:.2f} -> {rates[8]:.2f} items/s)"
    yield Figure("efficiency of 8 fake-GPU workers", "95 %", value, share >= 0.95)


def rate_of(ledger: Path, workers: int) -> float:
    """Items a second while all workers work: from the first end of the last one to start."""
    with sqlite3.connect(ledger) as connection:
        rows = connection.execute("SELECT worker, json_extract(\"values\", '$.at') FROM outcomes").fetchall()
    ends: dict[str, list[float]] = {}
    for worker, at in rows:
        ends.setdefault(worker, []).append(at)
    assert len(ends) == workers
    begin = max(min(each) for each in ends.values())
    end = min(max(each) for each in ends.values())
    return sum(begin < at <= end for each in ends.values() for at in each) / (end - begin)


def death(folder: Path) -> Iterator[Figure]:
    log = folder / "killed"
    task = {"name": "sleep", "seconds": 0.05, "victim": "item-0000100", "log": str(log)}
    got = measured(DEATH, str(job(folder, 400, task, executor="ray", count=2, slots=2)), str(log))
    yield Figure("death of a worker noticed", "0.1 s", f"{got['noticed'] * 1000:.0f} ms", got["noticed"] <= 0.1)
    value = f"{got['ready']:.1f} s (with its set-up)"
    yield Figure("the worker in its place is ready", "2 s and its set-up", value, got["ready"] <= 2)


BENCHMARKS = {"inline-cost": inline_cost, "ray-rate": ray_rate, "efficiency": efficiency, "death": death}
