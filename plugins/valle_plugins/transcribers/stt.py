"""The engine's own models as transcribers: what their task `stt` hears."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from valle_engine.parts import OpenTranscriber, Transcriber

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valle_engine.records import Clip


class SpeechToText(Transcriber):
    """A codec language model of the engine, in phonemes. It should not be the one that spoke: it shares its errors."""

    name: ClassVar[str] = "stt"
    writes: ClassVar[Literal["text", "phonemes"]] = "phonemes"

    weights: str = Field("pocket", description="The model, by name or path.")
    codec: str | dict[str, Any] | None = Field(None, description="Its codec; none: the model's own.")
    max_ids: int = Field(400, ge=1, le=10_000, description="Most phonemes of a clip.")

    def open(self, device: str) -> OpenTranscriber:
        """Load the model. Raises `CheckpointError`."""
        return _OpenModel(self, device)


class _OpenModel(OpenTranscriber):
    """The model held open; what it is asked at the same time it hears together, and each the same as alone."""

    def __init__(self, part: SpeechToText, device: str) -> None:
        from valle_engine import load  # noqa: PLC0415 - what is behind it comes when it is asked for

        codec = {"codec": part.codec} if part.codec else {}
        self._model = load({"name": part.weights, "device": device, **codec})
        self._most = part.max_ids

    def transcribe(self, clips: Sequence[Clip], languages: Sequence[str]) -> list[str]:
        """The phonemes of each clip."""
        if not clips:
            return []
        with TemporaryDirectory(prefix="valle-") as folder, ThreadPoolExecutor(len(clips)) as threads:
            places = [Path(folder, f"{number}.wav") for number in range(len(clips))]
            return list(threads.map(self._heard, clips, languages, places))

    def _heard(self, clip: Clip, language: str, place: Path) -> str:
        from valle_engine.audio import encode_clip  # noqa: PLC0415 - soundfile is for those who hear

        place.write_bytes(encode_clip(clip, "wav"))
        fields = {"audio": place, "language": language}
        return str(self._model.run("stt", fields, max_ids=self._most).values["phonemes"])
