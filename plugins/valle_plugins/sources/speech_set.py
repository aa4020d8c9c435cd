"""What all sets of recordings have in common: files that are named and may be missing, and excerpts of them."""

import os
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pydantic import Field

from valle_engine import Row, Source
from valle_engine.errors import AudioError, JobError, Problem

AUDIO = ("audio", "voice", "reference")
"""Fields of a row that name recordings: what is heard, whose voice is wanted, what the output is compared with."""
AUDIO_FOLDER = "Folder that the names of audio files start from; by default that of the list."
LONGEST_ID = 128
WHOLE_SECONDS = 0.02
"""An excerpt that differs from its recording by no more is the recording."""
_ILLEGAL = re.compile(r"[^A-Za-z0-9._-]+")


class SpeechSet(Source):
    """A source whose rows name recordings: one that is missing is named by its row, and all are counted at the end."""

    def rows(self) -> Iterator[Row]:
        """Stream the set; the last row says how many others name files that are not there."""
        count = missing = 0
        for row in self.entries():
            count += 1
            gone = [] if row.problem else missing_files(row.fields)
            missing += bool(gone)
            yield replace(row, problem=f"no such file: {', '.join(gone)}") if gone else row
        if missing:
            yield Row(0, {}, f"{missing} of {count} rows name audio files that are not there")

    @abstractmethod
    def entries(self) -> Iterator[Row]:
        """Stream the set as it is written, with absolute names of files, whether they are there or not."""


class ExcerptSet(SpeechSet):
    """A set whose items may be parts of longer recordings."""

    audio: Path | None = Field(None, description=AUDIO_FOLDER)
    cuts: Path | None = Field(
        None,
        description="Folder that excerpts of longer recordings are cut into, as FLAC. "
        "It must exist; a set without excerpts needs none.",
    )

    def excerpt(self, item_id: str, recording: Path, start: float, seconds: float | None) -> str:
        """The file of a part of a recording, cut when it is first asked for; `seconds` None: all that follows.

        Raises `AudioError` for a recording that cannot be read or ends before, `JobError` without a folder for cuts.
        """
        if not recording.is_file():
            return str(recording)
        length, rate, mark = _measured(recording)
        end = length if seconds is None else start + seconds
        if not (0 <= start < end <= length + WHOLE_SECONDS):
            raise AudioError(f"{recording} has {length:.2f} s, of which {start:.2f} to {end:.2f} are none")
        if start <= 0 and length - end <= WHOLE_SECONDS:
            return str(recording)
        if self.cuts is None:
            hint = "name a folder to cut them into with `cuts`"
            message = f"{item_id} is {start:.2f} to {end:.2f} s of {recording}: the set holds excerpts"
            raise JobError([Problem(message, self.place(), path="items.cuts", hint=hint)])
        digest = blake2b(f"{recording} {mark} {start!r} {end!r}".encode(), digest_size=6).hexdigest()
        target = self.cuts / f"{item_id}-{digest}.flac"
        if not target.is_file():
            _cut(recording, round(start * rate), round(end * rate), target)
        return str(target)


def missing_files(fields: Mapping[str, Any]) -> list[str]:
    """The recordings that a row names and that are not there."""
    named = [str(fields[name]) for name in AUDIO if fields.get(name)]
    return [name for name in named if not os.path.isfile(name)]  # noqa: PTH113 - called for every file of a set


def sorted_files(folder: Path, endings: tuple[str, ...]) -> Iterator[tuple[Path, list[str]]]:
    """The folders at and below one that hold files with some endings, with the names of these files, all sorted.

    Raises `JobError` where there is no such file.
    """
    found = False
    for place, folders, names in os.walk(folder):
        folders.sort()
        if chosen := sorted(name for name in names if name.endswith(endings) and not name.startswith(".")):
            found = True
            yield Path(place), chosen
    if not found:
        raise JobError([Problem(f"no files that end in {', '.join(endings)}, in it or below it", str(folder))])


def read_text(path: Path, fields: Mapping[str, Any]) -> Row:
    """A row with a file's text, in one line; a file that is no text is told."""
    try:
        return Row(0, {**fields, "text": " ".join(path.read_text(encoding="utf-8-sig").split())})
    except (OSError, UnicodeDecodeError) as error:
        return Row(0, {}, f"{path} cannot be read as text: {error}")


def item_id(name: str) -> str:
    """An id made of a name that others chose; of what is too long, the end counts."""
    return _ILLEGAL.sub("-", name).strip("-.")[-LONGEST_ID:]


def item_id_of(path: str) -> str:
    """An id made of an audio file's name and folders."""
    return item_id(str(Path(path).with_suffix("")))


def _measured(recording: Path) -> tuple[float, int, str]:
    """Seconds and rate of a recording, and a mark that changes with it."""
    stat = recording.stat()
    return (*_header(recording, stat.st_size, stat.st_mtime_ns), f"{stat.st_size} {stat.st_mtime_ns}")


@lru_cache(maxsize=64)
def _header(recording: Path, size: int, changed_ns: int) -> tuple[float, int]:  # noqa: ARG001 - one file's state a key
    from valle_engine.audio import probe  # noqa: PLC0415 - a set without excerpts reads no audio

    info = probe(recording)
    return info.seconds, info.rate


def _cut(recording: Path, first: int, last: int, target: Path) -> None:
    import soundfile  # noqa: PLC0415 - a set without excerpts reads no audio

    from valle_engine.audio import encode_clip  # noqa: PLC0415 - same
    from valle_engine.records import Clip  # noqa: PLC0415 - same
    from valle_engine.store.atomic import replacing  # noqa: PLC0415 - same

    with recording.open("rb") as stream, soundfile.SoundFile(stream) as sound:
        sound.seek(first)
        samples = sound.read(last - first, dtype="float32", always_2d=True).mean(axis=1)
        clip = Clip(samples, sound.samplerate)
    with replacing(target) as file:
        file.write(encode_clip(clip, "flac"))
