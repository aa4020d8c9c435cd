"""Speech to text, as the model hears it: phonemes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from valle_engine.parts import BaseItem
from valle_plugins.tasks.writing import WritingTask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valle_engine.kit import Kit
    from valle_engine.model.config import ModelConfig
    from valle_engine.parts import Sampler


class SpeechToText(WritingTask):
    """Write down what is said in `item.audio`, as phonemes; with `spell` as text too."""

    class Item(BaseItem):
        """A recording of speech."""

        audio: Path = Field(description="The recording.")
        language: str = Field("en", description="Language code: en, ja, de, fr, zh, ko.")

    name: ClassVar[str] = "stt"

    spell: bool = Field(default=False, description="Also spell the phonemes as text; takes a version 6 model.")

    def check_job(self, samplers: Sequence[Sampler], model: ModelConfig | None) -> list[str]:
        """The model must hear, and to spell it must write text."""
        found = super().check_job(samplers, model)
        if self.spell and model is not None and "text" not in model.heads_by_name:
            found.append("this model has no 'text' head, which `spell` needs: leave it out")
        return found

    async def run(self, item: Item, kit: Kit) -> Mapping[str, Any]:
        """`phonemes` (IPA), and `text` where it is asked for. Raises `AudioError`."""
        said = await kit.transcribe(await kit.encode(item.audio), item.language, self.max_ids)
        if not self.spell:
            return {"phonemes": said.phonemes}
        return {"phonemes": said.phonemes, "text": await kit.spell(said, self.max_ids, part=1)}
