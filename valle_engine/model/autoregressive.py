"""Decoding one id after another: the first codebook of speech, and every kind of text."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from valle_engine.errors import ItemError
from valle_engine.model.guidance import GuidedRows
from valle_engine.model.language_model import LanguageModel, Pass
from valle_engine.model.process import ask, see
from valle_engine.model.sampling import Draw, new_states
from valle_engine.model.sequences import BOS, EOS, LAYOUTS, Inputs, without_conditions

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from valle_engine.model.guidance import Guidance
    from valle_engine.model.process import Process
    from valle_engine.model.sampling import Chain

SILENT_FRAME = 62
"""First code of a silent frame."""


@dataclass(frozen=True, slots=True)
class Autoregressive:
    """How to decode step by step.

    At most `max_tokens` ids are drawn. `lead` ids begin the output and belong to it. With more than one of `beams`,
    nothing is drawn: the likeliest output that a search of this breadth finds is taken.
    """

    max_tokens: int = 500
    samplers: Chain = ()
    guidance: Guidance | None = None
    lead: tuple[int, ...] = ()
    beams: int = 1

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or self.beams < 1:
            raise ValueError(f"max_tokens and beams must be at least 1, not {self.max_tokens} and {self.beams}")


class Row:
    """One sequence that grows at its end.

    A causal sequence keeps what it has seen in a cache and feeds the new place only, or, where positions run short of
    places, the few whose position is still open. A bidirectional one is seen whole every time.
    """

    def __init__(self, model: LanguageModel, inputs: Inputs, capacity: int, span: int = 0) -> None:
        embedded = model.embed(inputs)
        self._model, self._level = model, embedded.level
        self._plan, self._embeddings = embedded.plan, embedded.embeddings
        self._grown = 0
        self.span = max(span, self._plan.drift + 1)
        self._cache = model.cache(len(self._embeddings) + capacity) if self._plan.causal else None

    def begin(self, rows: int) -> Pass:
        """See the whole sequence; logits of its last `rows` places."""
        return self._pass(self._embeddings, self._plan.positions(), rows)

    def extend(self, token: int) -> Pass:
        """Append an id and see what is new."""
        self._grown += 1
        ids = torch.tensor([token], device=self._model.device)
        embedded = self._model.embed_output(self._plan.layout.output, ids)
        self._embeddings = torch.cat([self._embeddings, embedded])
        if self._cache is None:
            return self._pass(self._embeddings, self._plan.positions(self._grown), 1)
        self._embeddings = self._embeddings[-self.span :]
        size = self._plan.size + self._grown
        self._cache.length = size - self.span
        known = self._plan.segments[-1].size + self._grown
        return self._pass(self._embeddings, self._open_positions(size), min(self.span, known + 1))

    def fork(self) -> Row:
        """A twin that grows on its own."""
        twin = copy(self)
        twin._cache = self._cache.fork() if self._cache else None  # noqa: SLF001 - its own kind
        return twin

    def _open_positions(self, size: int) -> list[int]:
        if not self._plan.restart:
            return list(range(size - self.span, size))
        if self.span == 1:
            return [self._plan.segments[-1].counted + self._grown - 1]
        return self._plan.positions(self._grown)[size - self.span :]

    def _pass(self, embeddings: Tensor, positions: list[int], rows: int) -> Pass:
        return Pass(embeddings, positions, self._plan.head, rows, self._plan.causal, self._level, self._cache)


def autoregress(
    model: LanguageModel, inputs: Inputs, options: Autoregressive, randomness: np.random.Generator
) -> Process[Tensor]:
    """Ids (n,) int64 that follow the output `inputs` holds so far, with `options.lead` and without the stop id."""
    stop = stop_id(model, inputs)
    tokens = torch.empty(len(options.lead) + options.max_tokens, dtype=torch.int64, device=model.device)
    tokens[: len(options.lead)] = torch.tensor(options.lead, device=model.device)
    count = len(options.lead)
    states = new_states(options.samplers)
    steps = Steps(model, led(inputs, options.lead, model.device), options)
    seen = yield from see(steps.begin())
    while True:
        draw = Draw(steps.last(seen), options.samplers, tokens[:count], states, float(randomness.random()))
        token = yield from ask(draw)
        if token == stop:
            break
        tokens[count] = token
        count += 1
        if count == len(tokens):
            break
        seen = yield from see(steps.extend(token))
    return tokens[:count]


class Steps:
    """The passes of a growing sequence, and their logits, guided where guidance is wanted."""

    def __init__(self, model: LanguageModel, inputs: Inputs, options: Autoregressive) -> None:
        self._rows = [Row(model, inputs, options.max_tokens)]
        self._known = len(getattr(inputs, LAYOUTS[inputs.task].output))
        self._guide = None
        if options.guidance is not None:
            if LAYOUTS[inputs.task].output != "response":
                raise ItemError(f"guidance is for speech; the task {inputs.task!r} gives text")
            # Both rows see the same new places, so that their logits stand side by side.
            bare = without_conditions(inputs, model.device)
            self._rows.append(Row(model, bare, options.max_tokens, self._rows[0].span))
            self._guide = GuidedRows(options.guidance)

    def begin(self) -> list[Pass]:
        """See the sequence as it was given."""
        rows = self._known + 1 if self._guide else 1
        return [row.begin(rows) for row in self._rows]

    def extend(self, token: int) -> list[Pass]:
        """See it with one more id."""
        return [row.extend(token) for row in self._rows]

    def last(self, seen: list[Tensor]) -> Tensor:
        """Logits (1, vocabulary) of the next id, from what the passes gave."""
        if self._guide is None:
            return seen[0][-1:]
        open_rows = min(self._rows[0].span - 1, len(seen[0]))
        return self._guide(seen[0], seen[1], settled=len(seen[0]) - open_rows)[-1:]

    def fork(self) -> Steps:
        """A twin that grows on its own."""
        twin = copy(self)
        twin._rows = [row.fork() for row in self._rows]  # noqa: SLF001 - its own kind
        twin._guide = copy(self._guide)  # noqa: SLF001 - same
        return twin


def stop_id(model: LanguageModel, inputs: Inputs) -> int:
    """The id that ends the output of a task."""
    return model.config.stop_code if LAYOUTS[inputs.task].output == "response" else EOS


def continuing(inputs: Inputs) -> Inputs:
    """The same, with the prompt as the beginning of the output; what is decoded goes on from it.

    Raises `ItemError` when there is no prompt of codes to go on from.
    """
    if inputs.prompt is None or len(inputs.prompt) != 1 or isinstance(inputs.prompt[0], str):
        raise ItemError("to continue a prompt, give one prompt of codes and no task tokens")
    codes = inputs.prompt[0]
    return replace(inputs, prompt=(codes[:0],), response=codes[:, 0])


def starting_text(inputs: Inputs, device: torch.device) -> Inputs:
    """The same, with the id that begins every text as the output so far."""
    begin = torch.tensor([BOS], device=device)
    return replace(inputs, **{LAYOUTS[inputs.task].output: begin})  # type: ignore[arg-type]


def led(inputs: Inputs, lead: tuple[int, ...], device: torch.device) -> Inputs:
    """The same, with the lead behind the output so far."""
    if not lead:
        return inputs
    output = LAYOUTS[inputs.task].output
    known = getattr(inputs, output)
    return replace(inputs, **{output: torch.cat([known, torch.tensor(lead, device=device)])})  # type: ignore[arg-type]
