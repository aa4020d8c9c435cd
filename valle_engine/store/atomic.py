"""Files that appear whole or not at all: a temporary file of its own, synced, then renamed into place."""

from __future__ import annotations

import errno
import os
import re
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from valle_engine.errors import DiskFull, StoreError
from valle_engine.store.places import ALL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TEMPORARY = re.compile(r"\.valle-(?P<owner>all|\d+-of-\d+)-[0-9a-f]{32}\.tmp")
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


def temporary_name(owner: str = ALL) -> str:
    """A new name for a temporary file; `owner` (`all`, or `1-of-4` of a shard) says whose sweep may remove it."""
    return f".valle-{owner}-{uuid.uuid4().hex}.tmp"


def is_temporary(name: str, owner: str = ALL) -> bool:
    """Tell whether a file name is one of `temporary_name`; a shard owns only its own, a whole run all of them."""
    if not name.startswith(".valle-"):
        return False  # most of many files, at a small part of the price
    found = _TEMPORARY.fullmatch(name)
    return found is not None and owner in {ALL, found["owner"]}


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file whole: the old one stays until the new one is complete on disk.

    Raises `StoreError`, `DiskFull` when no space is left; the old file is untouched then.
    """
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise failed(str(path), error) from error
    try:
        with replacing_in(folder, path.name, str(path)) as file:
            yield file
    finally:
        os.close(folder)


@contextmanager
def replacing_in(folder: int, name: str, place: str, owner: str = ALL) -> Iterator[BinaryIO]:
    """Write file `name` of an open folder whole, and sync both; `place` is what messages call it."""
    temporary = temporary_name(owner)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        descriptor = os.open(temporary, flags, 0o644, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise
        os.fsync(folder)
    except OSError as error:
        raise failed(place, error) from error


def failed(place: str, error: OSError) -> StoreError:
    """The engine's error for an operating system's error while writing."""
    if error.errno in _NO_SPACE:
        return DiskFull(f"no space left for {place} ({error.strerror}); free some, then run the job again")
    return StoreError(f"{place} cannot be written: {error.strerror or error}; check the folder and its permissions")
