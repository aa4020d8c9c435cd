"""The output folder: files written atomically, promised with length and hash, and checked against the promise."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from valle_engine.errors import StoreError
from valle_engine.records import OutputFile
from valle_engine.store.local import LocalFiles
from valle_engine.store.places import ALL, is_url, local_path
from valle_engine.store.remote import RemoteFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence
    from pathlib import Path

FLOOR_BYTES = 1 << 20
"""Less free space than this, and a run does not begin."""

FOLDERS = ("audio", "takes")
"""Where outputs are: those of the items, and the takes that a gate has not judged yet."""

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_NAME_BYTES = 255


class OutputFolder:
    """The files of one output folder: a local path or an fsspec URL.

    It holds nothing but its two strings, so that every worker makes its own. `owner` names the run whose temporary
    files it makes and sweeps: `all`, or `1-of-4` for a shard.
    """

    def __init__(self, spec: str, owner: str = ALL) -> None:
        self.spec = spec
        self.owner = owner
        self._files = RemoteFiles(spec, owner) if is_url(spec) else LocalFiles(local_path(spec), owner)

    def __reduce__(self) -> tuple[type[OutputFolder], tuple[str, str]]:
        return type(self), (self.spec, self.owner)

    @property
    def address(self) -> str:
        """The folder's absolute path, or its URL."""
        return self.spec if is_url(self.spec) else str(local_path(self.spec))

    def local(self, name: str) -> Path | None:
        """The path of a file on this machine's disk; None behind a URL."""
        check_name(name)
        return None if is_url(self.spec) else local_path(self.spec) / name

    def prepare(self, floor_bytes: int = FLOOR_BYTES) -> None:
        """Make the folder and prove that it can be written, before any work starts. Raises `StoreError`."""
        self._files.prepare(floor_bytes)

    def write(self, name: str, data: bytes | memoryview, *, samples: int = 0, rate: int = 0) -> OutputFile:
        """Write a file: when this returns it is complete and durable, and at no time is a part of it under its name.

        Raises `StoreError` for a name that leads out of the folder, `DiskFull` when there is no space left.
        """
        check_name(name)
        content = memoryview(data).cast("B")
        promised = OutputFile(name, len(content), hashlib.sha256(content).hexdigest(), samples, rate)
        self._files.put(name, content)
        return promised

    def append(self, name: str, pieces: Sequence[bytes]) -> list[int]:
        """Add pieces to the end of a file that no other process writes; returns where each begins.

        When this returns they are durable. Raises `StoreError`, also behind a URL, `DiskFull` when no space is left.
        """
        check_name(name)
        return self._files.append(name, pieces)

    def move(self, file: OutputFile, name: str) -> OutputFile:
        """Give a file its final name, replacing what had it: a take becomes the output."""
        check_name(name)
        self._files.move(file.path, name)
        return replace(file, path=name)

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        check_name(name)
        self._files.remove(name)

    def check(self, file: OutputFile) -> str | None:
        """What is wrong with a file at first sight: missing, or not of the promised length. None when nothing is."""
        check_name(file.path)
        return _against_promise(file, self._files.size(file.path))

    def verify(self, file: OutputFile) -> str | None:
        """What is wrong with a file when all of it is read. None when it is byte for byte as promised."""
        check_name(file.path)
        try:
            size, digest = self._files.measure(file.path)
        except (FileNotFoundError, NotADirectoryError):
            return _against_promise(file, None)
        except OSError as error:
            return f"{file.path} cannot be read: {error.strerror or error}"
        wrong = _against_promise(file, size)
        return wrong if wrong or digest == file.sha256 else f"{file.path} has another content than was written"

    def checker(self) -> Callable[[OutputFile], str | None]:
        """`check` for many files: each folder is listed once, when the first file in it is asked for."""
        folders: dict[str, dict[str, int]] = {}

        def check(file: OutputFile) -> str | None:
            folder = file.path.rpartition("/")[0]
            if folder not in folders:
                folders[folder] = dict(self._files.listing(folder))
            return _against_promise(file, folders[folder].get(file.path))

        return check

    def temporaries(self) -> list[str]:
        """Names of temporary files under the folder that this owner's runs have left or are writing."""
        return self._files.temporaries()

    def sweep(self) -> int:
        """Remove what dead runs left half written, under the run lock. Returns how many files there were."""
        found = self.temporaries()
        for name in found:
            self._files.remove(name)
        return len(found)

    def unrecorded(self, known: Container[str]) -> Iterator[str]:
        """Names of output files that are not among the known ones, sorted by folder and name."""
        for folder in FOLDERS:
            yield from (name for name in self.names(folder) if name not in known)

    def names(self, folder: str) -> list[str]:
        """Names of the files right in a folder, sorted; none when there is no such folder."""
        return sorted(name for name, _ in self._files.listing(folder))

    def read(self, name: str) -> bytes:
        """A small file's content. Raises `StoreError`."""
        try:
            return self._files.content(name)
        except OSError as error:
            raise StoreError(f"{self.spec}/{name} cannot be read: {error.strerror or error}") from error

    def has_outputs(self) -> bool:
        """Whether there is any output file."""
        return any(next(self._files.listing(folder), None) for folder in FOLDERS)

    def free_bytes(self) -> int:
        """Bytes that may still be written."""
        return self._files.free_bytes()


def check_name(name: str) -> None:
    """Raise `StoreError` unless a name stays inside its folder and shows all of its characters."""
    parts = name.split("/")
    if any(part in {"", ".", ".."} or len(part.encode("utf-8", "replace")) > _NAME_BYTES for part in parts):
        raise StoreError(f"{name!r} is no name for an output: it must lead to a file inside the output folder")
    if "\\" in name or any(unicodedata.category(character) in _HIDDEN for character in name):
        raise StoreError(f"{name!r} is no name for an output: it holds characters that are not shown")


def _against_promise(file: OutputFile, size: int | None) -> str | None:
    if size is None:
        return f"{file.path} is missing"
    if size != file.bytes:
        return f"{file.path} has {size} bytes, {file.bytes} were written"
    return None
