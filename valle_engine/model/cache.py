"""Attention over packed sequences, with keys and values kept for those that are decoded step by step.

Each sequence is attended by itself with its own length: no padding, and no neighbour, can change a bit of it.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import scaled_dot_product_attention

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from valle_engine.model.config import ModelConfig


class KeyValueCache:
    """Keys and values of one sequence, for as many places as it can ever need."""

    def __init__(self, config: ModelConfig, capacity: int, like: Tensor) -> None:
        shape = (config.layers, 2, 1, config.heads, capacity, config.head_dim)
        self._layers: tuple[Tensor, ...] = tuple(like.new_empty(shape).unbind())
        self.capacity = capacity
        self.length = 0

    def append(self, layer: int, new: Tensor) -> Tensor:
        """Keep keys and values (2, 1, H, s, D) behind the `length` known ones; all of them, (2, 1, H, length + s, D).

        `length` itself moves on only when the pass is over, so that a pass can be run again.
        """
        kept, size = self._layers[layer], new.shape[3]
        kept.narrow(3, self.length, size).copy_(new)
        return kept.narrow(3, 0, self.length + size)

    def fork(self) -> KeyValueCache:
        """A copy that grows on its own."""
        twin = copy(self)
        twin._layers = tuple(layer.clone() for layer in self._layers)  # noqa: SLF001 - its own kind
        return twin

    @staticmethod
    def bytes_for(config: ModelConfig, capacity: int, element_size: int) -> int:
        """Memory that a cache of this capacity takes."""
        return 2 * config.layers * config.dim * capacity * element_size


@dataclass(frozen=True, slots=True)
class Span:
    """A sequence's `size` places in the pack; `cache` holds what came before them, and takes them in."""

    size: int
    causal: bool
    cache: KeyValueCache | None = None


class PackedAttention:
    """Attention of each span over itself and what its cache holds. It is an `Attend`."""

    def __init__(self, spans: Sequence[Span], device: torch.device) -> None:
        self._sizes = [span.size for span in spans]
        self._caches = [span.cache for span in spans]
        self._masks = [_mask(span, device) for span in spans]
        # A first pass over a causal sequence needs no mask tensor: the kernel skips what is masked.
        self._causal = [span.causal and not (span.cache and span.cache.length) for span in spans]

    def __call__(self, layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Mix values (N, H, D)."""
        asking = queries.transpose(0, 1).unsqueeze(0).split_with_sizes(self._sizes, dim=2)
        asked = torch.stack([keys, values]).transpose(1, 2).unsqueeze(1).split_with_sizes(self._sizes, dim=3)
        mixed = [self._attend(index, layer, *span) for index, span in enumerate(zip(asking, asked, strict=True))]
        return torch.cat(mixed, dim=2).squeeze(0).transpose(0, 1)

    def _attend(self, index: int, layer: int, queries: Tensor, new: Tensor) -> Tensor:
        cache = self._caches[index]
        keys, values = (new if cache is None else cache.append(layer, new)).unbind()
        return scaled_dot_product_attention(
            queries, keys, values, attn_mask=self._masks[index], is_causal=self._causal[index]
        )


def _mask(span: Span, device: torch.device) -> Tensor | None:
    """Who may see whom, for several new places behind kept ones."""
    if span.cache is None or not span.cache.length or span.size == 1:
        return None
    known = span.cache.length
    return torch.ones(span.size, known + span.size, dtype=torch.bool, device=device).tril(known)
