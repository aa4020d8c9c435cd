"""EnCodec at 24 kHz: its own encoder and decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from valle_engine.parts import Codec

if TYPE_CHECKING:
    from valle_engine.codecs.encodec import OpenEncodec

WEIGHTS = "facebook/encodec_24khz@c1dbe2ae3f1de713481a3b3e7c47f357092ee040"


class Encodec(Codec):
    """EnCodec 24 kHz at 6 kbit/s (arXiv:2210.13438). Its released weights are CC-BY-NC 4.0."""

    name: ClassVar[str] = "encodec"
    sample_rate: ClassVar[int] = 24000
    frame_rate: ClassVar[int] = 75
    codebooks: ClassVar[int] = 8
    codebook_size: ClassVar[int] = 1024

    weights: str = Field(WEIGHTS, description="A file, a folder, or a hub id: owner/name or owner/name@revision.")
    sha256: str | None = Field(None, description="Hash the weights must have.")

    def open(self, device: str) -> OpenEncodec:
        """Load the networks onto a device. Raises `CheckpointError`."""
        from valle_engine.codecs.encodec import FILE_NAMES, EncodecNetworks, OpenEncodec  # noqa: PLC0415 - loads torch
        from valle_engine.codecs.weights import locate  # noqa: PLC0415

        return OpenEncodec(EncodecNetworks.load(locate(self.weights, FILE_NAMES, self.sha256), device))
