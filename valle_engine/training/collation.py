"""Lessons packed one after another, as index tensors: what a step needs is looked up table by table, head by head.

The number of operations on a batch does not grow with its sequences. Rows that see only what came before stand first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from valle_engine.errors import ItemError
from valle_engine.model.sequences import TASK_TOKENS, plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from valle_engine.model.config import ModelConfig
    from valle_engine.model.sequences import Inputs, Plan, SegmentName
    from valle_engine.training.lessons import Lesson

SEPARATOR = "sep"


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """Ids (n,) of one table, and the places (n,) of the pack that their rows are added to."""

    ids: Tensor
    places: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one head reads: places (n,) of the pack, their targets (n,), and the lesson (n,) each belongs to."""

    places: Tensor
    targets: Tensor
    lessons: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """A batch. `positions` (N,); `causal` and `open_` are the sizes of its sequences, in their order."""

    positions: Tensor
    causal: tuple[int, ...]
    open_: tuple[int, ...]
    lookups: dict[str, Lookup]
    separators: Tensor
    readings: dict[str, Reading]
    tasks: tuple[str, ...]

    def to(self, device: torch.device) -> Pack:
        """The same on a device."""
        lookups = {table: Lookup(*_moved((each.ids, each.places), device)) for table, each in self.lookups.items()}
        readings = {
            head: Reading(*_moved((each.places, each.targets, each.lessons), device))
            for head, each in self.readings.items()
        }
        positions, separators = _moved((self.positions, self.separators), device)
        return Pack(positions, self.causal, self.open_, lookups, separators, readings, self.tasks)


def places_of(lesson: Lesson, config: ModelConfig) -> int:
    """Places that a lesson takes in a pack."""
    return plan(lesson.inputs, config).size


def collate(lessons: Sequence[Lesson], config: ModelConfig) -> Pack:
    """Pack lessons. Raises `ItemError` for ids that the model does not have, and for what it cannot do."""
    planned = [(lesson, plan(lesson.inputs, config)) for lesson in lessons]
    planned.sort(key=lambda each: not each[1].causal)
    lookups: dict[str, list[tuple[Tensor, Tensor]]] = {}
    readings: dict[str, list[tuple[Tensor, Tensor, Tensor]]] = {}
    separators: list[int] = []
    positions: list[int] = []
    for number, (lesson, layout) in enumerate(planned):
        start = len(positions)
        positions += layout.positions()
        for first, segment in _starts(layout, start):
            if first > start:
                separators.append(first - 1)
            for table, offset, ids in _rows(segment, lesson.inputs, config):
                lookups.setdefault(table, []).append((ids, torch.arange(first + offset, first + offset + len(ids))))
        read = torch.arange(len(positions) - len(lesson.targets), len(positions))
        numbers = torch.full_like(read, number)
        readings.setdefault(layout.head, []).append((read, lesson.targets, numbers))
    return Pack(
        torch.tensor(positions),
        tuple(layout.size for _, layout in planned if layout.causal),
        tuple(layout.size for _, layout in planned if not layout.causal),
        {table: Lookup(*map(torch.cat, zip(*each, strict=True))) for table, each in lookups.items()},
        torch.tensor(separators),
        {head: Reading(*map(torch.cat, zip(*each, strict=True))) for head, each in readings.items()},
        tuple(_named(lesson.inputs, layout) for lesson, layout in planned),
    )


def check(pack: Pack, sizes: Mapping[str, int]) -> None:
    """Raise `ItemError` for an id that a table has not, which on a GPU would end the process without a word."""
    for table, lookup in pack.lookups.items():
        if not len(lookup.ids):
            continue
        lowest, highest = map(int, lookup.ids.aminmax())
        if lowest < 0 or highest >= sizes[table]:
            raise ItemError(f"ids of {table} reach from {lowest} to {highest}; this model has 0 to {sizes[table] - 1}")


def _moved(tensors: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    return [tensor.to(device, non_blocking=True) for tensor in tensors]


def _named(inputs: Inputs, layout: Plan) -> str:
    """Task and head, by which losses are told apart."""
    return inputs.task if layout.layout.head else f"{inputs.task} {layout.head}"


def _starts(layout: Plan, start: int) -> Iterator[tuple[int, SegmentName]]:
    for segment in layout.segments:
        yield start, segment.name
        start += segment.size + 1


def _rows(segment: SegmentName, inputs: Inputs, config: ModelConfig) -> Iterator[tuple[str, int, Tensor]]:
    """Table, offset and ids of everything that is added up in a segment."""
    if segment == "prompt":
        return _prompt(inputs, config)
    if segment == "response":
        return _response(inputs, config)
    found: dict[str, tuple[str, Tensor | int | None]] = {
        "phonemes": ("text_emb", inputs.phonemes),
        "text": ("raw_text_emb", inputs.text),
        "length": ("len_emb", inputs.length),
        "language": ("langs_emb", inputs.language),
        "level": ("rvq_l_emb", inputs.level),
        "tone": ("tones_emb", inputs.tone),
    }
    table, ids = found[segment]
    return iter([(table, 0, ids if isinstance(ids, Tensor) else torch.tensor([ids]))])


def _prompt(inputs: Inputs, config: ModelConfig) -> Iterator[tuple[str, int, Tensor]]:
    """Levels 0 and 1 both see the first codebook only."""
    offset, used = 0, max(1, inputs.level)
    columns = range(used) if config.sum_prompt else (used - 1,)
    for part in inputs.prompt or ():
        if isinstance(part, str):
            yield "tasks_emb", offset, torch.tensor([TASK_TOKENS[part]])
            offset += 1
            continue
        for column in columns:
            yield f"proms_emb.embeddings.{column}", offset, part[:, column]
        offset += len(part)


def _response(inputs: Inputs, config: ModelConfig) -> Iterator[tuple[str, int, Tensor]]:
    codes = inputs.response
    if codes is None:
        raise ItemError(f"the task {inputs.task!r} was given no codes")
    if codes.dim() == 1:
        yield f"resps_emb.embeddings.{config.levels if inputs.masked else 0}", 0, codes
    elif inputs.task == "stt":
        # Table 0 is the first codebook's when it is spoken step by step; so it is heard, and the last is not.
        yield "resps_emb.embeddings.0", 0, codes[:, 0]
        for column in range(1, codes.shape[1] - 1):
            yield f"resps_emb.embeddings.{column + 1}", 0, codes[:, column]
    else:
        for column in range(inputs.level) if config.sum_response else (inputs.level - 1,):
            yield f"resps_emb.embeddings.{column + 1}", 0, codes[:, column]
