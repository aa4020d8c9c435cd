"""What all tasks that speak have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from valle_engine.decoding import Decoding
from valle_engine.parts import BaseItem, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from valle_engine.decoding import Spoken
    from valle_engine.kit import Kit
    from valle_engine.model.config import ModelConfig
    from valle_engine.parts import Sampler

LANGUAGE = "Language code: en, ja, de, fr, zh, ko; `auto` detects it."


class SpokenItem(BaseItem):
    """An item with words."""

    text: str = Field(description="What is said.")
    language: str = Field("en", description=LANGUAGE)


class SpeechTask(Decoding, Task):
    """A task that speaks."""

    needs_model: ClassVar[bool] = True

    def check_job(self, samplers: Sequence[Sampler], model: ModelConfig | None) -> list[str]:
        """What of the decoding options, the samplers and the model does not go together."""
        return self.problems(samplers, model)


def cut(spoken: Spoken, codes: np.ndarray, kit: Kit) -> bool:
    """Whether speech ends because of the limit, in the middle of what was to be said."""
    return spoken.how.decoding == "ar" and len(codes) >= spoken.how.max_frames(kit.frame_rate)
