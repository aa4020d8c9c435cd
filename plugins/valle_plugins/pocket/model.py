"""Pocket as a model that a job may name; it is what a job gets that names none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from valle_engine.parts import Model
from valle_plugins.pocket import files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DRAWN: Mapping[str, Any] = {"temperature": 0.7, "top-k": 20}
"""Samplers that keep a small model to what it knows."""
DRAWING = ("tts", "continue", "edit-speech", "extract-speaker")
"""Tasks that draw speech frame after frame unless they are told otherwise."""


class Pocket(Model):
    """The small model in the box, for every task on two cores; learnt from synthetic speech alone."""

    name: ClassVar[str] = "pocket"
    about: ClassVar[str] = "the model in the box: small, six languages, learnt from synthetic speech alone"
    licence: ClassVar[str] = "Apache-2.0, as the engine; nobody's voice is in it"
    remedy: ClassVar[str] = files.REMEDY
    codec: ClassVar[str] = "pocket"
    sampling: ClassVar[Mapping[str, Mapping[str, Any]]] = dict.fromkeys(DRAWING, DRAWN)
    voice: ClassVar[str | None] = "alba"

    def weights(self) -> Path:
        """In the package, or in the folder of VALLE_POCKET."""
        return files.home() / files.MODEL

    def voices(self) -> dict[str, Path]:
        """Its reference voices."""
        return files.voices()
