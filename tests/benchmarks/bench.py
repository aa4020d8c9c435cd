"""Measure one thing in a process of its own and say what it took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PLUGIN = Path(__file__).parent / "plugin"
COLUMNS = {"language": "en", "speaker": "p225", "chapter": "3", "book": "alice", "page": "17", "mood": "plain"}


@dataclass(frozen=True)
class Figure:
    """One measured figure beside its goal."""

    name: str
    goal: str
    value: str
    met: bool


def environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(PLUGIN), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def measured(code: str, *arguments: str) -> dict[str, float]:
    """Run Python code in a process of its own; it prints its figures as JSON, its peak memory (MB) is added."""
    tail = """
import json, resource
figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(figures))
"""
    command = [sys.executable, "-c", code + tail, *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    return json.loads(done.stdout.splitlines()[-1])


def manifest(path: Path, count: int) -> Path:
    """A JSONL manifest of items with eight columns, some 250 bytes each."""
    with path.open("w") as file:
        for number in range(count):
            text = (
                f"This is line {number} of the manifest, and it has about as many words as a sentence of a novel has."
            )
            file.write(json.dumps({"id": f"item-{number:07d}", "text": text, **COLUMNS}) + "\n")
    return path


def yaml_manifest(path: Path, count: int) -> Path:
    """The same items inline in a job file."""
    with path.open("w") as file:
        file.write("name: inline\ntask: no-op\nitems:\n")
        for number in range(count):
            text = (
                f"This is line {number} of the manifest, and it has about as many words as a sentence of a novel has."
            )
            lines = [
                f"id: item-{number:07d}",
                f'text: "{text}"',
                *(f"{key}: {value}" for key, value in COLUMNS.items()),
            ]
            file.write("  - " + "\n    ".join(lines) + "\n")
    return path


def job(folder: Path, items: int, task: Any = "no-op", **workers: Any) -> Path:
    """A job over a manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest(folder / "items.jsonl", items)
    path = folder / "job.yaml"
    sections = {"name": "job", "task": task, "items": {"kind": "jsonl", "path": "items.jsonl"}, "workers": workers}
    path.write_text(yaml.safe_dump(sections))
    return path


RUN = """
import sys, time
from pathlib import Path
from valle_engine.engine import run_job
from valle_engine.job.loading import load_job
from valle_engine.plugins import load_plugins

class Timer:
    first = last = None
    times = []
    def started(self, run): self.begun = time.monotonic()
    def settled(self, outcome):
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.count = getattr(self, "count", 0) + 1
    def tick(self, snapshot): pass
    def ended(self, summary): self.summary = summary

timer = Timer()
plugins = load_plugins()
job = load_job(Path(sys.argv[1]), plugins)
before = time.monotonic()
summary = run_job(job, plugins, timer)
figures = {
    "seconds": time.monotonic() - before,
    "exit_code": summary.exit_code,
    "worked": summary.worked,
    "settling": (timer.last or 0) - (timer.first or 0),
}
"""
