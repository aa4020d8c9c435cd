"""Reading and planning manifests: seconds and megabytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.bench import RUN, Figure, job, manifest, measured, yaml_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ_JSONL = """
import sys, time
from pathlib import Path
from valle_plugins.sources.jsonl import JsonLines
before = time.monotonic()
count = sum(1 for row in JsonLines(path=Path(sys.argv[1])).rows())
figures = {"seconds": time.monotonic() - before, "count": count}
"""

READ_YAML = """
import sys, time
from pathlib import Path
from valle_engine.job.loading import load_job
from valle_engine.plugins import load_plugins
plugins = load_plugins()
before = time.monotonic()
count = sum(1 for row in load_job(Path(sys.argv[1]), plugins).source.rows())
figures = {"seconds": time.monotonic() - before, "count": count}
"""

PLAN = """
import sys, time
from pathlib import Path
from valle_engine.job.loading import load_job
from valle_engine.plan import make_plan
from valle_engine.plugins import load_plugins
plugins = load_plugins()
before = time.monotonic()
plan = make_plan(load_job(Path(sys.argv[1]), plugins), lambda ids: {}, lambda file: None)
count = sum(1 for order in plan.pending())
figures = {"seconds": time.monotonic() - before, "count": count}
"""


def jsonl(folder: Path) -> Iterator[Figure]:
    got = measured(READ_JSONL, str(manifest(folder / "items.jsonl", 100_000)))
    assert got["count"] == 100_000
    value = f"{got['seconds']:.2f} s, {got['peak_mb']:.0f} MB"
    yield Figure("JSONL manifest, 100 k items", "0.5 s, 100 MB", value, got["seconds"] <= 0.5 and got["peak_mb"] <= 100)


def inline_yaml(folder: Path) -> Iterator[Figure]:
    got = measured(READ_YAML, str(yaml_manifest(folder / "job.yaml", 100_000)))
    assert got["count"] == 100_000
    value = f"{got['seconds']:.1f} s, {got['peak_mb']:.0f} MB"
    yield Figure("inline YAML, 100 k items", "10 s, 300 MB", value, got["seconds"] <= 10 and got["peak_mb"] <= 300)


def driver_memory(folder: Path) -> Iterator[Figure]:
    small = measured(PLAN, str(job(folder / "small", 10_000)))
    large = measured(PLAN, str(job(folder / "large", 1_000_000)))
    assert large["count"] == 1_000_000
    more = large["peak_mb"] - small["peak_mb"]
    value = (
        f"{more:.0f} MB more ({small['peak_mb']:.0f} -> {large['peak_mb']:.0f}), 1 M items in {large['seconds']:.0f} s"
    )
    yield Figure("memory of the driver, 10 k to 1 M items", "50 MB more", value, more <= 50)


def resume(folder: Path) -> Iterator[Figure]:
    path = job(folder, 100_000, executor="inline", slots=64)
    first = measured(RUN, str(path))
    again = measured(RUN, str(path))
    parse = measured(READ_JSONL, str(folder / "items.jsonl"))
    assert (first["worked"], again["worked"]) == (100_000, 0)
    after = again["seconds"] - parse["seconds"]
    value = f"{after:.1f} s after {parse['seconds']:.2f} s of parsing"
    yield Figure("resume of a finished job of 100 k items", "2 s after parse", value, after <= 2)


BENCHMARKS = {"jsonl": jsonl, "inline-yaml": inline_yaml, "driver-memory": driver_memory, "resume": resume}
