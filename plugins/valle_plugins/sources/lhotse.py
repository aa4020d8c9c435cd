"""Items from manifests of Lhotse."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from valle_engine import Row
from valle_engine.errors import AudioError
from valle_plugins.sources.jsonl import JsonLines
from valle_plugins.sources.speech_set import ExcerptSet, item_id

TOLD = ("text", "language", "speaker", "gender")


class Lhotse(ExcerptSet):
    """JSON lines of Lhotse: a manifest of cuts, or one of supervisions together with its `recordings`.

    Items have `audio`, `text`, `language`, `speaker` and `gender`. Of a cut with several supervisions the texts are
    joined, and the rest is given where they agree. Recordings that are no single file are refused, and so are mixes.
    """

    name: ClassVar[str] = "lhotse"

    path: Path = Field(description="The manifest of cuts, or of supervisions (.jsonl or .jsonl.gz).")
    recordings: Path | None = Field(None, description="The manifest of recordings that supervisions belong to.")

    def entries(self) -> Iterator[Row]:
        """Stream the cuts or the supervisions."""
        known = self._known()
        for row in JsonLines(path=self.path).rows():
            if row.problem:
                yield row
                continue
            try:
                yield Row(row.line, self._fields(row.fields, known))
            except (AudioError, ValueError) as error:
                yield Row(row.line, {}, str(error))
            except (AttributeError, KeyError, TypeError):
                yield Row(row.line, {}, "neither a cut nor a supervision as Lhotse writes them")

    def _known(self) -> dict[str, Mapping[str, Any]]:
        if self.recordings is None:
            return {}
        return {str(row.fields.get("id")): row.fields for row in JsonLines(path=self.recordings).rows()}

    def _fields(self, given: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        ours = item_id(str(given["id"]))
        if "tracks" in given:
            raise ValueError(f"{ours} is a mix of tracks: save it to a file of its own first")
        supervised = "recording_id" in given
        recording = known.get(str(given["recording_id"])) if supervised else given.get("recording")
        if recording is None:
            hint = "name their manifest with `recordings`" if self.recordings is None else f"in {self.recordings}"
            raise ValueError(f"{ours} has no recording: {hint}")
        audio = self.excerpt(ours, self._file(recording), float(given["start"]), float(given["duration"]))
        return {"id": ours, "audio": audio, **_told([given] if supervised else given.get("supervisions", []))}

    def _file(self, recording: Mapping[str, Any]) -> Path:
        sources = recording["sources"]
        if len(sources) != 1 or sources[0]["type"] != "file":
            kinds = ", ".join(str(source["type"]) for source in sources)
            raise ValueError(f"recording {recording['id']!r} is no single file but: {kinds}")
        return (self.audio or self.path.parent) / str(sources[0]["source"])


def _told(supervisions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What supervisions tell together: their texts, and what they agree on."""
    fields = {}
    for name in TOLD:
        values = [each[name] for each in supervisions if each.get(name) is not None]
        if name == "text" and values:
            fields[name] = " ".join(map(str, values))
        elif len(set(values)) == 1:
            fields[name] = values[0]
    return fields
