"""Items from a data folder in the style of Kaldi."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from valle_engine import Row
from valle_engine.errors import AudioError, JobError, Problem
from valle_plugins.sources.lines import numbered_lines
from valle_plugins.sources.speech_set import ExcerptSet, item_id

BESIDE = {"text": "text", "utt2spk": "speaker", "utt2lang": "language"}
"""What tells of utterances, by file: our field."""


class Kaldi(ExcerptSet):
    """A data folder in the style of Kaldi: `wav.scp`, and where they are `segments`, `text`, `utt2spk`, `utt2lang`.

    Items have `audio`, `text`, `speaker` and `language`. A recording that is a command is refused; an utterance of
    `text` that has no recording is told as a mistake.
    """

    name: ClassVar[str] = "kaldi"

    path: Path = Field(description="The folder.")

    def place(self) -> str:
        """The file that lists the utterances."""
        return str(self._list())

    def entries(self) -> Iterator[Row]:
        """Stream the utterances of `segments`, or of `wav.scp`. Raises `JobError` for files that cannot be read."""
        told = {field: self._table(name) for name, field in BESIDE.items() if (self.path / name).is_file()}
        recordings = self._table("wav.scp")
        segments = self._list().name == "segments"
        unheard = dict.fromkeys(told.get("text", ()))
        for number, (utterance, rest) in _lines(self._list()):
            unheard.pop(utterance, None)
            fields = {field: table[utterance] for field, table in told.items() if table.get(utterance)}
            try:
                audio = self._segment(utterance, rest, recordings) if segments else self._recording(rest)
            except (AudioError, ValueError) as error:
                yield Row(number, {}, f"{utterance}: {error}")
                continue
            yield Row(number, {"id": item_id(utterance), "audio": audio, **fields})
        for utterance in unheard:
            yield Row(0, {}, f"{self.path / 'text'} has {utterance!r}, which {self._list().name} does not")

    def _segment(self, utterance: str, rest: str, recordings: dict[str, str]) -> str:
        try:
            recording, start, end = rest.split()
            first, last = float(start), float(end)
        except ValueError:
            raise ValueError("a segment has a recording, a start and an end in seconds") from None
        if recording not in recordings:
            raise ValueError(f"its recording {recording!r} is not in wav.scp")
        path = Path(self._recording(recordings[recording]))
        seconds = last - first if last >= 0 else None  # -1 stands for the end of the recording
        return self.excerpt(item_id(utterance), path, first, seconds)

    def _recording(self, named: str) -> str:
        if named.endswith("|"):
            raise ValueError(f"{named!r} is a command, which is never run: write its output to a file")
        return str((self.audio or self.path) / named)

    def _list(self) -> Path:
        segments = self.path / "segments"
        return segments if segments.is_file() else self.path / "wav.scp"

    def _table(self, name: str) -> dict[str, str]:
        return dict(content for _, content in _lines(self.path / name))


def _lines(path: Path) -> Iterator[tuple[int, tuple[str, str]]]:
    """Number, name and the rest of each line."""
    for number, line in numbered_lines(path):
        try:
            name, _, rest = line.decode().strip().replace("\t", " ", 1).partition(" ")
        except UnicodeDecodeError:
            raise JobError([Problem("not valid UTF-8", str(path), number)]) from None
        if name:
            yield number, (name, rest.strip())
