"""Items from VCTK."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from valle_engine import Row
from valle_plugins.sources.speech_set import SpeechSet, read_text, sorted_files

INCOMPLETE = "p362"
"""The speaker some of whose recordings were never published, though their texts were."""


class Vctk(SpeechSet):
    """The folder of VCTK, release 0.92 (`wav48_silence_trimmed`) or an older one (`wav48`), by its folder `txt`.

    Items have `audio`, `text`, `speaker` and `language`. What the corpus itself lacks is no mistake: the texts of p315
    were lost, and so were some recordings of p362.
    """

    name: ClassVar[str] = "vctk"

    path: Path = Field(description="The folder that `txt` is in.")
    microphone: Literal["mic1", "mic2"] = Field("mic1", description="Which of the two recordings of release 0.92.")

    def entries(self) -> Iterator[Row]:
        """Stream the utterances by the names of their texts. Raises `JobError` for a folder without any."""
        for folder, names in sorted_files(self.path / "txt", (".txt",)):
            for name in names:
                audio = self._audio(folder.name, name.removesuffix(".txt"))
                if folder.name == INCOMPLETE and not audio.is_file():
                    continue
                fields = {"id": name.removesuffix(".txt"), "audio": str(audio)}
                yield read_text(folder / name, {**fields, "speaker": folder.name, "language": "en"})

    def _audio(self, speaker: str, utterance: str) -> Path:
        trimmed = self.path / "wav48_silence_trimmed"
        if trimmed.is_dir():
            return trimmed / speaker / f"{utterance}_{self.microphone}.flac"
        return self.path / "wav48" / speaker / f"{utterance}.wav"
