"""Duration prediction: how long a text takes to say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from valle_engine.parts import Task
from valle_plugins.tasks.speech import SpokenItem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valle_engine.kit import Kit
    from valle_engine.model.config import ModelConfig
    from valle_engine.parts import Sampler


class Duration(Task):
    """Predict how long `item.text` takes in the voice of `item.voice`; the best digits are taken, nothing is drawn."""

    class Item(SpokenItem):
        """A text; without a voice, for any."""

        voice: Path | None = Field(None, description="A recording of the voice.")

    name: ClassVar[str] = "duration"
    needs_model: ClassVar[bool] = True
    gives_sound: ClassVar[bool] = False

    prompt_seconds: float = Field(
        3.0, ge=0, le=30, description="Seconds of the recording that are used, repeated if it is shorter; 0: all of it."
    )

    def check_job(self, samplers: Sequence[Sampler], model: ModelConfig | None) -> list[str]:
        """The model must spell durations, and samplers would change nothing."""
        found = [f"duration draws nothing: leave sampler {sampler.name!r} out" for sampler in samplers]
        if model is not None and "len" not in model.heads_by_name:
            found.append("this model predicts no durations (it has no 'len' head)")
        return found

    async def run(self, item: Item, kit: Kit) -> Mapping[str, Any]:
        """`frames` of the codec and `seconds` of one text. Raises `ItemError`."""
        prompt = None if item.voice is None else await kit.prompt(item.voice, self.prompt_seconds)
        frames = await kit.duration(await kit.phonemes(item.text, item.language), prompt)
        return {"frames": frames, "seconds": frames / kit.frame_rate}
