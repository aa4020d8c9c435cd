"""Real runs in real processes, and one checker for what is left behind."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PLUGIN = Path(__file__).parent / "plugin"
MARKER = "VALLE_FAULT_RUN"
VALLE = [sys.executable, "-m", "valle_engine"]


@dataclass
class Bench:
    """A folder with one job in it, and the ways to run and to judge it."""

    folder: Path
    address: str | None = None
    marker: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def job(self) -> Path:
        return self.folder / "job.yaml"

    @property
    def out(self) -> Path:
        return self.folder / "out" / "job"

    @property
    def log(self) -> Path:
        return self.folder / "starts.log"

    @property
    def said(self) -> Path:
        return self.folder / "said.txt"

    def write(self, items: list[dict[str, Any]], executor: str = "ray", **sections: Any) -> None:
        """Write the job over a JSONL manifest."""
        lines = "".join(json.dumps(item) + "\n" for item in items)
        (self.folder / "items.jsonl").write_text(lines)
        task = {"name": "fault", "log": str(self.log), **sections.pop("task", {})}
        workers = {"executor": executor, "slots": 1, **sections.pop("workers", {})}
        if executor == "ray":
            workers.setdefault("count", 2)
        job = {"name": "job", "task": task, "items": {"kind": "jsonl", "path": "items.jsonl"}, "workers": workers}
        self.job.write_text(yaml.safe_dump({**job, **sections}))

    def environment(self, **more: str) -> dict[str, str]:
        path = os.pathsep.join(filter(None, [str(PLUGIN), os.environ.get("PYTHONPATH")]))
        flag = str(self.folder / "fault-happened")
        own = {"PYTHONPATH": path, MARKER: self.marker, "OMP_NUM_THREADS": "1", "VALLE_FAULT_FLAG": flag}
        return {**os.environ, **own, **more}

    def command(self, verb: str, *arguments: str) -> list[str]:
        address = ["--address", self.address] if verb == "run" and self.address else []
        return [*VALLE, verb, str(self.job), *address, *arguments]

    def start(self, *arguments: str, env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[bytes]:
        """Start `valle run` and leave it running; what it says goes to a file."""
        with self.said.open("ab") as said:
            return subprocess.Popen(
                self.command("run", *arguments),
                env=self.environment(**(env or {})),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                **options,
            )

    def start_in_terminal(self, terminal: int) -> subprocess.Popen[bytes]:
        """Start `valle run` as the foreground group of a terminal, as a shell would."""

        def own_terminal() -> None:
            os.setsid()
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

        return subprocess.Popen(
            self.command("run"),
            env=self.environment(TERM="xterm"),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            preexec_fn=own_terminal,  # noqa: PLW1509 - nothing else runs in this process yet
        )

    def drain(self, master: int) -> threading.Thread:
        """Read what a terminal shows, so that nobody waits for it, into the file of what was said."""

        def read() -> None:
            with self.said.open("ab") as said, contextlib.suppress(OSError):
                while shown := os.read(master, 4096):
                    said.write(shown)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def run(self, *arguments: str, timeout: float = 120, env: dict[str, str] | None = None) -> tuple[int, str]:
        """Run the job to its end; returns the exit code and what it said."""
        self.said.unlink(missing_ok=True)
        code = self.start(*arguments, env=env).wait(timeout)
        return code, self.said.read_text()

    def call(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run any other verb on the job."""
        return subprocess.run(
            self.command(verb, *arguments),
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def starts(self) -> Counter[str]:
        """How often each item was begun."""
        if not self.log.exists():
            return Counter()
        return Counter(line.split()[1] for line in self.log.read_text().splitlines() if line.startswith("start"))

    def workers(self) -> list[int]:
        """Process ids of live workers, as their items told."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        told = {int(line.split()[2]) for line in lines if line.startswith("start")}
        return [pid for pid in told if Path(f"/proc/{pid}").exists()]

    def wait_for(self, condition: Any, timeout: float = 60) -> None:
        """Wait until a condition holds."""
        until = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < until, f"it did not come to hold:\n{self.said.read_text()}"
            time.sleep(0.02)

    def outcomes(self) -> dict[str, dict[str, Any]]:
        """What became of the items, from an export of the ledger."""
        path = self.folder / "outcomes.jsonl"
        told = self.call("export", "--to", str(path))
        assert told.returncode == 0, told.stderr
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        return {row["id"]: row for row in rows}

    def states(self) -> Counter[str]:
        return Counter(row["state"] for row in self.outcomes().values())

    def audio(self) -> dict[str, bytes]:
        """Every output by name."""
        return {path.name: path.read_bytes() for path in sorted((self.out / "audio").iterdir())}

    def check(self) -> None:
        """The checker of every fault: ledger, manifest and files agree, nothing is left over, nothing is redone."""
        told = self.call("verify")
        assert told.returncode == 0, told.stdout + told.stderr
        assert not [path for path in self.out.rglob("*") if ".tmp" in path.name]
        before = self.starts()
        code, output = self.run(timeout=60)
        assert code in {0, 2}, output
        assert self.starts() == before, "a second run did work"
        self.check_processes()

    def check_processes(self, timeout: float = 15) -> None:
        """No process of the runs is alive: no driver, no daemon of its own, no worker."""
        self.wait_for(lambda: not self.processes() and not self.workers(), timeout)

    def processes(self) -> list[tuple[int, str]]:
        """Live processes that carry this bench's marker in their environment."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"{MARKER}={self.marker}".encode() not in (folder / "environ").read_bytes():
                    continue
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                    continue
            except OSError:
                continue
            found.append((int(folder.name), command))
        return found

    def kill_all(self) -> None:
        for pid, _ in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def works(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Plain items."""
    return [{"id": f"item-{number:03d}", **fields} for number in range(count)]
