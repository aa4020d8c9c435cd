"""Items from LibriSpeech: its folders, and the lists of LibriSpeech-PC with punctuation and case."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from valle_engine import Row
from valle_engine.errors import JobError, Problem
from valle_plugins.sources.jsonl import JsonLines
from valle_plugins.sources.lines import numbered_lines
from valle_plugins.sources.speech_set import SpeechSet

ENDINGS = (".flac", ".wav")
PAIR = 6
"""Columns of a list of pairs: name, seconds and text of the prompt, then of the utterance to speak."""


class LibriSpeech(SpeechSet):
    """A folder of LibriSpeech, such as `LibriSpeech/test-clean`, by its `*.trans.txt` files.

    Items have `text`, `audio`, `speaker` and `chapter`. Audio that no transcript names is told as a mistake.
    """

    name: ClassVar[str] = "librispeech"

    path: Path = Field(description="The folder that the speakers' folders are in, or one above it.")

    def entries(self) -> Iterator[Row]:
        """Stream the utterances by the names of their transcripts. Raises `JobError` for a folder without any."""
        transcripts = sorted(self.path.rglob("*.trans.txt"))
        if not transcripts:
            raise JobError([Problem("no transcripts, *.trans.txt, in it or below it", str(self.path))])
        for transcript in transcripts:
            unnamed = {path for ending in ENDINGS for path in transcript.parent.glob(f"*{ending}")}
            for number, line in numbered_lines(transcript):
                utterance, _, text = line.decode("utf-8", "replace").strip().partition(" ")
                if not text:
                    yield Row(0, {}, f"{transcript}:{number}: no text after the name {utterance!r}")
                    continue
                path = _audio_of(transcript.parent, utterance)
                unnamed.discard(path)
                yield Row(0, _fields(utterance, text, path))
            for path in sorted(unnamed):
                yield Row(0, {}, f"{path} has no line in {transcript.name}")


class LibriSpeechPC(SpeechSet):
    """A list of LibriSpeech-PC: a manifest such as `test-clean.json`, or pairs across sentences, parted by tabs.

    Items of a manifest have `text`, `audio`, `speaker` and `chapter`. Items of pairs have `text`, its recording as
    `reference`, and the prompt as `voice` with `voice_text`.
    """

    name: ClassVar[str] = "librispeech-pc"

    path: Path = Field(description="The manifest, or the list of pairs (.lst or .tsv).")
    audio: Path = Field(description="The folder of LibriSpeech that the speakers' folders are in: test-clean …")

    def entries(self) -> Iterator[Row]:
        """Stream the lines of the list."""
        return self._pairs() if self.path.suffix in {".lst", ".tsv"} else self._manifest()

    def _pairs(self) -> Iterator[Row]:
        for number, line in numbered_lines(self.path):
            cells = line.decode("utf-8", "replace").strip().split("\t")
            if len(cells) != PAIR:
                yield Row(number, {}, f"{len(cells)} columns; a line of pairs has {PAIR}, parted by tabs")
                continue
            prompt, _, prompt_text, utterance, _, text = cells
            fields = _fields(utterance, text, self._located(utterance))
            fields["reference"] = fields.pop("audio")
            yield Row(number, {**fields, "voice": str(self._located(prompt)), "voice_text": prompt_text})

    def _manifest(self) -> Iterator[Row]:
        for row in JsonLines(path=self.path).rows():
            name, text = row.fields.get("audio_filepath"), row.fields.get("text")
            if row.problem or not isinstance(name, str) or not isinstance(text, str):
                yield Row(row.line, {}, row.problem or "no `audio_filepath` and `text`: no line of LibriSpeech-PC")
                continue
            utterance = Path(name).stem
            yield Row(row.line, _fields(utterance, text, self._located(utterance)))

    def _located(self, utterance: str) -> Path:
        speaker, _, rest = utterance.partition("-")
        return _audio_of(self.audio / speaker / rest.partition("-")[0], utterance)


def _fields(utterance: str, text: str, path: Path) -> dict[str, str]:
    speaker, _, rest = utterance.partition("-")
    told = {"id": utterance, "text": text, "language": "en", "audio": str(path)}
    return {**told, "speaker": speaker, "chapter": rest.partition("-")[0]}


def _audio_of(folder: Path, utterance: str) -> Path:
    """Its FLAC file; that of another ending where it is there and the first is not."""
    named = [folder / f"{utterance}{ending}" for ending in ENDINGS]
    return next((path for path in named if path.is_file()), named[0])
