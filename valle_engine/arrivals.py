"""Files that arrive in a folder, each worked by the same job: the watch-folder mode."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from valle_engine.engine import run_job
from valle_engine.errors import ValleError
from valle_engine.job.loading import Choice, load_job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from valle_engine.plugins import Plugins
    from valle_engine.recording import Watcher

LONGEST_NAME = 64
_PLAIN = re.compile(r"[^A-Za-z0-9_-]+")


class _State(NamedTuple):
    size: int
    changed_ns: int


@dataclass(slots=True)
class Arrivals:
    """A folder that is looked at now and then; a file has arrived when two looks find it the same."""

    folder: Path
    pattern: str
    _seen: dict[Path, _State] = field(default_factory=dict)
    _given: dict[Path, _State] = field(default_factory=dict)

    def look(self) -> list[Path]:
        """The files that have arrived since, by name; one that changes later arrives again."""
        now = dict(self._states())
        arrived = [
            path for path, state in now.items() if self._seen.get(path) == state and self._given.get(path) != state
        ]
        self._seen = now
        self._given |= {path: now[path] for path in arrived}
        return sorted(arrived)

    @property
    def waiting(self) -> bool:
        """Whether there are files that are still written, or were seen once only."""
        return any(self._given.get(path) != state for path, state in self._seen.items())

    def _states(self) -> Iterator[tuple[Path, _State]]:
        for path in self.folder.glob(self.pattern):
            # What begins with a point is somebody's draft; what vanishes between two calls was never here.
            if path.name.startswith("."):
                continue
            try:
                stat = path.stat()
            except OSError:
                continue
            yield path, _State(stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class FolderRun:
    """A job as it is run for each file: `items.path` is the file, the name and the output folder are its own."""

    job: Path
    plugins: Plugins
    watcher: Callable[[], Watcher]
    tell: Callable[[str], None]
    _names: dict[str, Path] = field(default_factory=dict)

    def run(self, path: Path) -> int:
        """Work one file; returns the run's exit code. What is wrong with one file is told and keeps no other back."""
        other = self._names.setdefault(name_of(path), path)
        if other != path:
            self.tell(f"{path.name}: its output would go where that of {other.name} goes; rename one of them")
            return 2
        try:
            summary = run_job(load_job(self.job, self.plugins, self._choice(path)), self.plugins, self.watcher())
        except ValleError as error:
            self.tell(f"{path.name}: {error}")
            return 2
        return summary.exit_code

    def _choice(self, path: Path) -> Choice:
        name = name_of(path)
        settings = {"name": name, "items.path": str(path.absolute())}
        template = load_job(self.job, self.plugins, Choice({"items.path": str(path.absolute())}))
        if template.spec.output.folder is not None:
            settings["output.folder"] = f"{template.spec.output.folder.rstrip('/')}/{name}"
        return Choice(settings)


def name_of(path: Path) -> str:
    """The name of the job of a file: letters, digits, `-` and `_` of the file's own name."""
    return _PLAIN.sub("-", path.stem).strip("-_")[:LONGEST_NAME] or "book"


def watch(arrivals: Arrivals, job: FolderRun, seconds: float, *, once: bool) -> int:
    """Work what arrives, for ever or until everything that is there is done; returns an exit code.

    Ctrl-C while a file is worked ends that run in good order, and with it the watching.
    """
    code = 0
    while True:
        for path in arrivals.look():
            ended = job.run(path)
            if ended not in {0, 2}:
                return ended
            code = max(code, ended)
        if once and not arrivals.waiting:
            return code
        time.sleep(seconds)
