"""Pocket's recogniser as a transcriber: phonemes, heard by a network that knows nothing of the language model."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from valle_engine.parts import OpenTranscriber, Transcriber
from valle_plugins.pocket import files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valle_engine.records import Clip
    from valle_plugins.pocket.recogniser import OpenRecogniser


class Recogniser(Transcriber):
    """The phoneme recogniser in the box: IPA without stress, for `per` and what else compares phonemes."""

    name: ClassVar[str] = "recogniser"
    writes: ClassVar[Literal["text", "phonemes"]] = "phonemes"

    weights: str | None = Field(None, description="A file; none: the weights that come with pocket.")

    def open(self, device: str) -> Hearing:
        """Load the network onto a device. Raises `CheckpointError`."""
        from valle_engine.codecs.weights import locate  # noqa: PLC0415 - a plugin's import stays light
        from valle_plugins.pocket.recogniser import open_recogniser  # noqa: PLC0415 - loads torch

        own = self.weights or str(files.needed(files.RECOGNISER))
        return Hearing(open_recogniser(locate(own, (files.RECOGNISER,), None), device))


class Hearing(OpenTranscriber):
    """The recogniser at work; one network hears all languages."""

    def __init__(self, recogniser: OpenRecogniser) -> None:
        self._recogniser = recogniser

    def transcribe(self, clips: Sequence[Clip], languages: Sequence[str]) -> list[str]:  # noqa: ARG002 - one for all
        """The phonemes of each clip."""
        return self._recogniser.transcribe(clips)
