"""Items from LibriTTS."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from valle_engine import Row
from valle_plugins.sources.speech_set import SpeechSet, read_text, sorted_files

AUDIO = ".wav"
ENDINGS = {"normalised": ".normalized.txt", "written": ".original.txt"}


class LibriTTS(SpeechSet):
    """A folder of LibriTTS or LibriTTS-R, such as `LibriTTS/train-clean-100`, or several of them in one.

    Items have `audio`, `text`, `speaker`, `chapter` and `subset`. Audio without its text, and text without its audio,
    are told as mistakes.
    """

    name: ClassVar[str] = "libritts"

    path: Path = Field(description="The folder that the speakers' folders are in, or one above it.")
    text: Literal["normalised", "written"] = Field(
        "normalised", description="The text in which numbers and abbreviations are words, or that of the book."
    )

    def entries(self) -> Iterator[Row]:
        """Stream the utterances, folder by folder, by their names. Raises `JobError` for a folder without any."""
        ending = ENDINGS[self.text]
        for folder, names in sorted_files(self.path, (AUDIO, ending)):
            utterances = {name.removesuffix(ending).removesuffix(AUDIO) for name in names}
            for utterance in sorted(utterances):
                yield self._row(folder, utterance, has_text=f"{utterance}{ending}" in names)

    def _row(self, folder: Path, utterance: str, *, has_text: bool) -> Row:
        audio, text = folder / f"{utterance}{AUDIO}", folder / f"{utterance}{ENDINGS[self.text]}"
        if not has_text:
            return Row(0, {}, f"{audio} has no text: there is no {text.name}")
        speaker, _, rest = utterance.partition("_")
        fields = {"id": utterance, "audio": str(audio), "speaker": speaker, "language": "en"}
        places = {"chapter": rest.partition("_")[0], "subset": folder.parent.parent.name}
        return read_text(text, {**fields, **places})
