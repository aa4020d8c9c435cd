"""What all tasks that write have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from valle_engine.parts import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valle_engine.model.config import ModelConfig
    from valle_engine.parts import Sampler


class WritingTask(Task):
    """A task that writes phonemes or text: the best ids, unless the job names samplers."""

    needs_model: ClassVar[bool] = True
    gives_sound: ClassVar[bool] = False
    head: ClassVar[str] = "stt"

    max_ids: int = Field(400, ge=1, le=10_000, description="Most ids that are written; one is a phoneme or a few.")

    def check_job(self, samplers: Sequence[Sampler], model: ModelConfig | None) -> list[str]:  # noqa: ARG002 - all go
        """The model must have the head that writes."""
        if model is None or self.head in model.heads_by_name:
            return []
        return [f"this model has no {self.head!r} head, which {self.name} needs"]
