"""Phonemes to text by the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from valle_engine.parts import BaseItem
from valle_plugins.tasks.writing import WritingTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valle_engine.kit import Kit


class Unphonemize(WritingTask):
    """Write the text that `item.phonemes` stand for; takes a version 6 model."""

    class Item(BaseItem):
        """Phonemes."""

        phonemes: str = Field(min_length=1, description="Phonemes (IPA) as `stt` and `phonemize` write them.")
        language: str = Field("en", description="Language code: en, ja, de, fr, zh, ko.")

    name: ClassVar[str] = "unphonemize"
    head: ClassVar[str] = "text"

    async def run(self, item: Item, kit: Kit) -> Mapping[str, Any]:
        """`text` of one item. Raises `ItemError` for a model that writes no text."""
        return {"text": await kit.spell(kit.phonetic(item.phonemes, item.language), self.max_ids)}
