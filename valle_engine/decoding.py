"""How a model turns text into speech, as options that a task can take over. Importing it loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from valle_engine.model.config import ModelConfig
    from valle_engine.parts import Sampler
    from valle_engine.text import Utterance

Prompt: TypeAlias = "np.ndarray | tuple[np.ndarray | str, ...]"
DEMASKING_GUIDANCE = 2.5
"""Guidance of demasking unless an option says otherwise: without it, it says other words."""
SHORTEST = 1.0
"""Seconds that demasking fills at least: the model was taught on speech of a second and more."""


class Decoding(BaseModel):
    """Options of everything that speaks. The job's samplers shape each draw of the first codebook."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decoding: Literal["ar", "nar-len"] = Field(
        "ar", description="The first codebook frame after frame (`ar`), or all frames by demasking (`nar-len`)."
    )
    max_seconds: float = Field(20.0, gt=0, le=120, description="Longest speech of one utterance, in seconds.")
    guidance: float | None = Field(
        None, ge=1, le=10, description="Classifier-free guidance; 1 is none. Default: 1 for `ar`, 2.5 for `nar-len`."
    )
    rescale: float = Field(0.75, ge=0, le=1, description="How far guidance is rescaled to the spread it came from.")
    beams: int = Field(1, ge=1, le=64, description="Breadth of a beam search, which draws nothing; 1 draws. For `ar`.")
    steps: int = Field(25, ge=1, le=1000, description="Steps of demasking. For `nar-len`.")
    temperature: float = Field(
        0.0, ge=0, le=10, description="Temperature of demasking, falling to 0; 0 takes the best. For `nar-len`."
    )
    stretch: float = Field(1.05, gt=0.1, le=10, description="Times the length that is predicted. For `nar-len`.")
    sample_levels: bool = Field(
        default=False, description="Draw the finer codebooks by the samplers too; else the best code is taken."
    )

    def max_frames(self, frame_rate: int) -> int:
        """Frames of the longest utterance."""
        return int(self.max_seconds * frame_rate)

    @property
    def strength(self) -> float:
        """Guidance as it is applied."""
        if self.guidance is not None:
            return self.guidance
        return 1.0 if self.decoding == "ar" else DEMASKING_GUIDANCE

    def problems(self, samplers: Sequence[Sampler], model: ModelConfig | None) -> list[str]:
        """What of these options, samplers and model does not go together."""
        found = []
        if self.decoding == "nar-len":
            found += [_sequential(sampler) for sampler in samplers if sampler.sequential]
            if self.beams > 1:
                found.append("beams are for decoding 'ar': demasking decides all frames at once")
            if model is not None and not ("NAR:0:0" in model.heads_by_name and "len" in model.capabilities):
                found.append("this model knows no demasking: use decoding 'ar'")
        elif self.beams > 1:
            found += [_deciding(sampler) for sampler in samplers if sampler.decides]
        return found


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Spoken:
    """Something to be spoken, and how.

    `prompt` holds codes (frames, codebooks) of a voice, or several with task tokens between them; `task` says what the
    model makes of them. `frames` is how long it will be, None for as long as the model finds. `before` are utterances
    and codes that were spoken before, `source` (frames, codebooks) a voice to convert; with `goes_on` the speech goes
    on from the prompt, whose words `said` then begins with. `sampling` changes options of the job's samplers.
    """

    said: Utterance
    how: Decoding
    prompt: Prompt | None = None
    task: str = "tts"
    frames: int | None = None
    before: tuple[tuple[Utterance, np.ndarray], ...] = ()
    source: np.ndarray | None = None
    goes_on: bool = False
    sampling: Mapping[str, Any] = field(default_factory=dict)

    @property
    def needs_length(self) -> bool:
        """Whether its length must be settled before it can be spoken."""
        return self.frames is None and self.how.decoding == "nar-len"

    def lasting(self, expected: int, frame_rate: int) -> Spoken:
        """The same at a length that was predicted, in frames, within the bounds of the options."""
        frames = int(max(expected, int(SHORTEST * frame_rate)) * self.how.stretch)
        return replace(self, frames=min(frames, self.how.max_frames(frame_rate)))


def _sequential(sampler: Sampler) -> str:
    return (
        f"sampler {sampler.name!r} goes by what was drawn before, and 'nar-len' draws all frames at once: leave it out"
    )


def _deciding(sampler: Sampler) -> str:
    return (
        f"sampler {sampler.name!r} settles the choice by a rule of its own, and so does a beam search: keep one of them"
    )
