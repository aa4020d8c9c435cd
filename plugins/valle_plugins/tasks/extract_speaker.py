"""Target speaker extraction: one voice out of a recording of several."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from valle_engine.decoding import Spoken
from valle_engine.parts import BaseItem
from valle_plugins.tasks.speech import LANGUAGE, SpeechTask

if TYPE_CHECKING:
    from valle_engine.kit import Kit
    from valle_engine.records import Clip


class ExtractSpeaker(SpeechTask):
    """Give of `item.audio` what the speaker of `item.voice` says."""

    class Item(BaseItem):
        """A recording of several speakers, and one of the speaker alone."""

        audio: Path = Field(description="The recording of several speakers.")
        voice: Path = Field(description="A recording of the speaker alone.")
        text: str = Field("", description="What the speaker says, if that is known.")
        language: str = Field("en", description=LANGUAGE)

    name: ClassVar[str] = "extract-speaker"

    prompt_seconds: float = Field(
        3.0, ge=0, le=30, description="Seconds of the voice that are used, repeated if it is shorter; 0: all of it."
    )

    async def run(self, item: Item, kit: Kit) -> Clip:
        """Do one recording. Raises `AudioError` and `ItemError`."""
        voice = await kit.prompt(item.voice, self.prompt_seconds)
        mixed = await kit.encode(item.audio)
        said = await kit.words(item.text, item.language)
        spoken = Spoken(said=said, how=self, prompt=(voice, "tse", mixed), task="tse", frames=len(mixed))
        return await kit.decode(await kit.speak(spoken))
