"""The run lock: one driver a ledger, let go by the kernel when the driver dies, so it is never stale."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import orjson

from valle_engine.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_SECONDS = 0.5
"""A reader asking who holds the lock has it for an instant; a driver waits that out."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock; `started` in seconds since the epoch."""

    pid: int
    host: str
    started: float

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.started))
        return f"process {self.pid} on {self.host}, since {since}"


class RunLock:
    """An exclusive lock on a file, held from `__enter__` to `__exit__` or to the end of the process.

    The file stays: it is the lock on it that counts. Raises `StoreError` naming the holder when it is taken.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def __enter__(self) -> Self:
        descriptor = _open(self.path, os.O_RDWR | os.O_CREAT)
        if not _taken(descriptor, fcntl.LOCK_EX, PATIENCE_SECONDS):
            found = _read(descriptor)
            os.close(descriptor)
            who = str(found) if found else "another process"
            raise StoreError(f"this run is being worked on by {who} ({self.path}); wait for it, or stop it first")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, orjson.dumps(asdict(Holder(os.getpid(), socket.gethostname(), time.time()))), 0)
        self._descriptor = descriptor
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
        self._descriptor = -1


def holder(path: Path) -> Holder | None:
    """Who holds a lock right now; None when nobody does."""
    try:
        descriptor = _open(path, os.O_RDONLY)
    except StoreError:
        return None
    try:
        if _taken(descriptor, fcntl.LOCK_SH, 0):
            return None
        return _read(descriptor) or Holder(0, "?", 0.0)
    finally:
        os.close(descriptor)


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise StoreError(f"the run lock {path} cannot be opened: {error.strerror}; check who owns it") from error


def _taken(descriptor: int, how: int, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def _read(descriptor: int) -> Holder | None:
    try:
        facts: Any = orjson.loads(os.pread(descriptor, 4096, 0))
        return Holder(**facts)
    except (orjson.JSONDecodeError, TypeError):
        return None
