"""Items from a list of seed-tts-eval."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from valle_engine import Row
from valle_plugins.sources.lines import numbered_lines
from valle_plugins.sources.speech_set import AUDIO_FOLDER, SpeechSet, item_id

FORMS = {2: ("text",), 3: ("text", "voice"), 4: ("voice_text", "voice", "text")}
FORMS[5] = (*FORMS[4], "reference")
"""What follows the name of an utterance, by the number of columns."""
LANGUAGES = {"en", "zh"}


class SeedTtsEval(SpeechSet):
    """A list of seed-tts-eval, such as `en/meta.lst`: `name|prompt text|prompt audio|text`, perhaps `|reference`.

    Items have `voice` with `voice_text`, `text`, and the `reference` in `wavs` beside the list. Where `wavs` holds that
    of any line, it must hold all; the hard cases have none.
    """

    name: ClassVar[str] = "seed-tts-eval"

    path: Path = Field(description="The list.")
    audio: Path | None = Field(None, description=AUDIO_FOLDER)
    language: str | None = Field(None, description="Their language; by default the list's folder says it, if en or zh.")

    def entries(self) -> Iterator[Row]:
        """Stream the lines of the list."""
        folder = self.audio or self.path.parent
        recorded = any(self._reference(folder, cells[0]).is_file() for _, cells in self._lines())
        for number, cells in self._lines():
            form = FORMS.get(len(cells))
            if form is None:
                yield Row(number, {}, f"{len(cells)} columns; a line has 2 to 5, parted by |")
                continue
            fields = {"id": item_id(cells[0].removesuffix(".wav")), **dict(zip(form, cells[1:], strict=True))}
            for name in {"voice", "reference"} & fields.keys():
                fields[name] = str(folder / fields[name])
            if recorded and "reference" not in fields:
                fields["reference"] = str(self._reference(folder, cells[0]))
            yield Row(number, fields | self._language())

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        for number, line in numbered_lines(self.path):
            if not line.isspace():
                yield number, [cell.strip() for cell in line.decode("utf-8", "replace").split("|")]

    def _language(self) -> dict[str, str]:
        found = self.language or (self.path.parent.name if self.path.parent.name in LANGUAGES else None)
        return {"language": found} if found else {}

    @staticmethod
    def _reference(folder: Path, utterance: str) -> Path:
        return folder / "wavs" / f"{utterance.removesuffix('.wav')}.wav"
