"""What the model is given: one table for every task's layout, and the places its positions get.

A sequence is a list of segments with one learned separator between neighbours. A segment whose input is None is left
out together with its separator; an empty one keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from valle_engine.errors import ItemError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from valle_engine.model.config import ModelConfig

SegmentName = Literal["phonemes", "text", "language", "level", "prompt", "tone", "response", "length"]

TASK_TOKENS: Mapping[str, int] = {
    "tts": 0,
    "tts-c": 1,
    "ns": 2,
    "sr": 3,
    "tse": 4,
    "soe": 5,
    "mask": 6,
    "eoe": 7,
    "stt": 8,
}
"""Rows of the task embedding, by the token's name inside a prompt."""

BOS, EOS = 1, 2
"""Ids around every text, phonemes and characters alike."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Order of a task's segments, the one it produces, and the head that reads it (None: the level's own head).

    `counts_separators` is false for tasks whose training gave separators no place of their own: released weights expect
    their positions to run short, one per separator, and the row's end to be filled with ones.
    """

    order: tuple[SegmentName, ...]
    output: SegmentName
    head: str | None = None
    counts_separators: bool = True


_SPEECH: tuple[SegmentName, ...] = ("phonemes", "text", "language", "level", "prompt", "tone", "response")
_DRIFTING = Layout(_SPEECH, "response", counts_separators=False)

LAYOUTS: Mapping[str, Layout] = {
    "tts": Layout(_SPEECH, "response"),
    "ns": Layout(_SPEECH, "response"),
    "sr": Layout(_SPEECH, "response"),
    "tts-c": _DRIFTING,
    "tse": _DRIFTING,
    "cse": _DRIFTING,
    "nse": _DRIFTING,
    "len": Layout(("phonemes", "text", "language", "level", "prompt", "tone", "length"), "length", "len"),
    "stt": Layout(("response", "language", "level", "phonemes"), "phonemes", "stt"),
    "phn": Layout(("text", "language", "level", "phonemes"), "phonemes", "stt"),
    "un-phn": Layout(("phonemes", "language", "level", "text"), "text", "text"),
}
"""Every task the model was trained for. Speech takes phonemes, or characters where there are no phonemes."""

_TEXTS = frozenset({"phonemes", "text"})

CAUSAL_HEADS = frozenset({"AR:0:0", "stt", "len"})
"""Heads whose rows see only what came before, in models whose other rows see everything."""


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What one sequence is made of; ids are int64.

    `phonemes`, `text`, `length` (n,); `prompt` holds codes (frames, codebooks) and task tokens by name, None for no
    prompt at all; `response` (frames,) or (frames, codebooks). `level` is the codebook aimed at; `masked` aims at
    level 0 by demasking.
    """

    task: str = "tts"
    phonemes: Tensor | None = None
    text: Tensor | None = None
    language: int = 0
    prompt: tuple[Tensor | str, ...] | None = None
    response: Tensor | None = None
    length: Tensor | None = None
    level: int = 0
    masked: bool = False
    tone: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """A named run of `size` places, of which `counted` move the positions on."""

    name: SegmentName
    size: int
    counted: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the parts of a sequence lie and which head reads it."""

    layout: Layout
    segments: tuple[Segment, ...]
    head: str
    causal: bool
    restart: bool
    mended: bool = False

    @property
    def size(self) -> int:
        """Places in the whole sequence, separators included."""
        return sum(segment.size for segment in self.segments) + len(self.segments) - 1

    @property
    def drift(self) -> int:
        """Places at the row's end that the positions run short of; they all get position 1."""
        if not self.restart:
            return 0
        return self.size - len(self._own_positions(0))

    def positions(self, grown: int = 0) -> list[int]:
        """Position of every place once the output segment has grown by `grown` ids."""
        total = self.size + grown
        if not self.restart:
            return list(range(total))
        own = self._own_positions(grown)
        return own + [1] * (total - len(own))

    def _own_positions(self, grown: int) -> list[int]:
        positions: list[int] = []
        for segment in self.segments:
            is_output = segment.name == self.layout.output
            extent = (segment.size if self.mended else segment.counted) + grown * is_output
            extent += (self.mended or self.layout.counts_separators) and not is_output
            positions.extend(range(extent))
        return positions


def plan(inputs: Inputs, config: ModelConfig) -> Plan:
    """Lay a sequence out.

    Raises `ItemError` for a task the format does not have, or one whose head the checkpoint lacks.
    """
    layout = LAYOUTS.get(inputs.task)
    if layout is None:
        raise ItemError(f"the model knows no task {inputs.task!r}; it knows {', '.join(LAYOUTS)}")
    head = layout.head or _level_head(inputs)
    if head not in config.heads_by_name:
        raise ItemError(f"this checkpoint has no {head!r} head, which the task {inputs.task!r} needs")
    sizes = _sizes(inputs, config)
    segments = tuple(Segment(name, *sizes[name]) for name in layout.order if name in sizes)
    needed = {layout.output} | ({layout.order[0]} if layout.output in _TEXTS else set())
    if lacking := sorted(needed - {segment.name for segment in segments}):
        raise ItemError(f"the task {inputs.task!r} was given no {lacking[0]}")
    causal = head in CAUSAL_HEADS or not config.noncausal or (config.mended and layout.output in _TEXTS)
    return Plan(layout, segments, head, causal, config.restart_positions, config.mended)


def without_conditions(inputs: Inputs, device: torch.device) -> Inputs:
    """Return the same with empty text and no prompt: what guidance steers away from (arXiv:2207.12598, section 3)."""
    bare = torch.tensor([BOS, EOS], device=device)
    has_text = inputs.phonemes is None
    return Inputs(
        phonemes=None if has_text else bare,
        text=bare if has_text else None,
        language=inputs.language,
        response=inputs.response,
        level=inputs.level,
        masked=inputs.masked,
        tone=inputs.tone,
    )


def _task_tokens(prompt: Sequence[Tensor | str]) -> list[str]:
    tokens = [part for part in prompt if isinstance(part, str)]
    if unknown := [token for token in tokens if token not in TASK_TOKENS]:
        raise ItemError(f"there is no task token {unknown[0]!r}; there are {', '.join(TASK_TOKENS)}")
    return tokens


def _level_head(inputs: Inputs) -> str:
    if inputs.masked:
        return "NAR:0:0"
    return f"NAR:{inputs.level - 1}:{inputs.level}" if inputs.level else "AR:0:0"


def _sizes(inputs: Inputs, config: ModelConfig) -> dict[SegmentName, tuple[int, int]]:
    """Size and counted size of each segment that is present."""
    sizes: dict[SegmentName, tuple[int, int]] = {"language": (1, 1), "level": (1, 1)}
    if "tone" in config.capabilities:
        sizes["tone"] = (1, 1)
    if inputs.prompt is not None:
        frames = sum(len(part) for part in inputs.prompt if not isinstance(part, str))
        tokens = len(_task_tokens(inputs.prompt))
        # A task token takes a place but moves no position on: so the released weights were trained.
        sizes["prompt"] = (frames + tokens, frames)
    spoken_twice = inputs.phonemes is not None and LAYOUTS[inputs.task].output not in _TEXTS
    named: tuple[tuple[SegmentName, Tensor | None], ...] = (
        ("phonemes", inputs.phonemes),
        ("text", None if spoken_twice else inputs.text),
        ("response", inputs.response),
        ("length", inputs.length),
    )
    sizes |= {name: (len(ids), len(ids)) for name, ids in named if ids is not None}
    return sizes
