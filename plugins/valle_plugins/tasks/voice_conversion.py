"""Voice conversion: the same words in another voice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from valle_engine.decoding import Spoken
from valle_engine.parts import BaseItem
from valle_engine.records import Result
from valle_plugins.tasks.speech import LANGUAGE, SpeechTask

if TYPE_CHECKING:
    from valle_engine.kit import Kit

MOST_IDS_PER_SECOND = 40


class VoiceConversion(SpeechTask):
    """Say what is said in `item.audio` in the voice of `item.voice`, at the same pace."""

    class Item(BaseItem):
        """A recording to convert; its words are heard by the model where they are not given."""

        audio: Path = Field(description="The recording to convert.")
        voice: Path = Field(description="A recording of the voice it shall have.")
        text: str = Field("", description="What is said in it; the model transcribes it otherwise.")
        language: str = Field("en", description=LANGUAGE)

    name: ClassVar[str] = "voice-conversion"

    decoding: Literal["nar-len"] = Field("nar-len", description="By demasking, from the codes of the recording.")
    prompt_seconds: float = Field(
        3.0, ge=0, le=30, description="Seconds of the voice that are used, repeated if it is shorter; 0: all of it."
    )

    async def run(self, item: Item, kit: Kit) -> Result:
        """Convert one recording. Raises `AudioError` and `ItemError`."""
        source = await kit.encode(item.audio)
        prompt = await kit.prompt(item.voice, self.prompt_seconds)
        if item.text:
            said = await kit.phonemes(item.text, item.language)
        else:
            most = max(1, len(source) * MOST_IDS_PER_SECOND // kit.frame_rate)
            said = await kit.transcribe(source, item.language, most, part=1)
        spoken = Spoken(said=said, how=self, prompt=prompt, frames=len(source), source=source)
        return Result(await kit.decode(await kit.speak(spoken)), {"phonemes": said.phonemes})
