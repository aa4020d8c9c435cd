"""Items from a folder of audio files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from valle_engine import Row, Source
from valle_engine.errors import JobError, Problem

ENDINGS = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff"})
MAX_SIDE_CAR = 2**20
_ILLEGAL = re.compile(r"[^A-Za-z0-9._-]+")


class AudioFolder(Source):
    """Every audio file in a folder and its sub-folders, in the order of their names.

    The id is the path below the folder without its ending; what an id may not hold, `/` too, becomes `-`. Where a file
    with the same name and the ending of `text` lies beside it, its content is the field `text`. With `speakers`, the
    first folder below the path names the `speaker`. Hidden files and folders are left out.
    """

    name: ClassVar[str] = "audio-folder"

    path: Path = Field(description="The folder.")
    text: str | None = Field(".txt", pattern=r"^\.[A-Za-z0-9._-]+$", description="Ending of the text beside a file.")
    speakers: bool = Field(default=False, description="Whether there is a folder for each speaker.")

    def rows(self) -> Iterator[Row]:
        """Stream `id`, `audio` and, where there is one, `text`. Raises `JobError` for a folder that cannot be read."""
        try:
            yield from self._below(self.path)
        except OSError as error:
            raise JobError([Problem(f"cannot read the folder: {error}", str(self.path))]) from None

    def _below(self, folder: Path) -> Iterator[Row]:
        for path in sorted(folder.iterdir()):
            if path.name.startswith("."):
                continue
            if path.is_dir() and not path.is_symlink():
                yield from self._below(path)
            elif path.suffix.lower() in ENDINGS:
                yield self._row(path)

    def _row(self, path: Path) -> Row:
        relative = path.relative_to(self.path).with_suffix("").as_posix()
        fields: dict[str, Any] = {"id": _ILLEGAL.sub("-", relative), "audio": str(path)}
        speaker, _, inside = relative.partition("/")
        if self.speakers and not inside:
            return Row(0, fields, f"{path} lies in no speaker's folder")
        if self.speakers:
            fields["speaker"] = speaker
        side_car = path.with_suffix(self.text) if self.text else None
        if side_car is None or not side_car.is_file():
            return Row(0, fields)
        try:
            with side_car.open("rb") as stream:
                fields["text"] = stream.read(MAX_SIDE_CAR).decode("utf-8-sig").strip()
        except UnicodeDecodeError:
            return Row(0, fields, f"{side_car} is not valid UTF-8")
        return Row(0, fields)
