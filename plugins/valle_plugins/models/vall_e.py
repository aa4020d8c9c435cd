"""The released weights of the reference model."""

from __future__ import annotations

from typing import ClassVar

from valle_engine.parts import HubFile, Model


class VallE(Model):
    """ar+nar-len-llama-8: speech, transcription and editing in six languages, in EnCodec's codes at 24 kHz."""

    name: ClassVar[str] = "ecker/vall-e"
    about: ClassVar[str] = "ar+nar-len-llama-8: 24 kHz EnCodec codes, six languages, speech, transcription, editing"
    licence: ClassVar[str] = "as its page on the hub says: read it before you use the weights"
    codec: ClassVar[str] = "vocos"

    def weights(self) -> HubFile:
        """On the hub."""
        return HubFile("ecker/vall-e", "models/ckpt/ar+nar-len-llama-8/ckpt/fp32.sft")
