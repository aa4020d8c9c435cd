"""The codec language model: embeddings, body, heads; names and shapes are those of the released checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from valle_engine.errors import ItemError
from valle_engine.model.cache import KeyValueCache, PackedAttention, Span
from valle_engine.model.layers import Body, Linear
from valle_engine.model.sequences import TASK_TOKENS, Inputs, Plan, SegmentName, plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from valle_engine.model.config import ModelConfig
    from valle_engine.model.layers import Deltas
    from valle_engine.model.lora import Adapters

DIGITS = 11
"""Ids of the length head: ten digits and the end."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """An embedded sequence (n, d), how it is laid out, and the level it aims at."""

    embeddings: Tensor
    plan: Plan
    level: int


@dataclass(slots=True, eq=False)
class Pass:
    """One trip through the body: embeddings (n, d) at `positions`, of which the last `rows` go through `head`.

    With a cache, what it holds comes before these places, and they are kept in it.
    """

    embeddings: Tensor
    positions: Sequence[int]
    head: str
    rows: int
    causal: bool
    level: int = 0
    cache: KeyValueCache | None = None

    @property
    def is_step(self) -> bool:
        """Whether it goes on from a cache, a few places at a time."""
        return self.cache is not None and self.cache.length > 0


class Tables(nn.Module):
    """Embedding tables, one for each codebook."""

    def __init__(self, sizes: Iterable[int], width: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(size, width) for size in sizes)

    def sum(self, codes: Tensor, first: int = 0) -> Tensor:
        """Sum of the tables from `first` on over the columns of codes (frames, columns): (frames, d)."""
        total = self.embeddings[first](codes[:, 0])
        for column in range(1, codes.shape[1]):
            total = total + self.embeddings[first + column](codes[:, column])
        summed: Tensor = total
        return summed


class Heads(nn.Module):
    """Output maps, one for each name in the order of the checkpoint."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self._index = {name: index for index, name in enumerate(config.heads_by_name)}
        self.proj = nn.ModuleList(
            Linear(config.dim, size, bias=config.head_bias) for size in config.heads_by_name.values()
        )

    def forward(self, name: str, hidden: Tensor) -> Tensor:
        """Logits (rows, vocabulary) of hidden states (rows, d), in float32."""
        logits: Tensor = self.proj[self._index[name]](hidden)
        return logits.float()


class LanguageModel(nn.Module):
    """A codec language model of the released format."""

    def __init__(self, config: ModelConfig, *, raw_text: bool = True) -> None:
        super().__init__()
        width, codes = config.dim, config.codes
        self.config = config
        self.sep = nn.Parameter(torch.empty(width))
        self.text_emb = nn.Embedding(config.phonemes, width)
        self.raw_text_emb = nn.Embedding(config.characters, width) if raw_text else None
        self.langs_emb = nn.Embedding(config.langs, width)
        self.tasks_emb = nn.Embedding(config.tasks, width)
        self.tones_emb = nn.Embedding(config.tones, width)
        self.rvq_l_emb = nn.Embedding(config.levels, width)
        self.len_emb = nn.Embedding(DIGITS, width)
        self.proms_emb = Tables([codes] * config.levels, width)
        self.resps_emb = Tables([codes + 1, *[codes] * (config.levels - 1), *[codes + 1] * config.demasks], width)
        self.model = Body(config)
        self.classifiers = Heads(config)
        self.adapters: Adapters | None = None

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights and of what passes between the layers."""
        return self.sep.dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.sep.device

    def linears(self) -> Iterator[Linear]:
        """Every linear map, heads included."""
        return (module for module in self.modules() if isinstance(module, Linear))

    def embed(self, inputs: Inputs) -> Embedded:
        """Lay a sequence out and embed it. Raises `ItemError` for what the checkpoint cannot do."""
        layout = plan(inputs, self.config)
        parts: list[Tensor] = []
        for segment in layout.segments:
            parts += [self.sep[None], self._segment(segment.name, inputs)]
        return Embedded(torch.cat(parts[1:]), layout, inputs.level)

    def embed_output(self, segment: SegmentName, ids: Tensor) -> Tensor:
        """Embed new ids (n,) of the segment that is being produced: (n, d)."""
        if segment == "response":
            embedded: Tensor = self.resps_emb.embeddings[0](ids)
            return embedded
        return self._segment(segment, Inputs(phonemes=ids, text=ids, length=ids))

    def cache(self, capacity: int) -> KeyValueCache:
        """An empty cache for one sequence."""
        return KeyValueCache(self.config, capacity, self.sep)

    def cache_bytes(self, capacity: int) -> int:
        """Memory that one such cache takes."""
        return KeyValueCache.bytes_for(self.config, capacity, self.sep.element_size())

    @torch.inference_mode()
    def run(self, passes: Sequence[Pass]) -> list[Tensor]:
        """Take passes of any kind through the body together: the logits (rows, vocabulary) of each, in float32.

        Each pass gets the same bits whatever shares the trip.
        """
        logits: dict[int, Tensor] = {}
        keyed = sorted(range(len(passes)), key=lambda index: self._adapters_key(passes[index].level))
        for _, group in groupby(keyed, key=lambda index: self._adapters_key(passes[index].level)):
            chosen = list(group)
            logits |= zip(chosen, self._run_alike([passes[index] for index in chosen]), strict=True)
        for one in passes:
            if one.cache is not None:
                one.cache.length += len(one.positions)
        return [logits[index] for index in range(len(passes))]

    def _adapters_key(self, level: int) -> tuple[int, ...]:
        return self.adapters.active(level) if self.adapters else ()

    def _run_alike(self, passes: Sequence[Pass]) -> list[Tensor]:
        """Take passes that the same adapters act on through the body."""
        sizes = [len(one.positions) for one in passes]
        packed = torch.cat([one.embeddings for one in passes])
        positions = torch.tensor([place for one in passes for place in one.positions], device=self.device)
        spans = [Span(size, one.causal, one.cache) for one, size in zip(passes, sizes, strict=True)]
        deltas: Mapping[int, Deltas] = self.adapters.deltas(passes[0].level) if self.adapters else {}
        hidden = self.model(packed, positions, PackedAttention(spans, self.device), deltas)
        return self._read(passes, hidden.split_with_sizes(sizes))

    def _read(self, passes: Sequence[Pass], hidden: Sequence[Tensor]) -> list[Tensor]:
        """Logits of each pass's last rows, all rows of one head at once."""
        by_head: dict[str, list[int]] = {}
        for index, one in enumerate(passes):
            by_head.setdefault(one.head, []).append(index)
        logits: dict[int, Tensor] = {}
        for head, indices in by_head.items():
            counts = [passes[index].rows for index in indices]
            rows = torch.cat([hidden[index][-count:] for index, count in zip(indices, counts, strict=True)])
            logits |= zip(indices, self.classifiers(head, rows).split_with_sizes(counts), strict=True)
        return [logits[index] for index in range(len(passes))]

    def _segment(self, name: SegmentName, inputs: Inputs) -> Tensor:
        if name == "prompt":
            return self._prompt(inputs)
        if name == "response":
            return self._response(inputs)
        table, ids = {
            "phonemes": (self.text_emb, inputs.phonemes),
            "text": (self.raw_text_emb, inputs.text),
            "length": (self.len_emb, inputs.length),
            "language": (self.langs_emb, inputs.language),
            "level": (self.rvq_l_emb, inputs.level),
            "tone": (self.tones_emb, inputs.tone),
        }[name]
        if table is None:
            raise ItemError("this checkpoint has no table for raw text: give phonemes instead")
        if isinstance(ids, int):
            ids = torch.tensor([ids], device=self.device)
        return self._looked_up(table, ids, name)

    def _prompt(self, inputs: Inputs) -> Tensor:
        parts = [
            self._looked_up(self.tasks_emb, torch.tensor([TASK_TOKENS[part]], device=self.device), "task token")
            if isinstance(part, str)
            else self._prompt_codes(part, inputs.level)
            for part in inputs.prompt or ()
        ]
        return torch.cat(parts) if parts else self.sep.new_empty(0, self.config.dim)

    def _prompt_codes(self, codes: Tensor, level: int) -> Tensor:
        """Embed codes (frames, codebooks); levels 0 and 1 both see the first codebook only."""
        used = max(1, level)
        self._check(codes, self.config.codes, "prompt code")
        if codes.shape[1] < used:
            raise ItemError(f"the prompt has {codes.shape[1]} codebooks; level {level} needs {used}")
        if self.config.sum_prompt:
            return self.proms_emb.sum(codes[:, :used])
        embedded: Tensor = self.proms_emb.embeddings[used - 1](codes[:, used - 1])
        return embedded

    def _response(self, inputs: Inputs) -> Tensor:
        codes = inputs.response
        if codes is None:
            raise ItemError(f"the task {inputs.task!r} was given no codes")
        tables = self.resps_emb
        if inputs.task == "stt":
            return self._heard(codes)
        if inputs.masked:
            return self._looked_up(tables.embeddings[self.config.levels], codes, "code")
        if inputs.level == 0:
            return self._looked_up(tables.embeddings[0], codes if codes.dim() == 1 else codes[:, 0], "code")
        self._check(codes, self.config.codes, "code")
        if self.config.sum_response:
            return tables.sum(codes[:, : inputs.level], first=1)
        embedded: Tensor = tables.embeddings[inputs.level](codes[:, inputs.level - 1])
        return embedded

    def _heard(self, codes: Tensor) -> Tensor:
        """Embed codes (frames, codebooks) to be transcribed; so it was trained, the last codebook is not heard."""
        self._check(codes, self.config.codes, "code")
        heard = self.resps_emb.embeddings[0](codes[:, 0])
        for column in range(1, codes.shape[1] - 1):
            heard = heard + self.resps_emb.embeddings[column + 1](codes[:, column])
        embedded: Tensor = heard
        return embedded

    def _looked_up(self, table: nn.Module, ids: Tensor | None, what: str) -> Tensor:
        if ids is None:
            raise ItemError(f"no {what} was given")
        self._check(ids, int(table.num_embeddings), what)  # type: ignore[arg-type]
        embedded: Tensor = table(ids)
        return embedded

    def _check(self, ids: Tensor, size: int, what: str) -> None:
        """Refuse ids that a table does not have, before they end the process (CPU) or poison the device (CUDA)."""
        if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < size:
            raise ItemError(
                f"{what} ids reach from {int(ids.min())} to {int(ids.max())}; this model has 0 to {size - 1}"
            )
