"""Text to phonemes by the model itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from valle_engine.parts import BaseItem
from valle_plugins.tasks.writing import WritingTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valle_engine.kit import Kit


class Phonemize(WritingTask):
    """Write how `item.text` sounds, as the model has learned it; `espeak` is what it learned from."""

    class Item(BaseItem):
        """A text."""

        text: str = Field(min_length=1, description="The text.")
        language: str = Field("en", description="Language code: en, ja, de, fr, zh, ko.")

    name: ClassVar[str] = "phonemize"

    async def run(self, item: Item, kit: Kit) -> Mapping[str, Any]:
        """`phonemes` (IPA) of one text. Raises `ItemError` for a model that reads no text."""
        said = await kit.sound_out(item.text, item.language, self.max_ids)
        return {"phonemes": said.phonemes}
