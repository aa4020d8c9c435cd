"""Watching a run: a live screen on a terminal, log lines without one, JSON events for machines. On the driver only."""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

import orjson
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from valle_engine.report.text import duration, one_line

if TYPE_CHECKING:
    from valle_engine.recording import Snapshot, Watcher
    from valle_engine.records import Outcome, RunInfo, Summary

LOG_SECONDS = 10.0
DRAW_SECONDS = 0.25
LAST_ERRORS = 4


def watcher_for(*, json: bool) -> Watcher:
    """The watcher that fits where standard output goes."""
    if json:
        return JsonWatcher(sys.stdout)
    console = Console(stderr=True)
    return LiveWatcher(console) if console.is_terminal else LogWatcher(sys.stderr)


class LiveWatcher:
    """A screen drawn in place: progress, speed, a line per worker, the last errors."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._drawn = 0.0
        self._errors: deque[str] = deque(maxlen=LAST_ERRORS)

    def started(self, run: RunInfo) -> None:
        """Say what is about to be done, and begin to draw."""
        self._console.print(Text(opening(run), style="bold"))
        if run.pending:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()

    def settled(self, outcome: Outcome) -> None:
        """Remember an error for the screen."""
        if outcome.state != "done":
            self._errors.append(failure_line(outcome))

    def tick(self, snapshot: Snapshot) -> None:
        """Draw, but not more often than an eye can follow."""
        now = time.monotonic()
        if self._live and now - self._drawn >= DRAW_SECONDS:
            self._drawn = now
            self._live.update(self._screen(snapshot), refresh=True)

    def ended(self, summary: Summary) -> None:
        """Leave the screen and print the summary."""
        if self._live:
            self._live.stop()
        for line in self._errors:
            self._console.print(Text(line, style="red"))
        self._console.print(Text(closing(summary), style="bold"))
        self._console.print(summary_table(summary))
        for line in made_lines(summary):
            self._console.print(Text(line))

    def _screen(self, snapshot: Snapshot) -> Group:
        bar = ProgressBar(total=max(snapshot.pending, 1), completed=snapshot.settled, width=60)
        workers = [Text(line, style="dim") for line in snapshot.workers]
        errors = [Text(line, style="red") for line in self._errors]
        return Group(bar, Text(progress_line(snapshot)), *workers, *errors)


class LogWatcher:
    """Plain lines, one for each failure and one for the progress every few seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._said = time.monotonic()

    def started(self, run: RunInfo) -> None:
        """Say what is about to be done."""
        self._say(opening(run))

    def settled(self, outcome: Outcome) -> None:
        """Say what failed."""
        if outcome.state != "done":
            self._say(failure_line(outcome))

    def tick(self, snapshot: Snapshot) -> None:
        """Say how far the run is, now and then."""
        now = time.monotonic()
        if now - self._said >= LOG_SECONDS:
            self._said = now
            self._say(progress_line(snapshot))

    def ended(self, summary: Summary) -> None:
        """Print the summary."""
        self._say(closing(summary))
        Console(file=self._stream, width=100).print(summary_table(summary))
        for line in made_lines(summary):
            self._say(line)

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class JsonWatcher:
    """One JSON object a line: `run_started`, `item_finished`, `progress`, `run_finished`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._said = time.monotonic()

    def started(self, run: RunInfo) -> None:
        """Write `run_started`."""
        self._write("run_started", asdict(run))

    def settled(self, outcome: Outcome) -> None:
        """Write `item_finished`."""
        self._write("item_finished", asdict(outcome))

    def tick(self, snapshot: Snapshot) -> None:
        """Write `progress` once a second."""
        now = time.monotonic()
        if now - self._said >= 1.0:
            self._said = now
            self._write("progress", asdict(snapshot))

    def ended(self, summary: Summary) -> None:
        """Write `run_finished`."""
        self._write("run_finished", asdict(summary))

    def _write(self, event: str, facts: dict[str, Any]) -> None:
        line = orjson.dumps({"event": event, **facts}, option=orjson.OPT_SERIALIZE_NUMPY).decode()
        print(line, file=self._stream, flush=True)


def opening(run: RunInfo) -> str:
    """What a run is about to do, in one line."""
    already = f", {run.items - run.pending} already settled" if run.pending < run.items else ""
    return f"{run.job}: {run.task}, {run.items} items{already}, {run.pending} to do -> {run.folder}"


def closing(summary: Summary) -> str:
    """How a run ended and what to do next, in one line."""
    if summary.stopped:
        return f"stopped: {summary.stopped}; what is done is kept, the same command goes on"
    if summary.counts.get("done", 0) < summary.items:
        return "not all done: `valle status` lists what failed, `valle retry` makes it pending again"
    return "all done, but not every product was made" if summary.problems else "all done"


def made_lines(summary: Summary) -> list[str]:
    """What was made of the outcomes and what was not, a line each."""
    return [*(f"made {path}" for path in summary.products), *(one_line(problem) for problem in summary.problems)]


def progress_line(snapshot: Snapshot) -> str:
    """How far a run is, in one line."""
    parts = [f"{snapshot.done} done", f"{snapshot.failed} failed", f"{snapshot.running} running"]
    if snapshot.elapsed > 0:
        parts.append(f"{snapshot.settled / snapshot.elapsed:.1f} items/s")
        parts.append(f"{snapshot.audio_seconds / snapshot.elapsed:.1f} audio s/s")
    if snapshot.settled:
        left = (snapshot.pending - snapshot.settled) * snapshot.elapsed / snapshot.settled
        parts.append(f"{duration(left)} left")
    return f"{snapshot.settled}/{snapshot.pending}: " + ", ".join(parts)


def failure_line(outcome: Outcome) -> str:
    """What became of an item that is not done, in one line."""
    failure = outcome.failure
    why = f"{failure.kind}: {failure.message}" if failure else "no reason given"
    return f"{outcome.state} {one_line(outcome.id)}: {one_line(why)}"


def summary_table(summary: Summary) -> Table:
    """The table at the end of a run."""
    table = Table()
    for name in ("items", *summary.counts, "audio", "wall time", "speed"):
        table.add_column(name, justify="right")
    speed = summary.audio_seconds / summary.wall_seconds if summary.wall_seconds else 0.0
    table.add_row(
        str(summary.items),
        *(str(count) for count in summary.counts.values()),
        duration(summary.audio_seconds),
        duration(summary.wall_seconds),
        f"{speed:.1f} x real time" if summary.audio_seconds else "-",
    )
    return table
