"""Items from Emilia."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from valle_engine import Row
from valle_plugins.sources.jsonl import JsonLines
from valle_plugins.sources.speech_set import SpeechSet, sorted_files

ENDINGS = (".jsonl", ".jsonl.gz")
CARRIED = ("duration", "dnsmos")


class Emilia(SpeechSet):
    """Emilia as JSON lines beside unpacked audio: one file, such as `EN/EN_B00000.jsonl`, or a folder of them.

    Items have `audio`, `text`, `speaker` and `language`; `duration` and `dnsmos` are carried along. Names of audio
    start at the folder of the file that names them.
    """

    name: ClassVar[str] = "emilia"

    path: Path = Field(description="A file of JSON lines, or a folder with such files in it or below it.")

    def entries(self) -> Iterator[Row]:
        """Stream the lines, file by file. Raises `JobError` for a folder without any."""
        if not self.path.is_dir():
            yield from self._lines(self.path)
            return
        for folder, names in sorted_files(self.path, ENDINGS):
            for name in names:
                # Lines are those of many files, so the row's own place in its file stands in what it is told.
                yield from (_placed(row, folder / name) for row in self._lines(folder / name))

    def _lines(self, path: Path) -> Iterator[Row]:
        for row in JsonLines(path=path).rows():
            yield row if row.problem else _row(row.line, row.fields, path.parent)


def _row(line: int, given: Mapping[str, Any], folder: Path) -> Row:
    needed = {name: given.get(name) for name in ("id", "wav", "text", "speaker", "language")}
    if wrong := [name for name, value in needed.items() if not isinstance(value, str) or not value.strip()]:
        return Row(line, {}, f"no text for {', '.join(wrong)}: not a line of Emilia")
    told = {name: needed[name] for name in ("id", "speaker", "language")}
    carried = {name: given[name] for name in CARRIED if name in given}
    return Row(line, {**told, "audio": str(folder / given["wav"]), "text": given["text"].strip(), **carried})


def _placed(row: Row, path: Path) -> Row:
    return Row(0, row.fields, f"{path}:{row.line}: {row.problem}" if row.problem else "")
