"""Items from audio as Hugging Face `datasets` keeps it: a folder with metadata, or Parquet with the audio inside."""

import os
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from valle_engine import Row, Source
from valle_engine.errors import JobError, Problem
from valle_plugins.sources.audio_folder import ENDINGS
from valle_plugins.sources.jsonl import JsonLines
from valle_plugins.sources.parquet import Parquet
from valle_plugins.sources.speech_set import SpeechSet, item_id, item_id_of
from valle_plugins.sources.table import Table

READERS: Mapping[str, type[Table | JsonLines | Parquet]] = {
    "metadata.csv": Table,
    "metadata.jsonl": JsonLines,
    "metadata.parquet": Parquet,
}
FILE = "file_name"
TEXTS = ("transcription", "sentence", "transcript")
"""Columns that hold the text in sets that have no `text`."""
BATCH = 32
MAGIC = {b"RIFF": ".wav", b"fLaC": ".flac", b"OggS": ".ogg", b"ID3": ".mp3", b"\xff\xfb": ".mp3"}


class HuggingFaceFolder(SpeechSet):
    """An audio folder of `datasets`: `metadata.csv`, `.jsonl` or `.parquet` in it or its splits, and the audio files.

    `file_name` becomes `audio`, `voice_file_name` becomes `voice` and so on; `transcription` is `text` where there is
    none. Where there is no `id`, the file's name below the folder is one. A file without metadata is told as a mistake.
    """

    name: ClassVar[str] = "hf-folder"

    path: Path = Field(description="The folder, or one of its splits.")

    def entries(self) -> Iterator[Row]:
        """Stream the rows of all metadata in the order of the folders. Raises `JobError` when there is none."""
        tables = sorted(path for name in READERS for path in self.path.rglob(name))
        if not tables:
            raise JobError([Problem(f"none of {', '.join(READERS)} in it or below it", str(self.path))])
        unnamed = {str(path) for path in self.path.rglob("*") if path.suffix.lower() in ENDINGS}
        for table in tables:
            for row in READERS[table.name](path=table).rows():
                fields = {} if row.problem else self._fields(row.fields, table.parent)
                wrong = row.problem or ("" if "audio" in fields else f"no column {FILE!r}")
                unnamed -= set(map(str, fields.values()))
                yield Row(0, fields, f"{table}:{row.line}: {wrong}") if wrong else Row(0, fields)
        for path in sorted(unnamed):
            yield Row(0, {}, f"{path} has no row of metadata")

    def _fields(self, given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, value in given.items():
            if name == FILE or name.endswith(f"_{FILE}"):
                fields[name.removesuffix(FILE).rstrip("_") or "audio"] = str(folder / str(value))
            else:
                fields[name] = value
        if "audio" in fields:
            fields.setdefault("id", item_id_of(os.path.relpath(fields["audio"], self.path)))
        return _with_text(fields)


class HuggingFaceParquet(Source):
    """Parquet files of `datasets` with the audio inside, which is written to files before anything can hear it.

    Columns of audio keep their names; `transcription` is `text` where there is none. Where there is no `id`, the name
    of the audio is one, or else the number of the row.
    """

    name: ClassVar[str] = "hf-parquet"

    path: Path = Field(description="A Parquet file, or a folder of them.")
    files: Path = Field(description="Folder that the audio is written to; it must exist.")

    def rows(self) -> Iterator[Row]:
        """Stream the rows of all files by name; the line of one is its number. Raises `JobError`."""
        number = 0
        for number, fields in enumerate(self._records(), start=1):
            yield self._row(number, fields)
        if not number:
            raise JobError([Problem("no rows of Parquet files", str(self.path))])

    def _records(self) -> Iterator[dict[str, Any]]:
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only this source needs it
        import pyarrow.parquet as pq  # noqa: PLC0415 - same

        for path in sorted(self.path.rglob("*.parquet")) if self.path.is_dir() else [self.path]:
            try:
                with pq.ParquetFile(path) as file:
                    for batch in file.iter_batches(BATCH):
                        yield from batch.to_pylist()
            except (pa.ArrowException, OSError) as error:
                raise JobError([Problem(f"cannot read on: {error}", str(path))]) from None

    def _row(self, number: int, given: Mapping[str, Any]) -> Row:
        fields = {name: value for name, value in given.items() if value is not None}
        sounds = {name: value for name, value in fields.items() if isinstance(value, dict) and "bytes" in value}
        named = next((str(sound["path"]) for sound in sounds.values() if sound.get("path")), f"{number:06}")
        fields.setdefault("id", item_id(Path(named).stem))
        for name, sound in sounds.items():
            if not isinstance(sound["bytes"], bytes):
                return Row(number, {}, f"column {name!r} names the file {sound.get('path')!r} and does not hold it")
            fields[name] = str(self._written(sound["bytes"], str(sound.get("path") or "")))
        return Row(number, _with_text(fields))

    def _written(self, data: bytes, named: str) -> Path:
        from valle_engine.store.atomic import replacing  # noqa: PLC0415 - a check of other sources writes nothing

        ending = Path(named).suffix.lower() if Path(named).suffix.lower() in ENDINGS else ""
        ending = next((known for mark, known in MAGIC.items() if data.startswith(mark)), ending)
        path = self.files / f"{blake2b(data, digest_size=16).hexdigest()}{ending}"
        if not path.is_file():
            with replacing(path) as file:
                file.write(data)
        return path


def _with_text(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with the text under our name."""
    theirs = next((name for name in TEXTS if name in fields), None)
    if "text" in fields or theirs is None:
        return fields
    return {("text" if name == theirs else name): value for name, value in fields.items()}
