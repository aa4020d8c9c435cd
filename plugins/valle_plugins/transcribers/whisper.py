"""Whisper (Radford et al. 2022, arXiv:2212.04356) through transformers."""

from __future__ import annotations

import importlib.util
from typing import ClassVar

from pydantic import Field

from valle_engine.parts import OpenTranscriber, Transcriber


class Whisper(Transcriber):
    """Whisper, or another model of its kind, from the hub or a folder; the likeliest words, a clip of any length."""

    name: ClassVar[str] = "whisper"

    weights: str = Field("openai/whisper-large-v3", description="Folder or hub id; `@revision` pins one.")
    beams: int = Field(1, ge=1, le=16, description="Width of the beam; 1 takes the likeliest token each time.")

    def check_job(self) -> list[str]:
        """It needs a package."""
        if importlib.util.find_spec("transformers") is None:
            return ["transcriber 'whisper' needs a package: pip install 'valle-engine[transformers]'"]
        return []

    def open(self, device: str) -> OpenTranscriber:
        """Load it. Raises `CheckpointError`."""
        from valle_plugins.transcribers.whisper_network import OpenWhisper  # noqa: PLC0415 - loads torch

        return OpenWhisper(self.weights, self.beams, device)
