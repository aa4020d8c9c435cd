"""How a page finds the sound it plays: by names relative to itself, or inside itself."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING
from urllib.parse import quote

from valle_engine.audio import probe
from valle_engine.errors import AudioError

if TYPE_CHECKING:
    from pathlib import Path

TYPES = {
    ".flac": "audio/flac",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
}
"""What browsers play, by the ending of a file."""


class Sounds:
    """The addresses of a page's sounds, each once however many items name it; `missing` are files that are not there.

    With `embed`, what really is audio becomes part of the page: a manifest cannot name any other file into it.
    """

    def __init__(self, page: Path, *, embed: bool) -> None:
        self.addresses: list[str] = []
        self.missing: list[str] = []
        self._folder = page.absolute().parent
        self._embed = embed
        self._places: dict[Path, int | None] = {}

    def place(self, path: Path) -> int | None:
        """Where a file's address is in `addresses`: an empty one for a missing file; None for what no browser plays."""
        if path not in self._places:
            self._places[path] = self._added(path)
        return self._places[path]

    def _added(self, path: Path) -> int | None:
        kind = TYPES.get(path.suffix.lower())
        if kind is None:
            return None
        address = ""
        if not path.is_file():
            self.missing.append(str(path))
        elif not self._embed:
            address = quote(os.path.relpath(path, self._folder))
        else:
            try:
                probe(path)
            except AudioError:
                return None
            address = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
        self.addresses.append(address)
        return len(self.addresses) - 1
