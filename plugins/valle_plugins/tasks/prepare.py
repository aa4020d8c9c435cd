"""Speech and its words to what a model learns from."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from valle_engine.parts import BaseItem, Task
from valle_plugins.tasks.background import Background, together
from valle_plugins.tasks.soundness import Soundness
from valle_plugins.tasks.speech import LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from valle_engine.kit import Kit
    from valle_engine.records import Clip
    from valle_engine.text import Phonemizer


class Prepare(Soundness, Background, Task):
    """Turn `item.audio` and `item.text` into an example to train on: codes, phonemes, speaker.

    Recordings that are too long or too short, clipped, silent, or spoken at a rate that their text does not explain
    fail with the reason. The product `shards` makes a corpus of the examples.
    """

    class Item(BaseItem):
        """One utterance. A column `split` (train, validation, test) is taken at its word."""

        audio: Path | None = Field(None, description="The recording.")
        synthetic: str = Field(
            "", description="Instead of a recording: how the source `synthetic` has the text spoken."
        )
        text: str = Field(min_length=1, description="What is said.")
        speaker: str = Field(min_length=1, description="Who says it; utterances of one speaker prompt each other.")
        language: str = Field("en", description=LANGUAGE)
        phonemes: str = Field("", description="What is said in IPA, where that is known better than by the text.")

        @model_validator(mode="after")
        def _heard(self) -> Self:
            if (self.audio is None) == (not self.synthetic):
                raise ValueError("either `audio` or `synthetic` says how it sounds")
            return self

    name: ClassVar[str] = "prepare"
    needs_codec: ClassVar[bool] = True

    async def run(self, item: Item, kit: Kit) -> Mapping[str, Any]:
        """Prepare one utterance. Raises `AudioError`, and `ItemError` for what is not fit to learn from."""
        from valle_engine.training.examples import CodecFacts, Example  # noqa: PLC0415 - for workers only
        from valle_engine.training.wire import to_bytes  # noqa: PLC0415

        clip, phonemes = await _heard(item, kit)
        await kit.blocking(self.check, clip, phonemes)
        noise = await kit.blocking(self.noise_for, clip, kit.random())
        example = Example(
            id=item.id,
            speaker=item.speaker,
            language=item.language,
            text=item.text,
            phonemes=phonemes,
            seconds=clip.seconds,
            **await _codes(clip, noise, kit),
        )
        kept = await kit.keep(to_bytes(example, CodecFacts.of(kit.coder.codec)))
        return {"kept": list(kept), "seconds": clip.seconds, "frames": len(example.codes), "noisy": noise is not None}


async def _heard(item: Prepare.Item, kit: Kit) -> tuple[Clip, str]:
    """The sound of an utterance and its phonemes."""
    if item.audio is None:
        return await kit.blocking(_rendered, item)
    clip = await kit.read(item.audio)
    return clip, item.phonemes or await kit.blocking(_phonemes, item.text, item.language)


def _rendered(item: Prepare.Item) -> tuple[Clip, str]:
    from valle_plugins.synthetic.rendering import render  # noqa: PLC0415 - only for such items

    rendered = render(item)
    return rendered.clip, item.phonemes or rendered.phonemes


def _phonemes(text: str, language: str) -> str:
    from valle_engine.text import find_language  # noqa: PLC0415 - for workers only

    return _phonemizer().phonemes(text, find_language(language))


@cache
def _phonemizer() -> Phonemizer:
    """One for all items of a worker: it takes a while to load."""
    from valle_engine.text import Phonemizer  # noqa: PLC0415 - for workers only

    return Phonemizer()


async def _codes(clip: Clip, noise: Clip | None, kit: Kit) -> dict[str, np.ndarray]:
    """Codes of an utterance; where there is noise, of the noise alone and of both together as well."""
    clips = {"codes": clip} if noise is None else together(clip, noise)
    codes = await asyncio.gather(*map(kit.encode_clip, clips.values()))
    return {name: each.astype("uint16") for name, each in zip(clips, codes, strict=True)}
