"""Items from LJ Speech."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from valle_engine import Row
from valle_plugins.sources.lines import numbered_lines
from valle_plugins.sources.speech_set import SpeechSet

COLUMNS = (2, 3)


class LJSpeech(SpeechSet):
    """The folder of LJ Speech (`LJSpeech-1.1`): `metadata.csv` and `wavs`. One English speaker, `LJ`.

    Corpora that others keep in the same form, with the third column or without, are read as well; `speaker` and
    `language` then say what they are.
    """

    name: ClassVar[str] = "ljspeech"

    path: Path = Field(description="The folder that `metadata.csv` is in.")
    text: Literal["normalised", "written"] = Field(
        "normalised", description="The third column, in which numbers and abbreviations are words, or the second."
    )
    speaker: str = Field("LJ", description="Name of the speaker.")
    language: str = Field("en", description="Language code of the texts.")

    def entries(self) -> Iterator[Row]:
        """Stream the lines of `metadata.csv`. Raises `JobError` when it cannot be read."""
        for number, line in numbered_lines(self.path / "metadata.csv"):
            cells = line.decode("utf-8", "replace").strip("\r\n").split("|")
            if len(cells) in COLUMNS:
                yield Row(number, self._fields(*cells))
            else:
                yield Row(number, {}, f"{len(cells)} columns; a line has 3, or 2, parted by |")

    def place(self) -> str:
        """The list of texts."""
        return str(self.path / "metadata.csv")

    def _fields(self, name: str, written: str, normalised: str | None = None) -> dict[str, str]:
        text = written if normalised is None or self.text == "written" else normalised
        audio = str(self.path / "wavs" / f"{name}.wav")
        return {"id": name, "audio": audio, "text": text, "speaker": self.speaker, "language": self.language}
