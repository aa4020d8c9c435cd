"""Items from Libri-Light, with the transcripts there are."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from valle_engine import Row
from valle_engine.errors import AudioError
from valle_plugins.sources.jsonl import JsonLines
from valle_plugins.sources.librispeech import LibriSpeech
from valle_plugins.sources.speech_set import ExcerptSet, item_id

PUBLISHED_ROOT = "librilight/"
"""What stands before the names of recordings in the manifests of Libriheavy: `download/librilight/small/…`."""


class LibriLight(ExcerptSet):
    """A folder of Libri-Light with transcripts: its labelled hours, or the texts that Libriheavy found for the rest.

    Without `transcripts`, the `*.trans.txt` files of the labelled part (`librispeech_finetuning`) are read. With them,
    the manifest's excerpts are cut out of the long recordings. Items have `audio`, `text`, `speaker`, `language`.
    """

    name: ClassVar[str] = "librilight"

    path: Path = Field(description="The folder that `small`, `medium`, `large` or `librispeech_finetuning` are in.")
    transcripts: Path | None = Field(None, description="A manifest of Libriheavy (libriheavy_cuts_*.jsonl.gz).")

    def entries(self) -> Iterator[Row]:
        """Stream the utterances. Raises `JobError` for a folder without transcripts, or without a folder for cuts."""
        if self.transcripts is None:
            yield from LibriSpeech(path=self.path).entries()
            return
        for row in JsonLines(path=self.transcripts).rows():
            try:
                yield row if row.problem else Row(row.line, self._fields(row.fields))
            except AudioError as error:
                yield Row(row.line, {}, str(error))
            except (AttributeError, IndexError, KeyError, TypeError, ValueError):
                yield Row(row.line, {}, "not a cut as Libriheavy writes them")

    def place(self) -> str:
        """The manifest, where there is one."""
        return str(self.transcripts or self.path)

    def _fields(self, cut: Mapping[str, Any]) -> dict[str, Any]:
        [told] = cut["supervisions"]
        [source] = cut["recording"]["sources"]
        ours = item_id(cut["id"])
        recording = (self.audio or self.path) / source["source"].rpartition(PUBLISHED_ROOT)[2]
        audio = self.excerpt(ours, recording, float(cut["start"]), float(cut["duration"]))
        # The book's own text comes first, with case and punctuation; what a recogniser heard stands second.
        text = told["text"] if "text" in told else told["custom"]["texts"][0]
        return {"id": ours, "audio": audio, "text": text, "speaker": str(told["speaker"]), "language": "en"}
