"""Output files on a local disk. Every path is walked without following links, so nothing can lead out of the root."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import contextmanager, suppress
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from valle_engine.errors import DiskFull, StoreError
from valle_engine.store import disk
from valle_engine.store.atomic import failed, is_temporary, replacing_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedReader

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


class LocalFiles:
    """Files by name (checked, forward slashes) under one root folder."""

    def __init__(self, root: Path, owner: str) -> None:
        self.root = root
        self._owner = owner

    def prepare(self, floor_bytes: int) -> None:
        """Make the root and prove that it can be written. Raises `StoreError`, `DiskFull` under `floor_bytes` free."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise failed(f"the output folder {self.root}", error) from error
        free = self.free_bytes()
        if free < floor_bytes:
            raise DiskFull(f"no space left for the output folder {self.root}: {free:,} bytes free")
        self._put(".valle-probe", memoryview(b""), f"the output folder {self.root}")
        self.remove(".valle-probe")

    def put(self, name: str, data: memoryview) -> None:
        """Write a file whole, durably, under its final name."""
        self._put(name, data, str(self.root / name))

    def _put(self, name: str, data: memoryview, place: str) -> None:
        try:
            with (
                self._parent(name, make=True) as (folder, last),
                replacing_in(folder, last, place, self._owner) as file,
            ):
                file.write(data)
                file.flush()
                written = os.fstat(file.fileno()).st_size
                if written != len(data):
                    raise StoreError(f"{place} has {written} bytes after writing {len(data)}: check the disk")
        except OSError as error:
            raise failed(place, error) from error

    def append(self, name: str, pieces: Sequence[bytes]) -> list[int]:
        """Add pieces to the end of a file, durably; returns where each begins."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        try:
            with self._parent(name, make=True) as (folder, last):
                descriptor = os.open(last, flags, 0o644, dir_fd=folder)
                with os.fdopen(descriptor, "ab") as file:
                    end = file.seek(0, os.SEEK_END)
                    file.writelines(pieces)
                    file.flush()
                    os.fsync(file.fileno())
                if not end:
                    os.fsync(folder)
        except OSError as error:
            raise failed(str(self.root / name), error) from error
        return list(accumulate(map(len, pieces), initial=end))[:-1]

    def size(self, name: str) -> int | None:
        """Bytes of a regular file, None when there is none of that name."""
        try:
            with self._parent(name) as (folder, last):
                found = os.stat(last, dir_fd=folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def measure(self, name: str) -> tuple[int, str]:
        """Bytes and SHA-256 (hexadecimal) of a file, all of it read. Raises `OSError`."""
        with self._open(name) as file:
            return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()

    def content(self, name: str) -> bytes:
        """A small file's content. Raises `OSError`."""
        with self._open(name) as file:
            return file.read()

    def listing(self, folder: str) -> Iterator[tuple[str, int]]:
        """Each regular file right in a folder: its name with the folder, its bytes; temporary files left out."""
        try:
            with self._parent(f"{folder}/-") as (descriptor, _), os.scandir(descriptor) as found:
                for each in found:
                    if each.is_file(follow_symlinks=False) and not is_temporary(each.name):
                        yield f"{folder}/{each.name}", each.stat(follow_symlinks=False).st_size
        except (FileNotFoundError, NotADirectoryError):
            return

    def move(self, name: str, to: str) -> None:
        """Give a file another name, replacing what had it."""
        try:
            with self._parent(name) as (source, last), self._parent(to, make=True) as (target, new):
                os.replace(last, new, src_dir_fd=source, dst_dir_fd=target)
                os.fsync(target)
        except OSError as error:
            raise failed(str(self.root / to), error) from error

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        try:
            with self._parent(name) as (folder, last):
                os.unlink(last, dir_fd=folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise failed(str(self.root / name), error) from error

    def temporaries(self) -> list[str]:
        """Temporary files that this owner may sweep, wherever they are under the root."""
        return [
            Path(folder, name).relative_to(self.root).as_posix()
            for folder, _, names in os.walk(self.root)
            for name in names
            if is_temporary(name, self._owner)
        ]

    def free_bytes(self) -> int:
        """Bytes that may still be written."""
        return disk.free_bytes(self.root)

    def _open(self, name: str) -> BufferedReader:
        with self._parent(name) as (folder, last):
            descriptor = os.open(last, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
        return os.fdopen(descriptor, "rb")

    @contextmanager
    def _parent(self, name: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The open folder of a file and the file's last name."""
        *folders, last = name.split("/")
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for folder in folders:
                inner = self._enter(descriptor, folder, make=make)
                os.close(descriptor)
                descriptor = inner
            yield descriptor, last
        finally:
            os.close(descriptor)

    def _enter(self, parent: int, name: str, *, make: bool) -> int:
        try:
            return os.open(name, _FOLDER, dir_fd=parent)
        except FileNotFoundError:
            if not make:
                raise
        except OSError as error:
            if error.errno not in {errno.ENOTDIR, errno.ELOOP}:
                raise
            raise NotADirectoryError(
                errno.ENOTDIR, f"{name} is a link or a file, not a folder of the output"
            ) from error
        with suppress(FileExistsError):  # another worker was faster
            os.mkdir(name, 0o755, dir_fd=parent)
            os.fsync(parent)
        return self._enter(parent, name, make=False)
