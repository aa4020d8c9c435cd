"""The parts of a zip archive that may come from anybody: read one by one, in bounded memory, never unpacked to disk."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from valle_engine.errors import JobError, Problem

if TYPE_CHECKING:
    from pathlib import Path

MAX_ENTRIES = 20_000
MAX_PART = 32 * 2**20
"""Bytes of one part, unpacked. The longest novels have 4 MiB of text in all."""
MAX_READ = 256 * 2**20
"""Bytes of all parts that are read, unpacked."""
ENCRYPTED = 0x1
CHUNK = 2**20
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)
"""What `zipfile` raises for archives that are damaged, or packed in a way it does not know."""


@dataclass(slots=True)
class Archive:
    """An open archive whose names were checked. Every method raises `JobError`."""

    path: Path
    _zip: zipfile.ZipFile
    _names: frozenset[str] = frozenset()
    _folded: dict[str, str] = field(default_factory=dict)
    _read: int = 0

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an archive and look at the names in it."""
        try:
            opened = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise JobError([Problem("no such file", str(path))]) from None
        except BROKEN as error:
            raise JobError([Problem(f"not a zip archive, as an EPUB is one: {error}", str(path))]) from None
        archive = cls(path, opened)
        try:
            archive._check_names()
        except BaseException:
            opened.close()
            raise
        return archive

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def names(self) -> frozenset[str]:
        """The names of all parts."""
        return self._names

    def find(self, base: str, href: str) -> tuple[str, str] | None:
        """The part and the fragment that a reference in the part `base` leads to; None for one that is not here.

        The part is spelled as the archive does it: differences in case are forgiven, as the file systems do on which
        such books are made. A path out of the archive is an error.
        """
        try:
            split = urlsplit(href.strip())
        except ValueError:
            return None
        if split.scheme or split.netloc:
            return None
        for name in (unquote(split.path), split.path):
            inside = posixpath.normpath(posixpath.join(posixpath.dirname(base), name)) if name else base
            if inside.startswith(("../", "/")) or inside == "..":
                raise self.error(f"{href!r} leads out of the archive", base)
            found = inside if inside in self._names else self._folded.get(inside.casefold())
            if found:
                return found, unquote(split.fragment)
        return None

    def read(self, name: str, limit: int = MAX_PART) -> bytes:
        """The content of one part, at most `limit` bytes."""
        if name not in self._names:
            raise self.error(f"it has no {name}", hint="it is no EPUB, or it is incomplete")
        info = self._zip.getinfo(name)
        if info.flag_bits & ENCRYPTED:
            raise self.error("the part is encrypted", name, "only books without a password can be read")
        limit = min(limit, MAX_READ - self._read)
        pieces = bytearray()
        try:
            with self._zip.open(info) as stream:
                while piece := stream.read(CHUNK):
                    pieces += piece
                    # The size in the archive's index is a promise; what comes out is what counts.
                    if len(pieces) > limit:
                        raise self.error(f"unpacks to more than {limit:,} bytes, the most that is read", name)
        except BROKEN as error:
            raise self.error(f"cannot be unpacked: {error}", name, "the book is damaged: get it again") from None
        self._read += len(pieces)
        return bytes(pieces)

    def error(self, message: str, part: str = "", hint: str = "", line: int | None = None) -> JobError:
        """An error that names the archive, and the part in it."""
        return JobError([Problem(message, f"{self.path}!{part}" if part else str(self.path), line, hint=hint)])

    def _check_names(self) -> None:
        infos = self._zip.infolist()
        if len(infos) > MAX_ENTRIES:
            raise self.error(f"{len(infos):,} parts, a book may have {MAX_ENTRIES:,}")
        for info in infos:
            steps = info.filename.replace("\\", "/").split("/")
            if ".." in steps or not steps[0] or ":" in steps[0]:
                raise self.error(f"a part is named {info.filename!r}, which leads out of the archive")
        self._names = frozenset(info.filename for info in infos)
        self._folded = {name.casefold(): name for name in sorted(self._names, reverse=True)}
