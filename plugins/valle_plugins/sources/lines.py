"""Read a text file line by line: numbered, bounded, gzip or plain, with or without a byte order mark."""

from __future__ import annotations

import gzip
import zlib
from functools import partial
from typing import IO, TYPE_CHECKING, cast

from valle_engine.errors import JobError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LINE = 16 * 2**20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Stream the lines of a file with their numbers, from 1; endings stay on.

    Raises `JobError` when the file cannot be read, ends in the middle of its compression, or has a line without end.
    """
    number = 0
    try:
        with _opened(path) as stream:
            for number, line in enumerate(iter(partial(stream.readline, MAX_LINE + 1), b""), start=1):
                if len(line) > MAX_LINE:
                    raise JobError([Problem(f"a line of more than {MAX_LINE // 2**20} MiB", str(path), number)])
                yield number, line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
    except (OSError, EOFError, zlib.error) as error:
        raise JobError([Problem(f"cannot read on: {error}", str(path), number + 1)]) from None


def _opened(path: Path) -> IO[bytes]:
    if path.suffix.lower() == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")
