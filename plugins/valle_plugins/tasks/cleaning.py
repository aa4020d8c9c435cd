"""What a recording is made of: the speech in it, or the rest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from valle_engine.decoding import Spoken
from valle_engine.parts import BaseItem
from valle_plugins.tasks.speech import LANGUAGE, SpeechTask

if TYPE_CHECKING:
    from valle_engine.kit import Kit
    from valle_engine.records import Clip


class CleaningTask(SpeechTask):
    """A task that gives one part of a recording, as long as the recording."""

    class Item(BaseItem):
        """A recording; its words help, and may be missing."""

        audio: Path = Field(description="The recording.")
        text: str = Field("", description="What is said in it, if that is known.")
        language: str = Field("en", description=LANGUAGE)

    asked: ClassVar[Literal["ns", "sr"]]

    decoding: Literal["ar", "nar-len"] = Field(
        "nar-len", description="All frames by demasking (`nar-len`), or frame after frame (`ar`)."
    )

    async def run(self, item: Item, kit: Kit) -> Clip:
        """Do one recording. Raises `AudioError` and `ItemError`."""
        mixed = await kit.encode(item.audio)
        said = await kit.words(item.text, item.language)
        spoken = Spoken(said=said, how=self, prompt=(self.asked, mixed), task=self.asked, frames=len(mixed))
        return await kit.decode(await kit.speak(spoken))
