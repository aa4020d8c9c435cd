"""EnCodec's codes with Vocos as the decoder: the same speech, with fewer artefacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from valle_engine.parts import Codec
from valle_plugins.codecs.encodec import Encodec

if TYPE_CHECKING:
    from valle_engine.codecs.vocos import OpenVocos


class Vocos(Codec):
    """EnCodec's encoder and Vocos' decoder (arXiv:2306.00814) for the same codes."""

    name: ClassVar[str] = "vocos"
    sample_rate: ClassVar[int] = Encodec.sample_rate
    frame_rate: ClassVar[int] = Encodec.frame_rate
    codebooks: ClassVar[int] = Encodec.codebooks
    codebook_size: ClassVar[int] = Encodec.codebook_size

    weights: str = Field("charactr/vocos-encodec-24khz", description="The decoder: a file, a folder, or a hub id.")
    sha256: str | None = Field(None, description="Hash the decoder's weights must have.")
    encoder: Encodec = Field(default=Encodec(), description="The encoder: the options of `encodec`.")

    def open(self, device: str) -> OpenVocos:
        """Load both networks onto a device. Raises `CheckpointError`."""
        from valle_engine.codecs.vocos import FILE_NAMES, OpenVocos, VocosNetworks  # noqa: PLC0415 - loads torch
        from valle_engine.codecs.weights import locate  # noqa: PLC0415

        networks = VocosNetworks.load(locate(self.weights, FILE_NAMES, self.sha256), device)
        return OpenVocos(self.encoder.open(device), networks)
