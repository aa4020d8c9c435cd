"""The benchmark of the engine: `python -m tests.benchmarks` measures, prints a table and writes docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import ray

from tests.benchmarks import books, dispatching, manifests, scoring
from tests.benchmarks.bench import Figure

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
ALL = {**manifests.BENCHMARKS, **dispatching.BENCHMARKS, **scoring.BENCHMARKS, **books.BENCHMARKS}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(ALL)}")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    arguments = parser.parse_args()
    figures: list[Figure] = []
    for name in arguments.names or ALL:
        with tempfile.TemporaryDirectory() as folder:
            for figure in ALL[name](Path(folder)):
                print(
                    f"{'met   ' if figure.met else 'MISSED'} {figure.name}: {figure.value} (goal {figure.goal})",
                    flush=True,
                )
                figures.append(figure)
    if arguments.write:
        PAGE.write_text(page(figures))
    return 0


def page(figures: list[Figure]) -> str:
    """The page of the docs."""
    rows = "\n".join(
        f"| {figure.name} | {figure.goal} | {figure.value} | {'yes' if figure.met else 'no'} |" for figure in figures
    )
    return TEMPLATE.format(
        rows=rows,
        date=time.strftime("%Y-%m-%d"),
        cores=os.cpu_count(),
        processor=processor(),
        memory=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        kernel=platform.release(),
        python=platform.python_version(),
        ray=ray.__version__,
        sqlite=sqlite3.sqlite_version,
    )


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))


TEMPLATE = """# Benchmarks of the engine

What the engine itself costs, measured by `python -m tests.benchmarks --write`, which wrote this page. Each figure is
one run on the machine below; from a shared machine, take ratios rather than single times.

| what | goal | measured | met |
|---|---|---|---|
{rows}

Measured on {date}: {processor}, {cores} cores, {memory} GB, Linux {kernel}, Python {python}, Ray {ray},
SQLite {sqlite}.

## How

- *Cost of an item*: a task that does nothing, 5,000 items (20,000 through Ray) with eight columns each, the durable
  ledger (WAL, FULL) on; from the first outcome in the ledger to the last.
- *Manifests*: reading 100,000 rows of eight columns; peak memory of the whole process with Python and the engine in it.
- *Memory of the driver*: peak memory of the process that plans a manifest and streams it to its end, 1 M items against
  10 k.
- *Resume*: the second run of a job whose 100,000 items are all done; the time to parse the manifest is measured apart.
- *Efficiency*: items that sleep 0.2 s, on 1 and on 8 workers of one fake GPU each; items a second on 8 over 8 times
  those on 1, while all of them work.
- *Books*: twenty files stand for all lines, as M4B with subtitles. The container keeps an index of 6 MB an hour while
  it is written and read, so a book of more than a day becomes several files; what else grows is the list of lines.
- *Death*: a worker writes down the time and kills itself; when the driver knew, and when the worker that took its place
  was ready.
"""

if __name__ == "__main__":
    sys.exit(main())
