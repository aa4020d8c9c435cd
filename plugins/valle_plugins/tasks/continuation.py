"""Continuation: go on from a recording, with its voice, room and mood."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from valle_engine.decoding import Spoken
from valle_engine.pace import reading_seconds
from valle_engine.records import Result
from valle_plugins.tasks.speech import SpeechTask, SpokenItem, cut

if TYPE_CHECKING:
    from valle_engine.kit import Kit


class Continue(SpeechTask):
    """Go on from `item.audio` as `item.text` does, whose beginning is what the recording says."""

    class Item(SpokenItem):
        """A recording, and the words of it with those that follow."""

        audio: Path = Field(description="The recording to go on from.")

    name: ClassVar[str] = "continue"

    decoding: Literal["ar"] = Field("ar", description="Frame after frame, from the last one of the recording.")
    keep: bool = Field(default=False, description="Give the recording with what follows, as the codec hears it.")

    def expected_seconds(self, item: Item) -> float:
        """Seconds of the whole text."""
        return reading_seconds(item.text, item.language)

    async def run(self, item: Item, kit: Kit) -> Result:
        """Go on from one recording. `cut` tells whether the speech was longer than `max_seconds`."""
        import numpy as np  # noqa: PLC0415 - a check of a job needs no numpy

        begun = await kit.encode(item.audio)
        said = await kit.phonemes(item.text, item.language)
        spoken = Spoken(said=said, how=self, prompt=begun, goes_on=True)
        codes = await kit.speak(spoken)
        whole = np.concatenate([begun, codes]) if self.keep else codes
        return Result(await kit.decode(whole), {"cut": cut(spoken, codes, kit)})
