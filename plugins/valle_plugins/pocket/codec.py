"""Pocket's codec as a part: 25 frames a second of 8 codes from 1024, to sound at 24 kHz and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from valle_engine.parts import Codec
from valle_plugins.pocket import files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from valle_plugins.pocket.open_codec import OpenPocketCodec


class PocketCodec(Codec):
    """A small codec for 24 kHz, with its weights in the package; 2 kbit/s."""

    name: ClassVar[str] = "pocket"
    sample_rate: ClassVar[int] = 24000
    frame_rate: ClassVar[int] = 25
    codebooks: ClassVar[int] = 8
    codebook_size: ClassVar[int] = 1024

    weights: str | None = Field(None, description="A file, a folder, or a hub id; none: those that come with it.")
    sha256: str | None = Field(None, description="Hash the weights must have.")

    def files(self) -> Sequence[Path]:
        """Its own weights, unless others are named."""
        return () if self.weights else (files.home() / files.CODEC,)

    def open(self, device: str) -> OpenPocketCodec:
        """Load the networks onto a device. Raises `CheckpointError`."""
        from valle_engine.codecs.weights import locate  # noqa: PLC0415 - a plugin's import stays light
        from valle_plugins.pocket.open_codec import OpenPocketCodec, load_codec  # noqa: PLC0415 - loads torch

        own = self.weights or str(files.needed(files.CODEC))
        path = locate(own, (files.CODEC,), self.sha256)
        return OpenPocketCodec(load_codec(path), device)
