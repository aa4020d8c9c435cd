"""Speech editing: other words in the middle of a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from valle_engine.decoding import Spoken
from valle_engine.errors import ItemError
from valle_engine.pace import reading_seconds
from valle_engine.records import Result
from valle_plugins.tasks.speech import SpeechTask, SpokenItem, cut

if TYPE_CHECKING:
    import numpy as np

    from valle_engine.decoding import Prompt
    from valle_engine.kit import Kit


class EditSpeech(SpeechTask):
    """Speak `item.audio` again with the part from `item.start` to `item.end` replaced, so that it says `item.text`."""

    class Item(SpokenItem):
        """A recording, the part of it to replace, and all words of the result."""

        audio: Path = Field(description="The recording to edit.")
        start: float = Field(ge=0, description="Where the part to replace begins, in seconds.")
        end: float = Field(gt=0, description="Where it ends, in seconds.")

    name: ClassVar[str] = "edit-speech"

    decoding: Literal["ar"] = Field("ar", description="Frame after frame.")
    keep_noise: bool = Field(
        default=False, description="Show the model the part to replace, so that what sounds behind the speech stays."
    )

    def expected_seconds(self, item: Item) -> float:
        """Seconds of the whole text."""
        return reading_seconds(item.text, item.language)

    async def run(self, item: Item, kit: Kit) -> Result:
        """Edit one recording. Raises `ItemError` for a part that is not in it."""
        codes = await kit.encode(item.audio)
        said = await kit.phonemes(item.text, item.language)
        prompt = self._prompt(item, codes, kit.frame_rate)
        spoken = Spoken(said=said, how=self, prompt=prompt, task="nse" if self.keep_noise else "cse")
        edited = await kit.speak(spoken)
        return Result(await kit.decode(edited), {"cut": cut(spoken, edited, kit)})

    def _prompt(self, item: Item, codes: np.ndarray, rate: int) -> Prompt:
        start, end = int(item.start * rate), int(item.end * rate)
        if not start < end <= len(codes):
            length = len(codes) / rate
            raise ItemError(f"the part from {item.start:g} to {item.end:g} s is not in {item.audio} ({length:g} s)")
        middle: Any = codes[start:end] if self.keep_noise else "mask"
        around = codes[:start], "soe", middle, "eoe", codes[end:]
        return tuple(part for part in around if len(part))
