"""Items from a manifest of NeMo."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from valle_engine import Row
from valle_engine.errors import AudioError
from valle_plugins.sources.jsonl import JsonLines
from valle_plugins.sources.speech_set import ExcerptSet, item_id_of

OURS = {"lang": "language", "context_audio_filepath": "voice", "context_text": "voice_text"}
"""Their names: ours. The context of a manifest for speaking is the prompt."""


class Nemo(ExcerptSet):
    """A manifest of NeMo, JSON lines with `audio_filepath`; a line with an `offset` is `duration` seconds from there.

    Items have `audio`, `text`, `language`, `speaker`, the prompt as `voice` with `voice_text`, as the manifest gives
    them, and its other columns. Where it gives no `id`, the audio file's name is one, with the offset in milliseconds.
    """

    name: ClassVar[str] = "nemo"

    path: Path = Field(description="The manifest.")

    def entries(self) -> Iterator[Row]:
        """Stream the lines of the manifest."""
        for row in JsonLines(path=self.path).rows():
            if row.problem or not isinstance(row.fields.get("audio_filepath"), str):
                yield row if row.problem else Row(row.line, {}, "no `audio_filepath`: no line of a manifest of NeMo")
                continue
            try:
                yield Row(row.line, self._fields(row.fields))
            except (AudioError, TypeError, ValueError) as error:
                yield Row(row.line, {}, str(error))

    def _fields(self, given: Mapping[str, Any]) -> dict[str, Any]:
        folder = self.audio or self.path.parent
        rest = dict(given)
        named, offset = rest.pop("audio_filepath"), rest.pop("offset", None)
        fields = {OURS.get(name, name): value for name, value in rest.items()}
        mark = "" if offset is None else f"-{round(float(offset) * 1000)}"
        fields.setdefault("id", f"{item_id_of(named)}{mark}")
        if "voice" in fields:
            fields["voice"] = str(folder / str(fields["voice"]))
        path = folder / named
        if offset is None:
            return {**fields, "audio": str(path)}
        seconds = None if rest.get("duration") is None else float(rest["duration"])
        return {**fields, "audio": self.excerpt(str(fields["id"]), path, float(offset), seconds)}
